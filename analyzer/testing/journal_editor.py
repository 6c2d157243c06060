"""A generated journal under edit: lines put in, left out or held, so that one thing goes wrong in it.

Moments are µs since 1970 as everywhere in the generator; what is put in is rendered at its moment like any other line
of the process.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

from analyzer.testing import log_wording
from analyzer.testing.generator import Generated, generate
from analyzer.testing.log_wording import Wall
from analyzer.testing.truth import SECOND, Entry, Line, Scenario

_HEADER = re.compile(
    r'^(?:time="[^"]*" level=(?P<level>\w+) msg=(?P<msg>"(?:[^"\\]|\\.)*"|\S+)(?P<rest>.*)'
    r"|(?P<severity>[IWEF])\d{4} [\d:.]+ +\d+ (?P<where>[^\]]+)\] (?P<text>.*))$",
    re.DOTALL,
)


class JournalEditor:
    """The journal of ``scenario``; all additions are of its first start unless another one is named."""

    def __init__(self, scenario: Scenario, seed: int = 1, *, start: int = 0) -> None:
        self.made = generate(scenario, seed)
        self.rng = random.Random(f"k3slog/bench/{scenario.name}/{seed}")
        self.wall = Wall(scenario.utc_offset_min)
        self.truth = self.made.truth.starts[start]
        self.entries: list[Entry] = list(self.made.entries)
        self.model = next(e for e in self.entries if e.invocation_id == self.truth.invocation_id)

    # ------------------------------------------------------------------ moments

    def at(self, words: str) -> int:
        """When the start first said ``words``.

        :raises ValueError: it never did.
        """
        for entry in self.entries:
            if entry.invocation_id == self.truth.invocation_id and words in entry.line.text:
                return entry.realtime_us
        raise ValueError(f"no line with {words!r}")

    @property
    def serving(self) -> int:
        """``Serving securely``."""
        return self.truth.serving_us or self.truth.exec_us + SECOND

    @property
    def last(self) -> int:
        """The last line of the start."""
        return max(e.realtime_us for e in self.entries if e.invocation_id == self.truth.invocation_id)

    # ------------------------------------------------------------------ putting in

    def raw(self, at: int, text: str, ident: str = "", pid: int = 0, unit: str = "") -> JournalEditor:
        """A line as it is; by the process unless named otherwise."""
        model = self.model
        line = Line(at, text, ident or self.truth.product, pid or self.truth.pid)
        monotonic = at - (model.realtime_us - model.monotonic_us)
        entry = replace(model, realtime_us=at, monotonic_us=monotonic, line=line, unit=unit or model.unit)
        self.entries.append(entry)
        return self

    def say(self, at: int, message: str, level: str = "info", **fields: str) -> JournalEditor:
        """A line of k3s itself."""
        return self.raw(at, log_wording.logrus(self.wall, at, level, message, fields))

    def kube(self, at: int, where: str, text: str, severity: str = "E") -> JournalEditor:
        """A line of a Kubernetes component."""
        return self.raw(at, log_wording.klog(self.wall, at, severity, where, self.truth.pid, text))

    def zap(self, at: int, message: str, level: str = "warn", **fields: object) -> JournalEditor:
        """A line of etcd."""
        return self.raw(at, log_wording.zap(self.wall, at, level, "etcdserver/util.go:170", message, fields))

    def systemd(self, at: int, text: str) -> JournalEditor:
        """A line of PID 1 about the unit."""
        return self.raw(at, text, "systemd", 1)

    def kernel(self, at: int, text: str) -> JournalEditor:
        """A line of the kernel."""
        return self.raw(at, text, "kernel", 1, "init.scope")

    def poll(self, at: int, error: str) -> JournalEditor:
        """A printed poll."""
        return self.say(at, f"Polling for API server readiness: GET /readyz failed: {error}")

    def example(self, at: int, text: str) -> JournalEditor:
        """A line written down elsewhere, with its header stamped anew."""
        found = _HEADER.match(text)
        if found is None:
            return self.raw(at, text)
        if found["level"]:
            return self.raw(
                at, f'time="{self.wall.rfc3339(at)}" level={found["level"]} msg={found["msg"]}{found["rest"]}'
            )
        return self.kube(at, found["where"], found["text"], found["severity"])

    # ------------------------------------------------------------------ leaving out

    def drop(self, which: Callable[[Entry], bool]) -> JournalEditor:
        """Leave entries out."""
        self.entries = [entry for entry in self.entries if not which(entry)]
        return self

    def quiet(self, begin: int, end: int) -> JournalEditor:
        """The process writes nothing in between."""
        return self.drop(lambda e: begin < e.realtime_us < end and e.line.pid == self.truth.pid)

    def cut(self, at: int) -> JournalEditor:
        """The text ends here."""
        return self.drop(lambda e: e.realtime_us > at)

    def end(
        self, at: int, exit_words: str = "code=exited, status=1/FAILURE", result: str = "exit-code"
    ) -> JournalEditor:
        """The process ends by itself here, and systemd says how."""
        self.cut(at)
        self.systemd(at + 9_000, f"{self.truth.unit}: Main process exited, {exit_words}")
        return self.systemd(at + 9_100, f"{self.truth.unit}: Failed with result '{result}'.")

    def hold(self, at: int, seconds: float, say: Callable[[int], object], every: float = 5.0) -> JournalEditor:
        """From here on nothing happens but that ``say`` is said again and again."""
        self.cut(at)
        for number in range(1, int(seconds / every) + 1):
            say(at + round(number * every * SECOND) + self.rng.randint(0, 30_000))
        return self

    def done(self) -> Generated:
        """The journal as it is now; its truth is that of the scenario before."""
        return replace(self.made, entries=tuple(sorted(self.entries, key=lambda entry: entry.realtime_us)))

    def export(self) -> bytes:
        """Journal Export Format."""
        return self.done().render("export")
