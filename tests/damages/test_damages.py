"""Recorded starts whose text was damaged as life damages it: no false verdict, count, window, gate or state.

``run.py`` beside this file does the same as a command, over any folder of recordings, and prints the figures.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.damages.damages import CARRIERS, DAMAGES, JOURNAL, Damaged, Part, damaged, plain
from tests.damages.judge import Tally, judge
from tests.damages.run import Case, companions, part_of, scored, text_of
from tests.damages.visible import visible_starts
from tests.kit.judge_mutations import analysed
from tests.kit.score_recorded import RECORDED, recordings
from tests.kit.thinned import thinned

FEW = 9  # recordings for each damage in the quick run; each damage takes others

Report = dict[str, Any]


def sample(damage: str) -> list[Case]:
    """A few recordings in one carrier each, different ones for every damage."""
    found = recordings()
    shift = list(DAMAGES).index(damage)
    usual = [carrier for carrier in ("short", "cat", "docker", "export") if carrier in DAMAGES[damage].carriers]
    carriers = usual or DAMAGES[damage].carriers
    chosen = [found[(shift * 5 + n * len(found) // FEW) % len(found)] for n in range(FEW)]
    return [Case(path, damage, carriers[(n + shift) % len(carriers)]) for n, path in enumerate(chosen)]


def wrong(cases: list[Case], folder: Path) -> tuple[list[str], int]:
    """False claims, and the number of right ones."""
    others = companions(recordings())
    found, right = [], 0
    for case in cases:
        tally = scored(text_of(case, others), folder)
        found += [f"{case} {words}" for words in tally.wrong]
        right += sum(tally.right.values())
    return found, right


@pytest.mark.parametrize("damage", thinned(DAMAGES, 3))
def test_what_a_damaged_text_still_says_is_true(damage: str, tmp_path: Path) -> None:
    found, right = wrong(sample(damage), tmp_path)
    assert not found, f"{len(found)} false claims:\n" + "\n".join(found[:30])
    assert right > 50


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_it_is_true_of_every_recording_in_every_carrier(damage: str, tmp_path: Path) -> None:
    every = [Case(path, damage, carrier, seed=1) for path in recordings() for carrier in DAMAGES[damage].carriers]
    found, _ = wrong(every, tmp_path)
    assert not found, f"{len(found)} false claims:\n" + "\n".join(found[:30])


# --- the damages do what they say -----------------------------------------------------------------------------------


def recorded(name: str) -> Part:
    """A recording kept for the tests."""
    return part_of(RECORDED / f"{name}.export.gz")


SLOW = "1303-fresh-25"
THRICE = "1324-killed-thrice"  # three starts killed, the fourth ready


def make(damage: str, name: str = SLOW, carrier: str = "short", seed: int = 0) -> Damaged:
    """A damaged text of a recording, with a fixed companion."""
    return damaged(
        damage, recorded(name), [recorded(n) for n in (SLOW, THRICE, "1324-fresh-15", "1350-debug")], carrier, seed
    )


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_same_seed_gives_the_same_text(damage: str) -> None:
    carrier = DAMAGES[damage].carriers[0]
    assert make(damage, carrier=carrier).content == make(damage, carrier=carrier).content


def test_every_line_knows_its_row() -> None:
    for carrier in CARRIERS:
        text = plain(recorded(SLOW), carrier)
        for line in text.lines:
            assert line.row is not None
            message = recorded(SLOW).rows[line.row]["MESSAGE"]
            assert line.data.endswith(message) or (carrier == "export" and message in line.data) or b"\n" in message
        if carrier != "export":
            assert text.content.count(b"\n") == len(text.lines)


def test_twice_is_twice_and_half_is_half() -> None:
    whole = plain(recorded(SLOW), "short")
    assert [line.data for line in make("twice").lines] == [line.data for line in whole.lines for _ in (1, 2)]
    assert 1.2 < len(make("twice-30").lines) / len(whole.lines) < 1.4
    assert 0.4 < len(make("lost-50").lines) / len(whole.lines) < 0.6
    assert sorted(line.data for line in make("shuffled").lines) == sorted(line.data for line in whole.lines)
    assert make("shuffled").lines != whole.lines
    assert len(make("tail-50").lines) == 50


def test_a_hole_with_notice_counts_what_is_gone() -> None:
    for damage in ("holes-noticed", "holes-noticed-late"):
        text = make(damage)
        [notice] = [line for line in text.lines if line.row is None]
        lost = len(plain(recorded(SLOW), "short").lines) - len(text.lines) + 1
        assert f"Suppressed {lost} messages from k3s.service".encode() in notice.data
        assert text.announced


def test_a_step_moves_the_stamps_behind_it_and_takes_the_monotonic_ones() -> None:
    text = make("clock-1h", carrier="export")
    assert b"__MONOTONIC_TIMESTAMP" not in text.content
    [part] = text.parts
    assert part.step is not None
    at, by = part.step
    stamps = [int(row["__REALTIME_TIMESTAMP"]) for row in part.shown]
    assert by == -3_600_000_000
    assert stamps[at] < stamps[at - 1]
    assert stamps[:at] == [int(row["__REALTIME_TIMESTAMP"]) for row in part.rows[:at]]


def test_several_recordings_keep_their_truths() -> None:
    assert {part for part, _ in visible_starts(make("two-hosts"))} == {0, 1}
    runs = make("four-runs", carrier="cat")
    assert {part for part, _ in visible_starts(runs)} == {0, 1, 2, 3}
    assert b'msg="Starting k3s v' not in runs.content


# --- the judge finds what is false ----------------------------------------------------------------------------------


@cache
def true_report(name: str, carrier: str = "short") -> Report:
    """The report on the undamaged text."""
    text = plain(recorded(name), carrier)
    with tempfile.TemporaryDirectory() as folder:
        report = analysed({text.filename: text.content}, Path(folder))
    assert report is not None
    return report


def told(name: str, change: Callable[[Report], object], text: Damaged | None = None) -> Tally:
    """The judge's tally of a report in which something was made false."""
    report = copy.deepcopy(true_report(name))
    change(report)
    return judge(text or plain(recorded(name), "short"), report)


