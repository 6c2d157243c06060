"""What is known of a metric of every start that can have it: windows with their ends, and statistics of them.

A start that can have a metric is never left out because its log does not show it: nothing is known of it then, and its
window is everything from 0 on. One that cannot have it (an agent has no ``ready``) is counted, with the reason.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyzer.collection.metric_order import is_phase
from analyzer.collection.model import CHECK, GOAL_METRICS, Bounds, Collection, Metric, StartRow
from analyzer.comparison.metrics import (
    DETECTED,
    FAILED,
    FINDINGS,
    GOALS,
    RESTARTS,
    SEVERITIES,
    TAX,
    AnyStatistic,
    phase_parts,
)
from analyzer.events import goal_rules
from analyzer.events.versions import all_check_names, expected_checks, is_unverified, optional_names
from analyzer.stats.quantiles import rank
from analyzer.stats.resampled import observed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Why a start cannot have a metric.
Without = Literal["agent", "server", "failed", "stopped", "release"]

_NOTHING_KNOWN: Bounds = (0.0, math.inf)
_NINETY, _NINETY_NINE = 0.9, 0.99
_OF_A_SERVER = frozenset({"datastore", "certificates", "apiserver_boot", "hooks", "startup_hooks"})
# Findings on the log itself: what else it held, nobody knows.
_INCOMPLETE_LOG = frozenset({"lines_lost", "cut_lines", "grepped", "component_log"})
_TRIED_BEFORE = "restarted"  # tries that are not in the log


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A metric of the starts that can have it. Arrays of one length; ``at``: places in the collection, ascending.

    ``never``: it certainly never got there, and is later than all others. ``unknown``: its log says nothing of it.
    ``closed``: the length may also be ``least`` itself, as of a phase between two timestamps, or of a count.
    """

    at: IntArray
    least: FloatArray
    most: FloatArray
    never: BoolArray
    unknown: BoolArray
    closed: bool = False
    without: Mapping[Without, int] = field(default_factory=dict)

    @property
    def low(self) -> FloatArray:
        """The lower ends, infinite where it never got there."""
        return np.where(self.never, np.inf, self.least)

    @property
    def high(self) -> FloatArray:
        return np.where(self.never, np.inf, self.most)

    @property
    def known(self) -> int:
        """Of how many starts anything is known."""
        return len(self.at) - int(self.unknown.sum())


def statistic_of(values: FloatArray, statistic: AnyStatistic) -> float:
    """Of at least one value; infinite where the values make it so."""
    match statistic:
        case "median" | "mean" | "p90":
            return observed(values, statistic)
        case "share":
            return float(values.mean())
        case "count":
            return float(values.sum())
        case "min" | "max" | "p99":
            place = place_of(len(values), statistic)
            return float(np.partition(values, place)[place])


def place_of(number: int, statistic: AnyStatistic) -> int:
    """Which of so many values in order makes the statistic: of a sum the largest."""
    match statistic:
        case "min":
            return 0
        case "median":
            return number // 2
        case "p90":
            return rank(number, _NINETY)
        case "p99":
            return rank(number, _NINETY_NINE)
        case "mean" | "max" | "share" | "count":
            return number - 1


def making(ends: FloatArray, statistic: AnyStatistic) -> int:
    """Which of these makes the statistic, of equal ones the first."""
    places = np.arange(len(ends))
    return int(np.lexsort((-places, ends))[place_of(len(ends), statistic)])


def seen(collection: Collection, metric: str) -> Seen:
    """What the collection holds of a metric."""
    if metric == FAILED:
        return _marks(collection, _failed)
    if metric.startswith(FINDINGS):
        wanted = metric.removeprefix(FINDINGS)
        return _marks(collection, lambda row: _found(row, wanted))
    windows = dict(_windows(collection, metric))
    at, ends, never, unknown = [], [], [], []
    without: Counter[Without] = Counter()
    lacking = _Lacking(collection, metric) if len(windows) < len(collection.starts) else None
    for place, row in enumerate(collection.starts):
        known = windows.get(place)
        why = lacking.why(place) if known is None and lacking is not None else None
        if why is not None:
            without[why] += 1
            continue
        at.append(place)
        ends.append(known or _NOTHING_KNOWN)
        never.append(known is not None and _never(row, metric))
        unknown.append(known is None)
    least, most = np.array(ends, dtype=np.float64).reshape(len(ends), 2).T
    closed = metric not in GOALS and metric != DETECTED
    return Seen(
        np.array(at, dtype=np.int64), least, most, np.array(never, dtype=np.bool_), np.array(unknown, dtype=np.bool_),
        closed, without,
    )  # fmt: skip


# --- yes or no of every start


def _marks(collection: Collection, of: Callable[[StartRow], tuple[bool, bool]]) -> Seen:
    """Whether each start is certainly marked, and whether it may be, as 0 and 1."""
    number = len(collection.starts)
    ends = np.array([of(row) for row in collection.starts], dtype=np.float64).reshape(number, 2)
    nowhere = np.zeros(number, dtype=np.bool_)
    return Seen(np.arange(number), ends[:, 0], ends[:, 1], nowhere, nowhere, closed=True)


def _failed(row: StartRow) -> tuple[bool, bool]:
    surely = row.outcome == "failed"
    return surely, surely or row.outcome not in ("ready", "stopped")


