"""An optimal schedule as JSON (``k3slog.schedule``) and as text."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import chosen, dumps, rounded
from analyzer.reports.simulation import seconds
from analyzer.reports.terminal import Page
from analyzer.reports.wording import first_that_holds
from analyzer.simulator.schedule import Costs, Schedule
from analyzer.simulator.stateaware import STATES, TAU, Judgement


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule, what it was made from, and what knowing the state would gain (``None``: not learned)."""

    schedule: Schedule
    distribution: str
    costs: Costs
    aware: Judgement | None = None


def render_json(plan: Plan, _options: Options = DEFAULT) -> str:
    """JSON with a final newline: with the assumptions, and ``state_aware`` (``null`` when not learned)."""
    schedule, costs = plan.schedule, plan.costs
    found = {
        "schema": "k3slog.schedule",
        "schema_version": 1,
        **chosen(schedule, "times_s", "expected_polls", "expected_delay_s", "expected_cost"),
        "then_every_s": rounded(schedule.tail_s),
        "distribution": plan.distribution,
        "costs": {
            "poll": costs.poll,
            "delay": costs.delay,
            "min_gap_s": costs.min_gap_s,
            "request_s": costs.request_s,
        },
        "state_aware": None if plan.aware is None else _aware(plan.aware),
    }
    return dumps(found)


def _aware(aware: Judgement) -> dict[str, Any]:
    gaps = aware.table.gaps
    return {
        **chosen(aware, *(field.name for field in fields(aware) if field.name != "table")),
        "gaps_s": {
            state: [[round(float(t), 3), round(float(g), 3)] for t, g in zip(TAU, gaps[i], strict=True)]
            for i, state in enumerate(STATES)
        },
    }


def render_text(plan: Plan, options: Options = DEFAULT) -> str:
    """The moments, what they cost, and what knowing the state would gain."""
    page, schedule, costs = Page(options, width=100), plan.schedule, plan.costs
    times = schedule.times_s
    shown = ", ".join(seconds(at) for at in times[:60])
    if len(times) > 60:
        shown += f", … ({len(times)} moments in all)"
    page.paragraph(
        f"Readiness: {plan.distribution}. A request costs {costs.poll:g}, a second of delay {costs.delay:g}."
    )
    page.paragraph(f"Ask at (seconds): {shown}; then every {seconds(schedule.tail_s)} s.")
    page.paragraph(
        f"Expected: {schedule.expected_polls:.2f} requests, {seconds(schedule.expected_delay_s)} s of delay, "
        f"cost {schedule.expected_cost:.4g}."
    )
    if plan.aware is not None:
        page.line(_state_words(plan.aware))
    return page.text()


def _state_words(aware: Judgement) -> str:
    verdict = first_that_holds(
        (aware.gain_low > 0, "the gain is beyond chance"),
        (aware.gain_high < 0, "what was learned does not carry over: ask by time alone"),
        (not aware.used_state, "there is none: in these starts the time alone says more"),
        (True, "no gain is shown"),
    )
    return (
        f"Knowing the state (stage and number of failing checks), learned from {aware.starts} starts and judged on "
        f"those left out: cost {aware.aware_cost:.4g} a start against {aware.blind_cost:.4g} of the state-blind "
        f"optimum, gain {aware.gain:.4g} (95 %: {aware.gain_low:.4g} to {aware.gain_high:.4g}), so {verdict}. "
        f"Requests {aware.blind_requests:.1f} → {aware.aware_requests:.1f}, delay "
        f"{seconds(aware.blind_delay_s)} → {seconds(aware.aware_delay_s)} s."
    )
