"""Worlds: inside their windows, reproducible, joined without loss."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analyzer import analyze
from analyzer.errors import NoDataError
from analyzer.policies import get
from analyzer.policies.protocol import CODE_OF
from analyzer.simulator import recorded
from analyzer.simulator.replay import replay
from analyzer.simulator.world import (
    UNKNOWN_CHECK,
    Machine,
    Sketch,
    draw,
    from_curve,
    from_recorded,
    sketch_recorded,
    sketch_start,
)

SAMPLES = Path(__file__).parents[2] / "sample_logs"
FREE = Machine(poll_cpu_s=0.0)


def sketch(**changes) -> Sketch:
    base = {
        "stages": ((CODE_OF["service_unavailable"], (1.0, 1.5)),),
        "checks": (("a", (2.0, 2.5)), ("b", (3.0, 5.0))),
        "ready": (4.0, 5.0),
        "machine": FREE,
        "last": ("b",),
    }
    return Sketch(**(base | changes))


def test_draws_lie_in_the_half_open_windows() -> None:
    worlds = draw([sketch()], 5000, 1)
    column = worlds.names.index("a")
    for values, low, high in (
        (worlds.ready, 4.0, 5.0),
        (worlds.stage_ends[:, 0], 1.0, 1.5),
        (worlds.clears[:, column], 2.0, 2.5),
    ):
        assert (values > low).all()
        assert (values <= high).all()
        assert values.std() == pytest.approx((high - low) / np.sqrt(12), rel=0.05)


def test_last_check_clears_exactly_at_readiness_and_none_later() -> None:
    worlds = draw([sketch()], 1000, 1)
    assert worlds.clears[:, worlds.names.index("b")] == pytest.approx(worlds.ready)
    assert worlds.clears.max(axis=1) == pytest.approx(worlds.ready)


def test_start_without_known_checks_waits_for_a_nameless_one() -> None:
    worlds = draw([sketch(checks=(), last=())], 10, 1)
    assert worlds.clears[:, worlds.names.index(UNKNOWN_CHECK)] == pytest.approx(worlds.ready)


def test_cost_of_the_recorded_polling_is_taken_out() -> None:
    machine = Machine(cores=0.1, poll_cpu_s=0.0025, coupling=1.0)  # 25 ms of delay per request
    worlds = draw([sketch(machine=machine, polls_per_s=4.0, ready=(9.99, 10.0))], 10, 1)
    assert worlds.ready == pytest.approx(np.full(10, 9.0), abs=0.02)


def test_same_seed_same_bytes_and_other_seed_other_bytes() -> None:
    one, two, three = (draw([sketch(), sketch(ready=(6.0, 7.0))], 100, seed) for seed in (1, 1, 2))
    assert one.ready.tobytes() == two.ready.tobytes()
    assert one.noise.tobytes() == two.noise.tobytes()
    assert one.ready.tobytes() != three.ready.tobytes()


def test_starts_share_the_draws_evenly_and_keep_their_group() -> None:
    worlds = draw([sketch()] * 3, 100, 1)
    assert np.bincount(worlds.group).tolist() == [33, 34, 33]


def test_stages_of_different_starts_keep_their_order() -> None:
    other = sketch(stages=((CODE_OF["service_unavailable"], (1.0, 1.1)), (CODE_OF["forbidden"], (2.0, 2.1))))
    worlds = draw([sketch(), other], 4, 1)
    assert worlds.stage_codes == (CODE_OF["service_unavailable"], CODE_OF["forbidden"])
    assert np.isneginf(worlds.stage_ends[:2, 1]).all()
    assert (worlds.stage_ends[2:, 1] > worlds.stage_ends[2:, 0]).all()


def test_no_start_is_no_data() -> None:
    with pytest.raises(NoDataError):
        draw([], 10, 1)


def test_recorded_truth_is_inside_the_drawn_worlds() -> None:
    starts = recorded.load()
    for start in starts[::10]:
        found = sketch_recorded(start, machine=FREE)
        assert start.first_poll is not None
        assert found.ready == pytest.approx((start.ready[0] - start.first_poll, start.ready[1] - start.first_poll))
        assert found.last == ("poststarthook/rbac/bootstrap-roles",)


def test_403_hides_the_list_from_the_poller_of_k3s_only() -> None:
    starts = [s for s in recorded.load() if any(kind == "403" for _, kind in s.polls)]
    assert len(starts) > 50
    admin, own = (from_recorded(starts, 500, 1, client=c) for c in ("admin", "k3s"))
    assert CODE_OF["forbidden"] not in admin.stage_codes
    assert CODE_OF["forbidden"] in own.stage_codes
    assert (own.stage_ends.max(axis=1) <= own.ready + 1e-9).all()


@pytest.mark.slow
def test_pooled_curve_keeps_mass_and_never_ready_part() -> None:
    edges = np.array([[1.0, 2.0], [5.0, 6.0], [9.0, np.inf]])
    worlds = from_curve(edges, np.array([0.5, 0.25, 0.25]), 0.6, Machine(), 40_000, 3)
    assert np.isinf(worlds.ready).mean() == pytest.approx(0.25, abs=0.01)
    first = (worlds.ready > 1) & (worlds.ready <= 2)
    assert first.mean() == pytest.approx(0.5, abs=0.01)
    finite = np.isfinite(worlds.ready)
    assert ((worlds.ready[finite] <= 2) | (worlds.ready[finite] > 5)).all()


def test_machine_limits_follow_the_measurements() -> None:
    full, tiny = Machine.limited(1.0), Machine.limited(0.12)
    assert full.latency_s == pytest.approx(0.004)
    assert tiny.latency_s == pytest.approx(0.1, rel=0.1)
    assert tiny.coupling == 1.0
    assert full.coupling == pytest.approx(0.3)
    # 12 % of a core: four pollers a second cost a tenth of the start.
    assert 4 * tiny.delay_per_poll_s == pytest.approx(0.09, abs=0.01)


def test_stamps_cut_to_seconds_leave_the_phase_open_but_not_against_the_recorded_notice() -> None:
    # First poll stamped 0 s, hence sent in [0, 1); ready in (4.36, 4.48]; noticed in the second before 5.0.
    coarse = sketch(ready=(4.36, 4.48), stamp_s=1.0, noticed=((3.0, 5.0), 2.0))
    worlds = draw([coarse], 4000, 1)
    assert 3.36 < worlds.ready.min() < 3.5 and 3.9 < worlds.ready.max() <= 4.0  # the tick at 4 s noticed it
    delay = np.ceil(worlds.ready / 2.0) * 2.0 - worlds.ready
    assert (delay <= 5.0 - 4.36 + 1e-9).all()
    free = draw([sketch(ready=(4.36, 4.48), stamp_s=1.0)], 4000, 1)
    assert free.ready.max() > 4.3  # without a notice to fit, any phase is possible


def test_the_replay_of_a_coarse_log_keeps_to_its_own_polling_tax() -> None:
    for name in ("healthy-sqlite.short.txt", "slow-rbac-one-core.short.txt"):
        (start,) = analyze(SAMPLES / name).report.starts
        assert start.clock.precision_s == 1.0 and start.poller.kind == "shared-2s"
        found = sketch_start(start, FREE)
        assert found is not None and start.polling_tax_s is not None and start.polling_tax_s.max is not None
        worlds = draw([found], 4000, 1)
        delay = replay(get("shared-2s"), worlds).delay
        # Latency comes on top of the tick: a few milliseconds here.
        assert start.polling_tax_s.min - 0.1 <= delay.min() and delay.max() <= start.polling_tax_s.max + 0.1
        truth = json.loads((SAMPLES / name).with_suffix("").with_suffix(".truth.json").read_text())["starts"][0]
        first = truth["polls"][0]["departed_us"]
        own = (truth["ready_us"] - first) / 1e6
        assert worlds.ready.min() <= own <= worlds.ready.max()
