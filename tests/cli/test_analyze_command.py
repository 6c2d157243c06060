"""Options of ``k3slog analyze`` and what they do, over made reports: the analysis itself is tested elsewhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.made_reports import failed_start, fragment, ready_start

Run = Callable[..., Any]


@pytest.fixture
def log(tmp_path: Path, pipeline: Any) -> Path:
    path = tmp_path / "k3s.log"
    path.write_text("x\n")
    return path


def test_text_is_the_default_and_stdout_holds_nothing_else(run: Run, log: Path) -> None:
    result = run("analyze", log)
    assert result.exit_code == 0
    assert result.stdout.startswith("▲ The API server was ready after 12.0 to 14.1 s.")
    assert result.stderr == ""
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("format", "begin"),
    [("json", '{\n  "schema"'), ("csv", "start,key,path"), ("markdown", "▲ **The"), ("text", "▲ The")],
)
def test_every_format_goes_to_stdout_and_to_a_file(run: Run, log: Path, format: str, begin: str) -> None:
    result = run("analyze", log, "--format", format)
    assert result.stdout.startswith(begin)
    out = log.parent / "out"
    second = run("analyze", log, "--format", format, "-o", out)
    assert (second.exit_code, second.stdout, second.stderr) == (0, "", f"Wrote {out}\n")
    assert out.read_text() == result.stdout


@pytest.mark.parametrize(("name", "begin"), [("r.json", "{"), ("r.csv", "start,"), ("r.md", "▲ **The"), ("r", "▲ The")])
def test_the_name_of_the_file_chooses_the_format(run: Run, log: Path, name: str, begin: str) -> None:
    assert run("analyze", log, "-o", log.parent / name).exit_code == 0
    assert (log.parent / name).read_text().startswith(begin)


def test_nothing_is_overwritten_without_force(run: Run, log: Path) -> None:
    out = log.parent / "out.json"
    out.write_text("mine")
    result = run("analyze", log, "-o", out)
    assert result.exit_code == 3
    assert result.stderr == f"k3slog: {out} exists. Add --force to replace it\n"
    assert out.read_text() == "mine"
    assert run("analyze", log, "-o", out, "--force").exit_code == 0
    assert json.loads(out.read_text())["schema"] == "k3slog.report"


def test_the_input_is_never_overwritten(run: Run, log: Path) -> None:
    assert run("analyze", log, "-o", log, "--force").exit_code == 2
    assert log.read_text() == "x\n"


@pytest.mark.parametrize(("table", "column"), [("polls", "attempt"), ("checks", "check"), ("timeline", "kind")])
def test_csv_tables(run: Run, log: Path, table: str, column: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("analyze", log, "-f", "csv", "--table", table).stdout)))
    assert rows and all(row[column] for row in rows)


def test_the_web_page_is_written_beside_the_report(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    html = pytest.importorskip("analyzer.reports.html")
    monkeypatch.setattr(html, "render", lambda report, options: f"<p>{len(report.starts)} {options.start}</p>")
    page = log.parent / "r.html"
    result = run("analyze", log, "--html", page)
    assert result.stdout.startswith("▲ The API")
    assert result.stderr == f"Wrote {page}\n"
    assert page.read_text() == "<p>1 None</p>"
    assert run("analyze", log, "--html", page, "-o", page, "--force").exit_code == 2


def test_starts_are_selected_and_a_wrong_one_is_told_before_anything_is_written(
    run: Run, log: Path, pipeline: Any
) -> None:
    pipeline(ready_start(), failed_start(), ready_start(index=3))
    data = json.loads(run("analyze", log, "-f", "json", "--start", "2").stdout)
    assert [s["index"] for s in data["starts"]] == [2]
    assert len(json.loads(run("analyze", log, "-f", "json").stdout)["starts"]) == 3
    result = run("analyze", log, "--start", "4", "-o", log.parent / "o")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no start 4" in result.stderr
    assert not (log.parent / "o").exists()


@pytest.mark.parametrize(
    ("limit", "choice", "code"),
    [("15", "1", 0), ("13", "1", 5), ("12", "1", 1), ("15", "2", 1), ("15", "all", 1), ("15", None, 1), ("99", "3", 5)],
)
def test_the_gate_judges_the_selected_starts(
    run: Run, log: Path, pipeline: Any, limit: str, choice: str | None, code: int
) -> None:
    pipeline(ready_start(), failed_start(), fragment(index=3))
    args = [] if choice is None else ["--start", choice]
    result = run("analyze", log, "--fail-over", limit, *args)
    assert result.exit_code == code
    assert result.stdout  # the report comes whatever the verdict is


def test_good_inputs_are_analysed_and_each_bad_one_is_told(run: Run, log: Path) -> None:
    result = run("analyze", log, "/no/a", "/no/b", "-f", "json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["starts"]
    assert result.stderr == "k3slog: /no/a: no such file. Check it\nk3slog: /no/b: no such file. Check it\n"


def test_only_bad_inputs_give_no_output(run: Run, pipeline: Any) -> None:
    result = run("analyze", "/no/a", "-f", "json")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "k3slog: /no/a: no such file. Check it\n"


def test_piped_input_is_read_without_a_path_and_for_a_dash(run: Run, pipeline: Any) -> None:
    assert run("analyze", input=b"x\n").exit_code == 0
    assert run("analyze", "-", input=b"x\n").exit_code == 0


def test_nothing_of_k3s_is_4(run: Run, log: Path, pipeline: Any) -> None:
    pipeline()
    result = run("analyze", log)
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == "k3slog: nothing of a k3s or RKE2 run. Give the journal of k3s\n"


def test_a_bug_is_one_line_and_70_and_debug_shows_where(run: Run, log: Path, pipeline: Any) -> None:
    pipeline(error=ZeroDivisionError("bad\x1b[31m\nluck"))
    result = run("analyze", log)
    assert result.exit_code == 70
    assert result.stderr.count("\n") == 1
    assert "ZeroDivisionError: bad\\x1b[31m\\nluck" in result.stderr
    assert "Traceback" in run("analyze", log, "--debug").stderr
    assert "Traceback" in run("--debug", "analyze", log).stderr


def test_an_interrupt_is_130_and_a_closed_pipe_141_quietly(run: Run, log: Path, pipeline: Any) -> None:
    pipeline(error=KeyboardInterrupt())  # type: ignore[arg-type]
    result = run("analyze", log)
    assert (result.exit_code, result.stderr) == (130, "")
    pipeline(error=BrokenPipeError())
    result = run("analyze", log)
    assert (result.exit_code, result.stderr) == (141, "")


@pytest.mark.parametrize(
    "args",
    [
        ["--format", "xml"],
        ["--width", "10"],
        ["--fail-over", "-1"],
        ["--fail-over", "soon"],
        ["--nope"],
        ["--table", "x"],
        ["--table", "goals"],
        ["--table", "goals", "-f", "json"],
    ],
)
def test_wrong_options_are_2(run: Run, log: Path, args: list[str]) -> None:
    result = run("analyze", log, *args)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("width", [40, 120])
def test_width_and_utc_reach_the_text(run: Run, log: Path, pipeline: Any, width: int) -> None:
    from datetime import datetime, timedelta, timezone

    local = datetime(2025, 3, 1, 6, 3, 22, tzinfo=timezone(timedelta(hours=2)))
    pipeline(ready_start(began_at=local))
    result = run("analyze", log, "--width", width, "--utc", "--full")
    assert max(map(len, result.stdout.splitlines())) <= width
    assert "2025-03-01 04:03:22" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("args", "begin"), [([], "start,key,host"), (["-f", "json"], "[{"), (["-f", "trace"], '{"traceEvents"')]
)
def test_timeline_formats(run: Run, log: Path, args: list[str], begin: str) -> None:
    result = run("timeline", log, *args)
    assert result.exit_code == 0
    assert result.stdout.startswith(begin)


@pytest.mark.parametrize(("name", "begin"), [("t.trace.json", '{"traceEvents"'), ("t.json", "[{"), ("t.csv", "start")])
def test_timeline_goes_by_the_name_of_the_file(run: Run, log: Path, name: str, begin: str) -> None:
    assert run("timeline", log, "-o", log.parent / name).exit_code == 0
    assert (log.parent / name).read_text().startswith(begin)


def test_parquet_needs_a_file(run: Run, log: Path) -> None:
    assert run("timeline", log, "-f", "parquet").exit_code == 2


def test_the_schema_is_printed(run: Run, log: Path) -> None:
    printed = run("schema").stdout
    assert json.loads(printed)["$defs"]["window"]
    assert run("schema", "-o", log.parent / "s.json").exit_code == 0
    assert (log.parent / "s.json").read_text() == printed
    assert run("schema", "report").stdout == printed
    assert json.loads(run("schema", "fleet").stdout)["properties"]["schema"] == {"const": "k3slog.fleet"}
    assert run("schema", "nothing").exit_code == 2
