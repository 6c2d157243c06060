"""Collections built, filtered and joined."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.collection.collect import Builder, filtered, joined, parted
from analyzer.collection.model import Collection, InputRow, InputSpec
from analyzer.collection.work import InputResult
from tests.kit.made_fleet import MadeFleet, collected, row

FLEET = MadeFleet(hosts=9, starts=3, releases=("v1.33.5+k3s1", "v1.34.1+k3s1"), failing={2: 1})


def told(collection: Collection) -> tuple:
    """All of a collection, with its arrays as lists."""
    metrics = {
        id: (metric.at.tolist(), metric.least.tolist(), metric.most.tolist())
        for id, metric in collection.metrics.items()
    }
    return tuple(collection.starts), list(metrics), metrics, tuple(collection.inputs), collection.repeated


def one(*rows, metrics=None) -> InputResult:
    name = rows[0].input if rows else "logs/empty.log"
    return InputResult(InputSpec(name, (name,)), InputRow(name, starts=len(rows)), rows, metrics or ({},) * len(rows))


def test_rows_and_metrics_in_the_order_of_the_inputs() -> None:
    first = one(row("a", 1), row("a", 2), metrics=({"ready": (1.0, 2.0)}, {"ready": (3.0, math.inf)}))
    second = one(row("b", 1), metrics=({"hooks": (0.5, 0.6), "ready": (4.0, 5.0)},))
    collection = collected([first, one(), second])
    assert [start.host for start in collection.starts] == ["a", "a", "b"]
    assert [read.input for read in collection.inputs] == ["logs/a.log", "logs/empty.log", "logs/b.log"]
    assert told(collection)[2] == {
        "hooks": ([2], [0.5], [0.6]),
        "ready": ([0, 1, 2], [1.0, 3.0, 4.0], [2.0, math.inf, 5.0]),
    }


def test_the_first_start_of_a_key_stays() -> None:
    first = replace(row("a", 1), input="first.log")
    again = replace(first, input="again.log", index=7)
    collection = collected([one(first, metrics=({"ready": (1.0, 2.0)},)), one(again, metrics=({"ready": (8.0, 9.0)},))])
    assert [start.input for start in collection.starts] == ["first.log"]
    assert collection.metrics["ready"].least.tolist() == [1.0]
    assert collection.repeated == 1
    assert len(collection.inputs) == 2


def test_starts_without_a_key_are_no_doubles() -> None:
    nameless = replace(row("a", 1), key="")
    assert len(collected([one(nameless, nameless), one(nameless)]).starts) == 3


@pytest.mark.parametrize("bad", [(math.nan, 1.0), (1.0, math.nan), (3.0, 2.0), (math.inf, math.inf), (-1.0, 2.0)])
def test_what_is_no_window_tells_nothing_and_counts(bad) -> None:
    metric = collected([one(row("a", 1), metrics=({"ready": bad},))]).metrics["ready"]
    assert (metric.at.tolist(), metric.least.tolist(), metric.most.tolist()) == ([0], [0.0], [math.inf])


def test_starts_and_metrics_belong_together() -> None:
    with pytest.raises(ValueError, match="zip"):
        Builder().add(one(row("a", 1), metrics=({}, {})))


def test_equal_texts_are_one_object() -> None:
    results = [pickle.loads(pickle.dumps(result)) for result in FLEET.results(1)]
    starts = collected(results).starts
    assert starts[0].version is not results[2].starts[0].version
    assert starts[0].version is starts[6].version
    assert starts[0].unit is starts[-1].unit


def test_nothing_is_a_collection_as_well() -> None:
    assert told(collected([])) == ((), [], {}, (), 0)
    assert told(joined([])) == ((), [], {}, (), 0)


def test_metrics_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        FLEET.collection(1).metrics["ready"].least[0] = 1.0


# --- filtered


def test_a_filter_keeps_starts_with_their_metrics() -> None:
    whole = FLEET.collection(1)
    part = filtered(whole, lambda start: start.version == "v1.34.1+k3s1")
    assert {start.version for start in part.starts} == {"v1.34.1+k3s1"}
    assert part.inputs == whole.inputs
    ready = whole.metrics["ready"]
    kept = [start.version == "v1.34.1+k3s1" for start in whole.starts]
    assert part.metrics["ready"].least.tolist() == ready.least[np.array(kept)[ready.at]].tolist()
    assert [part.starts[at] for at in part.metrics["hooks"].at] == [
        whole.starts[at] for at in whole.metrics["hooks"].at if kept[at]
    ]


def test_a_filter_that_keeps_all_or_nothing() -> None:
    whole = FLEET.collection(1)
    assert filtered(whole, lambda start: True) is whole
    nothing = filtered(whole, lambda start: False)
    assert (nothing.starts, nothing.metrics, nothing.inputs) == ((), {}, whole.inputs)


@given(st.sets(st.integers(0, 8)), st.sets(st.integers(0, 8)))
def test_a_filter_of_a_filter_is_one_filter(first: set[int], second: set[int]) -> None:
    whole = FLEET.collection(1)
    hosts = [{f"node-{n:04}" for n in chosen} for chosen in (first, second)]
    twice = filtered(filtered(whole, lambda start: start.host in hosts[0]), lambda start: start.host in hosts[1])
    assert told(twice) == told(filtered(whole, lambda start: start.host in hosts[0] & hosts[1]))


def test_built_with_a_filter() -> None:
    builder = Builder()
    for result in FLEET.results(1):
        builder.add(result)
    assert told(builder.built(lambda start: start.index == 1)) == told(
        filtered(FLEET.collection(1), lambda start: start.index == 1)
    )
    assert len(builder.built().starts) == 27


# --- joined


@settings(deadline=None)
@given(st.lists(st.integers(0, 8), max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_joined_parts_are_the_whole(order: list[int], first: int, second: int) -> None:
    """Also where an input is in several parts."""
    results = FLEET.results(1)
    picked = [results[n] for n in order]
    cuts = sorted((first, second))
    parts = [picked[: cuts[0]], picked[cuts[0] : cuts[1]], picked[cuts[1] :]]
    whole, made = told(collected(picked)), told(joined(collected(part) for part in parts))
    assert made[:3] == whole[:3]
    assert made[3] == tuple(dict.fromkeys(whole[3]))
    assert made[4] == whole[4]


def test_the_same_collection_twice_is_the_same_with_all_starts_repeated() -> None:
    whole = FLEET.collection(1)
    twice = joined([whole, whole])
    assert told(twice)[:4] == told(whole)[:4]
    assert twice.repeated == len(whole.starts)


# --- parts


def test_parts_are_what_filtering_gives() -> None:
    whole = FLEET.collection(1)
    places = [[n for n in range(len(whole.starts)) if n % 4 == part] for part in range(3)]
    for own, part in zip(places, parted(whole, places), strict=True):
        kept = {id(whole.starts[place]) for place in own}
        assert told(part) == told(filtered(whole, lambda start, kept=kept: id(start) in kept))


def test_the_starts_of_a_part_have_the_order_of_its_places() -> None:
    whole = FLEET.collection(1)
    [part] = parted(whole, [[5, 2, 9]])
    assert list(part.starts) == [whole.starts[place] for place in (5, 2, 9)]
    metric = part.metrics["ready"]
    assert metric.at.tolist() == [0, 1, 2]
    by_place = dict(zip(whole.metrics["ready"].at.tolist(), whole.metrics["ready"].least.tolist(), strict=True))
    assert metric.least.tolist() == [by_place[place] for place in (5, 2, 9)]
    assert not metric.least.flags.writeable


def test_no_parts_and_empty_ones() -> None:
    whole = FLEET.collection(1)
    assert parted(whole, []) == []
    [empty] = parted(whole, [[]])
    assert (empty.starts, empty.metrics, empty.inputs) == ((), {}, whole.inputs)
