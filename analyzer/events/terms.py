"""The names that reports show, in words for people: error classes, milestones, phases and goals.

The words stand beside the rules of each name, in ``errors.toml``, ``milestones.toml``, ``phases.toml`` and
``goals.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from analyzer.events.vocabulary import load

TermKind = Literal["error", "milestone", "phase", "goal"]
_TABLE = {"milestone": "mark"}


@dataclass(frozen=True, slots=True)
class Term:
    """A name of the report; what a kind of name does not have is empty.

    ``short`` is what a chart or a table calls it, ``meaning`` half a sentence (of milestones: sentences). A poll's
    error class has the ``symbol`` of its marker (a name of plotly), a ``colour`` of the palette and a ``severity``; a
    phase the mark that ``ends_with`` names.
    """

    id: str
    short: str
    meaning: str
    symbol: str = ""
    colour: str = ""
    severity: str = ""
    ends_with: str = ""


@cache
def terms(kind: TermKind) -> Mapping[str, Term]:
    """Every name of a kind that a report may show, in the order of its file."""
    file = load(f"{kind}s.toml")
    raws = list(file[_TABLE.get(kind, kind)])
    if kind == "milestone":
        raws = [file["first_poll"], *(raw for raw in raws if "short" in raw)]
    found: dict[str, Term] = {}
    for raw in raws:  # the first entry of an id has the words
        term = Term(
            id=raw["id"],
            short=raw.get("short") or raw["id"].replace("_", " "),
            meaning=raw.get("meaning") or raw["description"],
            symbol=raw.get("symbol", ""),
            colour=raw.get("colour", ""),
            severity=raw.get("severity", ""),
            ends_with=raw.get("ends_with", ""),
        )
        found.setdefault(term.id, term)
    return found
