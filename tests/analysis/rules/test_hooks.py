"""From where on the API server's own checks are told as late or as quick."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.analysis.rules.hooks import aggregated, definitions, floor, tax
from analyzer.results import Bottleneck, Check, LastBlocker
from analyzer.window import OPEN, Span
from tests.analysis.rules.made_contexts import made, window
from tests.kit.handmade import CRD, RBAC, SCHEDULING, Journal

DISCOVERY = "poststarthook/apiservice-discovery-controller"
REGISTRATION = "poststarthook/apiservice-registration-controller"


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


@pytest.mark.parametrize(("until_s", "told"), [(6.49, False), (6.5, True), (None, False)])
def test_from_when_on_the_first_discovery_round_is_held_up(until_s: float | None, told: bool) -> None:
    """1.5 s after the registration passed at the latest."""
    registration = Check(REGISTRATION, "ok", True, window(4.0, 5.0))
    discovery = Check(DISCOVERY, "ok", True, failing_until_s=until_s)
    found = list(aggregated(made(checks=(registration, discovery))))
    assert bool(found) is told
    assert not told or "at least 1.5 s after the APIs were registered" in found[0].detail
    assert not list(aggregated(made(checks=(replace(registration, cleared=OPEN), discovery))))
    assert not list(aggregated(made(checks=(discovery,))))


@pytest.mark.parametrize(("last", "severity"), [("no", "info"), ("possible", "warning"), ("certain", "warning")])
def test_discovery_is_worth_a_warning_where_it_may_have_come_last(last: LastBlocker, severity: str) -> None:
    registration = Check(REGISTRATION, "ok", True, window(4.0, 5.0))
    discovery = Check(DISCOVERY, "ok", True, failing_until_s=9.0, last_blocker=last)
    [found] = aggregated(made(checks=(registration, discovery)))
    assert found.severity == severity


@pytest.mark.parametrize(("least_s", "told"), [(4.99, False), (5.0, True)])
def test_five_seconds_after_serving_are_heavy(least_s: float, told: bool) -> None:
    context = made(serving_s=8.0 - least_s, checks=(Check(CRD, "ok", True, failing_until_s=8.0),))
    assert bool(list(definitions(context))) is told


@pytest.mark.parametrize(
    ("least_s", "most_s", "told"),
    [
        (0.0, 0.99, None),
        (0.0, 1.0, "at most 1.0 s"),
        (0.09, 2.3, "at most 2.3 s"),
        (0.1, 2.3, "between 0.1 s and 2.3 s"),
        (0.49, 2.31, None),  # a wide window says nothing of the poller
        (0.5, 2.31, "between 0.5 s and 2.4 s"),
        (0.5, None, None),
    ],
)
def test_how_much_later_than_ready_is_told(least_s: float, most_s: float | None, told: str | None) -> None:
    """The poller asks every 2 s, and an answer takes up to 0.3 s."""
    details = [finding.detail for finding in tax(made(polling_tax_s=Span(least_s, most_s)))]
    if told is None:
        assert not details
    else:
        assert [f"ready {told} before" in detail for detail in details] == [True]


@pytest.mark.parametrize(("took_s", "told"), [(2.0, True), (2.01, False)])
def test_the_floor_is_two_seconds_from_serving(took_s: float, told: bool) -> None:
    last = Bottleneck((RBAC,), "possible", "x")
    assert bool(list(floor(made(serving_s=4.0 - took_s, ready=window(3.0, 4.0), bottleneck=last)))) is told
