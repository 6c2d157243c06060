"""What the starts of one side have and no start of the other has."""

from __future__ import annotations

from collections import Counter

from analyzer.collection.metric_order import is_phase, ordered
from analyzer.collection.model import CHECK, Collection, Metric
from analyzer.comparison.model import OneSided

_IN_EVERY_LIST = f"{CHECK}ping"


def one_sided(own: Collection, other: Collection) -> tuple[OneSided, ...]:
    """Checks, phases and reasons of failure that ``own`` alone has, each kind the most frequent first.

    A phase is of the other side as well where the log does not divide it from the next one (``a+b``). Nothing is said
    of checks where the other side's log lists none.
    """
    alone = [id for id in ordered(own.metrics) if id not in other.metrics]
    theirs = {part for id in other.metrics for part in id.split("+")}
    listed = lists_checks(other)
    checks = {id.removeprefix(CHECK): _starts(own.metrics[id]) for id in alone if id.startswith(CHECK) and listed}
    phases = {id: _starts(own.metrics[id]) for id in alone if is_phase(id) and theirs.isdisjoint(id.split("+"))}
    reasons = Counter(start.reason for start in own.starts if start.reason)
    known = {start.reason for start in other.starts}
    return (
        *(OneSided("check", name, n) for name, n in _most_first(checks)),
        *(OneSided("phase", name, n) for name, n in _most_first(phases)),
        *(OneSided("reason", name, n) for name, n in _most_first(reasons) if name not in known),
    )


def lists_checks(collection: Collection) -> bool:
    """Whether any start printed a list of checks. Old releases print none: what is known comes from other lines."""
    return _IN_EVERY_LIST in collection.metrics


def _starts(metric: Metric) -> int:
    return len(metric.at)


def _most_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: -one[1])
