"""The loop of a watch: read what was written, analyse it when that is due, tell what changed, stop in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from analyzer.results import Report
from analyzer.sources.following import CHUNK, Followed
from analyzer.watching.changes import Changes, Event, in_order
from analyzer.watching.fusing import Shown
from analyzer.watching.judge import Ending, Judge
from analyzer.watching.pace import Pace
from analyzer.watching.reader import StartReader

LOOK_S = 0.25  # how long one read waits at most
FIRST_S = 0.1  # … the first one
_AT_ONCE = 16  # chunks read in a row when more is there
_LET_GO = 4 << 20  # bytes of what stood there before, after which lines are let go


class Teller(Protocol):
    """Who is told."""

    def changed(self, events: Sequence[Event], report: Report | None) -> None:
        """The text was analysed; what is new in it."""

    def passed(self, since_line_s: float) -> None:
        """Time went by; the last line that the last report is on came so long ago."""


class Observer(Protocol):
    """Somebody else who looks at the server meanwhile."""

    def fresh(self) -> bool:
        """Whether something came since the last look."""

    def shown(self, report: Report | None, first: int = 1) -> Shown:
        """The report with what he saw of the starts from the index ``first`` on."""


@dataclass(slots=True)
class Watch:
    """One watch. ``run()`` it; ``final()`` is the report at its end, also after an interruption.

    ``now`` is a clock in seconds that only goes forward, ``spent`` the time that this process took of a core;
    ``timeout_s`` ends the watch. What an ``observer`` saw is told; the judge decides by the log alone.
    """

    source: Followed
    reader: StartReader
    judge: Judge
    teller: Teller
    now: Callable[[], float]
    spent: Callable[[], float]
    timeout_s: float | None = None
    observer: Observer | None = None
    _report: Report | None = None  # the last one; lines may have come since
    _last_line: float = 0.0  # when a line came last
    _last_seen: float = 0.0  # … of those that the last report is on

    def run(self) -> Ending:
        """Follow the source until something decides. Raises ``BadInputError`` for what cannot be followed."""
        pace, changes = Pace(), Changes()
        began = self._last_line = self.now()
        over = self._catch_up()
        pace.lines(urgent=True)
        while True:
            if over or pace.due(self.now()) == 0:
                spent = self.spent()
                ending = self._look(changes)
                pace.analysed(self.now(), self.spent() - spent)
                if ending is not None or over:
                    return ending or self.judge.at_the_end(self.final())
            now = self.now()
            if self.timeout_s is not None and now - began >= self.timeout_s:
                return self._look(changes) or self.judge.timed_out(self.final(), self.timeout_s)
            data = self.source.read(self._wait(pace, now, began))
            over = data is None
            if data:
                self._last_line = self.now()
                pace.lines(urgent=self._take(data))
            elif over:
                self.reader.finish()
            if self.observer is not None and self.observer.fresh():
                self._tell(changes, self._report)
            self.teller.passed(self.now() - self._last_seen)
            silent_s = self.now() - self._last_line
            if not (pace.waiting or over) and (ending := self.judge.ending(self.final(), silent_s)) is not None:
                return ending

    def final(self) -> Report | None:
        """The report on all that was read."""
        return self.reader.report()

    def _catch_up(self) -> bool:
        """Read what was there before; whether that was all there will be."""
        fed = 0
        while data := self.source.read(FIRST_S if not fed else 0.0):
            self.reader.feed(data)
            fed += len(data)
            if fed > _LET_GO:
                self.reader.report()
                fed = 1
        if data is None:
            self.reader.finish()
        return data is None

    def _wait(self, pace: Pace, now: float, began: float) -> float:
        left = LOOK_S if self.timeout_s is None else min(LOOK_S, began + self.timeout_s - now)
        due = pace.due(now)
        return max(0.0, left if due is None else min(left, due))

    def _take(self, data: bytes) -> bool:
        """Feed what came, and what else is there already; whether a line may decide something."""
        decides = self.reader.feed(data)
        for _ in range(_AT_ONCE):
            if len(data) < CHUNK // 4 or not (data := self.source.read(0.0) or b""):
                break
            decides = self.reader.feed(data) or decides
        return decides

    def _look(self, changes: Changes) -> Ending | None:
        """Analyse, tell, and judge."""
        report = self.final()
        self._last_seen = self._last_line
        ending = self.judge.ending(report)
        self._report = report
        self._tell(changes, report)
        return ending

    def _tell(self, changes: Changes, report: Report | None) -> None:
        """Tell what is new by the log, and by whoever else looks."""
        first = self.judge.first or 1
        shown = Shown(report) if self.observer is None else self.observer.shown(report, first)
        events = changes.of(shown.report, first)
        self.teller.changed(in_order([*events, *shown.news]) if shown.news else events, shown.report)
