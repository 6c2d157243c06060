"""The scan of large inputs: same starts as from a small file, exact line numbers, nothing kept that should not be."""

from __future__ import annotations

import io
import random
import tracemalloc
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

import analyzer
from analyzer.records import read, read_log_records
from analyzer.records.carriers import export
from analyzer.results import Report
from analyzer.sources import scan, search
from analyzer.sources.raw_lines import LINE_LIMIT, RawLine
from analyzer.testing import generate, named
from tests.kit.carrier_files import RECORDED, as_cat, as_export, as_json, as_short, export_rows
from tests.kit.thinned import thinned

ENGINES = [search.stdlib_engine(), search.automaton_engine()]
LONG = [70_000, 200_000, LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, 600_000]
NOISE = b'Nov 23 16:20:00 vm k3s[%d]: time="2026-11-23T16:20:00Z" level=info msg="Wrote ping of %d"\n'


def noise(lines: int, pid: int = 7) -> bytes:
    return b"".join(NOISE % (pid, n) for n in range(lines))


@pytest.fixture(autouse=True)
def short_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "FIRST_LINES", 200)
    monkeypatch.setattr(scan, "HEAD_LINES", 200)
    monkeypatch.setattr(scan, "AFTER_READY", 400)


def run(data: bytes, engine: search.Engine) -> list[RawLine]:
    return list(scan.candidates(io.BufferedReader(io.BytesIO(data)), True, engine))  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES, ids=["stdlib", "automaton"])
def test_a_start_within_noise_is_kept_whole(engine: search.Engine | None) -> None:
    if engine is None:
        pytest.skip("ahocorasick_rs is not installed")
    start = as_short(export_rows(RECORDED / "1322-tz-kolkata.export.gz"))
    data = noise(20_000) + start + noise(20_000)
    kept = run(data, engine)
    lines = data.split(b"\n")
    assert all(lines[line.number - 1] == line.data for line in kept)
    numbers = [line.number for line in kept]
    assert numbers == sorted(set(numbers))
    count = start.count(b"\n")
    assert set(range(20_001, 20_001 + count)) <= set(numbers)
    assert len(kept) < count + scan.HEAD_LINES + scan.AFTER_READY + 4 * scan.BEFORE
    for before, line in pairwise(kept):
        assert line.gap == (line.number != before.number + 1)


