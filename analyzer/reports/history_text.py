"""A history for a terminal: at most 40 lines of 80 columns, a row for each group or the changes of hosts."""

from __future__ import annotations

from dataclasses import replace

from analyzer.comparison.model import History
from analyzer.reports import comparison_words, history_words as words
from analyzer.reports.comparison_bars import windows
from analyzer.reports.comparison_masked import masked_history
from analyzer.reports.comparison_text import STYLES, legend, table
from analyzer.reports.fleet_words import number
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.labelled import item, label, section
from analyzer.reports.terminal import DEFAULT_WIDTH, Page

LINES = 40
_GROUPS, _FEWER = 24, 8
_VERDICT, _MORE = 5, 3  # lines
_WHERE = 3  # steps of which is said what else changed
_INDENT = 2
_MARGIN = 8  # lines that are kept for the end of a list


def render(history: History, options: Options = DEFAULT) -> str:
    """The history as text with a final newline; a wide terminal does not widen it."""
    shown = masked_history(history)
    page = Page(replace(options, width=min(options.width or DEFAULT_WIDTH, DEFAULT_WIDTH)))
    item(page, f"{words.sign(shown)} ", words.verdict(shown), _VERDICT, STYLES[words.mark(shown)])
    item(page, "".ljust(_INDENT), words.more(shown), _MORE)
    if words.is_trend(shown):
        _trend(page, shown)
    if shown.changes:
        _changes(page, shown)
    label(page, "Starts", words.left_out(shown), _MORE)
    label(page, "More", "--html FILE: the groups as a chart; --format json: all numbers.")
    return page.text()


def _trend(page: Page, history: History) -> None:
    item(page, "".ljust(_INDENT), words.never(history), _MORE)
    every = list(words.trend_rows(history))
    at = words.shown_points(history, _GROUPS if not history.changes else _FEWER)
    if not at:
        return
    steps = [
        comparison_words.leading(history.steps[n - 1].comparison) if 0 < n <= len(history.steps) else None for n in at
    ]
    intervals = [None if step is None or step.unit != "s" else step.difference for step in steps]
    page.blank()
    inner = [None if step is None else windows(step) for step in steps]
    scale = table(page, words.titles(history), [every[n] for n in at], intervals, inner)
    left = len(every) - len(at)
    if left:
        page.line(f"and {number(left)} more groups, none of which certainly differs by more")
    if scale is not None:
        item(page, "", legend(scale), 1, "dim")
    page.blank()
    section(page, "Where", words.where(history), _WHERE, "more step")


def _changes(page: Page, history: History) -> None:
    found = words.in_order(history.changes)
    for at, change in enumerate(found):
        if page.lines > LINES - _MARGIN:
            page.line(f"and {number(len(found) - at)} more, less certain ones")
            break
        page.blank()
        item(page, "".ljust(_INDENT), words.change(change), 3)
        item(page, "".ljust(_INDENT), words.changed(change), 3)
    page.blank()
