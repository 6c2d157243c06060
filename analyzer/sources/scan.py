"""The fast scan of large inputs (a first, line-by-line form)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from analyzer.sources.lines import RawLine, read_lines

BIG = 32 << 20


def candidates(reader: io.BufferedReader, big: bool) -> Iterator[RawLine]:
    """Lines worth decoding."""
    return read_lines(reader)


def export_pattern() -> re.Pattern[bytes]:
    """What an export entry's message must contain."""
    return re.compile(rb"")
