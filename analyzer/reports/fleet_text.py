"""The summary of many starts for a terminal: at most 40 lines of 80 columns, what needs someone first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analyzer.collection.model import Fleet
from analyzer.events.terms import term
from analyzer.reports import fleet_words as words
from analyzer.reports.fleet_report import FleetReport, bad_inputs, masked
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.labelled import ITEM, cut, item, label, section
from analyzer.reports.terminal import DEFAULT_WIDTH, Page

LINES = 40
_VERDICT = 4  # lines
_WHY = 3  # of what stands out
_NAME = 22  # columns of a group's label
_STYLES = {"ok": "green", "slow": "yellow", "failed": "bold red", "unknown": "yellow"}


@dataclass(frozen=True, slots=True)
class _Limits:
    """Items of each section."""

    outliers: int = 5
    reasons: int = 5
    findings: int = 4
    slowest: int = 4
    groups: int = 12
    inputs: int = 3


# What gives way where all of it is too long, the first first.
_SHORTER: tuple[dict[str, int], ...] = (
    {"slowest": 3, "findings": 3, "reasons": 4}, {"outliers": 4, "reasons": 3, "groups": 10}, {"slowest": 2},
    {"findings": 2, "reasons": 2, "groups": 8}, {"outliers": 3, "groups": 6}, {"slowest": 1, "groups": 5},
    {"outliers": 2, "groups": 3, "inputs": 2}, {"findings": 1, "reasons": 1}, {"outliers": 1, "inputs": 1},
)  # fmt: skip


def render(report: FleetReport, options: Options = DEFAULT) -> str:
    """The report as text with a final newline; a wide terminal does not widen it."""
    fleet = masked(report.fleet)
    suited = replace(options, width=min(options.width or DEFAULT_WIDTH, DEFAULT_WIDTH))
    limits = _Limits()
    text = _written(fleet, limits, suited)
    for fewer in _SHORTER:
        if text.count("\n") <= LINES:
            break
        limits = replace(limits, **fewer)
        text = _written(fleet, limits, suited)
    return text


def _written(fleet: Fleet, limits: _Limits, options: Options) -> str:
    page = Page(options)
    _write(page, fleet, limits)
    return page.text()


def _write(page: Page, fleet: Fleet, limits: _Limits) -> None:
    sign = words.mark(fleet)
    item(page, f"{term('mark', sign).sign} ", words.verdict(fleet), _VERDICT, _STYLES.get(sign, ""))
    item(page, "".ljust(2), words.confidence(fleet), ITEM)
    all_starts = words.whole(fleet)
    if all_starts is not None:
        section(page, "Unusual", list(words.outliers(fleet)), limits.outliers, "more such host", _WHY)
        section(page, "Failed", list(words.reasons(all_starts)), limits.reasons, "more reason")
        found = [f"{term('finding', one.severity).sign} {words.finding(one)}" for one in words.findings(all_starts)]
        section(page, "Findings", found, limits.findings, "more finding")
        section(page, "Slowest", [words.slow(one) for one in fleet.slowest], limits.slowest, "")
    _groups(page, fleet, limits.groups)
    _inputs(page, fleet, limits.inputs)
    label(page, "More", _more(fleet))


def _groups(page: Page, fleet: Fleet, most: int) -> None:
    groups = words.grouped(fleet)
    shown = words.slowest_groups(groups, most)
    rows = words.group_rows(replace(fleet, groups=(*(g for g in fleet.groups if not g.by), *shown)))
    if not rows:
        return
    title = cut(words.by_names(groups), _NAME, 1)
    numbers = ("starts", "hosts", "not ready", "half by (s)", "9 of 10 by (s)")
    columns = ((title, "left"), *((name, "right") for name in numbers))
    page.table(columns, [(cut(name, _NAME, 1), *cells) for name, *cells in rows], indent=0)
    if len(groups) > len(shown):
        label(page, "", f"the {len(shown)} slowest of {words.number(len(groups))} groups")


def _inputs(page: Page, fleet: Fleet, most: int) -> None:
    rows = bad_inputs(fleet)
    told = [text for text in (words.bad(fleet), words.repeated(fleet)) if text]
    for at, text in enumerate(told):
        label(page, "Inputs" if at == 0 else "", text, 3)
    for row in rows[:most]:
        label(page, "", words.short_bad_input(row), 1)


def _more(fleet: Fleet) -> str:
    told = ["--html FILE: a page with every start", "--format json: all numbers and errors"]
    if not words.grouped(fleet) and fleet.starts > 1:
        told.insert(1, "--by version: a row for each release")
    elif not fleet.starts:
        told = ["--format json: every input with its error"]
    return f"{'; '.join(told)}."
