"""The log as a whole: records of all inputs in one order, on one axis, with what was read and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analyzer.ledger import Ledger
from analyzer.records.model import ClockStep, LogRecord, SourceInfo


@dataclass(slots=True)
class LogBook:
    """All decoded records in true order.

    Records of one (host, boot) are contiguous in time order; equal stamps keep file order; ``seq`` numbers the
    result. ``notes`` maps a source index to sentences a reader should know ("reversed input was turned round").
    """

    records: list[LogRecord]
    sources: Sequence[SourceInfo]
    ledger: Ledger
    steps: Sequence[ClockStep] = ()
    notes: Mapping[int, Sequence[str]] = field(default_factory=dict)
