"""What is lost is known to be lost: the line after the hole carries it, and nothing is concluded across it."""

# ruff: noqa: E501  (log lines are as long as they are)

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from analyzer.analysis import analyze_records
from analyzer.records import LogRecords, read_log_records
from analyzer.results import Report

STAMP = "Mar 01 06:03:{:02d} n1 "
BANNER = 'k3s[5]: time="2025-03-01T06:03:30Z" level=info msg="Starting k3s v1.32.1+k3s1 (6a322f12)"'
KLOG = "k3s[5]: I0301 06:03:40.000000       5 server.go:150] Version: v1.32.1+k3s1"


def log_records(text: str | bytes) -> LogRecords:
    data = text if isinstance(text, bytes) else text.encode()
    found, errors = read_log_records(["-"], stdin=io.BytesIO(data))
    assert not errors
    return found


def report(text: str | bytes) -> Report:
    return analyze_records(log_records(text), tool_version="0")


def lost(text: str | bytes) -> list[str]:
    """Identifiers of the lines before which something was lost."""
    return [f"{r.ident}:{r.line}" for r in log_records(text).records if r.lost_before]


@pytest.mark.parametrize(
    ("notice", "unit"),
    [
        ("systemd-journald[321]: Suppressed 2650 messages from k3s.service", "k3s"),
        ("systemd-journald[321]: Suppressed 1 message from k3s.service", "k3s"),
        ("systemd-journal[93]: Suppressed 60 messages from /system.slice/k3s.service", "k3s"),
        ("rsyslogd[7]: imjournal: 4096 messages lost due to rate-limiting (20000 allowed within 600 seconds)", "k3s"),
        ("rsyslogd[7]: imuxsock[pid 5]: lost 87 messages from pid 5 due to rate-limiting", "k3s"),
        ("rsyslogd-2177: imuxsock lost 87 messages from pid 5 due to rate-limiting", "k3s"),
        ("systemd-journald[321]: Forwarding to syslog missed 12 messages.", "k3s"),
        ("systemd-journald[321]: Suppressed 9 messages from cron.service", None),
        ("kernel: Missed 17 kernel messages", None),
    ],
)
def test_a_notice_lays_the_hole_before_the_units_next_line(notice: str, unit: str | None) -> None:
    text = "\n".join(
        [STAMP.format(30) + BANNER, STAMP.format(39) + notice, STAMP.format(39) + "sshd[9]: x", STAMP.format(40) + KLOG]
    )
    assert lost(text) == ([f"{unit}:4"] if unit else [])


def test_the_structured_notice_names_the_unit() -> None:
    rows = []
    for number, (ident, message, more) in enumerate(
        [
            ("k3s", "a", {"_SYSTEMD_UNIT": "k3s.service"}),
            ("systemd-journald", "Suppressed 7 messages from k3s.service",
             {"MESSAGE_ID": "a596d6fe7bfa4994828e72309e95d61e", "N_DROPPED": "7", "OBJECT_SYSTEMD_UNIT": "k3s.service"}),
            ("sshd", "b", {"_SYSTEMD_UNIT": "ssh.service"}),
            ("k3s", "c", {"_SYSTEMD_UNIT": "k3s.service"}),
        ]
    ):  # fmt: skip
        rows.append(
            {
                "__REALTIME_TIMESTAMP": str(10**15 + number),
                "SYSLOG_IDENTIFIER": ident,
                "_PID": "5",
                "MESSAGE": message,
                **more,
            }
        )
    assert lost("".join(json.dumps(row) + "\n" for row in rows)) == ["k3s:4"]


def test_null_and_unprintable_messages_are_holes() -> None:
    rows: list[dict[str, object]] = [
        {"__REALTIME_TIMESTAMP": str(10**15 + n), "SYSLOG_IDENTIFIER": "k3s", "_PID": "5", "MESSAGE": m}
        for n, m in enumerate(["a", None, "b", list("grün".encode()), list(b"\xff\xfe")])
    ]
    found = log_records("".join(json.dumps(row) + "\n" for row in rows))
    assert [(r.message, r.lost_before) for r in found.records] == [
        ("a", False), ("", True), ("b", False), ("grün", False), ("\ufffd\ufffd", False),
    ]  # fmt: skip
    assert found.ledger.lossy == 2
    assert lost(STAMP.format(30) + BANNER + "\n" + STAMP.format(31) + "k3s[5]: [31B blob data]") == ["k3s:2"]


def test_grep_separators_and_elisions_are_holes_and_explanations_are_not() -> None:
    first, second = STAMP.format(30) + BANNER, STAMP.format(40) + KLOG
    assert lost(f"{first}\n--\n{second}") == ["k3s:3"]
    assert lost(f"{first}\n[SNIP]\n{second}") == ["k3s:3"]
    explained = "-- Subject: A start job for unit k3s.service has begun execution\n-- Defined-By: systemd\n--\n-- The job identifier is 1."
    assert lost(f"{first}\n{explained}\n{second}") == []


