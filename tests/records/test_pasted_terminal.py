"""A pasted terminal: what another command printed is marked, until the log goes on."""

from __future__ import annotations

import io

import pytest

from analyzer.records import LogRecord, read_log_records
from analyzer.records.pasted_terminal import prompt, shows_a_log


def records(*rows: str) -> list[LogRecord]:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return log_records.records


def marked(*rows: str) -> list[str]:
    return [record.message for record in records(*rows) if record.foreign]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("root@n1:~# crictl ps", "crictl ps"),
        ("[user@host ~]# kubectl get nodes", "kubectl get nodes"),
        ("user@host:/var/log$ ls -l", "ls -l"),
        ("n1:~ # kubectl get pods", "kubectl get pods"),
        ("n1:/var/log # ls", "ls"),
        ("$ kubectl get nodes", "kubectl get nodes"),
        ("# journalctl -u k3s", "journalctl -u k3s"),
        ("bash-5.1# crictl ps", "crictl ps"),
        ("/ # ps", "ps"),
        ("root@n1:~#", ""),
        ("# Steps to reproduce", None),
        ("$5 for whoever finds it", None),
        ("key:value # kubectl", None),
        ("me@example.com: kubectl", None),
    ],
)
def test_prompts(text: str, command: str | None) -> None:
    assert prompt(text) == command


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("journalctl -u k3s -f", True), ("sudo journalctl -u k3s | grep -i fail", True), ("docker logs -f n1", True),
        ("sudo k3s server --debug", True), ("/usr/local/bin/rke2 server", True), ("cat /var/log/k3s.log", True),
        ("cd /var/log && tail -n 50 k3s.log", True), ("systemctl status k3s", True), ("less k3s.log", True),
        ("curl -sfL example | sh -", True), ("kubectl logs -n kube-system etcd-n1", True), ("docker compose up", True),
        ("docker exec n1 cat /var/log/k3s.log", True), ("K3S_DEBUG=1 ./k3s server", True),
        ("crictl inspectp 7ed0", False), ("kubectl get nodes -o wide", False), ("sudo k3s kubectl get nodes", False),
        ("k3s crictl ps", False), ("kubectl get events | grep k3s", False), ("ps aux | grep k3s", False),
        ("docker ps", False), ("docker exec n1 ps", False), ("docker cat n1", False),
        ("k3s kubectl logs x", True), ("k3s ctr logs", False), ("crictl logs 7ed0", True),
        ("docker ps | grep n1", False), ("docker ps; cat k3s.log", True),
        ("k3s --version", False), ("etcdctl endpoint health", False), ("free -m", False),
    ],
)  # fmt: skip
def test_what_a_command_shows(command: str, shows: bool) -> None:
    assert shows_a_log(command) is shows


BANNER = "INFO[2026-04-01T08:24:30.739000000Z] Starting k3s v1.30.4+k3s1 (0123abcd)"
FATAL = 'FATA[2026-04-01T08:31:41Z] getting the pod sandbox status for "7ed0" failed'


def test_what_follows_another_command_is_its_output() -> None:
    rows = [BANNER, "root@n1:~# crictl inspectp 7ed0", FATAL, "and more", "root@n1:~# kubectl get nodes", "n1 Ready"]
    assert marked(*rows) == ['getting the pod sandbox status for "7ed0" failed', "and more", "n1 Ready"]


def test_a_command_that_shows_logs_gives_the_log_again() -> None:
    rows = ["root@n1:~# crictl ps", FATAL, "root@n1:~# docker logs n1", BANNER, FATAL]
    assert [r.foreign for r in records(*rows)] == [True, False, False]


def test_a_banner_begins_the_log_again() -> None:
    rows = [BANNER, "$ kubectl get nodes", FATAL, BANNER.replace("30.7", "59.7"), FATAL.replace("41Z", "42Z")]
    assert [r.foreign for r in records(*rows)] == [False, True, False, False]


def test_lines_of_the_carrier_are_of_the_log_again() -> None:
    line = 'Mar 01 06:03:2{} n1 k3s[5]: time="2026-03-01T06:03:2{}Z" level=info msg="line {}"'
    rows = [line.format(1, 1, 1), "root@n1:~# crictl ps", FATAL, line.format(2, 2, 2), "a rest"]
    first, other, second, rest = records(*rows)
    assert [first.foreign, other.foreign, second.foreign, rest.foreign] == [False, True, False, False]
    assert other.ident is None and rest.ident == "k3s"


def test_docker_stamps_are_the_log_only_where_it_had_them() -> None:
    line = "2026-03-01T06:03:2{}.123456789Z " + FATAL
    assert [r.foreign for r in records(line.format(1), "$ kubectl get pods", line.format(2))] == [False, False]
    rows = [BANNER, "$ kubectl get pods", line.format(2)]
    assert [r.foreign for r in records(*rows)] == [False, True]


def test_an_unknown_command_at_the_begin_may_be_what_shows_the_log() -> None:
    assert marked("root@n1:~# ./start-it.sh", FATAL) == []
    assert marked("root@n1:~# kubectl get pods", FATAL) != []
    assert marked(BANNER, "root@n1:~# ./other.sh", FATAL) != []


def test_the_end_of_a_paste_ends_it() -> None:
    assert marked(BANNER, "$ kubectl get pods", "```", "Some words", FATAL) == []
