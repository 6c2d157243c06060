from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from analyzer.analysis.episodes import episodes, goal_of, leading, lost_s, neediest
from analyzer.results import End, Goal, StartReport
from analyzer.window import Span, Window
from tests.kit.made_reports import BEGAN, failed_start, ready_start


def start(index: int, after_s: float = 0.0, *, failed_at: float | None = None, **changes: Any) -> StartReport:
    """A start that began so long after the first one; with ``failed_at`` it ended before it was ready."""
    if failed_at is None:
        made = ready_start(index=index)
    else:
        made = replace(failed_start(index=index), end=End("failed", failed_at, 9, "words"))
    return replace(made, **{"began_at": BEGAN + timedelta(seconds=after_s), **changes})


def test_tries_until_it_stays_up_are_one_episode() -> None:
    starts = [start(1, failed_at=80.0), start(2, 85.0, failed_at=80.0), start(3, 170.0)]
    (one,) = episodes(starts)
    assert (one.starts, one.tries, one.outcome) == ((1, 2, 3), 3, "ready")
    assert one.took_s is not None
    assert one.took_s.min <= 170.0 + 12.0312 <= one.took_s.max
    assert one.took_s.max - one.took_s.min < 5.0
    assert one.cause is not None and one.cause.start in (1, 2)


def test_a_goal_that_held_for_a_minute_ends_an_episode() -> None:
    held = start(1, end=End("failed", 90.0, 9, "x"))
    short = start(1, end=End("failed", 40.0, 9, "x"))
    assert [e.starts for e in episodes([held, start(2, 95.0)])] == [(1,), (2,)]
    assert [e.starts for e in episodes([short, start(2, 45.0)])] == [(1, 2)]


@pytest.mark.parametrize("first", [
    start(1, end=End("stopped", 20.0, 9, None)),
    start(1, outcome="stopped", ready=Window(3.0, None), end=End("stopped", 5.0, 9, None)),
])  # fmt: skip
def test_a_stop_on_request_ends_an_episode(first: StartReport) -> None:
    assert [e.starts for e in episodes([first, start(2, 25.0)])] == [(1,), (2,)]


def test_without_an_end_in_the_log_the_next_start_tells_how_long_it_held() -> None:
    assert [e.starts for e in episodes([start(1), start(2, 500.0)])] == [(1,), (2,)]
    assert [e.starts for e in episodes([start(1), start(2, 30.0)])] == [(1, 2)]


def test_hosts_and_units_have_episodes_of_their_own() -> None:
    starts = [start(1, failed_at=3.0), start(2, 5.0, host="b", failed_at=3.0), start(3, 9.0), start(4, 10.0, host="b")]
    assert [e.starts for e in episodes(starts)] == [(1, 3), (2, 4)]


def test_files_without_host_are_told_apart() -> None:
    starts = [start(1, host=None, source=0, failed_at=3.0), start(2, 5.0, host=None, source=1)]
    assert len(episodes(starts)) == 2


def test_unresolved_comes_before_resolved_then_the_most_time_lost() -> None:
    slow = start(1, host="slow", ready=Window(300.0, 301.0))
    quick = start(2, host="quick")
    broken = start(3, host="broken", failed_at=1.0)
    found = episodes([slow, quick])
    assert (needed := neediest(found, [slow, quick])) is not None and needed.host == "slow"
    found = episodes([slow, quick, broken])
    assert (needed := neediest(found, [slow, quick, broken])) is not None and needed.host == "broken"
    assert neediest((), ()) is None


def test_the_newest_is_not_the_neediest_by_being_new() -> None:
    starts = [start(1, failed_at=80.0), start(2, 85.0), start(3, 900.0)]
    needed = neediest(episodes(starts), starts)
    assert needed is not None and needed.starts == (1, 2)


def test_a_clock_that_was_set_or_no_date_gives_no_length() -> None:
    undated = [start(1, failed_at=3.0, began_at=None), start(2, began_at=None)]
    assert episodes(undated)[0].took_s is None
    first = start(1, failed_at=3.0)
    stepped = [replace(first, clock=replace(first.clock, steps=1)), start(2, 5.0)]
    assert episodes(stepped)[0].took_s is None


def test_a_begin_before_the_log_leaves_the_length_open() -> None:
    (one,) = episodes([start(1, begin_seen=False, begun_before_s=None)])
    assert one.took_s is not None and one.took_s.max is None and one.took_s.min == pytest.approx(12.0312)


def test_ready_and_ended_at_once_is_no_ready_episode() -> None:
    assert episodes([start(1, end=End("failed", 20.0, 9, "x"))])[0].outcome == "failed"
    assert episodes([start(1, end=End("failed", 200.0, 9, "x"))])[0].outcome == "ready"


def test_the_cause_is_what_cost_most_time() -> None:
    one, two = failed_start(index=1).findings[0], replace(failed_start(index=1).findings[0], id="other", title="Other")
    starts = [
        start(1, failed_at=2.0, findings=(one,)), start(2, 5.0, failed_at=2.0, findings=(one,)),
        start(3, 10.0, failed_at=200.0, findings=(two,)),
    ]  # fmt: skip
    cause = episodes(starts)[0].cause
    assert cause is not None and (cause.start, cause.finding, cause.sentence) == (3, "other", "Other")


def test_a_loop_is_no_cause() -> None:
    loop = replace(failed_start(index=1).findings[0], id="crash_loop")
    assert leading([loop]) is None


def test_an_agents_goal_is_its_node() -> None:
    node = Goal("node", Window(1.0, 2.0), "reached")
    assert goal_of(start(1, role="agent", goals=(node,))) == node
    assert goal_of(start(1)).id == "api"
    assert goal_of(start(1), "started").state == "unknown"


def test_lost_time_of_no_length_is_none() -> None:
    (one,) = episodes([start(1)])
    assert lost_s(replace(one, took_s=None)) == 0.0
    assert lost_s(replace(one, took_s=Span(3.0, None))) == 3.0


def test_a_clock_that_went_back_between_two_tries_gives_no_length() -> None:
    assert episodes([start(1, failed_at=3.0), start(2, -500.0)])[0].took_s is None
    unset = replace(failed_start(index=1).findings[0], id="clock_unset")
    assert episodes([start(1, failed_at=3.0, findings=(unset,)), start(2, 9e6)])[0].took_s is None
