"""docs/contributing/findings.md, followed to the letter in a copy of the package."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.kit.copied_package import copied_into, run_in as run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/contributing/findings.md").read_text(encoding="utf-8")
ENTRY, MODULE = (
    found[0] for kind in ("toml", "python") if (found := re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL))
)
FINDINGS, RULE = "analyzer/events/findings.toml", "analyzer/analysis/rules/lookups.py"
TRY = """
import io, analyzer
from analyzer.testing.faults import fault
from analyzer.testing.healthy import healthy_start
for journal in (fault("slow_lookup")(1), healthy_start(1).render("export")):
    for start in analyzer.analyze(analyzer.load(stdin=io.BytesIO(journal))).report.starts:
        print([(f.severity, f.title, f.detail, len(f.lines)) for f in start.findings if f.id == "slow_lookup"])
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copied_into(tmp_path)


def add_entry(copy: Path) -> None:
    with (copy / FINDINGS).open("a", encoding="utf-8") as file:
        file.write(f"\n{ENTRY}")


@pytest.mark.long
def test_two_files_make_a_finding(copy: Path) -> None:
    add_entry(copy)
    (copy / RULE).write_text(MODULE, encoding="utf-8")
    ran = run(copy, "-c", TRY)
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "[('warning', 'Names were looked up slowly', '4 lookups took 3 s or more.', 4)]",
        "[]",
    ]
    explained = run(copy, "-m", "analyzer.cli.main", "explain", "slow_lookup").stdout
    for words in ("Names were looked up slowly.", "A warning as a rule.", "getent hosts NAME", "datastore_late"):
        assert words in explained


def test_one_of_them_without_the_other_is_an_error_at_import(copy: Path) -> None:
    add_entry(copy)
    ran = run(copy, "-c", "import analyzer.analysis.find")
    assert "LookupError: a rule or findings.toml is missing for slow_lookup" in ran.stderr
    shutil.copyfile(ROOT / FINDINGS, copy / FINDINGS)
    (copy / RULE).write_text(MODULE, encoding="utf-8")
    ran = run(copy, "-c", "import analyzer.analysis.find")
    assert "LookupError: a rule or findings.toml is missing for slow_lookup" in ran.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"datastore_late", "server_unreachable"',
            '"datastore_latte"',
            "names what nothing stands behind: datastore_latte",
        ),
        ("causes = ", "cuases = ", "slow_lookup has unknown keys: cuases"),
        ("explains = ", 'patterns = ["slow_squirrel"]\nexplains = ', "names what nothing stands behind: slow_squirrel"),
        ("explains = ", 'replaces = ["healthyy"]\nexplains = ', "names what nothing stands behind: healthyy"),
        ('"slow_lookup"', '"selinux"', "selinux stands twice"),
        ('"slow_lookup"', '"healthy"', "healthy stands twice"),
    ],
)
def test_what_is_wrong_with_an_entry_is_named(copy: Path, old: str, new: str, words: str) -> None:
    assert old in ENTRY
    with (copy / FINDINGS).open("a", encoding="utf-8") as file:
        file.write("\n" + ENTRY.replace(old, new))
    ran = run(copy, "-c", "import analyzer.analysis.find")
    assert words in ran.stderr


def test_rules_that_wait_for_each_other_are_an_error(copy: Path) -> None:
    add_entry(copy)
    loop = '@rule("slow_lookup", after=("slow_lookup",))'
    (copy / RULE).write_text(MODULE.replace('@rule("slow_lookup")', loop), encoding="utf-8")
    assert "CycleError" in run(copy, "-c", "import analyzer.analysis.find").stderr
