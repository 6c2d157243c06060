"""What the fast scan passed over is in the ledger, to the line."""

from __future__ import annotations

import pytest

from analyzer.records.counted_lines import counted
from analyzer.records.draft import Tally
from analyzer.sources.raw_lines import RawLine

PASSED = "passed over by the fast scan"
DROPPED = "left out: more lines about starts than can be held"


@pytest.mark.parametrize(
    ("lines", "reasons", "passed"),
    [
        ([RawLine(1, b"a"), RawLine(2, b"b")], {}, 0),
        ([RawLine(1, b"a"), RawLine(3, b"b")], {PASSED: 1}, 1),
        ([RawLine(4, b"a")], {PASSED: 3}, 3),
        ([RawLine(1, b"a"), RawLine(5, b"b", dropped=2)], {PASSED: 1, DROPPED: 2}, 3),
        ([RawLine(1, b"a"), RawLine(5, b"b", dropped=3)], {DROPPED: 3}, 3),
        ([RawLine(1, b"a"), RawLine(5, b"", filler=True)], {PASSED: 4}, 4),
    ],
)
def test_passed_over(lines: list[RawLine], reasons: dict[str, int], passed: int) -> None:
    tally = Tally("x", 0)
    assert list(counted(lines, tally)) == [line for line in lines if not line.filler]
    assert (dict(tally.reasons), tally.lines) == (reasons, passed)
    assert len(tally.notes) == int(DROPPED in reasons)


def test_a_later_part_of_a_text_has_its_own_first_number() -> None:
    tally = Tally("x", 0)
    assert len(list(counted([RawLine(10, b"a"), RawLine(12, b"b")], tally, first=10))) == 2
    assert (dict(tally.reasons), tally.lines) == ({PASSED: 1}, 1)
