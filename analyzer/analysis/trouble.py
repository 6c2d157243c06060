"""Finding rules about what the machine, the datastore and the configuration did to a start."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from analyzer.analysis.case import Case, count, durations, listing
from analyzer.events import poll_errors
from analyzer.events.catalogue import causes_in, info
from analyzer.events.checks import info as check_info
from analyzer.events.masking import mask_secrets
from analyzer.events.model import Mark
from analyzer.events.readyz import abridge
from analyzer.findings import Finding, FindingSeverity
from analyzer.window import at_least, at_most

_SLOW = ("slow_sql", "etcd_slow_apply", "etcd_slow_fsync", "etcd_slow_read", "etcd_overloaded", "trace", "trace_step")
_STORE_STEPS = ("etcd3", "Txn call", "Write to database", "Object stored")
_RBAC = "poststarthook/rbac/bootstrap-roles"
# Read in the source and measured: how many requests the hook makes one after the other at least.
_RBAC_REQUESTS = 125
_LIMIT_TEXT = "ailed to wait for API server to become ready"
_GAVE_UP = "ailed to wait for apiserver being healthy"
_FIO = "fio --name=t --rw=write --bs=2300 --size=22m --fdatasync=1 --directory=/var/lib/rancher/k3s"
_DISK_ADVICE = {
    "sqlite": "SQLite syncs on every write: put /var/lib/rancher/k3s/server/db on an SSD, not on an SD card "
    f"or a network disk. Measure it: {_FIO}",
    "etcd": "etcd needs fsyncs under 10 ms (99th percentile): put /var/lib/rancher/k3s/server/db/etcd on an SSD. "
    f"Measure it: {_FIO}",
    "external": "Every write of the start waits for the database: put it into the same network zone, look at its disk "
    "and load, and measure the round trip (for PostgreSQL: \\timing on, then SELECT 1;).",
    "unknown": "Look at the disk under /var/lib/rancher (iostat -x 1) or at the database --datastore-endpoint names.",
}
# What has rules of its own, or is only ever background.
_HANDLED = frozenset(_SLOW) | {
    "no_quorum",
    "too_many_clients",
    "datastore_unreachable",
    "throttled_client",
    "image_import",
    "lines_lost",
}
_OTHER_LOG = {
    "rancher": "This is Rancher's own log; what its k3s wrote is in a file inside the container: "
    "docker exec <container> tail -n 500 /var/lib/rancher/k3s.log",
    "openrc": "This is the supervisor's log; under OpenRC the service writes into a file: "
    "sudo tail -n 500 /var/log/k3s.log",
}
_REPEATED = 3
_DEADLY_S = 5.0
_LASTING_S = 60.0
# An address with a port: unix sockets are kine's or the container runtime's.
_ETCD_ADDRESS = re.compile(r'failed to connect to \{Addr: "(?P<address>[^"/]+:\d+)"')


def failure(case: Case) -> list[Finding]:
    """Why the process ended, by the table of causes; the line that says it is the evidence."""
    report, verdict = case.report, case.studied.verdict
    if report.end.kind != "failed":
        return []
    text = abridge(verdict.reason or verdict.end_reason or "")
    if _LIMIT_TEXT in text:
        return [_fifteen_minutes(case, text)]
    records = [verdict.end] if verdict.end is not None else []
    if _GAVE_UP in text:
        return [_gave_up(case, text)]
    known = causes_in(text)
    if not known:
        # The root line may only say that something exited; the component's own last words come right before it.
        for mark in reversed(case.of("bare_error", "usage_error", "fatal", "component_exited", before_ready=False)):
            cause = mask_secrets(mark.groups.get("cause", mark.record.message))
            known = causes_in(cause)
            if known:
                text, records = cause, [mark.record, *records]
                break
    after = " after it had become ready" if report.outcome == "ready" else ""
    if known:
        rule, groups = known[0]
        named = [f"{name} {value}" for name, value in groups.items() if name in ("address", "flag", "option", "hook")]
        detail = f"The process ended{after}: {text}" + (f" [{', '.join(named)}]" if named else "")
        name = "hook_limit" if rule.id == "hook_failed" else rule.id
        advice = rule.advice.replace("<port>", _port(groups.get("address", "")))
        found = [case.finding(name, "critical", rule.title, detail, advice, records)]
        hook = groups.get("hook")
        if hook is not None:
            limit = check_info("poststarthook/" + hook).limit_s
            if limit is not None:
                found[0] = case.finding(
                    name, "critical", rule.title, f"{detail}. Its limit is {limit:g} s.", advice, records
                )
        return found
    if not text:
        text = "the text does not say why"
    detail = f"The process ended{after}: {text}"
    advice = f"The lines just before its end say more: journalctl -u {case.units} --no-pager -o short-precise"
    if case.studied.start.first("supervisor_exit") is not None:
        advice = _OTHER_LOG["rancher" if text.startswith("k3s exited with") else "openrc"]
    if text.startswith("exited with") and any(s >= _DEADLY_S for s, _ in durations(case.of(*_SLOW))):
        advice = "The datastore was slow right before; see the finding on it."
    if "killed by signal 9" in text:
        advice = "Killed from outside, often for lack of memory: journalctl -k | grep -i 'out of memory'"
    return [case.finding("process_failed", "critical", "The process ended by itself", detail, advice, records)]


def _port(address: str) -> str:
    port = address.rpartition(":")[2]
    return port if port.isdigit() else "<port>"


def _fifteen_minutes(case: Case, text: str) -> Finding:
    failing = [check.name for check in case.report.checks if check.final == "failing"]
    last = next((poll for poll in reversed(case.report.polls) if poll.error not in (None, "context_canceled")), None)
    detail = f"k3s gave up: {text}"
    if failing:
        detail += f". Still failing: {', '.join(failing)}"
    elif last is not None:
        detail += f". The last answer was {last.error}"
    verdict = case.studied.verdict
    advice = (
        "The limit is only the messenger: see what it waited for (the other findings, the last poll, the datastore)."
    )
    lines = [(last.source, last.line)] if last is not None and last.line is not None else []
    records = [verdict.end] if verdict.end is not None else []
    return case.finding(
        "fifteen_minute_limit", "critical", "Not ready within 15 minutes", detail, advice, records, lines=lines
    )


def _gave_up(case: Case, text: str) -> Finding:
    """Releases up to 1.20: the controller-manager waits for /healthz itself, for seconds only."""
    failing = [check.name for check in case.report.checks if check.final == "failing"]
    detail = f"A controller gave up waiting for the API server: {text}"
    if failing:
        detail += f". Still failing: {', '.join(failing)}"
    advice = (
        "The API server was up and too slow, mostly for its datastore: a slow disk, an SD card, a distant database, or "
        "scarce CPU. systemd starts k3s again, and what was written stays, so a later attempt needs less. "
    )
    records = [verdict.end] if (verdict := case.studied.verdict).end is not None else []
    return case.finding(
        "controller_gave_up", "critical", "The API server was not healthy in time", detail,
        advice + _DISK_ADVICE[case.datastore], records,
    )  # fmt: skip


def slow_datastore(case: Case) -> list[Finding]:
    """Slow answers of the datastore while the start was under way, with the check that paid for them."""
    marks = [
        mark
        for mark in case.of(*_SLOW)
        if mark.id not in ("trace", "trace_step") or any(s in mark.groups.get("operation", "") for s in _STORE_STEPS)
    ]
    timed = sorted(durations(marks), key=lambda pair: pair[0], reverse=True)
    found: list[Finding] = []
    if marks:
        kinds = Counter(rule.title.lower() for mark in marks if (rule := info(mark.id)) is not None)
        detail = f"{count(len(marks), 'line')} about it{case.span(marks)}: {listing(kinds)}."
        if timed:
            worst, mark = timed[0]
            what = mark.groups.get("operation", "")
            detail += f" The slowest took {worst:.2f} s" + (f" ({what})." if what else ".")
        bottleneck = case.report.bottleneck.checks
        if bottleneck and case.report.bottleneck.certainty != "none":
            detail += f" {bottleneck[0]} was the last to clear."
        worst_s = timed[0][0] if timed else 0.0
        severity: FindingSeverity = "warning" if worst_s >= 1.0 or len(marks) >= _REPEATED else "info"
        if worst_s >= _DEADLY_S and case.report.end.kind == "failed" and case.never_ready:
            severity = "critical"  # requests give up after 10 s, and so do the components that made them
        records = [mark.record for _, mark in timed] or [mark.record for mark in marks]
        found.append(
            case.finding(
                "slow_datastore",
                severity,
                "The datastore answers slowly",
                detail,
                _DISK_ADVICE[case.datastore],
                records,
            )
        )
    found.extend(_slow_roles(case, bool(marks)))
    return found


def _slow_roles(case: Case, lines_too: bool) -> list[Finding]:
    """The serial hook makes small delays visible that no line reports."""
    serving = case.studied.facts.serving
    for check in case.report.checks:
        if check.name != _RBAC or serving is None or check.cleared.lower is None:
            continue
        least = check.cleared.lower - serving.at_s - 1.0
        if least < 5.0 or (case.never_ready and check.final != "failing"):
            continue
        each = least / _RBAC_REQUESTS
        words = "No line reports slow answers, but" if not lines_too else "Together with the slow lines:"
        most = "" if check.cleared.upper is None else f" and at most {at_most(check.cleared.upper - serving.at_s)}"
        detail = (
            f"{words} {_RBAC} took at least {at_least(least + 1.0)}{most} after the server began to serve. It makes "
            f"about {_RBAC_REQUESTS} requests one after the other: at least {int(each * 1000)} ms each on average, "
            "or a try failed and was repeated."
        )
        silent = sum(
            min(gap.end_s, check.cleared.lower) - max(gap.begin_s, serving.at_s)
            for gap in case.report.gaps
            if gap.kind == "silent" and gap.begin_s < check.cleared.lower and gap.end_s > serving.at_s
        )
        if silent > 1.0:
            detail += f" In {silent:.1f} s of that nothing at all was logged: compare the finding on silence."
        lines = [(serving.source, serving.line)] if serving.line is not None else []
        if check.cleared.lower_line is not None:
            lines.append((check.cleared.source, check.cleared.lower_line))
        advice = "Slow disk, distant database or scarce CPU. " + _DISK_ADVICE[case.datastore]
        return [
            case.finding(
                "slow_bootstrap_roles", "warning", "Bootstrapping the roles took long", detail, advice, lines=lines
            )
        ]
    return []


def datastore(case: Case) -> list[Finding]:
    """The datastore was away: quorum, connection limit, unreachable, late, or bad again after it had been good."""
    found: list[Finding] = []
    quorum = case.of("no_quorum")
    rule = info("no_quorum")
    if rule is not None and len(quorum) >= _REPEATED and case.datastore != "external":
        severity: FindingSeverity = "critical" if case.never_ready else "warning"
        detail = f"{count(len(quorum), 'line')} of etcd about missing peers or a missing leader{case.span(quorum)}."
        if not case.never_ready:
            detail += " It was found in the end."
        found.append(
            case.finding("no_quorum", severity, rule.title, detail, rule.advice, [mark.record for mark in quorum])
        )
    clients = case.of("too_many_clients")
    rule = info("too_many_clients")
    if rule is not None and clients:
        severity = "critical" if case.never_ready else "warning"
        detail = f"{count(len(clients), 'request')} refused{case.span(clients)}."
        found.append(
            case.finding("too_many_clients", severity, rule.title, detail, rule.advice, [m.record for m in clients])
        )
    away = [m for m in case.of("datastore_unreachable") if not quorum and m not in clients]
    rule = info("datastore_unreachable")
    clients_seq = {mark.record.seq for mark in clients}
    away = [mark for mark in away if mark.record.seq not in clients_seq]
    if rule is not None and len(away) >= _REPEATED:
        times = [at for mark in away if (at := case.at(mark.record)) is not None]
        length = max(times) - min(times) if times else 0.0
        last = mask_secrets(away[-1].record.message)[:300]
        if case.never_ready:
            detail = f"{count(len(away), 'attempt')} failed{case.span(away)}; the last one: {last}"
            found.append(
                case.finding(
                    "datastore_unreachable", "critical", rule.title, detail, rule.advice, [m.record for m in away]
                )
            )
        elif length >= 5.0:
            detail = f"{count(len(away), 'attempt')} failed{case.span(away)} ({length:.0f} s), then it was there."
            advice = (
                "Order the unit after the database (systemctl edit: After=, Wants=), or accept the wait: k3s retries."
            )
            found.append(
                case.finding(
                    "datastore_late",
                    "warning",
                    "k3s waited for the datastore",
                    detail,
                    advice,
                    [m.record for m in away],
                )
            )
    if case.never_ready and not away and not quorum:
        found.extend(_silent_etcd(case))
    for check in case.report.checks:
        serving = case.studied.facts.serving
        if check.name not in ("etcd", "etcd-readiness") or not check.seen_failing or serving is None:
            continue
        until = check.failing_until_s
        if until is not None and until - serving.at_s > 5.0:
            after = until - serving.at_s
            detail = (
                f"The check {check.name} was failing until at least {at_least(until)}, {at_least(after)} after the "
                "server began to serve; other checks that failed with it may only have been waiting for the datastore."
            )
            line = [(check.cleared.source, check.cleared.lower_line)] if check.cleared.lower_line is not None else []
            found.append(
                case.finding(
                    "datastore_check_failing", "warning", "The datastore did not answer its own check", detail,
                    _DISK_ADVICE[case.datastore], lines=line,
                )
            )  # fmt: skip
            break
    return found


def still_waiting(case: Case) -> list[Finding]:
    """What a start without polls says it is waiting for: its etcd, or RKE2's static pods."""
    if not case.never_ready or case.report.end.kind == "failed":
        return []
    return _waits_for_etcd(case) or _waits_for_pods(case)


