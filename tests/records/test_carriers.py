"""One log in many carriers: the same messages at the same times, and every quirk of a carrier."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from analyzer.records import LogRecord, LogRecords, read_log_records
from analyzer.records.log_record import Payload
from tests.kit.carrier_files import CARRIERS, RECORDED, carriers, export_rows


def read(path: Path) -> LogRecords:
    log_records, errors = read_log_records([path])
    assert not errors
    ledger = log_records.ledger
    assert ledger.used + ledger.ignored + ledger.malformed + ledger.lossy == ledger.lines
    assert [r.seq for r in log_records.records] == list(range(len(log_records.records)))
    return log_records


def write(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def utc(record: LogRecord) -> str | None:
    return None if record.at is None else datetime.fromtimestamp(record.at.us / 1e6, UTC).isoformat()


# ------------------------------------------------------------------ recordings in five carriers


def without_repeats(rows: list[dict[str, bytes]]) -> list[dict[str, bytes]]:
    """The entries but for those whose words were said before in the same second."""
    seen: dict[tuple[str, bytes, bytes], dict[str, bytes]] = {}
    for row in rows:
        second = row["__REALTIME_TIMESTAMP"].decode()[:-6]
        seen.setdefault((second, row.get("_PID", b""), row["MESSAGE"]), row)
    return list(seen.values())


NAMES = ["1322-tz-kolkata", "1322-etcd-fresh", "1303-full-b", "1284-restart-100-then-25"]


@pytest.mark.parametrize("name", NAMES)
def test_the_five_carriers_of_a_recording_agree(name: str, tmp_path: Path) -> None:
    rows = export_rows(RECORDED / f"{name}.export.gz")
    truth = {}
    for kind, blob in carriers(rows):
        log_records = read(write(tmp_path, kind, blob))
        wanted = [r for r in rows if r["SYSLOG_IDENTIFIER"] == b"k3s"] if kind == "cat" else rows
        assert not log_records.steps
        if kind in ("short", "iso", "cat"):  # k3s says some words twice within a second: one line in coarse stamps
            wanted = without_repeats(wanted)
        assert len(log_records.records) == len(wanted)
        for row, record in zip(wanted, log_records.records, strict=True):
            if kind == "export":
                truth[row["__REALTIME_TIMESTAMP"], row["MESSAGE"]] = record
            same = truth[row["__REALTIME_TIMESTAMP"], row["MESSAGE"]]
            assert (record.message, record.payload, record.level) == (same.message, same.payload, same.level)
            realtime = int(row["__REALTIME_TIMESTAMP"])
            if record.at is None:
                assert kind == "cat"
                continue
            assert record.absolute
            late = realtime - record.at.us
            # The axis of export and json follows the monotonic clock: a few ms of slewing lie between the two.
            assert -20_000 <= late < record.at.precision_us + (10_000_000 if kind == "cat" else 20_000)
            if same.inner_at is not None:
                assert record.inner_at is not None
                assert abs(record.inner_at.us - same.inner_at.us) < 10_000
            if kind in ("export", "json"):
                assert record.clock.basis == "monotonic"
                assert record.boot_id is not None
            else:
                assert (
                    record.clock.year_from == ("stamp" if kind == "iso" else "logrus")
                    or record.clock.year_from == "etcd"
                )


def test_klog_of_another_zone_is_put_into_utc(tmp_path: Path) -> None:
    rows = export_rows(RECORDED / "1322-tz-kolkata.export.gz")
    for kind, blob in carriers(rows):
        klog = [r for r in read(write(tmp_path, kind, blob)).records if r.payload is Payload.KLOG]
        assert len(klog) > 100
        for record in klog:
            assert record.at is not None
            assert record.inner_at is not None
            assert record.inner_at.precision_us == 1
            assert 0 <= record.at.us + record.at.precision_us - record.inner_at.us < 10_000_000
    assert {r.clock.utc_offset for r in klog} == {"+05:30"}  # cat: the process's own zone


# ------------------------------------------------------------------ journalctl's modes

MODES = [
    "json.utc", "json-pretty.utc", "json-seq.utc", "json-sse.utc", "short.utc", "short.berlin", "short-precise.berlin",
    "short-iso.utc", "short-iso.berlin", "short-iso-precise.berlin", "short-full.utc", "with-unit.berlin",
    "short-monotonic.utc", "short-delta.utc", "short-unix.utc", "verbose.utc", "cat.utc",
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_summer_time_in_every_mode(mode: str) -> None:
    rows = export_rows(CARRIERS / "dst" / "export.utc.txt")
    records = read(CARRIERS / "dst" / f"{mode}.txt").records
    assert len(records) == len(rows)
    for row, record in zip(rows, records, strict=True):
        assert record.at is not None
        assert record.absolute
        late = int(row["__REALTIME_TIMESTAMP"]) - record.at.us
        # Text with boot seconds only is pinned by stamps of whole seconds.
        slack = 1_000_000 if "monotonic" in mode or "delta" in mode else 0
        assert -slack <= late < record.at.precision_us + slack
        assert record.message.endswith("Europe/Berlin")
    log_records = read(CARRIERS / "dst" / f"{mode}.txt")
    assert not log_records.steps  # the end of summer time is no clock step


@pytest.mark.parametrize("mode", ["short-iso.berlin", "short-unix.utc", "short-full.utc", "json.utc", "verbose.utc"])
@pytest.mark.parametrize("scenario", ["leap", "newyear", "rpi"])
def test_dated_modes_of_odd_dates(mode: str, scenario: str) -> None:
    rows = export_rows(CARRIERS / scenario / "export.utc.txt")
    records = read(CARRIERS / scenario / f"{mode}.txt").records
    assert [r.message for r in records][-1]
    assert len(records) == len(rows)
    last = records[-1]
    assert last.at is not None
    ahead = last.at.us - int(rows[-1]["__REALTIME_TIMESTAMP"])
    if scenario == "rpi" and not mode.startswith(("json", "verbose")):  # set back at that line, which stands behind
        assert ahead > 0 and last.at.us >= (records[-2].at or last.at).us
        return
    assert 0 <= -ahead < last.at.precision_us + 1


@pytest.mark.parametrize("scenario", ["leap", "newyear"])
def test_a_short_log_without_anchor_is_not_dated(scenario: str) -> None:
    rows = export_rows(CARRIERS / scenario / "export.utc.txt")
    records = read(CARRIERS / scenario / "short.berlin.txt").records
    assert not any(r.absolute for r in records)
    assert {r.clock.year_from for r in records} == {"none"}
    stamps = [r.at.us for r in records if r.at is not None]
    real = [int(r["__REALTIME_TIMESTAMP"]) // 1_000_000 * 1_000_000 for r in rows]
    assert [b - stamps[0] for b in stamps] == [b - real[0] for b in real]


def test_clock_steps_do_not_move_the_monotonic_axis() -> None:
    log_records = read(CARRIERS / "rpi" / "export.utc.txt")
    assert [round(s.by_s, 1) for s in log_records.steps] == [1729567010.7, 11241979.1, -6.1]
    at = {r.message: r.at.us for r in log_records.records if r.at is not None}
    begin = next(v for k, v in at.items() if k.startswith("Starting k3s.service"))
    assert at["k3s is up and running"] - begin == 21_000_000
    for record in log_records.records:
        if record.inner_at is not None and record.at is not None:
            assert 0 <= record.at.us - record.inner_at.us < 2_000_000


@pytest.mark.parametrize(
    "mode", ["short.utc", "short-monotonic.utc", "short-iso.utc", "short.berlin", "with-unit.berlin"]
)
def test_clock_steps_in_text_are_named(mode: str) -> None:
    log_records = read(CARRIERS / "rpi" / f"{mode}.txt")
    assert any(s.by_s > 11_000_000 for s in log_records.steps)
    assert any(-6.5 < s.by_s < -4 for s in log_records.steps)
    begin = next(r for r in log_records.records if r.message.startswith("Starting k3s.service"))
    up = next(r for r in log_records.records if r.message == "k3s is up and running")
    assert begin.at is not None
    assert up.at is not None
    assert 0 < up.at.us - begin.at.us < 60_000_000


@pytest.mark.parametrize("mode", ["export", "json", "short", "with-unit", "verbose", "short-iso"])
def test_every_quirk_of_journald(mode: str) -> None:
    log_records = read(CARRIERS / "main" / f"{mode}.utc.txt.gz")
    messages = [r.message for r in log_records.records]
    assert messages.count("k3s is up and running") == 1
    exited = next(r for r in log_records.records if "Main process exited" in r.message)
    assert exited.payload is Payload.SYSTEMD
    assert exited.unit == "k3s.service"
    assert exited.journal["EXIT_STATUS"] == "1"
    restart = next(r for r in log_records.records if "restart counter" in r.message)
    assert restart.journal["N_RESTARTS"] == "1"
    starting = next(r for r in log_records.records if r.message.startswith("Starting k3s.service"))
    assert (starting.ident, starting.unit) == ("systemd", "k3s.service")
    pieces = [
        r
        for r in log_records.records
        if r.message.strip() == "[-]poststarthook/rbac/bootstrap-roles failed: not finished"
    ]
    assert len(pieces) == 2
    assert all(p.payload is Payload.PLAIN and p.pid == 1193 for p in pieces)
    assert len({r.boot_id for r in log_records.records if r.boot_id}) == (1 if "short" in mode or "unit" in mode else 2)
    assert log_records.ledger.lossy
    assert not any(c in m for m in messages for c in "\x00\x07\x08\r\x1b")


# ------------------------------------------------------------------ containers, shippers, syslog

STARTING = "Starting k3s v1.32.1+k3s1 (6a322f12)"


@pytest.mark.parametrize(
    ("name", "kind", "at"),
    [
        ("docker-json-file.log", "docker-json", "2025-03-01T06:03:32.400900+00:00"),
        ("docker-logs-t.txt", "short-iso", "2025-03-01T06:03:32.400900+00:00"),
        ("cri.log", "cri", "2025-03-01T06:03:36.118200+00:00"),
        ("kubectl-logs-prefix.txt", "short-iso", "2025-03-01T06:03:33+00:00"),
        ("filebeat-journald.ndjson", "filebeat", "2025-03-01T06:03:32.400000+00:00"),
        ("fluent-bit-json_lines.ndjson", "json", "2025-03-01T06:03:32.400900+00:00"),
        ("vector-journald.ndjson", "json", "2025-03-01T06:03:32.400900+00:00"),
        ("logcli-default.txt", "short-iso", "2025-03-01T06:03:32+00:00"),
        ("logcli-jsonl.txt", "logcli", "2025-03-01T06:03:32.041207+00:00"),
        ("loki-api-query_range.json", "loki", "2025-03-01T06:03:32.400900+00:00"),
        ("grafana-explore.csv", "csv", "2025-03-01T06:03:32.400900+00:00"),
        ("grafana-explore.json", "logcli", "2025-03-01T06:03:32.400900+00:00"),
        ("grafana-explore.txt", "grafana", "2025-03-01T06:03:32.400000+00:00"),
        ("kibana-discover.csv", "csv", "2025-03-01T06:03:32.400000+00:00"),
        ("github-actions-step.txt", "mixed", "2025-03-01T06:03:32+00:00"),
        ("github-actions-gh-run-view.txt", "short-iso", "2025-03-01T06:03:32+00:00"),
        ("gitlab-ci.txt", "short-iso", "2025-03-01T06:03:32+00:00"),
        ("openrc-k3s.log", "cat", "2025-03-01T06:03:32+00:00"),
        ("logrus-tty-fulltimestamp.txt", "cat", "2025-03-01T06:03:32+00:00"),
        ("k3s-no-date-no-host.txt", "undated", "2025-03-01T06:03:32+00:00"),
        ("short-date-stripped.txt", "undated", "2025-03-01T06:03:32+00:00"),
    ],
)
def test_carriers_around_the_message(name: str, kind: str, at: str) -> None:
    log_records = read(CARRIERS / "other" / name)
    assert log_records.sources[0].format == kind
    banner = next(r for r in log_records.records if r.message == STARTING)
    assert banner.payload is Payload.LOGRUS
    assert utc(banner) == at
    stamps = [r.at.us for r in log_records.records if r.at is not None]
    if name not in ("openrc-k3s.log",):  # etcd's stamp there is earlier than the line before it
        assert stamps == sorted(stamps)


def test_split_lines_of_containers_are_one() -> None:
    for name in ("cri.log", "docker-json-file.log"):
        long = [r for r in read(CARRIERS / "other" / name).records if r.message.startswith("xxxx")]
        assert len(long) == 1
        assert len(long[0].message) > 17_000
        assert not long[0].truncated
        assert len(long[0].raw) == 4096


def test_terminal_seconds_are_put_between_stamped_lines() -> None:
    log_records = read(CARRIERS / "other" / "logrus-tty.txt")
    first, fatal = log_records.records[0], log_records.records[-1]
    klog = next(r for r in log_records.records if r.payload is Payload.KLOG)
    assert first.at is not None
    assert fatal.at is not None
    assert klog.at is not None
    assert (fatal.level, first.clock.basis, first.absolute) == ("fatal", "elapsed", False)
    assert fatal.at.us - first.at.us == 10_000_000
    assert first.at.us + 3_000_000 <= klog.at.us  # printed after INFO[0003]
    assert fatal.at.us + fatal.at.precision_us > klog.at.us  # and before FATA[0010]


def test_terminal_seconds_alone_start_from_zero_and_runs_follow_each_other(tmp_path: Path) -> None:
    banner = "INFO[0000] Starting k3s v1.30.0+k3s1 (x)\n"
    text = banner + "FATA[0012] boom\n" + banner + "INFO[0003] y\n"
    records = read(write(tmp_path, "tty", text)).records
    stamps = [r.at.us for r in records if r.at is not None]
    assert stamps == sorted(stamps)
    assert stamps[1] - stamps[0] == 12_000_000
    assert stamps[3] - stamps[2] == 3_000_000
    assert not any(r.absolute for r in records)


def test_syslog_forms(tmp_path: Path) -> None:
    inner = 'time="2025-03-01T06:03:36Z" level=info msg="x"'
    text = (
        f"Mar  1 06:03:36 n1 k3s[5]: {inner}\n"
        f"<30>1 2025-03-01T06:03:36.400900+00:00 n1 k3s 5 - - {inner}\n"
        f"<30>Mar  1 06:03:36 n1 k3s[5]: {inner}\n"
        f"2025-03-01T06:03:36.400900+00:00 n1 k3s[5]: {inner}\n"
        f"Mar  1 06:03:36 n1 daemon.info k3s[5]: {inner}\n"
        f"Mar  1 06:03:36 n1 k3s[5]: message repeated 3 times: [ {inner}]\n"
        f"Mar  1 06:03:36 n1 k3s: {inner}\n"
    )
    records = read(write(tmp_path, "syslog", text)).records
    assert len(records) == 7
    for record in records:
        assert (record.host, record.ident, record.message) == ("n1", "k3s", "x")
        assert record.at is not None
        assert record.at.us // 1_000_000 == 1740809016
    assert [r.pid for r in records] == [5, 5, 5, 5, 5, 5, None]


@pytest.mark.parametrize(
    "month", ["Mär 01", "mars 01", "3月 01", " 3月 01", "mar 01", "Mar  1", "Thg 3 01", "de març 01", "ar 01"]
)
def test_months_of_other_languages_and_damaged_ones(month: str, tmp_path: Path) -> None:
    text = f'{month} 07:03:36 n1 k3s[5]: time="2025-03-01T06:03:36Z" level=info msg="x"\n'
    (record,) = read(write(tmp_path, "short", text)).records
    assert utc(record) == "2025-03-01T06:03:36+00:00"
    assert (record.clock.utc_offset, record.host, record.pid) == ("+01:00", "n1", 5)


@pytest.mark.parametrize("prefix", ["server_1  | ", "> ", "`", "[pod/k3s-0/server] ", "k3s-server-1 | "])
def test_wrappers_without_a_time(prefix: str, tmp_path: Path) -> None:
    text = f'{prefix}time="2025-03-01T06:03:36+01:00" level=info msg="Starting k3s v1.30.1+k3s1 (aa)"\n'
    (record,) = read(write(tmp_path, "w", text)).records
    assert record.message == "Starting k3s v1.30.1+k3s1 (aa)"
    assert utc(record) == "2025-03-01T05:03:36+00:00"


# ------------------------------------------------------------------ pastes


def test_status_paste(tmp_path: Path) -> None:
    text = (
        "● k3s.service - Lightweight Kubernetes\n"
        "     Loaded: loaded (/etc/systemd/system/k3s.service; enabled; preset: enabled)\n"
        "     Active: activating (start) since Sun 2026-11-22 23:47:50 UTC; 1min 53s ago\n"
        "   Main PID: 1193 (code=exited, status=1/FAILURE)\n"
        "     CGroup: /system.slice/k3s.service\n"
        "             ├─1193 /usr/local/bin/k3s server\n"
        "\n"
        'Nov 22 23:47:56 node-1 k3s[1193]: I1122 23:47:56.100000    1193 x.go:1] "Caches are …c ended"\n'
        "Nov 22 23:47:57 node-1 systemd[1]: k3s.service: Failed with result 'exit-code'.\n"
        "Hint: Some lines were ellipsized, use -l to show in full.\n"
    )
    log_records = read(write(tmp_path, "status", text))
    head, state, ended, first, second = log_records.records
    assert "status=1/FAILURE" in ended.message
    assert head.at is None and utc(state) == "2026-11-22T23:47:50+00:00"
    assert [utc(first), utc(second)] == ["2026-11-22T23:47:56+00:00", "2026-11-22T23:47:57+00:00"]
    assert {r.clock.year_from for r in log_records.records[1:]} == {"stamp"}
    assert first.truncated
    assert first.gap_before and not head.gap_before and not state.gap_before


def test_pager_cuts_and_pages(tmp_path: Path) -> None:
    line = 'Mar 01 06:03:3{} n1 k3s[5]: time="2025-03-01T06:03:3{}Z" level=fatal msg="starting kubern>'
    text = "\n".join([line.format(1, 1), "lines 1-19", line.format(2, 2), "(END)", "~"]) + "\n"
    records = read(write(tmp_path, "pager", text)).records
    assert [r.message for r in records] == ["starting kubern", "starting kubern"]
    assert all(r.truncated and r.level == "fatal" for r in records)
    plain = "Mar 01 06:03:31 n1 k3s[5]: I0301 06:03:31.000000       5 a.go:1] abcdefgh>\n"
    cut = read(write(tmp_path, "pager2", plain + plain.replace("abcd", "efgh"))).records
    assert [r.message for r in cut] == ["abcdefgh", "efghefgh"]
    (alone,) = read(write(tmp_path, "pager3", plain)).records
    assert alone.message == "abcdefgh>"


def test_markers_and_separators(tmp_path: Path) -> None:
    text = (
        "-- Logs begin at Sat 2025-03-01 06:00:00 UTC, end at Sat 2025-03-01 07:00:00 UTC. --\n"
        "Mar 01 06:03:31 n1 systemd[1]: Starting Lightweight Kubernetes...\n"
        "░░ Subject: A start job for unit k3s.service has begun execution\n"
        "-- Reboot --\n"
        "Mar 01 06:10:31 n1 systemd[1]: Starting Lightweight Kubernetes...\n"
        "--\n"
        "Mar 01 06:12:31 n1 systemd[1]: Started Lightweight Kubernetes.\n"
        "-- Boot 9f8e7d6c5b4a43029180f1e2d3c4b5a6 --\n"
        "Mar 01 06:20:31 n1 systemd[1]: Starting Lightweight Kubernetes...\n"
    )
    records = read(write(tmp_path, "short", text)).records
    assert [r.boot_seq for r in records] == [0, 1, 1, 2]
    assert records[3].boot_id == "9f8e7d6c5b4a43029180f1e2d3c4b5a6"
    assert [r.gap_before for r in records] == [False, False, True, False]
    assert utc(records[0]) == "2025-03-01T06:03:31+00:00"
    assert all(r.payload is Payload.SYSTEMD and r.unit is None for r in records)


def test_reversed_files_are_turned_round(tmp_path: Path) -> None:
    forward = (CARRIERS / "dst" / "short.berlin.txt").read_text().splitlines()
    whole = [line for line in forward if not line.startswith("--")]
    straight = read(write(tmp_path, "a", "\n".join(whole[:4]) + "\n"))
    backward = read(write(tmp_path, "b", "\n".join(reversed(whole[:4])) + "\n"))
    assert [(r.message, r.at) for r in straight.records] == [(r.message, r.at) for r in backward.records]
    assert backward.notes[0]


def test_entries_split_by_journald_are_joined(tmp_path: Path) -> None:
    message = 'time="2025-03-01T06:03:36Z" level=info msg="' + "a" * 100_000 + '"'
    pieces = [message[i : i + 49152] for i in range(0, len(message), 49152)]
    rows = b""
    for index, piece in enumerate(pieces):
        rows += (
            f"__REALTIME_TIMESTAMP=174080901604120{index}\n__MONOTONIC_TIMESTAMP=1904120{index}\n"
            f"_BOOT_ID=9f8e7d6c5b4a43029180f1e2d3c4b5a6\n_PID=5\nSYSLOG_IDENTIFIER=k3s\nMESSAGE={piece}\n"
        ).encode()
        rows += b"_LINE_BREAK=line-max\n\n" if len(piece) == 49152 else b"\n"
    (record,) = read(write(tmp_path, "export", rows)).records
    assert record.message == "a" * 100_000
    assert not record.truncated
    text = "".join(f"Mar 01 06:03:36 n1 k3s[5]: {piece}\n" for piece in pieces)
    (record,) = read(write(tmp_path, "short", text)).records
    assert record.message == "a" * 100_000


# ------------------------------------------------------------------ packing and several inputs


@pytest.mark.parametrize("module", ["gzip", "bz2", "lzma"])
def test_packed_inputs(module: str, tmp_path: Path) -> None:
    import importlib

    plain = (CARRIERS / "dst" / "short.berlin.txt").read_bytes()
    packed = write(tmp_path, "log.packed", importlib.import_module(module).compress(plain))
    assert [r.raw for r in read(packed).records] == [r.raw for r in read(CARRIERS / "dst" / "short.berlin.txt").records]
    cut = write(
        tmp_path, "cut", gzip.compress(b"Mar 01 06:03:31 n1 systemd[1]: Starting k3s.service - x\n" * 5000)[:-20]
    )
    log_records = read(cut)
    assert log_records.records
    assert log_records.ledger.reasons["input ends early"] == 1


def test_windows_text(tmp_path: Path) -> None:
    text = (CARRIERS / "dst" / "short.berlin.txt").read_text().replace("\n", "\r\n")
    wide = read(write(tmp_path, "wide", "\ufeff".encode("utf-16-le") + text.encode("utf-16-le")))
    assert [r.message for r in wide.records] == [r.message for r in read(CARRIERS / "dst" / "short.berlin.txt").records]
    bom = read(write(tmp_path, "bom", b"\xef\xbb\xbf" + text.encode()))
    assert len(bom.records) == len(wide.records)


def test_overlapping_files_count_once_whatever_their_order(tmp_path: Path) -> None:
    rows = export_rows(RECORDED / "1303-full-b.export.gz")
    blobs = dict(carriers(rows))
    lines = blobs["short"].splitlines(keepends=True)
    first = write(tmp_path, "messages.1", b"".join(lines[:500]))
    second = write(tmp_path, "messages", b"".join(lines[400:]))
    export = write(tmp_path, "k3s.export", blobs["export"])
    alone, _ = read_log_records([write(tmp_path, "all", blobs["short"])])
    for paths in ([first, second], [second, first], [first, second, first]):
        log_records, errors = read_log_records(paths)
        assert not errors
        assert [(r.message, r.at, r.inner_at) for r in log_records.records] == [
            (r.message, r.at, r.inner_at) for r in alone.records
        ]
        assert log_records.ledger.reasons["given twice"] >= 100
        assert log_records.ledger.ignored == log_records.ledger.lines
    both, _ = read_log_records([first, export, second])
    assert [r.message for r in both.records] == [r.message for r in read(export).records]
    assert {r.source for r in both.records} == {1}  # the finer clock wins


def test_two_hosts_stay_apart(tmp_path: Path) -> None:
    rows = export_rows(RECORDED / "1322-port-6444-taken.export.gz")
    other = [{**r, "_HOSTNAME": b"other", "_BOOT_ID": b"f" * 32} for r in rows]
    mixed = [row for pair in zip(rows, other, strict=True) for row in pair]
    from tests.kit.carrier_files import as_export

    records = read(write(tmp_path, "two", as_export(mixed))).records
    hosts = [r.host for r in records]
    assert len(hosts) == 2 * len(rows)
    assert sum(a != b for a, b in pairwise(hosts)) == 1


def test_servers_started_together_are_no_copies(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "sample_logs" / "slow-rbac-one-core.short.txt").read_text()
    host = text.split("\n")[5].split()[3]
    first = write(tmp_path, "a.txt", text.encode())
    second = write(tmp_path, "b.txt", text.replace(f" {host} ", " other ").encode())
    domain = write(tmp_path, "c.txt", text.replace(f" {host} ", f" {host}.lan ").encode())
    nameless = write(tmp_path, "d.txt", text.replace(f" {host} ", " ").encode())
    alone, both = read(first).records, read_log_records([first, second])[0]
    assert len(both.records) == 2 * len(alone)
    assert "given twice" not in both.ledger.reasons
    for copies in ([first, domain], [first, nameless], [nameless, first, domain]):
        assert len(read_log_records(copies)[0].records) == len(alone)
    assert len(read_log_records([first, second, domain, nameless])[0].records) == 2 * len(alone)


def test_a_board_that_began_in_1970_without_a_word_of_the_time_daemon(tmp_path: Path) -> None:
    rows = [("1970-01-01T00:00:30", "Starting k3s v1.32.4+k3s1 (6b330558)"), ("2025-03-01T06:03:30", "one")]
    text = "".join(f'{at}+0000 pi k3s[640]: time="{at}Z" level=info msg="{said}"\n' for at, said in rows)
    log_records = read(write(tmp_path, "pi.txt", text))
    first, second = (r.at for r in log_records.records)
    assert first == second  # how long the step took nobody knows
    assert [round(s.by_s / 86400 / 365.25) for s in log_records.steps] == [55]


def test_standard_input() -> None:
    data = (CARRIERS / "dst" / "json.utc.txt").read_bytes()
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data))
    assert not errors
    assert log_records.sources[0].path == "<stdin>"
    assert len(log_records.records) == 9


@pytest.mark.parametrize("pid", ["XXX", "****", "<redacted>"])
def test_a_pid_that_was_blacked_out_is_none(pid: str, tmp_path: Path) -> None:
    line = f'Mar 01 06:03:22 node-a k3s[{pid}]: time="2026-03-01T06:03:22Z" level=info msg="words"'
    [record] = read(write(tmp_path, "a.txt", line + "\n")).records
    assert (record.host, record.ident, record.pid, record.message) == ("node-a", "k3s", None, "words")


@pytest.mark.parametrize("stamp", ["timestamp", "time", "@timestamp"])
def test_an_object_with_a_message_and_a_time(stamp: str, tmp_path: Path) -> None:
    words = 'time="2026-03-01T06:03:22Z" level=info msg="words"'
    row = {stamp: "2026-03-01T06:03:22.500Z", "message": words, "host": "node-a", "_PID": "7"}
    [record] = read(write(tmp_path, "a.json", json.dumps(row) + "\n")).records
    assert (record.host, record.pid, record.message, utc(record)) == (
        "node-a", 7, "words", "2026-03-01T06:03:22.500000+00:00",
    )  # fmt: skip


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_of_lines_of_syslog(mark: str, tmp_path: Path) -> None:
    line = 'Mar 01 06:03:22 node-a k3s[7]: time=""2026-03-01T06:03:22Z"" level=info msg=""words""'
    text = f'Time{mark}Line\n2026-03-01T06:03:22.500Z{mark}"{line}"\n'
    [record] = read(write(tmp_path, "a.csv", text)).records
    assert (record.host, record.ident, record.pid, record.message) == ("node-a", "k3s", 7, "words")
    assert utc(record) == "2026-03-01T06:03:22.500000+00:00"


def test_pretty_json_without_the_begin_of_its_first_entry(tmp_path: Path) -> None:
    def entry(n: int) -> str:
        fields = {"__REALTIME_TIMESTAMP": str(1772345000000000 + n), "_HOSTNAME": "node-a", "_PID": "7"}
        return json.dumps(fields | {"SYSLOG_IDENTIFIER": "k3s", "MESSAGE": f"line {n}"}, indent="\t")

    rows = "\n".join(map(entry, range(4))).split("\n")
    for cut in (1, 3, len(rows) // 4 - 1):
        found = read(write(tmp_path, "a.json", "\n".join(rows[cut:]) + "\n"))
        assert [record.message for record in found.records] == ["line 1", "line 2", "line 3"]
