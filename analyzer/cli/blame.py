"""``k3slog blame``: what readiness waited for, and what delayed it."""

from __future__ import annotations

from typing import Annotated

import typer

from analyzer.cli.inputs import (
    AnonymizeOption,
    BootOption,
    DirectoryOption,
    ForceOption,
    GoalOption,
    HostOption,
    OutputOption,
    Part,
    PathsArgument,
    RulesOption,
    SinceOption,
    UnitOption,
    UntilOption,
    format_option,
    write_report,
)
from analyzer.reports.format import Options
from analyzer.reports.kinds import BLAME
from analyzer.reports.output import Destination


def blame(
    paths: PathsArgument = None,
    format: Annotated[str | None, format_option(BLAME)] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    start: Annotated[
        str, typer.Option("--start", metavar="N|last|all|slowest", help="Which starts. Default: the last.")
    ] = "last",
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=0, help="At most N checks of a start, 0: all. Text, Markdown: 10."),
    ] = None,
    goal: GoalOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Text, Markdown: also the tables of checks and phases. So does --limit.")
    ] = False,
    rules: RulesOption = None,
    anonymize: AnonymizeOption = False,
    unit: UnitOption = None,
    boot: BootOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    host: HostOption = None,
    directory: DirectoryOption = None,
) -> None:
    """Show what readiness waited for: the chain of checks and what is behind them.

    Exit codes: 0 done, 2 usage, 3 bad input, 4 nothing of k3s in it.
    """
    write_report(
        paths,
        Part(unit, boot, since, until, host, directory),
        Options(start=start, limit=limit, goal=goal, full=full),
        (Destination.named(output, force=force), BLAME.chosen(format, output)),
        rules=rules,
        anonymize=anonymize,
    )
