"""Any bytes: no traceback, no hang, bounded memory, and a ledger that adds up."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from analyzer.records import LogRecords, read_log_records
from tests.kit.carrier_files import CARRIERS, RECORDED
from tests.kit.effort import calls, proportional

SAMPLES = sorted((CARRIERS / "other").iterdir()) + sorted((CARRIERS / "rpi").iterdir())


def read_bytes(data: bytes) -> tuple[LogRecords, list[str]]:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data))
    ledger = log_records.ledger
    assert ledger.used + ledger.ignored + ledger.malformed + ledger.lossy == ledger.lines
    assert min(ledger.used, ledger.ignored, ledger.malformed, ledger.lossy) >= 0
    for record in log_records.records:
        assert not any(c in record.message for c in "\x00\x1b\x07\x08")
        assert "\n" not in record.raw
        assert len(record.raw) <= 4096
        record.message.encode("utf-8")
        assert 1 <= record.line <= ledger.lines
        if record.at is not None and record.inner_at is not None:
            assert record.inner_at.us <= record.at.us + record.at.precision_us + 50_000
    return log_records, [error.one_line() for error in errors]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20, "picture"),
        ("noise", bytes((i * 73 + i // 7) % 256 for i in range(20_000)), "not text"),
        ("zeros", b"\0" * 100_000, "not text"),
        ("x.zip", b"PK\x03\x04" + b"\0" * 500, "zip archive"),
        ("x.tar", b"k3s.log" + b"\0" * 250 + b"ustar\x0000" + b"\0" * 250, "tar archive"),
        ("broken.gz", b"\x1f\x8b\x08\x00" + b"rubbish" * 20, "cannot be unpacked"),
        ("x.zst", b"\x28\xb5\x2f\xfd" + b"rubbish" * 20, "zstd"),
    ],
)
def test_what_is_not_a_log_is_refused_in_one_sentence(name: str, data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    log_records, errors = read_log_records([path])
    assert not log_records.records
    assert len(errors) == 1
    assert says in errors[0].message
    assert errors[0].hint
    assert str(path) in errors[0].message


def test_missing_folder_and_no_standard_input(tmp_path: Path) -> None:
    good = CARRIERS / "dst" / "short.berlin.txt"
    log_records, errors = read_log_records([tmp_path / "missing", tmp_path, "-", good])
    assert [
        ("does not exist" in e.message) or ("folder" in e.message) or ("standard input" in e.message) for e in errors
    ] == [
        True,
        True,
        True,
    ]
    assert len(log_records.records) == 9
    assert len(log_records.sources) == 1
    assert {r.source for r in log_records.records} == {0}


def test_odd_names_of_files(tmp_path: Path) -> None:
    _, errors = read_log_records(["a\0b", "x" * 5000, tmp_path / "bad\x1b[31mname"])
    assert len(errors) == 3
    assert "\x1b" not in errors[2].one_line()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0)
    _, errors = read_log_records([path])
    assert "may not be read" in errors[0].message


def test_empty_input_is_an_empty_book() -> None:
    log_records, errors = read_bytes(b"")
    assert not errors
    assert (log_records.records, log_records.ledger.lines, log_records.sources[0].format) == ((), 0, "empty")


def test_nothing_but_newlines() -> None:
    log_records, _ = read_bytes(b"\n" * 1000)
    assert log_records.ledger.ignored == 1000


def test_endless_lines_are_cut_and_counted() -> None:
    head = b'Mar 01 06:03:36 n1 k3s[5]: time="2025-03-01T06:03:36Z" level=info msg="'
    log_records, _ = read_bytes(head + b"a" * 3_000_000 + b'"\n' + head + b'b"\n')
    assert [len(r.message) < 262_144 for r in log_records.records] == [True, True]
    assert [r.truncated for r in log_records.records] == [True, False]
    assert log_records.records[1].message == "b"
    assert log_records.ledger.truncated >= 1
    assert log_records.ledger.lines == 2


def test_the_rest_of_a_split_line_never_comes() -> None:
    data = b'2025-03-01T07:03:36.118202007+01:00 stderr P time="2025-03-01T06:03:37Z" level=info msg="abc\n'
    log_records, _ = read_bytes(data)
    assert [(r.message, r.truncated) for r in log_records.records] == [("abc", True)]


def test_colours_and_controls_are_stripped() -> None:
    line = (
        b'\x1b[0;1;39mMar 01 06:03:36 n1 k3s[5]: \x1b[31mtime="2025-03-01T06:03:36Z"\x1b[0m level=info '
        b'msg="\x1b]8;;file://h/p\x07click\x1b]8;;\x07 \xe2\x80\xaeevil\x08"\r\n'
    )
    log_records, _ = read_bytes(line)
    assert log_records.records[0].message == "click evil"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_cut_anywhere(path: Path) -> None:
    data = path.read_bytes()
    step = max(1, len(data) // 40)
    for size in range(0, len(data), step):
        read_bytes(data[:size])
        read_bytes(data[size : size + 3000])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_spoilt_bytes(path: Path) -> None:
    data = bytearray(path.read_bytes()[:6000])
    for at in range(3, len(data), 97):
        data[at] = (at * 31) % 256
        if at % 5 == 0:
            read_bytes(bytes(data))


def test_export_with_lying_lengths() -> None:
    good = b"__REALTIME_TIMESTAMP=1740809016041207\n_BOOT_ID=aa\nMESSAGE=ok\n\n"
    lie = b"__REALTIME_TIMESTAMP=1740809016041207\nMESSAGE\n" + (2**63).to_bytes(8, "little") + b"abc\n\n"
    short = b"__REALTIME_TIMESTAMP=1740809016041207\nMESSAGE\n" + (5000).to_bytes(8, "little") + b"abc"
    log_records, _ = read_bytes(good + b"rubbish\nMESSAGE=lost\n\n" + good.replace(b"207", b"208") + short)
    assert [r.message for r in log_records.records if not r.lossy] == ["ok", "ok"]
    assert log_records.ledger.malformed == 1
    assert calls(lambda: read_bytes(good + lie + good)) < 3 * calls(lambda: read_bytes(good + short + good))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=600))
def test_random_bytes(data: bytes) -> None:
    read_bytes(data)


_PIECES = st.sampled_from(
    [
        "Mar 01 06:03:36 n1 k3s[5]: ",
        "2025-03-01T06:03:36+01:00 n1 k3s[5]: ",
        "[   19.041207] n1 k3s[5]: ",
        "<30>1 ",
        'time="2025-03-01T06:03:36Z" ',
        "level=info ",
        'msg="',
        "\\n\\x1b\\",
        '"',
        "INFO[0012] ",
        "INFO[2021-04-15T10:01:58Z] ",
        "I0229 06:03:33.020255    1193 a.go:1] ",
        "I1301 99:99:99.020255    1193 a.go:1] ",
        "Feb 29 12:00:00 n1 systemd[1]: ",
        '{"level":"info","ts":"2025-03-01T06:03:32.499713+0100","msg":"x"}',
        '{"log":"a","stream":"stderr"}',
        "stderr P ",
        "-- Boot 9f8e7d6c5b4a43029180f1e2d3c4b5a6 --",
        "-- Reboot --",
        "--",
        "\n",
        "\n",
        "\n",
        " ",
        "                              ",
        "0001-01-01T00:00:00+14:00 n1 k3s[5]: ",
        "9999-12-31T23:59:59-14:00 n1 k3s[5]: ",
        "[-]etcd failed: x",
        "Time has been changed",
        '{"__REALTIME_TIMESTAMP":"1","MESSAGE":[1,2],"_PID":"x"}',
        "99999999999.123456 n1 k3s[99999999999999]: ",
        "…",
        ">",
        "\r",
        "06:03:36 n1 k3s[5]: ",
        "#012",
        "9223372036854775807",
        "k3s is up and running",
        "Dec 31 23:59:59 n1 k3s[5]: ",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_PIECES, max_size=60))
def test_random_mixtures_of_real_pieces(pieces: list[str]) -> None:
    read_bytes("".join(pieces).encode())


def test_many_lines_are_read_in_linear_time() -> None:
    data = gzip.decompress((RECORDED / "1303-full-b.export.gz").read_bytes())
    assert proportional(lambda times: read_bytes(data * times), 8)


@pytest.mark.parametrize(
    "line",
    [
        'time="' * 20_000,
        "msg=" * 40_000,
        "\\" * 100_000,
        '"' * 100_000,
        "[" * 100_000,
        " " * 100_000,
        "a=" * 50_000,
        'time="2025-03-01T06:03:36Z" level=info msg="a"' + ' k="\\' * 20_000,
        "I0301 06:03:33.020255 1 a.go:1] " + '"\\' * 40_000,
        "a.b/" * 30_000,
        "{" * 100_000,
        '{"a":' * 20_000,
        "Mar 01 06:03:36 " + "x" * 100_000,
        "x | " * 30_000,
        "\t" * 100_000,
        "INFO[0001] a" + "  k=v" * 20_000,
        "INFO[0001] " + " " * 60_000 + "x",
        "<30>1 a b c d e " + "[x]" * 30_000,
    ],
)
def test_no_pattern_runs_away(line: str) -> None:
    for head in ("", "Mar 01 06:03:36 n1 k3s[5]: "):
        assert proportional(lambda size: read_bytes((head + line[:size] + "\n").encode() * 3), len(line))  # noqa: B023
