"""The scan of large inputs: same starts as from a small file, exact line numbers, nothing kept that should not be."""

from __future__ import annotations

import io
import random
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from carrier_files import RECORDED, as_cat, as_export, as_json, as_short, export_rows

from analyzer.records import read_book
from analyzer.sources import scan, search
from analyzer.sources.lines import LINE_LIMIT, RawLine

ENGINES = [search.stdlib_engine(), search.automaton_engine()]
NOISE = b'Nov 23 16:20:00 vm k3s[%d]: time="2026-11-23T16:20:00Z" level=info msg="Wrote ping of %d"\n'


def noise(lines: int, pid: int = 7) -> bytes:
    return b"".join(NOISE % (pid, n) for n in range(lines))


@pytest.fixture(autouse=True)
def short_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "HEAD_LINES", 200)
    monkeypatch.setattr(scan, "AFTER_READY", 400)


def run(data: bytes, engine: search.Engine) -> list[RawLine]:
    return list(scan.candidates(io.BufferedReader(io.BytesIO(data)), True, engine))  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES, ids=["stdlib", "automaton"])
def test_a_start_within_noise_is_kept_whole(engine: search.Engine | None) -> None:
    if engine is None:
        pytest.skip("ahocorasick_rs is not installed")
    start = as_short(export_rows(RECORDED / "1322-tz-kolkata.export.gz"))
    data = noise(20_000) + start + noise(20_000)
    kept = run(data, engine)
    lines = data.split(b"\n")
    assert all(lines[line.number - 1] == line.data for line in kept)
    numbers = [line.number for line in kept]
    assert numbers == sorted(set(numbers))
    count = start.count(b"\n")
    assert set(range(20_001, 20_001 + count)) <= set(numbers)
    assert len(kept) < count + scan.HEAD_LINES + scan.AFTER_READY + 4 * scan.BEFORE
    for before, line in pairwise(kept):
        assert line.gap == (line.number != before.number + 1)


@pytest.mark.parametrize("engine", ENGINES, ids=["stdlib", "automaton"])
@pytest.mark.parametrize("seed", range(6))
def test_numbers_hold_across_blocks_and_endless_lines(engine: search.Engine | None, seed: int) -> None:
    if engine is None:
        pytest.skip("ahocorasick_rs is not installed")
    dice = random.Random(seed)
    rows = []
    for number in range(3000):
        size = dice.choice([0, 5, 80, 300, 3000]) if dice.random() < 0.99 else dice.choice([70_000, 200_000, 600_000])
        word = dice.choice([b"", b"", b"", b" level=fatal msg=", b" systemd[1]: Started x", b"] Serving securely"])
        rows.append(b"%d|" % number + b"x" * (size // 2) + word + b"y" * (size // 2))
    data = b"\n".join(rows) + dice.choice([b"\n", b""])
    kept = run(data, engine)
    for line in kept:
        assert line.filler or rows[line.number - 1][:LINE_LIMIT] == line.data
    numbers = {line.number for line in kept}
    for number, row in enumerate(rows, 1):
        if any(word in row[:LINE_LIMIT] for word in (b" level=fatal msg=", b"systemd[1]: Started", b"] Serving securely")):
            assert number in numbers
    assert len(rows) in numbers


@pytest.mark.parametrize("carrier", ["short", "cat", "json", "export"])
def test_a_large_file_reads_like_a_small_one(carrier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = export_rows(RECORDED / "1322-etcd-fresh.export.gz")
    first = {**rows[-1], "MESSAGE": b'time="2026-11-23T16:20:00Z" level=info msg="Wrote ping"'}
    padding = []
    for number in range(3000):
        stamp = int(rows[0]["__REALTIME_TIMESTAMP"]) - 4_000_000_000 + number * 1000
        mono = int(rows[0]["__MONOTONIC_TIMESTAMP"]) - 400_000_000 + number * 1000
        padding.append(
            {**first, "__REALTIME_TIMESTAMP": b"%d" % stamp, "__MONOTONIC_TIMESTAMP": b"%d" % mono, "_PID": b"7"}
        )
    write = {"short": as_short, "cat": as_cat, "json": as_json, "export": as_export}[carrier]
    path = tmp_path / "journal"
    path.write_bytes(write(padding + rows))
    small, _ = read_book([path])
    monkeypatch.setattr("analyzer.records.read.BIG", 1000)
    large, errors = read_book([path])
    assert not errors
    assert large.ledger.lines == small.ledger.lines
    assert large.ledger.ignored == small.ledger.ignored
    assert large.ledger.reasons["passed over by the fast scan"] > 2000
    kept = {r.line: r for r in large.records}
    # An export passes over the few lines between systemd's line and the banner.
    want = [r for r in small.records if r.line > 3002]
    assert len(want) > 300
    for record in want:
        same = kept[record.line]
        assert (same.message, same.at, same.payload, same.pid) == (
            record.message,
            record.at,
            record.payload,
            record.pid,
        )
    gaps = [r.line for r in large.records if r.gap_before]
    assert gaps
    assert max(gaps) >= 2900


def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as out:
        block = noise(5000)
        while out.tell() < 48 << 20:
            out.write(block)
    tracemalloc.start()
    book, errors = read_book([path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not errors
    assert peak < 8 << 20
    assert len(book.records) < 500
    assert book.ledger.lines > 400_000
    assert book.ledger.ignored == book.ledger.lines
