"""A log that is still being written: each line is decoded once, and at any moment it is what the whole text would give.

What one line gives does not depend on those after it, so drafts are made as the lines come. The order of a text, its
copies, its clock and what is settled at its end depend on all of it: ``log_records`` works them out anew, on copies of
the drafts, by the very steps that a text read as a whole goes through. Carriers that are one document (pretty JSON,
tables, ``-o verbose``, UTF-16) are kept as bytes and read as a whole.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Container, Iterator, Sequence

from analyzer.errors import BadInputError
from analyzer.records.carriers import CARRIERS, file_carrier
from analyzer.records.carriers.export import EXPORT, Joints, plain_drafts, read_export
from analyzer.records.draft import Draft, Tally
from analyzer.records.log_records import LogRecords
from analyzer.records.read import assemble, name_of, read_log_records
from analyzer.records.textlines import TextReader
from analyzer.sources.framing import Entries, Lines
from analyzer.sources.open_input import JOURNAL_MAGIC, open_input, utf16
from analyzer.sources.source import Input
from analyzer.sources.unpack import TAR_BLOCK, archive_kind, packed_as

HEAD = 4096  # bytes by which a carrier is told, unless a line of it tells
DOCUMENT_LIMIT = 8 << 20  # bytes of a carrier that is read as a whole
FORGOTTEN = "not kept while watching"
_BOM = b"\xef\xbb\xbf"
_SHARED = {id(carrier): carrier for carrier in CARRIERS}  # without state: no copy of them is needed


class _Text:
    """Lines of text."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lines = Lines()
        self._reader = TextReader(tally)

    def feed(self, data: bytes) -> Iterator[Draft]:
        for line in self._lines.feed(data):
            yield from self._reader.feed(line)

    def finish(self) -> Iterator[Draft]:
        for line in self._lines.finish():
            yield from self._reader.feed(line)

    def settled(self, drafts: Sequence[Draft], tally: Tally) -> list[Draft]:
        """Copies of the drafts, and of what waits for more, as the end of the text would leave them."""
        copies = {id(draft): draft.copy() for draft in drafts}
        known: dict[int, object] = {**copies, **_SHARED, id(self._tally): tally}
        reader = copy.deepcopy(self._reader, known)
        return [*copies.values(), *reader.finish()]


