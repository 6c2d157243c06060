"""Carriers that name their fields: Journal Export Format, journalctl's json family and verbose, docker, log shippers.

``from_fields`` is the common end: a mapping of journal field names to text becomes drafts, one per line of MESSAGE.
Facts of the formats: systemd's documentation of the Journal Export Format; behaviour of json as captured from
journalctl 247 to 262 (all values are strings; ``null`` is a value too long without ``--all``; a list of numbers is a
value that is not printable text; a list of strings is a repeated field).
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from analyzer.records.draft import Draft, Outer, Tally
from analyzer.records.log_record import NO_FIELDS, RAW_LIMIT
from analyzer.records.payloads import digest
from analyzer.records.printable import decode, strip_terminal
from analyzer.timebase import LATEST, MONTHS, SECOND, parse_iso

MESSAGE_LIMIT = 256 * 1024
LINE_MAX = 49152  # bytes at which journald splits a line
_LONGEST_BOOT = 100 * 366 * 86_400 * SECOND
_ENTRY_LIMIT = 1024  # fields of one entry; real ones have about 25
_KEPT = (
    "EXIT_CODE", "EXIT_STATUS", "N_RESTARTS", "MESSAGE_ID", "N_DROPPED", "JOB_TYPE", "JOB_RESULT", "UNIT_RESULT",
    "OBJECT_SYSTEMD_UNIT", "_TRANSPORT",
)  # fmt: skip
_NIL_ID = "0" * 32
_SUPPRESSED = "a596d6fe7bfa4994828e72309e95d61e"
_KEY = re.compile(rb"[A-Z0-9_]{1,64}\Z")
_VERBOSE_HEAD = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \S+ \[(s=[0-9a-f]*;[^\]]*)\]"
)
_VERBOSE_FIELD = re.compile(r"    ([A-Z0-9_]{1,64})=(.*)", re.DOTALL)


class Lines(Protocol):
    """A bounded reader of bytes."""

    def readline(self, limit: int) -> bytes:
        """Up to ``limit`` bytes, ending after the first newline."""

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; fewer only at the end."""


def _number(text: str | None) -> int | None:
    if text is None or len(text) > 18:
        return None
    try:
        return int(text)
    except ValueError:
        return None


def _clock(text: str | None, most: int) -> int | None:
    """µs of a clock; a value that no machine shows, as damage makes it, is none."""
    number = _number(text)
    return number if number is not None and 0 <= number < most else None


def from_fields(
    fields: Mapping[str, str], tally: Tally, line: int, *, lossy: bool = False, seen_fields: bool = True
) -> list[Draft]:
    """Drafts of one journal entry; none when it has no MESSAGE. ``line`` is its 1-based number in the source."""
    message = fields.get("MESSAGE")
    if message is None:
        if not lossy:
            return []
        message = ""
    lost = not message and lossy
    truncated = len(message) > MESSAGE_LIMIT
    if truncated:
        message = message[:MESSAGE_LIMIT]
        tally.truncated += 1
        tally.reasons["line longer than 256 KiB cut"] += 1
    message = strip_terminal(message)
    ident = fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM")
    pid = _number(fields.get("_PID") or fields.get("SYSLOG_PID"))
    unit = fields.get("UNIT") or fields.get("OBJECT_SYSTEMD_UNIT") or fields.get("_SYSTEMD_UNIT")
    if unit == "init.scope":
        unit = None
    invocation = fields.get("INVOCATION_ID") or fields.get("_SYSTEMD_INVOCATION_ID")
    journal = {key: fields[key] for key in _KEPT if key in fields} if seen_fields else {}
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
        )
        if rt is not None:
            draft.outer, draft.value, draft.precision = Outer.UTC, rt, 1
        if journal.get("MESSAGE_ID") == _SUPPRESSED:
            draft.gap_before = True
        if lost:
            draft.gap_before = draft.lost_before = True
        digest(draft)
        drafts.append(draft)
    cut = fields.get("_LINE_BREAK") == "line-max" and len(message.encode("utf-8", "replace")) == LINE_MAX
    # docker's journald driver cuts a container's lines at 16 KiB and marks all pieces but the last.
    if drafts and (cut or fields.get("CONTAINER_PARTIAL_MESSAGE") == "true"):
        drafts[-1].line_max = True
        drafts[-1].whole = pieces[-1]
    return drafts


# --------------------------------------------------------------------------------------------------- export


