"""Reads the vocabulary files (TOML) that are part of the package."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """The content of ``analyzer/events/<name>``; callers must not change it.

    :raises FileNotFoundError: the package is incomplete.
    """
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def minor(text: str) -> tuple[int, int]:
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
