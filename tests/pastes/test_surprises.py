"""What journals pasted in public issues taught: each surprise again, in words, hosts and dates of our own."""

# ruff: noqa: E501  (log lines are as long as they are)

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.events.readyz import abridge
from analyzer.events.redaction import mask_secrets
from analyzer.reports import narrative
from analyzer.results import Finding, Report, StartReport

Told = Callable[[str], Report]


def only(report: Report) -> StartReport:
    assert len(report.starts) == 1
    return report.starts[0]


def findings(start: StartReport) -> dict[str, Finding]:
    return {finding.id: finding for finding in start.findings}


# ------------------------------------------------------------------ who ended it


def test_old_systemd_writes_main_process_in_small_letters(told: Told) -> None:
    start = only(
        told("""
        May 04 11:02:10 attic k3s: time="2023-05-04T11:02:10+02:00" level=info msg="Kine available at unix://kine.sock"
        May 04 11:02:31 attic systemd: k3s.service: main process exited, code=exited, status=2/INVALIDARGUMENT
        May 04 11:02:31 attic systemd: Failed to start Lightweight Kubernetes.
        May 04 11:02:31 attic systemd: Unit k3s.service entered failed state.
        """)
    )
    assert start.outcome == "failed"
    assert start.outcome_reason == "exited with status 2 (INVALIDARGUMENT)"


def test_of_systemds_words_the_result_says_more_than_the_next_try(told: Told) -> None:
    start = only(
        told("""
        Sep 11 08:00:01 attic systemd[1]: k3s.service: Service RestartSec=5s expired, scheduling restart.
        Sep 11 08:00:01 attic systemd[1]: k3s.service: Failed to schedule restart job: Unit k3s.service not found.
        Sep 11 08:00:01 attic systemd[1]: k3s.service: Failed with result 'exit-code'.
        """)
    )
    assert start.end.kind == "failed"
    assert start.end.reason == "k3s.service: Failed to schedule restart job: Unit k3s.service not found."


@pytest.mark.parametrize("last", ["fatal error: fault", "panic: runtime error: index out of range [7]"])
def test_a_crash_in_the_middle_of_a_run_says_nothing_of_its_start(told: Told, last: str) -> None:
    start = only(
        told(f"""
        Oct 03 04:12:55 attic k3s[877]: unexpected fault address 0x0
        Oct 03 04:12:55 attic k3s[877]: {last}
        Oct 03 04:12:55 attic k3s[877]: goroutine 4711 [running]:
        """)
    )
    assert start.outcome == "incomplete"
    assert start.outcome_reason is None
    assert start.end.kind == "failed"
    assert "whether it had become ready" in narrative.verdict(start)[0]


def test_a_panic_over_first_work_is_a_failed_start(told: Told) -> None:
    start = only(
        told("""
        Oct 03 04:12:55 attic k3s[877]: E1003 04:12:55.100000     877 runtime.go:76] Observed a panic: F1003 04:12:55.099000 877 controller.go:170] Unable to perform initial IP allocation check: Get "https://127.0.0.1:6444/api/v1/services": x509: certificate has expired or is not yet valid: current time 2022-10-03T04:12:55+13:00 is before 2022-10-03T02:00:00Z
        """)
    )
    assert start.outcome == "failed"
    assert "x509_time" in findings(start)


def test_a_cancelled_wait_for_rbac_is_the_echo_of_a_stop(told: Told) -> None:
    start = only(
        told("""
        time="2025-02-01T10:00:00Z" level=info msg="Starting k3s v1.31.5+k3s1 (56ec5dd4)"
        time="2025-02-01T10:00:04Z" level=info msg="Running kube-apiserver --bind-address=127.0.0.1"
        time="2025-02-01T10:00:09Z" level=fatal msg="Tunnel watches failed to wait for RBAC: context canceled"
        """)
    )
    assert (start.outcome, start.end.kind) == ("stopped", "stopped")
    assert not any(finding.severity == "critical" for finding in start.findings)


