"""Log shippers with lines of their own: Filebeat and Elastic Agent, Fluent Bit's standard output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analyzer.records.carriers.carrier import Carrier, json_object
from analyzer.records.carriers.journal_fields import from_fields, put_stamp
from analyzer.records.draft import Draft, Outer, Tally

_FIELDS = (
    ("_PID", ("journald", "pid")),
    ("_BOOT_ID", ("journald", "host", "boot_id")),
    ("_SYSTEMD_UNIT", ("systemd", "unit")),
    ("SYSLOG_IDENTIFIER", ("syslog", "identifier")),
    ("_HOSTNAME", ("host", "hostname")),
)
_STAMPS = ("@timestamp", "timestamp", "time", "datetime")
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


def _filebeat(data: Mapping[str, Any], tally: Tally, line: int) -> list[Draft] | None:
    """The journald input: numbers are numbers, the monotonic stamp is gone; also as one of Elasticsearch's hits."""
    inside = data.get("_source")
    if isinstance(inside, dict) and "@timestamp" in inside:
        data = inside
    stamp = next((data[name] for name in _STAMPS if isinstance(data.get(name), str)), None)
    if not isinstance(data.get("message"), str) or stamp is None:
        return None
    tally.formats["filebeat"] += 1
    fields = {"MESSAGE": str(data["message"])}
    for name, path in _FIELDS:
        value = _at(data, *path)
        if not isinstance(value, (str, int)):
            value = data.get("host" if name == "_HOSTNAME" else name)
        if isinstance(value, (str, int)):
            fields[name] = str(value)
    drafts = from_fields(fields, tally, line)
    put_stamp(drafts, stamp)
    return drafts


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
