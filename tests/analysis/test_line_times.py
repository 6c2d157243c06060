"""When a line was written: its own stamp, the journal's, and the journal's lag."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.analysis.line_times import LineTimes
from analyzer.records.log_record import LogRecord, Stamp
from analyzer.starts import find_starts
from tests.kit.handmade import ZERO_US, Journal

US = 1e-6


def placed(journal: Journal, words: str) -> tuple[LineTimes, LogRecord]:
    """The only start's clock, and its first line that holds ``words``."""
    line_times = journal.line_times()
    return line_times, next(r for r in line_times.start.records if words in r.message)


def test_klogs_own_stamp_is_exact_however_late_the_journal() -> None:
    line_times, line = placed(Journal().begin().kube(5.0, "late", lag=3.0), "late")
    assert line_times.earliest(line) == pytest.approx(5.0, abs=US)
    assert line_times.latest(line) == pytest.approx(5.0, abs=2 * US)


def test_a_logrus_line_is_in_its_second_and_not_after_its_arrival() -> None:
    line_times, line = placed(Journal().begin().say(5.4, "hello"), "hello")
    assert line_times.earliest(line) == pytest.approx(
        5.0, abs=US
    )  # no klog line near: the journal may be a second late
    assert line_times.latest(line) == pytest.approx(5.4, abs=2 * US)


def test_prompt_klog_lines_around_say_that_the_journal_is_not_late() -> None:
    line_times, line = placed(Journal().begin().ticking(3.0, 6.0).say(5.4, "hello"), "hello")
    assert line_times.earliest(line) == pytest.approx(5.4 - 0.02, abs=1e-3)


def test_late_klog_lines_around_pull_the_earliest_moment_back() -> None:
    line_times, line = placed(Journal().begin().ticking(3.0, 6.0, lag=0.3).say(5.9, "hello"), "hello")
    assert line_times.earliest(line) == pytest.approx(5.9 - 0.32, abs=1e-3)
    assert line_times.latest(line) == pytest.approx(5.9, abs=1e-3)
    assert line_times.lag_s(5.9) == pytest.approx(0.3, abs=1e-3)


def test_systemd_answers_the_line_that_says_that_k3s_is_up() -> None:
    """systemd's own line went to the journal at once, k3s' line before it was still in the pipe."""
    journal = Journal().begin().ticking(3.0, 6.0).systemd(5.4, "Started Lightweight Kubernetes.")
    line_times, line = placed(journal.say(5.1, "k3s is up and running", lag=0.6), "k3s is up")
    assert line_times.earliest(line) == pytest.approx(5.4 - 0.02, abs=1e-3)
    prompt = Journal().begin().ticking(3.0, 6.0).say(5.7, "k3s is up and running")
    line_times, line = placed(prompt.systemd(5.71, "Started Lightweight Kubernetes."), "k3s is up")
    assert line_times.earliest(line) == pytest.approx(5.7 - 0.02, abs=1e-3)


def test_no_line_of_a_start_is_pulled_before_its_begin() -> None:
    line_times, line = placed(Journal().begin().say(0.2, "hello"), "hello")
    assert line_times.earliest(line) == 0.0


def test_a_first_line_that_the_journal_took_down_late_begins_the_start_at_its_own_stamp() -> None:
    journal = Journal().kube(2.0, "Serving securely on 127.0.0.1:6444", "secure_serving.go:213", lag=1.5)
    assert journal.line_times().zero_us == ZERO_US + 2_000_000


def test_a_late_line_is_not_prompt() -> None:
    late = Journal().begin().ticking(3.0, 6.0, lag=0.3).say(5.9, "hello")
    prompt = Journal().begin().ticking(3.0, 6.0).say(5.9, "hello")
    alone = Journal().begin().say(5.9, "hello")
    overdue = Journal().begin().say(5.9, "hello", lag=1.5)  # its own second ended at 6.0, it came at 7.4
    verdicts = []
    for journal in (late, prompt, alone, overdue):
        line_times, line = placed(journal, "hello")
        verdicts.append(line_times.prompt(line, 0.1))
    assert verdicts == [False, True, True, False]


def test_whole_seconds_are_too_coarse_for_the_grid() -> None:
    journal = Journal().begin().say(5.4, "hello")
    [start] = find_starts(journal.log_records(journal.short()).records)
    coarse = LineTimes(start)
    line = next(r for r in start.records if r.message == "hello")
    assert not coarse.fine(line)
    assert coarse.latest(line) == pytest.approx(6.0, abs=US)
    assert coarse.precision_s == 1.0
    line_times, exact = placed(journal, "hello")
    assert line_times.fine(exact)
    assert line_times.precision_s == 1e-6


@pytest.mark.parametrize("lag", [0.3, 0.7, 2.7])
def test_of_a_line_in_whole_seconds_that_came_late_its_own_second_is_known(lag: float) -> None:
    """Written at 5.4: with 0.7 s of delay it was taken for one of the last 20 ms of its second."""
    journal = Journal().begin().say(5.4, "hello", lag=lag)
    [start] = find_starts(journal.log_records(journal.short()).records)
    line = next(r for r in start.records if r.message == "hello")
    coarse = LineTimes(start)
    assert coarse.earliest(line) == pytest.approx(5.0, abs=0.021)
    assert coarse.latest(line) == pytest.approx(6.0, abs=US)


def test_a_line_that_came_later_than_any_klog_line_near_shows_is_in_its_own_second() -> None:
    line_times, line = placed(Journal().begin().ticking(6.0, 8.0).say(5.4, "hello", lag=1.8), "hello")
    assert line_times.earliest(line) == pytest.approx(5.0, abs=US)
    assert line_times.latest(line) == pytest.approx(6.0, abs=US)


