"""Many agents that wait for one server."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from analyzer.cli.main import app
from analyzer.errors import UsageError
from analyzer.policies import get
from analyzer.simulator import scenario
from analyzer.simulator.herd import BUSY, Agents, Herd, herd
from analyzer.simulator.replay import replay
from analyzer.simulator.world import Worlds
from tests.simulator.made_worlds import bare


def in_worlds(worlds: Worlds, *policies: str, count: int, spread_s: float = 2.0, cores: float = 1e9) -> Herd:
    return herd(lambda n, seed: worlds, policies, Agents(count, spread_s), 1, cores)


def test_one_agent_does_what_the_replay_says() -> None:
    worlds = bare(np.array([3.3, 7.9, 12.1]), latency=0.004, per_poll=0.02)
    (found,) = in_worlds(worlds, "shared-2s", count=1).policies
    outcome = replay(get("shared-2s"), worlds)
    assert found.requests.mean == pytest.approx(outcome.requests.mean())
    assert found.ready_delayed_s.mean == pytest.approx((outcome.ready - worlds.ready).mean())
    assert found.last_noticed_s.mean == pytest.approx(outcome.delay.mean(), abs=1e-6)


def test_requests_are_those_of_all_agents_and_their_peak_is_their_rate() -> None:
    """Spread evenly over its interval, a fixed poller of 2 s asks half a time per agent and second."""
    (found,) = in_worlds(bare(np.full(3, 40.2)), "shared-2s", count=200).policies
    assert found.peak_per_s.mean == pytest.approx(100, rel=0.2)
    assert found.mean_per_s.mean == pytest.approx(100, rel=0.1)
    assert found.requests.mean == pytest.approx(200 * 21, rel=0.02)


def test_agents_that_begin_together_come_together() -> None:
    worlds = bare(np.full(3, 40.2))
    (together,) = in_worlds(worlds, "shared-2s", count=200, spread_s=0.0).policies
    assert together.peak_per_s.max == 200


def test_requests_delay_the_start_and_the_later_start_is_asked_more() -> None:
    """Each of the requests before readiness costs per_poll, also those that only come because of the others."""
    worlds = bare(np.full(4, 20.0), per_poll=0.001)
    (found,) = in_worlds(worlds, "shared-2s", count=100).policies
    # Half a request per agent and second, each 1 ms: 5 % of the time goes to polls, so 20 s become 20 / 0.95.
    assert found.ready_delayed_s.mean == pytest.approx(20 / 0.95 - 20, rel=0.05)
    assert found.busy_worlds == 0


def test_a_server_that_polls_alone_would_fill_has_only_a_lower_bound() -> None:
    worlds = replace(bare(np.full(4, 20.0), per_poll=0.002), poll_cpu=np.full(4, 0.002))
    (found,) = in_worlds(worlds, "shared-2s", count=2000, cores=1.0).policies
    assert found.busy_worlds == found.worlds == 4
    assert found.peak_cpu_share.mean > BUSY
    assert found.ready_delayed_s.max < 2.0  # nothing more is claimed


@pytest.mark.long
def test_policies_of_nobody_are_left_out_and_the_same_seed_gives_the_same() -> None:
    draw = scenario.load("edge-1core").draw
    one, two = (herd(draw, ("oracle", "optimal", "adaptive", "legacy-4x1s"), Agents(20), 3, 1.0) for _ in range(2))
    assert one == two
    assert [result.policy for result in one.policies] == ["adaptive", "legacy-4x1s"]
    assert one.left_out == ("oracle", "optimal")
    assert one.policies[0].requests.mean < one.policies[1].requests.mean


def test_starts_that_are_never_ready_are_in_no_figure() -> None:
    found = in_worlds(bare(np.array([np.inf, np.inf])), "shared-2s", count=5)
    assert found.worlds == 0
    assert found.policies[0].requests is None


@pytest.mark.parametrize("bad", [(0, 1.0), (10_001, 1.0), (5, -1.0), (5, float("nan"))])
def test_bad_numbers(bad: tuple[int, float]) -> None:
    with pytest.raises(UsageError):
        Agents(*bad)


def test_command_line() -> None:
    base = [
        "simulate",
        "--scenario",
        "cloud-2vcpu",
        "--draws",
        "300",
        "--policy",
        "shared-2s",
        "--policy",
        "adaptive-wait",
    ]
    result = CliRunner().invoke(app, [*base, "--agents", "30", "--spread", "5", "--format", "json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["herd"]
    assert (found["agents"], found["spread_s"], found["worlds"]) == (30, 5.0, 100)
    assert [p["policy"] for p in found["policies"]] == ["shared-2s", "adaptive-wait"]
    assert found["policies"][0]["peak_per_s"]["mean"] <= 30
    text = CliRunner().invoke(app, [*base, "--agents", "30"]).stdout
    assert "30 agents that wait for this server" in text and "last one knows" in text
    assert json.loads(CliRunner().invoke(app, [*base, "--format", "json"]).stdout)["herd"] is None
    assert CliRunner().invoke(app, [*base, "--spread", "5"]).exit_code == 2
    assert CliRunner().invoke(app, [*base, "--agents", "20000"]).exit_code == 2
