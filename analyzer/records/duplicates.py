"""Lines that were delivered twice: the same stamp, process and words again, near the first.

Shippers deliver at least once, and people paste with both hands. A program's own repeats are kept: they have another
stamp, another pid, or (journals of fields) another cursor. Whole blocks that stand a second time far away are the
business of ``merge.drop_repeats``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from analyzer.records.draft import Draft, Inner, Outer, Tally
from analyzer.records.log_record import Payload
from analyzer.records.merge import BLOCK, GIVEN_TWICE, in_the_log, without
from analyzer.records.startup_order import BANNER
from analyzer.timebase import SECOND

# How far apart, on the stamps, a line and its copy may be. Words in coarse stamps come again when a clock was set back.
_FAR_COARSE, _FAR_FINE = 10 * SECOND, 600 * SECOND
_NEXT_RUN = "Scheduled restart job"
# What stands below a line of its process in pieces that the carrier stamped one by one, and may stand there often.
_PIECES = ("[-]", "[+]", "goroutine ", "\t")
_Key = tuple[Hashable, ...]


@dataclass(slots=True)
class _Clock:
    """The lines seen on one clock of one host: those near the latest stamp, in two generations."""

    latest: int | None = None
    begun: int = 0
    young: dict[_Key, set[str]] = field(default_factory=dict)
    old: dict[_Key, set[str]] = field(default_factory=dict)
    ended: bool = False  # last words since the generation began, of a process without a pid

    def move(self, stamp: int, far: int) -> None:
        """Go on to a line of this stamp; forget what is too far from it."""
        if self.latest is None or abs(stamp - self.latest) > far:
            self.clear(stamp)
        elif abs(stamp - self.begun) > far:
            self.old, self.young, self.begun = self.young, {}, stamp
        self.latest = stamp

    def clear(self, stamp: int) -> None:
        """Forget all: the clock leapt, or another process of the same name began."""
        self.old, self.young, self.begun, self.ended = {}, {}, stamp, False

    def seen(self, key: _Key) -> set[str] | None:
        """The further lines of an earlier line with this key, ``None`` when there was none."""
        known = self.young.get(key)
        if known is None and (known := self.old.get(key)) is not None:
            self.young[key] = known
        return known


class _Reader:
    """Goes through the drafts of one source and says of each whether it is a copy."""

    def __init__(self) -> None:
        self.clocks: defaultdict[Hashable, _Clock] = defaultdict(_Clock)
        self.runs: defaultdict[Hashable, int] = defaultdict(int)  # restarts that systemd announced, by unit
        # By process: the further lines that its present line had when it stood there before, and those that it has now.
        self.owned: dict[Hashable, tuple[set[str], set[str]]] = {}
        self.before: Draft | None = None

    def copy(self, draft: Draft) -> bool:
        """Whether the line stands a second time."""
        before, self.before = self.before, draft
        if draft.inner is Inner.ELAPSED and draft.outer is Outer.NONE:
            self._owner(draft, set())
            # The next run has the same seconds: only a pair is one line, and last words may be those of two runs.
            return _same(before, draft) and not draft.is_last_word
        if draft.follows or (draft.inner is Inner.NONE and (draft.outer is Outer.NONE or _is_piece(draft))):
            return self._further(before, draft)
        return self._stamped(draft)

    def _owner(self, draft: Draft, known: set[str]) -> None:
        """From here on the process's further lines belong to this one, of which ``known`` were read before."""
        before, now = self.owned.get(_process(draft), (set(), set()))
        before.update(now)
        self.owned[_process(draft)] = (known, set())

    def _further(self, before: Draft | None, draft: Draft) -> bool:
        known, now = self.owned.get(_process(draft), (set(), set()))
        if draft.raw and (draft.raw in known or _same(before, draft)):
            return True
        now.add(draft.raw)
        return False

    def _stamped(self, draft: Draft) -> bool:
        bare = draft.outer is Outer.NONE
        stamp = draft.inner_value if bare else draft.value
        precision = draft.inner_precision if bare else draft.precision
        clock = self.clocks[draft.outer, draft.inner if bare else 0, draft.etcd and bare, draft.host, draft.boot_seq]
        # Without a pid two servers, or two runs, may say the same in one second: a copy stands in the same second.
        far = _FAR_FINE if precision < SECOND else 0 if draft.pid is None else _FAR_COARSE
        clock.move(stamp, far)
        unit = (draft.host, draft.unit)
        announced = draft.payload is Payload.SYSTEMD and _NEXT_RUN in draft.message
        run = self.runs[unit] if draft.payload is Payload.SYSTEMD and not announced else 0
        key: _Key = (
            stamp, draft.mono, draft.cursor, draft.ident, draft.pid, draft.boot_id, run, draft.raw, draft.message,
        )  # fmt: skip
        known = clock.seen(key)
        if draft.pid is None and precision >= SECOND and BANNER.match(draft.message):
            if known is not None and clock.ended:
                clock.clear(stamp)  # it ended and was started again within the second
                known = None
            clock.ended = False  # what ends from here on is what began here
        if known is not None:
            self._owner(draft, known)
            return True
        clock.young[key] = set()
        self._owner(draft, clock.young[key])
        clock.ended = clock.ended or draft.is_last_word
        if announced:
            self.runs[unit] += 1
        return False


def _process(draft: Draft) -> Hashable:
    return draft.host, draft.ident, draft.pid


def _is_piece(draft: Draft) -> bool:
    return draft.payload in (Payload.PANIC, Payload.TRACE) or draft.message.startswith(_PIECES)


def _same(before: Draft | None, draft: Draft) -> bool:
    """Whether two neighbours are equal but for their place."""
    return (
        before is not None
        and before.raw == draft.raw
        and before.message == draft.message
        and (before.outer, before.value, before.inner_value) == (draft.outer, draft.value, draft.inner_value)
        and before.cursor == draft.cursor
    )


def drop_twice(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """The drafts without lines that were delivered twice; what was missing before such a line is missing all the same.

    A line without a stamp is a copy when the line that it belongs to is one and had it already, or beside its like.
    """
    reader = _Reader()
    copies = {place for place, draft in enumerate(drafts) if reader.copy(draft)}
    if not copies:
        return drafts
    lines = {drafts[place].line for place in copies}
    tally.reasons[GIVEN_TWICE] += len(lines)
    if len(lines) >= BLOCK:
        tally.notes.append(in_the_log(len(lines)))
    return without(drafts, copies, copies)
