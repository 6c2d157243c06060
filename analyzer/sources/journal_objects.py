"""The objects of a journal file: where they are, how large, what they point at; positional reads, nothing trusted.

The layout follows systemd's documentation of the journal file format and was checked against files written by systemd
252 and 254. Reading is positional over a small cache of pages, without mmap, so that a file that shrinks or a failing
disk cannot kill the process, and a member of an archive can be read from memory.
"""

from __future__ import annotations

import io
import re
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from analyzer.errors import BadInputError

MAGIC = b"LPKSHHRH"
DATA, FIELD, ENTRY, FIELD_TABLE, ENTRY_ARRAY = 1, 2, 3, 5, 6
_HEADER = 208  # bytes of the oldest header; newer ones are longer
_COUNTED = 224  # bytes of a header that counts the fields (systemd 187)
_COMPACT = 16
_KNOWN = 1 | 2 | 4 | 8 | _COMPACT  # XZ, LZ4, KEYED_HASH, ZSTD, COMPACT
_FIELDS = 1024  # of one entry; real ones have about 25
_ARRAY_PIECE = 1 << 17
_LEAST = {1: 65, 2: 41, 3: 68, 4: 16, 5: 16, 6: 24, 7: 64}  # bytes of an object by its type
_OBJECT = re.compile(rb"[\x01-\x07][\x00-\x07]\x00{6}[\s\S]{5}\x00{3}")
_HEAD = struct.Struct("<BB6xQ")
_ENTRY = struct.Struct("<B7xQQQQ16s8x")
_DATA = struct.Struct("<BB6xQ40xQ")
_LISTED = struct.Struct("<QQQ")
_FIELD = struct.Struct("<B7xQ8xQQ")


class Paging(NamedTuple):
    """How a file is cached: pages of ``2**bits`` bytes, so many bytes of the next beside each, at most ``pages``."""

    bits: int
    over: int
    pages: int


COARSE = Paging(18, 1 << 16, 32)  # to read on and on
FINE = Paging(14, 1 << 12, 512)  # to read here and there


