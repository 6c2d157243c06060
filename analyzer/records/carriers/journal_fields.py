"""Carriers that name the journal's fields have this in common: a mapping of field names to text becomes drafts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analyzer.records.carriers.journalctl_short import short
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.records.log_record import NO_FIELDS, RAW_LIMIT
from analyzer.records.payloads import digest
from analyzer.records.printable import decode, strip_terminal
from analyzer.timebase import LATEST, MONTHS, SECOND, parse_iso

NOT_UTF8 = "bytes that are not UTF-8 replaced"
MESSAGE_LIMIT = 256 * 1024
LINE_MAX = 49152  # bytes at which journald splits a line
_LONGEST_BOOT = 100 * 366 * 86_400 * SECOND
_KEPT = (
    "EXIT_CODE", "EXIT_STATUS", "N_RESTARTS", "MESSAGE_ID", "N_DROPPED", "JOB_TYPE", "JOB_RESULT", "UNIT_RESULT",
    "OBJECT_SYSTEMD_UNIT", "_TRANSPORT",
)  # fmt: skip
BLOB = re.compile(r"\[\d+(?:\.\d)?[BKMGT] blob data\]")  # a message that is not printable, as text modes show it
_NIL_ID = "0" * 32
_SUPPRESSED = "a596d6fe7bfa4994828e72309e95d61e"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) <= 18 else None


def _clock(text: str | None, most: int) -> int | None:
    """µs of a clock; a value that no machine shows, as damage makes it, is none."""
    number = _number(text)
    return number if number is not None and 0 <= number < most else None


def from_fields(fields: Mapping[str, str], tally: Tally, line: int, *, lossy: bool = False) -> list[Draft]:
    """Drafts of one journal entry; none when it has no MESSAGE. ``line`` is its 1-based number in the source."""
    message = fields.get("MESSAGE")
    if message is None and not lossy:
        return []
    message = message or ""
    lost = not message and lossy
    truncated = len(message) > MESSAGE_LIMIT
    if truncated:
        message = message[:MESSAGE_LIMIT]
        tally.cut_line()
    message = strip_terminal(message)
    ident = fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM")
    pid = _number(fields.get("_PID") or fields.get("SYSLOG_PID"))
    unit = fields.get("UNIT") or fields.get("OBJECT_SYSTEMD_UNIT") or fields.get("_SYSTEMD_UNIT")
    if unit == "init.scope":
        unit = None
    invocation = fields.get("INVOCATION_ID") or fields.get("_SYSTEMD_INVOCATION_ID")
    journal = {key: fields[key] for key in _KEPT if key in fields}
    rt = _clock(fields.get("__REALTIME_TIMESTAMP"), LATEST)
    mono = _clock(fields.get("__MONOTONIC_TIMESTAMP"), _LONGEST_BOOT)
    boot = fields.get("_BOOT_ID")
    cursor = fields.get("__CURSOR")
    mark = hash(cursor) if cursor is not None else None
    drafts: list[Draft] = []
    pieces = message.split("\n") if "\n" in message else (message,)
    for number, piece in enumerate(pieces):
        if number and not piece.strip():
            continue
        draft = Draft(
            source=tally.index,
            line=line,
            raw=piece[:RAW_LIMIT],
            message=piece,
            host=fields.get("_HOSTNAME"),
            ident=ident,
            pid=pid,
            unit=unit,
            boot_id=boot,
            invocation_id=invocation if invocation != _NIL_ID else None,
            journal=journal or NO_FIELDS,
            truncated=truncated,
            lossy=lossy,
            follows=number > 0,
            cursor=mark,
            mono=mono if boot is not None else None,
            gap_before=lost or journal.get("MESSAGE_ID") == _SUPPRESSED,
            lost_before=lost,
        )
        if rt is not None:
            draft.outer, draft.value, draft.precision = Outer.UTC, rt, 1
        digest(draft)
        drafts.append(draft)
    cut = fields.get("_LINE_BREAK") == "line-max" and len(message.encode("utf-8", "replace")) == LINE_MAX
    # docker's journald driver cuts a container's lines at 16 KiB and marks all pieces but the last.
    if drafts and (cut or fields.get("CONTAINER_PARTIAL_MESSAGE") == "true"):
        drafts[-1].line_max = True
        drafts[-1].whole = pieces[-1]
    return drafts


TEXT_KEYS = frozenset(
    (*_KEPT, "MESSAGE", "SYSLOG_IDENTIFIER", "_COMM", "_PID", "SYSLOG_PID", "UNIT", "_SYSTEMD_UNIT", "INVOCATION_ID",
     "_SYSTEMD_INVOCATION_ID", "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "_BOOT_ID", "_HOSTNAME", "_LINE_BREAK",
     "CONTAINER_PARTIAL_MESSAGE", "__CURSOR")
)  # fmt: skip


def from_bytes(fields: Mapping[str, bytes], tally: Tally, record: int, lossy: bool) -> list[Draft]:
    texts: dict[str, str] = {}
    for key, value in fields.items():
        if key in TEXT_KEYS:
            text, bad = decode(value)
            texts[key] = text
            if bad and not lossy:
                lossy = True
                tally.lose(record, NOT_UTF8)
    return from_fields(texts, tally, record, lossy=lossy)


_KIBANA = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) @ (\d\d:\d\d:\d\d\.\d{3})")


def _kibana_iso(match: re.Match[str]) -> str:
    month, day, year, clock = match.groups()
    number = MONTHS.index(month) + 1 if month in MONTHS else 0
    return f"{year}-{number:02d}-{int(day):02d}T{clock}"


def put_stamp(drafts: list[Draft], text: str) -> None:
    """The stamp that a shipper gives beside a message: ISO with a zone, nanoseconds, milliseconds or Kibana's time."""
    if text.isdecimal() and 16 <= len(text) <= 19:  # nanoseconds since 1970
        for draft in drafts:
            draft.outer, draft.value, draft.precision = Outer.UTC, int(text) // 1000 if len(text) > 16 else int(text), 1
        return
    if text.isdecimal() and len(text) == 13:  # milliseconds
        for draft in drafts:
            draft.outer, draft.value, draft.precision = Outer.UTC, int(text) * 1000, 1000
        return
    kibana = _KIBANA.fullmatch(text)
    instant = parse_iso(_kibana_iso(kibana) if kibana is not None else text)
    if instant is not None and (instant.offset_s is None) is (kibana is not None):
        for draft in drafts:
            draft.stamped(instant)


