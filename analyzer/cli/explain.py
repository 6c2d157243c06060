"""``k3slog explain``: what a name or a pasted message means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analyzer.cli.inputs import ForceOption, OutputOption, format_option, names_of, open_log, tell_unread
from analyzer.errors import UsageError
from analyzer.events.redaction import mask_secrets
from analyzer.reports import explain as vocabulary
from analyzer.reports.explain_entry import Entry
from analyzer.reports.explain_log import in_log
from analyzer.reports.format import Options
from analyzer.reports.kinds import EXPLANATION, NAMES
from analyzer.reports.output import STDIN, Destination
from analyzer.reports.selection import select_starts
from analyzer.reports.terminal import suited


def explain(
    name: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME [LOG]",
            help="A check, error class, milestone, phase, finding or pattern, or a message as the log has it. With a"
            " LOG after a check: what that log says of it.",
            show_default=False,
        ),
    ] = None,
    list_names: Annotated[bool, typer.Option("--list", help="List every name. So does no NAME.")] = False,
    format: Annotated[str | None, format_option(EXPLANATION)] = None,
    start: Annotated[
        str, typer.Option("--start", metavar="N|last|all|slowest", help="Which starts of LOG. Default: the last.")
    ] = "last",
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Say what a check, an error, a milestone, a finding or a message of the log means, and what to do.

    For example: k3slog explain rbac/bootstrap-roles, k3slog explain 'TLS handshake timeout', or with what a log says of
    a check: k3slog explain rbac/bootstrap-roles k3s.log
    """
    to = Destination.named(output, force=force)
    to.check()
    options = suited(Options(), to, to_width=False)
    if name and list_names:
        raise UsageError("--list takes no NAME", hint="Leave one of them out")
    log = _log_behind_a_check(name or [])
    if name and log is not None:
        to.write(EXPLANATION.chosen(format, output).render(_in_log(name[:-1], log, start), options))
    elif name:
        to.write(EXPLANATION.chosen(format, output).render(_entries(" ".join(name)), options))
    else:
        to.write(NAMES.chosen(format, output).render(vocabulary.names(), options))


def _log_behind_a_check(words: list[str]) -> str | None:
    """The last word, where the ones before name a check: the only one behind it is a log, whether it exists or not."""
    if len(words) < 2 or vocabulary.find(" ".join(words)):
        return None
    last, found = words[-1], vocabulary.find(" ".join(words[:-1]))
    is_path = last == STDIN or "/" in last or "." in last or Path(last).exists()
    if found and is_path and not any(entry.kind == "check" for entry in found):
        named = " ".join(words[:-1])
        raise UsageError(
            f"a LOG can stand behind a check only, and {named} is none",
            hint=f"k3slog explain {named} says what it is, k3slog analyze {last} --full what the log holds",
        )
    if not any(entry.kind == "check" for entry in found):
        return None
    return last if len(words) == 2 or is_path else None


def _in_log(words: list[str], log: str, choice: str) -> list[Entry]:
    """The check with what each chosen start of the log says of it."""
    from analyzer.api import analyze

    [entry, *_] = (entry for entry in vocabulary.find(" ".join(words)) if entry.kind == "check")
    opened = open_log(names_of([log]))
    report = analyze(opened).report
    told = [in_log(entry, report, one) for one in select_starts(report.starts, choice)]
    tell_unread(opened)
    return told


def _entries(name: str) -> list[Entry]:
    found = vocabulary.find(name) or vocabulary.recognise(name)
    if found:
        return found
    shown = mask_secrets(name)
    shown = shown if len(shown) <= 80 else shown[:79] + "…"
    near = vocabulary.nearest(name)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f'nothing is known of "{shown}"', hint=f"{meant}All names: k3slog explain --list")
