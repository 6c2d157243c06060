"""Windows of checks fused from all observers; probes that go back; ends that stay open."""

from __future__ import annotations

import pytest

from analyzer.analysis.check_windows import _fuse
from analyzer.window import Bound, Evidence, Window
from tests.kit.handmade import CRD, FORBIDDEN, RBAC, SCHEDULING, Journal, check

SLACK = 0.06
BEGIN = 0.1  # of the process, after systemd began the start
KILLED = "k3s.service: Main process exited, code=killed, status=9/KILL"
SLOW = "Slow SQL (started: 2026-03-01 06:00:00 +0000 UTC) (total time: 2.4s): SELECT 1"


def near(window: Window, lower: float | None, upper: float | None) -> bool:
    """Whether the window is ``(lower, upper]`` within the grid's slack."""
    pairs = ((window.lower, lower), (window.upper, upper))
    return all((a is None) == (b is None) and (a is None or abs(a - (b or 0.0)) < SLACK) for a, b in pairs)


def busy() -> Journal:
    return Journal().begin().ticking(1.0, 20.0).serving(3.0).poll(4.01)


def test_a_check_clears_between_the_last_answer_that_has_it_failing_and_the_first_that_has_it_ok() -> None:
    report = busy().listed(6.01, RBAC, SCHEDULING).listed(8.01, RBAC).running(12.01).report()
    assert near(check(report, SCHEDULING).cleared, 6.0, 8.0)
    assert near(check(report, RBAC).cleared, 10.0, 12.0)
    assert near(report.ready, 10.0, 12.0)


def test_a_check_never_seen_failing_clears_after_serving_and_by_the_first_list() -> None:
    report = busy().listed(6.01, RBAC).running(8.01).report()
    assert near(check(report, CRD).cleared, 3.0, 6.0)
    assert not check(report, CRD).seen_failing and check(report, CRD).final == "ok"
    assert near(check(report, "etcd").cleared, BEGIN, 6.0)


def test_a_probe_that_was_ok_and_is_bad_again_clears_after_that() -> None:
    report = busy().listed(6.01, RBAC).listed(8.01, RBAC, "etcd").listed(10.01, RBAC).running(12.01).report()
    assert near(check(report, "etcd").cleared, 8.0, 10.0)


def test_trouble_between_two_lists_may_hide_a_probe_that_turned_bad_and_good_again() -> None:
    quiet = busy().listed(6.01, RBAC, SCHEDULING).listed(8.01, RBAC).running(12.01)
    assert near(check(quiet.report(), "etcd").cleared, BEGIN, 6.0)
    slow = busy().listed(6.01, RBAC, SCHEDULING).say(7.0, SLOW).listed(8.01, RBAC).running(12.01)
    assert near(check(slow.report(), "etcd").cleared, BEGIN, 8.0)
    assert near(check(slow.report(), CRD).cleared, 3.0, 6.0)  # a hook never goes back


def test_the_twin_of_a_failing_probe_may_have_failed_unseen() -> None:
    report = busy().listed(6.01, RBAC).listed(8.01, "etcd").running(10.01).report()
    assert near(check(report, "etcd-readiness").cleared, BEGIN, 8.0)


def test_trouble_after_the_last_list_leaves_a_probe_open_until_readiness() -> None:
    report = busy().listed(6.01, RBAC).say(7.0, SLOW).running(10.01).report()
    assert near(check(report, "etcd").cleared, BEGIN, 10.0)
    assert check(report, RBAC).last_blocker != "certain"


@pytest.mark.parametrize(
    "answer", [FORBIDDEN, 'Get "https://127.0.0.1:6443/readyz?timeout=15s&verbose=": EOF', "the server was too busy"]
)
def test_an_answer_without_a_list_hides_which_checks_failed_with_it(answer: str) -> None:
    certain = busy().listed(6.01, RBAC).running(10.01).report()
    assert check(certain, RBAC).last_blocker == "certain"
    hidden = busy().listed(6.01, RBAC).poll(8.01, answer).running(10.01).report()
    assert check(hidden, RBAC).last_blocker == "possible"
    assert near(check(hidden, "etcd").cleared, BEGIN, 10.0)


def test_lines_that_the_journal_dropped_after_the_last_list_leave_the_last_blocker_open() -> None:
    journal = busy().listed(6.01, RBAC).running(10.01)
    journal.other(7.0, "systemd-journald", "Suppressed 40 messages from k3s.service")
    assert check(journal.report(), RBAC).last_blocker == "possible"


def test_never_noticed_leaves_every_upper_end_empty() -> None:
    journal = busy().listed(6.01, RBAC, SCHEDULING)
    journal.systemd(9.0, "k3s.service: Main process exited, code=killed, status=9/KILL")
    report = journal.report()
    for window in (report.ready, report.detected, check(report, RBAC).cleared, check(report, SCHEDULING).cleared):
        assert window.upper is None
        assert window.upper_kind is Bound.NONE
        assert window.upper_line is None and window.upper_witness is None
    assert check(report, RBAC).final == "unseen", "killed later: it may have passed since"
    assert check(report, RBAC).failing_at_last
    assert report.polling_tax_s is None


def test_a_contradicted_answer_is_dropped_with_its_opposite() -> None:
    """A list says ok, a later one says failing, of a hook that never goes back: one of the two texts is wrong."""
    journal = busy().listed(6.01, SCHEDULING).listed(10.01, RBAC, SCHEDULING).running(14.01)
    report = journal.report()
    window = check(report, RBAC).cleared
    assert window.lower is not None and window.upper is not None and window.lower <= window.upper
    assert window.upper == pytest.approx(14.01, abs=SLACK)


