"""Judges the report on a damaged text by what the watcher saw: whatever it still says must be true.

A reported start is identified by its lines: the judge knows from which recorded row each line of the text came. Where
the report says nothing (``null``, open ends, ``incomplete``, ``unseen``, exit 5) there is nothing to judge. What rests
on polls that were lost without a word (``grid`` ends, implied polls) cannot be held against the reader: it is counted
as excused, not as wrong.

Kinds of claims: ``starts`` ``polls`` (counts) · ``verdict`` ``reason`` ``end`` · ``ready`` ``detected``
``check window`` ``goal`` (windows) · ``implied`` (a poll "failing" after ready) · ``check state`` · ``gate`` ·
``negative`` ``began`` ``steps`` (times).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.damages.damages import JOURNAL, PRECISION_S, Damaged
from tests.damages.visible import US, Visible, goal_flip, told_apart, turn_of, visible_starts
from tests.kit.mutations import own, stamp_us, text
from tests.kit.score_recorded import SLACK_S, JsonStart, Score

LIMITS_S = (1.0, 5.0, 30.0, 120.0, 600.0)
_LAG_US = 2 * US  # a line may be taken down so much later than its own stamp says
_NODES_US = US  # what the API says of a node was asked once a second

Gate = Callable[[int, float], int]  # exit code for (index of a start, limit); index 0: all starts


@dataclass
class Tally(Score):
    """A score that also counts what could not be held against the reader."""

    excused: Counter[str] = field(default_factory=Counter)
    weak: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Take the counts of ``other`` in."""
        self.right += other.right
        self.wrong += other.wrong
        self.excused += other.excused
        self.weak += other.weak


# --- which start is meant -------------------------------------------------------------------------------------------


def _lines_of(start: JsonStart) -> Iterator[tuple[int, float | None]]:
    for told in (*start["milestones"], *start["polls"]):
        if told.get("line") is not None:
            yield told["line"], told.get("at_s")


def _votes(made: Damaged, start: JsonStart) -> Counter[tuple[int, int]]:
    """How many of its lines belong to which true start; systemd's count only where there are no others."""
    mine: Counter[tuple[int, int]] = Counter()
    others: Counter[tuple[int, int]] = Counter()
    for number, _ in _lines_of(start):
        line = made.lines[number - 1]
        if line.row is not None:
            part = made.parts[line.part]
            votes = mine if own(part.rows[line.row]) else others
            votes[line.part, part.owners[line.row]] += 1
    return mine or others


def _meant(made: Damaged, start: JsonStart, shown: dict[tuple[int, int], Visible]) -> tuple[int, int] | None:
    if votes := _votes(made, start):
        return votes.most_common(1)[0][0]
    if made.carrier in JOURNAL and start["pid"] is not None:
        return next((key for key, seen in shown.items() if seen.truth["pid"] == start["pid"]), None)
    return next(iter(shown)) if len(shown) == 1 else None


# --- judging --------------------------------------------------------------------------------------------------------


def judge(made: Damaged, report: dict[str, Any] | None, gate: Gate | None = None) -> Tally:
    """Every claim of ``report`` (the JSON object; ``None``: no trace) that the truth can decide."""
    score = Tally()
    shown = visible_starts(made)
    starts = [] if report is None else report["starts"]
    meant = [_meant(made, start, shown) for start in starts]
    _count(score, made, shown, starts, meant)
    apart = told_apart(made, list(shown.values()))
    for start, key in zip(starts, meant, strict=True):
        mixed = len(_votes(made, start)) > 1
        if key is not None and not mixed:
            alone = meant.count(key) == 1
            _Judge(score, made, shown[key], start, alone, apart).run(gate)
    if gate is not None and starts and all(meant) and not score.excused["starts"]:
        _gate_over_all(score, shown, gate)
    return score


def _count(
    score: Tally,
    made: Damaged,
    shown: dict[tuple[int, int], Visible],
    starts: list[JsonStart],
    meant: list[tuple[int, int] | None],
) -> None:
    told = f"{len(starts)} for {len(shown)}"
    score.claim("starts", len(starts) <= len(shown), told)
    for (p, n), count in Counter(key for key in meant if key is not None).items():
        score.claim("starts", count == 1, f"{count} made of start {n} of {made.parts[p].name}")
    for start in starts:
        votes = _votes(made, start)
        if len(votes) > 1 and not told_apart(made, [shown[key] for key in votes]):
            score.excused["starts"] += 1
            continue
        score.claim("starts", len(votes) <= 1, f"#{start['index']} holds lines of {sorted(votes)}")
    banners = all(seen.truth["banner"] for seen in shown.values())
    if made.whole and (made.carrier in JOURNAL or banners):
        score.claim("starts", len(starts) >= len(shown), told)


