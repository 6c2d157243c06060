"""Fifteen kinds of logs that people bring, each with what the first eight lines of the report must say.

``python -m tests.kit.fifteen`` prints those lines of each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import analyzer
from analyzer.analysis.episodes import episodes
from analyzer.testing import generate
from analyzer.testing.scenarios import NAMED, RBAC, k3s
from analyzer.testing.truth import Scenario, StartPlan

NEW = "v1.33.4+k3s1"
_RESET = (
    'time="2026-03-01T06:03:22Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"\n'
    'time="2026-03-01T06:03:29Z" level=info msg="Managed etcd cluster membership has been reset, restart without'
    ' --cluster-reset flag now. Backup and delete ${datadir}/server/db on each peer etcd server and rejoin the nodes"\n'
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A log, and regular expressions for its cause and for what to do."""

    make: Callable[[], bytes]
    cause: str
    action: str
    suffix: str = ".txt"


def _plans(*plans: StartPlan, form: str = "short") -> Callable[[], bytes]:
    return lambda: generate(Scenario(name="kind", starts=plans), 3).render(form)  # type: ignore[arg-type]


def _named(name: str, form: str = "short", seed: int = 1) -> Callable[[], bytes]:
    return lambda: generate(NAMED[name], seed).render(form)  # type: ignore[arg-type]


def _plan(**more: object) -> StartPlan:
    return k3s(NEW, **{"run_s": 30.0, **more})


def _hosts() -> bytes:
    """Three servers and five agents, of which the servers come late."""
    servers = [_plan(store="etcd", host=f"cp-{n}", join=n > 1, fresh=n == 1, run_s=200.0) for n in (1, 2, 3)]
    agents = [_plan(role="agent", host=f"w-{n}", server_late_s=90.0, run_s=200.0) for n in range(1, 6)]
    return generate(Scenario(name="kind", starts=(*servers, *agents)), 3).render("export")


def _hundred() -> bytes:
    stopped = {"fate": "stop", "fate_at_s": 90.0}
    starts = [_plan(host=f"n-{n % 10}", node=False, run_s=90.0, **stopped) for n in range(100)]
    starts[41] = replace(starts[41], extra={RBAC: 60.0})  # ready before it is stopped
    return generate(Scenario(name="kind", starts=tuple(starts)), 3).render("export")


KINDS: dict[str, Kind] = {
    "crash loop": Kind(_named("crash-loop-until-roles"), "datastore answers slowly", "SSD"),
    "stuck 15 min": Kind(_named("stuck-15-minutes"), "no quorum", "Start the missing servers"),
    "slow rbac": Kind(_named("slow-rbac-one-core"), "roles took long", "Make the datastore faster"),
    "slow import before the API server": Kind(_plans(_plan(images_s=197.0, run_s=260.0)), "import", "archives"),
    "slow import, old release": Kind(
        _plans(replace(_plan(images_s=197.0, run_s=260.0), version="v1.28.4+k3s1")), "import", "archives"
    ),
    "up minutes after ready": Kind(_plans(_plan(hooks_s=240.0, run_s=300.0)), r"only after 24\d|4 min", "k3s"),
    "agent waiting": Kind(_named("agent-waits"), "could not be reached at first", "curl -vk"),
    "killed twice, then ready": Kind(_named("killed-twice"), "killed", "out of memory"),
    "quorum lost": Kind(
        _plans(_plan(store="etcd", fresh=False, unreachable=True, fate="stop", fate_at_s=200.0)),
        "etcd",
        "members|servers",
    ),
    "cluster reset": Kind(lambda: _RESET.encode(), "reset is done", "--cluster-reset"),
    "three servers and five agents": Kind(_hosts, "waited for|held", "look at when its machine", ".export"),
    "100 starts": Kind(_hundred, "roles took long", "SSD|disk", ".export"),
    "fragment": Kind(_named("copied-too-early"), "Not known", "rest of the log.*CPU limit"),
    "healthy": Kind(_named("healthy-sqlite"), "was ready after", "Nothing"),
    "legacy": Kind(_named("legacy-1.28"), "was ready after", "Nothing"),
    "RKE2": Kind(_named("rke2-server"), "was ready", "Nothing"),
}


def report(name: str) -> tuple[str, bool]:
    """The report on one kind, and whether it is of several starts."""
    kind = KINDS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"journal{kind.suffix}"
        path.write_bytes(kind.make())
        found = analyzer.analyze(str(path))
    several = len(found.report.starts) > 1 or len(episodes(found.report.starts)) > 1
    return found.to_text(), several


def main() -> None:
    """Prints the first eight lines of each."""
    for name in KINDS:
        text, _ = report(name)
        lines = text.splitlines()
        print(f"=== {name} ({len(lines)} lines)", *lines[:8], sep="\n")


if __name__ == "__main__":
    main()
