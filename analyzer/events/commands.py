"""Finds the commands within an advice, by ``commands.toml``: a page sets them apart and offers to copy them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from analyzer.events.products import words
from analyzer.events.vocabulary import load
from analyzer.site import NOWHERE, Site

_QUOTED = r"'[\w .-]+'"
_PIPED = rf"(?: \| (?:grep -i -E|wc) (?:{_QUOTED}|[\w.-]+))*"
_BEHIND = r"(?![\w/-])"
# Beyond these a shell would do more than the advice says, or the reader has to fill something in.
_SAFE = re.compile(rf"(?: \| |{_QUOTED}|[\w .:/\[\]@%+=-])+")
_BLANK = re.compile(r"\b(?:NAME|CONTAINER|ADDRESS|PATH|FILE)\b")


def commands_in(text: str, site: Site = NOWHERE) -> Iterator[tuple[int, int]]:
    """Begin and end of every command in ``text``, in order, none within another."""
    for found in _commands(site).finditer(text):
        yield found.start(), found.start() + len(found[0].rstrip("."))


def can_copy(command: str) -> bool:
    """Whether a command can be run as it stands, and holds nothing that a shell would take for more."""
    return _SAFE.fullmatch(command) is not None and _BLANK.search(command) is None


@cache
def _commands(site: Site) -> re.Pattern[str]:
    data, known = load("commands.toml"), words(site)
    whole = sorted({known[name] for name in data["words"] if known.get(name)}, key=len, reverse=True)
    shapes = [re.escape(command) + _BEHIND for command in whole] + [shape["pattern"] for shape in data["shape"]]
    return re.compile(rf"(?<![\w/-])(?:{'|'.join(shapes)}){_PIPED}")
