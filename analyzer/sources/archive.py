"""Members of tar and zip archives, one after the other, as streams; nothing is ever written to disk.

Names are only shown, so ``../``, absolute paths and links are harmless: links, devices and sparse files are passed
over. An archive may come from anybody: how much it unpacks to, how many members it has and how long its headers are
is bounded, and whatever ends it early is one sentence (``ArchiveEndError``) after the members that could be read.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from analyzer.sources.unpack import is_damage, reason

TOTAL_LIMIT = 16 << 30  # bytes an archive may unpack to, with what is packed inside it
MEMBER_LIMIT = 20_000
RATIO_LIMIT = 500  # logs shrink tenfold, in the best of cases a hundredfold
RATIO_FROM = 256 << 20  # below this many unpacked bytes nobody is hurt
NAME_LIMIT = 4096  # bytes
ZIP_IN_MEMORY = 64 << 20  # a zip archive that cannot be sought in is held whole
_PAX_LIMIT = 1 << 20
_ZIP_DIRECTORY_LIMIT = 32 << 20
BLOCK = 512
_TYPES_OF_FILES = (b"\x00", b"0", b"7")


class ArchiveEndError(OSError):
    """Reading the archive cannot go on; the text says why."""


@dataclass(slots=True)
class Budget:
    """What one archive may cost; shared by everything that is nested in it."""

    packed: Callable[[], int]  # how many bytes of the archive itself were read
    unpacked: int = 0
    members: int = 0
    ended: str = ""
    tell: Callable[[], None] = field(default=lambda: None)

    def spend(self, count: int) -> None:
        """Raises ``ArchiveEndError`` when it is too much."""
        self.unpacked += count
        if self.unpacked > TOTAL_LIMIT:
            self.stop(f"it unpacks to more than {TOTAL_LIMIT >> 30} GiB")
        if self.unpacked > RATIO_FROM and self.unpacked > RATIO_LIMIT * max(self.packed(), 1):
            self.stop(f"it unpacks to more than {RATIO_LIMIT} times its size")
        self.tell()

    def member(self) -> None:
        """Counts one; raises ``ArchiveEndError`` when there are too many."""
        self.members += 1
        if self.members > MEMBER_LIMIT:
            self.stop(f"it has more than {MEMBER_LIMIT} members")

    def stop(self, why: str) -> None:
        """Remembers the sentence and raises it."""
        self.ended = self.ended or why
        raise ArchiveEndError(self.ended)


class Metered(io.RawIOBase):
    """``inner`` at the cost of a budget."""

    def __init__(self, inner: BinaryIO, budget: Budget) -> None:
        super().__init__()
        self._inner, self._budget = inner, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._budget.ended:
            raise ArchiveEndError(self._budget.ended)
        got = self._some(memoryview(buffer))
        self._budget.spend(got)
        return got

    def _some(self, view: memoryview) -> int:
        """What is there: a reader that fills the whole buffer loses what it had when it comes upon damage."""
        read1 = getattr(self._inner, "read1", None)
        if read1 is None:
            return int(self._inner.readinto(view))  # type: ignore[attr-defined]
        data = read1(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            super().close()


@dataclass(slots=True)
class Member:
    """A regular file of an archive. ``stream`` is ``None`` when ``why_not`` says why it cannot be read."""

    name: str
    size: int | None
    stream: BinaryIO | None
    why_not: str = ""


def looks_like_tar(head: bytes) -> bool:
    """Whether ``head`` (512 bytes or more) is a header block of a tar archive, of whatever age."""
    return len(head) >= BLOCK and (head[257:262] == b"ustar" or (_checksum_fits(head[:BLOCK]) and head[0] != 0))


def looks_like_zip(head: bytes) -> bool:
    """Whether ``head`` begins a zip archive (or an empty one)."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


# ------------------------------------------------------------------------------------------------------------- tar


