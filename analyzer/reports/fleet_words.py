"""What is said of many starts, in sentences: the same in the terminal, in Markdown and on the page.

Plain data, made of the finished summary. Texts may hold words of a log or of a user: whoever shows them must escape
them for the medium. Ranges are rounded outwards, and a start that was never seen ready is never left out of one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from analyzer.collection.model import FindingCount, Fleet, Group, InputRow, MetricSummary, Quantile, Slow
from analyzer.events.finding_info import title_of
from analyzer.events.terms import terms
from analyzer.reports import wording
from analyzer.reports.fleet_report import bad_inputs
from analyzer.window import Span

# The goal that a whole is told by: readiness where at least half of its starts have it, else of these the one that most
# have. That they had it, and whose it is where others have no such goal.
_GOALS = {
    "ready": ("were ready", "that run an API server"),
    "node": ("had their node registered", "that log it"),  # what an agent is for
    "node_ready": ("had their node ready", "that log it"),
    "server": ("had reached their server", "that log it"),
    "started": ("had started", "that log it"),
    "images": ("had their images", "that log it"),
}
GRAVE = 0.1  # share of failed starts from which on the whole has failed
_NAMELESS = "a host without a name"
_SHARES = (("half", "p50", 1), ("nine of ten", "p90", 10), ("99 of 100", "p99", 100))  # … of at least so many starts
_BAD = {  # kinds of errors, in the order in which they are told
    "unreadable": "missing or damaged",
    "no_data": "without a line of k3s",
    "too_long": "timed out",
    "killed": "crashed while being read",
    "memory": "out of memory",
}


def number(count: int) -> str:
    """``1,940``."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """``1 start``, ``2,000 starts``."""
    return f"{number(count)} {noun if count == 1 else noun + 's'}"


def outcomes(counts: Sequence[tuple[str, int]]) -> str:
    """``1,921 ready, 61 failed``, the outcomes in their usual order."""
    usual = list(terms("outcome"))
    told = sorted(counts, key=lambda one: (usual.index(one[0]) if one[0] in usual else len(usual), one[0]))
    return ", ".join(f"{number(n)} {name}" for name, n in told if n)


def whole(fleet: Fleet) -> Group | None:
    """The group of all starts."""
    return next((group for group in fleet.groups if not group.by), None)


def grouped(fleet: Fleet) -> tuple[Group, ...]:
    """The groups of ``--by``."""
    return tuple(group for group in fleet.groups if group.by)


def goal(group: Group) -> MetricSummary | None:
    """The goal by which a group is told, here and on the page; ``None`` where no start has one."""
    found = [metric for metric in group.metrics if metric.id in _GOALS and metric.n]
    order = list(_GOALS)

    def rank(metric: MetricSummary) -> tuple[bool, int, int]:
        return metric.id != "ready" or metric.n * 2 < group.starts, -metric.n, order.index(metric.id)

    return min(found, key=rank, default=None)


def whose(metric: MetricSummary, starts: int) -> str:
    """Of which starts a metric tells, where others of so many do not have it; else empty."""
    has = _GOALS[metric.id][1] if metric.id in _GOALS else "that log it"
    return "" if metric.n == starts else f"the {number(metric.n)} {has}"


def metric_of(group: Group, name: str) -> MetricSummary | None:
    """A metric of a group."""
    return next((metric for metric in group.metrics if metric.id == name and metric.n), None)


def not_ready(group: Group) -> int:
    """How many of its starts were not seen ready."""
    return group.starts - dict(group.outcomes).get("ready", 0)


def mark(fleet: Fleet) -> str:
    """How the whole went, as ``terms("mark")`` has it."""
    all_starts = whole(fleet)
    if all_starts is None or not fleet.starts:
        return "failed" if bad_inputs(fleet) else "unknown"
    counts = dict(fleet.outcomes)
    if counts.get("failed", 0) >= GRAVE * fleet.starts:
        return "failed"
    trouble = any(found.severity != "info" for found in all_starts.findings)
    rough = counts.get("failed", 0) or fleet.outliers or bad_inputs(fleet) or trouble
    return "slow" if rough else "ok" if counts.get("ready", 0) == fleet.starts else "unknown"


# --- the verdict


def verdict(fleet: Fleet) -> str:
    """One sentence on the whole: how many, how they went, how long they took."""
    bad = bad_inputs(fleet)
    read = len(fleet.inputs) - len(bad)
    all_starts = whole(fleet)
    if not fleet.starts or all_starts is None:
        return f"No start in {counted(len(fleet.inputs), 'input')}{_of_which_bad(len(fleet.inputs), len(bad))}."
    hosts = f" of {counted(all_starts.hosts, 'host')}" if all_starts.hosts else ""
    told = f"{counted(fleet.starts, 'start')}{hosts} from {counted(read, 'input')}: {outcomes(fleet.outcomes)}"
    took = curve(all_starts)
    return f"{told}; {took}." if took else f"{told}."


def _of_which_bad(inputs: int, bad: int) -> str:
    if not bad:
        return ""
    if inputs == bad:
        return ", which could not be used" if inputs == 1 else ", none of which could be used"
    return f", {number(bad)} of which could not be used"


def curve(group: Group) -> str:
    """How long the starts of a group took, half of them, nine of ten, 99 of 100; empty where nobody knows."""
    metric = goal(group)
    if metric is None:
        return ""
    never = not_ready(group)
    if never == group.starts and metric.p50.max is None:
        return "none of them was seen ready"
    had = _GOALS[metric.id][0]
    of_whom = whose(metric, group.starts) or "the starts"
    told = []
    for share, name, least in _SHARES:
        quantile: Quantile = getattr(metric, name)
        if metric.n >= least:
            told.append(f"{share} {_within(quantile.min, quantile.max, all_came=never == 0 and metric.id == 'ready')}")
        if quantile.max is None:
            break
    if metric.n == 1:
        who = "it" if group.starts == 1 else "one of them"
        began = f"{who} {had.replace('were', 'was').replace('their', 'its')}"
    else:
        began = f"half of {of_whom} {had}"
    told[0] = told[0].replace("half", began, 1)
    open_end = f": {counted(never, 'start')} {_was(never)} never seen ready" if told[-1].endswith("at all") else ""
    return ", ".join(told) + open_end


def confidence(fleet: Fleet) -> str:
    """How far other hosts of the same kind may differ, with ``--confidence``; else empty."""
    all_starts = whole(fleet)
    metric = None if all_starts is None else goal(all_starts)
    if fleet.confidence is None or metric is None:
        return ""
    told = []
    for share, name, least in _SHARES:
        quantile: Quantile = getattr(metric, name)
        known = quantile.lower is not None and (quantile.lower > 0 or quantile.upper is not None)
        if metric.n >= least and quantile.lower is not None and known:
            told.append(f"{share} {_within(quantile.lower, quantile.upper, all_came=False)}")
    if not told or all_starts is None:
        return ""
    sample = counted(all_starts.hosts, "host")
    return f"With {fleet.confidence:.0%} confidence, these {sample} being a sample: {', '.join(told)}."


def _within(least: float, most: float | None, *, all_came: bool) -> str:
    """A share of the starts was there within this time; ``all_came``: that all were there is known, not by when."""
    if most is None or math.isinf(most):
        return f"not before {wording.at_least(least)}{'' if all_came else ', if at all'}"
    return f"within {_range(least, most)}"


def _range(least: float, most: float) -> str:
    return wording.at_most(most) if least < 0.05 else wording.length_words(least, most)


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


# --- what needs someone first


def outliers(fleet: Fleet) -> Iterator[str]:
    """Groups and hosts that stand out, each with why; groups first, as they have more hosts."""
    for one in sorted(fleet.outliers, key=lambda one: bool(one.host)):
        who = one.host or labels(one.by)
        yield _sentence(one.why if not who or who in one.why else f"{who}: {one.why}")


def reasons(group: Group) -> Iterator[str]:
    """Why starts failed, the most frequent first, and how many did without a word."""
    for reason in group.reasons:
        yield f"{_places(reason.starts, reason.hosts)}: {reason.reason}"
    unsaid = dict(group.outcomes).get("failed", 0) - sum(reason.starts for reason in group.reasons)
    if unsaid > 0:
        yield f"{counted(unsaid, 'start')}: the log gives no reason"


def findings(group: Group) -> list[FindingCount]:
    """The findings that ask for something, as they are ranked."""
    return [found for found in group.findings if found.severity != "info"]


def finding(found: FindingCount) -> str:
    """One finding with how often it was met."""
    title = title_of(found.id)
    return f"{_places(found.starts, found.hosts)}: {title}" + (f" ({found.id})" if title != found.id else "")


def _places(starts: int, hosts: int) -> str:
    return f"{counted(starts, 'start')} on {counted(hosts, 'host')}" if hosts else counted(starts, "start")


def slow(one: Slow) -> str:
    """One of the slowest starts."""
    if one.most is None and one.ready:  # its log begins later
        took = f"ready after {wording.at_least(one.least)} or more"
    elif one.most is None:
        took = f"still not ready after {wording.at_least(one.least)}" if one.least >= 0.05 else "never seen ready"
    else:
        took = f"ready after {_range(one.least, one.most)}"
    cause = f": {title_of(one.cause)}" if one.cause else ""
    return f"{one.host or _NAMELESS} {took}{cause} ({one.input}, start {one.index})"


# --- groups


def labels(by: Sequence[tuple[str, str]]) -> str:
    """``version v1.33.4+k3s1, site berlin``."""
    return ", ".join(f"{name} {value or '?'}" for name, value in by)


def by_names(groups: Sequence[Group]) -> str:
    """The labels by which all groups are told apart."""
    return ", ".join(dict.fromkeys(name for group in groups for name, _ in group.by))


def group_rows(fleet: Fleet) -> list[tuple[str, ...]]:
    """A row for each group, the whole last: label, starts, hosts, not ready, half and nine of ten in seconds."""
    all_starts = whole(fleet)
    first = None if all_starts is None else goal(all_starts)
    if not grouped(fleet) or all_starts is None:
        return []
    made: list[tuple[str, ...]] = []
    for group in (*grouped(fleet), all_starts):
        metric = None if first is None else metric_of(group, first.id)
        name = ", ".join(value or "?" for _, value in group.by) if group.by else "all"
        made.append(
            (
                name, number(group.starts), number(group.hosts), number(not_ready(group)),
                _cell(None if metric is None else metric.p50), _cell(None if metric is None else metric.p90),
            )
        )  # fmt: skip
    return made


def _cell(quantile: Quantile | None) -> str:
    return "?" if quantile is None else wording.span_range(Span(quantile.min, quantile.max))


def slowest_groups(groups: Sequence[Group], most: int) -> list[Group]:
    """At most so many groups, those whose starts took longest, in their own order."""
    if len(groups) <= most:
        return list(groups)
    ranked = sorted(range(len(groups)), key=lambda at: (-_time(groups[at]), at))
    return [groups[at] for at in sorted(ranked[:most])]


def _time(group: Group) -> float:
    metric = goal(group)
    if metric is None:
        return -1.0
    return math.inf if metric.p50.max is None else metric.p50.max


# --- inputs


def bad(fleet: Fleet) -> str:
    """How many inputs could not be used, by kind; empty where all could."""
    rows = bad_inputs(fleet)
    if not rows:
        return ""
    kinds = Counter(row.error_kind for row in rows)
    order = [*_BAD, *sorted(kind for kind in kinds if kind not in _BAD)]
    told = [
        f"{number(kinds[kind])} {_BAD.get(kind, kind.replace('_', ' ') or 'for other reasons')}"
        for kind in order
        if kinds[kind]
    ]
    partly = sum(row.starts > 0 for row in rows)
    part = f" {number(partly)} of them {_was(partly)} read in part." if partly else ""
    return f"{number(len(rows))} of {counted(len(fleet.inputs), 'input')} could not be used: {', '.join(told)}.{part}"


def bad_input(row: InputRow) -> str:
    """One of them, with its error, which need not name it again."""
    error = row.error.removeprefix(row.input).lstrip(": ")
    return f"{row.input}: {error}"


def short_bad_input(row: InputRow, room: int = 40) -> str:
    """The same for a line: the end of its name, the first sentence of its error."""
    error = bad_input(row).removeprefix(f"{row.input}: ")
    shown = row.input if len(row.input) <= room else f"…{row.input[1 - room :]}"
    return f"{shown}: {error.partition('. ')[0].rstrip('.')}"


def repeated(fleet: Fleet) -> str:
    """That starts were met twice; else empty."""
    if not fleet.repeated:
        return ""
    return f"{counted(fleet.repeated, 'start')} met again in another input {_was(fleet.repeated)} counted once."


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
