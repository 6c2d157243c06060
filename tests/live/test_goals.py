"""Goals beyond readiness: what the API's objects say, and their windows against the truth of a recorded cluster."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, strategies as st

from analyzer.live.following import Following
from analyzer.live.goals import System, documents, node_ready, own_nodes, registered, system_ready
from analyzer.live.observed_polls import UNTIL, ObservedWait, dump, parse
from analyzer.live.summary import summary_of
from analyzer.live.target import Target
from analyzer.live.wait_report import report_of
from analyzer.live.waiting import Wait
from analyzer.policies import get
from analyzer.reports import full_text, json_report, markdown
from analyzer.reports.schema import schema_text
from tests.live.double import Pki
from tests.live.replayed import JSON, Replayed, Reply, Timeline, readyz, status_body

NOW = datetime(2026, 11, 28, 19, 45, 0, tzinfo=UTC)
HOST = socket.gethostname().lower()


def stamp(ago_s: float) -> str:
    return (NOW - timedelta(seconds=ago_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def node(name: str = HOST, ready: str = "True", reason: str = "", address: str = "192.0.2.7") -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "reason": reason}
    return {
        "metadata": {"name": name},
        "status": {"conditions": [condition], "addresses": [{"type": "InternalIP", "address": address}]},
    }


def lease(name: str, ago_s: float) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"renewTime": stamp(ago_s)}}


def deployment(name: str, ready: int = 1, made_ago_s: float = 60.0, wanted: int | None = 1) -> dict[str, Any]:
    counts = {key: ready for key in ("updatedReplicas", "readyReplicas", "availableReplicas") if ready}
    spec = {} if wanted is None else {"replicas": wanted}
    meta = {"name": name, "generation": 2, "creationTimestamp": stamp(made_ago_s)}
    return {"metadata": meta, "spec": spec, "status": {"observedGeneration": 2, **counts}}


def daemonset(name: str, ready: int, wanted: int) -> dict[str, Any]:
    status = {"desiredNumberScheduled": wanted, "numberReady": ready, "updatedNumberScheduled": ready}
    meta = {"name": name, "generation": 1, "creationTimestamp": stamp(90)}
    return {"metadata": meta, "spec": {}, "status": {"observedGeneration": 1, **status}}


def job(name: str, done: bool) -> dict[str, Any]:
    owners = [{"kind": "HelmChart", "name": name.removeprefix("helm-install-")}]
    return {
        "metadata": {"name": name, "ownerReferences": owners},
        "status": {"succeeded": 1} if done else {"active": 1},
    }


def chart(name: str, made_ago_s: float = 60.0, job_name: str | None = None) -> dict[str, Any]:
    status = {"jobName": f"helm-install-{name}" if job_name is None else job_name}
    return {"metadata": {"name": name, "creationTimestamp": stamp(made_ago_s)}, "status": status}


# --- nodes


def test_a_node_is_ours_by_name_or_by_an_address_of_this_machine() -> None:
    ours, other, renamed = node(), node("other"), node("renamed", address="127.0.0.1")
    assert own_nodes([other, ours], HOST) == [ours]
    assert own_nodes([other, renamed], HOST) == [renamed]
    assert own_nodes([other, ours], None) == [other, ours], "a server elsewhere: all of them"


def test_other_peoples_nodes_are_not_ours() -> None:
    look = registered([node("founder")], HOST)
    assert not look.yes and look.text == f"no node {HOST} yet, but founder"
    assert not registered([], None).yes and registered([node("any")], None).yes


@pytest.mark.parametrize(
    ("nodes", "leases", "yes", "says"),
    [
        ([node()], [lease(HOST, 9)], True, HOST),
        ([node()], [], True, HOST),
        ([node()], [lease(HOST, 41)], False, "has not reported since"),
        ([node(ready="False", reason="KubeletNotReady")], [lease(HOST, 1)], False, "is not Ready (KubeletNotReady)"),
        ([node(ready="Unknown")], [], False, "is not Ready"),
        ([{"metadata": {"name": HOST}}], [], False, "is not Ready"),
        ([], [], False, "no node"),
    ],
)
def test_ready_and_lately_heard_of(nodes: list[Any], leases: list[Any], yes: bool, says: str) -> None:
    look = node_ready(nodes, HOST, leases, NOW)
    assert look.yes is yes and says in look.text


def test_of_a_server_elsewhere_all_nodes_must_be_ready() -> None:
    nodes = [node("a"), node("b", ready="False")]
    assert node_ready(nodes, None, [], NOW).text == "b is not Ready"
    assert node_ready(nodes[:1], None, [], NOW).yes


# --- kube-system

K3S = System(
    deployments=[deployment("coredns"), deployment("traefik"), deployment("metrics-server", wanted=None)],
    daemonsets=[daemonset("svclb-traefik-0c5ab5f4", 1, 1)],
    jobs=[job("helm-install-traefik", True), job("helm-install-traefik-crd", True)],
    charts=[chart("traefik"), chart("traefik-crd")],
)


def changed(**parts: Any) -> System:
    return System(**{**{name: getattr(K3S, name) for name in System.__dataclass_fields__}, **parts})


def test_a_whole_k3s_is_ready() -> None:
    look = system_ready(K3S, NOW)
    assert look.yes and look.text == "coredns, traefik, metrics-server, svclb-traefik-0c5ab5f4"


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"deployments": [deployment("coredns", ready=0)]}, "not ready: coredns"),
        ({"deployments": [deployment("coredns", ready=1, wanted=2)]}, "not ready: coredns"),
        (
            {"deployments": [{"metadata": {"name": "coredns", "generation": 3}, "status": {"observedGeneration": 2}}]},
            "core",
        ),
        ({"daemonsets": [daemonset("svclb", 1, 2)]}, "not ready: svclb"),
        ({"daemonsets": [{"metadata": {"name": "svclb"}}]}, "not ready: svclb"),
        ({"jobs": [job("helm-install-traefik", False)]}, "not ready: helm-install-traefik"),
        ({"charts": [chart("traefik", job_name="")]}, "not ready: traefik"),
        ({"charts": (), "jobs": [job("helm-install-x", False)]}, "not ready: helm-install-x"),
        ({"pods": [{"metadata": {"name": "etcd-a", "annotations": {"kubernetes.io/config.mirror": "x"}}}]}, "etcd-a"),
        ({"deployments": [deployment("coredns", made_ago_s=2)]}, "coredns is new, more may follow"),
        ({"addons": [{"metadata": {"name": "traefik", "creationTimestamp": stamp(1)}}]}, "traefik is new"),
        ({"deployments": (), "daemonsets": ()}, "nothing in kube-system yet"),
    ],
)
def test_each_part_can_be_missing(parts: dict[str, Any], says: str) -> None:
    look = system_ready(changed(**parts), NOW)
    assert not look.yes and says in look.text


def test_pods_that_are_no_static_ones_and_jobs_of_others_do_not_count() -> None:
    stray = {"metadata": {"name": "backup", "ownerReferences": [{"kind": "CronJob"}]}, "status": {"active": 1}}
    assert system_ready(changed(pods=[{"metadata": {"name": "x"}}], jobs=[stray, *K3S.jobs]), NOW).yes


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda t: (
        st.lists(t, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "name", "status", "spec", "replicas", "conditions", "type", "renewTime", "addresses"]
            ),
            t,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(TREES, max_size=3))
def test_any_objects_are_yes_or_no(items: list[Any]) -> None:
    _, found = documents(json.dumps({"items": items}))
    assert (found is None) is any(not isinstance(item, dict) for item in items)
    found = found or [item for item in items if isinstance(item, dict)]
    for look in (
        registered(found, HOST),
        node_ready(found, HOST, found, NOW),
        node_ready(found, None, found, NOW),
        system_ready(System(found, found, found, found, found, found), NOW),
    ):
        assert isinstance(look.yes, bool) and look.text and look.text.isprintable()


def test_what_is_no_list_is_none() -> None:
    assert [documents(text)[1] for text in ("", "[" * 9999, "{}", '{"items": 3}', "[]")] == [None] * 5


# --- asked of a server

# 1333-agent-joins.a of the recordings: seconds since exec of the server, middles of the watcher's windows.
READY_S, REGISTERED_S, NODE_READY_S = 6.30, 19.73, 20.55


def cluster(name: str = HOST, system_s: float = 30.0) -> Timeline:
    def listed(*items: Any) -> Reply:
        return 200, json.dumps({"kind": "List", "items": items}), JSON

    def answers(path: str, at_s: float) -> Reply | None:
        if path.startswith("/readyz"):
            return readyz({"poststarthook/rbac/bootstrap-roles": READY_S}, at_s)
        if at_s < READY_S:
            return status_body(403, "forbidden")
        if path.startswith("/api/v1/nodes"):
            return listed(*([node(name, str(at_s >= NODE_READY_S))] if at_s >= REGISTERED_S else []))
        if "/leases" in path or "/pods" in path or "/jobs" in path:
            return listed()
        if "/deployments" in path:
            return listed(deployment("coredns", ready=int(at_s >= system_s)))
        if "/daemonsets" in path:
            return listed()
        return status_body(404, "the server could not find the requested resource")

    return Timeline(((0.0, float("inf")),), answers, READY_S)


def waited(
    pki: Pki, folder: Path, until: str, timeline: Timeline, timeout_s: float = 30.0
) -> tuple[ObservedWait, Replayed, float]:
    with Replayed(pki, timeline, speed=10.0) as server:
        following = Following(Target(kubeconfig=pki.kubeconfig(folder / "k", server.url)))
        one = Wait(following, get("adaptive"), timeout_s=timeout_s, until=UNTIL[until])
        server.begin()
        asyncio.run(one.run())
        # Where the wait's own zero lies on the clock of the recording.
        offset_s = server.moment(one.watch._zero)
        return one.observed(), server, offset_s


def test_the_windows_of_all_goals_hold_the_truth(pki: Pki, tmp_path: Path) -> None:
    wait, _server, offset_s = waited(pki, tmp_path, "all", cluster())
    assert wait.verdict == "ready"
    truths = {"api": READY_S, "node": REGISTERED_S, "node_ready": NODE_READY_S, "system": 30.0}
    assert [goal.id for goal in wait.goals] == list(truths)
    for goal in wait.goals:
        assert goal.upper_s is not None and goal.lower_s is not None
        assert offset_s + 10 * goal.lower_s <= truths[goal.id] <= offset_s + 10 * goal.upper_s
        assert goal.upper_s - goal.lower_s < 1.5
    assert parse(dump(wait).splitlines()).goals[1].text == HOST
    report = report_of(wait)
    jsonschema.validate(json.loads(json_report.render(report)), json.loads(schema_text()))
    assert [(goal.id, goal.state) for goal in report.starts[0].goals] == [(g, "reached") for g in truths]
    assert "Ready between" in full_text.render(report) and "eady between" in markdown.render(report)
    text = summary_of(wait)
    assert "node registered after " in text and "system pods ready after " in text and len(text.splitlines()) <= 12


def test_only_what_was_asked_for_is_waited_for(pki: Pki, tmp_path: Path) -> None:
    wait, server, _ = waited(pki, tmp_path, "node", cluster())
    assert wait.verdict == "ready" and [goal.id for goal in wait.goals] == ["api", "node"]
    assert {request.path.split("?")[0] for request in server.requests} == {"/readyz", "/api/v1/nodes"}
    assert waited(pki, tmp_path, "api", cluster())[0].goals == ()


def test_a_goal_that_is_not_reached_is_told_with_what_is_missing(pki: Pki, tmp_path: Path) -> None:
    wait, _, _ = waited(pki, tmp_path, "all", cluster("elsewhere", 1e9), timeout_s=3.0)
    assert wait.verdict == "timed_out" and wait.end_s == pytest.approx(3.0, abs=0.3)
    assert wait.success is not None, "the API was ready all the same"
    text = summary_of(wait)
    assert "The server was ready after" in text and "Gave up after 3.0 s: not within 3 s: node registered" in text
    assert "not ready: coredns" in text and "but elsewhere" in text


def test_a_server_that_does_not_say_is_not_a_no(pki: Pki, tmp_path: Path) -> None:
    def answers(path: str, at_s: float) -> Reply | None:
        return (200, "ok", "text/plain") if path.startswith("/readyz") else status_body(403, "nodes is forbidden")

    wait, _, _ = waited(pki, tmp_path, "node", Timeline(((0.0, 1e9),), answers, 0.0), timeout_s=1.5)
    (_, seen) = wait.goals
    assert wait.verdict == "timed_out" and seen.lower_s is None and seen.text == "status 403: /api/v1/nodes"


@pytest.mark.usefixtures("nothing_collected")
@pytest.mark.parametrize("body", ["", "{", '{"items": [' + '"x",' * 50000 + "1]}", "[" * 5000, "\x1b[2J"])
def test_hostile_lists_end_in_time(pki: Pki, tmp_path: Path, body: str) -> None:
    def answers(path: str, at_s: float) -> Reply | None:
        return (200, "ok", "text/plain") if path.startswith("/readyz") else (200, body, JSON)

    wait, _, _ = waited(pki, tmp_path, "all", Timeline(((0.0, 1e9),), answers, 0.0), timeout_s=1.5)
    assert wait.verdict == "timed_out" and wait.end_s is not None and wait.end_s < 4.0
    assert "\x1b" not in summary_of(wait) and "is not a list" in wait.goals[1].text


def test_pages_are_read_to_the_end_but_not_for_ever(pki: Pki, tmp_path: Path) -> None:
    def paged(last: int) -> Timeline:
        def answers(path: str, at_s: float) -> Reply | None:
            if path.startswith("/readyz"):
                return 200, "ok", "text/plain"
            page = int(path.rpartition("continue=")[2]) if "continue=" in path else 0
            items = [node()] if page == last else []
            more = {} if page == last else {"continue": str(page + 1)}
            return 200, json.dumps({"metadata": more, "items": items}), JSON

        return Timeline(((0.0, 1e9),), answers, 0.0)

    assert waited(pki, tmp_path, "node", paged(3))[0].verdict == "ready"
    endless, server, _ = waited(pki, tmp_path, "node", paged(10**9), timeout_s=2.0)
    assert endless.verdict == "timed_out" and endless.goals[1].text == "its list is too long"
    assert len(server.requests) < 500
