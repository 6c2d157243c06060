"""Instants as integers: stamp parsers, the year and zone arithmetic, and clock steps. Never reads the wall clock.

Units: every instant and length is an integer in microseconds; offsets of zones are in seconds east of UTC. A *wall*
value is a local time of day with its date, counted as if its zone were UTC. A *partial* wall (``short`` and klog
stamps name no year) is packed by :func:`pack_partial` until a year is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
QUARTER = 15 * MINUTE  # zone offsets in use are multiples of a quarter of an hour
MAX_OFFSET = 14 * HOUR
# Used only for axes that are not absolute: in a leap year the last of February and the first of March lie a day apart.
_COMMON_YEAR, _LEAP_YEAR = 1973, 1972
# A date at either end of the calendar is damage, and may not be one any more in another zone or a second later.
EARLIEST = -30_610_224_000 * SECOND  # the year 1000
LATEST = 221_845_392_000 * SECOND  # the year 9000
# An outer stamp is written after the inner one; measured on real files it never left (-1 s, +1 s], with rare backlogs.
EARLIEST_RESIDUAL = -2 * SECOND
LATEST_RESIDUAL = 120 * SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NAIVE = datetime(1970, 1, 1)  # noqa: DTZ001  wall values are zone-less by definition, inside this module only
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_US = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Instant:
    """A parsed stamp: ``us`` is UTC when ``offset_s`` is known, else a wall value; truncated to ``precision_us``."""

    us: int
    offset_s: int | None
    precision_us: int


_FRACTION = re.compile(r"[.,](\d{1,6})")


@lru_cache(maxsize=8192)
def parse_iso(text: str) -> Instant | None:
    """RFC 3339 / ISO 8601 with any number of fraction digits, ``Z``, ``+01:00`` or ``+0100``, else ``None``.

    So are dates at either end of the calendar, which only damage writes.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace(",", "."))
    except ValueError:
        return None
    fraction = _FRACTION.search(text)
    precision = 10 ** (6 - len(fraction[1])) if fraction is not None else SECOND
    offset = moment.utcoffset()
    us = (moment - (_EPOCH_NAIVE if offset is None else _EPOCH)) // _US
    zone = None if offset is None else int(offset.total_seconds())
    return Instant(us, zone, precision) if EARLIEST < us < LATEST else None


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=4096)
def days_from_civil(year: int, month: int, day: int) -> int | None:
    """Days since 1970-01-01, ``None`` for a date that does not exist."""
    try:
        return date(year, month, day).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        return None


def pack_partial(month: int, day: int, time_of_day: int) -> int:
    """Month, day and time of day (µs) as one integer that sorts like the calendar."""
    return (month * 32 + day) * DAY + time_of_day


_LEAP_DAY = pack_partial(2, 29, 0) // DAY


