"""One metric of one side: its lengths, whose they are, and which of its starts are alike.

A start that can have a metric and whose log does not show it is one of them, at any length: left out, a log that was
cut before a long phase was over, or of which the beginning was rotated away, would make a side look faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analyzer.collection.groups import host_numbers
from analyzer.collection.model import Collection, StartRow
from analyzer.comparison.metrics import FAILED
from analyzer.comparison.observed import Seen, seen, with_open_tries
from analyzer.stats.difference import Lengths


@dataclass(frozen=True, slots=True, eq=False)
class SideOf:
    """A collection with its hosts numbered once."""

    collection: Collection
    hosts: npt.NDArray[np.int64]  # of each start
    names: tuple[str | None, ...]  # of the hosts
    _seen: dict[str, Seen] = field(default_factory=dict)  # by metric

    @classmethod
    def of(cls, collection: Collection) -> SideOf:
        names, numbers = host_numbers(collection.starts)
        return cls(with_open_tries(collection), numbers, tuple(names))

    @property
    def starts(self) -> Sequence[StartRow]:
        return self.collection.starts

    def has(self, metric: str) -> bool:
        """Whether the log of any start shows it."""
        return metric == FAILED or metric in self.collection.metrics

    def shown(self, metric: str) -> int:
        """Of how many starts the log shows anything of a metric."""
        return len(self.collection.metrics[metric].at)

    def places(self, metric: str) -> npt.NDArray[np.int64]:
        """The starts that can have a metric, as places in the collection; by host and length, whatever their order
        there.

        What is drawn at random then does not depend on the order of the inputs.
        """
        return self._known(metric).at[self._order(metric)]

    def lengths(self, metric: str) -> Lengths:
        """Those of a metric, in the order of ``places``.

        A start that failed without its goal never got there; any other may have, unseen.
        """
        found, order = self._known(metric), self._order(metric)
        never = found.never & np.isinf(found.most)
        return Lengths.of(found.least[order], found.most[order], self.hosts[found.at][order], never[order])

    def _known(self, metric: str) -> Seen:
        if metric not in self._seen:
            self._seen[metric] = seen(self.collection, metric)
        return self._seen[metric]

    def _order(self, metric: str) -> npt.NDArray[np.int64]:
        found = self._known(metric)
        kinds = np.fromiter((self.starts[at].outcome == "failed" for at in found.at), np.bool_, len(found.at))
        return np.lexsort((kinds, found.most, found.least, self.hosts[found.at])).astype(np.int64)

    def failed(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Of every start whether it certainly failed, and whether it may have: its log ends before the outcome."""
        found = self._known(FAILED)
        return found.least > 0.5, found.most > 0.5
