"""How often `compare` is right: false alarms, coverage, width and power of its intervals, over made starts.

    python -m benchmarks.compare_coverage [--seeds 100] [--only alarms family …]

Prints the tables of docs/compare.md. Every seed draws two sides anew: times of a start (normal, or skewed as a
lognormal distribution is, or with 5 % that stall) with a standard deviation of 5 s, a window of the given width at a
random place around each, and a share that never gets there. With eight hosts three tenths of the variance are theirs.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from analyzer.stats.difference import Lengths, balanced, difference
from analyzer.stats.multiple import goal_first
from analyzer.stats.planning import Plan, needed
from analyzer.stats.resampled import Statistic
from analyzer.stats.shares import Share, ShareDifference

FloatArray = npt.NDArray[np.float64]

NUMBERS = (5, 10, 20, 50)
WIDTHS = (0.1, 2.0, 10.0)
WITHOUT_END = (0.0, 0.1)
OTHERS = 12  # metrics beside the goal
_OF_HOSTS = 0.3  # of the variance
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Made:
    """How the starts of both sides are made; ``shift`` is of the new side."""

    number: int = 20
    new_number: int | None = None
    width_s: float = 0.1
    never: float = 0.0
    hosts: int = 1
    shape: str = "normal"
    sd_s: float = 5.0
    shift_s: float = 0.0

    def times(self, rng: np.random.Generator, number: int) -> FloatArray:
        """In seconds, around 60 s."""
        share = _OF_HOSTS if self.hosts > 1 else 0.0
        hosts = rng.standard_normal(self.hosts)[np.arange(number) % self.hosts]
        return 60.0 + self.sd_s * (math.sqrt(1.0 - share) * _SHAPES[self.shape](rng, number) + math.sqrt(share) * hosts)

    def windows(self, times: FloatArray, rng: np.random.Generator, width_s: float | None = None) -> Lengths:
        width_s = self.width_s if width_s is None else width_s
        number = len(times)
        least = times - width_s * rng.random(number)
        hosts = np.arange(number) % self.hosts if self.hosts > 1 else None
        return Lengths.of(least, least + width_s, hosts, rng.random(number) < self.never)

    def sides(self, rng: np.random.Generator) -> tuple[Lengths, Lengths]:
        base = self.windows(self.times(rng, self.number), rng)
        return base, self.windows(self.times(rng, self.new_number or self.number) + self.shift_s, rng)


_SHAPES: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "normal": lambda rng, number: rng.standard_normal(number),
    "skewed": lambda rng, number: (np.exp(0.5 * rng.standard_normal(number)) - math.exp(0.125)) / 0.604,
    "5 % stall": lambda rng, number: (rng.standard_normal(number) + 6.0 * (rng.random(number) < 0.05)) / 1.646,
}


def combinations(numbers: Sequence[int]) -> Iterator[Made]:
    """All of the issue: one host, and eight from ten starts on."""
    for hosts, number, width_s, never in itertools.product((1, 8), numbers, WIDTHS, WITHOUT_END):
        if hosts == 1 or number >= 10:
            yield Made(number, width_s=width_s, never=never, hosts=hosts)


def alarms(made: Made, seeds: int) -> float:
    """Share of the seeds in which a goal that does not differ is said to be slower or faster."""
    found = 0
    for seed in range(seeds):
        sides = made.sides(np.random.default_rng([seed, made.number]))
        found += difference(*sides, seed=seed).verdict() != "undecided"
    return found / seeds


def family(made: Made, seeds: int) -> float:
    """Share of the seeds in which any metric is said to differ, the goal judged first. None of them does.

    The others are phases without windows, each with half of its variance in common with the goal.
    """
    found = 0
    for seed in range(seeds):
        rng = np.random.default_rng([seed, made.number])
        times = [made.times(rng, made.number) for _ in range(2)]
        goal = difference(*(made.windows(one, rng) for one in times), seed=seed).p_value
        others = []
        for _ in range(OTHERS):
            phases = [0.1 * (one - 60.0 + made.times(rng, made.number)) for one in times]
            others.append(difference(*(made.windows(one, rng, 0.0) for one in phases), seed=seed).p_value)
        first, rest = goal_first(goal, others)
        found += (first is not None and first.found) or any(one.found for one in rest)
    return found / seeds


def coverage(made: Made, seeds: int, statistic: Statistic = "median") -> float:
    """Share of the seeds in which the interval holds the shift."""
    held = 0
    for seed in range(seeds):
        interval = difference(*made.sides(np.random.default_rng([seed, made.number])), statistic, seed).interval()
        held += interval.lower <= made.shift_s <= interval.upper
    return held / seeds


def power(made: Made, seeds: int) -> float:
    """Share of the seeds in which the new side is said to be slower."""
    sides = (made.sides(np.random.default_rng([seed, 7])) for seed in range(seeds))
    return sum(difference(*both, seed=seed).verdict() == "slower" for seed, both in enumerate(sides)) / seeds


def strata(made: Made, first: tuple[int, int], seeds: int, statistic: Statistic = "median") -> float:
    """Share of the seeds in which two sides of one population are said to differ: so many starts of each side are first
    starts, which take 12 s longer, and the rest restarts."""
    found = 0
    for seed in range(seeds):
        rng = np.random.default_rng([seed, made.number])
        kinds = [rng.permutation(np.arange(made.number) < number) for number in first]
        sides = [made.windows(made.times(rng, made.number) + 12.0 * kind, rng) for kind in kinds]
        alike = balanced(*sides, *kinds)
        if alike is None:
            raise ValueError("the sides share no kind of start")
        found += difference(alike.base, alike.new, statistic, seed).verdict() != "undecided"
    return found / seeds


def widths(made: Made, seeds: int) -> tuple[float, dict[str, tuple[float, float]]]:
    """Mean width of our interval of the windows; of the usual ones of the exact times mean width and coverage."""
    own, usual = [], {name: ([], []) for name in _USUAL}  # type: dict[str, tuple[list[float], list[bool]]]
    for seed in range(seeds):
        rng = np.random.default_rng([seed, made.number])
        times = [made.times(rng, made.number), made.times(rng, made.number) + made.shift_s]
        interval = difference(*(made.windows(one, rng) for one in times), seed=seed).interval()
        own.append(interval.upper - interval.lower)
        for name, (low, high) in _usual(times[0], times[1], made.hosts, rng).items():
            usual[name][0].append(high - low)
            usual[name][1].append(low <= made.shift_s <= high)
    return float(np.mean(own)), {name: (float(np.mean(w)), float(np.mean(h))) for name, (w, h) in usual.items()}


_USUAL = ("percentile", "basic", "normal", "BCa")


def _usual(base: FloatArray, new: FloatArray, hosts: int, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """The bootstrap intervals that textbooks have, of exact times; whole hosts are drawn where there are several."""
    seen = float(np.median(new) - np.median(base))
    (base_draws, base_without), (new_draws, new_without) = (_medians(side, hosts, rng) for side in (base, new))
    draws = np.sort(new_draws - base_draws)
    low, high = np.quantile(draws, [0.025, 0.975])
    half = 1.96 * float(draws.std())
    without = np.concatenate((base_without - base_without.mean(), new_without.mean() - new_without))
    squares = float(np.square(without).sum())
    skew = float((without**3).sum()) / (6.0 * squares**1.5) if squares else 0.0
    below = 0.5 * float((draws < seen).mean() + (draws <= seen).mean())
    bias = NormalDist().inv_cdf(min(max(below, 1.0 / _RESAMPLES), 1.0 - 1.0 / _RESAMPLES))
    moved = [NormalDist().cdf(bias + (bias + z) / (1.0 - skew * (bias + z))) for z in (-1.96, 1.96)]
    ends = np.quantile(draws, moved)
    return {
        "percentile": (float(low), float(high)),
        "basic": (2.0 * seen - float(high), 2.0 * seen - float(low)),
        "normal": (seen - half, seen + half),
        "BCa": (float(ends[0]), float(ends[1])),
    }


def _medians(times: FloatArray, hosts: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Of the resamples, and without each unit in turn."""
    if hosts == 1:
        draws = np.median(times[rng.integers(0, len(times), (_RESAMPLES, len(times)))], axis=1)
        return draws, np.array([np.median(np.delete(times, place)) for place in range(len(times))])
    of = np.arange(len(times)) % hosts
    members = [times[of == host] for host in range(hosts)]
    picks = rng.integers(0, hosts, (_RESAMPLES, hosts))
    draws = np.array([np.median(np.concatenate([members[host] for host in row])) for row in picks.tolist()])
    return draws, np.array([np.median(times[of != host]) for host in range(hosts)])


