"""Limits on growth: the interval of the comparison decides, and of single starts what was seen at its worst."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from analyzer.collection.model import Collection, InputRow
from analyzer.comparison.compare import compared
from analyzer.comparison.model import Asked
from analyzer.gate.judge import Judging, judge
from analyzer.gate.limits import parsed
from analyzer.gate.model import LimitResult
from tests.kit.made_sides import One, failed, normal, ready, side

INF = math.inf
BASE = side(normal(20, 60.0, 2.0, seed=1), "base")
SLOWER = side(normal(20, 65.0, 2.0, seed=2))


def one(new: Collection, base: Collection, text: str, **how: object) -> LimitResult:
    return judge([parsed(text)], new, base, Judging(**how)).limits[0]  # type: ignore[arg-type]


def result(new: Collection, base: Collection, text: str, **how: object) -> str:
    return one(new, base, text, **how).result


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ready:median<=+2s", "fail"), ("ready:median<=+5s", "undecided"), ("ready:median<=+20s", "pass"),
        ("ready:median<=+2%", "fail"), ("ready:median<=+8%", "undecided"), ("ready:median<=+30%", "pass"),
        ("ready:mean<=+2s", "fail"), ("ready:mean<=+20s", "pass"), ("ready:p90<=+20s", "pass"),
    ],
)  # fmt: skip
def test_the_interval_of_the_comparison_decides(text: str, found: str) -> None:
    assert result(SLOWER, BASE, text) == found


def test_what_was_observed_is_that_interval() -> None:
    [metric] = compared(BASE, SLOWER, Asked(("ready",), "median", 0.9, seed=7)).comparison.metrics
    seconds = one(SLOWER, BASE, "ready:median<=+5s", confidence=0.9, seed=7)
    assert (seconds.least, seconds.most) == (metric.difference.lower, metric.difference.upper)
    share = one(SLOWER, BASE, "ready:median<=+5%", confidence=0.9, seed=7)
    assert metric.relative is not None
    assert (share.least, share.most) == (metric.relative.lower, metric.relative.upper)
    assert "with 90% confidence, from 20 starts and 20 of the baseline" in seconds.why
    assert "starts a side would decide" in seconds.why
    assert seconds.input is None and seconds.start is None


def test_few_starts_pass_nothing_by_chance() -> None:
    few, base = side([ready(60.0), ready(60.1), ready(60.2)]), side([ready(60.0), ready(60.1), ready(60.2)], "base")
    assert result(few, base, "ready:median<=+50%") == "undecided"
    assert "few starts for a mean" in one(SLOWER, BASE, "ready:mean<=+20s").why


def test_starts_that_never_were_ready_count_as_later_than_all_others() -> None:
    assert result(side([*normal(20, 60.0, 2.0, seed=2), *[failed()] * 200]), BASE, "ready:median<=+50%") == "fail"
    silent = One({}, {})
    assert result(side([*normal(10, 60.0, 2.0, seed=2), *[silent] * 30]), BASE, "ready:median<=+50%") == "undecided"
    agents = [One({"node": (1, 2)}, {"role": "agent"})] * 30
    found = one(side([*normal(20, 60.0, 2.0, seed=2), *agents]), BASE, "ready:median<=+50%")
    assert found.result == "pass" and "judged on 20 of 50 starts: 30 agents have no such metric" in found.why


def test_shares_of_failed_starts() -> None:
    good, bad = side([ready(5)] * 200, "base"), side([ready(5)] * 100 + [failed()] * 100)
    assert result(bad, good, "failed<=+5%") == "fail"
    assert result(good, bad, "failed<=+5%") == "pass"
    assert result(side([ready(5)] * 200), good, "failed<=+5%") == "pass"
    assert result(side([ready(5)] * 5), side([ready(5)] * 5, "base"), "failed<=+5%") == "undecided"
    cut = One({"ready": (1, INF)}, {"outcome": "incomplete"})
    assert result(side([ready(5)] * 160 + [cut] * 40), good, "failed<=+5%") == "undecided"


# --- what single starts make


@pytest.mark.parametrize(
    ("text", "found", "least", "most"),
    [
        ("ready:max<=+5%", "fail", 64.5 / 60.5 - 1, 65.5 / 59.5 - 1),
        ("ready:max<=+8%", "undecided", 64.5 / 60.5 - 1, 65.5 / 59.5 - 1),
        ("ready:max<=+11%", "pass", 64.5 / 60.5 - 1, 65.5 / 59.5 - 1),
        ("ready:max<=+4s", "fail", 4.0, 6.0), ("ready:max<=+6s", "pass", 4.0, 6.0),
        ("ready:min<=+6s", "pass", 4.0, 6.0), ("ready:p99<=+5s", "undecided", 4.0, 6.0),
    ],
)  # fmt: skip
def test_the_windows_are_at_their_worst_on_both_sides(text: str, found: str, least: float, most: float) -> None:
    made = one(side([ready(65, 1.0)]), side([ready(60, 1.0)], "base"), text)
    assert (made.result, made.least, made.most) == (found, pytest.approx(least), pytest.approx(most))
    assert made.why == "as seen from 1 start and 1 of the baseline (only these starts; says nothing about chance)"
    assert made.input == "logs/0.log"


def test_ends_without_end() -> None:
    never, cut, good = side([failed()]), side([One({"ready": (9, INF)}, {"outcome": "incomplete"})]), side([ready(5)])

    def ends(new: Collection, base: Collection, text: str = "ready<=+10s") -> tuple[object, ...]:
        found = one(new, base, text)
        return found.result, found.least, found.most

    assert ends(never, good) == ("fail", INF, INF)
    assert ends(never, good, "ready<=+10%") == ("fail", INF, INF)
    assert ends(good, never) == ("pass", -INF, -INF)
    assert ends(good, never, "ready<=+10%") == ("pass", -1.0, -1.0)
    assert ends(never, never) == ("undecided", -INF, INF)
    assert ends(good, cut) == ("pass", -INF, -4.0)
    assert ends(cut, good) == ("undecided", 4.0, INF)
    assert ends(cut, cut) == ("undecided", -INF, INF)


def test_counts() -> None:
    bad = {"findings": (("x", "critical"),)}
    none, one_, three = (side([ready(5, **bad)] * n + [ready(5)] * (5 - n)) for n in (0, 1, 3))
    assert result(one_, none, "findings:critical<=+0") == "fail"
    assert result(one_, none, "findings:critical<=+1") == "pass"
    assert result(one_, none, "findings:critical<=+50%") == "fail"  # from none to one
    assert result(none, none, "findings:critical<=+0%") == "pass"
    assert result(three, one_, "findings:critical<=+200%") == "pass"
    tried = side([One({"ready": (1, 2), "restarts": (2, 2)})] * 20)
    calm = side([One({"ready": (1, 2), "restarts": (0, 0)})] * 20, "base")
    assert result(tried, calm, "restarts<=+1") == "fail" and result(tried, calm, "restarts:mean<=+3") == "pass"
    assert result(tried, calm, "restarts:mean<=+10%") == "fail" and result(calm, tried, "restarts<=+0") == "pass"


# --- a side that lacks something


def test_a_side_with_nothing_to_judge_is_undecided_and_says_which() -> None:
    agents = side([One({"node": (1, 2)}, {"role": "agent"})] * 3)
    for new, base, why in (
        (SLOWER, side([]), "the baseline: there is no start"), (side([]), BASE, "there is no start"),
        (SLOWER, agents, "the baseline: no start can have it: 3 agents have no such metric"),
    ):  # fmt: skip
        for text in ("ready:median<=+50%", "ready:max<=+50%"):
            found = one(new, base, text)
            assert (found.result, found.why, found.least) == ("undecided", why, None)
    assert judge([parsed("ready<=+10%")], SLOWER).limits[0].why == "there is no baseline"


def test_conditions_hold_for_both_sides() -> None:
    [limit] = [replace(parsed("ready:median<=+50%"), where=("host=node-2",))]
    moved = side(normal(20, 60.0, 2.0, seed=1, host="node-2"))
    assert judge([limit], moved, BASE).limits[0].why == "the baseline: no start meets the conditions"
    assert judge([limit], moved, moved).result == "pass"


def test_inputs_of_either_side_that_could_not_be_read() -> None:
    bad = InputRow("bad.gz", 1, 1, 0, "damaged", "unreadable")
    base, new = (replace(one_, inputs=(*one_.inputs, bad)) for one_ in (BASE, SLOWER))
    for text in ("ready:median<=+30%", "ready:max<=+90%"):
        assert result(new, BASE, text) == "undecided"
        found = one(SLOWER, base, text)
        assert found.result == "undecided" and found.why.startswith(
            "1 of 21 baseline inputs could not be read; of the rest"
        )
    assert result(new, base, "ready:median<=+2s") == "fail"
    assert result(new, BASE, "ready:max<=+1s") == "fail"
    # The slowest start of the baseline may be the one that could not be read.
    assert result(SLOWER, base, "ready:max<=+1s") == "undecided"
