"""Windows' event viewer and ``Get-EventLog``, which show rke2.exe's lines: local time to the second, newest first."""

from __future__ import annotations

import re

from analyzer.records.carriers.carrier import Carrier, Envelope
from analyzer.records.draft import Outer
from analyzer.timebase import parse_iso

# Month first as a rule: AM or PM tells it.
_WINDOWS = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}) {1,2}(0?[1-9]|1[0-2]):(\d\d):(\d\d) ([AP])M\s{1,9}(\S.*)", re.DOTALL
)


def _peel(text: str) -> Envelope | None:
    """PowerShell puts the message into braces."""
    match = _WINDOWS.match(text)
    if match is None:
        return None
    month, day, year, hour, minute, second, half, rest = match.groups()
    if int(month) > 12:
        month, day = day, month  # Australia and India, where this much is certain
    hours = int(hour) % 12 + (12 if half == "P" else 0)
    instant = parse_iso(f"{year}-{int(month):02d}-{int(day):02d}T{hours:02d}:{minute}:{second}")
    if instant is None:
        return None
    rest = rest.rstrip()
    return Envelope(rest[1:-1] if rest[0] == "{" and rest[-1] == "}" else rest).stamped(instant)


WINDOWS = Carrier("windows", Outer.WALL, newest_first=True, peel=_peel)
