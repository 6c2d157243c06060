"""Hosts that stand out from their group, and releases that are slower than the others, told in words with numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.collection.groups import UNKNOWN, host_numbers, members
from analyzer.collection.metric_order import goals_of, is_phase, ordered
from analyzer.collection.model import Collection, Group, Labels, Metric, Outlier
from analyzer.events.terms import phase_in_words
from analyzer.stats.multiple import accepted
from analyzer.stats.quantiles import bounds, interval
from analyzer.stats.standing_out import FEWEST_OTHERS, Standing, above
from analyzer.window import down, up

IntArray = npt.NDArray[np.int64]

_KIND = ("product", "role")
_HOSTS_OF_A_RELEASE = 30  # so many are compared among themselves; fewer with their whole minor
_OF_STARTS = ("host", "input", "outcome")  # labels that no group of hosts has
_RELEASE_S, _RELEASE_SHARE = 0.5, 0.1
_RESAMPLES = 2000
_SPOKEN = {"node": "node registered", "node_ready": "node ready", "server": "server answered"}


# --- hosts


@dataclass(frozen=True, slots=True)
class _Compared:
    """Starts that are compared among themselves; of the hosts in ``asked`` something may be said."""

    by: Labels
    places: IntArray
    asked: IntArray


@dataclass(frozen=True, slots=True)
class _Tested:
    """One metric of one group of hosts, and by host how many of its starts certainly never got there."""

    by: Labels
    metric: str
    is_goal: bool
    standing: Standing
    never: IntArray


def outliers(collection: Collection, groups: Sequence[Group] = (), share: float = 0.05) -> tuple[Outlier, ...]:
    """Hosts whose own starts lie outside what their group's spread and the windows allow, the surest first.

    A host is compared with those of its release, product and role (of its Kubernetes minor, where few hosts have that
    release) and of its labels in ``groups``, those of the user: so a slower release is not told as slow hosts. At most
    about ``share`` of what is found is chance, half of that for goals and half for phases (Benjamini-Hochberg).
    Differences below 1 s or 20 % are left out. One entry for a host of a group.
    """
    names, hosts = host_numbers(collection.starts)
    order = _by_key(collection)
    tested = [one for group in _compared(collection, groups, hosts) for one in _tests(collection, group, hosts, order)]
    found: dict[tuple[Labels, int], list[tuple[_Tested, int]]] = {}
    for is_goal in (True, False):
        for one, place in _held([one for one in tested if one.is_goal is is_goal], share / 2.0):
            found.setdefault((one.by, int(one.standing.groups[place])), []).append((one, place))
    told = []
    for (by, host), reasons in found.items():
        name = names[host] or collection.starts[int(np.flatnonzero(hosts == host)[0])].input
        told.append(_outlier(name, host, reasons, [one for one in tested if one.by == by and not one.is_goal]))
    return tuple(sorted(told, key=lambda one: (one.p_value, one.host, one.by)))


def _by_key(collection: Collection) -> IntArray:
    """The rank of each start in an order that its key makes: of one host's starts mostly that of time."""
    starts = collection.starts
    order = sorted(range(len(starts)), key=lambda n: (starts[n].key, starts[n].input, starts[n].index))
    ranks = np.empty(len(starts), dtype=np.int64)
    ranks[order] = np.arange(len(starts))
    return ranks


def _compared(collection: Collection, groups: Sequence[Group], hosts: IntArray) -> Iterator[_Compared]:
    names = tuple(name for name, _ in groups[0].by if name not in _OF_STARTS) if groups else ()
    wide = (*(name for name in names if name not in (*_KIND, "version", "kubernetes")), "kubernetes", *_KIND)
    for by, of_minor in members(collection.starts, wide).items():
        few: list[int] = []
        for release, places in members(collection.starts, ("version",), of_minor).items():
            chosen = np.asarray(places, dtype=np.int64)
            asked = np.unique(hosts[chosen])
            if len(asked) >= _HOSTS_OF_A_RELEASE or "version" in names:
                yield _Compared((*release, *(pair for pair in by if pair[0] != "kubernetes")), chosen, asked)
            else:
                few.extend(places)
        if few:
            yield _Compared(by, np.asarray(of_minor, dtype=np.int64), np.unique(hosts[few]))


