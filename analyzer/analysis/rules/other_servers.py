"""Other servers: whose API server the polls speak of, and at which port the one to join is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.analysis.answering_server import evidence
from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.rule_registry import rule
from analyzer.records.log_record import LogRecord, Payload
from analyzer.results import Finding

_ASKED = re.compile(
    r"(?:-> \[|\[default: |connection to cluster at https://|Adding server to load balancer \S{1,80}: |"
    r'Get "(?=https://\S{1,300}/(?:cacerts|v1-(?:k3s|rke2)/))https://)'
    r'(?P<host>\[[0-9a-fA-F:.]{2,60}\]|[^\s\[\]:"/]{1,253}):(?P<port>\d{1,5})\b'
)
_ITSELF = ("127.", "localhost", "[::1]", "0.0.0.0")
_NO_ANSWER = re.compile(
    r"(?:failed to get CA certs: |connection to cluster at |CA cert validation failed|agent configuration; server is )"
    r".{0,1000}?(?:EOF|reset by peer|refused|timeout|deadline exceeded|Unauthorized|cannot get path|: 40[134] |"
    r"HTTP response|tls: )"
)
# Where a supervisor of the other product, or another part of the same, listens.
_NEVER = {"k3s": {"9345", "6444", "2379", "2380", "10250"}, "rke2": {"6443", "6444", "2379", "2380", "10250"}}
_SUPERVISORS = {"rke2": "9345"}  # that of k3s is the API server's, which https-listen-port may move anywhere


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


@rule("join_port")
def join_port(context: RuleContext) -> Iterator[Finding]:
    """The URL of the server to join names a port at which no supervisor is, and nothing that makes sense answers."""
    product = context.report.product
    if product not in _NEVER or context.report.outcome == "ready":
        return
    said = [record for record in context.studied.start.process if record.payload is Payload.LOGRUS]
    lines = [(record, hit) for record in said for hit in _ASKED.finditer(record.message)]
    asked = [(record, hit) for record, hit in lines if not hit["host"].startswith(_ITSELF)]
    right = _SUPERVISORS.get(product)
    wrong = [one for one in asked if one[1]["port"] in _NEVER[product] or (right and one[1]["port"] != right)]
    failed = [r for r in said if _NO_ANSWER.search(r.message)]
    if not wrong or len(wrong) < len(asked) or not failed:
        return
    record, hit = wrong[0]
    sure = hit["port"] in _NEVER[product]
    detail = f"It asks {hit['host']}:{hit['port']}"
    detail += "." if sure else ", which only a load balancer in between would make right."
    proof: list[LogRecord] = [record, *failed[:3]]
    yield context.say("join_port", detail, proof, severity="critical" if sure else "warning")
