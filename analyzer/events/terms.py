"""The names and values that reports show, in words for people, the same in every report, picture and page.

The words of error classes, milestones, phases and goals stand beside the rules of each name, in ``errors.toml``,
``milestones.toml``, ``phases.toml`` and ``goals.toml``, all others in ``terms.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from analyzer.events.vocabulary import load, read_as

TermKind = Literal[
    "error", "milestone", "phase", "goal",
    "outcome", "finding", "answer", "problem", "check", "proof", "gap", "poller", "clock", "bound", "last", "observer",
    "mark",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """A name of the report; what a kind of name does not have is empty.

    ``short`` is what a chart or a table calls it, ``meaning`` half a sentence (of milestones: sentences), ``sign``
    stands before it in a text, ``words`` are a phase or a goal within a sentence, ``not_words`` say that a goal has not
    come. A poll's error class has the ``symbol`` of its marker (a name of plotly), a ``colour`` of the palette and a
    ``severity``, an outcome the first two; a phase the mark that ``ends_with`` names and those with which k3s says that
    it ``waits`` for it.
    """

    id: str
    short: str
    meaning: str = ""
    symbol: str = ""
    colour: str = ""
    severity: str = ""
    ends_with: str = ""
    sign: str = ""
    words: str = ""
    not_words: str = ""
    waits: tuple[str, ...] = ()


@cache
def terms(kind: TermKind) -> Mapping[str, Term]:
    """Every name of a kind that a report may show, in the order of its file."""
    found: dict[str, Term] = {}
    for raw in _raw(kind):  # the first entry of an id has the words
        term = read_as(Term, {"short": raw["id"].replace("_", " "), **raw})
        found.setdefault(term.id, term if term.meaning else replace(term, meaning=raw.get("description", "")))
    return found


def _raw(kind: TermKind) -> Iterable[Mapping[str, Any]]:
    if kind == "milestone":
        file = load("milestones.toml")
        return [file["first_poll"], *(raw for raw in file["mark"] if "short" in raw)]
    if kind == "goal":
        file = load("goals.toml")
        return [*file["goal"], *file["waited"]]
    if kind in ("error", "phase"):
        return list(load(f"{kind}s.toml")[kind])
    return [{"id": name, **raw} for name, raw in load("terms.toml")[kind].items()]


def term(kind: TermKind, name: str) -> Term:
    """One name in words; of one that the data does not know, the name itself."""
    return terms(kind).get(name) or Term(name, name.replace("_", " "))


def answer(error: str | None) -> Term:
    """An answer to a poll; ``None`` is the successful one, a class that is not known looks like ``other``."""
    if error is None:
        return terms("answer")["ok"]
    return terms("error").get(error) or replace(terms("error")["other"], id=error, short=error)


def phase_words(phase: str) -> str:
    """What a phase is called on a chart; of one that no line divides, all that it may be."""
    return " / ".join(term("phase", part).short for part in phase.split("+"))


def phase_in_words(phase: str) -> str:
    """A phase within a sentence; of one that no line divides, all that it may be."""
    return " or ".join(term("phase", part).words or part.replace("_", " ") for part in phase.split("+"))
