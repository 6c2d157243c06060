"""What editors, searches, pages and terminals do to every line of a text is undone; a log as it was printed stays."""

from __future__ import annotations

import io
import json
import textwrap
from collections.abc import Callable

import pytest

from analyzer.records import LogRecords, read_log_records

LONG = (
    "certificate CN=edge-7 signed by CN=k3s-server-ca@1772345000: notBefore=2026-03-01 06:03:20 +0000 UTC "
    "notAfter=2027-03-01 06:03:20 +0000 UTC"
)
WORDS = [
    'time="2026-03-01T06:03:22Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"',
    f'time="2026-03-01T06:03:23Z" level=info msg="{LONG}"',
    "I0301 06:03:24.020255    1193 secure_serving.go:213] Serving securely on 127.0.0.1:6444",
    'W0301 06:03:24.120255    1193 a.go:1] "Some trouble" err="no route to host" where="a place of many words, away"',
    'time="2026-03-01T06:03:26Z" level=info msg="Polling for API server readiness: GET /readyz failed: unknown"',
    f'time="2026-03-01T06:03:27Z" level=info msg="{LONG}"',
    'time="2026-03-01T06:03:28Z" level=warning msg="No room, no room: \\"they\\" cried out when they saw it coming"',
    f'time="2026-03-01T06:03:29Z" level=info msg="{LONG}"',
    'time="2026-03-01T06:03:31Z" level=info msg="Kube API server is now running"',
]
SHORT = [f"Mar 01 06:03:{22 + n} edge-7 k3s[1193]: {words}" for n, words in enumerate(WORDS)]
DOCKER = [f"2026-03-01T06:03:{22 + n}.{n}00000000Z {words}" for n, words in enumerate(WORDS)]
LOGS = [WORDS, SHORT, DOCKER]


def read(rows: list[str], end: str = "\n") -> LogRecords:
    """The log of a text with these lines."""
    found, errors = read_log_records(["-"], stdin=io.BytesIO((end.join(rows) + end).encode()))
    assert not errors
    return found


def told(rows: list[str], end: str = "\n") -> list[tuple[object, ...]]:
    """What is known of each line."""
    return [(r.message, r.level, r.host, r.pid, r.at, r.truncated) for r in read(rows, end).records]


def tagged(row: str) -> str:
    return '<div class="line">' + row.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;") + "</div>"


AROUND: dict[str, Callable[[int, str], str]] = {
    "grep -n": lambda n, row: f"{n + 1}:{row}",
    "cat -n": lambda n, row: f"{n + 1:6d}\t{row}",
    "numbers and a bar": lambda n, row: f"{n + 98:5d} | {row}",
    "grep -H": lambda n, row: f"/var/log/k3s.log:{row}",
    "grep -Hn": lambda n, row: f"k3s.log:{n + 1}:{row}",
    "a quotation of a quotation": lambda n, row: f">> {row}",
    "a comment": lambda n, row: f"// {row}",
    "a list": lambda n, row: f"• {row}",
    "a page's source": lambda n, row: tagged(row),
    "line breaks of a page": lambda n, row: f"{row}<br>",
    "bold": lambda n, row: f"**{row}**",
    "code": lambda n, row: f"`{row}`",
    "strings of JSON": lambda n, row: f"        {json.dumps(row)},",
    "cells of a table": lambda n, row: '"' + row.replace('"', '""') + '"',
}


@pytest.mark.parametrize("log", LOGS, ids=("cat", "short", "docker"))
@pytest.mark.parametrize("around", AROUND)
def test_what_stands_around_every_line_is_none_of_the_log(around: str, log: list[str]) -> None:
    assert told([AROUND[around](n, row) for n, row in enumerate(log)]) == told(log)


def test_a_number_before_some_lines_is_no_habit() -> None:
    rows = [*WORDS[:7], "12: " + WORDS[7], WORDS[8]]
    assert read(rows).records[-1].message == read(WORDS).records[-1].message
    assert len(read(rows).records) == len(WORDS)


@pytest.mark.parametrize("log", LOGS, ids=("cat", "short", "docker"))
@pytest.mark.parametrize("margin", ["", "    ", "> "])
@pytest.mark.parametrize("width", [80, 100, 121])
def test_records_broken_at_the_last_column_are_whole(width: int, margin: str, log: list[str]) -> None:
    rows = [margin + row[at : at + width] for row in log for at in range(0, len(row), width)]
    assert told(rows) == told(log)
    found = read(rows)
    assert found.ledger.lines == len(rows)
    assert found.ledger.reasons["record broken over several lines"] >= 3


@pytest.mark.parametrize("log", LOGS, ids=("cat", "short", "docker"))
@pytest.mark.parametrize(("margin", "indent"), [("", ""), ("> ", ""), ("", "    ")])
@pytest.mark.parametrize("width", [72, 100])
def test_records_broken_between_words_are_whole(width: int, margin: str, indent: str, log: list[str]) -> None:
    wrapper = textwrap.TextWrapper(width, break_on_hyphens=False, subsequent_indent=indent)
    rows = [margin + piece for row in log for piece in wrapper.wrap(row)]
    messages = [" ".join(str(line[0]).split()) for line in told(log)]
    assert [" ".join(str(line[0]).split()) for line in told(rows)] == messages
    assert not any(r.truncated for r in read(rows).records)


def test_a_record_has_the_number_of_its_first_piece() -> None:
    rows = [row[at : at + 80] for row in SHORT for at in range(0, len(row), 80)]
    assert [rows[r.line - 1].startswith("Mar 01") for r in read(rows).records] == [True] * len(SHORT)


def test_a_date_at_the_begin_of_a_piece_is_no_line_of_the_log() -> None:
    """A certificate's end, ten years later, may stand in the first column."""
    width = DOCKER[1].index("2027-03-01")
    signed = [DOCKER[1].replace("edge-7", f"edge-{n}") for n in range(6)]
    rows = [row[at : at + width] for row in signed for at in range(0, len(row), width)]
    assert told(rows) == told(signed)


def test_stack_traces_below_long_lines_are_no_pieces_of_them() -> None:
    panic = [
        "panic: nil pointer",
        "goroutine 1 [running]:",
        "main.main()",
        "\t/go/src/main.go:12 +0x1d",
        "exit status 2",
    ]
    rows = [*SHORT, *panic]
    assert len(read(rows).records) == len(SHORT) + len(panic)


def test_lines_that_a_pager_cut_are_not_joined() -> None:
    rows = [row[:80] + ">" if len(row) > 81 else row for row in SHORT]
    assert len(read(rows).records) == len(SHORT)


def test_lines_that_end_with_a_carriage_return_alone() -> None:
    assert told(SHORT, "\r") == told(SHORT)
