"""The report for a terminal: the answer in at most 24 lines of 80 columns; ``--full`` adds everything else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.events.terms import term
from analyzer.reports import answer as answers, full_text, narrative, wording
from analyzer.reports.answer import Answer, Part
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.selection import select_starts
from analyzer.reports.terminal import DEFAULT_WIDTH, Page, broken
from analyzer.results import Report

_STYLES = {"ok": "green", "slow": "yellow", "failed": "bold red", "stopped": "yellow", "unknown": "yellow"}
_LABEL = 9  # columns before what a line says
_SHADES = ("█", "▓", "░")  # of the longest part, the second, the others
# Lines of 80 columns that a section may take: together with the bar no more than 24. Verdict, why and what to do
# stand in the first eight.
_VERDICT, _SHORT = 2, 2
_FIRST, _LEAST_DO, _MOST_DO = 8, 3, 6
_LINES = 22  # of the answer, without what stands under it
_SENTENCE_END = re.compile(r"[.;!?](?= )")
_MANY_INPUTS, _MANY_HOSTS = 20, 10  # from here on the whole is of more interest than one start
_GROUPS = 4  # rows of the table of many starts


def render(report: Report, options: Options = DEFAULT) -> str:
    """The report as text with a final newline; raises ``UsageError`` for a start that does not exist."""
    page = Page(options)
    told = answers.answer(report, options.start, utc=options.utc, goal=options.goal)
    if options.start == "all" and len(report.starts) > 1 and not options.full:
        _all(page, report)
    else:
        _answer(page, told)
    if options.start in (None, "all") and len(report.starts) > 1:
        _starts(page, report)
    if options.full:
        page.blank()
        return page.text() + "\n" + full_text.render(report, options, told.start)
    _more(page, report, options)
    return page.text()


def answer_lines(told: Answer, options: Options = DEFAULT) -> str:
    """The answer alone, without what stands under it in the report."""
    page = Page(options)
    _answer(page, told)
    return page.text()


def _answer(page: Page, told: Answer) -> None:
    width = min(page.width, DEFAULT_WIDTH) - _LABEL
    used = _verdict(page, told)
    most = _FIRST - used - _LEAST_DO
    used += _labelled(page, "Why", _why(page, told, most), most, tail=_lines(told))
    bar = _bar(told.bar, width) if told.bar else ""
    rest = (
        ("Also", told.also), ("Sure", told.sure), ("Time", bar), ("", told.time), ("Normal", told.normal),
        ("Unknown", _unknown(page, told, width)), ("Start", told.who),
    )  # fmt: skip
    room = _LINES - used - sum(min(_SHORT, len(broken(" ".join(text.split()), width))) for _, text in rest if text)
    _labelled(page, "Do", told.do, max(_LEAST_DO, min(_MOST_DO, room)))
    for label, text in rest:
        _labelled(page, label, text, _SHORT)


def _verdict(page: Page, told: Answer, number: str = "") -> int:
    """The first lines, which hang behind their sign; how many they are."""
    sign = f"{term('mark', told.mark).sign} {number}"
    return _labelled(page, sign, told.verdict, _VERDICT, style=_STYLES.get(told.mark, ""), column=len(sign))


def _why(page: Page, told: Answer, most: int) -> str:
    """As much as fits: the cause, the log's own words from the innermost outwards, more about it."""
    width = min(page.width, DEFAULT_WIDTH) - _LABEL

    def fits(text: str) -> bool:
        return len(broken(text + _lines(told), width)) <= most

    quotes = [f"{told.why} {quote}" for quote in told.quotes]
    whole = [f"{text} {told.more}" for text in quotes or [told.why]] if told.more else []
    choices = [*whole, *quotes]
    return next(filter(fits, choices), f"{told.why} {told.more}" if not quotes else (quotes or [told.why])[-1]).strip()


def _unknown(page: Page, told: Answer, width: int) -> str:
    """What the log cannot tell; how much more there is only where that costs no command its end."""
    behind_command = told.not_known_more and not told.not_known.endswith((".", "…", ")"))
    more = f"({told.not_known_more.rstrip('.')})" if behind_command else told.not_known_more
    more = f"{told.not_known} {more}"
    fits = len(broken(" ".join(more.split()), width)) <= _SHORT
    return more.strip() if fits and not page.options.full else told.not_known


