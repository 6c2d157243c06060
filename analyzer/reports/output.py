"""Where finished bytes go: stdout, or a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analyzer.errors import OutputError, UsageError

STDOUT = "-"


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
        if self.path.is_dir():
            raise OutputError(f"{shown} is a folder", hint="Name a file in it")
        if any(_same_file(self.path, name) for name in inputs):
            raise UsageError(f"{shown} is also an input", hint="Choose another output file")
        if _is_special(self.path):
            return
        if self.path.exists() and not self.force:
            raise OutputError(f"{shown} exists", hint="Add --force to replace it")
        if not self.path.parent.is_dir():
            raise OutputError(f"the folder of {shown} does not exist", hint="Create it first")

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
            if _is_special(self.path):
                self.path.write_bytes(data)
            else:
                _write_atomically(self.path, data, self.force)
        except BrokenPipeError:
            raise
        except FileExistsError:
            raise OutputError(f"{self.path} exists", hint="Add --force to replace it") from None
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror or error}") from error
        print(f"Wrote {printable(str(self.path))}", file=sys.stderr)


def printable(text: str) -> str:
    """``text`` with every character that could steer a terminal made visible (``\\x1b``, ``\\u202e``)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _write_stdout(content: str | bytes) -> None:
    stream = sys.stdout
    buffer = getattr(stream, "buffer", None)
    try:
        if buffer is None:  # a notebook's or a test's stand-in
            stream.write(content if isinstance(content, str) else content.decode("utf-8", "replace"))
        else:
            if isinstance(content, str):
                content = content.encode(stream.encoding or "utf-8", "replace")
            stream.flush()
            buffer.write(content)
            buffer.flush()
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk behind a redirection
        raise OutputError(f"stdout cannot be written: {error.strerror or error}") from error


def _same_file(path: Path, name: str) -> bool:
    try:
        return path.samefile(name)
    except (OSError, ValueError):
        return False


def _is_special(path: Path) -> bool:
    """A device or a pipe: nothing to replace, and no temporary file beside it."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_atomically(path: Path, data: bytes, force: bool) -> None:
    target = Path(os.path.realpath(path))  # a link stays a link; the file behind it is replaced
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(name, mode)
        if force:
            os.replace(name, target)
        else:
            _move_without_replacing(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _move_without_replacing(name: str, target: Path) -> None:
    try:
        os.link(name, target)  # unlike rename, fails when somebody made the file meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(str(target)) from None
        os.replace(name, target)
    else:
        os.unlink(name)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
