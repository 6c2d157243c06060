"""The report as Markdown, made to be pasted into an issue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.events.commands import commands_in
from analyzer.events.terms import term
from analyzer.reports import answer as answers, narrative, wording
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.md import Md, code, document, joined, markup, table, verbatim
from analyzer.reports.selection import select_starts
from analyzer.results import Finding, Report, StartReport
from analyzer.site import NOWHERE, Site

_MAX_GROUPS = 20
_SIGN = {"certain": "last", "possible": "perhaps last", "no": ""}


def render(report: Report, options: Options = DEFAULT) -> str:
    """Markdown with a final newline; raises ``UsageError`` for a start that does not exist."""
    shown = report.starts[-1:] if options.start is None else select_starts(report.starts, options.start)
    lines = _answer(report, options)
    if len(report.starts) > 1 and options.start in (None, "all"):
        lines += _summary(report.starts)
    for one in shown:
        lines += _start(report, one, options.utc)
    lines += [Md(), markup("---"), *(Md(sentence) for sentence in narrative.ledger(report))]
    return document([*lines, markup("k3slog {}", code(report.tool_version))])


def _answer(report: Report, options: Options) -> list[Md]:
    """What everyone reads first, in the words of the terminal; what else it says stands in the sections below."""
    told = answers.answer(report, options.start, utc=options.utc, goal=options.goal)
    site = next((start.site for start in report.starts if start.index == told.start), NOWHERE)
    why = " ".join(filter(None, (told.why, *told.quotes[:1], told.more)))
    texts = (("Why", why), ("Do", told.do), ("Also", told.also), ("Sure", told.sure))
    lines = [markup("{} **{}**", Md(term("mark", told.mark).sign), Md(told.verdict)), Md()]
    for label, text in texts:
        if text:
            where = Md(narrative.line_list(told.lines)) if label == "Why" else Md()
            lines.append(markup("- **{}:** {}", Md(label), _with_commands(" ".join(text.split()), site)) + where)
    return [*lines, Md()]


def _with_commands(text: str, site: Site) -> Md:
    made, behind = Md(), 0
    for begin, end in commands_in(text, site):
        made = made + Md(text[behind:begin]) + verbatim(text[begin:end])
        behind = end
    return made + Md(text[behind:])


def _section(title: str, lines: Sequence[Md]) -> list[Md]:
    """A section, where it holds anything."""
    return [Md(), markup("### {}", Md(title)), Md(), *lines] if lines else []


def _summary(starts: Sequence[StartReport]) -> list[Md]:
    rows = ((code(where), *map(Md, told)) for where, *told in narrative.groups(starts)[:_MAX_GROUPS])
    title = f"{wording.plural(len(starts), 'start')}: {narrative.outcomes(starts)}"
    lines = [markup("## {}", Md(title)), Md()]
    lines += table(("unit and host", "starts", "ready after (s)", "in order"), rows, right=(1, 2))
    sentences = narrative.loop(starts) + narrative.slowest(starts)
    return [*lines, Md(), *(markup("- {}", Md(s)) for s in sentences), Md()]


def _start(report: Report, start: StartReport, utc: bool) -> list[Md]:
    first, second = narrative.title(start, utc=utc)
    headline, *more = narrative.verdict(start)
    lines = [Md(), markup("## Start {}: {}", start.index, Md(first)), Md(), Md(second), Md()]
    lines += [markup("**{}**", Md(headline)), *(markup("{}  ", Md(line)) for line in more)]
    what, sure = narrative.culprit(start)
    if what:
        lines += [
            Md(),
            markup("Held back by: {}", Md(what.rstrip("."))) + (markup(" ({})", Md(sure)) if sure else Md()),
        ]
    about = " ".join(narrative.about_culprit(start))
    lines += [Md(), Md(about)] if about else []
    lines += [*_budget(start), *_polls(start), *_checks(start)]
    for title, findings in narrative.advice(start):
        lines += _section(title, _findings(findings) or [Md(narrative.nothing_to_do(start))])
    missing = [
        markup("- {}", Md(sentence)) + (markup(" {}", verbatim(command)) if command else Md())
        for sentence, command in narrative.unknowns(report, start)
    ]
    return lines + _section("What the log could not tell", missing)


def _budget(start: StartReport) -> list[Md]:
    rows, whole = narrative.budget(start)
    if not rows:
        return []
    made = [(Md(p.id), Md(wording.span_range(p.duration_s)), Md(meaning)) for p, meaning in rows]
    if whole is not None:
        made.append((markup("**total**"), markup("**{}**", Md(wording.span_range(whole))), Md()))
    return _section("Where the time went", table(("phase", "took (s)", ""), made, right=(1,)))


def _polls(start: StartReport) -> list[Md]:
    sentence, rows = narrative.polls(start)
    lines = [Md(), markup("### Polls of `/readyz`"), Md(), Md(sentence)]
    if rows:
        made = (
            (code(e.error), *map(Md, (str(e.polls), narrative.stretch(e), term("error", e.error).meaning)))
            for e in rows
        )
        lines += [Md(), *table(("answer", "polls", "seconds", "meaning"), made, right=(1,))]
    return lines


def _checks(start: StartReport) -> list[Md]:
    checks, others = narrative.blame(start)
    lines: list[Md] = []
    if checks:
        rows = (
            (
                code(c.name),
                *map(Md, (narrative.cleared(c), wording.span_range(c.exclusive_s), wording.span_range(c.saving_s))),
                Md(_SIGN[c.last_blocker] if c.final == "ok" else ""),
            )
            for c in checks
        )
        lines = [*table(("check", "passed (s)", "alone (s)", "saving (s)", ""), rows, right=(1, 2, 3)), Md()]
    return _section("Checks, the last to pass first", [*lines, *map(Md, others)])


def _findings(findings: Iterable[Finding]) -> list[Md]:
    lines: list[Md] = []
    for finding in findings:
        label = Md() if finding.severity == "info" else markup("**{}** ", Md(finding.severity))
        where = Md(narrative.line_list(finding.lines))
        lines.append(joined("", (markup("- "), label, Md(finding.title), where)))
        lines += [markup("  {}", Md(text)) for text in (finding.detail, finding.advice) if text]
    return lines
