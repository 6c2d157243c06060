"""The report as one self-contained page, see :mod:`analyzer.reports.html_page` for how it is kept safe.

How it is kept light: the texts of all starts are in inert ``<template>`` elements, figures are drawn for the shown
start alone, from the rows of :mod:`analyzer.figures.timeline_model`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from analyzer.errors import printable
from analyzer.events.terms import Term, answer, terms
from analyzer.figures.timeline_model import (
    Dot,
    Mark,
    Ref,
    Row,
    Timeline,
    timeline_model,
    zone_words,
)
from analyzer.reports import answer as answers, answer_html
from analyzer.reports.answer import Answer
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.html_page import asset, filled, page_script
from analyzer.reports.html_view import Words, start_row, start_view
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

    It begins with the answer of the text report. The chosen start is shown first (all: the last; none: the one that the
    answer speaks of). All starts are in the page; above ``DETAILED_STARTS`` the older ones are only in the table, and
    the page says so. Raises ``UsageError`` for a start that does not exist.
    """
    if options.utc:
        report = replace(report, starts=tuple(_in_utc(s) for s in report.starts))
    told = answers.answer(report, options.start, utc=options.utc, goal=options.goal)
    shown = _shown(report, told, options.start)
    detailed = _detailed(report, shown)
    models = {s.index: timeline_model(s) for s in detailed}
    evidence, cut_to = _evidence(report, told, detailed, models)
    data = {
        "page": PAGE_VERSION,
        "sources": [printable(os.path.basename(s.path) or s.path) for s in report.sources],
        "errors": {name: _look(error) for name, error in terms("error").items()},
        "success": _look(answer(None)),
        "outcomes": {name: _look(outcome) for name, outcome in terms("outcome").items()},
        "shown": shown.index if shown else None,
        "starts": [_start_data(s, models[s.index]) for s in detailed],
        "quantiles": quantiles(report.starts),
        "overview": [_overview(s) for s in report.starts[-DETAILED_STARTS * 10 :]] if len(report.starts) > 1 else [],
        "evidence": evidence,
    }
    indexes = {s.index for s in detailed}
    beside, beside_more = answer_html.others(report, told)
    return filled(
        "page.html.j2",
        page_script(),
        title=answer_html.title(report, shown),
        answer=None if shown is None else answer_html.block(report, told),
        beside=beside,
        beside_more=beside_more,
        data=data,
        shown=None if shown is None else _view(report, told, shown, options),
        others=[_view(report, told, s, options) for s in detailed if s is not shown],
        rows=[start_row(s, s.index in indexes) for s in sorted(report.starts, key=_failures_first)],
        in_order=[start_row(s, s.index in indexes) for s in report.starts],
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


_ORDER: Final = ("failed", "incomplete", "stopped", "ready")


def _failures_first(start: StartReport) -> tuple[int, int]:
    return _ORDER.index(start.outcome) if start.outcome in _ORDER else 0, start.index


def _shown(report: Report, told: Answer, choice: str | None) -> StartReport | None:
    """The start whose timeline is seen first."""
    if choice is None:
        return next((start for start in report.starts if start.index == told.start), None)
    return next(iter(select_starts(report.starts, choice)[-1:]), None)


def _view(report: Report, told: Answer, start: StartReport, options: Options) -> JsonObject:
    """All of one start; with its own answer where the page's is on several."""
    own = None
    if len(report.starts) > 1:
        whole = answer_html.block(report, answers.of_start(report, start, utc=options.utc, goal=options.goal))
        own = answer_html.brief(whole, again=start.index == told.start)
    return {**start_view(start), "answer": own}


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
    more = _given(
        e=_refs(mark.refs), l=printable(mark.label), oa=mark.open_begin, ob=mark.open_end, m=mark.matters
    )  # fmt: skip
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


def _start_data(start: StartReport, model: Timeline) -> JsonObject:
    began = start.began_at
    return {
        "index": start.index,
        "outcome": start.outcome,
        "ready": _window(start.ready),
        "detected": _window(start.detected),
        "checks": {printable(c.name): [c.cleared.lower, c.cleared.upper] for c in start.checks},
        "rows": [_row(r) for r in model.rows],
        "begin": model.boot_begin,
        "end": model.end,
        "focus_begin": model.focus_begin,
        "focus": model.focus_end,
        "notes": list(model.notes),
        # seconds since 1970 as the log's own clock on the wall shows them, so that the browser's zone plays no part
        "wall": None if began is None else began.timestamp() + (began.utcoffset() or timedelta()).total_seconds(),
        "zone": zone_words(start),
        "origin": Words(start).origin,
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


_LEVELS: Final = ((0.5, "p50: half were", 4), (0.9, "p90: 9 of 10 were", 10))  # share, in words, starts that it takes


def quantiles(starts: Sequence[StartReport]) -> list[JsonObject]:
    """How soon so many of the starts were ready: of all lower ends and of all upper ends; one that was never ready
    counts as later than all. Starts whose begin is not known, and those that the log cuts off, are left out."""
    known = [s for s in starts if s.outcome in ("ready", "failed") and (s.begin_seen or s.observer == "wait")]
    ready = [s.ready if s.outcome == "ready" else None for s in known]
    low = sorted(math.inf if w is None else max(0.0, w.lower or 0.0) for w in ready)
    high = sorted(math.inf if w is None or w.upper is None else w.upper for w in ready)
    made = []
    for level, words, least in _LEVELS:
        if len(known) < least:
            continue
        at = math.ceil(len(known) * level) - 1
        if math.isfinite(high[at]):
            said = f"{words} ready after {span_words(Span(low[at], high[at]))}"
            made.append({"lower": low[at], "upper": high[at], "name": words.split(":")[0], "words": said})
    return made


def _evidence(
    report: Report, told: Answer, detailed: Iterable[StartReport], models: Mapping[int, Timeline]
) -> tuple[dict[str, str], int | None]:
    """Texts of the lines that the page names, and to how many characters long ones were cut (``None``: not cut)."""
    wanted: dict[Ref, None] = {}
    for start in detailed:
        for row in models[start.index].rows:
            drawn: list[Mark | Dot] = [*row.marks, *row.dots]
            wanted |= dict.fromkeys(ref for one in drawn for ref in one.refs)
        wanted |= dict.fromkeys(_table_refs(start))
    wanted |= dict.fromkeys(answer_html.refs(told))
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
