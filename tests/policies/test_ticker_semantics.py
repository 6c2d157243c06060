"""The Go ticker, to the tick."""

from __future__ import annotations

import random

import pytest

from analyzer.policies import AskAt, Observation, Stop, get


def failed(at: float, latency: float = 0.004, error: str = "service_unavailable") -> Observation:
    return Observation(at_s=at, latency_s=latency, status=503, error=error)


def shared():
    return get("shared-2s").loops(random.Random(0))[0]


def times(loop, answers: list[float]) -> list[float]:
    """Departures of a loop whose k-th answer takes ``answers[k]`` seconds."""
    decision = loop.first()
    found = []
    for latency in answers:
        assert isinstance(decision, AskAt)
        found.append(decision.at_s)
        decision = loop.next(failed(decision.at_s + latency, latency))
    return found


def test_first_request_is_immediate_and_the_grid_is_every_two_seconds() -> None:
    assert times(shared(), [0.01] * 4) == [0.0, 2.0, 4.0, 6.0]


def test_slow_answer_is_followed_at_once_and_then_by_the_unmoved_grid() -> None:
    # The request of t=2 takes 2.7 s: tick 4 waits in the channel and fires at 4.7; the next is 6, not 6.7.
    assert times(shared(), [0.01, 2.7, 0.1, 0.1]) == pytest.approx([0.0, 2.0, 4.7, 6.0])


def test_only_one_tick_waits_in_the_channel() -> None:
    # 9 s without an answer: ticks 4, 6, 8, 10 fired, one was kept.
    assert times(shared(), [0.01, 9.0, 0.1, 0.1]) == pytest.approx([0.0, 2.0, 11.0, 12.0])


def test_a_queued_request_that_is_slow_itself_queues_again() -> None:
    assert times(shared(), [0.01, 2.5, 2.0, 0.1]) == pytest.approx([0.0, 2.0, 4.5, 6.5])


def test_answer_exactly_on_a_tick_takes_that_tick() -> None:
    assert times(shared(), [2.0, 0.1]) == [0.0, 2.0]


def test_gives_up_after_fifteen_minutes() -> None:
    loop = shared()
    loop.first()
    decision = loop.next(failed(899.0, 0.1))
    assert decision == AskAt(899.0, "tick", "queued tick")
    stop = loop.next(failed(899.2, 0.1))
    assert isinstance(stop, Stop)
    assert stop.kind == "timed_out"
    assert stop.at_s == 900.0
    assert stop.advice


def test_success_stops_with_the_moment_of_the_answer() -> None:
    loop = shared()
    loop.first()
    assert loop.next(Observation(4.2, 0.1, 200)) == Stop("ready", at_s=4.2)


def test_legacy_has_four_loops_and_the_waiter_starts_anew_every_thirty_seconds() -> None:
    policy = get("legacy-4x1s")
    waiter, *others = policy.loops(random.Random(3))
    assert len(others) == 3
    phases = [loop.first().at_s for loop in others]
    assert all(0 <= phase < 1 for phase in phases)
    assert len(set(phases)) == 3
    # 0, 1, … 29, then the next round begins at 30 with a request of its own, on a new grid.
    departures = times(waiter, [0.01] * 33)
    assert departures == pytest.approx([float(k) for k in range(33)])


def test_legacy_round_that_ends_inside_a_slow_request_moves_the_grid() -> None:
    waiter = get("legacy-4x1s").loops(random.Random(3))[0]
    departures = times(waiter, [0.01] * 29 + [1.4, 0.01, 0.01])
    # The request of t=29 is answered at 30.4, after the round: the new round's grid begins there.
    assert departures[29:] == pytest.approx([29.0, 30.4, 31.4])


def test_legacy_waiter_never_gives_up_but_its_gates_do() -> None:
    waiter, gate, *_ = get("legacy-4x1s").loops(random.Random(3))
    assert isinstance(waiter.next(failed(5000.0)), AskAt)
    assert isinstance(gate.next(failed(5000.0)), Stop)
