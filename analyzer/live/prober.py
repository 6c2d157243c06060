"""What a wait asks: a server behind one method, so that tests and replays can stand in for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from analyzer.live.observed_polls import Answer


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, not judged yet. ``cut``: the body was longer than was read."""

    status: int
    body: str
    headers: dict[str, str]
    cut: bool


class Prober(Protocol):
    """One server. ``server`` is its address without secrets; ``anonymous``: asked without credentials."""

    @property
    def server(self) -> str:
        """The address."""

    @property
    def anonymous(self) -> bool:
        """Whether there are no credentials."""

    @property
    def waiting_for(self) -> str:
        """What is missing before anything can be asked, in words; empty: nothing."""
        return ""

    def ready_to_ask(self) -> bool:
        """Look whether anything can be asked now."""
        return True

    def changed(self) -> bool:
        """Whether the next poll would be made with other credentials than the last one."""
        return False

    def may_heal(self, error: str) -> str:
        """Why a fatal class of answer may yet go away by itself, in words; empty: it does not."""
        return ""

    async def ask(self, limit_s: float) -> Answer:
        """One poll of readiness, of at most ``limit_s`` seconds; never raises for anything a server does."""
        raise NotImplementedError

    async def get(self, target: str, limit_s: float, body_limit: int) -> Reply | Answer:
        """``target`` (path and query) of the same server; what prevented an HTTP answer is an ``Answer``."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Let go of the connection."""
