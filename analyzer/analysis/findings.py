"""Finding rules: what a maintainer would say about a start, with evidence and advice.

Known noise is explained at the end, never a headline; lines after the first sign of a stop are echoes and count for
nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzer.analysis import trouble
from analyzer.analysis.case import Case, count, listing
from analyzer.events.catalogue import causes_in, info
from analyzer.events.masking import mask_secrets
from analyzer.findings import Finding, FindingSeverity, Gap, StartReport
from analyzer.records.book import LogBook
from analyzer.records.model import LogRecord, Payload
from analyzer.window import at_least, at_most

if TYPE_CHECKING:
    from analyzer.analysis.build import Studied

_ORDER = {"critical": 0, "warning": 1, "info": 2}
_SUPPRESSED = re.compile(r"^Suppressed (?P<count>\d+) messages? from (?P<unit>\S+)")
_COUNTER = re.compile(r"restart counter is at (\d+)")
_FLOOR = ("poststarthook/rbac/bootstrap-roles", "poststarthook/scheduling/bootstrap-system-priority-classes")
_LONG_SILENCE_S = 8.0
_STUCK_S = 120.0
_LATE_LINE_S = 0.5
_SLOW_BOOT_S = 4.0
_LOOP = 3
_GREPPED = 40
_FIRST_YEAR = 2019


def diagnose(studied: Studied, book: LogBook) -> tuple[Finding, ...]:
    """Findings on one start, most severe first; equal severities keep the order of the rules."""
    case = Case(studied, book)
    found = trouble.failure(case)
    found += trouble.datastore(case)
    found += trouble.slow_datastore(case)
    found += trouble.still_waiting(case)
    found += trouble.poll_answers(case)
    said = causes_in(studied.verdict.reason or studied.verdict.end_reason or "")
    found += trouble.other_problems(case, {finding.id for finding in found} | {rule.id for rule, _ in said})
    found += _stuck(case, found)
    found += _starved(case) + _gaps(case) + _clock(case) + _unset_clock(case) + _restarted(case)
    found += _lost(case) + _cut(case)
    found += _temporary_etcd(case) + _extraction(case)
    found += _tax(case) + _floor(case) + _poller(case) + _noise(case)
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))


def _stuck(case: Case, others: Sequence[Finding]) -> list[Finding]:
    """The text ends long after the begin, and the start was still waiting."""
    report = case.report
    if report.outcome != "incomplete" or report.cut_at_s is None or report.cut_at_s < _STUCK_S or not report.begin_seen:
        return []
    failing = [check.name for check in report.checks if check.final == "failing"]
    last = next((poll for poll in reversed(report.polls) if poll.error is not None), None)
    if failing:
        waits = f"these checks were failing at last: {', '.join(failing)}"
    elif last is not None:
        waits = f"the last poll answered {last.error}"
    elif any(finding.severity == "critical" for finding in others):
        waits = "see the other findings for what it waits for"
    else:
        waits = "the text does not say for what"
    lines = [(last.source, last.line)] if last is not None and last.line is not None else []
    record = case.studied.start.records[-1]
    detail = f"After {report.cut_at_s:.0f} s the text ends and readiness had not come; {waits}."
    advice = f"k3s gives up after 15 minutes. Follow it: journalctl -fu {case.unit}"
    return [case.finding("stuck", "warning", "Still waiting", detail, advice, [record], lines=lines)]


def _starved(case: Case) -> list[Finding]:
    """Signs of scarce CPU, each with a measured healthy value beside it."""
    signs: list[str] = []
    records: list[LogRecord] = []
    version, serving = case.studied.start.first("apiserver_version"), case.studied.start.first("serving_securely")
    boot = None
    if version is not None and serving is not None:
        begin, end = case.at(version.record), case.at(serving.record)
        boot = end - begin if begin is not None and end is not None else None
    if boot is not None and version is not None and serving is not None and boot >= _SLOW_BOOT_S:
        signs.append(f"the API server took {boot:.1f} s from its version line to serving (1 to 3 s on a free core)")
        records += [version.record, serving.record]
    late = _late_lines(case)
    if late:
        signs.append(f"{count(len(late), 'line')} reached the journal up to {late[0][0]:.1f} s after being written "
                     "(99 % take under 20 ms)")  # fmt: skip
        records += [record for _, record in late]
    slow = _slow_answers(case)
    if slow:
        worst = max(after for after, _ in slow)
        signs.append(f"{count(len(slow), 'poll')} took up to {worst:.1f} s to be answered (3 to 50 ms on a free core)")
        records += [record for _, record in slow]
    silent = [gap for gap in case.report.gaps if gap.kind == "silent" and gap.end_s - gap.begin_s >= _LONG_SILENCE_S]
    if slow and silent:
        signs.append(f"nothing was logged for {max(gap.end_s - gap.begin_s for gap in silent):.1f} s")
    if not signs or (len(signs) == 1 and len(slow) == 1):
        return []  # one slow answer alone is nothing
    severity: FindingSeverity = (
        "warning" if len(signs) > 1 or (boot is not None and boot >= 2 * _SLOW_BOOT_S) else "info"
    )
    advice = (
        "Compare the load at that time (sar -u, or top while it starts). Give the unit more CPU (systemctl show "
        f"-p CPUQuotaPerSecUSec {case.unit}), or start fewer things at once at boot."
    )
    detail = "; ".join(signs) + "."
    return [case.finding("cpu_starved", severity, "The machine was short of CPU", _sentence(detail), advice, records)]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _late_lines(case: Case) -> list[tuple[float, LogRecord]]:
    """klog lines whose journal stamp is far behind their own, the worst first."""
    late: list[tuple[float, LogRecord]] = []
    for record in case.studied.start.process:
        if record.payload is not Payload.KLOG or record.at is None or record.inner_at is None:
            continue
        lag = (record.at.us - record.inner_at.us) / 1e6
        # Whole-second stamps hide a lag, whole hours are another zone.
        if record.at.precision_us < 1_000_000 and _LATE_LINE_S < lag < 600:
            late.append((lag, record))
    return sorted(late, key=lambda pair: -pair[0])


def _slow_answers(case: Case) -> list[tuple[float, LogRecord]]:
    """Printed polls that were read long after their tick; a lower bound, whole ticks of waiting come on top."""
    grid = case.studied.polls.grid
    if grid is None or grid.locked < 2:
        return []
    slow = []
    for sighting in case.studied.polls.sightings:
        if sighting.stamp_s is not None:
            after = sighting.stamp_s - grid.tick_at_or_before(sighting.stamp_s)
            if 0.35 * grid.interval_s < after < 0.98 * grid.interval_s:
                slow.append((after, sighting.line.record))
    return slow


def _gaps(case: Case) -> list[Finding]:
    """Silences before readiness. A frozen process and one that waits for its datastore can look alike.

    A silence in which only the serial rbac hook was still at work is what that hook looks like on a restart: it reads
    without printing. Told apart by the priority classes, whose line normally comes a second after serving.
    """
    report = case.report
    noticed = report.detected.upper
    silent = [gap for gap in report.gaps if gap.kind == "silent" and (noticed is None or gap.begin_s < noticed)]
    long = [gap for gap in silent if gap.end_s - gap.begin_s >= _LONG_SILENCE_S]
    if not long or (not report.begin_seen and len(case.studied.start.process) < _GREPPED):
        return []  # a few lines somebody picked out have holes of their own
    worst = max(long, key=lambda gap: gap.end_s - gap.begin_s)
    length = worst.end_s - worst.begin_s
    missing = _missing_polls(case, worst)
    detail = f"No component wrote a line from {worst.begin_s:.1f} s to {worst.end_s:.1f} s ({length:.1f} s)"
    if len(long) > 1:
        detail += f", and {count(len(long) - 1, 'shorter silence')} over {_LONG_SILENCE_S:g} s besides"
    explained = _only_roles(case, worst) and not _slow_answers(case)
    if missing:
        detail += ". Polls that --debug prints every 2 s are missing as well: the process did not run"
    elif explained:
        detail += ". The rbac hook was still at work, which reads and writes without printing"
    else:
        detail += ". A frozen, swapped or starved process looks like that; so does waiting for a stalled datastore"
    lines = [(worst.source, worst.line)] if worst.line is not None else []
    advice = (
        "Look at what the machine did then: journalctl --since/--until around it without -u, sar, and the hypervisor "
        "(pauses, snapshots, migration)."
    )
    severity: FindingSeverity = "warning" if missing or (not explained and not case.never_ready) else "info"
    title = f"Nothing was logged for {length:.0f} s"
    return [case.finding("frozen_gap", severity, title, detail + ".", advice, lines=lines)]


def _only_roles(case: Case, gap: Gap) -> bool:
    """Whether, when the silence began, the priority classes were done and the rbac hook was not."""
    checks = {check.name: check for check in case.report.checks}
    roles, classes = checks.get(_FLOOR[0]), checks.get(_FLOOR[1])
    if roles is None or classes is None or classes.cleared.lower is None:
        return False
    until = roles.cleared.upper
    return classes.cleared.lower <= gap.begin_s and (until is None or until >= gap.begin_s)


def _missing_polls(case: Case, gap: Gap) -> bool:
    """With ``--debug`` every attempt is printed, so a silence of several intervals is a poller that did not run."""
    stamps = [at for record in case.studied.polls.unchanged if (at := case.at(record)) is not None]
    return bool(stamps) and min(stamps) < gap.begin_s and gap.end_s - gap.begin_s > 8.0


def _clock(case: Case) -> list[Finding]:
    steps = [gap for gap in case.report.gaps if gap.kind == "clock_step"]
    if not steps:
        return []
    detail = f"{count(len(steps), 'step')} during the start: {'; '.join(gap.detail for gap in steps)}."
    basis = case.report.clock.basis
    if basis == "monotonic":
        detail += " Times here count on the monotonic clock and are right across it."
        severity: FindingSeverity = "info"
    else:
        detail += " Times across it are not reliable."
        severity = "warning"
    advice = (
        "Boards without a clock chip start in the past: order k3s after time-sync.target (systemctl enable "
        f"systemd-time-wait-sync). For times that survive a step: journalctl -u {case.unit} -o export"
    )
    lines = [(gap.source, gap.line) for gap in steps if gap.line is not None]
    return [case.finding("clock_step", severity, "The clock was set", detail, advice, lines=lines)]


def _unset_clock(case: Case) -> list[Finding]:
    """The first release of k3s is of 2019: an earlier date is a clock that nobody had set yet."""
    began = case.report.began_at
    if began is None or began.year >= _FIRST_YEAR:
        return []
    detail = (
        f"The stamps say {began:%Y-%m-%d}. Certificates made under a wrong clock are not valid under the right one, "
        "and the other way round."
    )
    advice = (
        "Order k3s after time-sync.target (systemctl enable systemd-time-wait-sync), or give the board a clock chip."
    )
    records = [case.studied.start.began] if case.studied.start.began is not None else []
    return [case.finding("clock_unset", "warning", "The clock was not set", detail, advice, records)]


def _restarted(case: Case) -> list[Finding]:
    """systemd's counter just before the first start of the text: runs that the text does not hold."""
    records = case.studied.start.records
    if not records:
        return []
    before = case.book.records[max(0, records[0].seq - 200) : records[0].seq]
    family = case.report.product
    if any(r.ident == records[0].ident == family or r.ident == family for r in before if r.host == records[0].host):
        return []  # lines of an earlier run: the starts tell it themselves
    counted = [(int(hit[1]), r) for r in before if r.payload is Payload.SYSTEMD and (hit := _COUNTER.search(r.message))]
    counted = [(n, r) for n, r in counted if r.host == records[0].host and family in f"{r.unit or ''} {r.message}"]
    if not counted or counted[-1][0] < _LOOP:
        return []
    number, record = counted[-1]
    detail = f"systemd had started it again {count(number, 'time')} already when this start began."
    pattern = "'level=fatal|Main process exited'"
    advice = f"What ended the earlier ones: journalctl -u {case.units} --no-pager | grep -E {pattern}"
    severity: FindingSeverity = "info" if not case.never_ready else "warning"
    return [case.finding("restarted", severity, "Not the first attempt", detail, advice, [record])]


