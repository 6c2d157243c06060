"""Planted names survive in no format; nothing else changes.

Names are planted at random into journals and into every text field of made reports, and looked for in everything that
``analyze``, ``blame`` and ``timeline`` write.
"""

from __future__ import annotations

import ipaddress
import json
import random
import re
import string
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from analyzer.analysis.redact_report import redacted
from analyzer.events import catalogue
from analyzer.events.products import advise
from analyzer.events.vocabulary import files, load
from analyzer.records.log_record import SourceInfo
from analyzer.reports import json_report
from analyzer.reports.anonymize import anonymize
from analyzer.reports.pseudonyms import Pseudonyms
from analyzer.results import Report
from tests.kit.effort import proportional
from tests.kit.every_format import everything
from tests.kit.made_reports import failed_start, ready_start, report_of

SAMPLES = Path(__file__).parents[2] / "sample_logs"


class Plant:
    """Makes names, addresses and tokens, and remembers each."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.planted: set[str] = set()

    def _keep(self, value: str) -> str:
        self.planted.add(value)
        return value

    def name(self) -> str:
        letters = "".join(self._random.choices("bcdfghjklmnpqrstvwxz", k=self._random.randint(6, 12)))
        return self._keep(f"{letters}{self._random.choice(['', '-7', '01', '-xq'])}")

    def domain(self) -> str:
        self.name()
        return self._keep(f"{self.name()}.{self.name()}.{self._random.choice(['com', 'local', 'de', 'internal'])}")

    def v4(self) -> str:
        first = self._random.choice(["192.168", "10.1", "172.16", "203.0", "85.214", "192.0"])
        return self._keep(f"{first}.{self._random.randint(0, 255)}.{self._random.randint(1, 254)}")

    def v6(self) -> str:
        address = ipaddress.IPv6Address((0x2A01 << 112) + self._random.getrandbits(100))
        return self._keep(str(address))

    def mac(self) -> str:
        return self._keep(":".join(f"{self._random.randint(16, 255):02x}" for _ in range(6)))

    def secret(self) -> str:
        return self._keep("".join(self._random.choices(string.ascii_letters + string.digits, k=24)))

    def digest(self) -> str:
        return self._keep("".join(self._random.choices("0123456789abcdef", k=64)))


def phrases(plant: Plant, host: str) -> list[str]:
    """Texts as k3s, etcd, klog and people's commands have them, each with planted things."""
    p = plant
    return [
        f'Failed to validate connection to cluster at https://{p.v4()}:6443: "https://{p.domain()}:6443/cacerts": EOF',
        f"dial tcp: lookup {p.name()} on {p.v4()}:53: no such host",
        f"dial tcp: lookup {p.domain()}: i/o timeout",
        f"dial tcp [{p.v6()}]:6443: connect: connection refused",
        f"read tcp {p.v4()}:51234->{p.v4()}:2380: i/o timeout",
        f"failed to validate token K10{p.digest()}::server:{p.secret()}",
        f"Running kube-apiserver --advertise-address={p.v4()} --tls-san={p.domain()},{p.name()} --token={p.secret()}",
        f"--datastore-endpoint=postgres://{p.name()}:{p.secret()}@{p.domain()}:5432/{p.name()}?sslmode=disable",
        f"{p.name()}:{p.secret()}@tcp({p.v4()}:3306)/k3s",
        f"Authorization: Bearer {p.secret()}",
        f'nodes "{p.name()}" not found; namespaces "{p.name()}" not found',
        f'"Error syncing pod, skipping" err="boom" pod="{p.name()}/{p.name()}" podUID="9b3c2f8e-1b2c-4d5e-8f90-123456"',
        f'configmaps "{p.name()}" is forbidden: User "system:node:{host}" cannot get in the namespace "{p.name()}"',
        f"x509: certificate is valid for {p.v4()}, {p.domain()}, {p.name()}, localhost, not {p.name()}",
        f"open /home/{p.name()}/{p.name()}/config.yaml: permission denied; see /mnt/{p.name()}/k3s",
        f"Failed to process config: failed to process /var/lib/rancher/k3s/server/manifests/{p.name()}.yaml",
        f"certificate CN={host} signed by CN=k3s-server-ca@1772345002: notBefore=2026-03-01",
        f"Starting etcd to join cluster with members [{host}-1a2b3c4d=https://{p.v4()}:2380"
        f" {p.name()}-5e6f7a8b=https://{p.v4()}:2380]",
        f"interface eth0 {p.mac()} inet {p.v4()}/24 inet6 {p.v6()}/64",
        f'error while range on /registry/configmaps/{p.name()}/{p.name()}: context deadline exceeded',
        f'Get "https://127.0.0.1:6444/api/v1/namespaces/{p.name()}/pods/{p.name()}?timeout=10s": EOF',
        f"mail to {p.name()}@{p.domain()}",
        f'image="{p.domain()}/{p.name()}/{p.name()}:1.2"',
        f"Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' for node {p.name()}",
        f'{{"level":"warn","local-member-name":"{host}-1a2b3c4d","endpoint":"https://{p.v4()}:2379"}}',
        f"Updating TLS secret (count: 9): map[listener.cattle.io/cn-{p.v4()}:x listener.cattle.io/cn-{host}:{host}]",
        f'Successfully registered node" node="{host}"',
    ]  # fmt: skip


