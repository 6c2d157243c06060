"""The tables that ``fleet --save`` keeps: their columns, and the rows of one input as Arrow streams.

Each is a table of :mod:`analyzer.frames` with where the start came from beside it. ``metrics`` holds what the summary
is made of, a row for each metric of a start, and is what is read back. pyarrow is imported when rows are made.
``python -m analyzer.collection.tables`` prints ``docs/fleet-tables.md``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from analyzer import frames
from analyzer.collection.model import CHECK, GOAL_METRICS, Bounds, InputRow, InputSpec, Labels, StartRow
from analyzer.results import Report, StartReport
from analyzer.window import OPEN

if TYPE_CHECKING:
    import pyarrow as pa

LABEL = "label_"  # prefix of the columns with the user's labels
PARTITION = "kubernetes"  # the column that folders are named for; no file has it
UNKNOWN = "unknown"  # its value where a start's log does not name a release
_MINOR = re.compile(r"\d{1,3}\.\d{1,3}")
_STRINGS = "list<string>"

Row: TypeAlias = dict[str, Any]
_Metrics: TypeAlias = Mapping[str, Bounds]


@dataclass(frozen=True, slots=True)
class SavedColumn:
    """A column: its dtype as in ``docs/frames.md`` (or ``list<string>``), its unit, whether a log wrote the text."""

    name: str
    meaning: str
    dtype: str = "string"
    unit: str = ""
    from_log: bool = False


@dataclass(frozen=True, slots=True)
class SavedTable:
    """A table of the dataset, in a folder of its own; its files lie in a folder for each minor of Kubernetes."""

    name: str
    row: str
    columns: tuple[SavedColumn, ...]
    by_release: bool = True


_INPUT = SavedColumn("input", "the input that it is of, as `inputs` names it", from_log=True)
_PLACE = (
    SavedColumn("key", "of the start, the same in every input", from_log=True),
    _INPUT,
    SavedColumn("start", "index of the start in its input, from 1", "Int64"),
)


def _seconds(name: str, meaning: str) -> SavedColumn:
    return SavedColumn(name, meaning, "float64", "s")


def _of_frame(name: str, *more: SavedColumn) -> SavedTable:
    """A table of ``frames``, with its input before and ``more`` behind its columns."""
    table = frames.TABLES[name]
    own = (SavedColumn(c.name, c.meaning, c.dtype, c.unit, c.from_log) for c in table.columns)
    return SavedTable(name, table.row, (_INPUT, *own, *more))


_GOALS = {goal: metric for goal, metric in GOAL_METRICS.items() if metric != "ready"}
_OF_GOALS = tuple(
    _seconds(f"{metric}_{end}_s", f"the goal `{goal}` was reached {where} this moment (missing: open end)")
    for goal, metric in _GOALS.items()
    for end, where in (("lower", "after"), ("upper", "at or before"))
)

STARTS = _of_frame(
    "starts",
    *_OF_GOALS,
    _seconds("precision_s", "of the timestamps that its windows rest on"),
    SavedColumn("reason", "why it failed, names and numbers of one host left out; missing: it did not", from_log=True),
    SavedColumn("cause", "id of the finding that leads"),
    SavedColumn("cause_words", "its title", from_log=True),
    SavedColumn("findings", "its findings, each `severity:id`", _STRINGS),
    SavedColumn("line", "the line behind the end of ready, or of the process", "Int64"),
)
CHECKS = _of_frame(
    "checks",
    _seconds("since_serving_min_s", "from serving to cleared, at least: the metric `check:NAME`"),
    _seconds("since_serving_max_s", "… at most (missing: open end)"),
)
PHASES, POLLS, FINDINGS = _of_frame("phases"), _of_frame("polls"), _of_frame("findings")
METRICS = SavedTable(
    "metrics",
    "start and metric that it has",
    (
        *_PLACE,
        SavedColumn("metric", "its name: a goal, a phase's id, `check:NAME` …", from_log=True),
        SavedColumn("min", "more than this", "float64", "s"),
        SavedColumn("max", "at most this (missing: nobody knows, or it never got there)", "float64", "s"),
    ),
)
INPUTS = SavedTable(
    "inputs",
    "input: a log with its rotations, a bundle, a set of journal files, a report",
    (
        SavedColumn("input", "its name; credentials masked", from_log=True),
        SavedColumn("size", "of its files together; 0: unknown", "Int64", "bytes"),
        SavedColumn("mtime_ns", "when the latest of its files was changed, since 1970; 0: unknown", "Int64", "ns"),
        SavedColumn("starts", "number of starts found in it", "Int64"),
        SavedColumn("error", "why it could not be read; missing: it was", from_log=True),
        SavedColumn("error_kind", "unreadable, no_data, too_long, killed, memory"),
    ),
    by_release=False,
)
TABLES = {table.name: table for table in (STARTS, CHECKS, PHASES, POLLS, FINDINGS, METRICS, INPUTS)}


def partition_of(kubernetes: str | None) -> str:
    """The value of the folder's name for a minor of Kubernetes: ``1.33``, else ``unknown``."""
    return kubernetes if kubernetes is not None and _MINOR.fullmatch(kubernetes) else UNKNOWN


