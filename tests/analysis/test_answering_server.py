"""Clusters with several servers: whose API server answered, and which bounds may be used then."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from analyzer.analysis import analyze_records
from analyzer.analysis.answering_server import AnsweringServer, evidence
from analyzer.events.witness_rules import rules
from analyzer.records.read import read_log_records
from analyzer.results import Finding, Report, StartReport
from tests.kit.handmade import RBAC, SCHEDULING, Journal, check

RECORDED = Path(__file__).parents[1] / "data" / "recorded"
QUOTA = "quota admission added evaluator for: rolebindings.rbac.authorization.k8s.io"
MEMBER = (
    '{"level":"info","ts":"2026-03-01T06:00:01.5Z","caller":"membership/cluster.go:421","msg":"added member",'
    '"cluster-id":"c","local-member-id":"1efb","added-peer-id":"%s","added-peer-peer-urls":["https://192.0.2.11:2380"]}'
)
BALANCER = "Running load balancer k3s-agent-load-balancer 127.0.0.1:6444 -> [{}] [default: 192.0.2.11:6443]"
ETCD_BALANCER = "Running load balancer k3s-etcd-server-load-balancer 127.0.0.1:2379 -> [192.0.2.11:2379] [default: x]"


def seen(journal: Journal) -> AnsweringServer:
    [studied] = journal.studied()
    return studied.facts.answering


def of(journal: Journal) -> dict[str, Finding]:
    """Findings on the only start by id, as in a report."""
    [start] = analyze_records(journal.log_records(), tool_version="0").starts
    return {finding.id: finding for finding in start.findings}


def joining(journal: Journal) -> Journal:
    """A server that joins others: etcd names another member. It has an API server of its own."""
    return journal.bare(1.5, MEMBER % "fd8b").serving(3.0).listed(4.0, RBAC, SCHEDULING).listed(6.0, RBAC)


def agent() -> Journal:
    """An agent: another machine's API server is asked."""
    journal = Journal().systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
    return journal.say(0.1, f"Starting k3s agent {journal.version} (148243c4)")


def test_a_joining_server_asks_its_own_api_server() -> None:
    journal = joining(Journal().begin()).running(8.0)
    found = seen(journal)
    assert found.answered == "own"
    assert [record.line for record in found.several] == [journal.line("added member")]
    report = journal.report()
    assert check(report, RBAC).cleared.lower == pytest.approx(5.95, abs=0.02)  # by its own poll
    assert check(report, SCHEDULING).cleared.upper == pytest.approx(6.0, abs=0.02)  # and a hook never goes back
    finding = of(journal)["several_servers"]
    assert finding.severity == "info" and finding.lines == (journal.line("added member"),)
    assert "its own API server" in finding.detail


@pytest.mark.parametrize(
    "line",
    [
        "Starting etcd to join cluster with members [a=https://192.0.2.10:2380 b=https://192.0.2.11:2380]",
        "Promoted learner edge-2-68583e2a",
    ],
)
def test_other_servers_are_seen_in_the_lines_of_k3s(line: str) -> None:
    assert seen(Journal().begin().say(1.0, line).serving(3.0).running(8.0)).several


def test_one_server_is_no_cluster_of_several() -> None:
    journal = Journal().begin().bare(1.5, MEMBER % "1efb").say(2.0, ETCD_BALANCER)
    journal.bare(2.1, 'time="2026-03-01T06:00:02Z" level=info msg="Connecting to proxy" url="wss://127.0.0.1:6443/x"')
    journal.serving(3.0).kube(7.0, 'Resetting endpoints for master service "kubernetes" to [192.0.2.10]', "lease.go:1")
    journal.running(8.0)
    assert seen(journal) == AnsweringServer("own")
    assert not {"several_servers", "other_server_answers"} & set(of(journal))


def test_what_is_told_after_readiness_is_not_about_the_start() -> None:
    journal = Journal().begin().serving(3.0).running(8.0).bare(9.0, MEMBER % "fd8b")
    assert seen(journal) == AnsweringServer("own")


def test_the_rules_for_an_empty_datastore_assume_one_server() -> None:
    def lower(journal: Journal) -> float | None:
        journal.fresh(0.5).serving(3.0).kube(6.5, QUOTA, "controller.go:615").running(9.0)
        return check(journal.report(), RBAC).cleared.lower

    assert lower(Journal().begin()) == pytest.approx(6.5, abs=1e-5)
    assert lower(Journal().begin().bare(1.5, MEMBER % "fd8b")) == pytest.approx(4.0, abs=1e-5)


def test_a_server_without_api_server_asks_through_its_balancer() -> None:
    """Whatever an API server in this process says bounds nothing of what another one answers."""

    def report(*, balanced: bool) -> StartReport:
        journal = Journal().begin()
        if balanced:
            journal.say(1.0, BALANCER.format("192.0.2.11:6443"))
        journal.ticking(1.0, 7.8, 0.1).serving(5.0).listed(5.5, RBAC)
        return journal.running(8.0).report()

    own, other = report(balanced=False), report(balanced=True)
    assert own.ready.lower == pytest.approx(6.0, abs=1e-3) and own.ready.lower_witness == "serving-before-rbac-1s"
    assert other.ready.lower is not None and other.ready.lower < 5.6 and other.ready.lower_witness is None
    assert other.ready.upper == pytest.approx(8.0, abs=1e-3)
    assert own.bottleneck.certainty == "certain"
    assert other.bottleneck.certainty == "possible" and RBAC in other.bottleneck.checks


