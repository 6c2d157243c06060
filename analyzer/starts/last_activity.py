"""Until when the processes of a start wrote ordinary lines: what a process survives is no end of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.start import Start

_ORDINARY = (Payload.LOGRUS, Payload.KLOG)


@dataclass(slots=True)
class LastActivity:
    """The last ordinary lines of a start: in one pass, because there may be as many ends to be asked about."""

    latest_us: dict[int | None, int] = field(default_factory=dict)  # by process; ``None``: those that name none
    last_seq: int = -1

    def outlives(self, record: LogRecord, by_us: int, *pids: int | None) -> bool:
        """Whether one of the processes wrote so long after a line; without any: whether anybody did."""
        if record.stamp is None or self.last_seq < record.seq:
            return False
        limit = record.stamp.end_us + by_us
        return any(self.latest_us.get(pid, limit) > limit for pid in pids or self.latest_us)


def lasting(start: Start) -> LastActivity:
    """Looks at all lines of the start's processes."""
    found = LastActivity()
    for record in filter(is_ordinary, start.process):
        found.last_seq = record.seq
        stamp = record.inner_at or record.at
        if stamp is not None:
            found.latest_us[record.pid] = max(stamp.us, found.latest_us.get(record.pid, stamp.us))
    return found


def is_ordinary(record: LogRecord) -> bool:
    """Whether a line is one that a living process writes."""
    return record.payload in _ORDINARY and record.level not in ("fatal", "panic")
