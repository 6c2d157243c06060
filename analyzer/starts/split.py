"""Cuts the records of a log into starts.

Strongest sign first: a new invocation id or boot, the version banner, a new pid, systemd's ``Starting …``. A pid
whose lines interleave with those of an older one is a child that writes under the parent's name (RKE2's kubelet),
not a start. Without any pid (``-o cat``, containers) only the banner and a second launch of kube-apiserver cut.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from analyzer.events import catalogue
from analyzer.events.catalogue import Rule
from analyzer.events.detect import detect
from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord, Payload
from analyzer.records.startup_order import BANNER, WRAPPER
from analyzer.starts.filtered import is_chosen, is_filtered
from analyzer.starts.identity import CHILD, FAMILY, OPENRC, identified
from analyzer.starts.k3s_traces import is_ours
from analyzer.starts.mixed_processes import CONTAINERS_PIDS, mixed_up
from analyzer.starts.reported_ends import announced, announcements
from analyzer.starts.several_units import bare_service, others_units, units_apart
from analyzer.starts.start import Start
from analyzer.starts.told_by_status import announced_at, told_anyway
from analyzer.timebase import SECOND

_OURS = re.compile(r"Lightweight Kubernetes|Rancher Kubernetes Engine|\bk3s service\b")
_THEIR_FILES = re.compile(
    r"/run/k3s/|/var/lib/rancher/(?:k3s|rke2)/|/v1-(?:k3s|rke2)/|\bkine\.sock\b|^DesiredSet - |"
    r"github\.com/(?:rancher|k3s-io)/(?:k3s|rke2)\b|github\.com/k3s-io/"
)
# journald's rate limit, counted per unit; the notice is its own line, not one of the process.
_SUPPRESSED = re.compile(r"^Suppressed \d+ messages from (?:\S*/)?(?:k3s|rke2)[\w.@-]*$")
_LAUNCH = "Running kube-apiserver "
_ONLY_AFTER_BANNER = ("Running ", "Logging containerd ", "Waiting for ", "Waiting to retrieve ", "Connecting to proxy")
# Helpers of ExecStartPre. Where the unit stands in place of the identifier (-o with-unit), only their words tell.
_HELPER = re.compile(r"^\+ /|^(?:/usr)?/s?bin/|^modprobe: |^Failed to get unit file state for |^install: |^mkdir: ")
_ONLY_OURS = (
    _LAUNCH, "k3s is up and running", "k3s agent is up and running", "rke2 is up and running", "Kine available at ",
    "Failed to test data store connection", "Waiting for API server to become available",
)  # fmt: skip
# What only containerd says, a child with a number of its own, where its lines are in the journal.
_CONTAINERDS = re.compile(
    r"^starting containerd$|^Start cri plugin with config |^(?:skip )?loading plugin\b|^Connect containerd service$|"
    r"^Get image filesystem path |^Start (?:subscribing containerd event|recovering state|event monitor)\b|"
    r"^Start (?:snapshots syncer|cni network conf syncer|streaming server)\b|^containerd successfully booted in |"
    r"^metadata content store policy set|^serving\.\.\.$|^changing OOM score to "
)
_TELLING = len("Polling for API")
# What a process says early in its life, banner or not.
_FIRST_WORDS = re.compile(
    rf"{WRAPPER.pattern}|Configuring \S+ database|Managed etcd cluster |Starting temporary |Opening etcd "
)
_SERVES = re.compile(r"^Serving securely on \S{1,80}:(?!(?:10250|1025[789])$)\d{2,5}$")
_TOLD_ELSEWHERE = frozenset({"status_activating", "status_active", "status_ended", "status_exited", "status_never_ran"})
# At a prompt, or where a text tells what was typed: the command that starts a server or an agent.
_TYPED = re.compile(
    r"^(?:[\w.-]{1,64}@[\w.-]{1,64}\S{0,100}[$#>] ?|[-\[(]{0,2}[^\s$#]{0,60}[$#] )(?:\w+=\S* ){0,9}(?:sudo (?:-\w+ )*)?"
    r"(?:(?:\S*/)?(?:k3s|rke2) (?:server|agent)\b|curl \S*[^\n]{0,300}(?:get\.k3s\.io|get\.rke2\.io)|"
    r"systemctl (?:re)?start (?:k3s|rke2))"
)
_PAUSE_US = 2 * SECOND  # a process that ends and one that takes its place are at least so far apart
_STOPPED_US = 120 * SECOND  # no process lives so long after it was told to stop: systemd waits 90 s, others less
_SIGNALLED = ("signal received: ", "Signal received: ")
# What a process says only after its API server was launched.
_LATE = (
    "Kube API server is now running", "k3s is up and running", "rke2 is up and running",
    "Applying CRD ", "Creating embedded CRD ", "Updating embedded CRD ", "Waiting for CRD ", "Done waiting for CRD ",
    "Shutting down ",
)  # fmt: skip
_UNKNOWN_FIRST = 3  # lines that a process may print before the first one of which it is known
_PIDLESS_CLOSERS = frozenset({"process_exited", "systemd_failed", "systemd_stopped", "restart_scheduled"})


@dataclass(slots=True)
class _OpenStart:
    """A start under construction."""

    records: list[LogRecord] = field(default_factory=list)
    process: list[LogRecord] = field(default_factory=list)
    pid: int | None = None
    boot_id: str | None = None
    invocation_id: str | None = None
    banner: bool = False
    starting: bool = False  # systemd's Starting is among the records
    klog_pid: int | None = None  # the pid that klog's own headers name
    once: set[str] = field(default_factory=set)  # what a process says once, as far as it was said
    closed: bool = False  # systemd said that it ended
    dead: bool = False  # the process printed its last words
    asked: LogRecord | None = None  # where it said that it was told to stop


@dataclass(frozen=True, slots=True)
class _PidSpan:
    """Where one pid's lines stand: positions in the log, times on the axis (µs), and whether it printed a banner."""

    first: int
    last: int
    times: tuple[int, int] | None
    banner: bool

    def covers(self, record: LogRecord) -> bool:
        """Whether the pid wrote before and after the line, in the log and in time."""
        inside = self.first < record.seq < self.last
        return inside and (record.at is None or self.times is None or self.times[0] <= record.at.us <= self.times[1])