def _lines(told: Answer) -> str:
    return narrative.line_list(told.lines)


def _labelled(
    page: Page, label: str, text: str, most: int, *, tail: str = "", style: str = "", column: int = _LABEL
) -> int:
    """A label and what it says on at most so many lines, ``tail`` behind it whatever was cut; the lines taken."""
    if not text:
        return 0
    width = min(page.width, DEFAULT_WIDTH) - column
    said = _fit(" ".join(text.split()), width, most, tail)
    page.labelled((label.ljust(column), style or "bold"), (said, style), column + width)
    return len(broken(said, width))


def _fit(text: str, width: int, lines: int, tail: str) -> str:
    """As many whole sentences as fit, else as many words: a cut that leaves much room is none."""
    if len(broken(text + tail, width)) <= lines:
        return text + tail
    least = lines * width // 2
    ends = [found.end() for found in _SENTENCE_END.finditer(text) if found.end() >= least]
    for end in sorted(ends, reverse=True):
        if len(broken(f"{text[:end]} …{tail}", width)) <= lines:
            return f"{text[:end]} …{tail}"
    words = text.split(" ")
    while len(words) > 1 and len(broken(f"{' '.join(words)} …{tail}", width)) > lines:
        words.pop()
    return f"{' '.join(words)} …{tail}"


def _bar(parts: Sequence[Part], room: int) -> str:
    """One line for the whole time: the longest part dark, the second less so."""
    whole = sum(part.length.middle for part in parts)
    made = ""
    for part in parts:
        wide = round(part.length.middle / whole * room) if whole > 0 else 0
        made += _SHADES[2 if part.rank is None else part.rank] * wide
    return made[:room]


def _starts(page: Page, report: Report) -> None:
    """All starts in a few lines."""
    starts = report.starts
    _labelled(page, "Starts", f"{wording.plural(len(starts), 'start')}: {narrative.outcomes(starts)}", _SHORT)
    groups = narrative.groups(starts)
    for where, number, within, pattern in groups[:_GROUPS]:
        _labelled(page, "", f"{where}: {pattern}{_within(within, number)}", 1)
    if (others := len(groups) - _GROUPS) > 0:
        _labelled(page, "", f"and {wording.plural(others, 'more unit')} (--full)", 1)


def _within(within: str, number: str) -> str:
    """How long it took the starts of a unit that became ready."""
    if within in ("", "?"):
        return ""
    after = f"at most {within.removeprefix('0.0–')}" if within.startswith("0.0–") else within
    return f" after {after} s" if number == "1" else f" (ready after {after} s)"


def _all(page: Page, report: Report) -> None:
    """Every start in two or three lines."""
    for start in select_starts(report.starts, "all"):
        told = answers.of_start(report, start, utc=page.options.utc)
        _verdict(page, told, f"{start.index}. ")
        _labelled(page, "  Why", told.why, 1, tail=_lines(told))


def _more(page: Page, report: Report, options: Options) -> None:
    counts = report.ledger
    one = "; --start N: one start" if len(report.starts) > 1 else ""
    told = f"--full: details; --html FILE: timeline{one}. {wording.plural(counts.lines, 'line')} read"
    bad = [f"{n} {name}" for n, name in ((counts.malformed, "malformed"), (counts.lossy, "damaged")) if n]
    if notes := [note for _, note in report.notes]:
        others = f" And {wording.plural(len(notes) - 1, 'more note')} (--full)." if len(notes) > 1 else ""
        _labelled(page, "Note", f"{notes[0][:1].upper()}{notes[0][1:]}.{others}", _SHORT)
    if len(report.sources) >= _MANY_INPUTS and len({start.host for start in report.starts}) >= _MANY_HOSTS:
        told = f"k3slog fleet PATH: many hosts at once. {told}"
    _labelled(page, "More", f"{told}{', ' if bad else ''}{', '.join(bad)}.", 1)
