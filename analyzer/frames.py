"""The tables of an analysis: their schemas as data, the rows as plain Python, and DataFrames made of them.

``rows`` needs no pandas (the csv report and the trace export use it); ``build`` imports pandas when it is called.
``python -m analyzer.frames`` prints ``docs/frames.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Literal

from analyzer.analysis.clusters import clusters_of
from analyzer.analysis.episodes import episodes as all_episodes
from analyzer.analysis.start_key import start_key
from analyzer.analysis.timeline_events import events
from analyzer.events.check_info import HOOK
from analyzer.results import Report, StartReport

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.simulator.run import Simulation

DType = Literal["string", "Int64", "float64", "boolean", "datetime64[us, UTC]"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """What a row is made of: the item itself (a poll, a check, …), the ``number`` it has in its start, the rest."""

    item: Any
    number: int
    start: StartReport
    key: str
    report: Report


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it means, whether a log wrote the text in it, its pandas dtype, its unit (empty: none).

    ``value`` is where it is found in a ``_Place``: an attribute path (empty: the item's of the column's name) or a
    function.
    """

    name: str
    meaning: str
    value: str | Callable[[Any], Any] = ""
    from_log: bool = False
    dtype: DType = "string"
    unit: str = ""

    @property
    def read(self) -> Callable[[Any], Any]:
        """Takes the value out of a place."""
        return attrgetter(self.value or f"item.{self.name}") if isinstance(self.value, str) else self.value


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what one row is, its columns in order, and the items that have a row each.

    They are ``items`` of a start, or ``of_report``: numbered, each with the index of the start that it is told of.
    ``start_column`` is where that index stands.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    items: Callable[[StartReport], Iterable[Any]] = lambda start: ()
    of_report: Callable[[Report], Iterable[tuple[int, Any, int]]] | None = None
    start_column: str = "start"

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [c.name for c in self.columns]

    @property
    def ordered(self) -> list[tuple[str, str]]:
        """Pairs of columns of which the first is never greater."""
        ends = (("lower", "upper"), ("min", "max"))
        moments = [c.name for c in self.columns if c.dtype in ("float64", "datetime64[us, UTC]")]
        return [(c, c.replace(low, high)) for c in moments for low, high in ends if low in c.split("_")]


_text = Column
_count = partial(Column, dtype="Int64")
_seconds = partial(Column, dtype="float64", unit="s")
_flag = partial(Column, dtype="boolean")
_instant = partial(Column, dtype="datetime64[us, UTC]", unit="UTC")


def _with(path: str, then: Callable[[Any], Any]) -> Callable[[Any], Any]:
    find = attrgetter(path)
    return lambda place: then(find(place))


def _joined(path: str, between: str = " ") -> Callable[[Any], Any]:
    return _with(path, lambda texts: between.join(texts) or None)


def _numbers(lines: Iterable[int]) -> str | None:
    return " ".join(map(str, lines)) or None


def _moment(path: str) -> Callable[[Any], Any]:
    def moment(place: _Place) -> datetime | None:
        began_at, seconds = place.start.began_at, attrgetter(path)(place)
        return None if began_at is None or seconds is None else (began_at + timedelta(seconds=seconds)).astimezone(UTC)

    return moment


_START = _count("start", "index of the start in the whole input, from 1", "start.index")
_KEY = _text("key", "the start's own in every input: host, then invocation or when and as which process it began",
             "key", from_log=True)  # fmt: skip
_HOST = _text("host", "host of the start", "start.host", from_log=True)
_VERSION = _text("version", "release of the start, from the banner or the API server", "start.version", from_log=True)
_OF_START = (_START, _KEY, _HOST, _VERSION)
_SOURCE = _count("source", "index of the input the line is in, from 0")
_OPEN = "missing: open end"


def _window_columns(prefix: str, what: str, path: str) -> tuple[Column, ...]:
    return (
        _seconds(f"{prefix}lower_s", f"{what} after this moment ({_OPEN})", f"{path}.lower"),
        _seconds(f"{prefix}upper_s", f"{what} at or before this moment ({_OPEN})", f"{path}.upper"),
        _text(
            f"{prefix}lower_kind",
            "what the lower end rests on: observed, grid, witness, process, none",
            _with(f"{path}.lower_kind", str),
        ),
        _text(f"{prefix}upper_kind", "what the upper end rests on", _with(f"{path}.upper_kind", str)),
        _count(f"{prefix}lower_line", "line behind the lower end; missing for grid and none", f"{path}.lower_line"),
        _count(f"{prefix}upper_line", "line behind the upper end", f"{path}.upper_line"),
    )


