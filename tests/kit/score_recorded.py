"""Holds the analysis against recordings of a real k3s whose checks were watched from outside.

``tests/data/recorded/README.md`` says what the recordings and their truths mean. Each recording is written in five
carriers and analysed in each. A claim is wrong when it cannot be true given what the watcher saw: a window that does
not meet the interval in which a check really flipped, a start that was not ready called ready, a wrong count of
printed polls. How sharp the windows are is measured beside it and never excuses a wrong claim.

As a command, over any folder of ``NAME.export.gz`` + ``NAME.truth.json`` pairs::

    python -m tests.kit.score_recorded [DIR…] [--carriers export,short] [--only TEXT]
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import analyzer
from analyzer.reports import json_report
from analyzer.results import Report

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "data" / "recorded"
CLUSTERS = ROOT / "tests" / "data" / "recorded-clusters"
SAMPLES = ROOT / "sample_logs"
CARRIERS = ("export", "short", "iso", "json", "cat")

SLACK_S = 0.06  # log lines and the watcher's clock reads are not the same instant
_PRECISION_S = {"short": 1.0, "iso": 1.0, "cat": 1.0}
_SUFFIX = {"export": ".export", "json": ".json"}

Truth = dict[str, Any]
JsonStart = dict[str, Any]
Flip = dict[str, Any]
Row = dict[str, bytes]


# --- carriers -------------------------------------------------------------------------------------------------------


def read_export(data: bytes) -> list[Row]:
    """Records of a Journal Export Format stream; of a repeated field the first value."""
    rows: list[Row] = []
    row: Row = {}
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        if end == at:
            rows.append(row)
            row, at = {}, end + 1
            continue
        equals = data.find(b"=", at, end)
        if equals > 0:
            row.setdefault(data[at:equals].decode(), data[equals + 1 : end])
            at = end + 1
        else:  # binary-safe field: name, newline, 64-bit length, value
            (size,) = struct.unpack("<Q", data[end + 1 : end + 9])
            row.setdefault(data[at:end].decode(), data[end + 9 : end + 9 + size])
            at = end + 10 + size
    if row:
        rows.append(row)
    return rows


def _stamp(row: Row) -> datetime:
    return datetime.fromtimestamp(int(row["__REALTIME_TIMESTAMP"]) / 1e6, UTC)


def _tail(row: Row) -> bytes:
    return b"%s %s[%s]: %s\n" % (row["_HOSTNAME"], row["SYSLOG_IDENTIFIER"], row["_PID"], row["MESSAGE"])


def write_carrier(rows: list[Row], carrier: str) -> bytes:
    """The records as ``journalctl -o CARRIER`` would print them (``short``, ``iso``, ``json``, ``cat``)."""
    match carrier:
        case "short":
            return b"".join(f"{_stamp(r):%b %d %H:%M:%S} ".encode() + _tail(r) for r in rows)
        case "iso":
            return b"".join(_stamp(r).isoformat(timespec="seconds").encode() + b" " + _tail(r) for r in rows)
        case "json":
            return b"".join(
                json.dumps({k: v.decode("utf-8", "replace") for k, v in r.items()}).encode() + b"\n" for r in rows
            )
        case "cat":
            return b"".join(r["MESSAGE"] + b"\n" for r in rows if r["SYSLOG_IDENTIFIER"] == b"k3s")
        case _:
            raise ValueError(f"no carrier {carrier!r}")


def carrier_bytes(recording: Path, carrier: str) -> bytes:
    """``recording`` (``NAME.export.gz``) in one of ``CARRIERS``."""
    data = gzip.decompress(recording.read_bytes())
    return data if carrier == "export" else write_carrier(read_export(data), carrier)


def put_carrier(recording: Path, carrier: str, folder: Path) -> Path:
    """``recording`` written in ``carrier`` to a file of ``folder``."""
    name = recording.name.removesuffix(".export.gz")
    path = folder / f"{name}.{carrier}{_SUFFIX.get(carrier, '.txt')}"
    path.write_bytes(carrier_bytes(recording, carrier))
    return path


# --- judging --------------------------------------------------------------------------------------------------------


@dataclass
class Sharpness:
    """How narrow the windows are: widths in seconds (``None``: an end is open) and rightly named last blockers."""

    ready: list[float | None] = field(default_factory=list)
    check: list[float | None] = field(default_factory=list)
    named: list[bool] = field(default_factory=list)

    def add(self, other: Sharpness) -> None:
        """Take the measures of ``other`` in."""
        self.ready += other.ready
        self.check += other.check
        self.named += other.named

    @staticmethod
    def median(widths: list[float | None]) -> float:
        """The median width; infinite when most are open or there is none."""
        return statistics.median([float("inf") if w is None else w for w in widths]) if widths else float("inf")

    @property
    def named_share(self) -> float:
        """Share of the ready starts whose last blocker is rightly named for certain."""
        return sum(self.named) / len(self.named) if self.named else 0.0

    def __str__(self) -> str:
        return (
            f"median ready window {self.median(self.ready):.2f} s over {len(self.ready)}, "
            f"median check window {self.median(self.check):.2f} s over {len(self.check)}, "
            f"last blocker rightly named for certain in {sum(self.named)} of {len(self.named)} starts"
        )


@dataclass
class Score:
    """Claims of one report: counts of the right ones by kind, a sentence for each wrong one."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    sharp: Sharpness = field(default_factory=Sharpness)

    def claim(self, kind: str, holds: object, otherwise: str = "") -> None:
        """Count a claim of ``kind``; ``otherwise`` says what is wrong when it does not hold."""
        if holds:
            self.right[kind] += 1
        else:
            self.wrong.append(f"{kind}: {otherwise}")


