"""Why a process ended: what is told beside its last words."""

from __future__ import annotations

import pytest

from analyzer.analysis import analyze_records
from analyzer.analysis.rules import process_exit
from analyzer.results import Check, Finding
from analyzer.starts.panics import Panic
from tests.analysis.rules.made_contexts import made
from tests.kit.handmade import RBAC, Journal

GAVE_UP = "Failed to wait for API server to become ready: context deadline exceeded"
EXITED = "k3s.service: Main process exited, code=exited, status=1/FAILURE"


def ended(journal: Journal, at: float, words: str) -> dict[str, Finding]:
    """The findings on a start that ended with a fatal line."""
    journal.say(at, words, "fatal").systemd(at + 0.1, EXITED)
    [start] = analyze_records(journal.log_records(), tool_version="0").starts
    return {finding.id: finding for finding in start.findings}


def test_the_limit_of_fifteen_minutes_names_what_was_failing_else_the_last_answer() -> None:
    def waiting() -> Journal:
        return Journal().begin().ticking(0.5, 900.0, every=2.0).serving(3.2).poll(4.01)

    failing = ended(waiting().listed(6.01, RBAC), 902.0, GAVE_UP)["fifteen_minute_limit"]
    assert failing.detail == f"k3s gave up: {GAVE_UP}. Still failing: {RBAC}"
    answered = ended(waiting().poll(6.01, "EOF"), 902.0, GAVE_UP)["fifteen_minute_limit"]
    assert answered.detail == f"k3s gave up: {GAVE_UP}. The last answer was eof"


def test_an_exit_right_after_slow_answers_is_put_down_to_them() -> None:
    """At least one of 5 s, and only where the process itself gives no other reason than that something exited."""

    def advice(words: str, *seconds: float) -> str:
        journal = Journal().begin().ticking(0.5, 30.0).serving(3.2).poll(4.01)
        for number, took in enumerate(seconds):
            text = f"Slow SQL (started: 2026-03-01 06:00:07) (total time: {took}s): SELECT 1 : [[]]"
            journal.say(7.0 + number, text)
        return ended(journal, 30.5, words)["process_failed"].advice

    blamed = "The datastore was slow right before; see the finding on it."
    assert advice("exited with code 1", 0.5, 5.0) == blamed
    assert advice("exited with code 1", 0.5, 4.9) != blamed
    assert advice("exited with code 1") != blamed
    assert advice("something else", 5.0) != blamed


def test_what_a_child_of_k3s_ended_with_stands_elsewhere() -> None:
    journal = Journal().begin().ticking(0.5, 5.0)
    found = ended(journal, 6.0, "containerd: exit status 1")["process_failed"]
    assert found.advice == (
        "containerd ended, and k3s with it: its own words are in /var/lib/rancher/k3s/agent/containerd/containerd.log."
    )
    other = ended(Journal().begin().ticking(0.5, 5.0), 6.0, "kubelet: signal: killed")["process_failed"]
    assert other.advice == (
        "kubelet ended, and k3s with it: its own words are in journalctl -u k3s --no-pager -o short-precise."
    )


@pytest.mark.parametrize(
    ("words", "memory"),
    [
        ("Failed with result 'oom-kill'.", True),
        ("A process of this unit has been killed by the OOM killer.", True),
        ("Failed with result 'signal'.", False),
    ],
)
def test_systemd_says_that_memory_ran_out(words: str, memory: bool) -> None:
    journal = Journal().begin().ticking(0.5, 6.0)
    journal.systemd(6.1, "k3s.service: Main process exited, code=killed, status=9/KILL")
    assert ("out_of_memory" in journal.systemd(6.2, f"k3s.service: {words}").findings()) is memory


def test_the_line_before_a_yaml_error_names_the_file() -> None:
    """One of the three before it; the error itself names none."""
    broken = "yaml: line 3: mapping values are not allowed in this context"

    def detail(between: int, words: str = broken) -> str:
        journal = Journal().begin().ticking(0.5, 2.0).kube(3.0, "Reading /etc/rancher/k3s/audit.yaml now")
        for number in range(between):
            journal.kube(3.1 + number, "x")
        return " ".join(finding.detail for finding in ended(journal, 9.0, words).values())

    named = "The line before names the file: /etc/rancher/k3s/audit.yaml"
    assert [named in detail(between) for between in (0, 2, 3)] == [True, True, False]
    assert named not in detail(0, "something else is wrong")


def survived(monkeypatch: pytest.MonkeyPatch, *told: tuple[str, str | None, bool]) -> list[str]:
    """What is said of panics: words, frame and whether the process went on."""
    context = made()
    line = context.studied.start.records[-1]
    found = [Panic(line, words, frame, lived) for words, frame, lived in told]
    monkeypatch.setattr(process_exit, "panics", lambda start: found)
    return [finding.detail for finding in process_exit.panicked(context)]


def test_panics_that_the_process_survived_are_told_by_the_most_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not survived(monkeypatch)
    assert not survived(monkeypatch, ("boom", "a.go:1", False))
    assert survived(monkeypatch, ("boom.", None, True)) == ["Said once: boom. The process went on."]
    assert survived(
        monkeypatch, ("boom\nmore", "a.go:1", True), ("bang", "b.go:2", True), ("boom", "a.go:1", True)
    ) == ["Said 3 times, first in its own code at a.go:1: boom. The process went on. Others panicked at b.go:2."]
    many = [("boom", "a.go:1", True), ("boom", "a.go:1", True), *((f"b{n}", f"b.go:{n}", True) for n in range(5))]
    [detail] = survived(monkeypatch, *many)
    assert detail.endswith("Others panicked at b.go:0, b.go:1, b.go:2, b.go:3.")


@pytest.mark.parametrize(("failing", "shown"), [(4, "c0, c1, c2, c3."), (5, "c0, c1, c2, c3 ….")])
def test_a_stop_on_request_names_four_checks_that_failed(failing: int, shown: str) -> None:
    journal = Journal().begin().ticking(0.5, 6.0).serving(3.0).poll(4.01)
    journal.systemd(7.0, "Stopping k3s.service - Lightweight Kubernetes...")
    checks = tuple(Check(f"c{number}", "failing", True) for number in range(failing))
    [found] = [one for one in process_exit.stop(made(journal, checks=checks)) if one.id == "stopped_early"]
    assert found.detail.endswith(f"Failing when last seen: {shown}")
    [none] = [one for one in process_exit.stop(made(journal, checks=())) if one.id == "stopped_early"]
    assert "Failing" not in none.detail


@pytest.mark.parametrize(
    ("words", "title", "told"),
    [
        ("starting kubern…", "The datastore or the control plane could not be started", "only “starting kubernetes”"),
        ("starting kubernetes: prep…", "The datastore or the control plane could not be started", "is unknown"),
        ("starting kubernetes: preparing se…", "The server could not be prepared", "only “preparing server”"),
        ("failed to ge…", "The process ended by itself", "what follows is unknown"),
        ("preparing server: failed to check if…", "The server could not be prepared", "it may be “failed to check"),
    ],
)
def test_a_cut_end_is_known_by_the_one_message_that_begins_so(words: str, title: str, told: str) -> None:
    """Where several do, they are named and none is claimed."""
    text = Journal().banner(0.1).say(1.0, words, "fatal").short().decode().replace('…"', "…")
    [report] = analyze_records(Journal().log_records(text.encode()), tool_version="0").starts
    [finding] = [one for one in report.findings if one.severity == "critical"]
    assert f"{words} (the line is cut: " in finding.detail and told in finding.detail
    assert finding.title == title
