"""What the polls of a wait prove: one ``StartReport`` with windows, for the same reports that ``analyze`` writes.

The wait is its own observer, so the rules are simpler than for a log, and stricter in one point: a poll's state was
sampled somewhere between its departure and its answer (``readiness`` has what that means for the server). Hence

* a check seen failing was failing *after the departure* of that poll: lower end = that departure;
* a check seen ok was ok *by the answer* of that poll: upper end = that answer. A probe that can fail again counts as
  ok only where the list is whole and shows all that it waits for as ok, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from analyzer.events.check_info import info
from analyzer.events.poll_errors import severities
from analyzer.live.ending import ending_of
from analyzer.live.observed_polls import CUT_OFF, ObservedPoll, ObservedWait
from analyzer.live.readiness import Seen, answered, departed, ready_window, suspects
from analyzer.records.log_record import SourceInfo
from analyzer.results import (
    Bottleneck,
    Check,
    ClockNote,
    End,
    ErrorCount,
    Finding,
    Goal,
    LastBlocker,
    LedgerCounts,
    Phase,
    Poll,
    PollerNote,
    Report,
    StartReport,
)
from analyzer.window import OPEN, Bound, Span, Window

#: Name of the source format in reports.
FORMAT = "polls"
#: Pollers of k3s itself that a wait can imitate, with their intervals.
_INTERVALS_S = {"shared-2s": 2.0, "legacy-4x1s": 1.0}
#: Goals that a report knows.
_REPORTED = frozenset({"api", "node", "node_ready", "system"})
DENIED = "The API answers, but these credentials or its certificate do not fit"
LOCKED_OUT = "The API answers, but shows its readiness only to those who log in"


def start_report(wait: ObservedWait) -> StartReport:
    """The wait as one start: ``began_at`` is the wait's own begin, so nothing before it is claimed."""
    seen = Seen.of(wait)
    polls, success = seen.polls, seen.success
    ready, detected, tax = ready_window(seen), OPEN, None
    checks = _checks(seen)
    if success is not None:
        detected = OPEN.after(departed(success)).before(answered(success))
        tax = Span(0.0, None if ready.lower is None else success.answered_s - ready.lower)
    last_s = wait.end_s if wait.end_s is not None else max((p.answered_s for p in polls), default=0.0)
    rows = tuple(poll_row(p, last=p is success) for p in polls)
    return StartReport(
        index=1,
        host=urlsplit(wait.server).hostname,
        unit=None,
        pid=None,
        boot_id=None,
        invocation_id=None,
        product="unknown",
        role="unknown",
        version=None,
        commit=None,
        began_at=wait.began_at,
        ended_at=None,
        begin_seen=False,
        clock=ClockNote(basis="monotonic", precision_s=1e-6, utc_offset="+00:00", year_from="stamp"),
        outcome="ready" if success is not None else "incomplete",
        outcome_reason=None,
        end=End(),
        ready=ready,
        detected=detected,
        polling_tax_s=tax,
        poller=_poller(wait, success),
        polls=rows,
        errors=ErrorCount.of(tuple(row for row in rows if row.text != CUT_OFF)),  # that one says nothing of the server
        milestones=(),
        goals=_goals(wait),
        phases=_phases(seen.serving, ready, detected, tax),
        checks=checks,
        bottleneck=_bottleneck(checks, success is not None),
        findings=_findings(wait),
        cut_at_s=last_s,
        observer="wait",
    )


def _goals(wait: ObservedWait) -> tuple[Goal, ...]:
    """The goals of ``--until`` that a report knows."""
    return tuple(
        Goal(
            goal.id,
            Window(
                goal.lower_s,
                goal.upper_s,
                Bound.NONE if goal.lower_s is None else Bound.OBSERVED,
                Bound.NONE if goal.upper_s is None else Bound.OBSERVED,
            ),
            "unknown" if goal.upper_s is None else "reached",
        )
        for goal in wait.goals
        if goal.id in _REPORTED
    )


def _checks(seen: Seen) -> tuple[Check, ...]:
    names = dict.fromkeys(name for poll in seen.polls for name in (*poll.failing, *poll.ok))
    possible, certain = suspects(seen, list(names))
    held: LastBlocker = "certain" if certain else "possible"
    found = {name: _check(name, seen, held if name in possible else "no") for name in names}
    if seen.success is None:
        return tuple(found.values())
    return tuple(_blamed(check, found, seen.serving, seen.success.answered_s) for check in found.values())


