"""Packed inputs on their own: what they may cost, and what is read of damaged ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from pathlib import Path
from typing import Any

import pytest

from analyzer.records import LogRecords, read_log_records
from analyzer.sources import streams

LINES = [
    f'Mar 01 06:03:{n:02d} node-a k3s[1193]: time="2025-03-01T06:03:{n:02d}Z" level=info msg="line {n}"\n'.encode()
    for n in range(60)
]
LOG = b"".join(LINES)
PACKERS = [gzip.compress, bz2.compress, lzma.compress]


def read(data: bytes | Path) -> LogRecords:
    stdin = io.BytesIO(data) if isinstance(data, bytes) else None
    log_records, errors = read_log_records(["-" if stdin else data], stdin=stdin)
    assert errors == []
    return log_records


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RATIO_FROM", 1 << 20)


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("piped", [True, False])
def test_a_bomb_ends_early_and_says_so(pack: Any, piped: bool, small: None, tmp_path: Path) -> None:
    path = tmp_path / "k3s.log"
    path.write_bytes(pack(LOG + b"\n" * (8 << 20)))
    log_records = read(path.read_bytes() if piped else path)
    assert len(log_records.records) == len(LINES)
    (note,) = log_records.notes[0]
    assert note.startswith("reading stopped after ")
    assert note.endswith(" bytes (it unpacks to more than 500 times its size)")
    assert log_records.ledger.reasons["input ends early"] == 1
    assert log_records.ledger.lines < 6 << 20


def test_a_bomb_in_a_folder_ends_alone(small: None, tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(LOG + b"\n" * (8 << 20)))
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(LOG + LOG[:300]))
    log_records = read(tmp_path)
    assert len(log_records.sources) == 2
    assert list(log_records.notes) == [0]


@pytest.mark.long
@pytest.mark.parametrize("pack", PACKERS)
def test_logs_that_repeat_themselves_are_read_whole(pack: Any, tmp_path: Path) -> None:
    """A crash loop without stamps shrinks a thousandfold."""
    path = tmp_path / "k3s.log"
    path.write_bytes(pack(LOG + LINES[0] * 40_000 + LINES[-1]))
    assert path.stat().st_size * 200 < len(LINES[0]) * 40_000
    log_records = read(path)
    assert log_records.ledger.lines == 40_061
    assert "input ends early" not in log_records.ledger.reasons


@pytest.mark.parametrize("pack", PACKERS)
def test_a_short_packed_log_that_is_cut_off_is_read_as_far_as_it_goes(pack: Any) -> None:
    log_records = read(pack(LOG * 2)[:-20] if pack is gzip.compress else pack(LOG) + pack(LOG)[:40])
    assert len(log_records.records) >= 40
    assert "the input is damaged after" in log_records.notes[0][0]
