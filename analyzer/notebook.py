"""IPython and Jupyter: ``%load_ext analyzer.notebook`` gives the line magic ``%k3slog``.

``a = %k3slog journal.txt --start slowest`` is an :class:`analyzer.Analysis`; as the last line of a cell it shows
itself. Neither IPython nor pandas is imported before the magic is used. :func:`offline_figures` makes plotly draw
without a network.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from analyzer.errors import K3slogError, UsageError

if TYPE_CHECKING:
    from analyzer.api import Analysis

MAGIC = "k3slog"
RENDERER = "k3slog-offline"


class Shell(Protocol):
    """What is needed of IPython's ``InteractiveShell``."""

    def register_magic_function(
        self, func: Callable[[str], object], magic_kind: str = "line", magic_name: str | None = None
    ) -> None:
        """Make ``func`` known as ``%magic_name``."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What stood behind ``%k3slog``; ``start`` is what ``--start`` of the command takes, ``None`` for all."""

    paths: tuple[str, ...]
    start: str | None = None


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of ending the kernel."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=self.format_usage().strip())


def parse(line: str) -> Arguments | str:
    """The arguments of the magic, or the help when that was asked for.

    Paths are split as a shell does; ``~`` and ``*`` are expanded, a pattern without a match stays as it is so that
    reading it names it. Raises ``UsageError``.
    """
    parser = _Parser(prog=f"%{MAGIC}", description="Explain every k3s or RKE2 start in a log.", add_help=False)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a log; ~, * and ? are expanded")
    parser.add_argument("--start", metavar="N|last|all|slowest", help="which starts (default: all)")
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{error} in {line!r}", hint="Quote a path that holds spaces") from error
    given = parser.parse_args(words)
    if given.help:
        return parser.format_help()
    if not given.paths:
        parser.error("no PATH given")
    from analyzer.sources.inputs import expand_globs

    return Arguments(tuple(expand_globs(map(os.path.expanduser, given.paths))), given.start)


def run(line: str) -> Analysis | None:
    """What ``%k3slog`` does: an analysis of the named logs, with the chosen starts only; ``None`` for ``--help``.

    Inputs that could not be read are told on stderr when others could. Raises what ``load`` and ``analyze`` raise,
    and ``UsageError``.
    """
    arguments = parse(line)
    if isinstance(arguments, str):
        print(arguments, end="")
        return None
    from analyzer.api import analyze, load
    from analyzer.reports.selection import select_starts

    found = analyze(load(*arguments.paths))
    for error in found.errors:
        print(f"{MAGIC}: {error.one_line()}", file=sys.stderr)
    chosen = select_starts(found.report.starts, arguments.start)
    return replace(found, report=replace(found.report, starts=chosen))


def k3slog(line: str) -> Analysis | None:
    """Explain every k3s or RKE2 start in a log: ``%k3slog PATH… [--start N|last|all|slowest]`` → ``Analysis``."""
    try:
        return run(line)
    except K3slogError as error:
        # IPython shows its own UsageError as one line without a traceback.
        from IPython.core.error import UsageError as ShownInOneLine

        raise ShownInOneLine(f"{MAGIC}: {error.one_line()}") from None


def load_ipython_extension(shell: Shell) -> None:
    """Called by ``%load_ext analyzer.notebook``."""
    shell.register_magic_function(k3slog, "line", MAGIC)


def offline_figures() -> None:
    """Show plotly figures from here on without a network: plotly.js comes out of the installed plotly package.

    Plotly's own ``notebook`` renderer embeds it as well, but has every figure fetch MathJax from a public server.
    """
    import plotly.io
    from IPython import display
    from plotly.io.base_renderers import MimetypeRenderer
    from plotly.offline import get_plotlyjs

    def to_mimebundle(self: object, figure: dict[str, Any]) -> dict[str, str]:
        page: str = plotly.io.to_html(
            figure, include_plotlyjs=False, include_mathjax=False, full_html=False, default_width="100%", validate=False
        )
        return {"text/html": page}

    renderer = type("OfflineRenderer", (MimetypeRenderer,), {"to_mimebundle": to_mimebundle})
    plotly.io.renderers[RENDERER] = renderer()
    plotly.io.renderers.default = RENDERER
    show: Any = display.display_html
    # Without the first script, plotly.js looks for a MathJax to configure.
    show(
        f"<script>window.PlotlyConfig = {{MathJaxConfig: 'local'}};</script>\n<script>{get_plotlyjs()}</script>",
        raw=True,
    )
