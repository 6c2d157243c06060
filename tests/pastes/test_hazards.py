"""The hazards of pasted text that a survey of public issues found, one small hand-written log each."""

# ruff: noqa: E501  (log lines are as long as they are)

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.results import Check, Report, StartReport
from tests.kit.effort import proportional

Told = Callable[[str], Report]
RBAC = "poststarthook/rbac/bootstrap-roles"
BANNER = 'time="2024-05-02T10:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"'
POLL = "Polling for API server readiness: GET /readyz failed: "


def only(report: Report) -> StartReport:
    assert len(report.starts) == 1
    return report.starts[0]


def checks(start: StartReport) -> dict[str, Check]:
    return {check.name: check for check in start.checks}


def failing(start: StartReport) -> set[str]:
    return {check.name for check in start.checks if check.final == "failing"}


@pytest.mark.parametrize(
    "text",
    [
        rf'time="2025-05-02T10:00:02Z" level=info msg="{POLL}an error on the server (\"[+]ping ok\\n[-]etcd failed: '
        r'reason withheld\\nreadyz check failed\") has prevented the request from succeeding"',
        r'time="2025-05-02T10:00:02Z" level=info msg="' + POLL + r"an error on the server (\"[+]ping ok\\\\n[-]etcd "
        r'failed: reason withheld\\\\nreadyz check failed\") has prevented the request from succeeding"',
        f'time="2025-05-02T10:00:02Z" level=info msg="{POLL}an error on the server (&#34;[&#43;]ping ok\\n[-]etcd '
        'failed: reason withheld\\nreadyz check failed&#34;) has prevented the request from succeeding"',
    ],
    ids=["journald", "twice", "html"],
)
def test_hazard_01_the_depth_of_escaping_does_not_matter(told: Told, text: str) -> None:
    start = only(told(text))
    assert [poll.failing for poll in start.polls] == [("etcd",)]
    assert start.polls[0].ok == ("ping",)


@pytest.mark.parametrize("gap", ["", "\n"], ids=["bare", "blank lines"])
@pytest.mark.parametrize("prefix", ["", "Dec 29 15:07:07 attic kube-apiserver[53]: ", "> "])
def test_hazard_05_a_block_of_real_lines_with_any_prefix(told: Told, prefix: str, gap: str) -> None:
    lines = ["I1229 15:07:07.000000      53 healthz.go:261] etcd,informer-sync check failed: readyz"]
    lines += ["[-]etcd failed: connection refused", "[-]informer-sync failed: 3 informers not started yet"]
    start = only(told("\n".join(prefix + line + gap for line in lines)))
    assert failing(start) == {"etcd", "informer-sync"}
    assert checks(start)["etcd"].reasons == ("connection refused",)


def test_hazard_02_a_name_cut_in_the_middle_is_no_check(told: Told) -> None:
    start = only(
        told(f"""
        time="2025-05-02T10:00:02Z" level=info msg="{POLL}an error on the server (\\"[+]ping ok\\\\n[-]etcd failed: reason withheld\\\\n[+]poststarthook/boots
        """)
    )
    names = set(checks(start))
    assert "etcd" in failing(start)
    assert not any(name.endswith("/boots") for name in names)
    assert start.polls[0].cut


def test_hazard_03_a_block_whose_head_is_missing_says_nothing_of_readiness(told: Told) -> None:
    start = only(
        told("""
        [+]poststarthook/start-apiextensions-informers ok
        [-]poststarthook/rbac/bootstrap-roles failed: reason withheld
        healthz check failed
        time="2024-05-02T10:00:03Z" level=info msg="Kine available at unix://kine.sock"
        """)
    )
    assert start.outcome == "incomplete"
    assert start.ready.lower is None or start.ready.lower <= 0


def test_hazard_04_a_check_named_above_and_missing_below_is_not_taken_for_ok(told: Told) -> None:
    start = only(
        told("""
        I0502 10:00:03.000000      53 healthz.go:244] etcd,poststarthook/rbac/bootstrap-roles,autoregister-completion check failed: readyz
        [-]etcd failed: reason withheld
        [-]poststarthook/rbac/bootstrap-roles failed: not finished
        """)
    )
    assert {"etcd", RBAC} <= failing(start)
    last = checks(start).get("autoregister-completion")
    assert last is None or last.final != "ok"


def test_hazard_06_the_first_check_may_share_the_header_line(told: Told) -> None:
    start = only(
        told("""
        I0204 22:11:33.028852      26 healthz.go:191] [+]ping ok
        [+]etcd ok
        [-]poststarthook/rbac/bootstrap-roles failed: reason withheld
        healthz check failed
        """)
    )
    assert failing(start) == {RBAC}
    assert checks(start)["ping"].final == "ok" if "ping" in checks(start) else True


