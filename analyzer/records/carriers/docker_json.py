"""Docker's json-file: a line's text in an object, cut at 16 KiB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.records.carriers.carrier import Carrier, Envelope
from analyzer.records.draft import Outer, Tally
from analyzer.timebase import parse_iso


def _parse(data: Mapping[str, Any], tally: Tally, line: int) -> Envelope | None:
    text = data.get("log")
    if not isinstance(text, str) or not ("stream" in data or "time" in data):
        return None
    instant = parse_iso(str(data.get("time", "")))
    return Envelope(
        text.rstrip("\r\n"), partial=not text.endswith("\n"), stream=str(data.get("stream")), carrier="docker-json"
    ).stamped(instant if instant is not None and instant.offset_s is not None else None)


DOCKER_JSON = Carrier("docker-json", Outer.UTC, ("docker-json",), parse=_parse)
