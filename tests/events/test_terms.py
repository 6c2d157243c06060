"""Every name that a report may show has its words beside its rules, once."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, get_args

import pytest

from analyzer.events import catalogue, goal_rules, poll_errors
from analyzer.events.check_info import CheckKind
from analyzer.events.event import Severity
from analyzer.events.terms import TermKind, answer, phase_words, term, terms
from analyzer.figures.palette import LIGHT
from analyzer.reports.schema import schema_text
from analyzer.results import FindingSeverity, LastBlocker
from analyzer.window import Bound

# As the contract has them.
PHASES = [
    "boot", "extract", "server", "datastore", "certificates", "apiserver_boot", "hooks", "polling_tax",
    "startup_hooks", "containerd", "images", "node", "node_ready",
]  # fmt: skip
MILESTONES = {
    "systemd_starting", "starting", "datastore_ready", "certificates", "apiserver_requested", "apiserver_version",
    "serving_securely", "containerd_ready", "first_poll", "etcd_running", "api_running", "k3s_running",
    "agent_running", "kubelet_started", "node_registered", "systemd_started", "fatal", "panic", "shutdown_requested",
    "process_exited", "restart_scheduled", "systemd_stopping",
}  # fmt: skip


def test_the_names_are_those_of_the_contract() -> None:
    assert list(terms("phase")) == PHASES
    assert set(terms("milestone")) == MILESTONES
    assert set(terms("goal")) == {"api", "server", "started", "images", "node", "node_ready", "system"}
    assert set(terms("error")) == set(poll_errors.severities())


@pytest.mark.parametrize("kind", ["error", "milestone", "phase", "goal"])
def test_each_has_words(kind: str) -> None:
    for name, about in terms(kind).items():  # type: ignore[arg-type]
        assert about.id == name
        assert 0 < len(about.short) <= 24
        assert len(about.meaning) > 8


def test_an_error_class_has_a_marker_of_its_own_and_a_severity() -> None:
    errors = terms("error").values()
    assert len({term.symbol for term in errors}) == len(errors)
    assert {term.colour for term in errors} <= set(LIGHT)
    assert {term.severity for term in errors} == {"transient", "suspect", "fatal"}


def test_a_phase_ends_with_a_mark_of_the_catalogue_or_a_window() -> None:
    windows = {term.id for term in terms("phase").values() if not term.ends_with}
    assert windows == {"hooks", "polling_tax"}
    assert all(catalogue.info(term.ends_with) for term in terms("phase").values() if term.ends_with)


def test_every_goal_rule_has_its_words() -> None:
    assert {rule.id for rule in goal_rules.rules()} == set(terms("goal")) - {"system"}  # which `wait` alone asks for


START: dict[str, Any] = json.loads(schema_text())["$defs"]["start"]["properties"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("error", START["errors"]["items"]["properties"]["error"]["enum"]),
        ("phase", START["phases"]["items"]["properties"]["may_be"]["items"]["enum"]),
        ("goal", START["goals"]["items"]["properties"]["id"]["enum"]),
        ("outcome", START["outcome"]["enum"]),
        ("gap", START["gaps"]["items"]["properties"]["kind"]["enum"]),
        ("finding", get_args(FindingSeverity)),
        ("answer", ("ok", *get_args(Severity))),
        ("last", get_args(LastBlocker)),
        ("check", get_args(CheckKind)),
        ("bound", [str(bound) for bound in Bound]),
    ],
)
def test_every_value_of_a_report_has_its_words(kind: TermKind, values: Collection[str]) -> None:
    assert set(terms(kind)) == set(values)
    assert all(about.short or about.meaning for about in terms(kind).values())


def test_outcomes_and_the_good_answer_have_a_sign_or_a_marker_that_exists() -> None:
    assert all(about.sign and about.symbol for about in terms("outcome").values())
    assert {about.colour for about in (answer(None), *terms("outcome").values())} <= set(LIGHT)
    assert answer(None).symbol not in {about.symbol for about in terms("error").values()}


def test_names_that_the_data_does_not_know_stand_for_themselves() -> None:
    assert answer("brand_new").short == "brand_new"
    assert answer("brand_new").symbol == answer("other").symbol
    assert term("gap", "brand_new").short == "brand new"
    assert phase_words("datastore+hooks") == "datastore / checks and hooks"
