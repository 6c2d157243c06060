"""``k3slog watch``: follow a start while it happens."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from analyzer.cli.console import complain
from analyzer.cli.inputs import HostOption, RulesOption, UnitOption
from analyzer.cli.watch_tellers import JsonLines, Lines, LiveScreen, StdoutTeller
from analyzer.errors import ExitCode, NoDataError, UsageError
from analyzer.records.select import Selection
from analyzer.reports.output import STDIN, Destination
from analyzer.sources.following import Followed, FollowedJournal, followed_path, followed_stdin
from analyzer.watching.judge import Ending, Judge, UntilName, Verdict
from analyzer.watching.reader import StartReader
from analyzer.watching.watch import Watch

if TYPE_CHECKING:
    from analyzer.watching.own_polls import OwnPolls

_CODES: Mapping[Verdict, ExitCode] = {
    "reached": ExitCode.OK,
    "failed": ExitCode.GATE_FAILED,
    "timed_out": ExitCode.TIMED_OUT,
    "undecided": ExitCode.INCONCLUSIVE,
    "no_data": ExitCode.NO_DATA,
}
_CAPTURE = "See that the unit runs: systemctl status k3s"


def watch(
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH",
            help="A log that is written to; - is stdin. None: this machine's journal.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        UntilName | None,
        typer.Option("--until", help="What to wait for; end: of a process. Default: api, of agents node."),
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Give up after: 15m, 90s, 1h30m. Default: never.")
    ] = None,
    tries: Annotated[
        int | None, typer.Option("--tries", metavar="N", min=1, help="Give up after so many starts that failed.")
    ] = None,
    history: Annotated[
        list[str] | None,
        typer.Option(
            "--history",
            metavar="COLLECTION",
            help="Earlier starts to compare with: logs, folders, what fleet --save wrote. Repeat for more.",
        ),
    ] = None,
    format: Annotated[
        Literal["text", "jsonl"] | None,
        typer.Option("--format", "-f", help="text: a screen on a terminal, else a line for each change."),
    ] = None,
    poll: Annotated[
        bool, typer.Option("--poll", help="Ask the API server meanwhile, as wait does: narrower windows. Same machine.")
    ] = False,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="With --poll: the API server; default: the kubeconfig's."),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            "--kubeconfig",
            metavar="FILE",
            help="With --poll; waited for. Default: that of k3s or RKE2 in /etc/rancher, then $KUBECONFIG.",
            show_default=False,
        ),
    ] = None,
    rules: RulesOption = None,
    unit: UnitOption = None,
    host: HostOption = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour. So does the variable NO_COLOR.")] = False,
) -> None:
    """Follow a start while it happens: its state, what it lacks and why; the report at the end.

    Exit codes: 0 reached, 1 failed and not tried again, 2 usage, 3 bad input, 4 nothing of k3s in it, 5 the input ended
    first, 6 timed out, 130 interrupted.
    """
    from analyzer.api import load_rules
    from analyzer.live.durations import parse_duration

    timeout_s = parse_duration(timeout) if timeout is not None else None
    own_polls = _own_polls(poll, server, kubeconfig, host)
    Destination().check()
    own = load_rules(rules)
    earlier = None
    if history:
        from analyzer.cli.watch_history import earlier_starts

        earlier = earlier_starts(history, until)
    source = _source(path, unit)
    teller: StdoutTeller
    if format == "jsonl":
        teller = JsonLines()
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        teller = LiveScreen(time.monotonic, until, earlier, no_color=no_color)
    else:
        teller = Lines(until, earlier)
    reader = StartReader(source.name, wanted=_wanted(path, unit, host), rules=own)
    one = Watch(source, reader, Judge(until, tries), teller, time.monotonic, time.process_time, timeout_s)
    one.observer = teller.own = own_polls
    _run(one, teller)


def _run(one: Watch, teller: StdoutTeller) -> None:
    """Watch, and report what was seen whatever ends it."""
    ending: Ending | None = None
    try:
        if teller.own is not None:
            teller.own.begin()
        with teller:
            ending = one.run()
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, SystemExit):
        if teller.own is not None:
            teller.own.close()
        teller.report(one.final())
        complain("interrupted")
        raise
    finally:
        if teller.own is not None:
            teller.own.close()
        one.source.close()
    teller.report(one.final())
    if ending.verdict == "no_data":
        raise NoDataError(ending.why, hint=_CAPTURE)
    complain(teller.last_words(ending))
    raise typer.Exit(int(_CODES[ending.verdict]))


def _own_polls(poll: bool, server: str | None, kubeconfig: Path | None, host: str | None) -> OwnPolls | None:
    """Whoever asks the API server meanwhile. What is wrong for good with its options is told before anything else."""
    if not poll:
        if server is not None or kubeconfig is not None:
            raise UsageError("--server and --kubeconfig are for --poll")
        return None
    from analyzer.live.following import Following
    from analyzer.live.target import Target
    from analyzer.watching.own_polls import OwnPolls, same_host

    here = socket.gethostname()
    if host is not None and not same_host(host, here):
        raise UsageError(
            f"--poll is for a log of this machine ({here}), not of {host}: moments of two clocks prove nothing together"
        )
    target = Target(server, kubeconfig, env_kubeconfig=os.environ.get("KUBECONFIG"))
    Following(target).ready_to_ask()
    return OwnPolls(lambda told: Following(target, told=told))


def _source(path: str | None, unit: list[str] | None) -> Followed:
    if path is None:
        return FollowedJournal(unit or ())
    if path == STDIN:
        return followed_stdin(sys.stdin.buffer if sys.stdin is not None else None)
    return followed_path(path)


def _wanted(path: str | None, unit: list[str] | None, host: str | None) -> Selection | None:
    """The part of the log that is wanted; of the journal ``journalctl`` chooses the units."""
    units = tuple(unit or ()) if path is not None else ()
    if host is not None and not host:
        raise UsageError("--host is empty", hint="For example --host node-1")
    return Selection(units, host=host) if units or host is not None else None
