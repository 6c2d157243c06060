"""Binary journals of systemd (``system.journal``, ``system@….journal``, ``….journal~``), read in pure Python.

The layout follows systemd's documentation of the journal file format and was checked against files written by systemd
252 and 254. Reading is positional over a small cache of pages, without mmap, so that a file that shrinks or a failing
disk cannot kill the process, and a member of an archive can be read from memory.

Nothing in the file is trusted. Entries are taken from the chain of entry arrays when that chain is whole (offsets
rising, at least as many as the header says); otherwise all objects are walked in order, and after a damaged one the
walk goes on at the next that looks whole. Both only move forward, so no cycle and no overlap can hold them up.
"""

from __future__ import annotations

import io
import operator
import re
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from analyzer.errors import BadInputError
from analyzer.sources.journal_choice import Choice
from analyzer.sources.journal_values import NAMES, TextsByJournalctl, find_codecs

MAGIC = b"LPKSHHRH"
VALUE_LIMIT = 256 * 1024 + 1  # bytes; one more than a message may have, so that the reader sees that it was cut
_HEADER = 208  # bytes of the oldest header; newer ones are longer
_COMPACT = 16
_KNOWN = 1 | 2 | 4 | 8 | _COMPACT  # XZ, LZ4, KEYED_HASH, ZSTD, COMPACT
_PAGE_BITS = 18
_PAGE = 1 << _PAGE_BITS
_OVER = 1 << 16  # bytes a page goes on into the next, so that few objects lie across two
_PAGES = 32
_FIELDS = 1024  # of one entry; real ones have about 25
_CACHED = 32_768
_CACHED_BYTES = 16 << 20
_PACKED_LIMIT = 1 << 20  # bytes of a compressed value
_WORK = 4 << 30  # bytes of values in all; a file made to be slow ends here
_ARRAY_PIECE = 1 << 17
_LEAST = {1: 65, 2: 41, 3: 68, 4: 16, 5: 16, 6: 24, 7: 64}  # bytes of an object by its type
_OBJECT = re.compile(rb"[\x01-\x07][\x00-\x07]\x00{6}[\s\S]{5}\x00{3}")
_HEAD = struct.Struct("<BB6xQ")
_ENTRY = struct.Struct("<B7xQQQQ16s8x")
_DATA = struct.Struct("<BB6xQ40xQ")
_NOTHING = ("", b"")

Pair = tuple[str, bytes]


@dataclass(slots=True)
class JournalEntry:
    """One entry: ``number`` is its 1-based place in the file, times are µs, ``pairs`` its fields in the file's order.

    ``lost`` says why a value is missing or replaced, "" when all are there. ``gap``: entries before it are unreadable.
    """

    number: int
    seqnum: int
    realtime: int
    monotonic: int
    boot_id: str
    pairs: list[Pair]
    lost: str = ""
    gap: bool = False


