"""Which lines prove readiness: the moments and the numbers of lines that decide."""

from __future__ import annotations

import pytest

from analyzer.starts import find_starts, judge
from tests.kit.handmade import Journal

STARTED = "Started k3s.service - Lightweight Kubernetes."


def outcome(journal: Journal) -> str:
    """Of the only start."""
    [start] = journal.starts()
    return judge(start).outcome


@pytest.mark.parametrize(("at", "told"), [(1.9, "incomplete"), (2.1, "ready")])
def test_a_unit_that_counts_as_up_within_two_seconds_did_not_say_so_itself(at: float, told: str) -> None:
    assert outcome(Journal().begin().systemd(at, STARTED).ticking(2.5, 4.0)) == told


@pytest.mark.parametrize("end", ["k3s.service: Main process exited, code=exited, status=1/FAILURE"])
@pytest.mark.parametrize(("after", "told"), [(0.5, "incomplete"), (0.95, "incomplete"), (1.1, "ready")])
def test_a_process_of_an_old_release_that_is_gone_within_a_second_may_have_been_stopped(
    after: float, told: str, end: str
) -> None:
    journal = Journal("v1.30.4+k3s1").begin().ticking(1.0, 6.0).serving(3.0).running(7.0)
    assert outcome(journal.systemd(7.0 + after, end)) == told


@pytest.mark.parametrize(("after", "told"), [(0.8, "incomplete"), (1.1, "ready")])
def test_no_server_is_ready_within_a_second_of_serving(after: float, told: str) -> None:
    journal = Journal("v1.30.4+k3s1").begin().ticking(1.0, 2.9).serving(3.0)
    assert outcome(journal.running(3.0 + after).ticking(5.0, 6.0)) == told


@pytest.mark.parametrize(("lines", "told"), [(11, "ready"), (12, "incomplete")])
def test_a_server_that_never_launched_an_api_server_is_up_for_another(lines: int, told: str) -> None:
    """A dozen lines of k3s itself: the one on its API server would be among them."""
    journal = Journal().begin()  # the banner and the last line count, too
    words = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet")
    for number, word in enumerate(words[: lines - 2]):
        journal.say(1.0 + number * 0.5, word)
    assert outcome(journal.say(9.0, "k3s is up and running")) == told


def old_server() -> Journal:
    """Of a release whose gate a stop opens as well, and that says nothing of a stop."""
    return Journal("v1.30.4+k3s1").begin().ticking(1.0, 2.9).serving(3.0)


UP = "Kube API server is now running"


@pytest.mark.parametrize(("lines", "told"), [(7, "incomplete"), (8, "ready")])
@pytest.mark.parametrize(
    "echo", ["the watch ended: context canceled", "Waiting up to 5s for graceful shutdown of Kine GRPC server"]
)
def test_an_echo_of_a_stop_counts_among_the_eight_lines_behind(lines: int, told: str, echo: str) -> None:
    journal = old_server().say(7.0, UP)
    for number in range(lines):
        journal.kube(7.1 + number * 0.01, f"line {number}")
    assert outcome(journal.kube(7.9, echo)) == told


@pytest.mark.parametrize(("lines", "told"), [(2, "incomplete"), (3, "ready")])
def test_a_line_of_closing_counts_among_the_three_in_front(lines: int, told: str) -> None:
    journal = old_server().kube(6.8, "Closing database connections")
    for number in range(lines):
        journal.kube(6.9 + number * 0.01, f"line {number}")
    assert outcome(journal.say(7.0, UP).kube(7.1, "line")) == told


@pytest.mark.parametrize(("klog", "told"), [(11, "ready"), (12, "incomplete")])
def test_of_twelve_lines_of_klog_one_would_say_that_it_serves(klog: int, told: str) -> None:
    journal = Journal("v1.30.4+k3s1").begin()
    for number in range(klog):
        journal.kube(2.0 + number * 0.1, f"line {number}")
    assert outcome(journal.say(7.0, UP)) == told


@pytest.mark.parametrize(("rest", "told"), [(60, "incomplete"), (61, "ready")])
def test_behind_sixty_lines_nothing_is_closing(rest: int, told: str) -> None:
    journal = Journal("v1.30.4+k3s1").begin().say(7.0, UP)
    for number in range(rest):
        journal.kube(7.1 + number * 0.1, f"line {number}")
    assert outcome(journal) == told


@pytest.mark.parametrize(("later", "told"), [(30.0, "incomplete"), (30.1, "ready")])
def test_who_writes_thirty_seconds_later_was_not_stopped(later: float, told: str) -> None:
    journal = old_server().say(7.0, UP).kube(7.1, "the watch ended: context canceled")
    assert outcome(journal.kube(7.0 + later, "line")) == told


def coarse(journal: Journal) -> str:
    """Of the only start, where the carrier's stamps are of whole seconds."""
    [start] = find_starts(journal.log_records(journal.short()).records)
    return judge(start).outcome


@pytest.mark.parametrize(("at", "told"), [(8.0, "incomplete"), (9.0, "ready")])
def test_stamps_of_whole_seconds_may_lie_two_apart_for_a_process_that_is_gone_at_once(at: float, told: str) -> None:
    journal = Journal("v1.30.4+k3s1").begin().ticking(1.0, 6.0).serving(3.0).say(7.0, UP)
    assert coarse(journal.systemd(at, "k3s.service: Main process exited, code=exited, status=1/FAILURE")) == told


@pytest.mark.parametrize(("at", "told"), [(2.95, "incomplete"), (3.1, "incomplete"), (4.1, "ready")])
def test_a_unit_that_counts_as_up_in_the_next_second_did_not_say_so_itself(at: float, told: str) -> None:
    """With --log it counts as up when it is launched, and the border of a second may lie between."""
    journal = Journal().systemd(2.9, "Starting k3s.service - Lightweight Kubernetes...")
    assert coarse(journal.systemd(at, STARTED)) == told


@pytest.mark.parametrize(("after", "told"), [(0.999999, "incomplete"), (1.0, "ready")])
def test_a_second_after_it_served_a_server_may_be_ready(after: float, told: str) -> None:
    assert outcome(old_server().say(3.0 + after, UP).ticking(5.0, 6.0)) == told
