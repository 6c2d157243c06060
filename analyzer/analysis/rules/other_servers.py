"""Clusters with several servers: whose API server the polls speak of."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.analysis.answering_server import evidence
from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.rule_registry import rule
from analyzer.results import Finding


@rule("other_server_answers", "several_servers")
def answered(context: RuleContext) -> Iterator[Finding]:
    """Says when another server may have answered, and when it did not although there are others."""
    found = context.studied.facts.answering
    if found.answered == "other" and (context.report.polls or context.report.outcome == "ready"):
        who = "An agent" if context.report.role == "agent" else "A server without an API server of its own"
        detail = (
            f"{who} asks through its local load balancer: the answers are another machine's, and where the cluster has "
            "several servers each answer may be a different one's. A check seen ok can be failing in the next answer; "
            "the windows tell when the answers turned, not when one server's check did."
        )
        yield context.say("other_server_answers", detail, evidence(found))
    elif found.several:
        detail = (
            "The cluster has other servers, but this one's polls go to its own API server, without load balancer: the "
            "windows are this server's. Agents and kubectl may have been served by the others meanwhile."
        )
        yield context.say("several_servers", detail, evidence(found))