class _Part(io.RawIOBase):
    """The next ``left`` bytes of a stream."""

    def __init__(self, inner: BinaryIO, left: int) -> None:
        super().__init__()
        self._inner, self.left = inner, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)[: self.left]
        if not view:
            return 0
        data = self._inner.read(len(view))
        if not data:
            raise EOFError("the archive ends in the middle of a file")
        view[: len(data)] = data
        self.left -= len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()  # the archive goes on


def tar_members(stream: BinaryIO, budget: Budget) -> Iterator[Member]:
    """Regular files of a tar archive in one pass. ``stream.read(n)`` gives at most n bytes, none at the end.

    Each member's stream is good until the next one is taken. Raises ``ArchiveEndError`` for damage and broken limits.
    """
    name = b""
    long_name = sparse = False
    told: int | None = None  # a pax header's size, for files above 8 GiB
    while True:
        header = _exactly(stream, BLOCK)
        if not header.strip(b"\0"):
            return  # the end is a block of zeros (or no block at all)
        if len(header) < BLOCK:
            raise ArchiveEndError("the archive ends in the middle of a header")
        if not _checksum_fits(header):
            raise ArchiveEndError("a header is damaged")
        size = _number(header[124:136])
        kind = header[156:157]
        padded = -(-size // BLOCK) * BLOCK
        if kind in b"xgLK" and kind:
            if size > _PAX_LIMIT:
                _skip(stream, padded)  # nobody's name; the member keeps its short one
                continue
            data = _exactly(stream, padded)[:size]
            if kind == b"L":
                name, long_name = data.rstrip(b"\0"), True
            elif kind == b"x":
                fields = _pax(data)
                name, long_name = (fields[b"path"], True) if b"path" in fields else (name, long_name)
                said = fields.get(b"size", b"")
                told = int(said) if said.isdigit() and len(said) < 19 else told
                sparse = any(key.startswith(b"GNU.sparse") for key in fields)
            continue
        yield from _one(stream, header, size if told is None else told, name, long_name, sparse, budget)
        name, long_name, sparse, told = b"", False, False, None


def _one(
    stream: BinaryIO, header: bytes, size: int, name: bytes, long_name: bool, sparse: bool, budget: Budget
) -> Iterator[Member]:
    kind = header[156:157]
    if not long_name:
        name = header[:100].split(b"\0", 1)[0]
        prefix = header[345:500].split(b"\0", 1)[0]
        if header[257:263] == b"ustar\0" and prefix:
            name = prefix + b"/" + name
    shown = name[:NAME_LIMIT].decode("utf-8", "replace")
    if kind == b"S":
        extended = header[482:483] == b"\1"
        while extended:
            more = _exactly(stream, BLOCK)
            if len(more) < BLOCK:
                raise ArchiveEndError("the archive ends in the middle of a header")
            extended = more[504:505] == b"\1"
    padded = -(-size // BLOCK) * BLOCK
    budget.member()
    if kind in b"123456" and kind:
        return  # links, devices, folders, fifos have no content, whatever their size says
    if sparse or kind == b"S":
        yield Member(shown, size, None, "is stored as a sparse file")
    elif kind in _TYPES_OF_FILES and not name.endswith(b"/"):
        part = _Part(stream, size)
        yield Member(shown, size, part)  # type: ignore[arg-type]
        padded -= size - part.left
    _skip(stream, padded)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    parts, have = [], 0
    while have < count:
        try:
            data = stream.read(count - have)
        except Exception as error:
            if not is_damage(error):
                raise
            raise ArchiveEndError(reason(error)) from None
        if not data:
            break
        parts.append(data)
        have += len(data)
    return b"".join(parts)


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0:
        got = len(_exactly(stream, min(count, 1 << 18)))
        if not got:
            raise ArchiveEndError("the archive ends in the middle of a file")
        count -= got


def _number(field_: bytes) -> int:
    if field_[:1] == b"\x80":
        return int.from_bytes(field_[1:], "big")
    text = field_.replace(b"\0", b" ").strip()
    if not text:
        return 0
    try:
        value = int(text, 8)
    except ValueError:
        value = -1
    if value < 0:
        raise ArchiveEndError("a header is damaged")
    return value


def _checksum_fits(header: bytes) -> bool:
    text = header[148:156].replace(b"\0", b" ").strip()
    try:
        said = int(text, 8)
    except ValueError:
        return False
    return said == sum(header[:148]) + 8 * 32 + sum(header[156:BLOCK])


def _pax(data: bytes) -> dict[bytes, bytes]:
    """``LENGTH KEY=VALUE\\n`` records; what does not hold to that ends them."""
    fields: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 8)
        if blank < 0 or not data[at:blank].isdigit():
            break
        end = at + int(data[at:blank])
        key, equals, value = data[blank + 1 : end - 1].partition(b"=")
        if end <= blank or end > len(data) or not equals:
            break
        fields[key] = value
        at = end
    return fields


# ------------------------------------------------------------------------------------------------------------- zip


# What ``zipfile`` is known to raise over broken archives.
_ZIP_ERRORS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError,
    IndexError, struct.error, zlib.error, lzma.LZMAError,
)  # fmt: skip


