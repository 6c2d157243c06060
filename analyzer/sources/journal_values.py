"""Compressed values of a systemd journal: XZ, LZ4 and ZSTD, each cut at a limit so that no value is a bomb.

Which of the three a field uses stands in the flags of its DATA object (systemd's documentation of the journal file
format). XZ is in the standard library, LZ4 is unpacked here, ZSTD needs a module; without one ``journalctl`` can
lend the texts (``TextsByJournalctl``).
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import IO

from analyzer.sources.unpack import zstd_module

XZ, LZ4, ZSTD = 1, 2, 4
NAMES = {XZ: "xz", LZ4: "lz4", ZSTD: "zstd"}
_KEY = re.compile(rb"[A-Z0-9_]{1,64}\Z")
_SEQNUM = re.compile(rb"(?:^|;)i=([0-9a-f]{1,16})(?:;|$)")
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
    while at < end:
        token = data[at]
        at += 1
        length = token >> 4
        if length == 15:
            while True:
                if at >= end:
                    raise ValueError("lz4: literal length is cut off")
                more = data[at]
                at += 1
                length += more
                if more != 255:
                    break
        if at + length > end:
            raise ValueError("lz4: literals are cut off")
        out += data[at : at + length]
        at += length
        if at == end or len(out) >= limit:  # the last sequence has literals only
            return bytes(out[:limit])
        if at + 2 > end:
            raise ValueError("lz4: offset is cut off")
        back = data[at] | data[at + 1] << 8
        at += 2
        if not 0 < back <= len(out):
            raise ValueError("lz4: offset before the begin")
        length = token & 15
        if length == 15:
            while True:
                if at >= end:
                    raise ValueError("lz4: match length is cut off")
                more = data[at]
                at += 1
                length += more
                if more != 255:
                    break
        length = min(length + 4, limit - len(out))
        start = len(out) - back
        if back >= length:
            out += out[start : start + length]
        else:  # a match may run into what it writes: the piece is repeated
            piece = bytes(out[start:])
            out += (piece * (length // back + 1))[:length]
        if len(out) >= limit:
            break
    return bytes(out)


def _zstd() -> Codec | None:
    """A decoder from whichever module is there."""
    module = zstd_module()
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

    def __init__(self, path: str, limit: int) -> None:
        self.trouble = ""
        self._path = path
        self._limit = limit
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
        if process.poll() is None:
            process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()

    def _start(self) -> Iterator[tuple[int, bytes | None]]:
        program = shutil.which("journalctl")
        if program is None:
            self.trouble = "journalctl is not installed"
            return
        command = [program, f"--file={self._path}", "-q", "-a", "-o", "export", "--output-fields=MESSAGE", "--no-pager"]
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
            yield from self._parse(process.stdout)
            process.stdout.close()
            if process.wait() != 0:
                errors.seek(0)
                said = errors.read(200).decode("utf-8", "replace").split("\n")[0].strip()
                self.trouble = f"journalctl could not read all of it ({said or f'code {process.returncode}'})"

    def _parse(self, stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
        seqnum, message = -1, None
        while row := stream.readline(self._limit + 128):
            if row == b"\n":
                if seqnum >= 0:
                    yield seqnum, message
                seqnum, message = -1, None
                continue
            key, equals, value = row.partition(b"=")
            if equals and _KEY.match(key):
                value = value.removesuffix(b"\n")
                while not row.endswith(b"\n") and (row := stream.readline(self._limit)):
                    pass  # the tail of an endless line
            elif _KEY.match(key := row.rstrip(b"\n")):
                left = int.from_bytes(stream.read(8), "little")
                value = stream.read(min(left, self._limit))
                left -= len(value)
                while left > 0 and (skipped := stream.read(min(left, 1 << 20))):
                    left -= len(skipped)
                stream.read(1)
            else:
                return
            if key == b"__CURSOR" and (match := _SEQNUM.search(value)) is not None:
                seqnum = int(match[1], 16)
            elif key == b"MESSAGE":
                message = value
