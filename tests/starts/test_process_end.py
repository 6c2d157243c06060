"""How processes end, in small texts of our own: what ends one, what it survives, and what only looks like an end."""

# ruff: noqa: E501  (log lines are as long as they are)

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.analysis import analyze_records
from analyzer.records import read_log_records
from analyzer.results import StartReport
from analyzer.starts import find_starts, judge
from tests.kit.handmade import Journal
from tests.starts.pasted import LATER, READY, finding, names, only, told

# ------------------------------------------------------------------ panics


@pytest.mark.parametrize(
    ("lines", "words", "frame"),
    [
        (
            """
E0504 08:00:20.704887     812 runtime.go:79] Observed a panic: "assignment to entry in nil map" (assignment to entry in nil map)
goroutine 765 [running]:
k8s.io/apimachinery/pkg/util/runtime.logPanic({0x1, 0x2})
\t/go/pkg/mod/k8s.io/apimachinery@v0.33.4/pkg/util/runtime/runtime.go:75 +0x85
panic({0x4e0a2c0?, 0x81b5b40?})
github.com/k3s-io/k3s/pkg/deploy.(*watcher).listFiles(0xc000812000, 0x1)
""",
            "assignment to entry in nil map",
            "deploy.(*watcher).listFiles",
        ),
        (
            """
E0504 08:00:20.704887     812 panic.go:262] "Observed a panic" panic="runtime error: index out of range [3] with length 3" panicGoValue="runtime.boundsError{x:3}"
""",
            "index out of range [3]",
            None,
        ),
        (
            """
time="2026-05-04T08:00:20Z" level=error msg="http: panic serving 192.0.2.7:52344: runtime error: invalid memory address or nil pointer dereference"
goroutine 9 [running]:
net/http.(*conn).serve.func1()
panic({0x4e0a2c0?, 0x81b5b40?})
github.com/rancher/remotedialer.(*Server).ServeHTTP(0xc00012, {0x1, 0x2}, 0x3)
""",
            "invalid memory address",
            "remotedialer.(*Server).ServeHTTP",
        ),
        (
            """
time="2026-05-04T08:00:20Z" level=error msg="Recovered from panic: send on closed channel"
""",
            "send on closed channel",
            None,
        ),
    ],
)
def test_a_panic_that_the_process_survives_is_a_warning(lines: str, words: str, frame: str | None) -> None:
    inside = "".join(f"May 04 08:00:20 node-a k3s[812]: {line}\n" for line in lines.strip().splitlines())
    start = only(READY + inside + LATER)
    assert (start.outcome, start.end.kind) == ("ready", "running")
    said = finding(start, "panic_survived")
    assert said.severity == "warning"
    assert words in said.detail
    assert (frame or "") in said.detail
    assert not any(one.severity == "critical" for one in start.findings)


def test_a_container_without_numbers_survives_by_klogs_own_column() -> None:
    text = """
    time="2026-05-04T08:00:09Z" level=info msg="Kube API server is now running"
    E0504 08:00:20.704887       1 runtime.go:79] Observed a panic: "x is nil" (x is nil)
    goroutine 765 [running]:
    I0504 08:04:20.704887       {pid} shared_informer.go:318] Caches are synced for tokens
    """
    assert only(text.replace("{pid}", "1")).end.kind == "running"


CRASH = [
    "panic: runtime error: invalid memory address or nil pointer dereference [recovered]",
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x2f0]",
    "goroutine 1041 [running]:",
    "github.com/k3s-io/k3s/pkg/etcd.(*ETCD).Start(0xc000812000)",
]
EXIT_2 = "May 04 08:00:21 node-a systemd[1]: k3s.service: Main process exited, code=exited, status=2/INVALIDARGUMENT\n"


def crash(second: int, lines: list[str] = CRASH) -> str:
    return "".join(f"May 04 08:00:{second:02d} node-a k3s[812]: {line}\n" for line in lines)


