"""The log as a whole: records of all inputs in one order, on one axis, with what was read and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analyzer.ledger import Ledger
from analyzer.records.log_record import ClockStep, LogRecord, SourceInfo
from analyzer.sources.pod_files import Pod


@dataclass(frozen=True, slots=True)
class LogRecords:
    """All decoded records in true order.

    Records of one (host, boot) are contiguous in time order; equal stamps keep file order; ``seq`` numbers the
    result. ``notes`` maps a source index to sentences a reader should know ("reversed input was turned round").

    ``pods`` names the sources that are logs of RKE2's static pods. Beside other logs their records come after all
    others, in an order of their own: ``seq`` does not compare between the two. ``skew_us`` is by how much the axis of a
    (host, boot) differs at most from the realtime stamps (µs): a journal's monotonic axis does where the clock was set.
    """

    records: Sequence[LogRecord]
    sources: Sequence[SourceInfo]
    ledger: Ledger
    steps: Sequence[ClockStep] = ()
    notes: Mapping[int, Sequence[str]] = field(default_factory=dict)
    pods: Mapping[int, Pod] = field(default_factory=dict)
    skew_us: Mapping[tuple[str | None, str | None], int] = field(default_factory=dict)
