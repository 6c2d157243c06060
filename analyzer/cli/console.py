"""Words to the person at the terminal: stderr only, one line each."""

from __future__ import annotations

import contextlib
import os
import sys
import time

_QUIET_S = 1.0  # what is read faster needs no progress
_EVERY_S = 0.1


def complain(line: str) -> None:
    """One line on stderr, secrets masked; a closed stderr is no reason to fail."""
    from analyzer.events.redaction import mask_secrets

    line = mask_secrets(line)
    with contextlib.suppress(OSError, ValueError):
        print(f"k3slog: {line}", file=sys.stderr)


class Progress:
    """One line on stderr that tells how far reading is; only on a terminal, and only when it takes a while.

    Use it as a context manager: the line is gone at the end.
    """

    def __init__(self) -> None:
        self._begin = self._told = time.monotonic()
        self._shown = False

    def progress(self, path: str, done_bytes: int, total_bytes: int | None) -> None:
        """Called while reading, see ``ledger.Observer``."""
        now = time.monotonic()
        if now - self._begin < _QUIET_S or now - self._told < _EVERY_S:
            return
        self._told = now
        name = "".join(c if c.isprintable() else "?" for c in os.path.basename(path))[:40]
        mega = f"{done_bytes / 1e6:.0f} MB"
        share = f"{min(100, 100 * done_bytes // total_bytes)} %, {mega}" if total_bytes else mega
        self._write(f"\r\x1b[KReading {name}: {share}")
        self._shown = True

    def inputs(self, done: int, total: int) -> None:
        """Called after each of many inputs."""
        now = time.monotonic()
        if now - self._begin < _QUIET_S or now - self._told < _EVERY_S:
            return
        self._told = now
        self._write(f"\r\x1b[KRead {done} of {total} inputs")
        self._shown = True

    def __enter__(self) -> Progress | None:
        """The observer, or ``None`` where nobody watches."""
        return self if sys.stderr is not None and sys.stderr.isatty() else None

    def __exit__(self, *exc: object) -> None:
        if self._shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()
