"""``k3slog blame``: the short table of what delayed readiness."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from analyzer.api import load_rules
from analyzer.cli.inputs import (
    AnonymizeOption,
    BootOption,
    DirectoryOption,
    ForceOption,
    HostOption,
    OutputOption,
    Part,
    PathsArgument,
    RulesOption,
    SinceOption,
    UnitOption,
    UntilOption,
    analyzed,
    names_of,
    open_log,
)
from analyzer.errors import ExitCode
from analyzer.reports import blame as table
from analyzer.reports.output import Destination
from analyzer.reports.selection import select_starts
from analyzer.reports.text import fitted


class BlameFormat(StrEnum):
    """What the table is written as."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


_BY_SUFFIX = {".json": BlameFormat.JSON, ".csv": BlameFormat.CSV, ".md": BlameFormat.MARKDOWN}


def blame(
    paths: PathsArgument = None,
    format: Annotated[
        BlameFormat | None, typer.Option("--format", "-f", help="Default: by the name of FILE, else text.")
    ] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    start: Annotated[
        str, typer.Option("--start", metavar="N|last|all|slowest", help="Which starts. Default: the last.")
    ] = "last",
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=0, help="At most N checks of a start, 0: all. Text, Markdown: 10."),
    ] = None,
    rules: RulesOption = None,
    anonymize: AnonymizeOption = False,
    unit: UnitOption = None,
    boot: BootOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    host: HostOption = None,
    directory: DirectoryOption = None,
) -> None:
    """List what delayed readiness, the most first: the checks with what each cost, and the phases.

    Exit codes: 0 done, 2 usage, 3 bad input, 4 nothing of k3s in it.
    """
    names = names_of(paths)
    chosen = format or _BY_SUFFIX.get(Path(output or "").suffix.lower(), BlameFormat.TEXT)
    to = Destination.named(output, force=force)
    to.check(names)
    own = load_rules(rules)
    log = open_log(names, Part(unit, boot, since, until, host, directory), [to])
    report = analyzed(log, rules=own, anonymize=anonymize)
    starts = select_starts(report.starts, start)
    for_people = chosen in (BlameFormat.TEXT, BlameFormat.MARKDOWN)
    most = (table.DEFAULT_ROWS if for_people else None) if limit is None else limit or None
    match chosen:
        case BlameFormat.TEXT:
            made = fitted(table.text(report, starts, limit=most), to)
        case BlameFormat.MARKDOWN:
            made = table.markdown(report, starts, limit=most)
        case BlameFormat.CSV:
            made = table.table(report, starts, limit=most)
        case BlameFormat.JSON:
            made = table.json_text(report, starts, limit=most)
        case _:
            assert_never(chosen)
    to.write(made)
    if log.errors:
        raise typer.Exit(int(ExitCode.BAD_INPUT))
