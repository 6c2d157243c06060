"""Reports made by hand, one per situation the page has to show; no analysis takes part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

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
from analyzer.window import OPEN, Bound, Span, Window

BEGAN = datetime(2025, 3, 1, 6, 3, 22, tzinfo=UTC)
RBAC = "poststarthook/rbac/bootstrap-roles"
CRD = "poststarthook/crd-informer-synced"
PF = "poststarthook/priority-and-fairness-config-producer"
AUTO = "autoregister-completion"
HOSTILE = "</script><img src=x onerror=window.__hit=1><b>bold</b>&amp;{{7*7}}${1}"


def window(low: float | None, high: float | None, line: int | None = None, kind: Bound = Bound.OBSERVED) -> Window:
    return Window(
        low,
        high,
        Bound.NONE if low is None else kind,
        Bound.NONE if high is None else Bound.OBSERVED,
        None if low is None or kind is Bound.GRID else line,
        None if high is None else (line or 0) + 1,
    )


def base(index: int = 1) -> StartReport:
    """A start that became ready on the 2 s grid with rbac as the certain last blocker."""
    ready = Window(12.0, 14.1, Bound.GRID, Bound.OBSERVED, None, 61)
    polls = [
        Poll(2.0, True, "service_unavailable", "transient", 503, line=17, text="the server is currently unable"),
        Poll(4.0, False, "service_unavailable", "transient", 503),
        Poll(6.0, True, "forbidden", "transient", 403, line=33, text="unknown"),
        Poll(8.05, True, "readyz_failing", "transient", 500, (RBAC, CRD, PF), line=44, text="[-]rbac failed"),
        Poll(10.0, True, "readyz_failing", "transient", 500, (RBAC,), line=52, text="[-]rbac failed"),
        Poll(12.0, False, "readyz_failing", "transient", 500, (RBAC,)),
        Poll(14.1, False, None, None, 200, line=61),
    ]
    cuts = {
        "systemd_starting": (0.0, 1),
        "starting": (0.6, 2),
        "datastore_ready": (1.4, 9),
        "apiserver_requested": (1.9, 15),
        "first_poll": (2.0, 17),
        "serving_securely": (5.1, 30),
        "api_running": (14.1, 61),
        "k3s_running": (14.1, 62),
        "node_registered": (15.2, 70),
    }
    stones = tuple(Milestone(k, at, line, f"{k} line text") for k, (at, line) in cuts.items())

    def cut(name: str) -> Window:
        at, line = cuts[name]
        return Window(at, at + 0.05, Bound.OBSERVED, Bound.OBSERVED, line, line)

    phases = (
        Phase("extract", cut("systemd_starting"), cut("starting"), Span(0.5, 0.7)),
        Phase("datastore", cut("starting"), cut("datastore_ready"), Span(0.7, 0.9)),
        Phase("certificates", cut("datastore_ready"), cut("apiserver_requested"), Span(0.4, 0.6)),
        Phase("apiserver_boot", cut("apiserver_requested"), cut("serving_securely"), Span(3.1, 3.3)),
        Phase("hooks", cut("serving_securely"), ready, Span(6.8, 9.0)),
        Phase("polling_tax", ready, Window(14.1, 14.1, Bound.OBSERVED, Bound.OBSERVED, 61, 61), Span(0.0, 2.1)),
    )
    checks = (
        Check(
            RBAC, "ok", True, ready, 13.2, "api_running", Span(2.0, 6.1), Span(2.0, 6.1), "certain", ("not finished",),
            failing_until_s=12.0, first_seen_failing_s=8.0, first_seen_failing_line=44,
        ),
        Check(
            CRD, "ok", True, Window(8.0, 10.0, Bound.OBSERVED, Bound.OBSERVED, 44, 52), None, None, Span(0.0, 0.0),
            Span(0.0, 0.5), "no", ("not synced",), 8.0, 8.0, 44,
        ),
        Check(
            PF, "ok", True, Window(8.0, 9.2, Bound.OBSERVED, Bound.WITNESS, 44, 48, None, "apf-worker"), None, None,
            Span(0.0, 1.1), Span(0.0, 0.9), "no", ("not finished",), 8.0, 8.0, 44,
        ),
        Check("ping", "ok", False, Window(5.1, 8.05, Bound.PROCESS, Bound.OBSERVED, 30, 44), last_blocker="no"),
        Check("log", "ok", False, Window(5.1, 8.05, Bound.PROCESS, Bound.OBSERVED, 30, 44), last_blocker="no"),
    )  # fmt: skip
    return StartReport(
        index=index,
        host="node-a",
        unit="k3s.service",
        pid=1193,
        boot_id=None,
        invocation_id=None,
        product="k3s",
        role="server",
        version="v1.33.4+k3s1",
        commit="148243c4",
        began_at=BEGAN + timedelta(minutes=2 * (index - 1)),
        ended_at=None,
        begin_seen=True,
        clock=ClockNote("journal", 1.0, "+00:00", "logrus", 0),
        outcome="ready",
        outcome_reason=None,
        end=End(),
        ready=ready,
        detected=Window(14.1, 14.15, Bound.OBSERVED, Bound.OBSERVED, 61, 61),
        polling_tax_s=Span(0.0, 2.1),
        poller=PollerNote("shared-2s", 2.0, True, 4, 2, 0.02, 0.0),
        polls=tuple(polls),
        errors=(
            ErrorCount("service_unavailable", "transient", 2, 2.0, 4.0),
            ErrorCount("forbidden", "transient", 1, 6.0, 6.0),
            ErrorCount("readyz_failing", "transient", 3, 8.05, 12.0),
        ),
        milestones=stones,
        phases=phases,
        checks=checks,
        bottleneck=Bottleneck((RBAC,), "certain", f"{RBAC} was the last check to clear."),
        findings=(Finding("polling_tax", "info", "Noticed late", "Noticed up to 2.1 s late.", "Nothing.", (61,)),),
        hooks_alone_s=Span(2.0, 6.1),
        hooks_shared_s=Span(0.0, 2.0),
        cut_at_s=40.0,
    )


def report(*starts: StartReport, path: str = "journal.txt") -> Report:
    """Around the starts: one source, a ledger, and a text for every line that something names."""
    evidence = {(0, n): f"Mar 01 06:03:{22 + n % 38:02d} node-a k3s[1193]: text of line {n}" for n in range(1, 120)}
    return Report(
        "0.1.0",
        (SourceInfo(path, "short", 51234, 450),),
        LedgerCounts(450, 60, 388, 1, 3, 1, {"cut by the pager": 3}),
        tuple(starts),
        evidence=evidence,
    )


def healthy() -> Report:
    return report(base())


def slow_hook() -> Report:
    start = base()
    wide = Window(71.9, 74.0, Bound.GRID, Bound.OBSERVED, None, 90)
    rbac = replace(
        start.checks[0], cleared=wide, exclusive_s=Span(61.9, 66.0), saving_s=Span(61.9, 66.0), failing_until_s=71.9,
        estimate_s=None, estimate_basis=None,
    )  # fmt: skip
    polls = list(start.polls[:5])
    polls += [Poll(10.0 + 2 * i, False, "readyz_failing", "transient", 500, (RBAC,)) for i in range(1, 32)]
    polls.append(Poll(74.0, False, None, None, 200, line=90))
    hooks = replace(start.phases[4], end=wide, duration_s=Span(66.8, 69.0))
    tax = replace(start.phases[5], begin=wide, end=Window(74.0, 74.0, Bound.OBSERVED, Bound.OBSERVED, 90, 90))
    finding = Finding(
        "slow_hook",
        "warning",
        "rbac/bootstrap-roles took over a minute",
        "The roles hook alone held readiness up for 61.9 to 66.0 s; a few hundred serial writes to a slow datastore.",
        "Look at the datastore's write latency (fsync); move it to an SSD.",
        (52, 90),
    )
    return report(
        replace(
            start,
            ready=wide,
            detected=Window(74.0, 74.1, Bound.OBSERVED, Bound.OBSERVED, 90, 90),
            checks=(rbac, *start.checks[1:]),
            polls=tuple(polls),
            phases=(*start.phases[:4], hooks, tax),
            errors=(*start.errors[:2], replace(start.errors[2], polls=33, last_s=72.0)),
            milestones=tuple(m for m in start.milestones if (m.at_s or 0) < 14),
            findings=(finding, *start.findings),
            cut_at_s=90.0,
        )
    )


def failed(index: int, *, last: bool = False) -> StartReport:
    start = base(index)
    reason = "apiserver exited: failed to create listener: listen tcp 127.0.0.1:6444: bind: address already in use"
    return replace(
        start,
        outcome="failed",
        outcome_reason=reason,
        ended_at=start.began_at + timedelta(seconds=9) if start.began_at else None,
        end=End("failed", 9.0, 55, reason),
        ready=Window(8.0, None, Bound.OBSERVED, Bound.NONE, 44, None),
        detected=OPEN,
        polling_tax_s=None,
        polls=start.polls[:4],
        errors=(start.errors[0], start.errors[1], replace(start.errors[2], polls=1, last_s=8.05)),
        milestones=(*start.milestones[:6], Milestone("fatal", 9.0, 55, reason)),
        phases=start.phases[:4],
        checks=tuple(
            replace(
                c,
                final="failing" if c.seen_failing else "ok",
                cleared=Window(8.0, None, Bound.OBSERVED, Bound.NONE, 44, None) if c.seen_failing else c.cleared,
                estimate_s=None, exclusive_s=None, saving_s=None, last_blocker="possible", failing_until_s=8.0,
            )
            for c in start.checks
        ),
        bottleneck=Bottleneck((RBAC, CRD, PF), "possible", "Three checks were still failing when it ended."),
        findings=(
            Finding("port_in_use", "critical", "The port is taken", reason, "Stop what listens on 6444.", (55,)),
        ),
        cut_at_s=9.0,
        hooks_alone_s=None,
        hooks_shared_s=None,
    )  # fmt: skip


def crash_loop(count: int = 6) -> Report:
    return report(*(failed(i) for i in range(1, count)), base(count))


def legacy() -> Report:
    """No polls are printed by this release: only witnesses bound anything."""
    start = base()
    checks = tuple(
        replace(c, seen_failing=False, first_seen_failing_s=None, first_seen_failing_line=None, failing_until_s=None,
                exclusive_s=None, saving_s=None, last_blocker="possible", reasons=())
        for c in start.checks
    )  # fmt: skip
    return report(
        replace(
            start,
            version="v1.30.3+k3s1",
            poller=PollerNote("legacy-4x1s", 1.0, False, 0, 0),
            polls=(),
            errors=(),
            checks=checks,
            ready=Window(6.1, 14.1, Bound.WITNESS, Bound.OBSERVED, 31, 61, "hooks-after-serving"),
            bottleneck=Bottleneck((), "none", "Nothing can be said: this release prints no polls."),
            hooks_alone_s=None,
            hooks_shared_s=None,
        )
    )


def stuck() -> Report:
    start = base()
    polls = list(start.polls[:5])
    polls += [Poll(10.0 + 2 * i, False, "readyz_failing", "transient", 500, (RBAC,)) for i in range(1, 445)]
    rbac = replace(
        start.checks[0], final="failing", cleared=Window(898.0, None, Bound.GRID, Bound.NONE), exclusive_s=None,
        saving_s=None, estimate_s=None, estimate_basis=None, failing_until_s=898.0,
    )  # fmt: skip
    reason = "failed to wait for API server to become ready: context deadline exceeded"
    return report(
        replace(
            start,
            outcome="failed",
            outcome_reason=reason,
            end=End("failed", 902.0, 99, reason),
            ready=Window(898.0, None, Bound.GRID, Bound.NONE),
            detected=OPEN,
            polling_tax_s=None,
            polls=tuple(polls),
            errors=(*start.errors[:2], replace(start.errors[2], polls=446, last_s=898.0)),
            milestones=(*start.milestones[:6], Milestone("fatal", 902.0, 99, reason)),
            phases=start.phases[:4],
            checks=(rbac, *start.checks[1:]),
            bottleneck=Bottleneck((RBAC,), "certain", f"{RBAC} never cleared."),
            gaps=(Gap(120.0, 400.0, "silent", 60, 0, "no line of any kind for 280 s"),
                  Gap(500.0, 500.0, "clock_step", 70, 0, "the clock was set 37 s forward")),
            clock=ClockNote("monotonic", 0.000001, "+05:30", "stamp", 1),
            began_at=datetime(2025, 3, 1, 11, 33, 22, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            cut_at_s=902.0,
            hooks_alone_s=None,
            hooks_shared_s=None,
        )
    )  # fmt: skip


def agent() -> Report:
    start = base()
    return report(
        replace(
            start,
            role="agent",
            outcome="incomplete",
            outcome_reason=None,
            ready=OPEN,
            detected=OPEN,
            polling_tax_s=None,
            polls=(),
            errors=(),
            phases=(),
            checks=(),
            milestones=(Milestone("starting", 0.6, 2, "Starting k3s agent"), Milestone("agent_running", 8.0, 9, "up")),
            poller=PollerNote(),
            bottleneck=Bottleneck(),
            findings=(),
            cut_at_s=30.0,
            hooks_alone_s=None,
            hooks_shared_s=None,
        )
    )


def open_ended() -> Report:
    """A fragment: no begin, no end, an open lower end and an open upper end."""
    start = base()
    checks = (
        replace(start.checks[0], final="failing", cleared=Window(10.0, None, Bound.OBSERVED, Bound.NONE, 52, None)),
        replace(start.checks[1], cleared=Window(None, 10.0, Bound.NONE, Bound.OBSERVED, None, 52)),
        Check("informer-sync", "unseen", False, OPEN),
    )
    return report(
        replace(
            start, begin_seen=False, outcome="incomplete", ready=Window(10.0, None, Bound.OBSERVED, Bound.NONE, 52),
            detected=OPEN, polling_tax_s=None, polls=start.polls[3:5], phases=(), checks=checks, milestones=(),
            cut_at_s=11.0,
        )
    )  # fmt: skip


def undated() -> Report:
    """Times of day only: no date, no zone."""
    return report(replace(base(), began_at=None, clock=ClockNote("klog", 0.000001, None, "none", 0)))


def timeless() -> Report:
    """No line carries a usable stamp."""
    start = base()
    return report(
        replace(
            start,
            began_at=None,
            clock=ClockNote("elapsed", 1.0, None, "none", 0),
            ready=OPEN,
            detected=OPEN,
            polling_tax_s=None,
            polls=tuple(replace(p, at_s=None) for p in start.polls),
            errors=tuple(replace(e, first_s=None, last_s=None) for e in start.errors),
            milestones=tuple(replace(m, at_s=None) for m in start.milestones),
            phases=(),
            checks=tuple(
                replace(c, cleared=OPEN, estimate_s=None, exclusive_s=None, saving_s=None, failing_until_s=None,
                        first_seen_failing_s=None)
                for c in start.checks
            ),
            cut_at_s=None,
            hooks_alone_s=None,
            hooks_shared_s=None,
        )
    )  # fmt: skip


def many(starts: int = 100, checks: int = 40) -> Report:
    made = []
    for index in range(1, starts + 1):
        start = base(index)
        extra = tuple(
            Check(
                f"poststarthook/made-up-controller-number-{n:02d}", "ok", True,
                Window(8.0, 9.0 + n / 20 + index / 100, Bound.OBSERVED, Bound.OBSERVED, 44, 52), None, None,
                Span(0.0, 0.1 * n), Span(0.0, 0.1), "no", ("not finished",), 8.0, 6.0, 33,
            )
            for n in range(checks - len(start.checks))
        )  # fmt: skip
        made.append(replace(start, checks=start.checks + extra))
    return report(*made)


def hostile() -> Report:
    start = base()
    bad = "\x1b[31mred\x00\u202egnp.exe\udc80 javascript:alert(1) <a href='javascript:window.__hit=1'>x</a>"
    checks = (
        replace(start.checks[0], name=HOSTILE, reasons=(bad,)),
        *start.checks[1:],
        replace(start.checks[1], name="x" * 300),
    )
    made = report(
        replace(
            start,
            host=HOSTILE,
            unit="<svg onload=window.__hit=1>",
            version=HOSTILE,
            outcome_reason=bad,
            checks=checks,
            polls=tuple(replace(p, failing=(HOSTILE,) if p.failing else (), text=bad) for p in start.polls),
            milestones=tuple(replace(m, text=HOSTILE) for m in start.milestones),
            bottleneck=Bottleneck((HOSTILE,), "certain", f"{HOSTILE} was last."),
            findings=(Finding("x", "critical", HOSTILE, bad, "<iframe src=//evil.invalid>", (44,)),),
            gaps=(Gap(20.0, 30.0, "lost", 60, 0, HOSTILE),),
        ),
        path="<img src=x onerror=window.__hit=1>.txt",
    )
    return replace(made, evidence={k: f"{HOSTILE} {bad} line {k[1]}" for k in made.evidence})


def endless_polls(count: int = 20000) -> Report:
    """More printed polls, all different, than a figure can hold."""
    start = base()
    kinds = ("connection_refused", "service_unavailable", "io_timeout")
    polls = tuple(Poll(2.0 + i, True, kinds[i % 3], "transient", None, line=1 + i % 100) for i in range(count))
    return report(replace(start, polls=polls, cut_at_s=count + 10.0, outcome="incomplete", ready=OPEN, detected=OPEN))


SITUATIONS: dict[str, Callable[[], Report]] = {
    "healthy": healthy,
    "slow-hook": slow_hook,
    "crash-loop": crash_loop,
    "legacy": legacy,
    "stuck": stuck,
    "agent": agent,
    "open-ended": open_ended,
    "undated": undated,
    "timeless": timeless,
    "hostile": hostile,
    "nothing": report,
}
