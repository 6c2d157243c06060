from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from analyzer.collection import read_saved as reading, store as storing
from analyzer.collection.manifest import MANIFEST, files, is_saved
from analyzer.collection.model import Collection, InputRow
from analyzer.collection.read_saved import read_saved
from analyzer.collection.store import Store, unchanged
from analyzer.collection.tables import TABLES
from analyzer.collection.work import InputResult
from analyzer.errors import BadInputError, K3slogError, OutputError, UsageError
from tests.kit.made_reports import ready_start, report_of
from tests.kit.saved_rows import collected, failed_input, result_of, same, some_results

LABELS = ("ring", "site")


def save(folder: Path, results: Iterable[InputResult], **options: Any) -> None:
    with Store(folder, labels=LABELS, **options) as store:
        for result in results:
            store.append(result)
        store.commit()


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir())


def message(caught: pytest.ExceptionInfo[K3slogError]) -> str:
    line = caught.value.one_line()
    assert "\n" not in line and line.isprintable()
    return line


# ---------------------------------------------------------------- what was written is read


def test_what_was_saved_is_the_same_collection(tmp_path: Path) -> None:
    results = some_results(40)
    save(tmp_path / "out", results)
    assert same(read_saved(tmp_path / "out"), collected(results))
    assert is_saved(tmp_path / "out") and beside(tmp_path / "out") == ["out"]


@pytest.mark.long
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 12), st.integers(0, 10**6), st.integers(1, 40))
def test_the_same_whatever_is_in_it_and_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, count: int, seed: int, group: int
) -> None:
    folder = tmp_path_factory.mktemp("saved") / "out"
    results = some_results(count, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storing, "GROUP_ROWS", group)
        patch.setattr(reading, "_BATCH", group + 1)
        save(folder, results)
        assert same(read_saved(folder), collected(results))


def test_a_start_that_two_inputs_hold_counts_once(tmp_path: Path) -> None:
    report = report_of(ready_start())
    results = [result_of(report, "b.log"), result_of(report, "a.log"), failed_input("c.log")]
    save(tmp_path / "out", results)
    back = read_saved(tmp_path / "out")
    assert same(back, collected(results))
    assert (len(back.starts), back.repeated, back.starts[0].input) == (1, 1, "b.log")


def test_only_the_starts_that_are_wanted(tmp_path: Path) -> None:
    save(tmp_path / "out", some_results(40))
    whole = read_saved(tmp_path / "out")
    some = read_saved(tmp_path / "out", lambda row: row.kubernetes == "1.30")
    assert some.starts == tuple(row for row in whole.starts if row.kubernetes == "1.30") != ()
    assert some.inputs == whole.inputs and some.repeated == whole.repeated
    assert len(some.metrics["ready"].at) == len(some.starts)
    assert least_of(some, "ready") <= least_of(whole, "ready")


def test_nothing_at_all_is_saved_and_read(tmp_path: Path) -> None:
    save(tmp_path / "out", [])
    back = read_saved(tmp_path / "out")
    assert (back.starts, back.inputs, back.metrics) == ((), (), {})


def test_text_of_logs_comes_back_as_it_was(tmp_path: Path) -> None:
    hostile = replace(ready_start(), host="\x1b[31m</script>\u202e\n", unit="=cmd()|'\"")
    results = [result_of(report_of(hostile), "logs/ä\n\x1b.log", None, (("ring", "<b>"),))]
    save(tmp_path / "out", results)
    assert same(read_saved(tmp_path / "out"), collected(results))


def least_of(collection: Collection, name: str) -> set[tuple[str, float]]:
    metric = collection.metrics[name]
    return {(collection.starts[at].key, least) for at, least in zip(metric.at, metric.least, strict=True)}


# ---------------------------------------------------------------- others read it


def test_pandas_reads_every_table(tmp_path: Path) -> None:
    import pandas as pd

    results = some_results(20)
    save(tmp_path / "out", results)
    for name, table in TABLES.items():
        frame = pd.read_parquet(tmp_path / "out" / name)
        assert set(frame.columns) >= {column.name for column in table.columns} | {"label_ring", "label_site"}
        assert ("kubernetes" in frame.columns) == table.by_release
    starts = pd.read_parquet(tmp_path / "out" / "starts")
    assert len(starts) == sum(len(result.starts) for result in results)
    assert set(starts["kubernetes"]) == {"1.30", "1.33", "unknown"}
    assert str(starts["began_at"].dtype) == "datetime64[us, UTC]"


