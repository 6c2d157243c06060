"""Folders, patterns, archives and support bundles: the same answer as for the plain file, nothing else read."""

from __future__ import annotations

import gzip
import io
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.errors import BadInputError
from analyzer.records import LogRecords, read_log_records
from analyzer.results import Report
from analyzer.sources.bundles import OTHER_PART, parse_date
from analyzer.sources.inputs import Inputs
from analyzer.sources.log_choice import EMPTY, left_out_by_content, left_out_by_name
from analyzer.testing import CARRIERS, Generated, generate, named
from tests.kit import bundles

SEED = 3


@cache
def journal(name: str = "healthy-sqlite") -> Generated:
    return generate(named(name), SEED)


def text(carrier: str = "short", name: str = "healthy-sqlite") -> bytes:
    return journal(name).render(carrier)


def without_anchors(data: bytes) -> bytes:
    """A text of which neither year nor zone can be told."""
    return b"".join(line for line in data.splitlines(True) if b"time=" not in line and b'"ts"' not in line)


def answer(*paths: object, stdin: bytes | None = None) -> list[Any]:
    given = None if stdin is None else io.BytesIO(stdin)
    report = analyzer.analyze(analyzer.load(*map(str, paths), stdin=given)).report
    return told(report)


def told(report: Report) -> list[Any]:
    return [
        (s.outcome, s.began_at, s.ready.lower, s.ready.upper, s.detected.lower, s.detected.upper, s.bottleneck.checks,
         len(s.polls))
        for s in report.starts
    ]  # fmt: skip


def book_of(*paths: object, stdin: bytes | None = None) -> LogRecords:
    log_records, errors = read_log_records([*map(str, paths)], stdin=None if stdin is None else io.BytesIO(stdin))
    assert not errors, [error.one_line() for error in errors]
    return log_records


def failure(path: Path) -> str:
    log_records, errors = read_log_records([path])
    assert not log_records.records
    (error,) = errors
    assert error.hint
    return error.one_line()


# ------------------------------------------------------------------------------------------------------ folders


def test_a_folder_is_its_logs_and_nothing_else(tmp_path: Path) -> None:
    lines = text().splitlines(True)
    half = len(lines) // 2
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "k3s.log.1").write_bytes(b"".join(lines[:half]))
    (tmp_path / "k3s.log.gz").write_bytes(gzip.compress(b"".join(lines[half:])))
    (tmp_path / "copy.txt").write_bytes(text())
    (tmp_path / "config.yaml").write_text("token: x\n")
    (tmp_path / "dump").write_bytes(bundles._YAML.encode() * 5)
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "empty").write_bytes(b"")
    plain = tmp_path.parent / "plain.txt"
    plain.write_bytes(text())
    assert answer(tmp_path) == answer(plain)
    log_records = book_of(tmp_path)
    assert {s.path for s in log_records.sources} == {
        str(deep / "k3s.log.1"),
        str(tmp_path / "k3s.log.gz"),
        str(tmp_path / "copy.txt"),
    }
    left = {
        reason: count for reason, count in log_records.ledger.reasons.items() if reason.startswith("files left out")
    }
    assert sum(left.values()) == 4
    assert len(left) == 4


def test_loops_fifos_links_to_nowhere_and_one_file_by_two_names(tmp_path: Path) -> None:
    (tmp_path / "k3s.log").write_bytes(text())
    (tmp_path / "again.log").symlink_to(tmp_path / "k3s.log")
    (tmp_path / "hard.log").hardlink_to(tmp_path / "k3s.log")
    (tmp_path / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")
    assert len(book_of(tmp_path).sources) == 1


def test_what_could_wait_for_ever_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/proc/kmsg says that it is a regular file of no bytes; whoever reads it takes the kernel's messages away."""
    (tmp_path / "k3s.log").write_bytes(text())
    (tmp_path / "kmsg.log").symlink_to("/proc/self/status")  # likewise
    (tmp_path / "pipe.log").write_bytes(text())
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link.log").symlink_to(tmp_path / "fifo")
    listed = Inputs._walk

    def swapped(*args: Any) -> Iterator[str]:
        yield from listed(*args)
        yield str(tmp_path / "link.log")  # a file when it was found, a pipe when it is opened

    monkeypatch.setattr(Inputs, "_walk", swapped)
    log_records, errors = read_log_records([tmp_path])
    assert {s.path for s in log_records.sources} == {str(tmp_path / "k3s.log"), str(tmp_path / "pipe.log")}
    assert log_records.ledger.reasons[f"files left out: {EMPTY}"] == 1
    assert [error.message for error in errors] == [f"{tmp_path}: link.log (not a file any more) could not be opened"]


def test_a_folder_without_a_log_is_an_error_and_an_empty_one_too(tmp_path: Path) -> None:
    assert "0 files looked at" in failure(tmp_path)
    (tmp_path / "notes.md").write_text("hello")
    assert "is a folder without a log that can be read (1 file looked at)" in failure(tmp_path)


def test_an_archive_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "bundle.tgz").write_bytes(bundles.tar(bundles.files(text())))
    (tmp_path / "x.zip").write_bytes(bundles.zipped({"k3s.log": text(name="kolkata")}))
    names = [s.path for s in book_of(tmp_path).sources]
    assert names == [
        f"{tmp_path}/bundle.tgz!node-1-{bundles.WHEN}/journald/k3s",
        f"{tmp_path}/x.zip!k3s.log",
    ]


