"""Two processes for one big plain file: children search stripes of it, the parent reads and keeps lines as ever.

A child hands back *marks* only: where lines with a word begin, and how many lines stand before each within its
stripe. The parent asks the marks in the place of searching and counting, so what it keeps cannot differ. Children are
forked, so only where nothing else runs beside the caller (threads do not survive a fork), and never touch its state.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

STRIPE = 32 << 20  # bytes; a child works on one while the others' marks are used
SMALLEST = 96 << 20  # bytes: below that forking gains nothing
MOST = 4  # children
_ORDER_MARK = 3  # bytes
_FOUND, _LONG = 1, 2  # flags of a mark: holds a word; is longer than a line is held


class Marker(Protocol):
    """What a child runs: ``(lines that begin in [a, b) of the open file, start, lines before, flag, …)``."""

    def __call__(self, file: int, begin: int, end: int, /) -> tuple[int, Sequence[int]]: ...


def processes() -> int:
    """How many processor cores this process may use, as far as forking is sensible; 1: do it alone."""
    if not hasattr(os, "fork") or threading.active_count() != 1:
        return 1
    try:
        return min(len(os.sched_getaffinity(0)), MOST)
    except (AttributeError, OSError):
        return 1


class LostError(Exception):
    """A child ended before its work was done."""


class Stripes:
    """Marks of ``path`` from ``begin`` to ``end``, asked for in ascending order."""

    def __init__(self, path: str, begin: int, end: int, marker: Callable[[], Marker], workers: int) -> None:
        self.path, self.begin, self.end = path, begin, end
        self._bounds = [*range(begin, end, STRIPE), end]
        self._next = 0  # stripe to be asked for
        self.lines = 0  # that begin before it
        self._starts: list[int] = []
        self._numbers: list[int] = []
        self._flags: list[int] = []
        self._children: list[int] = []
        self._pipes: list[int] = []
        try:
            for number in range(workers):
                self._fork(number, workers, marker)
        except OSError:
            self.close()
            raise LostError from None

    def _fork(self, number: int, workers: int, marker: Callable[[], Marker]) -> None:
        reading, writing = os.pipe()
        try:
            child = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if child == 0:
            for pipe in (*self._pipes, reading):
                os.close(pipe)
            self._work(number, workers, marker, writing)
        os.close(writing)
        self._children.append(child)
        self._pipes.append(reading)

    def _work(self, number: int, workers: int, marker: Callable[[], Marker], pipe: int) -> NoReturn:
        with contextlib.suppress(BaseException):  # nothing of the child may reach the caller's code
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            mark = marker()
            file = os.open(self.path, os.O_RDONLY)
            for index in range(number, len(self._bounds) - 1, workers):
                lines, marks = mark(file, self._bounds[index], self._bounds[index + 1])
                data = array("Q", (len(marks), lines, *marks)).tobytes()
                while data:
                    data = data[os.write(pipe, data) :]
        os._exit(0)

    def _read(self, count: int) -> array[int]:
        pipe = self._pipes[self._next % len(self._pipes)]
        parts, missing = [], count * 8
        while missing:
            data = os.read(pipe, min(missing, 1 << 20))
            if not data:
                raise LostError
            parts.append(data)
            missing -= len(data)
        return array("Q", b"".join(parts))

    def _load(self, to: int, low: int) -> None:
        """Have the marks of all lines that begin before ``to``; those before ``low`` are no longer needed."""
        while self._next < len(self._bounds) - 1 and self._bounds[self._next] < to:
            old = bisect_left(self._starts, low)
            del self._starts[:old], self._numbers[:old], self._flags[:old]
            count, lines = self._read(2)
            marks = self._read(count)
            self._starts += marks[::3]
            self._numbers += [self.lines + before for before in marks[1::3]]
            self._flags += marks[2::3]
            self.lines += lines
            self._next += 1

    def find(self, begin: int, end: int) -> list[int]:
        """Where lines with a word begin between two offsets. Raises ``LostError``."""
        self._load(end, begin)
        first, last = bisect_left(self._starts, begin), bisect_left(self._starts, end)
        return [self._starts[at] for at in range(first, last) if self._flags[at] & _FOUND]

    def before(self, start: int) -> int:
        """How many lines stand before the line with a mark that begins at ``start``, or before the end."""
        if start >= self.end:
            self._load(self.end, start)
            return self.lines
        self._load(start + 1, start)
        at = bisect_left(self._starts, start)
        if at == len(self._starts) or self._starts[at] != start:
            raise LostError  # the file was changed while it was read
        return self._numbers[at]

    def close(self) -> None:
        """End the children."""
        for pipe in self._pipes:
            os.close(pipe)
        for child in self._children:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(child, 0)
        self._pipes, self._children = [], []


class Held(Protocol):
    """What ``mark_range`` needs of a scan."""

    buffer: bytearray
    between: bytes
    ended: int

    def _complete(self, low: int, filled: int) -> int: ...
    def _end(self, at: int, high: int) -> int: ...
    def _count(self, begin: int, end: int) -> int: ...
    def places(self, begin: int, end: int) -> list[int]: ...


def mark_range(scan: Held, block: int, limit: int, file: int, begin: int, end: int) -> tuple[int, list[int]]:
    """The lines that begin in ``[begin, end)`` of an open file: how many, and the marks of some (see ``Marker``).

    ``begin`` is that of a line when it is that of the file, but for a mark of byte order; otherwise it may be
    anywhere. ``block``: bytes read at once; ``limit``: a line above it is not held whole.
    """
    buffer, between, ended = scan.buffer, scan.between, scan.ended
    view = memoryview(buffer)
    marks: list[int] = []
    lines = filled = 0
    seeking = begin > _ORDER_MARK  # the begin of a line is still to be found
    base = begin - ended if seeking else begin
    low = 0
    while base + low < end:
        got = os.preadv(file, [view[filled : filled + block]], base + filled)
        filled += got
        if seeking:
            found = buffer.find(between, low, filled)
            if found < 0:
                if not got:
                    break
                keep = min(filled, len(between) - 1)
                view[:keep] = view[filled - keep : filled]
                base, filled, low = base + filled - keep, keep, 0
                continue
            low, seeking = found + ended, False
            continue
        if not got:
            if filled <= low:
                break
            while not buffer.endswith(b"\n" * ended, low, filled):
                buffer[filled] = 10
                filled += 1
            high = filled
        else:
            high = scan._complete(low, filled)
        if high == low:
            if filled - low >= limit:
                marks += (base + low, lines, (_FOUND if scan.places(low, filled) else 0) | _LONG)
                lines += 1
                keep = len(between) - 1
                view[:keep] = view[filled - keep : filled]
                base, filled, low, seeking = base + filled - keep, keep, 0, True
            continue
        if base + high > end:
            found = buffer.find(between, max(low, end - base - ended), high)
            high = found + ended if found >= 0 else high
        flags = dict.fromkeys(scan.places(low, high), _FOUND)
        at = low
        while high - at > limit:
            line = scan._complete(at, at + limit)
            if line == at:
                flags[at] = flags.get(at, 0) | _LONG
                line = scan._end(at, high)
            at = line
        at = low
        for place in sorted(flags):
            if place > at:
                lines += scan._count(at, place)
                at = place
            marks += (base + place, lines, flags[place])
        lines += scan._count(at, high) if high > at else 0
        keep = max(0, high - ended)  # so that the next line's begin can be told
        view[: filled - keep] = view[keep:filled]
        base, filled, low = base + keep, filled - keep, high - keep
        if not got:
            break
    view.release()
    return lines, marks
