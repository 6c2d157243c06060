"""``k3slog simulate``: other ways of polling, replayed in the starts of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from analyzer.simulator.herd import Agents


def simulate(
    paths: PathsArgument = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            help="A policy or a .toml file of one; repeat for more. Default: legacy-4x1s, shared-2s, backoff, adaptive,"
            " optimal, oracle; adaptive-wait is the pace of wait.",
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
    agents: Annotated[
        int | None,
        typer.Option(
            "--agents",
            metavar="N",
            min=1,
            help="Also: what N agents that wait for one server ask of it, by policy.",
            show_default=False,
        ),
    ] = None,
    spread: Annotated[
        float | None,
        typer.Option(
            "--spread",
            metavar="S",
            min=0.0,
            help="With --agents: they begin evenly over S seconds (2).",
            show_default=False,
        ),
    ] = None,
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
    herd = _agents(agents, spread)
    log = None
    if names or part.chosen or scenario is None:
        api.check_simulation(policies, draws, seed, agents=herd)  # told before minutes are spent on reading
        log = open_log(names, part, outputs)
    elif pool:
        raise UsageError("--pool needs a log", hint="Name one or more PATHs.")
    answer = api.simulate(
        log,
        policies=policies,
        scenario=scenario,
        draws=draws,
        seed=seed,
        pool=pool,
        agents=herd,
    )
    to.write(chosen.render(answer, suited(Options(), to, to_width=False)))
    if page is not None:
        page.write(SIMULATION.named("html").render(answer, Options()))
    tell_unread(log)


def _agents(count: int | None, spread_s: float | None) -> Agents | None:
    if count is None and spread_s is None:
        return None
    if count is None:
        raise UsageError("--spread is for --agents", hint="Say how many agents wait for the server.")
    from analyzer.simulator.herd import SPREAD_S, Agents

    return Agents(count, SPREAD_S if spread_s is None else spread_s)
