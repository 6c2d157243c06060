"""The waits that a start prints, and what shows that they are over (``open_waits.toml``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from analyzer.events.vocabulary import load
from analyzer.records.log_record import LogRecord, Payload


@dataclass(frozen=True, slots=True)
class WaitLine:
    """One kind of waiting line; the keys are explained in the file."""

    words: re.Pattern[str]
    over: re.Pattern[str] | None
    what: str
    until_ready: bool = False

    def said(self, process: Iterable[LogRecord]) -> list[LogRecord]:
        """The lines of the wait behind the last that shows it over."""
        said: list[LogRecord] = []
        for record in process:
            if record.payload is not Payload.LOGRUS:
                continue
            if self.words.match(record.message):
                said.append(record)
            elif self.over is not None and self.over.match(record.message):
                said.clear()
        return said


@cache
def wait_lines() -> tuple[WaitLine, ...]:
    """All entries, in file order."""
    return tuple(
        WaitLine(
            re.compile(raw["words"]),
            re.compile(raw["over"]) if "over" in raw else None,
            raw["what"],
            raw.get("until_ready", False),
        )
        for raw in load("open_waits.toml")["wait"]
    )
