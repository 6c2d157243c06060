"""Where the entries are that a choice may want, by the index that a journal keeps of itself.

All values of a field hang in a list that begins at its FIELD object, newest first, and each value names the entries
that hold it: the first in its DATA object, the others in a chain of entry arrays. So the time goes by the values of
the fields that name programs and by the entries to read, not by all entries. Nothing is looked up by a hash.

The index is believed where it agrees with what it leads to, and with a sample of all entries. Wherever something does
not fit (a damaged or cut off file, one that is written to at this moment, a writer that keeps no index), or where so
many entries are wanted that reading on is quicker, there is no answer and the journal is to be read from end to end.
"""

from __future__ import annotations

import heapq
import operator
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.sources.journal_choice import FIELDS, LOOKED_AT, Bearing, Choice, bearing
from analyzer.sources.journal_objects import FIELD_TABLE, Chain, Header, Objects

FEW = 2000  # entries that are read from end to end sooner than an index is followed
_SHARE = 4  # at most one entry in so many is read by the index, and one value for so many entries is looked at,
_VALUES = 1000  # beside these
_MOST = 1 << 20  # entries read by the index
_SHORT = 256  # entries of a list that is read at once
_SHORT_IN_ALL = 1 << 19
_LONG_LISTS = 64
_FIELD_NAMES = 4096
_MARKED = 100_000  # values with a bearing
_TABLE_SIZE = 1 << 20  # bytes of the hash table of the fields; real ones have 5328
_ARRAYS = 4096  # in the chain of all entries; real ones grow twofold
_SAMPLE, _LAST = 32, 8  # entries looked at over the whole file, and at its end, where a killed writer leaves a mess
_BLOCK = 1024  # offsets of the chain of all entries read at a time
_DULL = 100_000
_END = 1 << 64


@dataclass(frozen=True)
class Places:
    """Offsets of ENTRY objects, rising, and the 1-based number of each among the ``total`` entries of the file."""

    offsets: array[int]
    numbers: array[int]
    total: int


def wanted_places(objects: Objects, header: Header, choice: Choice) -> Places | None:
    """Every entry that ``choice`` wants and some that it may, or ``None`` when the index cannot be used.

    ``choice`` learns whether there is anything of k3s or RKE2.
    """
    if header.entries < FEW:
        return None
    try:
        return _Index(objects, header).places(choice)
    except _UnfitError:
        return None


class _UnfitError(Exception):
    """The index is not to be followed."""


def _check(holds: bool) -> None:
    if not holds:
        raise _UnfitError


@dataclass(frozen=True, slots=True)
class _Value:
    """A DATA object that has a bearing, and the entries that hold it: the first, and an array with the others."""

    bearing: Bearing
    count: int
    first: int
    rest: int


