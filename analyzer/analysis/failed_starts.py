"""What repeats in starts that failed: how often, how far apart, how long they lived, with which words they ended.

Worked out here alone: the finding on a crash loop and the summary above the starts say the same numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analyzer.results import StartReport
from analyzer.starts.truncated_lines import same_words

# What differs from start to start in the same words: moments, addresses of memory, ports of the other end.
_PASSING = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+\S*|0x[0-9a-f]+|(?<=:)\d{4,5}(?=->)")
_SHOWN = 300
RESTARTS = re.compile(r"restart counter is at (\d+)")
LOOP = 3  # so many failures in a row, or restarts, are a crash loop


@dataclass(frozen=True, slots=True)
class FailedStarts:
    """``lives_s`` are their lengths in seconds, shortest first, of those whose begin and end the text holds.

    ``reasons`` are the words with which they ended (``""``: none in the text) and how many had them, most frequent
    first; ``period_s`` is the middle one of the times from one's begin to the next one's.
    """

    count: int
    period_s: float | None
    lives_s: tuple[float, ...]
    reasons: tuple[tuple[str, int], ...]

    @property
    def middle_life_s(self) -> float | None:
        """Half of them all lived no longer; ``None`` where too few lengths are known to say so."""
        middle = self.count // 2
        return self.lives_s[middle] if middle < len(self.lives_s) else None

    @property
    def spacing(self) -> str:
        """``one about every 84 s``; empty where fewer than two are dated."""
        if self.period_s is None:
            return ""
        whole = round(self.period_s)
        if whole >= 120:
            return f"one about every {whole // 60} min {whole % 60:02d} s"
        return f"one about every {self.period_s:.{0 if whole >= 10 else 1}f} s"


def failed_starts(members: Sequence[StartReport]) -> FailedStarts:
    """The facts on some failed starts in the order of the log; those of other hosts and units have own periods."""
    steps = sorted(
        (after.began_at - before.began_at).total_seconds()
        for before, after in pairwise(members)
        if before.began_at is not None
        and after.began_at is not None
        and (before.host, before.unit) == (after.host, after.unit)
    )
    lives = (member.end.at_s for member in members if member.begin_seen and member.end.at_s is not None)
    return FailedStarts(
        count=len(members),
        period_s=_middle(steps),
        lives_s=tuple(sorted(lives)),
        reasons=tuple(_grouped([last_words(member) for member in members])),
    )


def _middle(ordered: Sequence[float]) -> float | None:
    return ordered[len(ordered) // 2] if ordered else None


def last_words(report: StartReport) -> str:
    """The reason of a start's end without what differs from start to start; empty where the text holds none."""
    return _PASSING.sub("…", report.outcome_reason or report.end.reason or "")[:_SHOWN]


def _grouped(reasons: Sequence[str]) -> list[tuple[str, int]]:
    """Reasons with their numbers, the most frequent first; cut ones count with the whole ones they begin."""
    groups: dict[str, int] = {}
    for words, number in sorted(Counter(reasons).items(), key=lambda pair: (pair[0].endswith("…"), -len(pair[0]))):
        same = next((other for other in groups if same_words(words, other)), words)
        groups[same] = groups.get(same, 0) + number
    return sorted(groups.items(), key=lambda pair: -pair[1])
