"""This machine's journal, read through ``journalctl``: it knows where journals are and who may read them.

The command is run without a shell, streamed, and ended when its reader is closed.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.errors import BadInputError, UsageError
from analyzer.sources.source import Input

UNITS = ("k3s", "k3s-agent", "rke2-server", "rke2-agent")
NAME = "<journal>"
_CLOSE_S = 2.0
_PROBE_S = 10.0
_STDERR_LIMIT = 2000
# What journalctl says when it leaves out journals of others; in English whatever the locale, as we set it.
_DENIED = ("not seeing messages from other users", "insufficient permissions", "Permission denied")


@dataclass(frozen=True, slots=True)
class Query:
    """What of the journal: units (none: those of k3s and RKE2), a boot, a span of time, another folder of journals."""

    units: tuple[str, ...] = ()
    boot: str | None = None
    since: str | None = None
    until: str | None = None
    directory: str | None = None

    def arguments(self) -> list[str]:
        """Of ``journalctl``, for these choices. Values are bound to their options, so none can pass for another."""
        args = [part for unit in self.units or UNITS for part in ("-u", unit)]
        values = {"boot": self.boot, "since": self.since, "until": self.until, "directory": self.directory}
        args += [f"--{name}={value}" for name, value in values.items() if value is not None]
        return args


def journal_input(query: Query) -> Input:
    """The journal as an input. Raises ``UsageError`` for values no ``journalctl`` would take."""
    named_units(query.units)
    if any("\0" in (value or "") for value in (query.boot, query.since, query.until, query.directory)):
        raise UsageError("a value holds a NUL character", hint="Leave it out")
    return Input(NAME, open=lambda: LocalJournal(query))


def named_units(units: Sequence[str]) -> None:
    """Raises ``UsageError`` for names that no ``journalctl`` would take."""
    for unit in units:
        if not unit or unit.startswith("-") or "\0" in unit:
            raise UsageError(f"{unit!r} is not a unit", hint="For example --unit k3s")


class LocalJournal(io.RawIOBase):
    """What ``journalctl`` prints, with its exit code and its words looked at when it ends.

    Raises ``BadInputError``: no ``journalctl``, nothing may be read, or it failed. What it printed before a failure is
    read, and the failure is told then.
    """

    def __init__(self, query: Query) -> None:
        super().__init__()
        program = shutil.which("journalctl")
        if program is None:
            raise BadInputError(
                "there is no journalctl on this machine", hint="Name a log file, or pipe one in: k3slog analyze k3s.log"
            )
        self._program, self._query = program, query
        self._count = 0
        self._done = False
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  a pipe that nobody reads could fill up
        command = [program, "-q", "-a", "--no-pager", "-o", "export", *query.arguments()]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._words, env=english()
            )
        except OSError as error:
            self._words.close()
            raise BadInputError(f"journalctl cannot be run: {error.strerror or error}", hint=self._command()) from None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._done:
            return 0
        out = self._process.stdout
        assert out is not None
        got = out.readinto(buffer)  # type: ignore[attr-defined]
        if got:
            self._count += got
            return int(got)
        self._done = True
        self._end()
        return 0

    def _end(self) -> None:
        code = self._process.wait()
        self._words.seek(0)
        words = self._words.read(_STDERR_LIMIT).decode("utf-8", "replace").strip()
        if self._count == 0 and (denied(words) or self._may_not_see()):
            raise BadInputError("this user may not read the journal of k3s", hint=f"Run: {self._command()}")
        if code != 0:
            last = words.splitlines()[-1].rstrip(".") if words else f"it ended with code {code}"
            if self._count:  # an end in the middle: what was read counts
                raise OSError(f"journalctl failed: {last}")
            raise BadInputError(f"journalctl failed: {last}", hint=f"See what it says: {self._command(sudo=False)}")

    def _may_not_see(self) -> bool:
        """Whether journals of others exist that this user may not see: said only without ``-q``."""
        place = [] if self._query.directory is None else [f"--directory={self._query.directory}"]
        try:
            asked = subprocess.run(
                [self._program, "-n", "0", "--no-pager", *place], stdin=subprocess.DEVNULL, capture_output=True,
                timeout=_PROBE_S, check=False, env=english(),
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return False
        return denied(asked.stderr.decode("utf-8", "replace"))

    def _command(self, *, sudo: bool = True) -> str:
        words = [*(["sudo"] if sudo else []), "journalctl", *self._query.arguments(), "-o", "export"]
        return f"{shlex.join(words)} | k3slog analyze -"

    def close(self) -> None:
        if self.closed:
            return
        with contextlib.suppress(OSError), self._process as process:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(_CLOSE_S)
                except subprocess.TimeoutExpired:
                    process.kill()
        self._words.close()
        super().close()


def denied(words: str) -> bool:
    """Whether ``journalctl`` says that it leaves out journals of others."""
    return any(sign in words for sign in _DENIED)


def english() -> dict[str, str]:
    """The environment for systemd's programs: English, without colour or pager."""
    return {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "PAGER": ""}
