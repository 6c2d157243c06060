"""What a timeline shows, as plain data: every decision about what may be drawn is made here, once.

Both the library figures and the HTML page draw from these rows, so a bar on the page is a window of the report and
nothing else: a *certain* stretch ends where its window begins, and the window itself is a mark of its own, drawn as
uncertain. An open end is a mark that runs to the edge of the text and says so.

All times are seconds since ``began_at`` of the start, unrounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, Literal

from analyzer.events.check_info import roots
from analyzer.events.terms import answer, phase_words, term
from analyzer.results import Check, Gap, Phase, Poll, StartReport
from analyzer.window import Bound, Span, Window

MARK_LIMIT: Final = 5000  # SVG marks per figure; a browser needs seconds for more
POLLS_ONE_BY_ONE: Final = 200  # above that, neighbouring implied polls overlap and become one bar
CHECK_ROW_LIMIT: Final = 600
POINT_LIMIT: Final = 400  # milestones and gaps drawn each
_BOOT_SHARE: Final = 0.3  # of the shown start that the machine's boot before it may take: it must not press the rest

# Findings each of whose lines shows the datastore slow or failing; others also name a line on which it passed.
_SLOW_LINES: Final = ("slow_datastore", "no_quorum", "too_many_clients")

Ref = tuple[int, int]  # (source, 1-based line)
MarkKind = Literal["phase", "failing", "uncertain", "ok", "unseen", "waiting", "ready", "run", "gap"]
RowKind = Literal["phases", "milestones", "datastore", "ready", "detected", "polls", "check", "gaps"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar from ``begin`` to ``end`` (seconds); an open end of it stops only because the text or the process does."""

    kind: MarkKind
    begin: float
    end: float
    note: str
    refs: tuple[Ref, ...] = ()
    open_begin: bool = False
    open_end: bool = False
    count: int = 1  # polls merged into a run
    error: str | None = None  # of a run
    label: str = ""  # text inside the bar
    matters: bool = False  # of an uncertain one: it decides when the API server was ready


@dataclass(frozen=True, slots=True)
class Dot:
    """A marker at one moment: a poll, a milestone, a clock step, the only sight of a failing check."""

    at: float
    note: str
    refs: tuple[Ref, ...] = ()
    printed: bool = True
    error: str | None = None
    kind: Literal["poll", "milestone", "step", "seen", "trouble"] = "poll"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline. ``window`` is the report's own window of what the row is about."""

    id: str
    kind: RowKind
    label: str
    full: str
    marks: tuple[Mark, ...] = ()
    dots: tuple[Dot, ...] = ()
    window: Window | None = None
    blocker: str = ""  # certain | possible: the row is (or can be) the bottleneck
    extra: bool = False  # shown only on request: a check never seen failing


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows from top to bottom and the range of the shared axis (seconds)."""

    rows: tuple[Row, ...]
    begin: float
    end: float
    focus_end: float  # up to here lies the start itself; a log often runs on for days
    notes: tuple[str, ...] = ()  # what was merged or left out
    boot_begin: float = 0.0  # ``begin``, or that of the machine's boot before it
    focus_begin: float = 0.0  # from here: the start itself, and of the boot no more than fits

    @property
    def drawable(self) -> bool:
        """False when no line of the start has a usable stamp."""
        return self.end > self.begin


def timeline_model(start: StartReport, *, limit: int = MARK_LIMIT) -> Timeline:
    """The rows of one start's timeline, at most ``limit`` marks, with a note for everything merged or left out."""
    begin, end, focus_end = _range(start)
    if not end > begin:
        return Timeline((), 0.0, 0.0, 0.0)
    notes: list[str] = []
    over = max(horizon(start, end), begin)
    rows = [_phase_row(start, over), _milestone_row(start, notes), _datastore_row(start, over)]
    rows += _readiness_rows(start, begin, over)
    checks = _check_rows(start, begin, over, notes)
    gaps = _gap_row(start.gaps, notes)
    fixed = sum(len(r.marks) + len(r.dots) for r in (*rows, *checks, gaps))
    rows += _poll_rows(start.polls, max(200, limit - fixed), notes)
    rows += [gaps, *checks]
    kept = tuple(r for r in rows if r.marks or r.dots or r.kind == "check")
    first = min([begin, *_before(start)])
    return Timeline(
        kept, begin, end, focus_end, tuple(notes), first, max(first, begin - (focus_end - begin) * _BOOT_SHARE)
    )