def _tests(collection: Collection, group: _Compared, hosts: IntArray, order: IntArray) -> Iterator[_Tested]:
    inside = np.zeros(len(collection.starts), dtype=np.bool_)
    inside[group.places] = True
    own = {id: part for id, metric in collection.metrics.items() if len((part := _part(metric, inside)).at)}
    role = dict(group.by)["role"]
    goal = next((id for id in goals_of(role) if id in own and 2 * len(own[id].at) >= len(group.places)), None)
    failed = np.fromiter((start.outcome == "failed" for start in collection.starts), np.bool_, len(inside))
    for id in ordered(own):
        if id != goal and not is_phase(id):
            continue
        metric = own[id]
        never = failed[metric.at] & np.isinf(metric.most) if id == goal else np.zeros(len(metric.at), dtype=np.bool_)
        least = np.where(never, np.inf, metric.least)  # later than all that got there
        standing = above(least, metric.most, hosts[metric.at], order[metric.at])
        if standing is not None:
            count = np.bincount(hosts[metric.at], weights=never, minlength=int(standing.groups[-1]) + 1)
            asked = np.isin(standing.groups, group.asked)
            kept = Standing(*(getattr(standing, name)[asked] for name in Standing.__slots__))
            yield _Tested(group.by, id, id == goal, kept, count[kept.groups].astype(np.int64))


def _part(metric: Metric, inside: npt.NDArray[np.bool_]) -> Metric:
    kept = inside[metric.at]
    return Metric(metric.at[kept], metric.least[kept], metric.most[kept])


def _held(family: Sequence[_Tested], share: float) -> Iterator[tuple[_Tested, int]]:
    """What holds of a family of tests: the metric and the place of the host in it."""
    if not family:
        return
    held = accepted(np.concatenate([one.standing.p_values for one in family]), share)
    ends = np.cumsum([len(one.standing.groups) for one in family])
    for one, own in zip(family, np.split(held, ends[:-1]), strict=True):
        for place in np.flatnonzero(own).tolist():
            yield one, place


def _outlier(name: str, host: int, reasons: Sequence[tuple[_Tested, int]], phases: Sequence[_Tested]) -> Outlier:
    """Told by its goal if that is late, else by the phase that took longest beyond the others'."""
    leading, place = max(reasons, key=lambda one: (one[0].is_goal, _beyond(*one)))
    why = f"{_took(leading, place)}; {_others(leading, place)}"
    if leading.is_goal and (more := _mostly(leading, place, host, phases)):
        why = f"{why}. {more}"
    return Outlier(name, leading.metric, why, leading.by, float(leading.standing.p_values[place]))


def _spoken(metric: str) -> str:
    return _SPOKEN.get(metric) or (phase_in_words(metric) if is_phase(metric) else metric)


def _beyond(tested: _Tested, place: int) -> float:
    """By how many seconds it is certainly above the others' median."""
    return float(tested.standing.low[place] - tested.standing.others_median[place])


def _took(tested: _Tested, place: int) -> str:
    standing, words = tested.standing, _spoken(tested.metric)
    low, high, size = float(standing.low[place]), float(standing.high[place]), int(standing.sizes[place])
    if math.isinf(low):
        return f"never {words} in {int(tested.never[place])} of {_count(size, 'start')}"
    of = "1 start" if size == 1 else f"median of {size} starts"
    return f"{words} {'after' if tested.is_goal else 'took'} {_range(low, high)} ({of})"


def _others(tested: _Tested, place: int) -> str:
    standing, of = tested.standing, " ".join(value for _, value in tested.by if value != UNKNOWN)
    number = int(standing.others[place])
    middle = _range(float(standing.others_low[place]), float(standing.others_high[place]))
    return f"half of the {number} other hosts{of and f' of {of}'}: {middle}"


