"""What a second reading of public issues taught, where a maintainer had named the cause: in words of our own."""

# ruff: noqa: E501  (log lines are as long as they are)

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.reports.text import render
from analyzer.results import Report, StartReport

Told = Callable[[str], Report]


def only(report: Report) -> StartReport:
    assert len(report.starts) == 1
    return report.starts[0]


def first_finding(report: Report) -> str:
    return only(report).findings[0].id


# ------------------------------------------------------------------ whose lines these are

KUBELET_LOG = """
    I0412 07:11:02.100200    4410 server.go:440] "Kubelet version" kubeletVersion="v1.29.4"
    E0412 07:11:03.204060    4410 kubelet.go:1542] "Failed to start ContainerManager" err="failed to initialize top level QOS containers: root container [kubepods] doesn't exist"
"""


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (KUBELET_LOG, "cgroup_root"),
        # A line quoted in prose, its inner quotes still escaped.
        (
            r"Failed to retrieve agent config: \"overlayfs\" snapshotter cannot be enabled for \"/var/lib/rancher/k3s/agent/containerd\", try using \"native\": failed to mount overlay: invalid argument",
            "snapshotter",
        ),
        # klog with its beginning cut off.
        ("  4070 server.go:159] listen tcp 0.0.0.0:10250: bind: address already in use", "port_in_use"),
        # A fatal line that names etcd in capitals, without a time.
        ('level=fatal msg="ETCD join failed: etcdserver: too many learner members in cluster"', "etcd_join_wait"),
        # klog of a container, with nothing but the address to tell whose it is.
        (
            """
    E0706 03:10:44.101000      41 leaderelection.go:330] error retrieving resource lock kube-system/kube-scheduler: Get "https://127.0.0.1:6444/apis": context deadline exceeded
    I0706 03:10:44.110000      41 trace.go:205] Trace[77]: "GuaranteedUpdate etcd3" type:*core.Endpoints (06-Jul-2021 03:10:35.000) (total time: 9110ms):
    """,
            "slow_datastore",
        ),
        # The API server of RKE2, as its container's log file has it.
        (
            '2024-03-05T08:00:01.100200300+01:00 stderr F W0305 07:00:01.100100       1 logging.go:59] [core] grpc: addrConn.createTransport failed to connect to {Addr: "unix:///var/lib/rancher/rke2/server/kine.sock", }. Err: connection error: desc = "transport: Error while dialing: dial unix /var/lib/rancher/rke2/server/kine.sock: connect: permission denied"',
            "socket_denied",
        ),
    ],
)
def test_a_line_that_only_k3s_or_rke2_can_have_said_is_theirs(told: Told, text: str, finding: str) -> None:
    assert first_finding(told(text)) == finding


def test_the_reason_may_stand_in_a_field_of_its_own(told: Told) -> None:
    report = told("""
        time="2024-03-05T08:00:01Z" level=error msg="StartContainer for \\"1ffe\\" failed" error="failed to create containerd task: mounting \\"/run/k3s/containerd/sandboxes/7d/shm\\": no space left on device: unknown"
        """)
    assert first_finding(report) == "no_space"


def test_the_troubles_of_other_programs_are_not(told: Told) -> None:
    assert not told("2024/03/05 08:00:01 [emerg] 1#1: listen tcp 0.0.0.0:8080: bind: address already in use").starts
    assert not told(
        'time="2024-03-05T08:00:01Z" level=error msg="write /srv/video/1.mp4: no space left on device"'
    ).starts


# ------------------------------------------------------------------ slow datastores


def test_ends_of_traces_alone_tell_of_a_slow_datastore(told: Told) -> None:
    text = "\n".join(
        f"Mar 02 11:00:{second:02} attic k3s[812]: Trace[{1000 + second}]: [{second}.529507693s] [{second}.5s] END"
        for second in range(9, 14)
    )
    finding = only(told(text)).findings[0]
    assert finding.id == "slow_datastore"
    assert "13.52 s" in finding.detail


def test_the_end_of_a_trace_whose_head_is_there_counts_once_and_for_what_the_head_says(told: Told) -> None:
    start = only(
        told("""
        Mar 02 11:00:09 attic k3s[812]: I0302 11:00:09.100000     812 trace.go:205] Trace[5]: "HTTP2 proxying" host:attic (02-Mar-2021 11:00:00.000) (total time: 9100ms):
        Mar 02 11:00:09 attic k3s[812]: Trace[5]: [9.1s] [9.1s] END
        """)
    )
    assert all(finding.id != "slow_datastore" for finding in start.findings)