def test_patterns_are_expanded_unless_a_file_has_that_name(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"k3s.{number}.log").write_bytes(text())
    assert len(book_of(tmp_path / "k3s.*.log").sources) == 2
    (tmp_path / "k3s.*.log").write_bytes(text())
    assert len(book_of(tmp_path / "k3s.*.log").sources) == 1
    assert "does not exist" in failure(tmp_path / "x*")


def test_what_the_loader_says_it_reads(tmp_path: Path) -> None:
    (tmp_path / "k3s.log").write_bytes(text())
    log = analyzer.load(tmp_path)
    assert (len(log.log_records.sources), log.errors) == (1, ())
    (tmp_path / "k3s.log").unlink()
    with pytest.raises(BadInputError, match="without a log"):
        analyzer.load(tmp_path)


def test_every_carrier_is_taken_for_a_log_by_its_first_lines() -> None:
    for carrier in CARRIERS:
        assert left_out_by_content(text(carrier)[: 16 * 1024]) is None, carrier
    assert left_out_by_content(text().decode().encode("utf-16")[:16384]) is None
    assert left_out_by_content(b"LPKSHHRH" + bytes(300)) is None


@pytest.mark.parametrize(
    "name", ["a/values.yaml", "k3s.log/.git/x", ".hidden", "cert.PEM", "state.db-wal", "x.truth.json", "report.html"]
)
def test_names_of_what_is_no_log(name: str) -> None:
    assert left_out_by_name(name) is not None


@pytest.mark.parametrize(
    "name",
    ["k3s", "syslog.1", "messages-20250301", "a.json", "system.journal", "user@0.journal~", "x.log.gz", "log.old"],
)
def test_names_of_what_may_be_one(name: str) -> None:
    assert left_out_by_name(name) is None


def test_reports_of_ours_are_no_logs(tmp_path: Path) -> None:
    (tmp_path / "k3s.log").write_bytes(text())
    report = analyzer.analyze(analyzer.load(tmp_path / "k3s.log"))
    (tmp_path / "report.json").write_text(report.to_json())
    (tmp_path / "report.txt").write_text(report.to_text())
    assert len(book_of(tmp_path).sources) == 1


