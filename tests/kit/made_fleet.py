"""Fleets of known truth as inputs reduced to rows: how slow which host and release is, and how coarse the clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from analyzer.collection.collect import Builder
from analyzer.collection.model import Bounds, Collection, InputRow, InputSpec, Labels, StartRow
from analyzer.collection.work import InputResult

BEGAN = datetime(2026, 3, 1, 6, 0, 0, tzinfo=UTC)
PHASES = {"extract": 0.1, "datastore": 0.2, "certificates": 0.1, "apiserver_boot": 0.45, "hooks": 0.15}  # of ready


@dataclass(frozen=True, slots=True)
class MadeFleet:
    """``slow``: host -> factor, in all phases or in ``slow_phase``; ``slow_releases`` likewise.

    ``host_spread`` and ``spread`` are of the logarithm, for hosts (the same in all of their starts) and for starts.
    ``width_s``: of the windows, which lie anywhere around the truth. ``stall``: chance of a start to take thrice as
    long for no reason of its host's.
    """

    hosts: int = 50
    starts: int = 4  # of each host
    releases: Sequence[str] = ("v1.33.5+k3s1",)
    ready_s: float = 10.0
    host_spread: float = 0.05
    spread: float = 0.1
    width_s: float = 0.3
    stall: float = 0.0
    slow: Mapping[int, float] = field(default_factory=dict)
    slow_phase: str = ""
    slow_releases: Mapping[str, float] = field(default_factory=dict)
    failing: Mapping[int, int] = field(default_factory=dict)  # host -> starts that fail
    labels: Labels = ()

    def results(self, seed: int) -> list[InputResult]:
        """One input for each host."""
        rng = np.random.default_rng(seed)
        return [self._host(host, rng) for host in range(self.hosts)]

    def collection(self, seed: int) -> Collection:
        return collected(self.results(seed))

    def _host(self, host: int, rng: np.random.Generator) -> InputResult:
        own = rng.normal(0, self.host_spread, len(PHASES))
        release = self.releases[host % len(self.releases)]
        rows, metrics = [], []
        for number in range(self.starts):
            lengths = (
                np.array([*PHASES.values()]) * self.ready_s * np.exp(own + rng.normal(0, self.spread, len(PHASES)))
            )
            lengths *= self.slow_releases.get(release, 1.0) * (3.0 if rng.random() < self.stall else 1.0)
            for place, phase in enumerate(PHASES):
                if self.slow_phase in ("", phase):
                    lengths[place] *= self.slow.get(host, 1.0)
            failed = number < self.failing.get(host, 0)
            rows.append(row(f"node-{host:04}", number + 1, release, "failed" if failed else "ready", self.labels))
            metrics.append(self._windows(lengths, failed, rng))
        name = rows[0].input if rows else f"logs/node-{host:04}.log"
        return InputResult(InputSpec(name, (name,)), InputRow(name, 1000, 1, len(rows)), tuple(rows), tuple(metrics))

    def _windows(self, lengths: np.ndarray, failed: bool, rng: np.random.Generator) -> dict[str, Bounds]:
        if failed:
            return {"ready": (1.0, math.inf)}
        true = dict(zip(("ready", *PHASES), (float(lengths.sum()), *lengths.tolist()), strict=True))
        before = rng.random(len(true)) * self.width_s
        return {id: (max(t - b, 0.0), t - b + self.width_s) for (id, t), b in zip(true.items(), before, strict=True)}


def row(
    host: str | None, index: int, release: str = "v1.33.5+k3s1", outcome: str = "ready", labels: Labels = ()
) -> StartRow:
    """A start of a k3s server."""
    began = BEGAN + timedelta(hours=index)
    return StartRow(
        input=f"logs/{host}.log",
        index=index,
        key=f"{host}/{began:%Y-%m-%dT%H:%M:%SZ}",
        host=host,
        unit="k3s.service",
        version=release,
        kubernetes=release.removeprefix("v").rsplit(".", 1)[0],
        product="k3s",
        role="server",
        outcome=outcome,
        began_at=began,
        precision_s=1e-6,
        reason="The datastore answers slowly" if outcome == "failed" else "",
        labels=labels,
    )


def collected(results: Sequence[InputResult]) -> Collection:
    """In this order."""
    builder = Builder()
    for result in results:
        builder.add(result)
    return builder.built()
