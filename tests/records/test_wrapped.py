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


@pytest.mark.parametrize(
    "head",
    [
        "",
        "Mar 01 06:03:21 node-a k3s[2425]: ",
        "2026-03-01T06:03:21+0000 node-a k3s[2425]: ",
        "2026-03-01T06:03:21.123456+00:00 node-a k3s[2425]: ",
        "Sun 2026-03-01 06:03:21 UTC node-a k3s[2425]: ",
        "[   11.123456] node-a k3s[2425]: ",
        "1772345001.123456 node-a k3s[2425]: ",
        "2026-03-01T06:03:21.123456789Z stderr F ",
        "k3s-1  | ",
    ],
)
@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("between_words", [False, True])
def test_a_whole_text_that_was_wrapped_is_joined_as_it_was(head: str, width: int, between_words: bool) -> None:
    """In the middle of a line's own head as well; whether blanks were lost shows where all lines were broken."""
    said = [
        ("info", "Starting k3s v1.34.2+k3s1 (66a14f0e)"),
        ("info", "Taking over what the last run has left in the database, as far as it can be read at all today"),
        ("warning", "The tables are as they should be but for one"),
        ("fatal", TEXT),
        ("info", "and the next thing"),
    ]
    lines = [f'{head}time="2026-03-01T06:03:21Z" level={level} msg="{text}"' for level, text in said]
    if between_words:
        rows = [row for line in lines for row in textwrap.wrap(line, width, break_on_hyphens=False)]
    else:
        rows = [line[at : at + width] for line in lines for at in range(0, len(line), width)]
    found = [(record.level, record.message) for record in records(*rows)]
    assert [(level, text.replace(" ", "")) for level, text in found] == [
        (level, text.replace(" ", "")) for level, text in said
    ]
    assert between_words or found == said
