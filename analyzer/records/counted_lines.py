"""Lines that the fast scan passed over, in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.records.draft import Tally
from analyzer.sources.raw_lines import RawLine
from analyzer.sources.scan import KEPT_LINES


def counted(lines: Iterable[RawLine], tally: Tally, first: int = 1) -> Iterator[RawLine]:
    """``lines``, after the numbers that are missing between them went into the ledger."""
    previous = first - 1
    for line in lines:
        passed = line.number - previous - (0 if line.filler else 1)
        previous = line.number
        if passed > 0:
            tally.lines += passed
            if passed > line.dropped:
                tally.reasons["passed over by the fast scan"] += passed - line.dropped
            if line.dropped:
                too_many(tally, line.dropped)
        if not line.filler:
            yield line


def too_many(tally: Tally, dropped: int) -> None:
    """So many lines worth keeping were left out."""
    tally.tell(
        f"{dropped} lines about starts were left out in the middle, because more than {KEPT_LINES} of them are too"
        " many",
        "left out: more lines about starts than can be held",
        dropped,
    )
