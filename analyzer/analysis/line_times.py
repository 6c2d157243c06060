"""Places the lines of one start in time: for each line, the earliest and the latest moment it can have been written.

Seconds since ``began_at``. A stamp is truncated, so a line stamped x with precision p was written in [x, x + p); the
journal's stamp can lag behind the writing (measured: 99 % under 20 ms, 4.3 s at worst on a starved machine), so the
lower end of a line without a stamp of its own is pulled back by the lag that klog's own stamps show around it. So does
systemd's ``Started``, which answers the line that says that k3s is up: where it stands before that one, the journal was
as late at least.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from analyzer.records.log_record import LogRecord, Payload, Stamp
from analyzer.starts.agents import notified
from analyzer.starts.start import Start
from analyzer.timebase import SECOND
from analyzer.window import Bound, Evidence

_NEAR_US = 2 * SECOND
_SLACK_US = 20_000  # measured: 99 % of lines reach the journal within 20 ms
_LATEST_US = 5 * SECOND  # measured: 4.3 s
_FINE_US = 100_000  # a stamp at least this fine can tell poll ticks apart
_UP = ("k3s_running", "agent_running")


def begin_stamp(start: Start) -> Stamp | None:
    """The stamp of a start's begin: its first line's, or that line's own when the journal took it down late.

    Where the program counts the seconds itself it is their zero, which no line need show.
    """
    began = start.began
    if began is None:
        return None
    clock = began.clock
    if clock.zero_us is not None and began.at is not None:  # its seconds count from its begin, seen or not
        return Stamp(clock.zero_us, began.at.precision_us)
    if began.payload in (Payload.KLOG, Payload.ZAP) and began.at is not None and began.inner_at is not None:
        return min(began.at, began.inner_at, key=lambda stamp: stamp.us)
    return began.at or began.inner_at


@dataclass(slots=True)
class LineTimes:
    """Times of one start's lines. ``zero_us`` is the start's begin on the axis; ``None``: nothing is stamped.

    ``steps`` are the positions (``LogRecord.seq``) of its lines before which the wall clock was set. Where no monotonic
    clock runs beside it, nothing tells how much time passed there: lines after it have no latest moment.
    """

    start: Start
    steps: Sequence[int] = ()
    zero_us: int | None = field(init=False)
    _floor_us: int = field(init=False, default=0)  # nothing of the start is shown to be older
    _lost_at: int | None = field(init=False, default=None)  # seq of the first line after such a step
    _lags: list[tuple[int, int]] = field(init=False, default_factory=list)  # stamps and the lag shown at each

    def __post_init__(self) -> None:
        stamp = begin_stamp(self.start)
        self.zero_us = stamp.us if stamp is not None else None
        began = self.start.began
        if began is not None and began.clock.basis != "monotonic":
            self._lost_at = min((seq for seq in self.steps if began.seq < seq), default=None)
        self._lags = sorted((*_by_klog(self.start), *_by_systemd(self.start)))
        # A begin that the journal took down late lies after lines that say when they were written.
        self._floor_us = min([self.zero_us or 0, *(at - lag for at, lag in self._lags)])

    @property
    def precision_s(self) -> float:
        """Of the start's first stamp: how coarse ``began_at`` is."""
        stamp = begin_stamp(self.start)
        return stamp.precision_us / SECOND if stamp is not None else 1.0

    def seconds(self, us: int) -> float:
        """An axis position as seconds since the start's begin."""
        assert self.zero_us is not None
        return (us - self.zero_us) / SECOND

    def earliest(self, record: LogRecord) -> float | None:
        """The earliest moment the line can have been written; ``None`` without any stamp."""
        span = self._span_us(record)
        return self.seconds(span[0]) if span is not None else None

    def latest(self, record: LogRecord) -> float | None:
        """The latest moment the line can have been written; ``None`` without any stamp, or after a clock step."""
        if self._lost_at is not None and record.seq >= self._lost_at:
            return None
        span = self._span_us(record)
        return max(0.0, self.seconds(span[1])) if span is not None else None

    def not_before(self, record: LogRecord, kind: Bound = Bound.OBSERVED) -> Evidence | None:
        """The line as a bound from below: its earliest moment."""
        at = self.earliest(record)
        return None if at is None else Evidence(at, kind, record.line, record.source)

    def not_after(self, record: LogRecord) -> Evidence | None:
        """The line as a bound from above: its latest moment."""
        at = self.latest(record)
        return None if at is None else Evidence(at, Bound.OBSERVED, record.line, record.source)

    def point(self, record: LogRecord) -> float | None:
        """The stamp to show for a line: its own where it is finer than the journal's, else the journal's."""
        stamp = record.at
        if record.inner_at is not None and (stamp is None or record.inner_at.precision_us < stamp.precision_us):
            stamp = record.inner_at
        if record.payload is Payload.KLOG and record.inner_at is not None:
            stamp = record.inner_at
        if stamp is None or self.zero_us is None:
            return None
        # The coarser stamp of a line that came after the begin, or one of a clock that was set since.
        if stamp.us < self.zero_us and (stamp.us + stamp.precision_us >= self.zero_us or self.start.begin_seen):
            return 0.0
        return self.seconds(stamp.us)

    def fine(self, record: LogRecord) -> bool:
        """Whether the line's arrival is stamped finely enough, and not visibly late, to be put on the poll grid."""
        outer, inner = record.at, record.inner_at
        if outer is None or outer.precision_us > _FINE_US or self._lost_at is not None:  # a step moves the grid, too
            return False
        return inner is None or outer.us <= inner.us + inner.precision_us + _SLACK_US

    def prompt(self, record: LogRecord, by_s: float) -> bool:
        """Whether nothing shows that the journal took the line down more than ``by_s`` after it was written.

        A reader on its own clock can be late by whole seconds on a starved machine; klog's own stamps around the line
        tell, and so does the second in a logrus line.
        """
        stamp, by_us = record.at, int(by_s * SECOND)
        if stamp is None:
            return False
        inner = record.inner_at
        if inner is not None and inner.us + inner.precision_us + by_us < stamp.us:
            return False
        return stamp.precision_us >= SECOND or max([0, *self._lags_near(stamp.us)]) <= by_us

    def _span_us(self, record: LogRecord) -> tuple[int, int] | None:
        if self.zero_us is None:
            return None
        inner, outer = record.inner_at, record.at
        if inner is not None and record.payload in (Payload.KLOG, Payload.ZAP) and inner.precision_us < SECOND:
            return inner.us, inner.end_us
        if outer is None:
            return None if inner is None else (inner.us, inner.end_us)
        low, high = outer.us - self._lag_near(outer), outer.end_us
        # However late the journal was, the line is of this start: only a stamp of its own may lie before the begin.
        low = max(low, min(self._floor_us, outer.us))
        if inner is None:
            return low, high
        late_us = outer.us - inner.end_us
        if 0 <= late_us <= _LATEST_US and (outer.precision_us >= SECOND or low > inner.end_us):
            return inner.us, inner.end_us  # the journal was late by more than shows around it: its own second is known
        low, high = max(low, inner.us), min(high, inner.end_us)
        if high < low:  # the two clocks disagree: believe the journal
            return max(outer.us - SECOND, min(self._floor_us, outer.us)), outer.end_us
        return low, high

    def lag_s(self, at_s: float) -> float:
        """By how much the journal was late around a moment, as far as klog's own stamps show."""
        assert self.zero_us is not None
        lags = self._lags_near(self.zero_us + round(at_s * SECOND))
        return max(0, *lags) / SECOND if lags else 0.0

    def _lag_near(self, stamp: Stamp) -> int:
        """By how much the journal may be late here, from klog lines within two seconds; a second without any, of a
        fine stamp."""
        lags = self._lags_near(stamp.us)
        if not lags and stamp.precision_us < SECOND:
            return SECOND
        return max([0, *lags]) + _SLACK_US  # of a stamp in whole seconds a prompt line's lag is below 0

    def _lags_near(self, us: int) -> list[int]:
        left = bisect.bisect_left(self._lags, us - _NEAR_US, key=itemgetter(0))
        right = bisect.bisect_right(self._lags, us + _NEAR_US, key=itemgetter(0))
        return [lag for _, lag in self._lags[left:right]]


def _by_klog(start: Start) -> Iterator[tuple[int, int]]:
    for record in start.process:
        if record.payload is Payload.KLOG and record.at is not None and record.inner_at is not None:
            yield record.at.us, record.at.us - record.inner_at.us


def _by_systemd(start: Start) -> Iterator[tuple[int, int]]:
    up, started = start.first(*_UP), notified(start)
    if up is not None and started is not None and up.record.at is not None and started.record.at is not None:
        lag = up.record.at.us - started.record.at.end_us
        if lag > 0:
            yield up.record.at.us, lag
