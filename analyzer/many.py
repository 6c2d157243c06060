"""The library's face for many starts: ``analyzer.fleet(...)`` and ``analyzer.compare(...)``.

>>> import analyzer
>>> nodes = analyzer.fleet("logs/", labels=["site=logs/([^/]+)/"])   # doctest: +SKIP
>>> nodes.by("version")                                              # doctest: +SKIP
>>> nodes.starts()                                                   # doctest: +SKIP
>>> old, new = nodes.where("version=v1.32.2+k3s1"), nodes.where("version=v1.32.4+k3s1")   # doctest: +SKIP
>>> analyzer.compare(old, new).metrics()                             # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from analyzer.collection.labels import LabelRules, check_names, labels_in, where_of
from analyzer.collection.model import Collection, Fleet
from analyzer.errors import NoDataError

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.comparison.model import Compared, Comparison
    from analyzer.reports.fleet_report import FleetReport

PathLike = str | os.PathLike[str]
Statistic = Literal["median", "mean", "p90"]


@dataclass(frozen=True)
class ManyStarts:
    """The starts of many inputs, each start once, in the order of the inputs.

    ``collection`` holds the rows, ``summary`` what is said of the whole. Shown in a notebook it is the text report.
    """

    collection: Collection
    grouped_by: tuple[str, ...] = ()
    confidence: float | None = None
    _rules: LabelRules = field(default_factory=LabelRules, repr=False)

    @cached_property
    def summary(self) -> Fleet:
        """Outcomes, quantiles as bounds, reasons, findings, the slowest and those that stand out."""
        from analyzer.collection.summary import summary

        return summary(self.collection, self.grouped_by, self.confidence)

    def by(self, *names: str, confidence: float | None = None) -> ManyStarts:
        """The same in groups by labels; ``confidence``: also intervals that cover the chance of few hosts.

        Raises ``UsageError`` for a label that there is not.
        """
        checked = check_names(names, self._rules, labels_in(self.collection.starts))
        return ManyStarts(self.collection, checked, confidence or self.confidence, self._rules)

    def where(self, *conditions: str) -> ManyStarts:
        """Only the starts of which all conditions hold: ``NAME=VALUE`` or ``NAME!=VALUE``."""
        from analyzer.collection.collect import filtered

        known = labels_in(self.collection.starts)
        wanted = [where_of(one, self._rules, known) for one in conditions]
        kept = filtered(self.collection, lambda row: all(one.keeps(row) for one in wanted))
        return ManyStarts(kept, self.grouped_by, self.confidence, self._rules)

    def starts(self) -> pd.DataFrame:
        """One row per start: who it is, how it went, its labels, and every goal as two columns in seconds.

        ``ready_min_s`` and ``ready_max_s`` bound the time to ready; a missing ``_max_s`` is an open end.
        """
        from analyzer.frames_of_many import starts

        return starts(self.collection)

    def metrics(self) -> pd.DataFrame:
        """One row per start and metric, with ``min`` and ``max`` (missing: open end), in seconds but for counts."""
        from analyzer.frames_of_many import metrics

        return metrics(self.collection)

    def inputs(self) -> pd.DataFrame:
        """One row per input: its size, how many starts it had, and its error where it could not be read."""
        from analyzer.frames_of_many import inputs

        return inputs(self.collection)

    def quantiles(self) -> pd.DataFrame:
        """One row per group and metric with p50, p90 and p99 as bounds."""
        from analyzer.frames_of_many import quantiles

        return quantiles(self.summary)

    def to_text(self) -> str:
        """The report as ``k3slog fleet`` prints it."""
        from analyzer.reports import fleet_text

        return fleet_text.render(self._report())

    def to_json(self) -> str:
        """As ``k3slog fleet --format json``."""
        from analyzer.reports import fleet_json

        return fleet_json.render(self._report())

    def to_html(self) -> str:
        """The page, in one file."""
        from analyzer.reports import fleet_html

        return fleet_html.render(self._report())

    def _report(self) -> FleetReport:
        from analyzer.reports.fleet_report import FleetReport

        return FleetReport(self.summary, self.collection)

    def __len__(self) -> int:
        return len(self.collection.starts)

    def __repr__(self) -> str:
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self.summary.outcomes)
        return f"<ManyStarts: {len(self)} starts of {len(self.collection.inputs)} inputs: {counts or 'none'}>"

    def _repr_html_(self) -> str:
        from analyzer.reports import notebook_html

        return notebook_html.render_text(self.to_text())


def fleet(
    *paths: PathLike,
    labels: Sequence[str] = (),
    where: Sequence[str] = (),
    by: Sequence[str] = (),
    confidence: float | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    limit_s: float = 120.0,
) -> ManyStarts:
    """Read many logs, each by itself: files, folders, bundles, JSON reports, what ``k3slog fleet --save`` wrote.

    ``labels`` and ``where`` as ``--label`` and ``--where``; ``jobs`` processes (default: the cores), or the Dask
    cluster at ``scheduler``; ``limit_s`` is the time for one input. What could not be read is in ``inputs()``.

    Raises ``UsageError`` for labels and conditions that cannot be understood.
    """
    from analyzer.collection.gather import Gathering, gather, saved_labels
    from analyzer.collection.work import WorkOptions

    names = [os.fspath(path) for path in paths]
    rules, known = LabelRules.of(labels), saved_labels(names)
    wanted = tuple(where_of(one, rules, known) for one in where)
    work = WorkOptions(limit_s=limit_s, memory_bytes=2**31)
    how = Gathering(rules, wanted, jobs, scheduler, work)
    return ManyStarts(gather(names, how), check_names(by, rules, known), confidence, rules)


@dataclass(frozen=True)
class ComparedStarts:
    """Two collections beside each other. Shown in a notebook it is the text report."""

    compared: Compared

    @property
    def comparison(self) -> Comparison:
        """What is said of every metric, of what one side alone has, and of what the sides differ in."""
        return self.compared.comparison

    def metrics(self) -> pd.DataFrame:
        """One row per metric, the goal first: both sides, the difference as an interval, its verdict.

        Seconds, but for shares and counts (``unit``). A missing number is an open end.
        """
        from analyzer.frames_of_many import compared_metrics

        return compared_metrics(self.comparison)

    def to_text(self) -> str:
        """The report as ``k3slog compare`` prints it."""
        from analyzer.reports import comparison_text

        return comparison_text.render(self.compared)

    def to_json(self) -> str:
        """As ``k3slog compare --format json``."""
        from analyzer.reports import comparison_json

        return comparison_json.render(self.compared)

    def to_html(self) -> str:
        """The page, in one file."""
        from analyzer.reports import comparison_html

        return comparison_html.render(self.compared)

    def __repr__(self) -> str:
        told = ", ".join(f"{one.id} {one.verdict}" for one in self.comparison.metrics[:1])
        base, new = self.comparison.base, self.comparison.new
        return f"<ComparedStarts: {base.starts} starts of {base.label!r}, {new.starts} of {new.label!r}: {told}>"

    def _repr_html_(self) -> str:
        from analyzer.reports import notebook_html

        return notebook_html.render_text(self.to_text())


def compare(
    base: ManyStarts | PathLike,
    new: ManyStarts | PathLike,
    *,
    metrics: Sequence[str] = (),
    statistic: Statistic = "median",
    confidence: float = 0.95,
    limit: str | None = None,
    seed: int = 0,
) -> ComparedStarts:
    """How much later or earlier the starts of ``new`` reach what they are for, as ``k3slog compare``.

    A side is what ``fleet`` gave, or a path that it reads. ``limit``: ``"2s"`` or ``"10%"``. Raises ``UsageError`` for
    a metric or limit that cannot be understood, and ``NoDataError`` for a side without starts.
    """
    from analyzer.comparison.compare import compared
    from analyzer.comparison.labels import side_labels
    from analyzer.comparison.limit import limit_of
    from analyzer.comparison.model import Asked

    sides = [side if isinstance(side, ManyStarts) else fleet(side) for side in (base, new)]
    names = ["base" if isinstance(base, ManyStarts) else os.fspath(base)]
    names.append("new" if isinstance(new, ManyStarts) else os.fspath(new))
    for side, name in zip(sides, names, strict=True):
        if not len(side):
            raise NoDataError(f"there is no start in {name}")
    asked = Asked(tuple(metrics), statistic, confidence, None if limit is None else limit_of(limit, metrics), seed)
    one, other = sides[0].collection, sides[1].collection
    return ComparedStarts(compared(one, other, asked, side_labels(one, other, (names[0], names[1]))))
