"""What delayed readiness: the chain of what it waited for; in full also a table of checks and one of phases.

The numbers are the report's, with both ends of each window. Checks run at the same time, so neither the moments at
which they cleared nor their lengths add up; ``saving`` is what one would have gained had a check been instant. Phases
follow each other and do add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.analysis.chain_of_blame import blame_chain
from analyzer.reports import chain, goal_words, narrative, wording
from analyzer.reports.csv_report import Cell, rows_text
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.goal_words import asked, comes_after_ready
from analyzer.reports.json_report import chosen, dumps, plain, rounded_down, rounded_up
from analyzer.reports.md import Md, code, document, markup, table as markdown_table
from analyzer.reports.selection import select_starts
from analyzer.reports.terminal import Page
from analyzer.results import Check, Goal, Phase, Report, StartReport
from analyzer.window import Span

FOR_PEOPLE = 10  # rows, where no limit is given
_SENTENCE = 230  # characters of a sentence with a message of the log, not in full
_LAST = {"certain": "yes", "possible": "maybe", "no": ""}
_CHECK_FIELDS = ("name", "final", "cleared", "exclusive_s", "saving_s", "last_blocker")
_COLUMNS = (
    "start", "kind", "name", "cleared_lower_s", "cleared_upper_s", "alone_min_s", "alone_max_s", "saving_min_s",
    "saving_max_s", "duration_min_s", "duration_max_s", "last_blocker", "final",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blamed:
    """What is told of one start: ``checks`` and ``phases`` in the order of what they cost, ``more`` were left out."""

    start: StartReport
    checks: tuple[Check, ...]
    phases: tuple[Phase, ...]
    more: int = 0
    quiet: int = 0  # checks of which nothing says that they held anything up
    goal: str | None = None  # what somebody asked for, ``None``: what the outcome speaks of
    of_checks: bool = True  # whether the checks hold that goal up


def blamed(start: StartReport, limit: int | None = None, goal: str | None = None) -> Blamed:
    """The checks that failed or may have been last, the costliest first (at most ``limit``), and the phases.

    Of a ``goal`` beside readiness the phases up to it, and the checks only where it comes after them.
    """
    wanted = asked(start, goal)
    of_checks = goal is None or (wanted is not None and comes_after_ready(start, wanted))
    told = sorted(narrative.suspects(start), key=_cost) if of_checks else []
    shown = tuple(told if limit is None else told[:limit])
    to_it = wording.until_noticed(start.phases) if goal is None or wanted is None else _up_to(start.phases, wanted)
    boot = [phase for phase in start.phases if phase.id == "boot" and phase not in to_it]
    phases = sorted([*boot, *to_it], key=lambda p: (-_most(p.duration_s.max), -p.duration_s.min))
    quiet = len(start.checks) - len(told) if of_checks else 0
    return Blamed(start, shown, tuple(phases), len(told) - len(shown), quiet, goal, of_checks)


def _up_to(phases: Sequence[Phase], goal: Goal) -> list[Phase]:
    """The phases that certainly began before a goal was reached; all of them where nobody knows when."""
    upper = goal.window.upper
    if goal.id == "api" and goal.state == "reached":
        return wording.until_noticed(phases)
    return [p for p in phases if upper is None or p.begin.lower is None or p.begin.lower < upper]


def _every(report: Report, options: Options, limit: int | None = None) -> list[Blamed]:
    """What is told of the chosen starts; ``limit`` where the options have none."""
    most = limit if options.limit is None else options.limit or None
    return [blamed(start, most, options.goal) for start in select_starts(report.starts, options.start)]


def _cost(check: Check) -> tuple[Any, ...]:
    saving, alone, upper = check.saving_s, check.exclusive_s, check.cleared.upper
    return (
        not check.failing_at_last,
        ("certain", "possible", "no").index(check.last_blocker),
        -(saving.min if saving else 0.0),
        -_most(saving.max if saving else None),
        -(alone.min if alone else 0.0),
        -_most(alone.max if alone else None),
        -_most(upper),
        -(check.cleared.lower or 0.0),
        check.name,
    )


def _most(value: float | None) -> float:
    return float("inf") if value is None else value


def text(report: Report, options: Options = DEFAULT) -> str:
    """The chain of each start, in full also a table of its checks and one of its phases; fits 80 columns."""
    page = Page(options)
    full = _in_full(options)
    for told in _every(report, options, FOR_PEOPLE):
        _head(page, told, len(report.starts), full=full)
        if full:
            page.blank()
            _tables(page, told)
        page.blank()
    if not full:
        page.line("All checks with what each cost, and the phases: --full")
    return page.text()


def _in_full(options: Options) -> bool:
    """Whether the tables are wanted: a goal that was named has its phases there."""
    return options.full or options.limit is not None or options.goal is not None


def _head(page: Page, told: Blamed, of: int, *, full: bool) -> None:
    """Which start, how it went, and its chain."""
    start = told.start
    number = f"Start {start.index} of {of}: " if of > 1 else ""
    for sentence in (number + _title(start), *_verdict(told)):
        page.line(sentence if full else _cut(sentence), hang=2)
    page.blank()
    found = blame_chain(start)
    if not told.of_checks:
        return
    if found is None:
        page.line(_no_chain(start))
        return
    for sentence in chain.sentences(start, found):
        page.line(sentence, hang=2)
    if len(found.links) > 1:
        page.blank()
        page.table((("until (s)", "right"), ("waiting for", "wrap")), chain.rows(start, found), indent=0)


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _SENTENCE else sentence[: _SENTENCE - 1] + "…"


def _no_chain(start: StartReport) -> str:
    if start.role == "agent":
        return "The log does not show what its node waited for."
    return "The log does not show what readiness waited for."


def _tables(page: Page, told: Blamed) -> None:
    start = told.start
    if told.checks:
        head = (("saving", "right"), ("alone", "right"), ("cleared", "right"), ("last", "left"), ("check", "wrap"))
        page.table(
            head,
            (
                (*_lengths(c), _LAST[c.last_blocker], narrative.short_name(c.name) + _still_failing(c))
                for c in told.checks
            ),
            indent=0,
        )
    else:
        page.line(_nothing(told))
    for sentence in wording.those_that_hold(
        (told.more, f"{wording.plural(told.more, 'more check')} (--limit 0 shows all)"),
        (told.quiet and told.checks, f"{wording.plural(told.quiet, 'check')} not seen failing"),
    ):
        page.line(sentence)
    phases = [
        (wording.span_range(p.duration_s), wording.phase_label(p.id), _meaning(p, start))
        for p in told.phases
        if _most(p.duration_s.max) > 0
    ]
    if phases:
        page.blank()
        page.table((("took", "right"), ("phase", "left"), ("", "wrap")), phases, indent=0)
    if told.checks or phases:
        page.blank()
        page.line(_LEGEND)


_LEGEND = (
    "Seconds. saving: how much earlier ready would have been had it been instant; alone: only it was failing; cleared: "
    "when it passed; last: was it the last one. Checks overlap, so neither column adds up; phases do. ≤ at most, ≥ at "
    "least, > not before, ? the log does not say."
)


def _lengths(check: Check) -> tuple[str, str, str]:
    cleared = wording.window_range(check.cleared)
    return wording.span_range(check.saving_s), wording.span_range(check.exclusive_s), cleared


def _title(start: StartReport) -> str:
    place = wording.place(start)
    return wording.what(start) + (f" ({place})" if place else "")


def _verdict(told: Blamed) -> list[str]:
    """How it went, after what is known of the goal that somebody asked for."""
    of_goal = [] if told.goal is None else [goal_words.verdict(told.start, told.goal)]
    before = goal_words.boot(told.start)
    return [*of_goal, *narrative.verdict(told.start), *([before] if before else [])]


def _still_failing(check: Check) -> str:
    return " (still failing)" if check.final == "failing" else ""


def _meaning(phase: Phase, start: StartReport) -> str:
    return wording.phase_meaning(phase.id, wording.noticer(start))


def _nothing(told: Blamed) -> str:
    return wording.first_that_holds(
        (told.goal is not None and told.start.checks, "Its checks hold readiness up, not this goal."),
        (told.start.role == "agent", "An agent has no checks of its own: it waits for a server."),
        (told.quiet, f"No check was seen failing ({wording.plural(told.quiet, 'check')} known)."),
        (True, "The log says nothing of any check."),
    )


def markdown(report: Report, options: Options = DEFAULT) -> str:
    """The same as Markdown."""
    lines: list[Md] = []
    for told in _every(report, options, FOR_PEOPLE):
        lines += [*_markdown_head(told, len(report.starts)), Md()]
        if _in_full(options):
            lines += [*_markdown_tables(told), Md()]
    return document(lines)


def _markdown_head(told: Blamed, of: int) -> list[Md]:
    start = told.start
    lines = [markup("## Start {} of {}: {}", start.index, of, Md(_title(start))), Md()]
    lines += [*(markup("{}  ", Md(sentence)) for sentence in _verdict(told)), Md()]
    found = blame_chain(start)
    if not told.of_checks:
        return lines
    if found is None:
        return [*lines, Md(_no_chain(start))]
    lines += [markup("{}  ", Md(sentence)) for sentence in chain.sentences(start, found)]
    rows = ((Md(when), Md(what)) for when, what in chain.rows(start, found))
    return [*lines, Md(), *markdown_table(("until (s)", "waiting for"), rows, right=(0,))]


def _markdown_tables(told: Blamed) -> list[Md]:
    start = told.start
    lines: list[Md] = []
    if told.checks:
        checks = (
            (*map(Md, _lengths(c)), Md(_LAST[c.last_blocker]), code(c.name) + Md(_still_failing(c)))
            for c in told.checks
        )
        head = ("saving (s)", "alone (s)", "cleared (s)", "last", "check")
        lines += markdown_table(head, checks, right=(0, 1, 2))
    else:
        lines.append(Md(_nothing(told)))
    if told.more:
        lines += [Md(), Md(f"{wording.plural(told.more, 'more check')}.")]
    if told.phases:
        phases = ((Md(wording.span_range(p.duration_s)), Md(p.id), Md(_meaning(p, start))) for p in told.phases)
        lines += [Md(), *markdown_table(("took (s)", "phase", ""), phases, right=(0,))]
    return lines


def table(report: Report, options: Options = DEFAULT) -> str:
    """CSV with a header line, a row for each link, check and phase; an open or unknown end is an empty cell."""
    return rows_text(_COLUMNS, (row for told in _every(report, options) for row in _rows(told)))


def _rows(told: Blamed) -> Iterator[list[Cell]]:
    index = told.start.index
    found = blame_chain(told.start)
    for link in found.links if found is not None else ():
        window = [rounded_down(link.cleared.lower), rounded_up(link.cleared.upper)]
        saving = found.root_saving_s if found is not None and link.name == found.root else None
        yield [index, "chain", link.name, *window, None, None, *_ends(saving), None, None, None, None]
    for check in told.checks:
        cleared = [rounded_down(check.cleared.lower), rounded_up(check.cleared.upper)]
        lengths = [*cleared, *_ends(check.exclusive_s), *_ends(check.saving_s), None, None]
        yield [index, "check", check.name, *lengths, check.last_blocker, check.final]
    for phase in told.phases:
        yield [index, "phase", phase.id, *(None,) * 6, *_ends(phase.duration_s), None, None]


def _ends(span: Span | None) -> tuple[float | None, float | None]:
    return (None, None) if span is None else (rounded_down(span.min), rounded_up(span.max))


def _goal(told: Blamed) -> Any:
    """The goal that it speaks of; ``null`` where the role does not have the one that was asked for."""
    goal = asked(told.start, told.goal)
    return None if goal is None else chosen(goal, "id", "window", "state")


def json_text(report: Report, options: Options = DEFAULT) -> str:
    """One JSON object; checks and phases have the fields of the report's, in the order of what they cost."""
    made = [
        {
            **chosen(told.start, "index", "host", "unit", "version", "outcome", "ready"),
            "goal": _goal(told),
            "chain": plain(blame_chain(told.start)),
            "checks": [chosen(c, *_CHECK_FIELDS) for c in told.checks],
            "phases": [chosen(p, "id", "duration_s") for p in told.phases],
            "more": told.more,
        }
        for told in _every(report, options)
    ]
    tool = {"name": "k3slog", "version": report.tool_version}
    return dumps({"schema": "k3slog.blame", "schema_version": 1, "tool": tool, "starts": made})
