"""A recorded journal and a recorded server, replayed beside each other faster than they were: both are watched."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from analyzer.live.clock import Clock, Stopwatch
from analyzer.live.following import Following
from analyzer.live.observed_polls import ObservedPoll
from analyzer.live.prober import Prober
from analyzer.live.target import Target
from analyzer.policies.protocol import Observation, Stop
from analyzer.reports import event_json, watch_screen, watch_words
from analyzer.reports.schema import schema_text
from analyzer.results import Goal, Report
from analyzer.sources.following import FollowedPipe
from analyzer.watching.changes import Event, Note
from analyzer.watching.judge import Judge
from analyzer.watching.own_polls import OwnPolls, same_host
from analyzer.watching.reader import StartReader
from analyzer.watching.watch import Watch
from tests.kit.replay import replay, timed
from tests.kit.score_recorded import read_export
from tests.live.double import Pki
from tests.live.replayed import Replayed, whole

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "sample_logs" / "recorded"
SLACK_S = 0.05  # of two threads of this machine


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki()


class Replaying:
    """The realtime clock of the recording."""

    def __init__(self, zero_rt: float, server: Replayed) -> None:
        self._zero_rt, self._server = zero_rt, server

    def of(self, monotonic: float) -> float:
        return self._zero_rt + self._server.moment(monotonic)

    def stepped(self) -> bool:
        return False


class Heard:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.screens: list[str] = []
        self.own: OwnPolls | None = None

    def changed(self, events: Sequence[Event], report: Report | None) -> None:
        self.events += events
        assert self.own is not None
        self.screens.append(str(watch_screen.screen(report, 0.0, own=self.own.last).rows))

    def passed(self, since_line_s: float) -> None:
        pass

    def asked_since(self, began_at: datetime | None) -> bool:
        """Whether an own poll left after that."""
        assert self.own is not None and began_at is not None
        return any(poll.departed_s > began_at.timestamp() for poll in list(self.own._polls))

    def wait_for_a_poll(self, report: Report | None, patience_s: float) -> None:
        """… of the last start: on a busy machine its log may be over before the first one."""
        assert report is not None
        until = time.monotonic() + patience_s
        while time.monotonic() < until and not self.asked_since(report.starts[-1].began_at):
            time.sleep(0.02)


def run(
    pki: Pki, folder: Path, name: str, speed: float, hostname: str | None = None, patience_s: float = 0.0
) -> tuple[Heard, Report, tuple[float, ...], float]:
    """Both observers of a recording; what they told, the report of the log, and when it turned ready since 1970."""
    truth = RECORDED / f"{name}.truth.json"
    timeline, turned = whole(truth)
    rows = read_export(gzip.decompress((RECORDED / f"{name}.export.gz").read_bytes()))
    executed = json.loads(truth.read_text())["starts"][0]["exec_rt"] / 1e6
    lead = executed - int(rows[0]["__REALTIME_TIMESTAMP"]) / 1e6  # the unit begins before the process
    heard, (out, into) = Heard(), os.pipe()
    with Replayed(pki, timeline, speed) as server:
        config = pki.kubeconfig(folder / "k3s.yaml", server.url)

        def asked(told: Callable[[str], None]) -> Prober:
            return Following(Target(kubeconfig=config), told=told)

        def write() -> None:
            with contextlib.suppress(BrokenPipeError):  # it has seen enough
                replay(timed(rows), lambda piece: os.write(into, piece), speed)
            os.close(into)

        host = rows[0]["_HOSTNAME"].decode() if hostname is None else hostname
        heard.own = OwnPolls(asked, clock=Replaying(executed, server), hostname=host)  # type: ignore[arg-type]
        reader = StartReader("replay")
        one = Watch(FollowedPipe(out, "replay"), reader, Judge(), heard, time.monotonic, time.process_time, 60.0)
        one.observer = heard.own
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        time.sleep(max(0.0, lead / speed))
        server.begin()
        heard.own.begin()
        try:
            ending = one.run()
            heard.wait_for_a_poll(one.final(), patience_s)
        finally:
            heard.own.close()
            os.close(out)
            writer.join(60.0)
        assert ending.verdict == "reached"
    report = one.final()
    assert report is not None
    heard.own.shown(report)
    return heard, report, turned, executed


def test_both_observers_of_a_start(pki: Pki, tmp_path: Path) -> None:
    heard, report, (turned, *_), executed = run(pki, tmp_path, "1324-fresh-25", 2.0)
    assert heard.own is not None
    (log,), one = report.starts, heard.own.last
    assert one is not None and one.agree and one.saw_ready and log.began_at is not None
    truth = executed + turned - log.began_at.timestamp()
    assert one.own.contains(truth, 2 * SLACK_S)
    assert one.start.ready.contains(truth, 2 * SLACK_S)
    assert log.ready.width is not None and one.start.ready.width is not None
    assert one.start.ready.width <= log.ready.width
    assert one.start.polling_tax_s is not None and log.polling_tax_s is not None
    assert log.polling_tax_s.min <= one.start.polling_tax_s.min <= one.start.polling_tax_s.middle
    kinds = [event.event for event in heard.events]
    assert "own_poll" in kinds and "note" not in kinds
    (goal,) = [n for n, e in enumerate(heard.events) if isinstance(e.part, Goal) and e.part.id == "api"]
    assert goal < kinds.index("outcome")  # own polls saw it about a second and a half before k3s did
    assert any("by own polls; k3s has not noticed it yet" in screen for screen in heard.screens)
    assert "With own polls: ready after 9." in watch_words.own_polls(one)
    assert "; k3s noticed 1." in watch_words.own_polls(one)
    validator = jsonschema.Draft202012Validator(json.loads(schema_text("event")))
    told = [event_json.event_object(event) for event in heard.events]
    assert [error.message for each in told for error in validator.iter_errors(json.loads(json.dumps(each)))] == []


@pytest.mark.long
def test_a_server_that_is_killed_is_asked_again_and_each_start_has_its_own_polls(pki: Pki, tmp_path: Path) -> None:
    # No faster: a server that refuses is asked every one and a half seconds, and the fourth start took five.
    heard, _, turned, executed = run(pki, tmp_path, "1324-killed-thrice", 2.0, patience_s=20.0)
    assert heard.own is not None and heard.own.last is not None
    last = heard.own.last
    assert last.start.index == 4 and last.agree
    assert last.start.began_at is not None
    zero = last.start.began_at.timestamp()
    assert any(last.start.ready.contains(executed + turn - zero, 2 * SLACK_S) for turn in turned)
    reached = [e.start.index for e in heard.events if isinstance(e.part, Goal) and e.part.state == "reached"]
    # The second was ready for half a second, which its log does not show. Where this machine is too busy to write the
    # log in time, an own poll of the fourth may come before the end of the third is there to be read.
    assert {4} <= set(reached) <= {2, 3, 4}
    assert heard.asked_since(last.start.began_at)
    assert {event.start.index for event in heard.events if event.event == "own_poll"} >= {1}


def test_a_log_of_another_machine_is_not_fused(pki: Pki, tmp_path: Path) -> None:
    heard, report, _, _ = run(pki, tmp_path, "1324-fresh-25", 10.0, hostname="elsewhere")
    notes = [event.part.text for event in heard.events if isinstance(event.part, Note)]
    assert len(notes) == 1 and "the log is of host" in notes[0]
    assert heard.own is not None and heard.own.last is not None
    assert heard.own.last.start == report.starts[0]


def test_names_of_a_host() -> None:
    assert same_host("node-1", "NODE-1.example.org") and not same_host("node-1", "node-10")
    assert not same_host("node-1.a.org", "node-1.b.org")


def command(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "analyzer.cli.main", "watch", *arguments],
        input=stdin, capture_output=True, timeout=60, cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.long
def test_the_command(pki: Pki, tmp_path: Path) -> None:
    """An old recording, and no kubeconfig yet: it is said what is waited for, and the report is that of the log."""
    log = gzip.decompress((RECORDED / "1324-fresh-25.export.gz").read_bytes())
    code, out, err = command("-", "--poll", "--kubeconfig", str(tmp_path / "k3s.yaml"), stdin=log)
    assert (code, "Traceback" in err) == (0, False)
    assert f"Waiting for {tmp_path / 'k3s.yaml'} to appear" in out
    assert "With own polls: none of them tells more" in out.splitlines()[-1]


@pytest.mark.long
def test_what_does_not_go_together() -> None:
    code, _, err = command("-", "--poll", "--host", "another-machine")
    assert code == 2 and "moments of two clocks prove nothing together" in err
    assert command("-", "--server", "https://127.0.0.1:6443")[0] == 2


def test_polls_before_a_step_of_the_clock_are_forgotten() -> None:
    log = gzip.decompress((RECORDED / "1324-fresh-25.export.gz").read_bytes())
    reader = StartReader("log")
    reader.feed(log)
    report = reader.report()
    assert report is not None and report.starts[0].began_at is not None
    began = report.starts[0].began_at.timestamp()

    class Stepping:
        steps = False

        def of(self, monotonic: float) -> float:
            return began + 9.95

        def stepped(self) -> bool:
            return self.steps

    clock = Stepping()
    own = OwnPolls(lambda _told: None, clock=clock, hostname="vm")  # type: ignore[arg-type, return-value]
    own.watch = Stopwatch(Clock())
    ready = ObservedPoll(error=None, status=200, departed_s=0.0, answered_s=0.0)
    seen = Observation(0.0, 0.0, 200, None, (), (), None, "")
    own.polled(ready, seen, "start", Stop("ready"))
    own.shown(report)
    assert own.last is not None and own.last.start.ready.upper == pytest.approx(9.95, abs=1e-5)
    clock.steps = True
    own.polled(ready, seen, "start", Stop("ready"))
    clock.steps = False
    own.polled(ready, seen, "start", Stop("ready"))
    news = [event.part.text for event in own.shown(report).news if isinstance(event.part, Note)]
    assert own.last.start == report.starts[0] and own.last.polls == 0
    assert any("the clock was set" in text for text in news)