def test_a_controller_that_gave_up_on_the_api_server_names_the_check(told: Told) -> None:
    names = [f"poststarthook/start-thing-{n} ok" for n in range(20)]
    body = "\\n".join(f"[+]{name}" for name in ["ping ok", *names])
    start = only(
        told(f"""
        Jan 12 19:00:01 attic k3s[52]: F0112 19:00:01.000001      52 controllermanager.go:262] Failed to wait for apiserver being healthy: timed out waiting for the condition: failed to get apiserver /healthz status: an error on the server ("{body}\\n[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\\nhealthz check failed") has prevented the request from succeeding
        """)
    )
    assert start.outcome == "failed"
    assert start.end.reason is not None and len(start.end.reason) > 700, "the JSON keeps the whole text"
    found = findings(start)["controller_gave_up"]
    assert "Still failing: poststarthook/rbac/bootstrap-roles" in found.detail
    assert "[22 checks, failing: poststarthook/rbac/bootstrap-roles]" in narrative.verdict(start)[1]
    assert "start-thing-3" not in narrative.verdict(start)[1] + found.detail


def test_a_short_list_and_a_text_without_one_are_left_as_they_are() -> None:
    short = 'an error on the server ("[+]ping ok\\n[-]etcd failed: reason withheld\\nreadyz check failed") has'
    assert abridge(short) == short
    assert abridge("flannel exited: no such device") == "flannel exited: no such device"


def test_a_slow_datastore_right_before_an_unexplained_end_is_critical(told: Told) -> None:
    start = only(
        told("""
        Apr 02 21:18:24 attic k3s[81]: I0402 21:18:24.600000      81 trace.go:205] Trace[39]: "List etcd3" key:/roles,limit:500 (02-Apr-2022 21:18:12.000) (total time: 12600ms):
        Apr 02 21:18:25 attic systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE
        Apr 02 21:18:25 attic systemd[1]: Failed to start Lightweight Kubernetes.
        """)
    )
    found = findings(start)
    assert found["slow_datastore"].severity == "critical"
    assert "datastore" in found["process_failed"].advice


# ------------------------------------------------------------------ other supervisors and wrappers


def test_openrcs_supervisor_tells_of_an_end_and_where_the_log_is(told: Told) -> None:
    start = only(
        told("""
        Mar  3 06:03:30 shed daemon.info supervise-daemon[2101]: Child command line: /usr/local/bin/k3s server
        Mar  3 06:03:35 shed daemon.warn supervise-daemon: /usr/local/bin/k3s, pid 2103, exited with return code 1
        """)
    )
    assert start.product == "k3s"
    assert (start.outcome, start.end.kind, start.end.reason) == ("incomplete", "failed", "exited with return code 1")
    assert "/var/log/k3s.log" in findings(start)["process_failed"].advice


def test_openrcs_word_of_an_end_is_part_of_the_run_whose_file_stands_beside_it(told: Told) -> None:
    start = only(
        told("""
        time="2026-06-07T05:04:03Z" level=info msg="Starting k3s v1.34.1+k3s1 (c1d2e3f4)"
        time="2026-06-07T05:04:04Z" level=fatal msg="starting kubernetes: preparing server: no space left on device"
        Jun  7 05:04:05 shed daemon.warn supervise-daemon[71]: /usr/local/bin/k3s, pid 72, exited with return code 1
        """)
    )
    assert (start.version, start.outcome, start.site.supervisor) == ("v1.34.1+k3s1", "failed", "openrc")
    assert start.outcome_reason == "starting kubernetes: preparing server: no space left on device"
    assert not any("supervisor's log" in finding.advice for finding in start.findings)


def test_each_run_of_openrcs_service_has_its_own_end(told: Told) -> None:
    starts = told("""
        Jun  7 05:04:02 shed daemon.info supervise-daemon[71]: Child command line: /usr/local/bin/k3s server
        time="2026-06-07T05:04:03Z" level=info msg="Starting k3s v1.34.1+k3s1 (c1d2e3f4)"
        time="2026-06-07T05:04:04Z" level=fatal msg="starting kubernetes: preparing server: no space left on device"
        Jun  7 05:04:05 shed daemon.warn supervise-daemon[71]: /usr/local/bin/k3s, pid 72, exited with return code 1
        Jun  7 05:04:09 shed daemon.info supervise-daemon[71]: Child command line: /usr/local/bin/k3s server
        time="2026-06-07T05:04:10Z" level=info msg="Starting k3s v1.34.1+k3s1 (c1d2e3f4)"
        time="2026-06-07T05:04:11Z" level=info msg="Kine available at unix://kine.sock"
        """).starts
    assert [start.outcome for start in starts] == ["failed", "incomplete"]
    assert [start.end.kind for start in starts] == ["failed", "running"]


