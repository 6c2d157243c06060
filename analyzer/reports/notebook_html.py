"""What a notebook shows for an analysis: the text report in a box that can scroll."""

from __future__ import annotations

from html import escape

from analyzer.findings import Report
from analyzer.reports import text


def render(report: Report) -> str:
    """A fragment of HTML without scripts; all text is escaped."""
    return (
        '<pre style="overflow-x:auto;line-height:1.25" role="region" aria-label="k3slog report">'
        f"{escape(text.render(report, text.TextOptions(width=100)))}</pre>"
    )