def survivors(plant: Plant, made: dict[str, str]) -> list[tuple[str, str, str]]:
    found = []
    for format, shown in made.items():
        low = shown.lower()
        for value in plant.planted:
            if value.lower() not in low:
                continue
            at = re.search(rf"(?<![a-z0-9]){re.escape(value.lower())}(?![a-z0-9])", low)
            if at is not None:
                found.append((format, value, shown[max(0, at.start() - 60) : at.end() + 20]))
    return found


def planted_report(plant: Plant) -> Report:
    hosts = [plant.name() for _ in range(3)]
    starts, evidence = [], {}
    line = 0
    for index, host in enumerate(hosts, 1):
        said = phrases(plant, host)
        for phrase in said:
            line += 1
            evidence[0, line] = (
                f'Mar 01 06:03:22 {host} k3s[1193]: time="2026-03-01T06:03:22Z" level=error msg="{phrase}"'
            )
        start = failed_start() if index == 2 else ready_start()
        starts.append(
            replace(
                start,
                index=index,
                host=host,
                outcome_reason=said[5] if index == 2 else None,
                end=replace(start.end, reason=said[0] if index == 2 else None),
                milestones=tuple(
                    replace(m, text=said[n % len(said)]) for n, m in enumerate(start.milestones * 6, index)
                ),
                polls=tuple(replace(p, text=said[3]) if p.error else p for p in start.polls),
                checks=tuple(replace(c, reasons=(said[2], said[20])) for c in start.checks),
                findings=tuple(
                    replace(f, detail="; ".join(said), title=f"{f.title}: {said[4]}", advice=f"ping {plant.v4()}")
                    for f in start.findings
                ),
            )
        )
    report = report_of(*starts)
    path = f"/home/{plant.name()}/{plant.name()}-journal.export.gz"
    return replace(report, sources=(SourceInfo(path, "short", 1, line),), evidence=MappingProxyType(evidence))


@pytest.mark.parametrize("seed", range(3))
def test_no_planted_thing_survives_in_any_format(seed: int) -> None:
    plant = Plant(seed)
    report = planted_report(plant)
    before = json.dumps(everything(report))
    assert sum(value in before for value in plant.planted) > 50  # they were there
    assert survivors(plant, everything(anonymize(report))) == []


def skeleton(value: Any, name: str = "") -> Any:
    """The JSON report without the texts of a log: what must not change."""
    free = {"host", "boot_id", "invocation_id", "outcome_reason", "reason", "text", "title", "detail", "advice", "path"}
    free |= {"sentence", "reasons", "hosts", "servers", "agents", "against", "address", "key"}
    if isinstance(value, dict):
        return {key: skeleton(item, key) for key, item in value.items() if key not in free}
    if isinstance(value, list):
        return [skeleton(item, name) for item in value]
    return value


