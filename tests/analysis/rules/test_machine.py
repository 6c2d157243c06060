"""From where on signs of a scarce machine are told, and how loudly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from analyzer.analysis.rules.machine import clock, disk_work, like_timeout, silence, starved
from analyzer.results import Check, ClockNote, Gap, Phase, Poll
from analyzer.window import OPEN, Span
from tests.analysis.rules.made_contexts import made, window
from tests.kit.handmade import RBAC, SCHEDULING, Journal

VERSION = "Version: v1.32.4+k3s1"


def booted(boot_s: float) -> Journal:
    """An API server that took ``boot_s`` from its version line to serving, with healthy polls."""
    journal = Journal().begin().ticking(0.5, 20.0).kube(1.0, f'"{VERSION}"', "server.go:144")
    return journal.serving(1.0 + boot_s).running(18.02)


@pytest.mark.parametrize(("boot_s", "severity"), [(3.9, None), (4.1, "info"), (7.9, "info"), (8.1, "warning")])
def test_how_long_a_boot_tells_of_a_scarce_cpu(boot_s: float, severity: str | None) -> None:
    assert booted(boot_s).findings().get("cpu_starved") == severity


def slow_answers(*late_s: float) -> Journal:
    journal = Journal().begin().ticking(0.5, 30.0).serving(3.2).poll(4.01).listed(6.01, RBAC).poll(8.01)
    for number, late in enumerate(late_s):
        journal.listed(10.01 + 4 * number + late, RBAC) if number % 2 else journal.poll(
            10.01 + 4 * number + late, "EOF"
        )
    return journal.running(26.02)


@pytest.mark.parametrize(("late_s", "told"), [((0.75, 0.75), True), ((0.65, 0.65), False), ((0.75,), False)])
def test_from_which_delay_on_answers_are_slow(late_s: tuple[float, ...], told: bool) -> None:
    """More than 0.35 of the interval; one alone is nothing."""
    assert ("cpu_starved" in slow_answers(*late_s).findings()) is told


@pytest.mark.parametrize(("lag", "told"), [(0.45, False), (0.55, True)])
def test_from_which_lag_on_a_line_was_late(lag: float, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 9.0).serving(3.2).kube(9.2, "x", lag=lag).ticking(9.9, 12.0).running(12.5)
    assert ("cpu_starved" in journal.findings()) is told


@pytest.mark.parametrize(("length", "told"), [(7.8, False), (8.2, True)])
def test_from_which_length_on_a_silence_is_told(length: float, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 2.9).serving(3.2).kube(3.2 + length, "x").ticking(12.0, 20.0).running(20.5)
    assert ("frozen_gap" in journal.findings()) is told


def test_two_long_silences_are_counted() -> None:
    journal = Journal().begin().ticking(0.5, 3.0).ticking(12.0, 15.0).ticking(24.5, 30.0).running(30.5)
    assert "frozen_gap" in journal.findings()


@pytest.mark.parametrize(
    ("length", "level", "told"),
    [(4.9, "E", False), (5.0, "I", True), (5.35, "I", True), (5.5, "I", False), (2.1, "E", True), (2.1, "I", False)],
)
def test_which_silences_look_like_a_timeout(length: float, level: str, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 2.9).serving(3.2)
    journal.kube(3.2 + length, "the request timed out", severity=level).ticking(9.0, 12.0).running(12.5)
    assert ("gap_like_timeout" in journal.findings()) is told


@pytest.mark.parametrize(("took", "told"), [(4.8, False), (5.3, True)])
def test_how_long_unpacking_is_slow(took: float, told: bool) -> None:
    journal = Journal().systemd(0.0, "Starting k3s.service - Lightweight Kubernetes...")
    journal.say(0.05, "Preparing data dir /var/lib/rancher/k3s/data/8a1c3f5e").banner(0.1 + took)
    assert ("slow_extract" in journal.ticking(6.0, 9.0).serving(7.0).running(9.5).findings()) is told


@pytest.mark.parametrize(("waits", "told"), [((2.0, 2.9), False), ((2.0, 3.1), True), ((0.9,) * 8, False)])
def test_how_long_requests_must_be_held_back(waits: tuple[float, ...], told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 9.0).serving(3.2)
    for number, wait in enumerate(waits):
        text = f"Waited for {wait}s due to client-side throttling, not priority and fairness, request: GET:https://x"
        journal.kube(4.0 + number * 0.3, text, "request.go:697")
    assert ("throttled_client" in journal.running(9.5).findings()) is told


# --- the bounds themselves ------------------------------------------------------------------------------------------

EXACT = ClockNote("monotonic", 0.0)


@pytest.mark.parametrize(("boot_s", "severity"), [(3.99, None), (4.0, "info"), (7.99, "info"), (8.0, "warning")])
def test_four_seconds_of_boot_are_a_sign_and_eight_a_strong_one(boot_s: float, severity: str | None) -> None:
    context = made()
    context.boot_s = boot_s
    assert [finding.severity for finding in starved(context)] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("shakes", "boot_s", "told"),
    [(1, 0.0, None), (2, 0.0, "2 TLS handshakes were"), (1, 4.0, "1 TLS handshake was"), (0, 4.0, None)],
)
def test_one_handshake_is_a_sign_only_beside_another(shakes: int, boot_s: float, told: str | None) -> None:
    """Between machines a lost packet does the same, so an agent's are none."""

    def details(role: str) -> list[str]:
        journal = Journal().begin().ticking(0.5, 9.0)
        for number in range(shakes):
            journal.kube(4.0 + number, 'Get "https://127.0.0.1:6443/x": net/http: TLS handshake timeout', severity="E")
        context = made(journal, role=role)
        context.boot_s = boot_s
        return [finding.detail for finding in starved(context)]

    found = details("server")
    assert bool(found) is (told is not None or boot_s > 0.0)
    assert told is None or f"{told} not finished" in found[0]
    assert told is not None or not any("handshake" in detail for detail in found)
    assert not any("handshake" in detail for detail in details("agent"))


