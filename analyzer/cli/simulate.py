"""``k3slog simulate``: other ways of polling, replayed in the starts of a log."""

from __future__ import annotations

from typing import Annotated

import typer

from analyzer import api
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
from analyzer.errors import UsageError
from analyzer.reports.format import Options
from analyzer.reports.kinds import SIMULATION
from analyzer.reports.output import Destination, check_outputs
from analyzer.reports.terminal import suited


def simulate(
    paths: PathsArgument = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            help="A policy or a .toml file of one; repeat for more. Default: legacy-4x1s, shared-2s, backoff, adaptive,"
            " optimal, oracle.",
            show_default=False,
        ),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(
            "--scenario",
            metavar="FILE|NAME",
            help="cloud-2vcpu, pi4, edge-1core or a .toml file. With PATH: only its machine, in the log's starts.",
        ),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", metavar="N", min=1, help="Possible worlds to try.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Same seed, same answer.")] = 1,
    format: Annotated[str | None, format_option(SIMULATION)] = None,
    output: OutputOption = None,
    html: Annotated[str | None, typer.Option("--html", metavar="FILE", help="Also write a web page to FILE.")] = None,
    force: ForceOption = False,
    pool: Annotated[
        bool,
        typer.Option("--pool", help="Draw from the pooled curve of all starts, also those that never became ready."),
    ] = False,
    unit: UnitOption = None,
    boot: BootOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    host: HostOption = None,
    directory: DirectoryOption = None,
) -> None:
    """Ask how other ways of polling would have done in a log's starts, or in a scenario.

    Exit codes: 0 done, 2 usage, 3 bad input, 4 no start that became ready.
    """
    names = names_of(paths)
    chosen = SIMULATION.chosen(format, output)
    to = Destination.named(output, force=force)
    page = None if html is None else Destination.named(html, force=force)
    outputs = [to] if page is None else [to, page]
    check_outputs(outputs, names)
    part = Part(unit, boot, since, until, host, directory)
    policies = tuple(policy or ())
    log = None
    if names or part.chosen or scenario is None:
        api.check_simulation(policies, draws, seed)  # told before minutes are spent on reading
        log = open_log(names, part, outputs)
    elif pool:
        raise UsageError("--pool needs a log", hint="Name one or more PATHs.")
    answer = api.simulate(log, policies=policies, scenario=scenario, draws=draws, seed=seed, pool=pool)
    to.write(chosen.render(answer, suited(Options(), to, to_width=False)))
    if page is not None:
        page.write(SIMULATION.named("html").render(answer, Options()))
    tell_unread(log)
