"""``k3slog analyze``: read logs, explain every start in them."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from analyzer.api import load_rules
from analyzer.cli.console import complain
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
from analyzer.reports.output import Destination, check_outputs
from analyzer.reports.selection import judge_each, select_starts, worst
from analyzer.results import Report


class Format(StrEnum):
    """What the report is written as."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


class Table(StrEnum):
    """Which table the csv holds."""

    STARTS = "starts"
    POLLS = "polls"
    CHECKS = "checks"
    HOOKS = "hooks"
    PHASES = "phases"
    TIMELINE = "timeline"


_JUDGED_SHOWN = 20
_BY_SUFFIX = {".json": Format.JSON, ".csv": Format.CSV, ".md": Format.MARKDOWN, ".txt": Format.TEXT}


def analyze(
    paths: PathsArgument = None,
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="Default: by the name of FILE, else text.")
    ] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    html: Annotated[str | None, typer.Option("--html", metavar="FILE", help="Also write a web page to FILE.")] = None,
    png: Annotated[
        str | None, typer.Option("--png", metavar="FILE", help="Also draw the timeline as PNG (needs k3slog[images]).")
    ] = None,
    svg: Annotated[str | None, typer.Option("--svg", metavar="FILE", help="The same as SVG.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="N|last|all|slowest", help="Which starts (text: the last in full)."),
    ] = None,
    fail_over: Annotated[
        float | None,
        typer.Option(
            "--fail-over",
            metavar="SECONDS",
            min=0.0,
            help="Exit 1 if a selected start was ready too late or failed, 5 if the log cannot tell.",
        ),
    ] = None,
    table: Annotated[Table, typer.Option("--table", help="Which table, with --format csv.")] = Table.STARTS,
    rules: RulesOption = None,
    anonymize: AnonymizeOption = False,
    utc: Annotated[bool, typer.Option("--utc", help="Show times in UTC, not in the zone of the log.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour. So does the variable NO_COLOR.")] = False,
    width: Annotated[
        int | None,
        typer.Option("--width", min=40, max=400, help="Columns of the text. Default: the terminal's, at most 120; 80."),
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
        raise UsageError(f"--fail-over {fail_over:g} is no number of seconds", hint="For example --fail-over 30")
    names = names_of(paths)
    chosen = format or _format_of(output)
    to = Destination.named(output, force=force)
    page = None if html is None else Destination.named(html, force=force)
    pictures = {kind: Destination.named(name, force=force) for kind, name in (("png", png), ("svg", svg)) if name}
    others = [place for place in (page, *pictures.values()) if place is not None]
    check_outputs([to, *others], names)

    own = load_rules(rules)
    log = open_log(names, Part(unit, boot, since, until, host, directory), [to, *others])
    report = analyzed(log, rules=own, anonymize=anonymize)
    if start is not None:
        select_starts(report.starts, start)  # a start that does not exist is told before anything is written
    to.write(_render(report, chosen, start, table, utc, to, no_color, width))
    if page is not None:
        from analyzer.reports.html import render as render_html

        page.write(render_html(report, start=_html_start(report, start), utc=utc))
    for kind, place in pictures.items():
        from analyzer import figures
        from analyzer.figures.export import image_bytes

        shown = select_starts(report.starts, None if start == "all" else start)[-1]
        place.write(image_bytes(figures.timeline(shown), kind))

    if log.errors:
        raise typer.Exit(int(ExitCode.BAD_INPUT))
    if fail_over is not None:
        judged = judge_each(select_starts(report.starts, start), fail_over)
        for one in judged[:_JUDGED_SHOWN]:
            complain(f"--fail-over: {one.sentence}")
        if len(judged) > _JUDGED_SHOWN:
            complain(f"--fail-over: and {len(judged) - _JUDGED_SHOWN} more starts")
        raise typer.Exit(int(worst(judged)))


def _format_of(output: str | None) -> Format:
    return _BY_SUFFIX.get(Path(output or "").suffix.lower(), Format.TEXT)


def _html_start(report: Report, choice: str | None) -> int | None:
    if choice is None or choice == "all":
        return None
    return select_starts(report.starts, choice)[0].index


def _render(
    report: Report,
    format: Format,
    start: str | None,
    table: Table,
    utc: bool,
    to: Destination,
    no_color: bool,
    width: int | None,
) -> str:
    match format:
        case Format.JSON:
            from analyzer.reports import json_report

            return json_report.render(report, starts=select_starts(report.starts, start), utc=utc)
        case Format.CSV:
            from analyzer.reports import csv_report

            return csv_report.render(report, table.value, starts=select_starts(report.starts, start), utc=utc)
        case Format.MARKDOWN:
            from analyzer.reports import markdown

            return markdown.render(report, start=start, utc=utc)
        case Format.TEXT:
            from analyzer.reports import text

            return text.render(report, text.TextOptions.for_output(to, start, utc, no_color, width))
        case _:
            assert_never(format)
