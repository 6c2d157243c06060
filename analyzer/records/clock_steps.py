"""Clock steps where no monotonic clock tells: a line of the time daemon near a jump, or time running back.

With such a signal the earlier records of that boot are moved so that the step takes no time on the axis. Without one,
time that goes back inside one process is a step all the same, and what follows is put behind what stands before it:
the axis goes on with the clock on which the process began. How much time passed at the step nothing tells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise, takewhile

from analyzer.records.draft import Draft, Outer, Process
from analyzer.records.grouping import grouped
from analyzer.records.log_record import Stamp
from analyzer.records.startup_order import ANNOUNCED, BANNER, IS_UP, WRAPPER
from analyzer.timebase import SECOND, jumps

STEP_SIGNAL = re.compile(
    r"Time has been changed|Initial clock synchronization to|System clock time unset or jumped backwards|"
    r"System clock wrong by|System clock was stepped by|time jumped|Clock change detected"
)

_FIRST_K3S = 1_546_300_800 * SECOND  # 2019: no clock that was right shows an earlier year
_SILENT_HOUR = 3540 * SECOND  # nearly: the clock may have been set by just that much
_BEGINS = ("Starting k3s ", "Starting rke2 ")
_IN_FRONT = re.compile(f"{WRAPPER.pattern}|{BANNER.pattern}")
_BEGINS_ANEW = re.compile(f"{ANNOUNCED.pattern}|{_IN_FRONT.pattern}|.*Scheduled restart job")
_OVERTAKEN = SECOND  # threads overtake one another by less: measured, 0.1 s
_NEXT_LINES = 40  # looked at for what follows a fall of the stamps
_FOLLOWING = 5  # … of the same process
_UNDONE = 0.6  # a leap forward by this part of the fall undoes it: lines out of order, no step


@dataclass(slots=True)
class Step:
    """A clock step before a draft is numbered: the draft after it and by how many µs the clock moved."""

    draft: Draft
    by: int


def is_step_signal(message: str) -> bool:
    """Whether a time daemon, or the kernel, says that the clock was set; most lines fail at two short words."""
    return ("lock " in message or "ime " in message) and STEP_SIGNAL.search(message) is not None


def text_steps(drafts: Sequence[Draft]) -> list[Step]:
    """The steps of every host and boot of one source; its drafts have their places on the axis, and may be moved."""
    placed = [d for d in drafts if d.rt is not None and d.clock.basis != "elapsed" and not (d.follows or d.foreign)]
    by_text = (d for d in placed if d.mono is None or d.boot_id is None)
    steps: list[Step] = []
    for lines in grouped(((d.host, d.boot_id, d.boot_seq), d) for d in by_text).values():
        steps += steps_between_clocks(lines, 2 * SECOND) if lines[0].mono is not None else _Lines(lines).steps()
    return steps


def steps_between_clocks(lines: Sequence[Draft], least: int = SECOND) -> list[Step]:
    """The steps of lines with a monotonic stamp: its difference from the realtime changes."""
    return [Step(lines[at], by) for at, by in jumps([(d.rt or 0) - (d.mono or 0) for d in lines], least)]


@dataclass(slots=True)
class _Lines:
    """The lines of one boot of one host, in the order of the text."""

    lines: Sequence[Draft]
    latest: dict[Process, Draft] = field(default_factory=dict)  # of each program: only its own lines are in order
    starting: set[Process] = field(default_factory=set)
    moved: int = 0  # by how much the lines from here on are put later
    floor: int | None = None  # nothing from here on is older

    def steps(self) -> list[Step]:
        """All steps, in the order of the text."""
        found: list[Step] = []
        lines = self.lines
        signals = [i for i, d in enumerate(lines) if is_step_signal(d.message)]
        carried = any(d.outer is not Outer.NONE for d in lines)
        done: set[int] = set()
        for index, draft in enumerate(lines):
            writer = draft.process
            signal = next((s for s in signals if s not in done and abs(s - index) <= 1), None)
            by = (draft.rt or 0) - (lines[index - 1].rt or 0) if index else 0
            told = (signal is not None and index > 0) or self._was_unset(index, draft)
            if self.moved < 0 and self._begins(index):
                self.moved, self.floor = 0, None  # the next process has a clock that is right
            if told and (by < -SECOND or by > 60 * SECOND):
                done.update(s for s in signals if abs(s - index) <= 3)
                found.append(Step(draft, by))
                _shift(lines[:index], by, draft)
                self.latest.clear()
            before = self.latest.get(writer)
            if before is None and index and ANNOUNCED.match(lines[index - 1].message):
                before = lines[index - 1]  # systemd's line of the same process, which comes first
            if before is not None and (draft.outer is not Outer.NONE or not carried):
                step = self._back(index, draft, before) or self._leap(index, draft, before)
                if step is not None:
                    found.append(step)
            self._move(draft)
            self.latest[writer] = draft
            if draft.message.startswith(_BEGINS):
                self.starting.add(writer)
            elif draft.message.endswith(IS_UP):
                self.starting.discard(writer)
        return found

    def _begins(self, index: int) -> bool:
        """Whether another process begins here: systemd announces it, or its banner follows, behind its wrapper's words.

        systemd's lines of the same process stand on the same clock as its own: they come before all of those.
        """
        message = self.lines[index].message
        if ANNOUNCED.match(message) or BANNER.match(message):
            return True
        if not WRAPPER.match(message):
            return False
        writer = self.lines[index].process
        near = (d.message for d in islice(self.lines, index + 1, index + _NEXT_LINES) if d.process == writer)
        return any(BANNER.match(said) for said in takewhile(lambda said: _IN_FRONT.match(said), near))

    def _was_unset(self, index: int, draft: Draft) -> bool:
        """Whether the clock showed a time before there was k3s, until here; ``-u k3s`` hides the time daemon."""
        neighbour = self.lines[index - 1]
        # A line of another carrier between them, whose year is not known, is no sign.
        alike = index > 0 and neighbour.outer is draft.outer
        return alike and (neighbour.rt or 0) < _FIRST_K3S <= (draft.rt or 0)

    def _leap(self, index: int, draft: Draft, before: Draft) -> Step | None:
        """The step at a line an hour after the one before it, of a process that starts.

        Such a process is never silent for an hour: its wall clock was set, or it did not run, and nothing tells how
        long.
        """
        neighbour = self.lines[index - 1]
        if draft.process not in self.starting or not draft.outer is neighbour.outer is before.outer:
            return None
        now = draft.rt or 0
        by = min(now - (neighbour.rt or 0), now - (before.rt or 0))
        if by <= _SILENT_HOUR:
            return None
        self._put_after(before, draft, by)
        return Step(draft, by)

    def _put_after(self, before: Draft, draft: Draft, by: int) -> None:
        """The lines from ``draft`` on behind ``before``, as if the step of ``by`` took no time.

        Both stamps are cut off: what lies between them and a later line is known to that much less.
        """
        self.moved -= by + _precision(draft)
        self.floor = before.at.us if before.at is not None else None
        self.latest.clear()

    def _back(self, index: int, draft: Draft, before: Draft) -> Step | None:
        """The step at a line that is older than the one before it of the same process."""
        by = (draft.rt or 0) - (before.rt or 0)
        if -by < _OVERTAKEN + (_precision(draft) or SECOND) or self._of_another(draft, before):
            return None
        following = self._following(index)
        if not following:  # its last line: what others say until the next one
            near = self.lines[index + 1 : index + 1 + _FOLLOWING]
            following = list(takewhile(lambda d: not _BEGINS_ANEW.match(d.message), near))
        stamps = [draft.rt or 0, *(d.rt or 0 for d in following)]
        leaps = (after - earlier for earlier, after in pairwise(stamps))
        if max(leaps, default=0) < -by * _UNDONE:
            self._put_after(before, draft, by)
        elif index > 1 and (self.lines[index - 2].rt or 0) <= (draft.rt or 0):
            return None  # two neighbours changed places over a silence
        return Step(draft, by)

    def _of_another(self, draft: Draft, before: Draft) -> bool:
        """Whether a line without a pid is another process's, of which the text has nothing to compare with."""
        if draft.pid is not None:
            return False
        if WRAPPER.match(before.message):
            return False  # nobody else speaks before its banner
        return _BEGINS_ANEW.match(draft.message) is not None or before.is_last_word

    def _following(self, index: int) -> list[Draft]:
        """The next lines of the process, this one's included when it begins one."""
        writer = self.lines[index].process
        near = islice(self.lines, index, index + _NEXT_LINES)
        found = list(islice((d for d in near if d.process == writer), _FOLLOWING + 1))
        return found[1:] if found and not BANNER.match(found[0].message) else found

    def _move(self, draft: Draft) -> None:
        at = draft.at
        if at is not None and (self.moved or self.floor is not None):
            us = at.us + self.moved
            draft.at = Stamp(us if self.floor is None else max(us, self.floor), at.precision_us)


def _precision(draft: Draft) -> int:
    return draft.precision if draft.outer is not Outer.NONE else draft.inner_precision


def _shift(lines: Sequence[Draft], by: int, after: Draft) -> None:
    """Lines before a step on the clock of the line ``after`` it, and in its zone: summer time may lie between."""
    offset = after.clock.utc_offset
    for draft in lines:
        at = draft.at
        if at is not None:
            draft.at = Stamp(at.us + by, at.precision_us)
        if draft.offset_s is not None and after.offset_s is not None:
            draft.offset_s = after.offset_s
        if offset is not None and draft.clock.utc_offset is not None:
            draft.clock = replace(draft.clock, utc_offset=offset)
