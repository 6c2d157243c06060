"""What an editor, a search, a page or a terminal did to every line of a text, undone before the lines are read.

A prefix (line numbers, a file's name, marks of a quotation), quotes and tags around each line, and records that were
broken at a column. All of it is told by the first lines together, never by one alone: what stands before most lines,
and before the head of a log line in many of them, is none of the log; where all further lines stand below a line that
reaches the last column, that column broke them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from analyzer.records.draft import Tally
from analyzer.records.html_entities import Unescaper
from analyzer.records.printable import strip_terminal
from analyzer.sources.raw_lines import LINE_LIMIT, RawLine

_LOOKED_AT = 1000  # lines
_FEWEST = 4  # of them show a habit
_MOST = 0.7  # of the lines have what is taken for one, and those with a head behind it are
_HEADED = 0.1
_NARROWEST, _WIDEST = 50, 400  # columns
_ALWAYS = 0.9
_MOSTLY = 0.75
_KINDS = {
    "date": r"\w{3,6}\.? [ \d]\d \d\d:\d\d:\d\d[ .,]|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ",
    "iso": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "iso-blank": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    "number": r"\[ *\d{1,9}\.\d{6}\] |\d{10}\.\d{6} ",
    "logrus": r'time="?\d{4}-\d\d-\d\dT|level=(?:info|warning|error|fatal|debug) msg=',
    "klog": r"[IWEF]\d{4} \d\d:\d\d:\d\d\.|Trace\[\d",
    "console": r"(?:INFO|WARN|ERRO|FATA|DEBU)\[\d",
    "object": r'\{"(?:level|log|MESSAGE|__|@timestamp|timestamp|date|time|labels|message)',
}
_HEAD = re.compile("|".join(f"(?P<{name.replace('-', '_')}>{words})" for name, words in _KINDS.items()))
_MARKS = re.compile(r"(?:[>»|•*+#/·-]{1,3}[ \t]{0,4}){1,4}|[ \t]{2,}|\t")
_NUMBERED = re.compile(r"[ \t]{0,8}\d{1,7}(?:[:.)|-]|[ \t]*[|:]|(?=[ \t]))[ \t]{0,4}")
_FILE = re.compile(r"[\w./~@%+-]{1,200}[:-](?:\d{1,7}:)?[ \t]?")
_TAGS = re.compile(r"(?:<(?:li|div|p|span|code|td|tr|pre|b)\b[^<>]{0,80}>)+")
_ENDS = re.compile(r"(?:<br ?/?>|</(?:li|div|p|span|code|td|tr|pre|b)>){1,9}\s{0,9}$")
_STRING = re.compile(r'[ \t]*"(.*)",?[ \t]*$', re.DOTALL)
_UNESCAPED = re.compile(r'(?<!\\)"')
_ABOUT = re.compile(r"(\*\*|`|__)(.*)\1\s*$", re.DOTALL)


def _text(line: RawLine) -> str:
    text = line.data.decode("utf-8", "replace").rstrip("\r")
    return strip_terminal(text) if "\x1b" in text else text


def head_kind(text: str) -> str | None:
    """What kind of log line begins so."""
    found = _HEAD.match(text)
    return found.lastgroup if found is not None else None


# --- around each line -----------------------------------------------------------------------------------------------


def _of_marks(text: str) -> str | None:
    found = _MARKS.match(text)
    return text[found.end() :] if found is not None else None


def _of_number(text: str) -> str | None:
    found = _NUMBERED.match(text)
    return text[found.end() :] if found is not None else None


def _of_file(text: str) -> str | None:
    found = _FILE.match(text)
    return text[found.end() :] if found is not None else None


def _of_tags(text: str) -> str | None:
    """A line of a page's source, or with its line break only."""
    begin, end = _TAGS.match(text), _ENDS.search(text)
    if begin is None and end is None:
        return None
    return text[begin.end() if begin is not None else 0 : end.start() if end is not None else len(text)]


def _of_string(text: str) -> str | None:
    """A string of JSON or a cell of a table."""
    found = _STRING.match(text)
    if found is None:
        return None
    inside = found[1]
    if _UNESCAPED.search(inside) is not None:
        return inside.replace('""', '"')
    try:
        return str(json.loads(f'"{inside}"'))
    except ValueError:
        return inside


