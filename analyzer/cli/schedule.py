"""``k3slog schedule``: when it is best to look, from how long starts take."""

from __future__ import annotations

from typing import Annotated

import typer

from analyzer.api import analyze
from analyzer.cli.inputs import (
    BootOption,
    DirectoryOption,
    ForceOption,
    HostOption,
    OutputOption,
    Part,
    PathsArgument,
    SinceOption,
    UnitOption,
    UntilOption,
    format_option,
    names_of,
    open_log,
    tell_unread,
)
from analyzer.errors import NoDataError, UsageError
from analyzer.reports.format import Options
from analyzer.reports.kinds import SCHEDULE
from analyzer.reports.output import Destination
from analyzer.reports.terminal import suited


def schedule(
    paths: PathsArgument = None,
    distribution: Annotated[
        str | None,
        typer.Option(
            "--distribution",
            metavar="KIND:NUMBERS",
            help="Of readiness: uniform:0,30 | weibull:SHAPE,SCALE | lognormal:MU,SIGMA | exponential:RATE."
            " Without it: the pooled curve of the starts in PATH.",
            show_default=False,
        ),
    ] = None,
    poll_cost: Annotated[
        float | None,
        typer.Option("--poll-cost", metavar="C", help="Cost of one request (required).", show_default=False),
    ] = None,
    delay_cost: Annotated[
        float | None,
        typer.Option(
            "--delay-cost", metavar="D", help="Cost of one second of not noticing (required).", show_default=False
        ),
    ] = None,
    min_gap: Annotated[float, typer.Option("--min-gap", metavar="G", help="Least seconds between requests.")] = 0.0,
    request_time: Annotated[
        float, typer.Option("--request-time", metavar="R", help="Seconds that a request takes.")
    ] = 0.0,
    format: Annotated[str | None, format_option(SCHEDULE)] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    unit: UnitOption = None,
    boot: BootOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    host: HostOption = None,
    directory: DirectoryOption = None,
) -> None:
    """Work out when it is best to look: the moments that cost least, requests and waiting together.

    Exit codes: 0 done, 2 usage, 3 bad input, 4 no start that became ready.
    """
    from analyzer.reports.simulation_schedule import Observed, Plan
    from analyzer.simulator import distribution as distributions, schedule as planner

    names = names_of(paths)
    chosen = SCHEDULE.chosen(format, output)
    if poll_cost is None or delay_cost is None:
        raise UsageError("--poll-cost and --delay-cost are needed", hint="For example --poll-cost 0.05 --delay-cost 1.")
    to = Destination.named(output, force=force)
    to.check(names)
    costs = planner.Costs(poll_cost, delay_cost, min_gap, request_time)
    log = aware = observed = None
    part = Part(unit, boot, since, until, host, directory)
    if distribution is not None:
        if names or part.chosen:
            raise UsageError("give either PATH or --distribution, not both", hint="Leave one of them out.")
        dist = distributions.parse(distribution)
    else:
        from analyzer.simulator import analysed_starts, stateaware
        from analyzer.simulator.scenario import load

        log = open_log(names, part, [to])
        found = analyze(log).report.starts
        curve = analysed_starts.curve(found)
        if curve is None:
            raise NoDataError(f"no start became ready in the log ({len(found)} seen)", hint="Try --distribution.")
        dist = distributions.of_curve(
            curve.edges, curve.mass, f"pooled curve of {curve.windows} start{'s'[curve.windows == 1 :]}"
        )
        observed = Observed.of(*analysed_starts.windows(found), costs)
        aware = stateaware.judge_starts(found, load("cloud-2vcpu").machine, costs)
    answer = planner.optimal(dist, costs)
    to.write(chosen.render(Plan(answer, dist.name, costs, aware, observed), suited(Options(), to, to_width=False)))
    tell_unread(log)
