"""``k3slog wait``: ask a real API server until it is ready, then explain what was seen.

What is imported here is all that is loaded before the first request: the reports of the house are not among it, and are
loaded only where ``--full`` or a format needs them, while there is nothing to do but to wait.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from analyzer.errors import ExitCode, K3slogError, UsageError, printable
from analyzer.live.durations import parse_duration
from analyzer.live.ending import ending_of
from analyzer.live.events import JsonLines
from analyzer.live.following import Following
from analyzer.live.handover import FAILED, TIMED_OUT, CannotRun, run_instead
from analyzer.live.observed_polls import UNTIL, ObservedWait, Verdict, dump
from analyzer.live.screen import LiveLine, StateLines, clock_face
from analyzer.live.session import Several, held_up, run
from analyzer.live.summary import summary_of
from analyzer.live.target import Target
from analyzer.live.waiting import Wait
from analyzer.policies import get
from analyzer.policies.kinds.adaptive import KEPT_CONNECTION
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
#: When to load what a report needs: not before the first request.
_WARM_S = 0.5
#: Codes that a program behind ``--`` turns into its own; signals stay what they are.
_FAILURES = frozenset({ExitCode.GATE_FAILED, ExitCode.TIMED_OUT})


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
            metavar="[text|json|jsonl]",
            help="On stdout: a summary (text), the report (json), a line for each change (jsonl).",
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing, but why it failed.")] = False,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- COMMAND [ARG]...",
            help="A program that takes the place of wait once the goal is reached.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Ask an API server for /readyz until it is ready, and say what held it back.

    Exit codes: 0 ready, 1 it cannot become ready as it is or answers 401, 2 usage, 3 bad file, 6 timed out,
    130 interrupted. With a COMMAND its own, or, when it was never run: 124 timed out, 125 any other failure,
    126 it cannot be run, 127 it was not found.
    """
    _check_dashes(command or [])
    target = Target(
        server, kubeconfig, ca, cert, key, token_file, insecure, env_kubeconfig=os.environ.get("KUBECONFIG")
    )
    how = _How(format, full, quiet, output, force, bool(command))
    try:
        code = _waited(target, how, policy=policy, timeout=timeout, patience=patience, until=until)
    except K3slogError as problem:
        if not command:
            raise
        _say(problem.one_line())
        _leave(FAILED)
    if not command:
        _leave(code)
    if code != ExitCode.OK:
        _leave({ExitCode.TIMED_OUT: TIMED_OUT}.get(ExitCode(code), FAILED) if code in _FAILURES else code)
    try:
        run_instead(command)
    except CannotRun as problem_of_command:
        _say(str(problem_of_command))
        _leave(problem_of_command.code)


@dataclass(frozen=True, slots=True)
class _How:
    """What is to be written, and where."""

    format: str | None
    full: bool
    quiet: bool
    output: str | None
    force: bool
    command: bool  # stdout is another program's

    @property
    def events(self) -> bool:
        """Whether stdout carries a line for each change."""
        return self.format == "jsonl"

    def saved(self, inputs: Sequence[Path]) -> Destination | None:
        """Where the polls go. Raises ``UsageError`` and ``OutputError`` for what cannot end well."""
        if self.output is None:
            return None
        saved = Destination.named(self.output, force=self.force)
        if saved.is_stdout and self.events:
            raise UsageError("two outputs would go to stdout", hint="Name a file with -o")
        saved.check([str(path) for path in inputs])
        return saved

    @property
    def whole(self) -> bool:
        """Whether the whole report is written: all but the short summary of a wait, and lines for changes."""
        return not self.events and (self.full or self.format not in (None, "text"))

    def check(self) -> None:
        """Raises ``UsageError`` for a format that there is not."""
        if self.format not in (None, "text", "json", "jsonl"):
            self.report()

    def report(self) -> Format[Report]:
        """How the whole report is written."""
        from analyzer.reports.kinds import REPORT

        return REPORT.chosen(self.format, None)


