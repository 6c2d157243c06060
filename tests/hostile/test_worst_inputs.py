"""The worst that can be fed: it ends, in bounded time and memory, with a report or one clear line.

Each runs as a process of its own, whose address space is limited and whose peak memory is measured. Gigabytes come
through a pipe: nothing of them is ever on disk.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.hostile.hostile_kit import BAD_INPUT, NO_DATA, healthy
from tests.kit.journal_writer import Entry, write_journal

MB = 1 << 20
ADDRESSES = 2048 * MB  # of address space: threads and mapped libraries count
# VmHWM on its last line of stderr: what wait4 tells counts the test's own process, whose copy it began as.
_PEAK = "print('\\n' + open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
COMMAND = [sys.executable, "-c", f"import sys\nfrom analyzer.cli.main import run\ntry: run()\nfinally: {_PEAK}"]


@dataclass(frozen=True)
class Ended:
    """How the command ended: exit code, outputs, processor time (s), peak of resident memory (bytes)."""

    code: int
    out: str
    err: str
    seconds: float
    peak: int


def run(*args: str | Path, feed: Iterable[bytes] | None = None, limit_s: int = 120) -> Ended:
    """Run the command with its limits; ``feed`` is what comes through the pipe."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 5))

    process = subprocess.Popen(
        [*COMMAND, *map(str, args)],
        stdin=subprocess.PIPE if feed is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limits,
    )  # fmt: skip

    def write() -> None:
        assert process.stdin is not None
        try:
            for piece in feed or ():
                process.stdin.write(piece)
            process.stdin.close()
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=write, daemon=True)
    if feed is not None:
        writer.start()
    texts: list[bytes] = [b"", b""]
    assert process.stdout is not None and process.stderr is not None
    err = threading.Thread(target=lambda: texts.__setitem__(1, process.stderr.read()))  # type: ignore[union-attr]
    err.start()
    texts[0] = process.stdout.read()
    err.join()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    said, _, peak = texts[1].decode().rstrip("\n").rpartition("\n")
    resident = int(peak) if peak.isdigit() else used.ru_maxrss  # killed before it could say
    return Ended(process.returncode, texts[0].decode(), said.strip(), used.ru_utime + used.ru_stime, resident * 1024)


def assert_bounded(ended: Ended, seconds: float, mb: int = 300) -> None:
    """It ended as the contract says, with no more than one line for each input that could not be read."""
    print(f"{ended.seconds:.1f} s, {ended.peak // MB} MB, exit {ended.code}: {ended.err.strip()[:200]}")
    assert ended.code in (0, BAD_INPUT, NO_DATA), ended.err
    assert "Traceback" not in ended.err
    if ended.code:
        assert len(ended.err.splitlines()) <= 3, ended.err
        assert ended.err.startswith("k3slog: ")
    assert ended.seconds < seconds
    assert ended.peak < mb * MB


