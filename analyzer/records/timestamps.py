"""Stamps to axis positions: year and zone from anchors in the log itself, the monotonic axis, clock steps.

The order of trust is: monotonic clock of one boot, realtime, the carrier's text stamp with year and zone taken from
the nearest logrus or etcd stamp, that inner stamp itself, elapsed seconds of a terminal. Never today, never a file's
mtime. What cannot be dated keeps local wall time with ``absolute=False``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from analyzer.records.carrier_timestamps import Known, place_outer
from analyzer.records.clock_steps import Step, text_steps
from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.log_record import Payload, Stamp
from analyzer.records.message_timestamps import place_inner
from analyzer.timebase import jumps


def boot_offsets(sources: Iterable[Sequence[Draft]]) -> dict[str, int]:
    """Realtime − monotonic at the last entry (by monotonic clock) of each boot, over all sources."""
    last: dict[str, tuple[int, int]] = {}
    for drafts in sources:
        for draft in drafts:
            boot = draft.boot_id
            if draft.mono is not None and boot is not None and draft.outer is Outer.UTC:
                held = last.get(boot)
                if held is None or draft.mono >= held[0]:
                    last[boot] = (draft.mono, draft.value - draft.mono)
    return {boot: offset for boot, (_, offset) in last.items()}


def _forget_own_stamps(drafts: Sequence[Draft]) -> None:
    """Old etcd's and Rancher's stamps are the process's local time, and no carrier's: logrus' are better.

    Read as a carrier's they would be of an unknown zone, and every other line a stray.
    """
    stamped = [d for d in drafts if d.outer is not Outer.NONE]
    if not stamped or not any(d.outer is Outer.NONE and d.inner is Inner.UTC for d in drafts):
        return
    old = (Payload.ZAP, Payload.PANIC)  # a trace glued to such a line has its stamp
    own = [d for d in stamped if d.payload in old or (d.payload is Payload.PLAIN and d.level)]
    if len(own) == len(stamped) and all(d.outer is Outer.WALL and d.ident is None for d in stamped):
        for draft in stamped:
            draft.outer = Outer.NONE


def resolve(sources: Sequence[tuple[Tally, list[Draft]]]) -> list[Step]:
    """Fill ``at``, ``inner_at``, ``absolute`` and ``clock`` of every record; drafts stand in true file order.

    Returns the clock steps found. ``Draft.rt`` holds the realtime (UTC, or wall time where no zone is known).
    """
    offsets = boot_offsets(drafts for _, drafts in sources)
    steps: list[Step] = []
    undated: list[tuple[Tally, list[Draft]]] = []
    known: dict[str | None, Known] = {}
    for tally, drafts in sources:
        _forget_own_stamps(drafts)
        if not place_outer(tally, drafts, known, last_resort=False):
            undated.append((tally, drafts))
    for tally, drafts in undated:
        place_outer(tally, drafts, known, last_resort=True)
    seen_boots: dict[str, list[Draft]] = defaultdict(list)
    for _, drafts in sources:
        for draft in drafts:
            boot = draft.boot_id
            if draft.mono is not None and boot is not None and boot in offsets and draft.rt is not None:
                seen_boots[boot].append(draft)
                precision = draft.at.precision_us if draft.at is not None else draft.precision
                draft.at = Stamp(draft.mono + offsets[boot], precision)
    for group in seen_boots.values():
        group.sort(key=lambda d: d.mono or 0)
        differences = [(d.rt or 0) - (d.mono or 0) for d in group]
        steps += [Step(group[index], by) for index, by in jumps(differences)]
    for _, drafts in sources:
        steps += text_steps(drafts)
    for tally, drafts in sources:
        place_inner(tally, drafts)
    return steps


def stamp_series(drafts: Sequence[Draft]) -> list[int]:
    """Values whose order tells whether a source runs backwards; whole entries only, the finest clock it has."""
    chosen: Callable[[Draft], int | None]
    if any(d.mono is not None for d in drafts):
        chosen = lambda d: d.value if d.outer is Outer.UTC else None  # noqa: E731
    elif any(d.outer is not Outer.NONE for d in drafts):
        usual = Counter(d.outer for d in drafts if d.outer is not Outer.NONE).most_common(1)[0][0]
        chosen = lambda d: d.value if d.outer is usual else None  # noqa: E731
    elif any(d.inner is Inner.UTC and not d.etcd for d in drafts):
        chosen = lambda d: d.inner_value if d.inner is Inner.UTC and not d.etcd else None  # noqa: E731
    else:
        chosen = lambda d: d.inner_value if d.inner is Inner.PARTIAL else None  # noqa: E731
    values = []
    for draft in drafts:
        value = None if draft.follows or draft.foreign else chosen(draft)
        if value is not None:
            values.append(value)
    return values
