"""What a carrier is to the reader: how it is recognised, what it takes off a line, which stamp it puts there.

There are three kinds, and a carrier may be several at once. A *layer* stands around the text of a line (``peel``); an
*object* is a line's JSON (``parse``); a *file* has a framing of its own and is read as a whole (``begins``, ``read``).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analyzer.records.draft import Draft, Origin, Outer, Tally
from analyzer.sources.source import Input
from analyzer.timebase import SECOND, Instant, parse_iso


@dataclass(slots=True)
class Envelope(Origin):
    """One layer peeled off: the rest, and what the layer said."""

    rest: str
    tail: bool = False  # HOST IDENT[PID]: was there; nothing of a journal can be inside any more
    partial: bool | None = None  # the line goes on in the next one of its stream, or did not; None: it is never split
    stream: str = ""
    month: str = ""  # the name of the month in small letters, when it is not English
    carrier: str = ""  # whose layer it is, where its peeler knows that better than the registry
    octal: bool = False  # control characters are written as #012
    newest_first: bool = False  # what prints such lines begins with the newest


Parsed = list[Draft] | Envelope | None
"""Of a JSON object: its drafts, or the text in it that has layers of its own; ``None``: it is of another carrier."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An input whose first bytes were looked at."""

    given: Input
    reader: io.BufferedReader
    big: bool  # it is known to be too large to be decoded line by line
    parse: Callable[[Mapping[str, Any], Tally, int], Parsed]  # any JSON object of a known carrier


@dataclass(frozen=True, slots=True)
class Carrier:
    """One carrier: ``name`` as reports give it, and what the reader needs of it."""

    name: str
    stamp: Outer  # what it says of the time of a line
    rendered_as: tuple[str, ...] = ()  # names in analyzer.testing that write it, the plainest first
    newest_first: bool = False  # what prints it does so unless told otherwise
    peel: Callable[[str], Envelope | None] | None = None  # the layer at the begin of a line
    last_resort: bool = False  # … tried last also where the line before had it
    parse: Callable[[Mapping[str, Any], Tally, int], Parsed] | None = None  # an object; its line's number
    unwrap: Callable[[str], Mapping[str, Any] | None] | None = None  # the object in a line that is no JSON
    begins: Callable[[bytes], bool] | None = None  # whether an input that begins so is a file of this carrier
    read: Callable[[Opened, Tally], Iterator[Draft]] | None = None  # such a file


def json_object(text: str) -> dict[str, Any] | None:
    """The object that a text is, ``None`` for any other text."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


# A pid may be blacked out by whoever shows the log.
_TAIL_PID = re.compile(r"(?:(\S+) )?([^\s\[\]:=\"{}]+)\[(\d+|[Xx*#?.]{1,10}|<[\w -]{1,20}>)\]: ?(.*)", re.DOTALL)
_TAIL_FACILITY = re.compile(r"(\S+) [a-z0-9]+\.[a-z]+ ([^\s\[\]:=\"{}]+)(?:\[(\d+)\])?: ?(.*)", re.DOTALL)
_TAIL_BARE = re.compile(r"(?:([^\s\[\]:=\"{}]+) )?([^\s\[\]:=\"{}]+)(): (.*)", re.DOTALL)  # no pid
_TAIL_SPACED = re.compile(r"(\S+) ([^\[\]:=\"{}]{1,60}?)(?:\[(\d+)\])?: (.*)", re.DOTALL)


def with_tail(envelope: Envelope, text: str) -> bool:
    """Peel ``HOST IDENT[PID]: `` off ``text`` into ``envelope``.

    An identifier must not contain ``" = { }``, otherwise bare logrus lines would match.
    """
    match = _TAIL_PID.match(text) or _TAIL_FACILITY.match(text) or _TAIL_BARE.match(text)
    if match is None and text.endswith(":"):
        return not text.endswith(" :") and with_tail(envelope, text + " ")
    match = match or _TAIL_SPACED.match(text)
    if match is None:
        return False
    envelope.host, envelope.ident, pid, envelope.rest = match.groups()
    envelope.pid = pid_of(pid)
    envelope.tail = True
    return True


def pid_of(text: str | None) -> int | None:
    """A process id as text carriers print it; more digits than any system has are none."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 12 else None


def time_of_day(hour: str, minute: str, second: str, fraction: str | None = None) -> tuple[int, int] | None:
    """``(µs, precision)``, cut off to microseconds; ``None`` for what no clock shows."""
    h, m, s = int(hour), int(minute), int(second)
    if h >= 24 or m >= 60 or s >= 61:
        return None
    digits = (fraction or "")[:6]
    return ((h * 60 + m) * 60 + s) * SECOND + int(digits.ljust(6, "0")), int(10 ** (6 - len(digits)))


def dated(wall: str, zone: str) -> Instant | None:
    """``2026-03-01 06:00:00`` in a zone: UTC where it is beyond doubt, else the local time: letters are ambiguous."""
    if zone in ("UTC", "GMT"):
        zone = "+00:00"
    elif zone[:1] not in ("+", "-") or len(zone) not in (3, 5):
        zone = ""
    return parse_iso(wall.replace(" ", "T") + zone)
