"""Go's ``strconv.Quote`` undone, tolerant of text that was cut anywhere.

logrus and klog write values with ``%q``. Beside JSON's escapes that knows ``\\a \\v \\xNN``, three octal digits and
``\\UNNNNNNNN``. ``\\xNN`` and octal name *bytes*: neighbouring ones are joined and decoded as UTF-8.
"""

from __future__ import annotations

import re

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'"}
_ESCAPE = re.compile(
    r"(?P<bytes>(?:\\x[0-9a-fA-F]{2}|\\[0-7]{3})+)|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\(.)|\\\Z", re.DOTALL
)
_BYTE = re.compile(r"\\x([0-9a-fA-F]{2})|\\([0-7]{3})")
_BODY = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)


def _undo(match: re.Match[str]) -> str:
    run = match.group("bytes")
    if run is not None:
        values = bytes(int(x, 16) if x else int(o, 8) & 0xFF for x, o in _BYTE.findall(run))
        return values.decode("utf-8", "replace")
    number = match.group(2) or match.group(3)
    if number is not None:
        code = int(number, 16)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    char = match.group(4)
    if char is None:  # a lone backslash at the end: the rest of the escape was cut off
        return ""
    return _SIMPLE.get(char, "\\" + char)


def unquote_body(text: str) -> str:
    """Undo one level of escapes in ``text``, which has no surrounding quotes. Never fails."""
    if "\\" not in text:
        return text
    # The usual escapes are undone without a call for each: a check list has fifty of them. Between doubled backslashes
    # each backslash begins an escape.
    parts = text.split("\\\\")
    done = []
    for part in parts:
        if "\\" in part:
            if part.count("\\") != part.count("\\n") + part.count('\\"') + part.count("\\t"):
                return _ESCAPE.sub(_undo, text)
            part = part.replace('\\"', '"').replace("\\n", "\n").replace("\\t", "\t")
        done.append(part)
    return "\\".join(done)


def unquote(text: str) -> str:
    """Undo one level of Go quoting: with or without the outer quotes, whole or cut. Never fails.

    A quote that opens and does not close counts as cut: what is there is decoded.
    """
    return quoted(text, 0)[0] if text[:1] == '"' else unquote_body(text)


def end_of_quoted(text: str, start: int) -> tuple[int, bool]:
    """The last two values of ``quoted``, without the work of decoding."""
    end = text.find('"', start + 1)
    if end < 0 or text.find("\\", start + 1, end) >= 0:
        match = _BODY.match(text, start + 1)
        assert match is not None  # matches the empty string
        end = match.end()
    return (end + 1, True) if 0 <= end < len(text) and text[end] == '"' else (len(text), False)


def quoted(text: str, start: int) -> tuple[str, int, bool]:
    """The quoted string whose opening quote is at ``text[start]``: ``(decoded, position after it, closed)``."""
    end, closed = end_of_quoted(text, start)
    return unquote_body(text[start + 1 : end - 1 if closed else end]), end, closed