# ------------------------------------------------------------------------------------------------ support bundles


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["healthy-sqlite", "crash-loop-until-roles", "rke2-server", "kolkata", "stuck-15-minutes"]
)
def test_a_bundle_tells_what_its_journal_tells(name: str, tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_bytes(text("short", name))
    expected = answer(plain)
    unit = "rke2-server" if name.startswith("rke2") else "k3s"
    syslog = text("rsyslog", name)
    members = bundles.files(text("short", name), unit=unit, rotated=syslog)
    packed = {"tar" + (mode and f".{mode}"): bundles.tar(members, mode) for mode in ("", "gz", "xz", "bz2")}
    for kind, data in {**packed, "zip": bundles.zipped(members)}.items():
        path = tmp_path / f"b.{kind}"
        path.write_bytes(data)
        assert answer(path) == expected, kind
        assert answer("-", stdin=data) == expected, kind
    inside = bundles.zipped({"upload/b.tar.gz": bundles.tar(members), "readme.md": b"x"})
    assert answer("-", stdin=inside) == expected


def test_an_agents_bundle_has_the_system_log_alone_cut_by_its_rotation() -> None:
    """The collector does not ask for the unit ``k3s-agent``; what there is of it is in ``systemlogs``."""
    whole = text("rsyslog", "agent-waits")
    lines = whole.splitlines(True)
    half = len(lines) // 2
    members = bundles.files(
        b"-- No entries --\n", unit="k3s", syslog=b"".join(lines[half:]), rotated=b"".join(lines[:half])
    )
    expected = answer("-", stdin=whole)
    assert expected
    assert answer("-", stdin=bundles.tar(members)) == expected
    assert answer("-", stdin=bundles.zipped(members)) == expected


@pytest.mark.parametrize("name", ["1303-fresh-25", "1324-killed-thrice", "1350-r102"])
def test_a_recording_in_a_bundle_is_the_recording(name: str) -> None:
    path = Path(__file__).parents[1] / "data" / "recorded" / f"{name}.export.gz"
    made = bundles.files(gzip.decompress(path.read_bytes()))
    assert answer("-", stdin=bundles.tar(made)) == answer(path)


def test_what_is_left_out_of_a_bundle_is_counted() -> None:
    log_records = book_of("-", stdin=bundles.tar(bundles.files(text())))
    assert [s.path for s in log_records.sources] == [f"<stdin>!node-1-{bundles.WHEN}/journald/k3s"]
    assert log_records.ledger.reasons[f"files left out: {OTHER_PART}"] >= 8


def test_year_and_zone_come_from_the_bundle_where_the_text_has_none(tmp_path: Path) -> None:
    bare = without_anchors(text())
    undated = book_of("-", stdin=bare)
    assert not any(r.absolute for r in undated.records)
    truth = {r.message: r.at for r in book_of("-", stdin=text()).records}
    log_records = book_of("-", stdin=bundles.tar(bundles.files(bare, date="Sun Mar  1 06:10:00 UTC 2026\n")))
    dated = [r for r in log_records.records if r.at is not None]
    assert dated
    assert all(r.absolute and r.clock.year_from == "stamp" and r.clock.utc_offset == "+00:00" for r in dated)
    assert all(r.at == truth[r.message] for r in dated if r.message in truth)
    assert log_records.notes[0] == ("the year and the zone come from systeminfo/date of the support bundle",)


@pytest.mark.parametrize(
    ("date", "note"),
    [
        ("Sat Mar  1 11:40:00 IST 2025\n", "the year comes from systeminfo/date of the support bundle"),
        (None, "the year comes from the name of the support bundle"),
        ("no date at all\n", "the year comes from the name of the support bundle"),
    ],
)
def test_a_zone_is_not_guessed(date: str | None, note: str) -> None:
    log_records = book_of("-", stdin=bundles.tar(bundles.files(without_anchors(text()), date=date)))
    dated = [r for r in log_records.records if r.at is not None]
    assert dated
    assert not any(r.absolute for r in dated)
    assert {r.clock.year_from for r in dated} == {"stamp"}
    assert {1_735_689_600 < r.at.us // 1_000_000 < 1_767_225_600 for r in dated if r.at is not None} == {True}  # 2025
    assert any(n == note for n in log_records.notes[0])


def test_a_bundle_made_in_january_holds_december_of_the_year_before() -> None:
    lines = b'Dec 20 06:03:30 node-1 k3s[9]: I1220 06:03:30.000001       9 a.go:1] "x"\n' * 3
    made = bundles.files(lines, date="Wed Jan  1 00:10:00 UTC 2025\n", when="2025-01-01_00_10_00")
    log_records = book_of("-", stdin=bundles.tar(made))
    assert {r.at.us // 1_000_000 for r in log_records.records if r.at is not None} == {1734674610}
    may = lines.replace(b"Dec 20", b"May 20").replace(b"I1220", b"I0520")  # eight months before, not four after
    log_records = book_of("-", stdin=bundles.tar(bundles.files(may, date="Wed Jan  1 00:10:00 UTC 2025\n")))
    assert {r.at.us // 1_000_000 for r in log_records.records if r.at is not None} == {1716185010}


def test_two_bundles_of_different_years_in_one_folder(tmp_path: Path) -> None:
    bare = without_anchors(text())
    for host, year in (("node-1", 2024), ("node-2", 2025)):
        data = (
            bare.replace(journal().entries[0].host.encode(), host.encode())
            if hasattr(journal().entries[0], "host")
            else bare
        )
        made = bundles.files(data, host=host, date=f"Sat Mar 22 06:10:00 UTC {year}\n", when=f"{year}-03-22_06_10_00")
        (tmp_path / f"{host}.tar.gz").write_bytes(bundles.tar(made))
    years: dict[int, set[int]] = {0: set(), 1: set()}
    for record in book_of(tmp_path).records:
        if record.at is not None:
            years[record.source].add(1970 + int(record.at.us / 1e6 / 31_556_952))
    assert years == {0: {2024}, 1: {2025}}


def test_the_host_of_the_bundle_is_that_of_lines_without_one() -> None:
    bare = text("cat")
    log_records = book_of("-", stdin=bundles.tar(bundles.files(bare, host="edge-7")))
    assert {r.host for r in log_records.records} == {"edge-7"}


def test_an_obfuscated_bundle_gives_the_same_windows() -> None:
    hidden = bundles.obfuscated(text())
    assert hidden != text()
    expected = answer("-", stdin=bundles.tar(bundles.files(text())))
    got = answer("-", stdin=bundles.tar(bundles.files(hidden)))
    assert [row[0] for row in got] == [row[0] for row in expected]
    for mine, whole in zip(got, expected, strict=True):
        assert mine[1] == whole[1]
        assert mine[3] is not None
        assert mine[3] >= whole[3] - 1e-6  # never tighter than with all words in place
        assert mine[2] <= whole[2] + 1e-6


@pytest.mark.parametrize(
    ("said", "wall", "offset"),
    [
        ("Sat Mar  1 06:10:00 UTC 2025", 1740809400, 0),
        ("Sat Mar  1 06:10:00 AM CET 2025", 1740809400, None),
        ("Sat Mar  1 12:10:00 AM GMT 2025", 1740787800, 0),
        ("Sat Mar 01 06:10:00 +0545 2025", 1740809400, 20700),
        ("Sat Mar 01 06:10:00 -03 2025", 1740809400, -10800),
        ("Sat 01 Mar 2025 06:10:00 AM UTC", 1740809400, 0),
        ("Sat 01 Mar 2025 06:10:00 PM EST", 1740852600, None),
        ("Sat  1 Mar 06:10:00 GMT 2025", 1740809400, 0),
        ("Mi 3. Sep 06:10:00 CEST 2025", 1756879800, None),
        ("2025-03-01T06:10:00+05:45", 1740809400, 20700),
        ("2025-03-01 06:10:00Z", 1740809400, 0),
        ("sam. 1 mars 2025 06:10:00 UTC", None, None),
        ("Sat Mar  1 06:10:00 UTC", None, None),
        ("Sat Feb 30 06:10:00 UTC 2025", None, None),
        ("", None, None),
    ],
)
def test_what_date_prints(said: str, wall: int | None, offset: int | None) -> None:
    found = parse_date(said)
    assert found == (None if wall is None else (wall * 1_000_000, offset))


@pytest.mark.long
def test_progress_of_an_archive_is_that_of_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(bundles.tar(bundles.files(text() * 200)))
    heard: list[tuple[int, int | None]] = []

    class Observer:
        def progress(self, path: str, done_bytes: int, total_bytes: int | None) -> None:
            heard.append((done_bytes, total_bytes))

    read_log_records([path], observer=Observer())
    assert heard
    assert {total for _, total in heard} == {path.stat().st_size}
    assert all(done <= path.stat().st_size for done, _ in heard)


def test_progress_of_a_zip_goes_through_it(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    members = {f"{n}.log": text() + os.urandom(9).hex().encode() + b"\n" for n in range(4)}
    path.write_bytes(bundles.zipped(members))
    heard: list[int] = []

    class Observer:
        def progress(self, path: str, done_bytes: int, total_bytes: int | None) -> None:
            heard.append(done_bytes)

    read_log_records([path], observer=Observer())
    assert len({*heard}) >= 3
    assert 0 < min(heard) <= max(heard) <= path.stat().st_size


def test_files_of_a_folder_that_may_not_be_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.log", "b.log", "k3s.log"):
        (tmp_path / name).write_bytes(text())
    real = open

    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path).endswith(("a.log", "b.log")):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)

    monkeypatch.setattr("builtins.open", refuse)
    log_records, errors = read_log_records([tmp_path])
    assert len(log_records.sources) == 1
    assert [error.message for error in errors] == [
        f"{tmp_path}: a.log (permission denied) and 1 more could not be opened"
    ]
    (tmp_path / "k3s.log").unlink()
    log_records, errors = read_log_records([tmp_path])
    assert len(errors) == 1


def test_a_zst_archive_where_a_module_for_it_is_installed() -> None:
    zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    data = zstd.compress(bundles.tar(bundles.files(text()), ""))
    assert answer("-", stdin=data) == answer("-", stdin=text())


def test_a_folder_of_crash_loops_is_held_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.records import read

    monkeypatch.setattr(read, "HELD_LIMIT", 300)
    for number in range(3):
        lines = [line for line in text().splitlines(True) if b"k3s[" in line]
        (tmp_path / f"{number}.log").write_bytes(b"".join(lines[:200]) + str(number).encode() + b"\n")
    log_records, errors = read_log_records([tmp_path])
    assert len(log_records.sources) == 2
    assert len(log_records.records) <= 300
    assert any("more lines about starts than can be held" in error.message for error in errors)
