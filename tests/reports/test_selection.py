from __future__ import annotations

import pytest

from analyzer.errors import ExitCode, UsageError
from analyzer.reports.selection import judge_each, select_starts, worst
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
