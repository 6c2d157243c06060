"""DataFrames of a collection; pandas is imported when one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd

from analyzer.collection.labels import labels_in
from analyzer.collection.model import GOAL_METRICS, Collection, Fleet, Metric
from analyzer.comparison.model import Comparison

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
    types = {"input": "string", "size": "Int64", "starts": "Int64", "error": "string", "error_kind": "string"}
    return pd.DataFrame(
        {name: pd.Series([getattr(row, name) for row in collection.inputs], dtype=of) for name, of in types.items()}
    )


def quantiles(fleet: Fleet) -> pd.DataFrame:
    """See ``ManyStarts.quantiles``."""
    labels = list(dict.fromkeys(name for group in fleet.groups for name, _ in group.by))
    rows = [(dict(group.by), metric) for group in fleet.groups for metric in group.metrics]
    columns: dict[str, Any] = {name: pd.Series([by.get(name) for by, _ in rows], dtype="string") for name in labels}
    columns["metric"] = pd.Series([metric.id for _, metric in rows], dtype="string")
    columns["n"] = pd.Series([metric.n for _, metric in rows], dtype="Int64")
    for name in ("p50", "p90", "p99"):
        for end in ("min", "max"):
            ends = [getattr(getattr(metric, name), end) for _, metric in rows]
            columns[f"{name}_{end}"] = pd.Series(ends, dtype="float64")
    return pd.DataFrame(columns)


def compared_metrics(comparison: Comparison) -> pd.DataFrame:
    """See ``ComparedStarts.metrics``."""
    rows = comparison.metrics
    columns: dict[str, Any] = {"metric": pd.Series([row.id for row in rows], dtype="string")}
    columns["unit"] = pd.Series([row.unit for row in rows], dtype="string")
    for name in ("base", "new"):
        sides = [getattr(row, name) for row in rows]
        columns[f"{name}_n"] = pd.Series([side.n for side in sides], dtype="Int64")
        for end in ("min", "max"):
            columns[f"{name}_{end}"] = _finite([getattr(side, end) for side in sides])
    for name in ("difference", "relative"):
        for end in ("lower", "upper"):
            columns[f"{name}_{end}"] = _finite([getattr(getattr(row, name), end, np.nan) for row in rows])
    columns["verdict"] = pd.Series([row.verdict for row in rows], dtype="string")
    columns["decision"] = pd.Series([row.decision for row in rows], dtype="string")
    columns["p_value"] = pd.Series([row.p_value for row in rows], dtype="float64")
    columns["needed"] = pd.Series([row.needed for row in rows], dtype="Int64")
    return pd.DataFrame(columns)


def _finite(values: list[float]) -> pd.Series[Any]:
    ends = np.array(values, dtype=np.float64)
    return pd.Series(np.where(np.isfinite(ends), ends, np.nan))


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
