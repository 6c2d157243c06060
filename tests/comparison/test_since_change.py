"""Where a host became slower: made histories of which it is known."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from analyzer.collection.collect import joined
from analyzer.collection.model import Bounds, Collection, Metric
from analyzer.comparison.model import Asked, Change, History
from analyzer.comparison.since_change import FEWEST_STARTS, MOST_CHANGES, since_change
from tests.kit.made_histories import NEW, OLD, Made, host, hosts
from tests.kit.made_sides import BEGAN, One, ready, side

SLOW_DISK = {"findings": (("slow_datastore", "warning"), ("healthy", "info"))}


def only(history: History) -> Change:
    assert len(history.changes) == 1, history.changes
    return history.changes[0]


def place(change: Change) -> int:
    return int(change.after.rpartition("/")[2].partition(".")[0])


def verdict(change: Change) -> str:
    return change.comparison.metrics[0].verdict


# --- the place


def test_a_step_is_told_with_its_place_its_size_and_the_release_that_changed_there() -> None:
    change = only(since_change(host(Made(40, {22: 3.0}, rows={0: OLD, 22: NEW}))))
    assert (change.host, change.metric, verdict(change)) == ("node-1", "ready", "slower")
    assert (change.before, change.after) == ("logs/node-1/21.log:1", "logs/node-1/22.log:1")
    assert (change.before_at, change.after_at) == ("2026-03-02T03:00:00+00:00", "2026-03-02T04:00:00+00:00")
    assert change.p_value < 0.001
    assert change.changed[0] == "The release changed from v1.32.4+k3s1 to v1.33.1+k3s1."
    interval = change.comparison.metrics[0].difference
    assert 0.0 < interval.lower <= 15.0 <= interval.upper
    assert (change.comparison.base.starts, change.comparison.new.starts) == (22, 18)
    assert change.comparison.metrics[0].confidence == pytest.approx(0.975)
    assert (change.comparison.base.label, change.comparison.new.label) == ("before", "after")


def test_a_host_that_became_faster() -> None:
    change = only(since_change(host(Made(30, {14: -3.0}))))
    assert (verdict(change), place(change)) == ("faster", 14)


def test_a_step_of_one_and_a_half_deviations_is_near_its_place() -> None:
    found = [since_change(host(Made(40, {20: 1.5}), seed=seed)).changes for seed in range(40)]
    told = [changes for changes in found if changes]
    assert len(told) >= 34
    assert sum(abs(place(changes[0]) - 20) <= 4 for changes in told) >= 0.85 * len(told)
    assert all(verdict(changes[0]) == "slower" for changes in told)


def test_what_changed_says_at_which_of_the_likely_places_it_is() -> None:
    """The place itself is known to a few starts only; where the release changed among them, that is the place."""
    exact = 0
    for seed in range(30):
        for change in since_change(host(Made(40, {20: 1.5}, rows={0: OLD, 20: NEW}), seed=seed)).changes:
            exact += place(change) == 20 and change.changed[0].startswith("The release changed")
    assert exact >= 22


def test_how_sure_the_place_is() -> None:
    changes = [only(since_change(host(Made(40, {20: 2.0}), seed=seed))) for seed in (1, 2, 3)]
    told = [
        [words for words in change.changed if words.startswith("It may also have been up to")] for change in changes
    ]
    assert all(len(words) <= 1 for words in told) and any(told)
    assert only(since_change(host(Made(40, {20: 12.0})))).changed == ()


def test_what_windows_hide_of_the_place_is_said() -> None:
    times = [(10.0 if n < 15 else 20.0) + 0.1 * (7 * n % 5) for n in range(30)]
    starts = [One({"ready": (5.0, 25.0) if n in (14, 15) else (at, at)}) for n, at in enumerate(times)]
    change = only(since_change(side(starts)))
    told = " ".join(change.changed)
    earlier, later = place(change) - 14, 16 - place(change)
    assert 0 <= earlier <= 2
    for number, way in ((earlier, "earlier"), (later, "later")):
        assert (f"{number} start{'' if number == 1 else 's'} {way}" in told) == (number > 0)


def test_starts_are_in_the_order_in_which_they_began() -> None:
    collection = host(Made(30, {15: 4.0}))
    turned = joined([replace(collection, starts=tuple(reversed(collection.starts)), metrics=turned_around(collection))])
    assert since_change(turned).changes[0].after == since_change(collection).changes[0].after


def turned_around(collection: Collection) -> dict[str, Metric]:
    last = len(collection.starts) - 1
    return {
        id: Metric(last - metric.at[::-1], metric.least[::-1], metric.most[::-1])
        for id, metric in collection.metrics.items()
    }


# --- what is no change


def test_nothing_changed() -> None:
    history = since_change(hosts([Made(20)] * 10, seed=3))
    assert (history.changes, history.hosts_without_change, history.hosts_too_few) == ((), 10, 0)
    assert (history.by, history.goal, history.points, history.steps, history.left_out) == ((), "ready", (), (), 0)


def test_single_stalls_are_no_change() -> None:
    stalled = Made(40, added_s={3: 200.0, 17: 300.0, 18: 90.0, 33: 400.0})
    assert since_change(host(stalled)).changes == ()


def test_two_releases_by_turns_are_no_change() -> None:
    turns = Made(
        40,
        added_s=dict.fromkeys(range(1, 40, 2), 20.0),
        rows={0: OLD},
        places=dict.fromkeys(range(1, 40, 2), NEW),
    )
    assert since_change(host(turns)).changes == ()


def test_windows_of_ten_seconds_hide_a_step_of_seven() -> None:
    assert since_change(host(Made(50, {25: 1.5}))).changes != ()
    assert since_change(host(Made(50, {25: 1.5}, width_s=10.0))).changes == ()


def test_a_drift_is_called_a_drift_and_told_once() -> None:
    change = only(since_change(host(Made(50, drift=8.0))))
    assert verdict(change) == "slower"
    assert change.changed == ("It was a slow drift rather than one step: this place only divides the starts.",)


@pytest.mark.long
def test_waves_are_called_waves() -> None:
    found = [since_change(host(Made(60, alike=0.8), seed=seed)).changes for seed in range(20)]
    told = [one for changes in found for one in changes if "drift" not in " ".join(one.changed)]
    waves = [one for one in told if "The starts of this host come in waves: this may be one of them." in one.changed]
    assert len(told) >= 5 and len(waves) >= 0.7 * len(told)


def test_the_first_start_of_a_node_is_no_change() -> None:
    rows = {0: {"fresh": True}, 1: {"fresh": False}}
    history = since_change(host(Made(30, added_s={0: 120.0}, rows=rows)))
    assert (history.changes, history.left_out, history.hosts_without_change) == ((), 1, 1)


def test_first_starts_and_restarts_are_not_mixed() -> None:
    """Twelve restarts, then the machine is made anew for every start: no change of either kind."""
    rows = {0: {"fresh": False}, 12: {"fresh": True}}
    history = since_change(host(Made(30, {12: 6.0}, rows=rows)))
    assert (history.changes, history.left_out) == ((), 12)


def test_first_starts_alone_are_compared() -> None:
    rows = {0: {"fresh": True}, 29: {"fresh": False}}
    change = only(since_change(host(Made(30, {14: 4.0}, rows=rows))))
    assert (place(change), change.comparison.base.starts + change.comparison.new.starts) == (14, 29)


# --- starts that never got there


def test_from_there_on_it_was_never_ready() -> None:
    collection = host(Made(30))
    rows = [
        replace(start, outcome="failed", end="failed") if n >= 18 else start
        for n, start in enumerate(collection.starts)
    ]
    metric = collection.metrics["ready"]
    most = metric.most.copy()
    most[18:] = math.inf
    change = only(since_change(replace(collection, starts=tuple(rows), metrics={"ready": replace(metric, most=most)})))
    assert (verdict(change), place(change)) == ("slower", 18)
    assert change.comparison.metrics[0].new.min == math.inf


def test_a_tenth_never_ready_all_the_time_is_no_change() -> None:
    assert since_change(host(Made(40, never=0.1), seed=1)).changes == ()


def test_a_step_among_starts_of_which_some_were_never_ready() -> None:
    change = only(since_change(host(Made(40, {20: 5.0}, never=0.1), seed=2)))
    assert (verdict(change), place(change)) == ("slower", 20)


# --- several changes


def test_slower_and_back() -> None:
    rows = {0: OLD, 15: NEW, 35: OLD}
    history = since_change(host(Made(50, {15: 4.0, 35: 0.0}, rows=rows)))
    first, second = sorted(history.changes, key=place)
    assert [(place(one), verdict(one)) for one in (first, second)] == [(15, "slower"), (35, "faster")]
    assert first.changed[0] == "The release changed from v1.32.4+k3s1 to v1.33.1+k3s1."
    assert second.changed[0] == "The release changed from v1.33.1+k3s1 to v1.32.4+k3s1."
    sizes = [(one.comparison.base.starts, one.comparison.new.starts) for one in (first, second)]
    assert sizes == [(15, 20), (20, 15)]  # from one change to the next


def test_no_host_has_more_than_three() -> None:
    levels = {12: 8.0, 24: 16.0, 36: 40.0, 48: 60.0}
    assert len(since_change(host(Made(60, levels))).changes) == MOST_CHANGES


# --- what else changed


def changed(made: Made) -> tuple[str, ...]:
    return only(since_change(host(made))).changed


STEP = {12: 6.0}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({"role": "agent"}, {"role": "server"}, "The role changed from agent to server."),
        ({"product": "k3s"}, {"product": "rke2"}, "The product changed from k3s to rke2."),
        ({"labels": (("ring", "blue"),)}, {"labels": (("ring", "red"),)}, "The label ring changed from blue to red."),
        ({"precision_s": 1e-3}, {"precision_s": 1.0}, "The precision of its timestamps changed from 1 ms to 1 s."),
        (
            {"version": None, "kubernetes": "1.32"},
            {"version": None, "kubernetes": "1.33"},
            "The Kubernetes minor changed from 1.32 to 1.33.",
        ),
    ],
)
def test_what_changed_there(before: dict[str, object], after: dict[str, object], sentence: str) -> None:
    made = Made(30, STEP, rows={0: before, 12: after})
    collection = host(made)
    if "role" in before:
        assert sentence in only(since_change(collection, metric="ready")).changed
        return
    assert sentence in only(since_change(collection)).changed


def test_the_minor_is_not_told_beside_the_release() -> None:
    assert [words for words in changed(Made(30, STEP, rows={0: OLD, 12: NEW})) if "Kubernetes" in words] == []


@pytest.mark.parametrize(
    "rows",
    [
        {0: OLD, 6: NEW},  # elsewhere
        {0: OLD, 11: NEW, 13: OLD},  # for two starts alone
        {0: OLD, 5: NEW, 8: OLD, 12: NEW},  # was there before
        {0: OLD, 12: NEW, 20: OLD},  # the old one comes again
        {0: OLD, 12: {"version": None, "kubernetes": None}},  # unknown from there on
        {n: {"version": f"v1.33.{n}+k3s1"} for n in range(30)},  # another one every time
    ],
)
def test_what_did_not_change_just_there_is_not_told(rows: dict[int, dict[str, object]]) -> None:
    assert not any("release" in words for words in changed(Made(30, {12: 20.0}, rows=rows)))


def test_a_label_of_each_start_alone_is_not_told() -> None:
    rows = {n: {"labels": (("run", f"{n}"),)} for n in range(30)}
    assert not any("run" in words for words in changed(Made(30, STEP, rows=rows)))


def test_findings_that_became_common_or_rare() -> None:
    assert changed(Made(30, STEP, rows={12: SLOW_DISK}))[:1] == (
        "Since then 18 of 18 starts have: The datastore answers slowly (before: 0 of 12).",
    )
    assert changed(Made(30, STEP, rows={0: SLOW_DISK, 12: {"findings": ()}}))[:1] == (
        "Before, 12 of 12 starts had: The datastore answers slowly (since then: 0 of 18).",
    )


def test_findings_that_were_there_all_the_time_or_ask_for_nothing_are_not_told() -> None:
    assert not any("datastore" in words for words in changed(Made(30, STEP, rows={0: SLOW_DISK})))
    noted = {"findings": (("noise_explained", "info"), ("healthy", "info"))}
    assert not any("Since then" in words for words in changed(Made(30, STEP, rows={12: noted})))


def test_a_note_that_tells_why_a_start_is_slow_is_told() -> None:
    starved = {"findings": (("cpu_starved", "info"),)}
    told = changed(Made(30, STEP, rows={12: starved}))
    assert "Since then 18 of 18 starts have: The machine was short of CPU (before: 0 of 12)." in told


def test_a_finding_of_ones_own_rules_has_its_own_title() -> None:
    own = {"findings": (("raid_rebuilds", "warning"),), "cause": "raid_rebuilds", "cause_words": "The RAID rebuilds"}
    assert any("have: The RAID rebuilds (before" in words for words in changed(Made(30, STEP, rows={12: own})))
    nameless = {"findings": (("raid_rebuilds", "warning"),)}
    assert any("have: raid_rebuilds (before" in words for words in changed(Made(30, STEP, rows={12: nameless})))


def test_at_most_five_findings() -> None:
    many = {"findings": tuple((f"own_{n}", "warning") for n in range(12))}
    assert len([words for words in changed(Made(40, {20: 6.0}, rows={20: many})) if "Since then" in words]) == 5


def test_where_most_of_the_time_was_lost() -> None:
    starts = [
        One({"ready": (60.0 + n % 7, 60.1 + n % 7), "hooks": (20.0 + n % 7, 20.1 + n % 7), "boot": (3.0, 3.1)})
        for n in range(12)
    ] + [
        One({"ready": (90.0 + n % 7, 90.1 + n % 7), "hooks": (49.0 + n % 7, 49.1 + n % 7), "boot": (3.0, 3.1)})
        for n in range(15)
    ]
    change = only(since_change(side(starts)))
    [mostly] = [words for words in change.changed if words.startswith("Mostly ")]
    assert mostly.endswith(" s longer.") and "hooks" in mostly.lower()
    assert [metric.id for metric in change.comparison.metrics] == ["ready", "boot", "hooks", "failed"]


# --- which hosts, which metric


def test_hosts_with_too_few_starts_are_counted() -> None:
    made = [Made(FEWEST_STARTS - 1, {5: 20.0}), Made(FEWEST_STARTS, {5: 20.0}), Made(3)]
    history = since_change(hosts(made))
    assert [one.host for one in history.changes] == ["node-2"]
    assert (history.hosts_without_change, history.hosts_too_few) == (0, 2)


def test_starts_without_a_time_are_left_out_and_counted() -> None:
    made = Made(30, {15: 6.0}, places={n: {"began_at": None} for n in (0, 7, 20)})
    history = since_change(host(made))
    assert history.left_out == 3
    assert only(history).comparison.base.starts + only(history).comparison.new.starts == 27
    none = since_change(host(Made(30, {15: 6.0}, rows={0: {"began_at": None}})))
    assert (none.changes, none.hosts_too_few, none.left_out) == ((), 1, 30)


def test_a_host_without_a_name_is_its_input() -> None:
    starts = [
        ready(60.0 + n % 5 + (40.0 if n >= 8 else 0.0), host=None, input="k3s.log", index=n + 1) for n in range(20)
    ]
    change = only(since_change(side(starts)))
    assert (change.host, change.before, change.after) == ("k3s.log", "k3s.log:8", "k3s.log:9")


def test_agents_are_judged_by_when_their_node_was_there() -> None:
    def agent(n: int) -> One:
        node = 10.0 + n % 5 + (30.0 if n >= 9 else 0.0)
        return One({"node": (node, node + 0.1), "ready": (0.0, math.inf)}, {"role": "agent"})

    change = only(since_change(side(agent(n) for n in range(20))))
    assert (change.metric, place(change)) == ("node", 9)


def test_a_metric_that_was_asked_for() -> None:
    starts = [One({"ready": (60.0, 60.1), "hooks": (5.0 + n % 3, 5.1 + n % 3)}) for n in range(10)]
    starts += [One({"ready": (60.0, 60.1), "hooks": (15.0 + n % 3, 15.1 + n % 3)}) for n in range(10)]
    collection = side(starts)
    assert since_change(collection).changes == ()
    for history in (since_change(collection, metric="hooks"), since_change(collection, Asked(metrics=("hooks",)))):
        assert (history.goal, only(history).metric, place(only(history))) == ("hooks", "hooks", 10)
    assert since_change(collection, metric="images").hosts_too_few == 1


def test_where_few_of_many_hosts_changed_their_intervals_are_wider() -> None:
    history = since_change(hosts([Made(30, {15: 8.0})] + [Made(30)] * 24, seed=2))
    assert only(history).comparison.metrics[0].confidence == pytest.approx(1.0 - 0.025 / 5.0)


def test_the_surest_change_comes_first() -> None:
    history = since_change(hosts([Made(40, {20: 2.0}), Made(40), Made(40, {20: 8.0}), Made(12, {6: 8.0})], seed=2))
    p_values = [one.p_value for one in history.changes]
    assert p_values == sorted(p_values) and {one.host for one in history.changes} >= {"node-1", "node-3"}


def test_no_start_at_all() -> None:
    history = since_change(side([]))
    assert (history.changes, history.goal, history.hosts_too_few, history.left_out) == ((), None, 0, 0)


def test_texts_of_a_log_stand_in_a_sentence_as_they_are() -> None:
    """Whoever writes a report escapes them."""
    hostile = "v1\x1b[31m</script>|`\n"
    told = changed(Made(30, STEP, rows={0: OLD, 12: {"version": hostile}}))
    assert told[0] == f"The release changed from v1.32.4+k3s1 to {hostile}."


# --- how often it is right


def test_false_alarms_of_single_hosts() -> None:
    alarms = sum(bool(since_change(host(Made(20), seed=seed)).changes) for seed in range(300))
    assert alarms / 300 <= 0.06


@pytest.mark.long
def test_the_interval_holds_the_step_although_its_place_was_chosen() -> None:
    held = []
    for seed in range(100):
        for change in since_change(host(Made(20, {10: 3.0}), seed=seed)).changes[:1]:
            interval = change.comparison.metrics[0].difference
            held.append(interval.lower <= 15.0 <= interval.upper)
    assert len(held) >= 95
    assert sum(held) / len(held) >= 0.93


def test_every_change_told_is_sure_in_its_interval_too() -> None:
    for seed in range(60):
        for change in since_change(host(Made(14, {7: 1.5}), seed=seed)).changes:
            goal = change.comparison.metrics[0]
            assert (goal.id, goal.verdict in ("slower", "faster")) == ("ready", True)
            assert goal.difference.lower > 0.0 or goal.difference.upper < 0.0


@pytest.mark.long
def test_a_thousand_hosts() -> None:
    collection = hosts([Made(50, {20: 3.0} if n % 100 == 0 else {}) for n in range(1000)])
    began = time.process_time()
    history = since_change(collection)
    assert time.process_time() - began < 20.0
    assert len({one.host for one in history.changes} & {f"node-{n + 1}" for n in range(0, 1000, 100)}) == 10
    assert len(history.changes) <= 12


def test_an_hour_apart_or_a_second_is_the_same() -> None:
    collection = host(Made(30, {15: 5.0}))
    first = collection.starts[0].began_at
    assert first is not None
    close = [replace(start, began_at=first + timedelta(seconds=n)) for n, start in enumerate(collection.starts)]
    assert (
        since_change(replace(collection, starts=tuple(close))).changes[0].after
        == since_change(collection).changes[0].after
    )


# --- whatever there is


ENDS = st.tuples(st.sampled_from([0.0, 1.0, 30.0, 31.0, 500.0]), st.sampled_from([0.0, 0.5, 40.0, math.inf]))
ROWS = st.fixed_dictionaries(
    {
        "host": st.sampled_from([None, "a", "b"]),
        "version": st.sampled_from([None, "v1.33.1+k3s1", "x"]),
        "role": st.sampled_from(["server", "agent", "unknown"]),
        "outcome": st.sampled_from(["ready", "failed", "stopped", "incomplete"]),
        "fresh": st.sampled_from([None, True, False]),
        "precision_s": st.sampled_from([1e-6, 1.0]),
        "findings": st.sampled_from([(), (("slow_datastore", "warning"),)]),
    },
    optional={"began_at": st.sampled_from([None, BEGAN, BEGAN + timedelta(days=1)])},
)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ENDS, ROWS, st.sampled_from(["ready", "node", "hooks"])), max_size=60), st.booleans())
def test_any_collection_has_a_history(made: list[tuple[Bounds, dict[str, object], str]], step: bool) -> None:
    more = [200.0 if step and n > len(made) // 2 else 0.0 for n in range(len(made))]
    every = zip(made, more, strict=True)
    starts = [One({name: (least + by, least + by + width)}, row) for ((least, width), row, name), by in every]
    collection = side(starts)
    history = since_change(collection)
    told = {one.host for one in history.changes}
    hosts_ = {start.host or start.input for start in collection.starts}
    assert len(told) + history.hosts_without_change + history.hosts_too_few == len(hosts_)
    assert 0 <= history.left_out <= len(starts) and told <= hosts_
    for change in history.changes:
        goal = change.comparison.metrics[0]
        assert goal.verdict in ("slower", "faster") and not math.isnan(goal.difference.lower + goal.difference.upper)
