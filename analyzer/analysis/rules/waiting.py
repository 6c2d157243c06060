"""Starts that wait for somebody else: a server, etcd, a static pod, or answers to polls that do not come."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.analysis.case import Case, count, times
from analyzer.events import poll_errors
from analyzer.events.findings import info
from analyzer.events.model import Mark
from analyzer.findings import Finding, FindingSeverity
from analyzer.window import at_least

_LASTING_S = 60.0
_OLD_POD, _OLD_POD_S = "waiting for termination of old pod", 30.0
_STUCK_S = 120.0
_REPEATED = 3
# Titles of waits that came to an end.
_WAS_OVER = {
    "server_unreachable": "The server to join could not be reached at first",
    "etcd_join_wait": "It waited for other members to finish joining etcd",
}


def still_waiting(case: Case) -> list[Finding]:
    """What a start without polls says it is waiting for: its etcd, RKE2's static pods, or another server."""
    if not case.never_ready or case.report.end.kind == "failed":
        return []
    return _for_etcd(case) or _for_pods(case) or _for_server(case)


def old_pod(case: Case) -> list[Finding]:
    """RKE2 waits until the pod of the run before has ended, however long that takes, also in a start that was ready."""
    marks = [mark for mark in case.of("pod_not_synced") if _OLD_POD in mark.groups.get("cause", "")]
    if not marks or case.spread(marks) < _OLD_POD_S:
        return []
    component = marks[-1].groups["component"]
    detail = (
        f"The pod sandbox of {component} of the run before was still ending: said {times(marks)}{case.span(marks)}. "
        f"The new {component} starts only when it is gone."
    )
    advice = (
        f"See what holds it: crictl pods --name {component}, the kubelet's log (/var/lib/rancher/rke2/agent/logs/"
        "kubelet.log) and containerd's. Where it happens at every restart, run rke2-killall.sh before it."
    )
    return [case.say("old_pod_ending", detail, [mark.record for mark in marks], advice=advice)]


def _lasting(case: Case, marks: list[Mark]) -> FindingSeverity:
    if not case.report.begin_seen:
        return "warning"  # who shows the middle of a wait has waited
    return "warning" if case.spread(marks) >= _LASTING_S or len(marks) >= _REPEATED else "info"


def _for_etcd(case: Case) -> list[Finding]:
    marks = case.of("datastore_waiting")
    answered = case.studied.start.first("datastore_ready")
    # A line that names its reason has a finding of its own.
    named = {mark.record.seq for mark in case.starting if mark.kind == "problem"}
    if not marks or (answered is not None and answered.record.seq > marks[-1].record.seq):
        return []
    if marks[-1].record.seq in named:
        return []
    detail = f"Said {times(marks)}{case.span(marks)}: {case.words(marks[-1])}"
    advice = (
        "Normal for some seconds. If it stays, etcd's own lines say why (peers, disk, certificates, space): "
        f"journalctl -u {case.units} --no-pager | grep etcdserver"
    )
    if case.report.product == "rke2":
        advice = (
            "Normal for some seconds. If it stays, etcd's own lines say why (peers, disk, certificates, space); it is "
            "a static pod: /var/log/pods/kube-system_etcd-*, and /var/lib/rancher/rke2/agent/logs/kubelet.log if there "
            "is none."
        )
    records = [mark.record for mark in marks]
    return [case.say("datastore_waiting", detail, records, severity=_lasting(case, marks), advice=advice)]


def _for_pods(case: Case) -> list[Finding]:
    """RKE2's API server is a static pod: why it does not come up stands in other files."""
    start = case.studied.start
    answers = {"readyz_failing", "forbidden", "not_ready_text"}
    if case.report.product != "rke2" or case.report.role == "agent" or start.first("serving_securely") is not None:
        return []
    if any(poll.error in answers for poll in case.report.polls):
        return []
    component = "kube-apiserver"
    marks = [mark for mark in case.of("pod_not_synced") if mark.groups["component"] == component]
    synced = [mark for mark in start.marks("pod_synced") if mark.groups["component"] == component]
    if synced and (not marks or synced[-1].record.seq > marks[-1].record.seq):
        return []
    why = f": {marks[-1].groups['cause']}" if marks else ""
    named = {mark.record.seq for mark in case.starting if mark.kind == "problem"}
    marks = marks or [m for m in case.of("apiserver_waiting", "server_not_ready") if m.record.seq not in named]
    if not marks:
        return []
    detail = f"RKE2 waits for the static pod of {component}{why}. Said {times(marks)}{case.span(marks)}."
    advice = (
        "Normal for a minute or two. If it stays, the reason is in other files: the kubelet's log "
        "(/var/lib/rancher/rke2/agent/logs/kubelet.log), containerd's (/var/lib/rancher/rke2/agent/containerd/"
        f"containerd.log) and the pod's (/var/log/pods/kube-system_{component}-*)."
    )
    if case.report.role == "unknown":
        advice += " On an agent: look at the server instead."
    records = [mark.record for mark in marks]
    return [case.say("static_pod_waiting", detail, records, severity=_lasting(case, marks), advice=advice)]


