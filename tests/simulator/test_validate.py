"""The simulator against recorded starts of real servers: the claims of docs/simulator-appendix.md, computed again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzer.errors import BadInputError
from analyzer.policies import get
from analyzer.reports.simulation_schedule import Plan, render_text
from analyzer.simulator import recorded, stateaware, validate
from analyzer.simulator.distribution import parse
from analyzer.simulator.schedule import Costs, optimal
from analyzer.simulator.world import Machine, Sketch, draw, sketch_recorded
from tools import tune_adaptive

RECORDINGS = Path(__file__).parents[1] / "data" / "recorded"
STARTS = recorded.load()


def test_packaged_digest_is_what_the_recordings_say() -> None:
    packaged = {(s.name, s.n): s for s in STARTS}
    found = recorded.digest_folder(RECORDINGS)
    assert len(found) > 25
    assert [s for s in found if packaged.get((s.name, s.n)) != s] == []


def test_digest_survives_writing_and_reading(tmp_path: Path) -> None:
    file = tmp_path / "digest.json"
    file.write_text(recorded.to_json(STARTS))
    assert recorded.load(file) == STARTS


@pytest.mark.parametrize("text", ["", "[]", '{"starts": [{}]}', '{"starts": 3}'])
def test_bad_digest_is_bad_input(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(BadInputError):
        recorded.load(file)


def test_folder_without_truth_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        recorded.load(tmp_path)


@pytest.mark.parametrize("poller", ["shared-2s", "legacy-4x1s"])
def test_replay_predicts_every_logged_detection_within_0_3_s_from_half_a_core_on(poller: str) -> None:
    starts = [s for s in STARTS if s.poller == poller and s.cpu_pct >= 50 and not s.disturbed]
    assert len(starts) > 25
    worst = max((validate.predict(s) for s in starts), key=lambda p: abs(p.residual))
    assert abs(worst.residual) <= 0.3, worst


@pytest.mark.long
def test_replay_predicts_almost_all_of_the_rest_too() -> None:
    rest = [validate.predict(s) for s in STARTS if s.cpu_pct < 50 or s.disturbed]
    outside = [p for p in rest if abs(p.residual) > 0.3]
    assert len(outside) <= 0.06 * len(rest)


def test_a_wrong_poller_would_be_found_out() -> None:
    """The check has teeth: the other era's poller does not explain the same detections."""
    starts = [s for s in STARTS if s.poller == "shared-2s" and s.cpu_pct >= 50 and not s.disturbed]
    as_old = [validate.predict(replace(s, k3s="v1.32.2+k3s1")) for s in starts]
    assert sum(abs(p.residual) > 0.3 for p in as_old) > len(starts) / 4


@pytest.mark.parametrize("poller", ["shared-2s", "legacy-4x1s"])
def test_replayed_tax_is_the_measured_one(poller: str) -> None:
    measured, replayed = validate.tax(STARTS, poller)
    assert replayed.mean == pytest.approx(measured.mean, abs=0.1)
    assert replayed.p95 == pytest.approx(measured.p95, abs=0.1)


def test_paired_runs_save_the_cpu_that_polling_explains() -> None:
    cells = {(c.cpu_pct, c.kind, c.quantity): c for c in validate.paired(STARTS)}
    assert len(cells) == 18
    for (_, _, quantity), cell in cells.items():
        if quantity == "cpu_s":
            assert cell.simulated < 0
            # The intervals of what was measured and what polling explains overlap or touch.
            assert cell.low - 0.06 <= cell.simulated <= cell.high + 0.06
        elif quantity == "noticed_s":
            # The replay of both pollers lands where the paired recordings landed.
            assert cell.low <= cell.simulated <= cell.high
        else:
            assert cell.low - 0.1 <= cell.simulated <= cell.high + 0.1
    starved = cells[12, "restart", "ready_s"]
    assert starved.high < 0 and starved.simulated < 0
    assert cells[25, "fresh", "noticed_s"].simulated > 0


