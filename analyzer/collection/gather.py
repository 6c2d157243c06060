"""From what a user names to a collection: saved folders, reports and logs, many read at once.

Whatever runs the work, rows arrive in the order of the inputs; so the same inputs give the same collection with any
number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.collection import engine, executors, inputs
from analyzer.collection.collect import Builder, filtered, in_order, joined
from analyzer.collection.labels import LabelRules, Where
from analyzer.collection.model import Collection, InputSpec, StartRow
from analyzer.collection.stand_ins import StandIns, key_of
from analyzer.collection.urls import is_url
from analyzer.collection.work import InputResult, WorkOptions

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

    def keeps(self, row: StartRow) -> bool:
        """Whether all conditions hold of a start."""
        return all(one.keeps(row) for one in self.where)


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gather(paths: Sequence[str], how: Gathering, store: Store | None = None, told: Told | None = None) -> Collection:
    """Everything that ``paths`` name, each start once, in the order of the inputs.

    With a ``store`` the rows of logs are saved there as well; inputs that it holds already, unchanged, are not read
    again. It is committed also when the reading is interrupted, with what was read by then.

    Raises:
        UsageError: what was named cannot be understood.
        OutputError: the store cannot be written.
        KeyboardInterrupt: after the commit.
    """
    saved, rest = inputs.saved_folders(paths)
    found = list(inputs.specs(rest, how.labels))
    order = [spec.name for spec in found]
    parts = [_saved(folder, how) for folder in saved]
    if store is not None:
        known = {spec.name for spec in found if (spec.name, spec.size, spec.mtime_ns) in store.unchanged}
        parts += [store.kept(known)] if known else []
        found = [spec for spec in found if spec.name not in known]
    if how.hide is not None:
        how = replace(how, work=replace(how.work, stand_ins=StandIns(key_of(found), how.hide)))
        order = [how.work.stand_ins.spec(spec).name for spec in found] if how.work.stand_ins is not None else order
    builder = Builder()
    try:
        for number, result in enumerate(_results(found, how, saving=store is not None), 1):
            builder.add(result)
            if store is not None:
                store.append(result)
            if told is not None:
                told(number, len(found))
    except KeyboardInterrupt:
        if store is not None:
            store.commit(order)
        raise
    if store is not None:
        store.commit(order)
    whole = in_order(joined([*parts, builder.built()]), order)
    return filtered(whole, how.keeps) if how.where else whole


def saved_labels(paths: Sequence[str]) -> tuple[str, ...]:
    """The names of the user's labels in saved folders among ``paths``."""
    from analyzer.collection.manifest import manifest_of

    folders, _ = inputs.saved_folders(paths)
    return tuple(dict.fromkeys(name for folder in folders for name in manifest_of(Path(folder)).labels))


def _saved(folder: str, how: Gathering) -> Collection:
    from analyzer.collection.read_saved import read_saved

    return read_saved(folder, how.keeps if how.where else None)


def _from_anywhere(spec: InputSpec) -> InputSpec:
    """The input with files that a worker in another folder finds; it keeps its name."""
    return replace(spec, files=tuple(file if is_url(file) else os.path.abspath(file) for file in spec.files))


def _results(specs: Sequence[InputSpec], how: Gathering, *, saving: bool) -> Iterator[InputResult]:
    work = replace(how.work, tables=True) if saving else how.work
    jobs = min(how.jobs or cores(), max(1, len(specs)))
    if how.scheduler is not None:
        make: Callable[[], Executor] = partial(executors.dask, how.scheduler)
        return engine.run([_from_anywhere(spec) for spec in specs], work, make)
    return engine.run(specs, work, partial(executors.processes, jobs, work), jobs)
