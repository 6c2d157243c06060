"""What stands beside each other in one answer agrees, and nothing is said that the log does not hold."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from analyzer import api
from analyzer.reports import answer, narrative, text
from analyzer.results import End, Finding, Gap, Report, StartReport
from tests.kit.made_reports import failed_start, fragment, ready_start, report_of

SAMPLES = Path(__file__).parents[2] / "sample_logs"


def sample(name: str, lines: slice = slice(None)) -> Report:
    chosen = (SAMPLES / name).read_bytes().splitlines(keepends=True)[lines]
    return api.analyze(api.load(stdin=BytesIO(b"".join(chosen)))).report


def stamped(precision_s: float, **changes: Any) -> StartReport:
    start = ready_start(**changes)
    return replace(start, clock=replace(start.clock, precision_s=precision_s))


def precise(**changes: Any) -> StartReport:
    return stamped(1e-6, **changes)


def of(start: StartReport) -> answer.Answer:
    return answer.of_start(report_of(start), start)


def test_the_last_check_is_told_on_the_scale_of_the_verdict() -> None:
    told = answer.answer(sample("healthy-sqlite.short.txt"))
    assert "ready after 4.3 to 5.5 s" in told.verdict
    assert "passed between 4.3 and 5.5 s" in told.why and "5.35" not in told.why


def test_a_silence_is_rounded_inwards_because_lines_stand_at_its_ends() -> None:
    gap = Gap(5.645654, 16.103133, "silent", 242)
    assert "No line at all between 5.7 and 16.1 s." in dict(narrative.unknowns(report_of(), precise(gaps=(gap,))))
    coarse = stamped(1.0, gaps=(Gap(4.0, 16.0, "silent", 9),))  # the line before it may be of 4.99 s
    assert "No line at all between 5.0 and 16.0 s." in dict(narrative.unknowns(report_of(), coarse))
    lost = precise(gaps=(replace(gap, kind="lost"),))
    assert "Lines were lost between 5.6 and 16.2 s." in dict(narrative.unknowns(report_of(), lost))


def test_the_silence_of_a_server_that_is_up_is_no_question_of_its_start() -> None:
    early, late = Gap(3.0, 9.0, "silent"), Gap(50.0, 70.0, "silent")
    start = precise(gaps=(early, late))
    told = of(start)
    assert "between 3.0 and 9.0" in told.not_known and "more" not in told.not_known_more
    assert len(list(narrative.unknowns(report_of(), start))) == 2  # --full has both
    ended = of(replace(start, gaps=(late,), end=End("failed", 70.0, 300, "exit status 2")))
    assert "between 50.0 and 70.0" in ended.not_known


def test_the_end_of_a_slow_start_is_not_called_healthy() -> None:
    whole = answer.answer(sample("slow-rbac-one-core.short.txt"))
    tail = answer.answer(sample("slow-rbac-one-core.short.txt", slice(89, None)))
    assert "Slow" in whole.verdict
    assert "healthy" not in tail.do and "not in it" in tail.do


def test_a_log_that_ends_before_the_server_can_be_ready_names_no_moment_behind_its_end() -> None:
    told = answer.answer(sample("healthy-sqlite.short.txt", slice(0, 150)))
    assert told.verdict == "Not known: the log ends after about 4 s, before the API server was ready."


@pytest.mark.parametrize(("precision", "words"), [(1.0, "after about 77 s"), (1e-6, "after 77.2 s")])
def test_an_end_is_told_as_finely_as_timestamps_allow(precision: float, words: str) -> None:
    start = failed_start(end=End("failed", 77.22, 9, "exit status 1"))
    assert words in of(replace(start, clock=replace(start.clock, precision_s=precision))).verdict


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("kubelet exited: cannot run here, path: &Meta{Kind:,Version:,}", "cannot run here"),
        (
            "exited: settings differ (- old, + new):\n  &v1.set{\n  \tA: nil,\n- \tB: 2,\n+ \tB: 0,\n  }",
            "(- old, + new)",
        ),
        ('exited: settings differ (- old, + new):\n@@ -2,7 +2,7 @@\n  "A": {\n   "b": "0', "(- old, + new)"),
    ],
)
def test_the_values_that_go_prints_are_not_what_stays_of_a_message(message: str, said: str) -> None:
    start = failed_start(outcome_reason=message, end=End("failed", 3.0, 9, message))
    last = of(start).quotes[-1]
    assert said in last and "nil" not in last and "{" not in last


def test_nothing_below_is_referred_to_where_nothing_is_below() -> None:
    note = Finding("silent_poller", "info", "The poller of this release is silent", "It prints no polls.", "")
    start = fragment(findings=(note,), bottleneck=replace(fragment().bottleneck, checks=()))
    assert of(start).do == (
        "Nothing for certain: give more of the log. Good to know: the poller of this release is silent."
    )
    assert "below" in narrative.nothing_to_do(start)


def test_a_command_does_not_run_into_the_words_behind_it() -> None:
    told = text.render(sample("slow-rbac-one-core.short.txt", slice(89, None)))
    assert "short-precise (2 more with --full)" in " ".join(told.split())


def test_what_a_silent_poller_hides_is_not_what_another_line_told() -> None:
    report = sample("verbose-health.cat.txt")  # the API server's own log names failing checks
    [told] = [one for one, _ in narrative.unknowns(report, report.starts[0]) if "does not print its polls" in one]
    assert told.startswith("Whether more checks failed")
