from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from analyzer.cli import console
from tests.kit.interruptible import interruptible

K3SLOG = [sys.executable, "-c", "from analyzer.cli.main import run; run()"]


def test_progress_is_silent_unless_somebody_watches_and_it_takes_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with console.Progress() as nobody:
        assert nobody is None
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with console.Progress() as observer:
        assert observer is not None
        observer.progress("/a/k3s\x1b.log", 10, 100)
        assert capsys.readouterr().err == ""
        now[0] += 2
        observer.progress("/a/k3s\x1b.log", 50_000_000, 100_000_000)
        assert capsys.readouterr().err == "\r\x1b[KReading k3s?.log: 50 %, 50 MB"
        observer.progress("/a/k3s.log", 60, 100)  # too soon after the last
        now[0] += 1
        observer.progress("/a/k3s.log", 7_000_000, None)
        assert capsys.readouterr().err == "\r\x1b[KReading k3s.log: 7 MB"
    assert capsys.readouterr().err == "\r\x1b[K"


def test_an_interrupt_while_reading_is_130_and_quiet(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = interruptible([*K3SLOG, "analyze", str(pipe)])
    try:
        descriptor = os.open(pipe, os.O_WRONLY)  # returns once the command has opened its end
        os.write(descriptor, b"x\n")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        os.close(descriptor)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (130, b"", b"")
