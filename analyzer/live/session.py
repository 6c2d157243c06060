"""Runs one wait to its end, whatever ends it: a goal, the time, a signal, or a reader who left."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence

from analyzer.live.clock import Clock, Stopwatch
from analyzer.live.observed_polls import GoalSeen, ObservedPoll
from analyzer.live.screen import LiveLine
from analyzer.live.waiting import Wait, Watcher
from analyzer.policies.protocol import Decision, Observation

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Several:
    """Tells several watchers."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers

    @property
    def watch(self) -> Stopwatch | None:
        """The clock of the wait, known when it begins."""
        return self._watchers[0].watch if self._watchers else None

    @watch.setter
    def watch(self, watch: Stopwatch | None) -> None:
        for one in self._watchers:
            one.watch = watch

    def polled(self, poll: ObservedPoll, seen: Observation, before: str, decision: Decision) -> None:
        """See ``Watcher``."""
        for one in self._watchers:
            one.polled(poll, seen, before, decision)

    def looked(self, goal: GoalSeen, at_s: float) -> None:
        """See ``Watcher``."""
        for one in self._watchers:
            one.looked(goal, at_s)

    def said(self, line: str) -> None:
        """See ``Watcher``."""
        for one in self._watchers:
            one.said(line)


def run(one: Wait, live: LiveLine | None = None) -> int:
    """Wait. The number of the signal that ended it, 0: none; what was seen is in ``one`` in any case."""
    caught: list[int] = []
    try:
        with _loop() as loop:
            task = loop.create_task(_drawn(one, live))
            with _signals(loop, task, caught):
                loop.run_until_complete(task)
    except asyncio.CancelledError:
        if not caught:
            raise
    except KeyboardInterrupt:
        caught.append(signal.SIGINT)
    finally:
        if live is not None:
            live.clear()
    return caught[0] if caught else 0


def held_up() -> bool:
    """Whether a thread still asks for a name, which the end of the interpreter would wait for."""
    return any(thread.name.startswith("asyncio_") and thread.is_alive() for thread in threading.enumerate())


@contextlib.contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that, unlike ``asyncio.Runner``, does not wait at its end for names that nobody resolves."""
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        with contextlib.suppress(Exception):
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None], caught: list[int]) -> Iterator[None]:
    """Signals that end the process end the task meanwhile, unless they are ignored (``nohup``)."""

    def stop(number: int) -> None:
        caught.append(number)
        task.cancel()

    before = {number: signal.getsignal(number) for number in _ENDING}
    taken = []
    for number in _ENDING:
        if before[number] is not signal.SIG_IGN:
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):  # not in the main thread
                loop.add_signal_handler(number, stop, number)
                taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


async def _drawn(one: Wait, live: LiveLine | None) -> None:
    drawing = asyncio.ensure_future(live.keep_drawing(Clock())) if live is not None else None
    try:
        await one.run()
    finally:
        if drawing is not None:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing
