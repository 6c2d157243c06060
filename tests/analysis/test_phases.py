"""The time budget: cuts in order, no gaps, no overlaps, missing cuts skipped."""

from __future__ import annotations

from itertools import pairwise

import pytest

from analyzer.analysis.phases import _follows, budget
from analyzer.results import Phase, StartReport
from analyzer.window import Bound, Window
from tests.kit.handmade import RBAC, Journal

SLACK = 0.06
KILLED = "k3s.service: Main process exited, code=killed, status=9/KILL"


def whole() -> Journal:
    journal = Journal().begin().ticking(1.0, 13.0)
    journal.say(2.0, "Kine available at unix://kine.sock")
    journal.say(3.0, "Running kube-apiserver --advertise-port=6443").kube(3.5, "Version: v1.33.4+k3s1", "server.go:149")
    return journal.serving(5.0).poll(4.01).listed(6.01, RBAC).running(12.01)


def named(report: StartReport) -> dict[str, Phase]:
    return {phase.id: phase for phase in report.phases}


def test_every_phase_begins_where_the_one_before_it_ends() -> None:
    report = whole().report()
    assert [phase.id for phase in report.phases] == [
        "extract", "datastore", "certificates", "apiserver_boot", "hooks", "polling_tax",
    ]  # fmt: skip
    for before, after in pairwise(report.phases):
        assert before.end == after.begin
    assert report.phases[0].begin.lower == 0.0


def test_a_phase_lasts_from_cut_to_cut() -> None:
    phases = named(whole().report())
    boot, hooks = phases["apiserver_boot"].duration_s, phases["hooks"].duration_s
    assert boot.min == pytest.approx(2.0, abs=1.0) and boot.max == pytest.approx(2.0, abs=1.0)
    # Serving at 5, ready in (10, 12].
    assert hooks.min == pytest.approx(5.0, abs=SLACK)
    assert hooks.max == pytest.approx(7.0, abs=SLACK)


def test_a_phase_whose_end_nothing_bounds_from_below_is_told_from_the_cut_before_it() -> None:
    """No poll was printed, so readiness has no lower end: nobody knows how hooks and polling share the time."""
    start = Journal().begin().serving(5.0).say(12.0, "Kube API server is now running").studied()[0]
    ready = Window(None, 12.0, Bound.NONE, Bound.OBSERVED, None, 9)
    phases = budget(
        start.start, start.verdict, start.line_times, {"hooks": ready, "polling_tax": start.report.detected}
    )
    hooks = next(phase for phase in phases if "hooks" in phase.may_be)
    assert (hooks.begin.lower, hooks.end.lower, hooks.end.upper) == (5.0, 5.0, 12.0)
    assert hooks.duration_s.min == 0.0


def test_the_phases_sum_to_the_moment_of_detection() -> None:
    report = whole().report()
    until = [phase.duration_s for phase in report.phases]
    most = sum(span.max for span in until if span.max is not None)
    detected = report.detected.upper
    assert detected is not None
    assert sum(span.min for span in until) <= detected <= most + 1e-6


def test_time_that_no_line_divides_is_one_phase_with_all_that_it_may_be() -> None:
    report = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.01, RBAC).running(12.01).report()
    assert [phase.id for phase in report.phases] == [
        "extract", "datastore+certificates+apiserver_boot", "hooks", "polling_tax",
    ]  # fmt: skip
    assert report.phases[1].may_be == ("datastore", "certificates", "apiserver_boot")
    assert report.phases[0].may_be == ("extract",)


def test_a_datastore_that_nothing_tells_of_may_have_been_waited_for_until_the_api_server_served() -> None:
    journal = Journal().begin().ticking(1.0, 13.0).say(2.0, "Running kube-apiserver --advertise-port=6443")
    journal.kube(4.0, "Version: v1.32.4+k3s1", "server.go:156")
    report = journal.serving(5.0).poll(4.01).listed(6.01, RBAC).running(12.01).report()
    assert [phase.id for phase in report.phases] == [
        "extract", "datastore+certificates", "datastore+apiserver_boot", "apiserver_boot", "hooks", "polling_tax",
    ]  # fmt: skip


