"""What in a start's lines proves that k3s had noticed readiness, and what proves that it had not.

Which line stands where in the start-up is data (``events/sequence.toml``). What needs the whole process is judged here:
whether a stop had begun before the line, whether the line may be what a stop let through, whether ``Started`` of
systemd can come from a process that reported itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.events import chain
from analyzer.events.sequence import Place, Stage
from analyzer.events.versions import poller_for, prints_signal, ready_line_on_cancel, up_line_gated
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.start import Start

# Printed only while a process goes down (measured: within 0.2 s of its end).
CLOSING = re.compile(
    r"^TTL events watch channel closed|^Shutting down kubernetes service endpoint reconciler|Cleaning up lease on exit|"
    r"^Closing database connections|http: Server closed|server is stopping"
)
# k3s's own datastore goes down with it; only beside a line of readiness it says when (measured on 1.35).
_KINE_CLOSING = re.compile(r"^Waiting up to \S+ for graceful shutdown of Kine GRPC server")
_ECHO = re.compile(rf"context canceled|{CLOSING.pattern}")
_FIRST_ATTEMPT = re.compile(
    r'Unable to perform initial Kubernetes service initialization: namespaces "default" not found$|'
    r"Error removing old endpoints from kubernetes service|Found stale data, removed previous endpoints"
)
_SECOND_ATTEMPT = re.compile(
    r'Resetting endpoints for master service "kubernetes" to |"allocated clusterIPs" service="default/kubernetes" '
)
BURST_US = 1_000_000
_A_LOG = 12  # lines of k3s itself: so many that the one on its API server would be among them
# A process that is told to stop is killed by systemd after 90 s at the latest; releases whose gate a stop opens leave
# within seconds.
_OUTLIVED_US = 30_000_000
# Two hooks make their first try a second after the API server serves, and nothing serves in the first one.
_NO_SOONER_US = 2_000_000
_GATED = (Stage.READY, Stage.STARTED)
_EXPLICIT = ("api_running", "k3s_running", "agent_running")
_ENDS = ("process_exited", "systemd_stopped", "systemd_failed", "panic")
_PRECONDITIONS = ("machine", "profile", "kubelet")  # parts whose words say that the agent cannot run on this machine
_AT_ONCE_US = 5_000_000
_A_ROUND_US = 5_000_000  # one of a poller that asks every second or two, also on a slow machine
_NEXT = 6  # lines: without a stamp only the place tells that a panic came at once
_OWN_WORDS = ("api_running", "agent_running")


@dataclass(frozen=True, slots=True)
class Noticed:
    """The lines that only code behind a successful poll can have printed: the first one, and the one right behind it.

    Of a server the latter is ``Kube API server is now running``: the tick of the success shows in it alone. Without
    lines the text shows none. ``by_another``: they come behind a poller of its own, so what they say of readiness
    holds, but the server's own poller may have noticed it up to a round later.
    """

    lines: tuple[LogRecord, ...] = ()
    by_another: bool = False


def noticed(
    start: Start, stop: LogRecord | None, asked: LogRecord | None, echoes: frozenset[int] = frozenset()
) -> Noticed:
    """What shows that readiness was noticed.

    ``stop`` is the first sign of an end: what a stop lets through as well counts only before it.
    ``asked`` is the first sign that somebody asked for it, ``echoes`` are lines that only repeat that.
    """
    if start.first("cluster_reset_done") is not None:
        return Noticed()  # it prints "up and running" too, of an etcd alone
    shared = poller_for(start.version).kind == "shared-2s"
    first: LogRecord | None = None
    elsewhere: LogRecord | None = None  # behind a poller of its own, with a phase of its own
    for record, place in start.places:
        if place.only_after not in _GATED:
            continue
        if record.seq in echoes and ready_line_on_cancel(start.release):
            continue
        if not _believed(start, record, place, stop, asked):
            continue
        if place.own_poller and not shared:
            elsewhere = elsewhere or record
            continue
        first = first or record
        if place.mark in _OWN_WORDS:
            return Noticed((first, record) if first.seq < record.seq else (record,))
    if first is None and elsewhere is not None:
        return Noticed((elsewhere,), by_another=True)
    return Noticed((first,) if first is not None else ())


def _believed(start: Start, record: LogRecord, place: Place, stop: LogRecord | None, asked: LogRecord | None) -> bool:
    if place.own_api and own_api_missing(start):
        return False
    own_words = record.payload is Payload.LOGRUS and place.mark not in _EXPLICIT and start.role != "agent"
    if (place.own_api or own_words) and not _gated_up(start, record):
        return False  # k3s up to 1.18.2 has no channel that tells of a ready API server: nothing stands behind it
    if record.payload is Payload.SYSTEMD:
        return (stop is None or record.seq < stop.seq) and _reported_itself(start, record)
    if not place.opened_by_cancel(start.release):
        return True
    if stop is not None and (record.seq > stop.seq or _cancelled(record)):
        return False
    if place.mark not in _EXPLICIT and not (_shown_before(start, record) or _outlived(start, record)):
        return False  # a stop that lets the line through may stand right before the text
    if _gone_at_once(start, record):
        return False
    if asked is not None:
        return True  # a stop that the text announces later did not cause what was printed before
    return closing_burst(start, record) is None and not _last_words(start, record)


def _gated_up(start: Start, record: LogRecord) -> bool:
    """Whether in this release ``up and running``, and what systemd makes of it, comes behind the wait for the API."""
    us = record.stamp.us if record.absolute and record.stamp is not None else None
    return start.product == "rke2" or up_line_gated(start.release, us)


def failed_beside(start: Start, end: LogRecord | None, reason: str | None) -> bool:
    """Whether a server that called itself up ended at once, because its agent, in the same process, cannot run here.

    Old releases launch the agent's part behind that line; in newer ones both run side by side.
    """
    up = start.first("k3s_running")
    if up is None or end is None or reason is None or end.seq < up.record.seq or start.first("api_running") is not None:
        return False
    if _gated_up(start, up.record):
        return False  # the API server was ready, whatever became of its agent
    read = chain.read(reason, start.product)
    if not any(link.layer.part in _PRECONDITIONS for link in read.links):
        return False
    seen, ended = up.record.stamp, end.stamp
    if seen is None or ended is None:
        return end.seq - up.record.seq < _NEXT
    return ended.us <= seen.end_us + _AT_ONCE_US


def _gone_at_once(start: Start, record: LogRecord) -> bool:
    """Whether the process ended together with a line, in a release that says nothing of a stop that it is asked for.

    1.32.2 to 1.34.1 print the signal; older ones may have been stopped, and the line be what the stop let through.
    """
    if start.product == "k3s" and prints_signal(start.version):
        return False
    panics = (mark.record for mark in start.marks("panic"))
    if any(panic.seq - record.seq in range(1, _NEXT) and panic.stamp is None for panic in panics):
        return True
    seen = record.stamp
    ends = (mark.record.stamp for mark in start.marks(*_ENDS) if mark.record.seq > record.seq)
    return seen is not None and any(end is not None and end.us < seen.end_us + BURST_US for end in ends)


def _shown_before(start: Start, record: LogRecord) -> bool:
    """Whether the text shows what the process wrote before a line."""
    return any(r.seq < record.seq for r in start.process)


def doubtful(start: Start, asked: LogRecord | None, echoes: frozenset[int]) -> bool:
    """Whether a line behind the gate may tell of readiness or of a stop that the text does not show."""
    if asked is not None:
        return False
    gated = (
        record
        for record, place in start.places
        if place.only_after in _GATED and place.opened_by_cancel(start.release) and record.seq not in echoes
    )
    # A burst that no signal explains, in a release that logs it: what ended the wait is not known.
    unexplained = start.product == "k3s" and prints_signal(start.version)
    return any(
        unexplained if closing_burst(start, record) is not None else _gone_at_once(start, record) for record in gated
    )


def _cancelled(record: LogRecord) -> bool:
    return "context canceled" in record.message or "http: Server closed" in record.message


def _reported_itself(start: Start, started: LogRecord) -> bool:
    """Whether systemd's ``Started`` is the word of the process: not of a unit that counts as up when it is launched.

    With ``--log``, as pid 1 and with Type=exec systemd says so at once, and the process goes on starting after it.
    """
    later = (r for r, place in start.places if place.only_before is not None and r.seq > started.seq)
    if any(certainly_later(r, started) for r in later):
        return False
    begun = start.first("systemd_starting")
    if begun is None:
        return True  # a status, or a text that begins later
    first, said = begun.record.at, started.at
    return first is None or said is None or said.end_us - first.us > _NO_SOONER_US


def certainly_later(record: LogRecord, other: LogRecord) -> bool:
    """Whether a line is later than another one, also where the carrier does not keep the order within a second."""
    if not (record.unordered or other.unordered):
        return record.seq > other.seq
    mine, its = record.stamp, other.stamp
    return record.seq > other.seq if mine is None or its is None else mine.us >= its.end_us


def last_not_ready(start: Start, before: LogRecord) -> LogRecord | None:
    """The last line before another that k3s prints only while it has not noticed readiness."""
    told = (record for record, place in reversed(start.places) if place.only_before is not None)
    return next((record for record in told if record.seq < before.seq), None)


def maybe_noticed_elsewhere(start: Start, end: LogRecord) -> bool:
    """Whether in some releases another poller than the server's own had noticed readiness right before the end.

    Where no line names the release, a kubelet that runs may be behind readiness; the server's own poller, and with it
    what systemd is told, comes up to a round later.
    """
    if start.release is not None:
        return False
    gated = (r for r, place in start.possible_places if place.own_poller and place.only_after in _GATED)
    return any(record.seq <= end.seq and _right_before(record, end) for record in gated)


def _right_before(record: LogRecord, end: LogRecord) -> bool:
    seen, ended = record.stamp, end.stamp
    return seen is None or ended is None or ended.us - seen.end_us < _A_ROUND_US


def _waited_for_etcd_alone(start: Start) -> bool:
    """Whether k3s says that its etcd runs, and has not said right before that its API server does.

    One function prints both (cli/server/server.go), the latter only where there is an API server: a cluster reset and a
    server for etcd alone wait for etcd. RKE2 has further waits between the two.
    """
    etcd = start.first("etcd_running")
    if etcd is None or start.product == "rke2" or start.filtered or start.first("api_running") is not None:
        return False
    before = [record.seq for record in start.process if record.seq < etcd.record.seq]
    return bool(before) and not start.lost_between(before[-1], etcd.record.seq)


def own_api_missing(start: Start) -> bool:
    """A server that has no API server, or did not wait for it: by its own words or by a whole start that names none.

    Its ``up and running`` is no /readyz. Of RKE2, whose API server writes elsewhere, it shows that the line about etcd
    stands without the one about the API server beside it.
    """
    if _waited_for_etcd_alone(start):
        return True
    if start.first("apiserver_requested", "serving_securely", "api_running") is not None:
        return False
    if start.first("control_plane_waiting") is not None:
        return True
    if not start.begin_seen or start.losses or start.filtered:
        return False
    if start.product == "rke2":
        return start.first("etcd_running") is not None and start.first("k3s_running") is not None
    return start.product == "k3s" and sum(r.payload is Payload.LOGRUS for r in start.process) >= _A_LOG


def closing_burst(start: Start, record: LogRecord) -> LogRecord | None:
    """The first line of an unannounced stop that made a line behind the gate appear; ``None``: it was readiness.

    Releases up to 1.34.1 close the readiness channel on cancellation, too, and some of them log no request to stop.
    Then only closing noise and echoes of a cancellation surround the line.
    """
    known = start.release
    if (known is not None and not ready_line_on_cancel(known)) or _proven_ready(start, record):
        return None
    serving = start.first("serving_securely")
    too_soon = serving is not None and _within_a_second(serving.record, record)
    if not too_soon and _outlived(start, record):
        return None
    before = [r for r in start.process if r.seq < record.seq][-8:]
    rest = [r for r in start.process if r.seq > record.seq]
    if not (too_soon or _is_closing(start, record, before, rest)):
        return None
    return next((r for r in before if CLOSING.search(r.message) or _is_gated(start, r)), record)


def _is_gated(start: Start, record: LogRecord) -> bool:
    return any(r is record and place.only_after in _GATED and place.cancel for r, place in start.places)


def _outlived(start: Start, record: LogRecord) -> bool:
    """Whether the process still wrote when a stop would long have been over."""
    return _lived_on(record, (r for r in start.process if r.seq > record.seq), _OUTLIVED_US)


def _proven_ready(start: Start, record: LogRecord) -> bool:
    """Whether the API server's own loop behind an in-process /readyz had written its service before a line.

    Only after its first attempt was over (``events/witnesses.toml``, kubernetes-service-allocated and its kin).
    """
    over = False
    for earlier in start.process:
        if earlier.seq >= record.seq:
            return False
        over = over or bool(_FIRST_ATTEMPT.match(earlier.message))
        if over and _SECOND_ATTEMPT.match(earlier.message):
            return True
    return False


def _is_closing(start: Start, record: LogRecord, before: list[LogRecord], rest: list[LogRecord]) -> bool:
    if any(_KINE_CLOSING.search(r.message) and not _lived_on(record, [r]) for r in rest[:8]):
        return True
    if len(rest) > 60:
        return False
    whole = start.begin_seen and start.role == "server" and start.product == "k3s"
    exits = [mark.record for mark in start.marks("process_exited")]
    if (start.losses or start.filtered) and _lived_on(record, [*rest, *exits]):
        whole = False  # that it serves may be among the lines that are missing
    klog = sum(r.payload is Payload.KLOG for r in start.process)
    if whole and start.first("serving_securely") is None and klog >= _A_LOG:
        return True  # the server's own components write, and its API server never said that it serves
    return any(CLOSING.search(r.message) for r in before[-3:]) or any(_ECHO.search(r.message) for r in rest[:8])


def _lived_on(record: LogRecord, later: Iterable[LogRecord], by_us: int = BURST_US) -> bool:
    """Whether a later line came when a stop would mostly have been over."""
    seen = record.stamp
    return seen is not None and any(r.stamp is not None and r.stamp.us > seen.end_us + by_us for r in later)


def _within_a_second(serving: LogRecord, record: LogRecord) -> bool:
    """Whether a line came sooner than 1.0 s after the server began to serve: two hooks take longer than that.

    The roles and priority-class hooks make their first try one second after it (kubernetes, 1.24 to 1.36).
    """
    begun, seen = serving.inner_at, record.stamp
    return begun is not None and seen is not None and seen.end_us <= begun.us + 1_000_000


def _last_words(start: Start, record: LogRecord) -> bool:
    """Whether, in a text of chosen lines, the line may be what some releases print when they are stopped.

    Another process follows, nothing of this one comes more than a second later, and no line of a stop was chosen.
    """
    if not start.filtered or start.followed_by is None or start.first("process_exited", "systemd_stopped") is not None:
        return False
    seen, last = record.stamp, start.process[-1].stamp
    return seen is not None and last is not None and last.us <= seen.us + BURST_US
