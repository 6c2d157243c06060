"""The answer block as HTML, for the page and for notebooks: the words of the text report, with room to say all.

Plain data for ``answer.html.j2``; the template escapes every text. No script is needed to read it; on the page a button
copies a command, and the lines behind the cause can be pointed at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from analyzer.analysis.episodes import episodes, lost_s
from analyzer.events.commands import can_copy, commands_in
from analyzer.events.terms import term
from analyzer.figures.palette import LIGHT
from analyzer.reports import answer as answers, narrative, wording
from analyzer.reports.answer import Answer, Part
from analyzer.reports.html_page import asset, fragment
from analyzer.results import Episode, LedgerCounts, Report, StartReport
from analyzer.site import NOWHERE, Site

OTHERS: Final = 12  # episodes beside the one that is told
_ROOM: Final = 1500  # characters of a text on the page
_ROOMS: Final = (900, 400, 150)  # in a notebook, the first that keeps the block light
_LIGHT: Final = 30_000  # bytes of a notebook's block
_NEED: Final = ("failed", "ongoing", "stopped", "ready")

Ref = tuple[int, int]  # (source, 1-based line)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence: plain, a command (``copy``: it can be run as it is), or the name of a part of the bar."""

    text: str
    kind: str = ""  # command | part
    copy: bool = False
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A label and what it says, with the lines behind it."""

    label: str
    pieces: tuple[Piece, ...]
    refs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the bar, in percent of the whole."""

    at: str
    width: str
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class Block:
    """What the template shows of an answer."""

    mark: str
    sign: str
    state: str
    verdict: str
    sections: tuple[Section, ...]
    bar: tuple[Stretch, ...]
    start: int


def block(report: Report, told: Answer, *, room: int = _ROOM) -> Block:
    """An answer, laid out; ``room``: characters of each text."""
    start = next((one for one in report.starts if one.index == told.start), None)
    site = start.site if start is not None else NOWHERE
    mark = term("mark", told.mark)
    return Block(
        mark=told.mark,
        sign=mark.sign,
        state=mark.short,
        verdict=_cut(told.verdict, room),
        sections=tuple(_sections(told, site, room)),
        bar=tuple(_stretches(told.bar)),
        start=told.start,
    )


def _sections(told: Answer, site: Site, room: int) -> Iterator[Section]:
    why = " ".join(filter(None, (told.why, *told.quotes[:1], told.more)))
    texts = (
        ("Why", why, refs(told)),
        ("Do", told.do, ()),
        ("Also", told.also, ()),
        ("Sure", told.sure, ()),
        ("Time", told.time, ()),
        ("Normal", told.normal, ()),
        ("Unknown", told.not_known, ()),
        ("Start", told.who, ()),
    )
    for label, text, behind in texts:
        said = _cut(" ".join(text.split()), room)
        if said:
            found = _named(said, told.bar) if label == "Time" else _with_commands(said, site)
            yield Section(label, tuple(found), behind)


def refs(told: Answer) -> tuple[Ref, ...]:
    """The lines behind the cause with their source."""
    return tuple((told.source, line) for line in told.lines)


def _with_commands(text: str, site: Site) -> Iterator[Piece]:
    behind = 0
    for begin, end in commands_in(text, site):
        yield from _plain(text[behind:begin])
        yield Piece(text[begin:end], "command", copy=can_copy(text[begin:end]))
        behind = end
    yield from _plain(text[behind:])


def _named(text: str, bar: tuple[Part, ...]) -> Iterator[Piece]:
    """The sentence about the bar, with the two parts that it names set apart."""
    for part in sorted((part for part in bar if part.rank is not None), key=lambda part: part.rank or 0):
        name = f"{part.label} {wording.span_words(part.length)}"
        before, found, after = text.partition(name)
        if found:
            yield from _plain(before)
            yield Piece(name, "part", rank=part.rank or 0)
            text = after
    yield from _plain(text)


def _plain(text: str) -> Iterator[Piece]:
    if text:
        yield Piece(text)


