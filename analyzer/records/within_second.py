"""Texts whose lines stand in no order within a second, as shippers and sorted tables leave them.

That it is so, klog's own microseconds show, or lines of a process above its banner. Such lines are put into an order in
which a start can have printed them; those without a fine stamp of their own are marked ``unordered``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, groupby, pairwise
from operator import itemgetter

from analyzer.records.draft import Draft, Inner, Outer, Process, Tally
from analyzer.records.grouping import grouped, in_rows
from analyzer.records.log_record import Payload
from analyzer.records.rotated_parts import each_host, stamps_of
from analyzer.records.startup_order import (
    ANNOUNCED,
    BANNER,
    BANNER_PLACE,
    DEATH_PLACE,
    IS_UP,
    WRAPPER,
    in_sequence,
    rank,
)
from analyzer.timebase import MINUTE, SECOND

_EARLIER = 50_000  # µs: of one thread after another's; measured on 200 starts: once 91 ms
_MIXED = 10  # s: further back no line is put out of place, the clock was set
_LEAST = 3  # such pairs, and a tenth of all
_STOPS = ("signal received: ", "Shutdown request received")
_DUMP = ("panic: ", "[signal ", "goroutine ")
_STOPPED = re.compile(r"signal received|[Ss]hutting down")
_GOING = re.compile(r"[Ss]hutdown |[Ss]topp(?:ing|ed)\b|context cancel|[Cc]los(?:ing|ed)\b")
_ETCD_GOING = re.compile(r"clos(?:ing|ed) etcd server|leadership transfer|received signal")
_FIRST_KLOG = ("Version: v", '"Golang settings"', "external host was not specified", "calling componentGlobalsRegistry")
_BETWEEN = re.compile(r"Scheduled restart job|^Stopped ")
_ENDS = ("Main process exited", "Failed with result", "Deactivated", "Stopped ", "Consumed ", "Unit process")
_PIECES = ("[-]", "[+]")
_EXITED = re.compile(r"[a-z-]+ exited: ")
_Entries = tuple[list[Draft], ...]


def ordered_seconds(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """The drafts with the lines of each second in a plausible order, where the text does not keep it."""
    out = each_host(drafts, _of_host)
    if out is None:
        return drafts
    tally.tell("lines of one second stand in no order and were put in one that is possible", "seconds put in order")
    return out


def _of_host(lines: list[Draft]) -> list[Draft] | None:
    values = stamps_of(lines)
    if values is None or any(d.inner is Inner.ELAPSED and d.outer is Outer.NONE for d in lines):
        return None  # seconds of a process, on a terminal, which keeps the order: each run has the same ones
    seconds = _seconds(lines, values)
    fine = sum(d.precision < SECOND for d in lines if d.outer is not Outer.NONE) * 2 > len(lines)
    everywhere = _no_order(seconds, fine=fine)
    if fine:
        return _by_stamp(_gathered(lines, values) if everywhere else seconds)
    impossible = [_impossible(second, begins=at == 0, ends=second is seconds[-1]) for at, second in enumerate(seconds)]
    if everywhere or sum(impossible) > 1:
        seconds = _gathered(lines, values)
        impossible = [True] * len(seconds)
    elif True not in impossible:
        return None
    seen: set[Process] = set()  # processes that wrote before
    dead: set[Process] = set()  # … and ended
    out: list[Draft] = []
    for second, following, mixed in zip(seconds, [*seconds[1:], []], impossible, strict=True):
        ordered = second
        if mixed and len(second) > 1:
            ordered = _possible_order(second, seen, dead, lives=_goes_on(following))
        for draft in ordered:
            if draft.of_program:
                seen.add(draft.process)
                if _is_last(draft):
                    dead.add(draft.process)
                elif BANNER.match(draft.message):
                    dead.discard(draft.process)
        out += ordered
    return out


def _goes_on(following: Sequence[Draft]) -> bool:
    """Whether a process that began lives on in the next lines: there are some, and none of another's begin."""
    ours = [d for d in following if d.of_program]
    return bool(ours) and not any(BANNER.match(d.message) or WRAPPER.match(d.message) for d in ours)


def _seconds(lines: Sequence[Draft], values: Sequence[int | None]) -> list[list[Draft]]:
    """Lines in a row whose stamps are of one second."""
    rows = groupby(zip(_second_of_each(values), lines, strict=True), key=itemgetter(0))
    return [[draft for _, draft in row] for _, row in rows]