@pytest.mark.parametrize("seed", range(3))
def test_numbers_ids_and_verdicts_are_those_without_the_option(seed: int) -> None:
    report = planted_report(Plant(seed))
    before = json_report.report_object(report)
    after = json_report.report_object(anonymize(report))
    assert skeleton(after) == skeleton(before)
    assert len(anonymize(report).evidence) == len(report.evidence)


@pytest.mark.long
@pytest.mark.parametrize(
    "sample", ["starved.short-precise.txt", "etcd-three-servers.short-iso-precise.txt", "rke2-server.short.txt"]
)
def test_samples_keep_their_story(sample: str) -> None:
    import analyzer

    report = analyzer.analyze(SAMPLES / sample).report
    hidden = anonymize(report)
    hosts = {start.host for start in report.starts if start.host}
    shown = everything(hidden)
    assert all(not re.search(rf"(?<!\w){re.escape(host)}(?!\w)", made) for host in hosts for made in shown.values())
    assert skeleton(json_report.report_object(hidden)) == skeleton(json_report.report_object(report))
    assert [s.bottleneck for s in hidden.starts] == [s.bottleneck for s in report.starts]
    assert [[m.id for m in s.milestones] for s in hidden.starts] == [
        [m.id for m in s.milestones] for s in report.starts
    ]


MESSAGES = [
    'Waiting for node zq1prod: nodes "zq1prod" not found',
    'Annotations and labels have been set successfully on node: zq2prod',
    'Handling backend connection request [zq3prod]',
    'Waiting for control-plane node zq4prod startup: nodes "zq4prod" not found',
    "error syncing 'zq5ns/zq5name': handler helm-controller: boom, requeuing",
    'error syncing \'zq6prod\': handler node: Operation cannot be fulfilled on nodes "zq6prod"',
    '"Event occurred" object="zq7prod" kind="Node" apiVersion="v1" type="Normal" reason="RegisteredNode"'
    ' message="Node zq7prod event: Registered Node zq7prod in Controller"',
    'Running kubelet --hostname-override=zq8prod --node-labels=customer=zq9acme,site=zq10berlin'
    ' --node-ip=192.168.3.3',
    'Removing member zq11prod-12ab34cd at https://zq12host:2380',
    'Connecting to proxy" url="wss://zq13host:6443/v1-k3s/connect"',
    'Failed to connect to proxy. Empty dialer response" error="dial tcp: lookup zq14host: Try again"',
    'sql: open /mnt/zq15/db: no such file',
    'failed to connect to `host=zq16db user=zq17user database=zq18db`: dial error',
    'pq: password authentication failed for user "zq19user"',
    'FATAL: database "zq20db" does not exist',
    'Starting k3s agent; server is https://zq21.example-corp.com:6443',
    'Hostname zq22prod is not unique',
    'Unable to watch for tunnel endpoints: Get'
    ' "https://127.0.0.1:6444/api/v1/namespaces/default/endpoints?fieldSelector=metadata.name%3Dzq23x&resourceVersion=0"',
    'Created pod: zq24-web-6d4f7c9b8-abcde',
    'HelmChart zq25chart in namespace zq26ns',
    'level=info msg="Reconciliation of snapshot data in zq27cluster-etcd-snapshot ConfigMap"',
    'Failed to get snapshot s3://zq28bucket/folder',
    'etcd-s3-bucket=zq29bucket',
    '--etcd-s3-bucket zq30bucket --etcd-s3-endpoint=zq31.s3.acme.net',
    'node.kubernetes.io/instance-type=zq32',
    'certificate CN=zq33prod,O=system:nodes signed by',
    'Node zq34prod not found',
    'Successfully assigned zq35ns/zq36pod to zq37prod',
    'User "zq38@corp.de" cannot list',
    'sudo: zq39bob : TTY=pts/0 ; PWD=/home/zq40 ; USER=root ; COMMAND=/usr/bin/systemctl start k3s',
    'node "zq41" with UID 1',
    '"Attempting to register node" node="zq42"',
    'hostPath /srv/zq43data',
    'no such host: zq44.local',
    "Access denied for user 'zq45bob'@'zq46db' (using password: YES)",
    "auth: {username: zq47bob, password: ***}", "joining cluster zq48-prod-cluster failed",
    "arn:aws:iam::123456789012:role/zq49role", "arn:aws:s3:::zq50bucket/x", "Node password rejected for zq51",
    'user: "zq52joe"',
]  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_names_are_known_by_where_real_messages_have_them(message: str) -> None:
    planted = re.findall(r"zq\d+\w*", message)
    made = hidden(message)[0]
    assert planted
    assert "zq" not in made
    assert made.split()[0].rstrip(":,") == message.split()[0].rstrip(":,") or "zq" in message.split()[0]


