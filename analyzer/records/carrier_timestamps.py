"""Stamps of the carrier to axis positions: year and zone from the nearest anchors of the same host or a sibling source.

Where there is no carrier's stamp the program's own one takes its place (bare output, terminals' elapsed seconds).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.grouping import grouped
from analyzer.records.log_record import NO_CLOCK, ClockInfo, Payload, clock_info
from analyzer.records.startup_order import BANNER
from analyzer.sources.source import Bundle
from analyzer.timebase import (
    DAY,
    HOUR,
    SECOND,
    Anchor,
    anchor,
    dates_for_times,
    drop_lone_anchors,
    nearest_year,
    parse_iso,
    quarter_offset,
    resolve_walls,
    walls_without_anchor,
    with_year,
)

# The name of a CA holds the second in which it was made; its certificate may be valid from an hour before.
_NAMED_CA = re.compile(r"generated self-signed CA certificate CN=[^\s@]{1,100}@(\d{10}):")
_FRESH_CA = re.compile(
    r"generated self-signed CA certificate .*notBefore=(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? \+0000 UTC"
)


_NEVER = 1 << 62


@dataclass(slots=True)
class Known:
    """What another source of the same host taught: an anchor to date sources that have none."""

    wall: int
    offset_s: int
    year_from: str


def place_outer(tally: Tally, drafts: list[Draft], known: dict[str | None, Known], last_resort: bool) -> bool:
    """Resolve the carrier's stamps of one source; ``False`` asks to come back when other sources taught something."""
    if all(d.outer is Outer.NONE for d in drafts):
        return _without_carrier(tally, drafts, known, last_resort)
    for draft in drafts:
        if draft.outer is Outer.UTC:
            draft.put(draft.value, draft.precision, draft.clock)
    by_host = grouped((d.host, d) for d in drafts if d.outer not in (Outer.NONE, Outer.UTC))
    pending = False
    ordered = sorted(by_host.items(), key=lambda item: not _anchors_of(item[1]))  # hosts that teach go first
    for host, lines in ordered:
        _monotonic_text([d for d in lines if d.outer is Outer.MONO])
        _times_only([d for d in lines if d.outer is Outer.TIME])
        walls = [d for d in lines if d.outer in (Outer.WALL, Outer.PARTIAL)]
        if walls and not (_by_neighbours(walls, drafts) or _walls(tally, host, walls, known, last_resort)):
            pending = True
    if not pending:
        _strays(drafts)
    return not pending


def _strays(drafts: list[Draft]) -> None:
    """Lines without a carrier's stamp among lines that have one: their own inner stamp is all there is.

    Beside the state of its unit they are the output of the process itself.
    """
    strays = [draft for draft in drafts if draft.outer is Outer.NONE]
    if all(draft.outer is Outer.NONE or draft.of_status for draft in drafts):
        _bare(strays)
        return
    for draft in strays:
        if draft.at is None and draft.inner is Inner.UTC:
            writer = "etcd" if draft.etcd else "logrus"
            info = clock_info("logrus", draft.inner_precision, draft.inner_offset_s, writer)
            draft.put(draft.inner_value, draft.inner_precision, info)


def _anchors_of(lines: Sequence[Draft]) -> list[Anchor]:
    dated = ((index, d, _utc_of(d)) for index, d in enumerate(lines) if not d.follows)
    found = (anchor(index, d.outer is Outer.WALL, d.value, utc) for index, d, utc in dated if utc is not None)
    return drop_lone_anchors([item for item in found if item is not None])


def _utc_of(draft: Draft) -> int | None:
    """The moment that a line itself tells, by its stamp or by the certificate that it made."""
    if draft.inner is Inner.UTC:
        return draft.inner_value
    made = draft.inner is Inner.NONE and "generated self-signed CA" in draft.message
    return _certificate(draft.message) if made else None


def _certificate(message: str) -> int | None:
    named = _NAMED_CA.match(message)
    if named is not None:
        return int(named[1]) * SECOND
    match = _FRESH_CA.search(message)
    instant = parse_iso(match.group(1) + "+00:00") if match is not None else None
    return instant.us if instant is not None else None


