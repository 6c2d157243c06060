"""A history as Markdown: at most 40 lines, what changed first, the details folded away."""

from __future__ import annotations

from analyzer.comparison.model import History
from analyzer.reports import comparison_rows as rows, history_words as words
from analyzer.reports.comparison_markdown import item, signature
from analyzer.reports.comparison_masked import masked_history
from analyzer.reports.fleet_words import number
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.md import Md, details, document, markup, table

LINES = 40
_GROUPS, _FEWER, _CHANGES = 20, 6, 12
_TITLE = 200  # characters of a label's name
_WHERE = 5  # steps of which is said what else changed


def render(history: History, options: Options = DEFAULT) -> str:
    """Markdown with a final newline."""
    shown = masked_history(history)
    lines = [markup("{} **{}**", Md(words.sign(shown)), item(words.verdict(shown)))]
    said = " ".join(told for told in (words.more(shown), words.never(shown)) if told)
    lines += [Md(), item(said)] if said else []
    lines += [*_trend(shown), *_changes(shown)]
    told = [*words.where(shown)[:_WHERE], *([words.left_out(shown)] if shown.left_out else [])]
    return document([*lines, Md(), *details([*(markup("- {}", item(one)) for one in told), signature()])])


def _trend(history: History) -> list[Md]:
    every = list(words.trend_rows(history))
    at = words.shown_points(history, _GROUPS if not history.changes else _FEWER)
    if not at:
        return []
    made = ((item(name), *map(Md, numbers), Md(rows.signed(last))) for name, *numbers, last in (every[n] for n in at))
    header = (*words.titles(history), "verdict")
    left = len(every) - len(at)
    told = (
        [Md(), markup("And {} more groups, none of which certainly differs by more.", Md(number(left)))] if left else []
    )
    return [Md(), *table([title[:_TITLE] for title in header], made, right=range(1, 5)), *told]


def _changes(history: History) -> list[Md]:
    lines = [Md()] if history.changes else []
    for change in words.in_order(history.changes)[:_CHANGES]:
        lines.append(markup("- {}", item(" ".join((words.change(change), words.changed(change))).strip())))
    left = len(history.changes) - _CHANGES
    return [*lines, markup("- and {} more, less certain ones", Md(number(left)))] if left > 0 else lines
