from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import UsageError
from analyzer.reports import full_text as text
from analyzer.reports.format import Options
from analyzer.reports.output import Destination
from analyzer.reports.terminal import suited
from analyzer.results import Bottleneck, End, Finding, Milestone, Phase, Report
from analyzer.window import Bound, Span, Window
from tests.kit.made_reports import (
    HOSTILE,
    RBAC,
    crash_loop,
    failed_start,
    fragment,
    hostile_start,
    ready_start,
    report_of,
)

REPORTS = {
    "ready": report_of(ready_start()),
    "crash-loop": crash_loop(13),
    "failed": report_of(failed_start(index=1)),
    "fragment": report_of(fragment()),
    "hostile": report_of(hostile_start()),
}


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("name", REPORTS)
def test_no_line_is_wider_than_asked_and_none_ends_in_blanks(name: str, width: int) -> None:
    for line in text.render(REPORTS[name], Options(width=width)).splitlines():
        cells = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
        assert cells <= width, line
        assert line == line.rstrip()


@pytest.mark.parametrize("name", REPORTS)
def test_without_colour_every_character_is_harmless(name: str) -> None:
    made = text.render(REPORTS[name])
    assert all(c.isprintable() or c == "\n" for c in made)


def test_with_colour_only_our_own_escapes_are_there() -> None:
    made = text.render(REPORTS["hostile"], Options(color=True))
    assert "\x1b[" in made
    plain = re.sub(r"\x1b\[[0-9;]*m", "", made)
    assert all(c.isprintable() or c == "\n" for c in plain)
    assert "\\x1b[31m</script>" in plain  # the log's own escape, made visible


def test_markup_of_a_log_is_shown_not_obeyed() -> None:
    made = text.render(REPORTS["hostile"])
    assert "[bold]x[/bold]" in made
    assert HOSTILE not in made


def test_a_terminal_without_unicode_gets_ascii() -> None:
    start = ready_start(host="größe")
    made = text.render(report_of(start), Options(ascii=True))
    assert made.isascii()
    assert "12.0-14.1" in made and "###" in made


def test_the_answers_come_in_the_order_people_ask() -> None:
    made = text.render(REPORTS["ready"])
    questions = ["Ready between 12.0 and 14.1 s", "Held back by", "How sure: certain", "Where the time went",
                 "Polls of /readyz", "Looks bad, but is normal", "What to do", "lines read"]  # fmt: skip
    places = [made.index(q) for q in questions]
    assert places == sorted(places)


def test_polls_tell_printed_from_implied() -> None:
    assert "3 polls printed, 3 more implied every 2 s" in text.render(REPORTS["ready"])


def test_blame_is_sorted_by_number_not_by_text() -> None:
    from analyzer.window import Window

    base = ready_start().checks[0]
    checks = tuple(
        replace(base, name=f"poststarthook/t{upper:g}", cleared=Window(0.0, upper)) for upper in (9.9, 120.0, 0.8, 20.0)
    )
    made = text.render(report_of(ready_start(checks=checks)))
    assert re.findall(r" (t[\d.]+)\n", made) == ["t120", "t20", "t9.9", "t0.8"]