def _blamed(check: Check, found: Mapping[str, Check], serving: Window, ready_s: float) -> Check:
    """``check`` with its time alone and its possible saving.

    Time alone lies between the clearing of all others and its own, so only the last one can have any. A server that
    served before the wait began may have let it run for any time: no upper limit then.
    """
    assert serving.upper is not None and check.cleared.upper is not None  # both are over by ``ready_s``
    others = [c.cleared for c in found.values() if c.name != check.name]
    own_end_s = min(check.cleared.upper, ready_s)
    alone = Span(0.0, 0.0)
    if check.last_blocker != "no":
        begins = [w.lower for w in (serving, *others) if w.lower is not None]
        most = max(0.0, own_end_s - max(begins)) if begins else None
        least = 0.0
        if check.last_blocker == "certain" and check.cleared.lower is not None:
            cleared = [serving.upper, *(ready_s if w.upper is None else w.upper for w in others)]
            least = max(0.0, check.cleared.lower - max(cleared))
        alone = Span(least if most is None else min(least, most), most)
    saving = alone
    if any(check.name in info(name).needs for name in found):
        # Others wait for it and would begin earlier: at most by its own length.
        own = None if serving.lower is None or alone.max is None else max(alone.max, own_end_s - serving.lower)
        saving = Span(alone.min, own)
    return replace(check, exclusive_s=alone, saving_s=saving)


def _check(name: str, seen: Seen, blocker: LastBlocker) -> Check:
    failing = [p for p in seen.earlier if name in p.failing]
    last = max(failing, key=lambda p: p.departed_s, default=None)
    settled_s = max([seen.since_s, *(p.answered_s for p in failing)])
    good = [p for p in seen.earlier if name in p.ok and p.departed_s >= settled_s]
    if not info(name).monotone:
        good = [p for p in good if _counts(name, p, seen.earlier)]
    if seen.success is not None:
        good.append(seen.success)  # readiness means that every check passes, listed or not
    first_ok = min(good, key=lambda p: p.answered_s, default=None)
    window = replace(seen.serving, upper=None, upper_kind=Bound.NONE, upper_line=None)  # no check passes before serving
    if last is not None:
        window = window.after(departed(last))
    if first_ok is not None:
        window = window.before(answered(first_ok))
    first = min(failing, key=lambda p: p.answered_s, default=None)
    return Check(
        name=name,
        final="ok" if first_ok is not None else "failing" if settled_s > seen.since_s else "unseen",
        seen_failing=last is not None,
        cleared=window,
        last_blocker=blocker,
        failing_until_s=last.departed_s if last is not None else None,
        first_seen_failing_s=first.answered_s if first is not None else None,
        first_seen_failing_line=(first.line or None) if first is not None else None,
    )


def _counts(name: str, poll: ObservedPoll, polls: Sequence[ObservedPoll]) -> bool:
    """Whether the ok of a probe is its last one, as far as anybody can tell.

    Seen on a real server: ``informer-sync`` is ok as long as no informer was started, fails once they are, and the
    first lists hold a part of the checks only.
    """
    every = {check for p in polls for check in (*p.failing, *p.ok)}
    needs = every.intersection(info(name).needs)
    return every <= {*poll.failing, *poll.ok} and needs <= set(poll.ok)


def _bottleneck(checks: Sequence[Check], became_ready: bool) -> Bottleneck:
    held = [c for c in checks if (c.last_blocker != "no" if became_ready else c.final == "failing")]
    if not held:
        return Bottleneck()
    names = tuple(c.name for c in held)
    if became_ready and not any(c.seen_failing for c in held):
        return Bottleneck((), "none", "No list of checks was seen between the last start of the server and readiness.")
    certain = len(held) == 1 and held[0].last_blocker == "certain"
    if not became_ready:
        sentence = f"Still failing at the last look: {', '.join(names)}."
    elif certain:
        sentence = f"{names[0]} was the last to clear."
    else:
        sentence = f"The last to clear was one of: {', '.join(names)}."
    return Bottleneck(names, "certain" if certain else "possible", sentence)


