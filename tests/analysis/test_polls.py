"""The poll grid: what a printed poll's stamp proves, and what an unprinted one does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.analysis.polls import Grid, _calibrated, _overtaken, fit_grid, implied_before
from analyzer.window import Bound
from tests.kit.handmade import CRD, FORBIDDEN, RBAC, SCHEDULING, Journal, check

SLACK = 0.06


def test_the_phase_is_that_of_the_fastest_answer() -> None:
    grid = fit_grid([4.03, 6.01, 9.5, 14.05], 2.0)
    assert grid is not None
    assert (grid.locked, grid.stamps) == (3, 4)
    assert grid.phase_s % 2.0 == pytest.approx(0.01)


def test_stamps_that_do_not_agree_are_no_grid() -> None:
    assert fit_grid([4.0, 6.7, 9.3], 2.0) is None
    assert fit_grid([4.0], 2.0) is None


def test_an_answer_a_little_before_its_tick_is_of_it() -> None:
    grid = Grid(2.0, 1.0, 3, 0.0)
    assert [grid.tick_at_or_before(at) for at in (2.94, 2.96, 3.0, 4.94)] == [1.0, 3.0, 3.0, 3.0]
    assert [grid.on_grid(at) for at in (2.94, 2.96, 3.19, 3.21)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("second_s", "late"),
    [(1.49, {1.0, 1.49}), (1.5, {1.0}), (2.79, {1.0}), (2.81, set())],  # a quarter and nine tenths of the interval
)
def test_of_two_close_answers_the_first_was_late_and_the_second_may_be_on_no_tick(
    second_s: float, late: set[float]
) -> None:
    assert _overtaken([second_s, 1.0], 2.0) == late


@pytest.mark.parametrize(("early_s", "slack_s"), [(0.3, 0.35), (0.39, 0.44), (0.41, 0.05)])
def test_answers_shortly_before_a_tick_widen_the_slack(early_s: float, slack_s: float) -> None:
    stamps = [4.0, 6.0, 8.0, 10.0 - early_s]
    grid = _calibrated(fit_grid(stamps, 2.0), stamps, 2, Journal().begin().ticking(1.0, 13.0).line_times())
    assert grid is not None and grid.slack_s == pytest.approx(slack_s, abs=1e-6)
    assert grid.stamps == 6


@pytest.mark.parametrize(("stamp_s", "slack_s"), [(8.0009, 0.35), (8.0011, 0.05)])
def test_of_the_fastest_answers_the_latest_in_the_journal_widens_the_slack(stamp_s: float, slack_s: float) -> None:
    """A millisecond slower, and it is none of the fastest."""
    stamps = [4.0, 6.0, stamp_s, 12.0]
    line_times = Journal().begin().kube(1.0, "a").kube(8.0, "b", lag=0.3).line_times()
    grid = _calibrated(fit_grid(stamps, 2.0), stamps, 0, line_times)
    assert grid is not None and grid.slack_s == pytest.approx(slack_s, abs=1e-6)


@pytest.mark.parametrize(
    ("locked", "stamps", "rms_s", "reliable"),
    [
        (2, 2, 0.5, True), (2, 3, 0.0, False), (3, 4, 0.1, True), (3, 4, 0.11, False), (3, 5, 0.0, False),
        (6, 8, 0.0, True), (6, 9, 0.0, False),
    ],
)  # fmt: skip
def test_a_grid_is_reliable_when_nearly_all_answers_are_on_it(
    locked: int, stamps: int, rms_s: float, reliable: bool
) -> None:
    assert Grid(2.0, 0.0, locked, rms_s, stamps).reliable is reliable


def quick() -> Journal:
    """Answers right after their ticks at 4, 6, 8 … and lines all the way."""
    return Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.02, RBAC)


def test_the_tick_before_the_success_bounds_readiness_from_below() -> None:
    report = quick().running(12.02).report()
    assert report.ready.lower == pytest.approx(10.0, abs=SLACK)
    assert report.ready.lower_kind is Bound.GRID and report.ready.lower_line is None
    assert report.ready.upper == pytest.approx(12.02, abs=1e-3)
    assert report.detected.lower == pytest.approx(12.0, abs=SLACK)
    assert check(report, RBAC).cleared.lower == pytest.approx(10.0, abs=SLACK)


def test_a_success_off_the_grid_proves_only_the_last_printed_answer() -> None:
    report = quick().running(13.1).report()
    assert report.ready.lower is not None
    assert report.ready.lower <= 6.02
    assert report.ready.lower_kind is not Bound.GRID or report.ready.lower <= 6.0


def test_a_silent_process_gives_no_grid_bound() -> None:
    journal = Journal().begin().ticking(1.0, 6.5).serving(5.0).poll(4.01).listed(6.02, RBAC).running(16.02)
    report = journal.report()
    assert report.ready.lower == pytest.approx(6.0, abs=SLACK)
    assert check(report, RBAC).cleared.lower == pytest.approx(6.0, abs=SLACK)


def test_a_late_answer_counts_from_the_answer_before_it() -> None:
    """Printed 0.9 s after its tick: the state in it may be as old as the previous answer."""
    journal = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.9, RBAC).running(12.02)
    sighting = journal.studied()[0].polls.sightings[1]
    assert sighting.departed_s == pytest.approx(4.01, abs=0.03)
    assert not sighting.on_grid


def test_a_line_that_the_journal_took_down_late_is_on_no_tick() -> None:
    """A starved journal puts an answer of 5.3 right after the tick of 6.0; klog's lines around show the lag."""
    journal = Journal().begin().ticking(1.0, 4.5).ticking(4.6, 6.5, every=0.2, lag=0.72).ticking(7.4, 13.0)
    report = journal.poll(4.01).serving(5.0).listed(5.3, RBAC, lag=0.72).running(12.02).studied()[0]
    sighting = report.polls.sightings[1]
    assert not sighting.on_grid
    assert sighting.departed_s is not None and sighting.departed_s < 5.3