@pytest.mark.parametrize("after", ["", EXIT_2])
def test_a_crash_stays_an_end(after: str) -> None:
    start = only(READY + crash(20) + after)
    assert (start.outcome, start.end.kind) == ("ready", "failed")
    assert "invalid memory address" in (start.end.reason or "")
    assert "panic_survived" not in names(start)


def test_late_lines_of_the_same_second_undo_no_crash() -> None:
    late = 'May 04 08:00:20 node-a k3s[812]: time="2026-05-04T08:00:20Z" level=info msg="Stopped tunnel"\n'
    assert only(READY + crash(20) + late + EXIT_2).end.kind == "failed"


def test_another_process_does_not_speak_for_the_one_that_crashed() -> None:
    observed = ['E0504 08:00:20.704887     812 runtime.go:79] Observed a panic: "x" (x)', *CRASH[2:]]
    next_one = READY.replace("[812]", "[977]").replace("08:00:", "08:02:")
    first, second = told(READY + crash(20, observed) + next_one)
    assert (first.end.kind, second.end.kind) == ("failed", "running")
    assert "failed_tries_before" in names(second)


def test_a_fatal_line_inside_a_panic_ends_the_process() -> None:
    line = "E0504 08:00:20.704887     812 runtime.go:76] Observed a panic: F0504 08:00:20.70 812 hooks.go:203] no way"
    assert only(READY + crash(20, [line])).end.kind == "failed"


# ------------------------------------------------------------------ lines of other programs


@pytest.mark.parametrize(
    "line",
    [
        'FATA[2026-04-01T08:31:41Z] removing the container "7ed0": rpc error: code = NotFound',
        "FATA[0000] getting the status of the container: rpc error: code = Unavailable",
        'FATA[0002] pulling image: rpc error: code = Unknown desc = failed to pull and unpack image "x"',
        "FATA[0000] listing pod sandboxes: rpc error: code = Unavailable",
        "Error: INSTALLATION FAILED: cannot re-use a name that is still in use",
        "Error: Kubernetes cluster unreachable: Get http://localhost:8080/version: connection refused",
    ],
)
def test_lines_of_other_programs_end_nothing(line: str) -> None:
    start = only(f"""
    INFO[2026-04-01T08:24:30.739000000Z] Starting k3s v1.30.4+k3s1 (0123abcd)
    INFO[2026-04-01T08:24:37.029000000Z] Kube API server is now running
    root@n1:~# crictl ps
    {line}
    """)
    assert (start.outcome, start.end.kind) == ("ready", "running")


def test_k3s_own_fatal_line_in_the_same_form_is_an_end() -> None:
    start = only("""
    INFO[2026-04-01T08:24:30.739000000Z] Starting k3s v1.30.4+k3s1 (0123abcd)
    FATA[2026-04-01T08:24:31.739000000Z] starting kubernetes: preparing server: token CA hash does not match
    """)
    assert start.end.kind == "failed"


# ------------------------------------------------------------------ words that were cut


def cut_at(width: int, text: str) -> str:
    return "".join(line[:width] + "\n" for line in text.strip().splitlines())


def waited(seconds: int, words: str, width: int) -> StartReport:
    at = f"{8 + seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    long = "x" * 90
    text = f"""
May 04 08:00:00 vm k3s[7]: time="2026-05-04T08:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (3f237230)"
May 04 08:00:00 vm k3s[7]: time="2026-05-04T08:00:00Z" level=info msg="Running kube-apiserver --{long}"
May 04 08:00:00 vm k3s[7]: time="2026-05-04T08:00:00Z" level=info msg="Running kube-scheduler --{long}"
May 04 {at} vm k3s[7]: time="2026-05-04T{at}Z" level=fatal msg="{words}"
"""
    return only(cut_at(width, text))


