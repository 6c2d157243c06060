"""Judges witness lines in the context of one process: which of them prove a bound, and of what.

The rules and their proofs are data (``events/witnesses.toml``). Conditions that need the whole process — fresh
datastore, first occurrence, a line that must or must not come before, release range — are judged here. Everything
stops at the first sign of a shutdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analyzer.analysis.clocked import Clocked
from analyzer.events import witnesses
from analyzer.events.model import WitnessLine, WitnessRule
from analyzer.events.versions import parse_version
from analyzer.records.model import LogRecord, Payload
from analyzer.starts.model import Start, Verdict
from analyzer.window import Bound, Evidence

_OLDEST, _NEWEST = (1, 24), (1, 35)  # the range read in source
SERVING_RULE = "serving-before-every-hook"


# An absence counts only in a text that looks whole: lines of at least this many source files since serving (a server
# prints those of about 25), and proof that the datastore was empty where the rule needs it.
_WHOLE_FILES = 8
_EMPTY_DATASTORE = "created PriorityClass system-"


@dataclass(frozen=True, slots=True)
class Proof:
    """A witness rule that holds here: a bound of ``check`` (a name, ``ready``, ``poststarthook/*`` or ``*``)."""

    rule: WitnessRule
    evidence: Evidence
    record: LogRecord


def is_fresh(start: Start) -> bool:
    """Whether this process initialised the datastore: it made the cluster's client CA."""
    return start.first("client_ca_generated") is not None


def proofs(start: Start, verdict: Verdict, clocked: Clocked) -> Iterator[Proof]:
    """Every witness line of a start that proves something (``near`` rules included: they never bound)."""
    lines = {event.record.seq: event.rules for event in start.events if isinstance(event, WitnessLine)}
    if not lines:
        return
    fresh = is_fresh(start)
    version = parse_version(start.version) if start.version else None
    minor = (version.major, version.minor) if version is not None else None
    conditions = {p.pattern: p for rules in lines.values() for r in rules for p in (r.after_match, r.unless_after) if p}
    met: set[str] = set()
    seen: set[str] = set()
    for record in start.records:
        if verdict.stop_sign is not None and record.seq >= verdict.stop_sign.seq:
            return
        for rule in lines.get(record.seq, ()):
            if not _applies(rule, fresh, minor):
                continue
            if rule.after_match is not None and rule.after_match.pattern not in met:
                continue
            if rule.unless_after is not None and rule.unless_after.pattern in met:
                continue
            if rule.first_only:
                if rule.id in seen:
                    continue
                seen.add(rule.id)
            evidence = _evidence(rule, record, clocked)
            if evidence is not None:
                yield Proof(rule, evidence, record)
        for text, pattern in conditions.items():
            if text not in met and pattern.search(record.message):
                met.add(text)


def unfinished(start: Start, verdict: Verdict, clocked: Clocked, held: Iterable[Proof]) -> Iterator[Proof]:
    """Checks that cannot have ended, because the line that must come before their end had not come by the last line.

    Only for a start that was never seen ready, and only where no line can be missing: the process from its begin, no
    lines lost or passed over, lines of many source files. The bound is the last line that has a stamp of its own.
    """
    if verdict.detected is not None or start.version is None or not start.begin_seen or start.losses:
        return
    held = tuple(held)
    serving = next((proof.record for proof in held if proof.rule.id == SERVING_RULE), None)
    if serving is None or any(proof.rule.check == "ready" and proof.rule.relation == "not_after" for proof in held):
        return
    stop = verdict.stop_sign.seq if verdict.stop_sign is not None else None
    lines = [r for r in start.process if stop is None or r.seq < stop]
    if any(r.gap_before or r.truncated for r in lines[1:]):
        return
    since = [r for r in lines if r.seq > serving.seq and r.payload is Payload.KLOG and r.inner_at is not None]
    if len({r.file for r in since}) < _WHOLE_FILES or clocked.latest(since[-1]) is None:
        return
    at = clocked.earliest(since[-1])
    if at is None:
        return
    version = parse_version(start.version)
    minor = (version.major, version.minor) if version is not None else None
    empty = any(r.message.startswith(_EMPTY_DATASTORE) for r in since)
    seen = {proof.rule.id for proof in held}
    for rule in witnesses.rules():
        if not rule.always or rule.id in seen or not _applies(rule, is_fresh(start), minor):
            continue
        if rule.datastore == "fresh" and not empty:
            continue
        name = f"no-{rule.id}"
        yield Proof(rule, Evidence(at, Bound.WITNESS, since[-1].line, since[-1].source, name), since[-1])


def _applies(rule: WitnessRule, fresh: bool, minor: tuple[int, int] | None) -> bool:
    if rule.datastore == "fresh" and not fresh:
        return False
    if rule.datastore == "existing" and fresh:
        return False
    if minor is None:  # unknown release: only what holds for every one that was read
        return rule.since <= _OLDEST and rule.until >= _NEWEST
    return rule.since <= minor <= rule.until


def _evidence(rule: WitnessRule, record: LogRecord, clocked: Clocked) -> Evidence | None:
    if rule.relation == "not_after":
        at = clocked.latest(record)
    else:
        # Only klog's own header time is sure to come before the statement that follows the line.
        if record.payload is Payload.KLOG and record.inner_at is None:
            return None
        at = clocked.earliest(record)
    if at is None:
        return None
    return Evidence(at + rule.offset_s, Bound.WITNESS, record.line, record.source, rule.id)
