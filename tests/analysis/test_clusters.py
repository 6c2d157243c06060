"""Clusters: who belongs together, who waited for whom, and whose clock is ahead, from what hosts log of each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.analysis.clusters import clusters
from analyzer.pipeline import read, report_on
from analyzer.reports.anonymize import anonymize
from analyzer.results import Cluster, Report
from analyzer.testing.generator import generate
from analyzer.testing.truth import Scenario, StartPlan
from tests.kit.many_hosts import Host, report_of

A, B, C = "a1efb0854e24aa60", "b0fed22cbfa7884c", "c54c2c607b77ebe1"


def late_server(ahead: float = 0.0) -> list[Host]:
    """An agent that waits from 1 to 41 s for a server that begins at 38 s."""
    server = Host("cp-1", "192.0.2.10").begin(38.0).api(39.0)
    agent = Host("worker-1", "192.0.2.20", "agent", ahead=ahead).begin(0.0).asks(0.5, "192.0.2.10")
    agent.refused(1.0, 39.0, "192.0.2.10").agent_up(41.0)
    agent.tunnel(60.6, server)
    for host in (server, agent):
        host.say(90.0, "Tunnel authorizer set Kubelet Port 0.0.0.0:10250")
    return [server, agent]


def only(report: Report) -> Cluster:
    [found] = clusters(report.starts)
    return found


def test_an_agent_waits_for_its_server(tmp_path: Path) -> None:
    report = report_of(tmp_path, late_server())
    found = only(report)
    assert (found.servers, found.agents) == (("cp-1",), ("worker-1",))
    [wait] = found.story
    assert (wait.host, wait.waited_for.host, wait.waited_for.goal) == ("worker-1", "cp-1", "api")
    assert wait.waited_s is not None and wait.waited_s.max is not None
    assert all("validate connection" in report.evidence[wait.source, line] for line in wait.lines[:2])
    assert 36 <= wait.waited_s.min <= 40 <= wait.waited_s.max <= 43
    assert found.first_cause is not None
    assert (found.first_cause.host, found.first_cause.finding) == ("cp-1", None)


@pytest.mark.parametrize("ahead", [0.0, 0.4, -7.0, 3600.0, -86_000.0])
def test_the_offset_of_the_clocks_is_an_interval_that_holds_the_truth(ahead: float, tmp_path: Path) -> None:
    found = only(report_of(tmp_path, late_server(ahead)))
    [wait] = found.story
    if abs(ahead) > 60:  # neither log covers the other's time: nobody can say whether lines are missing
        assert found.clock_offsets == ()
        return
    [clock] = found.clock_offsets
    assert clock.lower_s is not None and clock.upper_s is not None
    assert clock.lower_s <= ahead <= clock.upper_s
    assert 0 < clock.upper_s - clock.lower_s < 3
    over = 41.0 - 38.0  # on the clock of the server, since its begin
    assert wait.window.lower is not None and wait.window.upper is not None
    assert wait.window.lower <= over <= wait.window.upper + 0.01


def voted(ahead: float) -> list[Host]:
    """Two of three members come back, 30 s apart; the third does not."""
    one = Host("cp-1", "192.0.2.10", member=A).begin(0.0).etcd_begins(1.0, A, B, C)
    two = Host("cp-2", "192.0.2.11", member=B, ahead=ahead).begin(30.0).etcd_begins(31.0, A, B, C)
    one.etcd(0.9, "added member", added_peer_peer_urls="https://192.0.2.11:2380")
    for host in (one, two):
        host.etcd(host.rows[0][0] + 0.5, "configuring peer listeners", listen_peer_urls=f"https://{host.address}:2380")
    one.sees(31.2, B)
    two.sees(31.2, A)
    one.raft(36.00, f"{A} [logterm: 2, index: 9] sent MsgVote request to {B} at term 3")
    two.raft(36.01, f"{B} [logterm: 2, index: 9, vote: 0] cast MsgVote for {A} [logterm: 2, index: 9] at term 3")
    one.raft(36.03, f"{A} received MsgVoteResp from {B} at term 3")
    one.raft(36.031, f"{A} became leader at term 3")
    one.raft(36.032, f"raft.node: {A} elected leader {A} at term 3")
    two.raft(36.04, f"raft.node: {B} elected leader {A} at term 3")
    one.api(37.0)
    two.api(38.0)
    return [one, two]


@pytest.mark.parametrize("ahead", [0.0, -2.5, 5000.0, -20_000.0])
def test_a_member_waits_for_the_one_that_makes_a_quorum(ahead: float, tmp_path: Path) -> None:
    found = only(report_of(tmp_path, voted(ahead)))
    assert found.agents == () and set(found.servers) == {"cp-1", "cp-2"}
    [wait] = found.story
    assert (wait.host, wait.waited_for.host, wait.waited_for.goal) == ("cp-1", "cp-2", "etcd")
    assert wait.waited_s is not None and wait.waited_s.max is not None
    assert 30 < wait.waited_s.min < 30.3 and 35 < wait.waited_s.max < 35.2
    assert found.first_cause is not None and found.first_cause.host == "cp-2"
    [clock] = found.clock_offsets
    assert clock.lower_s is not None and clock.upper_s is not None
    truth = ahead if clock.host == "cp-2" else -ahead
    assert clock.lower_s <= truth <= clock.upper_s and clock.upper_s - clock.lower_s < 0.1


def test_the_first_cause_stands_at_the_end_of_the_chain(tmp_path: Path) -> None:
    one, two = voted(0.0)
    early = Host("cp-2", two.address, member=B)
    early.begin(2.0).fails(4.0, "failed to parse kubelet flag: unknown flag: --nope")
    two.rows = early.rows + two.rows
    agents = [Host(f"worker-{n}", f"192.0.2.{20 + n}", "agent").begin(0.0).asks(0.5, "192.0.2.10") for n in range(3)]
    for agent in agents:
        agent.refused(1.0, 37.0, "192.0.2.10").agent_up(39.0)
    report = report_of(tmp_path, [*agents, one, two])
    found = only(report)
    assert len(found.hosts) == 5
    assert {w.host: w.waited_for.host for w in found.story} == {
        "cp-1": "cp-2", "worker-0": "cp-1", "worker-1": "cp-1", "worker-2": "cp-1",
    }  # fmt: skip
    assert found.first_cause is not None and found.first_cause.host == "cp-2"
    assert found.first_cause.finding is not None
    [failed] = [start for start in report.starts if start.outcome == "failed"]
    assert found.first_cause.start == failed.index


def test_stand_ins_change_nothing(tmp_path: Path) -> None:
    report = report_of(tmp_path, late_server(0.4))
    plain, hidden = only(report), only(anonymize(report))
    assert "cp-1" not in hidden.hosts
    names = dict(zip(hidden.hosts, plain.hosts, strict=True))
    [wait], [shown] = hidden.story, plain.story
    assert names[wait.host] == shown.host and wait.window == shown.window
    assert wait.waited_for.host is not None and names[wait.waited_for.host] == shown.waited_for.host
    assert [(c.lower_s, c.upper_s) for c in hidden.clock_offsets] == [
        (c.lower_s, c.upper_s) for c in plain.clock_offsets
    ]


def test_the_same_journal_twice_is_one_host(tmp_path: Path) -> None:
    server, agent = late_server()
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    assert clusters(report_of(tmp_path / "a", [server, server]).starts) == ()
    found = only(report_of(tmp_path / "b", [server, agent, server, agent]))
    assert len(found.hosts) == 2 and len(found.story) == 1


def test_a_log_without_host_name_is_known_by_its_own_lines(tmp_path: Path) -> None:
    server, agent = late_server()
    report = report_of(tmp_path, [agent], named=False)
    (tmp_path / "b").mkdir()
    named = report_of(tmp_path / "b", [server])
    together = [*report.starts, *(replace(start, index=2) for start in named.starts)]
    [found] = clusters(together)
    assert (found.servers, found.agents) == (("cp-1",), ("worker-1",))
    assert [(w.host, w.waited_for.host) for w in found.story] == [("worker-1", "cp-1")]


def test_lines_of_several_logs_without_host_names_tell_nothing_of_hosts(tmp_path: Path) -> None:
    assert clusters(report_of(tmp_path, late_server(), named=False).starts) == ()


def test_hosts_that_do_not_name_each_other_are_no_cluster(tmp_path: Path) -> None:
    one = Host("node-a", "192.0.2.10").begin(0.0).api(2.0)
    other = Host("node-b", "192.0.2.11").begin(1.0).api(3.0)
    assert clusters(report_of(tmp_path, [one, other]).starts) == ()


def test_servers_of_two_ca_are_no_cluster_whatever_addresses_they_name(tmp_path: Path) -> None:
    one = Host("node-a", "192.0.2.10").begin(0.0).api(2.0, "k3s-server-ca@1772344800")
    other = Host("node-b", "192.0.2.11").begin(1.0).api(3.0, "k3s-server-ca@1772344999").asks(3.5, "192.0.2.10")
    assert clusters(report_of(tmp_path, [one, other]).starts) == ()


def test_logs_of_other_days_do_not_fit(tmp_path: Path) -> None:
    server, agent = late_server()
    agent.ahead = 5 * 86_400.0
    assert clusters(report_of(tmp_path, [server, agent]).starts) == ()


def test_an_address_that_two_hosts_claim_belongs_to_none(tmp_path: Path) -> None:
    server, agent = late_server()
    double = Host("cp-9", "192.0.2.10").begin(0.0).api(2.0)
    assert clusters(report_of(tmp_path, [server, double, agent]).starts) == ()


def test_agents_of_one_server_whose_log_is_not_there_wait_for_nobody_known(tmp_path: Path) -> None:
    agents = [
        Host(f"w-{n}", f"192.0.2.2{n}", "agent").begin(0.0).asks(0.5, "192.0.2.99").refused(1.0, 20.0, "192.0.2.99")
        for n in range(2)
    ]
    found = only(report_of(tmp_path, agents))
    assert found.servers == () and {w.waited_for.host for w in found.story} == {None}
    assert all(w.waited_s is not None and w.waited_s.max is None and w.window.upper is None for w in found.story)
    assert found.first_cause is None


def test_an_agent_whose_load_balancer_knows_several_servers_waits_for_none_in_particular(tmp_path: Path) -> None:
    server, agent = late_server()
    other = Host("cp-2", "192.0.2.11").begin(0.0).api(50.0).say(51.0, "x")
    known = "[192.0.2.10:6443 192.0.2.11:6443] [default: 192.0.2.10:6443]"
    agent.say(0.6, f"Updated load balancer k3s-agent-load-balancer server addresses -> {known}")
    found = only(report_of(tmp_path, [server, other, agent]))
    assert len(found.hosts) == 3
    [wait] = found.story
    assert wait.waited_for.host is None and wait.address == "192.0.2.10 192.0.2.11"
    assert found.first_cause is None


@pytest.mark.parametrize("spoil", ["more tunnels", "contradiction"])
def test_clocks_that_nothing_proves_are_not_compared(spoil: str, tmp_path: Path) -> None:
    server, agent = late_server()
    if spoil == "more tunnels":
        server.say(64.0, "Handling backend connection request [worker-1]")
    else:  # two tunnels that no one offset explains
        agent.say(70.0, "Connecting to proxy", url="wss://192.0.2.10:6443/v1-k3s/connect")
        agent.say(70.1, "Remotedialer connected to proxy", url="wss://192.0.2.10:6443/v1-k3s/connect")
        server.say(78.0, "Handling backend connection request [worker-1]")
    found = only(report_of(tmp_path, [server, agent]))
    assert found.clock_offsets == ()
    assert len(found.story) == 1


def test_a_host_that_refuses_for_another_reason_is_not_waited_for(tmp_path: Path) -> None:
    server = Host("cp-1", "192.0.2.10").begin(0.0).api(2.0)
    agent = Host("worker-1", "192.0.2.20", "agent").begin(0.0).asks(0.5, "192.0.2.10")
    for at in range(1, 30, 2):
        agent.say(
            at,
            "Failed to validate connection to cluster at https://192.0.2.10:6443: token CA hash does not match the "
            "Cluster CA certificate hash: 1f2e3d4c != a1b2c3d4",
            "error",
        )
    assert only(report_of(tmp_path, [server, agent])).story == ()


def test_undated_starts_have_no_windows_on_a_common_clock(tmp_path: Path) -> None:
    report = report_of(tmp_path, late_server())
    undated = [replace(start, began_at=None) for start in report.starts]
    [found] = clusters(undated)
    assert found.clock_offsets == () and found.began_at is None
    assert all(w.window.lower is None and w.window.upper is None for w in found.story)


RECORDED = Path(__file__).parents[1] / "data" / "recorded-clusters"


def test_a_recorded_server_and_its_agent_on_one_machine_have_one_clock() -> None:
    paths = [str(RECORDED / f"1333-agent-joins.{part}.export.gz") for part in "aw"]
    found = only(report_on(read(paths)[0]))
    assert (found.servers, found.agents) == (("server-a",), ("worker-b",))
    [clock] = found.clock_offsets
    assert clock.lower_s is not None and clock.upper_s is not None
    assert -1 < clock.lower_s <= 0 <= clock.upper_s < 1
    assert found.story == () and found.first_cause is None  # the server was ready when the agent came


def test_eight_generated_hosts_are_one_cluster(tmp_path: Path) -> None:
    server = StartPlan(version="v1.34.1+k3s1", store="etcd", host="cp-1")
    servers = [server, *(replace(server, host=name, join=True, fresh=False) for name in ("cp-2", "cp-3"))]
    late = [60.0 + 5 * number for number in range(5)]
    agents = [
        StartPlan(version="v1.34.1+k3s1", role="agent", host=f"worker-{n}", server_late_s=s) for n, s in enumerate(late)
    ]
    made = generate(Scenario(name="eight", starts=(*servers, *agents), host_offset_s=0.0), 1)
    paths = []
    for host in dict.fromkeys(plan.host for plan in made.scenario.starts):
        path = tmp_path / f"{host}.export"
        path.write_bytes(replace(made, entries=tuple(e for e in made.entries if e.host == host)).render("export"))
        paths.append(str(path))
    found = only(report_on(read(paths)[0]))
    assert (len(found.servers), len(found.agents)) == (3, 5)
    assert {wait.host for wait in found.story} == set(found.agents)
    for wait in found.story:
        assert wait.waited_for.host == "cp-1" and wait.waited_s is not None and wait.waited_s.max is not None
        true = late[int(wait.host[-1])]
        assert wait.waited_s.min <= true + 2 and wait.waited_s.max >= true
    assert found.first_cause is not None and found.first_cause.host == "cp-1"
