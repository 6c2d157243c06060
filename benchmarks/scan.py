"""Reading very large inputs: ``k3slog analyze`` beside ripgrep on the same file, and what the worst inputs cost.

    python benchmarks/scan.py [--megabytes 1000] [--only text text-1% json …] [--runs 5] [--keep FOLDER] [--rg PROGRAM]

Writes journals of our own making (seeded): ordinary lines of a healthy server, kubelet, containerd, kernel and
systemd, twenty generated starts between them, and further lines with a word of the scan until a given share of all
lines has one: polls within the starts, lines of systemd and of containers elsewhere. Each measure is a process of its
own, in turns, so that a loaded machine slows all of them alike; figures are medians. Processor time counts children;
the ratio is of wall times, to ``rg -c -F -a`` with all the words of the scan (``gz`` and ``zst``: to
``gzip -dc | wc -l`` and ``zstd -dc | wc -l``), peak memory that of the largest process of the command.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

Carrier = Literal["short", "json", "export"]
NOISE = (  # weight, text; {n} is a number, {w} a word of hexadecimal digits
    (6, 'k3s[1193]: I{klog}    1193 garbagecollector.go:826] "Item checked" item="[v1/Pod, a-{n}, web-{w}]"'),
    (1, "k3s[1193]: I{klog}    1193 handler.go:286] Adding GroupVersion tenant-{n}.example.com v1 to ResourceManager"),
    (3, 'k3s[1193]: I{klog}    1193 pod_startup_latency_tracker.go:104] "Observed pod startup duration" pod="team-{n}/w'
        'eb-{w}" podStartSLOduration=3.{n} podStartE2EDuration="4.{n}s" firstStartedPulling="0001-01-01 00:00:00"'),
    (8, 'k3s[1193]: E{klog}    1193 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to \\"StartContainer'
        '\\" for \\"app\\" with CrashLoopBackOff: \\"back-off 5m0s restarting failed container=app\\"" podUID="{w}"'),
    (4, 'k3s[1193]: E{klog}    1193 remote_runtime.go:222] "RunPodSandbox from runtime service failed" err="rpc error:'
        ' code = Unknown desc = failed to setup network for sandbox {w}"'),
    (3, 'k3s[1193]: {{"level":"info","ts":"{rfc}","caller":"mvcc/kvstore_compaction.go:68","msg":"finished scheduled '
        'compaction","compact-revision":{n},"took":"{n}.1ms","hash":{n}}}'),
    (3, 'k3s[1193]: {{"level":"info","ts":"{rfc}","caller":"mvcc/hash.go:137","msg":"storing new hash","hash":{n}}}'),
    (1, "kernel: cni0: port {n}(veth{w}) entered forwarding state"),
    (1, "kernel: IPv6: ADDRCONF(NETDEV_CHANGE): veth{w}: link becomes ready"),
    (3, 'k3s[1193]: time="{rfc}" level=info msg="COMPACT compactRev={n} targetCompactRev={n} currentRev={n}"'),
    (3, 'k3s[1193]: time="{rfc}" level=info msg="COMPACT deleted {n} rows from {n} revisions in 2.{n}ms"'),
    (4, 'k3s[1193]: time="{rfc}" level=debug msg="Wrote ping" url="wss://127.0.0.1:6443/v1-k3s/connect"'),
    (2, 'k3s[1193]: W{klog}    1193 reflector.go:561] object-"a-{n}"/"kube-root-ca.crt": watch of *v1.ConfigMap ended'),
    (4, 'k3s[1193]: I{klog}    1193 scope.go:117] "RemoveContainer" containerID="{w}{w}{w}{w}{w}{w}{w}{w}"'),
    (6, 'k3s[1193]: I{klog}    1193 reconciler_common.go:245] "operationExecutor.VerifyControllerAttachedVolume started'
        ' for volume \\"kube-api-access-{w}\\" (UniqueName: \\"kubernetes.io/projected/{w}\\") " pod="team-{n}/web"'),
    (1, "systemd[1]: run-containerd-runc-k8s.io-{w}{w}-runc.{w}.mount: Deactivated successfully."),
    (1, "sshd[{n}]: Connection closed by 192.0.2.7 port {n} [preauth]"),
    (1, "CRON[{n}]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)"),
    (3, 'containerd[812]: time="{rfc}.{n}Z" level=info msg="shim disconnected" id={w}{w}{w}{w} namespace=k8s.io'),
)  # fmt: skip
SCATTERED = (  # lines with a word of the scan that have nothing to do with a start
    (4, "systemd[1]: Starting logrotate-{w}.service - Rotate log files..."),
    (4, "systemd[1]: logrotate-{w}.service: Deactivated successfully."),
    (2, "systemd[1]: Started session-{n}.scope - Session {n} of User ops."),
    (1, "systemd-journald[312]: Data hash table of /var/log/journal/{w}/system.journal has a fill level at 75.{n}"),
    (1, "k3s[1193]: I{klog}    1193 secure_serving.go:213] Serving securely on 127.0.0.1:{n}"),
)
SCENARIOS = ("healthy-sqlite", "slow-rbac-one-core", "etcd-three-servers", "debug")
STARTS = 20
POLL = b"Polling for API server readiness"


def _rows(texts: list[str], at: datetime, carrier: Carrier) -> bytes:
    """Lines ``IDENT[PID]: MESSAGE`` as entries of a carrier."""
    if carrier == "short":
        stamp = f"{at:%b %d %H:%M:%S} node-1 "
        return "".join(f"{stamp}{text}\n" for text in texts).encode()
    import json

    out = []
    for text in texts:
        name, _, message = text.partition(": ")
        ident, _, pid = name.rstrip("]").partition("[")
        stamp = str(round(at.timestamp() * 1e6))
        unit = {"k3s": "k3s.service", "systemd": "init.scope"}.get(ident, "other.service")
        entry = {
            "__REALTIME_TIMESTAMP": stamp, "__MONOTONIC_TIMESTAMP": str(int(stamp) % 10**9), "_BOOT_ID": f"{7:032x}",
            "_TRANSPORT": "stdout", "PRIORITY": "6", "_HOSTNAME": "node-1", "_MACHINE_ID": f"{5:032x}",
            "SYSLOG_IDENTIFIER": ident, "SYSLOG_FACILITY": "3", "_PID": pid or "0", "_UID": "0", "_GID": "0",
            "_COMM": ident, "_SYSTEMD_CGROUP": f"/system.slice/{unit}", "_SYSTEMD_UNIT": unit,
            "_SYSTEMD_SLICE": "system.slice",
        }  # fmt: skip
        if ident == "systemd":
            job = message.partition(": ")[0] if ".service: " in message else message.split(" ")[1]
            entry["UNIT"] = job
        entry["MESSAGE"] = message
        if carrier == "json":
            out.append(json.dumps(entry, separators=(",", ":")) + "\n")
        else:
            out.append("".join(f"{key}={value}\n" for key, value in entry.items()) + "\n")
    return "".join(out).encode()


def _filled(rng: random.Random, shapes: tuple[tuple[int, str], ...], lines: int, at: datetime) -> list[str]:
    klog, rfc = f"{at:%m%d %H:%M:%S.%f}", f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return [
        shape.format(klog=klog, rfc=rfc, n=rng.randrange(9000), w=f"{rng.getrandbits(32):08x}")
        for _, shape in rng.choices(shapes, [weight for weight, _ in shapes], k=lines)
    ]


def _starts(carrier: Carrier, polls: int) -> Iterator[bytes]:
    """Generated starts, their polls repeated so that each has about so many."""
    from analyzer.testing import generate, named

    end = b"\n\n" if carrier == "export" else b"\n"
    for number in range(STARTS):
        name = SCENARIOS[number % len(SCENARIOS)]
        rows = generate(named(name), seed=number).render(carrier).removesuffix(end).split(end)
        mine = sum(POLL in row for row in rows)
        out: list[bytes] = []
        for row in rows:
            out += [row] * (max(1, polls // mine) if POLL in row else 1)
        yield end.join(out) + end


def write_journal(path: Path, size: int, carrier: Carrier, share: float) -> None:
    """A journal of about ``size`` bytes at ``path``; this share of its lines has a word of the scan."""
    rng = random.Random(5)
    at = datetime(2025, 3, 1, 6, 3, 30, tzinfo=UTC)
    block, repeats = 600, 8  # building text is slow; repeats do not make the search any easier
    length = len(_rows(_filled(rng, NOISE, block, at), at, carrier)) / block
    extra = share * size / length
    starts = list(_starts(carrier, round(extra / 2 / STARTS)))
    written = done = 0
    step = max(1, round(block * repeats * share / 2))
    with path.open("wb", buffering=1 << 20) as out:
        while written < size:
            at += timedelta(seconds=400)
            text = _rows(_filled(rng, NOISE, block, at), at, carrier)
            scattered = _rows(_filled(rng, SCATTERED, step, at), at, carrier)
            if done < STARTS and written >= size * (done + 0.5) / STARTS:
                written += out.write(starts[done])
                done += 1
            for _ in range(repeats):
                written += out.write(text)
            written += out.write(scattered)


# ------------------------------------------------------------------------------------------ worst cases


def _one_line(path: Path, size: int) -> None:
    with path.open("wb") as out:
        for _ in range(size >> 20):
            out.write(b"Starting k3s v1.33.4+k3s1 x" + b"x" * ((1 << 20) - 27))


def _fill(byte: bytes) -> Callable[[Path, int], None]:
    def write(path: Path, size: int) -> None:
        with path.open("wb") as out:
            if byte != b"\n":
                out.write(
                    b'Mar 01 06:03:22 a k3s[1]: time="2026-03-01T06:03:22Z" level=info msg="Starting k3s v1.33.4"\n'
                )
            for _ in range(size >> 20):
                out.write(byte * (1 << 20))

    return write


def _crash_loop(path: Path, size: int) -> None:
    """About 400 bytes a start: a million of them in 400 MB."""
    at = datetime(2026, 3, 1, 6, 3, 30, tzinfo=UTC)
    with path.open("wb", buffering=1 << 20) as out:
        for number in range(size // 400):
            at += timedelta(seconds=5)
            head, rfc = f"{at:%b %d %H:%M:%S} node-1", f"{at:%Y-%m-%dT%H:%M:%SZ}"
            pid = 1000 + number
            out.write(
                f"{head} systemd[1]: Starting k3s.service - Lightweight Kubernetes...\n"
                f'{head} k3s[{pid}]: time="{rfc}" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"\n'
                f'{head} k3s[{pid}]: time="{rfc}" level=fatal msg="starting kubernetes: bad {number}"\n'
                f"{head} systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE\n".encode()
            )


WORST: dict[str, Callable[[Path, int], None]] = {
    "one line": _one_line,
    "newlines": _fill(b"\n"),
    "NULs": _fill(b"\0"),
    "crash loop": _crash_loop,
}

# ------------------------------------------------------------------------------------------ what is measured


@dataclass
class Spent:
    """One process and its children: seconds and MiB."""

    wall: float
    cpu: float
    peak: float


def _run(command: list[str], environment: dict[str, str], words: Path | None = None) -> Spent:
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*command, *([f"-f{words}"] if words else [])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _median(rows: list[Spent]) -> Spent:
    return Spent(
        statistics.median(r.wall for r in rows), statistics.median(r.cpu for r in rows), max(r.peak for r in rows)
    )


def _words(carrier: Carrier, folder: Path) -> Path:
    from analyzer.sources import search

    kind: search.Kind = "text" if carrier == "short" else carrier
    path = folder / f"words.{carrier}"
    words = [word.decode() for word in search.automaton_words(kind)]
    path.write_text("".join(f"{word.strip()}\n" for word in words))
    return path


ANALYZE = [sys.executable, "-c", "from analyzer.cli.main import run; run()", "analyze"]
STDLIB = {"K3SLOG_ENGINE": "stdlib"}


@dataclass
class Case:
    """A row of the table."""

    name: str
    carrier: Carrier
    share: float
    packed: str = ""
    stdlib: bool = False
    target: float = 2.0


CASES = (
    Case("text", "short", 0.002, target=2.0),
    Case("text-1%", "short", 0.01, target=4.0),
    Case("text-stdlib", "short", 0.002, stdlib=True, target=5.0),
    Case("json", "json", 0.002, target=3.0),
    Case("export", "export", 0.002, target=3.0),
    Case("gz", "short", 0.002, packed="gz", target=1.3),
    Case("zst", "short", 0.002, packed="zst", target=0),
)


def _input(case: Case, size: int, folder: Path) -> Path:
    plain = folder / f"journal-{size // 1_000_000}-{case.share}.{case.carrier}"
    if not plain.exists():
        write_journal(plain, size, case.carrier, case.share)
    if not case.packed:
        return plain
    packed = plain.with_name(f"{plain.name}.{case.packed}")
    if not packed.exists():
        program = {"gz": ["gzip", "-6", "-kf"], "zst": ["zstd", "-q", "-3", "-kf"]}[case.packed]
        subprocess.run([*program, str(plain)], check=True)
    return packed


def _measure(case: Case, size: int, folder: Path, runs: int, ripgrep: str) -> None:
    path = _input(case, size, folder)
    if case.packed:
        other = ["sh", "-c", f"{'gzip' if case.packed == 'gz' else 'zstd'} -dc '{path}' | wc -l"]
        words = None
    else:
        other, words = [ripgrep, "-c", "-F", "-a", str(path)], _words(case.carrier, folder)
    ours: list[Spent] = []
    theirs: list[Spent] = []
    for _ in range(runs):
        ours.append(_run([*ANALYZE, str(path)], STDLIB if case.stdlib else {}))
        theirs.append(_run(other, {"LC_ALL": "C"}, words))
    us, them = _median(ours), _median(theirs)
    name = f"{case.name} {size // 1_000_000} MB"
    target = f"{case.target:.1f}" if case.target else ""
    figures = f"{us.wall:6.2f} | {us.cpu:6.2f} | {us.peak:5.0f} | {them.wall:6.2f} | {us.wall / them.wall:6.2f}"
    print(f"| {name:20} | {figures} | {target} |", flush=True)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--megabytes", type=int, nargs="+", default=[1000])
    options.add_argument("--only", nargs="+", choices=[*(c.name for c in CASES), *WORST], help="some rows only")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--rg", default=shutil.which("rg") or "rg", help="which ripgrep")
    options.add_argument("--keep", type=Path, help="write the journals into this folder and leave them")
    chosen = options.parse_args()
    if importlib.util.find_spec("ahocorasick_rs") is None:
        print("ahocorasick-rs is not installed: the standard library's engine is measured throughout")
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        print(f"| {'input':20} | wall s |  cpu s |   MiB |  other |  ratio | target |")
        print("|---|---|---|---|---|---|---|")
        for megabytes in chosen.megabytes:
            for case in CASES:
                if chosen.only is None or case.name in chosen.only:
                    _measure(case, megabytes * 1_000_000, folder, chosen.runs, chosen.rg)
            for name, write in WORST.items():
                if chosen.only is None or name in chosen.only:
                    path = folder / f"worst-{name.replace(' ', '-')}"
                    size = megabytes * (400_000 if name == "crash loop" else 1_000_000)
                    write(path, size)
                    us = _run([*ANALYZE, str(path)], {})
                    size = path.stat().st_size // 1_000_000
                    print(
                        f"| {f'{name} {size} MB':20} | {us.wall:6.2f} | {us.cpu:6.2f} | {us.peak:5.0f} | | | |",
                        flush=True,
                    )
                    path.unlink()


if __name__ == "__main__":
    main()
