"""``k3slog fleet``: many logs, each read by itself, and what the whole of them looks like."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import typer

from analyzer.cli.collections import (
    ByOption,
    CollectionArgument,
    JobsOption,
    LabelOption,
    MemoryOption,
    Reading,
    SchedulerOption,
    TimeoutOption,
    WhereOption,
    check_starts,
    read,
    unread,
)
from analyzer.cli.inputs import AnonymizeOption, ForceOption, OutputOption, format_option
from analyzer.errors import ExitCode, UsageError
from analyzer.reports.format import Options
from analyzer.reports.kinds import FLEET
from analyzer.reports.output import Destination, check_outputs
from analyzer.reports.terminal import suited


def fleet(
    collection: CollectionArgument,
    format: Annotated[str | None, format_option(FLEET)] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Also write a web page to FILE.", show_default=False)
    ] = None,
    label: LabelOption = None,
    by: ByOption = None,
    where: WhereOption = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            "--confidence",
            metavar="SHARE",
            min=0.5,
            max=0.999,
            help="Also an interval for each quantile that covers the chance of few hosts, for example 0.95.",
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="DIR", help="Keep the rows as Parquet (k3slog[parquet]).", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="With --save: read only inputs that are new.")] = False,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    timeout: TimeoutOption = 120.0,
    memory: MemoryOption = None,
    anonymize: AnonymizeOption = False,
    utc: Annotated[bool, typer.Option("--utc", help="Show times in UTC.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour. So does the variable NO_COLOR.")] = False,
) -> None:
    """Read many logs, each by itself, and say what the whole looks like: times, failures, hosts that stand out.

    Exit codes: 0 done, 2 usage, 3 an input could not be read (the others are reported), 4 nothing of k3s at all.
    """
    from analyzer.collection.gather import check_saving, saved_labels
    from analyzer.collection.labels import check_names
    from analyzer.collection.summary import summary
    from analyzer.reports.fleet_report import FleetReport

    if resume and save is None:
        raise UsageError("--resume is for --save", hint="Name the folder: --save DIR --resume")
    if confidence is not None and math.isnan(confidence):  # in every range, for the library
        raise UsageError("--confidence is a number")
    reading = Reading(label, where, jobs, scheduler, timeout, memory, anonymize)
    rules = reading.rules()
    groups = check_names(by or (), rules, saved_labels(collection))
    writes = [(Destination.named(output, force=force), FLEET.chosen(format, output))]
    if html is not None:
        writes.append((Destination.named(html, force=force), FLEET.named("html")))
    places = [place for place, _ in writes]
    check_outputs(places, collection)
    how = reading.gathering(collection, partial(check_outputs, places))
    store = None
    if save is not None:
        check_saving(collection, save, resume=resume)
        from analyzer.collection.store import Store

        store = Store(save, labels=rules.names, resume=resume, force=force, anonymized=anonymize)
    found = read(collection, how, store)
    check_starts(found)
    report = FleetReport(summary(found, groups, confidence), found)
    if anonymize:
        from analyzer.reports.fleet_anonymize import anonymized

        report = anonymized(report)
    options = Options(utc=utc)
    for place, chosen in writes:
        place.write(chosen.render(report, suited(options, place, no_color=no_color)))
    if unread(found):
        raise typer.Exit(int(ExitCode.BAD_INPUT))
