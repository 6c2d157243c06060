"""A record on its way: what was read of a line so far, and the stamps that ``timestamps`` turns into axis positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from operator import attrgetter
from typing import Self

from analyzer.records.log_record import NO_CLOCK, ClockInfo, LogRecord, Payload, Stamp, no_fields
from analyzer.sources.pod_files import Pod
from analyzer.sources.source import Bundle
from analyzer.timebase import Instant


class Outer(IntEnum):
    """What the carrier's stamp of a line is."""

    NONE = 0
    UTC = 1  # realtime, µs since 1970
    WALL = 2  # local time with its date, zone unknown
    PARTIAL = 3  # local time with month and day only (timebase.pack_partial)
    TIME = 4  # time of day only
    MONO = 5  # monotonic only, in text


class Inner(IntEnum):
    """What the stamp inside the message is."""

    NONE = 0
    UTC = 1  # logrus time=, etcd ts=
    PARTIAL = 2  # klog
    ELAPSED = 3  # logrus on a terminal: seconds since the process began


Process = tuple[str | None, int | None]
_PROGRAM = frozenset({Payload.LOGRUS, Payload.KLOG, Payload.ZAP})


@dataclass(slots=True, kw_only=True)
class Origin:
    """When, where and by whom a line was written, as its carrier says; µs, the offset in s."""

    outer: Outer = Outer.NONE
    value: int = 0
    precision: int = 0
    offset_s: int | None = None
    host: str | None = None
    ident: str | None = None
    pid: int | None = None
    unit: str | None = None

    def stamped(self, instant: Instant | None) -> Self:
        """With the carrier's stamp, where it can be read."""
        if instant is not None:
            self.outer = Outer.WALL if instant.offset_s is None else Outer.UTC
            self.value, self.precision, self.offset_s = instant.us, instant.precision_us, instant.offset_s
        return self

    def take_stamp(self, other: Origin) -> None:
        """The stamp of another line or layer."""
        self.outer, self.value = other.outer, other.value
        self.precision, self.offset_s = other.precision, other.offset_s

    def take_writer(self, other: Origin) -> None:
        """The writer of another line or layer."""
        self.host, self.ident, self.pid, self.unit = other.host, other.ident, other.pid, other.unit


@dataclass(slots=True)
class Draft(Origin):
    """One record while it is read: the fields of ``LogRecord``, and its undigested stamps; all µs, offsets in s."""

    source: int
    line: int
    raw: str
    message: str
    payload: Payload = Payload.PLAIN
    level: str = ""
    file: str = ""
    fields: Mapping[str, str] = field(default_factory=no_fields)
    at: Stamp | None = None
    inner_at: Stamp | None = None
    absolute: bool = False
    clock: ClockInfo = NO_CLOCK
    boot_id: str | None = None
    boot_seq: int = 0
    invocation_id: str | None = None
    journal: Mapping[str, str] = field(default_factory=no_fields)
    truncated: bool = False
    lossy: bool = False
    gap_before: bool = False
    klog_pid: int | None = None
    unordered: bool = False
    foreign: bool = False
    lost_before: bool = False
    mono: int | None = None
    inner: Inner = Inner.NONE
    inner_value: int = 0
    inner_precision: int = 0
    inner_offset_s: int | None = None
    etcd: bool = False
    cursor: int | None = None  # a mark of the journal's own entry: two entries never have the same
    rt: int | None = None  # realtime in UTC, set by timestamps (wall time when no zone is known)
    follows: bool = False  # a further line of the entry before it
    line_max: bool = False  # journald or docker cut the line here, the next entry goes on
    whole: str = ""  # the undigested message, kept only for lines as long as journald's limit

    @property
    def process(self) -> Process:
        """The program and process that wrote the line, as far as the carrier names them."""
        return self.ident, self.pid

    @property
    def of_program(self) -> bool:
        """Whether k3s or one of its components wrote the line, in the format of its own."""
        return self.payload in _PROGRAM

    @property
    def of_status(self) -> bool:
        """Whether ``systemctl status`` says it: its moments are no carrier's."""
        return self.payload is Payload.SYSTEMD and self.host is None and self.pid is None

    @property
    def is_last_word(self) -> bool:
        """Whether a process says nothing after the line."""
        return self.level in ("fatal", "panic")

    def put(self, us: int, precision_us: int, clock: ClockInfo, *, absolute: bool = True) -> None:
        """Its moment, which is its place on the axis while nothing moves it."""
        self.rt, self.at = us, Stamp(us, precision_us)
        self.absolute, self.clock = absolute, clock

    def put_inner(self, instant: Instant | None) -> bool:
        """The stamp that the program wrote; ``False``: it cannot be read, or names no zone and so says nothing."""
        if instant is None or instant.offset_s is None:
            return False
        self.inner, self.inner_value = Inner.UTC, instant.us
        self.inner_precision, self.inner_offset_s = instant.precision_us, instant.offset_s
        return True

    def record(self, seq: int) -> LogRecord:
        """The finished record at its place in the merged input."""
        return LogRecord(seq, *_FINISHED(self))

    def copy(self) -> Draft:
        """Another draft with the same values."""
        made = Draft(*_OWN(self))
        made.outer, made.value, made.precision, made.offset_s, made.host, made.ident, made.pid, made.unit = _ORIGIN(
            self
        )
        return made


