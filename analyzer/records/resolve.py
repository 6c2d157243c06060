"""Stamps to axis positions: year and zone from anchors in the log itself, the monotonic axis, clock steps.

The order of trust is: monotonic clock of one boot, realtime, the carrier's text stamp with year and zone taken from
the nearest logrus or etcd stamp, that inner stamp itself, elapsed seconds of a terminal. Never today, never a file's
mtime. What cannot be dated keeps local wall time with ``absolute=False``.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.inner_stamps import place_inner
from analyzer.records.model import Payload, Stamp
from analyzer.records.outer_stamps import Known, place_outer
from analyzer.timebase import (
    SECOND,
    jumps,
)

STEP_SIGNAL = re.compile(
    r"Time has been changed|Initial clock synchronization to|System clock time unset or jumped backwards|"
    r"System clock wrong by|System clock was stepped by|time jumped|Clock change detected"
)

_FIRST_K3S = 1_546_300_800 * SECOND  # 2019: no clock that was right shows an earlier year


def is_step_signal(message: str) -> bool:
    """Whether a time daemon, or the kernel, says that the clock was set; most lines fail at two short words."""
    return ("lock " in message or "ime " in message) and STEP_SIGNAL.search(message) is not None


_SILENT_HOUR = 3600 * SECOND
_BEGINS, _IS_UP = ("Starting k3s ", "Starting rke2 "), ("Kube API server is now running", " is up and running")


@dataclass(slots=True)
class Step:
    """A clock step before a draft is numbered: the draft after it and by how many µs the clock moved."""

    draft: Draft
    by: int


def boot_offsets(sources: Iterable[Sequence[Draft]]) -> dict[str, int]:
    """Realtime − monotonic at the last entry (by monotonic clock) of each boot, over all sources."""
    last: dict[str, tuple[int, int]] = {}
    for drafts in sources:
        for draft in drafts:
            boot = draft.rec.boot_id
            if draft.mono is not None and boot is not None and draft.outer is Outer.UTC:
                held = last.get(boot)
                if held is None or draft.mono >= held[0]:
                    last[boot] = (draft.mono, draft.value - draft.mono)
    return {boot: offset for boot, (_, offset) in last.items()}


def _forget_own_stamps(drafts: Sequence[Draft]) -> None:
    """Old etcd's stamps are the process's local time: among lines that no carrier stamped, logrus' stamps are better.

    Read as a carrier's they would be of an unknown zone, and every other line a stray.
    """
    stamped = [d for d in drafts if d.outer is not Outer.NONE]
    if not stamped or not any(d.outer is Outer.NONE and d.inner is Inner.UTC for d in drafts):
        return
    old = (Payload.ZAP, Payload.PANIC)  # a trace glued to such a line has its stamp
    if all(d.outer is Outer.WALL and d.rec.payload in old and d.rec.ident is None for d in stamped):
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
            boot = draft.rec.boot_id
            if draft.mono is not None and boot is not None and boot in offsets and draft.rt is not None:
                seen_boots[boot].append(draft)
                _place(draft, draft.mono + offsets[boot])
    for group in seen_boots.values():
        group.sort(key=lambda d: d.mono or 0)
        differences = [(d.rt or 0) - (d.mono or 0) for d in group]
        steps += [Step(group[index], by) for index, by in jumps(differences)]
    for _, drafts in sources:
        steps += _text_steps(drafts)
    for tally, drafts in sources:
        place_inner(tally, drafts)
    return steps


def _place(draft: Draft, axis: int) -> None:
    at = draft.rec.at
    draft.rec.at = Stamp(axis, at.precision_us if at is not None else draft.precision)


def _text_steps(drafts: list[Draft]) -> list[Step]:
    """Clock steps where no monotonic clock tells: a line of the time daemon near a jump, or time running back.

    With such a signal the earlier records of that boot are moved so that the step takes no time on the axis; without
    one only the place is named, because lines copied out of order look the same.
    """
    steps: list[Step] = []
    groups: dict[tuple[str | None, str | None, int], list[Draft]] = defaultdict(list)
    for draft in drafts:
        boot = draft.rec.boot_id
        if draft.rt is None or draft.rec.clock.basis == "elapsed" or (draft.mono is not None and boot is not None):
            continue
        if not draft.follows:
            groups[(draft.rec.host, boot, draft.rec.boot_seq)].append(draft)
    for lines in groups.values():
        if lines[0].mono is not None:  # monotonic in text: the difference of the two clocks shows steps
            differences = [(d.rt or 0) - (d.mono or 0) for d in lines]
            steps += [Step(lines[i], by) for i, by in jumps(differences, 2 * SECOND)]
            continue
        signals = [i for i, d in enumerate(lines) if is_step_signal(d.rec.message)]
        # Each program's own lines are in order; those of different programs need not be.
        latest: dict[tuple[str | None, int | None], tuple[int, Draft]] = {}
        starting: set[tuple[str | None, int | None]] = set()
        done: set[int] = set()
        for index, draft in enumerate(lines):
            writer = (draft.rec.ident, draft.rec.pid)
            before = latest.get(writer)
            signal = next((s for s in signals if s not in done and abs(s - index) <= 1), None)
            neighbour = lines[index - 1]
            by = (draft.rt or 0) - (neighbour.rt or 0)
            # `-u k3s` hides the time daemon. A process that starts is never silent for an hour: its wall clock was set,
            # or it did not run, and nothing tells how long.
            # A line of another carrier between them, whose year is not known, is no sign.
            alike = index > 0 and neighbour.outer is draft.outer
            unset = alike and (neighbour.rt or 0) < _FIRST_K3S <= (draft.rt or 0)
            leapt = (
                alike
                and before is not None
                and writer in starting
                and Outer.NONE not in (draft.outer, before[1].outer)
                and min(by, (draft.rt or 0) - (before[1].rt or 0)) > _SILENT_HOUR
            )
            if ((signal is not None and index) or unset or leapt) and (by < -SECOND or by > 60 * SECOND):
                done.update(s for s in signals if abs(s - index) <= 3)
                steps.append(Step(draft, by))
                _shift(lines[:index], by, draft)
                latest.clear()
                before = None
            if before is not None:
                by = (draft.rt or 0) - (before[1].rt or 0)
                slack = SECOND + before[1].precision if before[1].precision else 2 * SECOND
                if by < -slack and draft.outer is not Outer.NONE:
                    steps.append(Step(draft, by))
            latest[writer] = (index, draft)
            if draft.rec.message.startswith(_BEGINS):
                starting.add(writer)
            elif draft.rec.message.endswith(_IS_UP):
                starting.discard(writer)
    return steps


def _shift(lines: Sequence[Draft], by: int, after: Draft) -> None:
    """Lines before a step on the clock of the line ``after`` it, and in its zone: summer time may lie between."""
    offset = after.rec.clock.utc_offset
    for draft in lines:
        at = draft.rec.at
        if at is not None:
            draft.rec.at = Stamp(at.us + by, at.precision_us)
        if draft.offset_s is not None and after.offset_s is not None:
            draft.offset_s = after.offset_s
        if offset is not None and draft.rec.clock.utc_offset is not None:
            draft.rec.clock = replace(draft.rec.clock, utc_offset=offset)


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
        value = None if draft.follows else chosen(draft)
        if value is not None:
            values.append(value)
    return values


__all__ = ["Step", "boot_offsets", "resolve", "stamp_series"]
