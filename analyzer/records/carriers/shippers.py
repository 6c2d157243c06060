"""Log shippers and log stores with objects of their own around a line: Filebeat, Elastic, Splunk, Google Cloud …"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analyzer.records.carriers.carrier import Carrier, json_object
from analyzer.records.carriers.journal_fields import host_of, stamped
from analyzer.records.draft import Draft, Outer, Tally

_FIELDS = (
    ("_PID", ("journald", "pid")),
    ("_BOOT_ID", ("journald", "host", "boot_id")),
    ("_SYSTEMD_UNIT", ("systemd", "unit")),
    ("SYSLOG_IDENTIFIER", ("syslog", "identifier")),
)
_STAMPS = ("@timestamp", "timestamp", "time", "datetime", "_time")
_LINES = (("message",), ("MESSAGE",), ("_raw",), ("textPayload",), ("event", "original"))
_AROUND = ("_source", "result", "attributes", "jsonPayload")  # what a store puts around a shipper's object
_FLUENT = re.compile(r"\[\d+\] (\S+): \[\[?(\d{9,11}\.\d{1,9})(?:, \{.{0,200}?\}\])?, (\{.*\})\]$", re.DOTALL)
_ARROW = re.compile(r'(?<!\\)"=>')
_UNIT = re.compile(r"(?<![\w@-])[\w@-]+\.service$")


def _at(data: Mapping[str, Any], *path: str) -> Any:
    """What stands at ``a.b`` in an object, whose names may be joined by dots."""
    here: Any = data.get(".".join(path))
    if here is not None:
        return here
    here = data
    for name in path:
        here = here.get(name) if isinstance(here, dict) else None
    return here


def _unpacked(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a store keeps of a line, with what it says beside it."""
    for name in _AROUND:
        inside = data.get(name)
        if isinstance(inside, dict) and _line(inside) is not None:
            return {**data, **inside}
    return data


def _line(data: Mapping[str, Any]) -> str | None:
    found = (_at(data, *path) for path in _LINES)
    return next((text for text in found if isinstance(text, str)), None)


def _filebeat(data: Mapping[str, Any], tally: Tally, line: int) -> list[Draft] | None:
    """The journald input: numbers are numbers, the monotonic stamp is gone; also as one of a log store's hits."""
    data = _unpacked(data)
    message = _line(data)
    stamp = next((data[name] for name in _STAMPS if isinstance(data.get(name), (str, int))), None)
    if message is None or stamp is None:
        return None
    tally.formats["filebeat"] += 1
    fields = {"_HOSTNAME": host_of(data)}
    for name, path in _FIELDS:
        value = _at(data, *path)
        if not isinstance(value, (str, int)):
            value = data.get(name)
        if isinstance(value, (str, int)):
            fields[name] = str(value)
    return stamped(message, str(stamp), tally, line, fields)


def _fluent(text: str) -> dict[str, Any] | None:
    """``[0] tag: [seconds, {"KEY"=>"value"}]`` as the object it stands for, which the journal's names tell."""
    match = _FLUENT.match(text) if '"=>' in text else None
    if match is None:
        return None
    tag, seconds, body = match.groups()
    data = json_object(_ARROW.sub('":', body))
    if data is None or "MESSAGE" not in data:
        return None
    data["date"] = float(seconds)
    unit = _UNIT.search(tag)
    data.setdefault("_SYSTEMD_UNIT", unit[0] if unit else "")
    data.setdefault("SYSLOG_IDENTIFIER", data["_SYSTEMD_UNIT"].removesuffix(".service"))
    return data


FILEBEAT = Carrier("filebeat", Outer.UTC, ("filebeat", "filebeat-flat"), parse=_filebeat)
FLUENT = Carrier("json", Outer.UTC, ("fluent-bit", "fluent-bit-old"), unwrap=_fluent)
