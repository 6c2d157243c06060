"""Which lines say how a process ended, and which of them it survived."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from analyzer.records.read import read_log_records
from analyzer.starts import Verdict, find_starts, judge
from tests.kit.handmade import RBAC, Journal
from tests.starts.pasted import only


def verdict_of(text: str) -> Verdict:
    """Of the only start in a text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.txt"
        path.write_text(text)
        log_records, _ = read_log_records([str(path)])
    [start] = find_starts(log_records.records)
    return judge(start)


def verdict(journal: Journal) -> Verdict:
    """Of the only start."""
    [start] = journal.starts()
    return judge(start)


def begun() -> Journal:
    return Journal().begin().ticking(1.0, 6.0).serving(3.0).poll(4.0)


@pytest.mark.parametrize(
    ("told", "kind", "reason"),
    [
        ("code=exited, status=1/FAILURE", "failed", "exited with status 1 (FAILURE)"),
        ("code=killed, status=9/KILL", "failed", "killed by signal 9 (KILL)"),
        ("code=dumped, status=6/ABRT", "failed", "killed by signal 6 (ABRT)"),
        ("code=exited, status=0/SUCCESS", "failed", "exited with status 0 (SUCCESS)"),
    ],
)
def test_what_systemds_exit_line_alone_says(told: str, kind: str, reason: str | None) -> None:
    found = verdict(begun().systemd(7.0, f"k3s.service: Main process exited, {told}"))
    assert (found.end_kind, found.end_reason) == (kind, reason)


@pytest.mark.parametrize(("last", "kind"), [(16.8, "failed"), (17.2, "running")])
def test_a_process_that_writes_ten_seconds_after_its_last_words_survived_them(last: float, kind: str) -> None:
    found = verdict(begun().say(7.0, "boom", "fatal").ticking(8.0, 16.0).kube(last, "still here"))
    assert found.end_kind == kind


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Managed etcd cluster membership was previously reset, please remove the cluster-reset flag", "stopped"),
        ("Managed etcd cluster membership has been reset, restart", "stopped"),
        ("Managed etcd cluster is fine", "failed"),
    ],
)
def test_after_either_word_of_a_reset_status_0_is_an_end_in_good_order(words: str, kind: str) -> None:
    journal = begun().say(6.5, words).systemd(7.0, "k3s.service: Main process exited, code=exited, status=0/SUCCESS")
    assert verdict(journal).end_kind == kind


@pytest.mark.parametrize(("last", "kind"), [(17.9, "failed"), (18.1, "running")])
def test_where_stamps_are_of_whole_seconds_the_ten_begin_at_the_end_of_one(last: float, kind: str) -> None:
    journal = begun().say(7.0, "boom", "fatal").kube(last, "still here")
    [start] = find_starts(journal.log_records(journal.short()).records)
    assert judge(start).end_kind == kind


COMPOSE = """
server-1  | time="2026-05-04T08:00:01Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"
server-1  | time="2026-05-04T08:00:02Z" level=info msg="Running kube-apiserver --advertise-port=6443"
"""


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("0", "stopped", ""),
        ("130", "stopped", ""),
        ("143", "stopped", ""),
        ("1", "failed", ""),
        ("129", "failed", ""),
        ("134", "failed", " (killed by signal 6)"),
        ("137", "failed", " (killed by signal 9)"),
        ("139", "failed", " (killed by signal 11)"),
    ],
)
def test_what_the_exit_code_of_a_container_says(code: str, kind: str, words: str) -> None:
    end = only(COMPOSE + f"server-1 exited with code {code}\n").end
    assert (end.kind, end.reason) == (kind, f"its container exited with code {code}{words}")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("exited with return code 0", "stopped"),
        ("exited due to signal 15", "stopped"),
        ("exited due to signal 2", "stopped"),
        ("exited with return code 1", "failed"),
        ("exited due to signal 9", "failed"),
    ],
)
def test_what_openrcs_supervisor_says(words: str, kind: str) -> None:
    found = verdict(begun().bare(7.0, f"/usr/local/bin/k3s, pid 1000, {words}"))
    assert (found.end_kind, found.end_reason) == (kind, words)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("inactive (dead)", "stopped"),
        ("deactivating (stop-sigterm)", "stopped"),
        ("failed (Result: exit-code)", "failed"),
        ("activating (auto-restart) (Result: exit-code)", "failed"),
        ("active (running)", "running"),
    ],
)
def test_what_systemctl_says_of_the_last_run(state: str, kind: str) -> None:
    assert only(f"● k3s.service - x\n   Active: {state} since Mon 2026-05-04 08:00:21 UTC; 5s ago\n").end.kind == kind


def test_what_failed_says_more_than_that_systemd_tries_no_more() -> None:
    told = [
        "k3s.service: Failed with result 'exit-code'.",
        "k3s.service: Start request repeated too quickly.",
        "k3s.service: A process of this unit has been killed by the OOM killer.",
        "k3s.service: Failed to schedule restart job: Unit not found.",
    ]
    for first in range(len(told)):
        for chosen in (told[: first + 1], told[first::-1]):
            journal = begun()
            for number, words in enumerate(chosen):
                journal.systemd(7.0 + number * 0.1, words)
            assert verdict(journal).end_reason == told[first]