@cache
def schema_of(name: str, labels: tuple[str, ...] = (), *, partition: bool = False) -> pa.Schema:
    """The Arrow schema of a table with the user's labels as columns; ``partition``: the release as a column, too."""
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "Int64": pa.int64(),
        "float64": pa.float64(),
        "boolean": pa.bool_(),
        "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
        _STRINGS: pa.list_(pa.string()),
    }
    columns = [(column.name, types[column.dtype]) for column in TABLES[name].columns]
    columns += [(LABEL + label, pa.string()) for label in labels]
    return pa.schema(columns + ([(PARTITION, pa.string())] if partition else []))


# ---------------------------------------------------------------- rows of one input


@dataclass(frozen=True, slots=True)
class _Kept:
    """A start with its row and its metrics."""

    report: StartReport
    row: StartRow
    metrics: _Metrics

    @property
    def beside(self) -> Row:
        """What every table says of the start, over what ``frames`` says."""
        row = self.row
        return {
            "key": row.key,
            "input": row.input,
            "start": row.index,
            "host": row.host,
            "version": row.version,
            PARTITION: partition_of(row.kubernetes),
        }


def streams(report: Report, spec: InputSpec, rows: Sequence[StartRow], metrics: Sequence[_Metrics]) -> dict[str, bytes]:
    """The rows of one input, by table: Arrow IPC streams with the schema of ``schema_of(…, partition=True)``.

    ``rows`` are of the starts of ``report`` that are kept, ``metrics[n]`` of ``rows[n]``. The columns of labels are
    those that the input has. ``inputs`` is not among them: its row is the parent's to write.
    """
    by_index = {start.index: start for start in report.starts}
    kept = [_Kept(by_index[row.index], row, own) for row, own in zip(rows, metrics, strict=True)]
    labels = dict(spec.labels)
    made = {name: _with_labels(_ROWS[name](report, kept), labels) for name in _ROWS}
    return {name: _stream(name, tuple(labels), of_it) for name, of_it in made.items()}


def input_table(rows: Sequence[InputRow], labels: Sequence[Labels], names: tuple[str, ...]) -> pa.Table:
    """The rows of ``inputs``; ``labels[n]`` are those of ``rows[n]``, ``names`` all that there are."""
    import pyarrow as pa

    told = [
        {
            "input": row.input,
            "size": row.size,
            "mtime_ns": row.mtime_ns,
            "starts": row.starts,
            "error": row.error or None,
            "error_kind": row.error_kind or None,
        }
        | {LABEL + name: value for name, value in own}
        for row, own in zip(rows, labels, strict=True)
    ]
    schema = schema_of("inputs", names)
    return pa.Table.from_arrays(_arrays(schema, told), schema=schema)


def _with_labels(rows: list[Row], labels: Mapping[str, str]) -> list[Row]:
    columns = {LABEL + name: value for name, value in labels.items()}
    return [row | columns for row in rows] if columns else rows


def _framed(
    name: str, more: Callable[[_Kept, Row], Row] | None = None
) -> Callable[[Report, Sequence[_Kept]], list[Row]]:
    """Makes the rows of a table of ``frames``."""

    def made(report: Report, kept: Sequence[_Kept]) -> list[Row]:
        by_index = {one.row.index: one for one in kept}
        beside = {index: one.beside for index, one in by_index.items()}
        rows = frames.rows(name, report, [one.report for one in kept])
        return [
            row | beside[row["start"]] | (more(by_index[row["start"]], row) if more is not None else {}) for row in rows
        ]

    return made


