"""Histories of hosts of which it is known where they changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.collection.collect import joined
from analyzer.collection.model import Collection
from tests.kit.made_sides import One, failed, side

FloatArray = npt.NDArray[np.float64]
OLD, NEW = {"version": "v1.32.4+k3s1", "kubernetes": "1.32"}, {"version": "v1.33.1+k3s1", "kubernetes": "1.33"}


@dataclass(frozen=True)
class Made:
    """How the starts of a host are made: times around 60 s, and what is added to them.

    ``levels``: from which start on (from 0) they take so many standard deviations longer than at first. ``drift``: by
    so many they have grown at the end. ``added_s``: to single starts. ``alike``: what a start has in common with the
    one before it (as an autocorrelation). ``rows``: from which start on what of a row is different; ``places``: of
    single starts.
    """

    number: int = 30
    levels: Mapping[int, float] = field(default_factory=dict)
    drift: float = 0.0
    added_s: Mapping[int, float] = field(default_factory=dict)
    alike: float = 0.0
    skewed: bool = False
    stalls: float = 0.0
    never: float = 0.0
    sd_s: float = 5.0
    width_s: float = 0.1
    rows: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    places: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    def times(self, rng: np.random.Generator) -> FloatArray:
        by = self._chance(rng) + self.drift * np.linspace(0.0, 1.0, self.number)
        level = np.zeros(self.number)
        for place, high in sorted(self.levels.items()):
            level[place:] = high
        times = 60.0 + self.sd_s * (by + level) + 30.0 * (rng.random(self.number) < self.stalls)
        for place, more in self.added_s.items():
            times[place] += more
        return times

    def _chance(self, rng: np.random.Generator) -> FloatArray:
        by = rng.standard_normal(self.number)
        for n in range(1, self.number if self.alike else 0):
            by[n] = self.alike * by[n - 1] + math.sqrt(1.0 - self.alike**2) * by[n]
        return (np.exp(0.5 * by) - math.exp(0.125)) / 0.604 if self.skewed else by

    def starts(self, host: str, seed: int = 0) -> list[One]:
        rng = np.random.default_rng([seed, self.number])
        times = self.times(rng)
        least = times - self.width_s * rng.random(self.number)
        lost = rng.random(self.number) < self.never
        return [self._start(n, host, float(least[n]), bool(lost[n])) for n in range(self.number)]

    def _start(self, n: int, host: str, least: float, lost: bool) -> One:
        row: dict[str, Any] = {"host": host}
        for place, own in sorted(self.rows.items()):
            row |= own if n >= place else {}
        row |= self.places.get(n, {})
        return failed(**row) if lost else One({"ready": (least, least + self.width_s)}, row)


def host(made: Made, name: str = "node-1", seed: int = 0) -> Collection:
    """One host; its starts are an hour apart."""
    return side(made.starts(name, seed), f"logs/{name}")


def hosts(made: Sequence[Made], seed: int = 0) -> Collection:
    return joined(host(one, f"node-{n + 1}", seed * len(made) + n) for n, one in enumerate(made))
