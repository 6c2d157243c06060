"""The report as one self-contained page, see :mod:`analyzer.reports.html_page` for how it is kept safe.

How it is kept light: the texts of all starts are in inert ``<template>`` elements, figures are drawn for the shown
start alone, from the rows of :mod:`analyzer.figures.timeline_model`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from markupsafe import Markup

from analyzer.errors import printable
from analyzer.events.terms import Term, answer, phase_words, terms
from analyzer.figures.timeline_model import (
    Dot,
    Mark,
    Ref,
    Row,
    Timeline,
    blame_rows,
    short_name,
    timeline_model,
    zone_words,
)
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.html_page import asset, filled, page_script
from analyzer.reports.html_view import Words, page_title, start_row, start_view
from analyzer.reports.json_report import in_utc
from analyzer.reports.narrative import outcome_counts
from analyzer.reports.selection import select_starts
from analyzer.reports.wording import span_words, window_words
from analyzer.results import Report, StartReport
from analyzer.window import Span, Window

PAGE_VERSION: Final = 1
DETAILED_STARTS: Final = 200  # with all their tables and figures; the others have their row in the table of starts
EVIDENCE_BYTES: Final = 200_000  # of log lines in the page before long lines are cut
_EVIDENCE_CUTS: Final = (4096, 1200, 500, 240, 120)

JsonObject = dict[str, Any]


def render(report: Report, options: Options = DEFAULT) -> str:
    """The page as text, UTF-8 when written.

    The chosen start is shown first (all, none: the last). All starts are in the page; above ``DETAILED_STARTS`` the
    older ones are only in the table, and the page says so. Raises ``UsageError`` for a start that does not exist.
    """
    if options.utc:
        report = replace(report, starts=tuple(_in_utc(s) for s in report.starts))
    shown = next(iter(select_starts(report.starts, options.start)[-1:]), None)
    detailed = _detailed(report, shown)
    models = {s.index: timeline_model(s) for s in detailed}
    evidence, cut_to = _evidence(report, detailed, models)
    data = {
        "page": PAGE_VERSION,
        "sources": [printable(os.path.basename(s.path) or s.path) for s in report.sources],
        "errors": {name: _look(error) for name, error in terms("error").items()},
        "success": _look(answer(None)),
        "outcomes": {name: _look(outcome) for name, outcome in terms("outcome").items()},
        "shown": shown.index if shown else None,
        "starts": [_start_data(s, models[s.index]) for s in detailed],
        "overview": [_overview(s) for s in report.starts[-DETAILED_STARTS * 10 :]] if len(report.starts) > 1 else [],
        "evidence": evidence,
    }
    indexes = {s.index for s in detailed}
    return filled(
        "page.html.j2",
        page_script(),
        title=page_title(report, shown),
        style=Markup(asset("page/page.css")),
        data=data,
        shown=None if shown is None else start_view(shown),
        others=[start_view(s) for s in detailed if s is not shown],
        rows=[start_row(s, s.index in indexes) for s in report.starts],
        counts=outcome_counts(report.starts),
        left_out=len(report.starts) - len(detailed),
        ledger=report.ledger,
        reasons=sorted(report.ledger.reasons.items(), key=lambda item: (-item[1], item[0])),
        sources=report.sources,
        many_sources=len(report.sources) > 1,
        evidence_cut=cut_to,
        tool_version=report.tool_version,
        plotly_version=json.loads(asset("plotly/vendored.json"))["version"],
    )


def _in_utc(start: StartReport) -> StartReport:
    if start.began_at is None:
        return start
    return replace(in_utc(start), clock=replace(start.clock, utc_offset="+00:00"))


def _detailed(report: Report, shown: StartReport | None) -> list[StartReport]:
    """The starts with tables and figures: all of them, or the newest and the shown one."""
    kept = list(report.starts[-DETAILED_STARTS:])
    if shown is not None and all(s is not shown for s in kept):
        kept[0] = shown
    return kept


# --- data for the figures ------------------------------------------------------------------------------------------


def _look(term: Term) -> list[str]:
    return [term.symbol, term.colour]


def _window(window: Window) -> JsonObject:
    return {
        "lower": window.lower,
        "upper": window.upper,
        "lower_kind": str(window.lower_kind),
        "upper_kind": str(window.upper_kind),
        "words": window_words(window),
    }


def _mark(mark: Mark) -> JsonObject:
    run: JsonObject = {"c": mark.count, "x": mark.error} if mark.kind == "run" else {}
    more = _given(e=_refs(mark.refs), l=printable(mark.label), oa=mark.open_begin, ob=mark.open_end)
    return {"k": mark.kind, "a": mark.begin, "b": mark.end, "n": printable(mark.note), **run, **more}


def _dot(dot: Dot) -> JsonObject:
    poll: JsonObject = {"x": dot.error, "p": dot.printed} if dot.kind == "poll" else {}
    more = _given(e=_refs(dot.refs), l=printable(dot.label))
    return {"k": dot.kind, "t": dot.at, "n": printable(dot.note), **poll, **more}


def _given(**values: Any) -> JsonObject:
    """Only what is not empty: a page holds thousands of these."""
    return {name: value for name, value in values.items() if value}


def _refs(refs: Iterable[Ref]) -> list[str]:
    return [f"{source}:{line}" for source, line in refs]


def _row(row: Row) -> JsonObject:
    return {
        "id": printable(row.id),
        "kind": row.kind,
        "label": printable(row.label),
        "full": printable(row.full),
        "marks": [_mark(m) for m in row.marks],
        "dots": [_dot(d) for d in row.dots],
        "window": None if row.window is None else _window(row.window),
        "blocker": row.blocker,
        "extra": row.extra,
    }


def _span(name: str, full: str, span: Span) -> JsonObject:
    return {
        "label": printable(name),
        "full": printable(full),
        "min": span.min,
        "max": span.max,
        "words": span_words(span),
    }


def _start_data(start: StartReport, model: Timeline) -> JsonObject:
    began = start.began_at
    blame = [_span(short_name(name), name, span) for name, span in blame_rows(start)]
    if blame and start.hooks_shared_s is not None and start.hooks_shared_s.max != 0:
        blame.append(_span("several at once", "Time in which several checks were failing", start.hooks_shared_s))
    return {
        "index": start.index,
        "outcome": start.outcome,
        "ready": _window(start.ready),
        "detected": _window(start.detected),
        "checks": {printable(c.name): [c.cleared.lower, c.cleared.upper] for c in start.checks},
        "rows": [_row(r) for r in model.rows],
        "begin": model.begin,
        "end": model.end,
        "focus": model.focus_end,
        "notes": list(model.notes),
        # seconds since 1970 as the log's own clock on the wall shows them, so that the browser's zone plays no part
        "wall": None if began is None else began.timestamp() + (began.utcoffset() or timedelta()).total_seconds(),
        "zone": zone_words(start),
        "origin": Words(start).origin,
        "blame": blame,
        "phases": [_span(phase_words(p.id), phase_words(p.id), p.duration_s) for p in start.phases],
        "error_words": {e.error: answer(e.error).short for e in start.errors},
    }


def _overview(start: StartReport) -> JsonObject:
    low, high = start.ready.lower, start.ready.upper
    last = start.end.at_s if start.end.at_s is not None else start.cut_at_s
    return {
        "index": start.index,
        "outcome": start.outcome,
        "lower": low,
        "upper": high,
        # an open window is drawn up to the last that is known of the process, not beyond
        "until": high if high is not None else max((t for t in (low, last) if t is not None), default=None),
        "words": window_words(start.ready),
    }


def _evidence(
    report: Report, detailed: Iterable[StartReport], models: Mapping[int, Timeline]
) -> tuple[dict[str, str], int | None]:
    """Texts of the lines that the page names, and to how many characters long ones were cut (``None``: not cut)."""
    wanted: dict[Ref, None] = {}
    for start in detailed:
        for row in models[start.index].rows:
            drawn: list[Mark | Dot] = [*row.marks, *row.dots]
            wanted |= dict.fromkeys(ref for one in drawn for ref in one.refs)
        wanted |= dict.fromkeys(_table_refs(start))
    texts = {ref: printable(report.evidence[ref]) for ref in wanted if ref in report.evidence}
    budget = max(EVIDENCE_BYTES, 40 * 200 * len(models))
    for limit in _EVIDENCE_CUTS:
        if sum(min(len(t), limit) for t in texts.values()) <= budget:
            break
    cut = any(len(t) > limit for t in texts.values())
    return {
        f"{source}:{line}": text if len(text) <= limit else f"{text[:limit]}… [{len(text) - limit} more characters]"
        for (source, line), text in texts.items()
    }, (limit if cut else None)


def _table_refs(start: StartReport) -> Iterator[Ref]:
    for finding in start.findings:
        yield from ((finding.source, line) for line in finding.lines[:20])
    for window in (start.ready, start.detected, *(p.end for p in start.phases), *(c.cleared for c in start.checks)):
        yield from window.refs
    yield from ((poll.source, poll.line) for poll in start.polls[:2000] if poll.line is not None)
    yield from ((stone.source, stone.line) for stone in start.milestones[:400])
