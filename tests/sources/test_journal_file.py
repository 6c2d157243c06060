"""Binary journals: equal to what journalctl says of them, and whatever can be read when they are damaged."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import lzma
import random
import re
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.errors import BadInputError
from analyzer.records.carriers import binary_journal
from analyzer.records.carriers.binary_journal import PASSED_OVER, read_journal
from analyzer.records.draft import Draft, Tally
from analyzer.records.read import read_log_records
from analyzer.sources import journal_file, journal_values
from analyzer.sources.journal_file import JournalEntry, JournalFile
from analyzer.sources.journal_values import find_codecs, lz4_block
from tests.kit.effort import calls
from tests.kit.journal_writer import Entry, write_journal

DATA = Path(__file__).parent.parent / "data" / "journals"
NAMES = sorted(path.name.removesuffix(".journal.xz") for path in DATA.glob("*.journal.xz"))
T0 = 1_740_809_010_000_000
Fields = list[tuple[str, bytes]]


def journal(name: str) -> bytes:
    return lzma.decompress((DATA / f"{name}.journal.xz").read_bytes())


def export(name: str) -> bytes:
    return lzma.decompress((DATA / f"{name}.export.xz").read_bytes())


def exported(data: bytes) -> list[Fields]:
    """Entries of an export, repeated fields and all."""
    entries: list[Fields] = []
    fields: Fields = []
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        row = data[at:end]
        at = end + 1
        if not row:
            entries.append(fields)
            fields = []
        elif b"=" in row:
            key, _, value = row.partition(b"=")
            fields.append((key.decode(), value))
        else:
            (length,) = struct.unpack_from("<Q", data, at)
            fields.append((row.decode(), data[at + 8 : at + 8 + length]))
            at += 9 + length
    return [[pair for pair in entry if pair[0] != "__CURSOR"] for entry in entries]


def as_exported(entry: JournalEntry) -> Fields:
    return [
        ("__REALTIME_TIMESTAMP", str(entry.realtime).encode()),
        ("__MONOTONIC_TIMESTAMP", str(entry.monotonic).encode()),
        ("_BOOT_ID", entry.boot_id.encode()),
        *(pair for pair in entry.pairs if pair[0] != "_BOOT_ID"),  # once is enough for journalctl
    ]


def entries_of(data: bytes) -> tuple[JournalFile, list[JournalEntry]]:
    file = JournalFile(io.BytesIO(data))
    return file, list(file.entries())


def drafts_of(data: bytes) -> tuple[Tally, list[Draft]]:
    tally = Tally("x.journal", 0)
    return tally, list(read_journal(io.BytesIO(data), tally))


def line(
    at_us: int, message: str, *, unit: str = "k3s.service", ident: str = "k3s", boot: str = Entry.boot, **more: str
) -> Entry:
    fields = {"MESSAGE": message, "SYSLOG_IDENTIFIER": ident, "_PID": "700", "_HOSTNAME": "node-1", **more}
    if unit:
        fields["_SYSTEMD_UNIT"] = unit
    return Entry(T0 + at_us, 5_000_000 + at_us, tuple((k, v.encode()) for k, v in fields.items()), boot)


def test_journals_of_every_kind_are_here() -> None:
    flags = {struct.unpack_from("<I", journal(name), 12)[0] for name in NAMES}
    assert {1, 2, 8} <= {flag & bit for flag in flags for bit in (1, 2, 8)}  # XZ, LZ4, ZSTD
    assert {bool(flag & 16) for flag in flags} == {bool(flag & 4) for flag in flags} == {True, False}


@pytest.mark.parametrize("name", NAMES)
def test_equal_to_journalctl_field_for_field(name: str) -> None:
    file, entries = entries_of(journal(name))
    assert [as_exported(entry) for entry in entries] == exported(export(name))
    assert not file.trouble
    assert not any(entry.lost or entry.gap for entry in entries)


def answer(path: Path) -> Any:
    report = json.loads(analyzer.analyze(path).to_json())
    return report["starts"], report.get("clock")


@pytest.mark.parametrize("name", ["main-lz4", "rpi-xz", "term-zstd", "token-lz4-wide", "kolkata-252"])
def test_the_answer_is_that_of_the_export(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.journal").write_bytes(journal(name))
    (tmp_path / "a.export").write_bytes(export(name))
    (tmp_path / "a.journal.gz").write_bytes(gzip.compress(journal(name), 1))
    whole = answer(tmp_path / "a.export")
    assert whole[0]
    assert answer(tmp_path / "a.journal") == whole
    assert answer(tmp_path / "a.journal.gz") == whole


# ------------------------------------------------------------------------------------------------------ damage


@pytest.mark.parametrize("name", ["kolkata-252", "token-lz4-wide"])
def test_a_truncated_file_gives_every_whole_entry(name: str, tmp_path: Path) -> None:
    data = journal(name)
    _, whole = entries_of(data)
    begin = data.index(b"MESSAGE=")  # tables of some megabytes are in front of the first entry
    cut = data[: begin + (len(data.rstrip(b"\0")) - begin) * 6 // 10]
    file, entries = entries_of(cut)
    assert len(entries) > len(whole) // 3
    assert [as_exported(e) for e in entries] == [as_exported(e) for e in whole[: len(entries)]]
    assert file.unreadable == len(whole) - len(entries) > 0
    assert "cut off or damaged" in file.trouble[0]
    path = tmp_path / "cut.journal"
    path.write_bytes(cut)
    log_records, errors = read_log_records([path])
    assert not errors and log_records.records
    assert "cut off or damaged" in " ".join(log_records.notes[0])


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_four_zeroed_kilobytes_cost_what_was_there(place: float) -> None:
    data = bytearray(journal("kolkata-252"))
    _, whole = entries_of(bytes(data))
    at = int(len(data.rstrip(b"\0")) * place) & ~4095
    data[at : at + 4096] = bytes(4096)
    file, entries = entries_of(bytes(data))
    stamps = {(e.seqnum, e.realtime) for e in whole}
    assert {(e.seqnum, e.realtime) for e in entries} <= stamps
    assert len(entries) >= len(whole) - 60
    if file.unreadable:
        assert any(entry.gap for entry in entries)
    good = {e.seqnum: as_exported(e) for e in whole}
    for entry in entries:
        if not entry.lost:
            assert dict(as_exported(entry)).items() <= {**dict(good[entry.seqnum]), "": b""}.items()


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bits_never_stop_the_reader(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(journal("kolkata-252" if seed % 2 else "token-lz4-wide"))
    _, whole = entries_of(bytes(data))
    used = len(data.rstrip(b"\0"))
    for _ in range(50):
        data[rng.randrange(256, used)] ^= 1 << rng.randrange(8)
    file, entries = entries_of(bytes(data))
    assert len(entries) >= len(whole) - 50
    assert file.unreadable == max(0, len(whole) - len(entries))
    _, drafts = drafts_of(bytes(data))
    assert drafts


@pytest.mark.parametrize("seed", range(20))
def test_a_file_of_rubbish_after_the_header_ends_quickly(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(journal("leap-plain")[:4096])
    data[88 + 8 * (seed % 16) :] = rng.randbytes(20_000)

    def read() -> None:
        for reader in (entries_of, drafts_of):
            with contextlib.suppress(BadInputError):
                reader(bytes(data))

    assert calls(read) < 20_000  # one a byte


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a systemd journal"),
        (b"x" * 4000, "not a systemd journal"),
        (b"LPKSHHRH" + bytes(92), "cut off in its header"),
        (write_journal([line(0, "a")], flags=32), "newer systemd"),
    ],
)
def test_what_is_refused_and_why(data: bytes, says: str) -> None:
    with pytest.raises(BadInputError, match=says) as caught:
        JournalFile(io.BytesIO(data))
    assert caught.value.hint


def test_nothing_readable_is_an_error_not_an_empty_log() -> None:
    data = bytearray(write_journal([line(0, "a")]))
    data[272:] = b"\xff" * (len(data) - 272)
    with pytest.raises(BadInputError, match="nothing can be read"):
        drafts_of(bytes(data))


def test_cycles_and_overlaps_end() -> None:
    rows = [line(i, f"line {i}") for i in range(200)]
    data = bytearray(write_journal(rows, per_array=20))
    first = struct.unpack_from("<Q", data, 176)[0]
    second = struct.unpack_from("<Q", data, first + 16)[0]
    for target in (first, second, 8, len(data) - 8, 1 << 60):
        struct.pack_into("<Q", data, second + 16, target)
        _, entries = entries_of(bytes(data))
        assert [e.seqnum for e in entries] == list(range(1, 201))  # found by the walk over the objects
    whole = bytearray(write_journal(rows))
    array = struct.unpack_from("<Q", whole, 176)[0]
    one = struct.unpack_from("<I", whole, array + 24)[0]
    struct.pack_into("<64I", whole, array + 24, *[one] * 64)  # the same entry again and again
    assert len(entries_of(bytes(whole))[1]) == 200


def test_an_entry_that_cannot_be_read_leaves_a_gap() -> None:
    data = bytearray(write_journal([line(i, f"line {i}") for i in range(10)]))
    array = struct.unpack_from("<Q", data, 176)[0]
    fifth = struct.unpack_from("<I", data, array + 24 + 16)[0]
    data[fifth] = 9
    tally, drafts = drafts_of(bytes(data))
    assert [d.message for d in drafts if d.gap_before] == ["line 5"]
    assert tally.lines == 9 and "9 of 10 entries" in tally.notes[0]


# ------------------------------------------------------------------------------------------------------ values


def test_a_bomb_is_cut_at_the_limit() -> None:
    zeros = lzma.compress(b"MESSAGE=" + bytes(50 << 20), preset=0)
    entry = Entry(T0, 1, (("MESSAGE", (1, zeros)), ("SYSLOG_IDENTIFIER", b"k3s")))
    _, entries = entries_of(write_journal([entry]))
    assert len(dict(entries[0].pairs)["MESSAGE"]) == journal_file.VALUE_LIMIT
    tally, drafts = drafts_of(write_journal([entry]))
    assert tally.truncated == 1 and len(drafts) == 1


def test_a_damaged_value_gives_a_placeholder() -> None:
    packed = bytearray(lzma.compress(b"MESSAGE=" + random.Random(1).randbytes(700)))
    packed[60] ^= 255
    tally, drafts = drafts_of(write_journal([Entry(T0, 1, (("MESSAGE", (1, bytes(packed))), ("_COMM", b"k3s")))]))
    assert drafts[0].lossy and drafts[0].message == "[damaged field]"
    assert tally.lossy_lines == {1}


@pytest.mark.parametrize("text", [b"", b"a", b"abcd" * 900, bytes(5000), b"xyz" + b"ab" * 40 + b"end"])
def test_lz4_blocks(text: bytes) -> None:
    # Literals only, and a block with a match that runs into itself.
    literals = bytearray()
    length = len(text)
    literals.append(min(length, 15) << 4)
    if length >= 15:
        rest = length - 15
        literals += b"\xff" * (rest // 255) + bytes([rest % 255])
    assert lz4_block(bytes(literals) + text, 1 << 20) == text
    assert lz4_block(b"\x1fA\x01\x00\x05" + b"\x50wxyz!", 1 << 20) == b"A" * 25 + b"wxyz!"
    for cut in (b"\x1fA\x09\x00\x05", b"\xf0", b"\x1fA\x00\x00", b"\x50ab", b"\x1fA\x01"):
        with pytest.raises(ValueError, match="lz4"):
            lz4_block(cut, 100)


@pytest.fixture
def no_zstd(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(journal_values, "_zstd", lambda: None)
    yield
    assert 4 in (4, *find_codecs())


@pytest.mark.usefixtures("no_zstd")
def test_without_zstd_a_placeholder_and_a_note() -> None:
    tally, drafts = drafts_of(journal("kolkata-252"))
    packed = [d for d in drafts if d.message.endswith("zstd not available]")]
    assert packed and all(d.lossy for d in packed)
    assert len(packed) == len(tally.lossy_lines)
    assert any("install k3slog[zstd]" in note for note in tally.notes)


@pytest.mark.usefixtures("no_zstd")
def test_journalctl_lends_texts_that_no_module_can_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for journalctl answers from the committed export."""
    answer = tmp_path / "k.json"
    cursors = re.findall(rb"^__CURSOR=(.*)$", export("kolkata-252"), re.MULTILINE)
    with answer.open("w") as out:
        for number, (cursor, fields) in enumerate(zip(cursors, exported(export("kolkata-252")), strict=True)):
            text = dict(fields)["MESSAGE"]
            message = list(text) if number % 2 else text.decode()  # journalctl writes bytes that are no text as numbers
            out.write(json.dumps({"__CURSOR": cursor.decode(), "MESSAGE": message}) + "\n")
    (tmp_path / "k.journal").write_bytes(journal("kolkata-252"))
    program = tmp_path / "journalctl"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint(open({str(answer)!r}).read(), end='')\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    with (tmp_path / "k.journal").open("rb") as file:
        tally = Tally("k.journal", 0)
        drafts = list(read_journal(file, tally, str(tmp_path / "k.journal")))
    monkeypatch.undo()
    _, expected = drafts_of(journal("kolkata-252"))
    assert [d.message for d in drafts] == [d.message for d in expected]
    assert not tally.lossy_lines and not tally.notes


