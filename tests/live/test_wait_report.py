"""Windows of a wait against the truth of the server that was watched."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.live.observed_polls import Answer, ObservedPoll, ObservedWait, dump, parse
from analyzer.live.wait_report import numbered, report_of, start_report
from analyzer.live.waiting import Wait
from analyzer.policies import get
from analyzer.reports import json_report
from analyzer.reports.schema import schema_text
from analyzer.results import Check, StartReport
from analyzer.window import Span
from tests.live.virtual import ScriptedProber, VirtualClock, run_virtual

BEGAN = datetime(2025, 3, 1, 6, 3, 22, tzinfo=UTC)
POLICIES = ("shared-2s", "legacy-4x1s", "backoff", "adaptive", "optimal")


def server(serving_s: float, hooks: dict[str, float], before: Answer) -> ScriptedProber:
    def answer(t: float) -> Answer:
        if t < serving_s:
            return before
        failing = tuple(n for n, done in hooks.items() if t < done)
        ok = tuple(n for n in hooks if n not in failing)
        if failing:
            return Answer("readyz_failing", 500, "readyz check failed", failing, ok)
        return Answer(None, 200, "ready", (), ok)

    return ScriptedProber(answer)


def watched(prober: ScriptedProber, policy: str, timeout_s: float = 900.0, seed: int = 1) -> ObservedWait:
    async def main() -> ObservedWait:
        one = Wait(prober, get(policy), timeout_s=timeout_s, clock=VirtualClock(), rng=random.Random(seed))
        return await one.run()

    return numbered(run_virtual(main()))


def check(report: StartReport, name: str) -> Check:
    return next(c for c in report.checks if c.name == name)


def holds(span: Span | None, truth: float) -> bool:
    return span is None or (span.min - 1e-6 <= truth and (span.max is None or truth <= span.max + 1e-6))


BEFORE = st.sampled_from(
    [
        Answer("connection_refused"),
        Answer("service_unavailable", 503, "status 503", message="apiserver not ready"),
        Answer("service_unavailable", 503, "status 503", message="upstream down"),
        Answer("forbidden", 403, "status 403"),
        Answer("io_timeout"),
        Answer("not_ready_text", 500),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    policy=st.sampled_from(POLICIES),
    serving=st.floats(0, 20),
    lengths=st.lists(st.floats(0, 30), min_size=1, max_size=5),
    slow=st.floats(0.001, 3.5),
    before=BEFORE,
    seed=st.integers(0, 9),
    timeout=st.sampled_from([900.0, 900.0, 12.0]),
)
def test_the_truth_lies_in_every_window(
    policy: str, serving: float, lengths: list[float], slow: float, before: Answer, seed: int, timeout: float
) -> None:
    hooks = {f"poststarthook/h{n}": serving + length for n, length in enumerate(lengths)}
    ready = max(hooks.values())
    prober = server(serving, hooks, before)
    noise = random.Random(seed)
    prober.latency = lambda _t: noise.uniform(0.001, slow)
    wait = watched(prober, policy, timeout, seed)
    report = start_report(wait)
    assert report.ready.contains(ready, 1e-9), (report.ready, ready)
    assert report.outcome == ("ready" if wait.verdict == "ready" else "incomplete")
    for name, done in hooks.items():
        if name not in {c.name for c in report.checks}:
            continue
        found = check(report, name)
        assert found.cleared.contains(done, 1e-9), (name, found.cleared, done)
        assert not found.cleared.contradicts_itself
        others = [at for other, at in hooks.items() if other != name]
        assert holds(found.exclusive_s, max(0.0, done - max([serving, *others])))
        if done == ready and ready > max(others, default=-1.0) and report.outcome == "ready" and found.seen_failing:
            assert found.last_blocker != "no"
        if found.last_blocker == "certain" and report.outcome == "ready":
            assert done == ready
    if wait.success is not None:
        detected = wait.success.answered_s
        assert report.detected.contains(detected)
        assert holds(report.polling_tax_s, detected - ready)
        low = sum(p.duration_s.min for p in report.phases)
        high = sum(p.duration_s.max or 0.0 for p in report.phases)
        assert low - 1e-6 <= detected <= high + 1e-6, "the phases sum to what passed"
        assert all(a.end == b.begin for a, b in zip(report.phases, report.phases[1:], strict=False))
    else:
        assert report.ready.upper is None and report.detected.upper is None and report.polling_tax_s is None


@settings(max_examples=60, deadline=None)
@given(
    policy=st.sampled_from(POLICIES),
    first=st.floats(0, 5),
    died=st.floats(12, 20),
    down=st.floats(20, 40),
    lengths=st.lists(st.floats(0, 20), min_size=2, max_size=4),
    gone=st.sampled_from([Answer("connection_refused"), Answer("service_unavailable", 503, message="starting")]),
)
def test_what_passed_before_a_restart_does_not_count(
    policy: str, first: float, died: float, down: float, lengths: list[float], gone: Answer
) -> None:
    """The first life never got ready, with some checks passed; the second one begins from nothing."""
    names = [f"h{n}" for n in range(len(lengths))]
    one = server(first, {names[0]: 1e9, **dict.fromkeys(names[1:], first)}, gone)
    serving = died + down
    hooks = {n: serving + length for n, length in zip(names, lengths, strict=True)}
    two = server(serving, hooks, gone)
    prober = ScriptedProber(lambda t: one.answer(t) if t < died else two.answer(t))
    report = start_report(watched(prober, policy))
    assert report.ready.contains(max(hooks.values()), 1e-9)
    for name, done in hooks.items():
        assert check(report, name).cleared.contains(done, 1e-9)
        others = [at for other, at in hooks.items() if other != name]
        assert holds(check(report, name).exclusive_s, max(0.0, done - max(others)))


def test_ends_are_the_departures_and_answers_of_single_polls() -> None:
    prober = server(3.0, {"a": 5.0, "b": 9.0}, Answer("service_unavailable", 503, message="starting"))
    prober.latency = lambda _t: 0.5
    wait = watched(prober, "shared-2s")
    report = start_report(wait)
    # Departures 0 2 4 6 8 10, each answered half a second later.
    assert (check(report, "a").cleared.lower, check(report, "a").cleared.upper) == pytest.approx((4.0, 6.5))
    assert (report.ready.lower, report.ready.upper) == pytest.approx((8.0, 10.5))
    assert (report.ready.lower_line, report.ready.upper_line) == (6, 7)
    assert (report.detected.lower, report.detected.upper) == pytest.approx((10.0, 10.5))
    assert report.polling_tax_s == Span(0.0, pytest.approx(2.5))
    assert report.bottleneck.checks == ("b",) and report.bottleneck.certainty == "certain"
    assert [p.id for p in report.phases] == ["apiserver_boot", "hooks", "polling_tax"]
    assert [(e.error, e.polls) for e in report.errors] == [("service_unavailable", 2), ("readyz_failing", 3)]
    assert report.polls[-1].error is None and not report.polls[-1].printed
    assert report.poller.printed == len(report.polls) - 1


def test_answers_that_prove_nothing_bound_only_the_notice() -> None:
    """A load balancer's 503, a 401 or a timeout may come from anywhere but the API server."""
    for before in (Answer("service_unavailable", 503, message="no backend"), Answer("io_timeout"), Answer("eof")):
        report = start_report(watched(server(5.0, {"a": 5.0}, before), "shared-2s"))
        assert report.ready.lower is None and report.detected.lower == pytest.approx(6.0)
        assert report.polling_tax_s == Span(0.0, None)


