"""The slowest starts of a side, each with what a collection holds of it: how long its phases and last checks took.

A collection holds the lengths of phases and not the moments between them, so all bars of a start begin at 0; beside
each stands what is usual on both sides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.collection.groups import UNKNOWN
from analyzer.collection.metric_order import is_phase, ordered
from analyzer.collection.model import CHECK, GOAL_METRICS, Bounds, Metric, StartRow
from analyzer.collection.summary import NO_REASON, goal_windows
from analyzer.comparison.model import Compared
from analyzer.comparison.sides import SideOf
from analyzer.events.terms import term
from analyzer.reports.comparison_curve import LOOKS, ends_of
from analyzer.reports.comparison_rows import metric_name
from analyzer.reports.curve import seconds_text
from analyzer.reports.fleet_rows import label_of, label_texts
from analyzer.reports.page_words import began_text, finding_title, level_of, shown, took_text
from analyzer.reports.percent_scale import Bar, Scale, Tick
from analyzer.reports.wording import span_range
from analyzer.window import Span

NUMBER: Final = 8  # of a side
_NEVER: Final = 4  # of these, at most so many that never got there, where there are others
_CHECKS: Final = 6  # the last ones of a start
_SHORTEST: Final = 0.001
_FARTHER: Final = 1.5  # times its longest length that a start's axis reaches for the medians
_VISIBLE: Final = 0.4  # percent of the picture
_TITLES: Final = ("Until", "Length of phases", "Last checks, from serving until they cleared")
_PLAIN: Final = re.compile(r"(?!-)[\w./@%+=,-]+(?<!\.json)")  # a name in which a shell reads nothing else


@dataclass(frozen=True, slots=True)
class Lane:
    """One length of a start, ``bar`` as far as it is certain and what may come on top; ``usual``: medians by side."""

    name: str
    bar: tuple[Bar, Bar]
    took: str
    usual: tuple[tuple[str, Bar], ...]


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lengths of one kind."""

    title: str
    rows: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class SlowStart:
    """A start with its own picture; its bar in the list is in percent of the slowest of both sides."""

    host: str
    outcome: str
    sign: str
    took: str
    bar: tuple[Bar, Bar]
    why: str
    where: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[tuple[str, str, str], ...]
    ticks: tuple[tuple[Tick, str], ...]
    lanes: tuple[Lanes, ...]
    command: str


Usual = Mapping[str, tuple[tuple[str, Bounds], ...]]


def slowest(compared: Compared, metric: str | None) -> tuple[list[SlowStart], list[SlowStart]]:
    """The slowest starts of base and of new by one metric; without one by the goals of their roles."""
    sides = SideOf.of(compared.base), SideOf.of(compared.new)
    ranked = [_Ranked.of(side, metric) for side in sides]
    chosen = [one.first() for one in ranked]
    longest = max((one.end(at) for one, own in zip(ranked, chosen, strict=True) for at in own), default=1.0)
    usual = {id: tuple(_medians(sides, id)) for id in {*compared.base.metrics, *compared.new.metrics}}
    base, new = (
        [_start(one.side, at, one.bounds(at), usual, longest) for at in own]
        for one, own in zip(ranked, chosen, strict=True)
    )
    return base, new


def _medians(sides: Sequence[SideOf], id: str) -> Iterator[tuple[str, Bounds]]:
    """Of each side that has the metric."""
    for look, side in zip(LOOKS, sides, strict=True):
        if side.has(id):
            yield look, ends_of(side, id).quantile(0.5)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """How long each start of a side took: ``least`` is infinite where it certainly never got there, -1 without any.

    ``tried``: how long it was certainly on its way.
    """

    side: SideOf
    least: tuple[float, ...]
    most: tuple[float, ...]
    tried: tuple[float, ...]

    @classmethod
    def of(cls, side: SideOf, id: str | None) -> _Ranked:
        tried, most = goal_windows(side.collection)
        least = np.where((tried > 0.0) | np.isfinite(most), tried, -1.0)
        if id is not None and id in side.collection.metrics:
            metric, lengths, places = side.collection.metrics[id], side.lengths(id), side.places(id)
            told = np.isin(places, metric.at)  # of the others nothing is known
            least, most, tried = np.full(len(tried), -1.0), np.full(len(tried), math.inf), np.zeros(len(tried))
            least[places[told]], most[places[told]] = lengths.least[told], lengths.most[told]
            tried[metric.at] = metric.least
        return cls(side, tuple(least.tolist()), tuple(most.tolist()), tuple(tried.tolist()))

    def first(self) -> list[int]:
        """The starts to be shown: some of those that never got there, then the slowest others."""
        known = [at for at, low in enumerate(self.least) if low >= 0.0]
        ranked = sorted(known, key=lambda at: (-self.least[at], -self.most[at], -self.tried[at], at))
        never = [at for at in ranked if math.isinf(self.least[at])]
        others = ranked[len(never) :]
        return [*never[: max(_NEVER, NUMBER - len(others))], *others][:NUMBER]

    def bounds(self, at: int) -> Bounds:
        """What was seen of a start."""
        return self.tried[at], self.most[at]

    def end(self, at: int) -> float:
        """Where its bar ends."""
        return max(self.tried[at] if math.isinf(self.most[at]) else self.most[at], _SHORTEST)


