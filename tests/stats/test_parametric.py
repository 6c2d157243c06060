"""Fits by scipy (an extra)."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from analyzer.errors import UsageError
from analyzer.stats.parametric import fit


def test_fit_recovers_the_family_and_its_parameters() -> None:
    pytest.importorskip("scipy")
    rng = np.random.default_rng(2)
    moment = 20 * rng.weibull(1.5, 3000)
    low, high = np.floor(moment / 2) * 2, np.floor(moment / 2) * 2 + 2
    high = np.where(moment > 40, np.inf, high)
    low = np.where(moment > 40, 40.0, low)
    fits = {family: fit(low, high, family) for family in ("weibull", "lognormal", "exponential")}
    shape, scale = fits["weibull"].params
    assert shape == pytest.approx(1.5, abs=0.08)
    assert scale == pytest.approx(20, abs=0.8)
    assert min(fits.values(), key=lambda f: f.aic).family == "weibull"
    assert fits["weibull"].spec.startswith("weibull:1.")


def test_exact_moments_fit_the_closed_form_of_the_exponential() -> None:
    pytest.importorskip("scipy")
    moments = np.array([1.0, 2.0, 6.0])
    found = fit(moments, moments, "exponential")
    assert found.params[0] == pytest.approx(1 / 3.0, rel=1e-4)
    assert found.log_likelihood == pytest.approx(3 * np.log(1 / 3.0) - 3.0, rel=1e-4)


def test_unknown_family() -> None:
    pytest.importorskip("scipy")
    with pytest.raises(UsageError):
        fit(np.array([1.0]), np.array([2.0]), "cauchy")


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: object, **more: object) -> object:
        if name == "scipy":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UsageError) as caught:
        fit(np.array([1.0]), np.array([2.0]), "weibull")
    assert "k3slog[stats]" in caught.value.hint
