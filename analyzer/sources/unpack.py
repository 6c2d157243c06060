"""Packed inputs and archives: recognised by their first bytes, unpacked by the fastest module that is there.

gzip, xz and bzip2 need nothing but the standard library; ``isal`` unpacks gzip twice as fast. zstd needs Python 3.14,
``backports.zstd`` or ``zstandard``. Several members one after the other are read as one in all four.
"""

from __future__ import annotations

import contextlib
import lzma
import zlib
from importlib import import_module
from typing import Any, BinaryIO

_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_MODULES = {  # the fastest first
    "gzip": ("isal.igzip", "gzip"),
    "xz": ("lzma",),
    "bzip2": ("bz2",),
    "zstd": ("compression.zstd", "backports.zstd", "zstandard"),
}
TAR_BLOCK = 512  # bytes
_READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


class NoModuleError(Exception):
    """The kind is known, but nothing that unpacks it is installed."""


def packed_as(head: bytes) -> str | None:
    """``"gzip"``, ``"xz"``, ``"bzip2"`` or ``"zstd"`` when something begins with ``head``, ``None`` when not packed."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def archive_kind(head: bytes) -> str | None:
    """``"tar"`` or ``"zip"`` when an archive, of whatever age, begins with ``head`` (``TAR_BLOCK`` bytes or more)."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if len(head) < TAR_BLOCK or not (head[257:262] == b"ustar" or (head[0] and _checksum_fits(head[:TAR_BLOCK]))):
        return None
    return "tar"


def _checksum_fits(header: bytes) -> bool:
    try:
        said = int(header[148:156].replace(b"\0", b" "), 8)
    except ValueError:
        return False
    return said == sum(header[:148]) + 8 * 32 + sum(header[156:])


def unpack(kind: str, packed: BinaryIO) -> BinaryIO:
    """What ``packed``, of a kind named by ``packed_as``, holds; closing it does not close ``packed``.

    Raises ``NoModuleError`` for zstd without a module. Reading from it raises what ``is_damage`` recognises.
    """
    module = module_for(kind)
    if module is None:
        raise NoModuleError(kind)
    if module.__name__ != "zstandard":
        return module.open(packed, "rb")  # type: ignore[no-any-return]
    decompressor = module.ZstdDecompressor()
    return decompressor.stream_reader(packed, read_across_frames=True, closefd=False)  # type: ignore[no-any-return]


def module_for(kind: str) -> Any | None:
    """The best module for a kind that is installed; all but ``zstandard`` have an ``open`` as ``gzip`` has it."""
    for name in _MODULES[kind]:
        with contextlib.suppress(ImportError):
            return import_module(name)
    return None


def is_damage(error: Exception) -> bool:
    """Whether reading failed because of the input, not because of this program."""
    # zipfile and the zstd modules have exception classes of their own, and isal one besides those of zlib.
    name = f"{type(error).__module__}.{type(error).__name__}".lower()
    return isinstance(error, _READ_ERRORS) or any(module in name for module in ("zstd", "isal", "zipfile"))


def reason(error: BaseException) -> str:
    """What went wrong, in a few words for a sentence."""
    if type(error).__name__ == "BadZipFile":  # zipfile's own words name its constants
        return "it is not a whole zip archive"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).rstrip(".").lower()
