"""The optimised poller: how soon it asks again depends on what the last answer says of the server.

What it uses, and why that is sound:

* Before the API handler exists (refused, 503, …) answers say nothing about hooks: ask rarely, a share of the time
  waited so far, so that a slow board is not asked a hundred times.
* The rbac and priority-class hooks wait one second before their first try, so nothing is ready in the first second
  after serving began (never under 0.99 s in 260 recorded starts). The last such answer *left* before serving
  began; no request can succeed earlier than ``floor_s`` after it.
* While the priority-class check fails, or many checks do, the role hook is hardly done: medium pace, ``many_s``; with
  ``soon_s`` set, that in its place once no more than ``begun`` fail. Once few are left, and those the slow ones, the
  pace is a share of the time since serving began, between ``late_min_s`` and ``late_max_s``: the longer the last hook
  has run, the longer it will run, and asking costs a starved server time.
* Overload (429, 504, timeouts) doubles the pause, and ``Retry-After`` is obeyed.
* A fatal class (401, 404, certificates, a foreign listener) seen ``fatal_count`` times in a row over at least
  ``fatal_span_s`` does not heal: stop, with advice.
* Pauses are jittered, and never shorter than ``latency_factor`` times the last answer's latency (up to
  ``latency_cap_s``): a server that answers slowly has no CPU to spare.

The default parameters were chosen on one half of the recorded starts (``python tools/tune_adaptive.py``) and
judged on the other half (``python -m analyzer.simulator.validate``); docs/simulator-appendix.md has the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from analyzer.policies.definition import Maths, Recipe, Seen, above_zero, swing
from analyzer.policies.protocol import CODE_OF, ERRORS, Stop

OVERLOAD = frozenset(
    {"too_many_requests", "gateway_timeout", "io_timeout", "tls_timeout", "deadline_exceeded", "client_rate_limited"}
)
#: Clears 1.0 s after serving at the earliest, and in every recorded start before the slowest one.
MARKER = "poststarthook/scheduling/bootstrap-system-priority-classes"

ADVICE: dict[str, str] = {
    "unauthorized": "The client certificate or token is not accepted: take credentials of this very cluster "
    "(/etc/rancher/k3s/k3s.yaml on a server) or renew them.",
    "not_found": "This server has no /readyz: check that the address is that of a Kubernetes API server.",
    "bad_listener": "Something else answers on this port: check the address and which process listens there.",
    "x509_unknown_authority": "The server's certificate is not signed by a CA that this client was given: take "
    "the CA of this very cluster (its kubeconfig; one from before it was rebuilt has another).",
    "x509_time": "A certificate is not valid at this time: check the clock of both machines, then renew certificates.",
    "x509_name": "The certificate does not name this address: use a name or address it holds, or add it as --tls-san.",
}


_FORBIDDEN = CODE_OF["forbidden"]
_FATAL = tuple(severity == "fatal" for _, severity in ERRORS)
_OVERLOAD = tuple(name in OVERLOAD for name, _ in ERRORS)
_UP = tuple(name in ("forbidden", "readyz_failing") for name, _ in ERRORS)


@dataclass(slots=True)
class Memory:
    """``down_asked_s``: departure of the last request that met no API handler; ``up_s``: since when the handler is
    known to exist; ``level``: overloads in a row; ``fatal_seen`` fatal answers in a row, since ``fatal_since_s``."""

    noise: float
    tries: float = 0.0
    down_asked_s: float = -math.inf
    up_s: float = math.inf
    level: float = 0.0
    fatal_seen: float = 0.0
    fatal_since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Adaptive(Recipe[Memory]):
    """The optimised poller. Seconds, shares and counts; see the module's text for their meaning."""

    marks: ClassVar[tuple[str, ...]] = (MARKER,)

    wait_share: float = 0.19
    wait_min_s: float = above_zero(1.37)
    wait_max_s: float = 2.05
    floor_s: float = 1.21
    many_s: float = above_zero(0.86)
    begun: int = 5
    soon_s: float = 0.0  # as many_s
    few: int = 2
    late_share: float = 0.1
    late_min_s: float = above_zero(0.41)
    late_max_s: float = 0.56
    over_s: float = 1.0
    over_max_s: float = 15.0
    fatal_s: float = 1.0
    fatal_count: int = 3
    fatal_span_s: float = 3.0
    latency_factor: float = 0.73
    latency_cap_s: float = 0.7
    jitter: float = 0.1
    name: str = "adaptive"

    def begin(self, noise: Sequence[float]) -> tuple[Memory, ...]:
        """One loop."""
        return (Memory(noise[0]),)

    def next(self, m: Maths, own: Memory, seen: Seen) -> float:
        """See the module's text."""
        up, fatal, over = (m.take(table, seen.code) for table in (_UP, _FATAL, _OVERLOAD))
        down = m.logical_not(up | fatal | over)
        own.tries = tries = own.tries + 1.0
        own.down_asked_s = down_asked_s = m.where(down, seen.asked_s, own.down_asked_s)
        since_s = m.where(down_asked_s > -math.inf, down_asked_s, seen.asked_s)
        own.up_s = up_s = m.where(down, math.inf, m.where(up & (own.up_s == math.inf), since_s, own.up_s))

        early_s = m.where((seen.failing > self.begun) | (self.soon_s == 0), self.many_s, self.soon_s)
        late_s = m.minimum(m.maximum(self.late_share * (seen.at_s - up_s), self.late_min_s), self.late_max_s)
        wait_s = m.minimum(m.maximum(self.wait_share * seen.at_s, self.wait_min_s), self.wait_max_s)
        pause_s = m.where(up, m.where(self._late(seen), late_s, early_s), m.where(down, wait_s, self.fatal_s))
        pause_s = m.where(over, self._back_off_s(m, own, seen, over, fatal), pause_s)
        pause_s = m.maximum(pause_s, m.minimum(self.latency_factor * (seen.at_s - seen.asked_s), self.latency_cap_s))
        at_s = seen.at_s + pause_s * swing(own.noise, tries, self.jitter)
        at_s = m.maximum(at_s, m.where(up, down_asked_s + self.floor_s, -math.inf))
        at_s = m.maximum(at_s, seen.at_s + seen.retry_after_s)
        return m.where(self._confirmed(m, own, seen, fatal), math.inf, at_s)

    def _late(self, seen: Seen) -> bool:
        """Whether only the slow end of the start is left: at most ``few`` checks fail and the marker is not one."""
        few = (seen.failing > 0) & (seen.failing <= self.few) & (seen.marked == 0)
        return few | (seen.code == _FORBIDDEN)

    def _back_off_s(self, m: Maths, own: Memory, seen: Seen, over: bool, fatal: bool) -> float:
        """The pause of an overloaded server; a fatal answer leaves the level alone, any other resets it."""
        level = own.level
        own.level = m.where(over, level + 1.0, m.where(fatal, level, 0.0))
        back_off_s = m.minimum(self.over_s * 2.0 ** m.minimum(level, 60.0), self.over_max_s)
        return m.maximum(back_off_s, seen.retry_after_s)

    def _confirmed(self, m: Maths, own: Memory, seen: Seen, fatal: bool) -> bool:
        """Whether a fatal class was seen often and long enough."""
        count = own.fatal_seen
        own.fatal_since_s = since_s = m.where(fatal & (count == 0), seen.at_s, own.fatal_since_s)
        own.fatal_seen = count = m.where(fatal, count + 1.0, 0.0)
        return fatal & (count >= self.fatal_count) & (seen.at_s - since_s >= self.fatal_span_s)

    def words(self, own: Memory, seen: Seen, error: str, at_s: float) -> tuple[str, str]:
        """The state that the answer puts the server into."""
        if _FATAL[seen.code]:
            return "suspect_fatal", error
        if _OVERLOAD[seen.code]:
            return "overload", f"{error}: back off"
        if not _UP[seen.code]:
            return "down", error
        state = "forbidden" if error == "forbidden" else "late" if self._late(seen) else "early"
        return state, f"{seen.failing} check{'' if seen.failing == 1 else 's'} failing"

    def hopeless(self, own: Memory, seen: Seen, error: str) -> Stop:
        """The fatal class, how often it was seen, and what to do about it."""
        reason = f"{error} in {own.fatal_seen:.0f} answers over {seen.at_s - own.fatal_since_s:.1f} s"
        return Stop("fatal", reason, ADVICE.get(error, ""), seen.at_s)


#: What ``k3slog wait`` uses: parameters for polls over a connection that is kept, which cost the server two thirds of
#: one over a new one. Chosen on one half of the recorded starts (``python benchmarks/wait_policy.py --tries 300``), but
#: for ``soon_s``: 0.43 s was too long for restarts of a real 1.36.2, and less costs next to nothing (docs/wait.md).
KEPT_CONNECTION: Mapping[str, float] = MappingProxyType(
    {
        "wait_share": 0.21,
        "wait_min_s": 1.57,
        "wait_max_s": 2.38,
        "floor_s": 1.21,
        "many_s": 0.56,
        "begun": 5,
        "soon_s": 0.22,
        "few": 3,
        "late_share": 0.02,
        "late_min_s": 0.19,
        "late_max_s": 0.25,
        "latency_factor": 0.23,
    }
)

POLICY = Adaptive
