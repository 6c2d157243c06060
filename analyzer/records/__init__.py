"""Decoded log records: bytes of any supported carrier in, a ``LogRecords`` on one time axis out."""

from __future__ import annotations

from analyzer.records.log_record import LogRecord
from analyzer.records.log_records import LogRecords
from analyzer.records.read import read_log_records

__all__ = ["LogRecord", "LogRecords", "read_log_records"]
