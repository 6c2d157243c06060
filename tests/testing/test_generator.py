"""The generator of journals with known truth: what it generates obeys the rules of the real program.

The laws are checked on all named scenarios and on many drawn at random; a second look comes from the witness rules,
which were proved on the real program's source and on recordings: no generated line may break one.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from analyzer.errors import UsageError
from analyzer.events.event import WitnessRule
from analyzer.events.versions import check_list
from analyzer.events.witness_rules import rules
from analyzer.testing import (
    NAMED,
    Generated,
    Line,
    PollTruth,
    Scenario,
    StartPlan,
    StartTruth,
    generate,
    named,
    random_scenario,
)
from tests.kit.thinned import thinned

SEEDS = range(150)
SECOND = 1_000_000
PROBES = {"etcd", "etcd-readiness", "informer-sync"}  # these may turn bad again
FIRST_CA = "generated self-signed CA certificate CN=k3s-client-ca"
KLOG = re.compile(r"[IWEF]\d{4} [\d:.]{15} +\d+ ([\w.]+\.go):\d+\] (.*)")
LOGRUS = re.compile(r'time="\S+" level=\w+ msg=(?:"((?:[^"\\]|\\.)*)"|(\S+))')
DETECTED = ("Kube API server is now running", "k3s agent is up and running", "rke2 agent is up and running")


@cache
def journals() -> tuple[Generated, ...]:
    """All named scenarios and many random ones."""
    return tuple(generate(s) for s in (*NAMED.values(), *(random_scenario(n) for n in SEEDS)))


def starts() -> Iterator[tuple[Generated, StartTruth, list[Line]]]:
    """Every start with its own lines (also those that a cut leaves out of the text are gone)."""
    for made in journals():
        lines: dict[str, list[Line]] = defaultdict(list)
        for entry in made.entries:
            lines[entry.invocation_id].append(entry.line)
        for start in made.truth.starts:
            yield made, start, lines[start.invocation_id]


def name_of(made: Generated, start: StartTruth) -> str:
    """For messages."""
    return f"{made.scenario.name}/{start.version}/{start.pid}"


# --- seeds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
def test_same_seed_gives_the_same_bytes(name: str) -> None:
    first, second = generate(named(name), 5), generate(named(name), 5)
    assert first.render("export") == second.render("export")
    assert first.truth_json() == second.truth_json()


def test_another_seed_gives_another_journal_of_the_same_story() -> None:
    one, two = generate(named("slow-rbac-one-core"), 1), generate(named("slow-rbac-one-core"), 2)
    assert one.render("short-precise") != two.render("short-precise")
    assert [s.outcome for s in one.truth.starts] == [s.outcome for s in two.truth.starts] == ["ready"]


@pytest.mark.long
def test_random_scenarios_cover_releases_roles_and_outcomes() -> None:
    drawn = [start for made in journals() for start in made.truth.starts]
    assert {s.outcome for s in drawn} == {"ready", "failed", "stopped", "incomplete"}
    assert {s.poller for s in drawn} == {"shared-2s", "legacy-4x1s", "legacy-30s"}
    assert {(s.product, s.role) for s in drawn} >= {("k3s", "server"), ("k3s", "agent"), ("rke2", "server")}
    minors = {int(s.version.split(".")[1]) for s in drawn}
    assert {21, 24, 28, 30, 32, 33, 34, 35, 36} <= minors
    assert {made.scenario.utc_offset_min for made in journals()} >= {0, 330, 60, -180}


def test_a_start_that_never_ends_cannot_be_followed() -> None:
    with pytest.raises(ValueError, match="never ends"):
        generate(Scenario(name="x", starts=(StartPlan(), StartPlan())))


def test_unknown_names_and_versions_are_refused() -> None:
    with pytest.raises(UsageError):
        named("no-such-story")
    with pytest.raises(ValueError, match="no release"):
        generate(Scenario(name="x", starts=(StartPlan(version="latest"),)))
    with pytest.raises(ValueError, match="pace"):
        StartPlan(pace=0.0)


# --- the truth agrees with itself -----------------------------------------------------------------------------------


def test_ready_is_the_last_turn_of_all_checks() -> None:
    seen = 0
    for made, start, _ in starts():
        turned = [check.ok_us for check in start.checks.values()]
        if start.ready_us is not None:
            assert None not in turned, name_of(made, start)
            assert start.ready_us == max(t for t in turned if t is not None), name_of(made, start)
            seen += 1
        else:
            assert None in turned, name_of(made, start)
    assert seen > 100


def test_checks_are_those_of_the_release() -> None:
    for made, start, _ in starts():
        minor = int(start.version.split(".")[1])
        if minor >= 24:
            assert tuple(start.checks) == check_list((1, minor)), name_of(made, start)


def test_outcome_and_detection_go_together() -> None:
    for made, start, _ in starts():
        label = name_of(made, start)
        assert (start.outcome == "ready") == (start.detected_us is not None), label
        if start.detected_us is not None:
            assert start.ready_us is not None and start.ready_us <= start.detected_us, label
            assert start.polls[-1].error is None and start.polls[-1].answered_us == start.detected_us, label
        assert (start.end.kind == "running") == (start.end.at_us is None), label
        if start.outcome == "failed" and start.end_in_log:
            assert start.reason_has, label


def test_two_hooks_wait_a_second_before_their_first_try() -> None:
    for made, start, _ in starts():
        if start.serving_us is None:
            continue
        for name in ("rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes"):
            turned = start.checks[f"poststarthook/{name}"].ok_us
            assert turned is None or turned >= start.serving_us + SECOND, name_of(made, start)


# --- polling --------------------------------------------------------------------------------------------------------


def _ticks_hold(polls: tuple[PollTruth, ...], every: int) -> bool:
    """Each attempt leaves at a tick of the first one's grid, or the moment the attempt before it was over."""
    grid = polls[0].departed_us
    for before, after in itertools.pairwise(polls):
        if not before.answered_us <= after.departed_us <= before.answered_us + every:
            return False
        late = (after.departed_us - grid) % every
        queued = after.departed_us == before.answered_us and after.departed_us - late > before.departed_us
        if late and not queued:
            return False
    return True


