"""The machine-readable report: one JSON object, described by ``report.schema.json``.

History of ``schema_version``:

* 1 — first version.

Seconds are written to the microsecond. Rounding never narrows a window: a lower end is rounded down, an upper end
up. Text is written as ASCII with escapes, so that nothing a log holds can reach a terminal as a control sequence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from analyzer.analysis.chain_of_blame import blame_chain
from analyzer.analysis.clusters import clusters_of
from analyzer.analysis.episodes import episodes_of
from analyzer.analysis.start_key import start_key
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.selection import select_starts
from analyzer.results import (
    Check,
    ClockOffset,
    Cluster,
    Episode,
    Finding,
    Gap,
    Phase,
    Poll,
    PollerNote,
    Report,
    StartReport,
)
from analyzer.window import Span, Window

_DIGITS = 6
_PRETTY_UP_TO = 50  # starts; the indenting encoder is ten times slower than the compact one

# Fields of results that are not in the contract: for drawing and for the tables.
_UNTOLD: dict[type, tuple[str, ...]] = {
    PollerNote: ("grid_slack_s",),
    Poll: ("text", "ok"),
    Check: (
        "failing_until_s", "first_seen_failing_s", "first_seen_failing_line", "first_seen_failing_source",
    ),
    Phase: ("may_be",),
    Finding: ("moments",),
    StartReport: ("site", "links", "told"),
}  # fmt: skip

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
    for name, end in (("upper_source", upper), ("lower_witness", lower), ("upper_witness", upper)):
        if end is not None and getattr(window, name) is not None:
            result[name] = getattr(window, name)
    return result


def span_object(span: Span) -> JsonObject:
    """A length ``{"min", "max"}``; ``max`` is ``null`` when there is no upper limit."""
    return {"min": rounded_down(span.min), "max": rounded_up(span.max)}


@cache
def _told(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in _UNTOLD.get(kind, ()))


def plain(value: Any) -> Any:
    """A part of a result as JSON has it: dataclasses field by field, numbers and windows rounded, texts cleaned."""
    match value:
        case None | int():
            return value
        case str():
            return clean_text(value)
        case float():
            return rounded(value)
        case tuple() | list():
            return [plain(item) for item in value]
        case Mapping():
            return {plain(key): plain(item) for key, item in value.items()}
        case datetime():
            return value.isoformat()
        case Window():
            return window_object(value)
        case Span():
            return span_object(value)
        case Phase():
            return {"id": value.id, "may_be": list(value.may_be or (value.id,)), **chosen(value)}
        case ClockOffset():
            return chosen(value) | {"lower_s": rounded_down(value.lower_s), "upper_s": rounded_up(value.upper_s)}
        case Gap():
            return chosen(value) | {"begin_s": rounded_down(value.begin_s), "end_s": rounded_up(value.end_s)}
    return chosen(value)


def chosen(part: Any, *names: str) -> JsonObject:
    """The fields ``names`` of a result; without names all that the contract has."""
    told = names or _told(type(part))  # type: ignore[arg-type]  # types are hashable
    return {name: plain(getattr(part, name)) for name in told}


_Dated = TypeVar("_Dated", StartReport, Episode, Cluster)


def in_utc(part: _Dated) -> _Dated:
    """A start, an episode or a cluster with its moments in UTC."""
    moments = {name: getattr(part, name, None) for name in ("began_at", "ended_at")}
    return replace(part, **{name: at.astimezone(UTC) for name, at in moments.items() if at is not None})


def report_object(report: Report, options: Options = DEFAULT) -> JsonObject:
    """The report as plain data; ``index`` of the chosen starts keeps counting the whole input.

    Episodes and clusters are those of the whole input, whichever starts are chosen.
    """

    def dated(parts: Sequence[_Dated]) -> list[JsonObject]:
        return [chosen(in_utc(part) if options.utc else part) for part in parts]

    return {
        "schema": "k3slog.report",
        "schema_version": 1,
        "tool": {"name": "k3slog", "version": report.tool_version},
        "sources": plain(report.sources),
        "ledger": {**chosen(report.ledger), "reasons": plain(dict(sorted(report.ledger.reasons.items())))},
        "notes": [{"source": source, "text": clean_text(note)} for source, note in report.notes],
        "episodes": dated(episodes_of(report)),
        "clusters": dated(clusters_of(report)),
        "starts": [_start(s, options) for s in select_starts(report.starts, options.start)],
    }


def _start(start: StartReport, options: Options) -> JsonObject:
    told = chosen(in_utc(start) if options.utc else start)
    return {"key": clean_text(start_key(start)), **told, "chain": plain(blame_chain(start))}


def dumps(data: object, *, pretty: bool = True) -> str:
    """ASCII JSON with a final newline; NaN and infinities are refused."""
    return json.dumps(data, indent=2 if pretty else None, ensure_ascii=True, allow_nan=False) + "\n"


def render(report: Report, options: Options = DEFAULT) -> str:
    """The JSON text: indented for up to 50 starts, on one line beyond."""
    data = report_object(report, options)
    return dumps(data, pretty=len(data["starts"]) <= _PRETTY_UP_TO)
