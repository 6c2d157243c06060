"""Speed and memory of the fast scan, beside ripgrep and grep on the same file.

    python benchmarks/scan.py [--megabytes 200 1000] [--carrier short|export] [--runs 5] [--keep FOLDER]

Writes a journal: ordinary lines of a healthy server, kubelet, containerd and kernel, and between them generated
starts (about 1 % of the bytes). Each measure runs in a process of its own, one after the other in turns, so that a
loaded machine slows all of them alike; figures are medians of processor time (user and system), which counts the
import of whatever the scan imports. The ratio is to ``rg -F -n`` with six of the words, which
is ripgrep at its best; the target is 2. The rows below it search for all of the scan's words.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
SCENARIOS = ("healthy-sqlite", "slow-rbac-one-core", "etcd-three-servers", "debug")
RELEVANT = 0.01
# So few words are ripgrep's best case; with all of the automaton's, which is the same search, it is far slower (13.0).
REFERENCE = "rg -F -n, six words"  # lines with their numbers, as the scan hands them on
NOTHING = "imports only: nothing"
OWN = ("reading only: read", "scan, automaton", "scan, stdlib", "read_book")
WORDS = ("Starting k3s", "Polling for API", "up and running", "now running", "fatal msg=", "systemd[1]: St")


def _noise(rng: random.Random, at: datetime, lines: int, carrier: str) -> bytes:
    rows = []
    for _, shape in rng.choices(NOISE, [weight for weight, _ in NOISE], k=lines):
        text = shape.format(
            klog=f"{at:%m%d %H:%M:%S.%f}", rfc=f"{at:%Y-%m-%dT%H:%M:%SZ}",
            n=rng.randrange(9000), w=f"{rng.getrandbits(32):08x}",
        )  # fmt: skip
        if carrier == "short":
            rows.append(f"{at:%b %d %H:%M:%S} node-1 {text}\n")
            continue
        name, _, message = text.partition(": ")
        ident, _, pid = name.rstrip("]").partition("[")
        stamp = round(at.timestamp() * 1e6)
        unit = {"k3s": "k3s.service", "systemd": "init.scope"}.get(ident, "other.service")
        about = f"UNIT={message.partition(': ')[0]}\n" if ident == "systemd" else ""
        rows.append(
            f"__REALTIME_TIMESTAMP={stamp}\n__MONOTONIC_TIMESTAMP={stamp % 10**9}\n_BOOT_ID={7:032x}\n"
            f"_TRANSPORT=stdout\nPRIORITY=6\n_HOSTNAME=node-1\n_MACHINE_ID={5:032x}\nSYSLOG_IDENTIFIER={ident}\n"
            f"SYSLOG_FACILITY=3\n_PID={pid or 0}\n_UID=0\n_GID=0\n_COMM={ident}\n_SYSTEMD_CGROUP=/system.slice/{unit}\n"
            f"_SYSTEMD_UNIT={unit}\n_SYSTEMD_SLICE=system.slice\n{about}MESSAGE={message}\n\n"
        )
    return "".join(rows).encode()


def write_journal(path: Path, size: int, carrier: str) -> None:
    """A journal of about ``size`` bytes at ``path``."""
    from analyzer.testing import generate, named

    rng = random.Random(5)
    starts = [generate(named(name), seed=number).render(carrier) for number, name in enumerate(SCENARIOS)]
    at = datetime(2025, 3, 1, 6, 3, 30, tzinfo=UTC)
    written = relevant = number = 0
    with path.open("wb", buffering=1 << 20) as out:
        while written < size:
            at += timedelta(milliseconds=700)
            text = _noise(rng, at, 600, carrier)
            for _ in range(8):  # building text is slow; repeats do not make the search any easier
                if relevant <= written * RELEVANT:
                    start = starts[number % len(starts)]
                    number += 1
                    relevant += len(start)
                    written += out.write(start)
                written += out.write(text)


# ------------------------------------------------------------------------------------------ what is measured


def _child(what: str, path: str, carrier: str) -> None:
    """Run one measure and print what it found and its peak memory (MiB)."""
    from analyzer.sources import scan, search
    from analyzer.sources.bytestream import open_bytes

    kind: search.Kind = "export" if carrier == "export" else "text"
    if what == "read_book":
        from analyzer.records import read_book

        found = len(read_book([path])[0].records)
    elif what == "nothing":
        found = 0
    else:
        _, reader, _ = open_bytes(path)
        with reader:
            if what == "read":
                buffer = bytearray(1 << 17)
                while reader.readinto(buffer):
                    pass
                found = 0
            else:
                engine = search.stdlib_engine(kind) if what == "stdlib" else search.automaton_engine(kind)
                if kind == "export":
                    key = reader.peek(64)[:64].partition(b"=")[0]
                    found = sum(1 for _ in scan.export_candidates(reader, key, engine=engine))
                else:
                    found = sum(
                        1 for _ in scan.candidates(reader, True, engine, huge=os.path.getsize(path) > scan.HUGE)
                    )
    print(found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def _spent(command: list[str], words: bytes) -> tuple[float, float, str]:
    """``(processor time, wall time, what was printed)`` of one process."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, input=words, stdout=subprocess.PIPE, check=False, env=environment)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begun
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall, done.stdout.decode().strip()


