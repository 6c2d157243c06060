"""From the records of a log to the report on all its starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from types import MappingProxyType

from analyzer.analysis.find import across_starts, diagnose
from analyzer.analysis.knowledge_notes import about_releases
from analyzer.analysis.start_report import study
from analyzer.errors import NoDataError
from analyzer.events.redaction import mask_secrets
from analyzer.events.user_rules import NO_RULES, Rules
from analyzer.ledger import Ledger
from analyzer.records.log_records import LogRecords
from analyzer.results import LedgerCounts, Report, StartReport
from analyzer.starts import Start, find_starts
from analyzer.starts.pod_placement import alone, journal_records, place_pods

STARTS_LIMIT = 2000  # explained one by one: the first and the last of a crash loop of weeks
_EVIDENCE_LIMIT = 2000


def analyze_records(
    log_records: LogRecords, *, tool_version: str, user: Rules | None = None, evidence: bool = True
) -> Report:
    """The report on all starts of a log; ``user`` are rules of one's own beside those of the catalogue.

    Without ``evidence`` the texts of the lines that it names are left out, for those who keep only its numbers.

    Raises:
        NoDataError: nothing in the log comes from a k3s or RKE2 run.
    """
    user = user or NO_RULES
    records, apart = journal_records(log_records)
    starts = find_starts(records, user.marks)
    if not starts and apart:
        starts, apart = find_starts(alone(log_records, apart), user.marks), {}
    if not starts:
        raise NoDataError(
            "no trace of a k3s or RKE2 run",
            hint="capture one with: journalctl -u k3s -u k3s-agent --no-pager -o export | gzip > k3s.export.gz",
        )
    pods = place_pods(starts, apart, log_records)
    numbered = list(enumerate(pods.starts, 1))
    left_out, half = len(starts) - STARTS_LIMIT, STARTS_LIMIT // 2
    parts = [numbered[:half], numbered[-half:]] if left_out > 0 else [numbered]
    explained = [start for part in parts for _, start in part]
    reports: list[StartReport] = []
    for part in parts:  # nothing is concluded across the starts between them
        studied = [study(start, index, log_records) for index, start in part]
        reports += across_starts([replace(s.report, findings=diagnose(s, log_records, user)) for s in studied])
    return Report(
        tool_version=tool_version,
        sources=tuple(log_records.sources),
        ledger=_ledger(log_records.ledger, pods.left_aside, explained),
        starts=tuple(reports),
        notes=(
            *((source, mask_secrets(note)) for source, said in sorted(log_records.notes.items()) for note in said),
            *((source, mask_secrets(note)) for source, note in pods.notes),
            *about_releases(reports),
            *([(starts[0].records[0].source, _too_many(left_out))] if left_out > 0 else ()),
        ),
        evidence=MappingProxyType(_evidence(explained, reports) if evidence else {}),
    )


def _too_many(left_out: int) -> str:
    return (
        f"{left_out} starts in the middle were counted but not explained, because more than {STARTS_LIMIT} are too"
        " many; a part of the log shows them (--since, --until)"
    )


def _ledger(ledger: Ledger, left_aside: Counter[str], starts: Sequence[Start]) -> LedgerCounts:
    """The reader's counts, with the lines that events rest on moved from ignored to used."""
    used = {event.record.seq for start in starts for event in start.all_events}
    moved = min(len(used), ledger.ignored)
    return LedgerCounts(
        lines=ledger.lines,
        used=ledger.used + moved,
        ignored=ledger.ignored - moved,
        malformed=ledger.malformed,
        truncated=ledger.truncated,
        lossy=ledger.lossy,
        reasons=MappingProxyType(dict(ledger.reasons + left_aside)),
    )


def _evidence(starts: Sequence[Start], reports: Sequence[StartReport]) -> dict[tuple[int, int], str]:
    texts: dict[tuple[int, int], str] = {}
    for start, report in zip(starts, reports, strict=True):
        waits = {(wait.source, line) for wait in report.links.waits for line in wait.lines}
        linked = (r for r in (*start.process, *start.pod_lines) if (r.source, r.line) in waits) if waits else ()
        told = chain((event.record for event in (*start.all_events, *start.announced)), linked)
        for record in (*told, *start.records[:1], *start.process[:1], *start.records[-1:]):
            texts[(record.source, record.line)] = mask_secrets(record.raw)[:_EVIDENCE_LIMIT]
    return texts