def judge(truth: Truth, report: dict[str, Any], carrier: str) -> Score:
    """Every claim of ``report`` (the JSON object) that the watcher's truth can decide."""
    score = Score()
    told, found = truth["starts"], report["starts"]
    agent = truth.get("role") == "agent"
    # Without systemd's lines and without a banner a start may be invisible.
    if carrier != "cat" or all(t["banner"] for t in told):
        score.claim("starts", len(told) == len(found), f"{len(found)} for {len(told)}")
    if len(told) == len(found):
        for true_start, start in zip(told, found, strict=True):
            made = (_AgentJudge if agent else _StartJudge)(score, truth["k3s"], true_start, start, carrier)
            made.run()
    return score


class _StartJudge:
    """Judges one start against what was seen of it."""

    def __init__(self, score: Score, k3s: str, truth: Truth, start: JsonStart, carrier: str) -> None:
        self.score, self.k3s, self.truth, self.start, self.carrier = score, k3s, truth, start, carrier
        self.label = f"start {truth['n']}"
        self.precision = _PRECISION_S.get(carrier, 0.0)
        self.began = 0.0

    def run(self) -> None:
        """All claims of the start."""
        self._identity()
        self._polls()
        if self.start.get("began_at") is None:
            self.score.claim("began", False, f"{self.label}: null")
            return
        self.began = datetime.fromisoformat(self.start["began_at"]).timestamp()
        turn = self._readiness()
        self._checks(turn)
        self._chain(turn)
        reason = self.truth.get("reason_has")
        if reason and self.carrier != "cat":
            given = self.start["outcome_reason"]
            self.score.claim("reason", reason in (given or ""), f"{self.label}: {given!r} lacks {reason!r}")

    def _identity(self) -> None:
        allowed = [self.k3s] if self.truth["banner"] else [self.k3s, None]
        self.score.claim("version", self.start["version"] in allowed, f"{self.label}: {self.start['version']}")
        outcomes = [self.truth["outcome"]]
        if self.carrier == "cat" and self.truth["outcome"] != "ready":
            outcomes.append("incomplete")  # systemd's lines are not in cat
        if self.truth["outcome"] != "ready" and self.truth["ready"]:
            outcomes += ["ready", "incomplete"]  # it was, and ended before k3s had noticed or printed it
        given = self.start["outcome"]
        self.score.claim("outcome", given in outcomes, f"{self.label}: {given} for {outcomes}")

    def _polls(self) -> None:
        printed = [p for p in self.start["polls"] if p["printed"]]
        told = self.truth["polls"]
        self.score.claim("printed polls", len(printed) == len(told), f"{self.label}: {len(printed)} for {len(told)}")
        self.score.claim(
            "failing lists",
            [sorted(p["failing"] or []) for p in told] == [sorted(p["failing"]) for p in printed],
            self.label,
        )

    def _meets(self, kind: str, window: dict[str, Any], after_us: float, by_us: float) -> float | None:
        """Claim that ``window`` can hold a moment in ``(after, by]``; its width, ``None`` when an end is open."""
        lower, upper = window["lower"], window["upper"]
        after, by = after_us / 1e6 - self.began, by_us / 1e6 - self.began
        slack = SLACK_S + self.precision
        self.score.claim(
            kind,
            (lower is None or lower - slack <= by) and (upper is None or upper + slack >= after),
            f"{self.label}: ({lower}, {upper}] but it happened in ({after:.3f}, {by:.3f}]",
        )
        return None if lower is None or upper is None else float(upper - lower)

    def _readiness(self) -> Flip | None:
        """Claims about ready and detected; the true turn to ready that k3s noticed, if any."""
        seen = self.truth["detected_line_rt"]
        turns = [f for f in self.truth["ready"] if f["to"] == "ready" and (seen is None or f["after"] <= seen)]
        turn: Flip | None = turns[-1] if turns else None
        ready, detected = self.start["ready"], self.start["detected"]
        if self.truth["outcome"] == "ready" and seen is not None:
            both = ready["lower"] is not None and ready["upper"] is not None
            self.score.claim("ready two-sided", both, self.label)
            if turn:
                self.score.sharp.ready.append(self._meets("ready", ready, turn["after"], turn["by"]))
            self.score.claim("detected given", detected["upper"] is not None, self.label)
            self._meets("detected", detected, turn["after"] if turn else seen - 5_000_000, seen)
        else:
            if self.truth["ready"] and detected["upper"] is not None:
                late = (
                    detected["upper"] + SLACK_S + self.precision >= self.truth["ready"][0]["after"] / 1e6 - self.began
                )
                self.score.claim("detected after ready", late, f"{self.label}: detected by {detected['upper']}")
            else:
                self.score.claim("not detected", detected["upper"] is None, f"{self.label}: called detected")
            if turn is None:
                self.score.claim("never ready", ready["upper"] is None, f"{self.label}: called ready")
        return turn

    def _checks(self, turn: Flip | None) -> None:
        end = turn["by"] if turn else None
        is_ready = self.truth["outcome"] == "ready"
        listed = {name for poll in self.truth["polls"] for name in poll["failing"] or []}
        # The last flip to ok before readiness is the one a window is about.
        cleared: dict[str, Flip] = {
            name: flip
            for name, flips in self.truth["checks"].items()
            for flip in flips
            if flip["to"] == "ok" and (end is None or flip["after"] < end)
        }
        closed = set()
        for check in self.start["checks"]:
            name = check["name"]
            if flip := cleared.get(name):
                width = self._meets("check window", check["cleared"], flip["after"], flip["by"])
                self.score.sharp.check.append(width)
                if name in listed and is_ready:
                    self.score.claim("listed check two-sided", width is not None, f"{self.label}: {name}")
                    closed.add(name)
            elif self.truth["checks_last"].get(name) is False:
                wrongly_ok = check["final"] == "ok"
                self.score.claim("check still failing", not wrongly_ok, f"{self.label}: {name} called ok")
        if is_ready:
            missing = sorted((listed & set(cleared)) - closed)
            self.score.claim("listed checks present", not missing, f"{self.label}: {missing} not closed")
        if is_ready and turn:
            self._bottleneck(cleared)

    def _bottleneck(self, cleared: dict[str, Flip]) -> None:
        late = {name: flip for name, flip in cleared.items() if not flip.get("first_seen")}
        if not late:
            self.score.sharp.named.append(False)
            return
        cut = max(flip["after"] for flip in late.values())
        last = {name for name, flip in late.items() if flip["by"] > cut}  # not told apart by the watcher
        named = set(self.start["bottleneck"]["checks"])
        certain = self.start["bottleneck"]["certainty"] == "certain"
        if certain:
            right = bool(named) and named <= last
            self.score.claim("bottleneck", right, f"{self.label}: {sorted(named)} but {sorted(last)} was last")
        elif named:
            right = bool(named & last)
            self.score.claim("bottleneck", right, f"{self.label}: {sorted(named)} leaves out {sorted(last)}")
        self.score.sharp.named.append(certain and bool(named) and named <= last)

    def _chain(self, turn: Flip | None) -> None:
        """No link passed after the next one, and a hook that is named by the reason never passed."""
        chain = self.start.get("chain")
        if chain is None:
            return
        for one, later in combinations(chain["links"], 2):
            early, late = one["cleared"]["lower"], later["cleared"]["upper"]
            right = early is None or late is None or early <= late
            self.score.claim("chain order", right, f"{self.label}: {one['name']} is surely after {later['name']}")
        names = [link["name"] for link in chain["links"] if link["kind"] == "check"]
        if turn is not None and chain["certainty"] == "certain":
            last = {n: [f for f in self.truth["checks"].get(n, ()) if f["to"] == "ok"][-1:] for n in names}
            for name, after in pairwise(names):
                wrong = any(late["by"] <= early["after"] for early in last[name] for late in last[after])
                self.score.claim("chain truth", not wrong, f"{self.label}: {name} passed after {after}")
        if chain["in_reason"]:
            passed = self.truth["checks_last"].get(chain["last"][0]) is True
            self.score.claim("chain reason", not passed, f"{self.label}: {chain['last'][0]} had passed")


