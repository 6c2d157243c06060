"""What the fuzz target feeds: batches of lines, and small files of every binary kind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

import analyzer
from analyzer.errors import ExitCode, K3slogError
from analyzer.events.detect import detect
from analyzer.records.draft import Draft, Tally
from analyzer.records.read import assemble
from analyzer.records.textlines import TextReader
from analyzer.reports import json_report
from analyzer.sources.raw_lines import RawLine
from analyzer.starts.split import find_starts
from tests.fuzz.fuzz_mutate import mutate_bytes, mutate_line, mutate_text
from tests.kit.journal_writer import Entry, write_journal

HERE = Path(__file__).parent
JOURNALS = HERE.parent / "data" / "journals"
BATCH = 200  # lines that one reader gets in a row
CODES = frozenset({ExitCode.OK, ExitCode.BAD_INPUT, ExitCode.NO_DATA})


@cache
def pool() -> tuple[bytes, ...]:
    """The lines of the corpus."""
    return tuple(gzip.decompress((HERE / "corpus" / "lines.txt.gz").read_bytes()).split(b"\n")[:-1])


# --- lines ----------------------------------------------------------------------------------------------------------


def make_lines(rng: Random) -> tuple[list[bytes], int]:
    """A batch of lines in the corpus's order, most of them bent; and how many are."""
    lines = pool()
    begin = int(rng.random() * len(lines))
    rows: list[bytes] = []
    bent = 0
    for number in range(BATCH):
        line = lines[(begin + number) % len(lines)]
        if rng.random() < 0.85:
            line = mutate_line(rng, line, lines)
            bent += 1
        rows.append(line)
    return rows, bent


def check_lines(rows: Sequence[bytes], *, whole: bool = False) -> None:
    """Every stage that sees lines: reader, time, starts, vocabulary; ``whole``: the analysis and its reports too."""
    tally = Tally("fuzz", 0)
    reader = TextReader(tally)
    drafts: list[Draft] = []
    last = len(rows)
    for number, row in enumerate(rows, 1):
        drafts += reader.feed(RawLine(number, row, last=number == last))
    drafts += reader.finish()
    log_records = assemble([(tally, drafts)])
    ledger = log_records.ledger
    assert tally.lines == len(rows)
    assert min(ledger.ignored, ledger.malformed, ledger.lossy) >= 0, ledger
    for record in log_records.records:
        assert "\x1b" not in record.message and "\x00" not in record.message, record.message
    if whole:
        check_file(b"\n".join(rows), HERE, "")
        return
    for start in find_starts(log_records.records):
        for _ in detect(start.process):
            pass


def _report(log: analyzer.Log, *, whole: bool = True) -> None:
    """All that the command would print; an error that has an exit code of the contract is a good end."""
    try:
        found = analyzer.analyze(log)
    except K3slogError as error:
        if error.exit_code not in CODES:
            raise
        return
    ledger = found.report.ledger
    assert ledger.used + ledger.ignored + ledger.malformed + ledger.lossy == ledger.lines, ledger
    for start in found.report.starts:
        assert not start.ready.contradicts_itself, start.ready
        assert not start.detected.contradicts_itself, start.detected
    if not whole:
        return
    text = found.to_text()
    assert "\x1b" not in text and "\x00" not in text
    json_report.render(found.report)


# --- files ----------------------------------------------------------------------------------------------------------


def check_file(data: bytes, folder: Path, name: str, *, whole: bool = True) -> None:
    """What ``k3slog analyze NAME`` (without a name: ``… | k3slog analyze -``) does up to its report."""
    try:
        if name:
            path = folder / name
            path.write_bytes(data)
            log = analyzer.load(path)
        else:
            log = analyzer.load(stdin=io.BytesIO(data))
    except K3slogError as error:
        if error.exit_code not in CODES:
            raise
        return
    _report(log, whole=whole)


@cache
def _entries() -> tuple[dict[str, bytes], ...]:
    out = []
    for part in gzip.decompress((HERE / "corpus" / "small.export.gz").read_bytes()).split(b"\n\n"):
        rows = dict(row.partition(b"=")[::2] for row in part.split(b"\n") if b"=" in row)
        if b"MESSAGE" in rows and b"__REALTIME_TIMESTAMP" in rows:
            out.append({key.decode(): value for key, value in rows.items()})
    return tuple(out)


def _text(rng: Random) -> bytes:
    return mutate_text(rng, pool(), pool())


def _some(rng: Random, most: int = 14) -> list[dict[str, bytes]]:
    entries = _entries()
    begin = int(rng.random() * (len(entries) - most))
    return list(entries[begin : begin + 2 + int(rng.random() * (most - 2))])


