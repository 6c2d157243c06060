"""What the polls of a wait prove of readiness, without the report types of the rest of the house.

A poll's state was sampled somewhere between its departure and its answer. Readiness is bounded from below by polls
whose answer proves that the server is not ready (a list with a failing check, ``apiserver not ready``, the 503 of k3s'
own supervisor); other answers (refused, timeouts, 401, 403) bound only when it was noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.live.observed_polls import ObservedPoll, ObservedWait
from analyzer.window import OPEN, Bound, Evidence, Window

#: ``Status`` messages of the 503 that k3s' supervisor sends while its API handler does not exist yet
#: (catalogue of start-up lines, §2.3: K >= 1.24).
SUPERVISOR_MESSAGES = ("apiserver not ready", "starting", "runtime core not ready")


def proves_absent(poll: ObservedPoll) -> bool:
    """Whether this answer proves that the API server itself was not serving: k3s' supervisor answered in its place."""
    by_supervisor = poll.error == "service_unavailable" and poll.message in SUPERVISOR_MESSAGES
    return by_supervisor or poll.error == "not_ready_text"


def proves_not_ready(poll: ObservedPoll) -> bool:
    """Whether this answer proves that the server was not ready when it was written."""
    return proves_absent(poll) or (poll.error == "readyz_failing" and bool(poll.failing))


def proves_gone(poll: ObservedPoll) -> bool:
    """Whether no API server was there: what had passed before that is worth nothing."""
    return proves_absent(poll) or poll.error == "connection_refused"


def serves(poll: ObservedPoll) -> bool:
    """Whether this answer proves that the API server itself was serving: a check list or its own 403."""
    if poll.error == "forbidden":
        return poll.message is not None
    return poll.error is None or bool(poll.failing or poll.ok)


def departed(poll: ObservedPoll) -> Evidence:
    """As a bound from below."""
    return Evidence(poll.departed_s, Bound.OBSERVED, poll.line or None)


def answered(poll: ObservedPoll) -> Evidence:
    """As a bound from above."""
    return Evidence(poll.answered_s, Bound.OBSERVED, poll.line or None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules look at.

    ``earlier``: polls certainly sampled before the successful one; only loops that overlap (``legacy-4x1s``) lose any.
    ``since_s``: the answer of the last one that met no API server: a restart makes what passed before worthless.
    ``serving``: when the API server last began to serve; open below when it did so before the wait.
    """

    polls: tuple[ObservedPoll, ...]
    success: ObservedPoll | None
    earlier: tuple[ObservedPoll, ...]
    since_s: float
    serving: Window

    @classmethod
    def of(cls, wait: ObservedWait) -> Seen:
        """Sorted out of ``wait``."""
        success = wait.success
        earlier = tuple(
            p for p in wait.polls if p is not success and (success is None or p.answered_s <= success.departed_s)
        )
        since_s = max((p.answered_s for p in earlier if proves_gone(p)), default=0.0)
        serving = OPEN
        for poll in filter(proves_absent, earlier):
            serving = serving.after(departed(poll))
        up = [p for p in earlier if serves(p) and p.departed_s >= since_s]
        up += [success] if success is not None else []
        if up:
            serving = serving.before(answered(min(up, key=lambda p: p.answered_s)))
        return cls(wait.polls, success, earlier, since_s, serving)

    @property
    def last_list(self) -> ObservedPoll | None:
        """The last list with a failing check since the server last began to serve."""
        lists = [p for p in self.earlier if p.failing and p.departed_s >= self.since_s]
        return max(lists, key=lambda p: p.departed_s, default=None)


def ready_window(seen: Seen) -> Window:
    """When the server became ready."""
    window = OPEN
    for poll in filter(proves_not_ready, seen.earlier):
        window = window.after(departed(poll))
    return window if seen.success is None else window.before(answered(seen.success))


def suspects(seen: Seen, names: Sequence[str]) -> tuple[list[str], bool]:
    """Which of the checks may have been the last to clear, and whether that is certain.

    One body is one look: what failed in the last list cleared after everything that was ok in it. Beyond a cut, and
    without a list, every check is unseen, not ok.
    """
    last = seen.last_list
    found = [n for n in names if last is None or n not in last.ok]
    return found, len(found) == 1 and last is not None and not last.cut