_Spans = dict[tuple[str | None, str | None, int], _PidSpan]


@dataclass(slots=True)
class _Stream:
    """One unit on one host."""

    host: str | None
    opens: list[_OpenStart] = field(default_factory=list)
    by_pid: dict[tuple[str | None, int], _OpenStart] = field(default_factory=dict)
    children: set[tuple[str | None, int]] = field(default_factory=set)  # the pids of containerd
    systemd_seen: bool = False

    @property
    def current(self) -> _OpenStart | None:
        return self.opens[-1] if self.opens else None


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What the lines of others tell of any start, and where the reader passed lines over."""

    losses: Sequence[LogRecord]  # journald's notices
    passed_over: Sequence[int]  # seqs behind lines that the fast scan left out
    told: Sequence[Mark]  # ends of processes

    @classmethod
    def of(cls, records: Sequence[LogRecord]) -> _Surroundings:
        return cls(
            [r for r in records if r.ident == "systemd-journald" and _SUPPRESSED.match(r.message)],
            [r.seq for r in records if r.gap_before and not r.lost_before],
            announcements(records),
        )

    def laid_around(self, start: Start) -> Start:
        """The start with what they say about it."""
        first, last = start.records[0].seq, start.records[-1].seq
        after = bisect.bisect_right(self.passed_over, first)
        whole = after == len(self.passed_over) or self.passed_over[after] > last
        lost = [r.seq for r in self.losses if first < r.seq < last and r.host == start.host]
        lost += self._after_its_last_line(start)
        lost += [r.seq for r in start.process if _hole(r, first)]
        start = replace(start, filtered=is_filtered(start, whole=whole))
        return replace(
            start,
            announced=announced(self.told, start),
            chosen=is_chosen(start, whole=whole),
            losses=sorted(lost),
        )

    def _after_its_last_line(self, start: Start) -> list[int]:
        """A loss at the end of a process, of which the journal speaks only when the next process writes."""
        if not start.process:
            return []
        last = start.process[-1].seq
        follower = start.followed_by.process if start.followed_by is not None else ()
        late = (r.seq for r in self.losses if r.host == start.host and r.seq > last)
        return [last + 1] if any(not follower or seq < follower[0].seq for seq in late) else []


def find_starts(records: Sequence[LogRecord], extra: Sequence[Rule] = ()) -> list[Start]:
    """All starts in the log, in time order. Lines of other programs belong to none.

    A group of lines in which nothing is known to be k3s' or RKE2's is no start, unless its identifier says so.
    ``extra``: the marks of a user's rules.
    """
    streams = _streams(records)
    around = _Surroundings.of(records)
    starts: list[Start] = []
    for (_, name), stream in streams.items():
        starts += _finish(stream, extra, around, trusted=bool(FAMILY.match(name)))
    if not starts:  # a piece of the middle in which nothing is known is better told than denied
        for stream in streams.values():
            if any(_THEIR_FILES.search(r.with_error) for opened in stream.opens for r in opened.process[:200]):
                starts += _finish(stream, extra, around, trusted=True)
    # What systemctl told the person at the keyboard is a start of its own only where the text holds nothing better.
    better = [start for start in starts if not _only_told(start)]
    return _in_time_order(better or starts[-1:])


def _streams(records: Sequence[LogRecord]) -> dict[tuple[str | None, str], _Stream]:
    """The lines of each unit on each host, cut into starts."""
    named = _named_streams(records)
    spans = _pid_spans(records)
    apart, others = units_apart(records), others_units(records)
    mixed, begins = mixed_up(records), announced_at(records)
    bare = bare_service(records)
    nameless = any(r.ident is None and r.payload is Payload.LOGRUS for r in records) and not mixed
    streams: dict[tuple[str | None, str], _Stream] = {}
    for record in records:
        key = _stream_key(record, named)
        if key is None or (record.host, record.unit) in others or told_anyway(record, begins):
            continue
        if record.payload is Payload.SYSTEMD and record.ident is None and not nameless:
            continue  # a terminal showed it beside a log that names who wrote its lines, or nobody knows whose it is
        if record.host in mixed and record.pid is None and record.payload is not Payload.SYSTEMD:
            if record.klog_pid is None:
                continue
            key = (record.host, f"#{record.klog_pid}")
        if record.unit is not None and (record.host, record.unit) in apart:
            key = (record.host, record.unit.removesuffix(".service"))
        if bare is not None and record.ident == OPENRC:
            key = bare
        stream = streams.setdefault(key, _Stream(record.host))
        if record.payload is Payload.SYSTEMD:
            _take_systemd(stream, record)
        elif record.ident == OPENRC:
            _take_openrc(stream, record)
        else:
            _take_process(stream, record, spans)
    return streams


def _hole(record: LogRecord, first: int) -> bool:
    """Whether lines are missing before a line, or it was cut so short that it may have been any line."""
    if record.truncated and len(record.message) < _TELLING and record.payload in (Payload.LOGRUS, Payload.PLAIN):
        return record.level in ("", "info")
    return record.lost_before and record.seq != first


def _only_told(start: Start) -> bool:
    told = {event.id if isinstance(event, Mark) else "" for event in start.events}
    return (not start.process and told <= _TOLD_ELSEWHERE) or told == {"job_failed"}


def _in_time_order(starts: list[Start]) -> list[Start]:
    """By their begins where all are dated, else as the log has them."""
    dated = [(s.began.at.us, s) for s in starts if s.began is not None and s.began.at is not None and s.began.absolute]
    if len(dated) == len(starts):
        return [start for _, start in sorted(dated, key=lambda pair: pair[0])]
    return sorted(starts, key=lambda start: start.records[0].seq if start.records else 0)


def _stream_key(record: LogRecord, named: frozenset[str]) -> tuple[str | None, str] | None:
    """Which unit the line is of; ``None``: of nobody we know."""
    if record.payload is Payload.SYSTEMD and record.ident is not None:
        match = FAMILY.match((record.unit or "").removesuffix(".service"))
        ours = match is not None or _OURS.search(record.message) is not None
        product = match[1] if match is not None else "rke2" if "Rancher" in record.message else "k3s"
        return (record.host, product) if ours else None
    if record.payload is Payload.KERNEL or record.foreign:
        return None
    if record.ident is None:
        return (record.host, "")
    if record.payload is Payload.PLAIN and _HELPER.match(record.message):
        return None
    match = CHILD.search(record.message) if record.ident == OPENRC else FAMILY.match(record.ident)
    name = match[1] if match is not None else record.ident if record.ident in named else None
    return (record.host, name) if name is not None else None


def _named_streams(records: Iterable[LogRecord]) -> frozenset[str]:
    """Identifiers of other names (container tags) that print what only k3s or RKE2 prints."""
    found: set[str] = set()
    for record in records:
        ident = record.ident
        if ident is None or ident in found or FAMILY.match(ident) or record.payload is Payload.SYSTEMD:
            continue
        message = record.message
        if (
            BANNER.match(message)
            or message.startswith("Polling for API server readiness:")
            or message.endswith("check failed: readyz")
            or message == "Kube API server is now running"
            or (record.payload is Payload.LOGRUS and message.startswith(_ONLY_OURS))
        ):
            found.add(ident)
    return frozenset(found)


def _pid_spans(records: Iterable[LogRecord]) -> _Spans:
    of_pid: dict[tuple[str | None, str | None, int], list[LogRecord]] = defaultdict(list)
    for record in records:
        if record.pid is not None and record.payload is not Payload.SYSTEMD:
            of_pid[record.host, record.boot_id, record.pid].append(record)
    spans: _Spans = {}
    for key, lines in of_pid.items():
        stamps = [record.at.us for record in lines if record.at is not None]
        banner = any(BANNER.match(record.message) for record in lines)
        times = (min(stamps), max(stamps)) if stamps else None
        spans[key] = _PidSpan(lines[0].seq, lines[-1].seq, times, banner)
    return spans


def _take_systemd(stream: _Stream, record: LogRecord) -> None:
    ids = {mark.id for mark in catalogue.match(record)}
    stream.systemd_seen = True
    current = stream.current
    if "systemd_starting" in ids and current is not None:
        if _announced_late(current, record):
            current.records.insert(0, record)
            current.starting = True
            return
        current.closed = True
    starting = not ids.isdisjoint(("systemd_starting", "status_activating"))
    if starting or (current is None and ids):
        current = _OpenStart(records=[record], starting=starting, boot_id=record.boot_id)
        stream.opens.append(current)
    elif current is not None:
        current.records.append(record)
    if current is not None and ids & _PIDLESS_CLOSERS:
        current.closed = True


def _announced_late(current: _OpenStart, record: LogRecord) -> bool:
    """Whether the first words of a process stand in front of systemd's ``Starting``, as lines of one second may."""
    if current.starting or current.closed or not current.process or current.dead:
        return False
    first = current.process[0]
    if not (current.banner or _FIRST_WORDS.match(first.message)):
        return False  # the last words of another process, which was told to stop
    if record.at is None or first.at is None or first.at.us < record.at.us:
        return False
    return current.process[-1].at is not None and current.process[-1].at.us < record.at.us + record.at.precision_us