def _made(made: Made) -> str:
    hosts = "8 hosts" if made.hosts > 1 else "1 host"
    return f"{made.number} | {hosts} | {made.width_s:g} s | {made.never:.0%}"


def print_alarms(seeds: int) -> None:
    print("| starts a side | | windows | never | normal |\n|---|---|---|---|---|")
    for made in combinations(NUMBERS):
        print(f"| {_made(made)} | {alarms(made, seeds):.1%} |", flush=True)


def print_family(seeds: int) -> None:
    print("| starts a side | | windows | never | anything |\n|---|---|---|---|---|")
    for made in combinations(NUMBERS):
        print(f"| {_made(made)} | {family(made, seeds):.1%} |", flush=True)


def print_coverage(seeds: int) -> None:
    print("| starts a side | | windows | never | normal | skewed |\n|---|---|---|---|---|---|")
    for made in combinations(NUMBERS):
        held = [coverage(replace(made, shift_s=4.0, shape=shape), seeds) for shape in ("normal", "skewed")]
        print(f"| {_made(made)} | {' | '.join(f'{share:.1%}' for share in held)} |", flush=True)


def print_widths(seeds: int) -> None:
    print(
        f"| starts a side | | times | ours | {' | '.join(_USUAL)} | to the narrowest | to the narrowest that covers |"
    )
    print(f"|---|---|---|---|{'---|' * (len(_USUAL) + 2)}")
    for hosts, number, shape in itertools.product((1, 8), (10, 20, 50), ("normal", "skewed")):
        own, usual = widths(Made(number, hosts=hosts, shape=shape, shift_s=4.0), seeds)
        cells = [f"{width:.2f} s ({held:.0%})" for width, held in usual.values()]
        narrowest = min(width for width, _ in usual.values())
        holding = min((width for width, held in usual.values() if held >= 0.93), default=math.nan)
        ratios = f"{own / narrowest:.2f} | {own / holding:.2f}"
        who = f"{number} | {'8 hosts' if hosts > 1 else '1 host'} | {shape}"
        print(f"| {who} | {own:.2f} s | {' | '.join(cells)} | {ratios} |", flush=True)


