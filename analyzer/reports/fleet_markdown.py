"""The summary of many starts as Markdown, for a wiki or a pull request: at most 60 lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from analyzer.collection.model import Fleet
from analyzer.events.terms import term
from analyzer.reports import fleet_words as words
from analyzer.reports.fleet_report import FleetReport, bad_inputs, masked
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.md import Md, code, document, markup, table
from analyzer.version import __version__

LINES = 60
_OUTLIERS, _REASONS, _FINDINGS, _SLOWEST, _INPUTS = 5, 4, 4, 4, 3
_GROUPS = 20  # at most; as many as leave room for the rest
_AROUND = 8  # lines of their table that are no group
_TEXT = 400  # characters of one item


def render(report: FleetReport, options: Options = DEFAULT) -> str:
    """Markdown with a final newline."""
    fleet = masked(report.fleet)
    sure = words.confidence(fleet)
    lines = [markup("{} **{}**", Md(term("mark", words.mark(fleet)).sign), Md(words.verdict(fleet)))]
    lines += [Md(), Md(sure)] if sure else []
    all_starts = words.whole(fleet)
    lines += _section("What stands out", list(words.outliers(fleet)), _OUTLIERS)
    if all_starts is not None:
        lines += _section("Why starts failed", list(words.reasons(all_starts)), _REASONS)
        lines += _section("Findings", [words.finding(one) for one in words.findings(all_starts)], _FINDINGS)
        lines += _section("Slowest starts", [words.slow(one) for one in fleet.slowest[:_SLOWEST]], _SLOWEST)
    last = [*_inputs(fleet), Md(), markup("k3slog {}", code(__version__))]
    return document([*lines, *_groups(fleet, min(_GROUPS, LINES - len(lines) - len(last) - _AROUND)), *last])


def _heading(title: str) -> list[Md]:
    return [Md(), markup("### {}", Md(title)), Md()]


def _section(title: str, items: Sequence[str], most: int) -> list[Md]:
    """Items under a heading, where there are any, and how many more there are."""
    if not items:
        return []
    lines = [*_heading(title), *_list(items[:most])]
    return [*lines, markup("- and {} more", len(items) - most)] if len(items) > most else lines


def _list(items: Iterable[str]) -> list[Md]:
    return [markup("- {}", Md(item if len(item) <= _TEXT else f"{item[:_TEXT]} …")) for item in items]


def _groups(fleet: Fleet, most: int) -> list[Md]:
    groups = words.grouped(fleet)
    shown = words.slowest_groups(groups, most)
    rows = words.group_rows(replace(fleet, groups=(*(g for g in fleet.groups if not g.by), *shown)))
    if not rows:
        return []
    header = (words.by_names(groups), "starts", "hosts", "not ready", "half by (s)", "9 of 10 by (s)")
    made = table(header, ((code(name[:_TEXT]), *map(Md, cells)) for name, *cells in rows), right=range(1, len(header)))
    title = "By " + words.by_names(groups)
    left = [Md(), markup("The {} slowest of {} groups.", len(shown), len(groups))] if len(groups) > len(shown) else []
    return [*_heading(title[:_TEXT]), *made, *left]


def _inputs(fleet: Fleet) -> list[Md]:
    rows = bad_inputs(fleet)
    told = [text for text in (words.bad(fleet), words.repeated(fleet)) if text]
    if not told:
        return []
    return [*_heading("Inputs"), Md(" ".join(told)), Md(), *_list(words.bad_input(row) for row in rows[:_INPUTS])]
