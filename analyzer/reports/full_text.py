"""The report for a terminal: plain text that needs no colour and fits 80 columns."""

from __future__ import annotations

from analyzer.analysis.episodes import hardly_begun
from analyzer.events.terms import term
from analyzer.reports import narrative, wording
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.selection import select_starts
from analyzer.reports.terminal import Page, Part
from analyzer.results import ErrorCount, Finding, Report, StartReport
from analyzer.window import Span

_MAX_GROUPS = 12

_OUTCOME_STYLE = {"ready": "green", "failed": "bold red", "stopped": "yellow", "incomplete": "yellow"}
_SEVERITY_STYLE = {"critical": "bold red", "warning": "yellow", "info": ""}
_LAST = {"certain": "●", "possible": "○", "no": " "}
_SIGNS = {"●": "certainly the last", "○": "perhaps the last", "✗": "still failing"}


def render(report: Report, options: Options = DEFAULT, chosen: int | None = None) -> str:
    """The whole report as text with a final newline; raises ``UsageError`` for a start that does not exist.

    ``chosen``: the index of the start that is shown where the options name none; by default the last.
    """
    page = Page(options)
    several = len(report.starts) > 1
    shown = select_starts(report.starts, options.start)
    if options.start is None and chosen is not None:
        shown = tuple(start for start in report.starts if start.index == chosen)
    elif options.start is None and several:
        last = -2 if hardly_begun(report.starts[-1]) else -1  # systemd's next try, of which the text holds no more
        shown = (report.starts[last],)
    if several and options.start in (None, "all"):
        _summary(page, report)
    for start in shown:
        _start(page, report, start, numbered=several)
    _ledger(page, report)
    return page.text()


def _summary(page: Page, report: Report) -> None:
    starts = report.starts
    dated = [s.began_at for s in starts if s.began_at is not None]
    when, utc = "", page.options.utc
    if dated:
        begin, end = (wording.clock_time(moment, 1.0, utc=utc) for moment in (dated[0], dated[-1]))
        when = f", begun {begin} to {end} ({wording.offset(dated[-1], utc=utc)})"
    page.line((f"{wording.plural(len(starts), 'start')}: {narrative.outcomes(starts)}", "bold"), when, hang=2)
    groups = narrative.groups(starts)
    if len(groups) == 1:
        page.line(f"In order: {groups[0][-1]}", indent=2, hang=2)
    else:
        page.table(
            (("unit and host", "wrap"), ("starts", "right"), ("ready after (s)", "right"), ("in order", "wrap")),
            groups[:_MAX_GROUPS],
        )
        if len(groups) > _MAX_GROUPS:
            page.line(f"… and {len(groups) - _MAX_GROUPS} more", indent=2)
    for sentence in narrative.loop(starts) + narrative.slowest(starts):
        page.line(sentence, indent=2, hang=2)
    page.blank()


def _start(page: Page, report: Report, start: StartReport, *, numbered: bool) -> None:
    first, second = narrative.title(start, utc=page.options.utc)
    number = f"Start {start.index} of {len(report.starts)}: " if numbered else ""
    page.line((number + first, "bold"), hang=2)
    page.line(second, hang=2)
    page.blank()
    sentence, *more = narrative.verdict(start)
    page.line((f"{term('outcome', start.outcome).sign} {sentence}", _OUTCOME_STYLE[start.outcome]), hang=2)
    for line in more:
        page.line(line, indent=2)
    what, sure = narrative.culprit(start)
    if what:
        page.line(("Held back by: ", "bold"), what, indent=2, hang=2)
    for line in ([f"How sure: {sure}."] if sure else []) + narrative.about_culprit(start):
        page.line(line, indent=2, hang=2)
    _budget(page, start)
    _polls(page, start)
    _blame(page, start)
    _findings(page, start)
    _unknowns(page, report, start)
    page.blank()


