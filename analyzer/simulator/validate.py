"""Is the simulator true? Compared with recorded starts of real servers, whose truth is known.

``python -m analyzer.simulator.validate [DIR|DIGEST] [--json] [--every-start]``: without an argument, the packaged
digest of 190 recorded starts. It prints the numbers of docs/simulator-appendix.md:

1. **Replay**: fed with the watched flips and the first poll's time, the replay of a release's own poller predicts
   when that release logged its detection. Cost coupling is off (the flips were watched under that very polling).
2. **Tax**: seconds from ready to noticed, measured and replayed.
3. **Paired runs**: the same machine and limits, v1.32.2 against v1.32.4, measured differences beside those that
   the change of poller alone explains in the replay.
4. **Adaptive**: judged on the half of the recordings its parameters were not chosen on.
5. **State-aware schedule**: leave one start out (``--every-start``; otherwise a twentieth at a time).
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from analyzer.errors import K3slogError
from analyzer.policies import registry
from analyzer.policies.protocol import Policy
from analyzer.policies.vector import FloatArray
from analyzer.simulator import stateaware
from analyzer.simulator.recorded import RecordedStart, load
from analyzer.simulator.replay import replay
from analyzer.simulator.schedule import Costs
from analyzer.simulator.world import Machine, draw, from_recorded, sketch_recorded

TOLERANCE_S = 0.3
ENOUGH_CORE = 0.5
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Prediction:
    """One start: when the replay says that k3s noticed, and when it did (seconds since exec).

    ``low``/``high``: least and greatest prediction over the possible worlds; ``nearest``: the one nearest to the
    truth; ``residual``: logged minus nearest; ``off_median``: logged minus the median prediction.
    """

    start: RecordedStart
    low: float
    high: float
    nearest: float
    residual: float
    off_median: float
    two_ticks: bool


def predict(start: RecordedStart, *, draws: int = DRAWS, seed: int = 7) -> Prediction:
    """The replay of the start's own poller against its logged detection."""
    assert start.first_poll is not None
    machine = Machine.limited(start.share, poll_cpu_s=0.0)
    sketch = sketch_recorded(start, machine=machine)
    predicted = np.empty(0)
    # The first request left up to the slack before its stamp: that moves the poller's whole grid.
    for slack in np.linspace(0.0, sketch.phase_slack_s, 5 if sketch.phase_slack_s else 1):
        key = (seed, zlib.crc32(start.name.encode()), start.n, round(float(slack) * 1e4))
        worlds = draw([sketch.later(float(slack))], draws, key)
        outcome = replay(registry.get(start.poller), worlds)
        predicted = np.append(predicted, outcome.detected + start.first_poll - slack)
    nearest = float(predicted[np.argmin(np.abs(predicted - start.detected))])
    return Prediction(
        start=start,
        low=float(predicted.min()),
        high=float(predicted.max()),
        nearest=nearest,
        residual=start.detected - nearest,
        off_median=start.detected - float(np.median(predicted)),
        two_ticks=np.ptp(predicted).item() > 0.5 * (2.0 if start.poller == "shared-2s" else 1.0),
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and quantiles of a list of seconds."""

    count: int
    mean: float
    p50: float
    p95: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float] | FloatArray) -> Summary:
        v = np.asarray(values, dtype=float)
        if not len(v):
            return cls(0, float("nan"), float("nan"), float("nan"), float("nan"))
        return cls(len(v), float(v.mean()), float(np.median(v)), float(np.quantile(v, 0.95)), float(v.max()))


def tax(starts: Sequence[RecordedStart], poller: str) -> tuple[Summary, Summary]:
    """(measured, replayed) seconds from ready to noticed of every start of a poller's era."""
    own = [s for s in starts if s.poller == poller and s.first_poll is not None]
    measured = [max(0.0, s.detected - (s.ready[0] + s.ready[1]) / 2.0) for s in own]
    sketches = [sketch_recorded(s, machine=Machine.limited(s.share, poll_cpu_s=0.0)) for s in own]
    if not sketches:
        return Summary.of([]), Summary.of([])
    outcome = replay(registry.get(poller), draw(sketches, len(own) * 20, 3))
    return Summary.of(measured), Summary.of(outcome.delay)


@dataclass(frozen=True, slots=True)
class Paired:
    """One cell of the paired runs: new release minus old, medians and means over the repetitions with a 95 %
    bootstrap interval; ``simulated``: what the poller alone explains, from the old release's starts."""

    cpu_pct: int
    kind: str
    pairs: int
    quantity: str
    old_median: float
    new_median: float
    difference: float
    low: float
    high: float
    simulated: float
    simulated_low: float
    simulated_high: float


def paired(starts: Sequence[RecordedStart], *, old: str = "v1.32.2", new: str = "v1.32.4") -> tuple[Paired, ...]:
    """The paired recordings (``ab-…``): API ready, noticed, and CPU until ready.

    The simulated column replays both pollers in the unpolled worlds of the *old* release's starts, each beginning
    when its release began in that repetition (the new one's first poll comes later).
    """
    cells: list[Paired] = []
    runs = [s for s in starts if s.name.startswith("ab-") and s.first_poll is not None]
    for pct in sorted({s.cpu_pct for s in runs}):
        for n, kind in ((0, "fresh"), (1, "restart")):
            cell = [s for s in runs if (s.cpu_pct, s.n) == (pct, n)]
            a, b = ({s.name.rsplit("-", 1)[1]: s for s in cell if s.k3s.split("+")[0] == k3s} for k3s in (old, new))
            both = sorted(set(a) & set(b))
            if len(both) >= 2:
                cells += _cell(pct, kind, [a[k] for k in both], [b[k] for k in both])
    return tuple(cells)


def _cell(pct: int, kind: str, old: list[RecordedStart], new: list[RecordedStart]) -> list[Paired]:
    per = 400
    worlds = from_recorded(old, per * len(old), 11)
    before = replay(registry.get("legacy-4x1s"), worlds)
    # The new poller begins at another moment of the same start, as in the paired repetition: its clock's zero moves,
    # the world's moments move the other way.
    shift = np.array([(b.first_poll or 0.0) - (a.first_poll or 0.0) for a, b in zip(old, new, strict=True)])
    later = shift[worlds.group]
    moved = replace(
        worlds,
        stage_ends=worlds.stage_ends - later[:, None],
        clears=worlds.clears - later[:, None],
        ready=worlds.ready - later,
    )
    after = replay(registry.get("shared-2s"), moved)
    rows = []
    was, now = ([sum(s.ready) / 2 for s in side] for side in (old, new))
    quantities: tuple[tuple[str, list[float], list[float], FloatArray], ...] = (
        ("ready_s", was, now, after.ready + later - before.ready),
        ("noticed_s", [s.detected for s in old], [s.detected for s in new], after.detected + later - before.detected),
        (
            "cpu_s",
            [s.cpu_s_at_ready or float("nan") for s in old],
            [s.cpu_s_at_ready or float("nan") for s in new],
            after.cpu_s - before.cpu_s,
        ),
    )
    for name, x, y, simulated in quantities:
        measured = np.asarray(y) - np.asarray(x)
        measured = measured[~np.isnan(measured)]
        if len(measured) < 2:
            continue
        low, high = _bootstrap(measured)
        means = simulated.reshape(len(old), per).mean(axis=1)
        s_low, s_high = _bootstrap(means)
        rows.append(
            Paired(
                pct,
                kind,
                len(measured),
                name,
                float(np.nanmedian(x)),
                float(np.nanmedian(y)),
                float(measured.mean()),
                low,
                high,
                float(means.mean()),
                s_low,
                s_high,
            )
        )
    return rows


def _bootstrap(values: FloatArray, rounds: int = 4000) -> tuple[float, float]:
    rng = np.random.default_rng(5)
    means = values[rng.integers(0, len(values), (rounds, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def half_of(start: RecordedStart) -> int:
    """0: parameters were chosen on it, 1: they are judged on it. Whole recordings, by the hash of their name."""
    return zlib.crc32(start.name.encode()) & 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """A policy over recorded starts. ``cpu_ratio``: server CPU against ``shared-2s``, summed over starts ready within
    10 s; ``cpu_ratio_max`` the worst single start, ``within_twice`` the share of starts at or below 2;
    ``core_max``: greatest share of a core on longer starts."""

    policy: str
    client: str
    starts: int
    delay_p50: float
    delay_p95: float
    delay_max: float
    short_starts: int
    cpu_ratio: float
    cpu_ratio_max: float
    within_twice: float
    short_cpu_ms: float
    core_mean: float
    core_max: float
    noticed_vs_shared: float


def verdict(policy: Policy, starts: Sequence[RecordedStart], *, client: str = "admin", seed: int = 1) -> Verdict:
    """Judges ``policy`` over recorded starts, with the polling cost coupled in."""
    usable = [s for s in starts if s.first_poll is not None]
    worlds = from_recorded(usable, DRAWS * len(usable), seed, client=client)
    outcome, base = replay(policy, worlds), replay(registry.get("shared-2s"), worlds)
    shape = (len(usable), DRAWS)
    short = np.array([s.ready[1] < 10.0 for s in usable])
    cpu, base_cpu = outcome.cpu_s.reshape(shape), base.cpu_s.reshape(shape)
    ratio = cpu[short].mean(axis=1) / base_cpu[short].mean(axis=1)
    core = cpu[~short].mean(axis=1) / outcome.detected.reshape(shape)[~short].mean(axis=1)
    return Verdict(
        policy=policy.name,
        client=client,
        starts=len(usable),
        delay_p50=float(np.median(outcome.delay)),
        delay_p95=float(np.quantile(outcome.delay, 0.95)),
        delay_max=float(outcome.delay.max()),
        short_starts=int(short.sum()),
        cpu_ratio=float(cpu[short].mean() / base_cpu[short].mean()) if short.any() else float("nan"),
        cpu_ratio_max=float(ratio.max()) if short.any() else float("nan"),
        within_twice=float((ratio <= 2.0).mean()) if short.any() else float("nan"),
        short_cpu_ms=float(cpu[short].mean() * 1000) if short.any() else float("nan"),
        core_mean=float(core.mean()) if (~short).any() else float("nan"),
        core_max=float(core.max()) if (~short).any() else float("nan"),
        noticed_vs_shared=float((outcome.detected - base.detected).mean()),
    )


def report(starts: Sequence[RecordedStart], *, every_start: bool = False) -> dict[str, Any]:
    """All comparisons as plain data."""
    usable = [s for s in starts if s.first_poll is not None]
    predictions = [predict(s) for s in usable]
    good = [p for p in predictions if p.start.share >= ENOUGH_CORE and not p.start.disturbed]
    rest = [p for p in predictions if p not in good]
    chosen, judged = ([s for s in usable if half_of(s) == half] for half in (0, 1))
    found: dict[str, Any] = {
        "starts": len(usable),
        "replay": {
            "tolerance_s": TOLERANCE_S,
            "half_a_core_or_more": _agreement(good),
            "less_or_disturbed": _agreement(rest),
            "outside": [_outside(p) for p in predictions if abs(p.residual) > TOLERANCE_S],
            "two_ticks_possible": sum(p.two_ticks for p in predictions),
        },
        "tax": {
            poller: dict(zip(("measured", "replayed"), map(asdict, tax(usable, poller)), strict=True))
            for poller in ("shared-2s", "legacy-4x1s")
        },
        "paired": [asdict(cell) for cell in paired(usable)],
    }
    asked = [(name, "admin") for name in ("legacy-4x1s", "shared-2s", "backoff", "adaptive")] + [("adaptive", "k3s")]
    found["adaptive"] = [
        {"part": title} | asdict(verdict(registry.get(name), part, client=client))
        for title, part in (("judged half", judged), ("chosen half", chosen), ("all", usable))
        if len(part) >= 2
        for name, client in asked
    ]
    sketches = [sketch_recorded(s) for s in usable]
    if len(sketches) >= 4:
        found["state_aware"] = []
        for cost in (0.02, 0.05):
            j = stateaware.judge(sketches, Costs(cost, 1.0), folds=0 if every_start else min(20, len(sketches)))
            row = {"poll_cost": cost, "delay_cost": 1.0} | asdict(j)
            found["state_aware"].append({key: value for key, value in row.items() if key != "table"})
    return found


def _outside(prediction: Prediction) -> dict[str, Any]:
    start = prediction.start
    of_start = {key: getattr(start, key) for key in ("k3s", "cpu_pct", "disturbed", "poller", "first_poll", "ready")}
    numbers = {key: value for key, value in asdict(prediction).items() if key != "start"}
    return {"name": start.label, **of_start, "logged": start.detected, **numbers}


def _agreement(predictions: Sequence[Prediction]) -> dict[str, Any]:
    residuals = np.abs([p.residual for p in predictions])
    return {
        "starts": len(predictions),
        "within": int((residuals <= TOLERANCE_S).sum()),
        "within_0.1": int((residuals <= 0.1).sum()),
        "abs_residual": asdict(Summary.of(residuals)),
        "median_within": int(sum(abs(p.off_median) <= TOLERANCE_S for p in predictions)),
    }


def render(found: dict[str, Any]) -> str:
    """The report as text."""
    r = found["replay"]
    out = [
        f"{found['starts']} recorded starts",
        "",
        "1 Replay of the release's own poller against its logged detection",
        *(
            f"  {title}: {g['within']} of {g['starts']} within {r['tolerance_s']} s ({g['within_0.1']} within 0.1 s); "
            f"median prediction within {r['tolerance_s']} s: {g['median_within']}; "
            f"largest residual {g['abs_residual']['max']:.2f} s"
            for title, g in (
                ("half a core or more", r["half_a_core_or_more"]),
                ("less, or disturbed", r["less_or_disturbed"]),
            )
        ),
        f"  windows that span two ticks, so that two detections are possible: {r['two_ticks_possible']}",
    ]
    out += [
        f"    {p['name']} {p['k3s']} {p['cpu_pct']} %{' disturbed' if p['disturbed'] else ''}: ready in "
        f"({p['ready'][0]:.2f}, {p['ready'][1]:.2f}], first poll {p['first_poll']:.2f}, predicted "
        f"{p['nearest']:.2f}, logged {p['logged']:.2f} ({p['residual']:+.2f} s)"
        for p in r["outside"]
    ]
    out += ["", "2 Ready to noticed, seconds: count mean p50 p95 max"]
    out += [
        f"  {poller:12} {side:9} {s['count']:5d} {s['mean']:.2f} {s['p50']:.2f} {s['p95']:.2f} {s['max']:.2f}"
        for poller, pair in found["tax"].items()
        for side, s in pair.items()
    ]
    out += ["", "3 Paired runs, new minus old: measured [95 %] · the poller alone, simulated [95 %]"]
    out += [
        f"  {c['cpu_pct']:3d} % {c['kind']:8} {c['quantity']:10} {c['old_median']:6.2f} → {c['new_median']:6.2f}   "
        f"{c['difference']:+6.2f} [{c['low']:+.2f}, {c['high']:+.2f}] · "
        f"{c['simulated']:+6.2f} [{c['simulated_low']:+.2f}, {c['simulated_high']:+.2f}]"
        for c in found["paired"]
    ]
    out += [
        "",
        "4 Policies over recorded starts: delay p50 p95 max · CPU against shared-2s on starts under 10 s ",
        "  (sum, worst start, share at most twice) · share of a core on longer ones (mean, worst)"
        " · noticed vs shared-2s",
    ]
    out += [
        f"  {v['part']:12} {v['policy']:12} {v['client']:6} {v['starts']:4d}  {v['delay_p50']:.2f} "
        f"{v['delay_p95']:.2f} {v['delay_max']:.2f} · {v['cpu_ratio']:.2f} {v['cpu_ratio_max']:.2f} "
        f"{v['within_twice']:.0%} ({v['short_cpu_ms']:.0f} ms) · {v['core_mean']:.2%} {v['core_max']:.2%} · "
        f"{v['noticed_vs_shared']:+.2f} s"
        for v in found["adaptive"]
    ]
    if "state_aware" in found:
        out += ["", "5 State-aware against state-blind optimum, out of sample, cost per start"]
        out += [
            f"  request {j['poll_cost']}, second {j['delay_cost']}: blind {j['blind_cost']:.3f}, aware "
            f"{j['aware_cost']:.3f}, gain {j['gain']:.3f} [{j['gain_low']:.3f}, {j['gain_high']:.3f}]; requests "
            f"{j['blind_requests']:.1f} → {j['aware_requests']:.1f}, delay {j['blind_delay_s']:.2f} → "
            f"{j['aware_delay_s']:.2f} s ({j['folds']} folds)"
            for j in found["state_aware"]
        ]
    return "\n".join(out) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m analyzer.simulator.validate", description=__doc__.split("\n")[0])
    parser.add_argument("recordings", nargs="?", type=Path, help="folder of recordings, or a digest file")
    parser.add_argument("--json", action="store_true", help="plain data instead of text")
    parser.add_argument("--every-start", action="store_true", help="leave out every start by itself (minutes)")
    options = parser.parse_args(arguments)
    try:
        found = report(load(options.recordings), every_start=options.every_start)
    except K3slogError as error:
        print(error.one_line(), file=sys.stderr)
        return int(error.exit_code)
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if options.json else render(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
