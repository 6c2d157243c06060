"""The order of the start-up: the data is whole, and no placed line contradicts what a watcher saw of real servers.

As a command, over any folders of ``NAME.export.gz`` + ``NAME.truth.json`` pairs::

    PYTHONPATH=tests:. python -m tests.events.test_sequence DIR…

"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analyzer.events import catalogue, sequence, witness_rules
from analyzer.events.detect import detect
from analyzer.events.event import Mark, WitnessLine
from analyzer.events.sequence import Place, Stage, of_failure, of_line, of_mark, places
from analyzer.events.vocabulary import load
from analyzer.records import read_log_records
from analyzer.records.log_record import LogRecord, Payload
from tests.events.examples import examples, journal

RECORDED = Path(__file__).parents[1] / "data" / "recorded"
_GATED = (Stage.READY, Stage.STARTED)
_WRAPPERS = tuple(sequence._compile(raw)[0] for raw in load("sequence.toml")["wrapper"])
KNOWN = {rule.id for rule in catalogue.rules()} | {rule.id for rule in witness_rules.rules()}


# --- the data -------------------------------------------------------------------------------------------------------


def test_every_known_line_is_placed_or_named_as_placeless() -> None:
    placed = {place.mark for place in places() if place.mark}
    assert placed <= KNOWN
    placeless = set(load("sequence.toml")["anytime"]["marks"])
    assert placeless <= KNOWN
    assert not placed & placeless
    assert not KNOWN - placed - placeless


def test_ids_are_said_once() -> None:
    raw = load("sequence.toml")
    for kind in ("line", "wrapper"):
        names = Counter(entry["id"] for entry in raw[kind])
        assert max(names.values()) == 1
    assert max(Counter(raw["anytime"]["marks"]).values()) == 1


@pytest.mark.parametrize("place", [*places(), *_WRAPPERS], ids=lambda place: f"{place.id}-{place.mark}")
def test_an_entry_is_whole(place: Place) -> None:
    assert place.only_after or place.only_before
    if place.only_after and place.only_before:
        assert place.only_after < place.only_before
    assert len(place.proof) > 40 or place.proof.startswith("as the line ")
    assert bool(place.mark) != bool(place.head or place.any or place.files)
    assert place.product in ("", "k3s", "rke2")
    assert place.role in ("", "server", "agent")
    assert not place.own_poller or place.only_after in _GATED
    # What a stop lets through is behind the gate.
    assert not place.cancel or place.only_after in _GATED
    for section in (place.era, place.before_era):
        assert not section or section in load("versions.toml")


def test_no_key_is_misspelt() -> None:
    known = {field for field in Place.__dataclass_fields__ if field != "mark"} | {"marks"}
    raw = load("sequence.toml")
    assert set(raw) == {"line", "wrapper", "anytime"}
    assert {key for kind in ("line", "wrapper") for entry in raw[kind] for key in entry} <= known


def test_examples_of_the_catalogue_are_no_lines_of_another_stage() -> None:
    """What the text alone says of an example never contradicts what its id says."""
    seen = 0
    for name, some in examples().items():
        for _, record in some:
            for by_id in of_mark(name):
                for by_text in of_line(record):
                    seen += 1
                    low = max(by_id.only_after or 0, by_text.only_after or 0)
                    high = min(by_id.only_before or 99, by_text.only_before or 99)
                    assert low < high, (by_id.id, by_text.id, record.raw)
    assert seen > 5


# --- what lines are recognised --------------------------------------------------------------------------------------


def ids(line: str) -> set[str]:
    """The entries for lines that nothing else knows which fit a line of k3s."""
    return {place.id for place in of_line(journal([line])[0])}


def _klog(file: str, text: str) -> str:
    return f"I0203 10:20:30.123456    1193 {file}:77] {text}"


def _info(text: str) -> str:
    quoted = text.replace('"', '\\"')
    return f'time="2026-02-03T10:20:30Z" level=info msg="{quoted}"'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (_klog("controllermanager.go", '"Started controller" controller="job-controller"'), "kcm_controller_started"),
        (_klog("controllermanager.go", 'Started "endpoint"'), "kcm_controller_started"),
        (_klog("controllermanager.go", '"Golang settings" GOGC=""'), "kcm_any"),
        (_klog("replica_set.go", '"Starting controller" name="replicaset"'), "kcm_controllers"),
        (_klog("shared_informer.go", "Caches are synced for garbage collector"), "kcm_caches"),
        (_klog("shared_informer.go", '"Caches are synced" controller="crt configmap"'), "kcm_caches"),
        (_klog("secure_serving.go", "Serving securely on 127.0.0.1:10257"), "components_serve"),
        (_klog("secure_serving.go", "Serving securely on 127.0.0.1:6444"), "serving_own_port"),
        (
            _klog("leaderelection.go", "attempting to acquire leader lease kube-system/kube-scheduler..."),
            "component_leases_wanted",
        ),
        (
            _klog("leaderelection.go", '"Successfully acquired lease" lock="kube-system/kube-controller-manager"'),
            "component_leases_held",
        ),
        (_klog("leaderelection.go", "successfully acquired lease kube-system/k3s-etcd"), "leases_held"),
        (_klog("leaderelection.go", "attempting to acquire leader lease kube-system/rke2..."), "leases_wanted"),
        (_klog("pod_workers.go", '"Error syncing pod, skipping"'), "kubelet_any"),
        (_klog("kubelet.go", '"Starting kubelet main sync loop"'), "kubelet_says"),
        (
            _klog("event.go", '"Event occurred" object="kube-system/ccm" fieldPath="" kind="Addon" reason="Applied"'),
            "addon_events",
        ),
        (
            _klog("event.go", '"Event occurred" object="kube-system/kube-scheduler" fieldPath="" kind="Lease" x="y"'),
            "controller_events",
        ),
        (_klog("server.go", "leaderelection lost"), "component_leases_lost"),
        (_info("Starting k3s.cattle.io/v1, Kind=Addon controller"), "own_controllers"),
        (_info("Starting /v1, Kind=Node controller"), "own_controllers"),
        (_info("Starting batch/v1, Kind=Job controller"), "own_controllers"),
        (_info("Creating deploy event broadcaster"), "event_broadcasters"),
        (_info("Applying CRD helmcharts.helm.cattle.io"), "custom_kinds"),
        (_info("Writing static file: /var/lib/rancher/k3s/server/static/charts/traefik.tgz"), "files_staged"),
        (_info("Writing manifest: /var/lib/rancher/k3s/server/manifests/coredns.yaml"), "files_staged"),
        (_info("Cluster dns configmap has been set successfully"), "dns_and_labels"),
        (_info('Waiting for control-plane node node-a startup: nodes "node-a" not found'), "dns_and_labels"),
        (_info("Starting managed etcd member removal controller"), "cluster_controllers"),
        (_info("Started tunnel to 192.0.2.11:6443"), "tunnel_works"),
        (_info("Starting flannel with backend vxlan"), "network_starts"),
        (_info("Polling for API server readiness: GET /readyz failed: unknown"), "poll_fails"),
        (_info("Managed etcd cluster bootstrap already complete and initialized"), "bootstrap_data"),
        (_info("Failed to test etcd connection: context deadline exceeded"), "etcd_tested"),
        (_info("Waiting to retrieve agent configuration; server is not ready: EOF"), "agent_configuration"),
    ],
)
def test_a_line_finds_its_entry(line: str, expected: str) -> None:
    assert expected in ids(line)


@pytest.mark.parametrize(
    "line",
    [
        # The API server's own files and words, which come before readiness.
        _klog("dynamic_cafile_content.go", '"Starting controller" name="client-ca-bundle::/x/client-ca.crt"'),
        _klog("shared_informer.go", "Caches are synced for node_authorizer"),
        _klog("shared_informer.go", "Caches are synced for kubernetes-service-cidr-controller"),
        _klog("gc_controller.go", "Starting apiserver lease garbage collector"),
        _klog("controller.go", "quota admission added evaluator for: leases.coordination.k8s.io"),
        _klog("event.go", '"Event occurred" object="node-a" fieldPath="" kind="Node" type="Normal" reason="x"'),
        # Other programs' objects.
        _info("Starting /v1, Kind=Secret controller"),
        _info("Applying CRD features.management.cattle.io"),
        # Before readiness, or on a running server as well.
        _info("Creating k3s-cert-monitor event broadcaster"),
        _info("Waiting to retrieve kube-proxy configuration; server is not ready: 500 Internal Server Error"),
        _info("Waiting for control-plane node to register apiserver addresses in etcd"),
        _info("Tunnel authorizer adding Node IP 192.0.2.10/32"),
        _info("Saving cluster bootstrap data to datastore"),
        _info("Connecting to proxy"),
        _info("certificate CN=k3s,O=k3s signed by CN=k3s-server-ca@1770114030: notBefore=2026-02-03 10:20:30"),
        _info("he said: Starting k3s.cattle.io/v1, Kind=Addon controller"),
    ],
)
def test_other_lines_find_none(line: str) -> None:
    assert ids(line) == set()


def _held(text: str, product: str = "k3s", role: str = "server", version: str | None = "v1.33.4+k3s1") -> set[str]:
    return {place.id for place in of_failure(text) if place.holds(product, role, version)}


def test_wrappers_are_read_from_the_outside() -> None:
    assert _held("Error: preparing server: failed to bootstrap cluster data: x") == {"preparing"}
    assert _held("starting kubernetes: preparing server: token is required") == {"preparing"}
    assert _held('Shutdown request received: "kubelet exited: x"') == {"kubelet_exits"}
    assert _held("Failed to start networking: x") == {"networking"}
    assert _held("something failed: preparing server: x") == set()
    assert _held("failed to find memory cgroup (v2)") == {"cgroups"}
    assert _held("failed to find memory cgroup (v2)", version="v1.32.3+k3s1") == set()
    assert _held("failed to find memory cgroup (v2)", role="agent", version="v1.32.3+k3s1") == {"cgroups_of_an_agent"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("failed to validate token: failed to get CA certs: EOF", "bootstrap"),
        ("failed to validate server configuration: critical configuration value mismatch", "bootstrap"),
        ("failed to reconcile with local datastore: failed to create temporary datastore client: x", "bootstrap"),
        ("can not mkdir /var/lib/rancher/k3s/server: permission denied", "data_directory"),
        (
            "password file '/x/passwd' must have at least 3 columns (password, user name, user uid), found 1",
            "password_file",
        ),
        ("tailscale does not provide an ipv6 address", "vpn_addresses"),
        ("Error: startup hook: x", "startup_hooks"),
        ("invalid node-ip: 300.1.1.1", "command_line_addresses"),
        ("cannot configure IPv4/IPv6 cluster-cidr: x", "command_line_addresses"),
        ("extracting data: open /var/lib/rancher/k3s/data/.lock: read-only file system", "unpacking"),
        ("exec /var/lib/rancher/k3s/data/1f2e/bin/k3s-server failed: permission denied", "unpacking"),
        ("failed to initialize executor: Could not find OS release", "executor"),
        ("deploy controller panic: failed to start wrangler controllers: x", "controller_panics"),
        ("failed to start container runtime: exec: containerd", "runtime_fails"),
        ('Shutdown request received: "containerd exited: exit status 1"', "runtime_fails"),
        ("failed to serve metrics: listen tcp :6443: bind: address already in use", "agent_endpoints"),
        ("failed to start kubelet: prepare default configuration drop-in: x", "kubelet_start"),
    ],
)
def test_outer_words_of_k3s_find_their_entry(text: str, expected: str) -> None:
    assert _held(text) == {expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("failed to initialize executor: unable to delete etcd manifest: x", {"executor"}),
        (
            "Failed to validate --profile flag: invalid kernel parameter value vm.panic_on_oom=1 - expected 0",
            {"rke2_command_line"},
        ),
        (
            "Invalid value nginx for --ingress-controller flag: must be one of ingress-nginx,traefik",
            {"rke2_command_line"},
        ),
        (
            "missing required: user: unknown user etcd\nmissing required: group: unknown group etcd",
            {"rke2_command_line"},
        ),
        ("invalid kernel parameter value vm.overcommit_memory=0 - expected 1", {"rke2_command_line"}),
        ("can't set node-external-ip while using cloud provider", {"rke2_command_line"}),
        ("psa: failed to write psa restricted config: read-only file system", {"rke2_command_line"}),
        ("static pod cleanup timed out", {"rke2_pod_cleanup"}),
        ("temporary containerd process exited unexpectedly: exit status 1", {"rke2_pod_cleanup"}),
        ("unable to delete kube-apiserver manifest: x", {"rke2_pod_cleanup"}),
        ("clusterrole: EnsureRBACPolicy failed: x", {"rke2_hooks_fail"}),
        ("spc: new k8s client: x", {"rke2_hooks_fail"}),
        ("serviceAccount: namespace kube-system forbidden", {"rke2_hooks_fail"}),
        ("missing required: argument", set()),
        ("unable to delete the old folder", set()),
        ("Invalid value 7 for the flag", set()),
    ],
)
def test_outer_words_of_rke2_find_their_entry(text: str, expected: set[str]) -> None:
    assert _held(text, product="rke2", version="v1.34.1+rke2r1") == expected
    assert _held(text) == ({"executor"} if expected == {"executor"} else set())


def test_the_outer_words_say_no_more_than_the_release_proves() -> None:
    deploy = "Failed waiting for static pods to deploy: timed out waiting for the condition"
    (older,) = of_failure(deploy)
    assert (older.only_before, older.only_after) == (None, Stage.REQUESTED)
    assert older.holds("rke2", "server", "v1.26.0+rke2r1")
    assert not older.holds("rke2", "server", "v1.33.4+rke2r1")
    assert _held(deploy.replace("deploy", "sync"), "rke2", version="v1.33.4+rke2r1") == {"pods_not_synced"}
    assert _held(deploy.replace("deploy", "sync"), "rke2", version="v1.28.15+rke2r1") == {"pods_not_synced_older"}
    saved = "failed to save bootstrap data: x"
    assert _held(saved, version="v1.36.2+k3s1") == {"bootstrap_not_saved"}
    assert _held(saved, version="v1.34.1+k3s1") == _held(saved, version=None) == set()
    metrics = "failed to serve metrics: x"
    old = {"agent_endpoints", "agent_endpoints_of_an_agent"}
    assert _held(metrics, role="agent", version="v1.30.3+k3s1") == old
    assert _held(metrics, role="agent", version="v1.34.1+k3s1") == {"agent_endpoints"}


def test_words_that_come_before_and_after_readiness_never_deny_it() -> None:
    for text in ("containerd exited: x", "failed to start kubelet: x", "failed to start container runtime: x"):
        assert {place.only_before for place in of_failure(text)} == {None}
    hooks = of_failure("runtimes: failed to get runtime classes")
    assert [(place.only_after, place.cancel) for place in hooks] == [(Stage.READY, True)]


def test_what_only_k3s_does_is_not_said_of_rke2() -> None:
    assert not _held("kubelet exited: x", product="rke2")
    assert not _held("kubelet exited: x", product="unknown")
    assert not _held("scheduler exited: x", product="rke2")
    assert _held("failed to start controllers: x", product="rke2") == {"controllers"}


def test_the_kubelet_waits_from_1_24_on() -> None:
    (place,) = of_mark("kubelet_started")
    assert place.holds("k3s", "server", "v1.24.0+k3s1")
    assert place.holds("k3s", "agent", "v1.36.2+k3s1")
    assert not place.holds("k3s", "server", "v1.23.17+k3s1")
    assert not place.holds("k3s", "server", None)
    assert not place.holds("rke2", "server", "v1.30.4+rke2r1")
    assert place.opened_by_cancel("v1.34.1+k3s1")
    assert place.opened_by_cancel(None)
    assert not place.opened_by_cancel("v1.34.2+k3s1")
    # Before the shared poller its own poll ends the process when it is cancelled.
    assert not place.opened_by_cancel("v1.30.3+k3s1")


def test_rke2s_pods_come_before_its_polls_where_it_says_so() -> None:
    (place,) = of_mark("pod_not_synced")
    assert place.holds("rke2", "server", "v1.33.4+rke2r1")
    assert not place.holds("rke2", "server", "v1.33.0+rke2r1")
    assert not place.holds("rke2", "server", "v1.32.4+rke2r1")
    assert not place.holds("k3s", "server", "v1.33.4+k3s1")


# --- against recordings ---------------------------------------------------------------------------------------------

_STOPS = re.compile(r'^signal received: "|Shutdown request received')


@dataclass
class Score:
    """How many lines were held against the truth, per entry, and which contradict it."""

    checked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    ahead_us: int = 0  # the longest time by which a gated line came before "Kube API server is now running"

    def add(self, other: Score) -> None:
        """Take the figures of ``other`` in."""
        self.checked += other.checked
        self.wrong += other.wrong
        self.ahead_us = max(self.ahead_us, other.ahead_us)


def _truth(recording: Path) -> dict[str, Any]:
    path = recording.with_name(recording.name.replace(".export.gz", ".truth.json"))
    truth: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return truth


def _records(recording: Path) -> list[LogRecord]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.export"
        path.write_bytes(gzip.decompress(recording.read_bytes()))
        log_records, errors = read_log_records([str(path)])
    assert not errors
    return log_records.records


def _sights(records: Sequence[LogRecord]) -> Iterator[tuple[LogRecord, Place]]:
    for event in detect(records):
        names = [event.id] if isinstance(event, Mark) else []
        if isinstance(event, WitnessLine):
            names = [rule.id for rule in event.rules]
        for name in names:
            for place in of_mark(name):
                yield event.record, place
    for record in records:
        for place in of_line(record):
            yield record, place


def _first_ready(recording: Path, truth: dict[str, Any], start: dict[str, Any]) -> int | None:
    """When the API was ready at the earliest: the server's own, or of an agent that of the server it joined."""
    if truth.get("role") != "agent":
        return min((flip["after"] for flip in start["ready"] if flip["to"] == "ready"), default=None)
    name = recording.name.replace(".w.export.gz", ".a.export.gz")
    server = next((p for p in (recording.with_name(name), recording.parent.parent / name) if p.exists()), None)
    if server is None:
        return 0
    flips = [flip for other in _truth(server)["starts"] for flip in other["ready"] if flip["to"] == "ready"]
    return min((flip["after"] for flip in flips), default=None)


