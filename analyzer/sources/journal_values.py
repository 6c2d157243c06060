"""Compressed values of a systemd journal: XZ, LZ4 and ZSTD, each cut at a limit so that no value is a bomb.

Which of the three a field uses stands in the flags of its DATA object (systemd's documentation of the journal file
format). XZ is in the standard library, LZ4 is unpacked here, ZSTD needs a module; without one ``journalctl`` can
lend the texts (``TextsByJournalctl``).
"""

from __future__ import annotations

import contextlib
import json
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator

from analyzer.sources.unpack import module_for

XZ, LZ4, ZSTD = 1, 2, 4
NAMES = {XZ: "xz", LZ4: "lz4", ZSTD: "zstd"}
_SEQNUM = re.compile(r"(?:^|;)i=([0-9a-f]{1,16})(?:;|$)")
_JSON_LIMIT = 4 << 20  # bytes of an entry as JSON, where a byte may take four
_LZMA_MEMORY = 64 << 20

Codec = Callable[[bytes, int], bytes]


def _xz(data: bytes, limit: int) -> bytes:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY).decompress(data, limit)


def _lz4(data: bytes, limit: int) -> bytes:
    """systemd's LZ4: eight bytes of the length, then one block without a frame."""
    return lz4_block(data[8:], min(limit, int.from_bytes(data[:8], "little")))


def lz4_block(data: bytes, limit: int) -> bytes:
    """The first ``limit`` bytes of an LZ4 block. Raises ``ValueError`` for a damaged one."""
    out = bytearray()
    at, end = 0, len(data)
    while at < end and len(out) < limit:
        token = data[at]
        length, at = _lz4_length(data, at + 1, token >> 4)
        if at + length > end:
            raise ValueError("lz4: literals are cut off")
        out += data[at : at + length]
        at += length
        if at == end:  # the last sequence has literals only
            break
        if at + 2 > end:
            raise ValueError("lz4: offset is cut off")
        back = data[at] | data[at + 1] << 8
        length, at = _lz4_length(data, at + 2, token & 15)
        if not 0 < back <= len(out):
            raise ValueError("lz4: offset before the beginning")
        length = max(0, min(length + 4, limit - len(out)))
        piece = bytes(out[len(out) - back :])  # a match may run into what it writes: the piece is repeated then
        out += (piece * (length // back + 1))[:length]
    return bytes(out[:limit])


def _lz4_length(data: bytes, at: int, length: int) -> tuple[int, int]:
    """A length whose first four bits are known, and where what follows it begins."""
    more = 255 if length == 15 else 0
    while more == 255:
        if at >= len(data):
            raise ValueError("lz4: a length is cut off")
        more = data[at]
        length += more
        at += 1
    return length, at


def _zstd() -> Codec | None:
    """A decoder from whichever module is there."""
    module = module_for("zstd")
    if module is None:
        return None

    def whole(data: bytes, limit: int) -> bytes:
        part: bytes = module.ZstdDecompressor().decompress(data, limit)
        return part

    def stream(data: bytes, limit: int) -> bytes:
        # One read may give less than asked for; the module's own limit only holds for frames without a size.
        with module.ZstdDecompressor().stream_reader(data) as reader:
            parts, left = [], limit
            while left > 0 and (part := reader.read(left)):
                parts.append(part)
                left -= len(part)
        return b"".join(parts)

    return whole if hasattr(module, "ZstdFile") else stream


def find_codecs() -> dict[int, Codec]:
    """Decoders by their flag: ``codec(data, limit)`` gives at most ``limit`` bytes; any exception means damage."""
    codecs: dict[int, Codec] = {XZ: _xz, LZ4: _lz4}
    zstd = _zstd()
    if zstd is not None:
        codecs[ZSTD] = zstd
    return codecs


class TextsByJournalctl:
    """MESSAGE fields of a journal file as ``journalctl`` reads them, in order, for entries whose codec is missing.

    Started at the first call of ``message``; without ``journalctl``, or when it cannot read the file, every answer
    is ``None`` and ``trouble`` says why. ``close`` ends the process.
    """

    def __init__(self, path: str) -> None:
        self.trouble = ""
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._entries: Iterator[tuple[int, bytes | None]] | None = None
        self._held: tuple[int, bytes | None] | None = None

    def message(self, seqnum: int) -> bytes | None:
        """The text of entry ``seqnum``; numbers must be asked for in ascending order."""
        if self._entries is None:
            self._entries = self._start()
        while self._held is None or self._held[0] < seqnum:
            self._held = next(self._entries, None)
            if self._held is None:
                self._entries = iter(())
                return None
        return self._held[1] if self._held[0] == seqnum else None

    def close(self) -> None:
        """Kill the process when it still runs."""
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            if process.poll() is None:
                process.kill()

    def _start(self) -> Iterator[tuple[int, bytes | None]]:
        program = shutil.which("journalctl")
        if program is None:
            self.trouble = "journalctl is not installed"
            return
        command = [program, f"--file={self._path}", "-q", "-a", "-o", "json", "--output-fields=MESSAGE", "--no-pager"]
        with tempfile.TemporaryFile() as errors:  # a pipe nobody reads would block it
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"},
                )
            except OSError as error:
                self.trouble = f"journalctl cannot be started: {error.strerror}"
                return
            self._process = process
            assert process.stdout is not None
            while row := process.stdout.readline(_JSON_LIMIT):
                yield from _number_and_text(row)
            process.stdout.close()
            if process.wait() != 0:
                errors.seek(0)
                said = errors.read(200).decode("utf-8", "replace").split("\n")[0].strip()
                self.trouble = f"journalctl could not read all of it ({said or f'code {process.returncode}'})"


def _number_and_text(row: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Those of one entry as JSON, or nothing."""
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        entry = json.loads(row)
        seqnum, message = _SEQNUM.search(entry["__CURSOR"]), entry.get("MESSAGE")
        if seqnum is not None:
            yield int(seqnum[1], 16), message.encode() if isinstance(message, str) else message and bytes(message)
