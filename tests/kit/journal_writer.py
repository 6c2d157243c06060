"""A writer of small valid journal files, for tests: no systemd, no compression (values may be given packed)."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

HEADER = 272
COMPACT = 16
BUCKETS = 16  # of the hash table of the fields: few, so that fields share them


@dataclass(frozen=True)
class Entry:
    """Times in µs; ``fields`` are ``(name, value)``; a value may be ``(flag, packed bytes of NAME=value)``."""

    realtime: int
    monotonic: int
    fields: tuple[tuple[str, bytes | tuple[int, bytes]], ...]
    boot: str = "9f8e7d6c5b4a43029180f1e2d3c4b5a6"


def from_fields(fields: Mapping[str, str]) -> Entry:
    """An entry from what an export would hold."""
    rest = tuple((k, v.encode()) for k, v in fields.items() if not k.startswith("__"))
    return Entry(
        int(fields["__REALTIME_TIMESTAMP"]),
        int(fields["__MONOTONIC_TIMESTAMP"]),
        rest,
        fields.get("_BOOT_ID", Entry.boot),
    )


class _Out:
    """Objects, one after the other. The first places are those of the header."""

    def __init__(self, compact: bool) -> None:
        self.out = bytearray(HEADER)
        self.compact = compact

    def put(self, kind: int, body: bytes, flag: int = 0) -> int:
        """The offset of a new object."""
        self.out.extend(bytes(-len(self.out) % 8))
        at = len(self.out)
        self.out.extend(struct.pack("<BB6xQ", kind, flag, 16 + len(body)) + body)
        return at

    def set(self, at: int, *numbers: int) -> None:
        struct.pack_into(f"<{len(numbers)}Q", self.out, at, *numbers)

    def arrays(self, offsets: Sequence[int], per_array: int) -> list[int]:
        """A chain of entry arrays, each twice as long as the one before; where they are."""
        arrays: list[int] = []
        begin = 0
        while begin < len(offsets):
            part = offsets[begin : begin + per_array]
            item = "I" if self.compact else "Q"
            body = bytes(8) + struct.pack(f"<{per_array}{item}", *part, *bytes(per_array - len(part)))
            arrays.append(self.put(6, body))
            if len(arrays) > 1:
                self.set(arrays[-2] + 16, arrays[-1])
            begin += per_array
            per_array *= 2
        return arrays


class _Fields:
    """The hash table of the fields, and their objects; the hash is none of systemd's."""

    def __init__(self, out: _Out) -> None:
        self._out = out
        self.table = out.put(5, bytes(16 * BUCKETS)) + 16
        self.at: dict[str, int] = {}
        self._tails: dict[int, int] = {}
        self._newest: dict[int, int] = {}

    def link(self, key: str, data_at: int) -> None:
        """Make the DATA object at ``data_at`` the newest of its field."""
        out = self._out
        field = self.at.get(key)
        if field is None:
            field = self.at[key] = out.put(2, bytes(24) + key.encode())
            bucket = self.table + 16 * (sum(key.encode()) % BUCKETS)
            tail = self._tails.get(bucket)
            out.set(bucket if tail is None else tail + 24, field)
            out.set(bucket + 8, field)
            self._tails[bucket] = field
        out.set(data_at + 32, self._newest.get(field, 0))
        out.set(field + 32, data_at)
        self._newest[field] = data_at


def write_journal(
    entries: Iterable[Entry], *, compact: bool = True, first: int = 1, per_array: int = 64, flags: int = 0,
    seqnum_id: bytes = b"\x11" * 16, online: bool = False,
) -> bytes:  # fmt: skip
    """A journal file; ``first``: the number of its first entry, ``per_array``: entries to the first entry array.

    Fields list their values and values their entries as systemd has it; there are no hashes and no table of the data.
    """
    out = _Out(compact)
    fields = _Fields(out)
    data: dict[tuple[str, object], int] = {}
    holders: dict[int, tuple[int, array[int] | None]] = {}  # most have one entry
    offsets: list[int] = []
    for number, entry in enumerate(entries):
        items: list[int] = []
        for key, value in entry.fields:
            at = data.get((key, value), 0)
            if not at:
                flag, payload = (0, key.encode() + b"=" + value) if isinstance(value, bytes) else value
                at = out.put(1, bytes(56 if compact else 48) + payload, flag)
                data[(key, value)] = at
                fields.link(key, at)
            items.append(at)
        items = sorted(set(items))
        body = struct.pack("<QQQ", first + number, entry.realtime, entry.monotonic)
        body += bytes.fromhex(entry.boot) + bytes(8)
        body += b"".join(struct.pack("<I", i) if compact else struct.pack("<QQ", i, 0) for i in items)
        offset = out.put(3, body)
        offsets.append(offset)
        for at in items:
            begin, rest = holders.get(at, (0, None))
            if not begin:
                holders[at] = (offset, None)
            elif rest is None:
                holders[at] = (begin, array("Q", (offset,)))
            else:
                rest.append(offset)
    for at, (begin, rest) in holders.items():
        out.set(at + 40, begin, out.arrays(rest, 4)[0] if rest else 0, 1 + len(rest or ()))
    arrays = out.arrays(offsets, per_array)
    out.out.extend(bytes(-len(out.out) % 8))
    struct.pack_into("<8sII", out.out, 0, b"LPKSHHRH", 0, flags | (COMPACT if compact else 0))
    out.out[16] = 1 if online else 0
    out.out[72:88] = seqnum_id
    out.set(88, HEADER, len(out.out) - HEADER)
    out.set(120, fields.table, 16 * BUCKETS)
    out.set(136, arrays[-1] if arrays else 0, len(data) + len(fields.at) + len(offsets) + len(arrays))
    out.set(152, len(offsets), first + len(offsets) - 1, first)
    out.set(176, arrays[0] if arrays else 0)
    out.set(208, len(data), len(fields.at))
    return bytes(out.out)
