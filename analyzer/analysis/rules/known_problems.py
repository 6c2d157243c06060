"""Every other known problem line, and the verdict that alarmed users ask for: that nothing is wrong."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from analyzer.analysis.late_goals import late_goals
from analyzer.analysis.normal_lines import just_launched, normal_marks, other_answer
from analyzer.analysis.rule_context import RuleContext, count, sentences, shortened, times
from analyzer.analysis.rule_registry import EVERY, PROBLEM, looked_for, rule
from analyzer.analysis.shared_facts import asks_itself, kubelet_keeps_ending
from analyzer.analysis.since_begin import since_begin
from analyzer.analysis.told_more import told_more
from analyzer.analysis.unsettled import lasting_errors, lines_told, open_waits, unknown_alarms, waits_behind_readiness
from analyzer.analysis.usual import is_late
from analyzer.events.catalogue import causes_in, with_reason
from analyzer.events.causes import advice_for, cause_of, title_for
from analyzer.events.event import Mark
from analyzer.events.finding_info import problems as catalogue_problems, reported_as
from analyzer.events.products import advise
from analyzer.events.redaction import mask_secrets
from analyzer.records.log_record import LogRecord
from analyzer.results import Finding, Goal
from analyzer.window import at_least, at_most

# What a joining node asks behind /cacerts, and the status with which it was answered: by the server, or by what stands
# before it.
_ANSWER = re.compile(r"https?://[^\s\"]{1,200}/v1-[^\s\"]{1,200}: [1-5]\d\d [A-Z]")
_OF_ETCD = "etcd_"  # of its members; a supervisor's answer tells nothing of them
_OFTEN = 5
_OFTEN_IN_A_FRAGMENT = 3  # who shows the middle of a wait has waited
_SHORT_S = 15.0
_KEPT_BACK = "The node on this machine does not come up"
_NO_END = "The same error comes until the log ends"
_LOOK = (
    "The end of that line names what is missing: as a rule it lies on this very machine (a setting, a file, an "
    "interface, the container runtime, the kubelet). No pods run here before that: {log}"
)
_UNREGISTERED = "Unable to register node"
_LONG_AFTER_S = 300.0  # after readiness a node has long registered


@rule(PROBLEM, after=("process_failed",), place="stuck")
def problems(context: RuleContext, ended: Sequence[Finding]) -> Iterator[Finding]:
    """Once per kind; in a start that became ready none is worth more than a warning.

    Not those that the end names or that ``ended`` tells of already.
    """
    explained = {finding.id for finding in ended} | {reported_as(rule.id) for rule, _ in causes_in(context.last_words)}
    usual = {mark.record.seq for mark in just_launched(context)}
    groups: dict[str, list[Mark]] = defaultdict(list)
    for mark in [*context.starting, *_does_not_pass(context)]:
        if (
            mark.kind == "problem"
            and _is_told_alone(mark.id)
            and mark.id not in explained
            and mark.record.seq not in usual
        ):
            groups[mark.id].append(mark)
    # A line that says why the peer was of no use has that finding; it is no sign that nobody was there.
    told = {mark.record.seq for name, marks in groups.items() for mark in marks if not _is_peer(name)}
    for name, marks in groups.items():
        if _is_peer(name):
            marks = [mark for mark in marks if mark.record.seq not in told]
            if marks:
                yield _peer(context, marks, name)
        elif name != "tunnel_rbac" or context.report.end.kind != "stopped":  # that wait is cancelled by every stop
            yield _problem(context, marks, name)


def _does_not_pass(context: RuleContext) -> list[Mark]:
    """Lines behind readiness of what a ready API server does not end.

    Somebody else answers, its own agent still waits, or the node is not registered: of an agent that is all there is.
    """
    noticed, open_ = context.studied.verdict.detected, waits_behind_readiness(context)
    later = [mark for mark in context.marks if noticed and mark.record.seq >= noticed.seq]
    report = context.report
    away = report.begin_seen and any(goal.id == "node" and goal.state != "reached" for goal in report.goals)
    return [
        mark
        for mark in later
        if mark.record.seq in open_
        or (mark.id == "cri_missing" and other_answer([mark]))
        or (away and (report.role == "agent" or _UNREGISTERED in mark.record.message))
    ]


def _problem(context: RuleContext, marks: list[Mark], name: str) -> Finding:
    severity = context.about(name).severity
    if severity == "critical" and (not context.never_ready or context.report.end.kind == "failed"):
        # It became ready all the same, or it ended with another cause.
        severity = "info" if catalogue_problems()[name].problem_class == "load" else "warning"
    few = _OFTEN if context.report.begin_seen else _OFTEN_IN_A_FRAGMENT
    if name == "cri_missing" and len(marks) < few and context.spread(marks) < _SHORT_S and not other_answer(marks):
        severity = "info"  # k3s asks its own runtime from the moment it launches it
    if name == "kubelet_exited" and context.report.product == "rke2" and not kubelet_keeps_ending(context):
        severity = "info" if _has_started_pods(context, marks[-1]) else "warning"  # it was run again and stayed
    if context.studied.start.first("cluster_reset_done") is not None:
        severity = "info"  # it did what it was started for
    alike = len({mark.record.message for mark in marks}) == 1
    said = f"Said {times(marks)}" if alike else f"{len(marks)} lines"
    detail = f"{said}{context.span(marks)}{'' if alike else '; the last'}: {context.words(marks[-1])}"
    title, advice, means = _inside(context, marks[-1], name)
    proof: list[Mark | LogRecord] = [*marks]
    if (more := told_more(context, name, with_reason(marks[-1].record), marks[-1].groups)) is not None:
        title, advice, means = more.title or title, more.advice or advice, more.means or means
        proof += [more.beside] if more.beside is not None else []
    return context.say(name, sentences([detail, means]), proof, severity=severity, title=title, advice=advice)


def _has_started_pods(context: RuleContext, mark: Mark) -> bool:
    """Whether RKE2 found a pod of its kubelet running later."""
    return any(later.record.seq > mark.record.seq for later in context.studied.start.marks("pod_synced"))


def _inside(context: RuleContext, mark: Mark, name: str) -> tuple[str, str | None, str]:
    """Title, advice and meaning by the error inside of a line that only says where something failed.

    The same that an end with these words is told; else those of the finding.
    """
    rule = catalogue_problems()[name]
    cause = cause_of(with_reason(mark.record), context.report.product) if rule.outer else None
    if cause is not None and cause.sure and cause.advice:
        return title_for(cause, context.site), advice_for(cause, context.site), advise(cause.means, context.site)
    port = mark.groups.get("address", "").rpartition(":")[2]
    return "", advise(context.about(name).advice, context.site).replace("<port>", port) if port.isdigit() else None, ""


def _is_told_alone(problem: str) -> bool:
    return problem in catalogue_problems() and problem not in looked_for() and reported_as(problem) == problem


def _is_peer(name: str) -> bool:
    return catalogue_problems()[name].problem_class == "peer"


def _peer(context: RuleContext, marks: list[Mark], name: str) -> Finding:
    """A wait for another machine that names its reason; short ones that were over in the end are no trouble."""
    about, length = context.about(name), context.spread(marks)
    severity, title = about.severity, ""
    detail = f"Said {times(marks)}{context.span(marks)}; the last: {context.words(marks[-1])}"
    if not context.never_ready:
        severity, title = "info" if length < 10.0 else "warning", about.title_over
        detail += ". It was there in the end" + (f", after at least {at_least(length)}." if length >= 1.0 else ".")
    elif context.report.end.kind == "failed" and severity == "critical":
        severity = "warning"
    by_http = not name.startswith(_OF_ETCD)
    if context.never_ready and by_http and (answered := _answered_after(context, marks)) is not None:
        severity = "info"
        detail += f". That was overcome: line {answered.line} holds an answer over HTTP"
    inside, advice, means = _inside(context, marks[-1], name) if context.never_ready else ("", None, "")
    more = told_more(context, name, with_reason(marks[-1].record), marks[-1].groups) if context.never_ready else None
    if more is not None:
        inside, advice, means = more.title or inside, more.advice or advice, more.means or means
    return context.say(name, sentences([detail, means]), marks, severity=severity, title=title or inside, advice=advice)


def _answered_after(context: RuleContext, marks: Sequence[Mark]) -> LogRecord | None:
    """The first line after a wait for a server that shows an answer of it, whatever it says; not one of its own."""
    later = (record for record in context.studied.start.process if record.seq > marks[-1].record.seq)
    answers = (record for record in later if _ANSWER.search(record.message) is not None)
    return next((record for record in answers if not asks_itself(context, record)), None)


def _may_hide_slowness(context: RuleContext) -> bool:
    """Whether lines are missing between the begin and the line that shows readiness: what took long may be in them."""
    start, detected = context.studied.start, context.studied.verdict.detected
    return bool(start.records) and detected is not None and start.lost_between(start.records[0].seq, detected.seq)


@rule("later_than_usual")
def later_than_usual(context: RuleContext) -> Iterator[Finding]:
    """A start of k3s that took longer than nearly all that were measured."""
    report, common = context.report, context.report.usual
    if common is not None and is_late(report):
        detail = (
            f"Ready after at least {at_least(report.ready.lower or 0.0)}: of {common.starts} starts measured "
            f"{common.kind}, 95 of 100 were ready within {common.late_s:g} s, half of them within "
            f"{common.from_s:g} to {common.to_s:g} s."
        )
        noticed = context.studied.verdict.detected
        yield context.say("later_than_usual", detail, [noticed] if noticed is not None else [])


def _should_have_come(context: RuleContext, goal: Goal) -> bool:
    """Whether a whole text goes on for long after readiness, its kubelet was started, and its node never came."""
    report, start = context.report, context.studied.start
    noticed, last = report.detected.upper, report.cut_at_s
    if goal.id != "node" or goal.state != "unknown" or report.role == "agent" or report.product != "k3s":
        return False
    whole = (
        report.begin_seen and not start.filtered and not report.gaps and start.first("kubelet_requested") is not None
    )
    return whole and noticed is not None and last is not None and last - noticed >= _LONG_AFTER_S


@rule("healthy", "open_wait", "unknown_alarms", after=(EVERY,))
def healthy(context: RuleContext, others: Sequence[Finding]) -> Iterator[Finding]:
    """A start that became ready in its usual time, reached all it is for and shows nothing to be done.

    Not while it waits at the end of the text, or lines that look alarming are not known: that is said instead.
    """
    unsettled = [*_kept_back(context, others)] or [*_unsettled(context, others)]
    yield from unsettled or _healthy(context, others)


def _kept_back(context: RuleContext, others: Sequence[Finding]) -> Iterator[Finding]:
    """A wait of a server's own agent that goes on behind readiness, of which no finding tells."""
    told_of = lines_told(others)
    for wait in open_waits(context):
        last = wait.records[-1]
        if wait.behind and (last.source, last.line) not in told_of:
            said = _said_last(wait.records)
            detail = f"The API server is ready, and it still waited for {wait.what} when the log ended. {said}"
            advice = advise(_LOOK, context.site)
            yield context.say("open_wait", detail, wait.records, severity="warning", title=_KEPT_BACK, advice=advice)


