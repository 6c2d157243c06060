"""Texts out of the source of a web page: entities in the place of quotes, as a whole and only then turned back.

A single entity in a log may well be the program's own. What proves the copy is the head of a record of k3s whose
quotes are entities; from there on every line is read so, until a head with real quotes says otherwise.
"""

from __future__ import annotations

import re

_MOST = 3  # times a text was escaped: page, feed, ticket
_NAMED = {"quot": '"', "amp": "&", "lt": "<", "gt": ">", "apos": "'", "nbsp": " "}
_ENTITY = re.compile(r"&(?:(quot|amp|lt|gt|apos|nbsp)|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));")
_QUOTE = r"&(?:amp;){0,3}(?:quot|#0{0,3}34|#[xX]0{0,3}22);"
_PROOF = re.compile(rf"(?:(?<!\S)(?:time=|level=\w{{1,9}} msg=|msg=)|\{{){_QUOTE}")
_GENUINE = re.compile(r'(?<!\S)(?:time=|level=\w{1,9} msg=|msg=)"|\{"(?:level|ts|MESSAGE|log)":')


def _character(match: re.Match[str]) -> str:
    name, decimal, hexadecimal = match.groups()
    if name is not None:
        return _NAMED[name]
    code = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return chr(code) if code <= 0x10FFFF else match[0]


class Unescaper:
    """One source's lines in order; ``depth`` is how often the text was escaped, as its last head of a record shows."""

    def __init__(self) -> None:
        self.depth = 0

    def line(self, text: str) -> str:
        """The line as it was before the page was made."""
        if '"' in text and _GENUINE.search(text) is not None:
            self.depth = 0
            return text
        if "&" not in text:
            return text
        if _PROOF.search(text) is not None:
            self.depth = 0
            while self.depth < _MOST and _PROOF.search(text) is not None:
                text = _ENTITY.sub(_character, text)
                self.depth += 1
            return text
        for _ in range(self.depth):
            text = _ENTITY.sub(_character, text)
        return text
