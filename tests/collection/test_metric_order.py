"""The order of metrics."""

from __future__ import annotations

import random

from analyzer.collection.metric_order import goals_of, is_phase, ordered

IDS = [
    "ready", "started", "node", "node_ready", "images", "server", "detected", "polling_tax", "boot", "extract",
    "datastore", "datastore+apiserver_boot", "apiserver_boot", "hooks", "startup_hooks", "restarts",
    "check:etcd", "check:poststarthook/rbac/bootstrap-roles",
]  # fmt: skip


def test_main_metrics_then_phases_then_checks() -> None:
    mixed = IDS.copy()
    random.Random(1).shuffle(mixed)
    assert ordered(mixed) == IDS


def test_an_agent_is_there_for_its_node() -> None:
    assert [goals_of(role)[0] for role in ("server", "agent", "unknown")] == ["ready", "node", "ready"]


def test_phases_are_lengths_that_are_no_goals() -> None:
    assert [id for id in IDS if is_phase(id)] == IDS[8:15]
