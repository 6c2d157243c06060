"""An agent's start is judged by its node: what proves that it was registered, and what that it never was."""

from __future__ import annotations

import pytest

from analyzer.reports import narrative
from analyzer.starts import Start, judge
from analyzer.starts.agents import agent_outcome, notified, registration, wait_was_ended
from tests.kit.handmade import Journal

STARTING = "Starting k3s-agent.service - Lightweight Kubernetes..."
STOPPING = "Stopping k3s-agent.service - Lightweight Kubernetes..."
SIGNAL = 'signal received: "terminated", canceling context...'
REFUSED = "Waiting to retrieve agent configuration; server is not ready: not authorized"
WAIT_ENDED = "Error: failed to retrieve agent configuration: not authorized"
RBAC_ECHO = "Tunnel watches failed to wait for RBAC: context canceled, "


def agent(version: str = "v1.33.3+k3s1") -> Journal:
    journal = Journal(version)
    journal.systemd(0.0, STARTING)
    return journal.say(0.5, f"Starting k3s agent {version} (148243c4)")


def working(version: str = "v1.33.3+k3s1") -> Journal:
    """Up to the kubelet's first words."""
    journal = agent(version).say(1.0, "Running containerd -c config.toml").say(2.0, "containerd is now running")
    journal.say(3.0, "Running kubelet --hostname-override=node-a")
    return journal.kube(3.5, '"Started kubelet"', "server.go:1284")


def registered(journal: Journal, at: float = 5.0, known: bool = False) -> Journal:
    journal.kube(at - 0.2, '"Attempting to register node" node="node-a"', "kubelet_node_status.go:75")
    if known:
        journal.kube(at - 0.1, '"Node was previously registered" node="node-a"', "kubelet_node_status.go:124")
    return journal.kube(at, '"Successfully registered node" node="node-a"', "kubelet_node_status.go:78")


def only(journal: Journal) -> Start:
    [start] = journal.starts()
    return start


def outcome(journal: Journal) -> str:
    start = only(journal)
    verdict = judge(start)
    found = agent_outcome(start, verdict.stop_sign, verdict.end_kind, verdict.end, verdict.end_reason)
    assert found != "ready" or registration(start, verdict.stop_sign) is not None
    return found


def test_an_agent_that_registered_was_ready_whatever_came_later() -> None:
    assert outcome(registered(working())) == "ready"  # never a word of being up: docker, k3d
    assert outcome(registered(working()).systemd(30.0, STOPPING).say(30.1, SIGNAL, "warning")) == "ready"
    killed = registered(working()).systemd(30.0, "k3s-agent.service: Main process exited, code=killed, status=9/KILL")
    assert outcome(killed) == "ready"


@pytest.mark.parametrize(
    "line",
    ["k3s agent is up and running", "Annotations and labels have been set successfully on node: node-a"],
)
def test_other_lines_come_only_after_the_node_was_seen(line: str) -> None:
    assert outcome(working().say(9.0, line)) == "ready"


def test_the_word_of_being_up_counts_only_before_a_stop() -> None:
    journal = agent().systemd(8.0, STOPPING).say(9.0, "k3s agent is up and running")
    assert outcome(journal) != "ready"


def test_systemd_s_word_counts_from_1_24_on_and_not_with_a_log_file() -> None:
    done = "Started k3s-agent.service - Lightweight Kubernetes."
    assert outcome(working().systemd(9.0, done)) == "ready"
    assert notified(only(working("v1.23.17+k3s1").systemd(9.0, done))) is None
    assert notified(only(agent().systemd(0.6, done).say(2.0, "containerd is now running"))) is None


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [(False, False, True), (True, False, True), (False, True, False), (True, True, False)],
)
def test_systemd_s_word_does_not_count_where_any_work_comes_after_it(before: bool, after: bool, counts: bool) -> None:
    journal = agent()
    if before:
        journal.say(0.7, "containerd is now running")
    journal.systemd(0.8, "Started k3s-agent.service - Lightweight Kubernetes.")
    if after:
        journal.say(2.0, "Running kubelet --hostname-override=node-a")
    assert (notified(only(journal)) is not None) is counts


def test_never_registered_needs_a_kubelet_that_never_ran() -> None:
    fatal = "Error: failed to find memory cgroup (v2)"
    assert outcome(agent().say(3.0, fatal, "fatal")) == "failed"
    assert outcome(agent().say(1.0, "Running containerd -c config.toml").systemd(30.0, STOPPING)) == "stopped"
    assert outcome(agent().say(3.0, REFUSED)) == "incomplete"  # the text ends first
    # A missing line proves nothing: the kubelet ran, and lines get lost without a notice.
    assert outcome(working().systemd(30.0, STOPPING)) == "incomplete"
    assert outcome(agent().ticking(5.0, 9.0).systemd(30.0, STOPPING)) == "incomplete"
    dead = "Error: failed to run Kubelet: running with swap on is not supported"
    assert outcome(working().say(30.0, dead, "fatal")) == "failed"


