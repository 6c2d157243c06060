"""``k3slog fleet``: many logs, each read by itself, and what the whole of them looks like."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Annotated

import typer

from analyzer.cli.console import Progress, complain
from analyzer.cli.inputs import AnonymizeOption, ForceOption, OutputOption, format_option
from analyzer.errors import ExitCode, NoDataError, UsageError
from analyzer.reports.format import Options
from analyzer.reports.kinds import FLEET
from analyzer.reports.output import Destination, check_outputs
from analyzer.reports.terminal import suited
from analyzer.results import Report

CollectionArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="COLLECTION...",
        help="Logs, folders of logs, bundles, reports in JSON, what --save wrote; URLs with k3slog[remote].",
        show_default=False,
    ),
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=VALUE|REGEX",
        help="A label of your own; a regular expression with one group takes it from the path. Repeat for more.",
        show_default=False,
    ),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="NAME=VALUE", help="Only such starts; also NAME!=VALUE. Repeat for more.", show_default=False
    ),
]
ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by", metavar="NAME", help="Group by a label: host, version, kubernetes, … or your own.", show_default=False
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", min=1, help="Processes. Default: the cores.", show_default=False),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS", help="A Dask cluster that does the work (k3slog[dask]).", show_default=False
    ),
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1.0, max=1e6, help="Time for one input.")
]
MemoryOption = Annotated[
    int | None,
    typer.Option(
        "--memory",
        metavar="MIB",
        min=256,
        max=2**30,
        help="Memory of a process. Default: 2048.",
        show_default=False,
    ),
]


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
    from analyzer.collection.gather import Gathering, check_saving, gather, saved_labels
    from analyzer.collection.labels import LabelRules, check_names, where_of
    from analyzer.collection.summary import summary
    from analyzer.collection.work import WorkOptions
    from analyzer.reports.fleet_report import FleetReport
    from analyzer.reports.wording import plural

    if resume and save is None:
        raise UsageError("--resume is for --save", hint="Name the folder: --save DIR --resume")
    if math.isnan(timeout) or (confidence is not None and math.isnan(confidence)):  # in every range, for the library
        raise UsageError("--timeout and --confidence are numbers")
    rules = LabelRules.of(label or ())
    hide: Callable[[Report], Report] | None = None
    if anonymize:
        from analyzer.reports.anonymize import anonymize as hide
    known = saved_labels(collection)
    wanted = tuple(where_of(one, rules, known) for one in where or ())
    groups = check_names(by or (), rules, known)
    writes = [(Destination.named(output, force=force), FLEET.chosen(format, output))]
    if html is not None:
        writes.append((Destination.named(html, force=force), FLEET.named("html")))
    places = [place for place, _ in writes]
    check_outputs(places, collection)
    work = WorkOptions(limit_s=timeout, memory_bytes=(memory or 2048) * 2**20)
    how = Gathering(rules, wanted, jobs, scheduler, work, hide=hide, check=partial(check_outputs, places))
    store = None
    if save is not None:
        check_saving(collection, save, resume=resume)
        from analyzer.collection.store import Store

        store = Store(save, labels=rules.names, resume=resume, force=force, anonymized=anonymize)
    with Progress() as watched, store or nullcontext():
        told = None if watched is None else watched.inputs
        try:
            found = gather(collection, how, store, told)
        except (KeyboardInterrupt, SystemExit) as interrupt:
            for note in getattr(interrupt, "__notes__", ()):
                complain(f"interrupted; {note}")
            raise
    if not found.inputs:
        raise NoDataError("no log in it", hint="Name a folder of logs, or a pattern: k3slog fleet 'logs/**/*.gz'")
    unread = any(one.error_kind not in ("", "no_data") for one in found.inputs)
    if not found.starts and not unread:
        if any(one.starts for one in found.inputs):
            raise NoDataError("no start is as --where says", hint="See what there is: --by with the name of the label")
        raise NoDataError(f"no trace of a k3s or RKE2 run in {plural(len(found.inputs), 'input')}")
    report = FleetReport(summary(found, groups, confidence), found)
    if anonymize:
        from analyzer.reports.fleet_anonymize import anonymized

        report = anonymized(report)
    options = Options(utc=utc)
    for place, chosen in writes:
        place.write(chosen.render(report, suited(options, place, no_color=no_color)))
    if unread:
        raise typer.Exit(int(ExitCode.BAD_INPUT))
