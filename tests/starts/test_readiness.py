"""Which lines prove readiness: the moments and the numbers of lines that decide."""

from __future__ import annotations

import pytest

from analyzer.starts import judge
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
