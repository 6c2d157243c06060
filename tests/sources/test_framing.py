"""Bytes that come in pieces give the lines and entries that they give as a whole."""

from __future__ import annotations

import io
import random

import pytest

from analyzer.records import read_log_records
from analyzer.records.carriers.export import as_export
from analyzer.records.growing import GrowingLog
from analyzer.sources.framing import VALUE_LIMIT, Entries, Lines
from analyzer.sources.raw_lines import LINE_LIMIT, RawLine, read_lines


def in_pieces(data: bytes, seed: int) -> list[bytes]:
    rng, at, found = random.Random(seed), 0, []
    while at < len(data):
        size = rng.choice((1, 3, 50, 1000, 70_000))
        found.append(data[at : at + size])
        at += size
    return found


@pytest.mark.parametrize("seed", range(6))
def test_lines(seed: int) -> None:
    rng = random.Random(seed)
    long = (LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, 3 * LINE_LIMIT)
    rows = [b"x" * rng.choice((0, 5, 80, *long)) for _ in range(12)]
    data = b"\n".join(rows) + rng.choice((b"", b"\n"))
    lines = Lines()
    found: list[RawLine] = []
    for piece in in_pieces(data, seed):
        found += lines.feed(piece)
    assert [*found, *lines.finish()] == list(read_lines(io.BufferedReader(io.BytesIO(data))))  # type: ignore[arg-type]


ENTRIES = (
    {"MESSAGE": b"plain", "_PID": b"7"},
    {"MESSAGE": b"two\nlines\n\nof it", "_PID": b"7"},
    {"MESSAGE": b"", "_PID": b"7"},
    {"MESSAGE": b"x" * (VALUE_LIMIT - 8), "_PID": b"7"},
    {"MESSAGE": b"x" * (VALUE_LIMIT + 5000), "_PID": b"7"},
    {"MESSAGE": (b"x" * 2000 + b"\n") * (VALUE_LIMIT // 1000), "_PID": b"7"},
    {"MESSAGE": b"bytes \xff\xfe", "_PID": b"7"},
)


def entry(number: int, fields: dict[str, bytes]) -> bytes:
    stamps = {"__CURSOR": b"i=%d" % number, "__REALTIME_TIMESTAMP": b"%d" % (1_795_450_148_000_000 + number)}
    return as_export({**stamps, **fields})


@pytest.mark.parametrize("seed", range(6))
def test_entries_with_values_of_any_kind(seed: int) -> None:
    rng = random.Random(seed)
    data = b"".join(entry(n, rng.choice(ENTRIES)) for n in range(20))
    log = GrowingLog("<stdin>")
    for piece in in_pieces(data, seed):
        log.feed(piece)
    whole = read_log_records(["-"], stdin=io.BytesIO(data))[0]
    assert log.log_records().records == whole.records
    assert log.log_records().ledger == whole.ledger


def test_a_damaged_entry_costs_itself_alone() -> None:
    good = [entry(n, {"MESSAGE": b"good %d" % n}) for n in range(4)]
    two = good[0][:-1] + good[0]  # no empty line between them
    data = good[0] + b"no field at all\nMESSAGE=lost\n\n" + good[1] + b"\n\n" + good[2] + two + good[3]
    log = GrowingLog("<stdin>")
    log.feed(data)
    whole = read_log_records(["-"], stdin=io.BytesIO(data))[0]
    assert [record.message for record in log.log_records().records] == [f"good {n}" for n in range(4)]
    assert log.log_records().records == whole.records


def test_what_never_ends_is_not_held() -> None:
    entries, lines = Entries(), Lines()
    for _ in range(200):
        assert list(entries.feed(b"x" * 100_000)) == []
        assert list(lines.feed(b"x" * 100_000)) == []
    assert len(entries._data) <= 3 * VALUE_LIMIT
    assert len(lines._rest) <= LINE_LIMIT
