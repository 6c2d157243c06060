"""How much work something is, without a limit in seconds: those fail on slow or busy machines and prove little."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

TIMES = 4  # the larger size is so many times the smaller
TRIES = 3  # noise only ever adds: the best of so many
TOO_SHORT_S = 0.002  # of processor time: noise


def calls(run: Callable[[], object]) -> int:
    """How many functions are called, in Python and in C. The same on every machine; blind to loops within C."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def proportional(run: Callable[[int], object], size: int) -> bool:
    """Whether ``run(size)`` takes at most about ``TIMES`` times as long as ``run(size // TIMES)``; a square takes 16.

    By processor time, since nothing can be counted within regular expressions. What is over at once is never too long.
    """

    def seconds(length: int) -> float:
        begin = time.process_time()
        run(length)
        return time.process_time() - begin

    small = large = float("inf")
    for _ in range(TRIES):
        small, large = min(small, seconds(size // TIMES)), min(large, seconds(size))
        if large < 2 * TIMES * max(small, TOO_SHORT_S):
            return True
    return False
