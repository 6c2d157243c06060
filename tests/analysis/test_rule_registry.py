"""Rules as they declare themselves: the order in which they run, and the one in which their findings are told."""

from __future__ import annotations

import importlib
from functools import cache

import pytest

from analyzer.analysis import find, rule_registry
from analyzer.analysis.find import across_starts, diagnose
from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.rule_registry import EVERY, OWN, FindingRule, looked_for, may_give, rules, running_order
from analyzer.analysis.start_report import study
from analyzer.events.finding_info import about, known_findings, late, problems, reported_as
from analyzer.records import read_log_records
from analyzer.starts import find_starts
from analyzer.testing.faults import fault

PLACE = {known.id: number for number, known in enumerate(known_findings())}
JOURNALS = ["no_quorum", "slow_datastore", "hook_limit", "healthy", "crash_loop", "server_unreachable", "cut_list"]


@cache
def contexts(name: str) -> list[RuleContext]:
    import io

    log_records, _ = read_log_records(["-"], stdin=io.BytesIO(fault(name)(1)))
    starts = find_starts(log_records.records)
    return [RuleContext(study(start, index, log_records), log_records) for index, start in enumerate(starts, 1)]


def giving(name: str) -> FindingRule:
    return next(rule for rule in rules() if name in rule.gives)


def test_findings_are_told_in_the_order_of_the_file() -> None:
    places = [PLACE[rule.place] for rule in rules()]
    assert places == sorted(places)
    assert [rule.place for rule in rules()][:3] == ["healthy", "stopped_early", "process_failed"]
    assert rules()[2].gives == (OWN,)
    assert rules()[-1].gives == ("noise_explained",)


def test_a_rule_runs_after_those_that_it_names() -> None:
    done: list[FindingRule] = []
    for rule, before in running_order():
        assert set(before) <= set(done)
        done.append(rule)
    assert len(done) == len([rule for rule in rules() if not rule.across])
    before = dict(running_order())
    assert before[giving("slow_datastore")] == (giving("datastore_check_failing"),)
    late_ones = [rule for rule in done if EVERY in rule.after]
    assert {rule.gives for rule in late_ones} == {
        ("healthy", "open_wait", "unknown_alarms"),
        ("stuck",),
        ("repeated_error",),
    }
    assert all(set(before[rule]) == set(done) - set(late_ones) for rule in late_ones)


@pytest.mark.parametrize("name", JOURNALS)
def test_no_rule_gives_what_it_does_not_declare(name: str) -> None:
    told: set[str] = set()
    for context in contexts(name):
        for rule, _ in running_order():
            found = list(rule.run(context, []) if rule.after else rule.run(context))
            assert {finding.id for finding in found} <= may_give(rule), rule.run.__name__
            told |= {finding.id for finding in found}
    assert told


def test_every_known_finding_is_given_by_a_rule() -> None:
    assert frozenset[str]().union(*(may_give(rule) for rule in rules())) == PLACE.keys()


def test_a_line_that_a_rule_looks_for_makes_no_finding_by_itself() -> None:
    own = looked_for() & problems().keys()
    assert own == {
        "no_quorum", "too_many_clients", "datastore_unreachable", "throttled_client", "image_import", "lines_lost",
    }  # fmt: skip
    assert reported_as("slow_sql") == "slow_datastore"
    assert reported_as("selinux") == "selinux"


def test_words_of_an_end_name_who_was_late() -> None:
    assert "slow_datastore" in late("etcd exited: not yet ready to handle request")
    assert late("etcd exited") == ()


def test_a_finding_that_nothing_knows_cannot_be_said() -> None:
    context = contexts("healthy")[0]
    with pytest.raises(KeyError):
        context.say("no_such_finding", "It is.")
    assert context.say("polling_tax", "It is.").title == about("polling_tax").title


def test_a_loop_replaces_what_says_less() -> None:
    replaced = about("crash_loop").replaces
    assert replaced == ("restarted", "healthy")
    reports = []
    for context in contexts("crash_loop"):
        reports.append(context.report)
    last = across_starts(reports)[-1]
    assert "crash_loop" in {finding.id for finding in last.findings}
    assert not {finding.id for finding in last.findings} & set(replaced)


def test_what_slowed_a_healthy_start_is_named() -> None:
    slows = {known.id for known in known_findings() if known.slows}
    assert slows == {
        "cpu_starved", "slow_datastore", "frozen_gap", "server_unreachable", "throttled_client", "image_import",
    }  # fmt: skip
    for context in contexts("healthy"):
        told = [finding.id for finding in diagnose(context.studied, context.log_records)]
        assert told[0] == "healthy"


def test_a_finding_without_rule_is_an_error_before_any_start_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    caches = (rules, running_order)
    monkeypatch.setattr(rule_registry, "_declared", [rule for rule in rules() if "polling_tax" not in rule.gives])
    try:
        for cached in caches:
            cached.cache_clear()
        with pytest.raises(LookupError, match="polling_tax"):
            importlib.reload(find)
    finally:
        monkeypatch.undo()
        for cached in caches:
            cached.cache_clear()
    assert importlib.reload(find) is find
