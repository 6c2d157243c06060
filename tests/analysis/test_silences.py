"""Silences that are waits: what was said last tells."""

from __future__ import annotations

import pytest

from analyzer.analysis import analyze_records
from tests.kit.handmade import Journal

PUT_OFF = "Waiting to retrieve agent configuration; server is not ready: 503 Service Unavailable"
STOPPING = "Stopping k3s-agent.service - Lightweight Kubernetes..."


def found(journal: Journal) -> set[str]:
    [start] = analyze_records(journal.log_records(), tool_version="0").starts
    return {finding.id for finding in start.findings}


def agent() -> Journal:
    journal = Journal().systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
    return journal.say(0.1, f"Starting k3s agent {journal.version} (148243c4)")


def test_a_silence_after_being_put_off_by_a_server_is_a_wait() -> None:
    journal = agent().ticking(1.0, 3.0).say(3.5, PUT_OFF).say(20.0, PUT_OFF).ticking(35.0, 36.0)
    assert "frozen_gap" not in found(journal.systemd(37.0, STOPPING))


def test_a_silence_after_any_other_line_is_still_told() -> None:
    journal = agent().ticking(1.0, 3.0).say(3.5, PUT_OFF).say(4.0, "Module overlay was already loaded")
    assert "frozen_gap" in found(journal.ticking(35.0, 36.0).systemd(37.0, STOPPING))


@pytest.mark.parametrize(("silence_s", "told"), [(5.0, False), (5.01, True)])
def test_a_gap_is_more_than_five_seconds_without_a_line(silence_s: float, told: bool) -> None:
    gaps = Journal().begin().say(1.0, "a").say(1.0 + silence_s, "b").report().gaps
    assert [(gap.kind, gap.begin_s, gap.end_s) for gap in gaps] == [("silent", 1.0, 1.0 + silence_s)] * told


def test_an_agent_that_has_its_node_may_be_silent() -> None:
    def joined(word: str) -> Journal:
        journal = agent().ticking(1.0, 3.0)
        journal.kube(4.0, f'"{word} node" node="node-a"', "kubelet_node_status.go:78")
        return journal.ticking(35.0, 36.0).systemd(37.0, STOPPING)

    assert "frozen_gap" not in found(joined("Successfully registered"))
    assert "frozen_gap" in found(joined("Attempting to register"))
