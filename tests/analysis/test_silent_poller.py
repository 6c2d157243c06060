"""Pollers that print no polls: the second on which they asked, told by the line that begins their round."""

from __future__ import annotations

import pytest

from analyzer.analysis.silent_poller import ROUND
from analyzer.analysis.start_report import study
from analyzer.results import StartReport
from analyzer.starts import find_starts
from analyzer.window import Bound
from tests.kit.handmade import Journal

OLD = "v1.30.3+k3s1"


def waiting(*rounds: float, version: str = OLD, quiet_from: float = 20.0) -> Journal:
    """Serving at 2.0, a round of polls begun at each of ``rounds``; lines of others until ``quiet_from``."""
    journal = Journal(version).begin().serving(2.0)
    for at in rounds:
        journal.say(at, ROUND)
    return journal.ticking(0.6, min(quiet_from, 6.95), 0.15)


def assert_grid(report: StartReport, failed: float, success: float) -> None:
    assert report.ready.lower == pytest.approx(failed, abs=0.03) and report.ready.lower_kind is Bound.GRID
    assert report.detected.lower == pytest.approx(success, abs=0.03) and report.detected.lower_kind is Bound.GRID


def assert_no_grid(report: StartReport) -> None:
    assert report.ready.lower == pytest.approx(3.0, abs=1e-3)  # one second after serving
    assert report.ready.lower_kind is Bound.WITNESS


def test_a_success_on_a_whole_second_of_its_round_tells_the_request_before() -> None:
    report = waiting(1.0).running(7.006).report()
    assert_grid(report, 5.95, 6.95)
    assert report.ready.upper == pytest.approx(7.006, abs=1e-3)
    assert report.polling_tax_s is not None and report.polling_tax_s.max is not None
    assert report.polling_tax_s.max < 1.1
    assert report.polls == ()  # nothing was printed, so nothing is listed


@pytest.mark.parametrize("late", [0.05, 0.15, 0.5, 0.9])
def test_a_success_between_the_seconds_tells_nothing(late: float) -> None:
    assert_no_grid(waiting(1.0).running(7.0 + late).report())


def test_the_latest_round_counts() -> None:
    journal = Journal(OLD).begin().serving(2.0).say(3.0, ROUND).ticking(0.6, 40.0, 0.3).say(33.4, ROUND)
    assert_grid(journal.running(40.41).report(), 39.35, 40.35)


def test_two_callers_with_phases_of_their_own_tell_nothing() -> None:
    assert_no_grid(waiting(1.0, 1.4).running(7.006).report())
    assert_no_grid(waiting(1.0, 1.4).running(7.41).report())
    assert_grid(waiting(1.0, 1.01).running(7.025).report(), 5.96, 6.96)


def test_the_first_request_of_a_round_has_none_before_it() -> None:
    assert_no_grid(waiting(6.5).running(6.51).report())


def test_after_a_silence_it_may_have_been_one_slow_request() -> None:
    assert_no_grid(waiting(1.0, quiet_from=4.5).running(7.006).report())


def test_lost_lines_may_hide_a_new_round() -> None:
    journal = waiting(1.0).other(5.0, "systemd-journald", "Suppressed 120 messages from k3s.service")
    assert_no_grid(journal.running(7.006).report())


def test_a_line_that_the_journal_took_down_late_is_on_no_second() -> None:
    assert_no_grid(waiting(1.0).running(6.4, lag=0.606).report())


def test_coarse_stamps_tell_no_second() -> None:
    journal = waiting(1.0).running(7.006)
    log_records = journal.log_records(journal.short())
    [start] = find_starts(log_records.records)
    assert study(start, 1, log_records).report.ready.lower_kind is not Bound.GRID


def test_only_releases_whose_poller_was_read() -> None:
    assert_no_grid(waiting(1.0, version="v1.32.4+k3s1").running(7.006).report())


@pytest.mark.parametrize(("at", "told"), [(7.029, True), (7.031, False)])
def test_right_after_the_second_is_within_three_hundredths(at: float, told: bool) -> None:
    report = waiting(1.0).running(at).report()
    assert (report.ready.lower_kind is Bound.GRID) is told


@pytest.mark.parametrize(("first", "told"), [(1.38, True), (1.42, False)])
def test_a_round_runs_for_thirty_seconds_and_one_request(first: float, told: bool) -> None:
    """The success comes at 32.4 on the second of the other round; the first one had its last request by 31 s."""
    journal = Journal(OLD).begin().serving(2.0).ticking(0.6, 32.0, 0.3).say(first, ROUND).say(20.395, ROUND)
    assert (journal.running(32.4).report().ready.lower_kind is Bound.GRID) is told


@pytest.mark.parametrize(("last", "told"), [(5.006, True), (5.005, False)])
def test_two_seconds_without_a_line_are_the_most(last: float, told: bool) -> None:
    journal = Journal(OLD).begin().serving(2.0).say(1.0, ROUND).ticking(0.6, 4.0, 0.15).kube(last, "x").running(7.006)
    assert (journal.report().ready.lower_kind is Bound.GRID) is told


@pytest.mark.parametrize(("at", "told"), [(2.01, True), (1.99, False)])
def test_the_second_request_of_a_round_has_one_before_it(at: float, told: bool) -> None:
    journal = Journal(OLD).begin().say(1.0, ROUND).ticking(0.6, 1.9, 0.15).running(at)
    assert (journal.report().detected.lower_kind is Bound.GRID) is told


def test_the_kubelets_own_poller_does_not_tell_when_the_server_noticed() -> None:
    """It has a phase of its own: what it saw bounds readiness, not the server's notice of it."""
    kubelet = '"Kubelet version" kubeletVersion="v1.30.3+k3s1"'
    before = waiting(1.0).kube(6.5, kubelet, "server.go:515").report()
    whole = waiting(1.0).kube(6.5, kubelet, "server.go:515").running(7.006).report()
    assert before.outcome == "ready" and before.ready.upper == whole.ready.upper == pytest.approx(6.5, abs=1e-3)
    assert before.detected.upper is None and before.polling_tax_s is None
    assert before.detected.lower is not None and whole.detected.upper == pytest.approx(7.006, abs=1e-3)


def test_one_poller_for_all_tells_it() -> None:
    shared = Journal("v1.32.4+k3s1").begin().serving(2.0).poll(3.0).kube(6.5, '"Kubelet version" k=1', "server.go:515")
    assert shared.report().detected.upper == pytest.approx(6.5, abs=1e-3)