def _check_dashes(command: Sequence[str]) -> None:
    """A program is only what stands behind ``--``: a forgotten option must not be run."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if command and list(command) != words:
        raise UsageError(
            f"unexpected argument {command[0]!r}", hint="A program to run goes behind --: k3slog wait -- PROGRAM"
        )


def _waited(target: Target, how: _How, *, policy: str, timeout: str, patience: str, until: str) -> int:
    """Wait and tell; the exit code."""
    if until not in UNTIL:
        raise UsageError(f"nothing to wait for is called {until!r}", hint=f"Goals: {', '.join(UNTIL)}")
    timeout_s, patience_s = parse_duration(timeout), parse_duration(patience)
    how.check()
    chosen = get(policy, **KEPT_CONNECTION) if policy == "adaptive" else get(policy)
    saved = how.saved(target.files)
    live = _live_line(how)
    events = JsonLines(sys.stdout, chosen.name, until) if how.events else None
    lines = None if live is not None or how.quiet or how.events else StateLines(sys.stderr, chosen.name)
    watchers = Several([one for one in (events, live, lines) if one is not None])
    asked = Following(target, patience_s=patience_s, told=watchers.said)
    one = Wait(asked, chosen, timeout_s=timeout_s, until=UNTIL[until])
    watchers.watch = one.watch
    one.watcher = watchers
    try:
        warm = _warming(one, how)
        asked.ready_to_ask()  # what is wrong for good is told before anything else
        number = run(one, live)
        code = 128 + number if number else int(_CODES[one.observed().verdict])
        if events is not None:
            events.ended(one.observed(), code)
    except BrokenPipeError:  # whoever reads the events has left: the polls are saved all the same
        if saved is not None:
            saved.write(dump(one.observed()))
        raise
    if warm is not None:
        warm.join()
    seen = one.observed()
    _write(seen, how, saved)
    if not how.quiet or code != ExitCode.OK:
        _say(_last_words(seen))
    return code


def _live_line(how: _How) -> LiveLine | None:
    stream = sys.stderr
    on_terminal = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    return LiveLine(stream) if on_terminal and not how.quiet else None


def _warming(one: Wait, how: _How) -> threading.Timer | None:
    """Loads what a report needs while there is nothing to do but to wait: half a second that is missing at the end."""
    if not how.whole:
        return None

    def warm() -> None:
        with contextlib.suppress(Exception):  # what is wrong with it is told when it is written
            _rendered(one.observed(), how, None, 0)

    timer = threading.Timer(_WARM_S, warm)
    timer.daemon = True
    timer.start()
    return timer


def _write(seen: ObservedWait, how: _How, saved: Destination | None) -> None:
    """The polls to their file, then the summary or the report."""
    text = dump(seen) if saved is not None else ""
    if saved is not None:
        saved.write(text)
        if saved.is_stdout:
            return
    if how.whole:
        Destination().write(_rendered(seen, how, None if saved is None else str(saved.path), len(text.encode())))
    elif not how.quiet and not how.events:
        words = summary_of(seen)
        if how.command:  # stdout is the program's
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(words)
        else:
            Destination().write(words)


def _leave(code: int) -> NoReturn:
    """End with ``code``, quickly."""
    gc.freeze()  # or the interpreter looks for garbage among all modules before it ends: 0.1 s on a busy board
    if held_up():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    raise typer.Exit(code)


def _rendered(seen: ObservedWait, how: _How, path: str | None, size: int) -> str | bytes:
    from analyzer.live.wait_report import numbered, report_of
    from analyzer.reports.format import Options
    from analyzer.reports.terminal import suited

    report = report_of(numbered(seen), path=path, size=size)
    return how.report().render(report, suited(Options(full=how.full), Destination()))


def _last_words(seen: ObservedWait) -> str:
    if seen.verdict == "fatal":
        what = "cannot tell" if ending_of(seen).kind == "denied" else "cannot become ready"
        return printable(f"{what}: {seen.reason}." + (f" {seen.advice}" if seen.advice else ""))
    done = "all reached" if seen.goals else "ready"
    how = {"ready": done, "timed_out": "timed out"}.get(seen.verdict or "", "interrupted")
    if seen.verdict == "timed_out" and seen.success is None and ending_of(seen).not_ready:
        how = "not ready"
    polls = "1 poll" if len(seen.polls) == 1 else f"{len(seen.polls)} polls"
    return f"{how} after {clock_face(seen.end_s or 0.0)}, {polls}"


def _say(line: str) -> None:
    """One line of our own words on stderr; a closed stderr is no reason to fail."""
    with contextlib.suppress(OSError, ValueError):
        print(f"k3slog: {line}", file=sys.stderr)
