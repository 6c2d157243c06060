"""How long starts take, as a distribution of readiness: named ones, sampled ones, and pooled curves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from analyzer.errors import UsageError
from analyzer.policies.vector import FloatArray

TAIL = 1e-10  # probability mass beyond the horizon
_HORIZONS_S = (1e-9, 1e12)  # beyond these numbers nobody's start is meant, and arithmetic fails
_JUMP = 1e-9  # a point mass is a ramp of this width, relative to the largest moment


@dataclass(frozen=True, slots=True)
class Distribution:
    """Readiness in seconds since polling could begin.

    ``survival``: probability of not being ready yet, accurate where it is small. ``horizon_s``: beyond it lies at most
    ``TAIL`` of the mass. ``kinks``: moments at which the curve bends or jumps.
    """

    name: str
    survival: Callable[[FloatArray], FloatArray]
    horizon_s: float
    bounded: bool = True
    kinks: tuple[float, ...] = ()

    def cdf(self, at: FloatArray) -> FloatArray:
        """Probability of being ready by ``at``."""
        return 1.0 - self.survival(at)


def uniform(low: float, high: float) -> Distribution:
    """Uniform on ``[low, high]`` seconds."""
    if not 0 <= low < high < math.inf:
        raise UsageError(f"uniform:{low},{high} needs 0 <= LOW < HIGH")
    name = f"uniform:{low:g},{high:g}"
    return Distribution(name, lambda t: np.clip((high - t) / (high - low), 0.0, 1.0), high, kinks=(low,))


def exponential(rate: float) -> Distribution:
    """Exponential with ``rate`` per second."""
    if not 0 < rate < math.inf:
        raise UsageError(f"exponential:{rate} needs RATE above 0")
    horizon_s = -math.log(TAIL) / rate
    return Distribution(f"exponential:{rate:g}", lambda t: np.exp(-rate * np.maximum(t, 0)), horizon_s, False)


def weibull(shape: float, scale: float) -> Distribution:
    """Weibull with ``shape`` and ``scale`` seconds."""
    if not (0 < shape < math.inf and 0 < scale < math.inf):
        raise UsageError(f"weibull:{shape},{scale} needs SHAPE and SCALE above 0")
    return Distribution(
        f"weibull:{shape:g},{scale:g}",
        lambda t: np.exp(-((np.maximum(t, 0.0) / scale) ** shape)),
        scale * _exp(math.log(-math.log(TAIL)) / shape),
        False,
    )


def lognormal(mu: float, sigma: float) -> Distribution:
    """Log-normal: the logarithm of the seconds is normal with ``mu`` and ``sigma``."""
    if not (math.isfinite(mu) and 0 < sigma < math.inf):
        raise UsageError(f"lognormal:{mu},{sigma} needs SIGMA above 0")

    def survival(t: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            z = (np.log(np.maximum(t, 0.0)) - mu) / (sigma * math.sqrt(2.0))
        return 0.5 * _erfc(z)

    far = -NormalDist().inv_cdf(TAIL)
    return Distribution(f"lognormal:{mu:g},{sigma:g}", survival, _exp(mu + far * sigma), False)


def _exp(power: float) -> float:
    return math.exp(min(power, 700.0))  # more is no float, and far beyond what ``parse`` accepts


def _erfc(z: FloatArray) -> FloatArray:
    return np.array([math.erfc(v) for v in np.ravel(z)], dtype=float).reshape(np.shape(z))


def empirical(ready_s: FloatArray) -> Distribution:
    """Of sampled moments of readiness; infinite ones (never ready) are left out. Between order statistics the
    distribution is continuous and piecewise linear."""
    values = np.sort(ready_s[np.isfinite(ready_s)])
    if not len(values):
        raise UsageError("no start became ready: there is nothing to schedule for")
    if len(values) > 20000:  # keep about 20,000 quantiles: the grid is coarser than that anyway
        values = np.quantile(values, np.linspace(0, 1, 20001))
    points, counts = np.unique(values, return_counts=True)
    # Between order statistics 1/n of the mass is spread out; what more a repeated moment has, it has at itself.
    low = np.concatenate((points[:1], points[:-1]))
    spread = _piecewise(low, points, np.full(len(points), 1.0 / len(values)))
    if (counts == 1).all():
        return Distribution(f"empirical:{len(values)}", *spread)
    tied = counts > 1
    low = np.concatenate((low, points[tied]))
    mass = np.concatenate((np.full(len(points), 1.0), counts[tied] - 1.0)) / len(values)
    return Distribution(f"empirical:{len(values)}", *_piecewise(low, np.concatenate((points, points[tied])), mass))


def of_curve(edges: FloatArray, mass: FloatArray, name: str) -> Distribution:
    """A pooled curve: ``mass[i]`` is spread evenly over ``(edges[i, 0], edges[i, 1]]``, intervals that do not overlap.
    Mass with an infinite end (never ready) is left out."""
    finite = np.isfinite(edges[:, 1]) & (mass > 0)
    if not finite.any():
        raise UsageError("no start became ready: there is nothing to schedule for")
    return Distribution(name, *_piecewise(edges[finite, 0], edges[finite, 1], mass[finite]))


def _piecewise(
    low: FloatArray, high: FloatArray, mass: FloatArray
) -> tuple[Callable[[FloatArray], FloatArray], float, bool, tuple[float, ...]]:
    """Masses spread over intervals that do not overlap (one of no width is a jump), as fields of a distribution."""
    order = np.lexsort((low, high))
    low, high, mass = low[order], high[order], mass[order]
    end = float(high[-1])
    low = np.minimum(low, high - _JUMP * max(end, 1e-9))
    done = np.cumsum(mass) / mass.sum()
    at = np.column_stack((low, high)).ravel()
    left = 1.0 - np.column_stack((done - mass / mass.sum(), done)).ravel()
    at = np.maximum.accumulate(at)
    left[-1] = 0.0
    kinks = tuple(np.unique(np.clip(at, 0.0, end)).tolist())
    return lambda t: np.interp(t, at, left, left=1.0), end, True, kinks


def parse(text: str) -> Distribution:
    """``uniform:0,30 | weibull:SHAPE,SCALE | lognormal:MU,SIGMA | exponential:RATE``; raises ``UsageError``."""
    kinds: dict[str, tuple[Callable[..., Distribution], int]] = {
        "uniform": (uniform, 2),
        "weibull": (weibull, 2),
        "lognormal": (lognormal, 2),
        "exponential": (exponential, 1),
    }
    kind, _, rest = text.partition(":")
    hint = "For example uniform:0,30, weibull:1.5,20, lognormal:2,0.5 or exponential:0.1."
    if kind not in kinds:
        raise UsageError(f"unknown distribution {kind!r}", hint=hint)
    make, count = kinds[kind]
    try:
        numbers = [float(part) for part in rest.split(",")]
    except ValueError as error:
        raise UsageError(f"bad numbers in {text!r}", hint=hint) from error
    if len(numbers) != count:
        raise UsageError(f"{kind} takes {count} number{'s' if count > 1 else ''}, not {len(numbers)}", hint=hint)
    made = make(*numbers)
    least_s, most_s = _HORIZONS_S
    if not least_s <= made.horizon_s <= most_s:
        raise UsageError(f"{text}: starts would take up to {made.horizon_s:.3g} s", hint=hint)
    return made
