"""k3s since v1.30.12, 1.31.8, 1.32.4 and 1.33.0: one poller, every 2 s, 15 s a request, 15 min in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.policies.ticker import Ticker, Ticking


@dataclass(frozen=True, slots=True)
class Shared2s(Ticker):
    """See the module's text."""

    name: str = "shared-2s"

    def begin(self, noise: Sequence[float]) -> tuple[Ticking, ...]:
        """One ticker."""
        return (self.limited(0.0),)


POLICY = Shared2s
