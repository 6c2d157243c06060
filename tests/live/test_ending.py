"""How a wait without success is told: each sentence holds whatever happened that nobody saw."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analyzer.live.ending import ending_of
from analyzer.live.observed_polls import CUT_OFF, Answer, ObservedPoll, ObservedWait, Verdict
from analyzer.live.summary import LINES, summary_of
from analyzer.live.wait_report import report_of, start_report
from analyzer.reports import full_text

BEGAN = datetime(2025, 3, 1, 6, 3, 22, tzinfo=UTC)
ROLES = "poststarthook/rbac/bootstrap-roles"
FAILING = Answer("readyz_failing", 500, "readyz check failed", (ROLES,), ("ping",))
AWAY = Answer("service_unavailable", 503, "status 503: apiserver not ready", message="apiserver not ready")
REFUSED = Answer("connection_refused", text="connection refused")
DENIED = Answer("unauthorized", 401, "status 401: Unauthorized")
CUT = Answer("context_canceled", text=CUT_OFF)
SLOW = Answer("deadline_exceeded", text="no answer within 15 s (connected, then silence)")
READY = Answer(None, 200, "ready", (), ("ping", ROLES))


def waited(*answers: Answer, verdict: Verdict = "timed_out", reason: str = "not ready within 60 s") -> ObservedWait:
    polls = tuple(
        ObservedPoll(
            a.error,
            a.status,
            a.text,
            a.failing,
            a.ok,
            message=a.message,
            departed_s=n + 0.9,
            answered_s=n + 1.0,
            line=n + 2,
        )
        for n, a in enumerate(answers)
    )
    return ObservedWait("https://h:6443", "adaptive", BEGAN, polls, verdict, float(len(answers) + 1), reason)


def told(wait: ObservedWait) -> str:
    return " ".join(summary_of(wait).split())


def test_a_failing_list_at_the_end_is_not_ready() -> None:
    end = ending_of(waited(AWAY, FAILING))
    assert end.not_ready and end.sentence == f"At the last look, after 1.9 s, 1 check failed: {ROLES}."
    assert "not ready" in told(waited(AWAY, FAILING))


def test_a_401_does_not_say_not_ready() -> None:
    wait = waited(AWAY, *[DENIED] * 5)
    assert ending_of(wait).kind == "denied" and not ending_of(wait).not_ready
    assert "not known" in told(wait) and "not ready." not in told(wait) and "not ready," not in told(wait)


def test_a_list_before_thirteen_refusals_holds_nothing_back() -> None:
    wait = waited(AWAY, FAILING, *[REFUSED] * 13)
    end = ending_of(wait)
    assert end.kind == "gone" and not end.not_ready
    assert "is gone: it last answered at 2.0 s (1 check failing), then 13 polls got connection refused" in end.sentence
    start = start_report(wait)
    assert start.bottleneck.checks == () and start.bottleneck.sentence == ""
    assert next(check for check in start.checks if check.name == ROLES).final == "unseen"


def test_a_list_after_a_restart_holds_again() -> None:
    start = start_report(waited(FAILING, REFUSED, AWAY, FAILING))
    assert start.bottleneck.checks == (ROLES,)


def test_a_poll_that_the_wait_cut_off_says_nothing_of_the_server() -> None:
    assert ending_of(waited(FAILING, CUT)) == ending_of(waited(FAILING))
    assert ending_of(waited(CUT)).kind == "unasked"
    assert "stopping" not in told(waited(FAILING, CUT))
    report = report_of(waited(FAILING, CUT))
    assert [error.error for error in report.starts[0].errors] == ["readyz_failing"]
    assert "stopping" not in full_text.render(report)


def test_nothing_ever_answered() -> None:
    end = ending_of(waited(*[REFUSED] * 3))
    assert end.kind == "silent" and end.sentence == "Nothing answered at https://h:6443: connection refused (3 polls)."


def test_one_slow_answer_is_no_end_of_a_server() -> None:
    end = ending_of(waited(FAILING, SLOW))
    assert end.kind == "unknown" and "gone" not in end.sentence and "not known" in end.sentence


def test_an_api_that_went_away_for_its_supervisor() -> None:
    end = ending_of(waited(FAILING, AWAY))
    assert end.kind == "no_api" and end.not_ready and "The one that answered at 1.0 s is gone" in end.sentence


def test_the_last_check_is_told_only_from_a_list_of_the_same_server() -> None:
    assert f"{ROLES} was the last check to clear." in summary_of(waited(FAILING, READY, verdict="ready"))
    lost = summary_of(waited(FAILING, REFUSED, READY, verdict="ready"))
    assert "was not seen" in lost and f"{ROLES} was the last" not in lost


@pytest.mark.parametrize("verdict", ["ready", "timed_out", "fatal", "interrupted", None])
def test_the_summary_is_short_whatever_came(verdict: Verdict | None) -> None:
    many = [Answer("other", 299, f"status 299: {n} {'x' * n}") for n in range(300)]
    wait = waited(*many, READY) if verdict == "ready" else waited(*many, FAILING)
    text = summary_of(ObservedWait(wait.server, wait.policy, BEGAN, wait.polls, verdict, 300.0, "r", "a"))
    assert 2 <= len(text.splitlines()) <= LINES and text.endswith("\n")
    assert max(map(len, text.splitlines())) <= 440
