"""Journals in which one known thing goes wrong: for every finding, how to bring it about.

``FAULTS`` maps the id of a finding to a function ``seed -> bytes`` that gives a journal in which the finding is
true. ``SEVERAL`` holds journals with more than one fault, and the finding that is their root. What is wrong comes
from the start itself where the generator can produce it, else from lines that are put in or left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from analyzer.events.catalogue import rules
from analyzer.events.finding_info import about
from analyzer.testing import log_wording
from analyzer.testing.generator import generate
from analyzer.testing.healthy import healthy_start
from analyzer.testing.journal_editor import JournalEditor
from analyzer.testing.scenarios import NAMED, k3s
from analyzer.testing.true_moments import CRD, RBAC
from analyzer.testing.truth import SECOND, Scenario, StartPlan

Make = Callable[[int], bytes]
_QUIET_HOOK = "poststarthook/storage-object-count-tracker-hook"  # prints nothing, and nothing waits for it


def _plan(**more: object) -> StartPlan:
    return k3s("v1.33.4+k3s1", **{"fresh": False, "node": False, **more})


def _editor(seed: int, **more: object) -> JournalEditor:
    return JournalEditor(Scenario(name="trouble", starts=(_plan(**more),)), seed)


def _generated(*plans: StartPlan, **more: object) -> Make:
    scenario = Scenario(name="trouble", starts=plans, **more)  # type: ignore[arg-type]
    return lambda seed: generate(scenario, seed).render("export")


def _named(name: str, **more: object) -> Make:
    scenario = replace(NAMED[name], **more)  # type: ignore[arg-type]
    return lambda seed: generate(scenario, seed).render("export")


# ---------------------------------------------------------------- the datastore


def slow_datastore(seed: int) -> bytes:
    """By the lines of kine, of etcd's apply or sync, by traces, or by the role writes alone."""
    how = seed % 5
    if how == 4:
        return _generated(_plan(store="external", fresh=True, request_ms=90.0))(seed)
    journal = _editor(seed, store=("external", "etcd", "etcd", "sqlite")[how], extra={RBAC: 6.0})
    put_slowness(journal, how)
    return journal.export()


def put_slowness(journal: JournalEditor, how: int) -> None:
    """Six lines about slow answers after the server began to serve."""
    for number in range(6):
        at = journal.serving + round((0.7 + 0.4 * number) * SECOND)
        took = f"{1.2 + 0.3 * number:.1f}"
        if how == 0:
            journal.say(
                at, f"Slow SQL (started: 2026-03-01 06:03:30.1 +0000 UTC) (total time: {took}s): SELECT * FROM kine"
            )
        elif how == 1:
            journal.zap(at, "apply request took too long", took=f"{took}s", prefix="read-only range ")
        elif how == 2:
            journal.zap(at, "slow fdatasync", took=f"{took}s")
        else:
            text = f'Trace[91]: "Create" (01-Mar-2026 06:03:30.1) (total time: {took}s):'
            journal.kube(at, "trace.go:219", text, "I")
            journal.raw(at + 5, f'Trace[91]: ---"Object stored in database" {took}s (06:03:31.3)')
            journal.kube(
                at + 9, "trace.go:219", f'Trace[92]: "GuaranteedUpdate etcd3" (01-Mar) (total time: {took}s):', "I"
            )


def _relapse(seed: int) -> bytes:
    return _generated(
        _plan(store="external", pace=1.5, request_ms=12.0, stall_at_s=1.5, stall_s=14.0, extra={CRD: 2.0})
    )(seed)


def _ping(journal: JournalEditor, at: int) -> JournalEditor:
    text = "failed to ping connection: failed to connect to `user=k3s database=k3s`: 192.0.2.9:5432: connection refused"
    return journal.say(at, text, "error")


def _unreachable(seed: int) -> bytes:
    journal = _editor(seed, store="external")
    return journal.hold(journal.at("Configuring database table"), 40, lambda at: _ping(journal, at), 1.0).export()


