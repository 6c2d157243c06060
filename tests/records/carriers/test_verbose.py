"""journalctl -o verbose: entries, their clocks, and what journalctl replaced."""

from __future__ import annotations

import io

import pytest

from analyzer.records import read_log_records
from analyzer.records.carriers.verbose import VERBOSE
from analyzer.timebase import SECOND

US = 1_772_344_800 * SECOND
HEAD = "Sun 2026-03-01 06:00:00.000000 UTC [s=1;i=1;b={boot};m={mono:x};t={us:x};x=1]\n"
BOOT = "9f8e7d6c5b4a43029180f1e2d3c4b5a6"


def entry(number: int, *fields: str) -> str:
    head = HEAD.format(boot=BOOT, mono=5_000_000 + number, us=US + number)
    return head + "".join(f"    {field}\n" for field in fields)


def test_entries_and_their_clocks() -> None:
    text = entry(0, "MESSAGE=one", "_PID=5", "SYSLOG_IDENTIFIER=k3s") + entry(1, "_PID=5", "MESSAGE=two")
    text += "            and its second line\n" + entry(2, "MESSAGE=[31B blob data]")
    found, _ = read_log_records(["-"], stdin=io.BytesIO(text.encode()))
    assert [(record.line, record.message) for record in found.records] == [
        (1, "one"), (2, "two"), (2, "and its second line"), (3, "[31B blob data]"),
    ]  # fmt: skip
    assert found.sources[0].lines == 3
    assert [record.lossy for record in found.records] == [False, False, False, True]
    stamps = [record.at.us for record in found.records if record.at is not None]
    assert [us - stamps[0] for us in stamps] == [0, 1, 1, 2]
    assert {record.boot_id for record in found.records} == {BOOT}


@pytest.mark.parametrize(("text", "told"), [(entry(0), True), ("\x1b[0;1m" + entry(0), True), ("MESSAGE=x\n", False)])
def test_how_such_a_text_begins(text: str, told: bool) -> None:
    assert VERBOSE.begins is not None
    assert VERBOSE.begins(text.encode()) is told
