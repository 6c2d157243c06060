"""Which lines say how a process ended, and which of them it survived."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from analyzer.records.read import read_log_records
from analyzer.starts import Verdict, find_starts, judge
from tests.kit.handmade import Journal


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
