"""Ends that others announce: the kernel, systemd and its helpers, SELinux, docker, the shell."""

# ruff: noqa: E501  (log lines are as long as they are)

from __future__ import annotations

import pytest

from tests.kit.handmade import Journal
from tests.starts.pasted import LATER, READY, finding, names, only, told

KERNEL = [
    "Out of memory: Killed process {pid} ({comm}) total-vm:5102356kB, anon-rss:812344kB",
    "Memory cgroup out of memory: Killed process {pid} ({comm}) total-vm:5102356kB",
    "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,global_oom,task_memcg=/system.slice/k3s.service,"
    "task={comm},pid={pid},uid=0",
    "oom_reaper: reaped process {pid} ({comm}), now anon-rss:0kB",
]


@pytest.mark.parametrize("line", KERNEL)
def test_the_kernels_kill_of_the_main_process_is_its_end(line: str) -> None:
    words = line.format(pid=812, comm="k3s-server")
    start = only(READY + f"May 04 08:05:00 node-a kernel: {words}\n")
    assert (start.outcome, start.end.kind) == ("ready", "failed")
    assert finding(start, "out_of_memory").severity == "critical"
    assert start.end.line == 4


@pytest.mark.parametrize(("pid", "comm"), [(4711, "nginx"), (4711, "k3s-server"), (4711, "containerd-shim")])
def test_the_kernels_kill_of_another_process_is_not(pid: int, comm: str) -> None:
    lines = "".join(f"May 04 08:05:00 node-a kernel: {line.format(pid=pid, comm=comm)}\n" for line in KERNEL)
    start = only(READY + lines)
    assert start.end.kind == "running"
    assert "out_of_memory" not in names(start)


def test_a_kill_that_stands_beside_systemds_exit_line_is_its_cause() -> None:
    start = only(
        READY.split("\n")[1] + "\n"
        "May 04 08:00:05 node-a kernel: Out of memory: Killed process 812 (k3s-server) total-vm:512kB\n"
        "May 04 08:00:05 node-a systemd[1]: k3s.service: Main process exited, code=killed, status=9/KILL\n"
    )
    assert start.end.kind == "failed"
    assert [one.id for one in start.findings[:2]] == ["out_of_memory", "killed"]


def test_oomd_and_the_unit_it_took() -> None:
    line = "May 04 08:05:00 node-a systemd-oomd[611]: Killed /system.slice/{}.service due to memory pressure\n"
    assert only(READY + line.format("k3s")).end.kind == "failed"
    assert only(READY + line.format("mariadb")).end.kind == "running"
    own = "May 04 08:05:00 node-a systemd[1]: k3s.service: systemd-oomd killed 34 process(es) in this unit.\n"
    assert only(READY + own).end.kind == "failed"


def test_a_process_of_the_unit_need_not_be_its_main_one() -> None:
    taken = (
        "May 04 08:01:00 node-a systemd[1]: k3s.service: A process of this unit has been killed by the OOM killer.\n"
    )
    assert only(READY + taken + LATER).end.kind == "running"
    assert only(READY + taken).end.kind == "failed"


BEGIN = "May 04 08:00:00 node-a systemd[1]: Starting {}...\n"
RKE2 = "Rancher Kubernetes Engine v2 (server)"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            "systemd[1]: Starting Lightweight Kubernetes...\n"
            "(k3s)[901]: k3s.service: Failed to locate executable /usr/local/bin/k3s: Permission denied\n"
            "(k3s)[901]: k3s.service: Failed at step EXEC spawning /usr/local/bin/k3s: Permission denied\n"
            'kernel: audit: type=1400 audit(1.1:7): avc:  denied  { execute } for  pid=901 comm="(k3s)" name="k3s"\n'
            "systemd[1]: k3s.service: Main process exited, code=exited, status=203/EXEC",
            "exec_denied",
        ),
        (
            f"systemd[1]: Starting {RKE2}...\n"
            "systemd[844]: rke2-server.service: Failed at step EXEC spawning /usr/bin/rke2: No such file or directory\n"
            "systemd[1]: rke2-server.service: main process exited, code=exited, status=203/EXEC",
            "exec_missing",
        ),
        (
            "systemd[1]: Starting Lightweight Kubernetes...\n"
            "systemd[844]: k3s.service: Failed at step EXEC spawning /usr/local/bin/k3s: Exec format error\n"
            "systemd[1]: k3s.service: Main process exited, code=exited, status=203/EXEC",
            "wrong_architecture",
        ),
        (
            "systemd[1]: Starting Lightweight Kubernetes...\n"
            "systemd[1]: k3s.service start operation timed out. Terminating.\n"
            "systemd[1]: Unit k3s.service entered failed state.",
            "systemd_timeout",
        ),
        (
            f"systemd[1]: Starting {RKE2}...\nsystemd[1]: rke2-server.service: start-pre operation timed out. Terminating.",
            "systemd_timeout",
        ),
    ],
)
def test_what_systemd_says_of_a_process_that_never_came_up(lines: str, expected: str) -> None:
    start = only("".join(f"May 04 08:00:01 node-a {line}\n" for line in lines.splitlines()))
    assert (start.outcome, start.end.kind) == ("failed", "failed")
    assert start.findings[0].id == expected


