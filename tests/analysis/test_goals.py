"""Goals: which lines bound when a start had what it is for, and when it certainly did not get there."""

from __future__ import annotations

import pytest

from analyzer.analysis.late_goals import late_goals
from analyzer.events.catalogue import rules as marks
from analyzer.events.goal_rules import goals_of, rules
from analyzer.reports.goal_words import later_words
from analyzer.results import Goal, StartReport
from analyzer.window import Bound
from tests.kit.handmade import RBAC, Journal

STOPPING = "Stopping k3s-agent.service - Lightweight Kubernetes..."
KILLED = "k3s.service: Main process exited, code=killed, status=9/KILL"
SLACK = 0.06


def named(report: StartReport) -> dict[str, Goal]:
    return {goal.id: goal for goal in report.goals}


def agent(version: str = "v1.33.3+k3s1") -> Journal:
    journal = Journal(version)
    journal.systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
    journal.say(0.5, f"Starting k3s agent {version} (148243c4)")
    journal.say(1.0, "Running containerd -c config.toml").say(2.0, "containerd is now running")
    journal.say(3.0, "Running kubelet --hostname-override=node-a")
    return journal.kube(3.5, '"Started kubelet"', "server.go:1284")


def attempt(journal: Journal, at: float) -> Journal:
    return journal.kube(at, '"Attempting to register node" node="node-a"', "kubelet_node_status.go:75")


def registered(journal: Journal, at: float) -> Journal:
    return journal.kube(at, '"Successfully registered node" node="node-a"', "kubelet_node_status.go:78")


def known(journal: Journal, at: float) -> Journal:
    return journal.kube(at, '"Node was previously registered" node="node-a"', "kubelet_node_status.go:124")


def reports_ready(journal: Journal, at: float) -> Journal:
    return journal.kube(at, '"Fast updating node status as it just became ready"', "kubelet_node_status.go:501")


def lives(journal: Journal, at: float) -> Journal:
    return journal.kube(at, '"Watching apiserver"', "apiserver.go:52")


def test_the_rules_name_marks_of_the_catalogue_and_goals_that_come_before() -> None:
    known_marks = {rule.id for rule in marks()}
    for rule in rules():
        assert {*rule.reached, *rule.not_before, *rule.unless, *rule.spoiled_by} <= known_marks
        assert rule.whole_until is None or rule.whole_until in rule.reached
        assert len(rule.proof) > 40
        assert rule.roles <= {"server", "agent"}
    for role in ("server", "agent"):
        names = [rule.id for rule in goals_of(role)]
        assert len(names) == len(set(names))
        for position, rule in enumerate(goals_of(role)):
            assert set(rule.after) <= set(names[:position])
    assert goals_of("unknown") == goals_of("server")
    assert {rule.id for rule in rules()} == {"api", "server", "images", "node", "node_ready", "started"}


def test_a_server_has_its_api_and_is_up_after_it() -> None:
    journal = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.01, RBAC)
    report = journal.say(12.0, "Kube API server is now running").say(40.0, "k3s is up and running").report()
    found = named(report)
    assert [*found] == ["api", "images", "node", "node_ready", "started"]
    assert found["api"].window == report.ready
    assert found["api"].state == found["started"].state == "reached"
    assert found["started"].window.upper == pytest.approx(40.0, abs=1.0)
    assert found["started"].window.lower == pytest.approx(40.0, abs=1.0)  # the line is the goal itself
    assert [goal.id for goal in late_goals(report)] == ["started"]
    assert found["node"].state == "unknown"  # it runs on


