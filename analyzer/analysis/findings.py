"""Finding rules: what a maintainer would say about a start, with evidence and advice.

Known noise is explained at the end, never a headline; lines after the first sign of a stop are echoes and count for
nothing. The first finding is the root: what follows from it comes later and says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from analyzer.analysis import user_findings
from analyzer.analysis.case import Case
from analyzer.analysis.rules import ends, hooks, machine, other, servers, store, text, waiting
from analyzer.analysis.rules.common import OUT_OF_PROPORTION, proportion
from analyzer.analysis.rules.loop import across_starts as across_starts
from analyzer.analysis.rules.rank import root_first
from analyzer.events.catalogue import causes_in
from analyzer.events.findings import reported_as
from analyzer.events.user_rules import NO_RULES, Rules
from analyzer.findings import Finding
from analyzer.records.book import LogBook

if TYPE_CHECKING:
    from analyzer.analysis.build import Studied


def diagnose(studied: Studied, book: LogBook, rules: Rules = NO_RULES) -> tuple[Finding, ...]:
    """Findings on one start: most severe first, causes before their symptoms, else in the order of the rules."""
    case = Case(studied, book, rules.titles())
    ended = ends.failure(case)
    found = user_findings.findings(case, rules) + ended
    stalled = store.own_check(case)
    found += store.away(case) + stalled + store.slow(case, bool(stalled)) + store.retried(case)
    found += waiting.still_waiting(case)
    found += waiting.old_pod(case) + waiting.poll_answers(case)
    said = {reported_as(rule.id) for rule, _ in causes_in(studied.verdict.reason or studied.verdict.end_reason or "")}
    found += other.problems(case, {finding.id for finding in found} | said)
    found += waiting.stuck(case, found)
    found += machine.starved(case) + machine.silence(case) + machine.like_timeout(case) + machine.clock(case)
    found += hooks.definitions(case) + hooks.aggregated(case) + ends.panicked(case)
    found += text.restarted(case) + text.lost(case) + text.cut(case)
    found = other.healthy(case, found) + ends.stop(case) + found
    found += store.temporary_etcd(case) + machine.disk_work(case)
    found += hooks.tax(case) + hooks.floor(case) + hooks.poller(case) + servers.answered(case) + text.noise(case)
    return tuple(root_first(found, _ruled_out(case), _ruled_in(case, ended)))


def _ruled_in(case: Case, ended: list[Finding]) -> list[tuple[str, str]]:
    """Edges that hold in this start because of its words.

    Who ends with "not yet ready to handle request" met an API server that was late: what made it late is the cause.
    """
    reason = case.studied.verdict.reason or case.studied.verdict.end_reason or ""
    edges = [("config_key_ignored", finding.id) for finding in ended if _names_a_skipped_key(case, reason)]
    if "not yet ready to handle request" not in reason:
        return edges
    late = ("slow_datastore", "cpu_starved", "frozen_gap", "datastore_late", "slow_bootstrap_roles")
    return edges + [(cause, finding.id) for cause in late for finding in ended]


def _names_a_skipped_key(case: Case, reason: str) -> bool:
    """Whether the words of the end name a key of config.yaml that was skipped."""
    keys = [mark.groups.get("flag", "").lstrip("-") for mark in case.of("config_key_ignored", before_ready=False)]
    return any(key and re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", reason) for key in keys)


def _ruled_out(case: Case) -> list[tuple[str, str]]:
    """Edges that do not hold in this start."""
    out: list[tuple[str, str]] = []
    times = proportion(case)
    slow_disk = bool(case.of("etcd_slow_fsync")) or (times is not None and times >= OUT_OF_PROPORTION)
    if slow_disk or case.datastore == "external":
        # The datastore is not part of the starved process, or is slow by itself.
        out.append(("cpu_starved", "slow_datastore"))
    return out
