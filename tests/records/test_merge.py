"""Blocks that stand twice in one text, and what was missing above them."""

from __future__ import annotations

import io
from pathlib import Path

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


def two(folder: Path, first: list[str], second: list[str]) -> LogRecords:
    """Of two inputs."""
    paths = [folder / name for name in ("a.log", "b.log")]
    for path, rows in zip(paths, (first, second), strict=True):
        path.write_text("\n".join(rows) + "\n")
    log_records, errors = read_log_records(paths)
    assert not errors
    return log_records


def dated(second: int) -> str:
    return (
        f'Mar 01 06:00:{second:02d} node-a k3s[5]: time="2026-03-01T06:00:{second:02d}Z" level=info msg="line {second}"'
    )


def test_what_was_missing_above_a_copy_of_an_inputs_first_line_is_missing_above_that_line(
    tmp_path: Path,
) -> None:
    """An input does not know what stood above its first line; another may know that something was lost there."""
    rows = [dated(second) for second in range(10)]
    torn = [*rows[:4], "--", *rows[4:]]
    finer = [row.replace(" node-a", ".000000 node-a") for row in rows[4:]]  # the finer clock wins
    found = two(tmp_path, finer, torn).records
    assert [record.message for record in found] == [f"line {second}" for second in range(10)]
    assert [record.message for record in found if record.lost_before] == ["line 4"]
