"""How a wait without success ended, in sentences that no later fact refutes: only what its last answers prove.

*Not ready* is said where the last answer says so. A server that refuses these credentials may have been ready; one that
refuses connections after it had answered is gone, and its last list of checks is old news; a request that the wait
itself cut off says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from analyzer.live.observed_polls import CUT_OFF, ObservedPoll, ObservedWait
from analyzer.live.readiness import proves_absent, serves

Kind = Literal["failing", "no_api", "gone", "silent", "denied", "unknown", "unasked"]
#: Answers by which a server turns these credentials down, or that make this client turn the server down.
REFUSALS = frozenset({"unauthorized", "x509_unknown_authority", "x509_time", "x509_name"})
_SILENT = frozenset(
    ["connection_refused", "connection_reset", "eof", "no_route", "io_timeout", "tls_timeout", "deadline_exceeded"],
)
_ADVICE = {
    "failing": "What those checks wait for, the server's own log says (k3slog analyze).",
    "no_api": "Why its API server does not start, the server's own log says (k3slog analyze).",
    "gone": "Why it ended, the server's own log says (k3slog analyze).",
    "silent": "Is it started, and is this its address?",
    "unknown": "The server's own log says more (k3slog analyze).",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """What can be said of the server at the end of a wait that did not see it ready."""

    kind: Kind
    sentence: str
    advice: str = ""

    def advice_of(self, wait: ObservedWait) -> str:
        """What to do: of a wait that gave up for a reason, what it says itself."""
        first, second = (wait.advice, self.advice) if wait.verdict == "fatal" else (self.advice, wait.advice)
        return first or second

    @property
    def not_ready(self) -> bool:
        """Whether the last answer proves that the server was not ready."""
        return self.kind in ("failing", "no_api")


def ending_of(wait: ObservedWait) -> Ending:
    """The ending of ``wait``, which must hold no success."""
    polls = [p for p in wait.polls if p.text != CUT_OFF]
    if not polls:
        return Ending("unasked", f"Nothing was asked: waited for {wait.waited_for or 'the first answer'}.")
    last = polls[-1]
    if last.error in _SILENT:
        return _silent(wait.server, polls)
    if proves_absent(last):
        return _told(
            "no_api", f"At the last look, after {last.departed_s:.1f} s, it had no API server yet.{_was(polls)}"
        )
    if last.failing:
        shown = ", ".join(last.failing[:4]) + (f" and {len(last.failing) - 4} more" if len(last.failing) > 4 else "")
        many = "1 check" if len(last.failing) == 1 else f"{len(last.failing)} checks"
        return _told("failing", f"At the last look, after {last.departed_s:.1f} s, {many} failed: {shown}.")
    if last.error in REFUSALS:
        return Ending("denied", _denied(last), wait.advice)
    return _told("unknown", f"Whether it was ready is not known: its last answer was {last.text or last.error}.")


def _told(kind: Kind, sentence: str) -> Ending:
    return Ending(kind, sentence, _ADVICE[kind])


def _denied(last: ObservedPoll) -> str:
    if last.error == "unauthorized":
        return f"Whether it was ready is not known: it answers, but not to these credentials ({last.text})."
    return f"Whether it was ready is not known: its certificate is not accepted here ({last.text})."


def _silent(server: str, polls: Sequence[ObservedPoll]) -> Ending:
    """Nothing answers at the end: gone, where something did before."""
    quiet = list(takewhile(lambda p: p.error in _SILENT, reversed(polls)))
    words = quiet[0].text or str(quiet[0].error)
    count = "1 poll" if len(quiet) == 1 else f"{len(quiet)} polls"
    if len(quiet) == len(polls):
        return _told("silent", f"Nothing answered at {server}: {words} ({count}).")
    heard = polls[len(polls) - len(quiet) - 1]
    if len(quiet) < 2 and quiet[0].error != "connection_refused":
        # One slow answer is no end of a server.
        said = f"; before that, at {heard.answered_s:.1f} s: {_state(heard)}"
        return _told("unknown", f"Whether it was ready is not known: the last poll got {words}{said}.")
    since = "; nothing that passed before counts" if serves(heard) else ""
    told = (
        f"The server is gone: it last answered at {heard.answered_s:.1f} s ({_state(heard)}), then {count} got {words}"
    )
    return _told("gone", f"{told}{since}.")


def _was(polls: Sequence[ObservedPoll]) -> str:
    """An API server that was there before."""
    up = [p for p in polls if serves(p)]
    return f" The one that answered at {up[-1].answered_s:.1f} s is gone." if up else ""


def _state(poll: ObservedPoll) -> str:
    if poll.failing:
        return "1 check failing" if len(poll.failing) == 1 else f"{len(poll.failing)} checks failing"
    return poll.text or str(poll.error)
