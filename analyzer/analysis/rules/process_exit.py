"""Why the process ended, and which of its last words are only echoes of a stop."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from analyzer.analysis.normal_lines import normal_marks
from analyzer.analysis.reason_before import LOUD, Reason, reason_before
from analyzer.analysis.rule_context import RuleContext, Sourced, count, durations, sentences, times
from analyzer.analysis.rule_registry import PROBLEM, rule
from analyzer.analysis.shared_facts import SLOW
from analyzer.analysis.told_more import told_more
from analyzer.events import chain
from analyzer.events.bare_ends import meaning
from analyzer.events.causes import STEP, Cause, advice_for, cause_of, title_for
from analyzer.events.certificate_times import missed_by
from analyzer.events.check_info import info as check_info
from analyzer.events.event import Mark
from analyzer.events.exit_codes import exit_code
from analyzer.events.products import Filled, advise
from analyzer.events.readyz import abridge
from analyzer.events.redaction import mask_secrets
from analyzer.events.versions import has_dqlite
from analyzer.records.log_record import LogRecord, Payload
from analyzer.records.startup_order import WRAPPER
from analyzer.results import Finding
from analyzer.starts import Start
from analyzer.starts.panics import Panic, headless, panics
from analyzer.starts.reported_ends import KILLS
from analyzer.starts.stop_echoes import is_echo
from analyzer.starts.truncated_lines import ELLIPSIS, readable

_LIMIT_TEXT = "ailed to wait for API server to become ready"
_GAVE_UP = "ailed to wait for apiserver being healthy"
_DEADLY_S = 5.0
_OTHER_LOG = {
    "rancher": "This is Rancher's own log; what its k3s wrote is in a file inside the container: "
    "docker exec <container> tail -n 500 /var/lib/rancher/k3s.log",
    "openrc": "This is the supervisor's log; under OpenRC the service writes into a file: {log}",
}
_OOM = re.compile(r"killed by the OOM killer|systemd-oomd killed|Failed with result 'oom-kill'")
_PATIENCE = re.compile(r"start(?:-pre|-post)? operation timed out|result '(?:timeout|watchdog)'|Watchdog timeout")
_CHILD = re.compile(r"^(containerd|cri-dockerd|etcd|kubelet|dockerd): (?:exit status|signal: )")
_LOGS = {"containerd": "{containerd_log}", "etcd": "{etcd_log}", "kubelet": "{kubelet_log}"}
_YAML = re.compile(r"\byaml: |converting YAML")
_YAML_FILE = re.compile(r"/[\w./-]{1,200}\.ya?ml\b")
_LINES_BEFORE = 3
_TELLING_OF_CUT = 16  # characters of a cut end by which another line is known to be the same
_LINES_ABOVE = 5  # a prompt with the command, and what the wrapper prints
# How the kernel's signals and Go's runtime end a program: the words of the shell, of systemd, of Go.
CRASH = re.compile(
    r"(?i)^(?:panic: |fatal error: |unexpected fault address|SIG(?:SEGV|BUS|ILL|ABRT|FPE|TRAP)\b|\[signal |"
    r"(?:signal: )?(?:segmentation fault|bus error|aborted|illegal instruction|floating point exception))"
)
_FIRST_WORDS = "They are the process's first words, and name the cause: k3slog explain 'MESSAGE' takes them apart."
_ITS_HEAD = (
    "Look at the lines before these: {} stands there, and why: {{log}}. "
    "In RKE2 a kubelet writes its own: {{kubelet_log}}"
)
_NEW_CLUSTER = "--cluster-init"
_DQLITE = (
    "This release keeps the datastore of --cluster-init in dqlite, native code: that makes it the first suspect, which "
    "the log does not prove"
)
_WITHOUT_DQLITE = (
    "Take a release from 1.19 on, which keeps the datastore of --cluster-init in etcd; keep a copy of "
    "{server_data}/server/db first. One server alone needs no --cluster-init: SQLite is then its datastore. Report it "
    "with the release and the whole dump: {log}"
)
_SERVER_ECHO = re.compile(r"server is stopping\W*$|http: Server closed")


@rule(
    "process_failed",
    "failed_step",
    "crashed",
    "killed",
    "systemd_timeout",
    "fifteen_minute_limit",
    "controller_gave_up",
    PROBLEM,
)
def failure(context: RuleContext) -> Iterator[Finding]:
    """Why the process ended, by the table of causes; the line that says it is the evidence."""
    if context.report.end.kind != "failed":
        return
    text = abridge(context.last_words)
    if _LIMIT_TEXT in text:
        yield _fifteen_minutes(context, text)
        return
    if _GAVE_UP in text:
        yield _gave_up(context, text)
        return
    records = _end_line(context)
    cause = cause_of(text, context.report.product, ended=True)
    told_of_cut = ""
    if text.endswith(ELLIPSIS):
        cause, told_of_cut = _of_cut(text, context)
        if (longer := _said_longer(text, context)) is not None:
            words, record = longer
            cause, records, told_of_cut = cause_of(words, context.report.product, ended=True), [*records, record], ""
            text = f"{text} (the line is cut; another one says more: {words})"
    if cause is None or not cause.sure:
        # The root line may only say that something exited; the component's own last words come right before it.
        for mark in reversed(context.of("bare_error", "usage_error", "fatal", "component_exited", before_ready=False)):
            words = mask_secrets(mark.groups.get("cause", mark.record.message))
            other = cause_of(words, context.report.product, ended=True)
            if other is not None and other.sure:
                cause, text, records, told_of_cut = other, words, [mark.record, *records], ""
                break
    cause = _of_bare_words(context, text) or cause
    if cause is None and (last := _last_error(context)) is not None:
        cause, text = cause_of(last.in_layers, context.report.product, ended=True), mask_secrets(last.in_layers)
        records = [last, *records]
    if (reason := reason_before(context, text, _step(context))) is not None:
        cause = _with_reason(context, cause, reason)
        records = [*records, reason.record]
    text += told_of_cut
    after = " after it had become ready" if context.report.outcome == "ready" else ""
    if any("repeated too quickly" in mark.record.message for mark in context.studied.start.marks("systemd_failed")):
        text += ". systemd does not try it again: it was started too quickly again and again (start limit)"
    if cause is not None:
        yield _named(context, cause, text, after, records)
    else:
        yield from _unnamed(context, text, after, records)


def _last_error(context: RuleContext) -> LogRecord | None:
    """The process's very last line, an error with a known cause, where systemd only reports an exit status.

    A part that cannot go on prints its error and calls ``os.Exit`` (the kubelet's container manager does).
    """
    start, end = context.studied.start, context.studied.verdict.end
    if end is None or end.payload is not Payload.SYSTEMD or exit_code(end.message) is None:
        return None
    last = next((record for record in reversed(start.process) if record.seq < end.seq), None)
    noise = {mark.record.seq for mark in normal_marks(context)}
    if last is None or last.level not in ("error", "fatal") or last.seq in noise:
        return None
    cause = cause_of(last.in_layers, context.report.product, ended=True)
    return last if cause is not None and (cause.sure or cause.rule is not None) else None


def _said_longer(text: str, context: RuleContext) -> tuple[str, LogRecord] | None:
    """The inner words of a cut end where another line has more of them: a component prints them before the end."""
    inner = readable(text).rpartition(" exited: ")[2].strip()
    if len(inner) < _TELLING_OF_CUT:
        return None
    for mark in reversed(context.of("bare_error", "usage_error", before_ready=False)):
        words = mask_secrets(mark.record.message).removeprefix("Error: ").strip()
        if words.startswith(inner) and len(words) > len(inner):
            return words, mark.record
    return None


def _of_cut(text: str, context: RuleContext) -> tuple[Cause | None, str]:
    """What an end of which only the first words are left says: its cause where one known message begins so.

    The words for the report say that it is cut, and name the messages that it may be where there are several.
    """
    product, shown = context.report.product, readable(text)
    read = chain.read(shown, product)
    rest = read.inner if read.links else shown[chain.begin_of(shown) :]
    begun = {
        layer: words
        for layer, words in chain.begun_by_cut(rest, product).items()
        if read.links or layer.ends == "process"
    }
    named = [f"“{words}” ({advise(layer.title, context.site)})" for layer, words in begun.items() if layer.title]
    if len(begun) != 1:
        may_be = f"it may be {' or '.join(named)}" if named and len(named) == len(begun) else "what follows is unknown"
        return cause_of(shown, product, ended=True), f" (the line is cut: {may_be})"
    [words] = begun.values()
    cause = cause_of(shown[: len(shown) - len(rest)] + words, product, ended=True)
    told = f" (the line is cut: of the messages that are known, only “{words}” begins so)"
    return cause, told


def _with_reason(context: RuleContext, cause: Cause | None, reason: Reason) -> Cause:
    """The cause of an end that tells no reason, with the one that a line before it tells."""
    error = reason.error
    known = cause or Cause(STEP)
    what = title_for(known, context.site) or advise(context.about(known.finding).title, context.site)
    outer = (
        what.removesuffix(f": {read.short}") if (read := chain.classify(context.last_words)[0]) is not None else what
    )
    because = f"Just before: {_words(reason.record)}"
    means = f"{because}{'' if because.endswith('.') else '.'} {error.means}"
    advice = error.advice or known.advice
    return replace(known, title=Filled(f"{outer}: {error.short}"), means=means, advice=advice, target=reason.target)


def _step(context: RuleContext) -> str:
    """The last line of the process before its end that is no trouble: what it was doing."""
    end = context.studied.verdict.end
    told = [r for r in context.studied.start.process if end is not None and r.seq < end.seq]
    return next((r.message for r in reversed(told) if r.level not in LOUD and r.payload is Payload.LOGRUS), "")


def _of_bare_words(context: RuleContext, text: str) -> Cause | None:
    """The cause of an end whose words are nothing but an error, by what the process was doing."""
    start, end = context.studied.start, context.studied.verdict.end
    if end is None or (start.first("starting") is not None and context.report.outcome == "ready"):
        return None
    told = [r for r in start.process if r.seq < end.seq and r.payload is Payload.LOGRUS]
    early = start.first("starting") is None and all(WRAPPER.match(r.message) for r in told)
    early = early and (start.begin_seen or bool(told))
    alone = end.payload is Payload.SYSTEMD
    last = told[-1].message if told else ""
    product = context.report.product
    found = meaning("" if alone else text, last, early=early, product=product)
    if found is None or (alone and found.last is None):
        return None
    error, target = chain.classify(text)
    title = f"{found.title}: {error.short}" if error is not None and found.words is None and not alone else found.title
    known = cause_of(text, product, ended=True)
    finding = known.finding if known is not None and found.words is not None else "failed_step"
    return Cause(finding, title, found.means, found.advice, None, {}, target)


def _end_line(context: RuleContext) -> list[LogRecord]:
    return [context.studied.verdict.end] if context.studied.verdict.end is not None else []


def _named(context: RuleContext, cause: Cause, text: str, after: str, records: list[LogRecord]) -> Finding:
    """An end whose words are known."""
    groups = cause.groups or {}
    about = context.about(cause.finding)
    named = [f"{name} {value}" for name, value in groups.items() if name in ("address", "flag", "option", "hook")]
    told = [f"The process ended{after}: {chain.shown_whole(text)}" + (f" [{', '.join(named)}]" if named else "")]
    same = _same_problem(context, cause, text, records)
    told += [advise(cause.means, context.site), missed_by(text), *(f"Said before: {context.words(m)}" for m in same)]
    records = [*records, *(mark.record for mark in same)]
    limit = check_info("poststarthook/" + groups["hook"]).limit_s if "hook" in groups else None
    if limit is not None:
        told.append(f"Its limit is {limit:g} s.")
    beside = [mark.record for mark in context.studied.start.announced if mark.id == about.beside]
    if beside:
        told.append(f"Said beside it: {mask_secrets(beside[0].message)[:200]}")
    advice = advice_for(cause, context.site)
    if (file := _file_named_before(context, text)) is not None:
        told.append(f"The line before names the file: {file}")
        advice = Filled(f"Correct {file}; the message names the line.")
    title = title_for(cause, context.site)
    more = told_more(context, _known_as(cause), text, groups)
    if more is not None:
        told[1] = more.means or told[1]
        title, advice = more.title or title, more.advice or advice
        beside += [more.beside] if more.beside is not None else []
    return context.say(about.id, sentences(told), [*records, *beside], severity="critical", title=title, advice=advice)


def _known_as(cause: Cause) -> str:
    """The problem of the catalogue that an end is of, else its finding."""
    return cause.rule.id if cause.rule is not None else cause.finding


def _same_problem(context: RuleContext, cause: Cause, text: str, records: list[LogRecord]) -> list[Mark]:
    """Earlier lines about the very problem that the end names: they say which flag, which file."""
    ids = {cause.rule.id} if cause.rule is not None else set()
    seen = {record.seq for record in records}
    last = context.studied.verdict.end
    found = {
        mark.record.message: mark
        for mark in context.marks
        if mark.id in ids
        and mark.record.seq not in seen
        and (last is None or mark.record.seq < last.seq)
        and not _same_words(mark.record.message, text)
    }
    return list(found.values())[-_LINES_BEFORE:]


def _same_words(message: str, text: str) -> bool:
    """Whether one of two messages only repeats the other."""
    said = message.removeprefix("Error: ").strip()
    return said in text or text in message or (text.rpartition(": ")[2] in said and said.rpartition(": ")[2] in text)


def _file_named_before(context: RuleContext, text: str) -> str | None:
    """The YAML file that the lines just before a YAML error read: the error itself names none."""
    end = context.studied.verdict.end
    if end is None or _YAML.search(text) is None or _YAML_FILE.search(text) is not None:
        return None
    before = [record for record in context.studied.start.process if record.seq < end.seq][-_LINES_BEFORE:]
    found = [hit for record in before if (hit := _YAML_FILE.search(record.message)) is not None]
    return mask_secrets(found[-1][0]) if found else None


def _unnamed(context: RuleContext, text: str, after: str, records: list[LogRecord]) -> Iterator[Finding]:
    """An end whose cause the process itself does not name: a kill, a time limit of systemd, or nothing known."""
    detail = f"The process ended{after}: {text or 'the log does not say why'}"
    memory, timed_out = _memory(context), _systemd_timeout(context)
    if memory:
        words = mask_secrets(memory[0].message)[:200]
        yield context.say("out_of_memory", f"Said beside the end: {words}", memory, severity="critical")
    if timed_out:
        yield context.say("systemd_timeout", f"Said: {timed_out[0].message}", timed_out, severity="critical")
    if CRASH.match(text) is not None:
        yield _crash(context, detail, records)
    elif "killed by signal" in text or "due to signal 9" in text:
        yield context.say("killed", detail, records, severity="critical")
    elif not timed_out and not (memory and records[:1] == memory[:1]):
        advice, before = _where_it_says_more(context, text), []
        if advice is None and text and _says_nothing_before(context):
            advice = _FIRST_WORDS
        elif advice is None and (before := _last_troubles(context)):
            named = "; ".join(f"line {record.line} “{_words(record)}”" for record in before)
            detail += f"{'' if detail.endswith('.') else '.'} The last that went wrong before it: {named}."
            advice = "What these lines name comes first; all that stands around them: {log}"
        yield context.say("process_failed", detail, [*records, *before], severity="critical", advice=advice)


def _says_nothing_before(context: RuleContext) -> bool:
    """Whether the text shows the begin, and the process wrote nothing before the words with which it ended."""
    end, start = context.studied.verdict.end, context.studied.start
    if end is None or end.payload is Payload.SYSTEMD or not start.begin_seen:
        return False  # what systemd reports are not the process's words
    return not any(record.seq < end.seq for record in start.process)


def _crash(context: RuleContext, detail: str, records: list[LogRecord]) -> Finding:
    """A signal or a fault of Go's runtime: where in the program, and what of this release is native code."""
    start = context.studied.start
    frame = next((panic.frame for panic in reversed(panics(start)) if panic.frame and not panic.survived), None)
    told = [detail, f"First in its own code at {frame}" if frame is not None else ""]
    title, advice = "", None
    if has_dqlite(start.version) and _asked_for_cluster(context):
        told.append(_DQLITE)
        advice = _WITHOUT_DQLITE
    elif (more := told_more(context, "crashed", detail)) is not None:
        told.append(more.means)
        title, advice = more.title, more.advice or None
        records = [*records, *([more.beside] if more.beside is not None else [])]
    return context.say("crashed", sentences(told), records, severity="critical", title=title, advice=advice)


@rule("crashed")
def dumped(context: RuleContext) -> Iterator[Finding]:
    """Frames of goroutines without their head: where it ended, though the text does not show why."""
    dump = headless(context.studied.start)
    if dump is None or context.report.end.kind == "failed" or context.studied.start.filtered:
        return
    where = f" in {dump.frame}" if dump.frame is not None else ""
    if dump.on_purpose:
        title = f"A part ended on purpose with a fatal message{where}"
        detail = "The frames are those that a message at fatal level prints with itself: no fault of the program."
        advice = _ITS_HEAD.format("the message itself, at fatal level (F in klog),")
    else:
        title = f"Frames of goroutines{where}: what printed them is not in the log"
        detail = "A panic, a fatal message or a signal that asks for a dump prints them; these begin without it."
        advice = _ITS_HEAD.format("what printed them")
    yield context.say("crashed", detail, dump.records[:1], title=title, advice=advice)


def _asked_for_cluster(context: RuleContext) -> bool:
    """Whether --cluster-init stands in the lines of the start, or in the command just above its banner."""
    records = context.studied.start.records
    above = context.log_records.records[max(0, records[0].seq - _LINES_ABOVE) : records[-1].seq + 1] if records else []
    return any(_NEW_CLUSTER in record.raw for record in above)


def _last_troubles(context: RuleContext) -> list[LogRecord]:
    """The last lines of the process before its end that are warnings or worse and no usual noise."""
    end = context.studied.verdict.end
    passed = {mark.record.seq for mark in normal_marks(context)}
    said = {
        _words(record): record
        for record in context.studied.start.process
        if (end is None or record.seq < end.seq) and record.level in LOUD and record.seq not in passed
    }
    return list(said.values())[-_LINES_BEFORE:]


def _words(record: LogRecord) -> str:
    return mask_secrets(record.with_error)[:200].strip()


def _where_it_says_more(context: RuleContext, text: str) -> str | None:
    child = _CHILD.match(text)
    if text.startswith("exited with") and any(s >= _DEADLY_S for s, _ in durations(context.of(*SLOW))):
        return "The datastore was slow right before; see the finding on it."
    if child is not None:
        return f"{child[1]} ended, and {{product}} with it: its own words are in {_log_of(child[1])}."
    if context.studied.start.first("supervisor_exit") is not None:
        return _OTHER_LOG["rancher" if text.startswith("k3s exited with") else "openrc"]
    return None


def _log_of(child: str) -> str:
    return _LOGS.get(child, f"the lines of {child} before its end: {{log}}")


def _memory(context: RuleContext) -> list[LogRecord]:
    """Lines of the kernel or of systemd that this start's own process was killed for lack of memory."""
    start = context.studied.start
    told = [mark.record for mark in start.announced if mark.id in KILLS]
    told += [mark.record for mark in start.marks("systemd_failed") if _OOM.search(mark.record.message)]
    return sorted(told, key=lambda record: record.seq)


def _systemd_timeout(context: RuleContext) -> list[LogRecord]:
    marks = context.studied.start.marks("systemd_failed")
    return [mark.record for mark in marks if _PATIENCE.search(mark.record.message)]


def _fifteen_minutes(context: RuleContext, text: str) -> Finding:
    failing, last = context.still_failing, context.last_answer
    detail = f"{advise('{product}', context.site)} gave up: {text}"
    if failing:
        detail += f". Still failing: {', '.join(failing)}"
    elif last is not None:
        detail += f". The last answer was {last.error}"
    proof: list[Sourced] = [*_end_line(context), *([last] if last is not None else [])]
    return context.say("fifteen_minute_limit", detail, proof)


def _gave_up(context: RuleContext, text: str) -> Finding:
    """Releases up to 1.20: the controller-manager waits for /healthz itself, for seconds only."""
    failing = context.still_failing
    detail = f"A controller gave up waiting for the API server: {text}"
    if failing:
        detail += f". Still failing: {', '.join(failing)}"
    return context.say("controller_gave_up", detail, _end_line(context))


@rule("panic_survived")
def panicked(context: RuleContext) -> Iterator[Finding]:
    """Panics that the process survived: something in it does not work, and it goes on."""
    lived = [panic for panic in panics(context.studied.start) if panic.survived]
    if not lived:
        return
    (words, frame), _ = Counter((_in_short(panic), panic.frame) for panic in lived).most_common(1)[0]
    where = f", first in its own code at {frame}" if frame is not None else ""
    detail = f"Said {times(lived)}{where}: {words}. The process went on"
    others = list(dict.fromkeys(panic.frame for panic in lived if panic.frame not in (None, frame)))
    if others:
        detail += f". Others panicked at {', '.join(str(one) for one in others[:4])}"
    yield context.say("panic_survived", detail + ".", [panic.record for panic in lived])


def _in_short(panic: Panic) -> str:
    return mask_secrets(panic.words).split("\n", 1)[0][:200].rstrip(". ")


@rule("stopped_early", "cluster_reset", "stop_echo")
def stop(context: RuleContext) -> Iterator[Finding]:
    """A stop on request: no failure of the start, and what is said at fatal level afterwards is its echo."""
    report, verdict = context.report, context.studied.verdict
    if report.end.kind != "stopped" or verdict.end is None:
        return
    done = context.of("cluster_reset_done", before_ready=False)
    if done:
        yield context.say("cluster_reset", f"Said: {context.words(done[-1])}", done)
    elif report.outcome == "stopped":
        when = "" if report.end.at_s is None else f" about {report.end.at_s:.1f} s after its beginning"
        failing = context.still_failing
        detail = f"It was asked to end{when}: {(report.end.reason or verdict.end.message).rstrip('.')}"
        if failing:
            detail += f". Failing when last seen: {', '.join(failing[:4])}{' …' if len(failing) > 4 else ''}"
        yield context.say("stopped_early", detail + ".", [verdict.end])
    if echoes := _echoes(context):
        lines = count(len(echoes), "line")
        detail = f"{lines} at error or fatal level after the stop began: {context.words(echoes[-1])}"
        yield _without_trigger(context, detail, echoes) or context.say("stop_echo", detail, echoes)


def _without_trigger(context: RuleContext, detail: str, echoes: list[Mark]) -> Finding | None:
    """A stop whose trigger the text does not show: an end by itself, where systemd tells of one that nobody asked for.

    ``None``: somebody asked, or the supervisor's words are not in the text.
    """
    start = context.studied.start
    exited = start.first("process_exited")
    if start.first("stop_signal", "systemd_stopping", "systemd_stopped", "api_running", "k3s_running") is not None:
        return None
    first = next((r for r in start.process if context.studied.verdict.stop_sign in (None, r)), echoes[0].record)
    closing = start.first("shutting_down")
    first = min((first, *([closing.record] if closing is not None else [])), key=lambda r: r.seq)
    if exited is None or "status=0" in exited.record.message or first.line is None or start.begin_seen:
        return None
    told = [
        f"{detail}. They say that the process was ending already, not why",
        f"What ended it stands before line {first.line}, which is not in this log",
        f"systemd reports no request to stop, only: {mask_secrets(exited.record.message)}",
    ]
    advice = "Look at the lines before these: the first error there, or systemd's word that it stops the unit: {log}"
    return context.say("stop_echo", sentences(told), [*echoes, exited], severity="warning", advice=advice)


def _echoes(context: RuleContext) -> list[Mark]:
    start, sign = context.studied.start, context.studied.verdict.stop_sign
    marks = start.marks("fatal", "component_exited", "panic", "shutdown_requested")
    after = [mark for mark in marks if sign is not None and mark.record.seq >= sign.seq]
    return list({mark.record.seq: mark for mark in after if _is_echo(start, mark)}.values())


def _is_echo(start: Start, mark: Mark) -> bool:
    text = mark.groups.get("cause", mark.record.message).strip()
    return mark.id == "panic" or is_echo(start, mark.record, text) or _SERVER_ECHO.search(text) is not None