_FINISHED = attrgetter(*(item.name for item in fields(LogRecord) if item.name != "seq"))
_OWN = attrgetter(*(item.name for item in fields(Draft) if not item.kw_only))
_ORIGIN = attrgetter(*(item.name for item in fields(Origin)))


@dataclass(slots=True)
class Tally:
    """What a reader met in one source, and what it learnt about the source on the way."""

    path: str
    index: int
    format: str = ""  # set by carriers that are of one format as a whole
    size: int = 0  # bytes, decompressed
    lines: int = 0
    malformed_lines: set[int] = field(default_factory=set)
    lossy_lines: set[int] = field(default_factory=set)
    truncated: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    newest_first: bool = False  # the tool that printed it does so unless told otherwise
    formats: Counter[str] = field(default_factory=Counter)
    # Date hints for text without a year: (wall µs, offset in s or None), from headers and status blocks.
    date_hints: list[tuple[int, int | None]] = field(default_factory=list)
    digest: bytes = b""
    bundle: Bundle | None = None  # the support bundle it came out of
    pod: Pod | None = None  # the static pod it is the log of

    def copy(self) -> Tally:
        """Another tally with the same values."""
        return replace(
            self,
            malformed_lines=set(self.malformed_lines),
            lossy_lines=set(self.lossy_lines),
            reasons=Counter(self.reasons),
            notes=list(self.notes),
            formats=Counter(self.formats),
            date_hints=list(self.date_hints),
        )

    def spoil(self, line: int, reason: str) -> None:
        """A line (record) that could not be decoded; it gives no record and no longer counts as lossy."""
        self.reasons[reason] += 1
        self.malformed_lines.add(line)
        self.lossy_lines.discard(line)

    def cut_line(self) -> None:
        """A line (message) that was longer than can be held."""
        self.truncated += 1
        self.reasons["line longer than 256 KiB cut"] += 1

    def note(self, sentence: str) -> None:
        """Something a reader of the report should know of this source, told once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def tell(self, sentence: str, reason: str, count: int = 1) -> None:
        """Something a reader of the report should know, and how many lines it is true of, for the ledger."""
        self.notes.append(sentence)
        self.reasons[reason] += count

    def lose(self, line: int, reason: str) -> None:
        """A line (record) of which bytes were lost or replaced."""
        self.reasons[reason] += 1
        if line not in self.malformed_lines:
            self.lossy_lines.add(line)
