"""The timeline as JSON rows or as Parquet."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

from analyzer import frames
from analyzer.errors import OutputError
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import clean_text, rounded, rounded_down, rounded_up
from analyzer.reports.selection import select_starts
from analyzer.results import Report


def json_timeline(report: Report, options: Options = DEFAULT) -> str:
    """A JSON array with one object on a line for each row; unknown is ``null``, times are ISO 8601 with offset."""
    starts = select_starts(report.starts, options.start)
    zones = {s.index: s.began_at.tzinfo if s.began_at and not options.utc else UTC for s in starts}
    schema = frames.TABLES["timeline"]
    lows, highs = {low for low, _ in schema.ordered}, {high for _, high in schema.ordered}

    def plain(name: str, value: Any, start: int) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(zones[start]).isoformat()
        if isinstance(value, float):
            return rounded_down(value) if name in lows else rounded_up(value) if name in highs else rounded(value)
        return clean_text(value) if isinstance(value, str) else value

    lines = [
        json.dumps({name: plain(name, value, row["start"]) for name, value in row.items()}, allow_nan=False)
        for row in frames.rows("timeline", report, starts)
    ]
    return "[" + ",\n ".join(lines) + "]\n"


def parquet_timeline(report: Report, options: Options = DEFAULT) -> bytes:
    """The DataFrame as Parquet; raises ``OutputError`` without the optional package that writes it."""
    frame = frames.build("timeline", report, select_starts(report.starts, options.start))
    out = io.BytesIO()
    try:
        frame.to_parquet(out, index=False)
    except ImportError:
        raise OutputError("no package to write Parquet is installed", hint="pip install 'k3slog[parquet]'") from None
    return out.getvalue()
