"""Reads the vocabulary files (TOML) that are part of the package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from analyzer.records.log_record import Payload

T = TypeVar("T")


@cache
def load(name: str) -> dict[str, Any]:
    """The content of ``analyzer/events/<name>``; callers must not change it.

    :raises FileNotFoundError: the package is incomplete.
    """
    return tomllib.loads(Path(__file__).parent.joinpath(name).read_text(encoding="utf-8"))


def files() -> list[str]:
    """The names of all vocabulary files, for ``load``."""
    return sorted(path.name for path in Path(__file__).parent.glob("*.toml"))


Minor = tuple[int, int]  # of Kubernetes


def minor(text: str) -> Minor:
    """``"1.32"`` → ``(1, 32)``."""
    major, _, rest = text.partition(".")
    return int(major), int(rest)


TEXT_LIMIT = 16_384  # characters of a message in which a pattern is looked for


class LazyPattern:
    """A regular expression that is compiled when it is first used: a run meets few of the vocabulary's.

    It looks at the begin of a text only. ``one .* other`` takes the square of a text that repeats ``one``: bounded,
    that is some milliseconds, on the longest lines it would be minutes.
    """

    __slots__ = ("_compiled", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._compiled: re.Pattern[str] | None = None

    def search(self, text: str) -> re.Match[str] | None:
        """As ``re.Pattern.search``."""
        if self._compiled is None:
            self._compiled = re.compile(self.pattern)
        return self._compiled.search(text, 0, TEXT_LIMIT)

    def __repr__(self) -> str:
        return f"LazyPattern({self.pattern!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyPattern) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


# How a value of a file becomes the value of a field of this type; other types are taken as they are.
_READ: dict[str, Callable[[Any], object]] = {
    "tuple[str, ...]": _texts,
    "frozenset[str]": frozenset,
    "frozenset[Payload]": lambda names: frozenset(Payload(name) for name in names),
    "LazyPattern": LazyPattern,
    "LazyPattern | None": LazyPattern,
    "Minor": minor,
    "Minor | None": minor,
}


@cache
def _fields(cls: Any) -> tuple[tuple[str, Callable[[Any], object] | None], ...]:
    return tuple((field.name, _READ.get(str(field.type))) for field in fields(cls))


def read_as(cls: Callable[..., T], raw: Mapping[str, Any], **made: object) -> T:
    """A dataclass from its table of a file: what the table does not have keeps its default, ``made`` comes first."""
    for name, read in _fields(cls):
        if name in raw and name not in made:
            made[name] = raw[name] if read is None else read(raw[name])
    return cls(**made)
