"""Stamps of several clocks on one axis."""

from __future__ import annotations

from analyzer.timebase import SECOND
from tests.kit.handmade import ZERO_US, Journal


def test_an_entry_without_the_monotonic_stamp_of_its_boot_stays_at_its_own_and_is_no_step() -> None:
    journal = Journal().begin(1.0).say(2.0, "one").say(3.0, "two").say(4.0, "three")
    del journal.rows[-2]["__MONOTONIC_TIMESTAMP"]
    found = journal.log_records()
    assert not found.steps
    at = [record.at.us - ZERO_US for record in found.records if record.at is not None]
    assert at[-3:] == [2 * SECOND, 3 * SECOND, 4 * SECOND]
