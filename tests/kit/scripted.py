"""A source that grows by a script, on a clock of its own: minutes of a watch take no time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analyzer.results import Report
from analyzer.watching.changes import Event
from analyzer.watching.judge import Ending, Judge
from analyzer.watching.reader import StartReader
from analyzer.watching.watch import Watch

COST_S = 0.05  # of an analysis


class Scripted:
    """Pieces with the moments at which they are written; ``over`` ends the source behind the last one."""

    def __init__(self, pieces: Iterable[tuple[float, bytes]], *, over: bool = False) -> None:
        self.name = "<script>"
        self.at = 0.0
        self.closed = False
        self._pieces = list(pieces)
        self._over = over

    def now(self) -> float:
        return self.at

    def read(self, timeout_s: float) -> bytes | None:
        until = self.at + timeout_s
        if self._pieces and self._pieces[0][0] <= until:
            moment, piece = self._pieces.pop(0)
            self.at = max(self.at, moment)
            return piece
        if not self._pieces and self._over:
            return None
        self.at = max(until, self.at + 1e-3)
        return b""

    def close(self) -> None:
        self.closed = True


@dataclass
class Heard:
    """Remembers what was told, and when."""

    source: Scripted
    events: list[tuple[float, Event]] = field(default_factory=list)
    looks: int = 0

    def changed(self, events: Sequence[Event], report: Report | None) -> None:
        self.looks += 1
        self.events += [(self.source.at, event) for event in events]

    def passed(self, since_line_s: float) -> None:
        pass


class _Costly(StartReader):
    """An analysis takes its time on the clock of the script, too."""

    def __init__(self, source: Scripted) -> None:
        super().__init__(source.name)
        self._source = source

    def report(self) -> Report | None:
        self._source.at += COST_S if self.fresh else 0.0
        return super().report()


def watched(
    pieces: Iterable[tuple[float, bytes]],
    judge: Judge | None = None,
    *,
    timeout_s: float | None = None,
    over: bool = False,
) -> tuple[Ending, Heard]:
    """How a watch of these pieces ends, and what it told."""
    source = Scripted(pieces, over=over)
    heard = Heard(source)
    one = Watch(source, _Costly(source), judge or Judge(), heard, source.now, source.now, timeout_s)
    return one.run(), heard