def test_a_datastore_that_is_ready_after_the_api_server_was_requested_divides_its_wait_from_the_boot() -> None:
    journal = Journal().begin().ticking(1.0, 13.0)
    journal.say(2.0, "Running kube-apiserver --advertise-port=6443").say(4.0, "Connection to etcd is ready")
    report = journal.serving(5.0).listed(6.01, RBAC).running(12.01).report()
    ends = [phase.end.upper for phase in report.phases]
    assert all(a is not None and b is not None and a <= b for a, b in pairwise(ends))
    found = named(report)
    assert [phase.id for phase in report.phases] == [
        "extract", "datastore+certificates", "datastore", "apiserver_boot", "hooks", "polling_tax",
    ]  # fmt: skip
    assert found["datastore"].duration_s.min == pytest.approx(2.0, abs=1.0)


def test_hooks_are_not_charged_with_the_time_before_the_first_line_that_shows_them() -> None:
    journal = Journal().begin().listed(904.0, RBAC).running(930.0)
    found = named(journal.report())
    assert list(found) == ["extract", "datastore+certificates+apiserver_boot+hooks", "hooks", "polling_tax"]
    assert found["datastore+certificates+apiserver_boot+hooks"].duration_s.min == pytest.approx(904.0, abs=1.5)
    assert found["hooks"].duration_s.min < 26.0


def test_an_answer_without_a_hook_that_passed_does_not_show_that_hooks_run() -> None:
    journal = Journal().begin().listed(904.0, *Journal().names).systemd(920.0, KILLED)
    assert [phase.id for phase in journal.report().phases][-1] == "apiserver_boot+hooks"


def test_the_kubelet_is_asked_for_beside_readiness_and_its_node_comes_after() -> None:
    journal = whole().say(2.5, "Running containerd -c config.toml").say(3.5, "containerd is now running")
    journal.say(3.8, "Running kubelet --hostname-override=node-a")
    journal.kube(14.0, '"Attempting to register node" node="node-a"', "kubelet_node_status.go:75")
    journal.kube(15.0, '"Successfully registered node" node="node-a"', "kubelet_node_status.go:78")
    report = journal.report()
    assert [phase.id for phase in report.phases][-2:] == ["polling_tax", "node"]
    assert named(report)["node"].duration_s.min == pytest.approx(3.0, abs=SLACK)
    for before, after in pairwise(report.phases):
        assert before.end == after.begin


def test_a_server_that_was_up_long_after_it_was_ready_spent_the_time_on_its_startup_hooks() -> None:
    journal = Journal().begin().ticking(1.0, 13.0).serving(5.0).listed(6.01, RBAC)
    report = journal.say(12.0, "Kube API server is now running").say(40.0, "k3s is up and running").report()
    last = report.phases[-1]
    assert last.id == "startup_hooks"
    assert last.duration_s.min == pytest.approx(28.0, abs=1.1)


def agent() -> Journal:
    journal = Journal()
    journal.systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
    return journal.say(0.5, "Starting k3s agent v1.32.4+k3s1 (148243c4)")


def test_an_agent_has_phases_of_its_own() -> None:
    journal = agent().say(30.0, "Running containerd -c config.toml").say(32.0, "containerd is now running")
    journal.say(35.0, "Running kubelet --hostname-override=node-a")
    journal.kube(37.0, '"Attempting to register node" node="node-a"', "kubelet_node_status.go:75")
    journal.kube(38.0, '"Successfully registered node" node="node-a"', "kubelet_node_status.go:78")
    found = named(journal.report())
    assert list(found) == ["extract", "server", "containerd", "images", "server+node"]
    assert found["server"].duration_s.min == pytest.approx(29.5, abs=1.1)


def test_an_agent_that_is_put_off_to_the_end_waits_for_its_server() -> None:
    journal = agent()
    for at in (1.0, 11.0, 21.0):
        journal.say(at, "Waiting to retrieve agent configuration; server is not ready: not authorized")
    report = journal.systemd(30.0, "Stopping k3s-agent.service - Lightweight Kubernetes...").report()
    assert [phase.id for phase in report.phases] == ["extract", "server"]
    assert report.phases[-1].end.upper is None