def test_the_second_in_a_poll_line_shows_the_lag_where_no_klog_line_does() -> None:
    journal = Journal().begin().poll(4.01).listed(5.3, RBAC, lag=2.71).running(12.02)
    sighting = journal.studied()[0].polls.sightings[1]
    assert not sighting.on_grid
    assert sighting.departed_s is not None and sighting.departed_s <= 5.3


def test_the_first_answer_of_a_fragment_may_be_about_the_time_before_the_text() -> None:
    report = Journal().listed(0.0, RBAC).ticking(0.2, 3.0).running(3.3).report()
    assert report.begin_seen is False
    assert report.ready.lower is None and report.ready.lower_kind is Bound.NONE
    assert check(report, RBAC).cleared.lower is None
    assert report.ready.upper == pytest.approx(3.3, abs=1e-3)


def test_a_fragments_first_answer_left_within_the_clients_limit() -> None:
    journal = Journal().ticking(0.0, 40.0, every=1.0).listed(30.7, RBAC).ticking(31.0, 35.0).running(36.3)
    assert journal.report().ready.lower == pytest.approx(18.0, abs=0.05)  # 18 s before it was noticed, later than 15.7


def test_lines_that_the_journal_dropped_may_have_been_polls() -> None:
    """Between the lists the journal lost lines: the answer before the next printed one is not known."""
    whole = Journal().begin().ticking(1.0, 17.0).serving(5.0).poll(4.01).listed(6.02, RBAC, SCHEDULING)
    whole.listed(14.02, RBAC).running(16.02)
    assert check(whole.report(), SCHEDULING).cleared.lower == pytest.approx(12.0, abs=SLACK)
    whole.other(9.0, "systemd-journald", "Suppressed 312 messages from k3s.service")
    assert check(whole.report(), SCHEDULING).cleared.lower == pytest.approx(6.0, abs=SLACK)


def test_rows_are_the_printed_the_implied_and_the_success() -> None:
    report = quick().running(12.02).report()
    assert [(round(p.at_s or 0), p.printed, p.error) for p in report.polls] == [
        (4, True, "service_unavailable"),
        (6, True, "readyz_failing"),
        (8, False, "readyz_failing"),
        (10, False, "readyz_failing"),
        (12, False, None),
    ]
    assert report.poller.implied == 2 and report.poller.printed == 2


def test_with_debug_every_attempt_has_its_line() -> None:
    journal = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.02, RBAC)
    journal.unchanged(8.02).unchanged(10.02).running(12.02)
    report = journal.report()
    again = [p for p in report.polls if not p.printed and p.error is not None]
    assert [p.line for p in again] == [journal.line("status unchanged"), journal.line("status unchanged") + 6]
    assert all(p.failing == (RBAC,) for p in again)


def test_a_denied_poll_of_an_existing_datastore_says_not_ready_and_of_a_fresh_one_nothing() -> None:
    def lower(fresh: bool) -> float | None:
        journal = Journal().begin()
        if fresh:
            journal.fresh(0.5)
        return journal.ticking(1.0, 11.0).poll(4.01).poll(8.02, FORBIDDEN).running(10.9).report().ready.lower

    assert lower(fresh=False) == pytest.approx(8.0, abs=SLACK)
    assert lower(fresh=True) == pytest.approx(6.0, abs=SLACK)  # the last 503: the tick before the 403


