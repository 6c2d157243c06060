"""Where in a TOML text a table or key stands, for errors about its value (``tomllib`` keeps no places)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

# Of a table or a key, and of what looks like one in a text.
_BEGIN = re.compile(r"""\s*(?:\[\[?\s*["'\w-]|(?:"[\w-]+"|'[\w-]+'|[\w-]+)\s*[=.])""")


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line (from 1) of ``("mark", 2, "id")`` in a valid text, else that of its table; ``None``: neither is there.

    It begins where the text above does not hold it yet and the text with it does. Text that ends inside a value is no
    TOML and says nothing.
    """
    while path and not _holds(tomllib.loads(text), path):
        path = path[:-1]
    if not path:
        return None
    lines = text.split("\n")
    begins = [number for number, line in enumerate(lines) if _BEGIN.match(line)] + [len(lines)]
    low, high = 0, len(begins) - 1
    without = 0  # the last begin up to ``low`` whose text above is TOML
    while high - low > 1:
        middle = (low + high) // 2
        tried = ((end, _parsed("\n".join(lines[: begins[end]]))) for end in range(middle, low, -1))
        end, data = next(((end, data) for end, data in tried if data is not None), (without, {}))
        if _holds(data, path):
            high = end
        else:
            low, without = middle, end
    return begins[without] + 1


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _holds(data: Any, path: Sequence[str | int]) -> bool:
    try:
        for step in path:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return False
    return True
