"""klog's own health reports, put together again from the log entries they were split into.

The server prints ``a,b check failed: readyz`` (V(2)) followed by one ``[-]name failed: <real reason>`` line per failing
check; journald makes an entry of each line, and people's pastes begin or end anywhere in between. Old servers print a
whole body, ``[+]`` lines and trailer included, and its first line shares the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.events.event import HealthBlock
from analyzer.events.readyz import parse_body, unescape
from analyzer.records.log_record import LogRecord, Payload

_ENDPOINT = r"(?P<endpoint>readyz|healthz|livez)"
_HEADER = re.compile(rf"^(?P<names>\S+)\s+check failed: {_ENDPOINT}\b")
_SINGLE = re.compile(rf"^{_ENDPOINT} check (?P<name>\S+) failed: (?P<reason>.*)$")
_TRAILER = re.compile(rf"^{_ENDPOINT} check (?:failed|passed)$")
_LINE = re.compile(r"^[\s*_>`]*\[[+-]\]\w")
_SANE = re.compile(r"^[A-Za-z0-9][^\s\[\]\"'`()<>{}&\\,;*|…]{0,199}$")


@dataclass(slots=True)
class _Open:
    """A block whose lines are still arriving."""

    record: LogRecord
    endpoint: str
    named: tuple[str, ...] = ()  # as the header has them
    has_header: bool = False
    header_cut: bool = False
    failing: dict[str, str | None] = field(default_factory=dict)  # from the body
    trailer: bool = False

    def add(self, text: str) -> None:
        body = parse_body(text)
        if body is not None:
            reasons = dict(body.reasons)
            for name in body.failing:
                self.failing[name] = self.failing.get(name) or reasons.get(name)
            self.endpoint = self.endpoint or body.endpoint or ""

    def close(self) -> HealthBlock:
        """The block as far as its lines have been seen."""
        whole = bool(self.named) or self.trailer
        return HealthBlock(
            record=self.record,
            # The header names every failing check, whether or not its own line is in the text.
            failing=tuple(dict.fromkeys((*self.named, *self.failing))),
            reasons=tuple((name, reason) for name, reason in self.failing.items() if reason),
            endpoint=self.endpoint,
            complete=self.has_header and not self.header_cut and bool(self.endpoint) and whole,
        )


class HealthAssembler:
    """Fed with the records of one process in order; yields every block once its last line has been seen.

    ``failing`` of a block are the checks that its header names and those of its ``[-]`` lines. ``endpoint`` is empty
    when neither header nor trailer is there: such a block says nothing about readiness.
    ``complete`` is False when the block's begin or end lies outside the text.
    """

    def __init__(self) -> None:
        self._open: _Open | None = None

    def feed(self, record: LogRecord) -> Iterator[HealthBlock]:
        """Take the next record; yields the block that it ends, if any."""
        message = record.message
        if self._open is None and record.file != "healthz.go" and not self._may_begin(message):
            return
        first, *rest = unescape(message).split("\n") if "\\n" in message or "\n" in message else [message]
        stripped = first.strip(" \t*_>`")
        header = _HEADER.match(stripped)
        single = _SINGLE.match(stripped)
        if header is not None or single is not None:
            yield from self.finish()
            self._open = self._begin(record, header, single)
            for line in rest:
                self._open.add(line)
            return
        if not self._is_body_line(record, stripped):
            # Blank lines and systemd's may stand between the lines of a block; anything else ends it.
            if stripped and record.payload is not Payload.SYSTEMD:
                yield from self.finish()
            return
        if self._open is None or (record.file == "healthz.go" and _LINE.match(first)):
            yield from self.finish()
            # Up to Kubernetes 1.16 the header line carries the first check itself.
            self._open = _Open(record, "", has_header=record.file == "healthz.go")
        for line in (first, *rest):
            trailer = _TRAILER.match(line.strip(" \t*_>`"))
            if trailer is not None:
                self._open.endpoint, self._open.trailer = trailer["endpoint"], True
                yield from self.finish()
                return
            self._open.add(line)

    def finish(self) -> Iterator[HealthBlock]:
        """The block, or the text, is over; yields the one that was open, if any."""
        block, self._open = self._open, None
        if block is not None and (block.failing or block.named or block.trailer):
            yield block.close()

    @staticmethod
    def _may_begin(message: str) -> bool:
        return "check failed: " in message or (message[:8].lstrip(" \t*_>`")[:1] == "[" and bool(_LINE.match(message)))

    def _is_body_line(self, record: LogRecord, stripped: str) -> bool:
        ends = self._open is not None and _TRAILER.match(stripped) is not None
        others = (Payload.LOGRUS, Payload.ZAP, Payload.SYSTEMD)
        return record.payload not in others and (ends or _LINE.match(stripped) is not None)

    @staticmethod
    def _begin(record: LogRecord, header: re.Match[str] | None, single: re.Match[str] | None) -> _Open:
        if header is None:
            assert single is not None
            found = _Open(record, single["endpoint"], (single["name"],), has_header=True)
            found.failing[single["name"]] = single["reason"].strip() or None
            return found
        names = header["names"].split(",")
        sane = tuple(name for name in names if _SANE.match(name))
        # An ellipsis in the middle (systemctl status) or a cut leaves names that are none.
        return _Open(record, header["endpoint"], sane, has_header=True, header_cut=len(sane) != len(names))
