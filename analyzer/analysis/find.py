"""Finding rules: what a maintainer would say about a start, with evidence and advice.

Known noise is explained at the end, never a headline; lines after the first sign of a stop are echoes and count for
nothing. The first finding is the root: what follows from it comes later and says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.analysis.causes_first import root_first
from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.rule_registry import FindingRule, rules, running_order
from analyzer.analysis.shared_facts import OUT_OF_PROPORTION, kubelet_keeps_ending, proportion, silences
from analyzer.analysis.studied_start import StudiedStart
from analyzer.events.finding_info import late
from analyzer.events.user_rules import NO_RULES, Rules
from analyzer.records.log_records import LogRecords
from analyzer.results import Finding, StartReport

# RKE2's etcd and API server are pods of its kubelet.
_OF_THE_KUBELET = ("datastore_waiting", "static_pod_waiting", "server_not_ready")

_LEASE_S = 30.0  # twice the time for which a controller may go without renewing its lease

running_order()  # a finding without rule, or a rule without finding, is an error now and not in some start


def diagnose(studied: StudiedStart, log_records: LogRecords, user: Rules = NO_RULES) -> tuple[Finding, ...]:
    """Findings on one start: most severe first, causes before their symptoms, else in the order of the file."""
    context = RuleContext(studied, log_records, user)
    found: dict[FindingRule, list[Finding]] = {}
    for rule, before in running_order():
        known = [finding for other in before for finding in found[other]]
        found[rule] = list(rule.run(context, known) if rule.after else rule.run(context))
    ended = next(findings for rule, findings in found.items() if "process_failed" in rule.gives)
    told = [finding for rule in rules() for finding in found.get(rule, ())]
    return root_first(told, _ruled_out(context), _ruled_in(context, ended))


def across_starts(reports: Sequence[StartReport]) -> list[StartReport]:
    """The reports with the findings that need more than one start."""
    for rule in rules():
        if rule.across:
            reports = rule.run(reports)
    return list(reports)


def _ruled_in(context: RuleContext, ended: list[Finding]) -> list[tuple[str, str]]:
    """Edges that hold in this start: by the words with which its process ended, or by what runs what."""
    causes = [*late(context.last_words)]
    if _names_a_skipped_key(context):
        causes.append("config_key_ignored")
    edges = [(cause, finding.id) for cause in causes for finding in ended]
    return edges + [("kubelet_exited", one) for one in _OF_THE_KUBELET if kubelet_keeps_ending(context)]


def _names_a_skipped_key(context: RuleContext) -> bool:
    """Whether the words of the end name a key of config.yaml that was skipped."""
    keys = [mark.groups.get("flag", "").lstrip("-") for mark in context.of("config_key_ignored", before_ready=False)]
    return any(key and _names_key(context.last_words, key) for key in keys)


def _names_key(words: str, key: str) -> bool:
    """A key of several words is named by itself; "server" or "token" only where it is written as an option is."""
    around = (r"(?<![\w-])", r"(?![\w-])") if "-" in key else (r"""(?:(?<![\w-])--|["'`])""", r"(?![\w-])")
    return re.search(f"{around[0]}{re.escape(key)}{around[1]}", words) is not None


def _ruled_out(context: RuleContext) -> list[tuple[str, str]]:
    """Edges that do not hold in this start."""
    times = proportion(context)
    slow_disk = bool(context.of("etcd_slow_fsync")) or (times is not None and times >= OUT_OF_PROPORTION)
    # The datastore is not part of the starved process, or is slow by itself.
    apart = [("cpu_starved", "slow_datastore")] if slow_disk or context.datastore == "external" else []
    return apart + ([("frozen_gap", "lease_lost")] if _silent_long_before(context) else [])


def _silent_long_before(context: RuleContext) -> bool:
    """Whether every silence was over long before the end: a lease that one costs is lost within seconds of it."""
    ended = context.report.end.at_s
    return ended is not None and all(gap.end_s + _LEASE_S < ended for gap in silences(context))
