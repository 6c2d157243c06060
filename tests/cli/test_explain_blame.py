"""``k3slog explain``, ``k3slog blame`` and ``--anonymize`` as options, and the examples of the documents."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]
LOG = ROOT / "sample_logs" / "starved.short-precise.txt"
LOOP = ROOT / "sample_logs" / "crash-loop-until-roles.short.txt"


def test_explain_in_every_format(run: Run, tmp_path: Path) -> None:
    text = run("explain", "rbac/bootstrap-roles")
    assert (text.exit_code, text.stderr) == (0, "")
    assert text.stdout.startswith("poststarthook/rbac/bootstrap-roles (check of /readyz)\n")
    assert json.loads(run("explain", "etcd", "-f", "json").stdout)["entries"][0]["kind"] == "check"
    assert run("explain", "etcd", "-f", "markdown").stdout.startswith("## `etcd`: check")
    out = tmp_path / "e.md"
    assert run("explain", "etcd", "-o", out).exit_code == 0
    assert out.read_text().startswith("## `etcd`")


def test_explain_lists_every_name(run: Run) -> None:
    listed = run("explain", "--list")
    assert listed.exit_code == 0
    assert run("explain").stdout == listed.stdout
    assert "rbac/bootstrap-roles" in listed.stdout and "slow_datastore" in listed.stdout
    assert "tls_timeout" in json.loads(run("explain", "--list", "-f", "json").stdout)["names"]["error"]
    assert run("explain", "--list", "-f", "markdown").stdout.startswith("## Checks of /readyz\n")
    assert run("explain", "--list", "etcd").exit_code == 2


def test_explain_takes_a_message_in_several_words(run: Run) -> None:
    assert run("explain", "TLS", "handshake", "timeout").stdout.startswith("tls_timeout")


def test_an_unknown_name_is_2_and_suggests(run: Run) -> None:
    result = run("explain", "rbac/bootstrap-role")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Did you mean rbac/bootstrap-roles" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_word_behind_a_check_is_a_log_and_a_missing_one_is_told(run: Run) -> None:
    result = run("explain", "rbac/bootstrap-roles", "no_such_log")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "no_such_log" in result.stderr
    told = run("explain", "[-]poststarthook/rbac/bootstrap-roles", "failed:", "reason", "withheld")
    assert told.exit_code == 0 and "In this log" not in told.stdout


def test_a_secret_in_an_unknown_text_is_not_repeated(run: Run) -> None:
    result = run("explain", "frob --token=S3CRET \x1b[31m")
    assert result.exit_code == 2
    assert "S3CRET" not in result.stderr and "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("args", "code"), [([], 0), (["--start", "1"], 0), (["--start", "99"], 2), (["--limit", "-1"], 2)]
)
def test_blame_selects_starts(run: Run, args: list[str], code: int) -> None:
    assert run("blame", LOOP, *args).exit_code == code


def test_blame_tells_the_numbers_of_analyze(run: Run) -> None:
    report = json.loads(run("analyze", LOG, "-f", "json").stdout)["starts"][-1]
    told = json.loads(run("blame", LOG, "-f", "json").stdout)["starts"][0]
    known = {check["name"]: check for check in report["checks"]}
    assert told["ready"] == report["ready"]
    assert told["checks"]
    for check in told["checks"]:
        for name in ("cleared", "exclusive_s", "saving_s", "last_blocker", "final"):
            assert check[name] == known[check["name"]][name]
    rows = list(csv.DictReader(io.StringIO(run("blame", LOG, "-f", "csv").stdout)))
    assert [r["name"] for r in rows if r["kind"] == "check"] == [check["name"] for check in told["checks"]]


def test_blame_ends_as_the_other_commands_do(run: Run, tmp_path: Path) -> None:
    assert run("blame", LOG, "/no/such").exit_code == 3
    assert run("blame", "/no/such").exit_code == 3
    nothing = tmp_path / "x.log"
    nothing.write_text("hello\n")
    assert run("blame", nothing).exit_code == 4
    assert run("blame", input=LOG.read_bytes()).stdout == run("blame", LOG).stdout
    out = tmp_path / "b.csv"
    assert run("blame", LOG, "-o", out).exit_code == 0
    assert out.read_text().startswith("start,kind,name")
    assert run("blame", LOG, "-o", out).exit_code == 3


def test_a_log_behind_what_is_no_check_is_told_from_an_unknown_name(run: Run) -> None:
    wrong = run("explain", "slow_datastore", LOG)
    assert wrong.exit_code == 2 and "nothing is known" not in wrong.stderr
    assert "a LOG can stand behind a check only, and slow_datastore is none" in wrong.stderr


@pytest.mark.parametrize(
    "args",
    [["analyze"], ["analyze", "-f", "json"], ["analyze", "-f", "csv"], ["analyze", "-f", "csv", "--table", "timeline"],
     ["analyze", "-f", "markdown"], ["blame"], ["blame", "-f", "json"], ["timeline"], ["timeline", "-f", "json"],
     ["timeline", "-f", "trace"]],
    ids=" ".join,
)  # fmt: skip
def test_anonymize_is_an_option_of_every_command_that_shows_a_log(run: Run, args: list[str], tmp_path: Path) -> None:
    log = tmp_path / "acme-berlin.log"
    log.write_text(LOG.read_text().replace("node-a", "zqberlin7"))
    plain, hidden = run(args[0], log, *args[1:]), run(args[0], log, *args[1:], "--anonymize")
    assert (hidden.exit_code, hidden.stderr) == (0, "")
    assert "zqberlin7" in plain.stdout
    assert not re.search("zqberlin7|acme|berlin", hidden.stdout)
    assert "host-1" in hidden.stdout
    # The same numbers in the same order; a stand-in's own number does not count.
    numbers = re.compile(r"(?<![\w.-])\d+\.\d+(?![\w.-])")
    if args[-1] in ("json", "csv", "timeline", "trace"):
        assert numbers.findall(hidden.stdout) == numbers.findall(plain.stdout)


def test_anonymized_pages(run: Run, tmp_path: Path) -> None:
    log, page = tmp_path / "acme.log", tmp_path / "r.html"
    log.write_text(LOG.read_text().replace("node-a", "zqberlin7"))
    assert run("analyze", log, "--html", page, "--anonymize").exit_code == 0
    shown = page.read_text()
    assert "host-1" in shown
    assert not re.search(r"zqberlin7|acme\.log", shown)


EXAMPLES = re.findall(
    r"^k3slog (?:blame|explain|analyze .*--anonymize)\b.*$", (ROOT / "docs" / "cli.md").read_text(), re.M
)


def test_the_documents_hold_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_of_the_documents_run(run: Run, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = run(*shlex.split(line)[1:])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout
