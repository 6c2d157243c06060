"""The numbers of a report that are worked out here: its end, the poller's share, its gaps."""

from __future__ import annotations

import pytest

from analyzer.analysis.start_report import tax_of
from analyzer.results import StartReport
from analyzer.window import Span, Window
from tests.kit.handmade import RBAC, Journal

KILLED = "k3s.service: Main process exited, code=killed, status=9/KILL"


@pytest.mark.parametrize(
    ("ready", "detected", "tax"),
    [
        (Window(8.0, 9.0), Window(10.0, 12.0), Span(1.0, 4.0)),
        (Window(8.0, 11.0), Window(10.0, 12.0), Span(0.0, 4.0)),
        (Window(None, 9.0), Window(10.0, 12.0), Span(1.0, None)),
        (Window(8.0, None), Window(10.0, 12.0), Span(0.0, 4.0)),
        (Window(8.0, 9.0), Window(None, 12.0), Span(0.0, 4.0)),
        (Window(8.0, 9.0), Window(10.0, None), None),
        (Window(13.0, 14.0), Window(10.0, 12.0), Span(0.0, 0.0)),
    ],
)
def test_the_pollers_share_lies_between_ready_and_detected(ready: Window, detected: Window, tax: Span | None) -> None:
    assert tax_of(ready, detected) == tax


def ended(at: float) -> StartReport:
    return Journal().begin().ticking(0.5, 9.0).serving(3.0).running(9.5).systemd(at, KILLED).report()


def test_an_end_is_where_its_line_is() -> None:
    report = ended(12.0)
    assert report.end.at_s == pytest.approx(12.0, abs=1e-5)
    assert report.began_at is not None and report.ended_at is not None
    assert (report.ended_at - report.began_at).total_seconds() == 12.0


def test_lost_lines_and_silences_are_told_apart() -> None:
    journal = (
        Journal()
        .begin()
        .kube(1.0, "a")
        .kube(6.5, "b")
        .other(8.0, "systemd-journald", "Suppressed 9 messages from k3s.service")
    )
    gaps = journal.kube(12.6, "c").kube(17.5, "d").report().gaps
    assert [(gap.kind, round(gap.begin_s, 1), round(gap.end_s, 1)) for gap in gaps] == [
        ("silent", 1.0, 6.5), ("lost", 6.5, 12.6),
    ]  # fmt: skip
    assert [gap.line for gap in gaps] == [4, 6]


def test_a_line_that_was_written_earlier_makes_no_silence_longer() -> None:
    """Its own stamp goes back behind the line before it; the next silence counts from the latest."""
    journal = Journal().begin().kube(3.0, "a").kube(0.5, "late", lag=2.8).kube(7.9, "b")
    assert not journal.report().gaps
    assert [gap.begin_s for gap in journal.kube(13.0, "c").report().gaps] == [pytest.approx(7.9, abs=1e-5)]


def test_a_start_was_seen_up_to_its_last_line() -> None:
    assert Journal().begin().kube(7.25, "x").report().cut_at_s == pytest.approx(7.25, abs=1e-5)


def test_what_a_cut_list_hides_is_unseen() -> None:
    journal = Journal("v1.35.0+k3s1").begin().ticking(1.0, 9.0).serving(3.0)
    names = journal.names
    body = f"[+]{names[0]} ok\n[-]{names[1]} failed: reason withheld\n[+]{names[2]} o"
    [poll] = journal.poll(6.01, body).report().polls
    assert poll.cut and poll.failing == (names[1],)
    assert set(poll.unseen) == set(names) - {names[0], names[1]} - set(poll.ok)
    [whole] = Journal().begin().ticking(1.0, 9.0).serving(3.0).listed(6.01, RBAC).report().polls
    assert not whole.cut and whole.unseen == ()


@pytest.mark.parametrize(("ours", "steps"), [(True, 1), (False, 0)])
def test_a_step_right_before_the_last_line_of_a_start_is_one_of_its_clock(ours: bool, steps: int) -> None:
    journal = Journal()
    journal.boot = None
    journal.begin().ticking(1.0, 3.0)
    if ours:
        journal.say(3700.0, "an hour later")
    else:
        journal.other(3700.0, "systemd-timesyncd", "System clock time unset or jumped backwards")
    assert len(journal.log_records().steps) == 1
    assert journal.report().clock.steps == steps
