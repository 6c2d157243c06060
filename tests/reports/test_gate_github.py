"""What a workflow of GitHub is told, and what it must not be told by a log."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings, strategies as st

from analyzer.reports import gate_github, gate_json, gate_junit, gate_markdown, gate_text
from analyzer.reports.gate_github import SUMMARY, SUMMARY_LIMIT, add_summary, commands, harmless
from tests.kit import made_gate

HOSTILE = [
    "::error::x", "  ::set-output name=a::b", "a\n::error::x", "##[error]x", "x ##[set-env name=A]b", "%0A::error::x",
    "::stop-commands::t", "title,line=5::x", "\u3000::error::x", "\u0301::error::x", "\u200b::error::x",
    "#" * 9 + "[error]",
    "a" * 76 + " ::error::x " * 9, "- ::error::x", "%", "100%25",
]  # fmt: skip
FORMATS = {
    "text": gate_text.render, "json": gate_json.render, "markdown": gate_markdown.render, "junit": gate_junit.render,
}  # fmt: skip


def as_a_runner_reads_it(output: str) -> list[tuple[str, dict[str, str], str]]:
    """Command, properties and data of every line that is one, by either of its two forms."""
    found = []
    for line in output.splitlines():
        bare = line.lstrip()
        if bare.startswith("::") and "::" in bare[2:]:
            told, _, data = bare[2:].partition("::")
            name, _, properties = told.partition(" ")
            pairs = dict(pair.split("=", 1) for pair in properties.split(",") if "=" in pair)
            found.append((name, {key: unquote(value) for key, value in pairs.items()}, unquote(data)))
        elif "##[" in line and "]" in line.partition("##[")[2]:
            found.append((line.partition("##[")[2].partition("]")[0], {}, ""))
    return found


def test_each_limit_is_one_annotation_of_its_own_level() -> None:
    read = as_a_runner_reads_it(commands(made_gate.mixed()))
    assert [name for name, _, _ in read] == ["error"] * 5 + ["warning"] * 4
    assert read[0] == ("error", {"title": "failed<=0"}, "5%. 1 of 20 starts failed. (logs/18.log, start 1, line 99)")
    assert {name for name, _, _ in as_a_runner_reads_it(commands(made_gate.passing()))} == {"notice"}
    strict = as_a_runner_reads_it(commands(made_gate.mixed(strict=True)))
    assert [name for name, _, _ in strict] == ["error"] * 9
    assert all(list(properties) == ["title"] for _, properties, _ in read)  # the log is no file of the repository


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_log_adds_no_command_and_no_property(hostile: str) -> None:
    report = made_gate.hostile(hostile)
    told = commands(report)
    read = as_a_runner_reads_it(told)
    assert [name for name, _, _ in read] == ["error", "warning", "notice"] and told.count("\n") == 3
    assert all(list(properties) == ["title"] for _, properties, _ in read)
    for form, render in FORMATS.items():
        assert as_a_runner_reads_it(harmless(render(report), form)) == [], form


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("::##[]error %0A\n\r\t-|`\u00a0\u3000x"), max_size=40))
def test_nothing_made_of_such_signs_does(hostile: str) -> None:
    report = made_gate.hostile(hostile)
    assert [name for name, _, _ in as_a_runner_reads_it(commands(report))] == ["error", "warning", "notice"]
    for form, render in FORMATS.items():
        assert as_a_runner_reads_it(harmless(render(report), form)) == [], form


def test_the_runner_of_these_tests_would_notice() -> None:
    assert as_a_runner_reads_it("  ::error title=a%3Ab::c%0Ad") == [("error", {"title": "a:b"}, "c\nd")]
    assert as_a_runner_reads_it("x ##[warning]y") == [("warning", {}, "")]
    assert as_a_runner_reads_it(gate_text.render(made_gate.hostile("##[error]x")))


def test_json_and_xml_still_say_the_same() -> None:
    report = made_gate.hostile("##[error]::x")
    assert json.loads(harmless(gate_json.render(report), "json")) == json.loads(gate_json.render(report))
    import xml.etree.ElementTree as ET

    plain, safe = (ET.fromstring(made.encode()) for made in (
        gate_junit.render(report), harmless(gate_junit.render(report), "junit"),
    ))  # fmt: skip
    assert ET.tostring(plain) == ET.tostring(safe)


# --- the summary of the step


def test_the_summary_is_appended(tmp_path: Path) -> None:
    path, told = tmp_path / "summary.md", []
    path.write_text("# Before\n")
    for _ in range(2):
        add_summary(made_gate.mixed(), {SUMMARY: str(path)}, told.append)
    made = gate_markdown.render(made_gate.mixed())
    assert path.read_text() == f"# Before\n\n{made}\n{made}" and told == []
    new = tmp_path / "new.md"
    add_summary(made_gate.mixed(), {SUMMARY: str(new)}, told.append)
    assert new.read_text() == made and told == []


def test_without_a_file_there_is_none() -> None:
    told: list[str] = []
    add_summary(made_gate.mixed(), {}, told.append)
    add_summary(made_gate.mixed(), {SUMMARY: ""}, told.append)
    assert told == []


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    fifo, full = tmp_path / "fifo", tmp_path / "full.md"
    os.mkfifo(fifo)
    full.write_bytes(b"x" * (SUMMARY_LIMIT - 5))
    for name in (tmp_path, tmp_path / "not" / "there", fifo, full, "/dev/full", "/dev/null", "a\0b"):
        told: list[str] = []
        add_summary(made_gate.mixed(), {SUMMARY: str(name)}, told.append)
        assert len(told) == 1 and re.match(r"the summary of the step cannot be written: \S", told[0]), name
    assert full.stat().st_size == SUMMARY_LIMIT - 5


def test_one_limit_is_not_longer_than_a_runner_takes() -> None:
    long = made_gate.hostile("x" * 100_000)
    assert max(map(len, commands(long).splitlines())) < 10_000
    assert len(gate_markdown.render(long).encode()) < 50_000 < gate_github.SUMMARY_LIMIT
