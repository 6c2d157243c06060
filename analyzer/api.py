"""The library's face: ``load`` a log, ``analyze`` it, take tables out of the result.

>>> import analyzer
>>> log = analyzer.load("journal.txt")      # doctest: +SKIP
>>> a = analyzer.analyze(log)               # doctest: +SKIP
>>> a.checks()                              # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from analyzer.errors import BadInputError, UsageError
from analyzer.findings import Report, StartReport

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.ledger import Observer
    from analyzer.records.book import LogBook

PathLike = str | os.PathLike[str]


@lru_cache(maxsize=1)
def version() -> str:
    """The version of this package as installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("k3slog")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"


@dataclass(frozen=True, slots=True)
class Log:
    """Decoded records of one or more inputs.

    ``book`` holds the records, ``errors`` one ``BadInputError`` for each input that could not be read.
    """

    book: LogBook
    errors: tuple[BadInputError, ...] = ()

    def __repr__(self) -> str:
        names = ", ".join(s.path for s in self.book.sources)
        return f"<Log of {names or 'nothing'}: {len(self.book.records)} records, {len(self.errors)} unreadable>"

    def _repr_html_(self) -> str:
        from analyzer.reports import notebook_html

        return notebook_html.render_log(self.book.sources, self.book.ledger, self.errors)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found; ``report`` holds it all (``report.starts`` are the starts), the methods give DataFrames.

    Every table has the columns that ``docs/frames.md`` lists, even when it is empty.
    """

    report: Report
    errors: tuple[BadInputError, ...] = field(default=())

    def timeline(self) -> pd.DataFrame:
        """One row per polling attempt, milestone, check transition and phase edge."""
        return self._frame("timeline")

    def polls(self) -> pd.DataFrame:
        """One row per polling attempt, printed or implied."""
        return self._frame("polls")

    def checks(self) -> pd.DataFrame:
        """One row per start and readyz check."""
        return self._frame("checks")

    def hooks(self) -> pd.DataFrame:
        """The rows of ``checks`` that are post-start hooks, named without their prefix."""
        return self._frame("hooks")

    def phases(self) -> pd.DataFrame:
        """One row per start and phase of its time budget."""
        return self._frame("phases")

    def starts(self) -> pd.DataFrame:
        """One row per start. The result objects themselves are ``report.starts``."""
        return self._frame("starts")

    def to_json(self) -> str:
        """The report as ``k3slog analyze --format json`` prints it."""
        from analyzer.reports import json_report

        return json_report.render(self.report)

    def to_text(self, *, width: int = 80) -> str:
        """The report as ``k3slog analyze`` prints it, without colour."""
        from analyzer.reports import text

        return text.render(self.report, text.TextOptions(width=width))

    def _frame(self, name: str) -> pd.DataFrame:
        from analyzer import frames

        return frames.build(name, self.report)

    def __iter__(self) -> Iterator[StartReport]:
        return iter(self.report.starts)

    def __len__(self) -> int:
        return len(self.report.starts)

    def __repr__(self) -> str:
        outcomes = [s.outcome for s in self.report.starts]
        counts = ", ".join(f"{outcomes.count(o)} {o}" for o in dict.fromkeys(outcomes))
        return f"<Analysis of {len(outcomes)} start{'s' if len(outcomes) != 1 else ''}: {counts or 'none'}>"

    def _repr_html_(self) -> str:
        from analyzer.reports import notebook_html

        return notebook_html.render(self.report)


def load(
    *paths: PathLike,
    stdin: BinaryIO | None = None,
    observer: Observer | None = None,
    keep_going: bool = False,
) -> Log:
    """Read logs: files, compressed files, folders, support bundles; ``-`` or no path at all reads ``stdin``.

    ``stdin`` is any open binary stream. Lines that several inputs share count once. Inputs that cannot be read end
    up in ``Log.errors``; when none can be, the first ``BadInputError`` is raised, unless ``keep_going``.
    """
    from analyzer.records import read_book

    if not paths and stdin is None:
        raise UsageError("nothing to read", hint='Name a file: load("journal.txt")')
    book, errors = read_book([os.fspath(p) for p in paths or ("-",)], stdin=stdin, observer=observer)
    if errors and not keep_going and not book.sources:
        raise errors[0]
    return Log(book, tuple(errors))


def analyze(log: Log | PathLike | Sequence[PathLike], *, observer: Observer | None = None) -> Analysis:
    """Find the starts in a ``Log`` (or in files, which are loaded first) and explain them.

    Raises ``NoDataError`` when the input is readable but holds nothing of a k3s or RKE2 run.
    """
    from analyzer.analysis import analyze_book

    if not isinstance(log, Log):
        paths = (log,) if isinstance(log, str | os.PathLike) else tuple(log)
        log = load(*paths, observer=observer)
    return Analysis(analyze_book(log.book, tool_version=version()), log.errors)
