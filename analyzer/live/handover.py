"""Runs a program in the place of ``wait``: same process, same streams, its own exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from analyzer.errors import printable

#: Exit codes of a wait that had a program to run and did not, as of ``timeout`` and ``env``.
TIMED_OUT, FAILED, CANNOT_RUN, NOT_FOUND = 124, 125, 126, 127


class CannotRun(Exception):
    """The program was not run; ``code`` says why to a shell."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def run_instead(command: Sequence[str]) -> NoReturn:
    """Become ``command``. Raises ``CannotRun``."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    # Python ignores these; a program expects the system's way, and what is ignored stays so across exec.
    ignored = [number for number in (signal.SIGPIPE, signal.SIGXFSZ) if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], list(command))
    except FileNotFoundError:
        problem = CannotRun(f"{printable(command[0])} was not found", NOT_FOUND)
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        problem = CannotRun(f"{printable(command[0])} cannot be run: {words}", CANNOT_RUN)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    raise problem
