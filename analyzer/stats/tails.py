"""How likely it is to be so far out: tails of distributions, without scipy."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_STEPS = 500  # of a continued fraction; a few dozen do
_TINY = 1e-300


def student_above(t: float, freedom: float) -> float:
    """P(T > t) of Student's distribution, for ``t`` >= 0 and any number of degrees of freedom above 0."""
    if t < 0.0 or freedom <= 0.0:
        raise ValueError("t must not be negative, and degrees of freedom are above 0")
    if math.isinf(t):
        return 0.0
    return 0.5 * beta_share(freedom / (freedom + t * t), freedom / 2.0, 0.5)


def drawn_at_least(number: int, draws: int, marked: int, total: int) -> float:
    """P(at least ``number`` marked ones among ``draws`` of ``total``, ``marked`` of which are), without replacement."""
    return min(1.0, math.fsum(drawn(draws, marked, total, number)))


def drawn(draws: int, marked: int, total: int, at_least: int = 0) -> npt.NDArray[np.float64]:
    """P(just k marked ones among ``draws``), for every possible k that is not below ``at_least``, ascending."""
    if not (0 <= draws <= total and 0 <= marked <= total):
        raise ValueError("no more can be drawn or marked than there are")
    every = _log_choices(total, draws)
    possible = range(max(at_least, 0, draws - (total - marked)), min(draws, marked) + 1)
    terms = (_log_choices(marked, k) + _log_choices(total - marked, draws - k) - every for k in possible)
    return np.fromiter(map(math.exp, terms), dtype=np.float64, count=len(possible))


def _log_choices(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by Lentz's continued fraction."""
    if x <= 0.0 or x >= 1.0:
        return float(x > 0.0)
    if x > (a + 1.0) / (a + b + 2.0):  # the fraction converges fast on the other side only
        return 1.0 - beta_share(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    c, d = 1.0, 1.0 / _alive(1.0 - (a + b) * x / (a + 1.0))
    fraction = d
    for m in range(1, _STEPS):
        for part in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _alive(1.0 + part * d)
            c = _alive(1.0 + part / c)
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return math.exp(log_front) * fraction / a


def _alive(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
