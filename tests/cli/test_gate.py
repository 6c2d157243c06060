"""``k3slog gate`` through its entry point: what it refuses, what it never passes, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from analyzer.collection import executors
from analyzer.collection.work import WorkOptions
from analyzer.gate.limits import limits_of
from analyzer.reports.schema import schema_text
from analyzer.testing import generate
from analyzer.testing.scenarios import k3s
from analyzer.testing.truth import Scenario
from tests.kit.in_process import k3slog
from tests.reports.test_gate import as_junit
from tests.reports.test_gate_github import as_a_runner_reads_it

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_logs"
GOOD = SAMPLES / "healthy-sqlite.short.txt"  # ready after 4 to 6 s
LOOP = SAMPLES / "crash-loop-until-roles.short.txt"
AGENT = SAMPLES / "agent-waits.short.txt"
HARMLESS = ("ready<=60s", "failed<=0", "findings:critical<=0", "restarts<=0", "hooks<=60s",
            "check:poststarthook/rbac/bootstrap-roles<=60s")  # fmt: skip


@pytest.fixture(autouse=True)
def right_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work in this process, and no workflow around it."""

    def inline(jobs: int, options: WorkOptions) -> executors.Inline:
        return executors.Inline()

    monkeypatch.setattr(executors, "processes", inline)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def options(*limits: str) -> list[str]:
    return [word for limit in limits for word in ("--max", limit)]


def told(*args: object, code: int = 0) -> dict[str, str]:
    """The result of each limit by its name."""
    done = k3slog("gate", *args, "--format", "json")
    assert done.returncode == code, done.stderr
    data = json.loads(done.stdout)
    jsonschema.validate(data, json.loads(schema_text("gate")), cls=jsonschema.Draft202012Validator)
    return {one["name"]: one["result"] for one in data["limits"]}


def refused(*args: object, code: int = 2) -> str:
    done = k3slog("gate", *args)
    line = done.stderr.decode()
    assert done.returncode == code and not done.stdout, line
    assert "internal error" not in line and "Traceback" not in line
    return line


# --- what passes and what does not


def test_one_beats_five_beats_nothing() -> None:
    assert told(GOOD, *options(*HARMLESS)) == {one.name: "pass" for one in limits_of(HARMLESS, [])}
    assert set(told(GOOD, *options("ready<=60s", "ready:min<=5s"), code=5).values()) == {"pass", "undecided"}
    assert told(GOOD, *options("ready<=60s", "ready:min<=5s"), "--strict", code=1)["ready:min<=5s"] == "undecided"
    found = told(GOOD, LOOP, *options("ready<=60s", "ready:min<=5s", "failed<=0", "findings:critical<=0"), code=1)
    assert set(found.values()) == {"fail", "undecided"}
    assert told(GOOD, *options("ready<=60s"), "--strict") == {"ready:max<=60s": "pass"}


def test_what_is_not_whole_never_passes(tmp_path: Path) -> None:
    lines = GOOD.read_text().splitlines(keepends=True)
    names = ("end.log", "begin.log", "whole.log", "cut.log.gz")
    begun, ended, whole, broken = (tmp_path / name for name in names)
    begun.write_text("".join(lines[:60]))
    ended.write_text("".join(lines[39:]))
    whole.write_text("".join(lines))
    broken.write_bytes(gzip.compress((SAMPLES / "legacy-1.28.short-precise.txt").read_bytes())[:4000])
    limits = options(*HARMLESS)
    assert set(told(begun, *limits, code=5).values()) == {"undecided"}
    assert set(told(broken, *limits, code=5).values()) == {"undecided"}
    rotated = told(ended, *limits, code=5)
    assert {name for name, result in rotated.items() if result == "undecided"} >= {
        "ready:max<=60s", "findings:critical<=0", "restarts:max<=0",
    }  # fmt: skip
    assert "fail" not in rotated.values()
    other = SAMPLES / "datastore-stall.export"
    assert set(told(other, *limits).values()) == {"pass"}
    for part in (begun, broken):
        assert "pass" not in told(other, part, *limits, code=5).values()
    assert set(told(whole, begun, *limits).values()) == {"pass"}  # the same start, of which the whole is kept
    (tmp_path / "noise.log").write_bytes(os.urandom(3000))
    for bad in (tmp_path / "noise.log", tmp_path / "missing.log"):
        assert set(told(whole, bad, *limits, code=5).values()) == {"undecided"}
        assert set(told(bad, *limits, code=3).values()) == {"undecided"}
        assert "fail" in told(whole, bad, *options("ready<=1s"), code=1).values()


