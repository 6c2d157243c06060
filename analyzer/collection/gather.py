"""From what a user names to a collection: saved folders, reports and logs, many read at once.

Whatever runs the work, rows arrive in the order of the inputs; so the same inputs give the same collection with any
number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from analyzer.collection import engine, inputs
from analyzer.collection.collect import Builder
from analyzer.collection.labels import LabelRules, Where
from analyzer.collection.model import Collection, InputSpec
from analyzer.collection.work import InputResult, WorkOptions

if TYPE_CHECKING:
    from analyzer.collection.store import Store

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


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gather(
    paths: Sequence[str], how: Gathering, store: Store | None = None, told: Told | None = None
) -> Collection:
    """Everything that ``paths`` name, each start once.

    With a ``store`` the rows of logs are also saved there; inputs that it holds already, unchanged, are not read
    again. Raises ``UsageError`` for what cannot be understood, ``OutputError`` where the store cannot be written,
    ``KeyboardInterrupt`` after the store has kept what was read by then.
    """
    saved, rest = inputs.saved_folders(paths)
    found = list(inputs.specs(rest, how.labels))
    builder = Builder(how.where)
    for folder in saved:
        builder.add_saved(folder)
    known = store.kept() if store is not None else {}
    fresh = [spec for spec in found if known.get(spec.name) != (spec.size, spec.mtime_ns)]
    if store is not None:
        builder.add_saved(store.folder, only={spec.name for spec in found} - {spec.name for spec in fresh})
    with ExitStack() as stack:
        if store is not None:
            stack.enter_context(store)
        for number, result in enumerate(_results(fresh, how, saving=store is not None), 1):
            builder.add(result)
            if store is not None:
                store.add(result)
            if told is not None:
                told(number, len(fresh))
    return builder.built(order=[spec.name for spec in found])


def _results(specs: Sequence[InputSpec], how: Gathering, *, saving: bool) -> Iterator[InputResult]:
    work = replace(how.work, tables=True) if saving else how.work
    jobs = min(how.jobs or cores(), max(1, len(specs)))
    make: Callable[[], Executor] = (
        partial(engine.dask, how.scheduler) if how.scheduler is not None else partial(engine.processes, jobs, work)
    )
    return iter(engine.run(specs, work, make, jobs)) if specs else iter(())


def names_of(found: Iterable[InputSpec]) -> list[str]:
    """The files that are read, for the check that no output is one of them."""
    return [file for spec in found for file in spec.files]
