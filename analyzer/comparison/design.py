"""What the two sides differ in beside what is to be compared: it may explain a difference, or hide one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from analyzer.collection.groups import UNKNOWN, label, natural
from analyzer.comparison.model import DesignNote
from analyzer.comparison.one_sided import lists_checks
from analyzer.comparison.sides import SideOf
from analyzer.comparison.strata import LABELS, Strata
from analyzer.comparison.unread import counted, of_unread, unread
from analyzer.stats.shares import share_difference
from analyzer.timebase import precision_words
from analyzer.window import down

FEW_STARTS = 5
_FEW_HOSTS = 4  # of a side, with several starts: whole hosts are drawn, and so few never differ certainly
_COARSER = 10.0  # times
_SURE = 0.05
_SHORT = 0.1  # seconds: of how many times as long as less than that takes, nothing is said
_TENTH = 0.1  # of the starts: what lies beyond on either side is not what is usual
MIXED_GOALS = ("ready", "node", "server", "started")
_MIXED = 3.0  # times, from the fast starts of a side to its slow ones
_NAMES = 3  # of hosts and releases that are told
_WORDS = {"kind": "first starts and restarts", "version": "releases"}

Sides = Sequence[tuple[str, SideOf]]


UNREAD = "unread"
SAME_STARTS = "same_starts"
FEW = "few_starts"
MIXED = "mixed_starts"
NOT_THERE = "not_there"


def design(base: SideOf, new: SideOf, strata: Strata) -> tuple[DesignNote, ...]:
    """The warnings, what weighs most first."""
    sides = (("base", base), ("new", new))
    return (
        *_unread(sides),
        *_same_starts(base, new),
        *_few(sides),
        *_mixed(sides, strata),
        *_kinds(sides, strata),
        *_roles(sides),
        *_machines(base, new),
        *_versions(sides),
        *_outcomes(base, new),
        *_one_after_other(base, new),
        *_precision(base, new),
        *_lists(sides),
        *_balanced(strata),
    )


def not_there(metrics: Sequence[str], base: SideOf, new: SideOf) -> tuple[DesignNote, ...]:
    """What was asked for and cannot be compared, as not both sides have it."""
    lacking = [(metric, [name for name, side in (("base", base), ("new", new)) if not side.has(metric)])
               for metric in metrics]  # fmt: skip
    return tuple(
        DesignNote(NOT_THERE, f"No start {_lacking(names)} has {metric}.") for metric, names in lacking if names
    )


def _lacking(names: Sequence[str]) -> str:
    return "on either side" if len(names) > 1 else {"base": "of the base", "new": "of the new side"}[names[0]]


def _unread(sides: Sides) -> Iterator[DesignNote]:
    """What nobody saw may be what differs."""
    for name, side in sides:
        if missing := unread(side.collection):
            told = of_unread(missing, len(side.collection.inputs))
            yield DesignNote(UNREAD, f"{_side(name)} is not all there: {told}.")


def _same_starts(base: SideOf, new: SideOf) -> Iterator[DesignNote]:
    both = {start.key for start in base.starts} & {start.key for start in new.starts}
    if both:
        every = {start.key for start in (*base.starts, *new.starts)}
        told = f"{len(both):,} of {counted(len(every), 'start')} {_are(len(both))} on both sides"
        yield DesignNote(SAME_STARTS, f"{told}: were the same logs named twice?")


def _few(sides: Sides) -> Iterator[DesignNote]:
    few = [(name, len(side.starts)) for name, side in sides if len(side.starts) < FEW_STARTS]
    if few:
        told = " and ".join(f"{name} has {counted(n, 'start')}" for name, n in few)
        yield DesignNote(FEW, f"Few starts: {told}; take at least {FEW_STARTS} a side.")
    for name, side in sides:
        hosts = len(side.names)
        if 1 < hosts < _FEW_HOSTS and len(side.starts) > hosts:
            yield DesignNote(
                "few_hosts",
                f"{_side(name)} has {hosts} hosts with several starts each: so few hosts can hardly decide anything. "
                "Compare one host at a time, or take more.",
            )


def _kinds(sides: Sides, strata: Strata) -> Iterator[DesignNote]:
    """First starts and restarts, where the two sides do not have both."""
    base, new = (Counter(label(start, "kind") for start in side.starts) for _, side in sides)
    if "kind" in strata.names or _alike(base, new):
        return
    told = "; ".join(f"{name} has {_kinds_of(counts)}" for name, counts in (("base", base), ("new", new)))
    yield DesignNote(
        "other_kinds", f"First starts take longer than restarts, and the sides have other shares of them: {told}."
    )


def _kinds_of(counts: Counter[str]) -> str:
    words = {"first": "first start{}", "restart": "restart{}", UNKNOWN: "of unknown kind"}
    return ", ".join(f"{n:,} {words[name].format('' if n == 1 else 's')}" for name, n in sorted(counts.items()))


def _roles(sides: Sides) -> Iterator[DesignNote]:
    base, new = ({start.role for start in side.starts} - {"unknown"} for _, side in sides)
    if base and new and base != new:
        yield DesignNote("other_roles", f"Other roles: base has {_all(base)}, new has {_all(new)}.")


def _machines(base: SideOf, new: SideOf) -> Iterator[DesignNote]:
    one, other = ({name for name in side.names if name is not None} for side in (base, new))
    if not one or not other:
        return
    if one == other:
        if not _alike(*(Counter(label(start, "host") for start in side.starts) for side in (base, new))):
            yield DesignNote("other_shares", "The hosts have other shares of the starts on the two sides.")
        return
    if one.isdisjoint(other):
        sentence = f"Different machines: {_some(one)} against {_some(other)}; the machines may be what differs."
    else:
        sentence = f"Not the same machines: {len(one & other)} of {len(one | other)} hosts are on both sides."
    yield DesignNote("other_machines", sentence)


def _versions(sides: Sides) -> Iterator[DesignNote]:
    for name, side in sides:
        versions = {start.version for start in side.starts if start.version}
        if len(versions) > 1:
            yield DesignNote("mixed_versions", f"{_side(name)} has several releases: {_some(versions)}.")


def _outcomes(base: SideOf, new: SideOf) -> Iterator[DesignNote]:
    """Another mix of outcomes, where chance alone would hardly make it."""
    for outcome in ("failed", "stopped", "incomplete"):
        marks = [np.array([start.outcome == outcome for start in side.starts]) for side in (base, new)]
        if share_difference(*marks).p_value <= _SURE:
            numbers = " and ".join(f"{int(mark.sum())} of {len(mark)}" for mark in marks)
            words = {"failed": "failed", "stopped": "were stopped", "incomplete": "are cut off by the end of their log"}
            yield DesignNote("other_outcomes", f"Other outcomes: {numbers} starts {words[outcome]}.")


def _one_after_other(base: SideOf, new: SideOf) -> Iterator[DesignNote]:
    times = [[start.began_at for start in side.starts if start.began_at is not None] for side in (base, new)]
    if not times[0] or not times[1]:
        return
    for first, second, words in ((times[0], times[1], "new after base"), (times[1], times[0], "base after new")):
        if max(first) < min(second):
            yield DesignNote(
                "one_after_other",
                f"All starts of {words}: whatever else changed in between is in the difference. "
                "Alternate the sides to be sure.",
            )


def _precision(base: SideOf, new: SideOf) -> Iterator[DesignNote]:
    one, other = (float(np.median([start.precision_s for start in side.starts])) for side in (base, new))
    fine, coarse = sorted((one, other))
    if coarse > _COARSER * max(fine, 1e-6):
        which = "base" if one > other else "new"
        yield DesignNote(
            "other_precision",
            f"The timestamps of {which} are to the {_unit(coarse)}, the others to the {_unit(fine)}: its windows are "
            "wider.",
        )


def _unit(seconds: float) -> str:
    """What timestamps are written to: ``second``, ``microsecond``, ``10 ms``."""
    units = {"1 s": "second", "1 ms": "millisecond", "1 µs": "microsecond", "60 s": "minute"}
    shown = precision_words(seconds)
    return units.get(shown, shown)


def _lists(sides: Sides) -> Iterator[DesignNote]:
    without = [name for name, side in sides if not lists_checks(side.collection)]
    if len(without) == 1:
        yield DesignNote(
            "no_check_lists",
            f"The logs of {without[0]} print no lists of checks: few checks can be compared, and with wide windows.",
        )


def _balanced(strata: Strata) -> Iterator[DesignNote]:
    if strata.names:
        by = " and ".join(_WORDS.get(name, f"the values of {name}") for name in strata.names)
        yield DesignNote("balanced", f"Both sides were given the same mix of {by}.")


def _mixed(sides: Sides, strata: Strata) -> Iterator[DesignNote]:
    """Sides whose starts are very unlike, where nothing is known that tells like from like."""
    if any(name not in LABELS for name in strata.names):
        return
    goal = next((id for id in MIXED_GOALS if all(side.has(id) for _, side in sides)), None)
    factors = [] if goal is None else [_factor(side, goal, own) for (_, side), own in
                                       zip(sides, (strata.base, strata.new), strict=True)]  # fmt: skip
    factor = max(factors, default=0.0)
    if factor > _MIXED:
        yield DesignNote(
            MIXED,
            f"The starts of a side differ by a factor of {down(factor)}. If machines or settings differ, name them, so "
            "that like is compared with like: --label 'NAME=REGEX'.",
        )


def _factor(side: SideOf, goal: str, strata: npt.NDArray[np.int64]) -> float:
    """How many times as long the slow starts certainly take as the fast ones, among those that are alike."""
    lengths, own = side.lengths(goal), strata[side.places(goal)]
    found = [0.0]
    for one in np.unique(own):
        alike = (own == one) & np.isfinite(lengths.least)  # without those that failed
        least, most = np.sort(lengths.least[alike]), np.sort(lengths.most[alike])
        if len(least) < FEW_STARTS:
            continue
        fast = float(most[round(_TENTH * (len(most) - 1))])
        slow = float(least[round((1.0 - _TENTH) * (len(least) - 1))])
        found.append(slow / max(fast, _SHORT))
    return max(found)


def _alike(base: Counter[str], new: Counter[str]) -> bool:
    """Whether the shares are the same, or nothing is known of either side."""
    total, other = sum(base.values()), sum(new.values())
    known = any(name != UNKNOWN for name in (*base, *new))
    return not known or all(abs(base[name] / total - new[name] / other) <= 0.1 for name in base.keys() | new.keys())


def _side(name: str) -> str:
    return {"base": "The base", "new": "The new side"}[name]


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _all(names: set[str]) -> str:
    return " and ".join(f"{name}s" for name in sorted(names))


def _some(names: set[str]) -> str:
    told = sorted(names, key=natural)
    more = f" and {len(told) - _NAMES} more" if len(told) > _NAMES else ""
    return ", ".join(told[:_NAMES]) + more