def _take_openrc(stream: _Stream, record: LogRecord) -> None:
    """OpenRC's supervisor in the syslog: k3s itself writes into a file, which may be missing from the text."""
    current = stream.current
    if current is None or "ommand line: " in record.message:
        stream.opens.append(_OpenStart(records=[record], starting="ommand line: " in record.message))
        return
    current.records.append(record)
    current.closed = current.closed or "exited with " in record.message


def _take_process(stream: _Stream, record: LogRecord, spans: _Spans) -> None:
    banner = bool(BANNER.match(record.message))
    target = None if _of_a_new_run(stream, record) else _existing(stream, record, banner, spans)
    created = target is None
    if target is None:
        current = stream.current
        if current is not None and current.starting and not current.process:
            target = current  # systemd announced exactly this one
        else:
            target = _OpenStart(boot_id=record.boot_id)
            if (
                current is not None
                and record.pid is None
                and not (record.lost_before or _long_stopped(current, record))
            ):
                _pull_back(current, target, banner or bool(_FIRST_WORDS.match(record.message)))
            stream.opens.append(target)
    if record.pid is not None:
        key = (record.boot_id, record.pid)
        if key not in stream.by_pid and _CONTAINERDS.match(record.message):
            stream.children.add(key)
        stream.by_pid.setdefault(key, target)
        if banner or created:
            stream.by_pid[key] = target
        if target.pid is None and key not in stream.children:
            target.pid = record.pid
    target.records.append(record)
    target.process.append(record)
    target.banner = target.banner or banner
    target.dead = target.dead or record.level in ("fatal", "panic")
    target.asked = target.asked or (record if record.message.startswith(_SIGNALLED) else None)
    target.klog_pid = target.klog_pid or record.klog_pid
    if (word := _said_once(record)) is not None:
        target.once.add(word)
    target.invocation_id = target.invocation_id or record.invocation_id
    target.boot_id = target.boot_id or record.boot_id