@pytest.mark.usefixtures("no_zstd")
def test_a_journalctl_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "journalctl"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('Protocol not supported')\n")
    program.chmod(0o755)
    (tmp_path / "k.journal").write_bytes(journal("kolkata-252"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with (tmp_path / "k.journal").open("rb") as file:
        tally = Tally("k.journal", 0)
        list(read_journal(file, tally, str(tmp_path / "k.journal")))
    assert any("Protocol not supported" in note for note in tally.notes)


# ------------------------------------------------------------------------------------------------------ choice


def test_of_a_whole_node_only_what_concerns_k3s_is_kept() -> None:
    def kernel(at: int, text: str) -> Entry:
        return line(at, text, unit="", ident="kernel", _TRANSPORT="kernel")

    kept = [
        line(1, "k3s speaks"),
        line(2, "agent speaks", unit="k3s-agent.service"),
        line(3, "rke2 speaks", unit="rke2-server.service", ident="rke2"),
        line(4, "under another name", unit="kube.service", ident="kube", _COMM="k3s-server"),
        line(5, "Started k3s.service", unit="init.scope", ident="systemd", UNIT="k3s.service"),
        line(6, "Suppressed 9 messages from k3s.service", unit="systemd-journald.service", ident="systemd-journald",
             OBJECT_SYSTEMD_UNIT="k3s.service", MESSAGE_ID="a596d6fe7bfa4994828e72309e95d61e"),
        line(7, "Initial clock synchronization", unit="systemd-timesyncd.service", ident="systemd-timesyncd"),
        line(8, "System clock wrong", unit="chrony.service", ident="chronyd"),
        line(9, "Time has been changed", unit="init.scope", ident="systemd",
             MESSAGE_ID="c7a787079b354eaaa9e77b371893cd27"),
        kernel(10, "Out of memory: Killed process 700 (k3s-server)"),
    ]  # fmt: skip
    other = [
        line(20, "sshd", unit="ssh.service", ident="sshd"),
        line(21, "Started cron.service", unit="init.scope", ident="systemd", UNIT="cron.service"),
        line(22, "Suppressed 9 messages from x.service", unit="systemd-journald.service", ident="systemd-journald",
             OBJECT_SYSTEMD_UNIT="x.service", MESSAGE_ID="a596d6fe7bfa4994828e72309e95d61e"),
        kernel(23, "eth0: link up"),
    ]  # fmt: skip
    rows = [row for pair in zip(kept, other * 3, strict=False) for row in pair]
    for compact in (True, False):
        tally, drafts = drafts_of(write_journal(rows, compact=compact))
        assert [d.message for d in drafts] == [dict(row.fields)["MESSAGE"].decode() for row in kept]  # type: ignore[union-attr]
        assert not any(d.gap_before for d in drafts if "Suppressed" not in d.message)
        assert tally.lines == 20 and tally.reasons[PASSED_OVER] == 10
        assert [d.line for d in drafts] == list(range(1, 21, 2))


def test_k3s_under_a_name_of_its_own_is_found_by_its_banner() -> None:
    rows = [
        line(0, 'level=info msg="Starting k3s v1.32.1+k3s1 (6a322f12)"', unit="kube.service", ident="kube"),
        line(1, "more of it", unit="kube.service", ident="kube"),
    ]  # fmt: skip
    tally, drafts = drafts_of(write_journal(rows))
    assert len(drafts) == 2 and tally.reasons[PASSED_OVER] == 0
    tally, drafts = drafts_of(write_journal(rows[1:]))
    assert not drafts and tally.reasons[PASSED_OVER] == 1


def test_long_journals_go_through_the_fast_scan(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(binary_journal, "BIG", 50_000)
    banner = 'time="2025-03-01T06:03:30Z" level=info msg="Starting k3s v1.32.1+k3s1 (6a322f12)"'
    rows = [line(i, f"nothing of note {i}") for i in range(30_000)]
    rows[29_000] = line(29_000, banner)
    rows[29_001] = line(29_001, "two\nlines")
    tally, drafts = drafts_of(write_journal(rows))
    assert tally.lines == 30_000
    assert any("Starting k3s" in d.message and d.line == 29_001 for d in drafts)
    assert [d.message for d in drafts if d.line == 29_002] == ["two", "lines"]
    assert tally.reasons["passed over by the fast scan"] == 30_000 - len({d.line for d in drafts}) > 20_000
    assert any(d.gap_before for d in drafts)


# ------------------------------------------------------------------------------------------------------ several files


def test_a_rotated_set_in_a_folder_is_one_log_in_order(tmp_path: Path) -> None:
    boots = ["a" * 32, "b" * 32]
    rows = [line(i * 1000, f"line {i}", boot=boots[i // 150]) for i in range(300)]
    folder = tmp_path / "var" / "log" / "journal"
    folder.mkdir(parents=True)
    parts = {"system@0005-1.journal~": (0, 90), "system@0006-91.journal": (90, 200), "system.journal": (200, 300)}
    for name, (low, high) in parts.items():
        (folder / name).write_bytes(write_journal(rows[low:high], first=low + 1, online=name == "system.journal"))
    (folder / "copy.journal").write_bytes(write_journal(rows[90:200], first=91))
    log_records, errors = read_log_records([str(folder)])
    assert not errors
    assert [record.message for record in log_records.records] == [f"line {i}" for i in range(300)]
    named, _ = read_log_records([str(folder / name) for name in sorted(parts)])
    assert [record.message for record in named.records] == [f"line {i}" for i in range(300)]
    assert {source.format for source in named.sources} == {"journal"}


def test_equal_stamps_across_a_rotation_keep_the_order_of_the_files(tmp_path: Path) -> None:
    rows = [line(0, f"line {i}") for i in range(6)]
    (tmp_path / "system@2.journal").write_bytes(write_journal(rows[:3], first=1))
    (tmp_path / "system.journal").write_bytes(write_journal(rows[3:], first=4))
    for names in (("system.journal", "system@2.journal"), ("system@2.journal", "system.journal")):
        log_records, _ = read_log_records([str(tmp_path / name) for name in names])
        assert [r.message for r in log_records.records] == [f"line {i}" for i in range(6)]
