"""Change points: the laws they obey, what is one, and how often they are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.stats import change_point, rank_sums
from analyzer.stats.change_point import Found, changes
from analyzer.stats.step import Course

EXACT = st.lists(st.integers(0, 40).map(float), min_size=8, max_size=24)
WINDOWS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 6)).map(lambda one: (float(one[0]), float(one[0] + one[1]))),
    min_size=8, max_size=24,
)  # fmt: skip


def exact(values: object) -> Course:
    times = np.asarray(values, dtype=np.float64)
    return Course(times, times)


def windows(ends: list[tuple[float, float]]) -> Course:
    both = np.array(ends, dtype=np.float64)
    return Course(both[:, 0], both[:, 1])


def smallest(course: Course) -> float:
    """The p-value of there being no change."""
    return change_point._surest(course)[0]


def of(course: Course, share: float = 0.05) -> tuple[Found, ...]:
    return changes([course], share)[0]


def normal(number: int, seed: int, step: float = 0.0, at: int | None = None, width: float = 0.1) -> Course:
    rng = np.random.default_rng([seed, number])
    times = rng.normal(60.0, 5.0, number)
    times[number if at is None else at :] += 5.0 * step
    least = times - width * rng.random(number)
    return Course(least, least + width)


# --- laws


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(WINDOWS, st.data())
def test_no_position_inside_the_windows_undoes_it(ends: list[tuple[float, float]], data: st.DataObject) -> None:
    inside = [low + (high - low) * data.draw(st.floats(0.01, 1.0)) for low, high in ends]
    assert smallest(exact(inside)) <= smallest(windows(ends)) + 1e-12


@settings(max_examples=40, deadline=None)
@given(EXACT)
def test_backwards_and_upside_down_it_is_as_sure(values: list[float]) -> None:
    p = smallest(exact(values))
    assert smallest(exact(values[::-1])) == pytest.approx(p)
    assert smallest(exact([-value for value in values])) == pytest.approx(p)


def test_a_scale_does_not_matter() -> None:
    found = of(normal(30, 1, 2.0, 15))
    assert len(found) == 1
    course = normal(30, 1, 2.0, 15)
    assert of(Course(1000.0 * course.least, 1000.0 * course.most)) == found


# --- what is found


def test_a_step_is_found_with_its_direction_and_its_place() -> None:
    [longer] = of(normal(30, 1, 5.0, 12))
    assert (longer.place, longer.longer, longer.gradual) == (12, True, False)
    assert longer.p_value < 1e-3 and longer.first <= 12 <= longer.last
    [shorter] = of(normal(30, 1, -5.0, 18))
    assert (shorter.place, shorter.longer) == (18, False)


@pytest.mark.parametrize(
    "times",
    [
        [60.0] * 30,
        [60.0, 75.0] * 20,  # two kinds by turns
        [60.0, 61.0] * 10 + [90.0] * 3,  # the last three alone
        [60.0] * 7,
    ],
)
def test_what_is_no_change(times: list[float]) -> None:
    assert of(exact(times)) == ()


def test_single_stalls_are_no_change() -> None:
    course = normal(40, 3)
    stalled = np.isin(np.arange(40), (5, 21, 22, 37))
    more = np.where(stalled, 300.0, 0.0)
    assert of(Course(course.least + more, course.most + more)) == ()


def test_starts_that_never_end_are_longer_than_all_others() -> None:
    course = normal(24, 4)
    lost = np.arange(24) >= 14
    [found] = of(Course(np.where(lost, np.inf, course.least), np.where(lost, np.inf, course.most)))
    assert (found.place, found.longer, found.gradual) == (14, True, False)


def test_starts_of_which_nobody_saw_the_end_may_have_ended_at_once() -> None:
    course = normal(24, 4)
    unseen = np.arange(24) >= 12
    assert of(Course(np.where(unseen, 1.0, course.least), np.where(unseen, np.inf, course.most))) == ()


def test_windows_wider_than_the_step_say_nothing() -> None:
    assert of(normal(40, 5, 1.5, 20, width=0.1)) != ()
    assert of(normal(40, 5, 1.5, 20, width=20.0)) == ()


def test_several_changes_of_one_course() -> None:
    times = np.concatenate((normal(15, 1).least, normal(15, 2).least + 25.0, normal(15, 3).least + 5.0))
    found = of(exact(times))
    assert [(one.place, one.longer) for one in found] == [(15, True), (30, False)]


@pytest.mark.parametrize("number", [20, 40, 120])
def test_a_stretch_that_differs_from_both_sides(number: int) -> None:
    """As one step alone it would hardly show."""
    course = normal(number, 8)
    begin = number // 3
    more = np.where((np.arange(number) >= begin) & (np.arange(number) < begin + 7), 25.0, 0.0)
    found = of(Course(course.least + more, course.most + more))
    assert [(one.place, one.longer) for one in found] == [(begin, True), (begin + 7, False)]
    assert all(one.p_value <= 0.05 for one in found)


def test_a_stretch_of_three_is_stalls() -> None:
    course = normal(40, 6)
    more = np.where((np.arange(40) >= 20) & (np.arange(40) < 23), 100.0, 0.0)
    assert of(Course(course.least + more, course.most + more)) == ()


def test_at_most_so_many() -> None:
    levels = (0.0, 40.0, 80.0, 200.0, 300.0)
    times = np.concatenate([normal(12, seed).least + level for seed, level in enumerate(levels)])
    assert len(of(exact(times))) == 3
    assert len(changes([exact(times)], most=9)[0]) == 4


def test_a_drift_is_no_step() -> None:
    [found] = of(exact(60.0 + np.arange(40) + normal(40, 7).least - 60.0))
    assert found.gradual and found.longer


def test_waves_show() -> None:
    rng = np.random.default_rng(12)
    by = rng.standard_normal(60)
    for n in range(1, 60):
        by[n] = 0.8 * by[n - 1] + 0.6 * by[n]
    by[30:] += 3.0
    assert all(one.wavy for one in of(exact(by))) and of(exact(by))
    assert not any(one.wavy for one in of(normal(60, 1, 3.0, 30)))


@pytest.mark.long
def test_many_lengths() -> None:
    rng = np.random.default_rng(1)
    times = rng.normal(60.0, 5.0, 6000)
    times[3500:] += 5.0
    found = of(exact(times))
    assert found and min(abs(one.place - 3500) for one in found) <= 10
    assert all(one.p_value < 1e-9 for one in found if abs(one.place - 3500) <= 10)


# --- how often it is right


def rate(made: Callable[[int], Course], seeds: int) -> float:
    return sum(bool(of(made(seed))) for seed in range(seeds)) / seeds


@pytest.mark.long
@pytest.mark.parametrize(("number", "width"), [(10, 0.1), (20, 0.1), (50, 0.1), (20, 2.0)])
def test_false_alarms(number: int, width: float) -> None:
    assert rate(lambda seed: normal(number, seed, width=width), 500) <= 0.06


def test_false_alarms_with_stalls_and_starts_that_never_end() -> None:
    def made(seed: int) -> Course:
        rng = np.random.default_rng(seed)
        times = rng.lognormal(4.0, 0.3, 25) + 60.0 * (rng.random(25) < 0.1)
        lost = rng.random(25) < 0.1
        return Course(np.where(lost, np.inf, times), np.where(lost, np.inf, times + 0.1))

    assert rate(made, 500) <= 0.06


@pytest.mark.long
def test_power() -> None:
    assert rate(lambda seed: normal(30, seed, 1.5, 15), 200) >= 0.8
    assert rate(lambda seed: normal(10, seed, 3.0, 5), 200) >= 0.8


@pytest.mark.long
def test_of_many_courses_few_false_ones_are_told() -> None:
    false = told = missed = 0
    for seed in range(10):
        courses = [normal(30, 1000 * seed + n, 3.0 if n < 10 else 0.0, 15) for n in range(100)]
        found = changes(courses)
        missed += sum(not one for one in found[:10])
        false += sum(bool(one) for one in found[10:])
        told += sum(bool(one) for one in found)
    assert missed <= 5
    assert false <= 0.08 * told


def test_a_course_alone_says_more_than_among_a_hundred() -> None:
    courses = [normal(12, seed, 3.0 if seed == 0 else 0.0, 6) for seed in range(100)]
    assert changes(courses[:1])[0] and changes(courses)[0] == ()


def test_the_same_always_gives_the_same() -> None:
    courses = [normal(30, seed, 2.0, 15) for seed in range(5)]
    first = changes(courses)
    rank_sums._largest.cache_clear()
    assert changes(courses) == first
    assert [replace(one, p_value=0.0) for (one,) in first] == [replace(one, p_value=0.0) for (one,) in changes(courses)]
