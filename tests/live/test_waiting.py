"""The wait loop in virtual time: policies, limits, verdicts, interruption, and stamps that ignore clock steps."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import random
import statistics
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.errors import UsageError
from analyzer.live.observed_polls import Answer, ObservedPoll, ObservedWait
from analyzer.live.prober import Prober
from analyzer.live.screen import LiveLine, StateLines, clock_face, fitted
from analyzer.live.waiting import Wait, limited
from analyzer.policies import Observation, get
from analyzer.policies.protocol import AskAt, Limits, Loop, Policy
from tests.live.virtual import ScriptedProber, VirtualClock, run_virtual

READY = Answer(None, 200, "ready", (), ("a", "b"))
FAILING = Answer("readyz_failing", 500, "readyz check failed", ("a",), ("b",))
AWAY = Answer("service_unavailable", 503, "status 503", message="apiserver not ready")


def becomes_ready(at_s: float, before: Answer = FAILING) -> ScriptedProber:
    return ScriptedProber(lambda t: READY if t >= at_s else before)


def waited(prober: ScriptedProber, policy: str | Policy, timeout_s: float = 900.0, seed: int = 1) -> ObservedWait:
    chosen = get(policy) if isinstance(policy, str) else policy

    async def main() -> ObservedWait:
        one = Wait(prober, chosen, timeout_s=timeout_s, clock=VirtualClock(), rng=random.Random(seed))
        return await one.run()

    return run_virtual(main())


def test_shared_2s_asks_on_its_grid() -> None:
    prober = becomes_ready(7.0)
    seen = waited(prober, "shared-2s")
    assert seen.verdict == "ready"
    assert prober.asked == pytest.approx([0, 2, 4, 6, 8])
    assert seen.success is not None and seen.success.answered_s == pytest.approx(8.004)
    assert prober.limits == pytest.approx([15.0] * 5)


def test_a_slow_answer_is_followed_at_once_and_the_grid_stays() -> None:
    prober = ScriptedProber(lambda t: READY if t > 9 else FAILING, lambda t: 5.0 if 1.9 < t < 2.1 else 0.004)
    waited(prober, "shared-2s")
    assert prober.asked == pytest.approx([0, 2, 7, 8, 10])


@pytest.mark.long
def test_fixed_interval_has_a_mean_delay_of_half_of_it() -> None:
    """Readiness at a random phase of a 2 s grid is noticed 1 s late in the mean (plus one request)."""
    rng = random.Random(20250301)
    delays = []
    for _ in range(600):
        ready = rng.uniform(10.0, 20.0)
        success = waited(becomes_ready(ready), "shared-2s").success
        assert success is not None
        delays.append(success.answered_s - ready)
    # Standard error of a uniform on (0, 2) over 600 draws: 0.0236 s; three of them.
    assert statistics.mean(delays) == pytest.approx(1.0 + 0.002, abs=0.071)
    assert min(delays) >= 0.0 and max(delays) <= 2.004 + 1e-6


def test_legacy_polls_in_four_loops_and_only_the_first_one_ends_it() -> None:
    prober = becomes_ready(5.5)
    seen = waited(prober, "legacy-4x1s")
    assert seen.verdict == "ready" and seen.success is not None
    assert seen.success.loop == 0 and seen.success.answered_s == pytest.approx(6.004)
    per_loop = {loop: [p for p in seen.polls if p.loop == loop] for loop in range(4)}
    assert len(per_loop[0]) == 7
    # The other three stop at their own success, up to a second before.
    assert all(4 <= len(per_loop[loop]) <= 7 for loop in (1, 2, 3))


@pytest.mark.parametrize("policy", ["shared-2s", "legacy-4x1s", "backoff", "adaptive", "optimal"])
def test_never_ready_times_out_at_the_limit_that_was_given(policy: str) -> None:
    seen = waited(becomes_ready(10_000.0), policy, timeout_s=61.0)
    assert seen.verdict == "timed_out" and seen.success is None
    assert seen.end_s == pytest.approx(61.0, abs=1.0) and seen.end_s <= 61.0 + 1e-6
    assert seen.polls[-1].answered_s > 60.0, "the time given is used to its end"
    assert max(p.answered_s for p in seen.polls) <= 61.0 + 1e-6
    assert "61 s" in seen.reason and seen.advice


@pytest.mark.parametrize("policy", ["shared-2s", "backoff", "adaptive"])
def test_a_limit_beyond_fifteen_minutes_is_kept(policy: str) -> None:
    seen = waited(becomes_ready(1500.0), policy, timeout_s=1800.0)
    assert seen.verdict == "ready" and seen.end_s is not None and 1500.0 < seen.end_s < 1520.0


def test_last_look_finds_what_the_rhythm_would_miss() -> None:
    seen = waited(becomes_ready(9.0), "shared-2s", timeout_s=9.9)
    assert seen.verdict == "ready" and seen.success is not None
    assert seen.success.departed_s == pytest.approx(9.4)


def test_a_request_in_flight_ends_with_the_limit() -> None:
    prober = ScriptedProber(lambda t: READY, lambda t: 60.0)
    seen = waited(prober, "shared-2s", timeout_s=20.0)
    assert seen.verdict == "timed_out" and seen.end_s == pytest.approx(20.0)
    assert prober.limits == pytest.approx([15.0, 5.0])
    # Only the first one says something about the server.
    assert [p.error for p in seen.polls] == ["deadline_exceeded", "context_canceled"]


def test_confirmed_fatal_stops_adaptive_with_advice_but_one_blip_does_not() -> None:
    denied = Answer("unauthorized", 401, "status 401: Unauthorized")
    seen = waited(ScriptedProber(lambda t: denied), "adaptive")
    assert seen.verdict == "fatal" and "unauthorized" in seen.reason and seen.advice
    assert len(seen.polls) >= 3
    assert seen.polls[-1].answered_s - seen.polls[0].answered_s >= 3.0
    blip = ScriptedProber(lambda t: READY if t > 8 else denied if t < 2.5 else FAILING)
    assert waited(blip, "adaptive").verdict == "ready"


def test_k3s_own_poller_never_calls_anything_fatal() -> None:
    seen = waited(ScriptedProber(lambda t: Answer("unauthorized", 401)), "shared-2s", timeout_s=30.0)
    assert seen.verdict == "timed_out"


def test_retry_after_is_obeyed() -> None:
    busy = Answer("too_many_requests", 429, "status 429", retry_after_s=6.0)
    prober = ScriptedProber(lambda t: busy if t < 1 else READY)
    waited(prober, "adaptive")
    assert len(prober.asked) == 2 and prober.asked[1] >= 6.0


def test_oracle_cannot_be_used_on_a_real_server() -> None:
    with pytest.raises(UsageError, match="future"):
        Wait(becomes_ready(1.0), get("oracle"), timeout_s=10.0)


def test_a_broken_policy_does_not_hang_the_wait() -> None:
    class Broken:
        def first(self) -> AskAt:
            return AskAt(0.0)

        def next(self, seen: Observation) -> AskAt:
            raise ZeroDivisionError

    class Bad:
        name, limits, decisive, informed = "bad", Limits(), 1, False

        def loops(self, rng: random.Random) -> tuple[Loop, ...]:
            good = get("shared-2s").loops(rng)[0]
            return (Broken(), good)

    with pytest.raises(ZeroDivisionError):
        waited(becomes_ready(1e9), Bad())


def test_limits_of_foreign_policies_are_left_alone() -> None:
    class Plain:
        name, limits, decisive, informed = "plain", Limits(), 0, False

        def loops(self, rng: random.Random) -> tuple[Loop, ...]:
            return get("shared-2s").loops(rng)

    plain = Plain()
    assert limited(plain, Limits(total_s=5.0)) is plain
    assert limited(get("adaptive"), Limits(total_s=5.0)).limits == Limits(total_s=5.0)


def test_stamps_ignore_steps_of_the_wall_clock() -> None:
    clock = VirtualClock(datetime(1970, 1, 1, tzinfo=UTC))

    def answer(t: float) -> Answer:
        if t > 3:
            clock.wall = datetime(2025, 3, 1, tzinfo=UTC)  # NTP answers in the middle of the wait
        return READY if t > 7 else FAILING

    async def main() -> ObservedWait:
        return await Wait(ScriptedProber(answer), get("shared-2s"), timeout_s=60.0, clock=clock).run()

    seen = run_virtual(main())
    assert seen.began_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert seen.polls[-1].answered_s == pytest.approx(8.004)


def test_interruption_keeps_what_was_seen() -> None:
    async def main() -> ObservedWait:
        one = Wait(becomes_ready(1e9), get("shared-2s"), timeout_s=900.0, clock=VirtualClock())
        task = asyncio.ensure_future(one.run())
        await asyncio.sleep(5.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1, "no loop goes on in the background"
        return one.observed()

    seen = run_virtual(main())
    assert seen.verdict == "interrupted" and len(seen.polls) == 3 and seen.end_s == pytest.approx(5.0)


def test_same_seed_same_requests() -> None:
    first, second, third = (becomes_ready(12.3) for _ in range(3))
    waited(first, "backoff", seed=5)
    waited(second, "backoff", seed=5)
    waited(third, "backoff", seed=6)
    assert first.asked == second.asked != third.asked


def test_a_server_that_never_shows_the_same_list_fills_no_memory() -> None:
    count = 0

    def answer(_t: float) -> Answer:
        nonlocal count
        count += 1
        return Answer("readyz_failing", 500, "readyz check failed", tuple(f"c{count}-{n}" for n in range(300)), ())

    eager = dataclasses.replace(get("shared-2s"), interval_s=0.25)  # type: ignore[type-var]
    seen = waited(ScriptedProber(answer), eager, timeout_s=300.0)
    assert len(seen.polls) > 1000
    kept = sum(len(poll.failing) for poll in {id(poll.failing): poll for poll in seen.polls}.values())
    assert kept < 512 * 300 + 16 * len(seen.polls)
    assert seen.polls[-1].cut and len(seen.polls[-1].failing) == 16 and not seen.polls[0].cut


# --- what it says meanwhile -----------------------------------------------------------------------------------------


def said(prober: ScriptedProber, policy: str = "shared-2s") -> list[str]:
    stream = io.StringIO()

    async def main() -> None:
        one = Wait(prober, get(policy), timeout_s=900.0, clock=VirtualClock())
        one.watcher = StateLines(stream, policy)
        await one.run()

    run_virtual(main())
    return stream.getvalue().splitlines()


def test_one_structured_line_per_change() -> None:
    def answer(t: float) -> Answer:
        if t < 5:
            return AWAY
        return FAILING if t < 11 else READY

    lines = said(ScriptedProber(answer))
    assert len(lines) == 3, "nine polls, three states"
    assert lines[0].startswith("time=2025-03-01T06:03:22.004000+00:00 policy=shared-2s t=0.004 from=start to=tick")
    assert "error=service_unavailable status=503" in lines[0] and 'detail="status 503"' in lines[0]
    assert "failing=1" in lines[1] and "checks=a" in lines[1] and "to=ready" in lines[2]


def test_no_line_says_timed_out_before_the_last_look() -> None:
    stream = io.StringIO()

    async def main() -> None:
        one = Wait(becomes_ready(9.0), get("shared-2s"), timeout_s=9.9, clock=VirtualClock())
        one.watcher = StateLines(stream, "shared-2s")
        await one.run()

    run_virtual(main())
    assert "timed_out" not in stream.getvalue() and " from=tick to=last_look " in stream.getvalue()
    assert " to=ready " in stream.getvalue().splitlines()[-1]


def test_state_lines_cannot_be_forged_by_the_server() -> None:
    evil = Answer("other", 299, 'x" level=fatal\n\x1b[2Jtime=fake "')
    (line, _ready) = said(ScriptedProber(lambda t: evil if t < 1 else READY))
    assert "\x1b" not in line and line.count('detail="') == 1 and line.count('"') % 2 == 0


def test_live_line_shrinks_and_leaves_nothing() -> None:
    stream = io.StringIO()
    live = LiveLine(stream)
    names = tuple(f"poststarthook/check-{n}" for n in range(40))
    poll = ObservedPoll("readyz_failing", 500, departed_s=0.0, answered_s=0.004)
    live.polled(poll, Observation(0.004, 0.004, 500, "readyz_failing", names, ("ping",)), "start", AskAt(2.0))
    live.polled(poll, Observation(2.004, 0.004, 500, "readyz_failing", names[:1], ("ping",)), "start", AskAt(2.0))
    live.clear()
    live.draw()
    drawn = stream.getvalue().split("\r")
    assert "40 of 41 checks failing: check-0, check-1" in drawn[1] and "…" in drawn[1]
    assert all(len(part.replace("\x1b[K", "")) <= 79 for part in drawn)
    assert "1 of 2 checks failing: check-0" in drawn[2] and "2 polls" in drawn[2]
    assert drawn[-1] == "\x1b[K"


def test_a_closed_stderr_does_not_stop_the_wait() -> None:
    stream = io.StringIO()
    stream.close()
    live = LiveLine(stream)
    live.draw()
    live.clear()


def test_small_words() -> None:
    assert clock_face(9.96) == "10.0 s" and clock_face(125) == "2 min 05 s"
    assert fitted("abcdef", 6) == "abcdef" and fitted("abcdefg", 6) == "abcde…"
    assert fitted("日本語日本語", 7) == "日本語…"


def test_the_wait_takes_no_longer_than_it_says() -> None:
    """A wall-clock sanity check with the real clock: 0.3 s of waiting is 0.3 s."""
    began = datetime.now(UTC)

    class Never(Prober):
        server = "https://127.0.0.1:1"
        anonymous = False

        async def ask(self, limit_s: float) -> Answer:
            return FAILING

        async def aclose(self) -> None:
            pass

    seen = asyncio.run(Wait(Never(), get("backoff"), timeout_s=0.3).run())
    assert seen.verdict == "timed_out"
    assert timedelta(seconds=0.29) < datetime.now(UTC) - began < timedelta(seconds=2)
