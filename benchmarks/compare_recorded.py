"""What `compare` says of the recorded pairs: v1.32.2 against v1.32.4, the same machine, by CPU limit.

    python -m benchmarks.compare_recorded [--folder sample_logs/ab]

Prints a table for docs/compare.md. Beside it stands what a watcher measured from outside (docs/simulator.md, "What the
2025 change bought"): an interval that did not hold that would be wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import analyzer
from analyzer.comparison.compare import compared
from analyzer.comparison.model import Asked

# New minus old in seconds, the mean of six repetitions, of (API ready, noticed).
MEASURED = {
    ("12", "first"): (-0.70, -0.23), ("12", "restart"): (-1.09, -0.30), ("25", "first"): (-0.69, 0.38),
    ("25", "restart"): (-0.39, 0.29), ("90", "first"): (-0.13, 0.10), ("90", "restart"): (-0.07, 0.24),
}  # fmt: skip
METRICS = ("ready", "detected", "apiserver_boot", "certificates")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("sample_logs/ab"))
    folder = parser.parse_args().folder
    print("| limit | start | ready (s) | measured | noticed (s) | measured | apiserver_boot (s) | certificates (s) |")
    print("|---|---|---|---|---|---|---|---|")
    for limit in ("12", "25", "90"):
        old, new = (
            analyzer.fleet(*sorted(folder.glob(f"ab-{release}-{limit}-*.export.gz")))
            for release in ("1.32.2", "1.32.4")
        )
        for kind in ("first", "restart"):
            base, starts = (side.where(f"kind={kind}").collection for side in (old, new))
            found = {one.id: one for one in compared(base, starts, Asked(METRICS)).comparison.metrics}
            measured = dict(zip(METRICS, MEASURED[limit, kind], strict=False))
            cells = []
            for id in METRICS:
                metric = found.get(id)
                cells.append(
                    "–" if metric is None else f"{metric.difference.lower:+.2f} to {metric.difference.upper:+.2f}"
                )
                if id in measured:
                    cells.append(f"{measured[id]:+.2f}")
                    held = metric is not None and metric.difference.lower <= measured[id] <= metric.difference.upper
                    cells[-1] += "" if held else " (not held)"
            print(f"| {limit} % | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
