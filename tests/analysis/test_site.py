"""Where a start ran is told by its own lines, never by what they say of other machines."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from analyzer.analysis import analyze_records
from analyzer.analysis.site import site_of
from analyzer.records import read_log_records
from analyzer.site import Site
from analyzer.starts import find_starts

AGENT = "Starting rke2 agent v1.34.1+rke2r1 (c1d2e3f4)"
SERVER = "Starting rke2 v1.34.1+rke2r1 (c1d2e3f4)"
K3S = "Starting k3s v1.34.1+k3s1 (c1d2e3f4)"
OWN_ON_WINDOWS = (
    r"Logging containerd to C:\var\lib\rancher\rke2\agent\containerd\containerd.log",
    r"Running containerd -c D:\k\agent\etc\containerd\config.toml",
    'exec: "wins": executable file not found in %PATH%',
)


def _site(*messages: str, before: str = "", path: str = "") -> Site:
    lines = [
        f'{before}time="2026-04-05T07:08:{n:02}Z" level=info msg="{escaped}"'
        for n, message in enumerate(messages)
        for escaped in [message.replace("\\", "\\\\").replace('"', '\\"')]
    ]
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO("\n".join([*lines, ""]).encode()))
    assert not errors
    if path:
        log_records = replace(log_records, sources=[replace(one, path=path) for one in log_records.sources])
    [start] = find_starts(log_records.records)
    return site_of(start, log_records)


@pytest.mark.parametrize("own", OWN_ON_WINDOWS)
def test_an_agent_with_files_of_its_own_on_windows_runs_there(own: str) -> None:
    assert _site(AGENT, own).supervisor == "windows"


@pytest.mark.parametrize("own", OWN_ON_WINDOWS)
@pytest.mark.parametrize("banner", [SERVER, K3S])
def test_servers_and_k3s_never_run_on_windows(banner: str, own: str) -> None:
    assert _site(banner, own).supervisor == "systemd"


def test_another_machines_path_makes_nothing_windows() -> None:
    assert _site(AGENT, r"node depot-9 reports path C:\var\lib").supervisor == "systemd"
    linux = "Running containerd -c /var/lib/rancher/rke2/agent/etc/containerd/config.toml"
    assert _site(AGENT, linux, f"node depot-9 has {OWN_ON_WINDOWS[0]}").supervisor == "systemd"


def test_lines_with_nothing_but_a_stamp_before_them_are_a_containers() -> None:
    assert _site(K3S, before="2026-04-05T07:08:09.000000001Z ").supervisor == "container"


@pytest.mark.parametrize("before", ["", "2026-04-05T07:08:09+0000 depot k3s[71]: ", "Apr 05 07:08:09 depot k3s[71]: "])
def test_lines_with_a_host_and_a_name_or_nothing_are_a_services(before: str) -> None:
    assert _site(K3S, before=before).supervisor == "systemd"


@pytest.mark.parametrize(
    ("path", "supervisor"),
    [
        ("/var/log/k3s.log", "openrc"),
        ("/var/log/k3s-agent.log.1", "openrc"),
        ("/home/eve/k3s.log", "systemd"),
        ("/var/log/k3s.log.txt", "systemd"),
        ("/var/log/syslog", "systemd"),
    ],
)
def test_openrcs_service_has_a_file_of_its_own(path: str, supervisor: str) -> None:
    assert _site(K3S, path=path).supervisor == supervisor
    assert _site(K3S, path=path, before="Apr 05 07:08:09 depot k3s[71]: ").supervisor == "systemd"


@pytest.mark.parametrize(
    ("path", "data_dir"),
    [
        ("/var/lib/rancher/k3s/agent/containerd/containerd.log", ""),
        ("/var/lib/rancher/edge/agent/containerd/containerd.log", "/var/lib/rancher/edge"),
        ("/srv/cluster/server/tls/server-ca.crt", "/srv/cluster"),
        ("/mnt/copies/server/db/snapshots/on-demand-1", ""),
        ("/srv/cluster/server/db/state.db", "/srv/cluster"),
        ("/home/eve/notes/server/token", ""),
        ("/home/eve/notes/agent-token", ""),
    ],
)
def test_the_data_directory_is_where_the_process_keeps_its_files(path: str, data_dir: str) -> None:
    assert _site(K3S, f"Reading {path}").data_dir == data_dir


def test_a_tokens_file_before_it_does_not_hide_it() -> None:
    named = _site(K3S, "Reading token from /home/eve/server/token", "Wrote /srv/cluster/server/cred/admin.kubeconfig")
    assert named.data_dir == "/srv/cluster"


RUNS = "Running load balancer k3s-agent-load-balancer 127.0.0.1:6444 -> [192.0.2.8:6443] [default: 192.0.2.7:6443]"
K3S_AGENT = "Starting k3s agent v1.34.1+k3s1 (c1d2e3f4)"
REFUSED = "dial tcp 192.0.2.7:6443: connect: connection refused"


@pytest.mark.parametrize(
    ("lines", "balancer", "servers"),
    [
        ((K3S_AGENT, RUNS), "127.0.0.1:6444", ("192.0.2.7:6443", "192.0.2.8:6443")),
        ((K3S_AGENT, RUNS.replace("6444", "7444")), "127.0.0.1:7444", ("192.0.2.7:6443", "192.0.2.8:6443")),
        ((K3S_AGENT, REFUSED), "127.0.0.1:6444", ("192.0.2.7:6443",)),
        ((K3S_AGENT, REFUSED.replace(":6443", ":10250")), "", ()),
        ((K3S_AGENT, REFUSED.replace("192.0.2.7", "127.0.0.1")), "", ()),
        ((AGENT, REFUSED.replace(":6443", ":9345")), "127.0.0.1:6444", ("192.0.2.7:9345",)),
        ((K3S, REFUSED), "", ()),  # its own API server listens there
        ((K3S, RUNS.replace("agent-load", "etcd-server-load")), "", ()),
        ((K3S_AGENT, RUNS.replace("192.0.2.7:6443", "eve@h{x}:6443").replace("192.0.2.8:6443", "")), "", ()),
    ],
)
def test_who_is_behind_an_agents_own_load_balancer(
    lines: tuple[str, ...], balancer: str, servers: tuple[str, ...]
) -> None:
    site = _site(*lines)
    assert (site.balancer, site.servers) == (balancer, servers)
    assert site.behind("127.0.0.1:6444") == (servers[0] if balancer == "127.0.0.1:6444" else "127.0.0.1:6444")


def test_a_tunnels_url_names_the_server() -> None:
    line = 'time="2026-04-05T07:08:01Z" level=info msg="Connecting to proxy" url="wss://192.0.2.9:6443/v1-k3s/connect"'
    banner = f'time="2026-04-05T07:08:00Z" level=info msg="{K3S_AGENT}"'
    refused = 'Get \\"https://127.0.0.1:6444/cacerts\\": dial tcp 127.0.0.1:6444: connect: connection refused'
    fatal = f'time="2026-04-05T07:08:02Z" level=fatal msg="failed to get CA certs: {refused}"'
    log_records, _ = read_log_records(["-"], stdin=io.BytesIO("\n".join([banner, line, fatal, ""]).encode()))
    [start] = analyze_records(log_records, tool_version="0").starts
    first = start.findings[0]
    assert "127.0.0.1:6444 is this node's own load balancer: what it asks there is 192.0.2.9:6443." in first.detail
    assert "https://192.0.2.9:6443/cacerts" in first.advice


@pytest.mark.parametrize(
    "shown",
    [
        "shed:~# rc-service k3s start",
        " * status: crashed",
        " * Starting k3s ...",
        "812 root 0:00 supervise-daemon k3s --start --stdout /var/log/k3s.log",
    ],
)
def test_commands_of_openrc_around_lines_of_nobody_show_who_runs_it(shown: str) -> None:
    lines = f'{shown}\ntime="2026-04-05T07:08:09Z" level=fatal msg="failed to find cpu cgroup (v2)"\n'
    log_records, _ = read_log_records(["-"], stdin=io.BytesIO(lines.encode()))
    [start] = find_starts(log_records.records)
    assert site_of(start, log_records).supervisor == "openrc"
    named = lines.replace("time=", "Apr 05 07:08:09 shed k3s[71]: time=")
    log_records, _ = read_log_records(["-"], stdin=io.BytesIO(named.encode()))
    [start] = find_starts(log_records.records)
    assert site_of(start, log_records).supervisor == "systemd"