def test_an_agents_goals_and_the_lines_behind_them() -> None:
    journal = lives(reports_ready(registered(attempt(agent(), 4.0), 5.0), 6.0), 30.0)
    found = named(journal.report())
    assert [*found] == ["server", "images", "node", "node_ready", "started"]
    node = found["node"]
    assert (node.window.lower, node.window.upper) == (pytest.approx(4.0, abs=SLACK), pytest.approx(5.0, abs=SLACK))
    assert node.window.lower_line == journal.line("Attempting") and node.window.upper_line == journal.line("Succ")
    assert found["server"].window.upper == pytest.approx(3.5, abs=SLACK)
    assert found["images"].window.lower == pytest.approx(2.0, abs=1.0)
    assert found["images"].window.upper == pytest.approx(3.0, abs=1.0)
    assert found["started"].state == "unknown"  # no NOTIFY_SOCKET: the line is never printed


def test_a_node_that_was_there_before_has_no_lower_end() -> None:
    found = named(lives(registered(known(attempt(agent(), 4.0), 4.5), 5.0), 30.0).report())
    assert found["node"].state == "reached"
    assert found["node"].window.lower is None
    assert found["node_ready"].state == "unknown"


def test_the_attempt_bounds_nothing_where_lines_are_lost_before_the_answer() -> None:
    journal = attempt(agent(), 4.0)
    journal.other(4.5, "systemd-journald", "Suppressed 120 messages from k3s.service")
    window = named(registered(journal, 5.0).report())["node"].window
    assert window.lower is None
    assert window.upper == pytest.approx(5.0, abs=SLACK)


def test_the_report_of_being_ready_comes_before_the_api_server_has_it() -> None:
    def ready(journal: Journal) -> Goal:
        return named(journal.report())["node_ready"]

    told = ready(lives(reports_ready(registered(attempt(agent(), 4.0), 5.0), 6.0), 30.0))
    assert told.state == "reached"
    assert told.window.lower == pytest.approx(4.0, abs=SLACK)
    assert told.window.upper == pytest.approx(16.0, abs=SLACK)
    assert told.window.upper_kind is Bound.WITNESS
    # Nobody saw it live for as long as its request may take, or the request failed: then it is not known.
    assert ready(reports_ready(registered(attempt(agent(), 4.0), 5.0), 6.0)).state == "unknown"
    failed = reports_ready(registered(attempt(agent(), 4.0), 5.0), 6.0)
    failed.kube(9.0, '"Error updating node status, will retry" err="timeout"', "kubelet_node_status.go:548", "E")
    assert ready(lives(failed, 30.0)).state == "unknown"
    again = reports_ready(failed, 12.0)
    assert ready(lives(again, 30.0)).window.upper == pytest.approx(22.0, abs=SLACK)


def test_what_an_agent_says_of_itself_counts_only_before_a_stop() -> None:
    journal = agent().systemd(8.0, STOPPING).say(9.0, "k3s agent is up and running")
    found = named(journal.report())
    assert found["started"].state != "reached"
    assert found["node"].state != "reached"


def test_an_end_without_the_goal_is_told_only_where_the_text_proves_it() -> None:
    put_off = "Waiting to retrieve agent configuration; server is not ready: not authorized"

    def waiting() -> Journal:
        journal = Journal().systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
        return journal.say(0.5, f"Starting k3s agent {journal.version} (148243c4)").say(1.0, put_off)

    whole = named(waiting().say(25.0, put_off).systemd(30.0, STOPPING).report())
    assert {goal.state for goal in whole.values()} == {"not_reached"}
    assert all(goal.window.upper is None for goal in whole.values())
    holed = waiting().other(20.0, "systemd-journald", "Suppressed 120 messages from k3s.service").say(25.0, put_off)
    assert named(holed.systemd(30.0, STOPPING).report())["node"].state == "unknown"
    assert {goal.state for goal in named(waiting().report()).values()} == {"unknown"}  # it runs on
    assert named(agent().systemd(30.0, STOPPING).report())["node"].state == "unknown"  # its kubelet ran


def test_a_server_that_was_killed_before_it_was_ready_reached_nothing() -> None:
    journal = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(13.01, RBAC)
    found = named(journal.systemd(13.2, KILLED).report())
    assert found["started"].state == "not_reached"
    assert all(goal.state != "reached" for goal in found.values())


