"""From where on the datastore is said to have been slow, away or late."""

from __future__ import annotations

import pytest

from tests.kit.handmade import RBAC, Journal

UNREACHABLE = "Failed to ping connection: dial tcp 10.0.0.5:5432: connect: connection refused"


def served() -> Journal:
    return Journal().begin().ticking(0.5, 30.0).serving(3.2).poll(4.01).listed(6.01, RBAC)


def slow_sql(*seconds: float) -> dict[str, str]:
    journal = served()
    for number, took in enumerate(seconds):
        text = f"Slow SQL (started: 2026-03-01 06:00:07) (total time: {took}s): SELECT 1 : [[]]"
        journal.say(7.0 + number * 0.1, text)
    return journal.running(12.02).findings()


@pytest.mark.parametrize(
    ("took", "severity"),
    [
        ((0.9,), None),
        ((1.1,), "warning"),
        ((0.9, 0.9), None),
        ((0.6, 0.6, 0.6), "info"),
        ((0.7, 0.7, 0.7), "warning"),
        ((0.1,) * 9, "info"),
        ((0.1,) * 10, "warning"),
    ],
)
def test_which_slow_answers_are_told(took: tuple[float, ...], severity: str | None) -> None:
    """Once a second long, together two, or ten of them; one or two shorter ones nobody need know."""
    assert slow_sql(*took).get("slow_datastore") == severity


@pytest.mark.parametrize(
    ("tries", "every", "ready", "found"),
    [
        (2, 1.0, False, None),
        (3, 1.0, False, "datastore_unreachable"),
        (3, 2.3, True, None),
        (3, 2.6, True, "datastore_late"),
    ],
)
def test_how_often_and_how_long_a_datastore_was_away(tries: int, every: float, ready: bool, found: str | None) -> None:
    journal = Journal().begin().ticking(0.5, 9.0)
    for number in range(tries):
        journal.say(1.0 + number * every, UNREACHABLE, "error")
    if ready:
        journal.serving(9.2).poll(10.01).ticking(9.3, 14.0).running(14.02)
    told = journal.findings()
    assert {name for name in told if name in ("datastore_unreachable", "datastore_late")} == (
        {found} if found else set()
    )
