"""journalctl's short family in all its modes, rsyslog's traditional format, and what people leave of either."""

from __future__ import annotations

import re
from functools import lru_cache

from analyzer.records.carriers.carrier import Carrier, Envelope, dated, pid_of, time_of_day, with_tail
from analyzer.records.draft import Outer
from analyzer.records.months import ENGLISH, month_number
from analyzer.timebase import DAY, SECOND, is_day, pack_partial

_SHORT = re.compile(
    r" ?([^\s\d]\S{0,15}|\d{1,2}\S{0,8}|[^\s\d]\S{0,8} \S{1,6}|\d{1,2}-р сар|l\S{1,2} \S{6,7} kati) {1,2}"
    r"(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (.*)",
    re.DOTALL,
)
_FAST_STAMP = re.compile(rf"({'|'.join(ENGLISH)}) ([ \d]\d) (\d\d):(\d\d):(\d\d)")
_FAST_WRITER = re.compile(r"(\S+) ([^\s\[\]:]+)\[(\d+)\]")
_WRITER_MAX = 400  # characters of host, program and pid; longer ones take the general way
_FULL = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) ([A-Z]{1,5}|[+-]\d{2,4}) (.*)",
    re.DOTALL,
)
_MONO = re.compile(r"\[ *(\d{1,9})\.(\d{6})(?: ?(?:<[^<>]{1,30}>)? *)\] (.*)", re.DOTALL)
_UNIX = re.compile(r" {0,9}(\d{1,10})\.(\d{6}) (.*)", re.DOTALL)
_TIME_ONLY = re.compile(
    r" ?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (?:(\S+) )?([^\s\[\]:=\"{}]+)\[(\d+)\]: ?(.*)", re.DOTALL
)
_UNDATED = re.compile(r"[.\s]*+(?:([\w.\-]+) )?([A-Za-z][\w.@/\-]*)\[(\d+)\]: ?(.*)", re.DOTALL)
_UNIT = re.compile(r"\.(?:service|scope|mount|socket|slice|timer)$")


@lru_cache(maxsize=256)
def _second(stamp: str) -> int | None:
    """``Mar 01 06:03:22`` as a partial wall; ``None`` when this is no such stamp of English months."""
    match = _FAST_STAMP.fullmatch(stamp)
    found = _partial(*match.groups()) if match is not None else None
    return found[0] if found is not None else None


def _partial(
    name: str, day: str, hour: str, minute: str, second: str, fraction: str | None = None
) -> tuple[int, int] | None:
    """A partial wall and its precision; ``None`` for what no calendar or clock shows."""
    month, clock = month_number(name), time_of_day(hour, minute, second, fraction)
    if month is None or clock is None or not is_day(month, int(day)):
        return None
    return pack_partial(month, int(day), clock[0]), clock[1]


@lru_cache(maxsize=256)
def _writer(tail: str) -> tuple[str, str, int | None] | None:
    """Host, identifier and pid in ``HOST IDENT[PID]``."""
    match = _FAST_WRITER.fullmatch(tail)
    return (match[1], match[2], pid_of(match[3])) if match is not None else None


def _is_of_syslog(text: str) -> bool:
    """A blank before a single digit is the C locale's day, as rsyslog writes it; journalctl writes a zero."""
    return text[3:5] == "  " and text[5:6].isdigit()