def gigabyte(piece: bytes, *, head: bytes = b"", tail: bytes = b"\n") -> Iterator[bytes]:
    yield head
    block = piece * (MB // len(piece))
    for _ in range(1024):
        yield block
    yield tail


PRETTY = b'{\n\t"__REALTIME_TIMESTAMP" : "1795450122930912",\n\t"MESSAGE" : "'
EXPORT = b"__REALTIME_TIMESTAMP=1795450122930912\nMESSAGE="
VERBOSE = b"Mon 2026-11-23 16:08:42.930912 UTC [s=1;i=1;b=2;m=3;t=64c;x=4]\n    MESSAGE="
GIGABYTES = {
    "one line": (b"x", b""),
    "one line of k3s": (b"y", b'Nov 23 16:08:43 vm k3s[801]: time="2026-11-23T16:08:43Z" level=info msg="'),
    "newlines": (b"\n", healthy("short")[:2000] + b"\n"),
    "carriage returns": (b"\r", b"Nov 23 16:08:43 vm k3s[801]: x"),
    "NULs": (b"\0", b""),
    "NULs after a log": (b"\0", healthy("short")),
    "escapes": (b"\x1b[", b"Nov 23 16:08:43 vm k3s[801]: "),
    "one value of an export": (b"x", EXPORT),
    "one binary value of an export": (b"x", EXPORT[:-1] + b"\n" + struct.pack("<Q", 2**62)),
    "one value of json-pretty": (b"x", PRETTY),
    "one value of json": (b"x", PRETTY.replace(b"\n\t", b"")),
    "one value of verbose": (b"x", VERBOSE),
    "one cell of a table": (b"x", b'Time,Line\n2026-11-23T16:08:43Z,"'),
    "rows in one cell of a table": (b"x\n", b'Time,Line\n2026-11-23T16:08:43Z,"'),
    "one document": (b'{"a":1},', b"[ "),
    "UTF-16": ("x".encode("utf-16-le"), b"\xff\xfe"),
    "separators": (b"--\n", b"Nov 23 16:08:43 vm k3s[801]: x\n"),
    "open braces": (b"{\n", b"{\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("piece", "head"), GIGABYTES.values(), ids=GIGABYTES.keys())
def test_a_gigabyte(piece: bytes, head: bytes) -> None:
    assert_bounded(run("analyze", "-", feed=gigabyte(piece, head=head), limit_s=300), 200)


def _crash_loop(count: int) -> Iterator[bytes]:
    for first in range(0, count, 1000):
        rows = []
        for n in range(max(2, first), first + 1000):
            stamp = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=2 * n)).strftime("%Y-%m-%dT%H:%M:%S")
            rows.append(
                f'{stamp}+00:00 vm k3s[{n}]: time="{stamp}Z" level=info msg="Starting k3s v1.32.4+k3s1 (6b330558)"\n'
                f'{stamp}+00:00 vm k3s[{n}]: time="{stamp}Z" level=fatal msg="no"\n'
                f"{stamp}+00:00 vm systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE\n"
            )
        yield "".join(rows).encode()


@pytest.mark.slow
def test_a_million_starts() -> None:
    ended = run("analyze", "-", "--format", "json", feed=_crash_loop(1_000_000), limit_s=500)
    assert_bounded(ended, 400, 700)
    assert len(json.loads(ended.out)["starts"]) > 1000


def test_gz_in_gz_in_gz(tmp_path: Path) -> None:
    data = b"\n" * 1000
    for _ in range(40):
        data = gzip.compress(data, 1)
    (tmp_path / "x.gz").write_bytes(data)
    assert_bounded(run("analyze", tmp_path / "x.gz"), 10, 150)


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """200 MB of spaces as a small gz in a gz."""
    out = io.BytesIO()
    with gzip.open(out, "wb", 9) as packed:
        for _ in range(200):
            packed.write(b" " * MB)
    return gzip.compress(out.getvalue())


@pytest.mark.long
def test_a_bomb_in_gz(bomb: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(bomb)
    assert_bounded(run("analyze", tmp_path / "x.gz"), 30, 200)


def test_a_tar_of_bombs(bomb: bytes, tmp_path: Path) -> None:
    inner = gzip.decompress(bomb)
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for number in range(50):
            info = tarfile.TarInfo(f"journald/k3s{number}.log.gz")
            info.size = len(inner)
            tar.addfile(info, io.BytesIO(inner))
    assert_bounded(run("analyze", tmp_path / "x.tar"), 60, 250)


@pytest.mark.long
def test_a_zip_whose_members_are_the_same_bytes(tmp_path: Path) -> None:
    """Each of 3000 entries names the one member of 20 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("k3s.log", b"Nov 23 16:08:43 vm k3s[801]: x\n" * (20 * MB // 31))
    data = out.getvalue()
    at = data.index(b"PK\x01\x02")
    entry = data[at : data.index(b"PK\x05\x06")]
    end = bytearray(data[at + len(entry) :])
    struct.pack_into("<HHI", end, 8, 3000, 3000, 3000 * len(entry))
    (tmp_path / "x.zip").write_bytes(data[:at] + entry * 3000 + end)
    assert_bounded(run("analyze", tmp_path / "x.zip"), 60, 250)


@pytest.mark.parametrize("compact", [True, False])
def test_a_journal_whose_arrays_run_in_a_circle(compact: bool, tmp_path: Path) -> None:
    rows = [Entry(1_795_450_122_930_912 + n, n, (("MESSAGE", b"x"), ("_PID", b"%d" % n))) for n in range(60)]
    data = bytearray(write_journal(rows, compact=compact, per_array=4))
    (first,) = struct.unpack_from("<Q", data, 176)
    (second,) = struct.unpack_from("<Q", data, first + 16)
    struct.pack_into("<Q", data, second + 16, first)
    (tmp_path / "x.journal").write_bytes(data)
    assert_bounded(run("analyze", tmp_path / "x.journal"), 10, 150)


@pytest.mark.long
@pytest.mark.parametrize("deep", ["[", '{"a":', '[{"a":', '{"MESSAGE":[', '{"log":'])
def test_json_a_hundred_thousand_deep(deep: str, tmp_path: Path) -> None:
    text = "\n".join([deep * 100_000, healthy("short").decode(), deep * 100_000])
    (tmp_path / "x.json").write_text(text)
    assert_bounded(run("analyze", tmp_path / "x.json"), 20, 200)


NESTS = ("> ", "k3s-1  | ", "2026-11-23T16:08:43Z ", "<13>x", "[pod/a/b] ", "Nov 23 16:08:43 vm ", "* ",
         "`", "00O ", "{a} ", "2026-11-23T16:08:43.1Z stderr P ",
         "message repeated 2 times: [ ", "a: ", "data: ")  # fmt: skip


@pytest.mark.long
def test_envelopes_in_envelopes(tmp_path: Path) -> None:
    """Every nest fills a line to its limit; a reader that peeled without end would take its square in time."""
    rows = [(nest * 300_000)[: 256 * 1024 - 200] for nest in NESTS]
    (tmp_path / "x.log").write_bytes("\n".join([*rows, healthy("short").decode()]).encode())
    assert_bounded(run("analyze", tmp_path / "x.log"), 20, 200)


@pytest.mark.slow
def test_ten_thousand_inputs(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number}.log").write_text(f"Nov 23 16:08:43 vm k3s[{number}]: x\n")
    assert_bounded(run("analyze", tmp_path), 60, 300)


@pytest.mark.slow
def test_ten_thousand_inputs_by_name(tmp_path: Path) -> None:
    names = [tmp_path / f"{number}" for number in range(10_000)]
    for number, path in enumerate(names):
        path.write_text(f"Nov 23 16:08:43 vm k3s[{number}]: x\n")
    assert_bounded(run("analyze", *names), 90, 300)


def test_a_folder_with_a_pipe_and_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "a" / "k3s.log").write_bytes(healthy("short"))
    ended = run("analyze", tmp_path, "--format", "json")
    assert_bounded(ended, 10, 150)
    assert len(json.loads(ended.out)["starts"]) == 1
