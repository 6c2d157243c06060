"""A saved wait goes on: the simulator draws its worlds from the windows of the polls."""

from __future__ import annotations

import numpy as np

from analyzer.live.observed_polls import dump, parse
from analyzer.live.transport import Answer
from analyzer.live.wait_report import start_report
from analyzer.policies import get
from analyzer.simulator.replay import replay
from analyzer.simulator.world import Machine, draw, sketch_start
from tests.live.test_wait_report import server, watched

AWAY = Answer("service_unavailable", 503, "status 503", message="apiserver not ready")


def test_the_simulator_reads_a_wait() -> None:
    hooks = {"poststarthook/a": 3.0, "poststarthook/rbac/bootstrap-roles": 9.3}
    wait = parse(dump(watched(server(2.2, hooks, AWAY), "adaptive")).splitlines())
    sketch = sketch_start(start_report(wait), Machine(poll_cpu_s=0.0))
    assert sketch is not None
    worlds = draw([sketch], 2000, seed=1)
    # Polling costs nothing here, so the drawn moments are those of the windows; the first poll's answer is zero.
    assert float(worlds.ready.min()) <= 9.3 <= float(worlds.ready.max()) + 0.01
    assert float(np.ptp(worlds.ready)) < 1.0
    noticed = replay(get("shared-2s"), worlds)
    assert np.isfinite(noticed.detected).all() and float(noticed.delay.max()) < 2.5
