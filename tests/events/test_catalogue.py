# ruff: noqa: E501 - real lines are shown whole
"""Named lines: every milestone and end, the traps, and the noise."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from analyzer.events.catalogue import causes_in, go_seconds, info, match, rules, unquote_once
from analyzer.events.terms import terms
from analyzer.records import read_log_records
from analyzer.records.log_record import LogRecord, Payload
from tests.events.lines import klog, logrus, record, systemd
from tests.kit.effort import calls

RECORDED = Path(__file__).parents[1] / "data" / "recorded"


def ids(line: LogRecord) -> list[str]:
    return [mark.id for mark in match(line)]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (systemd("Starting k3s.service - Lightweight Kubernetes..."), "systemd_starting"),
        (systemd("Starting Lightweight Kubernetes...", None), "systemd_starting"),
        (systemd("Starting Rancher Kubernetes Engine v2 (server)...", None), "systemd_starting"),
        (systemd("Started k3s.service - Lightweight Kubernetes."), "systemd_started"),
        (systemd("Stopping k3s.service - Lightweight Kubernetes..."), "systemd_stopping"),
        (systemd("Stopped Lightweight Kubernetes."), "systemd_stopped"),
        (systemd("k3s.service: Deactivated successfully."), "systemd_stopped"),
        (systemd("k3s.service: Main process exited, code=exited, status=1/FAILURE"), "process_exited"),
        (systemd("k3s.service: Failed with result 'exit-code'."), "systemd_failed"),
        (systemd("k3s.service: Scheduled restart job, restart counter is at 27."), "restart_scheduled"),
        (systemd("k3s.service: Service RestartSec=5s expired, scheduling restart."), "restart_scheduled"),
        (logrus("Starting k3s v1.33.4+k3s1 (148243c4)"), "starting"),
        (logrus("Starting k3s 1.34.3+k3s3 (2975fb09)"), "starting"),
        (logrus("Starting k3s agent v1.33.4+k3s1 (148243c4)"), "starting"),
        (logrus("Starting rke2 v1.30.4+rke2r1 (0123456789abcdef0123456789abcdef01234567)"), "starting"),
        (logrus("Kine available at unix://kine.sock"), "datastore_ready"),
        (logrus("Connection to etcd is ready"), "datastore_ready"),
        (logrus("etcd data store connection OK"), "datastore_ready"),
        (logrus("certificate CN=vm signed by CN=k3s-server-ca@1: notBefore=x notAfter=y"), "certificates"),
        (logrus("Running kube-apiserver --advertise-port=6443"), "apiserver_requested"),
        (klog("Version: v1.32.4+k3s1", "server.go"), "apiserver_version"),
        (klog("Serving securely on 127.0.0.1:6444", "secure_serving.go"), "serving_securely"),
        (logrus("Containerd is now running"), "containerd_ready"),
        (logrus("containerd is now running"), "containerd_ready"),
        (logrus("ETCD server is now running"), "etcd_running"),
        (logrus("Kube API server is now running"), "api_running"),
        (logrus("k3s is up and running"), "k3s_running"),
        (logrus("rke2 agent is up and running"), "agent_running"),
        (klog('"Started kubelet"', "server.go"), "kubelet_started"),
        (klog('"Successfully registered node" node="n"', "kubelet_node_status.go"), "node_registered"),
        (klog("Successfully registered node n", "kubelet_node_status.go"), "node_registered"),
        (logrus("Error: preparing server: x", "fatal"), "fatal"),
        (klog("PostStartHook \"x\" failed: y", "hooks.go", "fatal"), "fatal"),
        (record("panic: runtime error: index out of range", Payload.PANIC), "panic"),
        (logrus("Shutdown request received: apiserver exited: unknown flag: --x", "error"), "shutdown_requested"),
        (logrus('signal received: "terminated", canceling context...', "warning"), "stop_signal"),
        (logrus("apiserver exited: unknown flag: --x", "error"), "component_exited"),
        (record("Error: unknown flag: --x"), "bare_error"),
        (record("Incorrect Usage: flag provided but not defined: -x"), "usage_error"),
    ],
)  # fmt: skip
def test_milestones_and_ends(line: LogRecord, name: str) -> None:
    assert name in ids(line)


def test_every_milestone_of_the_contract_has_a_rule_but_the_first_poll() -> None:
    assert {name for name in terms("milestone") if info(name) is None} == {"first_poll"}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (klog("Serving securely on 127.0.0.1:10257", "secure_serving.go"), "serving_securely"),
        (klog("Serving securely on [::]:10258", "secure_serving.go"), "serving_securely"),
        (klog("Serving securely on 127.0.0.1:10259", "secure_serving.go"), "serving_securely"),
        (klog("Version: v1.32.4+k3s1", "controllermanager.go"), "apiserver_version"),
        (logrus("Waiting for node k3d-x to get ready (Log: 'k3s is up and running')"), "k3s_running"),
        (logrus("Starting new tools node..."), "starting"),
        (logrus("Starting /v1, Kind=Node controller"), "starting"),
        (logrus("etcd temporary data store connection OK"), "datastore_ready"),
        (logrus("failed to connect: failed to connect, make sure you are running as root", "fatal"), "fatal"),
        (logrus("Cluster creation FAILED, all changes have been rolled back!", "fatal"), "fatal"),
        (record("fatal: [server-1]: FAILED! => {}"), "fatal"),
        (record("modprobe: FATAL: Module nft not found"), "fatal"),
        (systemd("Starting Daily apt download activities...", None), "systemd_starting"),
        (systemd("Stopping Session 3 of user root.", "session-3.scope"), "systemd_stopping"),
        (systemd("Starting docker.service - Docker...", "docker.service"), "systemd_starting"),
    ],
)
def test_lines_that_are_not_what_they_look_like(line: LogRecord, name: str) -> None:
    assert name not in ids(line)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Shutdown request received: apiserver exited: unknown flag: --x", "apiserver exited: unknown flag: --x"),
        (
            'Shutdown request received: "failed to wait: \\"[+]ping ok\\\\n\\""',
            'failed to wait: "[+]ping ok\\n"',
        ),
    ],
)
def test_the_cause_of_a_shutdown_with_and_without_inner_quotes(message: str, cause: str) -> None:
    (mark,) = [mark for mark in match(logrus(message, "error")) if mark.id == "shutdown_requested"]
    assert mark.groups["cause"] == cause


def test_a_shutdown_without_a_cause_has_none() -> None:
    (mark,) = match(logrus("Shutdown request received"))
    assert mark.id == "shutdown_requested"
    assert "cause" not in mark.groups


def test_groups() -> None:
    (mark,) = match(logrus("Starting k3s agent v1.33.4+k3s1 (148243c4)"))
    assert mark.groups == {"product": "k3s", "role": "agent", "version": "v1.33.4+k3s1", "commit": "148243c4"}
    (mark,) = match(systemd("k3s.service: Scheduled restart job, restart counter is at 1579."))
    assert mark.groups["counter"] == "1579"
    line = record("apply request took too long", Payload.ZAP, level="warn", fields={"took": "178.39274ms"})
    (mark,) = match(line)
    assert go_seconds(mark.groups["duration"]) == pytest.approx(0.17839274)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (logrus("Slow SQL (started: 2026-11-23 16:22:42 +0000 UTC m=+12.1) (total time: 1.002886851s):  SELECT 1"), "slow_sql"),
        (klog('Trace[12]: "List(recursive=true) etcd3" key:/x (01-Jan-2026 00:00:00.000) (total time: 2345ms):', "trace.go"), "trace"),
        (logrus("error while range on /x: FATAL: sorry, too many clients already (SQLSTATE 53300)", "error"), "too_many_clients"),
        (record("prober detected unhealthy status", Payload.ZAP, level="warn"), "no_quorum"),
        (logrus("preparing server: x: bootstrap data already found and encrypted with different token", "fatal"), "wrong_token"),
        (logrus("starting kubernetes: failed to find memory cgroup (v2)", "fatal"), "cgroup"),
        (logrus("Waiting for CRI startup: rpc error: code = Unavailable"), "cri_missing"),
        (klog('"oidc authenticator: initializing plugin" err="x"', "oidc.go", "error"), "oidc_unreachable"),
        (klog('PostStartHook "rbac/bootstrap-roles" failed: timed out', "hooks.go", "fatal"), "hook_failed"),
        (logrus("invalid cluster-cidr x: invalid CIDR address: x", "fatal"), "bad_value"),
        (logrus("failed to validate token: failed to get CA certs: Get \"https://x:6443/cacerts\": EOF", "fatal"), "server_unreachable"),
    ],
)  # fmt: skip
def test_problems(line: LogRecord, name: str) -> None:
    assert name in ids(line)


@pytest.mark.parametrize(
    "line",
    [
        klog("Skipping API autoscaling/v2beta1 because it has no resources.", "genericapiserver.go", "warning"),
        klog('Resetting endpoints for master service "kubernetes" to [10.0.0.1]', "lease.go", "warning"),
        klog('"Error getting node" err="node \\"n\\" not found"', "kubelet.go", "error"),
        klog('[core] grpc: addrConn.createTransport failed to connect to {Addr: "unix:kine.sock"} connection refused', "logging.go", "warning"),
        logrus("Failed to list nodes with etcd role: runtime core not ready", "warning"),
        logrus("Cluster-Http-Server http: TLS handshake error from 127.0.0.1:1: remote error: tls: bad certificate"),
        systemd("k3s.service: Found left-over process 12 (containerd-shim) in control group while starting unit. Ignoring."),
    ],
)  # fmt: skip
def test_noise_is_never_a_problem(line: LogRecord) -> None:
    kinds = {mark.kind for mark in match(line)}
    assert kinds == {"noise"}


def test_polls_are_left_to_their_own_reader() -> None:
    text = "Polling for API server readiness: GET /readyz failed: x509: certificate has expired or is not yet valid"
    assert not match(logrus(text))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("apiserver exited: failed to listen on 127.0.0.1:6444: listen tcp 127.0.0.1:6444: bind: address already in use", "port_in_use"),
        ("kubelet exited: failed to validate kubelet configuration: configured to not run on a host using cgroup v1", "cgroup"),
        ("flag provided but not defined: -no-such-flag", "unknown_flag"),
        ("starting kine backend: database disk image is malformed", "database_malformed"),
        ('error reading encryption provider configuration file "/x": open /x: no such file or directory', "encryption_config"),
    ],
)  # fmt: skip
def test_causes_named_in_a_reason(text: str, first: str) -> None:
    assert causes_in(text)[0][0].id == first


def test_the_address_of_a_taken_port() -> None:
    ((rule, groups),) = causes_in("listen tcp 127.0.0.1:6444: bind: address already in use")
    assert (rule.id, groups) == ("port_in_use", {"address": "127.0.0.1:6444"})


def test_problems_that_act_on_people_say_what_to_do() -> None:
    for rule in rules():
        if rule.kind == "problem":
            assert rule.title
            assert rule.problem_class in {"fatal", "peer", "environment", "transient", "load"}
            assert rule.advice or rule.problem_class == "load"
        if rule.kind == "noise":
            assert rule.title or rule.id == "noise_leftover_processes"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1.5s", 1.5), ("178.4ms", 0.1784), ("1m2.5s", 62.5), ("1h0m1s", 3601.0), ("250µs", 0.00025), ("x", None), ("", None), ("12", None)],
)  # fmt: skip
def test_go_durations(text: str, seconds: float | None) -> None:
    assert go_seconds(text) == (None if seconds is None else pytest.approx(seconds))


def test_unquote_once() -> None:
    assert unquote_once('"a \\"b\\" \\n"') == 'a "b" \n'
    assert unquote_once("plain") == "plain"
    assert unquote_once('"') == '"'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1324-fresh-full", {"starting": 1, "serving_securely": 1, "api_running": 1, "stop_signal": 1, "client_ca_generated": 1}),
        ("1324-unknown-flag", {"usage_error": 2, "fatal": 1, "process_exited": 1, "systemd_failed": 1, "unknown_flag": 2}),
        ("1350-bad-apiserver-arg", {"shutdown_requested": 2, "bare_error": 2, "starting": 2, "fatal": 0}),
        ("1324-killed-thrice", {"process_exited": 3, "starting": 4}),
        ("1324-full-a", {"node_registered": 2, "kubelet_started": 2, "containerd_ready": 2}),
        ("1324-bad-encryption-config", {"component_exited": 1, "encryption_config": 2}),
    ],
)  # fmt: skip
def test_counts_on_recorded_starts(name: str, expected: dict[str, int]) -> None:
    log_records, errors = read_log_records([RECORDED / f"{name}.export.gz"])
    assert not errors
    found: Counter[str] = Counter(mark.id for line in log_records.records for mark in match(line))
    assert {key: found[key] for key in expected} == expected


def test_lines_that_match_nothing_are_cheap() -> None:
    lines = [klog("quota admission added evaluator for: leases.coordination.k8s.io", "controller.go"),
             logrus("Handling backend connection request [node]"),
             klog('"Some warning nobody has named" a="b"', "x.go", "warning")]  # fmt: skip
    assert not any(match(line) for line in lines)
    # Of several hundred rules, most are passed over by a look at the first letters.
    assert max(calls(partial(match, line)) for line in lines) <= 12
