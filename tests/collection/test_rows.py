from __future__ import annotations

import io
import math
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

import analyzer
from analyzer.collection.model import GOAL_METRICS, Bounds, InputSpec
from analyzer.collection.rows import reduced
from analyzer.results import Goal, Milestone, StartReport
from analyzer.testing import NAMED, generate, random_scenario
from analyzer.testing.truth import SECOND, StartTruth
from analyzer.window import OPEN, Span, Window
from tests.kit.judge_generated import SLACK_S
from tests.kit.made_reports import (
    CRD,
    PRIORITY,
    RBAC,
    crash_loop,
    failed_start,
    fragment,
    ready_start,
    report_of,
)  # fmt: skip

SAMPLES = Path(__file__).parents[2] / "sample_logs"
SPEC = InputSpec("node-a/journal.txt", ("node-a/journal.txt",), 5120, 7, (("site", "north"),))


def metrics(start: StartReport) -> dict[str, Bounds]:
    return reduced(report_of(start), SPEC)[1][0]


# --- rows


def test_a_start_is_told_with_where_it_came_from_and_what_leads() -> None:
    (row,), _ = reduced(report_of(ready_start()), SPEC)
    assert (row.input, row.index, row.labels) == (SPEC.name, 1, SPEC.labels)
    assert row.key == "node-a/2025-03-01T06:03:22Z/1193"
    assert (row.host, row.version, row.kubernetes) == ("node-a", "v1.33.4+k3s1", "1.33")
    assert (row.outcome, row.end, row.line) == ("ready", "running", 61)
    assert (row.cause, row.cause_words) == ("slow_datastore", "The datastore answers slowly")
    assert row.findings == (("slow_datastore", "warning"), ("noise_explained", "info"))
    assert row.reason == ""  # it did not fail


def test_a_failed_start_has_its_reason_and_the_line_of_its_end() -> None:
    (row,), _ = reduced(report_of(failed_start()), SPEC)
    assert row.reason == row.cause_words == "The token is not the one the datastore was encrypted with"
    assert (row.outcome, row.end, row.line) == ("failed", "failed", 90)


def test_what_the_log_does_not_tell_is_not_made_up() -> None:
    (row,), _ = reduced(report_of(fragment()), SPEC)
    assert (row.host, row.version, row.kubernetes, row.began_at, row.line) == (None,) * 5
    assert (row.cause, row.reason) == ("", "")


def test_an_agents_line_is_that_of_its_node() -> None:
    node = Goal("node", Window(20.0, 21.0, lower_line=70, upper_line=72), "reached")
    (row,), _ = reduced(report_of(ready_start(role="agent", goals=(node,))), SPEC)
    assert row.line == 72


# --- metrics


def test_goals_count_from_the_begin_and_checks_from_serving() -> None:
    found = metrics(ready_start())
    assert found["ready"] == (12.0312, 14.0518)
    assert found["detected"] == (14.05, pytest.approx(14.06))
    assert found["polling_tax"] == (0.0, 2.0288)
    assert found["hooks"] == (6.9212, 8.9518)
    # serving within (5.1, 5.11]
    assert found[f"check:{RBAC}"] == (pytest.approx(12.0312 - 5.11), pytest.approx(14.0518 - 5.1))
    assert found[f"check:{PRIORITY}"] == (pytest.approx(8.0 - 5.11), pytest.approx(9.62 - 5.1))
    assert found[f"check:{CRD}"] == (0.0, pytest.approx(8.05 - 5.1))
    assert found["restarts"] == (0.0, 0.0)


def test_a_start_that_was_never_ready_is_ready_at_some_later_time_or_never() -> None:
    found = metrics(failed_start())
    assert found["ready"] == found["detected"] == (2.03, math.inf)
    assert "polling_tax" not in found and "restarts" not in found
    assert metrics(fragment())["ready"] == (0.0, math.inf)


def test_more_may_have_passed_before_the_log_begins() -> None:
    start = ready_start(begin_seen=False, begun_before_s=None)
    found = metrics(start)
    assert found["ready"] == (12.0312, math.inf) and found["detected"][1] == math.inf
    assert found["polling_tax"] == (0.0, 2.0288) and found["hooks"] == (6.9212, 8.9518)
    assert found[f"check:{RBAC}"][1] == pytest.approx(14.0518 - 5.1)
    bounded = metrics(replace(start, begun_before_s=3.0))
    assert bounded["ready"] == (12.0312, pytest.approx(17.0518))


def test_goals_of_which_nothing_is_known_are_there_only_where_each_start_tells_them() -> None:
    unknown = tuple(Goal(name, OPEN, "unknown") for name in ("api", "started", "images", "node", "node_ready"))
    assert set(GOAL_METRICS.values()) & set(metrics(fragment(role="server", goals=unknown))) == {"ready", "started"}
    of_agent = tuple(Goal(name, OPEN, "unknown") for name in ("server", "started", "images", "node", "node_ready"))
    found = metrics(fragment(role="agent", goals=of_agent))
    assert set(GOAL_METRICS.values()) & set(found) == {"server", "node"}
    assert found["node"] == found["server"] == (0.0, math.inf)
    assert not any(name.startswith("check:") for name in found)  # they are of another host's server


def test_goals_that_did_not_come_or_are_bounded_from_below_are_open() -> None:
    goals = (
        Goal("node", OPEN, "not_reached"),
        Goal("node_ready", Window(lower=4.0), "unknown"),
        Goal("images", Window(lower=1.0, upper=None), "reached"),
        Goal("started", Window(lower=-0.5, upper=30.0), "reached"),
    )
    found = metrics(ready_start(goals=goals))
    assert found["node"] == (0.0, math.inf) and found["node_ready"] == (4.0, math.inf)
    assert found["images"] == (1.0, math.inf) and found["started"] == (0.0, 30.0)


