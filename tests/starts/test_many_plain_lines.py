"""What is asked of every line must not look at all lines before it."""

from __future__ import annotations

import io
import time

from analyzer.records import read_log_records
from analyzer.starts import find_starts


def test_lines_without_a_process_take_time_in_proportion_to_their_number() -> None:
    def seconds(count: int) -> float:
        text = "\n".join(f'\t"FIELD_{n}": "words of k3s, number {n}",' for n in range(count))
        found, _ = read_log_records(["-"], stdin=io.BytesIO(text.encode()))
        begin = time.process_time()
        find_starts(found.records)
        return time.process_time() - begin

    seconds(500)
    few, many = min(seconds(1500) for _ in range(2)), min(seconds(6000) for _ in range(2))
    assert many < 9 * max(few, 0.01)  # four times as many: sixteen times as long if it were quadratic
