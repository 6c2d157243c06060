"""The fast scan of large inputs: whole blocks of bytes are searched, and only lines some rule can use are decoded.

Kept are: the first lines of the input and its last ones; every line with one of the words of ``search``, with the
lines just before a banner or a line of systemd about the service (the last words of the process before); and
everything that follows a banner ``Starting k3s v…`` until some time after the process is up, so that a start is read
as completely as from a small file, slow datastore lines and all. Outside of that, lines are passed over and counted.

Memory is bounded whatever the input holds: above ``KEPT_LINES`` lines (``KEPT_BYTES`` bytes) only the last
``TAIL_LINES`` of those worth keeping are handed on, and how many were left out is said.

Measured design: blocks of 256 KiB read into one reused buffer, one search per block, line bounds cut out with
``find``, only kept lines become objects.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from analyzer.sources.raw_lines import LINE_LIMIT, RawLine, read_lines
from analyzer.sources.search import (
    BANNER,
    BLOCK,
    CRASH,
    OTHER_UNITS,
    OURS,
    READY,
    REGISTERED,
    SERVICE,
    SIGN,
    SYSTEMD,
    UNDERWAY,
    Engine,
    Kind,
    find_engine,
)

BIG = 16 << 20  # bytes: smaller inputs are decoded line by line
MANY = 100_000  # lines: likewise
BLOCK_SIZE = 256 * 1024
FIRST_LINES = 300  # of a large input, always kept
HEAD_LINES = 5000  # … and so many when the first ones show that it begins within a start
BEFORE = 20  # lines kept before a banner or a line of systemd, and at the end of the input
WINDOW = 20_000  # lines after a banner that are all kept
AFTER_READY = 200  # … and after "is up and running"
WINDOW_BUDGET = 60_000  # lines in all; a crash loop of thousands of starts is then read by its words alone
KEPT_LINES = 120_000
KEPT_BYTES = 64 << 20
TAIL_LINES = 20_000
TAIL_BYTES = 8 << 20
_TERMINAL = re.compile(rb"(?:TRAC|DEBU|INFO|WARN|ERRO)(?:\x1b\[0m)?\[")
# Within a month and zone, stamps sort as text; both change seldom.
_STAMPED = re.compile(rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,]\d+)?")
_BLOCK_LINES = 60
_PIECE = 32 * 1024  # bytes; larger pieces are given back to the system and fetched anew each time


class _Window:
    """How many of the next lines are kept because of what was seen."""

    def __init__(self, lines: int) -> None:
        self.left = lines
        self.budget = WINDOW_BUDGET
        self.backwards = False

    def see(self, line: bytes | bytearray, begin: int, end: int) -> bool:
        """Take notice of ``line[begin:end]``; whether it is a banner."""
        if self.backwards:
            return self._see_backwards(line, begin, end)
        starting = line.find(b"Starting ", begin, end) >= 0  # far quicker than an expression that tries each place
        if starting and BANNER.search(line, begin, end) is not None:
            self._open()
            return True
        if self.left > AFTER_READY:
            if line.find(READY, begin, end) >= 0:
                self.left = AFTER_READY
        elif (starting or line.find(b" for API", begin, end) >= 0) and SIGN.search(
            line, begin, end
        ) is not None:  # the banner is not in the text, or is still to come
            self._open()
        elif self.left < _BLOCK_LINES and self.budget > 0 and line.find(BLOCK, begin, end) >= 0:
            self.left = _BLOCK_LINES
        return False

    def _open(self) -> None:
        self.left = max(self.left, min(WINDOW, self.budget))

    def _see_backwards(self, line: bytes | bytearray, begin: int, end: int) -> bool:
        """Newest lines first: a start ends where it begins to be read, and its banner is near its last line."""
        if BANNER.search(line, begin, end) is not None:
            self.left = min(self.left, AFTER_READY)  # what the wrapper printed before it
            return True
        if line.find(READY, begin, end) >= 0 or UNDERWAY.search(line, begin, end) is not None:
            self._open()
            return True  # what was printed after it stands above it
        return False

    def take(self, lines: int = 1) -> None:
        """So many lines more are kept."""
        self.left -= lines
        self.budget -= lines


def candidates(reader: io.BufferedReader, big: bool, engine: Engine | None = None) -> Iterator[RawLine]:
    """Lines worth decoding: all of a small input, those named above of a large one.

    ``big`` says that the input is known to be large; one of unknown size becomes large after 16 MiB or 100 000 lines.
    Numbers of lines that were passed over are missing from the sequence, and the next line has ``gap`` set; its
    ``dropped`` counts those among them that were worth keeping but too many. When the last lines are passed over a
    ``filler`` tells the number of the last one.
    """
    return bounded(_candidates(reader, big, engine))


def _candidates(reader: io.BufferedReader, big: bool, engine: Engine | None) -> Iterator[Sequence[RawLine]]:
    size = number = 0
    if not big:
        for line in read_lines(reader):
            yield (line,)
            size += len(line.data) + 1
            number = line.number
            if size > BIG or number >= MANY:
                break
        else:
            return
    head = reader.peek(4096)[:65536]
    kind: Kind = "json" if head.lstrip()[:1] == b"{" and b'"MESSAGE"' in head else "text"
    if kind == "text" and _TERMINAL.search(head) is not None:
        kind = "terminal"
    yield from _Scan(reader, number + 1, kind, engine).lines()


def export_candidates(
    reader: io.BufferedReader, key: bytes, number: int = 1, engine: Engine | None = None
) -> Iterator[RawLine]:
    """The same choice among the entries of a large export; ``data`` is a whole entry, ``number`` its number.

    Entries are told apart by an empty line with ``key`` after it, the name of the field that begins each of them;
    ``reader`` stands at the begin of entry ``number``.
    """
    return bounded(_ExportScan(reader, number, key, engine).lines())


def bounded(batches: Iterable[Sequence[RawLine]]) -> Iterator[RawLine]:
    """The lines of ``batches``, or their first and last ones when they are too many to be held."""
    rest = iter(batches)
    kept = size = 0
    for lines in rest:
        yield from lines
        kept += len(lines)
        for line in lines:
            size += len(line.data)
        if kept >= KEPT_LINES or size >= KEPT_BYTES:
            break
    tail: deque[RawLine] = deque()
    dropped = held = 0
    for lines in rest:
        for line in lines:
            tail.append(line)
            held += len(line.data)
            if len(tail) > TAIL_LINES or held > TAIL_BYTES:
                held -= len(tail.popleft().data)
                dropped += 1
    if tail and dropped:
        tail[0].gap = True
        tail[0].dropped = dropped
    yield from tail


def _backwards(text: bytes) -> bool:
    """Whether lines that begin with a stamp run from the newest to the oldest (``journalctl -r``)."""
    stamps = [found.group() for row in text.split(b"\n") if (found := _STAMPED.match(row)) is not None]
    falls = sum(later < stamp for stamp, later in pairwise(stamps))
    rises = sum(later > stamp for stamp, later in pairwise(stamps))
    return falls > 2 * rises


class _Scan:
    """State of one scan: the buffer, the number of the next line, and how much of a start is still to be kept."""

    between = b"\n"
    key = b""  # what of ``between`` belongs to the line after it
    overlap = 8192  # bytes already searched that stay in front of the next block, for the lines before a find
    end_bytes = 1  # bytes between two lines

    def __init__(self, reader: io.BufferedReader, number: int, kind: Kind, engine: Engine | None) -> None:
        self.reader = reader
        self.kind: Kind = kind
        self.engine = engine or find_engine(kind)
        self.thorough = engine is not None  # a given engine stays
        self.number = number  # of the line at self.at
        self.at = 0
        self.gap = False
        self.window = _Window(FIRST_LINES)
        self.begun = False
        self.buffer = bytearray(2 * BLOCK_SIZE + LINE_LIMIT)

    # An export has entries in the place of lines.

    def _begin(self, low: int, at: int) -> int:
        """The begin of the line that holds ``at``, not before ``low`` (itself one)."""
        return self._complete(low, min(at + len(self.between) - self.end_bytes, len(self.buffer)))

    def _end(self, at: int, high: int) -> int:
        """The begin of the line after the one that holds ``at``; ``high`` is one."""
        found = self.buffer.find(self.between, at, high)
        return found + self.end_bytes if found >= 0 else high

    def _complete(self, low: int, filled: int) -> int:
        """The end of the last line of which all has been read; ``low``, the begin of one, when there is none."""
        found = self.buffer.rfind(self.between, low, filled)
        return found + self.end_bytes if found >= 0 else low

    def _split(self, begin: int, end: int, most: int) -> list[bytes]:
        """The first lines, without their ends."""
        first, *others = bytes(self.buffer[begin : end - self.end_bytes]).split(self.between, most)[:most]
        return [first, *(self.key + row for row in others)]

    def _count(self, begin: int, end: int) -> int:
        """How many lines these are."""
        ends = 0
        for at in range(begin, end, _PIECE):
            part = self.buffer[at : min(at + _PIECE, end)]
            ends += len(part) - len(part.replace(b"\n", b""))  # CPython finds them faster here than in count()
        return ends

    def _drop_rest(self) -> bytes:
        """Read to the end of an endless line; what of the next one was read with it."""
        while (rest := self.reader.readline(LINE_LIMIT)) and not rest.endswith(b"\n"):
            pass
        return b""

    def places(self, begin: int, end: int) -> list[int]:
        """Where lines with a word begin; of a line too long to be held the head must have it."""
        found = self._begins(begin, self.engine(self.buffer, begin, end))
        if end - begin < LINE_LIMIT:
            return found
        return [at for at in found if self._end(at, end) - at < LINE_LIMIT or self._in_head(at)]

    def _begins(self, low: int, found: list[int]) -> list[int]:
        return found

    def _in_head(self, at: int) -> bool:
        head = bytearray(self.buffer[at : at + LINE_LIMIT]) + b"\n"
        return bool(self.engine(head, 0, len(head)))

    def lines(self) -> Iterator[Sequence[RawLine]]:
        """What is kept, in batches."""
        buffer, filled, searched = self.buffer, 0, 0
        view = memoryview(buffer)
        while True:
            got = self.reader.readinto(view[filled : filled + BLOCK_SIZE])
            filled += got
            if not got and filled > searched:
                while not buffer.endswith(b"\n" * self.end_bytes, searched, filled):
                    buffer[filled] = 10
                    filled += 1
                end = filled
            else:
                end = self._complete(searched, filled)
            if end == searched and got:
                if filled - searched >= LINE_LIMIT:
                    yield from self._endless(searched, filled)
                    rest = self._drop_rest()
                    view[: len(rest)] = rest
                    filled, searched, self.at = len(rest), 0, 0
                continue
            yield from self._block(searched, end)
            if not got:
                yield from self._tail(end)
                break
            keep = max(self.at, self._begin(0, end - self.overlap) if end > self.overlap else 0)
            if end - keep > BLOCK_SIZE // 2:
                keep = end
            self._skip(keep)
            view[: filled - keep] = view[keep:filled]
            filled -= keep
            searched = end - keep
            self.at = 0
        view.release()

    def _skip(self, to: int) -> None:
        """Pass over the lines up to offset ``to``."""
        if to > self.at:
            self.number += self._count(self.at, to)
            self.at = to
            self.gap = True

    def _rows(self, to: int, most: int) -> list[RawLine]:
        """The lines up to offset ``to``, at most so many."""
        rows: list[RawLine] = []
        for number, data in enumerate(self._split(self.at, to, most), self.number):
            rows.append(RawLine(number, data[:LINE_LIMIT], cut=len(data) > LINE_LIMIT))
            self.at += len(data) + self.end_bytes
        rows[0].gap, self.gap = self.gap, False
        self.number += len(rows)
        return rows

    def _block(self, begin: int, end: int) -> Iterator[Sequence[RawLine]]:
        buffer, window = self.buffer, self.window
        if window.budget <= 0 and not self.thorough:
            self.engine, self.thorough = find_engine(self.kind, thorough=True), True
        places = self.places(begin, end)
        if not self.begun:
            self.begun = True
            window.backwards = self.kind != "export" and _backwards(bytes(buffer[begin:end]))
            window.left = max(window.left, self._head(places, end))
        for found in [*places, end]:
            start = self._begin(begin, found) if found < end else end
            if window.left > 0 and self.at < start:
                rows = self._rows(start, window.left)
                window.take(len(rows))
                yield rows
            if start == end or start < self.at:
                continue
            stop = self._end(found, end)
            systemd = any(buffer.find(word, start, stop) >= 0 for word in SYSTEMD)
            if systemd and (
                OURS.search(buffer, start, stop) is None or OTHER_UNITS.search(buffer, start, stop) is not None
            ):
                continue
            if (
                window.see(buffer, start, stop)
                or (systemd and SERVICE.search(buffer, start, stop) is not None)
                or buffer.find(CRASH, start, stop) >= 0
                or buffer.find(REGISTERED, start, stop) >= 0
            ):
                self._skip(self._before(start))
            else:
                self._skip(start)
            yield self._rows(stop, BEFORE + 1)

    def _head(self, places: Sequence[int], end: int) -> int:
        """How many of the first lines are kept: many when signs of a start come before a banner does."""
        for found in places:
            stop = self._end(found, end)
            if BANNER.search(self.buffer, found, stop) is not None:
                break
            if UNDERWAY.search(self.buffer, found, stop) is not None:
                return HEAD_LINES
        return 0

    def _before(self, start: int) -> int:
        """The begin of the line some lines before ``start``."""
        first = start
        for _ in range(BEFORE):
            if first <= self.at:
                break
            first = self._begin(self.at, first - 1)
        return first

    def _tail(self, end: int) -> Iterator[Sequence[RawLine]]:
        """The last lines of the input."""
        self._skip(self._before(end))
        if self.at < end:
            yield self._rows(end, BEFORE)
        if self.gap:
            yield (RawLine(self.number - 1, b"", filler=True),)

    def _endless(self, begin: int, filled: int) -> Iterator[Sequence[RawLine]]:
        """A line longer than the limit: its head is kept when it holds a word, the rest is dropped."""
        self._skip(begin)
        if self.places(begin, filled):
            data = bytes(self.buffer[begin : min(filled, begin + LINE_LIMIT)])
            yield (RawLine(self.number, data, cut=True, gap=self.gap),)
            self.gap = False
        else:
            self.gap = True
        self.number += 1


class _ExportScan(_Scan):
    """The scan of Journal Export Format, whose entries stand in the place of lines."""

    overlap = 32768
    end_bytes = 2

    def __init__(self, reader: io.BufferedReader, number: int, key: bytes, engine: Engine | None) -> None:
        super().__init__(reader, number, "export", engine)
        self.key = key + b"="
        self.between = b"\n\n" + self.key

    def _count(self, begin: int, end: int) -> int:
        return self.buffer.count(self.between, begin, end) + 1

    def _begins(self, low: int, found: list[int]) -> list[int]:
        return list(dict.fromkeys(self._begin(low, at) for at in found))  # an engine tells lines, not entries

    def _drop_rest(self) -> bytes:
        empty = False
        while row := self.reader.readline(LINE_LIMIT):
            if empty and row.startswith(self.key):
                return row
            empty = row == b"\n"
        return b""