def test_the_denial_stands_beside_the_end_and_a_containers_does_not() -> None:
    denied = 'May 04 08:00:00 node-a kernel: audit: avc:  denied  {{ execute }} for  pid=901 comm="{}" name="{}"\n'
    failed = (
        "May 04 08:00:00 node-a systemd[844]: k3s.service: Failed at step EXEC spawning /usr/local/bin/k3s: "
        "Permission denied\n"
    )
    begin = BEGIN.format("Lightweight Kubernetes")
    assert "avc" in finding(only(begin + denied.format("(k3s)", "k3s") + failed), "exec_denied").detail
    assert "avc" not in finding(only(begin + denied.format("nginx", "cache") + failed), "exec_denied").detail
    assert only(READY + denied.format("k3s-server", "x")).end.kind == "running", "a denial is no end"


def test_the_watchdogs_kill_is_a_failure_and_no_stop() -> None:
    start = only(
        READY + "May 04 08:05:00 node-a systemd[1]: k3s.service: Watchdog timeout (limit 1min)!\n"
        "May 04 08:05:00 node-a systemd[1]: k3s.service: Main process exited, code=dumped, status=6/ABRT\n"
    )
    assert (start.outcome, start.end.kind) == ("ready", "failed")
    assert "Watchdog" in (start.end.reason or "")


def test_the_start_limit_is_an_end_in_both_spellings() -> None:
    for line in (
        "k3s.service: Start request repeated too quickly.",
        "start request repeated too quickly for k3s.service",
    ):
        start = only(BEGIN.format("Lightweight Kubernetes") + f"May 04 08:00:01 node-a systemd[1]: {line}\n")
        assert start.end.kind == "failed"
        assert "repeated too quickly" in (start.end.reason or "")


COMPOSE = """
server-1  | time="2026-05-04T08:00:01Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"
server-1  | time="2026-05-04T08:00:02Z" level=info msg="Running kube-apiserver --advertise-port=6443"
"""


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("server-1 exited with code 137", "failed"),
        ("server-1 exited with code 1", "failed"),
        ("server-1 exited with code 143", "stopped"),
        ("dependency failed to start: container k3d-server-1 exited (1)", "failed"),
        ("db-1 exited with code 1", "running"),
    ],
)
def test_what_compose_says_of_a_container(line: str, kind: str) -> None:
    starts = told(COMPOSE + line + "\n")
    assert starts[0].end.kind == kind
    assert starts[0].outcome != "ready"


def test_a_plain_docker_log_and_its_exit() -> None:
    text = COMPOSE.replace("server-1  | ", "")
    assert only(text + "k3s-server exited with code 137\n").end.kind == "failed"
    assert only(text + "postgres exited with code 137\n").end.kind == "running"


def test_the_bare_last_words_of_a_child() -> None:
    line = "May 04 08:00:20 node-a k3s[812]: containerd: exit status 1\n"
    start = only(READY + line)
    assert (start.end.kind, start.end.reason) == ("failed", "containerd: exit status 1")
    assert "containerd.log" in finding(start, "process_failed").advice
    assert only(READY + line + LATER).end.kind == "running"


