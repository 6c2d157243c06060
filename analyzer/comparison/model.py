"""What is said of two collections.

Differences are NEW - BASE, in the unit of the metric. Windows and the chance of few starts are in every interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analyzer.collection.model import Collection, Labels
from analyzer.stats.difference import Interval, Verdict
from analyzer.stats.resampled import Statistic

Unit = Literal["s", "share", "count"]
Decision = Literal["within", "over", "undecided"]
OneSidedKind = Literal["check", "phase", "reason"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The most by which a metric may grow: ``value`` in its unit, or as a share of the base (0.1 is 10 %)."""

    value: float
    relative: bool = False

    def __str__(self) -> str:
        return f"{100 * self.value:g}%" if self.relative else f"{self.value:g}s"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a comparison is asked for. ``metrics``: these alone, in this order; none: all that both sides have.

    ``plan``: also how many starts would decide, and what so many can.
    """

    metrics: tuple[str, ...] = ()
    statistic: Statistic = "median"
    confidence: float = 0.95
    limit: Limit | None = None
    seed: int = 0
    plan: bool = True


@dataclass(frozen=True, slots=True)
class Side:
    """One side; ``versions`` in their natural order."""

    label: str
    starts: int
    hosts: int
    outcomes: tuple[tuple[str, int], ...]
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """The statistic of the ``n`` starts seen, with all windows at their lower ends and at their upper ends.

    ``max`` is infinite where starts that were never seen to get there make it so; then ``min`` may be, too.
    """

    n: int
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric. ``difference`` and ``relative`` have the ``confidence`` at which the family judged this metric."""

    id: str
    unit: Unit
    base: Observed
    new: Observed
    difference: Interval
    relative: Interval | None  # a share of the base; nothing for shares and counts, and where the base may be 0
    verdict: Verdict
    confidence: float
    p_value: float
    needed: int | None = None  # about so many starts a side would decide; nothing: decided, or no number would
    detectable: float | None = None  # the smallest lengthening that as many starts as there are would decide
    decision: Decision | None = None  # against the limit, where one holds for this metric
    few: bool = False  # too few starts for this statistic: its interval may hold too rarely
    balanced: tuple[str, ...] = ()  # labels by which both sides were given the same mix


@dataclass(frozen=True, slots=True)
class OneSided:
    """A check, a phase or a reason of failure that one side alone has."""

    kind: OneSidedKind
    name: str
    starts: int


@dataclass(frozen=True, slots=True)
class DesignNote:
    """What the two sides differ in beside what is to be compared, in a sentence."""

    id: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``metrics``: the goal first (``goal`` is its id, nothing where both have none in common), then in their usual
    order. ``decision``: of all metrics that the limit holds for; nothing without a limit."""

    base: Side
    new: Side
    statistic: Statistic
    confidence: float
    limit: Limit | None
    goal: str | None
    metrics: tuple[MetricComparison, ...]
    only_base: tuple[OneSided, ...] = ()
    only_new: tuple[OneSided, ...] = ()
    design: tuple[DesignNote, ...] = ()
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison with the starts that it is of; what reports are written of."""

    comparison: Comparison
    base: Collection
    new: Collection


# --- history: one collection, compared with itself over time


@dataclass(frozen=True, slots=True)
class Change:
    """Where the history of one host became slower or faster: between two of its starts.

    ``changed``: what else is different from there on (release, configuration, findings), and how sure the place is, in
    sentences. ``comparison``: of the starts between the changes before and after; its goal is ``slower`` or ``faster``.
    """

    host: str
    metric: str
    before: str  # the last start of before, as ``input:index``
    after: str  # the first start of after
    before_at: str  # when it began, ISO 8601; empty where unknown
    after_at: str
    comparison: Comparison
    p_value: float  # of there being any change, over all places where one could be
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One group of a trend: the median of the goal with its interval."""

    by: Labels
    side: Side
    observed: Observed
    interval: Interval
    confidence: float = 0.95  # of the interval by itself


@dataclass(frozen=True, slots=True)
class History:
    """Consecutive groups of one collection: ``steps[i]`` compares ``points[i + 1]`` with ``points[i]``; or changes.

    ``left_out``: starts that are in no group, as their label is unknown; or in the history of no host: when they began
    is unknown, or they are first starts of a host whose others are restarts (or the other way round).
    """

    by: tuple[str, ...]
    goal: str | None
    points: tuple[Point, ...]
    steps: tuple[Compared, ...]
    changes: tuple[Change, ...] = ()
    hosts_without_change: int = 0
    hosts_too_few: int = 0  # with too few starts for a change to show
    left_out: int = 0
    used: int = 0  # all others
