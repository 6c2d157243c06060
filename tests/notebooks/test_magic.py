"""``%k3slog`` without IPython: the arguments, the choice of starts, what is loaded when."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import analyzer
from analyzer import notebook
from analyzer.errors import BadInputError, NoDataError, UsageError

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "sample_logs"
LOOP = LOGS / "crash-loop-until-roles.short.txt"
HEALTHY = LOGS / "healthy-sqlite.short.txt"


class FakeShell:
    """Remembers what was registered."""

    def __init__(self) -> None:
        self.magics: dict[tuple[str, str | None], Callable[[str], object]] = {}

    def register_magic_function(
        self, func: Callable[[str], object], magic_kind: str = "line", magic_name: str | None = None
    ) -> None:
        self.magics[magic_kind, magic_name] = func


def test_loading_the_extension_registers_one_line_magic() -> None:
    shell = FakeShell()
    notebook.load_ipython_extension(shell)
    assert shell.magics == {("line", "k3slog"): notebook.k3slog}


def test_the_magic_gives_what_the_library_gives() -> None:
    found = notebook.run(str(HEALTHY))
    assert found == analyzer.analyze(HEALTHY)


@pytest.mark.parametrize(
    ("choice", "indices"), [("", [1, 2, 3, 4]), ("all", [1, 2, 3, 4]), ("last", [4]), ("2", [2]), ("slowest", [4])]
)
def test_start_selects_and_keeps_the_index(choice: str, indices: list[int]) -> None:
    found = notebook.run(f"{LOOP} --start {choice}" if choice else str(LOOP))
    assert found is not None
    assert [s.index for s in found] == indices
    assert found.starts()["start"].tolist() == indices


def test_paths_with_spaces_stars_and_brackets(tmp_path: Path) -> None:
    for name in ("one log.txt", "b[1].txt", "b1.txt"):
        (tmp_path / name).write_bytes(HEALTHY.read_bytes())
    parsed = notebook.parse(f'"{tmp_path}/one log.txt" --start=last')
    assert parsed == notebook.Arguments((f"{tmp_path}/one log.txt",), "last")
    assert notebook.parse(f"{tmp_path}/b*.txt") == notebook.Arguments((f"{tmp_path}/b1.txt", f"{tmp_path}/b[1].txt"))
    assert notebook.parse(f"{tmp_path}/b[1].txt") == notebook.Arguments((f"{tmp_path}/b[1].txt",))
    assert notebook.parse(f"{tmp_path}/none*.txt") == notebook.Arguments((f"{tmp_path}/none*.txt",))


def test_the_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert notebook.parse("~/k3s.log") == notebook.Arguments((f"{tmp_path}/k3s.log",))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "no PATH given"),
        ("--start last", "no PATH given"),
        ("x.log --stat last", "unrecognized arguments: --stat"),
        ("x.log --start", "expected one argument"),
        ("'x.log", "No closing quotation"),
    ],
)
def test_bad_arguments_raise_and_never_end_the_kernel(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        notebook.parse(line)


def test_a_start_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="there is no start 9"):
        notebook.run(f"{HEALTHY} --start 9")


def test_a_file_that_is_missing_or_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no-such\.log"):
        notebook.run(str(tmp_path / "no-such.log"))
    (tmp_path / "other.log").write_text("Mar 01 06:03:24 node-a sshd[12]: Server listening on 0.0.0.0 port 22.\n")
    with pytest.raises(NoDataError):
        notebook.run(str(tmp_path / "other.log"))


def test_one_bad_input_among_good_ones_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = notebook.run(f"{HEALTHY} {tmp_path / 'gone.log'}")
    assert found is not None and len(found) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "gone.log" in told.err and len(told.err.splitlines()) == 1


def test_help_is_printed_and_nothing_returned(capsys: pytest.CaptureFixture[str]) -> None:
    assert notebook.run("--help") is None
    out = capsys.readouterr().out
    assert "%k3slog" in out and "--start" in out


def test_loading_the_extension_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom analyzer import notebook\n"
        "class Shell:\n    def register_magic_function(self, *a): pass\n"
        "notebook.load_ipython_extension(Shell())\n"
        "heavy = {'pandas', 'numpy', 'plotly', 'IPython', 'scipy', 'rich', 'typer'}\n"
        "print(sorted(heavy & {m.split('.')[0] for m in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
