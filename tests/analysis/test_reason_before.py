"""A line before an end is its reason where both speak of one thing, and of nothing else that went wrong then."""

from __future__ import annotations

import pytest

from analyzer.analysis import analyze_records
from analyzer.analysis.same_thing import things
from analyzer.results import Finding
from tests.kit.handmade import Journal

Line = tuple[str, str]  # level, message

REASONS = {
    "a-value-that-is-missing": (
        "interface is not there",
        [
            ("warning", "unable to get global unicast ip from interface name: route ip+net: no such network interface"),
            ("fatal", "invalid node-ip "),
        ],
    ),
    "img-dns": (
        "cannot be resolved",
        [
            (
                "warning",
                (
                    'Failed to get image from endpoint: Get "https://reg.example/v2/": dial tcp: '
                    "lookup reg.example on 10.0.0.2:53: no such host"
                ),
            ),
            (
                "fatal",
                "failed to get runtime image reg.example/rancher/rke2-runtime:v1.34.2-rke2r1: all endpoints failed",
            ),
        ],
    ),
    "join-x509": (
        "another CA",
        [
            (
                "error",
                (
                    'failed to get CA certs: Get "https://192.0.2.9:6443/cacerts": x509: '
                    "certificate signed by unknown authority"
                ),
            ),
            ("fatal", "failed to validate connection to cluster at https://192.0.2.9:6443: context deadline exceeded"),
        ],
    ),
    "path": (
        "permission denied",
        [
            ("error", "open /srv/k3s/server/db/state.db: permission denied"),
            ("fatal", "failed to open /srv/k3s/server/db/state.db: timed out waiting for the condition"),
        ],
    ),
    "iface": (
        "interface is not there",
        [
            ("warning", "unable to get global unicast ip from interface name: route ip+net: no such network interface"),
            ("fatal", "invalid ip format ''"),
        ],
    ),
    "same-registry-x509": (
        "another CA",
        [
            ("error", 'Get "https://reg.example/v2/": x509: certificate signed by unknown authority'),
            (
                "fatal",
                "failed to get runtime image reg.example/rancher/rke2-runtime:v1.34.2-rke2r1: all endpoints failed",
            ),
        ],
    ),
    "refused-behind": (
        "refused",
        [
            ("error", 'Get "https://reg.example:5000/v2/": dial tcp 10.1.1.1:5000: connect: connection refused'),
            (
                "fatal",
                (
                    "failed to get runtime image "
                    "reg.example:5000/rancher/rke2-runtime:v1.34.2-rke2r1: all endpoints failed"
                ),
            ),
        ],
    ),
    "bare-runtime": (
        "does not have this image",
        [
            ("info", "Pulling runtime image reg.example/rancher/rke2-runtime:v1.34.2-rke2r1"),
            (
                "warning",
                (
                    "Failed to get image from endpoint: GET "
                    "https://reg.example/v2/rancher/rke2-runtime/manifests/v1.34.2-rke2r1: "
                    "MANIFEST_UNKNOWN: manifest unknown"
                ),
            ),
            ("fatal", "all endpoints failed"),
        ],
    ),
    "dual-v6": (
        "another CA",
        [
            ("error", 'Get "https://[fd00::9]:6443/cacerts": x509: certificate signed by unknown authority'),
            ("fatal", "failed to validate connection to cluster at https://[fd00::9]:6443: context deadline exceeded"),
        ],
    ),
}

