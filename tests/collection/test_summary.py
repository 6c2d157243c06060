"""The summary: counted by hand, and what must hold of any collection."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from analyzer.collection.collect import filtered, joined
from analyzer.collection.groups import host_of, label
from analyzer.collection.model import Collection, FindingCount, Fleet, Group, InputRow, InputSpec, Quantile, Reason
from analyzer.collection.summary import NO_REASON, summary
from analyzer.collection.work import InputResult
from tests.kit.made_fleet import MadeFleet, collected, row

INF = math.inf
RELEASES = ("v1.9.4+k3s1", "v1.10.1+k3s1")


def made(*starts) -> Collection:
    """Starts, each with its metrics, an input each."""
    return collected(
        [
            InputResult(InputSpec(start.input, (start.input,)), InputRow(start.input, starts=1), (start,), (metrics,))
            for start, metrics in starts
        ]
    )


def numbers(fleet: Fleet) -> list[Group]:
    """All that does not name places in the collection."""
    return [replace(group, members=()) for group in fleet.groups]


# --- by hand


def test_bounds_of_quantiles() -> None:
    windows = [(1.0, 2.0), (2.0, 3.0), (3.0, 5.0), (4.0, INF)]
    fleet = summary(made(*((row("a", n + 1), {"ready": window}) for n, window in enumerate(windows))))
    [ready] = fleet.groups[0].metrics
    assert (ready.id, ready.n) == ("ready", 4)
    assert (ready.p50, ready.p90, ready.p99) == (Quantile(2.0, 3.0), Quantile(4.0, None), Quantile(4.0, None))


def test_outcomes_in_their_order() -> None:
    outcomes = ["incomplete", "failed", "ready", "odd", "ready"]
    fleet = summary(made(*((row("a", n, outcome=outcome), {}) for n, outcome in enumerate(outcomes))))
    assert fleet.outcomes == (("ready", 2), ("failed", 1), ("incomplete", 1), ("odd", 1))
    assert fleet.starts == 5


def test_reasons_by_starts_then_hosts() -> None:
    failed = [("a", "x"), ("a", "x"), ("a", "x"), ("a", "y"), ("b", "y"), ("c", "y"), ("c", "")]
    starts = [(replace(row(host, n, outcome="failed"), reason=reason), {}) for n, (host, reason) in enumerate(failed)]
    fleet = summary(made(*starts, (row("d", 1), {})))
    assert fleet.groups[0].reasons == (Reason("y", 3, 3), Reason("x", 3, 1), Reason(NO_REASON, 1, 1))


def test_findings_that_ask_for_something_first_and_once_a_start() -> None:
    findings = [
        ("a", (("slow", "info"), ("disk", "warning"), ("disk", "critical"))),
        ("a", (("slow", "info"), ("disk", "warning"))),
        ("b", (("slow", "info"),)),
    ]
    starts = [(replace(row(host, n), findings=found), {}) for n, (host, found) in enumerate(findings)]
    assert summary(made(*starts)).groups[0].findings == (
        FindingCount("disk", "critical", 2, 1),
        FindingCount("slow", "info", 3, 2),
    )


def test_hosts_are_counted_by_name_and_nameless_ones_by_input() -> None:
    nameless = [replace(row(None, n, outcome="ready"), key="", input=input) for n, input in enumerate("xxy")]
    fleet = summary(made((row("a", 1), {}), (row("a", 2), {}), *((start, {}) for start in nameless)))
    assert fleet.groups[0].hosts == 3


def test_groups_stand_in_natural_order_behind_the_whole() -> None:
    fleet = summary(MadeFleet(hosts=4, starts=2, releases=RELEASES).collection(1), by=("version", "role"))
    assert [group.by for group in fleet.groups] == [
        (),
        (("version", "v1.9.4+k3s1"), ("role", "server")),
        (("version", "v1.10.1+k3s1"), ("role", "server")),
    ]
    assert [(group.starts, group.hosts) for group in fleet.groups] == [(8, 4), (4, 2), (4, 2)]


def test_metrics_that_no_start_of_a_group_has_are_left_out() -> None:
    fleet = summary(made((row("a", 1), {"ready": (1.0, 2.0)}), (row("b", 1), {"node": (1.0, 2.0)})), by=("host",))
    assert [[metric.id for metric in group.metrics] for group in fleet.groups] == [
        ["ready", "node"],
        ["ready"],
        ["node"],
    ]


def test_the_slowest_with_their_cause() -> None:
    starts = [
        (replace(row("a", 1), cause_words="etcd is slow"), {"ready": (30.0, 31.0)}),
        (row("b", 1, outcome="failed"), {"ready": (90.0, INF)}),
        (replace(row("c", 1), role="agent"), {"node": (60.0, 61.0), "ready": (1.0, 2.0)}),
        (row("d", 1), {"ready": (30.0, INF)}),
        (row("e", 1), {"ready": (0.0, INF)}),  # nothing is known of it
        (row("f", 1), {}),
        (row("g", 1), {"ready": (2.0, 2.5)}),
    ]
    found = summary(made(*starts), slowest=4).slowest
    assert [(slow.host, slow.least, slow.most, slow.cause) for slow in found] == [
        ("b", 90.0, None, "The datastore answers slowly"),
        ("c", 60.0, 61.0, ""),
        ("d", 30.0, None, ""),
        ("a", 30.0, 31.0, "etcd is slow"),
    ]
    assert len(summary(made(*starts), slowest=100).slowest) == 5


def test_nothing() -> None:
    fleet = summary(collected([]), by=("version",), confidence=0.95)
    assert fleet == Fleet((), 0, (), (Group((), 0, 0, (), (), (), ()),), (), (), 0, 0.95)


def test_what_was_read_and_repeated_is_told() -> None:
    collection = MadeFleet(hosts=3).collection(1)
    fleet = summary(replace(collection, repeated=5))
    assert fleet.inputs == tuple(collection.inputs)
    assert fleet.repeated == 5


# --- confidence


def test_with_confidence_every_quantile_has_an_interval_around_it() -> None:
    fleet = summary(MadeFleet(hosts=40, failing={1: 1}).collection(1), confidence=0.95)
    for metric in fleet.groups[0].metrics:
        for quantile in (metric.p50, metric.p90):
            assert quantile.lower is not None and quantile.lower <= quantile.min
            assert quantile.upper is None or (quantile.max is not None and quantile.max <= quantile.upper)
        assert metric.p50.upper is not None
        assert metric.p99.upper is None  # forty hosts do not bound it


def test_with_more_confidence_intervals_are_wider() -> None:
    collection = MadeFleet(hosts=40, spread=0.3).collection(1)
    narrow, wide = (summary(collection, confidence=share).groups[0].metrics[0].p50 for share in (0.5, 0.99))
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


def test_the_seed_is_all_that_chance_hangs_on() -> None:
    collection = MadeFleet(hosts=15, spread=0.3).collection(1)
    assert summary(collection, confidence=0.9, seed=1) == summary(collection, confidence=0.9, seed=1)
    found = {summary(collection, confidence=0.9, seed=seed).groups[0].metrics[0].p90 for seed in range(5)}
    assert len(found) > 1


# --- laws

FLEETS = st.builds(
    MadeFleet,
    hosts=st.integers(1, 8),
    starts=st.integers(1, 3),
    releases=st.just(RELEASES),
    failing=st.dictionaries(st.integers(0, 7), st.integers(1, 3)),
)


@settings(deadline=None, max_examples=40)
@given(FLEETS, st.integers(0, 99), st.randoms(use_true_random=False), st.sampled_from([None, 0.9]))
def test_the_order_of_the_inputs_does_not_matter(
    fleet: MadeFleet, seed: int, chance: random.Random, confidence
) -> None:
    results = fleet.results(seed)
    told = summary(collected(results), by=("version",), confidence=confidence)
    chance.shuffle(results)
    mixed = summary(collected(results), by=("version",), confidence=confidence)
    assert numbers(mixed) == numbers(told)
    assert mixed.outliers == told.outliers
    assert sorted(map(str, mixed.slowest)) == sorted(map(str, told.slowest)) or len(told.slowest) == 10


@settings(deadline=None, max_examples=40)
@given(FLEETS, st.integers(0, 99), st.integers(0, 8))
def test_two_halves_joined_say_what_the_whole_says(fleet: MadeFleet, seed: int, cut: int) -> None:
    results = fleet.results(seed)
    halves = joined([collected(results[:cut]), collected(results[cut:])])
    assert summary(halves, by=("version",)) == summary(collected(results), by=("version",))


@settings(deadline=None, max_examples=40)
@given(FLEETS, st.integers(0, 99))
def test_a_group_says_what_a_filter_by_its_labels_says(fleet: MadeFleet, seed: int) -> None:
    collection = fleet.collection(seed)
    for group in summary(collection, by=("version", "outcome")).groups:
        alone = filtered(collection, lambda start, by=group.by: all(label(start, name) == value for name, value in by))
        assert replace(numbers(summary(alone))[0], by=group.by) == replace(group, members=())


@settings(deadline=None, max_examples=40)
@given(FLEETS, st.integers(0, 99))
def test_groups_hold_every_start_once(fleet: MadeFleet, seed: int) -> None:
    collection = fleet.collection(seed)
    whole, *parts = summary(collection, by=("host",)).groups
    assert sorted(place for part in parts for place in part.members) == list(whole.members)
    assert sum(n for _, n in whole.outcomes) == whole.starts == len(collection.starts)
    assert all({host_of(collection.starts[place]) for place in part.members} == {part.by[0][1]} for part in parts)
    assert sum(part.hosts for part in parts) == whole.hosts


@settings(deadline=None, max_examples=40)
@given(FLEETS, st.integers(0, 99), st.floats(0, 5))
def test_wider_windows_only_widen_the_quantiles(fleet: MadeFleet, seed: int, by: float) -> None:
    narrow = fleet.collection(seed)
    wide = replace(
        narrow,
        metrics={
            id: replace(metric, least=(metric.least - by).clip(0), most=metric.most + by)
            for id, metric in narrow.metrics.items()
        },
    )
    pairs = zip(summary(narrow).groups[0].metrics, summary(wide).groups[0].metrics, strict=True)
    for one, other in pairs:
        assert (one.id, one.n) == (other.id, other.n)
        for inner, outer in ((one.p50, other.p50), (one.p90, other.p90), (one.p99, other.p99)):
            assert outer.min <= inner.min
            assert outer.max is None or (inner.max is not None and inner.max <= outer.max)


@pytest.mark.parametrize("starts", [1, 4])
def test_as_many_groups_as_hosts(starts: int) -> None:
    fleet = summary(MadeFleet(hosts=50, starts=starts).collection(1), by=("host",))
    assert len(fleet.groups) == 51
    assert fleet.outliers == ()