def _times(marks: list[Mark]) -> str:
    return "once" if len(marks) == 1 else f"{len(marks)} times"


def _lasting(case: Case, marks: list[Mark]) -> FindingSeverity:
    if not case.report.begin_seen:
        return "warning"  # who shows the middle of a wait has waited
    times = [at for mark in marks if (at := case.at(mark.record)) is not None]
    lasting = bool(times) and max(times) - min(times) >= _LASTING_S
    return "warning" if lasting or len(marks) >= _REPEATED else "info"


def _waits_for_etcd(case: Case) -> list[Finding]:
    marks = case.of("datastore_waiting")
    answered = case.studied.start.first("datastore_ready")
    # A line that names its reason has a finding of its own.
    named = {mark.record.seq for mark in case.starting if mark.kind == "problem"}
    if not marks or (answered is not None and answered.record.seq > marks[-1].record.seq):
        return []
    if marks[-1].record.seq in named:
        return []
    last = mask_secrets(marks[-1].record.message)[:300]
    detail = f"Said {_times(marks)}{case.span(marks)}: {last}"
    advice = (
        "Normal for some seconds. If it stays, etcd's own lines say why (peers, disk, certificates, space): "
        f"journalctl -u {case.units} --no-pager | grep etcdserver"
    )
    if case.report.product == "rke2":
        advice = (
            "Normal for some seconds. If it stays, etcd's own lines say why (peers, disk, certificates, space); it is "
            "a static pod: /var/log/pods/kube-system_etcd-*, and /var/lib/rancher/rke2/agent/logs/kubelet.log if there "
            "is none."
        )
    records = [mark.record for mark in marks]
    title = "etcd does not answer yet"
    return [case.finding("datastore_waiting", _lasting(case, marks), title, detail, advice, records)]


