"""``systemctl status``: the head of a block, its state and since when, and whose lines stand below it."""

from __future__ import annotations

import re

from analyzer.records.carriers.carrier import dated
from analyzer.records.draft import Draft
from analyzer.records.log_record import RAW_LIMIT, Payload

_HEAD = re.compile(r"\s*(?:[●○×↻*x]|â\S*) (\S+\.service)(?: - |$)")
_ACTIVE = re.compile(
    r"\s*Active: ([a-z-]{2,20} \([^()]{1,80}\)(?: \([^()]{1,80}\))?)"
    r"(?: since (?:[A-Z][a-z]{2} )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([A-Za-z]{1,6}|[+-]\d{2,4}))?"
    r"(?:; ([\w ]{1,60}) ago)?"
)
_MAIN_PID = re.compile(r"\s*Main PID: (\d{1,9})\b")
# A helper whose failure keeps the unit from being started; the units ignore what becomes of modprobe.
_HELPER = re.compile(
    r"\s*Process: \d{1,9} ExecStartPre=(?!\S*/modprobe ).{1,500}\(code=(?:exited, status=[1-9]|killed|dumped)"
)
# How the main process ended: a code stands behind its number when it is over, and behind its command.
_CODE = r"\(code=(?:exited|killed|dumped), (?:status|signal)="
_EXITED = re.compile(rf"\s*Main PID: \d{{1,9}} {_CODE}")
_EXITED_COMMAND = re.compile(rf"\s*Process: \d{{1,9}} ExecStart=.{{1,500}}?{_CODE}")
_OVER = re.compile(r"\((?:auto-restart|start-pre|dead|Result: [\w-]+)\)")  # no process of the unit runs
_SPAN = re.compile(r"(\d{1,6}) ?([a-z]+)")
_UNITS = {
    "y": 31_557_600, "year": 31_557_600, "years": 31_557_600, "month": 2_629_800, "months": 2_629_800,
    "w": 604_800, "week": 604_800, "weeks": 604_800, "d": 86_400, "day": 86_400, "days": 86_400,
    "h": 3600, "min": 60, "s": 1, "ms": 0, "us": 0,
}  # fmt: skip
_SHOWN = 10  # lines of the log below a block, unless told otherwise
_FAMILY = re.compile(r"(k3s|rke2)(?:[-_@.][\w.@-]+)?\.service$")


def is_head(text: str) -> bool:
    """Whether a line begins the block of a unit."""
    return _HEAD.match(text) is not None


def ago_s(text: str) -> int | None:
    """Seconds of ``1h 2min`` or ``2 weeks 3 days``, cut off to what it names; ``None``: no such span."""
    found = _SPAN.findall(text)
    if not found or any(unit not in _UNITS for _, unit in found):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in found)


class StatusBlock:
    """The last block of one text: of which unit it is, and its main process."""

    def __init__(self) -> None:
        self.unit = ""
        self.pid: int | None = None
        self._ended: tuple[str, str] | None = None  # when the unit's last attempt was over: wall clock and zone
        self._over = False
        self._inside = False  # nothing but this block's lines was seen since its head
        self._blanks = 0
        self._claimed: list[Draft] = []

    def head(self, text: str) -> str | None:
        """The unit that a line begins a block of."""
        match = _HEAD.match(text)
        if match is None:
            return None
        self.unit, self.pid, self._inside, self._blanks = match[1], None, True, 0
        self._ended, self._over = None, False
        self._claimed = []
        return match[1]

    def blank(self) -> None:
        """An empty line: one stands between the block and its log, the next one ends both."""
        self._blanks += 1

    def leave(self) -> None:
        """Other text begins."""
        self._inside = False

    def records(self, text: str, source: int, line: int) -> list[Draft]:
        """Drafts of the head, of the state, of a helper that failed and of how the last run ended; else none."""
        pid = _MAIN_PID.match(text)
        if pid is not None:
            self.pid = int(pid[1])
        active = _ACTIVE.match(text)
        ended = _EXITED.match(text) is not None
        ended = ended or (self._over and (_HELPER.match(text) or _EXITED_COMMAND.match(text)) is not None)
        if active is None and not ended and not is_head(text):
            return []
        draft = Draft(source, line, text[:RAW_LIMIT], text.strip(), Payload.SYSTEMD, ident="systemd")
        draft.unit = self.unit or None
        if active is not None:
            self._state(draft, active)
        elif ended and self._ended is not None:
            draft.stamped(dated(*self._ended))
        return [draft]

    def _state(self, draft: Draft, active: re.Match[str]) -> None:
        state, wall, zone, ago = active.groups()
        self._over = _OVER.search(state) is not None
        fields = {"state": state}
        span = ago_s(ago) if ago is not None else None
        if span is not None:
            fields["ago_s"] = str(span)
        if wall is not None:
            fields["since"] = f"{wall} {zone}"
            self._ended = wall, zone
            draft.stamped(dated(wall, zone))
        draft.fields = fields

    def claim(self, draft: Draft) -> None:
        """A line without a stamp right below the block is one of the unit's own.

        A block shows a unit's last lines only: a whole log below it is another one, of which it says nothing.
        """
        family = _FAMILY.match(self.unit)
        if not self._inside or self._blanks >= 2 or family is None:
            return
        self._claimed.append(draft)
        draft.unit, draft.ident, draft.pid = self.unit, family[1], self.pid
        if len(self._claimed) > _SHOWN:
            self._inside = False
            for claimed in self._claimed:
                claimed.unit = claimed.ident = claimed.pid = None
