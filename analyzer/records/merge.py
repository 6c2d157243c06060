"""Several inputs to one sequence: copies counted once, hosts and boots kept together, file order kept within each."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from itertools import takewhile
from operator import itemgetter

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.grouping import grouped
from analyzer.timebase import SECOND

GIVEN_TWICE = "given twice"
BLOCK = 5  # lines
_Key = tuple[int, int | None, str]
Source = tuple[Tally, list[Draft]]


def drop_copies(sources: Sequence[Source]) -> list[Source]:
    """Sources in an order that does not depend on how they were named, without lines that another source holds too.

    Two lines are the same when second, pid and message agree and their hosts do not differ (servers started together
    write the same words in the same second; a carrier without host names may be of any). Of k equal lines in one
    source and m in another the larger number is kept. The source with the finer clock wins. Lines without a date are
    only compared as whole files.
    """
    ordered = sorted(sources, key=lambda s: (_rank(s[1]), _first(s[1]), s[0].digest))
    if len(ordered) < 2:
        return ordered
    seen: defaultdict[_Key, Counter[str]] = defaultdict(Counter)
    heads: dict[_Key, Draft] = {}  # the first line of each source, of which it does not know what went before
    digests: set[bytes] = set()
    kept: list[Source] = []
    for tally, drafts in ordered:
        if tally.digest and tally.digest in digests:
            count = len({d.line for d in drafts})
            tally.tell("an exact copy of another input, counted once", GIVEN_TWICE, count)
            kept.append((tally, []))
            continue
        digests.add(tally.digest)
        here: defaultdict[_Key, Counter[str]] = defaultdict(Counter)
        new: Counter[tuple[_Key, str]] = Counter()
        rest: list[Draft] = []
        first: dict[_Key, Draft] = {}
        dropped: set[int] = set()
        context: int | None = None
        for draft in drafts:
            if draft.rt is not None and (draft.absolute or draft.outer is Outer.PARTIAL):
                context = draft.rt // SECOND
            if context is None:
                rest.append(draft)
                continue
            key = (context, draft.pid, draft.message)
            host = _host(draft)
            here[key][host] += 1
            known = seen.get(key)
            if known is not None and here[key][host] <= (known[host] + known[""] if host else known.total()):
                dropped.add(draft.line)
                if key in heads:
                    take_gap(heads[key], draft)
            else:
                new[key, host] += 1
                if not rest:
                    first[key] = draft
                rest.append(draft)
        for (key, host), count in new.items():
            seen[key][host] += count
        heads.update(first)
        if dropped:
            what = _lines(len(dropped), "is", "are")
            tally.tell(f"{what} in another input too, counted once", GIVEN_TWICE, len(dropped))
        kept.append((tally, rest))
    return kept


def drop_repeats(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """Drafts in true order without blocks that stand a second time in the same text, as after a paste done twice.

    A block is at least ``BLOCK`` lines that repeat earlier ones exactly, stamps and all and in the same order, where
    time goes back; no program writes so.
    """
    first: dict[tuple[str, int], int] = {}
    copies: set[int] = set()
    holes: set[int] = set()  # copies above which lines are missing that the first one need not have had
    at = 0
    latest: int | None = None
    while at < len(drafts):
        draft = drafts[at]
        stamp = _own_stamp(draft)
        before = first.get((draft.raw, stamp)) if stamp is not None else None
        if before is not None and latest is not None and stamp is not None and stamp < latest:
            length = _length_of_repeat(drafts, before, at)
            if length >= BLOCK:
                copies.update(range(at, at + length))
                holes.update(n for n in range(at, at + length) if not drafts[n - at + before].gap_before)
                at += length
                continue
        if stamp is not None:
            latest = stamp
            first.setdefault((draft.raw, stamp), at)
        at += 1
    if not copies:
        return drafts
    tally.tell(in_the_log(len(copies)), GIVEN_TWICE, len(copies))
    return without(drafts, copies, holes)


def in_the_log(count: int) -> str:
    """What a reader of the report should know of so many copies within one text."""
    return f"{_lines(count, 'stands', 'stand')} twice in the log, counted once"


def _lines(count: int, one: str, many: str) -> str:
    return f"1 line {one}" if count == 1 else f"{count} lines {many}"


def without(drafts: Sequence[Draft], copies: Container[int], holes: Container[int]) -> list[Draft]:
    """The drafts without the ``copies``; what was missing above the ``holes`` among these is missing all the same."""
    kept: list[Draft] = []
    gaps: list[Draft] = []
    for place, draft in enumerate(drafts):
        if place in copies:
            gaps += [draft] if place in holes else []
            continue
        while gaps:
            take_gap(draft, gaps.pop())
        kept.append(draft)
    return kept


def take_gap(kept: Draft, dropped: Draft) -> None:
    """What was missing before a line that is not kept is missing all the same."""
    kept.gap_before = kept.gap_before or dropped.gap_before
    kept.lost_before = kept.lost_before or dropped.lost_before


def _host(draft: Draft) -> str:
    """Its host without domain, which one carrier writes and another leaves out; empty: the line names none."""
    host = (draft.host or "").lower()
    label = host.partition(".")[0]
    return host if label.isdigit() else label  # an address stays whole


def _whole(draft: Draft) -> tuple[object, ...]:
    """What makes two lines the same; ``raw`` alone is only the message where the carrier names its fields."""
    return (draft.raw, draft.outer, draft.value, draft.mono, draft.host, draft.pid)


def _own_stamp(draft: Draft) -> int | None:
    if draft.outer is not Outer.NONE:
        return draft.value
    # Seconds since the begin of a process are no stamp: the next run has the same.
    return draft.inner_value if draft.inner not in (Inner.NONE, Inner.ELAPSED) else None


def _length_of_repeat(drafts: Sequence[Draft], earlier: int, later: int) -> int:
    pairs = zip(range(earlier, later), range(later, len(drafts)), strict=False)
    same = (_whole(drafts[before]) == _whole(drafts[after]) for before, after in pairs)
    return sum(takewhile(bool, same))


def _rank(drafts: Sequence[Draft]) -> int:
    """0 for sources with a monotonic clock, then realtime in µs, then coarser stamps, then none."""
    for draft in drafts:
        if draft.mono is not None:
            return 0
        if draft.outer is not Outer.NONE:
            return 1 if draft.precision < 1000 else 2
    return 3


def _first(drafts: Sequence[Draft]) -> int:
    return next((d.rt for d in drafts if d.rt is not None), 1 << 62)


def merge(sources: Sequence[Source]) -> list[Draft]:
    """All drafts in true order: per host and boot by time, equal stamps and stampless lines in file order."""
    with_boots = all(d.boot_id is not None for _, drafts in sources for d in drafts)
    by_source = (grouped(((d.host, d.boot_id if with_boots else None), d) for d in drafts) for _, drafts in sources)
    groups = grouped((key, rows) for mine in by_source for key, rows in mine.items())
    whole = sorted((_weave(rows, by_clock=with_boots) for rows in groups.values()), key=_begin)
    return [draft for rows in whole for draft in rows]


def _begin(rows: Sequence[Draft]) -> tuple[int, int]:
    """Groups in order of time; those whose time is not absolute come after."""
    absolute = any(d.absolute for d in rows)
    first = next((d.at.us for d in rows if d.at is not None), 0)
    return (0 if absolute else 1, first)


def _weave(rows: Sequence[Sequence[Draft]], by_clock: bool) -> list[Draft]:
    keyed = [_keys(part, by_clock) for part in rows]
    if by_clock:
        for part in keyed:
            part.sort(key=itemgetter(0))
    return [draft for _, draft in heapq.merge(*keyed, key=itemgetter(0))]


def _keys(part: Sequence[Draft], by_clock: bool) -> list[tuple[int, Draft]]:
    """Sort keys: the clock itself within one boot, otherwise the highest stamp so far (file order is the truth)."""
    high = -(1 << 62)
    out = []
    for draft in part:
        at = draft.at
        if at is not None:
            high = at.us if by_clock and not draft.follows else max(high, at.us)
        out.append((high, draft))
    return out
