"""The screen of a watch: where the start stands now, in at most twenty lines; plain data, then text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzer.analysis.episodes import default_goal, leading
from analyzer.events.check_info import HOOK
from analyzer.events.terms import phase_in_words
from analyzer.reports import answer as answers, narrative, watch_words, wording
from analyzer.reports.format import Options
from analyzer.reports.terminal import DEFAULT_WIDTH, Page, broken
from analyzer.results import Check, Phase, Poll, Report, StartReport
from analyzer.watching.compared import SERVE, Compared
from analyzer.watching.fusing import FusedStart
from analyzer.watching.judge import failed_tries, is_failed
from analyzer.window import Window

if TYPE_CHECKING:
    from analyzer.watching.history import History

_LABEL = 9  # columns
_CHECKS = 5  # rows
_SHOWN_S = 0.1  # less is no news
_SHORT, _LONG = 2, 3  # lines that a text may take
_WORDS = {"api": "were ready", "started": "were up", "node": "had their node registered",
          "node_ready": "had their node ready", "images": "had their images", "server": "had their server"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Screen:
    """What is on it: a label, its text, its style and how many lines that may take."""

    rows: tuple[tuple[str, str, str, int], ...]


def screen(
    report: Report | None,
    since_line_s: float,
    until: str | None = None,
    history: History | None = None,
    own: FusedStart | None = None,
) -> Screen:
    """The state ``since_line_s`` after the last line was read; ``own``: with own polls, what they add to it."""
    if report is None or not report.starts:
        return Screen((("", f"Waiting for k3s or RKE2 to write something ({since_line_s:.0f} s).", "bold", _SHORT),))
    start = report.starts[-1]
    now_s = None if start.cut_at_s is None else start.cut_at_s + since_line_s
    over = start.end.kind != "running"
    found = [
        ("", wording.capital(_title(report, start)), "bold", 1),
        ("Now", _by_own_polls(start, own) or _verdict(start, now_s), _style(start), _SHORT),
    ]
    if not over:
        found.append(("Phase", _phase(start, now_s), "", 1))
    failing = [check for check in start.checks if check.failing_at_last and not over]
    for number, check in enumerate(failing[:_CHECKS]):
        found.append(("Failing" if not number else "", _check(check), "yellow", 1))
    if len(failing) > _CHECKS:
        found.append(("", f"and {len(failing) - _CHECKS} more", "yellow", 1))
    found.append(("Answer", _answer(start, now_s), "", _SHORT))
    if own is not None:
        found.append(("Polls", watch_words.own_polls(own), "", _SHORT))
    found += _cause(report, start)
    if history is not None and now_s is not None:
        found.append(("Earlier", earlier_words(history.at(start, now_s)), "", _LONG))
    found.append(("Until", _until(start, until), "dim", 1))
    return Screen(tuple(row for row in found if row[1]))


def render(shown: Screen, options: Options) -> str:
    """The screen as text with a final newline."""
    page = Page(options)
    width = min(page.width, DEFAULT_WIDTH * 2)
    for label, text, style, most in shown.rows:
        column = _LABEL if label or text is not shown.rows[0][1] else 0
        page.labelled((label.ljust(column), "bold"), (_cut(text, width - column, most), style), width)
    return page.text()


def _cut(text: str, width: int, most: int) -> str:
    """As many words as fit."""
    lines = broken(" ".join(text.split()), width)
    return text if len(lines) <= most else f"{''.join(lines[:most]).rstrip()[: width * most - 2]} …"


def _title(report: Report, start: StartReport) -> str:
    where = f" ({place})" if (place := wording.place(start)) else ""
    tries = failed_tries(report.starts[:-1])
    before = f", after {wording.plural(tries, 'failed try', 'failed tries')}" if tries else ""
    return f"{wording.what(start)}{where}{before}"


def _style(start: StartReport) -> str:
    return "green" if start.outcome == "ready" and start.end.kind == "running" else "red" if is_failed(start) else ""


def _verdict(start: StartReport, now_s: float | None) -> str:
    """How it stands, and no more than is certain."""
    if start.outcome != "incomplete":
        told = " ".join(narrative.verdict(start)[:2])
        return f"{told} Waiting for the next try." if is_failed(start) else told
    since = "" if now_s is None else f" for {wording.about(now_s)}"
    if start.end.kind != "running":
        return "The process ended; the log does not show whether it had been ready."
    low = min(start.ready.lower or 0.0, now_s if now_s is not None else 0.0)
    not_yet = f"; not ready at {wording.at_least(low)} for certain" if low >= _SHOWN_S else ""
    return f"Starting{since}{'' if start.begin_seen else ' or longer'}, not seen ready{not_yet}."


def _by_own_polls(start: StartReport, own: FusedStart | None) -> str:
    """Ready by own polls, before it is by the log."""
    if own is None or not (own.agree and own.saw_ready) or start.outcome != "incomplete" or start.end.kind != "running":
        return ""
    return f"Ready {wording.window_words(start.ready)} by own polls; {wording.program(start)} has not noticed it yet."


def _phase(start: StartReport, now_s: float | None) -> str:
    phase = next((one for one in reversed(start.phases) if one.end.upper is None), None)
    if phase is None or start.outcome == "ready":
        return ""
    return f"{wording.capital(phase_in_words(phase.id))}{_lasting(phase, now_s)}"


def _lasting(phase: Phase, now_s: float | None) -> str:
    begun = phase.begin.upper
    return "" if begun is None or now_s is None else f", for {wording.at_least(max(0.0, now_s - begun))}"


def _check(check: Check) -> str:
    """A check that failed when it was last seen, and between which moments it was seen to."""
    name = check.name.removeprefix(HOOK)
    first, last = check.first_seen_failing_s, check.failing_until_s
    if first is None or last is None:
        return name
    seen = f"seen failing for {wording.at_least(last - first)}" if last - first >= 0.1 else "seen failing"
    return f"{name}: {seen}, at {wording.about(last)} last"


def _answer(start: StartReport, now_s: float | None) -> str:
    poll: Poll | None = next((one for one in reversed(start.polls) if one.printed), None)
    if poll is None or start.outcome == "ready":
        return ""
    when = "" if poll.at_s is None else f" at {wording.about(poll.at_s)}"
    ago = "" if poll.at_s is None or now_s is None else f", {wording.at_least(max(0.0, now_s - poll.at_s))} ago"
    return f"{watch_words.answer(poll)}{when}{ago}; only changes are printed"


def _cause(report: Report, start: StartReport) -> list[tuple[str, str, str, int]]:
    """The leading cause so far, and what to do about it."""
    finding = leading(start.findings)
    if finding is None:
        return []
    told = answers.of_start(report, start)
    return [("Why", told.why or finding.title, "", _LONG), ("Do", told.do, "", _LONG)]


def _until(start: StartReport, until: str | None) -> str:
    """What is waited for."""
    goal = default_goal(start) if until is None else {"ready": "api"}.get(until, until)
    aim = "the end of its process" if goal == "end" else f"goal {goal}"
    return f"{aim}. Ctrl-C stops watching and prints the report."


def earlier_words(compared: Compared | None) -> str:
    """How many earlier starts had come so far by now, what the others lacked, and when they came."""
    if compared is None:
        return "No earlier start is like this one."
    count, came = compared.starts, _WORDS[compared.goal]
    low, high = compared.least, compared.most
    many = f"{low}" if low == high else f"{low} to {high}"
    told = f"At {wording.about(compared.at_s)} {many} of {wording.plural(count, 'earlier start')} {came}."
    if compared.lacked and low < count:
        named = [f"{_lack(name)} ({number})" for name, number in compared.lacked[:_SHORT]]
        told += f" The others lacked {', '.join(named)}."
    half = wording.after_words(_window(compared.half_s))
    return f"{told} Half of them {came} {half}; nine of ten {wording.after_words(_window(compared.nine_s))}."


def _lack(name: str) -> str:
    return "an API server that answers" if name == SERVE else name.removeprefix(HOOK)


def _window(ends: Sequence[float]) -> Window:
    low, high = ends
    return Window(low if low > 0 else None, high if high < float("inf") else None)
