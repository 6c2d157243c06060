"""The head of ``systemctl status``: unit, state, since when and how long ago, and the lines below it."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from analyzer.records import LogRecord, read_log_records
from analyzer.records.log_record import Payload
from analyzer.records.systemctl_status import ago_s


def records(*rows: str) -> list[LogRecord]:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return log_records.records


def moment(record: LogRecord) -> str | None:
    return None if record.at is None else datetime.fromtimestamp(record.at.us / 1e6, UTC).strftime("%F %T")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("9min", 540), ("1h 2min", 3720), ("8s", 8), ("2 weeks 3 days", 1_468_800), ("1 day 2h", 93_600),
        ("1 month 2 days", 2_802_600), ("1 year 0 months", 31_557_600), ("345ms", 0), ("3min 2s", 182),
        ("1y", 31_557_600), ("2 years", 63_115_200), ("2 months", 5_259_600), ("1w", 604_800), ("1 week", 604_800),
        ("1d", 86_400), ("2 days", 172_800), ("5us", 0), ("no time", None), ("", None),
    ],
)  # fmt: skip
def test_spans(text: str, seconds: int | None) -> None:
    assert ago_s(text) == seconds


@pytest.mark.parametrize("bullet", ["●", "○", "×", "↻", "*", "x", "  ●"])
@pytest.mark.parametrize(
    ("unit", "ident"), [("k3s", "k3s"), ("k3s-agent", "k3s"), ("rke2-server", "rke2"), ("rke2-agent", "rke2")]
)
def test_a_block_gives_its_head_its_state_and_its_lines(bullet: str, unit: str, ident: str) -> None:
    rows = [
        f"{bullet} {unit}.service - Some Description",
        "     Loaded: loaded (/etc/systemd/system/x.service; enabled; vendor preset: disabled)",
        "     Active: activating (start) since Mon 2026-05-04 08:00:21 UTC; 1h 2min ago",
        "    Process: 4300 ExecStartPre=/sbin/modprobe br_netfilter (code=exited, status=0/SUCCESS)",
        f"   Main PID: 4310 ({ident})",
        "",
        "Failed to test etcd connection: this server has not yet been promoted",
        'level=info msg="Waiting for etcd"',
        "",
        "and this is what I think of it",
    ]
    head, state, plain, logrus, prose = records(*rows)
    assert (head.payload, head.ident, head.unit, head.at) == (Payload.SYSTEMD, "systemd", f"{unit}.service", None)
    assert head.message.endswith(f"{unit}.service - Some Description")
    assert (state.payload, state.unit, state.message.startswith("Active: ")) == (Payload.SYSTEMD, head.unit, True)
    assert dict(state.fields) == {
        "state": "activating (start)", "since": "2026-05-04 08:00:21 UTC", "ago_s": "3720",
    }  # fmt: skip
    assert moment(state) == "2026-05-04 08:00:21" and state.absolute
    assert {(r.ident, r.pid, r.unit) for r in (plain, logrus)} == {(ident, 4310, head.unit)}
    assert prose.ident is None


@pytest.mark.parametrize(
    ("line", "state", "ago"),
    [
        ("   Active: inactive (dead)", "inactive (dead)", None),
        ("   Active: inactive (dead) since Mon 2026-05-04 08:00:21 UTC; 5min ago", "inactive (dead)", "300"),
        (
            "Active: failed (Result: exit-code) since Mon 2026-05-04 08:00:21 UTC; 5s ago",
            "failed (Result: exit-code)",
            "5",
        ),
        (
            "   Active: activating (auto-restart) (Result: exit-code) since Mon 2026-05-04 08:00:21 UTC; 1s ago",
            "activating (auto-restart) (Result: exit-code)",
            "1",
        ),
        ("     Active: active (running) since Mon 2026-05-04 08:00:21 UTC; 2 days ago", "active (running)", "172800"),
    ],
)
def test_states(line: str, state: str, ago: str | None) -> None:
    found = records("● k3s.service - Lightweight Kubernetes", line)[1]
    assert (found.fields["state"], found.fields.get("ago_s")) == (state, ago)


def test_a_zone_in_letters_is_local_time() -> None:
    state = records("● k3s.service - x", "   Active: active (running) since Mon 2026-05-04 08:00:21 CEST; 5s ago")[1]
    assert not state.absolute and moment(state) == "2026-05-04 08:00:21"
    assert state.local_time == "2026-05-04 08:00:21"


def test_another_unit_is_nobodys() -> None:
    rows = [
        "● sshd.service - OpenSSH",
        "   Active: active (running) since Mon 2026-05-04 08:00:21 UTC; 5s ago",
        "",
        "Hello",
    ]
    head, _, line = records(*rows)
    assert head.unit == "sshd.service" and line.ident is None and line.unit is None


def test_the_log_below_is_a_piece_of_the_whole() -> None:
    rows = [
        "● k3s.service - x",
        "   Active: active (running)",
        "",
        "May 04 08:00:22 n1 k3s[7]: one",
        "May 04 08:00:23 n1 k3s[7]: two",
    ]
    *_, first, second = records(*rows)
    assert first.lost_before and not second.lost_before
    assert first.unit == "k3s.service"
