"""Values that are longer than is held, and entries whose framing is damaged."""

from __future__ import annotations

import io

import pytest

from analyzer.records.carriers.export import of_entry, read_export
from analyzer.records.carriers.journal_fields import MESSAGE_LIMIT
from analyzer.records.draft import Tally
from analyzer.sources.raw_lines import RawLine

STAMP = b"__REALTIME_TIMESTAMP=1772344800000000\n"
NEXT = b"\n" + STAMP + b"MESSAGE=next\n"


def binary(value: bytes, length: int | None = None) -> bytes:
    """An entry with a value whose length stands before it."""
    size = len(value) if length is None else length
    return STAMP + b"MESSAGE\n" + size.to_bytes(8, "little") + value + b"\n"


@pytest.mark.parametrize("length", [1, MESSAGE_LIMIT, MESSAGE_LIMIT + 10, MESSAGE_LIMIT + (2 << 20)])
def test_behind_a_long_value_reading_goes_on_where_it_ends(length: int) -> None:
    tally = Tally("x", 0)
    drafts = list(read_export(io.BytesIO(binary(b"x" * length) + NEXT), tally))
    assert [len(draft.message) for draft in drafts] == [min(length, MESSAGE_LIMIT), len("next")]
    assert (tally.lines, tally.truncated) == (2, int(length > MESSAGE_LIMIT))
    assert not any(draft.gap_before for draft in drafts)


def test_a_length_that_is_too_small_costs_one_entry() -> None:
    tally = Tally("x", 0)
    data = STAMP + b"MESSAGE=first\n\n" + binary(b"words", 4) + NEXT
    drafts = list(read_export(io.BytesIO(data), tally))
    assert [(draft.message, draft.lost_before) for draft in drafts] == [("first", False), ("next", True)]
    assert len(tally.malformed_lines) == 1


@pytest.mark.parametrize(("length", "messages"), [(100, ["words"]), (1 << 32, ["words"]), ((1 << 32) + 1, [])])
def test_a_value_behind_which_the_text_ends_is_cut_unless_nothing_is_so_long(length: int, messages: list[str]) -> None:
    tally = Tally("x", 0)
    drafts = list(read_export(io.BytesIO(binary(b"words", length)), tally))
    assert [draft.message for draft in drafts] == messages
    assert all(draft.lossy for draft in drafts)
    assert len(tally.malformed_lines) == int(not messages)


@pytest.mark.parametrize("gap", [True, False])
def test_a_gap_lies_before_the_first_line_of_an_entry(gap: bool) -> None:
    entry = RawLine(7, binary(b"one\ntwo"), gap=gap)
    drafts = list(of_entry(entry, Tally("x", 0), 7))
    assert [(draft.message, draft.gap_before) for draft in drafts] == [("one", gap), ("two", False)]
