"""What is said of a history, in sentences: of the trend over groups, and of the changes of single hosts.

As ``comparison_words``: plain data that must be escaped for the medium, and no claim beyond the interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from analyzer.collection.model import GOAL_METRICS
from analyzer.comparison.model import Change, Comparison, History, MetricComparison, Point, Unit
from analyzer.reports import comparison_rows as rows, comparison_words as words
from analyzer.reports.comparison_words import Mark
from analyzer.reports.difference_words import confidence_words
from analyzer.reports.fleet_words import counted, number
from analyzer.reports.wording import capital
from analyzer.stats.difference import Verdict


def is_trend(history: History) -> bool:
    """Whether it is of groups, not of the changes of single hosts."""
    return bool(history.by or history.points)


def mark(history: History) -> Mark:
    """How it went, as ``terms("mark")`` has it."""
    found = [metric.verdict for metric in _leading(history)]
    if "slower" in found:
        return "failed"
    return "ok" if "faster" in found else "unknown"


def sign(history: History) -> str:
    """What stands before the verdict."""
    return words.SIGNS[mark(history)]


def verdict(history: History) -> str:
    """The sentence to quote: the largest certain change, and how many there are."""
    return _of_trend(history) if is_trend(history) else _of_hosts(history)


def more(history: History) -> str:
    """What belongs to the verdict of a trend: how many steps differ, and how sure they are together."""
    found = [metric.verdict for metric in _leading(history)]
    if not is_trend(history) or len(found) < 2:
        return ""
    parts = [f"{number(found.count(one))} {word}" for one, word in _STEPS.items() if found.count(one)]
    told = f"Of {counted(len(history.steps), 'step')} from one group to the next: {', '.join(parts)}"
    together = 1.0 - sum(1.0 - step.comparison.confidence for step in history.steps)
    return f"{told}; all of it together {confidence_words(together)} sure." if together >= _LEAST else f"{told}."


_LEAST = 0.5  # of a confidence that is told
_STEPS: dict[Verdict, str] = {"slower": "certainly slower", "faster": "certainly faster", "same": "the same",
                              "undecided": "without a difference that can be shown"}  # fmt: skip


def left_out(history: History) -> str:
    """That starts play no part, and why; empty where all do."""
    count = history.left_out
    if not count:
        return ""
    told = f"Used {number(history.used)} of {counted(history.used + count, 'start')}"
    if is_trend(history):
        return f"{told}: the others have no known {' or '.join(history.by) or 'group'}."
    others = "the other does not say when it began, or is a first start" if count == 1 else (
        "the others do not say when they began, or are first starts"
    )  # fmt: skip
    return f"{told}: {others} where the host's other starts are restarts (or the reverse)."


def _leading(history: History) -> list[MetricComparison]:
    made = [step.comparison for step in history.steps] if is_trend(history) else [c.comparison for c in history.changes]
    found = (words.leading(comparison) for comparison in made)
    return [metric for metric in found if metric is not None]


# --- the trend


def _of_trend(history: History) -> str:
    if not history.points:
        return "Nothing can be compared: there is not one group."
    if not history.steps:
        only = history.points[0]
        return f"Nothing can be compared: all starts are of one group, {words.side(only.side)}."
    steps = [step.comparison for step in history.steps]
    worst = largest(steps)
    if worst is not None:
        return words.verdict(worst)
    last = words.verdict(steps[-1])
    if len(steps) == 1:
        return last
    return f"No step from one group to the next can be shown to differ. The last one: {last}"


def largest(steps: Sequence[Comparison]) -> Comparison | None:
    """Of the steps that are certainly slower the one that is so by most; of none, of those that are faster."""
    for verdict in ("slower", "faster"):
        found = [(rows.certain(first), -at) for at, step in enumerate(steps)
                 if (first := words.leading(step)) is not None and first.verdict == verdict]  # fmt: skip
        if found:
            return steps[-max(found)[1]]
    return None


def point_name(point: Point) -> str:
    """A group by the values of its labels."""
    return ", ".join(value or "?" for _, value in point.by) or point.side.label


def unit(history: History) -> Unit:
    """Of what the points of a trend are."""
    return next((metric.unit for metric in _leading(history)), "s")


def titles(history: History) -> tuple[str, ...]:
    """The heads of the columns of ``trend_rows`` but the last."""
    statistic = history.steps[0].comparison.statistic if history.steps else "median"
    seen = {"s": words.STATISTICS[statistic], "count": words.STATISTICS[statistic], "share": "failed"}[unit(history)]
    sure = f"{confidence_words(history.points[0].confidence)} " if history.points else ""
    heads = (seen, f"{sure}interval", "change")
    if unit(history) == "s":
        heads = (f"{seen} (s)", f"{sure}interval", "change (s)")
    return (", ".join(history.by) or "group", "starts", *heads)


def trend_rows(history: History) -> Iterator[tuple[str, ...]]:
    """A row for each group: name, starts, the median seen, its interval, the change against the one before, verdict."""
    of = unit(history)
    for at, point in enumerate(history.points):
        step = history.steps[at - 1].comparison if 0 < at <= len(history.steps) else None
        metric = None if step is None else words.leading(step)
        change = ("", "") if metric is None else (rows.change(metric), rows.judgement(metric))
        seen = rows.amount(of, point.observed.min, point.observed.max)
        interval = rows.amount(of, max(0.0, point.interval.lower), point.interval.upper)
        yield point_name(point), number(point.side.starts), seen, interval, *change


def never(history: History) -> str:
    """Of which groups starts never got there; empty where all did."""
    if not history.steps:
        return ""
    counts = [words.unseen(history.steps[0])[0], *(words.unseen(step)[1] for step in history.steps)]
    found = [
        f"{number(count.never)} of {number(count.of)} of {words.short(point_name(point))}"
        for point, count in zip(history.points, counts, strict=False)
        if count.never
    ]
    return f"Starts that never got there count as later than all others: {words.some(found)}." if found else ""


def where(history: History) -> list[str]:
    """What else certainly changed in each step, those first whose verdict is certain, the largest first."""
    found = []
    for step in history.steps:
        first = words.leading(step.comparison)
        parts = words.changed_parts(step.comparison)
        if first is not None and parts:
            size = rows.certain(first) if rows.differs(first) else -1.0
            found.append((size, f"{words.names(step.comparison)[1]}: {parts}"))
    return [told for _, told in sorted(found, key=lambda one: -one[0])]


def shown_points(history: History, most: int) -> list[int]:
    """At most so many groups: those that certainly changed, by how much, then the last ones."""
    if len(history.points) <= most:
        return list(range(len(history.points)))

    def rank(at: int) -> tuple[bool, float, int]:
        metric = words.leading(history.steps[at - 1].comparison) if 0 < at <= len(history.steps) else None
        certain = metric is not None and rows.differs(metric)
        return not certain, -rows.certain(metric) if metric is not None and certain else 0.0, -at

    return sorted(sorted(range(len(history.points)), key=rank)[:most])


# --- changes of single hosts


def _of_hosts(history: History) -> str:
    few = history.hosts_too_few
    rest = f"{counted(few, 'host')} {'has' if few == 1 else 'have'} too few starts to tell" if few else ""
    still = history.hosts_without_change
    if not history.changes:
        if not still:
            return f"Nothing can be compared: {rest}." if rest else "Nothing can be compared: there is no host."
        where = "the only host" if still == 1 else f"any of {counted(still, 'host')}"
        return f"No change can be shown on {where}{_more(rest)}."
    hosts = {change.host for change in history.changes}
    found = [metric.verdict for metric in _leading(history)]
    ways = [(found.count("slower"), "slower"), (found.count("faster"), "faster")]
    told = " and ".join(f"{number(count)} became {word}" for count, word in ways if count)
    if len(hosts) == len(history.changes):
        begin = f"Of {counted(len(hosts) + still, 'host')} {told}"
    else:
        counts = ", ".join(f"{number(count)} to {word}" for count, word in ways if count)
        begin = f"{number(len(hosts))} of {counted(len(hosts) + still, 'host')} changed, some more than once: {counts}"
    return f"{begin}; the others show no change{_more(rest)}." if still else f"{begin}{_more(rest)}."


def _more(rest: str) -> str:
    return f"; {rest}" if rest else ""


def in_order(changes: Sequence[Change]) -> list[Change]:
    """The most certain first."""
    return sorted(changes, key=lambda change: change.p_value)


def change(one: Change) -> str:
    """Which host, since when, by how much."""
    host = one.host or "A host without a name"
    metric = words.leading(one.comparison)
    plain = metric is not None and metric.unit == "s" and is_goal(metric) and math.isfinite(rows.certain(metric))
    before = "before" if plain else _of_before(host, one)
    comparison = replace(
        one.comparison,
        base=replace(one.comparison.base, label=before),
        new=replace(one.comparison.new, label=host if plain else f"{_cut_host(host, _SINCE)}{_SINCE}"),
        limit=None,
        decision=None,
    )
    metric = words.leading(comparison)
    said = f"{host} changed" if metric is None else words.claim(comparison, metric)
    since = f", since {when(one.after_at)}" if one.after_at and plain else ""
    return f"{said if said.startswith(words.short(host)) else capital(said)}{since} ({one.after})."


_SINCE = " since then"
_SIDE = 40  # characters of a side's name in a sentence


def _of_before(host: str, one: Change) -> str:
    """The starts of a host before a change, for "of …"."""
    moment = f" before {when(one.after_at)}" if one.after_at else " before the change"
    return f"{_cut_host(host, moment)}{moment}"


def _cut_host(host: str, behind: str) -> str:
    room = _SIDE - len(behind)
    return host if len(host) <= room else f"{host[: max(room - 1, 1)]}…"


def is_goal(metric: MetricComparison) -> bool:
    """Whether it is a moment that a side gets to, as ``is ready later than before`` says it."""
    return metric.id in GOAL_METRICS.values()


def changed(one: Change) -> str:
    """What else is different from there on."""
    return " ".join(told if told.endswith((".", "!", "?", "…")) else f"{told}." for told in one.changed)


def when(moment: str) -> str:
    """A moment of ISO 8601 to the minute, in UTC; one that is none as it is."""
    try:
        at = datetime.fromisoformat(moment)
        shown = at if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return moment
    return f"{shown:%Y-%m-%d %H:%M}{'' if at.tzinfo is None else ' UTC'}"