def _lost(case: Case) -> list[Finding]:
    """Lines that journald dropped, or that went missing on the way."""
    records = case.studied.start.records
    lost: list[tuple[int, LogRecord]] = []
    for record in case.book.records[records[0].seq : records[-1].seq + 1] if records else []:
        hit = _SUPPRESSED.match(record.message)
        ours = hit is not None and ("k3s" in hit["unit"] or "rke2" in hit["unit"])
        if hit is not None and ours and record.host in (None, case.report.host):
            lost.append((int(hit["count"]), record))
    holes = [gap for gap in case.report.gaps if gap.kind == "lost"]
    if not lost and not holes:
        return []
    rule = info("lines_lost")
    parts = []
    if lost:
        parts.append(f"journald suppressed {sum(number for number, _ in lost)} lines in {count(len(lost), 'place')}")
    if holes:
        parts.append(f"lines are missing in {count(len(holes), 'place')} of the text")
    detail = " and ".join(parts) + "; polls and witnesses among them are lost."
    lines = [(gap.source, gap.line) for gap in holes if gap.line is not None]
    return [
        case.finding(
            "lines_lost", "warning", "Lines are missing", detail, rule.advice if rule else "",
            [record for _, record in lost], lines=lines,
        )
    ]  # fmt: skip


def _cut(case: Case) -> list[Finding]:
    """Lines cut by a pager or a paste, and lists that the API client itself cuts."""
    cut = [record for record in case.studied.start.records if record.truncated]
    found: list[Finding] = []
    if cut:
        detail = f"{count(len(cut), 'line')} cut at the right edge or in the middle: what stood there is unknown."
        command = f"journalctl -u {case.units} --no-pager -o export | gzip > {case.unit}.export.gz"
        advice = f"Take the log without the pager: {command}"
        found.append(case.finding("cut_lines", "warning", "Lines are cut", detail, advice, cut))
    lists = [poll for poll in case.report.polls if poll.cut and poll.line is not None and (poll.ok or poll.failing)]
    whole = {(record.source, record.line) for record in cut}
    lists = [poll for poll in lists if (poll.source, poll.line) not in whole]
    if lists:
        hidden = max(len(poll.unseen) for poll in lists)
        detail = f"{count(len(lists), 'check list')} end before the trailer"
        detail += f"; up to {count(hidden, 'check')} not shown count as unseen, not as ok." if hidden else "."
        advice = "k3s' client keeps 2048 bytes of an answer; the whole list: kubectl get --raw '/readyz?verbose'"
        lines = [(poll.source, poll.line) for poll in lists if poll.line is not None]
        found.append(case.finding("cut_list", "info", "Check lists are cut", detail, advice, lines=lines))
    return found