def _waits_for_pods(case: Case) -> list[Finding]:
    """RKE2's API server is a static pod: why it does not come up stands in other files."""
    start = case.studied.start
    answers = {"readyz_failing", "forbidden", "not_ready_text"}
    if case.report.product != "rke2" or case.report.role == "agent" or start.first("serving_securely") is not None:
        return []
    if any(poll.error in answers for poll in case.report.polls):
        return []
    component = "kube-apiserver"
    marks = [mark for mark in case.of("pod_not_synced") if mark.groups["component"] == component]
    synced = [mark for mark in start.marks("pod_synced") if mark.groups["component"] == component]
    if synced and (not marks or synced[-1].record.seq > marks[-1].record.seq):
        return []
    why = f": {marks[-1].groups['cause']}" if marks else ""
    named = {mark.record.seq for mark in case.starting if mark.kind == "problem"}
    marks = marks or [m for m in case.of("apiserver_waiting", "server_not_ready") if m.record.seq not in named]
    if not marks:
        return []
    detail = f"RKE2 waits for the static pod of {component}{why}. Said {_times(marks)}{case.span(marks)}."
    advice = (
        "Normal for a minute or two. If it stays, the reason is in other files: the kubelet's log "
        "(/var/lib/rancher/rke2/agent/logs/kubelet.log), containerd's (/var/lib/rancher/rke2/agent/containerd/"
        f"containerd.log) and the pod's (/var/log/pods/kube-system_{component}-*)."
    )
    if case.report.role == "unknown":
        advice += " On an agent: look at the server instead."
    records = [mark.record for mark in marks]
    title = "The API server's pod is not up yet"
    return [case.finding("static_pod_waiting", _lasting(case, marks), title, detail, advice, records)]


