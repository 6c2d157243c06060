"""Like with like: which starts of the two sides are alike, so that each kind weighs the same on both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.collection.groups import label
from analyzer.collection.labels import labels_in
from analyzer.collection.model import StartRow
from analyzer.comparison.sides import SideOf

LABELS = ("kind", "version")
_FEWEST = 3  # starts of a stratum on a side: two do not tell how much their kind varies, as measured


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """The stratum of every start of each side; ``names`` say by what, none: nothing is to be weighed."""

    names: tuple[str, ...]
    base: npt.NDArray[np.int64]
    new: npt.NDArray[np.int64]

    @classmethod
    def of(cls, base: SideOf, new: SideOf) -> Strata:
        """By each label of which both sides have the same several values: then no start has to be left out.

        Also by the user's own: a machine type, a CPU limit, a site.
        """
        names: tuple[str, ...] = ()
        for name in (*LABELS, *labels_in((*base.starts, *new.starts))):
            if _shared(base.starts, new.starts, (name,)) and _shared(base.starts, new.starts, (*names, name)):
                names = (*names, name)
        numbers: dict[tuple[str, ...], int] = {}
        sides = [
            np.array([numbers.setdefault(_values(start, names), len(numbers)) for start in side.starts], dtype=np.int64)
            for side in (base, new)
        ]
        return cls(names, *sides)


def _values(start: StartRow, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(label(start, name) for name in names)


def _shared(base: Sequence[StartRow], new: Sequence[StartRow], names: Sequence[str]) -> bool:
    one, other = (Counter(_values(start, names) for start in starts) for starts in (base, new))
    return len(one) > 1 and one.keys() == other.keys() and min(*one.values(), *other.values()) >= _FEWEST
