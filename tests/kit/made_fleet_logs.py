"""A fleet of generated logs with known peculiarities: two slow hosts, one slow release, inputs that cannot be read.

``python -m tests.kit.made_fleet_logs FOLDER [COUNT]`` writes them and prints what is peculiar.
"""

from __future__ import annotations

import gzip
import random
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analyzer.testing import generate
from analyzer.testing.scenarios import k3s
from analyzer.testing.truth import Scenario

RELEASES = (
    "v1.30.3+k3s1", "v1.31.4+k3s1", "v1.32.2+k3s1", "v1.32.4+k3s1", "v1.33.4+k3s1", "v1.33.6+k3s1", "v1.34.1+k3s1",
    "v1.34.2+k3s1", "v1.35.0+k3s1", "v1.36.2+k3s1",
)  # fmt: skip
SLOW_RELEASE, SLOW_RELEASE_FACTOR = "v1.35.0+k3s1", 1.7  # everything takes so much longer there
SLOW_FACTOR = 3.5  # of the two slow hosts
STARTS = 3  # in each log
BROKEN_SHARE = 0.03
_FORMS = ("export", "short-iso-precise", "short-precise", "short", "json")


@dataclass(frozen=True, slots=True)
class MadeFleet:
    """What was written: the names of the slow hosts, and of the broken inputs with what is wrong with each."""

    folder: Path
    logs: int
    slow_hosts: tuple[str, ...]
    broken: dict[str, str]
    starts: int


def make(folder: Path, count: int, seed: int = 1) -> MadeFleet:
    """``count`` inputs below ``folder``, one host each; three in a hundred are broken, each kind of damage in turn."""
    rng = random.Random(seed)
    broken_at = set(rng.sample(range(count), round(count * BROKEN_SHARE)))
    whole = [n for n in range(count) if n not in broken_at]
    slow = {n for n in whole if RELEASES[n % 10] != SLOW_RELEASE and n > len(whole) // 3}
    slow = set(sorted(slow)[:: max(1, len(slow) // 2)][:2])
    broken: dict[str, str] = {}
    for number in range(count):
        host = f"node-{number:05}"
        place = folder / f"site-{number % 7}" / host
        place.mkdir(parents=True, exist_ok=True)
        form = _FORMS[number // len(RELEASES) % len(_FORMS)]  # every release in every form
        log = place / f"k3s.{'export' if form == 'export' else 'json' if form == 'json' else 'log'}"
        if number in broken_at:
            log, kind = _broken(log, len(broken), rng)
            broken[str(log)] = kind
            continue
        content = _log(host, RELEASES[number % 10], form, rng, slow=number in slow)
        if number % 4 == 0:
            log = log.with_name(log.name + ".gz")
            content = gzip.compress(content, 1, mtime=0)
        log.write_bytes(content)
    hosts = tuple(f"node-{n:05}" for n in sorted(slow))
    return MadeFleet(folder, count, hosts, broken, len(whole) * STARTS)


def _log(host: str, release: str, form: str, rng: random.Random, *, slow: bool) -> bytes:
    pace = rng.uniform(0.95, 1.35) * (SLOW_FACTOR if slow else 1.0)
    pace *= SLOW_RELEASE_FACTOR if release == SLOW_RELEASE else 1.0
    plans = [
        k3s(release, host=host, pace=pace * rng.uniform(0.95, 1.05), request_ms=rng.uniform(0.2, 2.0),
            fresh=n == 0, fate="stop", fate_at_s=75.0, run_s=60.0)
        for n in range(STARTS)
    ]  # fmt: skip
    if rng.random() < 0.03:
        plans[-1] = replace(plans[-1], fate="bad-flag", fate_at_s=0.0)
    begin = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(40000))
    scenario = Scenario(name="fleet", starts=tuple(plans), begin=begin)
    return generate(scenario, rng.randrange(10**6)).render(form)  # type: ignore[arg-type]


def _broken(log: Path, number: int, rng: random.Random) -> tuple[Path, str]:
    kinds = ("empty", "noise", "cut-gzip", "no-k3s", "binary-header", "bad-json")
    kind = kinds[number % len(kinds)]
    if kind == "cut-gzip":
        log = log.with_name(log.name + ".gz")
    noise = rng.randbytes(20_000)
    content = {
        "empty": b"",
        "noise": noise,
        "cut-gzip": gzip.compress(noise, mtime=0)[:4000],
        "no-k3s": b"Mar 01 06:00:00 host sshd[12]: Accepted publickey for root\n" * 200,
        "binary-header": b"LPKSHHRH" + noise,
        "bad-json": b'{"schema": "k3slog.report", "schema_version": 1, "starts": [',
    }[kind]
    log.write_bytes(content)
    return log, kind


if __name__ == "__main__":
    made = make(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000)
    print(f"{made.logs} inputs, {made.starts} starts, slow hosts {', '.join(made.slow_hosts)}")
    print(f"slow release {SLOW_RELEASE}; {len(made.broken)} broken inputs")
