"""Records that a terminal or a mail broke over several lines are read as one, at every level."""

from __future__ import annotations

import io
import textwrap

import pytest

from analyzer.records import LogRecord, read_log_records

TEXT = (
    "Shutdown request received: failed to start networking: unable to initialize network policy controller: error"
    " getting node subnet: failed to find interface with specified node ip, and much more that nobody wants to read at"
    " all, but that is long enough for a narrow terminal"
)
AFTER = 'time="2026-03-01T06:03:24Z" level=info msg="next"'


def records(*rows: str) -> list[LogRecord]:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return [record for record in log_records.records if record.message]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "fatal"])
@pytest.mark.parametrize("stamp", ["", 'time="2026-03-01T06:03:22Z" '])
def test_words_wrapped_and_columns_wrapped(width: int, level: str, stamp: str) -> None:
    line = f'{stamp}level={level} msg="{TEXT}"'
    between_words = textwrap.wrap(line, width)
    columns = [line[at : at + width] for at in range(0, len(line), width)]
    for rows in (between_words, columns) if width >= 80 else (between_words,):
        first, last = records(*rows, AFTER)
        assert last.message == "next"
        assert first.level == level and not first.truncated
        assert first.message.replace(" ", "") == TEXT.replace(" ", "")
        if width < 120:
            assert first.message == TEXT


def test_fields_behind_the_message_are_read_too() -> None:
    line = f'time="2026-03-01T06:03:22Z" level=error msg="{TEXT[:80]}" error="no" a=b'
    [first] = records(*(line[at : at + 80] for at in range(0, len(line), 80)))
    assert first.fields == {"error": "no", "a": "b"}


def test_prose_below_a_cut_line_is_no_part_of_it() -> None:
    cut = 'time="2026-03-01T06:03:22Z" level=error msg="Shutdown request received: failed to start'
    prose = ["I get this since the update.", "", "What I tried:", "another node", "reinstalling", 'setting "x" to "y"']
    first, *rest = records(cut, *prose)
    assert first.message == "Shutdown request received: failed to start" and first.truncated
    assert [r.message for r in rest] == [line for line in prose if line]


def test_a_record_of_many_pieces_without_an_end_is_given_up() -> None:
    rows = [f'level=error msg="{"a" * 70}', *(["b" * 79] * 5000)]
    found = records(*rows)
    assert found[0].truncated and len(found) >= 2