TRIED = ("error", "Waiting to retrieve agent configuration; server is not ready: https://192.0.2.9/x: 401 Unauthorized")
REASONS["loop"] = ("the credentials were rejected", [TRIED, TRIED, TRIED, ("fatal", "context deadline exceeded")])
UNRELATED = {
    "bare-noise": [
        ("info", "Pulling runtime image reg.example/rancher/rke2-runtime:v1.34.2-rke2r1"),
        ("warning", "Failed to read /etc/ssl/foo.pem: permission denied"),
        ("fatal", "all endpoints failed"),
    ],
    "disk-mount": [
        ("error", "stat /var/lib/kubelet/pods/1/volumes/x: permission denied"),
        ("fatal", "failed to start kubelet: exit status 1"),
    ],
    "iface-mid": [
        ("warning", "route ip+net: no such network interface"),
        ("info", "Using eth1"),
        ("error", "open /x/y/z: permission denied"),
        ("fatal", "invalid ip format ''"),
    ],
    "hostname-src": [("warning", "failed to look up metadata: connection refused"), ("fatal", "invalid ip format ''")],
    "kubelet-lease": [
        ("error", "Failed to update lease for https://192.0.2.9:6443/apis: 401 Unauthorized"),
        ("fatal", "failed to get node: timed out waiting for the condition"),
    ],
    "unrelated-ntp": [
        ("warning", "dial udp: lookup pool.ntp.example.org: no such host"),
        ("fatal", "failed to validate connection to cluster at https://192.0.2.9:6443: context deadline exceeded"),
    ],
    "other-image": [
        ("error", "failed to pull image docker.io/acme/web:1.2.3: x509: certificate signed by unknown authority"),
        (
            "fatal",
            "failed to get runtime image reg.example/rancher/rke2-runtime:v1.34.2-rke2r1: all endpoints failed",
        ),
    ],
    "other-tag": [
        (
            "error",
            (
                "failed to pull image reg.example/rancher/rke2-runtime:v1.33.0-rke2r1: x509: "
                "certificate signed by unknown authority"
            ),
        ),
        (
            "fatal",
            "failed to get runtime image reg.example/rancher/rke2-runtime:v1.34.2-rke2r1: all endpoints failed",
        ),
    ],
    "other-port": [
        ("error", "dial tcp 192.0.2.9:9100: x509: certificate signed by unknown authority"),
        ("fatal", "failed to validate connection to cluster at https://192.0.2.9:6443: context deadline exceeded"),
    ],
    "went-on": [
        ("warning", "failed to get reg.example/rancher/rke2-runtime:v1.34.2-rke2r1: no such host"),
        ("info", "Pulled reg.example/rancher/rke2-runtime:v1.34.2-rke2r1 in 3s"),
        ("fatal", "failed to extract runtime image reg.example/rancher/rke2-runtime:v1.34.2-rke2r1: exit status 1"),
    ],
    "two-loops": [
        ("error", "Failed to contact etcd member https://10.0.0.5:2379: x509: certificate signed by unknown authority"),
        (
            "error",
            "Waiting to retrieve agent configuration; server is not ready: https://192.0.2.9:6443/x: 401 Unauthorized",
        ),
        ("error", "Failed to contact etcd member https://10.0.0.5:2379: x509: certificate signed by unknown authority"),
        (
            "error",
            "Waiting to retrieve agent configuration; server is not ready: https://192.0.2.9:6443/x: 401 Unauthorized",
        ),
        ("error", "Failed to contact etcd member https://10.0.0.5:2379: x509: certificate signed by unknown authority"),
        (
            "error",
            "Waiting to retrieve agent configuration; server is not ready: https://192.0.2.9:6443/x: 401 Unauthorized",
        ),
        ("fatal", "context deadline exceeded"),
    ],
    "empty-unrelated": [
        ("warning", "Unable to read /etc/app.conf: permission denied"),
        ("fatal", "invalid ip format ''"),
    ],
    "empty-body": [
        ("warning", "interface cni0: no such network interface"),
        ("fatal", 'failed to list nodes: an error on the server ("") has prevented the request from succeeding'),
    ],
    "concrete-end": [
        ("error", "open /srv/k3s/server/db/state.db: permission denied"),
        ("fatal", "failed to open /srv/k3s/server/db/state.db: no space left on device"),
    ],
    "datadir-only": [
        ("error", "open /var/lib/rancher/k3s/agent/x.kubeconfig: permission denied"),
        ("fatal", "failed to start with data in /var/lib/rancher/k3s: timed out waiting for the condition"),
    ],
    "kubelet-noise": [
        ("error", "kubelet: failed to collect metrics: permission denied"),
        ("fatal", "flannel exited: timed out waiting for the condition"),
    ],
    "old": [
        (
            "error",
            (
                'failed to get CA certs: Get "https://192.0.2.9:6443/cacerts": x509: '
                "certificate signed by unknown authority"
            ),
        ),
        ("WAIT", ""),
        ("fatal", "failed to validate connection to cluster at https://192.0.2.9:6443: context deadline exceeded"),
    ],
    "shared-dns-server": [
        ("error", "dial tcp: lookup charts.example.org on 10.0.0.2:53: no such host"),
        ("fatal", "failed to reach 10.0.0.2:53: context deadline exceeded"),
    ],
    "own-socket": [
        ("error", 'Get "https://127.0.0.1:6443/api": x509: certificate signed by unknown authority'),
        ("fatal", 'Get "https://127.0.0.1:6443/readyz": context deadline exceeded'),
    ],
    "empty-node": [
        ("warning", "failed to remove pods of node a: no such file or directory"),
        ("fatal", "node name ''"),
    ],
    "flag-deprec": [
        ("warning", "Flag --node-ip has been deprecated: no such device"),
        ("fatal", "failed to start with --cluster-cidr: exit status 1"),
    ],
    "neg-fs": [
        ("warning", "failed to read /sys/fs/cgroup/memory/memory.limit_in_bytes: no such file or directory"),
        ("fatal", "containerd: exit status 1"),
    ],
    "ctr-x": [
        ("warning", "containerd: could not load plugin zfs: no such device"),
        ("fatal", "containerd: exit status 1"),
    ],
    "same-name-other-port-tls": [
        ("error", 'Get "https://api.example.org:8443/hook": x509: certificate signed by unknown authority'),
        (
            "fatal",
            "failed to validate connection to cluster at https://api.example.org:6443: context deadline exceeded",
        ),
    ],
}


