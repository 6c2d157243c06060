"""What became of a start, and which line decides it."""

from __future__ import annotations

import pytest

from analyzer.results import StartReport
from analyzer.starts import Verdict, judge
from analyzer.starts.verdict import _too_short
from tests.kit.handmade import RBAC, Journal, check

CANCEL = 'signal received: "terminated", canceling context...'
STOPPING = "Stopping k3s.service - Lightweight Kubernetes..."
EXIT_1 = "k3s.service: Main process exited, code=exited, status=1/FAILURE"


def verdict(journal: Journal) -> Verdict:
    """Of the only start."""
    [start] = journal.starts()
    return judge(start)


def begun() -> Journal:
    return Journal().begin().ticking(1.0, 6.0).serving(3.0)


def test_the_line_behind_the_successful_poll_decides() -> None:
    found = verdict(begun().running(7.0))
    assert found.outcome == "ready" and found.reason is None
    assert found.detected is not None and found.detected.message == "Kube API server is now running"
    assert found.end_kind == "running"


def test_what_comes_after_ready_does_not_change_the_outcome() -> None:
    found = verdict(begun().running(7.0).ticking(8.0, 40.0).systemd(41.0, STOPPING).say(41.1, CANCEL, "warning"))
    assert (found.outcome, found.end_kind) == ("ready", "stopped")


def test_a_stop_before_ready_is_stopped_and_its_echo_is_not_the_reason() -> None:
    journal = begun().systemd(7.0, STOPPING).say(7.1, CANCEL, "warning")
    journal.say(7.2, "Tunnel watches failed to wait for RBAC: context canceled, ", "fatal").systemd(7.3, EXIT_1)
    found = verdict(journal)
    assert found.outcome == "stopped"
    assert found.end is not None and found.end.message == STOPPING


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        ("code=exited, status=0/SUCCESS", "stopped", "exited with status 0 (SUCCESS)"),
        ("code=exited, status=1/FAILURE", "failed", "exited with status 1 (FAILURE)"),
        ("code=killed, status=9/KILL", "failed", "killed by signal 9 (KILL)"),
        ("code=dumped, status=0", "failed", "killed by signal 0"),
    ],
)
def test_after_a_cluster_reset_only_an_exit_with_status_0_is_an_end_in_good_order(
    told: str, kind: str, words: str
) -> None:
    journal = (
        Journal().begin().say(2.0, "Managed etcd cluster membership has been reset, restart without --cluster-reset")
    )
    found = verdict(journal.systemd(9.0, f"k3s.service: Main process exited, {told}"))
    assert (found.end_kind, found.end_reason) == (kind, words)


def test_a_cancelled_context_alone_is_no_cause() -> None:
    """The request's line is not in the text, its echo is."""
    found = verdict(Journal().banner(0.0).say(9.0, "preparing server: no CA certs: context canceled", "fatal"))
    assert found.outcome == "stopped"
    assert found.reason is not None and "context canceled" not in found.reason


def test_a_fatal_line_is_the_reason() -> None:
    found = verdict(begun().say(7.0, "preparing server: bad token", "fatal").systemd(7.1, EXIT_1))
    assert (found.outcome, found.reason) == ("failed", "preparing server: bad token")


def test_a_shutdown_request_with_a_cause_is_a_failure_even_with_status_0() -> None:
    journal = begun().say(7.0, "Shutdown request received: apiserver exited: no such flag", "error")
    found = verdict(journal.say(7.1, "Closing database connections..."))
    assert (found.outcome, found.reason) == ("failed", "apiserver exited: no such flag")


def test_a_killed_process_failed() -> None:
    found = verdict(begun().systemd(7.0, "k3s.service: Main process exited, code=killed, status=9/KILL"))
    assert found.outcome == "failed"
    assert found.reason == "killed by signal 9 (KILL)"


def test_a_text_that_ends_says_nothing_of_the_end() -> None:
    found = verdict(begun())
    assert (found.outcome, found.end_kind, found.end) == ("incomplete", "running", None)


# --- readiness that a cancellation printed (the channel is closed on cancellation, too, up to 1.34.1)


def ready_said(journal: Journal) -> StartReport:
    report = journal.report()
    assert not any(p.error is None for p in report.polls)
    return report


def test_running_after_the_stop_is_not_ready() -> None:
    report = ready_said(begun().systemd(7.0, STOPPING).running(7.1))
    assert report.outcome == "stopped" and report.detected.upper is None


def old() -> Journal:
    return Journal("v1.30.3+k3s1").banner(0.0).ticking(0.5, 6.0)


def assert_not_ready(journal: Journal) -> None:
    report = journal.report()
    assert report.outcome != "ready"
    assert report.ready.upper is None and report.detected.upper is None
    assert all(c.final != "ok" and c.cleared.upper is None for c in report.checks if c.name == RBAC)


def test_running_of_a_server_that_never_served_is_a_cancellation() -> None:
    assert_not_ready(old().running(6.5).ticking(6.6, 6.7))


def test_running_sooner_than_the_slowest_hooks_first_try_is_a_cancellation() -> None:
    assert_not_ready(old().serving(6.0).running(6.8).ticking(7.0, 40.0))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("TTL events watch channel closed", ""),
        ("", "http: Server closed"),
        ("", "Proxy error: context canceled"),
        ("", "Shutting down kubernetes service endpoint reconciler"),
    ],
)
def test_running_amid_closing_noise_is_a_cancellation(before: str, after: str) -> None:
    journal = old().serving(3.0)
    if before:
        journal.say(8.0, before)
    journal.running(8.001)
    if after:
        journal.kube(8.01, after, "controller.go:133") if after.startswith("Shutting") else journal.say(8.01, after)
    assert_not_ready(journal)