def test_up_and_running_on_the_way_down_is_not_started() -> None:
    journal = Journal("v1.32.4+k3s1").begin().ticking(1.0, 3.0).poll(2.0)
    journal.say(5.0, 'signal received: "terminated", canceling context...', "warning")
    journal.say(5.1, "Kube API server is now running").say(5.1, "k3s is up and running")
    assert named(journal.report())["started"].state != "reached"


def test_a_kubelet_with_another_rhythm_has_another_limit_for_its_report() -> None:
    """By the options of any kubelet that the text shows; where it shows none, the usual limit holds."""

    def ready(*options: str) -> Goal:
        journal = Journal().systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
        journal.say(0.5, f"Starting k3s agent {journal.version} (148243c4)")
        for number, option in enumerate(options):
            journal.say(1.0 + number, f"Running kubelet --hostname-override=node-a {option}")
        return named(lives(reports_ready(registered(attempt(journal, 4.0), 5.0), 6.0), 30.0).report())["node_ready"]

    rhythm = "--node-status-update-frequency=30s"
    assert ready().window.upper == pytest.approx(16.0, abs=SLACK)
    assert ready("", "").window.upper == pytest.approx(16.0, abs=SLACK)
    assert ready(rhythm).state == "unknown"
    assert ready("", rhythm).state == "unknown"


@pytest.mark.parametrize(("alive", "state"), [(16.0, "unknown"), (16.000001, "reached")])
def test_a_report_came_if_the_process_lived_as_long_as_its_request_may_take(alive: float, state: str) -> None:
    """Ten seconds from the end of the microsecond in which the line says that it was written."""
    journal = reports_ready(registered(attempt(agent(), 4.0), 5.0), 6.0)
    assert named(lives(journal, alive).report())["node_ready"].state == state


def test_the_last_attempt_before_the_first_sign_of_the_node_bounds_it() -> None:
    """A kubelet that was made anew tries once more although its node is there already."""
    journal = reports_ready(attempt(agent(), 4.0), 5.0)
    window = named(lives(registered(attempt(journal, 6.0), 7.0), 30.0).report())["node"].window
    assert (window.lower, window.upper) == (pytest.approx(4.0, abs=SLACK), pytest.approx(5.0, abs=SLACK))


@pytest.mark.parametrize(("version", "upper"), [("v1.23.17+k3s1", None), ("v1.24.1+k3s1", 3.5)])
def test_from_which_release_on_a_kubelet_waits_for_its_server(version: str, upper: float | None) -> None:
    window = named(agent(version).report())["server"].window
    assert window.upper == (None if upper is None else pytest.approx(upper, abs=SLACK))


@pytest.mark.parametrize(
    ("told", "said", "upper"), [(1.5, 40.0, 40.0), (14.5, 40.0, 40.0), (14.5, None, 14.5), (1.5, None, None)]
)
def test_systemd_is_believed_where_k3s_does_not_say_it_itself(
    told: float, said: float | None, upper: float | None
) -> None:
    """With --log, or Type=exec, the line of systemd comes first and tells nothing."""
    journal = Journal().begin().ticking(1.0, 13.0).serving(5.0).poll(4.01).listed(6.01, RBAC)
    journal.systemd(told, "Started k3s.service - Lightweight Kubernetes.")
    journal.say(12.0, "Kube API server is now running")
    if said is not None:
        journal.say(said, "k3s is up and running")
    window = named(journal.report())["started"].window
    assert window.upper == (None if upper is None else pytest.approx(upper, abs=1e-3))


