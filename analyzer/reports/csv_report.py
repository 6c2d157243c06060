"""Tables as CSV (RFC 4180, UTF-8, line feeds), for spreadsheets and scripts.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula. Every text gets a leading
apostrophe then; control characters are written as escapes, so that a row stays one line. ``rows_text`` is the only
way from a cell to a file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from analyzer import frames
from analyzer.errors import printable
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import rounded, rounded_down, rounded_up
from analyzer.reports.selection import select_starts
from analyzer.results import Report

Cell: TypeAlias = str | float | bool | None  # an int is a float to mypy
_FORMULA = ("=", "+", "-", "@")


def render(report: Report, options: Options = DEFAULT) -> str:
    """Table ``options.table`` with a header line; ``KeyError`` for no such table.

    Missing values are empty cells. Seconds are written to the microsecond, ends of windows rounded outwards; times
    in the zone of their start.
    """
    names = frames.TABLES[options.table].names
    return rows_text(names, ([row[name] for name in names] for row in plain_rows(report, options)))


def plain_rows(report: Report, options: Options) -> Iterator[dict[str, Any]]:
    """The rows of table ``options.table``: seconds to the microsecond, times in ISO 8601 with the zone's offset."""
    starts = select_starts(report.starts, options.start)
    zones = {s.index: s.began_at.tzinfo if s.began_at and not options.utc else UTC for s in report.starts}
    table = frames.TABLES[options.table]
    ordered = table.ordered
    rounding = {low: rounded_down for low, _ in ordered} | {high: rounded_up for _, high in ordered}

    def plain(name: str, value: Any, start: int) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(zones[start] or UTC).isoformat()
        return rounding.get(name, rounded)(value) if isinstance(value, float) else value

    for row in frames.rows(options.table, report, starts):
        yield {name: plain(name, value, row[table.start_column]) for name, value in row.items()}


def timeline(report: Report, options: Options = DEFAULT) -> str:
    """Everything in time order."""
    return render(report, replace(options, table="timeline"))


def rows_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A header line and the rows: texts made harmless, numbers of at most six decimals and without an exponent."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_text(cell) for cell in row] for row in rows)
    return out.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return f"{cell:.6f}".rstrip("0").rstrip(".")
    shown = printable(str(cell))
    return "'" + shown if isinstance(cell, str) and shown.lstrip().startswith(_FORMULA) else shown
