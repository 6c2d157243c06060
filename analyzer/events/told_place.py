"""Where in a message the words of a problem stand: as its own words, or somewhere in a note that quotes them.

An error tells its own words at its begin, or behind the words of those who passed it on. What stands in the middle of
a note, in brackets or in quotes, is somebody's name or label for something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.events.chain import BEFORE, read
from analyzer.records.log_record import LogRecord, Payload

NOTES = frozenset({"info", "debug", "trace"})
_BETWEEN = re.compile(r'[:;\s"\\]*')  # what stands between a wrapper and what it wraps
_OPENED = re.compile(r'(?:"Unhandled Error" err=)?["\\]*')
_UNIT = re.compile(r"(?:[\w.@-]{1,200}\.service: )?")  # with which systemd's child begins a line about itself
_FIRST_LETTER = 1  # left out of words that are written with a capital or without


def of_its_own(text: str, words: Iterable[str]) -> bool:
    """Whether a message begins with one of the words, or known wrappers alone stand in front of it."""
    found = [at for word in words if (at := text.find(word)) >= 0]
    if not found:
        return False
    first, begin = min(found), _begin(text)
    return first <= begin + _FIRST_LETTER or first <= _known_until(text, begin) + _FIRST_LETTER


def is_wrapped(text: str) -> bool:
    """Whether a message begins with the words of somebody who passes an error on."""
    begin = _begin(text)
    return _known_until(text, begin) > begin


def of_a_component(record: LogRecord) -> bool:
    """Whether a component of Kubernetes wrote the line, through klog or, since 2026, through k3s' own logger."""
    return record.payload is Payload.KLOG or record.fields.get("logger", "").startswith(("k3s", "rke2"))


def _begin(text: str, at: int = 0) -> int:
    """Behind quotes, the name of a unit and the words of every end."""
    for skipped in (_OPENED, _UNIT, BEFORE, _OPENED):
        if (found := skipped.match(text, at)) is not None:
            at = found.end()
    return at


def _known_until(text: str, begin: int) -> int:
    """How far a message consists of known layers, one behind the other."""
    known = begin
    for link in read(text[begin:]).links:
        if _BETWEEN.fullmatch(text, known, begin + link.begin) is None:
            break
        known = begin + link.end
    between = _BETWEEN.match(text, known)
    return known if known == begin or between is None else _begin(text, between.end())