def test_a_served_server_gives_no_upper_limit_on_time_alone() -> None:
    """The check may have been alone for an hour before the wait began."""
    report = start_report(watched(server(0.0, {"a": 5.0}, Answer("eof")), "shared-2s"))
    found = check(report, "a")
    assert found.exclusive_s is not None and found.exclusive_s.max is None and found.last_blocker == "certain"


def test_flapping_check_is_about_its_last_change() -> None:
    polls = (
        ObservedPoll("readyz_failing", 500, failing=("etcd",), ok=("a",), departed_s=0.0, answered_s=0.1),
        ObservedPoll("readyz_failing", 500, failing=("a",), ok=("etcd",), departed_s=1.0, answered_s=1.1),
        ObservedPoll("readyz_failing", 500, failing=("etcd",), ok=("a",), departed_s=2.0, answered_s=2.1),
        ObservedPoll(None, 200, ok=("etcd", "a"), departed_s=3.0, answered_s=3.1),
    )
    report = start_report(ObservedWait("https://h:1", "x", BEGAN, polls, "ready", 3.1))
    assert (check(report, "etcd").cleared.lower, check(report, "etcd").cleared.upper) == (2.0, 3.1)
    assert (check(report, "a").cleared.lower, check(report, "a").cleared.upper) == (1.0, 2.1)


