"""The one place that says whether a limit holds, for ``k3slog gate`` and ``--fail-over`` alike."""

from __future__ import annotations

from analyzer.gate.model import Result


def held(least: float, most: float, value: float, *, failed: bool = False, closed: bool = False) -> Result:
    """Whether what lies in ``(least, most]`` is at most ``value``; ``failed``: it certainly never got there.

    It is over a limit at which the window begins, as it took longer than ``least``; ``closed``: it may also be
    ``least`` itself. Infinite ends are open, and both infinite is later than anything.
    """
    if failed or least > value:
        return "fail"
    if most <= value:
        return "pass"
    return "fail" if least == value and not closed else "undecided"
