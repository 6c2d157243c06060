"""The optimised poller: how soon it asks again depends on what the last answer says of the server.

What it uses, and why that is sound:

* Before the API handler exists (refused, 503, …) answers say nothing about hooks: ask rarely, a share of the time
  waited so far, so that a slow board is not asked a hundred times.
* The rbac and priority-class hooks wait one second before their first try, so nothing is ready in the first second
  after serving began (never under 0.99 s in 260 recorded starts). The last such answer *left* before serving
  began; no request can succeed earlier than ``floor_s`` after it.
* While the priority-class check fails, or many checks do, the role hook is hardly done: medium pace. Once few are
  left, and those the slow ones, the pace is a share of the time since serving began, between ``late_min_s`` and
  ``late_max_s``: the longer the last hook has run, the longer it will run, and asking costs a starved server time.
* Overload (429, 504, timeouts) doubles the pause, and ``Retry-After`` is obeyed.
* A fatal class (401, 404, certificates, a foreign listener) seen ``fatal_count`` times in a row over at least
  ``fatal_span_s`` does not heal: stop, with advice.
* Pauses are jittered, and never shorter than ``latency_factor`` times the last answer's latency (up to
  ``latency_cap_s``): a server that answers slowly has no CPU to spare.

The default parameters were chosen on one half of the recorded starts (``python -m analyzer.simulator.tune``) and
judged on the other half (``python -m analyzer.simulator.validate``); docs/simulator.md has the numbers.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analyzer.policies.common import OneLoop, ask_within, swing, times_within
from analyzer.policies.protocol import (
    CODE_OF,
    ERRORS,
    READY,
    SEVERITY_OF,
    Answers,
    AskAt,
    Decision,
    FloatArray,
    Loop,
    Observation,
    Stop,
    VectorLoop,
)

OVERLOAD = frozenset(
    {"too_many_requests", "gateway_timeout", "io_timeout", "tls_timeout", "deadline_exceeded", "client_rate_limited"}
)
#: The last check to clear in all 260 recorded starts that became ready.
SLOWEST = "poststarthook/rbac/bootstrap-roles"
#: Clears 1.0 s after serving at the earliest, and in every recorded start before the slowest one.
MARKER = "poststarthook/scheduling/bootstrap-system-priority-classes"

ADVICE: dict[str, str] = {
    "unauthorized": "The client certificate or token is not accepted: take credentials of this very cluster "
    "(/etc/rancher/k3s/k3s.yaml on a server) or renew them.",
    "not_found": "This server has no /readyz: check that the address is that of a Kubernetes API server.",
    "bad_listener": "Something else answers on this port: check the address and which process listens there.",
    "x509_unknown_authority": "The server's certificate is not signed by the given CA: the kubeconfig is of another "
    "or a rebuilt cluster.",
    "x509_time": "A certificate is not valid at this time: check the clock of both machines, then renew certificates.",
    "x509_name": "The certificate does not name this address: use a name or address it holds, or add it as --tls-san.",
}


@dataclass(frozen=True, slots=True)
class AdaptiveParams:
    """Seconds, shares and counts of the adaptive policy; see the module's text for their meaning."""

    wait_share: float = 0.19
    wait_min_s: float = 1.37
    wait_max_s: float = 2.05
    floor_s: float = 1.21
    many_s: float = 0.86
    few: int = 2
    late_share: float = 0.1
    late_min_s: float = 0.41
    late_max_s: float = 0.56
    over_s: float = 1.0
    over_max_s: float = 15.0
    fatal_s: float = 1.0
    fatal_count: int = 3
    fatal_span_s: float = 3.0
    latency_factor: float = 0.73
    latency_cap_s: float = 0.7
    jitter: float = 0.1


def is_late(failing: tuple[str, ...], few: int) -> bool:
    """Whether only the slow end of the start is left: at most ``few`` checks fail and the marker is not one."""
    return 0 < len(failing) <= few and MARKER not in failing


