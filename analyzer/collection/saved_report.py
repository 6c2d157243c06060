"""Reads back what ``k3slog analyze --format json`` wrote.

Nothing of the file is believed: a wrong type, a number out of range or an index into sources that are not there is
one ``BadInputError`` of one line, which names the place. Fields that this version does not know are left out, so that
a later one may add some.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import IO, Any, Literal, NoReturn, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from analyzer.analysis.redact_report import redacted
from analyzer.errors import BadInputError, printable
from analyzer.events.redaction import mask_secrets
from analyzer.pipeline import source_fields
from analyzer.records.log_record import SourceInfo
from analyzer.results import (
    BlameChain,
    Cluster,
    Episode,
    LedgerCounts,
    Links,
    Report,
    StartReport,
    Told,
    ToldOfAll,
)
from analyzer.site import Site
from analyzer.window import SourceIndex

SCHEMA, SCHEMA_VERSION = "k3slog.report", 1
LIMIT_BYTES = 256 * 1024 * 1024
_HINT = "Give what `k3slog analyze --format json` writes"

# What a JSON report does not hold although a result type does: it is not believed from elsewhere.
_NOT_SAVED = (Site, Links, Told | None)
_WHOLE = 2**53  # numbers beyond it are not exact everywhere
_LARGEST = 4e9  # seconds: no clock steps further, and a moment with it added is still one
_YEARS = range(900, 9800)

# A value of the JSON and the number of sources in, the field out.
_Decoder: TypeAlias = Callable[[Any, int], Any]


class _Wrong(Exception):
    """What is wrong with a value, and the way to it, innermost first."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.way: list[str] = []

    def at(self, step: str) -> _Wrong:
        self.way.append(step)
        return self

    @property
    def where(self) -> str:
        return "".join(reversed(self.way)).lstrip(".") or "the whole"


def load_report(
    source: str | os.PathLike[str] | IO[bytes] | IO[str] | Mapping[str, Any], *, limit_bytes: int = LIMIT_BYTES
) -> Report:
    """The report in a JSON file (a path or an open stream), or in the object that was read from one.

    What the JSON does not hold is as of a log that does not tell it: no texts of polls, no lines of evidence, no links
    to other hosts. Keys, chains, episodes and clusters, which were worked out from these, are kept as they were told.

    Raises:
        BadInputError: it cannot be read, is larger than ``limit_bytes``, is of another schema or version, or is
            damaged.
    """
    name = _name(source)
    data = source if isinstance(source, Mapping) else _parsed(_read(source, name, limit_bytes), name)
    try:
        if not isinstance(data, Mapping):
            raise _Wrong("is not an object")
        return redacted(_report(data))
    except _Wrong as wrong:
        raise BadInputError(
            f"{name} is not a report that can be read: {wrong.where} {wrong.what}", hint=_HINT
        ) from None


def _name(source: Any) -> str:
    named = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    return mask_secrets(os.fsdecode(named)) if isinstance(named, str | os.PathLike) else "what was given"


def _read(source: Any, name: str, limit: int) -> bytes | str:
    try:
        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as stream:
                text: bytes | str = stream.read(limit + 1)
        else:
            text = source.read(limit + 1)
    except (OSError, ValueError) as error:  # a name with a null byte, a text that is not UTF-8, a closed stream
        said = getattr(error, "strerror", None) or str(error)
        raise BadInputError(f"{name} cannot be read: {printable(said)}", hint=_HINT) from error
    if len(text) > limit:
        raise BadInputError(f"{name} is larger than {limit >> 20} MB", hint="Analyse fewer starts into one report")
    return text


