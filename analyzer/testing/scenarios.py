"""Scenarios by name, and scenarios drawn at random over all releases, machines and ends."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from analyzer.errors import UsageError
from analyzer.testing.release import release
from analyzer.testing.true_moments import (
    APIEXT,
    BOOTSTRAP,
    CIDR,
    CRD,
    DISCOVERY,
    FLOW,
    IP_REPAIR,
    LEASE,
    PRIORITY,
    RBAC,
    REGISTRATION,
    STORAGE,
)
from analyzer.testing.truth import Fate, Scenario, StartPlan, Store

COMMITS = MappingProxyType(
    {
        "v1.21.14+k3s1": "9a4f0a5e",
        "v1.24.17+k3s1": "026bb0ec",
        "v1.26.15+k3s1": "132f1b5f",
        "v1.28.4+k3s1": "3f237230",
        "v1.29.15+k3s1": "9ef1c1d5",
        "v1.30.3+k3s1": "f6466040",
        "v1.31.4+k3s1": "a562d090",
        "v1.32.2+k3s1": "badc2920",
        "v1.32.4+k3s1": "6b330558",
        "v1.32.10+k3s1": "7c1a9f0b",
        "v1.33.4+k3s1": "148243c4",
        "v1.33.6+k3s1": "b5847677",
        "v1.34.1+k3s1": "67c23a20",
        "v1.34.2+k3s1": "e2f0a77d",
        "v1.35.0+k3s1": "f061615c",
        "v1.36.2+k3s1": "25e8ee77",
    }
)
ZONES = (("UTC", 0), ("UTC", 0), ("IST", 330), ("CET", 60), ("-03", -180), ("+0545", 345), ("PST", -480))


def k3s(version: str, **more: object) -> StartPlan:
    """A plan of a k3s release with its commit."""
    return replace(StartPlan(version=version, commit=COMMITS.get(version, "0badc0de")), **more)  # type: ignore[arg-type]


def _crash_loop() -> tuple[StartPlan, ...]:
    # Each run leaves some more of the roles in the datastore, so that the fourth gets through.
    slow = k3s("v1.31.4+k3s1", pace=5.0, request_ms=60.0, node=False, rbac_try_s=34.0, fate="hook-limit")
    crashed = [replace(slow, restarted=number) for number in range(3)]
    last = replace(slow, fate="run", restarted=3, rbac_try_s=4.0, request_ms=25.0)
    return (*crashed, last)


def _three_servers() -> tuple[StartPlan, ...]:
    first = k3s("v1.34.1+k3s1", store="etcd", host="cp-1", request_ms=4.0, pace=1.4, run_s=20.0)
    return (first, *(replace(first, host=host, join=True, fresh=False) for host in ("cp-2", "cp-3")))


_MANY = (
    CRD,
    APIEXT,
    REGISTRATION,
    BOOTSTRAP,
    FLOW,
    IP_REPAIR,
    CIDR,
    STORAGE,
    LEASE,
    "informer-sync",
    "autoregister-completion",
)


def _build() -> dict[str, Scenario]:
    plan = k3s
    made = [
        Scenario(
            name="healthy-sqlite",
            starts=(plan("v1.33.4+k3s1"),),
            story="A new server on a free machine with sqlite: ready in a few seconds.",
        ),
        Scenario(
            name="slow-rbac-one-core",
            starts=(plan("v1.33.6+k3s1", pace=3.5, request_ms=30.0, node=False),),
            story="One busy core and a slow card: the bootstrap roles are written one by one for many seconds.",
        ),
        Scenario(
            name="crash-loop-until-roles",
            starts=_crash_loop(),
            old_systemd=True,
            story="The roles are not written within the hook's 30 s; three crashes later all of them exist.",
        ),
        Scenario(
            name="etcd-three-servers",
            starts=_three_servers(),
            host_offset_s=18.0,
            story="Embedded etcd: the first server makes the cluster, two others join it.",
        ),
        Scenario(
            name="agent-waits",
            starts=(plan("v1.32.4+k3s1", role="agent", host="worker-1", server_late_s=21.0, pace=2.0),),
            story="An agent that comes up before its server: it waits for the server, then for its API.",
        ),
        Scenario(
            name="legacy-1.28",
            starts=(
                plan("v1.28.4+k3s1", pace=2.0, fate="stop", run_s=8.0),
                plan("v1.28.4+k3s1", pace=2.0, fresh=False),
            ),
            story="A release that prints no polls, first start and restart: only witness lines tell.",
        ),
        Scenario(
            name="stuck-15-minutes",
            starts=(plan("v1.33.4+k3s1", store="etcd", fresh=False, node=False, unreachable=True, fate="limit"),),
            story="etcd without quorum: the API server never starts, k3s gives up after 15 minutes.",
        ),
        Scenario(
            name="rke2-server",
            starts=(
                StartPlan(
                    version="v1.32.4+rke2r1",
                    commit="5ba5c1ab9ce5bbd4b02a17d4a1d0c2c5ae4a6b2e",
                    product="rke2",
                    host="rke-1",
                    store="etcd",
                    pace=1.5,
                    request_ms=3.0,
                ),
            ),
            story="RKE2: the API server is a static pod, its own lines are elsewhere.",
        ),
        Scenario(
            name="rke2-agent",
            starts=(
                StartPlan(
                    version="v1.33.4+rke2r1",
                    commit="0f5a1d2b9ce5bbd4b02a17d4a1d0c2c5ae4a6b2e",
                    product="rke2",
                    role="agent",
                    host="rke-w1",
                    server_late_s=9.0,
                ),
            ),
            story="An RKE2 agent that waits for its server.",
        ),
        Scenario(
            name="verbose-health",
            starts=(plan("v1.30.3+k3s1", verbose=True, pace=2.0, request_ms=8.0),),
            story="-v 2 on a release without polls: the API server logs its own failing health answers.",
        ),
        Scenario(
            name="debug",
            starts=(plan("v1.32.4+k3s1", debug=True, pace=3.0, request_ms=25.0),),
            story="--debug: every unchanged poll has its line.",
        ),
        Scenario(
            name="stop-before-ready",
            starts=(
                plan("v1.32.4+k3s1", pace=3.0, request_ms=40.0, fate="stop", fate_at_s=12.0, cancel_prints_ready=True),
            ),
            story="Stopped before it was ready; this release then says that the API server is running. It is not.",
        ),
        Scenario(
            name="copied-too-early",
            starts=(plan("v1.33.4+k3s1", pace=3.0, request_ms=25.0),),
            cut_after_s=14.0,
            story="The journal was copied while the server was still starting.",
        ),
        Scenario(
            name="beginning-lost",
            starts=(plan("v1.33.4+k3s1", pace=2.5, request_ms=20.0),),
            cut_before_s=8.0,
            story="A fragment: the file begins in the middle of the start.",
        ),
        Scenario(
            name="binding-removed",
            starts=(plan("v1.35.0+k3s1", fresh=False, node=False, binding_removed=True, fate="limit"),),
            story="An administrator removed the default binding: the API is ready, k3s is refused for 15 minutes.",
        ),
        Scenario(
            name="datastore-stall",
            starts=(
                plan(
                    "v1.32.4+k3s1",
                    store="external",
                    fresh=False,
                    pace=1.5,
                    request_ms=12.0,
                    stall_at_s=1.2,
                    stall_s=12.0,
                ),
            ),
            story="The database stops answering for a while after the API server began to serve: etcd turns bad again.",
        ),
        Scenario(
            name="database-late",
            starts=(plan("v1.34.1+k3s1", store="external", fresh=False, request_ms=5.0, datastore_late_s=20.0),),
            story="The database comes up 20 s after k3s.",
        ),
        Scenario(
            name="dead-aggregated-api",
            starts=(plan("v1.33.4+k3s1", fresh=False, aggregated_api_s=5.0),),
            story="An aggregated API does not answer: its discovery holds readiness back for five seconds.",
        ),
        Scenario(
            name="starved",
            starts=(plan("v1.32.4+k3s1", pace=5.0, starved=True, request_ms=4.0),),
            story="An eighth of a core: answers take seconds, and the journal's timestamps are late.",
        ),
        Scenario(
            name="cut-body",
            starts=(
                plan(
                    "v1.36.2+k3s1",
                    fresh=False,
                    pace=6.0,
                    request_ms=60.0,
                    extra=MappingProxyType(dict.fromkeys(_MANY, 4.0)),
                ),
            ),
            story="So many checks fail that the client cuts the answer at 2048 bytes.",
        ),
        Scenario(
            name="legacy-1.21",
            starts=(plan("v1.21.14+k3s1", pace=1.5),),
            old_systemd=True,
            story="A very old release: /healthz once a second in rounds of 30 s, nothing printed.",
        ),
        Scenario(
            name="kolkata",
            starts=(plan("v1.32.4+k3s1", pace=2.5, fate="stop"), plan("v1.32.4+k3s1", pace=2.5, fresh=False)),
            utc_offset_min=330,
            zone="IST",
            begin=datetime(2026, 2, 28, 18, 29, 51, tzinfo=UTC),
            story="A machine in Kolkata whose start crosses local midnight at the end of February.",
        ),
        Scenario(
            name="killed-twice",
            starts=(
                plan("v1.33.4+k3s1", pace=2.5, fate="kill", fate_at_s=6.0),
                plan("v1.33.4+k3s1", pace=2.5, fate="kill", fate_at_s=9.0, restarted=1),
                plan("v1.33.4+k3s1", pace=1.0, restarted=2),
            ),
            story="Killed twice for want of memory, the third start comes up.",
        ),
        Scenario(
            name="unknown-flag",
            starts=tuple(plan("v1.32.4+k3s1", fresh=False, fate="bad-flag", restarted=n) for n in range(4)),
            story="An unknown flag for the API server: each start ends at once.",
        ),
        Scenario(
            name="wrong-token",
            starts=(plan("v1.35.0+k3s1", fresh=False, fate="bad-token"),),
            story="Started with another token than the datastore was encrypted with.",
        ),
        Scenario(
            name="port-taken",
            starts=(plan("v1.35.0+k3s1", fresh=False, fate="port-taken"),),
            story="Another process holds the API server's port; this release then ends with status 0.",
        ),
        Scenario(
            name="reboot",
            starts=(plan("v1.34.2+k3s1", fate="stop", run_s=10.0), plan("v1.34.2+k3s1", fresh=False, reboot=True)),
            story="Stopped, the machine rebooted, started again.",
        ),
    ]
    return {scenario.name: scenario for scenario in made}


NAMED: dict[str, Scenario] = _build()


def named(name: str) -> Scenario:
    """The scenario of that name.

    :raises UsageError: there is none.
    """
    if name not in NAMED:
        raise UsageError(f"no scenario {name!r}", hint="k3slog generate --list shows them")
    return NAMED[name]


_RANDOM_EXTRA = (CRD, APIEXT, REGISTRATION, DISCOVERY, BOOTSTRAP, FLOW, PRIORITY, RBAC, "autoregister-completion")


def random_scenario(seed: int) -> Scenario:
    """A scenario drawn from everything the generator can produce; the same seed, the same scenario."""
    rng = random.Random(f"k3slog/random/{seed}")
    version = rng.choice(sorted(COMMITS))
    rel = release(version)
    kind = rng.choices(("server", "agent", "rke2", "rke2-agent"), (78, 8, 10, 4))[0]
    if rel.minor < 24 and kind != "server":
        kind = "server"
    base = k3s(version, pace=rng.choice((1.0, 1.0, 1.5, 2.5, 4.0, 6.0)))
    base = replace(
        base, request_ms=rng.choice((0.2, 0.5, 3.0, 8.0, 25.0)), starved=base.pace > 2 and rng.random() < 0.4
    )
    base = replace(base, node=rng.random() < 0.6, debug=rng.random() < 0.15, verbose=rng.random() < 0.15)
    store: Store = rng.choices(("sqlite", "etcd", "external"), (60, 25, 15))[0]
    base = replace(base, store=store, fresh=rng.random() < 0.5, run_s=rng.uniform(3.0, 15.0))
    if kind.startswith("rke2"):
        commit = "5ba5c1ab9ce5bbd4b02a17d4a1d0c2c5ae4a6b2e"
        base = replace(base, product="rke2", version=version.replace("+k3s1", "+rke2r1"), commit=commit, store="etcd")
    if kind.endswith("agent"):
        base = replace(base, role="agent", host="worker-1", server_late_s=rng.choice((0.0, 5.0, 20.0)))
    for name in rng.sample(_RANDOM_EXTRA, rng.choice((0, 0, 1, 2))):
        base = replace(base, extra=MappingProxyType({**base.extra, name: rng.uniform(0.5, 9.0)}))
    if base.role == "server" and rng.random() < 0.12:
        base = replace(base, stall_at_s=rng.uniform(0.3, 2.0), stall_s=rng.uniform(3.5, 15.0))
    if base.role == "server" and rng.random() < 0.1:
        base = replace(base, rbac_failures=rng.randint(1, 3), rbac_try_s=rng.uniform(0.5, 6.0))
    starts = _random_starts(rng, base)
    zone, offset = rng.choice(ZONES)
    begin = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randint(0, 600 * 86400))
    scenario = Scenario(
        name=f"random-{seed}",
        story=f"drawn at random: {kind}, {version}, {base.store}",
        starts=starts,
        begin=begin,
        utc_offset_min=offset,
        zone=zone,
        old_systemd=rng.random() < 0.3,
    )
    turn = rng.random()
    if len(starts) == 1 and starts[0].fate == "run" and turn < 0.12:
        scenario = replace(scenario, cut_after_s=rng.uniform(4.0, 25.0))
    elif len(starts) == 1 and starts[0].fate == "run" and turn < 0.2 and base.role == "server":
        scenario = replace(scenario, cut_before_s=rng.uniform(1.0, 6.0))
    return scenario


def _random_starts(rng: random.Random, base: StartPlan) -> tuple[StartPlan, ...]:
    """How often, and how each ends."""
    if base.role == "agent" or base.product == "rke2":
        return (replace(base, fate=rng.choices(("run", "stop"), (4, 1))[0], fate_at_s=0.0),)
    turn = rng.random()
    late: Fate = rng.choice(("stop", "kill"))
    if turn < 0.45:
        return (base,)
    if turn < 0.6:
        second = replace(base, reboot=rng.random() < 0.3)
        return (replace(base, fate="stop"), second)
    if turn < 0.75:
        cut = replace(base, fate=late, fate_at_s=rng.uniform(1.5, 14.0) * base.pace**0.5)
        cut = replace(cut, cancel_prints_ready=rng.random() < 0.5)
        return (cut, replace(base, restarted=0 if late == "stop" else 1))
    if turn < 0.85:
        crash = replace(base, fate="hook-limit", rbac_try_s=rng.uniform(2.0, 20.0), stall_at_s=None)
        return (crash, replace(base, restarted=1))
    if turn < 0.93:
        fate: Fate = rng.choice(("bad-flag", "bad-token", "port-taken"))
        return tuple(replace(base, fresh=False, fate=fate, restarted=n) for n in range(rng.randint(1, 3)))
    if release(base.version).shared:
        stuck = replace(base, fresh=False, fate="limit", starved=False)
        how = rng.random()
        if how < 0.5:
            return (replace(stuck, binding_removed=True),)
        return (replace(stuck, store="etcd", unreachable=True),)
    return (replace(base, fate="stop"),)
