"""From lines to journal entries: journald's own stamps, which can lag, and one order for all hosts."""

from __future__ import annotations

import random
from collections.abc import Iterable

from analyzer.testing.truth import SECOND, Entry, Line, StartTruth


def stamped(
    lines: Iterable[Line], truth: StartTruth, booted_us: int, *, starved: bool, rng: random.Random
) -> list[Entry]:
    """Entries of one start.

    journald reads what a process wrote a tenth of a millisecond later; on a starved machine it now and then reads a
    whole batch a tenth of a second later, seldom seconds, in one go. Stamps of one stream never go back.
    """
    out: list[Entry] = []
    last = held_until = 0
    for line in lines:
        at = line.at_us
        if line.ident != "systemd":
            if at >= held_until:
                at += min(round(rng.lognormvariate(4.6, 0.7)), 20_000)
                if starved and rng.random() < 0.01:
                    held_until = line.at_us + min(round(rng.lognormvariate(-2.5, 1.3) * SECOND), 4 * SECOND)
                    at = held_until
            else:
                at = held_until + rng.randint(2, 40)
            at = max(at, last)
            last = at
        out.append(Entry(at, at - booted_us, truth.host, truth.unit, truth.boot_id, truth.invocation_id, line))
    return out


def merged(entries: Iterable[Entry]) -> list[Entry]:
    """One journal of several starts and hosts, by realtime; equal stamps keep their order."""
    return sorted(entries, key=lambda entry: entry.realtime_us)