@pytest.mark.long
def test_a_log_is_at_most_as_sure_after_each_line_that_is_cut_off(tmp_path: Path) -> None:
    """From either end: what passed may become undecided, and never what the whole refutes."""
    lines = GOOD.read_text().splitlines(keepends=True)
    part = tmp_path / "part.log"
    for cut in range(0, len(lines), 9):
        for kept in (lines[cut:], lines[: len(lines) - cut]):
            part.write_text("".join(kept))
            done = k3slog(
                "gate", part, *options("ready<=4s", "node<=5s", "failed<=0", "restarts<=0"), "--format", "json"
            )
            if done.returncode == 4:
                continue
            found = {one["metric"]: one["result"] for one in json.loads(done.stdout)["limits"]}
            assert found["ready"] != "pass" and found["node"] != "pass", cut
            assert found["failed"] != "fail" and found["restarts"] != "fail", cut


def test_agents_have_no_ready_and_nobody_passes_for_them() -> None:
    assert told(AGENT, *options("ready<=60s", "hooks<=60s", "node<=60s"), code=5) == {
        "ready:max<=60s": "undecided", "hooks:max<=60s": "undecided", "node:max<=60s": "pass",
    }  # fmt: skip
    assert told(AGENT, GOOD, *options("ready<=60s")) == {"ready:max<=60s": "pass"}
    assert told(AGENT, GOOD, *options("ready<=60s"), "--where", "role=agent", code=5) == {"ready:max<=60s": "undecided"}


