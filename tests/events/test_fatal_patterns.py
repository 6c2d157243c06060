"""Every cause of the catalogue, put at the end of an otherwise normal generated start, is named as its reason."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from analyzer.analysis import analyze_records
from analyzer.events import sequence
from analyzer.events.catalogue import Rule, ending_problems, rules, unquote_once
from analyzer.events.detect import detect
from analyzer.events.finding_info import reported_as
from analyzer.events.sequence import Stage
from analyzer.records import read_log_records
from analyzer.records.log_record import LogRecord, Payload
from analyzer.results import StartReport
from analyzer.testing import generate, named, random_scenario
from analyzer.testing.scenarios import COMMITS, k3s
from analyzer.testing.truth import Scenario
from tests.events.examples import examples, journal

# These never end a process: it goes on, or only warns.
_GO_ON = {"config_key_ignored", "selinux", "oidc_unreachable", "own_server_not_trusted", "lines_lost"}
# Said by Go's runtime in lines of its own, never in a message of k3s (tests/analysis/test_told_more.py).
_RUNTIME = {"no_more_threads"}
_WRAPPED = re.compile(r"^(?:Error: |starting kubernetes: |preparing server: )+")
_SHUTDOWN = "Shutdown request received: "
# True only after 15 minutes of waiting; before, releases up to 1.29 print it when they are stopped.
_LATE = {"tunnel_rbac"}
# Between 1.24 and 1.36, one of each way to end.
_RELEASES = ("v1.28.4+k3s1", "v1.30.3+k3s1", "v1.32.4+k3s1", "v1.33.6+k3s1", "v1.35.0+k3s1", "v1.36.2+k3s1")


def fatal_rules() -> list[Rule]:
    """The problems that end a start."""
    return [rule for rule in ending_problems() if rule.id not in _GO_ON | _LATE | _RUNTIME]


def cause(record: LogRecord) -> str:
    """An example's own cause, without the wrappers of its release."""
    text = record.message
    if text.startswith(_SHUTDOWN):
        return unquote_once(text.removeprefix(_SHUTDOWN))
    if record.payload is Payload.KLOG and record.level == "fatal":
        return "F:" + text
    return _WRAPPED.sub("", text)


def fits(rule: Rule, version: str) -> bool:
    number = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return (rule.since or (0, 0)) <= number <= (rule.until or (9, 99))


def cases() -> Iterator[tuple[str, str, str]]:
    """``(id, release, cause)``: the first example of every cause, the releases in turn."""
    for position, rule in enumerate(fatal_rules()):
        record = examples()[rule.id][0][1]
        turn = _RELEASES[position % 6 :] + _RELEASES[: position % 6]
        yield rule.id, next(version for version in turn if fits(rule, version)), cause(record)