def _of_a_new_run(stream: _Stream, record: LogRecord) -> bool:
    """Whether a line without any number is of another run: one was typed, or a process that ended ends again."""
    current = stream.current
    if current is None or not current.dead or record.pid is not None:
        return False
    if record.payload is Payload.PLAIN:
        return _TYPED.match(record.message) is not None
    if record.level != "fatal":
        return False
    last = next((r for r in reversed(current.process) if r.level == "fatal"), None)
    if last is None or last.message == record.message:
        return False
    begun, ended = last.at or last.inner_at, record.at or record.inner_at
    return begun is None or ended is None or ended.us - begun.us >= _PAUSE_US


def _existing(
    stream: _Stream,
    record: LogRecord,
    banner: bool,
    spans: _Spans,
) -> _OpenStart | None:
    """The start under construction that the line belongs to; ``None``: a new one begins here."""
    current = stream.current
    if current is None:
        return None
    if record.pid is not None:
        known = stream.by_pid.get((record.boot_id, record.pid))
        if known is not None:
            fresh = banner and known.banner
            other = bool(record.invocation_id and known.invocation_id and record.invocation_id != known.invocation_id)
            announced = known is not current and current.starting and not current.process and known.closed
            # A pid that comes back after systemd announced a new start (a container's pid 1, a reused pid) is new
            # only with a banner: late lines of the old process arrive after systemd's lines, too.
            return None if fresh or other or (announced and banner) else known
    before = stream.opens[-2] if len(stream.opens) > 1 else None
    if before is not None and current.klog_pid is None and _late_of(before, record):
        return before
    if not current.process:
        return None if current.starting or _long_closed(current, record) else current
    if record.boot_id and current.boot_id and record.boot_id != current.boot_id:
        return None
    if record.invocation_id and current.invocation_id:
        return current if record.invocation_id == current.invocation_id else None
    if record.pid is not None and current.pid is not None:
        return current if _is_child(record, current, spans) else None
    if banner and (current.banner or current.closed or current.dead or _is_of_a_later_run(current, record)):
        return None
    if current.closed and record.pid is None and stream.systemd_seen:
        return current
    return None if record.pid is None and _of_another_process(record, current) else current


