"""More of the hazards' literal shapes, and the table that holds all 32 to a test each."""

# ruff: noqa: E501  (log lines are as long as they are)

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.results import Report, StartReport

Told = Callable[[str], Report]
BANNER = 'time="2024-05-02T10:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"'
FATAL = 'time="2024-05-02T10:00:09Z" level=fatal msg="--token is required"'
POLL = "Polling for API server readiness: GET /readyz failed: "

HAZARDS = {
    1: "three levels of escapes around one body",
    2: "a body cut inside a check's name",
    3: "a block that begins or ends outside the file",
    4: "a header and a body that disagree",
    5: "every line of a block with its own prefix, or none, or blank lines between",
    6: "the first check on the header's line",
    7: "the same failure said twice; malformed lines of a block",
    8: "livez and healthz bodies that look like readyz",
    9: "a middle shortened by systemctl",
    10: "the pager's cut anywhere",
    11: "ready and dead in the same millisecond",
    12: "words of readiness that are not readiness",
    13: "starts without a line of start",
    14: "pids that are no starts",
    15: "fatal lines of somebody else",
    16: "klog inside logrus",
    17: "two clocks in one line",
    18: "two bases of time in one run",
    19: "time that goes backwards",
    20: "an unset clock, midnight, New Year",
    21: "damaged stamps",
    22: "months of the world",
    23: "records wrapped over several lines",
    24: "records glued together",
    25: "bytes of a terminal",
    26: "lines that are no log",
    27: "prefixes in front of everything",
    28: "several hosts and units merged",
    29: "odd logrus values",
    30: "etcd's JSON with odd stamps or none",
    31: "very long lines",
    32: "words of k3s in other tools' logs",
}


def test_every_hazard_of_the_survey_has_a_test_of_its_own() -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_hazards*.py"))
    named = {int(number) for number in re.findall(r"^def test_hazard_(\d\d)_", text, re.MULTILINE)}
    assert named == set(HAZARDS) == set(range(1, 33))


def only(report: Report) -> StartReport:
    assert len(report.starts) == 1
    return report.starts[0]


@pytest.mark.parametrize(
    "line",
    [
        'Dec 29 15:07:07 attic k3s[53]: {"level":"warn","ts":"2023-12-29T15:07:07.1Z","caller":"etcdserver/util.go:170","msg":"apply request took too long","took":"1.5s","error":>',
        'Dec 29 15:07:07 attic k3s[53]: time="2023-12-29T15:07:07Z" level=info msg="Kine available at unix://kine.sock" stack=>',
    ],
)
def test_hazard_10_a_cut_in_json_or_behind_the_message(told: Told, line: str) -> None:
    start = only(
        told(line + "\n" + line.replace("15:07:07", "15:07:08") + "\n" + f"Dec 29 15:07:10 attic k3s[53]: {FATAL}")
    )
    assert start.outcome_reason == "--token is required"
    assert start.began_at is not None and start.began_at.year == 2023


def test_hazard_01_klog_and_kubectl_escape_once(told: Told) -> None:
    start = only(
        told("""
        E0502 10:00:02.000000      53 controllermanager.go:310] "Unhandled Error" err="an error on the server (\\"[+]ping ok\\\\n[-]etcd failed: reason withheld\\\\nreadyz check failed\\") has prevented the request from succeeding"
        Error from server (InternalError): an error on the server ("[+]ping ok\\n[+]log ok\\n[-]etcd failed: reason withheld\\nreadyz check failed") has prevented the request from succeeding
        I0502 10:00:03.000000      53 server.go:150] Version: v1.28.4+k3s1
        """)
    )
    assert {check.name for check in start.checks if check.seen_failing} == {"etcd"}


def test_hazard_03_a_block_that_ends_outside_the_file(told: Told) -> None:
    start = only(
        told("""
        I0502 10:00:03.000000      53 healthz.go:261] etcd,poststarthook/rbac/bootstrap-roles check failed: readyz
        [-]etcd failed: connection refused
        """)
    )
    assert {check.name for check in start.checks if check.final == "failing"} >= {"etcd"}
    assert start.ready.upper is None


def test_hazard_13_a_new_apiserver_after_a_gap_without_pids(told: Told) -> None:
    report = told("""
        time="2024-05-02T10:00:00Z" level=info msg="Running kube-apiserver --secure-port=6444"
        time="2024-05-02T10:00:20Z" level=fatal msg="starting kubernetes: preparing server: context deadline exceeded"
        time="2024-05-02T10:05:00Z" level=info msg="Running kube-apiserver --secure-port=6444"
        """)
    assert [start.outcome for start in report.starts] == ["failed", "incomplete"]