def test_slow_sql_of_2026_has_its_duration_in_a_field(told: Told) -> None:
    finding = only(
        told("""
        May 02 11:00:10 attic k3s[812]: time="2026-05-02T11:00:10Z" level=info msg="Slow SQL: SELECT id FROM kine WHERE name = 'compact_rev_key'" duration=6.25s started="2026-05-02T11:00:03.7Z"
        """)
    ).findings[0]
    assert finding.id == "slow_datastore"
    assert "6.25 s" in finding.detail


# ------------------------------------------------------------------ peers, policies, files


def test_a_member_of_etcd_that_does_not_answer_is_named(told: Told) -> None:
    report = told("""
        Sep 02 16:30:17 cellar k3s[366]: time="2023-09-02T16:30:17+02:00" level=info msg="Handling backend connection request [cellar]"
        Sep 02 16:30:17 cellar k3s[366]: {"level":"warn","ts":"2023-09-02T16:30:17.98+0200","caller":"etcdserver/cluster_util.go:79","msg":"failed to get cluster response","address":"https://192.0.2.91:2380/members","error":"Get \\"https://192.0.2.91:2380/members\\": EOF"}
        """)
    assert first_finding(report) == "etcd_peer_unreachable"


def test_a_missing_policy_of_selinux_comes_before_the_etcd_that_it_keeps_down(told: Told) -> None:
    found = only(
        told("""
        WARN[0001] SELinux is enabled for rke2 but process is not running in context 'container_runtime_t', rke2-selinux policy may need to be applied
        INFO[0058] Waiting to retrieve kube-proxy configuration; server is not ready: https://127.0.0.1:9345/v1-rke2/readyz: 500 Internal Server Error
        INFO[0060] Waiting for etcd server to become available
        """)
    ).findings
    assert found[0].id == "selinux"
    assert "SELinux" in next(finding.detail for finding in found if finding.id == "datastore_waiting")


def test_who_shows_the_middle_of_a_wait_for_the_runtime_has_waited(told: Told) -> None:
    text = "\n".join(
        f'INFO[2019-03-11T18:55:{second}.081905959+08:00] Waiting for containerd startup: rpc error: code = Unavailable desc = "dial unix /run/k3s/containerd/containerd.sock: connect: no such file or directory"'
        for second in range(42, 46)
    )
    assert first_finding(told(text)) == "cri_missing"


def test_a_check_of_the_unit_that_failed_is_the_reason_why_k3s_was_never_launched(told: Told) -> None:
    start = only(
        told("""
        Aug 02 02:34:37 porch systemd[1]: Starting Lightweight Kubernetes...
        Aug 02 02:34:37 porch sh[149]: + /usr/bin/systemctl is-enabled --quiet nm-cloud-setup.service
        Aug 02 02:34:37 porch systemd[1]: k3s.service: Control process exited, code=exited status=1
        Aug 02 02:34:37 porch systemd[1]: k3s.service: Failed with result 'exit-code'.
        Aug 02 02:34:37 porch systemd[1]: Failed to start Lightweight Kubernetes.
        """)
    )
    assert start.outcome == "failed"
    assert (start.findings[0].id, start.findings[0].severity) == ("prestart_failed", "critical")
    assert "nm-cloud-setup" in start.findings[0].advice


def test_that_the_check_was_made_says_nothing(told: Told) -> None:
    start = only(
        told("""
        Aug 02 02:34:37 porch systemd[1]: Starting Lightweight Kubernetes...
        Aug 02 02:34:37 porch sh[149]: + /usr/bin/systemctl is-enabled --quiet nm-cloud-setup.service
        Aug 02 02:34:37 porch k3s[153]: time="2022-08-02T02:34:37Z" level=info msg="Starting k3s v1.24.4+k3s1 (c3f830e9)"
        """)
    )
    assert all(finding.id != "prestart_failed" for finding in start.findings)


# ------------------------------------------------------------------ carriers


def test_windows_event_log_newest_first_in_braces(told: Told) -> None:
    start = only(
        told(r"""
        10/11/2023 12:39:12 AM {Waiting for containerd startup: rpc error: code = Unavailable desc = "open //./pipe/containerd: The system cannot find the file specified."}
        10/11/2023 12:39:09 AM {Running containerd -c C:\var\lib\rancher\rke2\agent\etc\containerd\config.toml}
        10/11/2023 12:38:52 AM {Starting rke2 agent v1.28.2+rke2r1 (db092b03)}
        """)
    )
    assert (start.product, start.role, start.version) == ("rke2", "agent", "v1.28.2+rke2r1")
    assert start.began_at is None  # local time of an unknown zone
    assert start.cut_at_s == pytest.approx(20.0, abs=1.0)


