"""Blocks that stand twice in one text, and what was missing above them."""

from __future__ import annotations

import io

import pytest

from analyzer.records import LogRecords, read_log_records
from analyzer.records.merge import BLOCK


def read(rows: list[str]) -> LogRecords:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return log_records


def row(second: int) -> str:
    return f'Mar 01 06:{second // 60:02d}:{second % 60:02d} node-a k3s[5]: level=info msg="line {second}"'


ROWS = [row(second) for second in range(0, 400, 20)]


@pytest.mark.parametrize(("length", "dropped"), [(BLOCK - 1, False), (BLOCK, True)])
def test_five_lines_in_a_row_are_a_block(length: int, dropped: bool) -> None:
    found = read([*ROWS, *ROWS[2 : 2 + length], row(420)]).records
    assert len(found) == len(ROWS) + 1 + (0 if dropped else length)


def test_what_was_missing_within_the_second_block_is_missing_behind_the_first() -> None:
    torn = [*ROWS[2:5], "--", *ROWS[5:9]]
    assert [r.message for r in read([*ROWS, *torn, row(420)]).records if r.lost_before] == ["line 420"]
    first_too = [*ROWS[:5], "--", *ROWS[5:]]
    assert [r.message for r in read([*first_too, *torn, row(420)]).records if r.lost_before] == ["line 100"]
