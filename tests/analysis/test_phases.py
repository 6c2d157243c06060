"""The time budget: cuts in order, no gaps, no overlaps, missing cuts skipped."""

from __future__ import annotations

from itertools import pairwise

import pytest
from handmade import RBAC, Journal

from analyzer.findings import Phase, StartReport

SLACK = 0.06


def whole() -> Journal:
    journal = Journal().begin().ticking(1.0, 13.0)
    journal.say(2.0, "Kine available at unix://kine.sock")
    journal.say(3.0, "Running kube-apiserver --advertise-port=6443")
    return journal.serving(5.0).poll(4.01).listed(6.01, RBAC).running(12.01)


def named(report: StartReport) -> dict[str, Phase]:
    return {phase.id: phase for phase in report.phases}


def test_every_phase_begins_where_the_one_before_it_ends() -> None:
    report = whole().report()
    assert [phase.id for phase in report.phases] == [
        "extract", "datastore", "certificates", "apiserver_boot", "hooks", "polling_tax",
    ]  # fmt: skip
    for before, after in pairwise(report.phases):
        assert before.end == after.begin
    assert report.phases[0].begin.lower == 0.0


def test_a_phase_lasts_from_cut_to_cut() -> None:
    phases = named(whole().report())
    boot, hooks = phases["apiserver_boot"].duration_s, phases["hooks"].duration_s
    assert boot.min == pytest.approx(2.0, abs=1.0) and boot.max == pytest.approx(2.0, abs=1.0)
    # Serving at 5, ready in (10, 12].
    assert hooks.min == pytest.approx(5.0, abs=SLACK)
    assert hooks.max == pytest.approx(7.0, abs=SLACK)


def test_the_phases_sum_to_the_moment_of_detection() -> None:
    report = whole().report()
    until = [phase.duration_s for phase in report.phases]
    most = sum(span.max for span in until if span.max is not None)
    detected = report.detected.upper
    assert detected is not None
    assert sum(span.min for span in until) <= detected <= most + 1e-6


def test_a_missing_cut_gives_its_time_to_the_next_phase() -> None:
    report = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.01, RBAC).running(12.01).report()
    assert [phase.id for phase in report.phases] == ["extract", "apiserver_boot", "hooks", "polling_tax"]


def test_a_datastore_that_is_ready_after_the_api_server_was_requested_is_no_cut() -> None:
    journal = Journal().begin().ticking(1.0, 13.0)
    journal.say(2.0, "Running kube-apiserver --advertise-port=6443").say(4.0, "Kine available at unix://kine.sock")
    report = journal.serving(5.0).listed(6.01, RBAC).running(12.01).report()
    ends = [phase.end.upper for phase in report.phases]
    assert all(a is not None and b is not None and a <= b for a, b in pairwise(ends))


def test_a_start_that_got_no_further_ends_in_the_phase_it_was_in() -> None:
    journal = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.01, RBAC)
    report = journal.systemd(14.0, "k3s.service: Main process exited, code=killed, status=9/KILL").report()
    last = report.phases[-1]
    assert last.id == "hooks"
    assert last.end.upper is None and last.duration_s.max is None
    assert last.duration_s.min == pytest.approx(9.0, abs=SLACK)


def test_a_fragment_invents_no_phase_before_its_text() -> None:
    report = Journal().ticking(0.0, 5.0).listed(1.01, RBAC).running(5.01).report()
    assert "extract" not in named(report)
    assert all(phase.begin.lower is None or phase.begin.lower >= 0.0 for phase in report.phases)