def _commands(path: Path, carrier: str) -> dict[str, tuple[list[str], Sequence[str]]]:
    """What is run, by name: the command and the words it gets on standard input."""
    from analyzer.sources import search

    kind: search.Kind = "export" if carrier == "export" else "text"
    same = [word.decode() for word in search.automaton_words(kind) if b"\n" not in word]
    own = (NOTHING, *OWN)
    commands: dict[str, tuple[list[str], Sequence[str]]] = {
        name: ([sys.executable, __file__, "--child", name.rpartition(" ")[2], str(path), carrier], ()) for name in own
    }
    if search.automaton_engine() is None:
        del commands["scan, automaton"]
    tools = (
        (REFERENCE, ["rg", "-F", "-a", "-n", "-j1"], WORDS),
        ("rg -F -n, same words", ["rg", "-F", "-a", "-n", "-j1"], same),
        ("grep -F -n, same words", ["grep", "-F", "-a", "-n"], same),
    )
    for name, command, words in tools:
        if shutil.which(command[0]) is not None:
            commands[name] = ([*command, "-f", "-", str(path)], words)
    return commands


def _measure(path: Path, carrier: str, runs: int) -> None:
    size = path.stat().st_size
    print(f"{path.name}: {size / 1e6:.0f} MB, {carrier}")
    results: dict[str, list[tuple[float, float, str]]] = {}
    for _ in range(runs):
        for name, (command, words) in _commands(path, carrier).items():
            results.setdefault(name, []).append(_spent(command, "\n".join(words).encode()))
    spent = {name: statistics.median(cpu for cpu, _, _ in rows) for name, rows in results.items()}
    for name in OWN:
        if name in spent:
            spent[name] -= spent[NOTHING]
    ripgrep = spent.get(REFERENCE)
    print(f"{'':24}{'MB/s':>7}{'cpu s':>8}{'wall s':>8}{'/ rg':>7}   found, peak MiB")
    for name, rows in results.items():
        ratio = f"{spent[name] / ripgrep:7.2f}" if ripgrep else "      -"
        shown = rows[0][2] if len(rows[0][2]) < 30 else f"{rows[0][2].count(chr(10)) + 1} lines"
        wall = statistics.median(wall for _, wall, _ in rows)
        print(f"{name:24}{size / max(spent[name], 1e-3) / 1e6:7.0f}{spent[name]:8.3f}{wall:8.3f}{ratio}   {shown}")


def main() -> None:
    """Run the benchmark and print a table for each size."""
    if sys.argv[1:2] == ["--child"]:
        _child(*sys.argv[2:5])
        return
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--megabytes", type=int, nargs="+", default=[200, 1000])
    options.add_argument("--carrier", choices=("short", "export"), default="short")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--keep", type=Path, help="write the journals into this folder and leave them")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in chosen.megabytes:
            path = (chosen.keep or Path(folder)) / f"journal-{megabytes}.{chosen.carrier}"
            if not path.exists():
                write_journal(path, megabytes * 1_000_000, chosen.carrier)
            _measure(path, chosen.carrier, chosen.runs)


if __name__ == "__main__":
    main()
