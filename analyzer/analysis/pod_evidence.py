"""What the log of RKE2's API server says about a start: the looks at its checks, the witness lines, the troubles.

The container may be restarted within one start, so every line is one run's. Only the run that was certainly up when
readiness was noticed (or the text ended) may say what had passed; of the others a failing list, or the work behind
``Serving securely``, still shows that the API was not ready by then, because one process at a time has the port.
Lines of two logs are compared by their times, never by their places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from analyzer.analysis import witness_proof
from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.witness_proof import Proof
from analyzer.events.check_info import info
from analyzer.events.event import HealthBlock
from analyzer.events.versions import expected_checks
from analyzer.records.log_record import LogRecord
from analyzer.starts.pod_placement import Places
from analyzer.starts.start import ApiRun, Start, Verdict
from analyzer.window import Evidence

# Lines that say the datastore stalled: a probe that was ok may have turned bad again after the last list.
TROUBLE = re.compile(
    r"Slow SQL|apply request took too long|slow fdatasync|context deadline exceeded|etcdserver: |lost leader|"
    r"too many clients|database is locked|transport is closing|connection refused|Failed to test etcd connection|"
    r"error reading from server|retrying of unary invoker failed|i/o timeout"
)


@dataclass(frozen=True, slots=True)
class PodEvidence:
    """``blocks`` are looks with their place among the start's own lines; ``sure``: all are of the run that answered."""

    blocks: Sequence[tuple[HealthBlock, int]] = ()
    proofs: Sequence[Proof] = ()
    sure: bool = False
    expected: frozenset[str] = frozenset()
    sources: frozenset[int] = frozenset()
    restarted_s: float | None = None  # what was seen to pass before belongs to an older run
    troubled_s: float | None = None  # what can turn bad again was last in doubt here

    def outdates(self, seen: Evidence | None, monotone: bool) -> bool:
        """Whether a check that passed in a look of a moment after ``seen`` may have failed again since."""
        limits = [self.restarted_s] if monotone else [self.restarted_s, self.troubled_s]
        latest = max((limit for limit in limits if limit is not None), default=None)
        return latest is not None and (seen is None or seen.at_s < latest)


def with_answering_run(start: Start, verdict: Verdict, line_times: LineTimes) -> Start:
    """The start with the run of its API server that was up when its outcome showed, where a log shows the one."""
    shown = _outcome_shown(start, verdict, line_times)
    if shown is None:
        return start
    begin, end = shown
    spans = ((run, line_times.seconds(run.first_us), line_times.seconds(run.last_us)) for run in start.api_runs)
    up = [run for run, first, last in spans if first <= begin and last >= end]
    return replace(start, api=up[0]) if len(up) == 1 else start


def _outcome_shown(start: Start, verdict: Verdict, line_times: LineTimes) -> tuple[float, float] | None:
    """Between which moments the line was written that shows the outcome; ``None`` without times or pods' logs."""
    last = verdict.detected or verdict.stop_sign or (start.records[-1] if start.records else None)
    if not start.pod_lines or last is None:
        return None
    begin, end = line_times.earliest(last), line_times.latest(last)
    return None if begin is None or end is None else (begin, end)


def evidence(start: Start, verdict: Verdict, line_times: LineTimes) -> PodEvidence:
    """What the pods' logs beside a start prove about it."""
    shown = _outcome_shown(start, verdict, line_times)
    if shown is None:
        return PodEvidence()
    until, end = shown
    api = start.api
    runs = [api] if api is not None else start.api_runs
    blocks = list(_blocks(start, runs, line_times, until))
    # Of one run what was seen before it is another's; of several nobody knows whose the answers are.
    begins = [line_times.seconds(run.first_us) for run in runs]
    return PodEvidence(
        blocks=blocks,
        proofs=[proof for run in runs for proof in _proofs(start, run, line_times, until)],
        sure=api is not None,
        expected=frozenset(expected_checks((api.version if api is not None else None) or start.version)),
        sources=frozenset(r.source for r in start.pod_lines),
        restarted_s=max(begins) if len(begins) > 1 or (api is not None and begins[0] >= 0.0) else None,
        troubled_s=max(_troubles(start.pod_lines, blocks, line_times, end), default=None),
    )


def _blocks(
    start: Start, runs: Iterable[ApiRun], line_times: LineTimes, until: float
) -> Iterator[tuple[HealthBlock, int]]:
    inside = {id(record) for record in start.pod_lines}
    places = Places(start)
    for event in (event for run in runs for event in run.events):
        if not isinstance(event, HealthBlock) or id(event.record) not in inside or event.record.at is None:
            continue
        written = line_times.latest(event.record)
        if written is not None and written < until:
            yield event, places.seq(event.record.at.us)


def _proofs(start: Start, run: ApiRun, line_times: LineTimes, until: float) -> Iterator[Proof]:
    inside = {id(record) for record in start.pod_lines}
    sure = start.api is not None
    # Only the first run of a container on an empty datastore fills it, and only its own count can say that it is one.
    first = sure and run.number == 0 and run.begun is not None and len(start.api_runs) == 1
    fresh = False if not witness_proof.is_fresh(start) else True if first else None
    served = False
    for proof in witness_proof.proofs_in(run.records, run.events, fresh, run.version or start.version, line_times):
        served = served or proof.rule.id == witness_proof.SERVING_RULE
        written = line_times.latest(proof.record)
        if id(proof.record) not in inside or written is None:
            continue
        # Without the port nothing that a process does on its way is about the answers.
        if (written < until and (sure or served)) if proof.rule.relation == "not_before" else sure:
            yield proof


def _troubles(
    lines: Iterable[LogRecord], blocks: Iterable[tuple[HealthBlock, int]], line_times: LineTimes, until: float
) -> Iterator[float]:
    """When something spoke of a datastore that does not answer, up to a moment."""
    for event, _ in blocks:
        at = line_times.latest(event.record)
        if at is not None and any(not info(name).monotone for name in event.failing):
            yield at
    for record in lines:
        if TROUBLE.search(record.message):
            early, at = line_times.earliest(record), line_times.latest(record)
            if early is not None and at is not None and early <= until:
                yield at
