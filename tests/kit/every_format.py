"""Everything the commands write about a report, for tests that look for what must not be in it."""

from __future__ import annotations

from analyzer.reports import blame, chrome_trace, csv_report, html, json_report, markdown, tables, text
from analyzer.results import Report


def everything(report: Report) -> dict[str, str]:
    """The report in every format that the commands write, and what the pictures are drawn from."""
    from analyzer import figures

    starts = report.starts
    made = {
        "text": text.render(report, text.TextOptions(start="all", width=400)),
        "json": json_report.render(report),
        "markdown": markdown.render(report, start="all"),
        "html": html.render(report),
        "timeline.json": tables.json_rows(report, "timeline", starts),
        "trace": str(chrome_trace.render(report, starts)),
        "blame": blame.text(report, starts) + blame.table(report, starts) + blame.markdown(report, starts),
        "blame.json": blame.json_text(report, starts),
        "pictures": "".join(figures.timeline(start).to_json() for start in starts),
    }
    for table in ("starts", "polls", "checks", "hooks", "phases", "timeline"):
        made[table] = csv_report.render(report, table)
    return made
