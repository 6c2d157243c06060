"""Limits held against starts: nothing passes or fails that a position inside the windows would refute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.collection.model import Collection, InputRow
from analyzer.comparison.observed import statistic_of
from analyzer.errors import UsageError
from analyzer.gate.held import held
from analyzer.gate.judge import Judging, judge, worst
from analyzer.gate.limits import limits_of, parsed
from analyzer.gate.model import LimitResult
from tests.kit.made_sides import One, failed, ready, side

INF = math.inf
RBAC = "check:poststarthook/rbac/bootstrap-roles"


def one(collection: Collection, text: str, **how: object) -> LimitResult:
    return judge([parsed(text)], collection, how=Judging(**how)).limits[0]  # type: ignore[arg-type]


def result(collection: Collection, text: str, **how: object) -> str:
    return one(collection, text, **how).result


def with_inputs(collection: Collection, *rows: InputRow) -> Collection:
    return replace(collection, inputs=(*collection.inputs, *rows))


def incomplete(**row: object) -> One:
    return One({"ready": (12.0, INF)}, {"outcome": "incomplete", "line": None, **row})


def fragment(**row: object) -> One:
    """Ready, and nobody knows how long before the log it began."""
    return One({"ready": (3.0, INF)}, {"begin_seen": False, **row})


def agent(seconds: float = 5.0, **row: object) -> One:
    return One({"node": (seconds, seconds + 1), "restarts": (0, 0)}, {"role": "agent", **row})


def test_a_start_whose_log_does_not_show_what_where_asks_for_may_be_meant() -> None:
    known = [ready(10.0), ready(11.0)]
    nameless = side([*known, fragment(version=None, kubernetes=None, role="unknown")])
    for condition in ("version=v1.33.1+k3s1", "role=server", "kubernetes=1.33"):
        found = one(nameless, "ready<=60s", where=(condition,))
        assert (found.result, found.most, found.input) == ("undecided", 11.0, None)
        assert "1 more start may be as where says" in found.why
        assert result(nameless, "ready<=5s", where=(condition,)) == "fail"
        assert (
            result(side([*known, ready(12.0, version=None, role="unknown")]), "ready<=60s", where=(condition,))
            == "pass"
        )
    assert result(side([*known, agent(version=None)]), "ready<=60s", where=("version=v1.33.1+k3s1",)) == "pass"
    assert result(nameless, "ready<=60s", where=("version!=v1.33.1+k3s1",)) == "undecided"
    growth = judge([parsed("failed<=+5%")], side(known * 99), nameless, Judging(where=("host=node-1",))).limits[0]
    assert "may be as where says" not in growth.why


# --- one window


@pytest.mark.parametrize(
    ("least", "most", "value", "found"),
    [
        (12.0, 14.0, 14.0, "pass"), (12.0, 14.0, 13.99, "undecided"), (12.0, 14.0, 12.01, "undecided"),
        (12.0, 14.0, 12.0, "fail"), (12.0, 14.0, 11.0, "fail"), (12.0, INF, 99.0, "undecided"),
        (12.0, INF, 11.0, "fail"),
        (-INF, 14.0, 0.0, "undecided"), (-INF, INF, 0.0, "undecided"), (INF, INF, 1e9, "fail"), (5.0, 5.0, 5.0, "pass"),
    ],
)  # fmt: skip
def test_a_window_and_a_limit(least: float, most: float, value: float, found: str) -> None:
    assert held(least, most, value) == found


def test_what_may_be_the_limit_itself_is_not_over_it_and_what_never_came_is_over_any() -> None:
    assert held(12.0, 14.0, 12.0, closed=True) == "undecided"
    assert held(0.0, 1.0, 1e9, failed=True) == "fail"


WINDOWS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 20), st.booleans()).map(lambda w: (w[0] / 4, (w[0] + w[1]) / 4, w[2])),
    min_size=1,
    max_size=12,
)
STATS = ["max", "min", "median", "p90", "p99", "mean"]


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(WINDOWS, st.sampled_from(STATS), st.integers(0, 70), st.randoms(use_true_random=False))
def test_no_position_inside_the_windows_refutes_a_pass_or_a_failure(
    windows: Sequence[tuple[float, float, bool]], stat: str, limit: int, chance: object
) -> None:
    """Windows of width zero are lengths that are known; an open one ends anywhere."""
    value = limit / 4
    made = [One({"ready": (low, INF if open_ and high > low else high)}) for low, high, open_ in windows]
    found = one(side(made), f"ready:{stat}<={value}")

    def truth(place: float) -> float:
        ends = [
            low if high == low else low + place * ((100.0 if open_ else high) - low) for low, high, open_ in windows
        ]
        return statistic_of(np.array(ends), stat)  # type: ignore[arg-type]

    lowest, highest = truth(1e-9), truth(1.0)
    if found.result == "pass":
        assert highest <= value + 1e-9
    elif found.result == "fail":
        assert lowest > value - 1e-9
    else:
        assert lowest <= value + 1e-6 and highest > value - 1e-9
    assert found.least is not None and found.most is not None and found.least <= lowest and found.most >= highest - 1e-9


# --- which start decides


def test_the_slowest_start_decides_and_is_named_with_its_line() -> None:
    logs = side([ready(5), ready(61, 0.2, index=3, line=77), ready(7)])
    found = one(logs, "ready<=60s")
    assert (found.result, found.input, found.start, found.line) == ("fail", "logs/1.log", 3, 77)
    assert found.why == "1 of 3 starts took longer"
    assert (found.least, found.most) == pytest.approx((60.9, 61.1))
    assert one(logs, "ready<=62s").input == "logs/1.log"
    within = one(logs, "ready<=61s")
    assert (within.result, within.input) == ("undecided", "logs/1.log")
    assert within.why == "2 of 3 starts are within it, 1 may be: the limit lies inside the window"


def test_starts_that_may_have_taken_longer_are_counted_as_well() -> None:
    logs = side([ready(5), ready(90), ready(60, 1.0), ready(60, 1.0), failed()])
    assert one(logs, "ready:max<=60s").why == "2 of 5 starts took longer (1 of them failed), 2 more may have"


def test_quantiles_are_those_of_the_fleet() -> None:
    logs = side([ready(n) for n in range(1, 21)])
    assert [one(logs, f"ready:{stat}<=0").most for stat in ("min", "median", "p90", "p99", "max", "mean")] == [
        1.0, 10.5, 18.0, 20.0, 20.0, 10.5,
    ]  # fmt: skip


def test_failed_starts_are_later_than_all_others() -> None:
    nine = side([ready(5) for _ in range(9)] + [failed()])
    assert result(nine, "ready<=60s") == "fail"
    assert one(nine, "ready<=60s").why == "1 of 10 starts took longer, 1 of them failed"
    assert result(nine, "ready:p90<=60s") == "pass"  # one of ten
    assert result(side([ready(5)] * 8 + [failed()] * 2), "ready:p90<=60s") == "fail"
    assert result(nine, "ready:median<=60s") == "pass" and result(nine, "ready:min<=60s") == "pass"
    assert one(nine, "ready:mean<=60s").why == "a start that failed makes the mean infinite"
    assert (one(nine, "ready<=60s").least, one(nine, "ready<=60s").most) == (INF, INF)
    # Also where its window ends, as no report says, and where nothing is known of its beginning.
    assert result(side([One({"ready": (1.0, 2.0)}, {"outcome": "failed"})]), "ready<=60s") == "fail"
    assert result(side([failed(begin_seen=False)]), "ready<=60s") == "fail"


def test_another_goal_of_a_failed_start_may_have_come() -> None:
    images = One({"ready": (5, INF), "images": (3, INF), "started": (5, INF)}, {"outcome": "failed"})
    assert result(side([images]), "images<=60s") == "undecided"
    assert result(side([images]), "started<=60s") == "fail"
    assert result(side([agent(outcome="failed")]), "node<=60s") == "fail"
    of_its_server = One({"node": (5, INF), "detected": (3, INF)}, {"role": "agent", "outcome": "failed"})
    assert result(side([of_its_server]), "detected<=60s") == "undecided"
    assert (
        result(side([One({"ready": (5, INF), "detected": (3, INF)}, {"outcome": "failed"})]), "detected<=1h") == "fail"
    )


# --- fragments never pass


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (incomplete(), "its log ends after 12.0 s without it"),
        (fragment(), "its beginning is not in the log, so it took longer by an unknown time"),
        (One({"ready": (12.0, INF)}, {"outcome": "stopped"}), "it was stopped on request before"),
        (One({"ready": (0.0, INF)}, {"outcome": "unheard of"}), "its log ends without it"),
        (One({"ready": (3.0, INF)}), "its log does not show when"),
        (One({}), "its log does not show it"),
    ],
)
def test_a_start_of_which_a_part_is_missing_leaves_the_limit_undecided_or_fails_it(start: One, why: str) -> None:
    logs = side([ready(5), start])
    found = one(logs, "ready<=60s")
    assert (found.result, found.input) == ("undecided", "logs/1.log")
    assert found.why.endswith(why)
    assert result(side([ready(99), start]), "ready<=60s") == "fail"
    assert result(side([start]), "ready<=60s") == "undecided"
    assert result(side([ready(5)] * 19 + [start]), "ready:p90<=60s") == "pass"  # whatever it is


def test_a_log_that_ends_early_may_have_failed() -> None:
    assert result(side([ready(5), incomplete()]), "failed<=0") == "undecided"
    found = one(side([ready(5), incomplete(), failed()]), "failed<=50%")
    assert (found.result, found.least, found.most) == ("undecided", pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.why == "1 of 3 starts failed, 1 may have: its log ends before that shows"
    assert result(side([ready(5), incomplete(), failed()]), "failed<=70%") == "pass"
    assert result(side([ready(5), failed()]), "failed<=49%") == "fail"
    stopped = One({"ready": (1.0, INF)}, {"outcome": "stopped"})
    assert result(side([ready(5), stopped, fragment()]), "failed<=0") == "pass"


BAD = (("unsafe_config", "critical"),)


@pytest.mark.parametrize(
    "start",
    [
        fragment(), incomplete(), ready(5, findings=(("lines_lost", "warning"),)),
        ready(5, findings=(("cut_lines", "warning"),)), ready(5, findings=(("grepped", "info"),)),
        ready(5, findings=(("component_log", "info"),)),
    ],
)  # fmt: skip
def test_findings_of_a_part_of_a_log_are_a_part_of_the_findings(start: One) -> None:
    assert result(side([ready(5), start]), "findings:critical<=0") == "undecided"
    assert result(side([ready(5), start]), "findings:critical<=1") == "pass"
    assert result(side([ready(5, findings=BAD), start]), "findings:critical<=0") == "fail"


def test_findings_count_starts_by_severity_and_by_id() -> None:
    logs = side([ready(5, findings=(*BAD, ("slow_datastore", "warning"))), ready(5, findings=BAD), ready(5)])
    assert one(logs, "findings:critical<=1").why == "2 of 3 starts have it"
    assert [one(logs, f"findings:{name}<=0").most for name in ("critical", "warning", "info", "slow_datastore")] == [
        2.0, 1.0, 0.0, 1.0,
    ]  # fmt: skip
    assert one(logs, "findings:unsafe_config<=9").result == "pass"  # of a user's own rules, since a start has it
    assert one(logs, "findings:warning<=0").input == "logs/0.log"


# --- starts that lack a metric


def test_agents_have_no_ready_and_are_counted() -> None:
    found = one(side([ready(5), agent(), agent()]), "ready<=60s")
    assert found.result == "pass"
    assert found.why == "the start is within it (judged on 1 of 3 starts: 2 agents have no such metric)"
    only = one(side([agent(), agent()]), "ready<=60s")
    assert (only.result, only.least, only.most) == ("undecided", None, None)
    assert only.why == "no start can have it: 2 agents have no such metric"
    for text in (f"{RBAC}<=60s", "hooks<=60s", "datastore<=1h", "polling_tax<=1h"):
        assert result(side([agent()]), text) == "undecided"
    assert result(side([agent(), agent(7)]), "node<=60s") == "pass"
    assert one(side([ready(5)]), "server<=60s").why == "no start can have it: 1 server has no such metric"


def test_a_check_that_a_log_never_shows_is_not_passed() -> None:
    shows, silent = ready(5), ready(5)
    shows = One({**shows.metrics, RBAC: (1, 2), "hooks": (1, 2)}, shows.row)
    silent = One({**silent.metrics, "hooks": (1, 2)}, silent.row)
    found = one(side([shows, silent]), f"{RBAC}:max<=20s")
    assert (found.result, found.input) == ("undecided", "logs/1.log")
    assert found.why == "1 of 2 starts is within it, 1 may be: its log does not show it"
    assert result(side([shows] * 9 + [silent]), f"{RBAC}:p90<=20s") == "pass"
    assert one(side([silent, silent]), f"{RBAC}:max<=20s").why == "no log shows it"
    assert result(side([silent]), f"{RBAC}:max<=20s") == "undecided"


def test_a_release_without_a_check_lacks_it_for_good() -> None:
    has = One({"ready": (4, 5), "check:poststarthook/start-system-namespaces-controller": (1, 2)})
    older = ready(5, version="v1.26.4+k3s1", kubernetes="1.26")
    found = one(side([has, older]), "check:poststarthook/start-system-namespaces-controller<=20s")
    assert found.result == "pass" and "1 start is of a release without it" in found.why
    # Nobody has read a release to come, and a name that depends on options says nothing.
    gone = One({"ready": (4, 5), "check:poststarthook/start-kube-apiserver-admission-initializer": (1, 2)})
    name = "check:poststarthook/start-kube-apiserver-admission-initializer<=20s"
    for version, verdict in (("v1.33.1+k3s1", "pass"), ("v1.99.0+k3s1", "undecided"), (None, "undecided")):
        assert result(side([gone, ready(5, version=version)]), name) == verdict, version


def test_a_start_that_failed_before_a_phase_or_a_check_has_none_of_it() -> None:
    went = One({"ready": (4, 5), "hooks": (1, 2), RBAC: (1, 2)})
    before = One({"ready": (2, INF), "datastore": (2, INF)}, {"outcome": "failed"})
    for text in ("hooks<=20s", f"{RBAC}<=20s"):
        found = one(side([went, before]), text)
        assert found.result == "pass" and "(judged on 1 of 2 starts: 1 start failed before it)" in found.why
        # Its hooks were at work, or perhaps were before its log begins: it may have had it.
        assert result(side([went, replace(before, metrics={"hooks": (9, INF)})]), text) == "undecided"
        assert (
            result(side([went, replace(before, row={"outcome": "failed", "begin_seen": False})]), text) == "undecided"
        )
    assert result(side([went, replace(before, metrics={"hooks": (21, INF)})]), "hooks<=20s") == "fail"
    # Without any phase nobody knows how far it came.
    assert result(side([went, failed()]), "hooks<=20s") == "undecided"


def test_time_that_no_line_divides_may_be_all_of_a_phase() -> None:
    apart = One({"ready": (4, 5), "hooks": (1, 2)})
    mixed = One({"ready": (4, 5), "apiserver_boot+hooks": (7, 9)})
    both = One({"ready": (4, 5), "hooks": (1, 2), "apiserver_boot+hooks": (7, 9)})
    assert result(side([apart, mixed]), "hooks<=8s") == "undecided"
    assert (one(side([mixed]), "hooks<=9s").least, one(side([mixed]), "hooks<=9s").most) == (0.0, 9.0)
    assert result(side([apart, mixed]), "hooks<=9s") == "pass" and result(side([both]), "hooks<=9s") == "undecided"
    assert result(side([both]), "hooks<=11s") == "pass"
    assert result(side([both]), "hooks<=1s") == "undecided"  # a length between two timestamps may be its least
    # A goal of the same name is no phase.
    goal = One({"ready": (4, 5), "images": (6, 7), "images+datastore": (50, 60)})
    assert result(side([goal]), "images<=8s") == "pass"


def test_restarts_of_what_never_became_ready_are_counted() -> None:
    def of(*outcomes: str, **row: object) -> Collection:
        made = []
        for index, outcome in enumerate(outcomes, 1):
            tries = {"restarts": (float(index - 1),) * 2} if outcome == "ready" else {}
            made.append(One({"ready": (1, 2 if outcome == "ready" else INF), **tries},
                            {"outcome": outcome, "input": "a.log", "index": index, **row}))  # fmt: skip
        return replace(side(made), inputs=(InputRow("a.log", 1000, 1, len(made)),))

    assert result(of("ready"), "restarts<=0") == "pass"
    assert one(of("failed", "failed", "ready"), "restarts<=1").why == "the start had more tries"
    assert result(of("failed", "failed", "ready"), "restarts<=2") == "pass"
    gave_up = one(of("failed", "failed"), "restarts<=1")
    assert (gave_up.result, gave_up.least, gave_up.most) == ("fail", 2.0, INF)
    assert result(of("failed", "failed"), "restarts<=2") == "undecided"
    assert result(of("failed", "incomplete"), "restarts<=0") == "fail"
    assert result(of("incomplete"), "restarts<=0") == "undecided"
    assert result(of("ready", begin_seen=False), "restarts<=0") == "undecided"
    assert result(of("ready", findings=(("restarted", "info"),)), "restarts<=0") == "undecided"
    assert result(of("failed", "ready"), "restarts<=0", where=("outcome=ready",)) == "fail"
    assert result(of("failed", "stopped"), "restarts<=0") == "undecided"
    # Whether a ready start follows is seen in the whole, not in the chosen starts.
    assert result(of("failed", "failed", "ready"), "restarts<=0", where=("outcome!=ready",)) == "undecided"


# --- what there is to judge


def test_nothing_to_judge_is_undecided() -> None:
    nothing = side([])
    for text in ("ready<=60s", "failed<=0", "findings:critical<=0", "restarts<=0"):
        found = one(nothing, text)
        assert (found.result, found.least, found.most, found.why) == ("undecided", None, None, "there is no start")
    nobody = one(side([ready(5)]), "failed<=0", where=("host=nobody",))
    assert (nobody.result, nobody.why) == ("undecided", "no start meets the conditions")
    [limit] = limits_of(["ready<=60s"], [])
    report = judge([replace(limit, where=("role=agent",))], side([ready(5)]))
    assert (report.result, report.limits[0].why) == ("undecided", "no start meets the conditions")
    assert judge([], side([ready(5)])).result == "undecided"


def test_where_chooses_the_starts_of_a_limit() -> None:
    logs = side([ready(5), ready(70, version="v1.34.0+k3s1", labels=(("site", "a"),))])
    [limit] = limits_of(["ready<=60s"], [])
    for where, found in (
        (("version=v1.33.1+k3s1",), "pass"),
        (("version!=v1.33.1+k3s1",), "fail"),
        (("site=a",), "fail"),
    ):
        assert judge([replace(limit, where=where)], logs).result == found
    with pytest.raises(UsageError, match="no label 'ring'"):
        judge([replace(limit, where=("ring=a",))], logs)
    assert judge([replace(limit, where=("ring=a",))], logs, how=Judging(labels=("ring",))).result == "undecided"


@pytest.mark.parametrize("kind", ["unreadable", "too_long", "killed", "memory", "new kind", ""])
def test_an_input_that_could_not_be_read_lets_nothing_pass(kind: str) -> None:
    logs = with_inputs(side([ready(5), ready(6)]), InputRow("logs/bad.gz", 5, 1, 0, "damaged", kind))
    for text in ("ready<=60s", "failed<=0", "findings:critical<=0", "ready:p90<=60s", "ready:min<=60s"):
        found = one(logs, text)
        assert (found.result, found.input, found.start) == ("undecided", "logs/bad.gz", None)
        assert found.why.startswith("1 of 3 inputs could not be read; of the rest ")
    assert result(logs, "ready<=5s") == "fail"
    assert judge([parsed("ready<=60s")], logs, how=Judging(where=("host=node-1",))).result == "undecided"


def test_one_without_k3s_was_read_and_one_read_in_part_was_not() -> None:
    plain = with_inputs(side([ready(5)]), InputRow("logs/notes.txt", 5, 1, 0, "no line of k3s", "no_data"))
    assert result(plain, "ready<=60s") == "pass"
    part = replace(side([ready(5)]), inputs=(InputRow("logs/0.log", 5, 1, 1, "cut short", "unreadable"),))
    assert one(part, "ready<=60s").why == "the input could not be read to the end; of the rest the start is within it"


def test_starts_that_a_very_long_log_left_out_let_nothing_pass() -> None:
    logs = side([ready(5, index=1), ready(6, index=9, input="logs/0.log")])
    logs = replace(logs, inputs=(InputRow("logs/0.log", 5, 1, 2),))
    found = one(logs, "ready<=60s")
    assert found.result == "undecided" and "starts in the middle of 1 very long log were left out" in found.why
    assert result(logs, "ready<=60s", where=("outcome=ready",)) == "undecided"
    other = replace(logs, starts=(logs.starts[0], replace(logs.starts[1], host="node-2")))
    assert result(other, "ready<=60s", where=("host=node-1",)) == "undecided"


# --- names


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("check:rbac/bootstrap-role<=1s", "check:poststarthook/rbac/bootstrap-roles"),
        ("check:poststarthook/rbac/bootstrap-rolls<=1s", "check:poststarthook/rbac/bootstrap-roles"),
        ("check:ectd<=1s", "check:etcd"),
        ("findings:critcal<=0", "findings:critical"),
        ("findings:slow_datstore<=0", "findings:slow_datastore"),
    ],
)
def test_a_name_that_no_start_can_have_is_refused_with_those_like_it(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        one(side([ready(5)]), text)
    assert f"Did you mean {hint}" in error.value.one_line() or f", {hint}" in error.value.one_line()


def test_a_check_that_only_a_log_knows_is_one() -> None:
    own = One({"ready": (4, 5), "check:poststarthook/my-own": (1, 2)})
    assert result(side([own]), "check:poststarthook/my-own<=3s") == "pass"
    with pytest.raises(UsageError, match="there is no check"):
        one(side([ready(5)]), "check:my-own-check<=3s")


def test_without_a_start_no_name_is_refused() -> None:
    assert result(side([]), "check:my-own-check<=3s") == result(side([]), "findings:mine<=0") == "undecided"


def test_one_failure_outweighs_any_doubt_and_one_doubt_any_number_of_passes() -> None:
    assert worst(["pass", "undecided", "fail", "pass"]) == "fail"
    assert worst(["pass", "undecided"]) == "undecided" and worst(["pass"]) == "pass" and worst([]) == "undecided"
    limits = limits_of(["ready<=60s", "ready:min<=1s", "images<=1s"], [])
    report = judge(limits, side([ready(5)]))
    assert [one.result for one in report.limits] == ["pass", "fail", "undecided"] and report.result == "fail"
    assert [one.limit for one in report.limits] == list(limits)
