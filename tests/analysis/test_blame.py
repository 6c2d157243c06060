"""Who made readiness late: time alone, saving, last blocker, and the sentence about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzer.analysis.answering_server import AnsweringServer
from analyzer.analysis.blame import blame, bottleneck
from analyzer.analysis.check_windows import CheckFacts, Facts
from analyzer.reports import narrative
from analyzer.window import Bound, Evidence, Span, Window
from tests.kit.handmade import CRD, RBAC, SCHEDULING, Journal, check

REGISTRATION = "poststarthook/apiservice-registration-controller"
DISCOVERY = "poststarthook/apiservice-discovery-controller"
SLACK = 0.1


def served() -> Journal:
    """Serving at 5.0, polls on the even seconds."""
    return Journal().begin().ticking(1.0, 20.0).serving(5.0).poll(4.01)


def test_alone_in_the_last_complete_list_is_certain() -> None:
    report = served().listed(6.01, RBAC, SCHEDULING).listed(8.01, RBAC).running(14.01).report()
    assert report.bottleneck.checks == (RBAC,) and report.bottleneck.certainty == "certain"
    roles, classes = check(report, RBAC), check(report, SCHEDULING)
    assert (roles.last_blocker, classes.last_blocker) == ("certain", "no")
    # The other cleared in (6, 8], it in (12, 14]: alone for 4 to 8 s.
    assert roles.exclusive_s is not None and roles.exclusive_s.max is not None
    assert roles.exclusive_s.min == pytest.approx(4.0, abs=SLACK)
    assert roles.exclusive_s.max == pytest.approx(8.0, abs=SLACK)
    assert classes.exclusive_s is not None and classes.exclusive_s.max == 0.0


def test_two_in_the_last_list_are_both_possible() -> None:
    report = served().listed(6.01, RBAC, CRD).running(12.01).report()
    assert set(report.bottleneck.checks) == {RBAC, CRD}
    assert report.bottleneck.certainty == "possible"
    assert check(report, SCHEDULING).last_blocker == "no"
    roles = check(report, RBAC).exclusive_s
    assert roles is not None and roles.min == 0.0


def test_a_cut_list_names_nobody_for_certain() -> None:
    journal = Journal("v1.35.0+k3s1").begin().ticking(1.0, 20.0).serving(5.0).poll(4.01)
    failing = journal.names[5:]
    report = journal.listed(6.01, *failing).running(8.01).report()
    cut = next(p for p in report.polls if p.failing)
    assert cut.cut
    assert report.bottleneck.certainty == "possible"


def test_no_list_at_all_is_never_certain() -> None:
    report = served().running(8.01).report()
    assert report.bottleneck.certainty == "possible"
    assert RBAC in report.bottleneck.checks


def test_never_ready_names_what_was_failing_when_last_seen() -> None:
    journal = served().listed(6.01, RBAC, SCHEDULING).listed(8.01, RBAC)
    report = journal.systemd(9.0, "k3s.service: Main process exited, code=killed, status=9/KILL").report()
    assert report.bottleneck.checks == (RBAC,)
    assert "still failing" in report.bottleneck.sentence
    assert check(report, RBAC).exclusive_s is None


def test_what_waits_for_a_check_is_saved_with_it() -> None:
    """Discovery waits for the registration: an instant registration would save more than its time alone."""
    report = served().listed(6.01, DISCOVERY, REGISTRATION).listed(8.01, DISCOVERY).running(10.01).report()
    registration, discovery = check(report, REGISTRATION), check(report, DISCOVERY)
    assert discovery.last_blocker == "certain"
    assert registration.exclusive_s is not None and registration.exclusive_s.max == 0.0
    assert registration.saving_s is not None and registration.saving_s.max is not None
    # It cleared by 8, 3 s after serving; no more than its own length can be saved.
    assert registration.saving_s.min == 0.0
    assert 2.0 < registration.saving_s.max <= 3.0 + SLACK


def test_no_more_is_saved_than_the_room_that_the_independent_rest_leaves() -> None:
    """The registration took 5 to 10; roles were failing until 8 at least, so 4 s of the 5 until 12 could be saved."""
    journal = served().listed(6.01, DISCOVERY, REGISTRATION, RBAC).listed(8.01, DISCOVERY, REGISTRATION, RBAC)
    report = journal.listed(10.01, DISCOVERY).running(12.01).report()
    saving = check(report, REGISTRATION).saving_s
    assert saving is not None and saving.max == pytest.approx(4.0, abs=SLACK)
    alone = served().listed(6.01, DISCOVERY, REGISTRATION).listed(8.01, DISCOVERY, REGISTRATION)
    saving = check(alone.listed(10.01, DISCOVERY).running(12.01).report(), REGISTRATION).saving_s
    assert saving is not None and saving.max == pytest.approx(5.0, abs=SLACK)


def test_time_alone_and_time_shared_are_the_whole() -> None:
    report = served().listed(6.01, RBAC, SCHEDULING).listed(8.01, RBAC).running(14.01).report()
    alone, shared = report.hooks_alone_s, report.hooks_shared_s
    assert alone is not None and shared is not None
    assert alone.max is not None and shared.max is not None
    serving, lower, upper = 5.0, report.ready.lower, report.ready.upper
    assert lower is not None and upper is not None
    assert alone.min + shared.max == pytest.approx(upper - serving, abs=1e-3)
    assert alone.max + shared.min >= lower - serving - 1e-3


def test_after_trouble_only_a_probe_can_have_come_back() -> None:
    """The datastore stalled after the last list: hooks that had passed stay passed, the probes need not."""
    journal = served().listed(6.01, RBAC).say(7.0, "Slow SQL (started: x) (total time: 3.1s): SELECT", "warning")
    report = journal.running(10.01).report()
    assert report.bottleneck.certainty == "possible"
    assert set(report.bottleneck.checks) == {RBAC, "informer-sync", "etcd", "etcd-readiness", "log"}
    assert check(report, SCHEDULING).last_blocker == check(report, "ping").last_blocker == "no"
    assert "shows only rbac/bootstrap-roles failing; after it" in report.bottleneck.sentence
    assert "turned bad again unseen" in report.bottleneck.sentence


@pytest.mark.parametrize("shown", [("etcd",), ("etcd", "poststarthook/crd-informer-synced")])
def test_the_sentence_names_the_check_first_that_the_explanation_is_about(shown: tuple[str, ...]) -> None:
    journal = Journal("v1.35.0+k3s1").begin().ticking(1.0, 20.0).serving(5.0).poll(4.01)
    names = (*shown, *(n for n in journal.names if n not in ("ping", *shown)))
    body = "".join(f"[-]{name} failed: reason withheld\n" for name in shown) + f"[+]{names[-1]} o"
    report = journal.poll(6.01, body).running(8.01).report()
    blamed = report.bottleneck
    assert blamed.certainty == "possible" and RBAC in blamed.checks
    first = blamed.checks[0]
    assert first in shown
    assert blamed.sentence.startswith(f"The last list shows {first.removeprefix('poststarthook/')}")
    explained = narrative.about_culprit(report)
    assert explained and explained[0].startswith(f"{first.removeprefix('poststarthook/')} waits for")


def test_a_cut_list_is_called_one() -> None:
    journal = Journal("v1.35.0+k3s1").begin().ticking(1.0, 20.0).serving(5.0).poll(4.01)
    sentence = journal.listed(6.01, *journal.names[5:]).running(8.01).report().bottleneck.sentence
    assert "but not every check" in sentence


# --- the ranges themselves, with exact windows ----------------------------------------------------------------------


def of_windows(serving_s: float | None, ready: Window, *checks: CheckFacts, **changed: Any) -> Facts:
    found = {check.name: check for check in checks}
    facts = Facts(
        checks=found, ready=ready, detected=ready, last_list=None, last_list_complete=False, trouble_after_list=False,
        serving=None if serving_s is None else Evidence(serving_s, Bound.OBSERVED), any_complete_list=True, lossy=False,
        noticed=True, answering=AnsweringServer("own"),
    )  # fmt: skip
    return replace(facts, **changed)


def cleared(name: str, lower: float | None, upper: float | None, **seen: Any) -> CheckFacts:
    return CheckFacts(name, True, window=Window(lower, upper), **seen)


def test_time_alone_lies_between_the_last_clearing_but_one_and_the_last() -> None:
    last, other = cleared(RBAC, 8.0, 10.0, joint_last=True), cleared(SCHEDULING, 4.0, 6.0)
    blames, shares = blame(of_windows(2.0, Window(8.0, 10.0), last, other))
    assert (blames[RBAC].last_blocker, blames[SCHEDULING].last_blocker) == ("certain", "no")
    assert blames[RBAC].exclusive_s == Span(2.0, 6.0)
    assert blames[SCHEDULING].exclusive_s == Span(0.0, 0.0)
    assert shares.alone_s == Span(2.0, 6.0) and shares.shared_s == Span(0.0, 6.0)
    assert bottleneck(of_windows(2.0, Window(8.0, 10.0), last, other), blames).sentence == (
        "rbac/bootstrap-roles was the last check to clear, alone for 2.0 to 6.0 s."
    )


def test_no_time_alone_is_longer_than_from_serving_to_ready() -> None:
    """What had cleared before serving leaves it the whole; what may have cleared later than it, nothing for sure."""
    early = of_windows(5.0, Window(8.0, 10.0), cleared(RBAC, 8.0, 12.0, joint_last=True), cleared(SCHEDULING, 1.0, 2.0))
    assert blame(early)[0][RBAC].exclusive_s == Span(3.0, 5.0)
    wide = of_windows(
        5.0, Window(8.0, 10.0), cleared(RBAC, 8.0, 10.0, joint_last=True), cleared(SCHEDULING, None, None)
    )
    assert blame(wide)[0][RBAC].exclusive_s == Span(0.0, 5.0)
    assert blame(of_windows(None, Window(8.0, 10.0), cleared(RBAC, 8.0, 10.0)))[0][RBAC].exclusive_s is None
    assert blame(of_windows(5.0, Window(None, 10.0), cleared(RBAC, 8.0, 10.0)))[0][RBAC].exclusive_s is None


def test_without_a_whole_list_a_check_that_nobody_names_may_have_been_alone_for_all_of_it() -> None:
    facts = of_windows(2.0, Window(8.0, 10.0), cleared(RBAC, 3.0, 5.0), any_complete_list=False)
    shares = blame(facts)[1]
    assert shares.alone_s == Span(0.0, 8.0) and shares.shared_s == Span(0.0, 8.0)
    assert blame(replace(facts, any_complete_list=True))[1].alone_s == Span(0.0, 3.0)
    assert blame(replace(facts, any_complete_list=True))[1].shared_s == Span(3.0, 8.0)


@pytest.mark.parametrize(("other", "last"), [(Window(5.0, 9.0), "no"), (Window(4.9, 9.0), "possible")])
def test_a_check_that_certainly_cleared_before_another_was_not_the_last(other: Window, last: str) -> None:
    facts = of_windows(2.0, Window(8.0, 10.0), cleared(RBAC, 3.0, 5.0), CheckFacts(SCHEDULING, True, window=other))
    assert blame(facts)[0][RBAC].last_blocker == last


@pytest.mark.parametrize(
    ("lossy", "state", "last"),
    [(False, "failing", "possible"), (False, None, "no"), (True, None, "possible"), (True, "ok", "no")],
)
def test_of_a_start_that_never_was_ready_what_failed_at_last_may_be_to_blame(
    lossy: bool, state: str | None, last: str
) -> None:
    facts = of_windows(2.0, Window(8.0, None), cleared(RBAC, 3.0, None, last_state=state), noticed=False, lossy=lossy)
    assert blame(facts)[0][RBAC].last_blocker == last


def test_where_no_clock_tells_the_last_list_does() -> None:
    one = {"last_list": frozenset({RBAC}), "last_list_complete": True}
    facts = of_windows(2.0, Window(8.0, None), cleared(RBAC, 3.0, None), cleared(SCHEDULING, 3.0, None), **one)
    blames = blame(facts)[0]
    assert (blames[RBAC].last_blocker, blames[SCHEDULING].last_blocker) == ("certain", "no")
    assert bottleneck(facts, blames).certainty == "certain"
    for doubt in ({"trouble_after_list": True}, {"last_list_complete": False}, {"last_list": frozenset({RBAC, CRD})}):
        unsure = replace(facts, **doubt)
        assert blame(unsure)[0][RBAC].last_blocker == "possible"
        assert bottleneck(unsure, blame(unsure)[0]).certainty == "possible"
    assert bottleneck(replace(facts, last_list=None), blames).certainty == "none"


@pytest.mark.parametrize(
    ("checks", "more"),
    [(3, ""), (4, " (or 1 other)"), (5, " (or 2 others)")],
)
def test_three_checks_are_named_where_no_list_was_printed(checks: int, more: str) -> None:
    names = [RBAC, SCHEDULING, CRD, REGISTRATION, DISCOVERY][:checks]
    facts = of_windows(2.0, Window(8.0, 10.0), *(cleared(name, 3.0, 9.0) for name in names))
    sentence = bottleneck(facts, blame(facts)[0]).sentence
    named = f"by the lines of other components {', '.join(n.removeprefix('poststarthook/') for n in names[:2])}"
    third = names[2].removeprefix("poststarthook/")
    assert f"{named} or {third}{more} cleared last. Usually it is rbac/bootstrap-roles" in sentence


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        ([RBAC], "shows only rbac/bootstrap-roles failing; it is very likely the last, but not proven."),
        (
            [RBAC, CRD],
            "shows rbac/bootstrap-roles and crd-informer-synced failing; "
            "the log does not show which of them cleared last.",
        ),
    ],
)
def test_one_check_of_the_last_list_is_very_likely_the_last(shown: list[str], sentence: str) -> None:
    facts = of_windows(
        2.0, Window(8.0, 10.0), *(cleared(name, 8.0, 10.0) for name in shown),
        last_list=frozenset(shown), last_list_complete=True,
    )  # fmt: skip
    assert bottleneck(facts, blame(facts)[0]).sentence == f"The last list {sentence}"
