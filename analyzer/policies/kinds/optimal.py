"""A fixed list of moments: the cost-optimal one for a known distribution (``analyzer.simulator.schedule``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.policies.definition import Maths, Recipe, Seen, above_zero


@dataclass(slots=True)
class Nothing:
    """The last departure says which moment comes next."""


@dataclass(frozen=True, slots=True)
class Optimal(Recipe[Nothing]):
    """Asks at ``times_s``, then goes on with ``tail_s`` between requests. A moment that passed while a request ran is
    made up for once, at once."""

    times_s: tuple[float, ...] = ()
    tail_s: float = above_zero(2.0)
    name: str = "optimal"

    def begin(self, noise: Sequence[float]) -> tuple[Nothing, ...]:
        """One loop."""
        return (Nothing(),)

    def first_at(self, own: Nothing) -> float:
        """The first moment of the list."""
        return self.times_s[0] if self.times_s else self.tail_s

    def next(self, m: Maths, own: Nothing, seen: Seen) -> float:
        """The next moment of the list."""
        planned_s = m.take((*self.times_s, math.inf), m.searchsorted(self.times_s, seen.asked_s + 1e-9, side="right"))
        planned_s = m.where(planned_s < math.inf, planned_s, seen.asked_s + self.tail_s)
        return m.maximum(planned_s, seen.at_s)

    def words(self, own: Nothing, seen: Seen, error: str, at_s: float) -> tuple[str, str]:
        """The list is all there is to say."""
        return "schedule", "schedule"


POLICY = Optimal
