"""When a watch is over: the goal reached, given up, or nothing more to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analyzer.analysis.episodes import default_goal, goal_of
from analyzer.results import Report, StartReport

UntilName = Literal["api", "ready", "started", "images", "node", "node_ready", "server", "end"]
Verdict = Literal["reached", "failed", "timed_out", "undecided", "no_data"]
PATIENCE_S = 60.0  # without a next try after a failed one: systemd's units of k3s and RKE2 wait for 5 s


@dataclass(frozen=True, slots=True)
class Ending:
    """How a watch ended; ``start``: the start that decided it, ``goal``: what it was watched for."""

    verdict: Verdict
    why: str
    start: StartReport | None = None
    goal: str = ""


@dataclass(slots=True)
class Judge:
    """Told of reports, it says whether the watch is over. ``until``: a goal, or the end of a process.

    Starts that were over when the watch began do not count; ``tries`` failed ones are enough.
    """

    until: UntilName | None = None
    tries: int | None = None
    first: int | None = None  # index of the first start that counts

    def ending(self, report: Report | None, silent_s: float = 0.0) -> Ending | None:
        """``None``: go on. ``silent_s``: for how long nothing came."""
        if report is None or not report.starts:
            return None
        if self.first is None:
            self.first = report.starts[-1].index
        counted = [start for start in report.starts if start.index >= self.first]
        failed = 0
        for start in counted:
            if self._reached(start):
                return Ending("reached", "", start, self._goal(start))
            failed += is_failed(start)
            if failed == self.tries:
                return Ending("failed", f"{failed} of {self.tries} tries failed", start, self._goal(start))
        last = counted[-1]
        if is_failed(last) and silent_s >= PATIENCE_S:
            return Ending("failed", f"it failed, and was not tried again for {silent_s:.0f} s", last, self._goal(last))
        return None

    def at_the_end(self, report: Report | None) -> Ending:
        """The input is over, and ``ending`` said nothing."""
        if report is None or not report.starts:
            return Ending("no_data", "the input ended without a trace of a k3s or RKE2 run")
        last = report.starts[-1]
        if is_failed(last) or last.outcome == "stopped" or last.end.kind == "stopped":
            how = "failed" if is_failed(last) else "was stopped"
            return Ending("failed", f"it {how}, and the input ended before another try", last, self._goal(last))
        return Ending("undecided", "the input ended first", last, self._goal(last))

    def timed_out(self, report: Report | None, timeout_s: float) -> Ending:
        """The time is over."""
        last = report.starts[-1] if report is not None and report.starts else None
        if last is None:
            return Ending("timed_out", f"no start of k3s or RKE2 was seen within {timeout_s:g} s", None, "")
        return Ending("timed_out", f"not within {timeout_s:g} s", last, self._goal(last))

    def _goal(self, start: StartReport) -> str:
        return default_goal(start) if self.until is None else {"ready": "api"}.get(self.until, self.until)

    def _reached(self, start: StartReport) -> bool:
        wanted = self._goal(start)
        return start.end.kind != "running" if wanted == "end" else goal_of(start, wanted).state == "reached"


def is_failed(start: StartReport) -> bool:
    """Whether the process of a start is gone and was not told to go."""
    return start.outcome == "failed" or start.end.kind == "failed"


def failed_tries(starts: Sequence[StartReport]) -> int:
    """How many of them failed."""
    return sum(map(is_failed, starts))
