"""What a notebook shows: a table of the inputs for a log, the page's answer block for an analysis."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from analyzer.errors import BadInputError, printable
from analyzer.ledger import Ledger
from analyzer.records.log_record import SourceInfo
from analyzer.reports import answer_html
from analyzer.results import Report


def render(report: Report) -> str:
    """A fragment of HTML without scripts, at most 30 kB; all text is escaped."""
    return answer_html.notebook(report)


def render_log(sources: Sequence[SourceInfo], ledger: Ledger, errors: Sequence[BadInputError]) -> str:
    """A fragment of HTML without scripts: the inputs, what became of their lines, and which could not be read."""
    rows = "".join(
        f"<tr><td>{_safe(s.path)}</td><td>{_safe(s.format)}</td><td>{s.lines}</td><td>{s.bytes}</td></tr>"
        for s in sources
    )
    bad = "".join(f"<li>{_safe(e.one_line())}</li>" for e in errors)
    return (
        "<table><thead><tr><th>input</th><th>format</th><th>lines</th><th>bytes</th></tr></thead>"
        f"<tbody>{rows}</tbody></table><p>{ledger.lines} lines: {ledger.used} used, {ledger.ignored} ignored,"
        f" {ledger.malformed} malformed, {ledger.lossy} damaged.</p>" + (f"<ul>{bad}</ul>" if bad else "")
    )


def render_text(told: str) -> str:
    """A report for a terminal as it is."""
    return f"<pre>{_safe_lines(told)}</pre>"


def _safe_lines(told: str) -> str:
    return "\n".join(_safe(line) for line in told.splitlines())


def _safe(content: str) -> str:
    return escape(printable(content))
