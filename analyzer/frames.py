"""The tables of an analysis: their schemas as data, the rows as plain Python, and DataFrames made of them.

``rows`` needs no pandas (the csv report and the trace export use it); ``build`` imports pandas when it is called.
``python -m analyzer.frames`` prints ``docs/frames.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from analyzer.results import Check, Poll, Report, StartReport
from analyzer.window import Bound, Span, Window

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.simulator.run import Simulation

DType = Literal["string", "Int64", "float64", "boolean", "datetime64[us, UTC]"]
Row = dict[str, Any]

HOOK_PREFIX = "poststarthook/"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its pandas dtype, its unit (empty: none), what it means, and whether a log wrote the text in it."""

    name: str
    dtype: DType
    unit: str
    meaning: str
    from_log: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what one row is, its columns in order, and pairs of columns of which the first is never greater."""

    name: str
    row: str
    columns: tuple[Column, ...]
    ordered: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [c.name for c in self.columns]


def _text(name: str, meaning: str, *, from_log: bool = False) -> Column:
    return Column(name, "string", "", meaning, from_log)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "Int64", "", meaning)


def _seconds(name: str, meaning: str) -> Column:
    return Column(name, "float64", "s", meaning)


def _flag(name: str, meaning: str) -> Column:
    return Column(name, "boolean", "", meaning)


def _instant(name: str, meaning: str) -> Column:
    return Column(name, "datetime64[us, UTC]", "UTC", meaning)


_START = _count("start", "index of the start in the whole input, from 1")
_SOURCE = _count("source", "index of the input the line is in, from 0")
_OPEN = "missing: open end"


def _window_columns(prefix: str, what: str) -> tuple[Column, ...]:
    return (
        _seconds(f"{prefix}lower_s", f"{what} after this moment ({_OPEN})"),
        _seconds(f"{prefix}upper_s", f"{what} at or before this moment ({_OPEN})"),
        _text(f"{prefix}lower_kind", "what the lower end rests on: observed, grid, witness, process, none"),
        _text(f"{prefix}upper_kind", "what the upper end rests on"),
        _count(f"{prefix}lower_line", "line behind the lower end; missing for grid and none"),
        _count(f"{prefix}upper_line", "line behind the upper end"),
    )


TIMELINE = Table(
    "timeline",
    "polling attempt, milestone, check transition, phase edge, readiness, gap or end, in time order within a start",
    (
        _START,
        _text("host", "host of the start", from_log=True),
        _text("unit", "systemd unit of the start", from_log=True),
        _seconds("t_lower_s", f"earliest moment it can have happened, since began_at ({_OPEN})"),
        _seconds("t_upper_s", f"latest moment; for a stamped line the end of what its stamp covers ({_OPEN})"),
        _instant("time_lower", "t_lower_s as a time; missing when the log holds no date"),
        _instant("time_upper", "t_upper_s as a time"),
        _text(
            "kind",
            "poll, milestone, check_failing, check_ok, phase_begin, phase_end, ready, detected, end, "
            "gap_begin, gap_end",
        ),
        _text(
            "id",
            "name of the check, milestone, phase or gap; error class of the poll (missing: success)",
            from_log=True,
        ),
        _text("detail", "failing checks of the poll, text of the line, reason of the end", from_log=True),
        _flag("printed", "true: a line says so; false: inferred"),
        _text("lower_kind", "what t_lower_s rests on: observed, grid, witness, process, none"),
        _text("upper_kind", "what t_upper_s rests on"),
        _SOURCE,
        _count("line", "the line that shows it, else the one behind the upper end"),
    ),
    (("t_lower_s", "t_upper_s"), ("time_lower", "time_upper")),
)

POLLS = Table(
    "polls",
    "polling attempt from the first printed one on, in time order; the last of a start is its success",
    (
        _START,
        _count("attempt", "number of the attempt within the start, from 1"),
        _seconds("at_s", "stamp of the line (when the answer was read), or the tick of an attempt without a line"),
        _instant("time", "at_s as a time"),
        _flag("printed", "true: a line of its own; false: implied by the grid, or the success"),
        _text("error", "error class; missing for the success"),
        _text("severity", "transient, suspect or fatal"),
        _count("http_status", "status code, when there was an answer"),
        _text("failing", "checks that failed, separated by spaces", from_log=True),
        _text("unseen", "checks the answer does not speak of although the server has them", from_log=True),
        _count("n_failing", "number of failing checks"),
        _flag("cut", "true: the answer's text was cut, so the list is not complete"),
        _SOURCE,
        _count("line", "the line; missing for an implied attempt"),
    ),
)

_CHECK_COLUMNS = (
    _text("final", "state at the last evidence: ok, failing, unseen"),
    _flag("seen_failing", "true: some line shows it failing"),
    *_window_columns("cleared_", "its last change to ok before ready happened"),
    _seconds("estimate_s", "likeliest moment of the change; never takes part in a verdict"),
    _text("estimate_basis", "the rule behind the estimate"),
    _seconds("exclusive_min_s", "time between serving and ready in which it alone was failing, at least"),
    _seconds("exclusive_max_s", "… at most"),
    _seconds("saving_min_s", "how much earlier ready would have been had it been instant, at least"),
    _seconds("saving_max_s", "… at most"),
    _text("last_blocker", "was it the last to clear: certain, possible, no"),
    _text("reasons", "reasons the answers gave, separated by '; '", from_log=True),
    _SOURCE,
)
_CHECK_ORDER = (
    ("cleared_lower_s", "cleared_upper_s"),
    ("exclusive_min_s", "exclusive_max_s"),
    ("saving_min_s", "saving_max_s"),
)

CHECKS = Table(
    "checks",
    "start and readyz check of which the text says anything",
    (_START, _text("check", "full name as /readyz lists it", from_log=True), *_CHECK_COLUMNS),
    _CHECK_ORDER,
)

HOOKS = Table(
    "hooks",
    "start and post-start hook (the rows of checks whose name begins with poststarthook/)",
    (_START, _text("hook", "name without poststarthook/", from_log=True), *_CHECK_COLUMNS),
    _CHECK_ORDER,
)

PHASES = Table(
    "phases",
    "start and phase of its time budget, in time order; phases have no gaps and do not overlap",
    (
        _START,
        _text(
            "phase",
            "extract, server, datastore, certificates, containerd, images, apiserver_boot, hooks, polling_tax, "
            "startup_hooks, node, node_ready; several joined with + where no line divides them",
        ),
        *_window_columns("begin_", "it began"),
        *_window_columns("end_", "it ended"),
        _seconds("duration_min_s", "it lasted at least"),
        _seconds("duration_max_s", f"it lasted at most ({_OPEN})"),
        _SOURCE,
    ),
    (("begin_lower_s", "begin_upper_s"), ("end_lower_s", "end_upper_s"), ("duration_min_s", "duration_max_s")),
)

STARTS = Table(
    "starts",
    "start: one run of one k3s or RKE2 process on one host and unit",
    (
        _START,
        _text("path", "the input it was found in", from_log=True),
        _text("host", "host name in the log", from_log=True),
        _text("unit", "systemd unit", from_log=True),
        _count("pid", "process id"),
        _text("boot_id", "boot id of the journal", from_log=True),
        _text("invocation_id", "invocation id of the journal", from_log=True),
        _text("product", "k3s, rke2, unknown"),
        _text("role", "server, agent, unknown"),
        _text("version", "release, from the banner or the API server", from_log=True),
        _text("commit", "commit, from the banner", from_log=True),
        _instant("began_at", "zero of all seconds of this start; missing when the log holds no date"),
        _instant("ended_at", "when the process ended; missing when the text does not show it"),
        _text("utc_offset", "zone in which the log shows times; missing: unknown", from_log=True),
        _flag("begin_seen", "false: the text begins in the middle of the start"),
        _text("clock_basis", "what the times rest on: monotonic, journal, logrus, klog, elapsed"),
        _seconds("clock_precision_s", "precision of the stamps"),
        _count("clock_steps", "jumps of the wall clock within the start"),
        _text("outcome", "ready, failed, stopped, incomplete"),
        _text("outcome_reason", "the message that explains a failure or stop", from_log=True),
        _text("end", "what became of the process: running, stopped, failed"),
        _seconds("end_at_s", "when it ended"),
        *_window_columns("ready_", "the API was ready"),
        *_window_columns("detected_", "k3s got its successful answer"),
        _seconds("polling_tax_min_s", "detected − ready, at least"),
        _seconds("polling_tax_max_s", "… at most"),
        _text("poller", "shared-2s, legacy-4x1s, legacy-30s, unknown"),
        _seconds("interval_s", "polling interval"),
        _flag("prints_polls", "whether this release prints its polls"),
        _count("polls_printed", "poll lines in the text"),
        _count("polls_implied", "attempts between them that were not printed"),
        _text("bottleneck", "checks that may have been the last, separated by spaces", from_log=True),
        _text("bottleneck_certainty", "certain, possible, none"),
        _count("findings_critical", "number of critical findings"),
        _count("findings_warning", "number of warnings"),
        _SOURCE,
    ),
    (
        ("ready_lower_s", "ready_upper_s"),
        ("detected_lower_s", "detected_upper_s"),
        ("polling_tax_min_s", "polling_tax_max_s"),
    ),
)

TABLES = {t.name: t for t in (TIMELINE, POLLS, CHECKS, HOOKS, PHASES, STARTS)}


def _moment(start: StartReport, seconds: float | None) -> datetime | None:
    if start.began_at is None or seconds is None:
        return None
    return (start.began_at + timedelta(seconds=seconds)).astimezone(UTC)


def _window(prefix: str, window: Window) -> Row:
    return {
        f"{prefix}lower_s": window.lower,
        f"{prefix}upper_s": window.upper,
        f"{prefix}lower_kind": str(window.lower_kind),
        f"{prefix}upper_kind": str(window.upper_kind),
        f"{prefix}lower_line": window.lower_line,
        f"{prefix}upper_line": window.upper_line,
    }


def _span(name: str, span: Span | None) -> Row:
    if span is None:
        return {f"{name}_min_s": None, f"{name}_max_s": None}
    return {f"{name}_min_s": span.min, f"{name}_max_s": span.max}


def _event(start: StartReport, kind: str, name: str | None, window: Window, **more: Any) -> Row:
    place = window.upper_ref or window.lower_ref or (window.source, None)
    return {
        "start": start.index,
        "host": start.host,
        "unit": start.unit,
        "t_lower_s": window.lower,
        "t_upper_s": window.upper,
        "time_lower": _moment(start, window.lower),
        "time_upper": _moment(start, window.upper),
        "kind": kind,
        "id": name,
        "detail": more.get("detail") or None,
        "printed": more.get("printed", False),
        "lower_kind": str(window.lower_kind),
        "upper_kind": str(window.upper_kind),
        "source": more.get("source", place[0]),
        "line": more.get("line", place[1]),
    }


def _stamped(start: StartReport, at_s: float | None) -> Window:
    """What the stamp of a line covers."""
    if at_s is None:
        return Window()
    return Window(at_s, at_s + start.clock.precision_s, Bound.OBSERVED, Bound.OBSERVED)


def _poll_window(start: StartReport, poll: Poll) -> Window:
    if poll.at_s is None or poll.printed or poll.line is not None:
        return _stamped(start, poll.at_s)
    # A tick of the fitted grid is late by the latency of the fastest answer at least.
    return Window(poll.at_s - start.poller.grid_slack_s, poll.at_s + start.clock.precision_s, Bound.GRID, Bound.GRID)


def _check_events(start: StartReport, check: Check) -> Iterator[Row]:
    reasons = "; ".join(check.reasons)
    if check.seen_failing and check.first_seen_failing_s is not None:
        seen = Window(
            None,
            check.first_seen_failing_s + start.clock.precision_s,
            Bound.NONE,
            Bound.OBSERVED,
            None,
            check.first_seen_failing_line,
            source=check.first_seen_failing_source,
        )
        yield _event(start, "check_failing", check.name, seen, detail=reasons, printed=True)
    if check.cleared.lower is not None or check.cleared.upper is not None:
        yield _event(start, "check_ok", check.name, check.cleared, detail=reasons)


def _timeline(start: StartReport) -> Iterator[Row]:
    for milestone in start.milestones:
        yield _event(
            start,
            "milestone",
            milestone.id,
            _stamped(start, milestone.at_s),
            detail=milestone.text,
            printed=True,
            line=milestone.line,
            source=milestone.source,
        )
    for poll in start.polls:
        window = _poll_window(start, poll)
        detail = " ".join(poll.failing)
        yield _event(
            start, "poll", poll.error, window, detail=detail, printed=poll.printed, line=poll.line, source=poll.source
        )
    for check in start.checks:
        yield from _check_events(start, check)
    for number, phase in enumerate(start.phases):
        if number == 0:
            yield _event(start, "phase_begin", phase.id, phase.begin)
        yield _event(start, "phase_end", phase.id, phase.end)
    if start.ready.lower is not None or start.ready.upper is not None:
        yield _event(start, "ready", None, start.ready)
    if start.detected.lower is not None or start.detected.upper is not None:
        yield _event(start, "detected", None, start.detected)
    for gap in start.gaps:
        for kind, at_s in (("gap_begin", gap.begin_s), ("gap_end", gap.end_s)):
            window = _stamped(start, at_s)
            yield _event(start, kind, gap.kind, window, detail=gap.detail, line=gap.line, source=gap.source)
    end = start.end
    if end.kind != "running":
        window = _stamped(start, end.at_s)
        yield _event(start, "end", end.kind, window, detail=end.reason, printed=True, line=end.line, source=end.source)


def _timeline_rows(report: Report, start: StartReport) -> list[Row]:
    def position(row: Row) -> tuple[bool, float, float]:
        lower, upper = row["t_lower_s"], row["t_upper_s"]
        first = lower if lower is not None else upper
        return (first is None, first or 0.0, upper if upper is not None else float("inf"))

    return sorted(_timeline(start), key=position)


def _poll_rows(report: Report, start: StartReport) -> list[Row]:
    return [
        {
            "start": start.index,
            "attempt": number,
            "at_s": poll.at_s,
            "time": _moment(start, poll.at_s),
            "printed": poll.printed,
            "error": poll.error,
            "severity": poll.severity,
            "http_status": poll.http_status,
            "failing": " ".join(poll.failing) or None,
            "unseen": " ".join(poll.unseen) or None,
            "n_failing": len(poll.failing),
            "cut": poll.cut,
            "source": poll.source,
            "line": poll.line,
        }
        for number, poll in enumerate(start.polls, 1)
    ]


def _check_row(start: StartReport, check: Check) -> Row:
    return {
        "start": start.index,
        "final": check.final,
        "seen_failing": check.seen_failing,
        **_window("cleared_", check.cleared),
        "estimate_s": check.estimate_s,
        "estimate_basis": check.estimate_basis,
        **_span("exclusive", check.exclusive_s),
        **_span("saving", check.saving_s),
        "last_blocker": check.last_blocker,
        "reasons": "; ".join(check.reasons) or None,
        "source": check.cleared.source,
    }


def _check_rows(report: Report, start: StartReport) -> list[Row]:
    return [{**_check_row(start, c), "check": c.name} for c in start.checks]


def _hook_rows(report: Report, start: StartReport) -> list[Row]:
    hooks = (c for c in start.checks if c.name.startswith(HOOK_PREFIX))
    return [{**_check_row(start, c), "hook": c.name.removeprefix(HOOK_PREFIX)} for c in hooks]


def _phase_rows(report: Report, start: StartReport) -> list[Row]:
    return [
        {
            "start": start.index,
            "phase": phase.id,
            **_window("begin_", phase.begin),
            **_window("end_", phase.end),
            **_span("duration", phase.duration_s),
            "source": phase.end.source,
        }
        for phase in start.phases
    ]


def _start_rows(report: Report, start: StartReport) -> list[Row]:
    severities = [f.severity for f in start.findings]
    return [
        {
            "start": start.index,
            "path": report.sources[start.source].path if start.source < len(report.sources) else None,
            "host": start.host,
            "unit": start.unit,
            "pid": start.pid,
            "boot_id": start.boot_id,
            "invocation_id": start.invocation_id,
            "product": start.product,
            "role": start.role,
            "version": start.version,
            "commit": start.commit,
            "began_at": _moment(start, 0.0),
            "ended_at": None if start.ended_at is None else start.ended_at.astimezone(UTC),
            "utc_offset": start.clock.utc_offset,
            "begin_seen": start.begin_seen,
            "clock_basis": start.clock.basis,
            "clock_precision_s": start.clock.precision_s,
            "clock_steps": start.clock.steps,
            "outcome": start.outcome,
            "outcome_reason": start.outcome_reason,
            "end": start.end.kind,
            "end_at_s": start.end.at_s,
            **_window("ready_", start.ready),
            **_window("detected_", start.detected),
            **_span("polling_tax", start.polling_tax_s),
            "poller": start.poller.kind,
            "interval_s": start.poller.interval_s,
            "prints_polls": start.poller.prints_polls,
            "polls_printed": start.poller.printed,
            "polls_implied": start.poller.implied,
            "bottleneck": " ".join(start.bottleneck.checks) or None,
            "bottleneck_certainty": start.bottleneck.certainty,
            "findings_critical": severities.count("critical"),
            "findings_warning": severities.count("warning"),
            "source": start.source,
        }
    ]


_ROWS: dict[str, Callable[[Report, StartReport], list[Row]]] = {
    "timeline": _timeline_rows,
    "polls": _poll_rows,
    "checks": _check_rows,
    "hooks": _hook_rows,
    "phases": _phase_rows,
    "starts": _start_rows,
}


_STATS = ("delay_s", "requests", "detected_s", "ready_s", "ready_delayed_s", "server_cpu_s", "log_lines")
_STATISTICS = ("mean", "p50", "p95", "max")
SIMULATION = Table(
    "simulation",
    "policy of a simulation, over all draws",
    (
        _text("policy", "name of the policy"),
        _count("draws", "worlds it was replayed in"),
        _count("undetected", "of these: worlds in which it did not notice readiness"),
        *(
            Column(f"{name}_{part}", "float64", "s" if name.endswith("_s") else "", f"{part} of {name} over the draws")
            for name in _STATS
            for part in _STATISTICS
        ),
        *(
            _seconds(f"vs_shared_2s_{part}", f"paired difference of detected_s against shared-2s: {part} (95 %)")
            for part in ("mean", "low", "high")
        ),
    ),
)


def rows(name: str, report: Report, starts: Sequence[StartReport] | None = None) -> list[Row]:
    """The rows of table ``name`` as dicts in schema order, missing values ``None``; ``KeyError`` for no such table."""
    make, names = _ROWS[name], TABLES[name].names
    return [
        {column: row[column] for column in names}
        for start in (report.starts if starts is None else starts)
        for row in make(report, start)
    ]


def build(name: str, report: Report, starts: Sequence[StartReport] | None = None) -> pd.DataFrame:
    """Table ``name`` as a DataFrame with exactly the columns and dtypes of its schema, also when it has no rows."""
    import pandas as pd

    made = rows(name, report, starts)
    columns = {}
    for column in TABLES[name].columns:
        columns[column.name] = pd.Series([row[column.name] for row in made], dtype=column.dtype)
    return pd.DataFrame(columns, columns=TABLES[name].names)


# One table each, by its name: ``frames.checks(report)`` is ``frames.build("checks", report)``.
timeline, polls, checks = partial(build, "timeline"), partial(build, "polls"), partial(build, "checks")
hooks, phases, starts = partial(build, "hooks"), partial(build, "phases"), partial(build, "starts")


def simulation(answer: Simulation) -> pd.DataFrame:
    """One row per policy of ``answer``."""
    import pandas as pd

    made = []
    for result in answer.policies:
        row: Row = {"policy": result.policy, "draws": result.draws, "undetected": result.undetected}
        for name in _STATS:
            stat = getattr(result, name)
            row |= {f"{name}_{part}": None if stat is None else getattr(stat, part) for part in _STATISTICS}
        against = result.vs_shared_2s.get("detected_s")
        row |= {f"vs_shared_2s_{p}": None if against is None else getattr(against, p) for p in ("mean", "low", "high")}
        made.append(row)
    columns = {c.name: pd.Series([row[c.name] for row in made], dtype=c.dtype) for c in SIMULATION.columns}
    return pd.DataFrame(columns, columns=SIMULATION.names)


def validate(frame: pd.DataFrame, name: str) -> None:
    """Raise ``ValueError`` naming everything in which ``frame`` is not table ``name``; further columns are allowed."""
    table = SIMULATION if name == SIMULATION.name else TABLES[name]
    problems = [f"no column {c.name}" for c in table.columns if c.name not in frame.columns]
    for column in table.columns:
        if column.name in frame.columns and str(frame[column.name].dtype) != column.dtype:
            problems.append(f"{column.name} is {frame[column.name].dtype}, not {column.dtype}")
    if not problems:
        for low, high in table.ordered:
            wrong = frame[frame[low] > frame[high]]
            if len(wrong):
                problems.append(f"{low} > {high} in row {wrong.index[0]}")
    if problems:
        raise ValueError(f"not a {name} table: " + "; ".join(problems))


def markdown() -> str:
    """``docs/frames.md``."""
    lines = [
        "# The tables",
        "",
        "Made by `python -m analyzer.frames`; a test checks that this file is current.",
        "",
        "Every number in seconds counts from `began_at` of its start, unless it is a length. A missing value is",
        "unknown, never zero. Windows are half-open: the moment lies after `lower` and not after `upper`; a missing",
        "end is open.",
        "Text columns marked † hold text of the log as it is: escape it before you show it.",
    ]
    for table in (*TABLES.values(), SIMULATION):
        lines += ["", f"## {table.name}", "", f"One row per {table.row}.", ""]
        lines += ["| column | dtype | unit | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{c.name}`{' †' if c.from_log else ''} | {c.dtype} | {c.unit} | {c.meaning} |" for c in table.columns
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
