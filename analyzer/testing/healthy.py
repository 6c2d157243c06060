"""Healthy starts, and the lines that look bad in them and are normal: what no finding above ``info`` may come from."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from analyzer.testing.generator import Generated
from analyzer.testing.journal_editor import JournalEditor
from analyzer.testing.scenarios import COMMITS
from analyzer.testing.truth import SECOND, Scenario, StartPlan, Store


def _noise() -> list[dict[str, Any]]:
    text = resources.files("analyzer.testing").joinpath("usual_noise.toml").read_text(encoding="utf-8")
    lines: list[dict[str, Any]] = tomllib.loads(text)["line"]
    return lines


def put_noise(journal: JournalEditor, line: Mapping[str, Any], at: int) -> None:
    """One line of ``usual_noise.toml``."""
    host = journal.truth.host
    if "klog" in line:
        journal.kube(at, line["where"], line["klog"].replace("NODE", host), line.get("severity", "E"))
    elif "logrus" in line:
        journal.say(at, line["logrus"].replace("NODE", host), line.get("level", "info"))
    else:
        refused = "connection error: dial tcp 127.0.0.1:2379: connect: connection refused"
        journal.zap(at, line["zap"], **({"took": line["took"]} if "took" in line else {"error": refused}))


def healthy_plan(rng: random.Random) -> StartPlan:
    """A start without any trouble, on a machine with enough of everything."""
    kind = rng.choices(("server", "agent", "rke2"), (80, 12, 8))[0]
    version = rng.choice([name for name in sorted(COMMITS) if kind == "server" or "v1.21" not in name])
    store: Store = rng.choices(("sqlite", "etcd", "external"), (60, 25, 15))[0]
    plan = StartPlan(
        version=version, commit=COMMITS[version], pace=rng.choice((1.0, 1.0, 1.3)), store=store,
        request_ms=rng.choice((0.2, 0.5, 2.0)), fresh=rng.random() < 0.5, node=rng.random() < 0.7,
        debug=rng.random() < 0.1, run_s=rng.uniform(3.0, 12.0), fate=rng.choice(("run", "run", "stop")),
    )  # fmt: skip
    if kind == "agent":
        return replace(plan, role="agent", host="worker-1", server_late_s=rng.choice((0.0, 0.0, 4.0)))
    if kind == "rke2":
        return replace(plan, product="rke2", version=version.replace("+k3s1", "+rke2r1"), store="etcd")
    return plan


def healthy_start(seed: int, *, noisy: bool = True) -> Generated:
    """A journal with one healthy start, by default with the usual alarming lines in it; one seed, one journal."""
    rng = random.Random(f"k3slog/healthy/{seed}")
    begin = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randint(0, 600 * 86400))
    story = "a healthy start with the usual noise"
    journal = JournalEditor(
        Scenario(name=f"healthy-{seed}", story=story, starts=(healthy_plan(rng),), begin=begin), seed
    )
    if not noisy:
        return journal.done()
    first, last = journal.truth.exec_us + SECOND // 2, journal.last
    stop = journal.truth.end.at_us
    if stop is not None:
        last = min(last, stop - 1)
    left_over = "Found left-over process {} (containerd-shim) in control group while starting unit. Ignoring."
    if rng.random() < 0.3:
        journal.systemd(
            journal.truth.began_us + 2000, f"{journal.truth.unit}: {left_over.format(rng.randint(900, 9000))}"
        )
    etcd = journal.truth.role == "server" and rng.random() < 0.5
    for line in _noise():
        if etcd or "zap" not in line:
            for _ in range(rng.randint(0, line["most"])):
                put_noise(journal, line, rng.randint(first, max(first + 1, last)))
    return journal.done()
