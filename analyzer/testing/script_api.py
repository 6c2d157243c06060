"""The lines of kube-apiserver: its boot, its hooks, and what follows from their work (the witness lines).

Texts follow recordings of real servers of 1.28 to 1.35; other minors are interpolated. File names in klog headers
are real, line numbers are those of one release.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.testing.log_wording import go_quote
from analyzer.testing.script_context import ScriptContext
from analyzer.testing.true_moments import BOOTSTRAP, CIDR, FLOW, IP_REPAIR, LEASE, TrueMoments
from analyzer.testing.truth import SECOND

# Checks whose added work on an empty datastore is a request that takes so long: the server prints a trace of it.
_TRACED = {
    FLOW: '"Create" api-group:flowcontrol.apiserver.k8s.io,resource:flowschemas',
    BOOTSTRAP: '"List" api-version:v1,resource:services',
    IP_REPAIR: '"List" api-version:v1,resource:services',
    LEASE: '"Delete" api-group:coordination.k8s.io,resource:leases',
    "autoregister-completion": '"Create" api-group:apiregistration.k8s.io,resource:apiservices',
}
_TRACED_S = 0.5  # from so long on
ADMISSION = (
    "NamespaceLifecycle,LimitRanger,ServiceAccount,NodeRestriction,TaintNodesByCondition,Priority,"
    "DefaultTolerationSeconds,DefaultStorageClass,StorageObjectInUseProtection,RuntimeClass,DefaultIngressClass,"
    "MutatingAdmissionWebhook"
)
VALIDATION = (
    "LimitRanger,ServiceAccount,PodSecurity,Priority,PersistentVolumeClaimResize,RuntimeClass,CertificateApproval,"
    "CertificateSigning,ClusterTrustBundleAttest,CertificateSubjectRestriction,ValidatingAdmissionPolicy,"
    "ValidatingAdmissionWebhook,ResourceQuota"
)
POLICY = (
    "*generic.policySource[*k8s.io/api/admissionregistration/v1.ValidatingAdmissionPolicy,"
    "*k8s.io/api/admissionregistration/v1.ValidatingAdmissionPolicyBinding,"
    "k8s.io/apiserver/pkg/admission/plugin/policy/validating.Validator]"
)
GROUPS = (
    ("apiextensions.k8s.io", "v1", ("v1beta1",)), ("", "v1", ()),
    ("authentication.k8s.io", "v1", ("v1beta1", "v1alpha1")), ("authorization.k8s.io", "v1", ("v1beta1",)),
    ("autoscaling", "v2", ("v2beta1", "v2beta2")), ("batch", "v1", ("v1beta1",)),
    ("certificates.k8s.io", "v1", ("v1beta1", "v1alpha1")), ("coordination.k8s.io", "v1", ("v1beta1",)),
    ("discovery.k8s.io", "v1", ("v1beta1",)), ("networking.k8s.io", "v1", ("v1beta1",)),
    ("node.k8s.io", "v1", ("v1beta1", "v1alpha1")), ("policy", "v1", ("v1beta1",)),
    ("rbac.authorization.k8s.io", "v1", ("v1beta1", "v1alpha1")), ("scheduling.k8s.io", "v1", ("v1beta1",)),
    ("storage.k8s.io", "v1", ("v1beta1", "v1alpha1")), ("flowcontrol.apiserver.k8s.io", "v1", ("v1beta2",)),
    ("apps", "v1", ("v1beta2", "v1beta1")), ("admissionregistration.k8s.io", "v1", ("v1beta1",)),
    ("events.k8s.io", "v1", ("v1beta1",)), ("apiregistration.k8s.io", "v1", ("v1beta1",)),
)  # fmt: skip


# Who says that it begins, what it then waits for, and whether that is one of the aggregator's own caches.
_WAITERS = (
    ("APIServiceRegistrationController", "APIServiceRegistrationController", True),
    ("Starting LocalAvailability controller", "LocalAvailability", True),
    ("Starting RemoteAvailability controller", "RemoteAvailability", True),
    ("AvailableConditionController", "AvailableConditionController", True),
    ("crd-autoregister", "crd-autoregister", False),
    ("cluster_authentication_trust_controller", "cluster_authentication_trust_controller", False),
    ("ipallocator-repair-controller", "ipallocator-repair-controller", False),
    ("kubernetes-service-cidr-controller", "kubernetes-service-cidr-controller", False),
)


class ApiServer(ScriptContext):
    """What the API server says at its ``TrueMoments``."""

    __slots__ = ()

    def synced(self, at: int, name: str, *, cache: bool = False) -> None:
        """A waiter saw that a cache is filled; ``cache``: one of the aggregator's own, whose text never changed."""
        if cache:
            self.buffer.klog(at, "cache.go:39", f"Caches are synced for {name} controller")
        elif not self.rel.structured_sync:
            self.buffer.klog(at, "shared_informer.go:320", f"Caches are synced for {name}")
        elif self.rel.minor >= 36 and self.plan.product == "k3s":  # contextual logging: these go through logrus
            self.buffer.log(at, "Caches are synced", controller=name, logger="k3s")
        else:
            self.buffer.klog(at, "shared_informer.go:356", f'"Caches are synced" controller="{name}"')

    def waiting(self, at: int, name: str, *, cache: bool = False) -> None:
        """A waiter begins."""
        if cache:
            self.buffer.klog(at, "cache.go:32", f"Waiting for caches to sync for {name} controller")
        elif not self.rel.structured_sync:
            self.buffer.klog(at, "shared_informer.go:313", f"Waiting for caches to sync for {name}")
        else:
            self.buffer.klog(at, "shared_informer.go:349", f'"Waiting for caches to sync" controller="{name}"')

    def handle_error(self, at: int, where: str, text: str) -> None:
        """An error handed to ``HandleError``."""
        shown = f'"Unhandled Error" err={go_quote(text)} logger="UnhandledError"' if self.rel.wraps_errors else text
        self.buffer.klog(at, where, shown, "E")

    def boot(self, moments: TrueMoments) -> None:
        """From the version to the last API group."""
        buffer, marks = self.buffer, moments.marks
        at = marks["version"]
        buffer.klog(at - 1200, "options.go:238", f"external host was not specified, using {self.address}")
        buffer.klog(at, "server.go:155", f"Version: {self.plan.version}")
        buffer.klog(buffer.soon(at), "server.go:157", '"Golang settings" GOGC="" GOMAXPROCS="" GOTRACEBACK=""')
        at = marks["plugins"]
        order = "admission controller(s) successfully in the following order:"
        buffer.klog(at, "plugins.go:157", f"Loaded {ADMISSION.count(',') + 1} mutating {order} {ADMISSION}.")
        buffer.klog(at + 60, "plugins.go:160", f"Loaded {VALIDATION.count(',') + 1} validating {order} {VALIDATION}.")
        buffer.klog(at + 380, "instance.go:233", "Using reconciler: lease")
        self.waiting(at + 800, "node_authorizer")
        if self.rel.minor >= 30:
            self.waiting(at + 870, POLICY)
        step = (marks["groups"] - at) // (len(GROUPS) + 1)
        for number, (group, kept, dropped) in enumerate(GROUPS, 1):
            moment = at + number * step
            buffer.klog(moment, "handler.go:286", f"Adding GroupVersion {group} {kept} to ResourceManager")
            for other, version in enumerate(dropped, 1):
                text = f"Skipping API {group}/{version} because it has no resources."
                buffer.klog(moment + 40 * other, "genericapiserver.go:767", text, "W")

    def serve(self, moments: TrueMoments) -> None:
        """``Serving securely`` and the hooks' burst in random order."""
        buffer, minor = self.buffer, self.rel.minor
        where = "127.0.0.1:6444" if self.plan.product == "k3s" else "[::]:6443"
        buffer.klog(moments.serving, "secure_serving.go:213", f"Serving securely on {where}")
        tls = f"{self.dir}/server/tls"
        at = buffer.soon(moments.serving, 0.00005, 0.0002)
        ca = "dynamic_cafile_content.go:161"
        buffer.klog(at, ca, f'"Starting controller" name="request-header::{tls}/request-header-ca.crt"')
        buffer.klog(at + 40, "tlsconfig.go:243", '"Starting DynamicServingCertificateController"')
        quoted = minor >= 35
        trust = "cluster_authentication_trust_controller"
        proxy = f"aggregator-proxy-cert::{tls}/client-auth-proxy.crt::{tls}/client-auth-proxy.key"
        burst: list[tuple[str, str]] = [
            ("controller.go:80", "Starting OpenAPI V3 AggregationController"),
            ("controller.go:78", "Starting OpenAPI AggregationController"),
            (f"{trust}.go:462", f"Starting {trust} controller"),
            ("apf_controller.go:377", "Starting API Priority and Fairness config controller"),
            ("apiservice_controller.go:100", "Starting APIServiceRegistrationController"),
            ("aggregator.go:169", "waiting for initial CRD sync..."),
            ("customresource_discovery_controller.go:292", "Starting DiscoveryController"),
            ("crdregistration_controller.go:114", "Starting crd-autoregister controller"),
            ("naming_controller.go:294", "Starting NamingConditionController"),
            ("establishing_controller.go:81", "Starting EstablishingController"),
            ("crd_finalizer.go:269", "Starting CRDFinalizer"),
            ("dynamic_serving_content.go:135", f'"Starting controller" name="{proxy}"'),
        ]  # fmt: skip
        if minor >= 31:
            burst.append(("local_available_controller.go:156", "Starting LocalAvailability controller"))
            burst.append(("remote_available_controller.go:411", "Starting RemoteAvailability controller"))
        else:
            burst.append(("available_controller.go:423", "Starting AvailableConditionController"))
        if minor >= 26:
            text = (
                '"Starting apiserver lease garbage collector"'
                if quoted
                else "Starting apiserver lease garbage collector"
            )
            burst.append(("gc_controller.go:78", text))
            text = (
                '"Starting legacy_token_tracking_controller"' if quoted else "Starting legacy_token_tracking_controller"
            )
            burst.append(("controller.go:119", text))
        if minor >= 27:
            burst.append(("system_namespaces_controller.go:66", "Starting system namespaces controller"))
        if 27 <= minor < 30:
            burst.append(("handler_discovery.go:412", "Starting ResourceDiscoveryManager"))
        if minor >= 33:
            burst.append(("repairip.go:210", "Starting ipallocator-repair-controller"))
            burst.append(("default_servicecidr_controller.go:110", "Starting kubernetes-service-cidr-controller"))
        buffer.rng.shuffle(burst)
        at = moments.marks["hooks"]
        for where, text in burst:
            at = buffer.soon(at, 0.00002, 0.0006)
            buffer.klog(at, where, text)
            for part, name, cache in _WAITERS:
                if part in text:
                    self.waiting(at + 3, name, cache=cache)
            if "cluster_authentication_trust_controller" in text:
                self.waiting(at + 9, "configmaps")
        if "old_lease" in moments.marks:
            lease = "kube-system/apiserver-wlv32tlttr4jl3gtroqexyxapa"
            buffer.klog(
                moments.marks["old_lease"], "controller.go:113", f'"Deleting old lease on startup" lease="{lease}"'
            )

    def hooks(self, moments: TrueMoments) -> None:
        """The witness lines, each at the moment that follows from the hook's work."""
        buffer, marks, stored, minor = self.buffer, moments.marks, self.stored, self.rel.minor
        self.synced(marks["node_authorizer"], "node_authorizer")
        if minor >= 30:
            self.synced(marks["policy"], POLICY)
        self.synced(marks["authentication"], "cluster_authentication_trust_controller")
        self.synced(marks["configmaps"], "configmaps")
        available = ("LocalAvailability", "RemoteAvailability") if minor >= 31 else ("AvailableConditionController",)
        for name, mark in zip(available, ("local", "remote"), strict=False):
            self.synced(marks[mark], name, cache=True)
        self.synced(marks["registration"], "APIServiceRegistrationController", cache=True)
        if minor >= 30:
            buffer.klog(marks["discovery"], "handler_discovery.go:451", "Starting ResourceDiscoveryManager")
        buffer.klog(marks["flow"], "apf_controller.go:382", "Running API Priority and Fairness config worker")
        buffer.klog(
            marks["flow"] + 25,
            "apf_controller.go:385",
            "Running API Priority and Fairness periodic rebalancing process",
        )
        self.synced(marks["crd"], "crd-autoregister")
        buffer.klog(marks["crd_complete"], "aggregator.go:171", "initial CRD sync complete...")
        at = marks["autoregister"]
        buffer.klog(at - 8, "autoregister_controller.go:144", "Starting autoregister controller")
        self.waiting(at - 4, "autoregister", cache=True)
        self.synced(at, "autoregister", cache=True)
        self._services(moments)
        if not stored.classes:
            buffer.klog(
                buffer.soon(marks["crd"]), "controller.go:615", "quota admission added evaluator for: namespaces"
            )
        buffer.klog(
            buffer.soon(marks["endpoints"]),
            "controller.go:615",
            "quota admission added evaluator for: leases.coordination.k8s.io",
        )
        if not stored.classes and "lease_error" in marks:
            cause = go_quote('namespaces "kube-system" not found')
            text = f'"Failed to ensure lease exists, will retry" err={cause} interval="200ms"'
            buffer.klog(marks["lease_error"], "controller.go:145", text, "E")
        for number, (name, value) in enumerate((("node", 2000001000), ("cluster", 2000000000)), 1):
            if f"class{number}" in marks:
                text = f"created PriorityClass system-{name}-critical with value {value}"
                buffer.klog(marks[f"class{number}"], "storage_scheduling.go:95", text)
        text = "all system priority classes are created successfully or already exist."
        buffer.klog(marks["classes"], "storage_scheduling.go:111", text)
        self._rbac(moments)

    def _traces(self, moments: TrueMoments) -> None:
        """The requests that held a hook up on an empty datastore, each when it was answered."""
        for number, (name, request) in enumerate(_TRACED.items(), 1):
            took_s = self.plan.extra.get(name, 0.0)
            if took_s >= _TRACED_S and self.stored.roles < 1.0 and moments.flips.get(name):
                text = f"Trace[{number}]: {request} (total time: {took_s * 1000:.0f}ms):"
                self.buffer.klog(moments.flips[name][-1][0] - 300, "trace.go:236", text)

    def slowness(self, moments: TrueMoments) -> None:
        """What a slow or stalled datastore makes its client or server say."""
        self._traces(moments)
        plan, buffer = self.plan, self.buffer
        took = plan.request_ms * 16
        begin = moments.marks.get("rbac_try", moments.serving)
        times = [begin + round(plan.request_ms * 1000 * 20 * (n + 1)) for n in range(4)] if took > 100 else []
        if plan.stall_at_s is not None:
            stalled = moments.serving + round(plan.stall_at_s * SECOND)
            times += [stalled + round((2.0 + 2.5 * n) * SECOND) for n in range(int(plan.stall_s / 2.5))]
        for number, at in enumerate(times):
            key = "/registry/health" if number >= 4 or took <= 100 else "/registry/clusterroles/system:node"
            if plan.store == "etcd":
                length = "2.000512304s" if key == "/registry/health" else f"{took:.6f}ms"
                fields = {"took": length, "expected-duration": "100ms", "prefix": "read-only range "}
                fields |= {"request": f'key:"{key}" '}
                buffer.zap(at, "etcdserver/util.go:170", "apply request took too long", "warn", fields)
            elif key == "/registry/health":
                buffer.log(at, f"error while range on {key} {key}: context deadline exceeded", "error")

    def _rbac(self, moments: TrueMoments) -> None:
        buffer, marks = self.buffer, moments.marks
        for number, end in enumerate(moments.failed_tries):
            begin = marks[f"try{number + 1}"]
            for part, name in ((0.4, "system:node-proxier"), (0.8, "system:kube-scheduler")):
                at = begin + round((end - begin) * part)
                cause = "Internal error occurred: context deadline exceeded"
                text = f"unable to reconcile clusterrole.rbac.authorization.k8s.io/{name}: {cause}"
                self.handle_error(at, "storage_rbac.go:237", text)
        for mark, kind in (("roles", "roles"), ("role_bindings", "rolebindings")):
            if mark in marks:
                text = f"quota admission added evaluator for: {kind}.rbac.authorization.k8s.io"
                buffer.klog(marks[mark], "controller.go:615", text)

    def _services(self, moments: TrueMoments) -> None:
        buffer, marks, stored = self.buffer, moments.marks, self.stored
        if CIDR in moments.flips:
            self.synced(marks["cidr"], "kubernetes-service-cidr-controller")
            self.synced(marks["repair"], "ipallocator-repair-controller")
            if "cidr_new" in marks:
                where = "default_servicecidr_controller.go:169"
                buffer.klog(marks["cidr_new"], where, "Creating default ServiceCIDR with CIDRs: [10.43.0.0/16]")
                where = "default_servicecidr_controller.go:231"
                buffer.klog(marks["cidr_ready"], where, "Setting default ServiceCIDR condition Ready to True")
        if self.rel.tries_service and not stored.service:
            if "service_early" in marks:
                self.service(marks["service_early"])
            else:
                text = 'Unable to perform initial Kubernetes service initialization: namespaces "default" not found'
                buffer.klog(marks["service_try"], "controller.go:95", text, "E")
        if stored.service:
            buffer.klog(
                marks["endpoints"], "controller.go:102",
                "Error removing old endpoints from kubernetes service: no API server IP addresses were listed in "
                "storage, refusing to erase all endpoints for the kubernetes Service", "E",
            )  # fmt: skip

    def service(self, at: int) -> None:
        """``default/kubernetes`` is made."""
        text = '"allocated clusterIPs" service="default/kubernetes" clusterIPs={"IPv4":"10.43.0.1"}'
        self.buffer.klog(at, "alloc.go:330", text)

    def service_after(self, moments: TrueMoments) -> None:
        """The loop inside the API server saw its own readiness (it looks every 100 ms)."""
        at = self.buffer.soon(moments.ready, 0.0005, 0.1 * max(1.0, self.plan.pace / 2))
        if not self.stored.service and "service_early" not in moments.marks:
            self.service(at)
        text = f'Resetting endpoints for master service "kubernetes" to [{self.address}]'
        self.buffer.klog(at + 3300, "lease.go:265", text, "W")
        for number, kind in enumerate(("endpoints", "endpointslices.discovery.k8s.io"), 1):
            self.buffer.klog(
                at + 3300 + 900 * number, "controller.go:615", f"quota admission added evaluator for: {kind}"
            )

    def health(self, at: int, failing: Iterable[str]) -> None:
        """The API server logs a failing answer at V(2): a line, and one more per check with its reason."""
        names = list(failing)
        reasons = {
            "informer-sync": "4 informers not started yet: [*v1.ClusterRole *v1.Node *v1.RoleBinding *v1.Secret]",
            "autoregister-completion": "missing APIService: [v1. v1.apps v1.batch v1.rbac.authorization.k8s.io]",
            "etcd": "etcd client connection not yet established",
            "etcd-readiness": "etcd client connection not yet established",
        }
        rows = [f"[-]{name} failed: {reasons.get(name, 'not finished')}" for name in names]
        self.buffer.klog(at, "healthz.go:255", "\n".join([f"{','.join(names)} check failed: readyz", *rows]))
