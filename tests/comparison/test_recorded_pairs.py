"""The recorded pairs v1.32.2 and v1.32.4: every interval holds what a watcher measured from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzer
from analyzer.comparison.compare import compared
from benchmarks.compare_recorded import MEASURED

FOLDER = Path(__file__).parents[2] / "sample_logs" / "ab"


@pytest.mark.long
@pytest.mark.parametrize(
    "limit", ["25", pytest.param("12", marks=pytest.mark.slow), pytest.param("90", marks=pytest.mark.slow)]
)
def test_the_intervals_hold_what_was_measured(limit: str) -> None:
    old, new = (
        analyzer.fleet(*sorted(FOLDER.glob(f"ab-{release}-{limit}-*.export.gz"))) for release in ("1.32.2", "1.32.4")
    )
    assert (len(old), len(new)) == (12, 12)
    for kind in ("first", "restart"):
        base, starts = (side.where(f"kind={kind}").collection for side in (old, new))
        found = compared(base, starts).comparison
        assert (found.base.starts, found.new.starts, found.goal) == (6, 6, "ready")
        by_id = {metric.id: metric for metric in found.metrics}
        for id, measured in zip(("ready", "detected"), MEASURED[limit, kind], strict=True):
            assert by_id[id].difference.lower <= measured <= by_id[id].difference.upper
            assert by_id[id].verdict == "undecided"
    together = {metric.id: metric for metric in compared(old.collection, new.collection).comparison.metrics}
    assert together["ready"].balanced == ("kind",)
    # The order of the start-up steps changed: certificates are made while the API server waits, not before.
    assert together["certificates"].verdict == "slower"
    assert together["apiserver_boot"].verdict == ("undecided" if limit == "90" else "faster")  # there too fast to tell
