"""Parts of one log that stand in a text more than once, texts sorted by something else than time, boots without a mark.

People paste what a search found and then the whole log, the log and its end, the same log from the journal and from
the container, screens that overlap. Where time goes back or the carrier changes another section begins; a line with
the same words and the same stamp of its writer in both is one line. Of two sections the longer one keeps it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cache
from itertools import groupby, pairwise

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.merge import BLOCK, GIVEN_TWICE, in_the_log, without
from analyzer.records.rotated_parts import each_host, stamps_of
from analyzer.timebase import DAY, SECOND

_MOST_SECTIONS = 32
_SHARE = 0.6  # of a section's lines stand in another one: it was taken from that
_SORTED = 20  # lines in order of their characters are sorted
_COLUMNS = 7  # from one of these on
_SLACK = 2 * SECOND
_FALLS, _SHARE_OF_FALLS = 5, 0.01  # so often no clock is set back
_NEXT = 20  # lines in which a writer's stamp is looked for
_Key = tuple[Hashable, ...]


def drop_sections(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """The drafts without lines that another section of the text shows, too."""
    sections = _sections(drafts)
    if not 1 < len(sections) <= _MOST_SECTIONS:
        return drafts
    keys = [_key(draft) for draft in drafts]
    known = _Known()
    copies: set[int] = set()
    holes: set[int] = set()
    for section in sorted(sections, key=lambda s: (-round(math.log2(len(s))), s.start)):
        found = _copies(section, drafts, keys, known)
        copies |= found
        holes |= {place for place in found if drafts[place].gap_before and not known.torn(keys[place])}
        for place in section:
            known.add(keys[place], drafts[place])
    if not copies:
        return drafts
    tally.tell(in_the_log(len(copies)), GIVEN_TWICE, len(copies))
    return without(drafts, copies, holes)


class _Known:
    """The lines of the sections so far: how often each stands in one of them, by its process."""

    def __init__(self) -> None:
        self.carrier: Outer | None = None  # of the longest one
        self._lines: dict[_Key, Counter[tuple[str | None, int | None]]] = {}
        self._torn: set[_Key] = set()

    def add(self, key: _Key | None, draft: Draft) -> None:
        """A line of a section."""
        if key is None:
            return
        if self.carrier is None:
            self.carrier = draft.outer
        self._lines.setdefault(key, Counter())[draft.host, draft.pid] += 1
        if draft.gap_before:
            self._torn.add(key)

    def count(self, key: _Key, draft: Draft) -> int:
        """How often a line stands there; a carrier without hosts or pids may be of any."""
        writers = self._lines.get(key, Counter())
        return sum(
            count
            for (host, pid), count in writers.items()
            if (host == draft.host or None in (host, draft.host)) and (pid == draft.pid or None in (pid, draft.pid))
        )

    def torn(self, key: _Key | None) -> bool:
        """Whether lines are missing above such a line there, too."""
        return key in self._torn


def _sections(drafts: Sequence[Draft]) -> list[range]:
    bounds = [0]
    latest: dict[Hashable, int] = {}
    carrier: tuple[Outer, bool] | None = None  # and whether it names hosts
    first: _Key | None = None  # a text that begins again is another copy, however short it is
    for place, draft in enumerate(drafts):
        if draft.follows or draft.foreign:
            continue
        kind, value = _stamp(draft)
        if kind is None:
            continue
        before = latest.get(kind, value - 1)
        begins = value < before - SECOND or (value <= before and _key(draft) == first)
        own = draft.outer, draft.host is None
        if begins or (carrier is not None and own != carrier):
            bounds.append(place)
            latest.clear()
            if len(bounds) > _MOST_SECTIONS:
                return []
        latest[kind] = max(value, latest.get(kind, value))
        carrier = own
        first = first or _key(draft) or ()
    return [range(begin, end) for begin, end in pairwise([*bounds, len(drafts)]) if end > begin]


def _stamp(draft: Draft) -> tuple[Hashable, int]:
    if draft.outer is not Outer.NONE:
        return (draft.outer, draft.host, draft.boot_seq), draft.value
    if draft.inner in (Inner.UTC, Inner.PARTIAL):
        return (draft.inner, draft.host, draft.etcd), draft.inner_value
    return None, 0


def _key(draft: Draft) -> _Key | None:
    """What makes lines of two sections the same: the writer's stamp, or else the carrier's second, and the words."""
    if draft.inner in (Inner.UTC, Inner.PARTIAL):
        return draft.inner, draft.inner_value, draft.message
    if draft.outer in (Outer.UTC, Outer.WALL, Outer.PARTIAL, Outer.TIME):
        return draft.value % DAY // SECOND, draft.message
    return None


def _copies(section: range, drafts: Sequence[Draft], keys: Sequence[_Key | None], known: _Known) -> set[int]:
    """The lines of a section that longer ones show, if it was taken from them or overlaps with them."""
    here: Counter[_Key] = Counter()
    same: list[bool] = []
    places = [place for place in section if keys[place] is not None]
    for place in places:
        key = keys[place] or ()
        here[key] += 1
        same.append(here[key] <= known.count(key, drafts[place]))
    if sum(same) < BLOCK and not (all(same) and any(_is_fine(drafts[place]) for place in places)):
        return set()
    found = {place for place, is_same in zip(places, same, strict=True) if is_same}
    taken = len(found) >= _SHARE * len(places)
    if not taken:
        found = set(_rows(places, same, drafts))
    other = taken and drafts[places[0]].outer is not known.carrier  # whose own lines have other stamps there
    between = {p for a, b in pairwise(sorted(found)) for p in range(a + 1, b) if keys[p] is None}
    if other:
        between |= {p for p in section if not _own(drafts[p])}
    return found | between


def _rows(places: Sequence[int], same: Sequence[bool], drafts: Sequence[Draft]) -> Iterator[int]:
    """Lines in a row that stand elsewhere, too, one of them with a fine stamp: no two servers write those."""
    at = 0
    for is_same, group in groupby(same):
        row = places[at : at + len(list(group))]
        at += len(row)
        if is_same and len(row) >= BLOCK and any(_is_fine(drafts[place]) for place in row):
            yield from row


def _is_fine(draft: Draft) -> bool:
    return _own(draft) and draft.inner_precision < SECOND


def _own(draft: Draft) -> bool:
    """Whether the program's own stamp tells the line from all others."""
    return draft.inner in (Inner.UTC, Inner.PARTIAL)


