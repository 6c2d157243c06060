"""A binary journal, which is read here and there: from its own file, or from memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from analyzer.errors import BadInputError
from analyzer.records.carriers.carrier import Carrier, Opened
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.sources.open_input import JOURNAL_MAGIC
from analyzer.sources.source import Input

JOURNAL_IN_MEMORY = 136 << 20  # bytes: journald's own files end at 128 MiB


@contextmanager
def opened_journal(given: Input, reader: io.BufferedReader) -> Iterator[BinaryIO]:
    """A binary journal as a file that can be read here and there. Raises ``BadInputError`` when it is too large."""
    if given.path is not None:
        with open(given.path, "rb", buffering=0) as file:
            if file.read(8) == JOURNAL_MAGIC:
                yield file
                return
    data = reader.read(JOURNAL_IN_MEMORY + 1)
    if len(data) > JOURNAL_IN_MEMORY:
        raise BadInputError(
            f"{given.name} is a binary journal of more than {JOURNAL_IN_MEMORY >> 20} MiB, which can only be read from"
            " a plain file",
            hint="Unpack it and give the file",
        )
    yield io.BytesIO(data)


def _read(opened: Opened, tally: Tally) -> Iterator[Draft]:
    from analyzer.records.carriers.binary_journal import read_journal

    with opened_journal(opened.given, opened.reader) as file:
        yield from read_journal(file, tally, None if isinstance(file, io.BytesIO) else opened.given.path)


BINARY = Carrier("journal", Outer.UTC, begins=lambda head: head.startswith(JOURNAL_MAGIC), read=_read)
