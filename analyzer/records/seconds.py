"""Texts whose lines stand in no order within a second, as shippers and sorted tables leave them.

That it is so, klog's own microseconds show, or lines of a process above its banner. Such lines are put into an order in
which a start can have printed them; those without a fine stamp of their own are marked ``unordered``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.landmarks import ANNOUNCED, BANNER, WRAPPER, rank
from analyzer.records.model import Payload
from analyzer.records.parts import stamps_of
from analyzer.timebase import MINUTE, SECOND

_EARLIER = 50_000  # µs: of one thread after another's; measured on 200 starts: once 91 ms
_LEAST = 3  # such pairs, and a tenth of all
_LATE = ("Kube API server is now running", " is up and running")
_STOPS = ("signal received: ", "Shutdown request received")
_DUMP = ("panic: ", "[signal ", "goroutine ")
_ENDS = ("Main process exited", "Failed with result", "Deactivated", "Stopped ", "Consumed ", "Unit process")
_PIECES = ("[-]", "[+]")
_OURS = frozenset({Payload.LOGRUS, Payload.KLOG, Payload.ZAP})
_LAST_WORDS = frozenset({"fatal", "panic"})
_Process = tuple[str | None, int | None]


def ordered_seconds(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """The drafts with the lines of each second in a plausible order, where the text does not keep it."""
    groups: defaultdict[tuple[str | None, int], list[int]] = defaultdict(list)
    for place, draft in enumerate(drafts):
        groups[draft.rec.host, draft.rec.boot_seq].append(place)
    out: list[Draft] | None = None
    for places in groups.values():
        lines = [drafts[place] for place in places]
        ordered = _of_host(lines)
        if ordered is not None:
            out = list(drafts) if out is None else out
            for place, draft in zip(places, ordered, strict=True):
                out[place] = draft
    if out is None:
        return drafts
    tally.notes.append("lines of one second stand in no order and were put in one that is possible")
    tally.reasons["seconds put in order"] += 1
    return out


def _of_host(lines: list[Draft]) -> list[Draft] | None:
    values = stamps_of(lines)
    if values is None:
        return None
    seconds = [[lines[place] for place in places] for places in _seconds(values)]
    fine = sum(0 < d.precision < SECOND for d in lines if d.outer is not Outer.NONE) * 2 > len(lines)
    everywhere = _no_order(seconds, fine=fine)
    if fine:
        return [d for second in seconds for d in _by_stamp(second)] if everywhere else None
    seen: set[_Process] = set()
    out: list[Draft] = []
    changed = False
    for second in seconds:
        if len(second) > 1 and (everywhere or _impossible(second, begins=not seen)):
            out += _Second(second, seen).ordered()
            changed = True
        else:
            out += second
        seen.update(_process(d) for d in second if d.rec.payload is not Payload.SYSTEMD)
    return out if changed else None


def _seconds(values: Sequence[int | None]) -> list[list[int]]:
    """Places of lines in a row whose stamps are of one second; lines without one go with the line before."""
    seconds: list[list[int]] = []
    last: int | None = None
    for place, value in enumerate(values):
        second = value // SECOND if value is not None else last
        if not seconds or (second != last and last is not None):
            seconds.append([])
        seconds[-1].append(place)
        last = second
    return seconds


def _own(draft: Draft) -> int | None:
    """Microseconds within the minute of a line's own fine stamp."""
    if draft.follows or draft.rec.foreign:
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
        last: dict[_Process, int] = {}
        for draft in second:
            now = draft.value % MINUTE if fine and not draft.follows else _own(draft)
            if now is None:
                continue
            process = _process(draft)
            if process in last:
                pairs += 1
                falls += _less(now, last[process]) > _EARLIER
            last[process] = now
    return falls >= _LEAST and falls * 10 >= pairs


def _by_stamp(second: Sequence[Draft]) -> list[Draft]:
    """Entries by their stamps, further lines behind them."""
    entries = _entries(second)
    moved = sorted(entries, key=lambda entry: entry[0].value)
    return _with_gaps(second, [d for entry in moved for d in entry]) if moved != entries else list(second)


def _entries(second: Sequence[Draft]) -> list[list[Draft]]:
    entries: list[list[Draft]] = []
    for draft in second:
        if entries and (draft.follows or (draft.outer is Outer.NONE and draft.inner is Inner.NONE)):
            entries[-1].append(draft)
        else:
            entries.append([draft])
    return entries


def _with_gaps(before: Sequence[Draft], after: list[Draft]) -> list[Draft]:
    """What was missing within the second is missing before it: where, nobody knows."""
    gap, lost = any(d.rec.gap_before for d in before), any(d.rec.lost_before for d in before)
    if gap or lost:
        for draft in after:
            draft.rec.gap_before = draft.rec.lost_before = False
        after[0].rec.gap_before, after[0].rec.lost_before = gap, lost
    return after


