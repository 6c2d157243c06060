"""What the datastore did to a start: slow, away, late, or bad again after it had been good."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from analyzer.analysis.check_windows import PROBES
from analyzer.analysis.rule_context import ROLES, RuleContext, count, durations, listing
from analyzer.analysis.rule_registry import rule
from analyzer.analysis.shared_facts import (
    OUT_OF_PROPORTION,
    SLOW,
    only_roles,
    proportion,
    silences,
    slow_answers,
)
from analyzer.events.event import Mark
from analyzer.results import Check, Finding, FindingSeverity, Poll
from analyzer.window import at_least, at_most

_STORE_STEPS = ("etcd3", "Txn call", "Write to database", "Object stored")
_VERBS = frozenset({"Get", "List", "Create", "Update", "Patch", "Delete"})
# Serial requests of the rbac hook, read in the source and measured: on a restart, and at most on an empty datastore.
_ROLES_REQUESTS = (125, 260)
_HOOK_LIMIT_S = 30.0
_KINDS = {
    "slow_sql": "Slow SQL", "etcd_slow_apply": "etcd applies requests slowly", "etcd_slow_fsync": "slow syncs to disk",
    "etcd_slow_read": "etcd waits for its quorum", "etcd_overloaded": "etcd misses heartbeats",
    "trace": "slow requests traced", "trace_step": "slow steps in traces", "rbac_try_failed": "writes given up",
    "trace_end": "slow requests traced",
}  # fmt: skip
_REPEATED = 3
_DEADLY_S = 5.0
_LONG_REQUEST_S = 2.0
_LONG_CHECK_S = 3.0
_LONG_ROLES_S = 5.0
_GIVEN_UP = re.compile(r"deadline exceeded|request timed out|leader changed|too many requests|database is locked")
# An address with a port: unix sockets are kine's or the container runtime's.
_ETCD_ADDRESS = re.compile(r'failed to connect to \{Addr: "(?P<address>[^"/]+:\d+)"')


_TURNED_AWAY = re.compile(
    r"\berr:[^\n]{0,300}(?:not yet ready to handle request|is forbidden|unauthorized|already exists)"
)


@rule("slow_datastore", "slow_bootstrap_roles", "slow_try", after=("datastore_check_failing",))
def slow(context: RuleContext, stalled: Sequence[Finding]) -> Iterator[Finding]:
    """Slow answers of the datastore while the start was under way, by their own lines or by the serial role writes.

    ``stalled``: its own check tells that it stood still, which says more than slow writes.
    """
    refused = _refused(context)
    marks = [mark for mark in context.of(*SLOW, "rbac_try_failed") if _of_the_store(mark)] + _headless(context)
    marks = [mark for mark in marks if mark.groups.get("trace") not in refused]
    told = _told(context, marks)
    if (told is None or told.severity == "info") and not stalled and _points_at_datastore(context):
        told = _inferred(context, told, [mark for mark in marks if mark.id not in ("trace", "trace_step")])
    # One or two answers of less than a second: nobody need know.
    if told is not None and (told.severity != "info" or len(marks) >= _REPEATED):
        yield told
    yield from _roles(context)


def _refused(context: RuleContext) -> frozenset[str]:
    """The traces of requests that were turned away before they came to the datastore: its time is not in them."""
    steps = (m for m in context.of("trace", "trace_step") if _TURNED_AWAY.search(m.record.message))
    return frozenset(mark.groups["trace"] for mark in steps if "trace" in mark.groups)


def _headless(context: RuleContext) -> list[Mark]:
    """Ends of long requests whose first lines somebody left out (grep END): next to all of them ask the datastore."""
    headed = {mark.groups.get("trace") for mark in context.of("trace")}
    ends = [mark for mark in context.of("trace_end") if mark.groups.get("trace") not in headed]
    return [mark for seconds, mark in durations(ends) if seconds >= _LONG_REQUEST_S]


def _of_the_store(mark: Mark) -> bool:
    """Whether a line is about work that ends in the datastore; a slow proxy or a slow handshake is not."""
    if mark.id == "rbac_try_failed":
        return _GIVEN_UP.search(mark.record.message) is not None
    if mark.id not in ("trace", "trace_step"):
        return True
    operation = mark.groups.get("operation", "")
    return operation in _VERBS or any(step in operation for step in _STORE_STEPS)


def _told(context: RuleContext, marks: list[Mark]) -> Finding | None:
    if not marks:
        return None
    timed = sorted(durations(marks), key=lambda pair: pair[0], reverse=True)
    kinds = Counter(_KINDS.get(mark.id, mark.id) for mark in marks)
    detail = f"{count(len(marks), 'line')} about it{context.span(marks)}: {listing(kinds)}."
    if timed:
        worst, mark = timed[0]
        what = mark.groups.get("operation", "")
        detail += f" The slowest took at least {math.floor(worst * 100) / 100:.2f} s" + (f" ({what})." if what else ".")
    bottleneck = context.report.bottleneck
    if bottleneck.checks and bottleneck.certainty == "certain":
        last = "is failing" if context.never_ready else "was the last to clear"
        detail += f" {bottleneck.checks[0]} {last}."
    worst_s = timed[0][0] if timed else 0.0
    total_s = sum(seconds for seconds, _ in timed)
    lost = sum(mark.id == "rbac_try_failed" for mark in marks)
    strong = worst_s >= 1.0 or total_s >= 2.0 or len(marks) >= 10 or lost >= 2
    severity: FindingSeverity = "warning" if strong else "info"
    if worst_s >= _DEADLY_S and context.report.end.kind == "failed" and context.never_ready:
        severity = "critical"  # requests give up after 10 s, and so do the components that made them
    return context.say("slow_datastore", detail, [mark for _, mark in timed] or marks, severity=severity)


def _points_at_datastore(context: RuleContext) -> bool:
    """Whether the role writes were slow out of proportion to the API server's own work, with the process awake."""
    least, times = context.roles_s, proportion(context)
    if context.datastore not in ("etcd", "external") or least is None or times is None:
        return False
    awake = all(only_roles(context, gap) or gap.end_s <= _serving(context) for gap in silences(context))
    return least >= _LONG_ROLES_S and times >= OUT_OF_PROPORTION and awake and len(slow_answers(context)) < 2


