"""What one log line becomes once its carrier and its payload are peeled off.

The *axis* is the one time scale all analysis uses: integer microseconds. With absolute stamps it is UTC since 1970
(``LogRecord.absolute``); within a boot that has monotonic stamps it runs with the monotonic clock, pinned to the
boot's last wall-clock offset, so that a clock step does not move it. Without dates it counts from an arbitrary zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from analyzer.timebase import SECOND, offset_text, wall_text


class Payload(StrEnum):
    """Which program's format the message has."""

    LOGRUS = "logrus"  # time="…" level=… msg="…", or INFO[0012] …
    KLOG = "klog"  # I0301 06:03:33.020255 1193 file.go:12] text
    ZAP = "zap"  # etcd JSON
    SYSTEMD = "systemd"  # written by PID 1 about a unit
    TRACE = "trace"  # Trace[…] continuation without a klog header
    PANIC = "panic"  # Go panic or goroutine dump
    KERNEL = "kernel"
    PLAIN = "plain"  # anything else (continuation lines, bare stderr)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A truncated stamp: the true moment lies in ``[us, us + precision_us)`` on the axis (µs)."""

    us: int
    precision_us: int

    @property
    def end_us(self) -> int:
        """The true moment is before it."""
        return self.us + self.precision_us


@dataclass(frozen=True, slots=True)
class ClockInfo:
    """How the stamps of a record were turned into axis positions; shared by all records of a (host, boot) group."""

    basis: str = "journal"  # monotonic | journal | logrus | klog | elapsed
    precision_s: float = 1.0
    utc_offset: str | None = None  # "+00:00": the zone in which the log shows times; None: unknown
    year_from: str = "none"  # stamp | logrus | etcd | certificate | none
    zero_us: int | None = None  # basis elapsed: where on the axis the process's seconds began, its last exec


@lru_cache(maxsize=1024)
def clock_info(basis: str, precision_us: int, offset_s: int | None, year_from: str) -> ClockInfo:
    """One object for all records alike, which are many."""
    return ClockInfo(basis, precision_us / SECOND, offset_text(offset_s), year_from)


NO_CLOCK = ClockInfo()
NO_FIELDS: Mapping[str, str] = MappingProxyType({})


def no_fields() -> Mapping[str, str]:
    """``NO_FIELDS``, as dataclasses want it."""
    return NO_FIELDS


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One decoded log line.

    ``at`` is when the line reached the journal (or its best substitute); ``inner_at`` is the stamp the writing
    component put into the line itself (klog header, etcd ``ts``, logrus ``time``), on the same axis. Lines without
    any usable stamp have neither. ``message`` is the text after the payload's header, Go-unquoted once.
    """

    seq: int  # position in the merged input, 0-based; ties in time keep this order
    source: int  # index into LogRecords.sources
    line: int  # 1-based line (record, for binary and JSON carriers) of that source
    raw: str  # the line as read, without its end; at most RAW_LIMIT characters
    message: str
    payload: Payload = Payload.PLAIN
    level: str = ""  # trace | debug | info | warning | error | fatal | panic | ""
    file: str = ""  # klog's source file without line number ("secure_serving.go"), etcd's caller likewise
    fields: Mapping[str, str] = field(default_factory=no_fields)  # logrus key=value, zap keys
    at: Stamp | None = None
    inner_at: Stamp | None = None
    absolute: bool = False  # the axis is UTC since 1970
    clock: ClockInfo = NO_CLOCK
    host: str | None = None
    ident: str | None = None  # SYSLOG_IDENTIFIER ("k3s", "systemd", "rke2", …)
    pid: int | None = None
    unit: str | None = None  # the unit the line is about (_SYSTEMD_UNIT, or UNIT for PID 1's lines)
    boot_id: str | None = None
    boot_seq: int = 0  # text without boot ids: counts the boot markers of its source (0 before the first)
    invocation_id: str | None = None
    journal: Mapping[str, str] = field(default_factory=no_fields)  # EXIT_CODE, N_RESTARTS, MESSAGE_ID …
    truncated: bool = False  # cut by a pager, an ellipsis or a length limit
    lossy: bool = False  # bytes were lost or replaced
    gap_before: bool = False  # lines between the previous kept record and this one were passed over or lost
    klog_pid: int | None = None  # the process as klog's own header names it, where the carrier need not
    unordered: bool = False  # its place among the lines of its second is not known
    foreign: bool = False  # output of another command in a pasted terminal
    lost_before: bool = False  # … lost for good: rate limit, grep, an elision, damage (not: passed over as of no use)

    @property
    def stamp(self) -> Stamp | None:
        """When it was written as far as it says: the journal's stamp, else its own."""
        return self.at or self.inner_at

    @property
    def with_error(self) -> str:
        """The message with its field ``error``, as if the one wrapped the other."""
        error = self.fields.get("error", "")
        return f"{self.message}: {error}" if error else self.message

    @property
    def in_layers(self) -> str:
        """The same, with klog's own field for the error behind its message as another layer."""
        return self.with_error.lstrip('"').replace('" err="', ": ").rstrip('"')

    @property
    def local_time(self) -> str | None:
        """Date and time as the text shows them, where it names the year and not the zone (the axis is not absolute)."""
        if self.at is None or self.absolute or self.clock.year_from == "none":
            return None
        return wall_text(self.at.us)


RAW_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """One input, as the report names it."""

    path: str
    format: str  # short | short-iso | export | json | cat | … | mixed
    bytes: int
    lines: int


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A jump of the wall clock: the record after it, and by how many seconds the clock moved."""

    seq: int
    by_s: float
    line: int
    source: int = 0
