"""The summary of many starts with stand-ins for names: the same numbers and verdicts, fit to be shown in public.

Hosts, inputs and the values of the user's labels always get one, whatever they look like; so do addresses, names and
paths inside reasons, causes and errors, as in the report of single starts. Releases, roles, outcomes and the ids of
findings and metrics stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
    learn(names, (report.collection,), _said(report.fleet))
    walk = Walk(names)
    collection = walk.collection(report.collection)  # first: stand-ins are numbered in the order of its starts
    return FleetReport(walk.fleet(report.fleet), collection)


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of collections: texts with names in them, hosts, the user's labels, inputs."""

    texts: Sequence[str] = ()
    hosts: Sequence[str] = ()
    labels: Sequence[Labels] = ()
    inputs: Sequence[InputRow] = ()


def _said(fleet: Fleet) -> Said:
    labels = [*(group.by for group in fleet.groups), *(one.by for one in fleet.outliers)]
    texts = [reason.reason for group in fleet.groups for reason in group.reasons]
    texts += [*(one.cause for one in fleet.slowest), *(one.why for one in fleet.outliers)]
    hosts = [host for host in (*(one.host for one in fleet.slowest), *(one.host for one in fleet.outliers)) if host]
    return Said(texts, hosts, labels, fleet.inputs)


def learn(names: Pseudonyms, collections: Sequence[Collection], said: Said) -> None:
    """Let ``names`` look at all starts, and at what is said of them."""
    rows = [row for collection in collections for row in collection.starts]
    labels = [*dict.fromkeys(row.labels for row in rows), *said.labels]
    bad = [row for inputs in (said.inputs, *(one.inputs for one in collections)) for row in inputs if row.error]
    hosts = {row.host for row in rows if row.host} | set(said.hosts)
    hosts |= {value for one in labels for name, value in one if name == "host" and value}
    own = {row.unit.removesuffix(".service") for row in rows if row.unit and row.unit not in _UNITS}
    own |= {value for one in labels for name, value in one if name not in BUILT_IN}
    own |= {piece for row in bad for piece in _pieces(row.input)}
    texts = [text for row in rows for text in (row.reason, row.cause_words)]
    texts += [*(row.error for row in bad), *said.texts, *(name for one in labels for name, _ in one)]
    names.learn(dict.fromkeys(texts), sorted(hosts), sorted(own - hosts), (), prepared)


def _pieces(path: str) -> Iterator[str]:
    """What an error may say of an input beside its whole path: the folders and the file."""
    return (piece.split(".")[0] for piece in path.split("/") if piece)


class Walk:
    """Rebuilds a report piece by piece."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._done: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def collection(self, collection: Collection) -> Collection:
        """Every start, and every input."""
        starts = tuple(map(self._start, collection.starts))
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

    def _start(self, row: StartRow) -> StartRow:
        return replace(
            row,
            input=self._names.file(row.input),
            key=self._keys.setdefault(row.key, f"start-{len(self._keys) + 1}"),  # it holds the host, and machine ids
            host=self._host(row.host),
            unit=row.unit if row.unit is None or row.unit in _UNITS else self.text(row.unit),
            reason=self.text(row.reason),
            cause_words=self.text(row.cause_words),
            labels=self.labels(row.labels),
        )

    def _inputs(self, rows: Iterable[InputRow]) -> tuple[InputRow, ...]:
        return tuple(
            replace(row, input=self._names.file(row.input), error=row.error and self._error(row)) for row in rows
        )

    def _error(self, row: InputRow) -> str:
        """An error, which may name its input as it was given, whatever it looks like."""
        return self.text(row.error.replace(row.input, self._names.file(row.input)) if row.input else row.error)

    def _group(self, group: Group) -> Group:
        reasons = tuple(replace(reason, reason=self.text(reason.reason)) for reason in group.reasons)
        return replace(group, by=self.labels(group.by), reasons=reasons)

    def _slow(self, one: Slow) -> Slow:
        cause = one.cause if info(one.cause) is not None else self.text(one.cause)
        return replace(one, input=self._names.file(one.input), host=self._host(one.host), cause=cause)

    def _outlier(self, one: Outlier) -> Outlier:
        """An outlier; its words may name the group by its labels."""
        by = self.labels(one.by)
        why = one.why
        for (name, value), (_, other) in zip(one.by, by, strict=True):
            if name not in BUILT_IN and value:
                for sign in ("=", " ", ": "):
                    why = why.replace(f"{name}{sign}{value}", f"{name}{sign}{other}")
        return replace(one, host=self._host(one.host) or "", why=self.text(why), by=by)

    def labels(self, labels: Labels) -> Labels:
        """Labels: of the user's every value, of our own hosts and inputs."""
        stand_ins: Mapping[str, Callable[[str], str]] = {"host": self._names.host, "input": self._names.file}
        made = []
        for name, value in labels:
            if name in BUILT_IN:
                made.append((name, stand_ins.get(name, str)(value) if value else value))
            else:
                made.append((self.text(name), self._names.name(value) if value else value))
        return tuple(made)

    def _host(self, host: str | None) -> str | None:
        return self._names.host(host) if host else host

    def text(self, text: str) -> str:
        """A text of a log, or of ours with names in it."""
        if text not in self._done:
            self._done[text] = self._names.apply(prepared(text))
        return self._done[text]


__all__ = ["Said", "Walk", "anonymized", "learn"]
