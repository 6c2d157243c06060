"""The command ``k3slog`` by its entry point, in this process: a process of its own imports for half a second."""

from __future__ import annotations

import gc
import io
import signal
import subprocess
import sys
from unittest import mock

from analyzer.cli.main import run


def k3slog(*args: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """``k3slog ARGS`` with ``given`` on stdin; as ``subprocess.run`` has it. An error that leaves it is raised here."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in "12")
    words = ["k3slog", *map(str, args)]
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    garbage = gc.get_threshold()
    code: object = None
    try:
        with (
            mock.patch.object(sys, "argv", words),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")),
            mock.patch.object(sys, "stdout", out),
            mock.patch.object(sys, "stderr", err),
        ):
            run()
    except SystemExit as end:
        code = end.code
    finally:
        gc.set_threshold(*garbage)
        for number, handler in signals.items():
            signal.signal(number, handler)
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.buffer.getvalue(), err.buffer.getvalue())  # type: ignore[attr-defined]
