"""Where a start ran, as far as the text says: it decides how commands, files and ports are called in an advice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Datastore = Literal["sqlite", "etcd", "external", "unknown"]
Supervisor = Literal["systemd", "openrc", "container", "windows"]


@dataclass(frozen=True, slots=True)
class Site:
    """``unit`` is the service's name without suffix, ``data_dir`` the data directory that the log names.

    Both are empty where the usual ones hold. ``datastore`` is as in ``findings.toml``. ``balancer`` is where an agent's
    own load balancer listens, ``servers`` what is behind it, where the log names them.
    """

    product: str = "unknown"  # k3s | rke2 | unknown
    role: str = "unknown"  # server | agent | unknown
    supervisor: Supervisor = "systemd"
    unit: str = ""
    data_dir: str = ""
    datastore: Datastore = "unknown"
    balancer: str = ""
    servers: tuple[str, ...] = ()

    def behind(self, target: str) -> str:
        """What a target is in truth: behind the agent's own load balancer another machine answers."""
        return self.servers[0] if self.balancer and target == self.balancer else target


NOWHERE = Site()