def _second_of_each(values: Sequence[int | None]) -> list[int]:
    """Lines without a stamp go with the line before, the first ones with the first that has one."""
    first = next((value for value in values if value is not None), 0)
    filled = accumulate(values, lambda last, value: last if value is None else value, initial=first)
    return [value // SECOND for value in filled][1:]


def _gathered(lines: Sequence[Draft], values: Sequence[int | None]) -> list[list[Draft]]:
    """The lines by their seconds, in order: what is mixed may be mixed over the border of a second, too."""
    out: list[list[Draft]] = []
    by_second: dict[int, list[Draft]] = {}
    seconds = _second_of_each(values)
    high = seconds[0]
    for draft, second in zip(lines, seconds, strict=True):
        if second < high - _MIXED:  # the clock was set
            out += [by_second[at] for at in sorted(by_second)]
            by_second, high = {}, second
        by_second.setdefault(second, []).append(draft)
        high = max(second, high)
    return out + [by_second[at] for at in sorted(by_second)]


def _own(draft: Draft) -> int | None:
    """Microseconds within the minute of a line's own fine stamp."""
    if draft.follows or draft.foreign:
        return None
    if draft.inner is Inner.PARTIAL or (draft.inner is Inner.UTC and draft.inner_precision <= 1000):
        return draft.inner_value % MINUTE
    return None


def _less(after: int, before: int) -> int:
    """By how much a moment within the minute is before another one; minutes go round."""
    return (before - after + MINUTE // 2) % MINUTE - MINUTE // 2


def _no_order(seconds: Sequence[Sequence[Draft]], *, fine: bool) -> bool:
    """Whether fine stamps within the seconds fall too often for threads that overtake one another."""
    pairs = falls = 0
    for second in seconds:
        last: dict[Process, int] = {}
        for draft in second:
            now = draft.value % MINUTE if fine and not draft.follows else _own(draft)
            if now is None:
                continue
            process = draft.process
            if process in last:
                pairs += 1
                falls += _less(now, last[process]) > _EARLIER
            last[process] = now
    return falls >= _LEAST and falls * 10 >= pairs


def _by_stamp(seconds: Sequence[list[Draft]]) -> list[Draft] | None:
    """Entries of each second by their stamps, further lines behind them; ``None``: so they stand.

    No step of a clock is lost by it: one of less than a second cannot be told from lines that overtook one another.
    """
    out: list[Draft] = []
    changed = False
    for second in seconds:
        entries = _entries(second)
        if all(before[0].value <= after[0].value for before, after in pairwise(entries)):
            out += second
            continue
        changed = True
        entries.sort(key=lambda entry: entry[0].value)
        out += _with_gaps(second, [d for entry in entries for d in entry])
    return out if changed else None


def _entries(second: Sequence[Draft]) -> list[list[Draft]]:
    return in_rows(second, lambda d: d.follows or (d.outer is Outer.NONE and d.inner is Inner.NONE))


def _with_gaps(before: Sequence[Draft], after: list[Draft]) -> list[Draft]:
    """What was missing within the second is missing before it: where, nobody knows."""
    gap, lost = any(d.gap_before for d in before), any(d.lost_before for d in before)
    if gap or lost:
        for draft in after:
            draft.gap_before = draft.lost_before = False
        after[0].gap_before, after[0].lost_before = gap, lost
    return after


def _possible_order(lines: Sequence[Draft], seen: set[Process], dead: set[Process], *, lives: bool) -> list[Draft]:
    """Lines of one second: what systemd says of an end behind the process that ended, of a start before it.

    ``seen``: processes that wrote before it; ``dead``: those of them that had ended; ``lives``: who began in it lives.
    """
    entries = _entries(lines)
    units = [e for e in entries if e[0].payload is Payload.SYSTEMD]
    by_process = grouped((e[0].process, e) for e in entries if e[0].payload is not Payload.SYSTEMD)
    ours = [p for p, found in by_process.items() if any(e[0].of_program for e in found)]
    others = [e for p, found in by_process.items() if p not in ours for e in found]
    old = [p for p in ours if p in seen]
    new = [p for p in ours if p not in seen]
    ends = [e for e in units if any(word in e[0].message for word in _ENDS)]
    begins = [e for e in units if ANNOUNCED.match(e[0].message) or "Scheduled restart" in e[0].message]
    rest = [e for e in units if e not in ends and e not in begins]
    ready = [e for e in rest if e[0].message.startswith("Started ")]
    begins.sort(key=lambda e: rank(e[0]) or 0)
    ends.sort(key=lambda e: rank(e[0]) or 0)
    groups = [others, [e for e in rest if e not in ready]]
    for process in old:
        before, by_process[process] = _two_runs(by_process[process], ended=process in dead, lives=lives)
        groups.append(_of_process(before))
        if before and by_process[process]:
            new = [process, *new]
        else:
            groups.append(_of_process(by_process[process]))
    groups += [ends, begins] if old or not new else [begins]
    groups += [_of_process(by_process[p]) for p in new]
    groups += [ready] if old or not new else [ready, ends]
    ordered = [d for group in groups for entry in group for d in entry]
    for draft in ordered:
        draft.unordered = _own(draft) is None
    return _with_gaps(lines, ordered)


def _two_runs(entries: _Entries, *, ended: bool, lives: bool) -> tuple[_Entries, _Entries]:
    """The entries of one run and of the next that begins in this second, where no pid tells them apart.

    ``ended``: the earlier run had ended before this second; ``lives``: the later one has lines beyond it, so last words
    are the earlier one's.
    """
    first = entries[0][0]
    if ended or first.pid is not None or not any(BANNER.match(e[0].message) for e in entries):
        return (), entries
    runs = grouped((_is_earlier(e[0], lives=lives), e) for e in entries)
    return runs.get(True, ()), runs.get(False, ())


def _is_earlier(draft: Draft, *, lives: bool) -> bool:
    """Whether a line beside a banner is of a run that ends: its last words, and components that are up."""
    message = draft.message
    if draft.payload is Payload.ZAP:  # etcd stops and closes things while it starts, too
        return _ETCD_GOING.search(message) is not None
    if _STOPPED.search(message) or (lives and (_GOING.search(message) or _is_last(draft))):
        return True
    return draft.payload is Payload.KLOG and not message.startswith(_FIRST_KLOG)


def _of_process(entries: _Entries) -> list[list[Draft]]:
    """One process's entries: what precedes the banner, the banner, the coarse ones, the fine ones, its last words."""
    pieces = [e for e in entries if e[0].message.startswith(_PIECES)]
    ordered = sorted(((_place(e[0]), e) for e in entries if e not in pieces), key=lambda pair: pair[0])
    out: list[list[Draft]] = []
    for (stage, _), entry in ordered:
        out.append(entry)
        if stage == _FINE and "check failed" in entry[0].message:
            out += _listed(entry[0].message, pieces)
    return [*pieces, *out]  # lists without a head here are of one in the second before


def _listed(head: str, pieces: list[list[Draft]]) -> list[list[Draft]]:
    """Takes the lines of one list out of ``pieces``: the failing ones that its head names, and one of each other."""
    taken: list[list[Draft]] = []
    names: set[str] = set()
    for piece in list(pieces):
        text = piece[0].message
        name = text[3:].split(" ", 1)[0]
        if name not in names and (text.startswith("[+]") or name in head):
            names.add(name)
            taken.append(piece)
            pieces.remove(piece)
    return taken


def _is_last(draft: Draft) -> bool:
    """Whether a line is among the last words of a process."""
    return draft.is_last_word or (draft.level == "error" and _EXITED.match(draft.message) is not None)


_WRAPPER, _BANNER_AT, _COARSE, _FINE, _LATELY, _LAST = range(6)


def _place(draft: Draft) -> tuple[int, int]:
    """Stage of a start, place within it; equal ones keep the order of the text."""
    message = draft.message
    own = _own(draft)
    if own is not None:
        second = draft.value % MINUTE if draft.outer is not Outer.NONE else 0
        return _FINE, -_less(own, second)
    if WRAPPER.match(message):
        return _WRAPPER, 0
    if BANNER.match(message):
        return _BANNER_AT, 0
    if message.startswith(_STOPS):
        return _LATELY, 0  # a stop lets the lines of readiness through: above them it hides none
    if message.endswith(IS_UP):
        return _LATELY, 1
    if draft.payload is Payload.PANIC:
        return _LAST, next((n for n, begin in enumerate(_DUMP, 1) if message.startswith(begin)), len(_DUMP) + 1)
    if _is_last(draft):
        return _LAST, 0
    return _COARSE, in_sequence(draft) or rank(draft) or 0


def _impossible(lines: Sequence[Draft], *, begins: bool, ends: bool) -> bool:
    """Whether no program can have written the lines in this order; ``begins``, ``ends``: the text does so with them.

    Without a pid what stands above a banner may be another process, at the begin of the text or after its last words.
    """
    if len(lines) < 2:
        return False
    above: set[Process] = set()
    last: dict[Process, int] = {}
    falls: Counter[Process] = Counter()
    begun: Counter[Process] = Counter()
    died = False
    for draft in lines:
        if not draft.of_program:
            continue
        place, process = in_sequence(draft), draft.process
        if place is not None:
            falls[process] += place < last.get(process, 0)
            last[process] = place
        begun[process] += place == BANNER_PLACE
        died = died or place == DEATH_PLACE
        if place == BANNER_PLACE and process in above and (draft.pid is not None or (begins and not died)):
            return True
        if place != 0:
            above.add(process)
    if any(count > (0 if pid is not None else max(begun[ident, pid], 1)) for (ident, pid), count in falls.items()):
        return True
    return begins and ends and _announced_behind(lines)


def _announced_behind(lines: Sequence[Draft]) -> bool:
    """Whether systemd's ``Starting`` stands behind lines of the only run, without a stop or a wait before it.

    Between an end and the next start it says that it waited, or that somebody stopped the unit.
    """
    units = [d.message for d in lines if d.payload is Payload.SYSTEMD]
    places = [n for n, d in enumerate(lines) if d.payload is Payload.SYSTEMD and ANNOUNCED.match(d.message)]
    runs = {d.process for d in lines if d.of_program}
    if len(places) != 1 or len(runs) != 1 or any(_BETWEEN.search(message) for message in units):
        return False
    above = lines[: places[0]]
    return any(d.process in runs or any(word in d.message for word in _ENDS) for d in above)