def _stages(records: Sequence[LogRecord]) -> dict[Stage, int]:
    """The positions of the lines that mark the lower stages of a server."""
    words = (
        (Stage.BANNER, re.compile(r"^Starting k3s (?:agent )?v")),
        (Stage.REQUESTED, re.compile(r"^Running kube-apiserver ")),
        (Stage.SERVING, re.compile(r"^Serving securely on \S+:6444$")),
    )
    return {
        stage: next((r.seq for r in records if pattern.match(r.message)), -1)
        for stage, pattern in words
        if any(pattern.match(r.message) for r in records)
    }


def _score_start(recording: Path, truth: dict[str, Any], start: dict[str, Any], mine: list[LogRecord]) -> Score:
    score = Score()
    role = "agent" if truth.get("role") == "agent" else "server"
    ready, noticed = _first_ready(recording, truth, start), start["detected_line_rt"]
    stages = _stages(mine)
    stops = [r.seq for r in mine if _STOPS.search(r.message)]
    acted = [action["rt"] for action in start["harness_actions"] if action["do"] in ("term", "kill")]
    for record, place in _sights(mine):
        if not place.holds("k3s", role, truth["k3s"]) or record.at is None:
            continue
        score.checked[place.id] += 1
        said = f"{recording.name} pid {start['pid']} {place.id}: {record.message[:100]}"
        at = record.at.us
        if place.only_after in _GATED and (ready is None or at < ready):
            stopped = any(seq < record.seq for seq in stops) or any(when <= at for when in acted)
            if not (stopped and place.opened_by_cancel(truth["k3s"])):
                score.wrong.append(f"before readiness: {said}")
        elif place.only_after in _GATED and noticed and not place.own_poller:
            score.ahead_us = max(score.ahead_us, noticed - at)
        if place.only_before is not None and noticed is not None and at > noticed:
            score.wrong.append(f"after readiness was noticed: {said}")
        if place.only_before in stages and record.seq > stages[place.only_before]:
            score.wrong.append(f"after its stage: {said}")
        if place.only_after in stages and record.seq < stages[place.only_after]:
            score.wrong.append(f"before its stage: {said}")
    return score


