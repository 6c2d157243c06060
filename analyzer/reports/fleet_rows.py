"""The starts of a collection for the page: as data for its script, and the first of them as rows of the table.

The data is kept small: texts are listed once and named by their place, seconds are whole milliseconds, rounded
outwards. Everything that a log, a path or a user wrote has gone through ``printable``, so that a filter in the address
of the page can name it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analyzer.collection.groups import UNKNOWN
from analyzer.collection.model import CHECK, GOAL_METRICS, Collection, Metric, StartRow
from analyzer.collection.summary import NO_REASON
from analyzer.events.terms import term, terms
from analyzer.reports.page_words import (
    began_text,
    finding_title,
    level_of,
    metric_axis,
    metric_heading,
    shown,
    shown_value,
    took_text,
)

FIRST_ROWS: Final = 100  # of the table, without the script and on each of its pages
STARTS_BYTES: Final = 2_300_000  # of the data about starts, of which a page holds as many as fit
METRICS_BYTES: Final = 900_000
_NEED: Final = ("failed", "incomplete", "stopped", "ready")
_NOT_SECONDS: Final = ("restarts", "failed")
OWN_LABELS: Final = ("outcome", "version", "host", "kubernetes", "product", "role", "input")

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A start in the table, in words."""

    at: int
    host: str
    outcome: str
    sign: str
    took: str
    began: str
    version: str
    why: str
    labels: tuple[str, ...]
    where: str


def goal_metric(collection: Collection, asked: str | None, usual: str | None = None) -> str | None:
    """The metric that the page speaks of: the goal that was asked for, ``usual``, ``ready``, else that of most."""
    if asked is None and usual in collection.metrics:
        return usual
    named = {name: metric for name in GOAL_METRICS.values() if (metric := collection.metrics.get(name)) is not None}
    wanted = GOAL_METRICS.get(asked or "api", asked)
    if wanted in collection.metrics:
        return wanted
    # the order of the goals decides between equals
    return max(named, key=lambda name: len(named[name].at), default=next(iter(collection.metrics), None))


def label_of(start: StartRow, name: str) -> str:
    """One of our own labels; a label of the user's with that name hides it, except what counts are made of."""
    given = dict(start.labels).get(name) if name not in ("outcome", "input") else None
    return shown_value(name, given) if given else shown(getattr(start, name))


def label_texts(start: StartRow) -> tuple[str, ...]:
    """The user's own labels of a start, ``site=east``."""
    return tuple(f"{shown(name)}={shown_value(name, value)}" for name, value in _users(start))


def _users(start: StartRow) -> list[tuple[str, str]]:
    """The labels that only the user gave, in the order of their names."""
    return sorted((name, value) for name, value in start.labels if name not in OWN_LABELS)


def in_order(collection: Collection, metric: Metric | None) -> list[int]:
    """Places of all starts, those first that need someone: failed, never ready, then the slowest."""
    least = {} if metric is None else dict(zip(metric.at.tolist(), metric.least.tolist(), strict=True))
    never = set() if metric is None else set(metric.at[metric.most == math.inf].tolist())

    def need(at: int) -> tuple[int, bool, float, int]:
        outcome = collection.starts[at].outcome
        rank = _NEED.index(outcome) if outcome in _NEED else len(_NEED)
        return rank, at not in never, -least.get(at, -1.0), at

    return sorted(range(len(collection.starts)), key=need)


def began_s(start: StartRow) -> int | None:
    """Whole seconds since 1970; ``None`` where the log has no date."""
    return None if start.began_at is None else math.floor(start.began_at.timestamp())


def first_rows(collection: Collection, order: Sequence[int], metric: Metric | None) -> list[Row]:
    """The rows that are there without a script."""
    kept = list(order[:FIRST_ROWS])
    bounds = {}
    if metric is not None:
        bounds = dict(
            zip(metric.at.tolist(), zip(metric.least.tolist(), metric.most.tolist(), strict=True), strict=True)
        )
    return [_row(collection.starts[at], number, bounds.get(at)) for number, at in enumerate(kept)]


def _row(start: StartRow, number: int, bounds: tuple[float, float] | None) -> Row:
    return Row(
        at=number,
        host=label_of(start, "host") or UNKNOWN,
        outcome=shown(start.outcome),
        sign=term("outcome", start.outcome).sign,
        took="–" if bounds is None else took_text(*bounds),
        began=began_text(start.began_at),
        version=label_of(start, "version"),
        why=shown(start.reason or start.cause_words) or (NO_REASON if start.outcome == "failed" else ""),
        labels=label_texts(start),
        where=f"{shown(start.input)}:{start.index}",
    )


# --- the data for the script


