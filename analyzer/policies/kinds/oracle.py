"""The floor that no poller can beat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from analyzer.policies.definition import Maths, Recipe, Seen


@dataclass(slots=True)
class Told:
    """The moment of readiness."""

    ready_s: float


@dataclass(frozen=True, slots=True)
class Oracle(Recipe[Told]):
    """Asks once, at the true moment, which the replay must tell it (``knowing``); then every 0.05 s."""

    informed: ClassVar[bool] = True

    name: str = "oracle"
    _ready_s: Any = math.inf

    def knowing(self, ready_s: Any) -> Oracle:
        """The same for a known moment of readiness, one number or one per world."""
        return replace(self, _ready_s=ready_s)

    def begin(self, noise: Sequence[float]) -> tuple[Told, ...]:
        """One loop."""
        return (Told(self._ready_s),)

    def first_at(self, own: Told) -> float:
        """At the true moment."""
        return own.ready_s

    def next(self, m: Maths, own: Told, seen: Seen) -> float:
        """Soon: the request fell into an overload, or the poll itself delayed the start."""
        return m.maximum(seen.asked_s + 0.05, seen.at_s)

    def words(self, own: Told, seen: Seen, error: str, at_s: float) -> tuple[str, str]:
        """For traces."""
        return "oracle", "schedule"


POLICY = Oracle
