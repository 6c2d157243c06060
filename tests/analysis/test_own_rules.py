"""What a user's own rules bring into a report: milestones and findings, beside ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analyzer.analysis import analyze_records
from analyzer.cli.main import app
from analyzer.records import read_log_records
from tests.kit.handmade import Journal
from tests.kit.own_rules import parse_rules

LOG = Path(__file__).parents[2] / "sample_logs" / "slow-rbac-one-core.short.txt"
OWN = """
[[mark]]
id = "vault_ready"
kind = "milestone"
any = ["Running kube-apiserver"]
"""


def test_a_milestone_of_ones_own_stands_among_ours_by_its_time() -> None:
    log_records, _ = read_log_records([LOG])
    (start,) = analyze_records(log_records, tool_version="0", user=parse_rules(OWN)).starts
    (without,) = analyze_records(log_records, tool_version="0").starts
    [own] = [stone for stone in start.milestones if stone.id == "vault_ready"]
    assert (own.at_s, own.line) == (2.0, 37)
    assert own.text.startswith("Running kube-apiserver --advertise-address=")
    assert [stone for stone in start.milestones if stone is not own] == list(without.milestones)
    lines = [stone.line for stone in start.milestones]
    assert lines == sorted(lines)


@pytest.mark.parametrize("command", ["analyze", "timeline"])
def test_it_is_in_every_form_of_the_report(tmp_path: Path, command: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    name = {"analyze": ("report.json", "page.html"), "timeline": ("events.csv", "trace.trace.json")}[command]
    for out in name:
        option = "--html" if out.endswith(".html") else "-o"
        ran = CliRunner().invoke(app, [command, str(LOG), "--rules", str(own), option, str(tmp_path / out)])
        assert ran.exit_code == 0, ran.output
        assert "vault_ready" in (tmp_path / out).read_text()
    if command == "analyze":
        [start] = json.loads((tmp_path / "report.json").read_text())["starts"]
        assert [stone["line"] for stone in start["milestones"] if stone["id"] == "vault_ready"] == [37]
        assert "vault ready" in (tmp_path / "page.html").read_text()


def test_findings_of_ones_own_are_told_before_ours_of_the_same_weight() -> None:
    log_records, _ = read_log_records([LOG])
    text = '[[finding]]\nid = "cert_lines"\nmarks = "certificates"\ntitle = "Certificates"\nseverity = "warning"\n'
    (start,) = analyze_records(log_records, tool_version="0", user=parse_rules(text)).starts
    assert start.findings[0].id == "cert_lines"
    assert start.findings[0].severity == start.findings[1].severity == "warning"
    assert "healthy" not in {finding.id for finding in start.findings}


@pytest.mark.parametrize(("phase", "lines"), [("before_ready", 1), ("after_ready", 2), ("any", 3)])
def test_the_line_by_which_readiness_is_known_is_not_before_it(phase: str, lines: int) -> None:
    text = '[[mark]]\nid = "is_running"\nkind = "milestone"\nany = ["is now running"]\n'
    text += '[[finding]]\nid = "runs"\nmarks = "is_running"\ntitle = "Runs"\nseverity = "warning"\n'
    journal = Journal().begin().serving(3.0).say(4.0, "The thing is now running").running(5.0)
    journal.say(6.0, "Another is now running")
    rules = parse_rules(f'{text}phase = "{phase}"\n')
    (start,) = analyze_records(journal.log_records(), tool_version="0", user=rules).starts
    [told] = [finding for finding in start.findings if finding.id == "runs"]
    assert len(told.lines) == lines


@pytest.mark.parametrize(("length", "shown"), [(300, "x" * 300), (301, "x" * 300 + "…")])
def test_of_a_long_line_three_hundred_characters_are_shown(length: int, shown: str) -> None:
    text = '[[mark]]\nid = "long"\nkind = "milestone"\nany = ["xxxxxxxx"]\n'
    text += '[[finding]]\nid = "long_line"\nmarks = "long"\ntitle = "Long"\nseverity = "warning"\n'
    journal = Journal().begin().kube(1.0, "x" * length)
    (start,) = analyze_records(journal.log_records(), tool_version="0", user=parse_rules(text)).starts
    [told] = [finding for finding in start.findings if finding.id == "long_line"]
    assert told.detail.endswith(f": {shown}")


@pytest.mark.parametrize(("least", "told"), [(1, True), (2, True), (3, False)])
def test_a_finding_of_ones_own_may_need_several_lines(least: int, told: bool) -> None:
    text = '[[mark]]\nid = "long"\nkind = "milestone"\nany = ["xxxxxxxx"]\n'
    text += '[[finding]]\nid = "lines"\nmarks = "long"\ntitle = "L"\nseverity = "warning"\n'
    journal = Journal().begin().kube(1.0, "xxxxxxxx").kube(2.0, "xxxxxxxx")
    rules = parse_rules(f"{text}min_count = {least}\n")
    (start,) = analyze_records(journal.log_records(), tool_version="0", user=rules).starts
    assert ("lines" in {finding.id for finding in start.findings}) is told
