"""Reads what ``fleet --save`` wrote: column by column, a batch of rows at a time.

The files are not believed: a damaged one, one with other columns, or numbers that cannot be, is a ``BadInputError``
that names it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from analyzer.collection.doubles import Met
from analyzer.collection.manifest import files, manifest_of
from analyzer.collection.model import Collection, InputRow, Labels, Metric, StartRow
from analyzer.collection.tables import LABEL, PARTITION, UNKNOWN, schema_of
from analyzer.errors import BadInputError, printable

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Whole = npt.NDArray[np.int64]

MOST_STARTS = 5_000_000
MOST_METRICS = 100 * MOST_STARTS
_BATCH = 131_072  # rows
_LATER = frozenset({"fresh"})  # columns that the first folders do not have
_INDEX_BITS = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_T = TypeVar("_T")
Keeps = Callable[[StartRow], bool]


def read_saved(folder: str | os.PathLike[str], where: Keeps | None = None) -> Collection:
    """The collection in a folder that ``fleet --save`` wrote, in the order of its inputs; of a start that two
    inputs hold the first stays, and of those the ones that ``where`` keeps.

    Raises:
        BadInputError: it was not made by ``fleet --save``, is of another version, or is damaged.
    """
    place = Path(folder)
    labels = manifest_of(place).labels
    inputs = [row for row, _ in read_inputs(place)]
    at = {row.input: number for number, row in enumerate(inputs)}
    starts = _read_starts(place, labels, at)
    order = np.argsort(starts.places, kind="stable")
    if len(order) and not np.all(np.diff(starts.places[order])):
        raise BadInputError(f"{printable(str(place))}/starts has a start twice", hint=_HINT)
    _check_whole(place, inputs, starts.places)
    kept, repeated = _once(starts.rows, order)
    if where is not None:
        kept = [number for number in kept if where(starts.rows[number])]
    rows = tuple([starts.rows[number] for number in kept])
    metrics = _read_metrics(place, at, starts.places[np.array(kept, dtype=np.int64)])
    return Collection(rows, metrics, tuple(inputs), repeated)


def _check_whole(folder: Path, inputs: Sequence[InputRow], places: Whole) -> None:
    """A release whose file was not copied would be missed by nobody."""
    counts = np.bincount(places >> _INDEX_BITS, minlength=len(inputs))
    lacking = next((row for row, there in zip(inputs, counts, strict=True) if there < row.starts), None)
    if lacking is not None:
        said = f"{printable(str(folder))}/starts is not whole: starts of {printable(lacking.input)} are missing"
        raise BadInputError(said, hint="Copy all of the folder, or read the logs again, with --save and another folder")


def read_inputs(folder: Path) -> list[tuple[InputRow, Labels]]:
    """The inputs of a dataset, each with its labels; raises ``BadInputError``."""
    labels = manifest_of(folder).labels
    found: list[tuple[InputRow, Labels]] = []
    for path, batch in _batches(folder, "inputs", labels):
        with _blaming(folder, path):
            numbers = (_as(batch[name], "Int64").tolist() for name in ("size", "mtime_ns", "starts"))
            name, *why = (_texts(batch[name], str, "") for name in ("input", "error", "error_kind"))
            made = [InputRow(*values) for values in zip(name, *numbers, *why, strict=True)]
            own = {LABEL + label: _texts(batch[LABEL + label], str, None) for label in labels}
            found += zip(made, _labels(own, labels, len(made)), strict=True)
    if len({row.input for row, _ in found}) < len(found):
        raise BadInputError(f"{printable(str(folder))}/inputs has an input twice", hint=_HINT)
    return found


def columns_without(path: Path, inputs: set[str]) -> pa.Table | None:
    """The rows of a file but those of some inputs; ``None`` where it has none of these. Raises ``BadInputError``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    with _blaming(path.parent, Path(path.name)), _opened(path) as file:
        kept = file.read()
        there = pc.is_in(kept["input"], value_set=pa.array(sorted(inputs), pa.string()))
        return kept.filter(pc.invert(there)) if pc.any(there).as_py() else None


# ---------------------------------------------------------------- files

_HINT = "Read the logs again, with --save and another folder"