def _own(start: StartReport) -> list[Phase]:
    """The phases of the start itself, without the machine's boot before it."""
    return [phase for phase in start.phases if phase.id != "boot"]


def _boot(start: StartReport) -> Phase | None:
    """The machine's boot before the start, where its begin is known."""
    return next((phase for phase in start.phases if phase.id == "boot" and phase.begin.upper is not None), None)


def _before(start: StartReport) -> list[float]:
    """Moments of the machine before the start; none where no date ties them to it."""
    if start.began_at is None:
        return []
    boot = _boot(start)
    return _finite([*(stone.at_s for stone in start.before), boot.begin.upper if boot is not None else None])


def horizon(start: StartReport, end: float) -> float:
    """The last moment (seconds) at which anything of the start can have happened: the process's end, else ``end``."""
    if start.end.kind != "running" and start.end.at_s is not None:
        return min(end, start.end.at_s)
    return end


def _range(start: StartReport) -> tuple[float, float, float]:
    """Begin and end of all that is known, and up to where the start itself goes."""
    over = start.detected.upper if start.detected.upper is not None else start.ready.upper
    until = math.inf if over is None else over
    windows = [start.ready, start.detected, *(c.cleared for c in start.checks)]
    windows += [window for phase in _own(start) for window in (phase.begin, phase.end)]
    last = [start.cut_at_s, start.end.at_s]
    last += [at for check in start.checks for at in (check.failing_until_s, check.first_seen_failing_s)]
    polls = _finite(p.at_s for p in start.polls)
    stones = _finite(m.at_s for m in start.milestones)
    focus = _finite(end for window in windows for end in (window.lower, window.upper))
    gaps = (at for gap in start.gaps for at in (gap.begin_s, gap.end_s))
    everything = [*focus, *polls, *stones, *_finite(last), *_finite(gaps)]
    if not everything:
        return 0.0, 0.0, 0.0
    focus += [at for at in polls if at <= until] + [at for at in stones if at <= until * 1.25 + 2]
    focus += _finite(last) if over is None else []
    begin = min(0.0, *everything) if start.began_at is not None else min(everything)
    end = max(everything)
    if end <= begin:
        end = begin + 1.0  # a single moment still deserves a picture
    focus_end = min(end, max(focus, default=end))
    return begin, end, focus_end if focus_end > begin else end


def _finite(moments: Iterable[float | None]) -> list[float]:
    return [at for at in moments if at is not None and math.isfinite(at)]


def _ref(source: int, line: int | None) -> Ref | None:
    return None if line is None else (source, line)


def _refs(*refs: Ref | None) -> tuple[Ref, ...]:
    """Those that name a line, each once, in order."""
    return tuple(dict.fromkeys(ref for ref in refs if ref is not None))


def bound_words(kind: Bound, witness: str | None = None) -> str:
    """What an end of a window rests on, in words."""
    words = term("bound", kind).meaning
    return f"{words}, rule {witness}" if witness else words


def basis(window: Window) -> str:
    """What both ends of a window rest on, in words; empty when it has none."""
    ends = (
        ("after", window.lower, window.lower_kind, window.lower_witness),
        ("not later than", window.upper, window.upper_kind, window.upper_witness),
    )
    return "; ".join(f"{word}: {bound_words(kind, witness)}" for word, at, kind, witness in ends if at is not None)


def _uncertain(
    window: Window, begin: float, end: float, what: str, *, matters: bool = False, label: str = ""
) -> tuple[Mark, ...]:
    """The window itself as a mark; open ends run to the edge of the text. Nothing for a window of width zero."""
    low = begin if window.lower is None else window.lower
    high = end if window.upper is None else window.upper
    if high <= low:
        return ()
    why = basis(window)
    note = (what if window.upper is None else f"{what} somewhere in here") + (f"; {why}" if why else "")
    ends = window.lower is None, window.upper is None
    return (Mark("uncertain", low, high, note, window.refs, *ends, label=label, matters=matters),)


