"""What the adaptive poller does with what it sees."""

from __future__ import annotations

import random
from dataclasses import fields

import pytest

from analyzer.policies import AskAt, Observation, Stop, get, state_line
from analyzer.policies.kinds.adaptive import ADVICE, KEPT_CONNECTION, MARKER
from analyzer.policies.protocol import ERRORS
from analyzer.simulator import recorded, validate

#: The last check to clear in all 260 recorded starts that became ready.
SLOWEST = "poststarthook/rbac/bootstrap-roles"
MANY = tuple(f"poststarthook/hook-{i}" for i in range(8))


def loop(**params: float):
    made = get("adaptive", jitter=0.0, **params).loops(random.Random(1))[0]
    assert made.first() == AskAt(0.0, "start", "first request")
    return made


def seen(at: float, error: str, *failing: str, latency: float = 0.004, retry: float | None = None) -> Observation:
    return Observation(at, latency, None, error, failing, (), retry)


def pause(decision, at: float) -> float:
    assert isinstance(decision, AskAt)
    return decision.at_s - at


def test_quickens_as_the_failing_set_shrinks() -> None:
    poller = loop()
    poller.next(seen(5.0, "service_unavailable"))
    many = pause(poller.next(seen(7.0, "readyz_failing", *MANY, SLOWEST, MARKER)), 7.0)
    last = pause(poller.next(seen(8.0, "readyz_failing", SLOWEST)), 8.0)
    assert last < many


def test_marker_check_keeps_the_pace_slow_even_when_few_fail() -> None:
    poller = loop()
    poller.next(seen(5.0, "service_unavailable"))
    early = poller.next(seen(8.0, "readyz_failing", SLOWEST, MARKER))
    late = poller.next(seen(9.0, "readyz_failing", SLOWEST))
    assert early.state == "early"
    assert late.state == "late"
    assert pause(late, 9.0) < pause(early, 8.0)


def test_nothing_is_asked_in_the_first_second_after_the_last_answer_without_handler() -> None:
    poller = loop(floor_s=1.2, many_s=0.1, late_min_s=0.1)
    poller.next(seen(5.004, "service_unavailable"))  # left at 5.0: serving began later
    decision = poller.next(seen(5.2, "readyz_failing", *MANY))
    assert decision.at_s == pytest.approx(6.2)


def test_pace_slows_with_the_time_since_serving() -> None:
    poller = loop()
    poller.next(seen(5.0, "service_unavailable"))
    early = pause(poller.next(seen(7.0, "readyz_failing", SLOWEST)), 7.0)
    late = pause(poller.next(seen(60.0, "readyz_failing", SLOWEST)), 60.0)
    assert early < late <= 0.56 + 1e-9


def test_overload_doubles_the_pause_and_one_good_answer_resets_it() -> None:
    poller = loop()
    pauses = [pause(poller.next(seen(float(t), "gateway_timeout")), float(t)) for t in range(10, 16)]
    assert pauses == pytest.approx([1, 2, 4, 8, 15, 15])
    poller.next(seen(20.0, "readyz_failing", SLOWEST))
    assert pause(poller.next(seen(21.0, "io_timeout")), 21.0) == pytest.approx(1.0)


def test_retry_after_is_obeyed() -> None:
    assert pause(loop().next(seen(3.0, "too_many_requests", retry=7.0)), 3.0) >= 7.0
    assert pause(loop().next(seen(3.0, "service_unavailable", retry=9.0)), 3.0) >= 9.0


def test_slow_server_is_asked_less_often() -> None:
    quick = pause(loop().next(seen(5.0, "readyz_failing", SLOWEST)), 5.0)
    slow = pause(loop().next(seen(5.0, "readyz_failing", SLOWEST, latency=2.0)), 5.0)
    assert slow > quick