@contextlib.contextmanager
def _blaming(folder: Path, path: Path) -> Iterator[None]:
    """Whatever is wrong with a file as one error that names it."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, OverflowError) as error:
        said = str(error).split("\n", 1)[0][:120]
        raise BadInputError(f"{printable(str(folder / path))} is damaged: {printable(said)}", hint=_HINT) from error


@contextlib.contextmanager
def _opened(path: Path, dictionaries: Sequence[str] = ()) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with path.open("rb") as stream:
        yield pq.ParquetFile(stream, read_dictionary=list(dictionaries), page_checksum_verification=True)


def _batches(
    folder: Path, table: str, labels: tuple[str, ...] = (), wanted: Sequence[str] = (), most: int = MOST_STARTS
) -> Iterator[tuple[Path, Any]]:
    """The rows of a table, a batch at a time, each with its file; ``wanted`` columns have texts as dictionaries."""
    schema = schema_of(table, labels)
    names = list(wanted) or schema.names
    texts = [name for name in wanted if _is_text(schema, name)]
    rows = 0
    for path in files(folder):
        if path.parts[0] != table:
            continue
        with _blaming(folder, path), _opened(folder / path, texts) as file:
            there = set(file.schema_arrow.names)
            if missing := set(names) - there - _LATER:
                raise ValueError(f"it has no column {min(missing)}")
            rows += file.metadata.num_rows
            if rows > most:
                raise ValueError("it has too many rows")
            own = [name for name in names if name in there]
            for batch in file.iter_batches(batch_size=_BATCH, columns=own):
                yield path, _completed(batch, schema, [name for name in names if name not in there])


def _completed(batch: Any, schema: pa.Schema, missing: Sequence[str]) -> Any:
    """With the columns that folders of before do not have, empty."""
    import pyarrow as pa

    for name in missing:
        batch = batch.append_column(name, pa.nulls(batch.num_rows, schema.field(name).type))
    return batch


def _is_text(schema: pa.Schema, name: str) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(schema.field(name).type))


def _as(column: Any, kind: str) -> npt.NDArray[Any]:
    """A column of numbers; what is missing is not a number, and of whole numbers an error."""
    import pyarrow as pa

    if kind == "Int64":
        if column.null_count:
            raise ValueError("a number is missing")
        return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False))
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _coded(column: Any) -> tuple[list[str | None], Whole]:
    """The different texts of a column, and which of them each row has; the last is ``None``, for rows without."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    texts = column.dictionary.cast(pa.string()).to_pylist()
    codes = column.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False).astype(np.int64)
    return [*texts, None], codes


def _places(batch: Any, at: dict[str, int]) -> Whole:
    """Input and index of each row as one number, which ascends in the order of the inputs and of their starts."""
    texts, codes = _coded(batch["input"])
    numbers = np.array([at.get(text, -1) if text is not None else -1 for text in texts], dtype=np.int64)
    index = _as(batch["start"], "Int64")
    if len(index) and (index.min() < 0 or index.max() >= 1 << (_INDEX_BITS - 1)):
        raise ValueError("an index of a start is out of range")
    of_rows = numbers[codes]
    if len(of_rows) and of_rows.min() < 0:
        raise ValueError("it has rows of an input that is not in inputs")
    places: Whole = (of_rows << _INDEX_BITS) | index
    return places


# ---------------------------------------------------------------- starts

_TEXTS = ("input", "host", "unit", "version", "product", "role", "outcome", "end", "reason", "cause", "cause_words")
_NEVER_MISSING = frozenset(("input", "product", "role", "outcome", "end", "reason", "cause", "cause_words"))


@dataclass(slots=True)
class _Starts:
    rows: list[StartRow] = field(default_factory=list)
    places: Whole = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def _read_starts(folder: Path, labels: tuple[str, ...], at: dict[str, int]) -> _Starts:
    found, places, shared = _Starts(), [], _Shared()
    wanted = (
        *_TEXTS, "start", "key", "began_at", "precision_s", "findings", "line", "pid", "fresh",
        "begin_seen",
        *(LABEL + name for name in labels),
    )  # fmt: skip
    for path, batch in _batches(folder, "starts", labels, wanted):
        with _blaming(folder, path):
            places.append(_places(batch, at))
            found.rows += _start_rows(batch, _release(path), labels, shared)
    if places:
        found.places = np.concatenate(places)
    return found


def _release(path: Path) -> str | None:
    release = path.parts[1].removeprefix(f"{PARTITION}=")
    return None if release == UNKNOWN else release


class _Shared:
    """Equal texts and tuples as one object each."""

    def __init__(self) -> None:
        self._seen: dict[Any, Any] = {}

    def __call__(self, value: _T) -> _T:
        return self._seen.setdefault(value, value)  # type: ignore[no-any-return]


