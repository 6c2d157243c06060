"""What stands before a message in text logs: one small function per carrier, each ``text → Envelope | None``.

Order matters (most specific first); the text reader tries the last winner first. The tail of the journal family is
``HOST IDENT[PID]: MESSAGE``; an identifier must not contain ``" = { }``, otherwise bare logrus lines would match.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from analyzer.records.draft import Outer
from analyzer.records.months import ENGLISH, month_number
from analyzer.timebase import DAY, SECOND, Instant, is_day, pack_partial, parse_iso


@dataclass(slots=True)
class Envelope:
    """One layer peeled off: the rest, and what the layer said."""

    rest: str
    outer: Outer = Outer.NONE
    value: int = 0
    precision: int = 0
    offset_s: int | None = None
    host: str | None = None
    ident: str | None = None
    pid: int | None = None
    unit: str | None = None
    tail: bool = False  # HOST IDENT[PID]: was there; nothing of a journal can be inside any more
    partial: bool | None = None  # CRI: the line goes on in the next one
    stream: str = ""
    month: str = ""  # the name of the month in small letters, when it is not English


_SHORT = re.compile(
    r" ?([^\s\d]\S{0,15}|\d{1,2}\S{0,8}|[^\s\d]\S{0,8} \S{1,6}|\d{1,2}-р сар|l\S{1,2} \S{6,7} kati) {1,2}"
    r"(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (.*)",
    re.DOTALL,
)
_FAST_STAMP = re.compile(r"([A-Z][a-z][a-z]) ([ \d]\d) (\d\d):(\d\d):(\d\d)")
_FAST_WRITER = re.compile(r"(\S+) ([^\s\[\]:]+)\[(\d+)\]")
_WRITER_MAX = 400  # characters of host, program and pid; longer ones take the general way
_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)([ \t])(.*)", re.DOTALL)
_CRI = re.compile(r"(stdout|stderr) ([FP]\S*) ?(.*)", re.DOTALL)
_GITLAB = re.compile(r"\d\d[OE][+ ] ?(.*)", re.DOTALL)
_LOGCLI = re.compile(r"\{([^{}]*)\} (.*)", re.DOTALL)
_FULL = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) ([A-Z]{1,5}|[+-]\d{2,4}) (.*)",
    re.DOTALL,
)
_MONO = re.compile(r"\[ *(\d{1,9}\.\d{6})(?: ?(?:<[^<>]{1,30}>)? *)\] (.*)", re.DOTALL)
_UNIX = re.compile(r" {0,9}(\d{1,10})\.(\d{6}) (.*)", re.DOTALL)
_RFC5424 = re.compile(
    r"<\d{1,3}>1 (\S+) (\S+) (\S+) (\S+) (\S+) "
    r"(?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?\ufeff?(.*)",
    re.DOTALL,
)
_RFC3164 = re.compile(r"<\d{1,3}>(\D.*)", re.DOTALL)
_COMPOSE = re.compile(r"([A-Za-z0-9][\w.\-]{0,63}) +\| (.*)", re.DOTALL)
_PREFIX = re.compile(r"\[pod/([^\]\s/]++)[^\]\s]*+\] (.*)", re.DOTALL)
_GH_VIEW = re.compile(r"[^\t]{1,200}\t[^\t]{1,200}\t\ufeff?(\d{4}-\d\d-\d\dT.*)", re.DOTALL)
_GRAFANA = re.compile(r"\d{13,19}\t(\d{4}-\d\d-\d\dT[\d:.]+Z)\t(.*)", re.DOTALL)
_TERRAFORM = re.compile(r"[\w.\-\[\]\"]{1,200} \((?:remote|local)-exec\): (.*)", re.DOTALL)
_QUOTE_MARKS = re.compile(r"(?:> |`|\s*\* )(.*)", re.DOTALL)
_TIME_ONLY = re.compile(r" ?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (\S+ )?([^\s\[\]:=\"{}]+)\[(\d+)\]: ?(.*)", re.DOTALL)
_UNDATED = re.compile(r"[.\s]*+(?:([\w.\-]+) )?([A-Za-z][\w.@/\-]*)\[(\d+)\]: ?(.*)", re.DOTALL)

# As Windows' event viewer and Get-EventLog show rke2.exe's lines, month first as a rule: AM or PM tells it.
_WINDOWS = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) {1,2}(\d{1,2}):(\d\d):(\d\d) ([AP])M\s{1,9}(\S.*)", re.DOTALL)
# A prompt or a few characters of another tool.
_JUNK = re.compile(
    r"[^\"={}\[\]]{1,24}?(?=time=\"\d{4}-\d\d-\d\dT)|"
    r"[^\"={}\[\]]{1,48}? (?=(?:INFO|WARN|ERRO|FATA|DEBU)\[\d{4}(?:\]|-\d\d-\d\dT))"
)
_OLD_ETCD = re.compile(r"[A-Z] \| \w")  # level and package of etcd before 3.5, behind its own stamp

_TAIL_PID = re.compile(r"(?:(\S+) )?([^\s\[\]:=\"{}]+)\[(\d+)\]: ?(.*)", re.DOTALL)
_TAIL_FACILITY = re.compile(r"(\S+) [a-z0-9]+\.[a-z]+ ([^\s\[\]:=\"{}]+)(?:\[(\d+)\])?: ?(.*)", re.DOTALL)
_TAIL_BARE = re.compile(r"(?:([^\s\[\]:=\"{}]+) )?([^\s\[\]:=\"{}]+): (.*)", re.DOTALL)
_TAIL_SPACED = re.compile(r"(\S+) ([^\[\]:=\"{}]{1,60}?)(?:\[(\d+)\])?: (.*)", re.DOTALL)


def _fraction(digits: str | None) -> tuple[int, int]:
    """``(µs, precision)`` of a fraction of a second."""
    if not digits:
        return 0, SECOND
    digits = digits[:6]
    return int(digits.ljust(6, "0")), int(10 ** (6 - len(digits)))


def _time_of_day(hour: str, minute: str, second: str) -> int | None:
    h, m, s = int(hour), int(minute), int(second)
    return ((h * 60 + m) * 60 + s) * SECOND if h < 24 and m < 60 and s < 61 else None


def _with_tail(envelope: Envelope, text: str) -> bool:
    """Peel ``HOST IDENT[PID]: `` off ``text`` into ``envelope``."""
    match = _TAIL_PID.match(text)
    if match is None:
        match = _TAIL_FACILITY.match(text)
    if match is None:
        bare = _TAIL_BARE.match(text)
        if bare is not None:
            envelope.host, envelope.ident, envelope.rest = bare.groups()
            envelope.tail = True
            return True
        if text.endswith(":"):
            return _with_tail(envelope, text + " ") if not text.endswith(" :") else False
        match = _TAIL_SPACED.match(text)
        if match is None:
            return False
    envelope.host, envelope.ident, pid, envelope.rest = match.groups()
    envelope.pid = int(pid) if pid is not None and len(pid) < 12 else None
    envelope.tail = True
    return True


@lru_cache(maxsize=256)
def _second(stamp: str) -> int | None:
    """``Mar 01 06:03:22`` as a partial wall; ``None`` when this is no such stamp of English months."""
    match = _FAST_STAMP.fullmatch(stamp)
    if match is None:
        return None
    name, day, hour, minute, second = match.groups()
    month = ENGLISH.get(name)
    tod = _time_of_day(hour, minute, second)
    if month is None or tod is None or not is_day(month, int(day)):
        return None
    return pack_partial(month, int(day), tod)


@lru_cache(maxsize=256)
def _writer(tail: str) -> tuple[str, str, int | None] | None:
    """Host, identifier and pid in ``HOST IDENT[PID]``."""
    match = _FAST_WRITER.fullmatch(tail)
    if match is None:
        return None
    host, ident, pid = match.groups()
    return host, ident, int(pid) if len(pid) < 12 else None


def short(text: str) -> Envelope | None:
    """journalctl short and short-precise, rsyslog's traditional format; month names of any locale."""
    # Neighbouring lines share the second and the writer: both are looked up, not parsed again.
    value = _second(text[:15]) if text[3:4] == " " else None
    if value is not None:
        at, precision = 16, SECOND
        if text[15:16] == "." and text[16:22].isdecimal() and text[16:22].isascii() and text[22:23] == " ":
            value, at, precision = value + int(text[16:22]), 23, 1
        end = text.find("]: ", at, at + _WRITER_MAX) if text[at - 1 : at] == " " else -1
        writer = _writer(text[at : end + 1]) if end >= 0 else None
        if writer is not None:
            host, ident, pid = writer
            return Envelope(text[end + 3 :], Outer.PARTIAL, value, precision, None, host, ident, pid, None, True)
    match = _SHORT.match(text)
    if match is None:
        return None
    name, day, hour, minute, second, fraction, rest = match.groups()
    month = month_number(name)
    tod = _time_of_day(hour, minute, second)
    if month is None or tod is None or not is_day(month, int(day)):
        return None
    micro, precision = _fraction(fraction)
    envelope = Envelope(rest, Outer.PARTIAL, pack_partial(month, int(day), tod + micro), precision)
    if name not in ENGLISH:
        envelope.month = name.lower()
    _with_tail(envelope, rest)
    return envelope


