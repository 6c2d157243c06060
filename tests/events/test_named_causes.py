"""What the last words of a process mean, by the catalogue and the layers together: facts read in the sources."""

from __future__ import annotations

import json
import re

import pytest

from analyzer.events import chain
from analyzer.events.catalogue import info, match
from analyzer.events.causes import Cause, cause_of
from tests.events.examples import journal


def known(text: str, product: str = "unknown") -> Cause:
    """The cause of an end, which must be known."""
    cause = cause_of(text, product)
    assert cause is not None, text
    return cause


def marks(line: str) -> set[str]:
    """The ids of the catalogue on one line of k3s."""
    return {mark.id for mark in match(journal([line])[0])}


def line(level: str, text: str) -> str:
    quoted = text.replace('"', '\\"')
    return f'time="2026-02-03T10:20:30Z" level={level} msg="{quoted}"'


@pytest.mark.parametrize(
    ("text", "finding", "title"),
    [
        ("failed to validate token: failed to get CA certs: Unauthorized", "not_a_server", "not a supervisor"),
        ('preparing server: https://192.0.2.1:6443/cacerts: cannot get path "/cacerts"', "not_a_server", "supervisor"),
        ("failed to validate token: failed to get CA certs: starting", "server_unreachable", "still starting"),
        (
            "failed to get CA certs: dial tcp 192.0.2.1:6443: connect: connection refused",
            "server_unreachable",
            "CA of the server",
        ),
        (
            "failed to start kubelet: prepare default configuration drop-in: pids cgroup controller not found",
            "cgroup_pids",
            "pids",
        ),
        (
            "failed to start kubelet: prepare default configuration drop-in: "
            "delegated cgroup v2 controllers are required for rootless",
            "rootless_cgroups",
            "controllers",
        ),
        (
            "Failed waiting for static pods to deploy: timed out waiting for the condition",
            "static_pods",
            "control plane",
        ),
        ("Failed to apply authorization configuration: x", "auth_config", "HTTPS port"),
        ("failed to normalize server token; must be in format K10", "token_malformed", "cannot be read"),
        ("interface eth1 does not have a correct global unicast ip: no such network interface", "node_ip", "address"),
    ],
)
def test_the_cause_has_its_id_and_its_title(text: str, finding: str, title: str) -> None:
    cause = known(text)
    assert cause.finding == finding
    assert re.search(title, cause.title)


def test_the_kernel_without_pids_is_told_in_the_newest_release_as_well() -> None:
    rule = info("cgroup_pids")
    assert rule is not None
    assert rule.until is None


def test_a_manifest_that_cannot_be_read_is_no_value_of_config_yaml() -> None:
    bad = "failed to process /var/lib/rancher/k3s/server/manifests/x.yaml: yaml: line 3: mapping values are not allowed"
    for text in (bad, f"Failed to process config: {bad}"):
        assert "bad_value" not in marks(line("error", text))
    cause = known(bad)
    assert (cause.finding, cause.title) == (
        "failed_step",
        "A manifest could not be applied: what it read cannot be parsed",
    )
    assert "{config}" not in cause.advice
    assert "bad_value" in marks(line("fatal", "Error: failed to read config: yaml: line 3: mapping values"))


def test_the_files_of_the_administrator_are_not_blamed_for_the_agents_own_port() -> None:
    cause = known("Failed to apply authentication configuration: open /x/client-ca.crt: no such file or directory")
    assert cause.finding == "auth_config"
    assert "kube-apiserver-arg" not in cause.advice
    assert "client-ca.crt" in cause.advice


def test_a_bootstrap_token_on_a_server_is_explained() -> None:
    cause = known(
        "preparing server: failed to normalize server token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD>"
    )
    assert re.search("bootstrap token.*only agents", cause.advice)


def test_what_is_unpacked_anew_at_every_start_need_not_be_removed() -> None:
    for text in (
        "Hash for file bin/containerd expected to be 1f2e (fail)",
        "Link for file bin/x expected to be y (fail)",
    ):
        assert "damaged_data_dir" in marks(line("error", text))
    assert not re.search(r"[Rr]emove \{data\}/data/<hash>", known("Unable to verify sums: x").advice)


def test_a_mere_warning_about_an_interface_is_no_cause() -> None:
    words = "unable to get global unicast ip from interface name: route ip+net: no such network interface"
    assert "node_ip" not in marks(line("warning", words))
    assert "node_ip" in marks(line("fatal", "interface eth1 does not have a correct global unicast ip: x"))


def test_a_kubelet_that_rke2_runs_again_is_a_problem_and_no_end() -> None:
    told = marks(line("error", "Kubelet exited: exit status 1"))
    assert told == {"kubelet_exited"}
    assert "component_exited" in marks(line("error", "kubelet exited: exit status 1"))