def test_a_piece_of_exactly_the_limit_is_joined_with_the_next_line_of_its_process_only() -> None:
    long = 'time="2025-03-01T06:03:36Z" level=info msg="' + "a" * 60_000 + '"'
    first, rest = long[:49152], long[49152:]
    rows = [f"k3s[5]: {first}", "sshd[9]: between", f"k3s[5]: {rest}"]
    records = log_records("\n".join(STAMP.format(36) + row for row in rows)).records
    assert [r.message for r in records] == ["a" * 60_000, "between"]
    whole = 'time="2025-03-01T06:03:36Z" level=info msg="'
    whole += "b" * (49152 - len(whole) - 1) + '"'
    records = log_records("\n".join(STAMP.format(36) + row for row in (f"k3s[5]: {whole}", KLOG))).records
    assert len(records) == 2, "a whole line of that length is followed by another line, not by its rest"


POLL = (
    'k3s[5]: time="2025-03-01T06:03:{:02d}Z" level=info msg="Polling for API server readiness: GET /readyz failed: {}"'
)
LIST = 'an error on the server (\\"[+]ping ok\\\\n[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\\\\nreadyz check failed\\") has prevented the request from succeeding'
UP = 'k3s[5]: time="2025-03-01T06:03:{:02d}Z" level=info msg="Kube API server is now running"'


def polled(*between: str) -> str:
    """A start with two polls ten seconds apart and what stands between them."""
    rows = [
        STAMP.format(30) + BANNER.replace("v1.32.1", "v1.32.4"),
        STAMP.format(31) + KLOG.replace("06:03:40", "06:03:31"),
    ]
    rows += [STAMP.format(32) + POLL.format(32, "the server is currently unable to handle the request"), *between]
    rows += [STAMP.format(42) + POLL.format(42, LIST), STAMP.format(44) + UP.format(44)]
    return "\n".join(rows)


def fine(text: str) -> str:
    """The same with stamps that can tell ticks apart: unprinted polls are told only where the grid is trusted."""
    return re.sub(r"(06:03:\d\d) n1", r"\1.010000 n1", text)


def test_no_poll_is_implied_across_a_hole() -> None:
    quiet = [STAMP.format(s) + KLOG.replace("06:03:40", f"06:03:{s}") for s in range(33, 42, 2)]
    [whole] = report(fine(polled(*quiet))).starts
    assert whole.poller.implied >= 4
    notice = STAMP.format(37) + "systemd-journald[321]: Suppressed 40 messages from k3s.service"
    [holed] = report(fine(polled(*quiet[:2], notice, *quiet[3:]))).starts
    assert holed.poller.implied == whole.poller.implied - 4, "those across the hole are unknown"
    assert "lines_lost" in {finding.id for finding in holed.findings}
    assert any(gap.kind == "lost" for gap in holed.gaps) or holed.findings
    [grepped] = report(polled("--")).starts
    assert grepped.poller.implied == 0


def test_a_stop_behind_a_hole_says_nothing_of_the_start() -> None:
    stop = STAMP.format(50) + "systemd[1]: Stopping k3s.service - Lightweight Kubernetes..."
    rows = [
        STAMP.format(29) + "systemd[1]: Starting k3s.service - Lightweight Kubernetes...",
        STAMP.format(30) + BANNER,
    ]
    later = (
        STAMP.format(40)
        + "k3s[5]: I0301 06:03:40.000000       5 handler.go:1] Adding GroupVersion apps v1 to ResourceManager"
    )
    [stopped] = report("\n".join([*rows, later, stop])).starts
    assert (stopped.outcome, stopped.end.kind) == ("stopped", "stopped")
    notice = STAMP.format(39) + "systemd-journald[321]: Suppressed 400 messages from k3s.service"
    [unknown] = report("\n".join([*rows, notice, later, stop])).starts
    assert (unknown.outcome, unknown.end.kind) == ("incomplete", "stopped")


def test_the_report_names_the_command_that_keeps_the_lines() -> None:
    notice = STAMP.format(37) + "systemd-journald[321]: Suppressed 40 messages from k3s.service"
    [start] = report(polled(notice)).starts
    [found] = [f for f in start.findings if f.id == "lines_lost"]
    assert "RateLimit" in found.advice or "journalctl" in found.advice


