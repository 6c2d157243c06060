"""Writes support bundles like those of Rancher's log collector, with the texts of a journal of known truth."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping

WHEN = "2025-03-01_06_10_00"
DATE = "Sat Mar  1 06:10:00 UTC 2025\n"
_YAML = """apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    creationTimestamp: "2025-03-01T06:03:48Z"
    name: node-1
  status:
    conditions:
    - lastHeartbeatTime: "2025-03-01T06:09:33Z"
      lastTransitionTime: "2025-03-01T06:03:48Z"
      reason: KubeletReady
"""
_POD = "[INFO] plugin/reload: Running configuration SHA512 = 591cf328\nCoreDNS-1.12.1\nlinux/amd64, go1.24.1, 707c7c1\n"
_CONTAINERD = (
    'time="2025-03-01T06:03:30.123456789Z" level=info msg="starting containerd" revision=05044ec version=v2.0.5\n'
)


def files(
    journal: bytes, *, unit: str = "k3s", host: str = "node-1", date: str | None = DATE, when: str = WHEN,
    syslog: bytes = b"", rotated: bytes = b"",
) -> dict[str, bytes]:  # fmt: skip
    """Members by name, in the order in which the collector's tar has them (``systeminfo`` comes after ``journald``)."""
    root = f"./{host}-{when}/"
    made = {
        "collector-output.log": b"2025-03-01 06:10:01: Collecting system info\n" * 20,
        "etcd/memberlist": b"8e9e05c52164694d, started, node-1, https://10.0.0.5:2380, false\n",
        f"journald/{unit}": journal,
        "k3s/containerd.log": _CONTAINERD.encode() * 50,
        "k3s/crictl/ps": b"CONTAINER  IMAGE  CREATED  STATE\n",
        "k3s/kubectl/nodesyaml": _YAML.encode() * 10,
        "k3s/kubectl/events": b"NAMESPACE LAST SEEN TYPE REASON OBJECT MESSAGE\nkube-system 5m Normal Pulled pod/x y\n",
        "k3s/podlogs/kube-system-coredns-5688667fd4-abcde": _POD.encode(),
        "networking/ss": b"Netid State Recv-Q Send-Q\n" * 30,
        "networking/picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
        "systeminfo/dmesg": b"[Sat Mar  1 06:01:22 2025] Linux version 6.1.0 (gcc 12)\n" * 3,
        "systeminfo/hostname": f"{host}\n".encode(),
    }
    if date is not None:
        made["systeminfo/date"] = date.encode()
    if syslog:
        made["systemlogs/syslog"] = syslog
    if rotated:
        made["systemlogs/syslog.1.gz"] = gzip.compress(rotated)
    return {root + name: data for name, data in made.items()}


def obfuscated(data: bytes) -> bytes:
    """As the collector's option does it: addresses and everything that looks like a domain name become words."""
    data = re.sub(rb"\b\d{1,3}(?:\.\d{1,3}){3}\b", b"10.lamb.fig.owl", data)
    return re.sub(rb"\b(?:[\w-]+\.)+[A-Za-z]{2,}\b", b"sadly.badger", data)


def tar(members: Mapping[str, bytes], mode: str = "gz") -> bytes:
    """A tar archive; ``mode`` is ``""``, ``"gz"``, ``"bz2"`` or ``"xz"``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.removeprefix("./"), data)
    return out.getvalue()