def analysed(scenario: Scenario, seed: int = 1) -> tuple[StartReport, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.txt"
        path.write_bytes(generate(scenario, seed).render("short-precise"))
        log_records, errors = read_log_records([str(path)])
    assert not errors
    return analyze_records(log_records, tool_version="0").starts


@cache
def ended_by(version: str, words: str) -> StartReport:
    plan = k3s(version, fresh=False, fate="fatal", last_words=words)
    (start,) = analysed(Scenario(name="fatal", starts=(plan,)))
    return start


def first_line(words: str) -> str:
    return words.removeprefix("F:").removeprefix("Incorrect Usage: ").splitlines()[0]


def may_be(name: str, version: str, words: str) -> set[str]:
    """What its words leave of the outcomes: behind readiness it never failed "before", in front of it nothing else did.

    The kubelet's own words are placed by their source file, which is not in them.
    """
    placed = [*sequence.of_mark(name), *sequence.of_failure(words)]
    held = [place for place in placed if place.holds("k3s", "server", version)]
    if any(place.only_after in (Stage.READY, Stage.STARTED) for place in held):
        return {"ready", "incomplete"}
    if any(place.only_before is not None for place in held):
        return {"failed"}
    return {"failed", "ready", "incomplete"}


@pytest.mark.parametrize(("name", "version", "words"), list(cases()))
def test_the_cause_is_named(name: str, version: str, words: str) -> None:
    start = ended_by(version, words)
    assert start.outcome in may_be(name, version, words)
    assert start.end.kind == "failed"
    assert first_line(words)[:40] in (start.end.reason or "")
    first = start.findings[0]
    assert (first.id, first.severity) == (reported_as(name), "critical")
    assert first.lines
    assert first.detail


def test_there_are_enough_of_them() -> None:
    assert len(list(cases())) >= 60


@pytest.mark.parametrize("version", sorted(COMMITS))
@pytest.mark.parametrize("words", [
    "bootstrap data already found and encrypted with different token",
    "kubelet exited: failed to run Kubelet: running with swap on is not supported",
    'PostStartHook "rbac/bootstrap-roles" failed: unable to initialize roles: timed out waiting for the condition',
    "Incorrect Usage: flag provided but not defined: -no-such-flag",
])  # fmt: skip
def test_every_shape_in_every_release(version: str, words: str) -> None:
    named_ids = {"b": "wrong_token", "k": "unclean_kubelet", "P": "hook_limit", "I": "unknown_flag"}
    name = named_ids[words[0]]
    start = ended_by(version, words)
    assert start.outcome in may_be(name, version, words)
    assert start.findings[0].id == name


@pytest.mark.long
def test_no_cause_is_named_in_a_healthy_start() -> None:
    causes = {reported_as(rule.id) for rule in fatal_rules()}
    seen = 0
    for seed in range(1500):
        scenario = random_scenario(seed)
        (plan, *others) = scenario.starts
        quick = plan.request_ms < 5 and plan.pace < 3 and not plan.extra and not plan.rbac_failures and not plan.stall_s
        if (
            others
            or plan.fate != "run"
            or not quick
            or plan.server_late_s
            or scenario.cut_before_s
            or scenario.cut_after_s
        ):
            continue
        for start in analysed(scenario, seed):
            assert start.outcome == "ready"
            assert {finding.id for finding in start.findings} & causes == set(), scenario.story
        seen += 1
        if seen == 60:
            break
    assert seen == 60


def test_last_words_need_their_fate() -> None:
    with pytest.raises(ValueError, match="go together"):
        k3s("v1.33.4+k3s1", last_words="x")
    assert named("healthy-sqlite").starts[0].last_words == ""


def test_a_cancelled_wait_is_no_cause() -> None:
    start = ended_by("v1.28.4+k3s1", cause(examples()["tunnel_rbac"][0][1]))
    assert start.outcome != "failed"
    assert "tunnel_rbac" not in {finding.id for finding in start.findings}


def test_rules_left_out_exist() -> None:
    assert {rule.id for rule in rules()} >= _GO_ON | _LATE


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("dial tcp 192.0.2.9:3306: connect: connection refused", "datastore_unreachable"),
        (
            "creating storage endpoint: building kine: failed to connect to `host=db.example user=k3s database=k3s`: "
            "dial error (dial tcp 192.0.2.9:5432: connect: connection refused)",
            "datastore_unreachable",
        ),
    ],
)
@pytest.mark.parametrize("version", ["v1.28.4+k3s1", "v1.32.4+k3s1", "v1.35.0+k3s1"])
def test_other_words_of_the_same_cause(version: str, words: str, named: str) -> None:
    assert ended_by(version, words).findings[0].id == named


def test_a_pod_that_cannot_reach_its_database_is_not_the_datastore() -> None:
    line = 'level=error msg="Proxy error: dial tcp 10.42.0.5:5432: connect: connection refused"'
    found = {getattr(event, "id", None) for event in detect(journal([f'time="2026-03-03T10:20:12Z" {line}']))}
    assert "datastore_unreachable" not in found