def test_lines_of_others_that_wait_for_the_same_channel_prove_nothing_in_the_burst() -> None:
    journal = old().serving(3.0).say(8.0, "Creating k3s-supervisor event broadcaster").running(8.001)
    assert_not_ready(journal.say(8.002, "http: Server closed"))


def test_a_stop_that_is_announced_later_takes_nothing_back() -> None:
    journal = begun().running(7.0).say(8.0, CANCEL, "warning").say(8.1, "Failed to start: context canceled", "fatal")
    report = journal.report()
    assert report.outcome == "ready"
    assert check(report, RBAC).cleared.upper == pytest.approx(7.0, abs=1e-3)


@pytest.mark.parametrize(
    "echo",
    [
        "server stopped: http: Server closed",
        "controllers exited",
        "Tunnel watches failed to wait for RBAC: timed out waiting for the condition, ",
    ],
)
@pytest.mark.parametrize("running", [True, False])
def test_fatal_words_of_old_releases_that_only_echo_a_stop(echo: str, *, running: bool) -> None:
    journal = old().serving(3.0)
    if running:
        journal.running(8.0).ticking(9.0, 30.0)
    report = journal.say(31.0, echo, "fatal").report()
    assert report.outcome == ("ready" if running else "stopped")
    assert report.end.kind == "stopped"


def test_a_wait_for_rbac_that_took_its_fifteen_minutes_is_no_echo() -> None:
    said = "Tunnel watches failed to wait for RBAC: timed out waiting for the condition, "
    report = old().serving(3.0).ticking(9.0, 30.0).say(905.0, said, "fatal").report()
    assert report.end.kind == "failed"


def test_a_start_that_systemd_ended_for_its_time_limit_failed() -> None:
    journal = begun().systemd(90.0, "k3s.service: start operation timed out. Terminating.").say(90.1, CANCEL, "warning")
    found = verdict(journal.systemd(90.5, "k3s.service: Failed with result 'timeout'."))
    assert found.outcome == "failed"
    assert found.reason == "k3s.service: start operation timed out. Terminating."


def test_the_last_word_of_etcd_is_a_reason_with_its_error() -> None:
    line = (
        '{"level":"fatal","ts":"2026-03-01T06:00:07.000Z","caller":"etcdserver/raft.go:1","msg":"failed to save",'
        '"error":"write /var/lib/rancher/k3s/server/db/etcd: no space left on device"}'
    )
    found = verdict(begun().bare(7.0, line).systemd(7.1, EXIT_1))
    assert found.outcome == "failed"
    assert found.reason == "failed to save: write /var/lib/rancher/k3s/server/db/etcd: no space left on device"


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ("k3s.service: start operation timed out. Terminating.", "failed"),
        ("k3s.service: start-pre operation timed out. Terminating.", "failed"),
        ("k3s.service: Main process exited, code=exited, status=203/EXEC", "failed"),
        ("k3s.service: Main process exited, code=exited, status=255/EXCEPTION", "incomplete"),
    ],
)
def test_which_ends_alone_show_that_the_unit_was_never_up(told: str, outcome: str) -> None:
    """A process of which nothing else is known: systemd says so of a unit that never reported itself."""
    assert verdict(Journal().systemd(9.0, told)).outcome == outcome


@pytest.mark.parametrize(("ended", "outcome"), [(1.9, "failed"), (2.1, "incomplete")])
def test_nothing_becomes_ready_within_two_seconds(ended: float, outcome: str) -> None:
    journal = Journal().systemd(0.0, "Starting k3s.service - Lightweight Kubernetes...")
    assert verdict(journal.kube(0.5, "x").systemd(ended, EXIT_1)).outcome == outcome


@pytest.mark.parametrize(
    ("ended", "more", "outcome"), [(9.0, 0, "failed"), (11.1, 0, "incomplete"), (11.1, 1, "failed")]
)
def test_few_lines_before_a_late_end_were_picked(ended: float, more: int, outcome: str) -> None:
    """Four lines and an end more than five seconds later are an excerpt; five are a text."""
    journal = Journal().banner(0.1).say(1.0, "alpha").say(2.0, "bravo").poll(6.0)
    if more:
        journal.say(3.0, "charlie")
    assert verdict(journal.systemd(ended, EXIT_1)).outcome == outcome


def test_a_limit_of_starts_says_nothing_of_a_process_that_ran() -> None:
    told = Journal().systemd(9.0, "k3s.service: Start request repeated too quickly.")
    told.systemd(9.0, "Failed to start k3s.service - Lightweight Kubernetes.")
    assert verdict(told).outcome == "failed"
    assert verdict(told.banner(0.1).bare(0.2, "some words of a helper")).outcome == "incomplete"


@pytest.mark.parametrize(("lived", "short"), [(1.999999, True), (2.0, False)])
def test_in_two_seconds_no_api_server_can_have_become_ready(lived: float, short: bool) -> None:
    """The end of a line's microsecond counts."""
    [start] = Journal().begin().systemd(lived, EXIT_1).starts()
    assert _too_short(start, start.records[-1]) is short
    [later] = Journal().ticking(0.0, 0.4).systemd(lived, EXIT_1).starts()
    assert not _too_short(later, later.records[-1]), "nobody knows for how long it had lived"
