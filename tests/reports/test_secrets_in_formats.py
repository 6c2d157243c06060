"""Secrets of every kind, as the reason of a failed start, are in no format of its report."""

from __future__ import annotations

import io
import json

import analyzer
from tests.events.test_secret_kinds import KINDS, SECRET
from tests.kit.every_format import everything


def crash_loop(reasons: list[str]) -> str:
    rows = []
    for number, reason in enumerate(reasons):
        at = f"{6 + number // 60:02d}:{number % 60:02d}"
        stamp, pid = f"2026-03-01T{at}", 1000 + number
        for second, level, words in ((1, "info", "Starting k3s v1.32.4+k3s1 (6b330558)"), (3, "fatal", reason)):
            said = f'time="{stamp}:{second:02d}Z" level={level} msg={json.dumps(words)}'
            rows.append(f"Mar 01 {at}:{second:02d}.000000 node-a k3s[{pid}]: {said}")
        ended = "k3s.service: Main process exited, code=exited, status=1/FAILURE"
        rows.append(f"Mar 01 {at}:04.000000 node-a systemd[1]: {ended}")
    return "\n".join(rows) + "\n"


def test_no_format_shows_one() -> None:
    kinds = KINDS[::4]  # all are tried on the rules themselves
    text = crash_loop([f"cannot start: {kind % SECRET}" for kind in kinds])
    log = analyzer.load(stdin=io.BytesIO(text.encode()))
    found = analyzer.analyze(log)
    assert len(found) == len(kinds)
    assert sum("***" in (start.outcome_reason or "") for start in found) > 0.9 * len(kinds)
    for report in (found.report, found.anonymized(log).report):
        for name, made in everything(report).items():
            assert SECRET not in made, (name, made[made.index(SECRET) - 200 :][:300])
