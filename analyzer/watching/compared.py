"""What earlier starts say of one under way. Apart from ``history``, which needs numpy: most watches have none."""

from __future__ import annotations

from dataclasses import dataclass

SERVE = "serve"


@dataclass(frozen=True, slots=True)
class Compared:
    """At ``at_s`` between ``least`` and ``most`` of ``starts`` earlier starts had come so far.

    ``lacked``: what those that certainly had not were certainly still missing (a check, or ``serve``), and how many.
    ``half_s``, ``nine_s``: by when half, and nine of ten, had; infinite where the curve never gets there.
    """

    at_s: float
    goal: str
    starts: int
    least: int
    most: int
    lacked: tuple[tuple[str, int], ...]
    half_s: tuple[float, float]
    nine_s: tuple[float, float]
