"""What a user names becomes inputs: each read by itself, a log with its rotations as one."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from analyzer import pipeline
from analyzer.collection.inputs import SAVED, kind_of, open_report, readable, saved_folders, specs
from analyzer.collection.labels import LabelRules
from analyzer.collection.model import InputSpec
from analyzer.errors import BadInputError, NoDataError, UsageError
from analyzer.results import Report
from analyzer.sources.inputs import FILES_LIMIT
from analyzer.sources.log_choice import EMPTY, NO_STAMPS, NOT_BY_NAME
from analyzer.testing import generate, named
from tests.kit import bundles

NO_LABELS = LabelRules()


@cache
def log(carrier: str = "short-precise", seed: int = 3) -> bytes:
    return generate(named("healthy-sqlite"), seed).render(carrier)


def inputs(*paths: object, left_out: Counter[str] | None = None) -> list[InputSpec]:
    return list(specs([str(path) for path in paths], NO_LABELS, left_out))


def names(found: Sequence[InputSpec], top: Path) -> dict[str, list[str]]:
    """Name of each input and the names of its files."""
    return {
        os.path.relpath(spec.name, top): [os.path.relpath(file, top) for file in spec.files] for spec in found
    }  # fmt: skip


def report(spec: InputSpec) -> Report:
    log_records, waits, errors = pipeline.read(readable(spec))
    assert not errors, [error.one_line() for error in errors]
    return pipeline.report_on(log_records, waits)


def told(one: Report) -> list[object]:
    return [(s.outcome, s.began_at, s.ready.lower, s.ready.upper, len(s.polls)) for s in one.starts]


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


REPORT = json.dumps({"schema": "k3slog.report", "schema_version": 1, "starts": []}, indent=2).encode()


def test_a_folder_is_walked_in_a_fixed_order(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}.log": log() for name in ("z", "b/a", "a/c", "a/b", "a/x/y", ".hidden/q")})
    found = inputs(tmp_path)
    assert list(names(found, tmp_path)) == ["z.log", "a/b.log", "a/c.log", "a/x/y.log", "b/a.log"]
    assert [spec.size for spec in found] == [len(log())] * 5
    assert found[0].mtime_ns == (tmp_path / "z.log").stat().st_mtime_ns


def test_a_log_with_its_rotations_is_read_like_the_whole(tmp_path: Path) -> None:
    lines = log().splitlines(True)
    third = len(lines) // 3
    parts = [b"".join(lines[begin : begin + third]) for begin in (0, third)] + [b"".join(lines[2 * third :])]
    write(
        tmp_path,
        {"k3s.log.2.gz": gzip.compress(parts[0]), "k3s.log.1": parts[1], "k3s.log": parts[2], "whole.txt": log()},
    )
    rotated, whole = inputs(tmp_path)
    assert rotated.files == tuple(str(tmp_path / name) for name in ("k3s.log.2.gz", "k3s.log.1", "k3s.log"))
    assert rotated.name == str(tmp_path / "k3s.log")
    assert rotated.size == sum(Path(file).stat().st_size for file in rotated.files)
    assert told(report(rotated)) == told(report(whole)) != []


def test_a_rotation_cut_short_just_now_still_counts(tmp_path: Path) -> None:
    write(tmp_path, {"k3s.log": b"", "k3s.log.1": log()})
    [spec] = inputs(tmp_path)
    assert [os.path.basename(file) for file in spec.files] == ["k3s.log.1", "k3s.log"]
    assert told(report(spec))


def test_files_that_are_named_are_grouped_like_those_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {"a/k3s.log": log(), "a/k3s.log.1": log(seed=4), "b/k3s.log.1": log(seed=5)})
    found = inputs(tmp_path / "b/k3s.log.1", tmp_path / "a/k3s.log.1", tmp_path / "a/k3s.log")
    assert names(found, tmp_path) == {"b/k3s.log.1": ["b/k3s.log.1"], "a/k3s.log": ["a/k3s.log.1", "a/k3s.log"]}
    assert names(inputs(tmp_path / "a/k3s.log"), tmp_path) == {"a/k3s.log": ["a/k3s.log"]}
    assert inputs(tmp_path / "a/k3s.log*") == inputs(tmp_path / "a")


def test_what_is_no_log_is_left_out_of_a_folder_as_analyze_does(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "README": b"How these logs came here.\nThey were collected.\n", "notes.md": b"# x\n", ".x.log": log(),
            "empty.log": b"", "values.yaml": b"a: 1\n", "k3s.log": log(), "packed.gz": gzip.compress(b"Hello.\n"),
            "x.bz2": bz2.compress(log()), "x2.xz": lzma.compress(log()),
        },
    )  # fmt: skip
    left_out: Counter[str] = Counter()
    assert list(names(inputs(tmp_path, left_out=left_out), tmp_path)) == ["k3s.log", "x.bz2", "x2.xz"]
    assert left_out == {NO_STAMPS: 2, NOT_BY_NAME: 3, EMPTY: 1}


def test_what_is_named_is_an_input_whatever_it_holds(tmp_path: Path) -> None:
    write(tmp_path, {"README": b"Hello.\n", "empty.log": b""})
    found = inputs(tmp_path / "README", tmp_path / "empty.log", tmp_path / "missing.log", tmp_path / "no*.log")
    assert [os.path.basename(spec.name) for spec in found] == ["README", "empty.log", "missing.log", "no*.log"]
    assert [(spec.size, spec.kind) for spec in found] == [(7, "log"), (0, "log"), (0, "log"), (0, "log")]
    _, _, [error] = pipeline.read(readable(found[2]))
    assert "does not exist" in error.one_line()


def test_a_folder_without_a_log_is_an_input_whose_reading_says_so(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": b"x"})
    [spec] = inputs(tmp_path)
    assert (spec.name, spec.size) == (str(tmp_path), 0)
    _, _, [error] = pipeline.read(readable(spec))
    assert "without a log" in error.one_line()


def test_a_folder_that_may_not_be_listed_is_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"k3s.log": log(), "locked/k3s.log": log()})
    listing = os.scandir

    def scandir(folder: str) -> object:
        if folder.endswith("locked"):
            raise PermissionError(13, "Permission denied", folder)
        return listing(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert list(names(inputs(tmp_path), tmp_path)) == ["k3s.log", "locked"]


def test_damaged_files_and_links_to_nowhere(tmp_path: Path) -> None:
    write(tmp_path, {"broken.gz": gzip.compress(log())[:9] + b"\xff" * 50, "a/k3s.log": log()})
    (tmp_path / "nowhere.log").symlink_to("missing")
    (tmp_path / "again.log").symlink_to("a/k3s.log")
    (tmp_path / "a/back").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.log")
    assert list(names(inputs(tmp_path), tmp_path)) == ["again.log", "broken.gz"]


def test_bundles_are_inputs_packed_or_not(tmp_path: Path) -> None:
    members = bundles.files(log("short"))
    write(tmp_path, {"one.tar.gz": bundles.tar(members), "two.zip": bundles.zipped(members)})
    write(tmp_path / "three", {name.removeprefix("./"): data for name, data in members.items()})
    unpacked = f"three/node-1-{bundles.WHEN}"
    found = inputs(tmp_path)
    assert names(found, tmp_path) == {name: [name] for name in ("one.tar.gz", "two.zip", unpacked)}
    assert found[2].size >= sum(map(len, members.values()))
    assert told(report(found[0])) == told(report(found[1])) == told(report(found[2])) != []
    assert inputs(tmp_path / unpacked) == [found[2]]


def test_reports_are_known_by_their_begin(tmp_path: Path) -> None:
    quoted = log().splitlines(True)
    quoted.insert(3, quoted[3].rstrip() + b' {"schema": "k3slog.report"}\n')
    polls = b'{"schema": "k3slog.polls", "schema_version": 1}\n{"departed": "2025-03-01T06:03:22+00:00"}\n'
    write(
        tmp_path,
        {
            "a.json": REPORT, "b.json.gz": gzip.compress(REPORT), "bom.json": b"\xef\xbb\xbf" + REPORT,
            "compact": REPORT.replace(b" ", b"").replace(b"\n", b""), "fleet.json": b'{"schema": "k3slog.fleet"}',
            "quoted.log": b"".join(quoted), "r.log": REPORT, "r.log.1": REPORT, "wait.jsonl": polls,
            "win.json": REPORT.decode().encode("utf-16"),
        },
    )  # fmt: skip
    found = {os.path.basename(spec.name): spec.kind for spec in inputs(tmp_path)}
    assert found == {
        "a.json": "report", "b.json.gz": "report", "bom.json": "report", "compact": "report", "quoted.log": "log",
        "r.log": "report", "r.log.1": "report", "wait.jsonl": "log", "win.json": "report",
    }  # fmt: skip
    by_name = inputs(*sorted(tmp_path.glob("*")))
    assert {os.path.basename(spec.name): spec.kind for spec in by_name} == {**found, "fleet.json": "log"}
    assert {kind_of(spec) for spec in by_name if spec.kind == "log"} == {"log"}


def test_reports_are_opened_unpacked(tmp_path: Path) -> None:
    long = json.dumps({"schema": "k3slog.report", "text": "x" * 2_000_000}).encode()
    write(tmp_path, {"a.json": long, "b.json.gz": gzip.compress(long), "c.json.gz": gzip.compress(long)[:-9]})
    for spec in inputs(tmp_path)[:2]:
        with open_report(spec) as stream:
            assert stream.name == spec.name
            assert stream.read(3_000_000) == long
    with open_report(inputs(tmp_path)[2]) as stream, pytest.raises(BadInputError, match="cannot be read"):
        stream.read(3_000_000)
    with pytest.raises(BadInputError, match="does not exist"):
        open_report(InputSpec("x", (str(tmp_path / "missing.json"),), kind="report"))


def test_saved_folders_are_told_apart_and_never_walked(tmp_path: Path) -> None:
    write(tmp_path, {"saved/" + SAVED: b"{}", "saved/starts/x.log": log(), "logs/k3s.log": log()})
    write(tmp_path, {"logs/old/" + SAVED: b"{}", "logs/old/k3s.log": log()})
    saved, rest = saved_folders([str(tmp_path / name) for name in ("*", "missing")] + ["-", "s3://bucket/x"])
    assert saved == [str(tmp_path / "saved")]
    assert rest == [str(tmp_path / "logs"), str(tmp_path / "missing"), "-", "s3://bucket/x"]
    assert list(names(inputs(tmp_path), tmp_path)) == ["logs/k3s.log"]
    assert inputs(tmp_path / "saved") == []


def test_standard_input_stands_alone() -> None:
    assert inputs("-") == [InputSpec("-", ("-",))]
    assert inputs("-", "-") == [InputSpec("-", ("-",))]
    with pytest.raises(UsageError, match="standard input"):
        specs(["-", "x.log"], NO_LABELS)


def test_a_report_comes_through_a_pipe_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data, kind in ((b'{\n  "schema": "k3slog.report",\n  "x": 1}', "report"), (log(), "log")):
        piped = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(piped))
        [spec] = inputs("-")
        assert kind_of(spec) == kind
        with open_report(spec) as stream:  # nothing of it was taken by looking at it
            assert stream.read() == data
    monkeypatch.setattr("sys.stdin", None)
    assert kind_of(spec) == "log"


def test_no_two_inputs_have_one_name(tmp_path: Path) -> None:
    write(tmp_path, {"k3s.log": log(), "k3s.log.1": log(seed=4)})
    k3s = tmp_path / "k3s.log"
    assert len(inputs(k3s, k3s)) == 1
    assert len(inputs(tmp_path, tmp_path)) == 1
    both = inputs(k3s, tmp_path)
    assert [spec.name for spec in both] == [str(k3s), f"{k3s} (2)"]


def test_a_file_is_one_input_however_it_is_spelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"logs/a.log": log(), "logs/b.log": log(seed=4)})
    monkeypatch.chdir(tmp_path)
    found = inputs("./logs", "logs", tmp_path / "logs", "logs/../logs//a.log", "logs")
    assert [spec.name for spec in found] == ["./logs/a.log", "./logs/b.log"]


def test_labels_come_from_the_name(tmp_path: Path) -> None:
    write(tmp_path, {"ber/n1/k3s.log.1": log(), "ber/n1/k3s.log": log(), "muc/n2.log": log()})
    rules = LabelRules.of(["site=/(ber|muc)/", "ring=canary"])
    found = list(specs([str(tmp_path)], rules))
    assert [dict(spec.labels) for spec in found] == [{"site": site, "ring": "canary"} for site in ("ber", "muc")]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/n\xffode.log"
    with open(name, "wb") as file:
        file.write(log())
    [spec] = inputs(tmp_path)
    assert spec.name == f"{tmp_path}/n\\xffode.log"
    assert spec.name.encode()
    assert told(report(spec))


def test_what_an_input_is_does_not_depend_on_the_others(tmp_path: Path) -> None:
    write(tmp_path, {"a/k3s.log": log(), "a/k3s.log.1": log(seed=4), "b.log": log(seed=5), "c/r.json": REPORT})
    alone = [spec for path in ("a", "b.log", "c") for spec in inputs(tmp_path / path)]
    assert inputs(*(tmp_path / path for path in ("a", "b.log", "c"))) == alone
    assert sorted(inputs(tmp_path), key=lambda spec: spec.name) == alone


@pytest.mark.slow
def test_more_files_than_analyze_looks_at(tmp_path: Path) -> None:
    many = FILES_LIMIT + 500
    for number in range(many):
        (tmp_path / f"node{number:05}.json").touch()
    for number in range(0, many, 1000):
        (tmp_path / f"node{number:05}.json").write_bytes(REPORT)
    begin = time.process_time()
    left_out: Counter[str] = Counter()
    assert len(inputs(tmp_path, left_out=left_out)) == 21
    assert left_out == {EMPTY: many - 21}
    assert len(inputs(tmp_path / "node*.json")) == many
    assert time.process_time() - begin < 15  # measured: 2


def test_a_log_of_something_else_is_an_input(tmp_path: Path) -> None:
    write(tmp_path, {"k3s.log": b"2025-03-01 06:00:00 something else\n"})
    [spec] = inputs(tmp_path)
    with pytest.raises(NoDataError):
        report(spec)
