"""A limit, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # `analyze` asks for no collection
    from analyzer.collection.model import Collection, StartRow
    from analyzer.comparison.metrics import AnyStatistic


Result = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True, slots=True)
class GateLimit:
    """``metric`` may be at most ``value``: in its unit, or with ``growth`` more than the baseline has.

    ``relative``: ``value`` is a share (of the baseline's where ``growth``). ``where``: conditions as ``--where`` has
    them. ``text``: the limit as the user wrote it.
    """

    name: str
    metric: str
    statistic: AnyStatistic
    value: float
    text: str
    growth: bool = False
    relative: bool = False
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitResult:
    """A limit held against the starts.

    ``least``/``most``: the statistic with all windows at their lower ends and at their upper ends, or with a baseline
    the ends of the interval of its growth (a share where the limit is one); nothing: there is nothing to judge.
    ``input``, ``start`` and ``line`` are those of the start that decided, where one did.
    """

    limit: GateLimit
    result: Result
    least: float | None
    most: float | None
    why: str
    input: str | None = None
    start: int | None = None
    line: int | None = None


def named(result: LimitResult, start: StartRow | None) -> LimitResult:
    """The result with the start that decided."""
    return result if start is None else replace(result, input=start.input, start=start.index, line=start.line)


@dataclass(frozen=True, slots=True)
class GateReport:
    """All limits in the order in which they were given; ``result``: fail beats undecided beats pass."""

    limits: tuple[LimitResult, ...]
    result: Result
    collection: Collection
    baseline: Collection | None = None
    strict: bool = False
