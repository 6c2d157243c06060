"""The work on one input, in whatever process it runs: read, analyse, reduce to rows. Nothing else stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from analyzer.collection.model import Bounds, InputRow, InputSpec, StartRow
from analyzer.collection.time_limit import TooLongError, limited
from analyzer.errors import BadInputError, K3slogError, NoDataError, printable
from analyzer.events.redaction import mask_secrets

if TYPE_CHECKING:
    from analyzer.collection.stand_ins import StandIns
    from analyzer.records.log_records import LogRecords
    from analyzer.results import Report

_LONGEST = 300  # characters of an error
# What is noted of an input that ends before its end.
_CUT_SHORT = re.compile(
    r"the input is damaged|reading stopped|the journal (?:is cut off|cannot be read)"
    r"|[^\n]{1,4096}?: reading .{1,4096}? stopped: "
)


@dataclass(frozen=True, slots=True)
class WorkOptions:
    """What every worker needs to know; must be picklable.

    ``tables``: the rows for ``--save`` are wanted as well (Arrow streams). ``limit_s``: time for one input.
    ``memory_bytes``: address space of a worker, ``None``: no limit. ``grace_s``: so long after its time an input that
    cannot be interrupted ends its worker. ``stand_ins``: names are hidden before anything leaves the worker.
    """

    tables: bool = False
    limit_s: float = 120.0
    memory_bytes: int | None = None
    stand_ins: StandIns | None = None
    grace_s: float = 5.0


@dataclass(frozen=True, slots=True)
class InputResult:
    """An input reduced to rows; ``metrics[n]`` belongs to ``starts[n]``.

    ``tables``: name of a saved table -> its rows as an Arrow IPC stream, with ``--save``.
    """

    spec: InputSpec
    row: InputRow
    starts: tuple[StartRow, ...] = ()
    metrics: tuple[dict[str, Bounds], ...] = ()
    tables: dict[str, bytes] = field(default_factory=dict)


def chunk(specs: Sequence[InputSpec], options: WorkOptions) -> list[InputResult]:
    """The results of some inputs in the same order; what an executor is given to do."""
    return [one(spec, options) for spec in specs]


def one(spec: InputSpec, options: WorkOptions) -> InputResult:
    """An input reduced to rows. Whatever is wrong with it is told in its row, never raised."""
    return shown(guarded(spec, options, lambda: _result(spec, options)), options)


def shown(result: InputResult, options: WorkOptions) -> InputResult:
    """The result with the input's name and labels hidden where names are to be."""
    hidden = options.stand_ins
    if hidden is None or result.row.input != result.spec.name:
        return result
    told = replace(result.spec, labels=hidden.spec(result.spec).labels)  # its name says which input it is a result of
    return replace(result, row=hidden.row(result.row, result.spec), spec=told)


def guarded(spec: InputSpec, options: WorkOptions, work: Callable[[], InputResult]) -> InputResult:
    """What ``work`` gives for an input, or its failure as a row; within the limits of time of ``options``."""
    try:
        return limited(work, options.limit_s, options.grace_s)
    except TooLongError:
        return failed(spec, "too_long", f"not read to its end within {options.limit_s:g} s")
    except MemoryError:
        return failed(spec, "memory", "it needs more memory than a worker may have")
    except NoDataError as error:
        return failed(spec, "no_data", error.one_line())
    except K3slogError as error:
        return failed(spec, "unreadable", error.one_line())
    except Exception as error:
        if isinstance(error, RuntimeError) and "start new thread" in str(error):  # its stack takes memory as well
            return failed(spec, "memory", "it needs more memory than a worker may have")
        return failed(spec, "unreadable", f"it cannot be analysed ({type(error).__name__}: {error})")


def failed(spec: InputSpec, kind: str, sentence: str) -> InputResult:
    """An input of which nothing could be read."""
    return InputResult(spec, _input_row(spec, 0, kind, sentence))


def _input_row(spec: InputSpec, starts: int, kind: str = "", sentence: str = "") -> InputRow:
    return InputRow(spec.name, spec.size, spec.mtime_ns, starts, _one_line(sentence), kind)


def _one_line(sentence: str) -> str:
    line = printable(" ".join(mask_secrets(sentence).split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


# --- one input


def _result(spec: InputSpec, options: WorkOptions) -> InputResult:
    from analyzer.collection.inputs import kind_of
    from analyzer.collection.rows import reduced

    report, wrong = _saved(spec) if kind_of(spec) == "report" else _logs(spec)
    told = spec
    if options.stand_ins is not None:
        report, told = options.stand_ins.report(report, spec), options.stand_ins.spec(spec)
    starts, metrics = reduced(report, told)
    row = _input_row(spec, len(starts), "unreadable" if wrong else "", wrong)
    result = InputResult(spec, row, starts, metrics)
    if not options.tables:
        return result
    from analyzer.collection.tables import streams

    return replace(result, tables=streams(report, told, starts, metrics))


def _saved(spec: InputSpec) -> tuple[Report, str]:
    from analyzer.collection.inputs import open_report
    from analyzer.collection.saved_report import load_report

    with open_report(spec) as opened:
        return load_report(opened), ""


def _logs(spec: InputSpec) -> tuple[Report, str]:
    """The report on a log and what of it could not be read; raises where that is all of it."""
    from analyzer import pipeline
    from analyzer.collection.inputs import STDIN, readable, standard_input

    stdin = standard_input() if STDIN in spec.files else None
    log_records, waits, errors = pipeline.read(readable(spec), stdin)
    if errors and not log_records.sources and not waits:
        raise errors[0]
    wrong = [error.one_line() for error in errors] + _cut_short(log_records)
    try:
        report = pipeline.report_on(log_records, waits, evidence=False)
    except NoDataError:
        if wrong:  # what could not be read may have held it
            raise BadInputError(_several(wrong)) from None
        raise
    return report, _several(wrong)


def _several(wrong: Sequence[str]) -> str:
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"{wrong[0]}{more}" if wrong else ""


def _cut_short(log_records: LogRecords) -> list[str]:
    """What the reader notes of inputs that it could read only in part."""
    told = []
    for source, notes in sorted(log_records.notes.items()):
        path = log_records.sources[source].path
        for note in notes:
            if _CUT_SHORT.match(note):
                told.append(note if note.startswith(path) else f"{path}: {note}")
    return told
