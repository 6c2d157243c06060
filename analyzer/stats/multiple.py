"""Many tests at once: which of them hold when the false ones among them are to stay few."""

from __future__ import annotations

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


def _ordered(p_values: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or np.isnan(p).any() or ((p < 0) | (p > 1)).any():
        raise ValueError("p-values are a list of numbers from 0 to 1")
    return p, np.argsort(p, kind="stable")


def _first(order: npt.NDArray[np.intp], number: int) -> BoolArray:
    held = np.zeros(len(order), dtype=np.bool_)
    held[order[:number]] = True
    return held
