"""From where on a wait for somebody else is told, and how loudly."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.rules.waiting import old_pod, poll_answers, still_waiting, stuck
from analyzer.events import poll_errors
from analyzer.results import ClockNote, End, ErrorCount, Finding, Poll
from analyzer.testing.log_wording import UNAVAILABLE
from tests.analysis.rules.made_contexts import made
from tests.kit.handmade import FORBIDDEN, RBAC, Journal

PUT_OFF = "Waiting to retrieve agent configuration; server is not ready: 503 Service Unavailable"
REFUSED = 'Get "https://127.0.0.1:6443/readyz": dial tcp 127.0.0.1:6443: connect: connection refused'


def put_off(*at: float) -> Journal:
    journal = Journal().systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
    journal.say(0.1, f"Starting k3s agent {journal.version} (148243c4)")
    for moment in at:
        journal.say(moment, PUT_OFF, "error")
    return journal.ticking(1.0, max(at) + 1.0)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ((2.0, 61.0), False),
        ((2.0, 62.5), True),
        (tuple(float(n) for n in range(2, 11)), False),
        (tuple(float(n) for n in range(2, 12)), True),
    ],
    ids=["59 s", "60 s", "9 times", "10 times"],
)
def test_how_long_and_how_often_a_server_must_put_off(at: tuple[float, ...], told: bool) -> None:
    assert ("server_not_ready" in put_off(*at).findings()) is told


@pytest.mark.parametrize(("end", "told"), [(119.0, False), (121.0, True)])
def test_from_when_on_a_start_is_stuck(end: float, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, end, every=1.0).serving(3.2).poll(4.01).listed(6.01, RBAC).kube(end, "x")
    assert ("stuck" in journal.findings()) is told


def asked(error: str, first: float, last: float, *, ready: bool = False) -> dict[str, str]:
    """What is said of polls answered alike from ``first`` to ``last``, each printed."""
    journal = Journal().begin().ticking(0.5, last + 1.0).poll(first - 2.0, "EOF").poll(first, error)
    journal.unchanged(last)
    return (journal.running(last + 2.0) if ready else journal).findings()


@pytest.mark.parametrize(("length", "told"), [(58.0, False), (62.0, True)])
def test_from_when_on_refused_polls_are_told(length: float, told: bool) -> None:
    assert ("forbidden_lasting" in asked(FORBIDDEN, 4.01, 4.01 + length)) is told
    assert ("refused_lasting" in asked(REFUSED, 4.01, 4.01 + length)) is told


def test_unavailable_is_what_every_start_begins_with() -> None:
    found = asked(UNAVAILABLE, 4.01, 24.01)
    assert not any(name.startswith("polls_") for name in found)


# --- the bounds themselves ------------------------------------------------------------------------------------------

EXACT = ClockNote("monotonic", 0.0)
OLD_POD = "Pod for kube-apiserver not synced (waiting for termination of old pod sandbox), retrying"


def marked(journal: Journal, spread_s: float = 0.0, **report: Any) -> RuleContext:
    """Its marks certainly lie so far apart."""
    context = made(journal, **report)
    context.spread = lambda marks: spread_s  # type: ignore[method-assign]
    return context


@pytest.mark.parametrize(("spread_s", "told"), [(29.9, False), (30.0, True)])
def test_an_old_pod_that_takes_half_a_minute_to_end_is_told(spread_s: float, told: bool) -> None:
    journal = Journal("v1.33.3+rke2r1").say(0.1, "Starting rke2 v1.33.3+rke2r1 (148243c4)").say(3.0, OLD_POD)
    found = list(old_pod(marked(journal.say(5.0, OLD_POD), spread_s)))
    assert bool(found) is told
    assert (
        not told or "pod sandbox of kube-apiserver of the run before was still ending: said 2 times" in found[0].detail
    )
    other = Journal("v1.33.3+rke2r1").say(0.1, "Starting rke2 v1.33.3+rke2r1 (148243c4)")
    other.say(3.0, "Pod for kube-apiserver not synced (pod sandbox not found), retrying")
    assert not list(old_pod(marked(other, 0.0)))


def waiting(*at: float) -> Journal:
    journal = Journal().begin()
    for moment in at:
        journal.say(moment, "Waiting for etcd server to become available")
    return journal


@pytest.mark.parametrize(
    ("lines", "spread_s", "begin_seen", "severity"),
    [
        (2, 59.9, True, "info"), (2, 60.0, True, "warning"), (3, 0.0, True, "warning"), (1, 0.0, True, "info"),
        (1, 0.0, False, "warning"),
    ],
)  # fmt: skip
def test_which_wait_for_etcd_is_lasting(lines: int, spread_s: float, begin_seen: bool, severity: str) -> None:
    """For a minute, said three times, or in a fragment: who shows the middle of a wait has waited."""
    journal = waiting(*(3.0 + number for number in range(lines)))
    [found] = still_waiting(marked(journal, spread_s, begin_seen=begin_seen), [])
    assert (found.id, found.severity) == ("datastore_waiting", severity)


def test_a_wait_for_etcd_ends_when_it_is_ready() -> None:
    assert not list(still_waiting(made(waiting(3.0, 4.0).say(5.0, "Connection to etcd is ready")), []))
    assert list(still_waiting(made(waiting(3.0, 6.0).say(5.0, "Connection to etcd is ready")), []))
    assert not list(still_waiting(made(waiting(3.0).serving(6.0).running(9.0)), []))
    assert not list(still_waiting(made(waiting(3.0), end=End("failed")), []))


@pytest.mark.parametrize(
    ("lines", "spread_s", "role", "begin_seen", "told"),
    [
        (1, 59.9, "server", True, False), (1, 60.0, "server", True, True), (9, 0.0, "server", True, False),
        (10, 0.0, "server", True, True), (1, 0.0, "agent", False, True), (1, 0.0, "agent", True, False),
        (1, 0.0, "server", False, False), (0, 60.0, "agent", False, False),
    ],
)  # fmt: skip
def test_when_a_server_that_puts_off_is_told(
    lines: int, spread_s: float, role: str, begin_seen: bool, told: bool
) -> None:
    journal = Journal().begin()
    for number in range(lines):
        journal.say(3.0 + number, PUT_OFF)
    context = marked(journal, spread_s, role=role, begin_seen=begin_seen)
    assert [finding.id for finding in still_waiting(context, [])] == ["server_not_ready"] * told


def polled(error: str, length_s: float, severity: Any = "suspect", still: bool = True, **report: Any) -> list[Finding]:
    """What is said of polls that were answered alike for that long."""
    polls = tuple(Poll(at, True, error, severity, text="said so", line=4) for at in (4.0, 4.0 + length_s))
    polls += () if still else (Poll(5.0 + length_s, True, "eof", "normal", line=5),)
    waiting = Journal().begin().ticking(0.2, 6.0).serving(2.0)
    errors = (ErrorCount(error, severity, 2, 4.0, 4.0 + length_s),)
    return list(poll_answers(made(waiting, **({"clock": EXACT, "polls": polls, "errors": errors} | report))))


@pytest.mark.parametrize(("length_s", "told"), [(59.9, False), (60.0, True)])
def test_a_minute_of_refusals_is_long(length_s: float, told: bool) -> None:
    assert [finding.id for finding in polled("forbidden", length_s)] == ["forbidden_lasting"] * told
    assert [finding.id for finding in polled("connection_refused", length_s)] == ["refused_lasting"] * told
    assert not polled("forbidden", length_s, still=False)
    assert not polled("forbidden", length_s, clock=ClockNote("journal", 1.0))


@pytest.mark.parametrize(
    ("length_s", "severity", "still", "told"),
    [
        (9.9, "suspect", True, None), (10.0, "suspect", True, "warning"), (29.9, "suspect", False, None),
        (30.0, "suspect", False, "warning"), (0.0, "fatal", True, "critical"), (0.0, "fatal", False, "warning"),
    ],
)  # fmt: skip
def test_which_answers_do_not_heal(length_s: float, severity: Any, still: bool, told: str | None) -> None:
    """Ten seconds to the end, thirty in between, and those that never heal at once."""
    assert poll_errors.advice("unauthorized")[0]
    found = polled("unauthorized", length_s, severity, still)
    assert [finding.severity for finding in found] == ([told] if told else [])
    assert not found or found[0].detail.startswith("2 polls over at least")


@pytest.mark.parametrize(("cut_at_s", "told"), [(119.9, False), (120.0, True), (None, False)])
def test_after_two_minutes_a_start_is_stuck(cut_at_s: float | None, told: bool) -> None:
    waiting = Journal().begin().ticking(0.2, 6.0).serving(2.0)

    def found(others: list[Finding], **report: Any) -> list[str]:
        return [one.detail for one in stuck(made(waiting, **({"cut_at_s": cut_at_s} | report)), others)]

    critical = Finding("x", "critical", "t", "d", "a")
    assert [detail.rpartition("; ")[2] for detail in found([])] == ["the log does not say for what."] * told
    assert [detail.rpartition("; ")[2] for detail in found([critical])] == [
        "see the other findings for what it waits for."
    ] * told
    answered = (Poll(4.0, True, "eof", "normal", line=4), Poll(5.0, False, None))
    assert [detail.rpartition("; ")[2] for detail in found([], polls=answered)] == [
        "the last poll answered eof."
    ] * told
    assert not found([], begin_seen=False) and not found([], outcome="ready")
