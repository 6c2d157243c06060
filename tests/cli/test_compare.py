"""``k3slog compare`` through its entry point: what it refuses, what it writes, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.collection import executors
from analyzer.collection.model import Collection, InputRow
from analyzer.collection.work import WorkOptions
from tests.kit.in_process import k3slog
from tests.kit.made_sides import normal, ready, side

ROOT = Path(__file__).parents[2]
PAIR = [ROOT / "sample_logs" / "ab" / f"ab-{release}-25-0.export.gz" for release in ("1.32.2", "1.32.4")]
Reads = Callable[..., None]


@pytest.fixture(autouse=True)
def right_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work in this process: processes of its own are the engine's to test."""

    def inline(jobs: int, options: WorkOptions) -> executors.Inline:
        return executors.Inline()

    monkeypatch.setattr(executors, "processes", inline)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """What the two sides, or the one collection, are read as."""

    def told(*made: Collection) -> None:
        left = list(made)
        monkeypatch.setattr("analyzer.cli.compare.read", lambda *_, **__: left.pop(0))

    return told


def sides(shift: float, number: int = 20) -> tuple[Collection, Collection]:
    return side(normal(number, 60.0, 2.0, 1)), side(normal(number, 60.0 + shift, 2.0, 2), "new", 0.5)


def test_two_logs_end_to_end(tmp_path: Path) -> None:
    page = tmp_path / "compare.html"
    ran = k3slog("compare", *PAIR, "--html", page)
    assert ran.returncode == 0
    first = ran.stdout.decode().splitlines()[0]
    assert "v1.32.4+k3s1" in ran.stdout.decode() and first.startswith("● No difference can be shown")
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")
    data = json.loads(k3slog("compare", *PAIR, "--format", "json").stdout)
    assert (data["schema"], data["schema_version"]) == ("k3slog.comparison", 1)
    assert data["base"]["label"] == "v1.32.2+k3s1" and data["new"]["starts"] == 2
    assert data["metrics"][0]["id"] == data["goal"] == "ready"


@pytest.mark.parametrize(
    ("shift", "limit", "code"),
    [(0.0, "5s", 0), (9.0, "5s", 1), (5.0, "5s", 5), (9.0, "5%", 1), (0.0, "20%", 0), (-9.0, "0s", 0), (9.0, None, 0)],
)
def test_the_exit_code_is_the_decision(reads: Reads, shift: float, limit: str | None, code: int) -> None:
    reads(*sides(shift))
    ran = k3slog("compare", "base", "new", *([] if limit is None else ["--fail-over", limit]))
    assert ran.returncode == code
    assert ran.stdout


def test_what_could_not_be_read_keeps_a_limit_from_being_kept(reads: Reads) -> None:
    bad = InputRow("new/9.log", error="the gzip stream ends early", error_kind="unreadable")

    def lacking(shift: float) -> tuple[Collection, Collection]:
        base, new = sides(shift)
        return base, replace(new, inputs=(*new.inputs, bad))

    for shift, limit, code in ((0.0, "5s", 5), (9.0, "5s", 1), (0.0, None, 3)):
        reads(*lacking(shift))
        ran = k3slog("compare", "base", "new", *([] if limit is None else ["--fail-over", limit]))
        assert ran.returncode == code
        assert b"some inputs could not be read" in ran.stderr and ran.stdout


