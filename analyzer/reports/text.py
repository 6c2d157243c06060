"""The report for a terminal: plain text that needs no colour and fits 80 columns.

Everything a log wrote is escaped character by character and never read as markup. Rich lays out lines and tables; it
is imported when a report is rendered.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzer.events.terms import term
from analyzer.reports import narrative, wording
from analyzer.reports.output import Destination, printable
from analyzer.reports.selection import select_starts
from analyzer.results import Finding, Report, StartReport

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

DEFAULT_WIDTH = 80
MAX_TERMINAL_WIDTH = 120
_MAX_GROUPS = 12

_OUTCOME_STYLE = {"ready": "green", "failed": "bold red", "stopped": "yellow", "incomplete": "yellow"}
_SEVERITY_STYLE = {"critical": "bold red", "warning": "yellow", "info": ""}
_ASCII = str.maketrans(
    {
        "–": "-", "·": "|", "…": "...", "█": "#", "░": ".", "→": "->", "×": "x", "≥": ">=", "≤": "<=", "−": "-",
        "✓": "+", "✗": "x", "■": "s", "µ": "u", "◀": "<", "●": "*", "○": "o",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How the text is laid out. ``start`` as in ``selection.select_starts``; ``None``: a summary and the last start."""

    width: int = DEFAULT_WIDTH
    color: bool = False
    ascii: bool = False
    start: str | None = None
    utc: bool = False

    @classmethod
    def for_output(
        cls, to: Destination, start: str | None, utc: bool, no_color: bool, width: int | None
    ) -> TextOptions:
        """Options that suit where the text goes: a terminal gets its width and colour, anything else neither."""
        terminal = to.is_stdout and sys.stdout.isatty()
        color = terminal and not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        if width is None and terminal:
            width = max(40, min(shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns, MAX_TERMINAL_WIDTH))
        encoding = (sys.stdout.encoding or "utf-8") if to.is_stdout else "utf-8"
        return cls(width or DEFAULT_WIDTH, color, not encoding.lower().startswith("utf"), start, utc)


def _hardly_begun(start: StartReport) -> bool:
    seen = {milestone.id for milestone in start.milestones}
    return start.outcome == "incomplete" and start.pid is None and seen <= {"systemd_starting", "systemd_started"}


def render(report: Report, options: TextOptions | None = None) -> str:
    """The whole report as text with a final newline; raises ``UsageError`` for a start that does not exist."""
    options = options or TextOptions()
    page = _Page(options)
    if options.start is None:
        shown = tuple(report.starts[-1:])
        if len(report.starts) > 1 and _hardly_begun(report.starts[-1]):
            shown = tuple(report.starts[-2:-1])  # systemd's next try, of which the text holds nothing more
        if len(report.starts) > 1:
            _summary(page, report)
    else:
        shown = select_starts(report.starts, options.start)
        if options.start == "all" and len(report.starts) > 1:
            _summary(page, report)
    for start in shown:
        _start(page, report, start, numbered=len(report.starts) > 1)
    _ledger(page, report)
    return page.text()


class _Page:
    """Collects lines; the only place that knows Rich."""

    def __init__(self, options: TextOptions) -> None:
        from rich.console import Console

        self.options = options
        self.width = options.width
        self._file = io.StringIO()
        self._console: Console = Console(
            file=self._file, width=options.width, height=50, force_terminal=options.color, force_jupyter=False,
            color_system="standard" if options.color else None, no_color=not options.color,
            markup=False, highlight=False, emoji=False, legacy_windows=False,
        )  # fmt: skip

    def line(self, *parts: str | tuple[str, str], indent: int = 0, hang: int = 0) -> None:
        """One paragraph of (text, style) parts; later lines of it are indented by ``hang`` more."""
        from rich.padding import Padding
        from rich.text import Text

        text = Text(overflow="fold")
        for part in parts:
            content, style = (part, "") if isinstance(part, str) else part
            text.append(printable(content), style)
        if not hang:
            self._console.print(Padding(text, (0, 0, 0, indent)))
            return
        room = max(10, self.width - indent - hang)
        for number, piece in enumerate(text.wrap(self._console, room)):
            self._console.print(Padding(piece, (0, 0, 0, indent + (hang if number else 0))))

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def heading(self, title: str) -> None:
        """A section begins."""
        self.blank()
        self.line((title, "bold"))

    def table(
        self, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Text | str]], indent: int = 2, gap: int = 2
    ) -> None:
        """A table without borders; ``columns`` are (title, left|right|wrap)."""
        from rich.padding import Padding
        from rich.table import Table

        table: Table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim", show_edge=False)
        for title, how in columns:
            table.add_column(
                title, justify="right" if how == "right" else "left", no_wrap=how != "wrap", overflow="fold"
            )
        for row in rows:
            table.add_row(*row)
        self._console.print(Padding(table, (0, 0, 0, indent)))

    def text(self) -> str:
        """What was collected, without trailing blanks."""
        lines = [line.rstrip() for line in self._file.getvalue().splitlines()]
        made = "\n".join(lines).strip("\n") + "\n"
        return made.translate(_ASCII).encode("ascii", "backslashreplace").decode() if self.options.ascii else made


