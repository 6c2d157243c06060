"""``INFO[0042]`` counts from the process's last exec: its zero is on the axis, also where no line shows it."""

from __future__ import annotations

import io
from pathlib import Path

import analyzer
from analyzer.records import LogRecord, read_log_records

BANNER = "Starting k3s v1.30.4+k3s1 (0123abcd)"


def records(*rows: str) -> list[LogRecord]:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return log_records.records


def since_zero(record: LogRecord) -> float:
    assert record.at is not None and record.clock.zero_us is not None
    return (record.at.us - record.clock.zero_us) / 1e6


def test_a_text_that_begins_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "tail.txt"
    path.write_text("INFO[0041] Waiting for cloud-controller-manager\nINFO[0042] k3s is up and running\n")
    [start] = analyzer.analyze(path).report.starts
    assert start.detected.upper == 43.0


def test_every_process_has_a_zero_of_its_own() -> None:
    run = ["INFO[0000] " + BANNER, "INFO[0042] waiting", "FATA[0043] no token"]
    found = records(*run, *run)
    assert [since_zero(r) for r in found] == [0, 42, 43, 0, 42, 43]
    assert found[3].clock.zero_us != found[0].clock.zero_us


def test_a_banner_at_the_same_second_begins_another_one() -> None:
    found = records("INFO[0000] " + BANNER, "FATA[0001] no token", "INFO[0000] " + BANNER, "INFO[0001] up")
    assert found[0].clock.zero_us != found[2].clock.zero_us


def test_the_wrapper_before_dates_has_no_time() -> None:
    dated = [
        "INFO[2026-03-13T05:56:57.308000000Z] " + BANNER,
        "INFO[2026-03-13T05:57:01.879000000Z] k3s is up and running",
    ]
    wrapper, first, _ = records("INFO[0000] Preparing data dir /x", *dated)
    assert wrapper.at is None
    assert first.at is not None and first.at.precision_us == 1
    assert (first.absolute, first.clock.year_from, first.clock.utc_offset) == (True, "logrus", "+00:00")
