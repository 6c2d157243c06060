"""The options by which `fleet`, `compare` and `gate` read collections, and the reading itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.cli.console import Progress, complain
from analyzer.errors import NoDataError, UsageError

if TYPE_CHECKING:
    from analyzer.collection.gather import Gathering
    from analyzer.collection.labels import LabelRules
    from analyzer.collection.model import Collection
    from analyzer.collection.store import Store
    from analyzer.results import Report

CollectionArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="COLLECTION...",
        help="Logs, folders of logs, bundles, reports in JSON, what --save wrote; URLs with k3slog[remote].",
        show_default=False,
    ),
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=VALUE|REGEX",
        help="A label of your own; a regular expression with one group takes it from the path. Repeat for more.",
        show_default=False,
    ),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="NAME=VALUE", help="Only such starts; also NAME!=VALUE. Repeat for more.", show_default=False
    ),
]
ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by", metavar="NAME", help="Group by a label: host, version, kubernetes, … or your own.", show_default=False
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", min=1, help="Processes. Default: the cores.", show_default=False),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS", help="A Dask cluster that does the work (k3slog[dask]).", show_default=False
    ),
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1.0, max=1e6, help="Time for one input.")
]
MemoryOption = Annotated[
    int | None,
    typer.Option(
        "--memory",
        metavar="MIB",
        min=256,
        max=2**30,
        help="Memory of a process. Default: 2048.",
        show_default=False,
    ),
]

Checks = Callable[[Sequence[str]], None]  # is shown all files before any is read


@dataclass(frozen=True, slots=True)
class Reading:
    """What a command was told of how to read: the options of the same names."""

    label: Sequence[str] | None = None
    where: Sequence[str] | None = None
    jobs: int | None = None
    scheduler: str | None = None
    timeout: float = 120.0
    memory: int | None = None
    anonymize: bool = False

    def rules(self) -> LabelRules:
        """Raises ``UsageError`` for labels that cannot be understood."""
        from analyzer.collection.labels import LabelRules

        return LabelRules.of(self.label or ())

    def gathering(self, paths: Sequence[str], check: Checks | None = None) -> Gathering:
        """Raises ``UsageError`` for labels, conditions and numbers that cannot be understood."""
        from analyzer.collection.gather import Gathering, saved_labels
        from analyzer.collection.labels import where_of
        from analyzer.collection.work import WorkOptions

        if math.isnan(self.timeout):  # in every range, for the library
            raise UsageError("--timeout is a number of seconds")
        hide: Callable[[Report], Report] | None = None
        if self.anonymize:
            from analyzer.reports.anonymize import anonymize as hide
        rules, known = self.rules(), saved_labels(paths)
        wanted = tuple(where_of(one, rules, known) for one in self.where or ())
        work = WorkOptions(limit_s=self.timeout, memory_bytes=(self.memory or 2048) * 2**20)
        return Gathering(rules, wanted, self.jobs, self.scheduler, work, hide=hide, check=check)


def read(paths: Sequence[str], how: Gathering, store: Store | None = None) -> Collection:
    """Everything that ``paths`` name, with a bar of progress on a terminal.

    Raises ``NoDataError`` where no input is named.
    """
    from analyzer.collection.gather import gather

    with Progress() as watched, store or nullcontext():
        told = None if watched is None else watched.inputs
        try:
            found = gather(paths, how, store, told)
        except (KeyboardInterrupt, SystemExit) as interrupt:
            for note in getattr(interrupt, "__notes__", ()):
                complain(f"interrupted; {note}")
            raise
    if not found.inputs:
        raise NoDataError("no log in it", hint="Name a folder of logs, or a pattern: 'logs/**/*.gz'")
    return found


def unread(found: Collection) -> bool:
    """Whether an input could not be read; one without a line of k3s could."""
    return any(one.error_kind not in ("", "no_data") for one in found.inputs)


def check_confidence(share: float) -> None:
    """Raises ``UsageError`` for what is no share that an interval can have."""
    if 0.5 <= share <= 0.999:
        return
    hint = f"Write {share / 100:g}" if 50.0 <= share <= 99.9 else "Write 0.95 for 95%"
    raise UsageError(f"--confidence is between 0.5 and 0.999, not {share:g}", hint=hint)


def check_starts(found: Collection) -> None:
    """Raises ``NoDataError`` where there is no start although everything could be read."""
    from analyzer.reports.wording import plural

    if found.starts or unread(found):
        return
    if any(one.starts for one in found.inputs):
        raise NoDataError("no start is as --where says", hint="k3slog fleet … --by NAME shows what there is")
    raise NoDataError(f"no trace of a k3s or RKE2 run in {plural(len(found.inputs), 'input')}")