class _AgentJudge(_StartJudge):
    """Judges a start of an agent: its outcome by its node, its goals by what the server's API said of the node."""

    _API_SLACK_S = 1.0  # the API was asked every few hundred milliseconds, on a busy machine

    def run(self) -> None:
        """All claims of the start."""
        self.score.claim("role", self.start["role"] == "agent", f"{self.label}: {self.start['role']}")
        registered = self.truth.get("registered")
        joined = bool(registered) and registered[1] < self.truth["end_rt"]
        outcomes = ["ready" if joined else self.truth["outcome"], "incomplete"]
        given = self.start["outcome"]
        self.score.claim("outcome", given in outcomes, f"{self.label}: {given} for {outcomes}")
        if self.start.get("began_at") is None:
            return
        self.began = datetime.fromisoformat(self.start["began_at"]).timestamp()
        self.precision += self._API_SLACK_S - _PRECISION_S.get(self.carrier, 0.0)
        flips = {"node": registered, "node_ready": self.truth.get("node_ready")}
        for goal in self.start["goals"]:
            flip = flips.get(goal["id"])
            if flip and goal["state"] == "reached":
                self._meets(f"goal {goal['id']}", goal["window"], flip[0], flip[1])


# --- running --------------------------------------------------------------------------------------------------------


