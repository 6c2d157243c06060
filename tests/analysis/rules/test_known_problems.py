"""When a start is called healthy, and which lines are named where the process itself says nothing known."""

from __future__ import annotations

import pytest

from tests.analysis.test_findings_generated import starts_of
from tests.kit.handmade import RBAC, Journal


def ready_at(at: float) -> Journal:
    journal = Journal().begin().serving(3.0)
    for moment in range(4, int(at), 2):
        journal.listed(float(moment), RBAC)
    return journal.running(at)


@pytest.mark.parametrize(("at", "healthy"), [(6.0, True), (90.0, False)])
def test_a_start_is_healthy_in_its_usual_time_only(at: float, healthy: bool) -> None:
    found = ready_at(at).findings()
    assert ("healthy" in found) is healthy
    assert ("later_than_usual" in found) is not healthy


def test_the_lines_before_an_end_of_unknown_words_are_named() -> None:
    journal = Journal().begin()
    for number, level in enumerate(("warning", "info", "error", "warning", "warning")):
        journal.say(1.0 + number, f"the gizmo {number} wobbles --token=S3CRETPASS", level)
    journal.systemd(9.0, "k3s.service: Main process exited, code=exited, status=1/FAILURE")
    [start] = starts_of(journal.export())
    [finding] = [one for one in start.findings if one.id == "process_failed"]
    assert [number for number in range(5) if f"gizmo {number}" in finding.detail] == [2, 3, 4]
    assert "S3CRETPASS" not in finding.detail
    assert {journal.line(f"gizmo {number}") for number in (2, 3, 4)} <= set(finding.lines)


@pytest.mark.parametrize(
    ("key", "words", "because"),
    [
        ("--ingress-kind", "invalid value provided for --profile flag", False),
        ("--server", "preparing server: something of a later release", False),
        ("--server", "no value for --server of a later release", True),
        ("--node-colour", "node-colour is not what a later release wants", True),
    ],
)
def test_a_skipped_key_explains_only_an_end_that_names_it(key: str, words: str, because: bool) -> None:
    journal = Journal().begin().say(1.0, f"Unknown flag {key} found in config.yaml, skipping\n", "warning")
    [start] = starts_of(journal.say(2.0, words, "fatal").export())
    end = start.findings[0] if not because else start.findings[1]
    assert ("because of this: A key in config" in " ".join(f.detail for f in start.findings)) is because
    assert words.split()[0] in end.detail


@pytest.mark.parametrize(
    ("node", "last", "healthy"), [(False, 500.0, False), (False, 100.0, True), (True, 500.0, True)]
)
def test_a_node_that_never_registers_is_not_healthy(node: bool, last: float, healthy: bool) -> None:
    journal = Journal().begin().serving(3.0).say(4.0, "Running kubelet --hostname-override=node-a").running(6.0)
    if node:
        journal.kube(8.0, '"Successfully registered node" node="node-a"', "kubelet_node_status.go:78")
    journal.ticking(0.5, last, every=2.0)
    assert ("healthy" in journal.findings()) is healthy
