"""The waits that a start prints, and what shows that they are over (``open_waits.toml``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from analyzer.events.vocabulary import load


@dataclass(frozen=True, slots=True)
class WaitLine:
    """One kind of waiting line; the keys are explained in the file."""

    words: re.Pattern[str]
    over: re.Pattern[str] | None
    what: str
    until_ready: bool = False


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
