"""The answer on a cluster: which host held the others up, in words, and nothing that the logs do not prove."""

from __future__ import annotations

import re
from pathlib import Path

from analyzer.reports.answer import answer
from analyzer.reports.cluster_answer import apart, cluster_answers
from tests.analysis.test_clusters import late_server, voted
from tests.kit.many_hosts import Host, report_of


def test_the_host_that_others_waited_for_is_named_first(tmp_path: Path) -> None:
    [told] = cluster_answers(report_of(tmp_path, late_server(0.3)))
    assert told.mark == "slow"
    assert told.verdict.startswith("2 hosts (1 server, 1 agent): server cp-1 held worker-1 up, the longest for 38.0 to")
    assert told.story == ("worker-1 waited 38.0 to 41.1 s for the API server of cp-1.",)
    assert "cp-1" in told.do[0] and "differ by" in told.clocks


def test_a_cause_brings_its_advice_and_the_quorum_is_named(tmp_path: Path) -> None:
    one, two = voted(0.0)
    early = Host("cp-2", two.address)
    early.begin(2.0).fails(4.0, "failed to parse kubelet flag: unknown flag: --nope")
    two.rows = early.rows + two.rows
    [told] = cluster_answers(report_of(tmp_path, [one, two]))
    assert "server cp-2 held cp-1 up" in told.verdict
    assert any(re.fullmatch("cp-1 waited .* for etcd on cp-2\\.", sentence) for sentence in told.story)
    assert told.do[0].startswith("On cp-2: ")
    assert len(told.story) <= 6 and told.lines


def test_a_host_that_is_not_up_is_said_though_nobody_waited(tmp_path: Path) -> None:
    server = Host("cp-1", "192.0.2.10").begin(0.0).api(2.0)
    agent = Host("worker-1", "192.0.2.20", "agent").begin(3.0).asks(3.5, "192.0.2.10")
    why = "token CA hash does not match the Cluster CA certificate hash: 1f2e3d4c != a1b2c3d4"
    for at in range(4, 30, 2):
        agent.say(at, f"Failed to validate connection to cluster at https://192.0.2.10:6443: {why}", "error")
    [told] = cluster_answers(report_of(tmp_path, [server, agent]))
    assert told.mark == "failed"
    assert "none waited long for another. Not up where the logs end: worker-1." in told.verdict
    assert told.do != ("Nothing to do.",)
    assert told.clocks == "The clocks of cp-1 and worker-1 could not be compared."


def test_hosts_that_nothing_connects_are_told_apart(tmp_path: Path) -> None:
    one = Host("node-a", "192.0.2.40").begin(0.0).api(2.0)
    report = report_of(tmp_path, [one, *late_server()])
    assert apart(report) == "node-a: no line connects it with the others; told apart."
    assert len(cluster_answers(report)) == 1
    (tmp_path / "b").mkdir()
    alone = report_of(tmp_path / "b", [one])
    assert apart(alone) == "" and cluster_answers(alone) == ()


def test_lines_stand_only_behind_the_sentence_that_they_show(tmp_path: Path) -> None:
    """Who waited is told without a finding: the lines of another start's finding are none of its."""
    report = report_of(tmp_path, late_server(0.3))
    [told] = cluster_answers(report)
    shown = answer(report)
    assert told.lines == () and shown.why == told.story[0] and shown.lines == ()