def _maybe(window: Window, start: StartReport, what: str) -> str:
    if window.upper is not None:
        return what
    ended = f"; the process {start.end.kind} at the end of it" if start.end.kind != "running" else ""
    return f"{what}? Not seen: if it did, then somewhere in here{ended}"


def _phase_row(start: StartReport, end: float) -> Row:
    phases, boot = _own(start), _boot(start)
    marks: list[Mark] = []
    if boot is not None and boot.begin.upper is not None and boot.begin.upper < 0:
        words = phase_words(boot.id)
        note = f"phase {words}: the machine, before it started the unit; it began before this, unseen"
        refs = _refs(boot.begin.upper_ref)
        marks.append(Mark("phase", boot.begin.upper, 0.0, note, refs, open_begin=True, label=words))
    cuts: dict[tuple[float | None, float | None], Mark] = {}
    for phase in phases:
        words = phase_words(phase.id)
        low, high = phase.begin.upper, phase.end.lower
        if low is not None and high is not None and high > low:
            refs = _refs(phase.begin.upper_ref, phase.end.upper_ref)
            marks.append(Mark("phase", low, high, f"phase {words}: certainly in this phase", refs, label=words))
        for window, what in ((phase.begin, f"phase {words} begins"), (phase.end, f"phase {words} ends")):
            if window.lower is None:
                continue
            cuts.pop((window.lower, window.upper), None)  # the next phase begins where this one ends: say it once
            said = what if window.upper is not None else f"{what}: not seen, if at all then somewhere in here"
            for mark in _uncertain(window, window.lower, end, said):
                cuts[window.lower, window.upper] = mark
    return Row("phases", "phases", "Phases", "Phases of the start", (*marks, *cuts.values()))


def _milestone_row(start: StartReport, notes: list[str]) -> Row:
    stones = [*start.before, *start.milestones]
    timed = [(m, m.at_s, term("milestone", m.id).short) for m in stones if m.at_s is not None]
    if len(timed) > POINT_LIMIT:
        notes.append(f"{len(timed)} milestones: the first {POINT_LIMIT} are drawn, all are in the table")
    dots = tuple(
        Dot(at, f"milestone {short}", _refs(_ref(m.source, m.line)), kind="milestone", label=short)
        for m, at, short in timed[:POINT_LIMIT]
    )
    return Row("milestones", "milestones", "Milestones", "Named lines of the start", (), dots)


def _datastore_row(start: StartReport, end: float) -> Row:
    """When it waited for its datastore, when that was ready, when its checks failed, and lines that show it slow."""
    marks = [*_datastore_phase(start, end), *_failing_probes(start, end)]
    dots = [
        Dot(m.at_s, "the datastore was ready", _refs(_ref(m.source, m.line)), kind="milestone")
        for m in start.milestones
        if m.id == "datastore_ready" and m.at_s is not None
    ]
    for finding in (one for one in start.findings if one.id in _SLOW_LINES):
        timed = zip(finding.lines, finding.moments, strict=False)
        dots += [
            Dot(at, finding.title, _refs(_ref(finding.source, line)), kind="trouble")
            for line, at in timed
            if at is not None
        ]
    full = "The datastore: waited for, ready, slow or failing"
    return Row("datastore", "datastore", "Datastore", full, tuple(marks), tuple(dots))


def _datastore_phase(start: StartReport, end: float) -> Iterator[Mark]:
    phase = next((phase for phase in start.phases if phase.id == "datastore"), None)
    if phase is None or phase.end.lower is None:
        return
    low, high = phase.begin.upper, phase.end.lower
    if low is not None and high > low:
        refs = _refs(phase.begin.upper_ref, phase.end.upper_ref)
        yield Mark("waiting", low, min(high, end), "certainly waiting for the datastore", refs)
    seen = phase.end.upper is not None
    yield from _uncertain(phase.end, high, end, "the datastore was ready" if seen else "the wait ends: not seen")


