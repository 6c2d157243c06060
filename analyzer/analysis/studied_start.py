"""A start with everything that was worked out about it."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.analysis.check_windows import Facts
from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.polls import PollFacts
from analyzer.results import StartReport
from analyzer.starts import Start, Verdict


@dataclass(frozen=True, slots=True)
class StudiedStart:
    """What the finding rules look at; ``report`` is the start's own, without findings yet."""

    start: Start
    verdict: Verdict
    line_times: LineTimes
    polls: PollFacts
    facts: Facts
    report: StartReport
