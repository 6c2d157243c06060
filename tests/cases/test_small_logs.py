"""Small logs whose right answer is known: texts like those that people paste, in our own words."""

from __future__ import annotations

import pytest
from small_logs import HERE, Case, cases_of, faults, tables

UNTRIED = HERE / "untried" / "cases.toml"

# What these ask for beyond verdict and times (advice, vocabulary) is another issue's; the list shrinks with it.
LATER = frozenset(
    {
        "f07a-rke2-token-advice-names-k3s.txt",
        "f07c-rke2-member-advice-names-k3s.txt",
        "f08a-learner-is-not-silence.txt",
        "f09-join-of-unhealthy-cluster.txt",
        "f10a-exec-denied-by-selinux.txt",
        "f12a-cgroup-read-only-is-no-disk.txt",
        "f12d-windows-runtime.txt",
        "f17a-etcd-invalid-downgrade.txt",
        "f17b-join-name-not-resolved.txt",
        "f17c-kmsg-in-container.txt",
        "f21-netpol-node-ip-is-not-flannel.txt",
    }
)
VERDICT = frozenset({"exit", "gate", "starts", "printed", "outcome", "not_outcome", "end", "reason", "phase_min_below"})


def later(case: Case) -> bool:
    """Whether only the verdict is asked for yet."""
    return case.name in LATER or "explain" in case.expected


@pytest.mark.parametrize("case", cases_of(UNTRIED), ids=lambda case: case.name)
def test_an_untried_log_gets_the_right_answer(case: Case) -> None:
    assert faults(case, VERDICT if later(case) else None) == [], case.why


MADE = [case for table in tables() if table != UNTRIED for case in cases_of(table)]


@pytest.mark.parametrize("case", MADE, ids=lambda case: case.name)
def test_a_log_of_the_same_kind_gets_the_right_answer(case: Case) -> None:
    assert faults(case) == [], case.why


def test_names_are_unique_and_what_is_left_for_later_exists() -> None:
    names = [case.name for table in tables() for case in cases_of(table)]
    assert len(names) == len(set(names))
    assert set(names) >= LATER
