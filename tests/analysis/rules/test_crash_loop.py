"""From how many failed starts on a crash loop is told, and what is said to have changed between them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from analyzer.analysis.rules.crash_loop import across_starts
from analyzer.results import End, Finding, Milestone, StartReport
from tests.kit.handmade import ZERO, Journal


@pytest.fixture(scope="module")
def start() -> StartReport:
    return replace(Journal().begin().report(), milestones=())


def failed(
    start: StartReport, index: int, life_s: float | None = 5.0, reason: str = "bad", steps: tuple[str, ...] = (),
    counter: int = 0,
) -> StartReport:  # fmt: skip
    stones = [Milestone(name, 1.0, 3, "x") for name in steps]
    if counter:
        text = f"k3s.service: Scheduled restart job, restart counter is at {counter}."
        stones.append(Milestone("restart_scheduled", 0.0, 1, text))
    end = End("failed", life_s, 3 * index, reason)
    began = ZERO + timedelta(seconds=84 * index)
    return replace(
        start, index=index, outcome="failed", outcome_reason=reason, began_at=began, end=end, milestones=tuple(stones)
    )


def ready(start: StartReport, index: int, end: str = "running") -> StartReport:
    ended = End("failed", 90.0, 3 * index, "later") if end == "failed" else End()
    return replace(start, index=index, outcome="ready", began_at=ZERO + timedelta(seconds=84 * index), end=ended)


def told(reports: list[StartReport], name: str = "crash_loop") -> list[tuple[int, Finding]]:
    return [(one.index, finding) for one in across_starts(reports) for finding in one.findings if finding.id == name]


@pytest.mark.parametrize(
    ("starts", "counter", "detail"),
    [
        (2, 0, None), (3, 0, "3 starts in a row failed; one about"), (1, 2, None),
        (1, 3, "The start in this log failed; systemd counts 3 restarts, so more lie before this log; only the last"),
        (3, 3, "3 starts in a row failed; systemd's counter stands at 3; one about"),
        (3, 4, "3 starts in a row failed; systemd counts 4 restarts, so more"),
    ],
)  # fmt: skip
def test_three_failed_starts_or_restarts_are_a_loop(
    start: StartReport, starts: int, counter: int, detail: str | None
) -> None:
    found = told([failed(start, number + 1, counter=counter) for number in range(starts)])
    assert [index for index, _ in found] == [starts] * (detail is not None)
    for _, finding in found:
        assert detail is not None and finding.detail.startswith(detail)
        assert finding.severity == "critical"
        assert finding.lines == tuple(3 * (number + 1) for number in range(starts))


def test_a_loop_that_came_up_is_told_on_the_start_that_did(start: StartReport) -> None:
    [(index, finding)] = told([*(failed(start, number) for number in (1, 2, 3)), ready(start, 4)])
    assert index == 4 and finding.severity == "warning"
    assert finding.detail.endswith("; then it came up.")
    assert finding.advice.endswith("--start 3 shows the last of them.")
    running = replace(start, index=4, outcome="incomplete", end=End())
    [(index, finding)] = told([*(failed(start, number) for number in (1, 2, 3)), running])
    assert index == 4 and finding.severity == "critical" and "came up" not in finding.detail


def test_a_start_that_held_ends_the_row(start: StartReport) -> None:
    assert not told([failed(start, 1), failed(start, 2), ready(start, 3), failed(start, 4)])
    other = [replace(failed(start, number), host="node-b") for number in (3, 4)]
    assert not told([failed(start, 1), failed(start, 2), *other])


@pytest.mark.parametrize(
    ("lives", "words"),
    [
        ((2.0, 3.0, 4.0), "each ended about 3 s after its beginning, nothing changed between them"),
        ((2.0, 3.0, 4.01), "they lived about 2 to 4 s"),  # more than half as long again and a second
        ((2.0, 3.0, None), None),
        ((0.0, 0.0, 0.0), None),
    ],
)
def test_how_long_they_lived(start: StartReport, lives: tuple[float | None, ...], words: str | None) -> None:
    [(_, finding)] = told([failed(start, number, life) for number, life in enumerate(lives, 1)])
    assert (words in finding.detail) if words else not {"lived", "ended about"} & set(finding.detail.split())


def test_how_far_the_first_and_the_last_got(start: StartReport) -> None:
    early, late = ("starting", "systemd_starting"), ("starting", "serving_securely", "datastore_ready")

    def detail(*steps: tuple[str, ...]) -> str:
        [(_, finding)] = told([failed(start, number, steps=one) for number, one in enumerate(steps, 1)])
        return finding.detail

    moved = "the first got as far as the version banner, the last one as far as the API server's serving"
    assert moved in detail(early, early, late)
    assert "nothing changed" not in detail(early, early, late)
    assert "as far as" not in detail(early, late, early)
    assert "as far as" not in detail((), early, late)


def test_reasons_that_differ_are_counted(start: StartReport) -> None:
    [(_, same)] = told([failed(start, number) for number in (1, 2, 3)])
    assert "always with the same words: bad" in same.detail
    [(_, mixed)] = told([failed(start, 1), failed(start, 2, reason="worse"), failed(start, 3)])
    assert "2 of them with: bad" in mixed.detail
    [(_, mute)] = told([failed(start, number, reason="") for number in (1, 2, 3)])
    assert "none says why" in mute.detail


def test_a_version_that_changed_is_named(start: StartReport) -> None:
    later = [replace(failed(start, number), version="v1.34.1+k3s1") for number in (2, 3)]
    [(_, finding)] = told([failed(start, 1), *later])
    assert "the version changed: v1.32.4+k3s1 → v1.34.1+k3s1" in finding.detail


def test_the_failed_runs_before_a_start_that_no_loop_tells_of(start: StartReport) -> None:
    name = "failed_tries_before"
    [(index, one)] = told([failed(start, 1), ready(start, 2)], name)
    assert (index, one.severity, one.title) == (2, "info", "1 try failed before this one")
    assert one.detail == "The run before it ended: bad."
    found = told([failed(start, 1), failed(start, 2, reason="worse")], name)
    assert [(index, finding.severity) for index, finding in found] == [(2, "warning")]
    assert not told([failed(start, 1), failed(start, 2)], name)  # it says the same itself
    assert not told([failed(start, 1), ready(start, 2), ready(start, 3)], name)[1:]
    [(_, held)] = told([ready(start, 1, "failed"), ready(start, 2)], name)
    assert held.title == "1 run before this one ended unasked"
    assert held.detail == "The run before it ended: later. It had been ready."


@pytest.mark.parametrize(
    ("number", "rest"), [(4, "reason c."), (5, "reason c; and 1 other reason."), (6, "reason c; and 2 other reasons.")]
)
def test_three_reasons_of_earlier_runs_are_shown(start: StartReport, number: int, rest: str) -> None:
    """Told on each start of the row that differs, but not where the loop itself is told."""
    row = [failed(start, at, reason=f"reason {'abcdefg'[at - 1]}") for at in range(1, 8)]
    found = dict(told(row, "failed_tries_before"))
    assert list(found) == [2, 3, 4, 5, 6]
    assert found[number].detail == f"{number - 1} runs before it ended: reason a; reason b; {rest}"
    assert found[number].advice.startswith(f"k3slog --start {number - 1} ")
