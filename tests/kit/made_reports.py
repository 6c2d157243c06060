"""Hand-built results, one for each kind of thing a report must be able to say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from analyzer.records.log_record import SourceInfo
from analyzer.results import (
    Bottleneck,
    Check,
    ClockNote,
    End,
    ErrorCount,
    Finding,
    Gap,
    LedgerCounts,
    Milestone,
    Phase,
    Poll,
    PollerNote,
    Report,
    StartReport,
)
from analyzer.window import Bound, Span, Window

BEGAN = datetime(2025, 3, 1, 6, 3, 22, tzinfo=UTC)
RBAC = "poststarthook/rbac/bootstrap-roles"
PRIORITY = "poststarthook/scheduling/bootstrap-system-priority-classes"
CRD = "poststarthook/crd-informer-synced"
HOSTILE = "\x1b[31m</script>|`=cmd()\u202e\r\n[bold]x[/bold]\x07"


def at(moment: float, line: int) -> Window:
    """A moment known to the precision of its stamp (10 ms)."""
    return Window(moment, moment + 0.01, Bound.OBSERVED, Bound.OBSERVED, line, line)


READY = Window(12.0312, 14.0518, Bound.GRID, Bound.OBSERVED, None, 61)


def ready_start(**changes: Any) -> StartReport:
    """A server that became ready; its last check is certain."""
    began, datastore, requested, serving, detected = at(0.0, 3), at(1.4, 9), at(1.9, 15), at(5.1, 40), at(14.05, 61)
    start = StartReport(
        index=1,
        begun_before_s=0.0,
        host="node-a",
        unit="k3s.service",
        pid=1193,
        boot_id=None,
        invocation_id=None,
        product="k3s",
        role="server",
        version="v1.33.4+k3s1",
        commit="148243c4",
        began_at=BEGAN,
        ended_at=None,
        begin_seen=True,
        clock=ClockNote("journal", 1e-6, "+00:00", "stamp", 0),
        outcome="ready",
        outcome_reason=None,
        end=End(),
        ready=READY,
        detected=detected,
        polling_tax_s=Span(0.0, 2.0288),
        poller=PollerNote("shared-2s", 2.0, True, 3, 3, 0.02, 0.03),
        polls=(
            Poll(2.03, True, "service_unavailable", "transient", 503, line=17),
            Poll(4.03, False, "service_unavailable", "transient", 503),
            Poll(6.03, True, "forbidden", "transient", 403, line=44),
            Poll(8.05, True, "readyz_failing", "transient", 500, (RBAC, PRIORITY), (), False, 50),
            Poll(10.03, True, "readyz_failing", "transient", 500, (RBAC,), (), False, 55),
            Poll(12.03, False, "readyz_failing", "transient", 500, (RBAC,), ()),
            Poll(14.05, False, None, line=61),
        ),
        errors=(
            ErrorCount("service_unavailable", "transient", 2, 2.03, 4.03),
            ErrorCount("forbidden", "transient", 1, 6.03, 6.03),
            ErrorCount("readyz_failing", "transient", 3, 8.05, 12.03),
        ),
        milestones=(
            Milestone("starting", 0.0, 3, "Starting k3s v1.33.4+k3s1 (148243c4)"),
            Milestone("datastore_ready", 1.4, 9, "Kine available at unix://kine.sock"),
            Milestone("apiserver_requested", 1.9, 15, "Running kube-apiserver --advertise-port=6443"),
            Milestone("serving_securely", 5.1, 40, "Serving securely on 127.0.0.1:6444"),
            Milestone("api_running", 14.05, 61, "Kube API server is now running"),
        ),
        phases=(
            Phase("datastore", began, datastore, Span(1.39, 1.41)),
            Phase("certificates", datastore, requested, Span(0.49, 0.51)),
            Phase("apiserver_boot", requested, serving, Span(3.19, 3.21)),
            Phase("hooks", serving, READY, Span(6.9212, 8.9518)),
            Phase("polling_tax", READY, detected, Span(0.0, 2.0288)),
        ),
        checks=(
            Check(
                RBAC, "ok", True, Window(12.0312, 14.0518, Bound.GRID, Bound.OBSERVED, None, 61),
                exclusive_s=Span(4.0, 6.0), saving_s=Span(2.0, 6.0), last_blocker="certain", reasons=("not finished",),
                failing_until_s=12.03, first_seen_failing_s=8.05, first_seen_failing_line=50,
            ),
            Check(
                PRIORITY, "ok", True,
                Window(8.0, 9.62, Bound.OBSERVED, Bound.WITNESS, 50, 53, None, "priority-classes"),
                estimate_s=9.6, estimate_basis="priority-classes-near", exclusive_s=Span(0.0, 0.0),
                saving_s=Span(0.0, 0.0), last_blocker="no", reasons=("reason withheld",),
                failing_until_s=8.0, first_seen_failing_s=8.05, first_seen_failing_line=50,
            ),
            Check(
                CRD, "ok", False, Window(5.1, 8.05, Bound.OBSERVED, Bound.OBSERVED, 40, 50),
                exclusive_s=Span(0.0, 0.0), saving_s=Span(0.0, 0.0), last_blocker="no",
            ),
        ),
        bottleneck=Bottleneck(
            (RBAC,), "certain",
            "poststarthook/rbac/bootstrap-roles was the last check to pass, and for 4 to 6 s the only one",
        ),
        findings=(
            Finding("slow_datastore", "warning", "The datastore answers slowly", "3 requests took longer than 1 s.",
                    "Move the datastore to a faster disk.", (52, 57)),
            Finding("noise_explained", "info", "403 while the roles do not exist yet",
                    "Normal until the RBAC hook is done.", "", (44,)),
        ),
        hooks_alone_s=Span(4.0, 6.0),
        hooks_shared_s=Span(0.9, 4.9),
        cut_at_s=40.2,
    )  # fmt: skip
    return replace(start, **changes)


def failed_start(**changes: Any) -> StartReport:
    """A server whose process ended by itself, as one of a crash loop."""
    start = ready_start(
        index=2,
        began_at=BEGAN + timedelta(minutes=3),
        ended_at=BEGAN + timedelta(minutes=3, seconds=4),
        outcome="failed",
        outcome_reason="preparing server: bootstrap data already found and encrypted with different token",
        end=End("failed", 3.9, 90, "exit status 1"),
        ready=Window(2.03, None, Bound.OBSERVED, Bound.NONE, 80, None),
        detected=Window(2.03, None, Bound.OBSERVED, Bound.NONE, 80, None),
        polling_tax_s=None,
        poller=PollerNote("shared-2s", 2.0, True, 1, 0, None, None),
        polls=(Poll(2.03, True, "service_unavailable", "transient", 503, line=80),),
        errors=(ErrorCount("service_unavailable", "transient", 1, 2.03, 2.03),),
        milestones=(Milestone("fatal", 3.9, 90, "preparing server: bootstrap data already found"),),
        phases=(),
        checks=(),
        bottleneck=Bottleneck(),
        findings=(
            Finding("token_mismatch", "critical", "The token is not the one the datastore was encrypted with", "",
                    "Start with the token of the first server.", (90,)),
        ),
        hooks_alone_s=None,
        hooks_shared_s=None,
        cut_at_s=3.9,
    )  # fmt: skip
    return replace(start, **changes)


def fragment(**changes: Any) -> StartReport:
    """A paste without dates: almost nothing is known."""
    start = StartReport(
        index=1, host=None, unit=None, pid=None, boot_id=None, invocation_id=None, product="unknown", role="unknown",
        version=None, commit=None, began_at=None, ended_at=None, begin_seen=False,
        clock=ClockNote("elapsed", 1.0, None, "none", 0), outcome="incomplete", outcome_reason=None, end=End(),
        ready=Window(), detected=Window(), polling_tax_s=None, poller=PollerNote(),
        polls=(Poll(None, True, "readyz_failing", "transient", 500, (RBAC,), (CRD,), True, 1),),
        errors=(ErrorCount("readyz_failing", "transient", 1, None, None),), milestones=(), phases=(),
        checks=(Check(RBAC, "failing", True, last_blocker="possible"), Check(CRD, "unseen", False)),
        bottleneck=Bottleneck((RBAC,), "possible", "poststarthook/rbac/bootstrap-roles was still failing at the end"),
        findings=(),
    )  # fmt: skip
    return replace(start, **changes)


def hostile_start() -> StartReport:
    """Every text that comes from a log tries to do harm."""
    start = ready_start(host=HOSTILE, unit=HOSTILE, version=HOSTILE, outcome_reason=HOSTILE)
    return replace(
        start,
        checks=(replace(start.checks[0], name="poststarthook/" + HOSTILE, reasons=(HOSTILE,)), *start.checks[1:]),
        bottleneck=Bottleneck((HOSTILE,), "possible", HOSTILE),
        findings=(Finding("x", "critical", HOSTILE, HOSTILE, HOSTILE, (1,)), *start.findings),
        milestones=(Milestone("starting", 0.0, 1, HOSTILE),),
        gaps=(Gap(1.0, 2.0, "lost", 3, 0, HOSTILE),),
        end=End("failed", 20.0, 99, HOSTILE),
    )


def report_of(*starts: StartReport, path: str = "journal.txt") -> Report:
    """A report over one source that holds ``starts``."""
    ledger = LedgerCounts(64, 20, 42, 1, 0, 1, {"cut by the pager": 1, "copied twice": 2})
    return Report("0.1.0", (SourceInfo(path, "short-precise", 5120, 64),), ledger, starts)


def crash_loop(n: int) -> Report:
    """``n`` failed starts 8 s apart, and one that became ready at the end."""
    failed = (failed_start(index=i + 1, began_at=BEGAN + timedelta(seconds=8 * i), pid=2000 + i) for i in range(n))
    last = ready_start(index=n + 1, began_at=BEGAN + timedelta(seconds=8 * n))
    return report_of(*failed, last)
