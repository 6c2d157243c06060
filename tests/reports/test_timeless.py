"""A text without a single time: the order of its lines is all that is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import analyzer

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "slow-rbac-one-core.short.txt"


def test_a_text_without_times(tmp_path: Path) -> None:
    lines = [line.partition(": ")[2] for line in SAMPLE.read_text(encoding="utf-8").splitlines() if " k3s[" in line]
    bare = [re.sub(r'^time="[^"]*" |^[IWEF]\d{4} [\d:.]+ +\d+ ', "", line) for line in lines]
    path = tmp_path / "k3s.txt"
    path.write_text("\n".join(bare), encoding="utf-8")
    analysis = analyzer.analyze(path)
    (start,) = json.loads(analysis.to_json())["starts"]
    assert (start["outcome"], start["began_at"]) == ("ready", None)
    assert {poll["at_s"] for poll in start["polls"]} == {None}
    assert start["bottleneck"]["checks"] == ["poststarthook/rbac/bootstrap-roles"]
    short = " ".join(analysis.to_text().split())
    assert "no line has a time that can be read" in short and "seconds count from" not in short
    assert "the log does not show when" in short
    text = " ".join(analysis.to_text(full=True).split())
    assert "No line has a time that can be read" in text
    assert "seconds count from" not in text
    assert "still failing at the end" not in text
    assert "It became ready, but the log does not show when" in text