def _by_neighbours(lines: Sequence[Draft], drafts: Sequence[Draft]) -> bool:
    """Dates lines that say no year themselves by those of another carrier around them; ``False``: there are none.

    Where most of them stand within two minutes of such a line in one zone, that is theirs; else the other lines' zone.
    """
    around = [draft for draft in drafts if draft.outer is Outer.UTC]
    if not around or any(line.outer is Outer.WALL for line in lines) or _anchors_of(lines):
        return False
    place = {id(line): index for index, line in enumerate(lines)}
    found: list[Anchor] = []
    last = around[0]
    for draft in drafts:
        if draft.outer is Outer.UTC:
            last = draft
        elif id(draft) in place and (near := anchor(place[id(draft)], False, draft.value, last.value)) is not None:
            found.append(near)
    offsets = {item.offset_s for item in found}
    offset = offsets.pop() if len(offsets) == 1 and 2 * len(found) > len(lines) else last.offset_s or 0
    walls = _near([(False, line.value) for line in lines], last.value + offset * SECOND)
    _put_walls(lines, [(wall, offset) for wall in walls], "stamp")
    return True


def _walls(
    tally: Tally, host: str | None, lines: Sequence[Draft], known: dict[str | None, Known], last_resort: bool
) -> bool:
    stamps = [(d.outer is Outer.WALL, d.value) for d in lines]
    anchors = _anchors_of(lines)
    year_from = "stamp" if lines[0].outer is Outer.WALL else "none"
    if anchors:
        first = lines[anchors[0].index]
        if year_from == "none":
            year_from = "certificate" if first.inner is Inner.NONE else "etcd" if first.etcd else "logrus"
        pairs = _unset_clock(stamps, anchors, resolve_walls(stamps, anchors))
        teacher = Known(anchors[-1].wall, anchors[-1].offset_s, year_from)
        known[host] = teacher
        known.setdefault(None, teacher)
        _put_walls(lines, pairs, year_from)
        return True
    hint = tally.date_hints[-1] if tally.date_hints else None
    if hint is None and tally.bundle is not None and tally.bundle.wall is not None:
        return _by_bundle(tally, tally.bundle, lines, known.get(host), last_resort)
    lesson = known.get(host) or known.get(None)
    if lesson is not None:
        tally.note("the year and the zone come from another host or input")
        year_from = lesson.year_from if year_from == "none" else year_from
        _put_walls(lines, [(wall, lesson.offset_s) for wall in _near(stamps, lesson.wall)], year_from)
    elif hint is not None:
        reference, offset = hint
        what = "the year comes" if offset is None else "the year and the zone come"
        tally.note(f"{what} from a header, a status block or cloud-init")
        _put_walls(lines, [(wall, offset) for wall in _near(stamps, reference)], "stamp")
    elif last_resort:
        _put_walls(lines, [(wall, None) for wall in walls_without_anchor(stamps)], year_from)
    else:
        return False
    return True


def _by_bundle(tally: Tally, bundle: Bundle, lines: Sequence[Draft], lesson: Known | None, last_resort: bool) -> bool:
    """Lines of a support bundle were written before it was made, and not a year before."""
    assert bundle.wall is not None
    offset = bundle.offset_s if bundle.offset_s is not None else lesson.offset_s if lesson is not None else None
    if offset is None and not last_resort:
        return False
    walls = _near([(d.outer is Outer.WALL, d.value) for d in lines], bundle.wall - DAY * 182)
    _put_walls(lines, [(wall, offset) for wall in walls], "stamp")
    what = "the year and the zone come" if bundle.offset_s is not None else "the year comes"
    note = f"{what} from {bundle.told_by} of the support bundle"
    if note not in tally.notes:
        tally.tell(note, f"year from {bundle.told_by}", len(lines))
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