@pytest.mark.parametrize(
    ("words", "width"),
    [
        ("Tunnel watches failed to wait for RBAC: timed out waiting for the condition", 120),
        ("Tunnel watches failed to wait for apiserver ready: timed out waiting for the condition, failed", 100),
        ("Kubelet failed to wait for apiserver ready: timed out waiting for the condition", 110),
        ("Failed to wait for API server to become ready: context deadline exceeded", 95),
        ("preparing server: failed to get CA certs: Get https://192.0.2.1/cacerts: context canceled", 160),
    ],
)
def test_the_cut_echo_of_a_stop_is_no_failure(words: str, width: int) -> None:
    start = waited(4, words, width)
    assert start.end.kind == "stopped"
    assert start.outcome in ("stopped", "incomplete")


def test_a_wait_that_reached_its_limit_is_a_failure_also_where_it_is_cut() -> None:
    assert waited(905, "Tunnel watches failed to wait for RBAC: timed out waiting for the", 110).end.kind == "failed"
    assert waited(4, "Tunnel watches failed to start", 200).end.kind == "failed"


@pytest.mark.parametrize("width", [110, 118, 300])
def test_a_wait_without_an_end_ends_only_when_it_is_cancelled(width: int) -> None:
    words = (
        "Error: failed to retrieve agent configuration: failed to retrieve configuration from server: not authorized"
    )
    assert waited(1400, words, width).end.kind == "stopped"


def test_what_cannot_be_read_is_no_failure_by_itself() -> None:
    assert waited(4, "Tunnel watches failed to wait for RBAC: timed out", 80).end.kind == "running"
    exited = "May 04 08:00:05 node-a systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE\n"
    fatal = 'May 04 08:00:05 node-a k3s[812]: time="2026-05-04T08:00:05Z" level=fatal msg="Fa\n'
    assert only(READY + fatal + exited).end.kind == "failed"
    closing = 'May 04 08:00:05 node-a k3s[812]: time="2026-05-04T08:00:05Z" level=info msg="Closing database connections..."\n'
    some = (
        'May 04 08:00:05 node-a k3s[812]: time="2026-05-04T08:00:05Z" level=fatal msg="preparing server: failed to b\n'
    )
    assert only(READY + some).end.kind == "failed"
    assert only(READY + closing + some).end.kind != "failed"


def test_an_uncut_wait_that_ended_at_once_was_cancelled() -> None:
    words = "Failed to wait for API server to become ready: timed out waiting for the condition"
    assert waited(9, words, 300).end.kind == "stopped"
    assert waited(901, words, 300).end.kind == "failed"


def test_the_reason_of_a_cut_line_says_that_it_goes_on() -> None:
    start = waited(4, "starting kubernetes: preparing server: listen tcp :6443: bind: address already in use", 140)
    assert (start.end.kind, (start.end.reason or "")[-1]) == ("failed", "…")


def test_a_version_that_touches_the_cut_is_not_known() -> None:
    whole = 'May 04 08:00:00 vm k3s[7]: time="2026-05-04T08:00:00Z" level=info msg="Starting k3s v1.28.4+k3s1 (3f2372'
    assert only(whole).version == "v1.28.4+k3s1"
    assert only(whole[:-10]).version is None
    assert only(whole[:-13]).version is None


def test_cut_words_are_the_same_words() -> None:
    text = ""
    for number, end in enumerate(("already in use", "alr", "already i"), 1):
        close = '"' if end == "already in use" else ""
        text += (
            f"May 04 08:0{number}:00 vm systemd[1]: Starting k3s.service - Lightweight Kubernetes...\n"
            f'May 04 08:0{number}:01 vm k3s[{number}7]: time="2026-05-04T08:0{number}:01Z" level=fatal msg="starting '
            f"kubernetes: preparing server: listen tcp :6443: bind: address {end}{close}\n"
            f"May 04 08:0{number}:01 vm systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE\n"
        )
    loop = finding(told(text)[-1], "crash_loop")
    assert "always with the same words" in loop.detail
    assert "already in use" in loop.detail


# ------------------------------------------------------------------ stopped, and the end of a text


