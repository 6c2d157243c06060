"""From where on the API server's own checks are told as late or as quick."""

from __future__ import annotations

import pytest

from tests.kit.handmade import CRD, RBAC, SCHEDULING, Journal


@pytest.mark.parametrize(("serving", "told"), [(3.1, False), (2.8, True)])
def test_from_when_on_definitions_are_heavy(serving: float, told: bool) -> None:
    """At least 5 s after serving; the tick of the last list that shows it failing is at 8.0."""
    journal = Journal().begin().ticking(0.5, 20.0).serving(serving).poll(2.01).listed(6.01, CRD, RBAC, SCHEDULING)
    journal.listed(8.01, CRD, RBAC).listed(10.01, RBAC).running(12.01)
    assert ("crd_heavy" in journal.findings()) is told


@pytest.mark.parametrize(("serving", "told"), [(2.1, True), (1.9, False)])
def test_two_seconds_from_serving_to_ready_are_the_floor(serving: float, told: bool) -> None:
    journal = Journal().begin().ticking(0.2, 6.0).serving(serving).poll(2.01).running(4.02)
    assert ("one_second_floor" in journal.findings()) is told