def first(lines: list[Line]) -> Finding:
    rke2 = any("rke2" in message for _, message in lines)
    journal = Journal("v1.34.2+rke2r1" if rke2 else "v1.32.4+k3s1")
    journal.say(0.0, f"Starting {'rke2' if rke2 else 'k3s'} {journal.version} (c1d2e3f4)")
    at = 0.0
    for level, message in lines:
        at += 60.0 if level == "WAIT" else 2.0
        if level != "WAIT":
            journal.say(at, message, level)
    [start] = analyze_records(journal.log_records(), tool_version="0").starts
    return start.findings[0]


@pytest.mark.parametrize("name", REASONS)
def test_the_line_before_is_the_reason_of_an_end_that_tells_none(name: str) -> None:
    words, lines = REASONS[name]
    finding = first(lines)
    assert words in finding.title
    assert "Just before: " in finding.detail


@pytest.mark.parametrize("name", UNRELATED)
def test_an_unrelated_line_before_an_end_is_not_its_reason(name: str) -> None:
    assert "Just before: " not in first(UNRELATED[name]).detail


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Get https://reg.example/v2/", "pull reg.example/a/b:1.0 failed", True),
        ("Get https://reg.example/v2/a/c/manifests/1.0: x", "pull reg.example/a/b:1.0 failed", False),
        ("lookup db.example.org on 192.0.2.1:53: no such host", "dial db.example.org:5432", True),
        ("lookup a.example.org on 192.0.2.1:53: no such host", "dial 192.0.2.1:53", False),
        ("read tcp 192.0.2.5:40000->192.0.2.7:6443: reset", "https://192.0.2.7:6443/x", True),
        ("read tcp 192.0.2.5:40000->192.0.2.7:6443: reset", "https://192.0.2.5:40000/x", False),
        ("https://127.0.0.1:6443/x", "https://127.0.0.1:6443/y", False),
        ("https://[2001:db8::7]:6443/x", "dial tcp [2001:db8::7]:6443: refused", True),
        ("open /srv/k3s/server/db/etcd/x", "in /srv/k3s/server/db/etcd", True),
        ("open /var/lib/rancher/k3s/agent/x", "in /var/lib/rancher/k3s", False),
        ("--node-ip is wrong", "see --node-ip", True),
        ("", "", False),
    ],
)
def test_what_two_messages_share(one: str, other: str, same: bool) -> None:
    assert things(one).share(things(other)) is same
    assert things(other).share(things(one)) is same