def _of_emphasis(text: str) -> str | None:
    found = _ABOUT.match(text)
    return found[2] if found is not None else None


_PEELERS = (_of_tags, _of_string, _of_emphasis, _of_marks, _of_number, _of_file)


@dataclass(frozen=True)
class Habit:
    """What stands around the lines of a text: ``begin`` is the same before each of them, or ``None``."""

    peel: int
    begin: str | None = None

    def bare(self, text: str) -> str:
        """The line without it; a line without it stays."""
        if self.begin is not None:
            return text.removeprefix(self.begin) if text.startswith(self.begin) else text
        inner = _PEELERS[self.peel](text)
        return text if inner is None else inner


def _habit(texts: Sequence[str]) -> Habit | None:
    """What stands around most lines, if it stands before the heads of log lines."""
    filled = [text for text in texts if text and not text.isspace()]
    bare = sum(head_kind(text) is not None for text in filled)
    least = max(_FEWEST, _MOST * len(filled))
    for number, peel in enumerate(_PEELERS):
        if peel is not _of_tags and bare > len(filled) * (1 - _MOST):
            continue  # the lines begin as they are
        inner = [(text, rest) for text in filled if (rest := peel(text)) is not None and rest != text]
        # A page's source has entities as well; the lines keep them until they are read.
        heads = [(text, rest) for text, rest in inner if head_kind(Unescaper().line(rest)) is not None]
        if len(heads) < max(_FEWEST, _HEADED * len(filled)):
            continue
        if peel in (_of_marks, _of_file):
            begins = Counter(text[: len(text) - len(rest)] for text, rest in heads)
            begin = begins.most_common(1)[0][0]
            if sum(text.startswith(begin) for text in filled) >= least:
                return Habit(number, begin)
        if peel is not _of_marks and len(inner) >= least:
            return Habit(number)
    return None


# --- broken at a column ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """Where the lines of a text were broken: at the column itself, or between the words before it."""

    width: int
    kinds: frozenset[str]  # of the heads of log lines
    words: bool
    indent: str = ""  # before what goes on

    def goes_on(self, above: str, text: str) -> bool:
        """Whether a line is the rest of the one above it."""
        if not text or text.isspace() or head_kind(text) in self.kinds:
            return False
        return _overfull(above, text, self.width) if self.words else len(above) >= self.width - 2

    def joined(self, whole: str, above: str, text: str) -> str:
        """The line with its rest; ``above`` is the last piece of it."""
        if not self.words:
            return whole + " " * (self.width - len(above)) + text
        text = text.removeprefix(self.indent)
        last, first = above.rsplit(" ", 1)[-1], text.split(" ", 1)[0]
        broken = len(above) == self.width and len(last) + len(first) > self.width - len(self.indent)
        return f"{whole}{text}" if broken else f"{whole} {text}"


def _overfull(above: str, text: str, width: int) -> bool:
    """Whether the first word of a line had no room in the one above."""
    words = text.split(maxsplit=1)
    return len(above) + 1 + len(words[0]) > width


_CARRIERS_END = re.compile(r'(?::|\dZ|[ =]"?\d{4}-\d\d-\d\dT[\d:]{8}\S{1,6}")$')
_CARRIERS = frozenset(("date", "iso", "iso_blank", "number"))


def _column(texts: Sequence[str]) -> Column | None:
    heads = Counter(kind for text in texts if (kind := head_kind(text)) is not None)
    first = next(iter(heads), None)
    # Dates stand within lines, too: those of certificates.
    known = {kind: count for kind, count in heads.items() if kind != "iso_blank" or kind == first}
    kinds = frozenset(kind for kind, count in known.items() if count >= max(2, 0.02 * heads.total()))
    if not kinds:
        return None
    carriers = kinds & _CARRIERS
    broken_off = carriers < kinds and _heads_broken_off(texts, kinds - carriers)
    return (_column_of(texts, carriers) if broken_off else None) or _column_of(texts, kinds)


def _heads_broken_off(texts: Sequence[str], kinds: frozenset[str]) -> bool:
    """Whether lines begin as the program's own do only because their carrier's words stand alone in the line above."""
    above = [before for before, text in pairwise(texts) if head_kind(text) in kinds]
    return sum(_CARRIERS_END.search(text) is not None for text in above) >= _ALWAYS * len(above)


