"""Stamps to axis positions: year and zone from anchors in the log itself, the monotonic axis, clock steps.

The order of trust is: monotonic clock of one boot, realtime, the carrier's text stamp with year and zone taken from
the nearest logrus or etcd stamp, that inner stamp itself, elapsed seconds of a terminal. Never today, never a file's
mtime. What cannot be dated keeps local wall time with ``absolute=False``.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.model import ClockInfo, Stamp
from analyzer.timebase import (
    DAY,
    HOUR,
    LATEST_RESIDUAL,
    SECOND,
    Anchor,
    anchor,
    dates_for_times,
    drop_lone_anchors,
    jumps,
    nearest_year,
    offset_text,
    parse_iso,
    quarter_offset,
    resolve_walls,
    walls_without_anchor,
    with_year,
)

STEP_SIGNAL = re.compile(
    r"Time has been changed|Initial clock synchronization to|System clock time unset or jumped backwards|"
    r"System clock wrong by|System clock was stepped by|time jumped|Clock change detected"
)
_INNER_SLACK = 50_000  # µs: an inner stamp this much after the outer one is rounding, more is another clock
_FRESH_CA = re.compile(
    r"generated self-signed CA certificate .*notBefore=(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? \+0000 UTC"
)


@dataclass(slots=True)
class Step:
    """A clock step before a draft is numbered: the draft after it and by how many µs the clock moved."""

    draft: Draft
    by: int


@dataclass(slots=True)
class _Known:
    """What another source of the same host taught: an anchor to date sources that have none."""

    wall: int
    offset_s: int
    year_from: str


Boots = Mapping[str, int]


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


def resolve(sources: Sequence[tuple[Tally, list[Draft]]]) -> list[Step]:
    """Fill ``at``, ``inner_at``, ``absolute`` and ``clock`` of every record; drafts stand in true file order.

    Returns the clock steps found. ``Draft.rt`` holds the realtime (UTC, or wall time where no zone is known).
    """
    offsets = boot_offsets(drafts for _, drafts in sources)
    steps: list[Step] = []
    undated: list[tuple[Tally, list[Draft]]] = []
    known: dict[str | None, _Known] = {}
    for tally, drafts in sources:
        if not _outer(tally, drafts, known, last_resort=False):
            undated.append((tally, drafts))
    for tally, drafts in undated:
        _outer(tally, drafts, known, last_resort=True)
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
        _inner(tally, drafts)
    return steps


def _place(draft: Draft, axis: int) -> None:
    at = draft.rec.at
    draft.rec.at = Stamp(axis, at.precision_us if at is not None else draft.precision)


# ------------------------------------------------------------------------------------------ outer stamps


def _outer(tally: Tally, drafts: list[Draft], known: dict[str | None, _Known], last_resort: bool) -> bool:
    """Resolve the carrier's stamps of one source; ``False`` asks to come back when other sources taught something."""
    by_host: dict[str | None, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.outer is Outer.UTC:
            _simple(draft)
        elif draft.outer is not Outer.NONE:
            by_host[draft.rec.host].append(draft)
    if not by_host:
        if not any(d.outer is not Outer.NONE for d in drafts):
            _bare(drafts)
        else:
            _strays(drafts)
        return True
    pending = False
    ordered = sorted(by_host.items(), key=lambda item: not _anchors_of(item[1]))  # hosts that teach go first
    for host, lines in ordered:
        mono = [d for d in lines if d.outer is Outer.MONO]
        if mono:
            _monotonic_text(mono)
        times = [d for d in lines if d.outer is Outer.TIME]
        if times:
            _times_only(times)
        walls = [d for d in lines if d.outer in (Outer.WALL, Outer.PARTIAL)]
        if walls and not _walls(tally, host, walls, known, last_resort):
            pending = True
    if not pending:
        _strays(drafts)
    return not pending


def _strays(drafts: list[Draft]) -> None:
    """Lines without a carrier's stamp among lines that have one: their own inner stamp is all there is."""
    for draft in drafts:
        if draft.rec.at is None and draft.outer is Outer.NONE and draft.inner is Inner.UTC:
            draft.rt = draft.inner_value
            draft.rec.at = Stamp(draft.inner_value, draft.inner_precision)
            draft.rec.absolute = True
            draft.rec.clock = ClockInfo(
                "logrus",
                draft.inner_precision / SECOND,
                offset_text(draft.inner_offset_s),
                "etcd" if draft.etcd else "logrus",
            )


def _simple(draft: Draft) -> None:
    draft.rt = draft.value
    draft.rec.at = Stamp(draft.value, draft.precision)
    draft.rec.absolute = True


def _anchors_of(lines: Sequence[Draft]) -> list[Anchor]:
    found: list[Anchor] = []
    for index, draft in enumerate(lines):
        if draft.follows:
            continue
        utc: int | None = None
        if draft.inner is Inner.UTC:
            utc = draft.inner_value
        elif draft.inner is Inner.NONE and "generated self-signed CA" in draft.rec.message:
            utc = _certificate(draft.rec.message)
        if utc is None:
            continue
        has_year = draft.outer is Outer.WALL
        item = anchor(index, None if has_year else draft.value, draft.value if has_year else None, utc)
        if item is not None:
            found.append(item)
    return drop_lone_anchors(found)


def _certificate(message: str) -> int | None:
    match = _FRESH_CA.search(message)
    instant = parse_iso(match.group(1) + "+00:00") if match is not None else None
    return instant.us if instant is not None else None


def _walls(
    tally: Tally, host: str | None, lines: list[Draft], known: dict[str | None, _Known], last_resort: bool
) -> bool:
    stamps = [(d.outer is Outer.WALL, d.value) for d in lines]
    anchors = _anchors_of(lines)
    year_from = "stamp" if lines[0].outer is Outer.WALL else "none"
    if anchors:
        first = lines[anchors[0].index]
        if year_from == "none":
            year_from = "certificate" if first.inner is Inner.NONE else "etcd" if first.etcd else "logrus"
        pairs = _unset_clock(stamps, anchors, resolve_walls(stamps, anchors))
        teacher = _Known(anchors[-1].wall, anchors[-1].offset_s, year_from)
        known[host] = teacher
        known.setdefault(None, teacher)
        _put_walls(lines, pairs, year_from)
        return True
    hint = tally.date_hints[-1] if tally.date_hints else None
    lesson = known.get(host) or known.get(None)
    if lesson is None and hint is None and not last_resort:
        return False
    if lesson is not None:
        walls = _near(stamps, lesson.wall)
        _put_walls(lines, [(w, lesson.offset_s) for w in walls], lesson.year_from if year_from == "none" else year_from)
        return True
    if hint is not None:
        wall, offset = hint
        walls = walls_without_anchor(stamps, None)
        final = nearest_year(stamps[-1][1], wall) if not stamps[-1][0] else stamps[-1][1]
        if final is not None:
            walls = _near(stamps, final)
        year_from = "stamp"
        if offset is not None:
            _put_walls(lines, [(w, offset) for w in walls], year_from)
        else:
            _put_local(lines, walls, year_from)
        return True
    _put_local(lines, walls_without_anchor(stamps, None), year_from)
    return True


def _unset_clock(
    stamps: Sequence[tuple[bool, int]], anchors: Sequence[Anchor], pairs: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The first minutes of Jan 1 before an anchor of an earlier date are a board whose clock was not set: 1970."""
    first = anchors[0]
    for index in range(first.index):
        has_year, value = stamps[index]
        unset = with_year(value, 1970) if not has_year else None
        if unset is None or unset > HOUR or pairs[index][0] <= first.wall:
            break
        pairs[index] = (unset, pairs[index][1])
    return pairs


def _near(stamps: Sequence[tuple[bool, int]], reference: int) -> list[int]:
    """Walls backwards from ``reference``, each near its successor."""
    walls: list[int] = []
    for has_year, value in reversed(stamps):
        wall = value if has_year else nearest_year(value, reference)
        reference = wall if wall is not None else reference
        walls.append(reference)
    walls.reverse()
    return walls


def _put_walls(lines: Sequence[Draft], pairs: Sequence[tuple[int, int]], year_from: str) -> None:
    infos: dict[tuple[int, int], ClockInfo] = {}
    for draft, (wall, offset) in zip(lines, pairs, strict=True):
        key = (offset, draft.precision)
        info = infos.get(key)
        if info is None:
            info = infos[key] = ClockInfo("journal", draft.precision / SECOND, offset_text(offset), year_from)
        draft.rt = wall - offset * SECOND
        draft.offset_s = offset
        draft.rec.at = Stamp(draft.rt, draft.precision)
        draft.rec.absolute = True
        draft.rec.clock = info


def _put_local(lines: Sequence[Draft], walls: Sequence[int], year_from: str) -> None:
    for draft, wall in zip(lines, walls, strict=True):
        draft.rt = wall
        draft.rec.at = Stamp(wall, draft.precision)
        draft.rec.clock = ClockInfo("journal", draft.precision / SECOND, None, year_from)


def _times_only(lines: list[Draft]) -> None:
    """Time of day without a date: the date of the first inner stamp that fits, midnight crossed when it falls back."""
    walls = dates_for_times([d.value for d in lines], 0)
    for draft, wall in zip(lines, walls, strict=True):
        if draft.inner is not Inner.UTC:
            continue
        local = draft.inner_value + (draft.inner_offset_s or 0) * SECOND
        day = (local - wall + DAY // 2) // DAY * DAY
        offset = quarter_offset(wall + day - draft.inner_value)
        if offset is not None:
            _put_walls(lines, [(w + day, offset) for w in walls], "etcd" if draft.etcd else "logrus")
            return
    _put_local(lines, walls, "none")


def _monotonic_text(lines: list[Draft]) -> None:
    """short-monotonic and short-delta: seconds since boot, pinned to the wall clock by inner stamps.

    A message is stamped before it reaches the journal, so the true offset is at least every (inner − monotonic); the
    largest one is the best. klog's microseconds take part through the zone of the nearest logrus line.
    """
    by_boot: dict[int, list[Draft]] = defaultdict(list)
    for draft in lines:
        by_boot[draft.rec.boot_seq].append(draft)
    for group in by_boot.values():
        gaps = [(d, d.inner_value - d.value) for d in group if d.inner is Inner.UTC and not d.follows]
        if not gaps:
            for draft in group:
                draft.rt, draft.mono = draft.value, draft.value
                draft.rec.at = Stamp(draft.value, draft.precision)
                draft.rec.clock = ClockInfo("monotonic", draft.precision / SECOND, None, "none")
            continue
        last = gaps[-1][1]
        zone = gaps[-1][0].inner_offset_s or 0
        best = max(gap for _, gap in gaps if abs(gap - last) <= 2 * SECOND)
        for draft in group:
            if draft.inner is Inner.PARTIAL:
                wall = nearest_year(draft.inner_value, draft.value + best + zone * SECOND)
                gap = (wall - zone * SECOND - draft.value) if wall is not None else best - DAY
                if best < gap <= best + SECOND:
                    best = gap
        info = ClockInfo("monotonic", 1e-6, offset_text(zone), "etcd" if gaps[-1][0].etcd else "logrus")
        # Where the wall clock stood elsewhere, each line takes the difference its nearest logrus line before it shows.
        shown = [gap if abs(gap - best) > 2 * SECOND else best for _, gap in gaps]
        current, at = shown[0], 0
        for draft in group:
            if at < len(gaps) and gaps[at][0] is draft:
                current = shown[at]
                at += 1
            draft.mono = draft.value
            draft.rt = draft.value + current
            draft.rec.at = Stamp(draft.value + best, draft.precision)
            draft.rec.absolute = True
            draft.rec.clock = info


# ------------------------------------------------------------------------------------------ no outer stamps


def _bare(drafts: list[Draft]) -> None:
    """Bare program output: logrus and etcd seconds carry the axis, klog takes zone and year from them."""
    if any(d.inner is Inner.UTC for d in drafts):
        _bare_absolute(drafts)
    elif any(d.inner is Inner.PARTIAL for d in drafts):
        _bare_klog(drafts)
    if any(d.inner is Inner.ELAPSED for d in drafts):
        _elapsed(drafts)


def _bare_absolute(drafts: list[Draft]) -> None:
    teachers = [(i, d) for i, d in enumerate(drafts) if d.inner is Inner.UTC]
    at = 0
    infos: dict[tuple[int | None, bool, int], ClockInfo] = {}
    for index, draft in enumerate(drafts):
        while at + 1 < len(teachers) and abs(teachers[at + 1][0] - index) <= abs(teachers[at][0] - index):
            at += 1
        teacher = teachers[at][1]
        zone = teacher.inner_offset_s or 0
        if draft.inner is Inner.UTC:
            moment: int | None = draft.inner_value
        elif draft.inner is Inner.PARTIAL:
            wall = nearest_year(draft.inner_value, teacher.inner_value + zone * SECOND)
            moment = wall - zone * SECOND if wall is not None else None
        else:
            continue
        if moment is None:
            continue
        key = (teacher.inner_offset_s, teacher.etcd, draft.inner_precision)
        info = infos.get(key)
        if info is None:
            source = "etcd" if teacher.etcd else "logrus"
            info = infos[key] = ClockInfo("logrus", draft.inner_precision / SECOND, offset_text(zone), source)
        draft.rt = moment
        draft.rec.at = Stamp(moment, draft.inner_precision)
        draft.rec.absolute = True
        draft.rec.clock = info


def _bare_klog(drafts: list[Draft]) -> None:
    lines = [d for d in drafts if d.inner is Inner.PARTIAL]
    walls = walls_without_anchor([(False, d.inner_value) for d in lines], None)
    info = ClockInfo("klog", 1e-6, None, "none")
    for draft, wall in zip(lines, walls, strict=True):
        draft.rt = wall
        draft.rec.at = Stamp(wall, draft.inner_precision)
        draft.rec.clock = info


def _elapsed(drafts: list[Draft]) -> None:
    """Terminal form ``INFO[0012]``: seconds since the process began, put onto the axis of stamped neighbours if any.

    A line with elapsed e printed at T obeys begin + e <= T < begin + e + 1 s; stamped lines before and after bound T.
    """
    runs: list[list[int]] = []
    high = -1
    for index, draft in enumerate(drafts):
        if draft.inner is not Inner.ELAPSED:
            continue
        if high < 0 or draft.inner_value < high - 2 * SECOND:
            runs.append([])
            high = draft.inner_value
        high = max(high, draft.inner_value)
        runs[-1].append(index)
    shift = 0
    for number, run in enumerate(runs):
        stop = runs[number + 1][0] if number + 1 < len(runs) else len(drafts)
        low: int | None = None
        most: int | None = None
        absolute, zone = False, None
        highest = -1
        for index in range(run[0], stop):
            draft = drafts[index]
            if draft.inner is Inner.ELAPSED:
                highest = max(highest, draft.inner_value)
            elif draft.rec.at is not None:
                most = draft.rec.at.us - highest if most is None else min(most, draft.rec.at.us - highest)
                absolute, zone = draft.rec.absolute, draft.rec.clock.utc_offset
        following = -1
        for index in range(stop - 1, run[0] - 1, -1):
            draft = drafts[index]
            if draft.inner is Inner.ELAPSED:
                following = draft.inner_value if following < 0 else min(following, draft.inner_value)
            elif draft.rec.at is not None and following >= 0:
                bound = draft.rec.at.us - following - SECOND
                low = bound if low is None else max(low, bound)
        if most is None:
            begin, slack = shift, 0
        elif low is None or low > most:
            begin, slack = most - SECOND, SECOND
        else:
            begin, slack = low, most - low
        info = ClockInfo("elapsed", (SECOND + slack) / SECOND, zone, "none")
        for index in run:
            draft = drafts[index]
            draft.rt = begin + draft.inner_value
            draft.rec.at = Stamp(draft.rt, SECOND + slack)
            draft.rec.absolute = absolute
            draft.rec.clock = info
        shift = begin + highest + SECOND


# ------------------------------------------------------------------------------------------ steps in text


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
        signals = [i for i, d in enumerate(lines) if STEP_SIGNAL.search(d.rec.message)]
        # Each program's own lines are in order; those of different programs need not be.
        latest: dict[tuple[str | None, int | None], tuple[int, Draft]] = {}
        done: set[int] = set()
        for index, draft in enumerate(lines):
            writer = (draft.rec.ident, draft.rec.pid)
            before = latest.get(writer)
            signal = next((s for s in signals if s not in done and abs(s - index) <= 1), None)
            if signal is not None and index:
                neighbour = lines[index - 1]
                by = (draft.rt or 0) - (neighbour.rt or 0)
                if by < -SECOND or by > 60 * SECOND:
                    done.update(s for s in signals if abs(s - index) <= 3)
                    steps.append(Step(draft, by))
                    _shift(lines[:index], by)
                    latest.clear()
                    before = None
            if before is not None:
                by = (draft.rt or 0) - (before[1].rt or 0)
                slack = SECOND + before[1].precision if before[1].precision else 2 * SECOND
                if by < -slack and draft.outer is not Outer.NONE:
                    steps.append(Step(draft, by))
            latest[writer] = (index, draft)
    return steps


def _shift(lines: Sequence[Draft], by: int) -> None:
    for draft in lines:
        at = draft.rec.at
        if at is not None:
            draft.rec.at = Stamp(at.us + by, at.precision_us)


# ------------------------------------------------------------------------------------------ inner stamps


def _inner(tally: Tally, drafts: list[Draft]) -> None:
    """``inner_at`` of every record, and the clock note of structured records (zone from the process's own stamps)."""
    zones = _process_zones(drafts)
    default = Counter(z for _, z in zones.values()).most_common(1)
    usual = default[0][0] if default else None
    infos: dict[tuple[object, ...], ClockInfo] = {}
    for draft in drafts:
        rec = draft.rec
        if draft.outer is Outer.UTC:
            zone = draft.offset_s if draft.offset_s is not None else zones.get(rec.pid, (0, usual))[1]
            basis = "monotonic" if draft.mono is not None and rec.boot_id is not None else "journal"
            key = (basis, draft.precision, zone)
            info = infos.get(key)
            if info is None:
                info = infos[key] = ClockInfo(basis, draft.precision / SECOND, offset_text(zone), "stamp")
            rec.clock = info
        if rec.at is None or draft.rt is None or draft.inner is Inner.NONE or draft.follows:
            continue
        if draft.inner is Inner.UTC:
            moment: int | None = draft.inner_value
            if not rec.absolute:
                continue
        elif draft.inner is Inner.PARTIAL:
            moment = _klog_moment(draft, zones)
        else:
            continue
        if moment is None:
            continue
        limit = draft.rt + max(rec.at.precision_us, 1) + _INNER_SLACK
        if moment > limit or moment < draft.rt - LATEST_RESIDUAL:
            continue  # another zone, a clock step between the two, or a quoted line
        rec.inner_at = Stamp(moment + rec.at.us - draft.rt, draft.inner_precision)


def _process_zones(drafts: list[Draft]) -> dict[int | None, tuple[int, int]]:
    """Per pid ``(votes, klog wall − axis in s)``: from its logrus stamps, else from its klog lines' own distance."""
    named: dict[int | None, Counter[int]] = defaultdict(Counter)
    for draft in drafts:
        if draft.inner is Inner.UTC and draft.inner_offset_s is not None and draft.rec.absolute and not draft.etcd:
            named[draft.rec.pid][draft.inner_offset_s] += 1
    derived: dict[int | None, Counter[int]] = defaultdict(Counter)
    for draft in drafts:
        if draft.inner is not Inner.PARTIAL or draft.rt is None or draft.rec.pid in named:
            continue
        wall = nearest_year(draft.inner_value, draft.rt)
        if wall is not None:
            offset = quarter_offset(draft.rt - wall)
            if offset is not None:
                derived[draft.rec.pid][-offset] += 1
    zones: dict[int | None, tuple[int, int]] = {}
    for table in (derived, named):
        for pid, counter in table.items():
            offset, votes = counter.most_common(1)[0]
            zones[pid] = (votes, offset)
    return zones


def _klog_moment(draft: Draft, zones: Mapping[int | None, tuple[int, int]]) -> int | None:
    """UTC (or axis wall) of a klog stamp in its process's zone; in the hour of a DST change the other zone may fit."""
    assert draft.rt is not None
    entry = zones.get(draft.rec.pid)
    if entry is None:
        return None
    wall = nearest_year(draft.inner_value, draft.rt + entry[1] * SECOND)
    if wall is None:
        return None
    moment = wall - entry[1] * SECOND
    for other in (0, -3600, 3600):
        shifted = moment + other * SECOND
        if -LATEST_RESIDUAL <= shifted - draft.rt <= max(draft.precision, draft.inner_precision) + _INNER_SLACK:
            return shifted
    return moment


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
