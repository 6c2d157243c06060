"""The ``k3slog`` command: finds the subcommand, and turns every way to end into an exit code.

Nothing heavy is imported here: a subcommand's module is loaded when it is called.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from analyzer.cli.console import complain
from analyzer.errors import ExitCode, K3slogError
from analyzer.version import __version__

# In the order of the help, which shows these words, so that it need not import a single command. Each has a module that
# holds a function of its name.
COMMANDS = {
    "analyze": "Explain the starts in a log: when ready, and what held them back.",
    "fleet": "Read many logs, each by itself, and say what the whole looks like.",
    "compare": "Compare two collections of starts: how much later or earlier, and how sure.",
    "gate": "Hold a collection of starts against limits: pass, fail or undecided, for CI.",
    "blame": "List what delayed readiness, the most first.",
    "explain": "Say what a check, an error, a milestone, a finding or a message means.",
    "timeline": "Write all that happened in time order: csv, json, parquet, trace.",
    "anonymize": "Write a log so that it can be posted: no host, address, name or token in it.",
    "simulate": "Ask how other ways of polling would have done in a log's starts.",
    "schedule": "Work out when it is best to look, from how long starts take.",
    "wait": "Ask a real API server until it is ready, and say what it lacked.",
    "watch": "Follow a start while it happens: this machine's journal, a log that grows.",
    "generate": "Make a synthetic log with known timings, for tests.",
    "schema": "Print the JSON Schema of the report.",
}

# The command line library's own exceptions, whatever release of it is installed: it prints them itself.
_LIBRARY_ERRORS: tuple[type[BaseException], ...] = (
    typer.Exit,
    typer.Abort,
    *(c for c in typer.BadParameter.__mro__ if c not in (object, BaseException, Exception)),
)


class LazyGroup(TyperGroup):
    """Loads subcommands on demand, and maps errors to exit codes."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the subcommands, in the order of ``COMMANDS``."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The subcommand, imported now; ``None`` when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"analyzer.cli.{cmd_name}")
        wrapper = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        wrapper.command(cmd_name)(getattr(module, cmd_name))
        command = typer.main.get_command(wrapper)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """``--debug`` and ``--version`` may stand anywhere, also behind the subcommand."""
        own, rest = _split_at_dashes(args)
        moved = [flag for flag in ("--debug", "--version") if flag in own]
        own = [a for a in own if a not in moved]
        return super().parse_args(ctx, [*moved, *own, *rest])

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; errors of ours become one line on stderr and their exit code."""
        debug = bool(ctx.params.get("debug"))
        try:
            return super().invoke(ctx)
        except _LIBRARY_ERRORS:
            raise
        except K3slogError as error:
            if debug:
                _print_traceback()
            complain(error.one_line())
            raise typer.Exit(int(error.exit_code)) from None
        except KeyboardInterrupt:
            raise typer.Exit(int(ExitCode.INTERRUPTED)) from None
        except BrokenPipeError:
            _silence_stdout()
            raise typer.Exit(int(ExitCode.BROKEN_PIPE)) from None
        except Exception as error:
            if debug:
                _print_traceback()
            complain(_bug_line(error))
            raise typer.Exit(int(ExitCode.INTERNAL)) from None


def _split_at_dashes(args: list[str]) -> tuple[list[str], list[str]]:
    cut = args.index("--") if "--" in args else len(args)
    return args[:cut], args[cut:]


def _bug_line(error: Exception) -> str:
    what = K3slogError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__).one_line()
    return (
        f"internal error: {what[:300]}. This is a bug in k3slog; run again with --debug and report the traceback,"
        " with the lines of the log that cause it if you can share them"
    )


def _print_traceback() -> None:
    import traceback

    traceback.print_exc(file=sys.stderr)


def _silence_stdout() -> None:
    """Keep the interpreter from complaining about the closed pipe when it flushes at exit."""
    with contextlib.suppress(OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)


def _print_version(value: bool) -> None:
    if value:
        print(f"k3slog {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def k3slog(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Explain how a k3s or RKE2 server started: when it was ready, and what held it back.

    For example:

    \b
        journalctl -u k3s --no-pager -o short-precise | k3slog analyze
        k3slog analyze journal.txt --html report.html
    """


def _end_by_signal(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # on the way out half-written files go


def _call() -> str | int | None:
    """Run the command; what ``sys.exit`` is to get."""
    try:
        app(prog_name="k3slog")
    except SystemExit as end:
        return end.code
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    return int(ExitCode.OK)


def run() -> None:
    """Entry point of the ``k3slog`` script; always ends in ``SystemExit``."""
    if sys.stderr is None:  # closed by the shell (`2>&-`): words for people must not end up among the data
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
    gc.set_threshold(50_000, 20, 50)  # records and rules live to the end; looking for garbage among them is in vain
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # not under nohup
            signal.signal(number, _end_by_signal)
    try:
        code = _call()
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the help, cut by a pager
        code = int(ExitCode.BROKEN_PIPE)
        _silence_stdout()
    except OSError as error:  # the help, on a full disk
        code = int(ExitCode.BAD_INPUT)
        complain(f"stdout cannot be written: {error.strerror or error}")
        _silence_stdout()
    sys.exit(code)


if __name__ == "__main__":
    run()
