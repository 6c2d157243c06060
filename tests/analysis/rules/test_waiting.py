"""From where on a wait for somebody else is told, and how loudly."""

from __future__ import annotations

import pytest

from analyzer.testing.log_wording import UNAVAILABLE
from tests.kit.handmade import FORBIDDEN, RBAC, Journal

PUT_OFF = "Waiting to retrieve agent configuration; server is not ready: 503 Service Unavailable"
REFUSED = 'Get "https://127.0.0.1:6443/readyz": dial tcp 127.0.0.1:6443: connect: connection refused'


def put_off(*at: float) -> Journal:
    journal = Journal().systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
    journal.say(0.1, f"Starting k3s agent {journal.version} (148243c4)")
    for moment in at:
        journal.say(moment, PUT_OFF, "error")
    return journal.ticking(1.0, max(at) + 1.0)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ((2.0, 61.0), False),
        ((2.0, 62.5), True),
        (tuple(float(n) for n in range(2, 11)), False),
        (tuple(float(n) for n in range(2, 12)), True),
    ],
    ids=["59 s", "60 s", "9 times", "10 times"],
)
def test_how_long_and_how_often_a_server_must_put_off(at: tuple[float, ...], told: bool) -> None:
    assert ("server_not_ready" in put_off(*at).findings()) is told


@pytest.mark.parametrize(("end", "told"), [(119.0, False), (121.0, True)])
def test_from_when_on_a_start_is_stuck(end: float, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, end, every=1.0).serving(3.2).poll(4.01).listed(6.01, RBAC).kube(end, "x")
    assert ("stuck" in journal.findings()) is told


def asked(error: str, first: float, last: float, *, ready: bool = False) -> dict[str, str]:
    """What is said of polls answered alike from ``first`` to ``last``, each printed."""
    journal = Journal().begin().ticking(0.5, last + 1.0).poll(first - 2.0, "EOF").poll(first, error)
    journal.unchanged(last)
    return (journal.running(last + 2.0) if ready else journal).findings()


@pytest.mark.parametrize(("length", "told"), [(58.0, False), (62.0, True)])
def test_from_when_on_refused_polls_are_told(length: float, told: bool) -> None:
    assert ("forbidden_lasting" in asked(FORBIDDEN, 4.01, 4.01 + length)) is told
    assert ("refused_lasting" in asked(REFUSED, 4.01, 4.01 + length)) is told


def test_unavailable_is_what_every_start_begins_with() -> None:
    found = asked(UNAVAILABLE, 4.01, 24.01)
    assert not any(name.startswith("polls_") for name in found)