def short(text: str) -> Envelope | None:
    """journalctl short and short-precise, rsyslog's traditional format; month names of any locale."""
    # Neighbouring lines share the second and the writer: both are looked up, not parsed again.
    value = _second(text[:15]) if text[3:4] == " " else None
    if value is not None:
        at, precision = 16, SECOND
        micros = text[16:22] if text[15:16] == "." and text[22:23] == " " else ""
        if micros.isdecimal() and micros.isascii():
            value, at, precision = value + int(micros), 23, 1
        end = text.find("]: ", at, at + _WRITER_MAX) if text[at - 1 : at] == " " else -1
        writer = _writer(text[at : end + 1]) if end >= 0 else None
        if writer is not None:
            host, ident, pid = writer
            return Envelope(
                text[end + 3 :], tail=True, octal=_is_of_syslog(text),
                outer=Outer.PARTIAL, value=value, precision=precision, host=host, ident=ident, pid=pid,
            )  # fmt: skip
    match = _SHORT.match(text)
    stamp = _partial(*match.groups()[:6]) if match is not None else None
    if match is None or stamp is None:
        return None
    name, rest = match[1], match[7]
    envelope = Envelope(rest, octal=_is_of_syslog(text), outer=Outer.PARTIAL, value=stamp[0], precision=stamp[1])
    if name not in ENGLISH:
        envelope.month = name.lower()
    with_tail(envelope, rest)
    return envelope


def _full(text: str) -> Envelope | None:
    """short-full and with-unit; only UTC and numeric zone names are believed, letters are ambiguous."""
    match = _FULL.match(text)
    instant = dated(match[1], match[2] if match[2] != "GMT" else "") if match is not None else None
    if match is None or instant is None:
        return None
    envelope = Envelope(match[3]).stamped(instant)
    with_tail(envelope, match[3])
    if envelope.ident is not None and _UNIT.search(envelope.ident):
        unit = envelope.ident  # with-unit shows the unit in the place of the identifier
        if unit == "init.scope":
            envelope.ident = "systemd"
        else:
            envelope.unit, envelope.ident = unit, unit.rpartition(".")[0]
    return envelope


def _decimal(match: re.Match[str] | None, outer: Outer) -> Envelope | None:
    """A line after seconds with six digits."""
    if match is None:
        return None
    envelope = Envelope(match[3], outer=outer, value=int(match[1]) * SECOND + int(match[2]), precision=1)
    return envelope if with_tail(envelope, match[3]) else None


def _monotonic(text: str) -> Envelope | None:
    """short-monotonic and short-delta: seconds since boot."""
    return _decimal(_MONO.match(text), Outer.MONO)


def _unix(text: str) -> Envelope | None:
    """short-unix: seconds since 1970."""
    return _decimal(_UNIX.match(text), Outer.UTC)


def _undated(text: str) -> Envelope | None:
    """Lines whose date, or date and host, were cut off by the person who pasted them."""
    timed = _TIME_ONLY.match(text)
    clock = time_of_day(*timed.groups()[:4]) if timed is not None else None
    match = timed if clock is not None else _UNDATED.match(text)
    if match is None:
        return None
    host, ident, pid, rest = match.groups()[-4:]
    envelope = Envelope(rest, host=host, ident=ident, pid=pid_of(pid), tail=True)
    if clock is not None:
        envelope.outer, envelope.value, envelope.precision = Outer.TIME, clock[0] % DAY, clock[1]
    return envelope


FULL = Carrier("short-full", Outer.WALL, ("short-full", "with-unit"), peel=_full)
MONOTONIC = Carrier("short-monotonic", Outer.MONO, ("short-monotonic", "short-delta"), peel=_monotonic)
UNIX = Carrier("short-unix", Outer.UTC, ("short-unix",), peel=_unix)
SHORT = Carrier(
    "short",
    Outer.PARTIAL,
    ("short", "short-precise", "rsyslog", "rsyslog-repeats", "busybox", "short-reverse", "short-reboots",
     "short-catalogue", "short-catalogue-c", "short-pages", "short-de", "short-fr", "short-ja", "short-zh", "short-vi",
     "short-ca", "short-hr", "short-cs", "short-pt", "terminal", "utf-16", "github-actions", "pager", "pager-narrow",
     "edge", "no-full", "status", "grep-k3s", "grep-polls", "grep-lists", "grep-errors", "grep-context", "suppressed"),
    peel=short,
)  # fmt: skip
UNDATED = Carrier("undated", Outer.TIME, ("no-date", "no-stamp", "no-stamp-no-host"), peel=_undated)