def test_a_begin_that_the_journal_took_down_late_bounds_nothing_from_below() -> None:
    """systemd's line came 2 s late, with everything queued behind it; klog's own stamps tell."""
    journal = Journal().systemd(3.0, "Starting k3s.service - Lightweight Kubernetes...").banner(1.2)
    journal.rows[-1]["__REALTIME_TIMESTAMP"] = str(ZERO_US + 3_000_001)
    journal.rows[-1]["__MONOTONIC_TIMESTAMP"] = str(103_000_001)
    line_times, line = placed(journal.kube(1.4, "early", lag=1.6001), "Starting k3s v")
    earliest = line_times.earliest(line)
    assert line_times.zero_us == ZERO_US + 3_000_000
    assert earliest is not None and earliest <= -1.6


@pytest.mark.parametrize(("behind_begin", "known"), [(0, True), (1, False), (2, False)])
def test_from_the_line_behind_a_step_on_nothing_has_a_latest_moment(behind_begin: int, known: bool) -> None:
    """A step in front of the begin's own line moves the whole start alike; one in front of the last line counts."""
    journal = Journal().begin().say(5.4, "hello")
    [start] = find_starts(journal.log_records(journal.short()).records)
    began, last = start.records[0], start.records[-1]
    line_times = LineTimes(start, (began.seq + behind_begin,))
    assert last.seq == began.seq + 2
    assert (line_times.latest(last) is not None) is known
    assert line_times.latest(began) is not None
    assert line_times.earliest(last) is not None
    twice = LineTimes(start, (last.seq, began.seq + 1))  # from the first of several on
    assert twice.latest(start.records[1]) is None and twice.latest(began) is not None


# --- the bounds themselves ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lag", "fine"), [(0.62, True), (0.620001, False)])
def test_a_line_of_a_second_is_fine_until_twenty_milliseconds_after_that_second(lag: float, fine: bool) -> None:
    line_times, line = placed(Journal().begin().say(5.4, "hello", lag=lag), "hello")
    assert line_times.fine(line) is fine


@pytest.mark.parametrize(("lag", "fine"), [(0.020001, True), (0.020002, False)])
def test_a_klog_line_is_fine_until_twenty_milliseconds_after_its_microsecond(lag: float, fine: bool) -> None:
    line_times, line = placed(Journal().begin().kube(5.4, "hello", lag=lag), "hello")
    assert line_times.fine(line) is fine


@pytest.mark.parametrize(("lag", "prompt"), [(0.1, True), (0.100001, False)])
def test_a_klog_line_is_prompt_until_the_limit(lag: float, prompt: bool) -> None:
    line_times, line = placed(Journal().begin().kube(5.4, "hello", lag=lag), "hello")
    assert line_times.prompt(line, 0.1) is prompt


@pytest.mark.parametrize(("lag", "prompt"), [(0.2, True), (0.200001, False)])
def test_a_line_of_a_second_is_prompt_until_the_limit_after_that_second(lag: float, prompt: bool) -> None:
    line_times, line = placed(Journal().begin().say(5.9, "hello", lag=lag), "hello")
    assert line_times.prompt(line, 0.1) is prompt


@pytest.mark.parametrize(("at", "near"), [(3.4, True), (3.399999, False), (7.4, True), (7.400001, False)])
def test_klog_lines_within_two_seconds_tell_of_the_journal(at: float, near: bool) -> None:
    """Of when the journal took them down: 0.3 s late, which is more than prompt."""
    line_times, line = placed(Journal().begin().say(5.4, "hello").kube(at - 0.3, "x", lag=0.3), "hello")
    assert line_times.prompt(line, 0.1) is not near
    assert line_times.lag_s(5.4) == (pytest.approx(0.3, abs=US) if near else 0.0)
    assert line_times.earliest(line) == pytest.approx(5.4 - 0.32 if near else 5.0, abs=US)


def test_a_line_before_the_begin_is_shown_at_it_only_where_the_begin_is_in_the_text() -> None:
    """A coarser stamp than the begin's may lie before it; what a fragment began with is older."""
    journal = Journal().kube(5.4, "first").kube(6.0, "hello")
    [start] = journal.starts()
    line_times = LineTimes(start)
    first = line_times.start.records[0]
    assert line_times.point(first) == 0.0

    def shown(us: int, precision_us: int, begin_seen: bool) -> float | None:
        at = Stamp(ZERO_US + 5_400_000 + us, precision_us)
        seen = LineTimes(replace(start, begin_seen=begin_seen))
        return seen.point(replace(first, at=at, inner_at=None))

    assert shown(-400_000, 400_000, False) == 0.0
    assert shown(-400_000, 399_999, False) == pytest.approx(-0.4, abs=US)
    assert shown(-400_000, 1, True) == 0.0
    assert shown(300_000, 1_000_000, False) == pytest.approx(0.3, abs=US)


def test_the_finer_of_two_stamps_is_shown() -> None:
    line_times, line = placed(Journal().begin().say(5.4, "hello"), "hello")
    assert line_times.point(line) == pytest.approx(5.4, abs=US)
    assert line.at is not None
    coarse = replace(line, at=replace(line.at, precision_us=2_000_000))
    assert line_times.point(coarse) == pytest.approx(5.0, abs=US)
    assert line_times.point(replace(line, at=replace(line.at, precision_us=1_000_000))) == pytest.approx(5.4, abs=US)
    assert line_times.point(replace(line, at=None, inner_at=None)) is None
