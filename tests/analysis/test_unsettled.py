"""What forbids to call a start healthy: open waits, alarming lines that nobody knows, dumps without their head."""

from __future__ import annotations

import pytest

from analyzer.errors import NoDataError
from analyzer.reports import narrative
from analyzer.results import StartReport
from tests.starts.pasted import READY, finding, names, only

_NODE = (
    'May 04 08:00:{at} node-a k3s[812]: time="2026-05-04T08:00:{at}Z" level=info msg="Waiting for control-plane node '
    'node-a startup: nodes \\"node-a\\" not found"\n'
)
_SET = (
    'May 04 08:00:12 node-a k3s[812]: time="2026-05-04T08:00:12Z" level=info msg="Labels and annotations have been set '
    'successfully on node: node-a"\n'
)
_CALM = (
    'May 04 08:00:40 node-a k3s[812]: time="2026-05-04T08:00:40Z" level=info msg="Starting /v1, Kind=Node controller"\n'
)
_UNIMPLEMENTED = (
    'May 04 08:00:{at} node-a k3s[812]: time="2026-05-04T08:00:{at}Z" level=info msg="Waiting for containerd startup: '
    'rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService"\n'
)


def to_do(start: StartReport) -> str:
    return " ".join([narrative.nothing_to_do(start), *(f.title for f in narrative.troubles(start))])


def test_a_start_that_waits_for_its_node_at_the_end_is_not_called_healthy() -> None:
    start = only(READY + _NODE.format(at="10") + _NODE.format(at="11"))
    assert "healthy" not in names(start)
    assert "node's registration" in finding(start, "open_wait").detail
    assert any("API server alone" in line for line in narrative.verdict(start))
    assert "healthy" not in to_do(start)


@pytest.mark.parametrize("after", [_SET, _CALM])
def test_a_wait_that_is_over_or_was_not_said_again_forbids_nothing(after: str) -> None:
    assert "open_wait" not in names(only(READY + _NODE.format(at="10") + _NODE.format(at="11") + after))


@pytest.mark.parametrize(("level", "whole"), [("error", False), ("fatal", True)])
def test_a_line_of_unknown_words_at_a_bad_level_is_not_called_normal(level: str, whole: bool) -> None:
    line = (
        f'May 04 08:00:20 node-a k3s[812]: time="2026-05-04T08:00:20Z" level={level} msg="the left sprocket is bent"\n'
    )
    shown = READY if whole else "\n".join(READY.strip().splitlines()[1:]) + "\n"  # without the banner
    assert "healthy" not in names(only(shown + line))


def test_a_runtime_that_answers_unimplemented_lacks_its_plugin() -> None:
    start = only(READY + _UNIMPLEMENTED.format(at="10") + _UNIMPLEMENTED.format(at="11"))
    told = finding(start, "cri_missing")
    assert "without its CRI plugin" in told.title and "containerd.log" in told.advice
    assert "noise_explained" not in names(start)


_FRAMES = """
Jun 02 10:00:00 box rke2[77]: time="2026-06-02T10:00:00Z" level=warning msg="not running in CIS mode"
Jun 02 10:02:00 box rke2[77]: goroutine 88 [running]:
Jun 02 10:02:00 box rke2[77]: k8s.io/klog/v2.stacks(0xc0000001, 0xc0000002)
Jun 02 10:02:00 box rke2[77]:         /go/src/vendor/k8s.io/klog/v2/klog.go:900 +0xb9
Jun 02 10:02:00 box rke2[77]: k8s.io/klog/v2.{how}(...)
Jun 02 10:02:00 box rke2[77]: k8s.io/kubernetes/pkg/kubelet/sprockets.turnAll(0x51, 0xc0)
Jun 02 10:02:00 box rke2[77]:         /go/src/kubernetes/pkg/kubelet/sprockets/turn.go:30 +0x32
"""


@pytest.mark.parametrize(("how", "purpose"), [("Fatalf", True), ("FatalDepth", True), ("printf", False)])
def test_a_dump_without_its_head_names_where_it_ended(how: str, purpose: bool) -> None:
    start = only(_FRAMES.format(how=how))
    title = finding(start, "crashed").title
    assert "sprockets.turnAll" in title and ("on purpose" in title) is purpose
    assert [one.id for one in narrative.troubles(start)] == ["crashed"]


_CONTAINERD = (
    'time="2026-06-02T10:00:00.100000000Z" level=info msg="starting containerd" revision= version=1.7.1\n'
    'time="2026-06-02T10:00:00.200000000Z" level=warning msg="failed to load plugin io.containerd.grpc.v1.cri" '
    'error="open {where}/agent/containerd/x: too many open files"\n'
)


