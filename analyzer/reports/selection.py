"""Which starts a report is about, and the verdict of a time limit over them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from analyzer.errors import ExitCode, UsageError
from analyzer.findings import StartReport

Kind = Literal["default", "last", "all", "slowest", "index"]


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
        raise UsageError(f"there is no start {choice}", hint=f"The input holds {_count(len(starts))}")
    raise UsageError(f"--start {choice} is not understood", hint="Give a number, last, all or slowest")


def _count(n: int) -> str:
    return "1 start" if n == 1 else f"{n} starts"


def _slowness(start: StartReport) -> tuple[bool, float]:
    if start.ready.upper is not None:
        return True, start.ready.upper
    return False, start.ready.lower or start.cut_at_s or 0.0


def judge_limit(starts: Sequence[StartReport], limit_s: float) -> ExitCode:
    """Whether every start was ready within ``limit_s`` seconds: ``OK``, ``GATE_FAILED`` or ``INCONCLUSIVE``.

    A start passes when its window ends by the limit, fails when the window begins at or after it or when the
    start failed, and is undecided otherwise. One failure outweighs any doubt, one doubt any number of passes.
    """
    verdicts = {_judge(start, limit_s) for start in starts}
    if any(later.index - start.index > 1 for start, later in pairwise(starts)):
        verdicts.add(ExitCode.INCONCLUSIVE)  # those left out of a very long log may have been too late
    for verdict in (ExitCode.GATE_FAILED, ExitCode.INCONCLUSIVE, ExitCode.OK):
        if verdict in verdicts:
            return verdict
    return ExitCode.INCONCLUSIVE


def _judge(start: StartReport, limit_s: float) -> ExitCode:
    if start.outcome == "failed" or (start.ready.lower is not None and start.ready.lower >= limit_s):
        return ExitCode.GATE_FAILED
    if start.ready.upper is not None and start.ready.upper <= limit_s:
        return ExitCode.OK
    return ExitCode.INCONCLUSIVE
