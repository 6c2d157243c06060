"""Where bytes come from: files (plain, gz, xz, bz2, zst) and standard input, as one bounded, buffered stream.

Whatever is wrong with an input becomes a ``BadInputError`` with one sentence and a hint, or, once something could be
read, a note beside what was read. UTF-16 text (a Windows redirection) is turned into UTF-8 on the way.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import shlex
from collections.abc import Callable
from typing import Any, BinaryIO

from analyzer.errors import BadInputError
from analyzer.ledger import Observer
from analyzer.sources.source import Input
from analyzer.sources.unpack import NoModuleError, is_damage, packed_as, reason, unpacked

BLOCK = 64 * 1024  # less than a block of the scan, which then reads past the buffer
DECOMPRESSED_LIMIT = 16 << 30  # bytes: a bomb ends here
_PROGRESS_EVERY = 4 << 20
_HASHED_WHOLE = 8 << 20
_NOT_LOGS = (
    (b"\x89PNG", "is a picture, not text", "Paste the log as text"),
    (b"\xff\xd8\xff", "is a picture, not text", "Paste the log as text"),
    (b"GIF8", "is a picture, not text", "Paste the log as text"),
    (b"%PDF-", "is a PDF document, not text", "Save the log as plain text"),
    (b"\x7fELF", "is a program, not text", "Give a log file"),
    (
        b"7z\xbc\xaf\x27\x1c",
        "is a 7z archive",
        "Unpack it: 7z x -ounpacked {file}; then name the log files in unpacked/",
    ),
)
JOURNAL_MAGIC = b"LPKSHHRH"
BEST_CAPTURE = "journalctl -u k3s -o export | gzip > k3s.export.gz"


class ByteStream(io.RawIOBase):
    """A readable stream that hashes, counts, reports progress and turns read errors into an early end.

    ``damage`` is a sentence when the input ended badly; ``digest()`` identifies the content.
    """

    def __init__(
        self, name: str, inner: BinaryIO, head: bytes, total: int | None, observer: Observer | None,
        position: Callable[[], int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.name = name
        self.damage: str | None = None
        self.count = 0
        self._inner = inner
        self._head = head
        self._total = total
        self._observer = observer
        self._position = position
        self._told = 0
        self._hash = hashlib.blake2b(digest_size=16)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        if self._head:
            data = self._head[: len(view)]
            self._head = self._head[len(data) :]
        elif self.damage is not None:
            return 0
        else:
            try:
                got = self._inner.readinto(view)  # type: ignore[attr-defined]
                return self._account(view[:got], got)
            except Exception as error:
                if not is_damage(error):
                    raise
                self.damage = f"the input is damaged after {self.count} bytes ({reason(error)})"
                return 0
        view[: len(data)] = data
        return self._account(view[: len(data)], len(data))

    def _account(self, data: memoryview, got: int) -> int:
        if self.count + got > DECOMPRESSED_LIMIT:
            self.damage = f"reading stopped after {DECOMPRESSED_LIMIT >> 30} GiB"
            return 0
        self._hash.update(data if self.count < _HASHED_WHOLE else data[:512])
        self.count += got
        if self._observer is not None and (self.count - self._told >= _PROGRESS_EVERY or not got):
            self._told = self.count
            done = self._position() if self._position is not None else self.count
            self._observer.progress(self.name, done, self._total)
        return got

    def digest(self) -> bytes:
        """Identifies the content read so far: all of its first 8 MiB, samples of what follows, and its length."""
        whole = self._hash.copy()
        whole.update(str(self.count).encode())
        return whole.digest()

    def close(self) -> None:
        if not self.closed:
            try:
                self._inner.close()
            finally:
                super().close()


class _Transcoded(io.RawIOBase):
    """UTF-16 in, UTF-8 out."""

    def __init__(self, inner: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        while not self._held:
            data = self._inner.read(BLOCK)
            self._held = self._decoder.decode(data or b"", final=not data).encode("utf-8", "replace")
            if not data:
                break
        part = self._held[: len(view)]
        self._held = self._held[len(part) :]
        view[: len(part)] = part
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            super().close()


def looks_binary(head: bytes) -> bool:
    """More than a tenth of control bytes or NULs, or mostly undecodable: not a log, whatever it is."""
    if not head:
        return False
    allowed = bytes([7, 8, 9, 10, 12, 13, 27, 30])
    control = sum(head.count(bytes([b])) for b in range(32) if b not in allowed) + head.count(b"\x7f")
    if control * 10 > len(head):
        return True
    high = len(head.translate(None, bytes(range(128))))
    if high * 4 < len(head):
        return False
    return head.decode("utf-8", "replace").count("\ufffd") * 5 > len(head)


def open_input(given: Input, *, observer: Observer | None = None) -> tuple[ByteStream, io.BufferedReader, int | None]:
    """Open one input: ``(stream, buffered reader over it, expected size in bytes when known)``.

    Raises ``BadInputError`` for what is missing, not readable, a folder, not text, or packed in an unknown way.
    The caller closes the buffered reader if the input is ``owned``.
    """
    raw = given.open()
    try:
        return _wrap(given, raw, observer)
    except BaseException:
        if given.owned:
            raw.close()
        raise


def fill(raw: BinaryIO, wanted: int) -> bytes:
    """Up to ``wanted`` bytes. Damage behind the first of them shows itself when it is read again."""
    parts: list[bytes] = []
    have = 0
    read = getattr(raw, "read1", raw.read)  # which gives what is there, where ``read`` would lose it to the damage
    while have < wanted:
        try:
            data = read(wanted - have)
        except Exception as error:
            if not parts or not is_damage(error):
                raise
            break
        if not data:
            break
        parts.append(data)
        have += len(data)
    return b"".join(parts)


class _Rest(io.RawIOBase):
    """``head`` and then what ``raw`` still holds."""

    def __init__(self, head: bytes, raw: BinaryIO) -> None:
        super().__init__()
        self._head, self._raw = head, raw
        self.done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        if self._head:
            data = self._head[: len(view)]
            self._head = self._head[len(data) :]
        else:
            data = self._raw.read(len(view)) or b""
        view[: len(data)] = data
        self.done += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


def _wrap(given: Input, raw: BinaryIO, observer: Observer | None) -> tuple[ByteStream, io.BufferedReader, int | None]:
    name, size = given.name, given.size
    try:
        head = fill(raw, 8192)
    except OSError as error:
        raise BadInputError(f"{name} cannot be read: {reason(error)}", hint="Check the path") from None
    kind = packed_as(head)
    position = given.position
    total = given.total if position is not None else size
    expected = size
    inner: BinaryIO = raw
    if kind is not None:
        rest = _Rest(head, raw)
        packed = io.BufferedReader(rest, BLOCK)
        position = position or (lambda: rest.done)
        expected = size * 12 if size is not None else None  # logs shrink about tenfold
        try:
            inner = unpacked(kind, packed)
        except NoModuleError:
            raise BadInputError(
                f"{name} is packed with zstd and no module for it is installed",
                hint="Install k3slog[zstd], or unpack it with: zstd -d",
            ) from None
        try:
            head = fill(inner, 8192)
        except Exception as error:
            raise BadInputError(
                f"{name} begins like a {kind} file but cannot be unpacked: {reason(error)}", hint="Copy it again"
            ) from None
    for magic, sentence, hint in _NOT_LOGS:
        if head.startswith(magic):
            raise BadInputError(f"{name} {sentence}", hint=hint.replace("{file}", _shell(name)))
    journal = head.startswith(JOURNAL_MAGIC)
    encoding = utf16(head) if not journal else None
    if not journal and encoding is None and looks_binary(head):
        raise BadInputError(f"{name} is not text", hint=f"Give a log, for example from: {BEST_CAPTURE}")
    stream = ByteStream(name, inner, head, total, observer, position)
    reader: io.BufferedReader = io.BufferedReader(stream, BLOCK)
    if encoding is not None:
        reader = io.BufferedReader(_Transcoded(reader, encoding), BLOCK)
    elif head.startswith(codecs.BOM_UTF8):
        reader.read(3)
    return stream, reader, expected


def _shell(name: str) -> str:
    """A file's name as one types it into a shell."""
    return shlex.quote(name) if name != "<stdin>" else "FILE"


def utf16(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:400]
    if len(sample) >= 40:
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if odd > len(sample) * 0.4 and even < len(sample) * 0.05:
            return "utf-16-le"
        if even > len(sample) * 0.4 and odd < len(sample) * 0.05:
            return "utf-16-be"
    return None