def _serving(context: RuleContext) -> float:
    return context.studied.facts.serving.at_s if context.studied.facts.serving is not None else 0.0


def _inferred(context: RuleContext, told: Finding | None, marks: list[Mark]) -> Finding:
    where = {"etcd": "the disk under etcd", "external": "the database or the way to it"}[context.datastore]
    least, boot = context.roles_s or 0.0, context.boot_most_s or 1.0
    detail = "No line reports slow answers, but " if told is None else f"{told.detail} Besides, "
    detail += (
        f"the serial role writes took at least {at_least(least)} while the API server's own boot took at most "
        f"{at_most(boot)}: at least {int(10 * least / boot) / 10:g} times as long (a server that only lacks CPU stays "
        f"under 1), so {where} was slow, not the CPU alone."
    )
    lines = _serving_to_roles(context)
    return context.say("slow_datastore", detail, marks, severity="warning", lines=lines)


def _serving_to_roles(context: RuleContext) -> list[tuple[int, int]]:
    """(source, line) of where the server began to serve and of what last showed the roles missing."""
    serving, roles = context.studied.facts.serving, context.check(ROLES)
    places = [(serving.source, serving.line)] if serving is not None else []
    places += [(roles.cleared.source, roles.cleared.lower_line)] if roles is not None else []
    return [(source, line) for source, line in places if line is not None]