def with_year(partial: int, year: int) -> int | None:
    """The wall value of a partial stamp in ``year``; ``None`` when the date does not exist (Feb 29)."""
    packed, time_of_day = divmod(partial, DAY)
    days = days_from_civil(year, packed // 32, packed % 32)
    return None if days is None else days * DAY + time_of_day


def is_day(month: int, day: int) -> bool:
    """Whether some year has this date."""
    return days_from_civil(2000, month, day) is not None


def year_of(wall: int) -> int:
    """Calendar year of a wall value (also of a UTC instant, in UTC)."""
    return _year_of_day(wall // DAY)


@lru_cache(maxsize=4096)
def _year_of_day(days: int) -> int:
    return date.fromordinal(max(1, min(days + _EPOCH_ORDINAL, date.max.toordinal()))).year


def wall_text(wall: int) -> str | None:
    """``2026-01-05 20:44:05`` for a wall value, ``None`` outside the calendar."""
    try:
        return (_EPOCH_NAIVE + timedelta(microseconds=wall)).isoformat(" ", "seconds")
    except OverflowError:
        return None


def month_of(wall: int) -> int:
    """Calendar month of a wall value, 1 to 12."""
    return date.fromordinal(max(1, min(wall // DAY + _EPOCH_ORDINAL, date.max.toordinal()))).month


def nearest_year(partial: int, reference_wall: int) -> int | None:
    """The wall value of ``partial`` in the year that brings it nearest to ``reference_wall``."""
    year = year_of(reference_wall)
    best = with_year(partial, year)
    if best is not None and abs(best - reference_wall) < 180 * DAY:
        return best  # no other year is nearer
    # The further ones are for Feb 29 outside a leap year.
    walls = (with_year(partial, candidate) for candidate in (year, year - 1, year + 1, *range(year - 4, year + 5)))
    return min((wall for wall in walls if wall is not None), key=lambda wall: abs(wall - reference_wall), default=None)


def quarter_offset(difference: int, late: int = LATEST_RESIDUAL) -> int | None:
    """The zone offset (s) hidden in ``difference`` = outer wall − inner UTC; ``None`` if it is none.

    The outer stamp may be up to ``late`` after the inner one and, both being truncated, up to 2 s before it.
    """
    rounded = (difference + QUARTER // 2) // QUARTER * QUARTER
    fits = abs(rounded) <= MAX_OFFSET and EARLIEST_RESIDUAL <= difference - rounded <= late
    return rounded // SECOND if fits else None


@dataclass(frozen=True, slots=True)
class Anchor:
    """A line on which the outer wall clock and UTC are both known."""

    index: int  # position in the sequence of lines
    wall: int  # with its year
    offset_s: int  # wall − UTC


def anchor(index: int, has_year: bool, value: int, inner_utc: int) -> Anchor | None:
    """Year and offset together, from an outer stamp (partial or with its year) and the inner UTC instant."""
    year = year_of(inner_utc)
    for candidate in (value,) if has_year else (with_year(value, y) for y in (year, year - 1, year + 1)):
        if candidate is not None:
            offset = quarter_offset(candidate - inner_utc)
            if offset is not None:
                return Anchor(index, candidate, offset)
    return None


def drop_lone_anchors(anchors: Sequence[Anchor]) -> list[Anchor]:
    """Anchors without those that contradict both neighbours while the neighbours agree (a backlog, a quoted line)."""
    offsets = [item.offset_s for item in anchors]
    around = zip([None, *offsets], [*offsets[1:], None], strict=False)
    return [
        item
        for item, (before, after) in zip(anchors, around, strict=False)
        if before is None or before != after or before == item.offset_s
    ]


def resolve_walls(stamps: Sequence[tuple[bool, int]], anchors: Sequence[Anchor]) -> list[tuple[int, int]]:
    """``(wall, offset_s)`` for every line of one host in file order.

    ``stamps`` holds ``(has_year, value)``: a wall value, or a partial one. Between two anchors of different offset
    (the zone's summer time began or ended) the switch is put where the wall clock jumps by about that much, else where
    it jumps most; in the repeated hour the order of the lines decides. At least one anchor is needed.
    """
    walls: list[int] = []
    marks = [a.index for a in anchors]
    at = 0
    for index, (has_year, value) in enumerate(stamps):
        while at + 1 < len(marks) and abs(marks[at + 1] - index) <= abs(marks[at] - index):
            at += 1
        wall = value if has_year else nearest_year(value, anchors[at].wall)
        walls.append(anchors[at].wall if wall is None else wall)
    offsets: list[int] = []
    for first, second in pairwise(anchors):
        switch = second.index
        if first.offset_s != second.offset_s:
            wanted = (second.offset_s - first.offset_s) * SECOND
            jumps = {i: walls[i] - walls[i - 1] for i in range(first.index + 1, second.index + 1)}
            switch = min(jumps, key=lambda i: abs(jumps[i] - wanted))
            if 2 * abs(jumps[switch] - wanted) > abs(wanted):
                # No such jump: the change fell into a pause, or the clock was set into the other half of the year.
                switch = max(jumps, key=lambda i: abs(jumps[i]))
        offsets += [first.offset_s] * (switch - len(offsets))
    offsets += [anchors[-1].offset_s] * (len(stamps) - len(offsets))
    return list(zip(walls, offsets, strict=True))


def walls_without_anchor(stamps: Sequence[tuple[bool, int]], last_year: int | None = None) -> list[int]:
    """Wall values when nothing in the log names zone and year together.

    ``last_year`` is the year of the last line if some header said so; otherwise an arbitrary one stands in, a leap
    year only where a line has its day. Walking backwards, a date more than half a year later than its successor belongs
    to the year before.
    """
    if last_year is None:
        leap = any(not has_year and value // DAY == _LEAP_DAY for has_year, value in stamps)
        last_year = _LEAP_YEAR if leap else _COMMON_YEAR
    walls: list[int] = []
    following: int | None = None
    for has_year, value in reversed(stamps):
        wall: int | None = value
        if not has_year:
            wall = with_year(value, last_year)
            if following is not None and (wall is None or wall - following > 183 * DAY):
                wall = nearest_year(value, following)
            if wall is None:
                wall = nearest_year(value, with_year(pack_partial(3, 1, 0), last_year) or 0)
        following = (following or 0) if wall is None else wall  # 29 February and no leap year near, as around 1900
        walls.append(following)
    walls.reverse()
    return walls


def dates_for_times(times: Sequence[int], first_day: int) -> list[int]:
    """Wall values for bare times of day in order: ``first_day`` (µs of its midnight), a fall of > 12 h is midnight."""
    day, previous, walls = first_day, None, []
    for time_of_day in times:
        if previous is not None and previous - time_of_day > 12 * HOUR:
            day += DAY
        walls.append(day + time_of_day)
        previous = time_of_day
    return walls


def mostly_backwards(values: Sequence[int], least: int = 2) -> bool:
    """Whether stamps in reading order run backwards: over four fifths of the steps, and at least ``least`` of them."""
    ups = sum(before < after for before, after in pairwise(values))
    downs = sum(before > after for before, after in pairwise(values))
    return downs >= least and downs > 4 * ups


def jumps(differences: Sequence[int], least: int = SECOND) -> list[tuple[int, int]]:
    """``(index, by)`` wherever realtime − monotonic changes by more than ``least`` between neighbours: clock steps."""
    return [
        (index, differences[index] - differences[index - 1])
        for index in range(1, len(differences))
        if abs(differences[index] - differences[index - 1]) > least
    ]


def precision_words(seconds: float) -> str:
    """``1 s``, ``1 ms``, ``1 µs``, ``60 s``."""
    if seconds >= 1:
        return f"{seconds:g} s"
    return f"{seconds * 1e3:g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:g} µs"


def offset_text(offset_s: int | None) -> str | None:
    """``+05:30`` for 19800; ``None`` stays ``None``."""
    if offset_s is None:
        return None
    sign = "-" if offset_s < 0 else "+"
    minutes = abs(offset_s) // 60
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def offset_of(text: str | None) -> int:
    """The opposite of ``offset_text``; 0 where no zone is known."""
    if not text:
        return 0
    seconds = int(text[1:3]) * 3600 + int(text[4:6]) * 60
    return -seconds if text[0] == "-" else seconds
