"""journalctl -o verbose: every field of an entry on a line of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.records.carriers.carrier import Carrier, Opened
from analyzer.records.carriers.journal_fields import BLOB, MESSAGE_LIMIT, from_fields
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.records.printable import COLOUR, strip_terminal

_BEGIN = re.compile(
    rb"(?:-- [^\n]*\n)*(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \S+ \[s="
)
_HEAD = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \S+ \[(s=[0-9a-f]*;[^\]]*)\]"
)
_FIELD = re.compile(r"    ([A-Z0-9_]{1,64})=(.*)", re.DOTALL)


def _begins(head: bytes) -> bool:
    return _BEGIN.match(COLOUR.sub(b"", head)) is not None


def _read(opened: Opened, tally: Tally) -> Iterator[Draft]:
    """journalctl -o verbose: a head line with the cursor, then ``    FIELD=value``, continuation indented by 12."""
    tally.format = "verbose"
    fields: dict[str, str] = {}
    record, last = 0, ""
    lossy = False

    def finish() -> list[Draft]:
        if lossy:
            tally.lose(record, "message not printable, replaced by journalctl")
        return from_fields(fields, tally, record, lossy=lossy) if fields else []

    while row := opened.reader.readline(MESSAGE_LIMIT):
        text = strip_terminal(row.decode("utf-8", "replace").rstrip("\r\n"))
        head = _HEAD.match(text)
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
        field = _FIELD.match(text)
        if field is not None and fields:
            last = field.group(1)
            fields[last] = field.group(2)
            if last == "MESSAGE" and BLOB.fullmatch(field.group(2)):
                lossy = True
        elif last and text.startswith(" " * 12) and len(fields[last]) < MESSAGE_LIMIT:
            fields[last] += "\n" + text[12:]
    yield from finish()


VERBOSE = Carrier("verbose", Outer.UTC, ("verbose",), begins=_begins, read=_read)