def test_hazard_07_the_same_failure_said_twice_is_one_check(told: Told) -> None:
    start = only(
        told("""
        I0204 22:11:33.000000      26 healthz.go:177] healthz check poststarthook/rbac/bootstrap-roles failed: not finished
        I0204 22:11:33.000001      26 healthz.go:191] [+]ping ok
        [+]logok
        [-]poststarthook/rbac/bootstrap-roles failed: reason withheld
        healthz check failed
        """)
    )
    assert [check.name for check in start.checks if check.seen_failing] == [RBAC]
    assert "not finished" in checks(start)[RBAC].reasons


def test_hazard_08_a_good_livez_is_not_readiness(told: Told) -> None:
    start = only(
        told("""
        Dec 29 15:07:07 attic k3s[53]: I1229 15:07:07.000000      53 healthz.go:261] etcd check failed: readyz
        Dec 29 15:07:07 attic k3s[53]: [-]etcd failed: reason withheld
        Raw GET to "/livez": stdout:"ok"
        [+]ping ok
        [+]etcd ok
        livez check passed
        """)
    )
    assert start.outcome == "incomplete"
    assert start.ready.upper is None
    assert "etcd" in failing(start)


def test_hazard_09_an_ellipsis_in_the_middle_of_a_header_makes_no_names(told: Told) -> None:
    start = only(
        told("""
        ● k3s.service - Lightweight Kubernetes
        Dec 29 15:07:07 attic k3s[53]: I1229 15:07:07.000000      53 healthz.go:261] poststarth…readyz
        Dec 29 15:07:08 attic k3s[53]: time="2023-12-29T15:07:08Z" level=info msg="Kine available at unix://kine.sock"
        Hint: Some lines were ellipsized, use -l to show in full.
        """)
    )
    assert not start.checks
    assert start.unit == "k3s.service"


def test_hazard_10_a_cut_quote_swallows_nothing(told: Told) -> None:
    start = only(
        told("""
        Dec 29 15:07:07 attic k3s[53]: time="2023-12-29T15:07:07Z" level=fatal msg="starting kubern>
        Dec 29 15:07:07 attic systemd[1]: k3s.service: Main process exited, code=exited, status=1/F>
        """)
    )
    assert start.outcome == "failed"
    assert start.outcome_reason == "starting kubern…"
    assert any(milestone.id == "process_exited" for milestone in start.milestones)


def test_hazard_11_ready_and_dead_in_the_same_millisecond_is_both(told: Told) -> None:
    start = only(
        told("""
        time="2024-05-02T10:00:00.000000000Z" level=info msg="Starting k3s v1.20.6+k3s1 (8d043282)"
        time="2024-05-02T10:00:09.000000000Z" level=info msg="Running kube-apiserver --secure-port=6444"
        time="2024-05-02T10:00:40.922908637Z" level=info msg="k3s is up and running"
        time="2024-05-02T10:00:40.923450846Z" level=fatal msg="failed to find memory cgroup, you may need to add it"
        """)
    )
    assert (start.outcome, start.end.kind) == ("ready", "failed")


@pytest.mark.parametrize(
    "text",
    [
        "INFO[0004] Waiting for node 'k3d-lab-server-0' to get ready (Log: 'k3s is up and running')",
        "INFO[0004] Node 'k3d-lab-server-0' ready: k3s is up and running",
    ],
)
def test_hazard_12_words_of_readiness_in_anothers_mouth(told: Told, text: str) -> None:
    assert not any(start.outcome == "ready" for start in told(text + "\n" + BANNER).starts)


def test_hazard_12_systemds_started_is_not_readiness_of_an_agent(told: Told) -> None:
    start = only(
        told("""
        May 02 10:00:00 barn systemd[1]: Started Lightweight Kubernetes.
        May 02 10:00:01 barn k3s[12]: time="2024-05-02T10:00:01Z" level=info msg="Starting k3s agent v1.28.4+k3s1 (abc12345)"
        """)
    )
    assert (start.role, start.outcome) == ("agent", "incomplete")
    agent = only(
        told("""
        May 02 10:00:01 barn k3s[12]: time="2024-05-02T10:00:01Z" level=info msg="Starting k3s agent v1.28.4+k3s1 (abc12345)"
        May 02 10:00:21 barn k3s[12]: time="2024-05-02T10:00:21Z" level=info msg="k3s agent is up and running"
        """)
    )
    assert agent.outcome == "ready"


