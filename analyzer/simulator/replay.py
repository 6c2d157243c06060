"""Policies in virtual time: what each would have seen, asked and cost in the same worlds.

Rules of the game, the same for the vectorised and the scalar engine (a test holds them equal):

* A request leaves at ``asked``; the answer is read ``latency`` later and tells the state at the middle of that time.
* Requests cost the server CPU. Until readiness, each one pushes all later moments of its world back by
  ``per_poll`` seconds (CPU of a request x share of the start that is bound by CPU / cores).
* A latency above the request limit is an ``io_timeout`` read at the limit.
* Randomness of request k of a world is frac(noise + k·φ) mapped to a log-normal: every policy meets the same
  sequence in the same world (common random numbers).
* The replay of a world ends when the decisive loop notices; loops that only cost are counted until then. No request
  leaves after the policy's total limit (the old server waiter had none itself, but its process ended when the other
  three gave up), or after half an hour for a policy without any.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import count
from statistics import NormalDist

import numpy as np

from analyzer.errors import UsageError
from analyzer.policies.definition import golden
from analyzer.policies.kinds.oracle import Oracle
from analyzer.policies.protocol import CODE_OF, ERRORS, READY, STATUS_OF, AskAt, Observation, Policy
from analyzer.policies.vector import Answers, FloatArray, IntArray, VectorPolicy
from analyzer.simulator.world import Worlds

LISTED = CODE_OF["readyz_failing"]
TIMEOUT = CODE_OF["io_timeout"]
MIDDLE = 0.5
HORIZON_S = 1800.0
CHUNK = 1 << 14
MOST_REQUESTS = 50_000  # in one start; a policy that asks more often has a fault
_Z = np.array([NormalDist().inv_cdf((i + 0.5) / 1024) for i in range(1024)])


@dataclass(frozen=True, slots=True)
class Outcome:
    """Per world, shape (n,): ``detected`` (+inf: gave up), ``ready`` (with the delay that polling caused),
    ``ready_unpolled``, ``requests`` until noticed, ``cpu_s`` they cost, ``log_lines`` printed."""

    policy: str
    detected: FloatArray
    ready: FloatArray
    ready_unpolled: FloatArray
    requests: IntArray
    cpu_s: FloatArray
    log_lines: IntArray

    @classmethod
    def joined(cls, parts: Sequence[Outcome]) -> Outcome:
        """The worlds of all ``parts``, one after the other; at least one, all of the same policy."""
        if len(parts) == 1:
            return parts[0]
        arrays = [f.name for f in fields(cls) if f.name != "policy"]
        return cls(parts[0].policy, *(np.concatenate([getattr(part, name) for part in parts]) for name in arrays))

    @property
    def delay(self) -> FloatArray:
        """Seconds between readiness and its notice; NaN where it was never noticed."""
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(self.detected), self.detected - self.ready, np.nan)


def replay(policy: Policy, worlds: Worlds, *, max_scalar: int | None = None) -> Outcome:
    """Replays ``policy`` in every world; policies without a vectorised form go through the scalar engine."""
    if not isinstance(policy, VectorPolicy):
        limit = len(worlds) if max_scalar is None else min(max_scalar, len(worlds))
        return replay_scalar(policy, worlds.take(slice(0, limit)))
    parts = [_chunk(policy, worlds.take(slice(i, i + CHUNK))) for i in range(0, len(worlds), CHUNK)]
    return Outcome.joined(parts)


def _chunk(policy: Policy, w: Worlds) -> Outcome:
    assert isinstance(policy, VectorPolicy)
    if isinstance(policy, Oracle):
        policy = policy.knowing(w.ready)
    n = len(w)
    loops = policy.vector_loops(w.noise, w.names)
    due = [loop.first() for loop in loops]
    shift = np.zeros(n)
    detected = np.full(n, np.inf)
    requests = np.zeros(n, dtype=np.int64)
    lines = np.zeros(n, dtype=np.int64)
    before = np.full(n, -1, dtype=np.int64)
    by_rounds = getattr(policy, "log_style", "changes") == "rounds"
    limit = policy.limits.request_s
    end = _end(policy)
    live = np.arange(n)
    single = len(loops) == 1
    for asked_so_often in count():
        if not len(live):
            break
        _check_count(policy, asked_so_often)
        asked = due[0][live]
        order = np.zeros(len(live), dtype=np.int8)
        for index in range(1, len(loops)):
            other = due[index][live]
            sooner = other < asked
            order[sooner] = index
            asked = np.where(sooner, other, asked)
        going = asked < end
        if not single:  # when the decisive loop gave up nothing more can be noticed
            going &= due[policy.decisive][live] < end
        if not going.all():
            live, order, asked = live[going], order[going], asked[going]
            if not len(live):
                break
        k = requests[live]
        requests[live] = k + 1
        push = shift[live]
        push = np.where(asked - push < w.ready[live], push + w.per_poll[live], push)
        shift[live] = push
        draw = golden(w.noise[live, 7], k + 1.0)
        latency = w.latency[live] * np.exp(w.latency_sigma[live] * _Z[(draw * 1024).astype(np.int64)])
        late = latency > limit
        np.minimum(latency, limit, out=latency)
        code, failing, retry = _answers(w, live, asked + MIDDLE * latency - push, masks=not by_rounds)
        if late.any():
            code = np.where(late, TIMEOUT, code)
            failing = np.where(late, 0, failing)
        at = asked + latency
        won = (code == READY) & (order == policy.decisive)
        if not by_rounds:
            seen = np.where(code == READY, -2, code * (1 << 20) + failing)
            lines[live] += (seen != before[live]) & (code != READY)
            before[live] = np.where(code == READY, before[live], seen)
        detected[live[won]] = at[won]
        for index, loop in enumerate(loops):
            mine = ~won if single else ~won & (order == index)
            if not mine.any():
                continue
            done = mine & (code == READY)
            ask = mine & (code != READY)
            who = live[ask]
            due[index][live[done]] = np.inf
            if len(who):
                due[index][who] = loop.next(Answers(who, asked[ask], at[ask], code[ask], failing[ask], retry[ask]))
        live = live[~won]
    if by_rounds:
        lines = 1 + np.floor(np.where(np.isfinite(detected), detected, 0.0) / 30.0).astype(np.int64)
    lines = lines + np.isfinite(detected)
    return Outcome(policy.name, detected, w.ready + shift, w.ready, requests, requests * w.poll_cpu, lines)


def _check_count(policy: Policy, requests: int) -> None:
    if requests > MOST_REQUESTS:
        raise UsageError(f"policy {policy.name} asks more than {MOST_REQUESTS:,} times in one start")


def _end(policy: Policy) -> float:
    return HORIZON_S if policy.limits.total_s is None else policy.limits.total_s


def _answers(
    w: Worlds, live: IntArray, moment: FloatArray, *, masks: bool = True
) -> tuple[IntArray, IntArray, FloatArray]:
    """(code, failing mask, Retry-After) of worlds ``live`` at ``moment`` (unpolled clock).

    ``masks=False`` leaves the masks 0, for pollers that neither read nor print the list."""
    code = np.where(moment >= w.ready[live], READY, LISTED).astype(np.int64)
    failing = np.zeros(len(live), dtype=np.int64)
    ends = w.stage_ends[live]
    for s in range(len(w.stage_codes) - 1, -1, -1):
        inside = moment < ends[:, s]
        code[inside] = w.stage_codes[s]
    listed = np.flatnonzero(code == LISTED) if masks else np.zeros(0, dtype=np.int64)
    if len(listed):
        rows = live[listed]
        still = moment[listed]
        mask = np.zeros(len(rows), dtype=np.int64)
        clears = w.clears[rows]
        for bit in range(clears.shape[1]):
            mask |= (clears[:, bit] > still).astype(np.int64) << bit
        failing[listed] = mask
    retry = np.zeros(len(live))
    for o, over in enumerate(w.over_codes):
        inside = (moment >= w.over_begin[live, o]) & (moment < w.over_end[live, o])
        code[inside] = over
        failing[inside] = 0
        retry[inside] = w.over_retry[o]
    return code, failing, retry


class NoiseRandom(random.Random):
    """Gives out a world's own noise, so that a scalar loop meets what its vectorised twin meets."""

    def __init__(self, values: Sequence[float]) -> None:
        super().__init__(0)
        self._values = list(values)

    def random(self) -> float:
        """The next number of the world's noise, then ordinary ones."""
        return self._values.pop(0) if self._values else super().random()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the scalar engine: for traces and tests."""

    loop: int
    seen: Observation


def replay_one(policy: Policy, w: Worlds, row: int) -> tuple[Outcome, list[Asked]]:
    """World ``row`` through the scalar loops: the outcome (n = 1) and every request."""
    one = w.take(np.array([row]))
    if isinstance(policy, Oracle):
        policy = policy.knowing(float(one.ready[0]))
    loops = policy.loops(NoiseRandom(one.noise[0].tolist()))
    due: list[float] = []
    for loop in loops:
        decision = loop.first()
        due.append(decision.at_s if isinstance(decision, AskAt) else np.inf)
    shift, lines, requests, detected = 0.0, 0, 0, float("inf")
    before: tuple[int, int] | None = None
    trace: list[Asked] = []
    zero = np.array([0])
    by_rounds = getattr(policy, "log_style", "changes") == "rounds"
    end = _end(policy)
    while due[policy.decisive] < end:
        index = int(np.argmin(due))
        asked = due[index]
        requests += 1
        _check_count(policy, requests)
        if asked - shift < one.ready[0]:
            shift += float(one.per_poll[0])
        draw = golden(float(one.noise[0, 7]), requests)
        latency = float(one.latency[0] * np.exp(one.latency_sigma[0] * _Z[int(draw * 1024)]))
        late, latency = latency > policy.limits.request_s, min(latency, policy.limits.request_s)
        codes, masks, retries = _answers(one, zero, np.array([asked + MIDDLE * latency - shift]))
        code, mask = (TIMEOUT, 0) if late else (int(codes[0]), int(masks[0]))
        error = ERRORS[code][0]
        seen = Observation(
            at_s=asked + latency,
            latency_s=latency,
            status=STATUS_OF.get(error),
            error=error or None,
            failing=tuple(name for bit, name in enumerate(one.names) if mask >> bit & 1),
            ok=tuple(name for bit, name in enumerate(one.names) if code == LISTED and not mask >> bit & 1),
            retry_after_s=float(retries[0]) if retries[0] > 0 else None,
        )
        trace.append(Asked(index, seen))
        if code != READY:
            lines += (code, mask) != before
            before = (code, mask)
        elif index == policy.decisive:
            detected = seen.at_s
            break
        decision = loops[index].next(seen)
        due[index] = decision.at_s if isinstance(decision, AskAt) else np.inf
    if by_rounds:
        lines = 1 + int(np.floor((detected if np.isfinite(detected) else 0.0) / 30.0))
    lines += int(np.isfinite(detected))
    outcome = Outcome(
        policy.name,
        np.array([detected]),
        one.ready + shift,
        one.ready.copy(),
        np.array([requests]),
        requests * one.poll_cpu,
        np.array([lines]),
    )
    return outcome, trace


def replay_scalar(policy: Policy, worlds: Worlds) -> Outcome:
    """Every world through the scalar loops: slow, for policies of users and for tests."""
    return Outcome.joined([replay_one(policy, worlds, i)[0] for i in range(len(worlds))])
