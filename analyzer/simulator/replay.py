"""Policies in virtual time: what each would have seen, asked and cost in the same worlds.

Rules of the game:

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import count
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.errors import UsageError
from analyzer.policies.definition import golden
from analyzer.policies.kinds.oracle import Oracle
from analyzer.policies.protocol import CODE_OF, ERRORS, READY, STATUS_OF, AskAt, Decision, Loop, Observation, Policy
from analyzer.policies.vector import Answers, FloatArray, IntArray, VectorLoop, VectorPolicy
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
        arrays = [f.name for f in fields(cls) if f.name != "policy"]
        return cls(parts[0].policy, *(np.concatenate([getattr(part, name) for part in parts]) for name in arrays))

    def take(self, rows: IntArray) -> Outcome:
        """Some of the worlds."""
        return Outcome(self.policy, *(getattr(self, f.name)[rows] for f in fields(self) if f.name != "policy"))

    @property
    def delay(self) -> FloatArray:
        """Seconds between readiness and its notice; NaN where it was never noticed."""
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(self.detected), self.detected - self.ready, np.nan)


def replay(policy: Policy, worlds: Worlds, *, max_scalar: int | None = None) -> Outcome:
    """Replays ``policy`` in every world; one without a vectorised form world by world, in ``max_scalar`` at most."""
    if not isinstance(policy, VectorPolicy):
        return replay_scalar(policy, worlds.take(slice(0, max_scalar)))
    parts = []
    for i in range(0, max(1, len(worlds)), CHUNK):
        part = worlds.take(slice(i, i + CHUNK))
        told: Any = _told(policy, part.ready)
        parts.append(_Replay(policy, part, told.vector_loops(part.noise, part.names)).run())
    return Outcome.joined(parts)


def replay_scalar(policy: Policy, worlds: Worlds) -> Outcome:
    """Every world through loops of its own: slow, for policies of users and for tests."""
    return _Replay(policy, worlds, _own_loops(policy, worlds)).run()


def _told(policy: Policy, ready: Any) -> Policy:
    return policy.knowing(ready) if isinstance(policy, Oracle) else policy


class _Replay:
    """A policy in some worlds: what every loop asks next, and what the requests so far have come to."""

    def __init__(self, policy: Policy, worlds: Worlds, loops: Sequence[VectorLoop]) -> None:
        n = len(worlds)
        self.policy, self.worlds, self.loops = policy, worlds, loops
        self.due = [loop.first() for loop in loops]
        self.end_s = HORIZON_S if policy.limits.total_s is None else policy.limits.total_s
        self.by_rounds = getattr(policy, "log_style", "changes") == "rounds"
        self.shift = np.zeros(n)
        self.detected = np.full(n, np.inf)
        self.requests = np.zeros(n, dtype=np.int64)
        self.lines = np.zeros(n, dtype=np.int64)
        self.printed = np.full(n, -1, dtype=np.int64)  # the last answer, as a number

    def run(self) -> Outcome:
        """To the end of every world."""
        w = self.worlds
        live, order, asked = self._next(np.arange(len(w)))
        for rounds in count(1):
            if not len(live):
                break
            if rounds > MOST_REQUESTS:
                raise UsageError(f"policy {self.policy.name} asks more than {MOST_REQUESTS:,} times in one start")
            live, order, asked = self._next(live[~self._ask(live, order, asked)])
        noticed = np.isfinite(self.detected)
        lines = self.lines
        if self.by_rounds:
            lines = 1 + np.floor(np.where(noticed, self.detected, 0.0) / 30.0).astype(np.int64)
        cpu_s = self.requests * w.poll_cpu
        return Outcome(
            self.policy.name, self.detected, w.ready + self.shift, w.ready, self.requests, cpu_s, lines + noticed
        )

    def _next(self, live: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Of the worlds in which something is still asked: which loop asks first, and when."""
        due = np.array([moments[live] for moments in self.due])
        order, asked = due.argmin(axis=0), due.min(axis=0)
        # When the decisive loop gave up nothing more can be noticed.
        going = (asked < self.end_s) & (due[self.policy.decisive] < self.end_s)
        return (live, order, asked) if going.all() else (live[going], order[going], asked[going])

    def _ask(self, live: IntArray, order: IntArray, asked: FloatArray) -> npt.NDArray[np.bool_]:
        """One request in every world ``live``; those in which it was the notice."""
        w, limit = self.worlds, self.policy.limits.request_s
        self.requests[live] = k = self.requests[live] + 1
        push = self.shift[live]
        self.shift[live] = push = np.where(asked - push < w.ready[live], push + w.per_poll[live], push)
        draw = golden(w.noise[live, 7], k.astype(float))
        latency = w.latency[live] * np.exp(w.latency_sigma[live] * _Z[(draw * 1024).astype(np.int64)])
        late = latency > limit
        latency = np.minimum(latency, limit)
        moment = asked + MIDDLE * latency - push
        code, failing, retry = _answers(w, live, moment, masks=not self.by_rounds)
        if late.any():
            code, failing = np.where(late, TIMEOUT, code), np.where(late, 0, failing)
        seen = Answers(live, asked, asked + latency, code, failing, retry)
        ready = code == READY
        won: npt.NDArray[np.bool_] = ready & (order == self.policy.decisive)
        self.detected[live[won]] = seen.at_s[won]
        self._count_lines(seen, ready)
        self._tell(seen, order, ready, won)
        return won

    def _count_lines(self, seen: Answers, ready: npt.NDArray[np.bool_]) -> None:
        if not self.by_rounds:
            before, now = self.printed[seen.who], np.where(ready, -2, seen.code * (1 << 20) + seen.failing)
            self.lines[seen.who] += (now != before) & ~ready
            self.printed[seen.who] = np.where(ready, before, now)

    def _tell(self, seen: Answers, order: IntArray, ready: npt.NDArray[np.bool_], won: npt.NDArray[np.bool_]) -> None:
        """Every loop its answers, except those that end its world."""
        for index, loop in enumerate(self.loops):
            mine = order == index
            self.due[index][seen.who[mine & ready]] = np.inf
            ask = mine & ~ready
            if ask.any():
                self.due[index][seen.who[ask]] = loop.next(seen.take(ask))


