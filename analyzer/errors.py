"""Everything that can go wrong, and what a shell sees of it.

    K3slogError                     (70 unless a subclass says otherwise)
    ├── UsageError                  2   bad combination of options
    ├── BadInputError               3   missing, unreadable or undecodable input
    ├── NoDataError                 4   readable, but nothing to analyse in it
    └── OutputError                 3   the output cannot be written

Each carries a ``hint``: one sentence about what to do next.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command, as fixed by the contract."""

    OK = 0
    GATE_FAILED = 1
    USAGE = 2
    BAD_INPUT = 3
    NO_DATA = 4
    INCONCLUSIVE = 5
    TIMED_OUT = 6
    INTERNAL = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


def printable(text: str) -> str:
    """``text`` with every character that could steer a terminal made visible (``\\x1b``, ``\\u202e``)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class K3slogError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def one_line(self) -> str:
        """The error and its hint on one line, control characters made visible."""
        return printable(f"{self.message}. {self.hint}" if self.hint else self.message)


class UsageError(K3slogError):
    """The options do not go together."""

    exit_code = ExitCode.USAGE


class BadInputError(K3slogError):
    """An input is missing, unreadable or not decodable."""

    exit_code = ExitCode.BAD_INPUT


class NoDataError(K3slogError):
    """The input is readable but holds nothing of a k3s or RKE2 run."""

    exit_code = ExitCode.NO_DATA


class OutputError(K3slogError):
    """An output cannot be written."""

    exit_code = ExitCode.BAD_INPUT