def _gate_over_all(score: Tally, shown: dict[tuple[int, int], Visible], gate: Gate) -> None:
    for limit in LIMITS_S:
        code = gate(0, limit)
        fits = all(_within(seen, limit) for seen in shown.values())
        misses = any(_beyond(seen, limit) for seen in shown.values())
        _claim_gate(score, "all", code, limit, fits, misses)


def _claim_gate(score: Tally, label: str, code: int, limit: float, fits: bool, misses: bool) -> None:
    holds = code == 5 or (code == 0 and fits) or (code == 1 and misses)
    score.claim("gate", holds, f"{label}: --fail-over {limit:g} exits {code}")


def _within(seen: Visible, limit: float, slack: float = 1.1) -> bool:
    """Whether exit 0 is right: reached by the limit, after a begin that the text shows or bounds."""
    flip = goal_flip(seen.truth)
    if flip is None:
        return False
    if seen.begin_seen:
        return (flip[0] - seen.truth["exec_rt"]) / US <= limit + slack
    return seen.bounded_us is not None and (flip[0] - seen.bounded_us) / US <= limit + slack


def _beyond(seen: Visible, limit: float, slack: float = 1.1) -> bool:
    """Whether exit 1 is right: reached later than the limit, or never."""
    flip = goal_flip(seen.truth)
    if flip is None:
        return True
    by = flip[1] + _stepped(seen, flip[1], forward=True)  # a forward step looks like a long silence, and is none
    return (by - seen.truth["exec_rt"]) / US >= limit - slack or seen.truth["outcome"] == "failed"


def _stepped(seen: Visible, us: float, forward: bool) -> int:
    """By how much the shown clock had stepped at a moment."""
    if seen.part.step is None:
        return 0
    row, by = seen.part.step
    return by if us >= stamp_us(seen.part.rows[row]) and (by > 0 or not forward) else 0


