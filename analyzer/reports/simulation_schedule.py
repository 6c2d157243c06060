"""An optimal schedule as JSON (``k3slog.schedule``) and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import dumps
from analyzer.reports.simulation import seconds
from analyzer.reports.terminal import Page
from analyzer.simulator.schedule import Costs, Schedule
from analyzer.simulator.stateaware import STATES, TAU, Judgement


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule, what it was made from, and what knowing the state would gain (``None``: not learned)."""

    schedule: Schedule
    distribution: str
    costs: Costs
    aware: Judgement | None = None


def to_dict(plan: Plan) -> dict[str, Any]:
    """The JSON object of the contract, with the assumptions, and ``state_aware`` (``null`` when not learned)."""
    schedule, costs = plan.schedule, plan.costs
    return {
        "schema": "k3slog.schedule",
        "schema_version": 1,
        "times_s": [round(at, 6) for at in schedule.times_s],
        "expected_polls": round(schedule.expected_polls, 6),
        "expected_delay_s": round(schedule.expected_delay_s, 6),
        "expected_cost": round(schedule.expected_cost, 6),
        "then_every_s": round(schedule.tail_s, 6),
        "distribution": plan.distribution,
        "costs": {
            "poll": costs.poll,
            "delay": costs.delay,
            "min_gap_s": costs.min_gap_s,
            "request_s": costs.request_s,
        },
        "state_aware": None if plan.aware is None else _aware(plan.aware),
    }


def _aware(aware: Judgement) -> dict[str, Any]:
    found = {k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(aware).items() if k != "table"}
    gaps = aware.table.gaps
    found["gaps_s"] = {
        state: [[round(float(t), 3), round(float(g), 3)] for t, g in zip(TAU, gaps[i], strict=True)]
        for i, state in enumerate(STATES)
    }
    return found


def render_json(plan: Plan, _options: Options = DEFAULT) -> str:
    """JSON with a final newline."""
    return dumps(to_dict(plan))


def render_text(plan: Plan, options: Options = DEFAULT) -> str:
    """The moments, what they cost, and what knowing the state would gain."""
    page, schedule, costs = Page(options, width=100), plan.schedule, plan.costs
    times = schedule.times_s
    shown = ", ".join(seconds(at) for at in times[:60])
    if len(times) > 60:
        shown += f", … ({len(times)} moments in all)"
    page.line(f"Readiness: {plan.distribution}. A request costs {costs.poll:g}, a second of delay {costs.delay:g}.")
    page.blank()
    page.line(f"Ask at (seconds): {shown}; then every {seconds(schedule.tail_s)} s.")
    page.blank()
    page.line(
        f"Expected: {schedule.expected_polls:.2f} requests, {seconds(schedule.expected_delay_s)} s of delay, "
        f"cost {schedule.expected_cost:.4g}."
    )
    if plan.aware is not None:
        page.blank()
        page.line(_state_words(plan.aware))
    return page.text()


def _state_words(aware: Judgement) -> str:
    verdict = "no gain is shown"
    if aware.gain_low > 0:
        verdict = "the gain is beyond chance"
    elif aware.gain_high < 0:
        verdict = "what was learned does not carry over: ask by time alone"
    elif not aware.used_state:
        verdict = "there is none: in these starts the time alone says more"
    return (
        f"Knowing the state (stage and number of failing checks), learned from {aware.starts} starts and judged on "
        f"those left out: cost {aware.aware_cost:.4g} a start against {aware.blind_cost:.4g} of the state-blind "
        f"optimum, gain {aware.gain:.4g} (95 %: {aware.gain_low:.4g} to {aware.gain_high:.4g}), so {verdict}. "
        f"Requests {aware.blind_requests:.1f} → {aware.aware_requests:.1f}, delay "
        f"{seconds(aware.blind_delay_s)} → {seconds(aware.aware_delay_s)} s."
    )
