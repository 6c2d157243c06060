"""Words to the person at the terminal: stderr only, one line each."""

from __future__ import annotations

import contextlib
import sys


def complain(line: str) -> None:
    """One line on stderr; a closed stderr is no reason to fail."""
    with contextlib.suppress(OSError, ValueError):
        print(f"k3slog: {line}", file=sys.stderr)