def test_the_offset_is_named_once_for_a_start_and_utc_moves_the_time() -> None:
    from datetime import datetime, timedelta, timezone

    local = datetime(2025, 3, 1, 6, 3, 22, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    report = report_of(ready_start(began_at=local))
    assert text.render(report).count("UTC+05:30") == 1
    assert "Began 2025-03-01 06:03:22 (UTC+05:30)" in text.render(report)
    assert "Began 2025-03-01 00:33:22 (UTC)" in text.render(report, Options(utc=True))


def test_many_starts_show_counts_runs_reason_and_the_last_in_detail() -> None:
    made = text.render(REPORTS["crash-loop"])
    assert "14 starts: 1 ready, 13 failed" in made
    assert "failed ×13, ready" in made
    assert "one about every 8.0 s" in made
    assert made.count("Where the time went") == 1
    assert "Start 14 of 14" in made


def test_a_chosen_start_is_shown_alone_and_all_shows_every_one() -> None:
    report = crash_loop(2)
    assert "Start 2 of 3" in text.render(report, Options(start="2"))
    assert "Start 3 of 3" not in text.render(report, Options(start="2"))
    made = text.render(report, Options(start="all"))
    assert all(f"Start {n} of 3" in made for n in (1, 2, 3))
    with pytest.raises(UsageError):
        text.render(report, Options(start="9"))


@pytest.mark.long
def test_thousands_of_starts_stay_a_few_lines() -> None:
    assert len(text.render(crash_loop(5000)).splitlines()) < 70


def test_a_culprit_among_several_is_not_told_as_certain() -> None:
    blamed = Bottleneck((RBAC, "etcd"), "possible", "")
    made = text.render(report_of(ready_start(bottleneck=blamed)))
    assert f"Held back by: {RBAC} or etcd" in made
    assert "possible: any of these 2 can have been last" in made


def test_dozens_of_suspects_are_a_few_names_and_ten_rows() -> None:
    base = ready_start().checks[0]
    checks = tuple(replace(base, name=f"poststarthook/c{n}", last_blocker="possible") for n in range(35))
    blamed = Bottleneck(tuple(c.name for c in checks), "possible", "a sentence with 35 names")
    made = text.render(report_of(ready_start(bottleneck=blamed, checks=checks)))
    assert "c0, c1, c2 or one of 32 other checks" in " ".join(made.split())
    assert made.count("○") == 11  # ten rows and the legend
    assert "25 more checks, worth at most 6.0 s each" in made


def test_red_lines_of_a_healthy_start_are_called_normal_and_those_of_a_sick_one_are_not() -> None:
    from analyzer.results import ErrorCount

    assert "The poll lines above" in text.render(REPORTS["ready"])
    sick = ready_start(errors=(ErrorCount("io_timeout", "suspect", 1, 2.0, 2.0),))
    assert "The poll lines above" not in text.render(report_of(sick))
    assert "The poll lines above" not in text.render(REPORTS["failed"])


def test_a_start_that_never_served_is_not_said_to_wait_for_a_negative_time() -> None:
    from analyzer.results import Phase
    from analyzer.window import OPEN, Bound, Span, Window

    stuck = failed_start(
        index=1,
        ready=Window(-0.2, None, Bound.PROCESS, Bound.NONE),
        phases=(Phase("apiserver_boot", ready_start().phases[1].end, OPEN, Span(899.8, None)),),
    )
    made = text.render(report_of(stuck))
    assert "-0.2 s" not in made
    assert re.search(r"apiserver_boot +≥ 899\.8 +█+ +until the API server serves \(not\n +seen\)", made)


def test_several_hosts_are_a_table_with_a_line_each() -> None:
    report = report_of(*(ready_start(index=i + 1, host=f"node-{i % 3}") for i in range(6)))
    made = text.render(report)
    for host in range(3):
        assert re.search(rf"k3s\.service on node-{host} +2 +12\.0–14\.1 +ready ×2", made)


def test_nothing_known_is_told_as_such() -> None:
    made = text.render(report_of(fragment(bottleneck=Bottleneck(), checks=(), polls=(), errors=())))
    assert "does not show whether it became ready" in made
    assert "journalctl -u k3s -u k3s-agent -u rke2-server -u rke2-agent -b --no-pager" in made
    assert "When it began: no line has a time that can be read." in made


def shown(**changes: Any) -> str:
    return " ".join(text.render(report_of(fragment(**changes))).split())


@pytest.mark.parametrize(
    ("at_s", "words"),
    [(0.0, "within a second of its first line in the log"), (3.9, "about 4 s after its first line in the log")],
)
def test_the_end_of_a_process_whose_begin_is_missing_is_told_plainly(at_s: float, words: str) -> None:
    made = shown(outcome="failed", end=End("failed", at_s, 3, "exit status 1"))
    assert f"Failed: the process ended {words}, before it was ready." in made
    became_ready = shown(outcome="ready", end=End("failed", at_s, 3, "exit status 1"))
    assert f"Later the process ended by itself {words}: exit status 1" in became_ready


UNKNOWN_LAST = {"bottleneck": Bottleneck(), "checks": (), "polls": (), "errors": ()}
SERVED = (Milestone("serving_securely", 0.5, 2, ""),)
CAUSE = (Finding("port_taken", "critical", "A port is taken", "", "Free it.", (2,)),)


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, True),
        ({"findings": CAUSE}, False),
        ({"end": End("failed", 1.0, 3, "x")}, False),
        ({"end": End("failed", 1.0, 3, "x"), "milestones": SERVED}, True),
    ],
)
def test_the_last_check_is_asked_for_only_where_it_may_be_what_is_missing(changes: dict[str, Any], asked: bool) -> None:
    assert ("does not show which check was last" in shown(**UNKNOWN_LAST, **changes)) is asked


