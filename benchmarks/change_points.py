"""How often `compare --since-change` and `--by` are right: alarms, power, place and interval, over made histories.

    python -m benchmarks.change_points [--seeds 100] [--only alarms power …]

Prints the tables of docs/history.md. Every seed draws the starts anew: times around 60 s (normal, or skewed as a
lognormal distribution is) with a standard deviation of 5 s, a window of the given width at a random place around each.
"""

from __future__ import annotations

import argparse
import itertools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from analyzer.collection.collect import joined
from analyzer.collection.model import Collection
from analyzer.comparison.history import by_groups
from analyzer.comparison.model import Asked, Change
from analyzer.comparison.since_change import since_change
from analyzer.stats.difference import Lengths
from analyzer.stats.level import level
from analyzer.stats.resampled import Statistic
from tests.kit.made_histories import NEW, OLD, Made, host, hosts
from tests.kit.made_sides import One, side

NUMBERS = (10, 15, 20, 30, 50)
_SD_S = 5.0


def changes(made: Made, seeds: int) -> Iterator[tuple[Change, ...]]:
    """What is told of one host, once a seed."""
    return (since_change(host(made, seed=seed)).changes for seed in range(seeds))


def _place(change: Change) -> int:
    """The first start from which on it is different, from 0; made inputs are numbered."""
    return int(change.after.rpartition("/")[2].partition(".")[0])


def _around(change: Change) -> tuple[int, int]:
    """By how many starts the place may be earlier and later, as it says."""
    told = " ".join(words for words in change.changed if words.startswith("It may also"))
    by = {way: int(number) for number, way in re.findall(r"(\d+) starts? (earlier|later)", told)}
    return by.get("earlier", 0), by.get("later", 0)


def _gradual(change: Change) -> bool:
    return any("slow drift" in words for words in change.changed)


# --- one host


def print_alarms(seeds: int) -> None:
    print("| starts | windows | normal | skewed | 5 % stall | 10 % never ready | alike by 0.3 | alike by 0.6 |")
    print("|---|---|---|---|---|---|---|---|")
    for number, width_s in itertools.product(NUMBERS, (0.1, 2.0, 10.0)):
        plain = Made(number, width_s=width_s)
        kinds = (
            plain, replace(plain, skewed=True), replace(plain, stalls=0.05), replace(plain, never=0.1),
            replace(plain, alike=0.3), replace(plain, alike=0.6),
        )  # fmt: skip
        found = (sum(map(bool, changes(made, seeds))) / seeds for made in kinds)
        print(f"| {number} | {width_s:g} s | {' | '.join(f'{share:.1%}' for share in found)} |", flush=True)


@dataclass(frozen=True, slots=True)
class Right:
    """Of a step: how often it is found, and of those how often the place is the true one, one beside it, or in what is
    said of it; how often a drift is told instead, or a second change as well."""

    found: float
    exact: float
    near: float
    within: float
    drift: float
    more: float


def right(made: Made, place: int, seeds: int) -> Right:
    told = [found for found in changes(made, seeds) if found]
    steps = [min(found, key=lambda one: abs(_place(one) - place)) for found in told if not _gradual(found[0])]
    off = np.array([_place(one) - place for one in steps])
    within = [-early <= -by <= late for by, (early, late) in zip(off.tolist(), map(_around, steps), strict=True)]
    shares = (off == 0, np.abs(off) <= 1, np.array(within))
    return Right(
        len(told) / seeds,
        *(float(share.mean()) if len(steps) else float("nan") for share in shares),
        drift=1.0 - len(steps) / max(len(told), 1),
        more=sum(len(found) > 1 for found in told) / max(len(told), 1),
    )


def _row(found: Right) -> str:
    shares = (found.found, found.exact, found.near, found.within, found.drift, found.more)
    return " | ".join("—" if np.isnan(share) else f"{share:.0%}" for share in shares)


