from __future__ import annotations

import gzip
import io
import os
import pickle
import sys
import tarfile
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import analyzer
from analyzer.collection import work
from analyzer.collection.model import InputSpec
from analyzer.collection.rows import reduced
from analyzer.collection.work import InputResult, WorkOptions, chunk, one
from analyzer.errors import BadInputError

SAMPLES = Path(__file__).parents[2] / "sample_logs"
HEALTHY = SAMPLES / "healthy-sqlite.short.txt"
LOOP = SAMPLES / "crash-loop-until-roles.short.txt"
OPTIONS = WorkOptions()


def spec(*files: Path | str, **more: object) -> InputSpec:
    return InputSpec(str(files[0]), tuple(str(file) for file in files), **more)  # type: ignore[arg-type]


def result(*files: Path | str) -> InputResult:
    return one(spec(*files), OPTIONS)


def test_a_log_becomes_the_rows_of_its_report() -> None:
    found = one(spec(LOOP, size=96305, mtime_ns=5, labels=(("site", "north"),)), OPTIONS)
    assert (found.starts, found.metrics) == reduced(analyzer.analyze(LOOP).report, found.spec)
    assert (found.row.starts, found.row.error, found.row.error_kind) == (4, "", "")
    assert (found.row.size, found.row.mtime_ns) == (96305, 5)
    assert {row.labels for row in found.starts} == {(("site", "north"),)}
    assert found.tables == {}


def test_what_goes_to_a_worker_and_comes_back_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps((chunk, OPTIONS)))[0] is chunk
    found = result(HEALTHY)
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_log_with_its_rotations_is_one_input(tmp_path: Path) -> None:
    lines = LOOP.read_bytes().splitlines(True)
    (tmp_path / "log").write_bytes(b"".join(lines[300:]))
    (tmp_path / "log.1.gz").write_bytes(gzip.compress(b"".join(lines[:300])))
    found = result(tmp_path / "log.1.gz", tmp_path / "log")
    assert [row.key for row in found.starts] == [row.key for row in result(LOOP).starts]
    assert {row.input for row in found.starts} == {str(tmp_path / "log.1.gz")}


# --- broken inputs

Maker = Callable[[Path], object]


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", b"PK\x05\x06" + bytes(18))
        archive.writestr("zeros.log", bytes(30_000_000))


BROKEN: dict[str, tuple[Maker, str, str]] = {
    "missing": (lambda path: None, "unreadable", "does not exist"),
    "empty": (lambda path: path.write_bytes(b""), "no_data", "no trace"),
    "random": (lambda path: path.write_bytes(os.urandom(50_000)), "unreadable", ""),
    "zeros": (lambda path: path.write_bytes(bytes(50_000)), "unreadable", "not text"),
    "other-log": (lambda path: path.write_bytes(b"Mar  1 06:03:22 host cron[1]: hello\n" * 999), "no_data", "no trace"),
    "not-a-log": (lambda path: path.write_bytes(b"{}\n[]\n<html></html>\n"), "no_data", "no trace"),
    "picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(900)), "unreadable", "picture"),
    "nothing-unpacked": (lambda path: path.write_bytes(gzip.compress(HEALTHY.read_bytes())[:20]), "unreadable", ""),
    "bomb": (_bomb, "unreadable", "without a log"),
    "empty-folder": (lambda path: path.mkdir(), "unreadable", "without a log"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_input_is_a_row_with_one_line_of_what_is_wrong(name: str, tmp_path: Path) -> None:
    make, kind, words = BROKEN[name]
    path = tmp_path / "in\x1b[31mput"
    make(path)
    found = one(spec(path, size=9, mtime_ns=8), OPTIONS)
    assert (found.row.error_kind, found.row.starts, found.starts) == (kind, 0, ())
    assert words in found.row.error and found.row.error.isprintable() and len(found.row.error) <= 300
    assert (found.row.input, found.row.size, found.row.mtime_ns) == (str(path), 9, 8)


def test_what_may_not_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> object:  # root, as whom tests may run, may read everything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    row = result(HEALTHY).row
    assert row.error_kind == "unreadable" and "may not be read" in row.error


def test_a_file_that_is_cut_keeps_what_was_read_and_says_so(tmp_path: Path) -> None:
    packed = gzip.compress(LOOP.read_bytes())
    path = tmp_path / "log.gz"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    found = result(path)
    assert found.row.error_kind == "unreadable" and "damaged after" in found.row.error
    assert 1 <= found.row.starts == len(found.starts) == len(found.metrics) < 4


def test_an_archive_that_is_cut_keeps_what_was_read_and_says_so(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        archive.add(HEALTHY, "a/journal.log")
        archive.add(LOOP, "b/journal.log")
    path = tmp_path / "bundle.tar"
    path.write_bytes(whole.getvalue()[:60_000])
    found = result(path)
    assert found.row.error_kind == "unreadable" and len(found.starts) >= 1


def test_one_bad_file_of_several_keeps_the_starts_of_the_others(tmp_path: Path) -> None:
    found = result(HEALTHY, tmp_path / "gone.1", tmp_path / "gone.2")
    assert found.row.error_kind == "unreadable" and found.row.starts == len(found.starts) == 1
    assert "gone.1 does not exist" in found.row.error and "(and 1 more)" in found.row.error


def test_where_nothing_is_found_beside_a_bad_file_the_bad_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "cron").write_bytes(b"Mar  1 06:03:22 host cron[1]: hello\n")
    found = result(tmp_path / "cron", tmp_path / "gone")
    assert found.row.error_kind == "unreadable" and "gone does not exist" in found.row.error


# --- what else can happen


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (MemoryError(), "memory", "more memory"),
        (RuntimeError("can't start new thread"), "memory", "more memory"),
        (RecursionError("too deep"), "unreadable", "RecursionError: too deep"),
        (TimeoutError("read timed out"), "unreadable", "TimeoutError: read timed out"),
        (ValueError("odd\nlines \x1b[2J and password=hunter2hunter2"), "unreadable", "ValueError: odd lines \\x1b[2J"),
        (BadInputError("http://user:hunter2hunter2@host/x is gone", hint="Look"), "unreadable", "host/x is gone. Look"),
    ],
)
def test_whatever_is_raised_becomes_a_row(
    error: Exception, kind: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> object:
        raise error

    monkeypatch.setattr(work, "_result", fails)
    row = result(HEALTHY).row
    assert row.error_kind == kind and words in row.error
    assert "hunter2" not in row.error and row.error.isprintable()


def test_an_input_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_: object) -> InputResult:
        while True:
            pass

    monkeypatch.setattr(work, "_result", hangs)
    row = one(spec(HEALTHY), WorkOptions(limit_s=0.1)).row
    assert (row.error_kind, row.error) == ("too_long", "not read to its end within 0.1 s")