def test_a_start_that_got_no_further_ends_in_the_phase_it_was_in() -> None:
    journal = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.01, RBAC)
    report = journal.systemd(14.0, "k3s.service: Main process exited, code=killed, status=9/KILL").report()
    last = report.phases[-1]
    assert last.id == "hooks"
    assert last.end.upper is None and last.duration_s.max is None
    assert last.duration_s.min == pytest.approx(9.0, abs=SLACK)


def test_a_fragment_invents_no_phase_before_its_text() -> None:
    report = Journal().ticking(0.0, 5.0).listed(1.01, RBAC).running(5.01).report()
    assert "extract" not in named(report)
    assert all(phase.begin.lower is None or phase.begin.lower >= 0.0 for phase in report.phases)


def test_a_fragment_charges_no_time_to_the_datastore_that_may_have_been_ready_before_its_text() -> None:
    """Without the line of kine, the client of the datastore is all that is said of it, and certificates came before."""
    journal = Journal().ticking(0.0, 12.0).say(6.6, "Connection to etcd is ready")
    journal.say(6.61, "Running kube-apiserver --advertise-port=6443").serving(8.0).listed(9.01, RBAC).running(12.01)
    report = journal.report()
    assert not report.begin_seen
    ids = [phase.id for phase in report.phases]
    assert ids[0] == "datastore+certificates" and "datastore" not in ids


def test_a_fragment_that_lacks_the_launch_may_begin_behind_it() -> None:
    """The API server waits for etcd: what passed before etcd answered may be of its boot."""
    journal = Journal().ticking(0.0, 12.0).say(5.4, "Connected to etcd v3.5.21 - datastore using 1 of 2 bytes")
    report = journal.serving(8.0).listed(9.01, RBAC).running(12.01).report()
    assert report.phases[0].id == "datastore+certificates+apiserver_boot"


def test_where_nothing_bounds_readiness_from_below_its_phase_begins_with_the_cut_before_it() -> None:
    report = Journal().banner(0.1).kube(1.0, "x").kube(1.5, "y").running(3.3).report()
    assert report.ready.lower is None
    assert [phase.id for phase in report.phases] == [
        "extract", "datastore+certificates+apiserver_boot+hooks", "polling_tax",
    ]  # fmt: skip
    hooks = report.phases[1]
    assert (hooks.end.lower, hooks.end.upper) == (hooks.begin.lower, pytest.approx(3.2, abs=1e-3))


def test_a_cut_that_lies_before_the_one_before_it_divides_nothing() -> None:
    """A stray line of serving before the API server was asked for: its boot is part of what came after that."""
    journal = Journal().begin().kube(3.0, "Serving securely on 127.0.0.1:6444", "secure_serving.go:213")
    journal.ticking(1.0, 13.0).say(7.0, "Running kube-apiserver --advertise-port=6443").running(12.01)
    report = journal.report()
    assert "apiserver_boot" not in named(report)
    assert all(a.end == b.begin for a, b in pairwise(report.phases))
    assert all(phase.duration_s.max is None or phase.duration_s.max > 0.0 for phase in report.phases)


def cut_at(lower: float | None, upper: float | None) -> Window:
    return Window(lower, upper, Bound.OBSERVED, Bound.OBSERVED, 1, 1)


@pytest.mark.parametrize(
    ("lower", "upper", "follows"),
    [(5.0, 9.0, True), (4.9, 9.0, False), (5.0, 4.9, False), (5.0, 5.0, True), (None, 9.0, False), (5.0, None, False)],
)
def test_which_cut_follows_another(lower: float | None, upper: float | None, follows: bool) -> None:
    """One that may lie before the earliest moment of the other does not, however late it may be."""
    assert _follows(cut_at(5.0, 8.0), cut_at(lower, upper)) is follows
    assert _follows(cut_at(None, 8.0), cut_at(0.0, 0.0))
