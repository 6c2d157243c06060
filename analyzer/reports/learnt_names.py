"""Finds names in a text, however many are known: the cost of a line does not grow with their number.

A name stands where letters and digits end on both sides. So the text is taken word by word, and a word that begins no
name costs one look into a dictionary; behind one that does, every length that a name with this first word has is tried,
the longest first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_WORD = re.compile(r"[A-Za-z0-9]+")
_ESCAPED = "nrt"  # "\nalpha" in a quoted text


class LearntNames:
    """Names, in lower case."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._lengths: dict[str, list[int]] = {}  # of the names that begin with a word, the longest first
        self._odd = ""  # other first characters of names
        self._begins = _WORD

    def add(self, name: str) -> None:
        """One more."""
        if not name or name in self._names:
            return
        self._names.add(name)
        word = _WORD.match(name)
        key = word[0] if word is not None else name[0]
        lengths = self._lengths.setdefault(key, [])
        if len(name) not in lengths:
            lengths.append(len(name))
            lengths.sort(reverse=True)
        if word is None and name[0] not in self._odd:
            self._odd += name[0]
            self._begins = re.compile(rf"[A-Za-z0-9]+|(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))[{re.escape(self._odd)}]")

    def replace(self, text: str, stand_in: Callable[[str], str]) -> str:
        """``text`` with each name replaced by what ``stand_in`` says of it."""
        low, known = _lowered(text), self._lengths
        escapes = "\\" in low
        pieces: list[str] = []
        reached = 0
        for word in self._begins.finditer(low):
            begun = word[0] in known
            if not begun and not escapes:
                continue
            at = word.start()
            length = self._length(low, at, known[word[0]]) if begun else 0
            if not length and low[at - 1 : at] == "\\" and low[at] in _ESCAPED:
                at += 1
                length = self._length(low, at, known.get(word[0][1:], ()))
            if length and at >= reached:
                pieces += [text[reached:at], stand_in(text[at : at + length])]
                reached = at + length
        return "".join([*pieces, text[reached:]]) if pieces else text

    def _length(self, low: str, at: int, lengths: Sequence[int]) -> int:
        """How long the longest name is that stands there; 0 for none."""
        for length in lengths:
            after = low[at + length : at + length + 1]
            if low[at : at + length] in self._names and not (after.isascii() and after.isalnum()):
                return length
        return 0


def _lowered(text: str) -> str:
    """In lower case, and as long as it was."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(map(_lower, text))


def _lower(char: str) -> str:
    low = char.lower()
    return low if len(low) == 1 else char
