"""What the committed notebooks are: sources without results, for any Jupyter, that check themselves."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = {"fleet-of-starts.ipynb", "investigation.ipynb", "what-the-2025-poller-bought.ipynb"}


def load(path: Path) -> dict[str, Any]:
    log_records: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return log_records


def sources(path: Path, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in load(path)["cells"] if cell["cell_type"] == kind]


def test_the_notebooks_are_there_and_described() -> None:
    assert {path.name for path in NOTEBOOKS} == NAMES
    text = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert {name for name in NAMES if f"notebooks/{name}" not in text} == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_results_are_committed(path: Path) -> None:
    cells = [cell for cell in load(path)["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 8
    assert [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_file_holds_nothing_of_the_machine_it_was_written_on(path: Path) -> None:
    log_records = load(path)
    assert log_records["metadata"] == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert [cell["id"] for cell in log_records["cells"] if cell["metadata"]] == []
    ids = [cell["id"] for cell in log_records["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_reads_the_tree_only(path: Path) -> None:
    code = "\n".join(sources(path, "code"))
    assert re.findall(r"https?://|/(?:home|root|tmp|work|Users)/|import (?:urllib|requests|httpx)", code) == []
    paths = re.findall(r"\.\./[\w./-]+", code)
    assert paths
    assert [p for p in paths if not (path.parent / p).exists()] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_ends_with_a_self_check_of_real_assertions(path: Path) -> None:
    last = load(path)["cells"][-1]
    assert last["cell_type"] == "code"
    asserts = [node for node in ast.walk(ast.parse("".join(last["source"]))) if isinstance(node, ast.Assert)]
    assert len(asserts) >= 8
    assert [node.lineno for node in asserts if isinstance(node.test, ast.Constant)] == []
    assert "Self-check" in sources(path, "markdown")[-1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_is_prose_too(path: Path) -> None:
    """A reader is led: never more than three code cells in a row, and words enough."""
    assert "cccc" not in "".join(cell["cell_type"][0] for cell in load(path)["cells"])
    assert sum(len(text.split()) for text in sources(path, "markdown")) > 500


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_notebooks_it_names_exist(path: Path) -> None:
    text = "\n".join(sources(path, "markdown"))
    assert set(re.findall(r"`(\S+\.ipynb)`", text)) <= NAMES
