"""The lines after readiness, and those of an end: what waited for the channel, the kubelet, a stop, a panic."""

from __future__ import annotations

from analyzer.testing.script_context import ScriptContext
from analyzer.testing.true_moments import RBAC

CONTROLLERS = (
    "serviceaccount-token-controller", "root-ca-certificate-publisher-controller", "ephemeral-volume-controller",
    "serviceaccount-controller", "garbage-collector-controller", "daemonset-controller", "deployment-controller",
    "horizontal-pod-autoscaler-controller", "ttl-controller", "node-ipam-controller", "node-lifecycle-controller",
    "endpointslice-controller", "replicationcontroller-controller", "resourcequota-controller", "job-controller",
    "replicaset-controller", "statefulset-controller", "disruption-controller",
)  # fmt: skip


class Aftermath(ScriptContext):
    """What follows once readiness was noticed, or never will be."""

    __slots__ = ()

    def gated(self, at: int) -> int:
        """Everything that waited for the channel; ``k3s is up and running`` is at the returned moment."""
        buffer, rel, product = self.buffer, self.rel, self.plan.product
        lines = ["Kube API server is now running"]
        if not rel.shared:
            lines.append("ETCD server is now running")
        up_and_running = f"{product} is up and running"
        if self.plan.hooks_s:
            at = self.run(at, *lines, step=0.0004) + round(self.plan.hooks_s * 1e6)
            at = up = self.run(at, up_and_running, step=0.0004)
        else:
            at = up = self.run(at, *lines, up_and_running, step=0.0004)
        others = [f"Creating {product}-supervisor event broadcaster"]
        if rel.minor < 36:
            others.append("Waiting for cloud-controller-manager privileges to become available")
        if rel.minor >= 32:
            others.append("Waiting for untainted node")
        buffer.rng.shuffle(others)
        at = self.run(at, *others, step=0.003)
        if product == "k3s":
            at = buffer.soon(at, 0.1 * self.plan.pace, 0.4 * self.plan.pace)
            first = f'"Starting" version="{self.plan.version}"' if rel.minor >= 27 else f"Version: {self.plan.version}"
            buffer.klog(at, "controllermanager.go:185", first)
            buffer.klog(at + 5300, "secure_serving.go:213", "Serving securely on 127.0.0.1:10257")
            begun = at + 5300
            for name in CONTROLLERS if rel.minor >= 27 else ():
                begun = buffer.soon(begun, 0.002, 0.25 * self.plan.pace)
                buffer.klog(begun, "controllermanager.go:765", f'"Started controller" controller="{name}"')
        crd = "Creating embedded CRD" if rel.minor >= 35 else "Applying CRD"
        at = self.run(at + 9000, f"{crd} addons.k3s.cattle.io", f"{crd} etcdsnapshotfiles.k3s.cattle.io", step=0.05)
        at = self.run(
            at,
            "Tunnel server egress proxy mode: agent",
            "Starting k3s.cattle.io/v1, Kind=Addon controller",
            "Creating deploy event broadcaster",
            "Starting /v1, Kind=Node controller",
            "Cluster dns configmap has been set successfully",
            step=0.08,
        )
        for kind in ("serviceaccounts", "deployments.apps", "replicasets.apps", "daemonsets.apps"):
            at = buffer.soon(at, 0.01, 0.2)
            buffer.klog(at, "controller.go:615", f"quota admission added evaluator for: {kind}")
        return up

    def kubelet(self, at: int) -> int:
        """From its first line to the node object; the moment of that."""
        buffer, host, pace = self.buffer, self.plan.host, self.plan.pace
        at = buffer.soon(at, 0.05 * pace, 0.2 * pace)
        buffer.klog(at, "server.go:515", f'"Kubelet version" kubeletVersion="{self.plan.version}"')
        at = buffer.soon(at, 0.2 * pace, 0.5 * pace)
        buffer.klog(at, "server.go:1282", '"Started kubelet"')
        buffer.klog(buffer.soon(at), "kubelet.go:2382", '"Starting kubelet main sync loop"')
        at = buffer.soon(at, 0.05 * pace, 0.3 * pace)
        buffer.klog(at, "kubelet_node_status.go:75", f'"Attempting to register node" node="{host}"')
        done = buffer.soon(at, 0.01, 0.05 * pace)
        old = host in self.stored.names
        text = '"Node was previously registered"' if old else '"Successfully registered node"'
        buffer.klog(done, "kubelet_node_status.go:78", f'{text} node="{host}"')
        text = "have already set on node" if old else "have been set successfully on node"
        buffer.log(buffer.soon(done, 0.005, 0.03), f"Annotations and labels {text}: {host}")
        if self.plan.node_ready_s:
            says = done + round(self.plan.node_ready_s * 1e6)
            buffer.klog(says, "kubelet_node_status.go:501", '"Fast updating node status as it just became ready"')
        return done

    def panic(self, at: int, text: str) -> int:
        """k3s' klog panics where the stock one exits; the moment of the last line."""
        buffer = self.buffer
        buffer.klog(at, "hooks.go:204", text, "F")
        head = f"F{buffer.wall.at(at):%m%d %H:%M:%S.%f} {buffer.pid:>7} hooks.go:204] {text}"
        buffer.raw(at + 200, f"panic: {head}")
        buffer.raw(at + 210, "")
        frames = (
            "goroutine 3187 [running]:",
            "k8s.io/klog/v2.(*loggingT).output(0x7b1c0e0, 0x3, 0x0, 0xc00a8d2310, 0x1, {0x5d0e6c3?, 0x1?}, 0x0?, 0x0)",
            "\t/go/pkg/mod/github.com/k3s-io/klog/v2@v2.120.1-k3s1/klog.go:965 +0x6d5",
            "k8s.io/apiserver/pkg/server.runPostStartHook({0xc0004f2e00, 0x15}, {0xc00b1f3d70, {0xc0021a4000, 0x1}})",
            "\t/go/pkg/mod/github.com/k3s-io/kubernetes/staging/src/k8s.io/apiserver/pkg/server/hooks.go:204 +0x2b4",
            "created by k8s.io/apiserver/pkg/server.(*GenericAPIServer).RunPostStartHooks in goroutine 1702",
            "\t/go/pkg/mod/github.com/k3s-io/kubernetes/staging/src/k8s.io/apiserver/pkg/server/hooks.go:172 +0xb6",
        )
        for number, frame in enumerate(frames):
            buffer.raw(at + 220 + number * 6, frame)
        return at + 300

    def closing(self, at: int, *, before_ready: bool) -> None:
        """The noise of a stop."""
        buffer = self.buffer
        if self.rel.says_signal:
            buffer.log(at, 'signal received: "terminated", canceling context...', "warning")
        buffer.log(at + 300, "TTL events watch channel closed")
        if not before_ready:
            for number, kind in enumerate(("/v1, Kind=Node", "k3s.cattle.io/v1, Kind=Addon")):
                buffer.log(at + 700 + 60 * number, f"Shutting down {kind} workers")
        if self.plan.role == "server" and self.plan.product == "k3s":
            buffer.klog(at + 13000, "controller.go:133", "Shutting down kubernetes service endpoint reconciler")


def hook_failure() -> tuple[str, str]:
    """``(line, what a reader must name)`` of the rbac hook's limit."""
    name = RBAC.removeprefix("poststarthook/")
    text = f'PostStartHook "{name}" failed: unable to initialize roles: timed out waiting for the condition'
    return text, f'PostStartHook "{name}" failed'
