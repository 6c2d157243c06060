"""The report on one start: every number with its line."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from analyzer.analysis.answering_server import answering_server
from analyzer.analysis.before_unit import before_unit
from analyzer.analysis.blame import Blame, blame, bottleneck
from analyzer.analysis.check_windows import CheckFacts, gather
from analyzer.analysis.goals import goals
from analyzer.analysis.line_times import LineTimes, begin_stamp
from analyzer.analysis.links import links_of
from analyzer.analysis.phases import budget
from analyzer.analysis.pod_evidence import with_answering_run
from analyzer.analysis.polls import PollFacts, read_polls, rows
from analyzer.analysis.site import site_of
from analyzer.analysis.studied_start import StudiedStart
from analyzer.analysis.usual import usual
from analyzer.analysis.witness_proof import made_cluster
from analyzer.events.catalogue import info
from analyzer.events.event import Mark
from analyzer.events.redaction import mask_secrets
from analyzer.events.terms import terms
from analyzer.events.versions import expected_checks
from analyzer.records.log_record import ClockStep, LogRecord, Stamp
from analyzer.records.log_records import LogRecords
from analyzer.results import (
    Check,
    CheckState,
    ClockNote,
    End,
    ErrorCount,
    Gap,
    Milestone,
    Poll,
    StartReport,
)
from analyzer.starts import Start, Verdict, judge
from analyzer.starts.pod_placement import Places
from analyzer.timebase import SECOND, offset_of
from analyzer.window import OPEN, Span, Window

_OF_THE_API = frozenset({"apiserver_version", "serving_securely"})  # RKE2: in its pod's log
_SILENCE_S = 5.0


def study(start: Start, index: int, log_records: LogRecords) -> StudiedStart:
    """Works out one start; its findings are added by the rules afterwards."""
    verdict = judge(start)
    line_times = LineTimes(start, tuple(step.seq for step in _steps(start, log_records)))
    answering = answering_server(start, verdict)
    if answering.answered == "own":
        start = with_answering_run(start, verdict, line_times)
    polls = read_polls(start, verdict, line_times)
    facts = gather(start, verdict, line_times, polls, answering)
    blames, shares = blame(facts)
    poll_rows, note = rows(polls, start, verdict, line_times, facts.ready)
    tax = tax_of(facts.ready, facts.detected)
    began = start.began
    reached = tuple(goals(start, verdict, line_times, facts.ready))
    node_ready = (goal.window for goal in reached if goal.id == "node_ready" and goal.state == "reached")
    site, stones = site_of(start, log_records), tuple(_milestones(start, polls, line_times))
    ends = {"hooks": facts.ready, "polling_tax": facts.detected, "node_ready": next(node_ready, OPEN)}
    phases = budget(start, verdict, line_times, ends)
    boot, before = before_unit(start, line_times, log_records, phases)
    report = StartReport(
        index=index,
        host=start.host,
        unit=start.unit,
        pid=start.pid,
        boot_id=start.boot_id,
        invocation_id=start.invocation_id,
        product=start.product,
        role=start.role,
        version=start.version,
        commit=start.commit,
        began_at=_moment(began, begin_stamp(start)),
        ended_at=_ended(verdict, start),
        begin_seen=start.begin_seen,
        clock=_clock(start, log_records),
        outcome=verdict.outcome,
        outcome_reason=verdict.reason,
        end=_end(verdict, line_times, facts.detected),
        ready=facts.ready,
        detected=facts.detected,
        polling_tax_s=tax,
        poller=note,
        polls=tuple(_with_unseen(poll, expected_checks(start.version)) for poll in poll_rows),
        errors=ErrorCount.of(poll_rows),
        milestones=stones,
        phases=(*boot, *phases),
        checks=tuple(_check(facts.checks[name], blames[name], verdict) for name in facts.checks),
        bottleneck=bottleneck(facts, blames),
        findings=(),
        source=began.source if began is not None else 0,
        hooks_alone_s=shares.alone_s,
        hooks_shared_s=shares.shared_s,
        gaps=tuple(_gaps(start, line_times, log_records)),
        cut_at_s=_last(start, line_times),
        begun_before_s=0.0 if start.begin_seen and _begin_is_timed(start) else None,
        fresh=made_cluster(start),
        began_local=began.local_time if began is not None and not began.absolute else None,
        goals=reached,
        before=before,
        usual=usual(site, stones),
        site=site,
        links=links_of(start, line_times),
    )
    return StudiedStart(start, verdict, line_times, polls, facts, report)


def _begin_is_timed(start: Start) -> bool:
    """Whether the line with which it began has a time: else it began before the first line that has one."""
    opening = start.first("systemd_starting", "extracting", "starting")
    return opening is None or opening.record.stamp is not None


def _last(start: Start, line_times: LineTimes) -> float | None:
    """When the last line was written; where lines out of order end a text, the latest of them."""
    told = ((line_times.point(r), int(r.fields["ago_s"])) for r in start.records if "ago_s" in r.fields)
    asked = max((at + ago for at, ago in told if at is not None), default=None)
    if asked is not None:
        return asked  # systemctl status says how long ago that was when somebody asked
    last = next((t for r in reversed(start.records) if (t := line_times.point(r)) is not None), None)
    if last is None or last >= 0:
        return last
    return max((t for r in start.records if (t := line_times.point(r)) is not None), default=last)


def _moment(record: LogRecord | None, stamp: Stamp | None) -> datetime | None:
    """An absolute time in the zone of the log; ``None`` where the log gives no date."""
    if record is None or stamp is None or not record.absolute:
        return None
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stamp.us)
        return moment.astimezone(timezone(timedelta(seconds=offset_of(record.clock.utc_offset))))
    except OverflowError:  # next to the year 1 or 9999: a damaged stamp
        return None


def _ended(verdict: Verdict, start: Start) -> datetime | None:
    """When it ended; a coarser stamp than the begin's may lie before it."""
    if verdict.end is None:
        return None
    ended = _moment(verdict.end, verdict.end.at or verdict.end.inner_at)
    began = _moment(start.began, begin_stamp(start))
    return max(ended, began) if ended is not None and began is not None else ended


