"""What the page says, in words: plain data for the templates, built from a report. No markup here.

Numbers are rounded for reading so that a window never gets narrower: lower ends down, upper ends up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, islice
from typing import Any, Final

from analyzer.events.terms import answer, phase_words, term
from analyzer.figures.timeline_model import basis, clearing_order, listed, zone_words
from analyzer.reports.wording import (
    about,
    at_least,
    capital,
    first_that_holds,
    later_words,
    noticer,
    precision_words,
    span_words,
    those_that_hold,
    window_words,
)
from analyzer.results import Check, Finding, Poll, StartReport
from analyzer.window import up

TABLE_ROWS: Final = 400  # per table; a page is for reading


@dataclass(frozen=True, slots=True)
class Words:
    """Turns moments of one start into text; holds the zone and the origin."""

    start: StartReport

    def clock(self, at: float | None) -> str:
        """Wall-clock time in the zone of the log; empty when the log holds no date."""
        if at is None or self.start.began_at is None or not math.isfinite(at):
            return ""
        try:
            moment = self.start.began_at + timedelta(seconds=at)
        except OverflowError:
            return ""
        same_day = moment.date() == self.start.began_at.date()
        return moment.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")

    def at(self, at: float | None) -> str:
        """Seconds since the start began."""
        return "no timestamp" if at is None else f"{at:.3f} s"

    @property
    def origin(self) -> str:
        """What second 0 is."""
        return first_that_holds(
            (self.start.began_at is None, "the first line with a timestamp"),
            (self.start.observer == "wait", "the wait began"),
            (self.start.begin_seen and self.start.clock.precision_s >= 1, "the timestamp of its beginning"),
            (self.start.begin_seen, "the start began"),
            (True, "the first line of this fragment"),
        )


def verdict(start: StartReport) -> tuple[str, str, list[str]]:
    """Sign, headline and sentences about the outcome of one start."""
    outcome = term("outcome", start.outcome)
    waited = start.observer == "wait" and start.outcome == "incomplete"
    headline = "Not seen ready when this wait ended" if waited else outcome.short
    origin = Words(start).origin
    said: list[str] = []
    ready, detected = start.ready, start.detected
    if start.role == "agent" and ready.lower is None and ready.upper is None:
        said.append("An agent has no API server of its own, so there is no readiness to time.")
    elif ready.upper is not None:
        said.append(f"The API became ready (/readyz turned OK) {window_words(ready)} after {origin}.")
        if ready.width is not None and ready.width > 0.05:
            said.append(f"That is a window {up(ready.width)} s wide: nobody looked in between.")
    elif ready.lower is not None and ready.lower <= 0:
        said.append("The log does not show the API becoming ready (/readyz turning OK).")
    elif ready.lower is not None:
        said.append(
            f"The API was certainly not ready (/readyz not OK) until {at_least(ready.lower)} "
            f"after {origin}; the log does not show it becoming ready."
        )
    else:
        said.append("The log does not say when or whether the API became ready (/readyz turned OK).")
    if detected.upper is not None:
        said.append(f"{capital(noticer(start))} noticed it {window_words(detected)}{later_words(start.polling_tax_s)}.")
    return outcome.sign, headline, said


def end_words(start: StartReport) -> str:
    """What became of the process."""
    end = start.end
    clock = Words(start).clock(end.at_s)
    at = f" at {about(end.at_s)}" if end.at_s is not None else ""
    return first_that_holds(
        (start.observer == "wait", "not known: the server was asked from outside"),
        (end.kind == "running", "still running at the end of the log"),
        (True, f"{end.kind}{at}{f' ({clock})' if clock else ''}"),
    )


def _ready_cell(start: StartReport) -> str:
    """When it was ready, for the table of all starts; ``?`` where its begin is not in the log."""
    if start.ready.lower is None and start.ready.upper is None:
        return "–"
    return window_words(start.ready) if start.begin_seen or start.observer == "wait" else "?"


def start_row(start: StartReport, detailed: bool) -> dict[str, Any]:
    """One row of the table of all starts."""
    ready, began, blamed = start.ready, start.began_at, start.bottleneck.checks
    known = ready.upper is not None and math.isfinite(ready.upper)
    return {
        "index": start.index,
        "detailed": detailed,
        "host": start.host or "–",
        "began": began.strftime("%Y-%m-%d %H:%M:%S") if began else "no date",
        "began_sort": began.timestamp() if began else start.index,
        "version": start.version or "–",
        "outcome": start.outcome,
        "sign": term("outcome", start.outcome).sign,
        "ready": _ready_cell(start),
        "ready_sort": ready.upper if known else 1e12 + (ready.lower or 0.0),
        "bottleneck": listed(blamed, 2) or "–",
    }


def start_view(start: StartReport) -> dict[str, Any]:
    """Everything one start's section says."""
    sign, headline, said = verdict(start)
    words = Words(start)
    began = start.began_at
    origin = began.strftime("%Y-%m-%d %H:%M:%S") if began else None
    zone = zone_words(start)
    who = [start.product if start.product != "unknown" else "k3s or RKE2"]
    if start.role != "unknown":
        who.append(start.role)
    return {
        "index": start.index,
        "sign": sign,
        "outcome": start.outcome,
        "headline": headline,
        "said": said,
        "reason": start.outcome_reason,
        "bottleneck": start.bottleneck.sentence,
        "certainty": start.bottleneck.certainty,
        "facts": [
            ("Host and unit", " · ".join(t for t in (start.host, start.unit) if t) or "not in the log"),
            ("Program", " ".join(who) + (f" {start.version}" if start.version else ", version not in the log")),
            ("Began", f"{origin} ({zone})" if origin else f"no date in the log ({zone})"),
            ("End of the process", end_words(start)),
            ("Poller", _poller_words(start)),
        ],
        "axis": f"{words.origin}, {origin} ({zone})" if origin else f"{words.origin} (no date in the log)",
        "zone": zone,
        "origin": words.origin,
        "findings": [_finding(f) for f in start.findings],
        "check_tables": _check_tables(start),
        "polls": _poll_table(start.polls, words),
        "polls_total": len(start.polls),
        "errors": [
            {
                "error": e.error,
                "words": answer(e.error).short,
                "severity": e.severity,
                "polls": e.polls,
                "first": words.at(e.first_s),
                "last": words.at(e.last_s),
            }
            for e in start.errors
        ],
        "phases": [
            {
                "words": phase_words(p.id),
                "id": p.id,
                "length": span_words(p.duration_s),
                "end": window_words(p.end),
                "refs": p.end.refs,
            }
            for p in start.phases
        ],
        "milestones": [
            {
                "id": m.id,
                "at": words.at(m.at_s),
                "clock": words.clock(m.at_s),
                "text": m.text,
                "refs": [(m.source, m.line)],
            }
            for m in start.milestones[:TABLE_ROWS]
        ],
        "milestones_total": len(start.milestones),
        "gaps": [
            {
                "kind": g.kind.replace("_", " "),
                "begin": words.at(g.begin_s),
                "end": words.at(g.end_s),
                "detail": g.detail,
                "refs": [] if g.line is None else [(g.source, g.line)],
            }
            for g in start.gaps[:TABLE_ROWS]
        ],
        "gaps_total": len(start.gaps),
        "clock": _clock_notes(start),
        "alone": None if start.hooks_alone_s is None else span_words(start.hooks_alone_s),
        "shared": None if start.hooks_shared_s is None else span_words(start.hooks_shared_s),
    }


