"""A record on its way: the decoded line beside the raw stamps that ``resolve`` turns into axis positions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum

from analyzer.records.log_record import LogRecord
from analyzer.sources.pod_files import Pod
from analyzer.sources.source import Bundle


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


@dataclass(slots=True)
class Draft:
    """One record and its undigested stamps; all µs, offsets in s."""

    rec: LogRecord
    outer: Outer = Outer.NONE
    value: int = 0
    precision: int = 0
    offset_s: int | None = None
    mono: int | None = None
    inner: Inner = Inner.NONE
    inner_value: int = 0
    inner_precision: int = 0
    inner_offset_s: int | None = None
    etcd: bool = False
    klog_pid: int | None = None
    cursor: int | None = None  # a mark of the journal's own entry: two entries never have the same
    rt: int | None = None  # realtime in UTC, set by resolve (wall time when no zone is known)
    follows: bool = False  # a further line of the entry before it
    line_max: bool = False  # journald or docker cut the line here, the next entry goes on
    whole: str = ""  # the undigested message, kept only for lines as long as journald's limit


@dataclass(slots=True)
class Tally:
    """What a reader met in one source, and what it learnt about the source on the way."""

    path: str
    index: int
    format: str = "unknown"
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

    def spoil(self, line: int, reason: str) -> None:
        """A line (record) that could not be decoded; it gives no record and no longer counts as lossy."""
        self.reasons[reason] += 1
        self.malformed_lines.add(line)
        self.lossy_lines.discard(line)

    def lose(self, line: int, reason: str) -> None:
        """A line (record) of which bytes were lost or replaced."""
        self.reasons[reason] += 1
        if line not in self.malformed_lines:
            self.lossy_lines.add(line)
