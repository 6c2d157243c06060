"""How starts end, release by release, and what is cut off a file."""

from __future__ import annotations

import pytest

from analyzer.testing import (
    Generated,
    Scenario,
    StartPlan,
    expected_outcome,
    generate,
    named,
)

LIMIT = 900_000_000


def texts(made: Generated, number: int = 0) -> list[str]:
    """Everything said in one start."""
    who = made.truth.starts[number].invocation_id
    return [e.line.text for e in made.entries if e.invocation_id == who]


def one(**plan: object) -> Generated:
    """A journal of one start."""
    return generate(Scenario(name="one", starts=(StartPlan(**plan),)))  # type: ignore[arg-type]


LAST = "the server is currently unable to handle the request"
CAUSE = f"to wait for API server to become ready: context deadline exceeded, {LAST}"


@pytest.mark.parametrize(
    ("version", "line", "unit"),
    [
        ("v1.32.4+k3s1", f'level=fatal msg="Failed {CAUSE}"', "status=1/FAILURE"),
        ("v1.34.1+k3s1", f'level=fatal msg="Failed {CAUSE}"', "status=1/FAILURE"),
        ("v1.33.6+k3s1", rf'level=error msg="Shutdown request received: \"failed {CAUSE}\""', "result 'protocol'"),
        ("v1.35.0+k3s1", f'level=error msg="Shutdown request received: failed {CAUSE}"', "result 'protocol'"),
        ("v1.36.2+k3s1", CAUSE.replace(", the", r"\nthe"), "result 'protocol'"),
    ],
)
def test_the_fifteen_minutes_end_as_in_that_release(version: str, line: str, unit: str) -> None:
    made = one(version=version, store="etcd", fresh=False, node=False, unreachable=True, fate="limit")
    (start,) = made.truth.starts
    said = texts(made)
    assert any(line in text for text in said)
    assert any(unit in text for text in said)
    assert start.outcome == "failed" and start.ready_us is None and start.end.at_us is not None
    assert 0 <= start.end.at_us - start.polls[0].departed_us - LIMIT < 3000
    assert len(start.polls) == 450


def test_a_refused_poller_never_notices_readiness() -> None:
    (start,) = generate(named("binding-removed")).truth.starts
    assert start.ready_us is not None and start.detected_us is None and start.outcome == "failed"
    assert {p.error for p in start.polls} == {"service_unavailable", "forbidden"}


def test_the_hook_limit_is_looked_at_between_tries() -> None:
    made = generate(named("crash-loop-until-roles"))
    assert [s.outcome for s in made.truth.starts] == ["failed", "failed", "failed", "ready"]
    for number, start in enumerate(made.truth.starts[:3]):
        said = texts(made, number)
        assert start.serving_us is not None and start.end.at_us is not None
        # Two tries of over thirty seconds: the first is not interrupted, the last begins when the time is up.
        assert start.end.at_us - start.serving_us > 60_000_000
        assert any('hooks.go:204] PostStartHook "rbac/bootstrap-roles" failed: unable to initialize' in t for t in said)
        assert any(t.startswith("panic: F") for t in said)
        assert any("status=2/INVALIDARGUMENT" in t for t in said)
        assert start.checks["poststarthook/rbac/bootstrap-roles"].ok_us is None
    restarts = [e.line.text for e in made.entries if "Scheduled restart job" in e.line.text]
    assert [text.rsplit(" ", 1)[1] for text in restarts] == ["1.", "2.", "3."]


def test_tries_that_fail_delay_the_hook_to_a_later_tick() -> None:
    made = one(rbac_failures=2, rbac_try_s=3.0, fresh=False)
    (start,) = made.truth.starts
    turned = start.checks["poststarthook/rbac/bootstrap-roles"].ok_us
    assert start.outcome == "ready" and start.serving_us is not None and turned is not None
    assert turned - start.serving_us > 7_000_000
    assert sum("unable to reconcile clusterrole" in text for text in texts(made)) == 4


@pytest.mark.parametrize(
    ("version", "says"), [("v1.30.3+k3s1", False), ("v1.32.4+k3s1", True), ("v1.35.0+k3s1", False)]
)
def test_a_stop_is_announced_only_by_some_releases(version: str, says: bool) -> None:
    made = one(version=version, pace=3.0, request_ms=30.0, fate="stop", fate_at_s=9.0)
    (start,) = made.truth.starts
    said = texts(made)
    assert start.outcome == "stopped" and start.end_in_log is says
    assert any('signal received: \\"terminated\\"' in text for text in said) is says
    assert any(text.startswith("Stopping k3s.service") for text in said)
    assert "Kube API server is now running" not in "\n".join(said)
    assert expected_outcome(start, "short") == "stopped"
    assert expected_outcome(start, "cat") == ("stopped" if says else "incomplete")


