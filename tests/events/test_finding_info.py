"""Finding rules against recorded starts whose story is known, and against made-up ones for what is not recorded."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from analyzer.analysis import analyze_records
from analyzer.analysis.find import across_starts
from analyzer.records import read_log_records
from analyzer.results import Finding, Report, StartReport

RECORDED = Path(__file__).parents[1] / "data" / "recorded"
ORDER = ["critical", "warning", "info"]


@cache
def report(name: str) -> Report:
    log_records, errors = read_log_records([RECORDED / f"{name}.export.gz"])
    assert not errors
    return analyze_records(log_records, tool_version="0")


def of(name: str, index: int) -> dict[str, Finding]:
    return {finding.id: finding for finding in report(name).starts[index - 1].findings}


@pytest.mark.parametrize(
    ("name", "index", "expected", "detail"),
    [
        ("1303-bad-apiserver-arg", 1, "unknown_flag", "--enable-admission-plugin"),
        ("1350-bad-apiserver-arg", 2, "unknown_flag", "--enable-admission-plugin"),
        ("1324-unknown-flag", 1, "unknown_flag", "-no-such-flag"),
        ("1324-bad-apiserver-value", 1, "bad_value", "runtime-config invalid key nope"),
        ("1324-bad-cidr", 1, "bad_value", "nonsense"),
        ("1324-bad-encryption-config", 1, "encryption_config", "/nonexistent/enc.yaml"),
        ("1322-port-6444-taken", 1, "port_in_use", "127.0.0.1:6444"),
        ("1303-wrong-token", 2, "wrong_token", "different token"),
        ("1350-wrong-token", 2, "wrong_token", "different token"),
        ("1350-corrupt-db", 2, "database_malformed", "malformed"),
        ("1324-bad-datastore", 1, "datastore_unreachable", "127.0.0.1:5999"),
        ("1322-bad-etcd-endpoint", 1, "datastore_unreachable", "127.0.0.1:2379"),
        ("1324-cri-missing", 1, "cri_missing", "/run/ctr.sock"),
        ("1324-ha-quorum-lost", 2, "no_quorum", "missing"),
        ("1350-quorum-lost-15min", 2, "no_quorum", "missing peers"),
        ("1324-pg-250ms", 2, "slow_datastore", "at least 1.00 s"),
    ],
)
def test_the_headline_of_a_start_that_did_not_come_up(name: str, index: int, expected: str, detail: str) -> None:
    start = report(name).starts[index - 1]
    first = start.findings[0]
    assert (first.id, first.severity) == (expected, "critical")
    assert detail in first.detail
    assert first.advice
    assert first.lines


def test_the_limit_comes_with_its_cause() -> None:
    limit = of("1350-quorum-lost-15min", 2)["fifteen_minute_limit"]
    assert limit.severity == "warning"
    assert "etcd has no quorum" in limit.detail


@pytest.mark.parametrize(
    ("name", "index", "expected", "severity"),
    [
        ("1324-pg-250ms", 1, "too_many_clients", "info"),
        ("1324-pg-250ms", 1, "slow_datastore", "warning"),
        ("1324-pg-250ms", 1, "slow_bootstrap_roles", "info"),
        ("1324-pg-late-20s", 1, "datastore_late", "warning"),
        ("1324-frozen-12s", 1, "frozen_gap", "warning"),
        ("1324-starved-midway", 1, "cpu_starved", "warning"),
        ("1324-starved-midway", 1, "frozen_gap", "info"),
        ("1324-crashloop-slow", 1, "cpu_starved", "warning"),
        ("1324-fresh-15", 1, "cpu_starved", "info"),
        ("1324-etcd-restart", 2, "temporary_etcd", "info"),
        ("1324-killed-thrice", 4, "crash_loop", "warning"),
        ("1324-fresh-full", 1, "one_second_floor", "info"),
        ("1324-fresh-full", 1, "polling_tax", "info"),
        ("1324-fresh-full", 1, "noise_explained", "info"),
        ("1303-fresh-25", 1, "silent_poller", "info"),
    ],
)
def test_what_a_recorded_start_is_told(name: str, index: int, expected: str, severity: str) -> None:
    finding = of(name, index)[expected]
    assert finding.severity == severity
    assert any(character.isdigit() for character in finding.detail)


@pytest.mark.parametrize(
    "name", ["1284-r304", "1322-debug", "1324-fresh-full", "1324-full-a", "1350-fresh-25", "1341-r406"]
)
def test_a_healthy_start_has_no_headline(name: str) -> None:
    for start in report(name).starts:
        if start.outcome == "ready" and start.end.kind != "failed":
            assert all(finding.severity != "critical" for finding in start.findings)


@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".export.gz") for path in RECORDED.glob("*.export.gz")))
def test_findings_are_in_order_and_named_once_and_point_at_lines(name: str) -> None:
    whole = report(name)
    for start in whole.starts:
        ranks = [ORDER.index(finding.severity) for finding in start.findings]
        assert ranks == sorted(ranks)
        names = [finding.id for finding in start.findings]
        assert len(names) == len(set(names))
        for finding in start.findings:
            assert finding.detail
            assert len(finding.lines) <= 8
            total = whole.sources[finding.source].lines
            assert all(1 <= line <= total for line in finding.lines)
            if finding.id == "noise_explained":
                assert finding.severity == "info"


def test_cpu_starvation_is_told_by_its_limit() -> None:
    """Never on half a core or more, always on a quarter or less where the API server began to serve."""
    assert "cpu_starved" not in of("1324-fresh-full", 1)
    assert "cpu_starved" not in of("1324-killed-thrice", 4)
    assert "cpu_starved" in of("1303-fresh-25", 1)
    assert "cpu_starved" not in of("1284-restart-100-then-25", 1)
    assert "cpu_starved" in of("1284-restart-100-then-25", 2)


def failed(base: StartReport, index: int, reason: str | None) -> StartReport:
    end = replace(base.end, kind="failed", line=index, reason=reason)
    return replace(base, index=index, outcome="failed", outcome_reason=reason, end=end, findings=(), began_at=None)


def test_a_crash_loop_is_told_on_its_last_start() -> None:
    base = report("1324-bad-cidr").starts[0]
    same = [failed(base, index, "invalid CIDR address: x") for index in range(1, 5)]
    result = across_starts(same)
    assert [bool(start.findings) for start in result] == [False, False, False, True]
    (finding,) = result[-1].findings
    assert (finding.id, finding.severity) == ("crash_loop", "critical")
    assert "4 starts in a row failed" in finding.detail
    assert "always with the same words: invalid CIDR address: x" in finding.detail
    assert finding.lines == (1, 2, 3, 4)


def test_two_failures_are_no_loop_and_units_are_counted_apart() -> None:
    base = report("1324-bad-cidr").starts[0]
    two = [failed(base, 1, "x"), failed(base, 2, "x")]
    assert all(not start.findings for start in across_starts(two))
    mixed = [replace(failed(base, index, "x"), host=f"node-{index % 2}") for index in range(4)]
    assert all(not start.findings for start in across_starts(mixed))


def test_different_reasons_are_counted() -> None:
    base = report("1324-bad-cidr").starts[0]
    starts = [failed(base, 1, "a"), failed(base, 2, "b"), failed(base, 3, "b")]
    (finding,) = across_starts(starts)[-1].findings
    assert "2 of them with: b" in finding.detail
