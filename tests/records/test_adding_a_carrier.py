"""docs/contributing/carriers.md, followed: its module and one place in the list are all that a carrier needs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import analyzer
from analyzer.records import carriers

PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "carriers.md"
BANNER_MS = 1740809012400
LOG = f"""\
[{BANNER_MS}] k3s@node-1 > time="2025-03-01T06:03:32Z" level=info msg="Starting k3s v1.32.1+k3s1 (6a322f12)"
[{BANNER_MS + 8000}] k3s@node-1 > time="2025-03-01T06:03:40Z" level=info msg="Kube API server is now running"
[{BANNER_MS + 9000}] k3s@node-1 > time="2025-03-01T06:03:41Z" level=info msg="k3s is up and running"
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    """The module of the page."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "cabin.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("cabin", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_page_is_enough(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "k3s.log"
    path.write_text(LOG)
    before = analyzer.load(path)
    assert before.log_records.sources[0].format != "cabin"
    monkeypatch.setattr(carriers, "CARRIERS", (module.CABIN, *carriers.CARRIERS))
    log = analyzer.load(path)
    assert log.log_records.sources[0].format == "cabin"
    [start] = analyzer.analyze(log).report.starts
    assert (start.outcome, start.host, start.version) == ("ready", "node-1", "v1.32.1+k3s1")
    assert start.began_at is not None and start.began_at.timestamp() == BANNER_MS / 1000


def test_in_a_folder_it_is_a_log_as_well(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "k3s.log").write_text(LOG)
    monkeypatch.setattr(carriers, "CARRIERS", (module.CABIN, *carriers.CARRIERS))
    assert [source.format for source in analyzer.load(tmp_path / "logs").log_records.sources] == ["cabin"]


def test_the_page_names_files_that_are_there() -> None:
    root = PAGE.parents[2]
    for name in re.findall(r"`((?:analyzer|tests)/[\w/.]+)`", PAGE.read_text()):
        assert (root / name).exists(), name
