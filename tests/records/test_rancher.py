"""Rancher's own stamps: a date and a time without a zone."""

from __future__ import annotations

import io

from analyzer.records import LogRecord, read_log_records


def records(*rows: str) -> list[LogRecord]:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return log_records.records


def test_a_stamp_without_a_zone_is_a_time_that_is_not_absolute() -> None:
    rows = ["2026/01/05 20:44:05 [INFO] one", "2026/01/05 20:44:15 [FATAL] k3s exited with: exit status 1"]
    first, second = records(*rows)
    assert first.at is not None and second.at is not None
    assert second.at.us - first.at.us == 10_000_000
    assert not first.absolute and first.local_time == "2026-01-05 20:44:05"
    assert (second.level, second.message) == ("fatal", "[FATAL] k3s exited with: exit status 1")


def test_the_carrier_knows_better() -> None:
    [record] = records("2026-01-05T19:44:06.123456789Z 2026/01/05 20:44:05 [INFO] one")
    assert record.absolute and record.message == "[INFO] one" and record.local_time is None


def test_beside_stamps_with_a_zone_it_is_no_time() -> None:
    rows = ["2026/01/05 20:44:05 [INFO] one", 'time="2026-01-05T19:44:06Z" level=info msg="two"']
    first, second = records(*rows)
    assert first.at is None and second.absolute


def test_what_is_no_date_is_none() -> None:
    for row in ("2026/13/05 20:44:05 [INFO] one", "2026/01/05 29:44:05 [INFO] one"):
        [record] = records(row)
        assert record.at is None and record.message == row
