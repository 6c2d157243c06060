"""Where in a TOML text tables and keys stand, for errors about their values (``tomllib`` keeps no places)."""

from __future__ import annotations

import re

_TABLE = re.compile(r"""\s*\[\[\s*["']?([\w-]+)["']?\s*\]\]""")
_SINGLE = re.compile(r"\s*\[[^\[]")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*(?:=|\.)""")
_QUOTES = re.compile(r"\"\"\"|'''|\"(?:[^\"\\]|\\.)*\"|'[^']*'|#")


class Places:
    """Lines (from 1) of the tables ``[[name]]`` of a text, and of their keys."""

    def __init__(self, text: str) -> None:
        self._tables: dict[str, list[dict[str, int]]] = {}  # name → per table its keys' lines; "" is the table's own
        self._top: dict[str, int] = {}
        here: dict[str, int] | None = None
        open_quote = ""
        for number, line in enumerate(text.split("\n"), 1):
            outside = not open_quote
            open_quote = _open_after(line, open_quote)
            if not outside:
                continue
            table = _TABLE.match(line)
            if table is not None:
                here = {"": number}
                self._tables.setdefault(table[1], []).append(here)
                self._top.setdefault(table[1], number)
                continue
            if _SINGLE.match(line):
                inner = re.match(r"\s*\[\s*([\w-]+)\s*(?:\.\s*([\w-]+))?", line)
                if inner is not None:
                    self._top.setdefault(inner[1], number)
                    if inner[2] and self._tables.get(inner[1]):
                        self._tables[inner[1]][-1].setdefault(inner[2], number)
                continue
            key = _KEY.match(line)
            if key is not None:
                (self._top if here is None else here).setdefault(key[1], number)

    def key(self, name: str) -> int | None:
        """Where a key of the top level, or the first table of that name, stands."""
        return self._top.get(name)

    def table(self, kind: str, number: int, key: str | None = None) -> int | None:
        """The line of a key of the ``number``-th table (from 0) of ``kind``, else that of the table."""
        tables = self._tables.get(kind, [])
        if number >= len(tables):
            return self._top.get(kind)
        return tables[number].get(key or "", tables[number][""])


def _open_after(line: str, quote: str) -> str:
    """The multi-line quote that is open after a line; ``quote`` was open before it."""
    at = 0
    while True:
        if quote:
            end = line.find(quote, at)
            if end < 0:
                return quote
            at, quote = end + 3, ""
        found = _QUOTES.search(line, at)
        if found is None or found[0] == "#":
            return ""
        if found[0] in ('"""', "'''"):
            quote = found[0]
        at = found.end()