def _span_columns(prefix: str, least: str, most: str) -> tuple[Column, ...]:
    path = f"item.{prefix}_s"
    return (
        _seconds(f"{prefix}_min_s", least, _with(path, lambda span: None if span is None else span.min)),
        _seconds(f"{prefix}_max_s", most, _with(path, lambda span: None if span is None else span.max)),
    )


# --- the schemas ----------------------------------------------------------------------------------------------------

TIMELINE = Table(
    "timeline",
    "polling attempt, milestone, check transition, phase edge, readiness, gap or end, in time order within a start",
    (
        *_OF_START,
        _text("unit", "systemd unit of the start", "start.unit", from_log=True),
        _seconds("t_lower_s", f"earliest moment it can have happened, since began_at ({_OPEN})", "item.window.lower"),
        _seconds(
            "t_upper_s",
            f"latest moment; for a line with a timestamp the end of what that covers ({_OPEN})",
            "item.window.upper",
        ),
        _instant("time_lower", "t_lower_s as a time; missing when the log holds no date", _moment("item.window.lower")),
        _instant("time_upper", "t_upper_s as a time", _moment("item.window.upper")),
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
        _text(
            "detail",
            "failing checks of the poll, text of the line, reason of the end",
            _with("item.detail", lambda text: text or None),
            from_log=True,
        ),
        _flag("printed", "true: a line says so; false: inferred"),
        _text(
            "lower_kind",
            "what t_lower_s rests on: observed, grid, witness, process, none",
            _with("item.window.lower_kind", str),
        ),
        _text("upper_kind", "what t_upper_s rests on", _with("item.window.upper_kind", str)),
        _count("source", _SOURCE.meaning, _with("item.where", itemgetter(0))),
        _count("line", "the line that shows it, else the one behind the upper end", _with("item.where", itemgetter(1))),
    ),
    events,
)

POLLS = Table(
    "polls",
    "polling attempt from the first printed one on, in time order; the last of a start is its success",
    (
        *_OF_START,
        _count("attempt", "number of the attempt within the start, from 1", "number"),
        _seconds("at_s", "timestamp of the line (when the answer was read), or the tick of an attempt without a line"),
        _instant("time", "at_s as a time", _moment("item.at_s")),
        _flag("printed", "true: a line of its own; false: implied by the grid, or the success"),
        _text("error", "error class; missing for the success"),
        _text("severity", "transient, suspect or fatal"),
        _count("http_status", "status code, when there was an answer"),
        _text("failing", "checks that failed, separated by spaces", _joined("item.failing"), from_log=True),
        _text(
            "unseen",
            "checks the answer does not speak of although the server has them",
            _joined("item.unseen"),
            from_log=True,
        ),
        _count("n_failing", "number of failing checks", _with("item.failing", len)),
        _flag("cut", "true: the answer's text was cut, so the list is not complete"),
        _SOURCE,
        _count("line", "the line; missing for an implied attempt"),
    ),
    attrgetter("polls"),
)

_CHECK_COLUMNS = (
    _text("final", "state at the last evidence: ok, failing, unseen"),
    _flag("seen_failing", "true: some line shows it failing"),
    *_window_columns("cleared_", "its last change to ok before ready happened", "item.cleared"),
    _seconds("estimate_s", "likeliest moment of the change; never takes part in a verdict"),
    _text("estimate_basis", "the rule behind the estimate"),
    *_span_columns("exclusive", "time between serving and ready in which it alone was failing, at least", "… at most"),
    *_span_columns("saving", "how much earlier ready would have been had it been instant, at least", "… at most"),
    _text("last_blocker", "was it the last to clear: certain, possible, no"),
    _text("reasons", "reasons the answers gave, separated by '; '", _joined("item.reasons", "; "), from_log=True),
    _count("source", _SOURCE.meaning, "item.cleared.source"),
)

CHECKS = Table(
    "checks",
    "start and readyz check of which the log says anything",
    (*_OF_START, _text("check", "full name as /readyz lists it", "item.name", from_log=True), *_CHECK_COLUMNS),
    attrgetter("checks"),
)

HOOKS = Table(
    "hooks",
    "start and post-start hook (the rows of checks whose name begins with poststarthook/)",
    (
        *_OF_START,
        _text(
            "hook",
            "name without poststarthook/",
            _with("item.name", lambda name: name.removeprefix(HOOK)),
            from_log=True,
        ),
        *_CHECK_COLUMNS,
    ),
    lambda start: (check for check in start.checks if check.name.startswith(HOOK)),
)

