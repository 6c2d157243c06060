"""Where the time really went, in generated journals: no phase takes time that was spent on something else.

Each kind has one long wait whose interval is known. Whatever line is missing, a phase that certainly lies within that
interval names what was waited for among all that it may be.
"""

from __future__ import annotations

import io
from functools import cache
from itertools import pairwise

import pytest

import analyzer
from analyzer.results import Phase, StartReport
from analyzer.testing import Generated, generate
from analyzer.testing.truth import SECOND, Scenario, StartPlan

NEW, OLD, RKE2 = "v1.33.4+k3s1", "v1.31.4+k3s1", "v1.33.4+rke2r1"
# The plan, and what the long wait was for.
KINDS: dict[str, tuple[dict[str, object], str]] = {
    "import before the API server": ({"version": NEW, "images_s": 197.0}, "images"),
    "the same with etcd": ({"version": NEW, "store": "etcd", "images_s": 197.0}, "images"),
    "the same, joining": ({"version": NEW, "store": "etcd", "join": True, "images_s": 97.0}, "images"),
    "import of an agent": ({"version": NEW, "role": "agent", "server_late_s": 1.0, "images_s": 40.0}, "images"),
    "import of RKE2": ({"version": RKE2, "product": "rke2", "store": "etcd", "images_s": 60.0}, "images"),
    "quorum late": ({"version": NEW, "store": "etcd", "fresh": False, "datastore_late_s": 120.0}, "datastore"),
    "quorum late, old": ({"version": OLD, "store": "etcd", "fresh": False, "datastore_late_s": 120.0}, "datastore"),
    "database late": ({"version": NEW, "store": "external", "datastore_late_s": 60.0}, "datastore"),
    "no quorum, stopped": (
        {"version": NEW, "store": "etcd", "fresh": False, "unreachable": True, "fate": "stop", "fate_at_s": 200.0},
        "datastore",
    ),
    "agent waits": ({"version": NEW, "role": "agent", "server_late_s": 120.0}, "server"),
    "agent waits, old": ({"version": "v1.28.4+k3s1", "role": "agent", "server_late_s": 60.0}, "server"),
    "agent waits, RKE2": ({"version": RKE2, "product": "rke2", "role": "agent", "server_late_s": 60.0}, "server"),
    "agent gives up": (
        {"version": NEW, "role": "agent", "server_late_s": 900.0, "fate": "stop", "fate_at_s": 100.0}, "server",
    ),
    "hook hangs": ({"version": NEW, "hooks_s": 240.0}, "startup_hooks"),
    "hook hangs, old": ({"version": OLD, "hooks_s": 240.0}, "startup_hooks"),
    "hook hangs, RKE2": ({"version": RKE2, "product": "rke2", "store": "etcd", "hooks_s": 90.0}, "startup_hooks"),
    "unpacking": ({"version": NEW, "extract_s": 30.0}, "extract"),
    "slow roles": ({"version": NEW, "extra": {"poststarthook/rbac/bootstrap-roles": 40.0}}, "hooks"),
}  # fmt: skip
# Lines of which one may be missing.
MISSING = (
    "Starting k3s", "Running containerd", "containerd is now running", "Importing images", "Running kubelet",
    "Running kube-apiserver", "Kine available", "etcd is ready", "Serving securely", "k3s is up", "Starting Light",
)  # fmt: skip


@cache
def made(kind: str) -> Generated:
    plan, _ = KINDS[kind]
    run_s = 20.0 + float(plan.get("hooks_s", 0.0)) + float(plan.get("images_s", 0.0))  # type: ignore[arg-type]
    return generate(Scenario(name=kind, starts=(StartPlan(**{"run_s": run_s, **plan}),)), 3)  # type: ignore[arg-type]


def report_of(data: bytes) -> StartReport | None:
    starts = analyzer.analyze(analyzer.load(stdin=io.BytesIO(data))).report.starts
    return starts[0] if len(starts) == 1 else None