def _late_of(opened: _OpenStart, record: LogRecord) -> bool:
    """Whether klog's header says that a line without a pid of its own is of the process before (not in a container)."""
    number = record.klog_pid
    return record.pid is None and number is not None and number == opened.klog_pid and number > CONTAINERS_PIDS


def _of_another_process(record: LogRecord, current: _OpenStart) -> bool:
    """Whether a line without a pid of its own shows that another process writes now.

    Because klog's own header names another one, or because it says again what a process says once.
    """
    if record.klog_pid is not None and current.klog_pid is not None and record.klog_pid != current.klog_pid:
        return True
    if _long_stopped(current, record):
        return True
    if "serving" in current.once and record.payload is Payload.LOGRUS and WRAPPER.match(record.message):
        return True  # what a process says before it has an API server, behind the words of one
    return _said_once(record) in current.once  # in a container every process has the same number


def _long_stopped(current: _OpenStart, record: LogRecord) -> bool:
    """Whether the process was told to stop so long before a line that it is none of it."""
    asked = current.asked.at if current.asked is not None else None
    return asked is not None and record.at is not None and record.at.us - asked.us > _STOPPED_US


def _said_once(record: LogRecord) -> str | None:
    """The API server's launch, its first words and its serving line: each comes once in the life of a k3s process."""
    if record.message.startswith(_LAUNCH):
        return "launch"
    if record.payload is not Payload.KLOG:
        return None
    if record.file == "server.go" and record.message.startswith("Version: v"):
        return "version"
    if record.file == "secure_serving.go" and _SERVES.match(record.message):
        return "serving"
    return None