def test_ready_without_a_time_of_it_is_open_and_counted() -> None:
    found = metrics(ready_start(ready=OPEN, detected=OPEN, polling_tax_s=None))
    assert found["ready"] == found["detected"] == found["polling_tax"] == (0.0, math.inf)


def test_phases_without_an_end_are_open_and_one_id_is_one_metric() -> None:
    first, second = ready_start().phases[:2]
    phases = (first, replace(second, id=first.id, duration_s=Span(1.0, None)))
    assert metrics(ready_start(phases=phases))[first.id] == (pytest.approx(2.39), math.inf)


def test_a_name_that_is_a_goal_and_a_phase_means_the_goal_in_every_start() -> None:
    phases = (*ready_start().phases, replace(ready_start().phases[0], id="images"))
    assert "images" not in metrics(ready_start(phases=phases))
    goal = Goal("images", Window(lower=7.0, upper=9.0), "reached")
    assert metrics(ready_start(phases=phases, goals=(goal,)))["images"] == (7.0, 9.0)


def test_serving_is_where_its_line_is_not_where_some_phase_ends() -> None:
    start = ready_start(phases=())  # no cut at that line: what its timestamp shows
    assert metrics(start)[f"check:{RBAC}"] == (pytest.approx(12.0312 - 6.1), pytest.approx(14.0518 - 4.1))
    stepped = replace(start, clock=replace(start.clock, steps=1))
    assert metrics(stepped)[f"check:{RBAC}"] == (0.0, math.inf)


def test_without_a_line_of_serving_it_was_after_the_begin() -> None:
    stones = tuple(stone for stone in ready_start().milestones if stone.id != "serving_securely")
    start = ready_start(milestones=stones)
    assert metrics(start)[f"check:{RBAC}"] == (0.0, 14.0518)
    assert metrics(replace(start, begin_seen=False))[f"check:{RBAC}"] == (0.0, math.inf)


def test_a_check_that_still_fails_is_open() -> None:
    checks = (replace(ready_start().checks[0], cleared=Window(lower=30.0), final="failing"),)
    assert metrics(ready_start(checks=checks))[f"check:{RBAC}"] == (pytest.approx(24.89), math.inf)


def test_restarts_are_the_failed_tries_of_the_same_episode() -> None:
    rows, found = reduced(crash_loop(3), SPEC)
    assert [row.outcome for row in rows] == ["failed"] * 3 + ["ready"]
    assert found[-1]["restarts"] == (3.0, 3.0) and all("restarts" not in one for one in found[:-1])


# --- laws


@pytest.mark.long
def test_every_bound_is_in_order_and_ready_is_there_for_every_server() -> None:
    paths = [p for p in chain(SAMPLES.glob("*.*"), SAMPLES.glob("recorded/*.gz")) if p.suffix not in (".md", ".tgz")]
    for path in [p for p in paths if not p.name.endswith(".truth.json")]:
        report = analyzer.analyze(path).report
        rows, found = reduced(report, InputSpec(str(path), (str(path),)))
        assert len(rows) == len(found) == len(report.starts)
        for row, of_start in zip(rows, found, strict=True):
            assert all(0.0 <= least <= most and not math.isnan(most) for least, most in of_start.values())
            assert ("node" if row.role == "agent" else "ready") in of_start
            assert bool(row.reason) == (row.outcome == "failed")


TRUE_TO = [*(NAMED[name] for name in sorted(NAMED)), *map(random_scenario, range(25))]


@pytest.mark.parametrize("form", ["short-precise", "short", "export"])
@pytest.mark.parametrize("scenario", TRUE_TO, ids=lambda scenario: str(scenario.name))
def test_the_truth_lies_within_the_bounds(scenario: object, form: str) -> None:
    made = generate(scenario, seed=3)  # type: ignore[arg-type]
    report = analyzer.analyze(analyzer.load("-", stdin=io.BytesIO(made.render(form)))).report
    truths = {(truth.host, truth.pid): truth for truth in made.truth.starts}
    judged = 0
    for start, found in zip(report.starts, reduced(report, SPEC)[1], strict=True):
        truth = truths.get((start.host or "", start.pid or 0))
        if truth is not None and start.began_at is not None:
            judged += _judge(truth, start, found)
    assert judged


def _judge(truth: StartTruth, start: StartReport, found: dict[str, Bounds]) -> int:
    """How many metrics were held against the truth, whose begin is not truncated."""
    assert start.began_at is not None
    zero = truth.began_us / SECOND
    true: dict[str, float | None] = {}
    for name, moment in truth.goals.items():
        true[GOAL_METRICS[name]] = None if moment is None else moment / SECOND - zero
    if truth.detected_us is None or start.role == "agent":
        true.pop("ready", None)
        true.pop("server", None)
    if start.product == "rke2":  # its generated agents say that they are up, and register no node
        true.pop("node", None)
    if truth.serving_us is not None and start.product == "k3s":
        for check, said in truth.checks.items():
            if said.ok_us is not None and truth.detected_us is not None:
                true[f"check:{check}"] = max(0.0, (said.ok_us - truth.serving_us) / SECOND)
    for name, length in true.items():
        least, most = found.get(name, (0.0, math.inf))
        if length is None:
            assert most == math.inf, f"{name} {least, most} never happened"
        else:
            assert least - SLACK_S <= length <= most + SLACK_S, f"{name} {least, most} misses {length}"
    return len(true.keys() & found.keys())


def test_milestones_of_a_step_are_of_no_use() -> None:
    stone = Milestone("serving_securely", None, 40, "Serving securely")
    start = ready_start(milestones=(stone,), phases=())
    assert metrics(start)[f"check:{RBAC}"] == (0.0, math.inf)
