"""Every finding against journals of the generator: made true in one, absent in another; roots before symptoms.

``analyzer/testing/faults.py`` says how each is brought about. The same seed gives the same journal.
"""

from __future__ import annotations

import ast
import io
import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import analyzer
from analyzer.analysis import rules
from analyzer.events import catalogue
from analyzer.events.finding_info import about, explains, known_findings, reported_as
from analyzer.events.vocabulary import load
from analyzer.results import Finding, StartReport
from analyzer.testing import generate
from analyzer.testing.faults import SEVERAL, fault, put_slowness
from analyzer.testing.healthy import healthy_plan, healthy_start
from analyzer.testing.journal_editor import JournalEditor
from analyzer.testing.scenarios import NAMED, k3s
from analyzer.testing.truth import SECOND, Scenario

IDS = [finding.id for finding in known_findings()]
ORDER = ["critical", "warning", "info"]
# What an undisturbed start is told, and that says nothing of trouble.
CALM = {"healthy", "noise_explained", "one_second_floor", "polling_tax"}


def starts_of(journal: bytes) -> tuple[StartReport, ...]:
    return analyzer.analyze(analyzer.load(stdin=io.BytesIO(journal))).report.starts


@cache
def calm(seed: int) -> tuple[StartReport, ...]:
    scenario = Scenario(name="calm", starts=(k3s("v1.33.4+k3s1", fresh=False, node=False),))
    return starts_of(generate(scenario, seed).render("export"))


def found(starts: tuple[StartReport, ...], name: str) -> list[Finding]:
    return [finding for start in starts for finding in start.findings if finding.id == name]


def only(journal: JournalEditor) -> StartReport:
    [start] = starts_of(journal.export())
    return start


def ids(start: StartReport, at_least: str = "info") -> set[str]:
    worth = ORDER[: ORDER.index(at_least) + 1]
    return {finding.id for finding in start.findings if finding.severity in worth}


@pytest.mark.parametrize("name", IDS)
def test_every_finding_is_found_where_it_is_true(name: str) -> None:
    starts = starts_of(fault(name)(1))
    told = found(starts, name)
    assert told, [[finding.id for finding in start.findings] for start in starts]
    for finding in told:
        assert finding.title
        assert finding.detail
        assert finding.advice or finding.severity == "info"
        assert finding.lines


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_every_finding_is_found_in_more_journals(name: str) -> None:
    for seed in range(2, 8):
        assert found(starts_of(fault(name)(seed)), name), seed


@pytest.mark.parametrize("name", sorted(set(IDS) - CALM))
def test_no_finding_where_nothing_is_wrong(name: str) -> None:
    for seed in (1, 2, 3):
        assert not found(calm(seed), name)


def test_what_a_calm_start_is_told_is_not_told_of_others() -> None:
    assert not found(starts_of(fault("no_quorum")(1)), "healthy")
    assert not found(starts_of(fault("slow_datastore")(1)), "healthy")
    assert not found(starts_of(fault("slow_bootstrap_roles")(1)), "one_second_floor")
    assert not found(starts_of(fault("no_quorum")(1)), "polling_tax")
    journal = JournalEditor(Scenario(name="calm", starts=(k3s("v1.33.4+k3s1", fresh=False, node=False),)), 1)
    journal.drop(lambda e: "]" in e.line.text[:70] or "level=warn" in e.line.text or "level=error" in e.line.text)
    assert "noise_explained" not in ids(only(journal))


# --- healthy starts with realistic noise


