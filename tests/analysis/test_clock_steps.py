"""Where the wall clock is set and no monotonic clock runs beside it, nothing after it has an upper end."""

from __future__ import annotations

from pathlib import Path

import analyzer

HEAD = """\
Oct 22 03:17:05 rpi4 systemd[1]: Starting k3s.service - Lightweight Kubernetes...
Oct 22 03:17:06 rpi4 k3s[640]: time="2024-10-22T03:17:06Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"
Oct 22 03:17:09 rpi4 k3s[640]: I1022 03:17:09.400000     640 server.go:155] Version: v1.33.4+k3s1
"""
TAIL = """\
Mar 01 06:03:30 rpi4 systemd-timesyncd[412]: Initial clock synchronization to Sat 2025-03-01 06:03:30 UTC.
Mar 01 06:03:30 rpi4 systemd[1]: Time has been changed
Mar 01 06:03:31 rpi4 k3s[640]: I0301 06:03:31.000000     640 secure_serving.go:213] Serving securely on 127.0.0.1:6444
Mar 01 06:03:45 rpi4 k3s[640]: time="2025-03-01T06:03:45Z" level=info msg="Kube API server is now running"
Mar 01 06:03:45 rpi4 k3s[640]: time="2025-03-01T06:03:45Z" level=info msg="k3s is up and running"
"""


def test_a_step_leaves_the_upper_ends_open_and_the_outcome_alone(tmp_path: Path) -> None:
    path = tmp_path / "rpi.txt"
    path.write_text(HEAD + TAIL)
    (start,) = analyzer.analyze(path).report.starts
    assert start.clock.steps == 1
    assert start.outcome == "ready"
    assert start.ready.upper is None and start.detected.upper is None
    assert "Not ready" not in start.bottleneck.sentence
    assert any(finding.id == "clock_step" for finding in start.findings)


def test_without_a_step_the_same_start_has_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "plain.txt"
    tail = "".join(line for line in TAIL.splitlines(True)[2:])
    head = HEAD.replace("Oct 22 03:17", "Mar 01 06:03").replace("2024-10-22T03:17", "2025-03-01T06:03")
    path.write_text(head.replace("I1022 03:17", "I0301 06:03") + tail)
    (start,) = analyzer.analyze(path).report.starts
    assert start.clock.steps == 0
    assert start.detected.upper is not None and start.detected.contains(40.5)


def test_the_clock_of_another_host_and_lines_of_another_program_bound_nothing(tmp_path: Path) -> None:
    journal = Path(__file__).parents[2] / "sample_logs" / "slow-rbac-one-core.short.txt"
    lines = journal.read_text(encoding="utf-8").splitlines()
    host = lines[0].split()[3]
    foreign = ["Mar 02 01:00:00 vm other[9]: a", "Mar 01 01:00:00 vm other[9]: b", f"Mar 01 01:00:00 {host} cron[8]: c"]
    whole, mixed = tmp_path / "whole.txt", tmp_path / "mixed.txt"
    whole.write_text("\n".join(lines) + "\n", encoding="utf-8")
    mixed.write_text("\n".join([*lines[:60], *foreign, *lines[60:]]) + "\n", encoding="utf-8")
    expected, found = (analyzer.analyze(path).report.starts[-1] for path in (whole, mixed))
    assert found.clock.steps == 0
    assert (found.ready.lower, found.ready.upper) == (expected.ready.lower, expected.ready.upper)
    assert found.ready.upper is not None


def test_an_hour_of_silence_within_a_start_is_a_clock_that_was_set(tmp_path: Path) -> None:
    """Between two dates that are both plausible, no line of the time daemon; once k3s is up, it may be quiet."""
    from analyzer import analyze

    head = 'Mar 01 {clock} node-a k3s[1193]: time="2026-03-01T{clock}Z" level=info msg="{text}"\n'
    texts = [
        ("06:00:00", "Starting k3s v1.33.4+k3s1 (148243c4)"),
        ("06:00:02", "Running kube-apiserver --secure-port=6444"),
        ("09:00:08", "Kube API server is now running"),
        ("12:00:00", "Stopped tunnel to 192.0.2.4:6443"),
    ]
    path = tmp_path / "k3s.log"
    path.write_text("".join(head.format(clock=clock, text=text) for clock, text in texts))
    [start] = analyze(path).report.starts
    assert start.clock.steps == 1
    assert start.ready.upper is None and (start.ready.lower or 0.0) < 6
    assert "clock_step" in {finding.id for finding in start.findings}
