"""Shares of starts (those that failed, say) on two sides: an exact test, and an interval that agrees with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analyzer.stats.difference import Interval
from analyzer.stats.normal import deviations
from analyzer.stats.tails import drawn

_HALVINGS = 60
_FARTHEST = 40.0  # deviations
_TIE = 1e-7  # relative: tables as likely as the one seen, but for rounding


@dataclass(frozen=True, slots=True)
class Share:
    """``marked`` of ``total`` starts, and how many independent starts they are worth (``total``, or fewer)."""

    marked: int
    total: int
    worth: float

    def __post_init__(self) -> None:
        if not 0 <= self.marked <= self.total or self.total < 1 or not 0.0 < self.worth <= self.total:
            raise ValueError("a share is of at least one start, and at most all of them")

    @property
    def value(self) -> float:
        return self.marked / self.total

    def wilson(self, deviations: float) -> tuple[float, float]:
        """Wilson's interval of the share, so many standard deviations wide to either side."""
        n, square = self.worth, deviations * deviations
        centre = (self.value + square / (2.0 * n)) / (1.0 + square / n)
        half = math.sqrt(self.value * (1.0 - self.value) / n + square / (4.0 * n * n)) * deviations / (1.0 + square / n)
        return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class ShareDifference:
    """NEW - BASE of two shares."""

    base: Share
    new: Share

    @property
    def observed(self) -> float:
        return self.new.value - self.base.value

    @cached_property
    def p_value(self) -> float:
        """Of Fisher's exact test, both sides; or where Newcombe's interval begins to hold 0, if that is larger."""
        base, new = (max(1, math.floor(side.worth + 1e-9)) for side in (self.base, self.new))
        counts = (round(side.value * number) for side, number in ((self.base, base), (self.new, new)))
        return max(fisher(next(counts), base, next(counts), new), self._without_zero())

    def interval(self, confidence: float = 0.95) -> Interval:
        """Newcombe's (1998, number 10), and up to 0 where the exact test at 1 - ``confidence`` sees no difference."""
        if not 0.0 < confidence <= 1.0:
            raise ValueError("a confidence lies in (0, 1]")
        if confidence == 1.0:
            return Interval(-1.0, 1.0)
        lower, upper = self._newcombe(deviations((1.0 - confidence) / 2.0))
        if self.p_value > 1.0 - confidence:
            return Interval(min(lower, 0.0), max(upper, 0.0))
        return Interval(lower, upper)

    def _newcombe(self, deviations: float) -> tuple[float, float]:
        (base_low, base_high), (low, high) = self.base.wilson(deviations), self.new.wilson(deviations)
        base, new = self.base.value, self.new.value
        return (
            max(-1.0, self.observed - math.hypot(new - low, base_high - base)),
            min(1.0, self.observed + math.hypot(high - new, base - base_low)),
        )

    def _without_zero(self) -> float:
        """1 - the highest confidence at which Newcombe's interval does not hold 0."""
        near, far = 0.0, _FARTHEST
        for _ in range(_HALVINGS):
            middle = 0.5 * (near + far)
            lower, upper = self._newcombe(middle)
            near, far = (near, middle) if lower <= 0.0 <= upper else (middle, far)
        return math.erfc(far / math.sqrt(2.0)) if far > 1e-9 else 1.0


def share_difference(
    base: npt.ArrayLike,
    new: npt.ArrayLike,
    base_hosts: npt.ArrayLike | None = None,
    new_hosts: npt.ArrayLike | None = None,
) -> ShareDifference:
    """For each start of a side whether it is marked, and the label of its host.

    Starts of one host that go alike are worth fewer than as many independent ones: both sides are divided by one design
    effect, the ratio of the variance between hosts to that of independent starts (Rao and Scott 1992), at least 1.
    """
    sides = [np.asarray(marks, dtype=np.bool_) for marks in (base, new)]
    hosts = [None if one is None else np.asarray(one) for one in (base_hosts, new_hosts)]
    if any(one is not None and one.shape != side.shape for one, side in zip(hosts, sides, strict=True)):
        raise ValueError("every start has one host")
    effect = _design_effect([(side, one) for side, one in zip(sides, hosts, strict=True) if one is not None])
    shares = [
        Share(int(side.sum()), len(side), len(side) / (effect if one is not None else 1.0))
        for side, one in zip(sides, hosts, strict=True)
    ]
    return ShareDifference(*shares)


def _design_effect(sides: list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.generic]]]) -> float:
    between = independent = 0.0
    sizes = []
    for marks, hosts in sides:
        _, of = np.unique(hosts, return_inverse=True)
        starts = np.bincount(of).astype(np.float64)
        sizes.append(float(np.square(starts).sum() / starts.sum()))
        if len(starts) < 2:
            continue
        off = np.bincount(of, weights=marks) - marks.mean() * starts
        between += float(np.square(off).sum()) * len(starts) / (len(starts) - 1)
        independent += float(marks.mean() * (1.0 - marks.mean())) * len(marks)
    if independent == 0.0:
        return 1.0
    return min(max(between / independent, 1.0), max(sizes))


def fisher(base: int, base_total: int, new: int, new_total: int) -> float:
    """p-value of Fisher's exact test, two-sided: of all tables with these margins, those no likelier than this one."""
    marked, total = base + new, base_total + new_total
    chances = drawn(base_total, marked, total)
    own = chances[base - max(0, base_total + marked - total)]
    return min(1.0, float(chances[chances <= own * (1.0 + _TIE)].sum()))


def needed_of_shares(seen: ShareDifference, size: float | None, confidence: float, power: float) -> int | None:
    """About how many starts a side the exact test needs for a difference of ``size`` (``None``: of the one seen).

    By the normal approximation with Casagrande's correction for the exact test (Casagrande, Pike and Smith 1978), times
    what starts of one host have in common; ``None`` where there is no difference, or none that shares can have.
    """
    base = seen.base.value
    new = seen.new.value if size is None else base + size
    if new > 1.0 or new < 0.0:
        base, new = (1.0 - abs(size or 0.0), 1.0) if new > 1.0 else (abs(size or 0.0), 0.0)
    if base == new or not 0.0 <= base <= 1.0:
        return None
    apart, middle = abs(new - base), 0.5 * (base + new)
    chance, sure = deviations((1.0 - confidence) / 2.0), deviations(1.0 - power)
    spread = chance * math.sqrt(2.0 * middle * (1.0 - middle)) + sure * math.sqrt(
        base * (1.0 - base) + new * (1.0 - new)
    )
    number = (spread / apart) ** 2
    exact = 0.25 * number * (1.0 + math.sqrt(1.0 + 4.0 / (number * apart))) ** 2 if number else 1.0
    effect = max(side.total / side.worth for side in (seen.base, seen.new))
    return math.ceil(exact * effect)
