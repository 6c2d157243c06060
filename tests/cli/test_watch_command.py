"""``k3slog watch`` as a process: what it follows, what ends it, and what it says then."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyzer.reports.schema import schema_text
from tests.kit.continuation import recorded_text

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "sample_logs" / "recorded"
SLOW_S = 60.0  # a loaded machine
Run = Callable[..., Any]


@cache
def pieces(name: str = "1324-fresh-25", carrier: str = "export") -> tuple[bytes, ...]:
    return recorded_text(RECORDED / f"{name}.export.gz", carrier).pieces


def place(words: bytes, name: str = "1324-fresh-25", carrier: str = "export") -> int:
    return next(n for n, piece in enumerate(pieces(name, carrier)) if words in piece) + 1


class Process:
    """A watch under way."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "analyzer.cli.main", "watch", *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def write(self, *texts: bytes) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has seen enough
            self.process.stdin.write(b"".join(texts))
            self.process.stdin.flush()

    def line(self) -> str:
        """The next line of its output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def until(self, words: str) -> str:
        """Its lines up to the one with these words."""
        read = ""
        while words not in read:
            line = self.line()
            assert line, f"it ended without {words!r}: {read}"
            read += line
        return read

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=SLOW_S)
        assert b"Traceback" not in err
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def watch() -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def call(*arguments: str, **environment: str) -> Process:
        started.append(Process(*arguments, **environment))
        return started[-1]

    yield call
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def test_a_stream_is_told_line_by_line_and_reported_at_the_goal(watch: Callable[..., Process]) -> None:
    one = watch("-")
    one.write(*pieces()[:60])
    assert "Start 1: k3s server v1.32.4+k3s1" in one.until("503")
    one.write(*pieces()[60 : place(b"Kube API server is now running")])
    code, out, err = one.end()
    assert code == 0
    assert "✓ The API server was ready after 9.89 to 10.01 s." in out
    assert err == "k3slog: start 1: the API server was ready\n"


def test_json_lines_follow_their_schema(watch: Callable[..., Process]) -> None:
    one = watch("-", "--until", "end", "--format", "jsonl")
    one.write(*pieces())
    code, out, err = one.end()
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    validator = jsonschema.Draft202012Validator(json.loads(schema_text("event")))
    assert [error.message for event in events for error in validator.iter_errors(event)] == []
    assert {event["event"] for event in events} == {
        "start", "poll", "check", "phase", "goal", "finding", "outcome", "end"
    }  # fmt: skip
    assert "The API server was ready" in err


def test_one_schema_fits_an_event_and_no_other_does() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema_text("event")))
    event = {"schema": "k3slog.event", "schema_version": 1, "at": None, "at_s": None, "start": 1, "event": "end"}
    assert not validator.is_valid(event)
    whole = {**event, "end": {"kind": "failed", "at_s": 1.0, "line": 3, "reason": "killed"}}
    assert validator.is_valid(whole)
    assert not validator.is_valid({**whole, "more": 1})


@pytest.mark.long
def test_tries_and_the_end_of_the_input(watch: Callable[..., Process]) -> None:
    one = watch("-", "--tries", "2")
    first = place(b"Failed with result", "1324-killed-thrice")
    one.write(*pieces("1324-killed-thrice")[:100])
    one.until("Start 1")
    one.write(*pieces("1324-killed-thrice")[100:first])
    one.until("killed by signal 9")
    one.write(*pieces("1324-killed-thrice")[first:])
    code, _, err = one.end()
    assert code == 1
    assert err == "k3slog: start 2: goal api not reached: 2 of 2 tries failed\n"
    again = watch("-")
    again.write(*pieces("1324-killed-thrice")[:first])
    code, _, err = again.end()
    assert code == 1
    assert "the input ended before another try" in err


@pytest.mark.long
def test_codes_of_what_ends_otherwise(watch: Callable[..., Process], tmp_path: Path) -> None:
    one = watch("-")
    one.write(*pieces()[:100])
    assert one.end()[0] == 5
    one = watch("-")
    one.write(b"nothing\nof k3s\n")
    code, out, err = one.end()
    assert (code, out, len(err.splitlines())) == (4, "", 1)
    code, out, err = watch(str(tmp_path / "missing")).end()
    assert (code, len(err.splitlines())) == (3, 1)
    code, out, err = watch(str(tmp_path)).end()
    assert (code, len(err.splitlines())) == (3, 1)
    assert watch("-", "--timeout", "soon").end()[0] == 2
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(b"x" * 100))
    code, out, err = watch(str(packed)).end()
    assert (code, len(err.splitlines())) == (3, 1)


def test_a_time_limit(watch: Callable[..., Process]) -> None:
    one = watch("-", "--timeout", "1s")
    one.write(*pieces()[:100])
    code, out, err = (
        one.process.wait(SLOW_S),
        *map(bytes.decode, (one.process.stdout.read(), one.process.stderr.read())),
    )  # type: ignore[union-attr]
    assert code == 6
    assert "not within 1 s" in err
    assert "Not known" in out


@pytest.mark.parametrize(("sent", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_reports_what_was_seen(watch: Callable[..., Process], sent: int, expected: int) -> None:
    one = watch("-")
    one.write(*pieces()[:100])
    one.until("Start 1")
    one.process.send_signal(sent)
    code, out, err = one.end()
    assert code == expected
    assert "Not known: the log ends" in out
    assert "Traceback" not in err


def test_a_reader_who_leaves_ends_it_quietly(watch: Callable[..., Process]) -> None:
    one = watch("-", "--format", "jsonl")
    one.write(*pieces()[:60])
    one.line()
    assert one.process.stdout is not None
    one.process.stdout.close()
    one.write(*pieces()[60:])
    assert one.process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        one.process.stdin.close()
    assert one.process.wait(SLOW_S) == 141
    assert one.process.stderr is not None
    assert one.process.stderr.read() == b""


def test_a_file_is_followed_over_rotation_and_truncation(watch: Callable[..., Process], tmp_path: Path) -> None:
    log = tmp_path / "k3s.log"
    lines = pieces("1324-fresh-25", "short")
    third, two_thirds = 100, 150
    log.write_bytes(b"".join(lines[:third]))
    one = watch(str(log))
    one.until("Start 1")
    log.rename(tmp_path / "k3s.log.1")
    log.write_bytes(b"".join(lines[third:two_thirds]))
    time.sleep(0.5)
    log.write_bytes(b"")  # cut to nothing
    time.sleep(0.5)
    with log.open("ab") as file:
        file.write(b"".join(lines[two_thirds : place(b"Kube API server is now running", carrier="short")]))
    code, out, _ = one.end()
    assert code == 0
    assert "The API server was ready after" in out


@pytest.mark.long
def test_strange_bytes_and_endless_lines(watch: Callable[..., Process]) -> None:
    one = watch("-")
    lines = pieces("1324-fresh-25", "short")
    one.write(*lines[:80], b"\xff\xfe\x00 broken \x1b[2J\n", b"x" * 3_000_000, b"\n", *lines[80:])
    code, out, _ = one.end()
    assert code == 0
    assert "\x1b" not in out
    assert "The API server was ready" in out


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_this_machines_journal_from_the_begin_of_the_present_start(
    watch: Callable[..., Process], tmp_path: Path
) -> None:
    (tmp_path / "journal").write_bytes(b"".join(pieces()[: place(b"Kube API server is now running")]))
    shown = "ActiveState=activating\\nInactiveExitTimestamp=Sat 2026-11-23 16:09:08 UTC\\n"
    fake(tmp_path / "bin", "systemctl", f"printf '{shown}'")
    fake(tmp_path / "bin", "journalctl", f'echo "$@" > {tmp_path}/asked; cat {tmp_path}/journal; exec sleep 60')
    one = watch("--unit", "k3s", PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    code, out, _ = one.end()
    assert code == 0
    assert "The API server was ready" in out
    asked = (tmp_path / "asked").read_text().split()
    assert asked[:6] == ["-q", "-a", "--no-pager", "-o", "export", "-f"]
    assert asked[6:] == ["-u", "k3s", "--no-tail", "--since=@1795450148"]


@pytest.mark.long
def test_a_journal_that_cannot_be_read(watch: Callable[..., Process], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = watch(PATH=str(tmp_path / "empty")).end()
    assert (code, out) == (3, "")
    assert err.splitlines() == [
        "k3slog: there is no journalctl on this machine. Name a log file, or pipe one in: k3slog watch k3s.log"
    ]
    fake(
        tmp_path / "bin",
        "journalctl",
        "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1",
    )
    code, out, err = watch(PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin").end()
    assert (code, out) == (3, "")
    assert "may not read the journal" in err
    assert len(err.splitlines()) == 1


@pytest.mark.long
def test_earlier_starts(watch: Callable[..., Process]) -> None:
    one = watch("-", "--history", str(RECORDED))
    one.write(*pieces()[:60])
    told = one.until("Earlier: ")
    assert "503" in told
    one.process.kill()