def _steps(start: Start, log_records: LogRecords) -> list[ClockStep]:
    """The steps of this host's clock within the lines of a start."""
    first, last = start.records[0].seq, start.records[-1].seq
    inside = (step for step in log_records.steps if first < step.seq <= last)
    return [step for step in inside if _host_at(log_records, step.seq) in (None, start.host) or start.host is None]


def _host_at(log_records: LogRecords, seq: int) -> str | None:
    index = bisect.bisect_left(log_records.records, seq, key=lambda record: record.seq)
    return log_records.records[index].host if index < len(log_records.records) else None


def _clock(start: Start, log_records: LogRecords) -> ClockNote:
    began = start.began
    if began is None:
        return ClockNote()
    steps = sum(1 for step in _steps(start, log_records) if began.seq < step.seq)
    stamp = begin_stamp(start)
    precision = stamp.precision_us / SECOND if stamp is not None else began.clock.precision_s
    return ClockNote(began.clock.basis, precision, began.clock.utc_offset, began.clock.year_from, steps)


def _end(verdict: Verdict, line_times: LineTimes, detected: Window) -> End:
    """What became of the process; its moment is never before the readiness that the text shows in front of it.

    Behind a step of the clock it is not known: nobody tells how much time passed there.
    """
    record = verdict.end
    if record is None:
        return End(verdict.end_kind)
    at, latest = line_times.point(record), line_times.latest(record)
    if latest is None:
        at = None
    elif at is not None and detected.upper is not None:
        at = max(at, min(detected.upper, latest))
    return End(verdict.end_kind, at, record.line, verdict.end_reason, record.source)


def tax_of(ready: Window, detected: Window) -> Span | None:
    """How long k3s took to notice readiness; ``None``: it did not."""
    if detected.upper is None:
        return None
    low = 0.0 if detected.lower is None or ready.upper is None else max(0.0, detected.lower - ready.upper)
    return Span(low, None if ready.lower is None else max(0.0, detected.upper - ready.lower))


