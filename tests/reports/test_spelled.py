"""Expressions of the vocabulary are shown as the lines they are for."""

from __future__ import annotations

import pytest

from analyzer.events import catalogue, witness_rules
from analyzer.reports.explain import entries
from analyzer.reports.spelled import spelled


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (r"^Serving securely on (?!\S*:(?:10257|10258)$)\S+$", "Serving securely on …"),
        (r'^(?:"Unhandled Error" err=")?unable to (?:sync|list) x\.y: ', "unable to sync x.y: …"),
        (r"[Ss]cheduled restart job, counter is at (?P<counter>\d+)", "Scheduled restart job, counter is at …"),
        (r"Trace\[\d+\]: \(a\|b\)$", "Trace[…]: (a|b)"),
    ],
)
def test_an_expression_reads_as_a_line(pattern: str, line: str) -> None:
    assert spelled(pattern) == line


def test_what_has_no_dots_is_matched_by_its_own_expression() -> None:
    shown = {rule.id: spelled(rule.match.pattern) for rule in witness_rules.rules()}
    whole = [rule for rule in witness_rules.rules() if "…" not in shown[rule.id]]
    assert len(whole) > 20
    assert [rule.id for rule in whole if not rule.match.search(shown[rule.id])] == []


def test_no_entry_shows_an_expression() -> None:
    patterns = {rule.match.pattern for rule in (*catalogue.rules(), *witness_rules.rules()) if rule.match is not None}
    raw = {pattern for pattern in patterns if any(sign in pattern for sign in (r"\S", r"\d", "(?", "[^"))}
    assert len(raw) > 50
    for kind in ("witness", "milestone", "pattern", "noise", "finding", "check"):
        for entry in entries(kind):
            shown = [line for section in entry.sections for line in section.lines]
            assert not any(pattern in line for pattern in raw for line in shown), entry.name
