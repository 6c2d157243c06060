"""Carriers written from an export file by a parser of the tests' own, so that the reader is not checked by itself."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.kit.score_recorded import read_export

DATA = Path(__file__).parents[1] / "data"
CARRIERS = DATA / "carriers"
RECORDED = DATA / "recorded"

Row = dict[str, bytes]


def export_rows(path: Path) -> list[Row]:
    return read_export(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


def moment(row: Row, hours: float = 0) -> datetime:
    realtime = int(row["__REALTIME_TIMESTAMP"])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=realtime) + timedelta(hours=hours)


def tail(row: Row) -> bytes:
    return b"%s %s[%s]: %s" % (row["_HOSTNAME"], row["SYSLOG_IDENTIFIER"], row["_PID"], row["MESSAGE"])


def as_export(rows: list[Row]) -> bytes:
    return b"".join(b"".join(k.encode() + b"=" + v + b"\n" for k, v in row.items()) + b"\n" for row in rows)


def as_short(rows: list[Row], hours: float = 0) -> bytes:
    return b"".join(f"{moment(r, hours):%b %d %H:%M:%S} ".encode() + tail(r) + b"\n" for r in rows)


def as_iso(rows: list[Row], zone: str = "+00:00") -> bytes:
    return b"".join(f"{moment(r):%Y-%m-%dT%H:%M:%S}{zone} ".encode() + tail(r) + b"\n" for r in rows)


def as_json(rows: list[Row]) -> bytes:
    return b"".join(json.dumps({k: v.decode("utf-8", "replace") for k, v in r.items()}).encode() + b"\n" for r in rows)


def as_cat(rows: list[Row]) -> bytes:
    return b"".join(r["MESSAGE"] + b"\n" for r in rows if r["SYSLOG_IDENTIFIER"] == b"k3s")


def carriers(rows: list[Row]) -> Iterator[tuple[str, bytes]]:
    yield "export", as_export(rows)
    yield "json", as_json(rows)
    yield "iso", as_iso(rows)
    yield "short", as_short(rows)
    yield "cat", as_cat(rows)
