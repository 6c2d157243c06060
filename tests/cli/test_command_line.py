"""The command as a shell sees it."""

from __future__ import annotations

import json
import resource
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
    for command in ("analyze", "timeline", "schema", "simulate", "schedule", "wait"):
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


def test_help_and_import_are_quick_and_load_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from analyzer.cli.main import app\n"
        "try: app(['--help'], prog_name='k3slog')\n"
        "except SystemExit: pass\n"
        "print(sorted({'pandas', 'numpy', 'plotly', 'rich', 'httpx', 'jinja2'} & set(sys.modules)))\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.splitlines()[-1] == "[]"
    # Processor time, which a busy machine does not stretch.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


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


def test_a_full_disk_is_one_line_and_3() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*K3SLOG, "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "k3slog: stdout cannot be written: No space left on device\n"


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
        "from analyzer.reports.output import Destination\n"
        "to = Destination()\n"
        "to.write(text.render(report_of(ready_start()), text.TextOptions.for_output(to, None, False, False, None)))\n"
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
