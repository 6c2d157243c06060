"""The roles hook as the last check where no list shows it alone: what a log must show for it, and what forbids it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.events.check_info import info
from analyzer.events.roles_last import rival_of, rivals, roles_hook
from analyzer.events.versions import check_list
from analyzer.events.witness_rules import rules
from analyzer.results import StartReport
from tests.kit.handmade import CRD, FORBIDDEN, RBAC, SCHEDULING, Journal, check

QUOTA = "quota admission added evaluator for: {}.rbac.authorization.k8s.io"
PRIORITY = "all system priority classes are created successfully or already exist."
NO_DEFAULT = 'Unable to perform initial Kubernetes service initialization: namespaces "default" not found'
STALE = "Error removing old endpoints from kubernetes service: no API server IP addresses were listed in storage"
TRACE = 'Trace[1967802522]: "Create" accept:application/json (05-Mar-2026 10:20:30.000) (total time: 704ms):'
# What the other hooks say before they have everything: words, file, seconds after serving.
HOOKS = (
    ("Running API Priority and Fairness config worker", "apf_controller.go:379", 0.1),
    ("Caches are synced for RemoteAvailability controller", "cache.go:39", 0.11),
    ("Caches are synced for APIServiceRegistrationController controller", "cache.go:39", 0.12),
    ("Starting ResourceDiscoveryManager", "handler_discovery.go:447", 0.13),
    ("initial CRD sync complete...", "aggregator.go:165", 0.2),
    ("Caches are synced for autoregister controller", "cache.go:39", 0.21),
)
SERVING = 5.0


def served(version: str = "v1.32.4+k3s1", *, without: str = "") -> Journal:
    """A server that makes its datastore; no poll ever shows a list. ``without``: words of a hook's line left out."""
    journal = Journal(version).begin().fresh(0.3).poll(2.01).serving(SERVING).poll(6.01, FORBIDDEN)
    for words, where, at in HOOKS:
        if not without or without not in words:
            journal.kube(SERVING + at, words, where)
    return journal


def roles(journal: Journal, *, first: float = 7.0, last: float = 7.1, running: float = 8.01) -> StartReport:
    """The report when the hook came to its roles and to its last kind of objects at these moments."""
    journal.kube(first, QUOTA.format("roles"), "controller.go:667")
    journal.kube(last, QUOTA.format("rolebindings"), "controller.go:667")
    return journal.running(running).report()


def classes(journal: Journal, at: float = SERVING + 1.02) -> Journal:
    return journal.kube(at, PRIORITY, "storage_scheduling.go:111")


def certain(report: StartReport) -> bool:
    named = report.bottleneck.certainty == "certain"
    assert not named or report.bottleneck.checks == (RBAC,)
    assert named == (check(report, RBAC).last_blocker == "certain")
    return named


def test_all_others_had_what_they_need_before_it_could_begin() -> None:
    report = roles(classes(served()))
    assert certain(report)
    assert "before it could begin" in report.bottleneck.sentence
    assert {c.last_blocker for c in report.checks if c.name != RBAC} == {"no"}


@pytest.mark.parametrize("words", [words for words, _, _ in HOOKS if "Starting Res" not in words])
def test_a_hook_that_says_nothing_may_have_been_last(words: str) -> None:
    assert not certain(roles(classes(served(without=words))))
    late = classes(served(without=words))
    where = next(file for text, file, _ in HOOKS if text == words)
    few = "CRD" in words or "Registration" in words  # nothing left to wait for: before the first role is soon enough
    assert certain(roles(late.kube(6.5, words, where))) == few


def test_priority_classes_must_be_done_before_the_first_role() -> None:
    assert not certain(roles(served()))
    assert certain(roles(classes(served(), 6.9)))
    assert not certain(roles(classes(served(), 7.05)))


@pytest.mark.parametrize(
    ("spoil", "forbids"),
    [
        (lambda j: j.kube(6.4, TRACE, "trace.go:236"), True),
        (lambda j: j.kube(5.9, TRACE, "trace.go:236"), False),  # over before the hook began
        (lambda j: j.kube(6.4, '"APF bootstrap ensurer ran into error, will retry later"', "storage.go:1", "E"), True),
        (lambda j: j.kube(6.4, NO_DEFAULT, "controller.go:95", "E"), False),  # every first start may say it
        (lambda j: j.say(6.4, "Slow SQL (started: x) (total time: 1.2s): SELECT"), True),
        (lambda j: j.kube(8.3, TRACE, "trace.go:236"), False),  # behind readiness
    ],
)
def test_what_stalls_meanwhile_may_have_held_another_one_up(spoil: Callable[[Journal], Journal], forbids: bool) -> None:
    assert certain(roles(spoil(classes(served())))) is not forbids


def test_readiness_long_after_its_last_objects_is_somebody_elses() -> None:
    assert certain(roles(classes(served()), running=9.81))
    assert not certain(roles(classes(served()), running=12.01))


def test_only_of_the_process_that_made_the_datastore_and_of_releases_that_were_read() -> None:
    restarted = classes(served())
    restarted.rows = [row for row in restarted.rows if "self-signed CA" not in row["MESSAGE"]]
    assert not certain(roles(restarted))
    assert not certain(roles(classes(served("v1.27.4+k3s1"))))
    assert not certain(roles(classes(served("v1.99.0+k3s1"))))


def test_a_prefix_names_nobody_before_readiness_was_noticed() -> None:
    journal = classes(served()).kube(7.0, QUOTA.format("roles"), "controller.go:667")
    assert not certain(journal.kube(7.1, QUOTA.format("rolebindings"), "controller.go:667").report())


def listed(*failing: str, done: float = SERVING + 1.01) -> StartReport:
    """A restart whose last list shows ``failing``; the priority classes are there at ``done``."""
    journal = Journal().begin().poll(2.01).ticking(0.5, 9.5).serving(SERVING).listed(6.005, *failing)
    return classes(journal, done).running(8.01).report()


def test_the_other_one_of_the_last_list_was_done_sooner_than_it_can_be() -> None:
    report = listed(RBAC, SCHEDULING)
    assert certain(report) and "last list" in report.bottleneck.sentence
    assert check(report, SCHEDULING).last_blocker == "no"


def test_later_the_roles_may_have_been_there_before() -> None:
    assert not certain(listed(RBAC, SCHEDULING, done=SERVING + 1.04))
    assert not certain(listed(RBAC, SCHEDULING, done=SERVING + 0.9))  # sooner than it can be: a clock was set
    assert not certain(listed(RBAC, SCHEDULING, CRD))  # no line is the end of that one


def test_each_check_of_a_release_that_may_be_last_is_known() -> None:
    hook = roles_hook()
    for minor in range(hook.since[1], 37):
        for name in check_list((1, minor)):
            if name != hook.check and info(name).kind not in ("trivial", "static"):
                assert rival_of(name, (1, minor)) is not None, (name, minor)


def test_it_waits_for_far_more_answers_than_any_other() -> None:
    hook, known = roles_hook(), {rule.id for rule in rules()}
    assert {hook.begun, hook.first_role, hook.last_kind} <= known
    for rival in rivals():
        assert {*rival.begun, *rival.ended} <= known and rival.begun
        assert rival.answers * hook.margin <= hook.answers_before_roles
        assert rival.proof
