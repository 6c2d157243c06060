"""A comparison as Markdown, for a pull request: at most 25 lines, the details folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.comparison.model import Compared, Comparison, MetricComparison
from analyzer.reports import comparison_rows as rows, comparison_words as words
from analyzer.reports.comparison_masked import masked
from analyzer.reports.fleet_words import counted
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.md import Md, code, details, document, markup, table
from analyzer.version import __version__

LINES = 25
_ROWS = 8  # of the table, at most: the first metric, and others that differ
_AROUND = 8  # lines: the verdict, what is around the table and the details, the head of the table
_ALONE, _NOTES = 3, 2
_NAMED = 12  # metrics in a line of the details
_TEXT = 600  # characters of one item


def render(compared: Compared, options: Options = DEFAULT) -> str:
    """Markdown with a final newline."""
    shown = masked(compared)
    comparison = shown.comparison
    said = (words.also(comparison), words.never(comparison, words.unseen(shown)), words.more_starts(comparison))
    more = " ".join(one for one in said if one)
    lines = [markup("{} **{}**", Md(words.sign(comparison)), item(words.verdict(comparison)))]
    if same := words.same_starts(comparison):
        lines += [Md(), markup("{} {}", Md(words.SIGNS["slow"]), item(same))]
    lines += [Md(), item(more)] if more else []
    told = _details(comparison)
    ranked = rows.in_order(comparison)
    notes = [markup("- {}", item(one)) for one in words.notes(comparison)]
    if notes[_NOTES:]:
        told.append(f"And {counted(len(notes) - _NOTES, 'more note')}.")
    marked = [Md(), *notes[:_NOTES]] if notes else []
    room = min(
        _ROWS, LINES - len(lines) - len(marked) - len(told) - _AROUND - 3
    )  # and: others in two lines, who made it
    first = [metric for at, metric in enumerate(ranked) if at == 0 or _matters(metric)][:room]
    lines += [Md(), *_table(comparison, first)] if first else []
    told += _others([metric for metric in ranked if metric not in first])
    return document([*lines, *marked, Md(), *details([*(markup("- {}", item(one)) for one in told), signature()])])


def item(text: str) -> Md:
    """A text of at most so many characters."""
    return Md(text if len(text) <= _TEXT else f"{text[:_TEXT]} …")


def signature() -> Md:
    """What made it."""
    return markup("- k3slog {}", code(__version__))


def _matters(metric: MetricComparison) -> bool:
    return rows.differs(metric) or metric.decision is not None


def _table(comparison: Comparison, metrics: Sequence[MetricComparison]) -> list[Md]:
    header = (words.STATISTICS[comparison.statistic], "base (s)", "new (s)", "change (s)", "relative", "verdict")
    made = (
        (
            item(rows.metric_name(metric.id)),
            *map(Md, (rows.observed(metric, metric.base), rows.observed(metric, metric.new), rows.change(metric))),
            *map(Md, (rows.relative(metric), rows.signed(rows.judgement(metric)))),
        )
        for metric in metrics
    )
    return table(header, made, right=range(1, 5))


def _details(comparison: Comparison) -> list[str]:
    told = [f"Base {words.side(comparison.base)}", f"New {words.side(comparison.new)}"]
    for name, items in (("base", comparison.only_base), ("new", comparison.only_new)):
        told += [f"Only {name}: {words.some(words.alone(items), _ALONE, '; ')}"] if items else []
    return told


def _others(metrics: Sequence[MetricComparison]) -> Iterator[str]:
    """Those that the table has no room for."""
    differing = [_named(metric) for metric in metrics if rows.differs(metric)]
    open_ = [_named(metric) for metric in metrics if not rows.differs(metric)]
    if differing:
        yield f"Certain as well: {words.some(differing, _NAMED)}"
    if open_:
        yield f"No difference can be shown: {words.some(open_, _NAMED)}"


def _named(metric: MetricComparison) -> str:
    return f"{rows.metric_name(metric.id)} ({rows.in_words(metric)})"