def _for_server(case: Case) -> list[Finding]:
    """A server, its own or another machine's, says that it is not ready yet."""
    named = {mark.record.seq for mark in case.starting if mark.kind == "problem"}
    marks = [mark for mark in case.of("server_not_ready") if mark.record.seq not in named]
    asks = case.report.role == "agent" and not case.report.begin_seen  # who shows the middle of a wait has waited
    if not marks or not (case.spread(marks) >= _LASTING_S or len(marks) >= 10 or asks):
        return []
    detail = f"Said {times(marks)}{case.span(marks)}; the last: {case.words(marks[-1])}"
    return [case.say("server_not_ready", detail, [mark.record for mark in marks], severity="warning")]


def poll_answers(case: Case) -> list[Finding]:
    """Classes of poll answers that do not heal by themselves, or lasted too long."""
    found: list[Finding] = []
    last = next((p for p in reversed(case.report.polls) if p.error not in (None, "context_canceled")), None)
    for error in case.report.errors:
        title, _ = poll_errors.advice(error.error)
        polls = [p for p in case.report.polls if p.error == error.error]
        lines = [(p.source, p.line) for p in polls if p.line is not None]
        length = (error.last_s - error.first_s) if error.last_s is not None and error.first_s is not None else 0.0
        length = max(0.0, length - case.report.clock.precision_s)  # stamps are truncated
        still = case.never_ready and last is not None and last.error == error.error
        over = f"{count(error.polls, 'poll')} over at least {int(length)} s"
        if title and (error.severity == "fatal" or length >= 30.0 or (still and length >= 10.0)):
            severity: FindingSeverity = "critical" if still and error.severity == "fatal" else "warning"
            text = next((p.text for p in reversed(polls) if p.text), "")
            detail = f"{over} answered: {text[:300]}"
            found.append(case.say(f"poll_{error.error}", detail, severity=severity, lines=lines))
        elif error.error == "forbidden" and still and length >= 60.0:
            detail = (
                f"{over} were refused (403, printed as 'unknown'). "
                "Normal until the default roles are loaded; for ever when an administrator removed or froze them."
            )
            found.append(case.say("forbidden_lasting", detail, lines=lines))
        elif error.error == "connection_refused" and length >= 60.0:
            found.append(case.say("refused_lasting", f"{over} found nobody listening.", lines=lines))
    return found


def stuck(case: Case, others: Sequence[Finding]) -> list[Finding]:
    """The text ends long after the begin, and the start was still waiting."""
    report = case.report
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
    advice = f"k3s gives up after 15 minutes. Follow it: journalctl -fu {case.unit}"
    return [case.say("stuck", detail, [case.studied.start.records[-1]], advice=advice, lines=lines)]


def peers(case: Case, marks: list[Mark], name: str) -> Finding:
    """A wait for another machine that names its reason; short ones that were over in the end are no trouble."""
    about = info(name)
    length = case.spread(marks)
    severity: FindingSeverity = about.severity if about is not None else "warning"
    detail = f"Said {times(marks)}{case.span(marks)}; the last: {case.words(marks[-1])}"
    if not case.never_ready:
        severity = "info" if length < 10.0 else "warning"
        detail += ". It was there in the end" + (f", after at least {at_least(length)}." if length >= 1.0 else ".")
    elif case.report.end.kind == "failed" and severity == "critical":
        severity = "warning"
    title = "" if case.never_ready else _WAS_OVER.get(name, "")
    return case.say(name, detail, [mark.record for mark in marks], severity=severity, title=title)