def data(collection: Collection, order: Sequence[int], goal: str | None) -> JsonObject:
    """All starts in ``order`` as columns; where they do not all fit, the first of them and ``left_out``.

    Texts are numbers in ``texts``; ``labels`` hold own and user's labels with a column each; ``metrics`` have whole
    milliseconds, ``least`` below the window and ``width`` up to its upper end, -1 where it is open, ``null`` without.
    """
    kept = _that_fit(collection, order)
    starts = [collection.starts[at] for at in kept]
    texts = _Texts()
    kinds: dict[tuple[str, str], int] = {}
    products = {start.product for start in collection.starts}
    return {
        "starts": len(starts),
        "left_out": len(order) - len(starts),
        "labels": _labels(starts, texts),
        "index": [s.index for s in starts],
        "line": [s.line for s in starts],
        "unit": texts.column(starts, lambda s: s.unit),
        "end": texts.column(starts, lambda s: s.end),
        "reason": texts.column(starts, lambda s: s.reason),
        "cause": texts.column(starts, lambda s: s.cause_words),
        "began": [began_s(s) for s in starts],
        "findings": [[kinds.setdefault(found, len(kinds)) for found in s.findings] for s in starts],
        "kinds": [[shown(name), level_of(level), finding_title(name, products)] for name, level in kinds],
        "metrics": _metrics(collection, kept, goal),
        "levels": {level.id: level.sign for level in terms("finding").values()},
        "signs": {outcome.id: outcome.sign for outcome in terms("outcome").values()},
        "unknown": UNKNOWN,
        "no_reason": NO_REASON,
        "texts": texts.known,
    }


class _Texts:
    """Every text once; place 0 is the empty one."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {"": 0}

    @property
    def known(self) -> list[str]:
        return list(self.places)

    def place(self, text: str) -> int:
        return self.places.setdefault(text, len(self.places))

    def column(self, starts: Iterable[StartRow], read: Callable[[StartRow], str | None]) -> list[int]:
        return [self.place(shown(read(start))) for start in starts]


def _that_fit(collection: Collection, order: Sequence[int]) -> Sequence[int]:
    """As many as there is room for; what a start takes is counted by its texts that are new."""
    room = STARTS_BYTES
    known: set[str] = set()
    for number, at in enumerate(order):
        start = collection.starts[at]
        new = {text for text in _texts_of(start) if text} - known
        known |= new
        room -= sum(len(json.dumps(shown(text))) for text in new)
        room -= 70 + 5 * (len(start.labels) + len(start.findings))  # places in lists, numbers
        if room < 0:
            return order[:number]
    return order


def _texts_of(start: StartRow) -> Iterator[str | None]:
    yield from (start.input, start.host, start.version, start.unit, start.reason, start.cause_words)
    for name, value in start.labels:
        yield from (name, value)
    for name, _ in start.findings:
        yield name


def _labels(starts: Sequence[StartRow], texts: _Texts) -> list[JsonObject]:
    """A column for each label; names of the user's are told apart from our own."""
    own = [{"id": name, "name": name, "at": [texts.place(label_of(s, name)) for s in starts]} for name in OWN_LABELS]
    users: dict[str, list[int]] = {}
    for number, start in enumerate(starts):
        for name, value in _users(start):
            users.setdefault(shown(name), [0] * len(starts))[number] = texts.place(shown_value(name, value))
    return own + [{"id": f"label.{name}", "name": name, "at": at} for name, at in sorted(users.items())]


def _metrics(collection: Collection, kept: Sequence[int], goal: str | None) -> list[JsonObject]:
    """The goal first, then other goals, phases and checks, the most frequent first, as many as there is room for."""
    names = [name for name in collection.metrics if name not in _NOT_SECONDS]
    place = {at: number for number, at in enumerate(kept)}
    made, room = [], METRICS_BYTES
    for name in sorted(names, key=lambda name: _rank(name, goal, collection)):
        metric = collection.metrics[name]
        room -= 12 * len(metric.at) + 5 * (len(kept) - len(metric.at))
        if room >= 0 or name == goal:
            head = {"id": shown(name), "heading": metric_heading(name), "axis": metric_axis(name)}
            made.append(head | _milliseconds(metric, place, len(kept)))
    return made


def _rank(name: str, goal: str | None, collection: Collection) -> tuple[bool, int, int, str]:
    goals = [*GOAL_METRICS.values(), "detected", *terms("phase")]
    return (
        name != goal,
        goals.index(name) if name in goals else len(goals) + name.startswith(CHECK),
        -len(collection.metrics[name].at),
        name,
    )


def _milliseconds(metric: Metric, place: dict[int, int], count: int) -> JsonObject:
    least: list[int | None] = [None] * count
    width: list[int] = [0] * count
    for at, low, high in zip(metric.at.tolist(), metric.least.tolist(), metric.most.tolist(), strict=True):
        number = place.get(at)
        if number is None or not math.isfinite(low):
            continue
        begin = math.floor(low * 1000 + 1e-6)
        least[number] = begin
        width[number] = -1 if math.isinf(high) else max(0, math.ceil(high * 1000 - 1e-6) - begin)
    return {"least": least, "width": width}
