"""Lengths of time as people type them: ``15m``, ``1h30m``, ``90s``, ``250ms``, ``90``."""

from __future__ import annotations

import re

from analyzer.errors import UsageError

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+", re.ASCII)
_PART = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)(ms|s|m|h)", re.ASCII)
_PLAIN = re.compile(r"\d+(?:\.\d+)?", re.ASCII)

#: Longest accepted length, 7 days: more is a slip of the finger.
LONGEST_S = 7 * 86400.0


def parse_duration(text: str) -> float:
    """Seconds of ``text``: a number with ``ms``, ``s``, ``m`` or ``h``, several in a row, or a bare number of seconds.

    Raises ``UsageError`` for anything else, for zero and for more than seven days.
    """
    seconds = seconds_of(text)
    if seconds is None:
        raise UsageError(f"not a length of time: {text!r}", hint="Examples: 15m, 90s, 1h30m, 250ms")
    if not 0 < seconds <= LONGEST_S:
        raise UsageError(f"a length of time must be above zero and at most seven days: {text!r}")
    return seconds


def seconds_of(text: str) -> float | None:
    """The same of a length that may also be zero, or longer; ``None``: it is none."""
    bare = text.strip().lower()
    if _PLAIN.fullmatch(bare):
        return float(bare)
    if _WHOLE.fullmatch(bare):
        return sum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(bare))
    return None