class _Pages:
    """Positional reads through a bounded cache."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, io.SEEK_END)
        self.failed = ""
        self._pages: dict[int, bytes] = {}

    def page(self, offset: int) -> bytes:
        """The page of ``offset``, which stands at ``offset & (_PAGE - 1)`` in it."""
        number = offset >> _PAGE_BITS
        found = self._pages.get(number)
        return self._load(number) if found is None else found

    def _load(self, number: int) -> bytes:
        if len(self._pages) >= _PAGES:
            del self._pages[next(iter(self._pages))]
        data = b""
        try:
            self.file.seek(number << _PAGE_BITS)
            data = self.file.read(_PAGE + _OVER) or b""
            while 0 < len(data) < _PAGE + _OVER and (more := self.file.read(_PAGE + _OVER - len(data))):
                data += more
        except OverflowError:
            pass  # an offset beyond all files: nothing is there
        except OSError as error:
            self.failed = (error.strerror or str(error)).lower()
        self._pages[number] = data
        return data

    def around(self, offset: int, size: int) -> tuple[bytes, int]:
        """Bytes that hold ``size`` ones from ``offset`` on, if there are so many, and where in them those begin."""
        page, at = self.page(offset), offset & (_PAGE - 1)
        return (page, at) if len(page) - at >= size else (self.read(offset, size), 0)

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes, fewer at the end of the file."""
        parts = []
        while size > 0:
            page = self.page(offset)
            at = offset & (_PAGE - 1)
            part = page[at : at + size]
            if not part:
                break
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class JournalFile:
    """One journal file. ``file`` must be seekable; it is not closed here. ``path`` names it when it is a real file.

    Raises ``BadInputError`` for what is no journal, is too short for a header or uses features newer than these.
    After reading, ``entries_met`` counts the entries found, ``passed`` those the choice left out, ``unreadable`` how
    many of those the header speaks of could not be found, and ``trouble`` holds sentences for the reader.
    """

    def __init__(self, file: BinaryIO, path: str | None = None, name: str = "the journal") -> None:
        self.pages = _Pages(file)
        head = self.pages.read(0, 256)
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
        self.compact = bool(flags & _COMPACT)
        self.place = head[72:88] + head[168:176][::-1]  # the set of files, and where in it this one begins
        self.header_size, self.expected = struct.unpack_from("<Q", head, 88)[0], struct.unpack_from("<Q", head, 152)[0]
        (self.first_array,) = struct.unpack_from("<Q", head, 176)
        if not _HEADER <= self.header_size <= 4096:
            self.header_size = _HEADER
        self.entries_met = self.passed = self.unreadable = 0
        self.trouble: list[str] = []
        self.damaged = False
        self._codecs = find_codecs()
        self._texts = TextsByJournalctl(path) if path is not None else None
        self._keys: frozenset[bytes] | None = None
        self._cache: dict[int, Pair] = {}
        self._cached = self._work = 0
        self._bad = 0  # damaged fields of the entry at hand
        self._packed = ""  # a value of the entry at hand that no codec could read
        self._gap = False

    def close(self) -> None:
        """End a ``journalctl`` that was asked for texts."""
        if self._texts is not None:
            self._texts.close()

    # ------------------------------------------------------------------------------------------ where entries are

    def _arrays(self) -> Iterator[array[int]]:
        """Pieces of the entry arrays; sets ``damaged`` when the chain is broken."""
        at, before = self.first_array, 0
        code, width = ("I", 4) if self.compact else ("Q", 8)
        while at:
            head = self.pages.read(at, 24) if before < at < self.pages.size and not at & 7 else b""
            if len(head) < 24 or head[0] != 6:
                self.damaged = True
                return
            _, _, size = _HEAD.unpack_from(head)
            (following,) = struct.unpack_from("<Q", head, 16)
            end = at + size
            if size < 24 or end > self.pages.size or 0 < following < end:
                self.damaged = True
                end = min(end, self.pages.size)
                following = 0 if following < end else following
            for begin in range(at + 24, end, _ARRAY_PIECE):
                data = self.pages.read(begin, min(_ARRAY_PIECE, end - begin))
                items = array(code)
                items.frombytes(data[: len(data) // width * width])
                if sys.byteorder == "big":
                    items.byteswap()
                if items and not items[-1]:  # not filled up yet
                    del items[next(i for i, item in enumerate(items) if not item) :]
                    yield items
                    self.damaged = self.damaged or following != 0
                    break
                yield items
            at, before = following, at

    def _chain_is_whole(self) -> bool:
        count = last = 0
        for items in self._arrays():
            if not items:
                continue
            if items[0] <= last or not all(map(operator.lt, items, items[1:])):
                return False
            count += len(items)
            last = items[-1]
        return not self.damaged and count >= self.expected and count > 0

    def _plausible(self, at: int, head: bytes) -> int:
        """The size of the object that begins with ``head``, 0 when it cannot be one."""
        if len(head) < 16 or _OBJECT.match(head) is None:
            return 0
        kind, flags, size = _HEAD.unpack_from(head)
        if size < _LEAST[kind] or at + size > self.pages.size or (flags and kind != 1):
            return 0
        if kind == 3 and (size - 64) % (4 if self.compact else 16):
            return 0
        return int(size)

    def _walk(self) -> Iterator[int]:
        """Offsets of the entries, from the objects themselves."""
        at = (self.header_size + 7) & ~7
        pages = self.pages
        while at + 64 <= pages.size:
            head = pages.read(at, 16)
            size = self._plausible(at, head)
            if size:
                after = (at + size + 7) & ~7
                next_head = pages.read(after, 16)
                whole = len(next_head) < 16 or not any(next_head) or self._plausible(after, next_head) > 0
                if head[0] == 3:
                    yield at
                    at = after if whole else at + 64
                elif whole:
                    at = after
                else:
                    at += 16
                if whole:
                    continue
            found = self._resync(at if size else at + 8)
            if found is None:
                return
            if any(pages.read(at, min(found - at, 4096))):
                self._gap = True
            at = found

    def _resync(self, at: int) -> int | None:
        """The next aligned place that looks like an object."""
        while at + 64 <= self.pages.size:
            page = self.pages.page(at)
            base = at & ~(_PAGE - 1)
            here = at - base
            while (match := _OBJECT.search(page, here)) is not None:
                place = match.start()
                if not place & 7 and self._plausible(base + place, match[0]):
                    return base + place
                here = (place + 8) & ~7
            if len(page) <= _PAGE:
                return None
            at = base + _PAGE
        return None

    # ---------------------------------------------------------------------------------------------------- entries

    def entries(self, keys: frozenset[str] | None = None, choice: Choice | None = None) -> Iterator[JournalEntry]:
        """Entries in the order they were written; only fields named in ``keys``, only entries ``choice`` wants.

        Fields with other names are left out or have the name "". Damage costs a field or an entry, never the file.
        """
        self._keys = None if keys is None else frozenset(key.encode() for key in keys)
        self._cache.clear()
        self.entries_met = self.passed = self._cached = self._work = 0
        self.trouble.clear()
        self._gap = self.damaged = False
        whole = self._chain_is_whole()
        offsets = (offset for items in self._arrays() for offset in items) if whole else self._walk()
        yield from self._read(offsets, choice)
        self.unreadable = max(0, self.expected - self.entries_met)
        could = f"{self.entries_met} of {self.expected} entries could be read"
        lent = "" if self._texts is None else self._texts.trouble
        troubles = (
            (self.pages.failed, f"the journal cannot be read whole: {self.pages.failed}"),
            (self.unreadable, f"the journal is cut off or damaged: {could}"),
            (lent, lent),
        )
        self.trouble += [sentence for holds, sentence in troubles if holds]

    def _read(self, offsets: Iterator[int], choice: Choice | None) -> Iterator[JournalEntry]:
        cache, data = self._cache, self._data
        end = 0
        for offset in offsets:
            found = self._entry(offset) if offset >= end else None
            if found is None:
                self._gap = True
                continue
            size, seqnum, realtime, monotonic, boot, items = found
            end = offset + size
            self.entries_met += 1
            if choice is not None and not self._wanted(items, choice):
                self.passed += 1
                continue
            self._bad, self._packed = 0, ""
            pairs = [cache.get(item) or data(item) for item in items]
            boot_id = sys.intern(boot.hex())  # all entries of a boot share it
            entry = JournalEntry(self.entries_met, seqnum, realtime, monotonic, boot_id, pairs, "", self._gap)
            self._gap = False
            if self._bad or self._packed:
                self._mend(entry)
            yield entry

    def _entry(self, offset: int) -> tuple[int, int, int, int, bytes, tuple[int, ...]] | None:
        """Size, number, times and boot of the ENTRY object at ``offset``, and where its DATA objects are."""
        page, at = self.pages.around(offset, 68 + 16 * _FIELDS)
        have = len(page) - at
        if have < 68 or offset & 7:
            return None
        kind, size, seqnum, realtime, monotonic, boot = _ENTRY.unpack_from(page, at)
        width = 4 if self.compact else 16
        count = min((size - 64) // width, _FIELDS)
        if kind != 3 or size < 68 or offset + size > self.pages.size or have < 64 + count * width:
            return None
        items = struct.unpack_from(f"<{count}I" if self.compact else f"<{2 * count}Q", page, at + 64)
        return size, seqnum, realtime, monotonic, boot, items if self.compact else items[::2]

    def _wanted(self, items: tuple[int, ...], choice: Choice) -> bool:
        known = choice.known
        for item in items:
            if item not in known:
                self._classify(item, choice)
        return not choice.hot.isdisjoint(items) or (
            not choice.maybe.isdisjoint(items) and choice.of_message(self._message(items))
        )

    def _mend(self, entry: JournalEntry) -> None:
        """Say what is missing, and ask journalctl for a text no codec is there for."""
        if any(key == "MESSAGE" for key, _ in entry.pairs):
            entry.lost = "damaged field in the journal" if self._bad else ""
            return
        if self._packed:
            text = self._texts.message(entry.seqnum) if self._texts is not None else None
            if text is not None:
                entry.pairs.append(("MESSAGE", text))
                return
            entry.pairs.append(("MESSAGE", f"[{self._packed} not available]".encode()))
            entry.lost = f"compressed text, {self._packed.rpartition(' ')[2]} not available"
        else:
            entry.pairs.append(("MESSAGE", b"[damaged field]"))
            entry.lost = "damaged field in the journal"

    def _message(self, items: tuple[int, ...]) -> bytes:
        """The text of an entry of which nothing else is needed."""
        for item in items:
            pair = self._cache.get(item) or self._data(item)
            if pair[0] == "MESSAGE":
                return pair[1]
        return b""

    def _locate(self, offset: int) -> tuple[bytes, int, int, int, int]:
        """``(bytes, begin of the payload in them, its length, flags, entries that share it)`` of a DATA object.

        The length is 0 when there is no such object. The bytes may end before the payload does.
        """
        if not offset & 7:
            page, at = self.pages.around(offset, 4096)
            if len(page) - at >= 64:
                kind, flags, size, shared = _DATA.unpack_from(page, at)
                begin = 72 if self.compact else 64
                if kind == 1 and size > begin and offset + size <= self.pages.size:
                    return page, at + begin, size - begin, flags, shared
        return b"", 0, 0, 0, 0

    def _classify(self, offset: int, choice: Choice) -> None:
        page, begin, length, flags, shared = self._locate(offset)
        if length and not flags & 7:
            choice.learn(offset, page[begin : begin + min(length, 160)], shared)
        elif not length:
            self._gap = True  # it may have been the name of the unit

    def _data(self, offset: int) -> Pair:
        """Name and value of a DATA object; the name is "" when it is not asked for or not readable."""
        page, begin, length, flags, shared = self._locate(offset)
        if not length or self._work > _WORK:
            return self._damaged_field()
        if flags & 7:
            pair = self._unpack(offset, page, begin, length, flags & 7)
        else:
            equals = page.find(b"=", begin, min(begin + length, begin + 65))
            if equals < 0:
                return self._damaged_field()
            key = page[begin:equals]
            if self._keys is not None and key not in self._keys:
                pair = _NOTHING
            else:
                length = min(length - (equals + 1 - begin), VALUE_LIMIT)
                value = page[equals + 1 : equals + 1 + length]
                if len(value) < length:
                    start = offset + (72 if self.compact else 64) + equals + 1 - begin
                    value = self.pages.read(start, length)
                self._work += length
                pair = (key.decode("ascii", "replace"), value)
        if shared > 1 and (pair[0] or not flags):
            self._cached += len(pair[1])
            if len(self._cache) >= _CACHED or self._cached > _CACHED_BYTES:
                self._cache.clear()
                self._cached = len(pair[1])
            self._cache[offset] = pair
        return pair

    def _damaged_field(self) -> Pair:
        self._bad += 1
        return _NOTHING

    def _unpack(self, offset: int, page: bytes, begin: int, length: int, kind: int) -> Pair:
        codec = self._codecs.get(kind)
        if codec is None:
            if kind not in NAMES:
                return self._damaged_field()
            self._packed = f"{length} bytes, {NAMES[kind]}"
            return _NOTHING
        packed = page[begin : begin + length]
        if len(packed) < length:
            packed = self.pages.read(offset + (72 if self.compact else 64), min(length, _PACKED_LIMIT))
        try:
            plain = codec(packed, VALUE_LIMIT + 65)
        except Exception:  # the modules have exception classes of their own, and whatever it is, the value is damaged
            return self._damaged_field()
        self._work += len(plain) + 512
        key, equals, value = plain.partition(b"=")
        if not equals or len(key) > 64:
            return self._damaged_field()
        if self._keys is not None and key not in self._keys:
            return _NOTHING
        return key.decode("ascii", "replace"), value[:VALUE_LIMIT]
