from __future__ import annotations

import csv
import html
import io
import re

import pytest

from analyzer import frames
from analyzer.events.terms import term
from analyzer.reports import answer, csv_report, markdown
from analyzer.reports.format import Options
from analyzer.reports.md import Md, code, document, table
from analyzer.results import Finding
from tests.kit.made_reports import RBAC, crash_loop, failed_start, fragment, hostile_start, ready_start, report_of


def rendered(text: str) -> str:
    """The HTML that a common Markdown reader makes of ``text``."""
    from markdown_it import MarkdownIt

    return MarkdownIt("gfm-like", {"linkify": False}).render(text)


def test_markdown_holds_the_story_in_tables() -> None:
    made = markdown.render(report_of(ready_start()))
    assert "**Ready between 12.0 and 14.1 s; k3s noticed it between 14.05 and 14.06 s, up to 2.1 s later.**" in made
    assert f"| `{RBAC}` | 12.0–14.1 | 4.0–6.0 | 2.0–6.0 | last |" in made
    html = rendered(made)
    assert html.count("<table>") == 3
    assert "<strong>Ready between" in html


def test_the_answer_stands_first_with_its_commands_as_they_can_be_run() -> None:
    made = markdown.render(report_of(ready_start()))
    told = answer.answer(report_of(ready_start()))
    assert made.startswith(f"{term('mark', told.mark).sign} **{told.verdict}**\n\n- **Why:** ")
    assert made.index("- **Do:**") < made.index("## Start 1")
    killed = failed_start(
        findings=(Finding("killed", "critical", "The process was killed", "", "Look: " + COMMAND, (3,)),)
    )
    made = markdown.render(report_of(killed))
    assert f"`{COMMAND}`" in made and f"<code>{COMMAND}</code>" in html.unescape(rendered(made))


COMMAND = "journalctl -k | grep -i -E 'out of memory'"


def test_every_table_row_has_as_many_cells_as_its_header() -> None:
    for report in (report_of(ready_start()), report_of(hostile_start()), crash_loop(3), report_of(fragment())):
        for block in re.findall(r"(?:^\|.*\n)+", markdown.render(report), re.M):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, block


def test_hostile_text_makes_no_html_no_link_and_no_emphasis() -> None:
    html = rendered(markdown.render(report_of(hostile_start())))
    assert "</script>" not in html
    assert "\x1b" not in html and "\u202e" not in html
    nasty = report_of(ready_start(host="@torvalds #1 ![x](http://x.y/z.png) <img src=x> **b** `c` | d"))
    html = rendered(markdown.render(nasty))
    assert "<img" not in html and "<a " not in html and "<strong>b" not in html
    for loud in ("@torvalds", "#1"):  # what would notify people stands in code spans only
        assert html.count(loud) == html.count(f"<code>{loud}</code>") > 0


@pytest.mark.parametrize(
    "text", ["- x", "+ x", "1. x", "12) x", "# x", "## x", "===", "---", "> x", "a_b _c_ &amp; $x$ ~~y~~"]
)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    import html

    assert html.unescape(rendered(document([Md(text)]))) == f"<p>{text}</p>\n"


@pytest.mark.parametrize("text", ["plain", "a`b", "``", "`x`", "a|b", "", "x\ny"])
def test_a_code_span_cannot_be_ended_from_inside(text: str) -> None:
    html = rendered(document(table(("a",), [[code(text)]])))
    assert html.count("<code>") == 1
    assert html.count("<td>") == 1


@pytest.mark.parametrize("table", sorted(frames.TABLES))
def test_csv_has_the_columns_of_the_schema_and_a_row_for_each_row(table: str) -> None:
    report = report_of(ready_start(), fragment(index=2), hostile_start())
    lines = list(csv.reader(io.StringIO(csv_report.render(report, Options(table=table)))))
    assert lines[0] == frames.TABLES[table].names
    assert len(lines) - 1 == len(frames.rows(table, report))
    assert {len(line) for line in lines} == {len(lines[0])}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1"])
def test_no_text_of_a_log_is_a_formula(text: str) -> None:
    made = csv_report.render(report_of(ready_start(host=text)))
    (row,) = csv.DictReader(io.StringIO(made))
    assert not row["host"].lstrip().startswith(("=", "+", "-", "@"))


def test_numbers_keep_their_sign_and_have_no_exponent() -> None:
    from analyzer.window import Bound, Window

    start = ready_start(ready=Window(-0.0000011, 1234567.1, Bound.GRID, Bound.OBSERVED))
    (row,) = csv.DictReader(io.StringIO(csv_report.render(report_of(start))))
    assert (row["ready_lower_s"], row["ready_upper_s"]) == ("-0.000002", "1234567.1")
    assert (row["ready_lower_kind"], row["begin_seen"], row["boot_id"]) == ("grid", "true", "")


def test_csv_times_are_in_the_zone_of_the_log_or_utc() -> None:
    from datetime import datetime, timedelta, timezone

    local = datetime(2025, 3, 1, 6, 3, 22, tzinfo=timezone(timedelta(hours=2)))
    report = report_of(ready_start(began_at=local))
    assert "2025-03-01T06:03:22+02:00" in csv_report.render(report)
    assert "2025-03-01T04:03:22+00:00" in csv_report.render(report, Options(utc=True))