def test_behind_a_balancer_a_check_may_turn_back() -> None:
    """Two servers answer in turn: the first has passed scheduling, the second has not."""
    journal = agent().say(1.0, BALANCER.format("192.0.2.10:6443 192.0.2.11:6443"))
    journal.listed(4.0, RBAC).listed(6.0, RBAC, SCHEDULING).say(8.0, "k3s agent is up and running")
    report = journal.report()
    window = check(report, SCHEDULING).cleared
    assert window.lower is not None and window.lower > 3.9
    assert window.upper == pytest.approx(8.0, abs=1e-3)
    assert seen(journal).several
    finding = of(journal)["other_server_answers"]
    assert finding.severity == "info" and finding.lines == (journal.line("load balancer"),)
    assert finding.detail.startswith("An agent asks through its local load balancer")


def test_only_lines_behind_k3s_own_poll_bound_what_another_server_answered() -> None:
    usable = {rule.id for rule in rules() if AnsweringServer("other").holds(rule)}
    assert {"api-server-now-running", "kubelet-version", "supervisor-events"} <= usable
    assert not usable & {"kubernetes-service-allocated", "endpoint-lease-written", "endpoints-reset-after-start"}
    assert all(AnsweringServer("own").holds(rule) for rule in rules())


@cache
def quorum() -> Report:
    log_records, errors = read_log_records([RECORDED / "1324-ha-quorum-lost.export.gz"])
    assert not errors
    return analyze_records(log_records, tool_version="0")


def test_a_recorded_member_of_two_is_told_of_the_other() -> None:
    second = {finding.id: finding for finding in quorum().starts[1].findings}
    assert second["several_servers"].lines


def tunnel(journal: Journal, at: float, host: str) -> Journal:
    stamp = f'time="2026-03-01T06:00:{int(at):02d}Z"'
    return journal.bare(at, f'{stamp} level=info msg="Connecting to proxy" url="wss://{host}:6443/v1-k3s/connect"')


def test_the_tunnel_of_an_agent_to_its_server_is_no_sign_of_several() -> None:
    one = tunnel(tunnel(agent(), 2.0, "192.0.2.10"), 4.0, "192.0.2.10").say(5.0, "k3s agent is up and running")
    assert not seen(one).several
    two = tunnel(tunnel(agent(), 2.0, "192.0.2.10"), 4.0, "192.0.2.11").say(5.0, "k3s agent is up and running")
    assert len(seen(two).several) == 2


def test_the_tunnel_of_a_server_to_another_machine_is_one() -> None:
    journal = tunnel(Journal().begin(), 2.0, "192.0.2.11").serving(3.0).running(8.0)
    assert [record.line for record in seen(journal).several] == [journal.line("wss://")]


def test_where_nothing_was_answered_nobody_is_said_to_have_answered() -> None:
    up = agent().say(5.0, "k3s agent is up and running")
    assert up.report().outcome == "ready" and not up.report().polls
    assert "other_server_answers" in of(up)
    waiting = agent().ticking(1.0, 5.0)
    assert waiting.report().outcome != "ready" and not waiting.report().polls
    assert "other_server_answers" not in of(waiting)
    assert "other_server_answers" in of(agent().ticking(1.0, 5.0).poll(4.0))


@pytest.mark.parametrize(
    ("message", "another"),
    [
        ('Resetting endpoints for master service "kubernetes" to [192.0.2.10]', False),
        ('Resetting endpoints for master service "kubernetes" to [192.0.2.10 192.0.2.10]', False),
        ('Resetting endpoints for master service "kubernetes" to [192.0.2.10 192.0.2.11]', True),
        ('Resetting endpoints for master service "kubernetes" to []', False),
    ],
)
def test_two_addresses_of_the_api_server_are_two_servers(message: str, another: bool) -> None:
    assert bool(seen(Journal().begin().serving(3.0).kube(7.0, message, "lease.go:1").running(8.0)).several) is another


def test_a_balancer_with_one_server_shows_no_other() -> None:
    one, two = "192.0.2.10:6443", "192.0.2.10:6443 192.0.2.11:6443"
    assert not seen(agent().say(1.0, BALANCER.format(one)).say(5.0, "k3s agent is up and running")).several
    assert seen(agent().say(1.0, BALANCER.format(two)).say(5.0, "k3s agent is up and running")).several


@pytest.mark.parametrize(("lines", "shown"), [(3, 3), (4, 4), (5, 4)])
def test_four_lines_show_it(lines: int, shown: int) -> None:
    journal = agent()
    for number in range(lines):
        journal.say(1.0 + number, BALANCER.format("192.0.2.10:6443 192.0.2.11:6443"))
    found = seen(journal)
    assert (len(found.balanced), len(found.several)) == (shown, shown)
    assert [record.line for record in evidence(found)] == sorted(record.line for record in found.balanced)


@pytest.mark.parametrize(("at", "counts"), [(7.9, True), (8.1, False)])
def test_lines_count_up_to_the_one_by_which_readiness_is_known(at: float, counts: bool) -> None:
    journal = Journal().begin().serving(3.0).running(8.0).bare(at, MEMBER % "fd8b")
    assert bool(seen(journal).several) is counts