PHASES = Table(
    "phases",
    "start and phase of its time budget, in time order; phases have no gaps and do not overlap",
    (
        *_OF_START,
        _text(
            "phase",
            "boot (before the start), extract, server, datastore, certificates, containerd, images, apiserver_boot, "
            "hooks, polling_tax, startup_hooks, node, node_ready; several joined with + where no line divides them",
            "item.id",
        ),
        *_window_columns("begin_", "it began", "item.begin"),
        *_window_columns("end_", "it ended", "item.end"),
        *_span_columns("duration", "it lasted at least", f"it lasted at most ({_OPEN})"),
        _count("source", _SOURCE.meaning, "item.end.source"),
    ),
    attrgetter("phases"),
)


def _is_before(place: _Place) -> bool:
    return any(place.item is stone for stone in place.start.before)


GOALS = Table(
    "goals",
    "start and goal that it can have",
    (
        *_OF_START,
        _text("goal", "api, started, images, node, node_ready, server (the one that an agent asked)", "item.id"),
        _text("state", "reached, not_reached (it ended without, or the log proves that it had not come), unknown"),
        *_window_columns("", "it was reached", "item.window"),
        _instant("time_lower", "lower_s as a time; missing when the log holds no date", _moment("item.window.lower")),
        _instant("time_upper", "upper_s as a time", _moment("item.window.upper")),
        _count("source", _SOURCE.meaning, "item.window.source"),
    ),
    attrgetter("goals"),
)

MILESTONES = Table(
    "milestones",
    "named line of a start, in time order; also those of the machine's boot before it",
    (
        *_OF_START,
        _text("milestone", "id of the milestone", "item.id"),
        _seconds("at_s", "timestamp of the line; negative before the start; missing when it has none"),
        _instant("time", "at_s as a time; missing when the log holds no date", _moment("item.at_s")),
        _flag("before", "true: of the kernel or systemd, before the unit was started", _is_before),
        _text("text", "the line's message", from_log=True),
        _SOURCE,
        _count("line", "the line"),
    ),
    lambda start: (*start.before, *start.milestones),
)

FINDINGS = Table(
    "findings",
    "finding of a start, the most important first",
    (
        *_OF_START,
        _text("finding", "id of the finding", "item.id"),
        _text("severity", "critical, warning, info"),
        _text("title", "what it is, in a few words", from_log=True),
        _text("detail", "what was seen", from_log=True),
        _text("advice", "what to do", from_log=True),
        _count("line", "the first line behind it", _with("item.lines", lambda lines: lines[0] if lines else None)),
        _text("lines", "all of them, separated by spaces", _with("item.lines", _numbers)),
        _SOURCE,
    ),
    attrgetter("findings"),
)

GAPS = Table(
    "gaps",
    "stretch of a start in which the log is silent or lost lines, or step of its clock",
    (
        *_OF_START,
        _text("gap", "silent, lost, boot, clock_step", "item.kind"),
        _seconds("begin_s", "it began"),
        _seconds("end_s", "it ended; the same for a step of the clock"),
        _instant("time", "begin_s as a time; missing when the log holds no date", _moment("item.begin_s")),
        _text("detail", "what the log says of it", _with("item.detail", lambda text: text or None), from_log=True),
        _SOURCE,
        _count("line", "the line that shows it"),
    ),
    attrgetter("gaps"),
)


def _path(place: _Place) -> str | None:
    sources, number = place.report.sources, place.start.source
    return sources[number].path if number < len(sources) else None


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _findings(severity: str) -> Callable[[Any], Any]:
    return _with("item.findings", lambda findings: sum(found.severity == severity for found in findings))


