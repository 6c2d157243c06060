"""Windows of every check, of readiness and of its detection, fused from all observers.

Observers are the printed polls, the unprinted ones on their grid, klog's health blocks and the witness lines. The
tightest certain bound wins, and every end keeps its line. Two bounds that contradict each other are both dropped.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from analyzer.analysis import pod_evidence, witness_proof
from analyzer.analysis.answering_server import AnsweringServer
from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.pod_evidence import PodEvidence
from analyzer.analysis.polls import PollFacts, implied_before
from analyzer.analysis.roles_last import RolesRace
from analyzer.analysis.silent_poller import last_ticks
from analyzer.events.check_info import HOOK, info
from analyzer.events.event import HealthBlock
from analyzer.events.roles_last import roles_hook
from analyzer.events.versions import expected_checks
from analyzer.records.log_record import LogRecord
from analyzer.starts.start import Start, Verdict
from analyzer.window import OPEN, Bound, Evidence, Window

PROBES = ("etcd", "etcd-readiness")  # two probes of one datastore
_SYNCED, _STARTED = "informer-sync", "poststarthook/generic-apiserver-start-informers"
# k3s asks at least every 2 s: what stays ready is noticed within this time (measured: 2.3 s at most).
_NOTICED_S = 10.0
_END = 1 << 62  # behind every line
_DOWN = frozenset({"connection_refused", "connection_reset", "eof"})
_OWN_503 = "the server is currently unable to handle the request"
Outlasted: TypeAlias = Literal["all", "listed"] | None
USUAL_LAST = "poststarthook/rbac/bootstrap-roles"  # measured: in all 260 starts that became ready


@dataclass(slots=True)
class CheckFacts:
    """What was seen of one check."""

    name: str
    monotone: bool
    lowers: list[Evidence] = field(default_factory=list)  # it cleared after each of these
    uppers: list[Evidence] = field(default_factory=list)  # it had cleared by each of these
    seen_failing: bool = False
    first_failing: Evidence | None = None
    last_failing: Evidence | None = None
    last_state: str | None = None  # ok | failing, at the last list or block that shows it
    near: tuple[float, str] | None = None  # estimate and its rule
    reasons: list[str] = field(default_factory=list)
    window: Window = field(default_factory=Window)
    until_the_end: bool = (
        False  # last seen failing, and nothing can have changed since before the text or process ended
    )
    joint_last: bool = False  # seen failing alone in a complete list that was the last to show anything failing


@dataclass(slots=True)
class Facts:
    """Everything the observers say about one start."""

    checks: dict[str, CheckFacts]
    ready: Window
    detected: Window
    serving: Evidence | None
    last_list: frozenset[str] | None  # failing set of the last complete list or block before readiness
    last_list_complete: bool
    trouble_after_list: bool
    any_complete_list: bool
    lossy: bool  # lines of the process are known to be missing
    noticed: bool  # k3s noticed readiness, whether or not the log can say when
    answering: AnsweringServer
    outlasted: Outlasted = None  # what the roles hook certainly ended after, without having been seen failing alone


def gather(
    start: Start, verdict: Verdict, line_times: LineTimes, polls: PollFacts, answering: AnsweringServer
) -> Facts:
    """Fuses all observers of a start into windows."""
    return _Builder(start, verdict, line_times, polls, answering).build()


@dataclass(slots=True)
class _Look:
    """One look at a whole check list: a poll's or a health block's."""

    seq: int
    departed: Evidence | None  # state is of a moment after this
    read: Evidence | None  # … and before this
    ok: frozenset[str]
    failing: frozenset[str]
    complete: bool
    still: Evidence | None  # a later unprinted poll that was answered alike
    sure: bool = True  # whoever answered is the process that answered the success

    @property
    def bounds(self) -> list[Evidence]:
        """What was failing in it had not cleared by these."""
        return [bound for bound in (self.departed, self.still) if bound is not None]


class _Builder:
    """Collects bounds; separate from ``gather`` only to keep the pieces of state together."""

    def __init__(
        self, start: Start, verdict: Verdict, line_times: LineTimes, polls: PollFacts, answering: AnsweringServer
    ) -> None:
        self.start, self.verdict, self.line_times, self.polls = start, verdict, line_times, polls
        self.checks: dict[str, CheckFacts] = {}
        self.ready_lowers: list[Evidence] = []
        self.ready_uppers: list[Evidence] = []
        self.serving: Evidence | None = None
        self.every_hook: list[Evidence] = []
        self.every_check: list[Evidence] = []
        self._troubled: list[int] | None = None
        self.answering = answering
        own = answering.answered == "own"
        self.pods = pod_evidence.evidence(start, verdict, line_times) if own else PodEvidence()
        # What is seen after readiness was noticed, or after a stop began, says nothing about the way there.
        ends = [r.seq for r in (verdict.stop_sign, verdict.detected) if r is not None]
        self.limit = min(ends, default=_END)
        self.restarted_seq = self._restarted()
        self.ticks = last_ticks(start, verdict, line_times)
        self.fresh = witness_proof.is_fresh(start)
        self.expected = frozenset(expected_checks(start.version))
        self.held: list[witness_proof.Proof] = []

    def build(self) -> Facts:
        looks = self._looks()
        self._take_looks(looks)
        self._take_other_polls()
        self._take_witnesses()
        if self.verdict.detected is not None and self.checks and not looks:
            # Witness lines speak of some checks only; the one that is usually last must not be left out of the blame.
            self._check(USUAL_LAST)
        ready = self._ready_window()
        self._process_begin()
        trouble = self._trouble_after(looks) or (bool(looks) and self.pods.outdates(looks[-1].departed, False))
        current = self._current(looks)
        for facts in self.checks.values():
            facts.window = self._window(facts, looks, ready, trouble)
            facts.until_the_end = facts.last_state == "failing" and facts.name in current
            if facts.near is not None and not facts.window.contains(facts.near[0], slack=0.0):
                facts.near = None
        last = max((look for look in looks if look.failing), key=lambda look: look.seq, default=None)
        for name in last.failing if last is not None and last.complete and len(last.failing) == 1 else ():
            self.checks[name].joint_last = not trouble and self.answering.answered == "own"
        return Facts(
            checks=self.checks,
            # Not noticed by k3s: the contract leaves the upper end open, whatever a witness proves of the hooks.
            ready=ready if self.verdict.detected is not None else self._until_the_end(ready.unbounded()),
            detected=self._detected_window(ready),
            serving=self.serving,
            last_list=last.failing if last is not None else None,
            last_list_complete=bool(last and last.complete),
            # The success after the list may have come from a server that had passed it long before.
            trouble_after_list=trouble or self.answering.answered == "other",
            any_complete_list=any(look.complete for look in looks),
            lossy=bool(self.start.losses) or self.start.filtered,
            noticed=self.verdict.detected is not None,
            answering=self.answering,
            outlasted=self._outlasted(last, ready, trouble),
        )

    def _outlasted(self, last: _Look | None, ready: Window, trouble: bool) -> Outlasted:
        """What the roles hook outlasted by the number of its answers (``roles_last.py``)."""
        roles = self.checks.get(roles_hook().check)
        if roles is None or roles.last_state == "ok" or self.answering.answered != "own":
            return None
        race = RolesRace(self.start, self.verdict, self.line_times, self.held)
        if last is None or roles.name in last.failing:
            if race.outlasted_all(self.checks, ready):
                return "all"
            whole = last is not None and last.complete and last.sure and not trouble
            return "listed" if whole and last is not None and race.outlasted(last.failing) else None
        return None

    def _current(self, looks: list[_Look]) -> frozenset[str]:
        """The checks whose last sight is not older than the end: what was failing in it was failing then.

        k3s prints what changes, so while its process writes and nothing is missing, the last list holds. Of a process
        that ended only what it said with its last words is known: what it would have seen next, nobody saw.
        """
        ended = self.verdict.end if self.verdict.end_kind != "running" else None
        if ended is not None:
            said = ended.message
            last = {name for look in looks if look.seq >= ended.seq for name in look.failing}
            return frozenset(last | {name for name in self.checks if f'"{info(name).short}" failed' in said})
        if not looks or self.start.filtered or self.start.lost_between(looks[-1].seq, None):
            return frozenset()
        return looks[-1].failing if looks[-1].complete else frozenset(self.checks)

    def _restarted(self) -> int:
        """Position of the last sign that RKE2's API server, a pod, was down: lists before it are of an older run."""
        if self.start.product != "rke2" or self.answering.answered != "own":
            return -1
        down = (s.line.record.seq for s in self.polls.sightings if s.line.error.error in _DOWN)
        return max((seq for seq in down if seq <= self.limit), default=-1)

    def _check(self, name: str) -> CheckFacts:
        facts = self.checks.get(name)
        if facts is None:
            # Behind a load balancer the next answer may be another server's: what was ok may be failing again.
            steady = info(name).monotone and self.answering.answered == "own"
            facts = self.checks[name] = CheckFacts(name, steady)
        return facts

    def _looks(self) -> list[_Look]:
        """Every check list in the text before the first sign of a stop, in order."""
        looks: list[_Look] = []
        for index, sighting in enumerate(self.polls.sightings):
            record, body = sighting.line.record, sighting.line.error.body
            if body is None or record.seq > self.limit:
                continue
            departed, still = self._departures(index)
            read = _observed(sighting.read_s, record)
            complete, ok = not (body.cut or record.truncated), frozenset(body.ok)
            looks.append(_Look(record.seq, departed, read, ok, frozenset(body.failing), complete, still))
        blocks = (event for event in self.start.events if isinstance(event, HealthBlock))
        own = (event for event in blocks if event.record.seq <= self.limit)
        looks += [self._block(event, event.record.seq, self.expected) for event in own]
        looks += [self._block(event, seq, self.pods.expected, sure=self.pods.sure) for event, seq in self.pods.blocks]
        return sorted(looks, key=lambda look: look.seq)

    def _departures(self, index: int) -> tuple[Evidence | None, Evidence | None]:
        """When a printed poll left at the earliest, and the last unprinted one that was answered alike."""
        sighting = self.polls.sightings[index]
        record = sighting.line.record
        still = implied_before(self.polls, index)
        implied = None if still is None else Evidence(still, Bound.GRID, None, record.source)
        return _observed(sighting.departed_s, record), implied

    def _block(self, event: HealthBlock, seq: int, expected: frozenset[str], *, sure: bool = True) -> _Look:
        """A look through klog's own words. They list failing checks alone; where whole, the release's others passed."""
        record, readyz = event.record, event.endpoint == "readyz"
        passed = expected - set(event.failing) if event.complete and readyz else frozenset()
        # A hook's check is registered with all three endpoints alike; what else they hold differs.
        failing = frozenset(name for name in event.failing if readyz or name.startswith(HOOK))
        at = self.line_times.not_before(record)
        # The checks run one after the other before the header is written; 2 s is a probe's own limit.
        begun = replace(at, at_s=at.at_s - 2.0 - event.stale_s) if at is not None else None
        for name, reason in event.reasons:
            if name in failing and reason not in (*self._check(name).reasons, "reason withheld"):
                self._check(name).reasons.append(reason)
        read, complete = self.line_times.not_after(record), event.complete and readyz
        return _Look(seq, begun, read, passed, failing, complete, None, sure)

    def _take_looks(self, looks: Iterable[_Look]) -> None:
        previous: _Look | None = None
        for look in looks:
            unsteady = previous is not None and self._trouble_between(previous.seq, look.seq)
            if unsteady or not look.failing.isdisjoint(PROBES):
                # A probe seen ok before may have turned bad and good again since; so may the other one's twin.
                for facts in self.checks.values():
                    if not facts.monotone:
                        facts.uppers.clear()
            previous = look
            for name in sorted(look.failing):
                facts = self._check(name)
                facts.seen_failing, facts.last_state = True, "failing"
                for bound in look.bounds:
                    facts.lowers.append(bound)
                    facts.first_failing = facts.first_failing or bound
                    facts.last_failing = bound
                if not facts.monotone:
                    facts.uppers.clear()
            passed = look.ok | self._absent(look)
            for name in sorted(passed if look.sure else ()):
                facts = self._check(name)
                facts.last_state = "ok"
                if look.seq < self.restarted_seq or self.pods.outdates(look.departed, facts.monotone):
                    continue  # seen of a process, or before a trouble, that was not the last
                if name == _SYNCED and _STARTED not in look.ok:
                    continue  # no informer was started yet: there is nothing that could be unsynced
                if look.read is not None:
                    facts.uppers.append(look.read)
            if look.failing:
                self.ready_lowers.extend(look.bounds)

    def _absent(self, look: _Look) -> frozenset[str]:
        """Checks seen failing before that a whole list of the failing ones no longer holds: they had passed."""
        before = {c.name for c in self.checks.values() if c.last_state == "failing"}
        return frozenset(before - look.failing) if look.complete else frozenset()

    def _take_other_polls(self) -> None:
        """Answers without a list that still say: not ready yet."""
        server = self.answering.answered == "own"
        for index, sighting in enumerate(self.polls.sightings):
            error = sighting.line.error
            if error.body is not None or sighting.line.record.seq > self.limit:
                continue
            own = server and error.error == "service_unavailable"
            denied = server and error.error == "forbidden" and not self.fresh
            if not (own or denied or error.error == "not_ready_text"):
                continue
            self.ready_lowers.extend(b for b in self._departures(index) if b is not None)
        if self.polls.last_failed_tick_s is not None and self.polls.sightings:
            self.ready_lowers.append(Evidence(self.polls.last_failed_tick_s, Bound.GRID))
        if self.ticks is not None:
            self.ready_lowers.append(Evidence(self.ticks.failed_s, Bound.GRID))

        for mark in self.start.marks("limit_reached", "fatal", "shutdown_requested"):
            # On giving up k3s quotes the last answer; its request left within the last interval and its own limit.
            text = mark.record.message
            if server and "o wait for API server to become ready" in text and _OWN_503 in text:
                spec = self.polls.spec
                ago = (spec.interval_s or 2.0) + (spec.request_limit_s or 15.0)
                if (told := self.line_times.not_before(mark.record)) is not None:
                    self.ready_lowers.append(replace(told, at_s=told.at_s - ago))

    def _until_the_end(self, ready: Window) -> Window:
        """Of a process that ended before a bound nothing more can be said than that it ended."""
        end = self.verdict.end if self.verdict.end_kind != "running" else None
        at = self.line_times.not_before(end, Bound.PROCESS) if end is not None else None
        early = at is not None and ready.lower is not None and at.at_s < ready.lower
        return ready.from_below(at) if at is not None and early else ready

    def _take_witnesses(self) -> None:
        found = [*witness_proof.proofs(self.start, self.verdict, self.line_times), *self.pods.proofs]
        self.held = [proof for proof in found if self.answering.holds(proof.rule)]
        for proof in self.held:
            rule, evidence = proof.rule, proof.evidence
            if rule.check == _SYNCED and _SYNCED not in self.checks:
                continue  # its lines tell when it ended, not that it was ever asked
            # A hook that only starts a goroutine is worth a row when something else speaks of it.
            telling = rule.check in self.checks or info(rule.check).kind != "trivial"
            if telling and (rule.relation == "near" or rule.also_near):
                self._check(rule.check).near = (evidence.at_s, rule.id)
            if rule.relation == "not_before":
                apart = proof.record.source in self.pods.sources  # judged by time already
                if not apart and self.verdict.detected is not None and proof.record.seq > self.verdict.detected.seq:
                    continue  # the same words by somebody else, later
                if rule.id == witness_proof.SERVING_RULE and (self.pods.sure or not apart):
                    self.serving = evidence
                if rule.check == "poststarthook/*":
                    self.every_hook.append(evidence)
                elif rule.check == "*":
                    self.every_check.append(evidence)
                elif rule.check != "ready":
                    self._check(rule.check).lowers.append(evidence)
                self.ready_lowers.append(evidence)
            elif rule.relation == "not_after":
                if rule.check == "ready":
                    self.ready_uppers.append(evidence)
                else:
                    self._check(rule.check).uppers.append(evidence)

    def _ready_window(self) -> Window:
        detected = self.verdict.detected
        if detected is None:
            # A witness may have proven readiness although k3s did not notice it.
            return _fuse(self.ready_lowers, self.ready_uppers)
        at = self.line_times.not_after(detected)
        lasting = self.ready_uppers
        if at is not None and detected.message.startswith("Kube API server"):
            # Readiness that somebody saw much earlier did not last until k3s noticed it.
            lasting = [u for u in lasting if u.at_s > at.at_s - _NOTICED_S]
        uppers = [*lasting, *self._behind_gate()]
        return _fuse(self.ready_lowers, uppers)

    def _process_begin(self) -> None:
        """Nothing of a process clears before the process begins; no hook before the server serves."""
        first = self.start.first_of_process if self.start.begin_seen else None
        begin = self.line_times.not_before(first, Bound.PROCESS) if first is not None else None
        for facts in self.checks.values():
            if facts.name.startswith(HOOK):
                facts.lowers.extend(self.every_hook)
            facts.lowers.extend(self.every_check)
            if begin is not None:
                facts.lowers.append(begin)

    def _trouble_after(self, looks: list[_Look]) -> bool:
        """Whether the log shows signs, after the last list, that a probe may have turned bad again unseen.

        Hooks never go back; the datastore and informer probes can, when the datastore stalls for their 2 s limit.
        Signs are errors and slow answers of the datastore, and lost lines. Silence is none: while rbac writes its
        roles, nothing else is printed.
        """
        if not looks or self.start.filtered:
            return True
        noticed = self.verdict.detected.seq if self.verdict.detected is not None else None
        return self._trouble_between(looks[-1].seq, noticed)

    def _trouble_between(self, after_seq: int, before_seq: int | None) -> bool:
        if self._troubled is None:
            said = [r.seq for r in self.start.process if r.gap_before or pod_evidence.TROUBLE.search(r.message)]
            # An answer without a list hides which checks failed with it.
            hidden = [s.line.record.seq for s in self.polls.sightings if s.line.error.body is None]
            self._troubled = sorted([*said, *hidden, *self.start.losses])
        first = bisect.bisect_right(self._troubled, after_seq)
        return first < len(self._troubled) and (before_seq is None or self._troubled[first] < before_seq)

    def _window(self, facts: CheckFacts, looks: list[_Look], ready: Window, trouble: bool) -> Window:
        uppers = list(facts.uppers)
        # What can go back is bounded by its last sighting only if every later poll is accounted for.
        if not facts.monotone and ready.upper is not None and (trouble or self.polls.success_tick_s is None):
            uppers = []
        known = ready.upper_evidence
        if known is not None:
            uppers.append(known)
        elif not facts.monotone and (facts.last_state == "failing" or self.start.losses or self.start.filtered):
            uppers = []
        return _fuse(facts.lowers, uppers)

    def _behind_gate(self) -> list[Evidence]:
        """Upper bounds of readiness and of its detection: the lines that only code behind the gate prints."""
        lines = [r for r in (self.verdict.behind_gate, self.verdict.detected) if r is not None]
        return [bound for line in lines if (bound := self.line_times.not_after(line)) is not None]

    def _detected_window(self, ready: Window) -> Window:
        detected = self.verdict.detected
        if detected is None:
            answered = self._last_answer()
            return OPEN.after(answered) if answered is not None else OPEN
        lowers = [e for e in (ready.lower_evidence, self._last_answer(detected.seq)) if e is not None]
        if self.polls.success_tick_s is not None:
            lowers.append(Evidence(self.polls.success_tick_s, Bound.GRID))
        if self.ticks is not None:
            lowers.append(Evidence(self.ticks.success_s, Bound.GRID))
        if self.verdict.by_another:
            return _fuse(lowers, [])  # the server's own poller had not necessarily noticed it by then
        gate = sorted(self._behind_gate(), key=lambda bound: bound.at_s)
        return _fuse(lowers, gate[:1], Window(source=detected.source))

    def _last_answer(self, before_seq: int = _END) -> Evidence | None:
        """The last printed failing answer: the successful one came after it."""
        before = [s.line.record for s in self.polls.sightings if s.line.record.seq < before_seq]
        return self.line_times.not_before(before[-1]) if before else None


def _observed(at: float | None, record: LogRecord) -> Evidence | None:
    return None if at is None else Evidence(at, Bound.OBSERVED, record.line, record.source)


def _fuse(lowers: list[Evidence], uppers: list[Evidence], window: Window = OPEN) -> Window:
    """The tightest window; of a pair that contradicts itself both ends are dropped."""
    lowers, uppers = list(lowers), list(uppers)
    while lowers and uppers:
        low = max(lowers, key=lambda e: e.at_s)
        high = min(uppers, key=lambda e: e.at_s)
        if low.at_s <= high.at_s:
            break
        lowers.remove(low)
        uppers.remove(high)
    for low in lowers:
        window = window.after(low)
    for high in uppers:
        window = window.before(high)
    return window
