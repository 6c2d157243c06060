"""The history of one collection as a self-contained page; see :mod:`analyzer.reports.html_page` for how it is safe.

A trend: a point for each group and the steps between them. Or the changes of single hosts, each with what else changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.comparison.model import Change, Comparison, History, MetricComparison
from analyzer.events.terms import term
from analyzer.reports import comparison_forest as forest, comparison_words, history_words as words
from analyzer.reports.comparison_forest import Axis, ForestRow
from analyzer.reports.comparison_masked import masked_history
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.history_trend import pictures
from analyzer.reports.html_page import filled, script
from analyzer.reports.page_words import Piece, Section, Stretch, metric_axis, metric_heading, outcome_bar, shown
from analyzer.version import __version__

_ALSO: Final = 6  # other metrics that changed with a step


def render(history: History, options: Options = DEFAULT) -> str:
    """The page as text, UTF-8 when written."""
    told = masked_history(history)
    trend = words.is_trend(told)
    mark = words.mark(told)
    heads = words.titles(told)
    return filled(
        "history.html.j2",
        script("theme", "parts", "history"),
        plotly=False,
        styles=("many", "comparison"),
        title=f"History by {', '.join(map(shown, told.by)) or 'group'}" if trend else "Changes in the history of hosts",
        mark=mark,
        sign=words.sign(told),
        state=term("mark", mark).short,
        verdict=words.verdict(told),
        sections=list(_sections(told)),
        trend=trend,
        heading="" if told.goal is None else metric_heading(told.goal),
        axis="" if told.goal is None else metric_axis(told.goal),
        heads=heads,
        seen=heads[2].removesuffix(" (s)"),
        pictures=pictures(told) if trend else [],
        steps=_steps(told) if trend else None,
        changes=_changes(told),
        data={"points": len(told.points)},
        tool_version=__version__,
    )


def _sections(history: History) -> Iterator[Section]:
    lead = words.where(history)
    if lead:
        yield Section("Where", (Piece(" · ".join(lead)),), lead=True)
    for label, said in (
        ("Steps", words.more(history)),
        ("Never", words.never(history)),
        ("Starts", words.left_out(history)),
    ):
        if said:
            yield Section(label, (Piece(said),))
    yield Section("Sure", (Piece(_SURE),))


_SURE: Final = (
    "A log shows when somebody looked, so every time is a pair of bounds. Each interval covers these, and the chance "
    "of having seen just these starts."
)


# --- the trend


@dataclass(frozen=True, slots=True)
class StepRow:
    """A group in the table, with the step from the group before it."""

    name: str
    starts: int
    hosts: int
    outcomes: tuple[Stretch, ...]
    seen: str
    interval: str
    step: ForestRow | None
    also: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows on one axis of differences; no axis: nothing was compared."""

    axis: Axis | None
    rows: tuple[StepRow, ...]


def _steps(history: History) -> Table:
    found = [None, *(comparison_words.leading(step.comparison) for step in history.steps)]
    axis = _axis(found)
    rows = []
    for at, (point, told) in enumerate(zip(history.points, words.trend_rows(history), strict=True)):
        metric = found[at] if at < len(found) else None
        name = shown(words.point_name(point))
        rows.append(
            StepRow(
                name=name,
                starts=point.side.starts,
                hosts=point.side.hosts,
                outcomes=tuple(outcome_bar(point.side.outcomes, point.side.starts)),
                seen=told[2],
                interval=told[3],
                step=_row(metric, axis, name),
                also="" if metric is None else _also(history.steps[at - 1].comparison),
            )
        )
    return Table(axis, tuple(rows))


def _axis(found: Sequence[MetricComparison | None]) -> Axis | None:
    """Of those in the unit of the first."""
    known = [metric for metric in found if metric is not None]
    return forest.axis([metric for metric in known if metric.unit == known[0].unit]) if known else None


def _row(metric: MetricComparison | None, axis: Axis | None, name: str) -> ForestRow | None:
    return None if metric is None or axis is None or metric.unit != axis.unit else forest.row(metric, axis, name)


def _also(comparison: Comparison) -> str:
    """What else certainly differs."""
    return shown(comparison_words.changed_parts(comparison, _ALSO))


# --- changes of single hosts


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """Where a host became slower or faster; ``facts``: what else is different from there on."""

    host: str
    when: str
    before: str
    after: str
    row: ForestRow | None
    starts: str
    chance: str
    also: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes on one axis, the most certain first."""

    axis: Axis | None
    rows: tuple[ChangeRow, ...]


def _changes(history: History) -> Changes | None:
    if not history.changes:
        return None
    ranked = words.in_order(history.changes)
    found = [comparison_words.leading(one.comparison) for one in ranked]
    axis = _axis(found)
    return Changes(axis, tuple(_change(one, metric, axis) for one, metric in zip(ranked, found, strict=True)))


def _change(one: Change, metric: MetricComparison | None, axis: Axis | None) -> ChangeRow:
    host = shown(one.host) or "a host without a name"
    return ChangeRow(
        host=host,
        when=shown(words.when(one.after_at)) if one.after_at else "",
        before=shown(one.before),
        after=shown(one.after),
        row=_row(metric, axis, host),
        starts=f"{one.comparison.base.starts:,} and {one.comparison.new.starts:,}",
        chance="< 0.0001" if one.p_value < 1e-4 else f"{one.p_value:.4f}",
        also=_also(one.comparison),
        facts=tuple(shown(fact) for fact in one.changed),
    )
