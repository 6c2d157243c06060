"""Shared by the commands that read logs: arguments, stdin, bad paths."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, BinaryIO

import typer

from analyzer.api import Log, load
from analyzer.cli.console import Progress, complain
from analyzer.errors import ExitCode, UsageError

PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Journals and other log files, also compressed (gz, xz, bz2, zst); - is stdin. None: piped input.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to FILE instead of stdout (-).", show_default=False),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


def open_log(paths: Sequence[str]) -> Log:
    """Read ``paths``, or piped input when there are none; each unreadable one gets its line on stderr.

    Raises ``UsageError`` when there is nothing to read, ``typer.Exit`` (3) when no input could be read.
    """
    with Progress() as observer:
        log = load(*paths, stdin=_stdin(paths), observer=observer, keep_going=True)
    for error in log.errors:
        complain(error.one_line())
    if log.errors and not log.book.sources:
        raise typer.Exit(int(ExitCode.BAD_INPUT))
    return log


def _stdin(paths: Sequence[str]) -> BinaryIO | None:
    if paths and "-" not in paths:
        return None
    stream = sys.stdin
    if stream is None or (not paths and stream.isatty()):
        raise UsageError(
            "no input", hint="Name a file or pipe a journal in: journalctl -u k3s -o short-precise | k3slog analyze"
        )
    return stream.buffer
