"""A log and own polls together: what both prove holds, and is at least as narrow as what either does."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.live.answers import classify_answer
from analyzer.live.observed_polls import Answer, ObservedPoll
from analyzer.results import Bottleneck, StartReport
from analyzer.watching.fusing import both, counted, fused, fused_start
from analyzer.window import OPEN, Bound, Window
from tests.kit.thinned import thinned
from tests.live.replayed import readyz, status_body

SAMPLES = Path(__file__).parents[2] / "sample_logs"
RECORDINGS = sorted((*SAMPLES.glob("ab/*.truth.json"), *SAMPLES.glob("recorded/*.truth.json")))
SLACK_S = 0.06  # between the clocks of the watcher and of the log, see tests/kit/score_recorded.py
DRAWS = 6
NAMES = [path.name.removesuffix(".truth.json") for path in RECORDINGS]


@cache
def analysed(path: Path) -> tuple[StartReport, ...]:
    return analyzer.analyze(path.with_name(path.name.replace(".truth.json", ".export.gz"))).report.starts


def inside(inner: Window, outer: Window) -> bool:
    low = outer.lower is None or (inner.lower is not None and inner.lower >= outer.lower)
    return low and (outer.upper is None or (inner.upper is not None and inner.upper <= outer.upper))


class Life:
    """One run of the process as a server that answers: its flips at moments which the truth and the log both allow."""

    def __init__(self, truth: dict[str, Any], start: StartReport) -> None:
        assert start.began_at is not None
        zero = start.began_at.timestamp()

        def seconds(rt: float) -> float:
            return rt / 1e6 - zero

        self.began, self.ends = seconds(truth["exec_rt"]), seconds(truth["end_rt"])
        answered = truth["answered"]
        self.answered = seconds(sum(answered) / 2) if answered else float("inf")
        seen = truth["detected_line_rt"]
        turns = [turn for turn in truth["ready"] if turn["to"] == "ready" and (seen is None or turn["after"] <= seen)]
        self.ready = float("inf")
        if turns:
            self.ready = _allowed(seconds(turns[-1]["after"]), seconds(turns[-1]["by"]), start.ready)
            self.answered = min(self.answered, self.ready)
        until = turns[-1]["by"] if turns else float("inf")  # what fails again later is another matter
        flips_of = {name: [f for f in flips if f["after"] <= until] for name, flips in truth["checks"].items()}
        windows = {check.name: check.cleared for check in start.checks}
        self.clears = {
            name: min(
                _allowed(seconds(flips[-1]["after"]), seconds(flips[-1]["by"]), windows.get(name, OPEN)), self.ready
            )
            if flips[-1]["to"] == "ok"
            else float("inf")
            for name, flips in flips_of.items()
            if any(flip["to"] == "failing" for flip in flips)
        }
        last = max(self.clears, key=lambda name: self.clears[name], default="poststarthook/rbac/bootstrap-roles")
        self.clears[last] = self.ready

    def answer(self, at_s: float) -> Answer:
        if not self.began <= at_s < self.ends:
            return Answer("connection_refused", text="connection refused")
        status, body, _ = status_body(503, "apiserver not ready")
        if at_s >= self.answered:
            status, body, _ = readyz(self.clears, at_s)
        return classify_answer(status, body, cut=False)


def _allowed(after: float, by: float, log: Window) -> float:
    """The middle of the moments that a truth ``(after, by]`` and a window of the log have in common."""
    low = after if log.lower is None else max(after, log.lower)
    high = by if log.upper is None else min(by, log.upper)
    assert low <= high + 2 * SLACK_S
    return min(max((low + high) / 2, low if log.upper is None else min(low, log.upper)), high) if low <= high else high


PAUSES = (0.05, 0.3, 1.0, 2.0)


def polls(lives: list[Life], offsets: list[float], rng: random.Random, pauses: Any = PAUSES) -> list[ObservedPoll]:
    """Answers of the whole recording, in seconds since the begin of its first start."""
    found, at = [], lives[0].began - rng.uniform(0, 3)
    end = max(life.ends + offset for life, offset in zip(lives, offsets, strict=True)) + 2
    while at < end:
        answered = at + rng.choice((0.003, 0.02, 0.4))
        sampled = rng.uniform(at, answered)
        answer = Answer("connection_refused", text="connection refused")
        for life, offset in zip(lives, offsets, strict=True):
            if life.began <= sampled - offset < life.ends:
                answer = life.answer(sampled - offset)
        found.append(_poll(answer, at, answered))
        at = answered + rng.choice(pauses)
    return found


def _poll(answer: Answer, departed: float, answered: float) -> ObservedPoll:
    kept = {name: getattr(answer, name) for name in ("error", "status", "text", "failing", "ok", "message", "cut")}
    return ObservedPoll(departed_s=departed, answered_s=answered, **kept)


@pytest.mark.parametrize("path", thinned(RECORDINGS, 5), ids=NAMES)
def test_both_together_hold_the_truth_and_are_as_narrow_as_either(path: Path) -> None:
    truth, starts = json.loads(path.read_text())["starts"], analysed(path)
    lives = [Life(*pair) for pair in zip(truth, starts, strict=True)]
    begins = [start.began_at.timestamp() for start in starts if start.began_at is not None]
    offsets = [begin - begins[0] for begin in begins]
    rng = random.Random(path.name)
    for _ in range(DRAWS):
        asked = polls(lives, offsets, rng)
        for start, life, offset, after in zip(starts, lives, offsets, (*offsets[1:], float("inf")), strict=True):
            own = [replace(p, departed_s=p.departed_s - offset, answered_s=p.answered_s - offset) for p in asked]
            check_law(start, life, own, after - offset)


def check_law(start: StartReport, life: Life, own: list[ObservedPoll], until_s: float) -> None:
    mine = counted(own, start, until_s)
    one = fused_start(start, own, until_s)
    assert one.agree and one.polls == len(mine)
    window = fused(start.ready, mine)
    assert window.agree and (not mine or window.window == one.start.ready)
    assert inside(one.start.ready, start.ready) and inside(one.start.ready, one.own)
    if life.ready < life.ends:
        assert one.start.ready.contains(life.ready, 1e-6)
    else:
        assert one.own.upper is None
    if start.polling_tax_s is not None and one.start.polling_tax_s is not None:
        assert one.start.polling_tax_s.min >= start.polling_tax_s.min
        assert (one.start.polling_tax_s.max or 0.0) <= (start.polling_tax_s.max or float("inf"))
    of_log = {check.name: check.cleared for check in start.checks}
    for check in one.start.checks:
        log = of_log.get(check.name, OPEN)
        assert inside(check.cleared, log)
        clears = life.clears.get(check.name)
        if clears is not None and clears < life.ends and log.contains(clears):
            assert check.cleared.contains(clears, 1e-6), check
    last = one.start.bottleneck
    if last.certainty == "certain" and life.ready < life.ends:
        assert [life.clears[name] for name in last.checks] == [life.ready]


@pytest.mark.long
def test_polls_make_windows_narrower_on_real_starts() -> None:
    """Else the law would hold of a function that does nothing."""
    narrower = named = 0
    for path in RECORDINGS:
        start = analysed(path)[0]
        life = Life(json.loads(path.read_text())["starts"][0], start)
        of_polls_alone = replace(start, bottleneck=Bottleneck())  # the log names most by itself
        both_of = fused_start(of_polls_alone, polls([life], [0.0], random.Random(1), [0.1])).start
        window = both_of.ready
        named += both_of.bottleneck.certainty == "certain"
        if start.ready.width is not None and window.width is not None:
            narrower += window.width < start.ready.width / 2
    assert narrower >= 8 and named >= 8


LOG = Window(5.0, 7.0, Bound.GRID, Bound.OBSERVED, lower_line=3, upper_line=9)


def answered(at_s: float, *failing: str, error: str | None = None) -> ObservedPoll:
    said = Answer("readyz_failing", 500, failing=failing) if failing else Answer(error, 200 if error is None else None)
    return _poll(said, at_s - 0.01, at_s)


def test_what_contradicts_narrows_nothing() -> None:
    other = [answered(1.0, "a"), answered(3.0)]
    assert (fused(LOG, other).window, fused(LOG, other).agree) == (LOG, False)
    late = [answered(8.0, "a"), answered(9.0)]
    assert not fused(LOG, late).agree
    assert both(LOG, OPEN).window == LOG


def test_ends_keep_their_lines_where_the_log_is_narrower() -> None:
    window = fused(LOG, [answered(6.0, "a"), answered(8.0)]).window
    assert (window.lower, window.lower_line, window.upper, window.upper_line) == (5.99, None, 7.0, 9)


def test_polls_of_another_process_do_not_count() -> None:
    start = analysed(RECORDINGS[0])[0]
    before, gone = answered(-1.0), answered(9.0, error="connection_refused")
    assert counted([before, answered(2.0, "a"), gone], start) == [answered(2.0, "a")]
    assert counted([answered(2.0), answered(5.0, "a")], start) == [answered(2.0)]
    assert counted([answered(900.0, "a")], start) == []  # it may be not ready again
    assert counted([answered(4.0, "a")], start, until_s=3.0) == []
    assert fused_start(start, [before]).start == start