STARTS = Table(
    "starts",
    "start: one run of one k3s or RKE2 process on one host and unit",
    (
        _START,
        _KEY,
        _text("path", "the input it was found in", _path, from_log=True),
        _HOST,
        _text("unit", "systemd unit", from_log=True),
        _count("pid", "process id"),
        _text("boot_id", "boot id of the journal", from_log=True),
        _text("invocation_id", "invocation id of the journal", from_log=True),
        _text("product", "k3s, rke2, unknown"),
        _text("role", "server, agent, unknown"),
        _VERSION,
        _text("commit", "commit, from the banner", from_log=True),
        _instant(
            "began_at",
            "zero of all seconds of this start; missing when the log holds no date",
            _with("item.began_at", _utc),
        ),
        _instant(
            "ended_at",
            "when the process ended; missing when the log does not show it",
            _with("item.ended_at", _utc),
        ),
        _text(
            "utc_offset", "zone in which the log shows times; missing: unknown", "item.clock.utc_offset", from_log=True
        ),
        _flag("begin_seen", "false: the log begins in the middle of the start"),
        _flag("fresh", "true: it made the cluster, with an empty datastore; missing: the log does not tell"),
        _text("clock_basis", "what the times rest on: monotonic, journal, logrus, klog, elapsed", "item.clock.basis"),
        _seconds("clock_precision_s", "precision of the timestamps", "item.clock.precision_s"),
        _count("clock_steps", "jumps of the wall clock within the start", "item.clock.steps"),
        _text("outcome", "ready, failed, stopped, incomplete"),
        _text("outcome_reason", "the message that explains a failure or stop", from_log=True),
        _text("end", "what became of the process: running, stopped, failed", "item.end.kind"),
        _seconds("end_at_s", "when it ended", "item.end.at_s"),
        *_window_columns("ready_", "the API was ready", "item.ready"),
        *_window_columns("detected_", "k3s got its successful answer", "item.detected"),
        *_span_columns("polling_tax", "detected − ready, at least", "… at most"),
        _text("poller", "shared-2s, legacy-4x1s, legacy-30s, unknown", "item.poller.kind"),
        _seconds("interval_s", "polling interval", "item.poller.interval_s"),
        _flag("prints_polls", "whether this release prints its polls", "item.poller.prints_polls"),
        _count("polls_printed", "poll lines in the log", "item.poller.printed"),
        _count("polls_implied", "attempts between them that were not printed", "item.poller.implied"),
        _text(
            "bottleneck",
            "checks that may have been the last, separated by spaces",
            _joined("item.bottleneck.checks"),
            from_log=True,
        ),
        _text("bottleneck_certainty", "certain, possible, none", "item.bottleneck.certainty"),
        _count("findings_critical", "number of critical findings", _findings("critical")),
        _count("findings_warning", "number of warnings", _findings("warning")),
        _SOURCE,
    ),
    lambda start: (start,),
)

# --- of several starts, and of several hosts

EPISODES = Table(
    "episodes",
    "episode: consecutive starts of one unit on one host, until it stays up or is asked to stop",
    (
        _count("episode", "index of the episode, from 1", "item.index"),
        replace(_KEY, meaning="key of its first start"),
        _text("host", "host name", from_log=True),
        replace(_VERSION, meaning="release of its first start"),
        _text("unit", "systemd unit", from_log=True),
        _instant("began_at", "start of the first try", _with("item.began_at", _utc)),
        _text("outcome", "ready, failed, stopped, ongoing"),
        _count("tries", "number of starts"),
        _count("first_start", "index of the first start", _with("item.starts", itemgetter(0))),
        _count("last_start", "index of the last start", _with("item.starts", itemgetter(-1))),
        *_span_columns("took", "from the start of the first try to the goal: at least", f"at most ({_OPEN})"),
        _count("cause_start", "start whose finding is the cause", _with("item.cause", lambda c: c and c.start)),
        _text("cause", "id of that finding", _with("item.cause", lambda c: c and c.finding)),
        _text("cause_sentence", "the cause in a sentence", _with("item.cause", lambda c: c and c.sentence), True),
    ),
    of_report=lambda report: ((one.index, one, one.starts[0]) for one in all_episodes(report.starts)),
    start_column="first_start",
)

CLUSTERS = Table(
    "clusters",
    "wait of one host for another, in the order of the clusters' stories; seconds count from the beginning of the "
    "first start of the cluster's first server, on its clock",
    (
        _count("cluster", "number of the cluster, from 1", "number"),
        _text("host", "host that waited", "item.host", from_log=True),
        _text("waited_for", "host that it waited for; missing: not in these logs", "item.waited_for.host", True),
        _text("goal", "what of that host: api, etcd (its member is up), vote", "item.waited_for.goal"),
        replace(_START, meaning="index of the start that waited"),
        _KEY,
        _VERSION,
        *_span_columns("waited", "how long, on its own clock: at least", f"at most ({_OPEN})"),
        *_window_columns("over_", "the wait was over", "item.window"),
        _count("source", "index of the input the lines are in, from 0", "item.source"),
    ),
    of_report=lambda report: (
        (number, wait, wait.start) for number, cluster in enumerate(clusters_of(report), 1) for wait in cluster.story
    ),
)

