"""Two collections compared: what is said of each metric, of the whole, and of what the sides differ in."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.collection.model import Collection, InputRow
from analyzer.comparison.compare import compared, metrics_in_common
from analyzer.comparison.model import Asked, Comparison, Limit, MetricComparison
from analyzer.reports import comparison_words as words
from tests.kit.every_format import every_comparison_format
from tests.kit.made_sides import NEVER, One, failed, normal, ready, side


def of(base: Collection, new: Collection, **asked: object) -> Comparison:
    return compared(base, new, Asked(**asked)).comparison  # type: ignore[arg-type]


def goal(comparison: Comparison) -> MetricComparison:
    assert comparison.metrics[0].id == comparison.goal
    return comparison.metrics[0]


def notes(comparison: Comparison) -> set[str]:
    return {note.id for note in comparison.design}


def test_a_release_that_is_slower_is_called_so_with_the_interval_around_the_truth() -> None:
    found = of(side(normal(20, 60.0, 2.0, seed=1)), side(normal(20, 65.0, 2.0, seed=2)))
    ready_ = goal(found)
    assert (ready_.id, ready_.verdict, ready_.unit) == ("ready", "slower", "s")
    assert 0.0 < ready_.difference.lower <= 5.0 <= ready_.difference.upper
    assert ready_.relative is not None and ready_.relative.lower <= 5.0 / 60.0 <= ready_.relative.upper
    assert (ready_.base.n, ready_.new.n, ready_.needed, ready_.decision) == (20, 20, None, None)
    assert found.decision is None and found.base.starts == 20


def test_swapped_sides_mirror_the_interval() -> None:
    base, new = side(normal(12, seed=1)), side(normal(15, 62.0, seed=2), "new")
    one, other = goal(of(base, new)).difference, goal(of(new, base)).difference
    assert (other.lower, other.upper) == pytest.approx((-one.upper, -one.lower))


@pytest.mark.parametrize(
    ("limit", "decision", "verdict"),
    [
        (Limit(2.0), "over", "slower"),
        (Limit(20.0), "within", "slower"),
        (Limit(5.0), "undecided", "slower"),
        (Limit(0.02, relative=True), "over", "slower"),
        (Limit(0.3, relative=True), "within", "slower"),
    ],
)
def test_limits(limit: Limit, decision: str, verdict: str) -> None:
    found = of(side(normal(20, 60.0, 2.0, seed=1)), side(normal(20, 65.0, 2.0, seed=2)), limit=limit)
    assert (goal(found).decision, found.decision, goal(found).verdict) == (decision, decision, verdict)
    assert all(metric.decision is None for metric in found.metrics[1:])  # the limit is for the goal


def test_what_could_not_be_read_may_be_over_the_limit_and_every_report_says_so() -> None:
    base, new = side(normal(20, 60.0, 2.0, seed=1)), side(normal(20, 60.0, 2.0, seed=2))
    new = replace(new, inputs=(*new.inputs, InputRow("bad.gz", 9, 1, 0, "damaged", "unreadable")))
    whole = compared(base, new, Asked(limit=Limit(20.0)))
    assert whole.comparison.decision == goal(whole.comparison).decision == "undecided"
    for text in every_comparison_format(whole).values():
        assert "1 of 21 inputs could not be read" in " ".join(text.split())
    assert "as not all inputs could be read" in words.verdict(whole.comparison)
    assert not words.more_starts(whole.comparison)
    slow = of(base, replace(new, metrics=side(normal(20, 90.0, 2.0)).metrics), limit=Limit(20.0))
    assert slow.decision == "over"


def test_inside_the_limit_both_ways_is_the_same() -> None:
    sides = side(normal(30, 60.0, 1.0, seed=1)), side(normal(30, 60.0, 1.0, seed=2))
    assert goal(of(*sides)).verdict == "undecided"
    assert goal(of(*sides, limit=Limit(2.0))).verdict == "same"
    assert goal(of(*sides, limit=Limit(0.05, relative=True))).verdict == "same"


def test_a_start_that_failed_counts_as_later_than_all_others() -> None:
    base = side(normal(20, 60.0, 2.0, seed=1))
    new = side([*normal(8, 60.0, 2.0, seed=2), *(failed() for _ in range(12))])
    found = of(base, new)
    assert (goal(found).verdict, goal(found).new.n) == ("slower", 20)
    assert goal(found).new.min == goal(found).new.max == math.inf
    assert "other_outcomes" in notes(found)


def test_a_start_whose_log_ends_before_it_was_ready_may_have_been_ready_at_once() -> None:
    base = side(normal(20, 60.0, 2.0, seed=1))
    cut = [One({"ready": (1.0, math.inf)}, {"outcome": "incomplete"}) for _ in range(12)]
    found = of(base, side([*normal(8, 60.0, 2.0, seed=2), *cut]))
    assert goal(found).verdict == "undecided"
    assert goal(found).difference.upper == math.inf and goal(found).difference.lower < 0.0


def test_a_start_whose_log_does_not_show_a_metric_may_have_taken_any_time() -> None:
    """Those whose log ends in a phase that takes long, or begins in it, would be left out just because of that."""
    base = side([One({"ready": (10, 10), "apiserver_boot": (3, 3)})] * 12)
    cut = [One({"ready": (40, math.inf)}, {"outcome": "incomplete"})] * 6
    new = side([*[One({"ready": (8, 8), "apiserver_boot": (1, 1)})] * 6, *cut])
    [boot] = of(base, new, metrics=("apiserver_boot",), limit=Limit(0.1, relative=True)).metrics
    assert (boot.new.n, boot.verdict, boot.decision) == (12, "undecided", "undecided")


def test_part_of_a_phase_that_no_line_divides_counts_for_it() -> None:
    base = side([One({"apiserver_boot": (7.1, 7.1)})] * 12)
    new = side([One({"apiserver_boot": (0.7, 0.7), "certificates+apiserver_boot": (4.6, math.inf)})] * 12)
    [boot] = of(base, new, metrics=("apiserver_boot",)).metrics
    assert boot.verdict == "undecided"


def test_a_start_without_a_known_outcome_may_have_failed() -> None:
    base = side([ready(60.0) for _ in range(30)])
    new = [One({"ready": (1.0, math.inf)}, {"outcome": "incomplete"}) for _ in range(30)]
    failures = of(base, side(new)).metrics[-1]
    assert (failures.id, failures.unit, failures.verdict) == ("failed", "share", "undecided")
    assert (failures.new.min, failures.new.max) == (0.0, 1.0)
    worse = of(base, side([failed() for _ in range(30)])).metrics[-1]
    assert (worse.verdict, worse.relative) == ("slower", None)
    assert worse.difference.lower > 0.5 and worse.difference.upper == 1.0


def test_first_starts_and_restarts_are_compared_like_with_like() -> None:
    """Twice as many first starts, each 30 s longer, are no difference; and what the kinds differ by does not blur."""

    def made(first: int, restarts: int, shift: float, seed: int) -> Collection:
        return side([
            *normal(first, 90.0 + shift, 1.0, seed, fresh=True),
            *normal(restarts, 60.0 + shift, 1.0, seed + 1, fresh=False),
        ], f"s{seed}")  # fmt: skip

    same = of(made(6, 14, 0.0, 1), made(14, 6, 0.0, 3))
    assert (goal(same).verdict, goal(same).balanced) == ("undecided", ("kind",))
    assert goal(same).difference.upper - goal(same).difference.lower < 6.0
    assert "balanced" in notes(same)
    later = of(made(10, 10, 0.0, 1), made(10, 10, 3.0, 3))
    assert goal(later).verdict == "slower"
    assert later.metrics[0].difference.lower <= 3.0 <= later.metrics[0].difference.upper


def test_kinds_that_one_side_lacks_are_said() -> None:
    found = of(side(normal(9, seed=1, fresh=True)), side(normal(9, seed=2, fresh=False)))
    (note,) = [note for note in found.design if note.id == "other_kinds"]
    assert "base has 9 first starts; new has 9 restarts" in note.sentence
    assert goal(found).balanced == ()


def test_releases_on_both_sides_are_compared_like_with_like() -> None:
    def made(old: int, new: int, seed: int) -> Collection:
        return side([
            *normal(old, 60.0, 1.0, seed, version="v1.30.1+k3s1"),
            *normal(new, 80.0, 1.0, seed + 1, version="v1.33.1+k3s1"),
        ], f"s{seed}")  # fmt: skip

    found = of(made(14, 6, 1), made(6, 14, 5))
    assert goal(found).balanced == ("version",)
    assert goal(found).verdict == "undecided"
    assert {"mixed_versions", "balanced"} <= notes(found)


def test_values_of_own_labels_are_compared_like_with_like() -> None:
    def made(slow: int, fast: int, seed: int) -> Collection:
        return side([
            *normal(slow, 90.0, 1.0, seed, labels=(("board", "pi"),)),
            *normal(fast, 30.0, 1.0, seed + 1, labels=(("board", "vm"),)),
        ], f"s{seed}")  # fmt: skip

    found = of(made(14, 6, 1), made(6, 14, 5))
    assert (goal(found).balanced, goal(found).verdict) == (("board",), "undecided")
    assert goal(found).difference.upper < 5.0
    assert any("the same mix of the values of board." in note.sentence for note in found.design)


def test_design_is_told() -> None:
    hour = {"first_hour": 100.0}
    few = of(side(normal(3, seed=1)), side(normal(9, seed=2), "new", 0.5))
    assert "few_starts" in notes(few) and "3 starts" in few.design[0].sentence
    later = of(side(normal(9, seed=1)), side(normal(9, seed=2), "new", **hour))
    assert "one_after_other" in notes(later)
    assert "one_after_other" not in notes(of(side(normal(9, seed=1)), side(normal(9, seed=2), "new", 0.5)))
    moved = of(side(normal(9, seed=1)), side(normal(9, seed=2, host="node-2")))
    assert "other_machines" in notes(moved)
    coarse = of(side(normal(9, seed=1)), side(normal(9, seed=2, precision_s=1.0), "new"))
    assert "other_precision" in notes(coarse)
    assert any("new are to the second, the others to the " in note.sentence for note in coarse.design)
    agents = of(side(normal(9, seed=1)), side(normal(9, seed=2, role="agent"), "new"))
    assert "other_roles" in notes(agents)
    itself = side(normal(9, seed=1))
    (same,) = of(itself, itself).design
    assert same.sentence == "9 of 9 starts are on both sides: were the same logs named twice?"
    assert notes(of(side(normal(9, seed=1)), side(normal(9, seed=2), "new", 0.5))) == set()


def test_a_side_of_very_unlike_starts_asks_for_a_label_that_tells_them_apart() -> None:
    def made(seed: int, fast: float, **labels: str) -> Collection:
        own = tuple(labels.items())
        return side([
            *normal(7, 90.0, 1.0, seed, labels=own and (("board", "pi"),)),
            *normal(7, fast, 0.5, seed + 1, labels=own and (("board", "vm"),)),
        ], f"s{seed}")  # fmt: skip

    (note,) = [one for one in of(made(1, 20.0), made(5, 20.0)).design if one.id == "mixed_starts"]
    assert re.match(r"The starts of a side differ by a factor of 4\.\d\. .*--label 'NAME=REGEX'\.$", note.sentence)
    assert "mixed_starts" not in notes(of(made(1, 40.0), made(5, 40.0)))
    assert "mixed_starts" not in notes(of(made(1, 20.0, board=""), made(5, 20.0, board="")))


def test_what_was_asked_for_and_is_not_there_is_said() -> None:
    base, new = side([ready(60.0)] * 6), side([One({"images": (5, 6), "ready": (9, 9)})] * 6, "new")
    found = of(base, new, metrics=("ready", "images", "node"))
    told = [one.sentence for one in found.design if one.id == "not_there"]
    assert told == ["No start of the base has images.", "No start on either side has node."]


def test_three_hosts_are_said_to_be_few() -> None:
    def made(name: str, seed: int) -> Collection:
        hosts = [normal(6, 60.0, 1.0, seed + n, host=f"node-{n}") for n in range(3)]
        return side([one for host in hosts for one in host], name)

    assert "few_hosts" in notes(of(made("base", 1), made("new", 9)))


def test_what_one_side_alone_has() -> None:
    checks = {"check:ping": (0.0, 1.0), "ready": (10.0, 11.0)}
    base = side([One(checks | {"check:old": (1.0, 2.0), "apiserver_boot": (1.0, 2.0)}) for _ in range(3)])
    new = side([One(checks | {"check:fine": (1.0, 2.0), "apiserver_boot+hooks": (1.0, 2.0)}) for _ in range(4)])
    new = replace(new, starts=(*new.starts[:3], replace(new.starts[3], outcome="failed", reason="no quorum")))
    found = of(base, new)
    assert [(one.kind, one.name, one.starts) for one in found.only_base] == [("check", "old", 3)]
    assert [(one.kind, one.name, one.starts) for one in found.only_new] == [
        ("check", "fine", 4), ("reason", "no quorum", 1)
    ]  # fmt: skip
    silent = side([One({"ready": (10.0, 11.0)}) for _ in range(3)])
    assert of(silent, new).only_new == of(side([One({"ready": (10.0, 11.0)})]), new).only_new
    assert [one.kind for one in of(silent, new).only_new] == ["phase", "reason"]
    assert "no_check_lists" in notes(of(silent, new))


def test_the_metrics_asked_for_alone_in_their_order() -> None:
    both = [One({"ready": (10.0 + n, 11.0 + n), "hooks": (3.0 + n, 4.0 + n), "images": (1.0, 2.0)}) for n in range(8)]
    found = of(side(both), side(both, "new"), metrics=("hooks", "ready"), limit=Limit(1000.0))
    assert [metric.id for metric in found.metrics] == ["hooks", "ready"]
    assert (found.goal, found.decision) == ("hooks", "within")
    assert [metric.decision for metric in found.metrics] == ["within", "within"]
    lacking = of(side(both), side(both, "new"), metrics=("ready", "check:etcd"), limit=Limit(1000.0))
    assert (lacking.decision, [metric.id for metric in lacking.metrics]) == ("undecided", ["ready"])


def test_agents_alone_are_compared_by_their_node() -> None:
    agents = [One({"node": (10.0 + n, 11.0 + n), "server": (5.0, 6.0)}, {"role": "agent"}) for n in range(8)]
    assert of(side(agents), side(agents, "new")).goal == "node"


def test_many_metrics_are_one_family() -> None:
    """Each metric's interval leaves out 0 just where its verdict says so, at the confidence it was judged at."""
    rng = np.random.default_rng(3)

    def made(shift: float, name: str) -> Collection:
        return side([
            One({"ready": (t := 60.0 + shift + float(rng.normal()), t + 0.1)}
                | {f"check:{n}": (s := 5.0 + float(rng.normal()), s + 0.1) for n in range(30)})
            for _ in range(20)
        ], name)  # fmt: skip

    found = of(made(0.0, "a"), made(4.0, "b"))
    assert goal(found).verdict == "slower" and goal(found).confidence == pytest.approx(0.96)
    for metric in found.metrics:
        outside = metric.difference.lower > 0.0 or metric.difference.upper < 0.0
        assert outside == (metric.verdict in ("slower", "faster"))
    rest = [metric for metric in found.metrics[1:] if metric.verdict == "undecided"]
    assert len(rest) == 31 and min(metric.confidence for metric in rest) > 0.99


