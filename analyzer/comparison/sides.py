"""One metric of one side: its lengths, whose they are, and which of its starts are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.collection.groups import host_numbers
from analyzer.collection.model import GOAL_METRICS, Collection, Metric, StartRow
from analyzer.stats.difference import Lengths

FAILED = "failed"  # the share of starts that failed
RESTARTS = "restarts"
_ENDED_WITHOUT = frozenset((*GOAL_METRICS.values(), "detected"))


@dataclass(frozen=True, slots=True, eq=False)
class SideOf:
    """A collection with its hosts numbered once."""

    collection: Collection
    hosts: npt.NDArray[np.int64]  # of each start
    names: tuple[str | None, ...]  # of the hosts

    @classmethod
    def of(cls, collection: Collection) -> SideOf:
        names, numbers = host_numbers(collection.starts)
        return cls(collection, numbers, tuple(names))

    @property
    def starts(self) -> Sequence[StartRow]:
        return self.collection.starts

    def has(self, metric: str) -> bool:
        """Whether any start has it."""
        return metric == FAILED or metric in self.collection.metrics

    def places(self, metric: str) -> npt.NDArray[np.int64]:
        """The starts that have a metric, as places in the collection; by host and length, whatever their order there.

        What is drawn at random then does not depend on the order of the inputs.
        """
        found = self.collection.metrics[metric]
        return found.at[self._order(found)].astype(np.int64)

    def lengths(self, metric: str) -> Lengths:
        """Those of a metric, in the order of ``places``.

        A start that failed without its goal never got there; any other may have, unseen.
        """
        found, places = self.collection.metrics[metric], self.places(metric)
        order = self._order(found)
        least, most = found.least[order], found.most[order]
        never = None
        if metric in _ENDED_WITHOUT:
            failed = np.fromiter((self.starts[at].outcome == "failed" for at in places), np.bool_, len(places))
            never = failed & np.isinf(most)
        return Lengths.of(least, most, self.hosts[places], never)

    def _order(self, metric: Metric) -> npt.NDArray[np.int64]:
        kinds = np.fromiter((self.starts[at].outcome == "failed" for at in metric.at), np.bool_, len(metric.at))
        return np.lexsort((kinds, metric.most, metric.least, self.hosts[metric.at])).astype(np.int64)

    def failed(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Of every start whether it certainly failed, and whether it may have: its log ends before the outcome."""
        outcomes = [start.outcome for start in self.starts]
        surely = np.array([outcome == "failed" for outcome in outcomes], dtype=np.bool_)
        perhaps = surely | np.array(
            [outcome not in ("failed", "ready", "stopped") for outcome in outcomes], dtype=np.bool_
        )
        return surely, perhaps
