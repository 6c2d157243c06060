"""What the machine did to a start: too little CPU, silence, a clock that jumped, slow unpacking."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from analyzer.analysis.rule_context import RuleContext, count, durations, sentence
from analyzer.analysis.rule_registry import rule
from analyzer.analysis.shared_facts import (
    LONG_SILENCE_S,
    SLOW_BOOT_S,
    late_lines,
    long_silence_s,
    only_roles,
    silences,
    slow_answers,
    surely_s,
)
from analyzer.analysis.unsettled import words_of
from analyzer.events.event import Mark
from analyzer.events.open_waits import wait_lines
from analyzer.records.log_record import LogRecord, Payload
from analyzer.results import Finding, FindingSeverity, Gap
from analyzer.window import at_least, at_most

_TROUBLE = frozenset(("warning", "error", "fatal"))
_GREPPED = 40  # so few lines may have been picked out by hand, with holes of their own
_FIRST_YEAR = 2019
_LONG_IMPORT_S = 5.0
_LIST = ".txt"
_PULL_NEARER = (
    "The next start finds them. A mirror near the nodes ({registries}), or the release's image archives in {images}, "
    "make the first one shorter."
)
_LONG_UNPACK_S, _VERY_LONG_UNPACK_S = 15.0, 60.0  # of RKE2's runtime image; some seconds are usual
_TIMEOUTS_S = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
_CAUGHT_UP_S = 1.0  # of a delay may lie outside of a silence that explains it: until all is written that was held up
_OVER_S = 0.4  # a timer fires late, and its news is printed later still
_TIMED_OUT = re.compile(r"time[d-]? ?out|deadline exceeded|retry|took too long|did not respond|no response", re.I)


@dataclass(frozen=True, slots=True)
class Delay:
    """Something that came ``late_s`` too late, and from when until when it was waited for."""

    late_s: float
    record: LogRecord
    begin_s: float
    end_s: float


@rule("cpu_starved")
def starved(context: RuleContext) -> Iterator[Finding]:
    """Signs of scarce CPU, each with a measured healthy value beside it."""
    signs: list[str] = []
    records: list[LogRecord] = []
    boot = context.boot_s or 0.0
    if boot >= SLOW_BOOT_S:
        signs.append(f"the API server took at least {at_least(boot)} to begin to serve (1 to 3 s on a free core)")
        records += context.boot
    freezes = _freezes(context)
    late, slow = _not_held(_late_lines(context), freezes), _not_held(_slow_answers(context), freezes)
    if late:
        lines = count(len(late), "line")
        signs.append(
            f"{lines} reached the journal late, the worst at least {at_least(late[0].late_s)} after being written "
            "(99 % take under 20 ms)"
        )
        records += [delay.record for delay in late]
    if slow:
        worst = max(delay.late_s for delay in slow)
        signs.append(
            f"{count(len(slow), 'poll')} took long to be answered, up to {at_least(worst)} or more "
            "(3 to 50 ms on a free core)"
        )
        records += [delay.record for delay in slow]
    # Between machines a lost packet does the same.
    shakes = context.of("tls_handshake_timeout") if context.report.role != "agent" else []
    if len(shakes) > 1 or (shakes and signs):
        were = "was" if len(shakes) == 1 else "were"
        signs.append(f"{count(len(shakes), 'TLS handshake')} {were} not finished within 10 s")
        records += [mark.record for mark in shakes]
    silent = silences(context)
    if slow and silent:
        signs.append(f"nothing was logged for at least {at_least(surely_s(context, silent[0]))}")
    if signs and (len(signs) > 1 or len(slow) != 1):  # one slow answer alone is nothing
        strong = len(signs) > 1 or boot >= 2 * SLOW_BOOT_S
        detail = sentence("; ".join(signs)) + "."
        yield context.say("cpu_starved", detail, records, severity="warning" if strong else "info")


def _freezes(context: RuleContext) -> list[Gap]:
    """Silences that no work of the rbac hook explains."""
    return [gap for gap in silences(context) if not only_roles(context, gap)]


def _not_held(spans: Iterable[Delay], freezes: Sequence[Gap]) -> list[Delay]:
    """Without those that a silence explains: nearly all of the delay lies in it."""

    def held(delay: Delay) -> bool:
        frozen_s = sum(max(0.0, min(delay.end_s, gap.end_s) - max(delay.begin_s, gap.begin_s)) for gap in freezes)
        return frozen_s > 0 and delay.late_s - frozen_s <= _CAUGHT_UP_S

    return [delay for delay in spans if not held(delay)]


def _late_lines(context: RuleContext) -> list[Delay]:
    """From when a line was written until it reached the journal."""
    found = ((late, record, context.at(record)) for late, record in late_lines(context))
    return [Delay(late, record, at, at + late) for late, record, at in found if at is not None]


def _slow_answers(context: RuleContext) -> list[Delay]:
    """From when a poll was due until its answer was read."""
    found = ((late, record, context.at(record)) for late, record in slow_answers(context))
    return [Delay(late, record, at - late, at) for late, record, at in found if at is not None]


@rule("frozen_gap")
def silence(context: RuleContext) -> Iterator[Finding]:
    """Silences before readiness. A frozen process and one that waits for its datastore can look alike.

    A silence in which only the serial rbac hook was still at work is what that hook looks like on a restart: it reads
    without printing. Told apart by the priority classes, whose line normally comes a second after serving.
    """
    long = silences(context)
    if not long or (not context.report.begin_seen and len(context.studied.start.process) < _GREPPED):
        return  # a few lines somebody picked out have holes of their own
    worst = long[0]
    length = surely_s(context, worst)
    begin, end = at_most(worst.begin_s + context.report.clock.precision_s), at_least(worst.end_s)
    missing = _missing_polls(context, worst)
    who = "RKE2 itself wrote no" if context.report.product == "rke2" else "No component wrote a"
    detail = f"{who} line from {begin} to {end} (at least {at_least(length)})"
    if len(long) > 1:
        detail += f", and {count(len(long) - 1, 'shorter silence')} over {long_silence_s(context):g} s besides"
    roles = only_roles(context, worst) and not slow_answers(context)
    explained = roles or _tried_meanwhile(context, worst)
    waiting = context.never_ready and bool(context.report.polls) and not explained and not missing
    if context.never_ready and not (missing or waiting or explained) and _goes_on_complaining(context, worst):
        return  # what is said again and again is why it is not ready
    if missing:
        detail += ". Polls that --debug prints every 2 s are missing as well: the process did not run"
    elif waiting:
        detail += ". It was still waiting then; polls that are answered as before are not printed"
    elif explained and not roles:
        detail += (
            ". Before and after it the same message stands: a step that is tried again, and writes only when it fails"
        )
    elif explained:
        detail += ". The rbac hook was still at work, which reads and writes without printing"
    elif held := _held(context, worst):
        detail += (
            f". {sentence(' and '.join(held))} right after it: all stood still and then caught up, which is a freeze "
            "(a paused or migrated machine, a snapshot, swapping) and not too little CPU"
        )
    else:
        detail += ". A frozen, swapped-out or starved process looks like that; so does waiting for a stalled datastore"
    severity: FindingSeverity = "warning" if missing or (not explained and not context.never_ready) else "info"
    title, advice = f"Nothing was logged for {int(length)} s", "" if waiting or explained else None
    yield context.say("frozen_gap", detail + ".", [worst], severity=severity, title=title, advice=advice)


def _tried_meanwhile(context: RuleContext, gap: Gap) -> bool:
    """Whether the lines at both ends of a silence are the same complaint: the pause of a loop, or a slow answer."""
    said = [(at, record) for record in context.studied.start.process if (at := context.at(record)) is not None]
    before = [record for at, record in said if at <= gap.begin_s]
    after = [record for at, record in said if at >= gap.end_s - context.report.clock.precision_s]
    if not before or not after:
        return False
    last, first = before[-1], after[0]
    return last.level in _TROUBLE and last.seq != first.seq and last.message == first.message


def _goes_on_complaining(context: RuleContext, gap: Gap) -> bool:
    """Whether what is said behind a silence is a wait or an error that is said several times."""
    said = [record for record in context.studied.start.process if _complains(record)]
    often = Counter(words_of(record) for record in said)
    behind = (
        r for r in said if (at := context.at(r)) is not None and at >= gap.end_s - context.report.clock.precision_s
    )
    return any(often[words_of(record)] > 1 for record in behind)


def _complains(record: LogRecord) -> bool:
    waits = record.payload is Payload.LOGRUS and any(wait.words.match(record.message) for wait in wait_lines())
    return waits or (record.level in _TROUBLE and record.level != "warning")


def _held(context: RuleContext, freeze: Gap) -> list[str]:
    """What came late only because everything stood still; nothing where there are other signs of scarce CPU."""
    late, slow = _late_lines(context), _slow_answers(context)
    if _not_held([*late, *slow], [freeze]) or (context.boot_s or 0.0) >= SLOW_BOOT_S:
        return []
    said = [f"{count(len(late), 'line')} reached the journal late"] if late else []
    return said + ([f"{count(len(slow), 'poll')} took long to be answered"] if slow else [])


def _missing_polls(context: RuleContext, gap: Gap) -> bool:
    """With ``--debug`` every attempt is printed, so a silence of several intervals is a poller that did not run."""
    stamps = [at for record in context.studied.polls.unchanged if (at := context.at(record)) is not None]
    return bool(stamps) and min(stamps) < gap.begin_s and gap.end_s - gap.begin_s > LONG_SILENCE_S


@rule("gap_like_timeout")
def like_timeout(context: RuleContext) -> Iterator[Finding]:
    """Silences of very nearly the length of a usual time limit that end with words about one. A likeness, no proof."""
    if context.report.clock.precision_s > 0.1:
        return
    noticed = context.report.detected.upper
    timed = [(at, record) for record in context.studied.start.process if (at := context.at(record)) is not None]
    starting = takewhile(lambda line: noticed is None or line[0] <= noticed, timed)
    hits: list[tuple[float, float, LogRecord]] = []
    for (before, _), (at, record) in pairwise(starting):
        limit = next((t for t in _TIMEOUTS_S if -0.02 <= at - before - t <= _OVER_S), None)
        # Short silences are everywhere: only a warning or worse makes one of them worth a word.
        telling = limit is not None and (limit >= 5.0 or record.level in ("error", "fatal", "panic"))
        if limit is not None and telling and not record.gap_before and _TIMED_OUT.search(record.message):
            hits.append((limit, at - before, record))
    # Words that come back at the same distance are a retry every so often, and no time limit.
    words = Counter(record.message[:40] for _, _, record in hits)
    hits = [hit for hit in hits if words[hit[2].message[:40]] == 1]
    if not hits:
        return
    limit, length, record = max(hits, key=lambda hit: hit[0])
    detail = (
        f"About {length:.2f} s without a line, then: {record.message[:200]}. That looks like a timeout of {limit:g} s; "
        "it is a likeness, not a proof."
    )
    if len(hits) > 1:
        detail += f" {count(len(hits) - 1, 'more silence')} of that kind."
    yield context.say("gap_like_timeout", detail, [record for _, _, record in hits])


@rule("clock_step", "clock_unset")
def clock(context: RuleContext) -> Iterator[Finding]:
    """The wall clock jumped, or had not been set at all: the first release of k3s is of 2019."""
    steps = [gap for gap in context.report.gaps if gap.kind == "clock_step"]
    if steps:
        certain = context.report.clock.basis == "monotonic"
        detail = f"{count(len(steps), 'step')} during the start: {'; '.join(gap.detail for gap in steps)}. " + (
            "Times here count on the monotonic clock and are right across it."
            if certain
            else "Times across it are not reliable."
        )
        yield context.say("clock_step", detail, steps, severity="info" if certain else "warning")
    began = context.report.began_at
    if began is not None and began.year < _FIRST_YEAR:
        detail = (
            f"The timestamps say {began:%Y-%m-%d}. Certificates made under a wrong clock are not valid under the right "
            "one, and the other way round."
        )
        first = context.studied.start.began
        yield context.say("clock_unset", detail, [first] if first is not None else [])


@rule("slow_extract", "image_import", "throttled_client")
def disk_work(context: RuleContext) -> Iterator[Finding]:
    """Unpacking before the banner, images imported at the start, and requests held back."""
    marks = context.of("extracting")
    took = next((phase.duration_s.min for phase in context.report.phases if phase.id == "extract"), 0.0)
    if marks and took >= 5.0:
        detail = f"Unpacking the binaries took at least {at_least(took)}; it happens once after an upgrade."
        yield context.say("slow_extract", detail, marks)
    yield from _runtime_unpacked(context)
    yield from _images(context)
    waits = [pair for pair in durations(context.of("throttled_client")) if pair[0] >= 1.0]
    waited = sum(seconds for seconds, _ in waits)
    if waited >= 5.0:
        detail = (
            f"{count(len(waits), 'request')} of the API server's clients waited {at_least(waited)} in sum by choice."
        )
        yield context.say("throttled_client", detail, [mark for _, mark in waits], severity="info")


def _runtime_unpacked(context: RuleContext) -> Iterator[Finding]:
    """RKE2's programs from the runtime image: a line before each file, so the last one's own time is not in it."""
    marks = context.of("runtime_extracting", before_ready=False)
    took = context.spread(marks)
    if took >= _LONG_UNPACK_S:
        slow = context.never_ready and took >= _VERY_LONG_UNPACK_S
        files = count(len(marks), "file")
        detail = f"Unpacking {files} of the runtime image took at least {at_least(took)}; some seconds are usual."
        advice = "Look at the disk under {data} ({disk_load}) and at the load of the CPU." if slow else None
        severity: FindingSeverity = "warning" if slow else "info"
        yield context.say("slow_extract", detail, marks, severity=severity, advice=advice)


def _images(context: RuleContext) -> Iterator[Finding]:
    """Archives, which every start imports; or lists, as RKE2 writes them, of what is pulled unless it is there."""
    images = [pair for pair in durations(context.of("image_import", before_ready=False)) if pair[0] >= _LONG_IMPORT_S]
    pulled = [pair for pair in images if pair[1].groups.get("file", "").endswith(_LIST)]
    kept = [pair for pair in images if pair not in pulled]
    proof = [mark for _, mark in images]
    if kept:
        detail = f"{count(len(kept), 'import')} took {_together(kept)}."
        detail += f" The images of {count(len(pulled), 'list')} were pulled, in {_together(pulled)}." if pulled else ""
        yield context.say("image_import", detail, proof)
    elif pulled:
        yield context.say(
            "image_import", f"The images of {count(len(pulled), 'list')} took {_together(pulled)}.", proof,
            title="Images were pulled", advice=_PULL_NEARER,
        )  # fmt: skip


def _together(pairs: Sequence[tuple[float, Mark]]) -> str:
    return f"{at_least(sum(seconds for seconds, _ in pairs))} together"