def _poller_words(start: StartReport) -> str:
    poller = start.poller
    text = term("poller", poller.kind).meaning
    return first_that_holds(
        (start.observer == "wait", f"k3slog wait; {poller.printed} polls answered anything but ready"),
        (poller.prints_polls is False, f"{text}; this release prints no polls"),
        (True, f"{text}; {poller.printed} polls printed, {poller.implied} implied"),
    )


def _finding(finding: Finding) -> dict[str, Any]:
    severity = term("finding", finding.severity)
    return {
        "id": finding.id,
        "sign": severity.sign,
        "severity": severity.short,
        "level": finding.severity,
        "title": finding.title,
        "detail": finding.detail,
        "advice": finding.advice,
        "refs": [(finding.source, line) for line in finding.lines[:20]],
        "more": max(0, len(finding.lines) - 20),
    }


def _check_tables(start: StartReport) -> list[dict[str, Any]]:
    """The checks that matter in a table that is open, the others in a closed one; both in the order of clearing."""
    ordered = sorted(start.checks, key=clearing_order)
    matter = [c for c in ordered if c.seen_failing or c.name in start.bottleneck.checks]
    rest = [c for c in ordered if not (c.seen_failing or c.name in start.bottleneck.checks)]
    title = "Checks seen failing" if all(c.seen_failing for c in matter) else "Checks seen failing or possibly the last"
    return [
        {"title": title, "total": len(group), "open": opened, "rows": [_check(c, start) for c in group[:TABLE_ROWS]]}
        for title, group, opened in ((title, matter, True), ("Checks never seen failing", rest, not matter))
        if group
    ]


