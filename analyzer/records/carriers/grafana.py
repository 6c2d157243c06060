"""Grafana, Loki and Kibana: what their pages, their tools and their interfaces give out, newest lines first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from analyzer.records.carriers.carrier import Carrier, Envelope, Opened, json_object
from analyzer.records.carriers.journal_fields import host_of, stamped
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.sources.raw_lines import RawLine, read_lines
from analyzer.timebase import parse_iso

DOCUMENT_LIMIT = 32 << 20  # bytes of a JSON document that is one value; it has to be held whole
_TEXT = re.compile(r"\d{13,19}\t(\d{4}-\d\d-\d\dT[\d:.]+Z)\t(.*)", re.DOTALL)
_ANSWER = re.compile(rb'\{\s*"(?:status|data)"\s*:')
_TABLE = re.compile(rb'(?:\xef\xbb\xbf)?"?[\w@. \[\]()-]{1,64}"?(?:[,;\t]"?[\w@. \[\]()-]{1,64}"?){1,8}\r?\n')
_LINE_COLUMNS = (
    "line", "message", "@message", "body", "log", "_raw", "content", "syslogmessage", "textpayload", "event.original",
)  # fmt: skip
_TIME_COLUMNS = (
    "tsns", "@timestamp", "timestamp", "date", "time", "_time", "datetime", "timegenerated", "timegenerated [utc]",
    "timestamp [utc]",
)  # fmt: skip


def _peel(text: str) -> Envelope | None:
    """Grafana Explore's text download: nanoseconds, TAB, ISO stamp, TAB, line."""
    match = _TEXT.match(text)
    return Envelope(match.group(2)).stamped(parse_iso(match.group(1))) if match is not None else None


def _parse(data: Mapping[str, Any], tally: Tally, line: int) -> list[Draft] | None:
    """A line of ``logcli -o jsonl`` or of Grafana's list."""
    if not isinstance(data.get("line"), str) or "timestamp" not in data:
        return None
    tally.formats["logcli"] += 1
    given = data.get("labels") or data.get("fields")
    labels = given if isinstance(given, dict) else {}
    named = {"_HOSTNAME": host_of(labels), "_SYSTEMD_UNIT": labels.get("unit")}
    return stamped(str(data["line"]), str(data["timestamp"]), tally, line, named)


# ---------------------------------------------------------------------------------------------- one JSON document


def _is_document(head: bytes) -> bool:
    if head[:1] == b"[":
        return head[1:64].lstrip()[:1] == b"{"
    return _ANSWER.match(head) is not None and b"\n" not in head.strip()  # else a log that begins with such a line


def _document(opened: Opened, tally: Tally) -> Iterator[Draft]:
    """Grafana's list of lines, a list of journal entries, Loki's answer to a query."""
    try:
        data = json.loads(opened.reader.read(DOCUMENT_LIMIT).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, list):
        for item in data:
            tally.lines += 1
            drafts = opened.parse(item, tally, tally.lines) if isinstance(item, dict) else None
            if isinstance(drafts, list):
                yield from drafts
            else:
                tally.spoil(tally.lines, "JSON of no known carrier")
        return
    inside = data.get("data") if isinstance(data, dict) else None
    result = inside.get("result") if isinstance(inside, dict) else None
    if not isinstance(result, list):
        tally.lines += 1
        tally.spoil(1, "JSON that cannot be read" if data is None else "JSON of no known carrier")
        return
    for stamp, line, labels in _rows(result):
        tally.lines += 1
        tally.formats["loki"] += 1
        named = {"_HOSTNAME": host_of(labels), "_SYSTEMD_UNIT": labels.get("unit")}
        yield from stamped(line, stamp, tally, tally.lines, named)


def _rows(result: list[Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Stamp, line and labels of all streams of an answer."""
    for stream in result:
        labels = stream.get("stream", {}) if isinstance(stream, dict) else {}
        for pair in stream.get("values", []) if isinstance(stream, dict) else []:
            if isinstance(pair, list) and len(pair) >= 2:
                yield str(pair[0]), str(pair[1]), labels


# --------------------------------------------------------------------------------------------------------- tables


def _is_table(head: bytes) -> bool:
    return _TABLE.match(head) is not None and _columns(head.split(b"\n", 1)[0].decode("utf-8", "replace")) is not None


def _columns(first: str) -> tuple[int, int] | None:
    """``(column of the time, column of the line)`` of an exported table, ``None`` when this is no such table."""
    names = _names(first)
    line = next((names.index(name) for name in _LINE_COLUMNS if name in names), None)
    stamp = next((names.index(name) for name in _TIME_COLUMNS if name in names), None)
    return None if line is None or stamp is None else (stamp, line)


def _names(first: str) -> list[str]:
    return [name.strip().strip('"').lower() for name in first.lstrip("\ufeff").split(_delimiter(first))]


def _labels(names: list[str], row: list[str]) -> dict[str, Any]:
    """What the other columns say of a line, and the labels that one of them may hold as an object."""
    named: dict[str, Any] = dict(zip(names, row, strict=False))
    return named | (json_object(named.get("labels", "")) or {})


def _delimiter(head: str) -> str:
    """What separates the cells: a spreadsheet's table has tabs, or semicolons where the comma is in numbers."""
    return next((mark for mark in "\t;" if mark in head), ",")


def _table(opened: Opened, tally: Tally) -> Iterator[Draft]:
    """Grafana's and Kibana's tables; Kibana shows the browser's local time, its zone comes from the inner stamps."""
    import csv

    lines = (_cell_text(line, tally) for line in read_lines(opened.reader))
    head = next(lines, "")
    columns = _columns(head.removesuffix("\n"))
    if columns is None:
        return
    tally.lines += 1
    names = _names(head.removesuffix("\n"))
    try:
        for number, row in enumerate(csv.reader(lines, delimiter=_delimiter(head)), 2):
            tally.lines += 1
            if len(row) <= max(columns):
                tally.spoil(number, "table row with too few cells")
                continue
            tally.formats["csv"] += 1
            named = {"_HOSTNAME": host_of(_labels(names, row))}
            yield from stamped(row[columns[1]], row[columns[0]], tally, number, named)
    except csv.Error as error:
        tally.notes.append(f"the table cannot be read further: {error}")


def _cell_text(line: RawLine, tally: Tally) -> str:
    """One physical line of a table, bounded as all lines are; a carriage return at its end belongs to the line end."""
    if line.cut:
        tally.cut_line()
    return line.data.decode("utf-8", "replace").replace("\x00", "").rstrip("\r").replace("\r", " ") + "\n"


GRAFANA = Carrier("grafana", Outer.UTC, ("grafana-txt",), newest_first=True, peel=_peel)
LOGCLI = Carrier("logcli", Outer.UTC, ("logcli-jsonl", "grafana-json"), newest_first=True, parse=_parse)
LOKI = Carrier("loki", Outer.UTC, ("loki",), newest_first=True, begins=_is_document, read=_document)
TABLE = Carrier(
    "csv", Outer.UTC, ("grafana-csv", "grafana-excel", "kibana"), newest_first=True, begins=_is_table, read=_table
)