def _found(row: StartRow, wanted: str) -> tuple[bool, bool]:
    """Of a log that is not whole what was found is a part of what there was."""
    place = 1 if wanted in SEVERITIES else 0
    surely = any(finding[place] == wanted for finding in row.findings)
    return surely, surely or not is_whole(row)


def is_whole(row: StartRow) -> bool:
    """Whether the log holds the start from its beginning until it was ready or ended, as far as that shows."""
    lost = any(id in _INCOMPLETE_LOG for id, _ in row.findings)
    return row.begin_seen and row.outcome in ("ready", "failed", "stopped") and not lost


# --- lengths


def _windows(collection: Collection, metric: str) -> Iterator[tuple[int, Bounds]]:
    """What starts have of a metric; of a phase also what stretches may hold of it that no line divides."""
    own = collection.metrics.get(metric)
    ends: dict[int, Bounds] = {}
    if own is not None:
        ends = dict(zip(own.at.tolist(), zip(own.least.tolist(), own.most.tolist(), strict=True), strict=True))
    for part in phase_parts(collection.metrics, metric):
        mixed = collection.metrics[part]
        for place, most in zip(mixed.at.tolist(), mixed.most.tolist(), strict=True):
            before = ends.get(place, (0.0, 0.0))
            ends[place] = before[0], before[1] + most
    yield from ends.items()


def with_open_tries(collection: Collection) -> Collection:
    """The collection with ``restarts`` also of tries behind which no ready start follows.

    Of the last of them: so many at least, if it ever becomes ready. A start whose beginning is not in the log may have
    had more tries than are in it. All starts of a unit are needed for it.
    """
    last: dict[tuple[str, str | None, str | None], tuple[int, int]] = {}  # the failed tries up to a start
    for place, row in enumerate(collection.starts):
        unit = row.input, row.host, row.unit
        tries = last.get(unit, (place, 0))[1]
        match row.outcome:
            case "failed":
                last[unit] = place, tries + 1
            case "ready" | "stopped":
                last.pop(unit, None)
            case _:
                last[unit] = place, tries
    found = {
        place: (least, most if _shows_tries(collection.starts[place]) else math.inf)
        for place, (least, most) in _windows(collection, RESTARTS)
    }
    found |= {place: (float(tries), math.inf) for place, tries in last.values() if tries}
    if not found:
        return collection
    at = sorted(found)
    least, most = np.array([found[place] for place in at], dtype=np.float64).T
    own = Metric(np.array(at, dtype=np.int32), least, most)
    return replace(collection, metrics={**collection.metrics, RESTARTS: own})


def _shows_tries(row: StartRow) -> bool:
    return row.begin_seen and all(id != _TRIED_BEFORE for id, _ in row.findings)


def _never(row: StartRow, metric: str) -> bool:
    """Whether a start certainly never got there: it failed before its goal, and this comes no earlier."""
    if row.outcome != "failed":
        return False
    if metric == DETECTED:
        return row.role != "agent"
    return metric in _behind_the_goal(row.role)


def _behind_the_goal(role: str) -> frozenset[str]:
    """The goal that the outcome of a role speaks of, and those that come only after it."""
    first = "node" if role == "agent" else "api"
    behind = {first}
    for rule in goal_rules.goals_of(role):
        if behind.intersection(rule.after):
            behind.add(rule.id)
    return frozenset(GOAL_METRICS[goal] for goal in behind)


class _Lacking:
    """Why starts lack a metric."""

    def __init__(self, collection: Collection, metric: str) -> None:
        self._starts, self._metric = collection.starts, metric
        self._check = metric.removeprefix(CHECK) if metric.startswith(CHECK) else ""
        phases = {id: set(own.at.tolist()) for id, own in collection.metrics.items() if is_phase(id)}
        self._divided = frozenset[int]().union(*phases.values())  # starts of which it is known how far they came
        self._served = frozenset[int]().union(*(at for id, at in phases.items() if "hooks" in id.split("+")))
        # A release that is known not to have it says so; names that depend on options say nothing.
        self._of_releases = self._check in all_check_names() - optional_names()

    def why(self, place: int) -> Without | None:
        """Why it could not have the metric; ``None``: it may have had it, and its log does not show it."""
        row, metric = self._starts[place], self._metric
        if metric in GOALS:
            known = {GOAL_METRICS[rule.id] for rule in goal_rules.goals_of(row.role)}
            return None if metric in known else _role(row)
        if metric in (RESTARTS, TAX):
            return "agent" if metric == TAX and row.role == "agent" else _ending(row)
        if row.role == "agent" and (self._check or metric == DETECTED or _OF_A_SERVER.intersection(metric.split("+"))):
            return "agent"
        if self._of_releases and not is_unverified(row.version):
            expected = expected_checks(row.version)
            if expected and self._check not in expected:
                return "release"
        if not row.begin_seen or place not in self._divided or (self._check and place in self._served):
            return None
        return _ending(row)


def _role(row: StartRow) -> Without:
    return "agent" if row.role == "agent" else "server"


def _ending(row: StartRow) -> Without | None:
    """It ended before it could have had it."""
    if row.outcome == "failed":
        return "failed"
    return "stopped" if row.outcome == "stopped" else None
