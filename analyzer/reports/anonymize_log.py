"""The log itself, so that it can be posted: the same lines, order and stamps, with the stand-ins of ``--anonymize``.

It is read three times: for its report, whose names get the first stand-ins, for the names in all its lines, and to be
written. A line stays one line of its carrier; of what has a framing of its own (Journal Export Format, JSON) the values
are treated, so that an escaped name is found and the framing stays whole. A binary journal comes out as export, with
the entries and fields that analysis reads.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, BinaryIO

from analyzer.errors import BadInputError
from analyzer.events.redaction import MASK, mask_secrets, names_secret
from analyzer.records.carriers import file_carrier
from analyzer.records.carriers.binary import BINARY, opened_journal
from analyzer.records.carriers.binary_journal import journal_entries
from analyzer.records.carriers.export import EXPORT, as_export, export_entries
from analyzer.records.log_record import LogRecord
from analyzer.reports.anonymize import learn, prepared, with_stand_ins
from analyzer.reports.pseudonyms import Pseudonyms
from analyzer.results import Report
from analyzer.sources.inputs import Inputs
from analyzer.sources.open_input import open_input
from analyzer.sources.raw_lines import read_lines
from analyzer.sources.source import Input

Fields = Mapping[str, bytes]
_NUMBER = re.compile(rb"\d*")
_BODY = "MESSAGE"


def rewritten(
    report: Report | None,
    records: Iterable[LogRecord],
    paths: Sequence[str | os.PathLike[str]],
    stdin: BinaryIO | None = None,
) -> Iterator[bytes]:
    """The logs of ``paths`` one after the other; ``report`` and ``records`` are what analysis made of them.

    ``stdin`` can be read again. What cannot be read is passed over: reading it for analysis has told so.
    """
    names = Pseudonyms()
    if report is not None:
        learn(names, report, records)
    said = chain.from_iterable(texts(unit) for given in _inputs(paths, stdin) for unit in units(given))
    names.learn(said, prepare=prepared)
    if report is not None:
        with_stand_ins(names, report)  # what it shows gets the first numbers, as in a report without a log
    writer = LogWriter(names)
    for given in _inputs(paths, stdin):
        yield from writer.parts(units(given))


def _inputs(paths: Sequence[str | os.PathLike[str]], stdin: BinaryIO | None) -> Iterator[Input]:
    if stdin is not None:
        stdin.seek(0)
    yield from Inputs(paths, stdin=stdin)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text, and what ended it."""

    text: str
    end: bytes


def units(given: Input) -> Iterator[Line | Fields]:
    """What an input consists of: lines, or the fields of the entries of a journal; nothing when it cannot be read."""
    try:
        _, reader, _ = open_input(given)
    except BadInputError:
        return
    try:
        carrier = file_carrier(reader.peek(4096)[:65536])
        if carrier is BINARY:
            with opened_journal(given, reader) as file:
                yield from journal_entries(file, None if isinstance(file, io.BytesIO) else given.path, given.name)
        elif carrier is EXPORT:
            yield from export_entries(reader)
        else:
            for raw in read_lines(reader):
                yield Line(_decoded(raw.data), b"" if raw.last else b"\n")
    except BadInputError:
        return
    finally:
        reader.close()


def texts(unit: Line | Fields) -> Iterator[str]:
    """What names are learnt from."""
    if isinstance(unit, Line):
        yield unit.text
        yield from _strings(_json(unit.text))
        return
    for key, value in unit.items():
        if _NUMBER.fullmatch(value) is None:
            yield _decoded(value) if key == _BODY else f"{key}={_decoded(value)}"


class LogWriter:
    """Makes the bytes of the anonymised log, with names that have learnt everything."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._field = lru_cache(4096)(self._treated_field)

    def parts(self, units: Iterable[Line | Fields]) -> Iterator[bytes]:
        """The units, treated and framed as they were."""
        for unit in units:
            if isinstance(unit, Line):
                yield _encoded(self.line(unit.text)) + unit.end
            else:
                yield as_export({key: self._field(key, value) for key, value in unit.items()})

    def line(self, text: str) -> str:
        """A line of any carrier."""
        value = _json(text)
        if value is None:
            return self._text(text)
        head = text[: len(text) - len(text.lstrip())]
        tight = '":"' in text or '":{' in text
        made = json.dumps(self._value(value), ensure_ascii=False, separators=(",", ":") if tight else None)
        return head + made + text[len(text.rstrip()) :]

    def _text(self, text: str) -> str:
        return self._names.apply(mask_secrets(text))

    def _value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str):
            return MASK if value and names_secret(key) else self._in_field(key, value)
        if isinstance(value, dict):
            return {name: self._value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            if (said := _as_bytes(value)) is not None:
                return list(_encoded(self._text(_decoded(said))))
            return [self._value(item, key) for item in value]
        return MASK if names_secret(key) and isinstance(value, float | int) and not isinstance(value, bool) else value

    def _in_field(self, key: str, value: str) -> str:
        """A value, which the name of its field may reveal as a host or a secret."""
        made = self._text(f"{key}={value}") if key.isidentifier() and key != _BODY and " " not in value else ""
        return made[len(key) + 1 :] if made.startswith(f"{key}=") else self._text(value)

    def _treated_field(self, key: str, value: bytes) -> bytes:
        if _NUMBER.fullmatch(value) is not None:
            return value
        text = _decoded(value)
        return _encoded(self._text(text) if key == _BODY else self._in_field(key, text))


def _json(text: str) -> Any:
    """The object that a line is; ``None`` for any other line."""
    if text.lstrip()[:1] != "{":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        if (said := _as_bytes(value)) is not None:
            yield _decoded(said)
        else:
            for item in value:
                yield from _strings(item)


def _as_bytes(value: list[Any]) -> bytes | None:
    """journald writes a message with odd bytes as a list of numbers."""
    if len(value) < 8 or not all(type(item) is int and 0 <= item < 256 for item in value):
        return None
    return bytes(value)


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
