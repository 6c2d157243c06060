"""klog's header names the process, where the carrier does not."""

from __future__ import annotations

import io

from analyzer.records import read_log_records


def test_klog_names_its_process() -> None:
    rows = [
        "I0301 06:03:22.000010    1289 a.go:1] one",
        'time="2026-03-01T06:03:22Z" level=info msg="two"',
        "I0301 06:03:22.000010  999999999999999999 a.go:1] three",
    ]
    log_records, _ = read_log_records(["-"], stdin=io.BytesIO("\n".join(rows).encode()))
    assert [(r.klog_pid, r.pid) for r in log_records.records] == [(1289, None), (None, None), (None, None)]