def _roles(context: RuleContext) -> Iterator[Finding]:
    """The serial hook makes small delays visible that no line reports."""
    serving, check, least = context.studied.facts.serving, context.check(ROLES), context.roles_s
    if check is None or serving is None or least is None or check.cleared.lower is None:
        return
    if least < _LONG_ROLES_S or (context.never_ready and not check.failing_at_last):
        return
    most = "" if check.cleared.upper is None else f" and at most {at_most(check.cleared.upper - serving.at_s)}"
    few, many = _ROLES_REQUESTS
    detail = (
        f"{ROLES} took at least {at_least(least + 1.0)}{most} after the server began to serve, its first second by "
        f"design. It makes {few} to {many} requests one after the other: at least {int(least / many * 1000)} ms for "
        "each on average, or a try failed and was repeated."
    )
    silent = sum(
        max(
            0.0, min(gap.end_s, check.cleared.lower) - max(gap.begin_s, serving.at_s) - context.report.clock.precision_s
        )
        for gap in context.report.gaps
        if gap.kind == "silent" and gap.begin_s < check.cleared.lower and gap.end_s > serving.at_s
    )
    if silent > 1.0:
        detail += f" In {at_least(silent)} of that nothing at all was logged."
    lines = _serving_to_roles(context)
    yield context.say("slow_bootstrap_roles", detail, lines=lines)
    if least > _HOOK_LIMIT_S and not context.of("rbac_try_failed") and context.report.end.kind != "failed":
        detail = (
            f"{ROLES} was at work for at least {at_least(least)}, past its limit of {_HOOK_LIMIT_S:g} s, and no line "
            "reports a failed try: the limit is looked at only between tries, so one slow try passes."
        )
        yield context.say("slow_try", detail, lines=lines)


@rule("hook_retried")
def retried(context: RuleContext) -> Iterator[Finding]:
    """Tries of the roles hook that failed; each is followed by a whole new round."""
    if marks := context.of("rbac_try_failed"):
        what = f"{count(len(marks), 'object')} could not be written{context.span(marks)}"
        yield context.say("hook_retried", f"{what}; the last: {context.words(marks[-1])}", marks)


@rule("no_quorum", "too_many_clients", "datastore_unreachable", "datastore_late")
def away(context: RuleContext) -> Iterator[Finding]:
    """The datastore was away: quorum, connection limit, unreachable or late."""
    never_ready = context.never_ready
    quorum = context.of("no_quorum")
    if len(quorum) >= _REPEATED and context.datastore != "external":
        detail = f"{count(len(quorum), 'line')} of etcd about missing peers or a missing leader{context.span(quorum)}."
        if never_ready:
            yield context.say("no_quorum", detail, quorum, severity="critical")
        else:
            severity: FindingSeverity = "warning" if context.spread(quorum) >= 10.0 else "info"
            title = context.about("no_quorum").title_over
            yield context.say("no_quorum", f"{detail} It was found in the end.", quorum, severity=severity, title=title)
    clients = context.of("too_many_clients")
    if clients:
        detail = f"{count(len(clients), 'request')} refused{context.span(clients)}."
        yield context.say("too_many_clients", detail, clients, severity="critical" if never_ready else "warning")
    refused = {mark.record.seq for mark in clients}
    lost = [m for m in context.of("datastore_unreachable") if not quorum and m.record.seq not in refused]
    tries, length = f"{count(len(lost), 'attempt')} failed{context.span(lost)}", context.spread(lost)
    if len(lost) >= _REPEATED and never_ready:
        detail = f"{tries}; the last one: {context.words(lost[-1])}"
        yield context.say("datastore_unreachable", detail, lost, severity="critical")
    elif len(lost) >= _REPEATED and length >= 5.0:
        yield context.say("datastore_late", f"{tries} (at least {at_least(length)}), then it was there.", lost)
    if never_ready and not lost and not quorum:
        yield from _silent_etcd(context)