# --- one start


def _start(side: SideOf, at: int, bounds: Bounds, usual: Usual, longest: float) -> SlowStart:
    start = side.starts[at]
    name = shown(start.input)
    values = dict(_of_interest(side.collection.metrics, at))
    scale = Scale.over(0.0, _high(values, usual), 4)
    plain = name == start.input and _PLAIN.fullmatch(name) is not None
    return SlowStart(
        host=label_of(start, "host") or UNKNOWN,
        outcome=shown(start.outcome),
        sign=term("outcome", start.outcome).sign,
        took=took_text(*bounds),
        bar=_bar(Scale(0.0, longest, longest), bounds),
        why=shown(start.reason or start.cause_words) or (NO_REASON if start.outcome == "failed" else ""),
        where=f"{name}:{start.index}",
        facts=tuple(_facts(start)),
        findings=tuple(_findings(start)),
        ticks=tuple((tick, seconds_text(tick.value) if tick.value else "0") for tick in scale.ticks()),
        lanes=tuple(_lanes(values, scale, usual)),
        command=f"k3slog analyze {name} --start {start.index} --html start.html" if plain else "",
    )


def _high(values: Mapping[str, Bounds], usual: Usual) -> float:
    """Where the axis ends: all of the start has room, and of the medians those that are not far beyond."""
    longest = max((low if math.isinf(up) else up for low, up in values.values()), default=1.0)
    medians = (ends[1] for id in values for _, ends in usual[id])
    return max((end for end in (*medians, longest) if end <= _FARTHER * longest), default=1.0)


def _findings(start: StartRow) -> Iterator[tuple[str, str, str]]:
    """The level, its sign and the title of each."""
    for id, severity in start.findings:
        level = level_of(severity)
        yield level, term("finding", level).sign, finding_title(id, (start.product,))


def _lanes(values: Mapping[str, Bounds], scale: Scale, usual: Usual) -> Iterator[Lanes]:
    kinds: dict[str, list[Lane]] = {title: [] for title in _TITLES}
    for id, bounds in values.items():
        kinds[_title(id)].append(
            Lane(
                name=shown(metric_name(id)),
                bar=_bar(scale, bounds),
                took=span_range(Span(bounds[0], None if math.isinf(bounds[1]) else bounds[1])),
                usual=tuple((look, scale.bar(*ends, _VISIBLE)) for look, ends in usual[id] if ends[0] <= scale.high),
            )
        )
    yield from (Lanes(title, tuple(rows)) for title, rows in kinds.items() if rows)


def _title(id: str) -> str:
    if id.startswith(CHECK):
        return _TITLES[2]
    return _TITLES[is_phase(id) or id == "polling_tax"]


def _bar(scale: Scale, bounds: Bounds) -> tuple[Bar, Bar]:
    """What is certain of a length, and what may come on top."""
    least, most = bounds
    return scale.bar(0.0, least), scale.bar(least, most)


def _of_interest(metrics: Mapping[str, Metric], at: int) -> Iterator[tuple[str, Bounds]]:
    """Of one start the goals, the phases in the order of a start, and the checks that cleared last."""
    checks: list[tuple[str, Bounds]] = []
    for id in ordered(metrics):
        place = int(np.searchsorted(metrics[id].at, at))
        if place == len(metrics[id].at) or metrics[id].at[place] != at:
            continue
        bounds = float(metrics[id].least[place]), float(metrics[id].most[place])
        if id.startswith(CHECK):
            checks.append((id, bounds))
        elif id in GOAL_METRICS.values() or id in ("detected", "polling_tax") or is_phase(id):
            yield id, bounds
    yield from sorted(checks, key=lambda one: (-one[1][0], -one[1][1], one[0]))[:_CHECKS]


def _facts(start: StartRow) -> Iterator[tuple[str, str]]:
    """What is known of it, in words."""
    program = " ".join(shown(part) for part in (start.product, start.role, start.version) if part)
    told: Sequence[tuple[str, str]] = (
        ("Program", program),
        ("Began (UTC)", began_text(start.began_at)),
        ("Unit", shown(start.unit)),
        ("Labels", ", ".join(label_texts(start))),
        ("Cause", shown(start.cause_words) if start.cause_words != start.reason else ""),
    )
    return ((name, words) for name, words in told if words)