def _silent_etcd(case: Case) -> list[Finding]:
    """An etcd that nobody serves: k3s waits in silence, only gRPC's own retries (noise elsewhere) tell of it."""
    refused: dict[str, list[Mark]] = defaultdict(list)
    for mark in case.of("noise_grpc_retry"):
        hit = _ETCD_ADDRESS.search(mark.record.message)
        if hit is not None:
            refused[hit["address"]].append(mark)
    rule = info("datastore_unreachable")
    found: list[Finding] = []
    for address, marks in refused.items():
        if rule is not None and len(marks) >= _REPEATED + 2:
            detail = f"{count(len(marks), 'attempt')} to connect to etcd at {address} failed{case.span(marks)}."
            records = [mark.record for mark in marks]
            found.append(case.finding(rule.id, "critical", rule.title, detail, rule.advice, records))
    return found[:1]


def other_problems(case: Case, explained: set[str]) -> list[Finding]:
    """Every other known problem line, once per kind; in a start that became ready none is worth more than a warning."""
    groups: dict[str, list[Mark]] = defaultdict(list)
    for mark in case.starting:
        if mark.kind == "problem" and mark.id not in _HANDLED and mark.id not in explained:
            groups[mark.id].append(mark)
    found: list[Finding] = []
    for name, marks in groups.items():
        rule = info(name)
        if rule is None or name == "hook_failed":
            continue
        severity: FindingSeverity = rule.severity
        if severity == "critical" and (not case.never_ready or case.report.end.kind == "failed"):
            # It became ready all the same, or it ended with another cause.
            severity = "info" if rule.problem_class in ("peer", "load") else "warning"
        last = mask_secrets(marks[-1].record.message)[:300]
        times = "once" if len(marks) == 1 else f"{len(marks)} times"
        detail = f"Said {times}{case.span(marks)}: {last}"
        found.append(case.finding(name, severity, rule.title, detail, rule.advice, [mark.record for mark in marks]))
    images = [
        (seconds, mark) for seconds, mark in durations(case.of("image_import", before_ready=False)) if seconds >= 5
    ]
    if images:
        total = sum(seconds for seconds, _ in images)
        detail = f"{count(len(images), 'import')} took {total:.0f} s together."
        advice = (
            "Fewer or smaller archives under agent/images, or a faster disk; they are imported again at every start."
        )
        found.append(
            case.finding("image_import", "info", "Images were imported", detail, advice, [m.record for _, m in images])
        )
    return found


