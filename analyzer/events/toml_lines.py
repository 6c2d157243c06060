"""Where in a TOML text a table or key stands, for errors about its value (``tomllib`` keeps no places)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

# Of a table or a key, and of what looks like one in a text.
_BEGIN = re.compile(r"""\s*(?:\[|["']?[\w-]+["']?\s*[=.])""")


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line (from 1) of ``("mark", 2, "id")`` in a valid text, else that of its table; ``None``: neither is there.

    It begins where the text above it does not hold it yet and the text with it does.
    """
    while path and not _holds(tomllib.loads(text), path):
        path = path[:-1]
    if not path:
        return None
    lines = text.split("\n")
    begins = [number for number, line in enumerate(lines) if _BEGIN.match(line)] + [len(lines)]
    low, high = 0, len(begins) - 1
    while high - low > 1:
        middle = (low + high) // 2
        end = _whole(lines, begins, middle)
        if _holds(tomllib.loads("\n".join(lines[: begins[end]])), path):
            high = end
        else:
            low = middle
    return begins[_whole(lines, begins, high - 1)] + 1


def _holds(data: Any, path: Sequence[str | int]) -> bool:
    try:
        for step in path:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _whole(lines: list[str], begins: list[int], number: int) -> int:
    """The last of the begins up to ``number`` that is none inside a value: the lines above it are TOML."""
    for end in range(number, 0, -1):
        try:
            tomllib.loads("\n".join(lines[: begins[end]]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return 0
