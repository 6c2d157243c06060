"""Starts that wait for somebody else: a server, etcd, a static pod, or answers to polls that do not come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from analyzer.analysis.rule_context import RuleContext, count, times
from analyzer.analysis.rule_registry import EVERY, POLL, rule
from analyzer.analysis.rules.tried_again import told_by
from analyzer.analysis.shared_facts import asks_itself
from analyzer.events import poll_errors
from analyzer.events.event import Mark
from analyzer.events.finding_info import POLLS
from analyzer.results import Finding, FindingSeverity
from analyzer.starts.readiness import own_api_missing

_LASTING_S = 60.0
_OLD_POD, _OLD_POD_S = "waiting for termination of old pod", 30.0
_STUCK_S = 120.0
_BY_ITSELF = "This server is not ready, by its own supervisor's word"
_LOOK_HERE = "It asks itself, and its etcd or its API server is not up: read what they say themselves: {log}"
_REPEATED = 3
_API_POD = "kube-apiserver"
_FROM_THE_API = ("readyz_failing", "forbidden", "not_ready_text")  # so the pod is up
_ETCD_OF_RKE2 = (
    "Normal for some seconds. If it stays, etcd's own lines say why (peers, disk, certificates, space); it is "
    "a static pod: {etcd_log}, and {kubelet_log} if there is none."
)


@rule("datastore_waiting", "static_pod_waiting", "server_not_ready", after=("tried_again",))
def still_waiting(context: RuleContext, known: Sequence[Finding]) -> Iterable[Finding]:
    """What a start without polls says it is waiting for: its etcd, RKE2's static pods, or another server.

    Not where a finding names the reason that these lines give.
    """
    if told_by(known, context.of("datastore_waiting", "pod_not_synced", "server_not_ready", "apiserver_waiting")):
        return ()
    if not context.never_ready or context.report.end.kind == "failed":
        return ()
    return list(_for_etcd(context)) or list(_for_pods(context)) or _for_server(context)


@rule("old_pod_ending")
def old_pod(context: RuleContext) -> Iterator[Finding]:
    """RKE2 waits until the pod of the run before has ended, however long that takes, also in a start that was ready."""
    marks = [mark for mark in context.of("pod_not_synced") if _OLD_POD in mark.groups.get("cause", "")]
    if context.spread(marks) >= _OLD_POD_S:
        component = marks[-1].groups["component"]
        detail = (
            f"The pod sandbox of {component} of the run before was still ending: said "
            f"{times(marks)}{context.span(marks)}. The new {component} starts only when it is gone."
        )
        advice = context.about("old_pod_ending").advice.replace("{component}", component)
        yield context.say("old_pod_ending", detail, marks, advice=advice)


def _unexplained(context: RuleContext, *ids: str) -> list[Mark]:
    """Lines that do not name their reason: one that does has a finding of its own."""
    named = {mark.record.seq for mark in context.starting if mark.kind == "problem"}
    return [mark for mark in context.of(*ids) if mark.record.seq not in named]


def _lasting(context: RuleContext, marks: list[Mark]) -> FindingSeverity:
    if not context.report.begin_seen:
        return "warning"  # who shows the middle of a wait has waited
    return "warning" if context.spread(marks) >= _LASTING_S or len(marks) >= _REPEATED else "info"


def _for_etcd(context: RuleContext) -> Iterator[Finding]:
    marks, answered = context.of("datastore_waiting"), context.studied.start.first("datastore_ready")
    if not marks or marks[-1] not in _unexplained(context, "datastore_waiting"):
        return
    if answered is None or answered.record.seq <= marks[-1].record.seq:
        detail = f"Said {times(marks)}{context.span(marks)}: {context.words(marks[-1])}"
        advice = _ETCD_OF_RKE2 if context.report.product == "rke2" else None
        yield context.say("datastore_waiting", detail, marks, severity=_lasting(context, marks), advice=advice)


def _for_pods(context: RuleContext) -> Iterator[Finding]:
    """RKE2's API server is a static pod: why it does not come up stands in other files."""
    start, report = context.studied.start, context.report
    if report.product != "rke2" or report.role == "agent" or start.first("serving_securely") is not None:
        return
    marks = [mark for mark in context.of("pod_not_synced") if mark.groups["component"] == _API_POD]
    synced = [mark for mark in start.marks("pod_synced") if mark.groups["component"] == _API_POD]
    up = synced and (not marks or synced[-1].record.seq > marks[-1].record.seq)
    if up or any(poll.error in _FROM_THE_API for poll in report.polls):
        return
    why = f": {marks[-1].groups['cause']}" if marks and marks[-1].groups.get("cause") else ""
    marks = marks or _unexplained(context, "apiserver_waiting", "server_not_ready")
    if marks:
        detail = f"RKE2 waits for the static pod of {_API_POD}{why}. Said {times(marks)}{context.span(marks)}."
        advice = context.about("static_pod_waiting").advice
        if report.role == "unknown":
            advice += " On an agent: look at the server instead."
        yield context.say("static_pod_waiting", detail, marks, severity=_lasting(context, marks), advice=advice)