def test_how_many_starts_would_decide() -> None:
    sides = side(normal(8, 60.0, 4.0, seed=1)), side(normal(8, 64.0, 4.0, seed=5))
    found = goal(of(*sides, limit=Limit(4.0)))
    assert found.decision == "undecided" and found.needed is not None and 8 < found.needed <= 200
    assert found.detectable is not None and found.detectable > 2.0
    wide = side(normal(8, 60.0, 1.0, seed=1, width=30.0)), side(normal(8, 61.0, 1.0, seed=2, width=30.0))
    assert goal(of(*wide)).needed is None  # no number of starts would: the windows are too wide


@pytest.mark.parametrize(("statistic", "enough"), [("median", 5), ("mean", 30), ("p90", 20)])
def test_too_few_starts_for_a_statistic_are_marked(statistic: str, enough: int) -> None:
    sides = side(normal(enough, seed=1)), side(normal(enough, seed=2), "new")
    assert not goal(of(*sides, statistic=statistic)).few
    fewer = side(normal(enough - 1, seed=1)), side(normal(enough, seed=2), "new")
    assert goal(of(*fewer, statistic=statistic)).few


def test_the_order_of_the_inputs_changes_nothing() -> None:
    base, new = normal(12, seed=1), normal(14, 63.0, seed=2)
    one = of(side(base), side(new, "new"))
    rng = np.random.default_rng(0)
    mixed = [side([both[n] for n in rng.permutation(len(both))], name) for both, name in ((base, "logs"), (new, "new"))]
    assert of(*mixed).metrics == one.metrics


