"""``k3slog analyze``: read logs, explain every start in them."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import typer

from analyzer.cli.console import complain
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
from analyzer.errors import UsageError
from analyzer.reports.format import Options
from analyzer.reports.kinds import REPORT
from analyzer.reports.output import Destination
from analyzer.reports.selection import judge_each, select_starts, worst

Table = Literal[
    "starts", "episodes", "clusters", "findings", "goals", "phases", "checks", "hooks", "polls", "milestones", "gaps",
    "timeline",
]  # fmt: skip
_JUDGED_SHOWN = 20


def analyze(
    paths: PathsArgument = None,
    format: Annotated[str | None, format_option(REPORT)] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    html: Annotated[str | None, typer.Option("--html", metavar="FILE", help="Also write a web page to FILE.")] = None,
    png: Annotated[
        str | None, typer.Option("--png", metavar="FILE", help="Also draw the timeline as PNG (needs k3slog[images]).")
    ] = None,
    svg: Annotated[str | None, typer.Option("--svg", metavar="FILE", help="The same as SVG.")] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="N|last|all|slowest",
            help="Which starts. Default in the text report: the start that needs attention.",
        ),
    ] = None,
    fail_over: Annotated[
        float | None,
        typer.Option(
            "--fail-over",
            metavar="SECONDS",
            min=0.0,
            help="Exit 1 if a selected start reached its goal too late or failed, 5 if the log cannot tell.",
        ),
    ] = None,
    goal: GoalOption = None,
    table: Annotated[Table, typer.Option("--table", help="Which table, with --format csv.")] = "starts",
    full: Annotated[bool, typer.Option("--full", help="Everything that is known, not the answer alone.")] = False,
    rules: RulesOption = None,
    anonymize: AnonymizeOption = False,
    utc: Annotated[bool, typer.Option("--utc", help="Show times in UTC, not in the zone of the log.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour. So does the variable NO_COLOR.")] = False,
    width: Annotated[
        int | None,
        typer.Option(
            "--width", min=40, max=400, help="Columns of the report. Default: the terminal's, at most 120; else 80."
        ),
    ] = None,
    unit: UnitOption = None,
    boot: BootOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    host: HostOption = None,
    directory: DirectoryOption = None,
) -> None:
    """Explain every start in the log: when it was ready, what held it back, where the time went.

    Exit codes: 0 done, 1 over the limit, 2 usage, 3 bad input, 4 nothing of k3s in it, 5 undecided.
    """
    if fail_over is not None and not math.isfinite(fail_over):
        raise UsageError(f"--fail-over {fail_over:g} is not a number of seconds", hint="For example --fail-over 30")
    chosen = REPORT.chosen(format, output)
    if table != "starts" and chosen.name != "csv":
        raise UsageError(f"--table {table} is for csv, and this report is {chosen.name}", hint="Add --format csv")
    beside = (("html", html), ("png", png), ("svg", svg))
    report = write_report(
        paths,
        Part(unit, boot, since, until, host, directory),
        Options(start=start, utc=utc, table=table, width=width, goal=goal, full=full),
        (Destination.named(output, force=force), chosen),
        *((Destination.named(file, force=force), REPORT.named(name)) for name, file in beside if file is not None),
        rules=rules,
        anonymize=anonymize,
        no_color=no_color,
    )
    if fail_over is not None:
        judged = judge_each(select_starts(report.starts, start), fail_over, goal)
        for one in judged[:_JUDGED_SHOWN]:
            complain(f"--fail-over: {one.sentence}")
        if len(judged) > _JUDGED_SHOWN:
            complain(f"--fail-over: and {len(judged) - _JUDGED_SHOWN} more starts")
        raise typer.Exit(int(worst(judged)))
