"""What a line looks like that an expression of the vocabulary is for: its words, and dots where anything may stand."""

from __future__ import annotations

import re

_AROUND = re.compile(r"\(\?<?[=!](?:[^()]|\([^()]*\))*\)")  # what must (not) stand beside
_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|\?i:)?([^()]*)\)(?:([?*])|[+]|\{[\d,]+\})?")
_ANY = re.compile(r"(?:\[\^?\]?[^\]]*\]|\\[SdwWD]|\.)(?:[*+?]\+?\??|\{[\d,]+\}\??)?")
_ONE = re.compile(r"\[(\w)\w{0,3}\](?![*+?{])")  # a letter in either case
_SPACE = re.compile(r"\\s[*+?]?")
_EDGE = re.compile(r"\\[bABZ]|[$^]|\(\?[imsx]+\)")
_MAYBE = re.compile(r"[^…][?*]")
_ESCAPE = re.compile(r"\\(.)")
_BASE = 0xE000  # signs that stand for themselves are kept apart meanwhile
_KEPT = re.compile(r"\\([^\w\s])")
_DEEP = 20


def spelled(pattern: str) -> str:
    """The expression as a line: the first of each choice, ``…`` for anything."""
    text = _KEPT.sub(lambda sign: chr(_BASE + ord(sign[1])) if ord(sign[1]) < 128 else sign[1], pattern)
    text = _ONE.sub(r"\1", _AROUND.sub("", _EDGE.sub("", text)))
    text = _SPACE.sub(lambda space: " " if space[0] in (r"\s", r"\s+") else "", _ANY.sub("…", text))
    for _ in range(_DEEP):
        text, before = _GROUP.sub(_chosen, text), text
        if text == before:
            break
    text = _ESCAPE.sub(r"\1", _MAYBE.sub("", text.split("|", 1)[0]))
    text = "".join(chr(ord(sign) - _BASE) if _BASE <= ord(sign) < _BASE + 128 else sign for sign in text)
    return re.sub("…+", "…", f"{text}…" if text.endswith((" ", ": ")) else text).strip()


def _chosen(group: re.Match[str]) -> str:
    return "" if group[2] else group[1].split("|", 1)[0]
