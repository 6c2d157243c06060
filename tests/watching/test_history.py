"""How a start compares with earlier ones: counts are bounds, and a start is not compared with itself."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest

from analyzer import pipeline
from analyzer.collection.gather import Gathering, gather
from analyzer.collection.labels import LabelRules
from analyzer.collection.work import WorkOptions
from analyzer.reports.watch_screen import earlier_words
from analyzer.results import StartReport
from analyzer.watching.history import SERVE, Compared, History

SAMPLES = Path(__file__).parents[2] / "sample_logs"


@pytest.fixture(scope="module")
def history() -> History:
    paths = [str(path) for path in sorted((SAMPLES / "ab").glob("ab-1.32.4*.gz"))]
    return History(gather(paths, Gathering(LabelRules.of(()), (), 1, None, WorkOptions())))


def start_of(path: Path) -> StartReport:
    import gzip

    return pipeline.report_on(pipeline.read(["-"], io.BytesIO(gzip.decompress(path.read_bytes())))[0]).starts[0]


@pytest.mark.long
def test_counts_are_bounds_that_grow(history: History) -> None:
    start = start_of(SAMPLES / "recorded" / "1324-fresh-25.export.gz")
    before: Compared | None = None
    for at in (0.0, 2.0, 5.0, 10.0, 20.0, 60.0, 600.0):
        now = history.at(start, at)
        assert now is not None
        assert 0 <= now.least <= now.most <= now.starts == len(history)
        if before is not None:
            assert (before.least, before.most) <= (now.least, now.most)
        before = now
    assert before is not None and before.least == before.most


def test_what_the_others_lacked_is_certain(history: History) -> None:
    start = start_of(SAMPLES / "recorded" / "1324-fresh-25.export.gz")
    early = history.at(start, 0.01)
    assert early is not None
    assert early.lacked == ((SERVE, early.starts),)
    late = history.at(start, 600.0)
    assert late is not None
    assert late.lacked == () or late.least < late.starts


def test_a_start_is_not_compared_with_itself(history: History) -> None:
    own = start_of(next(iter(sorted((SAMPLES / "ab").glob("ab-1.32.4*.gz")))))
    compared = history.at(own, 10.0)
    assert compared is not None
    assert compared.starts == len(history) - 1


def test_words() -> None:
    one = Compared(20.0, "api", 10, 8, 8, (("poststarthook/rbac/bootstrap-roles", 2),), (9.0, 10.5), (21.0, math.inf))
    assert earlier_words(one) == (
        "At 20.0 s 8 of 10 earlier starts were ready. The others lacked rbac/bootstrap-roles (2). Half of them were"
        " ready after 9.0 to 10.5 s; nine of ten after more than 21.0 s."
    )
    assert earlier_words(None) == "No earlier start is like this one."