def _failing_probes(start: StartReport, end: float) -> Iterator[Mark]:
    """The stretches in which a check of the datastore was certainly failing, those of several once."""
    found: dict[tuple[float, float], Mark] = {}
    for check in start.checks:
        if check.name in roots()["datastore"].probes:
            failing = (mark for mark in check_marks(check, 0.0, end) if mark.kind == "failing")
            for mark in failing:
                found.setdefault((mark.begin, mark.end), replace(mark, note=f"the check {check.name}: {mark.note}"))
    yield from found.values()


def _ready_marks(start: StartReport, begin: float, end: float, who: str) -> Iterator[Mark]:
    ready, until = start.ready, start.detected.upper
    if ready.lower is not None and ready.lower > begin:
        why = bound_words(ready.lower_kind, ready.lower_witness)
        said = f"/readyz was certainly not OK yet ({why})"
        yield Mark("waiting", begin, min(ready.lower, end), said, _refs(ready.lower_ref))
    if ready.lower is not None or ready.upper is not None:
        told = "turned OK in here" if ready.upper is not None else "not seen"
        what = _maybe(ready, start, "/readyz turned OK")
        yield from _uncertain(ready, begin, end, what, matters=True, label=told)
    if ready.upper is not None and until is not None and until > ready.upper:
        yield Mark(
            "ready", ready.upper, until, f"/readyz was OK, {who} had not asked again yet", _refs(ready.upper_ref)
        )


def _readiness_rows(start: StartReport, begin: float, end: float) -> Iterator[Row]:
    detected, who = start.detected, term("observer", start.observer).short
    marks = tuple(_ready_marks(start, begin, end, who))
    if marks:
        yield Row("ready", "ready", "/readyz OK", "When /readyz turned OK and stayed so", marks, (), start.ready)
    if detected.upper is not None:
        note = f"{who} noticed that it is ready"
        seen = _uncertain(detected, begin, end, note)
        dot = Dot(detected.upper, note, detected.refs, kind="milestone", label="noticed")
        full = f"When {who} got its successful answer"
        yield Row("detected", "detected", f"{who} noticed", full, seen, () if seen else (dot,), detected)


def clearing_order(check: Check) -> tuple[float, float, str]:
    """Sort key: the order in which checks cleared; those never seen to clear come last."""
    window = check.cleared
    return (
        math.inf if window.upper is None else window.upper,
        -math.inf if window.lower is None else window.lower,
        check.name,
    )


def short_name(name: str, width: int = 60) -> str:
    """A check's name as an axis label: without ``poststarthook/``, cut in the middle above ``width`` characters."""
    name = name.removeprefix("poststarthook/")
    if len(name) <= width:
        return name
    head = (width - 1) * 2 // 3
    return f"{name[:head]}…{name[-(width - 1 - head) :]}"


def _check_rows(start: StartReport, begin: float, end: float, notes: list[str]) -> list[Row]:
    ordered = sorted(start.checks, key=clearing_order)
    if len(ordered) > CHECK_ROW_LIMIT:
        failing_first = sorted(ordered, key=lambda c: (not c.seen_failing, c.last_blocker == "no"))[:CHECK_ROW_LIMIT]
        notes.append(
            f"{len(ordered)} checks: {CHECK_ROW_LIMIT} are drawn (those seen failing first), all are in the table"
        )
        ordered = sorted(failing_first, key=clearing_order)
    any_failing = any(c.seen_failing for c in ordered)
    blockers = dict.fromkeys(start.bottleneck.checks, start.bottleneck.certainty)
    return [
        Row(
            check.name,
            "check",
            short_name(check.name),
            check.name,
            check_marks(check, begin, end, certain=blockers.get(check.name) == "certain"),
            _only_sight(check),
            check.cleared,
            blocker=blockers.get(check.name, ""),
            extra=any_failing and not check.seen_failing,
        )
        for check in ordered
    ]


