"""Own polls of the API server while its log is followed: with the engine and at the pace of ``k3slog wait``.

A thread waits for readiness, then for the next start, and so on. Every answer is kept with its moments on the realtime
clock of this machine, which is that of the journal's stamps.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from analyzer.errors import K3slogError
from analyzer.live.clock import Realtime, Stopwatch
from analyzer.live.durations import LONGEST_S
from analyzer.live.ending import ending_of
from analyzer.live.observed_polls import GoalSeen, ObservedPoll
from analyzer.live.prober import Prober
from analyzer.live.wait_report import poll_row
from analyzer.live.waiting import Wait
from analyzer.policies import get
from analyzer.policies.kinds.adaptive import KEPT_CONNECTION
from analyzer.policies.protocol import Decision, Observation
from analyzer.results import Report, StartReport
from analyzer.watching.changes import Event, Note
from analyzer.watching.fusing import FusedStart, Shown, fused_start

MOST = 2000  # polls kept; of answers in a row that are alike the first and the last
_JOIN_S = 2.0
OTHER_HOST = "Own polls do not count: the log is of host {}, and they are made from {}, on another clock."
UNDATED = "Own polls do not count: the log does not say at which date and in which zone it was written."
CLOCK_SET = "Own polls do not count for a start in which the clock was set."
DISAGREE = (
    "Own polls and the log disagree on when it was ready, so neither narrows the other:"
    " another server answers at {}, the clock was set, or it was ready only for a moment."
)


class OwnPolls:
    """Asks in a thread of its own from ``begin`` to ``close``; ``shown`` is called from another one.

    ``asked`` makes the server that is asked, anew for every start. As a ``Watcher`` it is told of every answer.
    """

    def __init__(
        self,
        asked: Callable[[Callable[[str], None]], Prober],
        *,
        clock: Realtime | None = None,
        hostname: str | None = None,
    ) -> None:
        self.watch: Stopwatch | None = None
        self.last: FusedStart | None = None  # the last start of the report that was shown last
        self._asked = asked
        self._clock = clock or Realtime()
        self._hostname = socket.gethostname() if hostname is None else hostname
        self._polls: list[ObservedPoll] = []  # in seconds since 1970
        self._lock = threading.Lock()
        self._again = threading.Event()
        self._fresh = threading.Event()
        self._over = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._prober: Prober | None = None
        self._thread = threading.Thread(target=self._run, name="own polls", daemon=True)
        self._said: list[str] = []
        self._told: set[tuple[int, str]] = set()
        self._told_polls = 0.0  # the answer that was told last, in seconds since 1970
        self._told_answer: object = None
        self._starts = 0
        self._server = ""
        self._set_at = float("-inf")

    # --- for whoever watches

    def begin(self) -> None:
        """Ask from now on."""
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._over = True
        self._again.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with contextlib.suppress(RuntimeError):  # it is over already
                loop.call_soon_threadsafe(task.cancel)
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def fresh(self) -> bool:
        """Whether something came since the last look."""
        return self._fresh.is_set()

    def shown(self, report: Report | None, first: int = 1) -> Shown:
        """The report with what own polls add to its starts from the index ``first`` on."""
        self._fresh.clear()
        with self._lock:
            polls, said, self._said = tuple(self._polls), self._said, []
        if report is None or not report.starts:
            with self._lock:
                self._said = said + self._said  # a note belongs to a start
            return Shown(report)
        if len(report.starts) > self._starts:
            self._starts = len(report.starts)
            self._again.set()
        made = [self._of(start, after, polls) if start.index >= first else FusedStart(start)
                for start, after in zip(report.starts, (*report.starts[1:], None), strict=True)]  # fmt: skip
        self.last = last = made[-1]
        news = [Event("note", last.start, None, Note(line)) for line in said]
        news += [event for one in made for event in self._notes(one)] + self._answers(last, polls)
        return Shown(replace(report, starts=tuple(one.start for one in made)), tuple(news))

    def _of(self, start: StartReport, after: StartReport | None, polls: Sequence[ObservedPoll]) -> FusedStart:
        if not polls or start.began_at is None or self._why_not(start):
            return FusedStart(start)
        zero = start.began_at.timestamp()
        ends = after.began_at.timestamp() - zero if after is not None and after.began_at is not None else float("inf")
        return fused_start(start, [_moved(poll, -zero) for poll in polls], ends)

    def _why_not(self, start: StartReport) -> str:
        """Why the two clocks of a start are not one; empty: they are."""
        if start.host and not same_host(start.host, self._hostname):
            return OTHER_HOST.format(start.host, self._hostname)
        if start.began_at is None:
            return UNDATED
        return CLOCK_SET if start.clock.steps or start.began_at.timestamp() < self._set_at else ""

    def _notes(self, one: FusedStart) -> list[Event]:
        """Each once for a start."""
        why = self._why_not(one.start) if self._polls else ""
        if not one.agree:
            why = DISAGREE.format(self._server)
        key = (one.start.index, why)
        if not why or key in self._told:
            return []
        self._told.add(key)
        return [Event("note", one.start, None, Note(why))]

    def _answers(self, last: FusedStart, polls: Sequence[ObservedPoll]) -> list[Event]:
        """Own polls of the last start that brought another answer than the one before."""
        start = last.start
        if start.began_at is None or not last.polls:
            return []
        zero, found = start.began_at.timestamp(), []
        for poll in polls:
            if poll.answered_s <= self._told_polls or poll.departed_s < zero:
                continue
            self._told_polls = poll.answered_s
            if _answer(poll) != self._told_answer:
                self._told_answer = _answer(poll)
                found.append(Event("own_poll", start, poll.answered_s - zero, poll_row(_moved(poll, -zero), last=True)))
        return found

    # --- the thread

    def _run(self) -> None:
        while not self._over:
            self._again.clear()
            self._prober = prober = self._asked(self._say)
            wait = Wait(prober, get("adaptive", **KEPT_CONNECTION), timeout_s=LONGEST_S)
            wait.watcher = self
            try:
                asyncio.run(self._one(wait))
            except asyncio.CancelledError:
                return
            except K3slogError as problem:
                self._say(f"own polls ended: {problem.message}")
            else:
                seen = wait.observed()
                if seen.verdict == "fatal":
                    self._say(f"own polls ended: {ending_of(seen).sentence} {seen.advice}".strip())
            self._again.wait()

    async def _one(self, wait: Wait) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.ensure_future(wait.run())
        if self._over:
            self._task.cancel()
        await self._task

    def polled(self, poll: ObservedPoll, seen: Observation, before: str, decision: Decision) -> None:
        """See ``Watcher``."""
        assert self.watch is not None
        zero = time.monotonic() - self.watch.now_s()  # of the wait, on the monotonic clock
        stepped = self._clock.stepped()
        moments = (self._clock.of(zero + at_s) for at_s in (poll.departed_s, poll.answered_s))
        departed_s, answered_s = moments
        with self._lock:
            self._server = self._prober.server if self._prober is not None else ""
            if stepped:
                self._set_at = answered_s
                self._polls.clear()
                self._said.append("the clock was set: own polls begin anew")
            else:
                _keep(self._polls, replace(poll, departed_s=departed_s, answered_s=answered_s))
        self._fresh.set()

    def looked(self, goal: GoalSeen, at_s: float) -> None:
        """See ``Watcher``: only readiness is asked for."""

    def said(self, line: str) -> None:
        """See ``Watcher``."""
        self._say(line)

    def _say(self, line: str) -> None:
        with self._lock:
            self._said.append(line)
        self._fresh.set()


def same_host(one: str, other: str) -> bool:
    """Whether two names may be of one machine: with and without its domain."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    return short == long or short == long.split(".")[0]


def _answer(poll: ObservedPoll) -> tuple[object, ...]:
    """What of an answer makes it another one."""
    return poll.error, poll.status, poll.failing, poll.ok, poll.cut, poll.message


def _keep(polls: list[ObservedPoll], poll: ObservedPoll) -> None:
    """Add a poll; those between two others that say the same prove nothing that these do not."""
    if len(polls) >= 2 and _answer(polls[-1]) == _answer(polls[-2]) == _answer(poll):
        polls[-1] = poll
    else:
        polls.append(poll)
    if len(polls) > MOST:
        del polls[: MOST // 2]


def _moved(poll: ObservedPoll, by_s: float) -> ObservedPoll:
    return replace(poll, departed_s=poll.departed_s + by_s, answered_s=poll.answered_s + by_s)
