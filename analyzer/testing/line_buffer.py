"""What a process writes: lines collected in any order, handed out in the order of their moments."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from analyzer.testing import log_wording
from analyzer.testing.true_moments import NEVER
from analyzer.testing.truth import Line

SYSTEMD = {
    "starting": "7d4958e842da4a758f6c1cdc7b36dcc5",
    "started": "39f53479d3a045ac8e11786248231fbf",
    "stopping": "de5b426a63be47a7b6ac3eaac82e2f6f",
    "stopped": "9d1aaa27d60140bd96365438aad20286",
    "succeeded": "7ad2d189f7e94e70a38c781354912448",
    "failed": "d9b373ed55a64feb8242e02dbe79a49c",
    "exited": "98e322203f7a4ed290d09fe03c09fe15",
    "restart": "5eb03494b6584870a536b337290809b3",
}


@dataclass(slots=True)
class LineBuffer:
    """Lines of one start: those of the process, and systemd's about it."""

    wall: log_wording.Wall
    rng: random.Random
    pid: int
    ident: str
    rows: list[tuple[int, int, Line]] = field(default_factory=list)
    end: int = NEVER  # the process is dead: it writes nothing after this

    def _put(self, at: int, line: Line) -> None:
        self.rows.append((at, len(self.rows), line))

    def raw(self, at: int, text: str, priority: int = 6) -> None:
        """A bare line on the process's output; a text with newlines becomes several entries, as in journald."""
        for row in text.split("\n"):
            if at <= self.end:
                self._put(at, Line(at, row, self.ident, self.pid, priority))

    def log(self, at: int, msg: str, level: str = "info", **fields: str) -> None:
        """A line of k3s itself."""
        self.raw(at, log_wording.logrus(self.wall, at, level, msg, fields))

    def klog(self, at: int, where: str, text: str, severity: str = "I") -> None:
        """A line of a Kubernetes component."""
        self.raw(at, log_wording.klog(self.wall, at, severity, where, self.pid, text))

    def zap(
        self, at: int, caller: str, msg: str, level: str = "info", fields: Mapping[str, object] | None = None
    ) -> None:
        """A line of etcd."""
        self.raw(at, log_wording.zap(self.wall, at, level, caller, msg, fields))

    def systemd(self, at: int, kind: str, text: str, priority: int = 6, **more: str) -> None:
        """A line of systemd about the unit."""
        extra = {"MESSAGE_ID": SYSTEMD[kind], **more}
        self._put(at, Line(at, text, "systemd", 1, priority, extra))

    def other(self, at: int, ident: str, pid: int, text: str) -> None:
        """A line of a helper of the unit (ExecStartPre)."""
        self._put(at, Line(at, text, ident, pid))

    def lines(self) -> list[Line]:
        """Everything the process and systemd wrote, in order; nothing of the process after its end."""
        kept = [row for row in self.rows if row[0] <= self.end or row[2].ident == "systemd"]
        return [line for _, _, line in sorted(kept, key=lambda row: (row[0], row[1]))]

    def soon(self, at: int, low: float = 0.00005, high: float = 0.002) -> int:
        """A moment shortly after ``at`` (seconds)."""
        return at + max(1, round(self.rng.uniform(low, high) * 1_000_000))
