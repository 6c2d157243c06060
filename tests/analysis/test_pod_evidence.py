"""What the pods' logs beside a start prove: troubles of the datastore, and which looks they leave in doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.pod_evidence import PodEvidence, evidence
from analyzer.starts import judge
from analyzer.starts.start import ApiRun
from analyzer.window import Bound, Evidence
from tests.kit.handmade import Journal


def troubled(*at: float) -> float | None:
    """When the datastore was last in doubt, of a start noticed at 8.0 whose pods wrote of troubles at these moments."""
    journal = Journal().begin().ticking(0.5, 12.0).serving(3.0)
    for moment in at:
        journal.kube(moment, "etcdserver: request timed out")
    [start] = journal.running(8.0).starts()
    pods = replace(
        start, pod_lines=tuple(r for r in start.process if "timed out" in r.message or "order:" in r.message)
    )
    return evidence(pods, judge(pods), LineTimes(pods)).troubled_s


def test_the_last_trouble_up_to_the_outcome_counts() -> None:
    assert troubled() is None
    assert troubled(3.0) == pytest.approx(3.0, abs=1e-5)
    assert troubled(5.0, 7.0, 6.0) == pytest.approx(7.0, abs=1e-5)
    assert troubled(5.0, 9.0) == pytest.approx(5.0, abs=1e-5)
    assert troubled(9.0) is None


@pytest.mark.parametrize(
    ("restarted_s", "troubled_s", "seen_s", "monotone", "outdated"),
    [
        (None, None, 1.0, False, False),
        (None, None, None, False, False),
        (5.0, None, 4.9, True, True),
        (5.0, None, 5.0, True, False),
        (5.0, None, None, True, True),
        (None, 5.0, 4.9, True, False),  # a hook never goes back
        (None, 5.0, 4.9, False, True),
        (None, 5.0, 5.0, False, False),
        (3.0, 5.0, 4.0, False, True),
        (5.0, 3.0, 4.0, False, True),
        (3.0, 5.0, 4.0, True, False),
    ],
)
def test_which_looks_a_restart_or_a_trouble_leaves_in_doubt(
    restarted_s: float | None, troubled_s: float | None, seen_s: float | None, monotone: bool, outdated: bool
) -> None:
    pods = PodEvidence(restarted_s=restarted_s, troubled_s=troubled_s)
    seen = None if seen_s is None else Evidence(seen_s, Bound.OBSERVED)
    assert pods.outdates(seen, monotone) is outdated


@pytest.mark.parametrize(
    ("sure", "served", "counts"),
    [(False, False, False), (False, True, True), (True, False, True), (True, True, True)],
)
def test_what_a_run_does_counts_once_it_has_the_port_or_where_no_other_can_have_it(
    sure: bool, served: bool, counts: bool
) -> None:
    journal = Journal().begin().ticking(0.5, 7.0)
    if served:
        journal.serving(3.0)
    journal.kube(4.0, "Starting APIServiceRegistrationController", "apiservice_controller.go:170")
    [start] = journal.running(8.0).starts()
    run = ApiRun(start.process, start.events)
    pods = replace(start, pod_lines=tuple(start.process), api_runs=(run,), api=run if sure else None)
    found = {proof.rule.id for proof in evidence(pods, judge(pods), LineTimes(pods)).proofs}
    assert ("registration-started" in found) is counts
