"""Finding rules: what a maintainer would say about a start, with evidence and advice.

Known noise is explained at the end, never a headline; lines after the first sign of a stop are echoes and count for
nothing. The first finding is the root: what follows from it comes later and says so.
"""

from __future__ import annotations

import re

from analyzer.analysis import user_findings
from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.rules import (
    datastore,
    hooks,
    known_problems,
    log_quality,
    machine,
    other_servers,
    process_exit,
    waiting,
)
from analyzer.analysis.rules.causes_first import root_first
from analyzer.analysis.rules.crash_loop import across_starts as across_starts
from analyzer.analysis.rules.shared_facts import OUT_OF_PROPORTION, proportion
from analyzer.analysis.studied_start import StudiedStart
from analyzer.events.catalogue import causes_in
from analyzer.events.finding_info import reported_as
from analyzer.events.user_rules import NO_RULES, Rules
from analyzer.records.log_records import LogRecords
from analyzer.results import Finding


def diagnose(studied: StudiedStart, log_records: LogRecords, rules: Rules = NO_RULES) -> tuple[Finding, ...]:
    """Findings on one start: most severe first, causes before their symptoms, else in the order of the rules."""
    context = RuleContext(studied, log_records, rules.titles())
    ended = process_exit.failure(context)
    found = user_findings.findings(context, rules) + ended
    stalled = datastore.own_check(context)
    found += datastore.away(context) + stalled + datastore.slow(context, bool(stalled)) + datastore.retried(context)
    found += waiting.still_waiting(context)
    found += waiting.old_pod(context) + waiting.poll_answers(context)
    said = {reported_as(rule.id) for rule, _ in causes_in(studied.verdict.reason or studied.verdict.end_reason or "")}
    found += known_problems.problems(context, {finding.id for finding in found} | said)
    found += waiting.stuck(context, found)
    found += (
        machine.starved(context) + machine.silence(context) + machine.like_timeout(context) + machine.clock(context)
    )
    found += hooks.definitions(context) + hooks.aggregated(context) + process_exit.panicked(context)
    found += log_quality.restarted(context) + log_quality.lost(context) + log_quality.cut(context)
    found = known_problems.healthy(context, found) + process_exit.stop(context) + found
    found += datastore.temporary_etcd(context) + machine.disk_work(context)
    found += (
        hooks.tax(context)
        + hooks.floor(context)
        + hooks.poller(context)
        + other_servers.answered(context)
        + log_quality.noise(context)
    )
    return tuple(root_first(found, _ruled_out(context), _ruled_in(context, ended)))


def _ruled_in(context: RuleContext, ended: list[Finding]) -> list[tuple[str, str]]:
    """Edges that hold in this start because of its words.

    Who ends with "not yet ready to handle request" met an API server that was late: what made it late is the cause.
    """
    reason = context.studied.verdict.reason or context.studied.verdict.end_reason or ""
    edges = [("config_key_ignored", finding.id) for finding in ended if _names_a_skipped_key(context, reason)]
    if "not yet ready to handle request" not in reason:
        return edges
    late = ("slow_datastore", "cpu_starved", "frozen_gap", "datastore_late", "slow_bootstrap_roles")
    return edges + [(cause, finding.id) for cause in late for finding in ended]


def _names_a_skipped_key(context: RuleContext, reason: str) -> bool:
    """Whether the words of the end name a key of config.yaml that was skipped."""
    keys = [mark.groups.get("flag", "").lstrip("-") for mark in context.of("config_key_ignored", before_ready=False)]
    return any(key and re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", reason) for key in keys)


def _ruled_out(context: RuleContext) -> list[tuple[str, str]]:
    """Edges that do not hold in this start."""
    out: list[tuple[str, str]] = []
    times = proportion(context)
    slow_disk = bool(context.of("etcd_slow_fsync")) or (times is not None and times >= OUT_OF_PROPORTION)
    if slow_disk or context.datastore == "external":
        # The datastore is not part of the starved process, or is slow by itself.
        out.append(("cpu_starved", "slow_datastore"))
    return out
