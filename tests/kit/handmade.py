"""Small journals written by hand for the tests of starts and analysis: one line per call, every time in seconds.

Times count from ``ZERO``. ``lag`` is by how much the journal took a line down later than it was written; the line's
own stamp (klog's header, logrus' second) is that of the writing, as in life.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from analyzer.analysis import analyze_records
from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.start_report import study
from analyzer.analysis.studied_start import StudiedStart
from analyzer.events.versions import check_list
from analyzer.records.log_records import LogRecords
from analyzer.records.read import read_log_records
from analyzer.results import Check, Report, StartReport
from analyzer.starts import Start, find_starts
from analyzer.testing.log_wording import UNAVAILABLE, Wall, klog, logrus, readyz_body, server_error

ZERO = datetime(2026, 3, 1, 6, 0, 0, tzinfo=UTC)
ZERO_US = int(ZERO.timestamp()) * 1_000_000
WALL = Wall()
RBAC = "poststarthook/rbac/bootstrap-roles"
SCHEDULING = "poststarthook/scheduling/bootstrap-system-priority-classes"
CRD = "poststarthook/crd-informer-synced"
FORBIDDEN = "unknown"


class Journal:
    """Lines of one host; ``pid`` and ``version`` are those of the next lines."""

    def __init__(self, version: str = "v1.32.4+k3s1", pid: int = 1000) -> None:
        self.version, self.pid = version, pid
        self.invocation: str | None = None
        self.boot: str | None = "b" * 32
        self.rows: list[dict[str, str]] = []

    def _row(self, at: float, ident: str, pid: int, text: str, lag: float, **fields: str) -> Journal:
        us = ZERO_US + round((at + lag) * 1e6)
        row = {"__REALTIME_TIMESTAMP": str(us), "_HOSTNAME": "node-a", "SYSLOG_IDENTIFIER": ident, "_PID": str(pid)}
        if self.boot:
            row |= {"__MONOTONIC_TIMESTAMP": str(us - ZERO_US + 100_000_000), "_BOOT_ID": self.boot}
        self.rows.append(row | fields | {"MESSAGE": text})
        return self

    def bare(self, at: float, text: str, lag: float = 0.0) -> Journal:
        """A line of the process as it is."""
        extra = {"_SYSTEMD_UNIT": "k3s.service"}
        if self.invocation:
            extra["_SYSTEMD_INVOCATION_ID"] = self.invocation
        return self._row(at, "k3s", self.pid, text, lag, **extra)

    def say(self, at: float, message: str, level: str = "info", lag: float = 0.0) -> Journal:
        """A line of k3s itself (logrus: whole seconds)."""
        return self.bare(at, logrus(WALL, ZERO_US + round(at * 1e6), level, message), lag)

    def kube(self, at: float, text: str, where: str = "x.go:1", severity: str = "I", lag: float = 0.0) -> Journal:
        """A line of a Kubernetes component (klog: microseconds)."""
        return self.bare(at, klog(WALL, ZERO_US + round(at * 1e6), severity, where, self.pid, text), lag)

    def systemd(self, at: float, text: str) -> Journal:
        """A line of PID 1 about the unit."""
        return self._row(at, "systemd", 1, text, 0.0, UNIT="k3s.service")

    def other(self, at: float, ident: str, text: str) -> Journal:
        """A line of another program."""
        return self._row(at, ident, 77, text, 0.0, _SYSTEMD_UNIT=f"{ident}.service")

    # --- what k3s prints on its way

    def begin(self, at: float = 0.0) -> Journal:
        """systemd's Starting and the banner."""
        self.systemd(at, "Starting k3s.service - Lightweight Kubernetes...")
        return self.banner(at + 0.1)

    def banner(self, at: float) -> Journal:
        """The version banner."""
        return self.say(at, f"Starting k3s {self.version} (148243c4)")

    def fresh(self, at: float) -> Journal:
        """The line of a process that makes the cluster's certificates."""
        return self.say(at, "generated self-signed CA certificate CN=k3s-client-ca@1772344800: notBefore=x notAfter=y")

    def serving(self, at: float) -> Journal:
        """kube-apiserver's listener is open; the hooks start."""
        self.kube(at - 0.5, "Loaded 12 mutating admission controller(s) successfully in the following order: X.",
                  "plugins.go:157")  # fmt: skip
        return self.kube(at, "Serving securely on 127.0.0.1:6444", "secure_serving.go:213")

    def poll(self, at: float, error: str = UNAVAILABLE, lag: float = 0.0) -> Journal:
        """A printed poll."""
        return self.say(at, f"Polling for API server readiness: GET /readyz failed: {error}", lag=lag)

    def listed(self, at: float, *failing: str, lag: float = 0.0) -> Journal:
        """A printed poll that was answered with a check list."""
        body, _ = readyz_body(self.names, failing)
        return self.poll(at, server_error(body), lag)

    def unchanged(self, at: float) -> Journal:
        """``--debug``: the same answer again."""
        return self.say(at, "Polling for API server readiness: GET /readyz failed: status unchanged", "debug")

    def running(self, at: float, lag: float = 0.0) -> Journal:
        """k3s noticed readiness."""
        self.say(at, "Kube API server is now running", lag=lag)
        return self.say(at + 0.0002, "k3s is up and running", lag=lag)

    def ticking(self, first: float, last: float, every: float = 0.4, lag: float = 0.0) -> Journal:
        """klog lines that mean nothing, from ``first`` to ``last``."""
        count = int((last - first) / every) + 1
        for index in range(count):
            self.kube(
                first + index * every, "Adding GroupVersion apps v1 to ResourceManager", "handler.go:286", lag=lag
            )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The release's checks."""
        major, minor = self.version.removeprefix("v").split(".")[:2]
        return tuple(check_list((int(major), int(minor))))

    # --- reading it

    def export(self) -> bytes:
        """Journal Export Format, in the order in which the journal took the lines down."""
        out = []
        for row in sorted(self.rows, key=lambda row: int(row["__REALTIME_TIMESTAMP"])):
            for key, value in row.items():
                data = value.encode()
                plain = b"\n" not in data
                out.append(key.encode() + (b"=" if plain else b"\n" + len(data).to_bytes(8, "little")) + data + b"\n")
            out.append(b"\n")
        return b"".join(out)

    def short(self) -> bytes:
        """``journalctl -o short``: whole seconds, no year."""
        out = []
        for row in sorted(self.rows, key=lambda row: int(row["__REALTIME_TIMESTAMP"])):
            at = ZERO + timedelta(microseconds=int(row["__REALTIME_TIMESTAMP"]) - ZERO_US)
            out.append(f"{at:%b %d %H:%M:%S} node-a {row['SYSLOG_IDENTIFIER']}[{row['_PID']}]: {row['MESSAGE']}\n")
        return "".join(out).encode()

    def log_records(self, data: bytes | None = None) -> LogRecords:
        """The log as the reader gives it to the analysis."""
        import io

        log_records, errors = read_log_records(["-"], stdin=io.BufferedReader(io.BytesIO(data or self.export())))
        assert not errors
        return log_records

    def starts(self) -> list[Start]:
        """All starts in it."""
        return find_starts(self.log_records().records)

    def studied(self) -> list[StudiedStart]:
        """All starts, analysed."""
        log_records = self.log_records()
        return [study(start, index, log_records) for index, start in enumerate(find_starts(log_records.records), 1)]

    def report(self) -> StartReport:
        """The report on the only start."""
        [studied] = self.studied()
        return studied.report

    def whole_report(self) -> Report:
        """The report on all of it, with findings and the lines behind its numbers."""
        return analyze_records(self.log_records(), tool_version="0")

    def findings(self) -> dict[str, str]:
        """The findings about the only start: severity by id."""
        [start] = self.whole_report().starts
        return {finding.id: finding.severity for finding in start.findings}

    def line_times(self) -> LineTimes:
        """The clock of the only start."""
        [start] = self.starts()
        return LineTimes(start)

    def line(self, words: str) -> int:
        """The number of the first record that holds ``words``."""
        rows = sorted(self.rows, key=lambda row: int(row["__REALTIME_TIMESTAMP"]))
        return next(number for number, row in enumerate(rows, 1) if words in row["MESSAGE"])


def check(report: StartReport, name: str) -> Check:
    """One check of a report."""
    return next(c for c in report.checks if c.name == name)
