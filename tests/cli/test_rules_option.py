"""``--rules`` as an option; the example of the document runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.errors import BadInputError

Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]
SAMPLE = (ROOT / "sample_logs" / "starved.short-precise.txt").read_text()
DOCUMENT = (ROOT / "docs" / "rules.md").read_text()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    found = re.search(r"<!-- begin example -->\n```toml\n(.*?)```\n<!-- end example -->", DOCUMENT, re.S)
    assert found is not None
    path = tmp_path / "site.toml"
    path.write_text(found[1])
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The sample with lines of the document's example behind the one that launches the API server."""
    lines = SAMPLE.splitlines()
    at = next(n for n, line in enumerate(lines) if "Running kube-apiserver" in line)
    envelope = lines[at].partition("time=")[0]
    slow = [f'{envelope}time="2026-03-01T06:03:30Z" level=warning msg="upstream proxy took {n}s"' for n in (4, 5, 6)]
    sealed = f'{envelope}time="2026-03-01T06:03:30Z" level=error msg="kms: vault is sealed since 09:12 token=S3CRET"'
    path = tmp_path / "k3s.log"
    path.write_text("\n".join([*lines[: at + 1], sealed, *slow, *lines[at + 1 :]]) + "\n")
    return path


def test_the_documents_example_finds_what_it_says(run: Run, rules: Path, log: Path) -> None:
    result = run("analyze", log, "--rules", rules, "--full")
    assert result.exit_code == 0
    shown = re.search(r"```console\n(What to do\n.*?)```", DOCUMENT, re.S)
    assert shown is not None
    for line in shown[1].strip().splitlines():
        assert line in result.stdout
    found = {
        f["id"]: f
        for f in json.loads(run("analyze", log, "--rules", rules, "-f", "json").stdout)["starts"][0]["findings"]
    }
    assert found["vault_sealed"]["severity"] == "critical"
    assert found["vault_sealed"]["advice"] == "Unseal it on the vault server: vault operator unseal"
    assert "S3CRET" not in str(found)
    assert found["proxy_slow_again"]["title"] == "The proxy was slow again and again while k3s started"
    assert "proxy_slow" not in found  # the finding took it up


def test_without_the_option_nothing_of_it_is_found(run: Run, log: Path) -> None:
    ids = {f["id"] for f in json.loads(run("analyze", log, "-f", "json").stdout)["starts"][0]["findings"]}
    assert not ids & {"vault_sealed", "proxy_slow", "proxy_slow_again"}


def test_numbers_are_the_same_with_rules(run: Run, rules: Path, log: Path) -> None:
    with_rules = json.loads(run("analyze", log, "--rules", rules, "-f", "json").stdout)["starts"][0]
    without = json.loads(run("analyze", log, "-f", "json").stdout)["starts"][0]
    for name in ("ready", "detected", "checks", "phases", "polls", "outcome"):
        assert with_rules[name] == without[name]


@pytest.mark.parametrize("command", ["analyze", "blame", "timeline"])
def test_every_command_takes_it_and_tells_a_bad_file_with_its_line(
    run: Run, rules: Path, log: Path, command: str
) -> None:
    assert run(command, log, "--rules", rules).exit_code == 0
    rules.write_text(rules.read_text().replace('kind = "problem"', 'kind = "problm"', 1))
    result = run(command, log, "--rules", rules)
    assert (result.exit_code, result.stdout) == (3, "")
    said = f'k3slog: {rules}, line 3: [[mark]] of "vault_sealed": there is no kind "problm". Did you mean problem?\n'
    assert result.stderr == said
    assert said.replace(str(rules), "site.toml").strip() in DOCUMENT
    assert run(command, log, "--rules", "/no/such.toml").exit_code == 3


def test_two_files_are_one_set(run: Run, rules: Path, log: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.toml"
    more.write_text('[[finding]]\nid = "proxy_once"\nmarks = ["proxy_slow"]\ntitle = "Once"\n')
    data = json.loads(run("analyze", log, "--rules", rules, "--rules", more, "-f", "json").stdout)
    assert "proxy_once" in {f["id"] for f in data["starts"][0]["findings"]}


def test_the_library_takes_them_as_well(rules: Path, log: Path) -> None:
    found = {f.id for f in analyzer.analyze(log, rules=rules).report.starts[0].findings}
    assert found >= {"vault_sealed", "proxy_slow_again"}
    assert analyzer.analyze(log, rules=[rules]).report == analyzer.analyze(log, rules=rules).report
    with pytest.raises(BadInputError):
        analyzer.analyze(log, rules=[rules, rules])