def test_hazard_12_a_cluster_reset_ends_on_purpose(told: Told) -> None:
    start = only(
        told("""
        time="2024-05-02T10:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"
        time="2024-05-02T10:00:20Z" level=info msg="Managed etcd cluster membership has been reset, restart without --cluster-reset flag now. Backup and delete ${datadir}/server/db on each peer etcd server and rejoin the nodes"
        """)
    )
    assert start.outcome != "failed"
    assert not any(finding.severity == "critical" for finding in start.findings)


def test_hazard_13_a_new_pid_alone_is_a_new_start(told: Told) -> None:
    report = told("""
        May 02 10:00:01 attic k3s[14515]: time="2024-05-02T10:00:01Z" level=info msg="Kine available at unix://kine.sock"
        May 02 10:00:03 attic k3s[14515]: time="2024-05-02T10:00:03Z" level=fatal msg="leaderelection lost for k3s"
        May 02 10:00:09 attic k3s[17949]: time="2024-05-02T10:00:09Z" level=info msg="Kine available at unix://kine.sock"
        """)
    assert [start.pid for start in report.starts] == [14515, 17949]


def test_hazard_14_children_and_helpers_are_no_starts(told: Told) -> None:
    start = only(
        told("""
        May 02 10:00:00 rock systemd[1]: Starting Rancher Kubernetes Engine v2 (server)...
        May 02 10:00:00 rock sh[1844]: + /usr/bin/systemctl is-enabled --quiet nm-cloud-setup.service
        May 02 10:00:01 rock rke2[500]: time="2024-05-02T10:00:01Z" level=info msg="Starting rke2 v1.28.4+rke2r1 (abc12345)"
        May 02 10:00:05 rock rke2[564]: I0502 10:00:05.000000     564 server.go:467] "Kubelet version" kubeletVersion="v1.28.4+rke2r1"
        May 02 10:00:06 rock rke2[500]: time="2024-05-02T10:00:06Z" level=info msg="Pod for etcd is synced"
        """)
    )
    assert (start.product, start.pid) == ("rke2", 500)


@pytest.mark.parametrize(
    "line",
    [
        "FATA[0010] failed to connect: failed to connect, make sure you are running as root: context deadline exceeded",
        'fatal: [server-1]: FAILED! => {"changed": false, "msg": "Unable to start service k3s"}',
        "2024/05/02 10:00:30 [FATAL] k3s exited with: exit status 1",
    ],
)
def test_hazard_15_somebody_elses_fatal_line_is_not_the_reason(told: Told, line: str) -> None:
    start = told(f"""
        time="2024-05-02T10:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"
        time="2024-05-02T10:00:20Z" level=fatal msg="flannel exited: modprobe: FATAL: Module vxlan not found in directory /lib"
        {line}
        """).starts[0]
    assert (start.outcome, start.end.kind) == ("ready", "failed")  # flannel begins behind readiness
    assert start.end.reason is not None and start.end.reason.startswith("flannel exited: ")


def test_hazard_15_crictls_fatal_line_alone_ends_no_start(told: Told) -> None:
    start = only(
        told(f"""
        {BANNER}
        FATA[0010] failed to connect: failed to connect, make sure you are running as root
        """)
    )
    assert start.end.kind == "running"


def test_hazard_16_klog_inside_logrus_is_one_fatal_line(told: Told) -> None:
    start = only(
        told(f"""
        {BANNER}
        time="2024-05-02T10:00:39Z" level=fatal msg="apiserver panic: F0502 10:00:39.946344     270 instance.go:232] Error creating leases: error creating storage factory: context deadline exceeded\\n" stack="goroutine 1 [running]:\\nruntime/debug.Stack()"
        """)
    )
    assert start.outcome == "failed"
    assert start.outcome_reason is not None and "Error creating leases" in start.outcome_reason
    assert "goroutine" not in start.outcome_reason


def test_hazard_17_the_inner_clock_dates_the_outer_one(told: Told) -> None:
    start = only(
        told("""
        Apr 13 07:37:37 attic k3s[1763]: time="2021-04-13T15:37:37.100000000+08:00" level=info msg="Starting k3s v1.20.5+k3s1 (355fff30)"
        Apr 13 07:37:42 attic k3s[1763]: time="2021-04-13T15:37:42.100000000+08:00" level=info msg="Kine available at unix://kine.sock"
        """)
    )
    assert start.began_at is not None
    assert start.began_at.timestamp() == pytest.approx(1618299457, abs=1.1)


