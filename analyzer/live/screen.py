"""What a wait says while it waits: one changing line on a terminal, one structured line per change elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import unicodedata
from bisect import bisect_right
from itertools import accumulate
from typing import TextIO

from analyzer.errors import printable
from analyzer.live.answers import visible
from analyzer.live.clock import Clock, Stopwatch
from analyzer.live.observed_polls import GoalSeen, ObservedPoll, iso
from analyzer.policies.protocol import AskAt, Decision, Observation, state_line

REFRESH_S = 0.25
HOOK = "poststarthook/"  # as in ``events.check_info``, which a wait does not load


class StateLines:
    """One logfmt line for the first answer and for each change of error class, status, failing set or state."""

    def __init__(self, stream: TextIO, policy: str) -> None:
        self._stream = stream
        self._policy = policy
        self._last: tuple[object, ...] | None = None
        self._goals: dict[str, tuple[object, ...]] = {}
        self.watch: Stopwatch | None = None

    def polled(self, poll: ObservedPoll, seen: Observation, before: str, decision: Decision) -> None:
        """Print when something changed."""
        state = decision.state if isinstance(decision, AskAt) else decision.kind
        key = (seen.error, seen.status, frozenset(seen.failing), state)
        if key == self._last:
            return
        self._last = key
        stamp = f"time={iso(self.watch.stamp(poll.answered_s))} " if self.watch is not None else ""
        line = stamp + state_line(self._policy, before, seen, decision)
        if seen.error is not None and not seen.failing and seen.detail:
            line += ' detail="{}"'.format(seen.detail.replace("\\", "\\\\").replace('"', "'"))
        _say(self._stream, "".join(c if c.isprintable() else "?" for c in line) + "\n")

    def looked(self, goal: GoalSeen, at_s: float) -> None:
        """Print when something changed."""
        key = (goal.id, goal.upper_s is not None, goal.text)
        if self._goals.get(goal.id) == key:
            return
        self._goals[goal.id] = key
        stamp = f"time={iso(self.watch.stamp(at_s))} " if self.watch is not None else ""
        text = goal.text.replace("\\", "\\\\").replace('"', "'")
        reached = "true" if goal.upper_s is not None else "false"
        _say(self._stream, f'{stamp}goal={goal.id} t={at_s:.3f} reached={reached} detail="{text}"\n')

    def said(self, line: str) -> None:
        """A line of words."""
        _say(self._stream, f"k3slog: {printable(line)}\n")


class LiveLine:
    """One line that is rewritten in place. Nothing of it stays on the screen."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._words = "asking"
        self._polls = 0
        self._alive = True
        self.watch: Stopwatch | None = None

    def polled(self, poll: ObservedPoll, seen: Observation, before: str, decision: Decision) -> None:
        """Take in an answer and redraw."""
        self._polls += 1
        self._words = words_of(seen)
        self.draw()

    def looked(self, goal: GoalSeen, at_s: float) -> None:
        """Take in a look at a goal and redraw."""
        self._words = f"{goal.id}: {'reached' if goal.upper_s is not None else goal.text}"
        self.draw()

    def said(self, line: str) -> None:
        """What is going on beside the answers."""
        self._words = line
        self.draw()

    def draw(self) -> None:
        """Rewrite the line."""
        if not self._alive:
            return
        elapsed = self.watch.now_s() if self.watch is not None else 0.0
        polls = f"{self._polls} poll" + ("" if self._polls == 1 else "s")
        width = max(20, shutil.get_terminal_size((80, 24)).columns - 1)
        text = fitted(visible(f"{clock_face(elapsed)}  {polls}  {self._words}"), width)
        _say(self._stream, f"\r{text}\x1b[K")

    def clear(self) -> None:
        """Leave an empty line behind and draw no more."""
        self._alive = False
        _say(self._stream, "\r\x1b[K")

    async def keep_drawing(self, clock: Clock) -> None:
        """Let the seconds run until cancelled."""
        with contextlib.suppress(asyncio.CancelledError):
            while self._alive:
                self.draw()
                await clock.sleep(REFRESH_S)


def words_of(seen: Observation) -> str:
    """The state of an answer in a few words, the failing checks first named first."""
    if seen.error is None:
        return "ready"
    if seen.failing:
        names = [name.removeprefix(HOOK) for name in seen.failing]  # the live line is narrow
        total = len(seen.failing) + len(seen.ok)
        return f"{len(names)} of {total} checks failing: {', '.join(names)}"
    return f"{seen.error.replace('_', ' ')}{f': {seen.detail}' if seen.detail else ''}"


def clock_face(elapsed_s: float) -> str:
    """``12.3 s``, ``2 min 05 s``."""
    if elapsed_s < 60:
        return f"{elapsed_s:.1f} s"
    minutes, seconds = divmod(int(elapsed_s), 60)
    return f"{minutes} min {seconds:02d} s"


def fitted(text: str, width: int) -> str:
    """``text`` cut to ``width`` terminal cells."""
    ends = list(accumulate(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text))
    whole = not ends or ends[-1] <= width
    return text if whole else text[: bisect_right(ends, width - 1)] + "…"


def _say(stream: TextIO, text: str) -> None:
    """A closed or narrow-minded stderr is no reason to stop waiting."""
    with contextlib.suppress(OSError, ValueError):
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