def test_a_stop_can_print_readiness_that_never_was() -> None:
    made = generate(named("stop-before-ready"))
    (start,) = made.truth.starts
    assert any("Kube API server is now running" in text for text in texts(made))
    assert start.outcome == "stopped" and start.detected_us is None and start.ready_us is None


def test_a_killed_process_says_nothing_itself() -> None:
    made = generate(named("killed-twice"))
    killed = made.truth.starts[:2]
    assert [expected_outcome(s, "export") for s in killed] == ["failed", "failed"]
    assert [expected_outcome(s, "cat") for s in killed] == ["incomplete", "incomplete"]
    assert sum("code=killed, status=9/KILL" in text for n in (0, 1) for text in texts(made, n)) == 2
    assert made.truth.starts[2].outcome == "ready"


@pytest.mark.parametrize(
    ("name", "needle", "status"),
    [
        ("unknown-flag", 'level=error msg="apiserver exited: unknown flag: --enable-admission-plugin"', "status=1"),
        ("wrong-token", "already found and encrypted with different token", "status=1"),
        ("port-taken", 'level=error msg="Shutdown request received: apiserver exited: failed to create', "protocol"),
    ],
)
def test_a_mistake_ends_the_start_at_once(name: str, needle: str, status: str) -> None:
    made = generate(named(name))
    (start, *_) = made.truth.starts
    said = texts(made)
    assert any(needle in text for text in said) and any(status in text for text in said)
    assert start.outcome == "failed" and start.reason_has and any(start.reason_has in text for text in said)
    assert start.ready_us is None and start.serving_us is None


def test_shutdown_echoes_are_printed_polls() -> None:
    (start,) = generate(named("port-taken")).truth.starts
    assert [(p.error, p.printed) for p in start.polls] == [("service_unavailable", True), ("context_canceled", True)]


def test_a_file_copied_early_knows_nothing_of_later() -> None:
    made = generate(named("copied-too-early"))
    (start,) = made.truth.starts
    end = made.truth.text_to_us
    assert end is not None and max(e.realtime_us for e in made.entries) <= end
    assert start.outcome == "incomplete" and start.detected_us is None and start.end.kind == "running"
    moments = [c.ok_us for c in start.checks.values() if c.ok_us is not None]
    assert moments and max(moments) <= end
    assert all(p.answered_us <= end for p in start.polls)


def test_a_file_without_its_beginning_keeps_its_truth() -> None:
    whole = generate(Scenario(name="beginning-lost", starts=named("beginning-lost").starts))
    made = generate(named("beginning-lost"))
    (start,) = made.truth.starts
    begin = made.truth.text_from_us
    assert begin is not None and min(e.realtime_us for e in made.entries) >= begin > start.began_us
    assert start.ready_us == whole.truth.starts[0].ready_us
    assert sum(p.printed for p in start.polls) < sum(p.printed for p in whole.truth.starts[0].polls)


def test_readiness_that_was_told_before_the_text_begins_cannot_be_known() -> None:
    made = generate(Scenario(name="late", starts=(StartPlan(pace=2.0, run_s=30.0),), cut_before_s=11.5))
    (start,) = made.truth.starts
    assert start.outcome == "ready" and start.detected_us is not None and not start.detection_in_log
    assert [expected_outcome(start, c) for c in ("short", "cat")] == ["incomplete", "incomplete"]


def test_a_cut_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        generate(Scenario(name="x", cut_before_s=4000.0))


def test_a_reboot_changes_the_boot_and_the_monotonic_clock() -> None:
    made = generate(named("reboot"))
    first, second = made.truth.starts
    assert first.boot_id != second.boot_id and first.invocation_id != second.invocation_id
    assert f"-- Boot {second.boot_id} --\n".encode() in made.render("short")
    later = [e.monotonic_us for e in made.entries if e.boot_id == second.boot_id]
    assert min(later) < 60_000_000


def test_a_stall_turns_etcd_bad_again() -> None:
    made = generate(named("datastore-stall"))
    (start,) = made.truth.starts
    assert start.serving_us is not None
    for name in ("etcd", "etcd-readiness"):
        turned = start.checks[name].ok_us
        assert turned is not None and turned > start.serving_us + 10_000_000
        assert any(name in p.failing for p in start.polls)


def test_health_blocks_are_split_into_entries() -> None:
    made = generate(named("verbose-health"))
    (start,) = made.truth.starts
    said = texts(made)
    heads = [n for n, text in enumerate(said) if "check failed: readyz" in text]
    assert len(heads) > 5
    for at in heads:
        names = said[at].split("] ", 1)[1].removesuffix(" check failed: readyz").split(",")
        rows = said[at + 1 : at + 1 + len(names)]
        assert [row.split(" failed: ")[0] for row in rows] == [f"[-]{name}" for name in names]
        assert set(names) <= set(start.checks)