class _Export:
    """Entries of the Journal Export Format."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._entries = Entries()
        self._spoilt = False  # the entry before was damaged
        self._joints = Joints()
        tally.format = EXPORT.name

    def feed(self, data: bytes) -> Iterator[Draft]:
        for entry, plain in self._entries.feed(data):
            yield from self._drafts(entry, plain)

    def finish(self) -> Iterator[Draft]:
        for entry, plain in self._entries.finish():
            yield from self._drafts(entry, plain)

    def settled(self, drafts: Sequence[Draft], tally: Tally) -> list[Draft]:
        """Copies of the drafts; nothing in an export waits for more."""
        return [draft.copy() for draft in drafts]

    def _drafts(self, entry: bytes, plain: bool) -> Iterator[Draft]:
        number = self._tally.lines + 1
        made = plain_drafts(entry, self._tally, number, self._joints) if plain and not self._spoilt else None
        if made is not None:
            yield from made
            self._spoilt = number in self._tally.malformed_lines
            return
        for draft in read_export(io.BytesIO(entry), self._tally, number, joints=self._joints):
            if self._spoilt:
                draft.gap_before = draft.lost_before = True
                self._spoilt = False
            yield draft
        self._spoilt = number in self._tally.malformed_lines


class GrowingLog:
    """One source that grows: ``feed`` it bytes, ``finish`` it, and ask for its ``log_records`` at any moment.

    ``drafts`` are the lines decoded so far and kept. Raises ``BadInputError`` for what cannot be followed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.drafts: list[Draft] = []
        self.size = 0  # bytes that were fed
        self._tally = Tally(name, 0)
        self._head = b""  # what came before the carrier was known
        self._decoder: _Text | _Export | None = None
        self._document: bytearray | None = None  # of a carrier that is read as a whole

    @property
    def lines(self) -> int:
        """Lines (entries) read so far."""
        return self._tally.lines

    @property
    def last_line(self) -> int:
        """The number of the last line that gave a draft; 0: none did."""
        return self.drafts[-1].line if self.drafts else 0

    def feed(self, data: bytes) -> list[Draft]:
        """The drafts of the lines that end in ``data``."""
        self.size += len(data)
        if self._decoder is None and self._document is None:
            self._head += data
            _refuse_packed(self.name, self._head)
            if not _tells(self._head):
                return []
            data = self._begin()
        return self._take(data)

    def finish(self) -> list[Draft]:
        """The input is over: the drafts of a last line without an end."""
        made: list[Draft] = []
        if self._decoder is None and self._document is None and self._head:
            made = self._take(self._begin())
        if self._decoder is not None:
            last = list(self._decoder.finish())
            self.drafts += last
            made += last
        return made

    def log_records(self) -> LogRecords:
        """What reading the text so far as a whole gives."""
        if self._document is not None:
            whole = bytes(self._document)
            return read_log_records([Input(self.name, lambda: io.BytesIO(whole), len(whole))])[0]
        tally = self._tally.copy()
        tally.size = self.size
        drafts = self._decoder.settled(self.drafts, tally) if self._decoder is not None else []
        tally.format = tally.format or name_of(tally)
        return assemble([(tally, drafts)])

    def forget_before(self, line: int) -> None:
        """Keep no draft of the lines before this one."""
        self.drafts = [draft for draft in self.drafts if draft.line >= line]

    def thin_out(self, lines: Container[int]) -> None:
        """Keep no draft of these lines; they count as passed over because no rule uses them."""
        kept: list[Draft] = []
        passed = 0
        for draft in self.drafts:
            if draft.line in lines:
                passed += 1
                continue
            if passed:
                draft.gap_before = True
                self._tally.reasons[FORGOTTEN] += passed
                passed = 0
            kept.append(draft)
        self.drafts = kept

    def _take(self, data: bytes) -> list[Draft]:
        if self._document is not None:
            self._document += data
            if len(self._document) > DOCUMENT_LIMIT:
                raise BadInputError(
                    f"{self.name} is in a format that is read as a whole, and has become too long to be watched",
                    hint="Watch the journal itself (no PATH), or: journalctl -f -u k3s -o export | k3slog watch -",
                )
            return []
        assert self._decoder is not None
        made = list(self._decoder.feed(data))
        self.drafts += made
        return made

    def _begin(self) -> bytes:
        """Choose how to read it by its first bytes; what of them is still to be read."""
        head, self._head = self._head, b""
        _refuse(self.name, head)
        if utf16(head) is not None:
            self._document = bytearray()
            return head
        head = head.removeprefix(_BOM)
        carrier = file_carrier(head[:65536])
        if carrier is EXPORT:
            self._decoder = _Export(self._tally)
        elif carrier is not None:
            self._document = bytearray()
        else:
            self._decoder = _Text(self._tally)
        return head


def _tells(head: bytes) -> bool:
    """Whether enough is there to tell the carrier: a line that is neither empty, nor a header, nor one brace."""
    if len(head) >= HEAD:
        return True
    *whole, _ = head.split(b"\n")
    return any(len(line.strip()) > 2 and not line.startswith(b"-- ") for line in whole)


def _refuse_packed(name: str, head: bytes) -> None:
    """Raises ``BadInputError`` for what does not grow line by line."""
    kind = "zip" if head.startswith(b"PK\x03\x04") else archive_kind(head) if len(head) >= TAR_BLOCK else None
    what = f"a {kind} archive" if kind is not None else None
    if what is None and (packer := packed_as(head)) is not None:
        what = f"packed with {packer}"
    if what is None and head.startswith(JOURNAL_MAGIC):
        what = "a binary journal"
    if what is not None:
        raise BadInputError(f"{name} is {what}, which cannot be watched", hint="Read it with: k3slog analyze")


def _refuse(name: str, head: bytes) -> None:
    """Raises ``BadInputError`` for what is no text at all."""
    _, reader, _ = open_input(Input(name, lambda: io.BytesIO(head)))
    reader.close()
