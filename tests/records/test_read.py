"""How much of a text is held."""

from __future__ import annotations

import io

import pytest

from analyzer.records import read, read_log_records


@pytest.mark.parametrize(("lines", "left_out"), [(70, 0), (71, 1), (100, 30)])
def test_of_a_long_text_the_first_and_the_last_lines_are_held(
    lines: int, left_out: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "KEPT_LINES", 50)
    monkeypatch.setattr(read, "TAIL_LINES", 20)
    rows = [f'time="2026-03-01T12:{n // 60:02d}:{n % 60:02d}Z" level=info msg="line {n}"' for n in range(lines)]
    found, _ = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    held = [record.message for record in found.records]
    first = lines if lines <= 70 else 70
    kept_last = min(20, lines - first)
    assert held == [f"line {n}" for n in (*range(first), *range(lines - kept_last, lines))]
    assert [record.gap_before for record in found.records].count(True) == (1 if left_out > 20 else 0)
