"""Speed and memory of reading a large journal text, beside grep on the same file.

    python benchmarks/scan.py [--megabytes 200] [--engine stdlib|automaton|both] [--keep FILE]

Writes a text in journalctl's short format: one start of a server in front and one near the end, and between them the
steady noise of a healthy server. Prints MB/s of the scan alone and of ``read_book``, records kept, and peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analyzer.records import read_book
from analyzer.sources import scan
from analyzer.sources.bytestream import open_bytes

NOISE = (
    'k3s[1193]: I{klog}    1193 controller.go:624] quota admission: resource {n} checked in namespace "kube-system"',
    'k3s[1193]: time="{rfc}" level=info msg="Slow path of the reconciler for tenant-{n} took a while" duration=1.{n}s',
    'k3s[1193]: E{klog}    1193 remote_runtime.go:222] "RunPodSandbox failed" err="rpc error: code = Unknown {n}"',
    'k3s[1193]: {{"level":"warn","ts":"{rfc}","caller":"x/util.go:170","msg":"request was large","took":"{n}ms"}}',
    "kernel: cni0: port {n}(veth0a1b2c3d) entered forwarding state, carrier acquired on the bridge of the node",
    'k3s[1193]: time="{rfc}" level=debug msg="Wrote ping {n} to the tunnel of the agent" url="wss://127.0.0.1:6443/x"',
    'k3s[1193]: W{klog}    1193 reflector.go:561] object-"default"/"kube-root-ca.crt": watch of ConfigMap ended {n}',
)
START = (
    "systemd[1]: Starting k3s.service - Lightweight Kubernetes...",
    'k3s[{pid}]: time="{rfc}" level=info msg="Starting k3s v1.32.4+k3s1 (6b330558)"',
    "k3s[{pid}]: I{klog}    {pid} secure_serving.go:213] Serving securely on 127.0.0.1:6444",
    'k3s[{pid}]: time="{rfc}" level=info msg="Polling for API server readiness: GET /readyz failed: the server is'
    ' currently unable to handle the request"',
    'k3s[{pid}]: time="{rfc}" level=info msg="Kube API server is now running"',
    'k3s[{pid}]: time="{rfc}" level=info msg="k3s is up and running"',
    "systemd[1]: Started k3s.service - Lightweight Kubernetes.",
)


def _line(shape: str, at: datetime, number: int, pid: int) -> str:
    text = shape.format(klog=f"{at:%m%d %H:%M:%S.%f}", rfc=f"{at:%Y-%m-%dT%H:%M:%SZ}", n=number, pid=pid)
    return f"{at:%b %d %H:%M:%S} node-1 {text}\n"


def write_journal(path: Path, size: int) -> None:
    """A text of about ``size`` bytes at ``path``."""
    at = datetime(2025, 3, 1, 6, 3, 30, tzinfo=UTC)
    with path.open("w", encoding="utf-8", buffering=1 << 20) as out:
        written = 0
        block: list[str] = []
        for shape in START:
            out.write(_line(shape, at, 0, 1193))
        number = 0
        while written < size:
            at += timedelta(milliseconds=700)
            block = [_line(NOISE[(number + k) % len(NOISE)], at, (number * 7 + k) % 9000, 1193) for k in range(200)]
            text = "".join(block)
            for _ in range(8):  # building text is slow; repeats do not make the search any easier
                out.write(text)
                written += len(text)
            number += 1
        for shape in START:
            out.write(_line(shape, at, 0, 2286))
        out.write("".join(block))


def _rate(size: int, seconds: float) -> str:
    return f"{size / seconds / 1e6:8.0f} MB/s  {seconds:6.2f} s"


def _scan(path: Path, automaton: bool) -> tuple[float, int]:
    engine = scan.automaton_engine() if automaton else scan.stdlib_engine()
    assert engine is not None
    begun = time.perf_counter()
    _, reader, _ = open_bytes(path)
    with reader:
        kept = sum(1 for _ in scan.candidates(reader, True, engine))
    return time.perf_counter() - begun, kept


def main() -> None:
    """Run the benchmark and print a few lines."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--megabytes", type=int, default=200)
    options.add_argument("--engine", choices=("stdlib", "automaton", "both"), default="both")
    options.add_argument("--keep", type=Path, help="write the text here and leave it")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.keep or Path(folder) / "journal.txt"
        write_journal(path, chosen.megabytes * 1_000_000)
        size = path.stat().st_size
        print(f"{path.name}: {size / 1e6:.0f} MB")
        with path.open("rb", buffering=0) as file:
            buffer = bytearray(1 << 17)
            begun = time.perf_counter()
            while file.readinto(buffer):
                pass
            print("reading only   ", _rate(size, time.perf_counter() - begun))
        for automaton in (False, True):
            name = "automaton" if automaton else "stdlib"
            if chosen.engine not in ("both", name) or (automaton and scan.automaton_engine() is None):
                continue
            seconds, kept = min(_scan(path, automaton) for _ in range(3))
            print(f"scan, {name:9}", _rate(size, seconds), f" {kept} lines kept")
        begun = time.perf_counter()
        book, errors = read_book([path])
        seconds = time.perf_counter() - begun
        assert not errors
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print("read_book      ", _rate(size, seconds), f" {len(book.records)} records, {peak:.0f} MiB at most")
        words = "\n".join((*scan.LOGRUS, *scan.KLOG, *scan.ANYWHERE, *scan.IN_TEXT)).encode()
        for tool, arguments in (("rg", ["-F", "-a", "-c"]), ("grep", ["-F", "-a", "-c"])):
            if shutil.which(tool) is None:
                continue
            begun = time.perf_counter()
            environment = {**os.environ, "LC_ALL": "C"}
            subprocess.run(
                [tool, *arguments, "-f", "-", str(path)],
                input=words, stdout=subprocess.PIPE, check=False, env=environment,
            )  # fmt: skip
            print(f"{tool} -F          ", _rate(size, time.perf_counter() - begun))


if __name__ == "__main__":
    main()