@pytest.mark.parametrize("error", [name for name, severity in ERRORS if severity == "fatal"])
def test_fatal_class_is_confirmed_before_it_stops_with_advice(error: str) -> None:
    poller = loop()
    now, asked = 1.0, 0
    decision = poller.next(seen(now, error))
    while isinstance(decision, AskAt):
        asked += 1
        now = decision.at_s + 0.004
        decision = poller.next(seen(now, error))
    assert isinstance(decision, Stop)
    assert decision.kind == "fatal"
    assert asked >= 2
    assert now - 1.0 >= 3.0
    assert decision.advice == ADVICE[error] != ""
    assert error in decision.reason


def test_fatal_answer_that_goes_away_is_forgotten() -> None:
    poller = loop()
    for at in (1.0, 2.0, 6.0):
        poller.next(seen(at, "unauthorized") if at != 2.0 else seen(at, "service_unavailable"))
    assert isinstance(poller.next(seen(7.0, "unauthorized")), AskAt)


def test_suspect_classes_never_stop_it_before_its_time_is_up() -> None:
    poller = loop()
    decision = poller.next(seen(800.0, "io_timeout"))
    assert isinstance(decision, AskAt)
    stop = poller.next(seen(899.9, "io_timeout"))
    assert isinstance(stop, Stop)
    assert stop.kind == "timed_out"


def test_jitter_spreads_pollers_but_stays_within_its_share() -> None:
    pauses = set()
    for seed in range(50):
        poller = get("adaptive").loops(random.Random(seed))[0]
        poller.first()
        pauses.add(round(pause(poller.next(seen(60.0, "readyz_failing", SLOWEST)), 60.0), 6))
    assert len(pauses) > 40
    assert 0.9 * 0.41 <= min(pauses) < max(pauses) <= 1.1 * 0.41


def test_state_line_is_one_parsable_line() -> None:
    poller = loop()
    poller.next(seen(1.0, "service_unavailable"))
    observed = seen(3.0, "readyz_failing", SLOWEST)
    line = state_line("adaptive", "down", observed, poller.next(observed))
    assert "\n" not in line
    assert line.startswith("policy=adaptive t=3.000 from=down to=late error=readyz_failing")
    assert f"checks={SLOWEST}" in line
    hostile = Stop("fatal", 'a "quoted"\nreason\x1b[31m')
    assert "\n" not in state_line("adaptive", "", observed, hostile)
    assert "\x1b" not in state_line("adaptive", "", observed, hostile)


def test_a_start_that_has_only_begun_is_asked_later_than_one_that_is_nearly_done() -> None:
    poller = loop(many_s=0.7, begun=5, soon_s=0.4, floor_s=0.0)
    poller.next(seen(5.0, "service_unavailable"))
    assert pause(poller.next(seen(7.0, "readyz_failing", *MANY, MARKER)), 7.0) == pytest.approx(0.7)
    assert pause(poller.next(seen(8.0, "readyz_failing", SLOWEST, MARKER)), 8.0) == pytest.approx(0.4)
    same = loop(many_s=0.7, floor_s=0.0)
    same.next(seen(5.0, "service_unavailable"))
    assert pause(same.next(seen(8.0, "readyz_failing", SLOWEST, MARKER)), 8.0) == pytest.approx(0.7)


def test_what_wait_uses_keeps_its_word_on_the_half_it_was_not_chosen_on() -> None:
    """Of a core at the price of a poll over a kept connection: 2.0 ms where the simulator charges 2.7."""
    judged = [start for start in recorded.load() if validate.half_of(start) == 1]
    found = validate.verdict(get("adaptive", **KEPT_CONNECTION), judged)
    assert found.delay_p50 <= 0.16 and found.delay_p95 <= 0.5
    assert found.core_max * 2.0 / 2.7 <= 0.01


def test_the_pace_of_wait_has_a_name() -> None:
    named = get("adaptive-wait")
    assert named.name == "adaptive-wait"
    by_hand = get("adaptive", **KEPT_CONNECTION)
    mine = {field.name: getattr(named, field.name) for field in fields(named) if field.name != "name"}
    assert mine == {field.name: getattr(by_hand, field.name) for field in fields(by_hand) if field.name != "name"}
