"""Product, role and release of a start, by banner and by what only one of them says."""

from __future__ import annotations

import pytest

from analyzer.starts import Start, find_starts
from tests.kit.handmade import Journal


def bare(*messages: str) -> Start:
    """Of lines without carrier, banner and any other name."""
    rows = [f'time="2026-03-01T06:00:0{number}Z" level=info msg="{words}"' for number, words in enumerate(messages)]
    rows.append('time="2026-03-01T06:00:09Z" level=info msg="Kube API server is now running"')
    [start] = find_starts(Journal().log_records(("\n".join(rows) + "\n").encode()).records)
    return start


@pytest.mark.parametrize(
    ("words", "product"),
    [
        ("Remotedialer asks wss://192.0.2.7:9345/v1-rke2/connect", "rke2"),
        ("Remotedialer asks wss://192.0.2.7:6443/v1-k3s/connect", "k3s"),
        ("Reading /var/lib/rancher/rke2/server/token", "rke2"),
        ("Reading /var/lib/rancher/k3s/server/token", "k3s"),
        ("Kine available at unix://kine.sock", "k3s"),
        ("Pod for etcd not synced (waiting for termination of old pod), retrying", "rke2"),
        ("Pod for kube-apiserver is synced", "rke2"),
        ("Running load balancer rke2-agent-load-balancer 127.0.0.1:6444", "rke2"),
        ("Made rke2-client-ca", "rke2"),
        ("rke2-canal is a chart", "unknown"),
        ("words", "unknown"),
    ],
)
def test_paths_and_names_tell_the_product(words: str, product: str) -> None:
    assert bare(words).product == product


def test_the_first_name_counts() -> None:
    assert bare("/var/lib/rancher/rke2/a", "/var/lib/rancher/k3s/b").product == "rke2"


@pytest.mark.parametrize(("before", "role"), [(49, "agent"), (50, "unknown")])
def test_an_agents_load_balancer_is_looked_for_in_the_first_fifty_lines(before: int, role: str) -> None:
    journal = Journal()
    for number in range(before):
        journal.kube(number * 0.1, f"line {number}")
    journal.say(10.0, "Running load balancer k3s-agent-load-balancer 127.0.0.1:6444 -> [192.0.2.7:6443]")
    for row in journal.rows:
        del row["_SYSTEMD_UNIT"]
    [start] = journal.starts()
    assert start.role == role


@pytest.mark.parametrize(
    ("banner", "version", "commit"),
    [
        ('Starting k3s v1.32.4+k3s1 (148243c4)"', "v1.32.4+k3s1", "148243c4"),
        ("Starting k3s v1.32.4+k3s1 (1482", "v1.32.4+k3s1", None),
        ("Starting k3s v1.32.4+k3", None, None),
    ],
)
def test_a_word_through_which_a_cut_may_go_is_not_read(banner: str, version: str | None, commit: str | None) -> None:
    journal = Journal().bare(0.0, f'time="2026-03-01T06:00:00Z" level=info msg="{banner}').ticking(1.0, 3.0)
    [start] = journal.starts()
    assert (start.product, start.version, start.commit) == ("k3s", version, commit)


@pytest.mark.parametrize(("unit", "role"), [("k3s", "server"), ("k3s-agent", "agent"), ("k3s-of-mine", "unknown")])
def test_of_a_unit_of_which_only_systemd_speaks_the_installers_name_tells_the_role(unit: str, role: str) -> None:
    journal = Journal().systemd(0.0, f"Starting {unit}.service...")
    journal.systemd(1.0, f"{unit}.service: Main process exited, code=exited, status=1/FAILURE")
    for row in journal.rows:
        row["UNIT"] = f"{unit}.service"
    [start] = journal.starts()
    assert start.role == role


def test_a_process_of_the_unit_k3s_may_be_of_either_role() -> None:
    assert [start.role for start in Journal().ticking(1.0, 3.0).starts()] == ["unknown"]
