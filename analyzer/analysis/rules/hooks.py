"""What the API server's own checks say: definitions, aggregated APIs, the floor of a start, the poller's share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.analysis.rule_context import CLASSES, ROLES, RuleContext, count
from analyzer.analysis.rule_registry import rule
from analyzer.results import Finding, FindingSeverity
from analyzer.window import at_least, at_most

_CRDS = ("poststarthook/crd-informer-synced", "poststarthook/start-apiextensions-controllers")
_DISCOVERY = "poststarthook/apiservice-discovery-controller"
_REGISTRATION = "poststarthook/apiservice-registration-controller"
_GROUP = re.compile(r"^Adding GroupVersion (?P<group>[a-z0-9.-]+\.[a-z0-9-]+) \S+ to ResourceManager")
_OWN_GROUP = re.compile(r"(?:^|\.)k8s\.io$")
_API_NAME = re.compile(r'"(v\d\w*\.[a-z0-9.-]+)"|\b(v\d\w*\.[a-z0-9-]+(?:\.[a-z0-9-]+)+)')
_HEAVY_S = 5.0
_HELD_S = 1.5


@rule("crd_heavy")
def definitions(context: RuleContext) -> Iterator[Finding]:
    """The checks that wait for the list of custom resource definitions were late."""
    serving = context.studied.facts.serving
    checks = [check for name in _CRDS if (check := context.check(name)) is not None]
    check = max(checks, key=lambda check: check.failing_until_s or 0.0, default=None)
    if serving is None or check is None or check.failing_until_s is None:
        return
    least = check.failing_until_s - serving.at_s
    if least < _HEAVY_S:
        return
    detail = f"{check.name} was failing for at least {at_least(least)} after the server began to serve (normal: 0.3 s)."
    groups = {
        hit["group"]
        for record in context.studied.start.process
        if (hit := _GROUP.match(record.message)) is not None and not _OWN_GROUP.search(hit["group"])
    }
    if groups:
        detail += f" The log names at least {count(len(groups), 'API group')} beyond those of Kubernetes itself."
    yield context.say("crd_heavy", detail, lines=context.shown_failing(check))


@rule("dead_aggregated_api")
def aggregated(context: RuleContext) -> Iterator[Finding]:
    """From 1.30 on the first discovery round of the aggregator waits for APIs that do not answer."""
    discovery, registration = context.check(_DISCOVERY), context.check(_REGISTRATION)
    if discovery is None or registration is None:
        return
    until, begun = discovery.failing_until_s, registration.cleared.upper
    if until is None or begun is None or until - begun < _HELD_S:
        return
    marks = context.of("noise_openapi")
    names = sorted({hit[1] or hit[2] for m in marks if (hit := _API_NAME.search(m.record.message)) is not None})
    detail = (
        f"The first discovery round went on for at least {at_least(until - begun)} after the APIs were registered: it "
        "waits up to 5 s for one that does not answer."
    )
    if names:
        detail += f" Named in the log: {', '.join(names[:3])}."
    severity: FindingSeverity = "warning" if discovery.last_blocker != "no" else "info"
    lines = context.shown_failing(discovery)
    yield context.say("dead_aggregated_api", detail, marks, severity=severity, lines=lines)


@rule("polling_tax")
def tax(context: RuleContext) -> Iterator[Finding]:
    """How much later than ready k3s noticed."""
    span = context.report.polling_tax_s
    interval = context.report.poller.interval_s or 2.0
    if span is None or span.max is None or span.max < 1.0 or context.never_ready:
        return
    if span.min < 0.5 and span.max > interval + 0.3:
        return  # the window is wide, which says nothing of the poller
    window = f"at most {at_most(span.max)}"
    if span.min >= 0.1:
        window = f"between {at_least(span.min)} and {at_most(span.max)}"
    detail = f"The API was ready {window} before k3s noticed: it asks every {interval:g} s."
    record = context.studied.verdict.detected
    yield context.say("polling_tax", detail, [record] if record is not None else [])


@rule("one_second_floor")
def floor(context: RuleContext) -> Iterator[Finding]:
    """A start that is as fast as it can be: two hooks wait one second before their first try."""
    serving, ready = context.studied.facts.serving, context.report.ready
    checks = context.report.bottleneck.checks
    if serving is None or ready.upper is None or context.never_ready or not {ROLES, CLASSES}.intersection(checks):
        return
    took = ready.upper - serving.at_s
    if took <= 2.0:
        detail = (
            f"From serving to ready at most {at_most(took)} passed, of which 1 s is by design: rbac/bootstrap-roles "
            "and scheduling/bootstrap-system-priority-classes wait a second before their first try."
        )
        yield context.say("one_second_floor", detail, [serving])


@rule("silent_poller")
def poller(context: RuleContext) -> Iterator[Finding]:
    """Releases that print no polls."""
    note = context.report.poller
    if note.prints_polls is False and not context.report.polls and not context.report.shows_no_api:
        banner = context.studied.start.first("starting", "apiserver_version")
        callers = count(context.studied.polls.spec.pollers, "caller asks", "callers ask")
        detail = (
            f"{context.report.version or 'This release'} prints no polls: {callers} once a "
            "second in silence. Readiness is bounded by other components' lines alone."
        )
        yield context.say("silent_poller", detail, [banner] if banner is not None else [])
