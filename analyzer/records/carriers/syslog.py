"""Syslog on the wire: RFC 5424, and the older ``<PRI>`` before a traditional line."""

from __future__ import annotations

import re

from analyzer.records.carriers.carrier import Carrier, Envelope, pid_of
from analyzer.records.draft import Outer
from analyzer.timebase import parse_iso

_RFC5424 = re.compile(
    r"<\d{1,3}>1 (\S+) (\S+) (\S+) (\S+) (\S+) "
    r"(?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?\ufeff?(.*)",
    re.DOTALL,
)
_RFC3164 = re.compile(r"<\d{1,3}>(\D.*)", re.DOTALL)


def _peel(text: str) -> Envelope | None:
    match = _RFC5424.match(text)
    if match is not None:
        stamp, host, app, pid, _msgid, rest = match.groups()
        envelope = Envelope(rest, host=host if host != "-" else None, ident=app if app != "-" else None, tail=True)
        envelope.pid, envelope.octal = pid_of(pid), True
        return envelope.stamped(parse_iso(stamp))
    wire = _RFC3164.match(text)
    return Envelope(wire.group(1)) if wire is not None else None


SYSLOG = Carrier("syslog", Outer.UTC, ("rfc5424", "rfc3164"), peel=_peel)