def read_export(stream: Lines, tally: Tally, first: int = 1, most: int | None = None) -> Iterator[Draft]:
    """Journal Export Format from its bytes; ``first`` is the number of the first entry. Ends after ``most`` bytes.

    Damaged framing costs one entry: reading goes on after the next empty line.
    """
    fields: dict[str, bytes] = {}
    record, started, bad, passed = first - 1, False, False, False
    lossy = False
    size = 0  # of what was read, but for binary values

    def finish() -> list[Draft]:
        nonlocal bad, lossy, passed
        out: list[Draft] = []
        if bad:
            tally.spoil(record, "damaged entry")
            passed = True
        else:
            out = from_bytes(fields, tally, record, lossy)
            if passed and out:
                out[0].gap_before = out[0].lost_before = True
                passed = False
        if lossy:
            tally.lose(record, "value longer than its entry or than 256 KiB cut")
        fields.clear()
        bad = lossy = False
        return out

    while True:
        row = stream.readline(MESSAGE_LIMIT)
        if not row:
            break
        size += len(row)
        if row == b"\n" or row == b"\r\n":
            if started:
                yield from finish()
                started = False
                if most is not None and size >= most:
                    return
            continue
        if not started:
            started, record = True, record + 1
            tally.lines += 1
        if bad:
            continue
        whole = row.endswith(b"\n")
        key, equals, value = row.partition(b"=")
        if equals and _KEY.match(key):
            if not whole and len(row) >= MESSAGE_LIMIT:
                lossy = True
                while not stream.readline(MESSAGE_LIMIT).endswith(b"\n"):
                    if not stream.readline(1):
                        break
            if len(fields) < _ENTRY_LIMIT:
                fields[key.decode()] = value[:-1] if whole else value
        elif whole and _KEY.match(row[:-1]):
            length = int.from_bytes(stream.read(8), "little")
            value = stream.read(min(length, MESSAGE_LIMIT + 1))
            left = length - len(value)
            if length > 1 << 32:
                bad = True
                continue
            while left > 0:
                skipped = stream.read(min(left, 1 << 20))
                if not skipped:
                    break
                left -= len(skipped)
            if left > 0:
                lossy = True
            elif stream.read(1) not in (b"\n", b""):
                bad = True
                continue
            if len(fields) < _ENTRY_LIMIT:
                fields[row[:-1].decode()] = value
        else:
            bad = True
    if started:
        yield from finish()


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
                tally.lose(record, "bytes that are not UTF-8 replaced")
    return from_fields(texts, tally, record, lossy=lossy)


# --------------------------------------------------------------------------------------------------- json


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


_FLUENT = re.compile(r"\[\d+\] (\S+): \[\[?(\d{9,11}\.\d{1,9})(?:, \{.{0,200}?\}\])?, (\{.*\})\]$", re.DOTALL)


def from_fluent(text: str) -> dict[str, Any] | None:
    """A line of Fluent Bit's standard output (``[0] tag: [seconds, {"KEY"=>"value"}]``) as the object it stands for."""
    match = _FLUENT.match(text)
    if match is None:
        return None
    tag, seconds, body = match.groups()
    try:
        data = json.loads(re.sub(r'(?<!\\)"=>', '":', body))
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or "MESSAGE" not in data:
        return None
    data["date"] = float(seconds)
    unit = re.search(r"[\w@-]+\.service$", tag)
    data.setdefault("_SYSTEMD_UNIT", unit[0] if unit else "")
    data.setdefault("SYSLOG_IDENTIFIER", data["_SYSTEMD_UNIT"].removesuffix(".service"))
    return data


# Fluent Bit can strip the underscores before the names and write them in small letters.
_FOLDED = {key.strip("_"): key for key in (*TEXT_KEYS, "_TRANSPORT")}