def _temporary_etcd(case: Case) -> list[Finding]:
    begin, end = case.of("temporary_etcd"), case.of("etcd_starting")
    if not begin or not end:
        return []
    first, second = case.at(begin[0].record), case.at(end[0].record)
    if first is None or second is None or second - first < 1.0:
        return []
    detail = (
        f"A restart with embedded etcd first opens a copy of the data to compare certificates: from {first:.1f} s to "
        f"{second:.1f} s ({second - first:.1f} s) before the real etcd was started."
    )
    advice = "It is by design and grows with the database: keep it small (etcdctl endpoint status) and its disk fast."
    return [
        case.finding(
            "temporary_etcd", "info", "A temporary etcd ran first", detail, advice, [begin[0].record, end[0].record]
        )
    ]


def _extraction(case: Case) -> list[Finding]:
    marks = case.of("extracting")
    phase = next((phase for phase in case.report.phases if phase.id == "extract"), None)
    if not marks or phase is None or phase.duration_s.min < 5.0:
        return []
    detail = f"Unpacking the binaries took at least {phase.duration_s.min:.0f} s; it happens once after an upgrade."
    return [
        case.finding(
            "slow_extract", "info", "Unpacking was slow", detail, "A slow disk; the next start will not repeat it.",
            [mark.record for mark in marks],
        )
    ]  # fmt: skip


