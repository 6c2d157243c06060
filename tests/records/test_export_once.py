"""A hole in an export joins the begin of one entry and the rest of another: whose stamp it has nobody knows."""

from __future__ import annotations

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
