"""Lays the logs of RKE2's static pods beside the starts of their node.

RKE2's API server is a static pod: what it says of /readyz is in its container's log alone. Its lines belong to a start
of the same node by their time, from the start's begin to its last line in the text or to the next start's begin. A
container may be restarted within one start, and may outlive several; each of its runs is kept apart.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

from analyzer.events.detect import detect
from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord
from analyzer.records.log_records import LogRecords
from analyzer.sources.pod_files import Pod
from analyzer.starts.start import ApiRun, Start

API = "kube-apiserver"
_SAME_CLOCK_US = 2_000  # measured: journald's two clocks differ by microseconds while nobody sets the wall clock
_FIRST_WORDS = "Version: v"
_OPENING = 8  # lines: flags that are deprecated, the address, then the version


def journal_records(log_records: LogRecords) -> tuple[Sequence[LogRecord], dict[int, list[LogRecord]]]:
    """The records in which starts are looked for, and the pods' records by source."""
    apart: dict[int, list[LogRecord]] = defaultdict(list)
    rest: list[LogRecord] = []
    for record in log_records.records:
        (apart[record.source] if record.source in log_records.pods else rest).append(record)
    return rest, dict(apart)


def alone(log_records: LogRecords, apart: dict[int, list[LogRecord]]) -> list[LogRecord]:
    """What there is to be read where no start is in the text: the API server's own log, else everything."""
    of_api = {source for source in apart if log_records.pods[source].what == API}
    unwanted = apart.keys() - of_api if of_api else set()
    return [record for record in log_records.records if record.source not in unwanted]


@dataclass(frozen=True, slots=True)
class PlacedPods:
    """Starts with the pods' lines beside them."""

    starts: Sequence[Start]
    notes: Sequence[tuple[int, str]]  # what was done with each log: (source, sentence)
    left_aside: Counter[str]  # lines of those that are beside no start, by reason


def place_pods(starts: Sequence[Start], apart: Mapping[int, list[LogRecord]], log_records: LogRecords) -> PlacedPods:
    """Lays each pod's log beside the starts that it is about."""
    notes: list[tuple[int, str]] = []
    left_aside: Counter[str] = Counter()
    for source, records in sorted(apart.items()):
        pod = log_records.pods[source]
        placed, sentence = _place(starts, pod, records, log_records.skew_us)
        notes.append((source, f"{pod.what}'s own log, of node {pod.node}: {sentence}"))
        if not placed:
            left_aside[f"{pod.what}'s log not laid beside a start"] += len({r.line for r in records})
        starts = [placed.get(id(start), start) for start in starts]
    return PlacedPods(starts, notes, left_aside)


def _place(
    starts: Sequence[Start], pod: Pod, records: list[LogRecord], skew_us: Mapping[tuple[str | None, str | None], int]
) -> tuple[dict[int, Start], str]:
    """The starts that a log is about, with its lines, by their ids, and what was done with it."""
    mine = [s for s in starts if s.product == "rke2" and s.role == "server" and s.host == records[0].host]
    if not mine:
        return {}, "the other inputs hold no start of an RKE2 server on that node; left aside"
    if not any(record.absolute for record in records):
        return {}, (
            "its lines tell neither year nor zone, and nothing else does for certain; left aside (the files"
            " under /var/log/pods have both)"
        )
    spans = [(start, span) for start in mine if (span := _interval(start)) is not None]
    steady = [(start, span) for start, span in spans if skew_us.get((start.host, start.boot_id), 0) <= _SAME_CLOCK_US]
    runs = _runs(records, pod) if pod.what == API else []
    placed: dict[int, Start] = {}
    begins: list[str] = []
    for start, (begin, end) in steady:
        inside = [r for r in records if r.at is not None and r.absolute and begin <= r.at.us <= end]
        if inside:
            during = [run for run in runs if run.first_us <= end and run.last_us >= begin]
            placed[id(start)] = _with_pod(start, inside, during)
            begins.append(_moment(begin))
    if placed:
        clock = " (by the node's wall clock: they have no monotonic one)" if _has_monotonic(placed.values()) else ""
        shown = ", ".join(begins[:3]) + (f" and {len(begins) - 3} more" if len(begins) > 3 else "")
        return placed, f"its lines are evidence for the start{'s' if len(placed) > 1 else ''} of {shown}{clock}"
    if len(steady) < len(spans) or not spans:
        return {}, "the wall clock was set, or the journal is not dated by it; left aside"
    return {}, "its lines are of the time of no start in the log; left aside"


def _with_pod(start: Start, lines: Sequence[LogRecord], runs: Sequence[ApiRun]) -> Start:
    return replace(
        start,
        pod_lines=sorted([*start.pod_lines, *lines], key=lambda r: r.at.us if r.at is not None else 0),
        api_runs=sorted([*start.api_runs, *runs], key=lambda run: (run.first_us, run.last_us)),
    )


def _has_monotonic(starts: Iterable[Start]) -> bool:
    return any(start.began is not None and start.began.clock.basis == "monotonic" for start in starts)


def _moment(us: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us):%Y-%m-%d %H:%M:%S} UTC"


def _interval(start: Start) -> tuple[int, int] | None:
    """From a start's begin to its last line, at most to the next start's begin (µs on the axis)."""
    began = start.began
    if began is None or began.at is None or not began.absolute:
        return None
    last = max((r.at.us + r.at.precision_us for r in start.records if r.at is not None), default=began.at.us)
    after = start.followed_by
    if after is not None and after.began is not None and after.began.at is not None:
        last = min(last, after.began.at.us)
    return began.at.us, last


def _runs(records: Sequence[LogRecord], pod: Pod) -> list[ApiRun]:
    """The runs of a container in one log: each begins with the version it prints."""
    starts = [i for i, r in enumerate(records) if r.file == "server.go" and r.message.startswith(_FIRST_WORDS)]
    cuts = [0, *(i for i in starts if i > _OPENING), len(records)]
    runs: list[ApiRun] = []
    for begin, end in pairwise(cuts):
        part = list(records[begin:end])
        stamps = [r.at.us for r in part if r.at is not None and r.absolute]
        if not stamps:
            continue
        events = list(detect(part))
        told = next((e.record for e in events if isinstance(e, Mark) and e.id == "apiserver_version"), None)
        begun = told if told in part[: _OPENING + 1] else None
        runs.append(ApiRun(part, events, begun, pod.number if begin == 0 else None, min(stamps), max(stamps)))
    return runs


class Places:
    """Where a line of a pod stands among a start's own lines: after all that are certainly older."""

    def __init__(self, start: Start) -> None:
        ends = sorted((r.at.us + r.at.precision_us, r.seq) for r in start.records if r.at is not None)
        self._ends = [end for end, _ in ends]
        self._seqs = list(accumulate((seq for _, seq in ends), max))

    def seq(self, us: int) -> int:
        """The position of the last line that had been written by then; before the first one, one less than its own."""
        index = bisect.bisect_right(self._ends, us)
        return self._seqs[index - 1] if index else min(self._seqs, default=0) - 1
