"""Ends and waits of made-up texts, each for a kind that a public log once showed: the rule, in other words and objects."""

# ruff: noqa: E501 - messages of one line
from __future__ import annotations

from io import BytesIO

import pytest

from analyzer.api import analyze, load
from analyzer.reports.text import render
from analyzer.results import Finding, Report, StartReport


def _report(text: str) -> Report:
    return analyze(load(stdin=BytesIO(text.encode()))).report


def _start(text: str) -> StartReport:
    return _report(text).starts[-1]


def _first(text: str) -> Finding:
    return _start(text).findings[0]


def _logrus(second: int, level: str, message: str, year: int = 2024) -> str:
    quoted = message.replace('"', '\\"')
    return f'time="{year}-03-05T10:{second // 60:02d}:{second % 60:02d}.123456789Z" level={level} msg="{quoted}"\n'


_UP = "k3s is up and running"


@pytest.mark.parametrize("release", ["v0.9.1", "v1.0.0", "v1.17.4+k3s1", "v1.18.2+k3s1"])
def test_up_and_running_of_an_old_release_proves_no_api_server(release: str) -> None:
    text = _logrus(1, "info", f"Starting k3s {release}") + _logrus(9, "info", _UP)
    assert _start(text).outcome == "incomplete"
    newer = text.replace(release, "v1.18.4+k3s1")
    assert _start(newer).outcome == "ready"


def test_without_a_release_the_day_tells_whether_the_line_was_gated() -> None:
    assert _start(_logrus(1, "info", _UP, 2020 - 1)).outcome == "incomplete"
    assert _start(_logrus(1, "info", _UP, 2021)).outcome == "ready"


@pytest.mark.parametrize("year", [2018, 2019])
def test_a_server_whose_agent_cannot_run_failed_whatever_it_said(year: int) -> None:
    text = _logrus(1, "info", _UP, year) + _logrus(2, "fatal", "failed to find memory cgroup", year)
    start = _start(text)
    assert start.outcome == "failed"
    assert start.findings[0].id == "cgroup"


@pytest.mark.parametrize(
    ("inner", "finding"),
    [
        ("raft_start(): io: load open segment open-7: entries batch 3 starting at byte 16: data checksum mismatch", "dqlite_damaged"),
        ("raft_start(): io: load closed segment 0000000000000001-0000000000000077: found 3 entries (expected 77)", "dqlite_damaged"),
        ("raft_start(): io: load snapshot snapshot-2-4096-123: short read", "dqlite_damaged"),
        ("starting kine backend: malformed database schema (kine)", "database_malformed"),
        ("start managed database: wal: max entry size limit exceeded", "etcd_damaged"),
    ],
)  # fmt: skip
def test_damaged_files_of_the_datastore_are_told_whatever_step_wraps_them(inner: str, finding: str) -> None:
    told = _first(_logrus(1, "fatal", f"starting kubernetes: preparing server: start cluster and https: {inner}"))
    assert told.id == finding
    assert "before the datastore" not in told.detail
    assert "/server/db" in told.advice


def test_a_full_disk_under_dqlite_is_no_damage() -> None:
    told = _first(_logrus(1, "fatal", "preparing server: raft_start(): io: write open-1: no space left on device"))
    assert told.id == "no_space"


@pytest.mark.parametrize("controller", ["pids", "cpu", "hugetlb", "blkio"])
def test_the_missing_controller_is_named_and_nothing_else_advised(controller: str) -> None:
    words = "Failed to start ContainerManager failed to initialize top level QOS containers: failed to set supported"
    words += (
        f" cgroup subsystems for cgroup [kubepods]: Failed to find subsystem mount for required subsystem: {controller}"
    )
    told = _first(f"F0305 10:00:01.123456      77 kubelet.go:1300] {words}\n")
    assert controller in told.title
    assert f"cgroup_enable={controller}" in told.advice
    assert "memory" not in told.advice and "Raspberry" not in told.advice


def test_a_missing_memory_controller_is_switched_on_with_its_own_words() -> None:
    words = (
        "failed to set supported cgroup subsystems for cgroup [kubepods]: Failed to find subsystem mount for required"
    )
    told = _first(_logrus(1, "fatal", f"kubelet exited: Failed to start ContainerManager {words} subsystem: memory"))
    assert "cgroup_memory=1 cgroup_enable=memory" in told.advice


@pytest.mark.parametrize("state", ["in threaded mode", "in an invalid state"])
def test_a_cgroup_that_takes_no_processes_is_no_question_of_swap(state: str) -> None:
    words = f'"Failed to start ContainerManager" err="cannot enter cgroupv2 \\"/sys/fs/cgroup/x\\" with domain controllers -- it is {state}"'
    told = _first(f"E0305 10:00:01.123456       1 kubelet.go:1400] {words}\n")
    assert "cgroup v2" in told.title
    assert "cgroupns" in told.advice and "swap" not in told.advice


