"""Starts that wait for somebody else: a server, etcd, a static pod, or answers to polls that do not come."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.analysis.rule_context import RuleContext, count, times
from analyzer.analysis.rule_registry import EVERY, POLL, rule
from analyzer.events import poll_errors
from analyzer.events.event import Mark
from analyzer.results import Finding, FindingSeverity

_LASTING_S = 60.0
_OLD_POD, _OLD_POD_S = "waiting for termination of old pod", 30.0
_STUCK_S = 120.0
_REPEATED = 3


@rule("datastore_waiting", "static_pod_waiting", "server_not_ready")
def still_waiting(context: RuleContext) -> list[Finding]:
    """What a start without polls says it is waiting for: its etcd, RKE2's static pods, or another server."""
    if not context.never_ready or context.report.end.kind == "failed":
        return []
    return _for_etcd(context) or _for_pods(context) or _for_server(context)


@rule("old_pod_ending")
def old_pod(context: RuleContext) -> list[Finding]:
    """RKE2 waits until the pod of the run before has ended, however long that takes, also in a start that was ready."""
    marks = [mark for mark in context.of("pod_not_synced") if _OLD_POD in mark.groups.get("cause", "")]
    if not marks or context.spread(marks) < _OLD_POD_S:
        return []
    component = marks[-1].groups["component"]
    detail = (
        f"The pod sandbox of {component} of the run before was still ending: said {times(marks)}{context.span(marks)}. "
        f"The new {component} starts only when it is gone."
    )
    advice = (
        f"See what holds it: crictl pods --name {component}, the kubelet's log (/var/lib/rancher/rke2/agent/logs/"
        "kubelet.log) and containerd's. Where it happens at every restart, run rke2-killall.sh before it."
    )
    return [context.say("old_pod_ending", detail, [mark.record for mark in marks], advice=advice)]


def _lasting(context: RuleContext, marks: list[Mark]) -> FindingSeverity:
    if not context.report.begin_seen:
        return "warning"  # who shows the middle of a wait has waited
    return "warning" if context.spread(marks) >= _LASTING_S or len(marks) >= _REPEATED else "info"


def _for_etcd(context: RuleContext) -> list[Finding]:
    marks = context.of("datastore_waiting")
    answered = context.studied.start.first("datastore_ready")
    # A line that names its reason has a finding of its own.
    named = {mark.record.seq for mark in context.starting if mark.kind == "problem"}
    if not marks or (answered is not None and answered.record.seq > marks[-1].record.seq):
        return []
    if marks[-1].record.seq in named:
        return []
    detail = f"Said {times(marks)}{context.span(marks)}: {context.words(marks[-1])}"
    advice = (
        "Normal for some seconds. If it stays, etcd's own lines say why (peers, disk, certificates, space): "
        f"journalctl -u {context.units} --no-pager | grep etcdserver"
    )
    if context.report.product == "rke2":
        advice = (
            "Normal for some seconds. If it stays, etcd's own lines say why (peers, disk, certificates, space); it is "
            "a static pod: /var/log/pods/kube-system_etcd-*, and /var/lib/rancher/rke2/agent/logs/kubelet.log if there "
            "is none."
        )
    records = [mark.record for mark in marks]
    return [context.say("datastore_waiting", detail, records, severity=_lasting(context, marks), advice=advice)]


def _for_pods(context: RuleContext) -> list[Finding]:
    """RKE2's API server is a static pod: why it does not come up stands in other files."""
    start = context.studied.start
    answers = {"readyz_failing", "forbidden", "not_ready_text"}
    if (
        context.report.product != "rke2"
        or context.report.role == "agent"
        or start.first("serving_securely") is not None
    ):
        return []
    if any(poll.error in answers for poll in context.report.polls):
        return []
    component = "kube-apiserver"
    marks = [mark for mark in context.of("pod_not_synced") if mark.groups["component"] == component]
    synced = [mark for mark in start.marks("pod_synced") if mark.groups["component"] == component]
    if synced and (not marks or synced[-1].record.seq > marks[-1].record.seq):
        return []
    why = f": {marks[-1].groups['cause']}" if marks else ""
    named = {mark.record.seq for mark in context.starting if mark.kind == "problem"}
    marks = marks or [m for m in context.of("apiserver_waiting", "server_not_ready") if m.record.seq not in named]
    if not marks:
        return []
    detail = f"RKE2 waits for the static pod of {component}{why}. Said {times(marks)}{context.span(marks)}."
    advice = (
        "Normal for a minute or two. If it stays, the reason is in other files: the kubelet's log "
        "(/var/lib/rancher/rke2/agent/logs/kubelet.log), containerd's (/var/lib/rancher/rke2/agent/containerd/"
        f"containerd.log) and the pod's (/var/log/pods/kube-system_{component}-*)."
    )
    if context.report.role == "unknown":
        advice += " On an agent: look at the server instead."
    records = [mark.record for mark in marks]
    return [context.say("static_pod_waiting", detail, records, severity=_lasting(context, marks), advice=advice)]


