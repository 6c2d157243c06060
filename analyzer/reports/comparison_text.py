"""A comparison for a terminal: at most 30 lines of 80 columns, the verdict first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from analyzer.comparison.model import Compared, Comparison, MetricComparison
from analyzer.errors import printable
from analyzer.events.check_info import HOOK
from analyzer.reports import comparison_rows as rows, comparison_words as words
from analyzer.reports.comparison_bars import CELLS, CHANCE, WINDOWS, ZERO, Scale, windows
from analyzer.reports.comparison_masked import masked
from analyzer.reports.difference_words import signed_range
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.labelled import ITEM, cut, item, label, section
from analyzer.reports.terminal import DEFAULT_WIDTH, Page, Part, cells
from analyzer.stats.difference import Interval

LINES = 30
_LABEL = 10  # columns before what a line says
_VERDICT = 4  # lines
_NOTE = 3  # of each
_GAP = 2  # columns between those of a table
_NAME = 10, 34  # columns of a metric's name, at least and at most
_NAME_BEFORE_BARS = 14  # … which a long one has, even if then no bar has room
STYLES = {"ok": "green", "slow": "yellow", "failed": "bold red", "unknown": "yellow"}
_VERDICTS = {"slower": "red", "more": "red", "over": "bold red", "faster": "green", "fewer": "green", "within": "green",
             "undecided": "dim", "same": ""}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Limits:
    """Items of each section."""

    metrics: int = 12
    notes: int = 4
    alone: int = 3
    legend: bool = True


# What gives way where all of it is too long, the first first.
_SHORTER: tuple[dict[str, int | bool], ...] = (
    {"metrics": 10}, {"alone": 2, "notes": 3}, {"metrics": 8}, {"alone": 1}, {"metrics": 6, "notes": 2}, {"metrics": 4},
    {"notes": 1}, {"metrics": 2, "legend": False}, {"metrics": 1}, {"notes": 0, "alone": 0},
)  # fmt: skip


def render(compared: Compared, options: Options = DEFAULT) -> str:
    """The comparison as text with a final newline; a wide terminal does not widen it."""
    shown = masked(compared)
    suited = replace(options, width=min(options.width or DEFAULT_WIDTH, DEFAULT_WIDTH))
    limits = _Limits()
    text = _written(shown, limits, suited)
    for fewer in _SHORTER:
        if text.count("\n") <= LINES:
            break
        limits = replace(limits, **fewer)  # type: ignore[arg-type]
        text = _written(shown, limits, suited)
    return text


def _written(compared: Compared, limits: _Limits, options: Options) -> str:
    page = Page(options)
    comparison = compared.comparison
    item(page, f"{words.sign(comparison)} ", words.verdict(comparison), _VERDICT, STYLES[words.mark(comparison)])
    item(page, f"{words.SIGNS['slow']} ", words.same_starts(comparison), ITEM, STYLES["slow"])
    for told in (
        words.also(comparison),
        words.never(comparison, words.unseen(compared)),
        words.more_starts(comparison),
    ):
        item(page, "".ljust(2), told, ITEM)
    label(page, "Base", words.side(comparison.base), width=_LABEL)
    label(page, "New", words.side(comparison.new), width=_LABEL)
    _metrics(page, comparison, limits)
    for name, items in (("Only base", comparison.only_base), ("Only new", comparison.only_new)):
        section(page, name, words.alone(items), limits.alone, "other", width=_LABEL)
    section(page, "Notes", words.notes(comparison), limits.notes, "other note", _NOTE, _LABEL)
    label(
        page,
        "More",
        "--html FILE: both curves, the slowest starts of each side; --format json: all numbers.",
        width=_LABEL,
    )
    return page.text()


# --- the metrics


def _metrics(page: Page, comparison: Comparison, limits: _Limits) -> None:
    ranked = rows.in_order(comparison)
    shown = ranked[: limits.metrics]
    if not shown:
        return
    titles = (words.STATISTICS[comparison.statistic], "base (s)", "new (s)", "change (s)")
    intervals = [metric.difference if metric.unit == "s" else None for metric in shown]
    page.blank()
    scale = table(page, titles, list(_rows(shown)), intervals, [windows(metric) for metric in shown])
    hidden = rows.left_out(ranked[limits.metrics :])
    if hidden:
        page.line(hidden)
    if limits.legend:
        item(page, "", RANGES, 1, "dim")
    if scale is not None and limits.legend:
        item(page, "", legend(scale), 1, "dim")
    page.blank()


def _rows(metrics: Sequence[MetricComparison]) -> Iterator[tuple[str, ...]]:
    for metric in metrics:
        numbers = (rows.observed(metric, metric.base), rows.observed(metric, metric.new), rows.change(metric))
        yield rows.metric_name(metric.id), *numbers, rows.judgement(metric)


RANGES = "Ranges of base and new: what the logs leave open"


def legend(scale: Scale) -> str:
    """What the bars are drawn on, and of."""
    ends = signed_range(scale.lower, scale.upper)
    return f"Bars: {ends} s, {ZERO} is 0; {WINDOWS} what logs leave open, {CHANCE} chance of few starts"


def table(
    page: Page,
    titles: Sequence[str],
    lines: Sequence[Sequence[str]],
    intervals: Sequence[Interval | None],
    inner: Sequence[Interval | None],
) -> Scale | None:
    """Lines of a name, numbers and a verdict, with a bar of each interval before the verdict where there is room.

    The scale of the bars; nothing where there are none.
    """
    verdicts = [(rows.signed(line[-1]), _VERDICTS.get(line[-1], "")) for line in lines]
    names = [cells(printable(name)) for name in (titles[0], *(line[0] for line in lines))]
    numbers = [[*map(cells, column)] for column in zip(titles[1:], *(line[1:-1] for line in lines), strict=True)]
    taken = sum(max(column) + _GAP for column in numbers) + max(cells(text) for text, _ in verdicts)
    room = page.width - taken - _GAP - _GAP  # for the name and the bar
    least = max(_NAME[0], min(max(names), _NAME_BEFORE_BARS))
    width = max(least, min(_NAME[1], max(names), room - CELLS[0]))
    drawn = min(CELLS[1], room - width)
    scale = Scale.of([one for one in intervals if one is not None], drawn) if drawn >= CELLS[0] else None
    if scale is None:
        width = max(_NAME[0], min(_NAME[1], max(names), room + _GAP))
    made: list[list[Part]] = []
    for line, interval, own, verdict in zip(lines, intervals, inner, verdicts, strict=True):
        bar = [] if scale is None else [scale.bar(interval, own) if interval is not None else ""]
        made.append([name_cell(line[0], width), *line[1:-1], *bar, verdict])
    hows = [(name_cell(titles[0], width), "left"), *((title, "right") for title in titles[1:])]
    hows += [] if scale is None else [("".ljust(drawn), "left")]
    page.table([*hows, ("verdict", "left")], made, indent=0, gap=_GAP)
    return scale


def name_cell(name: str, room: int) -> str:
    """A name on one line: of a check that is too long the end."""
    shown = printable(" ".join(name.split()))
    if cells(shown) <= room:
        return shown
    if HOOK not in shown and "/" not in shown:
        return cut(shown, room, 1)
    while cells(shown) > room - 1:
        shown = shown[1:]
    return f"…{shown}"
