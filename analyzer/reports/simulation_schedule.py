"""An optimal schedule as JSON (``k3slog.schedule``) and as text."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import Any

from analyzer.reports.output import printable
from analyzer.reports.simulation import seconds
from analyzer.simulator.schedule import Costs, Schedule
from analyzer.simulator.stateaware import STATES, TAU, Judgement


def to_dict(schedule: Schedule, distribution: str, costs: Costs, aware: Judgement | None) -> dict[str, Any]:
    """The JSON object of the contract, with the assumptions, and ``state_aware`` (``null`` when not learned)."""
    return {
        "schema": "k3slog.schedule",
        "schema_version": 1,
        "times_s": [round(at, 6) for at in schedule.times_s],
        "expected_polls": round(schedule.expected_polls, 6),
        "expected_delay_s": round(schedule.expected_delay_s, 6),
        "expected_cost": round(schedule.expected_cost, 6),
        "then_every_s": round(schedule.tail_s, 6),
        "distribution": distribution,
        "costs": {
            "poll": costs.poll,
            "delay": costs.delay,
            "min_gap_s": costs.min_gap_s,
            "request_s": costs.request_s,
        },
        "state_aware": None if aware is None else _aware(aware),
    }


def _aware(aware: Judgement) -> dict[str, Any]:
    found = {k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(aware).items() if k != "table"}
    gaps = aware.table.gaps
    found["gaps_s"] = {
        state: [[round(float(t), 3), round(float(g), 3)] for t, g in zip(TAU, gaps[i], strict=True)]
        for i, state in enumerate(STATES)
    }
    return found


def render_json(schedule: Schedule, distribution: str, costs: Costs, aware: Judgement | None) -> str:
    """JSON with a final newline."""
    return json.dumps(to_dict(schedule, distribution, costs, aware), ensure_ascii=False, indent=2) + "\n"


def render_text(schedule: Schedule, distribution: str, costs: Costs, aware: Judgement | None, width: int = 100) -> str:
    """The moments, what they cost, and what knowing the state would gain."""
    times = schedule.times_s
    shown = ", ".join(seconds(at) for at in times[:60])
    if len(times) > 60:
        shown += f", … ({len(times)} moments in all)"
    out = [
        f"Readiness: {printable(distribution)}. A request costs {costs.poll:g}, a second of delay {costs.delay:g}.",
        "",
    ]
    out += textwrap.wrap(f"Ask at (seconds): {shown}; then every {seconds(schedule.tail_s)} s.", width)
    out += [
        "",
        f"Expected: {schedule.expected_polls:.2f} requests, {seconds(schedule.expected_delay_s)} s of delay, "
        f"cost {schedule.expected_cost:.4g}.",
    ]
    if aware is not None:
        verdict = "no gain is shown"
        if aware.gain_low > 0:
            verdict = "the gain is beyond chance"
        elif aware.gain_high < 0:
            verdict = "what was learned does not carry over: ask by time alone"
        elif not aware.used_state:
            verdict = "there is none: in these starts the time alone says more"
        text = (
            f"Knowing the state (stage and number of failing checks), learned from {aware.starts} starts and judged on "
            f"those left out: cost {aware.aware_cost:.4g} a start against {aware.blind_cost:.4g} of the state-blind "
            f"optimum, gain {aware.gain:.4g} (95 %: {aware.gain_low:.4g} to {aware.gain_high:.4g}), so {verdict}. "
            f"Requests {aware.blind_requests:.1f} → {aware.aware_requests:.1f}, delay "
            f"{seconds(aware.blind_delay_s)} → {seconds(aware.aware_delay_s)} s."
        )
        out += ["", *textwrap.wrap(text, width)]
    return "\n".join(out) + "\n"
