"""The report that everyone sees first: short, in a fixed order, the cause and what to do in the first eight lines."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest

from analyzer import api
from analyzer.reports import answer, text
from analyzer.reports.format import Options
from analyzer.results import End, Finding, Report, Usual
from analyzer.testing import samples
from analyzer.window import Window
from tests.kit.made_reports import HOSTILE, crash_loop, failed_start, fragment, hostile_start, ready_start, report_of

MADE = {
    "ready": report_of(ready_start()),
    "crash-loop": crash_loop(13),
    "failed": report_of(failed_start(index=1)),
    "fragment": report_of(fragment()),
    "hostile": report_of(hostile_start()),
    "long-words": report_of(replace(failed_start(index=1), outcome_reason=": ".join(["word " * 30] * 40))),
}
ORDER = ("Why", "Do", "Also", "Sure", "Time", "Normal", "Unknown", "Start", "Starts", "Note", "More")


def lines_of(report: Report, **options: object) -> list[str]:
    return text.render(report, replace(Options(width=80), **options)).splitlines()  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MADE)
def test_the_answer_is_short_whatever_the_log_holds(name: str) -> None:
    limit = 30 if len(MADE[name].starts) > 1 else 24
    assert len(lines_of(MADE[name])) <= limit
    assert len(lines_of(MADE[name], width=120)) <= limit
    assert len(lines_of(MADE[name], ascii=True)) <= limit


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("name", MADE)
def test_no_line_is_wider_than_asked_and_none_ends_in_blanks(name: str, width: int) -> None:
    for line in lines_of(MADE[name], width=width):
        assert sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= width, line
        assert line == line.rstrip()


@pytest.mark.parametrize("name", MADE)
def test_the_order_is_always_the_same(name: str) -> None:
    labels = [word for line in lines_of(MADE[name]) if (word := line.split(" ")[0]) in ORDER]
    assert labels == sorted(labels, key=ORDER.index)
    assert labels[:2] == ["Why", "Do"] and labels[-1] == "More"


@pytest.mark.parametrize("name", MADE)
def test_cause_and_action_stand_in_the_first_eight_lines(name: str) -> None:
    first = lines_of(MADE[name])[:8]
    assert any(line.startswith("Why ") for line in first) and any(line.startswith("Do ") for line in first)


@pytest.mark.parametrize("name", MADE)
def test_content_does_not_depend_on_the_terminal(name: str) -> None:
    plain = " ".join(" ".join(lines_of(MADE[name], width=80)).split())
    wide = " ".join(" ".join(lines_of(MADE[name], width=200)).split())
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", text.render(MADE[name], Options(width=80, color=True)))
    assert plain == wide == " ".join(coloured.split())


def test_a_log_cannot_write_to_the_terminal() -> None:
    made = text.render(MADE["hostile"], Options(width=80))
    assert all(c.isprintable() or c == "\n" for c in made) and HOSTILE not in made


def test_full_has_the_answer_and_everything_else() -> None:
    made = text.render(MADE["ready"], Options(width=80, full=True))
    assert made.startswith(lines_of(MADE["ready"])[0])
    assert "Where the time went" in made and "Polls of /readyz" in made


@pytest.mark.parametrize(("ready", "late", "sign"), [(12.0, 20.0, "✓"), (16.0, 20.0, "✓"), (21.0, 20.0, "▲")])
def test_green_only_where_the_time_is_usual(ready: float, late: float, sign: str) -> None:
    usual = Usual("on SQLite", 99, 5.0, 15.0, late)
    start = replace(ready_start(), findings=(), usual=usual, ready=Window(ready, ready + 1))
    first = " ".join(lines_of(report_of(start))[:2])
    assert first.startswith(sign)
    told = " ".join(first.split())
    assert ("usually 5 to 15 s on SQLite (99 recorded starts)" in told) == (sign == "▲")


def test_no_green_where_nobody_knows_what_is_usual() -> None:
    usual = Usual("on SQLite", 99, 5.0, 15.0, 20.0)
    known = replace(ready_start(), findings=(), usual=usual)
    assert answer.answer(report_of(known)).mark == "ok"
    for start in (
        replace(known, usual=None),
        replace(known, begin_seen=False),
        replace(known, product="rke2", usual=None),
    ):
        assert answer.answer(report_of(start)).mark == "ready"


def test_a_start_with_a_warning_is_not_green() -> None:
    warned = replace(ready_start(), findings=(Finding("slow_datastore", "warning", "t", "d", "a"),))
    assert lines_of(report_of(warned))[0].startswith("▲")


def test_what_was_ready_and_ended_is_not_said_to_have_failed_before() -> None:
    ended = replace(ready_start(), findings=(), end=End("failed", 100.0, 70, "words"))
    told = answer.answer(report_of(ended))
    assert told.mark == "failed" and "before the API server was ready" not in told.verdict
    assert "was ready after 12.0 to 14.1 s" in told.verdict and "ended by itself after 100.0 s" in told.verdict


def test_the_innermost_words_stay_when_a_message_is_too_long() -> None:
    words = ": ".join([f"step {n} of a very long chain of wrapped errors failed" for n in range(9)] + ["no such host"])
    failed = failed_start(index=1)
    finding = replace(failed.findings[0], id="failed_step", title="A step failed", detail=f"The process ended: {words}")
    told = " ".join(lines_of(report_of(replace(failed, outcome_reason=words, findings=(finding,))))[:8])
    assert "no such host" in told and "step 0" not in told


def test_an_unknown_cause_is_not_called_certain() -> None:
    failed = failed_start(index=1)
    known = Finding("process_failed", "critical", "The process ended by itself", "The process ended: x", "a", (3,))
    told = answer.answer(report_of(replace(failed, findings=(known,))))
    assert "no reason" in told.sure


@pytest.mark.parametrize("choice", ["1", "4", "last", "slowest"])
def test_a_chosen_start_is_told_alone(choice: str) -> None:
    report = api.load(samples.path("crash-loop-until-roles.short.txt")).report if hasattr(samples, "path") else None
    report = report or crash_loop(3)
    index = {"last": len(report.starts), "slowest": None}.get(choice, choice)
    told = answer.answer(report, choice)
    assert index is None or told.start == int(index)


def test_all_starts_in_a_few_lines_each() -> None:
    made = lines_of(MADE["crash-loop"], start="all")
    assert sum(bool(re.match(r"\S \d+\. ", line)) for line in made) == len(MADE["crash-loop"].starts)


def test_what_is_not_known_of_a_try_is_not_counted_as_a_failure() -> None:
    first, later = failed_start(index=1), replace(ready_start(index=2), findings=())
    later = replace(later, began_at=first.began_at + timedelta(seconds=5) if first.began_at else None)
    unsure = replace(first, outcome="incomplete", outcome_reason=None, findings=())
    assert "1 try failed" in answer.answer(report_of(first, later)).verdict
    assert "1 try ended with an error" in answer.answer(report_of(unsure, later)).verdict
    gone = replace(unsure, end=End())
    assert "does not show how the others ended" in answer.answer(report_of(gone, later)).verdict
    alone = answer.answer(report_of(unsure))
    assert "Failed" not in alone.verdict and "does not show whether the API server was ready" in alone.verdict


@pytest.mark.parametrize("mark", ["ok", "ready"])
def test_the_verdict_hangs_behind_its_sign_whatever_its_colour(mark: str) -> None:
    told = answer.Answer(mark, "word " * 30)
    first, second, *_ = text.answer_lines(told).splitlines()
    assert first.startswith("✓ word") and second.startswith("  word")


def test_words_of_the_supervisor_are_not_the_process_s() -> None:
    killed = replace(failed_start(index=1), outcome_reason="killed by signal 9 (KILL)", findings=())
    killed = replace(killed, end=replace(killed.end, kind="failed", reason="killed by signal 9 (KILL)"))
    assert answer.answer(report_of(killed)).quotes[0].startswith("systemd reports: killed by signal 9")


def test_a_command_is_not_cut_for_the_number_of_other_points() -> None:
    told = answer.Answer(
        "ready", "ready", not_known=f"This prints it: {'x' * 60}", not_known_more="3 more with --full."
    )
    assert "3 more" not in text.answer_lines(told) and "x" * 40 in text.answer_lines(told)
    short = answer.Answer("ready", "ready", not_known="The year.", not_known_more="3 more with --full.")
    assert "The year. 3 more with --full." in text.answer_lines(short)


def test_full_details_are_of_the_start_that_the_answer_is_about() -> None:
    report = MADE["crash-loop"]
    told = answer.answer(report)
    made = text.render(report, Options(full=True))
    assert f"Start {told.start} of {len(report.starts)}" in made
    assert "with --full" not in made