def test_hazard_18_seconds_of_a_terminal_and_dates_in_one_run(told: Told) -> None:
    start = only(
        told("""
        INFO[0000] Acquiring lock file /var/lib/rancher/k3s/data/.lock
        INFO[2021-04-15T10:01:58.400000000+08:00] Starting k3s v1.20.5+k3s1 (355fff30)
        INFO[2021-04-15T10:01:59.400000000+08:00] Kine listening on unix://kine.sock
        """)
    )
    assert start.version == "v1.20.5+k3s1"
    assert all(phase.duration_s.min >= 0 for phase in start.phases)
    assert start.began_at is not None and start.began_at.year == 2021


def test_hazard_19_blocks_in_the_wrong_order_give_no_negative_length(told: Told) -> None:
    report = told("""
        May 02 10:00:20 attic k3s[12]: time="2024-05-02T10:00:20Z" level=info msg="Running kube-apiserver --secure-port=6444"
        May 02 10:00:01 attic k3s[12]: time="2024-05-02T10:00:01Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"
        May 02 10:00:05 attic k3s[12]: time="2024-05-02T10:00:05Z" level=info msg="Kine available at unix://kine.sock"
        """)
    for start in report.starts:
        assert all(phase.duration_s.min >= 0 for phase in start.phases)
        assert all((phase.duration_s.max or 0) >= 0 for phase in start.phases)


def test_hazard_20_an_unset_clock_is_named(told: Told) -> None:
    start = only(
        told("""
        INFO[1970-01-01T01:09:41.570742090Z] Starting k3s v0.3.0 (9a1a1ec)
        """)
    )
    assert "clock_unset" in {finding.id for finding in start.findings}


@pytest.mark.parametrize(
    "prefix",
    [" 12:09:42 node k3s[22385]: ", "k3s[9082]: ", " . k3s[9082]: ", "cp-1 k3s[18771]: ", "un 19 12:09:42 node k3s[22]: ", ""],
)  # fmt: skip
def test_hazard_21_damaged_prefixes_still_give_the_message(told: Told, prefix: str) -> None:
    start = only(told(f'{prefix}time="2024-06-19T12:09:42Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"'))
    assert start.version == "v1.28.4+k3s1"
    assert start.began_at is not None and start.began_at.year == 2024


def test_hazard_21_a_line_without_any_time_is_still_a_start(told: Told) -> None:
    start = only(told('level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"\nlevel=fatal msg="--token is required"'))
    assert (start.outcome, start.outcome_reason) == ("failed", "--token is required")
    assert start.began_at is None and start.end.at_s is None


@pytest.mark.parametrize("day", ["mar 29", "juil. 14", "4月 17", "12月 03", "Feb  9", "Mai 17", "oct. 23"])
def test_hazard_22_months_of_the_world(told: Told, day: str) -> None:
    start = only(
        told(f"""
        {day} 03:31:09 attic systemd[1]: Starting Lightweight Kubernetes...
        {day} 03:31:11 attic k3s[54]: I0101 03:31:11.000000      54 server.go:150] Version: v1.28.4+k3s1
        """)
    )
    assert (start.host, start.pid, start.version) == ("attic", 54, "v1.28.4+k3s1")


def test_hazard_23_an_e_mail_that_broke_a_record(told: Told) -> None:
    start = only(told(
        'time="2024-05-02T10:00:00Z" level=fatal msg="starting kubernetes:\n'
        'preparing server: listen tcp :6443: bind: address already in use"\n'
    ))  # fmt: skip
    assert start.outcome_reason == (
        "starting kubernetes: preparing server: listen tcp :6443: bind: address already in use"
    )


def test_hazard_23_stray_spaces_of_a_terminal_wrap_do_not_hide_the_class(told: Told) -> None:
    start = only(
        told(f"""
        time="2025-05-02T10:00:02Z" level=info msg="{POLL}Get \\"https://127.0.0.1:6444/readyz\\": dial tcp 127.0.0.1:6444: connect: connect ion refused"
        """)
    )
    assert [poll.error for poll in start.polls] == ["connection_refused"]


def test_hazard_24_records_glued_together(told: Told) -> None:
    start = only(
        told(f"""
        {BANNER}
        segment 207068-207649time="2024-05-02T10:00:20Z" level=fatal msg="starting kubernetes: preparing server: raft"
        """)
    )
    assert start.outcome_reason == "starting kubernetes: preparing server: raft"


def test_hazard_25_bytes_of_a_terminal(told: Told) -> None:
    start = only(told(
        "\x1b[?2004h\x1b]0;root@attic\x07# k3s server\r\n"
        "\x1b[36mINFO\x1b[0m[2024-05-02T10:00:00.100000000Z] Starting k3s v1.28.4+k3s1 (abc12345) \r\n"
        "\x1b[31mFATA\x1b[0m[2024-05-02T10:00:01.100000000Z] --token is required                   \r\n"
    ))  # fmt: skip
    assert (start.version, start.outcome_reason) == ("v1.28.4+k3s1", "--token is required")