def kinds(tally: Tally) -> set[str]:
    """Kinds of the false claims."""
    return {words.split(":")[0] for words in tally.wrong}


def set_in(path: str, value: object) -> Callable[[Report], None]:
    """Sets ``starts.0.ready.upper`` and the like."""

    def change(report: Report) -> None:
        *way, last = path.split(".")
        target: Any = report
        for step in way:
            target = target[int(step) if step.lstrip("-").isdigit() else step]
        target[last] = value

    return change


@pytest.mark.parametrize("name", [SLOW, THRICE])
def test_a_true_report_has_no_false_claim(name: str) -> None:
    tally = told(name, lambda report: None)
    assert not tally.wrong
    assert sum(tally.right.values()) > 20


@pytest.mark.parametrize(
    ("name", "path", "value", "kind"),
    [
        (THRICE, "starts.0.outcome", "ready", "verdict"),
        (THRICE, "starts.0.outcome", "stopped", "verdict"),
        (SLOW, "starts.0.outcome", "failed", "verdict"),
        (SLOW, "starts.0.outcome", "stopped", "verdict"),
        (SLOW, "starts.0.end.kind", "failed", "end"),
        (THRICE, "starts.0.end.kind", "stopped", "end"),
        (THRICE, "starts.0.end.at_s", 0.5, "end"),
        (THRICE, "starts.0.end.at_s", -5.0, "end"),
        (THRICE, "starts.0.end.reason", "bind: address already in use", "reason"),
        (SLOW, "starts.0.ready.lower", 1e4, "ready"),
        (SLOW, "starts.0.ready.upper", 0.1, "ready"),
        (THRICE, "starts.0.ready.upper", 3.0, "ready"),
        (THRICE, "starts.0.detected.upper", 3.0, "detected"),
        (SLOW, "starts.0.detected.upper", 0.1, "detected"),
        (SLOW, "starts.0.detected.lower", 1e4, "detected"),
        (SLOW, "starts.0.clock.steps", 1, "steps"),
        (SLOW, "starts.0.began_at", "2026-11-23T00:00:00+00:00", "began"),
        (SLOW, "starts.0.milestones.3.at_s", -2.0, "negative"),
        (SLOW, "starts.0.ready.lower", -1.0, "negative"),
    ],
)
def test_the_judge_finds_a_false_claim(name: str, path: str, value: object, kind: str) -> None:
    assert kind in kinds(told(name, set_in(path, value)))