@pytest.mark.cluster
def test_duckdb_reads_it(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    results = some_results(20)
    save(tmp_path / "out", results)
    told = duckdb.sql(
        f"SELECT kubernetes, count(*) FROM read_parquet('{tmp_path}/out/starts/**/*.parquet', hive_partitioning=true) "
        "GROUP BY ALL"
    ).fetchall()
    rows = [row for result in results for row in result.starts]
    assert dict(told) == {
        folder: sum((row.kubernetes or "unknown") == folder for row in rows) for folder in ("1.30", "1.33", "unknown")
    }


def test_a_table_without_rows_can_be_read_by_others_as_well(tmp_path: Path) -> None:
    import pandas as pd

    save(tmp_path / "out", [failed_input("a.log")])
    assert all((tmp_path / "out" / name).is_dir() for name in TABLES)
    assert len(pd.read_parquet(tmp_path / "out" / "polls")) == 0


def test_no_file_but_the_manifest_could_be_taken_for_anything_but_data(tmp_path: Path) -> None:
    save(tmp_path / "out", some_results(10))
    names = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()} - {MANIFEST}
    assert all(name.startswith("part-") and name.endswith(".parquet") for name in names)
    told = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert (told["schema"], told["schema_version"], told["labels"]) == ("k3slog.fleet_tables", 1, ["ring", "site"])


# ---------------------------------------------------------------- the same bytes


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(tmp_path / name, some_results(30))
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_groups_of_rows_are_full_and_many_files_are_not_open_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr(storing, "GROUP_ROWS", 8)
    monkeypatch.setattr(storing, "OPEN_FILES", 3)
    results = some_results(40)
    save(tmp_path / "out", results)
    assert same(read_saved(tmp_path / "out"), collected(results))
    for path in files(tmp_path / "out"):
        about = pq.ParquetFile(tmp_path / "out" / path).metadata
        sizes = [about.row_group(n).num_rows for n in range(about.num_row_groups)]
        assert path.parts[0] == "inputs" or all(size == 8 for size in sizes[:-1])
    assert any(path.name != "part-00000.parquet" for path in files(tmp_path / "out"))


def test_rows_that_wait_are_written_before_they_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "HELD_BYTES", 20_000)
    results = some_results(20)
    save(tmp_path / "out", results)
    assert same(read_saved(tmp_path / "out"), collected(results))


# ---------------------------------------------------------------- what is there already