class _Second:
    """The lines of one second; ``seen``: processes that wrote before it."""

    def __init__(self, lines: Sequence[Draft], seen: set[_Process]) -> None:
        self.lines, self.seen = lines, seen
        self.entries = _entries(lines)

    def ordered(self) -> list[Draft]:
        """Lines that systemd says of an end behind the process that ended, of a start before the one that starts."""
        units = [e for e in self.entries if e[0].rec.payload is Payload.SYSTEMD]
        by_process: defaultdict[_Process, list[list[Draft]]] = defaultdict(list)
        for entry in self.entries:
            if entry[0].rec.payload is not Payload.SYSTEMD:
                by_process[_process(entry[0])].append(entry)
        ours = {p for p, found in by_process.items() if any(e[0].rec.payload in _OURS for e in found)}
        others = [e for p, found in by_process.items() if p not in ours for e in found]
        old = [p for p in by_process if p in ours and p in self.seen]
        new = [p for p in by_process if p in ours and p not in self.seen]
        ends = [e for e in units if any(word in e[0].rec.message for word in _ENDS)]
        begins = [e for e in units if ANNOUNCED.match(e[0].rec.message) or "Scheduled restart" in e[0].rec.message]
        begins.sort(key=lambda e: rank(e[0]) or 0)
        ends.sort(key=lambda e: rank(e[0]) or 0)
        rest = [e for e in units if e not in ends and e not in begins]
        ready = [e for e in rest if e[0].rec.message.startswith("Started ")]
        parts = [others, [e for e in rest if e not in ready]]
        parts += [_of_process(by_process[p]) for p in old]
        parts += [ends, begins] if old or not new else [begins]
        parts += [_of_process(by_process[p]) for p in new]
        parts += [ready] if old or not new else [ready, ends]
        lines = [d for part in parts for entry in part for d in entry]
        for draft in lines:
            draft.rec.unordered = _own(draft) is None
        return _with_gaps(self.lines, lines)


def _of_process(entries: Sequence[list[Draft]]) -> list[list[Draft]]:
    """One process's entries: what precedes the banner, the banner, the coarse ones, the fine ones, its last words."""
    pieces = [e for e in entries if e[0].rec.message.startswith(_PIECES)]
    ordered = sorted(((_place(e[0]), e) for e in entries if e not in pieces), key=lambda pair: pair[0])
    out: list[list[Draft]] = []
    for (stage, _), entry in ordered:
        if stage == _FINE and "check failed" in entry[0].rec.message:
            out.append(entry)
            out += _listed(entry[0].rec.message, pieces)
        else:
            out.append(entry)
    return [*pieces, *out]  # lists without a head here are of one in the second before


def _listed(head: str, pieces: list[list[Draft]]) -> list[list[Draft]]:
    """Takes the lines of one list out of ``pieces``: the failing ones that its head names, and one of each other."""
    taken: list[list[Draft]] = []
    names: set[str] = set()
    for piece in list(pieces):
        text = piece[0].rec.message
        name = text[3:].split(" ", 1)[0]
        if name not in names and (text.startswith("[+]") or name in head):
            names.add(name)
            taken.append(piece)
            pieces.remove(piece)
    return taken


_WRAPPER, _BANNER_AT, _COARSE, _FINE, _LATELY, _LAST = range(6)


def _place(draft: Draft) -> tuple[int, int]:
    """Stage of a start, place within it; equal ones keep the order of the text."""
    message = draft.rec.message
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
    if message.endswith(_LATE):
        return _LATELY, 1
    if draft.rec.payload is Payload.PANIC:
        return _LAST, next((n for n, begin in enumerate(_DUMP, 1) if message.startswith(begin)), len(_DUMP) + 1)
    if draft.rec.level in _LAST_WORDS:
        return _LAST, 0
    return _COARSE, rank(draft) or 0


def _impossible(lines: Sequence[Draft], *, begins: bool) -> bool:
    """Whether a process says something else above its banner; ``begins``: the text begins with these lines.

    Without a pid that may be another one, whose last words stand there then.
    """
    above: set[_Process] = set()
    for draft in lines:
        rec = draft.rec
        if rec.payload not in _OURS or (rec.pid is None and not begins):
            continue
        if rec.pid is None and rec.level in _LAST_WORDS:
            return False
        if BANNER.match(rec.message):
            if _process(draft) in above:
                return True
        elif not WRAPPER.match(rec.message):
            above.add(_process(draft))
    return False


def _process(draft: Draft) -> _Process:
    return draft.rec.ident, draft.rec.pid