def test_conditions_that_nothing_meets_pass_nothing(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text('[[limit]]\nmetric = "failed"\nmax = 0\nwhere = "host=nobody"\n')
    assert set(told(GOOD, "--limits", limits, code=5).values()) == {"undecided"}
    assert set(told(GOOD, *options("failed<=0"), "--where", "host=nobody", code=5).values()) == {"undecided"}


def test_nothing_of_k3s_at_all(tmp_path: Path) -> None:
    (tmp_path / "sshd.log").write_text("Mar 01 06:00:00 host sshd[12]: Accepted publickey for root\n" * 20)
    assert "no trace of a k3s or RKE2 run in 1 input\n" in refused(tmp_path / "sshd.log", *options("failed<=0"), code=4)
    assert told(tmp_path / "*.gz", *options("failed<=0"), code=3) == {"failed<=0": "undecided"}
    assert told(GOOD, tmp_path / "sshd.log", *options("failed<=0")) == {"failed<=0": "pass"}


# --- what cannot be meant


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "there is no limit"),
        (options("raedy<=60s"), "Did you mean ready"),
        (options("ready"), "not METRIC<=VALUE"),
        (options("ready<=+10%"), "growth needs something to be held against. Name it with --baseline"),
        ([*options("ready<=60s"), "--baseline", "x"], "no limit is held against the --baseline"),
        ([*options("ready<=60s"), "--where", "ring=a"], "there is no label 'ring'"),
        ([*options("ready<=60s"), "--where", "ring"], "has no ="),
        ([*options("ready<=60s"), "--label", "host=x"], "label host"),
        ([*options("ready<=60s"), "--confidence", "nan"], "--confidence"),
        ([*options("ready<=60s"), "--seed", "-1"], "--seed"),
        ([*options("ready<=60s"), "--timeout", "nan"], "--timeout"),
        ([*options("ready<=60s"), "--format", "html"], "html"),
        ([*options("ready<=60s"), "--junit", "a.xml", "-o", "a.xml"], "two outputs"),
        (options("ready<=60s", "ready<=60s"), "there is another limit"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(words: list[str], said: str, tmp_path: Path) -> None:
    assert said in refused(tmp_path / "not there", *words)


@pytest.mark.parametrize("name", ["check:poststarthook/rbac/bootstrap-rolls", "findings:slow_datstore", "check:x"])
def test_a_name_that_only_logs_could_know_is_refused_once_none_does(name: str) -> None:
    assert "there is no " in refused(GOOD, *options(f"{name}<=1"))


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("[[limit", 3, "is not TOML"),
        ("\x00", 3, "is not TOML"),
        ("[[limit]]\nmetric = 'raedy'\nmax = 1", 2, "limit 1: there is no"),
        ("[[limit]]\nmetric = 'ready'\nmax = 1\nwhere = 'ring=a'\nname = 'x'", 2, "limit x: there is no label 'ring'"),
        ("[[limit]]\nmetric = 'ready'\nmax = '+1s'", 2, "limit 1: growth needs something"),
    ],
)
def test_a_file_that_is_no_good_is_one_line_that_names_it(text: str, code: int, said: str, tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(text)
    line = refused(tmp_path / "not there", "--limits", path, code=code)
    assert said in line and str(path) in line and line.count("\n") == 1


def test_nothing_that_is_read_is_written_over(tmp_path: Path) -> None:
    log, limits = tmp_path / "k3s.log", tmp_path / "limits.toml"
    log.write_bytes(GOOD.read_bytes())
    limits.write_text('[[limit]]\nmetric = "failed"\nmax = 0\n')
    for place in (log, limits):
        before = place.read_bytes()
        for option in ("-o", "--junit"):
            words = (log, "--limits", limits, option, place, "--force")
            assert "is also an input" in refused(*words)
        assert place.read_bytes() == before


# --- a baseline


def logs_of(folder: Path, seconds: float, count: int) -> Path:
    """Logs of servers that are slower or faster."""
    folder.mkdir()
    for number in range(count):
        begin = datetime(2026, 3, 1 + number, tzinfo=UTC)
        scenario = Scenario(name="x", starts=(k3s("v1.33.4+k3s1", host=f"n{number}", pace=seconds),), begin=begin)
        (folder / f"{number}.log").write_bytes(generate(scenario, number).render("export"))
    return folder


@pytest.mark.long
def test_growth_is_judged_against_a_baseline(tmp_path: Path) -> None:
    base, slow = logs_of(tmp_path / "base", 1.0, 6), logs_of(tmp_path / "slow", 3.0, 6)
    limits = options("ready:median<=+10%", "ready:max<=+500s", "failed<=0")
    found = told(slow, "--baseline", base, *limits, code=1)
    assert found == {"ready:median<=+10%": "fail", "ready:max<=+500s": "pass", "failed<=0": "pass"}
    assert told(base, "--baseline", slow, *limits) == dict.fromkeys(found, "pass")
    assert set(told(slow, "--baseline", tmp_path / "missing", *options("ready:median<=+10%"), code=5).values()) == {
        "undecided"
    }
    done = k3slog("gate", slow, "--baseline", base, *limits, "--confidence", "0.9", "--seed", "3")
    assert b"with 90% confidence, from 6 starts and 6 of the baseline" in b" ".join(done.stdout.split())


# --- outputs


def test_every_format_and_the_junit_file(tmp_path: Path) -> None:
    junit = tmp_path / "gate.xml"
    done = k3slog("gate", LOOP, *options("failed<=0", "ready:min<=60s"), "--junit", junit)
    assert done.returncode == 1 and done.stdout.startswith("✗ 1 of 2 limits fails: 4 starts".encode())
    suite = as_junit(junit.read_text())
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "0")
    assert "Wrote" in done.stderr.decode()
    assert k3slog("gate", LOOP, *options("failed<=0"), "--junit", junit).returncode == 3  # there already
    for form in ("text", "json", "markdown", "junit"):
        again = k3slog("gate", LOOP, *options("failed<=0", "ready:min<=60s"), "--format", form)
        assert again.returncode == 1 and again.stdout
        file = tmp_path / f"gate.{form}"
        assert k3slog("gate", LOOP, *options("failed<=0", "ready:min<=60s"), "-f", form, "-o", file).returncode == 1
        assert file.read_bytes() == again.stdout
    assert k3slog("schema", "gate").stdout.decode() == schema_text("gate")


