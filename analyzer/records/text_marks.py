"""What stands between the lines of a log and is none: marks of boots, headers, status blocks, traces of copying."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analyzer.records.carriers.carrier import dated
from analyzer.records.draft import Draft
from analyzer.records.months import month_number
from analyzer.timebase import SECOND, parse_iso

BOOT = re.compile(r"-- (?:Boot ([0-9a-f]{32}) --|Reboot --)")  # another one begins; its id
_BEGINS = re.compile(r"-- (?:Logs begin|Journal begins) at (.+?)(?:, ends? at (.+?))?\.? ?(?:--)?$")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([A-Z]{1,5}|[+-]\d{2,4})")
STATUS = re.compile(
    r"\s*(?:Loaded|Active|Main PID|Process|Tasks|Memory|CPU|CGroup|Docs|Invocation|Drop-In|Status|TriggeredBy|IO|IP): |"
    r"\s+[├└│]|\s+`-|\s+\|-"
)
NOISE = re.compile(
    r"lines \d+-\d+|\(END\)|~$|Hint: Some lines were ellipsized|(?:Notice|Warning): [Jj]ournal has been rotated|```|"
    r"[$#] |\[\w+@[^\]]+\][$#]|\w[\w.\-]*@[\w.\-]+:\S*[$#] |section_(?:start|end):\d|##\[|Common labels: |Line limit: |"
    r"Total bytes processed: |</?(?:code|pre|details|summary)>"
)
_CUT_BY_HAND = r"snip|snipped|cut|truncated|omitted|redacted|removed|shortened|elided|skipped|gekürzt|more lines?"
_FEW_WORDS = r"[\s.…-]{0,4}(?:\w{1,12} ){0,3}" + f"(?:{_CUT_BY_HAND})" + r"(?: \w{1,12}){0,3}[\s.…-]{0,4}"
ELISION = re.compile(
    r"\s{0,8}(?:\.{2,}|…+|--|\[?(?:snip|\.\.\.)\]?|[# ]{0,8}(?:\.{3}|…).{1,40}?(?:\.{3}|…)|"
    rf"[\[<(*#-]{{1,4}}{_FEW_WORDS}[\]>)*#-]{{1,4}})\s{{0,8}}$",
    re.IGNORECASE,
)
# The banner of cloud-init's output; the installer's lines in it have no stamps of their own.
_CLOUD_INIT = re.compile(
    r"Cloud-init v\. \S+ .{0,80} at (?:\w{3}, )?(\d{1,2}) (\w{3}) (\d{4}) (\d\d:\d\d:\d\d) [+-]\d{4}\b"
)
DateHint = tuple[int, int | None]
"""Local time in µs, and the offset of its zone in s, where it is told."""


@dataclass(slots=True)
class Hole:
    """Whether lines are missing above the next one: ``gap``; ``lost``: for good, not passed over as of no use."""

    gap: bool = False
    lost: bool = False

    def tear(self) -> None:
        """Lines were lost here."""
        self.gap = self.lost = True

    def mark(self, draft: Draft) -> None:
        """The line below the hole."""
        if self.gap:
            draft.gap_before, draft.lost_before = True, self.lost
            self.gap = self.lost = False


@dataclass(slots=True)
class Boots:
    """Which boot the lines of a text are of, as the marks between them tell."""

    id: str | None = None
    seq: int = 0
    _met: list[str | None] = field(default_factory=lambda: [None])  # the one before the first mark

    def begin(self, boot: str | None) -> None:
        """A mark stands here; an old one names no boot."""
        if boot is None or boot not in self._met:
            self._met.append(boot)
            self.seq = len(self._met) - 1
        else:
            self.seq = self._met.index(boot)
        self.id = boot

    def mark(self, draft: Draft) -> Draft:
        """The line is of this boot."""
        draft.boot_id, draft.boot_seq = self.id, self.seq
        return draft


def header_date(text: str) -> DateHint | None:
    """The date in journalctl's header of old: the end of what it shows."""
    begins = _BEGINS.match(text)
    return date_in(begins.group(2) or begins.group(1)) if begins is not None else None


def date_in(text: str) -> DateHint | None:
    """The first date with a zone in a text."""
    match = _DATE.search(text)
    if match is None:
        return None
    instant = dated(match[1], match[2]) or dated(match[1], "")
    return (instant.us + (instant.offset_s or 0) * SECOND, instant.offset_s) if instant is not None else None


def cloud_init_date(text: str) -> DateHint | None:
    """The date in cloud-init's banner; its zone need not be that of the log's stamps: only the year is taken."""
    banner = _CLOUD_INIT.search(text)
    month = month_number(banner[2]) if banner is not None else None
    if banner is None or month is None:
        return None
    wall = parse_iso(f"{banner[3]}-{month:02d}-{int(banner[1]):02d}T{banner[4]}")
    return (wall.us, None) if wall is not None else None
