"""The timeline as JSON rows or as Parquet."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from analyzer import frames
from analyzer.errors import OutputError
from analyzer.reports.csv_report import plain_rows
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import plain
from analyzer.reports.selection import select_starts
from analyzer.results import Report


def json_timeline(report: Report, options: Options = DEFAULT) -> str:
    """A JSON array with one object on a line for each row; unknown is ``null``, times are ISO 8601 with offset."""
    rows = plain_rows(report, replace(options, table="timeline"))
    return "[" + ",\n ".join(json.dumps(plain(row), allow_nan=False) for row in rows) + "]\n"


def parquet_timeline(report: Report, options: Options = DEFAULT) -> bytes:
    """The DataFrame as Parquet; raises ``OutputError`` without the optional package that writes it."""
    frame = frames.build("timeline", report, select_starts(report.starts, options.start))
    out = io.BytesIO()
    try:
        frame.to_parquet(out, index=False)
    except ImportError:
        raise OutputError("no package to write Parquet is installed", hint="pip install 'k3slog[parquet]'") from None
    return out.getvalue()
