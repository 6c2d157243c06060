"""Bytes to printable text: terminal sequences and control characters out, bad UTF-8 replaced and noticed."""

from __future__ import annotations

import re

_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_])")
# C0 and C1 without TAB and LF, DEL, lone surrogates, and the bidirectional controls that can disguise a line.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
# What pages and terminals put in place of a blank: no-break, thin, ideographic ones.
_BLANKS = dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
COLOUR = re.compile(rb"\x1b\[[\d;]*m")


def strip_terminal(text: str) -> str:
    """``text`` without colour, cursor and title sequences and without control characters; TAB and LF stay.

    Blanks of any kind become plain ones.
    """
    # Whatever is printable needs no search; a tab or a soft hyphen does.
    if text.isprintable():
        return text
    text = plain_blanks(text)
    if _CONTROL.search(text) is None:
        return text
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    return _CONTROL.sub("", text)


def plain_blanks(text: str) -> str:
    """With plain blanks in place of others: no program writes those between the words of a log."""
    return text if text.isascii() else text.translate(_BLANKS)


def decode(data: bytes) -> tuple[str, bool]:
    """``(text, lossy)``: UTF-8 with undecodable bytes replaced."""
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True