@pytest.mark.parametrize(("pause", "kind"), [(2.0, "failed"), (2.1, "running")])
def test_of_chosen_lines_an_exit_two_seconds_later_may_be_another_processs(pause: float, kind: str) -> None:
    journal = Journal().banner(0.1).poll(2.0).listed(4.0, RBAC).listed(8.0, RBAC)
    told = "k3s.service: Main process exited, code=exited, status=1/FAILURE"
    assert verdict(journal.systemd(8.0 + pause, told)).end_kind == kind
    assert verdict(begun().systemd(8.0 + pause, told)).end_kind == "failed", "of a whole text it is its own"


def test_who_stopped_for_good_and_who_is_tried_again() -> None:
    stopped = begun().systemd(7.0, "Stopped k3s.service - Lightweight Kubernetes.")
    assert verdict(stopped).end_kind == "stopped"
    again = "k3s.service: Scheduled restart job, restart counter is at 1."
    assert (
        verdict(begun().systemd(6.9, again).systemd(7.0, "Stopped k3s.service - Lightweight Kubernetes.")).end_kind
        == "running"
    )


def test_a_kill_before_somebody_asked_for_the_end_is_the_end() -> None:
    killed = "Out of memory: Killed process 1000 (k3s-server) total-vm:1kB, anon-rss:1kB"
    stopping = "Stopping k3s.service - Lightweight Kubernetes..."
    assert verdict(begun().other(7.0, "kernel", killed).systemd(7.1, stopping)).end_kind == "failed"
    assert verdict(begun().systemd(7.0, stopping).other(7.1, "kernel", killed)).end_kind == "stopped"


def test_the_watchdog_counts_before_a_request_and_not_after_it() -> None:
    dog, stopping = "k3s.service: Watchdog timeout (limit 1min)!", "Stopping k3s.service - Lightweight Kubernetes..."
    assert verdict(begun().systemd(7.0, dog).systemd(7.1, stopping)).end_kind == "failed"
    assert verdict(begun().systemd(7.0, stopping).systemd(7.1, dog)).end_kind == "stopped"


def parts(product: str, version: str, words: str, after: str = "") -> str:
    """A process of that release that says these words at error level after seven seconds."""
    begin, last = 'time="2026-03-01T06:00:00Z" level=info msg=', 'time="2026-03-01T06:00:30Z" level=info msg='
    lines = [
        f'{begin}"Starting {product} agent {version} (1a2b3c4d)"',
        f'{begin}"Connecting to proxy" url="wss://192.0.2.10:6443/v1-{product}/connect"',
        f'time="2026-03-01T06:00:07Z" level=error msg="{words}"',
    ]
    return "\n".join([*lines, *([f'{last}"{after}"'] if after else [])]) + "\n"


@pytest.mark.parametrize(
    ("product", "words", "after", "kind"),
    [
        ("rke2", "kube-proxy exited: exit status 1", "", "running"),
        ("rke2", "kube-proxy exited: exit status 1", "Running RKE2 kube-proxy [--x]", "running"),
        ("rke2", "Kubelet exited: exit status 1", "Running RKE2 kubelet [--x]", "running"),
        ("k3s", "kube-proxy exited: exit status 1", "", "failed"),
        # On Windows RKE2 runs its containerd again; on Linux the process ends with it, as that of k3s.
        ("rke2", "containerd exited: exit status 1", "Running containerd -c config.toml", "running"),
        ("rke2", "containerd exited: exit status 1", "", "failed"),
        ("k3s", "containerd exited: exit status 1", "Running containerd -c config.toml", "failed"),
    ],
)
def test_what_rke2_runs_again_is_no_end_of_it(product: str, words: str, after: str, kind: str) -> None:
    version = f"v1.34.1+{'rke2r1' if product == 'rke2' else 'k3s1'}"
    assert verdict_of(parts(product, version, words, after)).end_kind == kind


def test_from_1_36_on_k3s_outlives_its_etcd() -> None:
    def ended(words: str, last: float) -> str:
        journal = Journal("v1.36.2+k3s1").begin().ticking(1.0, 6.0).poll(4.0).say(7.0, words, "error")
        return verdict(journal.kube(last, "still here")).end_kind

    words = "etcd exited: member 1a2b3c4d has already been bootstrapped"
    assert ended(words, 30.0) == "running"
    assert ended(words, 8.0) == "failed"
    assert ended(words.replace("etcd", "kubelet"), 30.0) == "failed"


@pytest.mark.parametrize(("at", "kind"), [(17.000001, "failed"), (17.000002, "running")])
def test_ten_seconds_behind_the_end_of_its_stamp_are_outlived_by_a_microsecond_more(at: float, kind: str) -> None:
    journal = Journal().begin().ticking(1.0, 6.0).bare(7.0, "containerd: exit status 1").kube(at, "still here")
    assert journal.report().end.kind == kind