def test_a_line_of_the_run_before_a_banner_is_not_of_the_new_run(told: Told) -> None:
    report = told(r"""
        8/21/2023 10:20:21 AM Logging containerd to C:\var\lib\rancher\rke2\agent\containerd\containerd.log
        8/21/2023 10:20:52 AM Starting rke2 agent v1.27.4+rke2r1 (3ab96dd0)
        """)
    start = only(report)
    assert start.cut_at_s is not None and start.cut_at_s < 2.0  # not the half minute between the two runs


def test_a_day_that_can_be_no_month_stands_first(told: Told) -> None:
    text = "25/10/2023 1:02:03 PM Starting rke2 agent v1.27.4+rke2r1 (3ab96dd0)\n25/10/2023 1:12:03 PM Running kubelet"
    assert only(told(text)).cut_at_s == pytest.approx(600.0, abs=1.0)


def test_old_etcd_is_no_service_of_compose(told: Told) -> None:
    start = only(
        told("""
        2021-08-06 13:32:58.159380 W | etcdserver: read-only range request "key:\\"/registry/leases/kube-system/k3s\\" " with result "error:context canceled" took too long (5.752782998s) to execute
        F0806 13:32:58.159206      75 controllermanager.go:213] leaderelection lost
        """)
    )
    assert start.host is None
    assert {"lease_lost", "slow_datastore"} <= {finding.id for finding in start.findings}


def test_a_prompt_before_the_first_line(told: Told) -> None:
    start = only(
        told("""
        16:20 root@shed:~ ->  k3s server &
        [1] 1433
        16:20 root@shed:~ ->  INFO[2024-02-27T16:20:54.129418734+08:00] Starting k3s v1.28.1+k3s1 (91251aa)
        INFO[2024-02-27T16:20:54.230418734+08:00] Kine available at unix://kine.sock
        """)
    )
    assert start.version == "v1.28.1+k3s1"


# ------------------------------------------------------------------ the second helping


@pytest.mark.parametrize(
    ("cause", "finding"),
    [
        ("storage backend is not defined", "datastore_endpoint"),
        (r"dial tcp\\: unknown network tcp\\", "datastore_endpoint"),
        ("commands out of sync", "datastore_setup"),
        ("dial tcp 192.0.2.30:3306: connect: connection refused", "datastore_unreachable"),
    ],
)
def test_what_is_wrong_with_a_datastore_of_ones_own(told: Told, cause: str, finding: str) -> None:
    text = f"FATA[0000] starting kubernetes: preparing server: creating storage endpoint: building kine: {cause}"
    assert first_finding(told(text)) == finding


def test_a_next_try_of_which_only_systemd_spoke_does_not_hide_the_failed_one(told: Told) -> None:
    report = told("""
        Jan 08 17:34:59 porch k3s[380]: time="2020-01-08T17:34:59+08:00" level=fatal msg="starting kubernetes: preparing server: creating storage endpoint: building kine: storage backend is not defined"
        Jan 08 17:34:59 porch systemd[1]: k3s.service: main process exited, code=exited, status=1/FAILURE
        Jan 08 17:35:04 porch systemd[1]: k3s.service holdoff time over, scheduling restart.
        Jan 08 17:35:04 porch systemd[1]: Starting Lightweight Kubernetes...
        """)
    assert len(report.starts) == 2
    shown = render(report)
    assert "1 try failed, try 2 is still running" in " ".join(shown.split())
    assert "--datastore-endpoint cannot be read" in shown


def test_an_agent_is_told_by_the_balancer_it_asks(told: Told) -> None:
    start = only(
        told("""
        Aug  3 10:05:47 shed rke2[1790]: time="2022-08-03T10:05:47Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: https://127.0.0.1:6444/v1-rke2/serving-kubelet.crt: 503 Service Unavailable"
        """)
    )
    assert start.role == "agent"
    assert start.findings[0].id == "server_not_ready"
    assert start.findings[0].severity == "warning"


def test_what_systemd_said_of_an_earlier_try_is_no_end_of_a_later_line(told: Told) -> None:
    start = only(
        told("""
        Mar 28 10:30:26 attic systemd[1]: Failed to start Lightweight Kubernetes.
        Mar 28 10:30:28 attic k3s[798]: time="2022-03-28T10:30:28Z" level=error msg="failed to get CA certs: Get \\"https://127.0.0.1:6444/cacerts\\": EOF"
        Mar 28 10:30:30 attic k3s[798]: time="2022-03-28T10:30:30Z" level=error msg="failed to get CA certs: Get \\"https://127.0.0.1:6444/cacerts\\": EOF"
        """)
    )
    assert start.outcome == "incomplete"
    assert start.end.kind == "running"


def test_klog_writes_the_lost_lease_with_a_capital(told: Told) -> None:
    assert (
        first_finding(
            told('Dec 15 11:11:26 attic k3s[214]: E1215 11:11:26.004914     214 server.go:218] "Leaderelection lost"')
        )
        == "lease_lost"
    )


