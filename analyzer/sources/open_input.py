"""Opening an input (plain, gz, xz, bz2, zst, UTF-16) as one bounded, buffered stream of UTF-8.

Whatever is wrong with an input becomes a ``BadInputError`` with one sentence and a hint, or, once something could be
read, a note beside what was read.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import shlex
from collections.abc import Callable
from typing import Any

from analyzer.errors import BadInputError
from analyzer.ledger import Observer
from analyzer.sources.source import Bytes, Input
from analyzer.sources.streams import BLOCK, TOTAL_LIMIT, Budget, LimitError, Stream, unpacked
from analyzer.sources.unpack import NoModuleError, is_damage, packed_as, reason

LOGS_SHRINK = 12  # times, about, when they are packed
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
_CONTROL = bytes({*range(32), 127} - {7, 8, 9, 10, 12, 13, 27, 30})
JOURNAL_MAGIC = b"LPKSHHRH"
BEST_CAPTURE = "journalctl -u k3s -o export | gzip > k3s.export.gz"


class ByteStream(Stream):
    """A stream that hashes, reports progress and turns read errors into an early end.

    ``damage`` is a sentence when the input ended badly; ``digest()`` identifies the content.
    """

    def __init__(
        self, name: str, inner: Stream, total: int | None, observer: Observer | None, position: Callable[[], int] | None
    ) -> None:
        super().__init__(inner)
        self.name = name
        self.damage: str | None = None
        self._total = total
        self._observer = observer
        self._position = position or self.tell
        self._told = 0
        self._hash = hashlib.blake2b(digest_size=16)

    def _take(self, view: memoryview) -> int:
        if self.damage is not None:
            return 0
        begin = self.done
        try:
            got = super()._take(view)
        except Exception as error:
            if not is_damage(error):
                raise
            what = "reading stopped" if isinstance(error, LimitError) else "the input is damaged"
            self.damage = f"{what} after {begin} bytes ({reason(error)})"
            return 0
        if self.done > TOTAL_LIMIT:
            self.damage = f"reading stopped after {TOTAL_LIMIT >> 30} GiB"
            return 0
        self._hash.update(view[:got] if begin < _HASHED_WHOLE else view[: min(got, 512)])
        if self._observer is not None and (self.done - self._told >= _PROGRESS_EVERY or not got):
            self._told = self.done
            self._observer.progress(self.name, self._position(), self._total)
        return got

    def digest(self) -> bytes:
        """Identifies the content read so far: all of its first 8 MiB, samples of what follows, and its length."""
        whole = self._hash.copy()
        whole.update(str(self.done).encode())
        return whole.digest()


class _Utf8(Stream):
    """UTF-16 in, UTF-8 out."""

    def __init__(self, inner: Bytes, encoding: str) -> None:
        super().__init__(inner)
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def readinto(self, buffer: Any, /) -> int:
        while not self._ahead:
            data = self._inner.read(BLOCK) or b""
            self._ahead += self._decoder.decode(data, final=not data).encode("utf-8", "replace")
            if not data:
                break
        return super().readinto(buffer)


def looks_binary(head: bytes) -> bool:
    """More than a tenth of control bytes or NULs, or mostly undecodable: not a log, whatever it is."""
    if not head:
        return False
    if (len(head) - len(head.translate(None, _CONTROL))) * 10 > len(head):
        return True
    high = len(head.translate(None, bytes(range(128))))
    if high * 4 < len(head):
        return False
    return head.decode("utf-8", "replace").count("\ufffd") * 5 > len(head)


def open_input(given: Input, *, observer: Observer | None = None) -> tuple[ByteStream, io.BufferedReader, int | None]:
    """Open one input: ``(stream, buffered reader over it, expected size in bytes when known)``.

    Raises ``BadInputError`` for what is missing, not readable, a folder, not text, or packed in an unknown way.
    The caller closes the buffered reader.
    """
    raw = given.open()
    try:
        return _wrap(given, raw, observer)
    except BaseException:
        raw.close()
        raise


def open_packed(name: str, outer: Stream, budget: Budget) -> Stream:
    """What ``outer`` holds, unpacked at the cost of ``budget``; ``outer`` itself when it is not packed.

    Raises ``BadInputError`` when that cannot be read. ``name`` is for its sentence.
    """
    kind = None
    try:
        kind = packed_as(outer.peek(8192))
        stream = unpacked(outer, budget)
        stream.peek(8192)
    except BadInputError:
        raise  # the stream itself says what is wrong
    except NoModuleError:
        raise BadInputError(
            f"{name} is packed with zstd and no module for it is installed",
            hint="Install k3slog[zstd], or unpack it with: zstd -d",
        ) from None
    except Exception as error:
        if kind is not None:
            raise BadInputError(
                f"{name} begins like a {kind} file but cannot be unpacked: {reason(error)}", hint="Copy it again"
            ) from None
        if isinstance(error, OSError):
            raise BadInputError(f"{name} cannot be read: {reason(error)}", hint="Check the path") from None
        raise
    return stream


def _wrap(given: Input, raw: Bytes, observer: Observer | None) -> tuple[ByteStream, io.BufferedReader, int | None]:
    name, position, expected = given.name, given.position, given.size
    total = expected if position is None else given.total
    inner = raw if isinstance(raw, Stream) else None  # it was unpacked when it was chosen
    if inner is None:
        outer = Stream(raw)
        inner = open_packed(name, outer, Budget(outer.tell))
        if inner is not outer:
            position = position or outer.tell
            expected = expected * LOGS_SHRINK if expected is not None else None
    head = inner.peek(8192)
    for magic, sentence, hint in _NOT_LOGS:
        if head.startswith(magic):
            raise BadInputError(f"{name} {sentence}", hint=hint.replace("{file}", _shell(name)))
    journal = head.startswith(JOURNAL_MAGIC)
    encoding = utf16(head) if not journal else None
    if not journal and encoding is None and looks_binary(head):
        raise BadInputError(f"{name} is not text", hint=f"Give a log, for example from: {BEST_CAPTURE}")
    stream = ByteStream(name, inner, total, observer, position)
    reader: io.BufferedReader = io.BufferedReader(stream, BLOCK)
    if encoding is not None:
        reader = io.BufferedReader(_Utf8(reader, encoding), BLOCK)
    elif head.startswith(codecs.BOM_UTF8):
        reader.read(3)
    return stream, reader, expected


def _shell(name: str) -> str:
    """A file's name as one types it into a shell."""
    return shlex.quote(name) if name != "<stdin>" else "FILE"


def utf16(head: bytes) -> str | None:
    """The encoding of UTF-16 text (a Windows redirection), ``None`` for anything else."""
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
