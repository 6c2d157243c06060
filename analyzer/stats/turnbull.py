"""The non-parametric curve of moments that are only known to lie in windows (Turnbull 1976).

Windows are half-open ``(lower, upper]``; ``upper`` = +inf is right-censored, ``lower == upper`` an exact moment.
The likelihood depends only on the mass in the *innermost intervals*: those that begin with the left end of some
window and end with the right end of some window, with no other end between. The masses are found by EM with
SQUAREM steps (Varadhan and Roland 2008); every window covers a contiguous run of innermost intervals, so that one
EM step costs O(windows + intervals). It stops when the gradient proves the maximum (Gentleman and Geyer 1994).

Windows must not be cut because of what happened: a window that ends where a poll *succeeded* is fine when the
polls' times did not depend on readiness; one cut at the last poll "because the event followed" biases the curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """``mass[i]`` lies in ``(edges[i, 0], edges[i, 1]]``; where inside nobody knows. ``excess``: by how much the
    gradient condition was missed (0 at the exact maximum); ``windows``: how many."""

    edges: FloatArray
    mass: FloatArray
    excess: float
    windows: int

    def survival(self, at: float) -> tuple[float, float]:
        """Bounds of the probability that the moment lies beyond ``at``: the mass of an interval that holds ``at``
        inside may be on either side."""
        low, high = self.edges[:, 0], self.edges[:, 1]
        surely = low >= at
        maybe = high > at
        return float(self.mass[surely & maybe].sum()), float(min(1.0, self.mass[maybe].sum()))

    def quantile(self, level: float) -> tuple[float, float]:
        """The interval that holds the ``level`` quantile; ``inf`` ends for a curve that never gets there."""
        index = int(np.searchsorted(np.cumsum(self.mass), level - 1e-12))
        if index >= len(self.mass):
            return float(self.edges[-1, 0]), float("inf")
        return float(self.edges[index, 0]), float(self.edges[index, 1])


def innermost(lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Innermost intervals, shape (m, 2). At one value: exact lefts, then right ends, then (open) left ends."""
    exact = lower == upper
    value = np.concatenate((lower, upper))
    rank = np.concatenate((np.where(exact, 0, 2), np.ones(len(upper), dtype=int)))
    left = np.concatenate((np.ones(len(lower), dtype=bool), np.zeros(len(upper), dtype=bool)))
    order = np.lexsort((rank, value))
    value, left = value[order], left[order]
    begins = np.flatnonzero(left[:-1] & ~left[1:])
    return np.column_stack((value[begins], value[begins + 1]))


def turnbull(lower: FloatArray, upper: FloatArray, *, tolerance: float = 1e-5, max_steps: int = 20000) -> Curve:
    """The NPMLE of windows ``(lower, upper]``.

    Raises ``ValueError`` for no windows, NaN, or an upper end below its lower one.
    """
    lower = np.asarray(lower, dtype=float)
    upper = np.asarray(upper, dtype=float)
    if lower.shape != upper.shape or lower.ndim != 1 or not len(lower):
        raise ValueError("lower and upper must be two equally long, non-empty lists")
    if np.isnan(lower).any() or np.isnan(upper).any() or (upper < lower).any() or np.isposinf(lower).any():
        raise ValueError("every window needs lower <= upper, a lower end below infinity, and no NaN")
    pairs, weight = np.unique(np.column_stack((lower, upper)), axis=0, return_counts=True)
    low, high = pairs[:, 0], pairs[:, 1]
    edges = innermost(low, high)
    exact = low == high
    # Run of innermost intervals inside each window. An exact moment [x, x] is inside (a, x] but not inside (x, b].
    first = np.where(
        exact,
        np.searchsorted(edges[:, 1], low, side="left"),
        _first_after(edges, low),
    )
    last = np.searchsorted(edges[:, 1], high, side="right")
    m = len(edges)
    total = len(lower)

    def gradient(p: FloatArray) -> tuple[FloatArray, float]:
        cumulative = np.concatenate(([0.0], np.cumsum(p)))
        covered = np.maximum(cumulative[last] - cumulative[first], 1e-300)
        ratio = weight / covered
        steps = np.bincount(first, weights=ratio, minlength=m + 1) - np.bincount(last, weights=ratio, minlength=m + 1)
        return np.cumsum(steps)[:m] / total, float(weight @ np.log(covered))

    p = np.full(m, 1.0 / m)
    steps = 0
    d, level = gradient(p)
    while steps < max_steps:
        if d.max() - 1.0 <= tolerance:  # the gradient proves the maximum
            break
        p1 = p * d
        d1, _ = gradient(p1)
        p2 = p1 * d1
        steps += 2
        r, v = p1 - p, (p2 - p1) - (p1 - p)
        norm = float(np.sqrt(v @ v))
        if norm > 0:
            alpha = min(-1.0, -float(np.sqrt(r @ r)) / norm)
            # Extrapolate, but keep every mass alive: a mass of 0 could never come back.
            leap = np.maximum(p - 2.0 * alpha * r + alpha * alpha * v, p2 * 1e-3)
            leap /= leap.sum()
            d_leap, level_leap = gradient(leap)
            steps += 1
            if level_leap >= level:
                p, d, level = leap, d_leap, level_leap
                continue
        p = p2 / p2.sum()
        d, level = gradient(p)
    mass = np.where(p < 1e-12, 0.0, p)
    keep = mass > 0
    mass = mass[keep] / mass[keep].sum()
    return Curve(edges[keep], mass, max(float(d.max() - 1.0), 0.0), total)


def _first_after(edges: FloatArray, low: FloatArray) -> npt.NDArray[np.intp]:
    """Index of the first innermost interval that lies inside a window beginning just above ``low``."""
    index = np.searchsorted(edges[:, 0], low, side="left")
    # [x, x] begins at low itself but is not above it.
    inside = np.minimum(index, len(edges) - 1)
    point = (edges[inside, 0] == low) & (edges[inside, 1] == low)
    return np.asarray(index + point, dtype=np.intp)
