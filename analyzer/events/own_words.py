"""Which words of an advice are the vocabulary's own, and which the log put in.

An advice speaks of passwords, users and hosts (``mysql://user:password@tcp(host:3306)/name``): read as a line of a log
it would lose what it says. Only what stands between its own words can be a secret or a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from analyzer.events.vocabulary import load

_FILLED = re.compile(r"\{[a-z_]+\}|<port>")  # where something is put in
_SHORTEST = 8  # characters of own words that are looked for


def around(advice: str, treat: Callable[[str], str]) -> str:
    """``advice`` with everything treated that is not its own words."""
    return "".join(piece if own else treat(piece) for piece, own in apart(advice))


def foreign(advice: str) -> Iterator[str]:
    """What stands between its own words."""
    return (piece for piece, own in apart(advice) if not own)


@lru_cache(maxsize=512)
def apart(advice: str) -> tuple[tuple[str, bool], ...]:
    """The pieces of an advice, each with whether it is own words."""
    told: list[tuple[int, int]] = []
    for words in _own():
        at = advice.find(words)
        if at >= 0 and all(at >= end or at + len(words) <= begin for begin, end in told):
            told.append((at, at + len(words)))
    pieces, reached = [], 0
    for begin, end in sorted(told):
        pieces += [(advice[reached:begin], False), (advice[begin:end], True)]
        reached = end
    return tuple((piece, own) for piece, own in [*pieces, (advice[reached:], False)] if piece)


@cache
def _own() -> tuple[str, ...]:
    """All words of every advice between the places where something is put in, the longest first."""
    folder = Path(__file__).parent
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.toml")))
    told = {words for name in names for advice in _advices(load(name)) for words in _FILLED.split(advice.strip())}
    return tuple(sorted((words for words in told if len(words) >= _SHORTEST), key=lambda words: (-len(words), words)))


def _advices(part: Any, name: str = "") -> Iterator[str]:
    if isinstance(part, dict):
        for key, item in part.items():
            yield from _advices(item, key)
    elif isinstance(part, list):
        for item in part:
            yield from _advices(item, name)
    elif isinstance(part, str) and name == "advice":
        yield part
