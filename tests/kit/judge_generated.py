"""Holds a report against the truth of a generated journal: every window contains it, no claim contradicts it.

Stamps of coarse carriers are truncated, and the windows know that; so nothing here depends on the carrier but what a
carrier cannot show (``cat`` has no systemd lines, a time without a date has no absolute place).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from analyzer.analysis.chain_of_blame import blame_chain
from analyzer.events.check_info import roots
from analyzer.results import ChainLink, Check, Report, StartReport
from analyzer.testing import LOSSY, expected_outcome
from analyzer.testing.truth import SECOND, StartTruth, Truth
from analyzer.window import Span, Window

# Stamps of other components are laid on the journal's axis by a measured offset, so a bound may be this far off.
FIRST_LINE_S = 3.0  # a process prints its first line within this of its launch
SLACK_S = 2e-3


@dataclass
class Verdict:
    """What is wrong with one report, and how wide its windows are where a rule limits them."""

    wrong: list[str] = field(default_factory=list)
    claims: int = 0
    contained: int = 0
    goals: Counter[tuple[str, str]] = field(default_factory=Counter)

    def claim(self, holds: bool, otherwise: str) -> None:
        """Count a claim; ``otherwise`` tells how it fails."""
        self.claims += 1
        if not holds:
            self.wrong.append(otherwise)


def judge(truth: Truth, report: Report, carrier: str) -> Verdict:
    """Everything in ``report`` that the truth can decide."""
    verdict = Verdict()
    told = truth.starts
    if carrier in LOSSY:
        return _judge_what_is_left(verdict, truth, report, carrier)
    verdict.claim(len(told) == len(report.starts), f"{len(report.starts)} starts for {len(told)}")
    if len(told) != len(report.starts):
        return verdict
    for true_start, start in zip(_paired(told, report.starts), report.starts, strict=True):
        _Judge(verdict, truth, true_start, start, carrier).run()
    return verdict


def _judge_what_is_left(verdict: Verdict, truth: Truth, report: Report, carrier: str) -> Verdict:
    """Of a carrier that lost lines: no start that never was, no claim that the truth contradicts."""
    by_process = {(t.host, t.pid): t for t in truth.starts}
    for start in report.starts:
        told = by_process.get((start.host or "", start.pid or 0))
        if told is None:  # systemd's words about a process whose own lines are all gone
            verdict.claim(start.pid is None, f"a start of process {start.pid}, which never was")
            continue
        _Judge(verdict, truth, told, start, carrier).run()
    return verdict


def _paired(told: tuple[StartTruth, ...], found: tuple[StartReport, ...]) -> list[StartTruth]:
    """The truths in the order of the reports: by process where both name one, else by time."""
    by_process = {(t.host, t.pid): t for t in told}
    if len(by_process) == len(told) and all((s.host, s.pid) in by_process for s in found):
        return [by_process[(s.host, s.pid)] for s in found]  # type: ignore[index]
    return sorted(told, key=lambda t: t.began_us)


class _Judge:
    """Judges one start."""

    def __init__(self, verdict: Verdict, truth: Truth, told: StartTruth, start: StartReport, carrier: str) -> None:
        self.verdict, self.truth, self.told, self.start, self.carrier = verdict, truth, told, start, carrier
        self.lossy = carrier in LOSSY
        self.zero_s: float | None = None
        from_systemd = any(m.id == "systemd_starting" and m.at_s == 0 for m in start.milestones)
        if start.began_at is not None:
            self.zero_s = start.began_at.timestamp()
        if from_systemd and (start.began_at is None or carrier in ("short-monotonic", "short-delta")):
            # Times count from systemd's line. When that was, nothing in the carrier tells, or only whole seconds do.
            off_s = told.began_us / SECOND - self.zero_s if self.zero_s is not None else 0.0
            self.claim(abs(off_s) < 1.0, f"began {off_s} s off")
            self.zero_s = told.began_us / SECOND

    def claim(self, holds: bool, otherwise: str) -> None:
        """Count a claim of this start."""
        self.verdict.claim(holds, f"start {self.start.index}: {otherwise}")

    @property
    def _over_before_the_text(self) -> bool:
        """Whether readiness was noticed in the part of the journal that was cut away."""
        begin, noticed = self.truth.text_from_us, self.told.detected_us
        return begin is not None and noticed is not None and noticed < begin

    def run(self) -> None:
        """All claims of the start."""
        self._identity()
        self._polls()
        if self.zero_s is None:
            self._about()
            return
        self._moments()
        self._goals()
        for check in self.start.checks:
            self._check(check)
        self._blame()
        self._chain()

    def _identity(self) -> None:
        told, start = self.told, self.start
        self.claim(start.version in (told.version, None), f"version {start.version}, not {told.version}")
        self.claim(start.product in (told.product, "unknown"), f"product {start.product}, not {told.product}")
        self.claim(start.role in (told.role, "unknown"), f"role {start.role}, not {told.role}")
        # Where a carrier lacks the lines that tell, not to know is right; to know is no worse.
        right = {told.outcome, expected_outcome(told, self.carrier)}
        if self._over_before_the_text or self.lossy:
            right.add("incomplete")
        self.claim(start.outcome in right, f"outcome {start.outcome}, not {' or '.join(sorted(right))}")
        if told.reason_has and not self.lossy and start.outcome == told.outcome:
            reason = start.outcome_reason or ""
            self.claim(told.reason_has in reason, f"reason {reason!r} lacks {told.reason_has!r}")

    def _polls(self) -> None:
        printed = [p for p in self.start.polls if p.printed]
        told = [p for p in self.told.polls if p.printed]
        if self.lossy:
            self._polls_left()
            return
        self.claim(len(printed) == len(told), f"{len(printed)} printed polls for {len(told)}")
        if len(printed) != len(told):
            return
        for number, (poll, true_poll) in enumerate(zip(printed, told, strict=True)):
            self.claim(poll.error == true_poll.error, f"poll {number}: {poll.error}, not {true_poll.error}")
            self.claim(
                sorted(poll.failing) == sorted(true_poll.shown_failing),
                f"poll {number}: failing {sorted(poll.failing)}, not {sorted(true_poll.shown_failing)}",
            )
        self.claim(self.start.poller.kind in (self.told.poller, "unknown"), f"poller {self.start.poller.kind}")

    def _polls_left(self) -> None:
        """Polls of a carrier that lost lines: none too many, none of another kind."""
        printed = [p for p in self.start.polls if p.printed]
        told = [p for p in self.told.polls if p.printed]
        self.claim(len(printed) <= len(told), f"{len(printed)} printed polls, more than {len(told)}")
        errors = {p.error for p in told}
        failing = {name for p in told for name in p.failing}
        for poll in printed:
            self.claim(poll.error in errors or poll.cut, f"a poll with {poll.error}")
            self.claim(set(poll.failing) <= failing, f"a poll with {sorted(set(poll.failing) - failing)} failing")
        self.claim(self.start.poller.kind in (self.told.poller, "unknown"), f"poller {self.start.poller.kind}")

    def _holds(self, name: str, window: Window, moment_us: int | None) -> None:
        """Claim that ``window`` contains the true moment; an end may be open, a moment that never came has none."""
        assert self.zero_s is not None
        if moment_us is None:
            self.claim(window.upper is None, f"{name} {_shown(window)} although it never happened")
            return
        moment = moment_us / SECOND - self.zero_s
        self.verdict.contained += 1
        self.claim(window.contains(moment, SLACK_S), f"{name} {_shown(window)} misses {moment:.6f}")

    def _about(self) -> None:
        """Readiness of a start of no known date: its times count from the first line of the process."""
        told, start = self.told, self.start
        if not start.begin_seen or self.truth.text_from_us is not None or self.lossy:
            return
        for name, window, moment in (
            ("ready", start.ready, told.ready_us),
            ("detected", start.detected, told.detected_us),
        ):
            if moment is not None:
                at = (moment - told.exec_us) / SECOND
                self.claim(window.contains(at, FIRST_LINE_S), f"{name} {_shown(window)} misses about {at:.1f}")

    def _moments(self) -> None:
        told, start = self.told, self.start
        noticed = told.detected_us is not None
        self._holds("ready", start.ready, told.ready_us if noticed or start.ready.upper is not None else None)
        self._holds("detected", start.detected, told.detected_us)
        if noticed and told.ready_us is not None and start.polling_tax_s is not None:
            tax = (told.detected_us - told.ready_us) / SECOND  # type: ignore[operator]
            self.claim(_within(start.polling_tax_s, tax), f"polling tax {start.polling_tax_s} misses {tax:.6f}")
        if noticed and not self._over_before_the_text and not self.lossy:
            self.claim(start.ready.upper is not None, "ready is open although k3s noticed it")

    def _goals(self) -> None:
        """A goal's window holds its moment; one that is reached was, and none is denied that was."""
        for goal in self.start.goals:
            if goal.id not in self.told.goals:
                self.claim(goal.state == "unknown", f"goal {goal.id} of another role")
                continue
            moment = self.told.goals[goal.id]
            if goal.id in ("api", "server") and self.told.detected_us is None:
                continue  # as ready above
            if goal.state == "reached":
                self._holds(f"goal {goal.id}", goal.window, moment)
            elif goal.state == "not_reached":
                self.claim(moment is None, f"goal {goal.id} denied, reached at {moment}")
            self.verdict.goals[goal.id, goal.state] += 1

    def _check(self, check: Check) -> None:
        told = self.told.checks.get(check.name)
        if told is None:
            self.claim(not check.seen_failing, f"{check.name} seen failing, but there is no such check")
            return
        if told.ok_us is None and self._was_seen_ok(check.name):
            return  # ok at the last evidence, and bad again when nobody looked
        if told.ok_us is None:
            self.claim(check.final != "ok", f"{check.name} called ok")
        self._holds(check.name, check.cleared, told.ok_us)
        if check.estimate_s is not None:
            self.claim(check.cleared.contains(check.estimate_s, SLACK_S), f"{check.name}: estimate outside the window")

    def _was_seen_ok(self, name: str) -> bool:
        """Whether a printed answer with a list did not have the check among the failing ones."""
        return any(p.printed and p.error == "readyz_failing" and name not in p.failing for p in self.told.polls)

    def _blame(self) -> None:
        """Last blocker, time alone and time shared, against the true order of the checks."""
        told, start = self.told, self.start
        times = {name: c.ok_us for name, c in told.checks.items() if c.ok_us is not None}
        if told.ready_us is None or told.detected_us is None or len(times) < 2:
            return
        latest = max(times.values())
        last = {name for name, at in times.items() if at == latest}
        named = set(start.bottleneck.checks)
        if start.bottleneck.certainty == "certain":
            self.claim(bool(named) and named <= last, f"{sorted(named)} called last for certain, it was {sorted(last)}")
        elif named and last & {check.name for check in start.checks}:
            # A check of which the text says nothing cannot be named.
            self.claim(bool(named & last), f"bottleneck {sorted(named)} leaves out {sorted(last)}")
        for check in start.checks:
            if check.last_blocker == "certain":
                self.claim(check.name in last, f"{check.name} called the last blocker")
            elif check.last_blocker == "no":
                self.claim({check.name} != last, f"{check.name} called no last blocker, but it was")
        if told.serving_us is None:
            return
        begin = max([told.serving_us, *(at for name, at in times.items() if name not in last)])
        alone = max(0.0, (latest - begin) / SECOND) if len(last) == 1 else 0.0
        whole = (told.ready_us - told.serving_us) / SECOND
        if start.hooks_alone_s is not None:
            self.claim(_within(start.hooks_alone_s, alone), f"time alone {start.hooks_alone_s} misses {alone:.6f}")
        if start.hooks_shared_s is not None:
            shared = whole - alone
            self.claim(_within(start.hooks_shared_s, shared), f"time shared {start.hooks_shared_s} misses {shared:.6f}")
        for check in start.checks:
            true_alone = alone if {check.name} == last else 0.0
            if check.exclusive_s is not None and check.name in times:
                self.claim(
                    _within(check.exclusive_s, true_alone), f"{check.name}: alone {check.exclusive_s}, not {true_alone}"
                )

    def _chain(self) -> None:
        """The chain of blame: its order, its links, what it says of the last check, what a quick root saves at most."""
        chain = blame_chain(self.start)
        if chain is None:
            return
        told, links = self.told, chain.links
        for one, later in combinations(links, 2):
            early, late = one.cleared.lower, later.cleared.upper
            self.claim(
                early is None or late is None or early <= late, f"chain: {one.name} is surely after {later.name}"
            )
        self.claim([link.waited_for for link in links] == [None, *(link.name for link in links)][:-1], "chain: broken")
        self.claim(chain.root is None or chain.root in {link.name for link in links}, f"chain: no link {chain.root}")
        for link in links:
            if link.name == "serving":
                self._holds("chain: serving", link.cleared, told.serving_us)
        turns = [(link.name, turn) for link in links if (turn := self._turn(link)) is not None]
        if chain.certainty == "certain":
            for (name, turn), (after, turn_after) in pairwise(turns):
                self.claim(turn <= turn_after, f"chain: {name} passed after {after}")
        if chain.in_reason and chain.last[0] in told.checks:
            self.claim(told.checks[chain.last[0]].ok_us is None, f"chain: {chain.last[0]} ended it, but it had passed")
        saving = next((c.saving_s for c in self.start.checks if (c.name,) == chain.last == (chain.root,)), None)
        if saving is not None and saving.max is not None and chain.root_saving_s is not None:
            most = chain.root_saving_s.max
            self.claim(most is None or most >= saving.max, "chain: saves less than its only link")

    def _turn(self, link: ChainLink) -> int | None:
        """When a link was truly over, where the truth tells."""
        if link.name == "serving":
            return self.told.serving_us
        names = [link.name]
        if link.kind == "root":  # shown by the probe that has this window
            probes = roots()[link.name].probes
            names = [c.name for c in self.start.checks if c.name in probes and c.cleared == link.cleared]
        found = [self.told.checks[name].ok_us for name in names if name in self.told.checks]
        return found[0] if found else None


def _within(span: Span, length: float) -> bool:
    return span.min - SLACK_S <= length and (span.max is None or length <= span.max + SLACK_S)


def _shown(window: Window) -> str:
    return (
        f"({window.lower}, {window.upper}] [{window.lower_kind} {window.lower_witness or window.lower_line}"
        f" … {window.upper_kind} {window.upper_witness or window.upper_line}]"
    )