def _waits_for_etcd(seed: int) -> bytes:
    journal = _editor(seed, store="etcd")
    at = journal.at("Starting etcd for")
    return journal.hold(at, 90, lambda at: journal.say(at, "Waiting for etcd server to become available")).export()


def _no_quorum(seed: int) -> bytes:
    return _generated(_plan(store="etcd", unreachable=True), cut_after_s=70.0)(seed)


def _not_a_member(seed: int) -> bytes:
    journal = _editor(seed, store="etcd")
    text = (
        "Failed to test etcd connection: this server is a not a member of the etcd cluster. Found "
        "[node-a-3c1d=https://192.0.2.77:2380], expect: node-a-3c1d=https://192.0.2.10:2380"
    )
    return journal.hold(journal.at("Starting etcd for"), 90, lambda at: journal.say(at, text)).export()


def put_refusals(journal: JournalEditor, number: int = 12) -> None:
    """PostgreSQL refuses connections."""
    text = "error while range on /registry/leases/ /registry/leases/: sorry, too many clients already (SQLSTATE 53300)"
    for index in range(number):
        journal.say(journal.serving + 300_000 + 40_000 * index, text, "error")


def _too_many_clients(seed: int) -> bytes:
    journal = _editor(seed, store="external")
    put_refusals(journal)
    return journal.export()


def _temporary_etcd(seed: int) -> bytes:
    journal = _editor(seed, store="etcd", pace=4.0)
    return journal.say(journal.truth.exec_us + 300_000, "Starting temporary etcd to reconcile with datastore").export()


# ---------------------------------------------------------------- the machine


def _frozen(seed: int) -> bytes:
    journal = _editor(seed, extra={_QUIET_HOOK: 15.0})
    return journal.quiet(journal.serving + 1_600_000, journal.serving + 13 * SECOND).export()


def _like_timeout(seed: int) -> bytes:
    journal = _editor(seed, extra={_QUIET_HOOK: 12.0})
    begin = journal.serving + 1_500_000
    begin = max(e.realtime_us for e in journal.entries if e.realtime_us <= begin)
    limit = (10, 5)[seed % 2]
    journal.quiet(begin, begin + limit * SECOND + 60_000)
    return journal.say(
        begin + limit * SECOND + 40_000, "Proxy error: read tcp 192.0.2.10: i/o timeout", "error"
    ).export()


def _clock_step(seed: int) -> bytes:
    journal = _editor(seed)
    at, by = journal.serving + 200_000, 7200 * SECOND
    journal.entries = [replace(e, realtime_us=e.realtime_us + by) if e.realtime_us > at else e for e in journal.entries]
    return journal.export()


def _memory(seed: int) -> bytes:
    journal = _editor(seed, fate="kill", fate_at_s=4.0)
    text = f"Out of memory: Killed process {journal.truth.pid} (k3s-server) total-vm:1180340kB, anon-rss:402112kB"
    return journal.kernel((journal.truth.end.at_us or journal.last) - 50, text).export()


def _images(seed: int) -> bytes:
    journal = _editor(seed, node=True)
    text = "Imported images from /var/lib/rancher/k3s/agent/images/airgap.tar.zst in 21.318207311s"
    return journal.say(journal.serving + 300_000, text).export()


def _throttled(seed: int) -> bytes:
    journal = _editor(seed)
    text = "Waited for 1.19s due to client-side throttling, not priority and fairness, request: GET:https://127.0.0.1:6444/apis"
    for number in range(6):
        journal.kube(journal.serving + 100_000 * (number + 1), "request.go:697", text, "I")
    return journal.export()


# ---------------------------------------------------------------- waiting


