from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import analyzer
from analyzer import frames
from analyzer.cli import analyze as analyze_command
from analyzer.reports import answer, text
from analyzer.reports.format import Options
from tests.kit.frame_schema import validate
from tests.kit.made_reports import crash_loop, hostile_start, ready_start, report_of


def test_all_is_sorted_complete_and_resolvable() -> None:
    assert analyzer.__all__ == sorted(analyzer.__all__)
    assert set(analyzer._HOMES) | {"__version__"} == set(analyzer.__all__)
    for name in analyzer.__all__:
        assert getattr(analyzer, name) is not None
        assert name in dir(analyzer)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        analyzer.nonsense  # noqa: B018


def test_import_loads_nothing_heavy() -> None:
    code = "import analyzer, sys; print(sorted({'pandas', 'numpy', 'plotly', 'rich', 'typer'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", sorted(frames.TABLES))
def test_every_table_is_a_method(name: str) -> None:
    made = analyzer.Analysis(report_of(ready_start()))
    validate(getattr(made, name)(), name)


def test_every_table_can_be_written_as_csv() -> None:
    assert get_args(analyze_command.Table) == tuple(frames.TABLES)


def test_an_analysis_shows_itself_in_a_shell_and_safely_in_a_notebook() -> None:
    made = analyzer.Analysis(crash_loop(2))
    assert repr(made) == "<Analysis of 3 starts: 2 failed, 1 ready>"
    assert len(made) == 3 and [s.index for s in made] == [1, 2, 3]
    html = analyzer.Analysis(report_of(hostile_start()))._repr_html_()
    assert html.startswith('<div class="k3slog-answer') and "</script>" not in html and "\x1b" not in html


def test_text_and_json_are_what_the_command_prints() -> None:
    from analyzer.reports import json_report

    report = report_of(ready_start())
    made = analyzer.Analysis(report)
    assert made.to_json() == json_report.render(report)
    assert made.to_text() == text.render(report)


def test_an_answer_is_printed_in_the_words_of_the_terminal() -> None:
    made = analyzer.Analysis(crash_loop(2))
    for start in (None, "1", 3, "slowest"):
        told = made.answer(start)
        choice = None if start is None else str(start)
        assert text.render(made.report, Options(start=choice)).startswith(f"{told}\n")
        assert told.verdict.split()[0] in str(told) and "\x1b" not in str(told)
        assert repr(told) == f"<Answer, {told.mark}: {told.verdict!r}>"
        assert parts_of(told) == parts_of(answer.answer(made.report, choice))
    with pytest.raises(analyzer.UsageError):
        made.answer(9)
    hostile = analyzer.Analysis(report_of(hostile_start())).answer()
    assert "\x1b" not in str(hostile) + repr(hostile) and len(repr(hostile).splitlines()) == 1
    assert str(analyzer.Analysis(report_of()).answer()) == "? The log holds no start."


def parts_of(told: answer.Answer) -> dict[str, object]:
    """Its fields, one level deep."""
    return {field.name: getattr(told, field.name) for field in fields(told)}


def test_loading_nothing_is_a_usage_error() -> None:
    with pytest.raises(analyzer.UsageError):
        analyzer.load()


def test_simulate_gives_a_table_with_ranges() -> None:
    from analyzer import frames

    sample = Path(__file__).parent.parent / "sample_logs" / "recorded" / "1324-fresh-25.export.gz"
    first = analyzer.simulate(sample, policies=["shared-2s", "oracle"], draws=500, seed=3)
    table = frames.simulation(first)
    validate(table, "simulation")
    assert list(table["policy"]) == ["shared-2s", "oracle"]
    assert table["delay_s_mean"].iloc[0] > table["delay_s_mean"].iloc[1]
    again = analyzer.simulate(sample, policies=["shared-2s", "oracle"], draws=500, seed=3)
    assert again == first
    assert analyzer.simulate(scenario="edge-1core", draws=200, policies=["shared-2s"]).policies[0].draws == 200
    with pytest.raises(analyzer.UsageError):
        analyzer.simulate()


def test_a_log_is_analysed_once_and_each_analysis_gives_the_same() -> None:
    log = analyzer.load(Path(__file__).parents[1] / "sample_logs" / "crash-loop-until-roles.short.txt")
    assert log.report is log.report
    assert [analyzer.analyze(log).report for _ in range(3)] == [log.report] * 3


def test_a_log_is_drawn_without_analysing_it_by_hand() -> None:
    from analyzer import figures

    log = analyzer.load(Path(__file__).parents[1] / "sample_logs" / "crash-loop-until-roles.short.txt")
    drawn = figures.starts(log)
    assert sum(len(trace.x) for trace in drawn.data if trace.type == "scatter") == 4
    assert drawn.to_plotly_json() == figures.starts(analyzer.analyze(log)).to_plotly_json()
    assert "Start 4" in figures.timeline(log).layout.title.text