def test_what_exists_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "out"
    save(out, some_results(5))
    before = content(out)
    with pytest.raises(OutputError) as caught:
        save(out, some_results(5, 2))
    assert "exists. Add --resume" in message(caught) and content(out) == before
    save(out, some_results(5, 2), force=True)
    assert same(read_saved(out), collected(some_results(5, 2)))
    assert beside(out) == ["out"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    save(tmp_path / "out", some_results(3))
    assert same(read_saved(tmp_path / "out"), collected(some_results(3)))


def test_the_folder_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    save(tmp_path / "real", some_results(3))
    (tmp_path / "out").symlink_to("real")
    save(tmp_path / "out", some_results(4), force=True)
    assert (tmp_path / "out").is_symlink() and len(read_saved(tmp_path / "real").inputs) == 4


@pytest.mark.parametrize("options", [{}, {"force": True}, {"resume": True}])
def test_a_folder_of_somebody_else_is_never_touched(tmp_path: Path, options: dict[str, bool]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInputError, match="was not made by") as caught:
        save(out, [], **options)
    message(caught)
    assert content(out) == {"thesis.txt": b"years of work"} and beside(out) == ["out"]


@pytest.mark.parametrize("name", ["thesis.txt", "starts/notes.md", "other/part-00000.parquet"])
def test_a_file_that_somebody_put_into_a_dataset_is_not_lost(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    save(out, some_results(3))
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("years of work")
    for options in ({"force": True}, {"resume": True}):
        with pytest.raises(OutputError, match="is not of the dataset"):
            save(out, [], **options)
    assert (out / name).read_text() == "years of work"


def test_a_file_a_missing_folder_and_the_root_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is not a folder"):
        save(tmp_path / "file", [])
    with pytest.raises(OutputError, match="does not exist"):
        save(tmp_path / "missing" / "out", [])
    with pytest.raises(UsageError, match="root"):
        save(Path("/"), [])
    assert beside(tmp_path / "file") == ["file"]


def test_two_runs_do_not_write_one_dataset(tmp_path: Path) -> None:
    with Store(tmp_path / "out") as first, pytest.raises(OutputError) as caught:
        Store(tmp_path / "out")
    assert "another run is writing" in message(caught)
    first.discard()
    save(tmp_path / "out", [])
    assert is_saved(tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "was not made by"),
        ('{"schema": "k3slog.fleet_tables", "schema_version": 2}', "has version 2 of the tables"),
        ('{"schema": "k3slog.fleet_tables", "schema_version": 1, "labels": [1]}', "names no labels"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, text: str, why: str) -> None:
    out = tmp_path / "out"
    save(out, some_results(2))
    (out / MANIFEST).write_text(text)
    for act in (lambda: read_saved(out), lambda: unchanged(out), lambda: save(out, [], force=True)):
        with pytest.raises(BadInputError) as caught:
            act()
        assert why in message(caught)


# ---------------------------------------------------------------- going on


def test_only_inputs_that_changed_or_failed_need_to_be_read_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    unknown = replace(result_of(report_of(ready_start()), "s3.log"), row=InputRow("s3.log", 0, 0, 1))
    results = [*some_results(10), unknown]
    save(out, results)
    told = unchanged(out)
    fine = [result.row for result in results[:-1] if not result.row.error]
    assert told == {(row.input, row.size, row.mtime_ns): row for row in fine}


def test_a_second_run_adds_new_inputs_and_keeps_the_files(tmp_path: Path) -> None:
    out, first, second = tmp_path / "out", some_results(10), some_results(10, 2, "new")
    save(out, first)
    old = {path: (out / path).stat().st_ino for path in files(out)}
    with Store(out, labels=LABELS, resume=True) as store:
        assert store.unchanged == unchanged(out)
        for result in second:
            store.append(result)
        store.commit()
    assert same(read_saved(out), collected([*first, *second]))
    assert all((out / path).stat().st_ino == node for path, node in old.items() if path.parts[0] != "inputs")
    assert beside(out) == ["out"]


def test_an_input_that_is_read_again_replaces_its_rows(tmp_path: Path) -> None:
    out, results = tmp_path / "out", some_results(12)
    save(out, results)
    broken = next(n for n, result in enumerate(results) if result.row.error)
    fine = next(n for n, result in enumerate(results) if not result.row.error)
    again = {n: result_of(report_of(replace(ready_start(), pid=99 + n)), results[n].row.input) for n in (broken, fine)}
    save(out, again.values(), resume=True)
    after = [again.get(n, result) for n, result in enumerate(results)]
    assert same(read_saved(out), collected(after))


def test_inputs_are_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    out, first, second = tmp_path / "out", some_results(6), some_results(6, 2, "new")
    save(out, first)
    wanted = [*second[:3], *first, *second[3:]]
    with Store(out, labels=LABELS, resume=True) as store:
        for result in second:
            store.append(result)
        store.commit([result.row.input for result in wanted])
    assert same(read_saved(out), collected(wanted))


def test_resume_without_an_old_dataset_begins_one(tmp_path: Path) -> None:
    save(tmp_path / "out", some_results(3), resume=True)
    assert same(read_saved(tmp_path / "out"), collected(some_results(3)))


def test_other_labels_or_stand_ins_cannot_be_continued(tmp_path: Path) -> None:
    save(tmp_path / "out", [])
    with pytest.raises(UsageError, match=r"has other labels \(ring, site\)"):
        Store(tmp_path / "out", labels=("rack",), resume=True)
    with pytest.raises(UsageError, match="anonymized"):
        Store(tmp_path / "out", labels=LABELS, resume=True, anonymized=True)
    save(tmp_path / "masked", [], anonymized=True)
    with pytest.raises(UsageError, match="anonymized"):
        Store(tmp_path / "masked", labels=LABELS, resume=True)
    assert beside(tmp_path / "out") == ["masked", "out"]


def test_what_was_read_before_an_interrupt_can_be_kept(tmp_path: Path) -> None:
    out, results = tmp_path / "out", some_results(10)
    with Store(out, labels=LABELS) as store:
        try:
            for number, result in enumerate(results):
                if number == 6:
                    raise KeyboardInterrupt
                store.append(result)
        except KeyboardInterrupt:
            store.commit()
    assert same(read_saved(out), collected(results[:6]))
    save(out, results[6:], resume=True)
    assert same(read_saved(out), collected(results))


def test_what_is_not_committed_was_never_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    save(out, some_results(3))
    before = content(out)

    def interrupted() -> None:
        with Store(out, labels=LABELS, force=True) as store:
            store.append(some_results(3, 2)[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert content(out) == before and beside(out) == ["out"]


# ---------------------------------------------------------------- what goes wrong


class Full:
    """A file on a disk that has room for ``left`` bytes more."""

    def __init__(self, file: Any, left: list[int]) -> None:
        self._file, self._left = file, left

    def write(self, data: Any) -> int:
        self._left[0] -= len(memoryview(data).cast("B"))
        if self._left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def with_a_full_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    left, open_really = [room], Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r", *rest, **more: (
            Full(open_really(path, mode, *rest, **more), left)
            if "x" in mode
            else open_really(path, mode, *rest, **more)
        ),
    )


@pytest.mark.parametrize("room", [0, 3, 2_000, 20_000, 60_000])
@pytest.mark.parametrize("resume", [True, False])
def test_a_full_disk_is_told_and_leaves_the_old_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, resume: bool
) -> None:
    out = tmp_path / "out"
    save(out, some_results(3))
    before = content(out)
    monkeypatch.setattr(storing, "GROUP_ROWS", 16)
    with_a_full_disk(monkeypatch, room)
    with pytest.raises(OutputError) as caught:
        save(out, some_results(40, 2, "new"), resume=resume, force=not resume)
    assert "No space left on device" in message(caught)
    monkeypatch.undo()
    assert content(out) == before and beside(out) == ["out"]
    save(out, some_results(4), force=True)


def test_files_that_the_system_does_not_let_grow(tmp_path: Path) -> None:
    """The same of the system itself: behind the first bytes every write fails."""
    out = tmp_path / "out"
    save(out, some_results(1))
    before, limits = content(out), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(OutputError, match="File too large"):
            save(out, some_results(60, 2, "new"), resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert content(out) == before and beside(out) == ["out"]


KILLED = """
import os, sys
from pathlib import Path
from analyzer.collection import store as storing
from tests.collection import test_store
left = [int(sys.argv[2])]
def dying(name, module):
    really = getattr(module, name)
    def call(*args, **more):
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)
        return really(*args, **more)
    setattr(module, name, call)
for name in ("rename", "link", "fsync", "mkdir"):
    dying(name, os)
dying("rmtree", storing.shutil)
test_store.save(Path(sys.argv[1]), test_store.some_results(6, 2, "new"), resume=True)
"""


def killed_after(calls: int, out: Path) -> bool:
    """A run that ends without a word after so many calls of the system; whether it was killed."""
    root = Path(__file__).resolve().parents[2]
    code = subprocess.run([sys.executable, "-c", KILLED, str(out), str(calls)], cwd=root, check=False).returncode
    assert code in (0, 9)
    return code == 9


def assert_nothing_is_lost(tmp_path: Path, calls: int) -> bool:
    out, first, second = tmp_path / "out", some_results(6), some_results(6, 2, "new")
    save(out, first)
    killed = killed_after(calls, out)
    if out.exists():
        assert same(read_saved(out), collected(first)) or same(read_saved(out), collected([*first, *second]))
    save(out, second, resume=True)
    assert same(read_saved(out), collected([*first, *second]))
    assert beside(out) == ["out"]
    return killed


@pytest.mark.long
@pytest.mark.parametrize("calls", [0, pytest.param(1, marks=pytest.mark.slow), 30])
def test_a_killed_run_leaves_what_the_next_one_puts_right(tmp_path: Path, calls: int) -> None:
    assert_nothing_is_lost(tmp_path, calls)


@pytest.mark.slow
def test_a_run_killed_at_any_moment_leaves_what_the_next_one_puts_right(tmp_path: Path) -> None:
    calls, killed = 0, True
    while killed:
        folder = tmp_path / str(calls)
        folder.mkdir()
        killed = assert_nothing_is_lost(folder, calls)
        calls += 1
    assert calls > 30


@pytest.mark.parametrize("between", [True, False])
def test_a_run_that_was_killed_while_it_put_the_dataset_in_its_place(tmp_path: Path, between: bool) -> None:
    out = tmp_path / "out"
    save(out, some_results(3))
    if between:  # the old one is away, the new one not there yet
        out.rename(tmp_path / ".out.k3slog-old")
        with pytest.raises(BadInputError) as caught:
            read_saved(out)
        assert "ended while it was put in its place" in message(caught)
    else:
        shutil.copytree(out, tmp_path / ".out.k3slog-old")
    (tmp_path / ".out.k3slog-new").mkdir()
    (tmp_path / ".out.k3slog-new" / "half.parquet").write_text("PAR1")
    with pytest.raises(OutputError, match="exists"):
        save(out, [])
    assert same(read_saved(out), collected(some_results(3))) and beside(out) == ["out"]
