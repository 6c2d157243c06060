"""Hosts that stand out: found where they do, silence where they do not, by fleets of known truth."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from analyzer.collection.model import Outlier
from analyzer.collection.outliers import outliers, slower_groups
from analyzer.collection.summary import summary
from tests.kit.made_fleet import MadeFleet, collected

TEN = tuple(f"v1.{minor}.{patch}+k3s1" for minor in (29, 30, 31, 32, 33) for patch in (4, 8))


def hosts(found: tuple[Outlier, ...]) -> list[str]:
    return sorted(one.host for one in found)


@pytest.mark.parametrize("seed", range(5))
def test_a_host_that_takes_twice_as_long_is_found(seed: int) -> None:
    [found] = outliers(MadeFleet(slow={17: 2.0}).collection(seed))
    assert found.host == "node-0017"
    assert found.metric == "ready"
    assert found.by == (("version", "v1.33.5+k3s1"), ("product", "k3s"), ("role", "server"))
    assert 0.0 <= found.p_value < 1e-3


def test_why_is_told_in_words_with_the_numbers() -> None:
    [found] = outliers(MadeFleet(slow={17: 3.0}, slow_phase="apiserver_boot").collection(1))
    assert found.why == (
        "ready after 17.5 to 17.9 s (median of 4 starts); half of the 49 other hosts of v1.33.5+k3s1 k3s server: "
        "9.4 to 10.3 s. Mostly starting the API server: 12.3 to 12.7 s instead of 3.9 to 4.8 s"
    )


def test_a_phase_alone_is_found_where_the_goal_hides_it() -> None:
    fleet = MadeFleet(ready_s=30.0, slow={17: 2.2}, slow_phase="extract", spread=0.05)
    [found] = outliers(fleet.collection(2))
    assert (found.host, found.metric) == ("node-0017", "extract")
    assert found.why.startswith("unpacking k3s took ")


def test_two_slow_hosts_do_not_hide_each_other() -> None:
    found = outliers(MadeFleet(slow={3: 2.0, 40: 2.0}).collection(1))
    assert hosts(found) == ["node-0003", "node-0040"]


def test_a_host_whose_starts_fail_is_later_than_all_others() -> None:
    [found] = outliers(MadeFleet(failing={5: 3}).collection(1))
    assert found.host == "node-0005"
    assert found.why.startswith("never ready in 3 of 4 starts; half of the 49 other hosts")


def test_where_many_fail_none_of_them_stands_out() -> None:
    assert outliers(MadeFleet(failing=dict.fromkeys(range(10), 4)).collection(1)) == ()


def test_some_failures_elsewhere_do_not_hide_a_slow_host() -> None:
    found = outliers(MadeFleet(slow={17: 2.5}, failing=dict.fromkeys(range(6), 2)).collection(1))
    assert hosts(found) == ["node-0017"]


@pytest.mark.parametrize("seed", range(10))
def test_without_a_slow_host_there_is_silence(seed: int) -> None:
    assert outliers(MadeFleet(spread=0.2, host_spread=0.1).collection(seed)) == ()


@pytest.mark.parametrize("seed", range(10))
def test_a_start_that_stalls_for_once_makes_no_slow_host(seed: int) -> None:
    assert outliers(MadeFleet(stall=0.03).collection(seed)) == ()


def test_wide_windows_are_silent_rather_than_wrong() -> None:
    fleet = MadeFleet(slow={17: 2.0}, width_s=10.0)
    assert outliers(fleet.collection(1)) == ()
    assert hosts(outliers(replace(fleet, width_s=0.3).collection(1))) == ["node-0017"]


def test_a_difference_that_does_not_matter_is_left_out() -> None:
    # 30 % of 1 s, and 10 % of 60 s: both are certain, as these starts hardly differ.
    steady = MadeFleet(spread=0.001, host_spread=0.001, width_s=0.01)
    assert outliers(replace(steady, ready_s=1.0, slow={17: 1.3}).collection(1)) == ()
    assert outliers(replace(steady, ready_s=60.0, slow={17: 1.1}).collection(1)) == ()
    assert hosts(outliers(replace(steady, ready_s=60.0, slow={17: 1.4}).collection(1))) == ["node-0017"]


def test_one_start_each_takes_more_hosts_and_a_greater_difference() -> None:
    single = MadeFleet(hosts=200, starts=1, slow={17: 4.0}, spread=0.08)
    [found] = outliers(single.collection(1))
    assert found.host == "node-0017"
    assert "(1 start)" in found.why
    assert outliers(replace(single, hosts=50).collection(1)) == ()


def test_too_few_hosts_say_nothing() -> None:
    assert outliers(MadeFleet(hosts=8, slow={3: 5.0}).collection(1)) == ()
    assert outliers(MadeFleet(hosts=0).collection(1)) == ()


@pytest.mark.long
def test_a_slower_release_is_told_as_that_and_not_as_hosts() -> None:
    fleet = MadeFleet(hosts=400, releases=TEN, slow_releases={TEN[3]: 1.6}, slow={11: 2.5, 52: 2.5})
    collection = fleet.collection(1)
    assert hosts(outliers(collection)) == ["node-0011", "node-0052"]
    [slower] = slower_groups(collection)
    assert (slower.host, slower.metric, slower.by) == ("", "ready", (("version", TEN[3]),))
    assert slower.why == (
        "half of its k3s server starts ready within 15.5 to 15.9 s (160 starts, 40 hosts); "
        "with any other version 9.8 to 10.2 s (1440 starts, 360 hosts)"
    )
    assert summary(collection).outliers == (slower, *outliers(collection))


def test_releases_that_do_not_differ_are_not_named() -> None:
    assert slower_groups(MadeFleet(hosts=200, releases=TEN).collection(1)) == ()
    assert slower_groups(MadeFleet().collection(1)) == ()


def test_a_slower_release_within_wide_windows_is_not_named() -> None:
    fleet = MadeFleet(hosts=200, releases=TEN, slow_releases={TEN[3]: 1.6}, width_s=10.0)
    assert slower_groups(fleet.collection(1)) == ()


def test_hosts_are_compared_within_the_labels_of_the_user() -> None:
    # 12 of 60 hosts lie in a slower room: in their room they are as all others.
    quick = MadeFleet(hosts=48, labels=(("room", "a"),)).results(1)
    slow = MadeFleet(hosts=60, ready_s=20.0, labels=(("room", "b"),)).results(2)[48:]
    collection = collected([*quick, *slow])
    groups = summary(collection, by=("room",)).groups
    assert outliers(collection, groups[1:]) == ()


def test_few_hosts_of_a_release_are_compared_with_their_minor() -> None:
    fleet = MadeFleet(hosts=60, slow={59: 2.5}).results(1)
    moved = replace(fleet[59], starts=tuple(replace(start, version="v1.33.6+k3s1") for start in fleet[59].starts))
    [found] = outliers(collected([*fleet[:59], moved]))
    assert found.host == "node-0059"
    assert found.by == (("kubernetes", "1.33"), ("product", "k3s"), ("role", "server"))


def test_an_input_stands_for_a_host_without_a_name() -> None:
    results = [
        replace(result, starts=tuple(replace(start, host=None) for start in result.starts))
        for result in MadeFleet(slow={17: 2.5}).results(1)
    ]
    assert hosts(outliers(collected(results))) == ["logs/node-0017.log"]


def test_the_order_of_the_inputs_does_not_matter() -> None:
    results = MadeFleet(hosts=200, releases=TEN, slow_releases={TEN[3]: 1.6}, slow={11: 2.5, 52: 2.5}).results(1)
    collection = collected(results)
    random.Random(1).shuffle(results)
    mixed = collected(results)
    assert outliers(mixed) == outliers(collection)
    assert slower_groups(mixed) == slower_groups(collection)


@pytest.mark.slow
@pytest.mark.parametrize("stall", [0.0, 0.05])
def test_false_alarms_are_rare(stall: float) -> None:
    """Fleets without a slow host in which one is named: at most 5 %. Figures: benchmarks/fleet_outliers.py."""
    fleet = MadeFleet(spread=0.15, host_spread=0.1, stall=stall)
    assert sum(bool(outliers(fleet.collection(seed))) for seed in range(200)) <= 10
