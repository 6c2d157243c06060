"""Judges witness lines in the context of one process: which of them prove a bound, and of what.

The rules and their proofs are data (``events/witnesses.toml``). Conditions that need the whole process — fresh
datastore, first occurrence, a line that must or must not come before, release range — are judged here. Everything
stops at the first sign of a shutdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from analyzer.analysis.line_times import LineTimes
from analyzer.events.event import Event, WitnessLine, WitnessRule
from analyzer.events.versions import newest_minor, parse_version, verified_minor
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.start import Start, Verdict
from analyzer.window import Bound, Evidence

_OLDEST = (1, 24)  # the first release that was read; the last one is in ``events/versions.toml``
SERVING_RULE = "serving-before-every-hook"


@dataclass(frozen=True, slots=True)
class Proof:
    """A witness rule that holds here: a bound of ``check`` (a name, ``ready``, ``poststarthook/*`` or ``*``)."""

    rule: WitnessRule
    evidence: Evidence
    record: LogRecord


_FIRST_SIGNED = "certificate CN=system:admin,O=system:masters signed by "
_TOLD = 11  # characters by which those lines are known that may say so, however early they are cut
_FIRST_WORDS = ("generated s", "certificate")


def is_fresh(start: Start) -> bool:
    """Whether this process initialised the datastore: it made the cluster's client CA."""
    return start.first("client_ca_generated") is not None


def made_cluster(start: Start) -> bool | None:
    """The same, and ``None`` where the lines that would tell may be lost, and of agents, which make none.

    The client CA is made before k3s asks for its API server: who asks without having made one found one. So does a
    first start with a CA of the user's own, or one that joins: both sign the administrator's certificate by then, which
    a restart does not but to renew it (recorded: all first starts of joining servers, no restart).
    """
    if start.role != "server":
        return None
    if is_fresh(start):
        return True
    asked = start.first("apiserver_requested")
    if asked is None or not start.begin_seen or start.filtered:
        return None
    if any(seq <= asked.record.seq for seq in start.losses):
        return None
    before = [record for record in start.process if record.seq < asked.record.seq]
    cut = any(start.is_cut(record) and _may_be_signed(record) for record in before)
    return None if cut or any(record.message.startswith(_FIRST_SIGNED) for record in before) else False


def _may_be_signed(record: LogRecord) -> bool:
    """Whether a cut line may be one of those that a first start prints."""
    begin = record.message.rstrip(" .…>")[:_TOLD]
    return any(words.startswith(begin) for words in _FIRST_WORDS)


def proofs(start: Start, verdict: Verdict, line_times: LineTimes) -> Iterator[Proof]:
    """Every witness line of a start that proves something (``near`` rules included: they never bound)."""
    stop = verdict.stop_sign
    records = [r for r in start.records if stop is None or r.seq < stop.seq]
    yield from proofs_in(records, start.events, is_fresh(start), start.version, line_times)


def proofs_in(
    records: Sequence[LogRecord],
    events: Iterable[Event],
    fresh: bool | None,
    release: str | None,
    line_times: LineTimes,
) -> Iterator[Proof]:
    """The same of the lines of one process; ``fresh`` is ``None`` where nothing tells."""
    version = parse_version(release)
    minor = version.kubernetes_minor if version is not None else None
    lines = {
        event.record.seq: [rule for rule in event.rules if _applies(rule, fresh, minor)]
        for event in events
        if isinstance(event, WitnessLine)
    }
    if not lines:
        return
    rules = [rule for found in lines.values() for rule in found]
    conditions = {p.pattern: p for rule in rules for p in (rule.after_match, rule.unless_after) if p is not None}
    met: set[str] = set()
    seen: set[str] = set()
    for record in records:
        for rule in lines.get(record.seq, ()):
            if not _conditions_hold(rule, met) or (rule.first_only and rule.id in seen):
                continue
            seen.add(rule.id)
            evidence = _evidence(rule, record, line_times)
            if evidence is not None:
                yield Proof(rule, evidence, record)
        met |= {text for text, pattern in conditions.items() if text not in met and pattern.search(record.message)}


def _conditions_hold(rule: WitnessRule, met: set[str]) -> bool:
    """Whether the line that must come before has come, and the one that must not has not."""
    after = rule.after_match is None or rule.after_match.pattern in met
    return after and (rule.unless_after is None or rule.unless_after.pattern not in met)


def _applies(rule: WitnessRule, fresh: bool | None, minor: tuple[int, int] | None) -> bool:
    if (rule.datastore == "fresh" and not fresh) or (rule.datastore == "existing" and fresh is not False):
        return False
    if minor is None:  # unknown release: only what holds for every one that was read
        return rule.since <= _OLDEST and rule.until >= newest_minor()
    return rule.since <= verified_minor(minor) <= rule.until


def _evidence(rule: WitnessRule, record: LogRecord, line_times: LineTimes) -> Evidence | None:
    if rule.relation == "not_after":
        at = line_times.latest(record)
    else:
        # Only klog's own header time is sure to come before the statement that follows the line.
        if record.payload is Payload.KLOG and record.inner_at is None:
            return None
        at = line_times.earliest(record)
        if record.payload is Payload.LOGRUS and record.inner_at is not None and at is not None:
            # The journal may have taken it down late; the second in the line itself is when it was written.
            at = min(at, line_times.seconds(record.inner_at.us))
    if at is None or (rule.offset_s < 0 and at + rule.offset_s < 0):
        return None
    return Evidence(at + rule.offset_s, Bound.WITNESS, record.line, record.source, rule.id)