def interval(kind: str) -> tuple[float, float]:
    """The long wait, in seconds since the begin; a little less of it, for what comes before and after."""
    (plan, what), told = KINDS[kind], made(kind).truth.starts[0]

    def at(us: int | None) -> float:
        assert us is not None
        return (us - told.began_us) / SECOND

    end = told.end.at_us
    if what == "images":
        return at(told.goals["images"]) - float(plan["images_s"]) + 0.1, at(told.goals["images"]) - 0.1  # type: ignore[arg-type]
    if what == "startup_hooks":
        return at(told.detected_us) + 0.1, at(told.goals["started"]) - 0.1
    if what == "hooks":
        assert told.serving_us is not None
        return at(told.serving_us) + 0.1, at(told.ready_us) - 0.1
    if what == "extract":
        return 0.1, float(plan["extract_s"])  # type: ignore[arg-type]
    length = float(plan.get("datastore_late_s", plan.get("server_late_s", 150.0)))  # type: ignore[arg-type]
    if end is not None:
        return at(end) - 80.0, at(end) - 0.1
    if what == "server":
        return at(told.exec_us) + 0.2, at(told.exec_us) + length
    ready = at(told.serving_us) - 20.0 if told.serving_us is not None else at(told.ready_us) - 40.0
    return ready - length + 30.0, ready


def wrong(phases: tuple[Phase, ...], what: str, first: float, last: float, slack: float) -> list[Phase]:
    """The phases that certainly lie in the wait for something else, by more than ``slack``."""
    found = []
    for phase in phases:
        if phase.begin.upper is None or what in phase.may_be:
            continue
        end = phase.end.lower if phase.end.lower is not None else phase.begin.upper
        if min(end, last) - max(phase.begin.upper, first) > slack:
            found.append(phase)
    return found


@pytest.mark.parametrize("carrier", ["export", "short"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_long_wait_is_given_to_what_was_waited_for(kind: str, carrier: str) -> None:
    report = report_of(made(kind).render(carrier))
    assert report is not None
    what, (first, last) = KINDS[kind][1], interval(kind)
    assert last - first > 10.0
    assert wrong(report.phases, what, first, last, 1.5) == []
    named = [p for p in report.phases if what in p.may_be]
    assert sum(p.duration_s.min for p in named) > 0.8 * (last - first), [p.id for p in report.phases]
    longest = max(report.phases, key=lambda p: p.duration_s.min)
    assert longest.may_be == (what,), [p.id for p in report.phases]
    assert all(before.end == after.begin for before, after in pairwise(report.phases))


@pytest.mark.parametrize("kind", KINDS)
def test_no_missing_line_gives_the_long_wait_to_something_else(kind: str) -> None:
    rows = made(kind).render("short-precise").decode().splitlines(keepends=True)
    what, (first, last) = KINDS[kind][1], interval(kind)
    for words in MISSING:
        left = [row for row in rows if words not in row]
        report = report_of("".join(left).encode()) if len(left) < len(rows) else None
        if report is not None and report.milestones and report.milestones[0].id == "systemd_starting":
            assert wrong(report.phases, what, first, last, 1.5) == [], words


@pytest.mark.parametrize("kind", KINDS)
def test_a_fragment_gives_the_long_wait_to_nothing_else(kind: str) -> None:
    rows = made(kind).render("short-precise").decode().splitlines(keepends=True)
    what, (first, last) = KINDS[kind][1], interval(kind)
    whole = report_of("".join(rows).encode())
    assert whole is not None and whole.began_at is not None
    for part in range(1, 8):
        report = report_of("".join(rows[len(rows) * part // 8 :]).encode())
        if report is None or report.began_at is None:
            continue
        by = (report.began_at - whole.began_at).total_seconds()
        assert wrong(report.phases, what, first - by, last - by, 1.5) == [], part