def _put_walls(lines: Sequence[Draft], pairs: Sequence[tuple[int, int | None]], year_from: str) -> None:
    """Local times with the offset of their zone, where it is known."""
    for draft, (wall, offset) in zip(lines, pairs, strict=True):
        draft.offset_s = offset
        info = clock_info("journal", draft.precision, offset, year_from)
        draft.put(wall - (offset or 0) * SECOND, draft.precision, info, absolute=offset is not None)


def _times_only(lines: Sequence[Draft]) -> None:
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
    _put_walls(lines, [(wall, None) for wall in walls], "none")


def _monotonic_text(lines: Sequence[Draft]) -> None:
    """short-monotonic and short-delta: seconds since boot, pinned to the wall clock by inner stamps.

    A message is stamped before it reaches the journal, so the true offset is at least every (inner − monotonic); the
    largest one is the best. klog's microseconds take part through the zone of the nearest logrus line.
    """
    for group in grouped((d.boot_seq, d) for d in lines).values():
        gaps = [(d, d.inner_value - d.value) for d in group if d.inner is Inner.UTC and not d.follows]
        if not gaps:
            for draft in group:
                draft.mono = draft.value
                info = clock_info("monotonic", draft.precision, None, "none")
                draft.put(draft.value, draft.precision, info, absolute=False)
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
        info = clock_info("monotonic", 1, zone, "etcd" if gaps[-1][0].etcd else "logrus")
        # Where the wall clock stood elsewhere, each line takes the difference its nearest logrus line before it shows.
        shown = {id(d): gap if abs(gap - best) > 2 * SECOND else best for d, gap in gaps}
        current = shown[id(gaps[0][0])]
        for draft in group:
            current = shown.get(id(draft), current)
            draft.mono = draft.value
            draft.put(draft.value + best, draft.precision, info)
            draft.rt = draft.value + current


# ------------------------------------------------------------------------------------------ no outer stamps


def _without_carrier(tally: Tally, drafts: list[Draft], known: dict[str | None, Known], last_resort: bool) -> bool:
    if tally.pod is not None and tally.bundle is not None and not last_resort:
        return False
    if not _bare_pod(tally, drafts, known):
        _bare(drafts)
    return True


def _bare(drafts: list[Draft]) -> None:
    """Bare program output: logrus and etcd seconds carry the axis, klog takes zone and year from them."""
    if any(d.inner is Inner.UTC for d in drafts):
        _bare_absolute(drafts)
    else:
        lines = [d for d in drafts if d.inner is Inner.PARTIAL]
        walls = walls_without_anchor([(False, d.inner_value) for d in lines])
        _put_klog(lines, walls, clock_info("klog", 1, None, "none"), absolute=False)
    _elapsed(drafts)


def _bare_pod(tally: Tally, drafts: list[Draft], known: dict[str | None, Known]) -> bool:
    """``kubectl logs`` of a static pod in a support bundle: klog without year or zone; ``False``: they are not sure.

    A container's zone is UTC unless somebody gave it the node's: where the node is at UTC itself both are the same.
    """
    bundle = tally.bundle
    if tally.pod is None or bundle is None or bundle.wall is None or any(d.inner is Inner.UTC for d in drafts):
        return False
    lesson = known.get(tally.pod.node) or known.get(drafts[0].host if drafts else None)
    offset = bundle.offset_s if bundle.offset_s is not None else lesson.offset_s if lesson is not None else None
    lines = [d for d in drafts if d.inner is Inner.PARTIAL]
    if offset != 0 or not lines:
        return False
    walls = _near([(False, d.inner_value) for d in lines], bundle.wall - DAY * 182)
    _put_klog(lines, walls, clock_info("klog", 1, 0, "stamp"))
    tally.note(f"the year comes from {bundle.told_by} of the support bundle, whose node is at UTC")
    return True


