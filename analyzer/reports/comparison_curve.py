"""The curves of both sides as bands in one picture; and the ends of all windows, for the script to draw others.

A start that certainly never got there is in no part of its band, so that this stops below 100 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analyzer.comparison.model import Compared, MetricComparison
from analyzer.comparison.sides import SideOf
from analyzer.reports import curve
from analyzer.reports.curve import Ends, Picture
from analyzer.reports.page_words import metric_axis, metric_heading, shown

if TYPE_CHECKING:
    from analyzer.collection.model import FloatArray

LOOKS: Final = ("c0", "c1")  # of base and new: blue and whole, orange and dashed
CURVES_BYTES: Final = 600_000  # of the data of curves, of which a page holds as many as fit

JsonObject = dict[str, Any]


def ends_of(side: SideOf, metric: str) -> Ends:
    """All windows of one side, those that certainly have no end at infinity."""
    lengths = side.lengths(metric)
    return Ends(np.sort(lengths.least), np.sort(lengths.most))


def drawn(compared: Compared, metric: MetricComparison) -> bool:
    """Whether there are curves of a metric."""
    return metric.unit == "s" and all(metric.id in side.metrics for side in (compared.base, compared.new))


def pictures(compared: Compared, metric: str, names: tuple[str, str], title: str) -> list[Picture]:
    """The picture of one metric for a screen, and that for a telephone."""
    base, new = (ends_of(SideOf.of(side), metric) for side in (compared.base, compared.new))
    whole = Ends(*(np.sort(np.concatenate(pair)) for pair in ((base.least, new.least), (base.most, new.most))))
    bands = [(look, name, ends) for look, name, ends in zip(LOOKS, names, (base, new), strict=True)]
    log = curve.spread_out(whole)
    return [curve.picture(bands, log, size, title, whole) for size in (curve.WIDE, curve.NARROW)]


def data(compared: Compared, metrics: Sequence[MetricComparison]) -> list[JsonObject]:
    """The windows of ``metrics`` in this order, as many as there is room for: whole milliseconds, rounded outwards.

    Lower and upper ends are each ascending; -1 is infinite.
    """
    sides = SideOf.of(compared.base), SideOf.of(compared.new)
    made: list[JsonObject] = []
    room = CURVES_BYTES
    for metric in (one for one in metrics if drawn(compared, one)):
        room -= 14 * (metric.base.n + metric.new.n) + 200
        if room >= 0 or not made:
            ends = [ends_of(side, metric.id) for side in sides]
            head = {"id": shown(metric.id), "heading": metric_heading(metric.id), "axis": metric_axis(metric.id)}
            made.append(head | {"sides": [_milliseconds(one) for one in ends]})
    return made


def _milliseconds(ends: Ends) -> JsonObject:
    return {"least": _whole(ends.least, math.floor, 1e-6), "most": _whole(ends.most, math.ceil, -1e-6)}


def _whole(ends: FloatArray, rounded: Any, slack: float) -> list[int]:
    return [rounded(end * 1000 + slack) if math.isfinite(end) else -1 for end in ends.tolist()]
