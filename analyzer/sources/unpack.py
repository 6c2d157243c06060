"""Packed inputs: recognised by their first bytes, unpacked by the fastest module that is there.

gzip, xz and bzip2 need nothing but the standard library; ``isal`` unpacks gzip twice as fast. zstd needs Python 3.14,
``backports.zstd`` or ``zstandard``. Several members one after the other are read as one in all four.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from importlib import import_module
from typing import Any, BinaryIO

_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


class NoModuleError(Exception):
    """The kind is known, but nothing that unpacks it is installed."""


def packed_as(head: bytes) -> str | None:
    """``"gzip"``, ``"xz"``, ``"bzip2"`` or ``"zstd"`` when something begins with ``head``, ``None`` when not packed."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def unpacked(kind: str, packed: BinaryIO) -> BinaryIO:
    """What ``packed``, of a kind named by ``packed_as``, holds; closing it does not close ``packed``.

    Raises ``NoModuleError`` for zstd without a module. Reading from it raises what ``is_damage`` recognises.
    """
    if kind == "gzip":
        return _gzip_open(packed)
    if kind == "xz":
        return lzma.LZMAFile(packed, "rb")  # type: ignore[return-value]
    if kind == "bzip2":
        return bz2.BZ2File(packed, "rb")  # type: ignore[return-value]
    opened = _zstd_open(packed)
    if opened is None:
        raise NoModuleError(kind)
    return opened


def _gzip_open(packed: BinaryIO) -> BinaryIO:
    try:
        igzip: Any = import_module("isal.igzip")
    except ImportError:
        return gzip.GzipFile(fileobj=packed, mode="rb")  # type: ignore[return-value]
    opened: BinaryIO = igzip.IGzipFile(fileobj=packed, mode="rb")
    return opened


def zstd_module() -> Any | None:
    """``compression.zstd`` or its backport, which have a ``ZstdFile``, else ``zstandard``, which has none."""
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def _zstd_open(packed: BinaryIO) -> BinaryIO | None:
    """A zstd reader from whichever module is there, ``None`` without one."""
    module = zstd_module()
    if module is None:
        return None
    if hasattr(module, "ZstdFile"):
        opened: BinaryIO = module.ZstdFile(packed, "rb")
        return opened
    reader: BinaryIO = module.ZstdDecompressor().stream_reader(packed, read_across_frames=True, closefd=False)
    return reader


def is_damage(error: Exception) -> bool:
    """Whether reading failed because of the input, not because of this program."""
    # zstd modules have exception classes of their own, and isal one besides those of zlib.
    name = f"{type(error).__module__}.{type(error).__name__}".lower()
    return isinstance(error, _READ_ERRORS) or "zstd" in name or "isal" in name


def reason(error: BaseException) -> str:
    """What went wrong, in a few words for a sentence."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).rstrip(".").lower()
