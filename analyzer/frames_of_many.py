"""DataFrames of a collection; pandas is imported when one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd

from analyzer.collection.labels import labels_in
from analyzer.collection.model import GOAL_METRICS, Collection, Fleet, Metric, Quantile

_TOLD = (
    "input", "index", "key", "host", "unit", "version", "kubernetes", "product", "role", "outcome", "end", "reason",
    "cause", "cause_words",
)  # fmt: skip
_OF_ALL = (*dict.fromkeys(GOAL_METRICS.values()), "detected", "polling_tax")


def starts(collection: Collection) -> pd.DataFrame:
    """See ``ManyStarts.starts``."""
    rows = collection.starts
    columns: dict[str, Any] = {name: _texts([getattr(row, name) for row in rows], name) for name in _TOLD}
    began = [None if row.began_at is None else row.began_at.astimezone(UTC) for row in rows]
    columns["began_at"] = pd.Series(began, dtype="datetime64[us, UTC]")
    labels = [dict(row.labels) for row in rows]
    for name in labels_in(rows):
        columns[f"label_{name}"] = pd.Series([one.get(name) for one in labels], dtype="string")
    for id in _OF_ALL:
        columns[f"{id}_min_s"], columns[f"{id}_max_s"] = _spread(collection.metrics, id, len(rows))
    return pd.DataFrame(columns)


def metrics(collection: Collection) -> pd.DataFrame:
    """See ``ManyStarts.metrics``."""
    keys = np.array([row.key for row in collection.starts], dtype=object)
    parts = [_long(id, metric, keys) for id, metric in collection.metrics.items()]
    empty = pd.DataFrame({"key": [], "metric": [], "min": [], "max": []})
    return pd.concat(parts or [empty], ignore_index=True).astype({"key": "string", "metric": "string"})


def inputs(collection: Collection) -> pd.DataFrame:
    """See ``ManyStarts.inputs``."""
    names = ("input", "size", "starts", "error", "error_kind")
    rows = [[getattr(row, name) for name in names] for row in collection.inputs]
    return pd.DataFrame(rows, columns=list(names))


def quantiles(fleet: Fleet) -> pd.DataFrame:
    """See ``ManyStarts.quantiles``."""
    labels = list(dict.fromkeys(name for group in fleet.groups for name, _ in group.by))
    rows = []
    for group in fleet.groups:
        for metric in group.metrics:
            row: dict[str, Any] = {**dict.fromkeys(labels), **dict(group.by), "metric": metric.id, "n": metric.n}
            for name in ("p50", "p90", "p99"):
                row |= _ends(name, getattr(metric, name))
            rows.append(row)
    return pd.DataFrame(rows)


def _ends(name: str, quantile: Quantile) -> dict[str, float | None]:
    return {f"{name}_min": quantile.min, f"{name}_max": quantile.max}


def _texts(values: list[Any], name: str) -> pd.Series[Any]:
    return pd.Series(values, dtype="Int64" if name == "index" else "string")


def _spread(metrics: Mapping[str, Metric], id: str, count: int) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """A metric with a place for each start; missing where a start has it not, and for an open upper end."""
    least, most = np.full(count, np.nan), np.full(count, np.nan)
    if (metric := metrics.get(id)) is not None:
        least[metric.at] = metric.least
        most[metric.at] = np.where(np.isfinite(metric.most), metric.most, np.nan)
    return pd.Series(least), pd.Series(most)


def _long(id: str, metric: Metric, keys: Any) -> pd.DataFrame:
    most = np.where(np.isfinite(metric.most), metric.most, np.nan)
    return pd.DataFrame({"key": keys[metric.at], "metric": id, "min": metric.least, "max": most})