# --- sorted by something else ---------------------------------------------------------------------------------------


def sorted_back(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """The drafts in order of time, where the text was sorted by its words, or is in no order at all."""

    @cache
    def by_words() -> bool:  # asked of texts out of order alone
        raws = [draft.raw for draft in drafts]
        return any(_is_sorted([raw.split(" ", words)[-1] for raw in raws]) for words in range(_COLUMNS))

    out = each_host(drafts, lambda lines: _by_time(lines, by_words))
    if out is None:
        return drafts
    tally.tell("the lines stand in no order of time and were put in order", "lines put in order of time")
    return out


def _is_sorted(texts: Sequence[str]) -> bool:
    """Whether lines stand in order of their characters, or of their letters and digits alone, up or down."""
    if len(texts) < _SORTED or len(set(texts)) < len(texts) // 2:
        return False
    pairs = list(pairwise(texts))
    if all(a <= b for a, b in pairs) or all(a >= b for a, b in pairs):
        return True
    words = ["".join(filter(str.isalnum, text.lower())) for text in texts]
    pairs = list(pairwise(words))
    return all(a <= b for a, b in pairs) or all(a >= b for a, b in pairs)


def _by_time(lines: list[Draft], by_words: Callable[[], bool]) -> list[Draft] | None:
    values = stamps_of(lines)
    if values is None:
        return None
    stamped = [value for value in values if value is not None]
    falls = sum(after < before - _SLACK for before, after in pairwise(stamped))
    if not falls or not (falls >= max(_FALLS, _SHARE_OF_FALLS * len(stamped)) or by_words()):
        return None
    keyed: list[tuple[int, Draft]] = []
    before = stamped[0]
    for value, draft in zip(values, lines, strict=True):
        before = before if value is None else value
        keyed.append((before, draft))
    return [draft for _, draft in sorted(keyed, key=lambda pair: pair[0])]


# --- boots ----------------------------------------------------------------------------------------------------------


def number_boots(drafts: list[Draft]) -> list[Draft]:
    """The drafts, whose boots are told apart where monotonic stamps begin anew while the writers' own go on."""
    if not any(draft.outer is Outer.MONO for draft in drafts):
        return drafts
    shift = 0
    latest: dict[Hashable, int] = {}
    written: int | None = None
    for place, draft in enumerate(drafts):
        if draft.outer is not Outer.MONO or draft.follows:
            draft.boot_seq += shift
            continue
        boot = (draft.host, draft.boot_seq)
        if draft.value < latest.get(boot, draft.value) - _SLACK and written is not None:
            following = (d.inner_value for d in drafts[place : place + _NEXT] if d.inner is Inner.UTC)
            if next(following, written - 1) >= written:
                shift += 1
                latest.clear()
        latest[boot] = max(draft.value, latest.get(boot, draft.value))
        if draft.inner is Inner.UTC:
            written = draft.inner_value
        draft.boot_seq += shift
    return drafts
