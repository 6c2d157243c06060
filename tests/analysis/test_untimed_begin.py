"""A start whose first words have no time may have begun long before the first line that has one."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzer
from analyzer.errors import ExitCode
from analyzer.reports.selection import judge_each


def judged(banner: str, limit_s: float, tmp_path: Path) -> ExitCode:
    """The gate on a start that says its banner so, and is ready 9 s after its next line."""
    rows = [
        banner,
        "I0301 06:00:20.000000    1000 options.go:220] external host was not specified, using 192.0.2.7",
        "I0301 06:00:22.000000    1000 secure_serving.go:213] Serving securely on 127.0.0.1:6444",
        'time="2026-03-01T06:00:29Z" level=info msg="Kube API server is now running"',
        'time="2026-03-01T06:00:29Z" level=info msg="k3s is up and running"',
    ]
    path = tmp_path / "log.txt"
    path.write_text("\n".join(rows) + "\n")
    [start] = analyzer.analyze(path).report.starts
    assert start.outcome == "ready"
    assert start.begin_seen
    return judge_each([start], limit_s)[0].code


@pytest.mark.parametrize(
    ("banner", "code"),
    [
        ('time="2026-03-01T06:00:19Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"', ExitCode.OK),
        ('level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"', ExitCode.INCONCLUSIVE),
    ],
)
def test_it_passes_no_limit(banner: str, code: ExitCode, tmp_path: Path) -> None:
    assert judged(banner, 30.0, tmp_path) is code
