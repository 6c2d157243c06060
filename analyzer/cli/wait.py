"""``k3slog wait``: ask a real API server until it is ready, then explain what was seen.

What is imported here is all that is loaded before the first request: the reports of the house are not among it, and are
loaded only where ``--full`` or a format needs them, while there is nothing to do but to wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.errors import ExitCode, UsageError, printable
from analyzer.live.clock import Clock
from analyzer.live.durations import parse_duration
from analyzer.live.ending import ending_of
from analyzer.live.following import Following
from analyzer.live.observed_polls import UNTIL, ObservedWait, Verdict, dump
from analyzer.live.screen import LiveLine, StateLines, clock_face
from analyzer.live.summary import summary_of
from analyzer.live.target import Target
from analyzer.live.waiting import Wait
from analyzer.policies import get
from analyzer.reports.output import Destination

if TYPE_CHECKING:
    from analyzer.reports.format import Format
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
            "--kubeconfig",
            metavar="FILE",
            help="Waited for. Default: that of k3s or RKE2 in /etc/rancher, then $KUBECONFIG.",
            show_default=False,
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
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="[api|node|node_ready|system|all]",
            help="What to wait for: readiness, the node registered or Ready, the pods of kube-system, all.",
        ),
    ] = "api",
    policy: Annotated[str, typer.Option("--policy", metavar="NAME|FILE.toml", help="When to ask next.")] = "adaptive",
    timeout: Annotated[str, typer.Option("--timeout", metavar="TIME", help="Give up after: 15m, 90s, 1h30m.")] = "15m",
    patience: Annotated[
        str,
        typer.Option(
            "--patience",
            metavar="TIME",
            help="How long a kubeconfig may stay the same while the server refuses it (401, unknown CA).",
        ),
    ] = "60s",
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="[text|json]",
            help="Of the summary: text (default), json, or another one of analyze.",
            show_default=False,
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="The summary in all detail, as analyze --full.")] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Save the polls for analyze and simulate (-: stdout, no summary).",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Ask an API server for /readyz until it is ready, and say what held it back.

    Exit codes: 0 ready, 1 it cannot become ready as it is or answers 401, 2 usage, 3 bad file, 6 timed out,
    130 interrupted.
    """
    timeout_s = parse_duration(timeout)
    if until not in UNTIL:
        raise UsageError(f"nothing to wait for is called {until!r}", hint=f"Goals: {', '.join(UNTIL)}")
    report = _report_format(format, full=full)
    chosen = get(policy)
    saved = None if output is None else Destination.named(output, force=force)
    if saved is not None:
        saved.check([str(p) for p in (kubeconfig, ca, cert, key, token_file) if p is not None])
    target = Target(
        server, kubeconfig, ca, cert, key, token_file, insecure, env_kubeconfig=os.environ.get("KUBECONFIG")
    )
    screen = _screen(chosen.name)
    server_asked = Following(target, patience_s=parse_duration(patience), told=screen.said)
    server_asked.ready_to_ask()  # what is wrong for good is told before anything else
    one = Wait(server_asked, chosen, timeout_s=timeout_s, until=UNTIL[until])
    interrupted = not _run(one, screen)
    seen = one.observed()
    _finish(seen, saved, report, full=full)
    gc.freeze()  # or the interpreter looks for garbage among all modules before it ends: 0.1 s on a busy board
    if interrupted:
        raise KeyboardInterrupt
    raise typer.Exit(int(_CODES[seen.verdict]))


def _report_format(name: str | None, *, full: bool) -> Format[Report] | None:
    """How the whole report is written, ``None``: not at all, the short summary of a wait is enough."""
    if name in (None, "text") and not full:
        return None
    from analyzer.reports.kinds import REPORT

    return REPORT.chosen(name, None)


def _screen(policy: str) -> LiveLine | StateLines:
    stream = sys.stderr
    on_terminal = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    return LiveLine(stream) if on_terminal else StateLines(stream, policy)


def _run(one: Wait, screen: LiveLine | StateLines) -> bool:
    """Wait, telling the terminal or the log; ``False`` when interrupted."""
    live = screen if isinstance(screen, LiveLine) else None
    one.watcher = screen
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


def _finish(seen: ObservedWait, saved: Destination | None, report: Format[Report] | None, *, full: bool) -> None:
    text = dump(seen) if saved is not None else ""
    if saved is not None:
        saved.write(text)
    if saved is None or not saved.is_stdout:
        path = None if saved is None else str(saved.path)
        to = Destination()
        to.write(summary_of(seen) if report is None else _rendered(seen, report, path, len(text.encode()), full=full))
    _say(_last_words(seen))


def _rendered(seen: ObservedWait, report: Format[Report], path: str | None, size: int, *, full: bool) -> str | bytes:
    from analyzer.live.wait_report import numbered, report_of
    from analyzer.reports.format import Options
    from analyzer.reports.terminal import suited

    return report.render(report_of(numbered(seen), path=path, size=size), suited(Options(full=full), Destination()))


def _last_words(seen: ObservedWait) -> str:
    if seen.verdict == "fatal":
        what = "cannot tell" if ending_of(seen).kind == "denied" else "cannot become ready"
        return printable(f"{what}: {seen.reason}." + (f" {seen.advice}" if seen.advice else ""))
    how = {"ready": "ready", "timed_out": "timed out"}.get(seen.verdict or "", "interrupted")
    if seen.verdict == "timed_out" and seen.success is None and ending_of(seen).not_ready:
        how = "not ready"
    polls = "1 poll" if len(seen.polls) == 1 else f"{len(seen.polls)} polls"
    return f"{how} after {clock_face(seen.end_s or 0.0)}, {polls}"


def _say(line: str) -> None:
    """One line of our own words on stderr; a closed stderr is no reason to fail."""
    with contextlib.suppress(OSError, ValueError):
        print(f"k3slog: {line}", file=sys.stderr)
