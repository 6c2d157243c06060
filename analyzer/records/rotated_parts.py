"""Parts of a text that stand in another order than time's: rotated files put together newest first, a block moved.

A clock that was set back looks alike. What tells: nothing of a process precedes its banner, and two parts of one
process that overlap in time are no parts of one run of a clock. Where nothing tells, the order of the file stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from analyzer.records.draft import Draft, Inner, Outer, Process, Tally
from analyzer.records.grouping import grouped
from analyzer.records.log_record import Payload
from analyzer.records.startup_order import ANNOUNCED, BANNER, WRAPPER, ranks
from analyzer.timebase import DAY, SECOND, nearest_year

_SLACK = 2 * SECOND  # lines of one program overtake one another by less: measured, one second
_MOVED = 10 * SECOND  # a block that stands within another one: less may be a small step of the clock
_ZONE_S, _NEXT_S = 900, 5  # s: clocks are set by whole quarters of an hour, too; the next line follows so soon
_MOST_PARTS = 32
_SIGNED = re.compile(r"^certificate .{1,200} signed by CN=(\S+@\d+):")
_MADE = re.compile(r"generated self-signed CA certificate CN=(\S+@\d+):")
_MAKING = 60  # lines: all certificates are made by then
_FIRST = re.compile(f"{ANNOUNCED.pattern}|{WRAPPER.pattern}|{BANNER.pattern}")
_HEAD = 12  # lines at the begin of a part that are looked at for a banner


@dataclass(slots=True)
class _Part:
    """Lines in a row whose stamps do not fall; ``begin`` and ``end`` are their least and their greatest stamp."""

    lines: Sequence[Draft]
    begin: int
    end: int
    first: int  # stamps of its first and its last line that has one
    last: int


@dataclass(slots=True)
class _Told:
    """What the lines of a part tell about its place."""

    part: _Part
    processes: set[Process]
    begun: set[Process]  # those whose banner is in the part
    heads: bool  # it begins with a process's first words, and they are whole
    breaks_off: bool  # it ends in a process's first words, and what follows them is missing
    first_pid: int | None  # … that klog names above any banner
    last_pid: int | None  # … below the last one
    named: bool  # the carrier names processes
    announced: bool  # systemd announces a start
    booted: bool  # the machine was started
    ranks: list[int]


def parts_in_order(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """The drafts with the parts of each host in the order of time, where they are parts that were put together."""
    out = each_host(drafts, _ordered)
    if out is None:
        return drafts
    tally.tell(
        "parts of the input stand in another order than time's and were put in order", "parts of the input put in order"
    )
    return out


def each_host(drafts: list[Draft], ordered: Callable[[list[Draft]], list[Draft] | None]) -> list[Draft] | None:
    """The drafts with those of each host and boot put in order at the places they have; ``None``: all stay.

    ``ordered`` gives the lines of one host in their order, or ``None`` where they stay as they are.
    """
    out: list[Draft] | None = None
    for places in grouped(((d.host, d.boot_seq), place) for place, d in enumerate(drafts)).values():
        lines = ordered([drafts[place] for place in places])
        if lines is not None:
            out = out or list(drafts)
            for place, draft in zip(places, lines, strict=True):
                out[place] = draft
    return out


def _ordered(lines: list[Draft]) -> list[Draft] | None:
    """The lines of one host in order; ``None``: as they are."""
    values = stamps_of(lines)
    parts = _parts(lines, values) if values is not None else []
    if not 1 < len(parts) <= _MOST_PARTS:
        return None
    order = sorted(range(len(parts)), key=lambda n: (parts[n].begin, not _is_begin(parts[n].lines[0]), parts[n].end, n))
    if order == list(range(len(parts))):
        return None
    for before, after in pairwise(order):
        if parts[after].begin < parts[before].end - SECOND:
            return None  # they overlap: the clock was set, or two programs write
    facts = [_told(part) for part in parts]
    for at, later in enumerate(order):
        older = [earlier for earlier in order[:at] if earlier > later]  # and stand after it in the file
        told = {_precedes(facts[earlier], facts[later]) for earlier in older}
        told |= {True for earlier in older if _within(order, earlier, later)}
        if older and (False in told or True not in told):
            return None
    return [line for number in order for line in parts[number].lines]


def stamps_of(lines: Sequence[Draft]) -> list[int | None] | None:
    """Stamps on one scale, ``None`` for lines that have none of it; ``None``: another clock or none tells the order."""
    usual = usual_outer(lines)
    if usual is Outer.TIME or (usual is not Outer.MONO and any(d.mono is not None for d in lines)):
        return None
    if usual is None or usual is Outer.MONO:  # the next boot begins at 0: only the writers' stamps tell
        return _own_values(lines)
    return [d.value if d.outer is usual and not (d.follows or d.foreign) else None for d in lines]


def usual_outer(drafts: Iterable[Draft]) -> Outer | None:
    """The kind of stamp that the carrier puts before most lines; ``None``: it puts none."""
    kinds = Counter(d.outer for d in drafts if d.outer is not Outer.NONE and not d.of_status)
    return next((kind for kind, _ in kinds.most_common(1)), None)


def _own_values(lines: Sequence[Draft]) -> list[int | None] | None:
    """Of a text without a carrier: the local time in logrus' stamps and in klog's, whose year the former tell."""
    named = [d for d in lines if d.inner is Inner.UTC and not (d.etcd or d.foreign)]
    if not named:
        return [d.inner_value if d.inner is Inner.PARTIAL else None for d in lines]
    reference, offset = named[0].inner_value, (named[0].inner_offset_s or 0) * SECOND
    values: list[int | None] = []
    for draft in lines:
        value = nearest_year(draft.inner_value, reference) if draft.inner is Inner.PARTIAL else None
        if draft.inner is Inner.UTC and not draft.foreign:
            if not draft.etcd:  # etcd writes UTC, the others their local time
                offset = (draft.inner_offset_s or 0) * SECOND
            value = reference = draft.inner_value + offset
        values.append(None if draft.foreign else value)
    return values


def _parts(lines: Sequence[Draft], values: Sequence[int | None]) -> list[_Part]:
    """The lines cut where the stamps fall, and where a silence holds the begin or the end of what is cut so."""
    stamped = [(place, value) for place, value in enumerate(values) if value is not None]
    falls = _falls(lines, stamped)
    if not 0 < len(falls) < _MOST_PARTS or any(stamped[at - 1][1] - stamped[at][1] > 180 * DAY for at in falls):
        return []  # in order, in no order at all, or over the end of a year
    edges = [stamped[at - step][1] for at in falls for step in (0, 1)]
    silences = [
        at
        for at in range(1, len(stamped))
        if stamped[at][1] - stamped[at - 1][1] > _MOVED
        and any(stamped[at - 1][1] < edge < stamped[at][1] for edge in edges)
    ]
    bounds = sorted({0, *falls, *silences})
    parts: list[_Part] = []
    for first, following in pairwise([*bounds, len(stamped)]):
        stamps = [value for _, value in stamped[first:following]]
        begin = stamped[first][0] if first else 0
        end = stamped[following][0] if following < len(stamped) else len(lines)
        parts.append(_Part(lines[begin:end], min(stamps), max(stamps), stamps[0], stamps[-1]))
    return parts


def _falls(lines: Sequence[Draft], stamped: Sequence[tuple[int, int]]) -> list[int]:
    """Where the stamps fall, by however little at the first words of a process; or certificates show what came first.

    ``stamped``: places and stamps of the lines that have one; so are the results numbered.
    """
    falls: list[int] = []
    for at in range(1, len(stamped)):
        (above, before), (place, stamp) = stamped[at - 1], stamped[at]
        by = stamp // SECOND - before // SECOND
        begins = by <= 0 and _is_begin(lines[place]) and not _is_begin(lines[above])
        if stamp < before - _SLACK or (begins and (by < 0 or _used_before_made(lines, stamped, at))):
            falls.append(at)
    return falls


def _used_before_made(lines: Sequence[Draft], stamped: Sequence[tuple[int, int]], at: int) -> bool:
    """Whether certificates of this second are signed above a place by what is only made below it."""
    second = stamped[at][1] // SECOND
    place = stamped[at][0]
    above = takewhile(lambda pair: pair[1] // SECOND == second, reversed(stamped[:at]))
    signed = {m[1] for n, _ in above if (m := _SIGNED.search(lines[n].message)) is not None}
    return bool(signed) and any(
        m[1] in signed for d in lines[place : place + _MAKING] if (m := _MADE.match(d.message)) is not None
    )


def _is_begin(draft: Draft) -> bool:
    """Whether a line is among the first of a process: systemd's announcement, its wrapper's words, its banner."""
    return _FIRST.match(draft.message) is not None


def _within(order: Sequence[int], earlier: int, later: int) -> bool:
    """Whether two parts that change places have parts before and after them that do not: no clock is set back so."""
    before = order[: order.index(earlier)]
    behind = order[order.index(later) + 1 :]
    return any(part < later for part in before) and any(part > earlier for part in behind)


def _precedes(earlier: _Told, later: _Told) -> bool | None:
    """Whether lines are older than those that the file has before them; ``None``: nothing tells.

    They are not when a process of theirs, or in theirs the machine, began in the latter.
    """
    if earlier.booted:
        return False  # … without a clock that goes on
    shared = earlier.processes & later.processes
    if later.breaks_off and earlier.heads:
        return False  # the process goes on
    if not earlier.named:
        return _precedes_by_words(earlier, later)
    if not shared and earlier.processes and later.processes:
        return True
    if shared & later.begun:
        return False
    return bool(shared & earlier.begun) or _in_words(earlier, later)


def _precedes_by_words(earlier: _Told, later: _Told) -> bool | None:
    """The same where no carrier names processes: the file's second part goes on with the first's process, or does not.

    Only klog names one, which in a container has the same number in each run.
    """
    if earlier.heads:
        return True
    if None not in (earlier.first_pid, later.last_pid) and earlier.first_pid != later.last_pid:
        return True
    apart_s = earlier.part.first // SECOND - later.part.last // SECOND
    if later.heads or abs((apart_s + _ZONE_S // 2) % _ZONE_S - _ZONE_S // 2) <= _NEXT_S:
        return False  # a process that began goes on, or the clock was set by an hour
    if later.begun:
        return True if earlier.last_pid is not None and earlier.last_pid == later.first_pid else None
    return _in_words(earlier, later)


def _in_words(earlier: _Told, later: _Told) -> bool | None:
    """Whether systemd announces the start in the one part, or what is said in both shows their order."""
    if earlier.announced:
        return True
    return True if earlier.ranks and later.ranks and max(earlier.ranks) <= min(later.ranks) else None


def _told(part: _Part) -> _Told:
    lines = part.lines
    banners = [place for place, d in enumerate(lines) if BANNER.match(d.message)]
    ours = [d for d in lines if d.of_program]
    said = next((d for d in ours if not WRAPPER.match(d.message)), None)
    above = lines[: banners[0]] if banners else lines
    below = lines[banners[-1] :] if banners else lines
    return _Told(
        part,
        processes={found for d in ours if (found := _process(d))[1] is not None and not WRAPPER.match(d.message)},
        begun={_process(lines[place]) for place in banners},
        heads=said is not None and BANNER.match(said.message) is not None,
        breaks_off=ANNOUNCED.match(lines[-1].message) is not None
        or (bool(ours) and WRAPPER.match(ours[-1].message) is not None),
        first_pid=next((d.klog_pid for d in above if d.klog_pid is not None), None),
        last_pid=next((d.klog_pid for d in reversed(below) if d.klog_pid is not None), None),
        named=any(d.pid is not None for d in lines),
        announced=any(d.payload is Payload.SYSTEMD and ANNOUNCED.match(d.message) for d in lines),
        booted=any(d.payload is Payload.KERNEL and "Linux version " in d.message for d in lines[:_HEAD]),
        ranks=ranks(lines),
    )


def _process(draft: Draft) -> Process:
    return (draft.ident, draft.pid) if draft.pid is not None else (None, draft.klog_pid)
