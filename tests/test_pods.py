"""RKE2: the API server's own log beside the journal. Every window contains the truth, and is no wider than without."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from judge_generated import judge

import analyzer
from analyzer.findings import Report, StartReport
from analyzer.testing import Generated, Scenario, StartPlan, generate
from analyzer.testing.scenarios import COMMITS

CARRIERS = ("short", "short-iso-precise", "export")
SEEDS = 24


@cache
def made(seed: int) -> Generated:
    """One RKE2 server, drawn at random: with a container that dies, with two starts, slow, verbose …"""
    rng = random.Random(f"pods/{seed}")
    version = rng.choice([name for name in sorted(COMMITS) if "v1.21" not in name])
    plan = StartPlan(
        version=version.replace("+k3s1", "+rke2r1"), commit="5ba5c1ab9ce5bbd4b02a17d4a1d0c2c5ae4a6b2e", product="rke2",
        host=rng.choice(("rke-1", "rke-1.example.com")), store="etcd", pace=rng.choice((1.0, 1.5, 2.5, 5.0)),
        request_ms=rng.choice((0.5, 3.0, 12.0)), verbose=rng.random() < 0.6, fresh=rng.random() < 0.5,
        starved=rng.random() < 0.2, debug=rng.random() < 0.2,
        api_dies_at_s=rng.uniform(0.2, 9.0) if rng.random() < 0.5 else None,
    )  # fmt: skip
    if rng.random() < 0.15:
        plan = replace(plan, stall_at_s=rng.uniform(0.3, 2.0), stall_s=rng.uniform(3.5, 12.0))
    starts = (plan,)
    if rng.random() < 0.3:
        starts = (replace(plan, fate="stop", api_dies_at_s=None), replace(plan, restarted=0))
    begin = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randint(0, 600 * 86400))
    cut = rng.uniform(20.0, 45.0) if len(starts) == 1 and rng.random() < 0.2 else None
    offset, zone = rng.choice(((0, "UTC"), (330, "IST"), (-300, "EST")))
    return generate(
        Scenario(name=f"pods-{seed}", starts=starts, begin=begin, cut_after_s=cut, utc_offset_min=offset, zone=zone),
        seed,
    )


def laid_out(journal: Generated, carrier: str, folder: Path, *, keep: str = "") -> list[Path]:
    """The journal and its pods' logs as files; ``keep``: only logs whose path contains it."""
    paths = [folder / f"rke2.{carrier}"]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    paths[0].write_bytes(journal.render(carrier))
    for pod in journal.pods:
        if keep in pod.path:
            path = folder / "pods" / pod.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pod.cri(journal.scenario.utc_offset_min))
            paths.append(path)
    return paths


def report_of(*paths: Path) -> Report:
    return analyzer.analyze(analyzer.load(*paths)).report


def width(start: StartReport) -> float:
    return start.ready.width if start.ready.width is not None else float("inf")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_window_contains_the_truth_with_the_pods_and_without(seed: int, tmp_path: Path) -> None:
    journal = made(seed)
    for carrier in CARRIERS:
        paths = laid_out(journal, carrier, tmp_path / carrier)
        bare, whole = report_of(paths[0]), report_of(*paths)
        for name, report in (("alone", bare), ("with the pods", whole)):
            wrong = judge(journal.truth, report, carrier).wrong
            assert not wrong, f"seed {seed} {carrier} {name}: " + "; ".join(wrong[:6])
