"""``k3slog wait`` against what people use in its place, on the same recorded starts, replayed in real time.

``python benchmarks/wait_baselines.py [--starts N]``: for each client the delay after readiness, the requests and the
processor time of the client; the table of docs/wait.md. The starts are of the half that ``adaptive`` was not tuned on.
Clients: curl every second with the client certificate, ``kubectl get --raw /readyz`` every second (where there is a
kubectl), ``wait-on`` of npm with its defaults (where it is on the path) and a poller in one process every 0.25 s. A
rhythm of whole seconds is lucky or unlucky with a start, so clients are launched up to a second before it, evenly.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from analyzer.simulator.recorded import RecordedStart, load
from analyzer.simulator.validate import half_of
from tests.live.double import Pki
from tests.live.replayed import Replayed, recorded

LONGEST_S = 14.0

_POLLER = """
import http.client, ssl, sys, time
ca, cert, key, port = sys.argv[1:]
context = ssl.create_default_context(cafile=ca); context.load_cert_chain(cert, key)
context.verify_flags &= ~ssl.VERIFY_X509_STRICT
while True:
    try:
        c = http.client.HTTPSConnection("127.0.0.1", int(port), context=context, timeout=15)
        c.request("GET", "/readyz")
        if c.getresponse().status == 200: break
    except OSError: pass
    time.sleep(0.25)
"""


@dataclass(frozen=True)
class Seen:
    """One wait of one client."""

    delay_s: float
    requests: int
    cpu_s: float


def clients(folder: Path, url: str) -> dict[str, list[str]]:
    """The command of each client; ``folder`` holds ``k3s.yaml`` and its parts as files."""
    ca, cert, key = (str(folder / name) for name in ("ca", "cert", "key"))
    config = str(folder / "k3s.yaml")
    k3slog = [sys.executable, "-m", "analyzer.cli.main", "wait", "--kubeconfig", config, "--quiet"]
    curl = f"until curl -fs -o /dev/null --cacert {ca} --cert {cert} --key {key} {url}/readyz; do sleep 1; done"
    found = {
        "k3slog wait (adaptive)": k3slog,
        "k3slog wait --policy shared-2s": [*k3slog, "--policy", "shared-2s"],
        "curl, sleep 1": ["sh", "-c", curl],
        "one process, every 0.25 s": [sys.executable, "-S", "-c", _POLLER, ca, cert, key, url.rpartition(":")[2]],
    }
    if shutil.which("kubectl"):
        kubectl = f"until kubectl --kubeconfig {config} get --raw /readyz >/dev/null 2>&1; do sleep 1; done"
        found["kubectl get --raw, sleep 1"] = ["sh", "-c", kubectl]
    if npm := shutil.which("wait-on"):
        found["wait-on"] = [npm, "--config", str(folder / "wait-on.json")]
    return found


def wait_on_config(folder: Path, url: str) -> str:
    """What wait-on reads: the same certificates, its own defaults."""
    parts = {name: (folder / name).read_text() for name in ("ca", "cert", "key")}
    return json.dumps({"resources": [f"{url.replace('https:', 'https-get:')}/readyz"], "strictSSL": True, **parts})


def run(pki: Pki, start: RecordedStart, client: str, lead_s: float) -> Seen:
    """``client`` waits for ``start``, launched ``lead_s`` before it begins."""
    with tempfile.TemporaryDirectory() as name, Replayed(pki, recorded(start)) as server:
        folder = Path(name)
        config = yaml.safe_load(pki.kubeconfig(folder / "k3s.yaml", server.url).read_text())
        user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
        parts = {"ca": cluster["certificate-authority-data"]}
        parts |= {"cert": user["client-certificate-data"], "key": user["client-key-data"]}
        for part, data in parts.items():
            (folder / part).write_bytes(base64.b64decode(data))
        command = clients(folder, server.url)[client]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        (folder / "wait-on.json").write_text(wait_on_config(folder, server.url))
        server.begin(lead_s)
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        delay_s = server.now_s() - server.timeline.ready_s
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Seen(delay_s, len(server.requests), cpu_s)


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=8)
    given = parser.parse_args()
    pki = Pki()
    known = [start for start in load() if half_of(start) == 1 and start.ready[1] < LONGEST_S]
    chosen = known[:: max(1, len(known) // given.starts)][: given.starts]
    names = list(clients(Path("/"), "https://127.0.0.1:1"))
    seen: dict[str, list[Seen]] = {name: [] for name in names}
    for n, start in enumerate(chosen):
        for name in names:
            seen[name].append(run(pki, start, name, n / len(chosen)))
    lengths = [start.ready[1] for start in chosen]
    print(f"{len(chosen)} starts of {min(lengths):.1f} to {max(lengths):.1f} s; load {os.getloadavg()[0]:.1f}\n")
    print("| client | delay after ready: median, p95, most (s) | requests, median | processor s, median |")
    print("|---|---|---|---|")
    for name, all_of in seen.items():
        delays = sorted(one.delay_s for one in all_of)
        p95 = delays[min(len(delays) - 1, round(0.95 * (len(delays) - 1)))]
        told = f"{statistics.median(delays):.2f}, {p95:.2f}, {delays[-1]:.2f}"
        requests = statistics.median(one.requests for one in all_of)
        print(f"| {name} | {told} | {requests:g} | {statistics.median(one.cpu_s for one in all_of):.2f} |")


if __name__ == "__main__":
    main()
