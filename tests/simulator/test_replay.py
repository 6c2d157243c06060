"""The engine: analytic results, scalar against vectorised, the price of polling."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.policies import get
from analyzer.policies.kinds.optimal import Optimal
from analyzer.policies.protocol import Policy
from analyzer.policies.vector import VectorPolicy
from analyzer.simulator import recorded
from analyzer.simulator.replay import replay, replay_scalar
from analyzer.simulator.schedule import Costs
from analyzer.simulator.stateaware import StateAware, learn
from analyzer.simulator.world import from_recorded
from tests.simulator.made_worlds import bare, replay_one, rough

FIELDS = ("detected", "ready", "ready_unpolled", "requests", "cpu_s", "log_lines")


def policies() -> list[Policy]:
    known = [get(name) for name in ("legacy-4x1s", "shared-2s", "backoff", "adaptive", "oracle")]
    table = learn(rough().draw(2000, 5), Costs(0.05, 1.0))
    return [*known, Optimal((1.0, 2.5, 3.0, 8.0), 1.7), StateAware(table)]


@pytest.mark.parametrize("policy", policies(), ids=lambda p: p.name)
@pytest.mark.parametrize("source", ["rough", "recorded", "recorded as k3s"])
def test_scalar_loops_and_vectorised_form_agree(policy: Policy, source: str) -> None:
    assert isinstance(policy, VectorPolicy)
    if source == "rough":
        worlds = rough().draw(150, 3)
    else:
        client = "k3s" if source.endswith("k3s") else "admin"
        worlds = from_recorded(recorded.load(), 190, 4, client=client)
    fast, slow = replay(policy, worlds), replay_scalar(policy, worlds)
    for field in FIELDS:
        assert getattr(fast, field) == pytest.approx(getattr(slow, field), abs=1e-9), field


@pytest.mark.long
@pytest.mark.parametrize("interval", [0.5, 2.0, 5.0])
def test_fixed_interval_with_random_phase_has_a_mean_delay_of_half(interval: float) -> None:
    ready = 100.0 * np.random.default_rng(1).random(200_000) + 10.0
    outcome = replay(get("shared-2s", interval_s=interval), bare(ready))
    assert outcome.delay.mean() == pytest.approx(interval / 2, rel=0.01)
    assert outcome.delay.max() <= interval + 1e-6
    assert np.quantile(outcome.delay, 0.95) == pytest.approx(0.95 * interval, rel=0.01)


def test_requests_of_a_fixed_interval_are_counted_exactly() -> None:
    outcome = replay(get("shared-2s"), bare(np.array([0.5, 2.0, 2.1, 9.9])))
    assert outcome.requests.tolist() == [2, 2, 3, 6]
    assert outcome.detected == pytest.approx([2.0, 2.0, 4.0, 10.0], abs=1e-6)
    assert outcome.cpu_s == pytest.approx(outcome.requests * 0.002)


@pytest.mark.long
def test_oracle_asks_once_and_nobody_is_earlier() -> None:
    worlds = rough().draw(3000, 8)
    floor = replay(get("oracle"), worlds)
    noticed = np.isfinite(floor.detected)
    assert (floor.requests[noticed & (worlds.over_end[:, 0] < worlds.ready)] >= 1).all()
    for name in ("legacy-4x1s", "shared-2s", "backoff", "adaptive"):
        other = replay(get(name), worlds)
        assert (other.detected >= other.ready).all() or np.isinf(other.detected).any()
        both = np.isfinite(other.detected) & noticed
        assert (other.delay[both] >= 0).all()
    calm = bare(np.linspace(1, 50, 500), latency=0.01)
    once = replay(get("oracle"), calm)
    assert (once.requests == 1).all()
    assert once.delay == pytest.approx(np.full(500, 0.01))


def test_each_request_before_readiness_delays_it() -> None:
    outcome = replay(get("shared-2s"), bare(np.array([9.0]), per_poll=0.25))
    # Requests at 0, 2, 4, 6, 8, 10 leave while it is not ready (9 + 0.25·k); readiness is at 10.5, noticed at 12.
    assert outcome.ready[0] == pytest.approx(9.0 + 6 * 0.25)
    assert outcome.detected[0] == pytest.approx(12.0, abs=1e-6)
    heavy = replay(get("legacy-4x1s"), bare(np.full(50, 9.0), per_poll=0.05))
    light = replay(get("shared-2s"), bare(np.full(50, 9.0), per_poll=0.05))
    assert (heavy.ready > light.ready).all()


def test_free_polling_delays_nothing() -> None:
    outcome = replay(get("legacy-4x1s"), bare(np.linspace(1, 30, 100)))
    assert outcome.ready == pytest.approx(outcome.ready_unpolled)


def test_policy_gives_up_on_a_start_that_never_gets_ready() -> None:
    worlds = bare(np.array([np.inf, 5.0]))
    outcome = replay(get("shared-2s"), worlds)
    assert np.isinf(outcome.detected[0])
    assert outcome.requests[0] == 450
    assert np.isnan(outcome.delay[0])
    assert np.isfinite(outcome.detected[1])


def test_adaptive_stops_early_on_a_confirmed_fatal_answer() -> None:
    worlds = rough().draw(400, 2)
    never = np.isinf(worlds.ready)
    assert never.any()
    outcome = replay(get("adaptive"), worlds)
    shared = replay(get("shared-2s"), worlds)
    assert np.isinf(outcome.detected[never]).all()
    assert outcome.requests[never].max() < 60
    assert shared.requests[never].min() > 100


def test_answer_slower_than_the_limit_is_a_timeout_read_at_the_limit() -> None:
    worlds = bare(np.array([1.0]), latency=40.0)
    _, trace = replay_one(get("shared-2s"), worlds, 0)
    assert {asked.seen.error for asked in trace} == {"io_timeout"}
    assert trace[0].seen.at_s == pytest.approx(15.0)
    assert trace[1].seen.asked_s == pytest.approx(15.0)


def test_log_lines_are_changes_and_the_success() -> None:
    # A list that never changes: one line for it, one for the success.
    assert replay(get("shared-2s"), bare(np.array([9.0]))).log_lines.tolist() == [2]
    # The old waiter prints one line per round of 30 s.
    assert replay(get("legacy-4x1s"), bare(np.array([9.0, 65.0]))).log_lines.tolist() == [2, 4]


def test_policies_meet_the_same_latencies_in_the_same_world() -> None:
    worlds = rough().draw(1, 12)
    _, one = replay_one(get("shared-2s"), worlds, 0)
    _, two = replay_one(get("backoff"), worlds, 0)
    common = min(len(one), len(two))
    assert [a.seen.latency_s for a in one[:common]] == [a.seen.latency_s for a in two[:common]]


def test_trace_shows_what_a_client_would_see() -> None:
    worlds = from_recorded(recorded.load()[:1], 1, 3)
    outcome, trace = replay_one(get("adaptive"), worlds, 0)
    assert next(asked.seen.error for asked in trace) == "service_unavailable"
    assert trace[-1].seen.ready
    listed = [asked.seen for asked in trace if asked.seen.error == "readyz_failing"]
    assert all(seen.status == 500 and seen.failing and not set(seen.failing) & set(seen.ok) for seen in listed)
    assert outcome.requests[0] == len(trace)
