"""``k3slog explain``: what a name or a pasted message means."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from analyzer.cli.format_option import format_option
from analyzer.cli.inputs import ForceOption, OutputOption
from analyzer.errors import UsageError
from analyzer.events.redaction import mask_secrets
from analyzer.reports import explain as vocabulary
from analyzer.reports.explain_entry import Entry
from analyzer.reports.format import Options
from analyzer.reports.kinds import EXPLANATION, NAMES
from analyzer.reports.output import Destination
from analyzer.reports.terminal import suited


def explain(
    name: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="A check, error class, milestone, phase, finding or pattern, or a message as the log has it.",
            show_default=False,
        ),
    ] = None,
    list_names: Annotated[bool, typer.Option("--list", help="List every name. So does no NAME.")] = False,
    format: Annotated[str | None, format_option(EXPLANATION)] = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Say what a check, an error, a milestone, a finding or a message of the log means, and what to do.

    For example: k3slog explain rbac/bootstrap-roles, or k3slog explain 'TLS handshake timeout'
    """
    to = Destination.named(output, force=force)
    to.check()
    options = replace(suited(Options(), to), width=None)
    if name and list_names:
        raise UsageError("--list takes no NAME", hint="Leave one of them out")
    if name:
        to.write(EXPLANATION.chosen(format, output).render(_entries(" ".join(name)), options))
    else:
        to.write(NAMES.chosen(format, output).render(vocabulary.names(), options))


def _entries(name: str) -> list[Entry]:
    found = vocabulary.find(name) or vocabulary.recognise(name)
    if found:
        return found
    shown = mask_secrets(name)
    shown = shown if len(shown) <= 80 else shown[:79] + "…"
    near = vocabulary.nearest(name)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f'nothing is known of "{shown}"', hint=f"{meant}All names: k3slog explain --list")
