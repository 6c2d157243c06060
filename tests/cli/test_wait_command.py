"""``k3slog wait`` as a process: a program behind ``--``, quiet, events, signals, readers who leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from analyzer.live.observed_polls import parse
from tests.live.double import Act, Double, Pki
from tests.live.replayed import Replayed, Timeline, readyz

ROLES = "poststarthook/rbac/bootstrap-roles"
WAIT = [sys.executable, "-m", "analyzer.cli.main", "wait"]


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki()


def ready_after(seconds: float) -> Timeline:
    return Timeline(((0.0, float("inf")),), lambda _path, at: readyz({ROLES: seconds}, at), seconds)


def run(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "KUBECONFIG"}
    return subprocess.run([*WAIT, *words], capture_output=True, text=True, timeout=60, check=False, env=env, **more)  # type: ignore[call-overload,no-any-return]


def begun(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*WAIT, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# --- a program behind --


def test_the_program_takes_its_place(pki: Pki, tmp_path: Path) -> None:
    """Its process id, its streams, its exit code; and signals that Python ignores are not ignored in it."""
    shell = 'echo $$ "$@"; grep SigIgn /proc/$$/status; exit 42'
    with Replayed(pki, ready_after(0.8)) as server:
        config = str(pki.kubeconfig(tmp_path / "k", server.url))
        server.begin()
        process = begun("--kubeconfig", config, "--", "sh", "-c", shell, "sh", "--timeout", "a b")
        stdout, stderr = process.communicate(timeout=30)
    said, ignored = stdout.splitlines()
    assert process.returncode == 42 and said == f"{process.pid} --timeout a b"
    assert not int(ignored.split()[1], 16) >> (signal.SIGPIPE - 1) & 1
    assert "was ready" in stderr, "stdout is the program's"


@pytest.mark.parametrize(
    ("program", "code"),
    [(["/nonexistent/program"], 127), (["no-such-program-anywhere"], 127), (["/etc/passwd"], 126), (["/"], 126)],
)
def test_a_program_that_cannot_be_run(pki: Pki, tmp_path: Path, program: list[str], code: int) -> None:
    with Replayed(pki, ready_after(0.0)) as server:
        done = run("--kubeconfig", str(pki.kubeconfig(tmp_path / "k", server.url)), "-q", "--", *program)
    assert done.returncode == code and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and program[0] in done.stderr


@pytest.mark.long
def test_without_success_the_program_is_not_run(pki: Pki, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    program = ("--", "touch", str(mark))
    assert run("--server", "https://127.0.0.1:1", "--insecure", "--timeout", "700ms", *program).returncode == 124
    with Double(pki, script=lambda _t: Act("404")) as server:
        config = str(pki.kubeconfig(tmp_path / "k", server.url))
        assert run("--kubeconfig", config, "--timeout", "20s", *program).returncode == 125
    assert run("--server", "https://127.0.0.1:1", "--ca", "/nonexistent", *program).returncode == 125
    assert run("--timeout", "soon", *program).returncode == 125
    assert not mark.exists()


def test_a_forgotten_option_is_not_run_as_a_program() -> None:
    done = run("--server", "https://127.0.0.1:1", "--insecure", "touch", "x")
    assert done.returncode == 2 and "behind --" in done.stderr


# --- what is told


def test_quiet_says_nothing_but_why_it_failed(pki: Pki, tmp_path: Path) -> None:
    with Replayed(pki, ready_after(0.3)) as server:
        done = run("--kubeconfig", str(pki.kubeconfig(tmp_path / "k", server.url)), "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run("--server", "https://127.0.0.1:1", "--insecure", "--timeout", "500ms", "--quiet")
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == "k3slog: timed out after 0.5 s, 1 poll\n"


def test_events_are_one_line_for_each_change(pki: Pki, tmp_path: Path) -> None:
    with Replayed(pki, ready_after(2.0), first_at=0.0) as server:
        config = str(pki.kubeconfig(tmp_path / "k", server.url))
        done = run("--kubeconfig", config, "-f", "jsonl")
        zero = server.wall_of(0.0)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["start", "poll", "poll", "end"]
    assert all(event["schema"] == "k3slog.event" and event["schema_version"] == 1 for event in events)
    assert events[1]["failing"] == [ROLES] and events[1]["error"] == "readyz_failing"
    end = events[-1]
    assert (end["end"], end["exit_code"], end["last_checks"]) == ("ready", 0, [ROLES])
    began = datetime.fromisoformat(end["at"]).timestamp() - end["at_s"]
    assert began + end["ready"]["lower"] - 0.05 <= zero + 2.0 <= began + end["ready"]["upper"] + 0.05
    assert done.stderr.splitlines() == [f"k3slog: ready after {end['at_s']:.1f} s, {end['polls']} polls"]


def test_events_tell_what_is_waited_for(tmp_path: Path) -> None:
    done = run("--kubeconfig", str(tmp_path / "k"), "--timeout", "600ms", "-f", "jsonl")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 6
    assert [event["event"] for event in events] == ["start", "waiting", "end"]
    assert events[1]["text"] == f"waiting for {tmp_path / 'k'} to appear"
    assert "Nothing was asked" in events[2]["reason"]


def test_the_summary_is_short_and_full_is_not(pki: Pki, tmp_path: Path) -> None:
    with Replayed(pki, ready_after(0.5)) as server:
        config = str(pki.kubeconfig(tmp_path / "k", server.url))
        server.begin()
        short = run("--kubeconfig", config)
        full = run("--kubeconfig", config, "--full")
    assert 2 <= len(short.stdout.splitlines()) <= 12 < len(full.stdout.splitlines())
    assert "Polls of /readyz" in full.stdout or "The first answer said ready already." in full.stdout


# --- ways to end


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_and_what_was_seen_is_reported(pki: Pki, tmp_path: Path, number: int, code: int) -> None:
    saved = tmp_path / "polls"
    with Replayed(pki, ready_after(1e9)) as server:
        config = str(pki.kubeconfig(tmp_path / "k", server.url))
        process = begun("--kubeconfig", config, "-o", str(saved), "--", "touch", str(tmp_path / "ran"))
        deadline = time.monotonic() + 20
        while len(server.requests) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == code and stdout == ""
    assert "Interrupted after" in stderr and ROLES in stderr and "Traceback" not in stderr
    wait = parse(saved.read_text().splitlines())
    assert wait.verdict == "interrupted" and wait.polls[0].failing == (ROLES,)
    assert not (tmp_path / "ran").exists()


def test_a_reader_of_events_who_leaves_ends_it_quietly_and_the_polls_are_kept(pki: Pki, tmp_path: Path) -> None:
    saved = tmp_path / "polls"
    timeline = Timeline(((0.0, 1e9),), lambda _path, at: readyz({"a/b": 1.5, ROLES: 1e9}, at), 1e9)
    with Replayed(pki, timeline, first_at=0.0) as server:
        config = str(pki.kubeconfig(tmp_path / "k", server.url))
        process = begun("--kubeconfig", config, "-o", str(saved), "-f", "jsonl")
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        stderr = process.stderr.read()
        process.stderr.close()
        assert process.wait(timeout=30) == 141
    assert "Traceback" not in stderr
    assert parse(saved.read_text().splitlines()).polls[0].error == "readyz_failing"


def test_a_name_that_nobody_resolves_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """A resolver that takes half a minute: the time given is what the wait takes."""
    code = (
        "import socket, time, sys\n"
        "socket.getaddrinfo = lambda *a, **k: time.sleep(30)\n"
        "from analyzer.cli.main import run\n"
        "sys.argv = ['k3slog', 'wait', '--server', 'https://name.invalid:6443', '--insecure', '--timeout', '1s']\n"
        "run()\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 6, done.stderr
    assert time.monotonic() - began < 12 and "Gave up after 1.0 s" in done.stdout
