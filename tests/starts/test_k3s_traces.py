"""Whose lines those are that no identifier, no banner and no unit names."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from analyzer.records import read_log_records
from analyzer.starts import find_starts


def starts_of(text: str, tmp_path: Path) -> int:
    (tmp_path / "log.txt").write_text(text)
    log_records, _ = read_log_records([str(tmp_path / "log.txt")])
    return len(find_starts(log_records.records))


@pytest.mark.parametrize(
    "text",
    [
        'msg="CA cert validation failed: Get \\"https://127.0.0.1:38543/cacerts\\": EOF"',
        'level=error msg="no default routes found in \\"/proc/net/route\\""',
        'time="2026-05-04T08:00:00Z" level=warning msg="failed to write to /var/lib/rancher/k3s/server/tls/x.crt: EOF"',
        'E0504 08:00:00.000000    6017 status.go:71] apiserver got sqlite3.Error{Code:5, err:"database is locked"}',
    ],
)
def test_words_that_only_they_have(text: str, tmp_path: Path) -> None:
    assert starts_of(text + "\n", tmp_path) == 1


@pytest.mark.parametrize(
    "text",
    [
        'time="2026-05-04T08:00:00Z" level=error msg="failed to create directory /srv/x: permission denied"',
        'time="2026-05-04T08:00:01Z" level=fatal msg="failed to write to /srv/x/y: no space left on device"',
        'level=error msg="failed to validate token: expired"',
        "failed to write to /srv/x/y: no space left on device",
        "2026-05-04 08:00:00 ERROR database is locked",
        "sqlite3.OperationalError: database is locked",
    ],
)
def test_words_that_any_program_may_say(text: str, tmp_path: Path) -> None:
    assert starts_of(text + "\n", tmp_path) == 0


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ('time="2026-03-01T06:00:00Z" level=info msg="starting containerd" revision=0f version=v1.7.15-k3s1', True),
        ('time="2026-03-01T06:00:00Z" level=info msg="starting containerd" revision=0f version=v1.7.15', False),
        (
            'time="2026-03-01T06:00:00Z" level=info msg="starting containerd" revision=0f version=1.7.15-ubuntu1',
            False,
        ),
        ("ERRO[0002] Kubelet exited: exit status 1", True),
        ("ERRO[0002] the kubelet was told to end", False),
        ('time="2026-03-01T06:00:00Z" level=error msg="containerd exited: exit status 3"', True),
        ('time="2026-03-01T06:00:00Z" level=info msg="Containerd Exited: exit status 3, so ends kubelet"', False),
        ('time="2026-03-01T06:00:00Z" level=error msg="containerd exited with error: kubelet"', False),
        ("containerd exited: exit status 3", False),
    ],
)
def test_builds_and_words_that_only_they_have(line: str, ours: bool) -> None:
    records, _ = read_log_records(["-"], stdin=io.BytesIO(f"{line}\n".encode()))
    assert bool(find_starts(records.records)) is ours
