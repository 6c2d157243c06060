from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.collection.manifest import files
from analyzer.collection.read_saved import read_saved
from analyzer.collection.store import Store
from analyzer.errors import BadInputError, K3slogError
from tests.kit.made_reports import ready_start, report_of
from tests.kit.saved_rows import collected, result_of, same, some_results


def save(folder: Path, results: Any) -> None:
    with Store(folder, labels=("ring", "site")) as store:
        for result in results:
            store.append(result)
        store.commit()


def message(caught: pytest.ExceptionInfo[K3slogError]) -> str:
    line = caught.value.one_line()
    assert "\n" not in line and line.isprintable()
    return line


def parquet(folder: Path, table: str) -> Path:
    return folder / next(path for path in files(folder) if path.parts[0] == table)


@pytest.mark.parametrize("table", ["starts", "metrics", "inputs"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"PAR1",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-20] + b"\xff" * 20,
        lambda data: b"x" * len(data),
        lambda data: data[:4] + bytes(b ^ 0x55 for b in data[4 : len(data) // 2]) + data[len(data) // 2 :],
    ],
    ids=["empty", "short", "cut", "end", "foreign", "flipped"],
)
def test_a_damaged_file_is_named(tmp_path: Path, table: str, damage: Callable[[bytes], bytes]) -> None:
    out = tmp_path / "out"
    save(out, some_results(10))
    path = parquet(out, table)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInputError) as caught:
        read_saved(out)
    assert path.name in message(caught) and "is damaged" in message(caught)


def test_a_release_whose_file_was_not_copied_is_missed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    save(out, some_results(10))
    parquet(out, "starts").unlink()
    with pytest.raises(BadInputError) as caught:
        read_saved(out)
    assert "starts is not whole" in message(caught)


def rewritten(path: Path, change: Callable[[Any], Any]) -> None:
    import pyarrow.parquet as pq

    pq.write_table(change(pq.ParquetFile(path).read()), path)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("starts", lambda t: t.drop_columns(["key"])),
        ("metrics", lambda t: t.drop_columns(["max"])),
        ("starts", lambda t: t.set_column(t.schema.get_field_index("start"), "start", [["a"] * t.num_rows])),
        ("starts", lambda t: t.set_column(t.schema.get_field_index("start"), "start", [[None] * t.num_rows])),
        ("metrics", lambda t: t.set_column(t.schema.get_field_index("start"), "start", [[-5] * t.num_rows])),
        ("metrics", lambda t: t.set_column(t.schema.get_field_index("start"), "start", [[2**40] * t.num_rows])),
        ("starts", lambda t: t.set_column(t.schema.get_field_index("input"), "input", [["other"] * t.num_rows])),
        ("starts", lambda t: t.set_column(t.schema.get_field_index("findings"), "findings", [[3] * t.num_rows])),
        ("starts", lambda t: t.set_column(t.schema.get_field_index("began_at"), "began_at", [[2**62] * t.num_rows])),
        ("inputs", lambda t: t.set_column(t.schema.get_field_index("size"), "size", [["big"] * t.num_rows])),
        ("inputs", lambda t: t.set_column(t.schema.get_field_index("input"), "input", [["same"] * t.num_rows])),
    ],
)
def test_other_columns_and_impossible_values_are_refused(
    tmp_path: Path, table: str, change: Callable[[Any], Any]
) -> None:
    out = tmp_path / "out"
    save(out, some_results(10))
    rewritten(parquet(out, table), change)
    with pytest.raises(BadInputError) as caught:
        read_saved(out)
    message(caught)


def test_a_start_or_an_input_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "out", some_results(10))
    path = parquet(tmp_path / "out", "starts")
    shutil.copy(path, path.with_name("part-00009.parquet"))
    with pytest.raises(BadInputError, match="a start twice"):
        read_saved(tmp_path / "out")


def test_what_is_not_a_window_tells_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    save(out, [result_of(report_of(ready_start()), "a.log")])
    odd = [float("nan"), -1.0, float("inf"), 5.0]
    rewritten(
        parquet(out, "metrics"),
        lambda t: t.set_column(t.schema.get_field_index("min"), "min", [(odd * t.num_rows)[: t.num_rows]]),
    )
    for metric in read_saved(out).metrics.values():
        assert np.all(metric.least >= 0) and np.all(metric.least <= metric.most) and np.all(np.isfinite(metric.least))


@pytest.mark.long
def test_any_damage_is_one_error_or_the_same_shape(tmp_path: Path) -> None:
    out, drawn = tmp_path / "out", random.Random(5)
    save(out, some_results(6))
    for table in ("starts", "metrics", "inputs"):
        path = parquet(out, table)
        good = path.read_bytes()
        for _ in range(60):
            spoilt = bytearray(good)
            for _ in range(drawn.randint(1, 4)):
                spoilt[drawn.randrange(len(spoilt))] = drawn.randrange(256)
            path.write_bytes(spoilt)
            try:
                read_saved(out)
            except BadInputError as error:
                assert "\n" not in error.one_line()  # noqa: PT017
        path.write_bytes(good)
    assert same(read_saved(out), collected(some_results(6)))