def _for_server(context: RuleContext) -> list[Finding]:
    """A server, its own or another machine's, says that it is not ready yet."""
    named = {mark.record.seq for mark in context.starting if mark.kind == "problem"}
    marks = [mark for mark in context.of("server_not_ready") if mark.record.seq not in named]
    asks = context.report.role == "agent" and not context.report.begin_seen  # who shows the middle of a wait has waited
    if not marks or not (context.spread(marks) >= _LASTING_S or len(marks) >= 10 or asks):
        return []
    detail = f"Said {times(marks)}{context.span(marks)}; the last: {context.words(marks[-1])}"
    return [context.say("server_not_ready", detail, [mark.record for mark in marks], severity="warning")]


@rule("forbidden_lasting", "refused_lasting", POLL)
def poll_answers(context: RuleContext) -> list[Finding]:
    """Classes of poll answers that do not heal by themselves, or lasted too long."""
    found: list[Finding] = []
    last = next((p for p in reversed(context.report.polls) if p.error not in (None, "context_canceled")), None)
    for error in context.report.errors:
        title, _ = poll_errors.advice(error.error)
        polls = [p for p in context.report.polls if p.error == error.error]
        lines = [(p.source, p.line) for p in polls if p.line is not None]
        length = (error.last_s - error.first_s) if error.last_s is not None and error.first_s is not None else 0.0
        length = max(0.0, length - context.report.clock.precision_s)  # stamps are truncated
        still = context.never_ready and last is not None and last.error == error.error
        over = f"{count(error.polls, 'poll')} over at least {int(length)} s"
        if title and (error.severity == "fatal" or length >= 30.0 or (still and length >= 10.0)):
            severity: FindingSeverity = "critical" if still and error.severity == "fatal" else "warning"
            text = next((p.text for p in reversed(polls) if p.text), "")
            detail = f"{over} answered: {text[:300]}"
            found.append(context.say(f"poll_{error.error}", detail, severity=severity, lines=lines))
        elif error.error == "forbidden" and still and length >= 60.0:
            detail = (
                f"{over} were refused (403, printed as 'unknown'). "
                "Normal until the default roles are loaded; for ever when an administrator removed or froze them."
            )
            found.append(context.say("forbidden_lasting", detail, lines=lines))
        elif error.error == "connection_refused" and length >= 60.0:
            found.append(context.say("refused_lasting", f"{over} found nobody listening.", lines=lines))
    return found


@rule("stuck", after=(EVERY,))
def stuck(context: RuleContext, others: Sequence[Finding]) -> list[Finding]:
    """The text ends long after the begin, and the start was still waiting."""
    report = context.report
    if report.outcome != "incomplete" or report.cut_at_s is None or report.cut_at_s < _STUCK_S or not report.begin_seen:
        return []
    failing = [check.name for check in report.checks if check.failing_at_last]
    last = next((poll for poll in reversed(report.polls) if poll.error is not None), None)
    if failing:
        waits = f"these checks were failing at last: {', '.join(failing)}"
    elif last is not None:
        waits = f"the last poll answered {last.error}"
    elif any(finding.severity == "critical" for finding in others):
        waits = "see the other findings for what it waits for"
    else:
        waits = "the text does not say for what"
    lines = [(last.source, last.line)] if last is not None and last.line is not None else []
    detail = f"After {int(report.cut_at_s)} s the text ends and readiness had not come; {waits}."
    advice = f"k3s gives up after 15 minutes. Follow it: journalctl -fu {context.unit}"
    return [context.say("stuck", detail, [context.studied.start.records[-1]], advice=advice, lines=lines)]