def _tax(case: Case) -> list[Finding]:
    tax = case.report.polling_tax_s
    if tax is None or tax.max is None or tax.max < 1.0 or case.never_ready:
        return []
    window = f"between {at_least(tax.min)} and {at_most(tax.max)}" if tax.min >= 0.1 else f"at most {at_most(tax.max)}"
    detail = f"The API was ready {window} before k3s noticed: it asks every {case.report.poller.interval_s or 2:g} s."
    advice = (
        "Nothing to set: the interval is fixed. It is a floor under every start that faster hardware does not lower."
    )
    record = case.studied.verdict.detected
    return [
        case.finding("polling_tax", "info", "Readiness was noticed late", detail, advice, [record] if record else [])
    ]


def _floor(case: Case) -> list[Finding]:
    """A start that is as fast as it can be: two hooks wait one second before their first try."""
    serving, ready = case.studied.facts.serving, case.report.ready
    checks = case.report.bottleneck.checks
    if serving is None or ready.upper is None or case.never_ready or not any(name in _FLOOR for name in checks):
        return []
    took = ready.upper - serving.at_s
    if took > 2.0:
        return []
    detail = (
        f"From serving to ready at most {at_most(took)} passed, of which 1 s is by design: rbac/bootstrap-roles and "
        "scheduling/bootstrap-system-priority-classes wait a second before their first try."
    )
    lines = [(serving.source, serving.line)] if serving.line is not None else []
    advice = "No hardware makes this part shorter."
    return [case.finding("one_second_floor", "info", "The hooks were at their floor", detail, advice, lines=lines)]


