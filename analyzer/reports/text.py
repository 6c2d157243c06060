"""The report for a terminal: plain text that needs no colour and fits 80 columns."""

from __future__ import annotations

from analyzer.events.terms import term
from analyzer.reports import narrative, wording
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.selection import select_starts
from analyzer.reports.terminal import Page, Part
from analyzer.results import Finding, Report, StartReport

_MAX_GROUPS = 12

_OUTCOME_STYLE = {"ready": "green", "failed": "bold red", "stopped": "yellow", "incomplete": "yellow"}
_SEVERITY_STYLE = {"critical": "bold red", "warning": "yellow", "info": ""}
_LAST = {"certain": "●", "possible": "○", "no": " "}


def _hardly_begun(start: StartReport) -> bool:
    seen = {milestone.id for milestone in start.milestones}
    return start.outcome == "incomplete" and start.pid is None and seen <= {"systemd_starting", "systemd_started"}


def render(report: Report, options: Options = DEFAULT) -> str:
    """The whole report as text with a final newline; raises ``UsageError`` for a start that does not exist."""
    page = Page(options)
    several = len(report.starts) > 1
    shown = select_starts(report.starts, options.start)
    if options.start is None and several:
        last = -2 if _hardly_begun(report.starts[-1]) else -1  # systemd's next try, of which the text holds no more
        shown = (report.starts[last],)
    if several and options.start in (None, "all"):
        _summary(page, report)
    for start in shown:
        _start(page, report, start, numbered=several)
    _ledger(page, report)
    return page.text()


def _summary(page: Page, report: Report) -> None:
    starts = report.starts
    dated = [s for s in starts if s.began_at is not None]
    when = ""
    if dated:
        first, last = dated[0], dated[-1]
        assert first.began_at is not None and last.began_at is not None
        utc = page.options.utc
        begin = wording.clock_time(first.began_at, 1.0, utc=utc)
        end = wording.clock_time(last.began_at, 1.0, utc=utc)
        when = f", begun {begin} to {end} ({wording.offset(last.began_at, utc=utc)})"
    page.line((f"{wording.plural(len(starts), 'start')}: {narrative.outcomes(starts)}", "bold"), when, hang=2)
    groups = narrative.groups(starts)
    if len(groups) == 1:
        page.line(f"In order: {groups[0].pattern}", indent=2, hang=2)
    else:
        page.table(
            (("unit and host", "wrap"), ("starts", "right"), ("ready after (s)", "right"), ("in order", "wrap")),
            ((g.where, str(g.total), g.ready_within, g.pattern) for g in groups[:_MAX_GROUPS]),
        )
        if len(groups) > _MAX_GROUPS:
            page.line(f"… and {len(groups) - _MAX_GROUPS} more", indent=2)
    for sentence in (*narrative.loop(starts), narrative.slowest(starts)):
        if sentence:
            page.line(sentence, indent=2, hang=2)
    page.blank()


def _start(page: Page, report: Report, start: StartReport, *, numbered: bool) -> None:
    first, second = narrative.title(start, utc=page.options.utc)
    number = f"Start {start.index} of {len(report.starts)}: " if numbered else ""
    page.line((number + first, "bold"), hang=2)
    page.line(second, hang=2)
    page.blank()
    glyph = term("outcome", start.outcome).sign
    sentence, *more = narrative.verdict(start)
    page.line((f"{glyph} {sentence}", _OUTCOME_STYLE[start.outcome]), hang=2)
    for line in more:
        page.line(line, indent=2)
    what, sure = narrative.culprit(start)
    if what:
        page.line(("Held back by: ", "bold"), what, indent=2, hang=2)
    if sure:
        page.line(f"How sure: {sure}.", indent=2, hang=2)
    for line in narrative.about_culprit(start):
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
    longest = max(_length(r.duration.max, r.duration.min) for r in rows)
    room = max(8, min(30, page.width - 66))
    table: list[tuple[Part, ...]] = [
        (
            wording.phase_label(r.id),
            wording.span_range(r.duration),
            (_bar(r.duration.min, r.duration.max, longest, room), "cyan"),
            r.meaning,
        )
        for r in rows
    ]
    if whole is not None:
        noticed = any(r.id == "polling_tax" for r in rows)
        until = f"until {wording.noticer(start)} noticed" if noticed else "as far as the text goes"
        table.append(("total", (wording.span_range(whole), "bold"), "", until))
    page.table((("phase", "left"), ("took", "right"), ("", "left"), ("", "wrap")), table)
    if any("░" in "".join(row[2]) for row in table):
        page.line("█ at least, ░ at most. Wherever the true moments lie, the phases add up.", indent=2, hang=2)


