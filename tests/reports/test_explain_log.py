"""What a log says of a check: its window, its lines, and its place among the starts measured."""

from __future__ import annotations

import pytest

from analyzer.events.measured import spread
from analyzer.reports import explain
from analyzer.reports.explain_log import in_log
from analyzer.results import Report
from tests.kit.handmade import RBAC, Journal
from tests.reports.test_explain_message import section


def told(journal: Journal, name: str = RBAC) -> dict[str, str]:
    report: Report = journal.whole_report()
    [entry] = explain.find(name)
    said = in_log(entry, report, report.starts[-1])
    return {one.title: section(said, one.title) for one in said.sections}


def late(at: float) -> Journal:
    journal = Journal().begin().serving(3.0)
    for moment in range(4, int(at), 2):
        journal.listed(float(moment), RBAC)
    return journal.running(at)


def test_the_window_and_its_lines_come_first() -> None:
    found = told(late(13.0))
    assert list(found)[:3] == ["In this log", "Its lines", "Among the starts measured"]
    assert "passed between" in found["In this log"]
    assert "last check to pass" in found["In this log"]
    assert "first seen failing" in found["Its lines"] and "(passed)" in found["Its lines"]


@pytest.mark.parametrize(("at", "words"), [(5.0, "0 to"), (13.0, "of 100"), (400.0, "later than in every start")])
def test_the_place_among_the_measured(at: float, words: str) -> None:
    assert words in told(late(at))["Among the starts measured"]


def test_a_check_that_never_passed_and_one_of_which_nothing_is_said() -> None:
    journal = Journal().begin().serving(3.0).listed(4.0, RBAC).listed(60.0, RBAC)
    assert "had not passed when last seen" in told(journal)["In this log"]
    assert "says nothing" in told(Journal().begin().say(1.0, "x"), "etcd")["In this log"]


def test_what_was_measured_is_in_order() -> None:
    measured = spread(RBAC)
    assert measured is not None and list(measured.s) == sorted(measured.s)
    assert measured.share_before(0.0) == (0, 5)
    assert measured.share_before(measured.s[-1] + 1) == (100, 100)
    assert spread("no such check") is None