def _bare_absolute(drafts: list[Draft]) -> None:
    teachers = [(i, d) for i, d in enumerate(drafts) if d.inner is Inner.UTC]
    at = 0
    for index, draft in enumerate(drafts):
        while at + 1 < len(teachers) and abs(teachers[at + 1][0] - index) <= abs(teachers[at][0] - index):
            at += 1
        teacher = teachers[at][1]
        zone = teacher.inner_offset_s or 0
        moment: int | None = None
        if draft.inner is Inner.UTC:
            moment = draft.inner_value
        elif draft.inner is Inner.PARTIAL:
            wall = nearest_year(draft.inner_value, teacher.inner_value + zone * SECOND)
            moment = wall - zone * SECOND if wall is not None else None
        if moment is not None:
            info = clock_info("logrus", draft.inner_precision, zone, "etcd" if teacher.etcd else "logrus")
            draft.put(moment, draft.inner_precision, info)


def _put_klog(lines: Sequence[Draft], walls: Sequence[int], info: ClockInfo, *, absolute: bool = True) -> None:
    for draft, wall in zip(lines, walls, strict=True):
        draft.put(wall, draft.inner_precision, info, absolute=absolute)


def _elapsed_runs(drafts: list[Draft]) -> list[list[int]]:
    """The lines of each process: its seconds fall back, or its banner stands where one was before."""
    runs: list[list[int]] = []
    high = -1
    begun = False
    for index, draft in enumerate(drafts):
        if draft.inner is not Inner.ELAPSED:
            continue
        banner = BANNER.match(draft.message) is not None
        # Lines of one process overtake one another by a second at most.
        if high < 0 or draft.inner_value < high - 2 * SECOND or (banner and begun):
            runs.append([])
            high, begun = draft.inner_value, False
        high, begun = max(high, draft.inner_value), begun or banner
        runs[-1].append(index)
    return runs


def _of_the_wrapper(drafts: Sequence[Draft], run: Sequence[int], stop: int) -> bool:
    """Whether the lines are of the process that unpacks k3s and then becomes it, which writes dates.

    How long it took to unpack nothing tells: the dates that follow say nothing about these seconds.
    """
    if any(BANNER.match(drafts[index].message) for index in run):
        return False
    after = (d for d in drafts[run[-1] + 1 : stop] if d.payload is Payload.LOGRUS)
    following = next(after, None)
    return following is not None and following.inner is Inner.UTC and BANNER.match(following.message) is not None


def _elapsed(drafts: list[Draft]) -> None:
    """Terminal form ``INFO[0012]``: seconds since the process began, put onto the axis of stamped neighbours if any.

    A line with elapsed e printed at T obeys begin + e <= T < begin + e + 1 s; stamped lines before and after bound T.
    """
    runs = _elapsed_runs(drafts)
    shift = 0
    for number, run in enumerate(runs):
        stop = runs[number + 1][0] if number + 1 < len(runs) else len(drafts)
        if _of_the_wrapper(drafts, run, stop):
            continue
        span = drafts[run[0] : stop]
        begin, slack = _begin(span, shift)
        clock, absolute = NO_CLOCK, False
        if last := [d for d in span if d.inner is not Inner.ELAPSED and d.at is not None][-1:]:
            clock, absolute = last[0].clock, last[0].absolute
        info = ClockInfo("elapsed", (SECOND + slack) / SECOND, clock.utc_offset, clock.year_from, begin)
        for index in run:
            draft = drafts[index]
            draft.put(begin + draft.inner_value, SECOND + slack, info, absolute=absolute)
        shift = begin + max(drafts[index].inner_value for index in run) + SECOND


def _begin(span: Sequence[Draft], otherwise: int) -> tuple[int, int]:
    """When a process began at the earliest, and by how much that may be later; ``otherwise``: nothing tells."""
    seconds = [d.inner_value if d.inner is Inner.ELAPSED else None for d in span]
    highest = accumulate((-1 if s is None else s for s in seconds), max)
    following = accumulate((_NEVER if s is None else s for s in reversed(seconds)), min)
    around = zip(span, seconds, highest, reversed(list(following)), strict=True)
    stamped = [(d.at.us, before, after) for d, own, before, after in around if own is None and d.at is not None]
    if not stamped:
        return otherwise, 0
    most = min(us - before for us, before, _ in stamped)
    low = max((us - after - SECOND for us, _, after in stamped if after < _NEVER), default=most - SECOND)
    return (low, most - low) if low <= most else (most - SECOND, SECOND)
