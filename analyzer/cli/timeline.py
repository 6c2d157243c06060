"""``k3slog timeline``: everything that happened in time order, for other tools."""

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
from analyzer.errors import ExitCode, UsageError
from analyzer.reports.output import Destination
from analyzer.reports.selection import select_starts
from analyzer.results import Report, StartReport


class TimelineFormat(StrEnum):
    """What the timeline is written as."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    TRACE = "trace"


def timeline(
    paths: PathsArgument = None,
    format: Annotated[
        TimelineFormat | None,
        typer.Option("--format", "-f", help="Default: by the name of FILE (.trace.json is trace), else csv."),
    ] = None,
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

    A trace opens in Perfetto and other viewers of Chrome traces; what is uncertain is a slice of its own there.
    """
    names = names_of(paths)
    chosen = format or _format_of(output)
    to = Destination.named(output, force=force)
    to.check(names)
    if chosen is TimelineFormat.PARQUET and to.is_stdout:
        raise UsageError("parquet is not for a terminal or a pipe", hint="Name a file with -o")

    own = load_rules(rules)
    log = open_log(names, Part(unit, boot, since, until, host, directory), [to])
    report = analyzed(log, rules=own, anonymize=anonymize)
    to.write(_render(report, select_starts(report.starts, start), chosen, utc))
    if log.errors:
        raise typer.Exit(int(ExitCode.BAD_INPUT))


def _format_of(output: str | None) -> TimelineFormat:
    name = Path(output or "").name.lower()
    if name.endswith(".trace.json"):
        return TimelineFormat.TRACE
    if name.endswith(".parquet"):
        return TimelineFormat.PARQUET
    return TimelineFormat.JSON if name.endswith(".json") else TimelineFormat.CSV


def _render(report: Report, starts: tuple[StartReport, ...], format: TimelineFormat, utc: bool) -> str | bytes:
    match format:
        case TimelineFormat.CSV:
            from analyzer.reports import csv_report

            return csv_report.render(report, "timeline", starts=starts, utc=utc)
        case TimelineFormat.JSON:
            from analyzer.reports import tables

            return tables.json_rows(report, "timeline", starts, utc=utc)
        case TimelineFormat.PARQUET:
            from analyzer.reports import tables

            return tables.parquet(report, "timeline", starts)
        case TimelineFormat.TRACE:
            from analyzer.reports import chrome_trace

            return chrome_trace.render(report, starts)
        case _:
            assert_never(format)
