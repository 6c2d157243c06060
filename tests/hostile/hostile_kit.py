"""Shared by the hostile-input tests: the command run in-process, and a small healthy journal to spoil."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from analyzer.cli.main import app
from tests.kit.score_recorded import RECORDED, carrier_bytes

BAD_INPUT, NO_DATA = 3, 4


@dataclass(frozen=True)
class Ran:
    """What one run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """The lines on stderr."""
        return self.err.splitlines()


def k3slog(*args: str | Path, stdin: bytes = b"") -> Ran:
    """Run ``k3slog ARGS``; an exception that leaves the command is raised here, as the traceback a user would see."""
    result = CliRunner().invoke(app, [str(a) for a in args], input=stdin, prog_name="k3slog")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def healthy(carrier: str = "short", name: str = "1324-fresh-full") -> bytes:
    """A recording of a start that became ready, as ``journalctl -o CARRIER`` prints it."""
    return carrier_bytes(RECORDED / f"{name}.export.gz", carrier)