def test_stopped_before_a_restart_is_no_reason() -> None:
    text = (
        READY + "May 04 08:10:00 node-a systemd[1]: k3s.service: Scheduled restart job, restart counter is at 3.\n"
        "May 04 08:10:00 node-a systemd[1]: Stopped Lightweight Kubernetes.\n"
        "May 04 08:10:00 node-a systemd[1]: Starting Lightweight Kubernetes...\n"
    )
    first, _ = told(text)
    assert (first.end.kind, first.end.reason) == ("running", None)


def test_stopped_for_good_is_a_stop_and_no_failure() -> None:
    text = (
        READY + "May 04 08:10:00 node-a systemd[1]: k3s.service: Deactivated successfully.\n"
        "May 04 08:10:00 node-a systemd[1]: Stopped Lightweight Kubernetes.\n"
    )
    assert only(text).end.kind == "stopped"
    assert only(text.rsplit("May", 1)[0]).end.kind == "running", "in good order, by whom is not known"


def test_units_of_different_names_lend_each_other_no_lines() -> None:
    journal = Journal()
    journal.begin().ticking(1.0, 6.0).serving(3.0).running(7.0).ticking(8.0, 20.0)
    for row in journal.rows:
        for key in ("UNIT", "_SYSTEMD_UNIT"):
            if key in row:
                row[key] = "k3s-main.service"
    for text in (
        "k3s-dev.service: Main process exited, code=exited, status=1/FAILURE",
        "k3s-dev.service: Failed with result 'exit-code'.",
    ):
        journal._row(15.0, "systemd", 1, text, 0.0, UNIT="k3s-dev.service")
    assert journal.report().end.kind == "running"
    journal._row(21.0, "systemd", 1, "k3s-main.service: Main process exited, code=exited, status=1/FAILURE", 0.0,
                 UNIT="k3s-main.service")  # fmt: skip
    assert journal.report().end.kind == "failed"


def test_the_end_of_a_file_is_no_end_of_its_process(tmp_path: Path) -> None:
    paths = []
    for number in range(4):
        journal = Journal(pid=1000 + number)
        at = 1000.0 * number
        journal.begin(at).serving(at + 3.0).ticking(at + 3.1, at + 9.0).running(at + 9.1)
        paths.append(tmp_path / f"run-{number}.txt")
        paths[-1].write_bytes(journal.short())
    log_records, errors = read_log_records([str(path) for path in paths])
    assert not errors
    starts = analyze_records(log_records, tool_version="0").starts
    assert [(start.outcome, start.end.kind) for start in starts] == [("ready", "running")] * 4


# ------------------------------------------------------------------ failed runs before


def tries(*reasons: str, last: str = "") -> list[StartReport]:
    text = ""
    for number, words in enumerate(reasons, 1):
        text += (
            f'May 04 08:0{number}:01 vm rke2[{number}7]: time="2026-05-04T08:0{number}:01Z" level=fatal msg="{words}"\n'
            f"May 04 08:0{number}:01 vm systemd[1]: rke2-agent.service: Main process exited, code=exited, "
            "status=1/FAILURE\n"
            f"May 04 08:0{number}:06 vm systemd[1]: Starting Rancher Kubernetes Engine v2 (agent)...\n"
        )
    text += 'May 04 08:09:01 vm rke2[99]: time="2026-05-04T08:09:01Z" level=info msg="Starting rke2 agent v1.30.4+rke2r1 (0a)"\n'
    return told(text + last)


UP = 'May 04 08:09:51 vm rke2[99]: time="2026-05-04T08:09:51Z" level=info msg="rke2 agent is up and running"\n'


def test_earlier_tries_are_told_beside_the_start_that_is_shown() -> None:
    last = tries("failed to extract runtime image: stream error", last=UP)[-1]
    said = finding(last, "failed_tries_before")
    assert (last.outcome, said.severity) == ("ready", "info")
    assert said.title == "1 try failed before this one"
    assert "failed to extract runtime image" in said.detail
    waiting = finding(tries("no default routes found", "unable to find interface eth9")[-1], "failed_tries_before")
    assert waiting.severity == "warning"
    assert waiting.title.startswith("2 tries")
    assert "no default routes" in waiting.detail
    assert "eth9" in waiting.detail