def _export_of(rows: Sequence[dict[str, bytes]], rng: Random) -> bytes:
    out = io.BytesIO()
    for row in rows:
        for key, value in row.items():
            if rng.random() < 0.05:
                out.write(key.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n")
            else:
                out.write(key.encode() + b"=" + value + b"\n")
        out.write(b"\n")
    return out.getvalue()


def _export(rng: Random) -> bytes:
    rows = _some(rng)
    if rng.random() < 0.5:
        row = dict(rows[-1])
        key = list(row)[int(rng.random() * len(row))]
        row[key] = mutate_line(rng, row[key], pool())
        rows[int(rng.random() * len(rows))] = row
    return mutate_bytes(rng, _export_of(rows, rng))


@cache
def _real_journals() -> tuple[bytes, ...]:
    """The small ones of systemd's own, without the zeros behind their last object."""
    out = []
    for name in ("leap-plain", "dst-lz4", "rpi-xz"):
        data = lzma.decompress((JOURNALS / f"{name}.journal.xz").read_bytes())
        out.append(data.rstrip(b"\0") + bytes(16))
    return tuple(out)


def _packed_value(rng: Random, payload: bytes) -> tuple[int, bytes]:
    if rng.random() < 0.5:
        return 1, lzma.compress(payload, lzma.FORMAT_XZ)
    return 4, _zstd(payload)


def _journal(rng: Random) -> bytes:
    if rng.random() < 0.004:  # these hold hash tables of half a megabyte, which take long
        real = _real_journals()
        return mutate_bytes(rng, real[int(rng.random() * len(real))], step=8)
    entries = []
    for row in _some(rng):
        fields: list[tuple[str, bytes | tuple[int, bytes]]] = []
        for key, value in row.items():
            if key.startswith("__"):
                continue
            if rng.random() < 0.03:
                value = mutate_line(rng, value, pool())
            if rng.random() < 0.03:
                fields.append((key, _packed_value(rng, key.encode() + b"=" + value)))
            else:
                fields.append((key, value))
        boot = row.get("_BOOT_ID", b"").decode() or Entry.boot
        real, mono = row["__REALTIME_TIMESTAMP"], row.get("__MONOTONIC_TIMESTAMP", b"5")
        entries.append(Entry(int(real), int(mono), tuple(fields), boot))
    flags = 8 if rng.random() < 0.2 else 0
    data = write_journal(
        entries, compact=rng.random() < 0.5, per_array=1 + int(rng.random() * 5), online=rng.random() < 0.2, flags=flags
    )
    return mutate_bytes(rng, data, step=8 if rng.random() < 0.7 else 1)


@cache
def _zstd_module() -> Callable[[bytes], bytes]:
    from backports import zstd  # of the extras fast, zstd

    def pack(data: bytes) -> bytes:
        packed: bytes = zstd.compress(data, 1)
        return packed

    return pack


def _zstd(data: bytes) -> bytes:
    return _zstd_module()(data)


def _packed(pack: Callable[[bytes], bytes]) -> Callable[[Random], bytes]:
    def make(rng: Random) -> bytes:
        packed = pack(_text(rng) if rng.random() < 0.8 else _export(rng))
        if rng.random() < 0.1:
            packed += pack(_text(rng))
        if rng.random() < 0.05:
            packed = pack(packed)
        return mutate_bytes(rng, packed) if rng.random() < 0.85 else packed

    return make


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


_NAMES = ("k3s.log", "journald/k3s", "./systemlogs/syslog", "../../etc/x.log", "/abs/k3s.log", "a" * 90 + ".log",
          "x.gz", "in.tar", "in.zip", "systeminfo/date", "podlogs/kube-apiserver-x", "é\udcff.log",
          "k3s.journal", "")  # fmt: skip


def _member(rng: Random) -> tuple[str, bytes]:
    name = _NAMES[int(rng.random() * len(_NAMES))]
    match int(rng.random() * 8):
        case 0:
            return name, _gzip(_text(rng))
        case 1:
            return name, _journal(rng)
        case 2:
            return name, b"Mon Nov 23 16:08:43 UTC 2026\n"
        case 3:
            return name, _tar_of([("k3s.log", _text(rng))], rng)
        case _:
            return name, _text(rng)


def _tar_of(members: Sequence[tuple[str, bytes]], rng: Random) -> bytes:
    out = io.BytesIO()
    forms = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    with tarfile.open(fileobj=out, mode="w", format=forms[int(rng.random() * 3)], bufsize=512) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name or "x")
            info.size = len(data)
            if rng.random() < 0.1:
                info.type = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)[int(rng.random() * 4)]
                info.linkname, info.size = "k3s.log", 0
            tar.addfile(info, io.BytesIO(data))
    data = out.getvalue()
    return data.rstrip(b"\0") + bytes(1024) if rng.random() < 0.9 else data


def _tar(rng: Random) -> bytes:
    data = _tar_of([_member(rng) for _ in range(1 + int(rng.random() * 3))], rng)
    if rng.random() < 0.85:
        data = mutate_bytes(rng, data)
    return _gzip(data) if rng.random() < 0.3 else data


def _zip(rng: Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number in range(1 + int(rng.random() * 3)):
            name, data = _member(rng)
            kind = (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
            name = name.encode("utf-8", "replace").decode() or "x"
            made.writestr(f"{number}{name}", data, kind[int(rng.random() ** 2 * 4)], 1)
    data = out.getvalue()
    return mutate_bytes(rng, data) if rng.random() < 0.9 else data


def _utf16(rng: Random) -> bytes:
    kind = ("utf-16", "utf-16-le", "utf-16-be")[int(rng.random() * 3)]
    data = _text(rng).decode("utf-8", "replace").encode(kind, "replace")
    return mutate_bytes(rng, data) if rng.random() < 0.8 else data


FILES: dict[str, Callable[[Random], bytes]] = {
    "journal": _journal,
    "export": _export,
    "gz": _packed(_gzip),
    "bz2": _packed(lambda data: bz2.compress(data, 1)),
    "xz": _packed(lambda data: lzma.compress(data, preset=0)),
    "zst": _packed(_zstd),
    "tar": _tar,
    "zip": _zip,
    "utf16": _utf16,
    "text": _text,
}
KINDS = ("lines", *FILES)


def file_name(rng: Random, kind: str) -> str:
    """Under which name it is given; empty: through a pipe."""
    if rng.random() < 0.4:
        return ""
    ends = {"journal": (".journal", ".journal~"), "tar": (".tar", ".tgz"), "utf16": (".txt",), "text": (".log",)}
    choice = ends.get(kind, ("." + kind,))
    return f"fuzz{os.getpid()}" + (choice[int(rng.random() * len(choice))] if rng.random() < 0.8 else "")
