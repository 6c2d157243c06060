"""Hostile and damaged archives: bounded in time and memory, one sentence, and what could be read is read."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from analyzer.records import LogRecords, read_log_records
from analyzer.sources import archive, streams
from tests.kit import bundles

LOG = "".join(
    f'Mar 01 06:03:{n % 60:02d} node-a k3s[1193]: time="2025-03-01T06:03:{n % 60:02d}Z" level=info msg="line {n}"\n'
    for n in range(50)
).encode()


def read(data: bytes | Path) -> tuple[LogRecords, list[str]]:
    if isinstance(data, Path):
        log_records, errors = read_log_records([data])
    else:
        log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data))
    for error in errors:
        assert error.hint
        assert "\n" not in error.one_line()
    return log_records, [error.one_line() for error in errors]


def notes(log_records: LogRecords) -> str:
    return " | ".join(note for some in log_records.notes.values() for note in some)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        for info, data in members:
            info.size = len(data) if info.isreg() else info.size
            made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, **values: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in values.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_odd_names_in_every_form_of_tar(form: int) -> None:
    deep = "/".join(["d" * 20] * (6 if form == tarfile.USTAR_FORMAT else 30)) + "/k3s"
    names = [deep, "ümläut/k3s.log" if form == tarfile.PAX_FORMAT else "plain/k3s.log"]
    log_records, errors = read(tar_of(*((member(n), LOG + str(i).encode()) for i, n in enumerate(names)), form=form))
    assert errors == []
    assert [s.path for s in log_records.sources] == [f"<stdin>!{n}" for n in names]


def test_links_devices_and_ways_out_are_only_names(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    data = tar_of(
        (member("../../etc/k3s.log"), LOG),
        (member("/abs/k3s.log"), LOG + b"x\n"),
        (member("link", tarfile.SYMTYPE, linkname="/etc/passwd"), b""),
        (member("hard", tarfile.LNKTYPE, linkname="../../etc/shadow"), b""),
        (member("dev", tarfile.CHRTYPE, devmajor=1, devminor=5), b""),
        (member("fifo", tarfile.FIFOTYPE), b""),
        (member("dir/", tarfile.DIRTYPE), b""),
        (member("../../etc/k3s.log"), LOG + b"again\n"),  # a name twice
    )
    log_records, errors = read(data)
    assert errors == []
    assert [s.path for s in log_records.sources] == [
        "<stdin>!../../etc/k3s.log",
        "<stdin>!/abs/k3s.log",
        "<stdin>!../../etc/k3s.log",
    ]
    assert sorted(tmp_path.rglob("*")) == before


def test_sparse_members_are_named_and_the_next_one_is_read() -> None:
    sparse = bytearray(tar_of((member("holes.log"), b"x" * 512)))
    sparse[156] = ord("S")
    sparse[482] = 1  # one more header of holes
    fix_checksum(sparse, 0)
    data = bytes(sparse[:512]) + bytes(512) + bytes(sparse[512:1024]) + tar_of((member("k3s.log"), LOG))
    log_records, errors = read(data)
    assert errors == []
    assert "holes.log is stored as a sparse file" in notes(log_records)
    assert [s.path for s in log_records.sources] == ["<stdin>!k3s.log"]


def fix_checksum(data: bytearray, at: int) -> None:
    data[at + 148 : at + 156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])


def test_a_pax_header_of_gigabytes_is_passed_without_being_held() -> None:
    head = bytearray(tar_of((member("h"), b""))[:512])
    size = 64 << 20
    head[156] = ord("x")
    head[124:136] = b"%011o\0" % size
    fix_checksum(head, 0)
    data = gzip.compress(bytes(head) + bytes(size) + tar_of((member("k3s.log"), LOG)), 1)
    log_records, errors = read(data)
    assert errors == []
    assert [s.path for s in log_records.sources] == ["<stdin>!k3s.log"]


def header(kind: bytes, size: int) -> bytes:
    """One header of any kind that says of any size that it follows."""
    head = bytearray(tar_of((member("h"), b""))[:512])
    head[156:157] = kind
    head[124:136] = b"\x80" + size.to_bytes(11, "big")
    fix_checksum(head, 0)
    return bytes(head)


MIB = 1 << 20
LONG = MIB - 4096
SPARSE = bytearray(header(b"S", 0))
SPARSE[482] = 1  # more headers of holes follow
fix_checksum(SPARSE, 0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (header(b"x", 0) * 3000, "a header is damaged"),
        ((header(b"L", 5) + b"a" * 512) * 3000, "a header is damaged"),
        (header(b"0", 1 << 62), "ends in the middle of a file"),
        (header(b"x", 1 << 62), "ends in the middle of a file"),
        (header(b"L", -1 & (1 << 88) - 1), "ends in the middle of a file"),
        (bytes(SPARSE) + (bytes(504) + b"\1" + bytes(7)) * 3000, "headers are damaged or too long"),
        ((header(b"x", MIB - 512) + b"8 %04x=\n" * (MIB // 8 - 64) + header(b"0", 0)) * 40, "damaged or too long"),
    ],
)
def test_endless_headers_end_soon(data: bytes, why: str) -> None:
    log_records, errors = read(tar_of((member("k3s.log"), LOG))[: 512 + -(-len(LOG) // 512) * 512] + data)
    assert errors == []
    assert log_records.sources[0].path == "<stdin>!k3s.log"
    assert why in notes(log_records)


@pytest.mark.parametrize("body", [b"1" * LONG, b"2 " * (LONG // 2), b"2 " * (LONG // 2 - 1) + b"a="])
def test_pax_headers_that_take_the_standard_library_hours(body: bytes) -> None:
    data = header(b"x", len(body)) + body + tar_of((member("k3s.log"), LOG))
    log_records, errors = read(data)
    assert errors == []
    assert [s.path for s in log_records.sources] == ["<stdin>!k3s.log"]


def test_a_pax_header_names_the_size_of_a_large_file() -> None:
    info = member("k3s.log")
    info.pax_headers = {"size": str(len(LOG)), "comment": "x" * 3000}
    data = bytearray(tar_of((info, LOG), (member("b.log"), LOG + b"more\n"), form=tarfile.PAX_FORMAT))
    at = data.find(b"ustar", data.find(b"ustar") + 5) - 257
    data[at + 124 : at + 136] = b"%011o\0" % 0  # as where it does not fit
    fix_checksum(data, at)
    log_records, errors = read(bytes(data))
    assert errors == []
    assert [(s.path, s.bytes) for s in log_records.sources] == [
        ("<stdin>!k3s.log", len(LOG)),
        ("<stdin>!b.log", len(LOG) + 5),
    ]


@pytest.mark.parametrize("record", [b"99999999 path=x\n", b"-5 path=x\n", b"5 x\n", b"x", b"12 path=a/b\nrest"])
def test_pax_headers_of_nonsense(record: bytes) -> None:
    head = bytearray(tar_of((member("h"), b""))[:512])
    head[156] = ord("x")
    head[124:136] = b"%011o\0" % len(record)
    fix_checksum(head, 0)
    log_records, _ = read(bytes(head) + record.ljust(512, b"\0") + tar_of((member("k3s.log"), LOG)))
    assert len(log_records.sources) == 1


@pytest.mark.parametrize("where", [700, 512 * 3 + 100, 512 * 9])
@pytest.mark.parametrize("packed", [False, True])
def test_a_tar_that_ends_early_gives_what_could_be_read(where: int, packed: bool) -> None:
    data = tar_of((member("a.log"), LOG), (member("b.log"), LOG + b"more\n"))
    cut = data[: 512 + len(LOG) + where]
    if packed:
        cut = gzip.compress(cut)[:-20]
    log_records, errors = read(cut)
    assert errors == []
    assert log_records.records
    assert sum(n for text, n in log_records.ledger.reasons.items() if "stopped" in text or "ends early" in text) >= 1
    assert "archive" in notes(log_records)


def test_a_damaged_header_ends_the_archive_with_a_note() -> None:
    data = bytearray(tar_of((member("a.log"), LOG), (member("b.log"), LOG)))
    at = 512 + -(-len(LOG) // 512) * 512
    data[at + 10] ^= 0xFF
    log_records, errors = read(bytes(data))
    assert errors == []
    assert [s.path for s in log_records.sources] == ["<stdin>!a.log"]
    assert "a header is damaged" in notes(log_records)


@pytest.mark.long
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_bomb_ends_early(pack: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RATIO_FROM", 8 << 20)
    bomb = tar_of((member("k3s.log"), LOG), (member("bomb.log"), LOG + b"\n" * (64 << 20)))
    log_records, errors = read(pack(bomb))  # type: ignore[operator]
    assert errors == []
    assert "it unpacks to more than 500 times its size" in notes(log_records)
    assert {s.path for s in log_records.sources} >= {"<stdin>!k3s.log"}


def test_a_zip_bomb_inside_a_zip_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RATIO_FROM", 8 << 20)
    inner = bundles.zipped({"a/bomb.log": LOG + b"\n" * (24 << 20)})
    log_records, errors = read(bundles.zipped({f"{n}.zip": inner for n in range(40)}))
    assert len(log_records.sources) <= 4
    assert "it unpacks to more than 500 times its size" in notes(log_records) + " ".join(errors)


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MEMBER_LIMIT", 50)
    data = bundles.tar({"k3s.log": LOG, **{f"{n}.yaml": b"" for n in range(100)}})
    log_records, errors = read(data)
    assert errors == []
    assert "it has more than 50 members" in notes(log_records)
    assert len(log_records.sources) == 1
    _, errors = read(bundles.tar({f"{n}.yaml": b"" for n in range(100)}))
    assert "it has more than 50 members" in errors[0]


def test_an_archive_in_an_archive_in_an_archive_is_named() -> None:
    inner = bundles.tar({"k3s.log": LOG})
    middle = bundles.zipped({"inner.tar.gz": inner})
    _, errors = read(bundles.tar({"middle.zip": middle}))
    assert "inner.tar.gz is an archive in an archive in an archive" in errors[0]
    log_records, errors = read(bundles.tar({"middle.zip": bundles.zipped({"k3s.log.gz": gzip.compress(LOG)})}))
    assert errors == []
    assert [s.path for s in log_records.sources] == ["<stdin>!middle.zip!k3s.log.gz"]


def test_an_archive_that_holds_itself() -> None:
    """A gzip file whose content is gzip again and again: unpacked twice at most."""
    data = LOG
    for _ in range(6):
        data = gzip.compress(data)
    _, errors = read(bundles.tar({"k3s.log.gz": data}))
    assert len(errors) == 1


def test_encrypted_members_are_named_and_the_others_read() -> None:
    data = bytearray(bundles.zipped({"secret.log": LOG, "k3s.log": LOG}))
    data[6] |= 1
    directory = data.find(b"PK\x01\x02")
    data[directory + 8] |= 1
    log_records, errors = read(bytes(data))
    assert errors == []
    assert "secret.log is encrypted" in notes(log_records)
    assert [s.path for s in log_records.sources] == ["<stdin>!k3s.log"]
    only = bytearray(bundles.zipped({"secret.log": LOG}))
    only[6] |= 1
    only[only.find(b"PK\x01\x02") + 8] |= 1
    _, errors = read(bytes(only))
    assert "secret.log is encrypted" in errors[0]


def test_zip_damage(tmp_path: Path) -> None:
    whole = bundles.zipped({"a.log": LOG, "b.log": LOG[::-1].replace(b"\n", b"") + b"\n" + LOG})
    _, errors = read(whole[:-30])
    assert "directory" in errors[0]
    spoilt = bytearray(whole)
    spoilt[60:80] = bytes(20)  # in the content of the first
    path = tmp_path / "x.zip"
    path.write_bytes(spoilt)
    log_records, errors = read(path)
    assert f"{path}!b.log" in [s.path for s in log_records.sources]
    assert "a.log" in notes(log_records) + " ".join(errors)


@pytest.mark.long
def test_damage_in_a_bzip2_member_of_a_zip(tmp_path: Path) -> None:
    """libbz2 is not to be asked again after damage: it then raises what looks like a fault of the program."""
    out = io.BytesIO()
    noise = os.urandom(200_000).hex().encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("k3s.log", LOG)
        made.writestr("a.log", LOG + noise)
    for at in range(50, 900, 17):
        spoilt = bytearray(out.getvalue())
        spoilt[at] ^= 0xFF
        log_records, errors = read(bytes(spoilt))
        assert log_records.sources or errors


def test_a_zip_directory_of_gigabytes_is_refused_unread() -> None:
    data = bytearray(bundles.zipped({"k3s.log": LOG}))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", 0xF0000000)
    _, errors = read(bytes(data))
    assert "directory is larger than" in errors[0]


def test_two_names_for_the_same_bytes() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("k3s.log", LOG)
        again = zipfile.ZipInfo("copy.log")
        first = made.infolist()[0]
        for key in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
            setattr(again, key, getattr(first, key))
        made.filelist.append(again)
    log_records, _ = read(out.getvalue())
    assert [s.path for s in log_records.sources] == ["<stdin>!k3s.log"]
    assert "copy.log overlaps" in notes(log_records)


def test_links_in_a_zip_are_passed_over() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        link = zipfile.ZipInfo("link.log")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        made.writestr("k3s.log", LOG)
    log_records, errors = read(out.getvalue())
    assert errors == []
    assert [s.path for s in log_records.sources] == ["<stdin>!k3s.log"]


def test_a_zip_too_large_for_memory_is_told_to_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(archive, "ZIP_IN_MEMORY", 1000)
    data = bundles.zipped({"k3s.log": LOG + os.urandom(3000).hex().encode()})
    _, errors = read(data)
    assert "can only be read from a file of its own" in errors[0]
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    assert read(path)[1] == []
    assert read(tmp_path)[1] == []


def test_old_tar_without_a_magic_and_text_that_is_none() -> None:
    old = bytearray(tar_of((member("k3s.log"), LOG)))
    old[257:265] = bytes(8)
    fix_checksum(old, 0)
    assert [s.path for s in read(bytes(old))[0].sources] == ["<stdin>!k3s.log"]
    assert [s.path for s in read(LOG)[0].sources] == ["<stdin>"]


def test_sizes_as_numbers_to_the_base_of_256() -> None:
    data = bytearray(tar_of((member("k3s.log"), LOG)))
    data[124:136] = b"\x80" + len(LOG).to_bytes(11, "big")
    fix_checksum(data, 0)
    assert len(read(bytes(data))[0].records) == 50
    data[124:136] = b"\xff" * 12  # negative
    fix_checksum(data, 0)
    _, errors = read(bytes(data))
    assert "a header is damaged" in errors[0]


@pytest.mark.long
@pytest.mark.parametrize(
    ("unpacked", "ratio_from", "most"),
    [(128, 96, 100), pytest.param(400, 256, 250, marks=pytest.mark.slow)],  # MB
)
def test_a_whole_bomb_costs_little_memory(unpacked: int, ratio_from: int, most: int, tmp_path: Path) -> None:
    """2 GB of newlines in 2 MB, as a real file in a process of its own."""
    path = tmp_path / "bomb.tar.gz"
    head = bytearray(tar_of((member("bomb.log"), b""))[:512])
    size = 2 << 30
    head[124:136] = b"%011o\0" % size
    fix_checksum(head, 0)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as out:
        out.write(packer.compress(bytes(head) + LOG))
        block = b"\n" * (1 << 20)
        for _ in range(unpacked):
            out.write(packer.compress(block))
        out.write(packer.flush())
    code = (  # ru_maxrss would count the test's own process, too
        "import sys\nfrom analyzer.cli.main import run\n"
        f"from analyzer.sources import streams\nstreams.RATIO_FROM = {ratio_from} << 20\n"
        "try: run()\nfinally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, "analyze", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "unpacks to more than 500 times its size" in " ".join(done.stdout.split())
    assert int(done.stderr.split()[-1]) < most * 1024


@pytest.mark.long
def test_mutated_archives_give_an_answer_or_a_sentence() -> None:
    rng = random.Random(6)
    members = {name: data[:600] for name, data in bundles.files(LOG, rotated=LOG).items()}
    seeds = [bundles.tar(members, mode) for mode in ("", "gz", "bz2", "xz")]
    seeds += [
        bundles.zipped(members),
        bundles.zipped({"a.tar.gz": seeds[1]}),
        bundles.tar({"a.zip": bundles.zipped(members)}),
    ]
    for _ in range(700):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            kind = rng.random()
            if kind < 0.6:
                data[at] = rng.randrange(256)
            elif kind < 0.75:
                data[at : at + rng.randint(1, 64)] = b""
            elif kind < 0.9:
                data[at:at] = rng.randbytes(rng.randint(1, 32))
            else:
                data = data[: max(64, at)]
        log_records, errors = read(bytes(data))
        assert log_records.sources or errors
