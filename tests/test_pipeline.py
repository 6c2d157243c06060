"""One input, one report; several reports become one whose sources and starts are numbered through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from analyzer import pipeline, results, window
from analyzer.results import Check, End, Finding, LedgerCounts, Report
from analyzer.window import OPEN, Bound, Evidence
from tests.kit.made_reports import ready_start, report_of

TYPES = [
    kind
    for module in (results, window)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind)
]


def sources_in(part: Any) -> Iterator[int | None]:
    """Every index of a source in a result, found by the names of the fields."""
    if isinstance(part, tuple):
        for item in part:
            yield from sources_in(item)
    elif is_dataclass(part):
        for f in fields(part):
            value = getattr(part, f.name)
            if f.name == "source" or f.name.endswith("_source"):
                yield value
            else:
                yield from sources_in(value)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_index_of_a_source_is_declared_as_one(kind: type) -> None:
    named = {f.name for f in fields(kind) if f.name == "source" or f.name.endswith("_source")}
    assert pipeline.source_fields(kind) == named


def two_sources(report: Report) -> Report:
    return replace(report, sources=report.sources * 2, notes=((1, "a note"),), evidence={(1, 7): "text"})


def test_sources_and_starts_are_numbered_through() -> None:
    first, second = two_sources(report_of(ready_start())), two_sources(report_of(ready_start(), ready_start()))
    both = OPEN.after(Evidence(1.0, Bound.OBSERVED, 3, 0)).before(Evidence(2.0, Bound.OBSERVED, 4, 1))
    start = replace(second.starts[1], ready=both, end=End(source=1), checks=(Check("etcd", "ok", False, both),))
    second = replace(second, starts=(second.starts[0], start))
    merged = pipeline.merged([first, second])
    assert [start.index for start in merged.starts] == [1, 2, 3]
    assert merged.sources == first.sources + second.sources
    assert merged.notes == ((1, "a note"), (3, "a note"))
    assert dict(merged.evidence) == {(1, 7): "text", (3, 7): "text"}
    moved = merged.starts[2]
    assert (moved.ready.source, moved.ready.upper_source, moved.end.source) == (2, 3, 3)
    assert moved.checks[0].cleared == moved.ready
    for before, after in zip(second.starts, merged.starts[1:], strict=True):
        assert [source if source is None else source + 2 for source in sources_in(before)] == list(sources_in(after))
    assert list(sources_in(merged.starts[0])) == list(sources_in(first.starts[0]))


def test_one_report_stays_as_it_is() -> None:
    report = report_of(replace(ready_start(), index=26))
    assert pipeline.merged([report]) is report


def test_ledgers_are_added() -> None:
    one = LedgerCounts(1, 2, 3, 4, 5, 6, {"a": 1, "b": 2})
    two = LedgerCounts(10, 20, 30, 40, 50, 60, {"b": 3})
    assert one + two == LedgerCounts(11, 22, 33, 44, 55, 66, {"a": 1, "b": 5})


def test_the_report_is_made_without_secrets_and_without_side_effects(tmp_path: Path) -> None:
    path = tmp_path / "journal.txt"
    path.write_text(
        "Mar 01 06:00:00 n k3s[9]: "
        'time="2026-03-01T06:00:00Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"\n'
        "Mar 01 06:00:01 n k3s[9]: "
        'time="2026-03-01T06:00:01Z" level=fatal msg="starting kubernetes: token=K10abcdef::server:hunter2secret"\n'
    )
    log_records, waits, errors = pipeline.read([str(path), str(tmp_path / "missing.txt")])
    assert waits == [] and [error.args[0].rpartition("/")[2][:11] for error in errors] == ["missing.txt"]
    first, second = pipeline.report_on(log_records), pipeline.report_on(log_records)
    assert first == second
    told: list[Finding] = [finding for start in first.starts for finding in start.findings]
    assert told and not any("hunter2secret" in finding.detail for finding in told)