def _poller(case: Case) -> list[Finding]:
    poller = case.report.poller
    if poller.prints_polls is not False or case.report.polls:
        return []
    banner = case.studied.start.first("starting", "apiserver_version")
    callers = count(case.studied.polls.spec.pollers, "caller asks", "callers ask")
    detail = (
        f"{case.report.version or 'This release'} prints no polls: {callers} once a "
        "second in silence. Readiness is bounded by other components' lines alone."
    )
    advice = "Releases from 1.30.12, 1.31.8, 1.32.4 and 1.33.0 on print every changed answer with the list of checks."
    return [
        case.finding(
            "silent_poller", "info", "The poller of this release is silent", detail, advice,
            [banner.record] if banner else [],
        )
    ]  # fmt: skip


def _noise(case: Case) -> list[Finding]:
    marks = [mark for mark in case.starting if mark.kind == "noise"]
    if not marks:
        return []
    counts: Counter[str] = Counter()
    first: dict[str, LogRecord] = {}
    for mark in marks:
        rule = info(mark.id)
        title = rule.title if rule is not None and rule.title else mark.id
        counts[title] += 1
        first.setdefault(title, mark.record)
    detail = f"{count(len(marks), 'line')} that a healthy start prints as well: {listing(counts)}."
    records = [first[title] for title, _ in counts.most_common(6)]
    return [case.finding("noise_explained", "info", "Lines that look alarming and are normal", detail, "", records)]


def across_starts(reports: Sequence[StartReport]) -> list[StartReport]:
    """Adds findings that need more than one start: crash loops, told on their last start.

    A loop is three or more starts in a row of one unit that failed, or a restart counter of three or more.
    """
    result = list(reports)
    streaks: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    for position, report in enumerate(reports):
        key = (report.host, report.unit)
        if report.outcome == "failed" or (report.outcome != "ready" and report.end.kind == "failed"):
            streaks[key].append(position)
            continue
        _tell_loop(result, streaks.pop(key, []), position)
    for streak in streaks.values():
        _tell_loop(result, streak, None)
    return result


def _tell_loop(result: list[StartReport], streak: list[int], after: int | None) -> None:
    """Adds the finding on ``streak`` to the start after it, or to its last one."""
    if not streak:
        return
    members = [result[position] for position in streak]
    counter = max((_restarts(member) for member in members), default=0)
    if len(members) < _LOOP and counter < _LOOP:
        return
    target = after if after is not None else streak[-1]
    reasons = Counter(_core(member.outcome_reason) for member in members)
    common, times = reasons.most_common(1)[0]
    parts = [f"{count(len(members), 'start')} in a row failed"]
    if counter > len(members):
        parts.append(f"systemd counts {counter} restarts, so more lie before this text")
    begins = [member.began_at for member in members if member.began_at is not None]
    if len(begins) > 1:
        cycle = (begins[-1] - begins[0]).total_seconds() / (len(begins) - 1)
        parts.append(f"one every {cycle:.0f} s")
    if times == len(members):
        parts.append(f"always with the same words: {common}" if common else "none says why")
    else:
        parts.append(f"{times} of them with: {common or 'no reason in the text'}")
    recovered = after is not None and result[after].outcome == "ready"
    if recovered:
        parts.append("then it came up")
    report = result[target]
    unit = (report.unit or "k3s").removesuffix(".service")
    lines = tuple(
        member.end.line for member in members if member.end.line is not None and member.end.source == report.source
    )
    finding = Finding(
        id="crash_loop",
        severity="warning" if recovered else "critical",
        title="It failed again and again" if not recovered else "It came up after failing again and again",
        detail=mask_secrets("; ".join(parts)) + ".",
        advice=f"Stop the loop and start once by hand: sudo systemctl stop {unit}; sudo systemctl start {unit}; "
        f"journalctl -u {unit} --no-pager -o short-precise. See the reason of one start; the others repeat it.",
        lines=lines[-8:],
        source=report.source,
    )
    others = [finding, *(one for one in report.findings if one.id != "restarted")]
    result[target] = replace(report, findings=tuple(sorted(others, key=lambda one: _ORDER[one.severity])))


def _restarts(report: StartReport) -> int:
    numbers = [
        int(hit[1])
        for milestone in report.milestones
        if milestone.id == "restart_scheduled" and (hit := _COUNTER.search(milestone.text)) is not None
    ]
    return max(numbers, default=0)


def _core(reason: str | None) -> str:
    """A reason without what differs from start to start."""
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+\S*|0x[0-9a-f]+|(?<=:)\d{4,5}(?=->)", "…", reason or "")[:300]