def _start_rows(batch: Any, release: str | None, labels: tuple[str, ...], shared: _Shared) -> list[StartRow]:
    import pyarrow as pa

    count = batch.num_rows
    texts = {name: _texts(batch[name], shared, "" if name in _NEVER_MISSING else None) for name in _TEXTS}
    lines = batch["line"].to_pylist()
    columns = zip(
        texts["input"],
        _as(batch["start"], "Int64").tolist(),
        _texts(batch["key"], lambda text: text, ""),
        texts["host"],
        texts["unit"],
        texts["version"],
        [release] * count,
        texts["product"],
        texts["role"],
        texts["outcome"],
        _moments(batch["began_at"]),
        np.nan_to_num(_as(batch["precision_s"], "float64")).tolist(),
        texts["end"],
        texts["reason"],
        texts["cause"],
        texts["cause_words"],
        _findings(batch["findings"], shared),
        lines,
        _labels({LABEL + name: _texts(batch[LABEL + name], shared, None) for name in labels}, labels, count, shared),
        batch["pid"].cast(pa.int64()).to_pylist(),
        batch["fresh"].cast(pa.bool_()).to_pylist(),
        batch["begin_seen"].cast(pa.bool_()).fill_null(False).to_pylist(),
        strict=True,
    )
    return [StartRow(*values) for values in columns]


def _texts(column: Any, shared: Callable[[Any], Any], missing: str | None) -> list[Any]:
    texts, codes = _coded(column)
    known = [missing if text is None else shared(text) for text in texts]
    return [known[code] for code in codes.tolist()]


def _moments(column: Any) -> list[datetime | None]:
    import pyarrow as pa

    known = column.is_valid().to_pylist()
    micros = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).fill_null(0).to_pylist()
    return [_EPOCH + timedelta(microseconds=at) if there else None for at, there in zip(micros, known, strict=True)]


def _findings(column: Any, shared: Callable[[Any], Any]) -> list[tuple[tuple[str, str], ...]]:
    """``severity:id`` as pairs of id and severity."""
    import pyarrow as pa

    column = column.cast(pa.list_(pa.string()))
    lengths = [n or 0 for n in column.value_lengths().to_pylist()]
    texts, codes = _coded(column.flatten())
    pairs = []
    for text in texts:
        severity, _, id = (text or "").partition(":")
        pairs.append(shared((id, severity)))
    flat = [pairs[code] for code in codes.tolist()]
    found, first = [], 0
    for length in lengths:
        found.append(shared(tuple(flat[first : first + length])))
        first += length
    return found


def _labels(
    columns: dict[str, list[Any]],
    names: tuple[str, ...],
    count: int,
    shared: Callable[[Any], Any] = lambda value: value,
) -> list[Labels]:
    if not names:
        return [()] * count
    rows = zip(*(columns[LABEL + name] for name in names), strict=True)
    return [shared(tuple((name, v) for name, v in zip(names, row, strict=True) if v is not None)) for row in rows]


def _once(rows: Sequence[StartRow], order: Whole) -> tuple[list[int], int]:
    """The rows in order without those that an earlier one is of as well, and how many these are."""
    met = Met()
    kept = [number for number in order.tolist() if not met.again(rows[number])]
    return kept, len(order) - len(kept)


# ---------------------------------------------------------------- metrics


def _read_metrics(folder: Path, at: dict[str, int], places: Whole) -> dict[str, Metric]:
    """The metrics of the starts at ``places``, which ascend."""
    ids: dict[str, int] = {}
    parts: list[tuple[Any, ...]] = []
    wanted = ("input", "start", "metric", "min", "max")
    for path, batch in _batches(folder, "metrics", (), wanted, MOST_METRICS):
        with _blaming(folder, path):
            of_rows = _places(batch, at)
            found = np.searchsorted(places, of_rows)
            stays = found < len(places)
            stays[stays] = places[found[stays]] == of_rows[stays]
            texts, codes = _coded(batch["metric"])
            known = np.array([ids.setdefault(text or "", len(ids)) for text in texts[:-1]] + [-1], dtype=np.int32)
            id = known[codes]
            stays &= id >= 0
            least, most = _bounds(batch)
            parts.append((id[stays], found[stays].astype(np.int32), least[stays], most[stays]))
    if not parts:
        return {}
    id, start, least, most = (np.concatenate(column) for column in zip(*parts, strict=True))
    parts.clear()
    order = np.lexsort((start, id))
    id, start = id[order], start[order]
    ends = np.searchsorted(id, np.arange(len(ids) + 1))
    made = {}
    for name in sorted(ids):
        own = slice(ends[ids[name]], ends[ids[name] + 1])
        if own.start < own.stop:
            made[name] = _metric(start[own], least[order[own]], most[order[own]])
    return made


def _bounds(batch: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Least and most; what is not a window tells nothing."""
    least, most = _as(batch["min"], "float64"), _as(batch["max"], "float64")
    most = np.where(np.isnan(most), np.inf, most)
    windows = (least >= 0) & (least <= most) & (least < np.inf)
    return np.where(windows, least, 0.0), np.where(windows, most, np.inf)


def _metric(at: Any, least: Any, most: Any) -> Metric:
    first = np.concatenate(([True], np.diff(at) > 0))  # a start has a metric once
    columns = (at[first], least[first], most[first])
    for values in columns:
        values.flags.writeable = False
    return Metric(*columns)