class _Judge:
    """Judges one reported start against the true one it was made of."""

    def __init__(self, score: Tally, made: Damaged, seen: Visible, start: JsonStart, alone: bool, apart: bool) -> None:
        self.score, self.made, self.seen, self.start, self.alone = score, made, seen, start, alone
        self.apart = apart
        self.truth = seen.truth
        self.agent = "registered" in self.truth
        self.label = f"{seen.part.name} start {seen.number} (#{start['index']})"
        self.precision = PRECISION_S.get(made.carrier, 0.0)
        self.slack = SLACK_S + self.precision
        self.turn = turn_of(self.truth)
        self.zero = self._zero()

    def run(self, gate: Gate | None) -> None:
        """All claims of the start."""
        self._verdict()
        self._reason()
        self._end()
        self._polls()
        self._check_states()
        self._no_negative()
        if self.zero is not None:
            if self.agent:
                self._goals()
            else:
                self._readiness()
                self._windows()
                self._implied()
        if gate is not None:
            for limit in LIMITS_S:
                code = gate(self.start["index"], limit)
                _claim_gate(self.score, self.label, code, limit, _within(self.seen, limit), _beyond(self.seen, limit))

    def claim(self, kind: str, holds: object, words: str) -> None:
        """One claim about this start."""
        self.score.claim(kind, holds, f"{self.label}: {words}")

    # --- the axis of the report ---

    def _shown_us(self, row: int) -> int:
        return stamp_us(self.seen.part.shown[row])

    def _zero(self) -> float | None:
        """Second 0 of the start's axis, on the clock that the text shows."""
        first = min(self._shown_us(i) for i in self.seen.rows) / US
        began = self.start["began_at"]
        if began is not None:
            given = datetime.fromisoformat(began).timestamp()
            if self.alone and self.seen.part.step is None:
                exec_s = (self.truth["exec_rt"] + self.seen.part.shift_us) / US
                last_s = (self.seen.last_us + self.seen.part.shift_us) / US
                slack = 1.5 + self.precision
                near = min(abs(given - first), abs(given - exec_s)) <= slack
                # Without pids nobody knows whose the first lines are: what is known of a fragment begins later.
                fragment = not self.start["begin_seen"] and self.made.carrier not in JOURNAL
                near = near or (fragment and exec_s - slack <= given <= last_s + slack)
                if not near and not self.apart:
                    self.score.excused["began"] += 1  # another run's lines that nothing tells from its own
                    return given
                self.claim("began", near, f"{began}, {given - first:.3f} s from its first line")
                return given if near else first
            return given
        pairs = [(line, at_s) for line, at_s in _lines_of(self.start) if at_s is not None]
        for number, at_s in pairs:
            line = self.made.lines[number - 1]
            if line.row is not None and self.made.parts[line.part] is self.seen.part:
                return self._shown_us(line.row) / US - at_s
        return first if self.alone else None

    def _axis(self, us: float) -> tuple[float, float]:
        """Between which seconds of the axis a true moment lies.

        Behind a step of the clock, and beside it, both readings count: the one that the text shows and the time that
        really went by.
        """
        assert self.zero is not None
        if self.seen.part.step is None:
            base = (us + self.seen.part.shift_us) / US - self.zero
            return base, base
        row, by = self.seen.part.step
        first, at = (stamp_us(self.seen.part.rows[i]) for i in (self.seen.rows[0], row))
        base = (us - first) / US
        if us < at - _LAG_US or first >= at:
            return base, base
        both = (base, base + by / US)
        return min(both), max(both)

    def _meets(self, kind: str, window: dict[str, Any], after_us: float, by_us: float, words: str = "") -> None:
        lower, upper = window["lower"], window["upper"]
        after, by = self._axis(after_us)[0], self._axis(by_us)[1]
        if self.seen.part.step is not None and lower is not None and upper is not None and upper < 0:
            self.claim(kind, False, f"{words} ({lower}, {upper}] before its begin")
            return
        holds = (lower is None or lower - self.slack <= by) and (upper is None or upper + self.slack >= after)
        if not holds and window.get("lower_kind") == "grid" and self.seen.polls_lost_unseen:
            self.score.excused[kind] += 1
            return
        self.claim(kind, holds, f"{words} {_show(window)} but it happened in ({after:.3f}, {by:.3f}]")

    # --- verdicts and ends ---

    def _verdict(self) -> None:
        given, true = self.start["outcome"], self.truth["outcome"]
        if given == "incomplete":
            if self.made.whole and true != "incomplete":
                self.score.weak["verdict"] += 1
            return
        if given == "ready":
            flip = goal_flip(self.truth)
            self.claim("verdict", flip is not None, f"ready for {true}")
            if flip is not None:
                early = self.seen.last_us + self.slack * US < flip[0] and not self.seen.later_seen
                self.claim("verdict", not early, "ready before the text can know")
            return
        if given == "failed" and true == "stopped" and self._no_word_of_a_stop():
            self.score.excused["verdict"] += 1
            return
        was_ready = true == "ready" or (self.agent and goal_flip(self.truth) is not None)
        words = f"{given} for {true}" + (", a node that joined" if self.agent and was_ready else "")
        self.claim("verdict", not was_ready and given == true, words)
        self.claim("verdict", self.seen.end_seen, f"{given}, and the text ends before the end")

    def _no_word_of_a_stop(self) -> bool:
        """Whether a reader of this carrier's whole text must take the fatal line for the end itself."""
        return self.made.carrier not in JOURNAL and self.seen.fatal_unexplained

    def _reason(self) -> None:
        has, given = self.truth.get("reason_has"), self.start["outcome_reason"]
        if has and self.start["outcome"] == "failed" and given is not None and self._in_text(has):
            self.claim("reason", has in given, f"{given!r} lacks {has!r}")
        end = self.start["end"]
        if self.truth["returncode"] < 0 and end["kind"] == "failed" and end["reason"] is not None:
            # Killed: nothing that k3s printed is why.
            said = self.made.carrier in JOURNAL and self._in_text("code=killed")
            killed = any(word in end["reason"].lower() for word in ("kill", "signal", "oom"))
            self.claim("reason", killed or not said, f"killed, but {end['reason']!r}")

    def _in_text(self, words: str) -> bool:
        if self.made.cut:
            return False
        return any(words in text(self.seen.part.rows[i]) for i in self.seen.rows)

    def _end(self) -> None:
        end = self.start["end"]
        if end["kind"] == "running":
            return
        true = self.seen.end_kinds
        if end["kind"] == "failed" and true == {"stopped"} and self._no_word_of_a_stop():
            self.score.excused["end"] += 1
        else:
            self.claim("end", end["kind"] in true, f"{end['kind']} for {'/'.join(sorted(true))}")
        self.claim("end", self.seen.end_seen, f"{end['kind']}, and the text ends before the end")
        at_s = end["at_s"]
        if at_s is None or self.zero is None:
            return
        shown = self.start["ready"]["lower"]
        self.claim("end", at_s >= -0.001, f"at {at_s}, before its begin")
        self.claim("end", shown is None or at_s >= shown - self.slack, f"at {at_s}, before it was ready ({shown})")
        early = at_s + self.slack < self._axis(self.seen.ends_from_us)[0]
        self.claim("end", not early, f"at {at_s}, but it ended after {self._axis(self.seen.ends_from_us)[0]:.3f}")

    # --- counts and states ---

    def _polls(self) -> None:
        printed = sum(poll["printed"] for poll in self.start["polls"])
        there = len(self.seen.poll_rows & set(self.seen.rows))
        self.claim("polls", printed <= there, f"{printed} printed for {there}")
        if self.made.whole and self.alone:
            self.claim("polls", printed >= min(there, self.seen.texts), f"{printed} printed for {there}")

    def _check_states(self) -> None:
        for check in self.start["checks"]:
            flips = self.truth["checks"].get(check["name"])
            if not flips:
                continue
            last = self.seen.last_us
            known = [flip for flip in flips if flip["after"] <= last]
            if check["final"] == "failing":
                passed = bool(known) and known[-1]["to"] == "ok" and known[-1]["by"] + self.slack * US < last
                self.claim("check state", not passed, f"{check['name']} failing, but it had passed")
            elif check["final"] == "ok" and self.turn is None:
                failing = all(flip["to"] != "ok" for flip in flips)
                self.claim("check state", not failing, f"{check['name']} ok, but it never passed")

    # --- times ---

    def _no_negative(self) -> None:
        least = -0.001
        times = [("poll", p["at_s"]) for p in self.start["polls"]]
        times += [(m["id"], m["at_s"]) for m in self.start["milestones"]]
        windows = [("ready", self.start["ready"]), ("detected", self.start["detected"])]
        windows += [(check["name"], check["cleared"]) for check in self.start["checks"]]
        times += [(name, window[side]) for name, window in windows for side in ("lower", "upper")]
        early = sorted({f"{name} {at_s}" for name, at_s in times if at_s is not None and at_s < least})
        self.claim("negative", not early, f"before the begin: {early[:4]}")
        steps = self.start["clock"]["steps"]
        if self.seen.part.step is None:
            self.claim("steps", steps == 0, f"{steps} steps of a clock that made none")
        elif self.seen.part.step[1] < 0 and self.seen.part.owners[self.seen.part.step[0]] == self.seen.number:
            self.score.weak["steps"] += steps == 0
        crossed = [n for n, w in windows if None not in (w["lower"], w["upper"]) and w["lower"] > w["upper"]]
        self.claim("negative", not crossed, f"windows that end before they begin: {crossed[:4]}")

    def _readiness(self) -> None:
        noticed, ready, detected = self.truth["detected_line_rt"], self.start["ready"], self.start["detected"]
        if self.turn is None:
            if noticed is None:
                self.claim("ready", ready["upper"] is None, f"never ready, but {_show(ready)}")
                self.claim("detected", detected["upper"] is None, f"never ready, but {_show(detected)}")
            return
        self._meets("ready", ready, self.turn["after"], self.turn["by"])
        if noticed is not None:
            self._meets("detected", detected, self.turn["after"], noticed)
        elif detected["upper"] is not None:
            early = detected["upper"] + self.slack < self._axis(self.turn["after"])[0]
            self.claim("detected", not early, f"{_show(detected)}, before it was ready")

    def _windows(self) -> None:
        end = self.turn["by"] if self.turn else None
        for check in self.start["checks"]:
            flips = [f for f in self.truth["checks"].get(check["name"], ()) if f["to"] == "ok"]
            flips = [f for f in flips if end is None or f["after"] < end]
            if flips:
                self._meets("check window", check["cleared"], flips[-1]["after"], flips[-1]["by"], check["name"])

    def _implied(self) -> None:
        """No poll that was not printed is said to have failed when the server was ready for good."""
        if self.turn is None or self.turn is not self.truth["ready"][-1]:
            return
        by = self._axis(self.turn["by"])[1] + self.slack
        told = [p for p in self.start["polls"] if not p["printed"] and p["error"] and p["line"] is None]
        late = [p["at_s"] for p in told if p["at_s"] is not None and p["at_s"] > by]
        # A step forward of less than two polls is no other than a late line.
        hidden = self.seen.part.step is not None and 0 < self.seen.part.step[1] <= 4 * US
        if late and (self.seen.polls_lost_unseen or hidden):
            self.score.excused["implied"] += 1
            return
        self.claim("implied", not late, f"failing at {late[:4]}, but ready by {by:.3f}")

    def _goals(self) -> None:
        true = {"node": self.truth["registered"], "node_ready": self.truth["node_ready"]}
        for goal in self.start.get("goals", ()):
            flip = true.get(goal["id"])
            if flip is None and self.truth["n"] > 0:
                continue  # the node was there already: the watcher saw no flip
            if goal["state"] == "reached" and goal["id"] in true:
                self.claim("goal", flip is not None, f"{goal['id']} reached")
                if flip:
                    self._meets("goal", goal["window"], flip[0] - _NODES_US, flip[1] + _NODES_US, goal["id"])
            elif goal["state"] == "not_reached" and flip is not None:
                self.claim("goal", flip[0] >= self.truth["end_rt"], f"{goal['id']} not reached")


def _show(window: dict[str, Any]) -> str:
    low, high = window["lower"], window["upper"]
    return (
        f"({low} {window['lower_kind']}:{window.get('lower_witness') or window['lower_line']}, "
        f"{high} {window['upper_kind']}:{window.get('upper_witness') or window['upper_line']}]"
    )
