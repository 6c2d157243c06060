"""The only clock of the live half, injectable so that fifteen minutes can be tested in milliseconds.

Absolute stamps are derived from one reading of the wall clock plus monotonic time: boards without a battery clock
step by years when NTP answers, in the middle of exactly the start that is being watched.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

STEP_S = 0.1  # more is no slewing: somebody set the clock


class Clock:
    """This machine's clocks: seconds that only go forward, and the wall clock they are pinned to."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary zero (``CLOCK_MONOTONIC``)."""
        return time.monotonic()

    def utc(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass on the running event loop; not positive: only give others a turn."""
        await asyncio.sleep(max(0.0, seconds))


class Stopwatch:
    """Time since the wait began, and the absolute stamps that belong to it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._zero = clock.monotonic()
        self.began_at = clock.utc()

    def now_s(self) -> float:
        """Seconds since the wait began."""
        return self._clock.monotonic() - self._zero

    def stamp(self, at_s: float) -> datetime:
        """The absolute moment of ``at_s``, to the microsecond, untouched by steps of the wall clock."""
        return self.began_at + timedelta(microseconds=round(at_s * 1e6))

    async def until(self, at_s: float) -> None:
        """Sleep until ``at_s``; a moment in the past returns after giving others a turn."""
        await self._clock.sleep(at_s - self.now_s())


class Realtime:
    """The realtime clock at a moment of the monotonic one; ``stepped`` tells once that it was set meanwhile."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def of(self, monotonic: float) -> float:
        """Seconds since 1970."""
        return monotonic + self._ahead

    def stepped(self) -> bool:
        """Look at both clocks anew."""
        before, self._ahead = self._ahead, time.time() - time.monotonic()
        return abs(self._ahead - before) > STEP_S