def zip_members(file: BinaryIO, budget: Budget) -> Iterator[Member]:
    """Regular files of a zip archive that can be sought in, in the order of its directory.

    Raises ``ArchiveEndError`` for damage and broken limits.
    """
    _check_directory(file)
    try:
        archive = zipfile.ZipFile(file)
    except _ZIP_ERRORS as error:
        raise ArchiveEndError(_zip_reason(error)) from None
    with archive:
        seen: set[int] = set()
        for info in archive.infolist():
            budget.member()
            mode = info.external_attr >> 16 & 0o170000
            if info.filename.endswith("/") or (info.create_system == 3 and mode not in (0, 0o100000)):
                continue  # folders, links and the like
            name = info.filename[:NAME_LIMIT]
            if info.header_offset in seen:  # two names for the same bytes: a trick
                yield Member(name, info.file_size, None, "overlaps another file of the archive")
                continue
            seen.add(info.header_offset)
            if info.flag_bits & 1:
                yield Member(name, info.file_size, None, "is encrypted")
                continue
            try:
                stream = archive.open(info)
            except _ZIP_ERRORS as error:
                yield Member(name, info.file_size, None, f"cannot be unpacked: {_zip_reason(error)}")
                continue
            with stream:
                yield Member(name, info.file_size, _ZipPart(stream))  # type: ignore[arg-type]


class _ZipPart(io.RawIOBase):
    """A member, with the exceptions of ``zipfile`` turned into ones that mean damage."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            return int(self._inner.readinto(buffer))
        except _ZIP_ERRORS as error:
            raise OSError(_zip_reason(error)) from None


def _zip_reason(error: Exception) -> str:
    return "it is not a whole zip archive" if isinstance(error, zipfile.BadZipFile) else reason(error)


def _check_directory(file: BinaryIO) -> None:
    """A directory of hundreds of megabytes would be held in memory: refuse it before it is read."""
    file.seek(0, io.SEEK_END)
    size = file.tell()
    begin = max(0, size - (1 << 16) - 100)
    file.seek(begin)
    tail = file.read(size - begin)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise ArchiveEndError("its directory, which is at its end, is missing: copy the archive again")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    wide = tail.rfind(b"PK\x06\x06", 0, at)
    if wide >= 0 and len(tail) >= wide + 56:
        directory = max(
            directory if directory != 0xFFFFFFFF else 0, int.from_bytes(tail[wide + 40 : wide + 48], "little")
        )
    if directory > _ZIP_DIRECTORY_LIMIT:
        raise ArchiveEndError(f"its directory is larger than {_ZIP_DIRECTORY_LIMIT >> 20} MiB")
    file.seek(0)