def test_containerds_own_log_is_known_by_its_paths_alone() -> None:
    start = only(_CONTAINERD.format(where="/var/lib/rancher/k3s"))
    assert {"component_log", "containerd_plugin"} <= names(start) or "component_log" in names(start)
    assert start.product == "k3s" and "component" in narrative.verdict(start)[0]
    with pytest.raises(NoDataError):
        only(_CONTAINERD.format(where="/var/lib/other"))


def test_a_panic_in_frames_of_ours_is_a_trace_of_k3s() -> None:
    start = only(
        'time="2026-06-02T10:00:00.100000000Z" level=info msg="ImageUpdate event &ImageUpdate{Name:a,}"\n'
        "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 9 [running]:\n"
        "github.com/k3s-io/containerd/pkg/wheels.(*cog).Turn(0x1)\n\t/go/src/wheels/cog.go:12 +0x3a\n"
    )
    assert "wheels.(*cog).Turn" in finding(start, "crashed").detail
    assert "component" in narrative.verdict(start)[0]


def test_a_refused_label_is_a_failure_that_says_what_to_take_out() -> None:
    start = only(
        "Jun 02 10:00:00 box k3s[9]: F0602 10:00:00.000001       9 server.go:200] unknown 'kubernetes.io' or 'k8s.io' "
        "labels specified with --node-labels: [node-role.kubernetes.io/cog]\n"
    )
    assert start.outcome == "failed"
    assert "node-label" in finding(start, "label_refused").advice


def test_a_certificate_without_the_loopback_address_is_no_matter_of_tls_san() -> None:
    start = only(
        "# rke2 --debug agent\n"
        "WARN[0000] not running in CIS mode\n"
        'ERRO[0009] CA cert validation failed: Get "https://127.0.0.1:6444/cacerts": x509: certificate is valid for '
        "proxy.example, not 127.0.0.1\n"
    )
    told = narrative.troubles(start)[0]
    assert "tls-san" not in told.advice and "load balancer" in told.detail
    assert (start.product, start.role) == ("rke2", "agent")
    other = only(
        'ERRO[0009] CA cert validation failed: Get "https://192.0.2.4:6443/cacerts": x509: certificate is valid for '
        "127.0.0.1, 192.0.2.3, not 192.0.2.4\n"
    )
    assert "tls-san" in narrative.troubles(other)[0].advice


def test_a_cluster_reset_that_is_done_ended_as_planned() -> None:
    start = only(
        "INFO[0003] etcd of k3s closes, /var/lib/rancher/k3s\n"
        "INFO[0004] Managed etcd cluster membership has been reset, "
        "restart without --cluster-reset flag now. Backup and delete ${datadir}/server/db on each peer etcd server and "
        "rejoin the nodes\n"
    )
    assert narrative.verdict(start)[0].startswith("Ended as planned")


def test_an_end_that_gives_no_reason_says_so() -> None:
    start = only(
        'Jun 02 10:00:00 box k3s[9]: time="2026-06-02T10:00:00Z" level=fatal msg="starting kubernetes: '
        'preparing server: start cluster and https: raft_start(): "\n'
    )
    assert any("no reason given" in line for line in narrative.verdict(start) + [f.detail for f in start.findings])


def test_what_systemds_child_says_of_the_program_narrows_the_status() -> None:
    start = only(
        "Jun 02 10:00:00 box (k3s)[9]: k3s-agent.service: Failed at step EXEC spawning /usr/local/bin/k3s: Permission "
        "denied\nJun 02 10:00:00 box systemd[1]: k3s-agent.service: Main process exited, code=exited, status=203/EXEC\n"
    )
    assert start.outcome == "failed" and "exec_denied" in names(start)


@pytest.mark.parametrize(("version", "ready"), [("v1.17.4+k3s1", False), ("v1.21.1+k3s1", True)])
def test_staged_manifests_prove_nothing_before_there_was_a_gate(version: str, ready: bool) -> None:
    start = only(
        f'time="2021-06-02T10:00:00Z" level=info msg="Starting k3s {version} (75dba57f)"\n'
        'time="2021-06-02T10:00:09Z" level=info msg="Writing manifest: /var/lib/rancher/k3s/server/manifests/a.yaml"\n'
        'time="2021-06-02T10:00:29Z" level=info msg="Starting /v1, Kind=Node controller"\n'
    )
    assert (start.outcome == "ready") is ready
