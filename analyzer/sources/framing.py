"""Bytes that come in pieces, cut into lines or journal entries as soon as these are whole; memory is bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.sources.raw_lines import LINE_LIMIT, RawLine

VALUE_LIMIT = 256 * 1024  # bytes of a field that are kept and one more, as the reader of whole exports does it
_PLAIN = re.compile(rb"(?:[A-Z0-9_]{1,64}=[^\n]*\n){1,1024}+")
_NAME = re.compile(rb"[A-Z0-9_]{1,64}$")
_LONGEST = 1 << 32  # a longer value is damage
_ENTRY_LIMIT = 4 << 20  # bytes of one entry that are kept


class Lines:
    """Lines of a text, numbered from 1."""

    def __init__(self) -> None:
        self.number = 0
        self._rest = bytearray()
        self._cut = False  # the line under way is longer than can be held

    def feed(self, data: bytes) -> Iterator[RawLine]:
        """The lines that end in ``data``."""
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            self._take(data[begin:end])
            yield self._whole(last=False)
            begin = end + 1
        self._take(data[begin:])

    def finish(self) -> Iterator[RawLine]:
        """The last line, where no newline ends it."""
        if self._rest:
            yield self._whole(last=True)

    def _take(self, piece: bytes) -> None:
        room = LINE_LIMIT - len(self._rest)
        self._cut = self._cut or len(piece) >= room
        self._rest += piece[:room]

    def _whole(self, *, last: bool) -> RawLine:
        self.number += 1
        line = RawLine(self.number, bytes(self._rest), cut=self._cut, last=last and not self._cut)
        self._rest.clear()
        self._cut = False
        return line


class Entries:
    """Entries of the Journal Export Format as bytes, each with its empty line; what is too long in them is cut."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._done = bytearray()  # the fields of the entry under way that are whole, their values cut
        self._skip = 0  # bytes of a value that are still to be passed over
        self._bad = False  # its framing is damaged: nothing counts up to the next empty line

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """The entries that end in ``data``, each with whether it is plain: ``FIELD=value`` lines, none too long."""
        self._data += data
        while (found := self._next()) is not None:
            if found[0].strip(b"\r\n"):
                yield found

    def finish(self) -> Iterator[tuple[bytes, bool]]:
        """What is there of the last entry."""
        rest = bytes(self._done + self._data)
        self._data.clear()
        self._done.clear()
        if rest.strip(b"\r\n"):
            yield rest, False

    def _next(self) -> tuple[bytes, bool] | None:
        """The next entry; ``None``: it is not whole yet."""
        if not (self._done or self._bad or self._skip):
            plain = _PLAIN.match(self._data)
            if plain is not None and self._data.startswith(b"\n", plain.end()):
                return self._taken(plain.end() + 1), plain.end() < VALUE_LIMIT
        while self._passed():
            end = self._data.find(b"\n") + 1
            if not end:
                if len(self._data) > 2 * VALUE_LIMIT:  # a line without an end grows no further
                    del self._data[VALUE_LIMIT + 2 : -1]
                return None
            if bytes(self._data[:3]).startswith((b"\n", b"\r\n")):
                self._taken(end)
                entry = bytes(self._done + b"\n")
                self._done.clear()
                self._bad = False
                return entry, False
            if not self._row(end):
                return None
        return None

    def _passed(self) -> bool:
        """Whether what was to be passed over is behind us."""
        gone = min(self._skip, len(self._data))
        del self._data[:gone]
        self._skip -= gone
        return not self._skip

    def _row(self, end: int) -> bool:
        """Take a field that begins with a line of this length; ``False``: it is not whole yet."""
        named = _NAME.match(self._data, 0, end - 1) is not None
        if self._bad or not named:
            self._bad = self._bad or self._data.find(b"=", 0, end) < 0
            row = self._taken(end)
            self._keep(row if len(row) <= VALUE_LIMIT + 2 else row[: VALUE_LIMIT + 1] + b"\n")
            return True
        if len(self._data) < end + 8:
            return False
        length = int.from_bytes(self._data[end : end + 8], "little")
        if length > _LONGEST:
            self._taken(end)
            self._keep(b"?\n")
            self._bad = True
            return True
        kept = min(length, VALUE_LIMIT + 1)
        if len(self._data) < end + 8 + kept:
            return False
        row = self._taken(end)
        del self._data[:8]
        self._keep(row + kept.to_bytes(8, "little") + self._taken(kept) + b"\n")
        self._skip = length - kept + 1  # with the newline behind it
        return True

    def _keep(self, field: bytes) -> None:
        if len(self._done) < _ENTRY_LIMIT:
            self._done += field

    def _taken(self, length: int) -> bytes:
        taken = bytes(self._data[:length])
        del self._data[:length]
        return taken
