"""The pollers k3s really has: Go tickers, with their exact semantics.

A ``time.Ticker`` fires on a fixed grid and holds at most one tick that nobody has taken; further ticks are dropped
and the grid never moves. So an answer that comes late is followed by a request at once, then by the grid again.
Source: k3s pkg/util/api.go of v1.32.4 (``PollUntilContextTimeout``, immediate) and of v1.32.2; measured on recorded
starts: the phase of the grid survived even a process frozen for 12 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from analyzer.policies.definition import Maths, Recipe, Seen, above_zero

#: Stamps that differ by less than this are the same tick (rounding of sums of floats).
EPS = 1e-9


@dataclass(slots=True)
class Ticking:
    """One ticker: its grid begins at ``origin_s``, and ``drained`` of its ticks were taken.

    ``round_s``: every so many seconds the ticker is made anew, with a request at once (the old server background
    waiter polled in rounds of 30 s). ``until_s``: when its patience is over.
    """

    origin_s: float
    until_s: float
    round_s: float = math.inf
    drained: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker(Recipe[Ticking]):
    """One or more tickers: the queued tick at once, else the next tick of the grid."""

    interval_s: float = above_zero(2.0)

    def limited(self, start_s: float) -> Ticking:
        """A ticker from ``start_s`` on that gives up after the total limit."""
        total_s = self.limits.total_s
        return Ticking(start_s, math.inf if total_s is None else start_s + total_s)

    def first_at(self, own: Ticking) -> float:
        """At its start, immediately."""
        return own.origin_s

    def until(self, own: Ticking) -> float:
        """Counted from its own start."""
        return own.until_s

    def next(self, m: Maths, own: Ticking, seen: Seen) -> float:
        """The queued tick at once, else the next tick of the grid."""
        origin_s, drained = own.origin_s, own.drained
        fired = m.floor((seen.at_s - origin_s) / self.interval_s + EPS)
        queued = fired > drained
        drained = m.where(queued, fired, drained + 1.0)
        at_s = m.where(queued, seen.at_s, origin_s + drained * self.interval_s)
        if own.round_s < math.inf:
            # A request that runs past the end of its round is followed by the next round right away.
            end_s = origin_s + own.round_s
            over = at_s >= end_s - EPS
            at_s = m.where(over, m.where(seen.at_s >= end_s - EPS, seen.at_s, end_s), at_s)
            own.origin_s = m.where(over, at_s, origin_s)
            drained = m.where(over, 0.0, drained)
        own.drained = drained
        return at_s

    def words(self, own: Ticking, seen: Seen, error: str, at_s: float) -> tuple[str, str]:
        """Which tick it is."""
        return "tick", "next round" if own.drained == 0 else "queued tick" if at_s == seen.at_s else "grid"
