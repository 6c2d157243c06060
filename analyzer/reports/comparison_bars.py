"""Differences as bars of text on one scale, with ``|`` at 0: the part that the windows alone allow, and the chance.

A bar is never narrower than its interval, and it touches the cells on both sides of 0 just where the interval holds 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.comparison.model import MetricComparison
from analyzer.stats.difference import Interval

CELLS = 7, 13  # of a bar, at least and at most
WINDOWS, CHANCE, ZERO = "█", "─", "|"
BELOW, ABOVE = "◀", "▶"  # goes on beyond the scale
_OPEN = 1.25  # times as far as the farthest end
_NOISE = 1 + 1e-9  # of floats
_LEAST = 1e-9  # seconds that can be drawn


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``lower`` (below 0) to ``upper`` (above 0); ``before`` cells stand before that of 0, ``after`` behind it."""

    lower: float
    upper: float
    before: int
    after: int

    @classmethod
    def of(cls, intervals: Iterable[Interval], cells: int = CELLS[1]) -> Scale | None:
        """One that holds all finite ends, and more where an end is open; nothing where there is hardly one but 0."""
        known = tuple(intervals)
        ends = [end for one in known for end in (one.lower, one.upper) if math.isfinite(end)]
        low, high = min([0.0, *ends]), max([0.0, *ends])
        low *= _OPEN if any(one.lower == -math.inf for one in known) else 1.0
        high *= _OPEN if any(one.upper == math.inf for one in known) else 1.0
        if high - low < _LEAST:
            return None
        room = cells - 1
        before = min(max(1, round(room * -low / (high - low))), room - 1)
        cell = max(-low / before, high / (room - before))
        return cls(-cell * before, cell * (room - before), before, room - before)

    def bar(self, interval: Interval, windows: Interval | None = None) -> str:
        """The interval, and in it what the windows alone allow."""
        cells = [" "] * (self.before + self.after + 1)
        first, last = self._span(interval)
        cells[first : last + 1] = CHANCE * (last + 1 - first)
        if windows is not None:
            inner, outer = self._span(windows)
            inner, outer = max(first, min(inner, last)), min(last, max(outer, first))
            cells[inner : outer + 1] = WINDOWS * (outer + 1 - inner)
        cells[self.before] = ZERO
        if interval.lower < self.lower * _NOISE:
            cells[0] = BELOW
        if interval.upper > self.upper * _NOISE:
            cells[-1] = ABOVE
        return "".join(cells)

    def _span(self, interval: Interval) -> tuple[int, int]:
        """The first and the last cell; on both sides of that of 0 just where the interval holds 0."""
        low, high = (min(max(end, self.lower), self.upper) / self._cell for end in (interval.lower, interval.upper))
        first = math.floor(low / _NOISE) + 1 if interval.lower > 0.0 else -max(1, math.ceil(-low / _NOISE))
        last = -math.floor(-high / _NOISE) - 1 if interval.upper < 0.0 else max(1, math.ceil(high / _NOISE))
        return self._place(first), self._place(last)

    def _place(self, steps: int) -> int:
        """A cell by its distance from that of 0."""
        return self.before + max(-self.before, min(steps, self.after))

    @property
    def _cell(self) -> float:
        return self.upper / self.after


def windows(metric: MetricComparison) -> Interval | None:
    """Which differences the windows of the starts seen allow, without any chance."""
    low, high = metric.new.min - metric.base.max, metric.new.max - metric.base.min
    return None if math.isnan(low) or math.isnan(high) else Interval(low, high)
