"""Members of tar and zip archives, one after the other, as streams; nothing is ever written to disk.

Names are only shown, so ``../``, absolute paths and links are harmless: links, devices and sparse files are passed
over. An archive may come from anybody: how much it unpacks to, how many members it has and how long its headers are
is bounded, and whatever ends it early is one sentence (``LimitError``) after the members that could be read.
"""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from analyzer.sources.streams import Budget, LimitError, Stream
from analyzer.sources.unpack import TAR_BLOCK, is_damage, reason

NAME_LIMIT = 4096  # bytes
ZIP_IN_MEMORY = 64 << 20  # a zip archive that cannot be sought in is held whole
_DIRECTORY_LIMIT = 32 << 20  # bytes: of a zip archive's directory, of all headers of a tar archive
_HEADER_LIMIT = 1 << 20  # bytes: of what a tar archive says about one member
_PIECE = 1 << 18


@dataclass(slots=True)
class Member:
    """A regular file of an archive. ``stream`` is ``None`` when ``why_not`` says why it cannot be read."""

    name: str
    size: int | None
    stream: Stream | None
    why_not: str = ""


# ------------------------------------------------------------------------------------------------------------- tar


class _TarStream(Stream):
    """What ``tarfile`` reads headers from. It can go forwards only, and how much of headers it may read is bounded."""

    def __init__(self, inner: Stream) -> None:
        super().__init__(inner, owned=False)
        self.headers = 0  # bytes read of those of one member
        self._all_headers = 0

    def seek(self, to: int, _whence: int = io.SEEK_SET) -> int:
        """Skip what is before ``to``."""
        if to < self.done:
            raise LimitError("a header is damaged")
        piece = memoryview(bytearray(_PIECE))
        while to > self.done:
            if not self._piece(piece[: to - self.done]):
                raise LimitError("the archive ends in the middle of a file")
        return to

    def read(self, count: int = -1, /) -> bytes:
        """``count`` bytes of a header, or fewer at the end."""
        self.headers += count
        self._all_headers += count
        if count < 0 or self.headers > _HEADER_LIMIT or self._all_headers > _DIRECTORY_LIMIT:
            raise LimitError("its headers are damaged or too long")
        data = bytearray(count)
        have = 0
        while got := self._piece(memoryview(data)[have:]):
            have += got
        return bytes(data[:have])

    def _piece(self, view: memoryview) -> int:
        try:
            return self.readinto(view)
        except Exception as error:
            if isinstance(error, LimitError) or not is_damage(error):
                raise
            raise LimitError(reason(error)) from None


_PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_ABOUT_THE_NEXT = (*_PAX, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class _TarHeader(tarfile.TarInfo):
    """A header for which damage is not the end of the archive, and that reads long ones in linear time."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Any:
        try:
            return super().fromtarfile(tarfile_)
        except (tarfile.EmptyHeaderError, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
            raise  # the end is a block of zeros (or no block at all)
        except tarfile.TruncatedHeaderError:  # type: ignore[attr-defined]
            raise LimitError("the archive ends in the middle of a header") from None
        except (tarfile.TarError, ValueError, IndexError, OverflowError):
            raise LimitError("a header is damaged") from None

    def _proc_member(self, tarfile_: tarfile.TarFile) -> Any:
        """Meant to be overridden by what ``tarfile`` says of it."""
        stream = tarfile_.fileobj
        if self.size < 0 or stream is None:
            raise LimitError("a header is damaged")
        if self.type in _ABOUT_THE_NEXT and self.size > _HEADER_LIMIT:  # nobody's name: the member keeps its short one
            stream.seek(stream.tell() + _padded(self.size))
            return self.fromtarfile(tarfile_)
        if self.type not in _PAX:
            return super()._proc_member(tarfile_)  # type: ignore[misc]
        # The standard library's own reading of these takes quadratic time over hostile ones before Python 3.12.6.
        fields = _pax(stream.read(_padded(self.size))[: self.size])
        member = self.fromtarfile(tarfile_)
        if self.type == tarfile.XGLTYPE:
            return member
        if "path" in fields:
            member.name = fields["path"]
        if fields.get("size", "").isdecimal() and len(fields["size"]) < 19:  # of files above 8 GiB
            member.size = int(fields["size"])
            if member.isreg():
                tarfile_.offset = member.offset_data + _padded(member.size)
        if any(key.startswith("GNU.sparse") for key in fields):
            member.sparse = []
        return member


def _padded(size: int) -> int:
    return -(-size // TAR_BLOCK) * TAR_BLOCK


def _pax(data: bytes) -> dict[str, str]:
    """``LENGTH KEY=VALUE\\n`` records; what does not hold to that ends them."""
    fields: dict[str, str] = {}
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 8)
        if blank < 0 or not data[at:blank].isdigit():
            break
        end = at + int(data[at:blank])
        key, equals, value = data[blank + 1 : end - 1].decode("utf-8", "replace").partition("=")
        if end <= blank or end > len(data) or not equals:
            break
        fields[key] = value
        at = end
    return fields


def tar_members(inner: Stream, budget: Budget) -> Iterator[Member]:
    """Regular files of a tar archive in one pass. Each member's stream is good until the next one is taken.

    Raises ``LimitError`` for damage and broken limits.
    """
    stream = _TarStream(inner)
    try:
        # Not in the mode "r|", which reads beyond what it is asked for; this stream cannot go back in either.
        with tarfile.open(fileobj=stream, mode="r:", tarinfo=_TarHeader, encoding="utf-8", errors="replace") as archive:
            while (info := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                budget.member()
                name = info.name[:NAME_LIMIT]
                if info.issparse():
                    yield Member(name, info.size, None, "is stored as a sparse file")
                elif info.isreg():  # links, devices, folders, fifos have no content, whatever their size says
                    yield Member(name, info.size, Stream(stream, owned=False, left=info.size))
                stream.headers = 0
    except RecursionError:  # a chain of thousands of headers for one member
        raise LimitError("a header is damaged") from None
    except tarfile.ReadError:
        return  # not even one member


# ------------------------------------------------------------------------------------------------------------- zip


# What ``zipfile`` is known to raise over broken archives.
_ZIP_ERRORS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError,
    IndexError, struct.error, zlib.error, lzma.LZMAError,
)  # fmt: skip


def zip_members(file: BinaryIO, budget: Budget) -> Iterator[Member]:
    """Regular files of a zip archive that can be sought in, in the order of its directory.

    Raises ``LimitError`` for damage and broken limits.
    """
    _check_directory(file)
    try:
        archive = zipfile.ZipFile(file)
    except _ZIP_ERRORS as error:
        raise LimitError(reason(error)) from None
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
                opened: Any = archive.open(info)
            except _ZIP_ERRORS as error:
                yield Member(name, info.file_size, None, f"cannot be unpacked: {reason(error)}")
                continue
            with Stream(opened, budget=budget) as stream:
                yield Member(name, info.file_size, stream)


def _check_directory(file: BinaryIO) -> None:
    """A directory of hundreds of megabytes would be held in memory: refuse it before it is read."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - (1 << 16) - 100))
    tail = file.read(1 << 17)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise LimitError("its directory, which is at its end, is missing: copy the archive again")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    wide = tail.rfind(b"PK\x06\x06", 0, at)
    if wide >= 0 and len(tail) >= wide + 56:
        directory = max(
            directory if directory != 0xFFFFFFFF else 0, int.from_bytes(tail[wide + 40 : wide + 48], "little")
        )
    if directory > _DIRECTORY_LIMIT:
        raise LimitError(f"its directory is larger than {_DIRECTORY_LIMIT >> 20} MiB")
    file.seek(0)
