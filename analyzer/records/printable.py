"""Bytes to printable text: terminal sequences and control characters out, bad UTF-8 replaced and noticed."""

from __future__ import annotations

import re

_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_])")
# C0 and C1 without TAB and LF, DEL, lone surrogates, what has no width, and the bidirectional controls that can
# disguise a line.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2060\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
# What pages and terminals put in place of a blank: no-break, thin, ideographic ones.
_BLANKS = dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
_HYPHENS = dict.fromkeys((0x2010, 0x2011), "-")  # … and of a hyphen, lest a line ends there
# As `cat -v` and some pagers show them.
_SHOWN_ESCAPE = re.compile(r"\^\[(?:\[[0-9;?]{0,12}[mKJHhl]|\][^\^]{0,200}\^G)")
_COLOUR_TEXT = re.compile(r"\[(?:0|(?:\d{1,2};){0,3}\d{1,2})?m")  # colours whose escape was dropped
_GREP_COLOUR = re.compile(r"\[(?:(?:\d{1,2};){0,3}\d{1,2})?m\[K")
# A word processor's: the quotes of a log's own fields are plain.
_CURLED = re.compile("[={][“”„]")
_QUOTES = {0x201C: '"', 0x201D: '"', 0x201E: '"', 0x2018: "'", 0x2019: "'"}
COLOUR = re.compile(rb"\x1b\[[\d;]*m")


def strip_terminal(text: str) -> str:
    """``text`` without colour, cursor and title sequences and without control characters; TAB and LF stay.

    Blanks of any kind become plain ones.
    """
    if "^[" in text:
        text = _SHOWN_ESCAPE.sub("", text)
    if "[0m" in text and "\x1b" not in text:
        text = _COLOUR_TEXT.sub("", text)
    if "[m[K" in text and "\x1b" not in text:
        text = _GREP_COLOUR.sub("", text)
    # Whatever is printable needs no search; a tab or a soft hyphen does.
    if text.isprintable():
        return text if text.isascii() else _plain_marks(text)
    text = _plain_marks(plain_blanks(text))
    if _CONTROL.search(text) is None:
        return text
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    return _CONTROL.sub("", text)


def _plain_marks(text: str) -> str:
    """With plain hyphens, and with plain quotes where those of a log's own fields were curled."""
    if text.isascii():
        return text
    return text.translate({**_HYPHENS, **_QUOTES} if _CURLED.search(text) is not None else _HYPHENS)


def plain_blanks(text: str) -> str:
    """With plain blanks in place of others: no program writes those between the words of a log."""
    return text if text.isascii() else text.translate(_BLANKS)


def decode(data: bytes) -> tuple[str, bool]:
    """``(text, lossy)``: UTF-8 with undecodable bytes replaced."""
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True
