"""Where in its own history a host became slower or faster, and what else is different from there on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from analyzer.collection.collect import parted
from analyzer.collection.groups import host_numbers
from analyzer.collection.metric_order import is_phase
from analyzer.collection.model import CHECK, Collection, StartRow
from analyzer.comparison.compare import DEFAULT, compared, metrics_in_common
from analyzer.comparison.design import MIXED, NOT_THERE, UNREAD
from analyzer.comparison.model import Asked, Change, Comparison, History, MetricComparison
from analyzer.comparison.pasts import Past, pasts
from analyzer.comparison.what_changed import attributes, findings, likeliest_place, switched
from analyzer.events.terms import phase_in_words
from analyzer.stats.change_point import Found, changes
from analyzer.stats.step import FEWEST
from analyzer.window import down, up

# Starts of a host from which on a step of three standard deviations is found in 87 % of the histories, as measured.
# Among fewer than eight none could be.
FEWEST_STARTS = 10
MOST_CHANGES = 3  # of a host
_WHOLE = 50  # of so many changes, the surest, all that is no check is compared, of the others the goal alone
_SIDES = ("before", "after")
_NOT_OF_A_HOST = ("one_after_other", UNREAD, MIXED, NOT_THERE)
_MOSTLY = 0.5  # of the difference, for a phase to be told as where it lies


def since_change(collection: Collection, asked: Asked = DEFAULT, metric: str | None = None) -> History:
    """The changes of all hosts, the surest first. ``metric``: instead of the goal of each host (its role says which).

    A change is told where both agree: the test that there is any, over all places of the host's history at once
    (``analyzer.stats.change_point``; all hosts are one family, at most 1 - ``confidence`` of it false on average), and
    the interval of the difference between the starts before it and after it, from the last change to the next one.

    That interval would be right too rarely at ``confidence``: its place was chosen because both sides differ there, and
    its host because it does. With half of what the confidence leaves out, and less of it the fewer of the hosts have a
    change, it holds as often as it says (measured: docs/history.md).

    The place is the likeliest one; among places about as likely that at which release, role or labels changed.
    """
    whole = pasts(collection, metric or next(iter(asked.metrics), None))
    histories = [past for past in whole if len(past.course) >= FEWEST_STARTS]
    level = 1.0 - asked.confidence
    found = changes([past.course for past in histories], level, MOST_CHANGES)
    candidates = [(past, own) for past, own in zip(histories, found, strict=True) if own]
    chosen = level * 0.5 * math.sqrt(len(candidates) / max(len(histories), 1))
    step = replace(asked, confidence=1.0 - chosen, limit=None, plan=False)
    # Inputs that could not be read are of no single host.
    parts = parted(replace(collection, inputs=()), [past.places for past, _ in candidates])
    told = [_Host(past, part, step).told(own) for (past, own), part in zip(candidates, parts, strict=True)]
    surest = sorted((one for host in told for one in host), key=lambda one: (one.found.p_value, one.host.past.host))
    return History(
        by=(),
        goal=metric or next(iter(asked.metrics), None) or _commonest([past.metric for past in whole]),
        points=(),
        steps=(),
        changes=tuple(one.change(whole=number < _WHOLE) for number, one in enumerate(surest)),
        hosts_without_change=len(histories) - sum(bool(host) for host in told),
        hosts_too_few=len(host_numbers(collection.starts)[0]) - len(histories),
        left_out=len(collection.starts) - sum(len(past.places) for past in whole),
        used=sum(len(past.places) for past in whole),
    )


def _commonest(metrics: Sequence[str]) -> str | None:
    return max(sorted(set(metrics)), key=metrics.count, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class _Host:
    """A host and its starts in their order, and how they are to be compared."""

    past: Past
    own: Collection
    asked: Asked

    def told(self, found: Sequence[Found]) -> list[_Told]:
        """The changes of which the interval of the goal is sure as well, each between its neighbours."""
        left = self._placed(found)
        while left:
            ends = [0, *(one.place for one in left), len(self.own.starts)]
            parts = parted(self.own, [range(begin, end) for begin, end in pairwise(ends)])
            made = [
                _Told(self, one, *sides, self._goal(*sides)) for one, sides in zip(left, pairwise(parts), strict=True)
            ]
            unsure = [one for one in made if one.comparison.metrics[0].verdict not in ("slower", "faster")]
            if not unsure:
                return made
            left.remove(max(unsure, key=lambda one: one.found.p_value).found)
        return []

    def _placed(self, found: Sequence[Found]) -> list[Found]:
        """The changes at the places that fit what else changed."""
        known = attributes(self.own.starts)
        placed: list[Found] = []
        for one, following in zip_longest(found, found[1:]):
            begin = placed[-1].place if placed else 0
            end = len(self.own.starts) if following is None else following.place
            near = range(max(one.first, begin + FEWEST), min(one.last, end - FEWEST) + 1)
            place = one.place if one.gradual else likeliest_place(known, near, begin, end, one.place)
            placed.append(replace(one, place=place))
        return placed

    def _goal(self, before: Collection, after: Collection) -> Comparison:
        return self._compared(before, after, (self.past.metric,))

    def _compared(self, before: Collection, after: Collection, metrics: tuple[str, ...]) -> Comparison:
        """That the one side is later than the other need not be noted."""
        found = compared(before, after, replace(self.asked, metrics=metrics), _SIDES).comparison
        return replace(found, design=tuple(note for note in found.design if note.id not in _NOT_OF_A_HOST))

    def whole(self, before: Collection, after: Collection, goal: Comparison) -> Comparison:
        """With the other metrics, which are judged once the goal is decided; the goal as it is."""
        others = self.asked.metrics or metrics_in_common(before, after)
        wanted = [id for id in others if id != self.past.metric and not id.startswith(CHECK)]
        if not wanted:
            return goal
        found = self._compared(before, after, (self.past.metric, *wanted))
        return replace(found, metrics=(goal.metrics[0], *found.metrics[1:]))


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """A change, the starts on both sides, and how they compare."""

    host: _Host
    found: Found
    before: Collection
    after: Collection
    comparison: Comparison

    def change(self, *, whole: bool) -> Change:
        comparison = self.host.whole(self.before, self.after, self.comparison) if whole else self.comparison
        last, first = self.before.starts[-1], self.after.starts[0]
        return Change(
            host=self.host.past.host,
            metric=self.host.past.metric,
            before=f"{last.input}:{last.index}",
            after=f"{first.input}:{first.index}",
            before_at=_at(last),
            after_at=_at(first),
            comparison=comparison,
            p_value=self.found.p_value,
            changed=(*self._what(), *_mostly(comparison), *self._place()),
        )

    def _what(self) -> Iterator[str]:
        """What else is different from there on."""
        starts = (*self.before.starts, *self.after.starts)
        yield from switched(attributes(starts), len(self.before.starts), len(starts))
        yield from findings(self.before.starts, self.after.starts)

    def _place(self) -> Iterator[str]:
        """How sure the place is."""
        if self.found.gradual:
            yield "It was a slow drift rather than one step: this place only divides the starts."
            return
        early, late = self.found.place - self.found.first, self.found.last - self.found.place
        told = [f"{_starts(number)} {way}" for number, way in ((early, "earlier"), (late, "later")) if number > 0]
        if told:
            yield f"It may also have been up to {' or '.join(told)}."
        if self.found.wavy:
            yield "The starts of this host come in waves: this may be one of them."


def _mostly(comparison: Comparison) -> Iterator[str]:
    """The phase in which most of the difference lies, if there is one."""
    goal = comparison.metrics[0]
    phases = [one for one in comparison.metrics if is_phase(one.id) and one.verdict == goal.verdict]
    phase = max(phases, key=lambda one: abs(_middle(one)), default=None)
    if phase is None or not abs(_middle(phase)) >= _MOSTLY * abs(_middle(goal)):
        return
    longer = phase.verdict == "slower"
    ends = phase.difference.lower, phase.difference.upper
    low, high = ends if longer else (-ends[1], -ends[0])
    size = f"{down(low)} to {up(high)} s" if math.isfinite(high) else f"at least {down(low)} s"
    yield f"Mostly {phase_in_words(phase.id)}: {size} {'longer' if longer else 'shorter'}."


def _middle(metric: MetricComparison) -> float:
    """The difference of the starts seen; infinite where that of the goal is: it lies in no phase."""
    base, new = metric.base, metric.new
    if not math.isfinite(base.max) or not math.isfinite(new.max):
        return math.inf if metric.unit == "s" and not is_phase(metric.id) else 0.0
    return 0.5 * (new.min + new.max) - 0.5 * (base.min + base.max)


def _starts(number: int) -> str:
    return f"{number:,} start{'' if number == 1 else 's'}"


def _at(start: StartRow) -> str:
    return "" if start.began_at is None else start.began_at.isoformat()
