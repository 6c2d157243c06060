"""A binary journal, which is read here and there: from its own file, or from memory."""

from __future__ import annotations

import io
from collections.abc import Iterator

from analyzer.errors import BadInputError
from analyzer.records.carriers.carrier import Carrier, Opened
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.sources.open_input import JOURNAL_MAGIC

JOURNAL_IN_MEMORY = 136 << 20  # bytes: journald's own files end at 128 MiB


def _read(opened: Opened, tally: Tally) -> Iterator[Draft]:
    from analyzer.records.carriers.binary_journal import read_journal

    given = opened.given
    if given.path is not None:
        with open(given.path, "rb", buffering=0) as file:
            if file.read(8) == JOURNAL_MAGIC:
                yield from read_journal(file, tally, given.path)
                return
    data = opened.reader.read(JOURNAL_IN_MEMORY + 1)
    if len(data) > JOURNAL_IN_MEMORY:
        raise BadInputError(
            f"{given.name} is a binary journal of more than {JOURNAL_IN_MEMORY >> 20} MiB, which can only be read from"
            " a plain file",
            hint="Unpack it and give the file",
        )
    yield from read_journal(io.BytesIO(data), tally)


BINARY = Carrier("journal", Outer.UTC, begins=lambda head: head.startswith(JOURNAL_MAGIC), read=_read)