def test_openrcs_word_stays_apart_where_the_service_writes_under_a_name(told: Told) -> None:
    starts = told("""
        Jun  7 05:04:03 shed k3s[72]: time="2026-06-07T05:04:03Z" level=info msg="Starting k3s v1.34.1+k3s1 (c1d2e3f4)"
        Jun  7 05:04:05 shed daemon.warn supervise-daemon[71]: /usr/local/bin/k3s, pid 72, exited with return code 1
        """).starts
    assert [start.end.kind for start in starts] == ["failed"]


def test_words_of_a_failure_in_a_note_prove_no_readiness(told: Told) -> None:
    lines = """
        Jun 07 05:04:03 shed k3s[72]: time="2026-06-07T05:04:03Z" level=info msg="Starting k3s v1.34.1+k3s1 (c1d2e3f4)"
        Jun 07 05:04:04 shed k3s[72]: time="2026-06-07T05:04:04Z" level={} msg="{}"
        """
    words = "failed to start networking: no route"
    for level, note in (("info", f"Event of pod web [{words}]"), ("debug", words), ("error", f"Event web: {words}")):
        start = only(told(lines.format(level, note)))
        assert start.outcome == "incomplete"
        assert "healthy" not in findings(start)
    assert only(told(lines.format("fatal", words))).outcome == "ready"


def test_supervise_daemon_of_another_program_is_nobody(told: Told) -> None:
    assert not told("""
        Mar  3 06:03:35 shed daemon.warn supervise-daemon: /usr/sbin/chronyd, pid 2103, exited with return code 1
        """).starts


def test_ranchers_own_log_sends_to_the_file_of_its_k3s(told: Told) -> None:
    start = only(
        told("""
        2024/01/15 07:09:22 [INFO] Waiting for server to become available: an error on the server ("apiserver not ready")
        2024/01/15 07:12:08 [FATAL] k3s exited with: exit status 1
        """)
    )
    assert start.end.reason == "k3s exited with: exit status 1"
    assert "/var/lib/rancher/k3s.log" in findings(start)["process_failed"].advice


def test_what_k3s_says_itself_beats_ranchers_echo(told: Told) -> None:
    start = only(
        told("""
        2024/01/15 07:09:22 [INFO] Waiting for k3s to start
        time="2024-01-15T07:09:22Z" level=info msg="Starting k3s v1.27.8+k3s2 (02fcbd1f)"
        time="2024-01-15T07:09:23Z" level=fatal msg="failed to find memory cgroup (v2)"
        2024/01/15 07:09:24 [FATAL] k3s exited with: exit status 1
        """)
    )
    assert start.outcome_reason == "failed to find memory cgroup (v2)"
    assert "cgroup" in findings(start)


def test_the_k3d_command_quotes_the_only_copy_of_a_fatal_line(told: Told) -> None:
    start = only(
        told("""
        INFO[0013] Starting servers...
        WARN[0022] warning: encountered fatal log from node k3d-lab-server-0 (retrying 0/10): ?time="2024-03-09T06:53:31.262056755Z" level=fatal msg="failed to find memory cgroup (v2)"
        ERRO[0025] Failed Cluster Start: error waiting for log line `k3s is up and running` from node 'k3d-lab-server-0'
        """)
    )
    assert start.host == "k3d-lab-server-0"
    assert (start.end.kind, start.end.reason) == ("failed", "failed to find memory cgroup (v2)")


def test_a_wrapper_of_another_name_that_prints_only_what_k3s_prints(told: Told) -> None:
    start = only(
        told("""
        bash[4633]: {"level":"info","ts":"2024-01-17T14:53:45.197+0100","caller":"raft/raft.go:765","msg":"8d74 became leader"}
        bash[4633]: time="2024-01-17T14:53:55.195246408+01:00" level=info msg="Failed to test data store connection: context deadline exceeded"
        """)
    )
    assert (start.pid, start.role) == (4633, "server")
    assert findings(start)["datastore_waiting"].lines == (2,)


