"""The lines before the API server: banner, datastore, certificates, supervisor, container runtime, launch.

Texts and their order follow recordings of real servers of 1.28 to 1.35; other minors are interpolated.
"""

from __future__ import annotations

from analyzer.testing.script_context import ScriptContext
from analyzer.testing.truth import SECOND


class Setup(ScriptContext):
    """From the first line to ``Running kube-apiserver``."""

    __slots__ = ()

    def banner(self, at: int) -> int:
        """The version."""
        plan = self.plan
        if plan.extract_s and plan.product == "k3s":
            folder = f"{self.dir}/data"
            self.buffer.log(at - round(plan.extract_s * SECOND), f"Acquiring lock file {folder}/.lock")
            self.buffer.log(at - round(plan.extract_s * SECOND) + 900, f"Preparing data dir {folder}/{'3f' * 32}")
        agent = " agent" if plan.role == "agent" else ""
        self.buffer.log(at, f"Starting {plan.product}{agent} {plan.version} ({plan.commit})")
        return at

    def datastore(self, at: int) -> int:
        """Opening it, as far as it happens before the certificates; kine is ready at the returned moment."""
        plan, buffer = self.plan, self.buffer
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
                buffer.log(moment, text, "error")
        at = buffer.soon(at + late, 0.001 * plan.pace, 0.02 * plan.pace)
        return self.run(at, "Database tables and indexes are up to date", "Kine available at unix://kine.sock")

    @property
    def new_cluster(self) -> bool:
        """This process makes the cluster's certificates."""
        return not self.stored.initialised and not self.plan.join

    def certificates(self, at: int) -> int:
        """A first start makes the CAs and all certificates; a later one looks them up."""
        if not self.new_cluster:
            return self.run(at, "Reconciling bootstrap data between datastore and disk")
        clusters: tuple[tuple[str, tuple[str, ...]], ...] = (
            (
                "client",
                (
                    "system:admin,O=system:masters",
                    "system:k3s-supervisor,O=system:masters",
                    "system:kube-controller-manager",
                    "system:kube-scheduler",
                    "system:apiserver,O=system:masters",
                    "k3s-cloud-controller-manager",
                ),
            ),
            ("server", ("kube-apiserver",)),
            ("request-header", ("system:auth-proxy",)),
        )
        for ca, names in clusters:
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
        wall = type(self.buffer.wall)()  # certificates are dated in UTC
        return f"{wall.at(us):%Y-%m-%d %H:%M:%S}"

    def ca_line(self, at: int, name: str) -> int:
        """A CA is made."""
        at = self.buffer.soon(at)
        part = f"{at % SECOND:06d}741"
        born, gone = self._day(at), self._day(at + 3650 * 86400 * SECOND)
        self.buffer.log(
            at,
            f"generated self-signed CA certificate CN={name}@{self.ca_born}: "
            f"notBefore={born}.{part} +0000 UTC notAfter={gone}.{part} +0000 UTC",
        )
        return at

    def certificate(self, at: int, name: str, ca: str) -> int:
        """A certificate is signed."""
        at = self.buffer.soon(at, 0.0002, 0.0015)
        born, gone = self._day(self.ca_born * SECOND), self._day(at + 365 * 86400 * SECOND)
        dates = f"notBefore={born} +0000 UTC notAfter={gone} +0000 UTC"
        self.buffer.log(at, f"certificate CN={name} signed by CN={ca}@{self.ca_born}: {dates}")
        return at

    def supervisor(self, at: int) -> int:
        """The listener for everybody."""
        port = 9345 if self.plan.product == "rke2" else 6443
        if self.new_cluster:
            self.buffer.log(
                at,
                f"dynamiclistener [::]:{port}: no cached certificate available for preload - deferring certificate "
                "load until storage initialization or first client request",
                "warning",
            )
        at = self.buffer.soon(at)
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
        mark = "SHA1=" + "".join(self.buffer.rng.choice("0123456789ABCDEF") for _ in range(40))
        self.buffer.log(at, f"Active TLS secret / (ver=) (count 7): map[{names} listener.cattle.io/fingerprint:{mark}]")
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
        self.buffer.log(until - 150, f"Creating {product}-cert-monitor event broadcaster")
        port = 9345 if product == "rke2" else 6443
        url = f"wss://127.0.0.1:{port}/v1-{product}/connect"
        self.buffer.log(until - 90, "Connecting to proxy", url=url)
        self.buffer.log(until + 2600, f"Handling backend connection request [{host}]")
        if self.rel.minor >= 29:
            self.buffer.log(until + 4100, "Remotedialer connected to proxy", url=url)

    def etcd_before(self, at: int) -> int:
        """etcd begins; it answers later."""
        how = "Starting etcd for existing cluster member"
        if self.plan.join:
            how = f"Starting etcd to join cluster with members [node-a-3c1d=https://192.0.2.10:2380 {self.plan.host}-77aa=https://{self.address}:2380]"
        elif self.new_cluster:
            how = "Starting etcd for new cluster" + (", cluster-reset=false" if self.rel.minor >= 29 else "")
        buffer = self.buffer
        buffer.log(at, how)
        urls = ["https://127.0.0.1:2380", f"https://{self.address}:2380"]
        buffer.zap(at + 1900, "embed/etcd.go:140", "configuring peer listeners", fields={"listen-peer-urls": urls})
        buffer.zap(
            at + 2600, "embed/etcd.go:323", "starting an etcd server", fields={"etcd-version": self.etcd_version}
        )
        buffer.zap(
            at + 4200, "etcdserver/raft.go:506",
            "starting local member" if self.new_cluster or self.plan.join else "restarting local member",
            fields={"local-member-id": "1efb0854e24aa601", "cluster-id": "292fe8e071976c24"},
        )  # fmt: skip
        buffer.zap(at + 5000, "auth/store.go:1241", "simple token is not cryptographically signed", "warn")
        buffer.zap(at + 8000, "embed/etcd.go:633", "serving peer traffic", fields={"address": "127.0.0.1:2380"})
        return at + 8000

    @property
    def etcd_version(self) -> str:
        """Of the release."""
        return "3.6.7" if self.rel.minor >= 34 else "3.5.21"

    def etcd_fails(self, begin: int, end: int) -> None:
        """It does not answer: no quorum, said every five seconds."""
        ident = "1efb0854e24aa601"
        cause = "transport: authentication handshake failed: context deadline exceeded"
        error = f'rpc error: code = Unavailable desc = connection error: desc = "{cause}"'
        text = "Failed to test etcd connection" if self.rel.shared else "Failed to test data store connection"
        at = begin + SECOND
        while at < end:
            self.buffer.zap(at, "etcdserver/zap_raft.go:77", f"{ident} is starting a new election at term 2")
            self.buffer.log(at + 650_000, f"{text}: failed to get etcd status: {error}")
            self.buffer.zap(
                at + 660_000, "rafthttp/probing_status.go:68", "prober detected unhealthy status", "warn",
                {"round-tripper-name": "ROUND_TRIPPER_RAFT_MESSAGE", "remote-peer-id": "6abbd3aa3a4a076b", "rtt": "0s",
                 "error": "dial tcp 192.0.2.11:2380: connect: connection refused"},
            )  # fmt: skip
            at += 5 * SECOND + self.buffer.rng.randint(0, 3000)

    def etcd_after(self, at: int) -> int:
        """It answers; the moment of the last line."""
        buffer = self.buffer
        buffer.zap(at - 9000, "etcdserver/zap_raft.go:77", "1efb0854e24aa601 became leader at term 2")
        buffer.zap(at - 8000, "etcdserver/server.go:2146", "published local member to cluster through raft")
        buffer.zap(at - 7800, "embed/serve.go:124", "ready to serve client requests")
        buffer.zap(
            at - 6000,
            "embed/serve.go:275",
            "serving client traffic securely",
            fields={"traffic": "grpc", "address": "127.0.0.1:2379"},
        )
        if self.rel.minor >= 31:
            buffer.log(at - 3000, f"Connected to etcd v{self.etcd_version} - datastore using 36864 of 36864 bytes")
        buffer.log(at - 2900, "Defragmenting etcd database")
        buffer.log(at, "Connection to etcd is ready" if self.rel.shared else "etcd data store connection OK")
        return at

    def runtime(self, at: int) -> int:
        """containerd, then the kubelet is asked for."""
        folder = f"{self.dir}/agent/containerd"
        at = self.run(
            at,
            f"Logging containerd to {folder}/containerd.log",
            f"Running containerd -c {self.dir}/agent/etc/containerd/config.toml",
        )
        at = self.buffer.soon(at, 0.3 * self.plan.pace, 0.8 * self.plan.pace)
        at = self.run(at, "containerd is now running" if self.rel.minor >= 26 else "Containerd is now running")
        if self.plan.images_s:
            archive = f"{self.dir}/agent/images/airgap.tar.zst"
            self.run(at, f"Importing images from {archive}")
            at += round(self.plan.images_s * 1e6)
            self.run(at - 2000, f"Imported images from {archive} in {self.plan.images_s:.3f}s")
        return self.run(
            at,
            f"Running kubelet --cloud-provider=external --hostname-override={self.plan.host} --node-ip={self.address}",
        )

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
            f"--service-cluster-ip-range=10.43.0.0/16 --storage-backend=etcd3 "
            f"--tls-cert-file={tls}/serving-kube-apiserver.crt",
            f"Running kube-scheduler --kubeconfig={cred}/scheduler.kubeconfig --leader-elect=false --secure-port=10259",
            "Running kube-controller-manager --allocate-node-cidrs=true --cluster-cidr=10.42.0.0/16 "
            f"--kubeconfig={cred}/controller.kubeconfig",
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
