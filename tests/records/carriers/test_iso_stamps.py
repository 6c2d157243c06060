"""What stands behind an ISO stamp, as the number of its digits tells."""

from __future__ import annotations

import pytest

from analyzer.records.carriers.iso_stamps import ISO, PIECE
from analyzer.records.draft import Outer

LINE = "node-a k3s[5]: words"


@pytest.mark.parametrize(
    ("stamp", "rest", "outer"),
    [
        ("2026-03-01T06:00:00Z", "words", Outer.UTC),
        ("2026-03-01T06:00:00.123456Z", "words", Outer.UTC),
        ("2026-03-01T06:00:00.12345678Z", "words", Outer.UTC),
        ("2026-03-01T06:00:00.123456789Z", LINE, Outer.UTC),  # docker's: a container's line names no writer
        ("2026-03-01T06:00:00.1234567Z", LINE, Outer.NONE),  # GitHub's, of its own printing
        ("2026-03-01T06:00:00.123456+01:00", "words", Outer.UTC),
        ("2026-03-01T06:00:00", "words", Outer.WALL),
    ],
)
def test_a_writer_is_looked_for_where_the_stamp_is_a_journals(stamp: str, rest: str, outer: Outer) -> None:
    assert ISO.peel is not None
    found = ISO.peel(f"{stamp} {LINE}")
    assert found is not None
    assert (found.rest, found.outer) == (rest, outer)
    assert found.host == ("node-a" if rest == "words" else None)


@pytest.mark.parametrize(("before", "whole"), [(PIECE, True), (PIECE - 1, False)])
def test_dockers_stamps_stand_where_it_cut_a_line(before: int, whole: bool) -> None:
    stamp = "2026-03-01T06:00:00.123456789Z "
    assert ISO.peel is not None
    found = ISO.peel(f"{stamp}{'x' * before}{stamp}and its end")
    assert found is not None
    assert (found.rest == "x" * before + "and its end") is whole