def test_fluent_bits_own_notation(told: Told) -> None:
    start = only(
        told("""
        [0] host.k3s.service: [[1740809012.400900000, {}], {"SYSLOG_IDENTIFIER"=>"k3s", "_PID"=>"1193", "_HOSTNAME"=>"attic", "MESSAGE"=>"time=\\"2025-03-01T06:03:32Z\\" level=info msg=\\"Starting k3s v1.32.1+k3s1 (6a322f12)\\""}]
        [1] host.k3s.service: [1740809013.020255000, {"_PID"=>"1193", "_HOSTNAME"=>"attic", "MESSAGE"=>"I0301 06:03:33.020255    1193 server.go:150] Version: v1.32.1+k3s1"}]
        """)
    )
    assert (start.host, start.unit, start.pid, start.version) == ("attic", "k3s.service", 1193, "v1.32.1+k3s1")
    assert start.clock.precision_s <= 1e-6


# ------------------------------------------------------------------ who it is


def test_the_head_of_a_status_block_names_unit_and_role(told: Told) -> None:
    start = only(
        told("""
        ● k3s-agent.service - Lightweight Kubernetes
             Loaded: loaded (/etc/systemd/system/k3s-agent.service; enabled; preset: enabled)
             Active: activating (start) since Tue 2024-09-17 09:26:09 GMT; 3h ago
           Main PID: 473 (k3s-agent)

        Sep 17 12:49:13 pasture k3s[473]: I0917 12:49:13.000000     473 options.go:1] something ordinary
        Sep 17 12:49:15 pasture k3s[473]: time="2024-09-17T12:49:15Z" level=error msg="failed to get CA certs: https://127.0.0.1:6444/cacerts: 401 Unauthorized"
        """)
    )
    assert (start.unit, start.role) == ("k3s-agent.service", "agent")
    assert start.began_at is not None and start.began_at.year == 2024
    found = findings(start)
    assert "not_a_server" in found and "server_unreachable" not in found, "who answers 401 can be reached"


def test_paths_in_the_text_name_the_product_and_datastore_lines_the_role(told: Told) -> None:
    report = told("""
        time="2022-12-10T17:28:54Z" level=info msg="Waiting to retrieve kube-proxy configuration; server is not ready: https://127.0.0.1:9345/v1-rke2/readyz: 500 Internal Server Error"
        time="2022-12-10T17:28:57Z" level=info msg="etcd data store connection OK"
        """)
    start = only(report)
    assert (start.product, start.role) == ("rke2", "server")


def test_commands_name_both_units_while_the_text_names_none(told: Told) -> None:
    report = told("""
        Aug 30 14:00:20 node4 k3s[1697]: time="2023-08-30T14:00:20Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: Node password rejected, duplicate hostname"
        """)
    start = only(report)
    assert start.role == "unknown"
    commands = [command for _, command in narrative.unknowns(report, start)]
    assert "journalctl -u k3s -u k3s-agent -b --no-pager -o short-precise" in commands


# ------------------------------------------------------------------ what it waits for


def test_rke2_waits_for_a_static_pod_and_the_reason_is_elsewhere(told: Told) -> None:
    lines = "\n".join(
        f'        Nov 18 18:{minute:02}:28 rock rke2[5945]: time="2024-11-18T18:{minute:02}:28-05:00" level=info '
        'msg="Pod for kube-apiserver not synced (pod sandbox not found), retrying"'
        for minute in range(30, 34)
    )
    found = findings(only(told(lines)))["static_pod_waiting"]
    assert found.severity == "warning"
    assert "pod sandbox not found" in found.detail and "4 times" in found.detail
    assert "kubelet.log" in found.advice and "/var/log/pods" in found.advice


def test_a_pod_that_got_synced_is_not_waited_for(told: Told) -> None:
    start = only(
        told("""
        Nov 18 18:30:28 rock rke2[5945]: time="2024-11-18T18:30:28-05:00" level=info msg="Pod for kube-apiserver not synced (no current running pod found), retrying"
        Nov 18 18:30:48 rock rke2[5945]: time="2024-11-18T18:30:48-05:00" level=info msg="Pod for kube-apiserver is synced"
        """)
    )
    assert "static_pod_waiting" not in findings(start)


def test_etcd_that_does_not_answer_is_told_until_it_does(told: Told) -> None:
    waits = "\n".join(
        f'        time="2023-03-17T17:22:{second}Z" level=info msg="Failed to test data store connection: context '
        'deadline exceeded"'
        for second in (10, 20, 30)
    )
    assert findings(only(told(waits)))["datastore_waiting"].severity == "warning"
    answered = waits + '\n        time="2023-03-17T17:22:41Z" level=info msg="etcd data store connection OK"'
    assert "datastore_waiting" not in findings(only(told(answered)))


