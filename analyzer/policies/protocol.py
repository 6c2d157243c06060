"""When to ask next: the one protocol that the replay in virtual time and ``k3slog wait`` share.

A **policy** is a recipe; its ``loops()`` are the running pollers (one for all but ``legacy-4x1s``, which had four).
A **loop** is told each answer and decides when the next request leaves, or that there is no point in asking again.
Nothing here sleeps, reads a clock or opens a connection.

All times are seconds on the policy's own clock: 0 is the moment at which polling could begin. A caller does::

    loops = policy.loops(random.Random(seed))
    decision = loops[i].first()                       # for each i, run independently of each other
    while isinstance(decision, AskAt):
        … wait until decision.at_s, ask, read the answer (at most policy.limits.request_s) …
        decision = loops[i].next(observation)

``decision`` ends as a ``Stop``. The poller has *noticed* readiness when the loop ``policy.decisive`` stops with
``kind="ready"``; the other loops of ``legacy-4x1s`` gated other components and only cost.
``at_s`` may lie in the past (a queued tick): ask at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

#: Error classes of the contract, with their severity. Index 0 is the success; the index is the code of the
#: vectorised replay. Order is part of no file format. Written down here and not read from ``events/errors.toml``,
#: because a wait must not load the vocabulary of logs before its first request; a test holds the two equal.
ERRORS: tuple[tuple[str, str], ...] = (
    ("", "ok"),
    ("readyz_failing", "transient"),
    ("not_ready_text", "transient"),
    ("client_rate_limited", "transient"),
    ("bad_listener", "fatal"),
    ("x509_time", "fatal"),
    ("x509_name", "fatal"),
    ("x509_unknown_authority", "fatal"),
    ("tls_timeout", "suspect"),
    ("connection_refused", "transient"),
    ("connection_reset", "transient"),
    ("no_route", "suspect"),
    ("deadline_exceeded", "suspect"),
    ("io_timeout", "suspect"),
    ("context_canceled", "transient"),
    ("eof", "transient"),
    ("service_unavailable", "transient"),
    ("unauthorized", "fatal"),
    ("forbidden", "transient"),
    ("not_found", "fatal"),
    ("too_many_requests", "transient"),
    ("gateway_timeout", "suspect"),
    ("server_error", "suspect"),
    ("other", "suspect"),
)
CODE_OF: dict[str, int] = {name: code for code, (name, _) in enumerate(ERRORS)}
READY = 0
#: HTTP status that goes with an error class, where the class implies one.
STATUS_OF: dict[str, int] = {
    "": 200,
    "readyz_failing": 500,
    "not_ready_text": 500,
    "bad_listener": 400,
    "service_unavailable": 503,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "too_many_requests": 429,
    "gateway_timeout": 504,
    "server_error": 500,
}
#: Random numbers that a start's loops share.
NOISES = 8


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer, as an API client sees it.

    ``at_s`` is when the answer was read (or given up), ``latency_s`` how long that took: the request left at
    ``at_s - latency_s``. ``error`` is a class of the contract's table, ``None`` for success. ``failing`` and
    ``ok`` are empty when the answer held no check list. ``retry_after_s`` is the header of that name, in seconds.
    ``detail`` is the answer's text with secrets masked, for advice and log lines only.
    """

    at_s: float
    latency_s: float
    status: int | None = None
    error: str | None = None
    failing: tuple[str, ...] = ()
    ok: tuple[str, ...] = ()
    retry_after_s: float | None = None
    detail: str = ""

    @property
    def asked_s(self) -> float:
        """When the request left."""
        return self.at_s - self.latency_s

    @property
    def ready(self) -> bool:
        """Whether the API server said that it is ready."""
        return self.error is None


@dataclass(frozen=True, slots=True)
class AskAt:
    """Ask (again) at ``at_s``. ``state`` names what the policy believes, ``why`` says how it came to the time."""

    at_s: float
    state: str = ""
    why: str = ""


StopKind: TypeAlias = Literal["ready", "fatal", "timed_out"]


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not ask again. ``advice`` is a sentence for people, empty for ``ready``."""

    kind: StopKind
    reason: str = ""
    advice: str = ""
    at_s: float = 0.0


Decision: TypeAlias = AskAt | Stop


@dataclass(frozen=True, slots=True)
class Limits:
    """``request_s``: longest wait for one answer; ``total_s``: when the policy gives up for good.

    Both are k3s' own (15 s and 15 min): pkg/util/api.go of v1.32.4. ``total_s`` is ``None`` for pollers without one.
    """

    request_s: float = 15.0
    total_s: float | None = 900.0


@runtime_checkable
class Loop(Protocol):
    """One running poller. Not thread-safe; one per caller."""

    def first(self) -> Decision:
        """When the first request leaves."""

    def next(self, seen: Observation) -> Decision:
        """When the next request leaves, after ``seen`` was read; or why there is none."""


@runtime_checkable
class Policy(Protocol):
    """A recipe for polling."""

    @property
    def name(self) -> str:
        """Name as used by ``--policy``."""

    @property
    def limits(self) -> Limits:
        """Limits that the caller must enforce on requests in flight."""

    @property
    def decisive(self) -> int:
        """Index of the loop whose success is the poller's notice."""

    @property
    def informed(self) -> bool:
        """True for a policy that needs to be told the truth (``oracle``): never usable on a real server."""

    def loops(self, rng: random.Random) -> tuple[Loop, ...]:
        """Fresh loops; all randomness (jitter, phases) comes from ``rng``."""


def state_line(policy: str, before: str, seen: Observation, decision: Decision) -> str:
    """One structured (logfmt) line for a change of state; keys never change their order.

    ``before`` is the state of the previous decision. Digits are rounded to milliseconds.
    """
    state, reason = (decision.state, decision.why) if isinstance(decision, AskAt) else (decision.kind, decision.reason)
    parts = [
        f"policy={policy}",
        f"t={seen.at_s:.3f}",
        f"from={before or 'start'}",
        f"to={state}",
        f"error={seen.error or 'none'}",
        f"status={seen.status if seen.status is not None else 'none'}",
        f"failing={len(seen.failing)}",
        f"latency={seen.latency_s:.3f}",
    ]
    quoted = "".join(c if c.isprintable() else " " for c in reason).replace('"', "'")
    more = (
        (seen.failing, f"checks={','.join(seen.failing[:4])}{',…' if len(seen.failing) > 4 else ''}"),
        (isinstance(decision, AskAt), f"next={max(0.0, decision.at_s - seen.at_s):.3f}"),
        (reason, f'why="{quoted}"'),
    )
    return " ".join([*parts, *(part for holds, part in more if holds)])
