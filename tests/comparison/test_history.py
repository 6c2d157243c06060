"""One collection in groups, each beside the one before it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from analyzer.collection.collect import joined
from analyzer.collection.model import Collection
from analyzer.comparison.history import by_groups
from analyzer.comparison.model import Asked, History, Limit
from analyzer.errors import UsageError
from tests.kit.made_sides import One, failed, normal, ready, side

VERSIONS = ("v1.31.9+k3s1", "v1.31.10+k3s1", "v1.32.0-rc1+k3s1", "v1.32.0+k3s1")


def releases(means: dict[str, float], number: int = 20, seed: int = 1, **row: object) -> Collection:
    return joined(
        side(normal(number, mean, 3.0, seed + n, version=version, **row), f"logs/{version}", 100.0 * n)
        for n, (version, mean) in enumerate(means.items())
    )


def verdicts(history: History) -> list[str]:
    return [step.comparison.metrics[0].verdict for step in history.steps]


def test_consecutive_releases_in_their_order() -> None:
    shuffled = releases({VERSIONS[2]: 70.0, VERSIONS[0]: 60.0, VERSIONS[3]: 60.0, VERSIONS[1]: 60.0})
    history = by_groups(shuffled, ("version",))
    assert [point.by for point in history.points] == [(("version", version),) for version in VERSIONS]
    assert [point.side.label for point in history.points] == list(VERSIONS)
    assert [point.side.starts for point in history.points] == [20] * 4
    assert [(one.comparison.base.label, one.comparison.new.label) for one in history.steps] == [
        (VERSIONS[0], VERSIONS[1]), (VERSIONS[1], VERSIONS[2]), (VERSIONS[2], VERSIONS[3]),
    ]  # fmt: skip
    assert verdicts(history) == ["undecided", "slower", "faster"]
    assert (history.by, history.goal, history.changes, history.left_out) == (("version",), "ready", (), 0)


def test_a_step_holds_the_starts_of_both_groups() -> None:
    history = by_groups(releases(dict.fromkeys(VERSIONS[:3], 60.0), 7), ("version",))
    for step, (old, new) in zip(history.steps, ((0, 1), (1, 2)), strict=True):
        assert {start.version for start in step.base.starts} == {VERSIONS[old]}
        assert {start.version for start in step.new.starts} == {VERSIONS[new]}
        assert len(step.base.metrics["ready"].at) == len(step.new.metrics["ready"].at) == 7


def test_points_have_the_median_and_an_interval_with_the_windows() -> None:
    narrow = by_groups(releases({VERSIONS[0]: 60.0, VERSIONS[1]: 66.0}), ("version",)).points
    wide = by_groups(releases({VERSIONS[0]: 60.0, VERSIONS[1]: 66.0}, width=4.0), ("version",)).points
    for one, other, mean in zip(narrow, wide, (60.0, 66.0), strict=True):
        assert one.observed.n == 20
        assert one.interval.lower <= one.observed.min <= one.observed.max <= one.interval.upper
        assert one.interval.lower <= mean <= one.interval.upper
        assert other.interval.upper - other.interval.lower == pytest.approx(
            one.interval.upper - one.interval.lower + 3.9, abs=1e-6
        )


def test_the_confidence_is_shared_by_all_steps() -> None:
    history = by_groups(releases(dict.fromkeys(VERSIONS, 60.0)), ("version",))
    assert [step.comparison.confidence for step in history.steps] == pytest.approx([1.0 - 0.05 / 3.0] * 3)
    assert {point.confidence for point in history.points} == {0.95}  # of each by itself
    goals = [step.comparison.metrics[0].confidence for step in history.steps]
    assert goals == pytest.approx([1.0 - 0.8 * 0.05 / 3.0] * 3)


def test_unknown_values_are_no_group_and_counted() -> None:
    some = releases({VERSIONS[0]: 60.0, VERSIONS[1]: 60.0})
    nameless = side(normal(5, 60.0, version=None), "logs/none")
    history = by_groups(joined([some, nameless]), ("version",))
    assert [point.side.label for point in history.points] == list(VERSIONS[:2])
    assert history.left_out == 5


def test_several_labels() -> None:
    parts = [
        side(normal(8, 60.0, seed=n, version=version, role=role), f"logs/{version}/{role}")
        for n, (version, role) in enumerate((v, r) for v in VERSIONS[:2] for r in ("server", "agent"))
    ]
    history = by_groups(joined(parts), ("role", "version"))
    assert [point.side.label for point in history.points] == [
        f"agent, {VERSIONS[0]}", f"agent, {VERSIONS[1]}", f"server, {VERSIONS[0]}", f"server, {VERSIONS[1]}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [("2026-01-09", "2026-01-10", "2026-02-01"), ("9", "10", "100"), ("nightly-9", "nightly-10", "nightly-11")],
)
def test_dates_and_numbers_have_their_natural_order(values: tuple[str, ...]) -> None:
    parts = [side(normal(6, 60.0, seed=n, labels=(("day", day),)), f"logs/{day}") for n, day in enumerate(values)]
    history = by_groups(joined(reversed(parts)), ("day",))
    assert [point.side.label for point in history.points] == list(values)


@pytest.mark.parametrize(
    ("label", "says"), [("version", "same version, v1.31.9+k3s1"), ("ring", "no start has a ring")]
)
def test_fewer_than_two_groups_are_no_history(label: str, says: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]+$") as caught:
        by_groups(releases({VERSIONS[0]: 60.0}), (label,))
    assert says in caught.value.message and "--by" in caught.value.hint


def test_one_goal_for_all() -> None:
    """A group in which few starts have the usual goal does not change what the steps are about."""

    def start(at: float, version: str) -> One:
        return One({"ready": (at, at + 0.1), "node": (at + 5.0, at + 5.1)}, {"version": version})

    parts = [side((start(60.0 + n % 5, version) for n in range(10)), f"logs/{version}") for version in VERSIONS[:2]]
    bare = [One({"node": (65.0 + n % 5, 65.1 + n % 5)}, {"version": VERSIONS[2]}) for n in range(10)]
    history = by_groups(joined([*parts, side(bare, "logs/bare")]), ("version",))
    assert history.goal == "node"
    assert [step.comparison.goal for step in history.steps] == ["node", "node"]
    assert [step.comparison.metrics[0].id for step in history.steps] == ["node", "node"]
    asked = by_groups(joined([*parts, side(bare, "logs/bare")]), ("version",), Asked(metrics=("ready",)))
    assert asked.goal == "ready"
    assert (asked.points[2].observed.n, asked.points[2].interval.lower, asked.points[2].interval.upper) == (
        0,
        0.0,
        math.inf,
    )


def test_no_goal_in_common() -> None:
    parts = [side([One({}, {"version": version})] * 3, f"logs/{version}") for version in VERSIONS[:2]]
    history = by_groups(joined(parts), ("version",))
    assert history.goal is None and history.points[0].observed.n == 0


def test_the_share_that_failed() -> None:
    def some(version: str, lost: int) -> Collection:
        return side([*normal(40 - lost, version=version), *(failed(version=version) for _ in range(lost))], version)

    history = by_groups(joined([some(VERSIONS[0], 2), some(VERSIONS[1], 25)]), ("version",), Asked(metrics=("failed",)))
    assert verdicts(history) == ["slower"]
    first, second = history.points
    assert (first.observed.min, second.observed.min) == pytest.approx((0.05, 0.625))
    assert (
        0.0 < first.interval.lower < 0.05 < first.interval.upper < second.interval.lower < 0.625 < second.interval.upper
    )


def test_never_ready_starts_leave_the_point_open() -> None:
    lost = side([*normal(4, version=VERSIONS[1]), *(failed(version=VERSIONS[1]) for _ in range(8))], "lost")
    history = by_groups(joined([releases({VERSIONS[0]: 60.0}), lost]), ("version",))
    assert history.points[1].observed.min == history.points[1].interval.upper == math.inf
    assert verdicts(history) == ["slower"]


def test_few_starts_leave_a_point_open() -> None:
    history = by_groups(
        joined([releases({VERSIONS[0]: 60.0}), side([ready(61.0, version=VERSIONS[1])] * 3, "few")]), ("version",)
    )
    assert (history.points[1].interval.lower, history.points[1].interval.upper) == (0.0, math.inf)


def test_another_statistic_is_that_of_points_and_steps() -> None:
    history = by_groups(releases({VERSIONS[0]: 60.0, VERSIONS[1]: 60.0}, 40), ("version",), Asked(statistic="p90"))
    assert history.steps[0].comparison.statistic == "p90"
    assert history.points[0].observed.min > 62.0


def test_of_many_groups_the_goal_alone_is_compared() -> None:
    def start(n: int) -> One:
        return One({"ready": (60.0 + n, 61.0 + n), "hooks": (5.0, 6.0)}, {"host": f"node-{n % 60}"})

    history = by_groups(side(start(n) for n in range(180)), ("host",))
    assert len(history.steps) == 59
    assert {tuple(one.id for one in step.comparison.metrics) for step in history.steps} == {("ready",)}
    assert history.points[2].side.label == "node-2"


def test_a_limit_plays_no_part() -> None:
    history = by_groups(releases({VERSIONS[0]: 60.0, VERSIONS[1]: 60.0}), ("version",), Asked(limit=Limit(2.0)))
    assert history.steps[0].comparison.limit is None and history.steps[0].comparison.decision is None


def test_the_order_of_the_inputs_does_not_matter() -> None:
    parts = [
        side(normal(10, 60.0 + 5.0 * n, seed=n, version=version, host=f"node-{n % 2}"), f"logs/{version}")
        for n, version in enumerate(VERSIONS[:3])
    ]
    one, other = (by_groups(joined(some), ("version",)) for some in (parts, parts[::-1]))
    assert one.points == other.points
    assert [step.comparison for step in one.steps] == [step.comparison for step in other.steps]


def anything(seed: int, hosts: int = 1) -> bool:
    """Of six groups of one population, with a goal and three phases that have some of its variance."""
    rng = np.random.default_rng(seed)
    starts = []
    for n in range(6 * 12):
        at = float(rng.normal(60.0, 5.0))
        phases = {id: 0.1 * at + float(rng.normal(5.0, 0.5)) for id in ("boot", "hooks", "containerd")}
        metrics = {"ready": (at, at + 0.1)} | {id: (length, length) for id, length in phases.items()}
        starts.append(One(metrics, {"version": f"v1.3{n // 12}.0+k3s1", "host": f"node-{n % hosts}"}))
    history = by_groups(side(starts), ("version",), Asked(plan=False))
    return any(one.verdict != "undecided" for step in history.steps for one in step.comparison.metrics)


@pytest.mark.long
def test_groups_that_do_not_differ_are_seldom_said_to() -> None:
    assert sum(anything(seed) for seed in range(30)) <= 4


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hosts", [1, 8])
def test_groups_that_do_not_differ_in_five_hundred_seeds(hosts: int) -> None:
    assert sum(anything(seed, hosts) for seed in range(500)) <= 30


def test_how_many_more_would_decide_can_be_left_out() -> None:
    history = by_groups(releases({VERSIONS[0]: 60.0, VERSIONS[1]: 61.0}, 8), ("version",), Asked(plan=False))
    assert all(one.needed is None and one.detectable is None for one in history.steps[0].comparison.metrics)
    planned = by_groups(releases({VERSIONS[0]: 60.0, VERSIONS[1]: 61.0}, 8), ("version",))
    assert planned.steps[0].comparison.metrics[0].detectable is not None
    assert replace(history.points[0], interval=planned.points[0].interval) == planned.points[0]