def _stretches(bar: tuple[Part, ...]) -> Iterator[Stretch]:
    lengths = [part.length.middle for part in bar]
    whole, at = sum(lengths), 0.0
    if whole <= 0:
        return
    for part, length in zip(bar, lengths, strict=True):
        width = length / whole * 100
        look = "rest" if part.rank is None else f"rank-{part.rank}"
        if width > 0:
            yield Stretch(f"{at:.2f}", f"{width:.2f}", look, f"{part.label} {wording.span_words(part.length)}")
        at += width


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[:room].rsplit(" ", 1)[0] + " …"


def brief(whole: Block, *, again: bool) -> Block:
    """What a start of several needs below the page's own answer; ``again``: that answer is on this start."""
    labels = ("Time",) if again else ("Why", "Do", "Time")
    return replace(whole, sections=tuple(one for one in whole.sections if one.label in labels))


# --- the other episodes


@dataclass(frozen=True, slots=True)
class Other:
    """An episode beside the one that is told: how it went, and the start to look at."""

    mark: str
    sign: str
    state: str
    where: str
    verdict: str
    start: int


def others(report: Report, told: Answer) -> tuple[list[Other], int]:
    """The other episodes, those that failed first and at most ``OTHERS``, and how many more there are."""
    found = [one for one in episodes(report.starts) if told.start not in one.starts]
    kept = [_other(report, one) for one in sorted(found, key=_need)[:OTHERS]]
    if len({start.host for start in report.starts}) == 1:  # of one host only what needs a look
        kept = [one for one in kept if one.mark not in ("ok", "ready")]
    return kept, len(found) - len(kept)


def _need(episode: Episode) -> tuple[int, float, int]:
    return _NEED.index(episode.outcome), -lost_s(episode), episode.index


def _other(report: Report, episode: Episode) -> Other:
    own = answers.of_episode(report, episode)
    where = episode.host or episode.unit or f"start {own.start}"
    mark = term("mark", own.mark)
    return Other(own.mark, mark.sign, mark.short, where, _cut(own.verdict, _ROOM), own.start)


def title(report: Report, shown: StartReport | None) -> str:
    """What the page is about: the episode, or the hosts and their starts."""
    if shown is None:
        return "k3s start-up: no start found"
    product = wording.program(shown)
    hosts = {start.host for start in report.starts if start.host is not None}
    if len(hosts) > 1:
        return f"{product} start-up: {len(hosts)} hosts, {wording.plural(len(report.starts), 'start')}"
    on = f" on {shown.host}" if shown.host else ""
    tries = [one for one in episodes(report.starts) if shown.index in one.starts]
    if len(tries) == 1 and tries[0].tries == len(report.starts) > 1:
        return f"{product} start-up{on}: {tries[0].tries} tries"
    return f"{product} start-up{on}" + (f": {len(report.starts)} starts" if len(report.starts) > 1 else "")


# --- notebooks


def notebook(report: Report) -> str:
    """The answer block alone, at most 30 kB, without scripts."""
    told = answers.answer(report)
    shown = next((one for one in report.starts if one.index == told.start), None)
    counts = narrative.outcomes(report.starts) if len(report.starts) > 1 else ""
    return _alone(lambda room: block(report, told, room=room), title(report, shown), counts)


def alone(told: Answer) -> str:
    """The same of an answer whose report is not at hand."""
    lines = f" {narrative.line_list(told.lines).strip()}" if told.lines else ""
    whole = replace(told, more=f"{told.more}{lines}", lines=())
    nothing = Report("", (), LedgerCounts(), ())
    return _alone(lambda room: block(nothing, whole, room=room), "", "")


def _alone(made_with: Callable[[int], Block], heading: str, counts: str) -> str:
    made = ""
    for room in _ROOMS:
        made = fragment(
            "answer_alone.html.j2",
            title=_cut(heading, room),
            block=made_with(room),
            style=Markup(asset("page/answer.css")),  # our own file, never a log's text
            colours=LIGHT,
            counts=counts,
        )
        if len(made.encode("utf-8", "replace")) <= _LIGHT:
            break
    return made
