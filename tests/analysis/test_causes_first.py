"""What becomes of a finding that follows from another one."""

from __future__ import annotations

import pytest

from analyzer.analysis.causes_first import root_first
from analyzer.results import Finding


@pytest.mark.parametrize(
    ("symptom", "severity", "advised"),
    [
        ("too_many_clients", "warning", True),  # keeps its advice
        ("datastore_late", "warning", False),
        ("datastore_late", "critical", True),  # lowered, yet more than a word by the way
        ("words_of_a_user", "warning", False),
        ("words_of_a_user", "critical", True),
    ],
)
def test_a_mere_consequence_keeps_its_advice_where_it_is_said_to(symptom: str, severity: str, advised: bool) -> None:
    cause = Finding("full_disk", "critical", "The disk is full", "", "Make room")
    finding = Finding(symptom, severity, "A symptom", "Seen", "Do this")  # type: ignore[arg-type]
    _, found = root_first([finding, cause], also=[(cause.id, symptom)])
    assert (found.id, found.advice) == (symptom, "Do this" if advised else "")
