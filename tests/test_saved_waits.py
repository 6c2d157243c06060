"""A polls file of ``k3slog wait --output`` is an input like any other."""

from __future__ import annotations

from pathlib import Path

import analyzer

POLLS = """\
{"schema":"k3slog.polls","schema_version":1,"server":"https://127.0.0.1:6443","policy":"shared-2s","began_at":"2026-01-02T03:04:05.000000+00:00"}
{"departed":"2026-01-02T03:04:05.000000+00:00","answered":"2026-01-02T03:04:05.100000+00:00","status":503,"error":"service_unavailable","text":"the server is currently unable to handle the request","failing":[],"ok":[]}
{"departed":"2026-01-02T03:04:07.000000+00:00","answered":"2026-01-02T03:04:07.050000+00:00","status":500,"error":"readyz_failing","text":"x","failing":["poststarthook/rbac/bootstrap-roles"],"ok":["ping"]}
{"departed":"2026-01-02T03:04:09.000000+00:00","answered":"2026-01-02T03:04:09.020000+00:00","status":200,"error":null,"text":"","failing":[],"ok":["ping","poststarthook/rbac/bootstrap-roles"]}
{"end":"ready","at":"2026-01-02T03:04:09.020000+00:00","reason":"","advice":""}
"""  # noqa: E501


def test_a_saved_wait_is_analysed(tmp_path: Path) -> None:
    path = tmp_path / "polls.jsonl"
    path.write_text(POLLS)
    analysis = analyzer.analyze(path)
    (start,) = analysis.report.starts
    assert start.outcome == "ready"
    assert start.ready.contains(2.5) and start.ready.width is not None and start.ready.width <= 2.1
    hook = next(c for c in start.checks if c.name == "poststarthook/rbac/bootstrap-roles")
    assert hook.cleared.lower == 2.0 and hook.cleared.upper is not None and abs(hook.cleared.upper - 4.02) < 1e-6


def test_a_saved_wait_beside_a_journal_keeps_its_lines(tmp_path: Path) -> None:
    polls = tmp_path / "polls.jsonl"
    polls.write_text(POLLS)
    journal = Path(__file__).parent.parent / "sample_logs" / "healthy-sqlite.short.txt"
    analysis = analyzer.analyze([polls, journal])
    report = analysis.report
    assert [s.index for s in report.starts] == list(range(1, len(report.starts) + 1))
    assert [s.path for s in report.sources] == [str(journal), str(polls)]
    wait = report.starts[-1]
    assert wait.source == 1 and {poll.source for poll in wait.polls} == {1}
    assert report.ledger.lines == sum(s.lines for s in report.sources)
    for poll in wait.polls:
        assert poll.line is None or (1, poll.line) in report.evidence
