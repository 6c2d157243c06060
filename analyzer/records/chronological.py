"""Whether a text was printed newest first, and turning it round entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from analyzer.records.carriers import prints_newest_first
from analyzer.records.draft import Draft, Inner, Tally
from analyzer.records.grouping import in_rows
from analyzer.records.startup_order import ranks
from analyzer.records.timestamps import stamp_series
from analyzer.timebase import mostly_backwards

_SHORT_TEXT = 2000  # lines looked at for the order of what is said


def true_order(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """The drafts in the order of time: turned round, entry by entry, where they were printed newest first."""
    newest_first = tally.newest_first or prints_newest_first(tally.format)
    if not _runs_backwards(drafts, newest_first):
        return drafts
    entries = in_rows(drafts, lambda draft: draft.follows)
    gaps = [(entry[0].gap_before, entry[0].lost_before) for entry in entries]
    # A gap above the next line is one before this.
    for entry, gap in zip(entries, [*gaps[1:], (False, False)], strict=True):
        entry[0].gap_before, entry[0].lost_before = gap
    tally.tell("the input runs backwards in time and was turned round", "input turned round")
    return [draft for entry in reversed(entries) for draft in entry]


def _runs_backwards(drafts: Sequence[Draft], newest_first: bool) -> bool:
    series = stamp_series(drafts)
    if mostly_backwards(series, least=1 if newest_first else 2):
        return True
    if any(after > before for before, after in pairwise(series)):
        return False
    # All within a second or two: the microseconds of the components, or the order in which things are always said.
    fine = [d.inner_value for d in drafts if d.inner is Inner.PARTIAL and not d.follows]
    if any(after != before for before, after in pairwise(fine)):
        return mostly_backwards(fine)
    return mostly_backwards(ranks(drafts[:_SHORT_TEXT]))
