"""Changes of a start as JSON, one object a line: ``k3slog.event``, described by ``event.schema.json``.

History of ``schema_version``:

* 1 — first version.
"""

from __future__ import annotations

from datetime import timedelta

from analyzer.reports.json_report import JsonObject, chosen, dumps, plain, rounded
from analyzer.results import StartReport
from analyzer.watching.changes import Event, Note

_WHO = ("host", "unit", "pid", "product", "role", "version", "began_at", "begin_seen")
_OUTCOME = ("outcome", "outcome_reason", "ready", "detected", "polling_tax_s")


def event_object(event: Event) -> JsonObject:
    """One change; behind ``event`` stand the fields that the report has of what changed."""
    return {
        "schema": "k3slog.event",
        "schema_version": 1,
        "at": _moment(event.start, event.at_s),
        "at_s": rounded(event.at_s),
        "start": event.start.index,
        "event": event.event,
        **_rest(event),
    }


def render(event: Event) -> str:
    """The object on a line of its own."""
    return dumps(event_object(event), pretty=False)


def _rest(event: Event) -> JsonObject:
    match event.event:
        case "start":
            return chosen(event.start, *_WHO)
        case "outcome":
            return chosen(event.start, *_OUTCOME)
        case "note":
            assert isinstance(event.part, Note)
            return {"text": event.part.text}
        case "end":
            return {"end": chosen(event.start.end)}
    rest = plain(event.part)
    assert isinstance(rest, dict)
    rest.pop("at_s", None)  # of a poll: it stands in front
    return rest


def _moment(start: StartReport, at_s: float | None) -> str | None:
    if start.began_at is None or at_s is None:
        return None
    try:
        return (start.began_at + timedelta(seconds=at_s)).isoformat()
    except OverflowError:  # next to the year 9999: a damaged stamp
        return None
