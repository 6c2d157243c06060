"""What `k3slog watch` costs a server, and how soon it tells.

    python benchmarks/watch.py [--seconds 60] [--rate 200] [--recording FILE.export.gz …]

Prints figures and the targets beside them; judges nothing (a loaded machine is not a slower program). Latency: from the
moment a line is written to the one at which what it says can be read, over replays in real time. Cost: processor time
while a server that is up prints so many lines a second, as JSON lines and on the screen of a terminal.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import pty
import re
import select
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.kit.mutations import export  # noqa: E402  (needs the path above)
from tests.kit.replay import timed  # noqa: E402
from tests.kit.score_recorded import Row, read_export  # noqa: E402

WATCH = [sys.executable, "-m", "analyzer.cli.main", "watch", "-", "--until", "end"]
RECORDED = ROOT / "sample_logs" / "recorded"
TICKS = os.sysconf("SC_CLK_TCK")


def rows_of(path: Path) -> list[Row]:
    return read_export(gzip.decompress(path.read_bytes()))


# --- latency --------------------------------------------------------------------------------------------------------


def latencies(path: Path) -> list[float]:
    """Seconds from each line that was told to the line of JSON about it."""
    process = subprocess.Popen(
        [*WATCH, "--format", "jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None and process.stdout is not None
    heard: list[tuple[float, bytes]] = []
    ears = threading.Thread(target=lambda: heard.extend((time.monotonic(), line) for line in process.stdout or ()))
    ears.start()
    time.sleep(3.0)  # its own start is not meant
    written: list[float] = []
    began = time.monotonic()
    for at, piece in timed(rows_of(path)):
        time.sleep(max(0.0, began + at - time.monotonic()))
        written.append(time.monotonic())
        os.write(process.stdin.fileno(), piece)
    process.stdin.close()
    ears.join()
    process.wait()
    told = [(moment, json.loads(line)) for moment, line in heard]
    return [moment - written[line - 1] for moment, event in told if (line := line_of(event)) is not None]


def line_of(event: dict[str, object]) -> int | None:
    """The line that an event rests on."""
    match event:
        case {"event": "poll", "line": int(line)} | {"event": "end", "end": {"line": int(line)}}:
            return line
        case {"event": "goal", "id": "started", "state": "reached", "window": {"upper_line": int(line)}}:
            return line
    return None


# --- cost -----------------------------------------------------------------------------------------------------------


KLOG = re.compile(rb"^([IWE])\d{4} \d\d:\d\d:\d\d\.\d{6}")
LOGRUS = re.compile(rb'^time="[^"]+"')


def chatter(rows: Sequence[Row], rate: float, seconds: float) -> Iterator[bytes]:
    """Lines of a server that is up, stamped anew: what was said between its readiness and its stop."""
    up = next(n for n, row in enumerate(rows) if b"is up and running" in row["MESSAGE"])
    stop = next(n for n, row in enumerate(rows) if n > up and b"signal received" in row["MESSAGE"])
    said = [row for row in rows[up + 1 : stop] if row.get("SYSLOG_IDENTIFIER") != b"systemd"]
    for n in range(int(rate * seconds)):
        row = dict(said[n % len(said)])
        later = int((n + 1) / rate * 1e6)
        for clock in ("__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP"):
            row[clock] = b"%d" % (int(rows[up][clock]) + later)
        now = datetime.fromtimestamp(int(row["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        row["MESSAGE"] = KLOG.sub(rb"\g<1>" + f"{now:%m%d %H:%M:%S.%f}".encode(), row["MESSAGE"])
        row["MESSAGE"] = LOGRUS.sub(f'time="{now:%Y-%m-%dT%H:%M:%SZ}"'.encode(), row["MESSAGE"])
        row["__CURSOR"] = b"s=bench;i=%x" % n
        yield export([row])


def cost(path: Path, rate: float, seconds: float, *, screen: bool) -> tuple[float, float]:
    """Share of a core while the server prints ``rate`` lines a second, and memory at the end in MB."""
    rows = rows_of(path)
    up = next(n for n, row in enumerate(rows) if b"is up and running" in row["MESSAGE"])
    first = b"".join(export([row]) for row in rows[: up + 1])
    mine, theirs = pty.openpty()
    where = theirs if screen else subprocess.DEVNULL
    command = WATCH if screen else [*WATCH, "--format", "jsonl"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=where, stderr=subprocess.DEVNULL, env=environment)
    assert process.stdin is not None
    os.write(process.stdin.fileno(), first)
    time.sleep(5.0)
    spent, began = spent_by(process.pid), time.monotonic()
    for n, piece in enumerate(chatter(rows, rate, seconds)):
        time.sleep(max(0.0, began + n / rate - time.monotonic()))
        os.write(process.stdin.fileno(), piece)
        while select.select([mine], [], [], 0)[0]:
            os.read(mine, 65536)
    share = (spent_by(process.pid) - spent) / (time.monotonic() - began)
    memory = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    process.kill()
    process.wait()
    os.close(mine)
    os.close(theirs)
    return share, memory


def spent_by(pid: int) -> float:
    """Processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--recording", type=Path, nargs="*", default=[RECORDED / "1324-fresh-25.export.gz"])
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for path in options.recording:
        found = sorted(latencies(path))
        print(
            f"latency {path.name}: median {statistics.median(found):.3f} s, most {found[-1]:.3f} s"
            f" of {len(found)} lines (target 0.3 s)"
        )
    for screen in (False, True):
        share, memory = cost(RECORDED / "1324-fresh-25.export.gz", options.rate, options.seconds, screen=screen)
        where = "screen" if screen else "JSON lines"
        print(f"cost at {options.rate:g} lines/s, {where}: {share:.1%} of a core (target 3 %), {memory:.0f} MB")


if __name__ == "__main__":
    main()