def test_hazard_20_midnight_and_new_year(told: Told) -> None:
    start = only(
        told("""
        Dec 31 23:59:58 attic k3s[12]: time="2024-12-31T23:59:58Z" level=info msg="Starting k3s v1.31.4+k3s1 (a562d090)"
        Dec 31 23:59:59 attic k3s[12]: I1231 23:59:59.500000      12 server.go:150] Version: v1.31.4+k3s1
        Jan 01 00:00:02 attic k3s[12]: I0101 00:00:02.250000      12 secure_serving.go:213] Serving securely on 127.0.0.1:6444
        Jan 01 00:00:08 attic k3s[12]: time="2025-01-01T00:00:08Z" level=info msg="Kube API server is now running"
        """)
    )
    assert start.outcome == "ready" and start.clock.steps == 0
    assert start.detected.upper is not None and 9 <= start.detected.upper <= 11.5
    assert start.began_at is not None and start.began_at.year == 2024


@pytest.mark.parametrize("damaged", ["0502 10:00:01.000000      12 server.go:150] Version: v1.28.4+k3s1", '"log":"I0502 10:00:01.000000      12 server.go:150] Version: v1.28.4+k3s1'])  # fmt: skip
def test_hazard_21_the_first_bytes_are_lost(told: Told, damaged: str) -> None:
    start = only(told(f"k3s[12]: {damaged}" if damaged[0] == "0" else f"{damaged}\n{BANNER}"))
    assert start.version == "v1.28.4+k3s1"


@pytest.mark.parametrize(
    "text",
    [
        'time="2024-05-02T10:00:00Z" level=fatal msg="starting\nkubernetes: preparing server: listen tcp :6443: bind:\naddress already in use"\n',
        'time="2024-05-02T10:00:00Z" level=fatal msg="starting kubernetes:\npreparing server: listen tcp :6443: bind:\naddress already in\nuse"\n',
    ],
    ids=["one", "two"],
)
def test_hazard_23_a_mail_that_broke_a_record_over_three_lines(told: Told, text: str) -> None:
    start = only(told(text))
    assert (
        start.outcome_reason == "starting kubernetes: preparing server: listen tcp :6443: bind: address already in use"
    )


def test_hazard_23_a_break_after_the_level(told: Told) -> None:
    start = only(told(BANNER + '\ntime="2024-05-02T10:00:00Z" level=fatal\nmsg="--token is required"\n'))
    assert (start.outcome, start.outcome_reason) == ("failed", "--token is required")


def test_hazard_23_a_break_in_the_middle_of_a_token(told: Told) -> None:
    wide = "a" * 60
    start = only(told(
        f'May 02 10:00:00 attic k3s[12]: time="2024-05-02T10:00:00Z" level=fatal msg="failed to get CA certs {wide}: https://19\n'
        '2.0.2.30:6443/cacerts: no route to host"\n'
    ))  # fmt: skip
    assert start.end.reason == f"failed to get CA certs {wide}: https://192.0.2.30:6443/cacerts: no route to host"


def test_hazard_23_a_poll_split_behind_failed(told: Told) -> None:
    start = only(told(
        f'May 02 10:00:02 attic k3s[12]: time="2025-05-02T10:00:02Z" level=info msg="{POLL.strip()}\n'
        'an error on the server (\\"[+]ping ok\\\\n[-]etcd failed: reason withheld\\\\nreadyz check failed\\") has prevented"\n'
    ))  # fmt: skip
    assert [poll.failing for poll in start.polls] == [("etcd",)]


@pytest.mark.parametrize(
    "line",
    [
        "10:00:09 PMI0502 10:00:09.000000      12 server.go:150] Version: v1.28.4+k3s1",
        "raft2024/05/02 10:00:09 INFO: 8e9e05c52164694d became leader",
        "}The K3S service is UP!",
    ],
)
def test_hazard_24_glued_lines_do_no_harm(told: Told, line: str) -> None:
    start = only(told(f"{BANNER}\n{line}\n{FATAL}"))
    assert (start.version, start.outcome_reason) == ("v1.28.4+k3s1", "--token is required")


def test_hazard_24_a_prompt_redrawn_on_the_same_line(told: Told) -> None:
    start = only(told(
        "root@attic:~# k3s ser\rroot@attic:~# k3s server\rINFO[2024-05-02T10:00:00.100000000Z] Starting k3s v1.28.4+k3s1 (abc12345)\n"
        "FATA[2024-05-02T10:00:01.100000000Z] --token is required\n"
    ))  # fmt: skip
    assert (start.version, start.outcome_reason) == ("v1.28.4+k3s1", "--token is required")


def test_hazard_25_mojibake_and_replaced_bytes(told: Told) -> None:
    start = only(
        told(f"""
        â k3s.service - Lightweight Kubernetes
           Loaded: loaded (/etc/systemd/system/k3s.service; enabled; vendor preset: enabled)
           Active: activating (auto-restart) (Result: exit-code) since Thu 2024-05-02 10:00:05 UTC; 3s ago
           CGroup: /system.slice/k3s.service
                   ââ940 /usr/local/bin/k3s server

        May 02 10:00:00 attic k3s[940]: \ufffd{BANNER}
        May 02 10:00:09 attic k3s[940]: {FATAL}
        """)
    )
    assert (start.unit, start.pid, start.version) == ("k3s.service", 940, "v1.28.4+k3s1")
    assert start.outcome_reason == "--token is required"