def poll_answers(case: Case) -> list[Finding]:
    """Classes of poll answers that do not heal by themselves, or lasted too long."""
    found: list[Finding] = []
    last = next((p for p in reversed(case.report.polls) if p.error not in (None, "context_canceled")), None)
    for error in case.report.errors:
        title, advice = poll_errors.advice(error.error)
        polls = [p for p in case.report.polls if p.error == error.error]
        lines = [(p.source, p.line) for p in polls if p.line is not None]
        length = (error.last_s - error.first_s) if error.last_s is not None and error.first_s is not None else 0.0
        still = case.never_ready and last is not None and last.error == error.error
        if title and (error.severity == "fatal" or length >= 30.0 or (still and length >= 10.0)):
            severity: FindingSeverity = "critical" if still and error.severity == "fatal" else "warning"
            text = next((p.text for p in reversed(polls) if p.text), "")
            detail = f"{count(error.polls, 'poll')} over {length:.0f} s answered: {text[:300]}"
            found.append(case.finding(f"poll_{error.error}", severity, title, detail, advice, lines=lines))
        elif error.error == "forbidden" and still and length >= 60.0:
            detail = (
                f"{count(error.polls, 'poll')} over {length:.0f} s were refused (403, printed as 'unknown'). "
                "Normal until the default roles are loaded; for ever when an administrator removed or froze them."
            )
            advice = (
                "kubectl get clusterrolebinding system:public-info-viewer -o yaml; it must name system:authenticated"
            )
            found.append(
                case.finding("forbidden_lasting", "warning", "k3s may not read /readyz", detail, advice, lines=lines)
            )
        elif error.error == "connection_refused" and length >= 60.0:
            detail = f"{count(error.polls, 'poll')} over {length:.0f} s found nobody listening."
            advice = (
                "On a server: its API server does not come up. On an agent: no server is up, or a firewall rejects."
            )
            found.append(
                case.finding(
                    "refused_lasting", "warning", "Nothing listens on the API port", detail, advice, lines=lines
                )
            )
    return found
