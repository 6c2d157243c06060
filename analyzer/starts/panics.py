"""Panics, and whether the process survived them.

Go's HTTP server and Kubernetes' own handlers recover panics: what they print looks like a crash, and the process goes
on. Only its further lines tell them apart; the last words of a process are a crash.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product

from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.last_activity import is_ordinary
from analyzer.starts.start import Start

# The runtime prints these when nobody recovered: all goroutines are over then, but their last lines may arrive late.
_RAW = re.compile(r"^(?:panic: |fatal error: |SIG[A-Z]{3,4}: |\[signal )")
# The words are those of a line at fatal level of klog: it ends the process by itself.
_FATAL_INSIDE = re.compile(r'^"?Observed a panic: "?F\d{4} ')
_LATE_US = 1_000_000
_ANOTHER_US = 2_000_000  # so long after the last line of a dump another one begins
_BETWEEN = 40  # ordinary lines within a dump
_FEW = 3  # ordinary lines without stamps: so many are no late ones
_DUMP_LIMIT = 5000
_FRAME = re.compile(
    r"^\s*((?:[\w.\-%~]{1,120}/){0,12}[\w\-%]{1,80}\.[^\s()]{0,200}(?:\(\*?[\w.\[\]…]{1,120}\)[^\s()]{0,200})?)\("
)
_NOT_ITS_OWN = re.compile(
    r"^(?:runtime[./]|panic$|debug\.|runtime/debug\.|net/http|net/rpc|reflect\.|sync\.|testing\.|bytes\.|os/|"
    r"(?:[\w.\-/]+/vendor/)?(?:k8s\.io/apimachinery/pkg/util/(?:runtime|wait)|k8s\.io/client-go/util/workqueue|"
    r"k8s\.io/apiserver/pkg/server(?:/(?:filters|httplog))?[./]|k8s\.io/apiserver/pkg/endpoints/filters|"
    r"k8s\.io/klog|github\.com/sirupsen/logrus|golang\.org/x/net|google\.golang\.org/grpc|"
    r"github\.com/gorilla|github\.com/emicklei))"
)
_OF_GO = ("created by ", "goroutine ")
# "Observed a panic: %#v (%v)"
_TWICE = re.compile(r'^(?:"[^"]{0,2000}"|[&\w][^()]{0,2000}\}) \((.+)\)\s*$', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Panic:
    """One panic: its line, its words, and the first frame of the program's own code, where the text shows it."""

    record: LogRecord
    words: str
    frame: str | None
    survived: bool


def panics(start: Start) -> list[Panic]:
    """All panics of a start, in order; those that follow one another within one dump are one."""
    if not start.marks("panic", "panic_recovered"):
        return []
    place = {id(record): index for index, record in enumerate(start.process)}
    marks = [(place[id(m.record)], m) for m in start.marks("panic", "panic_recovered") if id(m.record) in place]
    firsts = {at for at, _ in marks}
    dumps: list[tuple[Mark, int, int]] = []
    for at, mark in marks:
        if not dumps or at >= dumps[-1][2]:
            dumps.append((mark, at, _end_of_dump(start.process, at, firsts)))
    found: list[Panic] = []
    later = _Later()
    upto = len(start.process)
    over = _over(start)
    for mark, at, until in reversed(dumps):  # backwards: what comes after each is then known in one pass
        for record in reversed(start.process[until:upto]):
            later.add(record)
        upto = until
        dump = start.process[at:until]
        found.append(Panic(mark.record, _words(mark), _own_frame(dump), _survived(start, mark, dump, later, over)))
    found.reverse()
    return [
        replace(panic, survived=False) if after is not None and _goes_on_in(panic, after) else panic
        for panic, after in zip(found, [*found[1:], None], strict=True)
    ]


def _goes_on_in(panic: Panic, after: Panic) -> bool:
    """Whether the next panic is the same one, thrown again by those who caught it: nobody caught that one."""
    if after.survived or not _RAW.match(after.record.message) or not panic.survived:
        return False
    first, second = panic.record.stamp, after.record.stamp
    if first is None or second is None:
        return panic.words[:30] in after.words and after.record.seq - panic.record.seq < _BETWEEN
    return second.us - first.us <= _ANOTHER_US


def survived(start: Start) -> frozenset[int]:
    """The places (``seq``) of the lines of panics that their process survived."""
    return frozenset(panic.record.seq for panic in panics(start) if panic.survived)


def _end_of_dump(process: Sequence[LogRecord], at: int, firsts: set[int]) -> int:
    """The index after the last line of a dump; ordinary lines may stand between its lines.

    A further panic right behind a line of the dump belongs to it; after ordinary lines it is another one.
    """
    end = at + 1
    last = process[at].stamp
    for index in range(at + 1, min(len(process), at + _DUMP_LIMIT)):
        record = process[index]
        seen = record.stamp
        if index > end + _BETWEEN or (last is not None and seen is not None and seen.us > last.us + _ANOTHER_US):
            break
        if index in firsts and (index > end or _RAW.match(record.message)):
            break
        if of_a_dump(record):
            end, last = index + 1, seen or last
    return end


