"""The verdict of limits for a terminal: at most 30 lines of 80 columns, what is not kept first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzer.gate.model import GateReport, LimitResult, Result
from analyzer.reports import gate_words as words
from analyzer.reports.fleet_words import counted, short_bad_input
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.labelled import ITEM, item, label
from analyzer.reports.terminal import DEFAULT_WIDTH, Page, broken

LINES = 30
_VERDICT = 4  # lines
_INPUTS = 3  # that could not be used
_STYLES = {"pass": "green", "fail": "bold red", "undecided": "yellow"}
_MARGIN = 2  # columns of the sign
_PATH = 30  # characters of the input that decided
_TITLE = 60  # of a limit


def render(report: GateReport, options: Options = DEFAULT) -> str:
    """The verdict as text with a final newline; a wide terminal does not widen it."""
    shown = words.masked(report)
    suited = replace(options, width=min(options.width or DEFAULT_WIDTH, DEFAULT_WIDTH))
    room = (suited.width or DEFAULT_WIDTH) - _MARGIN
    told = [(one.result, _limit(one, room)) for one in words.ranked(shown)[:LINES]]
    text = _written(shown, suited, told)
    while text.count("\n") > LINES and len(told) > 1:
        told.pop()
        text = _written(shown, suited, told)
    return text


def _written(report: GateReport, options: Options, told: Sequence[tuple[Result, str]]) -> str:
    page = Page(options)
    item(page, f"{words.sign(report.result)} ", words.verdict(report), _VERDICT, _STYLES[report.result])
    for result, said in told:
        item(page, f"{words.sign(result)} ", said, ITEM, _STYLES[result])
    if left := len(report.limits) - len(told):
        item(page, "".ljust(_MARGIN), f"and {counted(left, 'more limit')}: --format json has all", 1)
    for at, one in enumerate(words.inputs(report)):
        label(page, "Inputs" if at == 0 else "", one, ITEM)
    for row in words.bad_rows(report.collection)[:_INPUTS]:
        label(page, "", short_bad_input(row), 1)
    return page.text()


def _limit(one: LimitResult, room: int) -> str:
    """A limit for two lines: what it is, what was seen and why; the start that decided is never cut off."""
    seen, place = words.observed(one), words.where(one, _PATH) if one.result != "pass" else ""
    title = words.title(one.limit)
    title = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
    begin, end = f"{title}: {seen}; " if seen else f"{title}: ", f" ({place})" if place else ""
    kept = one.why[: ITEM * room]
    if kept == one.why and len(broken(begin + kept + end, room)) <= ITEM:
        return begin + kept + end
    while kept and len(broken(f"{begin}{kept} …{end}", room)) > ITEM:
        kept = kept[:-1].rstrip()
    return f"{begin}{kept} …{end}"
