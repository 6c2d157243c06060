"""Records made by hand for the tests of the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.records.log_record import NO_FIELDS, LogRecord, Payload


def record(
    message: str,
    payload: Payload = Payload.PLAIN,
    *,
    level: str = "",
    file: str = "",
    seq: int = 0,
    unit: str | None = "k3s.service",
    fields: Mapping[str, str] = NO_FIELDS,
) -> LogRecord:
    return LogRecord(seq, 0, seq + 1, message, message, payload, level=level, file=file, unit=unit, fields=fields)


def logrus(message: str, level: str = "info", *, seq: int = 0, fields: Mapping[str, str] = NO_FIELDS) -> LogRecord:
    return record(message, Payload.LOGRUS, level=level, seq=seq, fields=fields)


def klog(message: str, file: str, level: str = "info", *, seq: int = 0) -> LogRecord:
    return record(message, Payload.KLOG, level=level, file=file, seq=seq)


def systemd(message: str, unit: str | None = "k3s.service", *, seq: int = 0) -> LogRecord:
    return record(message, Payload.SYSTEMD, seq=seq, unit=unit)
