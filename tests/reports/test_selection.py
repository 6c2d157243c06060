from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzer.errors import ExitCode, UsageError
from analyzer.reports.selection import judge_each, select_starts, worst
from analyzer.results import End, Goal, StartReport
from analyzer.window import Bound, Window
from tests.kit.made_reports import crash_loop, failed_start, fragment, ready_start

OK, FAIL, UNSURE = ExitCode.OK, ExitCode.GATE_FAILED, ExitCode.INCONCLUSIVE


def test_starts_are_chosen_by_index_last_all_and_slowest() -> None:
    starts = crash_loop(3).starts
    assert select_starts(starts, None) == select_starts(starts, "all") == starts
    assert select_starts(starts, "last") == starts[-1:]
    assert [s.index for s in select_starts(starts, "2")] == [2]
    assert [s.index for s in select_starts(starts, "slowest")] == [4]


def test_slowest_is_the_latest_ready_not_the_longest_run_and_falls_back_to_the_longest_wait() -> None:
    quick = ready_start(index=1, ready=Window(3.0, 3.5, Bound.GRID, Bound.OBSERVED))
    slow = ready_start(index=2)
    assert select_starts((slow, quick), "slowest") == (slow,)
    short, long = fragment(index=1, cut_at_s=2.0), fragment(index=2, cut_at_s=9.0)
    assert select_starts((short, long), "slowest") == (long,)


@pytest.mark.parametrize("choice", ["0", "5", "-1", "first", "", "²", "1.0"])
def test_a_start_that_does_not_exist_is_a_usage_error(choice: str) -> None:
    with pytest.raises(UsageError):
        select_starts(crash_loop(3).starts, choice)


@pytest.mark.parametrize(
    ("lower", "upper", "limit", "verdict"),
    [
        (12.0, 14.0, 14.0, OK),
        (12.0, 14.0, 13.99, UNSURE),
        (12.0, 14.0, 12.01, UNSURE),
        (12.0, 14.0, 12.0, FAIL),
        (12.0, None, 11.0, FAIL),
        (12.0, None, 99.0, UNSURE),
        (None, 14.0, 99.0, OK),
        (None, None, 99.0, UNSURE),
    ],
)
def test_the_limit_passes_only_what_certainly_holds(
    lower: float | None, upper: float | None, limit: float, verdict: ExitCode
) -> None:
    assert worst(judge_each([ready_start(ready=Window(lower, upper))], limit)) is verdict


def test_a_failed_start_is_over_every_limit_and_one_no_beats_a_doubt_and_any_yes() -> None:
    passes, doubt = ready_start(), fragment()
    assert worst(judge_each([failed_start()], 1e9)) is FAIL
    assert worst(judge_each([passes, doubt], 60)) is UNSURE
    assert worst(judge_each([passes, doubt, failed_start(), passes], 60)) is FAIL
    assert worst(judge_each([passes, passes], 60)) is OK
    assert worst(judge_each([], 60)) is UNSURE


def with_goals(*goals: Goal, **fields: Any) -> StartReport:
    return replace(ready_start(), goals=goals, **fields)


@pytest.mark.parametrize(
    ("goal", "limit", "verdict"),
    [
        (Goal("started", Window(200.0, 245.0), "reached"), 250.0, OK),
        (Goal("started", Window(200.0, 245.0), "reached"), 220.0, UNSURE),
        (Goal("started", Window(200.0, 245.0), "reached"), 200.0, FAIL),
        (Goal("started", Window(200.0, None), "not_reached"), 250.0, UNSURE),
        (Goal("started", Window(), "unknown"), 250.0, UNSURE),
    ],
)
def test_a_goal_that_somebody_names_is_judged_and_named(goal: Goal, limit: float, verdict: ExitCode) -> None:
    [judged] = judge_each([with_goals(goal)], limit, "started")
    assert judged.code is verdict
    assert "goal started" in judged.sentence


def test_a_goal_not_reached_fails_only_where_the_process_ended_by_itself() -> None:
    never = Goal("started", Window(), "not_reached")
    codes = [
        judge_each([with_goals(never, end=End(kind))], 60, "started")[0].code
        for kind in ("failed", "stopped", "running")
    ]
    assert codes == [FAIL, UNSURE, UNSURE]


def test_a_goal_that_the_role_does_not_have_is_undecided_and_ready_is_another_name_of_api() -> None:
    [judged] = judge_each([ready_start()], 60, "server")
    assert judged.code is UNSURE and "a server has no goal server" in judged.sentence
    [judged] = judge_each([replace(ready_start(), role="agent")], 60, "api")
    assert judged.code is UNSURE and "an agent has no goal api" in judged.sentence
    assert (
        judge_each([ready_start()], 60, "ready")
        == judge_each([ready_start()], 60, "api")
        == judge_each([ready_start()], 60)
    )
