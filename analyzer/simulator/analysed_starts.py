"""Analysed starts as sources of worlds and of distributions of readiness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from analyzer.errors import NoDataError
from analyzer.policies.vector import FloatArray
from analyzer.results import StartReport
from analyzer.simulator import run
from analyzer.simulator.run import WorldMaker
from analyzer.simulator.scenario import Scenario, load
from analyzer.simulator.world import Machine, draw, from_curve, polling_began, sketch_start
from analyzer.stats.turnbull import Curve, turnbull

DEFAULT_MACHINE = "cloud-2vcpu"
NO_INTERVAL = "none: the curve is that of one start, which says nothing of how starts differ"


@dataclass(frozen=True, slots=True)
class PossibleWorlds:
    """Where worlds come from, in words and as a function. ``tax``: per start (least, greatest, detected).
    ``rests_on``: of how many starts the curve is that they are drawn from, if they are."""

    make: WorldMaker
    title: str
    assumptions: dict[str, str | float | int | list[str]]
    tax: tuple[tuple[float, float, float], ...]
    rests_on: int | None = None


def possible(starts: Sequence[StartReport], machine: Machine) -> PossibleWorlds | None:
    """Worlds drawn from the windows of every start that became ready; ``None`` when none did."""
    used = [(s, sketch) for s in starts if (sketch := sketch_start(s, machine)) is not None]
    if not used:
        return None
    count, left = len(used), len(starts) - len(used)
    what = f"start {used[0][0].index}" if count == 1 else f"{count} starts"
    return PossibleWorlds(
        partial(draw, [sketch for _, sketch in used]),
        f"{what} of the log",
        {
            "worlds": "every moment is drawn uniformly from its window (lower, upper]; starts weigh equally",
            "starts_used": count,
            "starts_left_out_not_ready": left,
            "recorded_polling": "its own cost is taken out of the recorded times before the replay",
        },
        tuple(_tax(s) for s, _ in used if s.polling_tax_s is not None),
    )


def _tax(start: StartReport) -> tuple[float, float, float]:
    tax, upper = start.polling_tax_s, start.detected.upper
    assert tax is not None and upper is not None
    return tax.min, tax.max if tax.max is not None else upper, upper


def windows(starts: Sequence[StartReport]) -> tuple[FloatArray, FloatArray]:
    """(lower, upper] of readiness in seconds since polling could begin; +inf: never seen (right-censored).

    A stamp is cut off, so polling began at it or up to its precision later: of a coarse one the lower end is that much
    earlier. Starts without any stamp or any sign of a begin are left out.
    """
    low, high = [], []
    for start in starts:
        zero, lower, upper = polling_began(start), start.ready.lower, start.ready.upper
        if lower is None and upper is None:
            lower = start.cut_at_s
        if (zero is None and not start.begin_seen) or (lower is None and upper is None):
            continue
        late = 0.0 if start.observer == "wait" else start.clock.precision_s
        low.append(max(0.0, (lower or 0.0) - (zero or 0.0) - late))
        high.append(np.inf if upper is None else max(upper - (zero or 0.0), low[-1] + 1e-6))
    return np.asarray(low, dtype=float), np.asarray(high, dtype=float)


def curve(starts: Sequence[StartReport]) -> Curve | None:
    """The pooled non-parametric curve of readiness; ``None`` without any start that became ready."""
    return _curve(*windows(starts))


def _curve(low: FloatArray, high: FloatArray) -> Curve | None:
    return turnbull(low, high) if np.isfinite(high).any() else None


def pooled(starts: Sequence[StartReport], machine: Machine) -> PossibleWorlds | None:
    """Worlds of the pooled Turnbull curve: one unnamed check; the handler exists for the last two fifths of the
    way, the median of the recorded starts. Mass beyond the last window counts as never ready."""
    low, high = windows(starts)
    found = _curve(low, high)
    if found is None:
        return None
    return PossibleWorlds(
        lambda n, seed: from_curve(found.edges, found.mass, 0.6, machine, n, seed),
        f"pooled curve of {len(starts)} starts of the log",
        {
            "worlds": "Turnbull curve of all starts, right-censored ones included; uniform inside each interval",
            "starts_used": found.windows,
            "never_ready_mass": float(found.mass[np.isinf(found.edges[:, 1])].sum()),
            "handler_exists_from": "0.6 of the way to readiness (median of the recorded starts)",
        },
        tuple(_tax(s) for s in starts if s.polling_tax_s is not None and s.detected.upper is not None),
        rests_on=int(np.isfinite(high).sum()),
    )


def simulate_starts(
    found: Sequence[StartReport],
    options: run.Options,
    *,
    scenario: Scenario | None = None,
    pool: bool = False,
) -> run.Simulation:
    """``simulate`` in the worlds of analysed starts, on the machine of ``scenario`` (default: ``cloud-2vcpu``).

    ``pool``: from the pooled curve of all starts, also those that never became ready. Raises ``NoDataError`` when
    none became ready, ``UsageError`` for bad options.
    """
    machine = (scenario or load(DEFAULT_MACHINE)).machine
    worlds = pooled(found, machine) if pool else possible(found, machine)
    if worlds is None:
        raise NoDataError(
            f"no start became ready in the log ({len(found)} seen)",
            hint="Try --scenario, or a log with a whole start.",
        )
    named = scenario.name if scenario is not None else f"{DEFAULT_MACHINE} (name another with --scenario)"
    return run.simulate(
        worlds.make,
        options,
        source=worlds.title,
        assumptions={
            **worlds.assumptions,
            "machine": named,
            **run.machine_assumptions(machine),
            **({"intervals": run.OF_STARTS if (worlds.rests_on or 0) > 1 else NO_INTERVAL} if pool else {}),
        },
        tax=worlds.tax,
        rests_on=worlds.rests_on,
        cores=machine.cores,
    )
