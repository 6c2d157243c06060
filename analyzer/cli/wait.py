"""``k3slog wait``: ask a real API server until it is ready, then explain what was seen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from analyzer.cli.console import complain
from analyzer.cli.inputs import ForceOption, format_option
from analyzer.errors import ExitCode, printable
from analyzer.live.clock import Clock
from analyzer.live.durations import parse_duration
from analyzer.live.observed_polls import ObservedWait, Verdict, dump
from analyzer.live.screen import LiveLine, StateLines, clock_face
from analyzer.live.target import Target, access_of
from analyzer.live.transport import HttpProber
from analyzer.live.wait_report import numbered, report_of
from analyzer.live.waiting import Wait
from analyzer.policies import get
from analyzer.reports.format import Format, Options
from analyzer.reports.kinds import REPORT
from analyzer.reports.output import Destination
from analyzer.reports.terminal import suited
from analyzer.reports.wording import plural
from analyzer.results import Report

_CODES: Mapping[Verdict | None, ExitCode] = {
    "ready": ExitCode.OK,
    "fatal": ExitCode.GATE_FAILED,
    "timed_out": ExitCode.TIMED_OUT,
    "interrupted": ExitCode.INTERRUPTED,
    None: ExitCode.INTERRUPTED,
}


def wait(
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="The API server; default: the kubeconfig's."),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            "--kubeconfig", metavar="FILE", help="Default: /etc/rancher/k3s/k3s.yaml if it exists, then $KUBECONFIG."
        ),
    ] = None,
    ca: Annotated[Path | None, typer.Option("--ca", metavar="FILE", help="CA that signed the server (PEM).")] = None,
    cert: Annotated[Path | None, typer.Option("--cert", metavar="FILE", help="Client certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="Key of --cert (PEM).")] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="File with a bearer token.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Trust any server certificate. Whoever answers gets your token.")
    ] = False,
    policy: Annotated[str, typer.Option("--policy", metavar="NAME|FILE.toml", help="When to ask next.")] = "adaptive",
    timeout: Annotated[str, typer.Option("--timeout", metavar="TIME", help="Give up after: 15m, 90s, 1h30m.")] = "15m",
    format: Annotated[str | None, format_option(REPORT, "Of the summary. Default: text.")] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Save the polls for analyze and simulate (-: stdout, no summary).",
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Ask an API server for /readyz until it is ready, and say what held it back.

    Exit codes: 0 ready, 1 it cannot become ready as it is or answers 401, 2 usage, 3 bad file, 6 timed out,
    130 interrupted.
    """
    timeout_s = parse_duration(timeout)
    summary = REPORT.chosen(format, None)
    chosen = get(policy)
    saved = None if output is None else Destination.named(output, force=force)
    if saved is not None:
        saved.check([str(p) for p in (kubeconfig, ca, cert, key, token_file) if p is not None])
    access = access_of(
        Target(server, kubeconfig, ca, cert, key, token_file, insecure, env_kubeconfig=os.environ.get("KUBECONFIG"))
    )
    for note in access.notes:
        complain(note)
    one = Wait(HttpProber(access), chosen, timeout_s=timeout_s)
    interrupted = not _run(one, one.policy.name, access.server)
    seen = numbered(one.observed())
    _finish(seen, saved, summary)
    if interrupted:
        raise KeyboardInterrupt
    raise typer.Exit(int(_CODES[seen.verdict]))


def _run(one: Wait, policy: str, server: str) -> bool:
    """Wait, telling the terminal or the log; ``False`` when interrupted."""
    stream = sys.stderr
    on_terminal = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    live = LiveLine(stream, server) if on_terminal else None
    one.watcher = live if live is not None else StateLines(stream, policy)
    try:
        with asyncio.Runner() as loop:  # turns SIGINT into a cancelled task and then ``KeyboardInterrupt``
            loop.run(_drawn(one, live))
    except KeyboardInterrupt:
        return False
    finally:
        if live is not None:
            live.clear()
    return True


async def _drawn(one: Wait, live: LiveLine | None) -> None:
    drawing = asyncio.ensure_future(live.keep_drawing(Clock())) if live is not None else None
    try:
        await one.run()
    finally:
        if drawing is not None:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing


def _finish(seen: ObservedWait, saved: Destination | None, format: Format[Report]) -> None:
    text = dump(seen)
    if saved is not None:
        saved.write(text)
    path = None if saved is None or saved.path is None else str(saved.path)
    if saved is None or not saved.is_stdout:
        to = Destination()
        to.write(format.render(report_of(seen, path=path, size=len(text.encode())), suited(Options(), to)))
    complain(_last_words(seen))


def _last_words(seen: ObservedWait) -> str:
    if seen.verdict == "fatal":
        what = "cannot tell" if seen.locked_out else "cannot become ready"
        return printable(f"{what}: {seen.reason}." + (f" {seen.advice}" if seen.advice else ""))
    how = {"ready": "ready", "timed_out": "not ready"}.get(seen.verdict or "", "interrupted")
    return f"{how} after {clock_face(seen.end_s or 0.0)}, {plural(len(seen.polls), 'poll')}"
