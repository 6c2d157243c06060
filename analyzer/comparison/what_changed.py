"""What else is different from a change on: release, role, labels, precision of timestamps, findings. In sentences.

Something changed *at a place* where the last starts before it all have one value, the first from there on all have
another, that other one is met nowhere before and the one nowhere after. So nothing is said of what alternates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analyzer.collection.labels import labels_in
from analyzer.collection.model import StartRow
from analyzer.events.finding_info import info, title_of
from analyzer.stats.multiple import holm
from analyzer.stats.shares import fisher
from analyzer.timebase import precision_words

_RUN = 3  # starts on either side that have the value
_RARE, _COMMON = 0.25, 0.6  # of the starts of a side
_LEVEL = 0.05  # of all findings of the starts together
_MOST_FINDINGS = 5
_BUILT_IN = {"version": "release", "kubernetes": "Kubernetes minor", "product": "product", "role": "role"}
_UNKNOWN = ("", "unknown")


@dataclass(frozen=True, slots=True)
class Attribute:
    """What every start has one value of, or none that is known."""

    name: str
    values: tuple[str | None, ...]

    def at(self, begin: int, place: int, end: int) -> tuple[str, str] | None:
        """Its value before and after, where it changed at ``place`` of the starts from ``begin`` to ``end``."""
        old, new = self.values[place - 1], self.values[place]
        before = [value for value in self.values[begin:place] if value is not None]
        after = [value for value in self.values[place:end] if value is not None]
        if old is None or new is None or old == new or new in before or old in after:
            return None
        if min(len(before), len(after)) < _RUN or {*before[-_RUN:]} != {old} or {*after[:_RUN]} != {new}:
            return None
        return old, new


def attributes(starts: Sequence[StartRow]) -> tuple[Attribute, ...]:
    """Those of the starts of one host that have several values."""
    found = [Attribute(words, tuple(_known(getattr(start, id)) for start in starts)) for id, words in _BUILT_IN.items()]
    for name in labels_in(starts):
        found.append(Attribute(f"label {name}", tuple(_known(dict(start.labels).get(name)) for start in starts)))
    found.append(Attribute(_PRECISION, tuple(precision_words(start.precision_s) for start in starts)))
    return tuple(one for one in found if len({*one.values} - {None}) > 1)


_PRECISION = "precision of its timestamps"


def _known(value: str | None) -> str | None:
    return None if value is None or value in _UNKNOWN else value


def likeliest_place(known: Sequence[Attribute], places: Sequence[int], begin: int, end: int, found: int) -> int:
    """Of the places that may be the one the nearest to the one ``found`` at which most of what is known changed."""
    changed = {place: sum(one.at(begin, place, end) is not None for one in known) for place in places}
    return max(places, key=lambda place: (changed[place], -abs(place - found), -place), default=found)


def switched(known: Sequence[Attribute], place: int, end: int) -> Iterator[str]:
    """A sentence for each attribute that changed at ``place`` of so many starts."""
    changed = {one.name: both for one in known if (both := one.at(0, place, end)) is not None}
    if _BUILT_IN["version"] in changed:
        changed.pop(_BUILT_IN["kubernetes"], None)  # the release says it
    for name, (old, new) in changed.items():
        yield f"The {name} changed from {old} to {new}."


# --- findings


def findings(before: Sequence[StartRow], after: Sequence[StartRow]) -> list[str]:
    """Findings that are common on one side and rare on the other, the surest first; notes that ask for nothing are
    none, unless they tell why a start is slow."""
    ids = sorted({id for start in (*before, *after) for id, severity in start.findings if _matters(id, severity)})
    counts = {id: (_having(before, id), _having(after, id)) for id in ids}
    p_values = [fisher(counts[id][0], len(before), counts[id][1], len(after)) for id in ids]
    sure = holm(p_values, _LEVEL).tolist()
    told = sorted((p, id) for id, p, holds in zip(ids, p_values, sure, strict=True) if holds)
    sentences = (_sentence(id, *counts[id], before, after) for _, id in told)
    return [sentence for sentence in sentences if sentence][:_MOST_FINDINGS]


def _matters(id: str, severity: str) -> bool:
    known = info(id)
    return severity != "info" or (known is not None and known.slows)


def _having(starts: Sequence[StartRow], id: str) -> int:
    return sum(any(found == id for found, _ in start.findings) for start in starts)


def _sentence(id: str, had: int, have: int, before: Sequence[StartRow], after: Sequence[StartRow]) -> str:
    title = _title(id, (*before, *after))
    if had <= _RARE * len(before) and have >= _COMMON * len(after):
        return f"Since then {have} of {len(after)} starts have: {title} (before: {had} of {len(before)})."
    if have <= _RARE * len(after) and had >= _COMMON * len(before):
        return f"Before, {had} of {len(before)} starts had: {title} (since then: {have} of {len(after)})."
    return ""


def _title(id: str, starts: Sequence[StartRow]) -> str:
    """Of a user's own rule the title where one of the starts tells it."""
    if info(id) is None:
        return next((start.cause_words for start in starts if start.cause == id and start.cause_words), id)
    return title_of(id, "RKE2" if starts[-1].product == "rke2" else "k3s")