@pytest.mark.parametrize(
    "status", ["503 Service Unavailable", "500 Internal Server Error", "502 Bad Gateway", "404 Not Found"]
)
def test_an_answering_server_outranks_an_early_error_that_was_overcome(status: str) -> None:
    text = _logrus(1, "info", "Starting k3s agent v1.21.9+k3s1 (abcdef01)")
    text += _logrus(2, "error", 'failed to get CA certs: Get "https://127.0.0.1:6444/cacerts": EOF') * 2
    for second in (20, 60, 200):
        text += _logrus(
            second, "error", f"Failed to configure agent: https://127.0.0.1:6444/v1-k3s/client-ca.crt: {status}"
        )
    found = _start(text).findings
    assert found[0].id == "tried_again"
    assert status[:3] in found[0].title + found[0].detail
    early = next(one for one in found if one.id == "server_unreachable")
    assert early.severity == "info" and "overcome" in early.detail
    assert not any("frozen" in one.detail for one in found)


def test_an_unknown_error_that_is_repeated_is_told_and_one_alone_is_not() -> None:
    begin = _logrus(1, "info", "Starting k3s v1.30.1+k3s1 (abcdef01)")
    once = begin + _logrus(5, "error", "the gasket of pump 3 is loose")
    assert not any(one.id == "repeated_error" for one in _start(once).findings)
    twice = once + _logrus(9, "error", "the gasket of pump 4 is loose")
    told = next(one for one in _start(twice).findings if one.id == "repeated_error")
    assert told.lines == (2, 3)
    assert not any(one.id == "repeated_error" for one in _start(twice + _logrus(20, "info", _UP)).findings)


@pytest.mark.parametrize(
    "words",
    [
        "SIGSEGV: segmentation violation",
        "fatal error: unexpected signal during runtime execution",
        "SIGBUS: bus error",
        "Bus error (core dumped)",
    ],
)
def test_a_crash_is_one_and_its_lines_before_say_nothing_more(words: str) -> None:
    text = _logrus(1, "info", "Starting k3s v1.25.3+k3s1 (abcdef01)") + words + "\n"
    told = _first(text)
    assert told.id == "crashed"
    assert "lines just before" not in told.advice.lower()
    assert "dqlite" not in told.detail


@pytest.mark.parametrize(("release", "suspected"), [("v1.18.6+k3s1", True), ("v1.19.5+k3s1", False)])
def test_native_code_is_suspected_only_where_the_release_has_it(release: str, *, suspected: bool) -> None:
    text = "DEBU[0000] Running /var/lib/rancher/k3s/data/HASH/bin/k3s-server [k3s server --cluster-init]\n"
    text += _logrus(1, "info", f"Starting k3s {release} (abcdef01)") + "Segmentation fault\n"
    assert ("dqlite" in _first(text).detail) is suspected


@pytest.mark.parametrize("unit", ["rke2-server", "rke2-agent"])
@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("missing required user: unknown user etcd", "useradd -r"),
        ("missing required group: unknown group etcd", "useradd -r"),
        ("missing required: user: unknown user etcd", "useradd -r"),
        ("invalid kernel parameter value vm.panic_on_oom=1 - expected 0", "sysctl --system"),
    ],
)
def test_what_a_hardening_profile_demands_comes_with_its_command(unit: str, words: str, command: str) -> None:
    head = "Mar 05 10:00:01 node-x "
    text = f"{head}systemd[1]: Starting Rancher Kubernetes Engine v2...\n"
    text += f"{head}rke2[55]: {_logrus(1, 'fatal', words)}"
    text += f"{head}systemd[1]: {unit}.service: Main process exited, code=exited, status=1/FAILURE\n"
    told = _first(text)
    assert command in told.advice
    assert unit in told.advice


def test_not_found_of_a_pull_is_no_proof_that_there_is_no_such_image() -> None:
    name = "registry.example/acme/pause:9.9"
    text = (
        _logrus(
            1,
            "error",
            f'Error encountered while importing /var/lib/rancher/rke2/agent/images/a.txt: failed to pull images from /var/lib/rancher/rke2/agent/images/a.txt: image "{name}": not found',
        )
        * 2
    )
    told = _first(text)
    assert "does not prove" in told.detail
    assert "containerd.log" in told.advice and "spelled" not in told.advice


def test_of_a_process_that_died_before_any_check_no_checks_are_told() -> None:
    text = _logrus(1, "info", "Starting k3s v1.22.3+k3s1 (abcdef01)")
    text += _logrus(2, "fatal", "starting kubernetes: preparing server: token is required to join a cluster")
    report = _report(text)
    shown = "".join(render(report))
    assert "Which checks failed" not in shown
    assert not any(one.id == "silent_poller" for one in report.starts[0].findings)
