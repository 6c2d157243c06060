"""The machine-readable report: one JSON object, described by ``report.schema.json``.

History of ``schema_version``:

* 1 — first version.

Seconds are written to the microsecond. Rounding never narrows a window: a lower end is rounded down, an upper end
up. Text is written as ASCII with escapes, so that nothing a log holds can reach a terminal as a control sequence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.selection import select_starts
from analyzer.results import (
    Bottleneck,
    Check,
    End,
    ErrorCount,
    Finding,
    Gap,
    Goal,
    Milestone,
    Phase,
    Poll,
    PollerNote,
    Report,
    StartReport,
)
from analyzer.window import Span, Window

SCHEMA = "k3slog.report"
SCHEMA_VERSION = 1
_DIGITS = 6
_PRETTY_UP_TO = 50  # starts; the indenting encoder is ten times slower than the compact one

JsonObject = dict[str, Any]


def rounded_down(value: float | None) -> float | None:
    """``value`` to the microsecond, never larger; ``None`` for an open or infinite end."""
    return _rounded(value, -1)


def rounded_up(value: float | None) -> float | None:
    """``value`` to the microsecond, never smaller; ``None`` for an open or infinite end."""
    return _rounded(value, +1)


def rounded(value: float | None) -> float | None:
    """``value`` to the nearest microsecond; ``None`` stays ``None``."""
    if value is None or not math.isfinite(value):
        return None
    return round(value, _DIGITS) + 0.0  # + 0.0 turns -0.0 into 0.0


def _rounded(value: float | None, direction: int) -> float | None:
    nearest = rounded(value)
    if value is None or nearest is None:
        return None
    if (nearest - value) * direction < 0:
        nearest = round(nearest + direction * 10**-_DIGITS, _DIGITS) + 0.0
    return nearest


def clean_text(text: str) -> str:
    """``text`` without lone surrogates (bytes that were not UTF-8), which no JSON reader accepts."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _text(text: str | None) -> str | None:
    return None if text is None else clean_text(text)


def _texts(texts: Iterable[str]) -> list[str]:
    return [clean_text(t) for t in texts]


def _instant(moment: datetime | None, utc: bool) -> str | None:
    if moment is None:
        return None
    return (moment.astimezone(UTC) if utc else moment).isoformat()


def window_object(window: Window) -> JsonObject:
    """A window as the contract writes it; ``*_witness`` only where a witness rule is behind the end."""
    lower, upper = rounded_down(window.lower), rounded_up(window.upper)
    result: JsonObject = {
        "lower": lower,
        "upper": upper,
        "lower_kind": "none" if lower is None else str(window.lower_kind),
        "upper_kind": "none" if upper is None else str(window.upper_kind),
        "lower_line": None if lower is None else window.lower_line,
        "upper_line": None if upper is None else window.upper_line,
        "source": window.source,
    }
    if window.upper_source is not None and upper is not None:
        result["upper_source"] = window.upper_source
    if window.lower_witness is not None and lower is not None:
        result["lower_witness"] = window.lower_witness
    if window.upper_witness is not None and upper is not None:
        result["upper_witness"] = window.upper_witness
    return result


def span_object(span: Span | None) -> JsonObject | None:
    """A length ``{"min", "max"}``; ``max`` is ``null`` when there is no upper limit."""
    if span is None:
        return None
    return {"min": rounded_down(span.min), "max": rounded_up(span.max)}


def _end(end: End) -> JsonObject:
    return {
        "kind": end.kind,
        "at_s": rounded(end.at_s),
        "line": end.line,
        "reason": _text(end.reason),
        "source": end.source,
    }


def _poller(poller: PollerNote) -> JsonObject:
    return {
        "kind": poller.kind,
        "interval_s": rounded(poller.interval_s),
        "prints_polls": poller.prints_polls,
        "printed": poller.printed,
        "implied": poller.implied,
        "grid_rms_s": rounded(poller.grid_rms_s),
        "grid_phase_s": rounded(poller.grid_phase_s),
    }


def _poll(poll: Poll) -> JsonObject:
    return {
        "at_s": rounded(poll.at_s),
        "printed": poll.printed,
        "error": poll.error,
        "severity": poll.severity,
        "http_status": poll.http_status,
        "failing": _texts(poll.failing),
        "unseen": _texts(poll.unseen),
        "cut": poll.cut,
        "line": poll.line,
        "source": poll.source,
    }


def _error(error: ErrorCount) -> JsonObject:
    return {
        "error": error.error,
        "severity": error.severity,
        "polls": error.polls,
        "first_s": rounded(error.first_s),
        "last_s": rounded(error.last_s),
    }


def _milestone(milestone: Milestone) -> JsonObject:
    return {
        "id": milestone.id,
        "at_s": rounded(milestone.at_s),
        "line": milestone.line,
        "text": clean_text(milestone.text),
        "source": milestone.source,
    }


