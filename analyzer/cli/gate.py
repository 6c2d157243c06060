"""``k3slog gate``: a collection of starts held against limits, for CI."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.cli.collections import (
    CollectionArgument,
    JobsOption,
    LabelOption,
    MemoryOption,
    Reading,
    SchedulerOption,
    TimeoutOption,
    WhereOption,
    check_confidence,
    check_starts,
    read,
    unread,
)
from analyzer.cli.console import complain
from analyzer.cli.inputs import AnonymizeOption, ForceOption, OutputOption, format_option
from analyzer.errors import ExitCode, K3slogError, UsageError
from analyzer.reports.format import Format, Options
from analyzer.reports.kinds import GATE
from analyzer.reports.output import Destination, check_outputs
from analyzer.reports.terminal import suited

if TYPE_CHECKING:
    from analyzer.collection.model import Collection
    from analyzer.gate.judge import Judging
    from analyzer.gate.model import GateLimit, GateReport, Result

_Sides = tuple[list[str], list[str]]  # the collection, and the baseline, where there is one
_CODES: dict[Result, ExitCode] = {
    "pass": ExitCode.OK, "fail": ExitCode.GATE_FAILED, "undecided": ExitCode.INCONCLUSIVE,
}  # fmt: skip


def gate(
    collection: CollectionArgument,
    most: Annotated[
        list[str] | None,
        typer.Option(
            "--max",
            metavar="METRIC[:STAT]<=VALUE",
            help="A limit: ready:p90<=60s, failed<=0, check:NAME<=20s, findings:critical<=0. Repeat for more.",
            show_default=False,
        ),
    ] = None,
    limits: Annotated[
        list[str] | None,
        typer.Option("--limits", metavar="FILE.toml", help="Limits in a file, as [[limit]].", show_default=False),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            "--baseline",
            metavar="COLLECTION",
            help="What limits such as ready:median<=+10% are held against. Repeat for more.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where a limit is undecided, too.")] = False,
    junit: Annotated[
        str | None,
        typer.Option(
            "--junit", metavar="FILE", help="Also write JUnit's XML to FILE: a test case a limit.", show_default=False
        ),
    ] = None,
    github: Annotated[
        bool,
        typer.Option("--github", help="Also annotate the workflow on stderr, and add to the summary of the step."),
    ] = False,
    format: Annotated[str | None, format_option(GATE)] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    label: LabelOption = None,
    where: WhereOption = None,
    confidence: Annotated[
        float,
        typer.Option(
            "--confidence",
            metavar="SHARE",
            help="How sure each limit on growth is to be, 0.5 to 0.999; the surer, the more stays undecided.",
        ),
    ] = 0.95,
    seed: Annotated[
        int,
        typer.Option("--seed", metavar="N", min=0, max=2**32 - 1, help="Another N draws other samples for the ranges."),
    ] = 0,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    timeout: TimeoutOption = 120.0,
    memory: MemoryOption = None,
    anonymize: AnonymizeOption = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour. So does the variable NO_COLOR.")] = False,
) -> None:
    """Hold a collection of starts against limits and say pass, fail or undecided for each.

    For example: k3slog gate logs/ --max 'ready:p90<=60s' --max 'failed<=0' --junit gate.xml

    METRIC: ready, started, node_ready, images, node, server, detected, polling_tax, a phase such as apiserver_boot,
    check:NAME (times); restarts, findings:NAME or findings:critical (numbers); failed (share of the starts).

    STAT of times and restarts: max (where none is given), p99, p90, median, mean or min.

    Exit codes: 0 all limits hold, 1 one certainly does not, 2 usage, 3 nothing could be read, 4 nothing of k3s in it,
    5 the starts cannot tell.
    """
    from analyzer.gate.judge import Judging

    check_confidence(confidence)
    # Starts are chosen where they are judged, as only the whole tells what is missing; names are hidden behind that.
    reading = Reading(label, None, jobs, scheduler, timeout, memory)
    writes = [(Destination.named(output, force=force), GATE.chosen(format, output))]
    if junit is not None:
        writes.append((Destination.named(junit, force=force), GATE.named("junit")))
    places = [place for place, _ in writes]
    sides, files = (list(collection), list(baseline or ())), list(limits or ())
    try:
        check_outputs(places, [*sides[0], *sides[1], *files])
        how = Judging(strict, confidence, seed, _labels(reading, sides), tuple(where or ()))
        report = _judged(sides, _limits(most or (), files, how, growth=bool(baseline)), reading, places, how)
    except K3slogError as error:
        raise (_harmless(error) if github else error) from None
    shown = _anonymized(report) if anonymize else report
    if github:
        _tell_github(shown)
    for place, chosen in writes:
        made = chosen.render(shown, suited(Options(), place, no_color=no_color))
        place.write(_without_commands(made, chosen) if github and place.is_stdout else made)
    _end(report)


def _limits(most: Sequence[str], files: Sequence[str], how: Judging, *, growth: bool) -> tuple[GateLimit, ...]:
    """The limits; ``growth``: there is something that it can be held against.

    Raises ``UsageError`` and ``BadInputError`` for what cannot be meant, before anything else is read.
    """
    from analyzer.gate.limits import limits_of

    how.check(how.where)

    def check(limit: GateLimit) -> None:
        how.check(limit.where)
        if limit.growth and not growth:
            raise UsageError("growth needs something to be held against", hint="Name it with --baseline COLLECTION")

    found = limits_of(most, files, check)
    if growth and not any(limit.growth for limit in found):
        raise UsageError("no limit is held against the --baseline", hint="Write one with +: 'ready:median<=+10%'")
    return found


def _labels(reading: Reading, sides: _Sides) -> tuple[str, ...]:
    """Names of the user's labels, given now or saved with the starts."""
    from analyzer.collection.gather import saved_labels

    return (*reading.rules().names, *saved_labels([*sides[0], *sides[1]]))


