"""Moments of a start as lengths since it began.

The zero of a start is a timestamp, and a timestamp is truncated: the start began up to one precision later than its
zero says. A moment that is at least 5.9 s after a zero in whole seconds came at least 4.9 s after the start began.
"""

from __future__ import annotations

from dataclasses import replace

from analyzer.results import StartReport
from analyzer.window import Window

_FINE_S = 0.01  # less is no matter


def least_since_begin(start: StartReport, moment_s: float) -> float:
    """The least that can have passed since the start began at a moment so long after its zero."""
    coarse = start.clock.precision_s if start.clock.precision_s > _FINE_S else 0.0
    return max(0.0, moment_s - coarse)


def since_begin(start: StartReport, window: Window) -> Window:
    """A window as one of the length since the start began; its upper end holds where the begin is in the log."""
    return window if window.lower is None else replace(window, lower=least_since_begin(start, window.lower))
