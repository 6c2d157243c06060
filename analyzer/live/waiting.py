"""The loop of ``k3slog wait``: a policy object against a prober, until ready, hopeless or out of time.

The same objects that the simulator replays decide here; this file only sleeps, asks, enforces limits and writes down.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from analyzer.errors import UsageError
from analyzer.live.clock import Clock, Stopwatch
from analyzer.live.ending import REFUSALS
from analyzer.live.observed_polls import CUT_OFF, Answer, GoalId, GoalSeen, ObservedPoll, ObservedWait
from analyzer.live.prober import Prober
from analyzer.live.readiness import Seen, ready_window
from analyzer.policies.plugin import limited
from analyzer.policies.protocol import AskAt, Decision, Loop, Observation, Policy, Stop
from analyzer.version import __version__

if TYPE_CHECKING:
    from analyzer.live.goal_polls import GoalPolls

#: When the policy gives up earlier than the caller's limit, one last look is taken this long before the limit
#: (or twice the last latency, up to ``LAST_LOOK_MAX_S``).
LAST_LOOK_S = 0.5
LAST_LOOK_MAX_S = 5.0
UNASKED = "A fresh server writes it during its first start: is it running? Another file: --kubeconfig."
GOAL_ADVICE = "What it waits for: kubectl get nodes,pods -A, and the server's own log (k3slog analyze)."
WORDS = {"node": "node registered", "node_ready": "node Ready", "system": "system pods ready"}
LOG_IN = "Whether it is ready it shows to those who log in: give --kubeconfig, --token-file, or --cert and --key."
#: So many different lists of checks are kept whole (a real server shows a few dozen), later ones so many names long.
LISTS = 512
LIST_LIMIT = 16
#: How often to look for a file that is missing or that should change, and to ask a server that refuses meanwhile.
LOOK_S = 0.1
REFUSED_S = 1.0
#: Error classes of a poll that ran into its limit.
OUT_OF_TIME = frozenset({"io_timeout", "tls_timeout", "deadline_exceeded"})


class Watcher(Protocol):
    """Told about every answer; the loop is silent without one."""

    watch: Stopwatch | None  # set when the wait begins

    def polled(self, poll: ObservedPoll, seen: Observation, before: str, decision: Decision) -> None:
        """``poll`` was answered; the policy was in state ``before`` and now says ``decision``."""

    def looked(self, goal: GoalSeen, at_s: float) -> None:
        """A goal beyond readiness was looked at."""

    def said(self, line: str) -> None:
        """Something else is worth a line: a file is waited for, or was read anew."""


def _why(goal: GoalSeen) -> str:
    return f" ({goal.text})" if goal.text else ""


class Wait:
    """One wait. ``run()`` it once; ``observed()`` is what was seen, also after an interruption.

    ``timeout_s`` replaces the policy's own total limit. Raises ``UsageError`` for a policy that must be told the truth.
    """

    def __init__(
        self,
        prober: Prober,
        policy: Policy,
        *,
        timeout_s: float,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        until: Sequence[GoalId] = ("api",),
    ) -> None:
        if policy.informed:
            raise UsageError(
                f"policy {policy.name} must know the future; it exists in simulations only",
                hint="adaptive is the best one that does not",
            )
        self.policy = limited(policy, replace(policy.limits, total_s=timeout_s))
        self.timeout_s = timeout_s
        self._prober = prober
        self._clock = clock or Clock()
        self._rng = rng or random.Random()
        self.watcher: Watcher | None = None  # to be told of every answer from now on
        self._polls: list[ObservedPoll] = []
        self._lists: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._stop: Stop | None = None
        self.watch = Stopwatch(self._clock)
        self._end_s: float | None = None
        self._until = tuple(until)
        self._goals: GoalPolls | None = None
        self._api_ready = False

    async def run(self) -> ObservedWait:
        """Poll until the decisive loop stops; the other loops of a policy are then cut off."""
        self.watch = Stopwatch(self._clock)
        if self.watcher is not None:
            self.watcher.watch = self.watch
        if not await self._something_to_ask():
            self._end_s = self.watch.now_s()
            self._stop = Stop("timed_out", f"waited for {self._prober.waiting_for}", UNASKED, self._end_s)
            return self.observed()
        loops = self.policy.loops(self._rng)
        tasks = [asyncio.ensure_future(self._follow(i, loop)) for i, loop in enumerate(loops)]
        decisive = tasks[self.policy.decisive]
        try:
            pending: set[asyncio.Future[Stop]] = set(tasks)
            while not decisive.done():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()  # a broken loop must not go unnoticed
            self._stop = decisive.result()
            self._api_ready = self._stop.kind == "ready"
            if self._api_ready and self._until != ("api",):
                self._stop = None  # an interruption from now on is one
                self._stop = await self._reach_goals()
        finally:
            self._end_s = self.watch.now_s()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._prober.aclose()
        return self.observed()

    async def _something_to_ask(self) -> bool:
        """Wait for the kubeconfig; ``False`` when the time was over before."""
        while not self._prober.ready_to_ask():
            left_s = self.timeout_s - self.watch.now_s()
            if left_s <= 0:
                return False
            await self._clock.sleep(min(LOOK_S, left_s))
        return True

    def observed(self) -> ObservedWait:
        """Everything seen so far; ``interrupted`` when ``run`` did not come to an end."""
        # The success that ended the wait comes last whatever else was in flight.
        polls = sorted(self._polls, key=lambda p: (p.answered_s, p.error is None))
        seen = ObservedWait(
            server=self._prober.server,
            policy=self.policy.name,
            began_at=self.watch.began_at,
            polls=tuple(polls),
            verdict=self._stop.kind if self._stop else "interrupted",
            end_s=self._end_s if self._end_s is not None else self.watch.now_s(),
            reason=self._stop.reason if self._stop else "interrupted",
            advice=self._stop.advice if self._stop else "",
            tool=__version__,
            anonymous=self._prober.anonymous,
            waited_for=self._prober.waiting_for,
        )
        if self._until != ("api",):
            seen = replace(seen, goals=(self._api_goal(seen), *self._later_goals()))
        if not seen.locked_out:
            return seen
        return replace(seen, reason=f"the API answers, but not without credentials ({seen.reason})", advice=LOG_IN)

    def _api_goal(self, seen: ObservedWait) -> GoalSeen:
        reached = replace(seen, goals=(GoalSeen("api", upper_s=0.0),)) if self._api_ready else seen
        window = ready_window(Seen.of(reached))
        return GoalSeen("api", window.lower, window.upper)

    def _later_goals(self) -> tuple[GoalSeen, ...]:
        asked = self._goals.seen if self._goals is not None else {}
        return tuple(asked.get(goal, GoalSeen(goal)) for goal in self._until if goal != "api")

    async def _reach_goals(self) -> Stop:
        """Ask for one goal after the other, until all are reached or the time is over."""
        from analyzer.live.goal_polls import GoalPolls, pause_s  # only where something beyond readiness is wanted

        self._goals = goals = GoalPolls(self._prober, self._until)
        since_s = self.watch.now_s()
        while goals.left:
            for goal in goals.left:
                await self._look(goals, goal)
            at_s = self.watch.now_s() + pause_s(self.watch.now_s() - since_s)
            if not goals.left:
                break
            if self.watch.now_s() >= self.timeout_s:
                missing = ", ".join(f"{WORDS[goal]}{_why(goals.seen[goal])}" for goal in goals.left)
                return Stop("timed_out", f"not within {self.timeout_s:g} s: {missing}", GOAL_ADVICE, self.timeout_s)
            await self.watch.until(min(at_s, max(self.timeout_s - LAST_LOOK_S, self.watch.now_s() + 0.05)))
        return Stop("ready", at_s=self.watch.now_s())

    async def _look(self, goals: GoalPolls, goal: GoalId) -> None:
        departed_s = self.watch.now_s()
        left_s = self.timeout_s - departed_s
        if left_s <= 0:
            return
        try:
            async with asyncio.timeout(left_s):
                look = await goals.look(goal, min(self.policy.limits.request_s, left_s))
        except TimeoutError:
            return
        seen = goals.seen[goal]
        if look is not None:
            seen = goals.note(goal, look, departed_s, self.watch.now_s())
        if self.watcher is not None:
            self.watcher.looked(seen, self.watch.now_s())

    async def _follow(self, index: int, loop: Loop) -> Stop:
        decision = loop.first()
        latency_s = 0.0
        before = "start"
        refused = False
        while isinstance(decision, AskAt) and decision.at_s < self.timeout_s:
            await self._rest(decision.at_s, refused)
            if self.watch.now_s() >= self.timeout_s:
                break
            seen, poll = await self._ask(index)
            latency_s = seen.latency_s
            state = decision.state
            decision = self._patient(loop.next(seen), seen)
            refused = seen.error in REFUSALS
            if index == self.policy.decisive and self.watcher is not None:
                self.watcher.polled(poll, seen, before, self._meant(decision, latency_s))
            before = decision.state if isinstance(decision, AskAt) else state
        if isinstance(decision, Stop) and decision.kind != "timed_out":
            return decision
        if index == self.policy.decisive:
            return await self._last_look(index, latency_s, before)
        return Stop("timed_out", at_s=self.timeout_s)

    async def _rest(self, at_s: float, refused: bool) -> None:
        """Let the pause pass; a server that refuses is asked at once when its kubeconfig has changed."""
        while refused and at_s - self.watch.now_s() > LOOK_S:
            await self._clock.sleep(LOOK_S)
            if self._prober.changed():
                return
        await self.watch.until(at_s)

    def _patient(self, decision: Decision, seen: Observation) -> Decision:
        """``decision``, or to ask again where a policy gives up on what may yet heal by itself."""
        if not isinstance(decision, Stop) or decision.kind != "fatal":
            return decision
        why = self._prober.may_heal(seen.error or "")
        return AskAt(seen.at_s + REFUSED_S, "refused", why) if why else decision

    def _meant(self, decision: Decision, latency_s: float) -> Decision:
        """``decision`` as it will be followed: a policy that runs out of time is followed by one last look."""
        if not isinstance(decision, Stop) or decision.kind != "timed_out":
            return decision
        return AskAt(max(self._last_look_s(latency_s), self.watch.now_s()), "last_look", "one last look")

    def _last_look_s(self, latency_s: float) -> float:
        return self.timeout_s - min(max(2 * latency_s, LAST_LOOK_S), LAST_LOOK_MAX_S)

    async def _last_look(self, index: int, latency_s: float, before: str) -> Stop:
        """Use up the caller's time: policies give up when no further request fits their rhythm."""
        end = Stop(
            "timed_out",
            f"no answer said ready within {self.timeout_s:g} s",
            "See the last answer, and what the server's own log says (k3slog analyze).",
            self.timeout_s,
        )
        at_s = self._last_look_s(latency_s)
        if at_s <= self.watch.now_s():
            await self.watch.until(self.timeout_s)
            return end
        await self.watch.until(at_s)
        if self.watch.now_s() >= self.timeout_s:
            return end
        seen, poll = await self._ask(index)
        stop = Stop("ready", at_s=seen.at_s) if seen.ready else end
        if self.watcher is not None:
            self.watcher.polled(poll, seen, before, stop)
        return stop

    def _shared(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """``names`` as kept: once for all polls that show the same, shortened where a server never shows the same."""
        if names not in self._lists and len(self._lists) >= LISTS:
            names = names[:LIST_LIMIT]
        return self._lists.setdefault(names, names) if len(self._lists) < LISTS else self._lists.get(names, names)

    async def _ask(self, index: int) -> tuple[Observation, ObservedPoll]:
        departed_s = self.watch.now_s()
        limit_s = min(self.policy.limits.request_s, max(0.001, self.timeout_s - departed_s))
        answer: Answer = await self._prober.ask(limit_s)
        answered_s = max(departed_s, self.watch.now_s())
        if limit_s < self.policy.limits.request_s and answer.error in OUT_OF_TIME:
            # The server was not slow: this wait was over.
            answer = replace(answer, error="context_canceled", text=CUT_OFF)
        failing, ok = self._shared(answer.failing), self._shared(answer.ok)
        cut = answer.cut or (len(failing), len(ok)) != (len(answer.failing), len(answer.ok))
        poll = ObservedPoll(
            departed_s=departed_s,
            answered_s=answered_s,
            error=answer.error,
            status=answer.status,
            text=answer.text,
            failing=failing,
            ok=ok,
            message=answer.message,
            retry_after_s=answer.retry_after_s,
            cut=cut,
            loop=index,
        )
        self._polls.append(poll)
        seen = Observation(
            at_s=answered_s,
            latency_s=answered_s - departed_s,
            status=answer.status,
            error=answer.error,
            failing=failing,
            ok=ok,
            retry_after_s=answer.retry_after_s,
            detail=answer.text,
        )
        return seen, poll