def _parsed(text: bytes | str, name: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        said = "it is nested too deeply"
    except ValueError as error:  # also bytes that are not text, and numbers of thousands of digits
        at = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
        said = (
            f"{at}{error.msg}"
            if isinstance(error, json.JSONDecodeError)
            else "it is not text, or a number in it is out of range"
        )
    raise BadInputError(f"{name} is not JSON: {said}", hint=_HINT)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def looks_like(head: bytes) -> bool:
    """Whether a file with these first bytes (a few hundred) may be such a report."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"{") and f'"{SCHEMA}"'.encode() in start


# ---------------------------------------------------------------- the whole


def _report(data: Mapping[str, Any]) -> Report:
    _check_schema(data)
    sources = _field(data, "sources", tuple[SourceInfo, ...], 0)
    count = len(sources)
    notes = _field(data, "notes", tuple[_Note, ...], count, ())
    return Report(
        tool_version=_field(data, "tool", _Tool, 0, _Tool()).version,
        sources=sources,
        ledger=_field(data, "ledger", LedgerCounts, count, LedgerCounts()),
        starts=_starts(data, count),
        notes=tuple((note.source, note.text) for note in notes),
        told=_told_of_all(data, count),
    )


@dataclass(frozen=True, slots=True)
class _Tool:
    version: str = ""


@dataclass(frozen=True, slots=True)
class _Note:
    source: SourceIndex
    text: str


def _check_schema(data: Mapping[str, Any]) -> None:
    schema, version = data.get("schema"), data.get("schema_version")
    if schema != SCHEMA:
        said = f"is {json.dumps(schema)[:60]}" if isinstance(schema, str) else "is missing"
        raise _Wrong(f"{said}, not {SCHEMA}").at(".schema")
    if type(version) is not int or version != SCHEMA_VERSION:
        said = f"is {version}" if type(version) is int and 0 <= version < 10**6 else "is missing or not a number"
        raise _Wrong(f"{said}; this program reads version {SCHEMA_VERSION}").at(".schema_version")


def _field(data: Mapping[str, Any], name: str, hint: Any, sources: int, default: Any = MISSING) -> Any:
    """A field of an object as what ``hint`` says."""
    if name not in data:
        if default is MISSING:
            raise _Wrong("is missing").at(f".{name}")
        return default
    try:
        return _decoder(hint)(data[name], sources)
    except _Wrong as wrong:
        raise wrong.at(f".{name}") from None


def _starts(data: Mapping[str, Any], sources: int) -> tuple[StartReport, ...]:
    starts: tuple[StartReport, ...] = _field(data, "starts", tuple[StartReport, ...], sources)
    if len({start.index for start in starts}) < len(starts):
        raise _Wrong("has an index twice").at(".starts")
    made = []
    for number, (start, said) in enumerate(zip(starts, data["starts"], strict=True)):
        try:
            made.append(replace(start, site=_site(start), told=_told(said, sources)))
        except _Wrong as wrong:
            raise wrong.at(f".starts[{number}]") from None
    return tuple(made)


def _site(start: StartReport) -> Site:
    return Site(start.product, start.role, unit=(start.unit or "").removesuffix(".service"))


def _told(start: Mapping[str, Any], sources: int) -> Told | None:
    if "key" not in start or "chain" not in start:
        return None
    return Told(_field(start, "key", str, sources), _field(start, "chain", BlameChain | None, sources))


def _told_of_all(data: Mapping[str, Any], sources: int) -> ToldOfAll | None:
    if "episodes" not in data or "clusters" not in data:
        return None
    return ToldOfAll(
        episodes=_field(data, "episodes", tuple[Episode, ...], sources),
        clusters=_field(data, "clusters", tuple[Cluster, ...], sources),
    )


# ---------------------------------------------------------------- decoders, one a type


@cache
def _decoder(hint: Any) -> _Decoder:
    """Takes a value of the JSON as what a type hint says; ``_Wrong`` for any other."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _optional(hint, inside)
    if origin is Literal:
        return _one_of({word: word for word in inside})
    if origin is tuple and len(inside) == 2 and inside[1] is Ellipsis:
        return _many(_decoder(inside[0]))
    if origin is Mapping and inside == (str, int):
        return _counts
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of({member.value: member for member in hint})
    if is_dataclass(hint):
        return _record(cast("type[Any]", hint))
    raise TypeError(f"no way to read {hint!r} back")


def _text(value: Any, sources: int) -> str:
    if type(value) is not str:
        raise _Wrong("is not text")
    return value


def _flag(value: Any, sources: int) -> bool:
    if value is not True and value is not False:
        raise _Wrong("is neither true nor false")
    return value


def _whole(value: Any, sources: int) -> int:
    if type(value) is not int or not -_WHOLE <= value <= _WHOLE:
        raise _Wrong("is not a whole number, or too large")
    return value


def _number(value: Any, sources: int) -> float:
    kind = type(value)
    if (kind is not float and kind is not int) or not -_LARGEST <= value <= _LARGEST:  # also not a number
        raise _Wrong("is not a number, or too large")
    return value  # type: ignore[no-any-return]


def _source(value: Any, sources: int) -> int:
    if type(value) is not int or not 0 <= value < max(1, sources):
        raise _Wrong("is not the index of a source")
    return value


def _moment(value: Any, sources: int) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value, sources))
        if moment.year in _YEARS and moment.utcoffset() is not None:
            return moment
    except (ValueError, OverflowError):
        pass
    raise _Wrong("is not a time with a date and a zone")