def print_statistics(seeds: int) -> None:
    print("| starts: base, new | statistic | normal | skewed | 5 % stall |\n|---|---|---|---|---|")
    pairs = [(number, number) for number in (4, 5, 8, 10, 15, 20, 30, 50)] + [(5, 50), (10, 50), (15, 50), (20, 50)]
    pairs += [(15, 200), (20, 200), (30, 200)]
    statistics: tuple[Statistic, ...] = ("median", "mean", "p90")
    for statistic, (base, new) in itertools.product(statistics, pairs):
        made = [Made(base, new, shape=shape, shift_s=4.0) for shape in _SHAPES]
        held = [coverage(one, seeds, statistic) for one in made]
        print(f"| {base}, {new} | {statistic} | {' | '.join(f'{share:.1%}' for share in held)} |", flush=True)


def print_power(seeds: int) -> None:
    print("| sd | windows | never | normal | skewed | 5 % stall |\n|---|---|---|---|---|---|")
    for sd_s, width_s, never in itertools.product((2.0, 5.0, 8.0, 10.0, 15.0), (0.1, 2.0), WITHOUT_END):
        made = [Made(20, None, width_s, never, 1, shape, sd_s, 1.5 * sd_s) for shape in _SHAPES]
        found = [power(one, seeds) for one in made]
        print(f"| {sd_s:g} s | {width_s:g} s | {never:.0%} | {' | '.join(f'{f:.1%}' for f in found)} |", flush=True)


