"""Stamps of several clocks on one axis."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from analyzer.records import read_log_records
from analyzer.timebase import SECOND
from tests.kit.handmade import ZERO_US, Journal


def test_an_entry_without_the_monotonic_stamp_of_its_boot_stays_at_its_own_and_is_no_step() -> None:
    journal = Journal().begin(1.0).say(2.0, "one").say(3.0, "two").say(4.0, "three")
    del journal.rows[-2]["__MONOTONIC_TIMESTAMP"]
    found = journal.log_records()
    assert not found.steps
    at = [record.at.us - ZERO_US for record in found.records if record.at is not None]
    assert at[-3:] == [2 * SECOND, 3 * SECOND, 4 * SECOND]


def test_stamps_of_a_log_that_was_shown_or_stored_at_once_do_not_count(tmp_path: Path) -> None:
    """A viewer, or a store into which a file was loaded, stamps each line with the moment at which it did so."""
    words = [f'time="2026-03-01T06:03:{10 + 3 * n}Z" level=info msg="line {n}"' for n in range(9)]
    shown = [f"2026-03-05T09:00:00.{n:03d}Z {text}" for n, text in enumerate(words)]
    late = [f"2026-03-01T06:03:{11 + 3 * n}.{n:03d}Z {text}" for n, text in enumerate(words)]

    def seconds(rows: list[str]) -> list[int]:
        path = tmp_path / "log.txt"
        path.write_text("\n".join(rows) + "\n")
        found, _ = read_log_records([path])
        at = [record.at.us // SECOND for record in found.records if record.at is not None]
        return [one - at[0] for one in at]

    assert seconds(shown) == seconds(late) == [3 * n for n in range(9)]
    path = tmp_path / "log.txt"
    path.write_text("\n".join(shown) + "\n")
    [first, *_] = read_log_records([path])[0].records
    assert first.at is not None
    assert first.at.us == int(datetime(2026, 3, 1, 6, 3, 10, tzinfo=UTC).timestamp()) * SECOND
