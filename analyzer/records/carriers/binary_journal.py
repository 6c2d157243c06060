"""Entries of a binary journal to drafts: the same as those of ``journalctl -o export``, without ``journalctl``."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from analyzer.errors import BadInputError
from analyzer.records.carriers.export import as_export, of_entry
from analyzer.records.carriers.journal_fields import TEXT_KEYS, from_bytes
from analyzer.records.counted_lines import counted
from analyzer.records.draft import Draft, Tally
from analyzer.sources.journal_choice import BANNERS, Choice
from analyzer.sources.journal_file import JournalEntry, JournalFile
from analyzer.sources.scan import BIG, export_candidates

PASSED_OVER = "entry of another unit or program"
_BESIDE = 800  # bytes of an entry beside its text when it is exported: 23 fields of journald and the cursor
_KEYS = TEXT_KEYS - {"_BOOT_ID"}  # the entry itself names its boot


def read_journal(file: BinaryIO, tally: Tally, path: str | None = None) -> Iterator[Draft]:
    """Drafts of a seekable journal file, in the order of its entries; ``path`` when it is a real file on disk.

    Only entries that have to do with k3s or RKE2, the clock or a lack of memory are decoded (``Choice``); the others
    are counted. Without any such entry the whole journal is read if the banner of a start is somewhere in it. Long
    journals go through the fast scan after as many entries as make 16 MiB of an export. ``tally`` gets format, size,
    lines, digest and notes.

    Raises ``BadInputError`` for what is no journal, is not known (a newer systemd) or has nothing readable in it.
    """
    journal = JournalFile(file, path, tally.path)
    tally.format = "journal"
    tally.size = journal.pages.size
    content = hashlib.blake2b(journal.pages.read(0, 256) + str(journal.pages.size).encode(), digest_size=16)
    choice: Choice | None = Choice()
    try:
        yield from _drafts(journal.entries(_KEYS, choice), tally, content)
        assert choice is not None
        if not choice.ours and journal.passed and _has_banner(journal):
            choice = None  # k3s under a name of its own
            content.update(b"whole")
            yield from _drafts(journal.entries(_KEYS, None), tally, content)
    finally:
        journal.close()
    tally.lines = journal.entries_met
    tally.digest = journal.head.place + content.digest()  # files of one set that begin at the same moment: by number
    if journal.passed and choice is not None:
        tally.reasons[PASSED_OVER] += journal.passed
    tally.notes.extend(journal.trouble)
    if journal.unreadable:
        tally.reasons["input ends early"] += 1
        if not journal.entries_met:
            raise BadInputError(f"{tally.path} is a systemd journal of which nothing can be read", hint="Copy it again")
    if any("zstd not available" in reason for reason in tally.reasons):
        tally.notes.append("fields packed with zstd could not be read: install k3slog[zstd]")


def journal_entries(file: BinaryIO, path: str | None, name: str) -> Iterator[dict[str, bytes]]:
    """The fields, as far as drafts are made of them, of the entries that ``read_journal`` reads; it raises the same."""
    journal = JournalFile(file, path, name)
    choice = Choice()
    try:
        yield from map(_numbered, journal.entries(_KEYS, choice))
        if not choice.ours and journal.passed and _has_banner(journal):
            yield from map(_numbered, journal.entries(_KEYS, None))
    finally:
        journal.close()


def _numbered(entry: JournalEntry) -> dict[str, bytes]:
    return {"__CURSOR": b"i=%x" % entry.number} | _fields(entry)


def _has_banner(journal: JournalFile) -> bool:
    """Whether a start of k3s or RKE2 is told of anywhere in the file."""
    pages, step = journal.pages, 1 << 18
    return any(BANNERS.search(pages.page(at)) is not None for at in range(0, pages.size, step))


def _fields(entry: JournalEntry) -> dict[str, bytes]:
    fields = dict(entry.pairs)
    fields["__REALTIME_TIMESTAMP"] = b"%d" % entry.realtime
    fields["__MONOTONIC_TIMESTAMP"] = b"%d" % entry.monotonic
    fields["_BOOT_ID"] = entry.boot_id.encode()
    return fields


def _drafts(entries: Iterator[JournalEntry], tally: Tally, content: Any) -> Iterator[Draft]:
    size = 0
    for entry in entries:
        fields = _fields(entry)
        message = fields.get("MESSAGE", b"")
        content.update(message)
        size += len(message) + _BESIDE
        if entry.lost:
            tally.lose(entry.number, entry.lost)
        drafts = from_bytes(fields, tally, entry.number, bool(entry.lost))
        if drafts and entry.gap:
            drafts[0].gap_before = True
        yield from drafts
        if size > BIG:
            break
    following = next(entries, None)
    if following is not None:
        yield from _scanned(chain((following,), entries), tally, content)


class _AsExport(io.RawIOBase):
    """Entries as Journal Export Format; the cursor of each is its number in the file."""

    def __init__(self, entries: Iterable[JournalEntry], tally: Tally, content: Any) -> None:
        super().__init__()
        self._entries = iter(entries)
        self._tally = tally
        self._content = content
        self._held = memoryview(b"")
        self.torn: set[int] = set()  # numbers of the entries before which others are unreadable

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._held:
            parts: list[bytes] = []
            size = 0
            for entry in self._entries:
                parts.append(self._entry(entry))
                size += len(parts[-1])
                if size >= len(buffer):
                    break
            self._held = memoryview(b"".join(parts))
        got = min(len(self._held), len(buffer))
        buffer[:got] = self._held[:got]
        self._held = self._held[got:]
        return got

    def _entry(self, entry: JournalEntry) -> bytes:
        if entry.lost:
            self._tally.lose(entry.number, entry.lost)
        if entry.gap:
            self.torn.add(entry.number)
        fields = _fields(entry)
        self._content.update(fields.get("MESSAGE", b""))
        return as_export({"__CURSOR": b"%d" % entry.number} | fields)


def _scanned(entries: Iterable[JournalEntry], tally: Tally, content: Any) -> Iterator[Draft]:
    """What the fast scan keeps of many entries."""
    export = _AsExport(entries, tally, content)
    reader: io.BufferedReader
    with io.BufferedReader(export, 1 << 18) as reader:  # type: ignore[assignment]
        for row in counted(export_candidates(reader, b"__CURSOR"), tally):
            number = int(row.data[9 : row.data.index(b"\n")])
            for place, draft in enumerate(of_entry(row, tally, number)):
                draft.lossy = draft.lossy or number in tally.lossy_lines
                draft.gap_before = draft.gap_before or (place == 0 and number in export.torn)
                yield draft
