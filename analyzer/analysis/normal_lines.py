"""Which lines that look bad are normal in this start: judged by the error inside, whom it is about, and when it comes.

The sentence alone decides nothing: the same client of etcd that cannot reach its own server in the first seconds says
after minutes, or of another member, that something is wrong. A start that became ready shows by that that it was not.
"""

from __future__ import annotations

import ipaddress
import re

from analyzer.analysis.rule_context import RuleContext
from analyzer.events.catalogue import Rule, info
from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord

_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?=:\d)|\[[0-9a-fA-F:]{2,39}\](?=:\d)|localhost(?=:\d)")
_ASKED = re.compile(r"Addr: \\*\"([^\"\\]*)")


def normal_marks(context: RuleContext) -> list[Mark]:
    """The noise of the start that is normal in it."""
    return [mark for mark in context.starting if mark.kind == "noise" and is_normal(context, mark)]


def is_normal(context: RuleContext, mark: Mark) -> bool:
    """Whether a line of known noise is what a healthy start prints as well."""
    rule = info(mark.id)
    if rule is None or not context.never_ready:
        return True
    return not (_too_late(context, mark, rule) or (rule.own and asks_another(mark.record)))


def _too_late(context: RuleContext, mark: Mark, rule: Rule) -> bool:
    """Later than such lines come, if the start's begin is in the text."""
    at = context.studied.line_times.earliest(mark.record)
    return context.report.begin_seen and at is not None and 0.0 < rule.usual_s < at


def asked(record: LogRecord) -> str:
    """The address of which a client's line says that it was asked; empty: it names none."""
    told = record.fields.get("target", "") or ((found := _ASKED.search(record.message)) and found[1]) or ""
    address = _ADDRESS.search(told)
    return address[0] if address is not None else ""


def asks_another(record: LogRecord) -> bool:
    """Whether a client's line is about another machine than its own."""
    address = asked(record).strip("[]")
    if address in ("", "localhost"):
        return False
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
