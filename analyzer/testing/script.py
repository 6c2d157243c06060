"""The lines around the polls: what each component says at the moments of a ``World``.

Texts and their order follow recordings of real servers of 1.28 to 1.35; other minors are interpolated. File names in
klog headers are real, line numbers are those of one release.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.testing.model import SECOND, StartPlan
from analyzer.testing.phrasing import go_quote
from analyzer.testing.release import Release
from analyzer.testing.tape import Tape
from analyzer.testing.world import CIDR, RBAC, Stored, World

DATA = "/var/lib/rancher"
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


@dataclass(slots=True)
class Script:
    """Writes the lines of one start on its tape."""

    tape: Tape
    plan: StartPlan
    rel: Release
    stored: Stored
    address: str
    ca_born: int  # second in which the cluster's CA was made

    @property
    def dir(self) -> str:
        """The product's data folder."""
        return f"{DATA}/{self.plan.product}"

    def run(self, at: int, *texts: str, step: float = 0.0008) -> int:
        """Info lines of k3s one after another; the moment of the last."""
        for text in texts:
            at = self.tape.soon(at, step / 20, step)
            self.tape.log(at, text)
        return at

    # ------------------------------------------------------------------ before the API server

    def banner(self, at: int) -> int:
        """The version."""
        plan = self.plan
        if plan.extract_s and plan.product == "k3s":
            folder = f"{self.dir}/data"
            self.tape.log(at - round(plan.extract_s * SECOND), f"Acquiring lock file {folder}/.lock")
            self.tape.log(at - round(plan.extract_s * SECOND) + 900, f"Preparing data dir {folder}/{'3f' * 32}")
        agent = " agent" if plan.role == "agent" else ""
        self.tape.log(at, f"Starting {plan.product}{agent} {plan.version} ({plan.commit})")
        return at

    def datastore(self, at: int) -> int:
        """Opening it, as far as it happens before the certificates; kine is ready at the returned moment."""
        plan, tape = self.plan, self.tape
        if plan.store == "etcd":
            state = "initializing" if self.new_cluster else "bootstrap already complete and initialized"
            return self.run(at, f"Managed etcd cluster {state}")
        driver = "sqlite3" if plan.store == "sqlite" else "postgres"
        at = self.run(
            at,
            f"Configuring {driver} database connection pooling: maxIdleConns=2, maxOpenConns=0, connMaxLifetime=0s",
            "Configuring database table schema and indexes, this may take a moment...",
        )
        late = round(plan.datastore_late_s * SECOND)
        where = "127.0.0.1:5432 (127.0.0.1): dial error: dial tcp 127.0.0.1:5432: connect: connection refused"
        if plan.store == "external":
            for second in range(int(plan.datastore_late_s)):
                moment = at + second * SECOND
                text = f"failed to ping connection: failed to connect to `user=k3s database=k3s`: {where}"
                tape.log(moment, text, "error")
        at = tape.soon(at + late, 0.001 * plan.pace, 0.02 * plan.pace)
        return self.run(at, "Database tables and indexes are up to date", "Kine available at unix://kine.sock")

    @property
    def new_cluster(self) -> bool:
        """This process makes the cluster's certificates."""
        return not self.stored.initialised and not self.plan.join

    def certificates(self, at: int) -> int:
        """A first start makes the CAs and all certificates; a later one looks them up."""
        if not self.new_cluster:
            return self.run(at, "Reconciling bootstrap data between datastore and disk")
        for ca, names in (
            ("client", ("system:admin,O=system:masters", "system:k3s-supervisor,O=system:masters",
                        "system:kube-controller-manager", "system:kube-scheduler",
                        "system:apiserver,O=system:masters", "k3s-cloud-controller-manager")),
            ("server", ("kube-apiserver",)), ("request-header", ("system:auth-proxy",)),
        ):  # fmt: skip
            at = self.ca_line(at, f"{self.plan.product}-{ca}-ca")
            for name in names:
                at = self.certificate(at, name, f"{self.plan.product}-{ca}-ca")
        for ca, names in (("etcd-server-ca", ("etcd-client", "etcd-server")), ("etcd-peer-ca", ("etcd-peer",))):
            at = self.ca_line(at, ca)
            for name in names:
                at = self.certificate(at, name, ca)
        if self.plan.store != "etcd":
            at = self.run(at + 2000, "Saving cluster bootstrap data to datastore")
        return at

    def _day(self, us: int) -> str:
        wall = type(self.tape.wall)()  # certificates are dated in UTC
        return f"{wall.at(us):%Y-%m-%d %H:%M:%S}"

    def ca_line(self, at: int, name: str) -> int:
        """A CA is made."""
        at = self.tape.soon(at)
        part = f"{at % SECOND:06d}741"
        born, gone = self._day(at), self._day(at + 3650 * 86400 * SECOND)
        self.tape.log(
            at,
            f"generated self-signed CA certificate CN={name}@{self.ca_born}: "
            f"notBefore={born}.{part} +0000 UTC notAfter={gone}.{part} +0000 UTC",
        )
        return at

    def certificate(self, at: int, name: str, ca: str) -> int:
        """A certificate is signed."""
        at = self.tape.soon(at, 0.0002, 0.0015)
        born, gone = self._day(self.ca_born * SECOND), self._day(at + 365 * 86400 * SECOND)
        dates = f"notBefore={born} +0000 UTC notAfter={gone} +0000 UTC"
        self.tape.log(at, f"certificate CN={name} signed by CN={ca}@{self.ca_born}: {dates}")
        return at

    def supervisor(self, at: int) -> int:
        """The listener for everybody."""
        port = 9345 if self.plan.product == "rke2" else 6443
        if self.new_cluster:
            self.tape.log(
                at,
                f"dynamiclistener [::]:{port}: no cached certificate available for preload - deferring certificate "
                "load until storage initialization or first client request",
                "warning",
            )
        at = self.tape.soon(at)
        names = " ".join(
            f"listener.cattle.io/cn-{n}:{n}"
            for n in (
                "10.43.0.1",
                "127.0.0.1",
                self.address,
                "kubernetes",
                "kubernetes.default",
                "localhost",
                self.plan.host,
            )
        )
        mark = "SHA1=" + "".join(self.tape.rng.choice("0123456789ABCDEF") for _ in range(40))
        self.tape.log(at, f"Active TLS secret / (ver=) (count 7): map[{names} listener.cattle.io/fingerprint:{mark}]")
        return at

    def agent_config(self, at: int, until: int) -> None:
        """Certificates of the node, then the tunnel; ends at ``until``."""
        product, host = self.plan.product, self.plan.host
        names = (
            (host, f"{product}-server-ca"), (f"system:node:{host},O=system:nodes", f"{product}-client-ca"),
            ("system:kube-proxy", f"{product}-client-ca"), (f"system:{product}-controller", f"{product}-client-ca"),
        )  # fmt: skip
        step = max(2000, (until - at) // 5)
        for number, (name, ca) in enumerate(names, 1):
            self.certificate(at + number * step - 1800, name, ca)
        self.tape.log(until - 150, f"Creating {product}-cert-monitor event broadcaster")
        port = 9345 if product == "rke2" else 6443
        url = f"wss://127.0.0.1:{port}/v1-{product}/connect"
        self.tape.log(until - 90, "Connecting to proxy", url=url)
        self.tape.log(until + 2600, f"Handling backend connection request [{host}]")
        if self.rel.minor >= 29:
            self.tape.log(until + 4100, "Remotedialer connected to proxy", url=url)

    def etcd_before(self, at: int) -> int:
        """etcd begins; it answers later."""
        how = "Starting etcd for existing cluster member"
        if self.plan.join:
            how = f"Starting etcd to join cluster with members [node-a-3c1d=https://192.0.2.10:2380 {self.plan.host}-77aa=https://{self.address}:2380]"
        elif self.new_cluster:
            how = "Starting etcd for new cluster" + (", cluster-reset=false" if self.rel.minor >= 29 else "")
        tape = self.tape
        tape.log(at, how)
        urls = ["https://127.0.0.1:2380", f"https://{self.address}:2380"]
        tape.zap(at + 1900, "embed/etcd.go:140", "configuring peer listeners", fields={"listen-peer-urls": urls})
        tape.zap(at + 2600, "embed/etcd.go:323", "starting an etcd server", fields={"etcd-version": self.etcd_version})
        tape.zap(
            at + 4200, "etcdserver/raft.go:506",
            "starting local member" if self.new_cluster or self.plan.join else "restarting local member",
            fields={"local-member-id": "1efb0854e24aa601", "cluster-id": "292fe8e071976c24"},
        )  # fmt: skip
        tape.zap(at + 5000, "auth/store.go:1241", "simple token is not cryptographically signed", "warn")
        tape.zap(at + 8000, "embed/etcd.go:633", "serving peer traffic", fields={"address": "127.0.0.1:2380"})
        return at + 8000

    @property
    def etcd_version(self) -> str:
        """Of the release."""
        return "3.6.7" if self.rel.minor >= 34 else "3.5.21"

    def etcd_fails(self, begin: int, end: int) -> None:
        """It does not answer: no quorum, said every five seconds."""
        ident = "1efb0854e24aa601"
        error = 'rpc error: code = Unavailable desc = connection error: desc = "transport: authentication handshake failed: context deadline exceeded"'
        text = "Failed to test etcd connection" if self.rel.shared else "Failed to test data store connection"
        at = begin + SECOND
        while at < end:
            self.tape.zap(at, "etcdserver/zap_raft.go:77", f"{ident} is starting a new election at term 2")
            self.tape.log(at + 650_000, f"{text}: failed to get etcd status: {error}")
            self.tape.zap(
                at + 660_000, "rafthttp/probing_status.go:68", "prober detected unhealthy status", "warn",
                {"round-tripper-name": "ROUND_TRIPPER_RAFT_MESSAGE", "remote-peer-id": "6abbd3aa3a4a076b", "rtt": "0s",
                 "error": "dial tcp 192.0.2.11:2380: connect: connection refused"},
            )  # fmt: skip
            at += 5 * SECOND + self.tape.rng.randint(0, 3000)

    def etcd_after(self, at: int) -> int:
        """It answers; the moment of the last line."""
        tape = self.tape
        tape.zap(at - 9000, "etcdserver/zap_raft.go:77", "1efb0854e24aa601 became leader at term 2")
        tape.zap(at - 8000, "etcdserver/server.go:2146", "published local member to cluster through raft")
        tape.zap(at - 7800, "embed/serve.go:124", "ready to serve client requests")
        tape.zap(
            at - 6000,
            "embed/serve.go:275",
            "serving client traffic securely",
            fields={"traffic": "grpc", "address": "127.0.0.1:2379"},
        )
        if self.rel.minor >= 31:
            tape.log(at - 3000, f"Connected to etcd v{self.etcd_version} - datastore using 36864 of 36864 bytes")
        tape.log(at - 2900, "Defragmenting etcd database")
        tape.log(at, "Connection to etcd is ready" if self.rel.shared else "etcd data store connection OK")
        return at

    # ------------------------------------------------------------------ the API server

    def launch(self, at: int) -> int:
        """``Running kube-apiserver`` and what is printed beside it."""
        tls = f"{self.dir}/server/tls"
        etcd = "https://127.0.0.1:2379" if self.plan.store == "etcd" else "unix://kine.sock"
        cred = f"{self.dir}/server/cred"
        at = self.run(
            at,
            f"Running kube-apiserver --advertise-address={self.address} --advertise-port=6443 --allow-privileged=true "
            "--anonymous-auth=false --api-audiences=https://kubernetes.default.svc.cluster.local,k3s "
            f"--authorization-mode=Node,RBAC --bind-address=127.0.0.1 --client-ca-file={tls}/client-ca.crt "
            f"--enable-admission-plugins=NodeRestriction --etcd-servers={etcd} --profiling=false --secure-port=6444 "
            f"--service-cluster-ip-range=10.43.0.0/16 --storage-backend=etcd3 --tls-cert-file={tls}/serving-kube-apiserver.crt",
            f"Running kube-scheduler --kubeconfig={cred}/scheduler.kubeconfig --leader-elect=false --profiling=false --secure-port=10259",
            f"Running kube-controller-manager --allocate-node-cidrs=true --cluster-cidr=10.42.0.0/16 --kubeconfig={cred}/controller.kubeconfig",
            f"Running cloud-controller-manager --cloud-provider=k3s --kubeconfig={cred}/cloud-controller.kubeconfig",
            step=0.0006,
        )
        return self.run(
            at,
            f"Server node token is available at {self.dir}/server/token",
            f"To join server node to cluster: k3s server -s https://{self.address}:6443 -t ${{SERVER_NODE_TOKEN}}",
            f"Agent node token is available at {self.dir}/server/agent-token",
            f"To join agent node to cluster: k3s agent -s https://{self.address}:6443 -t ${{AGENT_NODE_TOKEN}}",
            "Wrote kubeconfig /etc/rancher/k3s/k3s.yaml",
            "Run: k3s kubectl",
        )

    def synced(self, at: int, name: str, *, cache: bool = False) -> None:
        """A waiter saw that a cache is filled; ``cache``: one of the aggregator's own, whose text never changed."""
        if cache:
            self.tape.klog(at, "cache.go:39", f"Caches are synced for {name} controller")
        elif not self.rel.structured_sync:
            self.tape.klog(at, "shared_informer.go:320", f"Caches are synced for {name}")
        elif self.rel.minor >= 36:  # contextual logging: these go through logrus
            self.tape.log(at, "Caches are synced", controller=name, logger="k3s")
        else:
            self.tape.klog(at, "shared_informer.go:356", f'"Caches are synced" controller="{name}"')

    def waiting(self, at: int, name: str, *, cache: bool = False) -> None:
        """A waiter begins."""
        if cache:
            self.tape.klog(at, "cache.go:32", f"Waiting for caches to sync for {name} controller")
        elif not self.rel.structured_sync:
            self.tape.klog(at, "shared_informer.go:313", f"Waiting for caches to sync for {name}")
        else:
            self.tape.klog(at, "shared_informer.go:349", f'"Waiting for caches to sync" controller="{name}"')

    def handle_error(self, at: int, where: str, text: str) -> None:
        """An error handed to ``HandleError``."""
        shown = f'"Unhandled Error" err={go_quote(text)} logger="UnhandledError"' if self.rel.wraps_errors else text
        self.tape.klog(at, where, shown, "E")

    def boot(self, world: World) -> None:
        """From the version to the last API group."""
        tape, marks = self.tape, world.marks
        at = marks["version"]
        tape.klog(at - 1200, "options.go:238", f"external host was not specified, using {self.address}")
        tape.klog(at, "server.go:155", f"Version: {self.plan.version}")
        tape.klog(tape.soon(at), "server.go:157", '"Golang settings" GOGC="" GOMAXPROCS="" GOTRACEBACK=""')
        at = marks["plugins"]
        order = "admission controller(s) successfully in the following order:"
        tape.klog(at, "plugins.go:157", f"Loaded {ADMISSION.count(',') + 1} mutating {order} {ADMISSION}.")
        tape.klog(at + 60, "plugins.go:160", f"Loaded {VALIDATION.count(',') + 1} validating {order} {VALIDATION}.")
        tape.klog(at + 380, "instance.go:233", "Using reconciler: lease")
        self.waiting(at + 800, "node_authorizer")
        if self.rel.minor >= 30:
            self.waiting(at + 870, POLICY)
        step = (marks["groups"] - at) // (len(GROUPS) + 1)
        for number, (group, kept, dropped) in enumerate(GROUPS, 1):
            moment = at + number * step
            tape.klog(moment, "handler.go:286", f"Adding GroupVersion {group} {kept} to ResourceManager")
            for other, version in enumerate(dropped, 1):
                text = f"Skipping API {group}/{version} because it has no resources."
                tape.klog(moment + 40 * other, "genericapiserver.go:767", text, "W")

    def serve(self, world: World) -> None:
        """``Serving securely`` and the hooks' burst in random order."""
        tape, minor = self.tape, self.rel.minor
        tape.klog(world.serving, "secure_serving.go:213", "Serving securely on 127.0.0.1:6444")
        tls = f"{self.dir}/server/tls"
        at = tape.soon(world.serving, 0.00005, 0.0002)
        ca = "dynamic_cafile_content.go:161"
        tape.klog(at, ca, f'"Starting controller" name="request-header::{tls}/request-header-ca.crt"')
        tape.klog(at + 40, "tlsconfig.go:243", '"Starting DynamicServingCertificateController"')
        quoted = minor >= 35
        burst: list[tuple[str, str]] = [
            ("controller.go:80", "Starting OpenAPI V3 AggregationController"),
            ("controller.go:78", "Starting OpenAPI AggregationController"),
            ("cluster_authentication_trust_controller.go:462", "Starting cluster_authentication_trust_controller controller"),
            ("apf_controller.go:377", "Starting API Priority and Fairness config controller"),
            ("apiservice_controller.go:100", "Starting APIServiceRegistrationController"),
            ("aggregator.go:169", "waiting for initial CRD sync..."),
            ("customresource_discovery_controller.go:292", "Starting DiscoveryController"),
            ("crdregistration_controller.go:114", "Starting crd-autoregister controller"),
            ("naming_controller.go:294", "Starting NamingConditionController"),
            ("establishing_controller.go:81", "Starting EstablishingController"),
            ("crd_finalizer.go:269", "Starting CRDFinalizer"),
            ("dynamic_serving_content.go:135", f'"Starting controller" name="aggregator-proxy-cert::{tls}/client-auth-proxy.crt::{tls}/client-auth-proxy.key"'),
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
        tape.rng.shuffle(burst)
        at = world.marks["hooks"]
        for where, text in burst:
            at = tape.soon(at, 0.00002, 0.0006)
            tape.klog(at, where, text)
            if text.endswith("APIServiceRegistrationController"):
                self.waiting(at + 3, "APIServiceRegistrationController", cache=True)
            if "crd-autoregister" in text:
                self.waiting(at + 6, "crd-autoregister")
        if "old_lease" in world.marks:
            lease = "kube-system/apiserver-wlv32tlttr4jl3gtroqexyxapa"
            tape.klog(world.marks["old_lease"], "controller.go:113", f'"Deleting old lease on startup" lease="{lease}"')

    def hooks(self, world: World) -> None:
        """The witness lines, each at the moment that follows from the hook's work."""
        tape, marks, stored, minor = self.tape, world.marks, self.stored, self.rel.minor
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
            tape.klog(marks["discovery"], "handler_discovery.go:451", "Starting ResourceDiscoveryManager")
        tape.klog(marks["flow"], "apf_controller.go:382", "Running API Priority and Fairness config worker")
        tape.klog(
            marks["flow"] + 25,
            "apf_controller.go:385",
            "Running API Priority and Fairness periodic rebalancing process",
        )
        self.synced(marks["crd"], "crd-autoregister")
        tape.klog(marks["crd_complete"], "aggregator.go:171", "initial CRD sync complete...")
        at = marks["autoregister"]
        tape.klog(at - 8, "autoregister_controller.go:144", "Starting autoregister controller")
        self.waiting(at - 4, "autoregister", cache=True)
        self.synced(at, "autoregister", cache=True)
        self._services(world)
        if not stored.classes:
            tape.klog(tape.soon(marks["crd"]), "controller.go:615", "quota admission added evaluator for: namespaces")
        tape.klog(
            tape.soon(marks["endpoints"]),
            "controller.go:615",
            "quota admission added evaluator for: leases.coordination.k8s.io",
        )
        if not stored.classes and "lease_error" in marks:
            text = '"Failed to ensure lease exists, will retry" err="namespaces \\"kube-system\\" not found" interval="200ms"'
            tape.klog(marks["lease_error"], "controller.go:145", text, "E")
        for number, (name, value) in enumerate((("node", 2000001000), ("cluster", 2000000000)), 1):
            if f"class{number}" in marks:
                text = f"created PriorityClass system-{name}-critical with value {value}"
                tape.klog(marks[f"class{number}"], "storage_scheduling.go:95", text)
        text = "all system priority classes are created successfully or already exist."
        tape.klog(marks["classes"], "storage_scheduling.go:111", text)
        self._rbac(world)

    def _rbac(self, world: World) -> None:
        tape, marks = self.tape, world.marks
        for number, end in enumerate(world.failed_tries):
            begin = marks[f"try{number + 1}"]
            for part, name in ((0.4, "system:node-proxier"), (0.8, "system:kube-scheduler")):
                at = begin + round((end - begin) * part)
                cause = "Internal error occurred: context deadline exceeded"
                text = f"unable to reconcile clusterrole.rbac.authorization.k8s.io/{name}: {cause}"
                self.handle_error(at, "storage_rbac.go:237", text)
        for mark, kind in (("roles", "roles"), ("role_bindings", "rolebindings")):
            if mark in marks:
                text = f"quota admission added evaluator for: {kind}.rbac.authorization.k8s.io"
                tape.klog(marks[mark], "controller.go:615", text)

    def _services(self, world: World) -> None:
        tape, marks, stored = self.tape, world.marks, self.stored
        if CIDR in world.flips:
            self.synced(marks["cidr"], "kubernetes-service-cidr-controller")
            self.synced(marks["repair"], "ipallocator-repair-controller")
            if "cidr_new" in marks:
                where = "default_servicecidr_controller.go:169"
                tape.klog(marks["cidr_new"], where, "Creating default ServiceCIDR with CIDRs: [10.43.0.0/16]")
                where = "default_servicecidr_controller.go:231"
                tape.klog(marks["cidr_ready"], where, "Setting default ServiceCIDR condition Ready to True")
        if self.rel.tries_service and not stored.service:
            if "service_early" in marks:
                self.service(marks["service_early"])
            else:
                text = 'Unable to perform initial Kubernetes service initialization: namespaces "default" not found'
                tape.klog(marks["service_try"], "controller.go:95", text, "E")
        if stored.service:
            tape.klog(
                marks["endpoints"], "controller.go:102",
                "Error removing old endpoints from kubernetes service: no API server IP addresses were listed in "
                "storage, refusing to erase all endpoints for the kubernetes Service", "E",
            )  # fmt: skip

    def service(self, at: int) -> None:
        """``default/kubernetes`` is made."""
        text = '"allocated clusterIPs" service="default/kubernetes" clusterIPs={"IPv4":"10.43.0.1"}'
        self.tape.klog(at, "alloc.go:330", text)

    def service_after(self, world: World) -> None:
        """The loop inside the API server saw its own readiness (it looks every 100 ms)."""
        at = self.tape.soon(world.ready, 0.0005, 0.1 * max(1.0, self.plan.pace / 2))
        if not self.stored.service and "service_early" not in world.marks:
            self.service(at)
        text = f'Resetting endpoints for master service "kubernetes" to [{self.address}]'
        self.tape.klog(at + 3300, "lease.go:265", text, "W")
        for number, kind in enumerate(("endpoints", "endpointslices.discovery.k8s.io"), 1):
            self.tape.klog(
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
        self.tape.klog(at, "healthz.go:255", "\n".join([f"{','.join(names)} check failed: readyz", *rows]))

    # ------------------------------------------------------------------ after readiness

    def gated(self, at: int, world: World) -> int:
        """Everything that waited for the channel; ``k3s is up and running`` is at the returned moment."""
        tape, rel, product = self.tape, self.rel, self.plan.product
        lines = ["Kube API server is now running"]
        if not rel.shared:
            lines.append("ETCD server is now running")
        lines.append(f"{product} is up and running")
        at = up = self.run(at, *lines, step=0.0004)
        others = [f"Creating {product}-supervisor event broadcaster"]
        if rel.minor < 36:
            others.append("Waiting for cloud-controller-manager privileges to become available")
        if rel.minor >= 32:
            others.append("Waiting for untainted node")
        tape.rng.shuffle(others)
        at = self.run(at, *others, step=0.003)
        if product == "k3s":
            at = tape.soon(at, 0.1 * self.plan.pace, 0.4 * self.plan.pace)
            first = f'"Starting" version="{self.plan.version}"' if rel.minor >= 27 else f"Version: {self.plan.version}"
            tape.klog(at, "controllermanager.go:185", first)
            tape.klog(at + 5300, "secure_serving.go:213", "Serving securely on 127.0.0.1:10257")
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
            at = tape.soon(at, 0.01, 0.2)
            tape.klog(at, "controller.go:615", f"quota admission added evaluator for: {kind}")
        return up

    def runtime(self, at: int) -> int:
        """containerd, then the kubelet is asked for."""
        folder = f"{self.dir}/agent/containerd"
        at = self.run(
            at,
            f"Logging containerd to {folder}/containerd.log",
            f"Running containerd -c {self.dir}/agent/etc/containerd/config.toml",
        )
        at = self.tape.soon(at, 0.3 * self.plan.pace, 0.8 * self.plan.pace)
        running = "containerd is now running" if self.rel.minor >= 26 else "Containerd is now running"
        return self.run(
            at,
            running,
            f"Running kubelet --cloud-provider=external --hostname-override={self.plan.host} --node-ip={self.address}",
        )

    def kubelet(self, at: int) -> int:
        """From its first line to the node object; the moment of that."""
        tape, host, pace = self.tape, self.plan.host, self.plan.pace
        at = tape.soon(at, 0.05 * pace, 0.2 * pace)
        tape.klog(at, "server.go:515", f'"Kubelet version" kubeletVersion="{self.plan.version}"')
        at = tape.soon(at, 0.2 * pace, 0.5 * pace)
        tape.klog(at, "server.go:1282", '"Started kubelet"')
        tape.klog(tape.soon(at), "kubelet.go:2382", '"Starting kubelet main sync loop"')
        at = tape.soon(at, 0.05 * pace, 0.3 * pace)
        tape.klog(at, "kubelet_node_status.go:75", f'"Attempting to register node" node="{host}"')
        done = tape.soon(at, 0.01, 0.05 * pace)
        old = host in self.stored.names
        text = '"Node was previously registered"' if old else '"Successfully registered node"'
        tape.klog(done, "kubelet_node_status.go:78", f'{text} node="{host}"')
        text = "have already set on node" if old else "have been set successfully on node"
        tape.log(tape.soon(done, 0.005, 0.03), f"Annotations and labels {text}: {host}")
        return done

    # ------------------------------------------------------------------ ends

    def panic(self, at: int, text: str) -> int:
        """k3s' klog panics where the stock one exits; the moment of the last line."""
        tape = self.tape
        tape.klog(at, "hooks.go:204", text, "F")
        head = f"F{tape.wall.at(at):%m%d %H:%M:%S.%f} {tape.pid:>7} hooks.go:204] {text}"
        tape.raw(at + 200, f"panic: {head}")
        tape.raw(at + 210, "")
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
            tape.raw(at + 220 + number * 6, frame)
        return at + 300

    def closing(self, at: int, *, before_ready: bool) -> None:
        """The noise of a stop."""
        tape = self.tape
        if self.rel.says_signal:
            tape.log(at, 'signal received: "terminated", canceling context...', "warning")
        tape.log(at + 300, "TTL events watch channel closed")
        if not before_ready:
            for number, kind in enumerate(("/v1, Kind=Node", "k3s.cattle.io/v1, Kind=Addon")):
                tape.log(at + 700 + 60 * number, f"Shutting down {kind} workers")
        if self.plan.role == "server" and self.plan.product == "k3s":
            tape.klog(at + 13000, "controller.go:133", "Shutting down kubernetes service endpoint reconciler")


def hook_failure() -> tuple[str, str]:
    """``(line, what a reader must name)`` of the rbac hook's limit."""
    name = RBAC.removeprefix("poststarthook/")
    text = f'PostStartHook "{name}" failed: unable to initialize roles: timed out waiting for the condition'
    return text, f'PostStartHook "{name}" failed'
