"""Nothing is told that a later line refutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.continuation import generated_text, recorded_text
from tests.kit.score_recorded import CLUSTERS, RECORDED, recordings
from tests.kit.thinned import thinned
from tests.kit.watched import refuted, told

SAMPLES = Path(__file__).parents[2] / "sample_logs"
KEPT = sorted((SAMPLES / "recorded").glob("*.gz"))
AB = sorted((SAMPLES / "ab").glob("*.gz"))


@pytest.mark.parametrize("carrier", ["export", "short"])
@pytest.mark.parametrize("path", thinned([*KEPT[:4], *AB[::12]], 4), ids=lambda path: path.name.split(".export")[0])
def test_nothing_that_was_told_is_refuted(path: Path, carrier: str) -> None:
    events, report = told(recorded_text(path, carrier).pieces, 40)
    assert {event.event for event in events} >= {"start", "goal", "outcome"}
    assert list(refuted(events, report)) == []


@pytest.mark.parametrize("seed", thinned(range(12), 3))
def test_nothing_that_was_told_of_a_generated_journal_is_refuted(seed: int) -> None:
    events, report = told(generated_text(seed, ("short", "cat")[seed % 2]).pieces, 30)
    assert list(refuted(events, report)) == []


@pytest.mark.slow
@pytest.mark.parametrize("carrier", ["export", "short"])
@pytest.mark.parametrize(
    "path", [*KEPT, *AB, *recordings(RECORDED, CLUSTERS)], ids=lambda p: p.name.split(".export")[0]
)
def test_nothing_that_was_told_of_any_recording_is_refuted(path: Path, carrier: str) -> None:
    events, report = told(recorded_text(path, carrier).pieces, 10)
    assert list(refuted(events, report)) == []


@pytest.mark.long
def test_each_change_is_told_once() -> None:
    events, _ = told(recorded_text(KEPT[0], "export").pieces, 5)
    named = [(e.start.index, e.event, e.at_s, getattr(e.part, "id", getattr(e.part, "name", None))) for e in events]
    again = {one for one in named if named.count(one) > 1 and one[1] not in ("start", "check")}
    assert again == set()
