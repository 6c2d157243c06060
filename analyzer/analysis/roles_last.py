"""Whether the roles hook was certainly the last check, where no list shows it failing alone.

It waits for more answers than all others, one after the other, and begins a second later than they do. The knowledge
and its limits are ``events/roles_last.toml``; what a log must show for it is judged here. A log that may still go on
cannot refute it: only lines up to the one that says that readiness was noticed take part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.pod_evidence import TROUBLE
from analyzer.analysis.witness_proof import Proof
from analyzer.events.check_info import info
from analyzer.events.event import Mark
from analyzer.events.roles_last import Rival, rival_of, roles_hook
from analyzer.events.versions import expected_checks, is_unverified, parse_version
from analyzer.events.vocabulary import Minor
from analyzer.records.log_record import LogRecord
from analyzer.starts.start import Start, Verdict
from analyzer.window import Window

_TICK_S = 1e-3  # by how much two stamps of one clock may be early


class RolesRace:
    """The roles hook of one start against the other checks. ``proofs`` are those that hold here, in order."""

    def __init__(self, start: Start, verdict: Verdict, line_times: LineTimes, proofs: Sequence[Proof]) -> None:
        self.start, self.verdict, self.line_times = start, verdict, line_times
        self.first: Mapping[str, Proof] = {proof.rule.id: proof for proof in reversed(proofs)}
        version = parse_version(start.version)
        self.minor: Minor | None = version.kubernetes_minor if version is not None else None
        self.hook = roles_hook()

    def outlasted_all(self, named: Iterable[str], ready: Window) -> bool:
        """Whether all other checks had ended before it, by lines alone; on an empty datastore only.

        ``named`` are the checks that the log speaks of.
        """
        begun, role, last = (self.first.get(i) for i in (self.hook.begun, self.hook.first_role, self.hook.last_kind))
        if begun is None or role is None or last is None or not self._told_all(begun.record):
            return False
        others = {*named, *expected_checks(self.start.version)} - {self.hook.check}
        working = [check for check in others if info(check).kind not in ("trivial", "static")]
        if not all(self._soon(check, begun, role) for check in working):
            return False
        return self._noticed_soon(ready, begun, role, last) and not self._stalled(begun, ready)

    def outlasted(self, listed: Iterable[str]) -> bool:
        """Whether the others of the last list had certainly ended before it, by their own last words.

        Those words came sooner than the roles hook could have had all its answers, were they the fastest ever.
        """
        begun = self.first.get(self.hook.begun)
        others = [check for check in listed if check != self.hook.check]
        if begun is None or not others or not self._told_all(begun.record):
            return False
        least = begun.evidence.at_s + self.hook.answers * self.hook.quickest_answer_s
        return all(self._ended_by(check, least) for check in others)

    def _told_all(self, since: LogRecord) -> bool:
        """Whether the rules are known to hold here, and no line up to the noticing is known to be lost."""
        noticed = self.verdict.detected
        known = self.minor is not None and self.minor >= self.hook.since and not is_unverified(self.start.version)
        own = self.start.product == self.hook.product and not self.start.filtered
        if noticed is None or not known or not own:
            return False
        passed_over = any(r.gap_before for r in self.start.process if since.seq < r.seq <= noticed.seq)
        return not passed_over and not self.start.lost_between(since.seq, noticed.seq)

    def _soon(self, check: str, begun: Proof, role: Proof) -> bool:
        """Whether a check has far fewer answers left than the roles hook when it has all else that it waits for."""
        rival = self._rival(check)
        at = self._latest(rival.begun) if rival is not None else None
        if rival is None or at is None:
            return False
        wanted = rival.answers * self.hook.margin
        by = role if wanted <= self.hook.answers_after_roles else begun
        return at <= by.evidence.at_s and wanted <= self.hook.answers_before_roles

    def _noticed_soon(self, ready: Window, begun: Proof, role: Proof, last: Proof) -> bool:
        """Whether readiness was noticed as soon after its last kind of objects as the roles hook alone explains."""
        behind, reached = self.line_times.latest(last.record), self.line_times.latest(role.record)
        if behind is None or reached is None or ready.upper is None:
            return False
        return ready.upper <= behind + self.hook.noticed_s + (reached - begun.evidence.at_s) / 2

    def _ended_by(self, check: str, moment: float) -> bool:
        rival = self._rival(check)
        at = self._latest(rival.ended) if rival is not None else None
        serving = self.first[self.hook.begun].evidence.at_s - info(self.hook.check).first_try_s
        begun = serving + info(check).first_try_s - _TICK_S  # before that it can have said nothing: a clock was set
        return at is not None and begun <= at <= moment

    def _rival(self, check: str) -> Rival | None:
        return rival_of(check, self.minor) if self.minor is not None else None

    def _latest(self, ids: Iterable[str]) -> float | None:
        """The latest moment of the earliest of the lines."""
        found = [self.line_times.latest(self.first[i].record) for i in ids if i in self.first]
        return min((at for at in found if at is not None), default=None)

    def _stalled(self, begun: Proof, ready: Window) -> bool:
        """Whether a request may have stalled, or another hook begun anew, since the roles hook began."""
        noise = {e.record.seq for e in self.start.events if isinstance(e, Mark) and e.kind == "noise"}
        for record in self.start.process:
            slow = record.file == "trace.go" or TROUBLE.search(record.message) is not None
            failed = record.file != "" and record.level in ("error", "fatal") and record.seq not in noise
            if record.seq > begun.record.seq and (slow or failed):
                early, late = self.line_times.earliest(record), self.line_times.latest(record)
                if late is None or early is None or (late >= begun.evidence.at_s and early <= (ready.upper or 0.0)):
                    return True
        return False
