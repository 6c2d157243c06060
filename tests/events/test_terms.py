"""Every name that a report may show has its words beside its rules, once."""

from __future__ import annotations

import pytest

from analyzer.events import catalogue, goal_rules, poll_errors
from analyzer.events.terms import terms
from analyzer.figures.palette import LIGHT

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
    assert set(terms("goal")) == {"api", "server", "started", "images", "node", "node_ready"}
    assert set(terms("error")) == set(poll_errors.severities())


@pytest.mark.parametrize("kind", ["error", "milestone", "phase", "goal"])
def test_each_has_words(kind: str) -> None:
    for name, term in terms(kind).items():  # type: ignore[arg-type]
        assert term.id == name
        assert 0 < len(term.short) <= 24
        assert len(term.meaning) > 8


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
    assert {rule.id for rule in goal_rules.rules()} == set(terms("goal"))
