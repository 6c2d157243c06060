"""The house keeps its own rules: the Makefile tells the truth, rooms stay apart, nothing outside the tree is needed."""

from __future__ import annotations

import ast
import os
import re
import stat
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BINARY = {".gz", ".png", ".xz", ".bz2", ".zst", ".journal", ".tar", ".tgz", ".zip", ".ico", ".woff2"}
EVIDENCE = ("sample_logs/", "tests/data/", "tests/fuzz/crashes/")
MAX_LINES = 600


@cache
def committed() -> tuple[str, ...]:
    """Paths in the repository; every file below the root where there is no git."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return tuple(p for p in listed.stdout.splitlines() if (ROOT / p).exists())
    return tuple(
        str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts
    )  # pragma: no cover


def texts(*folders: str) -> list[tuple[str, str]]:
    """``(path, text)`` of the committed text files below ``folders`` (none: everywhere)."""
    return [
        (path, (ROOT / path).read_text(encoding="utf-8"))
        for path in committed()
        if Path(path).suffix not in BINARY and not path.startswith(EVIDENCE) and path.startswith(folders or ("",))
    ]


def modules() -> list[tuple[str, str]]:
    """``(path, source)`` of the package's Python files."""
    return [(path, text) for path, text in texts("analyzer/") if path.endswith(".py")]


# --- the Makefile ---------------------------------------------------------------------------------------------------


def make_help() -> dict[str, str]:
    """What ``make help`` prints: target → sentence."""
    # Under `make test` an inner make would tell the folders it enters.
    command = ["make", "--no-print-directory", "help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {target: words for line in said.splitlines() for target, words in [line.split(maxsplit=1)]}


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.M)
    assert set(make_help()) == set(phony.split())
    for target in phony.split():
        assert re.search(rf"^{target}:", makefile, re.M), f"{target} has no rule"


def test_every_target_the_documents_name_exists() -> None:
    documents = [(p, t) for p, t in texts() if p.endswith(".md")]
    named = {(path, target) for path, text in documents for target in re.findall(r"`make ([a-z-]+)`", text)}
    assert named
    assert {(path, target) for path, target in named if target not in make_help()} == set()


def test_every_file_a_recipe_runs_exists() -> None:
    scripts = re.findall(r"\b((?:tools|benchmarks)/[\w./-]+)", (ROOT / "Makefile").read_text())
    assert scripts
    assert [script for script in scripts if not (ROOT / script).is_file()] == []


def test_ci_runs_the_same_targets() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    for target in ("test", "check", "cov", "test-browser", "test-notebooks", "test-cluster"):
        assert re.search(rf"^.*\bstep {target}\b", script, re.M), target
    assert script.index("step test\n") < script.index("step check\n")
    assert "set -euo pipefail" in script


# --- bootstrap: one line that says what to install ------------------------------------------------------------------


