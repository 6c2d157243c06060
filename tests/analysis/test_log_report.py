"""A crash loop of weeks: bounded work, and what is left out is said and never judged as good."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

import analyzer
from analyzer.analysis import analyze_records, log_report
from analyzer.errors import ExitCode
from analyzer.reports.selection import judge_each, worst
from analyzer.results import Report
from analyzer.window import Window
from tests.kit.handmade import Journal


def crash_loop(count: int) -> bytes:
    rows = []
    for number in range(count):
        at = f"{6 + number // 720:02d}:{number // 12 % 60:02d}:{number * 5 % 60:02d}"
        head, pid = f"Mar 01 {at} node-1", 1000 + number
        rows += [
            f"{head} systemd[1]: Starting k3s.service - Lightweight Kubernetes...",
            f'{head} k3s[{pid}]: time="2026-03-01T{at}Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"',
            f'{head} k3s[{pid}]: time="2026-03-01T{at}Z" level=fatal msg="starting kubernetes: preparing server: bad"',
            f"{head} systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE",
        ]
    return "".join(f"{row}\n" for row in rows).encode()


def report(count: int) -> Report:
    return analyzer.analyze(analyzer.load(stdin=io.BytesIO(crash_loop(count)))).report


def test_the_middle_of_a_long_crash_loop_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = report(30)
    monkeypatch.setattr(log_report, "STARTS_LIMIT", 10)
    some = report(30)
    assert [s.index for s in some.starts] == [1, 2, 3, 4, 5, 26, 27, 28, 29, 30]
    assert {s.outcome for s in some.starts} == {"failed"}
    assert any("20 starts in the middle" in note for _, note in some.notes)
    assert not any("in the middle" in note for _, note in whole.notes)
    for start in some.starts:
        same = whole.starts[start.index - 1]
        assert (start.pid, start.began_at, start.ended_at, start.ready) == (
            same.pid, same.began_at, same.ended_at, same.ready,
        )  # fmt: skip
    loops = [f.detail for s in some.starts for f in s.findings if "in a row failed" in f.detail]
    assert loops
    assert not any(detail.startswith(("10 ", "30 ")) for detail in loops)  # nothing is concluded across the gap


def test_starts_left_out_leave_a_gate_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_report, "STARTS_LIMIT", 10)
    good = [replace(s, outcome="ready", ready=Window(1.0, 2.0)) for s in report(30).starts]
    assert worst(judge_each(good, 5.0)) is ExitCode.INCONCLUSIVE
    assert worst(judge_each(good[:5], 5.0)) is ExitCode.OK
    assert worst(judge_each(good, 0.5)) is ExitCode.GATE_FAILED


def test_the_work_grows_with_the_starts_and_not_with_their_square() -> None:
    from analyzer.starts import split

    compared = 0

    class Counted(split._OpenStart):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return self is other

        __hash__ = None  # type: ignore[assignment]

    original, split._OpenStart = split._OpenStart, Counted  # type: ignore[misc]
    try:
        assert len(report(200).starts) == 200
    finally:
        split._OpenStart = original  # type: ignore[misc]
    assert compared < 1000


@pytest.mark.parametrize(("limit", "told"), [(2, True), (3, False), (4, False)])
def test_when_too_many_starts_are_told_of(limit: int, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.analysis.log_report.STARTS_LIMIT", limit)
    journal = Journal()
    for number in range(3):
        journal.pid = 1000 + number
        journal.begin(100.0 * number).ticking(100.0 * number + 1, 100.0 * number + 5)
    report = analyze_records(journal.log_records(), tool_version="0")
    assert len(report.starts) == min(3, limit)
    assert any("starts" in words for _, words in report.notes) is told