def score_recording(recording: Path) -> Score:
    """Every placed line of a recording against what the watcher saw."""
    score, truth, records = Score(), _truth(recording), _records(recording)
    for start in truth["starts"]:
        pid, begin, end = start["pid"], start["exec_rt"] - 2_000_000, start["end_rt"] + 2_000_000
        mine = [r for r in records if r.pid == pid and r.at is not None and begin <= r.at.us <= end]
        score.add(_score_start(recording, truth, start, [r for r in mine if r.payload is not Payload.SYSTEMD]))
    return score


@cache
def _recorded() -> Score:
    score = Score()
    for recording in sorted(RECORDED.glob("*.export.gz")):
        score.add(score_recording(recording))
    return score


@pytest.mark.long
def test_no_placed_line_contradicts_a_recording() -> None:
    assert _recorded().wrong == []


@pytest.mark.parametrize(
    "place",
    [
        Place("false", head=("Running kube-apiserver ",), only_after=Stage.READY),
        Place("false", head=("k3s is up and running",), only_before=Stage.READY),
        Place("false", head=("Running kube-scheduler ",), only_before=Stage.REQUESTED),
        Place("false", head=("Running kube-apiserver ",), only_after=Stage.SERVING),
    ],
)
def test_a_false_entry_is_found(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_it(record: LogRecord) -> Sequence[Place]:
        return (place,) if place.matches(record.message, record.file, record.payload) else ()

    monkeypatch.setattr(sys.modules[__name__], "of_line", only_it)
    score = score_recording(RECORDED / "1322-etcd-fresh.export.gz")
    assert any(" false: " in line for line in score.wrong)


def test_the_recordings_hold_most_entries() -> None:
    checked = _recorded().checked
    assert sum(checked.values()) > 10_000
    for name in ("kcm_controllers", "own_controllers", "gate_passed", "hooks_run", "poll_fails", "kubelet_any"):
        assert checked[name] > 0, name


def main(folders: Sequence[str]) -> int:
    """Scores the recordings of folders and prints lines held against the truth per entry."""
    score = Score()
    for folder in folders:
        for recording in sorted(Path(folder).rglob("*.export.gz")):
            score.add(score_recording(recording))
    for name, count in sorted(score.checked.items()):
        print(f"{count:7} {name}")
    print(f"{sum(score.checked.values()):7} lines in all, {len(score.wrong)} wrong")
    print(f"a gated line came at most {score.ahead_us / 1e6:.3f} s before 'Kube API server is now running'")
    print("\n".join(score.wrong[:60]))
    return 1 if score.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
