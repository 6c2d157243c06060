"""A writer of small valid journal files, for tests: no systemd, no compression (values may be given packed)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HEADER = 272
COMPACT = 16


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


def write_journal(
    entries: Iterable[Entry], *, compact: bool = True, first: int = 1, per_array: int = 64, flags: int = 0,
    seqnum_id: bytes = b"\x11" * 16, online: bool = False,
) -> bytes:  # fmt: skip
    """A journal file; ``first``: the number of its first entry, ``per_array``: entries to an entry array."""
    rows = list(entries)
    out = bytearray(HEADER)
    data: dict[tuple[str, object], int] = {}
    shared: dict[int, int] = {}
    offsets: list[int] = []

    def put(kind: int, body: bytes, flag: int = 0) -> int:
        while len(out) % 8:
            out.append(0)
        at = len(out)
        out.extend(struct.pack("<BB6xQ", kind, flag, 16 + len(body)) + body)
        return at

    for number, entry in enumerate(rows):
        items: list[int] = []
        for key, value in entry.fields:
            at = data.get((key, value), 0)
            if not at:
                flag, payload = (0, key.encode() + b"=" + value) if isinstance(value, bytes) else value
                at = put(1, bytes(48) + (bytes(8) if compact else b"") + payload, flag)
                data[(key, value)] = at
            shared[at] = shared.get(at, 0) + 1
            items.append(at)
        items = sorted(set(items))
        body = struct.pack("<QQQ", first + number, entry.realtime, entry.monotonic)
        body += bytes.fromhex(entry.boot) + bytes(8)
        body += b"".join(struct.pack("<I", i) if compact else struct.pack("<QQ", i, 0) for i in items)
        offsets.append(put(3, body))
    for at, count in shared.items():
        struct.pack_into("<Q", out, at + 56, count)
    arrays: list[int] = []
    for begin in range(0, len(offsets), per_array):
        part = offsets[begin : begin + per_array]
        free = per_array - len(part)
        item = "I" if compact else "Q"
        body = bytes(8) + struct.pack(f"<{per_array}{item}", *part, *([0] * free))
        arrays.append(put(6, body))
        if len(arrays) > 1:
            struct.pack_into("<Q", out, arrays[-2] + 16, arrays[-1])
    while len(out) % 8:
        out.append(0)
    struct.pack_into("<8sII", out, 0, b"LPKSHHRH", 0, flags | (COMPACT if compact else 0))
    out[16] = 1 if online else 0
    out[72:88] = seqnum_id
    struct.pack_into("<QQ", out, 88, HEADER, len(out) - HEADER)
    struct.pack_into("<QQ", out, 136, arrays[-1] if arrays else 0, len(data) + len(offsets) + len(arrays))
    struct.pack_into("<QQQ", out, 152, len(offsets), first + len(rows) - 1, first)
    struct.pack_into("<Q", out, 176, arrays[0] if arrays else 0)
    return bytes(out)
