"""Judges what is said of a mutated recording: whatever the truth can decide must not be false."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import analyzer
from analyzer.errors import NoDataError
from analyzer.reports import json_report
from tests.kit.mutations import Mutated, Rows
from tests.kit.score_recorded import SLACK_S, Flip, JsonStart, Truth, read_export, truth_path


@dataclass
class Findings:
    """False claims by kind, and how many were judged."""

    wrong: list[str] = field(default_factory=list)
    claims: int = 0

    def claim(self, kind: str, holds: bool, otherwise: str) -> None:
        """One claim; ``otherwise`` says what is false about it."""
        self.claims += 1
        if not holds:
            self.wrong.append(f"{kind}: {otherwise}")


def analysed(files: dict[str, bytes], folder: Path) -> dict[str, Any] | None:
    """The JSON report on files written into ``folder``; ``None`` when they hold nothing of k3s."""
    paths = []
    for filename, data in files.items():
        path = folder / filename
        path.write_bytes(data)
        paths.append(path)
    try:
        return json_report.report_object(analyzer.analyze(analyzer.load(*paths)).report)
    except NoDataError:
        return None
    finally:
        for path in paths:
            path.unlink()


def truth_of(recording: Path) -> Truth:
    """What the watcher saw."""
    truth: Truth = json.loads(truth_path(recording).read_text())
    return truth


def rows_of(recording: Path) -> Rows:
    """The recorded lines."""
    return read_export(gzip.decompress(recording.read_bytes()))


def judge(truth: Truth, starts: Sequence[JsonStart], made: Mutated, shift_s: int = 0) -> Findings:
    """Every claim that the truth can decide, of starts that can be told to be one of the true ones."""
    found = Findings()
    for start in starts:
        true_start = _match(truth, start, made, shift_s)
        if true_start is not None:
            _Judge(found, truth["k3s"], true_start, start, made, shift_s).run()
    return found


def _match(truth: Truth, start: JsonStart, made: Mutated, shift_s: int) -> dict[str, Any] | None:
    if made.pids and start["pid"] is not None:
        return next((t for t in truth["starts"] if t["pid"] == start["pid"]), None)
    if start["began_at"] is None:
        return None
    began = datetime.fromisoformat(start["began_at"]).timestamp() - shift_s
    slack = 1.0 + made.precision_s
    for t in truth["starts"]:
        if t["exec_rt"] / 1e6 - slack <= began <= t["exec_rt"] / 1e6 + slack and (t["banner"] or made.pids):
            return dict(t)
    return None


class _Judge:
    def __init__(
        self, found: Findings, k3s: str, truth: dict[str, Any], start: JsonStart, made: Mutated, shift_s: int
    ) -> None:
        self.found, self.k3s, self.truth, self.start, self.made = found, k3s, truth, start, made
        self.label = f"start {truth['n']}"
        self.shift_s = shift_s
        self.began = 0.0

    def run(self) -> None:
        self._shape()
        given = self.start["version"]
        self.found.claim("version", given in (self.k3s, None), f"{self.label}: {given}")
        seen = self.truth["detected_line_rt"] if self.truth["outcome"] == "ready" else None
        outcome = self.start["outcome"]
        self.found.claim("outcome ready", outcome != "ready" or seen is not None, f"{self.label}: called ready")
        if self.made.whole:
            told = self.truth["outcome"]
            self.found.claim("outcome", outcome == told, f"{self.label}: {outcome} for {told}")
        if self.start["began_at"] is None:
            return
        self.began = datetime.fromisoformat(self.start["began_at"]).timestamp() - self.shift_s
        turn = self._readiness(seen)
        self._checks(turn)

    def _shape(self) -> None:
        windows = [("ready", self.start["ready"]), ("detected", self.start["detected"])]
        windows += [(c["name"], c["cleared"]) for c in self.start["checks"]]
        for what, window in windows:
            lower, upper = window["lower"], window["upper"]
            self.found.claim("order", lower is None or upper is None or lower <= upper, f"{self.label} {what} {window}")
            closed = upper is not None or (window["upper_kind"] == "none" and window["upper_line"] is None)
            self.found.claim("open end", closed, f"{self.label} {what} {window}")
            # Before the begin lies only what a line says: the begin itself may have been taken down late.
            unsaid = lower is not None and window["lower_line"] is None
            early = unsaid and lower < -0.001 - self.start["clock"]["precision_s"]
            self.found.claim("before begin", not early, f"{self.label} {what} {window}")

    def _meets(self, kind: str, window: dict[str, Any], after_us: float, by_us: float) -> None:
        if not self.made.polls and window["lower_kind"] == "grid":
            return  # rests on a poll that was not printed, or was it
        lower, upper = window["lower"], window["upper"]
        after, by = after_us / 1e6 - self.began, by_us / 1e6 - self.began
        slack = SLACK_S + self.made.precision_s
        self.found.claim(
            kind,
            (lower is None or lower - slack <= by) and (upper is None or upper + slack >= after),
            f"{self.label}: {_show(window)} but it happened in ({after:.3f}, {by:.3f}]",
        )

    def _readiness(self, seen: float | None) -> Flip | None:
        noticed = self.truth["detected_line_rt"]
        turns = [f for f in self.truth["ready"] if f["to"] == "ready" and (noticed is None or f["after"] <= noticed)]
        turn: Flip | None = turns[-1] if turns else None
        ready, detected = self.start["ready"], self.start["detected"]
        if seen is None:
            self.found.claim("not detected", detected["upper"] is None, f"{self.label}: called detected")
            self.found.claim("never ready", ready["upper"] is None, f"{self.label}: called ready")
        else:
            self._meets("detected", detected, turn["after"] if turn else seen - 5_000_000, seen)
        if turn is not None and (seen is not None or len(self.truth["ready"]) == 1):
            self._meets("ready", ready, turn["after"], turn["by"])
        tax = self.start["polling_tax_s"]
        if tax is not None and seen is not None and turn is not None:
            least, most = (seen - turn["by"]) / 1e6, (seen - turn["after"]) / 1e6
            slack = SLACK_S + 2 * self.made.precision_s
            lies = tax["min"] <= most + slack and (tax["max"] is None or tax["max"] + slack >= least)
            self.found.claim("tax", lies, f"{self.label}: {tax} but {least:.3f} to {most:.3f}")
        return turn

    def _checks(self, turn: Flip | None) -> None:
        end = turn["by"] if turn else None
        cleared: dict[str, Flip] = {
            check: flip
            for check, flips in self.truth["checks"].items()
            for flip in flips
            if flip["to"] == "ok" and (end is None or flip["after"] < end)
        }
        for check in self.start["checks"]:
            if flip := cleared.get(check["name"]):
                self._meets("check " + check["name"], check["cleared"], flip["after"], flip["by"])
            elif self.truth["checks_last"].get(check["name"]) is False:
                self.found.claim("still failing", check["final"] != "ok", f"{self.label}: {check['name']} called ok")
        if turn is not None and self.start["detected"]["upper"] is not None:
            self._blame(cleared)

    def _blame(self, cleared: dict[str, Flip]) -> None:
        late = {check: flip for check, flip in cleared.items() if not flip.get("first_seen")}
        if not late:
            return
        latest = max(flip["after"] for flip in late.values())
        last = {check for check, flip in late.items() if flip["by"] > latest}
        named = set(self.start["bottleneck"]["checks"])
        if not self.made.polls:
            return
        if self.start["bottleneck"]["certainty"] == "certain":
            right = bool(named) and named <= last
            self.found.claim("named for certain", right, f"{self.label}: {sorted(named)} but {sorted(last)} was last")
        elif named:
            right = bool(named & last)
            self.found.claim("named as possible", right, f"{self.label}: {sorted(named)} leaves out {sorted(last)}")
        if len(last) != 1:
            return
        final = last.copy().pop()
        slack = 2 * (SLACK_S + self.made.precision_s)
        for check in self.start["checks"]:
            alone = check["exclusive_s"]
            if alone is None:
                continue
            if check["name"] != final:
                self.found.claim("alone", alone["min"] <= slack, f"{self.label}: {check['name']} {alone}, not last")
                continue
            others = [flip for other, flip in cleared.items() if other != final]
            before = max((flip["after"] for flip in others if not flip.get("first_seen")), default=None)
            if before is not None:
                most = (late[final]["by"] - before) / 1e6
                self.found.claim("alone", alone["min"] <= most + slack, f"{self.label}: {final} {alone} > {most:.3f}")
            least = (late[final]["after"] - max(flip["by"] for flip in others)) / 1e6 if others else 0.0
            fits = alone["max"] is None or alone["max"] + slack >= least
            self.found.claim("alone", fits, f"{self.label}: {final} {alone} < {least:.3f}")


def _show(window: dict[str, Any]) -> str:
    low, high = window["lower"], window["upper"]
    return (
        f"({low} {window['lower_kind']}:{window.get('lower_witness') or window['lower_line']}, "
        f"{high} {window['upper_kind']}:{window.get('upper_witness') or window['upper_line']}]"
    )
