"""Plain text for people: lines and tables that fit a width, with colour where a terminal shows it.

Everything that is put on a page is escaped character by character and never read as markup. Rich is imported for
colour only.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TypeAlias

from analyzer.errors import printable
from analyzer.reports.format import Options
from analyzer.reports.output import Destination

DEFAULT_WIDTH = 80
MAX_TERMINAL_WIDTH = 120
_NARROWEST = 10  # columns of a terminal that a column of text needs
_ASCII = str.maketrans(
    {
        "–": "-", "·": "|", "…": "...", "█": "#", "░": ".", "→": "->", "×": "x", "≥": ">=", "≤": "<=", "−": "-",
        "✓": "+", "✗": "x", "■": "s", "µ": "u", "◀": "<", "●": "*", "○": "o", "▏": "|", "±": "+-",
        "▶": ">", "─": "-", "▲": "!", "∞": "inf", "“": '"', "”": '"',
    }
)  # fmt: skip

Part: TypeAlias = str | tuple[str, str]  # a text, or one with its style
Styled: TypeAlias = tuple[str, str]


def suited(options: Options, to: Destination, *, no_color: bool = False, to_width: bool = True) -> Options:
    """``options`` that suit where the text goes: only a terminal gets its width (where ``to_width``) and colour."""
    terminal = to.is_stdout and sys.stdout.isatty()
    color = terminal and not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = options.width
    if width is None and terminal and to_width:
        width = max(40, min(shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns, MAX_TERMINAL_WIDTH))
    encoding = (sys.stdout.encoding or "utf-8") if to.is_stdout else "utf-8"
    return replace(options, width=width, color=color, ascii=not encoding.lower().startswith("utf"))


class Page:
    """Collects lines of text."""

    def __init__(self, options: Options, width: int = DEFAULT_WIDTH) -> None:
        self.options = options
        self.width = options.width or width
        self._lines: list[list[Styled]] = []

    def line(self, *parts: Part, indent: int = 0, hang: int = 0) -> None:
        """One paragraph; later lines of it are indented by ``hang`` more."""
        styled = [_styled(part) for part in parts]
        whole = "".join(text for text, _ in styled)
        for number, (begin, end) in enumerate(_pieces(whole, max(10, self.width - indent - hang))):
            margin = " " * (indent + (hang if number else 0))
            self._lines.append([(margin, ""), *_cut(styled, begin, end)])

    def labelled(self, label: Part, text: Part, width: int) -> None:
        """A label and, to the right of it, a paragraph of at most ``width`` columns with it."""
        name, (whole, style) = _styled(label), _styled(text)
        margin = cells(name[0])
        for number, (begin, end) in enumerate(_pieces(whole, max(10, width - margin))):
            self._lines.append([name if number == 0 else (" " * margin, ""), (whole[begin:end], style)])

    def blank(self) -> None:
        """An empty line."""
        self._lines.append([])

    def paragraph(self, text: str) -> None:
        """A line, and an empty one."""
        self.line(text)
        self.blank()

    def heading(self, title: str) -> None:
        """A section begins."""
        self.blank()
        self.line((title, "bold"))

    def table(
        self, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Part]], indent: int = 2, gap: int = 2
    ) -> None:
        """A table without borders; ``columns`` are (title, left|right|wrap), wrapping ones give way to the width."""
        lines = [[(title, "dim") for title, _ in columns], *([_styled(cell) for cell in row] for row in rows)]
        widths = [max(cells(line[n][0]) for line in lines) for n in range(len(columns))]
        wrapping = [n for n, (_, how) in enumerate(columns) if how == "wrap"]
        room = self.width - indent - gap * (len(columns) - 1)
        widths = [min(width, max(room, _NARROWEST)) if n in wrapping else width for n, width in enumerate(widths)]
        while sum(widths) > room and any(widths[n] > _NARROWEST for n in wrapping):
            widths[max(wrapping, key=lambda n: widths[n])] -= 1
        below = sum(widths) > room and columns[-1][1] == "wrap"  # no room beside the others
        for line in lines:
            self._row(line[:-1] if below else line, widths, [how for _, how in columns], indent, gap)
            if below and line[-1][0]:
                self.line(line[-1], indent=indent + 2)

    def _row(self, line: Sequence[Styled], widths: Sequence[int], hows: Sequence[str], indent: int, gap: int) -> None:
        broken = [
            [text[b:e].rstrip() for b, e in _pieces(text, width)]
            for (text, _), width in zip(line, widths, strict=False)
        ]
        for row in range(max(map(len, broken))):
            made = [(" " * indent, "")]
            for pieces, (_, style), width, how in zip(broken, line, widths, hows, strict=False):
                text = pieces[row] if row < len(pieces) else ""
                fill = " " * (width - cells(text))
                made += [(fill if how == "right" else "", ""), (text, style), (fill if how != "right" else "", "")]
                made.append((" " * gap, ""))
            self._lines.append(made)

    @property
    def lines(self) -> int:
        """How many there are so far."""
        return len(self._lines)

    def text(self) -> str:
        """What was collected, without trailing blanks, with a final newline."""
        if self.options.color:
            lines = _coloured(self._lines)
        else:
            lines = ["".join(text for text, _ in line).rstrip() for line in self._lines]
        made = "\n".join(lines).strip("\n") + "\n"
        return made.translate(_ASCII).encode("ascii", "backslashreplace").decode() if self.options.ascii else made


def broken(text: str, room: int) -> list[str]:
    """The lines that a paragraph takes in so many columns."""
    shown = printable(text)
    return [shown[begin:end] for begin, end in _pieces(shown, room)]


def cells(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def _cells_of(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _styled(part: Part) -> Styled:
    text, style = (part, "") if isinstance(part, str) else part
    return printable(text), style


def _pieces(text: str, room: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each line of ``text``: broken between words, and within a word that is longer than a line."""
    columns = _columns(text)
    begin = 0
    for number, found in enumerate(re.finditer(r"\S+", text)):
        word, end = found.start() if number else 0, found.end()
        if word > begin and columns[end] - columns[begin] > room:
            yield begin, word
            begin = word
        while columns[end] - columns[begin] > room:
            fits = max(begin + 1, bisect_right(columns, columns[begin] + room, begin, end) - 1)
            yield begin, fits
            begin = fits
    yield begin, len(text)


def _columns(text: str) -> Sequence[int]:
    """How many columns stand before each character, and before the end: counted once, as a line may have a million."""
    return range(len(text) + 1) if text.isascii() else tuple(accumulate(map(_cells_of, text), initial=0))


def _cut(styled: Iterable[Styled], begin: int, end: int) -> Iterator[Styled]:
    at = 0
    for text, style in styled:
        yield text[max(0, begin - at) : max(0, end - at)], style
        at += len(text)


def _coloured(lines: Iterable[Sequence[Styled]]) -> list[str]:
    from rich.console import Console
    from rich.text import Text

    console = Console(
        color_system="standard", force_terminal=True, force_jupyter=False, markup=False, highlight=False, emoji=False,
        legacy_windows=False, no_color=False,
    )  # fmt: skip
    made = []
    for line in lines:
        text = Text.assemble(*line)
        text.rstrip()
        with console.capture() as captured:
            console.print(text, soft_wrap=True, end="")
        made.append(captured.get())
    return made
