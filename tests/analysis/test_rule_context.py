"""What every rule says with: a finding's lines, spans of time, counts, and what a start is known to use."""

from __future__ import annotations

from collections import Counter

import pytest

from analyzer.analysis.rule_context import count, durations, listing, sentence, times
from analyzer.results import Check, Poll
from tests.analysis.rules.made_contexts import made, window
from tests.kit.handmade import RBAC, Journal


@pytest.mark.parametrize(
    ("given", "shown"),
    [(1, (1,)), (8, tuple(range(1, 9))), (9, (*range(1, 8), 9)), (12, (*range(1, 8), 12))],
)
def test_of_many_lines_the_first_seven_and_the_last_are_shown(given: int, shown: tuple[int, ...]) -> None:
    found = made().say("crd_heavy", "d", lines=[(0, line) for line in range(1, given + 1)])
    assert found.lines == shown
    twice = made().say("crd_heavy", "d", lines=[(0, line) for line in range(1, given + 1)] * 2)
    assert twice.lines == shown


def test_the_lines_of_a_finding_are_of_one_source() -> None:
    found = made().say("crd_heavy", "d", [Poll(1.0, True, "eof", line=7, source=2)], lines=[(0, 3), (2, 9)])
    assert (found.source, found.lines) == (2, (7, 9))
    assert made().say("crd_heavy", "d").lines == ()
    own = made().say("crd_heavy", "--token=pr1v4te", title="Mine", severity="critical", advice="do")
    assert (own.title, own.severity, own.advice, own.detail) == ("Mine", "critical", "do", "--token=***")
    known = made().say("crd_heavy", "d")
    assert known.title == made().about("crd_heavy").title and known.severity == made().about("crd_heavy").severity


@pytest.mark.parametrize(("kinds", "shown"), [(6, ""), (7, " and 1 more kind"), (8, " and 2 more kinds")])
def test_six_kinds_are_listed(kinds: int, shown: str) -> None:
    counts = Counter({f"k{number}": 9 - number for number in range(kinds)})
    assert listing(counts) == "k0 (9), k1 (8), k2 (7), k3 (6), k4 (5), k5 (4)" + shown


def test_numbers_in_words() -> None:
    assert [count(number, "line") for number in (0, 1, 2)] == ["0 lines", "1 line", "2 lines"]
    assert [count(number, "try", "tries") for number in (1, 2)] == ["1 try", "2 tries"]
    assert [times([0] * number) for number in (1, 2)] == ["once", "2 times"]
    assert [sentence(text) for text in ("", "a", "ab c")] == ["", "A", "Ab c"]


def test_only_durations_count() -> None:
    journal = Journal().begin()
    for number, took in enumerate(("1.5s", "2m3s", "soon")):
        journal.say(2.0 + number, f"Imported images from /a.tar in {took}")
    found = durations(made(journal).of("image_import", before_ready=False))
    assert [seconds for seconds, _ in found] == [1.5, 123.0]


@pytest.mark.parametrize(("begin", "end", "apart"), [(2.0, 5.0, 3.0), (5.0, 2.0, 0.0), (2.0, 2.0, 0.0)])
def test_how_long_two_lines_certainly_lie_apart(begin: float, end: float, apart: float) -> None:
    context = made(Journal().begin().kube(begin, "one").kube(end, "two"))
    lines = {record.message: record for record in context.studied.start.process}
    assert context.apart(lines["one"], lines["two"]) == pytest.approx(apart, abs=2e-6)


def test_the_span_of_lines_is_rounded_outwards() -> None:
    text = "Waited for 1.5s due to client-side throttling, not priority and fairness, x"
    context = made(Journal().begin().kube(2.04, text).kube(5.06, text))
    marks = context.of("throttled_client")
    assert context.span(marks) == " between 2.0 s and 5.1 s"
    assert context.span(marks[:1]) == ""  # a moment, as exact as its stamp
    assert context.span([]) == ""
    assert context.spread(marks) == pytest.approx(3.02, abs=1e-5)
    assert context.spread(marks[:1]) == context.spread([]) == 0.0


def test_the_last_answer_is_the_last_error_of_the_servers() -> None:
    polls = (
        Poll(1.0, True, "eof"),
        Poll(2.0, True, "forbidden"),
        Poll(3.0, True, "context_canceled"),
        Poll(4.0, True, None),
    )
    assert made(polls=polls).last_answer == polls[1]
    assert made(polls=polls[2:]).last_answer is None


def test_how_long_the_roles_worked_without_their_first_second() -> None:
    roles = (Check(RBAC, "ok", True, window(7.0, 9.0)),)
    assert made(serving_s=2.0, checks=roles).roles_s == 4.0
    assert made(serving_s=None, checks=roles).roles_s is None
    assert made(serving_s=2.0, checks=()).roles_s is None
    assert made(serving_s=2.0, checks=(Check(RBAC, "ok", True, window(None, 9.0)),)).roles_s is None


def test_what_shows_a_check_failing() -> None:
    cleared = Check(RBAC, "ok", True, window(7.0, 9.0), first_seen_failing_line=2, first_seen_failing_source=1)
    opened = Check(RBAC, "ok", True, window(None, 9.0), first_seen_failing_line=2, first_seen_failing_source=1)
    assert made().shown_failing(cleared) == [(0, 3)]
    assert made().shown_failing(opened) == [(1, 2)]
    assert made().shown_failing(Check(RBAC, "ok", True)) == []
