"""Limits held against the starts of a collection: pass and fail only what is certain of the starts that were read.

A limit passes where the statistic is within it with every window at its upper end, and fails where it is over it with
every window at its lower end. What lies between is undecided, and so is every pass while inputs could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyzer.collection.collect import filtered
from analyzer.collection.labels import LabelRules, labels_in, where_of
from analyzer.collection.model import Collection
from analyzer.gate import why
from analyzer.gate.growth import by_interval, grown
from analyzer.gate.held import held
from analyzer.gate.metrics import check_names
from analyzer.gate.model import GateLimit, GateReport, LimitResult, Result
from analyzer.gate.observed import Seen, making, named, seen, statistic_of


@dataclass(frozen=True, slots=True)
class Judging:
    """How limits are judged. ``labels``: names of those of the user, also where no start has them."""

    strict: bool = False
    confidence: float = 0.95
    seed: int = 0
    labels: tuple[str, ...] = ()


DEFAULT = Judging()
NO_LABELS = LabelRules()


def judge(
    limits: Sequence[GateLimit], collection: Collection, baseline: Collection | None = None, how: Judging = DEFAULT
) -> GateReport:
    """Every limit held against the starts, those on growth against the baseline's as well.

    Raises ``UsageError`` for a metric that no start can have, and for a label that there is not.
    """
    both = (collection,) if baseline is None else (collection, baseline)
    check_names([limit.metric for limit in limits], *both)
    results = tuple(_judged(limit, collection, baseline, how) for limit in limits)
    return GateReport(results, worst([one.result for one in results]), collection, baseline, how.strict)


def worst(results: Sequence[Result]) -> Result:
    """One failure outweighs any doubt, one doubt any number of passes. Nothing judged is undecided."""
    order: tuple[Result, ...] = ("fail", "undecided", "pass")
    return min(results, key=order.index, default="undecided")


def _judged(limit: GateLimit, collection: Collection, baseline: Collection | None, how: Judging) -> LimitResult:
    new = _part(collection, limit, how)
    if not limit.growth:
        return _doubted(_alone(limit, new), new)
    if baseline is None:
        return LimitResult(limit, "undecided", None, None, "there is no baseline")
    base = _part(baseline, limit, how)
    return _doubted(grown(limit, new, base, how.confidence, how.seed), new, base)


def _part(collection: Collection, limit: GateLimit, how: Judging) -> Collection:
    """The starts that a limit is for."""
    known = (*how.labels, *labels_in(collection.starts))
    wanted = [where_of(one, NO_LABELS, known) for one in limit.where]
    return filtered(collection, lambda row: all(one.keeps(row) for one in wanted)) if wanted else collection


# --- a limit by itself


def _alone(limit: GateLimit, collection: Collection) -> LimitResult:
    found = seen(collection, limit.metric)
    if nothing := why.nothing_to_judge(limit, collection, found):
        return LimitResult(limit, "undecided", None, None, nothing)
    least, most = (statistic_of(ends, limit.statistic) for ends in (found.low, found.high))
    result = held(least, most, limit.value, closed=found.closed)
    place = deciding(limit, found, result)
    said = why.sentence(limit, collection, found, result, place)
    start = None if place is None else collection.starts[found.at[place]]
    return named(LimitResult(limit, result, least, most, said), start)


def deciding(limit: GateLimit, found: Seen, result: Result) -> int | None:
    """The place of the start that decided: the one that makes the statistic, or of those in doubt the worst.

    ``None``: no single one did.
    """
    low, high = found.low, found.high
    if result == "undecided":
        doubtful = np.flatnonzero((low <= limit.value) & (high > limit.value))
        wide = doubtful if len(doubtful) else np.flatnonzero(high > low)
        return int(wide[np.argmax(high[wide])]) if len(wide) else None
    ends = low if result == "fail" else high
    if limit.statistic in ("share", "count"):
        return int(np.argmax(ends)) if ends.any() else None
    return making(ends, limit.statistic) if limit.statistic != "mean" else None


# --- what was not read


def _doubted(result: LimitResult, new: Collection, base: Collection | None = None) -> LimitResult:
    """The result, in doubt where inputs could not be read: what they hold may be over the limit."""
    told = []
    first = None
    for collection, whose in ((new, ""), (base, "baseline ")):
        rows = why.unread(collection) if collection is not None else ()
        if collection is not None and rows:
            first = first or rows[0]
            told.append(why.of_unread(rows, len(collection.inputs), whose))
    if first is None:
        return result
    missing = " and ".join(told)
    # Against a baseline that is not all there, what single starts of it make may lie anywhere.
    unsure = base is not None and not by_interval(result.limit) and bool(why.unread(base))
    if result.result == "fail" and not unsure:
        return result
    if result.result == "undecided":  # for a reason of its own, which reading more would not take away
        return (
            result if result.input is not None else replace(result, why=f"{result.why}; {missing}", input=first.input)
        )
    return replace(
        result, result="undecided", why=f"{missing}; of the rest {result.why}", input=first.input, start=None, line=None
    )
