"""Names of months in all languages of glibc, and which month is meant where languages disagree.

The text modes of journalctl print ``LC_TIME``'s abbreviation. Of some 1550 abbreviations 39 mean different months in
different languages (``srp``: August in Czech, July in Croatian); the stamps inside the lines and the other months of
the file decide those. English always wins.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

from analyzer.records.draft import Draft, Inner, Outer
from analyzer.timebase import DAY, MONTHS, SECOND, month_of

ENGLISH = {m: i for i, m in enumerate(MONTHS, 1)}
# A first letter lost in copying leaves two letters that still name the month.
_BEHEADED = {name[1:]: number for name, number in ENGLISH.items()}


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    """glibc's abbreviated month names of all locales, lower case; English ones always win."""
    text = Path(__file__).with_name("months.json").read_text(encoding="utf-8")
    table = {str(name).lower(): int(number) for name, number in json.loads(text).items()}
    table.update({name.lower(): number for name, number in ENGLISH.items()})
    return table


def month_number(name: str) -> int | None:
    """1 to 12 for an abbreviated month name of any glibc locale (with or without its full stop)."""
    number = ENGLISH.get(name)
    if number is not None:
        return number
    table = _months()
    low = name.lower()
    found = table.get(low) or table.get(low.rstrip(".")) or table.get(low + ".")
    return found or _BEHEADED.get(name)


@lru_cache(maxsize=1)
def _languages() -> tuple[tuple[str, ...], ...]:
    """The twelve months of each language that shares an abbreviation with another one for a different month."""
    text = Path(__file__).with_name("month_lists.json").read_text(encoding="utf-8")
    return tuple(tuple(row.split("|")) for row in json.loads(text))


@lru_cache(maxsize=4096)
def month_choices(name: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """``(month, the language's months)`` for a name that means different months in different languages, else empty."""
    low = name.strip().lower()
    if low == "jan":  # English wins
        return ()
    found = tuple((row.index(low) + 1, row) for row in _languages() if low in row)
    return found if len({month for month, _ in found}) > 1 else ()


class MonthJudge:
    """Collects the month names of one source that are not English, and settles the ambiguous ones at its end."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._unsure: dict[str, list[Draft]] = {}

    def see(self, name: str, draft: Draft) -> None:
        """Take notice of the name (small letters) before a line."""
        self._seen[name] += 1
        if month_choices(name):
            self._unsure.setdefault(name, []).append(draft)

    def settle(self) -> None:
        """Put the month that most speaks for into every line with an ambiguous name."""
        for name, drafts in self._unsure.items():
            taken = month_number(name)
            choices = month_choices(name)
            told = Counter(month for draft in drafts for month in _told(draft))
            company = {
                month: max(len(self._seen.keys() & set(row)) for number, row in choices if number == month)
                for month in {number for number, _ in choices}
            }
            best = max(company, key=lambda month: (told[month], company[month], month == taken))
            if best != taken and taken is not None:
                for draft in drafts:
                    if draft.outer is Outer.PARTIAL:
                        draft.value += (best - taken) * 32 * DAY


def _told(draft: Draft) -> tuple[int, ...]:
    """The month that the stamp inside the line names."""
    if draft.inner is Inner.PARTIAL:
        return (draft.inner_value // DAY // 32,)
    if draft.inner is Inner.UTC:
        return (month_of(draft.inner_value + (draft.inner_offset_s or 0) * SECOND),)
    return ()