def test_a_limit_cuts_real_work_short_wherever_it_is() -> None:
    for limit_s in (0.001, 0.004, 0.01):
        assert one(spec(LOOP), WorkOptions(limit_s=limit_s)).row.error_kind in ("too_long", "")
    assert result(LOOP).row.error_kind == ""


# --- what other modules do


def _module(monkeypatch: pytest.MonkeyPatch, name: str, **functions: object) -> None:
    made = types.ModuleType(f"analyzer.collection.{name}")
    vars(made).update(functions)
    monkeypatch.setitem(sys.modules, made.__name__, made)
    monkeypatch.setattr(f"analyzer.collection.{name}", made, raising=False)


def test_a_saved_report_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    report = analyzer.analyze(LOOP).report
    seen: list[object] = []
    _module(monkeypatch, "saved_report", load_report=lambda source: (seen.append(source), report)[1])
    found = one(spec("node-a.json", kind="report"), OPTIONS)
    assert seen == ["node-a.json"]
    assert [row.key for row in found.starts] == [row.key for row in result(LOOP).starts]
    assert one(InputSpec("none", (), kind="report"), OPTIONS).row.error_kind == "unreadable"


def test_tables_are_made_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []
    _module(monkeypatch, "tables", streams=lambda *given: (seen.append(given), {"starts": b"x"})[1])
    found = one(spec(HEALTHY), WorkOptions(tables=True))
    assert found.tables == {"starts": b"x"}
    assert seen[0][1:] == (found.spec, found.starts, found.metrics)
    assert one(spec(HEALTHY, "gone"), WorkOptions(tables=True)).tables == {"starts": b"x"}


def test_an_address_is_opened_as_one_and_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_stream(url: str) -> io.BytesIO:
        opened.append(url)
        if "gone" in url:
            raise BadInputError(f"{url} cannot be opened", hint="Check the address")
        return io.BytesIO(HEALTHY.read_bytes() if not url.endswith("gz") else bundle.getvalue())

    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w:gz") as archive:
        archive.add(HEALTHY, "bundle/systemlogs/journal.log")
    _module(monkeypatch, "remote", is_url=lambda name: name.startswith("http://"), open_stream=open_stream)
    keys = [row.key for row in result(HEALTHY).starts]
    for name in ("http://u:hunter2hunter2@host/log", "http://host/bundle.tar.gz"):
        found = one(InputSpec("http://***@host/x", (name,)), OPTIONS)
        assert [row.key for row in found.starts] == keys and not found.row.error
    gone = one(InputSpec("http://host/gone", ("http://u:hunter2hunter2@host/gone", str(HEALTHY))), OPTIONS)
    assert gone.row.error_kind == "unreadable" and gone.starts and "hunter2" not in gone.row.error
    assert opened == [
        "http://u:hunter2hunter2@host/log",
        "http://host/bundle.tar.gz",
        "http://u:hunter2hunter2@host/gone",
    ]
    assert one(spec("odd://name"), OPTIONS).row.error_kind == "unreadable"