def test_a_side_without_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="without starts"):
        compared(side(normal(3)), Collection((), {}, ()))


def test_what_both_have_in_its_usual_order() -> None:
    base = side([One({"ready": (1.0, 2.0), "hooks": (1.0, 2.0), "check:a": (0.0, 1.0), "node": (3.0, 4.0)})])
    new = side([One({"ready": NEVER, "check:a": (0.0, 1.0), "images": (3.0, 4.0), "hooks": (1.0, 2.0)})])
    assert metrics_in_common(base, new) == ["ready", "hooks", "check:a", "failed"]


lengths = st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.0, 10.0)), min_size=1, max_size=9)


@pytest.mark.long
@settings(max_examples=80, deadline=None)
@given(lengths, lengths, st.sampled_from(["median", "mean", "p90"]), st.lists(st.floats(0.0, 1.0), min_size=18))
def test_no_position_inside_the_windows_leaves_the_interval(
    base: list[tuple[float, float]], new: list[tuple[float, float]], statistic: str, where: list[float]
) -> None:
    """The interval of any exact times inside the windows is inside that of the windows."""

    def at(ends: list[tuple[float, float]], places: list[float]) -> list[One]:
        return [ready(low + share * width) for (low, width), share in zip(ends, places, strict=False)]

    wide = [side([One({"ready": (low, low + width)}) for low, width in ends]) for ends in (base, new)]
    exact = [side(at(base, where[:9])), side(at(new, where[9:]))]
    outer, inner = (goal(of(*both, statistic=statistic, metrics=("ready",))).difference for both in (wide, exact))
    assert outer.lower <= inner.lower + 1e-9 and inner.upper <= outer.upper + 1e-9
