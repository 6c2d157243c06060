"""Collections of which the true lengths are known, for comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from analyzer.collection.model import Bounds, Collection, InputRow, Metric, StartRow

BEGAN = datetime(2026, 3, 1, 6, 0, 0, tzinfo=UTC)
START = StartRow(
    input="", index=1, key="", host="node-1", unit="k3s.service", version="v1.33.1+k3s1", kubernetes="1.33",
    product="k3s", role="server", outcome="ready", began_at=None, precision_s=1e-6, line=100, fresh=False,
)  # fmt: skip
NEVER: Bounds = (5.0, math.inf)  # with outcome "failed"


@dataclass(frozen=True)
class One:
    """One start: its metrics as bounds, and what else differs from ``START``."""

    metrics: Mapping[str, Bounds]
    row: Mapping[str, Any] = field(default_factory=dict)


def ready(seconds: float, width: float = 0.0, **row: Any) -> One:
    """A start that was ready after so long, its window so wide around that."""
    return One({"ready": (seconds - 0.5 * width, seconds + 0.5 * width)}, row)


def failed(**row: Any) -> One:
    return One({"ready": NEVER}, {"outcome": "failed", "end": "failed", **row})


def side(starts: Iterable[One], name: str = "logs", first_hour: float = 0.0) -> Collection:
    """The collection of the starts, one input each, an hour apart."""
    made = list(starts)
    rows = []
    for number, one in enumerate(made):
        began = BEGAN + timedelta(hours=first_hour + number)
        own = {"input": f"{name}/{number}.log", "key": f"{name}/{number}", "began_at": began, **one.row}
        rows.append(replace(START, **own))
    ids = sorted({id for one in made for id in one.metrics})
    inputs = tuple(InputRow(row.input, 1000, 1, 1) for row in rows)
    return Collection(tuple(rows), {id: _metric(id, made) for id in ids}, inputs)


def normal(
    number: int, mean: float = 60.0, sd: float = 5.0, seed: int = 0, width: float = 0.1, **row: Any
) -> list[One]:
    """Starts with normal times."""
    rng = np.random.default_rng(seed)
    return [ready(float(at), width, **row) for at in rng.normal(mean, sd, number)]


def _metric(id: str, made: Sequence[One]) -> Metric:
    has = [at for at, one in enumerate(made) if id in one.metrics]
    ends = np.array([made[at].metrics[id] for at in has], dtype=np.float64)
    return Metric(np.array(has, dtype=np.int32), ends[:, 0], ends[:, 1])
