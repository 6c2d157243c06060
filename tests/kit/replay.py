"""Writes a recording as it was written: each entry when its time has come, to stdout or to a file.

As a command::

    python -m tests.kit.replay FILE.export.gz [--speed 10] [--carrier export|short] [--to FILE] [--from SECONDS] | …
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.kit.mutations import export
from tests.kit.score_recorded import Row, read_export, write_carrier


def timed(rows: Sequence[Row], carrier: str = "export") -> Iterator[tuple[float, bytes]]:
    """Each entry as bytes, and when it was written, in seconds since the first one."""
    clock = "__MONOTONIC_TIMESTAMP" if "__MONOTONIC_TIMESTAMP" in rows[0] else "__REALTIME_TIMESTAMP"
    first = int(rows[0][clock])
    one: Callable[[list[Row]], bytes] = export if carrier == "export" else lambda row: write_carrier(row, carrier)
    for row in rows:
        yield (int(row[clock]) - first) / 1e6, one([row])


def replay(entries: Iterator[tuple[float, bytes]], write: Callable[[bytes], object], speed: float) -> None:
    """Write each entry when its time has come."""
    began = time.monotonic()
    for at, piece in entries:
        left = began + at / speed - time.monotonic()
        if left > 0:
            time.sleep(left)
        write(piece)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--carrier", default="export")
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    rows = read_export(gzip.decompress(options.file.read_bytes()))
    out = os.open(options.to, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if options.to else sys.stdout.fileno()
    try:
        replay(timed(rows, options.carrier), lambda piece: os.write(out, piece), options.speed)
    except BrokenPipeError:
        sys.exit(141)


if __name__ == "__main__":
    main()