def test_attempts_keep_to_the_ticker() -> None:
    seen = 0
    for made, start, _ in starts():
        polls = tuple(p for p in start.polls if p.error != "context_canceled")
        if start.poller == "shared-2s" and len(polls) > 1:
            assert _ticks_hold(polls, start.interval_us), name_of(made, start)
            seen += 1
        assert all(0 <= p.answered_us - p.departed_us <= 15 * SECOND for p in polls), name_of(made, start)
    assert seen > 80


def test_an_answer_tells_a_state_between_leaving_and_reading() -> None:
    lists = 0
    for made, start, _ in starts():
        for poll in start.polls:
            if poll.error == "readyz_failing":
                lists += 1
                for name, check in start.checks.items():
                    if name in PROBES or check.ok_us is None:
                        continue
                    label = f"{name_of(made, start)} {name}"
                    if name in poll.failing:
                        assert check.ok_us > poll.departed_us, label
                    else:
                        assert check.ok_us <= poll.answered_us, label
            elif poll.error in ("forbidden", "service_unavailable"):
                assert not poll.failing
    assert lists > 200


def test_only_changes_are_printed() -> None:
    for made, start, lines in starts():
        if start.poller != "shared-2s":
            assert not any(p.printed for p in start.polls), name_of(made, start)
            continue
        printed = [line for line in lines if "readiness: GET /readyz failed: " in line.text]
        changes = [line.text for line in printed if "status unchanged" not in line.text]
        bare = [re.sub(r'^time="[^"]*"', "", text) for text in changes]
        assert all(a != b for a, b in itertools.pairwise(bare)), name_of(made, start)
        assert len(changes) == sum(p.printed for p in start.polls), name_of(made, start)


def test_debug_prints_every_attempt() -> None:
    made = generate(named("debug"))
    (start,) = made.truth.starts
    lines = [e for e in made.entries if "readiness: GET /readyz failed: " in e.line.text]
    assert len(lines) == len(start.polls) - 1  # the success is silent
    assert [e.line.at_us for e in lines] == [p.answered_us for p in start.polls[:-1]]
    assert sum("status unchanged" in e.line.text for e in lines) == sum(not p.printed for p in start.polls[:-1]) > 3


def test_a_long_body_is_cut_where_the_client_cuts_it() -> None:
    made = generate(named("cut-body"))
    (start,) = made.truth.starts
    cut = [p for p in start.polls if p.cut]
    assert cut and all(len(p.shown_failing) <= len(p.failing) for p in cut)
    assert all(set(p.shown_failing) <= set(p.failing) for p in cut)
    texts = [e.line.text for e in made.entries if "readyz failed: an error" in e.line.text]
    bodies = [t[t.index('(\\"') + 3 : t.rindex('\\")')].replace("\\\\n", "\n") for t in texts]
    assert max(len(b) for b in bodies) == 2048
    assert [b.endswith("readyz check failed") for b in bodies] == [len(b) < 2048 for b in bodies]