def test_cut_list_leaves_the_unseen_in_doubt() -> None:
    polls = (
        ObservedPoll("readyz_failing", 500, failing=("a", "z"), ok=("b",), departed_s=0.0, answered_s=0.1),
        ObservedPoll("readyz_failing", 500, failing=("a",), ok=("b",), cut=True, departed_s=1.0, answered_s=1.1),
        ObservedPoll(None, 200, ok=("a", "b", "z"), departed_s=2.0, answered_s=2.1),
    )
    report = start_report(ObservedWait("https://h:1", "x", BEGAN, polls, "ready", 2.1))
    assert report.bottleneck.certainty == "possible" and set(report.bottleneck.checks) == {"a", "z"}
    assert check(report, "z").cleared.upper == 2.1


def test_fatal_and_timed_out_are_findings_with_advice() -> None:
    denied = ScriptedProber(lambda t: Answer("unauthorized", 401, "status 401"))
    report = start_report(watched(denied, "adaptive"))
    (finding,) = report.findings
    assert (finding.id, finding.severity) == ("wait_confirmed_fatal", "critical") and finding.advice and finding.lines
    late = start_report(watched(server(0.0, {"a": 1e9}, Answer("eof")), "shared-2s", timeout_s=5.0))
    assert late.findings[0].id == "wait_timed_out"
    assert late.bottleneck.checks == ("a",) and late.outcome == "incomplete"


def test_nothing_seen_at_all() -> None:
    report = start_report(ObservedWait("https://h:1", "x", BEGAN))
    assert report.outcome == "incomplete" and report.checks == () and report.ready.lower is None


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("timeout_s", [900.0, 4.0])
def test_json_obeys_the_schema_and_survives_the_file(policy: str, timeout_s: float) -> None:
    wait = watched(server(1.0, {"a": 5.0, "b": 3.0}, Answer("connection_refused")), policy, timeout_s)
    report = report_of(wait, path="polls.jsonl", size=len(dump(wait)))
    jsonschema.validate(json.loads(json_report.render(report)), json.loads(schema_text()))
    ledger = report.ledger
    assert ledger.lines == len(dump(wait).splitlines()) == ledger.used == report.sources[0].lines
    back = report_of(parse(dump(wait).splitlines()), path="polls.jsonl", size=len(dump(wait)))
    # Absolute stamps have microseconds, so the seconds agree to one.
    assert back.starts[0].ready.upper == (
        None if wait.success is None else pytest.approx(report.starts[0].ready.upper, abs=2e-6)
    )
    assert replace(back, starts=()) == replace(report, starts=(), evidence=back.evidence)


def test_a_list_is_kept_once_however_often_it_is_seen() -> None:
    wait = watched(server(0.0, {"a": 900.0}, Answer("eof")), "backoff", timeout_s=300.0)
    assert len(wait.polls) > 50
    assert len({id(p.failing) for p in wait.polls if p.failing}) == 1


def test_a_probe_counts_as_ok_only_when_what_it_waits_for_is() -> None:
    """As k3s 1.21.3 answered: ok in a first, short list, failing between two looks, ok for good afterwards."""
    informers, roles = "poststarthook/generic-apiserver-start-informers", "poststarthook/rbac/bootstrap-roles"

    def answer(t: float) -> Answer:
        done = {"informer-sync": t < 0.3 or t >= 1.1, informers: t >= 0.6, roles: t >= 5.0, "etcd": t >= 0.2}
        if t < 0.3:
            done.pop(roles)
        failing = tuple(n for n, ok in done.items() if not ok)
        good = tuple(n for n, ok in done.items() if ok)
        return Answer("readyz_failing", 500, "", failing, good) if failing else Answer(None, 200, "", (), good)

    report = start_report(watched(ScriptedProber(answer), "shared-2s"))
    found = check(report, "informer-sync")
    assert found.cleared.contains(1.1) and found.cleared.upper == pytest.approx(2.0, abs=0.1)
    assert not found.seen_failing and found.last_blocker == "no"
    assert check(report, "etcd").cleared.contains(0.2)
    assert report.bottleneck.checks == (roles,) and report.bottleneck.certainty == "certain"
