"""Logs of several hosts of one cluster, written by hand: true seconds in, each host's own clock out."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analyzer.pipeline import read, report_on
from analyzer.results import Report

ZERO = datetime(2026, 3, 1, 6, 0, 0, tzinfo=UTC)


class Host:
    """The log of one host, whose clock is ``ahead`` seconds ahead of the true time."""

    def __init__(
        self, name: str, address: str, role: str = "server", *, ahead: float = 0.0, member: str = "", lag: float = 0.002
    ) -> None:
        self.name, self.address, self.role, self.ahead, self.member, self.lag = name, address, role, ahead, member, lag
        self.pid = 900
        self.rows: list[tuple[float, str, str]] = []

    def _stamp(self, at: float) -> datetime:
        return ZERO + timedelta(seconds=at + self.ahead)

    def _row(self, at: float, ident: str, text: str) -> Host:
        self.rows.append((at + self.lag, ident, text))
        return self

    def say(self, at: float, message: str, level: str = "info", **fields: str) -> Host:
        """A line of k3s."""
        message = message.replace("\\", "\\\\").replace('"', '\\"')
        more = "".join(f' {name}="{value}"' for name, value in fields.items())
        return self._row(
            at, f"k3s[{self.pid}]", f'time="{self._stamp(at):%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{message}"{more}'
        )

    def raft(self, at: float, message: str) -> Host:
        """A line of etcd's consensus."""
        return self.etcd(at, message, caller="etcdserver/zap_raft.go:77", logger="raft")

    def etcd(self, at: float, message: str, caller: str = "etcdserver/raft.go:541", **fields: str) -> Host:
        """A line of etcd."""
        parts = {"level": "info", "ts": f"{self._stamp(at):%Y-%m-%dT%H:%M:%S.%fZ}", "caller": caller, "msg": message}
        told = ",".join(f'"{name.replace("_", "-")}":"{value}"' for name, value in (parts | fields).items())
        return self._row(at, f"k3s[{self.pid}]", "{" + told + "}")

    def begin(self, at: float) -> Host:
        """A start of the service."""
        self.pid += 1
        unit, name = ("k3s-agent", "k3s agent") if self.role == "agent" else ("k3s", "k3s")
        self._row(at, "systemd[1]", f"Starting {unit}.service - Lightweight Kubernetes...")
        return self.say(at + 0.1, f"Starting {name} v1.33.4+k3s1 (148243c4)")

    def fails(self, at: float, why: str) -> Host:
        """The process ends by itself."""
        self.say(at, why, "fatal")
        self._row(at + 0.1, "systemd[1]", "k3s.service: Main process exited, code=exited, status=1/FAILURE")
        return self._row(at + 0.2, "systemd[1]", "k3s.service: Failed with result 'exit-code'.")

    # --- servers

    def api(self, at: float, issuer: str = "k3s-server-ca@1772344800") -> Host:
        """The API server is launched; a second later it is ready."""
        self.say(at, f"certificate CN=kube-apiserver signed by CN={issuer}: notBefore=x notAfter=y")
        self.say(at, f"Running kube-apiserver --advertise-address={self.address} --advertise-port=6443")
        self.say(at + 1, "Kube API server is now running")
        return self.say(at + 1, "k3s is up and running")

    def etcd_begins(self, at: float, *voters: str) -> Host:
        """etcd's member comes back, one of these that vote."""
        self.etcd(at, "restarting local member", local_member_id=self.member)
        numbers = " ".join(str(int(voter, 16)) for voter in voters)
        return self.raft(at + 0.1, f"{self.member} switched to configuration voters=({numbers})")

    def sees(self, at: float, peer: str) -> Host:
        """Another member is there."""
        return self.etcd(at, "peer became active", "rafthttp/peer_status.go:53", peer_id=peer)

    # --- agents

    def asks(self, at: float, server: str) -> Host:
        """The server that an agent was given."""
        return self.say(at, f"Updated load balancer k3s-agent-load-balancer default server: {server}:6443")

    def refused(self, first: float, last: float, server: str, every: float = 2.0) -> Host:
        """The server does not answer from the one moment to the other."""
        at = first
        while at <= last:
            self.say(
                at,
                f"Failed to validate connection to cluster at https://{server}:6443: failed to get CA certs: "
                'Get "https://127.0.0.1:6444/cacerts": EOF',
                "error",
            )
            at += every
        return self

    def agent_up(self, at: float) -> Host:
        """The server answered, the agent goes on."""
        self.say(at, "Running containerd -c /var/lib/rancher/k3s/agent/etc/containerd/config.toml")
        self.say(at + 1, f"Running kubelet --hostname-override={self.name} --node-ip={self.address}")
        return self.say(at + 2, "k3s agent is up and running")

    def tunnel(self, at: float, server: Host, took: float = 0.2) -> Host:
        """Its tunnel to a server, which both log."""
        url = f"wss://{server.address}:6443/v1-k3s/connect"
        self.say(at, "Connecting to proxy", url=url)
        server.say(at + took / 2, f"Handling backend connection request [{self.name}]")
        return self.say(at + took, "Remotedialer connected to proxy", url=url)

    def text(self, named: bool = True) -> bytes:
        """The log as ``journalctl -o short-iso-precise`` prints it; not ``named``: as the process writes it itself."""
        out = []
        for at, ident, text in sorted(self.rows, key=lambda row: row[0]):
            stamp = self._stamp(at).isoformat(timespec="microseconds")
            if named or ident.startswith("systemd"):
                out.append(f"{stamp} {self.name} {ident}: {text}\n" if named else "")
            else:
                out.append(f"{text}\n")
        return "".join(out).encode()


def report_of(folder: Path, hosts: Sequence[Host], named: bool = True) -> Report:
    """The report on the logs of several hosts, one file each."""
    paths = []
    for number, host in enumerate(hosts):
        path = folder / f"{number}.log"
        path.write_bytes(host.text(named))
        paths.append(str(path))
    log_records, waits, errors = read(paths, stdin=io.BufferedReader(io.BytesIO()))
    assert not errors
    return report_on(log_records, waits)