class AdaptiveLoop:
    """The scalar form; ``VectorAdaptive`` is the same arithmetic on arrays."""

    def __init__(self, params: AdaptiveParams, total_s: float | None, noise: float) -> None:
        self.params = params
        self.total_s = total_s
        self.noise = noise
        self.tries = 0
        self.down_asked_s = -np.inf  # departure of the last request that met no API handler
        self.up_s = np.inf  # since when the handler is known to exist
        self.level = 0
        self.fatal_seen = 0
        self.fatal_since_s = 0.0

    def first(self) -> Decision:
        """Immediately."""
        return AskAt(0.0, "start", "first request is immediate")

    def next(self, seen: Observation) -> Decision:
        """See the module's text."""
        if seen.ready:
            return Stop("ready", at_s=seen.at_s)
        p = self.params
        error = seen.error or "other"
        self.tries += 1
        if SEVERITY_OF.get(error) == "fatal":
            if self.fatal_seen == 0:
                self.fatal_since_s = seen.at_s
            self.fatal_seen += 1
            if self.fatal_seen >= p.fatal_count and seen.at_s - self.fatal_since_s >= p.fatal_span_s:
                reason = f"{error} in {self.fatal_seen} answers over {seen.at_s - self.fatal_since_s:.1f} s"
                return Stop("fatal", reason, ADVICE.get(error, ""), seen.at_s)
            return self._ask(seen, p.fatal_s, -np.inf, "suspect_fatal", error)
        self.fatal_seen = 0
        if error in OVERLOAD:
            pause = max(min(p.over_s * 2.0**self.level, p.over_max_s), seen.retry_after_s or 0.0)
            self.level += 1
            return self._ask(seen, pause, -np.inf, "overload", f"{error}: back off")
        self.level = 0
        if error not in ("forbidden", "readyz_failing"):
            self.down_asked_s = seen.asked_s
            self.up_s = np.inf
            pause = min(max(p.wait_share * seen.at_s, p.wait_min_s), p.wait_max_s)
            return self._ask(seen, pause, -np.inf, "down", error)
        if self.up_s == np.inf:
            self.up_s = self.down_asked_s if self.down_asked_s > -np.inf else seen.asked_s
        floor = self.down_asked_s + p.floor_s
        if error == "forbidden" or is_late(seen.failing, p.few):
            pause = min(max(p.late_share * (seen.at_s - self.up_s), p.late_min_s), p.late_max_s)
            state = "forbidden" if error == "forbidden" else "late"
        else:
            pause, state = p.many_s, "early"
        return self._ask(seen, pause, floor, state, f"{len(seen.failing)} checks failing")

    def _ask(self, seen: Observation, pause: float, floor: float, state: str, why: str) -> Decision:
        p = self.params
        least = min(p.latency_factor * seen.latency_s, p.latency_cap_s)
        at = max(seen.at_s + max(pause, least) * swing(self.noise, self.tries, p.jitter), floor)
        if seen.retry_after_s is not None:
            at = max(at, seen.at_s + seen.retry_after_s)
        return ask_within(self.total_s, float(at), state, why)


_FATAL = np.array([severity == "fatal" for _, severity in ERRORS])
_OVERLOAD = np.array([name in OVERLOAD for name, _ in ERRORS])
_UP = np.array([name in ("forbidden", "readyz_failing") for name, _ in ERRORS])


