"""When a start had what it is for: each goal a window with its lines, and whether it was reached.

Which lines bound which goal is data (``events/goals.toml``). A goal that no line bounds is ``unknown``; it is
``not_reached`` only where the process ended and nothing of its text is missing that could have shown it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.analysis.line_times import LineTimes
from analyzer.events.event import Mark
from analyzer.events.goal_rules import GoalRule, goals_of, late
from analyzer.events.versions import parse_version
from analyzer.records.log_record import LogRecord
from analyzer.results import Goal, GoalState
from analyzer.starts.agents import never_registered, notified, put_off_to_the_end, whole
from analyzer.starts.start import Start, Verdict
from analyzer.window import OPEN, Bound, Evidence, Window

_OTHER_RHYTHM = "node-status-update-frequency"  # the kubelet's limit for a report follows this option
_GONE = ("process_exited", "systemd_stopped", "systemd_failed")  # what systemd says when no process is left
_SAYS = "agent_running"


@dataclass
class _Goals:
    start: Start
    verdict: Verdict
    line_times: LineTimes
    ready: Window
    found: dict[str, Goal] = field(default_factory=dict)

    def build(self) -> list[Goal]:
        for rule in goals_of(self.start.role):
            self.found[rule.id] = self._goal(rule)
        return list(self.found.values())

    def _goal(self, rule: GoalRule) -> Goal:
        upper, reached = self._reached(rule)
        window = self.ready if rule.ready else OPEN
        if upper is not None:
            window = window.before(upper)
        if (bound := self._not_before(rule, reached)) is not None:
            window = window.after(bound)
        window = self._after_others(rule, window)
        if window.contradicts_itself:  # two proofs that cannot both hold: neither is believed
            window = OPEN
        state = self._state(rule, reached is not None or window.upper is not None)
        if state == "reached":
            return Goal(rule.id, window, state)
        window = window.unbounded()
        if state == "unknown" and (open_ := self._still_open(rule, window)) is not None:
            return Goal(rule.id, window.after(open_), "not_reached")
        return Goal(rule.id, window, state)

    def _still_open(self, rule: GoalRule, window: Window) -> Evidence | None:
        """Until when a goal whose lines are due had certainly not come; ``None``: that is not shown, or not long.

        Two writers tell of it, k3s and systemd, which waits for that word: where nothing is lost or chosen, both silent
        is no chance. A line that may come at any moment is worth a word only where it is long overdue. A process on its
        way out may still say that it is up: what that was, the log shows only once the process is gone.
        """
        start = self.start
        if not rule.due or start.role not in rule.roles or self.verdict.detected is None:
            return None
        told = start.first("systemd_starting") is not None and start.first(*rule.reached) is None
        last = self.verdict.stop_sign or self.verdict.end or (start.process[-1] if start.process else None)
        if not told or last is None or not whole(start, None):
            return None
        bound = self.line_times.not_before(last, Bound.PROCESS)
        since = self.ready.upper
        long = bound is not None and since is not None and bound.at_s - since >= late().open_s
        return bound if long or start.first(*_GONE) is not None else None

    def _marks(self, rule: GoalRule) -> list[Mark]:
        """The lines that show the goal reached, in order."""
        if not self._counts(rule):
            return []
        stop = self.verdict.stop_sign.seq if self.verdict.stop_sign is not None else None
        found = [m for m in self.start.marks(*rule.reached) if m.id != "systemd_started"]
        if "systemd_started" in rule.reached and (told := notified(self.start)) is not None:
            found.append(told)
        # What the kubelet was answered counts whatever a stop does; what k3s says of itself only before one.
        kept = [m for m in found if stop is None or m.record.seq < stop or not (rule.before_stop or m.id == _SAYS)]
        return sorted(kept, key=lambda mark: mark.record.seq)

    def _counts(self, rule: GoalRule) -> bool:
        if rule.product is not None and self.start.product != rule.product:
            return False
        version = parse_version(self.start.version) if self.start.version else None
        if rule.since is not None and version is not None and version.kubernetes_minor < rule.since:
            return False
        # Up to 1.34.1 a stop makes a server say that it is up, too: the verdict knows which line is none.
        own_api = self.start.first("apiserver_requested", "serving_securely") is not None
        return not (rule.id == "started" and own_api and self.verdict.outcome != "ready")

    def _reached(self, rule: GoalRule) -> tuple[Evidence | None, Mark | None]:
        """The bound from above with its line; the line alone where the clock tells no latest moment."""
        shown = [m for m in self._marks(rule) if not self._too_early(m)]
        shown = [m for m in shown if m.id in rule.itself] or shown
        if rule.within_s:
            return next(((bound, m) for m in shown if (bound := self._soon(rule, m)) is not None), (None, None))
        timed = [(bound, m) for m in shown if (bound := self.line_times.not_after(m.record)) is not None]
        return min(timed, key=lambda item: item[0].at_s, default=(None, shown[0] if shown else None))

    def _too_early(self, mark: Mark) -> bool:
        """With ``--log`` systemd is told at once: its line then comes before readiness."""
        at = self.line_times.latest(mark.record)
        return mark.id == "systemd_started" and at is not None and at < (self.ready.lower or 0.0)

    def _soon(self, rule: GoalRule, mark: Mark) -> Evidence | None:
        """The goal comes within a limit after this line, if the process lived that long and no failure was told."""
        at = self.line_times.latest(mark.record)
        options = (m.record.message for m in self.start.marks("kubelet_requested"))
        if at is None or self.start.filtered or any(_OTHER_RHYTHM in text for text in options):
            return None
        until = at + rule.within_s
        later = (r for r in self.start.records if r.seq > mark.record.seq)  # systemd's lines, too
        alive = next((r for r in later if (seen := self.line_times.earliest(r)) is not None and seen >= until), None)
        spoilt = [m.record.seq for m in self.start.marks(*rule.spoiled_by) if m.record.seq > mark.record.seq]
        if alive is None or self._missing(mark.record, alive) or any(seq < alive.seq for seq in spoilt):
            return None
        return Evidence(until, Bound.WITNESS, mark.record.line, mark.record.source, f"{rule.id}-limit")

    def _not_before(self, rule: GoalRule, reached: Mark | None) -> Evidence | None:
        """The line that is the goal itself, else the last one before it at which the goal had not come.

        Nothing may be lost between that one and the goal.
        """
        if reached is not None and reached.id in rule.itself:
            return self.line_times.not_before(reached.record)
        anchor = self.start.first(rule.whole_until) if rule.whole_until is not None else reached
        if reached is None or anchor is None or self.start.filtered or self._known_before(rule):
            return None
        until = min(reached.record.seq, anchor.record.seq)
        said = [m for m in self.start.marks(*rule.not_before) if m.record.seq < until]
        if not said or self._missing(said[-1].record, anchor.record):
            return None
        return self.line_times.not_before(said[-1].record)

    def _missing(self, first: LogRecord, last: LogRecord) -> bool:
        """Whether lines between two are lost, or were passed over in a large file."""
        passed_over = any(r.gap_before for r in self.start.records if first.seq < r.seq <= last.seq)
        return passed_over or self.start.lost_between(first.seq, last.seq)

    def _known_before(self, rule: GoalRule) -> bool:
        if not rule.unless:
            return False
        # Old kubelets name the node in the sentence; there the line of one that was known before is not recognised.
        told = self.start.marks(*rule.reached[:1])
        bare = any("node=" not in m.record.raw and not m.record.fields for m in told)
        return bare or self.start.first(*rule.unless) is not None

    def _after_others(self, rule: GoalRule, window: Window) -> Window:
        for name in rule.after:
            before = self.found[name].window.lower_evidence if name in self.found else None
            if before is not None:
                window = window.after(before)
        return window

    def _state(self, rule: GoalRule, reached: bool) -> GoalState:
        if reached:
            return "reached"
        ended = self.verdict.end_kind != "running" and self.verdict.end is not None
        return "not_reached" if ended and self._never(rule) else "unknown"

    def _never(self, rule: GoalRule) -> bool:
        """Whether the end of the process shows that it never had a goal. A missing line alone shows nothing."""
        end = self.verdict.end
        assert end is not None
        if self.start.role != "agent":
            # Its kubelet and all that follows wait for its API server (k3s; RKE2's kubelet runs that server).
            no_api = self.verdict.outcome in ("failed", "stopped") and self.verdict.detected is None
            follows = rule.id == "started" or (self.start.product == "k3s" and rule.id in ("node", "node_ready"))
            return no_api and (rule.ready or (follows and whole(self.start, end)))
        if rule.ready:
            return whole(self.start, end) and put_off_to_the_end(self.start, end)
        if rule.id == "images" and self.start.first("kubelet_requested") is not None:
            return False
        return never_registered(self.start, end, self.verdict.end_reason)


def goals(start: Start, verdict: Verdict, line_times: LineTimes, ready: Window) -> list[Goal]:
    """The goals of a start, in the order in which they usually come."""
    if start.began is None:
        return []
    return _Goals(start, verdict, line_times, ready).build()
