"""``k3slog generate``: journals whose truth is known."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from analyzer.cli.inputs import ForceOption
from analyzer.errors import UsageError
from analyzer.reports.output import Destination

FORMATS_HELP = (
    "Carriers, comma-separated: the modes of journalctl (short, short-iso, export, json, cat, …), syslog, containers, "
    "CI, log shippers, damaged pastes; or all. A wrong name lists them."
)


def generate(
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to write into.", show_default=False)
    ] = None,
    scenario: Annotated[
        str, typer.Option("--scenario", metavar="NAME", help="What happens (--list shows all), or random.")
    ] = "healthy-sqlite",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Same seed, same bytes.")] = 1,
    formats: Annotated[str, typer.Option("--format", metavar="NAMES", help=FORMATS_HELP)] = "short",
    force: ForceOption = False,
    show: Annotated[bool, typer.Option("--list", help="List the scenarios and write nothing.")] = False,
) -> None:
    """Make a synthetic log with known timings, for tests and demonstrations.

    Writes the journal in each carrier and its truth (NAME.truth.json) into a folder, for example:

    \b
        k3slog generate --scenario slow-rbac-one-core --format short,export -o out
    """
    from analyzer import testing

    if show:
        listed = {name: known.story for name, known in testing.NAMED.items()}
        listed["random"] = "Drawn from all releases, machines and ends by --seed."
        Destination().write("".join(f"{name:24}{story}\n" for name, story in listed.items()))
        return
    if output is None:
        raise UsageError("no folder to write into", hint="Name one with -o DIR")
    if output == "-":
        raise UsageError("several files do not fit on stdout", hint="Name a folder with -o DIR")
    wanted = tuple(dict.fromkeys(part.strip() for part in formats.split(",") if part.strip()))
    wanted = testing.CARRIERS if wanted == ("all",) else wanted
    unknown = [name for name in wanted if name not in testing.CARRIERS]
    if unknown or not wanted:
        names = ", ".join(testing.CARRIERS)
        raise UsageError(f"no format {(unknown or [formats])[0]!r}", hint=f"Choose from {names}, or all")
    plan = testing.random_scenario(seed) if scenario == "random" else testing.named(scenario)
    for path in testing.generate(plan, seed).write(output, wanted, force=force):
        print(f"Wrote {path}", file=sys.stderr)