def phase(name: str, least: float, most: float | None) -> Phase:
    end = Window(least, most)
    return Phase(name, Window(0.0, 0.0), end, Span(least, most), (name,))


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ((phase("extract", 0.0, 1.0),), False),
        ((phase("containerd", 0.0, None),), False),
        ((phase("containerd", 0.04, None),), False),
        ((phase("extract", 0.0, 1.0), phase("datastore", 2.0, None)), True),
        ((phase("extract", 0.0, 1.5),), True),
    ],
)
def test_a_table_of_phases_that_tells_nothing_is_left_out(phases: tuple[Phase, ...], told: bool) -> None:
    assert ("Where the time went" in shown(phases=phases)) is told


def test_a_report_without_starts_still_tells_what_was_read() -> None:
    empty: Report = report_of()
    assert "64 lines read" in text.render(empty)


def test_a_pipe_gets_80_columns_and_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    options = suited(Options(), Destination())
    assert (options.width, options.color) == (None, False)


@pytest.mark.parametrize(
    ("env", "flag", "colour"),
    [({}, False, True), ({"NO_COLOR": "1"}, False, False), ({}, True, False), ({"TERM": "dumb"}, False, False)],
)
def test_a_terminal_gets_colour_unless_told_otherwise(
    env: dict[str, str], flag: bool, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    options = suited(Options(), Destination(), no_color=flag)
    assert options.color is colour
    assert options.width == 120
    assert suited(Options(), Destination(Path("f")), no_color=flag).color is False


def test_no_advice_is_not_told_as_all_is_well_when_it_is_not() -> None:
    assert "Nothing was found that needs it." in text.render(report_of(ready_start(findings=())))
    assert "give more of the log" in text.render(report_of(fragment()))
    assert "No cause that this program knows" in text.render(report_of(failed_start(index=1, findings=())))


def test_the_check_that_is_explained_is_the_first_that_is_named() -> None:
    base = ready_start()
    names = [RBAC] + [f"poststarthook/x{n}" for n in range(5)]
    checks = tuple(
        replace(base.checks[0], name=name, last_blocker="possible", cleared=Window(float(n), 20.0))
        for n, name in enumerate(names)
    )
    start = ready_start(checks=checks, bottleneck=Bottleneck(tuple(names), "possible", " or ".join(names)))
    made = text.render(report_of(start))
    short = RBAC.removeprefix("poststarthook/")
    assert f"Held back by: {short}, x0, x1 or one of 3 other checks" in " ".join(made.split())
    assert f"{short} waits for" in made


def test_a_lower_bound_is_rounded_down() -> None:
    start = failed_start(ready=Window(2.97, None, Bound.OBSERVED, Bound.NONE, 80, None))
    assert "It was still not ready at 2.9 s." in " ".join(text.render(report_of(start)).split())
