"""Which starts a report is about, and the verdict of a time limit over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analyzer.analysis.episodes import default_goal
from analyzer.errors import ExitCode, UsageError
from analyzer.gate.held import held
from analyzer.reports import wording
from analyzer.reports.goal_words import asked, no_such_goal, words
from analyzer.results import Goal, StartReport


def select_starts(starts: Sequence[StartReport], choice: str | None) -> tuple[StartReport, ...]:
    """The starts that ``choice`` names: a 1-based index, ``last``, ``all``, ``slowest``; ``None`` is ``all``.

    ``slowest`` is the start that became ready latest after it began; when none became ready, the one that is
    known to have waited longest. Raises ``UsageError`` for anything else and for an index that does not exist.
    """
    if choice is None or choice == "all":
        return tuple(starts)
    if choice == "last":
        return tuple(starts[-1:])
    if choice == "slowest":
        return (max(starts, key=_slowness),) if starts else ()
    if choice.isascii() and choice.isdigit():
        chosen = tuple(s for s in starts if s.index == int(choice))
        if chosen:
            return chosen
        raise UsageError(f"there is no start {choice}", hint=f"The input holds {wording.plural(len(starts), 'start')}")
    raise UsageError(f"--start {choice} is not understood", hint="Give a number, last, all or slowest")


def _slowness(start: StartReport) -> tuple[bool, float]:
    if start.ready.upper is not None:
        return True, start.ready.upper
    return False, start.ready.lower or start.cut_at_s or 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One start against a time limit: the exit code that it asks for, and what was judged, in a sentence."""

    code: ExitCode
    sentence: str


def worst(judged: Sequence[Judged]) -> ExitCode:
    """The exit code for all of them: one failure outweighs any doubt, one doubt any number of passes.

    Nothing judged is undecided.
    """
    order = (ExitCode.GATE_FAILED, ExitCode.INCONCLUSIVE, ExitCode.OK)
    return min((one.code for one in judged), key=order.index, default=ExitCode.INCONCLUSIVE)


def judge_each(starts: Sequence[StartReport], limit_s: float, goal: str | None = None) -> list[Judged]:
    """A goal of every start against a limit, by default the one its outcome speaks of.

    A start passes when the goal's window ends by the limit and its begin is in the text or bounded by it: else it may
    have waited long before the first line. It fails when the window begins at or after the limit, because lengths in a
    fragment are lower bounds, or when the start failed. Everything else is undecided.
    """
    judged = [_judge(start, limit_s, goal) for start in starts]
    if any(later.index - start.index > 1 for start, later in pairwise(starts)):
        judged.append(
            Judged(ExitCode.INCONCLUSIVE, "starts in the middle of this very long log were not judged: undecided")
        )
    return judged


def _judge(start: StartReport, limit_s: float, name: str | None) -> Judged:
    goal = asked(start, name)
    about = f"start {start.index}, limit {limit_s:g} s, {start.outcome}"
    if goal is None:
        return Judged(ExitCode.INCONCLUSIVE, f"{about}: undecided, {no_such_goal(start, name or '')}")
    window = goal.window
    about += f", goal {goal.id} {wording.window_words(window)}"
    if start.outcome == "failed":
        return Judged(ExitCode.GATE_FAILED, f"{about}: over the limit, the start failed")
    least, most = _length(start, goal)
    result = held(least, most, limit_s)
    if result == "fail":
        return Judged(ExitCode.GATE_FAILED, f"{about}: over the limit")
    if goal.state == "not_reached" and start.end.kind == "failed":
        return Judged(ExitCode.GATE_FAILED, f"{about}: over the limit, it ended by itself without it")
    if result == "pass":
        return Judged(ExitCode.OK, f"{about}: within the limit")
    return Judged(ExitCode.INCONCLUSIVE, f"{about}: undecided, {_why_undecided(start, goal, limit_s)}")


def _length(start: StartReport, goal: Goal) -> tuple[float, float]:
    """How long it took to the goal: open above where the text does not say how the start went, or how it began."""
    window = goal.window
    most = math.inf
    if _told(start, goal) and window.upper is not None and start.begun_before_s is not None:
        most = window.upper + start.begun_before_s
    return -math.inf if window.lower is None else window.lower, most


def _told(start: StartReport, goal: Goal) -> bool:
    """Whether the text says how the start went, as far as its goal goes."""
    if goal.id == default_goal(start):
        return start.role != "agent" or start.outcome == "ready"
    return goal.state == "reached"


def _why_undecided(start: StartReport, goal: Goal, limit_s: float) -> str:
    window = goal.window
    return wording.first_that_holds(
        (goal.state == "not_reached" and start.end.kind == "stopped", "it was stopped on request before"),
        (goal.state == "not_reached", "the log ends before"),
        (window.upper is None, f"the log does not show when {words(start, goal.id)}"),
        (not _told(start, goal), "the log does not show how its start went"),
        (start.begun_before_s is None, "its beginning is not in the log, so it took longer by an unknown time"),
        ((window.upper or 0.0) > limit_s, "the limit lies inside the window"),
        (True, "its beginning is not exactly known"),
    )
