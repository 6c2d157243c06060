"""Several processes keep the same lines of a file as one does, whatever stands in it and wherever stripes end."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.sources import scan, search, stripes
from analyzer.sources.raw_lines import RawLine
from analyzer.sources.scan import Plain
from analyzer.testing import generate, named

WORDS = [b" level=fatal msg=", b" systemd[1]: Started k3s", b"] Serving securely", b' msg="Starting k3s v1.33.1+k3s1"']


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripes, "SMALLEST", 0)
    monkeypatch.setattr(stripes, "STRIPE", 70_001)
    monkeypatch.setattr(stripes, "processes", lambda: 2)
    monkeypatch.setattr(scan, "FIRST_LINES", 50)
    monkeypatch.setattr(scan, "HEAD_LINES", 120)
    monkeypatch.setattr(scan, "WINDOW", 30)


def text(seed: int) -> bytes:
    dice = random.Random(seed)
    rows = []
    for number in range(2500):
        size = dice.choice([0, 5, 80, 300, 3000])
        if dice.random() < 0.004:
            size = dice.choice([70_000, 200_000, 262_143, 262_144, 262_145, 600_000])
        word = dice.choice(WORDS) if dice.random() < 0.01 else b""
        cut = dice.randrange(size + 1)
        rows.append(b"%d|" % number + b"x" * cut + word + b"y" * (size - cut))
    head = dice.choice([b"", b"\xef\xbb\xbf"])
    return head + b"\n".join(rows) + dice.choice([b"\n", b"", b"\n\n\n"])


def export(seed: int) -> bytes:
    dice = random.Random(seed)
    rows = []
    for number in range(2500):
        size = dice.choice([0, 5, 80, 300, 3000])
        if dice.random() < 0.003:
            size = dice.choice([70_000, 200_000, 262_144, 600_000])
        word = dice.choice(WORDS) if dice.random() < 0.01 else b"."
        rows.append(b"__CURSOR=s=%d;\n_PID=7\nMESSAGE=" % number + b"x" * size + b'time="" level=info' + word + b"\n")
    return b"\n".join(rows) + dice.choice([b"\n", b"", b"\n\n"])


def kept(path: Path, plain: Plain | None, engine: search.Engine | None = None) -> Iterator[RawLine]:
    with path.open("rb") as reader:
        if reader.peek(1)[:1] == b"_":
            yield from scan.export_candidates(reader, b"__CURSOR", engine=engine, plain=plain)  # type: ignore[arg-type]
        else:
            reader.read(plain[1] if plain is not None else 3 * reader.peek(1).startswith(b"\xef"))
            yield from scan.candidates(reader, True, engine, plain)  # type: ignore[arg-type]


def offset(path: Path) -> int:
    return 3 if path.read_bytes()[:3] == b"\xef\xbb\xbf" else 0


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("write", [text, export])
def test_processes_keep_what_one_keeps(write: object, seed: int, tmp_path: Path, small: None) -> None:
    path = tmp_path / "journal"
    path.write_bytes(text(seed) if write is text else export(seed))
    alone = list(kept(path, None))
    together = list(kept(path, (str(path), offset(path))))
    assert together == alone
    assert 40 < len(alone) < 2400


@pytest.mark.parametrize("write", [text, export])
def test_a_crash_loop_ends_the_division(
    write: object, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "WINDOW_BUDGET", 300)
    path = tmp_path / "journal"
    path.write_bytes(text(3) if write is text else export(3))
    assert list(kept(path, (str(path), offset(path)))) == list(kept(path, None))


def test_a_lost_child_is_replaced_by_the_parent(tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    path.write_bytes(text(4))
    alone = list(kept(path, None))
    real = stripes.mark_range
    parent = os.getpid()

    def dies(held: stripes.Held, block: int, limit: int, file: int, begin: int, end: int) -> tuple[int, list[int]]:
        if begin > 300_000 and os.getpid() != parent:
            os._exit(1)
        return real(held, block, limit, file, begin, end)

    monkeypatch.setattr(stripes, "mark_range", dies)
    assert list(kept(path, (str(path), offset(path)))) == alone


def test_no_child_outlives_an_abandoned_scan(tmp_path: Path, small: None) -> None:
    path = tmp_path / "journal"
    path.write_bytes(text(5) * 4)
    lines = kept(path, (str(path), offset(path)))
    next(lines)
    lines.close()  # type: ignore[attr-defined]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("scenario", ["killed-twice", "debug"])
@pytest.mark.parametrize("carrier", ["short", "json", "export"])
def test_generated_journals_too(carrier: str, scenario: str, tmp_path: Path, small: None) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"".join(generate(named(scenario), seed=n).render(carrier) for n in range(4)))
    assert list(kept(path, (str(path), 0))) == list(kept(path, None))


def test_one_core_or_threads_do_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripes.threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3})
    assert stripes.processes() == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3, 4, 5, 6})
    assert stripes.processes() == stripes.MOST
    monkeypatch.setattr(stripes.threading, "active_count", lambda: 2)
    assert stripes.processes() == 1