def test_the_judge_finds_a_start_too_many_and_one_too_few() -> None:
    assert "starts" in kinds(told(THRICE, lambda report: report["starts"].append(report["starts"][-1])))
    assert "starts" in kinds(told(THRICE, lambda report: report["starts"].pop(0)))


def test_the_judge_finds_two_runs_told_as_one() -> None:
    def merge(report: Report) -> None:
        first = report["starts"].pop(0)
        report["starts"][0]["milestones"] += first["milestones"]

    assert any("holds lines of" in words for words in told(THRICE, merge).wrong)


def test_the_judge_finds_polls_too_many_and_too_few() -> None:
    def double(report: Report) -> None:
        report["starts"][-1]["polls"] += [p for p in report["starts"][-1]["polls"] if p["printed"]]

    assert "polls" in kinds(told(THRICE, double))
    assert "polls" in kinds(told(THRICE, set_in("starts.3.polls", [])))


def test_the_judge_finds_a_poll_that_failed_after_ready() -> None:
    def late(report: Report) -> None:
        poll = next(p for p in report["starts"][-1]["polls"] if p["printed"])
        report["starts"][-1]["polls"].append({**poll, "printed": False, "line": None, "at_s": 12.0})

    assert "implied" in kinds(told(THRICE, late))


def check_of(report: Report, start: int, name: str) -> dict[str, Any]:
    """The check of that name."""
    found: dict[str, Any] = next(c for c in report["starts"][start]["checks"] if c["name"] == name)
    return found


ROLES = "poststarthook/rbac/bootstrap-roles"


def test_the_judge_finds_a_false_state_of_a_check() -> None:
    def failing(report: Report) -> None:
        check_of(report, 3, ROLES)["final"] = "failing"

    assert "check state" in kinds(told(THRICE, failing))

    def passed(report: Report) -> None:
        check_of(report, 0, ROLES)["final"] = "ok"

    assert "check state" in kinds(told(THRICE, passed))


def test_the_judge_finds_a_false_window_of_a_check() -> None:
    def early(report: Report) -> None:
        check_of(report, 3, ROLES)["cleared"] |= {"lower": 0.1, "upper": 0.2}

    assert "check window" in kinds(told(THRICE, early))


def test_the_judge_finds_a_verdict_that_the_text_cannot_know() -> None:
    whole = plain(recorded(SLOW), "short")
    begin = Damaged(whole.lines[:20], whole.parts, "short")

    def only_begin(report: Report) -> None:
        start = report["starts"][0]
        start["milestones"] = [m for m in start["milestones"] if m["line"] <= 20]
        start["polls"] = []

    tally = told(SLOW, only_begin, begin)
    assert any("before the text can know" in words for words in tally.wrong)


@pytest.mark.parametrize(("code", "limit"), [(0, 1.0), (1, 600.0)])
def test_the_judge_finds_a_false_gate(code: int, limit: float) -> None:
    text, report = plain(recorded(SLOW), "short"), true_report(SLOW)
    tally = judge(text, report, lambda index, s: code if s == limit else 5)
    assert kinds(tally) == {"gate"}
    assert len(tally.wrong) == 2  # of the start and of all
    assert not judge(text, report, lambda index, s: 5).wrong


def test_a_gate_passed_by_a_fragment_is_false() -> None:
    whole = plain(recorded(SLOW), "short")
    fragment = Damaged(whole.lines[30:], whole.parts, "short")
    report = copy.deepcopy(true_report(SLOW))
    start = report["starts"][0]
    for told_of in (*start["milestones"], *start["polls"]):
        if told_of["line"] is not None:
            told_of["line"] = told_of["line"] - 30 if told_of["line"] > 30 else None
    assert "gate" in kinds(judge(fragment, report, lambda index, s: 0 if s == 600 else 5))


def test_no_trace_is_no_claim() -> None:
    tally = judge(plain(recorded(SLOW), "short"), None)
    assert [words for words in tally.wrong if not words.startswith("starts")] == []
    assert set(JOURNAL) < set(CARRIERS)
