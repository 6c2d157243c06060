"""The work on one input, in whatever process it runs: read, analyse, reduce to rows. Nothing else stays."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.collection.model import Bounds, InputRow, InputSpec, StartRow


@dataclass(frozen=True, slots=True)
class WorkOptions:
    """What every worker needs to know; must be picklable.

    ``tables``: the rows for ``--save`` are wanted as well (Arrow streams). ``limit_s``: time for one input.
    ``memory_bytes``: address space of a worker, ``None``: no limit.
    """

    tables: bool = False
    limit_s: float = 120.0
    memory_bytes: int | None = None
    anonymize: bool = False


@dataclass(frozen=True, slots=True)
class InputResult:
    """An input reduced to rows; ``metrics[n]`` belongs to ``starts[n]``.

    ``tables``: name of a saved table -> its rows as an Arrow IPC stream, with ``--save``.
    """

    spec: InputSpec
    row: InputRow
    starts: tuple[StartRow, ...] = ()
    metrics: tuple[dict[str, Bounds], ...] = ()
    tables: dict[str, bytes] = field(default_factory=dict)
