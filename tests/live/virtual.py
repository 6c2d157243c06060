"""An event loop whose time jumps: fifteen minutes of waiting in milliseconds, in exact order."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from analyzer.live.observed_polls import Answer
from analyzer.live.prober import Prober

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout > 0:
            self.now += timeout
        if timeout is None:
            raise AssertionError("the loop would wait for ever")
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class VirtualClock:
    """The clock of the running ``VirtualLoop``; ``steps`` move the wall clock only."""

    def __init__(self, wall: datetime = datetime(2025, 3, 1, 6, 3, 22, tzinfo=UTC)) -> None:
        self.wall = wall

    def monotonic(self) -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 1000.0

    def utc(self) -> datetime:
        return self.wall + timedelta(seconds=self.monotonic() - 1000.0)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ScriptedProber(Prober):
    """Answers from a function of virtual time; each takes ``latency_s`` (or what ``latency`` says) up to the limit."""

    server = "https://127.0.0.1:6443"
    anonymous = False

    def __init__(self, answer: Callable[[float], Answer], latency: Callable[[float], float] = lambda _t: 0.004) -> None:
        self.answer = answer
        self.latency = latency
        self.asked: list[float] = []
        self.limits: list[float] = []
        self.zero = 1000.0  # the begin of every VirtualLoop

    async def ask(self, limit_s: float) -> Answer:
        loop = asyncio.get_running_loop()
        at = loop.time() - self.zero
        self.asked.append(at)
        self.limits.append(limit_s)
        latency = self.latency(at)
        if latency > limit_s:
            await asyncio.sleep(limit_s)
            return Answer("deadline_exceeded", text="no answer")
        await asyncio.sleep(latency / 2)
        answer = self.answer(loop.time() - self.zero)
        await asyncio.sleep(latency / 2)
        return answer

    async def aclose(self) -> None:
        pass


def run_virtual(main: Coroutine[Any, Any, T] | Awaitable[T]) -> T:
    """Run ``main`` on a loop of its own."""

    async def body() -> T:
        return await main

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(body())