def test_adaptive_earns_its_name_on_the_half_it_was_not_chosen_on() -> None:
    judged = [s for s in STARTS if validate.half_of(s) == 1]
    assert 80 < len(judged) < 110
    found = validate.verdict(get("adaptive"), judged)
    shared = validate.verdict(get("shared-2s"), judged)
    assert found.delay_p50 <= 0.4
    assert found.delay_p95 <= 1.0
    assert found.cpu_ratio <= 2.0
    assert found.cpu_ratio_max <= 2.0
    assert found.core_max <= 0.01
    assert shared.delay_p50 > 1.0
    assert shared.delay_p95 > 1.8
    assert found.noticed_vs_shared < -0.4


def test_adaptive_holds_under_the_identity_that_sees_403() -> None:
    found = validate.verdict(get("adaptive"), STARTS, client="k3s")
    assert found.delay_p50 <= 0.4
    assert found.delay_p95 <= 1.0
    assert found.cpu_ratio <= 2.0
    assert found.core_max <= 0.01


def test_halves_keep_recordings_whole() -> None:
    for name in {s.name for s in STARTS}:
        assert len({validate.half_of(s) for s in STARTS if s.name == name}) == 1


@pytest.mark.long
def test_tuning_repeats_itself() -> None:
    assert tune_adaptive.search(8, 3) == tune_adaptive.search(8, 3)


@pytest.mark.long
def test_state_aware_schedule_gains_out_of_sample() -> None:
    starts = [sketch_recorded(s) for s in STARTS[::3]]
    found = stateaware.judge(starts, Costs(0.05, 1.0), draws=8, folds=8)
    assert found.starts == len(starts)
    assert found.aware_cost < found.blind_cost
    assert found.used_state == found.folds
    assert found.gain == pytest.approx(found.blind_cost - found.aware_cost, abs=0.05)
    assert found.gain_low <= found.gain <= found.gain_high


def test_state_aware_schedule_gains_nothing_where_states_say_nothing() -> None:
    """Readiness independent of the state: the judgement must not invent a gain."""
    rng = np.random.default_rng(6)
    starts = [
        Sketch((), (("a", (r - 1e-3, r)),), (r - 1e-3, r), Machine(poll_cpu_s=0.0), last=("a",))
        for r in 5 + 10 * rng.random(60)
    ]
    found = stateaware.judge(starts, Costs(0.2, 1.0), draws=4, folds=10)
    assert found.gain_low <= 0.05
    assert abs(found.gain) < 0.25 * found.blind_cost


def test_starts_that_are_alike_are_asked_by_time_alone() -> None:
    """Time tells more than states there; the state-aware schedule must not cost more than to ignore the state."""
    rng = np.random.default_rng(3)
    starts = []
    for ready in 20 + 0.2 * rng.random(12):
        clears = (("b", (1.0, 9.0)), ("a", (ready - 1e-3, ready)))
        starts.append(Sketch((), clears, (ready - 1e-3, ready), Machine(poll_cpu_s=0.0), last=("a",)))
    found = stateaware.judge(starts, Costs(0.05, 1.0))
    assert found.folds == 12 and found.gain_low >= -0.01 * found.blind_cost
    said = " ".join(
        render_text(Plan(optimal(parse("uniform:0,30"), Costs(0.05, 1.0)), "made", Costs(0.05, 1.0), found)).split()
    )
    assert "time alone says more" in said if not found.used_state else "gain" in said


def test_state_aware_needs_starts_to_learn_from() -> None:
    with pytest.raises(ValueError, match="four starts"):
        stateaware.judge([sketch_recorded(s) for s in STARTS[:3]], Costs(0.05, 1.0))


def test_states_advance_and_end_in_readiness() -> None:
    worlds = draw([sketch_recorded(s, client="k3s") for s in STARTS], 1900, 1)
    entry = stateaware.entries(worlds)
    assert (np.diff(entry, axis=1) >= -1e-9).all()
    assert entry[:, -1] == pytest.approx(worlds.ready)


@pytest.mark.slow
def test_command_prints_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate.main([str(RECORDINGS)]) == 0
    text = capsys.readouterr().out
    assert "half a core or more" in text
    assert validate.main([str(RECORDINGS), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["replay"]["half_a_core_or_more"]["within"] == found["replay"]["half_a_core_or_more"]["starts"]
    assert validate.main([str(RECORDINGS / "nothing")]) == 3
