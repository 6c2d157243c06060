"""Names of hosts, inputs and labels hidden before rows leave a worker, alike in all of them.

A report by itself is anonymized by ``of_report``, which numbers what it meets; numbers of two workers would clash.
So what identifies a start across inputs gets a keyed digest in place of its name: equal names stay equal, and nobody
can try names without the key, which is made of all inputs and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from analyzer.collection.model import InputRow, InputSpec
from analyzer.results import Report

_BYTES = 6  # of a digest: 100,000 names meet with a chance of 2 in 100,000
_ERRORS = {
    "unreadable": "it could not be read",
    "no_data": "no trace of a k3s or RKE2 run",
    "too_long": "it took longer than the time limit",
    "killed": "it ended the process that read it",
    "memory": "it needs more memory than a process may have",
}


@dataclass(frozen=True, slots=True)
class StandIns:
    """How names are hidden; ``of_report`` must be found by its name in a worker."""

    key: bytes
    of_report: Callable[[Report], Report]

    def name(self, kind: str, text: str) -> str:
        """``host-3fa9c10b27d4`` for a host."""
        digest = blake2b(f"{kind}\0{text}".encode("utf-8", "replace"), key=self.key, digest_size=_BYTES)
        return f"{kind}-{digest.hexdigest()}"

    def spec(self, spec: InputSpec) -> InputSpec:
        """The input as it is told; its files are for reading only."""
        labels = tuple((name, self.name("value", value)) for name, value in spec.labels)
        return replace(spec, name=self.name("input", spec.name), labels=labels)

    def report(self, report: Report, spec: InputSpec) -> Report:
        """The report with stand-ins, its hosts told apart from those of other inputs."""
        hosts = {start.index: start.host for start in report.starts}
        hidden = self.of_report(report)
        starts = tuple(
            replace(start, host=None if (host := hosts[start.index]) is None else self.name("host", host))
            for start in hidden.starts
        )
        shown = self.name("input", spec.name)
        return replace(hidden, starts=starts, sources=tuple(replace(one, path=shown) for one in hidden.sources))

    def row(self, row: InputRow, spec: InputSpec) -> InputRow:
        """What became of an input: its size and time would tell which it is."""
        error = _ERRORS.get(row.error_kind, row.error_kind)
        return replace(row, input=self.name("input", spec.name), size=0, mtime_ns=0, error=error)


def key_of(specs: Iterable[InputSpec]) -> bytes:
    """The key of a collection: known only to who has all of its inputs."""
    digest = blake2b(digest_size=32)
    for spec in specs:
        digest.update(f"{spec.name}\0{spec.size}\0{spec.mtime_ns}\0".encode("utf-8", "replace"))
    return digest.digest()