# Where shippers name the machine of a line, the most telling first.
_HOSTS = (
    ("host", "hostname"), ("host", "name"), ("host",), ("hostname",), ("_HOSTNAME",), ("nodename",), ("node_name",),
    ("node",), ("computer",), ("instance",), ("kubernetes", "host"), ("resource", "labels", "node_name"),
    ("resource", "labels", "instance_id"), ("source",),
)  # fmt: skip
# Not a file, a stream, or what took the line in: many a store calls that its source, too.
_HOST = re.compile(
    r"(?!(?:std(?:out|err)|(?:systemd-)?journald?|systemd|r?syslog(?:-ng)?|kernel|audit|docker|containerd|file)$)"
    r"[\w.:-]{1,255}"
)


def host_of(labels: Mapping[str, Any]) -> str | None:
    """The machine that the labels, columns or fields of a line name."""
    for path in _HOSTS:
        here: Any = labels.get(".".join(path))
        if here is None:
            here = labels
            for name in path:
                here = here.get(name) if isinstance(here, Mapping) else None
        if isinstance(here, str) and _HOST.fullmatch(here):
            return here
    return None


def stamped(text: str, stamp: str, tally: Tally, line: int, labels: Mapping[str, object]) -> list[Draft]:
    """Drafts of a message with an outer stamp (Loki, Grafana and the like); ``labels`` by the journal's names.

    The message may be a line of syslog: who wrote it is told there.
    """
    fields = {"MESSAGE": text} | {name: value for name, value in labels.items() if isinstance(value, str)}
    inside = short(text) if text[:1].isalpha() else None
    if inside is not None and inside.tail:
        fields |= {"MESSAGE": inside.rest, "SYSLOG_IDENTIFIER": inside.ident or ""}
        fields |= {"_HOSTNAME": inside.host} if inside.host else {}
        fields |= {"_PID": str(inside.pid)} if inside.pid is not None else {}
    drafts = from_fields(fields, tally, line)
    put_stamp(drafts, stamp)
    if inside is not None:
        for draft in drafts:
            if draft.outer is Outer.NONE:
                draft.take_stamp(inside)
    return drafts