def test_accounts_and_things_of_a_cloud_have_stand_ins() -> None:
    said = hidden(
        "arn:aws:eks:eu-west-1:123456789012:cluster/default of account 123456789012",
        "instance i-0abc1234def567890 in vpc-0a1b2c3d", "pod i-am-no-instance", "account 12 at 1772345002123456",
    )  # fmt: skip
    assert said == [
        "arn:aws:eks:eu-west-1:name-1:cluster/default of account name-1",
        "instance name-2 in name-3", "pod i-am-no-instance", "account 12 at 1772345002123456",
    ]  # fmt: skip


@pytest.mark.parametrize("said", ["self-signed", "bootstrap-data", "read-only", "add-ons", "k3s-default"])
def test_joined_words_behind_cluster_are_no_name(said: str) -> None:
    assert hidden(f"the cluster {said} x", f"{said} again") == [f"the cluster {said} x", f"{said} again"]


def advices() -> list[str]:
    folder = Path(catalogue.__file__).parent
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.toml"))]
    return [advise(text) for file in names for name, text in strings(load(file)) if name == "advice"]


@pytest.mark.long
def test_no_advice_of_ours_loses_a_word() -> None:
    said = advices()
    assert len(said) > 1000
    finding = ready_start().findings[0]
    findings = tuple(replace(finding, advice=text, title="t", detail="d") for text in said)
    hostile = replace(ready_start(), host="command", findings=findings)  # a machine called like a word of them
    made = anonymize(redacted(report_of(hostile))).starts[0].findings
    assert [(a, b.advice) for a, b in zip(said, made, strict=True) if b.advice != a] == []


def test_what_a_log_puts_into_an_advice_is_treated() -> None:
    finding = ready_start().findings[0]
    own = "psql 'postgres://USER@HOST:5432/NAME' from this machine."
    filled = replace(finding, advice=f"{own} Look at /srv/zqdata/x on 192.168.7.7, --token zq3cret: {own}")
    made = anonymize(redacted(report_of(replace(ready_start(), findings=(filled,))))).starts[0].findings[0]
    assert "zq" not in made.advice and "192.168" not in made.advice


def hidden(*texts: str, hosts: tuple[str, ...] = ()) -> list[str]:
    names = Pseudonyms()
    names.learn(texts, hosts)
    return [names.apply(t) for t in texts]


@pytest.mark.parametrize(
    "kept",
    [
        "Serving securely on 127.0.0.1:6444",
        "Starting k3s v1.33.4+k3s1 (148243c4)",
        "Kine available at unix://kine.sock",
        "service 10.43.0.1 and pods 10.42.0.0/16, also 0.0.0.0 and ::1 and [::]:6443",
        "I0301 06:03:22.123456    1193 genericapiserver.go:767] Skipping API apps/v1beta1 because it has no resources.",
        "namespaces \"kube-system\" not found",
        'leases.coordination.k8s.io "apiserver-abcdefghij0123456789klmnop" not found',
        'Unable to register node with API server err="Post \\"https://127.0.0.1:6443/api/v1/nodes\\": EOF"',
        "open /var/lib/rancher/k3s/server/tls/client-ca.crt: no such file or directory",
        "Get \"https://127.0.0.1:6444/apis/apiregistration.k8s.io/v1/apiservices?timeout=32s\"",
        "k3s.service: Main process exited, code=exited, status=1/FAILURE",
        "[-]poststarthook/rbac/bootstrap-roles failed: reason withheld",
        "journalctl -u k3s -b --no-pager -o short-precise",
        "registry.k8s.io/pause:3.9 and docker.io/rancher/mirrored-pause:3.6",
        "time 06:03:22.5 on 2026-03-01, 1.5 s, ratio 10:1",
        "User \"system:kube-controller-manager\" cannot list",
        "certificate CN=k3s-client-ca@1772345002 signed by CN=system:admin,O=system:masters",
    ],
)  # fmt: skip
def test_what_tells_nothing_of_anybody_stays(kept: str) -> None:
    assert hidden(kept) == [kept]


