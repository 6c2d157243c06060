"""Ends whose own words are nothing but an error: what the process was doing then says what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from analyzer.events import chain
from analyzer.events.vocabulary import LazyPattern, load, read_as

_ERROR = re.compile(r"^(?:Error: |fatal: )+")
_LONGEST = 300  # an error alone is short


@dataclass(frozen=True, slots=True)
class BareEnd:
    """One meaning of such words; the keys are explained in ``bare_ends.toml``."""

    id: str
    title: str
    means: str
    advice: str
    words: LazyPattern | None = None
    last: LazyPattern | None = None
    early: bool = False
    product: str = ""
    proof: str = ""


@cache
def bare_ends() -> tuple[BareEnd, ...]:
    """All entries, in file order."""
    return tuple(read_as(BareEnd, raw) for raw in load("bare_ends.toml")["end"])


def meaning(words: str, last: str, *, early: bool, product: str) -> BareEnd | None:
    """What the words of an end mean after ``last``, the line before it of the process itself; ``None``: not known.

    Words that say where they come from are none of these. ``early``: the process never came to its banner.
    """
    bare = _ERROR.sub("", words.strip())
    if len(bare) > _LONGEST or chain.read(bare, product).links:
        return None
    return next((end for end in bare_ends() if _fits(end, bare, last, early, product)), None)


def _fits(end: BareEnd, bare: str, last: str, early: bool, product: str) -> bool:
    return (
        end.product in ("", product)
        and (early or not end.early)
        and (end.words is None or end.words.search(bare) is not None)
        and (end.last is None or end.last.search(last) is not None)
    )