def _judged(
    sides: _Sides, limits: Sequence[GateLimit], reading: Reading, places: Sequence[Destination], how: Judging
) -> GateReport:
    from analyzer.gate.judge import judge

    check = partial(check_outputs, places)
    found = read(sides[0], reading.gathering(sides[0], check))
    _check_starts(found)
    base = read(sides[1], reading.gathering(sides[1], check)) if sides[1] else None
    return judge(limits, found, base, how)


def _check_starts(found: Collection) -> None:
    """Raises ``NoDataError`` where everything could be read and holds nothing of k3s."""
    if not unread(found) and not any(one.starts for one in found.inputs) and not found.starts:
        check_starts(found)


def _anonymized(report: GateReport) -> GateReport:
    from analyzer.reports.gate_anonymize import anonymized

    return anonymized(report)


# --- GitHub


def _tell_github(report: GateReport) -> None:
    from analyzer.reports.gate_github import add_summary, commands, harmless

    with contextlib.suppress(OSError, ValueError):  # a closed stderr is no reason to fail
        print(commands(report), end="", file=sys.stderr, flush=True)
    add_summary(report, os.environ, lambda line: complain(harmless(line)))


def _without_commands(made: str | bytes, chosen: Format[GateReport]) -> str:
    from analyzer.reports.gate_github import harmless

    return harmless(made if isinstance(made, str) else made.decode("utf-8", "replace"), chosen.name)


def _harmless(error: K3slogError) -> K3slogError:
    """The same error in words that a runner does not take for a command."""
    from analyzer.reports.gate_github import harmless

    return type(error)(harmless(error.message), hint=harmless(error.hint))


def _end(report: GateReport) -> None:
    """Leaves with the exit code."""
    found = report.collection
    if unread(found) and not any(one.starts for one in found.inputs) and not found.starts:
        raise typer.Exit(int(ExitCode.BAD_INPUT))
    code = _CODES[report.result]
    if report.strict and code is ExitCode.INCONCLUSIVE:
        code = ExitCode.GATE_FAILED
    if code is not ExitCode.OK:
        raise typer.Exit(int(code))