def fake_python(folder: Path, version: tuple[int, int], *, venv: bool = True) -> Path:
    """An interpreter that says it is ``version``, with or without the venv module."""
    path = folder / "python3"
    path.write_text(
        "#!/bin/sh\n"
        'case "$2" in\n'
        f'  *"%d.%d"*) echo {version[0]}.{version[1]} ;;\n'
        f"  *version_info*) exit {int(version < (3, 11))} ;;\n"
        f"  *venv*) exit {int(not venv)} ;;\n"
        "  *) exit 0 ;;\n"
        "esac\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def bootstrap(folder: Path, *pythons: Path) -> subprocess.CompletedProcess[str]:
    """Run tools/bootstrap where only ``pythons`` are found."""
    return subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "bootstrap"), str(folder / "venv")],
        env={"PATH": str(folder), "PYTHON": " ".join(str(p) for p in pythons) or "no-such-python"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_bootstrap_without_a_python(tmp_path: Path) -> None:
    ran = bootstrap(tmp_path)
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert "apt-get install python3 python3-venv" in ran.stderr


def test_bootstrap_with_an_old_python(tmp_path: Path) -> None:
    ran = bootstrap(tmp_path, fake_python(tmp_path, (3, 9)))
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert "3.11 or newer is needed" in ran.stderr
    assert "3.9" in ran.stderr


def test_bootstrap_without_the_venv_module(tmp_path: Path) -> None:
    ran = bootstrap(tmp_path, fake_python(tmp_path, (3, 11), venv=False))
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert "no venv module" in ran.stderr
    assert "apt-get install python3-venv" in ran.stderr


# --- what is in the tree --------------------------------------------------------------------------------------------


def test_the_lock_names_versions_and_nothing_else() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    assert len(entries) > 20
    assert [e for e in entries if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", e)] == []


def test_the_lock_covers_every_dependency() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {re.split(r"[\s<>=!~;\[]", d)[0].lower().replace("_", "-") for d in wanted}
    locked = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if "==" in line
    }
    assert names - locked == set()


REGISTRIES = re.compile(r"files\.pythonhosted|pypi\.org|registry\.npmjs|deb\.debian|crates\.io|proxy\.golang")


def test_no_committed_file_names_a_registry_or_a_place_outside_the_tree() -> None:
    outside = re.compile(r"(?<![\w.])/work/|\.\./shared\b")
    found = [
        (path, match.group())
        for path, text in texts()
        if "assets/plotly" not in path and path != "tests/test_project.py"
        for match in (REGISTRIES.search(text), outside.search(text))
        if match
    ]
    assert found == []


def test_no_python_file_has_outgrown_its_room() -> None:
    sizes = {path: text.count("\n") for path, text in texts("analyzer/", "tests/") if path.endswith(".py")}
    assert {path: lines for path, lines in sizes.items() if lines > MAX_LINES} == {}


# --- the rules of the rooms that import-linter cannot see -----------------------------------------------------------

CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}
MAY_READ_THE_CLOCK = ("analyzer/cli/", "analyzer/live/")


def _reads_the_clock(tree: ast.AST) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and isinstance(node.func.value, ast.Name | ast.Attribute)
        and ast.unparse(node.func.value) in ("datetime", "datetime.datetime", "date", "datetime.date", "time")
    ]


def test_only_the_command_line_and_the_live_room_read_the_clock() -> None:
    found = {
        path: lines
        for path, source in modules()
        if not path.startswith(MAY_READ_THE_CLOCK) and (lines := _reads_the_clock(ast.parse(source)))
    }
    assert found == {}


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after ``code``."""
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys\n{code}\nprint(*{{m.split('.')[0] for m in sys.modules}}, file=sys.stderr)",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return set(ran.stderr.split())


HEAVY = {"pandas", "plotly", "numpy", "scipy", "pyarrow", "httpx", "IPython", "yaml"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import analyzer") & (HEAVY | {"rich", "typer"}) == set()


def test_the_help_loads_nothing_heavy() -> None:
    code = "sys.argv = ['k3slog', '--help']\nfrom analyzer.cli.main import run\ntry: run()\nexcept SystemExit: pass"
    assert loaded_after(code) & HEAVY == set()


# --- the documents --------------------------------------------------------------------------------------------------


def test_the_architecture_document_names_every_room_and_no_other() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rooms = {
        path.split("/")[1] + ("/" if path.count("/") > 1 else "")
        for path, _ in modules()
        if not path.endswith("/__init__.py") or path.count("/") > 1
    }
    table = set(re.findall(r"^\| `([\w./]+)`", text, re.M))
    assert rooms - table == set(), "not described"
    assert {room for room in table if not (ROOT / "analyzer" / room).exists()} == set(), "described, but not there"


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = [
        (path, target)
        for path, text in texts()
        if path.endswith(".md")
        for target in re.findall(r"\]\(([^)#\s]+)", text)
        if "://" not in target and not (ROOT / path).parent.joinpath(target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_the_documents_are_there(document: str) -> None:
    assert len((ROOT / document).read_text()) > 500


def test_what_the_readme_shows_is_what_the_program_prints() -> None:
    """The report of a sample log and the list of commands; ``make docs`` writes them anew."""
    ran = subprocess.run(
        [sys.executable, "tools/refresh_readme.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.long
def test_every_option_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text()
    used = {
        (c, o) for c, rest in re.findall(r"k3slog ([a-z]+)([^`\n|]*)", text) for o in re.findall(r"--[a-z-]+", rest)
    }
    listed = set(re.findall(r"^\| `k3slog ([a-z]+)`", text, re.M))
    assert {command for command, _ in used} <= listed
    for command, option in used:
        said = subprocess.run(
            [sys.executable, "-m", "analyzer.cli.main", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COLUMNS": "200"},
        ).stdout
        assert option in said, f"k3slog {command} has no {option}"
