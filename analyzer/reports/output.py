"""Where finished bytes go: stdout, or a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import select
import stat
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzer.errors import OutputError, UsageError, printable

STDIN = STDOUT = "-"
# What these are, where the system gives them names.
_STDIN, _STDOUT = "/dev/stdin", "/dev/stdout"


@dataclass(frozen=True, slots=True)
class Destination:
    """A place for output: ``path`` (``None``: stdout), and whether an existing file may be replaced."""

    path: Path | None = None
    force: bool = False

    @classmethod
    def named(cls, name: str | None, *, force: bool = False) -> Destination:
        """``None`` and ``-`` mean stdout."""
        return cls(None if name is None or name == STDOUT else Path(name), force)

    @property
    def is_stdout(self) -> bool:
        """True when the output goes to stdout."""
        return self.path is None

    def check(self, inputs: Iterable[str] = ()) -> None:
        """Refuse early what cannot end well, before minutes are spent on reading.

        Raises ``UsageError`` when the file is one of ``inputs`` and ``OutputError`` when it exists and may not be
        replaced, or its folder is missing.
        """
        if self.path is None:
            if sys.stdout is None:  # closed by the shell (`>&-`)
                raise OutputError("stdout is closed", hint="Name a file with -o")
            return
        shown = str(self.path)
        try:
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            mode = None
        except OSError as error:  # a name that is too long, a folder that may not be entered
            raise _unwritable(self.path, error) from error
        if mode is not None and stat.S_ISDIR(mode):
            raise OutputError(f"{shown} is a folder", hint="Name a file in it")
        if _is_special(mode):
            return
        if any(_same_file(self.path, _STDIN if name == STDIN else name) for name in inputs):
            raise UsageError(f"{shown} is also an input", hint="Choose another output file")
        if mode is not None and not self.force:
            raise OutputError(f"{shown} exists", hint="Add --force to replace it")
        folder = Path(os.path.realpath(self.path)).parent
        if not folder.is_dir():
            raise OutputError(f"the folder of {shown} does not exist", hint="Create it first")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"nothing may be written into the folder of {shown}", hint="Choose another one")

    def write(self, content: str | bytes) -> None:
        """Write everything, or leave things as they were; says ``Wrote FILE`` on stderr.

        Text goes out as UTF-8 to files and in the encoding of the stream to stdout, where a character that it
        lacks becomes ``?``. Raises ``OutputError``; a reader of the pipe who left surfaces as ``BrokenPipeError``.
        """
        if self.path is None:
            _write_stdout(content)
            return
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        try:
            if self.path.exists() and _is_special(self.path.stat().st_mode):
                self.path.write_bytes(data)
            else:
                _write_atomically(self.path, data, self.force)
        except BrokenPipeError:
            raise
        except FileExistsError:
            raise OutputError(f"{self.path} exists", hint="Add --force to replace it") from None
        except OSError as error:
            raise _unwritable(self.path, error) from error
        with contextlib.suppress(OSError, ValueError):  # a closed stderr is no reason to fail
            print(f"Wrote {printable(str(self.path))}", file=sys.stderr)

    def is_same_as(self, other: Destination) -> bool:
        """Whether both name one place, by whatever path or link, made or not made yet; devices may be named twice."""
        if self.path is None and other.path is None:
            return True
        mine, theirs = self.path or Path(_STDOUT), other.path or Path(_STDOUT)
        if mine.is_char_device():
            return False
        return os.path.realpath(mine) == os.path.realpath(theirs) or _same_file(mine, str(theirs))


def check_outputs(places: Sequence[Destination], inputs: Iterable[str] = ()) -> None:
    """``Destination.check`` of each; raises ``UsageError`` when two of them would overwrite each other."""
    names = tuple(inputs)
    for number, place in enumerate(places):
        place.check(names)
        if any(place.is_same_as(other) for other in places[:number]):
            raise UsageError("two outputs would go to the same place", hint="Give each another name")


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror or error}")


def _write_stdout(content: str | bytes) -> None:
    stream = sys.stdout
    buffer = getattr(stream, "buffer", None)
    try:
        if buffer is None:  # a notebook's or a test's stand-in
            stream.write(content if isinstance(content, str) else content.decode("utf-8", "replace"))
            stream.flush()
            return
        if isinstance(content, str):
            content = content.encode(stream.encoding or "utf-8", "replace")
        stream.flush()
        _write_all(getattr(buffer, "raw", buffer), content)
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk behind a redirection
        raise OutputError(f"stdout cannot be written: {error.strerror or error}") from error


def _write_all(raw: io.RawIOBase, data: bytes) -> None:
    """Every byte, also where one write takes a part only: a disk that fills up, a pipe that does not block."""
    rest = memoryview(data)
    while rest:
        written = raw.write(rest)
        if written is None:
            select.select([], [raw], [])
        else:
            rest = rest[written:]


def _same_file(path: Path, name: str) -> bool:
    try:
        return path.samefile(name)
    except (OSError, ValueError):
        return False


def _is_special(mode: int | None) -> bool:
    """A device or a pipe: nothing to replace, and no temporary file beside it."""
    return mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_atomically(path: Path, data: bytes, force: bool) -> None:
    target = Path(os.path.realpath(path))  # a link stays a link; the file behind it is replaced
    old = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    # Named before it is made, so that an end at any moment finds it; short, because the target's name may be long.
    part = target.with_name(f".k3slog-{os.urandom(6).hex()}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if old is None else old), "wb") as stream:
            stream.write(data)
        if old is not None:
            part.chmod(old)
        if force:
            os.replace(part, target)
        else:
            _move_without_replacing(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _move_without_replacing(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # unlike rename, fails when somebody made the file meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(str(target)) from None
        os.replace(part, target)
    else:
        part.unlink()