def test_the_same_thing_has_the_same_stand_in_everywhere() -> None:
    a, b, c = hidden(
        'node="alphaq" joined from 192.168.7.7',
        "lookup alphaq on 192.168.7.8:53",
        "alphaq-1a2b3c4d at https://192.168.7.7:2380",
    )
    assert a == 'node="host-1" joined from 192.0.2.1'
    assert b == "lookup host-1 on 192.0.2.2:53"
    assert c == "host-1-1a2b3c4d at https://192.0.2.1:2380"


def test_a_host_in_a_domain_and_without_it_is_one_host() -> None:
    a, b = hidden("alphaq.corp.example.net is up", "ping alphaq", hosts=("alphaq.corp.example.net",))
    assert "alphaq" not in a + b and "corp" not in a
    assert a.split(".")[0] == b.split()[-1]


def test_stand_ins_are_never_taken_from_the_text_itself() -> None:
    a, b = hidden("from 192.0.2.1 to 192.168.1.1", "host-1 and 2001:db8::1", hosts=("betaq",))
    assert a == "from 192.0.2.2 to 192.0.2.3"
    assert "2001:db8::1" not in b


@pytest.mark.long
def test_thousands_of_names_and_addresses_take_no_longer_each_than_few() -> None:
    texts = [f'node="n{n}q" at 10.{n >> 8}.{n & 255}.9 and [2a01::{n:x}:1] in /srv/p{n}q/x' for n in range(4000)]
    assert len(set(hidden(*texts))) == 4000
    assert proportional(lambda count: hidden(*texts[:count]), 4000)


@pytest.mark.parametrize(
    "piece",
    ["a.", "a-", "/a", "a/", "node=", 'node="', "https://", "https://a:", "1.", "a:", "::", "0:", "@",
     "a@b.", "x ", "=",
     "certificate is valid for ", "lookup ", "/namespaces/a", "CN=",
     "--node-name ", 'secrets "a/', "Node password rejected ",
     "system:serviceaccount:", "[", "a" * 70 + ".", "/registry/a/", "a.com/", "b:***@"],
)  # fmt: skip
def test_hostile_text_costs_no_more_than_its_length(piece: str) -> None:
    assert proportional(lambda size: hidden(piece * (size // len(piece))), 40_000)


def test_how_k3s_notes_addresses_of_its_certificate() -> None:
    assert hidden("listener.cattle.io/cn-2a01_4f8__1:x") == ["listener.cattle.io/cn-2001_db8__1:x"]


def test_more_addresses_than_the_documentation_ranges_hold_stay_apart() -> None:
    texts = [f"at 10.{n >> 8}.{n & 255}.9:1" for n in range(2000)]
    made = hidden(*texts)
    assert len(set(made)) == len(texts)


def strings(value: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in strings(item, key)]
    if isinstance(value, list):
        return [found for item in value for found in strings(item, name)]
    return [(name, value)] if isinstance(value, str) else []


def test_what_this_program_says_itself_stays() -> None:
    said = [
        text for file in files() for name, text in strings(load(file)) if name in ("advice", "title", "description")
    ]
    assert len(said) > 400
    assert [text for text in said if "password@" not in text and hidden(text) != [text]] == []