def _answers(
    w: Worlds, live: IntArray, moment: FloatArray, *, masks: bool = True
) -> tuple[IntArray, IntArray, FloatArray]:
    """(code, failing mask, Retry-After) of worlds ``live`` at ``moment`` (unpolled clock).

    ``masks=False`` leaves the masks 0, for pollers that neither read nor print the list."""
    code = np.where(moment >= w.ready[live], READY, LISTED).astype(np.int64)
    failing = np.zeros(len(live), dtype=np.int64)
    ends = w.stage_ends[live]
    for s in reversed(range(len(w.stage_codes))):
        code[moment < ends[:, s]] = w.stage_codes[s]
    if masks:
        listed = np.flatnonzero(code == LISTED)
        failing[listed] = (w.clears[live[listed]] > moment[listed, None]) @ 2.0 ** np.arange(w.clears.shape[1])
    retry = np.zeros(len(live))
    for o, over in enumerate(w.over_codes):
        inside = (moment >= w.over_begin[live, o]) & (moment < w.over_end[live, o])
        code[inside] = over
        failing[inside] = 0
        retry[inside] = w.over_retry[o]
    return code, failing, retry


def _observations(seen: Answers, names: tuple[str, ...]) -> Iterator[Observation]:
    """The answers as a client would see them."""
    rows = zip(seen.at_s, seen.at_s - seen.asked_s, seen.code, seen.failing, seen.retry_after_s, strict=True)
    for at_s, latency_s, code, mask, retry_s in rows:
        error = ERRORS[code][0]
        yield Observation(
            at_s=float(at_s),
            latency_s=float(latency_s),
            status=STATUS_OF.get(error),
            error=error or None,
            failing=tuple(name for bit, name in enumerate(names) if mask >> bit & 1),
            ok=tuple(name for bit, name in enumerate(names) if code == LISTED and not mask >> bit & 1),
            retry_after_s=float(retry_s) or None,
        )


class NoiseRandom(random.Random):
    """Gives out a world's own noise, so that a scalar loop meets what its vectorised twin meets."""

    def __init__(self, values: Sequence[float]) -> None:
        super().__init__(0)
        self._values = list(values)

    def random(self) -> float:
        """The next number of the world's noise, then ordinary ones."""
        return self._values.pop(0) if self._values else super().random()


@dataclass(frozen=True, slots=True)
class _OneEach:
    """A loop of every world's own, as one ``VectorLoop``."""

    loops: tuple[Loop, ...]
    names: tuple[str, ...]

    def first(self) -> FloatArray:
        return np.array([_departure(loop.first()) for loop in self.loops])

    def next(self, seen: Answers) -> FloatArray:
        told = zip(seen.who, _observations(seen, self.names), strict=True)
        return np.array([_departure(self.loops[world].next(one)) for world, one in told])


def _departure(decision: Decision) -> float:
    return decision.at_s if isinstance(decision, AskAt) else np.inf


def _own_loops(policy: Policy, w: Worlds) -> list[VectorLoop]:
    made = [
        _told(policy, float(ready)).loops(NoiseRandom(noise.tolist()))
        for ready, noise in zip(w.ready, w.noise, strict=True)
    ]
    return [_OneEach(loops, w.names) for loops in zip(*made, strict=True)]
