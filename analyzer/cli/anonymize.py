"""``k3slog anonymize``: write a log so that it can be shown."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from typing import Annotated, BinaryIO

import typer

from analyzer.api import anonymized_log, load
from analyzer.cli.console import Progress, complain
from analyzer.cli.inputs import ForceOption, OutputOption, names_of, tell_unread
from analyzer.errors import UsageError
from analyzer.reports.output import STDIN, Destination, check_outputs

LogsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="LOG", help="Logs, as for analyze; - is stdin. None: piped input.", show_default=False),
]


def anonymize(logs: LogsArgument = None, output: OutputOption = None, force: ForceOption = False) -> None:
    """Write the log with stand-ins for hosts, addresses, names, paths and tokens, so that it can be posted.

    Same lines, order and times, and the stand-ins of analyze --anonymize. Several logs are written one after the other;
    a binary journal comes out as export (journalctl -o export).

    Exit codes: 0 done, 2 usage, 3 bad input.
    """
    names = names_of(logs) or [STDIN]
    place = Destination.named(output, force=force)
    check_outputs([place], names)
    with ExitStack() as stack:
        stdin = stack.enter_context(tempfile.TemporaryFile()) if STDIN in names else None
        if stdin is not None:
            _keep(stdin)
        with Progress() as observer:
            log = load(*names, stdin=stdin, observer=observer, keep_going=True)
        for error in log.errors:
            complain(error.one_line())
        read = [source.path.partition("!")[0] for source in log.log_records.sources]
        place.check(read)
        if log.log_records.sources or log.waits:
            place.write_parts(anonymized_log(log, names, stdin))
    tell_unread(log)


def _keep(copy: BinaryIO) -> None:
    """Copy stdin, which can be read once only, into a file without a name."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("no LOG is named", hint="For example: journalctl -u k3s -o short-precise | k3slog anonymize")
    shutil.copyfileobj(sys.stdin.buffer, copy)
    copy.seek(0)