def recordings(*folders: Path) -> list[Path]:
    """Every ``NAME.export.gz`` below ``folders`` that has a truth beside it; a name counts once.

    Without a folder: the recordings kept for the tests and those among the sample logs.
    """
    found = {p.name: p for folder in folders or (SAMPLES, RECORDED) for p in folder.rglob("*.export.gz")}
    return sorted((p for p in found.values() if truth_path(p).exists()), key=lambda p: p.name)


def truth_path(recording: Path) -> Path:
    """The truth file that belongs to ``recording``."""
    return recording.with_name(recording.name.removesuffix(".export.gz") + ".truth.json")


@cache
def report_of(recording: Path, carrier: str) -> Report:
    """The report on ``recording`` in ``carrier``, worked out once in a process."""
    with tempfile.TemporaryDirectory() as folder:
        return analyzer.analyze(analyzer.load(put_carrier(recording, carrier, Path(folder)))).report


def score_recording(recording: Path, carrier: str) -> Score:
    """Analyse ``recording`` in ``carrier`` and judge the report."""
    report = report_of if carrier == "export" else report_of.__wrapped__  # what several tests ask for
    told = json_report.report_object(report(recording, carrier))
    return judge(json.loads(truth_path(recording).read_text()), told, carrier)


def _scores(folders: list[Path], carriers: list[str], only: str) -> Iterator[tuple[str, str, Score]]:
    for recording in recordings(*folders):
        name = recording.name.removesuffix(".export.gz")
        for carrier in carriers if only in name else []:
            try:
                yield name, carrier, score_recording(recording, carrier)
            except Exception as error:  # a crash is one wrong claim, the others still count
                yield name, carrier, Score(wrong=[f"crash: {type(error).__name__}: {error}"])


def main() -> int:
    """Score a folder, print what is wrong and how sharp the rest is; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description="Score the analysis against recordings of a real k3s.")
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="default: all recordings of the project")
    parser.add_argument("--carriers", default=",".join(CARRIERS))
    parser.add_argument("--only", default="", help="only recordings whose name contains this")
    options = parser.parse_args()
    total, sharp, kinds = Score(), Sharpness(), Counter[str]()
    for name, carrier, score in _scores(options.folders, options.carriers.split(","), options.only):
        total.right += score.right
        total.wrong += score.wrong
        kinds.update(w.split(":")[0] for w in score.wrong)
        if carrier == "export":
            sharp.add(score.sharp)
        for wrong in score.wrong:
            print(f"{name}.{carrier} {wrong}")
    right = sum(total.right.values())
    print(f"wrong by kind: {dict(kinds.most_common())}")
    print(f"sharpness (export): {sharp}")
    print(f"recorded: {right} of {right + len(total.wrong)} claims right")
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