def _unfolded(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """``data`` with the journal's own names of fields, where a shipper changed them."""
    if "SYSLOG_IDENTIFIER" in data and ("_PID" in data or "PID" not in data):
        return data
    if not data.keys() & {"syslog_identifier", "SYSLOG_IDENTIFIER"} or not data.keys() & {"message", "MESSAGE"}:
        return data
    return {_FOLDED.get(key.strip("_").upper(), key): value for key, value in data.items()}


def from_json(data: Mapping[str, Any], tally: Tally, line: int) -> list[Draft] | None:
    """Drafts of one JSON object of a known carrier, ``None`` when it is none (etcd's own lines, for one)."""
    data = _unfolded(data)
    if "__REALTIME_TIMESTAMP" in data or ("MESSAGE" in data and ("_PID" in data or "SYSLOG_IDENTIFIER" in data)):
        fields: dict[str, str] = {}
        lossy = False
        for key, value in data.items():
            if key in TEXT_KEYS:
                text, lost = _value(value)
                if lost and key == "MESSAGE":
                    lossy = True
                if text is not None:
                    fields[key] = text
        if "MESSAGE" not in fields and isinstance(data.get("message"), str):  # Vector renames two fields
            fields["MESSAGE"] = data["message"]
            fields.setdefault("_HOSTNAME", str(data.get("host", "")))
        if "__REALTIME_TIMESTAMP" not in fields and isinstance(data.get("date"), (int, float)):  # Fluent Bit
            with contextlib.suppress(ValueError, OverflowError):  # NaN, Infinity, more digits than a float has
                fields["__REALTIME_TIMESTAMP"] = str(round(float(data["date"]) * SECOND))
        if lossy:
            lost_whole = "MESSAGE" not in fields
            reason = (
                "message lost by journalctl -o json without --all"
                if lost_whole
                else "bytes that are not UTF-8 replaced"
            )
            tally.lose(line, reason)
        tally.formats["json"] += 1
        return from_fields(fields, tally, line, lossy=lossy)
    if isinstance(data.get("log"), str) and ("stream" in data or "time" in data):
        return None  # docker: the text reader joins its pieces
    inside = data.get("_source")
    if isinstance(inside, dict) and "@timestamp" in inside:  # Elasticsearch's hits
        data = inside
    if isinstance(data.get("message"), str) and "@timestamp" in data:
        return _shipped(data, tally, line)
    if isinstance(data.get("line"), str) and "timestamp" in data:
        tally.formats["logcli"] += 1
        labels = data.get("labels") or data.get("fields") or {}
        unit = labels.get("unit") if isinstance(labels, dict) else None
        host = (labels.get("nodename") or labels.get("host")) if isinstance(labels, dict) else None
        return stamped(str(data["line"]), str(data["timestamp"]), tally, line, host=host, unit=unit)
    return None


def _at(data: Mapping[str, Any], *path: str) -> Any:
    here: Any = data.get(".".join(path))
    if here is not None:
        return here
    here = data
    for name in path:
        here = here.get(name) if isinstance(here, dict) else None
    return here


def _shipped(data: Mapping[str, Any], tally: Tally, line: int) -> list[Draft]:
    """Filebeat and Elastic Agent (journald input); numbers are numbers, the monotonic stamp is gone."""
    tally.formats["filebeat"] += 1
    fields = {"MESSAGE": str(data["message"])}
    for name, path in (
        ("_PID", ("journald", "pid")),
        ("_BOOT_ID", ("journald", "host", "boot_id")),
        ("_SYSTEMD_UNIT", ("systemd", "unit")),
        ("SYSLOG_IDENTIFIER", ("syslog", "identifier")),
        ("_HOSTNAME", ("host", "hostname")),
    ):
        value = _at(data, *path)
        if isinstance(value, (str, int)):
            fields[name] = str(value)
    drafts = from_fields(fields, tally, line)
    _put_stamp(drafts, str(data["@timestamp"]))
    return drafts


_KIBANA = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) @ (\d\d:\d\d:\d\d\.\d{3})")


def _kibana_iso(match: re.Match[str]) -> str:
    month, day, year, clock = match.groups()
    number = MONTHS.index(month) + 1 if month in MONTHS else 0
    return f"{year}-{number:02d}-{int(day):02d}T{clock}"


def _put_stamp(drafts: list[Draft], text: str) -> None:
    if text.isdecimal() and 16 <= len(text) <= 19:  # nanoseconds since 1970
        us, precision, offset = int(text) // 1000 if len(text) > 16 else int(text), 1, None
    elif (kibana := _KIBANA.fullmatch(text)) is not None:
        moment = parse_iso(_kibana_iso(kibana))
        for draft in drafts if moment is not None else ():
            assert moment is not None
            draft.outer, draft.value, draft.precision = Outer.WALL, moment.us, moment.precision_us
        return
    else:
        instant = parse_iso(text)
        if instant is None or instant.offset_s is None:
            return
        us, precision, offset = instant.us, instant.precision_us, instant.offset_s
    for draft in drafts:
        draft.outer, draft.value, draft.precision, draft.offset_s = Outer.UTC, us, precision, offset


def stamped(
    text: str, stamp: str, tally: Tally, line: int, *, host: str | None = None, unit: str | None = None
) -> list[Draft]:
    """Drafts of a bare message with an outer stamp (Loki, Grafana and the like)."""
    fields = {"MESSAGE": text}
    if isinstance(host, str):
        fields["_HOSTNAME"] = host
    if isinstance(unit, str):
        fields["_SYSTEMD_UNIT"] = unit
    drafts = from_fields(fields, tally, line)
    _put_stamp(drafts, stamp)
    return drafts