def _said_last(records: Sequence[LogRecord]) -> str:
    return f"Said {times(records)}; the last: {shortened(mask_secrets(with_reason(records[-1])))}"


def _unsettled(context: RuleContext, others: Sequence[Finding]) -> Iterator[Finding]:
    """What nobody else tells of a text that goes on without an end and asks for nothing yet."""
    if context.report.end.kind == "failed" or any(finding.severity != "info" for finding in others):
        return
    for wait in open_waits(context):
        detail = f"It still waited for {wait.what} when the log ended. {_said_last(wait.records)}"
        yield context.say("open_wait", detail, wait.records)
    if lasting := lasting_errors(context):
        detail = f"It was ready, and an error comes until the log ends. {_said_last(lasting)}"
        yield context.say("unknown_alarms", detail, lasting, title=_NO_END)
    elif alarms := unknown_alarms(context, others):
        said = shortened(mask_secrets(with_reason(alarms[0])))
        detail = f"{count(len(alarms), 'line')} at error level or worse that this program does not know, as: {said}"
        yield context.say("unknown_alarms", detail, alarms)


def _healthy(context: RuleContext, others: Sequence[Finding]) -> Iterator[Finding]:
    report = context.report
    if report.outcome != "ready" or report.end.kind == "failed" or report.observer == "wait":
        return
    if not report.begin_seen or _may_hide_slowness(context):
        return  # how long it took is not in the text
    ready = since_begin(report, report.ready)
    if any(finding.severity != "info" or finding.id == "later_than_usual" for finding in others):
        return
    if late_goals(report) or any(g.state == "not_reached" or _should_have_come(context, g) for g in report.goals):
        return
    detail = "It became ready"
    if ready.upper is not None and report.role != "agent":
        least = f"at least {at_least(ready.lower)} and " if ready.lower is not None and ready.lower > 0 else ""
        detail += f" after {least}at most {at_most(ready.upper)}"
    polls = sum(1 for poll in report.polls if poll.printed and poll.error is not None)
    noise = len(normal_marks(context))
    if polls or noise:
        seen = [count(polls, "poll line")] * bool(polls)
        seen += [count(noise, "other line" if polls else "line")] * bool(noise)
        detail += f"; {' and '.join(seen)} that may look alarming come with every start"
    slower = [f"“{finding.title}”" for finding in others if context.about(finding.id).slows]
    detail += f". It could have been quicker: see {' and '.join(slower)}." if slower else "."
    record = context.studied.verdict.detected
    yield context.say("healthy", detail, [record] if record is not None else [])
