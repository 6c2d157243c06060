"""Pooled windows of readiness: the same start in whole seconds holds what its fine stamps say."""

from __future__ import annotations

import pytest

from analyzer.analysis import analyze_records
from analyzer.simulator.analysed_starts import windows
from tests.kit.handmade import Journal


def start(first_poll: float, running: float) -> Journal:
    journal = Journal().begin(0.2).poll(first_poll).ticking(0.5, running, 0.4).serving(3.0)
    return journal.poll(first_poll + 2.0).running(running)


@pytest.mark.parametrize(("first_poll", "running"), [(1.01, 5.02), (1.5, 5.51), (1.99, 6.0), (1.4, 7.41)])
def test_polling_may_have_begun_up_to_a_second_after_a_cut_off_stamp(first_poll: float, running: float) -> None:
    journal = start(first_poll, running)
    [fine], [coarse] = (
        analyze_records(journal.log_records(data), tool_version="0").starts for data in (None, journal.short())
    )
    assert (fine.clock.precision_s, coarse.clock.precision_s) == (1e-6, 1.0)
    (low,), (high,) = windows([fine])
    (coarse_low,), (coarse_high,) = windows([coarse])
    assert coarse_low <= low and high <= coarse_high
    assert coarse_high - coarse_low <= high - low + 3.0
