"""The short table tells the same windows as the report, the costliest check first."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from analyzer.reports import blame
from analyzer.reports.format import Options
from analyzer.results import Goal
from analyzer.window import OPEN, Span, Window
from tests.kit.made_reports import HOSTILE, PRIORITY, RBAC, failed_start, fragment, ready_start, report_of

FULL = Options(full=True)


def test_the_costliest_check_comes_first_and_quiet_ones_are_counted() -> None:
    told = blame.blamed(ready_start())
    assert [c.name for c in told.checks] == [RBAC, PRIORITY]
    assert (told.more, told.quiet) == (0, 1)
    assert [p.id for p in told.phases] == ["hooks", "apiserver_boot", "polling_tax", "datastore", "certificates"]


def test_a_check_still_failing_comes_before_all_others() -> None:
    start = ready_start()
    checks = (start.checks[0], replace(start.checks[1], final="failing", cleared=OPEN), start.checks[2])
    told = blame.blamed(replace(start, checks=checks))
    assert told.checks[0].name == PRIORITY
    assert "(still failing)" in blame.text(report_of(replace(start, checks=checks)), FULL)


def test_text_fits_80_columns_and_shows_windows_not_points() -> None:
    report = report_of(ready_start(), failed_start(), fragment(index=3))
    made = blame.text(report, FULL)
    assert max(map(len, made.splitlines())) <= 80
    assert "2.0–6.0  4.0–6.0  12.0–14.1  yes   rbac/bootstrap-roles" in made
    assert "Start 1 of 3" in made and "Start 3 of 3" in made


def test_unknown_lengths_are_question_marks_and_open_ends_stay_open() -> None:
    start = ready_start()
    check = replace(start.checks[0], exclusive_s=None, saving_s=Span(2.0, None))
    made = blame.text(report_of(replace(start, checks=(check,))), FULL)
    row = next(line for line in made.splitlines() if line.endswith("rbac/bootstrap-roles") and "yes" in line)
    assert row.split()[:3] == ["≥", "2.0", "?"]
    table = csv.DictReader(io.StringIO(blame.table(report_of(replace(start, checks=(check,))))))
    rows = [row for row in table if row["kind"] == "check"]
    assert (rows[0]["saving_min_s"], rows[0]["saving_max_s"], rows[0]["alone_min_s"]) == ("2", "", "")


def test_json_and_csv_hold_the_numbers_of_the_report() -> None:
    report = report_of(ready_start())
    data = json.loads(blame.json_text(report))
    check = data["starts"][0]["checks"][0]
    assert (check["name"], check["saving_s"]) == (RBAC, {"min": 2.0, "max": 6.0})
    assert (check["cleared"]["lower"], check["cleared"]["upper"]) == (12.0312, 14.0518)
    rows = list(csv.DictReader(io.StringIO(blame.table(report))))
    assert [r["name"] for r in rows if r["kind"] == "check"] == [RBAC, PRIORITY]
    assert next(r for r in rows if r["name"] == "hooks")["duration_max_s"] == "8.9518"


def test_a_limit_leaves_out_and_says_so() -> None:
    report = report_of(ready_start())
    made = blame.text(report, Options(limit=1))
    assert "scheduling/" not in made
    assert "1 more check (--limit 0 shows all)" in made
    assert json.loads(blame.json_text(report, Options(limit=1)))["starts"][0]["more"] == 1


def test_text_of_a_log_cannot_steer_a_terminal_or_break_a_table() -> None:
    start = ready_start()
    checks = (replace(start.checks[0], name=HOSTILE),)
    report = report_of(replace(start, checks=checks, host=HOSTILE))
    made = blame.text(report) + blame.text(report, FULL) + blame.table(report)
    assert "\x1b" not in made and "\u202e" not in made
    table = [line for line in blame.markdown(report, FULL).splitlines() if line.startswith("| 2.0")]
    assert len(table) == 1
    assert "</script>" not in table[0].replace("`", " ").split("|")[1]


def test_blame_of_a_goal_names_it_and_goes_as_far_as_it() -> None:
    goal = Goal("images", Window(1.0, 2.0), "reached")
    start = replace(ready_start(), goals=(goal,))
    told = blame.blamed(start, goal="images")
    assert told.checks == () and all((p.begin.lower or 0.0) < 2.0 for p in told.phases)
    words = blame.text(report_of(start), Options(goal="images"))
    assert "Goal images: its images were imported between 1.0 and 2.0 s." in words
    made = json.loads(blame.json_text(report_of(start), Options(goal="images")))
    assert made["starts"][0]["goal"]["id"] == "images"
    assert blame.blamed(start, goal="started").checks == blame.blamed(start).checks  # it comes after readiness
    words = blame.text(report_of(start), Options(goal="server"))
    assert "a server has no such goal" in words


def test_the_chain_comes_first_and_the_tables_only_in_full() -> None:
    made = blame.text(report_of(ready_start()))
    lines = made.splitlines()
    assert lines[4].startswith("Last: rbac/bootstrap-roles, passed between 12.0 and 14.1 s; it waited for the")
    assert "5.10–5.11  the API server to serve: every hook begins then" in lines
    assert "saving" not in made and "--full" in lines[-1]
    full = blame.text(report_of(ready_start()), FULL)
    assert "Last: rbac/bootstrap-roles" in full and "saving" in full and "apiserver_boot" in full
    assert len(lines) <= 24


def test_a_limit_of_rows_asks_for_the_tables() -> None:
    assert "saving" in blame.text(report_of(ready_start()), Options(limit=3))


def test_a_start_of_which_nothing_is_known_says_so() -> None:
    assert "does not show what readiness waited for" in blame.text(report_of(failed_start()))


def test_json_and_csv_hold_the_chain() -> None:
    report = report_of(ready_start())
    told = json.loads(blame.json_text(report))["starts"][0]["chain"]
    assert [link["name"] for link in told["links"]][-1] == RBAC
    rows = [r for r in csv.DictReader(io.StringIO(blame.table(report))) if r["kind"] == "chain"]
    assert [r["name"] for r in rows] == [link["name"] for link in told["links"]]
