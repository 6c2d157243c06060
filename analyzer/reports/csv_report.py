"""One table as CSV (RFC 4180, UTF-8, line feeds), for spreadsheets and scripts.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula. Text that comes from a log gets a
leading apostrophe then; control characters are written as escapes, so that a row stays one line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from analyzer import frames
from analyzer.reports.json_report import rounded, rounded_down, rounded_up
from analyzer.reports.output import printable
from analyzer.results import Report, StartReport

_FORMULA = ("=", "+", "-", "@")


def render(
    report: Report, table: str = "starts", *, starts: Sequence[StartReport] | None = None, utc: bool = False
) -> str:
    """Table ``table`` of ``starts`` (default: all) with a header line; ``KeyError`` for no such table.

    Missing values are empty cells. Seconds are written to the microsecond, ends of windows rounded outwards; times
    in the zone of their start.
    """
    chosen = report.starts if starts is None else starts
    zones = {s.index: s.began_at.tzinfo if s.began_at and not utc else UTC for s in chosen}
    schema = frames.TABLES[table]
    lows, highs = {low for low, _ in schema.ordered}, {high for _, high in schema.ordered}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(schema.names)
    for row in frames.rows(table, report, chosen):
        zone = zones.get(row["start"]) or UTC
        writer.writerow(_cell(row[c.name], c, c.name in lows, c.name in highs, zone) for c in schema.columns)
    return out.getvalue()


def _cell(value: Any, column: frames.Column, low: bool, high: bool, zone: tzinfo) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        shown = rounded_down(value) if low else rounded_up(value) if high else rounded(value)
        return "" if shown is None else plain_number(shown)
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    text = str(value)
    return safe_text(text) if column.from_log else text


def plain_number(value: float) -> str:
    """At most six decimals, never an exponent."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def safe_text(text: str) -> str:
    """``text`` of a log as a cell that no spreadsheet takes for a formula and no terminal for a command."""
    shown = printable(text)
    return "'" + shown if shown.lstrip().startswith(_FORMULA) else shown
