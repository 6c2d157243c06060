"""What is wrong with the text itself: lines dropped by the journal, cut by a pager, or picked out with grep."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from analyzer.analysis.failed_starts import LOOP, RESTARTS
from analyzer.analysis.normal_lines import JUST_LAUNCHED, normal_marks
from analyzer.analysis.rule_context import RuleContext, count, listing
from analyzer.analysis.rule_registry import rule
from analyzer.events.catalogue import info
from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord, Payload
from analyzer.results import Finding
from analyzer.starts.filtered import only_loud
from analyzer.starts.truncated_lines import only_glued

_SUPPRESSED = re.compile(r"^Suppressed (?P<count>\d+) messages? from (?P<unit>\S+)")
# What containerd says, and neither k3s nor RKE2 does.
_CONTAINERD = re.compile(
    r"^(?:starting containerd$|Start |Connect containerd service$|(?:skip |failed to )?load(?:ing)? plugin\b|"
    r"Get image filesystem|containerd successfully booted|metadata content store|serving\.\.\.$|changing OOM score|"
    r"could not use snapshotter |Image(?:Create|Update|Delete) event |"
    r"(?:RunPodSandbox|StopPodSandbox|RemovePodSandbox|PullImage|CreateContainer|StartContainer|StopContainer|"
    r"RemoveContainer|ExecSync|Exec for|TaskExit|TaskOOM|Attach)\b|"
    r"shim (?:disconnected|reaped)|cleaning up (?:dead shim|after shim)|cleanup warnings|received exit event|"
    r"connecting to shim|using (?:legacy|experimental) )"
)
_PICKED = ("grep separator: lines are missing", "lines left out by hand")


@rule("lines_lost")
def lost(context: RuleContext) -> Iterator[Finding]:
    """Lines that journald dropped, or that went missing on the way."""
    records = context.studied.start.records
    dropped: list[tuple[int, LogRecord]] = []
    for record in context.log_records.records[records[0].seq : records[-1].seq + 1] if records else []:
        hit = _SUPPRESSED.match(record.message)
        ours = hit is not None and ("k3s" in hit["unit"] or "rke2" in hit["unit"])
        if hit is not None and ours and record.host in (None, context.report.host):
            dropped.append((int(hit["count"]), record))
    holes = [gap for gap in context.report.gaps if gap.kind == "lost"]
    wordless = [record for record in records if record.lossy and record.lost_before]
    parts = []
    if dropped:
        total = sum(number for number, _ in dropped)
        parts.append(f"journald suppressed {count(total, 'line')} in {count(len(dropped), 'place')}")
    if holes and not _picked(context):
        parts.append(f"lines are missing in {count(len(holes), 'place')} of the log")
    if wordless:
        whose = "its" if len(wordless) == 1 else "their"
        parts.append(f"{count(len(wordless), 'line')} came without {whose} text")
    if not parts:
        return
    detail = " and ".join(parts) + "; polls and witnesses among them are lost."
    title = "Lines are missing"
    if dropped or holes:
        yield context.say("lines_lost", detail, [*(record for _, record in dropped), *holes], title=title)
    else:
        # json without --all prints no text above 4 KiB; the text modes print none with control characters.
        advice = "Take the log with every message whole: {capture}"
        yield context.say("lines_lost", detail, wordless, title=title, advice=advice)


def _picked(context: RuleContext) -> list[LogRecord]:
    """The lines after which something was left out, where the text itself shows that."""
    if not any(context.log_records.ledger.reasons.get(why) for why in _PICKED):
        return []
    return [record for record in context.studied.start.records if record.gap_before]


@rule("cut_lines", "cut_list")
def cut(context: RuleContext) -> Iterator[Finding]:
    """Lines cut by a pager or a paste, and lists that the API client itself cuts."""
    records = [r for r in context.studied.start.records if r.truncated and not only_glued(r)]
    if records:
        detail = f"{count(len(records), 'line')} cut at the right edge or in the middle: what stood there is unknown."
        yield context.say("cut_lines", detail, records)
    lists = [poll for poll in context.report.polls if poll.cut and poll.line is not None and (poll.ok or poll.failing)]
    whole = {(record.source, record.line) for record in records}
    lists = [poll for poll in lists if (poll.source, poll.line) not in whole]
    if lists:
        hidden = max(len(poll.unseen) for poll in lists)
        detail = f"{count(len(lists), 'check list ends', 'check lists end')} before the trailer"
        detail += f"; up to {count(hidden, 'check')} not shown count as unseen, not as ok." if hidden else "."
        yield context.say("cut_list", detail, lists)


@rule("grepped")
def grepped(context: RuleContext) -> Iterator[Finding]:
    """Texts that went through grep or an editor."""
    picked = _picked(context)
    process = context.studied.start.process
    told = [record for record in process if record.payload in (Payload.LOGRUS, Payload.KLOG)]
    if picked:
        detail = f"Lines were left out in {count(len(picked), 'place')}, as grep's separators or dots show."
    elif not context.studied.start.chosen:
        return
    elif only_loud(told):
        detail = f"All {len(told)} lines of k3s and Kubernetes are warnings or worse: a filter kept only those."
    else:
        detail = f"Of {count(len(process), 'line')} some that every such start prints are not there: they were chosen."
    detail += " What is missing is unknown, not absent: nothing here is concluded from a line that is not there."
    yield context.say("grepped", detail, picked or told[:1], severity="warning" if context.never_ready else "info")


@rule("component_log")
def component(context: RuleContext) -> Iterator[Finding]:
    """A text that holds nothing but what containerd writes into its own file."""
    start = context.studied.start
    said = [record for record in start.process if record.payload is Payload.LOGRUS]
    own = [record for record in said if _CONTAINERD.match(record.message)]
    alone = len(own) == len(said) and not any(record.ident or record.klog_pid for record in start.records)
    if own and alone:
        detail = f"{count(len(own), 'line')} of containerd and none of k3s or RKE2 itself."
        yield context.say("component_log", detail, own[:1])


@rule("restarted")
def restarted(context: RuleContext) -> Iterator[Finding]:
    """systemd's counter just before the first start of the text: runs that the text does not hold."""
    family, first = context.report.product, context.studied.start.records[0]
    before = context.log_records.records[max(0, first.seq - 200) : first.seq]
    before = [record for record in before if record.host == first.host]
    if any(record.ident == family for record in before):
        return  # lines of an earlier run: the starts tell it themselves
    counted = [(int(hit[1]), r) for r in before if r.payload is Payload.SYSTEMD and (hit := RESTARTS.search(r.message))]
    counted = [(number, record) for number, record in counted if family in f"{record.unit or ''} {record.message}"]
    if counted and counted[-1][0] >= LOOP:
        number, record = counted[-1]
        detail = f"systemd had started it again {count(number, 'time')} already when this start began."
        yield context.say("restarted", detail, [record], severity="warning" if context.never_ready else "info")


@rule("noise_explained")
def noise(context: RuleContext) -> Iterator[Finding]:
    """Known noise with its number: what stands under "looks bad, but is normal"."""
    marks = normal_marks(context)
    if not marks:
        return
    counts: Counter[str] = Counter()
    first: dict[str, Mark] = {}
    for mark in marks:
        known = context.user.mark(mark.id) or info(mark.id)
        title = (known.headline if known is not None else "") or mark.id
        if known is not None and known.kind == "problem":
            title = JUST_LAUNCHED
        counts[title] += 1
        first.setdefault(title, mark)
    detail = f"{count(len(marks), 'line')} that a healthy start prints as well: {listing(counts)}."
    yield context.say("noise_explained", detail, [first[title] for title, _ in counts.most_common(6)])
