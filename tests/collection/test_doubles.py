"""The same start in two logs, also where these show different things of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from analyzer.collection.collect import Builder, joined
from analyzer.collection.doubles import Met
from analyzer.collection.model import InputSpec, StartRow
from analyzer.collection.read_saved import read_saved
from analyzer.collection.store import Store
from analyzer.collection.work import InputResult, WorkOptions, one
from analyzer.testing import generate
from analyzer.testing.scenarios import k3s
from analyzer.testing.truth import Scenario

BEGAN = datetime(2026, 3, 1, 6, 3, 22, 960000, tzinfo=UTC)
EXPORT = StartRow(
    input="a.export", index=1, key="node-a/9f2c41d07b3e", host="node-a", unit="k3s.service", version="v1.33.5+k3s1",
    kubernetes="1.33", product="k3s", role="server", outcome="ready", began_at=BEGAN, precision_s=1e-6, pid=1234,
)  # fmt: skip
TEXT = replace(
    EXPORT, input="a.log", key="node-a/2026-03-01T06:03:22Z/1234", began_at=BEGAN.replace(microsecond=0), precision_s=1
)


def counted(*rows: StartRow) -> int:
    met = Met()
    return sum(not met.again(row) for row in rows)


def test_an_export_and_a_text_hold_one_start() -> None:
    cut = replace(TEXT, input="cut", key="node-a/0a0b0c0d0e0f/1234", began_at=BEGAN + timedelta(seconds=1))
    for rows in permutations((EXPORT, TEXT, cut, replace(EXPORT, input="again"))):
        assert counted(*rows) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(TEXT, began_at=BEGAN + timedelta(seconds=4)),
        replace(TEXT, pid=1235),
        replace(TEXT, pid=None),
        replace(TEXT, host="node-b", key="node-b/2026-03-01T06:03:22Z/1234"),
        replace(TEXT, host=None),
        replace(TEXT, began_at=None),
        replace(TEXT, input=EXPORT.input),  # one log tells its own starts apart
        replace(EXPORT, input="b.export", key="node-a/000000000001"),  # another invocation is another start
        replace(TEXT, key=""),
    ],
)
def test_whatever_else_differs_makes_two(other: StartRow) -> None:
    assert counted(EXPORT, other) == counted(other, EXPORT) == 2


def test_process_1_of_a_container_that_begins_again_and_again_is_several_starts() -> None:
    first = replace(TEXT, pid=1, key="node-a/2026-03-01T06:03:22Z/1")
    again = replace(first, input="b.log", key="node-a/2026-03-01T06:03:24Z/1", began_at=BEGAN + timedelta(seconds=1))
    assert counted(first, again) == 2


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[InputResult]:
    """One machine's journal in three forms, each read by itself."""
    starts = (
        k3s("v1.33.4+k3s1", host="node-a", fate="stop", fate_at_s=40.0, run_s=30.0),
        k3s("v1.33.4+k3s1", host="node-a"),
    )
    made = generate(Scenario(name="twice", starts=starts, begin=BEGAN), 1)
    found = []
    for form in ("export", "short", "short-iso-precise"):
        path = tmp_path_factory.mktemp("logs") / f"{form}.log"
        path.write_bytes(made.render(form))  # type: ignore[arg-type]
        status = path.stat()
        found.append(
            one(InputSpec(str(path), (str(path),), status.st_size, status.st_mtime_ns), WorkOptions(tables=True))
        )
    return found


def test_the_forms_of_a_journal_count_once_wherever_they_meet(results: list[InputResult], tmp_path: Path) -> None:
    assert [len(result.starts) for result in results] == [2, 2, 2]
    for number, order in enumerate(permutations(results)):
        builder, alone = Builder(), []
        with Store(tmp_path / str(number)) as store:
            for result in order:
                builder.add(result)
                store.append(result)
                single = Builder()
                single.add(result)
                alone.append(single.built())
            store.commit()
        whole = builder.built()
        assert [start.input for start in whole.starts] == [order[0].spec.name] * 2 and whole.repeated == 4
        for other in (joined(alone), read_saved(tmp_path / str(number))):
            assert (other.starts, other.repeated) == (whole.starts, 4)
            assert {id: metric.at.tolist() for id, metric in other.metrics.items()} == {
                id: metric.at.tolist() for id, metric in whole.metrics.items()
            }


def test_a_hundred_starts_a_minute_of_one_process_id_are_looked_at_once() -> None:
    met = Met()
    for n in range(50_000):  # each against all others would take minutes
        began = BEGAN + timedelta(seconds=n * 0.6)
        assert not met.again(replace(TEXT, input=str(n), key=f"node-a/{n}Z/1", pid=1, began_at=began))