def _column_of(texts: Sequence[str], kinds: frozenset[str]) -> Column | None:
    """The column of lines that begin in one of these ways."""
    pairs = [(above, text) for above, text in pairwise(texts) if text and not text.isspace()]
    further = [(above, text) for above, text in pairs if head_kind(text) not in kinds]
    if not kinds or len(further) < max(_FEWEST, 0.05 * len(texts)):
        return None
    width = max(map(len, texts))
    # A mail program leaves a word whole that is longer than its lines.
    spaced = max((len(text) for text in texts if " " in text.strip()), default=width)
    if _broken_at(width, kinds, pairs, further):
        return Column(width, kinds, words=False)
    wrapped = next((at for at in (width, spaced) if _wrapped_at(at, further)), None)
    if wrapped is None:
        return None
    indents = Counter(text[: len(text) - len(text.lstrip(" "))] for _, text in further)
    return Column(wrapped, kinds, words=True, indent=indents.most_common(1)[0][0])


_Pairs = Sequence[tuple[str, str]]  # a line, and the one below it


def _broken_at(width: int, kinds: frozenset[str], pairs: _Pairs, further: _Pairs) -> bool:
    """Whether the lines were broken at the last column, wherever that fell."""
    if not _NARROWEST <= width <= _WIDEST:
        return False
    full = [(above, text) for above, text in pairs if len(above) == width]
    below = sum(head_kind(text) not in kinds for _, text in full)
    under_full = sum(len(above) >= width - 2 for above, _ in further)
    # A line may end at the column by chance; where no rest stands elsewhere that is all.
    least = _MOSTLY if below == len(further) else _ALWAYS
    return len(full) >= _FEWEST and below >= least * len(full) and under_full >= _MOSTLY * len(further)


def _wrapped_at(width: int, further: _Pairs) -> bool:
    """Whether the lines were broken where the next word had no room."""
    if not _NARROWEST <= width <= _WIDEST:
        return False
    return sum(_overfull(above, text, width) for above, text in further) >= _ALWAYS * len(further)


# --- the text -------------------------------------------------------------------------------------------------------


def as_printed(lines: Iterator[RawLine], tally: Tally) -> Iterator[RawLine]:
    """The lines as the program printed them; each has the number of its first piece."""
    first = list(islice(lines, _LOOKED_AT))
    if len(first) == 1 and first[0].data.count(b"\r") >= _FEWEST:
        first = _of_returns(first[0])
    texts = [_text(line) for line in first]
    habit = _habit(texts)
    if habit is not None:
        texts = [habit.bare(text) for text in texts]
    column = _column(texts)
    if habit is None and column is None:
        yield from first
        yield from lines
        return
    rest = _peeled((line for part in (first, lines) for line in part), habit)
    yield from rest if column is None else _joined(rest, column, tally)


def _of_returns(line: RawLine) -> list[RawLine]:
    """The lines of a text that ends them with a carriage return alone."""
    parts = line.data.removesuffix(b"\r").split(b"\r")
    if sum(head_kind(part[:_WIDEST].decode("utf-8", "replace")) is not None for part in parts) < _HEADED * len(parts):
        return [line]  # a terminal redrew it
    return [replace(line, number=line.number + number, data=part) for number, part in enumerate(parts)]


def _peeled(lines: Iterator[RawLine], habit: Habit | None) -> Iterator[RawLine]:
    for line in lines:
        yield line if habit is None else replace(line, data=habit.bare(_text(line)).encode("utf-8", "replace"))


def _joined(lines: Iterator[RawLine], column: Column, tally: Tally) -> Iterator[RawLine]:
    begun: RawLine | None = None
    whole = above = ""
    pieces = 0
    for line in lines:
        text = _text(line)
        if begun is not None and not line.gap and len(whole) < LINE_LIMIT and column.goes_on(above, text):
            whole, above, pieces = column.joined(whole, above, text), text, pieces + 1
            continue
        if begun is not None:
            yield _whole(begun, whole, pieces, tally)
        begun, whole, above, pieces = line, text, text, 1
    if begun is not None:
        yield _whole(begun, whole, pieces, tally)


def _whole(line: RawLine, text: str, pieces: int, tally: Tally) -> RawLine:
    if pieces == 1:
        return line
    tally.lines += pieces - 1
    tally.reasons["record broken over several lines"] += 1
    return replace(line, data=text.encode("utf-8", "replace"))