def _mostly(goal: _Tested, place: int, host: int, phases: Sequence[_Tested]) -> str:
    """The phase in which a good part of the time was lost, if there is one."""
    lost = _beyond(goal, place)
    found = [(one, int(at)) for one in phases for at in np.flatnonzero(one.standing.groups == host)]
    found = [one for one in found if math.isfinite(_beyond(*one))]
    if not found or math.isinf(lost):
        return ""
    phase, at = max(found, key=lambda one: _beyond(*one))
    if _beyond(phase, at) < max(1.0, lost / 3.0):
        return ""
    standing = phase.standing
    took = _range(float(standing.low[at]), float(standing.high[at]))
    usual = _range(float(standing.others_low[at]), float(standing.others_high[at]))
    return f"Mostly {_spoken(phase.metric)}: {took} instead of {usual}"


def _range(low: float, high: float) -> str:
    return f"{down(low)} to {up(high)} s" if math.isfinite(high) else f"more than {down(low)} s"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


# --- releases


def slower_groups(
    collection: Collection, name: str = "version", level: float = 0.05, seed: int = 1
) -> tuple[Outlier, ...]:
    """Values of a label (releases) whose starts certainly took longer than those of all others, the slowest first.

    Compared are medians of the time to the goal, among starts of one product and role: the bounds must not overlap, nor
    the intervals of a bootstrap of whole hosts, at a confidence at which any false one is as rare as ``level``; and
    the certain difference is at least 0.5 s and 10 %. ``host`` is empty, ``by`` is the label.
    """
    hosts = host_numbers(collection.starts)[1]
    found: list[tuple[float, Outlier]] = []
    for kind, places in members(collection.starts, _KIND).items():
        goal = _goal_of(collection, dict(kind)["role"], places)
        parts = members(collection.starts, (name,), places)
        if goal is None or len(parts) < 2:
            continue
        value_of = np.full(len(collection.starts), -1, dtype=np.int64)
        for number, own in enumerate(parts.values()):
            value_of[own] = number
        metric = _part(collection.metrics[goal], value_of >= 0)
        for number, (by, _) in enumerate(parts.items()):
            mine = value_of[metric.at] == number
            sides = [Metric(metric.at[side], metric.least[side], metric.most[side]) for side in (mine, ~mine)]
            if by[0][1] != UNKNOWN and (difference := _difference(sides, hosts, level / len(parts), seed)) is not None:
                found.append((difference, _slower(by, kind, goal, sides, hosts, level / len(parts))))
    return tuple(outlier for _, outlier in sorted(found, key=lambda one: (-one[0], one[1].by, one[1].why)))


def _goal_of(collection: Collection, role: str, places: Sequence[int]) -> str | None:
    """The metric that half of the starts have at least."""
    inside = np.zeros(len(collection.starts), dtype=np.bool_)
    inside[places] = True
    metrics = collection.metrics
    return next(
        (id for id in goals_of(role) if id in metrics and 2 * inside[metrics[id].at].sum() >= len(places)), None
    )


def _difference(sides: Sequence[Metric], hosts: IntArray, level: float, seed: int) -> float | None:
    """By how many seconds the first side's median is certainly above the second's, if that is sure and matters."""
    if any(len(np.unique(hosts[side.at])) < FEWEST_OTHERS for side in sides):
        return None
    [(low, _)], [(_, high)] = (bounds(side.least, side.most, [0.5]) for side in sides)
    if not low - high >= max(_RELEASE_S, _RELEASE_SHARE * high):
        return None
    ends = []
    for side in sides:
        own = np.unique(hosts[side.at], return_inverse=True)[1]
        ends.append(interval(side.least, side.most, own, 0.5, 1.0 - level, seed, _RESAMPLES))
    return low - high if ends[0][0] > ends[1][1] else None


def _slower(by: Labels, kind: Labels, goal: str, sides: Sequence[Metric], hosts: IntArray, level: float) -> Outlier:
    words = _spoken(goal)
    told = []
    for side in sides:
        [ends] = bounds(side.least, side.most, [0.5])
        number = len(np.unique(hosts[side.at]))
        told.append(f"{_range(*ends)} ({_count(len(side.at), 'start')}, {_count(number, 'host')})")
    of = " ".join(value for _, value in kind if value != UNKNOWN)
    why = f"half of its {of and f'{of} '}starts {words} within {told[0]}; with any other {by[0][0]} {told[1]}"
    return Outlier("", goal, why, by, level)
