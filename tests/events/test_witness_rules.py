# ruff: noqa: E501 - real lines are shown whole
"""The witness rules load, are looked up by file, and stay strict about the envelope."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from analyzer.events import witness_rules
from analyzer.events.event import WitnessLine
from analyzer.events.versions import all_check_names
from analyzer.events.witness_rules import candidates, rules
from analyzer.records import read_log_records
from analyzer.records.log_record import Payload

RECORDED = Path(__file__).parents[1] / "data" / "recorded"


def ids(message: str, file: str = "", *, is_logrus: bool = False, fields: dict[str, str] | None = None) -> set[str]:
    return {rule.id for rule in candidates(message, file, is_logrus, fields or {})}


def test_every_rule_is_whole() -> None:
    names = Counter(rule.id for rule in rules())
    assert max(names.values()) == 1
    known = all_check_names() | {"ready", "poststarthook/*", "*"}
    for rule in rules():
        assert rule.check in known
        assert rule.since <= rule.until
        assert len(rule.proof) > 40
        assert rule.relation in {"not_before", "not_after", "near"}
        assert rule.datastore in {"any", "fresh", "existing"}
        assert rule.offset_s >= 0.0 or rule.relation == "not_before"
        if rule.relation == "not_after":
            assert rule.check == "ready"


def test_serving_securely_is_not_that_of_the_controllers() -> None:
    assert "serving-before-rbac-1s" in ids("Serving securely on 127.0.0.1:6444", "secure_serving.go")
    for port in (10257, 10258, 10259):
        assert not ids(f"Serving securely on 127.0.0.1:{port}", "secure_serving.go")


def test_the_file_name_decides_for_klog() -> None:
    text = "Version: v1.32.4+k3s1"
    assert ids(text, "controllermanager.go") == {"controller-manager-version"}
    assert not ids(text, "server.go")
    assert not ids(text, "")


def test_logrus_lines_of_k3s_itself() -> None:
    assert ids("Kube API server is now running", is_logrus=True) == {
        "api-server-now-running",
        "noticed-within-a-request",
    }
    assert not ids("Kube API server is now running", "server.go")
    assert not ids("Kube API server is now running, or so they say", is_logrus=True)


def test_contextual_klog_in_a_logrus_envelope_only_with_its_field_and_only_where_unique() -> None:
    fields = {"controller": "crd-autoregister", "logger": "k3s"}
    assert ids("Caches are synced", is_logrus=True, fields=fields) == {"crd-autoregister-near-crd"}
    assert not ids("Caches are synced", is_logrus=True, fields={"controller": "crd-autoregister"})
    assert ids("Starting ResourceDiscoveryManager", is_logrus=True, fields={"logger": "k3s/apiserver"})
    assert not ids("Starting ResourceDiscoveryManager", is_logrus=True)
    assert not ids("Version: v1.36.2+k3s1", is_logrus=True, fields={"logger": "k3s"})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1324-fresh-full", {"rbac-fresh-rolebindings-quota": 1, "priority-classes-done": 1, "api-server-now-running": 1}),
        ("1350-fresh-25", {"service-cidr-started": 1, "identity-lease-delete": 1, "priority-classes-done": 1}),
        ("1303-fresh-25", {"near-available": 1, "api-server-now-running": 1, "controller-manager-version": 1}),
        ("1284-fresh-full", {"discovery-manager-started": 1, "ccm-waits-for-privileges": 1}),
    ],
)  # fmt: skip
def test_counts_on_recorded_starts(name: str, expected: dict[str, int]) -> None:
    log_records, errors = read_log_records([RECORDED / f"{name}.export.gz"])
    assert not errors
    found: Counter[str] = Counter()
    for line in log_records.records:
        if line.payload in (Payload.KLOG, Payload.LOGRUS):
            hits = candidates(line.message, line.file, line.payload is Payload.LOGRUS, line.fields)
            found.update(rule.id for rule in hits)
            assert not hits or isinstance(WitnessLine(line, hits).rules, tuple)
    assert {key: found[key] for key in expected} == expected


def test_the_rules_are_compiled_once() -> None:
    assert witness_rules.rules() is witness_rules.rules()
