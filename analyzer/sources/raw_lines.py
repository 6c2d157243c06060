"""Raw lines with their numbers, bounded in length."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

LINE_LIMIT = 256 * 1024  # bytes; journald's own limit is 48 KiB


@dataclass(slots=True)
class RawLine:
    """One physical line without its end. ``cut``: its tail was dropped. ``gap``: lines before it were."""

    number: int
    data: bytes
    cut: bool = False
    gap: bool = False
    filler: bool = False  # only tells the number of the last line; no content
    dropped: int = 0  # how many lines before it were worth keeping but too many to be held
    last: bool = False  # the input ended without a newline: the line may be incomplete


def read_lines(reader: io.BufferedReader) -> Iterator[RawLine]:
    """Every line of ``reader``, numbered from 1."""
    for number, data in enumerate(iter(partial(reader.readline, LINE_LIMIT), b""), 1):
        if data.endswith(b"\n"):
            yield RawLine(number, data[:-1])
        elif len(data) < LINE_LIMIT:
            yield RawLine(number, data, last=True)
        else:
            tail = data
            while tail and not tail.endswith(b"\n"):
                tail = reader.readline(LINE_LIMIT)
            yield RawLine(number, data, cut=True)
