"""Binary journals of systemd (``system.journal``, ``system@….journal``, ``….journal~``), read in pure Python.

Nothing in the file is trusted. Where few entries are wanted they are found by the file's own index, as long as that
agrees with what it leads to (``journal_index``). Else entries are taken from the chain of entry arrays when that chain
is whole (offsets rising, at least as many as the header says); otherwise all objects are walked in order, and after a
damaged one the walk goes on at the next that looks whole. Both only move forward, so no cycle and no overlap can hold
them up.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from analyzer.sources.journal_choice import LOOKED_AT, Choice
from analyzer.sources.journal_index import Places, wanted_places
from analyzer.sources.journal_objects import ENTRY, FINE, Chain, Objects, Pages, read_header
from analyzer.sources.journal_values import NAMES, TextsByJournalctl, find_codecs

VALUE_LIMIT = 256 * 1024 + 1  # bytes; one more than a message may have, so that the reader sees that it was cut
_CACHED = 32_768
_CACHED_BYTES = 16 << 20
_PACKED_LIMIT = 1 << 20  # bytes of a compressed value
_WORK = 4 << 30  # bytes of values in all; a file made to be slow ends here
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


class JournalFile:
    """One journal file. ``file`` must be seekable; it is not closed here. ``path`` names it when it is a real file.

    Raises ``BadInputError`` for what is no journal, is too short for a header or uses features newer than these.
    After reading, ``entries_met`` counts the entries found, ``passed`` those the choice left out, ``unreadable`` how
    many of those the header speaks of could not be found, and ``trouble`` holds sentences for the reader.
    """

    def __init__(self, file: BinaryIO, path: str | None = None, name: str = "the journal") -> None:
        self.pages = Pages(file)
        self.head = read_header(self.pages, name)
        self._objects = Objects(self.pages, self.head.compact)
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

    def _in_order(self) -> Iterator[int] | None:
        """Offsets of the entries from the chain of their arrays, if it is whole."""
        chain = Chain(self._objects, self.head.first_array)
        count = last = 0
        for items in filter(None, chain.pieces()):
            if items[0] <= last or not all(map(operator.lt, items, items[1:])):
                return None
            count += len(items)
            last = items[-1]
        if chain.damaged or count < self.head.entries or not count:
            return None
        return (offset for items in Chain(self._objects, self.head.first_array).pieces() for offset in items)

    def _by_index(self, places: Places) -> Iterator[int]:
        """Offsets of the entries that may be wanted; those between them are known not to be."""
        for offset, number in zip(places.offsets, places.numbers, strict=True):
            self._pass_over(number - 1)
            yield offset
        self._pass_over(places.total)

    def _pass_over(self, until: int) -> None:
        self.passed += until - self.entries_met
        self.entries_met = until

    def _walk(self) -> Iterator[int]:
        """Offsets of the entries, from the objects themselves."""
        at = (self.head.size + 7) & ~7
        pages, plausible = self.pages, self._objects.plausible
        while at + 64 <= pages.size:
            head = pages.read(at, 16)
            size = plausible(at, head)
            if size:
                after = (at + size + 7) & ~7
                next_head = pages.read(after, 16)
                whole = len(next_head) < 16 or not any(next_head) or plausible(after, next_head) > 0
                if head[0] == ENTRY:
                    yield at
                    at = after if whole else at + 64
                elif whole:
                    at = after
                else:
                    at += 16
                if whole:
                    continue
            found = self._objects.resync(at if size else at + 8)
            if found is None:
                return
            if any(pages.read(at, min(found - at, 4096))):
                self._gap = True
            at = found

    # ---------------------------------------------------------------------------------------------------- entries

    def entries(self, keys: frozenset[str] | None = None, choice: Choice | None = None) -> Iterator[JournalEntry]:
        """Entries in the order they were written; only fields named in ``keys``, only entries ``choice`` wants.

        Fields with other names are left out or have the name "". Damage costs a field or an entry, never the file.
        """
        self._keys = None if keys is None else frozenset(key.encode() for key in keys)
        self._cache.clear()
        self.entries_met = self.passed = self._cached = self._work = 0
        self.trouble.clear()
        self._gap = False
        places = None
        if choice is not None:
            self._objects = Objects(Pages(self.pages.file, FINE), self.head.compact)
            places = wanted_places(self._objects, self.head, choice)
        if places is not None:
            yield from self._read(self._by_index(places), choice)
            self.pages.failed = self.pages.failed or self._objects.pages.failed
        else:
            self._objects = Objects(self.pages, self.head.compact)
            yield from self._read(self._in_order() or self._walk(), choice)
        self.unreadable = max(0, self.head.entries - self.entries_met)
        could = f"{self.entries_met} of {self.head.entries} entries could be read"
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
            found = self._objects.entry(offset) if offset >= end else None
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

    def _wanted(self, items: tuple[int, ...], choice: Choice) -> bool:
        if not choice.own.isdisjoint(items):
            return True  # whatever the others say
        choice.forget_when_full()
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

    def _classify(self, offset: int, choice: Choice) -> None:
        page, begin, length, flags, shared = self._objects.data(offset)
        if length and not flags & 7:
            choice.learn(offset, page[begin : begin + min(length, LOOKED_AT)], shared)
        elif not length:
            self._gap = True  # it may have been the name of the unit

    def _data(self, offset: int) -> Pair:
        """Name and value of a DATA object; the name is "" when it is not asked for or not readable."""
        page, begin, length, flags, shared = self._objects.data(offset)
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
                    start = offset + self._objects.data_head + equals + 1 - begin
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
            packed = self.pages.read(offset + self._objects.data_head, min(length, _PACKED_LIMIT))
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
