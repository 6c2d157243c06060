"""The command as a shell sees it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_logs" / "slow-rbac-one-core.short.txt"
K3SLOG = [sys.executable, "-c", "from analyzer.cli.main import run; run()"]


def existing() -> list[str]:
    from analyzer.cli.main import LazyGroup

    return LazyGroup(name="k3slog").list_commands(None)


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", ["", *existing()])
def test_help_is_everywhere(run: Callable[..., Any], command: str, flag: str) -> None:
    result = run(*([command] if command else []), flag)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert result.stderr == ""


@pytest.mark.parametrize("command", existing())
def test_every_command_tells_its_version_and_is_in_the_docs(run: Callable[..., Any], command: str) -> None:
    from analyzer import __version__

    assert run(command, "--version").stdout == run("--version").stdout == f"k3slog {__version__}\n"
    assert f"## k3slog {command}" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_every_option_is_in_the_docs(run: Callable[..., Any]) -> None:
    import re

    docs = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in ("analyze", "fleet", "gate", "timeline", "schema", "simulate", "schedule", "wait"):
        if command not in existing():
            continue
        options = set(re.findall(r"--[a-z][a-z-]+", run(command, "--help").stdout)) - {"--help"}
        missing = {option for option in options if f"`{option}" not in docs}
        assert not missing, command


def test_the_help_lists_every_command_that_exists(run: Callable[..., Any]) -> None:
    printed = run("--help").stdout
    assert {"analyze", "timeline", "schema"} <= set(existing()) <= set(COMMANDS)
    for command in existing():
        assert f"\n  {command} " in printed


HEAVY = {
    "pandas",
    "numpy",
    "pyarrow",
    "plotly",
    "rich",
    "httpx",
    "jinja2",
    "pydantic",
    "importlib.metadata",
    "email",
    "statistics",
}


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (["analyze", str(SAMPLE)], set()),
        (["analyze", str(SAMPLE), "-f", "json"], set()),
        (["explain", "etcd"], set()),
        (["watch", "--help"], set()),
        (["wait", "--help"], {"httpx", "email", "importlib.metadata", "rich"}),  # rich is httpx' doing, where click is
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_loads_nothing_heavy_that_it_does_not_need(arguments: list[str], allowed: set[str]) -> None:
    code = (
        "import sys\n"
        "from analyzer.cli.main import run\n"
        f"sys.argv = ['k3slog', *{arguments!r}]\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        f"print(*sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()[-1].split()) <= allowed


def test_no_arguments_show_the_help_and_an_unknown_command_is_2() -> None:
    done = subprocess.run(K3SLOG, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands:" in done.stderr
    done = subprocess.run([*K3SLOG, "frobnicate"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_reader_that_leaves_early_is_141_and_no_complaint() -> None:
    script = 'trap "" PIPE; "$@" schema | true; echo "${PIPESTATUS[0]}"'
    codes = set()
    for _ in range(5):  # whether the reader is gone in time is a race; the answer is 141 or 0, never a traceback
        done = subprocess.run(["bash", "-c", script, "bash", *K3SLOG], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        codes.add(done.stdout.strip())
    assert codes <= {"141", "0"}
    assert "141" in codes


UNBUFFERED = pytest.mark.parametrize("unbuffered", ["", "1"])


@UNBUFFERED
@pytest.mark.parametrize("arguments", [["schema"], ["--help"], ["--version"], ["generate", "--list"]])
def test_a_full_disk_is_one_line_and_3(arguments: list[str], unbuffered: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*K3SLOG, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == "k3slog: stdout cannot be written: No space left on device\n"


@UNBUFFERED
def test_a_pipe_that_does_not_block_gets_everything(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen([*K3SLOG, "schema"], stdout=writer, stderr=subprocess.PIPE, env=env) as process:
        os.close(writer)
        with open(reader, "rb") as stream:
            assert json.loads(stream.read())
        assert (process.wait(), process.stderr.read()) == (0, b"")  # type: ignore[union-attr]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_writing_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import os, sys\n"
        "from analyzer.cli.main import run\n"
        f"os.link = lambda *names: os.kill(os.getpid(), {number})\n"
        f"sys.argv = ['k3slog', 'schema', '-o', {str(tmp_path / 'x')!r}]\n"
        "run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "")
    assert os.listdir(tmp_path) == []


def test_a_hangup_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"  # nohup
        "from analyzer.cli.main import run\n"
        "link = os.link\n"
        "os.link = lambda *names: (os.kill(os.getpid(), signal.SIGHUP), link(*names))\n"
        f"sys.argv = ['k3slog', 'schema', '-o', {str(tmp_path / 'x')!r}]\n"
        "run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, os.listdir(tmp_path)) == (0, ["x"])


def test_the_input_is_never_the_output_not_even_through_stdin(tmp_path: Path) -> None:
    log = tmp_path / "k3s.log"
    log.write_bytes(SAMPLE.read_bytes())
    with log.open("rb") as stream:
        done = subprocess.run(
            [*K3SLOG, "analyze", "-o", str(log), "--force"], stdin=stream, capture_output=True, text=True, check=False
        )
    assert done.returncode == 2 and "also an input" in done.stderr
    assert log.read_bytes() == SAMPLE.read_bytes()


@pytest.mark.parametrize("limit", ["nan", "inf", "1e999"])
def test_a_limit_that_is_no_number_of_seconds_is_refused(run: Callable[..., Any], limit: str) -> None:
    result = run("analyze", SAMPLE, "--fail-over", limit)
    assert result.exit_code == 2 and "not a number of seconds" in result.stderr


@pytest.mark.parametrize("command", ["analyze", "blame", "timeline"])
def test_a_log_read_from_a_folder_is_never_replaced(run: Callable[..., Any], tmp_path: Path, command: str) -> None:
    log = tmp_path / "k3s.log"
    log.write_bytes(SAMPLE.read_bytes())
    result = run(command, tmp_path, "-o", log, "--force")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "also an input" in result.stderr
    assert log.read_bytes() == SAMPLE.read_bytes()
    page = tmp_path / "report.json"  # what stands there and is no log may be replaced
    page.write_text("{}")
    assert run("analyze", tmp_path, "-o", page, "--force").exit_code == 0


@pytest.mark.long
def test_closed_standard_streams_do_not_mix_and_are_no_bug(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"'{sys.executable}' -m analyzer.cli.main analyze '{SAMPLE}' nothing"
    done = subprocess.run(["sh", "-c", f"{script} -f json 2>&- >'{out}'"], check=False)
    assert done.returncode == 3
    assert json.loads(out.read_text())["starts"]
    done = subprocess.run(["sh", "-c", f"{script} >&-"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "k3slog: stdout is closed. Name a file with -o\n")


def test_ascii_terminals_get_no_question_marks_for_our_own_signs() -> None:
    code = (
        "from tests.kit.made_reports import ready_start, report_of\n"
        "from analyzer.reports import text\n"
        "from analyzer.reports.format import Options\n"
        "from analyzer.reports.output import Destination\n"
        "from analyzer.reports.terminal import suited\n"
        "to = Destination()\n"
        "to.write(text.render(report_of(ready_start()), suited(Options(), to)))\n"
    )
    env = {"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, env=env)
    assert done.stdout.isascii()
    assert b"?" not in done.stdout
    assert b"###" in done.stdout


def test_a_picture_without_its_renderer_is_one_clear_line(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    sample = ROOT / "sample_logs" / "healthy-sqlite.short.txt"
    result = run("analyze", str(sample), "--png", str(tmp_path / "a.png"), "-o", str(tmp_path / "a.txt"))
    assert result.exit_code == 3
    assert "kaleido" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "a.png").exists() and (tmp_path / "a.txt").exists()
