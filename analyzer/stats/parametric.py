"""Parametric fits to windows, by scipy (extra ``k3slog[stats]``)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.errors import UsageError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """``spec`` is what ``k3slog schedule --distribution`` takes; ``aic`` compares families (smaller is better)."""

    family: str
    params: tuple[float, ...]
    log_likelihood: float
    aic: float

    @property
    def spec(self) -> str:
        """For example ``weibull:1.44,19.8``."""
        return f"{self.family}:{','.join(f'{p:.6g}' for p in self.params)}"


def fit(lower: FloatArray, upper: FloatArray, family: str) -> Fit:
    """Maximum likelihood of ``weibull``, ``lognormal`` or ``exponential`` for windows ``(lower, upper]`` in
    seconds above 0, ``upper`` = inf right-censored.

    Raises ``UsageError`` when scipy is not installed or the family unknown.
    """
    try:
        from scipy import stats
    except ImportError as error:
        raise UsageError(
            "parametric fits need scipy", hint="Install the extra: pip install 'k3slog[stats]'."
        ) from error
    lower = np.maximum(np.asarray(lower, dtype=float), 0.0)
    upper = np.asarray(upper, dtype=float)
    open_end = np.isinf(upper)
    exact = lower == upper
    data = stats.CensoredData(
        uncensored=lower[exact],
        right=lower[open_end & ~exact],
        interval=np.column_stack((lower, upper))[~open_end & ~exact],
    )
    raw: tuple[float, ...]
    params: tuple[float, ...]
    if family == "weibull":
        dist = stats.weibull_min
        shape, _, scale = dist.fit(data, floc=0)
        raw, params = (shape, 0.0, scale), (float(shape), float(scale))
    elif family == "lognormal":
        dist = stats.lognorm
        sigma, _, scale = dist.fit(data, floc=0)
        raw, params = (sigma, 0.0, scale), (float(np.log(scale)), float(sigma))
    elif family == "exponential":
        dist = stats.expon
        _, scale = dist.fit(data, floc=0)
        raw, params = (0.0, scale), (float(1.0 / scale),)
    else:
        raise UsageError(f"unknown family {family!r}", hint="weibull, lognormal or exponential.")
    likelihood = -float(dist.nnlf(raw, lower[exact])) if exact.any() else 0.0
    covered = dist.cdf(upper[~open_end & ~exact], *raw) - dist.cdf(lower[~open_end & ~exact], *raw)
    likelihood += float(np.log(np.maximum(covered, 1e-300)).sum())
    likelihood += float(np.log(np.maximum(dist.sf(lower[open_end & ~exact], *raw), 1e-300)).sum())
    return Fit(family, params, likelihood, 2.0 * len(params) - 2.0 * likelihood)