def _server_waits(seed: int) -> bytes:
    journal = JournalEditor(Scenario(name="trouble", starts=(_plan(role="agent", host="worker-1"),)), seed)
    text = "Waiting to retrieve agent configuration; server is not ready: https://127.0.0.1:6444/v1-k3s/readyz: 503"
    return journal.hold(journal.truth.exec_us + SECOND // 10, 100, lambda at: journal.say(at, text)).export()


def _learns(seed: int) -> bytes:
    """A new member of etcd that is never given a vote."""
    text = "Failed to test etcd connection: this server has not yet been promoted from learner to voting member"
    journal = JournalEditor(Scenario(name="trouble", starts=(_plan(store="etcd", unreachable=True),)), seed)
    journal.cut(journal.truth.exec_us + 6 * SECOND)
    for number in range(40):
        journal.say(journal.truth.exec_us + (7 + 5 * number) * SECOND, text)
    return journal.export()


def _wrong_port(seed: int) -> bytes:
    journal = JournalEditor(Scenario(name="trouble", starts=(_plan(role="agent", host="worker-1"),)), seed)
    url = "https://192.0.2.10:9345"
    text = f'Failed to validate connection to cluster at {url}: failed to get CA certs: Get "{url}/cacerts": EOF'
    at = journal.truth.exec_us + SECOND // 2
    journal.drop(lambda e: ":6443" in e.line.text)
    journal.cut(at)
    for turn in range(5):
        journal.say(at + (2 * turn + 1) * SECOND, text, "error")
    return journal.export()


def _pod_waits(seed: int) -> bytes:
    journal = JournalEditor(replace(NAMED["rke2-server"], name="trouble"), seed)
    text = "Pod for kube-apiserver not synced (waiting for termination of old pod), retrying"
    at = journal.at("Pod for etcd")
    journal.drop(lambda e: "Polling" in e.line.text)
    return journal.hold(at, 120, lambda at: journal.say(at, text), 20.0).export()


def _old_pod_waits(seed: int) -> bytes:
    journal = JournalEditor(replace(NAMED["rke2-server"], name="trouble"), seed)
    text = "Pod for kube-apiserver not synced (waiting for termination of old pod sandbox), retrying"
    return journal.hold(journal.at("Pod for etcd"), 120, lambda at: journal.say(at, text), 20.0).export()


def _polled(error: str, seconds: float = 75.0) -> Make:
    """A poll is answered that way, and that stays."""

    def make(seed: int) -> bytes:
        journal = _editor(seed)
        at = journal.at("Polling for API")
        journal.drop(lambda e: "Polling" in e.line.text)
        journal.hold(at, seconds, lambda at: journal.say(at, 'Event(v1.ObjectReference{Kind:"Addon"}): nothing'), 2.0)
        return journal.poll(at + 2 * SECOND, error).export()

    return make


_URL = f'Get "https://127.0.0.1:6443{log_wording.READYZ}": '
POLLS: Mapping[str, str] = MappingProxyType(
    {
        "bad_listener": _URL + "http: server gave HTTP response to HTTPS client",
        "x509_time": _URL + "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "
        "current time 2026-03-01T06:03:30Z is before 2026-03-02T00:00:00Z",
        "x509_name": _URL
        + "tls: failed to verify certificate: x509: certificate is valid for 10.43.0.1, not 127.0.0.1",
        "x509_unknown_authority": _URL
        + "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "tls_timeout": _URL + "net/http: TLS handshake timeout",
        "no_route": _URL + "dial tcp 192.0.2.10:6443: connect: no route to host",
        "deadline_exceeded": log_wording.no_answer(6443),
        "io_timeout": _URL + "dial tcp 192.0.2.10:6443: i/o timeout",
        "unauthorized": "Unauthorized",
        "not_found": "the server could not find the requested resource",
        "gateway_timeout": "the server was unable to return a response in the time allotted, but may still be "
        "processing the request",
        "server_error": 'an error on the server ("oops") has prevented the request from succeeding',
        "other": "something nobody has seen before",
    }
)


# ---------------------------------------------------------------- ends


def _of_containerd(seed: int) -> bytes:
    """The first lines of containerd's own file."""
    where = "/var/lib/rancher/k3s/agent/containerd/io.containerd.snapshotter.v1.native"
    lines = ("starting containerd", f"loading plugin from {where}", "serving...")
    return "".join(
        f'time="2026-02-03T10:20:{seed % 10 + at:02}.100000000Z" level=info msg="{text}"\n'
        for at, text in enumerate(lines)
    ).encode()


def _node_missing(seed: int) -> bytes:
    """Ready, and still without its node in the last line of the text."""
    journal = _editor(seed)
    text = 'Waiting for control-plane node node-a startup: nodes "node-a" not found'
    return journal.say(journal.last + 100_000, text).export()


def _complains(seed: int) -> bytes:
    """A server that waits for its etcd and says something of its own meanwhile that nobody knows."""
    journal = JournalEditor(Scenario(name="trouble", starts=(_plan(store="etcd", unreachable=True),)), seed)
    journal.cut(journal.truth.exec_us + 6 * SECOND)
    for number in range(3):
        at = journal.truth.exec_us + (7 + 5 * number) * SECOND
        journal.say(at, f"The frobnicator of pod {number} lost its gasket", "error")
    return journal.export()


def _crashed(seed: int) -> bytes:
    """Go's runtime ends the process: a fault in native code."""
    journal = _editor(seed)
    at = journal.serving + SECOND // 2
    return (
        journal.end(at, "code=exited, status=2/INVALIDARGUMENT")
        .raw(at - 10, "SIGSEGV: segmentation violation")
        .export()
    )


def _plain_end(seed: int) -> bytes:
    journal = _editor(seed)
    return journal.end(journal.serving + SECOND // 2).export()


def _gave_up(seed: int) -> bytes:
    journal = JournalEditor(Scenario(name="trouble", starts=(k3s("v1.21.14+k3s1", fresh=True, request_ms=40.0),)), seed)
    text = (
        "Failed to wait for apiserver being healthy: timed out waiting for the condition: failed to get apiserver "
        'healthz status: an error on the server ("[+]ping ok\\n[-]poststarthook/rbac/bootstrap-roles failed: reason '
        'withheld\\nhealthz check failed") has prevented the request from succeeding'
    )
    at = journal.serving + 2 * SECOND
    journal.end(at, "code=exited, status=255/EXCEPTION")
    return journal.kube(at - 10, "controllermanager.go:171", text, "F").export()


def _systemd_timeout(seed: int) -> bytes:
    journal = _editor(seed, extra={RBAC: 60.0})
    at = journal.serving + 5 * SECOND
    journal.end(at, "code=exited, status=1/FAILURE", "timeout")
    journal.systemd(at - 20, f"{journal.truth.unit}: start operation timed out. Terminating.")
    return journal.say(at - 10, 'signal received: "terminated", canceling context...', "warning").export()


def _prestart(seed: int) -> bytes:
    journal = _editor(seed)
    at = min(e.realtime_us for e in journal.entries if e.invocation_id == journal.truth.invocation_id) + 9000
    journal.cut(at)
    journal.systemd(at, f"{journal.truth.unit}: Control process exited, code=exited, status=1/FAILURE")
    return journal.systemd(at + 80, f"{journal.truth.unit}: Failed with result 'exit-code'.").export()


def _echo(seed: int) -> bytes:
    journal = JournalEditor(replace(NAMED["stop-before-ready"], name="trouble"), seed)
    text = "Tunnel watches failed to wait for RBAC: context canceled, "
    return journal.say((journal.truth.end.at_us or journal.last) + 40_000, text, "fatal").export()


def _tunnel(seed: int) -> bytes:
    """Releases up to 1.29 say the same words at every stop: only after 15 minutes they mean it."""
    journal = _editor(seed, extra={RBAC: 2000.0})
    journal.hold(
        journal.serving + SECOND, 905, lambda at: journal.say(at, "Waiting for cloud-controller-manager"), 20.0
    )
    text = "Tunnel watches failed to wait for RBAC: timed out waiting for the condition"
    return journal.say(journal.truth.exec_us + 907 * SECOND, text, "fatal").export()


def _example(name: str) -> Make:
    """The line of the data that shows a finding, as the last word of a start or as one of its lines."""
    shown = (rule for rule in rules() if rule.kind == "problem" and rule.id == name)
    texts = about(name).example or [text for rule in shown for text in rule.example]
    if not texts:
        raise KeyError(name)

    def make(seed: int) -> bytes:
        journal = _editor(seed, store="external" if "sql" in name.lower() or name == "id_exhausted" else "etcd")
        text = texts[seed % len(texts)]
        at = journal.serving - 200_000
        if any(mark in text for mark in ("level=fatal", "level=panic", "panic: ", "Error: ")) or text[:1] == "F":
            return journal.end(at + 20).example(at, text).export()
        for number in range(4):
            journal.example(at + number * 1000, text)
        return journal.export()

    return make


# ---------------------------------------------------------------- the text


def _suppressed(seed: int) -> bytes:
    journal = _editor(seed)
    at = journal.serving + 300_000
    journal.quiet(at - 150_000, at)
    unit = "systemd-journald.service"
    return journal.raw(at, "Suppressed 4123 messages from k3s.service", "systemd-journald", 301, unit).export()


def _cut_lines(seed: int) -> bytes:
    text = generate(Scenario(name="trouble", starts=(_plan(),)), seed).render("short").decode()
    return "".join(line[:120] + (">" if len(line) > 120 else "") + "\n" for line in text.splitlines()).encode()


def _unknown_words(seed: int) -> bytes:
    """The later part of a healthy start, and an error of words that nobody knows."""
    text = generate(Scenario(name="trouble", starts=(_plan(),)), seed).render("short-precise").decode()
    lines = text.splitlines(keepends=True)
    head = lines[-1].split("]: ", 1)[0]
    said = f'{head}]: time="2026-03-01T06:03:59Z" level=error msg="the left sprocket is bent"\n'
    return "".join([*lines[len(lines) // 2 :], said]).encode()


def _grepped(seed: int) -> bytes:
    # Of a quick start the warnings are one component's within a second: they might be one stretch of the text.
    text = (
        generate(Scenario(name="trouble", starts=(_plan(extra={RBAC: 80.0}),)), seed).render("short-precise").decode()
    )
    lines = text.splitlines(keepends=True)
    if seed % 2:
        chosen = [
            line for line in lines if "level=error" in line or "level=warn" in line or "]: W" in line or "]: E" in line
        ]
        return "".join(chosen).encode()
    parts = ["".join(lines[at : at + 7]) for at in range(0, len(lines), 12)]
    return "--\n".join(parts).encode()


def _panicked(seed: int) -> bytes:
    """A controller panics between the server's first request and readiness; the same process goes on."""
    journal = _editor(seed)
    at = journal.serving + 200_000
    words = "runtime error: index out of range [2] with length 2"
    journal.kube(
        at, "runtime.go:142", f"Observed a panic: runtime.boundsError{{x:2, y:2, signed:true, code:0x0}} ({words})"
    )
    journal.raw(at + 20, "goroutine 812 [running]:")
    return journal.raw(at + 40, "github.com/k3s-io/k3s/pkg/deploy.(*watcher).listFiles(0xc000812000, 0x1)").export()


def _cut_list(seed: int) -> bytes:
    return _named("cut-body")(seed)


FAULTS: Mapping[str, Make] = MappingProxyType(
    {
        "healthy": lambda seed: healthy_start(seed).render("export"),
        "noise_explained": lambda seed: healthy_start(seed).render("export"),
        "slow_datastore": slow_datastore,
        "slow_bootstrap_roles": _generated(_plan(fresh=True, request_ms=80.0)),
        "slow_try": _generated(_plan(store="external", fresh=True, request_ms=220.0)),
        "hook_retried": _generated(_plan(rbac_failures=2, rbac_try_s=3.0)),
        "datastore_late": _named("database-late"),
        "datastore_unreachable": _unreachable,
        "datastore_waiting": _waits_for_etcd,
        "datastore_check_failing": _generated(_plan(extra={"etcd": 9.0, "etcd-readiness": 9.0})),
        "datastore_relapsed": _relapse,
        "temporary_etcd": _temporary_etcd,
        "no_quorum": _no_quorum,
        "not_a_member": _not_a_member,
        "too_many_clients": _too_many_clients,
        "cpu_starved": _named("starved"),
        "frozen_gap": _frozen,
        "gap_like_timeout": _like_timeout,
        "out_of_memory": _memory,
        "clock_step": _clock_step,
        "clock_unset": _generated(_plan(), begin=datetime(1970, 1, 1, 0, 0, 41, tzinfo=UTC)),
        "slow_extract": _generated(_plan(extract_s=11.0)),
        "image_import": _images,
        "throttled_client": _throttled,
        "crd_heavy": _generated(_plan(extra={CRD: 9.0})),
        "dead_aggregated_api": _named("dead-aggregated-api"),
        "hook_limit": _generated(_plan(fresh=True, rbac_try_s=8.0, fate="hook-limit")),
        "fifteen_minute_limit": _named("binding-removed"),
        "controller_gave_up": _gave_up,
        "one_second_floor": _generated(_plan()),
        "polling_tax": _generated(*(_plan(fate="stop") for _ in range(6))),
        "silent_poller": _named("legacy-1.28"),
        "forbidden_lasting": _polled(log_wording.FORBIDDEN, 90.0),
        "server_not_ready": _server_waits,
        "server_unreachable": _named("agent-waits"),
        "join_port": _wrong_port,
        "static_pod_waiting": _pod_waits,
        "tried_again": _learns,
        "unknown_alarms": _unknown_words,
        "late_goal": _generated(_plan(hooks_s=240.0, run_s=300.0)),
        "later_than_usual": _generated(_plan(extra={RBAC: 80.0})),
        "old_pod_ending": _old_pod_waits,
        "refused_lasting": _polled(log_wording.refused(6443), 80.0),
        "stuck": _generated(_plan(store="etcd", unreachable=True), cut_after_s=200.0),
        "process_failed": _plain_end,
        "panic_survived": _panicked,
        "failed_tries_before": _generated(_plan(fate="bad-token"), _plan(restarted=1)),
        "component_log": _of_containerd,
        "open_wait": _node_missing,
        "repeated_error": _complains,
        "crashed": _crashed,
        "killed": _generated(_plan(fate="kill", fate_at_s=4.0)),
        "systemd_timeout": _systemd_timeout,
        "prestart_failed": _prestart,
        "crash_loop": _named("unknown-flag"),
        "restarted": _generated(_plan(restarted=7)),
        "stopped_early": _named("stop-before-ready"),
        "stop_echo": _echo,
        "other_server_answers": _named("agent-waits"),
        "several_servers": _named("etcd-three-servers"),
        "cut_lines": _cut_lines,
        "cut_list": _cut_list,
        "grepped": _grepped,
        "lines_lost": _suppressed,
        "tunnel_rbac": _tunnel,
        **{f"poll_{name}": _polled(text) for name, text in POLLS.items()},
    }
)


def fault(name: str) -> Make:
    """How to bring about a finding; those that the data has example lines for are made from these.

    :raises KeyError: nobody knows how.
    """
    return FAULTS[name] if name in FAULTS else _example(name)


# ---------------------------------------------------------------- several at once


def _slow_loop(seed: int) -> bytes:
    """Slow SQL, the hook's limit, and a loop of that."""
    scenario = NAMED["crash-loop-until-roles"]
    scenario = replace(scenario, name="trouble", starts=scenario.starts[:3])
    made = JournalEditor(scenario, seed)
    for number in range(3):
        journal = JournalEditor(scenario, seed, start=number)
        journal.entries = made.entries
        put_slowness(journal, 0)
        made.entries = journal.entries
    return made.export()


def _slow_clients(seed: int) -> bytes:
    journal = _editor(seed, store="external", fresh=True, request_ms=90.0)
    put_slowness(journal, 0)
    put_refusals(journal)
    return journal.export()


def _memory_loop(seed: int) -> bytes:
    plans = tuple(_plan(fate="kill", fate_at_s=4.0, restarted=number) for number in range(4))
    scenario = Scenario(name="trouble", starts=plans)
    made = JournalEditor(scenario, seed)
    for number in range(4):
        journal = JournalEditor(scenario, seed, start=number)
        text = f"Out of memory: Killed process {journal.truth.pid} (k3s-server) total-vm:1180340kB"
        journal.entries = made.entries
        journal.kernel((journal.truth.end.at_us or journal.last) - 50, text)
        made.entries = journal.entries
    return made.export()


def _unset_certificates(seed: int) -> bytes:
    scenario = Scenario(name="trouble", starts=(_plan(),), begin=datetime(1970, 1, 1, 0, 0, 41, tzinfo=UTC))
    journal = JournalEditor(scenario, seed)
    text = (
        "starting kubernetes: preparing server: x509: certificate has expired or is not yet valid: current time "
        "1970-01-01T00:00:44Z is before 2026-01-01T00:00:00Z"
    )
    at = journal.serving - SECOND // 2
    return journal.end(at + 20).say(at, text, "fatal").export()


def _frozen_roles(seed: int) -> bytes:
    journal = _editor(seed, fresh=True, request_ms=60.0)
    return journal.quiet(journal.serving + 800_000, journal.serving + 11 * SECOND).export()


def _full_disk(seed: int) -> bytes:
    """etcd cannot write, so k3s waits for it without an end."""
    journal = _editor(seed, store="etcd")

    def say(at: int) -> None:
        journal.zap(
            at, "failed to save", "error", error="write /var/lib/rancher/k3s/server/db: no space left on device"
        )
        journal.say(at + 900, "Waiting for etcd server to become available")

    return journal.hold(journal.at("Starting etcd for"), 130, say).export()


SEVERAL: Mapping[str, tuple[str, tuple[str, ...], Make]] = MappingProxyType(
    {
        # name: (the root, what follows from it and must be found as well, the journal)
        "quorum, then the limit": ("no_quorum", ("fifteen_minute_limit",), _named("stuck-15-minutes")),
        "slow database, hook, loop": ("slow_datastore", ("hook_limit", "crash_loop"), _slow_loop),
        "slow database, connections, roles": (
            "slow_datastore", ("too_many_clients", "slow_bootstrap_roles"), _slow_clients,
        ),
        "memory, kill, loop": ("out_of_memory", ("killed", "crash_loop"), _memory_loop),
        "unknown flag, loop": ("unknown_flag", ("crash_loop",), _named("unknown-flag")),
        "clock, certificates": ("clock_unset", ("x509_time",), _unset_certificates),
        "frozen, roles": ("frozen_gap", ("slow_bootstrap_roles",), _frozen_roles),
        "little CPU, slow roles": (
            "cpu_starved", ("slow_bootstrap_roles",), _generated(_plan(fresh=True, pace=12.0, starved=True)),
        ),
        "full disk, waiting": ("no_space", ("datastore_waiting", "stuck"), _full_disk),
        "refused polls, the limit": ("forbidden_lasting", ("fifteen_minute_limit",), _named("binding-removed")),
        "no quorum, still waiting": (
            "no_quorum", ("stuck",), _generated(_plan(store="etcd", unreachable=True), cut_after_s=200.0),
        ),
    }
)  # fmt: skip