def check_marks(check: Check, begin: float, end: float, *, certain: bool = False) -> tuple[Mark, ...]:
    """The states of one check over ``[begin, end]``: unseen, certainly failing, the uncertain window, ok.

    Certainly failing runs from the first sight of it to the lower end of the window; what lies before the first sight
    is unseen, not failing. A check never seen failing has only its window. ``certain``: it is the bottleneck.
    """
    window = check.cleared
    marks: list[Mark] = []
    low = window.lower
    if low is None and window.upper is None:
        return (Mark("unseen", begin, end, "the log does not say when this check cleared"),)
    if check.seen_failing and low is not None:
        # the window starts when the request left, which is before the answer that names the check
        first = low if check.first_seen_failing_s is None else min(check.first_seen_failing_s, low)
        if first > begin:
            marks.append(Mark("unseen", begin, min(first, end), "nothing seen of this check yet"))
        if low > first:
            reasons = f"; reasons printed: {', '.join(check.reasons)}" if check.reasons else ""
            refs = _refs(check.first_seen_failing_ref, window.lower_ref)
            marks.append(Mark("failing", first, low, f"certainly failing{reasons}", refs))
    elif low is not None and low > begin:
        marks.append(
            Mark("unseen", begin, min(low, end), "cannot have cleared yet; never seen failing", window.refs[:1])
        )
    what = "it turned OK"
    if window.upper is None:
        seen = "last seen failing; " if check.failing_at_last else ""
        what = f"{seen}not seen to turn OK: if it did, then somewhere in here"
    marks += _uncertain(window, begin, end, what, matters=certain)
    if window.upper is not None and end > window.upper:
        marks.append(Mark("ok", window.upper, end, "certainly OK", _refs(window.upper_ref)))
    return tuple(marks)


def _only_sight(check: Check) -> tuple[Dot, ...]:
    """A check seen failing once has no certain stretch; the sight itself is shown instead."""
    first, low = check.first_seen_failing_s, check.cleared.lower
    if not check.seen_failing or first is None or (low is not None and first < low):
        return ()
    refs = _refs(check.first_seen_failing_ref, check.cleared.lower_ref)
    return (Dot(first if low is None else low, "seen failing by this poll alone", refs, kind="seen"),)


def _gap_row(gaps: Sequence[Gap], notes: list[str]) -> Row:
    marks: list[Mark] = []
    dots: list[Dot] = []
    if len(gaps) > POINT_LIMIT:
        notes.append(f"{len(gaps)} gaps: the {POINT_LIMIT} longest are drawn, all are in the table")
    shown = sorted(gaps, key=lambda g: g.begin_s - g.end_s)[:POINT_LIMIT]
    for gap in sorted(shown, key=lambda g: (g.begin_s, g.end_s)):
        label = term("gap", gap.kind).short
        note = label + (f": {gap.detail}" if gap.detail else "")
        refs = _refs(_ref(gap.source, gap.line))
        if gap.kind == "clock_step" or gap.end_s <= gap.begin_s:
            dots.append(Dot(gap.begin_s, note, refs, kind="step", label=label))
        else:
            marks.append(Mark("gap", gap.begin_s, gap.end_s, note, refs, label=label))
    return Row("gaps", "gaps", "Gaps, clock", "Silence, lost lines and clock steps", tuple(marks), tuple(dots))


def _poll_rows(polls: Sequence[Poll], budget: int, notes: list[str]) -> list[Row]:
    """One row per error class in the order of first sight; neighbours merged when there are too many to see."""
    timed = [p for p in polls if p.at_s is not None]
    groups: list[list[Poll]] = [[p] for p in timed]
    if len(timed) > min(POLLS_ONE_BY_ONE, budget):
        groups = _merge(timed, same_list=True)
        if len(groups) > budget:
            groups = _merge(timed, same_list=False)
        while len(groups) > budget:
            groups = _halve(groups)
        if len(groups) < len(timed):
            notes.append(
                f"{len(timed)} polls are drawn as {len(groups)} marks: neighbouring polls of one error class are "
                "merged into a bar that says how many it stands for"
            )
    rows: dict[str | None, tuple[list[Mark], list[Dot]]] = {}
    before: Poll | None = None
    for group in groups:
        marks, dots = rows.setdefault(group[0].error, ([], []))
        if len(group) == 1:
            dots.append(_poll_dot(group[0], before))
        else:
            marks.append(_run(group, before))
        before = next((p for p in reversed(group) if p.line is not None), before)
    return [
        Row(
            f"polls:{error or 'ok'}",
            "polls",
            answer(error).short,
            f"Polls answered with {error}" if error else "The poll that was answered OK",
            tuple(marks),
            tuple(dots),
        )
        for error, (marks, dots) in rows.items()
    ]


