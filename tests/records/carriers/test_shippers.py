"""What log stores put around a line: its text, its moment and its machine are found in each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyzer.records import LogRecord, LogRecords, read_log_records

LINE = 'time="2026-06-11T10:00:00Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"'
AT = "2026-06-11T10:00:00.250Z"


def read(data: str, folder: Path) -> LogRecords:
    """The records of a text."""
    path = folder / "log.txt"
    path.write_text(data)
    return read_log_records([path])[0]


def record(data: str, folder: Path) -> LogRecord:
    """The only record of a text."""
    [found] = read(data, folder).records
    return found


@pytest.mark.parametrize(
    "data",
    [
        {"@timestamp": AT, "message": LINE, "host": {"name": "node-a"}},
        {"_index": "logs", "_source": {"@timestamp": AT, "message": LINE, "host": {"hostname": "node-a"}}},
        {"@timestamp": AT, "event": {"original": LINE}, "host": {"name": "node-a"}},
        {"preview": False, "result": {"_raw": LINE, "_time": AT, "host": "node-a", "source": "/var/log/k3s.log"}},
        {"id": "A", "attributes": {"timestamp": AT, "host": "node-a", "message": LINE, "attributes": {}}},
        {"insertId": "a", "textPayload": LINE, "timestamp": AT, "resource": {"labels": {"node_name": "node-a"}}},
        {"jsonPayload": {"MESSAGE": LINE, "_HOSTNAME": "node-a"}, "timestamp": AT},
        {"timestamp": 1781172000250, "message": LINE, "source": "node-a"},
        {"labels": {"instance": "node-a"}, "line": LINE, "timestamp": AT},
    ],
)
def test_a_line_is_found_in_what_a_store_puts_around_it(data: dict[str, Any], tmp_path: Path) -> None:
    found = record(json.dumps(data) + "\n", tmp_path)
    assert found.message.startswith("Starting k3s v1.33.4")
    assert found.at is not None
    assert (found.host, found.at.us) == ("node-a", 1_781_172_000_250_000)


@pytest.mark.parametrize(
    ("head", "row", "host"),
    [
        ("Date,Host,Message", (AT, "node-a", LINE), "node-a"),
        ("timestamp,source,message", (AT, "node-a", LINE), "node-a"),
        ("timestamp,source,message", (AT, "/var/log/k3s.log", LINE), None),
        ("timestamp,source,message", (AT, "stderr", LINE), None),
        ("labels,Time,Line", ('{""nodename"":""node-a""}', AT, LINE), "node-a"),
    ],
)
def test_a_table_names_the_machine_of_each_row(
    head: str, row: tuple[str, ...], host: str | None, tmp_path: Path
) -> None:
    cells = ",".join('"' + (cell if cell.startswith("{") else cell.replace('"', '""')) + '"' for cell in row)
    found = record(f"{head}\n{cells}\n", tmp_path)
    assert found.at is not None
    assert (found.host, found.at.us) == (host, 1_781_172_000_250_000)


def test_an_object_without_a_line_is_none_of_a_store(tmp_path: Path) -> None:
    audit = {"kind": "Event", "stage": "ResponseComplete", "requestURI": "/readyz", "timestamp": AT}
    assert "filebeat" not in {source.format for source in read(f"{LINE}\n{json.dumps(audit)}\n", tmp_path).sources}


def test_what_took_a_line_in_is_no_machine(tmp_path: Path) -> None:
    rows = [f"{AT},{source},a line" for source in ("journald", "syslog", "stdout", "node-a")]
    found = read("\n".join(["timestamp,source,message", *rows, ""]), tmp_path)
    assert {record.host for record in found.records} <= {None, "node-a"}
