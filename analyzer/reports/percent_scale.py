"""A linear axis in percent of the width of its picture, which grows with the page: bars and round ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0,
                 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 21600.0, 43200.0, 86400.0, 172800.0, 6048e2)  # fmt: skip

_FINEST: Final = 1e-6  # of a number, and in seconds: what is nearer is the same


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar between two ends, in percent; ``below``, ``above``: it goes on beyond that edge."""

    at: str
    width: str
    below: bool = False
    above: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid."""

    at: str
    value: float


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``low`` to ``high``, both ends of ticks that are ``step`` apart."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, low: float, high: float, most: int = 5) -> Scale:
        """A scale on which both ends have room, of at most so many steps."""
        span = high - low
        if not span > _FINEST * max(abs(low), abs(high), _FINEST):
            low, high = low - 0.5, high + 0.5
            span = high - low
        step = next((one for one in _STEPS if _steps(low, high, one) <= most), None)
        if step is None:
            step = 10.0 ** math.ceil(math.log10(span / (most - 1)))
        return cls(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step)

    def part(self, value: float) -> float:
        """Where a value is, 0 to 100, never beyond the edges."""
        return 100.0 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def at(self, value: float) -> str:
        """The same as text."""
        return f"{self.part(value):.2f}"

    def bar(self, lower: float, upper: float, least: float = 0.0) -> Bar:
        """A bar from ``lower`` to ``upper``, either of which may be infinite; at least so wide, away from 0."""
        slack = 1e-9 * (self.high - self.low)
        left, right = self.part(lower), self.part(upper)
        if right - left < least:
            begin = left if lower > 0.0 else right - least if upper < 0.0 else 0.5 * (left + right - least)
            left = min(max(begin, 0.0), 100.0 - least)
            right = left + least
        return Bar(f"{left:.2f}", f"{right - left:.2f}", lower < self.low - slack, upper > self.high + slack)

    def ticks(self) -> tuple[Tick, ...]:
        """One a step, both edges included."""
        values = [self.low + n * self.step for n in range(round((self.high - self.low) / self.step) + 1)]
        return tuple(Tick(self.at(value), 0.0 if abs(value) < 1e-9 else value) for value in values)


def _steps(low: float, high: float, step: float) -> int:
    return math.ceil(high / step - 1e-9) - math.floor(low / step + 1e-9)
