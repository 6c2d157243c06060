"""The place of a step, what is said of how sure it is, and steps beside drifts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analyzer.stats.step import FEWEST, Course, drifts, step, wavy


def course(times: object, width: float = 0.0) -> Course:
    least = np.asarray(times, dtype=np.float64)
    return Course(least, least + width)


def made(number: int, at: int, size: float, seed: int) -> np.ndarray:
    times = np.random.default_rng([seed, number]).normal(60.0, 5.0, number)
    times[at:] += 5.0 * size
    return times


@pytest.mark.parametrize("at", [4, 7, 12, 16])
@pytest.mark.parametrize("near", [4, 10, 16])
def test_a_clear_step_is_at_its_place_wherever_it_is_looked_for(at: int, near: int) -> None:
    found = step(course(made(20, at, 12.0, 1)), near)
    assert found.place == at and found.last - found.first <= 1


def test_a_step_without_chance_is_at_its_place() -> None:
    found = step(course([5.0] * 9 + [7.0] * 6), 8)
    assert (found.place, found.first, found.last) == (9, 9, 9)


def test_what_windows_hide_of_the_place_is_said() -> None:
    times = np.array([10.0] * 8 + [20.0] * 8)
    hidden = Course(
        np.where(np.isin(np.arange(16), (7, 8)), 5.0, times), np.where(np.isin(np.arange(16), (7, 8)), 25.0, times)
    )
    found = step(hidden, 8)
    assert (found.first, found.last) == (7, 9)


def test_one_length_that_never_ends_does_not_move_the_place() -> None:
    times = made(20, 10, 5.0, 3)
    lost = np.arange(20) == 3
    assert step(Course(np.where(lost, np.inf, times), np.where(lost, np.inf, times)), 10).place == 10


def test_all_that_never_end_are_a_level() -> None:
    times = made(20, 10, 0.0, 3)
    lost = np.arange(20) >= 12
    assert step(Course(np.where(lost, np.inf, times), np.where(lost, np.inf, times)), 10).place == 12


@pytest.mark.parametrize(("size", "number", "least"), [(1.5, 20, 0.75), (3.0, 20, 0.93), (1.5, 50, 0.9)])
def test_the_true_place_is_mostly_among_those_told(size: float, number: int, least: float) -> None:
    found = [step(course(made(number, number // 2, size, seed)), number // 2) for seed in range(200)]
    assert np.mean([one.first <= number // 2 <= one.last for one in found]) >= least
    assert all(FEWEST <= one.first <= one.place <= one.last <= number - FEWEST for one in found)


def test_a_line_fits_a_drift_and_levels_fit_steps() -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(60)
    assert drifts(course(np.linspace(0.0, 8.0, 60) + noise), [30])
    assert not drifts(course(np.repeat([0.0, 4.0], 30) + noise), [30])
    stairs = np.repeat([0.0, 4.0, 8.0], 20) + noise
    assert not drifts(course(stairs), [20, 40])


def test_two_steps_have_to_make_up_for_being_two() -> None:
    rng = np.random.default_rng(2)
    drifting = [course(np.linspace(0.0, 4.0, 60) + rng.standard_normal(60)) for _ in range(200)]
    assert np.mean([drifts(one, [20, 40]) for one in drifting]) >= 0.95


def test_a_line_of_thousands_of_lengths() -> None:
    times = np.linspace(0.0, 50.0, 5000) + np.random.default_rng(1).standard_normal(5000)
    assert drifts(course(times), [2500])


def test_white_noise_is_not_wavy_and_waves_are() -> None:
    rng = np.random.default_rng(3)
    white = [course(rng.standard_normal(40)) for _ in range(200)]
    assert np.mean([wavy(one, [20]) for one in white]) <= 0.2
    waves = [course(np.cumsum(rng.standard_normal(40)) * 0.5 + rng.standard_normal(40) * 0.2) for _ in range(50)]
    assert np.mean([wavy(one, [20]) for one in waves]) >= 0.9


def test_nothing_ends() -> None:
    never = Course(np.full(10, math.inf), np.full(10, math.inf))
    found = step(never, 5)
    assert (found.first, found.last) == (FEWEST, 10 - FEWEST)
    assert not drifts(never, [5])