class _Index:
    def __init__(self, objects: Objects, header: Header) -> None:
        self._objects = objects
        self._header = header
        self._order = _Order(objects, header)
        self._most = min(self._order.total // _SHARE, _MOST)
        self._marked: dict[int, _Value] = {}
        self._dull: set[int] = set()  # other values of entries, which have none

    def places(self, choice: Choice) -> Places:
        _check(self._header.arena_end <= self._objects.pages.size)  # else it is cut off
        self._find_values()
        union = self._union()
        offsets, numbers = self._prove(union)
        self._sample(union)
        _check(not self._objects.pages.failed)
        choice.ours = any(value.bearing is Bearing.OURS for value in self._marked.values())
        return Places(offsets, numbers, self._order.total)

    # ------------------------------------------------------------------------------------------------ fields and values

    def _fields(self) -> dict[bytes, tuple[int, int]]:
        """The FIELD object of each field and its newest DATA object, by the field's name."""
        header, objects = self._header, self._objects
        _check(16 <= header.table < objects.pages.size and 0 < header.table_size <= _TABLE_SIZE)
        table = objects.pages.read(header.table - 16, 16 + header.table_size)
        _check(len(table) == 16 + header.table_size and not header.table_size % 16)
        _check(table[0] == FIELD_TABLE and struct.unpack_from("<Q", table, 8)[0] == len(table))
        fields: dict[bytes, tuple[int, int]] = {}
        for head, _ in struct.iter_unpack("<QQ", table[16:]):
            before = 0
            while head:
                field = objects.field(head)
                if field is None or head <= before or field[0] in fields or len(fields) > _FIELD_NAMES:
                    raise _UnfitError
                name, newest, following = field
                fields[name] = head, newest
                before, head = head, following
        _check(len(fields) == header.fields)
        return fields

    def _find_values(self) -> None:
        """Values that have a bearing, unless so many are wanted that it is no use."""
        wanted: Counter[bytes] = Counter()
        left = self._order.total // _SHARE + _VALUES
        for name, (field_at, newest) in self._fields().items():
            if name in FIELDS:
                left = self._find_values_of(name, field_at, newest, left, wanted)
            elif newest:
                self._value(newest, name)  # else it may be the name of a field in FIELDS that was damaged
        kernel = wanted.pop(b"_TRANSPORT", 0)  # what the kernel says has no unit
        _check(max(wanted.values(), default=0) + kernel <= self._most)

    def _find_values_of(self, name: bytes, field_at: int, newest: int, left: int, wanted: Counter[bytes]) -> int:
        at, before = newest, _END
        end = 0
        while at:
            _check(left > 0 and at < before)
            left -= 1
            page, payload, length, looked_at, count = self._value(at, name)
            following, first, rest = self._objects.listed(page, payload)
            found = bearing(looked_at)
            if found is not Bearing.NONE:
                self._marked[at] = _Value(found, count, first, rest)
                _check(count > 0 and len(self._marked) <= _MARKED)
                wanted[name] += count
            end = at + self._objects.data_head + length
            at, before = following, at
        _check((end + 7) & ~7 == field_at)  # the oldest value was written, then the field: the list has not been cut
        return left

    def _value(self, at: int, name: bytes) -> tuple[bytes, int, int, bytes, int]:
        """Of a DATA object of field ``name``: bytes, payload, length, begin of the text (none if packed), entries."""
        page, payload, length, flags, count = self._objects.data(at)
        looked_at = b"" if flags & 7 else page[payload : payload + min(length, LOOKED_AT)]
        _check(length > 0 and (flags & 7 != 0 or looked_at.startswith(name + b"=")))
        return page, payload, length, looked_at, count

    # ------------------------------------------------------------------------------------------------ their entries

    def _entries_of(self, value: _Value) -> Iterator[int]:
        """Offsets of the entries that hold it, rising."""
        chain = Chain(self._objects, value.rest)
        _check(value.first > 0)
        yield value.first
        count, last = 1, value.first
        for items in filter(None, chain.pieces()):
            count += len(items)
            _check(items[0] > last and count <= value.count and all(map(operator.lt, items, items[1:])))
            last = items[-1]
            yield from items
        _check(not chain.damaged and count == value.count)

    def _union(self) -> array[int]:
        """Offsets of all entries that hold a value with a bearing, rising."""
        short: list[int] = []
        long: list[Iterator[int]] = []
        for value in self._marked.values():
            if value.count > _SHORT:
                long.append(self._entries_of(value))
            else:
                short.extend(self._entries_of(value))
            _check(len(short) <= _SHORT_IN_ALL and len(long) <= _LONG_LISTS)
        short.sort()
        found, last = array("Q"), 0
        for offset in heapq.merge(short, *long):
            if offset != last:
                found.append(offset)
                last = offset
                _check(len(found) <= self._most)
        return found

    def _prove(self, union: array[int]) -> tuple[array[int], array[int]]:
        """Offsets and numbers of those entries that may be wanted; each value must be in as many as it says."""
        objects, look_at = self._objects, self._look_at
        met = dict.fromkeys(self._marked, 0)
        decisive = {at for at, value in self._marked.items() if value.bearing is not Bearing.MAYBE}
        offsets, numbers = array("Q"), array("Q")
        end = 0
        for offset in union:
            entry = objects.entry(offset)
            if entry is None or offset < end:
                raise _UnfitError
            end = offset + entry[0]
            marks, text = look_at(entry[-1])
            for at in marks:
                met[at] += 1
            if text is None or not decisive.isdisjoint(marks) or Choice.of_message(text):
                offsets.append(offset)
                numbers.append(self._order.number(offset))
        _check(all(met[at] == value.count for at, value in self._marked.items()))
        return offsets, numbers

    def _look_at(self, items: tuple[int, ...]) -> tuple[set[int], bytes | None]:
        """Those of an entry's values that have a bearing, all of which must be known; its text if that can be told."""
        objects, marked, dull = self._objects, self._marked, self._dull
        text: bytes | None = None
        packed = False
        if len(dull) > _DULL:
            dull.clear()
        for item in items:
            if item in dull or item in marked:
                continue
            page, payload, length, flags, shared = objects.data(item)
            if not length:
                raise _UnfitError
            if flags & 7:
                packed = True
            elif page.startswith(b"MESSAGE=", payload):
                if text is None and payload + length <= len(page):
                    text = page[payload + 8 : payload + length]
                else:
                    packed = True  # or long, or one of several
            else:
                if bearing(page[payload : payload + min(length, LOOKED_AT)]) is not Bearing.NONE:
                    raise _UnfitError
                if shared > 1:
                    dull.add(item)
        return marked.keys() & items, None if packed else text or b""

    def _sample(self, union: array[int]) -> None:
        """Entries with a bearing among those of a sample must be in the union."""
        order, total = self._order, self._order.total
        for number in {*range(0, total, total // _SAMPLE + 1), *range(max(0, total - _LAST), total)}:
            offset = order.offset(number)
            entry = self._objects.entry(offset)
            if entry is None:
                raise _UnfitError
            place = bisect_left(union, offset)
            _check(not self._look_at(entry[-1])[0] or (place < len(union) and union[place] == offset))


class _Order:
    """The chain of all entries, of which only parts are read. Raises ``_UnfitError`` where it is broken."""

    def __init__(self, objects: Objects, header: Header) -> None:
        self._objects = objects
        self._begins: list[int] = []  # where the items of each array begin
        self._firsts: list[int] = []  # and its first item
        self._before: list[int] = [0]  # entries before each array, and of all
        self._piece, self._base = array("Q"), 0
        at, before = header.first_array, 0
        while at:
            found = objects.entry_array(at, before)
            if found is None or len(self._begins) > _ARRAYS:
                raise _UnfitError
            end, following = found
            begin, count = at + 24, (end - at - 24) // objects.width
            first, last = self._item(begin, 0), self._item(begin, count - 1)
            if not last:  # not filled up yet
                count = self._filled(begin, count)
            _check(count > 0 and (last > 0 or not following))
            _check(not self._firsts or first > self._firsts[-1])
            self._begins.append(begin)
            self._firsts.append(first)
            self._before.append(self._before[-1] + count)
            at, before = following, at
        self.total = self._before[-1]
        _check(self.total >= header.entries)

    def _filled(self, begin: int, count: int) -> int:
        return bisect_left(range(count), True, key=lambda place: not self._item(begin, place))

    def _item(self, begin: int, place: int) -> int:
        items = self._objects.items(begin + place * self._objects.width, 1)
        return items[0] if items else 0

    def offset(self, place: int) -> int:
        """Of the entry at a 0-based place."""
        nth = bisect_right(self._before, place) - 1
        return self._item(self._begins[nth], place - self._before[nth])

    def number(self, offset: int) -> int:
        """The 1-based number of the entry at ``offset``."""
        if not self._piece or not self._piece[0] <= offset <= self._piece[-1]:
            self._read_around(offset)
        place = bisect_left(self._piece, offset)
        _check(place < len(self._piece) and self._piece[place] == offset)
        return self._base + place + 1

    def _read_around(self, offset: int) -> None:
        nth = bisect_right(self._firsts, offset) - 1
        _check(nth >= 0)
        begin, count = self._begins[nth], self._before[nth + 1] - self._before[nth]
        blocks = range(0, count, _BLOCK)
        place = blocks[max(0, bisect_right(blocks, offset, key=lambda block: self._item(begin, block)) - 1)]
        self._piece = self._objects.items(begin + place * self._objects.width, min(_BLOCK, count - place))
        self._base = self._before[nth] + place
