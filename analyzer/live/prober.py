"""What a wait asks: a server behind one method, so that tests and replays can stand in for it."""

from __future__ import annotations

from typing import Protocol

from analyzer.live.observed_polls import Answer


class Prober(Protocol):
    """One server. ``server`` is its address without secrets; ``anonymous``: asked without credentials."""

    @property
    def server(self) -> str:
        """The address."""

    @property
    def anonymous(self) -> bool:
        """Whether there are no credentials."""

    async def ask(self, limit_s: float) -> Answer:
        """One poll of readiness, of at most ``limit_s`` seconds; never raises for anything a server does."""

    async def aclose(self) -> None:
        """Let go of the connection."""
