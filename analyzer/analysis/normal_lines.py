"""Which lines that look bad are normal in this start: judged by the error inside, whom it is about, and when it comes.

The sentence alone decides nothing: the same client of etcd that cannot reach its own server in the first seconds says
after minutes, or of another member, that something is wrong. A start that became ready shows by that that it was not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from analyzer.analysis.rule_context import RuleContext
from analyzer.events.catalogue import Rule, info
from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord

_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?=:\d)|\[[0-9a-fA-F:]{2,39}\](?=:\d)|localhost(?=:\d)")
JUST_LAUNCHED = "the container runtime, launched a moment before, does not answer yet"
_WAITS = ("cri_missing",)
# It answers, and not as a runtime: that does not pass.
_OTHER_ANSWER = "code = Unimplemented"
_FEW_WAITS, _SOON_S = 3, 10.0
_LAUNCH = re.compile(r"^Running (?:/\S{1,300}/)?(?:containerd|cri-dockerd|dockerd)\b")
_ASKED = re.compile(r"Addr: \\*\"([^\"\\]*)")


def normal_marks(context: RuleContext) -> list[Mark]:
    """The noise of the start that is normal in it, and waits for what was launched a moment before."""
    noise = [mark for mark in context.starting if mark.kind == "noise" and is_normal(context, mark)]
    return noise + just_launched(context)


def just_launched(context: RuleContext) -> list[Mark]:
    """Waits for a program that this very process launched some seconds before, while they are few.

    A program needs a moment until its socket is there; a wait that goes on is none of these.
    """
    waits = context.of(*_WAITS, before_ready=False)
    if not waits or len(waits) > _FEW_WAITS or any(_OTHER_ANSWER in mark.record.message for mark in waits):
        return []
    first, last = waits[0].record, waits[-1].record
    before = (r for r in reversed(context.studied.start.process) if r.seq < first.seq)
    launch = next((r for r in before if _LAUNCH.match(r.message)), None)
    if launch is None:
        return []
    begun, ended = context.studied.line_times.earliest(launch), context.studied.line_times.latest(last)
    soon = begun is not None and ended is not None and ended - begun <= _SOON_S
    return waits if soon else []


def other_answer(marks: Sequence[Mark]) -> bool:
    """Whether a wait's last line says that somebody answers, and not as what is waited for."""
    return bool(marks) and _OTHER_ANSWER in marks[-1].record.message


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