def print_power(seeds: int) -> None:
    print("| starts | step | at | windows | release | found | at the place | ± 1 | in what it says | drift | more |")
    print(f"|{'---|' * 11}")
    for number, step, width_s in itertools.product(NUMBERS, (1.5, 3.0), (0.1, 2.0)):
        for place in (number // 2, max(number // 4, 4)):
            made = Made(number, {place: step}, width_s=width_s)
            print(
                f"| {number} | {step:g} sd | {place} | {width_s:g} s | — | {_row(right(made, place, seeds))} |",
                flush=True,
            )
    for number, step in itertools.product((20, 50), (1.5, 3.0)):
        made = Made(number, {number // 2: step}, rows={0: OLD, number // 2: NEW})
        found = _row(right(made, number // 2, seeds))
        print(f"| {number} | {step:g} sd | {number // 2} | 0.1 s | changed there | {found} |", flush=True)


def print_drifts(seeds: int) -> None:
    print("| starts | grown at the end by | anything reported | of that: a drift | one step | several |")
    print("|---|---|---|---|---|---|")
    for number, drift in itertools.product(NUMBERS, (1.5, 3.0, 6.0)):
        told = [found for found in changes(Made(number, drift=drift), seeds) if found]
        drifts = sum(_gradual(found[0]) for found in told)
        several = sum(len(found) > 1 for found in told)
        shares = (drifts, len(told) - drifts - several, several)
        cells = " | ".join(f"{share / max(len(told), 1):.0%}" for share in shares)
        print(f"| {number} | {drift:g} sd | {len(told) / seeds:.0%} | {cells} |", flush=True)


def print_several(seeds: int) -> None:
    print("| starts | levels | none | one | two | three | a drift | each at its place ± 1 |")
    print("|---|---|---|---|---|---|---|---|")
    shapes = {"3 sd, and back": (3.0, 0.0), "3 sd, 6 sd": (3.0, 6.0), "3, 6, 9 sd": (3.0, 6.0, 9.0)}
    for number, (name, levels) in itertools.product((15, 20, 30, 50), shapes.items()):
        places = [number * (n + 1) // (len(levels) + 1) for n in range(len(levels))]
        told = list(changes(Made(number, dict(zip(places, levels, strict=True))), seeds))
        drifts = sum(bool(found) and _gradual(found[0]) for found in told)
        counts = [sum(len(found) == n for found in told) for n in range(4)]
        counts[1] -= drifts
        whole = [found for found in told if len(found) == len(places)]
        hit = [
            abs(_place(one) - place) <= 1
            for found in whole
            for one, place in zip(_by_place(found), places, strict=True)
        ]
        cells = " | ".join(f"{count / seeds:.0%}" for count in (*counts, drifts))
        print(f"| {number} | {name} | {cells} | {np.mean(hit) if hit else float('nan'):.0%} |", flush=True)


def _by_place(found: tuple[Change, ...]) -> list[Change]:
    return sorted(found, key=_place)


def print_intervals(seeds: int) -> None:
    print("| starts | step | at | windows | found | the interval holds the step |\n|---|---|---|---|---|---|")
    for number, step, width_s in itertools.product(NUMBERS, (1.5, 3.0), (0.1, 2.0)):
        for place in (number // 2, max(number // 4, 4)):
            told = [one for one in changes(Made(number, {place: step}, width_s=width_s), seeds) if len(one) == 1]
            held = [_holds(one, _SD_S * step) for (one,) in told]
            share = f"{np.mean(held):.1%}" if held else "—"
            print(
                f"| {number} | {step:g} sd | {place} | {width_s:g} s | {len(held) / seeds:.0%} | {share} |", flush=True
            )


def _holds(change: Change, shift_s: float) -> bool:
    interval = change.comparison.metrics[0].difference
    return interval.lower <= shift_s <= interval.upper


# --- many hosts


def print_fleets(seeds: int) -> None:
    """A tenth of the seeds: each is a fleet."""
    print("| hosts | starts | changed | fleets with a false one | false of all | changed found | interval holds |")
    print("|---|---|---|---|---|---|---|")
    for number, count, changed, step in (
        (20, 20, 0, 0.0), (200, 20, 0, 0.0), (200, 20, 10, 3.0), (200, 20, 100, 1.5), (200, 20, 100, 3.0),
        (200, 50, 10, 1.5), (200, 50, 100, 1.5),
    ):  # fmt: skip
        fleets = max(seeds // 10, 1)
        false, told, found, held = [], [], [], []
        for seed in range(fleets):
            made = [Made(count, {count // 2: step} if n < changed else {}) for n in range(number)]
            all_told = since_change(hosts(made, seed)).changes
            of = [int(one.host.partition("-")[2]) <= changed for one in all_told]
            false.append(len(of) - sum(of))
            told.append(len(of))
            found.append(len({one.host for one, true in zip(all_told, of, strict=True) if true}))
            held += [_holds(one, _SD_S * step) for one, true in zip(all_told, of, strict=True) if true]
        share = np.mean([wrong / max(all_, 1) for wrong, all_ in zip(false, told, strict=True)])
        power = f"{np.mean(found) / changed:.0%}" if changed else "—"
        kind = f"{changed} by {step:g} sd" if changed else "none"
        wrong = np.mean([one > 0 for one in false])
        holds = f"{np.mean(held):.1%}" if held else "—"
        print(f"| {number} | {count} | {kind} | {wrong:.1%} | {share:.1%} | {power} | {holds} |", flush=True)


def print_speed(seeds: int) -> None:
    del seeds
    print("| 1,000 hosts, 50 starts each, 30 metrics | processor time |\n|---|---|")
    for name, each in (("1 in 100 changed", 100), ("all changed", 1)):
        made = hosts([Made(50, {20: 3.0} if n % each == 0 else {}, rows={0: OLD, 20: NEW}) for n in range(1000)])
        wide = {f"check:{n}": made.metrics["ready"] for n in range(20)} | dict.fromkeys(_PHASES, made.metrics["ready"])
        collection = replace(made, metrics={**made.metrics, **wide})
        began = time.process_time()
        found = since_change(collection)
        print(f"| {name}: {len(found.changes)} changes | {time.process_time() - began:.1f} s |", flush=True)


_PHASES = (
    "boot",
    "extract",
    "datastore",
    "certificates",
    "containerd",
    "apiserver_boot",
    "hooks",
    "startup_hooks",
    "started",
)


# --- groups


def print_groups(seeds: int) -> None:
    """What is found: in a fifth of the seeds."""
    print("| six releases, starts of each | hosts | windows | anything said | a step of 1.5 sd: that one alone said |")
    print("|---|---|---|---|---|")
    for number, hosts_, width_s in ((10, 1, 0.1), (20, 1, 0.1), (20, 1, 2.0), (50, 1, 0.1), (20, 8, 0.1), (50, 8, 0.1)):
        some = max(seeds // 5, 1)
        alarms = sum(bool(_said(_releases(number, hosts_, width_s, seed, 0.0))) for seed in range(seeds))
        told = [_said(_releases(number, hosts_, width_s, seed, 1.5 * _SD_S)) for seed in range(some)]
        found = sum(steps == {3} for steps in told) / some
        print(f"| {number} | {hosts_} | {width_s:g} s | {alarms / seeds:.1%} | {found:.0%} |", flush=True)


def _said(collection: Collection) -> set[int]:
    """The steps of which anything is said: that a metric is slower or faster."""
    history = by_groups(collection, ("version",), Asked(plan=False))
    return {
        n
        for n, step in enumerate(history.steps)
        if any(one.verdict in ("slower", "faster") for one in step.comparison.metrics)
    }


def _releases(number: int, hosts_: int, width_s: float, seed: int, shift_s: float) -> Collection:
    """Six releases with a goal and three phases that have half of their variance in common with it; the last two are
    slower. With several hosts three tenths of the variance are theirs."""
    rng = np.random.default_rng([seed, number])
    parts = []
    for n in range(6):
        of = np.arange(number) % hosts_
        share = 0.3 if hosts_ > 1 else 0.0
        by = np.sqrt(1.0 - share) * rng.standard_normal(number) + np.sqrt(share) * rng.standard_normal(hosts_)[of]
        times = 60.0 + _SD_S * by + (shift_s if n >= 4 else 0.0)
        least = times - width_s * rng.random(number)
        phases = 5.0 + 0.1 * (np.sqrt(0.5) * _SD_S * by + np.sqrt(0.5) * _SD_S * rng.standard_normal((3, number)))
        starts = []
        for m in range(number):
            metrics = {"ready": (float(least[m]), float(least[m]) + width_s)}
            metrics |= {id: (float(phases[k][m]),) * 2 for k, id in enumerate(_PHASES[:3])}
            starts.append(One(metrics, {"version": f"v1.3{n}.1+k3s1", "host": f"node-{of[m]}"}))
        parts.append(side(starts, f"logs/{n}", n * number))
    return joined(parts)


def print_points(seeds: int) -> None:
    """The interval of a group's own median, mean and 90th percentile."""
    print("| starts | | median | mean | p90 |\n|---|---|---|---|---|")
    truth: dict[Statistic, float] = {"median": 60.0, "mean": 60.0, "p90": 60.0 + 1.2816 * _SD_S}
    for number, hosts_ in itertools.product((6, 10, 20, 50), (1, 8)):
        held = dict.fromkeys(truth, 0)
        for seed in range(seeds):
            rng = np.random.default_rng([seed, number])
            of, share = np.arange(number) % hosts_, 0.3 if hosts_ > 1 else 0.0
            by = np.sqrt(1.0 - share) * rng.standard_normal(number) + np.sqrt(share) * rng.standard_normal(hosts_)[of]
            least = 60.0 + _SD_S * by - 0.1 * rng.random(number)
            lengths = Lengths.of(least, least + 0.1, of if hosts_ > 1 else None)
            for statistic, true in truth.items():
                interval = level(lengths, statistic, seed=seed)
                held[statistic] += interval.lower <= true <= interval.upper
        who = "8 hosts" if hosts_ > 1 else "1 host"
        print(f"| {number} | {who} | {' | '.join(f'{one / seeds:.1%}' for one in held.values())} |", flush=True)


_TABLES: dict[str, Callable[[int], None]] = {
    "alarms": print_alarms,
    "power": print_power,
    "drifts": print_drifts,
    "several": print_several,
    "intervals": print_intervals,
    "fleets": print_fleets,
    "groups": print_groups,
    "points": print_points,
    "speed": print_speed,
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=list(_TABLES), default=list(_TABLES))
    options = parser.parse_args()
    for name in options.only:
        print(f"\n{name}, {options.seeds} seeds\n")
        _TABLES[name](options.seeds)


if __name__ == "__main__":
    main()
