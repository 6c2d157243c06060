"""Many tests at once: which of them hold when the false ones among them are to stay few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


def accepted(p_values: npt.ArrayLike, share: float, tests: int | None = None) -> BoolArray:
    """Discoveries of which, on average, at most ``share`` are false (Benjamini and Hochberg 1995).

    Holds for tests that are independent or that rise and fall together. ``tests``: how many there were where only the
    smallest p-values are given.
    """
    p, order = _ordered(p_values)
    number = max(len(p), tests or 0)
    fits = np.flatnonzero(p[order] <= share * np.arange(1, len(p) + 1) / max(number, 1))
    return _first(order, int(fits[-1]) + 1 if len(fits) else 0)


def holm(p_values: npt.ArrayLike, level: float) -> BoolArray:
    """Discoveries among which any is false with a probability of at most ``level``, whatever the tests share."""
    p, order = _ordered(p_values)
    fails = np.flatnonzero(p[order] * (len(p) - np.arange(len(p))) > level)
    return _first(order, int(fails[0]) if len(fails) else len(p))


@dataclass(frozen=True, slots=True)
class Judged:
    """One of several tests: whether it found something, and the level at which it was judged."""

    found: bool
    level: float

    @property
    def confidence(self) -> float:
        """Of the interval that agrees: it holds 0 just where nothing was found."""
        return 1.0 - self.level


def goal_first(
    goal: float | None, others: Sequence[float], level: float = 0.05, reserve: float = 0.2
) -> tuple[Judged | None, list[Judged]]:
    """The goal's test, and then the others' by Holm's method at what is left of the level.

    ``goal`` and ``others`` are p-values, ``None`` where there is no goal. The goal is judged at
    ``(1 - reserve) * level``. If it finds something, nothing is used up and the others share all of ``level``; if not,
    they share ``reserve * level``; should each of them then find something, all of that is free again and the goal is
    judged at ``level``. Any false finding has a probability of at most ``level``, whatever the tests have in common
    (the fallback procedure of Wiens and Dmitrienko 2005, with Holm's in its second place).

    With nested intervals (p-value = 1 - the highest confidence whose interval leaves out 0) each of them at its own
    ``confidence`` leaves out 0 just where its test found something. With ``reserve`` 0 the others say nothing as long
    as the goal does not: their level is 0 then.
    """
    if not 0.0 < level < 1.0 or not 0.0 <= reserve < 1.0:
        raise ValueError("a level lies in (0, 1), a reserve in [0, 1)")
    if goal is None:
        return None, _step_down(others, level)
    first = Judged(goal <= (1.0 - reserve) * level, (1.0 - reserve) * level) if others else Judged(goal <= level, level)
    rest = _step_down(others, level if first.found else reserve * level)
    if not first.found and all(one.found for one in rest):
        first = Judged(goal <= level, level)
    return first, rest


def _step_down(p_values: Sequence[float], level: float) -> list[Judged]:
    """Holm's method, with the level at which each was judged: for what was not found, that of the first such."""
    p, order = _ordered(p_values)
    judged = [Judged(False, 0.0)] * len(p)
    open_still, share = True, 0.0
    for place, index in enumerate(order.tolist()):
        if open_still:
            share = level / (len(p) - place)
            open_still = bool(share > 0.0 and p[index] <= share)
        judged[index] = Judged(open_still, share)
    return judged


def _ordered(p_values: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or np.isnan(p).any() or ((p < 0) | (p > 1)).any():
        raise ValueError("p-values are a list of numbers from 0 to 1")
    return p, np.argsort(p, kind="stable")


def _first(order: npt.NDArray[np.intp], number: int) -> BoolArray:
    held = np.zeros(len(order), dtype=np.bool_)
    held[order[:number]] = True
    return held