@pytest.mark.parametrize(("lines", "told"), [(39, False), (40, True)])
def test_a_few_lines_of_a_fragment_have_holes_of_their_own(lines: int, told: bool) -> None:
    journal = Journal().ticking(0.5, 0.5 + 0.1 * (lines - 1) + 0.05, every=0.1)
    gap = Gap(10.0, 20.0, "silent", 7)
    assert len(made(journal).studied.start.process) == lines
    assert bool(list(silence(made(journal, clock=EXACT, gaps=(gap,), begin_seen=False)))) is told
    assert list(silence(made(journal, clock=EXACT, gaps=(gap,), begin_seen=True)))


@pytest.mark.parametrize(("precision_s", "told"), [(0.1, True), (0.2, False)])
def test_coarse_stamps_look_like_no_timeout(precision_s: float, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 2.9).kube(3.2, "x").kube(8.25, "the request timed out")
    assert bool(list(like_timeout(made(journal, clock=ClockNote("monotonic", precision_s))))) is told


@pytest.mark.parametrize(("noticed_s", "told"), [(8.24, False), (8.25, True), (None, True)])
def test_a_silence_after_readiness_was_noticed_is_no_timeout_of_the_start(noticed_s: float | None, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 2.9).kube(3.2, "x").kube(8.25, "the request timed out")
    assert bool(list(like_timeout(made(journal, detected=window(1.0, noticed_s))))) is told


def test_words_that_come_back_at_the_same_distance_are_a_retry() -> None:
    once = Journal().begin().kube(3.0, "x").kube(8.1, "the request timed out").kube(8.2, "x").kube(18.4, "no response")
    [found] = like_timeout(made(once))
    assert "a timeout of 10 s" in found.detail and "1 more silence of that kind" in found.detail
    again = Journal().begin().kube(3.0, "x").kube(8.1, "the request timed out").kube(13.2, "the request timed out")
    assert not list(like_timeout(made(again)))


@pytest.mark.parametrize(("year", "told"), [(1970, True), (2018, True), (2019, False)])
def test_before_the_first_release_no_clock_was_set(year: int, told: bool) -> None:
    found = [finding.id for finding in clock(made(began_at=datetime(year, 6, 1, tzinfo=UTC)))]
    assert found == ["clock_unset"] * told


@pytest.mark.parametrize(("basis", "severity"), [("monotonic", "info"), ("journal", "warning")])
def test_a_step_of_the_clock_is_bad_where_nothing_counts_beside_it(basis: str, severity: str) -> None:
    gap = Gap(5.0, 5.0, "clock_step", 7, 0, "the clock was set back by 3.0 s")
    [found] = clock(made(clock=ClockNote(basis, 1.0), gaps=(gap, Gap(6.0, 16.0, "silent", 9))))
    assert (found.severity, found.lines) == (severity, (7,))
    assert not list(clock(made(gaps=(Gap(6.0, 16.0, "silent", 9),))))


@pytest.mark.parametrize(("took_s", "told"), [(4.99, False), (5.0, True)])
def test_unpacking_is_slow_from_five_seconds_on(took_s: float, told: bool) -> None:
    def found(journal: Journal) -> list[str]:
        phases = (Phase("extract", OPEN, OPEN, Span(took_s), ("extract",)),)
        return [finding.id for finding in disk_work(made(journal, phases=phases))]

    unpacking = Journal().systemd(0.0, "Starting k3s.service - Lightweight Kubernetes...")
    assert found(unpacking.say(0.05, "Preparing data dir /var/lib/rancher/k3s/data/8a").banner(7.0)) == (
        ["slow_extract"] * told
    )
    assert not found(Journal().begin())  # nothing says that it was unpacking


