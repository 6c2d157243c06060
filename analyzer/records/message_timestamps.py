"""Stamps that the program put into its lines (klog, logrus, etcd), on the axis that the carrier's stamps gave."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.log_record import Stamp, clock_info
from analyzer.timebase import HOUR, LATEST_RESIDUAL, SECOND, nearest_year, quarter_offset

_INNER_SLACK = 50_000  # µs: an inner stamp this much after the outer one is rounding, more is another clock


def place_inner(tally: Tally, drafts: list[Draft]) -> None:
    """``inner_at`` of every record, and the clock note of structured records (zone from the process's own stamps)."""
    zones = _process_zones(drafts)
    usual = next((zone for zone, _ in Counter(zones.values()).most_common(1)), None)
    for draft in drafts:
        if draft.outer is Outer.UTC:
            zone = draft.offset_s if draft.offset_s is not None else zones.get(draft.pid, usual)
            basis = "monotonic" if draft.mono is not None and draft.boot_id is not None else "journal"
            draft.clock = clock_info(basis, draft.precision, zone, "stamp")
        if draft.at is None or draft.rt is None or draft.inner is Inner.NONE or draft.follows:
            continue
        moment: int | None = None
        if draft.inner is Inner.UTC and draft.absolute:
            moment = draft.inner_value
        elif draft.inner is Inner.PARTIAL:
            moment = _klog_moment(draft, zones)
        limit = draft.rt + max(draft.at.precision_us, 1) + _INNER_SLACK
        # Else there is another zone, a clock step between the two, or a quoted line.
        if moment is not None and draft.rt - LATEST_RESIDUAL <= moment <= limit:
            draft.inner_at = Stamp(moment + draft.at.us - draft.rt, draft.inner_precision)


def _process_zones(drafts: list[Draft]) -> dict[int | None, int]:
    """Per pid klog's wall − axis in s: from its logrus stamps, else from its klog lines' own distance."""
    named: dict[int | None, Counter[int]] = defaultdict(Counter)
    for draft in drafts:
        if draft.inner is Inner.UTC and draft.inner_offset_s is not None and draft.absolute and not draft.etcd:
            named[draft.pid][draft.inner_offset_s] += 1
    derived: dict[int | None, Counter[int]] = defaultdict(Counter)
    for draft in drafts:
        if draft.inner is not Inner.PARTIAL or draft.rt is None or draft.pid in named:
            continue
        wall = nearest_year(draft.inner_value, draft.rt)
        offset = quarter_offset(draft.rt - wall) if wall is not None else None
        if offset is not None:
            derived[draft.pid][-offset] += 1
    return {pid: votes.most_common(1)[0][0] for pid, votes in (derived | named).items()}


def _klog_moment(draft: Draft, zones: Mapping[int | None, int]) -> int | None:
    """UTC (or axis wall) of a klog stamp in its process's zone; in the hour of a DST change the other zone may fit."""
    assert draft.rt is not None
    zone = zones.get(draft.pid)
    wall = nearest_year(draft.inner_value, draft.rt + zone * SECOND) if zone is not None else None
    if zone is None or wall is None:
        return None
    moment = wall - zone * SECOND
    most = draft.rt + max(draft.precision, draft.inner_precision) + _INNER_SLACK
    shifted = (moment, moment - HOUR, moment + HOUR)
    return next((one for one in shifted if draft.rt - LATEST_RESIDUAL <= one <= most), moment)
