"""Sources that are still being written: a pipe, a file with its rotations, this machine's journal.

Each is read with a limit of time, so that whoever watches can draw and stop meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Protocol

from analyzer.errors import BadInputError, UsageError
from analyzer.sources.inputs import open_file
from analyzer.sources.local_journal import NAME, UNITS, denied, english, named_units
from analyzer.sources.unpack import reason

CHUNK = 1 << 18  # bytes read at once
BEHIND = 16 << 20  # bytes of a file that are read of what stood there before
GATHER_S = 0.04  # lines come in rows: one look at several of them
_LOOK_S = 0.05  # how often a file is looked at
_ASK_S = 5.0
_CLOSE_S = 2.0
_WORDS_LIMIT = 2000
_RUNS = ("active", "activating", "reloading", "deactivating")
_ADVICE = "Name a log file, or pipe one in: k3slog watch k3s.log"


class Followed(Protocol):
    """Something that grows."""

    name: str

    def read(self, timeout_s: float) -> bytes | None:
        """What was written since, empty where nothing was for so long; ``None``: it is over."""

    def close(self) -> None:
        """Let it go."""


class FollowedPipe:
    """A stream of somebody else's."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self._descriptor = descriptor

    def read(self, timeout_s: float) -> bytes | None:
        """See ``Followed``. A stream that breaks is over."""
        try:
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, timeout_s))
            if not ready:
                return b""
            if timeout_s > 0:
                time.sleep(GATHER_S)
            return os.read(self._descriptor, CHUNK) or None
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """It stays open: others may use it."""


class FollowedFile:
    """A file that grows, is rotated away or is cut to nothing; it is never over.

    Raises ``BadInputError`` where it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self._file = open_file(path)
        self._ends = b"\n"  # the last byte read
        if os.fstat(self._file.fileno()).st_size > BEHIND:
            self._file.seek(-BEHIND, os.SEEK_END)
            head = self._file.read(CHUNK)
            self._file.seek(head.find(b"\n") + 1 - len(head), os.SEEK_CUR)  # the first line is whole

    def read(self, timeout_s: float) -> bytes | None:
        """See ``Followed``."""
        until = time.monotonic() + timeout_s
        while True:
            data = self._file.read(CHUNK)
            if data:
                self._ends = data[-1:]
                return data
            if self._moved():
                if self._ends != b"\n":  # what follows is another line
                    self._ends = b"\n"
                    return b"\n"
                continue
            left = until - time.monotonic()
            if left <= 0:
                return b""
            time.sleep(min(left, _LOOK_S))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _moved(self) -> bool:
        """Whether the name stands for another file by now, or for less of this one; that is read from its begin."""
        try:
            there, here = os.stat(self.name), os.fstat(self._file.fileno())
        except OSError:
            return False  # between two names
        if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
            try:
                other = open_file(self.name)
            except BadInputError:
                return False
            if self._file.read(1):  # written to the very last moment
                self._file.seek(-1, os.SEEK_CUR)
                other.close()
                return True
            self._file.close()
            self._file = other
            return True
        if here.st_size < self._file.tell():
            self._file.seek(0)
            return True
        return False


def followed_path(path: str) -> Followed:
    """What a PATH names, to be followed. Raises ``BadInputError``."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        mode = stat.S_IFREG  # opening it says what is wrong
    if stat.S_ISDIR(mode):
        raise BadInputError(f"{path} is a folder", hint="Name the log file that is written to")
    return FollowedFile(path) if stat.S_ISREG(mode) else _NamedPipe(path)


class _NamedPipe(FollowedPipe):
    """A pipe or a device with a name."""

    def __init__(self, path: str) -> None:
        self._file = open_file(path)
        super().__init__(self._file.fileno(), path)

    def close(self) -> None:
        """Close it."""
        self._file.close()


class FollowedJournal:
    """This machine's journal from the begin of the present start of its units on, by ``journalctl -f``.

    Raises ``BadInputError``: no ``journalctl``, or it may not be read; ``UsageError`` for names that are no units.
    """

    def __init__(self, units: Sequence[str] = ()) -> None:
        self.name = NAME
        named_units(units)
        program = shutil.which("journalctl")
        if program is None:
            raise BadInputError("there is no journalctl on this machine", hint=_ADVICE)
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  a pipe that nobody reads could fill up
        chosen = [part for unit in units or UNITS for part in ("-u", unit)]
        since = present_since(units or UNITS)
        begin = ["--lines=0"] if since is None else ["--no-tail", f"--since=@{since}"]
        command = [program, "-q", "-a", "--no-pager", "-o", "export", "-f", *chosen, *begin]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._words, env=english()
            )
        except OSError as error:
            self._words.close()
            raise BadInputError(f"journalctl cannot be run: {reason(error)}", hint=_ADVICE) from None
        assert self._process.stdout is not None
        self._pipe = FollowedPipe(self._process.stdout.fileno(), NAME)
        self._read_any = False

    def read(self, timeout_s: float) -> bytes | None:
        """See ``Followed``. Raises ``BadInputError`` when ``journalctl`` gave nothing but an error."""
        data = self._pipe.read(timeout_s)
        self._read_any = self._read_any or bool(data)
        if data is None and not self._read_any:
            self._complain(self._process.wait())
        return data

    def close(self) -> None:
        """End ``journalctl``."""
        with contextlib.suppress(OSError), self._process as process:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(_CLOSE_S)
                except subprocess.TimeoutExpired:
                    process.kill()
        self._words.close()

    def _complain(self, code: int) -> None:
        self._words.seek(0)
        words = self._words.read(_WORDS_LIMIT).decode("utf-8", "replace").strip()
        if denied(words):
            raise BadInputError("this user may not read the journal of k3s", hint="Run: sudo k3slog watch")
        if code != 0:
            last = words.splitlines()[-1].rstrip(".") if words else f"it ended with code {code}"
            raise BadInputError(f"journalctl failed: {last}", hint=_ADVICE)


def present_since(units: Sequence[str]) -> int | None:
    """When the present start of the first of ``units`` began, in s since 1970; ``None``: none runs, or nobody knows."""
    program = shutil.which("systemctl")
    if program is None:
        return None
    wanted = ("ActiveState", "InactiveExitTimestamp")
    command = [program, "show", *units, *(f"--property={name}" for name in wanted)]
    try:
        asked = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S, check=False,
            env={**english(), "TZ": "UTC"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    blocks = asked.stdout.decode("utf-8", "replace").strip().split("\n\n")
    told = [dict(row.split("=", 1) for row in block.splitlines() if "=" in row) for block in blocks]
    begun = [_seconds(one) for one in told if one.get("ActiveState") in _RUNS]
    return min((begin for begin in begun if begin is not None), default=None)


def _seconds(told: Mapping[str, str]) -> int | None:
    """``Sat 2025-03-01 06:03:22 UTC`` as seconds since 1970."""
    words = told.get("InactiveExitTimestamp", "").split()
    try:
        moment = datetime.strptime(" ".join(words[1:3]), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp())


def followed_stdin(stream: IO[bytes] | None) -> Followed:
    """Standard input. Raises ``UsageError`` where there is none."""
    if stream is None:
        raise UsageError("standard input is missing", hint="Name a file: k3slog watch k3s.log")
    return FollowedPipe(stream.fileno(), "<stdin>")