@pytest.mark.parametrize(
    ("waits", "told"), [((0.99,) * 9, None), ((1.0,) * 5, "5 requests"), ((1.0,) * 4 + (0.99,), None)]
)
def test_requests_held_back_for_a_second_each_and_five_in_sum(waits: tuple[float, ...], told: str | None) -> None:
    journal = Journal().begin()
    for number, wait in enumerate(waits):
        journal.kube(2.0 + number, f"Waited for {wait}s due to client-side throttling, not priority and fairness, x")
    found = [finding.detail for finding in disk_work(made(journal))]
    assert [detail.startswith(told or "?") for detail in found] == [True] * (told is not None)


@pytest.mark.parametrize(("took", "told"), [("4.999s", False), ("5s", True)])
def test_an_import_of_five_seconds_is_told(took: str, told: bool) -> None:
    journal = Journal().begin().say(9.0, f"Imported images from /var/lib/rancher/k3s/agent/images/a.tar in {took}")
    assert [finding.id for finding in disk_work(made(journal))] == ["image_import"] * told


def frozen(journal: Journal, gap: Gap, **report: Any) -> tuple[str, str, str]:
    """Of the finding on a silence: its last sentence, severity and advice."""
    [found] = silence(made(journal, clock=EXACT, gaps=(gap,), **report))
    assert found.title == f"Nothing was logged for {int(gap.end_s - gap.begin_s)} s"
    return found.detail.split(". ", 1)[-1].rpartition("). ")[2], found.severity, found.advice


def test_what_a_silence_may_have_been() -> None:
    gap, answers = Gap(10.0, 20.5, "silent", 7), (Poll(6.0, True, "eof", line=5),)
    waiting, ready = Journal().begin().ticking(0.5, 6.0), Journal().begin().ticking(0.5, 6.0).serving(8.0).running(22.0)
    roles = (Check(RBAC, "failing", True, window(4.0, None)), Check(SCHEDULING, "ok", True, window(5.0, 6.0)))

    said, severity, advice = frozen(waiting, gap, polls=answers)
    assert said == "It was still waiting then; polls that are answered as before are not printed."
    assert (severity, advice) == ("info", "")
    said, severity, advice = frozen(waiting, gap, polls=())
    assert said.startswith("A frozen, swapped-out or starved process looks like that") and advice
    said, severity, advice = frozen(ready, gap, detected=window(21.0, 22.0), polls=answers, checks=())
    assert said.startswith("A frozen, swapped-out or starved process looks like that")
    assert severity == "warning" and advice
    said, severity, advice = frozen(ready, gap, detected=window(21.0, 22.0), polls=answers, checks=roles)
    assert said == "The rbac hook was still at work, which reads and writes without printing."
    assert (severity, advice) == ("info", "")
    debug = waiting.poll(2.01).unchanged(4.01).unchanged(6.01)
    said, severity, advice = frozen(debug, gap, polls=answers)
    assert said == "Polls that --debug prints every 2 s are missing as well: the process did not run."
    assert severity == "warning" and advice


def held_up(*written: tuple[float, float]) -> Journal:
    """Silent from 3.2 s to 15.2 s; besides lines that were written then and reached the journal so much later."""
    journal = Journal().begin().ticking(0.5, 2.9).serving(3.2)
    for at, lag in written:
        journal.kube(at, "x", lag=lag)
    return journal.kube(15.2, "y").ticking(15.3, 22.0).running(22.5)


@pytest.mark.parametrize(("at", "lag", "held"), [(3.15, 12.1, True), (3.15, 12.9, True), (3.15, 13.2, False)])
def test_what_a_freeze_held_up_is_no_sign_of_a_scarce_cpu(at: float, lag: float, held: bool) -> None:
    """A second of the delay may lie outside of the silence."""
    found = held_up((at, lag)).findings()
    assert "frozen_gap" in found
    assert ("cpu_starved" in found) is not held


def test_a_freeze_says_what_it_held_up() -> None:
    [found] = list(silence(made(held_up((3.1, 12.1), (3.15, 12.1)))))
    assert "2 lines reached the journal late right after it" in found.detail


def test_a_freeze_is_not_told_where_something_else_was_late_as_well() -> None:
    """Then the machine may have been short of CPU all the time."""
    journal = held_up((3.1, 12.1)).kube(17.0, "z", lag=1.5)
    [found] = list(silence(made(journal)))
    assert "freeze" not in found.detail
    assert "cpu_starved" in journal.findings()