@pytest.mark.parametrize(("at", "state"), [(6.0, "reached"), (6.1, "unknown"), (15.9, "unknown"), (16.2, "reached")])
def test_a_report_that_failed_within_its_limit_is_none(at: float, state: str) -> None:
    """Before the kubelet's line it is about an earlier one; after the process was seen to live on it is a later one."""
    journal = Journal().systemd(0.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
    journal.say(0.5, f"Starting k3s agent {journal.version} (148243c4)")
    journal.kube(at, '"Error updating node status, will retry" err="timeout"', "kubelet_node_status.go:548", "E")
    journal = lives(reports_ready(registered(attempt(journal, 4.0), 5.0), 6.0), 16.1)
    assert named(journal.report())["node_ready"].state == state


def hangs(last: float, began: float = 0.0) -> Journal:
    """A server whose start-up hook hangs: it is ready, and k3s never says that it is up."""
    journal = Journal().begin(began).ticking(1.0, last).serving(5.0).poll(4.01).listed(6.01, RBAC)
    return journal.say(12.0, "Kube API server is now running")


def test_a_hook_that_hangs_leaves_the_goal_open_where_the_log_ends() -> None:
    report = hangs(240.0).report()
    started = named(report)["started"]
    assert started.state == "not_reached"
    assert started.window.upper is None
    assert started.window.lower == pytest.approx(239.8, abs=1.0)
    [late] = late_goals(report)
    assert late.id == "started"
    assert later_words(report, late).startswith("k3s was not up 3 min 4") and "log ends" in later_words(report, late)


def test_a_log_that_may_lack_the_line_or_ends_soon_shows_no_open_goal() -> None:
    def state(journal: Journal) -> str:
        return named(journal.report())["started"].state

    assert state(hangs(50.0)) == "unknown"  # it may be on its way
    docker = hangs(240.0)
    docker.rows = [row for row in docker.rows if row["SYSLOG_IDENTIFIER"] != "systemd"]
    assert state(docker) == "unknown"  # one writer alone: a line may be lost
    fragment = hangs(240.0)
    fragment.rows = [row for row in fragment.rows if "Starting k3s" not in row["MESSAGE"]]
    assert state(fragment) == "unknown"
    lossy = hangs(240.0).other(100.0, "systemd-journald", "Suppressed 120 messages from k3s.service")
    assert state(lossy) == "unknown"
    simple = hangs(240.0).systemd(0.2, "Started k3s.service - Lightweight Kubernetes.")
    assert state(simple) == "unknown"  # Type=exec or --log: systemd waits for nothing
    said = hangs(240.0).say(200.0, "k3s is up and running")
    assert state(said) == "reached"


def test_an_end_before_it_was_up_is_not_reached() -> None:
    journal = hangs(30.0).systemd(31.0, "k3s.service: Main process exited, code=killed, status=9/KILL")
    report = journal.report()
    assert report.outcome == "ready"
    assert named(report)["started"].state == "not_reached"
    assert late_goals(report) == ()  # the end is what is told


def test_a_process_on_its_way_out_may_still_say_that_it_is_up() -> None:
    def state(journal: Journal) -> str:
        return named(journal.report())["started"].state

    stopping = "Shutdown request received: kubelet exited: failed to validate kubelet configuration"
    assert state(hangs(30.0).say(30.5, stopping, "error")) == "unknown"
    assert state(hangs(30.0).say(30.5, stopping, "error").say(30.6, "k3s is up and running")) == "unknown"


@pytest.mark.parametrize(("up", "told"), [(245.0, True), (14.0, False), (19.0, False)])
def test_a_goal_that_came_much_later_is_told(up: float, told: bool) -> None:
    journal = hangs(up).say(up, "k3s is up and running").systemd(up, "Started k3s.service - Lightweight Kubernetes.")
    report = journal.report()
    assert [goal.id for goal in late_goals(report)] == ["started"] * told


def test_a_start_is_healthy_only_if_no_goal_came_much_later() -> None:
    def up_at(up: float) -> dict[str, str]:
        journal = hangs(up).say(up, "k3s is up and running")
        return journal.systemd(up, "Started k3s.service - Lightweight Kubernetes.").findings()

    assert "healthy" in up_at(12.0)
    assert "healthy" not in up_at(245.0)
    assert "healthy" not in hangs(245.0).findings()
