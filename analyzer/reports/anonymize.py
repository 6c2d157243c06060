"""A report that can be shown in public: the same numbers, windows and verdicts, with stand-ins for names.

It works on the finished report, so nothing it does can change what was found. Every text field is treated unless it
is listed here as one of ours, so that a field added tomorrow is treated, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import Any

from analyzer.events.check_info import info
from analyzer.events.own_words import around, foreign
from analyzer.events.redaction import mask_secrets
from analyzer.records.log_record import LogRecord
from analyzer.reports.pseudonyms import Pseudonyms
from analyzer.results import Report, StartReport

# Fields that hold words of this program, numbers of releases, or ids.
_OURS = frozenset(
    [
        "tool_version",
        "format",
        "product",
        "role",
        "version",
        "commit",
        "basis",
        "utc_offset",
        "year_from",
        "kind",
        "id",
        "severity",
        "error",
        "certainty",
        "last_blocker",
        "final",
        "outcome",
        "observer",
        "lower_kind",
        "upper_kind",
        "lower_witness",
        "upper_witness",
        "estimate_basis",
    ]
)
_MACHINE_IDS = frozenset(("boot_id", "invocation_id"))
_ADVICE = "advice"  # our own words but for what a log put in
_CHECK_NAMES = frozenset(("failing", "unseen", "ok", "checks", "name"))
_UNITS = re.compile(r"(?:k3s|k3s-agent|k3s-server|rke2|rke2-server|rke2-agent)(?:\.service)?")
# journald writes a message with odd bytes as a list of numbers.
_BYTES = re.compile(r"\[\s?(\d{1,3}(?:,\s?\d{1,3}){7,})\s?\]")


def anonymize(report: Report, records: Iterable[LogRecord] = ()) -> Report:
    """``report`` with hosts, addresses, names, paths and tokens replaced, each always by the same stand-in.

    Times, lengths, verdicts, counts, lines, releases and the names of checks and of known components stay. A name that
    is known for one only by another line of the log is found with the log's ``records``.
    """
    names = Pseudonyms()
    learn(names, report, records)
    return with_stand_ins(names, report)


def learn(names: Pseudonyms, report: Report, records: Iterable[LogRecord] = ()) -> None:
    """Let ``names`` look at a report, and at the log that it is of."""
    hosts = {s.host for s in report.starts if s.host}
    units = {s.unit for s in report.starts if s.unit}
    ids = {id for s in report.starts for id in (s.boot_id, s.invocation_id) if id}
    for start in report.starts:
        if start.commit:
            names.keep(start.commit)
    texts: dict[str, None] = {}  # most lines of a long log are told more than once
    for record in records:
        texts[record.message] = texts[record.raw] = None
        hosts |= {record.host} if record.host else set()
        ids |= {id for id in (record.boot_id, record.invocation_id) if id}
    units = {unit.removesuffix(".service") for unit in units if not _UNITS.fullmatch(unit)}
    names.learn(chain(_texts(report), texts), sorted(hosts), sorted(units), sorted(ids), prepared)


def with_stand_ins(names: Pseudonyms, report: Report) -> Report:
    """``report`` after ``names`` have learnt."""
    return _Walk(names).report(report)


def prepared(text: str) -> str:
    """A text with its secrets masked, also those in a list of bytes."""
    return mask_secrets(_BYTES.sub(_decoded, text))


def _decoded(found: re.Match[str]) -> str:
    values = [int(number) for number in found[1].split(",")]
    if any(value > 255 for value in values):
        return found[0]
    return '"' + bytes(values).decode("utf-8", "replace") + '"'


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(part, tuple | list):
        for item in part:
            yield from _texts(item)
    elif is_dataclass(part) and not isinstance(part, type):
        for field in fields(part):
            value = getattr(part, field.name)
            if field.name == _ADVICE and isinstance(value, str):
                yield from foreign(value)
            elif field.name not in _OURS:
                yield from _texts(value)


class _Walk:
    """Rebuilds the report piece by piece."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._done: dict[str, str] = {}

    def report(self, report: Report) -> Report:
        """The whole report."""
        sources = tuple(replace(s, path=self._names.file(s.path)) for s in report.sources)
        reasons = MappingProxyType({self._text(why): n for why, n in report.ledger.reasons.items()})
        return replace(
            report,
            sources=sources,
            ledger=replace(report.ledger, reasons=reasons),
            notes=tuple((source, self._text(note)) for source, note in report.notes),
            starts=tuple(self._start(start) for start in report.starts),
            told=self._part(report.told),
            evidence=MappingProxyType({place: self._text(text) for place, text in report.evidence.items()}),
        )

    def _start(self, start: StartReport) -> StartReport:
        made = self._part(start)
        assert isinstance(made, StartReport)
        return replace(
            made,
            host=None if start.host is None else self._names.host(start.host),
            unit=None if start.unit is None else self._unit(start.unit),
            told=None if made.told is None else replace(made.told, key=""),  # of names that are not to be shown
        )

    def _unit(self, unit: str) -> str:
        return unit if _UNITS.fullmatch(unit) else self._names.apply(unit)

    def _text(self, text: str) -> str:
        if text not in self._done:
            self._done[text] = self._names.apply(prepared(text))
        return self._done[text]

    def _part(self, part: Any, name: str = "") -> Any:
        if isinstance(part, str):
            if name in _OURS:
                return part
            if name in _MACHINE_IDS:
                return self._names.machine_id(part)
            if name in _CHECK_NAMES and info(part).known:
                return part
            return around(part, self._text) if name == _ADVICE else self._text(part)
        if isinstance(part, tuple):
            return tuple(self._part(item, name) for item in part)
        if is_dataclass(part) and not isinstance(part, type):
            return replace(part, **{f.name: self._part(getattr(part, f.name), f.name) for f in fields(part) if f.init})
        return part
