"""What more of the text says of a finding (``refined.toml``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from analyzer.events.vocabulary import LazyPattern, Minor, load, read_as


@dataclass(frozen=True, slots=True)
class Refined:
    """One entry; the keys are explained in the file."""

    of: frozenset[str] = frozenset()
    words: LazyPattern | None = None
    beside: LazyPattern | None = None
    own: Literal["", "last", "all"] = ""
    holds_data: bool = False
    product: str = ""
    since: Minor | None = None
    until: Minor | None = None
    any_release: bool = False
    title: str = ""
    means: str = ""
    advice: str = ""

    def in_release(self, release: Minor | None) -> bool:
        """Whether it holds in a release; ``None``: the text does not tell it."""
        if release is None:
            return self.since is None and self.until is None
        return not self.any_release and (self.since or release) <= release <= (self.until or release)


@cache
def refined() -> tuple[Refined, ...]:
    """All entries, in file order."""
    return tuple(read_as(Refined, raw) for raw in load("refined.toml")["refined"])
