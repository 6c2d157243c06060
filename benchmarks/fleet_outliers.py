"""How often `fleet` names a host that is not slow, and how often it finds one that is, over made fleets.

    python -m benchmarks.fleet_outliers [--fleets 200]

Every fleet is drawn again with the same seed: without a slow host (a fleet in which one is named is a false alarm), and
with one that takes so many times as long in all of its starts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

from analyzer.collection.outliers import outliers
from tests.kit.made_fleet import MadeFleet

SLOW = 17
_FLEETS = {
    "50 hosts x 4 starts": MadeFleet(),
    "as before, hosts differ by 10 %, starts by 15 %": MadeFleet(host_spread=0.1, spread=0.15),
    "as before, 5 % of the starts stall": MadeFleet(host_spread=0.1, spread=0.15, stall=0.05),
    "hosts differ by 15 %, starts by 30 %": MadeFleet(host_spread=0.15, spread=0.3),
    "windows of 2 s": MadeFleet(width_s=2.0),
    "windows of 10 s": MadeFleet(width_s=10.0),
    "20 hosts x 4 starts": MadeFleet(hosts=20),
    "50 hosts x 2 starts": MadeFleet(starts=2),
    "50 hosts x 10 starts, 5 % stall": MadeFleet(starts=10, stall=0.05),
    "200 hosts x 1 start": MadeFleet(hosts=200, starts=1),
    "200 hosts x 1 start, 5 % stall": MadeFleet(hosts=200, starts=1, stall=0.05),
    "200 hosts x 4 starts": MadeFleet(hosts=200),
}
_FACTORS = (1.5, 2.0, 3.0)


def rows(fleets: int) -> Iterator[tuple[str, float, list[float]]]:
    """Name, share of false alarms, and for each factor the share of fleets in which the slow host is named."""
    for name, fleet in _FLEETS.items():
        alarms = sum(bool(outliers(fleet.collection(seed))) for seed in range(fleets))
        found = []
        for factor in _FACTORS:
            slow = replace(fleet, slow={SLOW: factor})
            named = (outliers(slow.collection(seed)) for seed in range(fleets))
            found.append(sum(any(one.host == f"node-{SLOW:04}" for one in told) for told in named) / fleets)
        yield name, alarms / fleets, found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fleets", type=int, default=200)
    fleets = parser.parse_args().fleets
    print(f"| fleet | false alarms | {' | '.join(f'found, {factor} x' for factor in _FACTORS)} |")
    print(f"|---|---|{'---|' * len(_FACTORS)}")
    for name, alarms, found in rows(fleets):
        print(f"| {name} | {alarms:.1%} | {' | '.join(f'{share:.0%}' for share in found)} |", flush=True)


if __name__ == "__main__":
    main()
