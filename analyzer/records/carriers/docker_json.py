"""Docker's json-file: a line's text in an object, cut at 16 KiB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.records.carriers.carrier import Carrier, Envelope
from analyzer.records.carriers.iso_stamps import PIECE
from analyzer.records.draft import Outer, Tally
from analyzer.timebase import LATEST, SECOND, parse_iso


def _parse(data: Mapping[str, Any], tally: Tally, line: int) -> Envelope | None:
    text = data.get("log")
    if not isinstance(text, str) or not ("stream" in data or "time" in data):
        return None
    instant = parse_iso(str(data.get("time", "")))
    envelope = Envelope(
        text.rstrip("\r\n"), partial=_goes_on(data, text), stream=str(data.get("stream")), carrier="docker-json"
    ).stamped(instant if instant is not None and instant.offset_s is not None else None)
    seconds = data.get("date")
    if envelope.outer is Outer.NONE and isinstance(seconds, float) and 0 < seconds < LATEST / SECOND:
        envelope.outer, envelope.value, envelope.precision = Outer.UTC, round(seconds * SECOND), 1
    return envelope


def _goes_on(data: Mapping[str, Any], text: str) -> bool:
    """Whether the text is a piece of a line: docker ends the last one with the line's end, which shippers take away."""
    flag = data.get("_p", data.get("logtag"))
    if isinstance(flag, str):
        return flag.startswith("P")
    return not text.endswith("\n") and ("date" not in data or len(text) >= PIECE)


DOCKER_JSON = Carrier("docker-json", Outer.UTC, ("docker-json",), parse=_parse)
