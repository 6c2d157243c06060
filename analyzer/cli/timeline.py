"""``k3slog timeline``: everything that happened in time order, for other tools."""

from __future__ import annotations

from typing import Annotated

import typer

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
    format_option,
    write_report,
)
from analyzer.reports.format import Options
from analyzer.reports.kinds import TIMELINE
from analyzer.reports.output import Destination


def timeline(
    paths: PathsArgument = None,
    format: Annotated[str | None, format_option(TIMELINE)] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    start: Annotated[
        str | None, typer.Option("--start", metavar="N|last|all|slowest", help="Which starts. Default: all.")
    ] = None,
    rules: RulesOption = None,
    anonymize: AnonymizeOption = False,
    utc: Annotated[bool, typer.Option("--utc", help="Show times in UTC, not in the zone of the log.")] = False,
    unit: UnitOption = None,
    boot: BootOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    host: HostOption = None,
    directory: DirectoryOption = None,
) -> None:
    """Write polls, check transitions, milestones and phases in time order.

    A trace (.trace.json) opens in Perfetto and other viewers of Chrome traces; what is uncertain is a slice of its own
    there.
    """
    write_report(
        paths,
        Part(unit, boot, since, until, host, directory),
        Options(start=start, utc=utc),
        (Destination.named(output, force=force), TIMELINE.chosen(format, output)),
        rules=rules,
        anonymize=anonymize,
    )
