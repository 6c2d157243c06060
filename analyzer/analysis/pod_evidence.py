"""What the log of RKE2's API server says about a start: the looks at its checks, the witness lines, the troubles.

The container may be restarted within one start, so every line is one run's. Only the run that was certainly up when
readiness was noticed (or the text ended) may say what had passed; of the others a failing list, or the work behind
``Serving securely``, still shows that the API was not ready by then, because one process at a time has the port.
Lines of two logs are compared by their times, never by their places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.analysis import witness_proof
from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.witness_proof import Proof
from analyzer.events.check_info import info
from analyzer.events.event import HealthBlock
from analyzer.events.versions import check_list, parse_version
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


@dataclass(slots=True)
class PodEvidence:
    """``blocks`` are looks with their place among the start's own lines; ``sure``: all are of the run that answered."""

    blocks: list[tuple[HealthBlock, int]] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
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


NOTHING = PodEvidence()


def evidence(start: Start, verdict: Verdict, line_times: LineTimes) -> PodEvidence:
    """What the pods' logs beside a start prove about it; sets ``start.api``."""
    last = verdict.detected or verdict.stop_sign or (start.records[-1] if start.records else None)
    if not start.pod_lines or last is None or line_times.zero_us is None:
        return NOTHING
    begin, end = line_times.earliest(last), line_times.latest(last)
    if begin is None or end is None:
        return NOTHING
    start.api = _answering(start.api_runs, line_times, begin, end)
    found = PodEvidence(sure=start.api is not None, sources=frozenset(r.source for r in start.pod_lines))
    runs = [start.api] if start.api is not None else start.api_runs
    release = (start.api.version if start.api is not None else None) or start.version
    version = parse_version(release) if release else None
    found.expected = frozenset(check_list((version.major, version.minor))) if version is not None else frozenset()
    places = Places(start)
    for run in runs:
        _take(run, found, start, line_times, begin, places)
    if start.api is not None and line_times.seconds(start.api.first_us) >= 0.0:
        found.restarted_s = line_times.seconds(start.api.first_us)
    elif start.api is None and len(start.api_runs) > 1:
        found.restarted_s = max(line_times.seconds(run.first_us) for run in start.api_runs)
    found.troubled_s = max(_troubles(start.pod_lines, found, line_times, end), default=None)
    return found


def _answering(runs: Iterable[ApiRun], line_times: LineTimes, begin: float, end: float) -> ApiRun | None:
    """The run that had begun before a moment and went on after it; ``None``: no log shows one."""
    up = [run for run in runs if line_times.seconds(run.first_us) <= begin and line_times.seconds(run.last_us) >= end]
    return up[0] if len(up) == 1 else None


def _take(run: ApiRun, found: PodEvidence, start: Start, line_times: LineTimes, until: float, places: Places) -> None:
    inside = {id(record) for record in start.pod_lines}
    for event in run.events:
        if not isinstance(event, HealthBlock) or id(event.record) not in inside or event.record.at is None:
            continue
        written = line_times.latest(event.record)
        if written is not None and written < until:
            found.blocks.append((event, places.seq(event.record.at.us)))
    # Only the first run of a container on an empty datastore fills it, and only its own count can say that it is one.
    fresh: bool | None = False
    if witness_proof.is_fresh(start):
        first = found.sure and run.number == 0 and run.begun is not None and len(start.api_runs) == 1
        fresh = True if first else None
    served = False
    for proof in witness_proof.proofs_in(run.records, run.events, fresh, run.version or start.version, line_times):
        served = served or proof.rule.id == witness_proof.SERVING_RULE
        written = line_times.latest(proof.record)
        if id(proof.record) not in inside or written is None:
            continue
        if proof.rule.relation == "not_before":
            # Without the port nothing that a process does on its way is about the answers.
            held = written < until and (found.sure or served)
        else:
            held = found.sure
        if held:
            found.proofs.append(proof)


def _troubles(lines: Iterable[LogRecord], found: PodEvidence, line_times: LineTimes, until: float) -> Iterable[float]:
    """When something spoke of a datastore that does not answer, up to a moment."""
    for event, _ in found.blocks:
        at = line_times.latest(event.record)
        if at is not None and any(not info(name).monotone for name in event.failing):
            yield at
    for record in lines:
        if TROUBLE.search(record.message):
            early, at = line_times.earliest(record), line_times.latest(record)
            if early is not None and at is not None and early <= until:
                yield at
