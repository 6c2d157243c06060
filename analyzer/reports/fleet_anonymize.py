"""The summary of many starts with stand-ins for names: the same numbers and verdicts, fit to be shown in public.

Hosts, inputs and the values of the user's labels always get one, whatever they look like; so do addresses, names and
paths inside reasons, causes and errors, as in the report of single starts. Releases, roles, outcomes and the ids of
findings and metrics stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from analyzer.collection.labels import BUILT_IN
from analyzer.collection.model import Collection, Fleet, Group, InputRow, Labels, Outlier, Slow, StartRow
from analyzer.events.finding_info import info
from analyzer.reports.anonymize import prepared
from analyzer.reports.fleet_report import FleetReport
from analyzer.reports.pseudonyms import Pseudonyms

_UNITS = frozenset(
    f"{name}{end}"
    for name in ("k3s", "k3s-agent", "k3s-server", "rke2", "rke2-server", "rke2-agent")
    for end in ("", ".service")
)


def anonymized(report: FleetReport) -> FleetReport:
    """``report`` with stand-ins; the same report always gives the same ones, each name the same everywhere."""
    names = Pseudonyms()
    learn(names, report)
    walk = Walk(names)
    collection = walk.collection(report.collection)  # first: stand-ins are numbered in the order of its starts
    return FleetReport(walk.fleet(report.fleet), collection)


def learn(names: Pseudonyms, report: FleetReport) -> None:
    """Let ``names`` look at a summary and the starts that it is of."""
    fleet, collection = report.fleet, report.collection
    hosts = {row.host for row in collection.starts if row.host}
    hosts |= {one.host for one in fleet.slowest if one.host} | {one.host for one in fleet.outliers if one.host}
    hosts |= {value for labels in _every_label(report) for name, value in labels if name == "host" and value}
    own = {row.unit.removesuffix(".service") for row in collection.starts if row.unit and row.unit not in _UNITS}
    own |= {value for labels in _every_label(report) for name, value in labels if name not in BUILT_IN}
    own |= {piece for row in _bad(report) for piece in _pieces(row.input)}
    names.learn(dict.fromkeys(_texts(report)), sorted(hosts), sorted(own - hosts), (), prepared)


def _bad(report: FleetReport) -> Iterator[InputRow]:
    return (row for row in (*report.fleet.inputs, *report.collection.inputs) if row.error)


def _pieces(path: str) -> Iterator[str]:
    """What an error may say of an input beside its whole path: the folders and the file."""
    return (piece.split(".")[0] for piece in path.split("/") if piece)


def _every_label(report: FleetReport) -> Iterator[Labels]:
    yield from dict.fromkeys(row.labels for row in report.collection.starts)
    yield from (group.by for group in report.fleet.groups)
    yield from (one.by for one in report.fleet.outliers)


def _texts(report: FleetReport) -> Iterator[str]:
    for row in report.collection.starts:
        yield row.reason
        yield row.cause_words
    for bad in _bad(report):
        yield bad.error
    for group in report.fleet.groups:
        yield from (reason.reason for reason in group.reasons)
    yield from (one.cause for one in report.fleet.slowest)
    yield from (one.why for one in report.fleet.outliers)
    yield from (name for labels in _every_label(report) for name, _ in labels)


class Walk:
    """Rebuilds a report piece by piece."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._done: dict[str, str] = {}

    def collection(self, collection: Collection) -> Collection:
        """Every start, and every input."""
        starts = tuple(self._start(row, at) for at, row in enumerate(collection.starts, 1))
        return replace(collection, starts=starts, inputs=self._inputs(collection.inputs))

    def fleet(self, fleet: Fleet) -> Fleet:
        """The summary."""
        return replace(
            fleet,
            inputs=self._inputs(fleet.inputs),
            groups=tuple(self._group(group) for group in fleet.groups),
            slowest=tuple(self._slow(one) for one in fleet.slowest),
            outliers=tuple(self._outlier(one) for one in fleet.outliers),
        )

    def _start(self, row: StartRow, number: int) -> StartRow:
        return replace(
            row,
            input=self._names.file(row.input),
            key=f"start-{number}",  # it holds the host, and ids of the machine
            host=self._host(row.host),
            unit=row.unit if row.unit is None or row.unit in _UNITS else self._text(row.unit),
            reason=self._text(row.reason),
            cause_words=self._text(row.cause_words),
            labels=self._labels(row.labels),
        )

    def _inputs(self, rows: Iterable[InputRow]) -> tuple[InputRow, ...]:
        return tuple(
            replace(row, input=self._names.file(row.input), error=row.error and self._error(row)) for row in rows
        )

    def _error(self, row: InputRow) -> str:
        """An error, which may name its input as it was given, whatever it looks like."""
        return self._text(row.error.replace(row.input, self._names.file(row.input)) if row.input else row.error)

    def _group(self, group: Group) -> Group:
        reasons = tuple(replace(reason, reason=self._text(reason.reason)) for reason in group.reasons)
        return replace(group, by=self._labels(group.by), reasons=reasons)

    def _slow(self, one: Slow) -> Slow:
        cause = one.cause if info(one.cause) is not None else self._text(one.cause)
        return replace(one, input=self._names.file(one.input), host=self._host(one.host), cause=cause)

    def _outlier(self, one: Outlier) -> Outlier:
        """An outlier; its words may name the group by its labels."""
        by = self._labels(one.by)
        why = one.why
        for (name, value), (_, other) in zip(one.by, by, strict=True):
            if name not in BUILT_IN and value:
                for sign in ("=", " ", ": "):
                    why = why.replace(f"{name}{sign}{value}", f"{name}{sign}{other}")
        return replace(one, host=self._host(one.host) or "", why=self._text(why), by=by)

    def _labels(self, labels: Labels) -> Labels:
        stand_ins: Mapping[str, Callable[[str], str]] = {"host": self._names.host, "input": self._names.file}
        made = []
        for name, value in labels:
            if name in BUILT_IN:
                made.append((name, stand_ins.get(name, str)(value) if value else value))
            else:
                made.append((self._text(name), self._names.name(value) if value else value))
        return tuple(made)

    def _host(self, host: str | None) -> str | None:
        return self._names.host(host) if host else host

    def _text(self, text: str) -> str:
        if text not in self._done:
            self._done[text] = self._names.apply(prepared(text))
        return self._done[text]


__all__ = ["Walk", "anonymized", "learn"]
