"""The fuzz target: ``make fuzz`` (KIND=lines,journal,… RUNS=… MINUTES=… SEED=… JOBS=…).

Mutants are made and checked in worker processes. A find is an exception without an exit code of the contract, a broken
law (ledger, windows, control characters), more than the time limit for one item, or more than the memory limit. Finds
are made smaller and kept in ``tests/fuzz/crashes``, where ``tests/fuzz/test_fuzzing.py`` holds them ever after.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import queue
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.fuzz_kinds import FILES, KINDS, check_file, check_lines, file_name, make_lines

CRASHES = Path(__file__).parent / "crashes"
SECONDS = 10.0  # of processor time for one batch of lines or one file
MEMORY = 600 << 20  # bytes of resident memory of a worker, ever
WHOLE = 40  # every so many batches of lines are analysed and reported as a whole
SMALLER_S = 40.0  # at most this long is spent on making one find smaller


class HangError(Exception):
    """One item took too long."""


def _alarm(signum: int, frame: object) -> None:
    raise HangError(f"more than {SECONDS:g} s of processor time, or too long without an end")


def guarded(check: Callable[[], None], allowed: int = MEMORY) -> str | None:
    """Why ``check`` failed: type, and the place in the project; ``None`` when it ended well."""
    signal.signal(signal.SIGPROF, _alarm)
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, SECONDS * 12)  # waiting takes no processor time
    try:
        check()
    except Exception as error:
        here = [f for f in traceback.extract_tb(error.__traceback__) if "/analyzer/" in f.filename]
        place = f"{Path(here[-1].filename).name}:{here[-1].name}" if here else "?"
        return "HangError" if isinstance(error, HangError) else f"{type(error).__name__} in {place}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    if peak_memory() > allowed:
        return f"memory: {peak_memory() >> 20} MB"
    return None


def peak_memory() -> int:
    """Bytes that this process ever held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def smaller(item: Any, fails: Callable[[Any], bool]) -> Any:
    """A part of ``item`` (bytes, or a list of lines) that still fails; pieces are left out while that holds."""
    end = time.monotonic() + SMALLER_S
    step = max(1, len(item) // 2)
    while step:
        at = 0
        while at < len(item) and time.monotonic() < end:
            shorter = item[:at] + item[at + step :]
            if shorter and fails(shorter):
                item = shorter
            else:
                at += step
        step //= 2
    return item


def keep(kind: str, name: str, data: bytes, why: str) -> Path:
    """The find in ``CRASHES``; its name says of which kind it is and how it is given."""
    CRASHES.mkdir(exist_ok=True)
    digest = hashlib.sha256(data).hexdigest()[:12]
    path = CRASHES / f"{kind}-{digest}{'.pipe' if not name else Path(name).suffix or '.plain'}"
    path.write_bytes(data)
    print(f"\nFOUND {why}: {path}", file=sys.stderr, flush=True)
    return path


def one_batch(rng: Random, number: int) -> tuple[int, str | None]:
    rows, bent = make_lines(rng)
    whole = number % WHOLE == 0
    why = guarded(lambda: check_lines(rows, whole=whole))
    if why is not None and not why.startswith("memory"):
        rows = smaller(rows, lambda some: guarded(lambda: check_lines(some, whole=whole)) == why)
        if len(rows) == 1:
            row = smaller(rows[0], lambda part: guarded(lambda: check_lines([part], whole=whole)) == why)
            rows = [row]
    if why is not None:
        keep("lines", "x", b"\n".join(rows), why)
    return bent, why


def one_file(kind: str, rng: Random, folder: Path) -> tuple[int, str | None]:
    name = file_name(rng, kind)
    data = FILES[kind](rng)
    whole = rng.random() < 0.1
    why = guarded(lambda: check_file(data, folder, name, whole=whole))
    if why is not None:
        if not why.startswith("memory"):
            data = smaller(data, lambda part: guarded(lambda: check_file(part, folder, name, whole=whole)) == why)
        keep(kind, name, data, why)
    return 1, why


def work(kind: str, seed: int, first: int, step: int, until: float, runs: int, out: Any) -> None:
    """One worker: items ``first``, ``first + step``, … until the time is up or ``runs`` of them are done."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shm if os.access(shm, os.W_OK) else None))
    known: set[str] = set()
    done = count = 0
    number = first
    last = time.monotonic()
    try:
        while done < runs and time.monotonic() < until:
            rng = Random(f"{seed}:{kind}:{number}")
            made, why = one_batch(rng, number) if kind == "lines" else one_file(kind, rng, folder)
            done += made
            count += made
            number += step
            if why is not None and why not in known:
                known.add(why)
                out.put((kind, 0, why, number - step))
            if why is not None and why.startswith("memory"):
                break  # a worker of its own goes on from there
            if time.monotonic() - last > 1:
                out.put((kind, count, None, number))
                count, last = 0, time.monotonic()
        out.put((kind, count, None, number))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(kind: str, seed: int, jobs: int, minutes: float, runs: int) -> tuple[int, float, dict[str, int]]:
    """``(mutants, seconds, finds: their count by reason)`` of one kind."""
    begun = time.monotonic()
    until = begun + minutes * 60
    share = -(-runs // jobs)
    out: Any = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(kind, seed, n, jobs, until, share, out)) for n in range(jobs)]
    for worker in workers:
        worker.start()
    total = 0
    told = begun
    finds: dict[str, int] = {}

    def take(message: tuple[str, int, str | None, int]) -> None:
        nonlocal total
        total += message[1]
        if message[2] is not None:
            finds[message[2]] = finds.get(message[2], 0) + 1
            print(f"  item {message[3]} of seed {seed}: {message[2]}", file=sys.stderr, flush=True)

    while any(worker.is_alive() for worker in workers) or not out.empty():
        try:
            take(out.get(timeout=0.2))
        except queue.Empty:
            continue
        if time.monotonic() - told > (0.5 if sys.stderr.isatty() else 30):
            told = time.monotonic()
            end = "\r" if sys.stderr.isatty() else "\n"
            print(f"{kind}: {total}, {total / (told - begun):.0f}/s ", end=end, file=sys.stderr, flush=True)
    for worker in workers:
        worker.join()
        if worker.exitcode:
            finds[f"a worker ended with {worker.exitcode}"] = finds.get(f"a worker ended with {worker.exitcode}", 0) + 1
    return total, time.monotonic() - begun, finds


def main() -> int:
    parser = argparse.ArgumentParser(description="Feed mutants to k3slog's readers.")
    parser.add_argument("--kind", default="all", help=f"all, or some of {','.join(KINDS)}")
    parser.add_argument("--runs", type=int, default=0, help="mutants of each kind; 0: as many as the time allows")
    parser.add_argument("--minutes", type=float, default=0, help="for all kinds together; 0: until RUNS are done")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    kinds = KINDS if given.kind == "all" else tuple(given.kind.split(","))
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"no kind {', '.join(sorted(unknown))}")
    minutes = given.minutes or (1e6 if given.runs else 5)
    failed = False
    for kind in kinds:
        total, seconds, finds = run(kind, given.seed, given.jobs, minutes / len(kinds), given.runs or 1 << 60)
        print(f"{kind}: {total} mutants, seed {given.seed}, {seconds:.0f} s, {total / seconds:.0f}/s, ", end="")
        print("nothing found" if not finds else f"FOUND {finds}", flush=True)
        failed = failed or bool(finds)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
