"""From where on signs of a scarce machine are told, and how loudly."""

from __future__ import annotations

import pytest

from tests.kit.handmade import RBAC, Journal

VERSION = "Version: v1.32.4+k3s1"


def booted(boot_s: float) -> Journal:
    """An API server that took ``boot_s`` from its version line to serving, with healthy polls."""
    journal = Journal().begin().ticking(0.5, 20.0).kube(1.0, f'"{VERSION}"', "server.go:144")
    return journal.serving(1.0 + boot_s).running(18.02)


@pytest.mark.parametrize(("boot_s", "severity"), [(3.9, None), (4.1, "info"), (7.9, "info"), (8.1, "warning")])
def test_how_long_a_boot_tells_of_a_scarce_cpu(boot_s: float, severity: str | None) -> None:
    assert booted(boot_s).findings().get("cpu_starved") == severity


def slow_answers(*late_s: float) -> Journal:
    journal = Journal().begin().ticking(0.5, 30.0).serving(3.2).poll(4.01).listed(6.01, RBAC).poll(8.01)
    for number, late in enumerate(late_s):
        journal.listed(10.01 + 4 * number + late, RBAC) if number % 2 else journal.poll(
            10.01 + 4 * number + late, "EOF"
        )
    return journal.running(26.02)


@pytest.mark.parametrize(("late_s", "told"), [((0.75, 0.75), True), ((0.65, 0.65), False), ((0.75,), False)])
def test_from_which_delay_on_answers_are_slow(late_s: tuple[float, ...], told: bool) -> None:
    """More than 0.35 of the interval; one alone is nothing."""
    assert ("cpu_starved" in slow_answers(*late_s).findings()) is told


@pytest.mark.parametrize(("lag", "told"), [(0.45, False), (0.55, True)])
def test_from_which_lag_on_a_line_was_late(lag: float, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 9.0).serving(3.2).kube(9.2, "x", lag=lag).ticking(9.9, 12.0).running(12.5)
    assert ("cpu_starved" in journal.findings()) is told


@pytest.mark.parametrize(("length", "told"), [(7.8, False), (8.2, True)])
def test_from_which_length_on_a_silence_is_told(length: float, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 2.9).serving(3.2).kube(3.2 + length, "x").ticking(12.0, 20.0).running(20.5)
    assert ("frozen_gap" in journal.findings()) is told


def test_two_long_silences_are_counted() -> None:
    journal = Journal().begin().ticking(0.5, 3.0).ticking(12.0, 15.0).ticking(24.5, 30.0).running(30.5)
    assert "frozen_gap" in journal.findings()


@pytest.mark.parametrize(
    ("length", "level", "told"),
    [(4.9, "E", False), (5.0, "I", True), (5.35, "I", True), (5.5, "I", False), (2.1, "E", True), (2.1, "I", False)],
)
def test_which_silences_look_like_a_timeout(length: float, level: str, told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 2.9).serving(3.2)
    journal.kube(3.2 + length, "the request timed out", severity=level).ticking(9.0, 12.0).running(12.5)
    assert ("gap_like_timeout" in journal.findings()) is told


@pytest.mark.parametrize(("took", "told"), [(4.8, False), (5.3, True)])
def test_how_long_unpacking_is_slow(took: float, told: bool) -> None:
    journal = Journal().systemd(0.0, "Starting k3s.service - Lightweight Kubernetes...")
    journal.say(0.05, "Preparing data dir /var/lib/rancher/k3s/data/8a1c3f5e").banner(0.1 + took)
    assert ("slow_extract" in journal.ticking(6.0, 9.0).serving(7.0).running(9.5).findings()) is told


@pytest.mark.parametrize(("waits", "told"), [((2.0, 2.9), False), ((2.0, 3.1), True), ((0.9,) * 8, False)])
def test_how_long_requests_must_be_held_back(waits: tuple[float, ...], told: bool) -> None:
    journal = Journal().begin().ticking(0.5, 9.0).serving(3.2)
    for number, wait in enumerate(waits):
        text = f"Waited for {wait}s due to client-side throttling, not priority and fairness, request: GET:https://x"
        journal.kube(4.0 + number * 0.3, text, "request.go:697")
    assert ("throttled_client" in journal.running(9.5).findings()) is told
