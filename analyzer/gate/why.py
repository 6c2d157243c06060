"""Why a limit holds, fails or cannot be decided, in a sentence; ``this one`` is the start that the result names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.collection.model import Collection, StartRow
from analyzer.comparison.metrics import FAILED, FINDINGS, RESTARTS
from analyzer.comparison.observed import Seen, Without
from analyzer.comparison.unread import counted
from analyzer.gate.model import GateLimit, Result
from analyzer.window import at_least

_WITHOUT: dict[Without, tuple[str, str]] = {
    "agent": ("agent has no such metric", "agents have no such metric"),
    "server": ("server has no such metric", "servers have no such metric"),
    "failed": ("start failed before it", "starts failed before it"),
    "stopped": ("start was stopped before it", "starts were stopped before it"),
    "release": ("start is of a release without it", "starts are of releases without it"),
}


def nothing_to_judge(
    limit: GateLimit, collection: Collection, found: Seen, whose: str = "", *, chosen: bool = False
) -> str:
    """Why there is nothing that the limit could be held against; empty where there is something.

    ``chosen``: conditions were given that starts have to meet.
    """
    if not collection.starts:
        return f"{whose}no start meets the conditions" if chosen else f"{whose}there is no start"
    if not len(found.at):
        return f"{whose}no start can have it: {', '.join(_without(found))}"
    if not found.known:
        return f"{whose}no log shows it{judged_on(limit, collection, found)}"
    return ""


def perhaps_meant(number: int, others: str) -> str:
    """Starts of which nobody knows whether ``where`` means them would change the result."""
    are = "1 more start may be" if number == 1 else f"{number:,} more starts may be"
    return f"{are} as where says, whose logs do not show it; of the others {others}"


def sentence(limit: GateLimit, collection: Collection, found: Seen, result: Result, place: int | None) -> str:
    """What the starts say of a limit; ``place`` in ``found`` is that of the start that decided."""
    if limit.statistic in ("share", "count"):
        said = _of_marks(limit, collection, found, result, place)
    else:
        said = _of_lengths(limit, collection, found, result, place)
    return said + judged_on(limit, collection, found)


def _of_marks(limit: GateLimit, collection: Collection, found: Seen, result: Result, place: int | None) -> str:
    if len(found.at) == 1:
        return _of_one_mark(limit, collection, found, result)
    surely, perhaps = int(found.least.sum()), int((found.most > found.least).sum())
    of_all = f"of {counted(len(found.at), 'start')}"
    if limit.metric == FAILED:
        said = f"{surely:,} {of_all} failed" if surely else f"none {of_all} failed"
    else:
        said = f"{surely:,} {of_all} {'has' if surely == 1 else 'have'} it" if surely else f"none {of_all} has it"
    if result != "undecided" or place is None:
        return said
    may = "may have" if limit.metric == FAILED else "may have it"
    return f"{said}, {perhaps:,} {may}{_because(limit, collection, found, place, perhaps)}"


def _of_one_mark(limit: GateLimit, collection: Collection, found: Seen, result: Result) -> str:
    if result == "undecided":
        return reason(limit, collection, found, 0)
    surely = found.least[0] > 0
    if limit.metric == FAILED:
        return "the start failed" if surely else "the start did not fail"
    return "the start has it" if surely else "the start does not have it"


def _of_lengths(limit: GateLimit, collection: Collection, found: Seen, result: Result, place: int | None) -> str:
    number = len(found.at)
    if number == 1 and place is not None:
        return _of_one(limit, collection, found, result)
    longer = "had more tries" if limit.metric == RESTARTS else "took longer"
    never = int(found.never.sum())
    over = int((~np.isfinite(found.low) | (found.low > limit.value) | _at(found, limit.value)).sum())
    within = int((found.high <= limit.value).sum())
    if result == "fail" and limit.statistic == "mean":
        average = f"on average {counted(number, 'start')} {longer}"
        return "a start that failed makes the mean infinite" if never else average
    if result == "fail":
        failed = f", {never:,} of them failed" if never else ""
        perhaps = number - over - within
        said = f"{over:,} of {counted(number, 'start')} {longer}"
        if perhaps > 0:
            return f"{said}{f' ({never:,} of them failed)' if never else ''}, {perhaps:,} more may have"
        return f"{said}{failed}"
    if result == "pass" and limit.statistic == "mean":
        return f"the mean of {counted(number, 'start')} is within it"
    of = counted(number, "start")
    is_ = "is" if within == 1 else "are"
    said = f"all {of} are within it" if within == number else f"{within:,} of {of} {is_} within it"
    unsure = number - within - over
    if result == "pass" or place is None:
        return said
    return f"{said}, {unsure:,} may be{_because(limit, collection, found, place, unsure)}"


def _at(found: Seen, value: float) -> np.ndarray:
    """Windows that begin where the limit is: what is more than that is over it."""
    return (found.low >= value) & (found.high > found.low) & (not found.closed)


def _of_one(limit: GateLimit, collection: Collection, found: Seen, result: Result) -> str:
    if result == "undecided":
        return reason(limit, collection, found, 0)
    if found.never[0]:
        return "the start failed before it"
    if result == "pass":
        return "the start is within it"
    return "the start had more tries" if limit.metric == RESTARTS else "the start took longer"


def _because(limit: GateLimit, collection: Collection, found: Seen, place: int, others: int) -> str:
    told = reason(limit, collection, found, place)
    return f": {told}" if others == 1 else f"; this one: {told}"


def reason(limit: GateLimit, collection: Collection, found: Seen, place: int) -> str:
    """Why one start leaves a limit undecided."""
    row = collection.starts[int(found.at[place])]
    least, most = float(found.least[place]), float(found.most[place])
    if limit.metric == FAILED:
        return "its log ends before that shows"
    if limit.metric.startswith(FINDINGS):
        return _not_whole(row)
    if limit.metric == RESTARTS:
        return "what came before is not in its log" if row.outcome == "ready" else "no later start in its log was ready"
    if np.isfinite(most):
        return "the limit lies inside the window"
    if row.outcome == "stopped":
        return "it was stopped on request before"
    if row.outcome == "failed":
        return "it failed, and its log does not show how far it was"
    if row.outcome != "ready":
        return f"its log ends after {at_least(least)} without it" if least >= 0.05 else "its log ends without it"
    if not row.begin_seen:
        return "its beginning is not in the log, so it took longer by an unknown time"
    return "its log does not show it" if found.unknown[place] else "its log does not show when"


def _not_whole(row: StartRow) -> str:
    if not row.begin_seen:
        return "its beginning is not in the log"
    return "its log ends early" if row.outcome == "incomplete" else "lines of its log are missing"


def judged_on(limit: GateLimit, collection: Collection, found: Seen) -> str:
    """Of how many starts that is said, where some cannot have it; failed tries count in those behind them."""
    left_out = list(_without(found))
    if not left_out or limit.metric == RESTARTS:
        return ""
    number = len(collection.starts)
    return f" (judged on {len(found.at):,} of {counted(number, 'start')}: {', '.join(left_out)})"


def _without(found: Seen) -> Iterator[str]:
    for why, number in found.without.items():
        yield f"{number:,} {_WITHOUT[why][number != 1]}"


# --- what was not read
