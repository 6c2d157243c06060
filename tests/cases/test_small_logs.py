"""Small logs whose right answer is known: texts like those that people paste, in our own words."""

from __future__ import annotations

import pytest

from analyzer.reports import json_report
from tests.cases.small_logs import HERE, Case, analysed, cases_of, faults, impossible, tables

UNTRIED = HERE / "untried" / "cases.toml"


@pytest.mark.parametrize("case", cases_of(UNTRIED), ids=lambda case: case.name)
def test_an_untried_log_gets_the_right_answer(case: Case) -> None:
    assert faults(case) == [], case.why


MADE = [case for table in tables() if table != UNTRIED for case in cases_of(table)]


@pytest.mark.parametrize("case", MADE, ids=lambda case: case.name)
def test_a_log_of_the_same_kind_gets_the_right_answer(case: Case) -> None:
    assert faults(case) == [], case.why


def test_names_are_unique() -> None:
    names = [case.name for table in tables() for case in cases_of(table)]
    assert len(names) == len(set(names))


# --- the judge finds what is wrong ----------------------------------------------------------------------------------


GOOD = next(case for case in MADE if case.name == "gate-begin-seen-passes")


@pytest.mark.parametrize(
    "expected",
    [
        {"exit": 4},
        {"gate": [30, 1]},
        {"gate": [1, 0]},
        {"starts": 2},
        {"printed": 1},
        {"outcome": "failed"},
        {"not_outcome": ["ready"]},
        {"outcomes": ["ready", "ready"]},
        {"outcomes": ["failed|stopped"]},
        {"ends": ["stopped"]},
        {"begins": [False]},
        {"end": "failed"},
        {"role": "agent"},
        {"product": ["rke2", "unknown"]},
        {"version": ""},
        {"reason": "token"},
        {"ready": [20, 30]},
        {"ready_seen": False},
        {"has": ["no such words"]},
        {"lacks": ["ready"]},
        {"first": "token"},
        {"never": ["healthy"]},
    ],
    ids=str,
)
def test_the_judge_finds_a_wrong_answer(expected: dict[str, object]) -> None:
    assert faults(GOOD) == []
    assert len(faults(Case("x", GOOD.content, {**expected, "why": ""}))) == 1


def test_the_judge_finds_that_nothing_was_found() -> None:
    assert faults(Case("x", b"nothing of ours\n", {"exit": 4, "why": ""})) == []
    assert faults(Case("x", b"nothing of ours\n", {"outcome": "ready", "why": ""})) == ["no trace"]


def test_the_judge_finds_impossible_times() -> None:
    report = analysed(GOOD.content)
    assert report is not None
    [start] = json_report.report_object(report)["starts"]
    assert list(impossible(start)) == []
    start["ready"] |= {"lower": 9.0, "upper": 8.0}
    start["end"]["at_s"] = -1.0
    start["detected"] |= {"lower": 3.0}
    start["milestones"][0]["at_s"] = -0.5
    assert len(list(impossible(start))) == 4