def test_answers_after_a_stop_began_prove_nothing() -> None:
    journal = Journal().begin().ticking(1.0, 15.0).serving(3.2).poll(2.01).listed(4.02, RBAC)
    journal.systemd(9.0, "Stopping k3s.service - Lightweight Kubernetes...").poll(12.02).poll(14.01, FORBIDDEN)
    report = journal.report()
    assert report.outcome == "stopped"
    assert report.ready.upper is None
    assert report.ready.lower == pytest.approx(8.0, abs=SLACK)  # the last tick before the stop
    assert check(report, RBAC).cleared.lower == pytest.approx(8.0, abs=SLACK)


# --- the bounds themselves: each is as wide as proved, to the tenth of a second -------------------------------------


@pytest.mark.parametrize(("gap_s", "punctual"), [(1.75, False), (1.85, True)])
def test_an_answer_that_the_next_follows_sooner_than_a_tick_was_late(gap_s: float, punctual: bool) -> None:
    journal = Journal().begin().ticking(1.0, 15.0).serving(3.2).poll(4.01).listed(6.01, RBAC, SCHEDULING)
    journal.listed(8.15, RBAC).listed(8.15 + gap_s, RBAC, CRD).running(14.02)
    assert journal.studied()[0].polls.sightings[2].on_grid is punctual


def test_a_silence_of_two_intervals_is_the_most_that_a_punctual_answer_may_follow() -> None:
    def kind(last: float) -> Bound:
        return quick().running(18.01).ticking(13.1, last, every=0.1).report().ready.lower_kind

    assert kind(14.5) is Bound.GRID
    assert kind(13.5) is not Bound.GRID


def seconds(journal: Journal) -> list[int]:
    return [round(poll.at_s or 0.0) for poll in journal.report().polls]


def test_an_unprinted_poll_is_told_as_failing_only_as_far_as_that_is_proved() -> None:
    """A success off the grid may stand for several ticks; one on it was the first that succeeded."""
    assert seconds(quick().running(12.02)) == [4, 6, 8, 10, 12]
    assert seconds(quick().running(13.1)) == [4, 6, 13]


def test_where_readiness_never_came_every_unprinted_poll_failed_but_the_last_two() -> None:
    """Nobody saw what these were answered before the end came."""
    killed = "k3s.service: Main process exited, code=killed, status=9/KILL"
    assert seconds(quick().systemd(14.3, killed)) == [4, 6, 8, 10]
    assert seconds(quick().systemd(13.9, killed)) == [4, 6, 8]
    assert seconds(quick()) == [4, 6, 8]  # the text breaks off at 13


@pytest.mark.parametrize(
    ("version", "polled", "kind", "interval_s", "prints"),
    [
        (None, True, "shared-2s", 2.0, True),  # who prints polls is the one poller that does
        (None, False, "unknown", None, None),
        ("v1.30.3+k3s1", True, "legacy-4x1s", 1.0, False),
        ("v1.30.3+k3s1", False, "legacy-4x1s", 1.0, False),
        ("v1.32.4+k3s1", False, "shared-2s", 2.0, True),
    ],
)
def test_which_poller_it_was(
    version: str | None, polled: bool, kind: str, interval_s: float | None, prints: bool | None
) -> None:
    journal = Journal() if version is None else Journal(version).begin()
    journal.ticking(0.5, 5.0)
    note = (journal.poll(4.01) if polled else journal).report().poller
    assert (note.kind, note.interval_s, note.prints_polls, note.printed) == (kind, interval_s, prints, int(polled))


@pytest.mark.parametrize(("success_s", "last"), [(12.2, 10.0), (12.21, None)])
def test_a_success_within_a_tenth_of_the_interval_is_on_its_tick(success_s: float, last: float | None) -> None:
    """The phase is that of the fastest answer, 4.01."""
    polls = quick().running(success_s).studied()[0].polls
    assert polls.grid is not None and polls.grid.phase_s % 2.0 == pytest.approx(0.01, abs=1e-6)
    found = polls.last_failed_tick_s
    assert (found is None) if last is None else (found == pytest.approx(last, abs=SLACK))


@pytest.mark.parametrize(
    ("stop_s", "departed"),
    [(None, 10.0), (9.0, 8.0), (6.5, None), (10.01, 10.0)],
)
def test_up_to_which_tick_an_old_answer_held(stop_s: float | None, departed: float | None) -> None:
    """The answer printed at 6.02 held until the tick before the success at 12, or the last one before a stop."""
    facts = quick().running(12.02).studied()[0].polls
    found = implied_before(replace(facts, stop_s=stop_s), 1)
    assert (found is None) if departed is None else (found == pytest.approx(departed, abs=SLACK))
    assert implied_before(replace(facts, uncertain=frozenset({1})), 1) is None
    assert implied_before(replace(facts, grid=None), 1) is None
