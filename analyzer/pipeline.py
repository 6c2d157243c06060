"""From inputs to one report, without side effects: what the façade calls, and whoever analyses many inputs.

Reading, analysing and merging are three steps, so that a log can be analysed again, by other rules, without being read
again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from analyzer.errors import BadInputError
from analyzer.results import LedgerCounts, Report
from analyzer.version import __version__

if TYPE_CHECKING:
    from analyzer.events.user_rules import Rules
    from analyzer.ledger import Observer
    from analyzer.records.log_records import LogRecords
    from analyzer.sources.source import Input

_HEADER_LIMIT = 65536  # bytes of a polls file's first line
_Part = TypeVar("_Part")


def read(
    paths: Sequence[str | os.PathLike[str] | Input], stdin: BinaryIO | None = None, observer: Observer | None = None
) -> tuple[LogRecords, list[Report], list[BadInputError]]:
    """Records of all logs, reports on polls that ``k3slog wait`` saved, and what could not be read."""
    from analyzer.records import read_log_records
    from analyzer.sources.inputs import expand_globs
    from analyzer.sources.source import Input

    logs: list[str | Input] = []
    waits: list[Report] = []
    errors: list[BadInputError] = []
    named: Iterable[Sequence[str | Input]] = (
        [path] if isinstance(path, Input) else expand_globs([path]) for path in paths
    )
    for path in chain.from_iterable(named):
        try:
            wait = None if isinstance(path, Input) else _saved_wait(path)
        except BadInputError as error:
            errors.append(error)
            continue
        if wait is None:
            logs.append(path)
        else:
            waits.append(wait)
    log_records, unread = read_log_records(logs, stdin=stdin, observer=observer)
    return log_records, waits, errors + unread


def _saved_wait(path: str) -> Report | None:
    """The report on a polls file of ``k3slog wait``; ``None`` for anything else, whatever is wrong with it."""
    if path == "-" or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            header = file.readline(_HEADER_LIMIT)
        if b"k3slog." not in header:  # no need to load what reads such files
            return None
        from analyzer.live import observed_polls

        if not observed_polls.looks_like(header.decode("utf-8", "replace")):
            return None
        with open(path, encoding="utf-8", errors="replace") as lines:
            wait = observed_polls.parse(lines, path)
    except OSError:
        return None  # the reader of logs says what is wrong
    from analyzer.live.wait_report import report_of

    return report_of(wait, path=path, size=os.path.getsize(path), tool_version=__version__)


def report_on(
    log_records: LogRecords, waits: Sequence[Report] = (), rules: Rules | None = None, *, evidence: bool = True
) -> Report:
    """The report on the starts of a log and on saved waits, secrets masked; ``rules`` are the user's own.

    Without ``evidence`` the texts of its lines are left out.

    Raises:
        NoDataError: there is no wait, and nothing in the log comes from a k3s or RKE2 run.
    """
    from analyzer.analysis import analyze_records
    from analyzer.analysis.redact_report import redacted

    reports = list(waits)
    if log_records.sources or not reports:
        reports.insert(0, analyze_records(log_records, tool_version=__version__, user=rules, evidence=evidence))
    return redacted(merged(reports))


def merged(reports: Sequence[Report]) -> Report:
    """One report of several: sources and starts numbered through."""
    if len(reports) == 1:
        return reports[0]
    moved: list[Report] = []
    for report in reports:
        moved.append(_behind(report, sum(len(earlier.sources) for earlier in moved)))
    starts = chain.from_iterable(report.starts for report in moved)
    evidence = chain.from_iterable(report.evidence.items() for report in moved)
    return replace(
        moved[0],
        sources=tuple(chain.from_iterable(report.sources for report in moved)),
        starts=tuple(replace(start, index=n) for n, start in enumerate(starts, 1)),
        ledger=sum((report.ledger for report in moved), LedgerCounts()),
        notes=tuple(chain.from_iterable(report.notes for report in moved)),
        evidence=MappingProxyType(dict(evidence)),
        told=None,
    )


def _behind(report: Report, sources: int) -> Report:
    """The same report where so many other sources stand before its own."""
    return replace(
        report,
        starts=_with_sources(report.starts, sources),
        notes=tuple((source + sources, note) for source, note in report.notes),
        evidence={(source + sources, line): text for (source, line), text in report.evidence.items()},
    )


def _with_sources(part: _Part, offset: int) -> _Part:
    """The same result with every source index in it moved by ``offset``."""
    if isinstance(part, tuple):
        return cast("_Part", tuple(_with_sources(item, offset) for item in part))
    if not offset or not is_dataclass(part) or isinstance(part, type):
        return part
    indices = source_fields(type(part))
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    for name, value in values.items():
        if name not in indices:
            values[name] = _with_sources(value, offset)
        elif value is not None:
            values[name] = value + offset
    return cast("_Part", replace(part, **values))


@cache
def source_fields(result: type) -> frozenset[str]:
    """The fields of a result type that are declared as indices into ``Report.sources``."""
    return frozenset(f.name for f in fields(result) if str(f.type).startswith("SourceIndex"))