def fitted(made: str, to: Destination) -> str:
    """Finished text with signs that the encoding of its destination has."""
    encoding = (sys.stdout.encoding or "utf-8") if to.is_stdout else "utf-8"
    return made if encoding.lower().startswith("utf") else made.translate(_ASCII)


def _styled(content: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(printable(content), style, overflow="fold")


def _summary(page: _Page, report: Report) -> None:
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
            ((_styled(g.where), str(g.total), g.ready_within, _styled(g.pattern)) for g in groups[:_MAX_GROUPS]),
        )
        if len(groups) > _MAX_GROUPS:
            page.line(f"… and {len(groups) - _MAX_GROUPS} more", indent=2)
    for sentence in (*narrative.loop(starts), narrative.slowest(starts)):
        if sentence:
            page.line(sentence, indent=2, hang=2)
    page.blank()


def _start(page: _Page, report: Report, start: StartReport, *, numbered: bool) -> None:
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


def _budget(page: _Page, start: StartReport) -> None:
    rows, whole = narrative.budget(start)
    if not rows:
        return
    page.heading("Where the time went (seconds)")
    longest = max(_length(r.duration.max, r.duration.min) for r in rows)
    room = max(8, min(30, page.width - 66))
    table = [
        (
            wording.phase_label(r.id),
            _styled(wording.span_range(r.duration)),
            _bar(r.duration.min, r.duration.max, longest, room),
            r.meaning,
        )
        for r in rows
    ]
    if whole is not None:
        table.append(
            (
                "total",
                _styled(wording.span_range(whole), "bold"),
                _styled(""),
                f"until {wording.noticer(start)} noticed",
            )
        )
    if not any(r.id == "polling_tax" for r in rows) and whole is not None:
        table[-1] = ("total", table[-1][1], _styled(""), "as far as the text goes")
    page.table((("phase", "left"), ("took", "right"), ("", "left"), ("", "wrap")), table)
    if any("░" in bar.plain for _, _, bar, _ in table):
        page.line("█ at least, ░ at most. Wherever the true moments lie, the phases add up.", indent=2, hang=2)


def _length(most: float | None, least: float) -> float:
    return least if most is None else most


def _bar(least: float, most: float | None, longest: float, room: int) -> Text:
    scale = room / longest if longest > 0 else 0.0
    solid = round(least * scale)
    light = max(0, round(_length(most, least) * scale) - solid)
    if not solid and not light and _length(most, least) > 0:
        return _styled("▏")
    bar = _styled("█" * solid, "cyan")
    bar.append("░" * light, "cyan")
    return bar


def _polls(page: _Page, start: StartReport) -> None:
    sentence, rows = narrative.polls(start)
    page.heading("Polls of /readyz")
    page.line(sentence, indent=2)
    if rows:
        page.table(
            (("answer", "left"), ("polls", "right"), ("seconds", "left"), ("meaning", "wrap")),
            (
                (_styled(r.error, "red" if r.severity == "fatal" else ""), str(r.count), r.when, _meaning(r))
                for r in rows
            ),
        )


def _meaning(row: narrative.PollRow) -> str:
    note = term("answer", row.severity).short
    return f"{row.meaning} — {note}" if note else row.meaning


def _blame(page: _Page, start: StartReport) -> None:
    blame = narrative.blame(start)
    if not blame.rows and not blame.others:
        return
    page.heading("Checks, the last to pass first (seconds)")
    if blame.rows:
        mark = {"certain": "●", "possible": "○", "no": " "}
        page.table(
            (("", "left"), ("passed", "right"), ("alone", "right"), ("saving", "right"), ("check", "wrap")),
            (
                (
                    mark[r.last] if r.state != "failing" else "✗",
                    _styled(r.cleared),
                    r.alone,
                    r.saving,
                    _styled(narrative.short_name(r.name), "bold" if r.last == "certain" else ""),
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


def _findings(page: _Page, start: StartReport) -> None:
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


def _finding(page: _Page, finding: Finding) -> None:
    where = narrative.line_list(finding.lines)
    label = "" if finding.severity == "info" else f"{finding.severity}: "
    page.line((label + finding.title, _SEVERITY_STYLE[finding.severity]), where, indent=2, hang=2)
    if finding.detail:
        page.line(finding.detail, indent=4)
    if finding.advice:
        page.line(f"→ {finding.advice}", indent=4, hang=2)


def _unknowns(page: _Page, report: Report, start: StartReport) -> None:
    missing = list(narrative.unknowns(report, start))
    if missing:
        page.heading("What the text could not tell")
        for sentence, command in missing:
            page.line(f"· {sentence}", indent=2, hang=2)
            if command:
                page.line(command, indent=6)


def _ledger(page: _Page, report: Report) -> None:
    for sentence in narrative.ledger(report):
        page.line((sentence, "dim"), hang=2)
    names = [s.path for s in report.sources]
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        page.line((f"From {shown}.", "dim"), hang=2)