class VectorAdaptive:
    """``AdaptiveLoop`` for many worlds."""

    def __init__(
        self, params: AdaptiveParams, total_s: float | None, noise: FloatArray, names: tuple[str, ...]
    ) -> None:
        n = len(noise)
        self.params = params
        self.total_s = total_s
        self.noise = noise
        self.tries = np.zeros(n)
        self.down_asked_s = np.full(n, -np.inf)
        self.up_s = np.full(n, np.inf)
        self.level = np.zeros(n)
        self.fatal_seen = np.zeros(n)
        self.fatal_since_s = np.zeros(n)
        self.late_of_mask = _late_table(names, params.few)

    def first(self) -> FloatArray:
        """Immediately."""
        return np.zeros(len(self.noise))

    def next(self, seen: Answers) -> FloatArray:
        """See ``AdaptiveLoop.next``."""
        p = self.params
        who, asked_s, at_s, code, retry_after_s = seen.who, seen.asked_s, seen.at_s, seen.code, seen.retry_after_s
        tries = self.tries[who] + 1
        self.tries[who] = tries
        up = _UP[code]
        down_asked = self.down_asked_s[who]
        up_s = self.up_s[who]
        since = np.where(np.isfinite(down_asked), down_asked, asked_s)
        up_s = np.where(up & np.isinf(up_s), since, up_s)
        late = up & ((code == CODE_OF["forbidden"]) | self.late_of_mask[seen.failing])
        pause = np.where(
            late, np.minimum(np.maximum(p.late_share * (at_s - up_s), p.late_min_s), p.late_max_s), p.many_s
        )
        floor = np.where(up, down_asked + p.floor_s, -np.inf)
        gone = np.zeros(who.shape, dtype=bool)
        if not up.all():
            fatal, over = _FATAL[code], _OVERLOAD[code]
            down = ~(up | fatal | over)
            pause = np.where(down, np.minimum(np.maximum(p.wait_share * at_s, p.wait_min_s), p.wait_max_s), pause)
            down_asked = np.where(down, asked_s, down_asked)
            up_s = np.where(down, np.inf, up_s)
            if (fatal | over).any():
                level = self.level[who]
                back = np.maximum(np.minimum(p.over_s * 2.0 ** np.minimum(level, 60.0), p.over_max_s), retry_after_s)
                pause = np.where(over, back, np.where(fatal, p.fatal_s, pause))
                # As in the scalar form, a fatal answer leaves the level alone and any other but overload resets it.
                self.level[who] = np.where(over, level + 1, np.where(fatal, level, 0.0))
                count = self.fatal_seen[who]
                begun = np.where(fatal & (count == 0), at_s, self.fatal_since_s[who])
                count = np.where(fatal, count + 1, 0.0)
                self.fatal_since_s[who] = begun
                self.fatal_seen[who] = count
                gone = fatal & (count >= p.fatal_count) & (at_s - begun >= p.fatal_span_s)
            else:
                self.level[who] = 0.0
                self.fatal_seen[who] = 0.0
            self.down_asked_s[who] = down_asked
        else:
            self.level[who] = 0.0
            self.fatal_seen[who] = 0.0
        self.up_s[who] = up_s
        least = np.minimum(p.latency_factor * (at_s - asked_s), p.latency_cap_s)
        at = np.maximum(at_s + np.maximum(pause, least) * swing(self.noise[who], tries, p.jitter), floor)
        at = np.maximum(at, at_s + retry_after_s)
        return np.where(gone | (code == READY), np.inf, times_within(self.total_s, at))


def _late_table(names: tuple[str, ...], few: int) -> npt.NDArray[np.bool_]:
    """``is_late`` for every bit mask over ``names``."""
    masks = np.arange(1 << len(names), dtype=np.int64)
    count = np.zeros(len(masks), dtype=np.int64)
    marked = np.zeros(len(masks), dtype=bool)
    for bit, name in enumerate(names):
        on = (masks >> bit) & 1 == 1
        count += on
        if name == MARKER:
            marked |= on
    return (count > 0) & (count <= few) & ~marked


@dataclass(frozen=True, slots=True)
class Adaptive(OneLoop):
    """The optimised poller."""

    params: AdaptiveParams = field(default_factory=AdaptiveParams)
    name: str = "adaptive"

    def loop(self, rng: random.Random) -> Loop:
        """See the class."""
        return AdaptiveLoop(self.params, self.limits.total_s, rng.random())

    def vector_loop(self, noise: FloatArray, names: tuple[str, ...]) -> VectorLoop:
        """See the class."""
        return VectorAdaptive(self.params, self.limits.total_s, noise[:, 0], names)