def test_messages_without_their_text_are_told_with_the_command_that_keeps_them() -> None:
    rows: list[dict[str, object]] = []
    for number in range(12):
        message = BANNER.removeprefix("k3s[5]: ") if number == 0 else None if number == 5 else f"line {number}"
        row = {"__REALTIME_TIMESTAMP": str(1740809010_000000 + number), "SYSLOG_IDENTIFIER": "k3s", "_PID": "5"}
        rows.append({**row, "MESSAGE": message})
    [start] = report("".join(json.dumps(row) + "\n" for row in rows)).starts
    [found] = [f for f in start.findings if f.id == "lines_lost"]
    assert "1 line came without its text" in found.detail and "-o export" in found.advice and found.lines == (6,)


def test_a_status_paste_sends_to_the_whole_journal() -> None:
    text = "● k3s.service - Lightweight Kubernetes\n   Main PID: 5 (k3s-server)\n\n" + STAMP.format(30) + BANNER
    [(source, note)] = report(text).notes
    assert source == 0 and "journalctl -u k3s.service --no-pager" in note


# ------------------------------------------------------------------ the same lines twice


def block(count: int) -> list[str]:
    return [
        STAMP.format(30 + n) + f"k3s[5]: I0301 06:03:{30 + n}.000000       5 a.go:{n}] line {n}" for n in range(count)
    ]


def test_a_block_pasted_twice_counts_once() -> None:
    rows = [STAMP.format(30) + BANNER, *block(9)]
    once, twice = log_records("\n".join(rows)), log_records("\n".join([*rows, *rows]))
    assert [r.raw for r in twice.records] == [r.raw for r in once.records]
    assert twice.ledger.reasons["given twice"] == 10
    assert "stand twice" in twice.notes[0][0]


def test_lines_of_another_process_or_after_a_clock_that_goes_back_are_no_second_paste() -> None:
    far = [STAMP.format(second) + f"k3s[5]: line {second}" for second in (30, 31, 45)]
    assert len(log_records("\n".join([*far, *far[:2]])).records) == 5
    assert (
        len(log_records("\n".join([*block(9), *(row.replace("k3s[5]", "k3s[6]") for row in block(9))])).records) == 18
    )


def test_what_was_missing_before_a_dropped_copy_is_missing_before_the_one_that_stays(tmp_path: Path) -> None:
    rows = [STAMP.format(30) + BANNER, *block(9)]
    (tmp_path / "tail.txt").write_text("\n".join(rows[4:]) + "\n")
    (tmp_path / "all.txt").write_text("\n".join([*rows[:3], "--", *rows[4:]]) + "\n")
    for order in (["tail.txt", "all.txt"], ["all.txt", "tail.txt"]):
        found, _ = read_log_records([tmp_path / name for name in order])
        assert [r.raw for r in found.records] == [*rows[:3], *rows[4:]]
        assert [r.raw for r in found.records if r.lost_before] == [rows[4]], order


def test_a_copy_without_the_hole_of_the_other_one_has_none(tmp_path: Path) -> None:
    rows = [STAMP.format(30) + BANNER, *block(9)]
    (tmp_path / "all.txt").write_text("\n".join(rows) + "\n")
    (tmp_path / "part.txt").write_text("\n".join([*rows[:3], "--", *rows[4:]]) + "\n")
    for order in (["part.txt", "all.txt"], ["all.txt", "part.txt"]):
        found, _ = read_log_records([tmp_path / name for name in order])
        assert sorted(r.raw for r in found.records) == sorted(rows)


def test_a_hole_within_a_second_paste_lies_before_what_follows_it() -> None:
    rows = [STAMP.format(30) + BANNER, *block(9)]
    last = STAMP.format(50) + "k3s[5]: I0301 06:03:50.000000       5 a.go:50] line 50"
    found = log_records("\n".join([*rows, "--", *rows, last]))
    assert [r.raw for r in found.records] == [*rows, last]
    assert [r.raw for r in found.records if r.lost_before] == [last]


# ------------------------------------------------------------------ newest first within a second


def test_texts_of_one_second_are_turned_round_by_what_they_say() -> None:
    said = ["Acquiring lock file /x", "Starting k3s v1.32.1+k3s1 (6a322f12)", "Kine available at unix://kine.sock"]
    rows = [f'{STAMP.format(30)}k3s[5]: time="2025-03-01T06:03:30Z" level=info msg="{text}"' for text in said]
    assert [r.message for r in log_records("\n".join(reversed(rows))).records] == said
    assert [r.message for r in log_records("\n".join(rows)).records] == said
    fine = [f"{STAMP.format(30)}k3s[5]: I0301 06:03:30.{n:06d}       5 a.go:1] line {n}" for n in range(5)]
    assert [r.raw for r in log_records("\n".join(reversed(fine))).records] == fine
    assert [r.raw for r in log_records("\n".join(fine)).records] == fine