def test_the_same_seed_gives_the_same_bytes(reads: Reads) -> None:
    made = [side([*normal(12, 60.0, 2.0, n, fresh=True), *normal(12, 40.0, 2.0, n + 5)], str(n)) for n in (1, 2)]
    found = []
    for _ in range(2):
        reads(*made)
        found.append(k3slog("compare", "a", "b", "--format", "json", "--stat", "mean", "--seed", "7").stdout)
    assert found[0] == found[1] and b'"balanced"' in found[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("one",), b"two collections"),
        (("one", "two", "three"), b"two collections"),
        (("one", "--by", "version", "--since-change"), b"one at a time"),
        (("one", "--by", "version", "--fail-over", "2s"), b"two collections"),
        (("one", "two", "--fail-over", "soon"), b"neither a length of time nor a share"),
        (("one", "two", "--fail-over", "-2s"), b"neither"),
        (("one", "two", "--fail-over", "2s", "--metric", "failed"), b"not a share"),
        (("one", "two", "--metric", "redy"), b"Did you mean ready"),
        (("one", "two", "--metric", "findings:critical"), b"k3slog gate --max 'findings:critical<=0' counts them"),
        (("one", "two", "--confidence", "nan"), b"between 0.5 and 0.999"),
        (("one", "two", "--confidence", "95"), b"Write 0.95"),
        (("one", "two", "--label", "version=x"), b"label"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(words: tuple[str, ...], said: bytes) -> None:
    ran = k3slog("compare", *words)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert said in ran.stderr


def test_a_side_without_starts(reads: Reads) -> None:
    reads(side([ready(60.0)]), Collection((), {}, (InputRow("new/a.log"),)))
    ran = k3slog("compare", "base", "new")
    assert (ran.returncode, ran.stdout) == (4, b"") and b"no trace of a k3s" in ran.stderr
    bad = InputRow("new/a.log", error="the gzip stream ends early", error_kind="unreadable")
    reads(side([ready(60.0)]), Collection((), {}, (bad,)))
    ran = k3slog("compare", "base", "new")
    assert (ran.returncode, ran.stdout) == (3, b"") and b"gzip" in ran.stderr


def test_a_metric_that_no_start_has(reads: Reads) -> None:
    reads(*sides(0.0))
    ran = k3slog("compare", "base", "new", "--metric", "images")
    assert (ran.returncode, ran.stdout) == (4, b"") and b"No start on either side has images" in ran.stderr
    reads(*sides(0.0))
    ran = k3slog("compare", "base", "new", "--metric", "images", "--fail-over", "2s")
    assert ran.returncode == 5
    assert "limit of +2 s cannot be judged: no start on either side has images." in " ".join(
        ran.stdout.decode().split()
    )
    reads(sides(0.0)[0])
    assert k3slog("compare", "logs", "--since-change", "--metric", "images").returncode == 4


def test_a_side_that_is_not_there(tmp_path: Path) -> None:
    ran = k3slog("compare", PAIR[0], tmp_path / "gone.log")
    assert (ran.returncode, ran.stdout) == (3, b"") and b"gone.log" in ran.stderr


def test_groups_of_one_collection(reads: Reads) -> None:
    made = side([*normal(9, 60.0, 1.0, 1, version="v1.9.0+k3s1"), *normal(9, 70.0, 1.0, 2, version="v1.10.0+k3s1")])
    reads(made)
    ran = k3slog("compare", "logs", "--by", "version")
    assert ran.returncode == 0 and ran.stdout.decode().startswith("✗ v1.10.0+k3s1 is ready later than v1.9.0+k3s1")
    reads(made)
    data = json.loads(k3slog("compare", "logs", "--by", "version", "--format", "json").stdout)
    (step,) = data["comparisons"]
    assert step["metrics"][0]["verdict"] == "slower" and data["by"] == ["version"]
    reads(side(normal(9)))
    assert k3slog("compare", "logs", "--by", "version").returncode == 2  # one group alone


def test_a_change_in_the_history_of_a_host(reads: Reads) -> None:
    before, after = normal(15, 60.0, 1.0, 1), normal(15, 75.0, 1.0, 2, version="v1.34.1+k3s1")
    reads(side([*before, *after]))
    data = json.loads(k3slog("compare", "logs", "--since-change", "--format", "json").stdout)
    (change,) = data["changes"]
    assert (change["before"], change["after"]) == ("logs/14.log:1", "logs/15.log:1")
    assert any("v1.34.1+k3s1" in sentence for sentence in change["changed"])


@pytest.mark.long
def test_stand_ins_are_the_same_on_both_sides() -> None:
    """What is said with and without them is the same: one machine, and the same start on both sides."""
    for logs in (PAIR, (PAIR[0], PAIR[0])):
        plain, hidden = (
            json.loads(k3slog("compare", *logs, "--format", "json", *more).stdout) for more in ((), ("--anonymize",))
        )
        assert [note["id"] for note in plain["design"]] == [note["id"] for note in hidden["design"]]
        assert plain["metrics"] == hidden["metrics"]


def test_anonymized(reads: Reads) -> None:
    made = [side(normal(9, seed=n, host="db7.zurich.acme.ch"), "customers/acme", n / 2) for n in (1, 2)]
    for form in ("text", "json", "markdown", "html"):
        reads(*made)
        ran = k3slog("compare", "customers/acme", "customers/acme-new", "--anonymize", "--format", form)
        assert ran.returncode == 0 and b"acme" not in ran.stdout