def alarms(seed: int, carrier: str = "export") -> list[str]:
    """What is wrong with the report on one healthy start."""
    wrong = []
    for start in starts_of(healthy_start(seed).render(carrier)):
        wrong += [f"{seed}: {f.severity} {f.id}: {f.detail}" for f in start.findings if f.severity != "info"]
        if start.findings[0].id != "healthy":
            wrong.append(f"{seed}: first is {start.findings[0].id}, {start.outcome}")
    return wrong


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_healthy_starts_with_the_usual_noise_have_nothing_above_info(first: int) -> None:
    wrong = [words for seed in range(first, first + 10) for words in alarms(seed)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("carrier", ["export", "short", "short-iso-precise", "json"])
@pytest.mark.parametrize("first", range(30, 280, 50))
def test_many_more_healthy_starts_have_nothing_above_info(first: int, carrier: str) -> None:
    wrong = [words for seed in range(first, first + 50) for words in alarms(seed, carrier)]
    assert not wrong, "\n".join(wrong)


def test_healthy_starts_are_of_many_kinds() -> None:
    plans = [healthy_plan(random.Random(f"k3slog/healthy/{seed}")) for seed in range(30)]
    assert {plan.role for plan in plans} == {"server", "agent"}
    assert {plan.product for plan in plans} == {"k3s", "rke2"}
    assert len({plan.version for plan in plans}) > 8


# --- causes before symptoms


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("seed", [1, 2])
def test_of_several_troubles_the_root_comes_first(name: str, seed: int) -> None:
    root, symptoms, make = SEVERAL[name]
    start = starts_of(make(seed))[-1]
    told = [finding.id for finding in start.findings]
    assert told[0] == root, told
    for symptom in symptoms:
        [finding] = [one for one in start.findings if one.id == symptom]
        assert start.findings[0].title in finding.detail
        assert ORDER.index(finding.severity) >= ORDER.index(start.findings[0].severity)


def test_what_follows_is_told_once_and_after_its_root() -> None:
    for _, _, make in SEVERAL.values():
        for start in starts_of(make(3)):
            told = [finding.id for finding in start.findings]
            assert len(told) == len(set(told))
            ranks = [ORDER.index(finding.severity) for finding in start.findings]
            assert ranks == sorted(ranks)
            titles = {finding.id: finding.title for finding in start.findings}
            for position, finding in enumerate(start.findings):
                because = [n for n in told if f"because of this: {titles[n]}" in finding.detail and n != finding.id]
                assert all(told.index(cause) < position for cause in because)


def test_no_finding_explains_itself_in_the_end() -> None:
    known = {finding.id: finding for finding in known_findings()}
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " → ".join((*above, name))
        if name not in done:
            for symptom in known[name].explains:
                walk(symptom, (*above, name))
            done.add(name)

    for name in known:
        walk(name, ())
    assert explains("no_quorum", "fifteen_minute_limit")
    assert not explains("fifteen_minute_limit", "no_quorum")


# --- near misses: what comes close and must not be told


def journal(seed: int = 1, **more: object) -> JournalEditor:
    plan = k3s("v1.33.4+k3s1", **{"fresh": False, "node": False, **more})
    return JournalEditor(Scenario(name="near", starts=(plan,)), seed)


def test_a_few_slow_answers_are_no_slow_datastore() -> None:
    near = journal(store="etcd")
    for number in range(3):
        near.zap(near.serving + 300_000 + number, "apply request took too long", took="143.1ms")
    assert "slow_datastore" not in ids(only(near), "warning")
    put_slowness(near, 1)
    assert "slow_datastore" in ids(only(near), "warning")


def test_slow_lines_after_readiness_say_nothing_of_the_start() -> None:
    near = journal(store="external")
    text = "Slow SQL (started: 2026-03-01 06:03:30.1 +0000 UTC) (total time: 4.5s): SELECT 1"
    for number in range(6):
        near.say(near.last + number, text)
    assert "slow_datastore" not in ids(only(near))


def test_a_database_that_is_two_seconds_late_is_no_wait() -> None:
    near = journal(store="external", datastore_late_s=4.0)
    assert "datastore_late" not in ids(only(near))


def test_a_silence_of_seven_seconds_is_neither_frozen_nor_like_a_timeout() -> None:
    quiet = "poststarthook/storage-object-count-tracker-hook"
    near = journal(extra={quiet: 10.0})
    begin = max(e.realtime_us for e in near.entries if e.realtime_us <= near.serving + 1_500_000)
    near.quiet(begin, begin + 7 * SECOND)
    near.say(begin + 7 * SECOND, "Proxy error: read tcp 192.0.2.10: i/o timeout", "error")
    assert not ids(only(near)) & {"frozen_gap", "gap_like_timeout"}


def test_ten_seconds_of_silence_without_words_about_a_timeout_are_not_like_one() -> None:
    quiet = "poststarthook/storage-object-count-tracker-hook"
    near = journal(extra={quiet: 13.0})
    begin = max(e.realtime_us for e in near.entries if e.realtime_us <= near.serving + 1_500_000)
    near.quiet(begin, begin + 10 * SECOND + 30_000)
    near.say(begin + 10 * SECOND + 20_000, "Event occurred: nothing", "error")
    assert "gap_like_timeout" not in ids(only(near))


def test_one_tls_handshake_timeout_is_no_lack_of_cpu() -> None:
    near = journal()
    line = "failed to get lease: Get https://127.0.0.1:6444/x: net/http: TLS handshake timeout"
    near.kube(near.serving + 200_000, "leaderelection.go:436", line)
    assert "cpu_starved" not in ids(only(near))
    near.kube(near.serving + 300_000, "leaderelection.go:436", line)
    assert "cpu_starved" in ids(only(near))


def test_lines_that_reach_the_journal_late_are_a_sign_of_too_little_cpu() -> None:
    near = journal()
    late = next(e for e in near.entries if "secure_serving" in e.line.text)
    near.entries.remove(late)
    near.raw(late.realtime_us + 3 * SECOND, late.line.text)
    start = only(near)
    assert "cpu_starved" in ids(start)
    assert "the worst at least 2.9 s after being written" in next(
        f.detail for f in start.findings if f.id == "cpu_starved"
    )


def test_a_kernel_that_kills_another_program_is_not_ours() -> None:
    near = journal(fate="kill", fate_at_s=4.0)
    near.kernel((near.truth.end.at_us or 0) - 50, "Out of memory: Killed process 77 (stress) total-vm:1180340kB")
    start = only(near)
    assert start.findings[0].id == "killed"
    assert "out_of_memory" not in ids(start)


def test_a_stop_after_readiness_is_no_early_stop() -> None:
    told = ids(only(journal(fate="stop")))
    assert "stopped_early" not in told
    assert "healthy" in told


def test_two_failures_are_no_loop() -> None:
    scenario = NAMED["unknown-flag"]
    starts = starts_of(generate(replace(scenario, starts=scenario.starts[:2]), 1).render("export"))
    assert not found(starts, "crash_loop")


def test_an_aggregated_api_that_is_not_there_yet_held_nothing_back() -> None:
    near = journal()
    text = 'loading OpenAPI spec for "v1beta1.metrics.k8s.io" failed with: failed to retrieve openAPI spec: 503'
    near.kube(near.serving + 200_000, "controller.go:102", text)
    assert "dead_aggregated_api" not in ids(only(near))


def test_a_crash_loop_says_what_changed_between_the_tries() -> None:
    scenario = NAMED["crash-loop-until-roles"]
    plans = tuple(replace(plan, version=f"v1.31.{4 + number}+k3s1") for number, plan in enumerate(scenario.starts[:3]))
    plans = (*plans[:2], replace(plans[2], fate="bad-token"))
    [finding] = found(starts_of(generate(replace(scenario, starts=plans), 1).render("export")), "crash_loop")
    assert "the version changed: v1.31.4+k3s1 → v1.31.5+k3s1 → v1.31.6+k3s1" in finding.detail
    assert "the first got as far as the API server's serving, the last one as far as" in finding.detail


def test_every_finding_that_a_rule_can_give_is_in_the_data() -> None:
    given: set[str] = set()
    for path in Path(rules.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "say":
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    given.add(str(name.value))
    assert len(given) > 40
    assert given <= set(IDS)
    problems = {rule.id for rule in catalogue.rules() if rule.kind == "problem"}
    assert {reported_as(name) for name in problems} <= set(IDS)
    assert {name for block in load("findings.toml")["also"] for name in block["ids"]} <= set(IDS)


def test_texts_of_findings_come_from_one_place() -> None:
    for name in IDS:
        known = about(name)
        assert known.title, name
        assert known.meaning or known.advice, name
        assert known.severity in ORDER


def test_a_component_that_met_a_late_api_server_is_a_symptom() -> None:
    near = journal(extra={"poststarthook/rbac/bootstrap-roles": 20.0}, store="etcd")
    put_slowness(near, 1)
    at = near.serving + 6 * SECOND
    near.end(at + 20)
    text = 'etcd exited: failed to acquire lease: nodes "node-a" is forbidden: not yet ready to handle request'
    start = only(near.say(at, text, "fatal"))
    assert start.findings[0].id == "slow_datastore"
    told = next(finding for finding in start.findings if text[:15] in finding.detail)
    assert told.severity == "warning"
    assert start.findings[0].title in told.detail


def test_a_runtime_that_is_asked_for_seconds_is_no_missing_one() -> None:
    near = journal()
    text = "Waiting for containerd startup: rpc error: code = Unavailable desc = connection refused"
    for number in range(3):
        near.say(near.serving - 900_000 + number * 300_000, text)
    assert "cri_missing" not in ids(only(near), "warning")
