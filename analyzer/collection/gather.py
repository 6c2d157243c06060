"""From what a user names to a collection: saved folders, reports and logs, many read at once.

Whatever runs the work, rows arrive in the order of the inputs; so the same inputs give the same collection with any
number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.collection import engine, executors, inputs
from analyzer.collection.collect import Builder, filtered, in_order, joined
from analyzer.collection.interrupts import Interrupts
from analyzer.collection.labels import LabelRules, Where
from analyzer.collection.model import Collection, InputSpec, Labels, StartRow
from analyzer.collection.stand_ins import StandIns, key_of
from analyzer.collection.urls import is_url
from analyzer.collection.work import InputResult, WorkOptions
from analyzer.errors import UsageError, printable

if TYPE_CHECKING:
    from analyzer.collection.store import Store
    from analyzer.results import Report

Told = Callable[[int, int], None]  # inputs done, inputs in all
NO_LABELS = LabelRules()


@dataclass(frozen=True, slots=True)
class Gathering:
    """How a collection is read.

    ``jobs``: processes on this machine (``None``: one for each core); ``scheduler``: address of a Dask cluster that
    does the work instead.
    """

    labels: LabelRules = NO_LABELS
    where: tuple[Where, ...] = ()
    jobs: int | None = None
    scheduler: str | None = None
    work: WorkOptions = field(default_factory=WorkOptions)
    hide: Callable[[Report], Report] | None = None  # anonymizes a report; then all names are hidden
    check: Callable[[Sequence[str]], None] | None = None  # is shown all files before any is read, and may refuse them

    def keeps(self, row: StartRow) -> bool:
        """Whether all conditions hold of a start."""
        return all(one.keeps(row) for one in self.where)


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gather(paths: Sequence[str], how: Gathering, store: Store | None = None, told: Told | None = None) -> Collection:
    """Everything that ``paths`` name, each start once, in the order of the inputs.

    With a ``store`` the rows of logs are saved there as well; inputs that it holds already, unchanged, are not read
    again. When the reading is interrupted it is committed as well, with what was read by then.

    Raises:
        UsageError: what was named cannot be understood.
        OutputError: the store cannot be written.
        KeyboardInterrupt, SystemExit: after the commit; a note tells what is kept.
    """
    saved, rest = inputs.saved_folders(paths)
    found = list(inputs.specs(rest, how.labels))
    if how.check is not None:
        how.check([file for spec in found for file in spec.files])
    order = [spec.name for spec in found]
    parts = [_saved(folder, how) for folder in saved]
    if store is not None:
        known = {spec.name for spec in found if store.holds(spec)}
        parts += [store.kept(known)] if known else []
        found = [spec for spec in found if spec.name not in known]
    if how.hide is not None:
        how = replace(how, work=replace(how.work, stand_ins=StandIns(key_of(found), how.hide)))
        order = [how.work.stand_ins.spec(spec).name for spec in found] if how.work.stand_ins is not None else order
    builder = Builder()
    with Interrupts() as interrupts:
        try:
            _take_in(_results(found, how, saving=store is not None), len(found), builder, store, told, interrupts)
        except (KeyboardInterrupt, SystemExit) as interrupt:
            with interrupts.held():  # whoever is impatient kills it, and finds the old dataset or the new one
                if store is not None:
                    interrupt.add_note(store.commit_part(order))
            raise
        with interrupts.held():
            if store is not None:
                store.commit(order)
    whole = in_order(joined([*parts, builder.built()]), order)
    return filtered(whole, how.keeps) if how.where else whole


def _take_in(
    results: Generator[InputResult],
    count: int,
    builder: Builder,
    store: Store | None,
    told: Told | None,
    interrupts: Interrupts,
) -> None:
    """Each result is taken whole or not at all; an interrupt ends the workers wherever it comes."""
    with closing(results):
        for number, result in enumerate(results, 1):
            with interrupts.held():
                builder.add(result)
                if store is not None:
                    store.append(result)
            if told is not None:
                told(number, count)


def check_saving(paths: Sequence[str], folder: str, *, resume: bool) -> None:
    """Refuse to write a dataset that lacks what is read from others: only logs and reports are saved.

    Raises ``UsageError``.
    """
    saved, _ = inputs.saved_folders(paths)
    for one in saved:
        if not (resume and os.path.realpath(one) == os.path.realpath(folder)):
            raise UsageError(
                f"--save does not take over what {printable(one)} holds",
                hint="Name the logs instead, or continue it: --save with the same folder, and --resume",
            )


def saved_labels(paths: Sequence[str]) -> tuple[str, ...]:
    """The names of the user's labels in saved folders among ``paths``."""
    from analyzer.collection.manifest import manifest_of

    folders, _ = inputs.saved_folders(paths)
    return tuple(dict.fromkeys(name for folder in folders for name in manifest_of(Path(folder)).labels))


def _saved(folder: str, how: Gathering) -> Collection:
    from analyzer.collection.read_saved import read_saved

    if not how.labels.names:
        return read_saved(folder, how.keeps if how.where else None)
    found = read_saved(folder)
    own = {row.input: how.labels.labels_of(row.input) for row in found.inputs}
    return replace(found, starts=tuple(_labelled(start, own[start.input]) for start in found.starts))


def _from_anywhere(spec: InputSpec) -> InputSpec:
    """The input with files that a worker in another folder finds; it keeps its name."""
    return replace(spec, files=tuple(file if is_url(file) else os.path.abspath(file) for file in spec.files))


def _labelled(start: StartRow, own: Labels) -> StartRow:
    """A saved start with labels that are given now, over those of the same name that it was saved with."""
    return replace(start, labels=tuple((dict(start.labels) | dict(own)).items()))


def _results(specs: Sequence[InputSpec], how: Gathering, *, saving: bool) -> Generator[InputResult]:
    work = replace(how.work, tables=True) if saving else how.work
    if any(inputs.STDIN in spec.files for spec in specs):  # no other process has it
        return engine.run(specs, work, executors.Inline, 1)
    jobs = min(how.jobs or cores(), max(1, len(specs)))
    if how.scheduler is not None:
        make: Callable[[], Executor] = partial(executors.dask, how.scheduler)
        return engine.run([_from_anywhere(spec) for spec in specs], work, make)
    return engine.run(specs, work, partial(executors.processes, jobs, work), jobs)