def read_json_pretty(stream: Lines, tally: Tally) -> Iterator[Draft]:
    """journalctl's json-pretty: objects one after another, each from a line ``{`` to a line ``}``."""
    held: list[bytes] = []
    size, record = 0, 0
    while row := stream.readline(MESSAGE_LIMIT):
        bare = strip_terminal(row.decode("utf-8", "replace")).strip() if b"\x1b" in row else row.strip().decode(
            "utf-8", "replace"
        )  # fmt: skip
        if bare == "{":
            if held:
                tally.spoil(record, "damaged entry")
            held, size, record = [b"{"], 1, record + 1
            tally.lines += 1
        elif held:
            held.append(bare.encode())
            size += len(row)
            if bare == "}":
                yield from _load(b"\n".join(held), tally, record)
                held = []
            elif size > 4 * MESSAGE_LIMIT:
                tally.spoil(record, "damaged entry")
                held = []
    if held:
        tally.spoil(record, "last entry cut off")


def _load(data: bytes, tally: Tally, record: int) -> list[Draft]:
    try:
        value = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        value = None
    drafts = from_json(value, tally, record) if isinstance(value, dict) else None
    if drafts is None:
        tally.spoil(record, "JSON that cannot be read")
        return []
    return drafts


def read_document(text: str, tally: Tally) -> Iterator[Draft]:
    """One JSON document: Grafana's list of lines, Loki's query answer, a list of journal entries."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        tally.lines += 1
        tally.spoil(1, "JSON that cannot be read")
        return
    record = 0
    if isinstance(data, list):
        for item in data:
            record += 1
            tally.lines += 1
            drafts = from_json(item, tally, record) if isinstance(item, dict) else None
            if drafts is None:
                tally.spoil(record, "JSON of no known carrier")
            else:
                yield from drafts
        return
    result = _at(data, "data", "result") if isinstance(data, dict) else None
    if isinstance(result, list):
        rows = []
        for stream in result:
            labels = stream.get("stream", {}) if isinstance(stream, dict) else {}
            for pair in stream.get("values", []) if isinstance(stream, dict) else []:
                if isinstance(pair, list) and len(pair) >= 2:
                    rows.append((str(pair[0]), str(pair[1]), labels))
        for stamp, line, labels in rows:
            record += 1
            tally.lines += 1
            tally.formats["loki"] += 1
            yield from stamped(line, stamp, tally, record, host=labels.get("nodename"), unit=labels.get("unit"))
        return
    tally.lines += 1
    tally.spoil(1, "JSON of no known carrier")


# --------------------------------------------------------------------------------------------------- verbose


def read_verbose(stream: Lines, tally: Tally) -> Iterator[Draft]:
    """journalctl -o verbose: a head line with the cursor, then ``    FIELD=value``, continuation indented by 12."""
    fields: dict[str, str] = {}
    record, last = 0, ""
    lossy = False

    def finish() -> list[Draft]:
        if lossy:
            tally.lose(record, "message not printable, replaced by journalctl")
        return from_fields(fields, tally, record, lossy=lossy) if fields else []

    while row := stream.readline(MESSAGE_LIMIT):
        text = strip_terminal(row.decode("utf-8", "replace").rstrip("\r\n"))
        head = _VERBOSE_HEAD.match(text)
        if head is not None:
            yield from finish()
            record += 1
            tally.lines += 1
            cursor = dict(part.split("=", 1) for part in head.group(1).split(";") if "=" in part)
            fields, last, lossy = {}, "", False
            try:
                fields["__REALTIME_TIMESTAMP"] = str(int(cursor["t"], 16))
                fields["__MONOTONIC_TIMESTAMP"] = str(int(cursor["m"], 16))
                fields["_BOOT_ID"] = cursor["b"]
            except (KeyError, ValueError):
                pass
            continue
        field = _VERBOSE_FIELD.match(text)
        if field is not None and fields:
            last = field.group(1)
            fields[last] = field.group(2)
            if last == "MESSAGE" and re.fullmatch(r"\[\d+(?:\.\d)?[BKMGT] blob data\]", field.group(2)):
                lossy = True
        elif last and text.startswith(" " * 12) and len(fields[last]) < MESSAGE_LIMIT:
            fields[last] += "\n" + text[12:]
    yield from finish()
