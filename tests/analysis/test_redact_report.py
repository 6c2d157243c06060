"""What a log says of secrets: no way of writing a report repeats it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import analyzer
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
