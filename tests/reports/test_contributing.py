"""docs/contributing/formats.md, followed to the letter in a copy of the package."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.kit.copied_package import copied_into, run_in

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/contributing/formats.md").read_text(encoding="utf-8")
(MODULE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SAMPLE = ROOT / "sample_logs" / "healthy-sqlite.short.txt"
SECURITY = """
from tests.kit.every_format import everything
from tests.reports.test_formats import spoilt, test_no_format_lets_a_log_say_more_than_words
assert "report as tsv, starts" in everything(spoilt("x"))
for text in ("\\x1b[31mred", "@team", "\\u202egnp"):
    test_no_format_lets_a_log_say_more_than_words(text)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copied_into(tmp_path)


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return run_in(copy, *command, beside=(ROOT,))


def add(copy: Path, module: str) -> None:
    (copy / "analyzer/reports/formats/tsv.py").write_text(module, encoding="utf-8")


@pytest.mark.long
def test_one_file_makes_a_format(copy: Path) -> None:
    add(copy, MODULE)
    assert "svg|tsv]" in run(copy, "-m", "analyzer.cli.main", "analyze", "--help").stdout
    by_name = run(copy, "-m", "analyzer.cli.main", "analyze", str(SAMPLE), "--format", "tsv")
    assert (by_name.stdout, by_name.stderr) == ("1\tnode-a\tready\n", "")
    by_suffix = run(copy, "-m", "analyzer.cli.main", "analyze", str(SAMPLE), "-o", "starts.tsv")
    assert by_suffix.stderr == "Wrote starts.tsv\n"
    assert (copy / "starts.tsv").read_text(encoding="utf-8") == by_name.stdout


@pytest.mark.long
def test_the_security_tests_cover_it(copy: Path) -> None:
    add(copy, MODULE.replace("\\t", " "))
    ran = run(copy, "-c", SECURITY)
    assert (ran.stderr, ran.returncode) == ("", 0)
    add(copy, MODULE.replace("\\t", " ").replace("printable(start.host or '')", "start.host"))
    assert "AssertionError: report as tsv" in run(copy, "-c", SECURITY).stderr