def test_hazard_26_what_stands_between_the_lines(told: Told) -> None:
    start = only(
        told("""
        Here is my log, please help!
        ```
        [root@attic ~]# journalctl -u k3s
        -- Logs begin at Thu 2024-05-02 09:00:00 UTC, end at Thu 2024-05-02 11:00:00 UTC. --
        ░░ Subject: A start job for unit k3s.service has begun execution
        > May 02 10:00:00 attic k3s[12]: time="2024-05-02T10:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"

        [SNIP]
        # ... output omitted ...
        > May 02 10:00:09 attic k3s[12]: time="2024-05-02T10:00:09Z" level=fatal msg="--token is required"
        ```
        """)
    )
    assert (start.outcome_reason, start.pid) == ("--token is required", 12)


@pytest.mark.parametrize(
    "prefix",
    ["server_1  | ", "2024-05-02T10:00:00.670000000Z stderr F ", "    ", "module.lab.null_resource.cp (remote-exec): "],
)
def test_hazard_27_prefixes_in_front_of_everything(told: Told, prefix: str) -> None:
    start = only(told("\n".join(prefix + line for line in (BANNER, BANNER.replace("info", "fatal").replace(
        "Starting k3s v1.28.4+k3s1 (abc12345)", "--token is required")))))  # fmt: skip
    assert (start.version, start.outcome_reason) == ("v1.28.4+k3s1", "--token is required")


def test_hazard_28_hosts_and_other_units_stay_apart(told: Told) -> None:
    report = told("""
        May 02 10:00:00 north k3s[12]: time="2024-05-02T10:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"
        May 02 10:00:00 south k3s[12]: time="2024-05-02T10:00:00Z" level=info msg="Starting k3s v1.29.1+k3s2 (def67890)"
        May 02 10:00:01 north cloud-init[9]: Starting rancher-system-agent.service
        May 02 10:00:02 south systemd[1]: Starting Uncomplicated firewall...
        May 02 10:00:03 north k3s[12]: time="2024-05-02T10:00:03Z" level=fatal msg="--token is required"
        """)
    assert [(start.host, start.version, start.outcome) for start in report.starts] == [
        ("north", "v1.28.4+k3s1", "failed"),
        ("south", "v1.29.1+k3s2", "incomplete"),
    ]


def test_hazard_29_odd_logrus_values(told: Told) -> None:
    start = only(
        told("""
        time="2024-05-02T10:00:00Z" level=info msg=start
        time="2024-05-02T10:00:01Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)" component= url="https://192.0.2.1:6443"
        time="2024-05-02T10:00:02Z" level=fatal msg="--token is required" error="a \\"quoted\\" thing" stack=
        """)
    )
    assert (start.version, start.outcome_reason) == ("v1.28.4+k3s1", "--token is required")


@pytest.mark.parametrize("stamp", ["2024-05-02T10:00:01.195+0800", "2024-05-02T10:00:01.45484+0800", None])
def test_hazard_30_etcds_stamps(told: Told, stamp: str | None) -> None:
    ts = "" if stamp is None else f'"ts":"{stamp}",'
    start = only(
        told(f"""
        time="2024-05-02T10:00:00+08:00" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"
        {{"level":"warn",{ts}"caller":"etcdserver/util.go:123","msg":"apply request took too long","took":"1.5s"}}
        time="2024-05-02T10:00:09+08:00" level=info msg="Connection to etcd is ready"
        """)
    )
    assert "slow_datastore" in {finding.id for finding in start.findings}
    assert start.clock.utc_offset == "+08:00"


def test_hazard_31_a_very_long_line_costs_its_length(told: Told) -> None:
    def read(size: int) -> None:
        body = "\\\\n".join(f"[+]poststarthook/hook-{number} ok" for number in range(size))
        text = f'time="2025-05-02T10:00:02Z" level=info msg="{POLL}an error on the server (\\"{body}\\") has prevented"'
        assert len(told(text).starts) == 1

    assert proportional(read, 2800)


@pytest.mark.parametrize(
    "line",
    [
        "INFO[0000] Starting new tools node...",
        "INFO[0001] Starting Node 'k3d-lab-server-0'",
        "INFO[0000] Acquiring lock file",
        "Starting k3s certificate check",
        "[INFO]  systemd: Starting k3s",
    ],
)
def test_hazard_32_words_of_other_tools_begin_no_start(told: Told, line: str) -> None:
    assert not told(line).starts