def _titles(text: str) -> list[str]:
    return [link.layer.title for link in chain.read(text).links]


def test_every_error_of_a_list_is_read() -> None:
    both = "preparing server: [failed to download snapshot from S3, failed to get CA certs: Unauthorized]"
    assert _titles(both)[1:] == [
        *_titles("failed to download snapshot from S3"),
        *_titles("failed to get CA certs: Unauthorized"),
    ]
    nested = "preparing server: [failed to stage files: [x, y], failed to get CA certs]"
    assert _titles(nested)[-1] == _titles("failed to get CA certs")[0]
    # A comma outside of a list is part of a sentence.
    assert len(_titles("preparing server: [x], failed to get CA certs")) == 1
    assert len(_titles("preparing server: x, failed to get CA certs")) == 1


@pytest.mark.parametrize(
    ("text", "finding", "title"),
    [
        (
            "failed to start networking: unable to initialize network policy controller: protocol not supported",
            "network_start",
            "the kernel cannot do it",
        ),
        (
            "Failed to start networking: words nobody knows: operation not supported",
            "network_start",
            "the kernel cannot do it",
        ),
        (
            "preparing server: words nobody knows: listen tcp6 [::]:6444: address family not supported by protocol",
            "failed_step",
            "the kernel has no such addresses",
        ),
    ],
)
def test_a_module_that_the_kernel_lacks_is_a_class_of_its_own(text: str, finding: str, title: str) -> None:
    cause = known(text)
    assert cause.finding == finding
    assert cause.title.endswith(title)
    assert re.search("kernel", cause.advice + cause.means)


def zap(message: str, **fields: str) -> str:
    head = {"level": "warn", "ts": "2026-02-03T10:20:30.123456Z", "caller": "etcdserver/x.go:1", "msg": message}
    return json.dumps(head | fields)


@pytest.mark.parametrize(
    "text",
    [
        zap("failed to apply request", took="13.9µs", response="", error="etcdserver: no space"),
        zap("alarm raised", alarm="NOSPACE"),
        zap(
            "retrying of unary invoker failed",
            error="rpc error: code = ResourceExhausted desc = etcdserver: mvcc: database space exceeded",
        ),
        "2026-02-03 10:20:30.123456 W | etcdserver: alarm NOSPACE raised by peer 1a2b3c4d",
        "2026-02-03 10:20:30.123456 W | etcdserver: failed to apply request with response () took (9µs) "
        "to execute, err is etcdserver: no space",
        line("error", "error while creating lease: etcdserver: mvcc: database space exceeded"),
        line("fatal", "starting kubernetes: preparing server: start managed database: etcdserver: no space"),
        "E0203 10:20:30.123456    1193 leaderelection.go:330] error retrieving resource lock: etcdserver: no space",
    ],
)
def test_every_wording_of_etcds_full_database(text: str) -> None:
    assert "etcd_quota" in marks(text)
    assert "no_space" not in marks(text)


def test_another_alarm_or_error_of_etcd_is_not_its_quota() -> None:
    for text in (
        zap("alarm raised", alarm="CORRUPT"),
        zap("failed to apply request", error="etcdserver: lease not found"),
    ):
        assert "etcd_quota" not in marks(text)


def test_a_full_database_at_the_end_of_a_chain_is_no_full_disk() -> None:
    for text in ("etcdserver: no space", "etcdserver: mvcc: database space exceeded"):
        assert known(f"preparing server: start managed database: {text}").finding == "etcd_quota"
    assert known("preparing server: write /x: no space left on device").finding == "no_space"


@pytest.mark.parametrize("outer", ["", "starting kubernetes: ", "starting kubernetes: preparing server: "])
def test_a_file_without_a_name_is_a_flag_that_other_servers_have(outer: str) -> None:
    cause = known(f"{outer}failed to write to : open : no such file or directory")
    assert "secrets-encryption" in cause.title
    assert "secrets-encryption" in cause.advice
    named = known(
        f"{outer}failed to write to /x/tls/server-ca.crt: open /x/tls/server-ca.crt: no such file or directory"
    )
    assert "secrets-encryption" not in named.title


def test_a_copy_of_a_database_is_no_snapshot() -> None:
    words = "preparing server: start managed database: snapshot missing hash but --skip-hash-check=false"
    assert known(words).title == "The file is not a snapshot of etcd"


def test_a_cut_validation_names_no_value_that_is_not_valid() -> None:
    whole = "starting kubernetes: preparing server: failed to validate server configuration: critical"
    for width in range(len("starting kubernetes: preparing server: failed to validate "), len(whole)):
        assert "bad_value" not in marks(whole[:width]), whole[:width]
    assert "bad_value" in marks("failed to validate cluster-cidr: it is no network")