def of_a_dump(record: LogRecord) -> bool:
    """Whether a line is one of a dump of goroutines."""
    return record.payload is Payload.PANIC or (
        record.payload in (Payload.PLAIN, Payload.TRACE) and _FRAME.match(record.message) is not None
    )


def _words(mark: Mark) -> str:
    said = mark.record.fields.get("panic") or mark.groups.get("cause") or mark.record.message
    twice = _TWICE.match(said)
    return (twice[1] if twice is not None else said).strip().strip('"')


def _own_frame(dump: Sequence[LogRecord]) -> str | None:
    """``servicelb.filterByIPFamily``: where in its own code the program panicked."""
    for record in dump:
        lines = [record.message, record.fields.get("stacktrace", ""), record.fields.get("stack", "")]
        for line in "\n".join(lines).split("\n")[:400]:
            hit = _FRAME.match(line)
            if hit is not None and _NOT_ITS_OWN.match(hit[1]) is None and not line.lstrip().startswith(_OF_GO):
                return hit[1].rpartition("/")[2]
    return None


_FATAL_FRAME = re.compile(
    r"^\s*(?:[\w.\-]{1,120}/){0,12}(?:klog(?:/v\d+)?\.(?:\(\*loggingT\)\.)?|logrus\.(?:\(\*?\w{1,40}\)\.)?)(?:Fatal|Exit)\w{0,12}\("
)


@dataclass(frozen=True, slots=True)
class Dump:
    """Frames of goroutines without the line that begins such a dump; ``on_purpose``: a fatal message printed it."""

    records: Sequence[LogRecord]
    frame: str | None
    on_purpose: bool


def headless(start: Start) -> Dump | None:
    """The first dump of a text that does not show why it was printed."""
    if start.marks("panic", "panic_recovered"):
        return None
    first = next((at for at, record in enumerate(start.process) if _is_frame(record)), None)
    if first is None:
        return None
    dump = start.process[first : _end_of_dump(start.process, first, set())]
    if any(
        record.level in ("fatal", "panic") for record in start.process[max(0, first - _BETWEEN) : first + len(dump)]
    ):
        return None  # its head is there: what it says is told by others
    return Dump(dump, _own_frame(dump), any(_FATAL_FRAME.match(record.message) for record in dump))


def _is_frame(record: LogRecord) -> bool:
    if record.payload is Payload.PANIC:
        return not record.message.startswith("exit status ")  # of a command that failed, as often as behind a dump
    return record.payload is Payload.PLAIN and _NOT_ITS_OWN.match(record.message) is not None and of_a_dump(record)


_Who = tuple[int | str | None, int | str | None]
_ANY = "any"


class _Later:
    """How many ordinary lines of whom come after a place, and the latest of them."""

    def __init__(self) -> None:
        self._lines: dict[_Who, tuple[int, int | None]] = {}

    def add(self, record: LogRecord) -> None:
        if not _ordinary(record):
            return
        stamp = record.stamp
        for who in product((record.pid, _ANY), (record.klog_pid, _ANY)):
            number, latest = self._lines.get(who, (0, None))
            if stamp is not None:
                latest = stamp.us if latest is None else max(latest, stamp.us)
            self._lines[who] = (number + 1, latest)

    def of(self, pids: Collection[int | str | None], inner: Collection[int | str | None]) -> tuple[int, int | None]:
        seen = [self._lines.get(who, (0, None)) for who in product(pids, inner)]
        return sum(number for number, _ in seen), max((us for _, us in seen if us is not None), default=None)


def _survived(start: Start, mark: Mark, dump: Sequence[LogRecord], later: _Later, over: bool) -> bool:
    if _FATAL_INSIDE.match(mark.record.message):
        return False
    raw = any(_RAW.match(record.message) for record in dump)
    if mark.id == "panic_recovered" and not raw:
        return True
    # Of the process that panicked, or of the main one when a child of it did; klog's column tells it in containers.
    pid, inner = mark.record.pid, mark.record.klog_pid
    whose = {pid, None, start.pid} if pid is not None else {_ANY}
    number, latest = later.of(whose, {inner, None} if inner is not None and pid in (None, start.pid) else {_ANY})
    if not number:
        # Nobody says how it went on; a dump is the last of a process as a rule.
        return not raw and len(dump) == 1 and not over
    ends = [r.stamp.end_us for r in dump if r.stamp is not None]
    if not ends or latest is None:
        return number >= _FEW and not over
    return latest >= max(ends) + (_LATE_US if raw else 0)


def _ordinary(record: LogRecord) -> bool:
    spoken = record.payload is Payload.ZAP and record.level not in ("fatal", "panic")
    return (spoken or is_ordinary(record)) and bool(record.message)


def _over(start: Start) -> bool:
    """Whether anything says that the process ended."""
    told = start.first("process_exited", "systemd_failed", "restart_scheduled", "supervisor_exit")
    return start.followed_by is not None or told is not None