def _length(most: float | None, least: float) -> float:
    return least if most is None else most


def _bar(least: float, most: float | None, longest: float, room: int) -> str:
    scale = room / longest if longest > 0 else 0.0
    solid = round(least * scale)
    light = max(0, round(_length(most, least) * scale) - solid)
    if not solid and not light and _length(most, least) > 0:
        return "▏"
    return "█" * solid + "░" * light


def _polls(page: Page, start: StartReport) -> None:
    sentence, rows = narrative.polls(start)
    page.heading("Polls of /readyz")
    page.line(sentence, indent=2)
    if rows:
        page.table(
            (("answer", "left"), ("polls", "right"), ("seconds", "left"), ("meaning", "wrap")),
            (((r.error, "red" if r.severity == "fatal" else ""), str(r.count), r.when, _meaning(r)) for r in rows),
        )


def _meaning(row: narrative.PollRow) -> str:
    note = term("answer", row.severity).short
    return f"{row.meaning} — {note}" if note else row.meaning


def _blame(page: Page, start: StartReport) -> None:
    blame = narrative.blame(start)
    if not blame.rows and not blame.others:
        return
    page.heading("Checks, the last to pass first (seconds)")
    if blame.rows:
        page.table(
            (("", "left"), ("passed", "right"), ("alone", "right"), ("saving", "right"), ("check", "wrap")),
            (
                (
                    _LAST[r.last] if r.state != "failing" else "✗",
                    r.cleared,
                    r.alone,
                    r.saving,
                    (narrative.short_name(r.name), "bold" if r.last == "certain" else ""),
                )
                for r in blame.rows
            ),
            gap=1,
        )
        signs = {r.last for r in blame.rows if r.state != "failing"}
        legend = ["● certainly the last"] * ("certain" in signs) + ["○ perhaps the last"] * ("possible" in signs)
        legend += ["✗ still failing"] * any(r.state == "failing" for r in blame.rows)
        if legend:
            page.line(", ".join(legend) + ".", indent=2)
        page.line(
            "passed: when. alone: how long only it was failing. saving: how much earlier ready would have been had it"
            " been instant.",
            indent=2,
        )
    for sentence in blame.others:
        page.line(sentence, indent=2)


def _findings(page: Page, start: StartReport) -> None:
    normal, polls = narrative.normal(start), narrative.normal_polls(start)
    if normal or polls:
        page.heading("Looks bad, but is normal")
        if polls:
            page.line(polls, indent=2, hang=2)
        for finding in normal:
            _finding(page, finding)
    troubles = narrative.troubles(start)
    page.heading("What to do")
    if not troubles:
        page.line(narrative.nothing_to_do(start), indent=2)
    for finding in troubles:
        _finding(page, finding)
    notes = narrative.notes(start)
    if notes:
        page.heading("Good to know")
        for finding in notes:
            _finding(page, finding)


def _finding(page: Page, finding: Finding) -> None:
    where = narrative.line_list(finding.lines)
    label = "" if finding.severity == "info" else f"{finding.severity}: "
    page.line((label + finding.title, _SEVERITY_STYLE[finding.severity]), where, indent=2, hang=2)
    if finding.detail:
        page.line(finding.detail, indent=4)
    if finding.advice:
        page.line(f"→ {finding.advice}", indent=4, hang=2)


def _unknowns(page: Page, report: Report, start: StartReport) -> None:
    missing = list(narrative.unknowns(report, start))
    if missing:
        page.heading("What the text could not tell")
        for sentence, command in missing:
            page.line(f"· {sentence}", indent=2, hang=2)
            if command:
                page.line(command, indent=6)


def _ledger(page: Page, report: Report) -> None:
    for sentence in narrative.ledger(report):
        page.line((sentence, "dim"), hang=2)
    names = [s.path for s in report.sources]
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        page.line((f"From {shown}.", "dim"), hang=2)