def _set(envelope: Envelope, instant: Instant) -> None:
    if instant.offset_s is None:
        envelope.outer = Outer.WALL
    else:
        envelope.outer, envelope.offset_s = Outer.UTC, instant.offset_s
    envelope.value, envelope.precision = instant.us, instant.precision_us


def iso(text: str) -> Envelope | None:
    """Everything that begins with an ISO date: short-iso, rsyslog's default, CRI, docker -t, GitHub, GitLab, logcli."""
    match = _ISO.match(text)
    if match is None:
        return None
    stamp, _, rest = match.groups()
    instant = parse_iso(stamp)
    if instant is None:
        return None
    envelope = Envelope(rest)
    _set(envelope, instant)
    digits = len(stamp.partition(".")[2].rstrip("Z")) if stamp.endswith("Z") else 0
    cri = _CRI.match(rest)
    if cri is not None:
        envelope.stream, flag, envelope.rest = cri.groups()
        envelope.partial = flag[0] == "P"
        return envelope
    gitlab = _GITLAB.match(rest)
    if gitlab is not None or digits == 7:  # a CI system's time of printing, not of the event
        envelope.rest = gitlab.group(1) if gitlab is not None else rest
        envelope.outer = Outer.NONE
        return envelope
    labels = _LOGCLI.match(rest)
    if labels is not None and "=" in labels.group(1):
        envelope.rest = labels.group(2)
        unit = re.search(r'\bunit="([^"]+)"', labels.group(1))
        envelope.unit = unit.group(1) if unit else None
        host = re.search(r'\b(?:nodename|hostname|host|instance)="([^"]+)"', labels.group(1))
        envelope.host = host.group(1) if host else None
        envelope.stream = "logcli"
        return envelope
    if digits == 9:
        return envelope
    if not _starts_payload(rest):
        _with_tail(envelope, rest)
    return envelope


