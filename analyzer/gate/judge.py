"""Limits held against the starts of a collection: pass and fail only what is certain of the starts that were read.

A limit passes where the statistic is within it with every window at its upper end, and fails where it is over it with
every window at its lower end. What lies between is undecided, and so is every pass while inputs could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyzer.collection.collect import filtered
from analyzer.collection.labels import LabelRules, Where, labels_in, where_of
from analyzer.collection.model import Collection, InputRow
from analyzer.comparison.metrics import check_names
from analyzer.comparison.observed import Seen, making, seen, statistic_of, with_open_tries
from analyzer.comparison.unread import of_unread, unread
from analyzer.gate import why
from analyzer.gate.growth import by_interval, grown
from analyzer.gate.held import held
from analyzer.gate.model import GateLimit, GateReport, LimitResult, Result, named

_NO_RULES = LabelRules()


@dataclass(frozen=True, slots=True)
class Judging:
    """How limits are judged. ``labels``: names of the user's, also where no start has them; ``where``: as ``--where``
    has it, for all limits and for the baseline as well."""

    strict: bool = False
    confidence: float = 0.95
    seed: int = 0
    labels: tuple[str, ...] = ()
    where: tuple[str, ...] = ()

    def check(self, conditions: Sequence[str], known: Sequence[str] = ()) -> list[Where]:
        """Conditions that can be met; ``known``: labels beside those of the user. Raises ``UsageError``."""
        return [where_of(one, _NO_RULES, (*self.labels, *known)) for one in conditions]


DEFAULT = Judging()


@dataclass(frozen=True, slots=True)
class _Read:
    """A collection as it was chosen, and the inputs of the whole of it that may hold starts which nobody saw."""

    whole: Collection
    collection: Collection
    unread: tuple[InputRow, ...]
    whose: str = ""

    @classmethod
    def of(cls, whole: Collection, how: Judging, whose: str = "") -> _Read:
        tried = with_open_tries(whole)
        return cls(tried, _part(tried, how.where, how), unread(whole), whose)

    @property
    def missing(self) -> str:
        """What could not be read; empty where all could."""
        return of_unread(self.unread, len(self.collection.inputs), self.whose) if self.unread else ""


def judge(
    limits: Sequence[GateLimit], collection: Collection, baseline: Collection | None = None, how: Judging = DEFAULT
) -> GateReport:
    """Every limit held against the starts, those on growth against the baseline's as well.

    Raises ``UsageError`` for a metric that no start can have, and for a label that there is not.
    """
    both = (collection,) if baseline is None else (collection, baseline)
    if any(one.starts for one in both):  # else no log could tell of a name
        check_names([limit.metric for limit in limits], *both)
    new = _Read.of(collection, how)
    base = None if baseline is None else _Read.of(baseline, how, "baseline ")
    results = tuple(_judged(limit, new, base, how) for limit in limits)
    chosen = None if base is None else base.collection
    return GateReport(results, worst([one.result for one in results]), new.collection, chosen, how.strict)


def worst(results: Sequence[Result]) -> Result:
    """One failure outweighs any doubt, one doubt any number of passes. Nothing judged is undecided."""
    order: tuple[Result, ...] = ("fail", "undecided", "pass")
    return min(results, key=order.index, default="undecided")


def _judged(limit: GateLimit, new: _Read, base: _Read | None, how: Judging) -> LimitResult:
    if limit.growth and base is None:
        return LimitResult(limit, "undecided", None, None, "there is no baseline")
    sides = [side for side in (new, base) if side is not None]
    own = [_part(side.collection, limit.where, how) for side in sides]
    found = _held(limit, own, how)
    conditions = (*how.where, *limit.where)
    more = [_perhaps(side.whole, conditions, how) for side in sides] if conditions else own
    named = sum(len(side.starts) for side in own)
    others = sum(len(side.starts) for side in more) - named
    if others and named and _held(limit, more, how).result != found.result:
        said = why.perhaps_meant(others, found.why)
        found = replace(found, result="undecided", why=said, input=None, start=None, line=None)
    return _doubted(found, new, base if limit.growth else None)


def _held(limit: GateLimit, sides: Sequence[Collection], how: Judging) -> LimitResult:
    chosen = bool(how.where or limit.where)
    if limit.growth:
        return grown(limit, (sides[0], sides[1]), chosen, how.confidence, how.seed)
    return _alone(limit, sides[0], chosen)


def _perhaps(collection: Collection, conditions: Sequence[str], how: Judging) -> Collection:
    """The starts of which all conditions may hold: also those whose log does not show what is asked for."""
    wanted = how.check(conditions, labels_in(collection.starts))
    return filtered(collection, lambda row: all(one.keeps(row) or one.perhaps(row) for one in wanted))


def _part(collection: Collection, conditions: Sequence[str], how: Judging) -> Collection:
    """The starts of which all conditions hold."""
    wanted = how.check(conditions, labels_in(collection.starts))
    return filtered(collection, lambda row: all(one.keeps(row) for one in wanted)) if wanted else collection


# --- a limit by itself


def _alone(limit: GateLimit, collection: Collection, chosen: bool) -> LimitResult:
    found = seen(collection, limit.metric)
    if nothing := why.nothing_to_judge(limit, collection, found, chosen=chosen):
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


def _doubted(result: LimitResult, new: _Read, base: _Read | None = None) -> LimitResult:
    """The result, in doubt where inputs could not be read: what they hold may be over the limit."""
    sides = [side for side in (new, base) if side is not None and side.unread]
    if not sides:
        return result
    missing, first = " and ".join(side.missing for side in sides), sides[0].unread[0].input
    # Against a baseline that is not all there, what single starts of it make may lie anywhere.
    unsure = base is not None and bool(base.unread) and not by_interval(result.limit)
    if result.result == "fail" and not unsure:
        return result
    if result.result != "undecided":
        said = f"{missing}; of the rest {result.why}"
        return replace(result, result="undecided", why=said, input=first, start=None, line=None)
    if result.input is not None:  # a reason of its own, which reading more would not take away
        return result
    return replace(result, why=f"{result.why}; {missing}", input=first)
