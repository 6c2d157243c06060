"""Witness lines: which of them prove a bound, given the rest of their process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzer.analysis import witness_proof
from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.witness_proof import is_fresh
from analyzer.events import witness_rules
from analyzer.events.versions import newest_minor
from analyzer.window import Bound
from tests.kit.handmade import RBAC, SCHEDULING, Journal, check

QUOTA = "quota admission added evaluator for: {}.rbac.authorization.k8s.io"
SERVICE = '"allocated clusterIPs" service="default/kubernetes" clusterIPs={"IPv4":"10.43.0.1"}'
NO_DEFAULT = 'Unable to perform initial Kubernetes service initialization: namespaces "default" not found'
PRIORITY = "all system priority classes are created successfully or already exist."


def rules(journal: Journal) -> dict[str, float]:
    """Rule ids that hold in the only start, with their bounds."""
    [studied] = journal.studied()
    found = witness_proof.proofs(studied.start, studied.verdict, studied.line_times)
    return {proof.rule.id: round(proof.evidence.at_s, 3) for proof in found}


def test_no_hook_ends_before_the_server_serves_and_two_take_a_second_more() -> None:
    report = Journal().begin().serving(3.0).running(9.0).report()
    roles, classes = check(report, RBAC).cleared, check(report, SCHEDULING).cleared
    assert roles.lower == classes.lower == pytest.approx(4.0, abs=1e-5)
    assert roles.lower_kind is Bound.WITNESS and roles.lower_witness == "serving-before-rbac-1s"
    assert report.ready.lower == pytest.approx(4.0, abs=1e-5)
    assert report.ready.upper == pytest.approx(9.0, abs=1e-5)


def test_the_time_is_that_of_klogs_header_not_of_the_journal() -> None:
    journal = Journal().begin().serving(3.0).kube(5.0, PRIORITY, "storage_scheduling.go:111", lag=2.0).running(9.0)
    assert check(journal.report(), SCHEDULING).cleared.lower == pytest.approx(5.0, abs=1e-5)


def test_serving_counts_only_after_the_admission_plugins_of_the_api_server() -> None:
    lonely = Journal().begin().kube(3.0, "Serving securely on 127.0.0.1:6444", "secure_serving.go:213").running(9.0)
    assert "serving-before-every-hook" not in rules(lonely)


def test_the_controller_managers_port_is_not_the_api_servers() -> None:
    journal = Journal().begin().serving(3.0).running(9.0)
    journal.kube(9.5, "Serving securely on 127.0.0.1:10257", "secure_serving.go:213")
    assert rules(journal)["serving-before-every-hook"] == pytest.approx(3.0)


def test_quota_lines_bound_the_roles_only_of_the_process_that_made_the_datastore() -> None:
    def lower(fresh: bool) -> float | None:
        journal = Journal().begin()
        if fresh:
            journal.fresh(0.5)
        journal.serving(3.0).kube(6.5, QUOTA.format("roles"), "controller.go:615").running(9.0)
        return check(journal.report(), RBAC).cleared.lower

    assert lower(fresh=True) == pytest.approx(6.5, abs=1e-5)
    assert lower(fresh=False) == pytest.approx(4.0, abs=1e-5)


def test_a_second_process_after_a_kill_is_not_fresh() -> None:
    journal = Journal().begin().fresh(0.5).serving(3.0)
    journal.systemd(5.0, "k3s.service: Main process exited, code=killed, status=9/KILL")
    journal.pid = 1001
    journal.begin(10.0).serving(13.0).kube(19.0, QUOTA.format("roles"), "controller.go:615").running(20.0)
    first, second = journal.studied()
    assert is_fresh(first.start) and not is_fresh(second.start)
    assert check(second.report, RBAC).cleared.lower == pytest.approx(4.0, abs=1e-5)  # since its own begin


def test_only_the_first_quota_line_of_a_process_counts() -> None:
    journal = Journal().begin().fresh(0.5).serving(3.0)
    journal.kube(5.0, QUOTA.format("roles"), "controller.go:615").kube(7.0, QUOTA.format("roles"), "controller.go:615")
    assert rules(journal.running(9.0))["rbac-fresh-roles-quota"] == pytest.approx(5.0)


def test_the_service_line_proves_readiness_only_after_the_first_attempt_failed() -> None:
    def upper(failed_first: bool) -> float | None:
        journal = Journal().begin().serving(3.0)
        if failed_first:
            journal.kube(3.5, NO_DEFAULT, "controller.go:95", "E")
        return journal.kube(6.2, SERVICE, "alloc.go:330").running(7.5).report().ready.upper

    assert upper(failed_first=True) == pytest.approx(6.2, abs=1e-5)
    assert upper(failed_first=False) == pytest.approx(7.5, abs=1e-5)


def test_another_file_that_prints_the_same_words_proves_nothing() -> None:
    journal = Journal().begin().serving(3.0).kube(6.0, PRIORITY, "impostor.go:1").running(9.0)
    assert check(journal.report(), SCHEDULING).cleared.lower == pytest.approx(4.0, abs=1e-5)


def test_a_rule_counts_only_in_the_releases_it_was_read_in() -> None:
    def found(version: str) -> bool:
        journal = Journal(version).begin().serving(3.0).kube(3.2, "Starting ResourceDiscoveryManager",
                                                             "handler_discovery.go:451")  # fmt: skip
        return "discovery-manager-started" in rules(journal.running(9.0))

    assert found("v1.32.4+k3s1")
    assert not found("v1.28.4+k3s1")  # the hook does not wait there
    assert found("v1.40.0+k3s1")  # newer than any that was read: assumed, and the report says so


def test_nothing_after_a_stop_proves_anything() -> None:
    journal = Journal().begin().serving(3.0).systemd(4.0, "Stopping k3s.service - Lightweight Kubernetes...")
    journal.say(4.1, 'signal received: "terminated", canceling context...', "warning")
    journal.running(4.2).kube(4.3, '"Starting" version="v1.32.4+k3s1"', "controllermanager.go:185")
    report = journal.report()
    assert report.outcome == "stopped"
    assert report.ready.upper is None and report.detected.upper is None
    assert check(report, RBAC).cleared.upper is None


def test_contradicting_bounds_are_both_dropped() -> None:
    """A service line before the priority classes were done: one of the two rules does not hold here."""
    journal = Journal().begin().serving(3.0).kube(3.5, NO_DEFAULT, "controller.go:95", "E")
    journal.kube(5.0, SERVICE, "alloc.go:330").kube(6.0, PRIORITY, "storage_scheduling.go:111").running(9.0)
    ready = journal.report().ready
    assert ready.lower == pytest.approx(4.0, abs=1e-5) and ready.upper == pytest.approx(9.0, abs=1e-5)


OLD_ENDPOINTS = (
    "Error removing old endpoints from kubernetes service: no API server IP addresses were listed in storage"
)
LEASE = (
    'Trace[111792601]: "GuaranteedUpdate etcd3" audit-id:,key:/masterleases/192.0.2.10,type:*v1.Endpoints,'
    "resource:apiServerIPInfo (01-Mar-2026 06:00:06.014) (total time: 503ms):"
)


@pytest.mark.parametrize("version", ["v1.28.4+k3s1", "v1.32.2+k3s1", "v1.35.0+k3s1"])
def test_the_lease_of_the_endpoints_is_written_after_readiness(version: str) -> None:
    """Start writes it once too, before it removes old endpoints: only what comes after that line counts."""

    def upper(*order: str) -> float | None:
        journal = Journal(version).begin().serving(3.0)
        for at, text in zip((4.5, 6.5), order, strict=True):
            journal.kube(at, text, "trace.go:236" if text == LEASE else "controller.go:163")
        return journal.running(9.0).report().ready.upper

    assert upper(OLD_ENDPOINTS, LEASE) == pytest.approx(6.5, abs=1e-5)
    assert upper(LEASE, OLD_ENDPOINTS) == pytest.approx(9.0, abs=1e-5)


@pytest.mark.parametrize("form", ["{}", '"Unhandled Error" err="{}"'])
def test_the_loop_that_syncs_the_service_runs_after_readiness(form: str) -> None:
    text = form.format("unable to sync kubernetes service: Timeout: request did not complete")
    journal = Journal().begin().serving(3.0).kube(6.25, text, "controller.go:163", "E").running(9.0)
    ready = journal.report().ready
    assert ready.upper == pytest.approx(6.25, abs=1e-5) and ready.upper_witness == "kubernetes-service-sync-failed"


def test_before_readyz_is_built_no_check_of_it_is_ok() -> None:
    """Also not of those that are ok from then on: the log says nothing of them before."""
    journal = Journal().begin()
    journal.kube(2.2, "Adding GroupVersion apiregistration.k8s.io v1 to ResourceManager", "handler.go:286")
    journal.kube(2.3, "Adding GroupVersion apps v1 to ResourceManager", "handler.go:286")
    report = journal.serving(3.0).listed(4.01, RBAC).running(6.01).report()
    for name in ("ping", "etcd", "shutdown"):
        assert check(report, name).cleared.lower == pytest.approx(2.2, abs=1e-5)
        assert check(report, name).cleared.lower_witness == "readyz-not-built-yet"
    assert check(report, SCHEDULING).cleared.lower == pytest.approx(4.0, abs=1e-5)


def test_informers_are_synced_only_after_they_were_started() -> None:
    report = Journal().begin().serving(3.0).listed(4.01, RBAC).running(6.01).report()
    assert check(report, "informer-sync").cleared.lower == pytest.approx(3.0, abs=1e-5)
    silent = Journal("v1.30.3+k3s1").begin().serving(3.0).running(6.01).report()
    assert "informer-sync" not in {c.name for c in silent.checks}  # its lines alone are no reason to name it


def test_the_latest_line_about_its_informers_is_nearest() -> None:
    journal = Journal().begin().serving(3.0)
    journal.kube(3.2, "Caches are synced for node_authorizer", "shared_informer.go:320")
    journal.kube(3.4, "Running API Priority and Fairness config worker", "apf_controller.go:382")
    journal.kube(3.3, "Caches are synced for RemoteAvailability controller", "cache.go:39")
    journal.kube(3.9, "Caches are synced for configmaps", "shared_informer.go:320")
    synced = check(journal.listed(6.01, RBAC).running(8.01).report(), "informer-sync")
    assert synced.estimate_s == pytest.approx(3.4, abs=1e-5) and synced.estimate_basis == "near-informers-flow"


def test_rules_hold_up_to_the_newest_release_and_are_assumed_of_later_ones() -> None:
    def found(version: str) -> dict[str, float]:
        return rules(Journal(version).begin().serving(3.0).running(9.0))

    newest = "v{}.{}.0+k3s1".format(*newest_minor())
    assert found(newest)["serving-before-rbac-1s"] == pytest.approx(4.0)
    assert found("v1.99.0+k3s1") == found(newest)


def test_a_rule_that_ended_with_an_old_release_is_not_assumed_of_new_ones() -> None:
    ended = {rule.id for rule in witness_rules.rules() if rule.until < newest_minor()}
    assert ended
    journal = Journal("v1.99.0+k3s1").begin().fresh(0.5).serving(3.0).kube(5.0, SERVICE, "alloc.go:330").running(9.0)
    assert not ended & set(rules(journal))


@pytest.mark.parametrize(
    ("datastore", "fresh", "applies"),
    [
        ("any", None, True), ("fresh", True, True), ("fresh", False, False), ("fresh", None, False),
        ("existing", True, False), ("existing", False, True), ("existing", None, False),
    ],
)  # fmt: skip
def test_a_rule_for_one_kind_of_datastore_needs_to_know_that_it_is_one(
    datastore: Any, fresh: bool | None, applies: bool
) -> None:
    rule = replace(witness_rules.rules()[0], datastore=datastore, since=(1, 24), until=(1, 99))
    assert witness_proof._applies(rule, fresh, (1, 33)) is applies


@pytest.mark.parametrize(
    ("since", "until", "minor", "applies"),
    [
        ((1, 30), (1, 32), (1, 29), False), ((1, 30), (1, 32), (1, 30), True), ((1, 30), (1, 32), (1, 32), True),
        ((1, 30), (1, 32), (1, 33), False), ((1, 24), newest_minor(), None, True),
        ((1, 25), newest_minor(), None, False), ((1, 24), (1, 30), None, False),
        ((1, 24), newest_minor(), (1, 99), True),
    ],
)  # fmt: skip
def test_a_rule_holds_in_its_releases(since: Any, until: Any, minor: Any, applies: bool) -> None:
    """Where the release is unknown, one that holds in all that were read."""
    rule = replace(witness_rules.rules()[0], datastore="any", since=since, until=until)
    assert witness_proof._applies(rule, True, minor) is applies


@pytest.mark.parametrize(("at", "bound"), [(1.9, None), (2.0, 0.0), (3.0, 1.0)])
def test_a_bound_before_the_begin_is_none(at: float, bound: float | None) -> None:
    """The moment lies two seconds before the line."""
    rule = replace(witness_rules.rules()[0], relation="not_before", offset_s=-2.0)
    journal = Journal().begin().kube(at, "x")
    [start] = journal.starts()
    found = witness_proof._evidence(rule, start.records[-1], LineTimes(start))
    assert (found.at_s if found is not None else None) == (None if bound is None else pytest.approx(bound, abs=1e-6))


def test_a_line_of_a_second_may_have_been_written_at_its_beginning() -> None:
    journal = Journal().begin().ticking(0.5, 9.0, every=0.1).say(5.4, "hello")
    [start] = journal.starts()
    line = next(record for record in start.records if record.message == "hello")
    before, after = (
        witness_proof._evidence(
            replace(witness_rules.rules()[0], relation=relation, offset_s=0.0), line, LineTimes(start)
        )
        for relation in ("not_before", "not_after")
    )
    assert before is not None and before.at_s == pytest.approx(5.0, abs=1e-6)
    assert after is not None and after.at_s == pytest.approx(5.4, abs=2e-6)
