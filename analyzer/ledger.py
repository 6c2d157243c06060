"""What became of every line that was read: used, ignored, malformed, cut, lost — and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol


class Observer(Protocol):
    """Told about progress while reading; the library is silent without one."""

    def progress(self, path: str, done_bytes: int, total_bytes: int | None) -> None:
        """``done_bytes`` of ``total_bytes`` (``None``: unknown) of ``path`` are read."""


@dataclass(slots=True)
class Ledger:
    """Counts of lines; ``used + ignored + malformed + lossy = lines``; ``truncated`` counts lines among them."""

    lines: int = 0
    used: int = 0
    ignored: int = 0
    malformed: int = 0
    truncated: int = 0
    lossy: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def note(self, reason: str, count: int = 1) -> None:
        """Count something a reader of the report should know ("cut by the pager", "copied twice", …)."""
        self.reasons[reason] += count