def print_strata(seeds: int) -> None:
    print("| starts a side | | first: base, new | median | mean | p90 |\n|---|---|---|---|---|---|")
    for hosts, (number, *first) in itertools.product(
        (1, 8), ((6, 3, 3), (10, 5, 5), (10, 3, 7), (20, 4, 16), (50, 10, 40))
    ):
        if hosts > 1 and number < 10:
            continue
        made, kinds = Made(number, hosts=hosts), (first[0], first[1])
        cells = [strata(made, kinds, seeds, statistic) for statistic in ("median", "mean", "p90")]
        who = f"{number} | {'8 hosts' if hosts > 1 else '1 host'} | {first[0]}, {first[1]}"
        print(f"| {who} | {' | '.join(f'{share:.1%}' for share in cells)} |", flush=True)


def print_shares(seeds: int) -> None:
    """Of every table that two sides can have, each as often as it comes up: no seeds."""
    del seeds
    print("| starts a side | share: base, new | covered | test at 5 % finds |\n|---|---|---|---|")
    for number, (base, new) in itertools.product(NUMBERS, ((0.1, 0.1), (0.5, 0.5), (0.05, 0.3), (0.2, 0.7))):
        held = found = 0.0
        for seen_base, seen_new in itertools.product(range(number + 1), repeat=2):
            chance = _binomial(seen_base, number, base) * _binomial(seen_new, number, new)
            if chance < 1e-7:
                continue
            one = ShareDifference(Share(seen_base, number, number), Share(seen_new, number, number))
            interval = one.interval()
            held += chance * (interval.lower - 1e-12 <= new - base <= interval.upper + 1e-12)
            found += chance * (one.p_value <= 0.05)
        print(f"| {number} | {base:g}, {new:g} | {held:.1%} | {found:.1%} |", flush=True)


def _binomial(marked: int, number: int, share: float) -> float:
    return math.comb(number, marked) * share**marked * (1.0 - share) ** (number - marked)


def print_speed(seeds: int) -> None:
    del seeds
    print("| 200 and 200 starts, 60 metrics | compared | how many more |\n|---|---|---|")
    cases: list[tuple[str, Statistic, int]] = [
        ("median of starts", "median", 1),
        ("p90 of starts", "p90", 1),
        ("mean of starts", "mean", 1),
        ("median by host, 8 hosts", "median", 8),
        ("median by host, 100 hosts", "median", 100),
    ]
    for name, statistic, hosts in cases:
        rng = np.random.default_rng(1)
        metrics = [Made(200, width_s=2.0, never=0.05, hosts=hosts, shift_s=2.0).sides(rng) for _ in range(60)]
        began = time.perf_counter()
        for base, new in metrics:
            found = difference(base, new, statistic)
            _ = found.interval(), found.relative(), found.p_value
        compared = time.perf_counter() - began
        for base, new in metrics:
            needed(base, new, plan=Plan(statistic))
        print(f"| {name} | {compared:.2f} s | {time.perf_counter() - began - compared:.2f} s |", flush=True)


_TABLES: dict[str, Callable[[int], None]] = {
    "alarms": print_alarms,
    "family": print_family,
    "coverage": print_coverage,
    "width": print_widths,
    "statistics": print_statistics,
    "strata": print_strata,
    "power": print_power,
    "shares": print_shares,
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