def _phase(phase: Phase) -> JsonObject:
    return {
        "id": phase.id,
        "may_be": list(phase.may_be or (phase.id,)),
        "begin": window_object(phase.begin),
        "end": window_object(phase.end),
        "duration_s": span_object(phase.duration_s),
    }


def _goal(goal: Goal) -> JsonObject:
    return {"id": goal.id, "window": window_object(goal.window), "state": goal.state}


def _check(check: Check) -> JsonObject:
    return {
        "name": clean_text(check.name),
        "final": check.final,
        "seen_failing": check.seen_failing,
        "cleared": window_object(check.cleared),
        "estimate_s": rounded(check.estimate_s),
        "estimate_basis": check.estimate_basis,
        "exclusive_s": span_object(check.exclusive_s),
        "saving_s": span_object(check.saving_s),
        "last_blocker": check.last_blocker,
        "reasons": _texts(check.reasons),
    }


def _bottleneck(bottleneck: Bottleneck) -> JsonObject:
    return {
        "checks": _texts(bottleneck.checks),
        "certainty": bottleneck.certainty,
        "sentence": clean_text(bottleneck.sentence),
    }


def _finding(finding: Finding) -> JsonObject:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "title": clean_text(finding.title),
        "detail": clean_text(finding.detail),
        "advice": clean_text(finding.advice),
        "lines": list(finding.lines),
        "source": finding.source,
    }


def _gap(gap: Gap) -> JsonObject:
    return {
        "begin_s": rounded_down(gap.begin_s),
        "end_s": rounded_up(gap.end_s),
        "kind": gap.kind,
        "line": gap.line,
        "source": gap.source,
        "detail": clean_text(gap.detail),
    }


def start_object(start: StartReport, *, utc: bool = False) -> JsonObject:
    """One start as the contract writes it."""
    return {
        "index": start.index,
        "host": _text(start.host),
        "unit": _text(start.unit),
        "pid": start.pid,
        "boot_id": start.boot_id,
        "invocation_id": start.invocation_id,
        "product": start.product,
        "role": start.role,
        "version": _text(start.version),
        "commit": _text(start.commit),
        "began_at": _instant(start.began_at, utc),
        "ended_at": _instant(start.ended_at, utc),
        "begin_seen": start.begin_seen,
        "clock": {
            "basis": start.clock.basis,
            "precision_s": rounded(start.clock.precision_s),
            "utc_offset": start.clock.utc_offset,
            "year_from": start.clock.year_from,
            "steps": start.clock.steps,
        },
        "outcome": start.outcome,
        "outcome_reason": _text(start.outcome_reason),
        "end": _end(start.end),
        "ready": window_object(start.ready),
        "detected": window_object(start.detected),
        "polling_tax_s": span_object(start.polling_tax_s),
        "poller": _poller(start.poller),
        "polls": [_poll(p) for p in start.polls],
        "errors": [_error(e) for e in start.errors],
        "milestones": [_milestone(m) for m in start.milestones],
        "goals": [_goal(g) for g in start.goals],
        "phases": [_phase(p) for p in start.phases],
        "checks": [_check(c) for c in start.checks],
        "bottleneck": _bottleneck(start.bottleneck),
        "findings": [_finding(f) for f in start.findings],
        "hooks_alone_s": span_object(start.hooks_alone_s),
        "hooks_shared_s": span_object(start.hooks_shared_s),
        "gaps": [_gap(g) for g in start.gaps],
        "cut_at_s": rounded(start.cut_at_s),
        "begun_before_s": rounded(start.begun_before_s),
        "began_local": start.began_local,
        "observer": start.observer,
        "source": start.source,
    }


def report_object(report: Report, options: Options = DEFAULT) -> JsonObject:
    """The report as plain data; ``index`` of the chosen starts keeps counting the whole input."""
    ledger = report.ledger
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "k3slog", "version": report.tool_version},
        "sources": [
            {"path": clean_text(s.path), "format": s.format, "bytes": s.bytes, "lines": s.lines} for s in report.sources
        ],
        "ledger": {
            "lines": ledger.lines,
            "used": ledger.used,
            "ignored": ledger.ignored,
            "malformed": ledger.malformed,
            "truncated": ledger.truncated,
            "lossy": ledger.lossy,
            "reasons": {clean_text(k): v for k, v in sorted(ledger.reasons.items())},
        },
        "notes": [{"source": source, "text": clean_text(note)} for source, note in report.notes],
        "starts": [start_object(s, utc=options.utc) for s in select_starts(report.starts, options.start)],
    }


def dumps(data: object, *, pretty: bool = True) -> str:
    """ASCII JSON with a final newline; NaN and infinities are refused."""
    return json.dumps(data, indent=2 if pretty else None, ensure_ascii=True, allow_nan=False) + "\n"


def render(report: Report, options: Options = DEFAULT) -> str:
    """The JSON text: indented for up to 50 starts, on one line beyond."""
    data = report_object(report, options)
    return dumps(data, pretty=len(data["starts"]) <= _PRETTY_UP_TO)