def test_hazard_26_markup_of_issues(told: Told) -> None:
    start = only(
        told(f"""
        <details><summary>journal</summary>
        <pre><code>
        -- | --
        `May 02 10:00:00 attic k3s[12]: {BANNER}`
        ...
        `May 02 10:00:09 attic k3s[12]: {FATAL}`
        </code></pre>
        """)
    )
    assert (start.version, start.pid) == ("v1.28.4+k3s1", 12)
    assert start.outcome_reason == "--token is required"


@pytest.mark.parametrize("blank", [1, 3])
def test_hazard_26_blank_lines_after_every_line(told: Told, blank: int) -> None:
    rows = [f"May 02 10:00:00 attic k3s[12]: {BANNER}", f"May 02 10:00:09 attic k3s[12]: {FATAL}"]
    assert only(told("".join(row + "\n" * (1 + blank) for row in rows))).outcome == "failed"


@pytest.mark.parametrize(
    "prefix", ["00:13:32: ", "??? ", "  ", "        ", "\t", "Apr  1 10:00:00 shed daemon.err k3s[12]: "]
)
def test_hazard_27_prefixes_of_more_tools(told: Told, prefix: str) -> None:
    start = only(told(f"{prefix}{BANNER}\n{prefix}{FATAL}\n"))
    assert (start.version, start.outcome_reason) == ("v1.28.4+k3s1", "--token is required")


def test_hazard_28_three_status_dumps_in_one_text(told: Told) -> None:
    text = ""
    for number, host in enumerate(("east", "north", "south"), 1):
        text += (
            f"● k3s.service - Lightweight Kubernetes\n"
            f"     Active: activating (start) since Thu 2024-05-02 10:00:05 UTC; 3s ago\n"
            f"   Main PID: {number}00 (k3s-server)\n\n"
            f"May 02 10:00:0{number} {host} k3s[{number}00]: {BANNER}\n"
        )
    assert [(start.host, start.pid) for start in told(text).starts] == [("east", 100), ("north", 200), ("south", 300)]


def test_hazard_28_units_of_one_host_stay_apart(told: Told) -> None:
    report = told(f"""
        May 02 10:00:00 attic systemd[1]: k3s-main.service: Scheduled restart job, restart counter is at 26636.
        May 02 10:00:00 attic systemd[1]: k3s-dev.service: Scheduled restart job, restart counter is at 26636.
        May 02 10:00:00 attic k3s[12]: {BANNER}
        May 02 10:00:00 attic k3s[13]: {BANNER}
        May 02 10:00:09 attic k3s[12]: {FATAL}
        """)
    assert {start.pid: start.outcome for start in report.starts if start.pid} == {12: "failed", 13: "incomplete"}


def test_hazard_28_services_of_compose_stay_apart(told: Told) -> None:
    report = told(f"""
        server_1  | {BANNER}
        agent_1   | {BANNER.replace("k3s v", "k3s agent v")}
        server_1  | {FATAL}
        """)
    assert [(s.host, s.role, s.outcome) for s in report.starts] == [
        ("server_1", "server", "failed"), ("agent_1", "agent", "incomplete"),
    ]  # fmt: skip


def test_hazard_29_an_event_with_empty_values(told: Told) -> None:
    start = only(
        told(f"""
        {BANNER}
        I0502 10:00:05.000000      12 event.go:307] "Event occurred" object="kube-system/x" fieldPath="" kind="Addon" apiVersion="" type="Normal" reason="Applied"
        INFO[0005] msg                                           url="https://192.0.2.1:6443" component=kube-apiserver
        {FATAL}
        """)
    )
    assert start.end.reason == "--token is required"


def test_hazard_19_microseconds_that_swap_are_no_clock_step(told: Told) -> None:
    start = only(
        told("""
        May 02 10:00:00.000300 attic k3s[12]: time="2024-05-02T10:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (abc12345)"
        May 02 10:00:05.000290 attic k3s[12]: I0502 10:00:05.000250      12 server.go:150] Version: v1.28.4+k3s1
        May 02 10:00:05.000250 attic k3s[12]: I0502 10:00:05.000200      12 server.go:152] "Golang settings" GOGC=""
        May 02 10:00:09.000300 attic k3s[12]: I0502 10:00:09.000250      12 secure_serving.go:213] Serving securely on 127.0.0.1:6444
        """)
    )
    assert start.clock.steps == 0
    assert all(milestone.at_s is None or milestone.at_s >= 0 for milestone in start.milestones)
