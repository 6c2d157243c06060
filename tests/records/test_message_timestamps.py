"""Stamps inside the lines, on the axis of the carrier's stamps."""

from __future__ import annotations

import pytest

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.log_record import Stamp
from analyzer.records.message_timestamps import place_inner
from analyzer.timebase import DAY, LATEST_RESIDUAL, SECOND, pack_partial

NOON = 1_772_366_400 * SECOND  # 2026-03-01 12:00 UTC
HOUR = 3600 * SECOND


def klog(apart: int, zone: int = 0, precision: int = SECOND) -> Draft:
    """A line of klog that was written so long (µs) after its outer stamp, in a zone so far (s) from UTC."""
    wall = pack_partial(3, 1, (NOON + apart + zone * SECOND) % DAY)
    draft = Draft(0, 1, "", "", outer=Outer.UTC, value=NOON, precision=precision, pid=5, inner=Inner.PARTIAL)
    draft.inner_value, draft.inner_precision = wall, 1
    draft.at, draft.rt, draft.absolute = Stamp(NOON, precision), NOON, True
    return draft


def logrus(zone: int) -> Draft:
    """A line that names the zone of its process."""
    draft = Draft(0, 1, "", "", outer=Outer.UTC, value=NOON, precision=SECOND, pid=5, inner=Inner.UTC)
    draft.inner_value, draft.inner_precision, draft.inner_offset_s = NOON, SECOND, zone
    draft.at, draft.rt, draft.absolute = Stamp(NOON, SECOND), NOON, True
    return draft


def placed(*drafts: Draft) -> int | None:
    """By how much the last line's own stamp is behind its outer one."""
    place_inner(Tally("x", 0), list(drafts))
    return drafts[-1].inner_at.us - NOON if drafts[-1].inner_at is not None else None


@pytest.mark.parametrize(
    ("apart", "precision", "found"),
    [
        (0, SECOND, 0),
        (-LATEST_RESIDUAL, SECOND, -LATEST_RESIDUAL),
        (-LATEST_RESIDUAL - 1, SECOND, None),
        (SECOND + 50_000, SECOND, SECOND + 50_000),
        (SECOND + 50_001, SECOND, None),
        (50_001, 1, 50_001),
        (50_002, 1, None),
    ],
)
def test_a_line_is_written_before_it_is_taken_down_and_not_long_before(
    apart: int, precision: int, found: int | None
) -> None:
    assert placed(logrus(0), klog(apart, precision=precision)) == found


@pytest.mark.parametrize("zone", [0, 3600, -18000, 19800])
@pytest.mark.parametrize("change", [0, -3600, 3600])
def test_in_the_hour_of_a_change_of_clocks_the_other_zone_may_fit(zone: int, change: int) -> None:
    assert placed(logrus(zone), klog(-SECOND, zone + change)) == -SECOND
    assert placed(logrus(zone), klog(-SECOND, zone + 2 * (change or 3600))) is None


def test_without_a_named_zone_the_distance_of_most_lines_tells_it() -> None:
    assert placed(klog(0, 3600), klog(-SECOND, 3600)) == -SECOND
    assert placed(klog(0, 3600), klog(0, 3600), klog(-SECOND, 18000)) is None