TABLES = {
    t.name: t
    for t in (
        STARTS, EPISODES, CLUSTERS, FINDINGS, GOALS, PHASES, CHECKS, HOOKS, POLLS, MILESTONES, GAPS, TIMELINE,
    )
}  # fmt: skip

_STATS = ("delay_s", "requests", "detected_s", "ready_s", "ready_delayed_s", "server_cpu_s", "log_lines")


def _statistic(name: str, part: str) -> Column:
    unit = "s" if name.endswith("_s") else ""
    get = _with(f"item.{name}", lambda stat: None if stat is None else getattr(stat, part))
    return Column(f"{name}_{part}", f"{part} of {name} over the draws", get, dtype="float64", unit=unit)


def _against(part: str) -> Column:
    get = _with("item.vs_shared_2s", lambda pairs: getattr(pairs.get("detected_s"), part, None))
    return _seconds(f"vs_shared_2s_{part}", f"paired difference of detected_s against shared-2s: {part} (95 %)", get)


SIMULATION = Table(
    "simulation",
    "policy of a simulation, over all draws",
    (
        _text("policy", "name of the policy"),
        _count("draws", "worlds it was replayed in"),
        _count("undetected", "of these: worlds in which it did not notice readiness"),
        *(_statistic(name, part) for name in _STATS for part in ("mean", "p50", "p95", "max")),
        *(_against(part) for part in ("mean", "low", "high")),
    ),
)


# --- rows and frames ------------------------------------------------------------------------------------------------


def _rows(table: Table, places: Iterable[_Place]) -> list[Row]:
    readers = {column.name: column.read for column in table.columns}
    return [{name: read(place) for name, read in readers.items()} for place in places]


def rows(name: str, report: Report, starts: Sequence[StartReport] | None = None) -> list[Row]:
    """The rows of table ``name`` as dicts in schema order, missing values ``None``; ``KeyError`` for no such table.

    With ``starts`` those of these starts; episodes and waits between hosts are those of the whole report all the same.
    """
    return _rows(TABLES[name], _places(TABLES[name], report, report.starts if starts is None else starts))


def _places(table: Table, report: Report, starts: Sequence[StartReport]) -> Iterator[_Place]:
    if table.of_report is not None:
        by_index = {start.index: (start, start_key(start)) for start in report.starts}
        for number, item, index in table.of_report(report):
            if index not in by_index:  # of a report that was read back and holds some of its starts only
                continue
            yield _Place(item, number, *by_index[index], report)
        return
    for start in starts:
        key = start_key(start)
        for number, item in enumerate(table.items(start), 1):
            yield _Place(item, number, start, key, report)


def _frame(table: Table, made: list[Row]) -> pd.DataFrame:
    import pandas as pd

    columns = {c.name: pd.Series([row[c.name] for row in made], dtype=c.dtype) for c in table.columns}
    return pd.DataFrame(columns, columns=table.names)


def build(name: str, report: Report, starts: Sequence[StartReport] | None = None) -> pd.DataFrame:
    """Table ``name`` as a DataFrame with exactly the columns and dtypes of its schema, also when it has no rows."""
    return _frame(TABLES[name], rows(name, report, starts))


# One table each, by its name: ``frames.checks(report)`` is ``frames.build("checks", report)``.
timeline, polls, checks = partial(build, "timeline"), partial(build, "polls"), partial(build, "checks")
hooks, phases, starts = partial(build, "hooks"), partial(build, "phases"), partial(build, "starts")
goals, milestones, gaps = partial(build, "goals"), partial(build, "milestones"), partial(build, "gaps")
findings, episodes, clusters = partial(build, "findings"), partial(build, "episodes"), partial(build, "clusters")


def simulation(answer: Simulation) -> pd.DataFrame:
    """One row per policy of ``answer``."""
    nothing: Any = None
    places = (_Place(item, 0, nothing, nothing, nothing) for item in answer.policies)
    return _frame(SIMULATION, _rows(SIMULATION, places))


def described(table: Any) -> list[str]:
    """A table's columns in Markdown: a heading, what a row is, a row for each column."""
    return [
        *("", f"## {table.name}", "", f"One row per {table.row}.", ""),
        *("| column | dtype | unit | meaning |", "|---|---|---|---|"),
        *(f"| `{c.name}`{' †' if c.from_log else ''} | {c.dtype} | {c.unit} | {c.meaning} |" for c in table.columns),
    ]


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
        lines += described(table)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
