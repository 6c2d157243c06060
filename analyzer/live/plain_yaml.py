"""Reads the YAML that k3s and RKE2 write for kubeconfigs, and nothing else.

Mappings of plain words, lists of such mappings one level down: what is in any way more than that is left to PyYAML,
which a wait would otherwise load for each start (40 ms, and as much again on a busy board).
"""

from __future__ import annotations

import re
from typing import Any

# A word that YAML takes for text whatever follows: it begins with a letter, and is no word for true, false or null.
_WORD = r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z](?:[A-Za-z0-9+/=._@:-]*[A-Za-z0-9+/=._@-])?"
_PAIR = re.compile(rf"([A-Za-z][A-Za-z0-9-]*):(?: +({_WORD}|\{{\}}))?", re.IGNORECASE)
_KEYS = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)", re.IGNORECASE)


class _NotPlain(Exception):
    pass


def plain(text: str) -> dict[str, Any] | None:
    """What ``text`` says, ``None`` when it is not of that plain shape; where it is, PyYAML says the same."""
    lines = text.removeprefix("---\n").split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not lines or not all(line.isascii() and line.isprintable() for line in lines):
        return None
    try:
        return _mapping(lines, lists=True)
    except _NotPlain:
        return None


def _mapping(lines: list[str], *, lists: bool = False) -> dict[str, Any]:
    """A mapping whose keys stand at the begin of the line; what belongs to a key follows two spaces on, or as items."""
    found: dict[str, Any] = {}
    at = 0
    while at < len(lines):
        pair = _PAIR.fullmatch(lines[at])
        if pair is None or pair[1] in found or not _KEYS.match(pair[1]):
            raise _NotPlain
        end = at + 1
        while end < len(lines) and lines[end].startswith(("  ", "- ")):
            end += 1
        found[pair[1]] = _value(pair[2], lines[at + 1 : end], lists)
        at = end
    return found


def _value(word: str | None, inner: list[str], lists: bool) -> Any:
    if word is not None:
        if inner:
            raise _NotPlain
        return {} if word == "{}" else word
    if not inner:
        raise _NotPlain
    if all(line.startswith("  ") for line in inner):
        return _mapping([line[2:] for line in inner])
    if not lists or not inner[0].startswith("- "):
        raise _NotPlain
    begins = [number for number, line in enumerate(inner) if line.startswith("- ")]
    return [
        _mapping([line[2:] for line in inner[begin:end]])
        for begin, end in zip(begins, [*begins[1:], len(inner)], strict=True)
    ]
