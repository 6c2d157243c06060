"""How loudly known problem lines are told, and when a start is healthy."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.analysis.rules.known_problems import healthy, problems
from analyzer.results import End, Finding, Poll
from tests.analysis.rules.made_contexts import made, window
from tests.analysis.test_findings_generated import starts_of
from tests.kit.handmade import RBAC, Journal

CRI = "Waiting for containerd startup: rpc error: code = Unavailable desc = connection error"
PEER = "Waiting for other members to finish joining etcd cluster: etcdserver: too many learner members in cluster"


def good(**report: Any) -> list[str]:
    """What is said of a start that became ready; ``others`` are the other findings."""
    others = report.pop("others", [])
    return [finding.detail for finding in healthy(made(**({"ready": window(3.0, 4.0)} | report)), others)]


def test_a_start_that_became_ready_without_more_than_notes_is_healthy() -> None:
    assert good() == ["It became ready after at least 3.0 s and at most 4.0 s."]
    assert good(ready=window(0.0, 4.0)) == ["It became ready after at most 4.0 s."]
    assert good(ready=window(None, 4.0)) == ["It became ready after at most 4.0 s."]
    assert good(ready=window(3.0, None)) == ["It became ready."]
    assert good(role="agent") == ["It became ready."]
    assert good(begin_seen=False) == []  # it may have taken minutes before the text
    assert not good(outcome="incomplete") and not good(end=End("failed")) and not good(observer="wait")
    assert good(end=End("stopped"))


@pytest.mark.parametrize(("severity", "told"), [("info", True), ("warning", False), ("critical", False)])
def test_anything_to_be_done_is_not_healthy(severity: Any, told: bool) -> None:
    assert bool(good(others=[Finding("crd_heavy", severity, "Many", "d", "a")])) is told


def test_what_made_a_healthy_start_slower_is_named() -> None:
    [slower] = good(others=[Finding("slow_datastore", "info", "It was slow", "d", "a")])
    assert slower.endswith(" It could have been quicker: see “It was slow”.")
    [noise] = good(others=[Finding("noise_explained", "info", "Noise", "d", "a")])
    assert "quicker" not in noise


def test_lines_that_look_alarming_are_counted() -> None:
    answers = (
        Poll(2.0, True, "eof", "normal", line=3), Poll(3.0, False, "eof", "normal"), Poll(4.0, True, None, line=4),
    )  # fmt: skip
    [found] = good(polls=answers)
    assert found.endswith("; 1 poll line that may look alarming come with every start.")


@pytest.mark.parametrize(
    ("lines", "last_s", "ready", "severity"),
    [(1, 3.0, True, "info"), (2, 12.9, True, "info"), (2, 13.1, True, "warning")],
)
def test_a_short_wait_for_a_peer_that_was_over_is_a_note(lines: int, last_s: float, ready: bool, severity: str) -> None:
    """Ten seconds that certainly lie between the first and the last line."""
    journal = Journal().begin().ticking(0.5, 20.0, every=0.1)
    for at in [3.0, last_s][:lines]:
        journal.say(at, PEER)
    found = list(problems(made(journal.serving(15.0).running(18.0)), []))
    assert [finding.severity for finding in found] == [severity]
    assert "It was there in the end" in found[0].detail
    assert (", after at least" in found[0].detail) is (lines > 1)


@pytest.mark.parametrize(
    ("lines", "spread_s", "begin_seen", "severity"),
    [
        (4, 14.9, True, "info"), (4, 15.0, True, "critical"), (5, 0.0, True, "critical"), (2, 14.9, False, "info"),
        (3, 0.0, False, "critical"),
    ],
)  # fmt: skip
def test_k3s_own_runtime_may_take_some_seconds_to_answer(
    lines: int, spread_s: float, begin_seen: bool, severity: str
) -> None:
    """Five times, three in a fragment, or a quarter of a minute: then it does not answer at all."""
    journal = Journal().begin()
    for number in range(lines):
        journal.say(3.0 + number, CRI)
    context = made(journal, begin_seen=begin_seen)
    context.spread = lambda marks: spread_s  # type: ignore[method-assign]
    assert [(one.id, one.severity) for one in problems(context, [])] == [("cri_missing", severity)]


def test_what_a_start_got_over_or_did_not_end_with_is_worth_a_warning() -> None:
    journal = Journal().begin()
    for number in range(5):
        journal.say(3.0 + number, CRI)
    assert [one.severity for one in problems(made(journal, end=End("failed")), [])] == ["warning"]
    assert [one.severity for one in problems(made(journal.serving(9.0).running(12.0)), [])] == ["warning"]
    told = Finding("cri_missing", "critical", "t", "d", "a")
    assert not list(problems(made(journal), [told]))  # the end names it


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


def _told_of(journal: Journal, *ids: str) -> list[Finding]:
    [start] = journal.whole_report().starts
    return [finding for finding in start.findings if finding.id in ids]


def test_one_error_has_one_title_and_advice_wherever_it_stands() -> None:
    words = "Failed to start networking: open /x: permission denied"
    ready = Journal().begin().ticking(0.2, 6.0).serving(2.0)
    [first] = _told_of(ready.say(2.5, words, "error").running(4.02), "network_start", "ending_words")
    last = Journal().begin().ticking(0.2, 6.0).serving(2.0).running(4.02).say(7.0, words, "error")
    [later] = _told_of(last, "network_start", "ending_words")
    assert (first.title, first.advice) == (later.title, later.advice)
    assert "permission denied" in first.title and "/x" in first.advice
    assert "The system forbids it" in first.detail and "The system forbids it" in later.detail


def test_an_outer_error_whose_inside_is_unknown_has_the_advice_of_its_own() -> None:
    ready = Journal().begin().ticking(0.2, 6.0).serving(2.0)
    [found] = _told_of(ready.say(2.5, "Failed to start networking: frob", "error").running(4.02), "network_start")
    assert found.title == "The node's network could not be set up"
    assert found.advice.startswith("The interface or its address was missing")


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("starting kubernetes: preparing server: open /x/{token_file}: permission denied", "/x/{token_file}"),
        ('preparing server: Get "https://h": dial tcp: lookup {cmd}.lan: no such host', "getent hosts {cmd}.lan"),
    ],
)
def test_braces_in_the_log_are_its_own(message: str, kept: str) -> None:
    [start] = Journal().begin().say(1.0, message, "fatal").whole_report().starts
    assert kept in start.findings[0].advice
    assert "node-token" not in start.findings[0].advice