def _with_unseen(poll: Poll, expected: Sequence[str]) -> Poll:
    """Adds to a cut list the checks of the release that the cut hides."""
    shown = {*poll.failing, *poll.ok}
    hidden = tuple(name for name in expected if name not in shown)
    return replace(poll, unseen=hidden) if poll.cut and shown else poll


def _milestones(start: Start, polls: PollFacts, line_times: LineTimes) -> list[Milestone]:
    found: list[tuple[tuple[int, int], Milestone]] = []
    places = Places(start)
    stones = [mark for mark in start.events if isinstance(mark, Mark) and mark.kind == "milestone"]
    own = dict.fromkeys(mark.id for mark in stones if info(mark.id) is None)  # of a user's rules
    for name in (*terms("milestone"), *own):
        mark = start.api_first(name) if name in _OF_THE_API else start.first(name)
        record = mark.record if mark is not None else None
        if name == "first_poll" and polls.sightings:
            record = polls.sightings[0].line.record
        if record is not None:
            text = mask_secrets(record.message)[:300]
            place = (record.seq, 0)
            if mark is not None and mark not in start.events and record.at is not None:
                place = (places.seq(record.at.us), 1)  # of the API server's own log
            found.append((place, Milestone(name, line_times.point(record), record.line, text, record.source)))
    return [milestone for _, milestone in sorted(found, key=lambda item: item[0])]


def _check(facts: CheckFacts, blamed: Blame, verdict: Verdict) -> Check:
    failing = facts.last_state == "failing"
    final: CheckState
    if verdict.detected is not None:
        final = "ok"
    elif failing:
        final = "failing" if facts.until_the_end else "unseen"  # it may have passed since
    elif facts.last_state == "ok" or facts.window.upper is not None:
        final = "ok"
    else:
        final = "unseen"
    return Check(
        name=facts.name,
        final=final,
        seen_failing=facts.seen_failing,
        # Last seen failing: the upper end stays open, whatever had been seen before.
        cleared=facts.window.unbounded() if failing and verdict.detected is None else facts.window,
        estimate_s=facts.near[0] if facts.near is not None else None,
        estimate_basis=facts.near[1] if facts.near is not None else None,
        exclusive_s=blamed.exclusive_s,
        saving_s=blamed.saving_s,
        last_blocker=blamed.last_blocker,
        reasons=tuple(facts.reasons),
        failing_until_s=facts.last_failing.at_s if facts.last_failing is not None else None,
        first_seen_failing_s=facts.first_failing.at_s if facts.first_failing is not None else None,
        first_seen_failing_line=facts.first_failing.line if facts.first_failing is not None else None,
        first_seen_failing_source=facts.first_failing.source if facts.first_failing is not None else 0,
    )


def _gaps(start: Start, line_times: LineTimes, log_records: LogRecords) -> list[Gap]:
    """Silences of the process, places where lines were lost, and clock steps."""
    gaps: list[Gap] = []
    previous: float | None = None
    for record in start.process:
        at = line_times.point(record)
        if at is None:
            continue
        passed_over = record.gap_before and not record.lost_before  # what the fast scan left out was no silence
        if previous is not None and at - previous > _SILENCE_S and not passed_over:
            gaps.append(Gap(previous, at, "lost" if record.lost_before else "silent", record.line, record.source))
        previous = max(at, previous) if previous is not None else at
    for step in _steps(start, log_records):
        # The step's own line may be of another program: the start's next line shows where it lies.
        after = next(record for record in start.records if record.seq >= step.seq)
        if (at := line_times.point(after)) is not None:
            way = "back" if step.by_s < 0 else "forward"
            detail = f"the clock was set {way} by {abs(step.by_s):.1f} s"
            gaps.append(Gap(at, at, "clock_step", step.line, step.source, detail))
    return sorted(gaps, key=lambda gap: gap.begin_s)
