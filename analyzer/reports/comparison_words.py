"""What is said of two collections, in sentences: the same in the terminal, in Markdown, on the page and in a notebook.

Plain data, made of the finished comparison. Texts may hold words of a log or of a user: whoever shows them must escape
them for the medium, and ``comparison_masked`` has taken the secrets out. Nothing is claimed that a position inside the
windows or the chance of few starts would refute: every sentence is that of the interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from analyzer.collection.model import CHECK, GOAL_METRICS, Collection
from analyzer.comparison.design import FEW, FEW_STARTS, NOT_THERE, SAME_STARTS, UNREAD
from analyzer.comparison.model import Compared, Comparison, Decision, MetricComparison, OneSided, Side
from analyzer.errors import printable
from analyzer.events.terms import phase_words
from analyzer.reports import difference_words as differences, wording
from analyzer.reports.comparison_rows import (
    difference as difference,
    differs as differs,
    in_order as in_order,
    in_words,
    judgement as judgement,
    limit_words,
    metric_name as metric_name,
    observed as observed,
    relative as relative,
    subject as subject,
    windows_differ,
)
from analyzer.reports.fleet_words import counted, number, outcomes
from analyzer.stats.difference import ENOUGH
from analyzer.stats.resampled import Statistic

Mark = Literal["ok", "slow", "failed", "unknown"]

SIGNS: dict[Mark, str] = {"ok": "✓", "slow": "▲", "failed": "✗", "unknown": "●"}
STATISTICS: dict[Statistic, str] = {"median": "median", "mean": "mean", "p90": "90th percentile"}
_NOT_THERE = {  # how many of its starts never got there, where the statistic of a side certainly did not
    "median": "Half or more of the starts of {}",
    "mean": "Some starts of {}",
    "p90": "A tenth or more of the starts of {}",
}
_OF_LIMIT: dict[Decision, str] = {
    "over": "Over the limit of +{}",
    "within": "Within the limit of +{}",
    "undecided": "The starts cannot tell whether the limit of +{} holds",
}
_NAMED = 3  # metrics, checks or phases that are named
_LABEL = 40  # characters of a side's name in a sentence
_MOST_STARTS = 1000  # a side, up to which the engine looks for how many would decide

# What a side does when a goal is there, and what its starts did: "v1.33.1 is ready later than v1.32.4".
_GOALS = {
    "ready": ("is ready", "got ready"),
    "started": ("is up", "were up"),
    "images": ("has its images imported", "had their images imported"),
    "node": ("has its node registered", "had their node registered"),
    "node_ready": ("has its node ready", "had their node ready"),
    "server": ("reaches its server", "reached their server"),
}


# --- names


def names(comparison: Comparison) -> tuple[str, str]:
    """What the sides are called in a sentence, base and new; told apart also where their labels are not."""
    base, new = (short(side.label) for side in (comparison.base, comparison.new))
    if not base or not new or base == new:
        return f"{base} (base)".strip(), f"{new} (new)".strip()
    return base, new


def short(label: str) -> str:
    """A label on one line; of a long path its end."""
    shown = printable(" ".join(label.split()))
    return shown if len(shown) <= _LABEL else f"…{shown[1 - _LABEL :]}"


# --- the verdict


def leading(comparison: Comparison) -> MetricComparison | None:
    """The metric that the verdict speaks of: of those that decide about the limit the first, else the first of all."""
    deciding = (metric for metric in comparison.metrics if metric.decision == comparison.decision)
    return next(deciding, next(iter(comparison.metrics), None))


def mark(comparison: Comparison) -> Mark:
    """How it went, as ``terms("mark")`` has it; with a limit what the exit code says."""
    if comparison.decision is not None:
        marks: dict[Decision, Mark] = {"within": "ok", "over": "failed", "undecided": "unknown"}
        return marks[comparison.decision]
    first = leading(comparison)
    if first is not None and _all_stopped(comparison, first):
        return "unknown"
    if first is not None and first.verdict == "slower":
        return "failed"
    if any(metric.unit != "s" and metric.verdict == "slower" for metric in comparison.metrics):
        return "slow"  # more of its starts fail
    return "ok" if first is not None and first.verdict != "undecided" else "unknown"


def sign(comparison: Comparison) -> str:
    """What stands before the verdict."""
    return SIGNS[mark(comparison)]


def verdict(comparison: Comparison) -> str:
    """One sentence that can be quoted: what is later or longer, how much, how sure; or that nothing can be said."""
    first = leading(comparison)
    if comparison.limit is not None and comparison.decision is not None:
        told = _OF_LIMIT[comparison.decision].format(limit_words(comparison))
        if first is None or first.decision != comparison.decision:
            return f"The limit of +{limit_words(comparison)} cannot be judged: {_not_there(comparison)}."
        if _doubted(comparison, first):
            return f"{told}, as not all inputs could be read; of the rest {claim(comparison, first)}."
        return f"{told}: {claim(comparison, first)}{_others(comparison)}."
    if first is None:
        return f"Nothing can be compared: {_not_there(comparison)}."
    said = f"{claim(comparison, first)}."
    if first.verdict == "undecided":
        return f"No difference can be shown: {said}"
    return said if said.startswith(names(comparison)) else wording.capital(said)


def _not_there(comparison: Comparison) -> str:
    """What was asked for and is not on both sides; where nothing was, that there is nothing at all."""
    told = [f"{one.sentence[:1].lower()}{one.sentence[1:]}".rstrip(".") for one in comparison.design
            if one.id == NOT_THERE]  # fmt: skip
    base, new = names(comparison)
    return "; ".join(told) or f"{base} and {new} have nothing in common that was measured"


def same_starts(comparison: Comparison) -> str:
    """That the same starts are on both sides, which right below the verdict nobody overlooks; empty if none are."""
    return next((one.sentence for one in comparison.design if one.id == SAME_STARTS), "")


def _doubted(comparison: Comparison, metric: MetricComparison) -> bool:
    """Whether a limit is in doubt only because of what could not be read."""
    limit, relative_ = comparison.limit, metric.relative
    if limit is None or metric.decision != "undecided" or all(note.id != UNREAD for note in comparison.design):
        return False
    measured = relative_ if limit.relative and relative_ is not None else metric.difference
    return measured.upper <= limit.value


def _others(comparison: Comparison) -> str:
    """That the limit is for more metrics, and how many of them went like the first."""
    others = sum(metric.decision == comparison.decision for metric in comparison.metrics) - 1
    told = f"; the same holds for {counted(others, 'other metric')}" if others else ""
    worse = any(metric.decision is None and metric.verdict == "slower" for metric in comparison.metrics)
    return f"{told}; other parts are not held to it" if worse and comparison.decision == "within" else told


def also(comparison: Comparison) -> str:
    """What is certainly longer or more although the verdict does not say so of its metric, and what makes up for it;
    empty where nothing is."""
    first = leading(comparison)
    if first is None or (first.verdict == "slower" and comparison.decision != "within"):
        return ""
    if not any(metric.verdict == "slower" and metric is not first for metric in comparison.metrics):
        return ""
    return f"Parts that certainly changed: {changed_parts(comparison)}."


def changed_parts(comparison: Comparison, most: int = _NAMED) -> str:
    """Which other metrics certainly differ, those that are worse first: ``X slower (+2.2 to +2.9 s); Y faster (…)``."""
    first = leading(comparison)
    found = [metric for metric in in_order(comparison) if differs(metric) and metric is not first]
    told = [
        some([f"{metric_name(metric.id)} {_way(metric)} ({in_words(metric)})"
              for metric in found if metric.verdict == verdict], most)
        for verdict in ("slower", "faster")
    ]  # fmt: skip
    return "; ".join(one for one in told if one)


def _way(metric: MetricComparison) -> str:
    if metric.unit == "s":
        return metric.verdict
    return "more" if metric.verdict == "slower" else "fewer"


def claim(comparison: Comparison, metric: MetricComparison) -> str:
    """What the interval says: ``v1.33.1 is ready later than v1.32.4, by 1.8 to 2.9 s (18 to 31%), in the median …``."""
    found = metric.difference
    sure = differences.confidence_words(metric.confidence)
    if metric.unit == "share":
        return f"{_of_shares(comparison, metric)}, {sure} sure)"
    starts = f"{counted(metric.new.n, 'start')} against {number(metric.base.n)}"
    if stopped := _all_stopped(comparison, metric):
        return f"{stopped} ({starts}, {sure} sure)"
    if math.isinf(found.lower) and found.lower == found.upper:
        return f"{_never(comparison, metric)} ({starts}, {sure} sure)"
    said = _of_count(comparison, metric) if metric.unit == "count" else _of_time(comparison, metric)
    return f"{said}, in the {STATISTICS[comparison.statistic]} of {starts} ({sure} sure)"


def _all_stopped(comparison: Comparison, metric: MetricComparison) -> str:
    """That all starts of a side were stopped before they were ready, which says little of how long they take."""
    if metric.id != "ready":
        return ""
    base, new = names(comparison)
    told = [
        f"all {counted(one.starts, 'start')} of {name}" if one.starts > 1 else f"the only start of {name}"
        for one, name in ((comparison.new, new), (comparison.base, base))
        if one.starts and dict(one.outcomes).get("stopped", 0) == one.starts
    ]
    many = len(told) > 1 or any(one.startswith("all") for one in told)
    were, they = ("were", "they were") if many else ("was", "it was")
    return f"{' and '.join(told)} {were} stopped on request before {they} ready" if told else ""


def _of_time(comparison: Comparison, metric: MetricComparison) -> str:
    """A shift in time as a sentence about the two sides."""
    lead, than, more, less = _subjects(comparison, metric.id)
    low, high = metric.difference.lower, metric.difference.upper
    share = relative(metric)
    if low <= 0.0 <= high:
        if math.isinf(low) and math.isinf(high):
            return f"the logs leave open how much {more} or {less} {lead} than {than}"
        how = differences.shift_words(low, high, more, less)
        told = f" ({share})" if share else ""
        return f"{lead} {'somewhere ' if how.startswith('between') else ''}{how} than {than}{told}"
    found = metric.relative
    told = f" ({differences.percent_words(found.lower, found.upper)})" if share and found is not None else ""
    by = differences.amount(*sorted((abs(low), abs(high))))
    return f"{lead} {more if low > 0.0 else less} than {than}, by {by}{told}"


def _subjects(comparison: Comparison, id: str) -> tuple[str, str, str, str]:
    """What of the new side is later than what of the base, and the words for later and earlier."""
    base, new = names(comparison)
    if id in _GOALS:
        return f"{new} {_GOALS[id][0]}", base, "later", "earlier"
    if id == "detected":
        return f"readiness of {new} is noticed", f"that of {base}", "later", "earlier"
    if id.startswith(CHECK):
        return f"check {metric_name(id)} of {new} clears", f"that of {base}", "later", "earlier"
    return f"“{metric_name(id)}” of {new} is", f"that of {base}", "longer", "shorter"


def _never(comparison: Comparison, metric: MetricComparison) -> str:
    """One side never gets there."""
    base, new = names(comparison)
    late, early, seen = (new, base, metric.base) if metric.difference.lower > 0.0 else (base, new, metric.new)
    got = _GOALS.get(metric.id, ("", "got there"))[1]
    told = f"{_NOT_THERE[comparison.statistic].format(late)} never {got}"
    if not math.isfinite(seen.max):
        return f"{told}, unlike those of {early}"
    return f"{told}; the {STATISTICS[comparison.statistic]} of {early} is {wording.length_words(seen.min, seen.max)}"


def _of_shares(comparison: Comparison, metric: MetricComparison) -> str:
    """Without the closing parenthesis."""
    base, new = names(comparison)
    one, other = (
        f"{differences.percent(side.min, side.max)} of {counted(side.n, 'start')}" for side in (metric.new, metric.base)
    )
    points = difference(metric, " percentage points")
    if not differs(metric):
        return f"{one} of {new} failed against {other} of {base} ({points}"
    how = "more often in" if metric.verdict == "slower" else "less often in"
    return f"starts fail {how} {new} than in {base}: {one} against {other} ({points}"


def _of_count(comparison: Comparison, metric: MetricComparison) -> str:
    base, new = names(comparison)
    return f"“{metric_name(metric.id)}” of {new} against that of {base}: {difference(metric)}"


# --- how many more starts


def more_starts(comparison: Comparison) -> str:
    """How many starts would decide, and what these would have shown; empty where the verdict is certain."""
    metric = leading(comparison)
    open_ = "undecided" in (comparison.decision or (metric.verdict if metric is not None else ""),)
    if metric is None or not open_ or _doubted(comparison, metric):
        return ""
    if few := _too_few(comparison):
        return few
    if metric.decision is not None and differs(metric):
        return "The difference is close to the limit; more starts would say more closely how large it is."
    told = [_needed(comparison, metric)]
    if metric.detectable is not None and metric.unit == "s":
        size = wording.at_most(metric.detectable)
        told.append(f"With as many starts as here, only a difference of about {size} or more would be found")
    return " ".join(f"{wording.capital(one)}." for one in told if one)


def _too_few(comparison: Comparison) -> str:
    """That a side has so few starts that nothing can be said; empty where something is."""
    metric = leading(comparison)
    if metric is None or "undecided" not in (comparison.decision or metric.verdict,):
        return ""
    if min(metric.base.n, metric.new.n) >= FEW_STARTS:
        return ""
    starts = f"{counted(metric.new.n, 'start')} against {number(metric.base.n)}"
    verb = "is" if metric.new.n == 1 else "are"
    return f"{starts} {verb} too few to say anything; take at least {FEW_STARTS} a side."


def _needed(comparison: Comparison, metric: MetricComparison) -> str:
    limited = metric.decision is not None
    size = f"a difference of {limit_words(comparison)}" if limited else _seen(metric)
    if not size:
        return ""
    if metric.needed is not None:
        return f"about {counted(metric.needed, 'start')} a side would usually show {size}"
    if not limited and not windows_differ(metric):
        is_ = "are" if size.endswith("points seen") else "is"
        return f"{size} {is_} finer than these logs can show, however many starts"
    return f"not even {number(_MOST_STARTS)} starts a side would usually show {size}"


def _seen(metric: MetricComparison) -> str:
    """How large the difference is that was seen: the middle of what the windows allow."""
    ends = (metric.base.min, metric.base.max, metric.new.min, metric.new.max)
    if not all(map(math.isfinite, ends)):
        return ""
    size = abs(0.5 * (metric.new.min + metric.new.max) - 0.5 * (metric.base.min + metric.base.max))
    if metric.unit == "share":
        return f"the {100.0 * size:.3g} percentage points seen" if size else ""
    return f"the {wording.about(size)} seen" if size >= 0.05 else "a difference as small as the one seen"


# --- starts that never got there


@dataclass(frozen=True, slots=True)
class Unseen:
    """Of the starts of a side that have the goal: how many ``never`` got there, and of how many nobody saw by when."""

    of: int
    never: int = 0
    unseen: int = 0


def unseen(compared: Compared) -> tuple[Unseen, Unseen]:
    """Of both sides, for the goal."""
    id = compared.comparison.goal
    return _unseen(compared.base, id), _unseen(compared.new, id)


def _unseen(collection: Collection, id: str | None) -> Unseen:
    metric = None if id is None else collection.metrics.get(id)
    if metric is None or id not in (*GOAL_METRICS.values(), "detected"):
        return Unseen(0)
    ends = zip(metric.at.tolist(), metric.most.tolist(), strict=True)
    open_ended = [collection.starts[at].outcome for at, most in ends if math.isinf(most)]
    never = sum(outcome == "failed" for outcome in open_ended)
    return Unseen(len(metric.at), never, len(open_ended) - never)


def never(comparison: Comparison, counts: tuple[Unseen, Unseen]) -> str:
    """How many starts never got there, and how they count; empty where all did."""
    got = _GOALS.get(comparison.goal or "", ("", "got there"))[1]
    base, new = names(comparison)
    sides = ((counts[1], new), (counts[0], base))
    failed = _of_sides((side.never, side.of, name) for side, name in sides)
    open_ = _of_sides((side.unseen, side.of, name) for side, name in sides)
    told = []
    if failed:
        told.append(f"{failed} never {got} and count as later than all others.")
    if open_:
        told.append(f"The logs of {open_} do not show when: any later time is possible.")
    return " ".join(told)


def _of_sides(counts: Iterable[tuple[int, int, str]]) -> str:
    """``3 of 20 starts of v1.33.1 and 1 of 20 of v1.32.4``."""
    told = [(f"{number(count)} of {number(of)}", name) for count, of, name in counts if count]
    return " and ".join(f"{share}{' starts' if at == 0 else ''} of {name}" for at, (share, name) in enumerate(told))


# --- the sides, what they differ in, and what one alone has


def side(one: Side) -> str:
    """``v1.33.1 (v1.33.1+k3s1): 20 starts of 1 host, 17 ready, 3 failed``."""
    hosts = f" of {counted(one.hosts, 'host')}" if one.hosts else ""
    others = [short(version) for version in one.versions if version.split("+")[0] not in one.label]
    release = f" ({others[0]}{f' and {number(len(others) - 1)} more' if others[1:] else ''})" if others else ""
    told = outcomes(one.outcomes)
    return f"{short(one.label)}{release}: {counted(one.starts, 'start')}{hosts}{', ' if told else ''}{told}"


def notes(comparison: Comparison) -> list[str]:
    """Warnings about the design, and about a statistic of too few starts."""
    above = {SAME_STARTS, *([NOT_THERE] if not comparison.metrics else []), *([FEW] if _too_few(comparison) else [])}
    told = [one.sentence for one in comparison.design if one.id not in above]
    few = [metric_name(metric.id) for metric in comparison.metrics if metric.few]
    if few and not any(one.id == FEW for one in comparison.design):
        enough = number(ENOUGH[comparison.statistic])
        what = f"The {STATISTICS[comparison.statistic]} of fewer than {enough} starts a side is less sure than it says"
        told.insert(0, f"{what}: {some(few)}.")
    return told


def alone(items: Sequence[OneSided]) -> list[str]:
    """Checks and phases that one side alone has, each kind in a sentence, and its reasons of failure."""
    told = []
    for kind in ("check", "phase"):
        own = [one for one in items if one.kind == kind]
        names = [phase_words(one.name) if kind == "phase" else one.name for one in own]
        starts = [counted(own[0].starts, "start"), *(number(one.starts) for one in own[1:])] if own else []
        if own:
            counts = [f"{name} ({count})" for name, count in zip(names, starts, strict=True)]
            told.append(f"{kind}{'s' if own[1:] else ''} {some(counts)}")
    reasons = (one for one in items if one.kind == "reason")
    return [*told, *(f"{counted(one.starts, 'start')} failed: {one.name}" for one in reasons)]


def some(names: Sequence[str], most: int = _NAMED, between: str = ", ") -> str:
    """The first of them, and how many more there are."""
    more = f" and {number(len(names) - most)} more" if len(names) > most else ""
    return f"{between.join(names[:most])}{more}"
