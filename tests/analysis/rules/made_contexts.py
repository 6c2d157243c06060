"""A start as the rules see it, with exact numbers in its report: a text gives what is near a bound, not at it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from analyzer.analysis.rule_context import RuleContext
from analyzer.window import Bound, Evidence, Window
from tests.kit.handmade import Journal


def made(journal: Journal | None = None, serving_s: float | None = 2.0, **report: Any) -> RuleContext:
    """``journal``: of one start; by default one that was quickly ready. ``report`` are fields of its report."""
    journal = journal or Journal().begin().ticking(0.2, 6.0).serving(2.0).running(4.02)
    [studied] = journal.studied()
    serving = None if serving_s is None else Evidence(serving_s, Bound.OBSERVED, 3)
    facts = replace(studied.facts, serving=serving)
    studied = replace(studied, facts=facts, report=replace(studied.report, **report))
    return RuleContext(studied, journal.log_records())


def window(lower: float | None, upper: float | None) -> Window:
    """Of observed ends."""
    kinds = [Bound.NONE if end is None else Bound.OBSERVED for end in (lower, upper)]
    return Window(lower, upper, *kinds, None if lower is None else 3, None if upper is None else 4)
