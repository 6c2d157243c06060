"""A log that grows is at any moment what the text so far, read as a whole, would give."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.records import read_log_records
from analyzer.records.growing import GrowingLog
from analyzer.records.log_records import LogRecords
from tests.kit.continuation import recorded_text

SAMPLES = Path(__file__).parents[2] / "sample_logs"


def whole(text: bytes) -> LogRecords:
    return read_log_records(["-"], stdin=io.BytesIO(text))[0]


def grown(text: bytes, rng: random.Random) -> GrowingLog:
    """The log after ``text`` came in pieces of any length."""
    log, at = GrowingLog("<stdin>"), 0
    while at < len(text):
        size = rng.choice((1, 7, 100, 4096, 30_000))
        log.feed(text[at : at + size])
        at += size
    return log


def same(log: GrowingLog, text: bytes) -> bool:
    mine, theirs = log.log_records(), whole(text)
    assert mine.records == theirs.records
    assert mine.sources == theirs.sources
    assert (mine.ledger, mine.steps, mine.notes, mine.skew_us) == (
        theirs.ledger,
        theirs.steps,
        theirs.notes,
        theirs.skew_us,
    )
    return True


def pieces_of(path: Path, carrier: str) -> list[bytes]:
    return list(recorded_text(path, carrier).pieces)


def prefixes(pieces: list[bytes], count: int, rng: random.Random) -> Iterator[bytes]:
    cuts = sorted(rng.sample(range(1, len(pieces) + 1), min(count, len(pieces))))
    yield from (b"".join(pieces[:cut]) for cut in cuts)


@pytest.mark.parametrize("carrier", ["export", "short", "cat"])
@pytest.mark.parametrize("path", sorted((SAMPLES / "recorded").glob("*.gz"))[:3], ids=lambda path: path.name[:20])
def test_a_recording_that_grows_is_at_any_moment_what_it_is_as_a_whole(path: Path, carrier: str) -> None:
    rng = random.Random(f"{path.name}/{carrier}")
    pieces = pieces_of(path, carrier)
    log, fed = GrowingLog("<stdin>"), 0
    for text in prefixes(pieces, 5, rng):
        log.feed(text[fed:])
        fed = len(text)
        assert same(log, text)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.txt")) + sorted(SAMPLES.glob("*.export")), ids=lambda p: p.name)
def test_a_sample_in_any_pieces_is_what_it_is_as_a_whole(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    rng = random.Random(path.name)
    for cut in (*sorted(rng.sample(range(2, len(lines)), 3)), len(lines)):
        text = b"".join(lines[:cut])
        if path.suffix == ".export":
            text = text[: text.rfind(b"\n\n") + 2]
        assert same(grown(text, rng), text)