def _check(check: Check, start: StartReport) -> dict[str, Any]:
    blamed = start.bottleneck
    estimate = None if check.estimate_s is None else f"{check.estimate_s:.2f} s ({check.estimate_basis or 'estimate'})"
    return {
        "name": check.name,
        "final": check.final,
        "seen_failing": check.seen_failing,
        "cleared": window_words(check.cleared),
        "basis": basis(check.cleared) or "nothing",
        "refs": check.cleared.refs,
        "estimate": estimate,
        "exclusive": span_words(check.exclusive_s),
        "saving": span_words(check.saving_s),
        "last": term("last", check.last_blocker).short,
        "sign": ("▶" if blamed.certainty == "certain" else "▷") if check.name in blamed.checks else "",
        "reasons": ", ".join(check.reasons),
    }


def _poll_table(polls: Sequence[Poll], words: Words) -> list[dict[str, Any]]:
    """Printed polls one by one; the implied ones between two of them in one row."""
    rows = []
    runs = (list(run) for _, run in groupby(enumerate(polls), key=_run))
    for run in islice(runs, TABLE_ROWS):
        first, last = run[0][1], run[-1][1]
        at = words.at(first.at_s) if len(run) == 1 else f"{words.at(first.at_s)} … {words.at(last.at_s)}"
        rows.append(_poll_row(first, at, words.clock(first.at_s), len(run)))
    return rows


def _run(place: tuple[int, Poll]) -> tuple[int, str | None]:
    """The same for neighbours that share a row: implied polls of one error class."""
    number, poll = place
    return (number if poll.printed or poll.error is None or poll.line is not None else -1), poll.error


def _poll_row(poll: Poll, at: str, clock: str, count: int) -> dict[str, Any]:
    kind = "answered OK" if poll.error is None else "printed" if poll.printed else "implied"
    return {
        "at": at,
        "clock": clock,
        "kind": f"{count} {kind}" if count > 1 else kind,
        "error": answer(poll.error).short,
        "status": poll.http_status,
        "failing": listed(poll.failing, 8),
        "cut": poll.cut,
        "text": poll.text[:400],
        "refs": [] if poll.line is None else [(poll.source, poll.line)],
    }


def _clock_notes(start: StartReport) -> list[str]:
    clock = start.clock
    rest = term("clock", clock.basis).meaning
    often = "once" if clock.steps == 1 else f"{clock.steps} times"
    return those_that_hold(
        (True, f"Times rest on {rest}; one timestamp is good to {precision_words(clock.precision_s)}."),
        (clock.year_from == "none", "The year is not in the log and was not guessed."),
        (clock.year_from not in ("none", "stamp"), f"The year was taken from: {clock.year_from}."),
        (clock.utc_offset is None, "The zone of the log is not known."),
        (
            clock.steps,
            f"The wall clock was set {often} during this start; clock times on this page use one setting throughout, "
            "so on one side of a step they differ from the timestamps in the log.",
        ),
    )