def test_a_wait_that_names_its_reason_is_told_by_the_reason(told: Told) -> None:
    found = findings(
        only(
            told("""
        time="2023-03-23T15:49:28Z" level=info msg="Failed to test data store connection: this server is a not a member of the etcd cluster. Found [a=https://192.0.2.4:2380], expect: b=192.0.2.5"
        """)
        )
    )
    assert "not_a_member" in found and "datastore_waiting" not in found


def test_lines_picked_out_by_hand_have_no_silence(told: Told) -> None:
    start = only(
        told("""
        Sep 29 19:16:45 attic k3s[258]: time="2023-09-29T19:16:45Z" level=info msg="Starting flannel with backend vxlan"
        Sep 29 19:17:01 attic k3s[258]: time="2023-09-29T19:17:01Z" level=fatal msg="flannel exited: failed to find interface"
        """)
    )
    assert "flannel_failed" in findings(start)
    assert "frozen_gap" not in findings(start)


def test_systemds_counter_before_the_first_start_of_the_text(told: Told) -> None:
    start = only(
        told("""
        Aug 06 20:59:46 attic systemd[1]: k3s.service: Scheduled restart job, restart counter is at 27.
        Aug 06 20:59:46 attic systemd[1]: Stopped Lightweight Kubernetes.
        Aug 06 20:59:46 attic systemd[1]: Starting Lightweight Kubernetes...
        Aug 06 20:59:47 attic k3s[4966]: time="2023-08-06T20:59:47Z" level=info msg="Starting k3s v1.27.4+k3s1 (36645e7)"
        """)
    )
    found = findings(start)["restarted"]
    assert "27 times" in found.detail and found.lines == (1,)


def test_a_date_before_the_first_release_is_an_unset_clock(told: Told) -> None:
    start = only(
        told("""
        time="2017-06-22T11:12:01Z" level=info msg="Starting k3s v1.25.0+k3s1 (26e94057)"
        """)
    )
    assert start.began_at is not None and start.began_at.year == 2017, "told as it is, not corrected"
    assert findings(start)["clock_unset"].severity == "warning"


# ------------------------------------------------------------------ the right cause


def test_a_failed_validation_is_put_down_to_what_it_names(told: Told) -> None:
    found = findings(
        only(
            told("""
        Jun 22 11:12:01 attic k3s[16]: time="2023-06-22T11:12:01Z" level=error msg="CA cert validation failed: Get \\"https://127.0.0.1:6443/cacerts\\": x509: certificate has expired or is not yet valid: cur>
        """)
        )
    )
    assert "x509_time" in found
    assert "x509_authority" not in found


def test_a_token_of_another_ca_is_read_anew_not_recovered(told: Told) -> None:
    found = findings(
        only(
            told("""
        Jul 29 06:42:37 attic k3s[50]: time="2023-07-29T06:42:37Z" level=error msg="token CA hash does not match the Cluster CA certificate hash: aa11 != bb22"
        """)
        )
    )
    assert "node-token" in found["token_of_another_ca"].advice
    assert "wrong_token" not in found


def test_an_own_certificate_that_is_not_trusted_is_no_verdict(told: Told) -> None:
    found = findings(
        only(
            told("""
        Apr 21 15:09:07 attic k3s[61]: time="2021-04-21T15:09:07Z" level=error msg="server https://127.0.0.1:6443/cacerts is not trusted: Get https://127.0.0.1:6443/cacerts: x509: certificate signed by unknown authority"
        """)
        )
    )
    assert found["own_server_not_trusted"].severity == "warning"
    assert "x509_authority" not in found


def test_the_name_of_a_hook_is_no_encryption_problem(told: Told) -> None:
    start = only(
        told("""
        Error from server (InternalError): an error on the server ("[+]ping ok\\n[-]etcd failed: reason withheld\\n[+]poststarthook/start-encryption-provider-config-automatic-reload ok\\nlivez check failed") has prevented the request from succeeding
        """)
    )
    assert "encryption_config" not in findings(start)


