"""What the pages of many starts say the same way: names of metrics, texts of a log or a user, bars of outcomes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from analyzer.collection.model import CHECK, GOAL_METRICS, InputRow
from analyzer.errors import printable
from analyzer.events.finding_info import info
from analyzer.events.redaction import mask_secrets
from analyzer.events.terms import phase_words, term, terms
from analyzer.reports.curve import share
from analyzer.reports.wording import number_range

_TEXT: Final = 400  # characters of one text; a page is for reading
_NOT_TIMES: Final = {"failed": "Share of starts that failed", "restarts": "Failed starts before a ready one"}
_BAD_INPUTS: Final = 500
_BAD_KINDS: Final = {
    "unreadable": "damaged, missing or not decodable",
    "no_data": "readable, no trace of k3s or RKE2",
    "too_long": "longer than the time limit",
    "killed": "ended the worker that read it",
    "memory": "needed more memory than a worker may have",
}
_OUTCOMES: Final = ("ready", "failed", "stopped", "incomplete")  # the good one first


def shown(text: str | None) -> str:
    """A text as the page has it everywhere: without secrets, printable, and cut where nobody would read on."""
    return _shown(text) if text else ""


@lru_cache(maxsize=1 << 16)
def _shown(text: str) -> str:
    made = printable(mask_secrets(text[: _TEXT * 10])[: _TEXT + 1])
    return made if len(made) <= _TEXT else made[:_TEXT] + "…"


@lru_cache(maxsize=1 << 16)
def shown_value(name: str, value: str) -> str:
    """The value of a label, also without what its name says is a secret (``token=x``)."""
    masked = mask_secrets(f"{name}={value[: _TEXT * 10]}")
    kept = masked.removeprefix(f"{name}=")
    return shown(value if kept == masked else kept)


def metric_words(name: str) -> str:
    """A metric for a heading or a list: ``the API server is ready``, ``API server boot``."""
    goal = next((goal for goal, metric in GOAL_METRICS.items() if metric == name), None)
    if goal is not None:
        return term("goal", goal).meaning
    if name.startswith(CHECK):
        return f"check {shown(name.removeprefix(CHECK))}"
    if name == "detected":
        return "readiness was noticed"
    return phase_words(name) if set(name.split("+")) <= set(terms("phase")) else shown(name.replace("_", " "))


def metric_heading(name: str) -> str:
    """A metric over a picture: ``Time until the API server is ready``, ``Length of API server boot``."""
    if name in _NOT_TIMES:
        return _NOT_TIMES[name]
    words = metric_words(name)
    if name in GOAL_METRICS.values() or name == "detected":
        return f"Time until {words}"
    return f"Time from serving until {words} cleared" if name.startswith(CHECK) else f"Length of “{words}”"


def metric_axis(name: str) -> str:
    """What second 0 of a metric is, for the axis of a picture."""
    if name in GOAL_METRICS.values() or name == "detected":
        return "time since the start began"
    return "time since the API server served" if name.startswith(CHECK) else "length"


def finding_title(name: str, products: Iterable[str]) -> str:
    """What stands over a finding; of one that this version does not know, its id."""
    found = info(name)
    product = "RKE2" if set(products) == {"rke2"} else "k3s"
    return shown(found.title.replace("{product}", product)) if found else shown(name)


def level_of(severity: str) -> str:
    """A severity that the page has a look for."""
    return severity if severity in ("critical", "warning", "info") else "info"


def began_text(moment: datetime | None) -> str:
    """Date and time in UTC."""
    if moment is None:
        return ""
    try:
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")
    except OverflowError:
        return ""


def took_text(least: float, most: float | None) -> str:
    """A window for a cell: ``20.5–21.3``, ``> 12.0``."""
    return number_range(least, None if most is None or math.isinf(most) else most)


def count(number: int, noun: str, many: str = "") -> str:
    """``1 start``, ``5,000 starts``."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence; ``href``: a filter of the page's table that shows what it names."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A label and what it says; ``lead``: what needs someone."""

    label: str
    pieces: tuple[Piece, ...]
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the bar of outcomes, in percent of the whole."""

    outcome: str
    at: str
    width: str
    words: str


def outcome_bar(outcomes: Iterable[tuple[str, int]], starts: int) -> Iterator[Stretch]:
    """The outcomes of so many starts, the good ones first."""
    rank = {name: place for place, name in enumerate(_OUTCOMES)}
    at = 0.0
    for name, number in sorted(outcomes, key=lambda item: (rank.get(item[0], len(rank)), item)):
        width = number / max(1, starts) * 100
        if number:
            yield Stretch(name, f"{at:.2f}", f"{width:.2f}", f"{number:,} {name} ({share(number, starts)})")
        at += width


@dataclass(frozen=True, slots=True)
class BadInputs:
    """The inputs that could not be read; ``more`` are not listed."""

    total: int
    read: int
    kinds: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str, str, str], ...]
    more: int


def unread(inputs: Sequence[InputRow]) -> BadInputs:
    """What is told of the inputs at the foot of a page."""
    bad = [one for one in inputs if one.error]
    kinds = Counter(map(_kind, bad))
    rows = tuple((shown(one.input), _kind(one), shown(one.error)) for one in bad[:_BAD_INPUTS])
    ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    return BadInputs(len(bad), len(inputs) - len(bad), tuple(ranked), rows, max(0, len(bad) - _BAD_INPUTS))


def _kind(one: InputRow) -> str:
    return _BAD_KINDS.get(one.error_kind, shown(one.error_kind.replace("_", " ")) or "not read to its end")
