"""A real journal with something wrong in it: still read, still truthful, counted in the ledger."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.hostile_kit import NO_DATA, healthy, k3slog
from tests.kit.score_recorded import RECORDED, judge, read_export, truth_path, write_carrier

NAME = "1324-fresh-full"
TRUTH = json.loads(truth_path(RECORDED / f"{NAME}.export.gz").read_text())
CARRIERS = ["short", "iso", "json", "export", "cat"]


def report_of(content: bytes, tmp_path: Path) -> dict[str, Any]:
    """The JSON report of ``content``, which must be analysable."""
    path = tmp_path / "journal.log"
    path.write_bytes(content)
    ran = k3slog("analyze", path, "--format", "json")
    assert ran.code == 0, ran.err
    report: dict[str, Any] = json.loads(ran.out)
    return report


def assert_truthful(report: dict[str, Any], carrier: str) -> None:
    """No claim of the report contradicts the recording's truth."""
    assert judge(TRUTH, report, carrier).wrong == []


def spoil(content: bytes, extra: bytes, seed: int) -> bytes:
    """``extra`` put between lines of ``content`` at three places."""
    lines = content.splitlines(keepends=True)
    for at in random.Random(seed).sample(range(len(lines)), 3):
        lines.insert(at, extra)
    return b"".join(lines)


EXTRAS = {
    "a 60 KB line": b"x" * 60_000 + b"\n",
    "NULs": b"\0" * 100 + b"\n",
    "NULs in a line": b"Nov 25 00:00:00 vm other[1]: a\0b\0\n",
    "invalid UTF-8": b"\xff\xfe\xc3\x28 \xed\xa0\x80\n",
    "lone carriage returns": b"one\rtwo\rthree\r\n",
    "form feeds and separators": "a\x0cb\x85c\u2028d\u2029e\n".encode(),
    "a page of blanks": b"\n" * 500,
    "a broken JSON object": b'{"MESSAGE": "half\n',
    "deep JSON": b"[" * 50_000 + b"\n",
    "a huge number": b'{"__REALTIME_TIMESTAMP": "' + b"9" * 5000 + b'", "MESSAGE": "x"}\n',
    "a stamp of no calendar": b"Feb 31 25:61:61 vm k3s[1]: x\n",
    "the year 9999": b"9999-12-31T23:59:59+14:00 vm other[1]: x\n",
    "a lone surrogate": b'{"__REALTIME_TIMESTAMP": "1795450122930912", "MESSAGE": "\\ud800"}\n',
}


@pytest.mark.parametrize("carrier", ["short", "iso", "cat"])
@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS.keys())
def test_foreign_lines_between_the_lines_change_no_claim(extra: bytes, carrier: str, tmp_path: Path) -> None:
    report = report_of(spoil(healthy(carrier, NAME), extra, seed=1), tmp_path)
    assert_truthful(report, carrier)
    assert report["starts"][0]["outcome"] == "ready"


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS.keys())
def test_foreign_lines_in_a_json_journal_change_no_claim(extra: bytes, tmp_path: Path) -> None:
    report = report_of(spoil(healthy("json", NAME), extra, seed=2), tmp_path)
    assert_truthful(report, "json")
    assert report["starts"][0]["outcome"] == "ready"


@pytest.mark.parametrize("carrier", [c for c in CARRIERS if c != "export"])
@pytest.mark.parametrize("size", [60_000, 3_000_000])
def test_a_huge_line_of_the_process_itself(size: int, carrier: str, tmp_path: Path) -> None:
    rows = read_export(healthy("export", NAME))
    middle = next(i for i, row in enumerate(rows) if b"Serving securely" in row["MESSAGE"])
    rows.insert(middle, {**rows[middle - 1], "MESSAGE": b"time=x level=info msg=" + b"y" * size})
    report = report_of(write_carrier(rows, carrier), tmp_path)
    assert_truthful(report, carrier)
    assert report["starts"][0]["outcome"] == "ready"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_ledger_accounts_for_every_line(carrier: str, tmp_path: Path) -> None:
    content = healthy(carrier, NAME)
    if carrier != "export":
        content = spoil(content, b"\xff\xfe broken \xc3\x28\n", seed=3)
    ledger = report_of(content, tmp_path)["ledger"]
    assert ledger["used"] + ledger["ignored"] + ledger["malformed"] + ledger["lossy"] == ledger["lines"]
    assert ledger["used"] > 0
    if carrier != "export":
        assert ledger["lines"] == len(content.splitlines())


@pytest.mark.parametrize("ending", [b"\r\n", b"\r\r\n"])
def test_line_ends_of_other_systems(ending: bytes, tmp_path: Path) -> None:
    assert_truthful(report_of(healthy("short", NAME).replace(b"\n", ending), tmp_path), "short")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_what_a_windows_editor_saves(encoding: str, tmp_path: Path) -> None:
    text = healthy("short", NAME).decode()
    bom = "\ufeff" if encoding == "utf-16-le" else ""
    report = report_of((bom + text).encode(encoding), tmp_path)
    assert_truthful(report, "short")
    assert report["starts"][0]["outcome"] == "ready"


def _cuts(size: int, count: int, seed: int) -> list[int]:
    return sorted(random.Random(seed).sample(range(size), count))


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_file_cut_at_any_byte_never_lies(carrier: str, tmp_path: Path) -> None:
    """What is left is analysed, and the moment of readiness stays inside the window, however early the cut."""
    content = healthy(carrier, NAME)
    start = TRUTH["starts"][0]
    turn = [flip for flip in start["ready"] if flip["to"] == "ready"][-1]
    seen = set()
    path = tmp_path / "cut.log"
    for cut in _cuts(len(content), 24, seed=4):
        path.write_bytes(content[:cut])
        ran = k3slog("analyze", path, "--format", "json")
        seen.add(ran.code)
        assert ran.code in (0, NO_DATA), (cut, ran.err)
        if ran.code:
            continue
        found = json.loads(ran.out)["starts"]
        assert len(found) == 1, cut
        assert found[0]["outcome"] in ("ready", "incomplete"), cut
        if found[0]["began_at"] is not None:
            _assert_holds(found[0], turn, 1.06 if carrier in ("short", "iso", "cat") else 0.06, cut)
    assert 0 in seen


def _assert_holds(found: dict[str, Any], turn: dict[str, Any], slack: float, cut: int) -> None:
    from datetime import datetime

    began = datetime.fromisoformat(found["began_at"]).timestamp()
    lower, upper = found["ready"]["lower"], found["ready"]["upper"]
    assert lower is None or began + lower - slack <= turn["by"] / 1e6, cut
    assert upper is None or began + upper + slack >= turn["after"] / 1e6, cut


@pytest.mark.parametrize("carrier", ["short", "json", pytest.param("export", marks=pytest.mark.slow)])
def test_a_file_whose_head_is_missing_never_lies(carrier: str, tmp_path: Path) -> None:
    content = healthy(carrier, NAME)
    turn = [flip for flip in TRUTH["starts"][0]["ready"] if flip["to"] == "ready"][-1]
    path = tmp_path / "tail.log"
    for cut in _cuts(len(content) // 2, 8, seed=5):
        path.write_bytes(content[cut:])
        ran = k3slog("analyze", path, "--format", "json")
        assert ran.code in (0, NO_DATA), (cut, ran.err)
        for found in json.loads(ran.out)["starts"] if ran.code == 0 else []:
            if found["began_at"] is not None:
                _assert_holds(found, turn, 1.06, cut)
