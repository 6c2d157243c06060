"""A hole in an export joins the begin of one entry and the rest of another: whose stamp it has nobody knows."""

from __future__ import annotations

import re
from pathlib import Path

import analyzer

EXPORT = Path(__file__).parents[2] / "sample_logs" / "datastore-stall.export"


def test_what_two_entries_make_together_is_no_entry(tmp_path: Path) -> None:
    """Every cut that leaves a field twice which journald gives once: the start's windows still hold its truth."""
    whole = EXPORT.read_bytes()
    (start,) = analyzer.analyze(EXPORT).report.starts
    assert start.ready.lower is not None and start.ready.upper is not None
    entries = whole.split(b"\n\n")
    early, late = entries[40], entries[-30]
    cut = early[: early.index(b"_SYSTEMD_SLICE")] + late[late.index(b"_BOOT_ID") :]
    log = tmp_path / "cut.export"
    log.write_bytes(b"\n\n".join([*entries[:40], cut, *entries[-29:]]))
    (shown,) = analyzer.analyze(log).report.starts
    assert shown.ready.upper is None or shown.ready.upper >= start.ready.lower


def test_a_message_later_than_its_own_stamp_is_of_another_entry(tmp_path: Path) -> None:
    """A hole behind a stamp, up to within the fields of a later entry: no field is there twice."""
    whole = EXPORT.read_bytes()
    (start,) = analyzer.analyze(EXPORT).report.starts
    assert start.ready.lower is not None
    found = 0
    entries = whole.split(b"\n\n")
    for at in range(10, 60, 10):
        early, late = entries[at], next(e for e in entries[at:] if b"Kube API server is now running" in e)
        cut = early[: early.index(b"_TRANSPORT")] + late[late.index(b"_TRANSPORT") :]
        log = tmp_path / "cut.export"
        log.write_bytes(b"\n\n".join([*entries[:at], cut]) + b"\n\n")
        report = analyzer.analyze(log).report
        assert report.starts[0].ready.upper is None
        found += report.ledger.reasons["damaged entry"]
    assert found == 5


def test_a_broken_identity_is_no_other_boot_and_no_other_unit(tmp_path: Path) -> None:
    entries = EXPORT.read_bytes().split(b"\n\n")
    broken = {b"_BOOT_ID=9aac59c19c629ed6a578e9b22676421d": b"_BOOT_ID=9aac59c19c629ed6a578e9b2267_ID=8d1c2b0f4a5e",
              b"_SYSTEMD_UNIT=k3s.service": b"_SYSTEMD_UNIT=k3s.se741f9e514deeb79a4346"}  # fmt: skip
    for good, bad in broken.items():
        assert good in entries[50]
        log = tmp_path / "cut.export"
        log.write_bytes(b"\n\n".join([*entries[:50], entries[50].replace(good, bad), *entries[51:]]))
        report = analyzer.analyze(log).report
        assert len(report.starts) == 1 and report.ledger.reasons["damaged entry"] == 1


def test_who_hides_identities_everywhere_breaks_none(tmp_path: Path) -> None:
    """Shortened boots, units without their type: nobody's entry is damaged by that."""
    (whole,) = analyzer.analyze(EXPORT).report.starts
    for pattern, short in ((rb"(?m)^_BOOT_ID=.*$", b"_BOOT_ID=9aac59c19c629ed6"),
                           (rb"(?m)^_SYSTEMD_UNIT=k3s\.service$", b"_SYSTEMD_UNIT=k3s")):  # fmt: skip
        log = tmp_path / "short.export"
        log.write_bytes(re.sub(pattern, short, EXPORT.read_bytes()))
        report = analyzer.analyze(log).report
        assert report.ledger.malformed == 0
        assert [start.ready for start in report.starts] == [whole.ready]
