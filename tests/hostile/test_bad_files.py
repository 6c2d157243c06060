"""Inputs that are not a k3s journal: the right exit code, exactly one clear line, nothing on stdout, no traceback."""

from __future__ import annotations

import gzip
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.hostile.hostile_kit import BAD_INPUT, NO_DATA, Ran, healthy, k3slog


def assert_one_line(ran: Ran, code: int, *words: str) -> None:
    """Exit ``code``, one line on stderr that holds ``words``, nothing on stdout."""
    assert ran.code == code, ran
    assert ran.out == ""
    assert len(ran.complaints) == 1, ran.err
    assert ran.err.startswith("k3slog: ")
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err


def png() -> bytes:
    """A valid one-pixel picture, with the chunks of noise that a photo has."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    noise = random.Random(1).randbytes(20_000)
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"eXIf", noise)
        + chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
        + chunk(b"IEND", b"")
    )


NGINX = b"".join(
    b'203.0.113.%d - - [01/Mar/2025:06:%02d:%02d +0000] "GET /readyz?verbose HTTP/1.1" 503 19\n' % (n, n // 60, n % 60)
    for n in range(200)
)


def test_a_missing_file(tmp_path: Path) -> None:
    assert_one_line(k3slog("analyze", tmp_path / "journal.txt"), BAD_INPUT, "journal.txt")


def test_a_folder_with_nothing_in_it(tmp_path: Path) -> None:
    assert_one_line(k3slog("analyze", tmp_path), BAD_INPUT, tmp_path.name)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.log"
    path.write_bytes(b"")
    assert_one_line(k3slog("analyze", path), NO_DATA)


def test_empty_standard_input() -> None:
    assert_one_line(k3slog("analyze", "-"), NO_DATA)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("photo.png", png()),
        ("noise.bin", random.Random(2).randbytes(100_000)),
        ("nuls", b"\0" * 50_000),
        ("elf", b"\x7fELF\x02\x01\x01" + random.Random(3).randbytes(30_000)),
    ],
)
def test_a_file_that_is_not_text(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert_one_line(k3slog("analyze", path), BAD_INPUT, name)


@pytest.mark.parametrize(
    "content",
    [NGINX, b"hello\n", b"\n" * 1000, b'{"level":"info"}\n' * 100, b"PASS\nok  \tmodule 0.1s\n"],
    ids=["nginx", "one-word", "blank-lines", "json", "test-output"],
)
def test_a_log_of_another_program(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.log"
    path.write_bytes(content)
    assert_one_line(k3slog("analyze", path), NO_DATA)


def test_a_compressed_file_that_is_cut_says_so_and_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = gzip.compress(healthy())
    path = tmp_path / "journal.gz"
    path.write_bytes(whole[: len(whole) // 2])
    ran = k3slog("analyze", path, "--format", "json")
    assert ran.code in (0, BAD_INPUT)
    assert "Traceback" not in ran.err
    assert len(ran.complaints) <= 1
    assert ran.out or ran.complaints


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zst"])
def test_a_name_that_promises_compression_the_content_does_not_keep(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"journal{suffix}"
    path.write_bytes(healthy())
    ran = k3slog("analyze", path, "--format", "json")  # the content decides, not the name
    assert ran.code == 0, ran.err


@pytest.mark.long
@pytest.mark.parametrize(
    ("unpacked", "ratio_from"),
    [(256 << 20, 128 << 20), pytest.param(2 << 30, 1 << 30, marks=pytest.mark.slow, id="as it is")],
)
def test_a_decompression_bomb_ends_soon_and_small(unpacked: int, ratio_from: int, tmp_path: Path) -> None:
    """It may not take the memory of what is read before the ratio counts, nor half of what the file unpacks to."""
    path = tmp_path / "bomb.gz"
    with path.open("wb") as raw:  # zeros, a thousandth of them packed
        packed = zlib.compressobj(9, wbits=31)
        block = bytes(1 << 24)
        for _ in range(unpacked // len(block)):
            raw.write(packed.compress(block))
        raw.write(packed.flush())
    code = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({ratio_from}, {ratio_from}))\n"
        "from analyzer.cli.main import run\n"
        "from analyzer.sources import streams\n"
        f"streams.RATIO_FROM = {ratio_from}\n"
        "run()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "analyze", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode in (BAD_INPUT, NO_DATA), ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert "Traceback" not in ran.stderr


def test_good_inputs_are_analysed_beside_bad_ones(tmp_path: Path) -> None:
    good = tmp_path / "good.txt"
    good.write_bytes(healthy())
    ran = k3slog("analyze", good, tmp_path / "missing.txt", tmp_path / "also-missing.txt", "--format", "json")
    assert ran.code == BAD_INPUT
    assert '"outcome": "ready"' in ran.out
    assert len(ran.complaints) == 2
    assert "missing.txt" in ran.complaints[0]


def test_a_reader_that_leaves_early_is_no_error_on_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "journal.txt"
    path.write_bytes(healthy())
    writer = subprocess.Popen(
        [sys.executable, "-m", "analyzer.cli.main", "analyze", str(path), "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    said = writer.stderr.read()
    writer.stderr.close()
    assert writer.wait(timeout=60) == 141
    assert said == b""
