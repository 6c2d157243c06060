"""journalctl's json family, and shippers that keep the journal's names of fields: Fluent Bit, Vector.

Behaviour of json as captured from journalctl 247 to 262: all values are strings; ``null`` is a value too long without
``--all``; a list of numbers is a value that is not printable text; a list of strings is a repeated field.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from analyzer.records.carriers.carrier import Carrier, Opened, json_object
from analyzer.records.carriers.journal_fields import MESSAGE_LIMIT, NOT_UTF8, TEXT_KEYS, from_fields
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.records.printable import COLOUR, decode, strip_terminal
from analyzer.timebase import SECOND

_PRETTY = re.compile(rb"\{\s*\n\s*(?:\x1b\[[\d;]*m)?\"")
_PRETTY_CUT = re.compile(rb"(?:\"[A-Z_]{2,64}\" ?: [^\n]{0,4000}\r?\n\s*){0,80}\}\s*\n\{\s*\n\s*\"[A-Z_]{2,64}\" ?: ")


def _value(value: Any) -> tuple[str | None, bool]:
    """``(text, lossy)`` of one value of journalctl's json."""
    if isinstance(value, str):
        return value, False
    if value is None:
        return None, True
    if isinstance(value, list):
        if value and all(isinstance(item, int) and 0 <= item < 256 for item in value):
            return decode(bytes(value))
        texts = [item for item in value if item is not None]
        return _value(texts[-1]) if texts else (None, True)
    return (str(value), False) if isinstance(value, (int, float)) else (None, True)


# Fluent Bit can strip the underscores before the names and write them in small letters.
_FOLDED = {key.strip("_"): key for key in (*TEXT_KEYS, "_TRANSPORT")}


def _unfolded(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """``data`` with the journal's own names of fields, where a shipper changed them."""
    if "SYSLOG_IDENTIFIER" in data and ("_PID" in data or "PID" not in data):
        return data
    if not data.keys() & {"syslog_identifier", "SYSLOG_IDENTIFIER"} or not data.keys() & {"message", "MESSAGE"}:
        return data
    return {_FOLDED.get(key.strip("_").upper(), key): value for key, value in data.items()}


def _parse(data: Mapping[str, Any], tally: Tally, line: int) -> list[Draft] | None:
    data = _unfolded(data)
    if not ("__REALTIME_TIMESTAMP" in data or ("MESSAGE" in data and ("_PID" in data or "SYSLOG_IDENTIFIER" in data))):
        return None
    values = {key: _value(value) for key, value in data.items() if key in TEXT_KEYS}
    lossy = values.get("MESSAGE", ("", False))[1]
    fields = {key: text for key, (text, _) in values.items() if text is not None}
    if "MESSAGE" not in fields and isinstance(data.get("message"), str):  # Vector renames two fields
        fields["MESSAGE"] = data["message"]
        fields.setdefault("_HOSTNAME", str(data.get("host", "")))
    if "__REALTIME_TIMESTAMP" not in fields and isinstance(data.get("date"), (int, float)):  # Fluent Bit
        with contextlib.suppress(ValueError, OverflowError):  # NaN, Infinity, more digits than a float has
            fields["__REALTIME_TIMESTAMP"] = str(round(float(data["date"]) * SECOND))
    if lossy:
        lost_whole = "MESSAGE" not in fields
        tally.lose(line, "message lost by journalctl -o json without --all" if lost_whole else NOT_UTF8)
    tally.formats["json"] += 1
    return from_fields(fields, tally, line, lossy=lossy)


def _read_pretty(opened: Opened, tally: Tally) -> Iterator[Draft]:
    """Objects one after another, each from a line ``{`` to a line ``}``."""
    tally.format = "json-pretty"
    held: list[str] = []
    size, record = 0, 0
    while row := opened.reader.readline(MESSAGE_LIMIT):
        bare = strip_terminal(row.decode("utf-8", "replace")).strip()
        if bare == "{":
            if held:
                tally.spoil(record, "damaged entry")
            held, size, record = ["{"], 1, record + 1
            tally.lines += 1
        elif held:
            held.append(bare)
            size += len(row)
            if bare == "}":
                yield from _load("\n".join(held), opened, tally, record)
                held = []
            elif size > 4 * MESSAGE_LIMIT:
                tally.spoil(record, "damaged entry")
                held = []
    if held:
        tally.spoil(record, "last entry cut off")


def _load(text: str, opened: Opened, tally: Tally, record: int) -> list[Draft]:
    data = json_object(text)
    drafts = opened.parse(data, tally, record) if data is not None else None
    if isinstance(drafts, list):
        return drafts
    tally.spoil(record, "JSON that cannot be read")
    return []


def _begins_pretty(head: bytes) -> bool:
    """Also where the begin of the first entry is missing."""
    plain = COLOUR.sub(b"", head)
    return _PRETTY.match(plain) is not None or (plain[:1] in (b'"', b"}") and _PRETTY_CUT.match(plain) is not None)


JSON = Carrier(
    "json",
    Outer.UTC,
    ("json", "json-sse", "json-seq", "json-arrays", "json-null", "vector", "fluent-bit-json", "fluent-bit-stripped",
     "fluent-bit-lower"),
    parse=_parse,
)  # fmt: skip
JSON_PRETTY = Carrier("json-pretty", Outer.UTC, ("json-pretty",), begins=_begins_pretty, read=_read_pretty)