def test_the_shells_own_word_is_the_end_of_what_ran_in_it() -> None:
    text = COMPOSE.replace("server-1  | ", "")
    assert only(text + "Killed\n").end.reason == "killed by signal 9 (the shell says so)"
    assert only(text + "zsh: killed     sudo k3s server\n").end.kind == "failed"
    assert only(text + "Killed the old pods by hand\n").end.kind == "running"
    assert only(READY + "May 04 08:01:00 node-a k3s[812]: Killed\n").end.kind == "running"


def test_a_child_that_crashes_is_not_the_process() -> None:
    text = """
    May 04 08:00:01 n1 rke2[100]: time="2026-05-04T08:00:01Z" level=info msg="Starting rke2 v1.30.4+rke2r1 (0123abcd)"
    May 04 08:00:05 n1 rke2[140]: I0504 08:00:05.123456     140 server.go:202] "Kubelet version" kubeletVersion="v1.30.4"
    May 04 08:00:20 n1 rke2[140]: panic: runtime error: slice bounds out of range [5:2]
    May 04 08:00:20 n1 rke2[140]: goroutine 1 [running]:
    May 04 08:00:20 n1 rke2[140]: k8s.io/kubernetes/pkg/kubelet.(*Kubelet).syncLoop(0xc0001)
    May 04 08:00:25 n1 rke2[100]: time="2026-05-04T08:00:25Z" level=info msg="Running kubelet --cloud-provider=external"
    """
    start = only(text)
    assert start.end.kind == "running"
    assert "kubelet.(*Kubelet).syncLoop" in finding(start, "panic_survived").detail


def test_a_panic_that_is_thrown_again_was_not_survived() -> None:
    text = """
    time="2026-05-04T08:00:01Z" level=info msg="Starting k3s v1.31.5+k3s1 (56ec5dd4)"
    2026/05/04 08:00:12 http: panic serving 127.0.0.1:40112: nil map
    goroutine 812 [running]:
    main.serve(0x1)
    time="2026-05-04T08:00:30Z" level=info msg="Running kube-apiserver --advertise-port=6443"
    E0504 08:00:35.000000       1 runtime.go:142] Observed a panic: "x" (index out of range)
    goroutine 71 [running]:
    panic: index out of range [recovered]
    goroutine 71 [running]:
    """
    start = only(text)
    assert start.end.kind == "failed"
    said = finding(start, "panic_survived")
    assert "nil map" in said.detail
    assert "Said once" in said.detail


def test_a_helper_of_the_unit_that_is_missing_ends_nothing() -> None:
    text = (
        BEGIN.format("Lightweight Kubernetes")
        + "May 04 08:00:00 node-a systemd[801]: k3s.service: Failed at step EXEC spawning /sbin/modprobe: No such file or directory\n"
        + READY
    )
    assert only(text).end.kind == "running"


@pytest.mark.parametrize(("last", "kind"), [("08:00:14", "failed"), ("08:00:19", "running")])
def test_who_writes_five_seconds_after_it_was_killed_was_another(last: str, kind: str) -> None:
    """Lines that were written before an end may reach the journal later, by less than that."""
    text = f"""
        May 04 08:00:01 node-a k3s[812]: time="2026-05-04T08:00:01Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"
        May 04 08:00:09 node-a kernel: Out of memory: Killed process 812 (k3s-server) total-vm:1kB, anon-rss:1kB
        May 04 {last} node-a k3s[812]: time="2026-05-04T{last}Z" level=info msg="one more"
    """
    assert only(text).end.kind == kind


@pytest.mark.parametrize(("written", "kind"), [(8.9, "failed"), (15.9, "running")])
def test_a_line_counts_from_when_it_was_written_not_from_when_the_journal_took_it_down(
    written: float, kind: str
) -> None:
    journal = Journal().begin().ticking(1.0, 8.0)
    journal.other(9.0, "kernel", "Out of memory: Killed process 1000 (k3s-server) total-vm:1kB, anon-rss:1kB")
    assert journal.kube(written, "one more", lag=16.0 - written).report().end.kind == kind


@pytest.mark.parametrize(
    ("name", "kind"), [("server-1", "failed"), ("my_worker", "failed"), ("rke2", "failed"), ("db-1", "running")]
)
def test_where_no_line_names_a_container_its_role_is_enough(name: str, kind: str) -> None:
    text = COMPOSE.replace("server-1  | ", "")
    assert only(text + f"{name} exited with code 137\n").end.kind == kind
