"""Decoded log records: bytes of any supported carrier in, a ``LogBook`` on one time axis out."""

from __future__ import annotations

from analyzer.records.book import LogBook
from analyzer.records.model import LogRecord
from analyzer.records.read import read_book

__all__ = ["LogBook", "LogRecord", "read_book"]