def _starts_payload(text: str) -> bool:
    return text.startswith(("time=", "level=", "{", "[-]", "[+]")) or _OLD_ETCD.match(text) is not None


def full(text: str) -> Envelope | None:
    """short-full and with-unit; only UTC and numeric zone names are believed, letters are ambiguous."""
    match = _FULL.match(text)
    if match is None:
        return None
    stamp, zone, rest = match.groups()
    if zone == "UTC":
        suffix = "+00:00"
    elif zone[0] in "+-" and len(zone) in (3, 5):
        suffix = zone if len(zone) == 5 else zone + "00"
    else:
        suffix = ""
    instant = parse_iso(stamp.replace(" ", "T") + suffix)
    if instant is None:
        return None
    envelope = Envelope(rest)
    _set(envelope, instant)
    _with_tail(envelope, rest)
    if envelope.ident is not None and re.search(r"\.(?:service|scope|mount|socket|slice|timer)$", envelope.ident):
        unit = envelope.ident  # with-unit shows the unit in the place of the identifier
        if unit == "init.scope":
            envelope.ident = "systemd"
        else:
            envelope.unit, envelope.ident = unit, unit.rpartition(".")[0]
    return envelope


def monotonic(text: str) -> Envelope | None:
    """short-monotonic and short-delta: seconds since boot."""
    match = _MONO.match(text)
    if match is None:
        return None
    seconds, _, micro = match.group(1).partition(".")
    envelope = Envelope(match.group(2), Outer.MONO, int(seconds) * SECOND + int(micro), 1)
    return envelope if _with_tail(envelope, match.group(2)) else None


