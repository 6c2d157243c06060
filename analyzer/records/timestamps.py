"""Stamps to axis positions: year and zone from anchors in the log itself, the monotonic axis, clock steps.

The order of trust is: monotonic clock of one boot, realtime, the carrier's text stamp with year and zone taken from
the nearest logrus or etcd stamp, that inner stamp itself, elapsed seconds of a terminal. Never today, never a file's
mtime. What cannot be dated keeps local wall time with ``absolute=False``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.records.carrier_timestamps import Known, place_outer
from analyzer.records.clock_steps import Step, steps_between_clocks, text_steps
from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.grouping import grouped
from analyzer.records.log_record import Payload, Stamp
from analyzer.records.message_timestamps import place_inner
from analyzer.records.rotated_parts import usual_outer
from analyzer.timebase import SECOND


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


_PAIRS, _WHILE = 5, 5 * SECOND


def forget_stamps_of_printing(drafts: list[Draft]) -> list[Draft]:
    """The drafts without the carrier's stamps where those tell when a log was shown, or stored, all at once.

    A line is taken down soon after it was written: what was written over a minute was not taken down within a second.
    """
    both = [d for d in drafts if d.outer in (Outer.UTC, Outer.WALL) and d.inner is Inner.UTC and d.mono is None]
    if len(both) < _PAIRS:
        return drafts
    shown, written = [d.value for d in both], [d.inner_value for d in both]
    while_written = max(written) - min(written)
    if while_written >= _WHILE and max(shown) - min(shown) < while_written // 2:
        for draft in drafts:
            if draft.outer in (Outer.UTC, Outer.WALL):
                draft.outer = Outer.NONE
    return drafts


def resolve(sources: Sequence[tuple[Tally, list[Draft]]]) -> list[Step]:
    """Fill ``at``, ``inner_at``, ``absolute`` and ``clock`` of every record; drafts stand in true file order.

    Returns the clock steps found. ``Draft.rt`` holds the realtime (UTC, or wall time where no zone is known).
    """
    offsets = boot_offsets(drafts for _, drafts in sources)
    steps: list[Step] = []
    known: dict[str | None, Known] = {}
    for _, drafts in sources:
        _forget_own_stamps(drafts)
    undated = [source for source in sources if not place_outer(*source, known, last_resort=False)]
    for tally, drafts in undated:
        place_outer(tally, drafts, known, last_resort=True)
    placed = (d for _, drafts in sources for d in drafts if d.mono is not None and d.at is not None)
    for boot, group in grouped((d.boot_id, d) for d in placed if d.boot_id in offsets).items():
        steps += steps_between_clocks(sorted(group, key=lambda d: d.mono or 0))
        for draft in group:
            if draft.mono is not None and draft.at is not None:
                draft.at = Stamp(draft.mono + offsets[boot or ""], draft.at.precision_us)
    for _, drafts in sources:
        steps += text_steps(drafts)
    for tally, drafts in sources:
        place_inner(tally, drafts)
    return steps


def stamp_series(drafts: Sequence[Draft]) -> list[int]:
    """Values whose order tells whether a source runs backwards; whole entries only, the finest clock it has."""
    whole = [d for d in drafts if not (d.follows or d.foreign)]
    if any(d.mono is not None for d in drafts):
        return [d.value for d in whole if d.outer is Outer.UTC]
    usual = usual_outer(drafts)
    if usual is not None:
        return [d.value for d in whole if d.outer is usual]
    if any(d.inner is Inner.UTC and not d.etcd for d in drafts):
        return [d.inner_value for d in whole if d.inner is Inner.UTC and not d.etcd]
    return [d.inner_value for d in whole if d.inner is Inner.PARTIAL]
