"""Quantiles of the normal and Student's distribution as distances from the middle."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

from analyzer.stats.tails import student_above

_HALVINGS = 64


@lru_cache(maxsize=1024)
def deviations(tail: float) -> float:
    """How far out the upper ``tail`` (at most a half) of the normal distribution begins."""
    return -NormalDist().inv_cdf(tail)


@lru_cache(maxsize=1024)
def student_deviations(tail: float, freedom: float) -> float:
    """The same for Student's distribution with so many degrees of freedom."""
    near, far = 0.0, 1.0
    while student_above(far, freedom) > tail:
        near, far = far, 2.0 * far
    for _ in range(_HALVINGS):
        middle = 0.5 * (near + far)
        near, far = (middle, far) if student_above(middle, freedom) > tail else (near, middle)
    return far
