"""``k3slog explain``: what a name or a pasted message means."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from analyzer.cli.inputs import ForceOption, OutputOption
from analyzer.errors import UsageError
from analyzer.events.redaction import mask_secrets
from analyzer.reports import explain as known
from analyzer.reports import explain_views as views
from analyzer.reports.output import Destination
from analyzer.reports.text import fitted


class ExplainFormat(StrEnum):
    """What the answer is written as."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


_BY_SUFFIX = {".json": ExplainFormat.JSON, ".md": ExplainFormat.MARKDOWN}


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
    format: Annotated[
        ExplainFormat | None, typer.Option("--format", "-f", help="Default: by the name of FILE, else text.")
    ] = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Say what a check, an error, a milestone, a finding or a message of the log means, and what to do.

    For example: k3slog explain rbac/bootstrap-roles, or k3slog explain 'TLS handshake timeout'
    """
    chosen = format or _BY_SUFFIX.get(Path(output or "").suffix.lower(), ExplainFormat.TEXT)
    to = Destination.named(output, force=force)
    to.check()
    if list_names or not name:
        if name:
            raise UsageError("--list takes no NAME", hint="Leave one of them out")
        to.write(_listing(chosen, to))
        return
    to.write(_answer(_entries(" ".join(name)), chosen, to))


def _entries(name: str) -> list[known.Entry]:
    found = known.find(name) or known.recognise(name)
    if found:
        return found
    shown = mask_secrets(name)
    shown = shown if len(shown) <= 80 else shown[:79] + "…"
    near = known.nearest(name)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f'nothing is known of "{shown}"', hint=f"{meant}All names: k3slog explain --list")


def _answer(entries: list[known.Entry], format: ExplainFormat, to: Destination) -> str:
    match format:
        case ExplainFormat.TEXT:
            return fitted(views.text(entries), to)
        case ExplainFormat.JSON:
            return views.json_text(entries)
        case ExplainFormat.MARKDOWN:
            return views.markdown(entries)
        case _:
            assert_never(format)


def _listing(format: ExplainFormat, to: Destination) -> str:
    match format:
        case ExplainFormat.TEXT:
            return fitted(views.listing(), to)
        case ExplainFormat.JSON:
            return views.json_listing()
        case ExplainFormat.MARKDOWN:
            return views.markdown_listing()
        case _:
            assert_never(format)