def _of_start(kept: _Kept, row: Row) -> Row:
    told = kept.row
    goals = {goal.id: goal.window for goal in kept.report.goals}
    ends: Row = {}
    for goal, metric in _GOALS.items():
        window = goals.get(goal, OPEN)
        ends |= {f"{metric}_lower_s": window.lower, f"{metric}_upper_s": window.upper}
    return ends | {
        "unit": told.unit,
        "product": told.product,
        "role": told.role,
        "outcome": told.outcome,
        "began_at": told.began_at,
        "end": told.end,
        "precision_s": told.precision_s,
        "reason": told.reason or None,
        "cause": told.cause or None,
        "cause_words": told.cause_words or None,
        "findings": [f"{severity}:{id}" for id, severity in told.findings],
        "line": told.line,
    }


def _of_check(kept: _Kept, row: Row) -> Row:
    bounds = kept.metrics.get(CHECK + row["check"])
    least, most = (None, None) if bounds is None else bounds
    return {"since_serving_min_s": least, "since_serving_max_s": _finite(most)}


def _metric_rows(report: Report, kept: Sequence[_Kept]) -> list[Row]:
    def rows() -> Iterator[Row]:
        for one in kept:
            beside = one.beside
            for name, (least, most) in one.metrics.items():
                yield beside | {"metric": name, "min": least, "max": _finite(most)}

    return list(rows())


def _finite(most: float | None) -> float | None:
    return None if most is None or math.isinf(most) else most


_ROWS: dict[str, Callable[[Report, Sequence[_Kept]], list[Row]]] = {
    "starts": _framed("starts", _of_start),
    "checks": _framed("checks", _of_check),
    "phases": _framed("phases"),
    "polls": _framed("polls"),
    "findings": _framed("findings"),
    "metrics": _metric_rows,
}


def _stream(name: str, labels: tuple[str, ...], rows: list[Row]) -> bytes:
    import pyarrow as pa

    schema = schema_of(name, labels, partition=True)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(_arrays(schema, rows), schema=schema))
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _arrays(schema: pa.Schema, rows: Sequence[Row]) -> list[pa.Array]:
    import pyarrow as pa

    made = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        try:
            made.append(pa.array(values, field.type))
        except UnicodeEncodeError:  # half a character, of bytes that were not UTF-8
            made.append(pa.array([_clean(value) for value in values], field.type))
    return made


def _clean(value: Any) -> Any:
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


# ---------------------------------------------------------------- the page


def markdown() -> str:
    """``docs/fleet-tables.md``."""
    lines = [
        "# The tables of `fleet --save`",
        "",
        "Made by `python -m analyzer.collection.tables`; a test checks that this file is current.",
        "",
        "`k3slog fleet COLLECTION… --save DIR` writes a Parquet dataset: a folder for each table, in it one for each",
        f"minor of Kubernetes (`{PARTITION}=1.33`, `{PARTITION}={UNKNOWN}` where a log does not name a release), in it",
        "the files. `inputs` is not divided. Everything that reads such datasets reads it as it is:",
        "",
        "```python",
        "pandas.read_parquet(\"DIR/starts\")",
        "```",
        "",
        "```sql",
        "SELECT kubernetes, median(ready_upper_s) FROM read_parquet('DIR/starts/**/*.parquet', hive_partitioning=true)",
        "GROUP BY ALL",
        "```",
        "",
        "Spark takes `1.30` for a number, and for `1.3`, unless",
        "`spark.sql.sources.partitionColumnTypeInference.enabled` is `false`.",
        "",
        f"Every table has `{PARTITION}` from its folders, and a column `{LABEL}NAME` for each label of yours. Rows of",
        "different tables belong together by `input` and `start`. A start that two inputs hold is in the tables twice,",
        "with one `key` if both logs name its invocation or none does; the summary counts it once. Numbers",
        "in seconds count from `began_at` of the start, unless they are lengths. A missing value is unknown, never",
        "zero. Text columns marked † hold text of logs: escape it before you show it.",
        "",
        "`_k3slog.json` names the version of these tables (`schema_version`) and the program.",
    ]  # fmt: skip
    for table in TABLES.values():
        lines += frames.described(table)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
