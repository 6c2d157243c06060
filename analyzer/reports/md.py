"""Markdown that nothing a log holds can break out of.

``Md`` is the only way into a Markdown report: made from a text it is escaped, made by ``markup`` it is our own markup
around pieces that are ``Md`` themselves. A plain ``str`` cannot be joined to it, which mypy holds; and it cannot be put
into an f-string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from analyzer.errors import printable

# What Markdown reads as markup. An underscore inside a word and a lone ampersand are left alone, so that names stay
# readable where nobody renders the text.
_SPECIAL = re.compile(r"[\\`*\[\]<>|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_AT_LINE_START = re.compile(r"^(\s*(?:\d{1,9}(?=[.)]))?)([-+=#.)])(?=[-+=#]*(?:\s|$))")  # a list, a heading, a rule
# People and issues are notified by what the rendered text says, escaped or not: only code spans are safe. So are links.
_LOUD = re.compile(r"(?<!\S)\S*(?:[@#]\w|://|\bwww\.)\S*", re.I)


class Md:
    """A piece of one line of Markdown."""

    __slots__ = ("_source",)

    def __init__(self, text: str = "") -> None:
        """``text`` such that Markdown shows it as it is, on one line; control characters become visible escapes.

        Words that would notify somebody or become a link become code spans.
        """
        shown, made, last = printable(text), "", 0
        for loud in _LOUD.finditer(shown):
            made += _escaped(shown[last : loud.start()]) + _code(loud.group())
            last = loud.end()
        self._source = _AT_LINE_START.sub(r"\1\\\2", made + _escaped(shown[last:]))

    def __add__(self, other: Md) -> Md:
        return _trusted(self._source + other._source)

    def __format__(self, spec: str) -> str:
        raise TypeError("Md is joined with markup() or +, not put into a string")

    __str__ = None  # type: ignore[assignment]


def code(text: str) -> Md:
    """``text`` as a code span that nothing in it can end, fit for a table cell."""
    return _trusted(_code(text))


def verbatim(text: str) -> Md:
    """``text`` as a code span outside of a table, where a bar needs no escape and would show it: for commands."""
    return _trusted(_code(text, "|"))


def markup(template: str, *pieces: Md | int) -> Md:
    """Markup of ours with a ``{}`` for each piece; the template is a literal (a test looks)."""
    return _trusted(template.format(*(piece if isinstance(piece, int) else piece._source for piece in pieces)))


def joined(separator: str, pieces: Iterable[Md]) -> Md:
    """The pieces with ``separator``, a literal of ours, between them."""
    return _trusted(separator.join(piece._source for piece in pieces))


def table(header: Sequence[str], rows: Iterable[Sequence[Md]], right: Sequence[int] = ()) -> list[Md]:
    """The lines of a table; columns ``right`` are flush right."""
    rule = [markup("--:") if number in right else markup("---") for number in range(len(header))]
    lines = ([Md(title) for title in header], rule, *rows)
    return [markup("| {} |", joined(" | ", line)) for line in lines]


def details(lines: Iterable[Md]) -> list[Md]:
    """Lines that a reader has to open; the only elements of HTML that a report writes."""
    return [markup("<details><summary>Details</summary>"), Md(), *lines, Md(), markup("</details>")]


def document(lines: Iterable[Md]) -> str:
    """Lines as one text, without empty ones at its ends and with a final newline."""
    return "\n".join(line._source for line in lines).strip("\n") + "\n"


def _trusted(source: str) -> Md:
    made = Md.__new__(Md)
    made._source = source
    return made


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda m: f"\\{m[0]}", text)


def _code(text: str, bar: str = "\\|") -> str:
    shown = printable(text).replace("|", bar) or " "
    runs = [len(run) for run in re.findall(r"`+", shown)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