def _counts(value: Any, sources: int) -> Mapping[str, int]:
    if type(value) is not dict:
        raise _Wrong("is not an object")
    return MappingProxyType({key: _whole(count, sources) for key, count in value.items()})


_PLAIN: dict[Any, _Decoder] = {str: _text, bool: _flag, int: _whole, float: _number, datetime: _moment}


def _one_of(words: Mapping[str, Any]) -> _Decoder:
    def decode(value: Any, sources: int) -> Any:
        try:
            return words[value]
        except (KeyError, TypeError):
            raise _Wrong(f"is not one of {', '.join(map(str, words))}") from None

    return decode


def _optional(hint: Any, inside: tuple[Any, ...]) -> _Decoder:
    kinds = [kind for kind in inside if kind is not NoneType]
    if len(kinds) != 1 or len(inside) != 2:
        raise TypeError(f"no way to tell what {hint!r} was")
    read = _decoder(kinds[0])
    return lambda value, sources: None if value is None else read(value, sources)


def _many(read: _Decoder) -> _Decoder:
    def decode(value: Any, sources: int) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _Wrong("is not a list")
        try:
            return tuple([read(item, sources) for item in value])
        except _Wrong as wrong:
            raise _found(wrong, ((f"[{n}]", read, item) for n, item in enumerate(value)), sources) from None

    return decode


def _record(kind: type) -> _Decoder:
    """A result type by the hints of its fields; what the JSON does not hold has its default."""
    readers = _readers(kind)
    required = [(name, read) for name, read, default in readers if default is MISSING]
    others = [(name, read, default) for name, read, default in readers if default is not MISSING]
    by_name = {name: read for name, read, _ in readers}

    def decode(value: Any, sources: int) -> Any:
        if type(value) is not dict:
            raise _Wrong("is not an object")
        try:
            made = {name: read(value[name], sources) for name, read in required}
            for name, read, default in others:
                said = value.get(name, default)
                if said is not default:
                    made[name] = read(said, sources)
            return kind(**made)
        except KeyError as missing:
            raise _Wrong("is missing").at(f".{missing.args[0]}") from None
        except _Wrong as wrong:
            parts = ((f".{name}", read, value[name]) for name, read in by_name.items() if name in value)
            raise _found(wrong, parts, sources) from None

    return decode


def _readers(kind: type) -> list[tuple[str, _Decoder, Any]]:
    """Name, decoder and default of each field that the JSON may hold."""
    hints, indices = get_type_hints(kind), source_fields(kind)
    readers = []
    for field in fields(kind):
        if hints[field.name] in _NOT_SAVED:
            continue
        read = _decoder(hints[field.name])
        if field.name in indices:
            read = _source if hints[field.name] is int else _optional_source
        readers.append((field.name, read, _default(field)))
    return readers


def _optional_source(value: Any, sources: int) -> int | None:
    return None if value is None else _source(value, sources)


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _found(wrong: _Wrong, parts: Iterable[tuple[str, _Decoder, Any]], sources: int) -> _Wrong:
    """``wrong`` with the step to the part that it is of: looked for only now, so that good reports are read fast."""
    for step, read, value in parts:
        try:
            read(value, sources)
        except _Wrong as again:
            return again.at(step)
    return wrong
