"""An optimal schedule as JSON (``k3slog.schedule``) and as text."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from analyzer.policies.vector import FloatArray
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import chosen, dumps, rounded
from analyzer.reports.simulation import seconds
from analyzer.reports.terminal import Page
from analyzer.reports.wording import first_that_holds
from analyzer.simulator import left_out
from analyzer.simulator.left_out import LeftOut
from analyzer.simulator.schedule import Costs, Schedule
from analyzer.simulator.stateaware import STATES, TAU, Judgement


@dataclass(frozen=True, slots=True)
class Observed:
    """The starts that a schedule was fitted to: how many became ready, how many were not seen ready, and what schedules
    of the others cost in each (``None`` with one start)."""

    ready: int
    never: int
    judged: LeftOut | None

    @classmethod
    def of(cls, low: FloatArray, high: FloatArray, costs: Costs) -> Observed:
        """From windows of readiness, +inf where none was seen."""
        never = int((high == float("inf")).sum())
        return cls(len(high) - never, never, left_out.judged(low, high, costs))


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule, what it was made from, and what knowing the state would gain (``None``: not learned).
    ``observed``: the starts behind the distribution, if any."""

    schedule: Schedule
    distribution: str
    costs: Costs
    aware: Judgement | None = None
    observed: Observed | None = None


def render_json(plan: Plan, _options: Options = DEFAULT) -> str:
    """JSON with a final newline: with the assumptions, and ``state_aware`` (``null`` when not learned).

    What is expected of observed starts is out of sample: ``null`` with a single one; ``fitted`` has the figures in the
    very starts that the schedule was made from.
    """
    schedule, costs, observed = plan.schedule, plan.costs, plan.observed
    source = schedule if observed is None else observed.judged
    found = {
        "schema": "k3slog.schedule",
        "schema_version": 1,
        **chosen(schedule, "times_s"),
        **(dict.fromkeys(_EXPECTED) if source is None else chosen(source, *_EXPECTED)),
        "fitted": None if observed is None else chosen(schedule, *_EXPECTED),
        "observed": None if observed is None else _observed(observed),
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


def _moments(times: tuple[float, ...]) -> list[str]:
    """In words; with more digits where two would look the same."""
    short = [seconds(at) for at in times]
    again = {word for word, next_word in pairwise(short) if word == next_word}
    return [f"{at:.2f}" if word in again else word for at, word in zip(times, short, strict=True)]


_EXPECTED = ("expected_polls", "expected_delay_s", "expected_cost")


def _observed(observed: Observed) -> dict[str, Any]:
    judged = observed.judged
    told = ("folds", "cost_low", "cost_high", "never_polls")
    return {
        "starts_ready": observed.ready,
        "starts_not_seen_ready": observed.never,
        **(dict.fromkeys(told) if judged is None else chosen(judged, *told)),
    }


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
    shown = ", ".join(_moments(times[:60]))
    if len(times) > 60:
        shown += f", … ({len(times)} moments in all)"
    page.paragraph(
        f"Readiness: {plan.distribution}. A request costs {costs.poll:g}, a second of delay {costs.delay:g}."
    )
    page.paragraph(f"Ask at (seconds): {shown}; then every {seconds(schedule.tail_s)} s.")
    for sentence in _expected(plan):
        page.paragraph(sentence)
    if plan.aware is not None:
        page.line(_state_words(plan.aware))
    return page.text()


def _expected(plan: Plan) -> list[str]:
    observed = plan.observed
    if observed is None:
        return [f"Expected: {_costs_words(plan.schedule)}."]
    judged, fitted = observed.judged, f"In the very starts that it was fitted to: {_costs_words(plan.schedule)}."
    if judged is None:
        said = [f"Expected of another start: not known, one start says nothing of the next. {fitted}"]
    else:
        sure = ""
        if judged.cost_low is not None and judged.cost_high is not None:
            sure = f" (95 %: {judged.cost_low:.4g} to {judged.cost_high:.4g})"
        said = [
            f"Expected of another start, by schedules of the others in each of {judged.starts}: "
            f"{_costs_words(judged)}{sure}. {fitted}"
        ]
    if observed.never:
        asked = "" if judged is None or judged.never_polls is None else _until_cut(judged.never_polls)
        said.append(
            f"{observed.never} start{' was' if observed.never == 1 else 's were'} not seen ready, and in none of these "
            f"figures: there the schedule goes on asking every {seconds(plan.schedule.tail_s)} s{asked}."
        )
    return said


def _until_cut(polls: float) -> str:
    return f", {polls:.1f} requests on average until the log ends"


def _costs_words(of: Schedule | LeftOut) -> str:
    return f"{of.expected_polls:.2f} requests, {seconds(of.expected_delay_s)} s of delay, cost {of.expected_cost:.4g}"


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