def unix(text: str) -> Envelope | None:
    """short-unix: seconds since 1970 with six digits."""
    match = _UNIX.match(text)
    if match is None:
        return None
    envelope = Envelope(match.group(3), Outer.UTC, int(match.group(1)) * SECOND + int(match.group(2)), 1, None)
    return envelope if _with_tail(envelope, match.group(3)) else None


def rfc5424(text: str) -> Envelope | None:
    """Syslog as of RFC 5424, and the older ``<PRI>`` wire format before a traditional line."""
    match = _RFC5424.match(text)
    if match is not None:
        stamp, host, app, pid, _msgid, rest = match.groups()
        envelope = Envelope(rest, host=host if host != "-" else None, ident=app if app != "-" else None, tail=True)
        envelope.pid = int(pid) if pid.isdecimal() and len(pid) < 12 else None
        instant = parse_iso(stamp)
        if instant is not None:
            _set(envelope, instant)
        return envelope
    wire = _RFC3164.match(text)
    return Envelope(wire.group(1)) if wire is not None else None


def wrappers(text: str) -> Envelope | None:
    """Prefixes without a time of their own: compose, kubectl --prefix, gh run view, quoting marks."""
    for pattern in (_PREFIX, _GH_VIEW, _COMPOSE, _TERRAFORM):
        match = pattern.match(text)
        if match is not None:
            # A container's name stands for the machine: services that are shown together stay apart.
            named = match.groups()[0] if pattern in (_PREFIX, _COMPOSE) else None
            return Envelope(match.groups()[-1], host=named)
    match = _QUOTE_MARKS.match(text)
    return Envelope(match.group(1)) if match is not None else None


def grafana(text: str) -> Envelope | None:
    """Grafana Explore's text download: nanoseconds, TAB, ISO stamp, TAB, line."""
    match = _GRAFANA.match(text)
    if match is None:
        return None
    envelope = Envelope(match.group(2))
    instant = parse_iso(match.group(1))
    if instant is not None:
        _set(envelope, instant)
    return envelope


def windows(text: str) -> Envelope | None:
    """Windows' event log: local time to the second; PowerShell puts the message into braces."""
    match = _WINDOWS.match(text)
    if match is None:
        return None
    month, day, year, hour, minute, second, half, rest = match.groups()
    if not 1 <= int(hour) <= 12:
        return None
    if int(month) > 12:
        month, day = day, month  # Australia and India, where this much is certain
    hours = int(hour) % 12 + (12 if half == "P" else 0)
    instant = parse_iso(f"{year}-{int(month):02d}-{int(day):02d}T{hours:02d}:{minute}:{second}")
    if instant is None:
        return None
    rest = rest.rstrip()
    envelope = Envelope(rest[1:-1] if rest[0] == "{" and rest[-1] == "}" else rest)
    _set(envelope, instant)
    return envelope


def undated(text: str) -> Envelope | None:
    """Lines whose date, or date and host, were cut off by the person who pasted them."""
    match = _TIME_ONLY.match(text)
    if match is not None:
        hour, minute, second, fraction, host, ident, pid, rest = match.groups()
        tod = _time_of_day(hour, minute, second)
        if tod is not None:
            micro, precision = _fraction(fraction)
            return Envelope(
                rest, Outer.TIME, (tod + micro) % DAY, precision, None, host.strip() if host else None, ident,
                int(pid) if len(pid) < 12 else None, None, True,
            )  # fmt: skip
    match = _UNDATED.match(text)
    if match is None:
        return None
    host, ident, pid, rest = match.groups()
    return Envelope(rest, host=host, ident=ident, pid=int(pid) if len(pid) < 12 else None, tail=True)


def junk(text: str) -> Envelope | None:
    """A few characters of some other tool, or of another record, right before a line of k3s."""
    match = _JUNK.match(text)
    return Envelope(text[match.end() :]) if match is not None else None


PEELERS: tuple[tuple[str, Callable[[str], Envelope | None]], ...] = (
    ("syslog", rfc5424),
    ("grafana", grafana),
    ("short-iso", iso),
    ("short-full", full),
    ("short-monotonic", monotonic),
    ("short-unix", unix),
    ("short", short),
    ("windows", windows),
    ("wrapped", wrappers),
    ("undated", undated),
    ("junk", junk),
)