def _is_of_a_later_run(current: _OpenStart, banner: LogRecord) -> bool:
    """Whether lines above a banner are another process's. All of them are looked at: only for a banner."""
    return _was_running(current) and not _of_the_same_second(current, banner)


def _of_the_same_second(current: _OpenStart, banner: LogRecord) -> bool:
    """Whether lines stand before their banner only because those of that second stand in no order."""
    first = current.process[0]
    if not (banner.unordered or first.unordered) or banner.at is None or first.at is None:
        return False
    return banner.at.us <= first.at.us < banner.at.us + banner.at.precision_us


def _long_closed(opened: _OpenStart, record: LogRecord) -> bool:
    """Whether systemd spoke of an end well before this line; within a second lines overtake one another."""
    last = opened.records[-1].at
    return opened.closed and record.at is not None and last is not None and record.at.us - last.us > SECOND


def _was_running(opened: _OpenStart) -> bool:
    """Lines before a banner that no process prints before its own: they are an earlier one's."""
    return opened.pid is None and any(
        r.payload is Payload.KLOG
        or (r.payload is Payload.LOGRUS and not r.truncated and not WRAPPER.match(r.message))
        or r.message.startswith(_ONLY_AFTER_BANNER)
        for r in opened.process
    )


def _is_child(record: LogRecord, parent: _OpenStart, spans: _Spans) -> bool:
    """A pid that starts while an older one still writes, without a banner of its own, is the older one's child.

    So is one whose first words are containerd's, wherever the text ends.
    """
    assert record.pid is not None and parent.pid is not None
    if _CONTAINERDS.match(record.message) and not parent.closed and not parent.dead:
        return True
    own = spans[(record.host, record.boot_id, record.pid)]
    span = spans.get((record.host, record.boot_id, parent.pid))
    return not own.banner and span is not None and span.covers(record)


