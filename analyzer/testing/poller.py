"""The pollers in virtual time: when each attempt leaves, what it is told, and what is printed of it.

New era: the first attempt at once, then a ticker of 2 s that never slides and keeps at most one tick while an attempt
is under way; 15 s per request, 15 minutes in all; an error is printed when its text differs from the one before.
Old era: once a second in rounds, nothing is printed per attempt.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analyzer.testing import log_wording
from analyzer.testing.release import Release
from analyzer.testing.true_moments import NEVER, TrueMoments, latency
from analyzer.testing.truth import SECOND, PollTruth, StartPlan

REQUEST_LIMIT = 15 * SECOND
TOTAL_LIMIT = 900 * SECOND
ROUND = 30 * SECOND


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt was told; ``text`` is ``None`` for the success. ``seen_at``: when the checks were looked at."""

    departed: int
    answered: int
    status: int | None
    error: str | None
    text: str | None
    failing: tuple[str, ...] = ()
    cut: bool = False
    seen_at: int | None = None

    def truth(self, printed: bool) -> PollTruth:
        """The attempt for ``truth.json``."""
        shown = self.failing
        if self.cut and self.text is not None:
            shown = tuple(n for n in self.failing if f"[-]{n} failed: reason withheld" in self.text)
        return PollTruth(self.departed, self.answered, self.status, self.error, self.failing, shown, self.cut, printed)


@dataclass(slots=True)
class Asking:
    """One poller's way to the API server."""

    moments: TrueMoments
    plan: StartPlan
    rel: Release
    rng: random.Random
    listening: int  # the supervisor (or what stands in front of it) takes connections from here on
    port: int = 6443

    def ask(self, at: int) -> Answer:
        """One request that leaves at ``at``."""
        moments, rng = self.moments, self.rng
        length = latency(rng, self.plan, quick=at < moments.handler)
        # Admitted at one moment, checked at a later one, both between leaving and reading.
        admitted = at + round(length * rng.uniform(0.1, 0.6))
        seen = admitted + round((at + length - admitted) * rng.uniform(0.05, 0.9))
        answered = at + length
        if length > REQUEST_LIMIT:
            return Answer(at, at + REQUEST_LIMIT, None, "deadline_exceeded", log_wording.no_answer(self.port))
        if admitted < self.listening:
            return self._nobody(at)
        if admitted < moments.handler:
            if self.plan.product == "rke2":
                return self._nobody(at)
            return Answer(at, answered, 503, "service_unavailable", log_wording.UNAVAILABLE)
        if moments.down[0] <= answered and admitted < moments.down[1]:
            return self._nobody(at)  # or its connection was cut when the container died
        if admitted < moments.authorized:
            return Answer(at, answered, 403, "forbidden", log_wording.FORBIDDEN)
        failing = moments.failing(seen)
        if not failing:
            return Answer(at, answered, 200, None, None, seen_at=seen)
        body, cut = log_wording.readyz_body(self.rel.checks, failing)
        text = log_wording.server_error(body)
        return Answer(at, answered, 500, "readyz_failing", text, failing, cut, seen)

    def _nobody(self, at: int) -> Answer:
        """No listener, or a load balancer with nothing behind it: such answers come at once."""
        answered = at + self.rng.randint(150, 900)
        turn = self.rng.random()
        if self.port == 6443 or turn < 0.6:
            return Answer(at, answered, None, "connection_refused", log_wording.refused(self.port))
        if turn < 0.9:
            return Answer(at, answered, None, "eof", log_wording.closed(self.port))
        own = self.rng.randint(33000, 60999)
        return Answer(at, answered, None, "connection_reset", log_wording.reset(self.port, own))


def attempts(
    ask: Callable[[int], Answer], begin: int, interval: int, *, keeps_tick: bool, until: int = NEVER
) -> Iterator[Answer]:
    """Attempts from ``begin`` on a ticker of ``interval``, up to the success or until ``until`` has come."""
    at = begin
    while at < until:
        answer = ask(at)
        if answer.answered >= until:
            return
        yield answer
        if answer.text is None:
            return
        # The last tick that fired while the request was under way waits in the channel; the ticker goes on as it was.
        passed = begin + (answer.answered - begin) // interval * interval
        at = answer.answered if keeps_tick and passed > at else passed + interval


def shared(asking: Asking, begin: int, until: int) -> Iterator[Answer]:
    """The new era's poller; the iterator ends at ``until`` or at its own limit."""
    limit = min(until, begin + TOTAL_LIMIT)
    return attempts(asking.ask, begin, asking.rel.interval_us, keeps_tick=True, until=limit)


def legacy(asking: Asking, begin: int, until: int) -> Iterator[tuple[int, list[Answer]]]:
    """Rounds of the old era's waiter: ``(begin of the round, its attempts)``; the last holds the success."""
    at = begin
    while at < until:
        answers = list(attempts(asking.ask, at, asking.rel.interval_us, keeps_tick=False, until=min(until, at + ROUND)))
        yield at, answers
        if answers and answers[-1].text is None:
            return
        at += ROUND
