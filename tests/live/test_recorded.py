"""Waits for servers that are recordings of real ones, in real time and ten times as fast: exit codes, windows, words.

The truth is what the replay answers, to the microsecond; the recordings say when a real k3s flipped.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from analyzer.live.observed_polls import ObservedWait, parse
from analyzer.live.wait_report import report_of
from analyzer.simulator.recorded import RecordedStart, load
from tests.kit.thinned import thinned
from tests.live.double import Pki
from tests.live.replayed import Replayed, Timeline, recorded, whole

STARTS = {start.label: start for start in load()}
RECORDINGS = Path(__file__).parents[1] / "data" / "recorded"
#: Between the clocks of two processes, in seconds of this machine.
SLACK_S = 0.02


class Outcome:
    """One wait as a process, and what the server knows."""

    def __init__(
        self, pki: Pki, folder: Path, timeline: Timeline, speed: float, *options: str, first_at: float | None = None
    ) -> None:
        saved = folder / "polls"
        with Replayed(pki, timeline, speed, first_at=first_at) as server:
            config = pki.kubeconfig(folder / "k3s.yaml", server.url)
            command = [sys.executable, "-m", "analyzer.cli.main", "wait", "--kubeconfig", str(config), "-o", str(saved)]
            env = {k: v for k, v in os.environ.items() if k != "KUBECONFIG"}
            server.begin()
            done = subprocess.run(
                [*command, *options], capture_output=True, text=True, timeout=100, check=False, env=env
            )
            self.zero = server.wall_of(0.0)
        self.speed = speed
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        self.wait: ObservedWait = parse(saved.read_text().splitlines())
        self.requests = server.requests

    def of_wait(self, at_s: float) -> float:
        """A moment of the wait in seconds of the recording."""
        return (self.wait.began_at.timestamp() + at_s - self.zero) * self.speed

    @property
    def slack_s(self) -> float:
        return SLACK_S * self.speed

    def holds(self, window: Any, truth: float) -> bool:
        lower, upper = (None if end is None else self.of_wait(end) for end in (window.lower, window.upper))
        return (lower is None or lower - self.slack_s <= truth) and (upper is None or truth <= upper + self.slack_s)


def check_words(out: Outcome, turned: tuple[float, ...]) -> None:
    """Nothing is printed that a later line, or the truth, refutes."""
    lines = [line for line in out.stderr.splitlines() if line.startswith("time=")]
    ready = [line for line in lines if " to=ready " in line]
    assert len(ready) <= 1 and (not ready or lines[-1] == ready[0])
    for line in lines:
        at_s = (datetime.fromisoformat(line.split()[0].removeprefix("time=")).timestamp() - out.zero) * out.speed
        assert (" to=ready " not in line) or any(turn <= at_s + out.slack_s for turn in turned)
    text = out.stdout
    assert "Traceback" not in out.stderr and 1 <= len(text.splitlines()) <= 12
    assert ("was ready" in text) is (out.code == 0)
    if out.code:
        said = re.search(r"At the last look, after ([\d.]+) s", text)
        assert (said is not None) is ("not ready." in text or "not ready," in text)


READY = [
    "1324-fresh-full#0",
    "1350-fresh-25#0",
    "1324-frozen-12s#0",
    "1322-etcd-fresh#0",
    "1324-restart-100-then-25#1",
    "1341-r402#0",
    "1303-full-b#1",
]


def check_wait(pki: Pki, folder: Path, start: RecordedStart, speed: float) -> None:
    """The code, the windows and the words of one wait."""
    timeline = recorded(start)
    out = Outcome(pki, folder, timeline, speed)
    assert out.code == 0, out.stderr
    (report,) = report_of(out.wait).starts
    assert out.holds(report.ready, timeline.ready_s)
    for check in report.checks:
        if check.name in timeline.checks:
            assert out.holds(check.cleared, timeline.checks[check.name]), check.name
    assert len(out.requests) <= len(out.wait.polls)
    last = max(timeline.checks, key=lambda name: timeline.checks[name])
    told = re.search(r"^(\S+) was the last check to clear\.$", out.stdout, re.MULTILINE)
    assert told is None or told[1] == last
    check_words(out, (timeline.ready_s,))


@pytest.mark.parametrize("label", thinned(READY, 3))
def test_a_recorded_start_is_waited_for(pki: Pki, tmp_path: Path, label: str) -> None:
    check_wait(pki, tmp_path, STARTS[label], 10.0)


def test_a_recorded_start_is_waited_for_in_real_time(pki: Pki, tmp_path: Path) -> None:
    check_wait(pki, tmp_path, STARTS[READY[0]], 1.0)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("speed", [10.0, 1.0])
def test_every_recorded_start_is_waited_for(pki: Pki, tmp_path: Path, speed: float) -> None:
    """Several at a time: nearly all of the 50 minutes that the starts took is spent sleeping."""

    def fault(label: str) -> str:
        folder = tmp_path / re.sub(r"\W", "-", label)
        folder.mkdir()
        try:
            check_wait(pki, folder, STARTS[label], speed)
        except (AssertionError, OSError, subprocess.SubprocessError) as problem:
            return f"{label}: {problem!r}"
        return ""

    labels = [label for label, start in STARTS.items() if start.ready[1] < 90 * speed]  # a process has 100 s
    with ThreadPoolExecutor(8 if speed == 1 else 3) as pool:
        assert [found for found in pool.map(fault, labels) if found] == []


@pytest.mark.long
def test_a_server_killed_three_times_is_waited_for(pki: Pki, tmp_path: Path) -> None:
    """It was ready for half a second before the second kill: either that or the last run is what the wait saw."""
    timeline, turned = whole(RECORDINGS / "1324-killed-thrice.truth.json")
    assert len(turned) == 2
    out = Outcome(pki, tmp_path, timeline, 4.0)
    assert out.code == 0
    (report,) = report_of(out.wait).starts
    assert sum(out.holds(report.ready, turn) for turn in turned) == 1
    check_words(out, turned)


def test_a_killed_server_is_told_as_gone(pki: Pki, tmp_path: Path) -> None:
    """The first run answers until 4.1 s, the second begins at 9.1 s; the wait ends between the two."""
    timeline, turned = whole(RECORDINGS / "1324-killed-thrice.truth.json")
    out = Outcome(pki, tmp_path, timeline, 1.0, "--timeout", "4s", "--policy", "backoff", first_at=3.0)
    assert out.code == 6
    assert "The server is gone: it last answered at" in out.stdout
    (report,) = report_of(out.wait).starts
    assert report.bottleneck.checks == ()
    check_words(out, turned)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("1324-bad-datastore", "Nothing answered|is gone|no API server yet"),
        ("1303-term-during-start", "Nothing answered|is gone|no API server yet"),
        ("1324-ha-quorum-lost", "Nothing answered|checks? failed|no API server yet|is gone"),
    ],
)
def test_a_start_that_does_not_get_ready_times_out_in_true_words(
    pki: Pki, tmp_path: Path, name: str, says: str
) -> None:
    timeline, turned = whole(RECORDINGS / f"{name}.truth.json")
    ready = [turn for turn in turned if turn < 25]
    out = Outcome(pki, tmp_path, timeline, 10.0, "--timeout", "2s")
    assert out.code == (0 if ready else 6), out.stderr
    assert ready or re.search(says, out.stdout), out.stdout
    check_words(out, turned)


def test_a_step_of_the_clock_moves_no_window(pki: Pki, tmp_path: Path) -> None:
    """The wall clock of the wait leaps ten years in the middle, as on a board that meets NTP."""
    timeline = Timeline(((0.0, 1e9),), lambda _p, at: (200 if at > 2 else 500, BODY[at > 2], "text/plain"), 2.0)
    code = (
        "import time, sys\n"
        "from analyzer.live import clock\n"
        "first = []\n"
        "class Leaping(clock.Clock):\n"
        "    def utc(self):\n"
        "        first.append(time.monotonic())\n"
        "        years = 10 if time.monotonic() - first[0] > 0.7 else 0\n"
        "        return super().utc().replace(year=2026 + years)\n"
        "import analyzer.live.waiting as waiting\n"
        "waiting.Clock = Leaping\n"
        "from analyzer.cli.main import run\n"
        "sys.argv = ['k3slog', 'wait', *sys.argv[1:]]\n"
        "run()\n"
    )
    with Replayed(pki, timeline, first_at=0.0) as server:
        config = pki.kubeconfig(tmp_path / "k", server.url)
        done = subprocess.run(
            [sys.executable, "-c", code, "--kubeconfig", str(config), "-f", "jsonl"],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["at"][:4] for event in events} == {"2026"}
    assert events[-1]["ready"]["upper"] - events[-1]["ready"]["lower"] < 1.0


BODY = {True: "readyz check passed", False: "[-]a failed: reason withheld\nreadyz check failed\n"}
