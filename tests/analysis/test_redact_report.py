"""What a log says of secrets: no way of writing a report repeats it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import analyzer
from analyzer.analysis.redact_report import redacted
from analyzer.results import Check, End, Finding, Report, StartReport
from tests.kit.every_format import everything

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "slow-rbac-one-core.short.txt"
FATAL = (
    'Mar 01 06:03:41 node-a k3s[2356]: time="2026-03-01T06:03:41Z" level=fatal msg="starting kubernetes: preparing '
    'server: token K10deadbeef::server:t0ps3cr3t, datastore mysql://root:h1dd3n@tcp(db)/k3s, --token=pr1v4te"\n'
)
SECRETS = ("t0ps3cr3t", "h1dd3n", "pr1v4te")


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> analyzer.Analysis:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path_factory.mktemp("secrets") / "k3s.log"
    path.write_text("".join([*lines[:140], FATAL]), encoding="utf-8")
    return analyzer.analyze(path)


def test_the_line_is_told_without_its_secrets(analysis: analyzer.Analysis) -> None:
    (start,) = analysis.report.starts
    assert start.outcome_reason is not None and start.outcome_reason.startswith("starting kubernetes: preparing")
    (fatal,) = (m for m in start.milestones if m.id == "fatal")
    assert "mysql://root:***@tcp(db)/k3s" in fatal.text


def test_no_report_repeats_a_secret(analysis: analyzer.Analysis) -> None:
    report = analysis.report
    written = {
        "json": analysis.to_json(),
        "text": analysis.to_text(),
        "notebook": analysis._repr_html_(),
        "evidence": json.dumps(list(report.evidence.values())),
        **everything(report),
    }
    telling = [text for text in written.values() if "preparing server" in text.replace("\n", " ")]
    assert len(telling) > 8
    for name, text in written.items():
        assert not [secret for secret in SECRETS if secret in text], name


SAID = "--token=pr1v4te"


@pytest.mark.parametrize("place", ["title", "detail", "advice"])
def test_the_guard_masks_every_text_of_a_finding(analysis: analyzer.Analysis, place: str) -> None:
    plain = Finding("x", "info", "title", "detail", "advice")
    kept, masked = _guarded(analysis.report, findings=(plain, replace(plain, **{place: SAID}))).findings
    assert kept == plain
    assert masked == replace(plain, **{place: "--token=***"})


def test_the_guard_masks_every_other_sentence_of_a_start(analysis: analyzer.Analysis) -> None:
    report = analysis.report
    told = replace(report.starts[0].bottleneck, sentence=SAID)
    checks = (Check("a", "ok", True, reasons=("fine", SAID)), Check("b", "ok", True, reasons=("fine",)))
    start = _guarded(report, outcome_reason=SAID, end=End("failed", 1.0, 3, SAID), checks=checks, bottleneck=told)
    assert start.outcome_reason == start.end.reason == start.bottleneck.sentence == "--token=***"
    assert [check.reasons for check in start.checks] == [("fine", "--token=***"), ("fine",)]
    assert _guarded(report, outcome_reason=None, end=End()).end.reason is None


def test_a_report_without_secrets_is_left_as_it_is(analysis: analyzer.Analysis) -> None:
    assert redacted(analysis.report) is analysis.report
    first = analysis.report.starts[0]
    mixed = redacted(replace(analysis.report, starts=(first, replace(first, outcome_reason=SAID))))
    assert mixed.starts[0] is first and mixed.starts[1].outcome_reason == "--token=***"


def _guarded(report: Report, **said: object) -> StartReport:
    [start] = redacted(replace(report, starts=(replace(report.starts[0], **said),))).starts
    return start
