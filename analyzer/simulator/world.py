"""Possible worlds: when each check clears and what the server answers until then, for many draws at once.

A world runs on the poller's clock: 0 is the moment at which polling could begin. Its times are those of a server
that **nobody polls**; the replay adds what polling costs. Sources of worlds:

* analysed starts (``from_starts``): every moment is drawn uniformly from its half-open window, so a start's own
  uncertainty is carried through; the delay that the recorded poller itself caused is taken out first;
* recorded starts with the truth seen from outside (``from_recorded``), the same with much narrower windows;
* a parametric scenario (``scenario.py``);
* the pooled Turnbull curve of many starts (``from_curve``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from analyzer.errors import NoDataError
from analyzer.policies.protocol import CODE_OF
from analyzer.policies.vector import FloatArray, IntArray
from analyzer.results import StartReport
from analyzer.simulator.recorded import RecordedStart
from analyzer.window import Window

MAX_NAMES = 15
#: Stamps cut off more coarsely than this leave the phase of the recorded poller open.
COARSE_S = 0.01
REDRAWS = 60
UNKNOWN_CHECK = "(some check)"
HANDLED = ("forbidden", "readyz_failing")  # answers of the API handler itself
SERVICE_UNAVAILABLE = CODE_OF["service_unavailable"]
FORBIDDEN = CODE_OF["forbidden"]


@dataclass(frozen=True, slots=True)
class Machine:
    """What a request costs and how long it takes.

    ``cores``: CPU that the server may use, in cores (0.12 = a limit of 12 %). ``poll_cpu_s``: CPU seconds of one
    request on a fresh TLS connection with client certificate; measured 1.5 to 2.7 ms on k3s 1.30 to 1.35 (amd64),
    see docs/simulator-appendix.md. ``coupling``: share of the start that is bound by CPU, so that a second of polling
    delays it by 1/cores seconds; 1 when starved, about 0.3 when hooks wait for disks and timers.
    ``latency_s``: median latency of an answer; ``latency_sigma``: spread of its logarithm.
    """

    cores: float = 1.0
    poll_cpu_s: float = 0.0027
    coupling: float = 0.3
    latency_s: float = 0.004
    latency_sigma: float = 0.8

    @property
    def delay_per_poll_s(self) -> float:
        """Seconds by which one request delays the start."""
        return self.poll_cpu_s * self.coupling / self.cores

    @classmethod
    def limited(cls, cores: float, poll_cpu_s: float = 0.0027) -> Machine:
        """A machine known only by its CPU limit.

        Latency: 4 ms on an idle core (measured 3 to 4 ms), growing with the power −1.5 of the share: 0.03 s at
        25 % and 0.1 s at 12 %, as the recorded answers' stamps show. Coupling: 1 up to a quarter of a core, then
        falling linearly to 0.3 at a full one.
        """
        share = min(max(cores, 0.01), 1.0)
        coupling = 1.0 if share <= 0.25 else 1.0 - 0.7 * (share - 0.25) / 0.75
        return cls(cores, poll_cpu_s, coupling, 0.004 * share**-1.5, 0.8)


@dataclass(frozen=True, slots=True)
class Worlds:
    """``n`` worlds. Shapes: ``stage_ends`` (n, stages), ``clears`` (n, names), the rest (n,), ``noise`` (n, 8).

    Until ``stage_ends[:, s]`` the answer is the error ``stage_codes[s]`` (stages in order), then a list in which
    name i fails until ``clears[:, i]``, then ready. ``ready`` is the moment from which all is past; +inf = never.
    During an overlay (``over_*``, shape (n, overlays)) the answer is ``over_codes`` instead. ``group``: which
    start or scenario a world is of. ``per_poll``: seconds of delay per request. ``latency``: its median.
    """

    names: tuple[str, ...]
    stage_codes: tuple[int, ...]
    stage_ends: FloatArray
    clears: FloatArray
    ready: FloatArray
    group: IntArray
    per_poll: FloatArray
    poll_cpu: FloatArray
    latency: FloatArray
    latency_sigma: FloatArray
    noise: FloatArray
    over_codes: tuple[int, ...] = ()
    over_begin: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    over_end: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    over_retry: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.ready)

    def take(self, index: slice | IntArray) -> Worlds:
        """Some of the worlds."""
        return replace(self, **{name: rows[index] for name, rows in self.rows().items() if len(rows)})

    def rows(self) -> dict[str, Any]:
        """Everything that has one row per world, by its name."""
        return {f.name: v for f in fields(self) if isinstance(v := getattr(self, f.name), np.ndarray)}


@dataclass(frozen=True, slots=True)
class Sketch:
    """Windows of one start on the poller's clock, as they were recorded: what worlds are drawn from.

    ``stages``: (error code, window of its end). ``checks``: window of the last flip to ok. ``polls_per_s``: how
    often the recorded pollers asked, to take their own delay out. ``last``: checks that may have cleared last.
    The first request left up to ``phase_slack_s`` before its stamp or up to ``stamp_s`` after it (stamps are cut off).
    ``noticed``: window of the recorded notice, and the interval of the ticker that made it.
    """

    stages: tuple[tuple[int, tuple[float, float]], ...]
    checks: tuple[tuple[str, tuple[float, float]], ...]
    ready: tuple[float, float]
    machine: Machine
    polls_per_s: float = 0.0
    last: tuple[str, ...] = ()
    phase_slack_s: float = 0.0
    stamp_s: float = 0.0
    noticed: tuple[tuple[float, float], float] | None = None

    def later(self, by_s: float) -> Sketch:
        """The same start on a clock that began ``by_s`` earlier, with nothing left to move."""
        return replace(
            self,
            stages=tuple((code, _moved(window, by_s)) for code, window in self.stages),
            checks=tuple((name, _moved(window, by_s)) for name, window in self.checks),
            ready=_moved(self.ready, by_s),
            phase_slack_s=0.0,
        )


def _moved(window: tuple[float, float], by_s: float) -> tuple[float, float]:
    return window[0] + by_s, window[1] + by_s


def draw_from(sketch: Sketch, names: Sequence[str], n: int, group: int, rng: np.random.Generator) -> Worlds:
    """``n`` worlds of one start, over the given check names."""

    def uniform(window: tuple[float, float]) -> FloatArray:
        return window[0] + (window[1] - window[0]) * (1.0 - rng.random(n))  # half-open: the lower end is not drawn

    # The recorded poller's first request left somewhat before or after its stamp: the whole world moves.
    slack = sketch.phase_slack_s * rng.random(n)
    ready = uniform(sketch.ready) + slack
    if sketch.stamp_s > 0:
        slack, ready = _fitting(sketch, slack, ready, rng)
    clears = np.full((n, len(names)), -np.inf)
    where = {name: i for i, name in enumerate(names)}
    for name, window in sketch.checks:
        if name in where:
            clears[:, where[name]] = np.minimum(uniform(window) + slack, ready)
    last = [where[name] for name in sketch.last if name in where] or [where[UNKNOWN_CHECK]]
    pick = np.asarray(last)[rng.integers(0, len(last), n)]
    clears[np.arange(n), pick] = ready
    codes = tuple(code for code, _ in sketch.stages)
    ends = np.zeros((n, len(codes)))
    floor = np.full(n, -np.inf)
    for s, (_, window) in enumerate(sketch.stages):
        floor = np.maximum(floor, np.minimum(uniform(window) + slack, ready))
        ends[:, s] = floor
    # Each recorded request delayed the start by per_poll seconds: unpolled time runs that much faster.
    squeeze = 1.0 - min(0.5, sketch.machine.delay_per_poll_s * sketch.polls_per_s)
    m = sketch.machine
    return Worlds(
        names=tuple(names),
        stage_codes=codes,
        stage_ends=np.where(ends > 0, ends * squeeze, ends),
        clears=np.where(clears > 0, clears * squeeze, clears),
        ready=np.where(ready > 0, ready * squeeze, ready),
        group=np.full(n, group),
        per_poll=np.full(n, m.delay_per_poll_s),
        poll_cpu=np.full(n, m.poll_cpu_s),
        latency=np.full(n, m.latency_s),
        latency_sigma=np.full(n, m.latency_sigma),
        noise=rng.random((n, 8)),
    )


def _fitting(
    sketch: Sketch, slack: FloatArray, ready: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """``slack`` and ``ready`` for a first request that left up to ``stamp_s`` after its stamp.

    Where the recorded ticker would then not have noticed readiness when it did, both are drawn again: phase and
    readiness are known together better than each alone.
    """
    low, high = sketch.ready
    again = np.arange(len(ready))
    slack, ready = slack.copy(), ready.copy()
    for _ in range(REDRAWS):
        moved = -sketch.stamp_s * rng.random(len(again))
        slack[again] = moved
        ready[again] = low + (high - low) * (1.0 - rng.random(len(again))) + moved
        if sketch.noticed is None:
            break
        (after, until), interval = sketch.noticed
        tick = np.ceil(ready / interval) * interval - slack  # on the clock of the stamps
        again = np.flatnonzero((ready <= 0) | (tick <= after) | (tick > until))
        if not len(again):
            break
    return slack, ready


def draw(sketches: Sequence[Sketch], n: int, seed: int | Sequence[int]) -> Worlds:
    """``n`` worlds, spread evenly over the starts, in the order of the starts; the same seed gives the same bytes.

    Raises ``NoDataError`` without any start.
    """
    if not sketches:
        raise NoDataError("no start that became ready", hint="The simulator needs at least one, or a --scenario.")
    names = _common_names(sketches)
    rng = np.random.default_rng(seed)
    share = np.diff(np.linspace(0, n, len(sketches) + 1).round().astype(int))
    parts = [draw_from(s, names, int(k), g, rng) for g, (s, k) in enumerate(zip(sketches, share, strict=True)) if k]
    return join(parts)


def join(parts: Sequence[Worlds]) -> Worlds:
    """Worlds of one shape, one after the other. Stages are brought to the common list of codes first."""
    codes = tuple(dict.fromkeys(code for part in parts for code in part.stage_codes))
    columns: dict[str, list[FloatArray]] = {}
    for part in parts:
        ends = np.full((len(part), len(codes)), -np.inf)
        for s, code in enumerate(part.stage_codes):
            ends[:, codes.index(code)] = part.stage_ends[:, s]
        for name, rows in (part.rows() | {"stage_ends": ends}).items():
            columns.setdefault(name, []).append(rows)
    joined: dict[str, Any] = {name: np.concatenate(rows) for name, rows in columns.items()}
    return replace(parts[0], stage_codes=codes, **joined)


def _common_names(sketches: Sequence[Sketch]) -> tuple[str, ...]:
    """At most 15 check names: those that can matter, the most frequent first, plus a slot for a nameless one."""
    score: dict[str, float] = {}
    for sketch in sketches:
        for name, window in sketch.checks:
            score[name] = score.get(name, 0.0) + 1.0 + (1000.0 if name in sketch.last else 0.0) + window[1] * 1e-6
    best = sorted(score, key=lambda name: (-score[name], name))[:MAX_NAMES]
    return (*sorted(best), UNKNOWN_CHECK)


def sketch_recorded(start: RecordedStart, *, client: str = "admin", machine: Machine | None = None) -> Sketch:
    """Windows of a recorded start. ``client``: ``admin`` sees a list as soon as the handler exists, ``k3s`` (the
    poller's own identity) gets 403 until its role is loaded, as far as the printed polls tell."""
    assert start.first_poll is not None
    zero = -start.first_poll
    low = start.serving if start.serving is not None and start.serving < start.answered[1] else start.answered[0]
    stages = [(SERVICE_UNAVAILABLE, _moved((low, start.answered[1]), zero))]
    seen403 = [at for at, kind in start.polls if kind == "403"]
    if client == "k3s" and seen403:
        after = [at for at, _ in start.polls if at > seen403[-1]] or [start.detected]
        upper = min(after[0], start.ready[0])
        stages.append((FORBIDDEN, _moved((min(seen403[-1] - 0.05, upper), upper), zero)))
    return Sketch(
        stages=tuple(stages),
        checks=tuple((name, _moved(window, zero)) for name, window in sorted(start.checks.items())),
        ready=_moved(start.ready, zero),
        machine=machine or Machine.limited(start.share),
        polls_per_s=0.5 if start.poller == "shared-2s" else 4.0,
        last=("poststarthook/rbac/bootstrap-roles",),
        phase_slack_s=0.05 if start.poller == "shared-2s" else 0.0,
    )


def sketch_start(start: StartReport, machine: Machine) -> Sketch | None:
    """Windows of an analysed start; ``None`` when it never became ready or its readiness has an open end.

    Polling could begin at the first printed poll; without one (old era) at ``api server requested`` or the begin; in
    a saved wait with the wait.
    """
    if start.ready.upper is None or start.detected.upper is None:
        return None
    polls = [(p.at_s, p.error) for p in start.polls if p.at_s is not None]
    zero = 0.0 if start.observer == "wait" else min(polling_began(start) or 0.0, start.ready.upper)
    stamp = start.clock.precision_s if start.clock.precision_s >= COARSE_S and start.observer != "wait" else 0.0

    def on_clock(window: Window, low: float, high: float) -> tuple[float, float]:
        lower = low if window.lower is None else max(low, window.lower - zero)
        upper = high if window.upper is None else min(high, window.upper - zero)
        return min(lower, upper), upper

    ready_upper = start.ready.upper - zero
    serving = _milestone(start, "serving_securely")
    handler = [at_s - zero + stamp for at_s, error in polls if error in HANDLED]
    listen_low = max([at_s - zero for at_s, error in polls if error not in (None, *HANDLED)] or [0.0])
    seen = (listen_low, min([*handler, ready_upper]))
    listen = seen if serving is None else (serving - zero, serving - zero + 0.1)
    listen = (min(listen[0], ready_upper), min(max(listen), ready_upper))
    ready = on_clock(start.ready, max(0.0, listen[0]), ready_upper)
    last = tuple(c.name for c in start.checks if c.last_blocker == "certain") or tuple(
        c.name for c in start.checks if c.last_blocker == "possible" and c.seen_failing
    )
    checks = tuple(
        (c.name, on_clock(c.cleared, listen[0], ready[1])) for c in start.checks if c.seen_failing or c.name in last
    )
    interval = start.poller.interval_s or 2.0
    noticed = None
    if polls and start.poller.kind == "shared-2s":
        # Its line comes right after the answer; an answer takes less than half an interval, or the server is starved.
        noticed = ((start.detected.upper - zero - stamp - interval / 2, start.detected.upper - zero), interval)
    return Sketch(
        stages=((SERVICE_UNAVAILABLE, listen),),
        checks=checks,
        ready=ready,
        machine=machine,
        polls_per_s=4.0 / interval if start.poller.kind == "legacy-4x1s" else 1.0 / interval,
        last=last,
        stamp_s=stamp,
        noticed=noticed,
    )


def _milestone(start: StartReport, id: str) -> float | None:
    return {m.id: m.at_s for m in start.milestones if m.at_s is not None}.get(id)


def polling_began(start: StartReport) -> float | None:
    """When polling could begin, as far as a start's own lines say."""
    polls = [p.at_s for p in start.polls if p.at_s is not None]
    marks = (_milestone(start, "first_poll"), _milestone(start, "apiserver_requested"))
    return next((at_s for at_s in (*polls, *marks) if at_s is not None), None)


def from_recorded(
    starts: Sequence[RecordedStart], n: int, seed: int | Sequence[int], *, client: str = "admin"
) -> Worlds:
    """``n`` worlds of recorded starts."""
    return draw([sketch_recorded(s, client=client) for s in starts if s.first_poll is not None], n, seed)


def from_curve(
    edges: FloatArray, mass: FloatArray, serving_share: float, machine: Machine, n: int, seed: int | Sequence[int]
) -> Worlds:
    """Worlds of a pooled curve of readiness: ``mass[i]`` lies in ``(edges[i, 0], edges[i, 1]]`` (seconds after the
    first poll), the rest of the mass is never ready. One check only; the handler exists from ``serving_share``
    of the way to readiness on."""
    rng = np.random.default_rng(seed)
    index = np.searchsorted(np.cumsum(mass), rng.random(n), side="left")
    known = index < len(mass)
    row = np.minimum(index, len(mass) - 1)
    low, high = edges[row, 0], edges[row, 1]
    known &= np.isfinite(high)
    high = np.where(np.isfinite(high), high, low)
    ready = np.where(known, low + (high - low) * (1.0 - rng.random(n)), np.inf)
    ends = np.where(known, np.minimum(ready, serving_share * ready), low)
    return Worlds(
        names=(UNKNOWN_CHECK,),
        stage_codes=(SERVICE_UNAVAILABLE,),
        stage_ends=ends[:, None],
        clears=ready[:, None].copy(),
        ready=ready,
        group=np.arange(n),
        per_poll=np.full(n, machine.delay_per_poll_s),
        poll_cpu=np.full(n, machine.poll_cpu_s),
        latency=np.full(n, machine.latency_s),
        latency_sigma=np.full(n, machine.latency_sigma),
        noise=rng.random((n, 8)),
    )
