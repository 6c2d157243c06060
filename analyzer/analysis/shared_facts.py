"""Facts that rules of more than one theme look at."""

from __future__ import annotations

import re
from itertools import pairwise

from analyzer.analysis.rule_context import CLASSES, ROLES, RuleContext
from analyzer.records.log_record import LogRecord, Payload
from analyzer.results import Gap
from analyzer.timebase import SECOND

LONG_SILENCE_S = 8.0
_LONG_SILENCE_OF_RKE2_S = 25.0  # its etcd, API server and kubelet write elsewhere, and it looks after them every 20 s
SLOW_BOOT_S = 4.0
# Role writes over the API server's boot, measured: 0.2 to 1.0 on servers that only lacked CPU, 1.7 and more on a slow
# disk or a distant database.
OUT_OF_PROPORTION = 1.5
SLOW = ("slow_sql", "etcd_slow_apply", "etcd_slow_fsync", "etcd_slow_read", "etcd_overloaded", "trace", "trace_step")
_NOT_READY = re.compile(r"Waiting to retrieve [^\n]*: 500 Internal Server Error\W*$")
_LATE_LINE_S = 0.5
_SLOW_ANSWER = 0.35  # of the interval
_UP_S = 30.0  # a kubelet that stays for longer has started its pods


def slow_answers(context: RuleContext) -> list[tuple[float, LogRecord]]:
    """Printed polls that were read long after their tick; a lower bound, whole ticks of waiting come on top."""
    grid = context.studied.polls.grid
    if grid is None:
        return []
    read = ((s.stamp_s, s.line.record) for s in context.studied.polls.sightings if s.stamp_s is not None)
    late = ((stamp - grid.tick_at_or_before(stamp), record) for stamp, record in read)
    return [pair for pair in late if pair[0] > _SLOW_ANSWER * grid.interval_s]


def late_lines(context: RuleContext) -> list[tuple[float, LogRecord]]:
    """klog lines whose journal stamp is far behind their own, the worst first.

    The median lag is taken off: clocks and zones of the two stamps may differ for the whole text.
    """
    klog = (r for r in context.studied.start.process if r.payload is Payload.KLOG)
    stamped = ((r.at, r.inner_at, r) for r in klog if r.at is not None and r.inner_at is not None)
    # Whole-second stamps hide a lag.
    lags = [((at.us - own.us) / SECOND, record) for at, own, record in stamped if at.precision_us < SECOND]
    if not lags:
        return []
    ordered = sorted(lag for lag, _ in lags)
    middle = len(ordered) // 2
    usual = max(0.0, (ordered[middle] + ordered[~middle]) / 2)
    late = [(lag - usual, record) for lag, record in lags if lag - usual > _LATE_LINE_S]
    return sorted(late, key=lambda pair: -pair[0])


def surely_s(context: RuleContext, gap: Gap) -> float:
    """For how long a silence lasted at least: stamps are truncated."""
    return max(0.0, gap.end_s - gap.begin_s - context.report.clock.precision_s)


def long_silence_s(context: RuleContext) -> float:
    """From which length on a silence is worth a word."""
    return _LONG_SILENCE_OF_RKE2_S if context.report.product == "rke2" else LONG_SILENCE_S


def silences(context: RuleContext) -> list[Gap]:
    """Long silences that began before k3s noticed readiness (an agent: had its node), the longest first.

    Not those after a line that says that a server is not ready: that is a wait, asked again after a while.
    """
    noticed = context.report.detected.upper
    if context.report.role == "agent":
        node = next((goal.window.upper for goal in context.report.goals if goal.id == "node"), None)
        noticed = None if node is None else node - 2 * context.report.clock.precision_s  # the line itself, too
    explained = _after_waits(context) | _after_ready(context)
    silent = [gap for gap in context.report.gaps if gap.kind == "silent" and (noticed is None or gap.begin_s < noticed)]
    least = long_silence_s(context)
    long = [g for g in silent if surely_s(context, g) >= least and (g.source, g.line) not in explained]
    return sorted(long, key=lambda gap: gap.begin_s - gap.end_s)


# Lines behind which nothing is written until that is done.
_QUIET_WORK = ("images_importing", "extracting", "runtime_pulling", "runtime_extracting")


def _after_waits(context: RuleContext) -> set[tuple[int, int | None]]:
    """(source, line) of the lines next after one that says that a server is not ready, or that quiet work begins."""
    said = {mark.record.seq for mark in context.studied.start.marks("server_not_ready", "pod_not_synced", *_QUIET_WORK)}
    return {(after.source, after.line) for line, after in pairwise(context.studied.start.process) if line.seq in said}


def _after_ready(context: RuleContext) -> set[tuple[int, int | None]]:
    """(source, line) of the lines after the one with which a server noticed: its stamp may be coarser than theirs."""
    noticed = context.studied.verdict.detected
    if noticed is None or context.report.role == "agent":
        return set()
    return {(record.source, record.line) for record in context.studied.start.process if record.seq > noticed.seq}


def only_roles(context: RuleContext, gap: Gap) -> bool:
    """Whether, when the silence began, the priority classes were done and the rbac hook was not."""
    roles, classes = context.check(ROLES), context.check(CLASSES)
    if roles is None or classes is None or classes.cleared.lower is None:
        return False
    until = roles.cleared.upper
    return classes.cleared.lower <= gap.begin_s and (until is None or until >= gap.begin_s)


def proportion(context: RuleContext) -> float | None:
    """How many times the API server's own boot the role writes took at least."""
    if context.roles_s is None or not context.boot_most_s or context.roles_s <= 0:
        return None
    return context.roles_s / context.boot_most_s


def asks_itself(context: RuleContext, record: LogRecord) -> bool:
    """Whether a server is answered by its own supervisor, at whatever address: it never asks another one for this."""
    return context.report.role == "server" and _NOT_READY.match(record.message) is not None


def kubelet_keeps_ending(context: RuleContext) -> bool:
    """Whether RKE2's kubelet, which is run again 5 seconds after each end, was not up for long when the text ended."""
    ends, start = context.of("kubelet_exited"), context.studied.start
    if context.report.product != "rke2" or not ends:
        return False
    last = ends[-1].record
    if any(mark.record.seq > last.seq for mark in start.marks("pod_synced")):
        return False
    return (context.apart(last, start.process[-1]) or 0.0) <= _UP_S
