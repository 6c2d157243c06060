"""The short table: what delayed readiness, the most first. The numbers are the report's, with both ends of each window.

Checks run at the same time, so neither the moments at which they cleared nor their lengths add up; ``saving`` is what
one would have gained had a check been instant. Phases follow each other and do add up.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.reports import narrative, wording
from analyzer.reports.csv_report import plain_number, safe_text
from analyzer.reports.json_report import clean_text, dumps, rounded_down, rounded_up, span_object, window_object
from analyzer.reports.markdown import code, escape
from analyzer.reports.output import printable
from analyzer.results import Check, Phase, Report, StartReport

SCHEMA = "k3slog.blame"
SCHEMA_VERSION = 1
DEFAULT_ROWS = 10
_WIDTH = 80
_LAST = {"certain": "yes", "possible": "maybe", "no": ""}
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


def blamed(start: StartReport, limit: int | None = None) -> Blamed:
    """The checks that failed or may have been last, the costliest first (at most ``limit``), and the phases."""
    told = [c for c in start.checks if c.final == "failing" or c.seen_failing or c.last_blocker != "no"]
    told = [c for c in told if c.final != "unseen" or c.seen_failing]
    told.sort(key=_cost)
    shown = tuple(told if limit is None else told[:limit])
    phases = sorted(wording.until_noticed(start.phases), key=lambda p: (-_most(p.duration_s.max), -p.duration_s.min))
    quiet = len(start.checks) - len(told)
    return Blamed(start, shown, tuple(phases), len(told) - len(shown), quiet)


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


def text(report: Report, starts: Sequence[StartReport], *, limit: int | None = DEFAULT_ROWS) -> str:
    """A table of at most ``limit`` checks and one of the phases for each start; fits 80 columns."""
    pieces = [_text(blamed(start, limit), len(report.starts)) for start in starts]
    return "\n".join(pieces)


def _text(told: Blamed, of: int) -> str:
    start = told.start
    number = f"Start {start.index} of {of}: " if of > 1 else ""
    head = [number + wording.what(start) + _place(start), *narrative.verdict(start)]
    lines = [line for sentence in head for line in textwrap.wrap(printable(sentence), _WIDTH, subsequent_indent="  ")]
    lines.append("")
    if told.checks:
        rows = [
            (
                wording.span_range(c.saving_s),
                wording.span_range(c.exclusive_s),
                cleared,
                _LAST[c.last_blocker],
                _name(c),
            )
            for c, cleared in ((c, _cleared(c)) for c in told.checks)
        ]
        lines += _aligned(("saving", "alone", "cleared", "last", "check"), rows, right=3)
    else:
        lines.append(_nothing(told))
    if told.more:
        lines.append(f"{wording.plural(told.more, 'more check')} (--limit 0 shows all)")
    if told.quiet and told.checks:
        lines.append(f"{wording.plural(told.quiet, 'check')} not seen failing")
    phases = [
        (wording.span_range(p.duration_s), wording.phase_label(p.id), _meaning(p, start))
        for p in told.phases
        if _most(p.duration_s.max) > 0
    ]
    if phases:
        lines += ["", *_aligned(("took", "phase", ""), phases, right=1)]
    if told.checks or phases:
        lines += [
            "",
            "Seconds. saving: how much earlier ready would have been had it been instant;",
            "alone: only it was failing; cleared: when it passed; last: was it the last one.",
            "Checks overlap, so neither column adds up; phases do. ≤ at most, ≥ at least,",
            "> not before, ? the log does not say.",
        ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _place(start: StartReport) -> str:
    place = " on ".join(p for p in (start.unit or "", start.host or "") if p)
    return f" ({place})" if place else ""


def _name(check: Check) -> str:
    return narrative.short_name(check.name) + (" (still failing)" if check.final == "failing" else "")


def _cleared(check: Check) -> str:
    return wording.window_range(check.cleared)


def _meaning(phase: Phase, start: StartReport) -> str:
    return wording.phase_meaning(phase.id, wording.noticer(start))


def _nothing(told: Blamed) -> str:
    if told.start.role == "agent":
        return "An agent has no checks of its own: it waits for a server."
    if told.quiet:
        return f"No check was seen failing ({wording.plural(told.quiet, 'check')} known)."
    return "The text says nothing of any check."


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: int) -> list[str]:
    """Columns two blanks apart, the first ``right`` of them flush right; a long last one goes on below."""
    shown = [[printable(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[n]) for row in shown) for n in range(len(header) - 1)]
    indent = sum(widths) + 2 * len(widths)
    lines = []
    for *cells, last in shown:
        begin = "".join(
            (c.rjust(w) if n < right else c.ljust(w)) + "  " for n, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        pieces = textwrap.wrap(last, max(20, _WIDTH - indent)) or [""]
        lines += [begin + pieces[0], *(" " * indent + piece for piece in pieces[1:])]
    return lines


def markdown(report: Report, starts: Sequence[StartReport], *, limit: int | None = DEFAULT_ROWS) -> str:
    """The same as Markdown tables."""
    lines: list[str] = []
    for start in starts:
        told = blamed(start, limit)
        lines += [f"## Start {start.index} of {len(report.starts)}: {escape(wording.what(start) + _place(start))}", ""]
        lines += [escape(sentence) + "  " for sentence in narrative.verdict(start)] + [""]
        if told.checks:
            lines += ["| saving (s) | alone (s) | cleared (s) | last | check |", "| --: | --: | --: | --- | --- |"]
            for check in told.checks:
                cells = (wording.span_range(check.saving_s), wording.span_range(check.exclusive_s), _cleared(check))
                failing = " (still failing)" if check.final == "failing" else ""
                name = code(check.name) + failing
                lines.append(f"| {' | '.join(escape(c) for c in cells)} | {_LAST[check.last_blocker]} | {name} |")
        else:
            lines.append(escape(_nothing(told)))
        if told.more:
            lines += ["", f"{wording.plural(told.more, 'more check')}."]
        if told.phases:
            lines += ["", "| took (s) | phase | |", "| --: | --- | --- |"]
            lines += [
                f"| {escape(wording.span_range(p.duration_s))} | {p.id} | {escape(_meaning(p, start))} |"
                for p in told.phases
            ]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def table(report: Report, starts: Sequence[StartReport], *, limit: int | None = None) -> str:
    """CSV with a header line, one row for each check and phase; an open or unknown end is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for start in starts:
        told = blamed(start, limit)
        for check in told.checks:
            alone, saving = check.exclusive_s, check.saving_s
            numbers = (
                rounded_down(check.cleared.lower), rounded_up(check.cleared.upper),
                rounded_down(alone.min) if alone else None, rounded_up(alone.max) if alone else None,
                rounded_down(saving.min) if saving else None, rounded_up(saving.max) if saving else None,
                None, None,
            )  # fmt: skip
            writer.writerow(
                [start.index, "check", safe_text(check.name), *_numbers(numbers), check.last_blocker, check.final]
            )
        for phase in told.phases:
            length = (rounded_down(phase.duration_s.min), rounded_up(phase.duration_s.max))
            writer.writerow([start.index, "phase", phase.id, *_numbers((None,) * 6 + length), "", ""])
    return out.getvalue()


def _numbers(values: Sequence[float | None]) -> list[str]:
    return ["" if value is None else plain_number(value) for value in values]


def json_text(report: Report, starts: Sequence[StartReport], *, limit: int | None = None) -> str:
    """One JSON object; checks and phases have the fields of the report's, in the order of what they cost."""
    made = []
    for start in starts:
        told = blamed(start, limit)
        made.append(
            {
                "index": start.index,
                "host": None if start.host is None else clean_text(start.host),
                "unit": None if start.unit is None else clean_text(start.unit),
                "version": None if start.version is None else clean_text(start.version),
                "outcome": start.outcome,
                "ready": window_object(start.ready),
                "checks": [
                    {
                        "name": clean_text(c.name),
                        "final": c.final,
                        "cleared": window_object(c.cleared),
                        "exclusive_s": span_object(c.exclusive_s),
                        "saving_s": span_object(c.saving_s),
                        "last_blocker": c.last_blocker,
                    }
                    for c in told.checks
                ],
                "phases": [{"id": p.id, "duration_s": span_object(p.duration_s)} for p in told.phases],
                "more": told.more,
            }
        )
    tool = {"name": "k3slog", "version": report.tool_version}
    return dumps({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "tool": tool, "starts": made})
