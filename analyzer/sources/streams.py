"""The stream that all inputs are read through: one way, with a look ahead, within a budget."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analyzer.sources.source import Bytes
from analyzer.sources.unpack import is_damage, packed_as, unpack

BLOCK = 64 * 1024  # less than a block of the scan, which then reads past the buffer
TOTAL_LIMIT = 16 << 30  # bytes an input may unpack to, with what is packed inside it
MEMBER_LIMIT = 20_000
# Logs shrink tenfold, those of a crash loop two hundredfold, one line repeated without end a thousandfold and more.
RATIO_LIMIT = 500
RATIO_FROM = 1 << 30  # bytes: up to here whatever it is takes seconds, and even that one line is read


class LimitError(OSError):
    """Reading on would cost too much, or makes no sense; the text says why."""


@dataclass(slots=True)
class Budget:
    """What one file may cost; shared by everything that is packed in it."""

    packed: Callable[[], int]  # how many bytes of the file itself were read
    tell: Callable[[], None] = lambda: None  # called as it is spent
    unpacked: int = 0
    members: int = 0
    ended: str = ""

    def spend(self, count: int) -> None:
        """Raises ``LimitError`` when it is too much."""
        self.unpacked += count
        if self.unpacked > TOTAL_LIMIT:
            self.stop(f"it unpacks to more than {TOTAL_LIMIT >> 30} GiB")
        if self.unpacked > RATIO_FROM and self.unpacked > RATIO_LIMIT * max(self.packed(), 1):
            self.stop(f"it unpacks to more than {RATIO_LIMIT} times its size")
        self.tell()

    def member(self) -> None:
        """Counts one; raises ``LimitError`` when there are too many."""
        self.members += 1
        if self.members > MEMBER_LIMIT:
            self.stop(f"it has more than {MEMBER_LIMIT} members")

    def stop(self, why: str) -> None:
        """Remembers the sentence and raises it."""
        self.ended = self.ended or why
        raise LimitError(self.ended)


class Stream(io.RawIOBase):
    """The bytes of ``inner`` at the cost of ``budget``; only the next ``left`` of them, if that is given.

    ``done`` counts those that were taken. Closing it closes ``inner`` if that is ``owned``.
    """

    def __init__(
        self, inner: Bytes, *, owned: bool = True, budget: Budget | None = None,
        left: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.done = 0
        self._inner, self._owned, self._budget, self._left = inner, owned, budget, left
        self._ahead = bytearray()  # was looked at and is still to be read
        self._failed: Exception | None = None

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.done

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        if not self._ahead:
            return self._take(view)
        data = self._ahead[: len(view)]
        del self._ahead[: len(data)]
        view[: len(data)] = data
        return len(data)

    def peek(self, count: int) -> bytes:
        """The next ``count`` bytes, or fewer at the end, which are still to be read.

        Damage behind the first of them shows itself when it is read again.
        """
        while len(self._ahead) < count:
            block = bytearray(min(count - len(self._ahead), 512))  # isal loses what it has when it comes upon damage
            try:
                got = self._take(memoryview(block))
            except Exception as error:
                if not self._ahead or not is_damage(error):
                    raise
                break
            if not got:
                break
            self._ahead += block[:got]
        return bytes(self._ahead[:count])

    def _take(self, view: memoryview) -> int:
        """Some of what ``inner`` has next; 0 at its end."""
        if self._failed is not None:  # what else a decompressor would say of it, or give, makes no sense
            raise self._failed
        if self._budget is not None and self._budget.ended:
            raise LimitError(self._budget.ended)
        if self._left is not None:
            view = view[: self._left]
        if not view:
            return 0
        try:
            got = _some(self._inner, view)
        except Exception as error:
            self._failed = error
            raise
        if self._left is not None:
            if not got:
                raise EOFError("the archive ends in the middle of a file")
            self._left -= got
        self.done += got
        if self._budget is not None:
            self._budget.spend(got)
        return got

    def close(self) -> None:
        if not self.closed:
            try:
                if self._owned:
                    self._inner.close()
            finally:
                super().close()


def _some(inner: Bytes, view: memoryview) -> int:
    """What is there: a reader that fills the whole buffer loses what it had when it comes upon damage."""
    if isinstance(inner, io.RawIOBase):
        return inner.readinto(view) or 0
    data = getattr(inner, "read1", inner.read)(len(view)) or b""
    view[: len(data)] = data
    return len(data)


def unpacked(stream: Stream, budget: Budget) -> Stream:
    """What ``stream`` holds, unpacked at the cost of ``budget``; ``stream`` itself when it is not packed.

    Raises ``NoModuleError`` for zstd without a module. Reading raises what ``is_damage`` recognises.
    """
    kind = packed_as(stream.peek(8))
    if kind is None:
        return stream
    return Stream(unpack(kind, io.BufferedReader(stream, BLOCK)), budget=budget)