def test_a_text_without_lists_still_names_the_usual_last_check() -> None:
    """Only another hook's line is in the fragment: it must not be taken for the one that was last."""
    journal = Journal().kube(0.0, "all system priority classes are created successfully or already exist.",
                             "storage_scheduling.go:111")  # fmt: skip
    report = journal.running(2.0).report()
    assert report.bottleneck.certainty == "possible"
    assert report.bottleneck.checks[0] == RBAC
    assert check(report, RBAC).cleared.lower is None


def test_every_end_names_its_line() -> None:
    journal = busy().listed(6.9, RBAC, SCHEDULING).listed(8.7, RBAC).running(12.9)
    window = check(journal.report(), SCHEDULING).cleared
    assert window.lower_kind is Bound.OBSERVED and window.upper_kind is Bound.OBSERVED
    rows = sorted(journal.rows, key=lambda row: int(row["__REALTIME_TIMESTAMP"]))
    assert window.upper_line is not None and window.lower_line is not None
    assert SCHEDULING + " ok" in rows[window.upper_line - 1]["MESSAGE"]
    assert SCHEDULING + " failed" in rows[window.lower_line - 1]["MESSAGE"]


def test_informers_that_were_not_started_are_not_synced() -> None:
    """Before its start the shared factory has nothing that could be unsynced: that ok says nothing."""
    started = "poststarthook/generic-apiserver-start-informers"
    early = busy().listed(6.01, RBAC, started).listed(8.01, RBAC).running(10.01).report()
    assert near(check(early, "informer-sync").cleared, 3.0, 8.0)
    normal = busy().listed(6.01, RBAC).listed(8.01, RBAC).running(10.01).report()
    assert near(check(normal, "informer-sync").cleared, 3.0, 6.0)


def test_readiness_seen_long_before_k3s_noticed_did_not_last() -> None:
    """The server's own controller saw 200, then the database froze; this release prints no polls."""
    journal = Journal("v1.30.3+k3s1").begin().ticking(1.0, 60.0).serving(3.0)
    journal.kube(3.5, 'Unable to perform initial Kubernetes service initialization: namespaces "default" not found',
                 "controller.go:95", "E")  # fmt: skip
    journal.kube(6.0, '"allocated clusterIPs" service="default/kubernetes" clusterIPs={}', "alloc.go:330")
    quick = journal.running(7.0).report()
    assert quick.ready.upper == pytest.approx(6.0, abs=1e-3)
    journal.rows = [row for row in journal.rows if "running" not in row["MESSAGE"]]
    frozen = journal.running(50.0).report()
    assert frozen.ready.upper == pytest.approx(50.0, abs=1e-3)


@pytest.mark.parametrize(("noticed", "upper"), [(15.9, 6.0), (16.1, 16.1)])
def test_readiness_that_lasts_is_noticed_within_ten_seconds(noticed: float, upper: float) -> None:
    journal = Journal("v1.30.3+k3s1").begin().ticking(1.0, 60.0).serving(3.0)
    journal.kube(3.5, 'Unable to perform initial Kubernetes service initialization: namespaces "default" not found',
                 "controller.go:95", "E")  # fmt: skip
    journal.kube(6.0, '"allocated clusterIPs" service="default/kubernetes" clusterIPs={}', "alloc.go:330")
    assert journal.running(noticed).report().ready.upper == pytest.approx(upper, abs=1e-3)


def test_the_answer_that_k3s_quotes_when_it_gives_up_left_within_the_last_interval_and_its_limit() -> None:
    """2 s and 15 s before the line."""
    quoted = "failed to wait for API server to become ready: the server is currently unable to handle the request"
    journal = busy().ticking(20.0, 100.0)
    report = journal.say(100.0, quoted, "fatal").systemd(100.1, KILLED).report()
    assert report.ready.lower == pytest.approx(83.0, abs=0.05)
    other = quoted.replace("the server is currently unable to handle the request", "context deadline exceeded")
    report = busy().ticking(20.0, 100.0).say(100.0, other, "fatal").systemd(100.1, KILLED).report()
    assert report.ready.lower is not None and report.ready.lower < 20.0


def bounds(*at: float) -> list[Evidence]:
    return [Evidence(moment, Bound.OBSERVED, number) for number, moment in enumerate(at, 1)]


@pytest.mark.parametrize(
    ("lowers", "uppers", "window"),
    [
        ((1.0, 3.0), (5.0, 4.0), (3.0, 4.0)),
        ((4.0,), (4.0,), (4.0, 4.0)),
        ((4.1,), (4.0,), (None, None)),
        ((1.0, 4.1), (4.0, 9.0), (1.0, 9.0)),
        ((4.1, 5.0), (4.0, 4.5), (4.1, 4.5)),
        ((), (4.0,), (None, 4.0)),
        ((1.0,), (), (1.0, None)),
        ((), (), (None, None)),
    ],
)
def test_of_a_pair_that_contradicts_itself_neither_is_believed(
    lowers: tuple[float, ...], uppers: tuple[float, ...], window: tuple[float | None, float | None]
) -> None:
    found = _fuse(bounds(*lowers), bounds(*uppers))
    assert (found.lower, found.upper) == window
