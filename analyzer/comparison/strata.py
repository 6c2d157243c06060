"""Like with like: which starts of the two sides are alike, so that each kind weighs the same on both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.collection.groups import label
from analyzer.collection.model import StartRow
from analyzer.comparison.sides import SideOf

_SAME = 0.02  # shares of a stratum that differ by no more are the same mix
_FEWEST = 2  # starts of a stratum, for it to say how much its starts vary

KINDS: dict[bool | None, str] = {True: "first starts", False: "restarts", None: "of unknown kind"}


def kind(start: StartRow) -> str:
    """Whether it made the cluster, which takes longer than to start again."""
    return KINDS[start.fresh]


_LABELS: dict[str, Callable[[StartRow], str]] = {
    "kind": kind,
    "version": lambda start: label(start, "version"),
    "host": lambda start: label(start, "host"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """The stratum of every start of each side; ``names`` say by what, none: nothing is to be weighed."""

    names: tuple[str, ...]
    base: npt.NDArray[np.int64]
    new: npt.NDArray[np.int64]

    @classmethod
    def of(cls, base: SideOf, new: SideOf) -> Strata:
        """By each label of which both sides have the same several values, in shares that differ."""
        names: tuple[str, ...] = ()
        for name in _LABELS:
            if _mixes_differ(base.starts, new.starts, (name,)) and _shared(base.starts, new.starts, (*names, name)):
                names = (*names, name)
        numbers: dict[tuple[str, ...], int] = {}
        sides = [
            np.array([numbers.setdefault(_values(start, names), len(numbers)) for start in side.starts], dtype=np.int64)
            for side in (base, new)
        ]
        return cls(names, *sides)


def _values(start: StartRow, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_LABELS[name](start) for name in names)


def _counts(starts: Sequence[StartRow], names: Sequence[str]) -> Counter[tuple[str, ...]]:
    return Counter(_values(start, names) for start in starts)


def _shared(base: Sequence[StartRow], new: Sequence[StartRow], names: Sequence[str]) -> bool:
    """Whether both sides have the same strata, several, each of a few starts: then none has to be left out."""
    one, other = _counts(base, names), _counts(new, names)
    return len(one) > 1 and one.keys() == other.keys() and min(*one.values(), *other.values()) >= _FEWEST


def _mixes_differ(base: Sequence[StartRow], new: Sequence[StartRow], names: Sequence[str]) -> bool:
    one, other = _counts(base, names), _counts(new, names)
    return any(abs(one[value] / len(base) - other[value] / len(new)) > _SAME for value in one.keys() | other.keys())
