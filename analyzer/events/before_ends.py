"""Which ends say nothing of their reason, and what a line before them must speak of to be it (``before_ends.toml``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from analyzer.events import chain
from analyzer.events.chain import Chain
from analyzer.events.vocabulary import LazyPattern, load, read_as

_EMPTY = re.compile(r"""(?:^|[\s:=(\[])(?P<value>''|\\*"\\*"|<nil>|``)(?=[\s,.;:)\]]|$)""")
_NEAR = 60  # characters before an empty value that say what it is


@dataclass(frozen=True, slots=True)
class EmptyValue:
    """A kind of value that is empty, and where such values come from; the keys are those of the data."""

    what: LazyPattern
    of: LazyPattern


@cache
def _data() -> dict[str, Any]:
    return dict(load("before_ends.toml"))


@cache
def _generic() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in _data()["generic"])


@cache
def _bare() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in _data()["bare"])


@cache
def _empties() -> tuple[EmptyValue, ...]:
    return tuple(read_as(EmptyValue, raw) for raw in _data()["empty"])


@cache
def _component() -> re.Pattern[str]:
    names = "|".join(map(re.escape, _data()["components"]))
    return re.compile(rf"^(?:(?:failed to (?:start|run)|starting|error running) )?(?P<name>{names})\b(?![-./])", re.I)


def is_generic(read: Chain) -> bool:
    """Whether an end says that something failed and not why: a symptom, or "failed to …" at its bottom."""
    if read.error is not None:
        return read.error.symptom
    last = read.text.rpartition(": ")[2].strip(" .")
    return any(one.search(last) for one in _generic())


def is_a_reason(error: chain.ErrorClass, *, named: bool) -> bool:
    """Whether a line with this error can be why; ``named``: it names the very thing that the end names."""
    return not error.symptom or (named and error.id in _data()["joins"])


def sources_of_empty(text: str) -> tuple[LazyPattern, ...]:
    """What the empty value that an end names may have been taken from; nothing where it names none."""
    found = _EMPTY.search(text)
    bare = found is None and any(one.search(text) for one in _bare())
    if found is None and not bare:
        return ()
    until = len(text) if found is None else found.start()
    about = text[max(0, until - _NEAR) : until].rpartition(": ")[2]
    return tuple(one.of for one in _empties() if one.what.search(about) is not None)


def component_of(text: str) -> str:
    """The part of the process with whose name a message begins; empty: with none."""
    found = _component().match(text[chain.begin_of(text) :])
    return found["name"].lower() if found is not None else ""