def test_the_old_waiter_says_so_every_thirty_seconds() -> None:
    made = generate(named("crash-loop-until-roles"))
    for start in made.truth.starts[:-1]:
        rounds = [
            e.line.at_us
            for e in made.entries
            if e.invocation_id == start.invocation_id and "Waiting for API server to become available" in e.line.text
        ]
        assert len(rounds) == 3
        assert [b - a for a, b in itertools.pairwise(rounds)] == [30 * SECOND] * 2


# --- lines ----------------------------------------------------------------------------------------------------------


def _message(text: str) -> tuple[str, str] | None:
    """``(file, text)`` of a klog line, ``("k3s", msg)`` of a logrus line."""
    if found := KLOG.match(text):
        return found[1], found[2]
    if found := LOGRUS.match(text):
        return "k3s", (found[1] or found[2] or "").replace('\\"', '"')
    return None


def _broken(rule: WitnessRule, start: StartTruth, lines: list[Line], fresh: bool) -> list[str]:
    """Lines of the start that break ``rule``."""
    minor = (1, int(start.version.split(".")[1]))
    if rule.relation == "near" or not rule.since <= minor <= rule.until or (rule.datastore == "fresh" and not fresh):
        return []
    armed, out = rule.after_match is None, []
    for line in lines:
        said = _message(line.text)
        if said is None:
            continue
        if rule.unless_after and rule.unless_after.search(said[1]):
            break
        if armed and said[0] == rule.source_file and rule.match.search(said[1]):
            names = [n for n in start.checks if n.startswith("poststarthook/")]
            names = names if rule.check == "poststarthook/*" else [rule.check]
            for name in names:
                if name != "ready" and name not in start.checks:
                    continue
                turned = start.ready_us if name == "ready" else start.checks[name].ok_us
                bound = line.at_us + round(rule.offset_s * SECOND)
                if rule.relation == "not_before" and turned is not None and turned < bound:
                    out.append(f"{name} turned {(bound - turned) / 1e6} s before {line.text[:90]}")
                if rule.relation == "not_after" and (turned is None or turned > bound):
                    out.append(f"{name} had not turned at {line.text[:90]}")
            if rule.first_only:
                break
        armed = armed or bool(rule.after_match and rule.after_match.search(said[1]))
    return out


@pytest.mark.parametrize("rule", thinned(rules(), 4), ids=lambda rule: rule.id)
def test_no_line_breaks_a_proved_rule(rule: WitnessRule) -> None:
    for made, start, lines in starts():
        if start.role == "agent" or start.product != "k3s" or made.truth.text_from_us is not None:
            continue
        fresh = any(FIRST_CA in line.text for line in lines)
        stopped = next((i for i, line in enumerate(lines) if line.text.startswith("Stopping ")), len(lines))
        assert _broken(rule, start, lines[:stopped], fresh) == [], name_of(made, start)


def test_what_waits_for_readiness_is_printed_after_it_was_noticed() -> None:
    for made, start, lines in starts():
        said = [line for line in lines if any(text in line.text for text in DETECTED)]
        if start.outcome == "ready" and made.truth.text_to_us is None and made.truth.text_from_us is None:
            assert said, name_of(made, start)
        for line in said if start.outcome == "ready" else ():
            assert start.detected_us is not None and line.at_us > start.detected_us, name_of(made, start)


def test_a_dead_process_is_silent() -> None:
    for made, start, lines in starts():
        if start.end.at_us is None or start.end.kind == "stopped":
            continue
        late = [x.text for x in lines if x.ident != "systemd" and x.at_us > start.end.at_us]
        assert late == [], name_of(made, start)


def test_stamps_of_a_process_never_go_back() -> None:
    for made in journals():
        last: dict[str, int] = {}
        for entry in made.entries:
            if entry.line.ident == "systemd":
                continue
            assert entry.realtime_us >= entry.line.at_us
            assert entry.realtime_us >= last.get(entry.invocation_id, 0), made.scenario.name
            last[entry.invocation_id] = entry.realtime_us


def test_a_starved_machine_is_slow_to_answer_and_to_stamp() -> None:
    lags, waits = [], []
    for seed in range(20):
        made = generate(named("starved"), seed)
        lags += [e.realtime_us - e.line.at_us for e in made.entries]
        waits += [p.answered_us - p.departed_us for p in made.truth.starts[0].polls]
    assert sorted(lags)[len(lags) // 2] < 1000 < 200_000 < max(lags)
    assert sum(w > 200_000 for w in waits) > len(waits) / 5
