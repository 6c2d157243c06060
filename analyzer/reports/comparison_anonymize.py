"""Comparisons and histories with stand-ins for names: the same numbers and verdicts, fit to be shown in public.

As the summary of many starts has it: hosts, inputs, the user's labels and what a side is called after them get one;
releases, roles, outcomes, the ids of metrics and the names of checks stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import overload

from analyzer.collection.groups import UNKNOWN
from analyzer.collection.labels import BUILT_IN
from analyzer.collection.model import Collection
from analyzer.comparison.model import Change, Compared, Comparison, History, OneSided, Point, Side
from analyzer.reports.fleet_anonymize import Said, Walk, learn
from analyzer.reports.pseudonyms import Pseudonyms

_SAFE = frozenset(("base", "new", "before", "after", "first", "restart", UNKNOWN, "?", ""))
_KEPT = ("version", "kubernetes", "product", "role", "outcome")  # labels whose values stay
_RELEASE = re.compile(r"v?\d+(?:\.\d+){1,3}(?:[-+](?:k3s|rke2r|rc)\d+){0,2}")
_LABEL = re.compile(r"The label (?P<name>\S+) changed from (?P<values>.*)\.", re.DOTALL)
_BETWEEN = re.compile(r"(,\s*)")  # the values of several labels


@overload
def anonymized(subject: Compared) -> Compared: ...
@overload
def anonymized(subject: History) -> History: ...
@overload
def anonymized(subject: Compared | History) -> Compared | History: ...
def anonymized(subject: Compared | History) -> Compared | History:
    """``subject`` with stand-ins; the same one always gives the same ones, each name the same everywhere."""
    walk = _Walk(subject)
    return walk.compared(subject) if isinstance(subject, Compared) else walk.history(subject)


def _parts(subject: Compared | History) -> tuple[list[Collection], list[Comparison]]:
    """Every collection once, and every comparison."""
    compared = [subject] if isinstance(subject, Compared) else list(subject.steps)
    found = {id(one): one for step in compared for one in (step.base, step.new)}
    changes = [] if isinstance(subject, Compared) else [change.comparison for change in subject.changes]
    return list(found.values()), [*(step.comparison for step in compared), *changes]


class _Walk:
    """Rebuilds a comparison or a history piece by piece."""

    def __init__(self, subject: Compared | History) -> None:
        collections, comparisons = _parts(subject)
        points = subject.points if isinstance(subject, History) else ()
        changes = subject.changes if isinstance(subject, History) else ()
        rows = [row for collection in collections for row in collection.starts]
        self._names = Pseudonyms()
        self._hosts = {row.host for row in rows if row.host} | {change.host for change in changes if change.host}
        self._hosts |= {value for point in points for name, value in point.by if name == "host" and value}
        self._inputs = {row.input for row in rows} | {row.input for one in collections for row in one.inputs}
        self._safe = _SAFE | {version for one in _sides(comparisons, points) for version in one.versions}
        self._safe |= {value for row in rows for name in _KEPT if (value := getattr(row, name))}
        self._safe |= {value for point in points for name, value in point.by if name in _KEPT}
        texts = [note.sentence for one in comparisons for note in one.design]
        texts += [alone.name for one in comparisons for alone in (*one.only_base, *one.only_new)]
        texts += [told for change in changes for told in change.changed]
        learn(self._names, collections, Said(texts, sorted(self._hosts), [point.by for point in points]))
        self._walk = Walk(self._names)
        self._done: dict[int, Collection] = {}

    def compared(self, compared: Compared) -> Compared:
        """The collections first: stand-ins are numbered in the order of their starts."""
        base, new = self._collection(compared.base), self._collection(compared.new)
        return Compared(self._comparison(compared.comparison), base, new)

    def history(self, history: History) -> History:
        """A trend, or changes."""
        steps = tuple(self.compared(step) for step in history.steps)
        return replace(
            history,
            by=tuple(name if name in BUILT_IN else self._walk.text(name) for name in history.by),
            points=tuple(self._point(point) for point in history.points),
            steps=steps,
            changes=tuple(self._change(change) for change in history.changes),
        )

    def _collection(self, collection: Collection) -> Collection:
        if id(collection) not in self._done:
            self._done[id(collection)] = self._walk.collection(collection)
        return self._done[id(collection)]

    def _comparison(self, comparison: Comparison) -> Comparison:
        return replace(
            comparison,
            base=self._side(comparison.base),
            new=self._side(comparison.new),
            only_base=tuple(map(self._alone, comparison.only_base)),
            only_new=tuple(map(self._alone, comparison.only_new)),
            design=tuple(
                replace(note, sentence=self._sentence(note.sentence, self._hosts)) for note in comparison.design
            ),
        )

    def _side(self, side: Side) -> Side:
        return replace(side, label=self._label(side.label))

    def _label(self, label: str) -> str:
        """What a side is called: a release stays, a path, a host or a value of the user's does not."""
        if label in self._inputs or "/" in label or "\\" in label:
            return self._names.file(label)
        pieces = _BETWEEN.split(label)
        return "".join(piece if at % 2 else self._piece(piece) for at, piece in enumerate(pieces))

    def _piece(self, piece: str) -> str:
        if piece in self._safe or _RELEASE.fullmatch(piece) is not None:
            return piece
        return self._names.host(piece) if piece in self._hosts else self._names.name(piece)

    def _alone(self, one: OneSided) -> OneSided:
        return replace(one, name=self._walk.text(one.name)) if one.kind == "reason" else one

    def _point(self, point: Point) -> Point:
        return replace(point, by=self._walk.labels(point.by), side=self._side(point.side))

    def _change(self, change: Change) -> Change:
        return replace(
            change,
            host=self._names.host(change.host) if change.host else change.host,
            before=self._start(change.before),
            after=self._start(change.after),
            comparison=self._comparison(change.comparison),
            changed=tuple(self._changed(told, change.host) for told in change.changed),
        )

    def _changed(self, told: str, host: str) -> str:
        """What changed at a change; a label of the user's has values of the user's."""
        label = _LABEL.fullmatch(told)
        if label is None or " to " not in label["values"]:
            return self._sentence(told, (host,))
        old, _, new = label["values"].rpartition(" to ")
        name, old, new = self._walk.text(label["name"]), self._names.name(old), self._names.name(new)
        return f"The label {name} changed from {old} to {new}."

    def _start(self, start: str) -> str:
        """``input:index``."""
        input, colon, index = start.rpartition(":")
        return f"{self._names.file(input)}:{index}" if colon and index.isdigit() else self._names.file(start)

    def _sentence(self, text: str, hosts: Iterable[str]) -> str:
        """A sentence of ours, with hosts in it whatever they look like."""
        for host in sorted((host for host in hosts if host and host in text), key=len, reverse=True):
            whole = re.compile(rf"(?<![\w.-]){re.escape(host)}(?!\w|-|\.\w)")
            text = whole.sub(self._names.host(host).replace("\\", r"\\"), text)
        return self._walk.text(text)


def _sides(comparisons: Iterable[Comparison], points: Iterable[Point]) -> Iterator[Side]:
    for comparison in comparisons:
        yield from (comparison.base, comparison.new)
    yield from (point.side for point in points)
