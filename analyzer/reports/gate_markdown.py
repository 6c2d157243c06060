"""The verdict of limits as Markdown, for a pull request or the summary of a step: at most 40 lines."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.gate.model import GateReport, LimitResult
from analyzer.reports import gate_words as words
from analyzer.reports.fleet_words import bad_input
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.md import Md, code, document, markup, table
from analyzer.version import __version__

LINES = 40
_ROWS = 25  # limits in the table; the others are counted
_INPUTS = 3
_TEXT = 400  # characters of one cell


def render(report: GateReport, options: Options = DEFAULT) -> str:
    """Markdown with a final newline."""
    shown = words.masked(report)
    lines = [markup("{} **{}**", Md(words.sign(shown.result)), Md(words.verdict(shown))), Md()]
    ranked = words.ranked(shown)
    lines += _table(ranked[:_ROWS])
    if len(ranked) > _ROWS:
        lines += [Md(), markup("And {} more.", len(ranked) - _ROWS)]
    return document([*lines, *_inputs(shown), Md(), markup("k3slog {}", code(__version__))])


def _table(limits: Sequence[LimitResult]) -> list[Md]:
    rows = [
        [Md(words.sign(one.result)), code(_cut(words.title(one.limit))), Md(words.observed(one)), _why(one)]
        for one in limits
    ]
    return table(("", "limit", "seen", "why"), rows)


def _why(one: LimitResult) -> Md:
    place = words.where(one)
    said = Md(_cut(words.because(one)))
    return markup("{} {}", said, code(place)) if place else said


def _inputs(report: GateReport) -> list[Md]:
    told = words.inputs(report)
    if not told:
        return []
    rows = [markup("- {}", Md(_cut(bad_input(row)))) for row in words.bad_rows(report.collection)[:_INPUTS]]
    return [Md(), Md(" ".join(told)), *([Md(), *rows] if rows else [])]


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[:_TEXT]} …"
