"""The report as Markdown, made to be pasted into an issue.

All text of a log goes into code spans or has every character escaped that Markdown or HTML could read as markup, so
that it can neither break a table nor mention people nor draw images.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from analyzer.reports import narrative, wording
from analyzer.reports.output import printable
from analyzer.reports.selection import select_starts
from analyzer.results import Finding, Report, StartReport

# What Markdown reads as markup. An underscore inside a word and a lone ampersand are left alone, so that names stay
# readable where nobody renders the text.
_SPECIAL = re.compile(r"[\\`*\[\]<>|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_AT_LINE_START = re.compile(r"^(\s*(?:\d{1,9}(?=[.)]))?)([-+=#.)])(?=[-+=#]*(?:\s|$))")  # a list, a heading, a rule
# People and issues are notified by what the rendered text says, escaped or not: only code spans are safe. So are links.
_LOUD = re.compile(r"(?<!\S)\S*(?:[@#]\w|://|\bwww\.)\S*", re.I)
_SIGN = {"certain": "last", "possible": "perhaps last", "no": ""}


def render(report: Report, *, start: str | None = None, utc: bool = False) -> str:
    """Markdown with a final newline; ``start`` as in ``selection.select_starts``, ``None``: summary and last start."""
    shown = report.starts[-1:] if start is None else select_starts(report.starts, start)
    lines: list[str] = []
    if len(report.starts) > 1 and start in (None, "all"):
        lines += _summary(report.starts)
    for one in shown:
        lines += _start(report, one, utc)
    lines += [
        "",
        "---",
        *(escape(sentence) for sentence in narrative.ledger(report)),
        f"k3slog {code(report.tool_version)}",
    ]
    return "\n".join(lines).strip("\n") + "\n"


def escape(text: str) -> str:
    """``text`` such that Markdown shows it as it is, on one line; control characters become visible escapes.

    Words that would notify somebody or become a link become code spans.
    """
    shown, pieces, last = printable(text), [], 0
    for loud in _LOUD.finditer(shown):
        pieces += [_escape(shown[last : loud.start()]), code(loud.group())]
        last = loud.end()
    made = "".join([*pieces, _escape(shown[last:])])
    return _AT_LINE_START.sub(r"\1\\\2", made)


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda m: f"\\{m[0]}", text)


def code(text: str) -> str:
    """``text`` as a code span that nothing in it can end, fit for a table cell (``|`` escaped)."""
    shown = printable(text).replace("|", "\\|") or " "
    runs = [len(run) for run in re.findall(r"`+", shown)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    rule = ["--:" if number in right else "---" for number in range(len(header))]
    return [f"| {' | '.join(line)} |" for line in (header, rule, *rows)]


def _summary(starts: Sequence[StartReport]) -> list[str]:
    lines = [f"## {wording.plural(len(starts), 'start')}: {narrative.outcomes(starts)}", ""]
    lines += _table(
        ("unit and host", "starts", "ready after (s)", "in order"),
        ((code(g.where), str(g.total), escape(g.ready_within), g.pattern) for g in narrative.groups(starts)[:20]),
        right=(1, 2),
    )
    sentences = [s for s in (*narrative.loop(starts), narrative.slowest(starts)) if s]
    return [*lines, "", *(f"- {escape(s)}" for s in sentences), ""]


def _start(report: Report, start: StartReport, utc: bool) -> list[str]:
    first, second = narrative.title(start, utc=utc)
    what, sure = narrative.culprit(start)
    lines = ["", f"## Start {start.index}: {escape(first)}", "", escape(second), ""]
    lines += [
        f"**{escape(line)}**" if n == 0 else escape(line) + "  " for n, line in enumerate(narrative.verdict(start))
    ]
    if what:
        lines += ["", f"Held back by: {escape(what.rstrip('.'))}" + (f" ({escape(sure)})" if sure else "")]
    about = narrative.about_culprit(start)
    if about:
        lines += ["", escape(" ".join(about))]
    lines += _budget(start)
    lines += _polls(start)
    lines += _checks(start)
    polls = narrative.normal_polls(start)
    normal = _findings("Looks bad, but is normal", narrative.normal(start))
    if polls:
        normal = normal or ["", "### Looks bad, but is normal", ""]
        normal.insert(3, f"- {escape(polls)}")
    lines += normal
    lines += _findings("What to do", narrative.troubles(start)) or [
        "",
        "### What to do",
        "",
        narrative.nothing_to_do(start),
    ]
    lines += _findings("Good to know", narrative.notes(start))
    missing = [
        f"- {escape(sentence)}" + (f" {code(command)}" if command else "")
        for sentence, command in narrative.unknowns(report, start)
    ]
    if missing:
        lines += ["", "### What the text could not tell", "", *missing]
    return lines


def _budget(start: StartReport) -> list[str]:
    rows, whole = narrative.budget(start)
    if not rows:
        return []
    table = [(r.id, escape(wording.span_range(r.duration)), r.meaning) for r in rows]
    if whole is not None:
        table.append(("**total**", f"**{escape(wording.span_range(whole))}**", ""))
    head = ("phase", "took (s)", "")
    return ["", "### Where the time went", "", *_table(head, table, right=(1,))]


def _polls(start: StartReport) -> list[str]:
    sentence, rows = narrative.polls(start)
    lines = ["", "### Polls of `/readyz`", "", escape(sentence)]
    if rows:
        table = ((code(r.error), str(r.count), r.when, escape(r.meaning)) for r in rows)
        lines += ["", *_table(("answer", "polls", "seconds", "meaning"), table, right=(1,))]
    return lines


def _checks(start: StartReport) -> list[str]:
    blame = narrative.blame(start)
    if not blame.rows and not blame.others:
        return []
    lines = ["", "### Checks, the last to pass first", ""]
    if blame.rows:
        table = (
            (code(r.name), escape(r.cleared), escape(r.alone), escape(r.saving), _SIGN[r.last] * (r.state == "ok"))
            for r in blame.rows
        )
        lines += [*_table(("check", "passed (s)", "alone (s)", "saving (s)", ""), table, right=(1, 2, 3)), ""]
    return lines + [escape(sentence) for sentence in blame.others]


def _findings(title: str, findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    lines = ["", f"### {title}", ""]
    for finding in findings:
        label = "" if finding.severity == "info" else f"**{finding.severity}** "
        where = narrative.line_list(finding.lines)
        lines.append(f"- {label}{escape(finding.title)}{where}")
        lines += [f"  {escape(text)}" for text in (finding.detail, finding.advice) if text]
    return lines
