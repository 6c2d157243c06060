"""``systemctl status`` beside a log: a start of which the log itself tells is no other one."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from analyzer.records.log_record import LogRecord, Payload
from analyzer.records.startup_order import ANNOUNCED


def announced_at(records: Iterable[LogRecord]) -> list[int]:
    """When systemd announced starts, in the log itself."""
    told = (r for r in records if r.payload is Payload.SYSTEMD and ANNOUNCED.match(r.message))
    return sorted(record.at.us for record in told if record.at is not None)


def told_anyway(record: LogRecord, begins: Sequence[int]) -> bool:
    """Whether ``systemctl status`` beside the log speaks of a start that systemd announces there."""
    if "since" not in record.fields or record.at is None or not record.fields.get("state", "").startswith("activating"):
        return False
    at = bisect.bisect_left(begins, record.at.us)
    return at < len(begins) and begins[at] < record.at.us + record.at.precision_us