def _poller(wait: ObservedWait, success: ObservedPoll | None) -> PollerNote:
    kind = wait.policy if wait.policy in _INTERVALS_S else "unknown"
    printed = sum(poll is not success for poll in wait.polls)
    return PollerNote(kind=kind, interval_s=_INTERVALS_S.get(kind), prints_polls=True, printed=printed)


def poll_row(poll: ObservedPoll, *, last: bool) -> Poll:
    """A poll as a row of a report; ``last``: the one that ended the wait."""
    return Poll(
        at_s=poll.answered_s,
        printed=not last,
        error=poll.error,
        severity=None if poll.error is None else severities().get(poll.error, "suspect"),
        http_status=poll.status,
        failing=poll.failing,
        cut=poll.cut,
        line=poll.line or None,
        text=poll.text,
        ok=poll.ok,
    )


def _phases(serving: Window, ready: Window, detected: Window, tax: Span | None) -> tuple[Phase, ...]:
    """The budget from the wait's begin; nothing before serving can be told apart from outside."""
    begin = Window(0.0, 0.0, Bound.PROCESS, Bound.PROCESS)
    out = []
    if serving.lower is not None and serving.upper is not None:
        out.append(Phase("apiserver_boot", begin, serving, Span(serving.lower, serving.upper)))
        begin = serving
    if out or ready.lower is not None or ready.upper is not None:
        least = max(0.0, (ready.lower or 0.0) - (begin.upper or 0.0))
        most = None if ready.upper is None else ready.upper - (begin.lower or 0.0)
        out.append(Phase("hooks", begin, ready, Span(least, most)))
    if tax is not None:
        out.append(Phase("polling_tax", ready, detected, tax))
    return tuple(out)


def _findings(wait: ObservedWait) -> tuple[Finding, ...]:
    if wait.verdict == "fatal":
        last = next((p.error for p in reversed(wait.polls) if p.error is not None), None)
        same = [p.line for p in wait.polls if p.error == last and p.line]
        denied = ending_of(wait).kind == "denied"
        title = LOCKED_OUT if wait.locked_out else DENIED if denied else "The server cannot become ready as it is"
        lines = tuple(dict.fromkeys(same[:1] + same[-1:]))
        return (Finding("wait_confirmed_fatal", "critical", title, wait.reason, wait.advice, lines),)
    if wait.verdict == "timed_out" and wait.success is None:
        end = ending_of(wait)
        title = "The server was not ready in time" if end.not_ready else "Readiness was not seen in time"
        detail = f"{wait.reason}. {end.sentence}" if wait.reason else end.sentence
        return (Finding("wait_timed_out", "critical", title, detail, end.advice_of(wait)),)
    if wait.verdict == "timed_out":
        return (Finding("wait_timed_out", "critical", "A goal was not reached in time", wait.reason, wait.advice),)
    return ()


def report_of(wait: ObservedWait, *, path: str | None = None, size: int = 0, tool_version: str = "") -> Report:
    """A whole report of one wait. ``path`` and ``size`` (bytes) are those of its file; without one, the server's."""
    records = 1 + len(wait.polls) + (1 if wait.end_s is not None else 0)
    return Report(
        tool_version=tool_version or wait.tool,
        sources=(SourceInfo(path if path is not None else wait.server, FORMAT, size, records),),
        ledger=LedgerCounts(lines=records, used=records, ignored=0, malformed=0, truncated=0, lossy=0),
        starts=(start_report(wait),),
        evidence={(0, p.line): _evidence(p) for p in wait.polls if p.line},
    )


def _evidence(poll: ObservedPoll) -> str:
    words = f"poll answered {poll.answered_s:.3f} s: {poll.error or 'ready'}"
    if poll.failing:
        return f"{words}, failing {', '.join(poll.failing)}"
    return f"{words}, {poll.text}" if poll.text else words


def numbered(wait: ObservedWait) -> ObservedWait:
    """``wait`` with the lines its polls have in the saved file, so that a live report names the same lines."""
    polls = tuple(replace(p, line=n) for n, p in enumerate(wait.polls, start=2))
    return replace(wait, polls=polls)
