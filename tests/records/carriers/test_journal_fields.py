"""What the fields of a journal's entry say of its text."""

from __future__ import annotations

import io
import json

import pytest

from analyzer.records import read_log_records
from analyzer.records.carriers.journal_fields import from_fields, stamped
from analyzer.records.draft import Outer, Tally
from analyzer.timebase import SECOND

LINE_MAX = 49152  # bytes at which journald splits a line


@pytest.mark.parametrize(
    ("length", "mark", "records"), [(LINE_MAX, True, 1), (LINE_MAX - 1, True, 2), (LINE_MAX, False, 2)]
)
def test_a_line_goes_on_in_the_next_entry_only_when_journald_split_it(length: int, mark: bool, records: int) -> None:
    """It says so of every text that was not ended by a line's end, and splits at that length only."""
    head = 'time="2026-03-01T12:00:00Z" level=info msg="'
    first = {"MESSAGE": head + "x" * (length - len(head)), **({"_LINE_BREAK": "line-max"} if mark else {})}
    rows = [
        {"__REALTIME_TIMESTAMP": f"17723448000000{n:02d}", "SYSLOG_IDENTIFIER": "k3s", "_PID": "5", "_HOSTNAME": "a"}
        | row
        for n, row in enumerate([first, {"MESSAGE": 'and its end"'}])
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    found, errors = read_log_records(["-"], stdin=io.BytesIO(text.encode()))
    assert not errors
    assert len([record for record in found.records if record.message]) == records


@pytest.mark.parametrize(
    ("fields", "lossy", "messages"),
    [({}, False, []), ({}, True, [""]), ({"MESSAGE": ""}, False, [""]), ({"MESSAGE": "a\n \nb"}, False, ["a", "b"])],
)
def test_an_entry_without_a_message_is_none_unless_the_message_was_lost(
    fields: dict[str, str], lossy: bool, messages: list[str]
) -> None:
    drafts = from_fields(fields, Tally("x", 0), 1, lossy=lossy)
    assert [draft.message for draft in drafts] == messages
    assert all(draft.lossy is lossy for draft in drafts)


SECOND_OF_2026 = 1_772_344_800


@pytest.mark.parametrize(
    ("stamp", "outer", "us"),
    [
        (f"{SECOND_OF_2026}000001999", Outer.UTC, SECOND_OF_2026 * SECOND + 1),  # nanoseconds
        (f"{SECOND_OF_2026}000001", Outer.UTC, SECOND_OF_2026 * SECOND + 1),  # microseconds
        (f"{SECOND_OF_2026}00000", Outer.NONE, 0),
        (f"{SECOND_OF_2026}0000019990", Outer.NONE, 0),
        ("2026-03-01T06:00:00Z", Outer.UTC, SECOND_OF_2026 * SECOND),
        ("2026-03-01T06:00:00", Outer.NONE, 0),  # whose time?
        ("Mar 1, 2026 @ 06:00:00.000", Outer.WALL, SECOND_OF_2026 * SECOND),
        ("Foo 1, 2026 @ 06:00:00.000", Outer.NONE, 0),
    ],
)
def test_the_stamp_that_a_shipper_gives(stamp: str, outer: Outer, us: int) -> None:
    [draft] = stamped("words", stamp, Tally("x", 0), 1, {})
    assert (draft.outer, draft.value) == (outer, us)