class Pages:
    """Positional reads through a bounded cache."""

    def __init__(self, file: BinaryIO, paging: Paging = COARSE) -> None:
        self.file = file
        self.size = file.seek(0, io.SEEK_END)
        self.failed = ""
        self.bits, self.over, self._most = paging
        self.mask = (1 << self.bits) - 1
        self._pages: dict[int, bytes] = {}

    def page(self, offset: int) -> bytes:
        """The page of ``offset``, which stands at ``offset & mask`` in it."""
        number = offset >> self.bits
        found = self._pages.get(number)
        return self._load(number) if found is None else found

    def _load(self, number: int) -> bytes:
        if len(self._pages) >= self._most:
            del self._pages[next(iter(self._pages))]
        data, wanted = b"", self.mask + 1 + self.over
        try:
            self.file.seek(number << self.bits)
            data = self.file.read(wanted) or b""
            while 0 < len(data) < wanted and (more := self.file.read(wanted - len(data))):
                data += more
        except OverflowError:
            pass  # an offset beyond all files: nothing is there
        except OSError as error:
            self.failed = (error.strerror or str(error)).lower()
        self._pages[number] = data
        return data

    def around(self, offset: int, size: int) -> tuple[bytes, int]:
        """Bytes that hold ``size`` ones from ``offset`` on, if there are so many, and where in them those begin."""
        page, at = self.page(offset), offset & self.mask
        return (page, at) if len(page) - at >= size else (self.read(offset, size), 0)

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes, fewer at the end of the file."""
        parts = []
        while size > 0:
            page = self.page(offset)
            at = offset & self.mask
            part = page[at : at + size]
            if not part:
                break
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


@dataclass(frozen=True)
class Header:
    """What the head of a journal says of it; offsets and sizes in bytes.

    ``place`` tells the set of files it belongs to and where in the set it begins. ``fields`` is -1 when the header is
    of a systemd that did not count them. ``arena_end`` is where the file should end.
    """

    compact: bool
    size: int
    arena_end: int
    table: int
    table_size: int
    entries: int
    first_array: int
    fields: int
    place: bytes


def read_header(pages: Pages, name: str) -> Header:
    """Raises ``BadInputError`` for what is no journal, is too short for a header or uses features newer than these."""
    head = pages.read(0, 256)
    if not head.startswith(MAGIC):
        raise BadInputError(f"{name} is not a systemd journal", hint="Give a file that journalctl --file can read")
    if len(head) < _HEADER:
        raise BadInputError(f"{name} is a systemd journal cut off in its header", hint="Copy the file again")
    (flags,) = struct.unpack_from("<I", head, 12)
    if flags & ~_KNOWN:
        raise BadInputError(
            f"{name} was written by a newer systemd, with features not known here (flags {flags & ~_KNOWN:#x})",
            hint="On that machine: journalctl -u k3s -o export | gzip > k3s.export.gz",
        )
    size, arena, _, _, table, table_size = struct.unpack_from("<6Q", head, 88)
    entries, first_array = struct.unpack_from("<Q16xQ", head, 152)
    counted = size >= _COUNTED and len(head) >= _COUNTED
    return Header(
        compact=bool(flags & _COMPACT),
        size=size if _HEADER <= size <= 4096 else _HEADER,
        arena_end=size + arena,
        table=table,
        table_size=table_size,
        entries=entries,
        first_array=first_array,
        fields=struct.unpack_from("<Q", head, 216)[0] if counted else -1,
        place=head[72:88] + head[168:176][::-1],
    )


_NO_DATA = (b"", 0, 0, 0, 0)


class Objects:
    """The objects of one file."""

    def __init__(self, pages: Pages, compact: bool) -> None:
        self.pages = pages
        self.compact = compact
        self.width = 4 if compact else 8  # bytes of an offset in an entry array
        self.data_head = 72 if compact else 64

    def plausible(self, at: int, head: bytes) -> int:
        """The size of the object that begins with ``head``, 0 when it cannot be one."""
        if len(head) < 16 or _OBJECT.match(head) is None:
            return 0
        kind, flags, size = _HEAD.unpack_from(head)
        if size < _LEAST[kind] or at + size > self.pages.size or (flags and kind != DATA):
            return 0
        if kind == ENTRY and (size - 64) % (4 if self.compact else 16):
            return 0
        return int(size)

    def resync(self, at: int) -> int | None:
        """The next aligned place from ``at`` on that looks like an object."""
        pages = self.pages
        while at + 64 <= pages.size:
            page = pages.page(at)
            base = at & ~pages.mask
            here = at - base
            while (match := _OBJECT.search(page, here)) is not None:
                place = match.start()
                if not place & 7 and self.plausible(base + place, match[0]):
                    return base + place
                here = (place + 8) & ~7
            if len(page) <= pages.mask + 1:
                return None
            at = base + pages.mask + 1
        return None

    def entry(self, offset: int) -> tuple[int, int, int, int, bytes, tuple[int, ...]] | None:
        """Size, number, times and boot of the ENTRY object at ``offset``, and where its DATA objects are."""
        page, at = self.pages.around(offset, 2048)
        have = len(page) - at
        if have < 68 or offset & 7:
            return None
        kind, size, seqnum, realtime, monotonic, boot = _ENTRY.unpack_from(page, at)
        width = 4 if self.compact else 16
        count = min((size - 64) // width, _FIELDS)
        if kind != ENTRY or size < 68 or offset + size > self.pages.size:
            return None
        if have < 64 + count * width:
            page, at = self.pages.read(offset, 64 + count * width), 0
            if len(page) < 64 + count * width:
                return None
        items = struct.unpack_from(f"<{count}I" if self.compact else f"<{2 * count}Q", page, at + 64)
        return size, seqnum, realtime, monotonic, boot, items if self.compact else items[::2]

    def data(self, offset: int) -> tuple[bytes, int, int, int, int]:
        """``(bytes, begin of the payload in them, its length, flags, entries that share it)`` of a DATA object.

        The length is 0 when there is no such object. The bytes may end before the payload does.
        """
        if not offset & 7:
            page, at = self.pages.around(offset, 4096)
            if len(page) - at >= 64:
                kind, flags, size, shared = _DATA.unpack_from(page, at)
                begin = self.data_head
                if kind == DATA and size > begin and offset + size <= self.pages.size:
                    return page, at + begin, size - begin, flags, shared
        return _NO_DATA

    def listed(self, page: bytes, payload: int) -> tuple[int, int, int]:
        """Of a DATA object: the one before it with the same field, its first entry, the array with its others."""
        following, first, array_at = _LISTED.unpack_from(page, payload - self.data_head + 32)
        return following, first, array_at

    def field(self, offset: int) -> tuple[bytes, int, int] | None:
        """Of the FIELD object at ``offset``: its name, the newest DATA object, the next field of the same hash."""
        page, at = self.pages.around(offset, 40 + 256)
        if offset & 7 or len(page) - at < 41:
            return None
        kind, size, following, newest = _FIELD.unpack_from(page, at)
        name = page[at + 40 : at + size]
        return (name, newest, following) if kind == FIELD and 40 < size <= 40 + 256 and len(name) == size - 40 else None

    def entry_array(self, at: int, before: int) -> tuple[int, int] | None:
        """The end of the ENTRY_ARRAY at ``at`` and the next one, behind it or 0; ``None`` when damaged.

        ``before`` is the array that named it, which must lie before it.
        """
        head, begin = self.pages.around(at, 24) if at > before and not at & 7 else (b"", 0)
        if len(head) - begin < 24 or head[begin] != ENTRY_ARRAY:
            return None
        _, _, size = _HEAD.unpack_from(head, begin)
        (following,) = struct.unpack_from("<Q", head, begin + 16)
        end = at + size
        if size < 24 + self.width or end > self.pages.size or 0 < following < end:
            return None
        return end, following

    def items(self, begin: int, count: int) -> array[int]:
        """At most ``count`` offsets of an entry array."""
        data = self.pages.read(begin, count * self.width)
        found = array("I" if self.compact else "Q")
        found.frombytes(data[: len(data) // self.width * self.width])
        if sys.byteorder == "big":
            found.byteswap()
        return found


class Chain:
    """A chain of entry arrays that begins at ``first``: of all entries, or of those that hold a value.

    ``damaged`` is set while it is read, when it is broken.
    """

    def __init__(self, objects: Objects, first: int) -> None:
        self._objects = objects
        self._first = first
        self.damaged = False

    def pieces(self) -> Iterator[array[int]]:
        """Offsets of entries, some at a time; ends where the chain is broken. Only the last piece may be empty."""
        objects, width = self._objects, self._objects.width
        at, before = self._first, 0
        while at:
            found = objects.entry_array(at, before)
            if found is None:
                self.damaged = True
                return
            end, following = found
            for begin in range(at + 24, end, _ARRAY_PIECE):
                items = objects.items(begin, min(_ARRAY_PIECE, end - begin) // width)
                if items and not items[-1]:  # not filled up yet
                    self.damaged = following != 0
                    del items[next(i for i, item in enumerate(items) if not item) :]
                    yield items
                    return
                yield items
            at, before = following, at
