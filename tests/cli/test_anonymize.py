"""``k3slog anonymize``: where it writes, and how it ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.kit.in_process import k3slog

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "starved.short-precise.txt"


def run(*args: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return k3slog("anonymize", *args, given=given)


def test_to_stdout_to_a_file_and_from_a_pipe_it_is_the_same(tmp_path: Path) -> None:
    shown = run(SAMPLE)
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b"host-1 k3s[" in shown.stdout and b"node-a" not in shown.stdout
    file = tmp_path / "to-post.txt"
    written = run(SAMPLE, "-o", file)
    assert (written.returncode, written.stdout) == (0, b"")
    assert b"Wrote" in written.stderr
    assert file.read_bytes() == shown.stdout
    assert run(given=SAMPLE.read_bytes()).stdout == shown.stdout
    assert run(SAMPLE, "-o", file).returncode == 3  # it exists


def test_what_has_nothing_of_k3s_in_it_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("Mar 01 06:03:22 zqhost sshd[7]: from 192.168.7.9 port 22\n")
    shown = run(path)
    assert (shown.returncode, shown.stdout) == (0, b"Mar 01 06:03:22 zqhost sshd[7]: from 192.0.2.1 port 22\n")


def test_what_cannot_be_read_is_told_and_the_rest_is_written(tmp_path: Path) -> None:
    shown = run(tmp_path / "none.log", SAMPLE)
    assert shown.returncode == 3
    assert b"none.log" in shown.stderr
    assert shown.stdout.count(b"\n") == SAMPLE.read_bytes().count(b"\n")
    assert run(tmp_path / "none.log").returncode == 3
    same = tmp_path / "same.log"
    same.write_bytes(SAMPLE.read_bytes())
    assert run(same, "-o", same, "--force").returncode == 2
    assert same.read_bytes() == SAMPLE.read_bytes()
