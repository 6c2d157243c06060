"""The time budget: cut points that the text holds, in time order, and each phase named for what it waits for, its end.

Time that no line divides is one phase with the ids of all that it may be: the phase whose cut ends it, and those
before it whose own cut the text does not hold. It is never charged to the one that merely ends there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analyzer.analysis.line_times import LineTimes
from analyzer.events.check_info import HOOK
from analyzer.events.event import HealthBlock, Mark, PollLine
from analyzer.events.terms import term
from analyzer.records.log_record import LogRecord
from analyzer.results import Phase
from analyzer.starts.agents import put_off_to_the_end, whole
from analyzer.starts.start import Start, Verdict
from analyzer.window import OPEN, Bound, Span, Window

# A server's way to readiness. Containers start beside it and hold nothing up; a datastore can be ready before the API
# server is asked for or after (etcd, from 1.32.4 on nearly always), and the API server waits for it.
_SERVER = ("extract", "datastore", "certificates", "apiserver_boot", "hooks", "polling_tax")
_LOOSE = ("datastore", "certificates")
# RKE2's datastore and API server are pods: its runtime and images come first.
_PREPARED = "prepared"  # the first part of ``certificates``: until the runtime is asked for
_LOOSE_RKE2 = (_PREPARED, "containerd", "images", "datastore", "certificates")
# So they do in k3s from 1.32.4 on: what is prepared before the runtime is asked for, then both, then the API server is
# launched. An import of minutes there is no preparation of certificates.
_LOOSE_RUNTIME_FIRST = ("datastore", _PREPARED, "containerd", "images", "certificates")
_CANONICAL = (_SERVER[0], "containerd", "images", "datastore", _PREPARED, *_SERVER[2:])
# What comes after readiness, side by side: in time order, and only what certainly came later.
_TAIL = ("containerd", "images", "startup_hooks", "node", "node_ready")
# An agent has none of a server's phases. Its kubelet waits for the server once more before it registers.
_AGENT = ("extract", "server", "containerd", "images", "node", "node_ready")
# k3s prints these in every start; a text that is whole and lacks one was not that far.
_ALWAYS = frozenset({"certificates", "apiserver_boot", "images"})
# Phases that end while the datastore may still be waited for, and those of them in which it is, where it is not ready.
_BESIDE_DATASTORE = frozenset({_PREPARED, "containerd", "images", "certificates"})
_PREPARING = frozenset({_PREPARED, "certificates"})
_OF_THE_RUNTIME = ("containerd_requested", "containerd_ready", "images_importing", "kubelet_requested")
_MOMENT_S = 1.0  # what takes less is not worth to be named beside something else
_TUNNEL = "Connecting to proxy"
_FEW_LINES = 10  # so few may have been picked out by hand


@dataclass
class _Budget:
    start: Start
    verdict: Verdict
    line_times: LineTimes
    windows: Mapping[str, Window]  # ends that are no marks
    phases: list[Phase] = field(default_factory=list)
    over: set[str] = field(default_factory=set)  # phases that certainly ended before ``at``
    at: Window = OPEN  # where the next phase begins

    def build(self) -> list[Phase]:
        began = self.start.began
        assert began is not None
        end, precision = Bound.OBSERVED, self.line_times.precision_s
        self.at = Window(0.0, precision, end, end, began.line, began.line, source=began.source)
        if not self.start.begin_seen:
            # The phase that the text begins in was under way already: how long is unknown.
            self.at = Window(None, precision, Bound.NONE, Bound.PROCESS, None, began.line, source=began.source)
            if self.start.first("extracting") is None:
                self.over.add("extract")
        order = _AGENT if self.start.role == "agent" else self._server_order()
        for phase in order:
            self._divide(order, phase)
            self._cut(order, phase, self._end(phase))
        if self.start.role != "agent":
            if self.verdict.detected is not None:
                self._tail()
            else:
                self._never(order)
        elif "node" not in self.over:
            self._never(order)
        return self.phases

    def _server_order(self) -> tuple[str, ...]:
        """The order of this start: some cuts come in the order in which their lines did."""
        loose = _LOOSE_RKE2 if self.start.product == "rke2" else _LOOSE
        if self.start.product == "k3s" and _runtime_first(self.start):
            loose = _LOOSE_RUNTIME_FIRST
        ends = {phase: self._end(phase) for phase in loose}
        known = (p for p in loose if ends[p].lower is not None)
        held = sorted(known, key=lambda p: (*self._place(p, ends[p]), loose.index(p)))
        for phase in loose:
            if phase not in held:  # missing: where it usually comes
                later = (i for i, p in enumerate(held) if loose.index(p) > loose.index(phase))
                held.insert(next(later, len(held)), phase)
        return (_SERVER[0], *held, *_SERVER[3:])

    def _end(self, phase: str) -> Window:
        if phase in self.windows:
            window = self.windows[phase]
            before = self.at.lower_evidence
            if window.upper is not None and window.lower is None and before is not None:
                # Nothing bounds it from below but the cut before it: how the two phases share the time is not known.
                return window.from_below(before)
            return window
        mark = _ending(self.start, phase)
        return _window(mark.record, self.line_times) if mark is not None else OPEN

    def _cut(self, order: Sequence[str], phase: str, end: Window) -> None:
        end = self._no_earlier(end)
        if not _follows(self.at, end):
            return
        ids = self._may_be(order, phase)
        self.phases.append(_phase(ids, self.at, end))
        self.over.update(order[: order.index(phase) + 1])
        if phase in _BESIDE_DATASTORE and self._floats(order, phase):
            self.over.discard("datastore")
        self.at = end

    def _no_earlier(self, end: Window) -> Window:
        """An end whose line came after the cut before it, though its stamp alone might allow an earlier moment."""
        before = self.at.lower_evidence
        late = end.upper is not None and self.at.upper is not None and end.upper >= self.at.upper
        return end.after(before) if before is not None and late else end

    def _may_be(self, order: Sequence[str], phase: str) -> tuple[str, ...]:
        """All that the time before a cut may have been spent on."""
        ids = {p for p in order[: order.index(phase) + 1] if p not in self.over}
        if phase in _PREPARING and self._floats(order, phase):
            ids.add("datastore")  # it was waited for already
        ids |= self._unordered(phase)
        if phase == "node" and "server" in order:
            ids.add("server")
        return tuple(p for p in (order if "server" in order else _CANONICAL) if p in ids)

    def _floats(self, order: Sequence[str], phase: str) -> bool:
        """Whether the datastore was not known to be ready when a phase ended."""
        if "datastore" not in order:
            return False
        return order.index("datastore") > order.index(phase) or _ending(self.start, "datastore") is None

    def _unordered(self, phase: str) -> set[str]:
        """What else may have come before a cut where the API server's launch is not in the text.

        Only that line tells whether the runtime and its images came before the API server, or beside it. Nor does the
        line by which the client is connected end the datastore alone, where one before the text may have done so.
        """
        start = self.start
        if start.product != "k3s" or start.role == "agent" or "certificates" in self.over:
            return set()
        if phase == "datastore" and not start.begin_seen and not self._kine_told():
            launched = start.first("apiserver_requested") is not None
            return {"certificates"} if launched else {"certificates", "apiserver_boot"}  # it was, before the text
        if phase in ("extract", *_BESIDE_DATASTORE) or start.first("apiserver_requested") is not None:
            return set()
        if phase == "datastore" and self._kine_told():
            return set()  # it stands before all of them
        runtime = start.first(*_OF_THE_RUNTIME)
        return {"certificates", *(("containerd", "images") if runtime is not None else ())} - self.over

    def _kine_told(self) -> bool:
        """Whether the line that ends the datastore is the one of kine."""
        ready = _ending(self.start, "datastore")
        return ready is not None and ready.record.message.startswith("Kine ")

    def _divide(self, order: Sequence[str], phase: str) -> None:
        """Where a cut is missing, the first line that only a later phase prints divides the time instead."""
        if phase not in ("apiserver_boot", "hooks") or "server" in order:
            return
        shown = _shown(self.start, phase)
        missing = [p for p in order[: order.index(phase)] if p not in self.over]
        if shown is None or not missing:
            return
        where = _window(shown, self.line_times)
        if where.upper is None or where.lower is None or not _follows(self.at, where):
            return
        cut = self._end(phase)
        served = phase == "apiserver_boot" and cut.upper is not None and cut.lower is not None
        if served and where.upper > (cut.lower or 0.0):
            return  # the cut itself came first
        begin = self.at.upper
        if begin is None or where.lower > begin or not self.phases:
            # Without the cut itself, hooks may have been at work long before somebody saw it.
            ids = self._may_be(order, phase if served else "hooks")
            if where.upper > (begin or 0.0):
                self.phases.append(_phase(ids, self.at, where))
                self.at = where
        self.over.update(order[: order.index(phase)])

    def _tail(self) -> None:
        """The goals after readiness, in the order in which they came."""
        if "polling_tax" not in self.over:
            return
        cuts = [(p, self._end(p)) for p in _TAIL if p not in self.over]
        left = ["startup_hooks"] if _ending(self.start, "startup_hooks") is None else []
        for phase, end in sorted(cuts, key=lambda cut: (*self._place(*cut), _TAIL.index(cut[0]))):
            before = self.at.lower_evidence
            if phase == "node_ready" and before is not None:
                end = end.after(before)
            sure = phase in ("node", "node_ready") or (end.lower or 0.0) > (self.at.upper or 0.0)
            if not sure or not _follows(self.at, end):
                if end.upper is not None and end.upper > (self.at.upper or 0.0) + _MOMENT_S:
                    left.append(phase)  # it may have taken some of the time that follows
                continue
            also = [p for p in left if _TAIL.index(p) < _TAIL.index(phase)]
            self.phases.append(_phase((*also, phase), self.at, end))
            self.at = end

    def _place(self, phase: str, end: Window) -> tuple[float, float]:
        """Where a goal stands among the others: by its line, which tells more than a coarse stamp."""
        mark = _ending(self.start, phase)
        return (mark.record.seq if mark is not None else math.inf, end.upper or 0.0)

    def _never(self, order: Sequence[str]) -> None:
        """The phase that never ended: the first that the text does not show to be over, or any up to readiness."""
        seen = [p for p in order if p in self.over]
        if not self.start.begin_seen and not (set(seen) - {"extract"}):
            return  # a fragment that shows nothing of how far the start was
        last = self.verdict.end or (self.start.process[-1] if self.start.process else None)
        alive = self.line_times.earliest(last) if last is not None else None
        if last is None or alive is None or alive < (self.at.lower or 0.0):
            return
        ids = self._open(order, last)
        if ids:
            ids = self._waits(ids, last)
            end = Window(alive, None, Bound.PROCESS, Bound.NONE, last.line, source=last.source)
            self.phases.append(_phase(ids, self.at, end))

    def _open(self, order: Sequence[str], last: LogRecord) -> tuple[str, ...]:
        ends = [p for p in order if p not in ("polling_tax", "node_ready")]
        left = [p for p in ends if p not in self.over] or [p for p in order if p not in self.over][:1]
        if "server" in left and self._waits_for_server():
            return ("server",)
        complete = whole(self.start, last) and len(self.start.process) >= _FEW_LINES and self.start.product == "k3s"
        reason = self.verdict.end_reason or ""
        if "[+]" in reason or "[-]" in reason:  # its last words show the API server answering
            complete = False
        if "server" in order and "images" in left and self._opens_tunnels():
            # It has its configuration, and nothing is imported: the kubelet waits for the API server.
            return ("server", *(phase for phase in left if phase != "images"))
        until = next((n for n, phase in enumerate(left, 1) if complete and phase in _ALWAYS), len(left))
        return tuple(left[:until])

    def _opens_tunnels(self) -> bool:
        """Whether an agent that imports no images went on to its tunnels, beside which its kubelet is started."""
        if self.start.first("images_importing") is not None or "containerd" not in self.over:
            return False
        return any(record.message.startswith(_TUNNEL) for record in self.start.process)

    def _waits(self, ids: tuple[str, ...], last: LogRecord) -> tuple[str, ...]:
        """Cuts off the time up to the last line that says which of them is waited for; what the rest may be."""
        for phase in ids if whole(self.start, last) else ():
            waited = self._waited(phase)
            said = waited[-1].record if waited else None
            where = _window(said, self.line_times) if said is not None and said.seq < last.seq else OPEN
            if len(ids) == 1 or where.upper is None or where.lower is None or not _follows(self.at, where):
                continue
            if where.lower > (self.at.upper or 0.0):
                self.phases.append(_phase((phase,), self.at, where))
                self.at = where
                # What stands before it in the order of a start was over when it was waited for.
                return ids[ids.index(phase) :]
        return ids

    def _waits_for_server(self) -> bool:
        end = self.verdict.end
        if end is None:  # the log ends while it waits, and perhaps soon after
            said = self.start.process[-1:]
            return (
                bool(said) and whole(self.start, None) and said[0].seq in {m.record.seq for m in self._waited("server")}
            )
        return whole(self.start, end) and put_off_to_the_end(self.start, end)

    def _waited(self, phase: str) -> list[Mark]:
        """The lines with which k3s says that it still waits for the end of a phase."""
        marks = self.start.marks(*term("phase", phase).waits)
        return [m for m in marks if m.id != "server_not_ready" or m.groups.get("what") == "agent"]


def budget(start: Start, verdict: Verdict, line_times: LineTimes, windows: Mapping[str, Window]) -> list[Phase]:
    """Phases of a start without gaps or overlaps: each begins where the one before it ends.

    A start that never got further ends with the phase it was in, its end open from above. ``windows`` are the ends of
    the phases that no single line ends: ``hooks``, ``polling_tax`` and ``node_ready``.
    """
    if start.began is None or line_times.zero_us is None:
        return []
    return _Budget(start, verdict, line_times, windows).build()


def _runtime_first(start: Start) -> bool:
    """Whether the container runtime was asked for before the API server was launched, or that never was."""
    runtime = start.first(*_OF_THE_RUNTIME)
    launch = start.first("apiserver_requested")
    if runtime is None:
        return False
    if launch is None:
        return start.begin_seen and start.api_first("serving_securely", "apiserver_version") is None
    return runtime.record.seq < launch.record.seq


def _ending(start: Start, phase: str) -> Mark | None:
    """The line that ends a phase; hooks, polling_tax and node_ready end with windows of their own."""
    if phase == _PREPARED:
        return start.first("containerd_requested")
    name = term("phase", phase).ends_with
    return start.api_first(name) if name == "serving_securely" else start.first(name)


def _shown(start: Start, phase: str) -> LogRecord | None:
    """The first line that only this phase or a later one prints: an answer of the API server, with a hook that passed.

    The handler answers a little before the port is served, so a list alone does not show that hooks run.
    """
    for event in start.events:
        match event:
            case PollLine(record=record, error=error):
                passed = error.body is not None and any(name.startswith(HOOK) for name in error.body.ok)
                if passed or (phase == "apiserver_boot" and error.error in ("readyz_failing", "forbidden")):
                    return record
            case HealthBlock() | Mark(id="apiserver_version") if phase == "apiserver_boot":
                return event.record
    return None


def _phase(ids: Sequence[str], begin: Window, end: Window) -> Phase:
    named = tuple(dict.fromkeys("certificates" if name == _PREPARED else name for name in ids))
    return Phase("+".join(named), begin, end, _length(begin, end), named)


def _window(record: LogRecord, line_times: LineTimes) -> Window:
    low, high = line_times.not_before(record), line_times.not_after(record)
    return OPEN if low is None or high is None else OPEN.after(low).before(high)


def _follows(begin: Window, end: Window) -> bool:
    """Whether a cut is bounded on both sides, neither of them before the earliest moment of the one before it."""
    return end.upper is not None and end.lower is not None and min(end.lower, end.upper) >= (begin.lower or 0.0)


def _length(begin: Window, end: Window) -> Span:
    low = max(0.0, (end.lower or 0.0) - (begin.upper or 0.0))
    high = None if end.upper is None or begin.lower is None else max(0.0, end.upper - begin.lower)
    return Span(low, high)
