"""Collections made, filtered and joined. Whatever arrives first, the same inputs in the same order give the same."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import intern
from typing import TypeVar

import numpy as np

from analyzer.collection.doubles import Met
from analyzer.collection.model import Bounds, Collection, InputRow, Metric, StartRow
from analyzer.collection.work import InputResult

T = TypeVar("T")
Keeps = Callable[[StartRow], bool]

_NOTHING_KNOWN: Bounds = (0.0, math.inf)


@dataclass(slots=True)
class _Growing:
    """A metric while starts are still added: 20 bytes for each."""

    at: array[int] = field(default_factory=lambda: array("i"))
    least: array[float] = field(default_factory=lambda: array("d"))
    most: array[float] = field(default_factory=lambda: array("d"))

    def add(self, at: int, bounds: Bounds) -> None:
        least, most = bounds
        # A report that was read back may hold anything. What is no window tells nothing, and the start still counts.
        least, most = bounds if 0.0 <= least <= most and least < math.inf else _NOTHING_KNOWN
        self.at.append(at)
        self.least.append(least)
        self.most.append(most)

    def built(self) -> Metric:
        return _frozen(
            np.array(self.at, dtype=np.int32),
            np.array(self.least, dtype=np.float64),
            np.array(self.most, dtype=np.float64),
        )


class Builder:
    """Takes the results of inputs in the order of the inputs; of a start that is met again the first one stays."""

    def __init__(self) -> None:
        self._starts: list[StartRow] = []
        self._metrics: dict[str, _Growing] = {}
        self._inputs: list[InputRow] = []
        self._met = Met()
        self._repeated = 0
        self._shared: dict[object, object] = {}

    def add(self, result: InputResult) -> None:
        """The next input. ``ValueError`` where its starts and their metrics do not belong together."""
        self._inputs.append(result.row)
        for start, metrics in zip(result.starts, result.metrics, strict=True):
            if self._met.again(start):
                self._repeated += 1
                continue
            for id, bounds in metrics.items():
                self._metrics.setdefault(intern(id), _Growing()).add(len(self._starts), bounds)
            self._starts.append(self._slim(start))

    def built(self, where: Keeps | None = None) -> Collection:
        """The starts so far; with ``where`` those that it keeps."""
        metrics = {id: self._metrics[id].built() for id in sorted(self._metrics)}
        whole = Collection(tuple(self._starts), metrics, tuple(self._inputs), self._repeated)
        return whole if where is None else filtered(whole, where)

    def _slim(self, start: StartRow) -> StartRow:
        """The row with texts and tuples that are equal to those of other rows being the same objects as theirs."""
        same = self._same
        return replace(
            start,
            input=same(start.input),
            host=same(start.host),
            unit=same(start.unit),
            version=same(start.version),
            kubernetes=same(start.kubernetes),
            product=same(start.product),
            role=same(start.role),
            outcome=same(start.outcome),
            end=same(start.end),
            reason=same(start.reason),
            cause=same(start.cause),
            cause_words=same(start.cause_words),
            findings=same(start.findings),
            labels=same(start.labels),
        )

    def _same(self, value: T) -> T:
        return self._shared.setdefault(value, value)  # type: ignore[return-value]


def filtered(collection: Collection, keeps: Keeps) -> Collection:
    """The starts that ``keeps`` is true of; the inputs stay, they were read."""
    kept = [place for place, start in enumerate(collection.starts) if keeps(start)]
    if len(kept) == len(collection.starts):
        return collection
    starts = tuple(collection.starts[place] for place in kept)
    return replace(collection, starts=starts, metrics=_joined_metrics([(collection.metrics, _to(collection, kept, 0))]))


def parted(collection: Collection, parts: Sequence[Sequence[int]]) -> list[Collection]:
    """A collection of each part: places of starts, none in two parts; the starts of each in the order of its places."""
    part_of = np.full(len(collection.starts), -1, dtype=np.int32)
    to = np.zeros(len(collection.starts), dtype=np.int32)
    for number, places in enumerate(parts):
        chosen = np.asarray(places, dtype=np.int64)
        part_of[chosen], to[chosen] = number, np.arange(len(chosen), dtype=np.int32)
    metrics: list[dict[str, Metric]] = [{} for _ in parts]
    for id, metric in collection.metrics.items():
        of, at = part_of[metric.at], to[metric.at]
        order = np.lexsort((at, of))
        order = order[np.searchsorted(of[order], 0) :]
        whole = _frozen(at[order], metric.least[order], metric.most[order])
        ends = np.searchsorted(of[order], np.arange(len(parts) + 1))
        for number in np.flatnonzero(np.diff(ends)).tolist():
            own = slice(int(ends[number]), int(ends[number + 1]))
            metrics[number][id] = Metric(whole.at[own], whole.least[own], whole.most[own])
    return [
        replace(collection, starts=tuple(collection.starts[place] for place in places), metrics=own)
        for places, own in zip(parts, metrics, strict=True)
    ]


def joined(collections: Iterable[Collection]) -> Collection:
    """One collection of several, in their order; a start that an earlier one has, and an equal input, counts once."""
    starts: list[StartRow] = []
    met = Met()
    parts: list[tuple[Mapping[str, Metric], np.ndarray]] = []
    inputs: dict[InputRow, None] = {}
    repeated = 0
    for collection in collections:
        kept = [n for n, start in enumerate(collection.starts) if not met.again(start)]
        parts.append((collection.metrics, _to(collection, kept, len(starts))))
        repeated += collection.repeated + len(collection.starts) - len(kept)
        starts.extend(collection.starts[n] for n in kept)
        inputs.update(dict.fromkeys(collection.inputs))
    return Collection(tuple(starts), _joined_metrics(parts), tuple(inputs), repeated)


def in_order(collection: Collection, names: Sequence[str]) -> Collection:
    """The same with its inputs, and the starts of them, in the order of ``names``; those not named come first."""
    place = {name: number for number, name in enumerate(names)}
    order = sorted(range(len(collection.starts)), key=lambda n: place.get(collection.starts[n].input, -1))
    inputs = tuple(sorted(collection.inputs, key=lambda row: place.get(row.input, -1)))
    if order == list(range(len(order))):
        return replace(collection, inputs=inputs)
    to = np.empty(len(order), dtype=np.int32)
    to[np.asarray(order, dtype=np.int64)] = np.arange(len(order), dtype=np.int32)
    metrics = {}
    for id, metric in collection.metrics.items():
        at = to[metric.at]
        sorted_ = np.argsort(at, kind="stable")
        metrics[id] = _frozen(at[sorted_], metric.least[sorted_], metric.most[sorted_])
    return replace(collection, starts=tuple(collection.starts[n] for n in order), metrics=metrics, inputs=inputs)


def _to(collection: Collection, kept: Sequence[int], first: int) -> np.ndarray:
    """Where each start goes, counted from ``first``; -1: it is left out."""
    to = np.full(len(collection.starts), -1, dtype=np.int32)
    to[np.asarray(kept, dtype=np.int64)] = np.arange(first, first + len(kept), dtype=np.int32)
    return to


def _joined_metrics(parts: Sequence[tuple[Mapping[str, Metric], np.ndarray]]) -> dict[str, Metric]:
    moved: dict[str, list[Metric]] = {}
    for metrics, to in parts:
        for id, metric in metrics.items():
            at = to[metric.at]
            stays = at >= 0
            if stays.any():
                moved.setdefault(id, []).append(Metric(at[stays], metric.least[stays], metric.most[stays]))
    return {
        id: _frozen(
            np.concatenate([one.at for one in moved[id]]),
            np.concatenate([one.least for one in moved[id]]),
            np.concatenate([one.most for one in moved[id]]),
        )
        for id in sorted(moved)
    }


def _frozen(at: np.ndarray, least: np.ndarray, most: np.ndarray) -> Metric:
    for values in (at, least, most):
        values.flags.writeable = False
    return Metric(at, least, most)