def test_a_cut_line_of_etcd_keeps_how_long_it_took(told: Told) -> None:
    finding = only(
        told("""
        Jan 25 06:42:29 attic k3s[218]: {"level":"warn","ts":"2021-01-25T06:42:29.227+0100","caller":"v3rpc/interceptor.go:197","msg":"request stats","start time":"2021-01-25T06:42:19.1Z","time spent":"10.024605217s","remote":"127.0.0.1:586
        """)
    ).findings[0]
    assert finding.id == "slow_datastore"
    assert "10.02 s" in finding.detail


def test_a_code_block_that_is_indented_as_a_whole(told: Told) -> None:
    lines = (
        'Feb 10 09:18:24 attic k3s[7199]: time="2021-02-10T09:18:24Z" level=info msg="Starting k3s v1.20.2+k3s1 (1d4adb03)"\n'
        'Feb 10 09:18:25 attic k3s[7199]: time="2021-02-10T09:18:25Z" level=fatal msg="listen tcp :6443: bind: address already in use"\n'
    )
    for margin in ("    ", "\t", "          "):
        start = only(told("Here it is:\n\n" + "".join(margin + line for line in lines.splitlines(keepends=True))))
        assert (start.host, start.pid, start.version) == ("attic", 7199, "v1.20.2+k3s1")
        assert start.findings[0].id == "port_in_use"


def test_a_piece_of_the_middle_in_which_nothing_is_known_is_told_not_denied(told: Told) -> None:
    start = only(
        told("""
        2021-05-16T05:05:29.743269834Z  time="2021-05-16T05:05:29.743103566Z" level=info msg="Logging containerd to /var/lib/rancher/k3s/agent/containerd/containerd.log"
        """)
    )
    assert (start.product, start.outcome) == ("k3s", "incomplete")


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (
            'E0210 09:18:24.566878    7199 kubelet_node_status.go:93] Unable to register node "shed_one" with API server: Node "shed_one" is invalid: metadata.name: Invalid value: "shed_one": a DNS-1123 subdomain must',
            "node_name_invalid",
        ),
        (
            "W0730 10:54:26.195458    7199 iptables.go:550] Could not set up iptables canary: exit status 3: modprobe: FATAL: Module ip_tables not found in directory /lib/modules/5.4.0-1015-raspi",
            "kernel_module_missing",
        ),
        (
            r'{"level":"warn","ts":"2024-01-12T18:36:50.529306Z","logger":"etcd-client","caller":"v3@v3.5.9-k3s1/retry_interceptor.go:62","msg":"retrying of unary invoker failed","attempt":0,"error":"rpc error: desc = \"transport: Error while dialing: failed to do connect handshake, response: \\\"HTTP/1.1 403 Forb',
            "proxy_between",
        ),
        (
            '{"level":"warn","ts":"2020-10-21T12:28:51.439-0700","caller":"etcdserver/server.go:1095","msg":"server error","error":"the member has been permanently removed from the cluster"}',
            "removed_from_cluster",
        ),
        (
            'time="2026-02-10T19:12:26Z" level=error msg="Failed to connect to proxy. Empty dialer response" error="x509: certificate has expired or is not yet valid: current time 2020-02-10T19:12:26Z is before 2026-02-09T19:12:26Z"',
            "x509_time",
        ),
    ],
)
def test_causes_in_single_lines(told: Told, line: str, finding: str) -> None:
    assert first_finding(told(f"Feb 10 09:18:26 attic k3s[7199]: {line}")) == finding


def test_votes_asked_of_other_members_are_told_and_those_of_a_lone_one_are_not(told: Told) -> None:
    def raft(words: str) -> str:
        return f'Jun 05 13:08:40 attic k3s[176]: {{"level":"info","ts":"2021-06-05T13:08:40.686-0400","caller":"raft/raft.go:811","msg":"{words}"}}\n'

    alone = raft("3fdc is starting a new election at term 4") + raft("3fdc became candidate at term 5")
    asked = alone + raft("3fdc [logterm: 4, index: 43] sent MsgVote request to 8a28 at term 5")
    assert not only(told(alone)).findings
    assert first_finding(told(asked)) == "etcd_election"


def test_flannel_that_met_a_late_api_server_is_not_to_blame(told: Told) -> None:
    text = 'FATA[2020-11-12T01:45:18.435959565Z] flannel exited: failed to acquire lease: nodes "shed" is forbidden: not yet ready to handle request'
    assert first_finding(told(text)) == "api_too_late"
    assert first_finding(told("FATA[0012] flannel exited: operation not supported")) == "flannel_failed"
