"""Two collections compared, as one self-contained page; see :mod:`analyzer.reports.html_page` for how it is kept safe.

It begins with the verdict and both curves; the differences of all metrics, what one side alone has and the slowest
starts follow. All of it stands without a script, which adds the curves of the other metrics and reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.comparison.model import Compared, Comparison, OneSided, OneSidedKind, Side
from analyzer.events.terms import term
from analyzer.reports import comparison_curve, comparison_forest, comparison_rows as rows, comparison_words as words
from analyzer.reports.comparison_masked import masked
from analyzer.reports.comparison_starts import SlowStart, slowest
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.html_page import filled, script
from analyzer.reports.page_words import (
    Piece,
    Section,
    Stretch,
    count,
    metric_axis,
    metric_heading,
    outcome_bar,
    shown,
    unread,
)
from analyzer.version import __version__

_NAMED: Final = 5  # other metrics that the answer names
_LISTED: Final = 12  # of what one side alone has, before the rest is folded away
_HEAD: Final = 14  # characters of a name that has room over a column
_KINDS: Final[tuple[tuple[OneSidedKind, str], ...]] = (
    ("reason", "Reasons of failure"), ("phase", "Phases"), ("check", "Checks"),
)  # fmt: skip


def render(compared: Compared, options: Options = DEFAULT) -> str:
    """The page as text, UTF-8 when written."""
    told = masked(compared)
    comparison = told.comparison
    base, new = words.names(comparison)
    ranked = rows.in_order(compared.comparison)  # by ids that the collections know
    main = next(
        (metric.id for metric in ranked if comparison_curve.drawn(compared, metric)), None
    )  # the goal, where it is a time
    heading = "" if main is None else metric_heading(main)
    starts = slowest(compared, main)
    sides = [
        _side(look, name, side, comparison, own)
        for look, name, side, own in zip(
            comparison_curve.LOOKS, (base, new), (comparison.base, comparison.new), starts, strict=True
        )
    ]
    return filled(
        "comparison.html.j2",
        script("theme", "parts", "curve", "comparison"),
        plotly=False,
        styles=("many", "comparison"),
        title=f"{new} compared with {base}",
        answer=_answer(told),
        base=base,
        new=new,
        sides=sides,
        heads=[name if len(name) <= _HEAD else side.id for name, side in zip((base, new), sides, strict=True)],
        heading=heading,
        axis="" if main is None else metric_axis(main),
        pictures=[] if main is None else comparison_curve.pictures(compared, main, (base, new), heading),
        balanced=any(metric.balanced for metric in comparison.metrics),
        statistic=words.STATISTICS[comparison.statistic],
        groups=comparison_forest.groups(comparison),
        limit=rows.limit_words(comparison),
        unread=unread((*compared.base.inputs, *compared.new.inputs)),
        data={"names": [base, new], "curves": comparison_curve.data(compared, ranked)},
        tool_version=__version__,
    )


# --- the answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the answer block shows."""

    mark: str
    sign: str
    state: str
    verdict: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]


def _answer(compared: Compared) -> Answer:
    comparison = compared.comparison
    mark = words.mark(comparison)
    return Answer(
        mark=mark,
        sign=words.sign(comparison),
        state=term("mark", mark).short,
        verdict=words.verdict(comparison),
        sections=tuple(_sections(compared)),
        notes=tuple(shown(note) for note in words.notes(comparison)),
    )


def _sections(compared: Compared) -> Iterator[Section]:
    comparison = compared.comparison
    differing = [m for m in rows.in_order(comparison) if rows.differs(m) and m is not words.leading(comparison)]
    if same := words.same_starts(comparison):
        yield Section("Same", (Piece(f"{words.SIGNS['slow']} {same}"),), lead=True)
    if differing:
        told = f"Parts that certainly changed: {words.changed_parts(comparison, _NAMED)}."
        yield Section("Also", (Piece(told),), lead=True)
    if needed := words.more_starts(comparison):
        yield Section("Needed", (Piece(needed),), lead=True)
    if never := words.never(comparison, words.unseen(compared)):
        yield Section("Never", (Piece(never),))
    yield Section("Sure", (Piece(_sure(comparison)),))


def _sure(comparison: Comparison) -> str:
    level = f"{100.0 * (1.0 - comparison.confidence):g} %"
    number = len(comparison.metrics)
    together = f" The chance that any of the {number} metrics is called different by mistake is at most {level}."
    return (
        "A log shows when somebody looked, so every time is a pair of bounds. Each interval covers these, and the "
        f"chance of having seen just these starts.{together if number > 1 else ''}"
    )


# --- the sides


@dataclass(frozen=True, slots=True)
class Alone:
    """What one side alone has, of one kind; ``folded`` are those behind the first ones."""

    title: str
    rows: tuple[tuple[str, str], ...]
    folded: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SideCard:
    """A side in the table of sides, and its lists."""

    look: str
    id: str
    name: str
    label: str
    versions: str
    starts: int
    hosts: int
    outcomes: tuple[Stretch, ...]
    alone: tuple[Alone, ...]
    slowest: tuple[SlowStart, ...]


def _side(look: str, name: str, side: Side, comparison: Comparison, starts: Sequence[SlowStart]) -> SideCard:
    own = side is comparison.base
    return SideCard(
        look=look,
        id="base" if own else "new",
        name=name,
        label=shown(side.label),
        versions=", ".join(shown(version) for version in side.versions) or "not known",
        starts=side.starts,
        hosts=side.hosts,
        outcomes=tuple(outcome_bar(side.outcomes, side.starts)),
        alone=tuple(_alone(comparison.only_base if own else comparison.only_new)),
        slowest=tuple(starts),
    )


def _alone(found: Sequence[OneSided]) -> Iterator[Alone]:
    for kind, title in _KINDS:
        told = [(_alone_name(one), count(one.starts, "start")) for one in found if one.kind == kind]
        first = len(told) if len(told) <= _LISTED + 2 else _LISTED
        if told:
            yield Alone(title, tuple(told[:first]), tuple(told[first:]))


def _alone_name(one: OneSided) -> str:
    return shown(rows.metric_name(one.name) if one.kind == "phase" else one.name)