@pytest.mark.parametrize("engine", ENGINES, ids=["stdlib", "automaton"])
@pytest.mark.parametrize("seed", range(6))
def test_numbers_hold_across_blocks_and_endless_lines(engine: search.Engine | None, seed: int) -> None:
    if engine is None:
        pytest.skip("ahocorasick_rs is not installed")
    dice = random.Random(seed)
    rows = []
    for number in range(3000):
        size = dice.choice([0, 5, 80, 300, 3000]) if dice.random() < 0.99 else dice.choice(LONG)
        word = dice.choice([b"", b"", b"", b" level=fatal msg=", b" systemd[1]: Started k3s", b"] Serving securely"])
        rows.append(b"%d|" % number + b"x" * (size // 2) + word + b"y" * (size // 2))
    data = b"\n".join(rows) + dice.choice([b"\n", b""])
    kept = run(data, engine)
    for line in kept:
        assert line.filler or rows[line.number - 1][:LINE_LIMIT] == line.data
    numbers = {line.number for line in kept}
    for number, row in enumerate(rows, 1):
        if any(
            word in row[:LINE_LIMIT]
            for word in (b" level=fatal msg=", b"systemd[1]: Started k3s", b"] Serving securely")
        ):
            assert number in numbers
    assert len(rows) in numbers


@pytest.mark.parametrize("carrier", ["short", "cat", "json", "export"])
def test_a_large_file_reads_like_a_small_one(carrier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = export_rows(RECORDED / "1322-etcd-fresh.export.gz")
    first = {**rows[-1], "MESSAGE": b'time="2026-11-23T16:20:00Z" level=info msg="Wrote ping"'}
    padding = []
    for number in range(3000):
        stamp = int(rows[0]["__REALTIME_TIMESTAMP"]) - 4_000_000_000 + number * 1000
        mono = int(rows[0]["__MONOTONIC_TIMESTAMP"]) - 400_000_000 + number * 1000
        padding.append(
            {**first, "__REALTIME_TIMESTAMP": b"%d" % stamp, "__MONOTONIC_TIMESTAMP": b"%d" % mono, "_PID": b"7"}
        )
    write = {"short": as_short, "cat": as_cat, "json": as_json, "export": as_export}[carrier]
    path = tmp_path / "journal"
    path.write_bytes(write(padding + rows))
    small, _ = read_log_records([path])
    monkeypatch.setattr("analyzer.records.read.BIG", 1000)
    large, errors = read_log_records([path])
    assert not errors
    assert large.ledger.lines == small.ledger.lines
    assert large.ledger.ignored == small.ledger.ignored
    assert large.ledger.reasons["passed over by the fast scan"] > 2000
    kept = {r.line: r for r in large.records}
    # An export passes over the few lines between systemd's line and the banner.
    want = [r for r in small.records if r.line > 3002]
    assert len(want) > 300
    for record in want:
        same = kept[record.line]
        assert (same.message, same.at, same.payload, same.pid) == (
            record.message,
            record.at,
            record.payload,
            record.pid,
        )
    gaps = [r.line for r in large.records if r.gap_before]
    assert gaps
    assert max(gaps) >= 2900


def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as out:
        block = noise(5000)
        while out.tell() < 48 << 20:
            out.write(block)
    tracemalloc.start()
    log_records, errors = read_log_records([path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not errors
    assert peak < 8 << 20
    assert len(log_records.records) < 500
    assert log_records.ledger.lines > 400_000
    assert log_records.ledger.ignored == log_records.ledger.lines


def padded(rows: list[bytes], every: int) -> list[bytes]:
    """The rows of a journal, with copies of a controller's line strewn in after a server was up."""
    out: list[bytes] = []
    up = False
    for row in rows:
        out.append(row)
        up = (up or b"is up and running" in row) and b"Stopping" not in row and b"signal received" not in row
        if up and b"controllermanager.go:765] " in row:
            out += [row.replace(b"-controller", b"-tenant-%d" % number) for number in range(every)]
    return out


_whole: dict[tuple[str, str], Report] = {}


def whole_report(scenario: str, carrier: str, data: bytes) -> Report:
    """The report without the scan: it is the same for each engine of the scan."""
    if (scenario, carrier) not in _whole:
        _whole[scenario, carrier] = analyzer.analyze(analyzer.load(stdin=io.BytesIO(data))).report
    return _whole[scenario, carrier]


@pytest.mark.parametrize("engine", ["stdlib", "automaton"])
@pytest.mark.parametrize("carrier", thinned(["short", "short-iso-precise", "cat", "json", "export"], 3))
@pytest.mark.parametrize("scenario", ["healthy-sqlite", "killed-twice", "slow-rbac-one-core"])
def test_the_report_of_a_large_file_is_that_of_its_starts(
    scenario: str, carrier: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "stdlib":
        monkeypatch.setattr(scan, "find_engine", search.stdlib_engine)
    elif search.automaton_engine() is None:
        pytest.skip("ahocorasick_rs is not installed")
    end = b"\n\n" if carrier == "export" else b"\n"
    rows = generate(named(scenario), seed=3).render(carrier).removesuffix(end).split(end)
    large = padded(rows, 200)
    assert len(large) > len(rows) + 1000
    whole = whole_report(scenario, carrier, end.join(large) + end)
    monkeypatch.setattr(read, "BIG", 1000)
    monkeypatch.setattr(export, "BIG", 1000)
    monkeypatch.setattr(scan, "BIG", 1000)
    scanned = analyzer.analyze(analyzer.load(stdin=io.BytesIO(end.join(large) + end))).report
    assert scanned.ledger.lines == whole.ledger.lines
    assert scanned.ledger.reasons["passed over by the fast scan"] > 800
    assert scanned.starts
    for one, other in zip(scanned.starts, whole.starts, strict=True):
        for field in fields(one):
            assert getattr(one, field.name) == getattr(other, field.name), field.name


# The lines of other units between those of k3s, as every node has them.
OTHERS = (
    'kubelet[812]: I0301 06:03:33.020255     812 reconciler_common.go:245] "operationExecutor.MountVolume started {n}"',
    'containerd[700]: time="2026-03-01T06:03:33Z" level=info msg="shim disconnected" id={n}',
    "systemd[1]: run-containerd-{n}.mount: Deactivated successfully.",
    "systemd[1]: Started session-{n}.scope - Session {n} of User ops.",
    "kernel: cni0: port {n}(veth1) entered forwarding state",
)


def among_others(rows: list[bytes], every: int, carrier: str) -> list[bytes]:
    """Rows with lines of other units between them, each with the stamp of the row before it."""
    out: list[bytes] = []
    for number, row in enumerate(rows):
        out.append(row)
        stamp = row.split(b" ")[: 3 if carrier == "short" else 1]
        host = row.split(b" ")[len(stamp)]
        for other in range(every):
            text = OTHERS[(number + other) % len(OTHERS)].format(n=number * every + other)
            out.append(b" ".join([*stamp, host, text.encode()]))
    return out


def answers(data: bytes) -> list[tuple[object, ...]]:
    report = analyzer.analyze(analyzer.load(stdin=io.BytesIO(data))).report
    return [
        (s.pid, s.host, s.began_at, s.outcome, s.ready, s.detected, s.bottleneck, sorted({f.id for f in s.findings}))
        for s in report.starts
    ]


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "BIG", 1000)
    monkeypatch.setattr(export, "BIG", 1000)
    monkeypatch.setattr(scan, "BIG", 1000)


@pytest.mark.parametrize("carrier", ["short", "short-iso-precise"])
@pytest.mark.parametrize("turned", [False, True], ids=["", "reversed"])
@pytest.mark.parametrize("banner", [True, False], ids=["", "no banner"])
@pytest.mark.parametrize("scenario", thinned(["healthy-sqlite", "killed-twice", "etcd-three-servers"], 2))
def test_other_units_between_the_lines_change_no_answer(
    scenario: str, carrier: str, turned: bool, banner: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = generate(named(scenario), seed=5).render(carrier).rstrip(b"\n").split(b"\n")
    if not banner:
        rows = [row for row in rows if b'msg="Starting k3s v' not in row]
    large = among_others(rows, 6, carrier)
    data = b"\n".join(reversed(large) if turned else large) + b"\n"
    whole = answers(data)
    shrink(monkeypatch)
    assert answers(data) == whole
    assert whole


@pytest.mark.parametrize("carrier", ["cri", "docker-json", "cat", "json", "export"])
@pytest.mark.parametrize(
    "scenario", ["healthy-sqlite", "killed-twice", pytest.param("etcd-three-servers", marks=pytest.mark.slow)]
)
def test_carriers_without_other_units_too(scenario: str, carrier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    end = b"\n\n" if carrier == "export" else b"\n"
    rows = generate(named(scenario), seed=5).render(carrier).removesuffix(end).split(end)
    data = end.join(padded(rows, 150)) + end
    whole = answers(data)
    shrink(monkeypatch)
    assert answers(data) == whole
    assert whole


@pytest.mark.parametrize("carrier", ["short", "export"])
def test_too_many_candidates_are_left_out_and_counted(carrier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "KEPT_LINES", 1000)
    monkeypatch.setattr(scan, "TAIL_LINES", 500)
    monkeypatch.setattr(scan, "BIG", 1000)
    monkeypatch.setattr(read, "BIG", 1000)
    monkeypatch.setattr(export, "BIG", 1000)
    rows = generate(named("healthy-sqlite"), seed=3).render(carrier)
    copies = [rows.replace(b"node-a", b"node-%d" % n).replace(b"__CURSOR=", b"__CURSOR=%d" % n) for n in range(60)]
    data = b"".join(copies)
    log_records, _ = read_log_records(["-"], stdin=io.BytesIO(data))
    lines = data.count(b"\n\n" if carrier == "export" else b"\n")
    left_out = log_records.ledger.reasons["left out: more lines about starts than can be held"]
    passed = log_records.ledger.reasons["passed over by the fast scan"]
    assert log_records.ledger.lines == log_records.ledger.ignored == lines
    assert left_out > lines // 2
    twice = log_records.ledger.reasons["given twice"]  # an export's copies have the same cursors
    assert left_out + passed + twice + len({r.line for r in log_records.records}) == lines
    assert {r.host for r in log_records.records} >= {"node-0", "node-59"}
    assert [r.message for r in log_records.records if r.host == "node-59"][-1].startswith('"Started controller"')
    assert any("left out" in note for note in log_records.notes[0])
    in_order = sorted(log_records.records, key=lambda r: r.line)
    before, after = next(pair for pair in pairwise(in_order) if pair[1].line - pair[0].line > lines // 2)
    assert after.gap_before
    assert not before.gap_before


def test_many_short_lines_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MANY", 1000)
    lines = list(scan.candidates(io.BufferedReader(io.BytesIO(b"a\n" * 100_000)), False))  # type: ignore[arg-type]
    assert len(lines) < 1300
    assert lines[-1].filler or lines[-1].number == 100_000


def test_lines_near_a_start_are_kept_whatever_they_say() -> None:
    slow = (
        b'Nov 23 16:20:01 vm k3s[9]: {"level":"warn","ts":"2026-11-23T16:20:01Z","msg":"apply request took too long"}\n'
    )
    banner = b'Nov 23 16:20:00 vm k3s[9]: time="2026-11-23T16:20:00Z" level=info msg="Starting k3s v1.32.4+k3s1"\n'
    data = noise(1000) + slow * 300 + noise(1000) + banner + slow * 300 + noise(30_000, 9) + slow * 300 + noise(100)
    for engine in ENGINES:
        if engine is not None:
            kept = run(data, engine)
            assert sum(line.data == slow[:-1] for line in kept) == 300


def test_the_units_of_containers_are_no_candidates() -> None:
    mount = b"Nov 23 16:20:01 vm systemd[1]: run-k3s-%d.mount: Deactivated successfully.\n"
    own = b"Nov 23 16:20:01 vm systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE\n"
    scope = b"Nov 23 16:20:01 vm systemd[1]: Started cri-containerd-%d.scope - libcontainer container.\n"
    data = noise(1000) + b"".join(mount % n + scope % n for n in range(1000)) + own + noise(1000)
    for engine in ENGINES:
        if engine is not None:
            numbers = [line.number for line in run(data, engine) if 1000 < line.number <= 3001]
            assert numbers == list(range(3001 - scan.BEFORE, 3002))


@pytest.mark.parametrize("scenario", ["healthy-sqlite", "slow-rbac-one-core"])
def test_a_start_without_any_of_its_first_words_is_not_claimed_to_be_seen_from_its_begin(
    scenario: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = generate(named(scenario), seed=3).render("short").removesuffix(b"\n").split(b"\n")
    words = (b"Starting ", b"Polling for API", b"Waiting for API", b"systemd[1]")
    bare = [row for row in rows if not any(word in row for word in words)]
    other = b" ".join([*bare[0].split(b" ")[:4], b"sshd[9]: Connection closed by 192.0.2.7 port 9"])
    data = b"\n".join([*[other] * 1000, *bare, *[other] * 1000]) + b"\n"
    [small] = analyzer.analyze(analyzer.load(stdin=io.BytesIO(data))).report.starts[-1:]
    shrink(monkeypatch)
    report = analyzer.analyze(analyzer.load(stdin=io.BytesIO(data))).report
    assert report.ledger.reasons["passed over by the fast scan"] > 500
    [large] = report.starts[-1:]
    assert not large.begin_seen and not small.begin_seen
    assert large.began_at is not None and small.began_at is not None
    late = (large.began_at - small.began_at).total_seconds()
    assert late >= 0.0  # seconds count from the first line kept: as moments, the window is the wider one
    assert large.ready is not None and small.ready is not None and small.ready.upper is not None
    assert large.ready.upper is None or large.ready.upper + late >= small.ready.upper
    assert large.ready.lower is None or large.ready.lower + late <= (small.ready.lower or 0.0)