def _pull_back(old: _OpenStart, new: _OpenStart, named: bool) -> None:
    """Moves lines from the end of the old start that the new process printed before its first known line.

    The wrapper's lines in front of a banner; without one also what comes after the old process's last klog line, from
    a pause or first words on.
    """
    at = len(old.process)
    while at > 1 and WRAPPER.match(old.process[at - 1].message):
        at -= 1
    if not named:
        end = at
        while at > 1 and not _is_of_a_running_one(old.process[at - 1]):
            at -= 1
        at = _first_of_next(old.process[:end], at) or end
    moved = old.process[at:]
    del old.process[at:]
    known = {id(record) for record in moved}
    old.records[:] = [record for record in old.records if id(record) not in known]
    new.process[:0] = moved
    new.records[:0] = moved


def _is_of_a_running_one(record: LogRecord) -> bool:
    """Whether only a process that had launched its API server, or that ended, prints a line."""
    return record.payload is Payload.KLOG or record.level == "fatal" or record.message.startswith(_LATE)


def _first_of_next(process: Sequence[LogRecord], least: int) -> int | None:
    """From ``least`` on, where the next run begins: at its first words, else behind the longest pause."""
    pauses: list[tuple[int, int]] = []
    for index in range(least, len(process)):
        before, after = process[index - 1].at, process[index].at
        pauses.append((after.us - before.us if before is not None and after is not None else 0, -index))
        if _FIRST_WORDS.match(process[index].message):
            near = [pause for pause in pauses[-_UNKNOWN_FIRST:] if pause[0] >= _PAUSE_US]
            return -near[-1][1] if near else index
    longest = max(pauses, default=(0, 0))
    return -longest[1] if longest[0] >= _PAUSE_US else None


def _finish(stream: _Stream, extra: Sequence[Rule], around: _Surroundings, *, trusted: bool) -> list[Start]:
    unit = next((r.unit for opened in stream.opens for r in opened.records if r.unit), None)
    # Only systemd's last words about a run whose own lines lie outside the text: no start of this text.
    opens = [opened for opened in stream.opens if opened.process or opened.starting] or stream.opens
    made = [_to_start(stream, opened, unit, extra) for opened in opens]
    ours = [is_ours(start, trusted) for start in made]
    finished: list[Start] = []
    for start, own in reversed(list(zip(made, ours, strict=True))):
        if own or (any(ours) and start.events):  # what stands beside a run of ours in one log is one as well
            start = replace(start, followed_by=finished[-1] if finished else None)
            finished.append(around.laid_around(start))
    return finished[::-1]


def _maybe_two(opened: _OpenStart) -> bool:
    """Whether lines are missing in the middle, and nothing shows that one process wrote on both sides of them."""
    holes = [at for at, record in enumerate(opened.process) if at and record.lost_before]
    if opened.pid is not None or opened.invocation_id is not None or not holes:
        return False
    before = {record.klog_pid for record in opened.process[: holes[0]]} - {None}
    after = {record.klog_pid for record in opened.process[holes[-1] :]} - {None}
    return not before & after


_STOPS = re.compile(r"Stopping ")  # of this start, whose own lines above it are not in the text


def _to_start(stream: _Stream, opened: _OpenStart, unit: str | None, extra: Sequence[Rule]) -> Start:
    # systemd's Starting is its first line; else the process's first line that has a stamp. Lines are in the order
    # of the log, which is the order of time within one process.
    dated = opened.starting or any("since" in r.fields or _STOPS.match(r.message) for r in opened.records[:1])
    head = opened.records if dated else opened.process or opened.records
    return identified(
        Start(
            host=stream.host,
            unit=next((r.unit for r in opened.records if r.unit), unit),
            records=opened.records,
            process=opened.process,
            began=next((r for r in head if r.at is not None), None),
            begin_seen=(opened.starting or opened.banner) and not _maybe_two(opened),
            events=list(detect(opened.records, extra)),
            pid=opened.pid,
            boot_id=opened.boot_id,
            invocation_id=opened.invocation_id,
        )
    )
