"""The verdict of limits for a terminal: at most 30 lines of 80 columns, what is not kept first."""

from __future__ import annotations

from dataclasses import replace

from analyzer.gate.model import GateReport, LimitResult
from analyzer.reports import gate_words as words
from analyzer.reports.fleet_words import counted, short_bad_input
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.labelled import ITEM, cut, item, label
from analyzer.reports.terminal import DEFAULT_WIDTH, Page, broken

LINES = 30
_VERDICT = 4  # lines
_INPUTS = 3  # that could not be used
_STYLES = {"pass": "green", "fail": "bold red", "undecided": "yellow"}
_MARGIN = 2  # columns of the sign
_PATH = 30  # characters of the input that decided


def render(report: GateReport, options: Options = DEFAULT) -> str:
    """The verdict as text with a final newline; a wide terminal does not widen it."""
    shown = words.masked(report)
    suited = replace(options, width=min(options.width or DEFAULT_WIDTH, DEFAULT_WIDTH))
    text, limits = _written(shown, suited, len(shown.limits)), len(shown.limits)
    while text.count("\n") > LINES and limits > 1:
        limits -= 1
        text = _written(shown, suited, limits)
    return text


def _written(report: GateReport, options: Options, most: int) -> str:
    page = Page(options)
    item(page, f"{words.sign(report.result)} ", words.verdict(report), _VERDICT, _STYLES[report.result])
    ranked = words.ranked(report)
    for one in ranked[:most]:
        _limit(page, one)
    if len(ranked) > most:
        item(page, "".ljust(_MARGIN), f"and {counted(len(ranked) - most, 'more limit')}: --format json has all", 1)
    for at, told in enumerate(words.inputs(report)):
        label(page, "Inputs" if at == 0 else "", told, ITEM)
    for row in words.bad_rows(report.collection)[:_INPUTS]:
        label(page, "", short_bad_input(row), 1)
    return page.text()


def _limit(page: Page, one: LimitResult) -> None:
    """A limit on two lines: what it is, what was seen and why; the start that decided is never cut off."""
    seen, place = words.observed(one), words.where(one, _PATH) if one.result != "pass" else ""
    room = page.width - _MARGIN
    end = f" ({place})" if place else ""
    begin = f"{words.title(one.limit)}: {seen}; " if seen else f"{words.title(one.limit)}: "
    said = begin + one.why
    if len(broken(said + end, room)) > ITEM:
        kept = one.why
        while kept and len(broken(f"{begin}{kept} …{end}", room)) > ITEM:
            kept = kept[:-1].rstrip()
        said = f"{begin}{kept} …" if kept else cut(begin, room, 1)
    item(page, f"{words.sign(one.result)} ", said + end, ITEM + 1, _STYLES[one.result])