def _for_server(context: RuleContext) -> Iterator[Finding]:
    """A server, its own or another machine's, says that it is not ready yet."""
    marks = _unexplained(context, "server_not_ready")
    asks = context.report.role == "agent" and not context.report.begin_seen  # who shows the middle of a wait has waited
    if marks and (context.spread(marks) >= _LASTING_S or len(marks) >= 10 or asks):
        detail = f"Said {times(marks)}{context.span(marks)}; the last: {context.words(marks[-1])}"
        own = all(asks_itself(context, mark.record) for mark in marks)
        title, advice = (_BY_ITSELF, _LOOK_HERE) if own else ("", None)
        yield context.say("server_not_ready", detail, marks, severity="warning", title=title, advice=advice)


_TELLING = 8  # characters of an answer that tell it from others


@rule("forbidden_lasting", "refused_lasting", POLL)
def poll_answers(context: RuleContext) -> Iterator[Finding]:
    """Classes of poll answers that do not heal by themselves, or lasted too long."""
    last = context.last_answer
    for error in context.report.errors:
        title, _ = poll_errors.advice(error.error)
        polls = [p for p in context.report.polls if p.error == error.error]
        length = (error.last_s - error.first_s) if error.last_s is not None and error.first_s is not None else 0.0
        length = max(0.0, length - context.report.clock.precision_s)  # stamps are truncated
        still = context.never_ready and last is not None and last.error == error.error
        over = f"{count(error.polls, 'poll')} over at least {int(length)} s"
        if title and (error.severity == "fatal" or length >= 30.0 or (still and length >= 10.0)):
            severity: FindingSeverity = "critical" if still and error.severity == "fatal" else "warning"
            text = next((p.text for p in reversed(polls) if p.text), "")
            if error.error == "other" and len(text.rstrip(" .…>")) < _TELLING:
                continue  # cut so early that any answer may have begun so
            detail = f"{over} answered: {text[:300]}"
            yield context.say(f"{POLLS}{error.error}", detail, polls, severity=severity)
        elif error.error == "forbidden" and still and length >= 60.0:
            detail = (
                f"{over} were refused (403, printed as 'unknown'). "
                "Normal until the default roles are loaded; they stay so when an administrator removed or froze them."
            )
            yield context.say("forbidden_lasting", detail, polls)
        elif error.error == "connection_refused" and length >= 60.0:
            yield context.say("refused_lasting", f"{over} found nobody listening.", polls)


@rule("stuck", after=(EVERY,))
def stuck(context: RuleContext, others: Sequence[Finding]) -> Iterator[Finding]:
    """The text ends long after the begin, and the start was still waiting."""
    report = context.report
    if report.outcome != "incomplete" or report.cut_at_s is None or report.cut_at_s < _STUCK_S or not report.begin_seen:
        return
    start = context.studied.start
    if own_api_missing(start) and start.first("k3s_running") is not None:
        return  # a server with etcd alone is up, and waits for no API server of its own
    last = next((poll for poll in reversed(report.polls) if poll.error is not None), None)
    if context.still_failing:
        waits = f"these checks were failing at last: {', '.join(context.still_failing)}"
    elif last is not None:
        waits = f"the last poll answered {last.error}"
    elif any(finding.severity == "critical" for finding in others):
        waits = "see the other findings for what it waits for"
    else:
        waits = "the log does not say for what"
    detail = f"After {int(report.cut_at_s)} s the log ends and readiness had not come; {waits}."
    yield context.say("stuck", detail, [context.studied.start.records[-1], *([last] if last is not None else [])])