def _budget(page: Page, start: StartReport) -> None:
    rows, whole = narrative.budget(start)
    if not rows:
        return
    page.heading("Where the time went (seconds)")
    longest = max(_length(p.duration_s) for p, _ in rows)
    room = max(8, min(30, page.width - 66))
    table: list[tuple[Part, ...]] = [
        (
            wording.phase_label(p.id),
            wording.span_range(p.duration_s),
            (_bar(p.duration_s, longest, room), "cyan"),
            meaning,
        )
        for p, meaning in rows
    ]
    if whole is not None:
        noticed = any(p.id == "polling_tax" for p, _ in rows)
        until = f"until {wording.noticer(start)} noticed" if noticed else "as far as the log goes"
        table.append(("total", (wording.span_range(whole), "bold"), "", until))
    page.table((("phase", "left"), ("took", "right"), ("", "left"), ("", "wrap")), table)
    if any("░" in "".join(row[2]) for row in table):
        page.line("█ at least, ░ at most. Wherever the true moments lie, the phases add up.", indent=2, hang=2)


def _length(span: Span) -> float:
    return span.min if span.max is None else span.max


def _bar(span: Span, longest: float, room: int) -> str:
    scale = room / longest if longest > 0 else 0.0
    solid = round(span.min * scale)
    light = max(0, round(_length(span) * scale) - solid)
    return "█" * solid + "░" * light or ("▏" if _length(span) > 0 else "")


def _polls(page: Page, start: StartReport) -> None:
    sentence, rows = narrative.polls(start)
    page.heading("Polls of /readyz")
    page.line(sentence, indent=2)
    if rows:
        page.table(
            (("answer", "left"), ("polls", "right"), ("seconds", "left"), ("meaning", "wrap")),
            (
                ((e.error, "red" if e.severity == "fatal" else ""), str(e.polls), narrative.stretch(e), _meaning(e))
                for e in rows
            ),
        )


def _meaning(error: ErrorCount) -> str:
    return " — ".join(filter(None, (term("error", error.error).meaning, term("answer", error.severity).short)))


def _blame(page: Page, start: StartReport) -> None:
    checks, others = narrative.blame(start)
    if checks or others:
        page.heading("Checks, the last to pass first (seconds)")
    if checks:
        signs = [_LAST[c.last_blocker] if c.final != "failing" else "✗" for c in checks]
        page.table(
            (("", "left"), ("passed", "right"), ("alone", "right"), ("saving", "right"), ("check", "wrap")),
            (
                (
                    sign,
                    narrative.cleared(c),
                    wording.span_range(c.exclusive_s),
                    wording.span_range(c.saving_s),
                    (narrative.short_name(c.name), "bold" if c.last_blocker == "certain" else ""),
                )
                for sign, c in zip(signs, checks, strict=True)
            ),
            gap=1,
        )
        legend = [f"{sign} {meaning}" for sign, meaning in _SIGNS.items() if sign in signs]
        if legend:
            page.line(", ".join(legend) + ".", indent=2)
        page.line(
            "passed: when. alone: how long only it was failing. saving: how much earlier ready would have been had it"
            " been instant.",
            indent=2,
        )
    for sentence in others:
        page.line(sentence, indent=2)


def _findings(page: Page, start: StartReport) -> None:
    for title, findings in narrative.advice(start):
        page.heading(title)
        if not findings:
            page.line(narrative.nothing_to_do(start), indent=2)
        for finding in findings:
            _finding(page, finding)


def _finding(page: Page, finding: Finding) -> None:
    label = "" if finding.severity == "info" else f"{finding.severity}: "
    title = (label + finding.title, _SEVERITY_STYLE[finding.severity])
    page.line(title, narrative.line_list(finding.lines), indent=2, hang=2)
    if finding.detail:
        page.line(finding.detail, indent=4)
    if finding.advice:
        page.line(f"→ {finding.advice}", indent=4, hang=2)


def _unknowns(page: Page, report: Report, start: StartReport) -> None:
    missing = list(narrative.unknowns(report, start))
    if missing:
        page.heading("What the log could not tell")
    for sentence, command in missing:
        page.line(f"· {sentence}", indent=2, hang=2)
        if command:
            page.line(command, indent=6)


def _ledger(page: Page, report: Report) -> None:
    for sentence in narrative.ledger(report):
        page.line((sentence, "dim"), hang=2)
    names = [s.path for s in report.sources]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    page.line((f"From {shown}.", "dim"), hang=2)
