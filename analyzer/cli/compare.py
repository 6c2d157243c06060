"""``k3slog compare``: two collections, how much longer the starts of the new one take, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from analyzer.cli.collections import (
    JobsOption,
    LabelOption,
    MemoryOption,
    Reading,
    SchedulerOption,
    TimeoutOption,
    WhereOption,
    check_confidence,
    read,
    unread,
)
from analyzer.cli.console import complain
from analyzer.cli.inputs import AnonymizeOption, ForceOption, OutputOption, format_option
from analyzer.errors import BadInputError, ExitCode, NoDataError, UsageError, printable
from analyzer.reports.format import Kind, Options
from analyzer.reports.kinds import COMPARISON, HISTORY
from analyzer.reports.output import Destination, check_outputs
from analyzer.reports.terminal import suited

if TYPE_CHECKING:
    from analyzer.collection.model import Collection
    from analyzer.comparison.model import Asked, Compared, Decision, History

_CODES: dict[Decision | None, ExitCode] = {
    None: ExitCode.OK, "within": ExitCode.OK, "over": ExitCode.GATE_FAILED, "undecided": ExitCode.INCONCLUSIVE,
}  # fmt: skip


def compare(
    collections: Annotated[
        list[str],
        typer.Argument(
            metavar="BASE NEW",
            help="Two collections, each as k3slog fleet takes them; one or more with --by or --since-change.",
            show_default=False,
        ),
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="ID",
            help="Compare this one: ready, started, node_ready, images, node, server, detected, restarts, failed, a "
            "phase such as apiserver_boot, or check:NAME. Repeat for more. Default: all that both have.",
            show_default=False,
        ),
    ] = None,
    stat: Annotated[
        Literal["median", "mean", "p90"],
        typer.Option(
            "--stat",
            help="Compare the start in the middle, the average, or the one that a tenth exceed.",
        ),
    ] = "median",
    confidence: Annotated[
        float,
        typer.Option(
            "--confidence",
            metavar="SHARE",
            help="How sure all that is said together is to be, 0.5 to 0.999; the surer, the wider the ranges.",
        ),
    ] = 0.95,
    fail_over: Annotated[
        str | None,
        typer.Option(
            "--fail-over",
            metavar="LIMIT",
            help="Exit 1 if ready (or each --metric) grew by more than 2s or 10%, 5 if the starts cannot tell.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="NAME",
            help="One collection in groups by a label, each against the one before: version, …",
            show_default=False,
        ),
    ] = None,
    since_change: Annotated[
        bool, typer.Option("--since-change", help="Find where the starts of each host became slower or faster.")
    ] = False,
    seed: Annotated[
        int,
        typer.Option("--seed", metavar="N", min=0, max=2**32 - 1, help="Another N draws other samples for the ranges."),
    ] = 0,
    format: Annotated[str | None, format_option(COMPARISON)] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Also write a web page to FILE.", show_default=False)
    ] = None,
    label: LabelOption = None,
    where: WhereOption = None,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    timeout: TimeoutOption = 120.0,
    memory: MemoryOption = None,
    anonymize: AnonymizeOption = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour. So does the variable NO_COLOR.")] = False,
) -> None:
    """Compare two collections of starts: how much later or earlier, with an interval that covers windows and chance.

    Exit codes: 0 no limit given or certainly within it, 1 certainly over it, 2 usage, 3 an input could not be read,
    4 a side without starts or nothing of what was asked for, 5 the starts cannot tell.
    """
    from analyzer.comparison.limit import limit_of
    from analyzer.comparison.metrics import FINDINGS, check_metric, in_full
    from analyzer.comparison.model import Asked, History

    check_confidence(confidence)
    history = bool(by) or since_change
    _check_arguments(collections, by, since_change=since_change, fail_over=fail_over)
    metrics = tuple(dict.fromkeys(map(in_full, metric or ())))
    for one in metrics:
        check_metric(one)
        if one.startswith(FINDINGS):
            raise UsageError(f"{one} cannot be compared", hint=f"k3slog gate --max '{one}<=0' counts them")
    limit = None if fail_over is None else limit_of(fail_over, metrics)
    asked = Asked(metrics, stat, confidence, limit, seed)
    kind: Kind[Any] = HISTORY if history else COMPARISON
    writes = [(Destination.named(output, force=force), kind.chosen(format, output))]
    if html is not None:
        writes.append((Destination.named(html, force=force), kind.named("html")))
    places = [place for place, _ in writes]
    check_outputs(places, collections)
    # Names are hidden at the end: stand-ins made while reading would be others on each side.
    reading = Reading(label, where, jobs, scheduler, timeout, memory)
    sides = [list(collections)] if history else [[one] for one in collections]
    ways = [reading.gathering(side, partial(check_outputs, places)) for side in sides]
    read_in = [read(side, how) for side, how in zip(sides, ways, strict=True)]
    for found, paths in zip(read_in, sides, strict=True):
        _check_side(found, paths)
    if history:
        subject: Compared | History = _history(read_in[0], reading, collections, by or (), asked)
    else:
        subject = _compared(read_in, collections, asked)
    if anonymize:
        from analyzer.reports.comparison_anonymize import anonymized

        subject = anonymized(subject)
    options = Options()
    for place, chosen in writes:
        place.write(chosen.render(subject, suited(options, place, no_color=no_color)))
    decision = None if isinstance(subject, History) else subject.comparison.decision
    _end(decision, complete=not any(unread(found) for found in read_in))


def _check_arguments(
    collections: Sequence[str], by: Sequence[str] | None, *, since_change: bool, fail_over: str | None
) -> None:
    if by and since_change:
        raise UsageError("--by and --since-change are two questions", hint="Ask one at a time")
    if (by or since_change) and fail_over is not None:
        raise UsageError("--fail-over is for two collections", hint="k3slog compare BASE NEW --fail-over 10%")
    if not by and not since_change and len(collections) != 2:
        raise UsageError(
            f"two collections can be compared, not {len(collections)}",
            hint="Put patterns in quotes: k3slog compare 'old/*.gz' 'new/*.gz'. Or one collection with --by NAME",
        )


def _check_side(found: Collection, paths: Sequence[str]) -> None:
    """Every side has starts, else nothing is compared."""
    if found.starts:
        return
    name = printable(", ".join(paths))
    if unread(found):
        bad = next(one for one in found.inputs if one.error_kind not in ("", "no_data"))
        raise BadInputError(f"no start in {name}: {bad.error}")
    if any(one.starts for one in found.inputs):
        raise NoDataError(f"no start in {name} is as --where says", hint="k3slog fleet … --by NAME shows what there is")
    raise NoDataError(f"no trace of a k3s or RKE2 run in {name}")


def _compared(sides: Sequence[Collection], names: Sequence[str], asked: Asked) -> Compared:
    from analyzer.comparison.compare import compared
    from analyzer.comparison.design import NOT_THERE
    from analyzer.comparison.labels import side_labels

    base, new = sides
    if asked.metrics:
        from analyzer.comparison.metrics import check_names

        check_names(asked.metrics, base, new)
    found = compared(base, new, asked, side_labels(base, new, (names[0], names[1])))
    if asked.metrics and not found.comparison.metrics and asked.limit is None:
        lacking = [note.sentence for note in found.comparison.design if note.id == NOT_THERE]
        raise NoDataError(f"nothing can be compared: {' '.join(lacking)}".rstrip("."))
    return found


def _history(found: Collection, reading: Reading, paths: Sequence[str], by: Sequence[str], asked: Asked) -> History:
    if asked.metrics and not any(metric == "failed" or metric in found.metrics for metric in asked.metrics):
        raise NoDataError(f"no start has {' or '.join(asked.metrics)}")
    if not by:
        from analyzer.comparison.since_change import since_change

        return since_change(found, asked)
    from analyzer.collection.gather import saved_labels
    from analyzer.collection.labels import check_names
    from analyzer.comparison.history import by_groups

    return by_groups(found, check_names(by, reading.rules(), saved_labels(paths)), asked)


def _end(decision: Decision | None, *, complete: bool) -> None:
    """Leaves with the exit code; of a side that is not all there the decision is never "within"."""
    if not complete:
        complain("some inputs could not be read; k3slog fleet lists them")
        if decision is None:
            raise typer.Exit(int(ExitCode.BAD_INPUT))
    code = _CODES[decision]
    if code is not ExitCode.OK:
        raise typer.Exit(int(code))