def test_a_workflow_is_told_on_stderr_and_in_the_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    words = ("gate", LOOP, *options("failed<=0", "ready:min<=60s", "images<=1s"))
    done = k3slog(*words, "--github", "--format", "json")
    assert done.returncode == 1 and json.loads(done.stdout)["result"] == "fail"
    assert [name for name, _, _ in as_a_runner_reads_it(done.stderr.decode())] == ["error", "warning", "notice"]
    assert (tmp_path / "summary.md").read_text().startswith("✗ **1 of 3 limits fails, 1 is undecided")
    before = (tmp_path / "summary.md").read_bytes()
    assert not as_a_runner_reads_it(k3slog(*words).stderr.decode())  # not asked for
    assert (tmp_path / "summary.md").read_bytes() == before
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    again = k3slog(*words, "--github")
    assert again.returncode == 1 and "the summary of the step cannot be written" in again.stderr.decode()


EVIL = ("::error::evil", "##[error]evil", "x ##[add-mask]evil")


@pytest.mark.parametrize("evil", EVIL)
def test_no_log_adds_a_command_of_its_own(evil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    folder = tmp_path / evil
    folder.mkdir()
    (folder / f"{evil}.log").write_bytes(GOOD.read_bytes().replace(b"healthy", b"::error::evil"))
    (folder / f"{evil}.log.gz").write_bytes(b"\x1f\x8bnot gzip")
    monkeypatch.chdir(folder)
    limits = options("ready<=1s", "failed<=0", "check:poststarthook/rbac/bootstrap-roles<=60s")
    for form in ("text", "json", "markdown", "junit"):
        done = k3slog("gate", ".", *limits, "--github", "--label", f"site={evil}", "--format", form)
        assert done.returncode == 1, done.stderr
        assert as_a_runner_reads_it(done.stdout.decode()) == []
        read = as_a_runner_reads_it(done.stderr.decode())
        assert [name for name, _, _ in read] == ["error", "warning", "warning"]
    (folder / "limits.toml").write_text(f'[[limit]]\nmetric = "{evil}"\nmax = 1\nname = "{evil}"\n')
    line = refused(".", "--limits", "limits.toml", "--github")
    assert as_a_runner_reads_it(line) == []


def test_nothing_shown_names_a_host_a_path_or_a_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    folder = tmp_path / "kunde-meier"
    folder.mkdir()
    starts = (k3s("v1.33.4+k3s1", host="kassandra.zurich.acme.ch"),)
    log = generate(Scenario(name="x", starts=starts, begin=datetime(2026, 3, 1, tzinfo=UTC)), 1).render("export")
    (folder / "zurich.log").write_bytes(log)
    (folder / "gone.log.gz").write_bytes(b"\x1f\x8b")
    limits = tmp_path / "limits.toml"
    limits.write_text(
        '[[limit]]\nmetric = "ready"\nmax = 1\nname = "geheim"\n'
        'where = ["host=kassandra.zurich.acme.ch", "street=Höhenweg"]\n'
    )
    private = ("zurich", "acme", "kassandra", "kunde", "meier", "Höhenweg", "geheim", str(tmp_path), "gone")
    made = []
    for form in ("text", "json", "markdown", "junit"):
        junit = tmp_path / f"{form}.xml"
        words = ("--limits", limits, "--label", "street=Höhenweg", "--anonymize", "--github", "--junit", junit)
        done = k3slog("gate", folder, *words, "--format", form)
        assert done.returncode == 1, done.stderr  # the condition is met by the real names
        told_ = re.sub(r"(?m)^Wrote .*\n", "", done.stderr.decode())
        made += [done.stdout.decode(), told_, junit.read_text(encoding="utf-8")]
    made.append((tmp_path / "summary.md").read_text(encoding="utf-8"))
    for shown in made:
        assert not [name for name in private if name in shown], shown


def test_a_full_disk_is_one_line_and_3() -> None:
    done = k3slog("gate", GOOD, *options("failed<=0"), "-o", "/dev/full")
    assert done.returncode == 3 and done.stderr.decode().count("\n") == 1


def test_the_limits_of_the_documents_can_be_meant(tmp_path: Path) -> None:
    files = [str(path) for path in (ROOT / "docs").rglob("*.toml") if "[[limit]]" in path.read_text()]
    assert files and limits_of([], files)
    page = (ROOT / "docs" / "gate.md").read_text()
    shown = re.findall(r"--max '([^']+)'", page)
    assert len(shown) > 2 and limits_of(list(dict.fromkeys(shown)), [])
    [table] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "limits.toml").write_text(table)
    assert limits_of([], [str(tmp_path / "limits.toml")])[0].where == ("role=server",)