def test_what_a_loop_tells_is_not_told_twice_and_a_run_that_held_ends_the_story() -> None:
    looped = tries("one", "one", "one", last=UP)[-1]
    assert "crash_loop" in names(looped)
    assert "failed_tries_before" not in names(looped)
    text = READY + READY.replace("[812]", "[900]").replace("08:00", "08:10")
    assert all("failed_tries_before" not in names(start) for start in told(text))


def test_always_the_same_words_needs_two_of_them() -> None:
    one = (
        'May 04 08:00:01 node-a k3s[812]: time="2026-05-04T08:00:01Z" level=fatal msg="words nobody knows"\n'
        "May 04 08:00:01 node-a systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE\n"
        "May 04 08:00:06 node-a systemd[1]: k3s.service: Scheduled restart job, restart counter is at 41.\n"
    )
    said = finding(only(one), "crash_loop").detail
    assert "41" in said
    assert "always" not in said
    assert "only the last one's words" in said


# ------------------------------------------------------------------ causes


def skipped(flag: str, fatal: str) -> StartReport:
    return only(f"""
    May 04 08:00:04 node-a rke2[812]: time="2026-05-04T08:00:04Z" level=warning msg="Unknown flag --{flag} found in config.yaml, skipping"
    May 04 08:00:04 node-a rke2[812]: time="2026-05-04T08:00:04Z" level=fatal msg="{fatal}"
    May 04 08:00:04 node-a systemd[1]: rke2-server.service: Main process exited, code=exited, status=1/FAILURE
    """)


def test_a_key_that_was_skipped_is_a_cause_only_of_a_message_that_names_it() -> None:
    start = skipped("ingress-kind", "invalid value provided for --profile flag")
    assert start.findings[0].id == "failed_step"
    assert all("because of this" not in one.detail for one in start.findings)
    linked = skipped("cloud-controler", "no value for cloud-controler was given")
    assert "because of this" in finding(linked, "process_failed").detail
    assert "because of this" not in finding(skipped("cni", "no cnidata there"), "process_failed").detail


def test_a_mere_warning_is_no_cause_of_an_unknown_end() -> None:
    start = only("""
    May 04 08:00:04 node-a k3s[812]: W0504 08:00:04.123456     812 iptables.go:550] Could not set up iptables canary: exit status 3: modprobe: FATAL: Module ip_tables not found in directory /lib/modules/5.15.0
    May 04 08:00:05 node-a k3s[812]: time="2026-05-04T08:00:05Z" level=fatal msg="words nobody knows"
    """)
    assert "kernel_module_missing" in names(start)
    assert "because of this" not in finding(start, "process_failed").detail


@pytest.mark.parametrize(("last", "kind"), [(17.9, "failed"), (18.1, "running")])
def test_ten_seconds_after_the_second_of_a_parts_last_words_the_process_went_on(last: float, kind: str) -> None:
    journal = Journal().begin().ticking(1.0, 6.0).bare(7.0, "containerd: exit status 1").kube(last, "still here")
    [start] = find_starts(journal.log_records(journal.short()).records)
    assert judge(start).end_kind == kind


@pytest.mark.parametrize(("lines", "kind"), [(8, "failed"), (9, "running")])
def test_without_stamps_nine_lines_below_a_parts_last_words_are_too_many(lines: int, kind: str) -> None:
    rows = ['level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"', "containerd: exit status 1"]
    rows += [f'level=info msg="line {number}"' for number in range(lines)]
    assert only("\n".join(rows) + "\n").end.kind == kind


@pytest.mark.parametrize(("closing_at", "kind"), [(11.0, "failed"), (10.0, "stopped")])
def test_a_failure_behind_the_first_closing_noise_is_an_echo(closing_at: float, kind: str) -> None:
    journal = Journal().begin().ticking(1.0, 6.0).serving(3.0).running(7.0).say(10.5, "words nobody knows", "fatal")
    journal.kube(closing_at, "Shutting down kubernetes service endpoint reconciler", "controller.go:128")
    assert journal.report().end.kind == kind
