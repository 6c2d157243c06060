"""Journals whose truth is known: a k3s start is generated in virtual time, its log and its truth are written.

>>> from analyzer.testing import generate, named
>>> made = generate(named("healthy-sqlite"), seed=1)
>>> made.truth.starts[0].outcome
'ready'
"""

from __future__ import annotations

from analyzer.testing.carriers import BASIC, CARRIERS, LOSSY, OWN_LINES, expected_outcome
from analyzer.testing.generator import Generated, generate
from analyzer.testing.scenarios import NAMED, named, random_scenario
from analyzer.testing.truth import (
    CheckTruth,
    EndTruth,
    Line,
    PollTruth,
    Scenario,
    StartPlan,
    StartTruth,
    Truth,
)

__all__ = [
    "BASIC",
    "CARRIERS",
    "LOSSY",
    "NAMED",
    "OWN_LINES",
    "CheckTruth",
    "EndTruth",
    "Generated",
    "Line",
    "PollTruth",
    "Scenario",
    "StartPlan",
    "StartTruth",
    "Truth",
    "expected_outcome",
    "generate",
    "named",
    "random_scenario",
]
