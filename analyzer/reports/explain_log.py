"""What one log says of a check: when it passed, by which lines, and where that lies among the starts measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from analyzer.events.measured import Spread, spread
from analyzer.events.redaction import mask_secrets
from analyzer.reports import wording
from analyzer.reports.explain_entry import Entry, filled, headed
from analyzer.results import Check, Report, StartReport
from analyzer.window import Window

_SERVING = "serving_securely"
_SHOWN = 240  # characters of a line
_LAST = {
    "certain": "It was the last check to pass.",
    "possible": "It may have been the last check to pass.",
    "no": "It was not the last check to pass.",
}


def in_log(entry: Entry, report: Report, start: StartReport) -> Entry:
    """The entry of a check with what a start of a log says of it."""
    check = next((one for one in start.checks if one.name == entry.name), None)
    said = headed(
        ("In this log", [f"{wording.what(start)}, start {start.index} of {len(report.starts)}.", *_said(check, start)]),
        ("Its lines", _lines(check, report)),
        ("Among the starts measured", _place(check, start)),
    )
    return replace(filled(entry, start.site), sections=said + filled(entry, start.site).sections)


def _said(check: Check | None, start: StartReport) -> Iterator[str]:
    if check is None or (check.final == "unseen" and not check.seen_failing):
        yield "The log says nothing of this check."
        return
    if check.final == "ok":
        yield f"It passed {wording.window_words(check.cleared)}."
    elif check.failing_until_s is not None:
        yield f"It had not passed when last seen, at {wording.at_least(check.failing_until_s)}."
    else:
        yield "It had not passed when last seen."
    if check.reasons:
        yield f"The server said why: {mask_secrets(', '.join(check.reasons))}."
    if check.exclusive_s is not None and check.exclusive_s.max != 0.0:
        yield f"Alone failing: {wording.span_words(check.exclusive_s)}."
    if check.saving_s is not None and check.saving_s.max != 0.0:
        saved = wording.span_words(check.saving_s)
        yield f"Had it passed at once, the server would have been ready earlier by {saved}."
    if start.outcome == "ready":
        yield _LAST[check.last_blocker]


def _lines(check: Check | None, report: Report) -> Iterator[str]:
    if check is None:
        return
    window = check.cleared
    places = {
        "first seen failing": check.first_seen_failing_ref,
        "not passed yet": window.lower_ref,
        "passed": window.upper_ref,
    }
    told: set[tuple[int, int]] = set()
    for what, place in places.items():
        if place is not None and place not in told:
            told.add(place)
            text = mask_secrets(report.evidence.get(place, ""))
            shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
            yield f"line {place[1]} ({what}){': ' if shown else ''}{shown}"


def _place(check: Check | None, start: StartReport) -> Iterator[str]:
    """After ``Serving securely``, as in the starts measured."""
    serving = next((one.at_s for one in start.milestones if one.id == _SERVING), None)
    if check is None or serving is None:
        return
    measured = spread(check.name)
    least, most = (None if at is None else max(0.0, at - serving) for at in (check.cleared.lower, check.cleared.upper))
    if check.final != "ok":
        least, most = (None if check.failing_until_s is None else max(0.0, check.failing_until_s - serving)), None
    if least is None and most is None:
        return
    yield f"{wording.capital(wording.window_words(Window(least, most)))} after 'Serving securely'."
    yield from _among(measured, least, most)


def _among(measured: Spread | None, least: float | None, most: float | None) -> Iterator[str]:
    if measured is None:
        yield "How long it usually takes was not measured."
        return
    yield (
        f"Of {measured.starts} starts of k3s that were watched, half had it within {measured.s[2]:g} s, "
        f"95 of 100 within {measured.usual_s:g} s, all within {measured.s[-1]:g} s."
    )
    below = measured.share_before(least)[0] if least is not None else 0
    above = measured.share_before(most)[1] if most is not None else None
    if least is not None and least > measured.s[-1]:
        yield "That is later than in every start measured."
    elif above is None or above >= 100:
        yield f"That is later than in at least {below} of 100." if below else ""
    else:
        yield f"That is later than in {below} to {above} of 100."