@pytest.mark.parametrize(
    "lost", ["Suppressed 120 messages from k3s-agent.service", "Suppressed 1 messages from k3s.service"]
)
def test_a_notice_of_lost_lines_leaves_it_open(lost: str) -> None:
    journal = agent().say(1.0, REFUSED).other(10.0, "systemd-journald", lost)
    assert outcome(journal.say(20.0, REFUSED).systemd(30.0, STOPPING)) in ("incomplete", "stopped")
    headless = Journal().say(3.0, "Running kubelet --hostname-override=node-a").systemd(30.0, STOPPING)
    assert registration(only(headless), None) is None
    assert outcome(headless) == "incomplete"


def test_a_banner_that_is_cut_leaves_it_open() -> None:
    journal = (
        Journal()
        .systemd(0.0, STARTING)
        .bare(0.5, 'time="2026-03-01T06:00:00Z" level=info msg="Starting k3s agent v1.3')
    )
    assert outcome(journal.systemd(30.0, STOPPING)) == "incomplete"


def test_without_the_kubelets_own_lines_nothing_tells_that_it_did_not_register() -> None:
    journal = agent().say(3.0, "Running kubelet --hostname-override=node-a").systemd(30.0, STOPPING)
    assert outcome(journal) == "incomplete"


def test_rke2_s_kubelet_is_not_in_the_journal() -> None:
    def rke2() -> Journal:
        journal = Journal("v1.33.3+rke2r1").systemd(0.0, "Starting Rancher Kubernetes Engine v2 (agent)...")
        return journal.say(0.5, f"Starting rke2 agent {journal.version} (148243c4)")

    stopping = "Stopping Rancher Kubernetes Engine v2 (agent)..."
    assert outcome(rke2().say(1.0, "Running containerd -c config.toml").systemd(30.0, stopping)) == "incomplete"
    assert outcome(rke2().say(1.0, REFUSED).say(25.0, REFUSED).systemd(30.0, stopping)) == "stopped"


def test_the_wait_for_a_configuration_ends_only_from_outside() -> None:
    """Releases that log no signal: the last answer stands in a fatal line."""
    journal = agent("v1.36.3+k3s1")
    for at in (1.0, 6.0, 11.0):
        journal.say(at, REFUSED)
    assert outcome(journal.say(14.0, WAIT_ENDED, "fatal")) == "stopped"
    start = only(journal)
    assert wait_was_ended(start, WAIT_ENDED)
    assert not wait_was_ended(start, "Error: flannel exited: no such interface")
    assert not wait_was_ended(only(agent().say(14.0, WAIT_ENDED, "fatal")), WAIT_ENDED)


def test_a_node_that_was_known_before_says_little_of_an_agent() -> None:
    """Whether its tunnel still waits an agent says only at its end (seen on a recording of 1.33.3)."""
    known = registered(working(), known=True)
    assert outcome(known) == "incomplete"
    assert "does not show whether the agent came up" in narrative.verdict(known.report())[0]
    assert outcome(registered(working(), known=True).say(20.0, "k3s agent is up and running")) == "ready"
    as_it_was = "Annotations and labels have already set on node: node-a"
    assert outcome(working().say(4.0, as_it_was)) == "incomplete"  # before the kubelet says a word of it
    assert outcome(registered(working()).say(6.0, as_it_was)) == "ready"
    stopped = registered(working(), known=True).systemd(30.0, STOPPING).say(30.1, RBAC_ECHO, "fatal")
    assert outcome(stopped) == "incomplete"
    fresh = registered(working()).systemd(30.0, STOPPING).say(30.1, RBAC_ECHO, "fatal")
    assert outcome(fresh) == "ready"


def test_where_its_level_is_lost_the_end_of_the_wait_is_a_stop_all_the_same() -> None:
    assert outcome(agent("v1.36.3+k3s1").say(1.0, REFUSED).bare(14.0, WAIT_ENDED)) == "stopped"
    other = "Error: flannel exited: no such interface"
    assert outcome(agent("v1.36.3+k3s1").say(1.0, REFUSED).bare(14.0, other)) == "failed"


# --- RKE2's agent, whose kubelet writes a file of its own


def rke2_outcome(told: str, *last: str) -> str:
    journal = Journal("v1.34.1+rke2r1")
    journal.say(0.5, "Starting rke2 agent v1.34.1+rke2r1 (c1d2e3f4)").say(1.0, "Running load balancer x -> y")
    for number, message in enumerate(last):
        journal.say(2.0 + number, message)
    journal.say(8.0, "starting: no way to the server", "fatal")
    journal.systemd(8.2, "rke2-agent.service: Main process exited, code=exited, status=1/FAILURE")
    journal.systemd(8.3, told)
    return judge(only(journal)).outcome


def test_systemd_says_of_an_rke2_agent_that_it_never_reported_itself() -> None:
    told = "Failed to start rke2-agent.service - Rancher Kubernetes Engine v2 (agent)."
    assert rke2_outcome(told) == "failed"
    assert rke2_outcome(told, "Running kubelet --hostname-override=depot") == "incomplete"
    assert rke2_outcome("rke2-agent.service: Failed with result 'exit-code'.") == "incomplete"
    assert rke2_outcome("rke2-agent.service: Start request repeated too quickly.") == "incomplete"