def test_early_agents_were_refused_a_node_certificate(told: Told) -> None:
    start = only(
        told("""
        INFO[2020-05-10T09:41:07.179226896Z] Starting k3s agent v0.9.1 (755bd1c6)
        ERRO[2020-05-10T09:41:09.748260722Z] https://192.0.2.9:6443/v1-k3s/node.crt: 403 Forbidden
        """)
    )
    assert "node_password" in findings(start)
    waited = {name for phase in start.phases for name in phase.may_be}
    assert waited <= {"extract", "server", "containerd", "images", "node"}, "an agent has no datastore"


# ------------------------------------------------------------------ nothing invented


def test_the_phase_a_fragment_begins_in_has_no_length(told: Told) -> None:
    start = only(
        told("""
        Nov 04 17:08:46 rpi k3s[905]: time="2022-11-04T17:08:46.091486922+02:00" level=info msg="Database tables and indexes are up to date"
        Nov 04 17:08:46 rpi k3s[905]: time="2022-11-04T17:08:46.103268473+02:00" level=info msg="Kine available at unix://kine.sock"
        Nov 04 17:08:46 rpi k3s[905]: time="2022-11-04T17:08:46.104555219+02:00" level=info msg="Running kube-apiserver --advertise-port=6443"
        """)
    )
    first = start.phases[0]
    assert first.begin.lower is None
    assert first.duration_s.max is None, "it may have been under way for hours"


def test_a_record_broken_in_two_is_one(told: Told) -> None:
    start = only(
        told("""
        Oct 01 12:20:42 attic k3s[306]: time="2025-10-01T12:20:42-04:00" level=info msg="Polling for API server readiness: GET /readyz failed: an error on the server (\\"[+]ping ok\\\\n[+]log ok\\\\n[+]etcd ok\\\\n[+]poststarthook/start-legacy-token-track
        ing-controller ok\\\\n[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\\\\nreadyz check failed\\") has prevented the request from succeeding"
        """)
    )
    poll = start.polls[0]
    assert poll.failing == ("poststarthook/rbac/bootstrap-roles",)
    assert "poststarthook/start-legacy-token-tracking-controller" in poll.ok
    assert not poll.cut


def test_prose_below_a_cut_line_is_no_part_of_it(told: Told) -> None:
    start = only(
        told("""
        Oct 01 12:20:42 attic k3s[306]: time="2025-10-01T12:20:42-04:00" level=fatal msg="starting kubernetes: preparing server: listen tcp :6443: bind: addr
        Does anybody know what this means?
        """)
    )
    assert start.outcome_reason == "starting kubernetes: preparing server: listen tcp :6443: bind: addr…"


# ------------------------------------------------------------------ what others say of a start


def test_what_systemctl_told_is_a_start_only_where_nothing_better_is_in_the_text(told: Told) -> None:
    told_only = """
        [INFO]  systemd: Starting k3s
        Job for k3s.service failed because the control process exited with error code.
        See "systemctl status k3s.service" and "journalctl -xeu k3s.service" for details.
        """
    start = only(told(told_only))
    assert (start.unit, start.outcome) == ("k3s.service", "failed")
    assert start.outcome_reason == "systemctl: the control process exited with error code"
    better = only(
        told(
            told_only
            + """
        May 02 10:00:00 attic k3s[12]: time="2024-05-02T10:00:00Z" level=fatal msg="flannel exited: no such interface"
        """
        )
    )
    assert better.end.reason == "flannel exited: no such interface"


def test_systemds_description_names_product_and_role(told: Told) -> None:
    start = only(
        told("""
        Jul 05 14:12:44 barn systemd[1]: Starting Rancher Kubernetes Engine v2 (agent)...
        """)
    )
    assert (start.product, start.role) == ("rke2", "agent")


def test_who_signs_certificates_is_a_server(told: Told) -> None:
    start = only(
        told("""
        k3s[9082]: time="2025-04-22T12:46:58Z" level=info msg="certificate CN=system:kube-proxy signed by CN=k3s-client-ca@1745326017: notBefore=2025-04-22 12:46:57 +0000 UTC notAfter=2026-04-22 12:46:58 +0000 UTC"
        """)
    )
    assert start.role == "server"


@pytest.mark.parametrize("text", ["--token is required", "failed: --agent-token must be set", "--token and --server"])
def test_words_about_a_secrets_flag_are_no_secret(text: str) -> None:
    assert mask_secrets(text) == text
    assert mask_secrets("k3s server --token hunter2 --debug") == "k3s server --token *** --debug"