def _merge(polls: Iterable[Poll], *, same_list: bool) -> list[list[Poll]]:
    """Runs of neighbours with one error class; with ``same_list`` only implied ones with one list of checks."""

    def alike(place: tuple[int, Poll]) -> object:
        number, poll = place
        return (poll.error, poll.failing, number if poll.printed else -1) if same_list else poll.error

    return [[poll for _, poll in run] for _, run in groupby(enumerate(polls), key=alike)]


def _halve(groups: list[list[Poll]]) -> list[list[Poll]]:
    """Neighbouring groups of one error class joined by twos, per class: half as many, or the classes themselves."""
    by_error: dict[str | None, list[list[Poll]]] = {}
    for group in groups:
        by_error.setdefault(group[0].error, []).append(group)
    joined = []
    for same in by_error.values():
        joined += [[poll for part in same[i : i + 2] for poll in part] for i in range(0, len(same), 2)]
    return sorted(joined, key=lambda g: g[0].at_s or 0.0)


def _poll_note(poll: Poll) -> str:
    seen = "printed" if poll.printed else "implied: a tick of the poller, which prints only what is new"
    told = (
        (True, answer(poll.error).short),
        (poll.error is not None, seen),
        (poll.failing, f"{len(poll.failing)} failing: {listed(poll.failing)}"),
        (poll.cut, "the list is cut"),
    )
    return "; ".join(words for holds, words in told if holds)


def zone_words(start: StartReport) -> str:
    """``UTC+05:30`` or that it is not known."""
    offset = start.began_at.strftime("%z") if start.began_at is not None else ""
    zone = start.clock.utc_offset or (f"{offset[:3]}:{offset[3:5]}" if offset else "")
    return f"UTC{zone}" if zone else "zone not known"


def listed(names: Sequence[str], most: int = 6) -> str:
    """The first names in words, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _poll_dot(poll: Poll, before: Poll | None) -> Dot:
    """``before``: the last poll printed. An implied one repeats what that said, so its line is the evidence."""
    unprinted = poll.line is None and poll.error is not None
    shown = before if unprinted and before is not None and before.error == poll.error else poll
    return Dot(poll.at_s or 0.0, _poll_note(poll), _refs(_ref(shown.source, shown.line)), poll.printed, poll.error)


def _run(group: Sequence[Poll], before: Poll | None) -> Mark:
    first, last = group[0], group[-1]
    printed = sum(p.printed for p in group)
    note = f"{len(group)} polls: {answer(first.error).short} ({printed} printed, {len(group) - printed} implied)"
    if first.failing:
        note += f"; failing: {listed(first.failing)}"
    refs = _refs(*(_ref(p.source, p.line) for p in group))[:3]
    if not refs and before is not None and before.error == first.error:
        refs = _refs(_ref(before.source, before.line))
    begin, end = first.at_s or 0.0, last.at_s or 0.0
    return Mark("run", begin, max(begin, end), note, refs, count=len(group), error=first.error, label=f"×{len(group)}")


def blame_rows(start: StartReport) -> list[tuple[str, Span]]:
    """Checks with a known exclusive time (seconds), the worst first; those certainly at zero are left out."""
    known = [(c.name, c.exclusive_s) for c in start.checks if c.exclusive_s is not None]
    rows = [(name, span) for name, span in known if span.max is None or span.max > 0]
    return sorted(rows, key=lambda r: (-r[1].min, -(math.inf if r[1].max is None else r[1].max), r[0]))