def _silent_etcd(context: RuleContext) -> Iterator[Finding]:
    """An etcd that nobody serves: k3s waits in silence, only gRPC's own retries (noise elsewhere) tell of it."""
    refused: dict[str, list[Mark]] = defaultdict(list)
    for mark in context.of("noise_grpc_retry"):
        hit = _ETCD_ADDRESS.search(mark.record.message)
        if hit is not None:
            refused[hit["address"]].append(mark)
    often = ((address, marks) for address, marks in refused.items() if len(marks) >= _REPEATED + 2)
    for address, marks in islice(often, 1):
        detail = f"{count(len(marks), 'attempt')} to connect to etcd at {address} failed{context.span(marks)}."
        yield context.say("datastore_unreachable", detail, marks, severity="critical")


@rule("datastore_relapsed", "datastore_check_failing")
def own_check(context: RuleContext) -> Iterator[Finding]:
    """The checks ``etcd`` and ``etcd-readiness``: what fails beside them may only be waiting for the datastore."""
    seen = (check for name in PROBES if (check := context.check(name)) is not None and check.seen_failing)
    told = (_relapse(context, check.name) or _failing(context, check) for check in seen)
    yield from islice((finding for finding in told if finding is not None), 1)


def _lists(context: RuleContext) -> list[Poll]:
    return [poll for poll in context.report.polls if poll.printed and (poll.failing or poll.ok)]


def _relapse(context: RuleContext, name: str) -> Finding | None:
    passed: Poll | None = None
    for poll in _lists(context):
        whole = not poll.cut and name not in poll.failing
        if name in poll.ok or whole:
            passed = poll
        elif passed is not None and name in poll.failing:
            beside = [other for other in poll.failing if other not in PROBES]
            when = "" if passed.at_s is None else f" (read at {passed.at_s:.1f} s)"
            again = "" if poll.at_s is None else f" (read at {poll.at_s:.1f} s)"
            detail = f"The check {name} passed in one list{when} and was failing in a later one{again}."
            if beside:
                detail += f" Failing beside it: {', '.join(beside[:4])}; they may only have waited for the datastore."
            return context.say("datastore_relapsed", detail, [passed, poll])
    return None


def _failing(context: RuleContext, check: Check) -> Finding | None:
    serving, until = context.studied.facts.serving, check.failing_until_s
    lists = [poll for poll in _lists(context) if check.name in poll.failing and poll.at_s is not None]
    stamps = [poll.at_s for poll in lists if poll.at_s is not None]
    if serving is not None:
        length = until - serving.at_s if until is not None else 0.0
        if until is None or length < _LONG_CHECK_S:
            return None
        detail = (
            f"The check {check.name} was failing until at least {at_least(until)}, at least {at_least(length)} after "
            "the server began to serve"
        )
    else:
        # Of a fragment only the lists themselves are known: each is of some moment before its stamp.
        length = stamps[-1] - stamps[0] if stamps else 0.0
        if length < _LONG_CHECK_S:
            return None
        detail = (
            f"The check {check.name} was failing in {len(stamps)} lists, the first read at {at_least(stamps[0])}, the "
            f"last at {at_least(stamps[-1])}"
        )
    beside = [name for poll in lists for name in poll.failing]
    others = [name for name in dict.fromkeys(beside) if name not in PROBES]
    if others:
        more = f" and {count(len(others) - 4, 'other')}" if len(others) > 4 else ""
        detail += f". Failing beside it: {', '.join(others[:4])}{more}; they may only have waited for the datastore"
    lasting = context.never_ready and check.failing_at_last and length >= 30.0
    severity: FindingSeverity = "critical" if lasting else "warning"
    return context.say("datastore_check_failing", detail + ".", lines=context.shown_failing(check), severity=severity)


@rule("temporary_etcd")
def temporary_etcd(context: RuleContext) -> Iterator[Finding]:
    """The seconds before the real etcd of a restart."""
    begin, end = context.of("temporary_etcd"), context.of("etcd_starting")
    least = context.apart(begin[0].record, end[0].record) if begin and end else None
    if least is not None and least >= 1.0:
        detail = (
            "A restart with embedded etcd first opens a copy of the data to compare certificates: at least "
            f"{at_least(least)} passed before the real etcd was started."
        )
        yield context.say("temporary_etcd", detail, [begin[0], end[0]])
